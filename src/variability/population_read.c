/* population_read.c - a population sheet from its YAML text: units, bounds, and what must go together. */
#include <xbartab/population.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "population_yaml.h"

static const char *const trust_words[] = {"published", "derived", "recalled", "assumed", NULL};

enum { PLACE_SIZE = 160 };

static xbtab_status copy_text(char **out, const char *text)
{
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

/* "key.name" for messages and lines. */
static const char *place(char *out, const char *key, const char *name)
{
    snprintf(out, PLACE_SIZE, "%s.%s", key, name);
    return out;
}

static xbtab_status take_trust(char **source, char **trust, const xbtab__yaml *yaml, const char *key,
                               const char *source_text, const char *trust_text)
{
    char at[PLACE_SIZE];
    int word;
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, place(at, key, "trust"), trust_text, trust_words));
    XBTAB_TRY(copy_text(source, source_text));
    return copy_text(trust, trust_text);
}

/* n quantities of one unit; rising where asked. */
static xbtab_status take_list(double **out, const xbtab__yaml *yaml, const char *key, char *const *text,
                              unsigned n, const char *unit, double min, double max, bool rising)
{
    *out = xbtab__alloc(n, sizeof **out);
    if (!*out) return XBTAB_NOMEM();
    for (unsigned k = 0; k < n; k++) {
        char at[PLACE_SIZE];
        snprintf(at, sizeof at, "%s[%u]", key, k);
        XBTAB_TRY(xbtab__yaml_quantity(&(*out)[k], yaml, at, text[k], unit, min, max));
        if (rising && k > 0 && (*out)[k] <= (*out)[k - 1])
            return xbtab__yaml_fail(yaml, at, "the list must rise");
    }
    return XBTAB_OK;
}

/* ---- curves ---- */

static xbtab_status take_polynomial(xbtab_curve *c, const xbtab__yaml *yaml, const char *key,
                                    const xbtab__curve_text *text, const char *unit)
{
    static const char *const arguments[] = {"G", "ln G", "log10 G", NULL};
    char at[PLACE_SIZE];
    int argument = XBTAB_CURVE_OF_G;
    if (strcmp(unit, "1") != 0 && !text->times)
        return xbtab__yaml_fail(yaml, key, "a polynomial needs times, its unit, such as \"1 uS\"");
    XBTAB_TRY(xbtab__yaml_choice(&argument, yaml, place(at, key, "of"), text->of, arguments));
    c->argument = (xbtab_curve_argument)argument;
    XBTAB_TRY(xbtab__yaml_quantity(&c->per, yaml, place(at, key, "per"), text->per, "S", DBL_MIN, 1e3));
    XBTAB_TRY(
        xbtab__yaml_quantity(&c->times, yaml, place(at, key, "times"), text->times, unit, -DBL_MAX, DBL_MAX));
    c->n = (int)text->polynomial_count;
    return take_list(&c->y, yaml, place(at, key, "polynomial"), text->polynomial, text->polynomial_count, "1",
                     -DBL_MAX, DBL_MAX, false);
}

