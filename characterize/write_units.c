/* write_units.c - what pulses do to the cell, from ngspice's transients.
 *
 * A pulse's unit starts the whole cell at 2 n - 1 states, evenly spaced on the state's own scale; those with
 * even numbers become the table's conductances, those between are held out. The state after the pulse is read
 * off its node, and its conductance is found with the static cell, as a read would. With noise every start is
 * run several times, each with its own stream of deviates. A train's unit runs pulses in a row from the far
 * end, in one transient. */
#include "write_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>
#include <xbartab/write.h>

#include "error_sum.h"
#include "memory.h"
#include "random.h"
#include "write_train.h"

enum { CELLS_AT_ONCE = 64 };

static bool in_spice(const xbtab__plan *plan)
{
    return plan->spec->write.n > 0;
}

int xbtab__write_units(const xbtab__plan *plan)
{
    return in_spice(plan) ? 2 * (int)plan->spec->write.n : 0;
}

static int repeats(const xbtab__plan *plan)
{
    return plan->spec->rram.model->dynamic->noise_interval > 0 ? plan->spec->write.repeats : 1;
}

static int starts(const xbtab__plan *plan)
{
    return 2 * plan->spec->write.conductances - 1;
}

double xbtab__write_seconds_max(const xbtab__plan *plan)
{
    return 600.0 + 10.0 * (starts(plan) * repeats(plan) + plan->spec->write.train);
}

static double start_state(const xbtab__plan *plan, int k)
{
    const xbtab_model *m = plan->spec->rram.model;
    const xbtab_parameter *p = &m->parameters[m->state];
    double u = (double)k / (starts(plan) - 1);
    double x = m->state_is_log ? p->min * pow(p->max / p->min, u) : p->min + u * (p->max - p->min);
    return fmin(fmax(x, p->min), p->max);
}

/* Conductances of states; NAN stays. */
static xbtab_status conductances(const xbtab__plan *plan, xbtab__spice *spice, const double *state, int n,
                                 double *G)
{
    double known[CELLS_AT_ONCE], found[CELLS_AT_ONCE];
    for (int first = 0; first < n; first += CELLS_AT_ONCE) {
        int n_here = n - first < CELLS_AT_ONCE ? n - first : CELLS_AT_ONCE;
        for (int k = 0; k < n_here; k++)
            known[k] = isnan(state[first + k]) ? start_state(plan, 0) : state[first + k];
        XBTAB_TRY(xbtab__measure_cells(plan->spec, spice, known, n_here, found));
        for (int k = 0; k < n_here; k++) G[first + k] = isnan(state[first + k]) ? NAN : found[k];
    }
    return XBTAB_OK;
}

static xbtab__train train_of(const xbtab_pulse *pulse, const xbtab_model_pulse *pulses, int n)
{
    return (xbtab__train){.n = n, .pulse = pulses, .v_gate = pulse->v_gate};
}

/* One start of one pulse, once. */
static xbtab_status run_start(const xbtab__plan *plan, int p, int start, int repeat, xbtab__spice *spice,
                              double *noise, double *after, double *energy)
{
    const xbtab_spec *spec = plan->spec;
    const xbtab_pulse *pulse = &spec->write.pulse[p];
    const xbtab_model_pulse one = {pulse->amplitude, pulse->width};
    xbtab__train train = train_of(pulse, &one, 1);
    xbtab_sample_status sample;
    if (noise) {
        xbtab__random random;
        uint32_t stream = (uint32_t)(start * repeats(plan) + repeat);
        xbtab__random_init(&random, plan->seed, XBTAB__RANDOM_WRITE, (uint32_t)p, stream);
        size_t n = xbtab__train_deviates(&train, spec->rram.model->dynamic);
        for (size_t k = 0; k < n; k++) noise[k] = xbtab__random_normal(&random);
        train.noise = noise;
    }
    XBTAB_TRY(xbtab__run_train(spice, &spec->rram, &spec->selector, start_state(plan, start), &train, after,
                               energy, &sample, NULL));
    if (sample != XBTAB_SAMPLE_OK) *after = *energy = NAN;
    return XBTAB_OK;
}

