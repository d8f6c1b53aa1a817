/* yaml_tree.c - parts of a YAML file through libyaml's own nodes. */
#include "yaml_tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/number.h>
#include <yaml.h>

#include "memory.h"
#include "text.h"
#include "yaml_check.h"

static xbtab_status load(yaml_document_t *document, const char *text, size_t n, const char *name)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return XBTAB_NOMEM();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    int loaded = yaml_parser_load(&parser, document);
    xbtab_status status = XBTAB_OK;
    if (!loaded) {
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s:%zu: not YAML: %s", name, parser.problem_mark.line + 1,
                                  parser.problem ? parser.problem : "syntax error");
    } else if (!yaml_document_get_root_node(document)) {
        yaml_document_delete(document);
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s:1: empty", name);
    }
    yaml_parser_delete(&parser);
    return status;
}

static bool is_key(const yaml_node_t *node, const char *name, size_t n)
{
    return node && node->type == YAML_SCALAR_NODE && node->data.scalar.length == n &&
           memcmp(node->data.scalar.value, name, n) == 0;
}

/* Where the number of a child stands in its parent; NULL if there is no such child. */
static int *child_slot(yaml_document_t *document, yaml_node_t *node, const char *name, size_t n)
{
    if (node->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
            if (is_key(yaml_document_get_node(document, p->key), name, n)) return &p->value;
        }
    } else if (node->type == YAML_SEQUENCE_NODE && n < 20) {
        char text[20];
        int64_t index;
        memcpy(text, name, n);
        text[n] = '\0';
        int64_t most = node->data.sequence.items.top - node->data.sequence.items.start - 1;
        if (xbtab_number_whole(&index, text, 0, most) == XBTAB_NUMBER_FINE)
            return &node->data.sequence.items.start[index];
    }
    return NULL;
}

/* The next word of a place, and the rest behind it. */
static size_t next_word(const char **key)
{
    *key += strspn(*key, ".[]");
    return strcspn(*key, ".[]");
}

static yaml_node_t *find(yaml_document_t *document, const char *key)
{
    yaml_node_t *node = yaml_document_get_root_node(document);
    for (size_t n = next_word(&key); node && n; key += n, n = next_word(&key)) {
        int *slot = child_slot(document, node, key, n);
        node = slot ? yaml_document_get_node(document, *slot) : NULL;
    }
    return node;
}

/* libyaml counts characters. */
static size_t byte_at(const char *text, size_t index)
{
    size_t k = 0;
    for (; index > 0 && text[k]; index--) {
        k++;
        while (((unsigned char)text[k] & 0xc0) == 0x80) k++;
    }
    return k;
}

xbtab_status xbtab__yaml_cut(xbtab__yaml *part, const xbtab__yaml *yaml, const char *key)
{
    yaml_document_t document;
    xbtab__text text = {0};
    xbtab_status status;
    XBTAB_TRY(load(&document, yaml->text, yaml->n, yaml->path));
    yaml_node_t *node = find(&document, key);
    if (!node) {
        yaml_document_delete(&document);
        return xbtab__yaml_fail(yaml, key, "is missing");
    }
    size_t line = node->start_mark.line, start = byte_at(yaml->text, node->start_mark.index);
    size_t from = start, to = byte_at(yaml->text, node->end_mark.index), indent = node->start_mark.column;
    while (from > 0 && yaml->text[from - 1] != '\n') from--;
    yaml_document_delete(&document);
    for (bool is_first = true; from < to; is_first = false) {
        size_t n = strcspn(yaml->text + from, "\n"), blanks = 0;
        if (is_first) {
            blanks = start - from;
        } else {
            while (blanks < indent && blanks < n && yaml->text[from + blanks] == ' ') blanks++;
        }
        size_t end = from + n < to ? from + n : to;
        xbtab__text_add(&text, "%.*s\n", (int)(end - from > blanks ? end - from - blanks : 0),
                        yaml->text + from + blanks);
        from += n + (yaml->text[from + n] == '\n');
    }
    XBTAB_TRY_DONE(xbtab__text_status(&text));
    XBTAB_TRY_DONE(xbtab__yaml_copy(part, text.s ? text.s : "", yaml->path, yaml->lines_before + (int)line));
done:
    xbtab__text_clear(&text);
    return status;
}

/* ---- copies, and what is written ---- */

/* A node of one document in another; 0 = out of memory, or too deep. */
static int copy_node(yaml_document_t *to, yaml_document_t *from, const yaml_node_t *node, int depth)
{
    int made = 0;
    if (depth > XBTAB__YAML_DEEPEST) return 0;
    if (node->type == YAML_SCALAR_NODE) {
        return yaml_document_add_scalar(to, NULL, node->data.scalar.value, (int)node->data.scalar.length,
                                        node->data.scalar.style);
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        made = yaml_document_add_sequence(to, NULL, YAML_BLOCK_SEQUENCE_STYLE);
        for (yaml_node_item_t *k = node->data.sequence.items.start; made && k < node->data.sequence.items.top;
             k++) {
            int item = copy_node(to, from, yaml_document_get_node(from, *k), depth + 1);
            if (!item || !yaml_document_append_sequence_item(to, made, item)) made = 0;
        }
        return made;
    }
    made = yaml_document_add_mapping(to, NULL, YAML_BLOCK_MAPPING_STYLE);
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; made && p < node->data.mapping.pairs.top;
         p++) {
        int k = copy_node(to, from, yaml_document_get_node(from, p->key), depth + 1);
        int v = k ? copy_node(to, from, yaml_document_get_node(from, p->value), depth + 1) : 0;
        if (!v || !yaml_document_append_mapping_pair(to, made, k, v)) made = 0;
    }
    return made;
}

