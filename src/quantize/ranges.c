/* ranges.c - calibration: the ends, histograms and means of tensors that images cause, and the range that
 * codes should cover. */
#include "ranges.h"

#include <math.h>
#include <string.h>

#include "memory.h"

enum { BINS = XBTAB__RANGE_BINS };

typedef struct range_job {
    const xbtab_network *network;
    const xbtab_images *images;
    const xbtab__float_run *runs;
    float scale;
    xbtab__range *ends;          /* ends[threads][n_values]: extremes do not depend on who saw them */
    uint64_t *counts;            /* counts[threads][n_values][BINS] */
    const xbtab__ranges *ranges; /* of the first pass, for the second */
    float *means;                /* means[images][n_means]: added in the images' order */
    size_t n_means;
} range_job;

static void run_in_float(const range_job *job, size_t image, int thread)
{
    xbtab__network_run_image(job->network, job->images, image, job->scale, &job->runs[thread]);
}

/* ---- first pass: ends ---- */

static xbtab_status see_ends(void *context, size_t image, int thread)
{
    const range_job *job = context;
    const xbtab_network *n = job->network;
    xbtab__range *seen = job->ends + (size_t)thread * (size_t)n->n_values;
    run_in_float(job, image, thread);
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

/* A recurrent layer's input is its own output, and at first the state that it begins with. */
static void join_first_states(const xbtab_network *n, xbtab__range *ranges)
{
    for (int k = 0; k < n->n_nodes; k++) {
        const xbtab__node *node = &n->node[k];
        const xbtab__value *first = xbtab__first_state(n, node);
        if (!first) continue;
        xbtab__range *r = &ranges[node->output], *other = &ranges[first - n->value];
        for (size_t c = 0; first->constant && c < first->shape.size; c++) {
            other->low = fminf(other->low, first->constant[c]);
            other->high = fmaxf(other->high, first->constant[c]);
        }
        r->low = fminf(r->low, other->low);
        r->high = fmaxf(r->high, other->high);
    }
}

/* ---- second pass: histograms, and means of what each weight is multiplied with ---- */

static void count_values(const range_job *job, int thread)
{
    const xbtab_network *n = job->network;
    uint64_t *counts = job->counts + (size_t)thread * (size_t)n->n_values * BINS;
    for (int v = 0; v < n->n_values; v++) {
        const xbtab__range *r = &job->ranges->seen[v];
        if (n->value[v].constant || !(r->high > r->low)) continue;
        const float *x = job->runs[thread].data[v];
        double bins = BINS / ((double)r->high - (double)r->low);
        for (size_t k = 0; k < n->value[v].shape.size; k++) {
            double at = ((double)x[k] - (double)r->low) * bins;
            counts[(size_t)v * BINS + (!(at > 0) ? 0 : at >= BINS ? BINS - 1 : (size_t)at)]++;
        }
    }
}

static bool is_plain_layer(const xbtab__node *node)
{
    return node->linear.W && node->type->integer == XBTAB__INTEGER_LINEAR;
}

static xbtab_status see_inputs(const xbtab__node *node, const xbtab__float_run *run, float *mean)
{
    const xbtab__linear *l = &node->linear;
    const xbtab__window *w = &node->window;
    const float *x = run->data[node->input[0]];
    size_t channels = l->is_convolution ? (size_t)w->channels / l->groups : 0;
    size_t image = channels * (size_t)(w->in[0] * w->in[1] * w->in[2]);
    double *sum = xbtab__alloc(l->inputs, sizeof *sum);
    if (!sum) return XBTAB_NOMEM();
    for (size_t g = 0; g < l->groups; g++) {
        memset(sum, 0, l->inputs * sizeof *sum);
        for (size_t first = 0, n; first < l->positions; first += n) {
            n = xbtab__places(l, first);
            if (l->is_convolution)
                xbtab__unfold(w, x + g * image, (int64_t)channels, l->pad, first, n, run->scratch);
            for (size_t k = 0; k < l->inputs; k++) {
                for (size_t p = 0; p < n; p++)
                    sum[k] += (double)(l->is_convolution ? run->scratch[k * n + p]
                                                         : x[(first + p) * l->inputs + k]);
            }
        }
        for (size_t k = 0; k < l->inputs; k++)
            mean[g * l->inputs + k] = (float)(sum[k] / (double)l->positions);
    }
    xbtab__free(sum);
    return XBTAB_OK;
}

static xbtab_status see_details(void *context, size_t image, int thread)
{
    const range_job *job = context;
    run_in_float(job, image, thread);
    if (job->counts) count_values(job, thread);
    for (int k = 0; job->means && k < job->network->n_nodes; k++) {
        const xbtab__node *node = &job->network->node[k];
        if (is_plain_layer(node))
            XBTAB_TRY(see_inputs(node, &job->runs[thread],
                                 job->means + image * job->n_means + job->ranges->first_mean[k]));
    }
    return XBTAB_OK;
}

static xbtab_status find_details(xbtab__ranges *out, range_job *job, size_t n_images, int threads,
                                 bool has_counts, bool has_means, const xbtab_run_options *run)
{
    const xbtab_network *n = job->network;
    size_t bins = (size_t)n->n_values * BINS;
    if (has_counts) {
        job->counts = xbtab__alloc((size_t)threads * bins, sizeof *job->counts);
        out->histogram = xbtab__alloc(bins, sizeof *out->histogram);
        if (!job->counts || !out->histogram) return XBTAB_NOMEM();
    }
    out->first_mean = xbtab__alloc((size_t)n->n_nodes, sizeof *out->first_mean);
    if (!out->first_mean) return XBTAB_NOMEM();
    for (int k = 0; k < n->n_nodes && has_means; k++) {
        if (!is_plain_layer(&n->node[k])) continue;
        out->first_mean[k] = job->n_means;
        job->n_means += n->node[k].linear.groups * n->node[k].linear.inputs;
    }
    if (has_means) {
        job->means = xbtab__alloc(n_images * job->n_means, sizeof *job->means);
        out->mean = xbtab__alloc(job->n_means, sizeof *out->mean);
        if (!job->means || !out->mean) return XBTAB_NOMEM();
    }
    XBTAB_TRY(xbtab__for_images(n_images, run, 0, see_details, job));
    for (size_t k = 0; has_counts && k < (size_t)threads * bins; k++)
        out->histogram[k % bins] += job->counts[k];
    for (size_t k = 0; k < job->n_means; k++) {
        for (size_t image = 0; image < n_images; image++)
            out->mean[k] += (double)job->means[image * job->n_means + k] / (double)n_images;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__ranges_find(xbtab__ranges *out, const xbtab_network *n, const xbtab_images *images,
                                size_t n_images, const xbtab_quantize_options *options)
{
    int threads = xbtab__thread_count(&options->run);
    size_t count = (size_t)threads * (size_t)n->n_values;
    bool has_counts = options->activation_range != XBTAB_CLIP_MINMAX,
         has_means = options->bias_correction != 0;
    xbtab__float_run *runs = NULL;
    xbtab_status status;
    *out = (xbtab__ranges){.n_values = n->n_values};
    range_job job = {.network = n,
                     .images = images,
                     .scale = xbtab__pixel_scale(n, images, options->run.raw_pixels != 0),
                     .ranges = out,
                     .ends = xbtab__alloc(count, sizeof *job.ends)};
    if (!job.ends) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__float_runs_create(&runs, n, threads));
    job.runs = runs;
    XBTAB_TRY_DONE(xbtab__for_images(n_images, &options->run, 0, see_ends, &job));
    for (size_t k = (size_t)n->n_values; k < count; k++) {
        xbtab__range *sum = &job.ends[k % (size_t)n->n_values];
        sum->low = fminf(sum->low, job.ends[k].low);
        sum->high = fmaxf(sum->high, job.ends[k].high);
    }
    join_first_states(n, job.ends);
    out->seen = job.ends;
    job.ends = NULL;
    if (has_counts || has_means)
        XBTAB_TRY_DONE(find_details(out, &job, n_images, threads, has_counts, has_means, &options->run));
done:
    xbtab__float_runs_destroy(&runs, threads);
    xbtab__free(job.ends);
    xbtab__free(job.counts);
    xbtab__free(job.means);
    if (status < 0) xbtab__ranges_clear(out);
    return status;
}

void xbtab__ranges_clear(xbtab__ranges *r)
{
    xbtab__free(r->seen);
    xbtab__free(r->histogram);
    xbtab__free(r->mean);
    xbtab__free(r->first_mean);
    *r = (xbtab__ranges){0};
}

/* ---- choosing ---- */

/* The ends that leave (1 - share) / 2 of all numbers outside at either side; 0 stays inside. */
static xbtab__range percentile(const xbtab__range *seen, const uint64_t *h, double share)
{
    uint64_t total = 0, below = 0, above = 0;
    size_t first = 0, last = BINS - 1;
    for (size_t b = 0; b < BINS; b++) total += h[b];
    double most = (1 - share) / 2 * (double)total, width = ((double)seen->high - (double)seen->low) / BINS;
    while (first < last && (double)(below + h[first]) <= most) below += h[first++];
    while (last > first && (double)(above + h[last]) <= most) above += h[last--];
    /* numbers of a bin are taken to lie evenly in it */
    double low = (double)first + (h[first] ? (most - (double)below) / (double)h[first] : 0.0);
    double high = (double)(last + 1) - (h[last] ? (most - (double)above) / (double)h[last] : 0.0);
    return (xbtab__range){fminf(0.0f, (float)((double)seen->low + width * low)),
                          fmaxf(0.0f, (float)((double)seen->low + width * high))};
}

/* Mean square of rounding and clipping with codes over a range, each bin's numbers at its middle. */
static double quantization_error(const xbtab__range *seen, const uint64_t *h, const xbtab__range *r, int bits)
{
    double step = ((double)r->high - (double)r->low) / (ldexp(1.0, bits) - 1), sum = 0;
    double width = ((double)seen->high - (double)seen->low) / BINS;
    for (size_t b = 0; b < BINS; b++) {
        if (!h[b]) continue;
        double x = (double)seen->low + width * ((double)b + 0.5);
        double inside = fmin(fmax(x, (double)r->low), (double)r->high);
        double off = x - ((double)r->low + step * floor((inside - (double)r->low) / step + 0.5));
        sum += (double)h[b] * off * off;
    }
    return sum;
}

xbtab__range xbtab__range_choose(const xbtab__ranges *ranges, int value, int bits,
                                 const xbtab_quantize_options *options)
{
    enum { SHRINKS = 48 }; /* tried, in steps of 2 % down to 4 % of the whole range */
    const xbtab__range *seen = &ranges->seen[value];
    if (!ranges->histogram || !(seen->high > seen->low)) return *seen;
    const uint64_t *h = ranges->histogram + (size_t)value * BINS;
    if (options->activation_range == XBTAB_CLIP_PERCENTILE) {
        xbtab__range r = percentile(seen, h, options->percentile > 0 ? options->percentile : 0.999);
        return r.high > r.low ? r : *seen;
    }
    xbtab__range best = *seen;
    double least = quantization_error(seen, h, seen, bits);
    for (int k = 1; k <= SHRINKS; k++) {
        float share = 1.0f - 0.02f * (float)k;
        xbtab__range r = {seen->low * share, seen->high * share};
        double error = quantization_error(seen, h, &r, bits);
        if (error < least) {
            least = error;
            best = r;
        }
    }
    return best;
}
