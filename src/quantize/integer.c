/* integer.c - a quantized network in exact integers, one image at a time. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "quantized.h"

/* One thread's memory. */
typedef struct integer_run {
    int32_t *codes;  /* codes of all activations, at the values' offsets */
    uint16_t *patch; /* patch[XBTAB__NET_PLACES][inputs] */
    int64_t *sum;    /* sum[XBTAB__NET_PLACES][outputs] */
    double *real;    /* of the network's output */
} integer_run;

typedef struct integer_job {
    const xbtab_quantized *q;
    const xbtab_images *images;
    integer_run *runs;
    xbtab__products by;
    float scale;
    int output; /* value whose real numbers are handed out */
    float *outputs;
} integer_job;

static int32_t round_to_code(double x, const xbtab__code *code)
{
    double q = floor(x + 0.5) + code->zero;
    return !(q > 0) ? 0 : q >= code->most ? code->most : (int32_t)q;
}

/* Sums as codes of the layer's output. */
static void take_sums(const integer_job *job, const xbtab__vectors *v, const integer_run *run)
{
    const xbtab_quantized *q = job->q;
    const xbtab__node *node = &q->network->node[v->node];
    const xbtab__linear *l = &node->linear;
    const xbtab__integer_layer *layer = &q->layer[v->node];
    const xbtab__code *out = &q->code[node->output];
    int32_t *y = run->codes + q->network->value[node->output].offset;
    for (size_t o = 0; o < l->outputs; o++) {
        size_t row = v->group * l->outputs + o;
        double factor = layer->scale[row] / out->scale;
        for (size_t p = 0; p < v->n; p++) {
            int64_t sum = run->sum[p * l->outputs + o] + layer->offset[row];
            size_t at = xbtab__place_of(l, v, o, p);
            if (node->output == job->output) run->real[at] = layer->scale[row] * (double)sum;
            y[at] = round_to_code((double)sum * factor, out);
        }
    }
}

static xbtab_status run_linear(const integer_job *job, int k, size_t image, const integer_run *run,
                               int thread)
{
    const xbtab_quantized *q = job->q;
    const xbtab__node *node = &q->network->node[k];
    const xbtab__linear *l = &node->linear;
    const int32_t *x = run->codes + q->network->value[node->input[0]].offset;
    xbtab__vectors v = {.node = k, .image = image};
    for (; v.group < l->groups; v.group++) {
        for (v.first = 0; v.first < l->positions; v.first += v.n) {
            v.n = xbtab__places(l, v.first);
            XBTAB_TRY(xbtab__layer_sums(q, &v, x, q->code[node->input[0]].zero, run->patch, run->sum,
                                        &job->by, thread));
            take_sums(job, &v, run);
        }
    }
    return XBTAB_OK;
}

/* The largest code of a window, or the mean with halves rounded up. */
static int32_t pool_at(const xbtab__window *w, const int32_t *x, const int64_t *o, bool is_max, int32_t zero)
{
    int32_t most = 0;
    int64_t sum = 0, count = 0;
    for (int64_t k = 0; k < w->kernel[0] * w->kernel[1] * w->kernel[2]; k++) {
        int64_t place[3] = {k / w->kernel[2] / w->kernel[1], k / w->kernel[2] % w->kernel[1],
                            k % w->kernel[2]};
        bool inside = true, padded = true;
        for (int d = 0; d < 3; d++) {
            place[d] = o[d] * w->stride[d] - w->pad[d] + place[d] * w->dilation[d];
            inside = inside && place[d] >= 0 && place[d] < w->in[d];
            padded = padded && place[d] < w->in[d] + w->after[d];
        }
        int32_t code = inside ? x[(place[0] * w->in[1] + place[1]) * w->in[2] + place[2]] : zero;
        if (inside && code > most) most = code;
        if (inside || (w->count_pad && padded)) {
            sum += code;
            count++;
        }
    }
    return is_max ? most : (int32_t)((2 * sum + count) / (2 * (count > 0 ? count : 1)));
}

static void run_pool(const xbtab__node *node, const int32_t *x, int32_t *y, int32_t zero)
{
    const xbtab__window *w = &node->window;
    bool is_max = node->type->integer == XBTAB__INTEGER_MAX;
    for (int64_t c = 0; c < w->channels; c++, x += w->in[0] * w->in[1] * w->in[2]) {
        int64_t o[3];
        for (o[0] = 0; o[0] < w->out[0]; o[0]++) {
            for (o[1] = 0; o[1] < w->out[1]; o[1]++) {
                for (o[2] = 0; o[2] < w->out[2]; o[2]++) *y++ = pool_at(w, x, o, is_max, zero);
            }
        }
    }
}

static void run_add(const integer_job *job, const xbtab__node *node, const int32_t *a, const int32_t *b,
                    int32_t *y)
{
    const xbtab__code *ca = &job->q->code[node->input[0]], *cb = &job->q->code[node->input[1]];
    const xbtab__code *out = &job->q->code[node->output];
    double fa = ca->scale / out->scale, fb = cb->scale / out->scale;
    for (size_t k = 0; k < job->q->network->value[node->output].shape.size; k++) {
        y[k] = round_to_code(fa * (a[k] - ca->zero) + fb * (b[k] - cb->zero), out);
    }
}

