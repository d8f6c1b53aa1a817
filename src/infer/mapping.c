/* mapping.c - a network's tiles made: planned, programmed, reported on. */
#include "mapping.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <omp.h>

#include "each.h"
#include "engine_private.h"
#include "memory.h"
#include "random.h"

enum { MOST_IDEAL_BITS = 24 }; /* of an engine's own ADC: its codes are added in 32 bits */

xbtab_status xbtab__mapped_conductances(const xbtab_mapped *mapped, const xbtab__mapped_tile *t,
                                        const uint8_t *level, double *G)
{
    const xbtab_map_options *o = &mapped->options;
    if (o->conductances)
        return o->conductances(o->context, t->matrix, t->number, level, t->rows, t->columns, G);
    const double *G_level = xbtab_technology_tables(mapped->setup.technology)->G_level;
    for (size_t c = 0; c < t->rows * t->columns; c++) G[c] = G_level[level[c]];
    return XBTAB_OK;
}

static xbtab_status take_noise(const xbtab_mapped *mapped, xbtab__mapped_tile *t, const uint8_t *level,
                               const double *G)
{
    const xbtab_map_options *o = &mapped->options;
    const double I_full_scale = xbtab_technology_tables(mapped->setup.technology)->I_full_scale;
    t->sigma = xbtab__alloc(t->columns, sizeof *t->sigma);
    if (!t->sigma) return XBTAB_NOMEM();
    XBTAB_TRY(o->read_noise(o->context, t->matrix, t->number, level, G, t->rows, t->columns, t->sigma));
    for (size_t j = 0; j < t->columns; j++) t->sigma[j] *= ldexp(1.0, mapped->adc_bits) / I_full_scale;
    return XBTAB_OK;
}

static xbtab_status draw_tia_offsets(const xbtab_mapped *mapped, xbtab__mapped_tile *t)
{
    xbtab__random random;
    t->tia = xbtab__alloc(t->columns, sizeof *t->tia);
    if (!t->tia) return XBTAB_NOMEM();
    xbtab__random_init(&random, mapped->options.seed, XBTAB__RANDOM_TIA_OFFSET, (uint32_t)(t - mapped->tile),
                       0);
    for (size_t j = 0; j < t->columns; j++) t->tia[j] = mapped->tia_offset * xbtab__random_normal(&random);
    return XBTAB_OK;
}

static xbtab_status program_tile(const xbtab_mapped *mapped, xbtab__mapped_tile *t)
{
    const size_t cells = t->rows * t->columns;
    const bool is_special = mapped->options.conductances || mapped->options.read_noise;
    xbtab_status status = XBTAB_OK;
    uint8_t *level = xbtab__alloc(cells, 1);
    double *G = is_special ? xbtab__alloc(cells, sizeof *G) : NULL;
    if (!level || (is_special && !G)) {
        status = XBTAB_NOMEM();
    } else {
        xbtab__mapped_levels(mapped, t, level);
        if (is_special) status = xbtab__mapped_conductances(mapped, t, level, G);
        const xbtab_cells programmed = {.rows = t->rows,
                                        .columns = t->columns,
                                        .level = level,
                                        .G = mapped->options.conductances ? G : NULL};
        if (status == XBTAB_OK) status = mapped->engine->program(&t->state, &mapped->setup, &programmed);
        if (status == XBTAB_OK && mapped->options.read_noise) status = take_noise(mapped, t, level, G);
        if (status == XBTAB_OK && mapped->tia_offset > 0) status = draw_tia_offsets(mapped, t);
    }
    xbtab__free(level);
    xbtab__free(G);
    if (status < 0) {
        const xbtab__block *b = &mapped->block[t->first_block];
        return xbtab__error_prefix(status, "%s, tile from input %zu and output %zu",
                                   mapped->matrix[t->matrix].m->name, b->first_input, b->first_output);
    }
    return XBTAB_OK;
}