/* G_before[n_starts], then G_after[n_starts][repeats] and energy[n_starts][repeats]; NAN where a run failed.
 */
static xbtab_status run_pulse(const xbtab__plan *plan, int p, xbtab__spice *spice, xbtab__numbers *out)
{
    xbtab_status status;
    int n = starts(plan), m = repeats(plan);
    size_t n_runs = (size_t)n * (size_t)m;
    const xbtab_model_dynamic *dynamic = plan->spec->rram.model->dynamic;
    const xbtab_model_pulse one = {plan->spec->write.pulse[p].amplitude, plan->spec->write.pulse[p].width};
    xbtab__train train = train_of(&plan->spec->write.pulse[p], &one, 1);
    size_t n_deviates = xbtab__train_deviates(&train, dynamic);
    out->n = (size_t)n + 2 * n_runs;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    double *state = xbtab__alloc((size_t)n + n_runs, sizeof *state);
    double *noise = n_deviates ? xbtab__alloc(n_deviates, sizeof *noise) : NULL;
    if (!out->x || !state || (n_deviates && !noise)) {
        status = XBTAB_NOMEM();
        goto done;
    }
    double *energy = out->x + (size_t)n + n_runs;
    for (int k = 0; k < n; k++) state[k] = start_state(plan, k);
    for (size_t r = 0; r < n_runs; r++) {
        XBTAB_TRY_DONE(run_start(plan, p, (int)r / m, (int)r % m, spice, noise, state + n + r, energy + r));
    }
    XBTAB_TRY_DONE(conductances(plan, spice, state, n + (int)n_runs, out->x));
done:
    xbtab__free(state);
    xbtab__free(noise);
    return status;
}

/* One train without noise: states and conductances before it and after each pulse, G[n + 1], and the pulses'
 * energies, energy[n]. */
static xbtab_status run_one_train(const xbtab__plan *plan, int p, double start, xbtab__spice *spice,
                                  double *G, double *energy)
{
    const xbtab_spec *spec = plan->spec;
    const xbtab_pulse *pulse = &spec->write.pulse[p];
    xbtab_status status;
    xbtab_sample_status sample;
    int n = spec->write.train;
    xbtab_model_pulse *pulses = xbtab__alloc((size_t)n, sizeof *pulses);
    double *state = xbtab__alloc((size_t)n + 1, sizeof *state);
    if (!pulses || !state) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < n; k++) pulses[k] = (xbtab_model_pulse){pulse->amplitude, pulse->width};
    xbtab__train train = train_of(pulse, pulses, n);
    state[0] = start;
    XBTAB_TRY_DONE(xbtab__run_train(spice, &spec->rram, &spec->selector, start, &train, state + 1, energy,
                                    &sample, NULL));
    XBTAB_TRY_DONE(conductances(plan, spice, state, n + 1, G));
done:
    xbtab__free(pulses);
    xbtab__free(state);
    return status;
}

static size_t train_stride(const xbtab__plan *plan)
{
    return 2 * (size_t)plan->spec->write.train + 1;
}

/* Two trains, each its conductances and its energies: one from the far end, for the table, and one from
 * between the table's own starts, to check it. */
