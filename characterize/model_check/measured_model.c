/* measured_model.c - a measured family of I-V curves into the two files of a model.
 *
 * A curve must be one that an array can be read with: through 0 A at 0 V, on both sides of it, and never
 * falling. Data that are not so are refused with what may be done about it; what is done is said. */
#include <xbartab/measured.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gsl/gsl_spline.h>

#include <xbartab/version.h>

#include "measured_curves.h"
#include "file.h"
#include "memory.h"

enum { MOST_POINTS = 2048, MOST_PIECES = 32 };

/* Room for a factor on a single curve, either way. */
static const double least_factor = 0.01, most_factor = 100;

/* Where a curve's points are compared with the model that was made of them. */
static const double same_as_data = 1e-3;

static double current_at(const xbtab__iv *c, double V)
{
    size_t k = 1;
    while (k + 1 < c->n && c->V[k] < V) k++;
    double share = (V - c->V[k - 1]) / (c->V[k] - c->V[k - 1]);
    return c->I[k - 1] + share * (c->I[k] - c->I[k - 1]);
}

/* More points along the monotone spline of Steffen (Astron. Astrophys. 239, 443, 1990). */
static xbtab_status refine(xbtab__iv *c, int n_pieces)
{
    size_t n = (c->n - 1) * (size_t)n_pieces + 1;
    if (n_pieces <= 1 || c->n < 3) return XBTAB_OK;
    double *V = xbtab__alloc(n, sizeof *V), *I = xbtab__alloc(n, sizeof *I);
    gsl_interp_accel *at = gsl_interp_accel_alloc();
    gsl_spline *spline = gsl_spline_alloc(gsl_interp_steffen, c->n);
    xbtab_status status = V && I && at && spline ? XBTAB_OK : XBTAB_NOMEM();
    if (status == XBTAB_OK) {
        gsl_spline_init(spline, c->V, c->I, c->n);
        for (size_t k = 0; k < n; k++) {
            size_t point = k / (size_t)n_pieces, piece = k % (size_t)n_pieces;
            double next = point + 1 < c->n ? c->V[point + 1] : c->V[point];
            V[k] = c->V[point] + (next - c->V[point]) * (double)piece / n_pieces;
            I[k] = piece ? gsl_spline_eval(spline, V[k], at) : c->I[point];
        }
        xbtab__free(c->V);
        xbtab__free(c->I);
        c->V = V;
        c->I = I;
        c->n = n;
    } else {
        xbtab__free(V);
        xbtab__free(I);
    }
    gsl_spline_free(spline);
    gsl_interp_accel_free(at);
    return status;
}

static int by_conductance(const void *a, const void *b)
{
    const xbtab__iv *x = a, *y = b;
    return x->G < y->G ? -1 : x->G > y->G;
}

static xbtab_status order(xbtab__ivs *s, const xbtab_measured_options *o, xbtab_measured_summary *summary)
{
    double V_min = -INFINITY, V_max = INFINITY;
    for (size_t k = 0; k < s->n; k++) {
        V_min = fmax(V_min, s->curve[k].V[0]);
        V_max = fmin(V_max, s->curve[k].V[s->curve[k].n - 1]);
    }
    double v_read = o->v_read > 0 ? o->v_read : fmin(0.2, fmin(V_max, -V_min));
    if (v_read > V_max || v_read > -V_min) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: a read voltage of %g V is outside %g V to %g V, which all curves cover", s->path,
                   v_read, V_min, V_max);
    }
    for (size_t k = 0; k < s->n; k++) s->curve[k].G = current_at(&s->curve[k], v_read) / v_read;
    qsort(s->curve, s->n, sizeof *s->curve, by_conductance);
    for (size_t k = 0; k < s->n; k++) {
        const xbtab__iv *c = &s->curve[k];
        if (!(c->G > 0)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: curve \"%s\" has no current at %g V", s->path, c->label, v_read);
        }
        if (k > 0 && !(c->G > s->curve[k - 1].G * (1 + 1e-6))) {
            XBTAB_FAIL(
                XBTAB_ERR_INPUT,
                "%s: curves \"%s\" and \"%s\" have one conductance at %g V, %g S: each state needs its own; "
                "leave one out",
                s->path, s->curve[k - 1].label, c->label, v_read, c->G);
        }
    }
    summary->n_curves = (int)s->n;
    summary->V_min = V_min;
    summary->V_max = V_max;
    summary->v_read = v_read;
    summary->G_min = s->curve[0].G;
    summary->G_max = s->curve[s->n - 1].G;
    return XBTAB_OK;
}

