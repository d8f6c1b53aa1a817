/* calibrate_judge.c - what a fit is worth: standard errors, what the data do not fix, and the fitted curves.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "calibrate_fit.h"
#include "memory.h"

/* Directions in which the scaled Jacobian is this small (cosine of an angle, squared) are not fixed. */
static const double flat = 1e-9;

/* Fewer devices tell nothing of a spread between them. */
enum { LEAST_DEVICES = 10 };

/* Inverse of a symmetric matrix through its eigenvectors, columns scaled to unit length first; flat
 * directions are left out. @param[out] value  eigenvalues of the scaled matrix; vector[k][l] component k of
 * vector l. */
static xbtab_status invert(int n, const double *A, double *inverse, double *value, double *vector)
{
    size_t size = (size_t)n;
    gsl_matrix *scaled = gsl_matrix_alloc(size, size), *vectors = gsl_matrix_alloc(size, size);
    gsl_vector *values = gsl_vector_alloc(size);
    gsl_eigen_symmv_workspace *room = gsl_eigen_symmv_alloc(size);
    xbtab_status status = scaled && vectors && values && room ? XBTAB_OK : XBTAB_NOMEM();
    if (status == XBTAB_OK) {
        for (size_t k = 0; k < size; k++) {
            for (size_t l = 0; l < size; l++) {
                double norm = sqrt(A[k * size + k] * A[l * size + l]);
                gsl_matrix_set(scaled, k, l, norm > 0 ? A[k * size + l] / norm : k == l);
            }
        }
        gsl_eigen_symmv(scaled, values, vectors, room);
        for (size_t k = 0; k < size; k++) {
            for (size_t l = 0; l < size; l++) {
                double sum = 0, norm = sqrt(A[k * size + k] * A[l * size + l]);
                for (size_t m = 0; m < size; m++) {
                    double e = gsl_vector_get(values, m);
                    if (e > flat) sum += gsl_matrix_get(vectors, k, m) * gsl_matrix_get(vectors, l, m) / e;
                }
                inverse[k * size + l] = norm > 0 ? sum / norm : 0;
                if (vector) vector[k * size + l] = gsl_matrix_get(vectors, k, l);
            }
            if (value) value[k] = gsl_vector_get(values, k);
        }
    }
    gsl_matrix_free(scaled);
    gsl_matrix_free(vectors);
    gsl_vector_free(values);
    gsl_eigen_symmv_free(room);
    return status;
}

static int bound_of(const xbtab__quantity_fitted *q, double value)
{
    double share = 0.5;
    if (q->scale == XBTAB__SCALE_LINEAR) share = (value - q->min) / (q->max - q->min);
    if (q->scale == XBTAB__SCALE_LOG) share = log(value / q->min) / log(q->max / q->min);
    return share < 1e-5 ? -1 : share > 1 - 1e-5 ? 1 : 0;
}

static void say(xbtab_fitted *p, const char *text)
{
    size_t n = strlen(p->why);
    p->is_identifiable = 0;
    snprintf(p->why + n, sizeof p->why - n, "%s%s", n ? "; " : "", text);
}

/* ---- shared parameters ---- */

typedef struct normal_equations {
    double *A,
        *whole;   /* A[n][n] with the devices' own projected out; whole[n]: column norms before, squared */
    double *meat; /* meat[n][n]: sum over devices of the outer products of their gradients */
    double *inverse, *value, *vector;
} normal_equations;

static void name_flat_direction(xbtab_fit *fit, const normal_equations *e, int direction)
{
    int n = fit->n_shared;
    char text[200] = "the data fix only a combination of";
    for (int k = 0, named = 0; k < n; k++) {
        if (fabs(e->vector[k * n + direction]) < 0.1) continue;
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s %s", named++ ? "," : "",
                 fit->parameter[fit->shared[k]].name);
    }
    for (int k = 0; k < n; k++) {
        if (fabs(e->vector[k * n + direction]) >= 0.1) say(&fit->parameter[fit->shared[k]], text);
    }
}