static xbtab_status run_trains(const xbtab__plan *plan, int p, xbtab__spice *spice, xbtab__numbers *out)
{
    bool is_set = plan->spec->write.pulse[p].kind == XBTAB_PULSE_SET;
    int n = starts(plan), n_pulses = plan->spec->write.train;
    double ends[2] = {start_state(plan, 0), start_state(plan, n - 1)}, G[2];
    out->n = 2 * train_stride(plan);
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!out->x) return XBTAB_NOMEM();
    XBTAB_TRY(conductances(plan, spice, ends, 2, G));
    bool from_first = is_set == (G[0] < G[1]);
    for (int t = 0; t < 2; t++) {
        double *x = out->x + (size_t)t * train_stride(plan);
        int start = t ? n / 10 | 1 : 0; /* an odd one */
        double state = start_state(plan, from_first ? start : n - 1 - start);
        XBTAB_TRY(run_one_train(plan, p, state, spice, x, x + n_pulses + 1));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__write_unit(const xbtab__plan *plan, int k, xbtab__spice *spice, xbtab__numbers *out)
{
    int n = (int)plan->spec->write.n;
    return k < n ? run_pulse(plan, k, spice, out) : run_trains(plan, k - n, spice, out);
}

/* ---- into the tables ---- */

xbtab_status xbtab__write_room(xbtab_write_data *d, size_t n, size_t n_G)
{
    d->n = n;
    d->n_G = n_G;
    d->kind = xbtab__alloc(n, sizeof *d->kind);
    double **rows[] = {&d->amplitude, &d->width, &d->v_gate};
    double **grids[] = {&d->dG, &d->sigma, &d->energy};
    d->G = xbtab__alloc(n_G, sizeof *d->G);
    bool has_all = d->kind && d->G;
    for (size_t k = 0; k < 3; k++) {
        *rows[k] = xbtab__alloc(n, sizeof(double));
        *grids[k] = xbtab__alloc(n * n_G, sizeof(double));
        has_all = has_all && *rows[k] && *grids[k];
    }
    return has_all ? XBTAB_OK : XBTAB_NOMEM();
}

void xbtab__write_clear_room(xbtab_write_data *d)
{
    void *blocks[] = {d->kind, d->amplitude, d->width, d->v_gate, d->G, d->dG, d->sigma, d->energy};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++) xbtab__free(blocks[k]);
}

/* Mean and spread of the runs of one start that did not fail. */
typedef struct start_result {
    double G_before, G_after, sigma, energy;
    int n;
} start_result;

static start_result result_of(const xbtab__plan *plan, const double *x, int start, double *good)
{
    int n = starts(plan), m = repeats(plan);
    const double *after = x + n + (size_t)start * (size_t)m;
    const double *energy = x + n + (size_t)n * (size_t)m + (size_t)start * (size_t)m;
    start_result r = {.G_before = x[start]};
    for (int k = 0; k < m; k++) {
        if (isnan(after[k])) continue;
        good[r.n++] = after[k];
        r.energy += energy[k];
    }
    if (r.n == 0) return r;
    r.energy /= r.n;
    r.G_after = gsl_stats_mean(good, 1, (size_t)r.n);
    r.sigma = r.n > 1 ? gsl_stats_sd(good, 1, (size_t)r.n) : 0.0;
    return r;
}

/* What is known of one pulse: starts of the table, and the steps of its train from the far end. */
typedef struct known {
    double before, after, sigma, energy;
} known;

typedef struct known_pulse {
    known *point; /* point[n], by conductance */
    size_t n;
} known_pulse;

static int by_conductance(const void *a, const void *b)
{
    const known *x = a, *y = b;
    return x->before < y->before ? -1 : x->before > y->before;
}

/* Points closer than that, as a share of the logarithm's range, say nothing new. */
static const double closest = 2e-4;

static size_t thin(known *point, size_t n)
{
    size_t kept = 0;
    double step = n ? closest * log(point[n - 1].before / point[0].before) : 0;
    for (size_t k = 0; k < n; k++) {
        bool is_last = k + 1 == n;
        bool is_far = kept == 0 || log(point[k].before / point[kept - 1].before) > step;
        if (!is_far && !is_last) continue;
        if (!is_far && kept > 1) kept--; /* the end stays */
        point[kept++] = point[k];
    }
    return kept;
}

