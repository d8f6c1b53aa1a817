/* cmd_models_plot.c - a device's I-V family with the figures that its sheet checks, and beside it the loop of
 * one that switches, drawn by gnuplot. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/calibrate.h>
#include <xbartab/characterize.h>
#include <xbartab/output.h>

#include "cli.h"
#include "plot.h"

enum { POINTS = 101, STATES = 7, MOST_CURVES = 24 };

static const double V_most = 0.5;

/* The states of the curves: even steps of the range, then those that the sheet has figures of. */
static int choose_states(const xbtab_model *m, double *state)
{
    int n = 0;
    if (m->state < 0) return 1;
    const xbtab_parameter *p = &m->parameters[m->state];
    for (; n < STATES; n++) {
        double u = (double)n / (STATES - 1);
        state[n] = m->state_is_log ? p->min * pow(p->max / p->min, u) : p->min + u * (p->max - p->min);
    }
    for (int k = 0; k < m->n_checks && n < MOST_CURVES; k++) {
        double x = m->checks[k].state;
        bool is_there = false;
        for (int s = 0; s < n && !is_there; s++) is_there = fabs(state[s] - x) <= 1e-6 * fabs(x);
        if (!is_there) state[n++] = x;
    }
    return n;
}

/* Both cycles of the loop; 0 A has no logarithm. */
static void plot_loop(FILE *gnuplot, const double *V, const double *I)
{
    enum { HALF = (XBTAB_LOOP_POINTS - 1) / 2 };
    fprintf(gnuplot,
            "set title 'set and reset by triangles' noenhanced\nplot '-' with lines title 'first cycle', "
            "'-' with lines title 'second cycle'\n");
    for (int cycle = 0; cycle < 2; cycle++) {
        for (int k = cycle * HALF; k <= (cycle + 1) * HALF; k++) {
            if (I[k] != 0 && fabs(V[k]) > 1e-9) {
                fprintf(gnuplot, "%.9g %.9g\n", V[k], fabs(I[k]));
            } else {
                fprintf(gnuplot, "\n");
            }
        }
        fprintf(gnuplot, "e\n");
    }
}

/* ---- the sheet's figures ---- */

/* Those that are currents at a voltage, or resistances. */
static bool is_point(const xbtab_model_check *c)
{
    return c->figure == XBTAB_FIGURE_RESISTANCE || c->figure == XBTAB_FIGURE_CURRENT;
}

/* The first point of the same source: each source is a series. */
static int series_of(const xbtab_model *m, int k)
{
    for (int first = 0; first < k; first++) {
        if (is_point(&m->checks[first]) && strcmp(m->checks[first].source, m->checks[k].source) == 0)
            return first;
    }
    return k;
}

static void name_points(FILE *gnuplot, const xbtab_model *m)
{
    for (int k = 0; k < m->n_checks; k++) {
        if (!is_point(&m->checks[k]) || series_of(m, k) != k) continue;
        fprintf(gnuplot, ", '-' with points pointtype 7 title ");
        cli_plot_text(gnuplot, m->checks[k].source);
        fprintf(gnuplot, " noenhanced");
    }
}

static void plot_points(FILE *gnuplot, const xbtab_model *m)
{
    for (int first = 0; first < m->n_checks; first++) {
        if (!is_point(&m->checks[first]) || series_of(m, first) != first) continue;
        for (int k = first; k < m->n_checks; k++) {
            const xbtab_model_check *c = &m->checks[k];
            if (!is_point(c) || series_of(m, k) != first) continue;
            double I = c->figure == XBTAB_FIGURE_CURRENT ? c->expected : c->drive / c->expected;
            fprintf(gnuplot, "%.9g %.9g\n", c->drive, fabs(I));
        }
        fprintf(gnuplot, "e\n");
    }
}

static int draw(const xbtab_model *m, const double *state, int n_states, const double *V, double (*I)[POINTS],
                const double *loop, const char *path)
{
    cli_plot plot;
    int code = cli_plot_begin(&plot, path, loop ? 1500 : 800, 600);
    if (code != CLI_DONE) return CLI_FAILED; /* nothing else was asked for than the picture */
    FILE *gnuplot = plot.script;
    fprintf(gnuplot, "%sset title ", loop ? "set multiplot layout 1,2\n" : "");
    cli_plot_text(gnuplot, m->name);
    fprintf(gnuplot, " noenhanced\nset xlabel 'voltage (V)'\nset ylabel '|current| (A)'\nset logscale y\n"
                     "set format y '%%.0e'\nset key outside bottom center horizontal\nplot ");
    for (int s = 0; s < n_states; s++) {
        char name[96] = "current";
        if (m->state >= 0) {
            const xbtab_parameter *p = &m->parameters[m->state];
            snprintf(name, sizeof name, "%s = %.3g %s", p->name, state[s],
                     strcmp(p->unit, "1") == 0 ? "" : p->unit);
        }
        fprintf(gnuplot, "%s'-' with lines dashtype %d title ", s ? ", " : "", s < STATES ? 1 : 2);
        cli_plot_text(gnuplot, name);
        fprintf(gnuplot, " noenhanced");
    }
    name_points(gnuplot, m);
    fprintf(gnuplot, "\n");
    for (int s = 0; s < n_states; s++) {
        for (int k = 0; k < POINTS; k++) {
            if (V[k] == 0) {
                fprintf(gnuplot, "\n"); /* the logarithm has no 0 */
            } else {
                fprintf(gnuplot, "%.9g %.9g\n", V[k], fabs(I[s][k]));
            }
        }
        fprintf(gnuplot, "e\n");
    }
    plot_points(gnuplot, m);
    if (loop) {
        plot_loop(gnuplot, loop, loop + XBTAB_LOOP_POINTS);
        fprintf(gnuplot, "unset multiplot\n");
    }
    return cli_plot_end(&plot);
}

int cli_plot_model(const xbtab_model *m, const char *path)
{
    double V[POINTS], (*I)[POINTS] = calloc(MOST_CURVES, sizeof *I), state[MOST_CURVES];
    double *value = calloc((size_t)m->n_parameters + 1, sizeof *value);
    double *loop = calloc(3 * XBTAB_LOOP_POINTS, sizeof *loop);
    int n_states = choose_states(m, state), code = CLI_DONE;
    if (!I || !value || !loop) {
        code = cli_fail("out of memory");
    } else if (cli_plot_check(path) != CLI_DONE) {
        code = CLI_FAILED;
    } else if (m->kind != XBTAB_MODEL_RRAM) {
        code = cli_fail("%s is no rram: only those are drawn", m->name);
    }
    for (int k = 0; k < POINTS; k++) V[k] = V_most * (2.0 * k / (POINTS - 1) - 1.0);
    V[POINTS / 2] = 0.0;
    for (int s = 0; s < n_states && code == CLI_DONE; s++) {
        for (int k = 0; k < m->n_parameters; k++) value[k] = m->parameters[k].value;
        if (m->state >= 0) value[m->state] = state[s];
        if (xbtab_model_current(m, value, V, POINTS, 1, I[s]) < 0) code = cli_failed();
    }
    if (code == CLI_DONE && m->dynamic &&
        xbtab_model_loop(m, loop, loop + XBTAB_LOOP_POINTS, loop + 2 * XBTAB_LOOP_POINTS) < 0)
        code = cli_failed();
    if (code == CLI_DONE) code = draw(m, state, n_states, V, I, m->dynamic ? loop : NULL, path);
    free(loop);
    free(I);
    free(value);
    return code;
}
