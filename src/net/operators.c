/* operators.c - matrix layers, pooling and what networks always have: shape and evaluation of one image. The
 * table is at the foot. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

xbtab__value *xbtab__input_of(const xbtab_network *n, const xbtab__node *node, int k)
{
    return k < node->n_inputs && node->input[k] >= 0 ? &n->value[node->input[k]] : NULL;
}

xbtab__value *xbtab__output_of(const xbtab_network *n, const xbtab__node *node)
{
    return &n->value[node->output];
}

xbtab_status xbtab__unsupported(const xbtab_network *n, const xbtab__node *node, const char *what)
{
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "%s", what);
}

/* ---- shapes that do not change, or only change ---- */

xbtab_status xbtab__infer_same(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
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

/* Means leave the lattice, but not the side of 0. */
static void mean_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out)
{
    (void)n;
    out->not_negative = of[node->input[0]].not_negative;
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
    const xbtab__value *in = xbtab__input_of(n, node, 0), *wanted = xbtab__input_of(n, node, 1);
    if (!wanted || !wanted->integers) return xbtab__unsupported(n, node, "its shape must be a constant");
    int rank = (int)wanted->shape.size, open = -1;
    int64_t dim[XBTAB__NET_RANK], known = 1;
    if (rank < 1 || rank > XBTAB__NET_RANK) return xbtab__unsupported(n, node, "shapes have 1 to 6 axes");
    for (int k = 0; k < rank; k++) {
        dim[k] = wanted->integers[k];
        if (dim[k] == 0) dim[k] = k < in->shape.rank ? in->shape.dim[k] : 0;
        if (dim[k] == -1 && open < 0) {
            open = k;
            continue;
        }
        if (dim[k] < 1 || dim[k] > (int64_t)in->shape.size) {
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "cannot give %zu numbers that shape",
                                    in->shape.size);
        }
        known *= dim[k];
        if (known > (int64_t)in->shape.size) break;
    }
    if (open >= 0 && known > 0) dim[open] = (int64_t)in->shape.size / known;
    if (known < 1 || (open >= 0 ? known * dim[open] : known) != (int64_t)in->shape.size) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "cannot give %zu numbers that shape",
                                in->shape.size);
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

/* ---- windows ---- */

static int64_t attribute_at(const int64_t *list, int n, int k, int64_t otherwise)
{
    return k < n ? list[k] : otherwise;
}

/* Size of the output along one axis, and the padding before it. */
static int64_t slide(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t before,
                     int64_t after, const char *auto_pad, bool is_ceil, int64_t *pad)
{
    int64_t reach = dilation * (kernel - 1) + 1;
    *pad = before;
    if (strncmp(auto_pad, "SAME", 4) == 0) {
        int64_t out = (in + stride - 1) / stride, total = (out - 1) * stride + reach - in;
        if (total < 0) total = 0;
        *pad = strcmp(auto_pad, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
        return out;
    }
    if (strcmp(auto_pad, "VALID") == 0) *pad = before = after = 0;
    int64_t room = in + before + after - reach;
    if (room < 0) return 0;
    int64_t out = room / stride + 1;
    if (is_ceil && room % stride != 0 && out * stride < in + before)
        out++; /* the last window starts inside */
    return out;
}

static xbtab_status set_window(xbtab_network *n, xbtab__node *node, const int64_t *kernel)
{
    const xbtab__attributes *a = &node->attributes;
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__window *w = &node->window;
    int axes = s->rank - 2; /* a row of numbers is an image of one line */
    if (axes < 1 || axes > 2)
        return xbtab__unsupported(n, node, "only 1-D and 2-D images, tensors of 3 or 4 axes");
    for (int k = 0; k < XBTAB__NET_INTS; k++) {
        if ((k < a->n_stride && a->stride[k] < 1) || (k < a->n_dilation && a->dilation[k] < 1) ||
            (k < a->n_pad && a->pad[k] < 0) || (k < axes && (kernel[k] < 1 || kernel[k] > 4096)) ||
            (k < a->n_stride && a->stride[k] > 4096) || (k < a->n_dilation && a->dilation[k] > 4096) ||
            (k < a->n_pad && a->pad[k] > 4096)) {
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                    "a kernel, stride, dilation or pad is out of range");
        }
    }
    bool is_ceil = a->ceil_mode != 0;
    int x = axes - 1; /* entry of the lists that is for the width */
    *w = (xbtab__window){.channels = s->dim[1],
                         .height = axes == 2 ? s->dim[2] : 1,
                         .width = s->dim[s->rank - 1],
                         .kernel_y = axes == 2 ? kernel[0] : 1,
                         .kernel_x = kernel[x],
                         .stride_y = axes == 2 ? attribute_at(a->stride, a->n_stride, 0, 1) : 1,
                         .stride_x = attribute_at(a->stride, a->n_stride, x, 1),
                         .dilation_y = axes == 2 ? attribute_at(a->dilation, a->n_dilation, 0, 1) : 1,
                         .dilation_x = attribute_at(a->dilation, a->n_dilation, x, 1),
                         .count_pad = a->count_include_pad != 0,
                         .out_height = 1};
    if (axes == 2) {
        w->out_height =
            slide(w->height, w->kernel_y, w->stride_y, w->dilation_y, attribute_at(a->pad, a->n_pad, 0, 0),
                  attribute_at(a->pad, a->n_pad, 2, 0), a->auto_pad, is_ceil, &w->pad_top);
    }
    w->out_width =
        slide(w->width, w->kernel_x, w->stride_x, w->dilation_x, attribute_at(a->pad, a->n_pad, x, 0),
              attribute_at(a->pad, a->n_pad, axes + x, 0), a->auto_pad, is_ceil, &w->pad_left);
    if (w->out_height < 1 || w->out_width < 1) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its window is larger than its input");
    }
    return XBTAB_OK;
}