static double spread_at(const known_pulse *base, size_t n_base, double G)
{
    size_t k = 0;
    while (k + 2 < n_base && base->point[k + 1].before < G) k++;
    const known *a = &base->point[k], *b = &base->point[k + 1 < n_base ? k + 1 : k];
    double share = b->before > a->before ? (G - a->before) / (b->before - a->before) : 0;
    return a->sigma + fmin(fmax(share, 0), 1) * (b->sigma - a->sigma);
}

/* With noise a train without noise is no mean of anything, so only the starts are taken. */
static xbtab_status collect(known_pulse *out, xbtab_write_data *d, const xbtab__plan *plan, size_t p,
                            const xbtab__unit_result *unit, double *good)
{
    const double *x = unit[p].numbers.x, *train = unit[plan->spec->write.n + p].numbers.x;
    int n_G = plan->spec->write.conductances, n_train = repeats(plan) > 1 ? 0 : plan->spec->write.train;
    int n_failed = 0;
    out->point = xbtab__alloc((size_t)(n_G + n_train), sizeof *out->point);
    if (!out->point) return XBTAB_NOMEM();
    for (int k = 0; k < n_G; k++) {
        start_result r = result_of(plan, x, 2 * k, good);
        n_failed += r.n == 0;
        if (r.n) out->point[out->n++] = (known){r.G_before, r.G_after, r.sigma, r.energy};
    }
    d->error.failed += n_failed;
    if (2 * n_failed > n_G) {
        XBTAB_FAIL(XBTAB_ERR_SPICE,
                   "%s pulse of %g V, %g s: %d of %d transients fail; see: xbartab models test %s",
                   d->kind[p] == XBTAB_PULSE_SET ? "set" : "reset", d->amplitude[p], d->width[p], n_failed,
                   n_G, plan->spec->rram.model->name);
    }
    qsort(out->point, out->n, sizeof *out->point, by_conductance);
    size_t n_base = out->n;
    known_pulse base = *out;
    for (int k = 0; k < n_train && !isnan(train[k + 1]); k++) {
        out->point[out->n++] =
            (known){train[k], train[k + 1], spread_at(&base, n_base, train[k]), train[n_train + 1 + k]};
    }
    qsort(out->point, out->n, sizeof *out->point, by_conductance);
    out->n = thin(out->point, out->n);
    return XBTAB_OK;
}

/* A pulse's rows on the common conductances, between its own points as a reader would go. */
static xbtab_status fill_rows(xbtab_write_data *d, size_t p, const known_pulse *own)
{
    xbtab_write_data one = {0};
    xbtab_writer *writer = NULL;
    xbtab_status status;
    xbtab_pulse_place place = {.n = 1, .index = {0}, .weight = {1.0}};
    XBTAB_TRY_DONE(xbtab__write_room(&one, 1, own->n));
    for (size_t k = 0; k < own->n; k++) {
        one.G[k] = own->point[k].before;
        one.dG[k] = own->point[k].after - own->point[k].before;
        one.sigma[k] = own->point[k].sigma;
        one.energy[k] = own->point[k].energy;
    }
    XBTAB_TRY_DONE(xbtab_writer_create(&writer, &one));
    for (size_t k = 0; k < d->n_G; k++) {
        size_t at = p * d->n_G + k;
        double inside = fmin(fmax(d->G[k], one.G[0]), one.G[one.n_G - 1]);
        xbtab_pulse_effect e = xbtab_writer_effect(writer, &place, d->G[k]);
        d->dG[at] = inside + e.dG - d->G[k];
        d->sigma[at] = e.sigma;
        d->energy[at] = e.energy;
    }
done:
    xbtab_writer_destroy(&writer);
    xbtab__write_clear_room(&one);
    return status;
}

