/* characterize.c - the whole way of one tile: states, curves, sample tiles, fits, tables. */
#include <xbartab/characterize.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <xbartab/version.h>

#include "fit.h"
#include "fit_transfer.h"
#include "memory.h"
#include "run.h"
#include "solver_check.h"
#include "tables_check.h"
#include "write_measured.h"
#include "write_units.h"

/* ---- what a journal and the provenance must tell apart ---- */

static void add_model(xbtab__text *text, const xbtab_model_use *use)
{
    const xbtab_model *m = use->model;
    xbtab__text_add(text, "* %s %s\n", xbtab_model_kind_name(m->kind), m->name);
    for (int k = 0; k < m->n_parameters; k++) {
        xbtab__text_add(text, "*   %s = %.17g %s (%s; %s)\n", m->parameters[k].name, use->value[k],
                        m->parameters[k].unit, m->parameters[k].trust, m->parameters[k].source);
    }
    if (use->text) xbtab__text_add(text, "* with a model card of SHA-256 %s\n", use->card_hash);
    xbtab__text_add(text, "%s\n", m->sub_text);
}

static void add_models(xbtab__text *text, const xbtab_spec *spec)
{
    add_model(text, &spec->rram);
    add_model(text, &spec->selector);
    add_model(text, &spec->tia);
}

static void add_age(xbtab__text *text, const xbtab__aged *aged)
{
    if (!aged) return;
    const xbtab_chip_options *o = xbtab__aged_options(aged);
    xbtab__text_add(
        text,
        "aged: chip %u of seed %llu, %.17g s, %.17g K, %.17g writes, %d scaled, written %d within %.17g "
        "by %d\n%s\n",
        o->chip, (unsigned long long)o->seed, o->time, o->temperature, o->writes, o->is_scaled,
        (int)o->writing, o->tolerance, o->pulses, o->population->text);
}

static void add_fingerprint(xbtab__text *text, const xbtab__run *run)
{
    const xbtab_spec *spec = run->plan.spec;
    xbtab__text_add(text, "xbartab %s, libngspice %s, seed %llu\n%s\nwires %.17g %.17g %.17g %.17g\n",
                    XBTAB_VERSION, run->ngspice, (unsigned long long)spec->seed, spec->text, spec->r_word,
                    spec->r_bit, spec->wire.c_word, spec->wire.c_bit);
    add_models(text, spec);
    add_age(text, run->aged);
}

/* ---- results to tables ---- */

static double *copy_numbers(const double *x, size_t n)
{
    double *copy = xbtab__alloc(n, sizeof *copy);
    if (copy && n) memcpy(copy, x, n * sizeof *x);
    return copy;
}

static xbtab_status take_tile(xbtab_tables *t, const xbtab_spec *spec)
{
    t->tile_name = xbtab__strdup(spec->name);
    t->rows = (size_t)spec->rows;
    t->columns = (size_t)spec->columns;
    t->array = spec->array;
    t->n_levels = (size_t)spec->n_levels;
    t->G_level = copy_numbers(spec->G_level, t->n_levels);
    t->r_word = spec->r_word;
    t->r_bit = spec->r_bit;
    t->r_source_line = spec->r_source_line;
    t->r_driver = spec->r_driver;
    t->r_sink = spec->r_sink;
    t->dac_bits = spec->dac_bits;
    t->adc_bits = spec->adc_bits;
    t->v_read = spec->v_read;
    t->I_full_scale = spec->I_full_scale;
    t->energy.read_time = spec->read_time;
    t->readout = (xbtab_readout_data){
        NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0, NULL, NULL, spec->wire.c_word, spec->wire.c_bit, NAN, NAN};
    t->seed = spec->seed;
    return t->tile_name && t->G_level ? XBTAB_OK : XBTAB_NOMEM();
}

/* Lagrange's polynomial through every `stride`-th bit-line voltage, at the k-th one;
 * row[XBTAB__BIT_VOLTAGES][n_v]. */