/* @param unit  of the value. @param least  its smallest allowed value. NULL text: the curve is 0. */
static xbtab_status take_curve(xbtab_curve *c, const xbtab__yaml *yaml, const char *key,
                               const xbtab__curve_text *text, const char *unit, double least)
{
    char at[PLACE_SIZE];
    *c = (xbtab_curve){.per = 1, .times = 1, .high = DBL_MAX, .min = least, .max = DBL_MAX};
    if (!text) return XBTAB_OK;
    if (!!text->value + !!text->polynomial_count + !!text->values_count != 1)
        return xbtab__yaml_fail(yaml, key, "needs one of value, polynomial, and at with values");
    if (!text->polynomial_count && (text->of || text->per || text->times))
        return xbtab__yaml_fail(yaml, key, "of, per and times are for polynomials");
    XBTAB_TRY(xbtab__yaml_quantity(&c->low, yaml, place(at, key, "from"), text->from, "S", 0, 1e3));
    XBTAB_TRY(xbtab__yaml_quantity(&c->high, yaml, place(at, key, "to"), text->to, "S", c->low, 1e3));
    XBTAB_TRY(xbtab__yaml_quantity(&c->min, yaml, place(at, key, "min"), text->min, unit, least, DBL_MAX));
    XBTAB_TRY(xbtab__yaml_quantity(&c->max, yaml, place(at, key, "max"), text->max, unit, c->min, DBL_MAX));
    if (text->polynomial_count) return take_polynomial(c, yaml, key, text, unit);
    if (text->value) {
        c->y = xbtab__alloc(1, sizeof *c->y);
        if (!c->y) return XBTAB_NOMEM();
        c->n = 1;
        return xbtab__yaml_quantity(c->y, yaml, place(at, key, "value"), text->value, unit, least, DBL_MAX);
    }
    if (text->at_count != text->values_count)
        return xbtab__yaml_fail(yaml, key, "at and values have %u and %u entries", text->at_count,
                                text->values_count);
    c->n = (int)text->at_count;
    XBTAB_TRY(take_list(&c->x, yaml, place(at, key, "at"), text->at, text->at_count, "S", 0, 1e3, true));
    return take_list(&c->y, yaml, place(at, key, "values"), text->values, text->values_count, unit, least,
                     DBL_MAX, false);
}

/* ---- distributions ---- */

static xbtab_status take_quantiles(xbtab_distribution *d, const xbtab__yaml *yaml, const char *key,
                                   const xbtab__quantiles_text *text, const char *unit)
{
    char at[PLACE_SIZE], row[PLACE_SIZE + 32];
    double times = 1;
    if (strcmp(unit, "1") != 0 && !text->times)
        return xbtab__yaml_fail(yaml, key, "needs times, the unit of its values, such as \"1 uS\"");
    XBTAB_TRY(xbtab__yaml_quantity(&times, yaml, place(at, key, "times"), text->times, unit, DBL_MIN, 1e3));
    XBTAB_TRY(take_list(&d->probability, yaml, place(at, key, "probabilities"), text->probabilities,
                        text->probabilities_count, "1", 1e-9, 1 - 1e-9, true));
    d->n_probability = (int)text->probabilities_count;
    size_t n = text->rows_count, width = text->probabilities_count;
    if (width < 2) return xbtab__yaml_fail(yaml, place(at, key, "probabilities"), "needs two or more");
    d->at = xbtab__alloc(n, sizeof *d->at);
    d->quantile = xbtab__alloc(n * width, sizeof *d->quantile);
    if (!d->at || !d->quantile) return XBTAB_NOMEM();
    d->n_at = (int)n;
    for (size_t k = 0; k < n; k++) {
        const xbtab__row_text *r = &text->rows[k];
        double *values;
        snprintf(row, sizeof row, "%s.rows[%zu]", key, k);
        if (!r->at) return xbtab__yaml_fail(yaml, row, "needs at, its conductance");
        XBTAB_TRY(xbtab__yaml_quantity(&d->at[k], yaml, row, r->at, "S", 0, 1e3));
        if (k > 0 && d->at[k] <= d->at[k - 1])
            return xbtab__yaml_fail(yaml, row, "at must rise from row to row");
        if (r->values_count != width)
            return xbtab__yaml_fail(yaml, row, "has %u values for %zu probabilities", r->values_count, width);
        xbtab_status status =
            take_list(&values, yaml, row, r->values, r->values_count, "1", -DBL_MAX, DBL_MAX, false);
        for (size_t l = 0; l < width && status == XBTAB_OK; l++) {
            d->quantile[k * width + l] = times * values[l];
            if (l > 0 && values[l] < values[l - 1])
                status = xbtab__yaml_fail(yaml, row, "quantiles may not fall with the probability");
        }
        xbtab__free(values);
        XBTAB_TRY(status);
    }
    return XBTAB_OK;
}