static int write_text(void *context, unsigned char *buffer, size_t n)
{
    xbtab__text *text = context;
    xbtab__text_add(text, "%.*s", (int)n, (const char *)buffer);
    return !text->failed;
}

/* Writes a document and ends it. */
static xbtab_status write_document(char **out, yaml_document_t *document)
{
    yaml_emitter_t emitter;
    xbtab__text text = {0};
    if (!yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(document);
        return XBTAB_NOMEM();
    }
    yaml_emitter_set_output(&emitter, write_text, &text);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    int written =
        yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, document) && yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    if (!written || text.failed || !text.s) {
        xbtab__text_clear(&text);
        return XBTAB_NOMEM();
    }
    *out = text.s;
    return XBTAB_OK;
}

/* A document with the same contents in block form. */
static xbtab_status copy_document(yaml_document_t *copy, const xbtab__yaml *yaml)
{
    yaml_document_t document;
    XBTAB_TRY(load(&document, yaml->text, yaml->n, yaml->path));
    if (!yaml_document_initialize(copy, NULL, NULL, NULL, 1, 1)) {
        yaml_document_delete(&document);
        return XBTAB_NOMEM();
    }
    int root = copy_node(copy, &document, yaml_document_get_root_node(&document), 0);
    yaml_document_delete(&document);
    if (root) return XBTAB_OK;
    yaml_document_delete(copy);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: nested more than %d deep, or out of memory", yaml->path,
               XBTAB__YAML_DEEPEST);
}

xbtab_status xbtab__yaml_canonical(char **out, const xbtab__yaml *yaml)
{
    yaml_document_t copy;
    XBTAB_TRY(copy_document(&copy, yaml));
    return write_document(out, &copy);
}

/* Puts a value at a place of a document in block form. */
static xbtab_status put(yaml_document_t *document, const xbtab__yaml *yaml, const char *key,
                        yaml_document_t *value)
{
    const char *word = key;
    int made = 0, at = 1; /* the root's number */
    for (size_t n = next_word(&word); n; word += n, n = next_word(&word)) {
        const char *rest = word + n;
        bool is_last = next_word(&rest) == 0;
        yaml_node_t *node = yaml_document_get_node(document, at);
        int *slot = child_slot(document, node, word, n);
        if (!slot && node->type != YAML_MAPPING_NODE)
            return xbtab__yaml_fail(yaml, key, "there is no such place in the file");
        if (slot && !is_last) {
            at = *slot;
            continue;
        }
        made = is_last ? copy_node(document, value, yaml_document_get_root_node(value), 0)
                       : yaml_document_add_mapping(document, NULL, YAML_BLOCK_MAPPING_STYLE);
        if (!made) return XBTAB_NOMEM();
        /* adding a node may have moved all others */
        slot = child_slot(document, yaml_document_get_node(document, at), word, n);
        if (slot) {
            *slot = made;
        } else {
            int name = yaml_document_add_scalar(document, NULL, (const yaml_char_t *)word, (int)n,
                                                YAML_PLAIN_SCALAR_STYLE);
            if (!name || !yaml_document_append_mapping_pair(document, at, name, made)) return XBTAB_NOMEM();
        }
        at = made;
    }
    return made ? XBTAB_OK : xbtab__yaml_fail(yaml, key, "is no place in a file");
}

xbtab_status xbtab__yaml_set(char **out, const xbtab__yaml *yaml, const char *key, const char *value)
{
    yaml_document_t document, given;
    XBTAB_TRY(xbtab__yaml_check(value, strlen(value), key, 0));
    XBTAB_TRY(load(&given, value, strlen(value), key));
    xbtab_status status = copy_document(&document, yaml);
    if (status == XBTAB_OK) {
        status = put(&document, yaml, key, &given);
        if (status < 0) {
            yaml_document_delete(&document);
        } else {
            status = write_document(out, &document);
        }
    }
    yaml_document_delete(&given);
    return status;
}

/* ---- numbers ---- */

static bool is_number(const yaml_node_t *node)
{
    const unsigned char *s = node->data.scalar.value;
    if (*s == '-' || *s == '+') s++;
    return isdigit(*s) || (*s == '.' && isdigit(s[1]));
}

static xbtab_status walk(yaml_document_t *document, const yaml_node_t *node, const char *key,
                         xbtab__yaml_number_fn fn, void *context)
{
    char place[256];
    if (node->type == YAML_SCALAR_NODE)
        return is_number(node) ? fn(context, key, (const char *)node->data.scalar.value) : XBTAB_OK;
    if (strlen(key) > sizeof place / 2) return XBTAB_OK; /* deeper than any key of ours */
    if (node->type == YAML_SEQUENCE_NODE) {
        int index = 0;
        for (yaml_node_item_t *k = node->data.sequence.items.start; k < node->data.sequence.items.top; k++) {
            snprintf(place, sizeof place, "%s[%d]", key, index++);
            XBTAB_TRY(walk(document, yaml_document_get_node(document, *k), place, fn, context));
        }
        return XBTAB_OK;
    }
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *name = yaml_document_get_node(document, p->key);
        if (name->type != YAML_SCALAR_NODE) continue;
        snprintf(place, sizeof place, "%s%s%s", key, *key ? "." : "", (const char *)name->data.scalar.value);
        XBTAB_TRY(walk(document, yaml_document_get_node(document, p->value), place, fn, context));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__yaml_numbers(const xbtab__yaml *yaml, const char *key, xbtab__yaml_number_fn fn,
                                 void *context)
{
    yaml_document_t document;
    XBTAB_TRY(load(&document, yaml->text, yaml->n, yaml->path));
    const yaml_node_t *node = find(&document, key);
    xbtab_status status = node ? walk(&document, node, key, fn, context) : XBTAB_OK;
    yaml_document_delete(&document);
    return status;
}
