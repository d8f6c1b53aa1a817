/* operators_each.c - one tensor, element by element: activation functions, rounding, casts; and normalization
 * by constants. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "graph.h"

typedef float (*each_fn)(float x, const xbtab__attributes *a);

static void each(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run, each_fn f)
{
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t k = 0; k < xbtab__output_of(n, node)->shape.size; k++) y[k] = f(x[k], &node->attributes);
}

static float shrink(float x, const xbtab__attributes *a)
{
    return x < -a->lambd ? x + a->bias : x > a->lambd ? x - a->bias : 0.0f;
}

static float is_infinite(float x, const xbtab__attributes *a)
{
    return (float)(isinf(x) && ((x < 0 && a->detect_negative) || (x > 0 && a->detect_positive)));
}

/* Gaussian error linear unit (Hendrycks and Gimpel 2016), exactly or by its tanh form. */
static float gelu(float x, const xbtab__attributes *a)
{
    const float half = 0.7071067811865476f, slope = 0.7978845608028654f; /* sqrt(1/2), sqrt(2/pi) */
    if (strcmp(a->approximate, "tanh") == 0)
        return 0.5f * x * (1.0f + tanhf(slope * (x + 0.044715f * x * x * x)));
    return 0.5f * x * (1.0f + erff(half * x));
}

#define EACH(name, expression)                                                                               \
    static float name##_of(float x, const xbtab__attributes *a)                                              \
    {                                                                                                        \
        (void)a;                                                                                             \
        return expression;                                                                                   \
    }                                                                                                        \
    static void run_##name(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)     \
    {                                                                                                        \
        each(n, node, run, name##_of);                                                                       \
    }
EACH(abs, fabsf(x))
EACH(acos, acosf(x))
EACH(acosh, acoshf(x))
EACH(asin, asinf(x))
EACH(asinh, asinhf(x))
EACH(atan, atanf(x))
EACH(atanh, atanhf(x))
EACH(ceil, ceilf(x))
EACH(celu, fmaxf(0.0f, x) + fminf(0.0f, a->alpha *(expf(x / a->alpha) - 1.0f)))
EACH(cos, cosf(x))
EACH(cosh, coshf(x))
EACH(elu, x >= 0 ? x : a->alpha * (expf(x) - 1.0f))
EACH(erf, erff(x))
EACH(exp, expf(x))
EACH(floor, floorf(x))
EACH(gelu, gelu(x, a))
EACH(hard_sigmoid, fmaxf(0.0f, fminf(1.0f, a->alpha *x + a->beta)))
EACH(hard_swish, x *fmaxf(0.0f, fminf(1.0f, x / 6.0f + 0.5f)))
EACH(is_inf, is_infinite(x, a))
EACH(is_nan, (float)isnan(x))
EACH(leaky_relu, x >= 0 ? x : a->alpha * x)
EACH(log, logf(x))
EACH(mish, x *tanhf(log1pf(expf(-fabsf(x))) + fmaxf(x, 0.0f)))
EACH(neg, -x)
EACH(not, (float)(x == 0))
EACH(reciprocal, 1.0f / x)
EACH(round, rintf(x))
EACH(selu, a->gamma *(x > 0 ? x : a->alpha * (expf(x) - 1.0f)))
EACH(shrink, shrink(x, a))
EACH(sigmoid, 1.0f / (1.0f + expf(-x)))
EACH(sign, (float)((x > 0) - (x < 0)))
EACH(sin, sinf(x))
EACH(sinh, sinhf(x))
EACH(softplus, log1pf(expf(-fabsf(x))) + fmaxf(x, 0.0f))
EACH(softsign, x / (1.0f + fabsf(x)))
EACH(sqrt, sqrtf(x))
EACH(tan, tanf(x))
EACH(tanh, tanhf(x))
EACH(thresholded_relu, x > a->alpha ? x : 0.0f)

static xbtab_status infer_bool(xbtab_network *n, xbtab__node *node)
{
    xbtab__output_of(n, node)->type = XBTAB__TYPE_BOOL;
    return xbtab__infer_same(n, node);
}

/* ---- bounds ---- */

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

/* The part of the input's lattice between the bounds, where both are on it or beyond its ends. */
static void clip_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out)
{
    const xbtab__lattice *in = &of[node->input[0]];
    (void)n;
    out->not_negative = in->not_negative || node->attributes.min >= 0;
    if (!in->is_known || !(in->a > 0)) return;
    double low = ((double)node->attributes.min - in->b) / in->a,
           high = ((double)node->attributes.max - in->b) / in->a;
    double first = fmax(floor(low + 0.5), 0), last = fmin(floor(high + 0.5), in->most);
    if ((low > 0 && fabs(low - first) > 1e-6) || (high < in->most && fabs(high - last) > 1e-6) ||
        first >= last)
        return;
    *out = (xbtab__lattice){.is_known = true,
                            .not_negative = out->not_negative,
                            .a = in->a,
                            .b = in->b + first * in->a,
                            .most = (int32_t)(last - first)};
}

/* ---- casts ---- */

static xbtab_status infer_cast(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *like = xbtab__input_of(n, node, 1); /* of CastLike */
    int64_t to = like ? like->type : node->attributes.to;
    if (!xbtab__is_number_type(to) || xbtab__is_float8((int32_t)to)) {
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "to the element type %lld", (long long)to);
    }
    xbtab__output_of(n, node)->type = (int32_t)to;
    return xbtab__infer_same(n, node);
}

