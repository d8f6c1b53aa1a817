/* steps_matrix.c - matrix layers: y = W x + b of dense layers and convolutions.
 *
 *   dL/dx = W^T dL/dy,  dL/dW = dL/dy x^T,  dL/db = dL/dy, summed over vectors
 *
 * In integers, where the input is step_x q with a whole q and the weights step_w k, y = step_x step_w sum k q
 * + b: floats hold whole numbers up to 2^24, so sums of more than that are taken in parts. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "tape.h"

static const double largest_exact = 16777216.0; /* up to which floats hold all whole numbers */

static xbtab_status begin_layer(xbtab__tape *t, xbtab__tape_step *s)
{
    const xbtab__linear *l = &s->node->linear;
    if (!l->W || l->has_zero || l->step || l->steps)
        return xbtab__node_fail(t->network, s->node, XBTAB_ERR_UNSUPPORTED,
                                l->W ? "cannot be trained: its weights are quantized already"
                                     : "cannot be trained: neither of its matrices is constant");
    size_t rows = l->groups * l->outputs;
    s->n_inputs = 1;
    s->weight = xbtab__tape_add_parameter(t, s->node->name, l->W, rows * l->inputs, rows);
    if (s->weight >= 0) s->bias = xbtab__tape_add_parameter(t, s->node->name, l->bias, rows, 0);
    return s->bias >= 0 ? XBTAB_OK : XBTAB_NOMEM();
}

static bool is_integer(const xbtab__tape *t, const xbtab__tape_step *s)
{
    return t->in_integers && s->grid >= 0 && t->parameter[s->weight].code;
}

/* Terms whose sum is exact in floats. */
static size_t exact_terms(const xbtab__tape *t, const xbtab__tape_step *s)
{
    const xbtab__grid *g = &t->grid[s->grid];
    double most = fmax((double)g->zero, (double)(g->most - g->zero)) * (double)t->parameter[s->weight].most;
    return most < 1 ? (size_t)largest_exact : (size_t)(largest_exact / most);
}

/* x as whole numbers of steps: q - zero. */
static void take_codes(const xbtab__tape *t, const xbtab__tape_step *s, const float *x, size_t n, float *code)
{
    float step = t->parameter[t->grid[s->grid].step].value[0];
    for (size_t k = 0; k < n; k++) code[k] = rintf(x[k] / step);
}

/* A product in parts whose sums are exact: total[m][n]; part: as large, for them. */
static void add_exactly(const xbtab__gemm *g, size_t terms, double *total, float *part, float *scratch)
{
    for (size_t k = 0; k < g->m * g->n; k++) total[k] = 0;
    for (size_t first = 0; first < g->k; first += terms) {
        xbtab__gemm own = *g;
        own.k = g->k - first < terms ? g->k - first : terms;
        own.A.at += first * g->A.column;
        own.B.at += first * g->B.row;
        own.C = part;
        own.stride = g->n;
        own.adds = false;
        xbtab__gemm_run(&own, NULL, scratch);
        for (size_t k = 0; k < g->m * g->n; k++) total[k] += (double)part[k];
    }
}

/* ---- dense layers ---- */

typedef struct dense {
    const xbtab__tape *t;
    const xbtab__tape_step *s;
    size_t rows, blocks; /* vectors of the batch, and how many blocks of them there are */
} dense;

static dense dense_of(const xbtab__tape *t, const xbtab__tape_step *s)
{
    size_t rows = (size_t)t->n * s->node->linear.positions;
    size_t blocks = (size_t)t->threads < rows ? (size_t)t->threads : rows;
    return (dense){.t = t, .s = s, .rows = rows, .blocks = blocks};
}

static float *gemm_scratch(const xbtab__tape *t, int thread)
{
    return t->scratch[thread] + (t->room - xbtab__gemm_room());
}

