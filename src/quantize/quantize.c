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

/* ---- options ---- */

static bool is_bits(int bits)
{
    return bits >= 1 && bits <= MOST_BITS;
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
