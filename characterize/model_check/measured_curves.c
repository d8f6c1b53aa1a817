/* measured_curves.c - measured I-V curves, read and made fit to be a model's. */
#include "measured_curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "current_sign.h"
#include "heading.h"
#include "labels.h"
#include "memory.h"

enum { MOST_POINTS = 1 << 20 /* of all curves */ };

/* What a read of RRAM never reaches: beyond it a unit is missing. */
static const double most_volts = 20, most_amperes = 1;

/* Shares of a curve's largest current: at 0 V, what counts as none; between two currents at one voltage, what
 * noise may be and hysteresis is not. */
static const double least_offset = 1e-3, most_spread = 0.05;

/* Voltages this near 0 V are 0 V: a meter's last digit, not a bias. */
static const double zero_volts = 1e-9;

void xbtab__ivs_clear(xbtab__ivs *curves)
{
    for (size_t k = 0; k < curves->n; k++) {
        xbtab__free(curves->curve[k].label);
        xbtab__free(curves->curve[k].V);
        xbtab__free(curves->curve[k].I);
        xbtab__free(curves->curve[k].line);
    }
    xbtab__free(curves->curve);
    *curves = (xbtab__ivs){0};
}

/* ---- reading ---- */

typedef struct reader {
    xbtab__ivs *out;
    xbtab__csv csv;
    int voltage, current, curve; /* columns from 0; current -1 = each column but the voltage's */
    int n;                       /* columns */
    double *times;               /* times[n]: to volts or amperes */
    xbtab__labels labels;
} reader;

static xbtab_status add_curve(xbtab__ivs *out, const char *label)
{
    if (out->n == XBTAB__MOST_CURVES) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: more than %d curves, which a table holds: leave some out, or fit a model to them "
                   "(xbartab calibrate)",
                   out->path, XBTAB__MOST_CURVES);
    }
    xbtab__iv *grown = xbtab__realloc(out->curve, out->n + 1, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    out->curve = grown;
    out->curve[out->n] = (xbtab__iv){.label = xbtab__strdup(label)};
    return out->curve[out->n++].label ? XBTAB_OK : XBTAB_NOMEM();
}

static xbtab_status take_unit(reader *r, int k, const char *what, const char *unit)
{
    xbtab__heading_unit found;
    XBTAB_TRY(xbtab__heading_read_unit(&found, &r->csv, k, what, unit));
    r->times[k] = found.times;
    return XBTAB_OK;
}

/* Each column but the voltage's is a curve, unless it is another quantity; letters alone may well be names of
 * curves. */
static xbtab_status check_others(const reader *r)
{
    const xbtab__heading *const others[] = {&xbtab__heading_time, &xbtab__heading_temperature,
                                            &xbtab__heading_resistance, &xbtab__heading_conductance,
                                            &xbtab__heading_pulse};
    char name[XBTAB__CSV_NAME_SIZE];
    for (int k = 0; k < r->n; k++) {
        for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
            bool is_letter = strlen(r->csv.name[k]) == 1 && r->n > 2;
            if (is_letter || !xbtab__heading_is(&r->csv, k, others[o])) continue;
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s:%zu: column %d (%s) is no curve's current; leave it out, or call the current so",
                       r->csv.path, r->csv.header_line, k + 1, xbtab__csv_name(name, &r->csv, k));
        }
    }
    return XBTAB_OK;
}

static xbtab_status take_names(reader *r)
{
    const xbtab__csv *t = &r->csv;
    char list[256];
    XBTAB_TRY(xbtab__heading_find_one(&r->voltage, t, &xbtab__heading_voltage));
    XBTAB_TRY(xbtab__heading_find_one(&r->current, t, &xbtab__heading_current));
    for (r->curve = 0; r->curve < t->n_names && !xbtab__heading_is(t, r->curve, &xbtab__heading_curve);)
        r->curve++;
    if (r->curve == t->n_names) r->curve = -1;
    const char *lacks = r->voltage < 0 ? "voltage (or V), with its unit as in \"voltage [mV]\""
                        : r->curve >= 0 && r->current < 0
                            ? "current (or I), with its unit as in \"current [uA]\""
                            : NULL;
    if (lacks) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: no column is called %s; there are: %s", t->path, t->header_line,
                   lacks, xbtab__csv_names(list, sizeof list, t));
    }
    if (r->n < 2)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: no column besides the voltage", t->path, t->header_line);
    if (r->current < 0) XBTAB_TRY(check_others(r));
    XBTAB_TRY(take_unit(r, r->voltage, "voltage", "V"));
    for (int k = 0; k < r->n; k++) {
        if (r->current >= 0 ? k == r->current : k != r->voltage) XBTAB_TRY(take_unit(r, k, "current", "A"));
    }
    return XBTAB_OK;
}

