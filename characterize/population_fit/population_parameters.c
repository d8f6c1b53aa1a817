/* population_parameters.c - model parameters device by device, with their correlation. */
#include "population_fit_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "memory.h"

/* ---- model parameters ---- */

static double spearman(const double *x, const double *y, size_t n, double *room)
{
    return gsl_stats_spearman(x, 1, y, 1, n, room);
}

static bool is_positive_definite(const double *R, size_t n, double *L)
{
    for (size_t k = 0; k < n; k++) {
        for (size_t l = 0; l <= k; l++) {
            double sum = R[k * n + l];
            for (size_t i = 0; i < l; i++) sum -= L[k * n + i] * L[l * n + i];
            if (l == k && sum <= 1e-9) return false;
            L[k * n + l] = l == k ? sqrt(sum) : sum / L[l * n + l];
        }
    }
    return true;
}

static xbtab_status write_parameter(xbtab__text *out, xbtab__builder *b, const xbtab__measurement *m,
                                    int which, const double *value, size_t n)
{
    xbtab__choice choice;
    double *x = xbtab__alloc(n, sizeof *x);
    char what[512], line[768];
    if (!x) return XBTAB_NOMEM();
    memcpy(x, value, n * sizeof *x);
    xbtab__group group = {.at = 1, .value = x, .n = n};
    xbtab_status status = xbtab__choose_family(&choice, &group, 1, -1);
    bool is_log = choice.bic_lognormal < choice.bic_normal;
    /* a parameter's distribution has no table: the better of the two stands, the test's verdict beside it */
    choice.family = is_log ? XBTAB_FAMILY_LOGNORMAL : XBTAB_FAMILY_NORMAL;
    gsl_sort(x, 1, n);
    double low = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.0025),
           high = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.9975);
    for (size_t k = 0; k < n && is_log; k++) x[k] = log(x[k]);
    double mean = gsl_stats_mean(x, 1, n), sd = gsl_stats_sd_m(x, 1, n, mean);
    xbtab__text_add(out, "    - {name: %s, family: %s, location: %.6g, spread: %.5g, min: %.6g, max: %.6g}\n",
                    m->name[which], is_log ? "lognormal" : "normal", is_log ? exp(mean) : mean, sd, low,
                    high);
    xbtab__describe_choice(what, sizeof what, &choice);
    snprintf(line, sizeof line, "%s: %s", m->name[which], what);
    xbtab__tell(b, m, line);
    xbtab__free(x);
    return status;
}

xbtab_status xbtab__fit_parameters(xbtab__builder *b, const xbtab__measurement *m, const char *path)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_PARAMETERS];
    size_t width = (size_t)m->n_names, n = 0;
    double *value = NULL, *R = xbtab__alloc(width * width, sizeof *R),
           *L = xbtab__alloc(width * width, sizeof *L), *room = NULL;
    xbtab_status status = R && L ? XBTAB_OK : XBTAB_NOMEM();
    xbtab__text_add(out, "parameters:\n  model: %s\n  values:\n", m->model);
    for (int k = 0; k < m->n_names && status == XBTAB_OK; k++) {
        xbtab__calibration columns = m->columns;
        xbtab__points p;
        columns.column[XBTAB_FIT_Y] = (xbtab__column){.name = m->name[k], .times = 1, .si = "1"};
        status = xbtab__points_read(&p, &columns, &path, 1);
        if (status < 0) break;
        if (k == 0) {
            n = p.n;
            value = xbtab__alloc(width * n, sizeof *value);
            room = xbtab__alloc(2 * n, sizeof *room);
            if (!value || !room) status = XBTAB_NOMEM();
            if (n < XBTAB__LEAST_IN_GROUP) status = xbtab__fail_in(m, "fewer than 12 devices");
        }
        if (status == XBTAB_OK) {
            memcpy(value + (size_t)k * n, p.y, n * sizeof *value);
            status = write_parameter(out, b, m, k, p.y, n);
        }
        xbtab__points_clear(&p);
    }
    for (size_t k = 0; k < width * width && status == XBTAB_OK; k++) {
        size_t a = k / width, c = k % width;
        /* the normal's correlation whose ranks correlate like these */
        R[k] = a == c ? 1
                      : 2 * sin(M_PI / 6 *
                                spearman(value + (a < c ? a : c) * n, value + (a < c ? c : a) * n, n, room));
    }
    while (status == XBTAB_OK && !is_positive_definite(R, width, L)) {
        for (size_t k = 0; k < width * width; k++) R[k] *= k / width == k % width ? 1 : 0.98;
    }
    if (status == XBTAB_OK) {
        xbtab__text_add(out, "  correlation:\n");
        for (size_t k = 0; k < width * width; k++)
            xbtab__text_add(out, "%s%.5f%s", k % width ? ", " : "    - {values: [", R[k],
                            k % width == width - 1 ? "]}\n" : "");
        char text[128];
        snprintf(text, sizeof text, "%zu devices; correlation from ranks", n);
        xbtab__add_source(out, b, m->file, text, NULL);
    }
    xbtab__free(value);
    xbtab__free(room);
    xbtab__free(R);
    xbtab__free(L);
    return status;
}
