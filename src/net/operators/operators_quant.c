/* operators_quant.c - operators of quantized networks: ONNX's own, QONNX's and Brevitas', FINN's thresholds.
 *
 * In the float run a quantized tensor holds its real numbers, or after QuantizeLinear its integers as floats.
 * Each operator also says on which lattice its output lies (graph.h), from the file's own scales and zeros:
 * that is what matrix layers take their integers from. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "graph.h"
#include "quantizers.h"

/* The number of a parameter that belongs to element c of a tensor: one number, one a place along an axis, or
 * a tensor that broadcasts. */
static size_t parameter_at(const xbtab__shape *parameter, const xbtab__shape *s, size_t c, int axis)
{
    if (parameter->size == 1) return 0;
    if (axis >= 0) {
        size_t behind = 1;
        for (int k = axis + 1; k < s->rank; k++) behind *= (size_t)s->dim[k];
        return c / behind % (size_t)s->dim[axis];
    }
    size_t at = 0, step = 1, rest = c;
    for (int k = 0; k < s->rank; k++) {
        size_t place = rest % (size_t)s->dim[s->rank - 1 - k];
        rest /= (size_t)s->dim[s->rank - 1 - k];
        if (k >= parameter->rank) continue;
        int64_t d = parameter->dim[parameter->rank - 1 - k];
        if (d > 1) at += place * step;
        step *= (size_t)d;
    }
    return at;
}

/* The same of a scale for each block of some numbers along an axis. */
static size_t block_at(const xbtab__shape *parameter, const xbtab__shape *s, size_t c, int axis,
                       int64_t block)
{
    size_t at = 0, step = 1;
    for (int k = s->rank - 1; k >= 0; k--) {
        size_t place = c % (size_t)s->dim[k];
        c /= (size_t)s->dim[k];
        at += (k == axis ? place / (size_t)block : place) * step;
        step *= (size_t)parameter->dim[k];
    }
    return at;
}

/* A scale or zero must be constant and fit the tensor, or be left out where that is allowed. */
static xbtab_status check_parameter(const xbtab_network *n, const xbtab__node *node, int k, int axis)
{
    const xbtab__value *p = xbtab__input_of(n, node, k);
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    if (!p) return XBTAB_OK;
    if (!p->constant)
        return xbtab__unsupported(n, node, "its scales, zeros, bits and thresholds must be constant");
    if (p->shape.size == 1) return XBTAB_OK;
    bool fits = axis >= 0 ? (int64_t)p->shape.size == s->dim[axis] : p->shape.rank <= s->rank;
    for (int d = 0; fits && axis < 0 && d < p->shape.rank; d++) {
        int64_t mine = p->shape.dim[p->shape.rank - 1 - d];
        fits = mine == 1 || mine == s->dim[s->rank - 1 - d];
    }
    if (fits) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d has %zu numbers for a tensor of %zu", k,
                            p->shape.size, s->size);
}

/* A dead channel has a scale of 0: all its numbers are 0, as may be those of weights of one output; but no
 * scale is that of a tensor that images make. */
static xbtab_status check_scale(const xbtab_network *n, const xbtab__node *node, int k)
{
    const xbtab__value *v = xbtab__input_of(n, node, k);
    for (size_t c = 0; c < v->shape.size; c++) {
        bool is_dead = v->constant[c] == 0 && (v->shape.size > 1 || xbtab__input_of(n, node, 0)->constant);
        if ((!(v->constant[c] > 0) && !is_dead) || !isfinite(v->constant[c]))
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a scale is not above 0");
    }
    return XBTAB_OK;
}

static float number(const xbtab__value *v, const xbtab__shape *s, size_t c, int axis)
{
    return v ? v->constant[parameter_at(&v->shape, s, c, axis)] : 0.0f;
}

/* ---- ONNX: QuantizeLinear and DequantizeLinear ---- */

/* A scale or zero of a node with blocks or an axis. */
static float linear_number(const xbtab__node *node, const xbtab__value *v, const xbtab__shape *s, size_t c)
{
    int axis = (int)node->attributes.axis;
    if (!v || node->attributes.block_size == 0 || v->shape.size == 1) return number(v, s, c, axis);
    return v->constant[block_at(&v->shape, s, c, axis, node->attributes.block_size)];
}

