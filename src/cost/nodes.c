/* nodes.c - a logic part brought from one node to another, by the table in data/components/nodes/. */
#include "cost_private.h"

#include <math.h>
#include <stdio.h>

#include "memory.h"

typedef struct node_text {
    char *node, *energy, *area;
} node_text;

typedef struct nodes_text {
    char *summary, *source, *trust;
    node_text *nodes;
    unsigned nodes_count;
} nodes_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t node_fields[] = {TEXT("node", node_text, node),
                                                   TEXT("energy", node_text, energy),
                                                   TEXT("area", node_text, area), CYAML_FIELD_END};
static const cyaml_schema_value_t node_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, node_text, node_fields)};
static const cyaml_schema_field_t nodes_fields[] = {
    TEXT("summary", nodes_text, summary), TEXT("source", nodes_text, source),
    TEXT("trust", nodes_text, trust),
    CYAML_FIELD_SEQUENCE("nodes", CYAML_FLAG_POINTER, nodes_text, nodes, &node_value, 2, 100),
    CYAML_FIELD_END};
static const cyaml_schema_value_t nodes_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, nodes_text, nodes_fields)};

typedef struct row {
    double node, energy, area;
} row;

/* Between two rows linearly in the length; outside, the nearest row. The rows ascend. */
static row at_node(const row *table, unsigned n, double node)
{
    unsigned k = 1;
    if (node <= table[0].node) return table[0];
    if (node >= table[n - 1].node) return table[n - 1];
    while (table[k].node < node) k++;
    const row *a = &table[k - 1], *b = &table[k];
    double t = (node - a->node) / (b->node - a->node);
    return (row){node, a->energy + t * (b->energy - a->energy), a->area + t * (b->area - a->area)};
}

static xbtab_status take_rows(row *table, const xbtab__yaml *yaml, const nodes_text *text)
{
    const xbtab__scope nothing = {.n = 0};
    char key[64];
    for (unsigned k = 0; k < text->nodes_count; k++) {
        snprintf(key, sizeof key, "nodes[%u].node", k);
        XBTAB_TRY(
            xbtab__value_take(&table[k].node, yaml, key, text->nodes[k].node, XBTAB__UNIT_LENGTH, &nothing));
        if (k > 0 && !(table[k].node > table[k - 1].node))
            return xbtab__yaml_fail(yaml, key, "is not above the node before it");
        snprintf(key, sizeof key, "nodes[%u].energy", k);
        XBTAB_TRY(
            xbtab__value_take(&table[k].energy, yaml, key, text->nodes[k].energy, XBTAB__UNIT_ONE, &nothing));
        snprintf(key, sizeof key, "nodes[%u].area", k);
        XBTAB_TRY(
            xbtab__value_take(&table[k].area, yaml, key, text->nodes[k].area, XBTAB__UNIT_ONE, &nothing));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__scale_node(xbtab__node_factors *out, const char *folder, double from, double to)
{
    char path[4096];
    xbtab__yaml yaml = {0};
    void *data = NULL;
    row *table = NULL;
    xbtab_status status;
    snprintf(path, sizeof path, "%s/components/nodes/logic.yaml", folder);
    XBTAB_TRY(xbtab__yaml_read(&yaml, path));
    XBTAB_TRY_DONE(xbtab__yaml_load(&data, &yaml, &nodes_value));
    const nodes_text *text = data;
    table = xbtab__alloc(text->nodes_count, sizeof *table);
    if (!table) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(take_rows(table, &yaml, text));
    const row a = at_node(table, text->nodes_count, from), b = at_node(table, text->nodes_count, to);
    *out = (xbtab__node_factors){.energy = b.energy / a.energy, .area = b.area / a.area, .delay = to / from};
done:
    xbtab__free(table);
    xbtab__yaml_free_data(data, &nodes_value);
    xbtab__yaml_clear(&yaml);
    return status;
}
