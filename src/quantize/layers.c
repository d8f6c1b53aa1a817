/* layers.c - a layer in integers: its weights, its codes and its bits. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "ranges.h"

xbtab__code xbtab__code_for(xbtab__range r, int bits)
{
    xbtab__code code = {.most = (1 << bits) - 1};
    double low = fmax(fmin(r.low, 0.0), -FLT_MAX), high = fmin(fmax(r.high, 0.0), FLT_MAX); /* not infinite */
    if (!(high - low > 0)) high = 1.0; /* a tensor of zeros */
    code.scale = (high - low) / code.most;
    code.zero = (int32_t)floor(-low / code.scale + 0.5);
    return code;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The magnitude that a share of the weights stays below: between two of them where the share falls there. */
static xbtab_status percentile_of(const float *w, size_t n, double share, double *out)
{
    float *sorted = xbtab__alloc(n, sizeof *sorted);
    if (!sorted) return XBTAB_NOMEM();
    for (size_t k = 0; k < n; k++) sorted[k] = fabsf(w[k]);
    qsort(sorted, n, sizeof *sorted, compare_floats);
    double at = share * (double)(n - 1);
    size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    *out = (double)sorted[below] + (at - (double)below) * ((double)sorted[above] - (double)sorted[below]);
    xbtab__free(sorted);
    return XBTAB_OK;
}

static double squared_error(const float *w, size_t n, double step, double top)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        double q = fmin(fmax(floor((double)w[k] / step + 0.5), -top), top), off = (double)w[k] - q * step;
        sum += off * off;
    }
    return sum;
}

/* The step of symmetric integers for n weights. */
static xbtab_status choose_step(const float *w, size_t n, int bits, const xbtab_quantize_options *options,
                                double *step)
{
    enum { SHRINKS = 48 }; /* as of activations */
    double most = 0, sum = 0, top = ldexp(1.0, bits - 1) - 1.0;
    for (size_t k = 0; k < n; k++) {
        most = fmax(most, fabs((double)w[k]));
        sum += fabs((double)w[k]);
    }
    *step = 1.0;
    if (!(most > 0)) return XBTAB_OK;
    if (bits == 1) {
        *step = sum / (double)n;
        return XBTAB_OK;
    }
    *step = most / top;
    if (options->weight_range == XBTAB_CLIP_PERCENTILE) {
        double inside = 0;
        XBTAB_TRY(percentile_of(w, n, options->percentile > 0 ? options->percentile : 0.999, &inside));
        if (inside > 0) *step = inside / top;
    }
    if (options->weight_range == XBTAB_CLIP_MSE) {
        double least = squared_error(w, n, *step, top);
        for (int k = 1; k <= SHRINKS; k++) {
            double tried = most / top * (1.0 - 0.02 * k), error = squared_error(w, n, tried, top);
            if (error >= least) continue;
            least = error;
            *step = tried;
        }
    }
    return XBTAB_OK;
}

static void round_weights(const float *w, size_t n, int bits, double step, int16_t *out)
{
    double top = ldexp(1.0, bits - 1) - 1.0;
    for (size_t k = 0; k < n; k++) {
        double q =
            bits == 1 ? (w[k] < 0 ? -1.0 : 1.0) : fmin(fmax(floor((double)w[k] / step + 0.5), -top), top);
        out[k] = (int16_t)q;
    }
}

xbtab_status xbtab__quantize_weights(const xbtab__linear *l, int bits, const xbtab_quantize_options *options,
                                     int16_t *out, double *step)
{
    size_t rows = l->groups * l->outputs;
    double common = 1.0;
    if (options->weights_per_tensor) XBTAB_TRY(choose_step(l->W, rows * l->inputs, bits, options, &common));
    for (size_t r = 0; r < rows; r++) {
        const float *w = l->W + r * l->inputs;
        step[r] = common;
        if (!options->weights_per_tensor) XBTAB_TRY(choose_step(w, l->inputs, bits, options, &step[r]));
        round_weights(w, l->inputs, bits, step[r], out + r * l->inputs);
    }
    return XBTAB_OK;
}

