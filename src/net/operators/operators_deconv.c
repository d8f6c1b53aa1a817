/* operators_deconv.c - ConvTranspose: each number of the input spreads over a window of the output.
 *
 * The windows' numbers are a matrix product of the input's channels, a convolution of one place by outputs
 * times places of the window; where windows overlap they are added up digitally, with the bias. */
#include <string.h>

#include "graph.h"
#include "memory.h"

enum { LARGEST_ENTRY = 4096 }; /* of a kernel, stride, dilation or pad */

/* Sizes of up to three axes. */
typedef struct spread {
    int axes;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3];
} spread;

/* ---- adding up ---- */

/* Inputs: the windows' numbers [1][outputs * places][in...], a bias or none. Attributes: kernel, stride,
 * dilation, pad (before each axis) and axes: the sizes of the output. */
static xbtab_status infer_overlap(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *bias = xbtab__input_of(n, node, 1);
    const xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK] = {s->dim[0], s->dim[1]};
    double terms = (double)s->dim[0] * (double)s->dim[1]; /* of all windows' places */
    for (int k = 0; k < a->n_kernel; k++) {
        terms *= (double)a->axes[k];
        dim[1] /= a->kernel[k];
        dim[2 + k] = a->axes[k];
    }
    if (bias && (int64_t)bias->shape.size != dim[1])
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a bias of %zu numbers for %lld outputs",
                                bias->shape.size, (long long)dim[1]);
    XBTAB_TRY(xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim));
    return xbtab__take_terms(n, node, terms);
}

static spread spread_of(const xbtab_network *n, const xbtab__node *node)
{
    const xbtab__attributes *a = &node->attributes;
    const xbtab__shape *in = &xbtab__input_of(n, node, 0)->shape;
    spread s = {.axes = a->n_kernel};
    for (int d = 0, k = s.axes - 3; d < 3; d++, k++) {
        bool is_there = k >= 0;
        s.in[d] = is_there ? in->dim[2 + k] : 1;
        s.out[d] = is_there ? a->axes[k] : 1;
        s.kernel[d] = is_there ? a->kernel[k] : 1;
        s.stride[d] = is_there ? a->stride[k] : 1;
        s.dilation[d] = is_there ? a->dilation[k] : 1;
        s.before[d] = is_there ? a->pad[k] : 0;
    }
    return s;
}

/* The place of the input whose window has a number at a place of the output; -1 = none. */
static int64_t source(const spread *s, int d, int64_t o, int64_t k)
{
    int64_t at = o + s->before[d] - k * s->dilation[d];
    return at < 0 || at % s->stride[d] != 0 || at / s->stride[d] >= s->in[d] ? -1 : at / s->stride[d];
}

/* One output's numbers: x[places of the window][in], from a bias on. */
static void add_windows(const spread *s, const float *x, float bias, float *y)
{
    int64_t volume = s->in[0] * s->in[1] * s->in[2], o[3];
    for (o[0] = 0; o[0] < s->out[0]; o[0]++) {
        for (o[1] = 0; o[1] < s->out[1]; o[1]++) {
            for (o[2] = 0; o[2] < s->out[2]; o[2]++) {
                float sum = bias;
                for (int64_t k = 0; k < s->kernel[0] * s->kernel[1] * s->kernel[2]; k++) {
                    int64_t z = source(s, 0, o[0], k / s->kernel[2] / s->kernel[1]),
                            i = source(s, 1, o[1], k / s->kernel[2] % s->kernel[1]),
                            j = source(s, 2, o[2], k % s->kernel[2]);
                    if (z >= 0 && i >= 0 && j >= 0) sum += x[k * volume + (z * s->in[1] + i) * s->in[2] + j];
                }
                *y++ = sum;
            }
        }
    }
}

static void run_overlap(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *out = &xbtab__output_of(n, node)->shape;
    spread s = spread_of(n, node);
    size_t windows = (size_t)(s.in[0] * s.in[1] * s.in[2] * s.kernel[0] * s.kernel[1] * s.kernel[2]),
           places = (size_t)(s.out[0] * s.out[1] * s.out[2]), outputs = (size_t)out->dim[1];
    const float *bias = xbtab__input_of(n, node, 1) ? run->data[node->input[1]] : NULL;
    for (size_t c = 0; c < (size_t)out->dim[0] * outputs; c++)
        add_windows(&s, run->data[node->input[0]] + c * windows, bias ? bias[c % outputs] : 0.0f,
                    run->data[node->output] + c * places);
}

static const xbtab__operator overlap = {"ConvTranspose", 1,           2,    XBTAB__INTEGER_NONE,
                                        infer_overlap,   run_overlap, NULL, NULL};

/* ---- the two nodes ---- */

static bool are_within(const int64_t *list, int n, int64_t least)
{
    for (int k = 0; k < n; k++) {
        if (list[k] < least || list[k] > LARGEST_ENTRY) return false;
    }
    return true;
}

static xbtab_status check_lists(const xbtab_network *n, const xbtab__node *call, const xbtab__shape *in,
                                const xbtab__shape *W)
{
    const xbtab__attributes *a = &call->attributes;
    int axes = in->rank - 2;
    if (axes < 1 || axes > 3 || W->rank != in->rank)
        return xbtab__unsupported(n, call, "only 1-D, 2-D and 3-D images, and weights of as many axes");
    if ((a->n_stride && a->n_stride != axes) || (a->n_dilation && a->n_dilation != axes) ||
        (a->n_pad && a->n_pad != 2 * axes) || (a->n_output_pad && a->n_output_pad != axes) ||
        (a->n_kernel && a->n_kernel != axes) ||
        (a->n_output_shape && a->n_output_shape != axes && a->n_output_shape != axes + 2))
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "its lists are not of a tensor of %d axes",
                                in->rank);
    for (int k = 0; k < a->n_kernel; k++) {
        if (a->kernel[k] != W->dim[2 + k])
            return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "its kernel_shape is not its weights'");
    }
    if (are_within(a->stride, a->n_stride, 1) && are_within(a->dilation, a->n_dilation, 1) &&
        are_within(a->pad, a->n_pad, 0) && are_within(a->output_pad, a->n_output_pad, 0) &&
        are_within(&W->dim[2], axes, 1))
        return XBTAB_OK;
    return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "a kernel, stride, dilation or pad is out of range");
}

