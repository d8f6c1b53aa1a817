/* run.c - products of a mapped network: what its tiles answer, read out and added up. */
#include <math.h>
#include <string.h>

#include <omp.h>

#include "each.h"
#include "engine_private.h"
#include "mapping.h"
#include "memory.h"
#include "random.h"
#include "vector.h"

enum {
    BLOCK = 64, /* vectors a tile is asked at once: its answers stay in cache */
    PART = 16   /* the same where the ADC's inputs are kept, one number a bit line and input slice */
};

typedef struct workspace {
    uint16_t *line; /* line[BLOCK][rows] of one tile */
    int32_t *acc;   /* acc[BLOCK][stride] */
    double *total;  /* total[BLOCK][outputs] [codes] */
    double *sums;   /* sums[PART][2][stride]: of a vector's bit lines, and of its outputs [codes] */
    double *in; /* in[2][PART][slices][stride]: the ADC's input, and what lines of the other sign take off */
    double *u;  /* u[slices][stride] of one vector [codes] */
    double *y;  /* y[stride] */
    xbtab_product_counts counts;
    xbtab__samples *samples; /* samples[n_layers][XBTAB__N_STAGES]; NULL = none are taken */
} workspace;

typedef struct run {
    const xbtab_mapped *mapped;
    workspace *workspaces;
    xbtab__watch_fn watch; /* NULL = none */
    void *watch_context;
    size_t first_matrix, end_matrix; /* on tiles; the others are exact */
} run;

/* What one block's products are done with. */
typedef struct job {
    const xbtab_mapped *mapped;
    const xbtab__mapped_matrix *mm;
    const xbtab__block *b;
    const xbtab__mapped_tile *t;
    workspace *w;
    size_t stride, columns; /* of the tile's answers; of the block */
} job;

/* ---- the engine's own codes ---- */

XBTAB__VECTOR static void take_acc(const int32_t *restrict acc, size_t n, double *restrict s)
{
    for (size_t j = 0; j < n; j++) s[j] = acc[j];
}

static void add_outputs(const job *a, const double *y, size_t v)
{
    double *total = a->w->total + v * a->mm->m->outputs + a->b->first_output;
    for (size_t o = 0; o < a->b->n_outputs; o++) total[o] += y[o];
    for (size_t o = 0; a->b->constant && o < a->b->n_outputs; o++) total[o] += a->b->constant[o];
}

static xbtab_status add_plain(const job *a, const uint16_t *x, size_t n)
{
    const xbtab__layout *l = &a->mm->layout;
    const size_t all = a->b->n_inputs * l->map->lines, at_once = xbtab__lines_at_once(a->mapped, a->b);
    const xbtab_window window = {a->b->first_column, a->columns}; /* the block's own bit lines */
    workspace *w = a->w;
    xbtab_product_counts counts = {0};
    const size_t from =
        window.first / XBTAB_KERNEL_BLOCK * XBTAB_KERNEL_BLOCK; /* engines add to whole blocks */
    for (size_t v = 0; v < n; v++) {
        memset(w->acc + v * a->stride + from, 0,
               xbtab_engine_stride(window.first + window.n - from) * sizeof *w->acc);
    }
    for (size_t first = 0; first < all; first += at_once) {
        size_t end = first + at_once < all ? first + at_once : all;
        for (size_t v = 0; v < n; v++)
            xbtab__drive(a->mapped, a->b, x + v * a->mm->m->inputs, first, end, 0, w->line + v * a->t->rows);
        XBTAB_TRY(a->mapped->engine->product(a->t->state, w->line, n, a->mm->input_slices, &window, w->acc,
                                             &counts));
    }
    w->counts.codes += counts.codes;
    w->counts.outside += counts.outside;
    for (size_t v = 0; v < n; v++) {
        take_acc(w->acc + v * a->stride + a->b->first_column, a->columns, w->sums);
        l->map->combine(l, a->b, w->sums, 0, w->y);
        add_outputs(a, w->y, v);
    }
    return XBTAB_OK;
}

/* ---- read-outs of a scheme's own ---- */

/* Which conversion it is, for what is drawn. */
typedef struct place {
    size_t vector, pass;
    int slice;
} place;

static void start_noise(xbtab__random *random, const job *a, place at)
{
    const size_t lines = a->mm->layout.map->lines * a->b->n_inputs,
                 at_once = xbtab__lines_at_once(a->mapped, a->b);
    size_t passes = (lines + at_once - 1) / at_once, block = (size_t)(a->b - a->mapped->block);
    size_t number = (block * passes + at.pass) * XBTAB__MOST_SLICES + (size_t)at.slice;
    xbtab__random_init(random, a->mapped->options.seed, XBTAB__RANDOM_READ_NOISE, (uint32_t)at.vector,
                       (uint32_t)number);
}