static void name_own(char *text, size_t size, const xbtab_fit *fit)
{
    snprintf(text, size, "each device's own");
    for (int k = 0; k < fit->n_device; k++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s %s", k ? " and" : "", fit->parameter[fit->device[k]].name);
    }
    size_t used = strlen(text);
    snprintf(text + used, size - used, " can take its place");
}

/* Variance of parameter k from the devices' gradients: (A^-1 M A^-1) d/(d - 1), as of clusters in a survey.
 */
static double variance_between_devices(const normal_equations *e, int n, int k, int devices)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) sum += e->inverse[k * n + i] * e->meat[i * n + j] * e->inverse[j * n + k];
    }
    return sum * devices / (devices - 1.0);
}

static void judge_shared(xbtab_fit *fit, const xbtab__fitting *f, const normal_equations *e, double s)
{
    int n = fit->n_shared;
    double t = fit->dof > 0 ? gsl_cdf_tdist_Pinv(0.975, fit->dof) : NAN;
    for (int k = 0; k < n; k++) {
        xbtab_fitted *p = &fit->parameter[fit->shared[k]];
        const xbtab__quantity_fitted *q = &f->c->parameter[fit->shared[k]];
        char text[200];
        double slope = fabs(xbtab__value_slope(q, f->u_shared[k]));
        p->value = xbtab__to_value(q, f->u_shared[k]);
        p->standard_error = slope * s * sqrt(fmax(e->inverse[k * n + k], 0));
        if (f->n_use >= LEAST_DEVICES)
            p->device_error = slope * sqrt(fmax(variance_between_devices(e, n, k, f->n_use), 0));
        p->low = p->value - t * p->standard_error;
        p->high = p->value + t * p->standard_error;
        p->at_bound = bound_of(q, p->value);
        if (p->at_bound) {
            say(p, p->at_bound < 0 ? "it is at its lower bound" : "it is at its upper bound");
        } else if (e->whole[k] <= 1e-24 * (double)fit->n_used) {
            say(p, "it has no effect on these data");
        } else if (e->A[k * n + k] < flat * e->whole[k]) {
            name_own(text, sizeof text, fit);
            say(p, text);
        } else if (q->scale != XBTAB__SCALE_FREE && p->high - p->low > q->max - q->min) {
            say(p, "its 95 % interval is wider than its bounds");
        }
        for (int l = 0; l < n; l++) {
            double scale = sqrt(e->inverse[k * n + k] * e->inverse[l * n + l]);
            fit->correlation[k * n + l] = k == l ? 1 : scale > 0 ? e->inverse[k * n + l] / scale : 0;
        }
    }
    for (int direction = 0; direction < n; direction++) {
        if (e->value[direction] < flat) name_flat_direction(fit, e, direction);
    }
    for (int k = 0; k < n; k++) {
        xbtab_fitted *p = &fit->parameter[fit->shared[k]];
        if (!p->is_identifiable) p->standard_error = p->device_error = p->low = p->high = NAN;
        for (int l = 0; l < n; l++) {
            double r = fit->correlation[k * n + l];
            if (l == k || fabs(r) < 0.9999 || !p->is_identifiable) continue;
            snprintf(p->why, sizeof p->why, "correlation %.6f with %s: hardly told apart", r,
                     fit->parameter[fit->shared[l]].name);
        }
    }
}

/* ---- the devices' own ---- */

static xbtab_status judge_device(xbtab_fit *fit, xbtab__fitting *f, int d, double s, int *flat_devices)
{
    const xbtab__calibration *c = f->c;
    int width = c->n_device;
    size_t first = f->p->first[d], n = f->p->first[d + 1] - first;
    double A[64] = {0}, inverse[64], value[8];
    XBTAB_TRY(xbtab__device_jacobian(f, d, f->own, NULL));
    for (size_t k = 0; k < n; k++) {
        if (!xbtab__is_seen(f, first + k, f->p->is_heldout[d])) continue;
        for (int l = 0; l < width * width; l++) {
            A[l] += f->weight[first + k] * f->own[k * (size_t)width + (size_t)(l / width)] *
                    f->own[k * (size_t)width + (size_t)(l % width)];
        }
    }
    XBTAB_TRY(invert(width, A, inverse, value, NULL));
    bool is_flat = false;
    for (int k = 0; k < width; k++) is_flat = is_flat || value[k] < flat;
    *flat_devices += is_flat;
    for (int k = 0; k < width; k++) {
        const xbtab__quantity_fitted *q = &c->parameter[c->device[k]];
        double u = f->u_device[d * width + k];
        fit->own[d * width + k] = xbtab__to_value(q, u);
        fit->own_error[d * width + k] =
            fabs(xbtab__value_slope(q, u)) * s * sqrt(fmax(inverse[k * width + k], 0));
        fit->parameter[c->device[k]].devices_at_bound += bound_of(q, fit->own[d * width + k]) != 0;
    }
    return XBTAB_OK;
}

