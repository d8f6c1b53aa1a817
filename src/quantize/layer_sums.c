/* layer_sums.c - the sums of a matrix layer in integers: patches of codes, and exact products. */
#include <string.h>

#include "quantized.h"

/* One patch of a group's input, padded with a code: patch[inputs]. Its window starts at z0, y0, x0. */
static void unfold_place(const xbtab__window *w, const int32_t *x, int64_t channels, const int64_t *start,
                         int32_t pad, uint16_t *patch)
{
    int64_t plane = w->in[0] * w->in[1] * w->in[2], rows = w->kernel[0] * w->kernel[1], kernel = w->kernel[2];
    bool is_inner = start[2] >= 0 && start[2] + (kernel - 1) * w->dilation[2] < w->in[2];
    for (int64_t c = 0; c < channels; c++, x += plane) {
        for (int64_t r = 0; r < rows; r++, patch += kernel) {
            int64_t iz = start[0] + r / w->kernel[1] * w->dilation[0],
                    iy = start[1] + r % w->kernel[1] * w->dilation[1];
            bool is_inside = iz >= 0 && iz < w->in[0] && iy >= 0 && iy < w->in[1];
            const int32_t *row = x + (is_inside ? (iz * w->in[1] + iy) * w->in[2] : 0);
            for (int64_t k = 0, ix = start[2]; k < kernel; k++, ix += w->dilation[2]) {
                bool is_there = is_inside && (is_inner || (ix >= 0 && ix < w->in[2]));
                patch[k] = (uint16_t)(is_there ? row[ix] : pad);
            }
        }
    }
}

/* The patches at n places from the first on: patch[n][inputs]. */
static void unfold(const xbtab__window *w, const int32_t *x, int64_t channels, int32_t pad, size_t first,
                   size_t n, uint16_t *patch)
{
    size_t inputs = (size_t)(channels * w->kernel[0] * w->kernel[1] * w->kernel[2]);
    for (size_t p = first; p < first + n; p++, patch += inputs) {
        int64_t o = (int64_t)p / w->out[2], start[3];
        start[0] = o / w->out[1] * w->stride[0] - w->pad[0];
        start[1] = o % w->out[1] * w->stride[1] - w->pad[1];
        start[2] = (int64_t)p % w->out[2] * w->stride[2] - w->pad[2];
        unfold_place(w, x, channels, start, pad, patch);
    }
}

/* Sums that fit 32 bits, of codes of 15 bits at the most: both factors fit 16 signed bits, which compilers
 * turn into multiply-add pairs. */
static void narrow_product(const xbtab_matrix *m, size_t n, const uint16_t *x, int64_t *y)
{
    for (size_t v = 0; v < n; v++) {
        const int16_t *code = (const int16_t *)(const void *)(x + v * m->inputs);
        for (size_t o = 0; o < m->outputs; o++) {
            const int16_t *w = m->W + o * m->inputs;
            int32_t sum = 0;
            for (size_t k = 0; k < m->inputs; k++) sum += code[k] * w[k];
            y[v * m->outputs + o] = sum;
        }
    }
}

/* Each product of 16 by 15 bits and a sign fits 32 bits, their sum 64. */
void xbtab_matrix_product(const xbtab_matrix *m, size_t n, const uint16_t *x, int64_t *y)
{
    for (size_t v = 0; v < n; v++) {
        const uint16_t *code = x + v * m->inputs;
        for (size_t o = 0; o < m->outputs; o++) {
            const int16_t *w = m->W + o * m->inputs;
            int64_t sum = 0;
            for (size_t k = 0; k < m->inputs; k++) sum += (int32_t)code[k] * (int32_t)w[k];
            y[v * m->outputs + o] = sum;
        }
    }
}

bool xbtab__is_wide(const xbtab_matrix *m)
{
    int64_t codes = ((int64_t)1 << m->activation_bits) - 1;
    if (m->activation_bits > 15) return true;
    for (size_t o = 0; o < m->outputs; o++) {
        int64_t most = 0;
        for (size_t k = 0; k < m->inputs; k++) {
            int64_t w = m->W[o * m->inputs + k];
            most += w < 0 ? -w : w;
        }
        if (most * codes > INT32_MAX) return true;
    }
    return false;
}

double xbtab__products_work(const xbtab_quantized *q)
{
    double work = 0;
    for (size_t m = 0; m < q->n_matrices; m++) {
        const xbtab_matrix *x = &q->matrix[m];
        work += (double)x->products * (double)x->inputs * (double)x->outputs;
    }
    return work;
}

xbtab_status xbtab__vector_sums(const xbtab_quantized *q, int k, size_t g, size_t first, size_t n,
                                const uint16_t *x, int64_t *sum, const xbtab__products *by, int thread)
{
    size_t m = q->layer[k].first_matrix + g;
    if (by->product) return by->product(by->payload, m, first, n, x, sum, thread);
    if (q->layer[k].is_wide) {
        xbtab_matrix_product(&q->matrix[m], n, x, sum);
    } else {
        narrow_product(&q->matrix[m], n, x, sum);
    }
    return XBTAB_OK;
}

void xbtab__layer_patch(const xbtab_quantized *q, const xbtab__vectors *at, const int32_t *x, int32_t pad,
                        uint16_t *patch)
{
    const xbtab__node *node = &q->network->node[at->node];
    const xbtab__linear *l = &node->linear;
    if (l->is_convolution) {
        const xbtab__window *w = &node->window;
        int64_t channels = w->channels / (int64_t)l->groups;
        unfold(w, x + (int64_t)at->group * channels * w->in[0] * w->in[1] * w->in[2], channels, pad,
               at->first, at->n, patch);
    } else {
        x += at->first * l->inputs;
        for (size_t c = 0; c < at->n * l->inputs; c++) patch[c] = (uint16_t)x[c];
    }
}

xbtab_status xbtab__layer_sums(const xbtab_quantized *q, const xbtab__vectors *at, const int32_t *x,
                               int32_t pad, uint16_t *patch, int64_t *sum, const xbtab__products *by,
                               int thread)
{
    const xbtab__linear *l = &q->network->node[at->node].linear;
    xbtab__layer_patch(q, at, x, pad, patch);
    return xbtab__vector_sums(q, at->node, at->group, at->image * l->positions + at->first, at->n, patch, sum,
                              by, thread);
}