static xbtab_status find_layout(reader *r)
{
    const xbtab__csv *t = &r->csv;
    char label[XBTAB__CSV_NAME_SIZE];
    r->n = t->n_names ? t->n_names : t->n;
    r->times = xbtab__alloc((size_t)r->n, sizeof *r->times);
    if (!r->times) return XBTAB_NOMEM();
    for (int k = 0; k < r->n; k++) r->times[k] = 1;
    r->voltage = 0;
    r->current = r->curve = -1;
    if (t->n_names) {
        XBTAB_TRY(take_names(r));
    } else if (r->n < 2) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: one column; a voltage and a current are needed", t->path,
                   t->line);
    }
    for (int k = 0; k < r->n; k++) {
        bool is_curve = r->current >= 0 ? k == r->current && r->curve < 0 : k != r->voltage;
        if (is_curve) XBTAB_TRY(add_curve(r->out, xbtab__heading_label(label, t, k, "A")));
    }
    return XBTAB_OK;
}

static xbtab_status add_point(xbtab__iv *c, double V, double I, size_t line)
{
    if (c->n == c->room) { /* what is added later to n points is at most n + 1 */
        size_t room = c->room ? 2 * c->room : 64;
        double *grown_V = xbtab__realloc(c->V, 2 * room + 1, sizeof *c->V);
        if (grown_V) c->V = grown_V;
        double *grown_I = xbtab__realloc(c->I, 2 * room + 1, sizeof *c->I);
        if (grown_I) c->I = grown_I;
        size_t *grown_line = xbtab__realloc(c->line, 2 * room + 1, sizeof *c->line);
        if (grown_line) c->line = grown_line;
        if (!grown_V || !grown_I || !grown_line) return XBTAB_NOMEM();
        c->room = room;
    }
    c->V[c->n] = V;
    c->I[c->n] = I;
    c->line[c->n++] = line;
    return XBTAB_OK;
}

/* The curve that a line's name tells. */
static xbtab_status find_curve(int *out, reader *r)
{
    char label[XBTAB__LABEL_SIZE];
    const xbtab__csv *t = &r->csv;
    if (r->curve >= t->n) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: has %d columns, the curve's name is in column %d", t->path,
                   t->line, t->n, r->curve + 1);
    }
    XBTAB_TRY(xbtab__labels_find(out, &r->labels, t->field[r->curve]));
    xbtab__clean(label, t->field[r->curve], XBTAB__LABEL_SHOWN);
    return (size_t)*out == r->out->n ? add_curve(r->out, label) : XBTAB_OK;
}

