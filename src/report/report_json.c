/* report_json.c - records as JSON. */
#include <assert.h>
#include <jansson.h>

#include "check.h"
#include "report_private.h"

static json_t *row_json(const xbtab_form *form, const void *record);
static json_t *record_json(const xbtab_form *form, const void *record);

static json_t *list_json(const xbtab_field *field, const void *record)
{
    size_t n;
    const char *row = xbtab__field_rows(field, record, &n);
    json_t *list = json_array();
    for (size_t k = 0; k < n; k++) {
        if (json_array_append_new(list, row_json(field->form, row + k * field->form->size)) == 0) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *by_name_json(const xbtab_field *field, const void *record)
{
    size_t n;
    const char *row = xbtab__field_rows(field, record, &n);
    const xbtab_form rest = {field->form->name, field->form->size, field->form->field + 1,
                             field->form->n - 1};
    json_t *object = json_object();
    for (size_t k = 0; k < n; k++, row += rest.size) {
        const char *name = xbtab__field_word(field->form->field, row);
        if (json_object_set_new(object, name, row_json(&rest, row)) == 0) continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

/* NULL where JSON cannot hold it, or with a message of a field further in. */
static json_t *value_json(const xbtab_field *field, const void *record)
{
    switch (field->kind) {
    case XBTAB_FIELD_REAL:
        return json_real(xbtab__field_real(field, record));
    case XBTAB_FIELD_WORD:
    case XBTAB_FIELD_TEXT:
        return json_string(xbtab__field_word(field, record));
    case XBTAB_FIELD_BOOL:
    case XBTAB_FIELD_FLAG:
        return json_boolean(xbtab__field_whole(field, record));
    case XBTAB_FIELD_RECORD:
        return record_json(field->form, xbtab__field_at(field, record));
    case XBTAB_FIELD_LIST:
        return list_json(field, record);
    case XBTAB_FIELD_BY_NAME:
        return by_name_json(field, record);
    case XBTAB_FIELD_UNSIGNED: /* beyond what a signed number holds there is none in JSON */
        if (xbtab__field_whole(field, record) < 0) return NULL;
        /* fall through */
    default:
        return json_integer(xbtab__field_whole(field, record));
    }
}

/* NULL where the field has to be there and is not, or JSON cannot hold it: with a message. */
static json_t *field_json(const xbtab_field *field, const void *record)
{
    bool is_there = xbtab__field_is_there(field, record);
    if (!is_there && field->absent == XBTAB_ABSENT_NULL) return json_null();
    json_t *value = is_there ? value_json(field, record) : NULL;
    if (!value && xbtab__field_is_single(field)) /* what is further in has had its word */
        (void)xbtab__error_set(XBTAB_ERR_INTERNAL, "JSON cannot hold what %s is here",
                               field->key ? field->key : "an element of a list");
    return value;
}

static int add_field(json_t *object, const xbtab_field *field, const void *record)
{
    if (field->absent == XBTAB_ABSENT_LEFT_OUT && !xbtab__field_is_there(field, record)) return 0;
    json_t *value = field_json(field, record);
    if (!value) return -1;
    if (field->key) return json_object_set_new(object, field->key, value);
    int failed = json_object_update(object, value);
    json_decref(value);
    return failed;
}

static json_t *record_json(const xbtab_form *form, const void *record)
{
    json_t *object = json_object();
    for (size_t k = 0; k < form->n; k++) {
        if (add_field(object, &form->field[k], record) == 0) continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *row_json(const xbtab_form *form, const void *record)
{
    return xbtab__form_is_value(form) ? field_json(form->field, record) : record_json(form, record);
}

xbtab_status xbtab_report_json(FILE *stream, const xbtab_form *form, const void *record)
{
    (void)xbtab__error_set(XBTAB_ERR_NOMEM, "out of memory"); /* unless a field says more */
    json_t *object = row_json(form, record);
    if (!object) return XBTAB_ERR_INTERNAL;
    int failed = json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(object);
    fprintf(stream, "\n");
    if (failed && !ferror(stream)) XBTAB_FAIL(XBTAB_ERR_NOMEM, "out of memory");
    return XBTAB_OK;
}
