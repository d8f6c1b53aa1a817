/* fit_transfer.c - the transfer correction by linear least squares (GSL) and the read energy's scale, from
 * whole sample tiles, with their errors on the held-out ones. */
#include "fit_transfer.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>

#include "error_sum.h"
#include "memory.h"
#include "technology.h"
#include "tile_power.h"

/* Powers of y, a and p in T. The first is the effective matrix's own current; those with a say how much more
 * of the wires' drop other inputs cause, those with p how that differs along the word line. */
static const int32_t terms[][3] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {1, 1, 0}, {2, 1, 0}, {1, 2, 0},
                                   {1, 0, 1}, {2, 0, 1}, {1, 1, 1}, {1, 0, 2}, {1, 1, 2}, {1, 2, 1}};

enum { N_TERMS = sizeof terms / sizeof terms[0], N_LOST = 2, N_ALL = N_TERMS + N_LOST };

/* One good vector of a sample tile: its currents through the effective matrix, and what SPICE found. */
typedef struct sample {
    const double *y, *I, *ideal, *I_lost;
    double a;          /* mean drive */
    double P, P_model; /* power [W] */
    bool is_heldout;
} sample;

typedef struct samples {
    sample *s;
    size_t n, n_fit;
    double *y, *ideal; /* [n_tiles * n_vectors][columns] */
    double *I_lost;    /* [n_tiles][columns] */
    double I_most;     /* largest current */
    long failed;       /* vectors */
} samples;

void xbtab__sample_conductances(const xbtab_tables *t, size_t tile, double *G)
{
    size_t n = t->rows * t->columns, first = tile * n;
    for (size_t c = 0; c < n; c++)
        G[c] = t->samples.G ? t->samples.G[first + c] : t->G_level[t->samples.level[first + c]];
}

static double mean_drive(const uint8_t *code, size_t rows, int dac_bits)
{
    long sum = 0;
    for (size_t i = 0; i < rows; i++) sum += code[i];
    return (double)sum / (double)rows / ((1 << dac_bits) - 1);
}

/* The ideal product: every cell at its own conductance and the full input voltage. */
static void ideal_product(const xbtab_tables *t, const double *G, const uint8_t *code, double *I)
{
    double V_step = t->v_read / ((1 << t->dac_bits) - 1);
    memset(I, 0, t->columns * sizeof *I);
    for (size_t i = 0; i < t->rows; i++) {
        int sign = xbtab_array_sign(&t->array, (long)i);
        for (size_t j = 0; j < t->columns; j++) I[j] += sign * code[i] * V_step * G[i * t->columns + j];
    }
}

static xbtab_status prepare_tile(samples *all, const xbtab_tables *t, const xbtab_technology *technology,
                                 size_t tile)
{
    const xbtab_sample_data *d = &t->samples;
    xbtab_tile *programmed = NULL;
    double *G = xbtab__alloc(t->rows * t->columns, sizeof *G);
    if (!G) return XBTAB_NOMEM();
    xbtab__sample_conductances(t, tile, G);
    xbtab_status status = xbtab_tile_create(&programmed, technology, G, t->rows, t->columns);
    if (status < 0) goto done;
    memcpy(all->I_lost + tile * t->columns, programmed->I_lost, t->columns * sizeof *all->I_lost);
    for (size_t v = 0; v < d->n_vectors; v++) {
        size_t at = tile * d->n_vectors + v;
        const uint8_t *code = d->code + at * t->rows;
        if (d->status[at] != XBTAB_SAMPLE_OK) {
            all->failed++;
            continue;
        }
        sample *s = &all->s[all->n++];
        double *y = all->y + at * t->columns, *ideal = all->ideal + at * t->columns;
        xbtab_tile_product(programmed, code, y);
        ideal_product(t, G, code, ideal);
        *s = (sample){.y = y,
                      .ideal = ideal,
                      .I_lost = all->I_lost + tile * t->columns,
                      .I = d->I_out + at * t->columns,
                      .a = mean_drive(code, t->rows, t->dac_bits),
                      .P = d->P[at],
                      .P_model = xbtab__effective_power(programmed, technology, code),
                      .is_heldout = d->is_heldout[tile] != 0};
        if (!s->is_heldout) all->n_fit++;
        for (size_t j = 0; j < t->columns; j++) all->I_most = fmax(all->I_most, fabs(s->I[j]));
    }
done:
    xbtab_tile_destroy(&programmed);
    xbtab__free(G);
    return status;
}

static double place_of(size_t j, size_t columns)
{
    return columns > 1 ? (double)j / (double)(columns - 1) : 0.0;
}

/* Whether the tiles have an I_lost. */
static bool loses(const xbtab_tables *t)
{
    return xbtab_array_has_gates(&t->array) && xbtab_array_is_signed(&t->array);
}

