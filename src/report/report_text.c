/* report_text.c - records as texts with values in them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report_private.h"

enum { MOST_FORMAT = 16 };

/* The field that a name of n characters leads to, and the record that has it. NULL = there is none of that name. */
static const xbtab_field *find(const xbtab_form *form, const void **record, const char *name, size_t n)
{
    const char *dot = memchr(name, '.', n);
    size_t own = dot ? (size_t)(dot - name) : n;
    for (size_t k = 0; k < form->n; k++) {
        const xbtab_field *f = &form->field[k];
        const void *within = xbtab__field_at(f, *record);
        if (!f->key) {
            const xbtab_field *found = find(f->form, &within, name, n);
            if (!found) continue;
            *record = within;
            return found;
        }
        if (strlen(f->key) != own || strncmp(f->key, name, own) != 0) continue;
        if (!dot) return f;
        if (f->kind != XBTAB_FIELD_RECORD) return NULL;
        *record = within;
        return find(f->form, record, dot + 1, n - own - 1);
    }
    return NULL;
}

/* form: what stands between % and the value's own letters, such as "-8.3f". */
static void put_value(FILE *stream, const xbtab_field *f, const void *record, const char *format,
                      double scale)
{
    char whole[2 * MOST_FORMAT], letter = *format ? format[strlen(format) - 1] : '\0';
    size_t n = letter && strchr("dfegsu", letter) ? strlen(format) - 1 : strlen(format);
    if (!xbtab__field_is_there(f, record) || !xbtab__field_is_single(f)) {
        snprintf(whole, sizeof whole, "%%%s%ds", *format == '-' ? "-" : "", abs(atoi(format)));
        fprintf(stream, whole, "-");
    } else if (xbtab__field_is_word(f)) {
        snprintf(whole, sizeof whole, "%%%.*ss", (int)n, format);
        fprintf(stream, whole, xbtab__field_word(f, record));
    } else if (f->kind == XBTAB_FIELD_REAL) {
        snprintf(whole, sizeof whole, "%%%.*s%c", (int)n, format,
                 letter && strchr("feg", letter) ? letter : 'g');
        fprintf(stream, whole, 0.0 + scale * xbtab__field_real(f, record)); /* a zero has no sign */
    } else {
        bool is_signed = f->kind != XBTAB_FIELD_UNSIGNED;
        snprintf(whole, sizeof whole, "%%%.*sll%c", (int)n, format, is_signed ? 'd' : 'u');
        fprintf(stream, whole, xbtab__field_whole(f, record));
    }
}

/* A place {KEY:FORMAT*SCALE} that begins at text. @return what is behind it. */
static const char *put_place(FILE *stream, const xbtab_form *form, const void *record, const char *text)
{
    const char *end = strchr(text, '}'), *name = text + 1;
    assert(end);
    size_t n = strcspn(name, ":}"), in_format = 0;
    char format[MOST_FORMAT] = "";
    double scale = 1;
    if (name[n] == ':') {
        const char *from = name + n + 1;
        in_format = strcspn(from, "*}");
        assert(in_format < MOST_FORMAT);
        memcpy(format, from, in_format);
        format[in_format] = '\0';
        if (from[in_format] == '*') scale = strtod(from + in_format + 1, NULL);
    }
    const xbtab_field *field = find(form, &record, name, n);
    assert(field);
    if (field) put_value(stream, field, record, format, scale);
    return end + 1;
}

/* One field as a record of its own. */
typedef struct told {
    const char *key, *unit, *what;
    union {
        double real;
        long whole;
        const char *word;
    } value;
} told;