/* Convert n numbers in place: bit lines, or outputs, each with the read-out of bit line first + k step. */
static void convert(const job *a, double *u, size_t n, size_t first, size_t step, xbtab__random *noise)
{
    const xbtab_scheme *s = &a->mapped->scheme;
    workspace *w = a->w;
    w->counts.codes += n;
    if (w->samples) {
        xbtab__samples_add(&w->samples[a->mm->layer * XBTAB__N_STAGES + XBTAB__STAGE_ADC], u, n);
        return;
    }
    if (a->mapped->options.unrounded) return;
    const xbtab__converter *c = &a->mapped->layer[a->mm->layer].at[XBTAB__STAGE_ADC];
    first += a->b->first_column;
    if (s->noise_sigma > 0)
        xbtab__normals_add(&a->mapped->normals, noise, s->noise_sigma * c->step, NULL, u, n);
    const double *threshold = a->mapped->layer[a->mm->layer].threshold;
    if (threshold) {
        for (size_t k = 0; k < n; k++) {
            const double own = threshold[a->b->first_output + k],
                         constant = a->b->constant ? a->b->constant[k] : 0.0;
            double sum = u[k] + constant + (a->t->offset ? a->t->offset[first + k * step] : 0.0);
            u[k] = c->step * (double)xbtab__beside(own, sum / c->step) - constant;
        }
        return;
    }
    if (a->t->reference) {
        for (size_t k = 0; k < n; k++) {
            u[k] = xbtab__convert_own(c, u[k], a->t->reference + (first + k * step) * (size_t)c->largest);
        }
        return;
    }
    for (size_t k = 0; a->t->offset && k < n; k++) u[k] += a->t->offset[first + k * step];
    xbtab__convert(c, u, NULL, n);
}

/* A word line's drive in slices [first, end), a share of the read voltage times the slices' weights over the
 * first one's. */
static double drive_of(const job *a, unsigned line, int first, int end)
{
    const int bits = a->mapped->dac_bits;
    const unsigned mask = (1u << bits) - 1;
    double drive = line >> (first * bits) & mask;
    for (int t = first + 1; t < end; t++) drive += a->mm->weight[t] * (double)(line >> (t * bits) & mask);
    return drive / mask;
}

/* The bit lines' read noise: a cell's conductance is off by dG while one conversion lasts, and its current by
 * V dG, so that the variance goes with the square of the drive. */
static void add_read_noise(const job *a, const uint16_t *line, int slice, unsigned signs, double *u,
                           xbtab__random *noise)
{
    const bool is_once = a->mapped->one_conversion;
    double squares = 0;
    if (is_once && slice > 0) return; /* with the first */
    for (size_t i = 0; i < a->t->rows; i++) {
        double drive = drive_of(a, line[i], slice, is_once ? a->mm->input_slices : slice + 1);
        squares += drive * drive;
    }
    double share = sqrt(signs * squares / (double)a->t->rows);
    xbtab__normals_add(&a->mapped->normals, noise, share, a->t->sigma + a->b->first_column, u, a->columns);
}

/* What the TIAs add of their own. Sample images meet no noise. */
static void add_tia(const job *a, double *u, xbtab__random *noise)
{
    const double sigma = a->w->samples ? 0.0 : a->mapped->tia_noise;
    for (size_t j = 0; a->t->tia && j < a->columns; j++) u[j] += a->t->tia[a->b->first_column + j];
    if (sigma > 0) xbtab__normals_add(&a->mapped->normals, noise, sigma, NULL, u, a->columns);
}

XBTAB__VECTOR static void add_weighted(double *restrict sum, double weight, const double *restrict u,
                                       size_t n)
{
    for (size_t j = 0; j < n; j++) sum[j] += weight * u[j];
}

XBTAB__VECTOR static void take_codes(double *restrict u, double range, const double *restrict in,
                                     const double *restrict taken, size_t n)
{
    if (taken) {
        for (size_t j = 0; j < n; j++) u[j] = range * (in[j] - taken[j]);
    } else {
        for (size_t j = 0; j < n; j++) u[j] = range * in[j];
    }
}

/* What the read-outs make of it, once they are trimmed. */
XBTAB__VECTOR static void apply_trim(double *restrict u, const double *restrict trim, size_t n)
{
    for (size_t j = 0; j < n; j++) u[j] = trim[2 * j] * u[j] + trim[2 * j + 1];
}

