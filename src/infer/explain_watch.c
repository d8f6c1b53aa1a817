/* explain_watch.c - every product of some images twice: as the tile gives it and exactly. */
#include "explain_watch.h"

#include <math.h>

#include "mapping.h"
#include "memory.h"

typedef struct tile_sums {
    double squares, adc_squares; /* of the error before rounding, and of what rounding adds [ADC steps] */
    uint64_t n, clipped;
} tile_sums;

typedef struct watcher {
    const xbtab_mapped *mapped, *ideal; /* the same tiles */
    tile_sums *sum;                     /* sum[n_tiles] */
    uint16_t *line;                     /* line[rows] */
    double *v, *exact;                  /* [slices][stride] */
    xbtab_status status;
} watcher;

/* What one conversion of a bit line sees. Codes are counted from the converter's lower end. */
static void add(tile_sums *sum, const watcher *w, const xbtab__mapped_matrix *mm, double v, double exact)
{
    const double steps = ldexp(1.0, w->mapped->adc_bits);
    xbtab__converter c = {.low = w->mapped->is_alternating ? -steps / 2 : 0.0,
                          .step = 1.0,
                          .largest = steps - 1.0,
                          .half = 0.5};
    if (!w->mapped->is_plain && w->mapped->layer[mm->layer].at[XBTAB__STAGE_ADC].step > 0)
        c = w->mapped->layer[mm->layer].at[XBTAB__STAGE_ADC];
    double code = (steps * v - c.low) / c.step, error = steps * (v - exact) / c.step, shown = steps * v;
    xbtab__convert(&c, &shown, NULL, 1);
    sum->squares += error * error;
    sum->adc_squares += pow((shown - steps * v) / c.step, 2);
    sum->clipped += code < -0.5 || code >= c.largest + 0.5;
    sum->n++;
}

static xbtab_status compare(watcher *w, const xbtab__mapped_matrix *mm, const xbtab__block *b,
                            const uint16_t *x)
{
    const xbtab__mapped_tile *t = &w->mapped->tile[b->tile];
    const size_t lines = b->n_inputs * mm->layout.map->lines, at_once = xbtab__lines_at_once(w->mapped, b);
    const size_t columns = xbtab__layout_columns(&mm->layout, b->n_outputs),
                 stride = xbtab_engine_stride(t->columns);
    const int only = mm->layout.map->is_signed && !w->mapped->is_alternating; /* the positive lines */
    xbtab_product_counts counts = {0};
    for (size_t from = 0; from < lines; from += at_once) {
        xbtab__drive(w->mapped, b, x, from, from + at_once < lines ? from + at_once : lines, only, w->line);
        XBTAB_TRY(w->mapped->engine->read(t->state, w->line, 1, mm->input_slices, NULL, w->v, &counts));
        XBTAB_TRY(w->ideal->engine->read(w->ideal->tile[b->tile].state, w->line, 1, mm->input_slices, NULL,
                                         w->exact, &counts));
        for (int s = 0; s < mm->input_slices; s++) {
            for (size_t j = b->first_column; j < b->first_column + columns; j++)
                add(&w->sum[b->tile], w, mm, w->v[(size_t)s * stride + j], w->exact[(size_t)s * stride + j]);
        }
    }
    return XBTAB_OK;
}

static void watch(void *context, size_t m, size_t first, size_t n, const uint16_t *x)
{
    watcher *w = context;
    const xbtab__mapped_matrix *mm = &w->mapped->matrix[m];
    (void)first;
    for (size_t v = 0; v < n; v++) {
        for (size_t k = 0; k < mm->n_blocks && w->status == XBTAB_OK; k++)
            w->status = compare(w, mm, &w->mapped->block[mm->first_block + k], x + v * mm->m->inputs);
    }
}

/* The tiles of matrices [first, end). */
static void take(xbtab_explained_layer *layer, const watcher *w, size_t first, size_t end)
{
    double squares = 0, adc_squares = 0;
    uint64_t n = 0, clipped = 0;
    for (size_t t = 0; t < w->mapped->n_tiles; t++) {
        const tile_sums *s = &w->sum[t];
        size_t matrix = w->mapped->tile[t].matrix;
        if (matrix < first || matrix >= end) continue;
        double rmse = s->n ? sqrt(s->squares / (double)s->n) : 0.0;
        if (rmse > layer->worst_rmse) {
            layer->worst_rmse = rmse;
            layer->worst = layer->tiles;
        }
        squares += s->squares;
        adc_squares += s->adc_squares;
        n += s->n;
        clipped += s->clipped;
        layer->tiles++;
    }
    if (n) layer->rmse = sqrt(squares / (double)n);
    if (n) layer->adc_rmse = sqrt(adc_squares / (double)n);
    if (n) layer->clipped = (double)clipped / (double)n;
}

xbtab_status xbtab__explain_watch(xbtab_explained_layer *layer, const size_t *first_matrix, size_t n_layers,
                                  const xbtab_mapped *mapped, const xbtab_images *images, size_t n)
{
    xbtab_status status;
    xbtab_mapped *ideal = NULL;
    xbtab_map_options map = mapped->options;
    xbtab_run_options one = mapped->options.run;
    const size_t n_images = n < images->n ? n : images->n,
                 most = XBTAB__MOST_SLICES * xbtab_engine_stride(mapped->columns);
    float *outputs = xbtab__alloc(n_images * xbtab_quantized_outputs(mapped->quantized), sizeof *outputs);
    watcher w = {.mapped = mapped,
                 .sum = xbtab__alloc(mapped->n_tiles, sizeof *w.sum),
                 .line = xbtab__alloc_aligned(mapped->rows, sizeof *w.line),
                 .v = xbtab__alloc_aligned(most, sizeof *w.v),
                 .exact = xbtab__alloc_aligned(most, sizeof *w.exact)};
    if (!outputs || !w.sum || !w.line || !w.v || !w.exact) {
        status = XBTAB_NOMEM();
        goto done;
    }
    one.threads = 1;
    map.conductances = NULL;
    map.read_noise = NULL;
    map.unrounded = 1;
    XBTAB_TRY_DONE(xbtab_mapped_create(&ideal, mapped->quantized, &mapped->setup, &xbtab_engine_ideal, &map));
    w.ideal = ideal;
    XBTAB_TRY_DONE(xbtab__mapped_run_watched(mapped, images, n_images, &one, outputs, NULL, watch, &w, NULL));
    XBTAB_TRY_DONE(w.status);
    for (size_t l = 0; l < n_layers; l++) take(&layer[l], &w, first_matrix[l], first_matrix[l + 1]);
done:
    xbtab_mapped_destroy(&ideal);
    xbtab__free(w.sum);
    xbtab__free(w.line);
    xbtab__free(w.v);
    xbtab__free(w.exact);
    xbtab__free(outputs);
    return status;
}
