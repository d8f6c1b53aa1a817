/* digital.c - networks whose layers already lie on lattices, or that hold operators without an integer form:
 * matrix layers in exact integers, everything between them in real numbers, as a digital periphery would do
 * it. Their integers are made here; digital_run.c runs them.
 *
 * A layer's input lies on a lattice x = a q + b, from the file's own scales and zeros where it has them, else
 * from the range that calibration images cause. With weights w = step k, a row's answer is y = step (a sum k
 * q + b sum k) + bias, and sum k q is the product that tiles can stand in for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lattices.h"
#include "memory.h"
#include "parts.h"
#include "ranges.h"

static const double tolerance = 1e-3; /* of a step: how far a number may be from its lattice */

/* A weight in steps is a quotient of two floats, each with an error of its own. */
static bool is_whole(double q)
{
    return fabs(q - floor(q + 0.5)) <= fmax(tolerance, ldexp(fabs(q), -22)) && fabs(q) < 32767.5;
}

bool xbtab__needs_digital(const xbtab_network *n)
{
    if (n->is_quantized) return true;
    for (int k = 0; k < n->n_nodes; k++) {
        const xbtab__node *node = &n->node[k];
        xbtab__integer_kind kind = node->type->integer;
        if (kind == XBTAB__INTEGER_NONE || kind == XBTAB__INTEGER_RECURRENT) return true;
        if (kind == XBTAB__INTEGER_LINEAR && !node->linear.W) return true;
        if (kind == XBTAB__INTEGER_LAST && !xbtab__is_left_out(n, node)) return true;
        if (kind == XBTAB__INTEGER_ADD) {
            const xbtab__value *a = &n->value[node->input[0]], *b = &n->value[node->input[1]];
            size_t size =
                n->value[node->output].shape.size; /* larger than both where they broadcast crosswise */
            if (a->constant || b->constant || a->shape.size != size || b->shape.size != size) return true;
        }
    }
    return false;
}

static bool has_lattice(const xbtab__lattice *in)
{
    return in->is_known || in->is_scaled;
}

static int bits_for(double most)
{
    int bits = 1;
    while (ldexp(1.0, bits) - 1 < most) bits++;
    return bits;
}

static bool has_steps(const xbtab__linear *l)
{
    return l->step || l->steps;
}

static double in_steps(const xbtab__linear *l, size_t k)
{
    return (double)l->W[k] / (double)(l->steps ? l->steps[k] : l->step[k / l->inputs]);
}

/* Integers of weights that are whole multiples of their steps already; step[row] is 1 where each weight has
 * its own. */
static xbtab_status take_rows(const xbtab_network *n, const xbtab__node *node, int16_t *out, double *step)
{
    const xbtab__linear *l = &node->linear;
    for (size_t k = 0; k < l->groups * l->outputs * l->inputs; k++) {
        size_t row = k / l->inputs;
        step[row] = l->step ? (double)l->step[row] : 1.0;
        double q = in_steps(l, k), whole = floor(q + 0.5);
        if (!is_whole(q)) {
            return xbtab__node_fail(
                n, node, XBTAB_ERR_UNSUPPORTED,
                "weight %zu of output %zu is %g steps; it must be a whole number of 16 bits", k % l->inputs,
                row, q);
        }
        out[k] = (int16_t)whole;
    }
    return XBTAB_OK;
}

/* Bits of the largest weight in steps, sign included; 0 where a weight is on no lattice. */
static int weight_bits_of(const xbtab__linear *l)
{
    double most = 1;
    if (!has_steps(l)) return 0;
    for (size_t k = 0; k < l->groups * l->outputs * l->inputs; k++) {
        double q = fabs(in_steps(l, k));
        if (!is_whole(q)) return 0;
        most = fmax(most, floor(q + 0.5));
    }
    return bits_for(most) + 1;
}

xbtab_status xbtab_network_node_get(const xbtab_network *n, size_t k, xbtab_network_node *out)
{
    const xbtab__node *node = &n->node[k];
    const xbtab__linear *l = &node->linear;
    const xbtab__shape *s = &n->value[node->output].shape;
    *out = (xbtab_network_node){.name = node->name, .type = node->type->name, .rank = s->rank};
    memcpy(out->dim, s->dim, sizeof out->dim);
    if (!l->W) return XBTAB_OK;
    const xbtab__lattice *in = &n->lattice[node->input[0]];
    out->groups = l->groups;
    out->inputs = l->inputs;
    out->outputs = l->outputs;
    out->products = l->positions;
    out->weight_bits = weight_bits_of(l);
    bool is_recurrent = node->type->integer == XBTAB__INTEGER_RECURRENT;
    out->activation_bits = n->is_quantized && has_lattice(in) && !is_recurrent ? bits_for(in->most) : 0;
    return XBTAB_OK;
}

