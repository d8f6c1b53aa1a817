/* calibrate_fit.c - the nested least-squares fits of a calibration; see calibrate_private.h. */
#include <float.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "calibrate_private.h"
#include "memory.h"
#include "random.h"

enum { MOST_OWN = 8, SCAN = 33, MOST_INNER = 60, MOST_OUTER = 80, MOST_REWEIGHTINGS = 25 };

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

static void values_of(const xbtab__fitting *f, int device, double *value)
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

static size_t points_of(const xbtab__fitting *f, int device)
{
    return f->p->first[device + 1] - f->p->first[device];
}

static double measure(const xbtab__fitting *f, double response)
{
    if (f->c->weighting == XBTAB__WEIGHTING_LOG) return log(fmax(fabs(response), 1e-30));
    return response / f->scale;
}

/* Whether a point takes part in what is being fitted. */
static bool is_seen(const xbtab__fitting *f, size_t k, bool hide)
{
    const xbtab__points *p = f->p;
    if (f->c->weighting == XBTAB__WEIGHTING_LOG &&
        (p->y[k] == 0 || (f->c->kind == XBTAB_FIT_IV && p->y[k] * p->x[k] <= 0)))
        return false; /* a logarithm wants a current in the voltage's direction */
    return !(p->is_hidden[k] && (hide || !f->has_heldout));
}

bool xbtab__is_seen(const xbtab__fitting *f, size_t k, bool hide)
{
    return is_seen(f, k, hide);
}