static void dense_integers(const dense *d, size_t first, size_t n, int thread)
{
    const xbtab__tape *t = d->t;
    const xbtab__linear *l = &d->s->node->linear;
    const xbtab__parameter *W = &t->parameter[d->s->weight];
    double *total = (double *)t->scratch[thread];
    float *part = t->scratch[thread] + 2 * n * l->outputs, *code = part + n * l->outputs;
    double step = (double)t->parameter[t->grid[d->s->grid].step].value[0];
    const float *bias = t->parameter[d->s->bias].used;
    float *y = xbtab__numbers_of(t, d->s->output, 0) + first * l->outputs;
    take_codes(t, d->s, xbtab__numbers_of(t, d->s->input[0], 0) + first * l->inputs, n * l->inputs, code);
    const xbtab__gemm g = {
        .m = n, .n = l->outputs, .k = l->inputs, .A = {code, l->inputs, 1}, .B = {W->code, 1, l->inputs}};
    add_exactly(&g, exact_terms(t, d->s), total, part, gemm_scratch(t, thread));
    for (size_t k = 0; k < n * l->outputs; k++) {
        size_t o = k % l->outputs;
        y[k] = (float)(step * (double)W->scale[o] * total[k] + (double)bias[o]);
    }
}

static void dense_block(const void *context, size_t block, int thread)
{
    const dense *d = context;
    const xbtab__linear *l = &d->s->node->linear;
    size_t first = block * d->rows / d->blocks, n = (block + 1) * d->rows / d->blocks - first;
    if (is_integer(d->t, d->s)) {
        dense_integers(d, first, n, thread);
        return;
    }
    float *y = xbtab__numbers_of(d->t, d->s->output, 0) + first * l->outputs;
    const float *bias = d->t->parameter[d->s->bias].used;
    for (size_t r = 0; r < n; r++) memcpy(y + r * l->outputs, bias, l->outputs * sizeof *y);
    const xbtab__gemm g = {
        .m = n,
        .n = l->outputs,
        .k = l->inputs,
        .A = {xbtab__numbers_of(d->t, d->s->input[0], 0) + first * l->inputs, l->inputs, 1},
        .B = {d->t->parameter[d->s->weight].used, 1, l->inputs},
        .C = y,
        .stride = l->outputs,
        .adds = true};
    xbtab__gemm_run(&g, NULL, gemm_scratch(d->t, thread));
}

static void forward_dense(const xbtab__tape *t, const xbtab__tape_step *s)
{
    const dense d = dense_of(t, s);
    xbtab__tape_share(t, d.blocks, dense_block, &d);
}

/* The first items are blocks of dx, the others blocks of dW's columns; the last one is the bias. */
static void dense_back(const void *context, size_t item, int thread)
{
    const dense *d = context;
    const xbtab__linear *l = &d->s->node->linear;
    const float *dy = xbtab__gradient_of(d->t, d->s->output, 0);
    float *dx = xbtab__gradient_of(d->t, d->s->input[0], 0), *scratch = gemm_scratch(d->t, thread);
    const xbtab__parameter *W = &d->t->parameter[d->s->weight], *b = &d->t->parameter[d->s->bias];
    size_t wide = (size_t)d->t->threads;
    if (item < d->blocks) {
        size_t first = item * d->rows / d->blocks, n = (item + 1) * d->rows / d->blocks - first;
        const xbtab__gemm g = {.m = n,
                               .n = l->inputs,
                               .k = l->outputs,
                               .A = {dy + first * l->outputs, l->outputs, 1},
                               .B = {W->used, l->inputs, 1},
                               .C = dx ? dx + first * l->inputs : NULL,
                               .stride = l->inputs,
                               .adds = true};
        if (dx) xbtab__gemm_run(&g, NULL, scratch);
    } else if (item < d->blocks + wide) {
        size_t block = item - d->blocks, first = block * l->inputs / wide;
        const xbtab__gemm g = {.m = l->outputs,
                               .n = (block + 1) * l->inputs / wide - first,
                               .k = d->rows,
                               .A = {dy, 1, l->outputs},
                               .B = {xbtab__numbers_of(d->t, d->s->input[0], 0) + first, l->inputs, 1},
                               .C = W->gradient + first,
                               .stride = l->inputs,
                               .adds = true};
        xbtab__gemm_run(&g, NULL, scratch);
    } else {
        for (size_t r = 0; r < d->rows; r++) {
            for (size_t o = 0; o < l->outputs; o++) b->gradient[o] += dy[r * l->outputs + o];
        }
    }
}

