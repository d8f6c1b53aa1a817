/* mapping.c - which weight goes into which cell, and what its tiles' answers add up to. */
#include "mapping.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <omp.h>

#include "memory.h"

enum { BLOCK = 64 }; /* vectors a tile is asked at once: its answers stay in cache */

static int slices_for(int bits, int bits_a_slice)
{
    return (bits + bits_a_slice - 1) / bits_a_slice;
}

void xbtab__mapped_levels(const xbtab_mapped *mapped, const xbtab__mapped_tile *t, uint8_t *level)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[t->matrix];
    size_t slices = (size_t)mm->weight_slices, columns = 2 * slices * t->n_outputs;
    unsigned mask = (1u << mapped->cell_bits) - 1;
    memset(level, 0, t->n_inputs * columns);
    for (size_t o = 0; o < t->n_outputs; o++) {
        const int16_t *w = mm->m->W + (t->first_output + o) * mm->m->inputs + t->first_input;
        for (size_t i = 0; i < t->n_inputs; i++) {
            unsigned magnitude = (unsigned)(w[i] < 0 ? -w[i] : w[i]);
            for (size_t s = 0; s < slices; s++) {
                size_t column = 2 * (o * slices + s) + (w[i] < 0);
                level[i * columns + column] =
                    (uint8_t)(magnitude >> (s * (unsigned)mapped->cell_bits) & mask);
            }
        }
    }
}

static size_t ceiling(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* The row tiles of each group of outputs stand one after the other. */
static xbtab_status plan_tiles(xbtab_mapped *mapped)
{
    size_t n_tiles = 0;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        xbtab__mapped_matrix *mm = &mapped->matrix[m];
        mm->m = xbtab_quantized_matrix(mapped->quantized, m);
        mm->weight_slices = slices_for(mm->m->weight_bits - 1, mapped->cell_bits);
        mm->input_slices = slices_for(mm->m->activation_bits, mapped->dac_bits);
        size_t outputs = mapped->columns / (2 * (size_t)mm->weight_slices);
        if (outputs == 0) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: %d-bit weights need %d columns an output; a tile has %zu",
                       mm->m->name, mm->m->weight_bits, 2 * mm->weight_slices, mapped->columns);
        }
        mm->first_tile = n_tiles;
        mm->n_tiles = ceiling(mm->m->inputs, mapped->rows) * ceiling(mm->m->outputs, outputs);
        n_tiles += mm->n_tiles;
    }
    mapped->tile = xbtab__alloc(n_tiles, sizeof *mapped->tile);
    if (!mapped->tile) return XBTAB_NOMEM();
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        xbtab__mapped_matrix *mm = &mapped->matrix[m];
        size_t outputs = mapped->columns / (2 * (size_t)mm->weight_slices);
        for (size_t o = 0; o < mm->m->outputs; o += outputs) {
            for (size_t i = 0; i < mm->m->inputs; i += mapped->rows) {
                xbtab__mapped_tile *t = &mapped->tile[mapped->n_tiles++];
                t->matrix = m;
                t->first_input = i;
                t->n_inputs = mm->m->inputs - i < mapped->rows ? mm->m->inputs - i : mapped->rows;
                t->first_output = o;
                t->n_outputs = mm->m->outputs - o < outputs ? mm->m->outputs - o : outputs;
                mapped->used_cells += t->n_inputs * t->n_outputs * 2 * (size_t)mm->weight_slices;
            }
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__mapped_conductances(const xbtab_mapped *mapped, const xbtab__mapped_tile *t,
                                        const uint8_t *level, double *G)
{
    const xbtab_map_options *o = &mapped->options;
    const xbtab__mapped_matrix *mm = &mapped->matrix[t->matrix];
    size_t columns = 2 * (size_t)mm->weight_slices * t->n_outputs;
    if (o->conductances) {
        size_t number = (size_t)(t - mapped->tile) - mm->first_tile;
        return o->conductances(o->context, t->matrix, number, level, t->n_inputs, columns, G);
    }
    const double *G_level = xbtab_technology_tables(mapped->setup.technology)->G_level;
    for (size_t c = 0; c < t->n_inputs * columns; c++) G[c] = G_level[level[c]];
    return XBTAB_OK;
}

static xbtab_status program_tile(const xbtab_mapped *mapped, xbtab__mapped_tile *t)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[t->matrix];
    size_t columns = 2 * (size_t)mm->weight_slices * t->n_outputs;
    bool is_special = mapped->options.conductances != NULL;
    xbtab_status status = XBTAB_OK;
    uint8_t *level = xbtab__alloc(t->n_inputs * columns, 1);
    double *G = is_special ? xbtab__alloc(t->n_inputs * columns, sizeof *G) : NULL;
    if (!level || (is_special && !G)) {
        status = XBTAB_NOMEM();
    } else {
        xbtab__mapped_levels(mapped, t, level);
        if (is_special) status = xbtab__mapped_conductances(mapped, t, level, G);
        const xbtab_cells cells = {.rows = t->n_inputs, .columns = columns, .level = level, .G = G};
        if (status == XBTAB_OK) status = mapped->engine->program(&t->state, &mapped->setup, &cells);
    }
    xbtab__free(level);
    xbtab__free(G);
    if (status < 0) {
        return xbtab__error_prefix(status, "%s, tile from input %zu and output %zu", mm->m->name,
                                   t->first_input, t->first_output);
    }
    return XBTAB_OK;
}

