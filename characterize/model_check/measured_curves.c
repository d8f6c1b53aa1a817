/* measured_curves.c - measured I-V curves, read and made fit to be a model's. */
#include "measured_curves.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "memory.h"
#include "quantity.h"

enum { LARGEST_FILE = 1 << 28, MOST_FIELDS = 4096, NAME_SIZE = 128 };

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

/* Columns of the file, from 0; -1 = none. */
typedef struct layout {
    int n, voltage, current, curve;
    bool has_header;
    char delimiter;
    double times[MOST_FIELDS]; /* to volts or amperes */
    char name[MOST_FIELDS][NAME_SIZE];
} layout;

static bool is_one_of(const char *name, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(name, *words) == 0) return true;
    }
    return false;
}

/* "name [unit]" or "name (unit)". */
static void split_name(const char *field, char *name, char *unit)
{
    size_t n = strcspn(field, "[(");
    const char *inside = field[n] ? field + n + 1 : "";
    snprintf(unit, NAME_SIZE, "%.*s", (int)strcspn(inside, ")]"), inside);
    while (n > 0 && isspace((unsigned char)field[n - 1])) n--;
    snprintf(name, NAME_SIZE, "%.*s", (int)n, field);
}

static xbtab_status take_unit(layout *l, const char *path, size_t line, int k, const char *unit,
                              const char *wanted)
{
    char text[NAME_SIZE + 8];
    if (!unit[0]) return XBTAB_OK;
    snprintf(text, sizeof text, "1 %s", unit);
    const char *why = xbtab__quantity_parse(&l->times[k], text, wanted);
    if (why) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s:%zu: the unit [%s] of column %d (%s): %s; it must be %s, with a prefix or without",
                   path, line, unit, k + 1, l->name[k], why, wanted);
    }
    return XBTAB_OK;
}

static xbtab_status read_header(layout *l, const char *path, size_t line, char **field)
{
    static const char *const voltages[] = {"voltage", "v", NULL}, *const currents[] = {"current", "i", NULL},
                             *const curves[] = {"curve", "state", "device", "level", NULL};
    char unit[MOST_FIELDS][NAME_SIZE], list[256] = "";
    for (int k = 0; k < l->n; k++) {
        split_name(field[k], l->name[k], unit[k]);
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", k ? ", " : "", l->name[k]);
        if (l->voltage < 0 && is_one_of(l->name[k], voltages))
            l->voltage = k;
        else if (l->current < 0 && is_one_of(l->name[k], currents))
            l->current = k;
        else if (l->curve < 0 && is_one_of(l->name[k], curves))
            l->curve = k;
    }
    if (l->voltage < 0) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: no column is called voltage (or V), with its unit as in \"voltage [mV]\"; there are: %s",
            path, line, list);
    }
    if (l->n < 2) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: no column besides the voltage", path, line);
    if (l->curve >= 0 && l->current < 0) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: no column is called current (or I), with its unit as in \"current [uA]\"; there are: %s",
            path, line, list);
    }
    XBTAB_TRY(take_unit(l, path, line, l->voltage, unit[l->voltage], "V"));
    for (int k = 0; k < l->n; k++) {
        bool is_current = l->current >= 0 ? k == l->current : k != l->voltage;
        if (is_current) XBTAB_TRY(take_unit(l, path, line, k, unit[k], "A"));
    }
    return XBTAB_OK;
}

