/* calibrate.c - runs a calibration: several starts on some devices, the best of them on all, and its figures.
 *
 * With a formula it runs here; in ngspice each start is a unit of a worker pool, and the last fit another. */
#include <xbartab/calibrate.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_errno.h>

#include "calibrate_fit.h"
#include "clock.h"
#include "current_sign.h"
#include "memory.h"
#include "random.h"
#include "worker.h"
#include "text.h"

/* Devices that the starts are tried on, spread over all; the best start then fits every device. */
enum { TRIAL_DEVICES = 48 };

typedef struct task {
    const xbtab__calibration *c;
    const xbtab__points *p;
    xbtab_fit *fit; /* allocated before any fork, so that its pointers mean the same in a worker */
    double *start;  /* start[n_starts][1 + n_shared]: loss and shared parameters where each ended */
    int best;
} task;

static void draw_start(xbtab__fitting *f, int start)
{
    xbtab__random random;
    xbtab__random_init(&random, f->c->seed, XBTAB__RANDOM_CALIBRATE, 0, (uint32_t)start + 1);
    for (int k = 0; k < f->c->n_shared; k++) {
        const xbtab__quantity_fitted *q = &f->c->parameter[f->c->shared[k]];
        double share = xbtab__random_uniform(&random);
        if (start == 0) continue;
        f->u_shared[k] = q->scale == XBTAB__SCALE_FREE ? xbtab__random_normal(&random)
                                                       : asin(2 * (0.02 + 0.96 * share) - 1);
    }
}

/* @param[out] out  out[1 + n_shared] */
static xbtab_status try_start(const task *t, xbtab__spice *spice, int start, double *out)
{
    xbtab__fitting f;
    XBTAB_TRY(xbtab__fitting_init(&f, t->c, t->p, spice));
    if (f.n_use > TRIAL_DEVICES) {
        for (int k = 0; k < TRIAL_DEVICES; k++) f.use[k] = f.use[(long)k * f.n_use / TRIAL_DEVICES];
        f.n_use = TRIAL_DEVICES;
    }
    draw_start(&f, start);
    xbtab_status status = xbtab__fitting_run(&f, true, out);
    /* a start that the solver gives up on has lost, and is no failure of the run */
    if (status == XBTAB_ERR_SOLVE) {
        out[0] = INFINITY;
        status = XBTAB_OK;
    }
    memcpy(out + 1, f.u_shared, (size_t)t->c->n_shared * sizeof *out);
    xbtab__fitting_clear(&f);
    return status;
}

static xbtab_status fit_all(const task *t, xbtab__spice *spice)
{
    xbtab__fitting f;
    double cost;
    XBTAB_TRY(xbtab__fitting_init(&f, t->c, t->p, spice));
    memcpy(f.u_shared, t->start + t->best * (1 + t->c->n_shared) + 1,
           (size_t)t->c->n_shared * sizeof *f.u_shared);
    xbtab_status status = xbtab__fitting_run(&f, true, &cost);
    t->fit->iterations = f.iterations;
    if (status == XBTAB_OK) status = xbtab__fit_figures(t->fit, &f);
    xbtab__fitting_clear(&f);
    return status;
}

/* ---- the fit's memory ---- */

/* Arrays that a worker fills in, and their sizes. */
enum { ARRAYS = 11 };
static void arrays_of(xbtab_fit *fit, void **at, size_t *bytes)
{
    size_t devices = (size_t)fit->n_devices, own = devices * (size_t)fit->n_device, n = fit->n_points,
           shared = (size_t)fit->n_shared;
    void *const pointers[ARRAYS] = {
        fit,    fit->parameter, fit->correlation, fit->own,          fit->own_error, fit->device_rmse,
        fit->x, fit->y,         fit->fitted,      fit->point_device, fit->is_heldout};
    const size_t sizes[ARRAYS] = {sizeof *fit,
                                  (size_t)fit->n_parameters * sizeof *fit->parameter,
                                  shared * shared * sizeof(double),
                                  own * sizeof(double),
                                  own * sizeof(double),
                                  devices * sizeof(double),
                                  n * sizeof(double),
                                  n * sizeof(double),
                                  n * sizeof(double),
                                  n * sizeof(int),
                                  devices * sizeof(int)};
    memcpy(at, pointers, sizeof pointers);
    memcpy(bytes, sizes, sizeof sizes);
}

