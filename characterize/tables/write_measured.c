/* write_measured.c - what pulses do, from measured data.
 *
 * A file is a list of runs, each a conductance after every pulse. Either each column is a run (no header, or
 * one of numbered names: run1, run2), an empty place ends or interrupts it; or one column is called
 * conductance, resistance or current, with its unit, and each line is a pulse: columns device (another one
 * begins a run), pulse (it begins one where it does not rise), kind (set or reset), amplitude [V] and width
 * [s] are optional. Any other header is refused, unless the specification says which column it is.
 *
 * The mean change at a conductance is a straight line through the changes around it with Gaussian weights
 * (local linear regression), held constant beyond the data; the spread is what the changes leave around that
 * line. What is read carries noise, which looks like a change that the next pulse takes back: a change is
 * less the higher the conductance before it was read, and a ramp of such tables would stop half-way. With
 * changes d = f(G) + q and readings of variance r^2, the noise of d and that of G + beta d have nothing in
 * common for beta = r^2/(q^2 + 2 r^2), so that is what changes are held against (0.5: the middle of both
 * readings), and the pulses' own spread is what is left of the changes' variance, its share 1 - 2 beta. The
 * weights' width is the one of a few that predicts every fourth run best from the others (every fourth
 * stretch of 16 pulses, where there are few runs). */
#include "write_measured.h"
#include "write_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>
#include <xbartab/write.h>

#include "error_sum.h"
#include "measured_csv.h"
#include "memory.h"

enum { WIDTHS = 5, LEAST_CHANGES = 8, LEAST_STRETCHES = 20, MOST_AVERAGED = 64 };

/* Widths tried, as shares of the whole range; each is widened where it sees too few changes. */
static const double widths[WIDTHS] = {0.01, 0.02, 0.04, 0.08, 0.16};

/* Above this ratio the conductances of the table are spaced evenly in their logarithm. */
static const double wide_ratio = 30;

typedef struct regression {
    double *G, *dG;        /* the changes of one pulse, against G + beta dG */
    double *precision;     /* one over their variance, in units of a single change's */
    double *weight, *rest; /* scratch */
    size_t n;
    double beta;   /* 0 to 0.5: share of the readings' noise in the changes' variance */
    size_t n_mean; /* readings that are averaged on each side of a change */
} regression;

static void regression_clear(regression *r)
{
    xbtab__free(r->G);
    xbtab__free(r->dG);
    xbtab__free(r->precision);
    xbtab__free(r->weight);
    xbtab__free(r->rest);
}

/* How many steps from k on go on in one run under one pulse. */
static size_t stretch(const xbtab__runs *runs, size_t k)
{
    size_t end = k + 1;
    for (; end < runs->n_steps; end++) {
        const xbtab__step *a = &runs->step[end - 1], *b = &runs->step[end];
        if (a->run != b->run || a->pulse != b->pulse || a->after != b->before) break;
    }
    return end - k;
}

/* Mean square of second differences of readings `apart` from each other: 2 apart q^2 + 6 r^2 where readings
 * that far apart share no noise, whatever the steady drift. */
static double second_differences(const xbtab__runs *runs, size_t apart, size_t *n)
{
    double sum = 0;
    *n = 0;
    for (size_t first = 0, length; first < runs->n_steps; first += length) {
        length = stretch(runs, first);
        const xbtab__step *s = runs->step + first;
        for (size_t k = 0; k + 2 * apart <= length; k++, ++*n) {
            double second = s[k + 2 * apart - 1].after - 2 * s[k + apart].before + s[k].before;
            sum += second * second;
        }
    }
    return *n ? sum / (double)*n : 0;
}

/* Variance of changes about the mean of those around them. */
static double variance_of_changes(const xbtab__runs *runs)
{
    enum { AROUND = 4, ALL = 2 * AROUND + 1 };
    double sum = 0;
    size_t n = 0;
    for (size_t first = 0, length; first < runs->n_steps; first += length) {
        length = stretch(runs, first);
        const xbtab__step *s = runs->step + first;
        for (size_t k = AROUND; k + AROUND < length; k++, n++) {
            double rest = s[k].after - s[k].before - (s[k + AROUND].after - s[k - AROUND].before) / ALL;
            sum += rest * rest;
        }
    }
    return n ? sum / (double)n * ALL / (ALL - 1) : 0;
}

/* As many as bring the noise of readings down to the narrowest width. */
static size_t readings_averaged(const xbtab__runs *runs, double beta, double range)
{
    double r2 = beta * variance_of_changes(runs), n = 0.5 * r2 / pow(widths[0] * range, 2);
    return n <= 1 ? 1 : (size_t)fmin(ceil(n), MOST_AVERAGED);
}

/* q^2 is the least that the growth of second differences with the distance tells: the curve of a ramp, and
 * noise that neighbours share, only make it more. */