static double through_some(const double *row, size_t n_v, int stride, int k)
{
    double sum = 0;
    for (int b = 0; b < XBTAB__BIT_VOLTAGES; b += stride) {
        double weight = 1;
        for (int q = 0; q < XBTAB__BIT_VOLTAGES; q += stride)
            weight *= q == b ? 1.0 : (double)(k - q) / (b - q);
        sum += weight * row[(size_t)b * n_v];
    }
    return sum;
}

/* How many bit-line voltages to skip: the fewest are kept whose polynomial gives the others within 1e-8 of
 * the largest current; ngspice's own points are good to about 1e-9. A cell that does not depend on the bit
 * line's own voltage keeps one. */
static int choose_stride(const double *I, size_t n_states, size_t n_v)
{
    static const int strides[] = {XBTAB__BIT_VOLTAGES, 4, 2};
    double most = 0;
    for (size_t k = 0; k < n_states * XBTAB__BIT_VOLTAGES * n_v; k++) most = fmax(most, fabs(I[k]));
    for (size_t t = 0; t < sizeof strides / sizeof strides[0]; t++) {
        double difference = 0;
        for (size_t at = 0; at < n_states * n_v; at++) {
            const double *row = I + at / n_v * XBTAB__BIT_VOLTAGES * n_v + at % n_v;
            for (int k = 0; k < XBTAB__BIT_VOLTAGES; k++) {
                double value = through_some(row, n_v, strides[t], k);
                difference = fmax(difference, fabs(value - row[(size_t)k * n_v]));
            }
        }
        if (difference <= 1e-8 * most) return strides[t];
    }
    return 1;
}

static xbtab_status take_cell(xbtab_tables *t, const xbtab__run *run)
{
    const xbtab_spec *spec = run->plan.spec;
    const xbtab_parameter *state = &spec->rram.model->parameters[spec->rram.model->state];
    const double *I = run->unit[XBTAB__UNIT_CELL].numbers.x;
    xbtab_cell_data *c = &t->cell;
    c->n_states = (size_t)run->plan.n_states;
    c->n_v = (size_t)spec->sampling.voltages;
    size_t n_curves = (size_t)xbtab__gates(spec) * c->n_states;
    int stride = choose_stride(I, n_curves, c->n_v);
    c->n_bit = (XBTAB__BIT_VOLTAGES + (size_t)stride - 1) / (size_t)stride;
    c->G_state = copy_numbers(run->plan.G_target, c->n_states);
    c->parameter = copy_numbers(run->plan.parameter, c->n_states);
    c->parameter_name = xbtab__strdup(state->name);
    c->parameter_unit = xbtab__strdup(state->unit);
    c->V_bit = xbtab__alloc(c->n_bit, sizeof *c->V_bit);
    c->V = xbtab__alloc(c->n_v, sizeof *c->V);
    c->I_cell = xbtab__alloc(n_curves * c->n_bit * c->n_v, sizeof *c->I_cell);
    if (xbtab_array_has_gates(&spec->array)) {
        c->n_gates = (size_t)xbtab__gates(spec);
        c->V_gate = copy_numbers(spec->V_gate, c->n_gates);
        if (!c->V_gate) return XBTAB_NOMEM();
    }
    t->energy.E_cell = xbtab__alloc(c->n_states * c->n_v, sizeof *t->energy.E_cell);
    if (!c->G_state || !c->parameter || !c->parameter_name || !c->parameter_unit || !c->V_bit || !c->V ||
        !c->I_cell || !t->energy.E_cell) {
        return XBTAB_NOMEM();
    }
    for (size_t b = 0; b < c->n_bit; b++) {
        c->V_bit[b] = c->n_bit == 1 ? 0.0 : xbtab__bit_voltage(spec, (double)b * stride);
    }
    for (size_t v = 0; v < c->n_v; v++) c->V[v] = xbtab__cell_voltage(spec, (double)v);
    for (size_t s = 0; s < n_curves; s++) {
        for (size_t b = 0; b < c->n_bit; b++) {
            memcpy(c->I_cell + (s * c->n_bit + b) * c->n_v,
                   I + (s * XBTAB__BIT_VOLTAGES + b * (size_t)stride) * c->n_v, c->n_v * sizeof *c->I_cell);
        }
    }
    I += (n_curves - c->n_states) * XBTAB__BIT_VOLTAGES * c->n_v; /* the gate fully on */
    for (size_t s = 0; s < c->n_states; s++) {
        for (size_t v = 0; v < c->n_v; v++) {
            size_t at = (s * XBTAB__BIT_VOLTAGES + (size_t)xbtab__bit_zero(spec)) * c->n_v + v;
            t->energy.E_cell[s * c->n_v + v] = c->V[v] * I[at] * spec->read_time;
        }
    }
    return xbtab__fit_cell_error(t, &run->plan, run->unit[XBTAB__UNIT_CELL_HELDOUT].numbers.x);
}