/* Scales or zeros of blocks have a tensor of their own, with a place a block on the axis. */
static xbtab_status check_blocks(const xbtab_network *n, const xbtab__node *node, int k, int axis)
{
    const xbtab__value *p = xbtab__input_of(n, node, k);
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t block = node->attributes.block_size;
    if (!p || p->shape.size == 1) return XBTAB_OK;
    bool fits = p->constant && p->shape.rank == s->rank && block > 0;
    for (int d = 0; fits && d < s->rank; d++)
        fits = p->shape.dim[d] == (d == axis ? (s->dim[d] - 1) / block + 1 : s->dim[d]);
    if (fits) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                            "input %d is no constant of a number for each block of %lld on axis %d", k,
                            (long long)block, axis);
}

static xbtab_status infer_linear(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *scale = xbtab__input_of(n, node, 1);
    bool has_blocks = node->attributes.block_size != 0;
    int axis = 0;
    if (!scale->constant)
        return xbtab__unsupported(n, node, "its scales, zeros, bits and thresholds must be constant");
    if (node->attributes.block_size < 0)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "block_size %lld is below 0: a number for each block",
                                (long long)node->attributes.block_size);
    if (!node->attributes.has_axis) node->attributes.axis = 1;
    if (scale->shape.size > 1) XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.axis, s->rank, &axis));
    node->attributes.axis = axis;
    for (int k = 1; k < 3; k++)
        XBTAB_TRY(has_blocks ? check_blocks(n, node, k, axis) : check_parameter(n, node, k, axis));
    XBTAB_TRY(check_scale(n, node, 1));
    return xbtab__infer_same(n, node);
}

/* Smallest and largest integer of QuantizeLinear, whose zero has its output's type. */
static void linear_range(const xbtab_network *n, const xbtab__node *node, double *low, double *high)
{
    switch (xbtab__output_of(n, node)->type) {
    case XBTAB__TYPE_INT8:
        *low = -128;
        *high = 127;
        break;
    case XBTAB__TYPE_INT16:
        *low = -32768;
        *high = 32767;
        break;
    case XBTAB__TYPE_UINT16:
        *low = 0;
        *high = 65535;
        break;
    case XBTAB__TYPE_INT4:
        *low = -8;
        *high = 7;
        break;
    case XBTAB__TYPE_UINT4:
        *low = 0;
        *high = 15;
        break;
    default:
        *low = 0;
        *high = 255;
    }
}

static xbtab_status infer_quantize(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *zero = xbtab__input_of(n, node, 2);
    int64_t asked = node->attributes.output_dtype;
    int32_t type = zero ? zero->type : asked ? (int32_t)asked : XBTAB__TYPE_UINT8;
    if (asked && asked != type)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its output_dtype %lld is not its zero's type %d",
                                (long long)asked, type);
    if (type != XBTAB__TYPE_INT8 && type != XBTAB__TYPE_UINT8 && type != XBTAB__TYPE_INT16 &&
        type != XBTAB__TYPE_UINT16 && type != XBTAB__TYPE_INT4 && type != XBTAB__TYPE_UINT4)
        return xbtab__unsupported(n, node, "to integers of 4, 8 or 16 bits");
    xbtab__output_of(n, node)->type = type;
    return infer_linear(n, node);
}

static xbtab_status infer_dequantize(xbtab_network *n, xbtab__node *node)
{
    xbtab__output_of(n, node)->type = XBTAB__TYPE_FLOAT;
    return infer_linear(n, node);
}

static void run_quantize(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    double low, high;
    linear_range(n, node, &low, &high);
    for (size_t c = 0; c < s->size; c++) {
        float step = linear_number(node, scale, s, c), q = linear_number(node, zero, s, c);
        if (step > 0) q += rintf(x[c] / step);
        y[c] = fminf(fmaxf(q, (float)low), (float)high);
    }
}

static void quantize_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                             xbtab__lattice *out)
{
    const xbtab__value *zero = xbtab__input_of(n, node, 2);
    double low, high;
    linear_range(n, node, &low, &high);
    /* what is never below 0 is never below the zero's code: fewer levels, and no drive where the number is 0
     */
    if (of[node->input[0]].not_negative && (!zero || zero->shape.size == 1))
        low = fmin(fmax(low, zero ? (double)zero->constant[0] : 0.0), high - 1);
    *out = (xbtab__lattice){.is_known = true, .a = 1, .b = low, .most = (int32_t)(high - low)};
}