static void backward_dense(const xbtab__tape *t, const xbtab__tape_step *s)
{
    const dense d = dense_of(t, s);
    xbtab__tape_share(t, d.blocks + (size_t)t->threads + 1, dense_back, &d);
}

/* ---- convolutions ---- */

static size_t volume(const int64_t *size)
{
    return (size_t)(size[0] * size[1] * size[2]);
}

/* Patches are the image itself. */
static bool is_pointwise(const xbtab__window *w)
{
    for (int d = 0; d < 3; d++) {
        if (w->kernel[d] != 1 || w->stride[d] != 1 || w->pad[d] != 0 || w->after[d] != 0) return false;
    }
    return true;
}

/* Output places along the last axis whose tap is inside: from *first to before *end. */
static void inside(const xbtab__window *w, int64_t tap, int64_t *first, int64_t *end)
{
    int64_t off = tap * w->dilation[2] - w->pad[2], stride = w->stride[2];
    *first = off < 0 ? (-off + stride - 1) / stride : 0;
    *end = off >= w->in[2] ? 0 : (w->in[2] - 1 - off) / stride + 1;
    if (*end > w->out[2]) *end = w->out[2];
}

/* dx += what patches took from it: the transpose of xbtab__unfold(). columns[inputs][places] */
static void fold_back(const xbtab__window *w, size_t channels, const float *columns, float *dx)
{
    for (size_t c = 0; c < channels; c++, dx += volume(w->in)) {
        for (int64_t tap = 0; tap < (int64_t)volume(w->kernel); tap++) {
            int64_t kx = tap % w->kernel[2], ky = tap / w->kernel[2] % w->kernel[1],
                    kz = tap / (w->kernel[2] * w->kernel[1]), first, end;
            inside(w, kx, &first, &end);
            for (int64_t row = 0; row < w->out[0] * w->out[1]; row++, columns += w->out[2]) {
                int64_t iz = row / w->out[1] * w->stride[0] + kz * w->dilation[0] - w->pad[0],
                        iy = row % w->out[1] * w->stride[1] + ky * w->dilation[1] - w->pad[1];
                if (iz < 0 || iy < 0 || iz >= w->in[0] || iy >= w->in[1]) continue;
                float *line = dx + (iz * w->in[1] + iy) * w->in[2] + kx * w->dilation[2] - w->pad[2];
                for (int64_t ox = first; ox < end; ox++) line[ox * w->stride[2]] += columns[ox];
            }
        }
    }
}

/* One group of one image. */
typedef struct convolution {
    const xbtab__tape *t;
    const xbtab__tape_step *s;
    const float *x;
    size_t image, group, channels, places;
    float *columns, *more, *scratch; /* of the thread: columns[inputs][places], more behind them */
} convolution;

static convolution convolution_of(const xbtab__tape *t, const xbtab__tape_step *s, size_t image, size_t group,
                                  int thread)
{
    const xbtab__linear *l = &s->node->linear;
    convolution c = {.t = t, .s = s, .image = image, .group = group};
    c.channels = (size_t)s->node->window.channels / l->groups;
    c.places = volume(s->node->window.out);
    c.x = xbtab__numbers_of(t, s->input[0], image) + group * c.channels * volume(s->node->window.in);
    c.columns = t->scratch[thread];
    c.more = c.columns + l->inputs * c.places;
    c.scratch = gemm_scratch(t, thread);
    return c;
}

static const float *unfolded(const convolution *c)
{
    const xbtab__window *w = &c->s->node->window;
    if (is_pointwise(w)) return c->x;
    xbtab__unfold(w, c->x, (int64_t)c->channels, 0, 0, c->places, c->columns);
    return c->columns;
}

static void convolve_integers(const convolution *c, const float *columns, float *y)
{
    const xbtab__linear *l = &c->s->node->linear;
    const xbtab__parameter *W = &c->t->parameter[c->s->weight];
    double step = (double)c->t->parameter[c->t->grid[c->s->grid].step].value[0];
    double *total = (double *)(c->more + l->inputs * c->places % 2);
    float *part = (float *)(total + l->outputs * c->places);
    take_codes(c->t, c->s, columns, l->inputs * c->places, c->columns);
    const xbtab__gemm g = {.m = l->outputs,
                           .n = c->places,
                           .k = l->inputs,
                           .A = {W->code + c->group * l->outputs * l->inputs, l->inputs, 1},
                           .B = {c->columns, c->places, 1}};
    add_exactly(&g, exact_terms(c->t, c->s), total, part, c->scratch);
    for (size_t o = 0; o < l->outputs; o++) {
        size_t row = c->group * l->outputs + o;
        double scale = step * (double)W->scale[row], bias = (double)c->t->parameter[c->s->bias].used[row];
        for (size_t p = 0; p < c->places; p++)
            y[o * c->places + p] = (float)(scale * total[o * c->places + p] + bias);
    }
}