/* Least squares through the normal equations' better-behaved cousin: GSL's SVD of the whole design matrix. */
static xbtab_status fit_terms(xbtab_tables *t, const samples *all)
{
    xbtab_status status = XBTAB_OK;
    size_t n_rows = all->n_fit * t->columns, n_terms = loses(t) ? N_ALL : N_TERMS, row = 0;
    if (n_rows < n_terms) {
        XBTAB_FAIL(XBTAB_ERR_SPICE, "only %zu good samples for the transfer table; it needs %zu at least",
                   n_rows, n_terms);
    }
    gsl_matrix *X = gsl_matrix_alloc(n_rows, n_terms), *covariance = gsl_matrix_alloc(n_terms, n_terms);
    gsl_vector *b = gsl_vector_alloc(n_rows), *c = gsl_vector_alloc(n_terms);
    gsl_multifit_linear_workspace *workspace = gsl_multifit_linear_alloc(n_rows, n_terms);
    double chisq;
    if (!X || !covariance || !b || !c || !workspace) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t s = 0; s < all->n; s++) {
        if (all->s[s].is_heldout) continue;
        for (size_t j = 0; j < t->columns; j++, row++) {
            double u = all->s[s].y[j] / t->I_full_scale, p = place_of(j, t->columns);
            t->transfer.y_max = fmax(t->transfer.y_max, fabs(u));
            for (int k = 0; k < N_TERMS; k++) {
                gsl_matrix_set(X, row, (size_t)k,
                               xbtab__power(u, terms[k][0]) * xbtab__power(all->s[s].a, terms[k][1]) *
                                   xbtab__power(p, terms[k][2]));
            }
            for (size_t k = N_TERMS; k < n_terms; k++) {
                gsl_matrix_set(X, row, k,
                               all->s[s].I_lost[j] / t->I_full_scale *
                                   xbtab__power(all->s[s].a, (int)(k - N_TERMS) + 1));
            }
            gsl_vector_set(b, row, all->s[s].I[j] / t->I_full_scale);
        }
    }
    if (gsl_multifit_linear(X, b, c, covariance, &chisq, workspace) != GSL_SUCCESS) {
        XBTAB_FAIL_DONE(XBTAB_ERR_SOLVE, "the transfer table's least squares failed");
    }
    for (size_t k = 0; k < N_TERMS; k++) t->transfer.coefficient[k] = gsl_vector_get(c, k);
    for (size_t k = N_TERMS; k < n_terms; k++) t->transfer.lost[k - N_TERMS] = gsl_vector_get(c, k);
done:
    gsl_matrix_free(X);
    gsl_matrix_free(covariance);
    gsl_vector_free(b);
    gsl_vector_free(c);
    gsl_multifit_linear_free(workspace);
    return status;
}

/* Upper ends of the ranges of mean drive that the held-out error is told for. */
static const double drives[] = {1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2, 1.0};

enum { N_DRIVES = sizeof drives / sizeof drives[0] };

static void measure_errors(xbtab_tables *t, const xbtab_technology *technology, const samples *all)
{
    xbtab__error_sum table = {0}, ideal = {0}, geff = {0}, by_drive[N_DRIVES] = {{0}};
    for (size_t s = 0; s < all->n; s++) {
        const sample *x = &all->s[s];
        if (!x->is_heldout) continue;
        size_t d = 0;
        while (x->a > drives[d]) d++;
        for (size_t j = 0; j < t->columns; j++) {
            double I =
                xbtab_technology_transfer(technology, x->y[j], x->a, place_of(j, t->columns), x->I_lost[j]);
            xbtab__add_error(&table, I - x->I[j]);
            xbtab__add_error(&by_drive[d], I - x->I[j]);
            xbtab__add_error(&ideal, x->ideal[j] - x->I[j]);
            xbtab__add_error(&geff, x->y[j] - x->I[j]);
        }
    }
    t->transfer.error = xbtab__finish_error(&table, all->I_most, all->failed);
    t->transfer.error_ideal = xbtab__finish_error(&ideal, all->I_most, all->failed);
    t->transfer.error_geff = xbtab__finish_error(&geff, all->I_most, all->failed);
    for (size_t d = 0; d < N_DRIVES; d++) {
        t->transfer.a_drive[d] = drives[d];
        t->transfer.rmse_drive[d] = xbtab__finish_error(&by_drive[d], all->I_most, 0).rmse;
    }
}

static void measure_energy(xbtab_tables *t, const samples *all)
{
    double most = 0;
    xbtab__error_sum sum = {0};
    for (size_t s = 0; s < all->n; s++) most = fmax(most, all->s[s].P);
    for (size_t s = 0; s < all->n; s++) {
        if (all->s[s].is_heldout) {
            xbtab__add_error(&sum, (t->energy.scale * all->s[s].P_model - all->s[s].P) * t->energy.read_time);
        }
    }
    t->energy.error = xbtab__finish_error(&sum, most * t->energy.read_time, all->failed);
}

/* One factor between the power through the effective matrix and SPICE's, by least squares. */
static void fit_energy(xbtab_tables *t, const samples *all)
{
    double xy = 0, xx = 0;
    for (size_t s = 0; s < all->n; s++) {
        if (all->s[s].is_heldout) continue;
        xy += all->s[s].P * all->s[s].P_model;
        xx += all->s[s].P_model * all->s[s].P_model;
    }
    t->energy.scale = xx > 0 ? xy / xx : 1.0;
    measure_energy(t, all);
}

