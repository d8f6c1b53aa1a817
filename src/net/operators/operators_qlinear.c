/* operators_qlinear.c - operators that take and give integers with a scale and a zero each: ONNX's
 * QLinearConv and QLinearMatMul, and their like of ONNX Runtime's quantizer (domain com.microsoft).
 *
 * A matrix layer becomes exact integers, as of ConvInteger, and one rounding by x_scale w_scale / y_scale.
 * The others are done on the real numbers, between DequantizeLinear and QuantizeLinear. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

/* ---- rounding a layer's sums ---- */

/* Inputs: the sums, a factor for each output or one for all, the output's zero, whose type is the output's.
 */
static xbtab_status infer_requantize(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *factor = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int axis =
        node->attributes.axis ? 1 : s->rank - 1; /* of the outputs: a convolution's channels, or the last */
    if (factor->shape.size != 1 && (int64_t)factor->shape.size != s->dim[axis])
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "%zu weight scales for %lld outputs",
                                factor->shape.size, (long long)s->dim[axis]);
    node->attributes.axis = axis;
    xbtab__output_of(n, node)->type = zero->type;
    return xbtab__infer_same(n, node);
}

static void type_range(int32_t type, double *low, double *high)
{
    *low = type == XBTAB__TYPE_INT8 ? -128 : 0;
    *high = *low + 255;
}

static void run_requantize(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__value *factor = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    xbtab__split s = xbtab__split_at(&xbtab__output_of(n, node)->shape, (int)node->attributes.axis);
    double low, high;
    type_range(zero->type, &low, &high);
    for (size_t c = 0; c < s.before * s.on * s.behind; c++) {
        float scale = factor->constant[factor->shape.size == 1 ? 0 : c / s.behind % s.on];
        float q = rintf(run->data[node->input[0]][c] * scale) + zero->constant[0];
        run->data[node->output][c] = fminf(fmaxf(q, (float)low), (float)high);
    }
}

static void requantize_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                               xbtab__lattice *out)
{
    double low, high;
    (void)of;
    type_range(xbtab__input_of(n, node, 2)->type, &low, &high);
    *out = (xbtab__lattice){.is_known = true, .a = 1, .b = low, .most = (int32_t)(high - low)};
}

static const xbtab__operator requantize = {
    "Requantize", 3, 3, XBTAB__INTEGER_NONE, infer_requantize, run_requantize, requantize_lattice, NULL};

/* ---- channels that come last ---- */

/* The channels, behind the batch or behind all, change to the other place. */
static xbtab_status move_channels(xbtab_network *n, const xbtab__node *call, int value, bool to_front,
                                  int *out)
{
    xbtab__attributes a;
    int last = n->value[value].shape.rank - 1;
    xbtab__attributes_init(&a, "Transpose");
    a.n_perm = last + 1;
    for (int k = 1; k <= last; k++) a.perm[k] = to_front ? (k == 1 ? last : k - 1) : k == last ? 1 : k + 1;
    return xbtab__add_node(n, call->name, n->find_operator("Transpose"), 1, &value, &a, out);
}

typedef xbtab_status (*lower_fn)(xbtab_network *n, xbtab__node *call);

/* A call on channels that are where its attribute says, done with the channels behind the batch. */
static xbtab_status lower_in_front(xbtab_network *n, xbtab__node *call, lower_fn lower)
{
    if (!call->attributes.channels_last) return lower(n, call);
    XBTAB_TRY(move_channels(n, call, call->input[0], true, &call->input[0]));
    XBTAB_TRY(lower(n, call));
    return move_channels(n, call, call->output, false, &call->output);
}

/* ---- matrix layers ---- */

/* Where a call has the scales and zeros of its inputs and output; -1 = it has none. */
typedef struct places {
    int x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
} places;

static xbtab_status check_scales(xbtab_network *n, const xbtab__node *call, const places *p)
{
    const int scales[] = {p->x_scale, p->w_scale, p->y_scale}, zeros[] = {p->x_zero, p->w_zero, p->y_zero};
    for (int k = 0; k < 3; k++) {
        const xbtab__value *scale = xbtab__input_of(n, call, scales[k]),
                           *zero = xbtab__input_of(n, call, zeros[k]);
        if (!scale || !zero || !scale->constant || !zero->constant)
            return xbtab__unsupported(n, call, "its scales and zeros must be there, and constant");
        if (k != 1 && (scale->shape.size != 1 || zero->shape.size != 1))
            return xbtab__unsupported(n, call, "one scale and zero for its input, and one for its output");
        for (size_t c = 0; c < scale->shape.size; c++) {
            bool is_dead =
                k == 1 && scale->constant[c] == 0 && scale->shape.size > 1; /* an output's weights */
            if ((!(scale->constant[c] > 0) && !is_dead) || !isfinite(scale->constant[c]))
                return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "a scale is not above 0");
        }
    }
    int32_t type = xbtab__input_of(n, call, p->y_zero)->type;
    if (type != XBTAB__TYPE_INT8 && type != XBTAB__TYPE_UINT8)
        return xbtab__unsupported(n, call, "outputs of int8 and uint8");
    return XBTAB_OK;
}

