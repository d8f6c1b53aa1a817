/* thresholds.c - what each output's sum is compared with, where the next layer takes one bit of it.
 *
 * Between a sum and that bit stand biases, scales, batch normalizations, poolings, activations, in whatever
 * form a file has them; all of them are monotone in the sum. So the network itself is asked: with all sums of
 * a layer at one number, which of its outputs are ones at the next layer? Halving the interval finds for each
 * output the first sum beyond which its bit is another, for all outputs at once. That the bits alone decide
 * is then tried on sample images. */
#include <math.h>

#include "mapping.h"
#include "memory.h"

enum { TRIED = 8 }; /* images */

typedef struct search {
    const xbtab_mapped *mapped;
    size_t m;           /* the matrix whose sums are set */
    const int64_t *sum; /* sum[outputs] of it; NULL: its own, on the side of the threshold that it is on */
    uint16_t *bit;      /* bit[outputs] at the next one */
} search;

static void snap(const xbtab__layer_readout *layer, size_t n, size_t outputs, int64_t *y)
{
    for (size_t k = 0; k < n * outputs; k++)
        y[k] = xbtab__beside(layer->threshold[k % outputs], (double)y[k]);
}

static xbtab_status product(void *payload, size_t m, size_t first, size_t n, const uint16_t *x, int64_t *y,
                            int thread)
{
    const search *s = payload;
    const xbtab__mapped_matrix *mm = &s->mapped->matrix[m];
    const xbtab__layer_readout *layer = &s->mapped->layer[mm->layer];
    (void)first;
    (void)thread;
    if (s->sum && m == s->m + 1) {
        const size_t outputs = s->mapped->matrix[s->m].m->outputs, each = mm->m->inputs / outputs;
        for (size_t k = 0; k < n * mm->m->inputs; k++) {
            uint16_t *bit = &s->bit[k % mm->m->inputs / each];
            if (x[k] > *bit) *bit = x[k];
        }
    }
    xbtab_matrix_product(mm->m, n, x, y);
    if (s->sum && m == s->m)
        for (size_t k = 0; k < n * mm->m->outputs; k++) y[k] = s->sum[k % mm->m->outputs];
    if (!s->sum && layer->threshold) snap(layer, n, mm->m->outputs, y);
    return XBTAB_OK;
}

static bool is_read_by_bits(const xbtab_mapped *mapped, size_t m)
{
    if (m + 1 >= mapped->n_matrices) return false;
    const xbtab__mapped_matrix *mm = &mapped->matrix[m], *next = &mapped->matrix[m + 1];
    bool is_alone = (m == 0 || mapped->matrix[m - 1].layer != mm->layer) && next->layer != mm->layer &&
                    (m + 2 >= mapped->n_matrices || mapped->matrix[m + 2].layer != next->layer);
    return is_alone && next->m->activation_bits == 1 && next->m->inputs % mm->m->outputs == 0;
}

static xbtab_status ask(search *s, const xbtab_images *images, const int64_t *sum, float *outputs)
{
    const xbtab_run_options one = {.raw_pixels = s->mapped->options.run.raw_pixels, .threads = 1};
    const size_t n = s->mapped->matrix[s->m].m->outputs;
    for (size_t o = 0; o < n; o++) s->bit[o] = 0;
    s->sum = sum;
    return xbtab_quantized_run(s->mapped->quantized, images, 1, product, s, &one, outputs);
}