size_t xbtab_network_nodes(const xbtab_network *n)
{
    return (size_t)n->n_nodes;
}

static xbtab_status take_pad(const xbtab_network *n, const xbtab__node *node, xbtab__integer_layer *layer)
{
    const xbtab__window *w = &node->window;
    double q = ((double)node->linear.pad - layer->in.b) / layer->in.a, whole = floor(q + 0.5);
    bool fits = fabs(q - whole) <= tolerance && whole >= 0 && whole <= layer->in.most;
    bool has_pads = false;
    for (int d = 0; d < 3; d++) {
        int64_t last = (w->out[d] - 1) * w->stride[d] - w->pad[d] + (w->kernel[d] - 1) * w->dilation[d];
        has_pads = has_pads || w->pad[d] > 0 || last >= w->in[d];
    }
    if (has_pads && !fits) {
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "pads with %g, which is not on its input's lattice %g q + %g",
                                (double)node->linear.pad, layer->in.a, layer->in.b);
    }
    layer->pad = fits ? (int32_t)whole : 0;
    return XBTAB_OK;
}

/* What a layer is made with. */
typedef struct making {
    xbtab_quantized *q;
    const xbtab__ranges *ranges;
    const xbtab_quantize_options *options;
} making;

/* Steps and shifts of a layer whose rows have one step each. */
static void take_rows_shift(xbtab__integer_layer *layer, const xbtab__linear *l, const double *bias)
{
    for (size_t r = 0; r < l->groups * l->outputs; r++) {
        double step = layer->scale[r], sum = 0;
        const int16_t *w = layer->W + r * l->inputs;
        for (size_t i = 0; i < l->inputs; i++) sum += w[i];
        layer->scale[r] = step * layer->in.a;
        layer->shift[r] = step * layer->in.b * sum + bias[r];
        if (l->has_zero) layer->per_zero[r] = step * sum;
    }
}

/* Steps and shifts where inputs have factors or steps of their own. of_value: NULL = 1. */
static xbtab_status take_parts(const making *m, int k, const float *of_value, const double *bias)
{
    const xbtab_network *n = m->q->network;
    const xbtab__node *node = &n->node[k];
    const xbtab__linear *l = &node->linear;
    xbtab__integer_layer *layer = &m->q->layer[k];
    size_t inputs = l->groups * l->inputs, size = n->value[node->input[0]].shape.size;
    float *factor = xbtab__alloc(inputs, sizeof *factor);
    xbtab_status status = factor ? XBTAB_OK : XBTAB_NOMEM();
    for (size_t i = 0; i < inputs && factor; i++) factor[i] = 1.0f;
    if (status == XBTAB_OK && of_value) {
        layer->factor = xbtab__alloc(size, sizeof *layer->factor);
        status = layer->factor ? xbtab__input_factors(n, node, of_value, factor) : XBTAB_NOMEM();
    }
    if (layer->factor) memcpy(layer->factor, of_value, size * sizeof *of_value);
    if (status == XBTAB_OK) status = xbtab__parts_make(m->q, k, factor, bias);
    xbtab__free(factor);
    return status;
}

static xbtab_status add_layer_matrices(xbtab_quantized *q, int k)
{
    const xbtab__linear *l = &q->network->node[k].linear;
    double most = 1;
    for (size_t c = 0; c < l->groups * l->outputs * l->inputs; c++)
        most = fmax(most, fabs((double)q->layer[k].W[c]));
    return xbtab__add_matrices(q, k, bits_for(most) + 1, bits_for(q->layer[k].in.most));
}

static xbtab_status add_layer_memory(xbtab__integer_layer *layer, const xbtab__linear *l)
{
    size_t rows = l->groups * l->outputs;
    layer->W = xbtab__alloc(rows * l->inputs, sizeof *layer->W);
    layer->scale = xbtab__alloc(rows, sizeof *layer->scale);
    layer->shift = xbtab__alloc(rows, sizeof *layer->shift);
    layer->per_zero = l->has_zero ? xbtab__alloc(rows, sizeof *layer->per_zero) : NULL;
    return layer->W && layer->scale && layer->shift && (layer->per_zero || !l->has_zero) ? XBTAB_OK
                                                                                         : XBTAB_NOMEM();
}

