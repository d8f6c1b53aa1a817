/* operators_math.c - element by element: sums and products with broadcasting, activation functions,
 * normalization, means. */
#include <math.h>
#include <string.h>

#include "graph.h"

/* ---- two tensors ---- */

/* The dimension of an axis counted from the last one; tensors of fewer axes are 1 before them. */
static int64_t from_last(const xbtab__shape *s, int k)
{
    return k < s->rank ? s->dim[s->rank - 1 - k] : 1;
}

static xbtab_status infer_broadcast(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *a = &xbtab__input_of(n, node, 0)->shape, *b = &xbtab__input_of(n, node, 1)->shape;
    int rank = a->rank > b->rank ? a->rank : b->rank;
    int64_t dim[XBTAB__NET_RANK];
    for (int k = 0; k < rank; k++) {
        int64_t da = from_last(a, k), db = from_last(b, k);
        if (da != db && da != 1 && db != 1) {
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                    "axes of %lld and %lld numbers do not go together", (long long)da,
                                    (long long)db);
        }
        dim[rank - 1 - k] = da > db ? da : db;
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

typedef float (*binary_fn)(float a, float b);

static void broadcast(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run,
                      binary_fn f)
{
    const xbtab__shape *a = &xbtab__input_of(n, node, 0)->shape, *b = &xbtab__input_of(n, node, 1)->shape;
    const xbtab__shape *out = &xbtab__output_of(n, node)->shape;
    const float *x = run->data[node->input[0]], *z = run->data[node->input[1]];
    float *y = run->data[node->output];
    size_t step_a[XBTAB__NET_RANK], step_b[XBTAB__NET_RANK], size_a = 1, size_b = 1;
    int64_t at[XBTAB__NET_RANK] = {0};
    for (int k = 0; k < out->rank; k++) { /* from the last axis on */
        int64_t da = from_last(a, k), db = from_last(b, k);
        step_a[k] = da == 1 ? 0 : size_a;
        step_b[k] = db == 1 ? 0 : size_b;
        size_a *= (size_t)da;
        size_b *= (size_t)db;
    }
    size_t ia = 0, ib = 0;
    for (size_t c = 0; c < out->size; c++) {
        y[c] = f(x[ia], z[ib]);
        for (int k = 0; k < out->rank; k++) {
            ia += step_a[k];
            ib += step_b[k];
            if (++at[k] < from_last(out, k)) break;
            ia -= step_a[k] * (size_t)at[k];
            ib -= step_b[k] * (size_t)at[k];
            at[k] = 0;
        }
    }
}

static float add(float a, float b)
{
    return a + b;
}

static float subtract(float a, float b)
{
    return a - b;
}

static float times(float a, float b)
{
    return a * b;
}

static float divide(float a, float b)
{
    return a / b;
}

#define BINARY(name, f)                                                                                      \
    static void name(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)           \
    {                                                                                                        \
        broadcast(n, node, run, f);                                                                          \
    }
BINARY(run_add, add)
BINARY(run_sub, subtract)
BINARY(run_mul, times)
BINARY(run_div, divide)
BINARY(run_pow, powf)
BINARY(run_min, fminf)
BINARY(run_max, fmaxf)

/* ---- one tensor ---- */

typedef float (*unary_fn)(float x, const xbtab__attributes *a);

static void each(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run, unary_fn f)
{
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t k = 0; k < xbtab__output_of(n, node)->shape.size; k++) y[k] = f(x[k], &node->attributes);
}

static float hard_sigmoid(float x, const xbtab__attributes *a)
{
    return fmaxf(0.0f, fminf(1.0f, a->alpha * x + a->beta));
}

static float signum(float x, const xbtab__attributes *a)
{
    (void)a;
    return (float)((x > 0) - (x < 0));
}