/* threshold[o]: the least sum whose bit is that of the largest one; NAN where all have the same. */
static xbtab_status find(const xbtab_mapped *mapped, size_t m, const xbtab_images *images, double *threshold)
{
    const xbtab_matrix *matrix = mapped->matrix[m].m;
    const size_t n = matrix->outputs;
    const int64_t most = (int64_t)matrix->inputs * ((1 << (matrix->weight_bits - 1)) - 1) *
                         ((1 << matrix->activation_bits) - 1);
    xbtab_status status;
    int64_t *low = xbtab__alloc(n, sizeof *low), *high = xbtab__alloc(n, sizeof *high),
            *middle = xbtab__alloc(n, sizeof *middle);
    uint16_t *bit = xbtab__alloc(n, sizeof *bit), *bit_high = xbtab__alloc(n, sizeof *bit_high);
    float *outputs = xbtab__alloc(xbtab_quantized_outputs(mapped->quantized), sizeof *outputs);
    search s = {.mapped = mapped, .m = m, .bit = bit};
    if (!low || !high || !middle || !bit || !bit_high || !outputs) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t o = 0; o < n; o++) {
        low[o] = -most - 1;
        high[o] = most + 1;
    }
    XBTAB_TRY_DONE(ask(&s, images, high, outputs));
    for (size_t o = 0; o < n; o++) bit_high[o] = bit[o];
    XBTAB_TRY_DONE(ask(&s, images, low, outputs));
    for (size_t o = 0; o < n; o++) threshold[o] = bit[o] == bit_high[o] ? NAN : 0.0;
    for (int64_t width = 2 * most + 2; width > 1; width = (width + 1) / 2) {
        for (size_t o = 0; o < n; o++) middle[o] = low[o] + (high[o] - low[o]) / 2;
        XBTAB_TRY_DONE(ask(&s, images, middle, outputs));
        for (size_t o = 0; o < n; o++) {
            if (bit[o] == bit_high[o])
                high[o] = middle[o];
            else
                low[o] = middle[o];
        }
    }
    for (size_t o = 0; o < n; o++) threshold[o] = isnan(threshold[o]) ? NAN : (double)high[o];
done:
    xbtab__free(low);
    xbtab__free(high);
    xbtab__free(middle);
    xbtab__free(bit);
    xbtab__free(bit_high);
    xbtab__free(outputs);
    return status;
}

/* Whether sums one beside their thresholds answer as the sums themselves do. */
static xbtab_status try_bits(const xbtab_mapped *mapped, const xbtab_images *images)
{
    const size_t n = images->n < TRIED ? images->n : TRIED, of = xbtab_quantized_outputs(mapped->quantized);
    const xbtab_run_options one = {.raw_pixels = mapped->options.run.raw_pixels, .threads = 1};
    xbtab_status status;
    search s = {.mapped = mapped};
    float *exact = xbtab__alloc(n * of, sizeof *exact), *snapped = xbtab__alloc(n * of, sizeof *snapped);
    if (!exact || !snapped) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab_quantized_run(mapped->quantized, images, n, NULL, NULL, &one, exact));
    XBTAB_TRY_DONE(xbtab_quantized_run(mapped->quantized, images, n, product, &s, &one, snapped));
    for (size_t k = 0; k < n * of; k++) {
        if (exact[k] != snapped[k]) {
            XBTAB_FAIL_DONE(
                XBTAB_ERR_UNSUPPORTED,
                "references: thresholds: more than one bit of a sum reaches this network's output");
        }
    }
done:
    xbtab__free(exact);
    xbtab__free(snapped);
    return status;
}

static xbtab_status check_whole(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm)
{
    const size_t lines = mm->m->inputs * mm->layout.map->lines;
    const xbtab__block *b = &mapped->block[mm->first_block];
    if (b->n_inputs < mm->m->inputs || xbtab__lines_at_once(mapped, b) < lines || mm->input_slices > 1) {
        XBTAB_FAIL(
            XBTAB_ERR_UNSUPPORTED,
            "%s: references: thresholds need an output's whole sum at once: %zu word lines of the tile's "
            "%zu, all active, and inputs of one slice, not %d",
            mm->m->name, lines, mapped->rows, mm->input_slices);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__find_thresholds(xbtab_mapped *mapped)
{
    const xbtab_images *images = mapped->options.calibration;
    if (mapped->scheme.references != XBTAB_REFERENCES_THRESHOLDS) return XBTAB_OK;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        if (!is_read_by_bits(mapped, m)) continue;
        XBTAB_TRY(check_whole(mapped, mm));
        double *threshold = xbtab__alloc(mm->m->outputs, sizeof *threshold);
        if (!threshold) return XBTAB_NOMEM();
        mapped->layer[mm->layer].threshold = threshold;
        xbtab__converter_clear(&mapped->layer[mm->layer].at[XBTAB__STAGE_ADC]);
        mapped->layer[mm->layer].at[XBTAB__STAGE_ADC] =
            (xbtab__converter){.step = mapped->codes_per_unit, .largest = 1.0};
        XBTAB_TRY(find(mapped, m, images, threshold));
    }
    return try_bits(mapped, images);
}
