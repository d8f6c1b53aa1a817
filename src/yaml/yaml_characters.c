/* yaml_characters.c - bytes that no text of ours holds. */
#include <stdbool.h>
#include <string.h>

#include <yaml.h>

#include "memory.h"
#include "yaml_check.h"

/* Where messages say that a text stands. */
typedef struct place {
    const char *path;
    int lines_before;
} place;

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
static xbtab_status check_node(const place *at, yaml_document_t *document, int index, const yaml_node_t *key)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    int line = at->lines_before + (int)node->start_mark.line + 1;
    if (node->type == YAML_SCALAR_NODE && has_control(node, is_prose(key))) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: a text with a control character%s", at->path, line,
                   key ? "; lines and tabs may be in notes, summary, source, licence and description" : "");
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *k = node->data.sequence.items.start; k < node->data.sequence.items.top; k++)
            XBTAB_TRY(check_node(at, document, *k, key));
    } else if (node->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
            const yaml_node_t *name = yaml_document_get_node(document, p->key);
            XBTAB_TRY(check_node(at, document, p->key, NULL));
            XBTAB_TRY(check_node(at, document, p->value, name->type == YAML_SCALAR_NODE ? name : NULL));
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__yaml_check_characters(const char *text, size_t n, const char *path, int lines_before)
{
    const place at = {path, lines_before};
    yaml_parser_t parser;
    yaml_document_t document;
    xbtab_status status = XBTAB_OK;
    if (!yaml_parser_initialize(&parser)) return XBTAB_NOMEM();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    if (yaml_parser_load(&parser, &document)) {
        if (yaml_document_get_root_node(&document)) status = check_node(&at, &document, 1, NULL);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return status;
}