static xbtab_status take_line(reader *r)
{
    double V, I;
    int curve = 0;
    XBTAB_TRY(xbtab__csv_number(&V, &r->csv, r->voltage, "voltage"));
    if (r->curve >= 0 && r->current >= 0) XBTAB_TRY(find_curve(&curve, r));
    const bool has_one = r->current >= 0;
    for (int k = has_one ? r->current : 0; k < (has_one ? r->current + 1 : r->n); k++) {
        if (k == r->voltage) continue;
        if (r->out->n_points == MOST_POINTS)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: more than %d points; leave some out", r->csv.path, MOST_POINTS);
        XBTAB_TRY(xbtab__csv_number(&I, &r->csv, k, "current"));
        XBTAB_TRY(add_point(&r->out->curve[curve++], V * r->times[r->voltage], I * r->times[k], r->csv.line));
        r->out->n_points++;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__ivs_read(xbtab__ivs *out, const char *path)
{
    reader r = {.out = out};
    out->path = path;
    xbtab_status status = xbtab__csv_open(&r.csv, path, NULL);
    if (status == XBTAB_OK) status = find_layout(&r);
    while (status == XBTAB_OK) {
        status = xbtab__csv_next(&r.csv);
        if (status < 0 || r.csv.n == 0) break;
        status = take_line(&r);
    }
    if (status == XBTAB_OK && out->n_points == 0)
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: no points under the header", path);
    xbtab__labels_clear(&r.labels);
    xbtab__free(r.times);
    xbtab__csv_close(&r.csv);
    return status;
}

/* ---- one curve ---- */

typedef struct point {
    double V, I;
    size_t line;
} point;

static int by_voltage(const void *a, const void *b)
{
    const point *x = a, *y = b;
    if (x->V != y->V) return x->V < y->V ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t k = 0; k < n; k++) most = fmax(most, fabs(x[k]));
    return most;
}

static xbtab_status sort(xbtab__iv *c)
{
    point *p = xbtab__alloc(c->n, sizeof *p);
    if (!p) return XBTAB_NOMEM();
    for (size_t k = 0; k < c->n; k++) p[k] = (point){c->V[k], c->I[k], c->line[k]};
    qsort(p, c->n, sizeof *p, by_voltage);
    for (size_t k = 0; k < c->n; k++) {
        c->V[k] = p[k].V;
        c->I[k] = p[k].I;
        c->line[k] = p[k].line;
    }
    xbtab__free(p);
    return XBTAB_OK;
}

static xbtab_status check_size(const xbtab__iv *c, const char *path)
{
    double V = largest(c->V, c->n), I = largest(c->I, c->n);
    if (V > most_volts || I > most_amperes) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: curve \"%s\" goes to %g V and %g A; is it another unit? say so in the header, as in "
                   "\"voltage [mV]\" and \"current [uA]\"",
                   path, c->label, V, I);
    }
    if (!(I > 0)) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: curve \"%s\" has no current at all", path, c->label);
    return XBTAB_OK;
}

/* Points at one voltage become their mean; two directions of a sweep that differ are no read curve. */
static xbtab_status merge(xbtab__iv *c, const char *path)
{
    double most = largest(c->I, c->n);
    size_t n = 0;
    for (size_t first = 0, next; first < c->n; first = next) {
        double sum = 0;
        for (next = first; next < c->n && c->V[next] == c->V[first]; next++) {
            if (fabs(c->I[next] - c->I[first]) > most_spread * most) {
                XBTAB_FAIL(
                    XBTAB_ERR_INPUT,
                    "%s:%zu: curve \"%s\" has two currents at %g V, %g A and (line %zu) %g A: give one "
                    "direction of the sweep, below the voltages that switch",
                    path, c->line[next], c->label, c->V[first], c->I[next], c->line[first], c->I[first]);
            }
            sum += c->I[next];
        }
        c->V[n] = c->V[first];
        c->I[n] = sum / (double)(next - first);
        c->line[n++] = c->line[first];
    }
    c->n = n;
    return XBTAB_OK;
}

static xbtab_status mirror(xbtab__iv *c, const char *path, bool is_odd)
{
    bool has_below = c->V[0]<-zero_volts, has_above = c->V[c->n - 1]> zero_volts;
    if (has_below && has_above) return XBTAB_OK;
    if (!has_below && !has_above) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: curve \"%s\" has no point besides 0 V", path, c->label);
    }
    if (!is_odd) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: curve \"%s\" has no point %s 0 V, where an array's cells are driven too: measure it, "
                   "or take the curve to be odd (--odd)",
                   path, c->label, has_above ? "below" : "above");
    }
    for (size_t k = 0, n = c->n; k < n; k++) {
        if (fabs(c->V[k]) <= zero_volts) continue;
        c->V[c->n] = -c->V[k];
        c->I[c->n] = -c->I[k];
        c->line[c->n++] = c->line[k];
    }
    return sort(c);
}

