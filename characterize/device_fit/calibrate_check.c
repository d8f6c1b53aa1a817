/* calibrate_check.c - data that cannot be what their columns say: too few points, nothing that changes, a
 * unit that is wrong by a power of a thousand. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "calibrate_private.h"
#include "clean.h"
#include "memory.h"
#include "quantity.h"

static const char *const x_names[] = {"voltage", "pulse number", "time"};
static const char *const x_units[] = {"V", "1", "s"};

static const char *y_name(const xbtab__calibration *c)
{
    return c->kind == XBTAB_FIT_IV || c->y_is_current ? "current"
           : c->y_is_resistance                       ? "resistance"
                                                      : "conductance";
}

static xbtab_status check_change(const xbtab__points *p, const xbtab__calibration *c)
{
    double x_low, x_high, y_low, y_high;
    char text[64], label[XBTAB__LABEL_SIZE];
    gsl_stats_minmax(&x_low, &x_high, p->x, 1, p->n);
    gsl_stats_minmax(&y_low, &y_high, p->y, 1, p->n);
    if (x_low == x_high) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "data: the %s is %s at all %zu points; a fit needs a %s",
                   x_names[c->kind], xbtab__quantity_print(text, sizeof text, x_low, x_units[c->kind]), p->n,
                   c->kind == XBTAB_FIT_IV ? "sweep" : "series");
    }
    if (y_low == y_high) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "data: the %s is the same number at all %zu points (%g in SI units)",
                   y_name(c), p->n, y_low);
    }
    for (int d = 0; d < p->n_devices; d++) {
        size_t n = p->first[d + 1] - p->first[d], n_seen = 0;
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++)
            n_seen += !(p->is_heldout[d] && p->is_hidden[k]);
        if (c->n_device == 0 || n == 0) continue;
        if (n_seen <= (size_t)c->n_device) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "data: device %s has %zu points%s; its own %d parameters need at least %d",
                       xbtab__clean(label, p->label[d], XBTAB__LABEL_SHOWN), n_seen,
                       n_seen < n ? " that are not held out" : "", c->n_device, c->n_device + 1);
        }
        gsl_stats_minmax(&y_low, &y_high, p->y + p->first[d], 1, n);
        if (y_low == y_high) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "data: device %s has a constant %s (%g in SI units, %zu points)",
                       xbtab__clean(label, p->label[d], XBTAB__LABEL_SHOWN), y_name(c), y_low, n);
        }
    }
    size_t free_parameters = (size_t)c->n_shared + (size_t)c->n_device * (size_t)p->n_devices;
    if (p->n <= free_parameters) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "data: %zu points cannot fix %zu parameters", p->n, free_parameters);
    }
    if (p->n_devices == 1 && c->n_device > 0 && c->n_shared > 0 && p->n < 3 * free_parameters) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "data: one %s of %zu points cannot tell shared parameters from the device's own; "
                   "make them all fit: device or fixed, or give several devices",
                   c->kind == XBTAB_FIT_IV ? "sweep" : "series", p->n);
    }
    return XBTAB_OK;
}

/* Which power of a thousand brings a figure into a range; 0 = it is inside, 99 = none does. */
static int thousands_off(double figure, double low, double high)
{
    if (figure >= low && figure <= high) return 0;
    for (int k = 1; k <= 4; k++) {
        double power = pow(1000, k);
        if (figure / power >= low && figure / power <= high) return k;
        if (figure * power >= low && figure * power <= high) return -k;
    }
    return 99;
}

static const char *prefix_of(int thousands)
{
    static const char *const names[] = {"pico", "nano", "micro", "milli", "", "kilo", "mega", "giga", "tera"};
    return names[4 + thousands];
}