/* Bit lines that are not converted where weight slices below 2^from are left out. */
static size_t dropped(const job *a, int from)
{
    const xbtab__layout *l = &a->mm->layout;
    size_t slices = 0;
    while ((int)slices < l->slices && (int)slices * l->cell_bits < from) slices++;
    return a->b->n_outputs * l->per_output / (size_t)l->slices * slices;
}

/* Weighted sums of one conversion's answers: of bit lines into sums[0], or of outputs into sums[1]. */
static void read_slice(const job *a, double *u, double weight, int from, double *sums, xbtab__random *noise)
{
    const xbtab__layout *l = &a->mm->layout;
    double *y = a->w->y;
    if (a->mapped->scheme.sums == XBTAB_SUMS_ANALOG) {
        l->map->combine(l, a->b, u, 0, y);
        convert(a, y, a->b->n_outputs, l->shared, l->per_output, noise);
        add_weighted(sums + a->stride, weight, y, a->b->n_outputs);
        return;
    }
    if (a->mapped->scheme.sums == XBTAB_SUMS_SUBTRACTED) {
        for (size_t j = 0; j < a->columns; j += 2) y[j / 2] = u[j] - u[j + 1];
        convert(a, y, a->columns / 2, 0, 2, noise);
        for (size_t j = 0; j < a->columns; j += 2) {
            u[j] = y[j / 2];
            u[j + 1] = 0;
        }
    } else {
        convert(a, u, a->columns, 0, 1, noise);
    }
    if (from > 0) {
        a->w->counts.codes -= dropped(a, from);
        l->map->combine(l, a->b, u, from, y);
        add_weighted(sums + a->stride, weight, y, a->b->n_outputs);
    } else {
        add_weighted(sums, weight, u, a->columns);
    }
}

/* One vector's answer in one pass: all its input slices. */
static void read_vector(const job *a, const uint16_t *line, const double *in, const double *taken, place at,
                        double *sums)
{
    const xbtab_mapped *mapped = a->mapped;
    const double range = ldexp(1.0, mapped->adc_bits);
    const int slices = a->mm->input_slices, dac_bits = mapped->dac_bits;
    const bool draws = mapped->scheme.noise_sigma > 0 || a->t->sigma || mapped->tia_noise > 0;
    double *u = a->w->u;
    xbtab__random noise;
    unsigned used = 0;
    for (size_t i = 0; i < a->t->rows; i++) used |= line[i];
    for (int t = 0; t < slices; t++, u += a->stride) {
        const size_t of = (size_t)t * a->stride + a->b->first_column;
        const bool is_driven = used >> (t * dac_bits) & ((1u << dac_bits) - 1);
        if (!is_driven && !mapped->one_conversion) continue; /* nothing flows */
        at.slice = t;
        if (draws) start_noise(&noise, a, at);
        take_codes(u, range, in + of, taken ? taken + of : NULL, a->columns);
        if (a->t->sigma && !a->w->samples) add_read_noise(a, line, t, taken ? 2 : 1, u, &noise);
        add_tia(a, u, &noise);
        if (a->t->trim && is_driven) apply_trim(u, a->t->trim + 2 * a->b->first_column, a->columns);
        if (mapped->one_conversion) {
            if (t > 0) add_weighted(a->w->u, a->mm->weight[t], u, a->columns);
            continue;
        }
        int from = mapped->scheme.keep_from - t * dac_bits;
        read_slice(a, u, a->mm->weight[t], from > 0 ? from : 0, sums, &noise);
    }
    if (mapped->one_conversion && used) read_slice(a, a->w->u, 1.0, 0, sums, &noise);
}

/* A tile's part of a sum, or a sum, quantized where the scheme says so. */
static void quantize(const job *a, xbtab__stage stage, double *y, size_t n)
{
    if (a->mapped->scheme.sums != XBTAB_SUMS_QUANTIZED || a->mapped->options.unrounded) return;
    if (a->w->samples) {
        xbtab__samples_add(&a->w->samples[a->mm->layer * XBTAB__N_STAGES + stage], y, n);
    } else {
        xbtab__convert(&a->mapped->layer[a->mm->layer].at[stage], y, NULL, n);
    }
}