xbtab_status xbtab__device_residuals(xbtab__fitting *f, int device, double *out)
{
    const xbtab__points *p = f->p;
    size_t first = p->first[device], n = points_of(f, device);
    values_of(f, device, f->value);
    xbtab__curve_job job = {.value = f->value, .x = p->x + first, .T = p->T + first, .n = n, .y = out};
    XBTAB_TRY(xbtab__curves_run(f->c, f->spice, &job, 1));
    for (size_t k = 0; k < n; k++) {
        double r = measure(f, p->y[first + k]) - measure(f, out[k]);
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
    size_t first = p->first[device], n = points_of(f, device), n_values = (size_t)c->n_parameters;
    int n_own = own ? c->n_device : 0, n_shared = shared ? c->n_shared : 0, n_jobs = 2 * (n_own + n_shared);
    /* ngspice's currents carry its tolerance of 1e-9, the formula's only rounding */
    double step = f->spice ? 3e-4 : 1e-6;
    xbtab__curve_job *job = xbtab__alloc((size_t)n_jobs, sizeof *job);
    double *y = xbtab__alloc((size_t)n_jobs * n, sizeof *y),
           *values = xbtab__alloc((size_t)n_jobs * n_values, sizeof *values);
    xbtab_status status = job && y && values ? XBTAB_OK : XBTAB_NOMEM();
    for (int j = 0; j < n_jobs && status == XBTAB_OK; j++) {
        int k = j / 2 < n_own ? j / 2 : j / 2 - n_own;
        double *u = j / 2 < n_own ? &f->u_device[device * c->n_device + k] : &f->u_shared[k], kept = *u;
        *u = kept + (j % 2 ? -1 : 1) * step * reach(f, j / 2 < n_own, k, kept);
        values_of(f, device, values + (size_t)j * n_values);
        *u = kept;
        job[j] = (xbtab__curve_job){.value = values + (size_t)j * n_values,
                                    .x = p->x + first,
                                    .T = p->T + first,
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
            double d = (measure(f, down[l]) - measure(f, up[l])) / wide;
            out[l * (size_t)width + (size_t)k] = isfinite(d) ? d : 0;
        }
    }
    xbtab__free(job);
    xbtab__free(y);
    xbtab__free(values);
    return status;
}

/* ---- GSL ---- */

static xbtab_status drive(gsl_multifit_nlinear_fdf *fdf, gsl_vector *x, int most, double tolerance,
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

static double root_weight(const xbtab__fitting *f, size_t k, bool hide)
{
    return is_seen(f, k, hide) ? sqrt(f->weight[k]) : 0;
}

static int fail(xbtab__fitting *f, xbtab_status status)
{
    f->failure = status;
    return GSL_EBADFUNC;
}

static int inner_f(const gsl_vector *x, void *context, gsl_vector *out)
{
    inner *in = context;
    xbtab__fitting *f = in->f;
    size_t first = f->p->first[in->device], n = points_of(f, in->device);
    double *u = f->u_device + in->device * f->c->n_device;
    for (int k = 0; k < f->c->n_device; k++) u[k] = gsl_vector_get(x, (size_t)k);
    xbtab_status status = xbtab__device_residuals(f, in->device, f->residual + first);
    if (status < 0) return fail(f, status);
    for (size_t k = 0; k < n; k++)
        gsl_vector_set(out, k, f->residual[first + k] * root_weight(f, first + k, in->hide));
    return GSL_SUCCESS;
}

static int inner_df(const gsl_vector *x, void *context, gsl_matrix *out)
{
    inner *in = context;
    xbtab__fitting *f = in->f;
    size_t first = f->p->first[in->device], n = points_of(f, in->device), width = (size_t)f->c->n_device;
    double *u = f->u_device + in->device * f->c->n_device;
    for (int k = 0; k < f->c->n_device; k++) u[k] = gsl_vector_get(x, (size_t)k);
    xbtab_status status = xbtab__device_jacobian(f, in->device, f->own, NULL);
    if (status < 0) return fail(f, status);
    for (size_t k = 0; k < n; k++) {
        double weight = root_weight(f, first + k, in->hide);
        for (size_t l = 0; l < width; l++) gsl_matrix_set(out, k, l, f->own[k * width + l] * weight);
    }
    return GSL_SUCCESS;
}

static double device_cost(const xbtab__fitting *f, int device, bool hide)
{
    double sum = 0;
    for (size_t k = f->p->first[device]; k < f->p->first[device + 1]; k++) {
        double r = f->residual[k] * root_weight(f, k, hide);
        sum += r * r;
    }
    return sum;
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
    for (int s = 0; s < SCAN; s++) {
        double sum = 0, weights = 0;
        u[state] = asin(2 * (0.01 + 0.98 * s / (SCAN - 1)) - 1);
        if (offset >= 0) u[offset] = 0;
        XBTAB_TRY(xbtab__device_residuals(f, device, f->residual + f->p->first[device]));
        if (offset >= 0 && c->weighting == XBTAB__WEIGHTING_LINEAR) {
            for (size_t k = f->p->first[device]; k < f->p->first[device + 1]; k++) {
                double w = is_seen(f, k, hide) ? f->weight[k] : 0;
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
        .f = inner_f, .df = inner_df, .n = points_of(f, device), .p = width, .params = &in};
    gsl_vector *x = gsl_vector_alloc(width);
    if (!x) return XBTAB_NOMEM();
    for (size_t k = 0; k < width; k++) gsl_vector_set(x, k, u[k]);
    /* the last step was this small, so what is left is about its square */
    xbtab_status status = drive(&fdf, x, MOST_INNER, 1e-6, f);
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
    double *u = f->u_device + device * c->n_device, kept[MOST_OWN], best = INFINITY, cost;
    if (c->n_device == 0) return xbtab__device_residuals(f, device, f->residual + f->p->first[device]);
    if (!scan) return fit_device_once(f, device, hide, &cost);
    /* without shared parameters each device has its own starts */
    int starts = c->n_shared == 0 ? c->n_starts : 1;
    for (int s = 0; s < starts; s++) {
        draw_own(f, device, s);
        XBTAB_TRY(scan_state(f, device, hide));
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

/* ---- the shared parameters ---- */

static xbtab_status solve_devices(xbtab__fitting *f)
{
    for (int k = 0; k < f->n_use; k++) XBTAB_TRY(xbtab__fit_device(f, f->use[k], false, false));
    memcpy(f->u_solved, f->u_shared, (size_t)f->c->n_shared * sizeof *f->u_shared);
    return XBTAB_OK;
}

static int outer_f(const gsl_vector *x, void *context, gsl_vector *out)
{
    xbtab__fitting *f = context;
    size_t row = 0;
    for (int k = 0; k < f->c->n_shared; k++) f->u_shared[k] = gsl_vector_get(x, (size_t)k);
    xbtab_status status = solve_devices(f);
    if (status < 0) return fail(f, status);
    for (int d = 0; d < f->n_use; d++) {
        for (size_t k = f->p->first[f->use[d]]; k < f->p->first[f->use[d] + 1]; k++)
            gsl_vector_set(out, row++, f->residual[k] * root_weight(f, k, false));
    }
    return GSL_SUCCESS;
}

/* Columns a[n][n_a] made orthonormal (modified Gram-Schmidt, twice), and taken out of b[n][n_b]. */
static void project_out(double *a, int n_a, double *b, int n_b, size_t n)
{
    for (int j = 0; j < n_a; j++) {
        double norm = 0, before = 0;
        for (size_t k = 0; k < n; k++)
            before += a[k * (size_t)n_a + (size_t)j] * a[k * (size_t)n_a + (size_t)j];
        for (int turn = 0; turn < 2; turn++) {
            for (int i = 0; i < j; i++) {
                double dot = 0;
                for (size_t k = 0; k < n; k++)
                    dot += a[k * (size_t)n_a + (size_t)i] * a[k * (size_t)n_a + (size_t)j];
                for (size_t k = 0; k < n; k++)
                    a[k * (size_t)n_a + (size_t)j] -= dot * a[k * (size_t)n_a + (size_t)i];
            }
        }
        for (size_t k = 0; k < n; k++)
            norm += a[k * (size_t)n_a + (size_t)j] * a[k * (size_t)n_a + (size_t)j];
        /* a direction that the others hold already projects nothing further */
        double scale = norm > 1e-16 * before && norm > 0 ? 1 / sqrt(norm) : 0;
        for (size_t k = 0; k < n; k++) a[k * (size_t)n_a + (size_t)j] *= scale;
    }
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < n_a; i++) {
            for (int j = 0; j < n_b; j++) {
                double dot = 0;
                for (size_t k = 0; k < n; k++)
                    dot += a[k * (size_t)n_a + (size_t)i] * b[k * (size_t)n_b + (size_t)j];
                for (size_t k = 0; k < n; k++)
                    b[k * (size_t)n_b + (size_t)j] -= dot * a[k * (size_t)n_a + (size_t)i];
            }
        }
    }
}

xbtab_status xbtab__projected_jacobian(xbtab__fitting *f, int device, double *shared, double *whole)
{
    const xbtab__calibration *c = f->c;
    size_t first = f->p->first[device], n = points_of(f, device);
    XBTAB_TRY(xbtab__device_jacobian(f, device, f->own, shared));
    for (size_t k = 0; k < n; k++) {
        double weight = root_weight(f, first + k, false);
        for (int l = 0; l < c->n_device; l++) f->own[k * (size_t)c->n_device + (size_t)l] *= weight;
        for (int l = 0; l < c->n_shared; l++) shared[k * (size_t)c->n_shared + (size_t)l] *= weight;
    }
    if (whole) memcpy(whole, shared, n * (size_t)c->n_shared * sizeof *whole);
    project_out(f->own, c->n_device, shared, c->n_shared, n);
    return XBTAB_OK;
}

static int outer_df(const gsl_vector *x, void *context, gsl_matrix *out)
{
    xbtab__fitting *f = context;
    int width = f->c->n_shared;
    size_t row = 0;
    bool is_solved = true;
    for (int k = 0; k < width; k++) {
        f->u_shared[k] = gsl_vector_get(x, (size_t)k);
        is_solved = is_solved && f->u_shared[k] == f->u_solved[k];
    }
    xbtab_status status = is_solved ? XBTAB_OK : solve_devices(f);
    for (int d = 0; d < f->n_use && status == XBTAB_OK; d++) {
        status = xbtab__projected_jacobian(f, f->use[d], f->shared, NULL);
        for (size_t k = 0; k < points_of(f, f->use[d]); k++, row++) {
            for (int l = 0; l < width; l++)
                gsl_matrix_set(out, row, (size_t)l, f->shared[k * (size_t)width + (size_t)l]);
        }
    }
    return status < 0 ? fail(f, status) : GSL_SUCCESS;
}

static xbtab_status fit_once(xbtab__fitting *f)
{
    size_t rows = 0, width = (size_t)f->c->n_shared;
    if (width == 0) return solve_devices(f);
    for (int d = 0; d < f->n_use; d++) rows += points_of(f, f->use[d]);
    gsl_multifit_nlinear_fdf fdf = {.f = outer_f, .df = outer_df, .n = rows, .p = width, .params = f};
    gsl_vector *x = gsl_vector_alloc(width);
    if (!x) return XBTAB_NOMEM();
    for (size_t k = 0; k < width; k++) gsl_vector_set(x, k, f->u_shared[k]);
    xbtab_status status = drive(&fdf, x, MOST_OUTER, f->spice ? 1e-6 : 1e-9, f);
    for (size_t k = 0; k < width; k++) f->u_shared[k] = gsl_vector_get(x, k);
    gsl_vector_free(x);
    return status == XBTAB_OK ? solve_devices(f) : status;
}

/* ---- robust losses ---- */

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

static xbtab_status reweight(xbtab__fitting *f, double *change, double *cost)
{
    const xbtab__points *p = f->p;
    double *size = xbtab__alloc(p->n, sizeof *size);
    size_t n = 0;
    if (!size) return XBTAB_NOMEM();
    for (int d = 0; d < f->n_use; d++) {
        for (size_t k = p->first[f->use[d]]; k < p->first[f->use[d] + 1]; k++) {
            if (is_seen(f, k, false)) size[n++] = fabs(f->residual[k]);
        }
    }
    gsl_sort(size, 1, n);
    double scale = n ? gsl_stats_median_from_sorted_data(size, 1, n) / 0.6745 : 0;
    xbtab__free(size);
    *change = *cost = 0;
    for (int d = 0; d < f->n_use; d++) {
        for (size_t k = p->first[f->use[d]]; k < p->first[f->use[d] + 1]; k++) {
            if (!is_seen(f, k, false)) continue;
            if (f->c->loss == XBTAB_FIT_SQUARES || scale == 0) {
                *cost += f->residual[k] * f->residual[k];
                continue;
            }
            double weight;
            *cost += scale * scale * loss_of(f->c->loss, f->residual[k] / scale, &weight);
            *change = fmax(*change, fabs(weight - f->weight[k]));
            f->weight[k] = weight;
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__fitting_run(xbtab__fitting *f, bool scan, double *cost)
{
    double change = 0;
    for (int d = 0; d < f->n_use && scan; d++) XBTAB_TRY(xbtab__fit_device(f, f->use[d], true, false));
    for (int turn = 0; turn < MOST_REWEIGHTINGS; turn++) {
        XBTAB_TRY(fit_once(f));
        XBTAB_TRY(reweight(f, &change, cost));
        if (change < 1e-3) break;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__fitting_init(xbtab__fitting *f, const xbtab__calibration *c, const xbtab__points *p,
                                 xbtab__spice *spice)
{
    size_t devices = (size_t)p->n_devices, most = 1;
    *f = (xbtab__fitting){.c = c, .p = p, .spice = spice, .scale = 1};
    for (int d = 0; d < p->n_devices; d++) {
        most = p->first[d + 1] - p->first[d] > most ? p->first[d + 1] - p->first[d] : most;
        f->has_heldout = f->has_heldout || p->is_heldout[d];
    }
    f->weight = xbtab__alloc(p->n, sizeof *f->weight);
    f->residual = xbtab__alloc(p->n, sizeof *f->residual);
    f->u_shared = xbtab__alloc((size_t)c->n_shared, sizeof *f->u_shared);
    f->u_solved = xbtab__alloc((size_t)c->n_shared, sizeof *f->u_solved);
    f->u_device = xbtab__alloc(devices * (size_t)c->n_device, sizeof *f->u_device);
    f->use = xbtab__alloc(devices, sizeof *f->use);
    f->value = xbtab__alloc((size_t)c->n_parameters, sizeof *f->value);
    f->own = xbtab__alloc(most * (size_t)c->n_device, sizeof *f->own);
    f->shared = xbtab__alloc(most * (size_t)c->n_shared, sizeof *f->shared);
    if (!f->weight || !f->residual || !f->u_shared || !f->u_solved || !f->u_device || !f->use || !f->value ||
        !f->own || !f->shared) {
        xbtab__fitting_clear(f);
        return XBTAB_NOMEM();
    }
    for (size_t k = 0; k < p->n; k++) f->weight[k] = 1;
    for (int d = 0; d < p->n_devices; d++) {
        if (!p->is_heldout[d]) f->use[f->n_use++] = d;
        for (int k = 0; k < c->n_device; k++) {
            const xbtab__quantity_fitted *q = &c->parameter[c->device[k]];
            f->u_device[d * c->n_device + k] = xbtab__from_value(q, q->value);
        }
    }
    for (int k = 0; k < c->n_shared; k++) {
        const xbtab__quantity_fitted *q = &c->parameter[c->shared[k]];
        f->u_shared[k] = xbtab__from_value(q, q->value);
    }
    /* residuals in units of the data's root mean square are numbers about 1 */
    if (c->weighting == XBTAB__WEIGHTING_LINEAR) {
        double sum = 0;
        for (size_t k = 0; k < p->n; k++) sum += p->y[k] * p->y[k];
        if (sum > 0) f->scale = sqrt(sum / (double)p->n);
    }
    return XBTAB_OK;
}

void xbtab__fitting_clear(xbtab__fitting *f)
{
    xbtab__free(f->weight);
    xbtab__free(f->residual);
    xbtab__free(f->u_shared);
    xbtab__free(f->u_solved);
    xbtab__free(f->u_device);
    xbtab__free(f->use);
    xbtab__free(f->value);
    xbtab__free(f->own);
    xbtab__free(f->shared);
    *f = (xbtab__fitting){0};
}
