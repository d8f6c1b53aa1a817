/* digital_run.c - runs of networks that are digital between their layers (digital.c), one image at a time. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "parts.h"

typedef struct digital_run {
    int32_t *code;   /* of a layer's input */
    uint16_t *patch; /* patch[XBTAB__NET_PLACES][inputs] */
    int64_t *sum;    /* sum[XBTAB__NET_PLACES][outputs] */
    uint16_t *part;  /* of layers with parts: as patch */
    double *total;   /* as sum */
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

/* The same of a layer with parts. */
static xbtab_status take_part_sums(const digital_job *job, const xbtab__vectors *v, int32_t pad, float *y,
                                   int thread)
{
    const xbtab__linear *l = &job->q->network->node[v->node].linear;
    const double *shift = job->q->layer[v->node].shift + v->group * l->outputs;
    const digital_run *run = &job->runs[thread];
    xbtab__layer_patch(job->q, v, run->code, pad, run->patch);
    XBTAB_TRY(xbtab__parts_sum(job->q, v, run->patch, run->part, run->sum, run->total, &job->by, thread));
    for (size_t s = 0; s < v->n * l->outputs; s++) {
        size_t o = s % l->outputs;
        y[xbtab__place_of(l, v, o, s / l->outputs)] = (float)(run->total[s] + shift[o]);
    }
    return XBTAB_OK;
}

/* The codes of a layer's input. */
static xbtab_status take_codes(const digital_job *job, int k, const float *x, int32_t *code)
{
    const xbtab_network *n = job->q->network;
    const xbtab__integer_layer *layer = &job->q->layer[k];
    const xbtab__value *input = &n->value[n->node[k].input[0]];
    bool is_number = true;
    for (size_t c = 0; c < input->shape.size; c++) {
        code[c] = code_of(&layer->in, layer->factor ? x[c] / layer->factor[c] : x[c]);
        is_number = is_number && !isnan(x[c]);
    }
    if (is_number) return XBTAB_OK;
    return xbtab__node_fail(n, &n->node[k], XBTAB_ERR_INPUT, "its input \"%s\" is not a number", input->name);
}

static xbtab_status run_layer(const digital_job *job, int k, size_t image, int thread)
{
    const xbtab_quantized *q = job->q;
    const xbtab__node *node = &q->network->node[k];
    const xbtab__linear *l = &node->linear;
    const xbtab__integer_layer *layer = &q->layer[k];
    const digital_run *run = &job->runs[thread];
    float *y = job->floats[thread].data[node->output];
    float zero = l->has_zero ? job->floats[thread].data[node->input[2]][0] : 0;
    int32_t pad = l->has_zero ? code_of(&layer->in, zero) : layer->pad;
    XBTAB_TRY(take_codes(job, k, job->floats[thread].data[node->input[0]], run->code));
    xbtab__vectors v = {.node = k, .image = image};
    for (; v.group < l->groups; v.group++) {
        for (v.first = 0; v.first < l->positions; v.first += v.n) {
            v.n = xbtab__places(l, v.first);
            if (layer->part) {
                XBTAB_TRY(take_part_sums(job, &v, pad, y, thread));
                continue;
            }
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
    return xbtab__check_outputs(n, image, job->outputs + image * n_outputs);
}

static void runs_destroy(digital_run *runs, int n)
{
    for (int t = 0; t < n && runs; t++) {
        xbtab__free(runs[t].code);
        xbtab__free(runs[t].patch);
        xbtab__free(runs[t].sum);
        xbtab__free(runs[t].part);
        xbtab__free(runs[t].total);
    }
    xbtab__free(runs);
}

static digital_run *runs_create(const xbtab_quantized *q, int n)
{
    size_t largest = 1;
    bool has_parts = false;
    for (int k = 0; k < q->network->n_nodes; k++) has_parts = has_parts || q->layer[k].part;
    for (int v = 0; v < q->network->n_values; v++) {
        if (largest < q->network->value[v].shape.size) largest = q->network->value[v].shape.size;
    }
    digital_run *runs = xbtab__alloc((size_t)n, sizeof *runs);
    for (int t = 0; t < n && runs; t++) {
        runs[t].code = xbtab__alloc(largest, sizeof *runs[t].code);
        runs[t].patch = xbtab__alloc(q->patches, sizeof *runs[t].patch);
        runs[t].sum = xbtab__alloc(q->sums, sizeof *runs[t].sum);
        runs[t].part = xbtab__alloc(has_parts ? q->patches : 0, sizeof *runs[t].part);
        runs[t].total = xbtab__alloc(has_parts ? q->sums : 0, sizeof *runs[t].total);
        if (!runs[t].code || !runs[t].patch || !runs[t].sum || !runs[t].part || !runs[t].total) {
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
    status = xbtab__for_images(n, options, xbtab__products_work(q), run_image, &job);
done:
    xbtab__float_runs_destroy(&job.floats, threads);
    runs_destroy(job.runs, threads);
    return status;
}