static void run_dequantize(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t c = 0; c < s->size; c++)
        y[c] = (x[c] - linear_number(node, zero, s, c)) * linear_number(node, scale, s, c);
}

/* Whether all numbers of a parameter are the same. */
static bool is_one_number(const xbtab__value *v)
{
    for (size_t k = 1; v && k < v->shape.size; k++) {
        if (v->constant[k] != v->constant[0]) return false;
    }
    return true;
}

/* The node's scale takes integers to real numbers: one for all, or each its own. */
static void scale_lattice(const xbtab_network *n, const xbtab__node *node, xbtab__lattice *out)
{
    const xbtab__value *scale = xbtab__input_of(n, node, 1);
    out->is_known = is_one_number(scale) && scale->constant[0] > 0;
    out->has_scales = !out->is_known;
    if (out->has_scales) return;
    out->a *= (double)scale->constant[0];
    out->b *= (double)scale->constant[0];
}

/* Take zeros off numbers from `low` on, `apart` from each other. Where zeros differ between channels, so do
 * the numbers' ends: all of them lie on one lattice that is longer by the zeros' spread.
 * @return false where they do not differ by whole steps. */
static bool take_zeros(const xbtab__value *zero, double low, double apart, int32_t most, xbtab__lattice *out)
{
    double least = zero ? (double)zero->constant[0] : 0.0, largest = least;
    for (size_t k = 1; zero && k < zero->shape.size; k++) {
        double z = (double)zero->constant[k], off = (z - (double)zero->constant[0]) / apart;
        if (off != floor(off)) return false;
        least = fmin(least, z);
        largest = fmax(largest, z);
    }
    double steps = (largest - least) / apart;
    if (steps + most > 65535) return false;
    out->a = apart;
    out->b = low - largest;
    out->most = most + (int32_t)steps;
    return true;
}

static void dequantize_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                               xbtab__lattice *out)
{
    const xbtab__lattice *in = &of[node->input[0]];
    if (in->is_known && take_zeros(xbtab__input_of(n, node, 2), in->b, in->a, in->most, out))
        scale_lattice(n, node, out);
}

/* Each number's own scale; where that is 0, all are 0 steps of any size. */
static void scale_steps(const xbtab_network *n, const xbtab__node *node, float *step)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    bool is_linear = node->type->run == run_dequantize;
    const xbtab__value *scale = xbtab__input_of(n, node, 1);
    for (size_t c = 0; c < s->size; c++) {
        float own = is_linear ? linear_number(node, scale, s, c) : number(scale, s, c, -1);
        step[c] = own > 0 ? own : 1.0f;
    }
}

/* ---- QONNX: Quant, BipolarQuant, Trunc ---- */

enum { TRUNC_V2_INPUTS = 6, OUT_SCALE = 4 }; /* Trunc since version 2 has a scale of its output */

static xbtab_status infer_quant(xbtab_network *n, xbtab__node *node)
{
    bool has_out_scale = node->n_inputs == TRUNC_V2_INPUTS;
    for (int k = 1; k < node->n_inputs; k++) XBTAB_TRY(check_parameter(n, node, k, -1));
    XBTAB_TRY(check_scale(n, node, 1));
    if (has_out_scale) {
        if (!xbtab__input_of(n, node, OUT_SCALE))
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its output's scale is left out");
        XBTAB_TRY(check_scale(n, node, OUT_SCALE));
    }
    for (int k = 3; k < node->n_inputs; k++) {
        if (has_out_scale && k == OUT_SCALE) continue;
        const xbtab__value *bits = xbtab__input_of(n, node, k);
        if (!bits || bits->shape.size != 1 || !(bits->constant[0] >= 1) || bits->constant[0] > 24 ||
            truncf(bits->constant[0]) != bits->constant[0])
            return xbtab__unsupported(n, node, "1 to 24 bits, a whole number for the whole tensor");
    }
    if (node->n_inputs == 5 &&
        xbtab__input_of(n, node, 4)->constant[0] > xbtab__input_of(n, node, 3)->constant[0])
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "more bits come out than go in");
    return xbtab__infer_same(n, node);
}

typedef float (*round_fn)(float x);

/* Away from zero. */
static float round_up(float x)
{
    return copysignf(ceilf(fabsf(x)), x);
}

/* To the nearest integer, halves towards zero; in double, where a half can be taken off any float. */
static float round_half_down(float x)
{
    return (float)copysign(ceil(fabs((double)x) - 0.5), (double)x);
}

