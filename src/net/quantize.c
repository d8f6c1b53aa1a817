/* quantize.c - codes for weights and activations from the ranges that calibration images cause. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "quantized.h"

enum { DEFAULT_BITS = 8, DEFAULT_IMAGES = 100 };

/* ---- ranges ---- */

typedef struct range {
    float low, high;
} range;

typedef struct range_job {
    const xbtab_network *network;
    const xbtab_images *images;
    const xbtab__float_run *runs;
    float scale;
    range *ranges; /* ranges[threads][n_values]: the smallest and largest do not depend on who saw them */
} range_job;

static xbtab_status see_image(void *context, size_t image, int thread)
{
    const range_job *job = context;
    const xbtab_network *n = job->network;
    range *seen = job->ranges + (size_t)thread * (size_t)n->n_values;
    size_t size = n->value[n->input].shape.size;
    xbtab__network_run_image(n, job->images->pixel + image * size, job->scale, &job->runs[thread]);
    for (int v = 0; v < n->n_values; v++) {
        if (n->value[v].constant) continue;
        const float *x = job->runs[thread].data[v];
        for (size_t k = 0; k < n->value[v].shape.size; k++) {
            seen[v].low = x[k] < seen[v].low ? x[k] : seen[v].low;
            seen[v].high = x[k] > seen[v].high ? x[k] : seen[v].high;
        }
    }
    return XBTAB_OK;
}

/* ranges[n_values], 0 always inside. */
static xbtab_status find_ranges(range **out, const xbtab_network *n, const xbtab_images *images,
                                size_t n_images, const xbtab_run_options *options)
{
    int threads = xbtab__thread_count(options);
    size_t count = (size_t)threads * (size_t)n->n_values;
    xbtab__float_run *runs = NULL;
    xbtab_status status;
    range *ranges = xbtab__alloc(count, sizeof *ranges);
    if (!ranges) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__float_runs_create(&runs, n, threads));
    range_job job = {.network = n,
                     .images = images,
                     .runs = runs,
                     .scale = images->is_bytes && !options->raw_pixels ? 1.0f / 255.0f : 1.0f,
                     .ranges = ranges};
    XBTAB_TRY_DONE(xbtab__for_images(n_images, options, see_image, &job));
    for (size_t k = (size_t)n->n_values; k < count; k++) {
        range *sum = &ranges[k % (size_t)n->n_values];
        sum->low = fminf(sum->low, ranges[k].low);
        sum->high = fmaxf(sum->high, ranges[k].high);
    }
    *out = ranges;
    ranges = NULL;
done:
    xbtab__float_runs_destroy(&runs, threads);
    xbtab__free(ranges);
    return status;
}

/* ---- codes ---- */