static xbtab_status judge_devices(xbtab_fit *fit, xbtab__fitting *f, double s)
{
    int width = f->c->n_device, flat_devices = 0, n = 0;
    double *value = xbtab__alloc((size_t)fit->n_devices, sizeof *value);
    if (!value) return XBTAB_NOMEM();
    xbtab_status status = XBTAB_OK;
    for (int d = 0; d < fit->n_devices && status == XBTAB_OK; d++)
        status = judge_device(fit, f, d, s, &flat_devices);
    for (int k = 0; k < width && status == XBTAB_OK; k++) {
        xbtab_fitted *p = &fit->parameter[f->c->device[k]];
        char text[200];
        n = 0;
        for (int d = 0; d < fit->n_devices; d++) {
            if (!fit->is_heldout[d]) value[n++] = fit->own[d * width + k];
        }
        gsl_sort(value, 1, (size_t)n);
        p->value = gsl_stats_median_from_sorted_data(value, 1, (size_t)n);
        p->low = gsl_stats_quantile_from_sorted_data(value, 1, (size_t)n, 0.025);
        p->high = gsl_stats_quantile_from_sorted_data(value, 1, (size_t)n, 0.975);
        if (p->devices_at_bound > 0.05 * fit->n_devices) {
            p->at_bound = 1;
            snprintf(text, sizeof text, "it is at a bound in %d of %d devices", p->devices_at_bound,
                     fit->n_devices);
            say(p, text);
        }
        if (flat_devices > 0.5 * fit->n_devices && width > 1) {
            snprintf(text, sizeof text, "the devices' own parameters are not told apart in %d of %d devices",
                     flat_devices, fit->n_devices);
            say(p, text);
        }
    }
    xbtab__free(value);
    return status;
}

