/* calibrate_evaluate.c - responses of curves to their arguments: by the sheet's formula, or in ngspice. */
#include <math.h>
#include <string.h>

#include "calibrate_private.h"
#include "memory.h"
#include "circuit_sweep.h"

/* ---- the closed form ---- */

typedef struct formula_run {
    const xbtab__calibration *c;
    const double **value; /* [n_read + 2] */
    char *is_array;
    double *scratch;
    double T;
} formula_run;

static void response(formula_run *f, size_t n, const double *x, const double *T, double *y)
{
    int n_read = f->c->n_read;
    f->value[n_read] = x;
    f->value[n_read + 1] = T ? T : &f->T;
    f->is_array[n_read + 1] = T != NULL;
    xbtab__expression_run(f->c->formula, n, f->value, f->is_array, f->scratch, y);
}

/* The voltage of the cell behind the series resistance, x = V + R I(V) with I of the cell and what is across
 * it: Newton with its slope from a difference, all points at once; the slope serves for four steps. */
static void behind_series(formula_run *f, size_t n, const double *x, const double *T, double series,
                          double parallel, double *V, double *I, double *slope, double *other)
{
    memcpy(V, x, n * sizeof *V);
    for (int step = 0; step < 60; step++) {
        double change = 0;
        response(f, n, V, T, I);
        if (step % 4 == 0) {
            for (size_t k = 0; k < n; k++) slope[k] = V[k] + 1e-6 * (fabs(V[k]) + 1e-3);
            response(f, n, slope, T, other);
            for (size_t k = 0; k < n; k++)
                slope[k] = fmax((other[k] - I[k]) / (slope[k] - V[k]) + 1 / parallel, 0);
        }
        for (size_t k = 0; k < n; k++) {
            double move = -(V[k] + series * (I[k] + V[k] / parallel) - x[k]) / (1 + series * slope[k]);
            V[k] += move;
            change = fmax(change, fabs(move) / (fabs(x[k]) + 1e-3));
        }
        if (!(change > 1e-13)) break;
    }
    response(f, n, V, T, I);
}

static void run_formula(formula_run *f, const xbtab__curve_job *job, double *room)
{
    const double *instrument = job->value + f->c->n_own;
    double series = instrument[XBTAB__SERIES], parallel = instrument[XBTAB__PARALLEL];
    size_t n = job->n;
    for (int k = 0; k < f->c->n_read; k++) f->value[k] = &job->value[k];
    f->T = 300;
    if (f->c->has_series) {
        double *V = room;
        behind_series(f, n, job->x, job->T, series, parallel, V, job->y, room + n, room + 2 * n);
        if (f->c->has_parallel) {
            for (size_t k = 0; k < n; k++) job->y[k] += V[k] / parallel;
        }
    } else {
        response(f, n, job->x, job->T, job->y);
        if (f->c->has_parallel) {
            for (size_t k = 0; k < n; k++) job->y[k] += job->x[k] / parallel;
        }
    }
    for (size_t k = 0; k < n; k++) job->y[k] += instrument[XBTAB__OFFSET];
}

static xbtab_status run_formulas(const xbtab__calibration *c, const xbtab__curve_job *job, int n_jobs)
{
    size_t most = 1;
    for (int k = 0; k < n_jobs; k++) most = job[k].n > most ? job[k].n : most;
    formula_run f = {.c = c};
    f.value = xbtab__alloc((size_t)c->n_read + 2, sizeof *f.value);
    f.is_array = xbtab__alloc((size_t)c->n_read + 2, 1);
    f.scratch = xbtab__alloc(xbtab__expression_scratch(c->formula, most), sizeof *f.scratch);
    double *room = xbtab__alloc(3 * most, sizeof *room);
    xbtab_status status = XBTAB_OK;
    if (f.value && f.is_array && f.scratch && room) {
        f.is_array[c->n_read] = 1;
        for (int k = 0; k < n_jobs; k++) run_formula(&f, &job[k], room);
    } else {
        status = XBTAB_NOMEM();
    }
    xbtab__free(f.value);
    xbtab__free(f.is_array);
    xbtab__free(f.scratch);
    xbtab__free(room);
    return status;
}

/* ---- ngspice ---- */

