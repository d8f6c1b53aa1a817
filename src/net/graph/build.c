/* build.c - values and nodes of a graph that grows, and what is known of each node at once: shapes, and the
 * numbers of constants. */
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

/* Numbers of all nodes' outputs: far more than an image may take in the end, as many are folded or dropped.
 */
static const double most_planned = 1e9;

/* ---- values ---- */

static xbtab_status grow_values(xbtab_network *n)
{
    if (n->n_values < n->value_room) return XBTAB_OK;
    int room = n->value_room ? 2 * n->value_room : 16;
    xbtab__value *grown = room > 0 ? xbtab__realloc(n->value, (size_t)room, sizeof *grown) : NULL;
    if (!grown) return XBTAB_NOMEM();
    n->value = grown;
    n->value_room = room;
    return XBTAB_OK;
}

xbtab_status xbtab__add_value(xbtab_network *n, const char *name, int *out)
{
    char hidden[64];
    XBTAB_TRY(grow_values(n));
    xbtab__value *value = &n->value[n->n_values];
    snprintf(hidden, sizeof hidden, "\n%d", n->n_values);
    *value = (xbtab__value){.name = xbtab__strdup(name ? name : hidden)};
    if (!value->name) return XBTAB_NOMEM();
    *out = n->n_values++;
    return XBTAB_OK;
}

xbtab_status xbtab__add_constant(xbtab_network *n, int rank, const int64_t *dim, int32_t type, bool has_steps,
                                 int *output)
{
    XBTAB_TRY(xbtab__add_value(n, NULL, output));
    xbtab__value *v = &n->value[*output];
    v->type = type;
    XBTAB_TRY(xbtab__shape_set(n, NULL, v, rank, dim));
    v->constant = xbtab__alloc(v->shape.size, sizeof *v->constant);
    v->step = has_steps ? xbtab__alloc(v->shape.size, sizeof *v->step) : NULL;
    return v->constant && (v->step || !has_steps) ? XBTAB_OK : XBTAB_NOMEM();
}

/* ---- nodes ---- */

static xbtab_status grow_nodes(xbtab_network *n)
{
    if (n->n_nodes < n->room) return XBTAB_OK;
    if (n->n_nodes >= XBTAB__NET_NODES)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has more than %d nodes", n->path, XBTAB__NET_NODES);
    int room = n->room ? 2 * n->room : 16;
    xbtab__node *grown = xbtab__realloc(n->node, (size_t)room, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    n->node = grown;
    n->room = room;
    return XBTAB_OK;
}

xbtab_status xbtab__append_node(xbtab_network *n, const xbtab__node *like, xbtab__node **out)
{
    XBTAB_TRY(grow_nodes(n));
    *out = &n->node[n->n_nodes++];
    **out = *like;
    (*out)->name = xbtab__strdup(like->name);
    return (*out)->name ? XBTAB_OK : XBTAB_NOMEM();
}

xbtab_status xbtab__infer_last(xbtab_network *n)
{
    xbtab__node *node = &n->node[n->n_nodes - 1];
    size_t scratch = n->scratch;
    n->scratch = 0;
    for (int k = 0; k < node->n_inputs; k++) {
        if (node->input[k] >= 0) n->value[node->input[k]].n_uses++;
    }
    XBTAB_TRY(node->type->infer(n, node));
    xbtab__value *out = &n->value[node->output];
    if (out->type == 0 && node->n_inputs > 0 && node->input[0] >= 0)
        out->type = n->value[node->input[0]].type;
    XBTAB_TRY(xbtab__network_fold(n, node));
    if (n->scratch < scratch) n->scratch = scratch;
    if (out->constant) return XBTAB_OK;
    n->planned += (double)out->shape.size;
    if (n->planned <= most_planned) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                            "outputs up to this one have more than %g numbers", most_planned);
}

xbtab_status xbtab__add_node_more(xbtab_network *n, const char *name, const xbtab__operator *type,
                                  int n_inputs, const int *input, const xbtab__attributes *attributes,
                                  int *output, int n_more, int *more)
{
    XBTAB_TRY(grow_nodes(n));
    xbtab__node *node = &n->node[n->n_nodes++];
    *node = (xbtab__node){.name = xbtab__strdup(name), .type = type, .n_inputs = n_inputs, .n_more = n_more};
    if (!node->name) return XBTAB_NOMEM();
    for (int k = 0; k < n_inputs; k++) node->input[k] = input[k];
    if (attributes) {
        node->attributes = *attributes;
    } else {
        xbtab__attributes_init(&node->attributes, type->name);
    }
    XBTAB_TRY(xbtab__add_value(n, NULL, &node->output));
    *output = node->output;
    for (int k = 0; k < n_more; k++) {
        XBTAB_TRY(xbtab__add_value(n, NULL, &node->more[k]));
        more[k] = node->more[k];
    }
    return xbtab__infer_last(n);
}

xbtab_status xbtab__add_node(xbtab_network *n, const char *name, const xbtab__operator *type, int n_inputs,
                             const int *input, const xbtab__attributes *attributes, int *output)
{
    return xbtab__add_node_more(n, name, type, n_inputs, input, attributes, output, 0, NULL);
}