static xbtab_status copy(char **out, const char *text)
{
    *out = xbtab__strdup(text ? text : "");
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

/* The highest pulses of the data, set ones to the side to which the sheet's set pulse goes. */
static void take_pulses(xbtab_fit *fit, const xbtab__points *p)
{
    for (size_t k = 0; k < p->n && p->pulse; k++) {
        const xbtab__point_pulses *q = &p->pulse[k];
        xbtab_model_pulse *to =
            q->amplitude * fit->model->dynamic->set.amplitude > 0 ? &fit->set : &fit->reset;
        if (q->n > 0 && fabs(q->amplitude) > fabs(to->amplitude))
            *to = (xbtab_model_pulse){q->amplitude, q->width};
    }
}

static xbtab_status fit_fill(xbtab_fit *fit, const xbtab__calibration *c, const xbtab__points *p)
{
    static const char *const losses[] = {"squares", "huber", "cauchy"};
    size_t devices = (size_t)p->n_devices, n = p->n;
    XBTAB_TRY(copy(&fit->name, c->name));
    XBTAB_TRY(copy(&fit->path, c->path));
    XBTAB_TRY(copy(&fit->text, c->text));
    XBTAB_TRY(copy(&fit->formula, c->formula_text));
    fit->kind = c->kind;
    fit->model = c->model;
    fit->weighting = c->weighting == XBTAB__WEIGHTING_LOG ? "log" : "linear";
    fit->loss = losses[c->loss];
    fit->n_starts = c->n_starts;
    fit->seed = c->seed;
    fit->parameter = xbtab__alloc((size_t)c->n_parameters, sizeof *fit->parameter);
    fit->shared = xbtab__alloc((size_t)c->n_shared, sizeof *fit->shared);
    fit->device = xbtab__alloc((size_t)c->n_device, sizeof *fit->device);
    fit->correlation = xbtab__alloc((size_t)c->n_shared * (size_t)c->n_shared, sizeof(double));
    fit->label = xbtab__alloc(devices, sizeof *fit->label);
    fit->is_heldout = xbtab__alloc(devices, sizeof *fit->is_heldout);
    fit->own = xbtab__alloc(devices * (size_t)c->n_device, sizeof(double));
    fit->own_error = xbtab__alloc(devices * (size_t)c->n_device, sizeof(double));
    fit->device_rmse = xbtab__alloc(devices, sizeof(double));
    fit->x = xbtab__alloc(n, sizeof(double));
    fit->y = xbtab__alloc(n, sizeof(double));
    fit->fitted = xbtab__alloc(n, sizeof(double));
    fit->point_device = xbtab__alloc(n, sizeof(int));
    if (!fit->parameter || !fit->shared || !fit->device || !fit->correlation || !fit->label ||
        !fit->is_heldout || !fit->own || !fit->own_error || !fit->device_rmse || !fit->x || !fit->y ||
        !fit->fitted || !fit->point_device)
        return XBTAB_NOMEM();
    fit->n_parameters = c->n_parameters;
    fit->n_shared = c->n_shared;
    fit->n_device = c->n_device;
    fit->n_devices = p->n_devices;
    fit->n_points = n;
    take_pulses(fit, p);
    memcpy(fit->shared, c->shared, (size_t)c->n_shared * sizeof *fit->shared);
    memcpy(fit->device, c->device, (size_t)c->n_device * sizeof *fit->device);
    for (int d = 0; d < p->n_devices; d++) {
        XBTAB_TRY(copy(&fit->label[d], p->label[d]));
        fit->is_heldout[d] = p->is_heldout[d];
        fit->n_heldout += p->is_heldout[d];
    }
    for (int k = 0; k < c->n_parameters; k++) {
        const xbtab__quantity_fitted *q = &c->parameter[k];
        xbtab_fitted *f = &fit->parameter[k];
        *f = (xbtab_fitted){.role = q->role,
                            .value = q->value,
                            .min = q->min,
                            .max = q->max,
                            .standard_error = NAN,
                            .device_error = NAN,
                            .low = NAN,
                            .high = NAN,
                            .is_identifiable = 1};
        XBTAB_TRY(copy(&f->name, q->name));
        XBTAB_TRY(copy(&f->unit, q->unit));
        XBTAB_TRY(copy(&f->description, q->description));
    }
    return XBTAB_OK;
}

void xbtab_fit_destroy(xbtab_fit **out)
{
    xbtab_fit *fit = *out;
    if (!fit) return;
    for (int k = 0; k < fit->n_parameters; k++) {
        xbtab__free(fit->parameter[k].name);
        xbtab__free(fit->parameter[k].unit);
        xbtab__free(fit->parameter[k].description);
    }
    for (int d = 0; d < fit->n_devices; d++) xbtab__free(fit->label[d]);
    void *const blocks[] = {fit->name,  fit->path,   fit->text,        fit->data,       fit->formula,
                            fit->label, fit->shared, fit->parameter,   fit->device,     fit->correlation,
                            fit->own,   fit->x,      fit->own_error,   fit->is_heldout, fit->device_rmse,
                            fit->y,     fit->fitted, fit->point_device};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++) xbtab__free(blocks[k]);
    xbtab__free(fit);
    *out = NULL;
}

