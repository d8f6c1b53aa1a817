/* calibrate_device.c - one device's own parameters, for shared ones that stand, by GSL's least squares. */
#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "calibrate_fit.h"
#include "memory.h"
#include "random.h"

enum { SCAN = 33, MOST_INNER = 60 };

xbtab_status xbtab__fit_drive(gsl_multifit_nlinear_fdf *fdf, gsl_vector *x, int most, double tolerance,
                              xbtab__fitting *f)
{
    gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_workspace *w =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, fdf->n, fdf->p);
    int info = 0;
    if (!w) return XBTAB_NOMEM();
    int code = gsl_multifit_nlinear_init(x, fdf, w);
    if (code == GSL_SUCCESS) {
        code = gsl_multifit_nlinear_driver((size_t)most, tolerance, 1e-14, 0, NULL, NULL, &info, w);
        f->iterations += (int)gsl_multifit_nlinear_niter(w);
        gsl_vector_memcpy(x, gsl_multifit_nlinear_position(w));
    }
    gsl_multifit_nlinear_free(w);
    /* no further progress and no iteration left are ends like others: the loss tells */
    if (code != GSL_SUCCESS && code != GSL_ENOPROG && code != GSL_EMAXITER) {
        if (f->failure < 0) return f->failure;
        XBTAB_FAIL(XBTAB_ERR_SOLVE, "the least-squares fit: %s", gsl_strerror(code));
    }
    return XBTAB_OK;
}

typedef struct inner {
    xbtab__fitting *f;
    int device;
    bool hide;
} inner;

int xbtab__fit_fail(xbtab__fitting *f, xbtab_status status)
{
    f->failure = status;
    return GSL_EBADFUNC;
}

static int inner_f(const gsl_vector *x, void *context, gsl_vector *out)
{
    inner *in = context;
    xbtab__fitting *f = in->f;
    size_t first = f->p->first[in->device], n = xbtab__points_of(f, in->device);
    double *u = f->u_device + in->device * f->c->n_device;
    for (int k = 0; k < f->c->n_device; k++) u[k] = gsl_vector_get(x, (size_t)k);
    xbtab_status status = xbtab__device_residuals(f, in->device, f->residual + first);
    if (status < 0) return xbtab__fit_fail(f, status);
    for (size_t k = 0; k < n; k++)
        gsl_vector_set(out, k, f->residual[first + k] * xbtab__root_weight(f, first + k, in->hide));
    return GSL_SUCCESS;
}

static int inner_df(const gsl_vector *x, void *context, gsl_matrix *out)
{
    inner *in = context;
    xbtab__fitting *f = in->f;
    size_t first = f->p->first[in->device], n = xbtab__points_of(f, in->device),
           width = (size_t)f->c->n_device;
    double *u = f->u_device + in->device * f->c->n_device;
    for (int k = 0; k < f->c->n_device; k++) u[k] = gsl_vector_get(x, (size_t)k);
    xbtab_status status = xbtab__device_jacobian(f, in->device, f->own, NULL);
    if (status < 0) return xbtab__fit_fail(f, status);
    for (size_t k = 0; k < n; k++) {
        double weight = xbtab__root_weight(f, first + k, in->hide);
        for (size_t l = 0; l < width; l++) gsl_matrix_set(out, k, l, f->own[k * width + l] * weight);
    }
    return GSL_SUCCESS;
}

static double device_cost(const xbtab__fitting *f, int device, bool hide)
{
    double sum = 0;
    for (size_t k = f->p->first[device]; k < f->p->first[device + 1]; k++) {
        double r = f->residual[k] * xbtab__root_weight(f, k, hide);
        sum += r * r;
    }
    return sum;
}

/* Coordinate of step s of a grid over bounds. */
static double scanned(int s)
{
    return asin(2 * (0.01 + 0.98 * s / (SCAN - 1)) - 1);
}

/* A train's state before it, from its first point alone, which no pulse has touched. */
static xbtab_status scan_first_point(xbtab__fitting *f, int device, int state)
{
    const xbtab__calibration *c = f->c;
    size_t first = f->p->first[device], width = (size_t)c->n_parameters;
    double *u = f->u_device + device * c->n_device + state, y[SCAN], best = INFINITY;
    double *value = xbtab__alloc(SCAN * width, sizeof *value), wanted = xbtab__measure(f, f->p->y[first]);
    xbtab__curve_job job[SCAN];
    if (!value) return XBTAB_NOMEM();
    const xbtab__point_pulses none = {0};
    for (int s = 0; s < SCAN; s++) {
        *u = scanned(s);
        xbtab__values_of(f, device, value + (size_t)s * width);
        job[s] = (xbtab__curve_job){
            .value = value + (size_t)s * width, .x = f->p->x + first, .pulse = &none, .n = 1, .y = &y[s]};
    }
    xbtab_status status = xbtab__curves_run(c, f->spice, job, SCAN);
    xbtab__free(value);
    for (int s = 0; s < SCAN; s++) {
        double off = fabs(xbtab__measure(f, y[s]) - wanted);
        if (!(off < best)) continue;
        best = off;
        *u = scanned(s);
    }
    return status;
}