/* Read the engine's answers of n vectors for one pass, and for lines of the other sign what is taken off. */
static xbtab_status read_pass(const job *a, const uint16_t *x, size_t n, size_t first, size_t end)
{
    const bool two_signs = a->mm->layout.map->is_signed && !a->mapped->is_alternating;
    const size_t answers = (size_t)PART * (size_t)a->mm->input_slices * a->stride;
    const xbtab_window window = {a->b->first_column, a->columns};
    workspace *w = a->w;
    xbtab_product_counts counts = {0};
    for (int sign = two_signs; sign >= 0; sign--) { /* the positive ones last: line stays theirs */
        for (size_t v = 0; v < n; v++) {
            xbtab__drive(a->mapped, a->b, x + v * a->mm->m->inputs, first, end, two_signs ? 1 + sign : 0,
                         w->line + v * a->t->rows);
        }
        XBTAB_TRY(a->mapped->engine->read(a->t->state, w->line, n, a->mm->input_slices, &window,
                                          w->in + (size_t)sign * answers, &counts));
    }
    w->counts.outside += counts.outside;
    return XBTAB_OK;
}

static xbtab_status add_read(const job *a, size_t vector, const uint16_t *x, size_t v_first, size_t n)
{
    const xbtab__layout *l = &a->mm->layout;
    const size_t all = a->b->n_inputs * l->map->lines, at_once = xbtab__lines_at_once(a->mapped, a->b);
    const size_t a_vector = (size_t)a->mm->input_slices * a->stride;
    const bool two_signs = l->map->is_signed && !a->mapped->is_alternating;
    workspace *w = a->w;
    memset(w->sums, 0, n * 2 * a->stride * sizeof *w->sums);
    for (size_t first = 0, pass = 0; first < all; first += at_once, pass++) {
        XBTAB_TRY(read_pass(a, x, n, first, first + at_once < all ? first + at_once : all));
        for (size_t v = 0; v < n; v++) {
            const double *in = w->in + v * a_vector;
            read_vector(a, w->line + v * a->t->rows, in, two_signs ? in + PART * a_vector : NULL,
                        (place){.vector = vector + v, .pass = pass}, w->sums + v * 2 * a->stride);
        }
    }
    for (size_t v = 0; v < n; v++) {
        double *y = w->sums + v * 2 * a->stride + a->stride;
        l->map->combine(l, a->b, y - a->stride, 0, w->y);
        add_weighted(y, 1.0, w->y, a->b->n_outputs);
        for (size_t o = 0; a->b->constant && o < a->b->n_outputs; o++) y[o] += a->b->constant[o];
        quantize(a, XBTAB__STAGE_PARTIAL, y, a->b->n_outputs);
        double *total = w->total + (v_first + v) * a->mm->m->outputs + a->b->first_output;
        for (size_t o = 0; o < a->b->n_outputs; o++) total[o] += y[o];
    }
    return XBTAB_OK;
}

/* ---- all tiles of a matrix ---- */

static xbtab_status product_block(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm, workspace *w,
                                  size_t vector, const uint16_t *x, size_t n, int64_t *y)
{
    const size_t inputs = mm->m->inputs, outputs = mm->m->outputs;
    const double work = (double)(n * inputs * outputs) / (double)mm->n_blocks;
    job a = {.mapped = mapped, .mm = mm, .w = w};
    memset(w->total, 0, n * outputs * sizeof *w->total);
    for (size_t k = 0; k < mm->n_blocks; k++) {
        a.b = &mapped->block[mm->first_block + k];
        a.t = &mapped->tile[a.b->tile];
        a.stride = xbtab_engine_stride(a.t->columns);
        a.columns = xbtab__layout_columns(&mm->layout, a.b->n_outputs);
        xbtab__each_begin(work);
        if (mapped->is_plain) XBTAB_TRY(add_plain(&a, x, n));
        for (size_t v = 0; !mapped->is_plain && v < n; v += PART) {
            XBTAB_TRY(add_read(&a, vector + v, x + v * inputs, v, n - v < PART ? n - v : PART));
        }
        XBTAB_TRY(xbtab__each_poll(work));
    }
    if (!mapped->is_plain) quantize(&a, XBTAB__STAGE_SUM, w->total, n * outputs);
    for (size_t k = 0; k < n * outputs; k++)
        y[k] = (int64_t)floor(w->total[k] / mapped->codes_per_unit + 0.5);
    return XBTAB_OK;
}

static xbtab_status product(void *payload, size_t m, size_t first, size_t n, const uint16_t *x, int64_t *y,
                            int thread)
{
    const run *r = payload;
    const xbtab__mapped_matrix *mm = &r->mapped->matrix[m];
    if (m < r->first_matrix || m >= r->end_matrix) {
        xbtab_matrix_product(mm->m, n, x, y);
        return xbtab__each_poll((double)(n * mm->m->inputs * mm->m->outputs));
    }
    for (size_t v = 0; v < n; v += BLOCK) {
        size_t block = n - v < BLOCK ? n - v : BLOCK;
        if (r->watch) r->watch(r->watch_context, m, first + v, block, x + v * mm->m->inputs);
        XBTAB_TRY(product_block(r->mapped, mm, &r->workspaces[thread], first + v, x + v * mm->m->inputs,
                                block, y + v * mm->m->outputs));
    }
    return XBTAB_OK;
}

