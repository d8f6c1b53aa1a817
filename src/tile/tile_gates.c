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
#include <string.h>

#include "exact.h"
#include "memory.h"
#include "technology.h"
#include "tile_codes.h"

typedef struct gates {
    const xbtab_technology *technology;
    const double *G;
    xbtab__exact *circuit;
    uint8_t *code; /* code[rows] */
    double *I;     /* I[columns] [A] */
} gates;

/* All gates at one code: the cells' currents into A[k][rows][columns]. */
static xbtab_status solve_all(gates *g, xbtab_tile *tile, size_t k, double *I)
{
    double *A = tile->A + k * tile->rows * tile->columns;
    for (size_t i = 0; i < tile->rows; i++) g->code[i] = (uint8_t)k;
    XBTAB_TRY(xbtab__exact_solve(g->circuit, g->code, I));
    for (size_t i = 0; i < tile->rows; i++) {
        for (size_t j = 0; j < tile->columns; j++)
            A[i * tile->columns + j] = xbtab__exact_cell_current(g->circuit, i, j);
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

static xbtab_status solve_code(void *context, xbtab_tile *tile, size_t k)
{
    gates *g = context;
    const size_t n = tile->rows * tile->columns;
    double *A = tile->A + k * n;
    XBTAB_TRY(solve_all(g, tile, k, g->I));
    for (size_t j = 0; j < tile->columns; j++) {
        double loaded, alone = sum_alone(A, tile, g->technology, g->G, (int)k, j, &loaded);
        if (!xbtab_array_is_signed(&g->technology->tables->array))
            scale_column(A, tile, j, alone, loaded);
        else if (k == tile->n_codes - 1)
            tile->I_lost[j] = alone - loaded;
    }
    for (size_t c = 0; c < n; c++) A[c] -= tile->A[c]; /* what it draws with its gate off is constant */
    return XBTAB_OK;
}

xbtab_status xbtab__tile_fill_gates(xbtab_tile *tile, const xbtab_technology *technology, const double *G)
{
    xbtab_status status;
    const xbtab_tables *tables = technology->tables;
    gates g = {.technology = technology,
               .G = G,
               .code = xbtab__alloc(tile->rows, 1),
               .I = xbtab__alloc(tile->columns, sizeof *g.I)};
    const xbtab__code_solver solver = {solve_code, &g, tables->I_full_scale, tables->cell.V_gate};
    if (!g.code || !g.I) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__exact_create(&g.circuit, technology, tile->rows, tile->columns));
    xbtab__exact_program(g.circuit, G);
    XBTAB_TRY_DONE(solve_all(&g, tile, 0, tile->A_const));
    XBTAB_TRY_DONE(xbtab__tile_fill_codes(tile, &solver));
    memset(tile->A, 0, tile->rows * tile->columns * sizeof *tile->A);
done:
    xbtab__exact_destroy(&g.circuit);
    xbtab__free(g.code);
    xbtab__free(g.I);
    return status;
}
