/* report_field.c - reading a record by its list. */
#include <math.h>
#include <stdint.h>

#include "report_private.h"

double xbtab__field_real(const xbtab_field *field, const void *record)
{
    return field->derive ? field->derive(record) : *(const double *)xbtab__field_at(field, record);
}

static long long whole_at(xbtab_field_kind kind, const void *at)
{
    switch (kind) {
    case XBTAB_FIELD_LONG:
        return *(const long *)at;
    case XBTAB_FIELD_UNSIGNED:
        return (long long)*(const unsigned long *)at;
    case XBTAB_FIELD_BOOL:
        return *(const bool *)at;
    default:
        return *(const int *)at;
    }
}

long long xbtab__field_whole(const xbtab_field *field, const void *record)
{
    return field->whole ? field->whole(record) : whole_at(field->kind, xbtab__field_at(field, record));
}

const char *xbtab__field_word(const xbtab_field *field, const void *record)
{
    const void *at = xbtab__field_at(field, record);
    return field->word                       ? field->word(record)
           : field->kind == XBTAB_FIELD_TEXT ? at
                                             : *(const char *const *)at;
}

const char *xbtab__field_rows(const xbtab_field *field, const void *record, size_t *n)
{
    const void *at = xbtab__field_at(field, record);
    *n = (size_t)whole_at(field->count_kind, (const char *)record + field->count);
    return field->is_within ? at : *(const char *const *)at;
}

bool xbtab__field_is_there(const xbtab_field *field, const void *record)
{
    if (field->when && !field->when(record)) return false;
    if (field->kind == XBTAB_FIELD_REAL) return isfinite(xbtab__field_real(field, record));
    return !xbtab__field_is_word(field) || xbtab__field_word(field, record);
}

bool xbtab__form_is_value(const xbtab_form *form)
{
    return form->n == 1 && !form->field[0].key && form->field[0].kind != XBTAB_FIELD_RECORD;
}

static const xbtab_field real[] = {{.kind = XBTAB_FIELD_REAL, .absent = XBTAB_ABSENT_NULL}},
                         whole[] = {{.kind = XBTAB_FIELD_LONG}}, word[] = {{.kind = XBTAB_FIELD_WORD}};
const xbtab_form xbtab_form_real = XBTAB_FORM(double, real);
const xbtab_form xbtab_form_whole = XBTAB_FORM(long, whole);
const xbtab_form xbtab_form_word = XBTAB_FORM(char *, word);

const xbtab_form *const *xbtab_forms(void)
{
    static const xbtab_form *const all[] = {&xbtab_form_fit_error, NULL};
    return all;
}