/* alpha x_scale w_scale times a number: the factor to the output's steps, or what a step of the sums is
 * worth. */
static xbtab_status add_factors(xbtab_network *n, const xbtab__node *call, const places *p, double times,
                                int *out)
{
    const xbtab__value *w = xbtab__input_of(n, call, p->w_scale), *x = xbtab__input_of(n, call, p->x_scale);
    size_t count = w->shape.size;
    double x_scale = (double)call->attributes.alpha * (double)x->constant[0];
    XBTAB_TRY(xbtab__add_constant(n, 1, (int64_t[]){(int64_t)count}, XBTAB__TYPE_FLOAT, false, out));
    for (size_t c = 0; c < count; c++) {
        double w_scale = (double)xbtab__input_of(n, call, p->w_scale)->constant[c];
        n->value[*out].constant[c] = (float)(x_scale * w_scale * times);
    }
    return XBTAB_OK;
}

/* sums = (x - x_zero) (w - w_zero), as the operator named. */
static xbtab_status add_sums(xbtab_network *n, const xbtab__node *call, const places *p, const char *type,
                             int *out)
{
    int input[4] = {call->input[p->x], call->input[p->w], call->input[p->x_zero], call->input[p->w_zero]};
    if (strcmp(type, "MatMulInteger") == 0) {
        XBTAB_TRY(xbtab__add_integers(n, call, input, out));
    } else {
        XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator(type), 4, input, &call->attributes, out));
    }
    const xbtab__value *bias = p->bias >= 0 ? xbtab__input_of(n, call, p->bias) : NULL;
    if (!bias) return XBTAB_OK;
    int channels = call->input[p->bias];
    if (!bias->constant) return xbtab__unsupported(n, call, "its bias must be a constant");
    if (strcmp(type, "ConvInteger") == 0) { /* one a channel, along the second axis */
        int rank = n->value[*out].shape.rank;
        int64_t dim[XBTAB__NET_RANK];
        for (int k = 0; k < rank; k++) dim[k] = 1;
        dim[1] = (int64_t)bias->shape.size;
        XBTAB_TRY(xbtab__add_constant(n, rank, dim, XBTAB__TYPE_INT32, false, &channels));
        bias = xbtab__input_of(n, call, p->bias);
        memcpy(n->value[channels].constant, bias->constant, bias->shape.size * sizeof *bias->constant);
    }
    return xbtab__add_node(n, call->name, n->find_operator("Add"), 2, (int[]){*out, channels}, NULL, out);
}

static xbtab_status add_layer(xbtab_network *n, xbtab__node *call, const places *p, const char *type)
{
    xbtab__attributes a;
    int sums, factors;
    XBTAB_TRY(check_scales(n, call, p));
    XBTAB_TRY(add_sums(n, call, p, type, &sums));
    XBTAB_TRY(
        add_factors(n, call, p, 1.0 / (double)xbtab__input_of(n, call, p->y_scale)->constant[0], &factors));
    xbtab__attributes_init(&a, requantize.name);
    a.axis = strcmp(type, "ConvInteger") == 0;
    return xbtab__add_node(n, call->name, &requantize, 3, (int[]){sums, factors, call->input[p->y_zero]}, &a,
                           &call->output);
}

static xbtab_status lower_conv_first(xbtab_network *n, xbtab__node *call)
{
    return add_layer(n, call, &(places){0, 1, 2, 3, 4, 5, 6, 7, 8}, "ConvInteger");
}

static xbtab_status lower_conv(xbtab_network *n, xbtab__node *call)
{
    return lower_in_front(n, call, lower_conv_first);
}

static xbtab_status lower_matmul(xbtab_network *n, xbtab__node *call)
{
    return add_layer(n, call, &(places){0, 1, 2, 3, 4, 5, 6, 7, -1}, "MatMulInteger");
}

/* Gemm with integers: A, its scale and zero, B, its scale and zero, C in steps of alpha and both scales, so
 * that alpha is a factor of all sums; without the output's scale and zero, the output is in real numbers. */
static xbtab_status lower_gemm(xbtab_network *n, xbtab__node *call)
{
    places p = {0, 1, 2, 3, 4, 5, 7, 8, 6};
    int sums, factors;
    if (call->attributes.trans_a) {
        if (n->value[call->input[0]].shape.rank != 2)
            return xbtab__unsupported(n, call, "only matrices of two axes");
        XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator("Transpose"), 1, &call->input[0], NULL,
                                  &call->input[0]));
        call->attributes.trans_a = 0;
    }
    if (xbtab__input_of(n, call, 7)) return add_layer(n, call, &p, "MatMulInteger");
    p.y_scale = p.x_scale;
    p.y_zero = p.x_zero;
    XBTAB_TRY(check_scales(n, call, &p));
    XBTAB_TRY(add_sums(n, call, &p, "MatMulInteger", &sums));
    XBTAB_TRY(add_factors(n, call, &p, 1.0, &factors));
    return xbtab__add_node(n, call->name, n->find_operator("Mul"), 2, (int[]){sums, factors}, NULL,
                           &call->output);
}

