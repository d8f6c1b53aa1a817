/* digital.c - networks whose layers already lie on lattices, or that hold operators without an integer form:
 * matrix layers in exact integers, everything between them in real numbers, as a digital periphery would do
 * it.
 *
 * A layer's input lies on a lattice x = a q + b, from the file's own scales and zeros where it has them, else
 * from the range that calibration images cause. With weights w = step k, a row's answer is y = step (a sum k
 * q + b sum k) + bias, and sum k q is the product that tiles can stand in for. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "ranges.h"

static const double tolerance = 1e-3; /* of a step: how far a number may be from its lattice */

/* ---- making ---- */

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

/* Operators that hand lattices on and leave channels where they are. */
static bool keeps_channels(const xbtab__node *node)
{
    return node->type->integer == XBTAB__INTEGER_MAX || strcmp(node->type->name, "Identity") == 0 ||
           strcmp(node->type->name, "Dropout") == 0;
}

/* Whether a layer's input is on a lattice that its matrices can take, each group its own. */
static bool has_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *in)
{
    bool is_depthwise = node->linear.is_convolution && n->value[node->input[0]].shape.rank > 1 &&
                        (int64_t)node->linear.groups == n->value[node->input[0]].shape.dim[1];
    return in->is_known || (in->factor && is_depthwise);
}

/* The lattice of every value, from the input's pixels on. */
static xbtab_status find_lattices(xbtab__lattice **out, const xbtab_network *n, bool is_bytes,
                                  bool raw_pixels)
{
    xbtab__lattice *of = xbtab__alloc((size_t)n->n_values, sizeof *of);
    bool is_whole = raw_pixels || xbtab__is_integer_type(n->value[n->input].type);
    if (!of) return XBTAB_NOMEM();
    if (is_bytes) {
        of[n->input] = (xbtab__lattice){
            .is_known = true, .not_negative = true, .a = is_whole ? 1.0 : 1.0 / 255.0, .most = 255};
    }
    for (int k = 0; k < n->n_nodes; k++) {
        const xbtab__node *node = &n->node[k];
        xbtab__lattice found = {.is_known = false};
        if (node->type->lattice) node->type->lattice(n, node, of, &found);
        if (of[node->input[0]].factor && found.factor && !keeps_channels(node)) found.factor = NULL;
        of[node->output] = found;
        for (int more = 0; more < node->n_more && node->type->lattice == xbtab__lattice_same; more++) {
            if (node->more[more] >= 0) of[node->more[more]] = found; /* parts of one tensor */
        }
    }
    *out = of;
    return XBTAB_OK;
}

static int bits_for(double most)
{
    int bits = 1;
    while (ldexp(1.0, bits) - 1 < most) bits++;
    return bits;
}

