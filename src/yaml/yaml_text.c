/* yaml_text.c - YAML through a schema, with the line of every mistake. */
#include "yaml_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "file.h"
#include "memory.h"
#include "quantity.h"
#include "text.h"

enum { LARGEST_FILE = 1 << 20 };

typedef xbtab_status (*read_fn)(char **data, size_t *n, const char *path, size_t max);

static xbtab_status read_by(xbtab__yaml *yaml, const char *path, read_fn read_file)
{
    *yaml = (xbtab__yaml){0};
    XBTAB_TRY(read_file(&yaml->text, &yaml->n, path, LARGEST_FILE));
    yaml->path = xbtab__strdup(path);
    if (!yaml->path) {
        xbtab__yaml_clear(yaml);
        return XBTAB_NOMEM();
    }
    return XBTAB_OK;
}

xbtab_status xbtab__yaml_read(xbtab__yaml *yaml, const char *path)
{
    return read_by(yaml, path, xbtab__file_read);
}

xbtab_status xbtab__yaml_read_regular(xbtab__yaml *yaml, const char *path)
{
    return read_by(yaml, path, xbtab__file_read_regular);
}

xbtab_status xbtab__yaml_copy(xbtab__yaml *yaml, const char *text, const char *name)
{
    *yaml = (xbtab__yaml){.text = xbtab__strdup(text), .n = strlen(text), .path = xbtab__strdup(name)};
    if (!yaml->text || !yaml->path) {
        xbtab__yaml_clear(yaml);
        return XBTAB_NOMEM();
    }
    return XBTAB_OK;
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

/* libyaml's own parse, for syntax errors: libcyaml does not name their line. */
static xbtab_status check_syntax(const xbtab__yaml *yaml)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool end = false;
    xbtab_status status = XBTAB_OK;
    if (!yaml_parser_initialize(&parser)) return XBTAB_NOMEM();
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml->text, yaml->n);
    while (!end) {
        if (!yaml_parser_parse(&parser, &event)) {
            status = xbtab__error_set(XBTAB_ERR_INPUT, "%s:%zu: not YAML: %s", yaml->path,
                                      (size_t)yaml->lines_before + parser.problem_mark.line + 1,
                                      parser.problem ? parser.problem : "syntax error");
            break;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_ALIAS_EVENT) {
            status = xbtab__error_set(XBTAB_ERR_INPUT, "%s:%zu: YAML aliases are not supported", yaml->path,
                                      (size_t)yaml->lines_before + event.start_mark.line + 1);
            end = true;
        }
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* ---- bytes that no text of ours holds ---- */

/* Nothing of ours is deeper. */
enum { DEEPEST = 32 };

/* Prose of sheets, which goes into no netlist and nobody's formula: it may have lines. */
static bool is_prose(const yaml_node_t *key)
{
    static const char *const prose[] = {"notes", "summary", "source", "licence", "description"};
    for (size_t k = 0; key && k < sizeof prose / sizeof *prose; k++) {
        if (key->data.scalar.length == strlen(prose[k]) &&
            memcmp(key->data.scalar.value, prose[k], key->data.scalar.length) == 0)
            return true;
    }
    return false;
}

/* C0 and C1 control characters and DEL: terminals obey them, and a line's end would begin a line of a
 * netlist. */
static bool has_control(const yaml_node_t *scalar, bool may_have_lines)
{
    const unsigned char *c = scalar->data.scalar.value;
    for (size_t n = scalar->data.scalar.length; n > 0; n--, c++) {
        if (may_have_lines && (*c == '\n' || *c == '\t')) continue;
        if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && n > 1 && c[1] >= 0x80 && c[1] < 0xa0)) return true;
    }
    return false;
}

/* A node below the key it belongs to. */
static xbtab_status check_node(const xbtab__yaml *yaml, yaml_document_t *document, int index,
                               const yaml_node_t *key, int depth)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    int line = yaml->lines_before + (int)node->start_mark.line + 1;
    if (depth > DEEPEST)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: nested more than %d deep", yaml->path, line, DEEPEST);
    if (node->type == YAML_SCALAR_NODE && has_control(node, is_prose(key))) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: a text with a control character%s", yaml->path, line,
                   key ? "; lines and tabs may be in notes, summary, source, licence and description" : "");
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *k = node->data.sequence.items.start; k < node->data.sequence.items.top; k++)
            XBTAB_TRY(check_node(yaml, document, *k, key, depth + 1));
    } else if (node->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
            const yaml_node_t *name = yaml_document_get_node(document, p->key);
            XBTAB_TRY(check_node(yaml, document, p->key, NULL, depth + 1));
            XBTAB_TRY(check_node(yaml, document, p->value, name->type == YAML_SCALAR_NODE ? name : NULL,
                                 depth + 1));
        }
    }
    return XBTAB_OK;
}

static xbtab_status check_characters(const xbtab__yaml *yaml)
{
    yaml_parser_t parser;
    yaml_document_t document;
    xbtab_status status = XBTAB_OK;
    if (!yaml_parser_initialize(&parser)) return XBTAB_NOMEM();
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml->text, yaml->n);
    if (yaml_parser_load(&parser, &document)) {
        if (yaml_document_get_root_node(&document)) status = check_node(yaml, &document, 1, NULL, 0);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return status;
}

xbtab_status xbtab__yaml_load(void **data, const xbtab__yaml *yaml, const cyaml_schema_value_t *schema)
{
    complaint c = {.line = 0};
    cyaml_config_t config = {
        .log_level = CYAML_LOG_ERROR, .log_fn = collect, .log_ctx = &c, .mem_fn = cyaml_mem};
    cyaml_data_t *loaded = NULL;
    if (memchr(yaml->text, '\0', yaml->n)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: not a YAML file (it holds a zero byte)", yaml->path);
    }
    XBTAB_TRY(check_syntax(yaml));
    XBTAB_TRY(check_characters(yaml));
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
        return xbtab__yaml_fail(yaml, key, "\"%s\" %s; write %s%s%s", text, why,
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
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0') return xbtab__yaml_fail(yaml, key, "\"%s\" is not a whole number", text);
    if (value < min || value > max) {
        return xbtab__yaml_fail(yaml, key, "%s is outside %d to %d", text, min, max);
    }
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
        xbtab__yaml_fail(yaml, key, "\"%s\" is not one of: %s", text, allowed.s ? allowed.s : "");
    xbtab__text_clear(&allowed);
    return status;
}
