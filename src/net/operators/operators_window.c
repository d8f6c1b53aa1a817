/* operators_window.c - windows over rows, images and volumes: convolutions and pooling. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

enum { LARGEST_ENTRY = 4096 }; /* of a kernel, stride, dilation or pad */

static const char *const only_axes = "only 1-D, 2-D and 3-D images, tensors of 3 to 5 axes";

/* Size of the output along one axis, and the padding before it. */
static int64_t slide(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, const char *auto_pad,
                     bool is_ceil, int64_t *before, int64_t *after)
{
    int64_t reach = dilation * (kernel - 1) + 1;
    if (strncmp(auto_pad, "SAME", 4) == 0) {
        int64_t out = (in + stride - 1) / stride, total = (out - 1) * stride + reach - in;
        if (total < 0) total = 0;
        *before = strcmp(auto_pad, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
        *after = total - *before;
        return out;
    }
    if (strcmp(auto_pad, "VALID") == 0) *before = *after = 0;
    int64_t room = in + *before + *after - reach;
    if (room < 0) return 0;
    int64_t out = room / stride + 1;
    if (is_ceil && room % stride != 0 && out * stride < in + *before)
        out++; /* the last window starts inside */
    return out;
}

static bool is_outside(const int64_t *list, int n, int64_t least)
{
    for (int k = 0; k < n; k++) {
        if (list[k] < least || list[k] > LARGEST_ENTRY) return true;
    }
    return false;
}

static xbtab_status set_window(xbtab_network *n, xbtab__node *node, const int64_t *kernel)
{
    const xbtab__attributes *a = &node->attributes;
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__window *w = &node->window;
    int axes = s->rank - 2;
    if (axes < 1 || axes > 3) return xbtab__unsupported(n, node, only_axes);
    if (is_outside(a->stride, a->n_stride, 1) || is_outside(a->dilation, a->n_dilation, 1) ||
        is_outside(a->pad, a->n_pad, 0)) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a stride, dilation or pad is out of range");
    }
    if ((a->n_stride && a->n_stride != axes) || (a->n_dilation && a->n_dilation != axes) ||
        (a->n_pad && a->n_pad != 2 * axes)) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "its strides, dilations or pads are not of a tensor of %d axes", s->rank);
    }
    *w = (xbtab__window){.channels = s->dim[1], .count_pad = a->count_include_pad != 0};
    for (int d = 0, k = axes - 3; d < 3; d++, k++) { /* k counts the axes that there are */
        bool is_there = k >= 0;
        w->in[d] = is_there ? s->dim[2 + k] : 1;
        w->kernel[d] = is_there ? kernel[k] : 1;
        w->stride[d] = is_there && a->n_stride ? a->stride[k] : 1;
        w->dilation[d] = is_there && a->n_dilation ? a->dilation[k] : 1;
        w->pad[d] = is_there && a->n_pad ? a->pad[k] : 0;
        w->after[d] = is_there && a->n_pad ? a->pad[axes + k] : 0;
        if (w->kernel[d] < 1 || (w->kernel[d] > LARGEST_ENTRY && w->kernel[d] != w->in[d]))
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its kernel is out of range");
        w->out[d] = slide(w->in[d], w->kernel[d], w->stride[d], w->dilation[d], a->auto_pad,
                          is_there && a->ceil_mode != 0, &w->pad[d], &w->after[d]);
        if (w->out[d] < 1)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its window is larger than its input");
    }
    return XBTAB_OK;
}

/* The shape of a window's outputs on some channels. */
static xbtab_status set_window_shape(xbtab_network *n, const xbtab__node *node, int64_t channels)
{
    const xbtab__window *w = &node->window;
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t dim[5] = {s->dim[0], channels};
    if (dim[0] != 1 && !xbtab__input_of(n, node, 0)->constant)
        return xbtab__unsupported(n, node, "its batch must be 1");
    for (int k = 2; k < s->rank; k++) dim[k] = w->out[3 - s->rank + k];
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim);
}

static size_t volume(const int64_t *size)
{
    return (size_t)(size[0] * size[1] * size[2]);
}

/* ---- pooling ---- */

static xbtab_status infer_pool(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    if (node->attributes.n_kernel + 2 != s->rank || s->rank > 5)
        return xbtab__unsupported(n, node, only_axes);
    XBTAB_TRY(set_window(n, node, node->attributes.kernel));
    return set_window_shape(n, node, node->window.channels);
}

static xbtab_status infer_global_pool(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    if (s->rank < 3) return xbtab__unsupported(n, node, only_axes);
    XBTAB_TRY(set_window(n, node, &s->dim[2]));
    return set_window_shape(n, node, s->dim[1]);
}

/* Places of a window inside the image along one axis: [*first, *end) of the kernel, and how many of all lie
 * within the image and its padding. */
