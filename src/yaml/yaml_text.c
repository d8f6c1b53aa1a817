/* yaml_text.c - YAML through a schema, with the line of every mistake. */
#include "yaml_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/number.h>
#include <yaml.h>

#include "file.h"
#include "memory.h"
#include "quantity.h"
#include "text.h"
#include "yaml_check.h"

/* Names and checks what was read. */
static xbtab_status take(xbtab__yaml *yaml, const char *path)
{
    xbtab_status status;
    yaml->path = xbtab__strdup(path);
    if (!yaml->text || !yaml->path) {
        status = XBTAB_NOMEM();
    } else {
        xbtab__yaml_normalize(yaml->text, &yaml->n);
        status = xbtab__yaml_check(yaml->text, yaml->n, yaml->path, yaml->lines_before);
    }
    if (status == XBTAB_OK)
        status = xbtab__yaml_check_characters(yaml->text, yaml->n, yaml->path, yaml->lines_before);
    if (status < 0) xbtab__yaml_clear(yaml);
    return status;
}

xbtab_status xbtab__yaml_read(xbtab__yaml *yaml, const char *path)
{
    *yaml = (xbtab__yaml){0};
    XBTAB_TRY(xbtab__file_read(&yaml->text, &yaml->n, path, XBTAB__YAML_LARGEST));
    return take(yaml, path);
}

xbtab_status xbtab__yaml_copy(xbtab__yaml *yaml, const char *text, const char *name, int lines_before)
{
    *yaml = (xbtab__yaml){.text = xbtab__strdup(text), .n = strlen(text), .lines_before = lines_before};
    return take(yaml, name);
}

void xbtab__yaml_clear(xbtab__yaml *yaml)
{
    xbtab__free(yaml->path);
    xbtab__free(yaml->text);
    *yaml = (xbtab__yaml){0};
}

/* What libcyaml says of a refused file: the first line is the reason, the later ones lead from the innermost
 * place outwards ("in mapping field 'x' (line: 4, column: 3)"). */
typedef struct complaint {
    char reason[256];
    int line;
    char fields[16][64]; /* names of the mapping fields, innermost first */
    int n_fields;
} complaint;

static void collect(cyaml_log_t level, void *context, const char *format, va_list args)
{
    (void)level;
    complaint *c = context;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    if (!c->reason[0]) {
        const char *start = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
        snprintf(c->reason, sizeof c->reason, "%s", start);
    }
    const char *line = strstr(text, "(line: ");
    if (line && !c->line) c->line = atoi(line + 7);
    const char *field = strstr(text, "in mapping field '");
    if (field && c->n_fields < 16) {
        field += strlen("in mapping field '");
        snprintf(c->fields[c->n_fields], sizeof c->fields[0], "%.*s", (int)strcspn(field, "'"), field);
        c->n_fields++;
    }
}

/* The mapping that the complaint is about: down from the top along the fields it names. */
static const cyaml_schema_field_t *mapping_at(const cyaml_schema_value_t *schema, const complaint *c)
{
    for (int k = c->n_fields; k >= 0; k--) {
        while (schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED) {
            schema = schema->sequence.entry;
        }
        if (schema->type != CYAML_MAPPING) return NULL;
        if (k == 0) return schema->mapping.fields;
        const cyaml_schema_field_t *field = schema->mapping.fields;
        while (field->key && strcmp(field->key, c->fields[k - 1]) != 0) field++;
        if (!field->key) return NULL;
        schema = &field->value;
    }
    return NULL;
}

/* libcyaml names the line it came from, which for an unexpected key may be the one before. */
static int line_of_scalar(const xbtab__yaml *yaml, const char *word, int from)
{
    yaml_parser_t parser;
    yaml_event_t event;
    int line = from;
    bool done = !yaml_parser_initialize(&parser);
    if (done) return line;
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml->text, yaml->n);
    while (!done && yaml_parser_parse(&parser, &event)) {
        int at = (int)event.start_mark.line + 1;
        if (event.type == YAML_SCALAR_EVENT && at >= from &&
            strcmp((const char *)event.data.scalar.value, word) == 0) {
            line = at;
            done = true;
        }
        done = done || event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return line;
}

static xbtab_status refuse(const xbtab__yaml *yaml, const cyaml_schema_value_t *schema, const complaint *c)
{
    xbtab__text allowed = {0};
    xbtab_status status;
    int line = c->line ? c->line : 1;
    if (strncmp(c->reason, "Unexpected key: ", 16) == 0) {
        line = line_of_scalar(yaml, c->reason + 16, line);
        const cyaml_schema_field_t *field = mapping_at(schema, c);
        for (; field && field->key; field++) {
            xbtab__text_add(&allowed, "%s%s", allowed.n ? ", " : "; allowed here: ", field->key);
        }
    }
    status = xbtab__error_set(XBTAB_ERR_INPUT, "%s:%d: %s%s", yaml->path, yaml->lines_before + line,
                              c->reason[0] ? c->reason : "not a YAML file", allowed.s ? allowed.s : "");
    xbtab__text_clear(&allowed);
    return status;
}