/* Curves of one circuit: enough to pay for loading it, few enough for the dense parts of its matrix. */
enum { CURVES = 48 };

static void compose(xbtab__text *text, const xbtab__calibration *c, const xbtab__curve_job *job, int n)
{
    const xbtab_model *s = c->selector;
    bool has_gate = s && s->gate >= 0;
    xbtab__text_add(text, "%s\n", c->model->sub_text);
    if (s) xbtab__text_add(text, "%s\n", s->sub_text);
    if (has_gate) xbtab__text_add(text, "Vgate gate 0 dc %.17g\n", c->selector_value[s->gate]);
    for (int k = 0; k < n; k++) {
        const double *instrument = job[k].value + c->n_own;
        xbtab__text_add(text, "Vi%d in%d 0 external\nVm%d in%d p%d dc 0\n", k, k, k, k, k);
        if (c->has_series) {
            xbtab__text_add(text, "Rs%d p%d a%d %.17g\n", k, k, k, fmax(instrument[XBTAB__SERIES], 1e-6));
        } else {
            xbtab__text_add(text, "Vs%d p%d a%d dc 0\n", k, k, k);
        }
        if (c->has_parallel) xbtab__text_add(text, "Rp%d a%d 0 %.17g\n", k, k, instrument[XBTAB__PARALLEL]);
        if (s) {
            xbtab__text_add(text, "Xc%d a%d m%d %s", k, k, k, c->model->name);
        } else {
            xbtab__text_add(text, "Xc%d a%d 0 %s", k, k, c->model->name);
        }
        for (int l = 0; l < c->n_read; l++)
            xbtab__text_add(text, " %s=%.17g", c->parameter[l].name, job[k].value[l]);
        xbtab__text_add(text, "\n");
        if (!s) continue;
        xbtab__text_add(text, "Xs%d m%d 0%s %s", k, k, has_gate ? " gate" : "", s->name);
        for (int l = 0; l < s->n_parameters; l++)
            xbtab__text_add(text, " %s=%.17g", s->parameters[l].name, c->selector_value[l]);
        xbtab__text_add(text, "\n");
    }
}

/* Shorter curves stay at their last point. */
static xbtab_status run_circuit(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                                int n)
{
    size_t points = 1;
    for (int k = 0; k < n; k++) points = job[k].n > points ? job[k].n : points;
    xbtab__text text = {0}, outputs = {0};
    double *x = xbtab__alloc(points * (size_t)n, sizeof *x), *I = xbtab__alloc(points * (size_t)n, sizeof *I);
    xbtab_sample_status *each = xbtab__alloc(points, sizeof *each);
    xbtab_status status = x && I && each ? XBTAB_OK : XBTAB_NOMEM();
    compose(&text, c, job, n);
    for (int k = 0; k < n; k++) xbtab__text_add(&outputs, "%si(vm%d)", k ? "\n" : "", k);
    if (status == XBTAB_OK) {
        for (size_t p = 0; p < points; p++) {
            for (int k = 0; k < n; k++)
                x[p * (size_t)n + (size_t)k] = job[k].x[p < job[k].n ? p : job[k].n - 1];
        }
        status = xbtab__solve_text(spice, &text, (int)points, n, x, n, &outputs, I, each);
    }
    for (int k = 0; k < n && status == XBTAB_OK; k++) {
        double offset = job[k].value[c->n_own + XBTAB__OFFSET];
        for (size_t p = 0; p < job[k].n; p++) {
            bool good = each[p] == XBTAB_SAMPLE_OK;
            job[k].y[p] = good ? I[p * (size_t)n + (size_t)k] + offset : NAN;
        }
    }
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    xbtab__free(x);
    xbtab__free(I);
    xbtab__free(each);
    return status;
}

xbtab_status xbtab__reads_run(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                              int n_jobs)
{
    if (!spice) return run_formulas(c, job, n_jobs);
    for (int k = 0; k < n_jobs; k += CURVES) {
        XBTAB_TRY(run_circuit(c, spice, job + k, n_jobs - k < CURVES ? n_jobs - k : CURVES));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__curves_run(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                               int n_jobs)
{
    return c->has_trains ? xbtab__trains_run(c, spice, job, n_jobs) : xbtab__reads_run(c, spice, job, n_jobs);
}