static void clip(const xbtab__window *w, int d, int64_t o, int64_t *start, int64_t *first, int64_t *end,
                 int64_t *padded)
{
    *start = o * w->stride[d] - w->pad[d];
    *first = *start < 0 ? (-*start + w->dilation[d] - 1) / w->dilation[d] : 0;
    *end = w->kernel[d];
    *padded = w->kernel[d];
    while (*padded > 1 && *start + (*padded - 1) * w->dilation[d] >= w->in[d] + w->after[d]) --*padded;
    while (*end > *first && *start + (*end - 1) * w->dilation[d] >= w->in[d]) --*end;
}

static float pool_at(const xbtab__window *w, const float *x, const int64_t *o, bool is_max)
{
    int64_t start[3], first[3], end[3], padded[3], count = 1, all = 1;
    float most = -FLT_MAX, sum = 0;
    for (int d = 0; d < 3; d++) {
        clip(w, d, o[d], &start[d], &first[d], &end[d], &padded[d]);
        count *= end[d] - first[d];
        all *= padded[d];
    }
    for (int64_t kz = first[0]; kz < end[0]; kz++) {
        for (int64_t ky = first[1]; ky < end[1]; ky++) {
            const float *row =
                x + ((start[0] + kz * w->dilation[0]) * w->in[1] + start[1] + ky * w->dilation[1]) * w->in[2];
            for (int64_t kx = first[2]; kx < end[2]; kx++) {
                float v = row[start[2] + kx * w->dilation[2]];
                most = v > most ? v : most;
                sum += v;
            }
        }
    }
    if (w->count_pad) count = all;
    return is_max ? most : sum / (float)(count > 0 ? count : 1);
}

static void run_pool(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__window *w = &node->window;
    bool is_max = node->type->integer == XBTAB__INTEGER_MAX;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    int64_t planes = xbtab__input_of(n, node, 0)->shape.dim[0] * w->channels;
    for (int64_t c = 0; c < planes; c++, x += volume(w->in)) {
        int64_t o[3];
        for (o[0] = 0; o[0] < w->out[0]; o[0]++) {
            for (o[1] = 0; o[1] < w->out[1]; o[1]++) {
                for (o[2] = 0; o[2] < w->out[2]; o[2]++) *y++ = pool_at(w, x, o, is_max);
            }
        }
    }
}

/* Means leave the lattice, but not the side of 0. */
static void mean_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out)
{
    (void)n;
    out->not_negative = of[node->input[0]].not_negative;
}

/* ---- convolutions ---- */

static xbtab_status infer_conv(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *W = xbtab__input_of(n, node, 1);
    int64_t groups = node->attributes.group;
    if (!W || !W->constant) return xbtab__unsupported(n, node, "its weights must be constant");
    if (W->shape.rank != in->shape.rank)
        return xbtab__unsupported(n, node, "weights of as many axes as its input");
    if (W->shape.rank < 3 || W->shape.rank > 5) return xbtab__unsupported(n, node, only_axes);
    for (int k = 0; k < node->attributes.n_kernel && k + 2 < W->shape.rank; k++) {
        if (node->attributes.kernel[k] != W->shape.dim[k + 2])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its kernel_shape is not its weights'");
    }
    XBTAB_TRY(set_window(n, node, &W->shape.dim[2]));
    const xbtab__window *w = &node->window;
    int64_t outputs = W->shape.dim[0], channels = W->shape.dim[1];
    if (groups < 1 || outputs % groups != 0 || in->shape.dim[1] % groups != 0 ||
        channels != in->shape.dim[1] / groups) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "weights for %lld channels in %lld groups on %lld channels",
                                (long long)channels, (long long)groups, (long long)in->shape.dim[1]);
    }
    size_t inputs = (size_t)channels * volume(w->kernel), positions = volume(w->out);
    XBTAB_TRY(xbtab__set_linear(n, node, (size_t)groups, inputs, (size_t)(outputs / groups),
                                positions * (size_t)in->shape.dim[0], xbtab__input_of(n, node, 2), 1.0f));
    node->linear.is_convolution = true;
    memcpy(node->linear.W, W->constant, W->shape.size * sizeof *W->constant);
    if (W->step) XBTAB_TRY(xbtab__take_steps(&node->linear, W->step, NULL));
    size_t patches = inputs * (positions < XBTAB__NET_PLACES ? positions : XBTAB__NET_PLACES);
    if (n->scratch < patches) n->scratch = patches;
    return set_window_shape(n, node, outputs);
}

xbtab_status xbtab__infer_conv_shifted(xbtab_network *n, xbtab__node *node, float x_zero,
                                       const xbtab__value *w_zero)
{
    int n_inputs = node->n_inputs;
    node->n_inputs = 2; /* what follows are zeros, not a bias */
    xbtab_status status = infer_conv(n, node);
    node->n_inputs = n_inputs;
    XBTAB_TRY(status);
    node->linear.pad = x_zero;
    return xbtab__shift_layer(n, node, x_zero, w_zero);
}