static double noise_share(const xbtab__runs *runs)
{
    double q2 = INFINITY, all = variance_of_changes(runs), near, far;
    size_t n, n_far;
    for (size_t apart = 1; apart == 1 || LEAST_STRETCHES * 2 * apart <= runs->n_steps; apart *= 2) {
        near = second_differences(runs, apart, &n);
        far = second_differences(runs, 2 * apart, &n_far);
        if (n_far < LEAST_CHANGES) break;
        q2 = fmin(q2, fmax(far - near, 0) / (2 * (double)apart));
    }
    return isfinite(q2) && all > q2 ? (all - q2) / (2 * all) : 0;
}

/* Step k of a stretch: between the means of as many readings before and after it as noise asks for and there
 * are. */
static void add_change(regression *r, const xbtab__step *s, size_t length, size_t k)
{
    size_t n = r->n_mean;
    double before = 0, after = 0;
    if (n > k + 1) n = k + 1;
    if (n > length - k) n = length - k;
    for (size_t l = 0; l < n; l++) {
        before += s[k - l].before / (double)n;
        after += s[k + l].after / (double)n;
    }
    /* readings' noise counts twice, divided by n readings and n pulses; the pulses' own averages out */
    r->precision[r->n] = 1 / (2 * r->beta / pow((double)n, 3) + (1 - 2 * r->beta) / (double)n);
    r->dG[r->n] = (after - before) / (double)n;
    r->G[r->n++] = before + (n > 1 ? 0.5 : r->beta) * (after - before);
}

/* The changes of one pulse, without those of a share; share < 0: all. */
static xbtab_status take_changes(regression *r, const xbtab__runs *runs, size_t pulse, int fold)
{
    size_t room = runs->n_steps;
    r->n = 0;
    if (!r->G) {
        r->G = xbtab__alloc(room, sizeof *r->G);
        r->dG = xbtab__alloc(room, sizeof *r->dG);
        r->precision = xbtab__alloc(room, sizeof *r->precision);
        r->weight = xbtab__alloc(room, sizeof *r->weight);
        r->rest = xbtab__alloc(room, sizeof *r->rest);
        if (!r->G || !r->dG || !r->precision || !r->weight || !r->rest) return XBTAB_NOMEM();
    }
    for (size_t first = 0, length; first < runs->n_steps; first += length) {
        length = stretch(runs, first);
        for (size_t k = 0; k < length && runs->step[first].pulse == pulse; k++) {
            if (runs->step[first + k].fold != fold) add_change(r, runs->step + first, length, k);
        }
    }
    return XBTAB_OK;
}

/* Mean and spread of the change at g. */
static void regress(const regression *r, double g, double width, double *mean, double *sigma)
{
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (size_t k = 0; k < r->n; k++) {
        low = fmin(low, r->G[k]);
        high = fmax(high, r->G[k]);
    }
    double x = fmin(fmax(g, low), high);
    size_t wanted = r->n < LEAST_CHANGES ? r->n : LEAST_CHANGES;
    for (int widening = 0; widening < 60; widening++, width *= 1.5) {
        sum = 0;
        for (size_t k = 0; k < r->n; k++) {
            double u = (r->G[k] - x) / width;
            sum += r->weight[k] = exp(-0.5 * u * u);
        }
        if (sum >= 0.99 * (double)wanted) break;
    }
    double c0, c1, cov00, cov01, cov11, chisq, *both = r->rest;
    for (size_t k = 0; k < r->n; k++) both[k] = r->weight[k] * r->precision[k];
    bool is_line = high > low && gsl_fit_wlinear(r->G, 1, both, 1, r->dG, 1, r->n, &c0, &c1, &cov00, &cov01,
                                                 &cov11, &chisq) == 0;
    if (!is_line || !isfinite(c0 + c1)) {
        c0 = gsl_stats_wmean(both, 1, r->dG, 1, r->n);
        c1 = 0;
    }
    *mean = c0 + c1 * x;
    for (size_t k = 0; k < r->n; k++) r->rest[k] = (r->dG[k] - c0 - c1 * r->G[k]) * sqrt(r->precision[k]);
    *sigma = sqrt(fmax(gsl_stats_wvariance_with_fixed_mean(r->weight, 1, r->rest, 1, r->n, 0.0), 0.0));
}

/* One pulse's rows of the tables. */
static void fill_rows(xbtab_write_data *d, size_t p, const regression *r, double width)
{
    for (size_t k = 0; k < d->n_G; k++) {
        double mean = 0, sigma = 0, G = d->G[k];
        if (r->n) regress(r, G, width, &mean, &sigma);
        if (r->n && r->beta > 0) regress(r, G + r->beta * mean, width, &mean, &sigma);
        d->dG[p * d->n_G + k] = fmin(fmax(G + mean, d->G[0]), d->G[d->n_G - 1]) - G;
        d->sigma[p * d->n_G + k] = sigma * sqrt(1 - 2 * r->beta);
        d->energy[p * d->n_G + k] = NAN;
    }
}

static double range_of(const xbtab_write_data *d)
{
    return d->G[d->n_G - 1] - d->G[0];
}

