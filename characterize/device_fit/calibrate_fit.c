/* calibrate_fit.c - the shared parameters' fit, in which every device's own are eliminated; and the whole
 * fit. */
#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "calibrate_fit.h"
#include "memory.h"

enum { MOST_OUTER = 80 };

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
    if (status < 0) return xbtab__fit_fail(f, status);
    for (int d = 0; d < f->n_use; d++) {
        for (size_t k = f->p->first[f->use[d]]; k < f->p->first[f->use[d] + 1]; k++)
            gsl_vector_set(out, row++, f->residual[k] * xbtab__root_weight(f, k, false));
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
    size_t first = f->p->first[device], n = xbtab__points_of(f, device);
    XBTAB_TRY(xbtab__device_jacobian(f, device, f->own, shared));
    for (size_t k = 0; k < n; k++) {
        double weight = xbtab__root_weight(f, first + k, false);
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
        for (size_t k = 0; k < xbtab__points_of(f, f->use[d]); k++, row++) {
            for (int l = 0; l < width; l++)
                gsl_matrix_set(out, row, (size_t)l, f->shared[k * (size_t)width + (size_t)l]);
        }
    }
    return status < 0 ? xbtab__fit_fail(f, status) : GSL_SUCCESS;
}

/* ---- shared and own at once: for trains, whose runs are dear, and few ---- */

static size_t own_place(const xbtab__fitting *f, int use, int k)
{
    return (size_t)(f->c->n_shared + use * f->c->n_device + k);
}

static void take_all(xbtab__fitting *f, const gsl_vector *x)
{
    int width = f->c->n_device;
    for (int k = 0; k < f->c->n_shared; k++) f->u_shared[k] = gsl_vector_get(x, (size_t)k);
    for (int d = 0; d < f->n_use; d++) {
        for (int k = 0; k < width; k++)
            f->u_device[f->use[d] * width + k] = gsl_vector_get(x, own_place(f, d, k));
    }
}

static int joint_f(const gsl_vector *x, void *context, gsl_vector *out)
{
    xbtab__fitting *f = context;
    size_t row = 0;
    take_all(f, x);
    for (int d = 0; d < f->n_use; d++) {
        size_t first = f->p->first[f->use[d]], end = f->p->first[f->use[d] + 1];
        xbtab_status status = xbtab__device_residuals(f, f->use[d], f->residual + first);
        if (status < 0) return xbtab__fit_fail(f, status);
        for (size_t k = first; k < end; k++)
            gsl_vector_set(out, row++, f->residual[k] * xbtab__root_weight(f, k, false));
    }
    return GSL_SUCCESS;
}

static int joint_df(const gsl_vector *x, void *context, gsl_matrix *out)
{
    xbtab__fitting *f = context;
    size_t row = 0, n_shared = (size_t)f->c->n_shared, n_device = (size_t)f->c->n_device;
    take_all(f, x);
    gsl_matrix_set_zero(out);
    for (int d = 0; d < f->n_use; d++) {
        size_t first = f->p->first[f->use[d]], n = xbtab__points_of(f, f->use[d]);
        xbtab_status status = xbtab__device_jacobian(f, f->use[d], f->own, f->shared);
        if (status < 0) return xbtab__fit_fail(f, status);
        for (size_t k = 0; k < n; k++, row++) {
            double weight = xbtab__root_weight(f, first + k, false);
            for (size_t l = 0; l < n_shared; l++)
                gsl_matrix_set(out, row, l, f->shared[k * n_shared + l] * weight);
            for (size_t l = 0; l < n_device; l++)
                gsl_matrix_set(out, row, own_place(f, d, (int)l), f->own[k * n_device + l] * weight);
        }
    }
    return GSL_SUCCESS;
}

/* Residuals where the joint fit ended. */
static xbtab_status see_devices(xbtab__fitting *f)
{
    for (int k = 0; k < f->n_use; k++)
        XBTAB_TRY(xbtab__device_residuals(f, f->use[k], f->residual + f->p->first[f->use[k]]));
    return XBTAB_OK;
}

static xbtab_status fit_once(xbtab__fitting *f)
{
    size_t rows = 0, width = (size_t)f->c->n_shared;
    bool is_joint = f->c->has_trains && f->c->n_device > 0;
    if (width == 0) return solve_devices(f);
    for (int d = 0; d < f->n_use; d++) rows += xbtab__points_of(f, f->use[d]);
    if (is_joint) width = own_place(f, f->n_use, 0);
    gsl_multifit_nlinear_fdf fdf = {.f = outer_f, .df = outer_df, .n = rows, .p = width, .params = f};
    if (is_joint) {
        fdf.f = joint_f;
        fdf.df = joint_df;
    }
    gsl_vector *x = gsl_vector_alloc(width);
    if (!x) return XBTAB_NOMEM();
    for (int k = 0; k < f->c->n_shared; k++) gsl_vector_set(x, (size_t)k, f->u_shared[k]);
    for (int d = 0; d < f->n_use && is_joint; d++) {
        for (int k = 0; k < f->c->n_device; k++)
            gsl_vector_set(x, own_place(f, d, k), f->u_device[f->use[d] * f->c->n_device + k]);
    }
    xbtab_status status = xbtab__fit_drive(&fdf, x, MOST_OUTER,
                                           f->c->has_trains ? 1e-4
                                           : f->spice       ? 1e-6
                                                            : 1e-9,
                                           f);
    if (is_joint) {
        take_all(f, x);
    } else {
        for (size_t k = 0; k < width; k++) f->u_shared[k] = gsl_vector_get(x, k);
    }
    gsl_vector_free(x);
    if (status < 0) return status;
    return is_joint ? see_devices(f) : solve_devices(f);
}

xbtab_status xbtab__fitting_run(xbtab__fitting *f, bool scan, double *cost)
{
    double change = 0;
    for (int d = 0; d < f->n_use && scan; d++) XBTAB_TRY(xbtab__fit_device(f, f->use[d], true, false));
    for (int turn = 0; turn < XBTAB__MOST_REWEIGHTINGS; turn++) {
        XBTAB_TRY(fit_once(f));
        XBTAB_TRY(xbtab__reweight(f, &change, cost));
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
