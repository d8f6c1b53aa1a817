/* cmd_models_plot.c - a device's I-V family with its published points, and beside it the loop of one that
 * switches, drawn by gnuplot. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/calibrate.h>
#include <xbartab/characterize.h>

#include "cli.h"

enum { POINTS = 101, STATES = 7 };

static const double V_most = 0.5;

static double state_at(const xbtab_model *m, int s)
{
    const xbtab_parameter *p = &m->parameters[m->state];
    double u = (double)s / (STATES - 1);
    return m->state_is_log ? p->min * pow(p->max / p->min, u) : p->min + u * (p->max - p->min);
}

static const char *terminal(const char *path, bool is_wide)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".svg") == 0)
        return is_wide ? "svg size 1500,600 enhanced" : "svg size 800,600 enhanced";
    if (dot && strcmp(dot, ".png") == 0) return is_wide ? "pngcairo size 1500,600" : "pngcairo size 800,600";
    return NULL;
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

/* The published figures that are currents at a voltage, or a resistance. */
static void plot_checks(FILE *gnuplot, const xbtab_model *m)
{
    for (int k = 0; k < m->n_checks; k++) {
        const xbtab_model_check *c = &m->checks[k];
        if (c->figure == XBTAB_FIGURE_RESISTANCE)
            fprintf(gnuplot, "%.9g %.9g\n", c->drive, fabs(c->drive / c->expected));
        if (c->figure == XBTAB_FIGURE_CURRENT) fprintf(gnuplot, "%.9g %.9g\n", c->drive, fabs(c->expected));
    }
    fprintf(gnuplot, "e\n");
}

static int draw(const xbtab_model *m, const double *V, double (*I)[POINTS], const double *loop,
                const char *path, const char *format)
{
    FILE *gnuplot = popen("gnuplot 2>/dev/null", "w");
    int n_states = m->state >= 0 ? STATES : 1;
    bool has_points = false;
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.part", path);
    if (!gnuplot) return cli_fail("gnuplot cannot be started");
    for (int k = 0; k < m->n_checks; k++) {
        has_points = has_points || m->checks[k].figure == XBTAB_FIGURE_RESISTANCE ||
                     m->checks[k].figure == XBTAB_FIGURE_CURRENT;
    }
    fprintf(gnuplot,
            "set terminal %s\nset output '%s'\n%sset title '%s' noenhanced\nset xlabel 'voltage (V)'\n"
            "set ylabel '|current| (A)'\nset logscale y\nset format y '%%.0e'\nset key outside\nplot ",
            format, beside, loop ? "set multiplot layout 1,2\n" : "", m->name);
    for (int s = 0; s < n_states; s++) {
        char name[96] = "current";
        if (m->state >= 0) {
            const xbtab_parameter *p = &m->parameters[m->state];
            snprintf(name, sizeof name, "%s = %.3g %s", p->name, state_at(m, s),
                     strcmp(p->unit, "1") == 0 ? "" : p->unit);
        }
        fprintf(gnuplot, "%s'-' with lines title '%s' noenhanced", s ? ", " : "", name);
    }
    if (has_points) fprintf(gnuplot, ", '-' with points pointtype 7 title 'published'");
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
    if (has_points) plot_checks(gnuplot, m);
    if (loop) plot_loop(gnuplot, loop, loop + XBTAB_LOOP_POINTS);
    if (pclose(gnuplot) == 0 && rename(beside, path) == 0) return CLI_DONE;
    remove(beside);
    return cli_fail("gnuplot cannot write %s", path);
}

int cli_plot_model(const xbtab_model *m, const char *path)
{
    double V[POINTS], (*I)[POINTS] = calloc(STATES, sizeof *I);
    double *value = calloc((size_t)m->n_parameters + 1, sizeof *value);
    double *loop = calloc(3 * XBTAB_LOOP_POINTS, sizeof *loop);
    int n_states = m->state >= 0 ? STATES : 1, code = CLI_DONE;
    const char *format = terminal(path, m->dynamic);
    if (!I || !value || !loop) {
        code = cli_fail("out of memory");
    } else if (!format) {
        code = cli_fail("%s: a picture is a .svg or a .png", path);
    } else if (strchr(path, '\'') || strchr(path, '\n')) {
        code = cli_fail("%s: gnuplot cannot write to a name with quotes", path);
    } else if (m->kind != XBTAB_MODEL_RRAM) {
        code = cli_fail("%s is no rram: only those are drawn", m->name);
    } else if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
        code = cli_fail("gnuplot is not installed: apt-get install gnuplot-nox");
    }
    for (int k = 0; k < POINTS; k++) V[k] = V_most * (2.0 * k / (POINTS - 1) - 1.0);
    V[POINTS / 2] = 0.0;
    for (int s = 0; s < n_states && code == CLI_DONE; s++) {
        for (int k = 0; k < m->n_parameters; k++) value[k] = m->parameters[k].value;
        if (m->state >= 0) value[m->state] = state_at(m, s);
        if (xbtab_model_current(m, value, V, POINTS, 1, I[s]) < 0) code = cli_failed();
    }
    if (code == CLI_DONE && m->dynamic &&
        xbtab_model_loop(m, loop, loop + XBTAB_LOOP_POINTS, loop + 2 * XBTAB_LOOP_POINTS) < 0)
        code = cli_failed();
    if (code == CLI_DONE && format) code = draw(m, V, I, m->dynamic ? loop : NULL, path, format);
    free(loop);
    free(I);
    free(value);
    return code;
}
