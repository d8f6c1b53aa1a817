/* parts.c - matrix layers whose inputs have scales of their own.
 *
 * With weights w = h k, where the step h differs from input to input, and inputs x = a q + b, an output is
 * sum h (a k q + b k). Where an output's steps are whole multiples of the least of them, the multiples go
 * into the weights. Otherwise inputs whose steps are the same in every output make one part, a matrix of its
 * own: its sums are exact integers, and what they are worth is multiplied digitally, as a sum of tiles is. */
#include "parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Of a step: scales are products of two floats, which are 2^-24 off each. */
static const double tolerance = 3e-7;

/* ---- the inputs' factors ---- */

xbtab_status xbtab__input_factors(const xbtab_network *n, const xbtab__node *node, const float *of_value,
                                  float *out)
{
    const xbtab__linear *l = &node->linear;
    const xbtab__window *w = &node->window;
    const xbtab__value *x = &n->value[node->input[0]];
    size_t kernel = l->is_convolution ? (size_t)(w->kernel[0] * w->kernel[1] * w->kernel[2]) : 1;
    size_t plane = l->is_convolution ? (size_t)(w->in[0] * w->in[1] * w->in[2]) : 1;
    size_t channels = l->groups * l->inputs / kernel;
    for (size_t c = 0; c < x->shape.size; c++) {
        size_t channel = c / plane % channels; /* of a convolution, else an input */
        float factor = of_value[channel * plane];
        if (of_value[c] != factor) {
            return xbtab__node_fail(
                n, node, XBTAB_ERR_UNSUPPORTED,
                "the scales of its input \"%s\" differ between places of %s %zu (%g and %g); "
                "a tensor may have one scale, or one for each channel that a layer adds up",
                x->name, l->is_convolution ? "channel" : "input", channel, (double)factor,
                (double)of_value[c]);
        }
    }
    for (size_t k = 0; k < l->groups * l->inputs; k++) out[k] = of_value[k / kernel * plane];
    return XBTAB_OK;
}

/* ---- making ---- */

/* A layer while it is made. */
typedef struct maker {
    const xbtab__linear *l;
    xbtab__integer_layer *layer;
    const double *bias;
    double *step;   /* step[rows][inputs] */
    size_t *leader; /* leader[inputs] of one group: the first input of the same part */
} maker;

static void find_steps(const maker *m, const float *factor)
{
    const xbtab__linear *l = m->l;
    for (size_t k = 0; k < l->groups * l->outputs * l->inputs; k++) {
        size_t row = k / l->inputs, i = k % l->inputs;
        double weight = l->steps ? (double)l->steps[k] : m->layer->scale[row];
        m->step[k] = weight * (double)factor[row / l->outputs * l->inputs + i];
    }
}

/* The least step of a row's weights, those of 0 left out. */
static double least_step(const maker *m, size_t row)
{
    const int16_t *w = m->layer->W + row * m->l->inputs;
    const double *step = m->step + row * m->l->inputs;
    double least = INFINITY;
    for (size_t i = 0; i < m->l->inputs; i++) {
        if (w[i]) least = fmin(least, fabs(step[i]));
    }
    return isfinite(least) ? least : 1.0;
}

/* How often the least step goes into another one; 0 where it is no whole number, or the weight gets too
 * large.
 */
static double whole_ratio(double step, double least, int16_t w)
{
    double ratio = step / least, whole = floor(ratio + 0.5);
    bool fits = fabs(ratio - whole) <= tolerance * fabs(ratio) && fabs(whole * w) <= INT16_MAX;
    return fits ? whole : 0;
}

static bool can_fold(const maker *m)
{
    for (size_t row = 0; row < m->l->groups * m->l->outputs; row++) {
        const double least = least_step(m, row);
        for (size_t i = 0; i < m->l->inputs; i++) {
            size_t k = row * m->l->inputs + i;
            if (m->layer->W[k] && whole_ratio(m->step[k], least, m->layer->W[k]) == 0) return false;
        }
    }
    return true;
}

static void fold(const maker *m)
{
    xbtab__integer_layer *layer = m->layer;
    for (size_t row = 0; row < m->l->groups * m->l->outputs; row++) {
        const double least = least_step(m, row);
        double sum = 0;
        for (size_t i = 0; i < m->l->inputs; i++) {
            int16_t *w = &layer->W[row * m->l->inputs + i];
            if (*w) *w = (int16_t)(*w * whole_ratio(m->step[row * m->l->inputs + i], least, *w));
            sum += *w;
        }
        layer->scale[row] = least * layer->in.a;
        layer->shift[row] = least * layer->in.b * sum + m->bias[row];
    }
}

/* Whether two inputs of a group have the same step in all outputs; weights of 0 have any. */
static bool are_alike(const maker *m, size_t g, size_t i, size_t j)
{
    for (size_t row = g * m->l->outputs; row < (g + 1) * m->l->outputs; row++) {
        const double *step = m->step + row * m->l->inputs;
        if (m->layer->W[row * m->l->inputs + i] && !(fabs(step[i] - step[j]) <= tolerance * fabs(step[j])))
            return false;
    }
    return true;
}

static int compare_parts(const void *a, const void *b)
{
    const xbtab__part *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1; /* the largest speaks for its layer, where one has to */
    return (x->first > y->first) - (x->first < y->first);
}

