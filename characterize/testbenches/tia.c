/* tia.c - the read-out of a column in time: settling, noise, offsets.
 *
 * A settling time is found on a transient that is made longer until the output has stayed within its
 * tolerance for half of it; the level it must reach is that of the operating point, not the transient's own
 * end. What does not work out is NAN: it says so in the tables, and the rest of the characterization stands.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include <gsl/gsl_integration.h>

#include "compose.h"
#include "memory.h"
#include "testbench.h"

enum { POINTS_A_DECADE = 50, OFFSETS = 9 };

/* A step is a ramp of this share of a read; the first transient lasts two reads, and each next one eight
 * times as long. */
static const double ramp_share = 1e-4, first_share = 2, growth = 8;
enum { TURNS = 4, STEPS = 400 };

/* Frequencies of the noise analysis, as multiples of the read bandwidth: far enough below for white noise to
 * be white, and above for the pole to have cut off all but a thousandth. */
static const double f_lowest = 1e-6, f_highest = 1e3;

static double half_step(const xbtab_spec *spec, const double *V)
{
    return 0.5 * fabs(V[1] - V[0]) / ldexp(1.0, spec->adc_bits);
}

static double mean_conductance(const xbtab_spec *spec)
{
    double sum = 0;
    for (int k = 0; k < spec->n_levels; k++) sum += spec->G_level[k];
    return sum / spec->n_levels;
}

/* A bench whose one source takes the words given. */
typedef struct stepped {
    const xbtab__plan *plan;
    void (*compose)(xbtab__text *text, const xbtab__plan *plan, const char *source);
    double rest, driven; /* before and after the step [V or A] */
    const char *output;  /* that must settle */
} stepped;

static void compose_tia(xbtab__text *text, const xbtab__plan *plan, const char *source)
{
    const xbtab_spec *spec = plan->spec;
    xbtab__compose_loaded_tias(text, spec, source, spec->rows * mean_conductance(spec),
                               spec->rows * spec->wire.c_bit, NULL, 1);
}

static void compose_column(xbtab__text *text, const xbtab__plan *plan, const char *source)
{
    xbtab__compose_column_bench(text, plan->spec, source,
                                plan->parameter[xbtab__level_state(plan, plan->spec->n_levels - 1)],
                                mean_conductance(plan->spec));
}

/* The output before and after the step, at rest. */
static xbtab_status levels(const stepped *s, xbtab__spice *spice, double *V)
{
    xbtab__text text = {0}, output = {0};
    double values[2] = {s->rest, s->driven};
    s->compose(&text, s->plan, "external");
    xbtab__text_add(&output, "%s", s->output);
    xbtab_status status = xbtab__solve_text_all(spice, &text, 2, 1, values, 1, &output, V);
    xbtab__text_clear(&text);
    xbtab__text_clear(&output);
    return status;
}

static xbtab_status transient(const stepped *s, xbtab__spice *spice, double t_stop,
                              xbtab__spice_waveform *waveform)
{
    xbtab__text text = {0};
    char source[160];
    double ramp = ramp_share * s->plan->spec->read_time;
    snprintf(source, sizeof source, "pwl(0 %.17g %.17g %.17g %.17g %.17g)", s->rest, ramp, s->driven,
             2 * t_stop, s->driven);
    s->compose(&text, s->plan, source);
    xbtab_status status = xbtab__text_status(&text);
    if (status == XBTAB_OK) {
        xbtab__spice_transient_job job = {.lines = (const char *const[]){text.s},
                                          .n_lines = 1,
                                          .t_stop = t_stop,
                                          .step_max = t_stop / STEPS,
                                          .n_outputs = 1,
                                          .outputs = &s->output};
        status = xbtab__spice_transient(spice, &job, waveform);
    }
    xbtab__text_clear(&text);
    return status;
}

/* When the output enters its tolerance for good, on the straight line between two points. */
static double settled_at(const xbtab__spice_waveform *w, double V_end, double tolerance)
{
    for (size_t k = w->n; k-- > 0;) {
        double off = fabs(w->out[k] - V_end);
        if (off <= tolerance) continue;
        if (k + 1 == w->n) return INFINITY;
        double next = fabs(w->out[k + 1] - V_end);
        double share = off > next ? (off - tolerance) / (off - next) : 1.0;
        return w->t[k] + fmin(share, 1.0) * (w->t[k + 1] - w->t[k]);
    }
    return 0;
}

