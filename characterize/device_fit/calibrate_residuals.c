/* calibrate_residuals.c - a device's residuals, and their derivatives, at a fit's coordinates. */
#include <math.h>

#include "calibrate_fit.h"
#include "memory.h"

/* A response that is no number is as bad as this many times the data's root mean square. */
static const double hopeless = 1e3;

/* ---- coordinates ---- */

double xbtab__to_value(const xbtab__quantity_fitted *q, double u)
{
    double share = 0.5 * (1 + sin(u));
    switch (q->scale) {
    case XBTAB__SCALE_LINEAR:
        return q->min + share * (q->max - q->min);
    case XBTAB__SCALE_LOG:
        return q->min * pow(q->max / q->min, share);
    default:
        return u * q->step;
    }
}

double xbtab__from_value(const xbtab__quantity_fitted *q, double value)
{
    double share = 0.5;
    if (q->scale == XBTAB__SCALE_FREE) return value / q->step;
    if (q->scale == XBTAB__SCALE_LINEAR) share = (value - q->min) / (q->max - q->min);
    if (q->scale == XBTAB__SCALE_LOG) share = log(value / q->min) / log(q->max / q->min);
    /* at a bound the sine has no slope: begin a little inside */
    return asin(2 * fmin(fmax(share, 1e-3), 1 - 1e-3) - 1);
}

double xbtab__value_slope(const xbtab__quantity_fitted *q, double u)
{
    double slope = 0.5 * cos(u);
    switch (q->scale) {
    case XBTAB__SCALE_LINEAR:
        return slope * (q->max - q->min);
    case XBTAB__SCALE_LOG:
        return slope * log(q->max / q->min) * xbtab__to_value(q, u);
    default:
        return q->step;
    }
}

void xbtab__values_of(const xbtab__fitting *f, int device, double *value)
{
    const xbtab__calibration *c = f->c;
    for (int k = 0; k < c->n_parameters; k++) value[k] = c->parameter[k].value;
    for (int k = 0; k < c->n_shared; k++)
        value[c->shared[k]] = xbtab__to_value(&c->parameter[c->shared[k]], f->u_shared[k]);
    for (int k = 0; k < c->n_device; k++) {
        value[c->device[k]] =
            xbtab__to_value(&c->parameter[c->device[k]], f->u_device[device * c->n_device + k]);
    }
}

/* ---- residuals of one device ---- */
size_t xbtab__points_of(const xbtab__fitting *f, int device)
{
    return f->p->first[device + 1] - f->p->first[device];
}

double xbtab__measure(const xbtab__fitting *f, double response)
{
    if (f->c->weighting == XBTAB__WEIGHTING_LOG) return log(fmax(fabs(response), 1e-30));
    return response / f->scale;
}

/* Whether a point takes part in what is being fitted. */
bool xbtab__is_seen(const xbtab__fitting *f, size_t k, bool hide)
{
    const xbtab__points *p = f->p;
    if (f->c->weighting == XBTAB__WEIGHTING_LOG &&
        (p->y[k] == 0 || (f->c->kind == XBTAB_FIT_IV && p->y[k] * p->x[k] <= 0)))
        return false; /* a logarithm wants a current in the voltage's direction */
    return !(p->is_hidden[k] && (hide || !f->has_heldout));
}

xbtab_status xbtab__device_residuals(xbtab__fitting *f, int device, double *out)
{
    const xbtab__points *p = f->p;
    size_t first = p->first[device], n = xbtab__points_of(f, device);
    xbtab__values_of(f, device, f->value);
    xbtab__curve_job job = {.value = f->value, .x = p->x + first, .T = p->T + first, .n = n, .y = out};
    if (p->pulse) job.pulse = p->pulse + first;
    XBTAB_TRY(xbtab__curves_run(f->c, f->spice, &job, 1));
    for (size_t k = 0; k < n; k++) {
        double r = xbtab__measure(f, p->y[first + k]) - xbtab__measure(f, out[k]);
        out[k] = isfinite(r) ? r : hopeless;
    }
    return XBTAB_OK;
}

/* How far a coordinate goes in one difference's unit: a sine's is an angle, whatever its size. */
static double reach(const xbtab__fitting *f, bool is_own, int k, double u)
{
    int index = is_own ? f->c->device[k] : f->c->shared[k];
    return f->c->parameter[index].scale == XBTAB__SCALE_FREE ? 1 + fabs(u) : 1;
}

/* Central differences, all of them in one run. */
xbtab_status xbtab__device_jacobian(xbtab__fitting *f, int device, double *own, double *shared)
{
    const xbtab__calibration *c = f->c;
    const xbtab__points *p = f->p;
    size_t first = p->first[device], n = xbtab__points_of(f, device), n_values = (size_t)c->n_parameters;
    int n_own = own ? c->n_device : 0, n_shared = shared ? c->n_shared : 0, n_jobs = 2 * (n_own + n_shared);
    /* ngspice's currents carry its tolerance of 1e-9, its time steps one of 1e-5, the formula only rounding
     */
    double step = c->has_trains ? 5e-3 : f->spice ? 3e-4 : 1e-6;
    xbtab__curve_job *job = xbtab__alloc((size_t)n_jobs, sizeof *job);
    double *y = xbtab__alloc((size_t)n_jobs * n, sizeof *y),
           *values = xbtab__alloc((size_t)n_jobs * n_values, sizeof *values);
    xbtab_status status = job && y && values ? XBTAB_OK : XBTAB_NOMEM();
    for (int j = 0; j < n_jobs && status == XBTAB_OK; j++) {
        int k = j / 2 < n_own ? j / 2 : j / 2 - n_own;
        double *u = j / 2 < n_own ? &f->u_device[device * c->n_device + k] : &f->u_shared[k], kept = *u;
        *u = kept + (j % 2 ? -1 : 1) * step * reach(f, j / 2 < n_own, k, kept);
        xbtab__values_of(f, device, values + (size_t)j * n_values);
        *u = kept;
        job[j] = (xbtab__curve_job){.value = values + (size_t)j * n_values,
                                    .x = p->x + first,
                                    .T = p->T + first,
                                    .pulse = p->pulse ? p->pulse + first : NULL,
                                    .n = n,
                                    .y = y + (size_t)j * n};
    }
    if (status == XBTAB_OK) status = xbtab__curves_run(c, f->spice, job, n_jobs);
    for (int j = 0; j < n_jobs / 2 && status == XBTAB_OK; j++) {
        int k = j < n_own ? j : j - n_own, width = j < n_own ? n_own : n_shared;
        double u = j < n_own ? f->u_device[device * c->n_device + k] : f->u_shared[k];
        double *out = j < n_own ? own : shared, wide = 2 * step * reach(f, j < n_own, k, u);
        const double *up = y + (size_t)(2 * j) * n, *down = up + n;
        for (size_t l = 0; l < n; l++) {
            double d = (xbtab__measure(f, down[l]) - xbtab__measure(f, up[l])) / wide;
            out[l * (size_t)width + (size_t)k] = isfinite(d) ? d : 0;
        }
    }
    xbtab__free(job);
    xbtab__free(y);
    xbtab__free(values);
    return status;
}

double xbtab__root_weight(const xbtab__fitting *f, size_t k, bool hide)
{
    return xbtab__is_seen(f, k, hide) ? sqrt(f->weight[k]) : 0;
}