/* QONNX's rounding modes, whose names may be of either case, and Brevitas' name of one. */
static const struct {
    const char *name;
    round_fn round;
    bool carries; /* a number above 0 may become larger */
} roundings[] = {{"CEIL", ceilf, true},      {"DOWN", truncf, false},
                 {"FLOOR", floorf, false},   {"HALF_DOWN", round_half_down, true},
                 {"HALF_EVEN", rintf, true}, {"HALF_UP", roundf, true},
                 {"ROUND", rintf, true},     {"ROUND_TO_ZERO", truncf, false},
                 {"UP", round_up, true}};

/* Its number in the table; the reader has refused every other name. */
static size_t rounding_of(const xbtab__node *node)
{
    enum { N_ROUNDINGS = sizeof roundings / sizeof roundings[0] };
    size_t k = 0;
    while (k + 1 < N_ROUNDINGS && strcasecmp(roundings[k].name, node->attributes.rounding_mode) != 0) k++;
    return k;
}

/* One signed bit is bipolar: 1 and -1, whatever narrow says. */
static bool is_bipolar(const xbtab_network *n, const xbtab__node *node)
{
    return node->attributes.is_signed && xbtab__input_of(n, node, 3)->constant[0] == 1.0f;
}

/* Smallest and largest integer of Quant, and of Trunc's output. */
static void quant_range(const xbtab_network *n, const xbtab__node *node, double *low, double *high)
{
    int place = node->n_inputs == TRUNC_V2_INPUTS ? 5 : 3;
    double bits = (double)xbtab__input_of(n, node, place)->constant[0];
    const xbtab__attributes *a = &node->attributes;
    *low = a->is_signed ? -exp2(bits - 1) + (a->narrow ? 1 : 0) : 0.0;
    *high = a->is_signed ? exp2(bits - 1) - 1 : exp2(bits) - 1 - (a->narrow ? 1 : 0);
}

static void run_quant(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    round_fn rounded = roundings[rounding_of(node)].round;
    bool has_two = is_bipolar(n, node);
    double low, high;
    quant_range(n, node, &low, &high);
    for (size_t c = 0; c < s->size; c++) {
        float factor = number(scale, s, c, -1), z = number(zero, s, c, -1);
        if (factor == 0) { /* of a dead channel */
            y[c] = 0;
            continue;
        }
        float q = x[c] / factor + z;
        if (has_two) {
            q = q >= 0 ? 1.0f : -1.0f;
        } else { /* clamped first, as QONNX does */
            q = rounded(fminf(fmaxf(q, (float)low), (float)high));
        }
        y[c] = (q - z) * factor;
    }
}

static void quant_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                          xbtab__lattice *out)
{
    double low, high;
    (void)of;
    quant_range(n, node, &low, &high);
    const xbtab__value *zero = xbtab__input_of(n, node, 2);
    bool fits = is_bipolar(n, node)
                    ? take_zeros(zero, -1.0, 2.0, 1, out)
                    : high - low <= 65535 && take_zeros(zero, low, 1.0, (int32_t)(high - low), out);
    if (fits) scale_lattice(n, node, out);
}

bool xbtab__is_quantizer(const xbtab__node *node)
{
    return node->type->run == run_quantize || node->type->run == run_quant;
}

double xbtab__quantizer_code(const xbtab_network *n, const xbtab__node *node, size_t c, double x, double *low,
                             double *high)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    bool is_linear = node->type->run == run_quantize;
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    (is_linear ? linear_range : quant_range)(n, node, low, high);
    return is_linear ? x / (double)linear_number(node, scale, s, c) + (double)linear_number(node, zero, s, c)
                     : x / (double)number(scale, s, c, -1) + (double)number(zero, s, c, -1);
}

static void run_bipolar(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    const xbtab__value *scale = xbtab__input_of(n, node, 1);
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t c = 0; c < s->size; c++) {
        float factor = number(scale, s, c, -1);
        y[c] = x[c] >= 0 || factor == 0 ? factor : -factor;
    }
}

static void bipolar_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                            xbtab__lattice *out)
{
    (void)of;
    *out = (xbtab__lattice){.a = 2, .b = -1, .most = 1};
    scale_lattice(n, node, out);
}

static const xbtab__value *out_scale_of(const xbtab_network *n, const xbtab__node *node)
{
    return node->n_inputs == TRUNC_V2_INPUTS ? xbtab__input_of(n, node, OUT_SCALE) : NULL;
}