/* All of a distribution but its source. NULL text: not in the sheet. */
static xbtab_status take_distribution(xbtab_distribution *d, const xbtab__yaml *yaml, const char *key,
                                      const xbtab__distribution_text *text)
{
    static const char *const families[] = {"none", "normal", "lognormal", "quantiles", NULL};
    static const char *const scales[] = {"absolute", "relative", NULL};
    char at[PLACE_SIZE];
    int family = 0;
    if (!text) return XBTAB_OK;
    XBTAB_TRY(xbtab__yaml_choice(&family, yaml, place(at, key, "family"), text->family, families));
    XBTAB_TRY(xbtab__yaml_choice(&d->is_relative, yaml, place(at, key, "scale"), text->scale, scales));
    bool is_log = family == XBTAB_FAMILY_LOGNORMAL, has_table = family == XBTAB_FAMILY_QUANTILES;
    if (is_log && text->scale)
        return xbtab__yaml_fail(yaml, place(at, key, "scale"), "a lognormal is of ln G already");
    if (has_table ? !text->quantiles || text->mean || text->sigma : text->quantiles != NULL)
        return xbtab__yaml_fail(yaml, key,
                                "quantiles go with family quantiles, mean and sigma with the others");
    if (!has_table && family != XBTAB_FAMILY_NONE && !text->sigma)
        return xbtab__yaml_fail(yaml, key, "needs sigma");
    const char *limit_unit = d->is_relative || is_log ? "1" : "S", *unit = limit_unit;
    if (is_log) d->is_relative = 1; /* for its limit */
    XBTAB_TRY(take_curve(&d->mean, yaml, place(at, key, "mean"), text->mean, unit, -DBL_MAX));
    XBTAB_TRY(take_curve(&d->sigma, yaml, place(at, key, "sigma"), text->sigma, unit, 0));
    XBTAB_TRY(take_curve(&d->limit, yaml, place(at, key, "limit"), text->limit, limit_unit, 0));
    if (has_table) XBTAB_TRY(take_quantiles(d, yaml, place(at, key, "quantiles"), text->quantiles, unit));
    d->family = (xbtab_family)family;
    return XBTAB_OK;
}

static xbtab_status take_effect(xbtab_distribution *d, const xbtab__yaml *yaml, const char *key,
                                const xbtab__distribution_text *text)
{
    if (!text) return XBTAB_OK;
    XBTAB_TRY(take_distribution(d, yaml, key, text));
    return take_trust(&d->source, &d->trust, yaml, key, text->source, text->trust);
}

/* ---- the other sections ---- */

static xbtab_status take_snapshots(xbtab_relaxation *r, const xbtab__yaml *yaml,
                                   const xbtab__relaxation_text *text)
{
    if (!text->snapshots_count) return xbtab__yaml_fail(yaml, "relaxation", "law snapshots needs snapshots");
    r->time = xbtab__alloc(text->snapshots_count, sizeof *r->time);
    r->snapshot = xbtab__alloc(text->snapshots_count, sizeof *r->snapshot);
    if (!r->time || !r->snapshot) return XBTAB_NOMEM();
    r->n_snapshots = (int)text->snapshots_count;
    double last = r->t0;
    for (int k = 0; k < r->n_snapshots; k++) {
        char key[64], at[PLACE_SIZE];
        snprintf(key, sizeof key, "relaxation.snapshots[%d]", k);
        XBTAB_TRY(xbtab__yaml_quantity(&r->time[k], yaml, place(at, key, "time"), text->snapshots[k].time,
                                       "s", 0, 1e12));
        if (r->time[k] <= last)
            return xbtab__yaml_fail(yaml, place(at, key, "time"), "must be above t0 and rise");
        last = r->time[k];
        XBTAB_TRY(take_distribution(&r->snapshot[k], yaml, key, &text->snapshots[k]));
    }
    return XBTAB_OK;
}