/* The state's start: the best of a grid over its bounds, with the offset that suits each. */
static xbtab_status scan_state(xbtab__fitting *f, int device, bool hide)
{
    const xbtab__calibration *c = f->c;
    double *u = f->u_device + device * c->n_device, best = INFINITY, best_state = 0, best_offset = 0;
    int state = -1, offset = -1;
    for (int k = 0; k < c->n_device; k++) {
        if (c->device[k] == c->state) state = k;
        if (c->device[k] == c->n_own + XBTAB__OFFSET) offset = k;
    }
    if (state < 0) return XBTAB_OK;
    if (c->has_trains) return scan_first_point(f, device, state);
    for (int s = 0; s < SCAN; s++) {
        double sum = 0, weights = 0;
        u[state] = scanned(s);
        if (offset >= 0) u[offset] = 0;
        XBTAB_TRY(xbtab__device_residuals(f, device, f->residual + f->p->first[device]));
        if (offset >= 0 && c->weighting == XBTAB__WEIGHTING_LINEAR) {
            for (size_t k = f->p->first[device]; k < f->p->first[device + 1]; k++) {
                double w = xbtab__is_seen(f, k, hide) ? f->weight[k] : 0;
                sum += w * f->residual[k];
                weights += w;
            }
            double mean = weights > 0 ? sum / weights : 0;
            for (size_t k = f->p->first[device]; k < f->p->first[device + 1]; k++) f->residual[k] -= mean;
            sum = mean * f->scale;
        }
        double cost = device_cost(f, device, hide);
        if (cost < best) {
            best = cost;
            best_state = u[state];
            best_offset = sum;
        }
    }
    u[state] = best_state;
    if (offset >= 0) u[offset] = xbtab__from_value(&c->parameter[c->device[offset]], best_offset);
    return XBTAB_OK;
}

static xbtab_status fit_device_once(xbtab__fitting *f, int device, bool hide, double *cost)
{
    size_t width = (size_t)f->c->n_device;
    double *u = f->u_device + device * f->c->n_device;
    inner in = {.f = f, .device = device, .hide = hide};
    gsl_multifit_nlinear_fdf fdf = {
        .f = inner_f, .df = inner_df, .n = xbtab__points_of(f, device), .p = width, .params = &in};
    gsl_vector *x = gsl_vector_alloc(width);
    if (!x) return XBTAB_NOMEM();
    for (size_t k = 0; k < width; k++) gsl_vector_set(x, k, u[k]);
    /* the last step was this small, so what is left is about its square */
    xbtab_status status = xbtab__fit_drive(&fdf, x, MOST_INNER, f->c->has_trains ? 1e-4 : 1e-6, f);
    for (size_t k = 0; k < width; k++) u[k] = gsl_vector_get(x, k);
    gsl_vector_free(x);
    if (status == XBTAB_OK) status = xbtab__device_residuals(f, device, f->residual + f->p->first[device]);
    *cost = device_cost(f, device, hide);
    return status;
}

/* A start's own parameters: the first as given, the others anywhere within the bounds. */
static void draw_own(xbtab__fitting *f, int device, int start)
{
    const xbtab__calibration *c = f->c;
    double *u = f->u_device + device * c->n_device;
    xbtab__random random;
    xbtab__random_init(&random, c->seed, XBTAB__RANDOM_CALIBRATE, (uint32_t)device + 1, (uint32_t)start);
    for (int k = 0; k < c->n_device; k++) {
        const xbtab__quantity_fitted *q = &c->parameter[c->device[k]];
        double share = xbtab__random_uniform(&random);
        u[k] =
            start > 0 && q->scale != XBTAB__SCALE_FREE ? asin(2 * share - 1) : xbtab__from_value(q, q->value);
    }
}

xbtab_status xbtab__fit_device(xbtab__fitting *f, int device, bool scan, bool hide)
{
    const xbtab__calibration *c = f->c;
    double *u = f->u_device + device * c->n_device, kept[XBTAB__MOST_OWN], best = INFINITY, cost;
    if (c->n_device == 0) return xbtab__device_residuals(f, device, f->residual + f->p->first[device]);
    if (!scan) return fit_device_once(f, device, hide, &cost);
    /* without shared parameters each device has its own starts */
    int starts = c->n_shared == 0 ? c->n_starts : 1;
    for (int s = 0; s < starts; s++) {
        draw_own(f, device, s);
        XBTAB_TRY(scan_state(f, device, hide));
        /* trains are fitted with the shared ones */
        if (c->has_trains && c->n_shared > 0 && !hide) return XBTAB_OK;
        XBTAB_TRY(fit_device_once(f, device, hide, &cost));
        if (cost < best) {
            best = cost;
            memcpy(kept, u, (size_t)c->n_device * sizeof *u);
        }
    }
    if (starts == 1 || !isfinite(best)) return XBTAB_OK;
    memcpy(u, kept, (size_t)c->n_device * sizeof *u);
    return xbtab__device_residuals(f, device, f->residual + f->p->first[device]);
}