static xbtab_status program_all(xbtab_mapped *mapped)
{
    const xbtab_run_options *options = &mapped->options.run;
    int threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    double began = omp_get_wtime();
    for (size_t done = 0; done < mapped->n_tiles;) {
        size_t end =
            done + 4 * (size_t)threads < mapped->n_tiles ? done + 4 * (size_t)threads : mapped->n_tiles;
        xbtab_status failed = XBTAB_OK;
        char message[512] = "";
#pragma omp parallel for num_threads(threads) schedule(dynamic)
        for (size_t t = done; t < end; t++) {
            xbtab_status status = program_tile(mapped, &mapped->tile[t]);
            if (status < 0) {
#pragma omp critical
                {
                    failed = status;
                    snprintf(message, sizeof message, "%s", xbtab_error_message());
                }
            }
        }
        if (failed < 0) return xbtab__error_set(failed, "%s", message);
        done = end;
        double seconds = omp_get_wtime() - began;
        xbtab_progress progress = {.what = "programming tiles",
                                   .done = (long)done,
                                   .total = (long)mapped->n_tiles,
                                   .seconds = seconds,
                                   .seconds_left = seconds / (double)done * (double)(mapped->n_tiles - done)};
        if (options->progress && options->progress(&progress, options->payload)) {
            XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled with %zu of %zu tiles programmed", done,
                       mapped->n_tiles);
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab_mapped_create(xbtab_mapped **out, const xbtab_quantized *quantized,
                                 const xbtab_engine_setup *setup, const xbtab_engine_type *engine,
                                 const xbtab_map_options *options)
{
    static const xbtab_map_options defaults = {0};
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    xbtab_status status;
    if (!options) options = &defaults;
    if (options->scheme) XBTAB_TRY(xbtab_scheme_check(options->scheme));
    if (options->read_noise) XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "read noise is not supported yet");
    xbtab_mapped *mapped = xbtab__alloc(1, sizeof *mapped);
    if (!mapped) return XBTAB_NOMEM();
    *mapped = (xbtab_mapped){.quantized = quantized,
                             .engine = engine,
                             .setup = *setup,
                             .options = *options,
                             .rows = t->rows,
                             .columns = t->columns,
                             .dac_bits = t->dac_bits,
                             .n_matrices = xbtab_quantized_matrices(quantized)};
    while ((size_t)2 << mapped->cell_bits <= t->n_levels) mapped->cell_bits++;
    mapped->matrix = xbtab__alloc(mapped->n_matrices, sizeof *mapped->matrix);
    if (!mapped->matrix) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab_engine_codes_per_unit(&mapped->codes_per_unit, setup));
    XBTAB_TRY_DONE(plan_tiles(mapped));
    XBTAB_TRY_DONE(program_all(mapped));
    *out = mapped;
    mapped = NULL;
done:
    xbtab_mapped_destroy(&mapped);
    return status;
}