static void samples_clear(samples *all)
{
    xbtab__free(all->s);
    xbtab__free(all->y);
    xbtab__free(all->ideal);
    xbtab__free(all->I_lost);
}

static xbtab_status samples_init(samples *all, const xbtab_tables *t)
{
    size_t n_vectors = t->samples.n_tiles * t->samples.n_vectors;
    *all = (samples){.s = xbtab__alloc(n_vectors, sizeof *all->s),
                     .y = xbtab__alloc(n_vectors * t->columns, sizeof *all->y),
                     .ideal = xbtab__alloc(n_vectors * t->columns, sizeof *all->ideal),
                     .I_lost = xbtab__alloc(t->samples.n_tiles * t->columns, sizeof *all->I_lost)};
    return all->s && all->y && all->ideal && all->I_lost ? XBTAB_OK : XBTAB_NOMEM();
}

xbtab_status xbtab__fit_transfer(xbtab_tables *t)
{
    xbtab_status status;
    xbtab_technology *technology = NULL;
    samples all = {0};
    t->transfer.n_terms = N_TERMS;
    t->transfer.power = xbtab__alloc(N_TERMS, sizeof terms[0]);
    t->transfer.coefficient = xbtab__alloc(N_TERMS, sizeof *t->transfer.coefficient);
    t->transfer.n_drives = N_DRIVES;
    t->transfer.a_drive = xbtab__alloc(N_DRIVES, sizeof *t->transfer.a_drive);
    t->transfer.rmse_drive = xbtab__alloc(N_DRIVES, sizeof *t->transfer.rmse_drive);
    if (!t->transfer.power || !t->transfer.coefficient || !t->transfer.a_drive || !t->transfer.rmse_drive) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(samples_init(&all, t));
    memcpy(t->transfer.power, terms, sizeof terms);
    XBTAB_TRY_DONE(xbtab_technology_create(&technology, t));
    for (size_t tile = 0; tile < t->samples.n_tiles; tile++) {
        XBTAB_TRY_DONE(prepare_tile(&all, t, technology, tile));
    }
    XBTAB_TRY_DONE(fit_terms(t, &all));
    measure_errors(t, technology, &all);
    if (t->transfer.error.samples == 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_SPICE,
                        "every held-out sample failed; the transfer table's error cannot be told");
    }
    fit_energy(t, &all);
done:
    xbtab_technology_destroy(&technology);
    samples_clear(&all);
    return status;
}

/* ---- what tables announce, from their samples again ---- */

/* Between versions and processors the solution of a tile's wires differs by rounding, which is 1e-10 of an
 * error as small as 1e-6 of full scale. */
static bool is_near(double announced, double found)
{
    return fabs(announced - found) <= 1e-6 * fabs(found) + 1e-12;
}

static xbtab_status compare(const xbtab_tables *announced, const xbtab_tables *found)
{
    const struct {
        const char *name;
        double announced, found;
    } figures[] = {
        {"/transfer heldout_rmse_fs", announced->transfer.error.rmse, found->transfer.error.rmse},
        {"/transfer heldout_max_fs", announced->transfer.error.max, found->transfer.error.max},
        {"/transfer heldout_effective_rmse_fs", announced->transfer.error_geff.rmse,
         found->transfer.error_geff.rmse},
        {"/transfer heldout_effective_max_fs", announced->transfer.error_geff.max,
         found->transfer.error_geff.max},
        {"/energy heldout_rmse_fs", announced->energy.error.rmse, found->energy.error.rmse},
        {"/energy heldout_max_fs", announced->energy.error.max, found->energy.error.max},
    };
    for (size_t k = 0; k < sizeof figures / sizeof figures[0]; k++) {
        if (is_near(figures[k].announced, figures[k].found)) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s = %.9g, but /samples give %.9g", figures[k].name,
                   figures[k].announced, figures[k].found);
    }
    return XBTAB_OK;
}

xbtab_status xbtab_tables_verify(const xbtab_tables *tables)
{
    xbtab_status status;
    xbtab_technology *technology = NULL;
    double a_drive[N_DRIVES], rmse_drive[N_DRIVES];
    samples all = {0};
    xbtab_tables found = *tables;
    found.transfer.a_drive = a_drive;
    found.transfer.rmse_drive = rmse_drive;
    XBTAB_TRY_DONE(samples_init(&all, tables));
    XBTAB_TRY_DONE(xbtab_technology_create(&technology, tables));
    for (size_t tile = 0; tile < tables->samples.n_tiles; tile++) {
        if (tables->samples.is_heldout[tile]) XBTAB_TRY_DONE(prepare_tile(&all, tables, technology, tile));
    }
    /* of all samples, the fit's too; xbtab_tables_open() has checked it */
    all.I_most = tables->transfer.error.full_scale;
    measure_errors(&found, technology, &all);
    measure_energy(&found, &all);
    double scale = found.energy.error.full_scale / tables->energy.error.full_scale;
    found.energy.error.rmse *= scale;
    found.energy.error.max *= scale;
    status = compare(tables, &found);
done:
    xbtab_technology_destroy(&technology);
    samples_clear(&all);
    return status;
}