static xbtab_status program_item(void *context, size_t tile, int thread)
{
    xbtab_mapped *mapped = context;
    (void)thread;
    return program_tile(mapped, &mapped->tile[tile]);
}

static xbtab_status program_all(xbtab_mapped *mapped)
{
    const xbtab_run_options *options = &mapped->options.run;
    const xbtab__each_options loop = {.threads =
                                          options->threads > 0 ? options->threads : omp_get_max_threads(),
                                      .what = "programming tiles",
                                      .items = "tiles",
                                      .progress = options->progress,
                                      .payload = options->payload};
    return xbtab__each(mapped->n_tiles, &loop, program_item, mapped);
}

/* Whether the engine's fused codes are the scheme's: a uniform ADC over its whole range, added digitally. */
static bool is_plain_scheme(const xbtab_mapped *mapped)
{
    const xbtab_scheme *s = &mapped->scheme;
    const bool second_sign = s->weights == XBTAB_WEIGHTS_DIFFERENTIAL_ROWS && !mapped->is_alternating;
    return s->readout != XBTAB_READOUT_INTEGRATE_AND_FIRE && s->references == XBTAB_REFERENCES_UNIFORM &&
           s->range == XBTAB_RANGE_FULL && s->trim == XBTAB_TRIM_NONE && s->offset_sigma <= 0 &&
           s->noise_sigma <= 0 && (s->sums == XBTAB_SUMS_DIGITAL || s->sums == XBTAB_SUMS_SPIKES) &&
           s->keep_from == 0 && s->signed_inputs == XBTAB_SIGNED_OFFSET && !mapped->one_conversion &&
           !second_sign && !mapped->options.read_noise && !mapped->options.unrounded &&
           mapped->tia_offset <= 0 && mapped->tia_noise <= 0;
}

/* Whether codes of all input slices add up within the engine's 32 bits. */
static bool sums_fit(const xbtab_mapped *mapped, int adc_bits)
{
    int most = 1;
    for (size_t m = 0; m < xbtab_quantized_matrices(mapped->quantized); m++) {
        int bits = xbtab_quantized_matrix(mapped->quantized, m)->activation_bits;
        most = bits > most ? bits : most;
    }
    return adc_bits + most <= 31;
}

/* In steps of the tables' ADC, until the scheme's is known. */
static xbtab_status take_tia_spread(xbtab_mapped *mapped)
{
    if (!mapped->options.tia_spread || mapped->engine == &xbtab_engine_ideal) return XBTAB_OK;
    xbtab_technology_readout_spread(mapped->setup.technology, &mapped->tia_offset, &mapped->tia_noise);
    if (mapped->tia_offset <= 0 && mapped->tia_noise <= 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "the tables know neither an offset nor the noise of their TIA");
    return XBTAB_OK;
}