static xbtab_status run_node(const integer_job *job, int k, size_t image, const integer_run *run, int thread)
{
    const xbtab_network *n = job->q->network;
    const xbtab__node *node = &n->node[k];
    const int32_t *x = run->codes + n->value[node->input[0]].offset;
    int32_t *y = run->codes + n->value[node->output].offset;
    int32_t zero = job->q->code[node->input[0]].zero;
    switch (node->type->integer) {
    case XBTAB__INTEGER_LINEAR:
        return run_linear(job, k, image, run, thread);
    case XBTAB__INTEGER_COPY:
        memcpy(y, x, n->value[node->output].shape.size * sizeof *y);
        break;
    case XBTAB__INTEGER_RELU:
        for (size_t c = 0; c < n->value[node->output].shape.size; c++) y[c] = x[c] > zero ? x[c] : zero;
        break;
    case XBTAB__INTEGER_MAX:
    case XBTAB__INTEGER_AVERAGE:
        run_pool(node, x, y, zero);
        break;
    case XBTAB__INTEGER_ADD:
        run_add(job, node, x, run->codes + n->value[node->input[1]].offset, y);
        break;
    case XBTAB__INTEGER_LAST:
    case XBTAB__INTEGER_RECURRENT:
    case XBTAB__INTEGER_NONE: /* never here: see xbtab__needs_digital() */
        break;
    }
    return XBTAB_OK;
}

static bool is_linear_output(const xbtab_network *n, int value)
{
    for (int k = 0; k < n->n_nodes; k++) {
        if (n->node[k].output == value) return n->node[k].type->integer == XBTAB__INTEGER_LINEAR;
    }
    return false;
}

static xbtab_status run_image(void *context, size_t image, int thread)
{
    const integer_job *job = context;
    const xbtab_network *n = job->q->network;
    const integer_run *run = &job->runs[thread];
    size_t size = n->value[n->input].shape.size, n_outputs = n->value[job->output].shape.size;
    const xbtab__code *in = &job->q->code[n->input], *out = &job->q->code[job->output];
    const float *pixel = job->images->pixel + image * size;
    int32_t *x = run->codes + n->value[n->input].offset;
    size_t last = xbtab__channels_last(n, job->images);
    for (size_t k = 0; k < size; k++) {
        float p = job->scale * pixel[xbtab__pixel_at(job->images, last, k)];
        x[k] = round_to_code((double)p / in->scale, in);
    }
    for (int k = 0; k < n->n_nodes; k++) XBTAB_TRY(run_node(job, k, image, run, thread));
    const int32_t *y = run->codes + n->value[job->output].offset;
    bool has_sums = is_linear_output(n, job->output);
    for (size_t k = 0; k < n_outputs; k++) {
        job->outputs[image * n_outputs + k] =
            (float)(has_sums ? run->real[k] : out->scale * (y[k] - out->zero));
    }
    return XBTAB_OK;
}

static void runs_destroy(integer_run *runs, int n)
{
    if (!runs) return;
    for (int t = 0; t < n; t++) {
        xbtab__free(runs[t].codes);
        xbtab__free(runs[t].patch);
        xbtab__free(runs[t].sum);
        xbtab__free(runs[t].real);
    }
    xbtab__free(runs);
}

static integer_run *runs_create(const xbtab_quantized *q, int n)
{
    integer_run *runs = xbtab__alloc((size_t)n, sizeof *runs);
    if (!runs) return NULL;
    for (int t = 0; t < n; t++) {
        runs[t].codes = xbtab__alloc(q->network->memory, sizeof *runs[t].codes);
        runs[t].patch = xbtab__alloc(q->patches, sizeof *runs[t].patch);
        runs[t].sum = xbtab__alloc(q->sums, sizeof *runs[t].sum);
        runs[t].real = xbtab__alloc(xbtab_network_outputs(q->network), sizeof *runs[t].real);
        if (!runs[t].codes || !runs[t].patch || !runs[t].sum || !runs[t].real) {
            runs_destroy(runs, n);
            return NULL;
        }
    }
    return runs;
}

xbtab_status xbtab_quantized_run(const xbtab_quantized *quantized, const xbtab_images *images, size_t n,
                                 xbtab_product_fn product, void *product_payload,
                                 const xbtab_run_options *options, float *outputs)
{
    static const xbtab_run_options defaults = {0};
    if (!options) options = &defaults;
    int threads = xbtab__thread_count(options);
    const xbtab__products by = {.product = product, .payload = product_payload};
    XBTAB_TRY(xbtab__check_images(quantized->network, images, n));
    if (quantized->is_digital) return xbtab__run_digital(quantized, images, n, &by, options, outputs);
    integer_job job = {.q = quantized,
                       .images = images,
                       .runs = runs_create(quantized, threads),
                       .by = by,
                       .scale = xbtab__pixel_scale(quantized->network, images, quantized->raw_pixels),
                       .output = xbtab__quantized_output(quantized->network),
                       .outputs = outputs};
    if (!job.runs) return XBTAB_NOMEM();
    xbtab_status status = xbtab__for_images(n, options, xbtab__products_work(quantized), run_image, &job);
    runs_destroy(job.runs, threads);
    return status;
}