static xbtab_status find_layout(layout *l, const char *path)
{
    char *text = NULL, *field[MOST_FIELDS];
    size_t size = 0, line = 0;
    XBTAB_TRY(xbtab__file_read_gz(&text, &size, path, LARGEST_FILE));
    xbtab_status status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: the file is empty", path);
    for (char *at = text, *stop; at && *at; at = stop) {
        stop = strchr(at, '\n');
        if (stop) *stop++ = '\0';
        line++;
        at[strcspn(at, "\r")] = '\0';
        if (at[strspn(at, " \t")] == '\0' || at[0] == '#') continue;
        l->delimiter = xbtab__guess_delimiter(at);
        l->n = xbtab__split_line(at, l->delimiter, field, MOST_FIELDS);
        l->voltage = l->current = l->curve = -1;
        for (int k = 0; k < l->n; k++) {
            l->times[k] = 1;
            l->has_header = l->has_header || !xbtab__is_number(field[k]);
            snprintf(l->name[k], NAME_SIZE, "column %d", k + 1);
        }
        status = XBTAB_OK;
        if (l->has_header) {
            status = read_header(l, path, line, field);
        } else if (l->n < 2) {
            status = xbtab__error_set(XBTAB_ERR_INPUT,
                                      "%s:%zu: one column; a voltage and a current are needed", path, line);
        } else {
            l->voltage = 0;
        }
        break;
    }
    xbtab__free(text);
    return status;
}

static xbtab_status add_curves(xbtab__ivs *out, const layout *l, int current)
{
    xbtab__calibration c = {.path = (char *)out->path, /* only read */
                            .kind = XBTAB_FIT_IV,
                            .delimiter = l->delimiter,
                            .header = l->has_header,
                            .least = -INFINITY,
                            .most = INFINITY};
    c.column[XBTAB_FIT_X] = (xbtab__column){.number = l->voltage + 1, .times = l->times[l->voltage]};
    c.column[XBTAB_FIT_Y] = (xbtab__column){.number = current + 1, .times = l->times[current]};
    c.column[XBTAB_FIT_DEVICE] = (xbtab__column){.number = l->current >= 0 ? l->curve + 1 : 0};
    xbtab__points p = {0};
    xbtab_status status;
    XBTAB_TRY(xbtab__points_read(&p, &c, &out->path, 1));
    xbtab__iv *grown = xbtab__realloc(out->curve, out->n + (size_t)p.n_devices, sizeof *grown);
    if (!grown) {
        status = XBTAB_NOMEM();
        goto done;
    }
    out->curve = grown;
    for (int d = 0; d < p.n_devices; d++) {
        size_t first = p.first[d], n = p.first[d + 1] - first;
        xbtab__iv *to = &out->curve[out->n++];
        /* room for a mirror image and 0 V */
        *to = (xbtab__iv){.label =
                              xbtab__strdup(l->current >= 0 && l->curve >= 0 ? p.label[d] : l->name[current]),
                          .n = n,
                          .V = xbtab__alloc(2 * n + 1, sizeof *to->V),
                          .I = xbtab__alloc(2 * n + 1, sizeof *to->I),
                          .line = xbtab__alloc(2 * n + 1, sizeof *to->line)};
        if (!to->label || !to->V || !to->I || !to->line) {
            status = XBTAB_NOMEM();
            goto done;
        }
        memcpy(to->V, p.x + first, n * sizeof *to->V);
        memcpy(to->I, p.y + first, n * sizeof *to->I);
        memcpy(to->line, p.line + first, n * sizeof *to->line);
        out->n_points += n;
    }
    status = XBTAB_OK;
done:
    xbtab__points_clear(&p);
    return status;
}

xbtab_status xbtab__ivs_read(xbtab__ivs *out, const char *path)
{
    layout *l = xbtab__alloc(1, sizeof *l);
    if (!l) return XBTAB_NOMEM();
    out->path = path;
    xbtab_status status = find_layout(l, path);
    for (int k = 0; k < l->n && status == XBTAB_OK; k++) {
        if (l->current >= 0 ? k == l->current : k != l->voltage) status = add_curves(out, l, k);
    }
    xbtab__free(l);
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
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s:%zu: curve \"%s\" has %g A at %g V: a positive voltage drives a positive current from "
                   "top to bottom; is an offset or a sign left in the data?",
                   path, c->line[k], c->label, c->I[k], c->V[k]);
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