/* ---- memory ---- */

static void workspaces_destroy(workspace *w, int n)
{
    if (!w) return;
    for (int t = 0; t < n; t++) {
        xbtab__free(w[t].line);
        xbtab__free(w[t].acc);
        xbtab__free(w[t].total);
        xbtab__free(w[t].sums);
        xbtab__free(w[t].in);
        xbtab__free(w[t].u);
        xbtab__free(w[t].y);
    }
    xbtab__free(w);
}

static workspace *workspaces_create(const xbtab_mapped *mapped, int n)
{
    const size_t stride = xbtab_engine_stride(mapped->columns);
    size_t outputs = 1, slices = 1;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        if (mm->m->outputs > outputs) outputs = mm->m->outputs;
        if ((size_t)mm->input_slices > slices) slices = (size_t)mm->input_slices;
    }
    const size_t reads = mapped->is_plain ? 0 : slices; /* the ADC's inputs are not looked at */
    workspace *w = xbtab__alloc((size_t)n, sizeof *w);
    if (!w) return NULL;
    for (int t = 0; t < n; t++) {
        w[t].line = xbtab__alloc_aligned(BLOCK * mapped->rows, sizeof *w[t].line);
        w[t].acc = xbtab__alloc_aligned(BLOCK * stride, sizeof *w[t].acc);
        w[t].total = xbtab__alloc_aligned(BLOCK * outputs, sizeof *w[t].total);
        w[t].sums = xbtab__alloc_aligned(PART * 2 * stride, sizeof *w[t].sums);
        w[t].in = xbtab__alloc_aligned(2 * PART * reads * stride, sizeof *w[t].in);
        w[t].u = xbtab__alloc_aligned(reads * stride, sizeof *w[t].u);
        w[t].y = xbtab__alloc_aligned(stride, sizeof *w[t].y);
        if (!w[t].line || !w[t].acc || !w[t].total || !w[t].sums || !w[t].in || !w[t].u || !w[t].y) {
            workspaces_destroy(w, n);
            return NULL;
        }
    }
    return w;
}

int xbtab__mapped_threads(const xbtab_mapped *mapped, const xbtab_run_options *options)
{
    if (mapped->engine->one_thread) return 1;
    return options && options->threads > 0 ? options->threads : omp_get_max_threads();
}

/* r has all but its mapping and its memory. */
static xbtab_status run_images(run r, const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                               const xbtab_run_options *options, float *outputs, xbtab_product_counts *counts,
                               xbtab__samples *samples)
{
    xbtab_run_options own = options ? *options : (xbtab_run_options){0};
    own.threads = xbtab__mapped_threads(mapped, options);
    r.mapped = mapped;
    r.workspaces = workspaces_create(mapped, own.threads);
    if (!r.workspaces) return XBTAB_NOMEM();
    for (int t = 0; t < own.threads && samples; t++)
        r.workspaces[t].samples = samples + (size_t)t * mapped->n_layers * XBTAB__N_STAGES;
    xbtab_status status = xbtab_quantized_run(mapped->quantized, images, n, product, &r, &own, outputs);
    for (int t = 0; t < own.threads && counts; t++) {
        counts->codes += r.workspaces[t].counts.codes;
        counts->outside += r.workspaces[t].counts.outside;
    }
    workspaces_destroy(r.workspaces, own.threads);
    return status;
}

xbtab_status xbtab__mapped_run_watched(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                                       const xbtab_run_options *options, float *outputs,
                                       xbtab_product_counts *counts, xbtab__watch_fn watch, void *context,
                                       xbtab__samples *samples)
{
    const run r = {.watch = watch, .watch_context = context, .end_matrix = mapped->n_matrices};
    return run_images(r, mapped, images, n, options, outputs, counts, samples);
}

xbtab_status xbtab__mapped_run_part(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                                    const xbtab_run_options *options, float *outputs, size_t first_matrix,
                                    size_t end_matrix)
{
    const run r = {.first_matrix = first_matrix, .end_matrix = end_matrix};
    return run_images(r, mapped, images, n, options, outputs, NULL, NULL);
}

xbtab_status xbtab_mapped_run(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                              const xbtab_run_options *options, float *outputs, xbtab_product_counts *counts)
{
    return xbtab__mapped_run_watched(mapped, images, n, options, outputs, counts, NULL, NULL, NULL);
}