/* ---- everything else: real numbers between the two conversions ---- */

static xbtab_status dequantized(xbtab_network *n, const xbtab__node *call, int k, int *out)
{
    int input[3] = {call->input[k], call->input[k + 1], k + 2 < call->n_inputs ? call->input[k + 2] : -1};
    return xbtab__add_node(n, call->name, n->find_operator("DequantizeLinear"), input[2] < 0 ? 2 : 3, input,
                           NULL, out);
}

static xbtab_status requantized(xbtab_network *n, xbtab__node *call, int value, int k)
{
    int input[3] = {value, call->input[k], k + 1 < call->n_inputs ? call->input[k + 1] : -1};
    return xbtab__add_node(n, call->name, n->find_operator("QuantizeLinear"), input[2] < 0 ? 2 : 3, input,
                           NULL, &call->output);
}

/* x, x_scale, x_zero, y_scale, y_zero */
static xbtab_status lower_one(xbtab_network *n, xbtab__node *call, const char *type)
{
    int x;
    XBTAB_TRY(dequantized(n, call, 0, &x));
    XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator(type), 1, &x, &call->attributes, &x));
    return requantized(n, call, x, 3);
}

/* a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
static xbtab_status lower_two(xbtab_network *n, xbtab__node *call, const char *type)
{
    int x[2];
    XBTAB_TRY(dequantized(n, call, 0, &x[0]));
    XBTAB_TRY(dequantized(n, call, 3, &x[1]));
    XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator(type), 2, x, NULL, &x[0]));
    return requantized(n, call, x[0], 6);
}

static xbtab_status lower_add(xbtab_network *n, xbtab__node *call)
{
    return lower_two(n, call, "Add");
}

static xbtab_status lower_mul(xbtab_network *n, xbtab__node *call)
{
    return lower_two(n, call, "Mul");
}

static xbtab_status lower_average_first(xbtab_network *n, xbtab__node *call)
{
    return lower_one(n, call, "AveragePool");
}

static xbtab_status lower_average(xbtab_network *n, xbtab__node *call)
{
    return lower_in_front(n, call, lower_average_first);
}

static xbtab_status lower_global_first(xbtab_network *n, xbtab__node *call)
{
    return lower_one(n, call, "GlobalAveragePool");
}

static xbtab_status lower_global_average(xbtab_network *n, xbtab__node *call)
{
    return lower_in_front(n, call, lower_global_first);
}

static xbtab_status lower_leaky_relu(xbtab_network *n, xbtab__node *call)
{
    return lower_one(n, call, "LeakyRelu");
}

static xbtab_status lower_sigmoid(xbtab_network *n, xbtab__node *call)
{
    return lower_one(n, call, "Sigmoid");
}

/* y_scale, y_zero, then tensor, scale and zero of each part */
static xbtab_status lower_concat(xbtab_network *n, xbtab__node *call)
{
    int part[XBTAB__NET_INPUTS], parts = (call->n_inputs - 2) / 3, joined;
    for (int k = 0; k < parts; k++) XBTAB_TRY(dequantized(n, call, 2 + 3 * k, &part[k]));
    XBTAB_TRY(
        xbtab__add_node(n, call->name, n->find_operator("Concat"), parts, part, &call->attributes, &joined));
    return xbtab__add_node(n, call->name, n->find_operator("QuantizeLinear"), 3,
                           (int[]){joined, call->input[0], call->input[1]}, NULL, &call->output);
}

#define ROW(name, least, most, lower)                                                                        \
    {                                                                                                        \
        name, least, most, XBTAB__INTEGER_NONE, lower, NULL, NULL, NULL                                      \
    }

static const xbtab__operator operators[] = {
    ROW("QGemm", 6, 9, lower_gemm),
    ROW("QLinearAdd", 7, 8, lower_add),
    ROW("QLinearAveragePool", 4, 5, lower_average),
    ROW("QLinearConcat", 5, XBTAB__NET_INPUTS, lower_concat),
    ROW("QLinearConv", 8, 9, lower_conv),
    ROW("QLinearGlobalAveragePool", 4, 5, lower_global_average),
    ROW("QLinearLeakyRelu", 4, 5, lower_leaky_relu),
    ROW("QLinearMatMul", 8, 8, lower_matmul),
    ROW("QLinearMul", 7, 8, lower_mul),
    ROW("QLinearSigmoid", 4, 5, lower_sigmoid),
};

const xbtab__operator *xbtab__operators_qlinear(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
