/* population_reads.c - from read to read: noise, telegraph noise, devices that are stuck. */
#include "population_fit_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "memory.h"

/* ---- reads ---- */

typedef struct mixture {
    double low, high, width, share_low, bic_gain; /* bic_gain > 0: two levels are better than one */
} mixture;

/* Two normals of one width, by expectation and maximization from the quartiles. */
static mixture two_levels(const double *sorted, size_t n)
{
    double mean = gsl_stats_mean(sorted, 1, n), sd = gsl_stats_sd_m(sorted, 1, n, mean), size = (double)n;
    mixture m = {.low = sorted[n / 4], .high = sorted[n - 1 - n / 4], .width = sd / 2, .share_low = 0.5};
    double likelihood = 0;
    for (int turn = 0; turn < 300 && sd > 0; turn++) {
        double w = 0, wl = 0, wh = 0, squares = 0;
        likelihood = 0;
        for (size_t k = 0; k < n; k++) {
            double a = (sorted[k] - m.low) / m.width, c = (sorted[k] - m.high) / m.width;
            double pl = m.share_low * exp(-0.5 * a * a), ph = (1 - m.share_low) * exp(-0.5 * c * c),
                   r = pl / (pl + ph + 1e-300);
            likelihood += log((pl + ph + 1e-300) / m.width) - 0.5 * log(2 * M_PI);
            w += r;
            wl += r * sorted[k];
            wh += (1 - r) * sorted[k];
        }
        if (w < 1 || size - w < 1) break;
        m.low = wl / w;
        m.high = wh / (size - w);
        for (size_t k = 0; k < n; k++) {
            double a = (sorted[k] - m.low) / m.width, c = (sorted[k] - m.high) / m.width;
            double pl = m.share_low * exp(-0.5 * a * a), ph = (1 - m.share_low) * exp(-0.5 * c * c),
                   r = pl / (pl + ph + 1e-300);
            squares += r * (sorted[k] - m.low) * (sorted[k] - m.low) +
                       (1 - r) * (sorted[k] - m.high) * (sorted[k] - m.high);
        }
        m.share_low = w / size;
        m.width = sqrt(fmax(squares / size, 1e-12 * sd * sd));
    }
    double one = -0.5 * size * (log(2 * M_PI * sd * sd) + 1);
    m.bic_gain = 2 * (likelihood - one) - 2 * log(size);
    return m;
}

/* Mean time that a series stays on one side of a threshold. */
static double dwell(const xbtab__points *p, int d, double threshold)
{
    int changes = 0;
    size_t first = p->first[d], last = p->first[d + 1] - 1;
    for (size_t k = first + 1; k <= last; k++) changes += (p->y[k] > threshold) != (p->y[k - 1] > threshold);
    return (p->x[last] - p->x[first]) / (changes + 1);
}

typedef struct reads {
    double *G, *sigma, *step, *tau; /* of each device; step and tau of those with RTN */
    int n, n_rtn;
    double duty, white;
} reads;

static xbtab_status read_device(reads *r, const xbtab__points *p, int d)
{
    size_t n = p->first[d + 1] - p->first[d];
    const double *y = p->y + p->first[d];
    double differences = 0, *sorted;
    if (n < 100) return XBTAB_OK;
    sorted = xbtab__alloc(n, sizeof *sorted);
    if (!sorted) return XBTAB_NOMEM();
    memcpy(sorted, y, n * sizeof *sorted);
    gsl_sort(sorted, 1, n);
    mixture m = two_levels(sorted, n);
    double mean = gsl_stats_mean(y, 1, n), sd = gsl_stats_sd_m(y, 1, n, mean);
    bool has_rtn =
        m.bic_gain > 10 && m.high - m.low > 3 * m.width && m.share_low > 0.02 && m.share_low < 0.98;
    for (size_t k = 1; k < n; k++) differences += (y[k] - y[k - 1]) * (y[k] - y[k - 1]);
    r->white += sqrt(differences / (2 * (double)(n - 1))) / mean;
    r->G[r->n] = mean;
    r->sigma[r->n++] = has_rtn ? m.width : sd;
    if (has_rtn) {
        r->step[r->n_rtn] = (m.high - m.low) / mean;
        r->tau[r->n_rtn++] = dwell(p, d, 0.5 * (m.low + m.high));
        r->duty += m.share_low;
    }
    xbtab__free(sorted);
    return XBTAB_OK;
}