static xbtab_status take_relaxation(xbtab_population *p, const xbtab__yaml *yaml,
                                    const xbtab__relaxation_text *text)
{
    static const char *const laws[] = {"none", "snapshots", "log", "power", NULL};
    static const char *const origins[] = {"programmed", "target", NULL};
    xbtab_relaxation *r = &p->relaxation;
    int law = 0;
    if (!text) return XBTAB_OK;
    XBTAB_TRY(xbtab__yaml_choice(&law, yaml, "relaxation.law", text->law, laws));
    XBTAB_TRY(xbtab__yaml_choice(&r->from_target, yaml, "relaxation.from", text->from, origins));
    XBTAB_TRY(xbtab__yaml_quantity(&r->t0, yaml, "relaxation.t0", text->t0, "s", 1e-12, 1e12));
    XBTAB_TRY(xbtab__yaml_quantity(&r->energy, yaml, "relaxation.activation_energy", text->activation_energy,
                                   "eV", 0, 10));
    r->memory = 1;
    XBTAB_TRY(xbtab__yaml_quantity(&r->memory, yaml, "relaxation.memory", text->memory, "1", 0, 1));
    if (text->memory && !r->from_target)
        return xbtab__yaml_fail(yaml, "relaxation.memory", "goes with from: target");
    r->nu_min = -DBL_MAX;
    r->nu_max = DBL_MAX;
    XBTAB_TRY(xbtab__yaml_quantity(&r->nu_min, yaml, "relaxation.nu_min", text->nu_min, "1", -10, 10));
    XBTAB_TRY(xbtab__yaml_quantity(&r->nu_max, yaml, "relaxation.nu_max", text->nu_max, "1", r->nu_min, 10));
    if (law != XBTAB_RELAXATION_SNAPSHOTS && (text->snapshots_count || r->from_target))
        return xbtab__yaml_fail(yaml, "relaxation", "snapshots and from: target go with law snapshots");
    XBTAB_TRY(take_curve(&r->mean_slope, yaml, "relaxation.mean_slope", text->mean_slope, "S", -DBL_MAX));
    XBTAB_TRY(take_curve(&r->sigma, yaml, "relaxation.sigma", text->sigma, "S", 0));
    XBTAB_TRY(take_curve(&r->sigma_slope, yaml, "relaxation.sigma_slope", text->sigma_slope, "S", 0));
    XBTAB_TRY(take_curve(&r->nu_mean, yaml, "relaxation.nu_mean", text->nu_mean, "1", -DBL_MAX));
    XBTAB_TRY(take_curve(&r->nu_sigma, yaml, "relaxation.nu_sigma", text->nu_sigma, "1", 0));
    if ((law == XBTAB_RELAXATION_POWER) != (text->nu_mean != NULL))
        return xbtab__yaml_fail(yaml, "relaxation", "law power and nu_mean go together");
    if (law == XBTAB_RELAXATION_SNAPSHOTS) XBTAB_TRY(take_snapshots(r, yaml, text));
    XBTAB_TRY(take_trust(&r->source, &r->trust, yaml, "relaxation", text->source, text->trust));
    r->law = (xbtab_relaxation_law)law;
    return XBTAB_OK;
}

static xbtab_status take_noise(xbtab_read_noise *n, const xbtab__yaml *yaml, const xbtab__noise_text *text)
{
    static const char *const scales[] = {"absolute", "relative", NULL};
    if (!text) return XBTAB_OK;
    XBTAB_TRY(xbtab__yaml_choice(&n->is_relative, yaml, "read_noise.scale", text->scale, scales));
    XBTAB_TRY(take_curve(&n->sigma, yaml, "read_noise.sigma", &text->sigma, n->is_relative ? "1" : "S", 0));
    XBTAB_TRY(xbtab__yaml_quantity(&n->tau, yaml, "read_noise.tau", text->tau, "s", 1e-15, 1e6));
    n->is_given = 1;
    return take_trust(&n->source, &n->trust, yaml, "read_noise", text->source, text->trust);
}