static xbtab_status take_tia(xbtab_tables *t, const xbtab__run *run)
{
    const double *V = run->unit[XBTAB__UNIT_TIA].numbers.x;
    xbtab_tia_data *a = &t->tia;
    a->n = XBTAB__TIA_POINTS;
    a->I_in = xbtab__alloc(a->n, sizeof *a->I_in);
    a->V_in = xbtab__alloc(a->n, sizeof *a->V_in);
    a->V_out = xbtab__alloc(a->n, sizeof *a->V_out);
    if (!a->I_in || !a->V_in || !a->V_out) return XBTAB_NOMEM();
    for (size_t k = 0; k < a->n; k++) {
        a->I_in[k] = xbtab__tia_current(run->plan.spec, (double)k);
        a->V_in[k] = V[2 * k];
        a->V_out[k] = V[2 * k + 1];
    }
    return xbtab__fit_tia_error(t, &run->plan, V + 2 * XBTAB__TIA_POINTS);
}

/* A unit that failed leaves its figures unknown. */
static xbtab_status take_readout(xbtab_tables *t, const xbtab__run *run)
{
    const xbtab__unit_result *tia = &run->unit[XBTAB__UNIT_READOUT], *column = &run->unit[XBTAB__UNIT_COLUMN];
    const double *x = tia->numbers.x, *y = column->numbers.x;
    xbtab_readout_data *r = &t->readout;
    r->f_read = xbtab__read_bandwidth(run->plan.spec);
    r->virtual_ground = 0;
    for (size_t k = 0; k < t->tia.n; k++) {
        if (t->tia.I_in[k] < 0 || t->tia.I_in[k] > xbtab_spec_largest_current(run->plan.spec)) continue;
        r->virtual_ground = fmax(r->virtual_ground, fabs(t->tia.V_in[k]));
    }
    if (column->status == XBTAB_SAMPLE_OK && column->numbers.n == XBTAB__COLUMN_FIGURES) {
        r->settling = y[XBTAB__COLUMN_SETTLING];
        r->E_lines = y[XBTAB__COLUMN_ENERGY];
    }
    if (tia->status != XBTAB_SAMPLE_OK || tia->numbers.n < XBTAB__READOUT_FIGURES) return XBTAB_OK;
    r->tia_settling = x[XBTAB__READOUT_SETTLING];
    r->transresistance = x[XBTAB__READOUT_TRANSRESISTANCE];
    r->offset_sigma = x[XBTAB__READOUT_OFFSET];
    r->noise_density = x[XBTAB__READOUT_DENSITY];
    r->noise_rms = x[XBTAB__READOUT_NOISE];
    size_t n = (tia->numbers.n - XBTAB__READOUT_FIGURES) / 2;
    r->f = xbtab__alloc(n, sizeof *r->f);
    r->density = xbtab__alloc(n, sizeof *r->density);
    if (!r->f || !r->density) return XBTAB_NOMEM();
    r->n_f = n;
    for (size_t k = 0; k < n; k++) {
        r->f[k] = x[XBTAB__READOUT_FIGURES + 2 * k];
        r->density[k] = x[XBTAB__READOUT_FIGURES + 2 * k + 1];
    }
    return XBTAB_OK;
}