/* ---- in ngspice ---- */

static xbtab_status start_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    const task *t = context;
    size_t width = 1 + (size_t)t->c->n_shared;
    (void)sample;
    gsl_set_error_handler_off();
    if (unit == 0) XBTAB_TRY(xbtab__points_check(t->p, t->c, spice));
    double *out = xbtab__alloc(width, sizeof *out);
    if (!out) return XBTAB_NOMEM();
    xbtab_status status = try_start(t, spice, (int)unit, out);
    if (status == XBTAB_OK) xbtab__bytes_add(reply, out, width * sizeof *out);
    xbtab__free(out);
    return status;
}

static xbtab_status take_start(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                               void *context)
{
    const task *t = context;
    double *at = t->start + unit * (1 + t->c->n_shared);
    at[0] = INFINITY;
    if (sample == XBTAB_SAMPLE_OK) memcpy(at, bytes, n);
    return XBTAB_OK;
}

static xbtab_status fit_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply, xbtab_sample_status *sample,
                             void *context)
{
    const task *t = context;
    void *at[ARRAYS];
    size_t bytes[ARRAYS];
    (void)unit, (void)sample;
    gsl_set_error_handler_off();
    XBTAB_TRY(fit_all(t, spice));
    snprintf(t->fit->ngspice, sizeof t->fit->ngspice, "%s", xbtab__spice_version(spice));
    arrays_of(t->fit, at, bytes);
    for (int k = 0; k < ARRAYS; k++) xbtab__bytes_add(reply, at[k], bytes[k]);
    return XBTAB_OK;
}

static xbtab_status take_fit(long unit, xbtab_sample_status sample, const void *data, size_t n, void *context)
{
    const task *t = context;
    void *at[ARRAYS];
    size_t bytes[ARRAYS], done = 0;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK)
        XBTAB_FAIL(XBTAB_ERR_SPICE, "the fit in ngspice: %s", xbtab__sample_status_text(sample));
    arrays_of(t->fit, at, bytes);
    for (int k = 0; k < ARRAYS && done + bytes[k] <= n; k++) {
        memcpy(at[k], (const char *)data + done, bytes[k]);
        done += bytes[k];
    }
    return XBTAB_OK;
}

