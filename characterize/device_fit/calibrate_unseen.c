/* calibrate_unseen.c - a fit's error on points that no fit saw, and the prediction interval that holds them.
 */
#include <math.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "calibrate_fit.h"
#include "memory.h"

/* sigma^2 = floor^2 + (slope y)^2 through squared residuals, weighted by its own square; four rounds. */
static void fit_spread(xbtab_fit *fit, const double *r, const double *y, size_t n, bool flat_only)
{
    double mean = 0, a, b = 0;
    for (size_t k = 0; k < n; k++) mean += r[k] * r[k] / (double)n;
    a = mean;
    for (int turn = 0; turn < 4 && !flat_only && mean > 0; turn++) {
        double s = 0, sx = 0, sxx = 0, sr = 0, sxr = 0;
        for (size_t k = 0; k < n; k++) {
            double x = y[k] * y[k], spread = fmax(a + b * x, 1e-3 * mean), w = 1 / (spread * spread);
            s += w;
            sx += w * x;
            sxx += w * x * x;
            sr += w * r[k] * r[k];
            sxr += w * x * r[k] * r[k];
        }
        double det = s * sxx - sx * sx;
        if (!(det > 0)) break;
        b = fmax((s * sxr - sx * sr) / det, 0);
        a = fmax(b > 0 ? (sr - b * sx) / s : sr / s, 0);
    }
    fit->interval_floor = sqrt(a);
    fit->interval_slope = sqrt(b);
}

static double spread_at(const xbtab_fit *fit, double y)
{
    return hypot(fit->interval_floor, fit->interval_slope * y);
}

typedef struct sample {
    double *r, *y;
    size_t n;
} sample;

static void add_points(sample *s, const xbtab__fitting *f, int d, bool hidden)
{
    for (size_t k = f->p->first[d]; k < f->p->first[d + 1]; k++) {
        /* both kinds must be fit for the weighting */
        bool is_seen = xbtab__is_seen(f, k, true), is_hidden = f->p->is_hidden[k];
        if (hidden ? !is_hidden : !is_seen) continue;
        s->r[s->n] = f->residual[k] * f->scale;
        s->y[s->n++] = f->p->y[k];
    }
}

xbtab_status xbtab__judge_unseen(xbtab_fit *fit, xbtab__fitting *f)
{
    const xbtab__points *p = f->p;
    sample known = {.n = 0}, unseen = {.n = 0};
    xbtab_status status = XBTAB_OK;
    known.r = xbtab__alloc(p->n, sizeof(double));
    known.y = xbtab__alloc(p->n, sizeof(double));
    unseen.r = xbtab__alloc(p->n, sizeof(double));
    unseen.y = xbtab__alloc(p->n, sizeof(double));
    if (!known.r || !known.y || !unseen.r || !unseen.y) {
        status = XBTAB_NOMEM();
        goto done;
    }
    fit->heldout_rmse = fit->coverage = NAN;
    for (int d = 0; d < p->n_devices; d++) {
        /* the interval comes from the fitted devices, seen in the same way: without their hidden points */
        if (f->has_heldout) XBTAB_TRY_DONE(xbtab__fit_device_robustly(f, d, p->is_heldout[d]));
        if (!f->has_heldout) add_points(&known, f, d, false);
        add_points(f->has_heldout && !p->is_heldout[d] ? &known : &unseen, f, d, true);
    }
    if (unseen.n == 0) goto done;
    fit_spread(fit, known.r, known.y, known.n, f->c->weighting == XBTAB__WEIGHTING_LOG);
    for (size_t k = 0; k < known.n; k++)
        known.r[k] = fabs(known.r[k]) / fmax(spread_at(fit, known.y[k]), 1e-300);
    gsl_sort(known.r, 1, known.n);
    fit->interval_factor = gsl_stats_quantile_from_sorted_data(known.r, 1, known.n, 0.95);
    double sum = 0;
    size_t inside = 0;
    for (size_t k = 0; k < unseen.n; k++) {
        sum += unseen.r[k] * unseen.r[k];
        inside += fabs(unseen.r[k]) <= fit->interval_factor * spread_at(fit, unseen.y[k]);
    }
    fit->n_hidden = unseen.n;
    fit->heldout_rmse = sqrt(sum / (double)unseen.n);
    fit->coverage = (double)inside / (double)unseen.n;
done:
    xbtab__free(known.r);
    xbtab__free(known.y);
    xbtab__free(unseen.r);
    xbtab__free(unseen.y);
    return status;
}
