/* quantize.c - codes for weights and activations from the ranges that calibration images cause. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "ranges.h"

enum { DEFAULT_BITS = 8, DEFAULT_IMAGES = 100, MOST_BITS = 16 };

/* ---- codes ---- */

xbtab__code xbtab__code_for(xbtab__range r, int bits)
{
    xbtab__code code = {.most = (1 << bits) - 1};
    double low = fmax(fmin(r.low, 0.0), -FLT_MAX), high = fmin(fmax(r.high, 0.0), FLT_MAX); /* not infinite */
    if (!(high - low > 0)) high = 1.0; /* a tensor of zeros */
    code.scale = (high - low) / code.most;
    code.zero = (int32_t)floor(-low / code.scale + 0.5);
    return code;
}

static bool keeps_codes(xbtab__integer_kind kind)
{
    return kind == XBTAB__INTEGER_COPY || kind == XBTAB__INTEGER_MAX || kind == XBTAB__INTEGER_AVERAGE ||
           kind == XBTAB__INTEGER_RELU;
}

/* Of each value the output of its only user, if that is a Relu: the value then takes the Relu's range, and
 * the ADC-like clamp at code 0 is the Relu. Of others the value itself: out[n_values]. */
static int *find_clamped(const xbtab_network *n)
{
    int *out = xbtab__alloc((size_t)n->n_values, sizeof *out);
    for (int v = 0; v < n->n_values && out; v++) out[v] = v;
    for (int k = 0; k < n->n_nodes && out; k++) {
        const xbtab__node *node = &n->node[k];
        if (node->type->integer == XBTAB__INTEGER_RELU && n->value[node->input[0]].n_uses == 1)
            out[node->input[0]] = node->output;
    }
    return out;
}

static xbtab_status choose_codes(xbtab_quantized *q, const xbtab__ranges *ranges, int bits,
                                 const xbtab_quantize_options *options)
{
    const xbtab_network *n = q->network;
    int *clamped = find_clamped(n);
    if (!clamped) return XBTAB_NOMEM();
    q->code[n->input] = xbtab__code_for(xbtab__range_choose(ranges, n->input, bits, options), bits);
    for (int k = 0; k < n->n_nodes; k++) {
        const xbtab__node *node = &n->node[k];
        if (keeps_codes(node->type->integer)) {
            q->code[node->output] = q->code[node->input[0]];
            continue;
        }
        int value = clamped[node->output];
        q->code[node->output] = xbtab__code_for(xbtab__range_choose(ranges, value, bits, options), bits);
    }
    xbtab__free(clamped);
    return XBTAB_OK;
}

/* ---- weights ---- */

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

static xbtab_status quantize_layer(xbtab_quantized *q, int k, const xbtab__ranges *ranges,
                                   const xbtab_quantize_options *options)
{
    const xbtab_network *n = q->network;
    const xbtab__node *node = &n->node[k];
    const xbtab__linear *l = &node->linear;
    const xbtab__code *in = &q->code[node->input[0]];
    xbtab__integer_layer *layer = &q->layer[k];
    size_t rows = l->groups * l->outputs;
    layer->W = xbtab__alloc(rows * l->inputs, sizeof *layer->W);
    layer->scale = xbtab__alloc(rows, sizeof *layer->scale);
    layer->offset = xbtab__alloc(rows, sizeof *layer->offset);
    if (!layer->W || !layer->scale || !layer->offset) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__quantize_weights(l, options->weight_bits, options, layer->W, layer->scale));
    for (size_t o = 0; o < rows; o++) {
        const int16_t *w = layer->W + o * l->inputs;
        int64_t sum = 0;
        for (size_t i = 0; i < l->inputs; i++) sum += w[i];
        double bias = (double)l->bias[o] + xbtab__bias_correction(n, k, ranges, o, w, layer->scale[o]);
        layer->scale[o] *= in->scale;
        bias /= layer->scale[o];
        if (!(fabs(bias) < 1e15)) bias = copysign(1e15, bias); /* an output without weights */
        layer->offset[o] = (int64_t)floor(bias + 0.5) - in->zero * sum;
    }
    return xbtab__add_matrices(q, k, options->weight_bits, options->activation_bits);
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

/* ---- options ---- */

static bool is_bits(int bits)
{
    return bits >= 1 && bits <= MOST_BITS;
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

static bool is_bits_of_layer(int bits)
{
    return bits == 0 || bits == XBTAB_BITS_FLOAT || is_bits(bits);
}

static xbtab_status check_layers(const xbtab_network *n, const xbtab_quantize_options *o)
{
    char names[256] = "";
    size_t length = 0;
    int layers = (int)xbtab_network_layers(n);
    for (int k = 0; k < n->n_nodes && length < sizeof names; k++) {
        if (!n->node[k].linear.W) continue;
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", length ? ", " : "",
                                   n->node[k].name);
    }
    for (size_t b = 0; b < o->n_layer_bits; b++) {
        const xbtab_layer_bits *own = &o->layer_bits[b];
        char who[80];
        bool is_there = false;
        if (!own->name && (own->layer < 0 || own->layer >= layers))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: bits for layer %d; it has layers 0 to %d", n->path, own->layer,
                       layers - 1);
        for (int k = 0; k < n->n_nodes && own->name; k++)
            is_there = is_there || (n->node[k].linear.W && strcmp(n->node[k].name, own->name) == 0);
        if (own->name && !is_there)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no layer is called \"%s\"; there are: %s", n->path, own->name,
                       names);
        if (is_bits_of_layer(own->weight_bits) && is_bits_of_layer(own->activation_bits)) continue;
        snprintf(who, sizeof who, "%d", own->layer);
        if (own->name) snprintf(who, sizeof who, "\"%.60s\"", own->name);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "layer %s: %d weight bits and %d activation bits; 1 to 16 are supported",
                   who, own->weight_bits, own->activation_bits);
    }
    return XBTAB_OK;
}