/* The parts of one group, added to the layer's; `first` is the first input until they are in order. */
static xbtab_status find_parts(const maker *m, size_t g)
{
    xbtab__integer_layer *layer = m->layer;
    xbtab__part *part = layer->part + layer->n_parts;
    size_t n = 0, inputs = m->l->inputs, at = 0;
    for (size_t i = 0; i < inputs; i++) {
        size_t p = 0;
        while (p < n && !are_alike(m, g, i, part[p].first)) p++;
        if (p == n) part[n++] = (xbtab__part){.group = g, .first = i};
        part[p].n++;
        m->leader[i] = part[p].first;
    }
    qsort(part, n, sizeof *part, compare_parts);
    double *grown = xbtab__realloc(layer->part_scale, (layer->n_parts + n) * m->l->outputs, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    layer->part_scale = grown;
    for (size_t p = 0; p < n; p++) {
        size_t leader = part[p].first;
        for (size_t o = 0; o < m->l->outputs; o++) {
            layer->part_scale[(layer->n_parts + p) * m->l->outputs + o] =
                m->step[(g * m->l->outputs + o) * inputs + leader] * layer->in.a;
        }
        part[p].first = at;
        for (size_t i = 0; i < inputs; i++) {
            if (m->leader[i] == leader) layer->part_input[g * inputs + at++] = (uint32_t)i;
        }
    }
    layer->n_parts += n;
    layer->first_part[g + 1] = layer->n_parts;
    return XBTAB_OK;
}

/* Weights part after part, and what b adds to each output. */
static xbtab_status take_parts(const maker *m)
{
    const xbtab__linear *l = m->l;
    xbtab__integer_layer *layer = m->layer;
    int16_t *W = xbtab__alloc(l->groups * l->outputs * l->inputs, sizeof *W), *to = W;
    if (!W) return XBTAB_NOMEM();
    memcpy(layer->shift, m->bias, l->groups * l->outputs * sizeof *layer->shift);
    for (const xbtab__part *p = layer->part; p < layer->part + layer->n_parts; p++) {
        const uint32_t *input = layer->part_input + p->group * l->inputs + p->first;
        const double *scale = layer->part_scale + (size_t)(p - layer->part) * l->outputs;
        for (size_t o = 0; o < l->outputs; o++) {
            size_t row = p->group * l->outputs + o;
            double sum = 0;
            for (size_t i = 0; i < p->n; i++, to++) {
                *to = layer->W[row * l->inputs + input[i]];
                sum += *to;
            }
            layer->shift[row] += scale[o] / layer->in.a * layer->in.b * sum;
        }
    }
    xbtab__free(layer->W);
    layer->W = W;
    return XBTAB_OK;
}

static xbtab_status split(const maker *m)
{
    const xbtab__linear *l = m->l;
    xbtab__integer_layer *layer = m->layer;
    const size_t most = l->groups * l->inputs;
    layer->part = xbtab__alloc(most, sizeof *layer->part);
    layer->part_input = xbtab__alloc(most, sizeof *layer->part_input);
    layer->first_part = xbtab__alloc(l->groups + 1, sizeof *layer->first_part);
    if (!layer->part || !layer->part_input || !layer->first_part) return XBTAB_NOMEM();
    for (size_t g = 0; g < l->groups; g++) XBTAB_TRY(find_parts(m, g));
    return take_parts(m);
}

xbtab_status xbtab__parts_make(xbtab_quantized *q, int k, const float *factor, const double *bias)
{
    const xbtab__node *node = &q->network->node[k];
    const xbtab__linear *l = &node->linear;
    if (l->has_zero)
        return xbtab__node_fail(q->network, node, XBTAB_ERR_UNSUPPORTED,
                                "a scale for each input goes with a zero that is constant");
    maker m = {.l = l,
               .layer = &q->layer[k],
               .bias = bias,
               .step = xbtab__alloc(l->groups * l->outputs * l->inputs, sizeof *m.step),
               .leader = xbtab__alloc(l->inputs, sizeof *m.leader)};
    xbtab_status status = m.step && m.leader ? XBTAB_OK : XBTAB_NOMEM();
    if (status == XBTAB_OK) {
        find_steps(&m, factor);
        if (can_fold(&m)) {
            fold(&m);
        } else {
            status = split(&m);
        }
    }
    xbtab__free(m.step);
    xbtab__free(m.leader);
    return status;
}

/* ---- running ---- */

xbtab_status xbtab__parts_sum(const xbtab_quantized *q, const xbtab__vectors *at, const uint16_t *x,
                              uint16_t *part, int64_t *sum, double *y, const xbtab__products *by, int thread)
{
    const xbtab__linear *l = &q->network->node[at->node].linear;
    const xbtab__integer_layer *layer = &q->layer[at->node];
    memset(y, 0, at->n * l->outputs * sizeof *y);
    for (size_t p = layer->first_part[at->group]; p < layer->first_part[at->group + 1]; p++) {
        const size_t n = layer->part[p].n;
        const uint32_t *input = layer->part_input + at->group * l->inputs + layer->part[p].first;
        const double *scale = layer->part_scale + p * l->outputs;
        for (size_t v = 0; v < at->n; v++) {
            for (size_t i = 0; i < n; i++) part[v * n + i] = x[v * l->inputs + input[i]];
        }
        XBTAB_TRY(xbtab__vector_sums(q, at->node, p, at->image * l->positions + at->first, at->n, part, sum,
                                     by, thread));
        for (size_t s = 0; s < at->n * l->outputs; s++) y[s] += scale[s % l->outputs] * (double)sum[s];
    }
    return XBTAB_OK;
}