/* The point at 0 V is 0 A. */
static xbtab_status put_zero(xbtab__iv *c, const char *path, xbtab_measured_summary *summary)
{
    double most = largest(c->I, c->n);
    for (size_t k = 0; k < c->n; k++) {
        if (fabs(c->V[k]) > zero_volts) continue;
        double share = fabs(c->I[k]) / most;
        if (share > least_offset) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s:%zu: curve \"%s\" has %g A at 0 V, %.2g %% of its largest current: if that is the "
                       "meter's, subtract it (--offset)",
                       path, c->line[k], c->label, c->I[k], 100 * share);
        }
        summary->largest_offset = fmax(summary->largest_offset, share);
        c->V[k] = c->I[k] = 0;
        return XBTAB_OK;
    }
    c->V[c->n] = c->I[c->n] = 0;
    c->line[c->n++] = 0;
    return sort(c);
}

static xbtab_status check_signs(const xbtab__iv *c, const char *path)
{
    double most = largest(c->I, c->n);
    for (size_t k = 0; k < c->n; k++) {
        if (c->V[k] * c->I[k] >= 0 || fabs(c->I[k]) <= least_offset * most) continue;
        return xbtab__refuse_sign(path, c->line[k], "curve", c->label, c->V[k], c->I[k]);
    }
    return XBTAB_OK;
}

/* Pool adjacent violators: each pool is one point, its mean; the one with 0 V stays there. */
static xbtab_status pool(xbtab__iv *c, xbtab_measured_summary *summary)
{
    double *weight = xbtab__alloc(c->n, sizeof *weight);
    size_t n = 0;
    if (!weight) return XBTAB_NOMEM();
    for (size_t k = 0; k < c->n; k++, n++) {
        c->V[n] = c->V[k];
        c->I[n] = c->I[k];
        c->line[n] = c->line[k];
        weight[n] = c->V[k] == 0 ? INFINITY : 1;
        for (; n > 0 && !(c->I[n] > c->I[n - 1]); n--) {
            double sum = weight[n - 1] + weight[n];
            double share = isinf(weight[n]) ? 1.0 : isinf(sum) ? 0.0 : weight[n] / sum;
            c->V[n - 1] += share * (c->V[n] - c->V[n - 1]);
            c->I[n - 1] += share * (c->I[n] - c->I[n - 1]);
            weight[n - 1] = sum;
        }
    }
    summary->n_pooled += (long)(c->n - n);
    c->n = n;
    xbtab__free(weight);
    return XBTAB_OK;
}

static xbtab_status check_rise(const xbtab__iv *c, const char *path)
{
    for (size_t k = 1; k < c->n; k++) {
        if (c->I[k] > c->I[k - 1]) continue;
        size_t line = c->line[k] ? c->line[k] : c->line[k - 1];
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: curve \"%s\" does not rise: %g A at %g V, %g A at %g V; if that is noise, average it "
            "away (--pool)",
            path, line, c->label, c->I[k - 1], c->V[k - 1], c->I[k], c->V[k]);
    }
    if (!(c->V[0] < 0 && c->V[c->n - 1] > 0)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: curve \"%s\": noise leaves no current on one side of 0 V", path,
                   c->label);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__iv_prepare(xbtab__iv *c, const char *path, const xbtab_measured_options *options,
                               xbtab_measured_summary *summary)
{
    XBTAB_TRY(sort(c));
    if (options->has_offset) {
        size_t least = 0;
        for (size_t k = 0; k < c->n; k++) {
            if (fabs(c->V[k]) < fabs(c->V[least])) least = k;
        }
        double offset = c->I[least];
        for (size_t k = 0; k < c->n; k++) c->I[k] -= offset;
    }
    XBTAB_TRY(check_size(c, path));
    XBTAB_TRY(merge(c, path));
    XBTAB_TRY(mirror(c, path, options->is_odd));
    XBTAB_TRY(put_zero(c, path, summary));
    XBTAB_TRY(check_signs(c, path));
    if (options->is_pooled) XBTAB_TRY(pool(c, summary));
    return check_rise(c, path);
}