xbtab_status xbtab__yaml_load(void **data, const xbtab__yaml *yaml, const cyaml_schema_value_t *schema)
{
    complaint c = {.line = 0};
    cyaml_config_t config = {
        .log_level = CYAML_LOG_ERROR, .log_fn = collect, .log_ctx = &c, .mem_fn = cyaml_mem};
    cyaml_data_t *loaded = NULL;
    cyaml_err_t err = cyaml_load_data((const uint8_t *)yaml->text, yaml->n, &config, schema, &loaded, NULL);
    if (err == CYAML_ERR_OOM) return XBTAB_NOMEM();
    if (err != CYAML_OK) return refuse(yaml, schema, &c);
    if (!loaded) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: empty file", yaml->path);
    *data = loaded;
    return XBTAB_OK;
}

void xbtab__yaml_free_data(void *data, const cyaml_schema_value_t *schema)
{
    cyaml_config_t config = {.mem_fn = cyaml_mem};
    if (data) cyaml_free(&config, schema, data, 0);
}

static yaml_node_t *child(yaml_document_t *document, const yaml_node_t *node, const char *name, size_t n)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        long index = strtol(name, NULL, 10);
        long count = node->data.sequence.items.top - node->data.sequence.items.start;
        if (index < 0 || index >= count) return NULL;
        return yaml_document_get_node(document, node->data.sequence.items.start[index]);
    }
    if (node->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key && key->type == YAML_SCALAR_NODE && key->data.scalar.length == n &&
            memcmp(key->data.scalar.value, name, n) == 0) {
            return yaml_document_get_node(document, pair->value);
        }
    }
    return NULL;
}

int xbtab__yaml_line(const xbtab__yaml *yaml, const char *key)
{
    yaml_parser_t parser;
    yaml_document_t document;
    int line = 1;
    if (!yaml_parser_initialize(&parser)) return yaml->lines_before + line;
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml->text, yaml->n);
    if (yaml_parser_load(&parser, &document)) {
        yaml_node_t *node = yaml_document_get_root_node(&document);
        while (node) {
            line = (int)node->start_mark.line + 1;
            key += strspn(key, ".[]");
            size_t n = strcspn(key, ".[]");
            if (n == 0) break;
            node = child(&document, node, key, n);
            key += n;
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return yaml->lines_before + line;
}

xbtab_status xbtab__yaml_fail(const xbtab__yaml *yaml, const char *key, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return xbtab__error_set(XBTAB_ERR_INPUT, "%s:%d: %s: %s", yaml->path, xbtab__yaml_line(yaml, key), key,
                            text);
}

xbtab_status xbtab__yaml_quantity(double *out, const xbtab__yaml *yaml, const char *key, const char *text,
                                  const char *unit, double min, double max)
{
    char low[64], high[64], got[64];
    double value;
    if (!text) return XBTAB_OK;
    const char *why = xbtab__quantity_parse(&value, text, unit);
    if (why) {
        return xbtab__yaml_fail(yaml, key, "\"%.60s\" %s; write %s%s%s", text, why,
                                strcmp(unit, "1") == 0 ? "a bare number" : "a number and the unit \"",
                                strcmp(unit, "1") == 0 ? "" : unit, strcmp(unit, "1") == 0 ? "" : "\"");
    }
    if (!(value >= min && value <= max)) {
        return xbtab__yaml_fail(yaml, key, "%s is outside %s to %s",
                                xbtab__quantity_print(got, sizeof got, value, unit),
                                xbtab__quantity_print(low, sizeof low, min, unit),
                                xbtab__quantity_print(high, sizeof high, max, unit));
    }
    *out = value;
    return XBTAB_OK;
}

xbtab_status xbtab__yaml_int(int *out, const xbtab__yaml *yaml, const char *key, const char *text, int min,
                             int max)
{
    if (!text) return XBTAB_OK;
    int64_t value = 0;
    xbtab_number_fault fault = xbtab_number_whole(&value, text, min, max);
    if (fault == XBTAB_NUMBER_OUTSIDE)
        return xbtab__yaml_fail(yaml, key, "%.40s is outside %d to %d", text, min, max);
    if (fault != XBTAB_NUMBER_FINE)
        return xbtab__yaml_fail(yaml, key, "\"%.40s\" is not a whole number; %d to %d is allowed", text, min,
                                max);
    *out = (int)value;
    return XBTAB_OK;
}

xbtab_status xbtab__yaml_choice(int *out, const xbtab__yaml *yaml, const char *key, const char *text,
                                const char *const *words)
{
    if (!text) return XBTAB_OK;
    for (int k = 0; words[k]; k++) {
        if (strcmp(words[k], text) == 0) {
            *out = k;
            return XBTAB_OK;
        }
    }
    xbtab__text allowed = {0};
    for (int k = 0; words[k]; k++) xbtab__text_add(&allowed, "%s%s", k ? ", " : "", words[k]);
    xbtab_status status =
        xbtab__yaml_fail(yaml, key, "\"%.60s\" is not one of: %s", text, allowed.s ? allowed.s : "");
    xbtab__text_clear(&allowed);
    return status;
}
