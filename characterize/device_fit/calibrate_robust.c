/* calibrate_robust.c - weights of points from their residuals, for losses that grow more slowly than squares.
 */
#include <math.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "calibrate_fit.h"
#include "memory.h"

/* Loss of a residual in units of the scale, twice; and its weight. */
static double loss_of(xbtab_fit_loss loss, double z, double *weight)
{
    const double huber = 1.345, cauchy = 2.385; /* 95 % efficient on normal errors */
    double size = fabs(z);
    *weight = 1;
    if (loss == XBTAB_FIT_HUBER && size > huber) {
        *weight = huber / size;
        return huber * (2 * size - huber);
    }
    if (loss == XBTAB_FIT_CAUCHY) {
        *weight = 1 / (1 + z * z / (cauchy * cauchy));
        return cauchy * cauchy * log1p(z * z / (cauchy * cauchy));
    }
    return z * z;
}

/* Weights of a device's points that the fit sees, in units of the loss's scale; others keep theirs.
 * @return the largest change. @param[in,out] cost  their loss is added. */
static double weigh(xbtab__fitting *f, int device, bool hide, double *cost)
{
    double change = 0, scale = f->loss_scale;
    for (size_t k = f->p->first[device]; k < f->p->first[device + 1]; k++) {
        if (!xbtab__is_seen(f, k, hide)) continue;
        if (f->c->loss == XBTAB_FIT_SQUARES || scale == 0) {
            *cost += f->residual[k] * f->residual[k];
            continue;
        }
        double weight;
        *cost += scale * scale * loss_of(f->c->loss, f->residual[k] / scale, &weight);
        change = fmax(change, fabs(weight - f->weight[k]));
        f->weight[k] = weight;
    }
    return change;
}

xbtab_status xbtab__reweight(xbtab__fitting *f, double *change, double *cost)
{
    const xbtab__points *p = f->p;
    double *size = xbtab__alloc(p->n, sizeof *size);
    size_t n = 0;
    if (!size) return XBTAB_NOMEM();
    for (int d = 0; d < f->n_use; d++) {
        for (size_t k = p->first[f->use[d]]; k < p->first[f->use[d] + 1]; k++) {
            if (xbtab__is_seen(f, k, false)) size[n++] = fabs(f->residual[k]);
        }
    }
    gsl_sort(size, 1, n);
    f->loss_scale = n ? gsl_stats_median_from_sorted_data(size, 1, n) / 0.6745 : 0;
    xbtab__free(size);
    *change = *cost = 0;
    for (int d = 0; d < f->n_use; d++) *change = fmax(*change, weigh(f, f->use[d], false, cost));
    return XBTAB_OK;
}

xbtab_status xbtab__fit_device_robustly(xbtab__fitting *f, int device, bool scan)
{
    double change = 1, cost = 0;
    for (int turn = 0; turn < XBTAB__MOST_REWEIGHTINGS && change >= 1e-3; turn++) {
        XBTAB_TRY(xbtab__fit_device(f, device, scan && turn == 0, true));
        change = f->c->n_device > 0 ? weigh(f, device, true, &cost) : 0;
    }
    return XBTAB_OK;
}