void xbtab_mapped_destroy(xbtab_mapped **mapped)
{
    if (!mapped || !*mapped) return;
    for (size_t t = 0; t < (*mapped)->n_tiles; t++) (*mapped)->engine->clear((*mapped)->tile[t].state);
    xbtab__free((*mapped)->tile);
    xbtab__free((*mapped)->matrix);
    xbtab__free(*mapped);
    *mapped = NULL;
}

static void add_table_reports(const xbtab_mapped *mapped, xbtab_mapped_report *report)
{
    double full_scale = xbtab_technology_tables(mapped->setup.technology)->transfer.error.full_scale;
    double squares = 0;
    long samples = 0;
    for (size_t t = 0; t < mapped->n_tiles; t++) {
        xbtab_table_report tile;
        xbtab_engine_table_report(mapped->tile[t].state, &tile);
        report->readout_error = fmax(report->readout_error, tile.readout_error);
        report->refined += tile.is_refined != 0;
        report->tile_max = fmax(report->tile_max, tile.most / full_scale);
        report->worst_tile_rmse =
            fmax(report->worst_tile_rmse, sqrt(tile.squares / (double)tile.samples) / full_scale);
        squares += tile.squares;
        samples += tile.samples;
    }
    if (samples) report->tile_rmse = sqrt(squares / (double)samples) / full_scale;
}

void xbtab_mapped_get_report(const xbtab_mapped *mapped, xbtab_mapped_report *report)
{
    double most = ((1 << mapped->dac_bits) - 1.0) * ((1 << mapped->cell_bits) - 1.0) * (double)mapped->rows;
    *report = (xbtab_mapped_report){.tiles = mapped->n_tiles,
                                    .utilisation = (double)mapped->used_cells /
                                                   (double)(mapped->n_tiles * mapped->rows * mapped->columns),
                                    .cell_bits = mapped->cell_bits,
                                    .adc_bits_needed = (int)ceil(log2(most))};
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        if (report->weight_slices < mm->weight_slices) report->weight_slices = mm->weight_slices;
        if (report->input_slices < mm->input_slices) report->input_slices = mm->input_slices;
    }
    if (mapped->engine == &xbtab_engine_table) add_table_reports(mapped, report);
}

/* ---- running ---- */

typedef struct workspace {
    uint16_t *x;    /* x[BLOCK][rows] of one tile */
    int32_t *acc;   /* acc[BLOCK][stride] */
    int64_t *total; /* total[BLOCK][outputs] */
    xbtab_product_counts counts;
} workspace;

typedef struct run {
    const xbtab_mapped *mapped;
    workspace *workspaces;
    xbtab__watch_fn watch; /* NULL = none */
    void *watch_context;
} run;

static void add_answers(const xbtab__mapped_matrix *mm, const xbtab__mapped_tile *t, int cell_bits,
                        const int32_t *acc, size_t stride, size_t n, int64_t *total)
{
    for (size_t v = 0; v < n; v++) {
        const int32_t *a = acc + v * stride;
        int64_t *y = total + v * mm->m->outputs + t->first_output;
        for (size_t o = 0; o < t->n_outputs; o++) {
            for (int s = 0; s < mm->weight_slices; s++, a += 2)
                y[o] += (int64_t)(a[0] - a[1]) * (1 << (s * cell_bits));
        }
    }
}