static void write_reads(xbtab__builder *b, const xbtab__measurement *m, reads *r)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_NOISE];
    char text[512];
    double share = 0;
    for (int d = 0; d < r->n; d++) share += r->sigma[d] / r->G[d] / r->n;
    snprintf(
        text, sizeof text,
        "%d devices; spread %.3g %% of G, %.3g %% from read to read (first differences); two levels in %d",
        r->n, 100 * share, 100 * r->white / r->n, r->n_rtn);
    xbtab__tell(b, m, text);
    xbtab__text_add(out, "read_noise:\n  scale: relative\n");
    if (r->n < 4) {
        xbtab__text_add(out, "  sigma: {value: %.4g}\n", share);
    } else { /* by conductance, in up to 16 equal parts */
        int parts = r->n < 64 ? r->n / 4 : 16;
        gsl_sort2(r->G, 1, r->sigma, 1, (size_t)r->n);
        xbtab__text_add(out, "  sigma:\n    at: [");
        for (int turn = 0; turn < 2; turn++) {
            for (int k = 0; k < parts; k++) {
                int from = k * r->n / parts, to = (k + 1) * r->n / parts;
                double G = gsl_stats_mean(r->G + from, 1, (size_t)(to - from)),
                       s = gsl_stats_mean(r->sigma + from, 1, (size_t)(to - from));
                xbtab__text_add(out, turn ? "%s%.4g" : "%s%.6g uS", k ? ", " : "",
                                turn ? s / G : 1e6 * G + 1e-6 * k);
            }
            xbtab__text_add(out, turn ? "]\n" : "]\n    values: [");
        }
    }
    xbtab__add_source(out, b, m->file, text, NULL);
    if (r->n_rtn == 0) return;
    double step = 0, tau = 0, step_spread = 0, tau_spread = 0, n = r->n_rtn;
    for (int k = 0; k < r->n_rtn; k++) {
        step += log(r->step[k]) / n;
        tau += log(fmax(r->tau[k], 1e-9)) / n;
    }
    for (int k = 0; k < r->n_rtn; k++) {
        step_spread += pow(log(r->step[k]) - step, 2);
        tau_spread += pow(log(fmax(r->tau[k], 1e-9)) - tau, 2);
    }
    double degrees = n > 1 ? n - 1 : 1;
    xbtab__text_add(out,
                    "rtn:\n  share: %.4g\n  amplitude: {value: %.4g}\n  amplitude_sigma: %.4g\n  duty: %.4g\n"
                    "  tau_median: %.4g s\n  tau_sigma: %.4g\n",
                    n / r->n, exp(step), sqrt(step_spread / degrees), r->duty / n, exp(tau),
                    sqrt(tau_spread / degrees));
    xbtab__add_source(out, b, m->file, text, NULL);
}

xbtab_status xbtab__fit_reads(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    size_t n = (size_t)p->n_devices;
    reads r = {.G = xbtab__alloc(n, sizeof(double)),
               .sigma = xbtab__alloc(n, sizeof(double)),
               .step = xbtab__alloc(n, sizeof(double)),
               .tau = xbtab__alloc(n, sizeof(double))};
    xbtab_status status = r.G && r.sigma && r.step && r.tau ? XBTAB_OK : XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices && status == XBTAB_OK; d++) status = read_device(&r, p, d);
    if (status == XBTAB_OK && r.n == 0) status = xbtab__fail_in(m, "no device has 100 reads");
    if (status == XBTAB_OK) write_reads(b, m, &r);
    xbtab__free(r.G);
    xbtab__free(r.sigma);
    xbtab__free(r.step);
    xbtab__free(r.tau);
    return status;
}