/* Settling time, NAN if there is none. */
static xbtab_status settle(const stepped *s, xbtab__spice *spice, double *time)
{
    xbtab__spice_waveform waveform = {0};
    double V[2], t_stop = first_share * s->plan->spec->read_time;
    *time = NAN;
    if (levels(s, spice, V) < 0) return XBTAB_OK;
    double tolerance = half_step(s->plan->spec, V);
    for (int turn = 0; turn < TURNS; turn++, t_stop *= growth) {
        xbtab_status status = transient(s, spice, t_stop, &waveform);
        bool is_good = status == XBTAB_OK && waveform.status == XBTAB_SAMPLE_OK;
        double t = is_good ? settled_at(&waveform, V[1], tolerance) : NAN;
        xbtab__spice_waveform_clear(&waveform);
        if (!is_good) return status;
        if (t > 0.5 * t_stop) continue;
        *time = t;
        return XBTAB_OK;
    }
    return XBTAB_OK;
}

/* ---- the TIA alone ---- */

/* Output noise, and what it is at the input. */
static xbtab_status find_noise(const xbtab__plan *plan, xbtab__spice *spice, double f_read,
                               xbtab__spice_noise *noise)
{
    xbtab__text text = {0};
    char source[64];
    snprintf(source, sizeof source, "dc %.17g ac 1", 0.5 * xbtab_spec_largest_current(plan->spec));
    compose_tia(&text, plan, source);
    xbtab_status status = xbtab__text_status(&text);
    if (status == XBTAB_OK) {
        xbtab__spice_noise_job job = {.lines = (const char *const[]){text.s},
                                      .n_lines = 1,
                                      .output = "v(o0)",
                                      .source = "ii0",
                                      .f_low = f_lowest * f_read,
                                      .f_high = f_highest * f_read,
                                      .per_decade = POINTS_A_DECADE};
        status = xbtab__spice_noise_run(spice, &job, noise);
    }
    xbtab__text_clear(&text);
    return status;
}

