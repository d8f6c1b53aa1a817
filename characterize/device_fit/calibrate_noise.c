/* calibrate_noise.c - the measurement's own noise, from what a fit leaves along each curve.
 *
 * Fourth divided differences of five points of a curve's residuals vanish for any cubic, so whatever a model
 * misses smoothly is not in them. Differences of neighbours miss what neighbours share (a read-out that
 * drifts, a trap that stays occupied for a while); points three apart see that too. */
#include <math.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "calibrate_fit.h"
#include "memory.h"

enum { POINTS = 5, WIDEST = 3, LEAST_DIFFERENCES = 2 };

/* Magnitudes of the differences of points `apart` from each other, scaled to the noise of one point.
 * @param[out] out  out[n]. @return how many. */
static size_t differences(const double *x, const double *y, size_t n, size_t apart, double *out)
{
    size_t found = 0, span = apart * (POINTS - 1);
    for (size_t k = 0; k + span < n; k++) {
        double sum = 0, norm = 0, width = x[k + span] - x[k];
        bool good = width != 0;
        for (size_t i = 0; i < POINTS && good; i++) {
            double weight = 1;
            for (size_t j = 0; j < POINTS; j++) {
                if (i == j) continue;
                double gap = (x[k + i * apart] - x[k + j * apart]) / width;
                good = good && fabs(gap) > 1e-6;
                weight /= gap;
            }
            sum += weight * y[k + i * apart];
            norm += weight * weight;
        }
        if (good) out[found++] = fabs(sum) / sqrt(norm);
    }
    return found;
}

typedef struct sums {
    double *size; /* magnitudes, all devices' */
    size_t n, n_heldout;
    double all, heldout; /* of squares */
} sums;

/* A curve's points that are fit for the weighting, ascending. @return how many. */
static size_t curve_of(const xbtab__fitting *f, int device, double *x, double *y)
{
    const xbtab__points *p = f->p;
    size_t n = 0;
    for (size_t k = p->first[device]; k < p->first[device + 1]; k++) {
        if (!xbtab__is_seen(f, k, false) && !p->is_hidden[k]) continue;
        /* time goes through decades, so its curves are smooth in ln t */
        x[n] = f->c->kind == XBTAB_FIT_RETENTION && p->x[k] > 0 ? log(p->x[k]) : p->x[k];
        y[n++] = f->residual[k] * f->scale;
    }
    gsl_sort2(x, 1, y, 1, n);
    return n;
}

static void add_curves(sums *s, const xbtab__fitting *f, size_t apart, double *x, double *y)
{
    s->n = s->n_heldout = 0;
    s->all = s->heldout = 0;
    for (int d = 0; d < f->p->n_devices; d++) {
        size_t points = curve_of(f, d, x, y);
        if (points < apart * (POINTS - 1) + LEAST_DIFFERENCES) continue;
        size_t more = differences(x, y, points, apart, s->size + s->n);
        for (size_t k = s->n; k < s->n + more; k++) {
            s->all += s->size[k] * s->size[k];
            if (f->p->is_heldout[d]) s->heldout += s->size[k] * s->size[k];
        }
        if (f->p->is_heldout[d]) s->n_heldout += more;
        s->n += more;
    }
}

/* What a model without any error would leave of unseen points: their noise, and what the noise of the points
 * that the devices' own parameters come from does to the curve, on average a share of own/seen of it. */
static double expected_unseen(const xbtab_fit *fit, const xbtab__fitting *f)
{
    double sum = 0, noise = f->has_heldout ? fit->heldout_noise : fit->noise;
    size_t n_hidden = 0;
    for (int d = 0; d < f->p->n_devices; d++) {
        size_t hidden = 0, seen = 0;
        if (f->has_heldout && !f->p->is_heldout[d]) continue;
        for (size_t k = f->p->first[d]; k < f->p->first[d + 1]; k++) {
            hidden += f->p->is_hidden[k];
            seen += !f->p->is_hidden[k];
        }
        sum += (double)hidden * (1 + (double)f->c->n_device / (double)(seen > 0 ? seen : 1));
        n_hidden += hidden;
    }
    return n_hidden > 0 ? noise * sqrt(sum / (double)n_hidden) : NAN;
}

xbtab_status xbtab__judge_noise(xbtab_fit *fit, const xbtab__fitting *f)
{
    size_t n = f->p->n;
    sums s = {.size = xbtab__alloc(n, sizeof(double))};
    double *x = xbtab__alloc(n, sizeof *x), *y = xbtab__alloc(n, sizeof *y);
    xbtab_status status = s.size && x && y ? XBTAB_OK : XBTAB_NOMEM();
    fit->noise = fit->noise_mad = fit->noise_near = fit->heldout_noise = NAN;
    fit->noise_apart = 0;
    for (size_t apart = 1; apart <= WIDEST && status == XBTAB_OK; apart++) {
        size_t least = fit->n_noise / 4; /* where few curves are long enough, the narrower one stays */
        add_curves(&s, f, apart, x, y);
        if (s.n == 0 || s.n < least) break;
        gsl_sort(s.size, 1, s.n);
        fit->noise = sqrt(s.all / (double)s.n);
        fit->noise_mad = gsl_stats_median_from_sorted_data(s.size, 1, s.n) / 0.6745;
        fit->heldout_noise = s.n_heldout > 0 ? sqrt(s.heldout / (double)s.n_heldout) : NAN;
        fit->noise_apart = (int)apart;
        fit->n_noise = s.n;
        if (apart == 1) fit->noise_near = fit->noise;
    }
    fit->heldout_expected = expected_unseen(fit, f);
    xbtab__free(s.size);
    xbtab__free(x);
    xbtab__free(y);
    return status;
}
