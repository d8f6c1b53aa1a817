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

enum { CELLS_AT_ONCE = 64, MOST_REFINED = 64 };

/* Points closer than that, as a share of the logarithm's range, say nothing new; nor do jumps of the outcome
 * that are smaller than that, as a share of the conductances' range. */
static const double closest = 2e-4, least_jump = 0.02;

static bool in_spice(const xbtab__plan *plan)
{
    return plan->spec->write.n > 0;
}

int xbtab__write_units(const xbtab__plan *plan)
{
    return in_spice(plan) ? (int)plan->spec->write.n : 0;
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
    return 600.0 + 10.0 * (starts(plan) * repeats(plan) + 2 * plan->spec->write.train);
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

/* What is known of one pulse at one conductance. */
typedef struct known {
    double state, before, after, sigma, energy;
} known;

static int by_conductance(const void *a, const void *b)
{
    const known *x = a, *y = b;
    return x->before < y->before ? -1 : x->before > y->before;
}

/* One state under one pulse, once; *after is NAN where ngspice fails. */
static xbtab_status run_once(const xbtab__plan *plan, int p, double state, uint32_t stream,
                             xbtab__spice *spice, double *noise, double *after, double *energy)
{
    const xbtab_spec *spec = plan->spec;
    const xbtab_pulse *pulse = &spec->write.pulse[p];
    const xbtab_model_pulse one = {pulse->amplitude, pulse->width};
    xbtab__train train = train_of(pulse, &one, 1);
    xbtab_sample_status sample;
    if (noise) {
        xbtab__random random;
        xbtab__random_init(&random, plan->seed, XBTAB__RANDOM_WRITE, (uint32_t)p, stream);
        size_t n = xbtab__train_deviates(&train, spec->rram.model->dynamic);
        for (size_t k = 0; k < n; k++) noise[k] = xbtab__random_normal(&random);
        train.noise = noise;
    }
    XBTAB_TRY(
        xbtab__run_train(spice, &spec->rram, &spec->selector, state, &train, after, energy, &sample, NULL));
    if (sample != XBTAB_SAMPLE_OK) *after = NAN;
    return XBTAB_OK;
}

/* What a pulse's unit works on. */
typedef struct pulse_job {
    const xbtab__plan *plan;
    int p;
    xbtab__spice *spice;
    double *noise;              /* noise[deviates of one pulse]; NULL without noise */
    double *state, *G, *energy; /* [room] scratch */
    known *point;               /* point[n]; room for all */
    size_t n, n_failed;
} pulse_job;

/* A start, repeated where there is noise, into point k; nothing where every run fails. */
static xbtab_status add_start(pulse_job *j, double state, int start, known *out, bool *is_known)
{
    int m = repeats(j->plan), n_good = 0;
    double sum = 0;
    j->state[0] = state;
    for (int r = 0; r < m; r++) {
        double after, energy;
        XBTAB_TRY(
            run_once(j->plan, j->p, state, (uint32_t)(start * m + r), j->spice, j->noise, &after, &energy));
        if (isnan(after)) continue;
        j->state[++n_good] = after;
        sum += energy;
    }
    *is_known = n_good > 0;
    if (n_good == 0) return XBTAB_OK;
    XBTAB_TRY(conductances(j->plan, j->spice, j->state, n_good + 1, j->G));
    *out = (known){.state = state,
                   .before = j->G[0],
                   .after = gsl_stats_mean(j->G + 1, 1, (size_t)n_good),
                   .sigma = n_good > 1 ? gsl_stats_sd(j->G + 1, 1, (size_t)n_good) : 0.0,
                   .energy = sum / n_good};
    return XBTAB_OK;
}

/* A train without noise from a state: conductances G[n + 1] before it and after each pulse, into j->G, with
 * the states in j->state and the energies in j->energy. */
static xbtab_status run_whole_train(pulse_job *j, double start)
{
    const xbtab_spec *spec = j->plan->spec;
    const xbtab_pulse *pulse = &spec->write.pulse[j->p];
    xbtab_sample_status sample;
    int n = spec->write.train;
    xbtab_model_pulse *pulses = xbtab__alloc((size_t)n, sizeof *pulses);
    if (!pulses) return XBTAB_NOMEM();
    for (int k = 0; k < n; k++) pulses[k] = (xbtab_model_pulse){pulse->amplitude, pulse->width};
    xbtab__train train = train_of(pulse, pulses, n);
    j->state[0] = start;
    xbtab_status status = xbtab__run_train(j->spice, &spec->rram, &spec->selector, start, &train,
                                           j->state + 1, j->energy, &sample, NULL);
    xbtab__free(pulses);
    XBTAB_TRY(status);
    return conductances(j->plan, j->spice, j->state, n + 1, j->G);
}

/* Halve the intervals over which the outcome jumps most. */
static xbtab_status refine(pulse_job *j)
{
    const xbtab_model *m = j->plan->spec->rram.model;
    const xbtab_parameter *p = &m->parameters[m->state];
    for (int round = 0; round < MOST_REFINED; round++) {
        size_t at = 0;
        double most = 0;
        qsort(j->point, j->n, sizeof *j->point, by_conductance);
        double range = j->point[j->n - 1].before - j->point[0].before;
        for (size_t k = 0; k + 1 < j->n; k++) {
            const known *a = &j->point[k], *b = a + 1;
            double jump = fabs(b->after - a->after);
            if (jump > most && b->before > (1 + closest) * a->before) {
                most = jump;
                at = k;
            }
        }
        if (!(most > least_jump * range)) break;
        double a = j->point[at].state, b = j->point[at + 1].state;
        double middle = m->state_is_log && p->min > 0 ? sqrt(a * b) : 0.5 * (a + b);
        bool is_known;
        XBTAB_TRY(add_start(j, middle, starts(j->plan) + round, &j->point[j->n], &is_known));
        if (!is_known) break;
        j->n++;
    }
    return XBTAB_OK;
}

/* Whether the far end, from which the pulse has farthest to go, is the state's lower one. */
static xbtab_status find_far_end(pulse_job *j, bool *is_first)
{
    double ends[2] = {start_state(j->plan, 0), start_state(j->plan, starts(j->plan) - 1)}, G[2];
    XBTAB_TRY(conductances(j->plan, j->spice, ends, 2, G));
    *is_first = (j->plan->spec->write.pulse[j->p].kind == XBTAB_PULSE_SET) == (G[0] < G[1]);
    return XBTAB_OK;
}

static double train_start(const xbtab__plan *plan, bool from_first, int k)
{
    return start_state(plan, from_first ? k : starts(plan) - 1 - k);
}

/* The result: numbers of points, held-out points and failed starts; the points, known each; the held-out
 * points; and the conductances of the held-out train. */
enum { N_POINTS, N_HELDOUT, N_FAILED, HEAD };

static xbtab_status run_job(pulse_job *j, xbtab__numbers *out)
{
    const xbtab__plan *plan = j->plan;
    int n_starts = starts(plan), n_train = plan->spec->write.train;
    bool is_known, from_first, has_noise = j->noise != NULL;
    known heldout;
    size_t size = sizeof(known) / sizeof(double), n_heldout = 0;
    double *late = xbtab__alloc((size_t)n_starts * size, sizeof *late);
    if (!late) return XBTAB_NOMEM();
    xbtab_status status;
    for (int k = 0; k < n_starts; k++) {
        known *to = k % 2 ? &heldout : &j->point[j->n];
        XBTAB_TRY_DONE(add_start(j, start_state(plan, k), k, to, &is_known));
        if (!is_known) {
            j->n_failed++;
        } else if (k % 2) {
            memcpy(late + size * n_heldout++, &heldout, sizeof heldout);
        } else {
            j->n++;
        }
    }
    XBTAB_TRY_DONE(find_far_end(j, &from_first));
    if (!has_noise) { /* a train without noise is no mean of noisy ones */
        XBTAB_TRY_DONE(run_whole_train(j, train_start(plan, from_first, 0)));
        for (int k = 0; k < n_train && !isnan(j->G[k + 1]); k++)
            j->point[j->n++] = (known){j->state[k], j->G[k], j->G[k + 1], 0.0, j->energy[k]};
        if (j->n > 2) XBTAB_TRY_DONE(refine(j));
    }
    XBTAB_TRY_DONE(run_whole_train(j, train_start(plan, from_first, n_starts / 10 | 1)));
    out->n = HEAD + size * (j->n + n_heldout) + (size_t)n_train + 1;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!out->x) {
        status = XBTAB_NOMEM();
        goto done;
    }
    out->x[N_POINTS] = (double)j->n;
    out->x[N_HELDOUT] = (double)n_heldout;
    out->x[N_FAILED] = (double)j->n_failed;
    memcpy(out->x + HEAD, j->point, j->n * sizeof *j->point);
    memcpy(out->x + HEAD + size * j->n, late, n_heldout * sizeof heldout);
    memcpy(out->x + HEAD + size * (j->n + n_heldout), j->G, ((size_t)n_train + 1) * sizeof *j->G);
done:
    xbtab__free(late);
    return status;
}