static xbtab_status take_age(xbtab_tables *t, const xbtab_chip_options *o)
{
    t->aged = (xbtab_aged_data){.population = xbtab__strdup(o->population->name),
                                .sheet = xbtab__strdup(o->population->text),
                                .time = o->time,
                                .temperature = o->temperature,
                                .cycles = o->writes,
                                .writing = o->writing,
                                .tolerance = o->tolerance,
                                .pulses = o->pulses,
                                .is_scaled = o->is_scaled};
    return t->aged.population && t->aged.sheet ? XBTAB_OK : XBTAB_NOMEM();
}

/* What a sample tile's cells had; of a circuit that failed, what they were to have. */
static xbtab_status take_conductances(xbtab_sample_data *d, const xbtab__run *run, int tile)
{
    const xbtab__unit_result *unit = &run->unit[XBTAB__UNIT_TILE + tile];
    xbtab__tile_plan t = xbtab__tile_plan_of(&run->plan, tile);
    size_t cells = (size_t)t.rows * (size_t)t.columns, first = (size_t)tile * cells;
    if (unit->status != XBTAB_SAMPLE_OK)
        return xbtab__tile_conductances(&run->plan, tile, d->level + first, d->G + first);
    memcpy(d->G + first, unit->numbers.x + (size_t)t.vectors * xbtab__tile_stride(t.columns),
           cells * sizeof *d->G);
    return XBTAB_OK;
}