static void put_field(FILE *stream, const xbtab_field *field, const void *record, const char *text)
{
    told t = {field->key, field->unit ? field->unit : "", field->what, {0}};
    xbtab_field fields[] = {{XBTAB_FIELD(told, key, "key", NULL, NULL)},
                            {XBTAB_FIELD(told, unit, "unit", NULL, NULL)},
                            {XBTAB_FIELD(told, what, "what", NULL, NULL)},
                            {XBTAB_FIELD(told, value.real, "value", NULL, NULL)}};
    const xbtab_form form = XBTAB_FORM(told, fields);
    if (field->kind == XBTAB_FIELD_REAL) {
        t.value.real = xbtab__field_real(field, record);
    } else if (xbtab__field_is_word(field)) {
        t.value.word = xbtab__field_word(field, record);
    } else {
        t.value.whole = (long)xbtab__field_whole(field, record);
    }
    fields[3].kind = field->kind == XBTAB_FIELD_REAL || field->kind == XBTAB_FIELD_UNSIGNED ? field->kind
                     : xbtab__field_is_word(field)                                          ? XBTAB_FIELD_WORD
                                                   : XBTAB_FIELD_LONG;
    xbtab_report_text(stream, &form, &t, text);
}

void xbtab_report_fields(FILE *stream, const xbtab_form *form, const void *record, const char *key,
                         const char *text)
{
    const xbtab_field *of = key ? find(form, &record, key, strlen(key)) : NULL;
    assert(!key || (of && of->kind == XBTAB_FIELD_RECORD));
    if (of && !xbtab__field_is_there(of, record)) return;
    if (of) record = xbtab__field_at(of, record);
    if (of) form = of->form;
    for (size_t k = 0; k < form->n; k++) {
        const xbtab_field *f = &form->field[k];
        if (!xbtab__field_is_there(f, record)) continue;
        if (!f->key) {
            xbtab_report_fields(stream, f->form, xbtab__field_at(f, record), NULL, text);
        } else if (xbtab__field_is_single(f)) {
            put_field(stream, f, record, text);
        }
    }
}

static void put_list(FILE *stream, const xbtab_form *form, const void *record, int depth);

/* Rows, or values one after the other. */
static void put_rows(FILE *stream, const xbtab_field *field, const void *record, int depth)
{
    size_t n;
    const char *row = xbtab__field_rows(field, record, &n);
    bool is_flat = xbtab__form_is_value(field->form) && xbtab__field_is_single(field->form->field);
    if (is_flat) fprintf(stream, "%*s", 2 * depth, "");
    for (size_t r = 0; r < n; r++, row += field->form->size) {
        if (!is_flat) {
            put_list(stream, field->form, row, depth);
            continue;
        }
        if (r) fputc(' ', stream);
        put_value(stream, field->form->field, row, "", 1);
    }
    if (is_flat) fputc('\n', stream);
}

static void put_list(FILE *stream, const xbtab_form *form, const void *record, int depth)
{
    for (size_t k = 0; k < form->n; k++) {
        const xbtab_field *f = &form->field[k];
        if (!xbtab__field_is_there(f, record)) continue;
        if (f->key) fprintf(stream, "%*s", 2 * depth, "");
        if (xbtab__field_is_single(f)) {
            put_field(stream, f, record, "{key:-24} {value:14} {unit:-6} {what}\n");
            continue;
        }
        if (f->key) fprintf(stream, "%s: %s\n", f->key, f->what);
        if (f->kind == XBTAB_FIELD_RECORD) {
            put_list(stream, f->form, xbtab__field_at(f, record), depth + (f->key != NULL));
        } else {
            put_rows(stream, f, record, depth + (f->key != NULL));
        }
    }
}

void xbtab_report_text(FILE *stream, const xbtab_form *form, const void *record, const char *text)
{
    if (!text) {
        put_list(stream, form, record, 0);
        return;
    }
    while (*text) {
        size_t n = strcspn(text, "{");
        fwrite(text, 1, n, stream);
        text += n;
        if (*text == '{') text = put_place(stream, form, record, text);
    }
}

void xbtab_report_rows(FILE *stream, const xbtab_form *form, const void *records, size_t n, const char *text)
{
    const char *record = records;
    for (size_t k = 0; k < n; k++) xbtab_report_text(stream, form, record + k * form->size, text);
}