/* The shape of a window's outputs on some channels. */
static xbtab_status set_window_shape(xbtab_network *n, const xbtab__node *node, int64_t channels)
{
    const xbtab__window *w = &node->window;
    int rank = xbtab__input_of(n, node, 0)->shape.rank;
    int64_t dim[4] = {xbtab__input_of(n, node, 0)->shape.dim[0], channels,
                      rank == 4 ? w->out_height : w->out_width, w->out_width};
    if (dim[0] != 1) return xbtab__unsupported(n, node, "its batch must be 1");
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static xbtab_status infer_pool(xbtab_network *n, xbtab__node *node)
{
    if (node->attributes.n_kernel + 2 != xbtab__input_of(n, node, 0)->shape.rank)
        return xbtab__unsupported(n, node, "only 1-D and 2-D windows on images of as many axes");
    XBTAB_TRY(set_window(n, node, node->attributes.kernel));
    return set_window_shape(n, node, node->window.channels);
}

static xbtab_status infer_global_pool(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    if (s->rank < 3) return xbtab__unsupported(n, node, "only 1-D and 2-D images, tensors of 3 or 4 axes");
    XBTAB_TRY(set_window(n, node, &s->dim[2]));
    return set_window_shape(n, node, s->dim[1]);
}

/* Places of a window inside the image along one axis: [*first, *end) of the kernel. */
static void clip(int64_t start, int64_t kernel, int64_t dilation, int64_t size, int64_t *first, int64_t *end)
{
    *first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    *end = kernel;
    while (*end > *first && start + (*end - 1) * dilation >= size) --*end;
}

static void run_pool(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__window *w = &node->window;
    bool is_max = node->type->integer == XBTAB__INTEGER_MAX;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    (void)n;
    for (int64_t c = 0; c < w->channels; c++, x += w->height * w->width) {
        for (int64_t oy = 0; oy < w->out_height; oy++) {
            for (int64_t ox = 0; ox < w->out_width; ox++) {
                int64_t y0 = oy * w->stride_y - w->pad_top, x0 = ox * w->stride_x - w->pad_left, ky, ky1, kx0,
                        kx1;
                float most = -FLT_MAX, sum = 0;
                clip(y0, w->kernel_y, w->dilation_y, w->height, &ky, &ky1);
                clip(x0, w->kernel_x, w->dilation_x, w->width, &kx0, &kx1);
                int64_t count = w->count_pad ? w->kernel_y * w->kernel_x : (ky1 - ky) * (kx1 - kx0);
                for (; ky < ky1; ky++) {
                    for (int64_t kx = kx0; kx < kx1; kx++) {
                        float v = x[(y0 + ky * w->dilation_y) * w->width + x0 + kx * w->dilation_x];
                        most = v > most ? v : most;
                        sum += v;
                    }
                }
                *y++ = is_max ? most : sum / (float)(count > 0 ? count : 1);
            }
        }
    }
}

/* ---- matrix layers ---- */

static xbtab_status set_linear(xbtab_network *n, xbtab__node *node, size_t groups, size_t inputs,
                               size_t outputs, size_t positions, const xbtab__value *bias, float beta)
{
    xbtab__linear *l = &node->linear;
    *l = (xbtab__linear){.groups = groups, .inputs = inputs, .outputs = outputs, .positions = positions};
    l->W = xbtab__alloc(groups * outputs * inputs, sizeof *l->W);
    l->bias = xbtab__alloc(groups * outputs, sizeof *l->bias);
    if (!l->W || !l->bias) return XBTAB_NOMEM();
    if (!bias) return XBTAB_OK;
    if (!bias->constant || (bias->shape.size != 1 && bias->shape.size != groups * outputs)) {
        return xbtab__unsupported(n, node, "its bias must be a constant, one number or one an output");
    }
    for (size_t o = 0; o < groups * outputs; o++) {
        l->bias[o] = beta * bias->constant[bias->shape.size == 1 ? 0 : o];
    }
    return XBTAB_OK;
}

/* The steps of a row of weights on a lattice, where all of the row have the same one. */
static xbtab_status take_steps(xbtab__linear *l, const float *step, const size_t *place)
{
    size_t rows = l->groups * l->outputs;
    l->step = xbtab__alloc(rows, sizeof *l->step);
    if (!l->step) return XBTAB_NOMEM();
    for (size_t r = 0; r < rows; r++) {
        l->step[r] = step[place ? place[r * l->inputs] : r * l->inputs];
        for (size_t k = 0; k < l->inputs; k++) {
            if (step[place ? place[r * l->inputs + k] : r * l->inputs + k] == l->step[r]) continue;
            xbtab__free(l->step);
            l->step = NULL;
            return XBTAB_OK;
        }
    }
    return XBTAB_OK;
}

/* Integers are multiples of 1. */
static xbtab_status take_integer_steps(xbtab__linear *l)
{
    l->step = xbtab__alloc(l->groups * l->outputs, sizeof *l->step);
    if (!l->step) return XBTAB_NOMEM();
    for (size_t r = 0; r < l->groups * l->outputs; r++) l->step[r] = 1.0f;
    return XBTAB_OK;
}

/* y = sum (w - w_zero) (x - x_zero) */
static xbtab_status shift_layer(const xbtab_network *n, const xbtab__node *node, float x_zero,
                                const xbtab__value *w_zero)
{
    const xbtab__linear *l = &node->linear;
    size_t rows = l->groups * l->outputs;
    if (w_zero && (!w_zero->constant || (w_zero->shape.size != 1 && w_zero->shape.size != rows)))
        return xbtab__unsupported(n, node,
                                  "its weights' zero must be a constant, one number or one an output");
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t k = 0; k < l->inputs; k++) {
            if (w_zero) l->W[r * l->inputs + k] -= w_zero->constant[w_zero->shape.size == 1 ? 0 : r];
            sum += (double)l->W[r * l->inputs + k];
        }
        l->bias[r] -= (float)((double)x_zero * sum);
    }
    return XBTAB_OK;
}

