/* calibrate.c - a layer's conversions: their ranges and references from sample images, the offsets that a
 * chip has, and the constants that digital logic adds. */
#include <math.h>

#include "mapping.h"
#include "memory.h"
#include "random.h"

enum { DEFAULT_IMAGES = 100, MOST_OWN_BITS = 5 }; /* bits of a read-out whose comparators are told apart */

/* ---- samples ---- */

static bool has_sums(const xbtab_mapped *mapped)
{
    return mapped->scheme.sums == XBTAB_SUMS_QUANTIZED;
}

static bool needs_samples(const xbtab_mapped *mapped)
{
    return mapped->scheme.range != XBTAB_RANGE_FULL ||
           mapped->scheme.references != XBTAB_REFERENCES_UNIFORM || has_sums(mapped);
}

static void samples_destroy(xbtab__samples *samples, size_t n)
{
    for (size_t k = 0; k < n && samples; k++) xbtab__free(samples[k].count);
    xbtab__free(samples);
}

/* Add those of all threads into the first one's. */
static void merge(xbtab__samples *samples, size_t a_thread, int threads)
{
    for (size_t k = a_thread; k < a_thread * (size_t)threads; k++) {
        xbtab__samples *sum = &samples[k % a_thread], *one = &samples[k];
        sum->least = fmin(sum->least, one->least);
        sum->most = fmax(sum->most, one->most);
        for (size_t bin = 0; one->count && bin < XBTAB__SAMPLE_BINS; bin++)
            sum->count[bin] += one->count[bin];
    }
}

/* samples[n_layers][stages]: first what they reach, then how they are spread. */
static xbtab_status take_samples(xbtab__samples **out, const xbtab_mapped *mapped)
{
    const xbtab_map_options *options = &mapped->options;
    const xbtab_images *images = options->calibration;
    const int threads = xbtab__mapped_threads(mapped, &options->run);
    const size_t a_thread = mapped->n_layers * XBTAB__N_STAGES, all = a_thread * (size_t)threads;
    xbtab_status status;
    if (!images)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: its ranges come from sample images, and none are given");
    size_t n = options->n_calibration ? options->n_calibration : DEFAULT_IMAGES;
    if (n > images->n) n = images->n;
    xbtab_run_options run = options->run;
    run.what = "calibration of the read-out";
    float *outputs = xbtab__alloc(n * xbtab_quantized_outputs(mapped->quantized), sizeof *outputs);
    xbtab__samples *samples = xbtab__alloc(all, sizeof *samples);
    if (!outputs || !samples) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t k = 0; k < all; k++) samples[k] = (xbtab__samples){.least = INFINITY, .most = -INFINITY};
    for (int round = 0; round < 2; round++) {
        XBTAB_TRY_DONE(
            xbtab__mapped_run_watched(mapped, images, n, &run, outputs, NULL, NULL, NULL, samples));
        merge(samples, a_thread, threads);
        for (size_t k = 0; k < all && round == 0; k++) {
            samples[k].least = samples[k % a_thread].least;
            samples[k].most = samples[k % a_thread].most;
            if (!(samples[k].least <= samples[k].most)) samples[k].least = samples[k].most = 0;
            samples[k].count = xbtab__alloc(XBTAB__SAMPLE_BINS, sizeof *samples[k].count);
            if (!samples[k].count) {
                status = XBTAB_NOMEM();
                goto done;
            }
        }
    }
    *out = samples;
    samples = NULL;
done:
    samples_destroy(samples, all);
    xbtab__free(outputs);
    return status;
}

/* ---- ranges ---- */