static xbtab__code code_for(range r, int bits)
{
    xbtab__code code = {.most = (1 << bits) - 1};
    double low = fmin(r.low, 0.0f), high = fmax(r.high, 0.0f);
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

/* The only user of a value, if it is a Relu: the value then takes the Relu's range, and the ADC-like clamp at
 * code 0 is the Relu. */
static const xbtab__node *only_relu(const xbtab_network *n, int value)
{
    if (n->value[value].n_uses != 1) return NULL;
    for (int k = 0; k < n->n_nodes; k++) {
        if (n->node[k].type->integer == XBTAB__INTEGER_RELU && n->node[k].input[0] == value)
            return &n->node[k];
    }
    return NULL;
}

/* A recurrent layer's input is its own output, and at first the state that it begins with. */
static void join_first_states(const xbtab_network *n, range *ranges)
{
    for (int k = 0; k < n->n_nodes; k++) {
        const xbtab__node *node = &n->node[k];
        const xbtab__value *first = xbtab__first_state(n, node);
        if (!first) continue;
        range *r = &ranges[node->output], *other = &ranges[first - n->value];
        for (size_t c = 0; first->constant && c < first->shape.size; c++) {
            other->low = fminf(other->low, first->constant[c]);
            other->high = fmaxf(other->high, first->constant[c]);
        }
        r->low = fminf(r->low, other->low);
        r->high = fmaxf(r->high, other->high);
    }
}

/* What is asked for one layer; NULL = nothing. */
static const xbtab_layer_bits *bits_of_layer(const xbtab_quantize_options *options, int layer)
{
    for (size_t k = options->n_layer_bits; k-- > 0;) {
        if (options->layer_bits[k].layer == layer) return &options->layer_bits[k];
    }
    return NULL;
}

/* Where the codes of a value were made. */
static int source_of(const xbtab_network *n, int value)
{
    for (int k = n->n_nodes; k-- > 0;) {
        if (n->node[k].output == value && keeps_codes(n->node[k].type->integer)) value = n->node[k].input[0];
    }
    return value;
}

/* bits[n_values] */
static void choose_bits(const xbtab_quantized *q, const xbtab_quantize_options *options, int all, int *bits)
{
    const xbtab_network *n = q->network;
    int layer = 0;
    for (int v = 0; v < n->n_values; v++) bits[v] = all;
    for (int k = 0; k < n->n_nodes; k++) {
        if (!n->node[k].linear.W) continue;
        const xbtab_layer_bits *own = bits_of_layer(options, layer++);
        int value = n->node[k].input[0];
        if (own && own->activation_bits)
            bits[q->is_digital ? value : source_of(n, value)] = own->activation_bits;
    }
}

static void choose_codes(xbtab_quantized *q, const range *ranges, const int *bits)
{
    const xbtab_network *n = q->network;
    q->code[n->input] = code_for(ranges[n->input], bits[n->input]);
    if (q->is_digital) {
        for (int v = 0; v < n->n_values; v++) q->code[v] = code_for(ranges[v], bits[v]);
        return;
    }
    for (int k = 0; k < n->n_nodes; k++) {
        const xbtab__node *node = &n->node[k];
        if (keeps_codes(node->type->integer)) {
            q->code[node->output] = q->code[node->input[0]];
            continue;
        }
        const xbtab__node *relu = only_relu(n, node->output);
        q->code[node->output] = code_for(ranges[relu ? relu->output : node->output], bits[node->output]);
    }
}

/* ---- weights ---- */

void xbtab__quantize_row(const float *w, size_t n, int bits, int16_t *out, double *scale)
{
    double most = 0, top = ldexp(1.0, bits - 1) - 1.0;
    for (size_t k = 0; k < n; k++) most = fmax(most, fabs((double)w[k]));
    *scale = most > 0 ? most / top : 1.0;
    for (size_t k = 0; k < n; k++) out[k] = (int16_t)floor(w[k] / *scale + 0.5);
}

void xbtab__add_matrices(xbtab_quantized *q, int k, int weight_bits, int activation_bits)
{
    const xbtab__node *node = &q->network->node[k];
    const xbtab__linear *l = &node->linear;
    xbtab__integer_layer *layer = &q->layer[k];
    layer->first_matrix = q->n_matrices;
    for (size_t g = 0; g < l->groups; g++) {
        q->matrix[q->n_matrices++] = (xbtab_matrix){.name = node->name,
                                                    .group = (int)g,
                                                    .inputs = l->inputs,
                                                    .outputs = l->outputs,
                                                    .products = l->positions,
                                                    .weight_bits = weight_bits,
                                                    .activation_bits = activation_bits,
                                                    .W = layer->W + g * l->outputs * l->inputs};
        layer->is_wide = layer->is_wide || xbtab__is_wide(&q->matrix[q->n_matrices - 1]);
    }
    if (q->patches < l->positions * l->inputs) q->patches = l->positions * l->inputs;
    if (q->sums < l->positions * l->outputs) q->sums = l->positions * l->outputs;
}

int xbtab__layer_weight_bits(const xbtab_quantize_options *options, int layer)
{
    const xbtab_layer_bits *own = bits_of_layer(options, layer);
    int all = options->weight_bits ? options->weight_bits : DEFAULT_BITS;
    return own && own->weight_bits ? own->weight_bits : all;
}

static xbtab_status check_bits(const xbtab_network *n, const xbtab_quantize_options *options, int weight_bits,
                               int activation_bits)
{
    int layers = 0;
    if (weight_bits < 2 || weight_bits > 8)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d weight bits are outside 2 to 8", weight_bits);
    if (activation_bits < 1 || activation_bits > 15)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d activation bits are outside 1 to 15", activation_bits);
    if (n->is_quantized && (options->weight_bits || options->activation_bits || options->n_layer_bits)) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: is quantized already; its own bits hold, no others can be asked for", n->path);
    }
    for (int k = 0; k < n->n_nodes; k++) layers += n->node[k].linear.W != NULL;
    for (size_t k = 0; k < options->n_layer_bits; k++) {
        const xbtab_layer_bits *own = &options->layer_bits[k];
        if (own->layer < 0 || own->layer >= layers)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: bits for layer %d; it has layers 0 to %d", n->path, own->layer,
                       layers - 1);
        if ((own->weight_bits && (own->weight_bits < 2 || own->weight_bits > 8)) ||
            own->activation_bits < 0 || own->activation_bits > 15) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "layer %d: %d weight bits and %d activation bits are outside 2 to 8 and 1 to 15",
                       own->layer, own->weight_bits, own->activation_bits);
        }
    }
    return XBTAB_OK;
}

