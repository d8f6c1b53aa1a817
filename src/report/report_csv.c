/* report_csv.c - records as lines of a table. */
#include <string.h>

#include "report_private.h"

static void put_word(FILE *stream, const char *word)
{
    if (!strpbrk(word, ",\"\r\n")) {
        fputs(word, stream);
        return;
    }
    fputc('"', stream);
    for (; *word; word++) fprintf(stream, *word == '"' ? "\"\"" : "%c", *word);
    fputc('"', stream);
}

static void put_value(FILE *stream, const xbtab_field *field, const void *record)
{
    if (!xbtab__field_is_there(field, record)) return;
    if (field->kind == XBTAB_FIELD_REAL) {
        fprintf(stream, "%.9g", xbtab__field_real(field, record));
    } else if (xbtab__field_is_word(field)) {
        put_word(stream, xbtab__field_word(field, record));
    } else if (field->kind == XBTAB_FIELD_UNSIGNED) {
        fprintf(stream, "%llu", (unsigned long long)xbtab__field_whole(field, record));
    } else {
        fprintf(stream, "%lld", xbtab__field_whole(field, record));
    }
}

/* Keys where record is NULL. A place is kept for all of a struct that is not there. */
static void put_line(FILE *stream, const xbtab_form *form, const void *record, bool is_there,
                     const char *within, bool *is_first)
{
    for (size_t k = 0; k < form->n; k++) {
        const xbtab_field *f = &form->field[k];
        if (f->kind == XBTAB_FIELD_LIST || f->kind == XBTAB_FIELD_BY_NAME) continue;
        if (f->kind == XBTAB_FIELD_RECORD) {
            char inner[128];
            snprintf(inner, sizeof inner, "%s%s%s", within, f->key ? f->key : "", f->key ? "." : "");
            put_line(stream, f->form, record ? xbtab__field_at(f, record) : NULL,
                     record && is_there && xbtab__field_is_there(f, record), inner, is_first);
            continue;
        }
        if (!*is_first) fputc(',', stream);
        *is_first = false;
        if (!record) {
            fprintf(stream, "%s%s", within, f->key);
        } else if (is_there) {
            put_value(stream, f, record);
        }
    }
}

void xbtab_report_csv(FILE *stream, const xbtab_form *form, const void *records, size_t n)
{
    const char *record = records;
    bool is_first = true;
    put_line(stream, form, NULL, true, "", &is_first);
    fputc('\n', stream);
    for (size_t k = 0; k < n; k++) {
        is_first = true;
        put_line(stream, form, record + k * form->size, true, "", &is_first);
        fputc('\n', stream);
    }
}
