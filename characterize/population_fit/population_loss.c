/* population_loss.c - faults, wear and lost states. */
#include "population_fit_private.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>

#include "memory.h"

static const double boltzmann_eV = 8.617333262e-5; /* [eV/K], CODATA 2018 */

/* ---- faults, wear, loss ---- */

xbtab_status xbtab__fit_stuck(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_STUCK];
    double *low = xbtab__alloc(p->n, sizeof *low), *high = xbtab__alloc(p->n, sizeof *high), n = (double)p->n;
    size_t n_low = 0, n_high = 0;
    char text[256];
    if (!low || !high) {
        xbtab__free(low);
        xbtab__free(high);
        return XBTAB_NOMEM();
    }
    for (size_t k = 0; k < p->n; k++) {
        if (p->y[k] < m->hrs_below) low[n_low++] = log(fmax(p->y[k], 1e-18));
        if (m->lrs_above > 0 && p->y[k] > m->lrs_above) high[n_high++] = log(p->y[k]);
    }
    double a = (double)n_low / n, c = (double)n_high / n;
    snprintf(text, sizeof text,
             "%zu of %zu devices below %.4g uS (%.3g +- %.2g %%), %zu above %.4g uS (%.3g +- %.2g %%)", n_low,
             p->n, 1e6 * m->hrs_below, 100 * a, 100 * sqrt(a * (1 - a) / n), n_high, 1e6 * m->lrs_above,
             100 * c, 100 * sqrt(c * (1 - c) / n));
    xbtab__tell(b, m, text);
    xbtab__text_add(out, "stuck:\n  stuck_lrs: %.6g\n  stuck_hrs: %.6g\n", c, a);
    if (n_low > 1) {
        xbtab__text_add(out, "  g_hrs: %.5g S\n  g_hrs_sigma: %.4g\n", exp(gsl_stats_median(low, 1, n_low)),
                        fmin(gsl_stats_sd(low, 1, n_low), 10));
    }
    if (n_high > 1) {
        xbtab__text_add(out, "  g_lrs: %.5g S\n  g_lrs_sigma: %.4g\n", exp(gsl_stats_median(high, 1, n_high)),
                        fmin(gsl_stats_sd(high, 1, n_high), 10));
    }
    xbtab__add_source(out, b, m->file, text, NULL);
    xbtab__free(low);
    xbtab__free(high);
    return XBTAB_OK;
}

xbtab_status xbtab__fit_endurance(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    const double n0 = 1e4;
    xbtab__text *out = &b->section[XBTAB__EFFECT_ENDURANCE];
    double slope = 0, most = 0, *failed = xbtab__alloc((size_t)p->n_devices, sizeof *failed);
    int n = 0, n_failed = 0;
    char text[256];
    if (!failed) return XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices; d++) {
        size_t count = p->first[d + 1] - p->first[d], early = count / 10 + 1;
        const double *x = p->x + p->first[d], *y = p->y + p->first[d];
        double sxx = 0, sxy = 0;
        if (count < 20) continue;
        double G0 = gsl_stats_mean(y, 1, early);
        for (size_t k = 0; k < count; k++) {
            double u = log10(1 + x[k] / n0);
            sxx += u * u;
            sxy += u * (1 - y[k] / G0);
            most = fmax(most, x[k]);
        }
        slope += sxy / sxx;
        n++;
        /* three reads in a row below the limit are a failure, one may be a bad write */
        for (size_t k = 2; k < count; k++) {
            double limit = m->lost_below * G0;
            if (y[k] < limit && y[k - 1] < limit && y[k - 2] < limit) {
                failed[n_failed++] = log(x[k - 2]);
                break;
            }
        }
    }
    if (n == 0) {
        xbtab__free(failed);
        return xbtab__fail_in(m, "no device has 20 reads");
    }
    slope = fmin(fmax(slope / n, 0), 1);
    bool is_known = n_failed >= 3 && 2 * n_failed > n;
    double median = is_known ? exp(gsl_stats_median(failed, 1, (size_t)n_failed)) : fmax(most, 1);
    snprintf(text, sizeof text,
             "%d devices up to %.4g writes, %d failed%s; the window narrows by %.3g %% a decade beyond %g", n,
             most, n_failed, is_known ? "" : ", so the median is a lower bound", 100 * slope, n0);
    xbtab__tell(b, m, text);
    xbtab__text_add(out, "endurance:\n  median: %.6g\n  sigma: %.4g\n  window_slope: %.5g\n  window_n0: %g\n",
                    median, is_known ? gsl_stats_sd(failed, 1, (size_t)n_failed) : 0.0, slope, n0);
    xbtab__add_source(out, b, m->file, text, NULL);
    xbtab__free(failed);
    return XBTAB_OK;
}

/* When a device falls below its share, between two reads on a logarithmic scale; NAN if it does not. */
static double loss_time(const xbtab__points *p, int d, double share)
{
    size_t first = xbtab__earliest(p, d);
    for (size_t k = p->first[d]; k + 1 < p->first[d + 1]; k++) {
        double limit = share * p->y[first], a = p->y[k] - limit, c = p->y[k + 1] - limit;
        if (a < 0 || c >= 0) continue;
        double from = fmax(p->x[k], 1e-3 * p->x[k + 1]);
        return from * pow(p->x[k + 1] / from, a / (a - c));
    }
    return NAN;
}

xbtab_status xbtab__fit_retention(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_RETENTION];
    double *x = xbtab__alloc((size_t)p->n_devices, sizeof *x),
           *y = xbtab__alloc((size_t)p->n_devices, sizeof *y);
    size_t n = 0;
    char text[256];
    xbtab_status status = x && y ? XBTAB_OK : XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices && status == XBTAB_OK; d++) {
        double t = loss_time(p, d, m->lost_below);
        if (!(t > 0)) continue;
        x[n] = 1 / (boltzmann_eV * p->T[p->first[d]]) - 1 / (boltzmann_eV * m->temperature);
        y[n++] = log(t);
    }
    double low = DBL_MAX, high = -DBL_MAX;
    for (size_t k = 0; k < n; k++) {
        low = fmin(low, x[k]);
        high = fmax(high, x[k]);
    }
    if (status == XBTAB_OK && (n < 4 || !(high > low)))
        status = xbtab__fail_in(
            m, "fewer than 4 devices were lost, or all at one temperature; Arrhenius needs two");
    if (status == XBTAB_OK) {
        double c0, c1, v00, v01, v11, squares;
        gsl_fit_linear(x, 1, y, 1, n, &c0, &c1, &v00, &v01, &v11, &squares);
        double sigma = sqrt(squares / (double)(n - 2));
        snprintf(text, sizeof text,
                 "%zu of %d devices fell below %.3g of their conductance; activation energy %.4g +- %.2g eV "
                 "(least squares)",
                 n, p->n_devices, m->lost_below, c1, sqrt(v11));
        xbtab__tell(b, m, text);
        xbtab__text_add(
            out,
            "retention:\n  median: %.6g s\n  temperature: %g K\n  activation_energy: %.6g eV\n  sigma: "
            "%.4g\n  lost: %.6g S\n",
            exp(c0), m->temperature, fmax(c1, 0), sigma, b->spec->G_min);
        xbtab__add_source(out, b, m->file, text, NULL);
    }
    xbtab__free(x);
    xbtab__free(y);
    return status;
}
