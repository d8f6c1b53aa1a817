/* tile_gates.c - the effective matrix where inputs are gates.
 *
 * A gate switches its cell between the lines of one column. With the cells alone at the read voltage drawing
 * b_i, and Q_ik what cell k's current takes from cell i's by the wires that they share, a column's current is
 * I(x) = sum_i x_i b_i - sum_ik x_i x_k Q_ik to first order. Around half of the inputs on, the gradient of
 * that is b - Q1, which is each cell's current I_i with all gates on. The effective matrix has these shares,
 * scaled so that their sum is the sum of the b: A_i = I_i sum(b)/sum(I). What is left of the drop is then
 * -(1'Q1/(1'b)^2) y^2 up to what depends on where the inputs are: of one coefficient for tiles of any
 * conductances, and T's work. Where signs alternate, the drop goes with y times all that flows, which is no
 * function of y: there the shares are not scaled, so that it is gone with all gates on and least between.
 * What is left then is x'Q(1 - x), whose mean over all inputs of mean drive a is near a(1 - a) 1'Q1: a number
 * of each column, 1'Q1 = sum(b) - sum(I), whatever its y is. T has it as I_lost.
 * What flows with all gates off is the constant part. */
#include "tile_gates.h"

#include <math.h>
#include <stdbool.h>

#include "exact.h"
#include "memory.h"
#include "technology.h"

/* All gates at one code: the cells' currents into A[rows][columns]. */
static xbtab_status solve_all(xbtab__exact *circuit, const xbtab_tile *tile, uint8_t *code, double *I,
                              unsigned k, double *A)
{
    for (size_t i = 0; i < tile->rows; i++) code[i] = (uint8_t)k;
    XBTAB_TRY(xbtab__exact_solve(circuit, code, I));
    for (size_t i = 0; i < tile->rows; i++) {
        for (size_t j = 0; j < tile->columns; j++)
            A[i * tile->columns + j] = xbtab__exact_cell_current(circuit, i, j);
    }
    return XBTAB_OK;
}

/* What the cells of column j draw alone at code k, and in A together. */
static double sum_alone(const double *A, const xbtab_tile *tile, const xbtab_technology *technology,
                        const double *G, int k, size_t j, double *loaded)
{
    double alone = 0;
    *loaded = 0;
    for (size_t i = 0; i < tile->rows; i++) {
        double I, slope;
        xbtab__cell cell = xbtab__cell_of(&technology->cell, G[i * tile->columns + j]);
        xbtab__cell_current(&technology->cell, k, &cell, xbtab_technology_drive(technology, i, k), 0.0, &I,
                            &slope);
        alone += I;
        *loaded += A[i * tile->columns + j];
    }
    return alone;
}

static void scale_column(double *A, const xbtab_tile *tile, size_t j, double alone, double loaded)
{
    if (!(fabs(loaded) > 0)) return; /* open devices */
    for (size_t i = 0; i < tile->rows; i++) A[i * tile->columns + j] *= alone / loaded;
}

xbtab_status xbtab__tile_fill_gates(xbtab_tile *tile, const xbtab_technology *technology, const double *G)
{
    xbtab_status status;
    xbtab__exact *circuit = NULL;
    size_t n = tile->rows * tile->columns;
    bool is_signed = xbtab_array_is_signed(&technology->tables->array);
    uint8_t *code = xbtab__alloc(tile->rows, 1);
    double *I = xbtab__alloc(tile->columns, sizeof *I);
    if (!code || !I) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__exact_create(&circuit, technology, tile->rows, tile->columns));
    xbtab__exact_program(circuit, G);
    XBTAB_TRY_DONE(solve_all(circuit, tile, code, tile->A_const, 0, tile->A));
    for (size_t k = 1; k < tile->n_codes; k++) {
        double *A = tile->A + k * n;
        XBTAB_TRY_DONE(solve_all(circuit, tile, code, I, (unsigned)k, A));
        for (size_t j = 0; j < tile->columns; j++) {
            double loaded, alone = sum_alone(A, tile, technology, G, (int)k, j, &loaded);
            if (is_signed)
                tile->I_lost[j] = alone - loaded; /* the largest code's in the end */
            else
                scale_column(A, tile, j, alone, loaded);
        }
        for (size_t c = 0; c < n; c++) A[c] -= tile->A[c]; /* what it draws with its gate off is constant */
    }
    for (size_t c = 0; c < n; c++) tile->A[c] = 0;
done:
    xbtab__exact_destroy(&circuit);
    xbtab__free(code);
    xbtab__free(I);
    return status;
}
