/* operators.c - what operators are made of, and those that only change a tensor's shape. The table of a file
 * is at its foot. */
#include <math.h>
#include <string.h>

#include "graph.h"

xbtab__value *xbtab__input_of(const xbtab_network *n, const xbtab__node *node, int k)
{
    return k < node->n_inputs && node->input[k] >= 0 ? &n->value[node->input[k]] : NULL;
}

xbtab__value *xbtab__output_of(const xbtab_network *n, const xbtab__node *node)
{
    return &n->value[node->output];
}

float *xbtab__more_of(const xbtab__node *node, const xbtab__float_run *run, int k)
{
    return k < node->n_more && node->more[k] >= 0 ? run->data[node->more[k]] : NULL;
}

xbtab_status xbtab__more_set(xbtab_network *n, const xbtab__node *node, int k, int rank, const int64_t *dim,
                             int32_t type)
{
    if (k >= node->n_more || node->more[k] < 0) return XBTAB_OK;
    n->value[node->more[k]].type = type;
    return xbtab__shape_set(n, node, &n->value[node->more[k]], rank, dim);
}

xbtab_status xbtab__take_list(xbtab_network *n, const xbtab__node *node, int k, int64_t *list, int *count)
{
    const xbtab__value *v = xbtab__input_of(n, node, k);
    if (!v) return XBTAB_OK;
    if (!v->integers || v->shape.size > XBTAB__NET_INTS)
        return xbtab__unsupported(n, node, "its lists must be constants of up to 16 numbers");
    memcpy(list, v->integers, v->shape.size * sizeof *list);
    *count = (int)v->shape.size;
    return XBTAB_OK;
}

xbtab__split xbtab__split_at(const xbtab__shape *s, int axis)
{
    xbtab__split p = {1, (size_t)s->dim[axis], 1};
    for (int k = 0; k < axis; k++) p.before *= (size_t)s->dim[k];
    for (int k = axis + 1; k < s->rank; k++) p.behind *= (size_t)s->dim[k];
    return p;
}

xbtab_status xbtab__unsupported(const xbtab_network *n, const xbtab__node *node, const char *what)
{
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "%s", what);
}

xbtab_status xbtab__take_terms(const xbtab_network *n, xbtab__node *node, double terms)
{
    static const double most = 1e12, most_of_constants = 2e9; /* a second or two */
    size_t size = n->value[node->output].shape.size;
    bool is_constant = true;
    node->terms = terms / (double)(size ? size : 1);
    for (int k = 0; k < node->n_inputs; k++)
        is_constant = is_constant && (node->input[k] < 0 || n->value[node->input[k]].constant);
    if (terms <= (is_constant ? most_of_constants : most)) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "adds up %.3g terms; %.3g are most%s", terms,
                            is_constant ? most_of_constants : most, is_constant ? " of constants" : "");
}

/* ---- shapes that do not change, or only change ---- */

xbtab_status xbtab__infer_same(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__output_of(n, node)->is_scalar = xbtab__input_of(n, node, 0)->is_scalar;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, s->dim);
}

void xbtab__run_copy(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    memcpy(run->data[node->output], run->data[node->input[0]],
           xbtab__output_of(n, node)->shape.size * sizeof(float));
}

static void run_relu(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t k = 0; k < xbtab__output_of(n, node)->shape.size; k++) y[k] = x[k] > 0 ? x[k] : 0;
}

/* The upper part of the input's lattice, where 0 is on it. */
static void relu_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out)
{
    const xbtab__lattice *in = &of[node->input[0]];
    double below = -in->b / in->a;
    (void)n;
    out->not_negative = true;
    if (!in->is_known || in->b > 0 || fabs(below - floor(below + 0.5)) > 1e-6 || below > in->most) return;
    *out = (xbtab__lattice){
        .is_known = true, .not_negative = true, .a = in->a, .most = in->most - (int32_t)floor(below + 0.5)};
}

static xbtab_status infer_flatten(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t axis = node->attributes.has_axis ? node->attributes.axis : 1, dim[2] = {1, 1};
    if (axis < 0) axis += s->rank;
    if (axis < 0 || axis > s->rank)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "axis is outside the tensor");
    for (int k = 0; k < s->rank; k++) dim[k >= axis] *= s->dim[k];
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), 2, dim);
}

static xbtab_status infer_reshape(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0);
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK], known = 1;
    int open = -1;
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->axes, &a->n_axes));
    int rank = a->n_axes;
    if (rank > XBTAB__NET_RANK) return xbtab__unsupported(n, node, "shapes have 6 axes at the most");
    for (int k = 0; k < rank; k++) {
        dim[k] = a->axes[k];
        if (k == 0 && n->batch > 1 && dim[0] == n->batch && in->shape.dim[0] == 1) dim[0] = 1;
        if (dim[k] == 0 && !a->allow_zero) dim[k] = k < in->shape.rank ? in->shape.dim[k] : 0;
        if (dim[k] == -1 && open < 0) {
            open = k;
            continue;
        }
        if (dim[k] < 0 || (in->shape.size > 0 && (dim[k] < 1 || dim[k] > (int64_t)in->shape.size))) {
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "cannot give %zu numbers that shape",
                                    in->shape.size);
        }
        if (in->shape.size == 0) continue;
        known *= dim[k];
        if (known > (int64_t)in->shape.size) break;
    }
    if (open >= 0) dim[open] = (int64_t)in->shape.size / known;
    if (in->shape.size > 0 && (open >= 0 ? known * dim[open] : known) != (int64_t)in->shape.size) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "cannot give %zu numbers that shape",
                                in->shape.size);
    }
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    XBTAB_TRY(xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim));
    if (xbtab__output_of(n, node)->shape.size == in->shape.size) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "cannot give %zu numbers that shape", in->shape.size);
}

static xbtab_status infer_dropout(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *ratio = xbtab__input_of(n, node, 1), *training = xbtab__input_of(n, node, 2);
    bool drops = !ratio || !ratio->constant || ratio->constant[0] != 0;
    if (training && drops && (!training->constant || training->constant[0] != 0))
        return xbtab__unsupported(n, node, "only inference, not training");
    return xbtab__infer_same(n, node);
}

static const xbtab__operator operators[] = {
    {"Dropout", 1, 3, XBTAB__INTEGER_COPY, infer_dropout, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Flatten", 1, 1, XBTAB__INTEGER_COPY, infer_flatten, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Identity", 1, 1, XBTAB__INTEGER_COPY, xbtab__infer_same, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Relu", 1, 1, XBTAB__INTEGER_RELU, xbtab__infer_same, run_relu, relu_lattice, NULL},
    {"Reshape", 1, 2, XBTAB__INTEGER_COPY, infer_reshape, xbtab__run_copy, xbtab__lattice_same, NULL},
};

const xbtab__operator *xbtab__operators_basic(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
