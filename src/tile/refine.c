/* refine.c - per-column corrections from exact solutions. */
#include "refine.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_linalg.h>

#include "exact.h"
#include "memory.h"
#include "random.h"
#include "technology.h"

enum { TERMS = 5, UNSEEN = 4 };

/* Shares of the transfer table's full scale below which T is left alone: a fortieth of an 8-bit ADC's step
 * RMSE, a tenth at most. */
static const double good_rmse = 1e-4, good_most = 4e-4;

/* Of each term's own sum of squares. */
static const double ridge = 1e-5;

typedef struct trial {
    const xbtab_technology *technology;
    const xbtab_tile *tile;
    size_t rows, columns;  /* in use */
    xbtab__exact *circuit; /* programmed */
    uint8_t *code;         /* code[tile->rows] */
    double *y, *I;         /* [tile->columns] */
    double a;
} trial;

/* Inputs of the k-th vector: a share of the word lines, each at any code; where it is 1, all fully driven. */
static void draw(trial *t, double share, uint32_t k)
{
    const xbtab_tables *tables = t->technology->tables;
    uint32_t largest = (1u << tables->dac_bits) - 1;
    size_t sum = 0;
    bool pairs = xbtab_array_is_signed(&tables->array) && k % 2;
    xbtab__random random;
    xbtab__random_init(&random, tables->seed, XBTAB__RANDOM_REFINE, k, 0);
    for (size_t i = 0; i < t->rows; i++) {
        bool driven = xbtab__random_uniform(&random) < share;
        uint32_t some = 1 + xbtab__random_below(&random, largest);
        t->code[i] = (uint8_t)(share >= 1 ? largest : driven ? some : 0);
        if (pairs && i % 2) t->code[i] = t->code[i - 1]; /* one input drives both */
        sum += t->code[i];
    }
    t->a = (double)sum / ((double)t->tile->rows * largest);
}

static xbtab_status solve(trial *t)
{
    xbtab_tile_product(t->tile, t->code, t->y);
    return xbtab__exact_solve(t->circuit, t->code, t->I);
}

static double place_of(const trial *t, size_t j)
{
    return t->tile->columns > 1 ? (double)j / (double)(t->tile->columns - 1) : 0.0;
}

static void terms_of(double u, double a, double *x)
{
    x[0] = u;
    x[1] = u * a;
    x[2] = u * u;
    x[3] = u * a * a;
    x[4] = u * u * a;
}

double xbtab__refined_current(const xbtab__refinement *r, const xbtab_technology *technology, double y,
                              double a, size_t j, double place)
{
    double x[TERMS], I_fs = technology->tables->I_full_scale, sum = 0;
    terms_of(y / I_fs, a, x);
    for (int m = 0; m < TERMS; m++) sum += r->c[j * TERMS + (size_t)m] * x[m];
    return xbtab_technology_transfer(technology, y, a, place, r->I_lost[j]) + I_fs * sum;
}

/* The refinement's error on vectors of its own, the same ones each time. */
static xbtab_status measure(xbtab__refinement *r, trial *t)
{
    r->squares = r->most = 0;
    r->samples = 0;
    for (uint32_t k = 0; k < UNSEEN; k++) {
        draw(t, (k + 0.5) / UNSEEN, k);
        XBTAB_TRY(solve(t));
        for (size_t j = 0; j < t->columns; j++) {
            double error =
                xbtab__refined_current(r, t->technology, t->y[j], t->a, j, place_of(t, j)) - t->I[j];
            r->squares += error * error;
            r->most = fmax(r->most, fabs(error));
            r->samples++;
        }
    }
    return XBTAB_OK;
}

static bool is_good(const xbtab__refinement *r, const xbtab_tables *tables)
{
    double full_scale = tables->transfer.error.full_scale;
    return sqrt(r->squares / (double)r->samples) <= good_rmse * full_scale &&
           r->most <= good_most * full_scale;
}