static void convolve(const convolution *c)
{
    const xbtab__linear *l = &c->s->node->linear;
    size_t at = c->group * l->outputs;
    float *y = xbtab__numbers_of(c->t, c->s->output, c->image) + at * c->places;
    const float *columns = unfolded(c), *bias = c->t->parameter[c->s->bias].used + at;
    if (is_integer(c->t, c->s)) {
        convolve_integers(c, columns, y);
        return;
    }
    for (size_t k = 0; k < l->outputs * c->places; k++) y[k] = bias[k / c->places];
    const xbtab__gemm g = {.m = l->outputs,
                           .n = c->places,
                           .k = l->inputs,
                           .A = {c->t->parameter[c->s->weight].used + at * l->inputs, l->inputs, 1},
                           .B = {columns, c->places, 1},
                           .C = y,
                           .stride = c->places,
                           .adds = true};
    xbtab__gemm_run(&g, NULL, c->scratch);
}

static void forward_conv(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    for (size_t i = 0; i < span->n * s->node->linear.groups; i++) {
        const convolution c = convolution_of(t, s, span->first + i / s->node->linear.groups,
                                             i % s->node->linear.groups, span->thread);
        convolve(&c);
    }
}

static void convolve_back(const convolution *c, int part)
{
    const xbtab__linear *l = &c->s->node->linear;
    const xbtab__parameter *W = &c->t->parameter[c->s->weight], *b = &c->t->parameter[c->s->bias];
    size_t at = c->group * l->outputs;
    const float *dy = xbtab__gradient_of(c->t, c->s->output, c->image) + at * c->places;
    float *db = b->part + (size_t)part * b->size + at, *dx;
    const xbtab__gemm weights = {.m = l->outputs,
                                 .n = l->inputs,
                                 .k = c->places,
                                 .A = {dy, c->places, 1},
                                 .B = {unfolded(c), 1, c->places},
                                 .C = W->part + (size_t)part * W->size + at * l->inputs,
                                 .stride = l->inputs,
                                 .adds = true};
    xbtab__gemm_run(&weights, NULL, c->scratch);
    for (size_t o = 0; o < l->outputs; o++) {
        float sum = 0;
        for (size_t p = 0; p < c->places; p++) sum += dy[o * c->places + p];
        db[o] += sum;
    }
    dx = xbtab__gradient_of(c->t, c->s->input[0], c->image);
    if (!dx) return;
    dx += c->group * c->channels * volume(c->s->node->window.in);
    bool is_direct = is_pointwise(&c->s->node->window);
    const xbtab__gemm inputs = {.m = l->inputs,
                                .n = c->places,
                                .k = l->outputs,
                                .A = {W->used + at * l->inputs, 1, l->inputs},
                                .B = {dy, c->places, 1},
                                .C = is_direct ? dx : c->columns,
                                .stride = c->places,
                                .adds = is_direct};
    xbtab__gemm_run(&inputs, NULL, c->scratch);
    if (!is_direct) fold_back(&c->s->node->window, c->channels, c->columns, dx);
}

static void backward_conv(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    for (size_t i = 0; i < span->n * s->node->linear.groups; i++) {
        const convolution c = convolution_of(t, s, span->first + i / s->node->linear.groups,
                                             i % s->node->linear.groups, span->thread);
        convolve_back(&c, span->part);
    }
}

const xbtab__gradient xbtab__gradients_matrix[] = {
    {"Conv", begin_layer, forward_conv, backward_conv, NULL, NULL},
    {"Gemm", begin_layer, NULL, NULL, forward_dense, backward_dense},
    {"MatMul", begin_layer, NULL, NULL, forward_dense, backward_dense},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