#define UNARY(name, expression)                                                                              \
    static float name##_of(float x, const xbtab__attributes *a)                                              \
    {                                                                                                        \
        (void)a;                                                                                             \
        return expression;                                                                                   \
    }                                                                                                        \
    static void run_##name(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)     \
    {                                                                                                        \
        each(n, node, run, name##_of);                                                                       \
    }
UNARY(sigmoid, 1.0f / (1.0f + expf(-x)))
UNARY(tanh, tanhf(x))
UNARY(hard_sigmoid, hard_sigmoid(x, a))
UNARY(hard_swish, x *fmaxf(0.0f, fminf(1.0f, x / 6.0f + 0.5f)))
UNARY(leaky_relu, x >= 0 ? x : a->alpha * x)
UNARY(elu, x >= 0 ? x : a->alpha * (expf(x) - 1.0f))
UNARY(softplus, log1pf(expf(-fabsf(x))) + fmaxf(x, 0.0f))
UNARY(softsign, x / (1.0f + fabsf(x)))
UNARY(sign, signum(x, a))
UNARY(neg, -x)
UNARY(abs, fabsf(x))
UNARY(sqrt, sqrtf(x))
UNARY(exp, expf(x))
UNARY(log, logf(x))
UNARY(floor, floorf(x))
UNARY(ceil, ceilf(x))
UNARY(round, rintf(x))
UNARY(erf, erff(x))
UNARY(reciprocal, 1.0f / x)

/* Bounds as attributes (up to opset 10) or as constant inputs. */
static xbtab_status infer_clip(xbtab_network *n, xbtab__node *node)
{
    for (int k = 1; k < node->n_inputs; k++) {
        const xbtab__value *v = xbtab__input_of(n, node, k);
        if (!v) continue;
        if (!v->constant || v->shape.size != 1)
            return xbtab__unsupported(n, node, "its bounds must be constants");
        *(k == 1 ? &node->attributes.min : &node->attributes.max) = v->constant[0];
    }
    return xbtab__infer_same(n, node);
}

static void run_clip(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output], low = node->attributes.min, high = node->attributes.max;
    for (size_t k = 0; k < xbtab__output_of(n, node)->shape.size; k++) y[k] = fminf(fmaxf(x[k], low), high);
}

static xbtab_status infer_norm(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    if (node->attributes.training_mode) return xbtab__unsupported(n, node, "only inference, not training");
    if (s->rank < 2) return xbtab__unsupported(n, node, "only tensors of a batch and channels");
    for (int k = 1; k < 5; k++) {
        const xbtab__value *v = xbtab__input_of(n, node, k);
        if (!v || !v->constant || (int64_t)v->shape.size != s->dim[1])
            return xbtab__unsupported(n, node, "its four vectors must be constants, one number a channel");
    }
    return xbtab__infer_same(n, node);
}

static void run_norm(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    const float *scale = run->data[node->input[1]], *shift = run->data[node->input[2]];
    const float *mean = run->data[node->input[3]], *variance = run->data[node->input[4]];
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    size_t plane = s->size / (size_t)(s->dim[0] * s->dim[1]);
    for (size_t k = 0; k < s->size; k++) {
        size_t c = k / plane % (size_t)s->dim[1];
        float factor = scale[c] / sqrtf(variance[c] + node->attributes.epsilon);
        y[k] = (x[k] - mean[c]) * factor + shift[c];
    }
}

/* ---- means over axes ---- */

