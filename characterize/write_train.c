/* write_train.c - one cell or bare device through a train of pulses, in ngspice.
 *
 * The state is read off its own node when a pulse is over, so that nothing has to be read through the cell,
 * which would disturb it. */
#include "write_train.h"

#include <math.h>
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

xbtab_status xbtab__run_train(xbtab__spice *spice, const xbtab_model_use *rram,
                              const xbtab_model_use *selector, double state, const xbtab__train *train,
                              double *after, double *energy, xbtab_sample_status *sample, char *reason)
{
    static const char *const outputs[] = {"v(state)", "v(energy)"};
    const xbtab_parameter *p = &rram->model->parameters[rram->model->state];
    xbtab_status status;
    xbtab__text text = {0};
    xbtab__spice_waveform w = {0};
    double *times = xbtab__alloc((size_t)train->n, sizeof *times), before = 0;
    size_t n_corners = xbtab__train_corners(train, rram->model->dynamic, NULL);
    double *corners = xbtab__alloc(n_corners, sizeof *corners);
    if (!times || !corners) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab__train_corners(train, rram->model->dynamic, corners);
    for (int k = 0; k < train->n; k++) times[k] = xbtab__train_time(train, k);
    xbtab__compose_train(&text, rram, selector, state, train);
    XBTAB_TRY_DONE(xbtab__text_status(&text));
    xbtab__spice_transient_job job = {.lines = (const char *const[]){text.s},
                                      .n_lines = 1,
                                      .t_stop = times[train->n - 1],
                                      .step_max = shortest(train) / steps_per_pulse,
                                      .reltol = reltol,
                                      .is_stiff = true,
                                      .n_outputs = 2,
                                      .outputs = outputs,
                                      .n_times = train->n,
                                      .times = times,
                                      .n_corners = (int)n_corners,
                                      .corners = corners};
    for (int attempt = 0; attempt < ATTEMPTS; attempt++, job.step_max /= finer) {
        xbtab__spice_waveform_clear(&w);
        XBTAB_TRY_DONE(xbtab__spice_transient(spice, &job, &w));
        if (w.status != XBTAB_SAMPLE_NOT_CONVERGED || xbtab__spice_is_poisoned(spice)) break;
    }
    if (w.status == XBTAB_SAMPLE_REFUSED) {
        XBTAB_FAIL_DONE(XBTAB_ERR_SPICE, "ngspice refuses the dynamic circuit: %s", w.reason);
    }
    *sample = w.status;
    if (reason) memcpy(reason, w.reason, XBTAB__REASON_SIZE);
    for (int k = 0; k < train->n; k++) {
        double x = (size_t)k < w.n ? w.out[2 * k] / rram->model->dynamic->scale : NAN;
        double E = (size_t)k < w.n ? w.out[2 * k + 1] * xbtab__train_energy_unit(train) : NAN;
        after[k] = isnan(x) ? NAN : fmin(fmax(x, p->min), p->max);
        if (energy) energy[k] = E - before;
        before = E;
    }
done:
    xbtab__free(times);
    xbtab__free(corners);
    xbtab__text_clear(&text);
    xbtab__spice_waveform_clear(&w);
    return status;
}