static xbtab_status take_scheme(xbtab_mapped *mapped)
{
    const xbtab_tables *t = xbtab_technology_tables(mapped->setup.technology);
    const bool is_ideal = mapped->engine == &xbtab_engine_ideal;
    xbtab_engine_setup *setup = &mapped->setup;
    xbtab_scheme *s = &mapped->scheme;
    int most = 0;
    if (mapped->options.scheme) *s = *mapped->options.scheme;
    XBTAB_TRY(xbtab_scheme_check(s));
    while ((size_t)2 << most <= t->n_levels && most < 8) most++;
    if (s->cell_bits > most) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: cell_bits = %d, but the tables' %zu levels hold %d",
                   s->cell_bits, t->n_levels, most);
    }
    mapped->cell_bits = s->cell_bits ? s->cell_bits : most;
    mapped->is_alternating = t->array.polarity == XBTAB_POLARITY_ALTERNATING;
    if (mapped->is_alternating && s->weights != XBTAB_WEIGHTS_DIFFERENTIAL_ROWS) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "word lines of alternating polarity are for weights: differential_rows, not %s",
                   xbtab_scheme_word(XBTAB_KEY_WEIGHTS, (int)s->weights));
    }
    mapped->one_conversion = s->inputs == XBTAB_INPUTS_AMPLITUDE || s->inputs == XBTAB_INPUTS_PULSE_COUNT ||
                             s->inputs == XBTAB_INPUTS_SPIKES;
    XBTAB_TRY(take_tia_spread(mapped));
    mapped->is_plain = is_plain_scheme(mapped);
    const int most_bits = is_ideal ? MOST_IDEAL_BITS : XBTAB_KERNEL_MOST_ADC_BITS;
    if (!s->adc_bits) s->adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    /* the general read-out adds in double precision, and ideal sums have any number of bits */
    if (is_ideal && (s->adc_bits > most_bits || !sums_fit(mapped, s->adc_bits))) mapped->is_plain = false;
    setup->adc_bits = s->adc_bits < most_bits ? s->adc_bits : most_bits;
    mapped->adc_bits = setup->adc_bits;
    mapped->tia_offset = ldexp(mapped->tia_offset, mapped->adc_bits - t->adc_bits);
    mapped->tia_noise = ldexp(mapped->tia_noise, mapped->adc_bits - t->adc_bits);
    return XBTAB_OK;
}

/* Once the layouts are known. */
static xbtab_status choose_readout(xbtab_mapped *mapped)
{
    if (mapped->is_plain) mapped->is_plain = xbtab__range_is_own(mapped);
    if (mapped->is_plain && mapped->scheme.adc_bits > mapped->adc_bits) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: adc_bits = %d is outside 1 to %d for this engine",
                   mapped->scheme.adc_bits, mapped->adc_bits);
    }
    if (!mapped->is_plain && !mapped->engine->read) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "the engine %s has no read-out but a plain ADC",
                   mapped->engine->name);
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
    mapped->matrix = xbtab__alloc(mapped->n_matrices, sizeof *mapped->matrix);
    if (!mapped->matrix) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab__normals_init(&mapped->normals);
    XBTAB_TRY_DONE(take_scheme(mapped));
    XBTAB_TRY_DONE(xbtab_engine_codes_per_unit(&mapped->codes_per_unit, &mapped->setup));
    mapped->codes_per_line =
        ldexp(1.0, mapped->adc_bits) * t->G_level[0] * t->v_read / ((1 << t->dac_bits) - 1) / t->I_full_scale;
    XBTAB_TRY_DONE(xbtab__plan(mapped));
    XBTAB_TRY_DONE(choose_readout(mapped));
    XBTAB_TRY_DONE(program_all(mapped));
    XBTAB_TRY_DONE(xbtab__calibrate(mapped));
    *out = mapped;
    mapped = NULL;
done:
    xbtab_mapped_destroy(&mapped);
    return status;
}

void xbtab_mapped_destroy(xbtab_mapped **mapped)
{
    if (!mapped || !*mapped) return;
    xbtab_mapped *m = *mapped;
    for (size_t t = 0; t < m->n_tiles; t++) {
        m->engine->clear(m->tile[t].state);
        xbtab__free(m->tile[t].sigma);
        xbtab__free(m->tile[t].tia);
        xbtab__free(m->tile[t].offset);
        xbtab__free(m->tile[t].reference);
        xbtab__free(m->tile[t].trim);
    }
    for (size_t b = 0; b < m->n_blocks; b++) {
        xbtab__free(m->block[b].note);
        xbtab__free(m->block[b].constant);
    }
    for (size_t k = 0; k < m->n_layers && m->layer; k++) {
        for (int stage = 0; stage < XBTAB__N_STAGES; stage++) xbtab__converter_clear(&m->layer[k].at[stage]);
        xbtab__free(m->layer[k].threshold);
    }
    xbtab__free(m->layer);
    xbtab__free(m->block);
    xbtab__free(m->tile);
    xbtab__free(m->matrix);
    xbtab__free(m);
    *mapped = NULL;
}