/* Size of the output and pads of one axis as ONNX defines them; pads beyond the windows are none. */
static void size_axis(const xbtab__attributes *given, int k, int64_t in, xbtab__attributes *a)
{
    int axes = a->n_kernel;
    bool is_upper = strcmp(given->auto_pad, "SAME_UPPER") == 0,
         is_same = is_upper || strcmp(given->auto_pad, "SAME_LOWER") == 0,
         is_valid = strcmp(given->auto_pad, "VALID") == 0;
    int64_t extra = given->n_output_pad ? given->output_pad[k] : 0;
    int64_t whole = a->stride[k] * (in - 1) + extra + (a->kernel[k] - 1) * a->dilation[k] + 1;
    if (given->n_output_shape || is_same) {
        a->axes[k] =
            given->n_output_shape ? given->output_shape[given->n_output_shape - axes + k] : in * a->stride[k];
        int64_t total = whole > a->axes[k] ? whole - a->axes[k] : 0;
        a->pad[k] = is_upper ? total / 2 : total - total / 2;
        return;
    }
    bool has_pads = given->n_pad && !is_valid;
    a->pad[k] = has_pads ? given->pad[k] : 0;
    a->axes[k] = whole - a->pad[k] - (has_pads ? given->pad[axes + k] : 0);
}

static xbtab_status find_sizes(const xbtab_network *n, const xbtab__node *call, xbtab__attributes *a)
{
    const xbtab__attributes *given = &call->attributes;
    const xbtab__shape *in = &xbtab__input_of(n, call, 0)->shape, *W = &xbtab__input_of(n, call, 1)->shape;
    xbtab__attributes_init(a, "ConvTranspose");
    a->n_kernel = in->rank - 2;
    for (int k = 0; k < a->n_kernel; k++) {
        a->kernel[k] = W->dim[2 + k];
        a->stride[k] = given->n_stride ? given->stride[k] : 1;
        a->dilation[k] = given->n_dilation ? given->dilation[k] : 1;
        size_axis(given, k, in->dim[2 + k], a);
        if (a->axes[k] < 1)
            return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "axis %d of its output has %lld places", 2 + k,
                                    (long long)a->axes[k]);
    }
    return XBTAB_OK;
}

/* Weights [inputs][outputs a group][window] as those of a convolution of one place:
 * [groups * outputs a group * window][inputs a group]. */
static xbtab_status turn_weights(xbtab_network *n, const xbtab__node *call, int *out)
{
    const xbtab__shape *W = &xbtab__input_of(n, call, 1)->shape;
    int64_t groups = call->attributes.group, inputs = W->dim[0] / groups;
    int64_t rows = (int64_t)W->size / W->dim[0]; /* of a group */
    int64_t dim[XBTAB__NET_RANK] = {groups * rows, inputs, 1, 1, 1};
    XBTAB_TRY(xbtab__add_constant(n, W->rank, dim, XBTAB__TYPE_FLOAT,
                                  xbtab__input_of(n, call, 1)->step != NULL, out));
    const xbtab__value *from = xbtab__input_of(n, call, 1); /* adding a value moves them */
    xbtab__value *to = &n->value[*out];
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t i = 0; i < inputs; i++) {
                size_t at = (size_t)((g * rows + r) * inputs + i),
                       place = (size_t)((g * inputs + i) * rows + r);
                to->constant[at] = from->constant[place];
                if (from->step) to->step[at] = from->step[place];
            }
        }
    }
    return XBTAB_OK;
}

static xbtab_status lower_conv_transpose(xbtab_network *n, xbtab__node *call)
{
    const xbtab__value *in = xbtab__input_of(n, call, 0), *W = xbtab__input_of(n, call, 1);
    int64_t groups = call->attributes.group;
    xbtab__attributes a, conv;
    int weights, windows;
    if (!W->constant) return xbtab__unsupported(n, call, "its weights must be constant");
    XBTAB_TRY(check_lists(n, call, &in->shape, &W->shape));
    if (groups < 1 || W->shape.dim[0] != in->shape.dim[1] || W->shape.dim[0] % groups != 0)
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT,
                                "weights for %lld channels in %lld groups on %lld channels",
                                (long long)W->shape.dim[0], (long long)groups, (long long)in->shape.dim[1]);
    XBTAB_TRY(find_sizes(n, call, &a));
    XBTAB_TRY(turn_weights(n, call, &weights));
    xbtab__attributes_init(&conv, "Conv");
    conv.group = groups;
    XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator("Conv"), 2, (int[]){call->input[0], weights},
                              &conv, &windows));
    int bias = call->n_inputs > 2 ? call->input[2] : -1;
    return xbtab__add_node(n, call->name, &overlap, bias < 0 ? 1 : 2, (int[]){windows, bias}, &a,
                           &call->output);
}

static const xbtab__operator operators[] = {
    {"ConvTranspose", 2, 3, XBTAB__INTEGER_NONE, lower_conv_transpose, NULL, NULL, NULL},
};

const xbtab__operator *xbtab__operators_deconv(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