/* ---- the two files ---- */

static void add_points(xbtab__text *text, const xbtab__iv *c)
{
    xbtab__text_add(text, "pwl(V(top,bottom)");
    for (size_t k = 0; k < c->n; k++)
        xbtab__text_add(text, "%s,%.9g,%.9g", k % 4 == 3 ? "\n+  " : "", c->V[k], c->I[k]);
    xbtab__text_add(text, ")\n");
}

static void add_subcircuit(xbtab__text *text, const xbtab__ivs *s, const char *name, const char *file)
{
    bool is_single = s->n == 1;
    xbtab__text_add(text, "* %s - measured curves of ", name);
    for (; *file; file++) xbtab__text_add(text, "%c", iscntrl((unsigned char)*file) ? '?' : *file);
    xbtab__text_add(text, ": each pwl() holds the points V,I of one state.\n");
    xbtab__text_add(text, is_single
                              ? "* One curve, times a factor.\n"
                              : "* The weight before it is 1 at its own number and 0 at its neighbours'.\n");
    xbtab__text_add(text, ".subckt %s top bottom %s\nBread top bottom I=\n", name,
                    is_single ? "factor=1" : "curve=0");
    for (size_t k = 0; k < s->n; k++) {
        if (is_single) {
            xbtab__text_add(text, "+ {factor}*");
        } else {
            xbtab__text_add(text, "+ %s{max(0,1-abs(curve-%zu))}*", k ? "+" : "", k);
        }
        add_points(text, &s->curve[k]);
    }
    xbtab__text_add(text, ".ends %s\n", name);
}

/* The data's own points nearest to the read voltage and at both ends, for `models test`. */
static void add_checks(xbtab__text *text, const xbtab__ivs *s, double v_read)
{
    xbtab__text_add(text, "checks:\n");
    for (size_t k = 0; k<s->n; k += s->n> 1 ? s->n - 1 : 1) {
        const xbtab__iv *c = &s->curve[k];
        size_t near = 0;
        for (size_t i = 0; i < c->n; i++) {
            if (fabs(c->V[i] - v_read) < fabs(c->V[near] - v_read)) near = i;
        }
        const size_t points[] = {near, 0, c->n - 1};
        for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
            double V = c->V[points[i]], I = c->I[points[i]];
            if (V == 0 || I == 0 || (i == 2 && points[i] == near)) continue;
            xbtab__text_add(
                text, "  - {state: \"%zu\", voltage: %.9g V, current: %.9g A, tolerance: \"%g\", source: ",
                s->n > 1 ? k : 1, V, I, same_as_data);
            xbtab__add_yaml_string(text, c->label);
            xbtab__text_add(text, "}\n");
        }
    }
}