/* A figure outside what is usual, of a column whose unit is thereby in doubt. */
static xbtab_status doubt(const xbtab__points *p, const xbtab__calibration *c, const char *what,
                          double figure, const char *unit, xbtab_fit_column which, int thousands, double low,
                          double high)
{
    static const char *const bases[][2] = {
        {"V", "volt"}, {"A", "ampere"}, {"S", "siemens"}, {"ohm", "ohm"}, {"s", "second"}};
    const char *column = which == XBTAB_FIT_X           ? x_names[c->kind]
                         : which == XBTAB_FIT_AMPLITUDE ? "amplitude"
                         : which == XBTAB_FIT_WIDTH     ? "width"
                                                        : y_name(c),
               *base = "units", *own = p->unit[which];
    const char *of = which == XBTAB_FIT_Y ? (c->y_is_resistance               ? "ohm"
                                             : strcmp(column, "current") == 0 ? "A"
                                                                              : "S")
                                          : unit;
    char got[64], from[64], to[64], hint[160] = "";
    for (size_t k = 0; k < sizeof bases / sizeof bases[0]; k++) {
        if (strcmp(of, bases[k][0]) == 0) base = bases[k][1];
    }
    /* the unit that would do, in thousands of the SI unit */
    double wanted = log10(p->times[which] > 0 ? p->times[which] : 1) / 3 - thousands;
    if (thousands != 99 && fabs(wanted) <= 4.1) {
        snprintf(hint, sizeof hint, "; it would fit if the column were in %s%s (1e%d of %s)",
                 prefix_of((int)lround(wanted)), base, -3 * thousands, own);
    }
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "data: suspicious unit of the %s: %s is %s, usual is %s to %s%s; or say accept_units: yes",
               column, what, xbtab__quantity_print(got, sizeof got, figure, unit),
               xbtab__quantity_print(from, sizeof from, low, unit),
               xbtab__quantity_print(to, sizeof to, high, unit), hint);
}

/* Pulses are of 10 mV to 20 V and of a picosecond to a minute and more; columns of them may be in other
 * units. */
static xbtab_status check_pulses(const xbtab__points *p, const xbtab__calibration *c)
{
    double amplitude = 0, width = 0, least = DBL_MAX;
    int n = 0;
    for (size_t k = 0; k < p->n; k++) {
        if (p->pulse[k].n == 0) continue;
        n++;
        amplitude = fmax(amplitude, fabs(p->pulse[k].amplitude));
        width = fmax(width, p->pulse[k].width);
        least = fmin(least, p->pulse[k].width);
    }
    if (n == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "data: no pulse at all: the pulse number of no device rises");
    if (least <= 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "data: a pulse has a width of %g s", least);
    if (amplitude < 0.01 || amplitude > 20)
        return doubt(p, c, "the highest pulse", amplitude, "V", XBTAB_FIT_AMPLITUDE,
                     thousands_off(amplitude, 0.01, 20), 0.01, 20);
    if (width < 1e-12 || width > 100)
        return doubt(p, c, "the longest pulse", width, "s", XBTAB_FIT_WIDTH, thousands_off(width, 1e-12, 100),
                     1e-12, 100);
    return XBTAB_OK;
}

/* Below 150 K lies what is meant in degrees Celsius. */
static xbtab_status check_temperature(const xbtab__points *p)
{
    double low, high;
    gsl_stats_minmax(&low, &high, p->T, 1, p->n);
    if (low >= 150 && high <= 1000) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "data: suspicious unit of the temperature: %g K to %g K, usual is 150 K to 1000 K; a column "
               "in degrees Celsius "
               "has the unit degC; or say accept_units: yes",
               low, high);
}

