/* train.c - a device or a cell that switches, under pulses. */
#include <math.h>
#include <stdio.h>

#include "compose_private.h"
#include "train.h"

/* Shares of a pulse's width. */
static const double edge_share = 0.05, rest_share = 0.25;

enum { CORNERS_PER_LINE = 4 };

static double length(const xbtab_model_pulse *pulse)
{
    return pulse->width * (1 + 2 * edge_share + rest_share);
}

double xbtab__train_time(const xbtab__train *train, int k)
{
    double t = 0;
    for (int p = 0; p <= k; p++) t += length(&train->pulse[p]);
    return t;
}

/* The energy's capacitor stays within volts: 1 V is what 1 mW brings in the whole train. */
double xbtab__train_energy_unit(const xbtab__train *train)
{
    return 1e-3 * xbtab__train_time(train, train->n - 1);
}

static int intervals(const xbtab_model_pulse *pulse, const xbtab_model_dynamic *dynamic)
{
    return dynamic->noise_interval > 0 ? (int)ceil(pulse->width / dynamic->noise_interval) : 0;
}

size_t xbtab__train_deviates(const xbtab__train *train, const xbtab_model_dynamic *dynamic)
{
    size_t n = 0;
    for (int p = 0; p < train->n; p++) n += (size_t)intervals(&train->pulse[p], dynamic);
    return n;
}

/* One corner of a pwl() source. */
static void corner(xbtab__text *text, int *n, double t, double value)
{
    xbtab__text_add(text, "%s %.17g %.17g", ++*n % CORNERS_PER_LINE == 0 ? "\n+" : "", t, value);
}

/* The source of one end: sign +1 the word line's, -1 the bit line's. */
static void compose_drive(xbtab__text *text, const char *element, const xbtab__train *train, int sign)
{
    int n = 0;
    double t = 0;
    xbtab__text_add(text, "%s 0 pwl(0 0", element);
    for (int p = 0; p < train->n; p++) {
        const xbtab_model_pulse *pulse = &train->pulse[p];
        double V = sign * pulse->amplitude, edge = edge_share * pulse->width;
        if (V > 0) {
            if (p > 0) corner(text, &n, t, 0);
            corner(text, &n, t + edge, V);
            corner(text, &n, t + edge + pulse->width, V);
            corner(text, &n, t + 2 * edge + pulse->width, 0);
        }
        t += length(pulse);
    }
    corner(text, &n, 2 * t, 0);
    xbtab__text_add(text, ")\n");
}

/* Deviates that change within a hundredth of their interval, 0 outside pulses. */
static void compose_noise(xbtab__text *text, const xbtab__train *train, const xbtab_model_dynamic *dynamic)
{
    int n = 0;
    double t = 0;
    const double *deviate = train->noise;
    xbtab__text_add(text, "Vnoise noise 0 pwl(0 0");
    for (int p = 0; p < train->n; p++) {
        const xbtab_model_pulse *pulse = &train->pulse[p];
        int n_intervals = intervals(pulse, dynamic);
        double start = t + edge_share * pulse->width, step = pulse->width / n_intervals;
        corner(text, &n, start, 0);
        for (int k = 0; k < n_intervals && deviate; k++, deviate++) {
            corner(text, &n, start + (k + 0.01) * step, *deviate);
            corner(text, &n, start + (k + 1) * step, *deviate);
        }
        corner(text, &n, start + pulse->width + 0.01 * step, 0);
        t += length(pulse);
    }
    corner(text, &n, 2 * t, 0);
    xbtab__text_add(text, ")\n");
}

size_t xbtab__train_corners(const xbtab__train *train, const xbtab_model_dynamic *dynamic, double *t)
{
    size_t n = 0;
    double start = 0;
    for (int p = 0; p < train->n; p++) {
        const xbtab_model_pulse *pulse = &train->pulse[p];
        double edge = edge_share * pulse->width;
        int n_intervals = train->noise ? intervals(pulse, dynamic) : 0;
        const double of_pulse[] = {start, start + edge, start + edge + pulse->width,
                                   start + 2 * edge + pulse->width};
        for (int c = 0; c < 4; c++, n++) {
            if (t) t[n] = of_pulse[c];
        }
        for (int k = 0; k < n_intervals; k++, n += 2) {
            double step = pulse->width / n_intervals;
            if (!t) continue;
            t[n] = start + edge + (k + 0.01) * step;
            t[n + 1] = start + edge + (k + 1) * step;
        }
        start += length(pulse);
    }
    return n;
}