/* What the integers are divided by: a power of two, from the bits, or from both scales. */
static float dropped(const xbtab_network *n, const xbtab__node *node, float scale, float out_scale)
{
    if (out_scale_of(n, node)) return exp2f(rintf(log2f(out_scale / scale)));
    return exp2f(xbtab__input_of(n, node, 3)->constant[0] - xbtab__input_of(n, node, 4)->constant[0]);
}

/* Version 2 clamps what is left to its own integers, and has it in steps of its own. */
static void run_trunc(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    const xbtab__value *out_scale = out_scale_of(n, node);
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    round_fn rounded = roundings[rounding_of(node)].round;
    double low = -INFINITY, high = INFINITY;
    if (out_scale) quant_range(n, node, &low, &high);
    for (size_t c = 0; c < s->size; c++) {
        float factor = number(scale, s, c, -1), z = number(zero, s, c, -1);
        float step = out_scale ? number(out_scale, s, c, -1) : factor;
        if (factor == 0 || step == 0) { /* of a dead channel */
            y[c] = 0;
            continue;
        }
        float drop = dropped(n, node, factor, step), q = rintf(x[c] / factor + z) / drop;
        q = fminf(fmaxf(q, (float)low), (float)high);
        y[c] = (rounded(q) - (out_scale ? z / drop : z)) * step;
    }
}

/* What is left of the integers: those of out_bits, of either sign where nothing says which. */
static void trunc_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                          xbtab__lattice *out)
{
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *zero = xbtab__input_of(n, node, 2);
    const xbtab__value *out_scale = out_scale_of(n, node);
    bool is_one = is_one_number(scale) && is_one_number(zero);
    if (out_scale && (!is_one || !is_one_number(out_scale))) return;
    double low, high, z = (double)zero->constant[0], s = (double)scale->constant[0];
    bool is_positive = of[node->input[0]].not_negative && is_one_number(zero) && z == 0;
    if (out_scale) {
        quant_range(n, node, &low, &high);
        low = is_positive ? fmax(low, 0.0) : low;
        if (s > 0) z /= (double)dropped(n, node, scale->constant[0], out_scale->constant[0]);
        s = (double)out_scale->constant[0];
    } else {
        double bits = (double)xbtab__input_of(n, node, 4)->constant[0];
        low = is_positive ? 0.0 : -exp2(bits - 1);
        high =
            exp2(bits) - (roundings[rounding_of(node)].carries ? 0 : 1); /* may carry into one number more */
    }
    out->not_negative = is_positive;
    if (!is_one) {
        if (high - low <= 65535 && take_zeros(zero, low, 1.0, (int32_t)(high - low), out))
            scale_lattice(n, node, out);
        return;
    }
    if (high - low > 65535 || !(s > 0) || !(scale->constant[0] > 0)) return;
    *out = (xbtab__lattice){.is_known = true,
                            .not_negative = is_positive,
                            .a = s,
                            .b = s * (low - z),
                            .most = (int32_t)(high - low)};
}

static void trunc_steps(const xbtab_network *n, const xbtab__node *node, float *step)
{
    const xbtab__value *out_scale = out_scale_of(n, node);
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    scale_steps(n, node, step);
    for (size_t c = 0; out_scale && c < s->size; c++) step[c] = number(out_scale, s, c, -1);
}

/* ---- FINN: MultiThreshold, thresholds[channels or 1][steps] on the axis that data_layout calls C ---- */

static xbtab_status infer_thresholds(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *t = xbtab__input_of(n, node, 1);
    const char *layout = node->attributes.data_layout, *c = strchr(layout, 'C');
    bool is_single = t->shape.dim[0] == 1; /* one row for all, wherever the channels are */
    node->attributes.axis = s->rank == 2 ? 1 : is_single ? 0 : c - layout;
    if (s->rank != 2 && !is_single && (int)strlen(layout) != s->rank)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "data_layout \"%s\" does not name its %d axes",
                                layout, s->rank);
    if (!t->constant || t->shape.rank != 2 ||
        (t->shape.dim[0] != 1 && t->shape.dim[0] != s->dim[node->attributes.axis]) ||
        t->shape.dim[1] > 65535) {
        return xbtab__unsupported(n, node, "its thresholds must be constant, one row or one a channel");
    }
    node->terms = (double)t->shape.dim[1];
    return xbtab__infer_same(n, node);
}