static xbtab_status judge(xbtab_fit *fit, xbtab__fitting *f)
{
    int n = f->c->n_shared;
    size_t size = (size_t)n * (size_t)n, most = 1;
    double squares = 0, plain = 0;
    fit->n_used = 0;
    for (int k = 0; k < f->n_use; k++) {
        int d = f->use[k];
        most = f->p->first[d + 1] - f->p->first[d] > most ? f->p->first[d + 1] - f->p->first[d] : most;
        for (size_t l = f->p->first[d]; l < f->p->first[d + 1]; l++) {
            if (!xbtab__is_seen(f, l, false)) continue;
            fit->n_used++;
            squares += f->weight[l] * f->residual[l] * f->residual[l];
            plain += f->residual[l] * f->residual[l];
            fit->max_residual = fmax(fit->max_residual, fabs(f->residual[l]) * f->scale);
        }
    }
    fit->dof = (int)fit->n_used - n - f->c->n_device * f->n_use;
    double s = fit->dof > 0 ? sqrt(squares / fit->dof) : NAN;
    fit->rmse = f->scale * sqrt(plain / (double)fit->n_used);
    fit->rmse_dof = f->scale * s;
    normal_equations e = {.A = xbtab__alloc(size, sizeof(double)),
                          .whole = xbtab__alloc((size_t)n, sizeof(double)),
                          .meat = xbtab__alloc(size, sizeof(double)),
                          .inverse = xbtab__alloc(size, sizeof(double)),
                          .value = xbtab__alloc((size_t)n, sizeof(double)),
                          .vector = xbtab__alloc(size, sizeof(double))};
    double *whole = xbtab__alloc(most * (size_t)n, sizeof *whole),
           *gradient = xbtab__alloc((size_t)n, sizeof *gradient);
    xbtab_status status = e.A && e.whole && e.meat && e.inverse && e.value && e.vector && whole && gradient
                              ? XBTAB_OK
                              : XBTAB_NOMEM();
    for (int k = 0; k < f->n_use && n > 0 && status == XBTAB_OK; k++) {
        size_t points = f->p->first[f->use[k] + 1] - f->p->first[f->use[k]];
        status = xbtab__projected_jacobian(f, f->use[k], f->shared, whole);
        memset(gradient, 0, (size_t)n * sizeof *gradient);
        for (size_t r = 0; r < points && status == XBTAB_OK; r++) {
            const double *row = f->shared + r * (size_t)n;
            size_t point = f->p->first[f->use[k]] + r;
            /* the row carries the weight's root already, and is 0 where the point is not seen */
            for (int l = 0; l < n; l++) gradient[l] += row[l] * sqrt(f->weight[point]) * f->residual[point];
            for (size_t l = 0; l < size; l++) e.A[l] += row[l / (size_t)n] * row[l % (size_t)n];
            for (int l = 0; l < n; l++)
                e.whole[l] += whole[r * (size_t)n + (size_t)l] * whole[r * (size_t)n + (size_t)l];
        }
        for (size_t l = 0; l < size; l++) e.meat[l] += gradient[l / (size_t)n] * gradient[l % (size_t)n];
    }
    if (status == XBTAB_OK && n > 0) status = invert(n, e.A, e.inverse, e.value, e.vector);
    if (status == XBTAB_OK) judge_shared(fit, f, &e, s);
    if (status == XBTAB_OK && f->c->n_device > 0) status = judge_devices(fit, f, s);
    xbtab__free(e.A);
    xbtab__free(e.whole);
    xbtab__free(e.meat);
    xbtab__free(gradient);
    xbtab__free(e.inverse);
    xbtab__free(e.value);
    xbtab__free(e.vector);
    xbtab__free(whole);
    return status;
}

/* The curves as they will be drawn, and each device's own error. */
static xbtab_status keep_curves(xbtab_fit *fit, xbtab__fitting *f)
{
    const xbtab__points *p = f->p;
    for (int d = 0; d < p->n_devices; d++) {
        double sum = 0;
        size_t n = 0;
        XBTAB_TRY(xbtab__device_residuals(f, d, f->residual + p->first[d]));
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
            double r = f->residual[k] * f->scale;
            fit->x[k] = p->x[k];
            fit->y[k] = p->y[k];
            fit->point_device[k] = d;
            fit->fitted[k] =
                f->c->weighting == XBTAB__WEIGHTING_LOG ? p->y[k] * exp(-f->residual[k]) : p->y[k] - r;
            if (!xbtab__is_seen(f, k, false)) continue;
            sum += r * r;
            n++;
        }
        fit->device_rmse[d] = n ? sqrt(sum / (double)n) : NAN;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__fit_figures(xbtab_fit *fit, xbtab__fitting *f)
{
    int width = f->c->n_device;
    double *kept = xbtab__alloc((size_t)f->p->n_devices * (size_t)width, sizeof *kept);
    if (!kept) return XBTAB_NOMEM();
    xbtab_status status = XBTAB_OK;
    /* held-out devices are fitted first, so that all are judged alike */
    for (int d = 0; d < f->p->n_devices && status == XBTAB_OK; d++) {
        if (f->p->is_heldout[d]) status = xbtab__fit_device_robustly(f, d, true);
    }
    memcpy(kept, f->u_device, (size_t)f->p->n_devices * (size_t)width * sizeof *kept);
    if (status == XBTAB_OK) status = judge(fit, f);
    if (status == XBTAB_OK) status = xbtab__judge_unseen(fit, f);
    memcpy(f->u_device, kept, (size_t)f->p->n_devices * (size_t)width * sizeof *kept);
    if (status == XBTAB_OK) status = keep_curves(fit, f);
    if (status == XBTAB_OK) status = xbtab__judge_noise(fit, f);
    xbtab__free(kept);
    return status;
}