/* The largest chord conductances of the devices: their upper quartile stands for the technology. */
static xbtab_status largest_conductance(double *out, const xbtab__points *p, const xbtab__calibration *c)
{
    double *G = xbtab__alloc((size_t)p->n_devices, sizeof *G);
    if (!G) return XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices; d++) {
        double x_most = 0, y_base = 0, x_least = DBL_MAX;
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
            x_most = fmax(x_most, fabs(p->x[k]));
            if (fabs(p->x[k]) < x_least) {
                x_least = fabs(p->x[k]);
                y_base = p->y[k];
            }
        }
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
            if (c->kind != XBTAB_FIT_IV) {
                G[d] = fmax(G[d], fabs(p->y[k]));
            } else if (fabs(p->x[k]) > 0.5 * x_most && fabs(p->x[k]) > x_least) {
                G[d] = fmax(G[d], fabs(p->y[k] - y_base) / fabs(p->x[k]));
            }
        }
    }
    gsl_sort(G, 1, (size_t)p->n_devices);
    *out = gsl_stats_quantile_from_sorted_data(G, 1, (size_t)p->n_devices, 0.75);
    xbtab__free(G);
    return XBTAB_OK;
}

/* Currents that the model reaches within its state's bounds at the largest voltage. */
static xbtab_status model_reach(double *low, double *high, const xbtab__points *p,
                                const xbtab__calibration *c, xbtab__spice *spice)
{
    double x = 0, y[2] = {0}, *value = xbtab__alloc(2 * (size_t)c->n_parameters, sizeof *value);
    if (!value) return XBTAB_NOMEM();
    for (size_t k = 0; k < p->n; k++) x = fmax(x, fabs(p->x[k]));
    xbtab__curve_job job[2];
    for (int end = 0; end < 2; end++) {
        double *v = value + end * c->n_parameters;
        for (int k = 0; k < c->n_parameters; k++) v[k] = c->parameter[k].value;
        v[c->state] = end ? c->parameter[c->state].max : c->parameter[c->state].min;
        job[end] = (xbtab__curve_job){.value = v, .x = &x, .n = 1, .y = &y[end]};
    }
    xbtab_status status = xbtab__curves_run(c, spice, job, 2);
    xbtab__free(value);
    *low = fmin(fabs(y[0]), fabs(y[1]));
    *high = fmax(fabs(y[0]), fabs(y[1]));
    return status;
}

xbtab_status xbtab__points_check(const xbtab__points *p, const xbtab__calibration *c, xbtab__spice *spice)
{
    /* Reads below a millivolt drown in noise, reads above 10 V destroy; RRAM is used from 0.5 uS (2 Mohm) to
     * 5 mS (200 ohm) when it conducts. */
    const double V_low = 5e-3, V_high = 10, G_low = 0.5e-6, G_high = 5e-3;
    double x = 0, G = 0;
    XBTAB_TRY(check_change(p, c));
    if (c->accepts_units) return XBTAB_OK;
    for (size_t k = 0; k < p->n; k++) x = fmax(x, fabs(p->x[k]));
    if (c->kind == XBTAB_FIT_IV && (x < V_low || x > V_high)) {
        return doubt(p, c, "the largest voltage", x, "V", XBTAB_FIT_X, thousands_off(x, V_low, V_high), V_low,
                     V_high);
    }
    if (c->has_trains) XBTAB_TRY(check_pulses(p, c));
    XBTAB_TRY(check_temperature(p));
    XBTAB_TRY(largest_conductance(&G, p, c));
    if (G < G_low || G > G_high) {
        int thousands = thousands_off(G, G_low, G_high);
        return doubt(p, c, "the conductance that most devices stay below", G, "S", XBTAB_FIT_Y,
                     c->y_is_resistance && thousands != 99 ? -thousands : thousands, G_low, G_high);
    }
    if (c->kind == XBTAB_FIT_IV && c->state >= 0 && c->parameter[c->state].role != XBTAB_FIT_FIXED) {
        double low = 0, high = 0;
        XBTAB_TRY(model_reach(&low, &high, p, c, spice));
        if (isfinite(high) && high > 0 && (G * x > 3 * high || G * x < low / 3)) {
            return doubt(p, c, "the current at the largest voltage", G * x, "A", XBTAB_FIT_Y,
                         thousands_off(G * x, low, high), low, high);
        }
    }
    return XBTAB_OK;
}