/* of_value: the factors of the input's numbers on the lattice; NULL = 1. */
static xbtab_status make_layer(const making *m, int k, const xbtab__lattice *in, const float *of_value,
                               int weight_bits)
{
    const xbtab_network *n = m->q->network;
    const xbtab__node *node = &n->node[k];
    const xbtab__linear *l = &node->linear;
    xbtab__integer_layer *layer = &m->q->layer[k];
    size_t rows = l->groups * l->outputs;
    layer->in = *in;
    if (in->most > 65535) {
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "its input has %d levels; 16 bits are supported", in->most + 1);
    }
    if (l->steps && node->type->integer == XBTAB__INTEGER_RECURRENT) {
        return xbtab__node_fail(
            n, node, XBTAB_ERR_UNSUPPORTED,
            "the scales of its recurrent weights \"%s\" differ between inputs; one for all, or "
            "one for each output, is supported",
            n->value[node->input[1]].name);
    }
    if (l->is_convolution) XBTAB_TRY(take_pad(n, node, layer));
    XBTAB_TRY(add_layer_memory(layer, l));
    XBTAB_TRY(has_steps(l) ? take_rows(n, node, layer->W, layer->scale)
                           : xbtab__quantize_weights(l, weight_bits, m->options, layer->W, layer->scale));
    double *bias = xbtab__alloc(rows, sizeof *bias);
    if (!bias) return XBTAB_NOMEM();
    for (size_t r = 0; r < rows; r++) {
        bias[r] = (double)l->bias[r];
        if (!has_steps(l))
            bias[r] += xbtab__bias_correction(n, k, m->ranges, r, layer->W + r * l->inputs, layer->scale[r]);
    }
    xbtab_status status = XBTAB_OK;
    if (l->steps || of_value) {
        status = take_parts(m, k, of_value, bias);
    } else {
        take_rows_shift(layer, l, bias);
    }
    xbtab__free(bias);
    return status < 0 ? status : add_layer_matrices(m->q, k);
}

/* Layers of a quantized file whose weights or inputs the file itself has on no lattice: their bits are the
 * calibration's, and nothing else would tell. */
typedef struct unfounded {
    size_t n, layers;
    char names[256];
} unfounded;

static void note_layer(unfounded *u, const xbtab__node *node, bool has_input)
{
    const bool has_weights = has_steps(&node->linear);
    const size_t at = strlen(u->names);
    u->layers++;
    if (has_input && has_weights) return;
    u->n++;
    if (at > sizeof u->names - 80) return;
    snprintf(u->names + at, sizeof u->names - at, "%s%.40s (%s)", at ? ", " : "", node->name,
             has_input     ? "weights"
             : has_weights ? "input"
                           : "weights and input");
}

static void tell_unfounded(const unfounded *u, const xbtab_network *n, const xbtab_quantize_options *options)
{
    char line[512];
    if (!n->is_quantized || u->n == 0 || !options->note) return;
    snprintf(line, sizeof line,
             "%.160s: %zu of %zu layers are not quantized by the file, and take bits by calibration: %s%s",
             n->path, u->n, u->layers, u->names, strlen(u->names) > sizeof u->names - 80 ? ", ..." : "");
    options->note(line, options->note_payload);
}

xbtab_status xbtab__quantize_digital(xbtab_quantized *q, const xbtab_images *images,
                                     const xbtab__ranges *ranges, const xbtab_quantize_options *options)
{
    const xbtab_network *n = q->network;
    const making m = {.q = q, .ranges = ranges, .options = options};
    xbtab__lattice *of = NULL;
    float **factors = NULL;
    unfounded u = {.n = 0};
    xbtab_status status;
    XBTAB_TRY(xbtab__lattices_find(&of, &factors, n, images->is_bytes, q->raw_pixels));
    status = XBTAB_OK;
    for (int k = 0, layer = 0; k < n->n_nodes && status == XBTAB_OK; k++) {
        int weight_bits, bits;
        if (!n->node[k].linear.W || !xbtab__layer_bits(n, k, layer++, options, &weight_bits, &bits)) continue;
        bool is_recurrent = n->node[k].type->integer == XBTAB__INTEGER_RECURRENT;
        int value = is_recurrent ? n->node[k].output : n->node[k].input[0]; /* R takes its own answers */
        note_layer(&u, &n->node[k], !is_recurrent && has_lattice(&of[value]));
        if (n->is_quantized && !is_recurrent && has_lattice(&of[value])) {
            status = make_layer(&m, k, &of[value], factors[value], weight_bits);
            continue;
        }
        xbtab__code code = xbtab__code_for(xbtab__range_choose(ranges, value, bits, options), bits);
        xbtab__lattice in = {.a = code.scale, .b = -code.zero * code.scale, .most = code.most};
        status = make_layer(&m, k, &in, NULL, weight_bits);
    }
    if (status == XBTAB_OK) tell_unfounded(&u, n, options);
    xbtab__free(of);
    xbtab__factors_free(factors, n);
    return status;
}