static xbtab_status set_adc(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm,
                            const xbtab__samples *samples, xbtab__converter *c)
{
    const xbtab_scheme *s = &mapped->scheme;
    const bool counts = s->readout == XBTAB_READOUT_INTEGRATE_AND_FIRE;
    double low = 0, high = 0;
    if (s->references != XBTAB_REFERENCES_UNIFORM && s->range == XBTAB_RANGE_FULL)
        return xbtab__samples_lloyd_max(samples, s->adc_bits, c);
    if (s->range != XBTAB_RANGE_FULL) {
        const xbtab__range_rule rule = {s->range, s->range_quantile, xbtab__sum_step(mapped, mm)};
        xbtab__samples_range(samples, &rule, s->adc_bits, counts, samples->least < 0, c);
        return XBTAB_OK;
    }
    xbtab__full_range(mapped, mm, &low, &high);
    xbtab__converter_range(c, low, high, s->adc_bits, counts);
    return XBTAB_OK;
}

static xbtab_status set_layers(xbtab_mapped *mapped, const xbtab__samples *samples)
{
    const xbtab_scheme *s = &mapped->scheme;
    const int partial_bits = s->partial_bits ? s->partial_bits : s->adc_bits;
    mapped->layer = xbtab__alloc(mapped->n_layers, sizeof *mapped->layer);
    if (!mapped->layer) return XBTAB_NOMEM();
    for (size_t m = mapped->n_matrices; m-- > 0;) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        if (m > 0 && mapped->matrix[m - 1].layer == mm->layer) continue; /* the first group speaks for all */
        xbtab__converter *at = mapped->layer[mm->layer].at;
        const xbtab__samples *seen = samples ? samples + mm->layer * XBTAB__N_STAGES : NULL;
        XBTAB_TRY(set_adc(mapped, mm, seen, &at[XBTAB__STAGE_ADC]));
        if (!has_sums(mapped)) continue;
        const xbtab__range_rule rule = {s->range, s->range_quantile, mapped->codes_per_unit};
        xbtab__samples_range(&seen[XBTAB__STAGE_PARTIAL], &rule, partial_bits, false, true,
                             &at[XBTAB__STAGE_PARTIAL]);
        xbtab__samples_range(&seen[XBTAB__STAGE_SUM], &rule, s->sum_bits ? s->sum_bits : partial_bits, false,
                             true, &at[XBTAB__STAGE_SUM]);
    }
    return XBTAB_OK;
}

/* ---- offsets ---- */

/* One stream a tile's ADC: bit lines that share one share its offsets. */
static xbtab_status draw_offsets(xbtab_mapped *mapped, size_t tile)
{
    const xbtab_scheme *s = &mapped->scheme;
    xbtab__mapped_tile *t = &mapped->tile[tile];
    xbtab__converter *c = &mapped->layer[mapped->matrix[t->matrix].layer].at[XBTAB__STAGE_ADC];
    const size_t shared = s->columns_per_adc > 1 ? (size_t)s->columns_per_adc : 1;
    const size_t n = (size_t)c->largest;
    const bool own = !mapped->layer[mapped->matrix[t->matrix].layer].threshold &&
                     s->adc_bits <= MOST_OWN_BITS &&
                     (s->readout == XBTAB_READOUT_FLASH || s->readout == XBTAB_READOUT_CSA ||
                      s->readout == XBTAB_READOUT_MLSA);
    if (own && !c->reference) XBTAB_TRY(xbtab__converter_references(c));
    if (own) {
        t->reference = xbtab__alloc(t->columns * n, sizeof *t->reference);
    } else {
        t->offset = xbtab__alloc(t->columns, sizeof *t->offset);
    }
    if (!t->reference && !t->offset) return XBTAB_NOMEM();
    for (size_t j = 0; j < t->columns; j++) {
        xbtab__random random;
        xbtab__random_init(&random, mapped->options.seed, XBTAB__RANDOM_READOUT_OFFSET, (uint32_t)tile,
                           (uint32_t)(j / shared));
        for (size_t k = 0; own && k < n; k++) {
            t->reference[j * n + k] =
                c->reference[k] + s->offset_sigma * c->step * xbtab__random_normal(&random);
        }
        if (!own) t->offset[j] = s->offset_sigma * c->step * xbtab__random_normal(&random);
    }
    return XBTAB_OK;
}