static void compose_parameters(xbtab__text *text, const xbtab_model_use *rram, double state)
{
    const xbtab_model *m = rram->model;
    xbtab__text_add(text, " %s %s=%.17g", m->dynamic->subcircuit, m->parameters[m->state].name, state);
    xbtab__compose_values(text, rram, m->state);
    for (int k = 0; k < m->dynamic->n_parameters; k++)
        xbtab__text_add(text, " %s=%.17g", m->dynamic->parameters[k].name, rram->dynamic_value[k]);
    xbtab__text_add(text, "\n");
}

static void compose_gate(xbtab__text *text, const xbtab_model_use *selector, const xbtab__train *train)
{
    xbtab__text_add(text, "%s\n", xbtab__compose_text_of(selector));
    if (selector->model->gate >= 0) xbtab__text_add(text, "Vgate gate 0 dc %.17g\n", train->v_gate);
}

static void compose_selector(xbtab__text *text, const xbtab_model_use *selector)
{
    xbtab__text_add(text, "%s %s", selector->model->gate >= 0 ? " gate" : "", selector->model->name);
    xbtab__compose_values(text, selector, -1);
    xbtab__text_add(text, "\n");
}

void xbtab__compose_train(xbtab__text *text, const xbtab_model_use *rram, const xbtab_model_use *selector,
                          double state, const xbtab__train *train)
{
    const xbtab_model_dynamic *dynamic = rram->model->dynamic;
    bool has_selector = selector && selector->model->n_pins > 0, has_noise = dynamic->noise_interval > 0;
    xbtab__text_add(text, "%s\n", rram->model->sub_text);
    compose_drive(text, "Vword in0", train, +1);
    compose_drive(text, "Vbit in1", train, -1);
    xbtab__text_add(text, "Vm in0 top dc 0\nXrram top %s state%s", has_selector ? "mid" : "in1",
                    has_noise ? " noise" : "");
    compose_parameters(text, rram, state);
    if (has_selector) {
        compose_gate(text, selector, train);
        xbtab__text_add(text, "Xselector mid in1");
        compose_selector(text, selector);
    }
    if (has_noise) compose_noise(text, train, dynamic);
    xbtab__text_add(text, "Benergy 0 energy I=V(in0,in1)*I(Vm)\nCenergy energy 0 %.17g\n.ic v(energy)=0\n",
                    xbtab__train_energy_unit(train));
}

void xbtab__compose_trains(xbtab__text *text, const xbtab_model_use *rram, const xbtab_model_use *selector,
                           const double *state, int n, const xbtab__train *train)
{
    bool has_selector = selector && selector->model->n_pins > 0,
         has_noise = rram->model->dynamic->noise_interval > 0;
    xbtab__text_add(text, "%s\n", rram->model->sub_text);
    compose_drive(text, "Vword in0", train, +1);
    compose_drive(text, "Vbit in1", train, -1);
    if (has_selector) compose_gate(text, selector, train);
    for (int k = 0; k < n; k++) {
        xbtab__text_add(text, "Xr%d in0 ", k);
        xbtab__text_add(text, has_selector ? "mid%d" : "in1", k);
        xbtab__text_add(text, " state%d%s", k, has_noise ? " 0" : "");
        compose_parameters(text, &rram[k], state[k]);
        if (!has_selector) continue;
        xbtab__text_add(text, "Xs%d mid%d in1", k, k);
        compose_selector(text, selector);
    }
}

void xbtab__compose_dynamic_bench(xbtab__text *text, const xbtab_model_use *rram, const double *state, int n,
                                  const char *source)
{
    bool has_noise = rram->model->dynamic->noise_interval > 0;
    xbtab__text_add(text, "%s\nVdrive in0 0 %s\n", rram->model->sub_text, source);
    for (int k = 0; k < n; k++) {
        xbtab__text_add(text, "Vm%d in0 m%d dc 0\nXr%d m%d 0 state%d%s", k, k, k, k, k,
                        has_noise ? " 0" : "");
        compose_parameters(text, rram, state[k]);
    }
}