/* A fit asks for a few thousand small sweeps, each of which has a limit of its own (worker.h). */
static double unit_seconds(long unit, void *context)
{
    (void)unit, (void)context;
    return 86400;
}

static void pick_best(task *t)
{
    int width = 1 + t->c->n_shared;
    t->best = 0;
    for (int s = 1; s < t->c->n_starts; s++) {
        if (t->start[s * width] < t->start[t->best * width]) t->best = s;
    }
    double least = t->start[t->best * width];
    for (int s = 0; s < t->c->n_starts; s++) t->fit->n_agree += t->start[s * width] <= 1.01 * least + 1e-300;
}

static xbtab_status run_here(task *t, const xbtab_calibrate_options *options)
{
    double began = xbtab__seconds();
    int n_starts = t->c->n_shared > 0 ? t->c->n_starts : 1;
    XBTAB_TRY(xbtab__points_check(t->p, t->c, NULL));
    for (int s = 0; s < n_starts; s++) {
        XBTAB_TRY(try_start(t, NULL, s, t->start + s * (1 + t->c->n_shared)));
        xbtab_progress progress = {.what = "starts",
                                   .done = s + 1,
                                   .total = n_starts,
                                   .seconds = xbtab__seconds() - began,
                                   .seconds_left = -1};
        if (options->progress && options->progress(&progress, options->payload))
            XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled");
    }
    pick_best(t);
    if (isinf(t->start[t->best * (1 + t->c->n_shared)]))
        XBTAB_FAIL(XBTAB_ERR_SOLVE,
                   "no start of the fit converged; give better start values or narrower bounds");
    return fit_all(t, NULL);
}

static xbtab_status run_in_ngspice(task *t, const xbtab_calibrate_options *options)
{
    xbtab__pool_options pool = {.n_workers = options->workers > 0 ? options->workers : xbtab__cores(),
                                .units_per_worker = 1,
                                .seconds_max = unit_seconds,
                                .progress = options->progress,
                                .progress_payload = options->payload,
                                .what = "starts"};
    XBTAB_TRY(
        xbtab__pool_run(NULL, &pool, t->c->n_shared > 0 ? t->c->n_starts : 1, start_unit, take_start, t));
    pick_best(t);
    if (isinf(t->start[t->best * (1 + t->c->n_shared)]))
        XBTAB_FAIL(XBTAB_ERR_SOLVE,
                   "no start of the fit converged; give better start values or narrower bounds");
    pool.n_workers = 1;
    pool.what = "fit of all devices";
    return xbtab__pool_run(NULL, &pool, 1, fit_unit, take_fit, t);
}

static xbtab_status join_names(char **out, const char *const *names, int n)
{
    xbtab__text text = {0};
    for (int k = 0; k < n; k++) xbtab__text_add(&text, "%s%s", k ? ", " : "", names[k]);
    xbtab_status status = xbtab__text_status(&text);
    if (status == XBTAB_OK) status = copy(out, text.s);
    xbtab__text_clear(&text);
    return status;
}

/* Currents with the sign that was meant, and said so. */
static xbtab_status turn_points(xbtab__points *p, const xbtab__calibration *c, const char *path,
                                const xbtab_calibrate_options *options)
{
    const char *what;
    xbtab__text line = {0};
    XBTAB_TRY(xbtab__points_turn(&what, p, c, path));
    if (!what || !options || !options->note) return XBTAB_OK;
    xbtab__text_add(&line, "%s: %s", path, what);
    if (!line.failed) options->note(line.s, options->payload);
    xbtab__text_clear(&line);
    return XBTAB_OK;
}

