/* population.c - the figures of a population: curves, distributions, relaxation, retention. */
#include <xbartab/population.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>

static const double boltzmann_eV = 8.617333262e-5; /* [eV/K], CODATA 2018 */

double xbtab_curve_at(const xbtab_curve *c, double G)
{
    double value = 0;
    if (c->n == 0) return 0;
    G = fmin(fmax(G, c->low), c->high);
    if (c->x) {
        int k = 0;
        if (c->n == 1 || G <= c->x[0]) {
            value = c->y[0];
        } else if (G >= c->x[c->n - 1]) {
            value = c->y[c->n - 1];
        } else {
            while (G > c->x[k + 1]) k++;
            double share = (G - c->x[k]) / (c->x[k + 1] - c->x[k]);
            value = c->y[k] + share * (c->y[k + 1] - c->y[k]);
        }
    } else {
        double u = G / c->per;
        if (c->argument != XBTAB_CURVE_OF_G) u = log(fmax(u, DBL_MIN));
        if (c->argument == XBTAB_CURVE_OF_LOG10_G) u /= M_LN10;
        for (int k = c->n - 1; k >= 0; k--) value = value * u + c->y[k];
        value *= c->times;
    }
    return fmin(fmax(value, c->min), c->max);
}

/* ---- quantile tables ---- */

/* The two rows of the table about G, and how far G is from the first to the second. */
static double rows_about(const xbtab_distribution *d, double G, const double **a, const double **b)
{
    int k = 0;
    while (k + 1 < d->n_at && G > d->at[k + 1]) k++;
    *a = d->quantile + k * d->n_probability;
    if (k + 1 == d->n_at) {
        *b = *a;
        return 0;
    }
    *b = *a + d->n_probability;
    return fmin(fmax((G - d->at[k]) / (d->at[k + 1] - d->at[k]), 0), 1);
}

static double quantile_at(const double *a, const double *b, double share, int k)
{
    return a[k] + share * (b[k] - a[k]);
}

/* How far a tail reaches beyond the table at one end: what is beyond falls off exponentially (the tail of every
 * distribution of Gumbel's domain, Balkema and de Haan 1974, Pickands 1975), at the pace between the table's
 * two last quantiles of that end. 0 where nothing is beyond. */
static double tail_of(const xbtab_distribution *d, const double *a, const double *b, double share,
                      bool is_upper)
{
    const double *p = d->probability;
    const int last = d->n_probability - 1;
    if (last < 1) return 0;
    const double beyond = is_upper ? 1 - p[last] : p[0], within = is_upper ? 1 - p[last - 1] : p[1];
    if (!(beyond > 0 && within > beyond)) return 0;
    const double end = quantile_at(a, b, share, is_upper ? last : 0),
                 next = quantile_at(a, b, share, is_upper ? last - 1 : 1);
    return fabs(end - next) / log(within / beyond);
}

static double change_of_rank(const xbtab_distribution *d, double G, double z)
{
    const double *a, *b, *p = d->probability;
    double share = rows_about(d, G, &a, &b), rank = 0.5 * erfc(-z * M_SQRT1_2);
    int last = d->n_probability - 1, k = 0;
    if (rank < p[0])
        return quantile_at(a, b, share, 0) + tail_of(d, a, b, share, false) * log(fmax(rank, DBL_MIN) / p[0]);
    if (rank >= p[last]) {
        const double above = fmax(0.5 * erfc(z * M_SQRT1_2), DBL_MIN); /* 1 - rank, to all its digits */
        return quantile_at(a, b, share, last) +
               tail_of(d, a, b, share, true) * log(fmax(1 - p[last], DBL_MIN) / above);
    }
    while (rank > p[k + 1]) k++;
    double low = quantile_at(a, b, share, k), high = quantile_at(a, b, share, k + 1);
    return low + (high - low) * (rank - p[k]) / (p[k + 1] - p[k]);
}

/* Rank of a change in a quantile table and its tails; 0 or 1 beyond an end that has none. */
static double rank_of_change(const xbtab_distribution *d, double G, double change)
{
    const double *a, *b, *p = d->probability;
    double share = rows_about(d, G, &a, &b);
    int last = d->n_probability - 1, k = 0;
    const double least = quantile_at(a, b, share, 0), most = quantile_at(a, b, share, last);
    if (change < least) {
        const double tail = tail_of(d, a, b, share, false);
        return tail > 0 ? p[0] * exp((change - least) / tail) : 0;
    }
    if (change >= most) {
        const double tail = tail_of(d, a, b, share, true);
        return tail > 0 ? 1 - (1 - p[last]) * exp((most - change) / tail) : 1;
    }
    while (change > quantile_at(a, b, share, k + 1)) k++;
    double low = quantile_at(a, b, share, k), high = quantile_at(a, b, share, k + 1);
    return high > low ? p[k] + (p[k + 1] - p[k]) * (change - low) / (high - low) : p[k + 1];
}

/* Moments of the piecewise-linear quantile function with its tails: beyond an end x, an exponential of pace t
 * has mean x + t and mean square x^2 + 2 x t + 2 t^2. */