static xbtab_status take_rtn(xbtab_rtn *r, const xbtab__yaml *yaml, const xbtab__rtn_text *text)
{
    if (!text) return XBTAB_OK;
    r->duty = 0.5;
    XBTAB_TRY(xbtab__yaml_quantity(&r->share, yaml, "rtn.share", text->share, "1", 0, 1));
    XBTAB_TRY(take_curve(&r->amplitude, yaml, "rtn.amplitude", &text->amplitude, "1", 0));
    XBTAB_TRY(xbtab__yaml_quantity(&r->amplitude_sigma, yaml, "rtn.amplitude_sigma", text->amplitude_sigma,
                                   "1", 0, 10));
    XBTAB_TRY(xbtab__yaml_quantity(&r->duty, yaml, "rtn.duty", text->duty, "1", 0, 1));
    XBTAB_TRY(
        xbtab__yaml_quantity(&r->tau_median, yaml, "rtn.tau_median", text->tau_median, "s", 1e-12, 1e9));
    XBTAB_TRY(xbtab__yaml_quantity(&r->tau_sigma, yaml, "rtn.tau_sigma", text->tau_sigma, "1", 0, 30));
    r->is_given = 1;
    return take_trust(&r->source, &r->trust, yaml, "rtn", text->source, text->trust);
}

static xbtab_status take_retention(xbtab_retention *r, const xbtab__yaml *yaml,
                                   const xbtab__retention_text *text)
{
    if (!text) return XBTAB_OK;
    XBTAB_TRY(xbtab__yaml_quantity(&r->median, yaml, "retention.median", text->median, "s", 1e-9, 1e15));
    XBTAB_TRY(xbtab__yaml_quantity(&r->temperature, yaml, "retention.temperature", text->temperature, "K", 1,
                                   2000));
    XBTAB_TRY(xbtab__yaml_quantity(&r->energy, yaml, "retention.activation_energy", text->activation_energy,
                                   "eV", 0, 10));
    XBTAB_TRY(xbtab__yaml_quantity(&r->sigma, yaml, "retention.sigma", text->sigma, "1", 0, 20));
    XBTAB_TRY(xbtab__yaml_quantity(&r->G_lost, yaml, "retention.lost", text->lost, "S", 0, 1));
    r->is_given = 1;
    return take_trust(&r->source, &r->trust, yaml, "retention", text->source, text->trust);
}

static xbtab_status take_stuck(xbtab_population *p, const xbtab__yaml *yaml, const xbtab__stuck_text *text)
{
    xbtab_stuck *s = &p->stuck;
    if (!text) return XBTAB_OK;
    s->G_lrs = p->G_max;
    s->G_hrs = p->G_min;
    XBTAB_TRY(xbtab__yaml_quantity(&s->lrs, yaml, "stuck.stuck_lrs", text->stuck_lrs, "1", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&s->hrs, yaml, "stuck.stuck_hrs", text->stuck_hrs, "1", 0, 1 - s->lrs));
    XBTAB_TRY(xbtab__yaml_quantity(&s->G_lrs, yaml, "stuck.g_lrs", text->g_lrs, "S", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&s->G_hrs, yaml, "stuck.g_hrs", text->g_hrs, "S", 0, 1));
    XBTAB_TRY(
        xbtab__yaml_quantity(&s->G_lrs_sigma, yaml, "stuck.g_lrs_sigma", text->g_lrs_sigma, "1", 0, 10));
    XBTAB_TRY(
        xbtab__yaml_quantity(&s->G_hrs_sigma, yaml, "stuck.g_hrs_sigma", text->g_hrs_sigma, "1", 0, 10));
    s->is_given = 1;
    return take_trust(&s->source, &s->trust, yaml, "stuck", text->source, text->trust);
}