static xbtab_status infer_conv(xbtab_network *n, xbtab__node *node);

xbtab_status xbtab__infer_conv_shifted(xbtab_network *n, xbtab__node *node, float x_zero,
                                       const xbtab__value *w_zero)
{
    int n_inputs = node->n_inputs;
    node->n_inputs = 2; /* what follows are zeros, not a bias */
    xbtab_status status = infer_conv(n, node);
    node->n_inputs = n_inputs;
    XBTAB_TRY(status);
    node->linear.pad = x_zero;
    if (!node->linear.step) XBTAB_TRY(take_integer_steps(&node->linear));
    return shift_layer(n, node, x_zero, w_zero);
}

static xbtab_status infer_conv(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *W = xbtab__input_of(n, node, 1);
    int64_t groups = node->attributes.group;
    if (!W || !W->constant) return xbtab__unsupported(n, node, "its weights must be constant");
    if (W->shape.rank != in->shape.rank)
        return xbtab__unsupported(n, node, "weights of as many axes as its input");
    if (W->shape.rank < 3)
        return xbtab__unsupported(n, node, "only 1-D and 2-D images, tensors of 3 or 4 axes");
    XBTAB_TRY(set_window(n, node, &W->shape.dim[2]));
    const xbtab__window *w = &node->window;
    int64_t outputs = W->shape.dim[0], channels = W->shape.dim[1];
    if (groups < 1 || outputs % groups != 0 || channels * groups != in->shape.dim[1]) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "weights for %lld channels in %lld groups on %lld channels",
                                (long long)channels, (long long)groups, (long long)in->shape.dim[1]);
    }
    size_t inputs = (size_t)(channels * w->kernel_y * w->kernel_x);
    XBTAB_TRY(set_linear(n, node, (size_t)groups, inputs, (size_t)(outputs / groups),
                         (size_t)(w->out_height * w->out_width), xbtab__input_of(n, node, 2), 1.0f));
    node->linear.is_convolution = true;
    memcpy(node->linear.W, W->constant, W->shape.size * sizeof *W->constant);
    if (W->step) XBTAB_TRY(take_steps(&node->linear, W->step, NULL));
    if (n->scratch < inputs * node->linear.positions) n->scratch = inputs * node->linear.positions;
    return set_window_shape(n, node, outputs);
}