xbtab_status xbtab__write_unit(const xbtab__plan *plan, int p, xbtab__spice *spice, xbtab__numbers *out)
{
    const xbtab_write_plan *write = &plan->spec->write;
    const xbtab_model_pulse one = {write->pulse[p].amplitude, write->pulse[p].width};
    xbtab__train train = train_of(&write->pulse[p], &one, 1);
    size_t n_deviates = xbtab__train_deviates(&train, plan->spec->rram.model->dynamic);
    size_t room = (size_t)write->train + (size_t)repeats(plan) + 2;
    pulse_job j = {.plan = plan,
                   .p = p,
                   .spice = spice,
                   .noise = n_deviates ? xbtab__alloc(n_deviates, sizeof(double)) : NULL,
                   .state = xbtab__alloc(room, sizeof(double)),
                   .G = xbtab__alloc(room, sizeof(double)),
                   .energy = xbtab__alloc(room, sizeof(double)),
                   .point =
                       xbtab__alloc((size_t)(starts(plan) + write->train + MOST_REFINED), sizeof(known))};
    xbtab_status status = XBTAB_OK;
    if ((n_deviates && !j.noise) || !j.state || !j.G || !j.energy || !j.point) status = XBTAB_NOMEM();
    if (status == XBTAB_OK) status = run_job(&j, out);
    xbtab__free(j.noise);
    xbtab__free(j.state);
    xbtab__free(j.G);
    xbtab__free(j.energy);
    xbtab__free(j.point);
    return status;
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

/* A pulse's points, by conductance. */
typedef struct known_pulse {
    known *point; /* point[n] */
    size_t n;
} known_pulse;

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

static xbtab_status collect(known_pulse *out, xbtab_write_data *d, const xbtab__plan *plan, size_t p,
                            const double *x)
{
    size_t n = (size_t)x[N_POINTS], n_failed = (size_t)x[N_FAILED];
    d->error.failed += (long)n_failed;
    if (n < 3 || 2 * n_failed > (size_t)starts(plan)) {
        XBTAB_FAIL(XBTAB_ERR_SPICE,
                   "%s pulse of %g V, %g s: %zu of %d transients fail; see: xbartab models test %s",
                   d->kind[p] == XBTAB_PULSE_SET ? "set" : "reset", d->amplitude[p], d->width[p], n_failed,
                   starts(plan), plan->spec->rram.model->name);
    }
    out->point = xbtab__alloc(n, sizeof *out->point);
    if (!out->point) return XBTAB_NOMEM();
    memcpy(out->point, x + HEAD, n * sizeof *out->point);
    qsort(out->point, n, sizeof *out->point, by_conductance);
    out->n = thin(out->point, n);
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

/* Held-out starts and trains against the finished tables. */
static xbtab_status check_tables(xbtab_write_data *d, const xbtab__plan *plan, const xbtab__unit_result *unit)
{
    xbtab_writer *writer = NULL;
    double range = d->G[d->n_G - 1] - d->G[0];
    xbtab__error_sum single = {0}, along = {0};
    long failed = d->error.failed, n_lost = 0;
    XBTAB_TRY(xbtab_writer_create(&writer, d));
    for (size_t p = 0; p < d->n; p++) {
        xbtab_pulse_place place = {.n = 1, .index = {p}, .weight = {1.0}};
        const double *x = unit[p].numbers.x,
                     *late = x + HEAD + (size_t)x[N_POINTS] * sizeof(known) / sizeof *x;
        for (size_t k = 0; k < (size_t)x[N_HELDOUT]; k++) {
            known heldout;
            memcpy(&heldout, late, sizeof heldout);
            late += sizeof heldout / sizeof *late;
            xbtab_pulse_effect e = xbtab_writer_effect(writer, &place, heldout.before);
            xbtab__add_error(&single, heldout.before + e.dG - heldout.after);
        }
        double G = late[0];
        for (int k = 1; k <= plan->spec->write.train; k++) {
            if (isnan(late[k])) { /* ngspice broke off there */
                n_lost += plan->spec->write.train - k + 1;
                break;
            }
            G = xbtab_writer_apply(writer, &place, G, 0, NULL);
            xbtab__add_error(&along, G - late[k]);
        }
    }
    d->error = xbtab__finish_error(&single, range, failed);
    d->error_train = xbtab__finish_error(&along, range, n_lost);
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

bool xbtab__write_fits(const xbtab__plan *plan, const double *x, size_t n)
{
    size_t size = sizeof(known) / sizeof *x, train = (size_t)plan->spec->write.train + 1;
    if (n < HEAD + train) return false;
    for (int k = 0; k < HEAD; k++) {
        if (!(x[k] >= 0 && x[k] <= (double)n && x[k] == floor(x[k]))) return false;
    }
    return n == HEAD + size * (size_t)(x[N_POINTS] + x[N_HELDOUT]) + train;
}

xbtab_status xbtab__write_take(xbtab_write_data *d, const xbtab__plan *plan, const xbtab__unit_result *unit)
{
    const xbtab_spec *spec = plan->spec;
    xbtab_status status;
    size_t n = spec->write.n;
    known_pulse *own = xbtab__alloc(n, sizeof *own);
    if (!own) return XBTAB_NOMEM();
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
        XBTAB_TRY_DONE(collect(&own[p], d, plan, p, unit[p].numbers.x));
    }
    XBTAB_TRY_DONE(common_grid(d, own, n));
    for (size_t p = 0; p < n; p++) XBTAB_TRY_DONE(fill_rows(d, p, &own[p]));
    status = check_tables(d, plan, unit);
done:
    for (size_t p = 0; p < n && own; p++) xbtab__free(own[p].point);
    xbtab__free(own);
    return status;
}