static xbtab_status take_endurance(xbtab_endurance *e, const xbtab__yaml *yaml,
                                   const xbtab__endurance_text *text)
{
    if (!text) return XBTAB_OK;
    e->share_lrs = 0.5;
    e->n0 = 1;
    XBTAB_TRY(xbtab__yaml_quantity(&e->median, yaml, "endurance.median", text->median, "1", 1, 1e18));
    XBTAB_TRY(xbtab__yaml_quantity(&e->sigma, yaml, "endurance.sigma", text->sigma, "1", 0, 20));
    XBTAB_TRY(xbtab__yaml_quantity(&e->share_lrs, yaml, "endurance.share_lrs", text->share_lrs, "1", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&e->slope, yaml, "endurance.window_slope", text->window_slope, "1", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&e->n0, yaml, "endurance.window_n0", text->window_n0, "1", 1, 1e18));
    e->is_given = 1;
    return take_trust(&e->source, &e->trust, yaml, "endurance", text->source, text->trust);
}

static xbtab_status take_spread(xbtab_parameter_spread *s, const xbtab__yaml *yaml, int k,
                                const xbtab__spread_text *text)
{
    static const char *const families[] = {"none", "normal", "lognormal", NULL};
    char key[64], at[PLACE_SIZE];
    int family = 0;
    snprintf(key, sizeof key, "parameters.values[%d]", k);
    XBTAB_TRY(copy_text(&s->name, text->name));
    XBTAB_TRY(xbtab__yaml_choice(&family, yaml, place(at, key, "family"), text->family, families));
    s->family = (xbtab_family)family;
    s->min = -DBL_MAX;
    s->max = DBL_MAX;
    /* bare SI numbers: the unit is the model's, which is not at hand here */
    XBTAB_TRY(xbtab__yaml_quantity(&s->location, yaml, place(at, key, "location"), text->location, "1",
                                   family == XBTAB_FAMILY_LOGNORMAL ? DBL_MIN : -DBL_MAX, DBL_MAX));
    XBTAB_TRY(
        xbtab__yaml_quantity(&s->spread, yaml, place(at, key, "spread"), text->spread, "1", 0, DBL_MAX));
    XBTAB_TRY(xbtab__yaml_quantity(&s->min, yaml, place(at, key, "min"), text->min, "1", -DBL_MAX, DBL_MAX));
    return xbtab__yaml_quantity(&s->max, yaml, place(at, key, "max"), text->max, "1", s->min, DBL_MAX);
}

/* Lower Cholesky factor of the correlation; a matrix that is not positive definite is none. */
static xbtab_status factor(xbtab_parameter_population *q, const xbtab__yaml *yaml)
{
    int n = q->n;
    for (int k = 0; k < n; k++) {
        for (int l = 0; l <= k; l++) {
            double sum = q->correlation[k * n + l];
            for (int m = 0; m < l; m++) sum -= q->root[k * n + m] * q->root[l * n + m];
            if (l < k) {
                q->root[k * n + l] = sum / q->root[l * n + l];
            } else if (sum > 1e-12) {
                q->root[k * n + k] = sqrt(sum);
            } else {
                return xbtab__yaml_fail(yaml, "parameters.correlation", "is not positive definite");
            }
        }
    }
    return XBTAB_OK;
}