static xbtab_status infer_product(xbtab_network *n, xbtab__node *node);

xbtab_status xbtab__infer_product_shifted(xbtab_network *n, xbtab__node *node, float x_zero,
                                          const xbtab__value *w_zero)
{
    int n_inputs = node->n_inputs;
    node->n_inputs = 2;
    xbtab_status status = infer_product(n, node);
    node->n_inputs = n_inputs;
    XBTAB_TRY(status);
    if (!node->linear.step) XBTAB_TRY(take_integer_steps(&node->linear));
    return shift_layer(n, node, x_zero, w_zero);
}

/* Gemm and MatMul: vectors along the last axis times a constant matrix. */
static xbtab_status infer_product(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1);
    const xbtab__attributes *a = &node->attributes;
    if (!B || !B->constant) return xbtab__unsupported(n, node, "its second matrix must be constant");
    if (B->shape.rank != 2 || in->shape.rank < 2) return xbtab__unsupported(n, node, "only matrices");
    if (a->trans_a) return xbtab__unsupported(n, node, "transA is not supported");
    int64_t inputs = B->shape.dim[a->trans_b ? 1 : 0], outputs = B->shape.dim[a->trans_b ? 0 : 1];
    int64_t dim[XBTAB__NET_RANK];
    memcpy(dim, in->shape.dim, sizeof dim);
    if (dim[in->shape.rank - 1] != inputs) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "vectors of %lld numbers times a matrix of %lld rows",
                                (long long)dim[in->shape.rank - 1], (long long)inputs);
    }
    dim[in->shape.rank - 1] = outputs;
    XBTAB_TRY(set_linear(n, node, 1, (size_t)inputs, (size_t)outputs, in->shape.size / (size_t)inputs,
                         xbtab__input_of(n, node, 2), a->beta));
    size_t *place = xbtab__alloc((size_t)(inputs * outputs), sizeof *place);
    if (!place) return XBTAB_NOMEM();
    for (int64_t o = 0; o < outputs; o++) {
        for (int64_t k = 0; k < inputs; k++) {
            size_t at = (size_t)(o * inputs + k);
            place[at] = (size_t)(a->trans_b ? o * inputs + k : k * outputs + o);
            node->linear.W[at] = a->alpha * B->constant[place[at]];
        }
    }
    xbtab_status status = B->step && a->alpha == 1.0f ? take_steps(&node->linear, B->step, place) : XBTAB_OK;
    xbtab__free(place);
    XBTAB_TRY(status);
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), in->shape.rank, dim);
}

/* columns[k][position] of one group's input. */
static void unfold(const xbtab__window *w, const float *x, int64_t channels, float pad, float *columns)
{
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t ky = 0; ky < w->kernel_y; ky++) {
            for (int64_t kx = 0; kx < w->kernel_x; kx++) {
                for (int64_t oy = 0; oy < w->out_height; oy++) {
                    int64_t iy = oy * w->stride_y - w->pad_top + ky * w->dilation_y;
                    for (int64_t ox = 0; ox < w->out_width; ox++) {
                        int64_t ix = ox * w->stride_x - w->pad_left + kx * w->dilation_x;
                        bool inside = iy >= 0 && iy < w->height && ix >= 0 && ix < w->width;
                        *columns++ = inside ? x[(c * w->height + iy) * w->width + ix] : pad;
                    }
                }
            }
        }
    }
}