/* Reading k of a stretch, the mean of it and of as many on both sides as noise asks for and there are. */
static double reading(const xbtab__step *s, size_t length, size_t k, size_t n_mean)
{
    size_t n = n_mean - 1;
    if (n > k) n = k;
    if (n > length - k) n = length - k;
    double sum = 0;
    for (size_t l = k - n; l <= k + n; l++) sum += l == 0 ? s[0].before : s[l - 1].after;
    return sum / (double)(2 * n + 1);
}

/* Held-out changes and whole runs against tables made of the other runs. */
static xbtab_status check_fold(xbtab__error_sum *single, xbtab__error_sum *along, const xbtab_write_data *d,
                               const xbtab__runs *runs, const regression *r, int fold)
{
    xbtab_writer *writer = NULL;
    XBTAB_TRY(xbtab_writer_create(&writer, d));
    for (size_t first = 0, length; first < runs->n_steps; first += length) {
        const xbtab__step *s = runs->step + first;
        xbtab_pulse_place place = {.n = 1, .index = {s->pulse}, .weight = {1.0}};
        double G = NAN;
        length = stretch(runs, first);
        for (size_t k = 0; k < length; k++) {
            if (s[k].fold != fold) continue;
            if (k == 0 || s[k - 1].fold != fold) G = reading(s, length, k, r->n_mean);
            xbtab__add_error(single,
                             s[k].before + xbtab_writer_effect(writer, &place, s[k].before).dG - s[k].after);
            G = xbtab_writer_apply(writer, &place, G, 0, NULL);
            xbtab__add_error(along, G - s[k].after);
        }
    }
    xbtab_writer_destroy(&writer);
    return XBTAB_OK;
}

/* Errors of a width by leaving every fold out once. */
static xbtab_status try_width(xbtab_fit_error *single, xbtab_fit_error *along, xbtab_write_data *d,
                              const xbtab__runs *runs, regression *r, double width)
{
    xbtab__error_sum one = {0}, all = {0};
    for (int fold = 0; fold < XBTAB__FOLDS; fold++) {
        for (size_t p = 0; p < d->n; p++) {
            XBTAB_TRY(take_changes(r, runs, p, fold));
            fill_rows(d, p, r, width);
        }
        XBTAB_TRY(check_fold(&one, &all, d, runs, r, fold));
    }
    *single = xbtab__finish_error(&one, range_of(d), 0);
    *along = xbtab__finish_error(&all, range_of(d), 0);
    return XBTAB_OK;
}

static xbtab_status take_head(xbtab_write_data *d, const xbtab__runs *runs, const xbtab_spec *spec)
{
    double low = INFINITY, high = 0;
    XBTAB_TRY(xbtab__write_room(d, runs->n_pulses, (size_t)spec->write.conductances));
    d->is_measured = 1;
    d->v_read = runs->v_read > 0 ? runs->v_read : spec->v_read;
    d->source = xbtab__strdup(runs->source);
    if (!d->source) return XBTAB_NOMEM();
    for (size_t p = 0; p < d->n; p++) {
        d->kind[p] = (int32_t)runs->pulse[p].kind;
        d->amplitude[p] = runs->pulse[p].amplitude;
        d->width[p] = runs->pulse[p].width;
        d->v_gate[p] = runs->pulse[p].v_gate;
    }
    for (size_t k = 0; k < runs->n_steps; k++) {
        low = fmin(low, fmin(runs->step[k].before, runs->step[k].after));
        high = fmax(high, fmax(runs->step[k].before, runs->step[k].after));
    }
    if (!(high > low)) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no pulse changes anything", runs->source);
    for (size_t k = 0; k < d->n_G; k++) {
        double u = (double)k / (double)(d->n_G - 1);
        d->G[k] = high > wide_ratio * low ? low * pow(high / low, u) : low + u * (high - low);
    }
    d->G[d->n_G - 1] = high;
    return XBTAB_OK;
}

xbtab_status xbtab__write_measured(xbtab_write_data *d, const xbtab_spec *spec)
{
    xbtab_status status;
    xbtab__runs runs = {0};
    regression r = {0};
    double best = widths[0];
    XBTAB_TRY_DONE(xbtab__runs_read(&runs, spec));
    XBTAB_TRY_DONE(take_head(d, &runs, spec));
    r.beta = noise_share(&runs);
    r.n_mean = readings_averaged(&runs, r.beta, range_of(d));
    for (int k = 0; k < WIDTHS; k++) {
        xbtab_fit_error single, along;
        XBTAB_TRY_DONE(try_width(&single, &along, d, &runs, &r, widths[k] * range_of(d)));
        if (k > 0 && !(along.rmse < d->error_train.rmse)) continue;
        best = widths[k];
        d->error = single;
        d->error_train = along;
    }
    for (size_t p = 0; p < d->n; p++) {
        XBTAB_TRY_DONE(take_changes(&r, &runs, p, -1));
        fill_rows(d, p, &r, best * range_of(d));
    }
    status = XBTAB_OK;
done:
    regression_clear(&r);
    xbtab__runs_clear(&runs);
    return status;
}