/* The outputs of TIAs with n offsets at a current, all on one bench. NAN where it does not solve. */
static xbtab_status outputs_at(const xbtab__plan *plan, xbtab__spice *spice, const double *offset, int n,
                               double I, double *V)
{
    const xbtab_spec *spec = plan->spec;
    xbtab__text text = {0}, outputs = {0};
    double values[OFFSETS];
    for (int k = 0; k < n; k++) {
        values[k] = I;
        xbtab__text_add(&outputs, "v(o%d)\n", k);
    }
    xbtab__compose_loaded_tias(&text, spec, "external", spec->rows * mean_conductance(spec), 0, offset, n);
    if (xbtab__solve_text_all(spice, &text, 1, n, values, n, &outputs, V) < 0) {
        for (int k = 0; k < n; k++) V[k] = NAN;
    }
    xbtab_status status = xbtab__text_status(&text);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

/* The output's standard deviation where the offset is normal, by Gauss and Hermite's rule: exact for outputs
 * that are polynomials of the offset up to the 8th degree, where as many random draws would be 25 % off. */
static xbtab_status find_offset_sigma(const xbtab__plan *plan, xbtab__spice *spice, double *out)
{
    const xbtab_model *model = plan->spec->tia.model;
    double offset[OFFSETS], V[OFFSETS], mean = 0, square = 0, sum = 0;
    *out = 0;
    if (model->offset < 0) return XBTAB_OK; /* a TIA without one */
    double middle = plan->spec->tia.value[model->offset], sigma = plan->spec->tia.value[model->offset_sigma];
    /* weight exp(-x^2/(2 sigma^2)); a sigma of 0 has one point */
    gsl_integration_fixed_workspace *rule =
        gsl_integration_fixed_alloc(gsl_integration_fixed_hermite, OFFSETS, 0.0, 0.5, 0.0, 0.0);
    if (!rule) return XBTAB_NOMEM();
    const double *x = gsl_integration_fixed_nodes(rule), *weight = gsl_integration_fixed_weights(rule);
    for (int k = 0; k < OFFSETS; k++) offset[k] = middle + sigma * x[k];
    xbtab_status status =
        outputs_at(plan, spice, offset, OFFSETS, 0.5 * xbtab_spec_largest_current(plan->spec), V);
    for (int k = 0; k < OFFSETS; k++) {
        sum += weight[k];
        mean += weight[k] * V[k];
    }
    mean /= sum;
    for (int k = 0; k < OFFSETS; k++) square += weight[k] * (V[k] - mean) * (V[k] - mean);
    gsl_integration_fixed_free(rule);
    *out = sqrt(square / sum);
    return status;
}

static xbtab_status find_transresistance(const xbtab__plan *plan, xbtab__spice *spice, double *out)
{
    double I = 0.5 * xbtab_spec_largest_current(plan->spec), dI = 1e-3 * I, V[2];
    XBTAB_TRY(outputs_at(plan, spice, NULL, 1, I - dI, &V[0]));
    XBTAB_TRY(outputs_at(plan, spice, NULL, 1, I + dI, &V[1]));
    *out = fabs(V[1] - V[0]) / (2 * dI);
    return XBTAB_OK;
}

double xbtab__read_bandwidth(const xbtab_spec *spec)
{
    return (spec->adc_bits + 1) * M_LN2 / (2 * M_PI * spec->read_time);
}

/* Settling time, transresistance, offset's sigma, noise's density and rms; then the noise's frequencies and
 * densities, in turns. */
xbtab_status xbtab__find_readout(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    xbtab_status status;
    xbtab__spice_noise noise = {0};
    double figure[XBTAB__READOUT_FIGURES], f_read = xbtab__read_bandwidth(plan->spec);
    const stepped step = {plan, compose_tia, 0, xbtab_spec_largest_current(plan->spec), "v(o0)"};
    for (int k = 0; k < XBTAB__READOUT_FIGURES; k++) figure[k] = NAN;
    XBTAB_TRY_DONE(settle(&step, spice, &figure[XBTAB__READOUT_SETTLING]));
    XBTAB_TRY_DONE(find_transresistance(plan, spice, &figure[XBTAB__READOUT_TRANSRESISTANCE]));
    XBTAB_TRY_DONE(find_offset_sigma(plan, spice, &figure[XBTAB__READOUT_OFFSET]));
    XBTAB_TRY_DONE(find_noise(plan, spice, f_read, &noise));
    if (noise.status != XBTAB_SAMPLE_OK) noise.n = 0;
    if (noise.n > 0) {
        figure[XBTAB__READOUT_DENSITY] = noise.density[0] / figure[XBTAB__READOUT_TRANSRESISTANCE];
        figure[XBTAB__READOUT_NOISE] = xbtab__spice_noise_rms(&noise, f_read);
    }
    out->n = XBTAB__READOUT_FIGURES + 2 * noise.n;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!out->x) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < XBTAB__READOUT_FIGURES; k++) out->x[k] = figure[k];
    for (size_t k = 0; k < noise.n; k++) {
        out->x[XBTAB__READOUT_FIGURES + 2 * k] = noise.f[k];
        out->x[XBTAB__READOUT_FIGURES + 2 * k + 1] = noise.density[k];
    }
done:
    xbtab__spice_noise_clear(&noise);
    return status;
}

/* ---- a whole column ---- */

/* Settling time of the column, and the energy that charges the word lines. */
xbtab_status xbtab__find_column(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    const xbtab_spec *spec = plan->spec;
    bool has_gates = xbtab_array_has_gates(&spec->array);
    int most = (1 << spec->dac_bits) - 1;
    const stepped step = {plan, compose_column, has_gates ? spec->V_gate[0] : 0,
                          has_gates ? spec->V_gate[most] : spec->v_read, "v(o0)"};
    out->n = XBTAB__COLUMN_FIGURES;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!out->x) return XBTAB_NOMEM();
    out->x[XBTAB__COLUMN_SETTLING] = NAN;
    double V = fabs(xbtab_spec_input_voltage(spec, 0, most));
    out->x[XBTAB__COLUMN_ENERGY] = spec->rows * (double)spec->columns * spec->wire.c_word * V * V;
    return settle(&step, spice, &out->x[XBTAB__COLUMN_SETTLING]);
}