/* An integer as one of 4, 8 or 16 bits, which keeps the lowest ones. */
static float lowest_bits(float x, int32_t to)
{
    bool is_signed = to == XBTAB__TYPE_INT4 || to == XBTAB__TYPE_INT8 || to == XBTAB__TYPE_INT16;
    float range = ldexpf(1.0f, xbtab__bits_of_type(to)), low = is_signed ? -range / 2 : 0;
    return x - range * floorf((x - low) / range);
}

/* To integers it cuts off the fraction, to bool all but 0 is true; half precision rounds. */
static void run_cast(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const float exact = 16777216.0f; /* floats hold all integers up to here */
    int32_t to = xbtab__output_of(n, node)->type;
    bool wraps = xbtab__is_integer_type(xbtab__input_of(n, node, 0)->type) && xbtab__is_integer_type(to) &&
                 xbtab__bits_of_type(to) <= 16;
    int bits = to == XBTAB__TYPE_FLOAT16 ? 11 : to == XBTAB__TYPE_BFLOAT16 ? 8 : 0; /* of the significand */
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t k = 0; k < xbtab__output_of(n, node)->shape.size; k++) {
        int exponent = 0;
        if (to == XBTAB__TYPE_BOOL) {
            y[k] = (float)(x[k] != 0);
        } else if (wraps && fabsf(x[k]) < exact) {
            y[k] = lowest_bits(x[k], to);
        } else if (xbtab__is_integer_type(to)) {
            y[k] = truncf(x[k]);
        } else if (bits && isfinite(x[k])) {
            float fraction = frexpf(x[k], &exponent);
            y[k] = ldexpf(rintf(ldexpf(fraction, bits)), exponent - bits);
        } else {
            y[k] = x[k];
        }
    }
}

/* ---- normalization by constants ---- */

static xbtab_status infer_norm(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
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

#define ROW(name, infer, run)                                                                                \
    {                                                                                                        \
        name, 1, 1, XBTAB__INTEGER_NONE, infer, run, NULL, NULL                                              \
    }

static void cast_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out)
{
    int32_t to = xbtab__output_of(n, node)->type;
    if (to == XBTAB__TYPE_FLOAT || to == XBTAB__TYPE_DOUBLE) *out = of[node->input[0]];
}

static const xbtab__operator operators[] = {
    {"BatchNormalization", 5, 5, XBTAB__INTEGER_NONE, infer_norm, run_norm, NULL, NULL},
    {"Cast", 1, 1, XBTAB__INTEGER_NONE, infer_cast, run_cast, cast_lattice, NULL},
    {"CastLike", 2, 2, XBTAB__INTEGER_NONE, infer_cast, run_cast, cast_lattice, NULL},
    {"Clip", 1, 3, XBTAB__INTEGER_NONE, infer_clip, run_clip, clip_lattice, NULL},
    ROW("Abs", xbtab__infer_same, run_abs),
    ROW("Acos", xbtab__infer_same, run_acos),
    ROW("Acosh", xbtab__infer_same, run_acosh),
    ROW("Asin", xbtab__infer_same, run_asin),
    ROW("Asinh", xbtab__infer_same, run_asinh),
    ROW("Atan", xbtab__infer_same, run_atan),
    ROW("Atanh", xbtab__infer_same, run_atanh),
    ROW("Ceil", xbtab__infer_same, run_ceil),
    ROW("Celu", xbtab__infer_same, run_celu),
    ROW("Cos", xbtab__infer_same, run_cos),
    ROW("Cosh", xbtab__infer_same, run_cosh),
    ROW("Elu", xbtab__infer_same, run_elu),
    ROW("Erf", xbtab__infer_same, run_erf),
    ROW("Exp", xbtab__infer_same, run_exp),
    ROW("Floor", xbtab__infer_same, run_floor),
    ROW("Gelu", xbtab__infer_same, run_gelu),
    ROW("HardSigmoid", xbtab__infer_same, run_hard_sigmoid),
    ROW("HardSwish", xbtab__infer_same, run_hard_swish),
    ROW("IsInf", infer_bool, run_is_inf),
    ROW("IsNaN", infer_bool, run_is_nan),
    ROW("LeakyRelu", xbtab__infer_same, run_leaky_relu),
    ROW("Log", xbtab__infer_same, run_log),
    ROW("Mish", xbtab__infer_same, run_mish),
    ROW("Neg", xbtab__infer_same, run_neg),
    ROW("Not", infer_bool, run_not),
    ROW("Reciprocal", xbtab__infer_same, run_reciprocal),
    ROW("Round", xbtab__infer_same, run_round),
    ROW("Selu", xbtab__infer_same, run_selu),
    ROW("Shrink", xbtab__infer_same, run_shrink),
    ROW("Sigmoid", xbtab__infer_same, run_sigmoid),
    ROW("Sign", xbtab__infer_same, run_sign),
    ROW("Sin", xbtab__infer_same, run_sin),
    ROW("Sinh", xbtab__infer_same, run_sinh),
    ROW("Softplus", xbtab__infer_same, run_softplus),
    ROW("Softsign", xbtab__infer_same, run_softsign),
    ROW("Sqrt", xbtab__infer_same, run_sqrt),
    ROW("Tan", xbtab__infer_same, run_tan),
    ROW("Tanh", xbtab__infer_same, run_tanh),
    ROW("ThresholdedRelu", xbtab__infer_same, run_thresholded_relu),
};

const xbtab__operator *xbtab__operators_each(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