/* ---- constants ---- */

/* What an input slice's conversion shows when a pass's complementary word lines meet no level at all. */
static double shown(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm, double codes, double top)
{
    const bool analog = mapped->scheme.sums == XBTAB_SUMS_ANALOG;
    if (mapped->is_plain) return floor(codes + 0.5) / top;
    if (!mapped->layer) return codes / top; /* while samples are taken */
    const xbtab__converter *c = &mapped->layer[mm->layer].at[XBTAB__STAGE_ADC];
    const bool is_full = mapped->scheme.range == XBTAB_RANGE_FULL;
    if ((!is_full && !c->is_aligned) || c->reference || mapped->layer[mm->layer].threshold)
        return codes / top;
    double u = analog ? codes / top : codes;
    if (is_full) {
        xbtab__convert(c, &u, NULL, 1);
    } else { /* as if the range went down to it */
        u = c->step * floor(u / c->step + c->half);
    }
    return analog ? u : u / top;
}

static xbtab_status set_constants(const xbtab_mapped *mapped, xbtab__block *b)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[b->matrix];
    const bool complements = mm->layout.map->is_complementary;
    const size_t lines = mm->layout.map->lines, all = b->n_inputs * lines;
    const size_t at_once = xbtab__lines_at_once(mapped, b);
    const double full = (1 << mapped->dac_bits) - 1, top = (1 << mm->layout.cell_bits) - 1;
    double weight = 0, idle = 0;
    if (!complements && !mm->signed_inputs) return XBTAB_OK;
    if (!b->constant) b->constant = xbtab__alloc(b->n_outputs, sizeof *b->constant);
    if (!b->constant) return XBTAB_NOMEM();
    for (int t = 0; t < mm->input_slices; t++) weight += mm->weight[t];
    for (size_t first = 0; first < all; first += at_once) {
        size_t end = first + at_once < all ? first + at_once : all;
        double codes = mapped->codes_per_line * full * (double)((end - first) / lines);
        idle += mapped->one_conversion ? shown(mapped, mm, codes * weight, top)
                                       : shown(mapped, mm, codes, top) * weight;
    }
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *w = xbtab__block_row(mm->m, b, o);
        double sum = 0, n_minus = complements ? b->note[o * (size_t)mm->layout.slices] : 0;
        for (size_t i = 0; i < b->n_inputs && mm->signed_inputs; i++) sum += w[i];
        b->constant[o] =
            mapped->codes_per_unit * (ldexp(sum, mm->m->activation_bits - 1) - weight * full * n_minus);
        if (complements) b->constant[o] -= idle;
    }
    return XBTAB_OK;
}

static xbtab_status set_all_constants(xbtab_mapped *mapped)
{
    for (size_t b = 0; b < mapped->n_blocks; b++) XBTAB_TRY(set_constants(mapped, &mapped->block[b]));
    return XBTAB_OK;
}

xbtab_status xbtab__calibrate(xbtab_mapped *mapped)
{
    const size_t threads = (size_t)xbtab__mapped_threads(mapped, &mapped->options.run);
    xbtab__samples *samples = NULL;
    xbtab_status status;
    XBTAB_TRY(set_all_constants(mapped));
    if (mapped->is_plain) return XBTAB_OK;
    XBTAB_TRY(xbtab__trim(mapped));
    if (needs_samples(mapped)) XBTAB_TRY(take_samples(&samples, mapped));
    XBTAB_TRY_DONE(set_layers(mapped, samples));
    XBTAB_TRY_DONE(xbtab__find_thresholds(mapped));
    for (size_t t = 0; t < mapped->n_tiles && mapped->scheme.offset_sigma > 0; t++)
        XBTAB_TRY_DONE(draw_offsets(mapped, t));
    status = set_all_constants(mapped); /* as the conversions show them */
done:
    samples_destroy(samples, mapped->n_layers * XBTAB__N_STAGES * threads);
    return status;
}
