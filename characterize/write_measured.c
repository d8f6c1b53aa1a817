/* write_measured.c - what pulses do, from measured data.
 *
 * A file is a list of runs, each a conductance after every pulse. Either each column is a run (no header, or
 * one whose names say nothing), an empty place ends or interrupts it; or one column is called conductance,
 * resistance or current, with its unit in brackets, and each line is a pulse: columns device (another one
 * begins a run), pulse (it begins one where it does not rise), kind (set or reset), amplitude [V] and width
 * [s] are optional.
 *
 * The mean change at a conductance is a straight line through the changes around it with Gaussian weights
 * (local linear regression), held constant beyond the data; the spread is what the changes leave around that
 * line. The weights' width is the one of a few that predicts every fourth run best from the others (every
 * fourth stretch of 16 pulses, where there are few runs). */
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

enum { WIDTHS = 5, LEAST_CHANGES = 8 };

/* Widths tried, as shares of the whole range; each is widened where it sees too few changes. */
static const double widths[WIDTHS] = {0.01, 0.02, 0.04, 0.08, 0.16};

/* Above this ratio the conductances of the table are spaced evenly in their logarithm. */
static const double wide_ratio = 30;

typedef struct regression {
    double *G, *dG, *weight, *rest; /* the changes of one pulse, and scratch */
    size_t n;
} regression;

static void regression_clear(regression *r)
{
    xbtab__free(r->G);
    xbtab__free(r->dG);
    xbtab__free(r->weight);
    xbtab__free(r->rest);
}

/* The changes of one pulse, without those of a share; share < 0: all. */
static xbtab_status take_changes(regression *r, const xbtab__runs *runs, size_t pulse, int fold)
{
    size_t room = runs->n_steps;
    r->n = 0;
    if (!r->G) {
        r->G = xbtab__alloc(room, sizeof *r->G);
        r->dG = xbtab__alloc(room, sizeof *r->dG);
        r->weight = xbtab__alloc(room, sizeof *r->weight);
        r->rest = xbtab__alloc(room, sizeof *r->rest);
        if (!r->G || !r->dG || !r->weight || !r->rest) return XBTAB_NOMEM();
    }
    for (size_t k = 0; k < runs->n_steps; k++) {
        const xbtab__step *s = &runs->step[k];
        if (s->pulse != pulse) continue;
        if (s->fold == fold) continue;
        r->G[r->n] = s->before;
        r->dG[r->n++] = s->after - s->before;
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
    double c0, c1, cov00, cov01, cov11, chisq;
    bool is_line = high > low && gsl_fit_wlinear(r->G, 1, r->weight, 1, r->dG, 1, r->n, &c0, &c1, &cov00,
                                                 &cov01, &cov11, &chisq) == 0;
    if (!is_line || !isfinite(c0 + c1)) {
        c0 = gsl_stats_wmean(r->weight, 1, r->dG, 1, r->n);
        c1 = 0;
    }
    *mean = c0 + c1 * x;
    for (size_t k = 0; k < r->n; k++) r->rest[k] = r->dG[k] - c0 - c1 * r->G[k];
    *sigma = sqrt(fmax(gsl_stats_wvariance_with_fixed_mean(r->weight, 1, r->rest, 1, r->n, 0.0), 0.0));
}

/* One pulse's rows of the tables. */
static void fill_rows(xbtab_write_data *d, size_t p, const regression *r, double width)
{
    for (size_t k = 0; k < d->n_G; k++) {
        double mean = 0, sigma = 0, G = d->G[k];
        if (r->n) regress(r, G, width, &mean, &sigma);
        d->dG[p * d->n_G + k] = fmin(fmax(G + mean, d->G[0]), d->G[d->n_G - 1]) - G;
        d->sigma[p * d->n_G + k] = sigma;
        d->energy[p * d->n_G + k] = NAN;
    }
}

static double range_of(const xbtab_write_data *d)
{
    return d->G[d->n_G - 1] - d->G[0];
}

/* Held-out changes and whole runs against tables made of the other runs. */
static xbtab_status check_fold(xbtab__error_sum *single, xbtab__error_sum *along, const xbtab_write_data *d,
                               const xbtab__runs *runs, int fold)
{
    xbtab_writer *writer = NULL;
    XBTAB_TRY(xbtab_writer_create(&writer, d));
    double G = NAN;
    for (size_t k = 0; k < runs->n_steps; k++) {
        const xbtab__step *s = &runs->step[k];
        if (s->fold != fold) continue;
        xbtab_pulse_place place = {.n = 1, .index = {s->pulse}, .weight = {1.0}};
        bool goes_on = k > 0 && runs->step[k - 1].run == s->run && runs->step[k - 1].fold == fold &&
                       runs->step[k - 1].after == s->before;
        if (!goes_on) G = s->before;
        xbtab__add_error(single, s->before + xbtab_writer_effect(writer, &place, s->before).dG - s->after);
        G = xbtab_writer_apply(writer, &place, G, 0, NULL);
        xbtab__add_error(along, G - s->after);
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
        XBTAB_TRY(check_fold(&one, &all, d, runs, fold));
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
