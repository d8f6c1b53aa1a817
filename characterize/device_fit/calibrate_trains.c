/* calibrate_trains.c - a model's conductance along a train of pulses: its dynamic subcircuit switches, in
 * ngspice, and between pulses its first one is read. */
#include <math.h>
#include <string.h>

#include "calibrate_private.h"
#include "memory.h"
#include "write_train.h"

/* Cells of one transient: they share its time points, and its cost grows with them. */
enum { AT_ONCE = 32 };

/* Pulses of points [first, end), into pulse[] if it is given. @return how many. */
static int gather(const xbtab__curve_job *job, size_t first, size_t end, xbtab_model_pulse *pulse)
{
    int n = 0;
    for (size_t k = first; k < end; k++) {
        for (int i = 0; i < job->pulse[k].n; i++, n++) {
            if (pulse) pulse[n] = (xbtab_model_pulse){job->pulse[k].amplitude, job->pulse[k].width};
        }
    }
    return n;
}

/* Whether jobs go through the same pulses, as those of one device do. */
static bool are_alike(const xbtab__curve_job *a, const xbtab__curve_job *b)
{
    return a->pulse == b->pulse && a->n == b->n;
}

/* Points [first, end) under one gate voltage, from state[j][first - 1] of each job, to state[j][n]. */
static xbtab_status run_part(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                             int n_jobs, size_t first, size_t end, double *state)
{
    int n = gather(job, first, end, NULL), n_run = 0;
    size_t room = (size_t)n_jobs, width = (size_t)c->n_own;
    double *value = xbtab__alloc(room * width, sizeof *value),
           *after = xbtab__alloc(room * (size_t)n, sizeof *after),
           *before = xbtab__alloc(room, sizeof *before);
    xbtab_model_pulse *pulse = xbtab__alloc((size_t)n, sizeof *pulse);
    xbtab_model_use *rram = xbtab__alloc(room, sizeof *rram),
                    selector = {.model = c->selector, .value = c->selector_value};
    xbtab__train train = {.n = n, .pulse = pulse, .v_gate = job->pulse[first].v_gate};
    xbtab_status status = value && after && before && pulse && rram ? XBTAB_OK : XBTAB_NOMEM();
    if (status < 0) goto done;
    gather(job, first, end, pulse);
    for (int j = 0; j < n_jobs; j++) {
        double *v = value + width * (size_t)n_run, x = state[(size_t)j * job->n + first - 1];
        if (isnan(x)) continue;
        memcpy(v, job[j].value, width * sizeof *v);
        rram[n_run] = (xbtab_model_use){.model = c->model, .value = v, .dynamic_value = v + c->n_read};
        before[n_run++] = x;
    }
    if (n > 0 && n_run > 0)
        XBTAB_TRY_DONE(
            xbtab__run_trains(spice, rram, c->selector ? &selector : NULL, before, n_run, &train, after));
    if (xbtab__spice_is_poisoned(spice))
        XBTAB_FAIL_DONE(XBTAB_ERR_SPICE, "ngspice broke down in a train of pulses of %s", c->model->name);
    for (int j = 0, run = 0; j < n_jobs; j++) {
        double *x = state + (size_t)j * job->n;
        bool has_run = !isnan(x[first - 1]);
        int done = 0;
        for (size_t k = first; k < end; k++) {
            done += job->pulse[k].n;
            x[k] = !has_run || done == 0 ? x[first - 1] : after[run * n + done - 1];
        }
        run += has_run;
    }
done:
    xbtab__free(value);
    xbtab__free(after);
    xbtab__free(before);
    xbtab__free(pulse);
    xbtab__free(rram);
    return status;
}

/* The states of jobs that are alike, state[n_jobs][n]; NAN from where a train failed. */
static xbtab_status states_along(const xbtab__calibration *c, xbtab__spice *spice,
                                 const xbtab__curve_job *job, int n_jobs, double *state)
{
    for (int j = 0; j < n_jobs; j++) state[(size_t)j * job->n] = job[j].value[c->state];
    for (size_t k = 1, end; k < job->n; k = end) {
        for (end = k + 1; end < job->n && job->pulse[end].v_gate == job->pulse[k].v_gate;) end++;
        XBTAB_TRY(run_part(c, spice, job, n_jobs, k, end, state));
    }
    return XBTAB_OK;
}

/* The read curve at each point's state. */
static xbtab_status read_states(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                                const double *state)
{
    size_t width = (size_t)c->n_parameters;
    double *value = xbtab__alloc(job->n * width, sizeof *value),
           offset = job->value[c->n_own + XBTAB__OFFSET];
    xbtab__curve_job *read = xbtab__alloc(job->n, sizeof *read);
    xbtab_status status = value && read ? XBTAB_OK : XBTAB_NOMEM();
    for (size_t k = 0; k < job->n && status == XBTAB_OK; k++) {
        double *v = value + k * width;
        memcpy(v, job->value, width * sizeof *v);
        if (!isnan(state[k])) v[c->state] = state[k];
        v[c->n_own + XBTAB__OFFSET] = 0; /* that of a conductance comes last */
        read[k] = (xbtab__curve_job){.value = v, .x = &c->v_read, .n = 1, .y = &job->y[k]};
    }
    if (status == XBTAB_OK) status = xbtab__reads_run(c, c->formula ? NULL : spice, read, (int)job->n);
    for (size_t k = 0; k < job->n && status == XBTAB_OK; k++)
        job->y[k] = isnan(state[k]) ? NAN : job->y[k] / c->v_read + offset;
    xbtab__free(value);
    xbtab__free(read);
    return status;
}

xbtab_status xbtab__trains_run(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                               int n_jobs)
{
    xbtab_status status = XBTAB_OK;
    for (int first = 0, end; first < n_jobs && status == XBTAB_OK; first = end) {
        for (end = first + 1; end < n_jobs && end - first < AT_ONCE && are_alike(&job[first], &job[end]);)
            end++;
        double *state = xbtab__alloc((size_t)(end - first) * job[first].n, sizeof *state);
        if (!state) return XBTAB_NOMEM();
        status = states_along(c, spice, job + first, end - first, state);
        for (int j = first; j < end && status == XBTAB_OK; j++)
            status = read_states(c, spice, &job[j], state + (size_t)(j - first) * job[j].n);
        xbtab__free(state);
    }
    return status;
}