/* Held-out starts and whole trains against the finished tables. */
static xbtab_status check_tables(xbtab_write_data *d, const xbtab__plan *plan, const xbtab__unit_result *unit,
                                 double *good)
{
    xbtab_writer *writer = NULL;
    double range = d->G[d->n_G - 1] - d->G[0];
    xbtab__error_sum single = {0}, along = {0};
    long failed = d->error.failed;
    XBTAB_TRY(xbtab_writer_create(&writer, d));
    for (size_t p = 0; p < d->n; p++) {
        xbtab_pulse_place place = {.n = 1, .index = {p}, .weight = {1.0}};
        for (int start = 1; start < starts(plan); start += 2) {
            start_result r = result_of(plan, unit[p].numbers.x, start, good);
            if (r.n == 0) {
                failed++;
                continue;
            }
            xbtab_pulse_effect e = xbtab_writer_effect(writer, &place, r.G_before);
            xbtab__add_error(&single, r.G_before + e.dG - r.G_after);
        }
        const double *train = unit[d->n + p].numbers.x + train_stride(plan);
        double G = train[0];
        for (int k = 1; k <= plan->spec->write.train && !isnan(train[k]); k++) {
            G = xbtab_writer_apply(writer, &place, G, 0, NULL);
            xbtab__add_error(&along, G - train[k]);
        }
    }
    d->error = xbtab__finish_error(&single, range, failed);
    d->error_train = xbtab__finish_error(&along, range, 0);
    xbtab_writer_destroy(&writer);
    return XBTAB_OK;
}

/* The conductances of all pulses together. */
static xbtab_status common_grid(xbtab_write_data *d, const known_pulse *own, size_t n)
{
    size_t n_all = 0, room = 0;
    for (size_t p = 0; p < n; p++) room += own[p].n;
    known *all = xbtab__alloc(room, sizeof *all);
    if (!all) return XBTAB_NOMEM();
    for (size_t p = 0; p < n; p++) {
        memcpy(all + n_all, own[p].point, own[p].n * sizeof *all);
        n_all += own[p].n;
    }
    qsort(all, n_all, sizeof *all, by_conductance);
    n_all = thin(all, n_all);
    long failed = d->error.failed;
    xbtab_write_data head = *d;
    xbtab_status status = xbtab__write_room(d, n, n_all);
    for (size_t p = 0; p < n && status == XBTAB_OK; p++) {
        d->kind[p] = head.kind[p];
        d->amplitude[p] = head.amplitude[p];
        d->width[p] = head.width[p];
        d->v_gate[p] = head.v_gate[p];
    }
    for (size_t k = 0; k < n_all && status == XBTAB_OK; k++) d->G[k] = all[k].before;
    d->error.failed = failed;
    xbtab__free(all);
    head.source = NULL; /* stays in d */
    xbtab__write_clear_room(&head);
    return status;
}

xbtab_status xbtab__write_take(xbtab_write_data *d, const xbtab__plan *plan, const xbtab__unit_result *unit)
{
    const xbtab_spec *spec = plan->spec;
    xbtab_status status;
    size_t n = spec->write.n;
    double *good = xbtab__alloc((size_t)repeats(plan), sizeof *good);
    known_pulse *own = xbtab__alloc(n, sizeof *own);
    if (!good || !own) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__write_room(d, n, (size_t)spec->write.conductances));
    d->v_read = spec->v_read;
    d->source = xbtab__strdup(spec->rram.model->name);
    if (!d->source) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t p = 0; p < n; p++) {
        const xbtab_pulse *pulse = &spec->write.pulse[p];
        d->kind[p] = (int32_t)pulse->kind;
        d->amplitude[p] = pulse->amplitude;
        d->width[p] = pulse->width;
        d->v_gate[p] = pulse->v_gate;
        XBTAB_TRY_DONE(collect(&own[p], d, plan, p, unit, good));
    }
    XBTAB_TRY_DONE(common_grid(d, own, n));
    for (size_t p = 0; p < n; p++) XBTAB_TRY_DONE(fill_rows(d, p, &own[p]));
    status = check_tables(d, plan, unit, good);
done:
    for (size_t p = 0; p < n && own; p++) xbtab__free(own[p].point);
    xbtab__free(own);
    xbtab__free(good);
    return status;
}