/* Integers of weights that are whole multiples of their steps already. */
static xbtab_status take_rows(const xbtab_network *n, const xbtab__node *node, int16_t *out, double *step)
{
    const xbtab__linear *l = &node->linear;
    for (size_t k = 0; k < l->groups * l->outputs * l->inputs; k++) {
        size_t row = k / l->inputs;
        step[row] = (double)l->step[row];
        double q = (double)l->W[k] / step[row], whole = floor(q + 0.5);
        if (!(fabs(q - whole) <= tolerance) || fabs(whole) > 32767) {
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
    if (!l->step) return 0;
    for (size_t k = 0; k < l->groups * l->outputs * l->inputs; k++) {
        double q = fabs((double)l->W[k] / (double)l->step[k / l->inputs]);
        if (!(fabs(q - floor(q + 0.5)) <= tolerance) || q > 32767) return 0;
        most = fmax(most, floor(q + 0.5));
    }
    return bits_for(most) + 1;
}

xbtab_status xbtab__network_find_lattices(xbtab_network *n)
{
    return find_lattices(&n->lattice, n, true, false);
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
    out->activation_bits =
        n->is_quantized && has_lattice(n, node, in) && !is_recurrent ? bits_for(in->most) : 0;
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

static xbtab_status make_layer(xbtab_quantized *q, int k, const xbtab__lattice *in, int weight_bits,
                               const xbtab__ranges *ranges, const xbtab_quantize_options *options)
{
    const xbtab_network *n = q->network;
    const xbtab__node *node = &n->node[k];
    const xbtab__linear *l = &node->linear;
    xbtab__integer_layer *layer = &q->layer[k];
    size_t rows = l->groups * l->outputs;
    double most = 1;
    layer->in = *in;
    layer->factor = in->factor;
    if (in->most > 65535) {
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "its input has %d levels; 16 bits are supported", in->most + 1);
    }
    if (l->is_convolution) XBTAB_TRY(take_pad(n, node, layer));
    layer->W = xbtab__alloc(rows * l->inputs, sizeof *layer->W);
    layer->scale = xbtab__alloc(rows, sizeof *layer->scale);
    layer->shift = xbtab__alloc(rows, sizeof *layer->shift);
    layer->per_zero = l->has_zero ? xbtab__alloc(rows, sizeof *layer->per_zero) : NULL;
    if (!layer->W || !layer->scale || !layer->shift || (l->has_zero && !layer->per_zero))
        return XBTAB_NOMEM();
    XBTAB_TRY(l->step ? take_rows(n, node, layer->W, layer->scale)
                      : xbtab__quantize_weights(l, weight_bits, options, layer->W, layer->scale));
    for (size_t r = 0; r < rows; r++) {
        double step = layer->scale[r], sum = 0;
        const int16_t *w = layer->W + r * l->inputs;
        for (size_t i = 0; i < l->inputs; i++) {
            sum += w[i];
            most = fmax(most, fabs((double)w[i]));
        }
        double bias = (double)l->bias[r] + (l->step ? 0.0 : xbtab__bias_correction(n, k, ranges, r, w, step));
        double factor = in->factor ? (double)in->factor[r / l->outputs] : 1.0;
        layer->scale[r] = step * in->a * factor;
        layer->shift[r] = step * in->b * factor * sum + bias;
        if (l->has_zero) layer->per_zero[r] = step * sum;
    }
    xbtab__add_matrices(q, k, bits_for(most) + 1, bits_for(in->most));
    return XBTAB_OK;
}

xbtab_status xbtab__quantize_digital(xbtab_quantized *q, const xbtab_images *images,
                                     const xbtab__ranges *ranges, const xbtab_quantize_options *options)
{
    const xbtab_network *n = q->network;
    xbtab__lattice *of = NULL;
    xbtab_status status;
    XBTAB_TRY(find_lattices(&of, n, images->is_bytes, q->raw_pixels));
    status = XBTAB_OK;
    for (int k = 0, layer = 0; k < n->n_nodes && status == XBTAB_OK; k++) {
        int weight_bits, bits;
        if (!n->node[k].linear.W || !xbtab__layer_bits(n, k, layer++, options, &weight_bits, &bits)) continue;
        bool is_recurrent = n->node[k].type->integer == XBTAB__INTEGER_RECURRENT;
        int value = is_recurrent ? n->node[k].output : n->node[k].input[0]; /* R takes its own answers */
        xbtab__code code = xbtab__code_for(xbtab__range_choose(ranges, value, bits, options), bits);
        xbtab__lattice in = {.a = code.scale, .b = -code.zero * code.scale, .most = code.most};
        if (n->is_quantized && !is_recurrent && has_lattice(n, &n->node[k], &of[value])) in = of[value];
        status = make_layer(q, k, &in, weight_bits, ranges, options);
    }
    xbtab__free(of);
    return status;
}

/* ---- running ---- */

typedef struct digital_run {
    int32_t *code;   /* of a layer's input */
    uint16_t *patch; /* patch[XBTAB__NET_PLACES][inputs] */
    int64_t *sum;    /* sum[XBTAB__NET_PLACES][outputs] */
} digital_run;

typedef struct digital_job {
    const xbtab_quantized *q;
    const xbtab_images *images;
    xbtab__float_run *floats;
    digital_run *runs;
    xbtab__products by;
    float scale;
    int output;
    float *outputs;
} digital_job;

static int32_t code_of(const xbtab__lattice *in, float x)
{
    double at = floor(((double)x - in->b) / in->a + 0.5);
    return !(at > 0) ? 0 : at >= in->most ? in->most : (int32_t)at;
}

/* Sums of some of a layer's vectors as numbers of its output. */
static void take_sums(const digital_job *job, const xbtab__vectors *v, const int64_t *sum, double zero,
                      float *y)
{
    const xbtab__linear *l = &job->q->network->node[v->node].linear;
    const xbtab__integer_layer *layer = &job->q->layer[v->node];
    for (size_t s = 0; s < v->n * l->outputs; s++) {
        size_t o = s % l->outputs, row = v->group * l->outputs + o;
        double shift = layer->shift[row] - (l->has_zero ? zero * layer->per_zero[row] : 0.0);
        y[xbtab__place_of(l, v, o, s / l->outputs)] = (float)(layer->scale[row] * (double)sum[s] + shift);
    }
}

static xbtab_status run_layer(const digital_job *job, int k, size_t image, int thread)
{
    const xbtab_quantized *q = job->q;
    const xbtab__node *node = &q->network->node[k];
    const xbtab__linear *l = &node->linear;
    const xbtab__integer_layer *layer = &q->layer[k];
    const digital_run *run = &job->runs[thread];
    const float *x = job->floats[thread].data[node->input[0]];
    float *y = job->floats[thread].data[node->output];
    size_t size = q->network->value[node->input[0]].shape.size;
    float zero = l->has_zero ? job->floats[thread].data[node->input[2]][0] : 0;
    int32_t pad = l->has_zero ? code_of(&layer->in, zero) : layer->pad;
    size_t plane = layer->factor ? size / l->groups : size; /* single channels, where each has a factor */
    for (size_t c = 0; c < size; c++)
        run->code[c] = code_of(&layer->in, layer->factor ? x[c] / layer->factor[c / plane] : x[c]);
    xbtab__vectors v = {.node = k, .image = image};
    for (; v.group < l->groups; v.group++) {
        for (v.first = 0; v.first < l->positions; v.first += v.n) {
            v.n = xbtab__places(l, v.first);
            XBTAB_TRY(xbtab__layer_sums(q, &v, run->code, pad, run->patch, run->sum, &job->by, thread));
            take_sums(job, &v, run->sum, (double)zero, y);
        }
    }
    return XBTAB_OK;
}

/* What a recurrent node asks while one image runs. */
typedef struct step_context {
    const digital_job *job;
    int k, thread;
    size_t image;
} step_context;

/* R's answers in integers. */
static xbtab_status run_vectors(void *context, size_t g, size_t first, size_t n, const float *x, float *y)
{
    const step_context *c = context;
    const xbtab__linear *l = &c->job->q->network->node[c->k].linear;
    const xbtab__integer_layer *layer = &c->job->q->layer[c->k];
    const digital_run *run = &c->job->runs[c->thread];
    for (size_t end = first + n, m; first < end; first += m, x += m * l->inputs, y += m * l->outputs) {
        m = end - first < XBTAB__NET_PLACES ? end - first : XBTAB__NET_PLACES;
        for (size_t v = 0; v < m * l->inputs; v++) run->patch[v] = (uint16_t)code_of(&layer->in, x[v]);
        XBTAB_TRY(xbtab__vector_sums(c->job->q, c->k, g, c->image * l->positions + first, m, run->patch,
                                     run->sum, &c->job->by, c->thread));
        for (size_t v = 0; v < m * l->outputs; v++) {
            size_t row = g * l->outputs + v % l->outputs;
            y[v] = (float)(layer->scale[row] * (double)run->sum[v] + layer->shift[row]);
        }
    }
    return XBTAB_OK;
}

static xbtab_status run_node(const digital_job *job, int k, size_t image, int thread)
{
    const xbtab_network *n = job->q->network;
    const xbtab__node *node = &n->node[k];
    const xbtab__float_run *run = &job->floats[thread];
    if (!job->q->layer[k].W) {
        node->type->run(n, node, run);
        return XBTAB_OK;
    }
    if (node->type->integer != XBTAB__INTEGER_RECURRENT) return run_layer(job, k, image, thread);
    return xbtab__run_recurrent(n, node, run, run_vectors, &(step_context){job, k, thread, image});
}

static xbtab_status run_image(void *context, size_t image, int thread)
{
    const digital_job *job = context;
    const xbtab_network *n = job->q->network;
    const xbtab__float_run *run = &job->floats[thread];
    size_t size = n->value[n->input].shape.size, n_outputs = n->value[job->output].shape.size;
    float *x = run->data[n->input];
    const float *pixel = job->images->pixel + image * size;
    size_t last = xbtab__channels_last(n, job->images);
    for (size_t k = 0; k < size; k++) x[k] = job->scale * pixel[xbtab__pixel_at(job->images, last, k)];
    for (int k = 0; k < n->n_nodes; k++) XBTAB_TRY(run_node(job, k, image, thread));
    memcpy(job->outputs + image * n_outputs, run->data[job->output], n_outputs * sizeof(float));
    return XBTAB_OK;
}

static void runs_destroy(digital_run *runs, int n)
{
    for (int t = 0; t < n && runs; t++) {
        xbtab__free(runs[t].code);
        xbtab__free(runs[t].patch);
        xbtab__free(runs[t].sum);
    }
    xbtab__free(runs);
}

static digital_run *runs_create(const xbtab_quantized *q, int n)
{
    size_t largest = 1;
    for (int v = 0; v < q->network->n_values; v++) {
        if (largest < q->network->value[v].shape.size) largest = q->network->value[v].shape.size;
    }
    digital_run *runs = xbtab__alloc((size_t)n, sizeof *runs);
    for (int t = 0; t < n && runs; t++) {
        runs[t].code = xbtab__alloc(largest, sizeof *runs[t].code);
        runs[t].patch = xbtab__alloc(q->patches, sizeof *runs[t].patch);
        runs[t].sum = xbtab__alloc(q->sums, sizeof *runs[t].sum);
        if (!runs[t].code || !runs[t].patch || !runs[t].sum) {
            runs_destroy(runs, n);
            return NULL;
        }
    }
    return runs;
}

xbtab_status xbtab__run_digital(const xbtab_quantized *q, const xbtab_images *images, size_t n,
                                const xbtab__products *by, const xbtab_run_options *options, float *outputs)
{
    int threads = xbtab__thread_count(options);
    xbtab_status status;
    digital_job job = {.q = q,
                       .images = images,
                       .runs = runs_create(q, threads),
                       .by = *by,
                       .scale = xbtab__pixel_scale(q->network, images, q->raw_pixels),
                       .output = xbtab__quantized_output(q->network),
                       .outputs = outputs};
    if (!job.runs) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__float_runs_create(&job.floats, q->network, threads));
    status = xbtab__for_images(n, options, run_image, &job);
done:
    xbtab__float_runs_destroy(&job.floats, threads);
    runs_destroy(job.runs, threads);
    return status;
}