static xbtab_status product_block(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm, workspace *w,
                                  const uint16_t *x, size_t n, int64_t *y)
{
    size_t inputs = mm->m->inputs, outputs = mm->m->outputs;
    memset(w->total, 0, n * outputs * sizeof *w->total);
    for (size_t k = 0; k < mm->n_tiles; k++) {
        const xbtab__mapped_tile *t = &mapped->tile[mm->first_tile + k];
        size_t stride = xbtab_engine_stride(2 * (size_t)mm->weight_slices * t->n_outputs);
        for (size_t v = 0; v < n; v++) {
            memcpy(w->x + v * t->n_inputs, x + v * inputs + t->first_input, t->n_inputs * sizeof *x);
        }
        memset(w->acc, 0, n * stride * sizeof *w->acc);
        XBTAB_TRY(mapped->engine->product(t->state, w->x, n, mm->input_slices, w->acc, &w->counts));
        add_answers(mm, t, mapped->cell_bits, w->acc, stride, n, w->total);
    }
    for (size_t k = 0; k < n * outputs; k++) {
        y[k] = (int64_t)floor((double)w->total[k] / mapped->codes_per_unit + 0.5);
    }
    return XBTAB_OK;
}

static xbtab_status product(void *payload, size_t m, size_t first, size_t n, const uint16_t *x, int64_t *y,
                            int thread)
{
    (void)first;
    const run *r = payload;
    const xbtab__mapped_matrix *mm = &r->mapped->matrix[m];
    for (size_t v = 0; v < n; v += BLOCK) {
        size_t block = n - v < BLOCK ? n - v : BLOCK;
        if (r->watch) r->watch(r->watch_context, m, v, block, x + v * mm->m->inputs);
        XBTAB_TRY(product_block(r->mapped, mm, &r->workspaces[thread], x + v * mm->m->inputs, block,
                                y + v * mm->m->outputs));
    }
    return XBTAB_OK;
}

static void workspaces_destroy(workspace *w, int n)
{
    if (!w) return;
    for (int t = 0; t < n; t++) {
        xbtab__free(w[t].x);
        xbtab__free(w[t].acc);
        xbtab__free(w[t].total);
    }
    xbtab__free(w);
}

static workspace *workspaces_create(const xbtab_mapped *mapped, int n)
{
    size_t outputs = 1;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        if (mapped->matrix[m].m->outputs > outputs) outputs = mapped->matrix[m].m->outputs;
    }
    workspace *w = xbtab__alloc((size_t)n, sizeof *w);
    if (!w) return NULL;
    for (int t = 0; t < n; t++) {
        w[t].x = xbtab__alloc_aligned(BLOCK * mapped->rows, sizeof *w[t].x);
        w[t].acc = xbtab__alloc_aligned(BLOCK * xbtab_engine_stride(mapped->columns), sizeof *w[t].acc);
        w[t].total = xbtab__alloc_aligned(BLOCK * outputs, sizeof *w[t].total);
        if (!w[t].x || !w[t].acc || !w[t].total) {
            workspaces_destroy(w, n);
            return NULL;
        }
    }
    return w;
}

xbtab_status xbtab__mapped_run_watched(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                                       const xbtab_run_options *options, float *outputs,
                                       xbtab_product_counts *counts, xbtab__watch_fn watch, void *context)
{
    xbtab_run_options own = options ? *options : (xbtab_run_options){0};
    if (mapped->engine->one_thread) own.threads = 1;
    int threads = own.threads > 0 ? own.threads : omp_get_max_threads();
    run r = {.mapped = mapped,
             .workspaces = workspaces_create(mapped, threads),
             .watch = watch,
             .watch_context = context};
    if (!r.workspaces) return XBTAB_NOMEM();
    xbtab_status status = xbtab_quantized_run(mapped->quantized, images, n, product, &r, &own, outputs);
    for (int t = 0; t < threads && counts; t++) {
        counts->codes += r.workspaces[t].counts.codes;
        counts->outside += r.workspaces[t].counts.outside;
    }
    workspaces_destroy(r.workspaces, threads);
    return status;
}

xbtab_status xbtab_mapped_run(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                              const xbtab_run_options *options, float *outputs, xbtab_product_counts *counts)
{
    return xbtab__mapped_run_watched(mapped, images, n, options, outputs, counts, NULL, NULL);
}