static xbtab_status quantize_layer(xbtab_quantized *q, int k, int weight_bits)
{
    const xbtab_network *n = q->network;
    const xbtab__node *node = &n->node[k];
    const xbtab__linear *l = &node->linear;
    const xbtab__code *in = &q->code[node->input[0]];
    xbtab__integer_layer *layer = &q->layer[k];
    int activation_bits = 1;
    while (in->most >> activation_bits) activation_bits++;
    size_t rows = l->groups * l->outputs;
    layer->W = xbtab__alloc(rows * l->inputs, sizeof *layer->W);
    layer->scale = xbtab__alloc(rows, sizeof *layer->scale);
    layer->offset = xbtab__alloc(rows, sizeof *layer->offset);
    if (!layer->W || !layer->scale || !layer->offset) return XBTAB_NOMEM();
    for (size_t o = 0; o < rows; o++) {
        int64_t sum = 0;
        xbtab__quantize_row(l->W + o * l->inputs, l->inputs, weight_bits, layer->W + o * l->inputs,
                            &layer->scale[o]);
        for (size_t i = 0; i < l->inputs; i++) sum += layer->W[o * l->inputs + i];
        layer->scale[o] *= in->scale;
        double bias = l->bias[o] / layer->scale[o];
        if (!(fabs(bias) < 1e15)) bias = copysign(1e15, bias); /* an output without weights */
        layer->offset[o] = (int64_t)floor(bias + 0.5) - in->zero * sum;
    }
    xbtab__add_matrices(q, k, weight_bits, activation_bits);
    return XBTAB_OK;
}

int xbtab__quantized_output(const xbtab_network *n)
{
    for (int k = 0; k < n->n_nodes; k++) {
        if (n->node[k].output == n->output && n->node[k].type->integer == XBTAB__INTEGER_LAST) {
            return n->node[k].input[0];
        }
    }
    return n->output;
}

xbtab_status xbtab_quantized_create(xbtab_quantized **out, const xbtab_network *network,
                                    const xbtab_images *images, const xbtab_quantize_options *options)
{
    static const xbtab_quantize_options defaults = {0};
    xbtab_status status;
    range *ranges = NULL;
    xbtab_quantized *q = NULL;
    size_t n_matrices = 0;
    if (!options) options = &defaults;
    int *bits = NULL, layer = 0;
    int weight_bits = options->weight_bits ? options->weight_bits : DEFAULT_BITS;
    int activation_bits = options->activation_bits ? options->activation_bits : DEFAULT_BITS;
    size_t n_images = options->n_images ? options->n_images : DEFAULT_IMAGES;
    XBTAB_TRY(check_bits(network, options, weight_bits, activation_bits));
    if (n_images > images->n) n_images = images->n;
    XBTAB_TRY(xbtab__check_images(network, images, n_images));
    XBTAB_TRY(find_ranges(&ranges, network, images, n_images, &options->run));
    for (int k = 0; k < network->n_nodes; k++)
        n_matrices += network->node[k].linear.W ? network->node[k].linear.groups : 0;
    q = xbtab__alloc(1, sizeof *q);
    if (!q) {
        status = XBTAB_NOMEM();
        goto done;
    }
    *q = (xbtab_quantized){.network = network, .raw_pixels = options->run.raw_pixels != 0};
    q->code = xbtab__alloc((size_t)network->n_values, sizeof *q->code);
    q->layer = xbtab__alloc((size_t)network->n_nodes, sizeof *q->layer);
    q->matrix = xbtab__alloc(n_matrices, sizeof *q->matrix);
    bits = xbtab__alloc((size_t)network->n_values, sizeof *bits);
    if (!q->code || !q->layer || !q->matrix || !bits) {
        status = XBTAB_NOMEM();
        goto done;
    }
    q->is_digital = xbtab__needs_digital(network);
    join_first_states(network, ranges);
    choose_bits(q, options, activation_bits, bits);
    choose_codes(q, ranges, bits);
    status = XBTAB_OK;
    if (q->is_digital) XBTAB_TRY_DONE(xbtab__quantize_digital(q, images, q->code, options));
    for (int k = 0; k < network->n_nodes && !q->is_digital; k++) {
        if (!network->node[k].linear.W) continue;
        XBTAB_TRY_DONE(quantize_layer(q, k, xbtab__layer_weight_bits(options, layer++)));
    }
    *out = q;
    q = NULL;
done:
    xbtab__free(bits);
    xbtab__free(ranges);
    xbtab_quantized_destroy(&q);
    return status;
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