static xbtab_status take_parameters(xbtab_parameter_population *q, const xbtab__yaml *yaml,
                                    const xbtab__parameters_text *text)
{
    if (!text) return XBTAB_OK;
    size_t n = text->values_count;
    XBTAB_TRY(copy_text(&q->model, text->model));
    q->parameter = xbtab__alloc(n, sizeof *q->parameter);
    q->correlation = xbtab__alloc(n * n, sizeof *q->correlation);
    q->root = xbtab__alloc(n * n, sizeof *q->root);
    if (!q->parameter || !q->correlation || !q->root) return XBTAB_NOMEM();
    q->n = (int)n;
    for (int k = 0; k < q->n; k++) {
        XBTAB_TRY(take_spread(&q->parameter[k], yaml, k, &text->values[k]));
        q->correlation[(size_t)k * n + (size_t)k] = 1;
    }
    if (text->correlation_count && text->correlation_count != n)
        return xbtab__yaml_fail(yaml, "parameters.correlation", "needs a row for each of the %zu values", n);
    for (size_t k = 0; k < text->correlation_count; k++) {
        const xbtab__row_text *row = &text->correlation[k];
        char key[64];
        snprintf(key, sizeof key, "parameters.correlation[%zu]", k);
        if (row->values_count != n || row->at)
            return xbtab__yaml_fail(yaml, key, "needs {values: [...]} with %zu numbers", n);
        for (size_t l = 0; l < n; l++) {
            double *c = &q->correlation[k * n + l];
            XBTAB_TRY(xbtab__yaml_quantity(c, yaml, key, row->values[l], "1", -1, 1));
            if (k == l ? *c != 1 : l < k && *c != q->correlation[l * n + k])
                return xbtab__yaml_fail(yaml, key, "the matrix must be symmetric with ones on its diagonal");
        }
    }
    XBTAB_TRY(factor(q, yaml));
    return take_trust(&q->source, &q->trust, yaml, "parameters", text->source, text->trust);
}

static xbtab_status take_population(xbtab_population *p, const xbtab__yaml *yaml,
                                    const xbtab__population_text *text)
{
    XBTAB_TRY(copy_text(&p->name, text->name));
    XBTAB_TRY(copy_text(&p->summary, text->summary));
    XBTAB_TRY(copy_text(&p->source, text->source));
    XBTAB_TRY(copy_text(&p->path, yaml->path));
    XBTAB_TRY(copy_text(&p->text, yaml->text));
    p->temperature = 300;
    XBTAB_TRY(xbtab__yaml_quantity(&p->temperature, yaml, "temperature", text->temperature, "K", 1, 2000));
    XBTAB_TRY(xbtab__yaml_quantity(&p->G_min, yaml, "conductance.min", text->conductance.min, "S", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&p->G_max, yaml, "conductance.max", text->conductance.max, "S",
                                   fmax(p->G_min, 1e-15), 1));
    XBTAB_TRY(take_effect(&p->device_to_device, yaml, "device_to_device", text->device_to_device));
    XBTAB_TRY(take_effect(&p->cycle_to_cycle, yaml, "cycle_to_cycle", text->cycle_to_cycle));
    XBTAB_TRY(take_effect(&p->programming, yaml, "programming", text->programming));
    XBTAB_TRY(take_noise(&p->read_noise, yaml, text->read_noise));
    XBTAB_TRY(take_rtn(&p->rtn, yaml, text->rtn));
    XBTAB_TRY(take_relaxation(p, yaml, text->relaxation));
    XBTAB_TRY(take_retention(&p->retention, yaml, text->retention));
    XBTAB_TRY(take_stuck(p, yaml, text->stuck));
    XBTAB_TRY(take_endurance(&p->endurance, yaml, text->endurance));
    return take_parameters(&p->parameters, yaml, text->parameters);
}

static xbtab_status read_population(xbtab_population **out, const xbtab__yaml *yaml)
{
    void *text = NULL;
    xbtab_population *p = xbtab__alloc(1, sizeof *p);
    if (!p) return XBTAB_NOMEM();
    xbtab_status status = xbtab__yaml_load(&text, yaml, &xbtab__population_schema);
    if (status == XBTAB_OK) status = take_population(p, yaml, text);
    xbtab__yaml_free_data(text, &xbtab__population_schema);
    if (status < 0) {
        xbtab_population_destroy(&p);
        return status;
    }
    *out = p;
    return XBTAB_OK;
}

xbtab_status xbtab_population_open(xbtab_population **out, const char *path)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_read(&yaml, path));
    xbtab_status status = read_population(out, &yaml);
    xbtab__yaml_clear(&yaml);
    return status;
}

xbtab_status xbtab_population_parse(xbtab_population **out, const char *text, const char *name)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_copy(&yaml, text, name, 0));
    xbtab_status status = read_population(out, &yaml);
    xbtab__yaml_clear(&yaml);
    return status;
}