static void add_sheet(xbtab__text *text, const xbtab__ivs *s, const char *name, const char *file,
                      const xbtab_measured_summary *summary)
{
    char source[512];
    snprintf(source, sizeof source, "%.300s, read by xbartab %s models from-csv", file, XBTAB_VERSION);
    xbtab__text_add(
        text, "# In DIR/rram this file and %s.sub are a model: cell: {rram: {model: %s}} with --models DIR\n",
        name, name);
    xbtab__text_add(
        text,
        "name: %s\nkind: rram\nsummary: \"%zu measured I-V %s, straight between points%s\"\nsource: ", name,
        s->n, s->n > 1 ? "curves" : "curve", s->n > 1 ? " and between curves" : "");
    xbtab__add_yaml_string(text, source);
    xbtab__text_add(
        text, "\nlicence: of the data\npins: [top, bottom]\nstate: {parameter: %s, scale: %s}\nparameters:\n",
        s->n > 1 ? "curve" : "factor", s->n > 1 ? "linear" : "log");
    if (s->n > 1) {
        xbtab__text_add(
            text,
            "  - {name: curve, unit: \"1\", default: \"0\", min: \"0\", max: \"%zu\", description: \"which "
            "curve, by rising conductance; fractions mix two neighbours; the programmed state\", source: "
            "\"none, it numbers the curves\", trust: derived}\n",
            s->n - 1);
    } else {
        xbtab__text_add(
            text,
            "  - {name: factor, unit: \"1\", default: \"1\", min: \"%g\", max: \"%g\", description: \"times "
            "the measured curve; the programmed state\", source: \"every state is taken to have the "
            "measured one's form\", trust: assumed}\n",
            least_factor, most_factor);
    }
    add_checks(text, s, summary->v_read);
    double low = summary->G_min, high = summary->G_max;
    if (s->n == 1) low *= 0.1;
    xbtab__text_add(
        text,
        "operating:\n  - {selector: none, g_min: %.6g S, g_max: %.6g S, read_voltage: %.6g V, source: "
        "\"the measured range\", trust: %s}\n",
        low * 1.0001, high * 0.9999, summary->v_read, s->n > 1 ? "derived" : "assumed");
}

static xbtab_status write_both(const xbtab__ivs *s, const char *path, const char *name,
                               const xbtab_measured_summary *summary)
{
    const char *file = strrchr(s->path, '/') ? strrchr(s->path, '/') + 1 : s->path;
    xbtab__text sheet = {0}, subcircuit = {0}, sub_path = {0};
    add_subcircuit(&subcircuit, s, name, file);
    add_sheet(&sheet, s, name, file, summary);
    xbtab__text_add(&sub_path, "%.*s.sub", (int)strlen(path) - 5, path);
    xbtab_status status = xbtab__text_status(&sheet);
    if (status == XBTAB_OK) status = xbtab__text_status(&subcircuit);
    if (status == XBTAB_OK) status = xbtab__text_status(&sub_path);
    if (status == XBTAB_OK) status = xbtab__file_write(sub_path.s, subcircuit.s, subcircuit.n);
    if (status == XBTAB_OK) status = xbtab__file_write(path, sheet.s, sheet.n);
    xbtab__text_clear(&sheet);
    xbtab__text_clear(&subcircuit);
    xbtab__text_clear(&sub_path);
    return status;
}

xbtab_status xbtab_measured_model_write(const char *path, const char *data,
                                        const xbtab_measured_options *options,
                                        xbtab_measured_summary *summary)
{
    static const xbtab_measured_options defaults;
    const xbtab_measured_options *o = options ? options : &defaults;
    xbtab_measured_summary found = {0};
    xbtab__ivs curves = {0};
    char name[XBTAB__MODEL_NAME_SIZE];
    xbtab_status status;
    XBTAB_TRY(xbtab__model_name_of(name, path));
    if (o->n_pieces < 0 || o->n_pieces > MOST_PIECES) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d pieces between two points: 1 to %d", o->n_pieces, MOST_PIECES);
    }
    if (!(o->v_read >= 0))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a read voltage of %g V: it must be above 0", o->v_read);
    XBTAB_TRY_DONE(xbtab__ivs_read(&curves, data));
    found.n_points = (long)curves.n_points;
    for (size_t k = 0; k < curves.n; k++) {
        XBTAB_TRY_DONE(xbtab__iv_prepare(&curves.curve[k], data, o, &found));
        XBTAB_TRY_DONE(refine(&curves.curve[k], o->n_pieces));
        if (curves.curve[k].n > MOST_POINTS) {
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: curve \"%s\" has %zu points; %d at most", data,
                            curves.curve[k].label, curves.curve[k].n, MOST_POINTS);
        }
    }
    XBTAB_TRY_DONE(order(&curves, o, &found));
    status = write_both(&curves, path, name, &found);
    if (status == XBTAB_OK && summary) *summary = found;
done:
    xbtab__ivs_clear(&curves);
    return status;
}