static xbtab_status take_samples(xbtab_tables *t, const xbtab__run *run)
{
    const xbtab_spec *spec = run->plan.spec;
    xbtab_sample_data *d = &t->samples;
    size_t stride = xbtab__tile_stride(spec->columns), columns = t->columns;
    d->by_solver = spec->sampling.engine == XBTAB_SAMPLING_SOLVE;
    d->n_tiles = (size_t)xbtab__sample_tiles(&run->plan);
    d->n_vectors = (size_t)spec->sampling.vectors;
    size_t n = d->n_tiles * d->n_vectors;
    d->is_heldout = xbtab__alloc(d->n_tiles, sizeof *d->is_heldout);
    d->level = xbtab__alloc(d->n_tiles, t->rows * columns);
    d->code = xbtab__alloc(n, t->rows);
    d->status = xbtab__alloc(n, sizeof *d->status);
    d->I_out = xbtab__alloc(n * columns, sizeof *d->I_out);
    d->V_out = xbtab__alloc(n * columns, sizeof *d->V_out);
    d->P = xbtab__alloc(n, sizeof *d->P);
    if (run->aged) {
        XBTAB_TRY(take_age(t, xbtab__aged_options(run->aged)));
        d->G = xbtab__alloc(d->n_tiles * t->rows * columns, sizeof *d->G);
        if (!d->G) return XBTAB_NOMEM();
    }
    if (!d->is_heldout || !d->level || !d->code || !d->status || !d->I_out || !d->V_out || !d->P)
        return XBTAB_NOMEM();
    for (size_t tile = 0; tile < d->n_tiles; tile++) {
        const xbtab__unit_result *unit = &run->unit[XBTAB__UNIT_TILE + (int)tile];
        d->is_heldout[tile] = xbtab__tile_plan_of(&run->plan, (int)tile).is_heldout;
        xbtab__tile_levels(&run->plan, (int)tile, d->level + tile * t->rows * columns);
        xbtab__tile_codes(&run->plan, (int)tile, d->code + tile * d->n_vectors * t->rows);
        if (d->G) XBTAB_TRY(take_conductances(d, run, (int)tile));
        for (size_t v = 0; v < d->n_vectors; v++) {
            size_t at = tile * d->n_vectors + v;
            if (unit->status != XBTAB_SAMPLE_OK) { /* the whole circuit failed */
                d->status[at] = (int32_t)unit->status;
                d->P[at] = NAN;
                for (size_t j = 0; j < columns; j++)
                    d->I_out[at * columns + j] = d->V_out[at * columns + j] = NAN;
                continue;
            }
            const double *x = unit->numbers.x + v * stride;
            d->status[at] = (int32_t)x[0];
            d->P[at] = x[1];
            memcpy(d->I_out + at * columns, x + 2, columns * sizeof *x);
            memcpy(d->V_out + at * columns, x + 2 + columns, columns * sizeof *x);
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab_spec_of_tables(xbtab_spec **out, const xbtab_tables *tables, const xbtab_models *models)
{
    xbtab_spec *spec = NULL;
    xbtab__text text = {0};
    XBTAB_TRY(xbtab_spec_parse(&spec, tables->spec_text, "the tables' specification", models));
    xbtab_status status = xbtab_spec_size_selector(spec);
    add_models(&text, spec);
    if (status == XBTAB_OK) status = xbtab__text_status(&text);
    if (status == XBTAB_OK && strcmp(text.s, tables->models_text) != 0) {
        status = xbtab__error_set(XBTAB_ERR_INPUT,
                                  "the models have changed since the tables were made; characterize again");
    }
    xbtab__text_clear(&text);
    if (status < 0) {
        xbtab_spec_destroy(&spec);
        return status;
    }
    *out = spec;
    return XBTAB_OK;
}

static xbtab_status take_provenance(xbtab_tables *t, const xbtab__run *run)
{
    xbtab__text models = {0};
    add_models(&models, run->plan.spec);
    XBTAB_TRY(xbtab__text_status(&models));
    t->models_text = models.s;
    t->spec_text = xbtab__strdup(run->plan.spec->text);
    t->tool_version = xbtab__strdup(XBTAB_VERSION);
    t->ngspice_version = xbtab__strdup(run->ngspice);
    return t->spec_text && t->tool_version && t->ngspice_version ? XBTAB_OK : XBTAB_NOMEM();
}

/* ---- the run ---- */

static xbtab_status take_record(int64_t unit, int status, const void *bytes, size_t n, void *context)
{
    xbtab__run *run = context;
    if (unit < 0 || unit >= run->n_units) return XBTAB_OK;
    return xbtab__run_take(run, (int)unit, (xbtab_sample_status)status, bytes, n);
}

static xbtab_status open_journal(xbtab__run *run, const char *path, int resume)
{
    xbtab__text fingerprint = {0};
    add_fingerprint(&fingerprint, run);
    xbtab_status status = xbtab__text_status(&fingerprint);
    if (status == XBTAB_OK) {
        status = resume ? xbtab__journal_resume(&run->journal, path, fingerprint.s, take_record, run, NULL)
                        : xbtab__journal_create(&run->journal, path, fingerprint.s);
    }
    xbtab__text_clear(&fingerprint);
    return status;
}

static bool has_tile(const xbtab__run *run)
{
    for (int unit = XBTAB__UNIT_TILE; unit < run->n_units; unit++) {
        if (run->unit[unit].is_done) return true;
    }
    return false;
}

/* ngspice gives the same answer every time it refuses a netlist, so one refused tile is told as a failure of
 * the run only if there is no other. */
static xbtab_status need_some_tiles(const xbtab__run *run)
{
    for (int unit = XBTAB__UNIT_TILE; unit < xbtab__first_write_unit(&run->plan); unit++) {
        if (run->unit[unit].status == XBTAB_SAMPLE_OK) return XBTAB_OK;
    }
    return xbtab__run_need(run, XBTAB__UNIT_TILE);
}

/* The states, and the cell's and the TIA's curves, into the run and into tables. */
static xbtab_status run_curves(xbtab__run *run, xbtab_tables *tables,
                               const xbtab_characterize_options *options)
{
    XBTAB_TRY(xbtab__run_units(run, XBTAB__UNIT_STATES, XBTAB__UNIT_CELL, "cell states", options));
    XBTAB_TRY(xbtab__run_take_states(run));
    XBTAB_TRY(xbtab__run_units(run, XBTAB__UNIT_CELL, XBTAB__UNIT_READOUT, "cell and TIA curves", options));
    for (int unit = XBTAB__UNIT_CELL; unit < XBTAB__UNIT_READOUT; unit++)
        XBTAB_TRY(xbtab__run_need(run, unit));
    XBTAB_TRY(take_tile(tables, run->plan.spec));
    XBTAB_TRY(take_provenance(tables, run));
    XBTAB_TRY(take_cell(tables, run));
    return take_tia(tables, run);
}

static xbtab_status run_tiles(xbtab__run *run, xbtab_tables *tables,
                              const xbtab_characterize_options *options)
{
    xbtab_technology *technology = NULL;
    XBTAB_TRY(xbtab_technology_create(&technology, tables));
    run->plan.technology = technology; /* for tiles that our solver samples */
    xbtab_status status = xbtab__run_units(run, XBTAB__UNIT_READOUT, xbtab__first_write_unit(&run->plan),
                                           "sample tiles", options);
    run->plan.technology = NULL;
    xbtab_technology_destroy(&technology);
    XBTAB_TRY(status);
    XBTAB_TRY(need_some_tiles(run));
    XBTAB_TRY(take_readout(tables, run));
    XBTAB_TRY(take_samples(tables, run));
    XBTAB_TRY(xbtab__check_solver(tables, run));
    return xbtab__fit_transfer(tables);
}

/* What pulses do, if the specification wants to know it of ngspice. */
static xbtab_status run_write(xbtab__run *run, xbtab_tables *tables,
                              const xbtab_characterize_options *options)
{
    const xbtab_write_plan *plan = &run->plan.spec->write;
    int first = xbtab__first_write_unit(&run->plan);
    if (plan->n == 0) return XBTAB_OK;
    XBTAB_TRY(xbtab__run_units(run, first, run->n_units, "write pulses", options));
    for (int unit = first; unit < run->n_units; unit++) XBTAB_TRY(xbtab__run_need(run, unit));
    return xbtab__write_take(&tables->write, &run->plan, run->unit + first);
}

/* With a NULL path no tiles are sampled and nothing is kept on disk. */
static xbtab_status characterize(xbtab_tables **out, const xbtab_spec *spec, const char *path,
                                 const xbtab_characterize_options *options)
{
    static const xbtab_characterize_options defaults = {0};
    xbtab_status status;
    xbtab__run run;
    xbtab_tables *tables = NULL;
    if (!options) options = &defaults;
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    XBTAB_TRY_DONE(xbtab__run_init(
        &run, spec, path && options->chip && options->chip->population ? options->chip : NULL));
    tables = xbtab__alloc(1, sizeof *tables);
    if (!tables) {
        status = XBTAB_NOMEM();
        goto done;
    }
    /* bad data is told before ngspice is set to work */
    if (path && spec->write.n_sources) XBTAB_TRY_DONE(xbtab__write_measured(&tables->write, spec));
    XBTAB_TRY_DONE(xbtab__run_ask_version(&run)); /* it belongs to the journal's fingerprint */
    if (path) XBTAB_TRY_DONE(open_journal(&run, path, options->resume));
    XBTAB_TRY_DONE(run_curves(&run, tables, options));
    if (path) {
        XBTAB_TRY_DONE(run_tiles(&run, tables, options));
        XBTAB_TRY_DONE(run_write(&run, tables, options));
        XBTAB_TRY_DONE(xbtab__tables_check(tables, path)); /* what could not be read would be of no use */
        XBTAB_TRY_DONE(xbtab_tables_write(tables, path));
        XBTAB_TRY_DONE(xbtab__journal_remove(&run.journal));
    }
    if (out) {
        *out = tables;
        tables = NULL;
    }
done:
    /* a run that failed before its first tile leaves nothing worth a --resume; one that was stopped does */
    if (status < 0 && status != XBTAB_ERR_CANCELED && run.journal && !has_tile(&run))
        (void)!xbtab__journal_remove(&run.journal);
    xbtab_tables_destroy(&tables);
    xbtab__run_clear(&run);
    gsl_set_error_handler(handler);
    return status;
}

xbtab_status xbtab_characterize(const xbtab_spec *spec, const char *path,
                                const xbtab_characterize_options *options)
{
    return characterize(NULL, spec, path, options);
}

xbtab_status xbtab_characterize_curves(xbtab_tables **out, const xbtab_spec *spec,
                                       const xbtab_characterize_options *options)
{
    return characterize(out, spec, NULL, options);
}
