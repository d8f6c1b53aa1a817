/* population_samples.c - groups of samples about a conductance, and the family that suits them. */
#include "population_samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <xbartab/population.h>

#include "memory.h"

/* Fewer samples than this tell nothing of a shape. */
enum { LEAST = 8 };

double xbtab__anderson_darling(double *x, size_t n)
{
    double mean = gsl_stats_mean(x, 1, n), sd = gsl_stats_sd_m(x, 1, n, mean), sum = 0, size = (double)n;
    if (!(sd > 0)) return INFINITY;
    gsl_sort(x, 1, n);
    for (size_t k = 0; k < n; k++) {
        double low = (x[k] - mean) / sd, high = (x[n - 1 - k] - mean) / sd;
        sum += (2 * (double)k + 1) * (log(gsl_cdf_ugaussian_P(low)) + log(gsl_cdf_ugaussian_Q(high)));
    }
    return (-size - sum / size) * (1 + 0.75 / size + 2.25 / (size * size));
}

/* BIC of a normal on x, whose density on the samples themselves has the Jacobian sum `jacobian`. */
static double bic(const double *x, size_t n, double jacobian)
{
    double mean = gsl_stats_mean(x, 1, n), variance = 0, size = (double)n;
    for (size_t k = 0; k < n; k++) variance += (x[k] - mean) * (x[k] - mean) / size;
    if (!(variance > 0)) variance = 1e-60;
    return size * (log(2 * M_PI * variance) + 1) + 2 * jacobian + 2 * log(size);
}

xbtab_status xbtab__choose_family(xbtab__choice *out, const xbtab__group *group, int n, int wanted)
{
    *out = (xbtab__choice){.family = XBTAB_FAMILY_NORMAL};
    for (int g = 0; g < n; g++) {
        const xbtab__group *s = &group[g];
        if (s->n < LEAST) continue;
        double *x = xbtab__alloc(s->n, sizeof *x), logs = 0;
        if (!x) return XBTAB_NOMEM();
        bool positive = s->at > 0;
        out->n_groups++;
        for (size_t k = 0; k < s->n; k++) {
            x[k] = s->value[k];
            positive = positive && x[k] > 0;
        }
        out->bic_normal += bic(x, s->n, 0);
        out->rejected_normal += xbtab__anderson_darling(x, s->n) > 0.752;
        if (positive) {
            for (size_t k = 0; k < s->n; k++) {
                x[k] = log(s->value[k]);
                logs += x[k];
            }
            out->bic_lognormal += bic(x, s->n, logs);
            out->rejected_lognormal += xbtab__anderson_darling(x, s->n) > 0.752;
        } else {
            out->bic_lognormal = INFINITY;
        }
        xbtab__free(x);
    }
    bool is_log = out->bic_lognormal < out->bic_normal;
    int rejected = is_log ? out->rejected_lognormal : out->rejected_normal;
    if (wanted >= 0) {
        out->family = wanted;
    } else if (out->n_groups > 0 && 2 * rejected > out->n_groups) {
        out->family = XBTAB_FAMILY_QUANTILES;
    } else if (is_log && out->n_groups > 0) {
        out->family = XBTAB_FAMILY_LOGNORMAL;
    }
    return XBTAB_OK;
}

void xbtab__describe_choice(char *out, size_t size, const xbtab__choice *c)
{
    static const char *const names[] = {"none", "normal", "lognormal", "quantiles"};
    char lognormal[48] = "impossible (a level at 0)";
    if (isfinite(c->bic_lognormal)) snprintf(lognormal, sizeof lognormal, "%.0f", c->bic_lognormal);
    snprintf(out, size,
             "%s; BIC normal %.0f, lognormal %s; Anderson-Darling at 5 %% rejects normal in %d, lognormal in "
             "%d of %d "
             "levels",
             names[c->family], c->bic_normal, lognormal, c->rejected_normal, c->rejected_lognormal,
             c->n_groups);
}

static const double probabilities[] = {0.005, 0.02, 0.05, 0.1, 0.2,  0.3,  0.4,  0.5,
                                       0.6,   0.7,  0.8,  0.9, 0.95, 0.98, 0.995};
enum { PROBABILITIES = sizeof probabilities / sizeof probabilities[0] };

static xbtab_status write_quantiles(xbtab__text *text, const char *indent, const xbtab__group *group, int n)
{
    xbtab__text_add(text, "%squantiles:\n%s  times: 1 uS\n%s  probabilities: [", indent, indent, indent);
    for (int k = 0; k < PROBABILITIES; k++) xbtab__text_add(text, "%s%g", k ? ", " : "", probabilities[k]);
    xbtab__text_add(text, "]\n%s  rows:\n", indent);
    for (int g = 0; g < n; g++) {
        double *x = xbtab__alloc(group[g].n, sizeof *x);
        if (!x) return XBTAB_NOMEM();
        for (size_t k = 0; k < group[g].n; k++) x[k] = 1e6 * (group[g].value[k] - group[g].at);
        gsl_sort(x, 1, group[g].n);
        xbtab__text_add(text, "%s    - {at: %.6g uS, values: [", indent, 1e6 * group[g].at);
        for (int k = 0; k < PROBABILITIES; k++) {
            xbtab__text_add(text, "%s%.4g", k ? ", " : "",
                            gsl_stats_quantile_from_sorted_data(x, 1, group[g].n, probabilities[k]));
        }
        xbtab__text_add(text, "]}\n");
        xbtab__free(x);
    }
    return XBTAB_OK;
}

/* Mean and deviation of a group: of the change [uS], or of ln(G/at). */
static void moments(const xbtab__group *g, bool is_log, double *mean, double *sd)
{
    double sum = 0, squares = 0, n = (double)g->n;
    for (size_t k = 0; k < g->n; k++)
        sum += (is_log ? log(g->value[k] / g->at) : 1e6 * (g->value[k] - g->at)) / n;
    for (size_t k = 0; k < g->n; k++) {
        double x = (is_log ? log(g->value[k] / g->at) : 1e6 * (g->value[k] - g->at)) - sum;
        squares += x * x;
    }
    *mean = sum;
    *sd = g->n > 1 ? sqrt(squares / (n - 1)) : 0;
}

xbtab_status xbtab__write_distribution(xbtab__text *text, const char *indent, const xbtab__choice *choice,
                                       const xbtab__group *group, int n)
{
    static const char *const names[] = {"none", "normal", "lognormal", "quantiles"};
    static const char *const curves[] = {"mean", "sigma"};
    bool is_log = choice->family == XBTAB_FAMILY_LOGNORMAL;
    xbtab__text_add(text, "%sfamily: %s\n", indent, names[choice->family]);
    if (choice->family == XBTAB_FAMILY_QUANTILES) return write_quantiles(text, indent, group, n);
    for (int c = 0; c < 2; c++) {
        xbtab__text_add(text, "%s%s:\n%s  at: [", indent, curves[c], indent);
        for (int g = 0; g < n; g++) xbtab__text_add(text, "%s%.6g uS", g ? ", " : "", 1e6 * group[g].at);
        xbtab__text_add(text, "]\n%s  values: [", indent);
        for (int g = 0; g < n; g++) {
            double figure[2];
            moments(&group[g], is_log, &figure[0], &figure[1]);
            xbtab__text_add(text, "%s%.4g%s", g ? ", " : "", figure[c], is_log ? "" : " uS");
        }
        xbtab__text_add(text, "]\n");
    }
    return XBTAB_OK;
}