static void table_moments(const xbtab_distribution *d, double G, double *mean, double *sigma)
{
    const double *a, *b, *p = d->probability;
    double share = rows_about(d, G, &a, &b);
    int last = d->n_probability - 1;
    double low = quantile_at(a, b, share, 0), high = quantile_at(a, b, share, last);
    const double down = -tail_of(d, a, b, share, false), up = tail_of(d, a, b, share, true);
    double first = p[0] * (low + down) + (1 - p[last]) * (high + up);
    double second =
        p[0] * (low * low + 2 * down * (low + down)) + (1 - p[last]) * (high * high + 2 * up * (high + up));
    for (int k = 0; k < last; k++) {
        double x = quantile_at(a, b, share, k), y = quantile_at(a, b, share, k + 1), w = p[k + 1] - p[k];
        first += w * 0.5 * (x + y);
        second += w * (x * x + x * y + y * y) / 3;
    }
    *mean = first;
    *sigma = sqrt(fmax(second - first * first, 0));
}

/* ---- distributions ---- */

/* Change of conductance of a rank, before the limits [S]. */
static double change_of(const xbtab_distribution *d, double G, double z)
{
    double unit = d->is_relative ? G : 1, change = 0;
    switch (d->family) {
    case XBTAB_FAMILY_NORMAL:
        change = unit * (xbtab_curve_at(&d->mean, G) + xbtab_curve_at(&d->sigma, G) * z);
        break;
    case XBTAB_FAMILY_LOGNORMAL:
        change = G * expm1(xbtab_curve_at(&d->mean, G) + xbtab_curve_at(&d->sigma, G) * z);
        break;
    case XBTAB_FAMILY_QUANTILES:
        change = unit * change_of_rank(d, G, z);
        break;
    case XBTAB_FAMILY_NONE:
        break;
    }
    if (d->limit.n > 0) {
        double limit = unit * xbtab_curve_at(&d->limit, G);
        change = fmin(fmax(change, -limit), limit);
    }
    return change;
}

double xbtab_distribution_draw(const xbtab_distribution *d, double G, double z)
{
    return fmax(G + change_of(d, G, z), 0);
}

void xbtab_distribution_moments(const xbtab_distribution *d, double G, double *mean, double *sigma)
{
    double unit = d->is_relative ? G : 1, m, s;
    *mean = *sigma = 0;
    switch (d->family) {
    case XBTAB_FAMILY_NORMAL:
        *mean = unit * xbtab_curve_at(&d->mean, G);
        *sigma = unit * xbtab_curve_at(&d->sigma, G);
        break;
    case XBTAB_FAMILY_LOGNORMAL:
        m = xbtab_curve_at(&d->mean, G);
        s = xbtab_curve_at(&d->sigma, G);
        *mean = G * expm1(m + 0.5 * s * s);
        *sigma = G * exp(m + 0.5 * s * s) * sqrt(expm1(s * s));
        break;
    case XBTAB_FAMILY_QUANTILES:
        table_moments(d, G, mean, sigma);
        *mean *= unit;
        *sigma *= unit;
        break;
    case XBTAB_FAMILY_NONE:
        break;
    }
}

/* Share of normals at or below a value; a spread of nothing is a step. */
static double normal_below(double x, double sigma)
{
    if (sigma > 0) return 0.5 * erfc(-x / sigma * M_SQRT1_2);
    return x >= 0;
}

double xbtab_distribution_below(const xbtab_distribution *d, double G, double x)
{
    double unit = d->is_relative ? G : 1, change = x - G;
    if (x < 0) return 0;
    if (d->limit.n > 0) {
        double limit = unit * xbtab_curve_at(&d->limit, G);
        if (change < -limit) return 0;
        if (change >= limit) return 1;
    }
    switch (d->family) {
    case XBTAB_FAMILY_NORMAL:
        return normal_below(change / unit - xbtab_curve_at(&d->mean, G), xbtab_curve_at(&d->sigma, G));
    case XBTAB_FAMILY_LOGNORMAL:
        if (G <= 0) return 1;
        return x > 0 ? normal_below(log(x / G) - xbtab_curve_at(&d->mean, G), xbtab_curve_at(&d->sigma, G))
                     : 0;
    case XBTAB_FAMILY_QUANTILES:
        return rank_of_change(d, G, change / unit);
    case XBTAB_FAMILY_NONE:
        break;
    }
    return change >= 0;
}

/* ---- relaxation ---- */

/* A rate that is exp(-E/kT) makes t seconds at T as long as this at the sheet's temperature [s]. */
static double aged(const xbtab_population *p, double t, double T)
{
    double E = p->relaxation.energy;
    if (E == 0 || T == p->temperature) return t;
    return t * exp(E / boltzmann_eV * (1 / p->temperature - 1 / T));
}

/* Between which snapshots a time lies: the share from `first` (-1 = nothing yet) to `first` + 1. */
static double snapshots_about(const xbtab_population *p, double t, int *first)
{
    const xbtab_relaxation *r = &p->relaxation;
    int k = 0;
    while (k < r->n_snapshots && t >= r->time[k]) k++;
    *first = k - 1;
    if (k == r->n_snapshots) return 0;
    double from = k > 0 ? r->time[k - 1] : r->t0;
    if (t <= from) return 0;
    return log(t / from) / log(r->time[k] / from);
}

