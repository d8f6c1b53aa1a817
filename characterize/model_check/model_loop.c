/* model_loop.c - a bare device under a triangular voltage, in ngspice: the hysteresis loop that measured
 * devices are shown by. */
#include "model_loop.h"

#include <string.h>

#include "memory.h"
#include "text.h"
#include "train.h"
#include "worker.h"

enum { LEGS = 4, CYCLES = 2, POINTS_A_LEG = (XBTAB_LOOP_POINTS - 1) / (LEGS * CYCLES), ATTEMPTS = 3 };

/* A leg from 0 V to a peak, or back, lasts so many of the sheet's pulses: the peak is approached as slowly as
 * a pulse stands. */
static const double pulses_a_leg = 5;

static const double steps_a_point = 4, finer = 2.3, reltol = 1e-5;

xbtab_status xbtab__run_loop(xbtab__spice *spice, const xbtab_model_use *use, double factor, double *V,
                             double *I, double *state, xbtab_sample_status *sample, char *reason)
{
    static const char *const outputs[] = {"v(in0)", "i(vm0)", "v(state0)"};
    const xbtab_model *m = use->model;
    const xbtab_model_pulse *peak[] = {&m->dynamic->set, &m->dynamic->reset};
    xbtab_status status;
    xbtab__text text = {0}, source = {0};
    xbtab__spice_waveform w = {0};
    double times[XBTAB_LOOP_POINTS], t = 0, shortest = 0;
    times[0] = 0;
    xbtab__text_add(&source, "pwl(0 0");
    for (int leg = 0; leg < CYCLES * LEGS; leg++) {
        const xbtab_model_pulse *p = peak[leg / 2 % 2];
        double length = pulses_a_leg * p->width;
        for (int k = 0; k < POINTS_A_LEG; k++)
            times[leg * POINTS_A_LEG + k + 1] = t + (k + 1) * length / POINTS_A_LEG;
        t = times[(leg + 1) * POINTS_A_LEG];
        xbtab__text_add(&source, " %.17g %.17g", t, leg % 2 ? 0 : factor * p->amplitude);
        if (leg == 0 || length < shortest) shortest = length;
    }
    xbtab__text_add(&source, ")");
    XBTAB_TRY_DONE(xbtab__text_status(&source));
    xbtab__compose_dynamic_bench(&text, use, &use->value[m->state], 1, source.s);
    XBTAB_TRY_DONE(xbtab__text_status(&text));
    xbtab__spice_transient_job job = {.lines = (const char *const[]){text.s},
                                      .n_lines = 1,
                                      .t_stop = t,
                                      .step_max = shortest / POINTS_A_LEG / steps_a_point,
                                      .reltol = reltol,
                                      .is_stiff = true,
                                      .n_outputs = 3,
                                      .outputs = outputs,
                                      .n_times = XBTAB_LOOP_POINTS,
                                      .times = times};
    for (int attempt = 0; attempt < ATTEMPTS; attempt++, job.step_max /= finer) {
        xbtab__spice_waveform_clear(&w);
        XBTAB_TRY_DONE(xbtab__spice_transient(spice, &job, &w));
        if (w.status != XBTAB_SAMPLE_NOT_CONVERGED || xbtab__spice_is_poisoned(spice)) break;
    }
    *sample = w.status;
    memcpy(reason, w.reason, XBTAB__REASON_SIZE);
    for (size_t k = 0; k < w.n && k < XBTAB_LOOP_POINTS; k++) {
        V[k] = w.out[3 * k];
        I[k] = w.out[3 * k + 1];
        state[k] = w.out[3 * k + 2] / m->dynamic->scale;
    }
done:
    xbtab__text_clear(&text);
    xbtab__text_clear(&source);
    xbtab__spice_waveform_clear(&w);
    return status;
}

/* ---- in a worker ---- */

typedef struct loop {
    double V[XBTAB_LOOP_POINTS], I[XBTAB_LOOP_POINTS], state[XBTAB_LOOP_POINTS];
} loop;

typedef struct loop_job {
    xbtab_model_use use;
    loop *out;
    char reason[XBTAB__REASON_SIZE];
} loop_job;

static xbtab_status loop_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                              xbtab_sample_status *sample, void *context)
{
    loop_job *j = context;
    (void)unit;
    XBTAB_TRY(xbtab__run_loop(spice, &j->use, 1.0, j->out->V, j->out->I, j->out->state, sample, j->reason));
    if (*sample != XBTAB_SAMPLE_OK)
        XBTAB_FAIL(XBTAB_ERR_SPICE, "%s: the loop: %s", j->use.model->name, j->reason);
    xbtab__bytes_add(reply, j->out, sizeof *j->out);
    return XBTAB_OK;
}

static xbtab_status take_loop(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                              void *context)
{
    loop_job *j = context;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK || n != sizeof *j->out)
        XBTAB_FAIL(XBTAB_ERR_SPICE, "%s: the loop: %s", j->use.model->name,
                   xbtab__sample_status_text(sample));
    memcpy(j->out, bytes, n);
    return XBTAB_OK;
}

xbtab_status xbtab_model_loop(const xbtab_model *model, double *voltage, double *current, double *state)
{
    xbtab_status status = XBTAB_OK;
    xbtab__pool_options pool = {.n_workers = 1};
    if (!model->dynamic)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s does not switch: its sheet has no dynamic", model->name);
    loop_job j = {.use = {.model = model}, .out = xbtab__alloc(1, sizeof *j.out)};
    j.use.value = xbtab__alloc((size_t)model->n_parameters, sizeof *j.use.value);
    j.use.dynamic_value = xbtab__alloc((size_t)model->dynamic->n_parameters, sizeof *j.use.dynamic_value);
    if (!j.out || !j.use.value || !j.use.dynamic_value) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < model->n_parameters; k++) j.use.value[k] = model->parameters[k].value;
    for (int k = 0; k < model->dynamic->n_parameters; k++)
        j.use.dynamic_value[k] = model->dynamic->parameters[k].value;
    XBTAB_TRY_DONE(xbtab__pool_run(NULL, &pool, 1, loop_unit, take_loop, &j));
    memcpy(voltage, j.out->V, sizeof j.out->V);
    memcpy(current, j.out->I, sizeof j.out->I);
    memcpy(state, j.out->state, sizeof j.out->state);
done:
    xbtab__free(j.out);
    xbtab__free(j.use.value);
    xbtab__free(j.use.dynamic_value);
    return status;
}
