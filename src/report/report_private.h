/* report_private.h - reading a record by its list. */
#ifndef XBTAB_REPORT_PRIVATE_H
#define XBTAB_REPORT_PRIVATE_H

#include <stdbool.h>

#include <xbartab/report.h>

static inline const void *xbtab__field_at(const xbtab_field *field, const void *record)
{
    return (const char *)record + field->offset;
}

static inline bool xbtab__field_is_word(const xbtab_field *field)
{
    return field->kind == XBTAB_FIELD_WORD || field->kind == XBTAB_FIELD_TEXT;
}

/** Whether it is one value, not a struct or a list. */
static inline bool xbtab__field_is_single(const xbtab_field *field)
{
    return field->kind < XBTAB_FIELD_RECORD;
}

/** Whether a record of it is one value or one list, with no name about it. */
bool xbtab__form_is_value(const xbtab_form *form);

/** Whether there is something to print. */
bool xbtab__field_is_there(const xbtab_field *field, const void *record);

/** Of a REAL. */
double xbtab__field_real(const xbtab_field *field, const void *record);

/** Of an INT, LONG, FLAG, BOOL or UNSIGNED, whose largest values wrap around. */
long long xbtab__field_whole(const xbtab_field *field, const void *record);

/** Of a WORD or TEXT. */
const char *xbtab__field_word(const xbtab_field *field, const void *record);

/** Rows of a LIST or BY_NAME. */
const char *xbtab__field_rows(const xbtab_field *field, const void *record, size_t *n);

#endif