double xbtab_relaxation_progress(const xbtab_population *p, double t, double T)
{
    const xbtab_relaxation *r = &p->relaxation;
    if (r->n_snapshots == 0) return 0;
    t = fmax(aged(p, t, T), r->t0);
    return fmin(log(t / r->t0) / log(r->time[r->n_snapshots - 1] / r->t0), 1);
}

/* What a device starts from: nothing has happened, or only the programming error. */
static const xbtab_distribution *snapshot_of(const xbtab_population *p, int k)
{
    static const xbtab_distribution nothing = {.family = XBTAB_FAMILY_NONE};
    if (k >= 0) return &p->relaxation.snapshot[k];
    return p->relaxation.from_target ? &p->programming : &nothing;
}

void xbtab_relaxation_moments(const xbtab_population *p, double G, double t, double T, double *mean,
                              double *sigma)
{
    const xbtab_relaxation *r = &p->relaxation;
    double before[2], after[2];
    *mean = *sigma = 0;
    t = fmax(aged(p, t, T), r->t0);
    if (r->law == XBTAB_RELAXATION_SNAPSHOTS) {
        int k;
        double share = snapshots_about(p, t, &k);
        xbtab_distribution_moments(snapshot_of(p, k), G, &before[0], &before[1]);
        xbtab_distribution_moments(snapshot_of(p, k + (share > 0)), G, &after[0], &after[1]);
        *mean = before[0] + share * (after[0] - before[0]);
        *sigma = before[1] + share * (after[1] - before[1]);
    } else if (r->law == XBTAB_RELAXATION_LOG && t > r->t0) {
        *mean = xbtab_curve_at(&r->mean_slope, G) * log(t / r->t0);
        *sigma = fmax(xbtab_curve_at(&r->sigma, G) + xbtab_curve_at(&r->sigma_slope, G) * log(t / r->t0), 0);
    } else if (r->law == XBTAB_RELAXATION_POWER && t > r->t0) {
        double s = log(t / r->t0) * xbtab_curve_at(&r->nu_sigma, G),
               m = -log(t / r->t0) * xbtab_curve_at(&r->nu_mean, G);
        *mean = G * expm1(m + 0.5 * s * s);
        *sigma = G * exp(m + 0.5 * s * s) * sqrt(expm1(s * s));
    }
}

double xbtab_relaxation_draw(const xbtab_population *p, double G, double t, double T, double z)
{
    const xbtab_relaxation *r = &p->relaxation;
    t = fmax(aged(p, t, T), r->t0);
    if (r->law == XBTAB_RELAXATION_SNAPSHOTS) {
        int k;
        double share = snapshots_about(p, t, &k), before = xbtab_distribution_draw(snapshot_of(p, k), G, z);
        if (share == 0) return before;
        return before + share * (xbtab_distribution_draw(snapshot_of(p, k + 1), G, z) - before);
    }
    if (r->law == XBTAB_RELAXATION_LOG) {
        double mean, sigma;
        xbtab_relaxation_moments(p, G, t, p->temperature, &mean, &sigma);
        return fmax(G + mean + sigma * z, 0);
    }
    if (r->law == XBTAB_RELAXATION_POWER) {
        double nu = xbtab_curve_at(&r->nu_mean, G) + xbtab_curve_at(&r->nu_sigma, G) * z;
        return G * pow(t / r->t0, -fmin(fmax(nu, r->nu_min), r->nu_max));
    }
    return G;
}

/* The draw rises with z (falls, for a power law), so its inverse is found by bisection. */
double xbtab_relaxation_below(const xbtab_population *p, double G, double t, double T, double x)
{
    double sign = p->relaxation.law == XBTAB_RELAXATION_POWER ? -1 : 1, low = -9, high = 9;
    if (xbtab_relaxation_draw(p, G, t, T, sign * low) > x) return 0;
    if (xbtab_relaxation_draw(p, G, t, T, sign * high) <= x) return 1;
    for (int k = 0; k < 60; k++) {
        double middle = 0.5 * (low + high);
        if (xbtab_relaxation_draw(p, G, t, T, sign * middle) <= x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return normal_below(low, 1);
}

/* ---- noise and retention ---- */

double xbtab_read_noise_sigma(const xbtab_population *p, double G, double t)
{
    const xbtab_read_noise *n = &p->read_noise;
    double sigma = xbtab_curve_at(&n->sigma, G) * (n->is_relative ? G : 1);
    if (n->tau > 0) sigma *= sqrt(fmax(log((t + n->tau) / (2 * n->tau)), 0));
    return sigma;
}

double xbtab_retention_median(const xbtab_population *p, double T)
{
    const xbtab_retention *r = &p->retention;
    if (!r->is_given) return INFINITY;
    return r->median * exp(r->energy / boltzmann_eV * (1 / T - 1 / r->temperature));
}