/* One row of the output's places [ox, end) for one entry of the kernel, whose input row is NULL outside. */
static void unfold_row(const xbtab__window *w, const float *row, int64_t shift, int64_t ox, int64_t end,
                       float pad, float *out)
{
    int64_t width = w->in[2], stride = w->stride[2]; /* ix = ox stride + shift */
    int64_t from = shift < 0 ? (-shift + stride - 1) / stride : 0;
    int64_t to = row && shift < width ? (width - 1 - shift) / stride + 1 : 0;
    from = from < ox ? ox : from > end ? end : from;
    to = to < from ? from : to > end ? end : to;
    for (; ox < from; ox++) *out++ = pad;
    for (; ox < to; ox++) *out++ = row[ox * stride + shift];
    for (; ox < end; ox++) *out++ = pad;
}

void xbtab__unfold(const xbtab__window *w, const float *x, int64_t channels, float pad, size_t first,
                   size_t n, float *columns)
{
    int64_t last = (int64_t)(first + n), row_places = w->out[2];
    for (int64_t c = 0; c < channels; c++, x += volume(w->in)) {
        for (int64_t k = 0; k < w->kernel[0] * w->kernel[1] * w->kernel[2]; k++) {
            int64_t kx = k % w->kernel[2], ky = k / w->kernel[2] % w->kernel[1],
                    kz = k / w->kernel[2] / w->kernel[1];
            for (int64_t p = (int64_t)first; p < last;) {
                int64_t o = p / row_places, ox = p % row_places;
                int64_t end = last - p < row_places - ox ? ox + last - p : row_places;
                int64_t iz = o / w->out[1] * w->stride[0] + kz * w->dilation[0] - w->pad[0];
                int64_t iy = o % w->out[1] * w->stride[1] + ky * w->dilation[1] - w->pad[1];
                bool inside = iz >= 0 && iz < w->in[0] && iy >= 0 && iy < w->in[1];
                unfold_row(w, inside ? x + (iz * w->in[1] + iy) * w->in[2] : NULL,
                           kx * w->dilation[2] - w->pad[2], ox, end, pad, columns);
                columns += end - ox;
                p += end - ox;
            }
        }
    }
}

/* The sums over k run in order for each position, so the bits do not depend on how the compiler vectorizes.
 */
static void run_places(const xbtab__linear *l, const float *columns, size_t g, size_t n, float *y,
                       size_t stride)
{
    for (size_t o = 0; o < l->outputs; o++, y += stride) {
        float *restrict out = y;
        size_t row = g * l->outputs + o;
        for (size_t p = 0; p < n; p++) out[p] = l->bias[row];
        for (size_t k = 0; k < l->inputs; k++) {
            float weight = l->W[row * l->inputs + k];
            const float *restrict column = columns + k * n;
            for (size_t p = 0; p < n; p++) out[p] += weight * column[p];
        }
    }
}

void xbtab__run_conv(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__linear *l = &node->linear;
    const xbtab__window *w = &node->window;
    size_t channels = (size_t)w->channels / l->groups, positions = volume(w->out);
    size_t batch = (size_t)xbtab__input_of(n, node, 0)->shape.dim[0];
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output], zero = l->has_zero ? run->data[node->input[2]][0] : 0;
    for (size_t g = 0; g < batch * l->groups;
         g++, x += channels * volume(w->in), y += l->outputs * positions) {
        for (size_t first = 0, m; first < positions; first += m) {
            m = positions - first < XBTAB__NET_PLACES ? positions - first : XBTAB__NET_PLACES;
            xbtab__unfold(w, x, (int64_t)channels, l->has_zero ? zero : l->pad, first, m, run->scratch);
            for (size_t k = 0; l->has_zero && k < l->inputs * m; k++) run->scratch[k] -= zero;
            run_places(l, run->scratch, g % l->groups, m, y + first, positions);
        }
    }
}

static const xbtab__operator operators[] = {
    {"AveragePool", 1, 1, XBTAB__INTEGER_AVERAGE, infer_pool, run_pool, mean_lattice, NULL},
    {"Conv", 2, 3, XBTAB__INTEGER_LINEAR, infer_conv, xbtab__run_conv, NULL, NULL},
    {"GlobalAveragePool", 1, 1, XBTAB__INTEGER_AVERAGE, infer_global_pool, run_pool, mean_lattice, NULL},
    {"GlobalMaxPool", 1, 1, XBTAB__INTEGER_MAX, infer_global_pool, run_pool, xbtab__lattice_same, NULL},
    {"MaxPool", 1, 1, XBTAB__INTEGER_MAX, infer_pool, run_pool, xbtab__lattice_same, NULL},
};

const xbtab__operator *xbtab__operators_window(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