static void run_thresholds(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    xbtab__split s = xbtab__split_at(&xbtab__output_of(n, node)->shape, (int)node->attributes.axis);
    const xbtab__value *t = xbtab__input_of(n, node, 1);
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    size_t steps = (size_t)t->shape.dim[1];
    for (size_t c = 0; c < s.before * s.on * s.behind; c++) {
        size_t channel = t->shape.dim[0] == 1 ? 0 : c / s.behind % s.on, passed = 0;
        for (size_t k = 0; k < steps; k++) passed += x[c] >= t->constant[channel * steps + k];
        y[c] = node->attributes.out_scale * (float)passed + node->attributes.out_bias;
    }
}

static void threshold_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                              xbtab__lattice *out)
{
    const xbtab__attributes *a = &node->attributes;
    (void)of;
    if (!(a->out_scale > 0)) return;
    *out = (xbtab__lattice){.is_known = true,
                            .a = (double)a->out_scale,
                            .b = (double)a->out_bias,
                            .most = (int32_t)xbtab__input_of(n, node, 1)->shape.dim[1]};
}

/* ---- matrix layers on integers ---- */

typedef xbtab_status (*infer_shifted)(xbtab_network *n, xbtab__node *node, float x_zero,
                                      const xbtab__value *w_zero);

static xbtab_status infer_integer(xbtab_network *n, xbtab__node *node, infer_shifted infer)
{
    const xbtab__value *zero = xbtab__input_of(n, node, 2);
    bool is_fixed = !zero || zero->constant;
    if (zero && zero->shape.size != 1)
        return xbtab__unsupported(n, node, "its input's zero must be one number");
    xbtab__output_of(n, node)->type = XBTAB__TYPE_INT32;
    XBTAB_TRY(infer(n, node, zero && is_fixed ? zero->constant[0] : 0, xbtab__input_of(n, node, 3)));
    node->linear.has_zero = !is_fixed;
    return XBTAB_OK;
}

static xbtab_status infer_conv_integer(xbtab_network *n, xbtab__node *node)
{
    return infer_integer(n, node, xbtab__infer_conv_shifted);
}

static xbtab_status infer_product_integer(xbtab_network *n, xbtab__node *node)
{
    return infer_integer(n, node, xbtab__infer_product_shifted);
}

static const xbtab__operator operators[] = {
    {.name = "BipolarQuant",
     .least_inputs = 2,
     .most_inputs = 2,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_quant,
     .run = run_bipolar,
     .lattice = bipolar_lattice,
     .steps = scale_steps},
    {.name = "ConvInteger",
     .least_inputs = 2,
     .most_inputs = 4,
     .integer = XBTAB__INTEGER_LINEAR,
     .infer = infer_conv_integer,
     .run = xbtab__run_conv},
    {.name = "DequantizeLinear",
     .least_inputs = 2,
     .most_inputs = 3,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_dequantize,
     .run = run_dequantize,
     .lattice = dequantize_lattice,
     .steps = scale_steps},
    {.name = "MatMulInteger",
     .least_inputs = 2,
     .most_inputs = 4,
     .integer = XBTAB__INTEGER_LINEAR,
     .infer = infer_product_integer,
     .run = xbtab__run_product},
    {.name = "IntQuant", /* QONNX's newer name of Quant */
     .least_inputs = 4,
     .most_inputs = 4,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_quant,
     .run = run_quant,
     .lattice = quant_lattice,
     .steps = scale_steps},
    {.name = "MultiThreshold",
     .least_inputs = 2,
     .most_inputs = 2,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_thresholds,
     .run = run_thresholds,
     .lattice = threshold_lattice},
    {.name = "Quant",
     .least_inputs = 4,
     .most_inputs = 4,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_quant,
     .run = run_quant,
     .lattice = quant_lattice,
     .steps = scale_steps},
    {.name = "QuantizeLinear",
     .least_inputs = 2,
     .most_inputs = 3,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_quantize,
     .run = run_quantize,
     .lattice = quantize_lattice},
    {.name = "Trunc",
     .least_inputs = 5,
     .most_inputs = TRUNC_V2_INPUTS,
     .integer = XBTAB__INTEGER_NONE,
     .infer = infer_quant,
     .run = run_trunc,
     .lattice = trunc_lattice,
     .steps = trunc_steps},
};

const xbtab__operator *xbtab__operators_quant(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
