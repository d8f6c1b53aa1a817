/* error_sum.h - errors of a fit, added up. */
#ifndef XBTAB_TILE_ERROR_SUM_H
#define XBTAB_TILE_ERROR_SUM_H

#include <math.h>

#include <xbartab/tables.h>

typedef struct xbtab__error_sum {
    double squares, most;
    long n;
} xbtab__error_sum;

static inline void xbtab__add_error(xbtab__error_sum *sum, double error)
{
    sum->squares += error * error;
    if (fabs(error) > sum->most) sum->most = fabs(error);
    sum->n++;
}

static inline xbtab_fit_error xbtab__finish_error(const xbtab__error_sum *sum, double full_scale, long failed)
{
    return (xbtab_fit_error){.rmse = sum->n ? sqrt(sum->squares / (double)sum->n) / full_scale : NAN,
                             .max = sum->n ? sum->most / full_scale : NAN,
                             .full_scale = full_scale,
                             .samples = sum->n,
                             .failed = failed};
}

#endif