static xbtab_status infer_reduce(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *list = xbtab__input_of(n, node, 1);
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    int rank = 0;
    if (list) {
        if (!list->integers || list->shape.size > XBTAB__NET_INTS)
            return xbtab__unsupported(n, node, "its axes must be constants");
        a->n_axes = (int)list->shape.size;
        memcpy(a->axes, list->integers, list->shape.size * sizeof *a->axes);
    }
    bool is_gone[XBTAB__NET_RANK] = {false};
    for (int k = 0; k < a->n_axes; k++) {
        int axis;
        XBTAB_TRY(xbtab__axis_of(n, node, a->axes[k], s->rank, &axis));
        is_gone[axis] = true;
    }
    for (int k = 0; k < s->rank; k++) {
        if (a->n_axes == 0) is_gone[k] = true;
        if (!is_gone[k] || a->keepdims) dim[rank++] = is_gone[k] ? 1 : s->dim[k];
        a->perm[k] = is_gone[k]; /* for the run */
    }
    if (rank == 0) dim[rank++] = 1;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void run_mean(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    size_t out_size = xbtab__output_of(n, node)->shape.size;
    memset(y, 0, out_size * sizeof *y);
    for (size_t c = 0; c < s->size; c++) {
        size_t rest = c, to = 0, step = 1;
        for (int k = s->rank - 1; k >= 0; k--) {
            size_t at = rest % (size_t)s->dim[k];
            rest /= (size_t)s->dim[k];
            if (node->attributes.perm[k]) continue;
            to += at * step;
            step *= (size_t)s->dim[k];
        }
        y[to] += x[c];
    }
    for (size_t c = 0; c < out_size; c++) y[c] /= (float)(s->size / out_size);
}

#define EACH(name, run)                                                                                      \
    {                                                                                                        \
        name, 1, 1, XBTAB__INTEGER_NONE, xbtab__infer_same, run, NULL, NULL                                  \
    }

/* A constant number added to a lattice, or taken off it. */
static void add_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                        xbtab__lattice *out)
{
    const xbtab__value *c = xbtab__input_of(n, node, 1);
    const xbtab__lattice *in = &of[node->input[0]];
    bool is_sum = node->type->run == run_add;
    if (is_sum && !c->constant) {
        c = xbtab__input_of(n, node, 0);
        in = &of[node->input[1]];
    }
    if (!in->is_known || !c->constant || c->shape.size != 1) return;
    *out = *in;
    out->b += is_sum ? (double)c->constant[0] : -(double)c->constant[0];
}

/* The same for factors above 0. */
static void times_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                          xbtab__lattice *out)
{
    const xbtab__value *c = xbtab__input_of(n, node, 1);
    const xbtab__lattice *in = &of[node->input[0]];
    bool is_product = node->type->run == run_mul;
    if (is_product && !c->constant) {
        c = xbtab__input_of(n, node, 0);
        in = &of[node->input[1]];
    }
    if (!in->is_known || !c->constant || c->shape.size != 1 || !(c->constant[0] > 0)) return;
    double factor = is_product ? (double)c->constant[0] : 1.0 / (double)c->constant[0];
    *out = *in;
    out->a *= factor;
    out->b *= factor;
}

static const xbtab__operator operators[] = {
    {"Add", 2, 2, XBTAB__INTEGER_ADD, infer_broadcast, run_add, add_lattice, NULL},
    {"BatchNormalization", 5, 5, XBTAB__INTEGER_NONE, infer_norm, run_norm, NULL, NULL},
    {"Clip", 1, 3, XBTAB__INTEGER_NONE, infer_clip, run_clip, NULL, NULL},
    {"Div", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_div, times_lattice, NULL},
    {"Max", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_max, NULL, NULL},
    {"Min", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_min, NULL, NULL},
    {"Mul", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_mul, times_lattice, NULL},
    {"Pow", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_pow, NULL, NULL},
    {"ReduceMean", 1, 2, XBTAB__INTEGER_NONE, infer_reduce, run_mean, NULL, NULL},
    {"Sub", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_sub, add_lattice, NULL},
    EACH("Abs", run_abs),
    EACH("Ceil", run_ceil),
    EACH("Elu", run_elu),
    EACH("Erf", run_erf),
    EACH("Exp", run_exp),
    EACH("Floor", run_floor),
    EACH("HardSigmoid", run_hard_sigmoid),
    EACH("HardSwish", run_hard_swish),
    EACH("LeakyRelu", run_leaky_relu),
    EACH("Log", run_log),
    EACH("Neg", run_neg),
    EACH("Reciprocal", run_reciprocal),
    EACH("Round", run_round),
    EACH("Sigmoid", run_sigmoid),
    EACH("Sign", run_sign),
    EACH("Softplus", run_softplus),
    EACH("Softsign", run_softsign),
    EACH("Sqrt", run_sqrt),
    EACH("Tanh", run_tanh),
};

const xbtab__operator *xbtab__operators_math(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