xbtab_status xbtab_calibrate(xbtab_fit **out, const char *spec, const char *const *data, int n,
                             const xbtab_models *models, const xbtab_calibrate_options *options)
{
    static const xbtab_calibrate_options defaults = {0};
    xbtab__calibration *c = NULL;
    xbtab__points p = {0};
    task t = {0};
    double began = xbtab__seconds();
    xbtab_status status = xbtab__calibration_open(&c, spec, models);
    if (status < 0) return status;
    XBTAB_TRY_DONE(xbtab__points_read(&p, c, data, n));
    XBTAB_TRY_DONE(turn_points(&p, c, n == 1 ? data[0] : "data", options));
    t = (task){.c = c, .p = &p, .fit = xbtab__alloc(1, sizeof *t.fit)};
    t.start = xbtab__alloc((size_t)c->n_starts * (1 + (size_t)c->n_shared), sizeof *t.start);
    if (!t.fit || !t.start) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(fit_fill(t.fit, c, &p));
    XBTAB_TRY_DONE(join_names(&t.fit->data, data, n));
    if (!options) options = &defaults;
    t.fit->in_ngspice = c->model && (options->force_spice || !c->formula || c->has_trains);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    status = t.fit->in_ngspice ? run_in_ngspice(&t, options) : run_here(&t, options);
    gsl_set_error_handler(handler);
    if (status < 0) goto done;
    t.fit->seconds = xbtab__seconds() - began;
    *out = t.fit;
    t.fit = NULL;
done:
    if (t.fit) xbtab_fit_destroy(&t.fit);
    xbtab__free(t.start);
    xbtab__points_clear(&p);
    xbtab__calibration_destroy(&c);
    return status;
}

/* ---- one model's sweep ---- */

typedef struct sweep {
    xbtab__calibration c;
    xbtab__curve_job job;
} sweep;

static xbtab_status sweep_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    const sweep *s = context;
    (void)unit, (void)sample;
    XBTAB_TRY(xbtab__curves_run(&s->c, spice, &s->job, 1));
    xbtab__bytes_add(reply, s->job.y, s->job.n * sizeof *s->job.y);
    return XBTAB_OK;
}

static xbtab_status take_sweep(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                               void *context)
{
    const sweep *s = context;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK) XBTAB_FAIL(XBTAB_ERR_SPICE, "%s", xbtab__sample_status_text(sample));
    memcpy(s->job.y, bytes, n);
    return XBTAB_OK;
}

xbtab_status xbtab_model_current(const xbtab_model *model, const double *value, const double *V, int n,
                                 int in_spice, double *I)
{
    int n_own = model->n_parameters;
    sweep s = {
        .c = {.model = model, .n_read = n_own, .n_own = n_own, .n_parameters = n_own + XBTAB__INSTRUMENT}};
    double *all = xbtab__alloc((size_t)s.c.n_parameters, sizeof *all);
    const char **names = xbtab__alloc((size_t)n_own + 2, sizeof *names);
    xbtab_status status = XBTAB_OK;
    s.c.parameter = xbtab__alloc((size_t)s.c.n_parameters, sizeof *s.c.parameter);
    if (!all || !names || !s.c.parameter) {
        status = XBTAB_NOMEM();
        goto done;
    }
    memcpy(all, value, (size_t)n_own * sizeof *all);
    for (int k = 0; k < n_own; k++) names[k] = s.c.parameter[k].name = model->parameters[k].name;
    names[n_own] = "V";
    names[n_own + 1] = "T";
    s.job = (xbtab__curve_job){.value = all, .x = V, .n = (size_t)n, .y = I};
    if (in_spice) {
        xbtab__pool_options pool = {.n_workers = 1};
        status = xbtab__pool_run(NULL, &pool, 1, sweep_unit, take_sweep, &s);
    } else if (!model->current) {
        status = xbtab__error_set(XBTAB_ERR_UNSUPPORTED, "%s: the sheet states no formula (key current)",
                                  model->name);
    } else {
        status = xbtab__expression_create(&s.c.formula, model->current, names, n_own + 2);
        if (status == XBTAB_OK) status = xbtab__curves_run(&s.c, NULL, &s.job, 1);
    }
done:
    xbtab__expression_destroy(&s.c.formula);
    xbtab__free(s.c.parameter);
    xbtab__free(all);
    xbtab__free(names);
    return status;
}
