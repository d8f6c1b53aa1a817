/* write_train.c - one cell or bare device through a train of pulses, in ngspice.
 *
 * The state is read off its own node when a pulse is over, so that nothing has to be read through the cell,
 * which would disturb it. */
#include "write_train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

/* Steps of a pulse at least, and the accuracy of one: a filament that runs away within a pulse, and the bound
 * where it stops, need no finer ones (states change by less than 1e-4 of their range with ten times as fine).
 */
static const double steps_per_pulse = 20, reltol = 1e-5;

/* A run that ngspice breaks off is run again with finer steps, which fall elsewhere: Newton's method may
 * leave the one solution for good at a single time point of thousands. */
enum { ATTEMPTS = 3 };
static const double finer = 2.3;

static double shortest(const xbtab__train *train)
{
    double width = train->pulse[0].width;
    for (int p = 1; p < train->n; p++) width = fmin(width, train->pulse[p].width);
    return width;
}

/* A composed train's outputs after each pulse, w->out[pulse][output]. */
static xbtab_status run(xbtab__spice *spice, const xbtab__text *text, const xbtab_model *model,
                        const xbtab__train *train, const char *const *outputs, int n_outputs,
                        xbtab__spice_waveform *w)
{
    size_t n_corners = xbtab__train_corners(train, model->dynamic, NULL);
    double *times = xbtab__alloc((size_t)train->n, sizeof *times),
           *corners = xbtab__alloc(n_corners, sizeof *corners);
    xbtab_status status = times && corners ? xbtab__text_status(text) : XBTAB_NOMEM();
    if (status < 0) goto done;
    xbtab__train_corners(train, model->dynamic, corners);
    for (int k = 0; k < train->n; k++) times[k] = xbtab__train_time(train, k);
    xbtab__spice_transient_job job = {.lines = (const char *const[]){text->s},
                                      .n_lines = 1,
                                      .t_stop = times[train->n - 1],
                                      .step_max = shortest(train) / steps_per_pulse,
                                      .reltol = reltol,
                                      .is_stiff = true,
                                      .n_outputs = n_outputs,
                                      .outputs = outputs,
                                      .n_times = train->n,
                                      .times = times,
                                      .n_corners = (int)n_corners,
                                      .corners = corners};
    for (int attempt = 0; attempt < ATTEMPTS; attempt++, job.step_max /= finer) {
        xbtab__spice_waveform_clear(w);
        XBTAB_TRY_DONE(xbtab__spice_transient(spice, &job, w));
        if (w->status != XBTAB_SAMPLE_NOT_CONVERGED || xbtab__spice_is_poisoned(spice)) break;
    }
    if (w->status == XBTAB_SAMPLE_REFUSED)
        XBTAB_FAIL_DONE(XBTAB_ERR_SPICE, "ngspice refuses the dynamic circuit: %s", w->reason);
done:
    xbtab__free(times);
    xbtab__free(corners);
    return status;
}

/* The state parameter from its node, within its bounds; NAN stays. */
static double state_of(const xbtab_model *model, double volts)
{
    const xbtab_parameter *p = &model->parameters[model->state];
    return isnan(volts) ? NAN : fmin(fmax(volts / model->dynamic->scale, p->min), p->max);
}

xbtab_status xbtab__run_train(xbtab__spice *spice, const xbtab_model_use *rram,
                              const xbtab_model_use *selector, double state, const xbtab__train *train,
                              double *after, double *energy, xbtab_sample_status *sample, char *reason)
{
    static const char *const outputs[] = {"v(state)", "v(energy)"};
    xbtab__text text = {0};
    xbtab__spice_waveform w = {0};
    double before = 0;
    xbtab__compose_train(&text, rram, selector, state, train);
    xbtab_status status = run(spice, &text, rram->model, train, outputs, 2, &w);
    *sample = w.status;
    if (reason) memcpy(reason, w.reason, XBTAB__REASON_SIZE);
    for (int k = 0; k < train->n && status == XBTAB_OK; k++) {
        double E = (size_t)k < w.n ? w.out[2 * k + 1] * xbtab__train_energy_unit(train) : NAN;
        after[k] = state_of(rram->model, (size_t)k < w.n ? w.out[2 * k] : NAN);
        if (energy) energy[k] = E - before;
        before = E;
    }
    xbtab__text_clear(&text);
    xbtab__spice_waveform_clear(&w);
    return status;
}

xbtab_status xbtab__run_trains(xbtab__spice *spice, const xbtab_model_use *rram,
                               const xbtab_model_use *selector, const double *state, int n,
                               const xbtab__train *train, double *after)
{
    char(*name)[24] = xbtab__alloc((size_t)n, sizeof *name);
    const char **output = xbtab__alloc((size_t)n, sizeof *output);
    xbtab__text text = {0};
    xbtab__spice_waveform w = {0};
    xbtab_sample_status sample;
    xbtab_status status = name && output ? XBTAB_OK : XBTAB_NOMEM();
    for (int k = 0; k < n && status == XBTAB_OK; k++) {
        snprintf(name[k], sizeof name[k], "v(state%d)", k);
        output[k] = name[k];
    }
    if (status == XBTAB_OK) {
        xbtab__compose_trains(&text, rram, selector, state, n, train);
        status = run(spice, &text, rram->model, train, output, n, &w);
    }
    for (int k = 0; k < n && status == XBTAB_OK; k++) {
        for (int p = 0; p < train->n; p++)
            after[k * train->n + p] = state_of(rram->model, (size_t)p < w.n ? w.out[p * n + k] : NAN);
        /* one that does not converge takes the others with it, unless each goes alone */
        if (w.status == XBTAB_SAMPLE_OK || xbtab__spice_is_poisoned(spice)) continue;
        status = xbtab__run_train(spice, &rram[k], selector, state[k], train, after + k * train->n, NULL,
                                  &sample, NULL);
    }
    xbtab__free(name);
    xbtab__free(output);
    xbtab__text_clear(&text);
    xbtab__spice_waveform_clear(&w);
    return status;
}