/* The sums over k run in order for each position, so the bits do not depend on how the compiler vectorizes.
 */
void xbtab__run_conv(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__linear *l = &node->linear;
    int64_t channels = node->window.channels / (int64_t)l->groups;
    size_t plane = (size_t)(node->window.height * node->window.width);
    (void)n;
    for (size_t g = 0; g < l->groups; g++) {
        unfold(&node->window, run->data[node->input[0]] + g * (size_t)channels * plane, channels, l->pad,
               run->scratch);
        for (size_t o = 0; o < l->outputs; o++) {
            size_t row = g * l->outputs + o;
            float *restrict y = run->data[node->output] + row * l->positions;
            for (size_t p = 0; p < l->positions; p++) y[p] = l->bias[row];
            for (size_t k = 0; k < l->inputs; k++) {
                float weight = l->W[row * l->inputs + k];
                const float *restrict column = run->scratch + k * l->positions;
                for (size_t p = 0; p < l->positions; p++) y[p] += weight * column[p];
            }
        }
    }
}

void xbtab__run_product(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__linear *l = &node->linear;
    (void)n;
    for (size_t p = 0; p < l->positions; p++) {
        const float *x = run->data[node->input[0]] + p * l->inputs;
        float *y = run->data[node->output] + p * l->outputs;
        for (size_t o = 0; o < l->outputs; o++) {
            float sum = l->bias[o];
            for (size_t k = 0; k < l->inputs; k++) sum += l->W[o * l->inputs + k] * x[k];
            y[o] = sum;
        }
    }
}

/* ---- the last layer ---- */

static void run_softmax(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    size_t length = (size_t)s->dim[s->rank - 1];
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t row = 0; row < s->size / length; row++, x += length, y += length) {
        float most = x[0], sum = 0;
        for (size_t k = 1; k < length; k++) most = x[k] > most ? x[k] : most;
        for (size_t k = 0; k < length; k++) sum += y[k] = expf(x[k] - most);
        for (size_t k = 0; k < length; k++) y[k] /= sum;
    }
}

static xbtab_status infer_dropout(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *training = xbtab__input_of(n, node, 2);
    if (training && (!training->constant || training->constant[0] != 0))
        return xbtab__unsupported(n, node, "only inference, not training");
    return xbtab__infer_same(n, node);
}

static xbtab_status infer_softmax(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t axis = node->attributes.has_axis ? node->attributes.axis : -1;
    if (axis != -1 && axis != s->rank - 1) return xbtab__unsupported(n, node, "only along the last axis");
    return xbtab__infer_same(n, node);
}

static const xbtab__operator operators[] = {
    {"AveragePool", 1, 1, XBTAB__INTEGER_AVERAGE, infer_pool, run_pool, mean_lattice, NULL},
    {"Conv", 2, 3, XBTAB__INTEGER_LINEAR, infer_conv, xbtab__run_conv, NULL, NULL},
    {"Dropout", 1, 3, XBTAB__INTEGER_COPY, infer_dropout, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Flatten", 1, 1, XBTAB__INTEGER_COPY, infer_flatten, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Gemm", 2, 3, XBTAB__INTEGER_LINEAR, infer_product, xbtab__run_product, NULL, NULL},
    {"GlobalAveragePool", 1, 1, XBTAB__INTEGER_AVERAGE, infer_global_pool, run_pool, mean_lattice, NULL},
    {"GlobalMaxPool", 1, 1, XBTAB__INTEGER_MAX, infer_global_pool, run_pool, xbtab__lattice_same, NULL},
    {"Identity", 1, 1, XBTAB__INTEGER_COPY, xbtab__infer_same, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"MatMul", 2, 2, XBTAB__INTEGER_LINEAR, infer_product, xbtab__run_product, NULL, NULL},
    {"MaxPool", 1, 1, XBTAB__INTEGER_MAX, infer_pool, run_pool, xbtab__lattice_same, NULL},
    {"Relu", 1, 1, XBTAB__INTEGER_RELU, xbtab__infer_same, run_relu, relu_lattice, NULL},
    {"Reshape", 2, 2, XBTAB__INTEGER_COPY, infer_reshape, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Softmax", 1, 1, XBTAB__INTEGER_LAST, infer_softmax, run_softmax, NULL, NULL},
};

const xbtab__operator *xbtab__operators_basic(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