double xbtab__bias_correction(const xbtab_network *n, int k, const xbtab__ranges *ranges, size_t row,
                              const int16_t *w, double step)
{
    const xbtab__linear *l = &n->node[k].linear;
    double sum = 0;
    if (!ranges->mean || n->node[k].type->integer != XBTAB__INTEGER_LINEAR) return 0.0;
    const double *mean = ranges->mean + ranges->first_mean[k] + row / l->outputs * l->inputs;
    for (size_t i = 0; i < l->inputs; i++) sum += ((double)l->W[row * l->inputs + i] - step * w[i]) * mean[i];
    return sum;
}

xbtab_status xbtab__add_matrices(xbtab_quantized *q, int k, int weight_bits, int activation_bits)
{
    const xbtab__node *node = &q->network->node[k];
    const xbtab__linear *l = &node->linear;
    xbtab__integer_layer *layer = &q->layer[k];
    const size_t n = layer->part ? layer->n_parts : l->groups;
    const int16_t *W = layer->W;
    layer->first_matrix = q->n_matrices;
    if (q->n_matrices + n > q->matrix_room) {
        const size_t room = 2 * q->n_matrices + n;
        xbtab_matrix *grown = xbtab__realloc(q->matrix, room, sizeof *q->matrix);
        if (!grown) return XBTAB_NOMEM();
        q->matrix = grown;
        q->matrix_room = room;
    }
    for (size_t m = 0; m < n; m++) {
        const size_t inputs = layer->part ? layer->part[m].n : l->inputs;
        q->matrix[q->n_matrices++] = (xbtab_matrix){.name = node->name,
                                                    .group = (int)m,
                                                    .inputs = inputs,
                                                    .outputs = l->outputs,
                                                    .products = l->positions,
                                                    .weight_bits = weight_bits > 1 ? weight_bits : 2,
                                                    .activation_bits = activation_bits,
                                                    .W = W};
        W += l->outputs * inputs;
        layer->is_wide = layer->is_wide || xbtab__is_wide(&q->matrix[q->n_matrices - 1]);
    }
    size_t places = xbtab__places(l, 0);
    if (q->patches < places * l->inputs) q->patches = places * l->inputs;
    if (q->sums < places * l->outputs) q->sums = places * l->outputs;
    return XBTAB_OK;
}

/* Softmax over all outputs; its shape inference has put the length of a row into perm[1]. */
bool xbtab__is_left_out(const xbtab_network *n, const xbtab__node *node)
{
    return node->output == n->output && n->value[node->output].n_uses == 0 &&
           node->type->integer == XBTAB__INTEGER_LAST &&
           (size_t)node->attributes.perm[1] == n->value[node->output].shape.size;
}

int xbtab__quantized_output(const xbtab_network *n)
{
    for (int k = 0; k < n->n_nodes; k++) {
        if (xbtab__is_left_out(n, &n->node[k])) return n->node[k].input[0];
    }
    return n->output;
}

/* What is asked for node k, the layer of that number; the first that names it, by its name or its number. */
static const xbtab_layer_bits *find_bits(const xbtab_network *n, int k, int layer,
                                         const xbtab_quantize_options *options)
{
    for (size_t b = 0; b < options->n_layer_bits; b++) {
        const xbtab_layer_bits *bits = &options->layer_bits[b];
        if (bits->name ? strcmp(bits->name, n->node[k].name) == 0 : bits->layer == layer) return bits;
    }
    return NULL;
}

bool xbtab__layer_bits(const xbtab_network *n, int k, int layer, const xbtab_quantize_options *options,
                       int *weight_bits, int *activation_bits)
{
    const xbtab_layer_bits *own = find_bits(n, k, layer, options);
    *weight_bits = own && own->weight_bits ? own->weight_bits : options->weight_bits;
    *activation_bits = own && own->activation_bits ? own->activation_bits : options->activation_bits;
    return *weight_bits > 0 && *activation_bits > 0;
}

size_t xbtab_network_layers(const xbtab_network *n)
{
    size_t layers = 0;
    for (int k = 0; k < n->n_nodes; k++) layers += n->node[k].linear.W != NULL;
    return layers;
}
