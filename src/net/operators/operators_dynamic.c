/* operators_dynamic.c - activations whose scale and zero are found from each image's own numbers: ONNX's
 * DynamicQuantizeLinear, and what ONNX Runtime makes of it and MatMulInteger (domain com.microsoft).
 *
 * One image is the whole tensor: a range never spans the images of a batch. */
#include <math.h>
#include <stdint.h>

#include "graph.h"

static xbtab_status infer_dynamic(xbtab_network *n, xbtab__node *node)
{
    static const int64_t one = 1;
    for (int k = 0; k < 2 && k < node->n_more; k++) {
        XBTAB_TRY(xbtab__more_set(n, node, k, 1, &one, k == 0 ? XBTAB__TYPE_FLOAT : XBTAB__TYPE_UINT8));
        if (node->more[k] >= 0) n->value[node->more[k]].is_scalar = true;
    }
    xbtab__output_of(n, node)->type = XBTAB__TYPE_UINT8;
    return xbtab__infer_same(n, node);
}

/* A range that holds 0, in 255 steps; in float, as ONNX Runtime computes it. */
static void run_dynamic(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    size_t size = xbtab__output_of(n, node)->shape.size;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output], low = 0, high = 0;
    float *scale_out = xbtab__more_of(node, run, 0), *zero_out = xbtab__more_of(node, run, 1);
    for (size_t k = 0; k < size; k++) {
        low = fminf(low, x[k]);
        high = fmaxf(high, x[k]);
    }
    float scale = high > low ? (high - low) / 255.0f : 1.0f;
    float zero = rintf(fminf(fmaxf(-low / scale, 0), 255));
    for (size_t k = 0; k < size; k++) y[k] = fminf(fmaxf(rintf(x[k] / scale) + zero, 0), 255);
    if (scale_out) *scale_out = scale;
    if (zero_out) *zero_out = zero;
}

static void dynamic_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                            xbtab__lattice *out)
{
    (void)n;
    (void)node;
    (void)of;
    *out = (xbtab__lattice){.is_known = true, .not_negative = true, .a = 1, .most = 255};
}

/* ---- MatMulInteger with the steps that come after it ---- */

/* Values; -1 = left out. */
typedef struct product {
    int x, x_scale, x_zero, w, w_scale, w_zero, bias;
} product;

static int value_at(const xbtab__node *call, int k)
{
    return k < call->n_inputs ? call->input[k] : -1;
}

static xbtab_status add_pair(xbtab_network *n, const xbtab__node *call, const char *type, int a, int b,
                             int *out)
{
    return xbtab__add_node(n, call->name, n->find_operator(type), 2, (int[]){a, b}, NULL, out);
}

/* (x - x_zero) (w - w_zero) x_scale w_scale + bias */
static xbtab_status add_product(xbtab_network *n, xbtab__node *call, const product *p)
{
    int sums, scale, *out = &call->output;
    XBTAB_TRY(xbtab__add_integers(n, call, (int[]){p->x, p->w, p->x_zero, p->w_zero}, &sums));
    n->value[sums].type = XBTAB__TYPE_FLOAT;
    XBTAB_TRY(add_pair(n, call, "Mul", p->x_scale, p->w_scale, &scale));
    XBTAB_TRY(add_pair(n, call, "Mul", sums, scale, out));
    return p->bias >= 0 ? add_pair(n, call, "Add", *out, p->bias, out) : XBTAB_OK;
}

/* A, B, their scales, their zeros, a bias */
static xbtab_status lower_to_float(xbtab_network *n, xbtab__node *call)
{
    return add_product(n, call,
                       &(product){.x = value_at(call, 0),
                                  .w = value_at(call, 1),
                                  .x_scale = value_at(call, 2),
                                  .w_scale = value_at(call, 3),
                                  .x_zero = value_at(call, 4),
                                  .w_zero = value_at(call, 5),
                                  .bias = value_at(call, 6)});
}

/* A in real numbers, B, its scale, its zero, a bias */
static xbtab_status lower_product(xbtab_network *n, xbtab__node *call)
{
    int codes, more[2];
    XBTAB_TRY(xbtab__add_node_more(n, call->name, n->find_operator("DynamicQuantizeLinear"), 1, call->input,
                                   NULL, &codes, 2, more));
    return add_product(n, call,
                       &(product){.x = codes,
                                  .w = value_at(call, 1),
                                  .x_scale = more[0],
                                  .w_scale = value_at(call, 2),
                                  .x_zero = more[1],
                                  .w_zero = value_at(call, 3),
                                  .bias = value_at(call, 4)});
}

static const xbtab__operator operators[] = {
    {"DynamicQuantizeLinear", 1, 1, XBTAB__INTEGER_NONE, infer_dynamic, run_dynamic, dynamic_lattice, NULL},
    {"DynamicQuantizeMatMul", 3, 5, XBTAB__INTEGER_NONE, lower_product, NULL, NULL, NULL},
    {"MatMulIntegerToFloat", 4, 7, XBTAB__INTEGER_NONE, lower_to_float, NULL, NULL, NULL},
};

const xbtab__operator *xbtab__operators_dynamic(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