/* Options with every default put in. */
static xbtab_status take_options(const xbtab_network *n, const xbtab_quantize_options *given,
                                 xbtab_quantize_options *o)
{
    *o = given ? *given : (xbtab_quantize_options){0};
    if (n->is_quantized && (o->weight_bits || o->activation_bits || o->n_layer_bits)) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: is quantized already; its own bits hold, no others can be asked for", n->path);
    }
    if (!o->weight_bits) o->weight_bits = DEFAULT_BITS;
    if (!o->activation_bits) o->activation_bits = DEFAULT_BITS;
    if (!o->n_images) o->n_images = DEFAULT_IMAGES;
    if (!is_bits(o->weight_bits))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d weight bits are outside 1 to 16", o->weight_bits);
    if (!is_bits(o->activation_bits))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d activation bits are outside 1 to 16", o->activation_bits);
    if (o->percentile != 0 && !(o->percentile >= 0.5 && o->percentile <= 1))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a percentile of %g is outside 0.5 to 1", o->percentile);
    return check_layers(n, o);
}

static xbtab_status check_weights(const xbtab_network *n, const xbtab__node *node)
{
    const xbtab__linear *l = &node->linear;
    size_t rows = l->W ? l->groups * l->outputs : 0;
    for (size_t k = 0; k < rows * l->inputs; k++) {
        if (!isfinite(l->W[k])) return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a weight is not finite");
    }
    for (size_t r = 0; r < rows; r++) {
        if (!isfinite(l->bias[r])) return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a bias is not finite");
    }
    return XBTAB_OK;
}

static xbtab_status create(xbtab_quantized **out, const xbtab_network *network, const xbtab_images *images,
                           const xbtab__ranges *ranges, const xbtab_quantize_options *o)
{
    xbtab_status status = XBTAB_OK;
    for (int k = 0; k < network->n_nodes; k++) XBTAB_TRY(check_weights(network, &network->node[k]));
    xbtab_quantized *q = xbtab__alloc(1, sizeof *q);
    if (!q) return XBTAB_NOMEM();
    *q = (xbtab_quantized){.network = network, .raw_pixels = o->run.raw_pixels != 0};
    q->code = xbtab__alloc((size_t)network->n_values, sizeof *q->code);
    q->layer = xbtab__alloc((size_t)network->n_nodes, sizeof *q->layer);
    if (!q->code || !q->layer) {
        status = XBTAB_NOMEM();
        goto done;
    }
    /* codes between layers have one number of bits; layers of different ones meet in real numbers */
    q->is_digital = xbtab__needs_digital(network) || o->n_layer_bits > 0;
    if (q->is_digital) {
        XBTAB_TRY_DONE(xbtab__quantize_digital(q, images, ranges, o));
    } else {
        XBTAB_TRY_DONE(choose_codes(q, ranges, o->activation_bits, o));
    }
    for (int k = 0; k < network->n_nodes && !q->is_digital; k++) {
        if (network->node[k].linear.W) XBTAB_TRY_DONE(quantize_layer(q, k, ranges, o));
    }
    *out = q;
    q = NULL;
done:
    xbtab_quantized_destroy(&q);
    return status;
}

xbtab_status xbtab_quantized_create(xbtab_quantized **out, const xbtab_network *network,
                                    const xbtab_images *images, const xbtab_quantize_options *options)
{
    xbtab_quantize_options o;
    xbtab__ranges ranges;
    XBTAB_TRY(take_options(network, options, &o));
    if (o.n_images > images->n) o.n_images = images->n;
    XBTAB_TRY(xbtab__check_images(network, images, o.n_images));
    XBTAB_TRY(xbtab__ranges_find(&ranges, network, images, o.n_images, &o));
    xbtab_status status = create(out, network, images, &ranges, &o);
    xbtab__ranges_clear(&ranges);
    return status;
}

xbtab_status xbtab__quantized_again(xbtab_quantized **out, const xbtab_network *network,
                                    const xbtab_images *images, const xbtab__ranges *ranges,
                                    const xbtab_quantize_options *options)
{
    xbtab_quantize_options o;
    XBTAB_TRY(take_options(network, options, &o));
    return create(out, network, images, ranges, &o);
}

void xbtab_quantized_destroy(xbtab_quantized **quantized)
{
    if (!quantized || !*quantized) return;
    xbtab_quantized *q = *quantized;
    for (int k = 0; k < q->network->n_nodes && q->layer; k++) {
        xbtab__free(q->layer[k].W);
        xbtab__free(q->layer[k].scale);
        xbtab__free(q->layer[k].offset);
        xbtab__free(q->layer[k].shift);
        xbtab__free(q->layer[k].per_zero);
        xbtab__free(q->layer[k].factor);
        xbtab__free(q->layer[k].part);
        xbtab__free(q->layer[k].first_part);
        xbtab__free(q->layer[k].part_input);
        xbtab__free(q->layer[k].part_scale);
    }
    xbtab__free(q->code);
    xbtab__free(q->layer);
    xbtab__free(q->matrix);
    xbtab__free(q);
    *quantized = NULL;
}

size_t xbtab_quantized_outputs(const xbtab_quantized *quantized)
{
    return xbtab_network_outputs(quantized->network);
}

size_t xbtab_quantized_matrices(const xbtab_quantized *quantized)
{
    return quantized->n_matrices;
}

const xbtab_matrix *xbtab_quantized_matrix(const xbtab_quantized *quantized, size_t m)
{
    return &quantized->matrix[m];
}