/* A step of a tile's ADC [A]. */
static double adc_step(const xbtab_mapped *mapped, const xbtab__mapped_tile *t)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[t->matrix];
    double step = 1.0;
    if (mapped->layer && !mapped->is_plain) {
        const xbtab__converter *c = &mapped->layer[mm->layer].at[XBTAB__STAGE_ADC];
        if (!c->reference && c->step > 0) step = c->step;
    }
    return ldexp(step, -mapped->adc_bits) * xbtab_technology_tables(mapped->setup.technology)->I_full_scale;
}

static void add_table_reports(const xbtab_mapped *mapped, xbtab_mapped_report *report)
{
    const xbtab_tables *tables = xbtab_technology_tables(mapped->setup.technology);
    double full_scale = tables->transfer.error.full_scale,
           code = ldexp(tables->I_full_scale, -mapped->adc_bits);
    double squares = 0, power_squares = 0,
           P_full_scale = tables->energy.error.full_scale / tables->energy.read_time;
    long samples = 0;
    for (size_t t = 0; t < mapped->n_tiles; t++) {
        xbtab_table_report tile;
        xbtab_engine_table_report(mapped->tile[t].state, &tile);
        report->readout_error = fmax(report->readout_error, tile.readout_error);
        report->refined += tile.is_refined != 0;
        double readout = tile.readout_error * code; /* of its polynomials, as a current */
        power_squares += tile.power_squares / (double)mapped->n_tiles;
        report->power_max = fmax(report->power_max, tile.power_most / P_full_scale);
        report->tile_max = fmax(report->tile_max, (tile.most + readout) / full_scale);
        double rmse = sqrt(tile.squares / (double)tile.samples + readout * readout);
        report->worst_tile_rmse = fmax(report->worst_tile_rmse, rmse / full_scale);
        report->worst_tile_steps = fmax(report->worst_tile_steps, rmse / adc_step(mapped, &mapped->tile[t]));
        squares += rmse * rmse * (double)tile.samples;
        samples += tile.samples;
    }
    if (samples) report->tile_rmse = sqrt(squares / (double)samples) / full_scale;
    const bool is_known = P_full_scale > 0 && isfinite(P_full_scale);
    report->power_rmse = is_known ? sqrt(power_squares) / P_full_scale : NAN;
    if (!is_known) report->power_max = NAN;
}

void xbtab_mapped_get_report(const xbtab_mapped *mapped, xbtab_mapped_report *report)
{
    const xbtab_scheme *s = &mapped->scheme;
    size_t active =
        s->rows_active > 0 && (size_t)s->rows_active < mapped->rows ? (size_t)s->rows_active : mapped->rows;
    const size_t cells = mapped->n_tiles * mapped->rows * mapped->columns;
    *report = (xbtab_mapped_report){.tiles = mapped->n_tiles,
                                    .utilisation = cells ? (double)mapped->used_cells / (double)cells : 0.0,
                                    .cell_bits = mapped->cell_bits,
                                    .cells = mapped->used_cells,
                                    .weights = mapped->weights,
                                    .rows_active = active,
                                    .adc_bits = s->adc_bits};
    int activation_bits = 1;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        if (report->weight_slices < mm->layout.slices) report->weight_slices = mm->layout.slices;
        if (report->input_slices < mm->input_slices) report->input_slices = mm->input_slices;
        if (activation_bits < mm->m->activation_bits) activation_bits = mm->m->activation_bits;
    }
    report->adc_bits_needed = xbtab_scheme_adc_bits_needed(s, mapped->dac_bits, activation_bits,
                                                           mapped->cell_bits, (int)mapped->rows);
    report->adc_bits_exact = xbtab__adc_bits_exact(mapped);
    if (mapped->engine == &xbtab_engine_table) add_table_reports(mapped, report);
}
