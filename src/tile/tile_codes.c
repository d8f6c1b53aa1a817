/* tile_codes.c - an effective matrix of many DAC codes, solved at some of them.
 *
 * A word line's current is a smooth function of its code, which an 8-bit DAC asks for at 255 places. Each of
 * them would cost an operating point and a solution of the wires for every word line. */
#include "tile_codes.h"

#include <math.h>
#include <stdbool.h>

#include "memory.h"

enum { ALL_SOLVED = 16, POINTS = 5, LEAST_WIDTH = 8 };

/* Of the full scale, between a parabola and a solution. The quartic that is used is an order better or more.
 */
static const double good = 1e-4;

typedef struct filling {
    xbtab_tile *tile;
    const xbtab__code_solver *solver;
    bool *is_solved; /* is_solved[n_codes] */
} filling;

static double abscissa(const filling *f, size_t code)
{
    return f->solver->V_gate ? f->solver->V_gate[code] : (double)code;
}

/* Weights of the polynomial through the solutions at n codes, at another one. */
static void lagrange(const filling *f, const size_t *at, size_t n, size_t code, double *weight)
{
    for (size_t k = 0; k < n; k++) {
        weight[k] = 1;
        for (size_t m = 0; m < n; m++) {
            if (m == k) continue;
            double x_m = abscissa(f, at[m]);
            weight[k] *= (abscissa(f, code) - x_m) / (abscissa(f, at[k]) - x_m);
        }
    }
}

static xbtab_status solve(filling *f, size_t code)
{
    if (f->is_solved[code]) return XBTAB_OK;
    f->is_solved[code] = true;
    return f->solver->solve(f->solver->context, f->tile, code);
}

/* How far a bit line's sum is from that of the parabola at most, at a code that is solved [A]. */
static double miss(const filling *f, const size_t *at, size_t code)
{
    const size_t rows = f->tile->rows, columns = f->tile->columns, n = rows * columns;
    const double *A = f->tile->A;
    double weight[3], most = 0;
    lagrange(f, at, 3, code, weight);
    for (size_t j = 0; j < columns; j++) {
        double sum = 0;
        for (size_t c = j; c < n; c += columns) {
            double guess =
                weight[0] * A[at[0] * n + c] + weight[1] * A[at[1] * n + c] + weight[2] * A[at[2] * n + c];
            sum += fabs(guess - A[code * n + c]);
        }
        most = fmax(most, sum);
    }
    return most;
}

static void interpolate(const filling *f, const size_t *at, size_t code)
{
    const size_t n = f->tile->rows * f->tile->columns;
    double weight[POINTS], *A = f->tile->A + code * n;
    lagrange(f, at, POINTS, code, weight);
    for (size_t c = 0; c < n; c++) A[c] = 0;
    for (size_t k = 0; k < POINTS; k++) {
        const double *from = f->tile->A + at[k] * n;
        for (size_t c = 0; c < n; c++) A[c] += weight[k] * from[c];
    }
}

/* The codes from first to end, both included. */
static xbtab_status fill(filling *f, size_t first, size_t end)
{
    const size_t width = end - first;
    const size_t parabola[3] = {first, first + width / 2, end};
    const size_t at[POINTS] = {first, first + width / 4, parabola[1], first + 3 * width / 4, end};
    if (width < LEAST_WIDTH) {
        for (size_t k = first; k <= end; k++) XBTAB_TRY(solve(f, k));
        return XBTAB_OK;
    }
    for (size_t k = 0; k < POINTS; k++) XBTAB_TRY(solve(f, at[k]));
    if (fmax(miss(f, parabola, at[1]), miss(f, parabola, at[3])) > good * f->solver->I_full_scale) {
        XBTAB_TRY(fill(f, first, parabola[1]));
        return fill(f, parabola[1], end);
    }
    for (size_t k = first; k <= end; k++) {
        if (!f->is_solved[k]) interpolate(f, at, k);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__tile_fill_codes(xbtab_tile *tile, const xbtab__code_solver *solver)
{
    filling f = {.tile = tile, .solver = solver};
    const size_t last = tile->n_codes - 1;
    xbtab_status status;
    if (tile->n_codes <= ALL_SOLVED) {
        for (size_t k = 1; k <= last; k++) XBTAB_TRY(solver->solve(solver->context, tile, k));
        return XBTAB_OK;
    }
    f.is_solved = xbtab__alloc(tile->n_codes, sizeof *f.is_solved);
    if (!f.is_solved) return XBTAB_NOMEM();
    status = fill(&f, 1, last);
    xbtab__free(f.is_solved);
    return status;
}