/* Normal equations of every bit line: H[columns][TERMS][TERMS], b[columns][TERMS]. */
static xbtab_status collect(trial *t, int solves, double *H, double *b)
{
    double I_fs = t->technology->tables->I_full_scale;
    for (int k = 0; k < solves; k++) {
        draw(t, (k + 1.0) / solves, UNSEEN + (uint32_t)k);
        XBTAB_TRY(solve(t));
        for (size_t j = 0; j < t->columns; j++) {
            double x[TERMS];
            double off = (t->I[j] - xbtab_technology_transfer(t->technology, t->y[j], t->a, place_of(t, j),
                                                              t->tile->I_lost[j])) /
                         I_fs;
            terms_of(t->y[j] / I_fs, t->a, x);
            for (int m = 0; m < TERMS; m++) {
                for (int n = 0; n < TERMS; n++) H[(j * TERMS + (size_t)m) * TERMS + (size_t)n] += x[m] * x[n];
                b[j * TERMS + (size_t)m] += x[m] * off;
            }
        }
    }
    return XBTAB_OK;
}

static xbtab_status fit(xbtab__refinement *r, trial *t, int solves)
{
    xbtab_status status;
    double *H = xbtab__alloc(t->columns * TERMS * TERMS, sizeof *H);
    double *b = xbtab__alloc(t->columns * TERMS, sizeof *b);
    if (!H || !b) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(collect(t, solves, H, b));
    for (size_t j = 0; j < t->columns; j++) {
        gsl_matrix_view matrix = gsl_matrix_view_array(H + j * TERMS * TERMS, TERMS, TERMS);
        gsl_vector_view right = gsl_vector_view_array(b + j * TERMS, TERMS);
        gsl_vector_view c = gsl_vector_view_array(r->c + j * TERMS, TERMS);
        for (size_t m = 0; m < TERMS; m++) {
            double *d = gsl_matrix_ptr(&matrix.matrix, m, m);
            *d += ridge * *d + 1e-15;
        }
        if (gsl_linalg_cholesky_decomp1(&matrix.matrix) ||
            gsl_linalg_cholesky_solve(&matrix.matrix, &right.vector, &c.vector)) {
            XBTAB_FAIL_DONE(XBTAB_ERR_SOLVE, "bit line %zu: the refinement's normal equations are singular",
                            j);
        }
    }
    r->is_refined = true;
done:
    xbtab__free(H);
    xbtab__free(b);
    return status;
}

static void trial_clear(trial *t)
{
    xbtab__exact_destroy(&t->circuit);
    xbtab__free(t->code);
    xbtab__free(t->y);
    xbtab__free(t->I);
}

xbtab_status xbtab__refine(xbtab__refinement *out, const xbtab_technology *technology, const xbtab_tile *tile,
                           const double *G, size_t rows, size_t columns, int solves)
{
    xbtab_status status;
    trial t = {.technology = technology, .tile = tile, .rows = rows, .columns = columns};
    xbtab__refinement r = {.columns = columns};
    r.c = xbtab__alloc(columns * TERMS, sizeof *r.c);
    r.I_lost = xbtab__alloc(columns, sizeof *r.I_lost);
    t.code = xbtab__alloc(tile->rows, 1);
    t.y = xbtab__alloc(tile->columns, sizeof *t.y);
    t.I = xbtab__alloc(tile->columns, sizeof *t.I);
    if (!r.c || !r.I_lost || !t.code || !t.y || !t.I) {
        status = XBTAB_NOMEM();
        goto done;
    }
    memcpy(r.I_lost, tile->I_lost, columns * sizeof *r.I_lost);
    XBTAB_TRY_DONE(xbtab__exact_create(&t.circuit, technology, tile->rows, tile->columns));
    xbtab__exact_program(t.circuit, G);
    XBTAB_TRY_DONE(measure(&r, &t));
    if (solves > 0 && !is_good(&r, technology->tables)) {
        double before = r.squares;
        XBTAB_TRY_DONE(fit(&r, &t, solves));
        XBTAB_TRY_DONE(measure(&r, &t));
        if (r.squares > before) { /* T alone is better on what neither has seen */
            memset(r.c, 0, columns * TERMS * sizeof *r.c);
            r.is_refined = false;
            XBTAB_TRY_DONE(measure(&r, &t));
        }
    }
    *out = r;
    r = (xbtab__refinement){0};
done:
    xbtab__refinement_clear(&r);
    trial_clear(&t);
    return status;
}

void xbtab__refinement_clear(xbtab__refinement *refinement)
{
    xbtab__free(refinement->c);
    xbtab__free(refinement->I_lost);
    *refinement = (xbtab__refinement){0};
}
