/* tile.c - from conductances to the effective matrix, where inputs are voltages of lines; tile_gates.c is for
 * inputs that are gates.
 *
 * Each cell is taken as the conductance it has halfway between an unloaded line and a fully driven tile: the
 * tile is solved exactly with every input at the code's voltage V, and a cell that sees V_ij there becomes
 * g_ij = I(V_a)/V_a with V_a = (V + V_ij)/2. What is left of the nonlinearity is small and smooth, and the
 * transfer correction's work. */
#include <xbartab/tile.h>

#include <math.h>
#include <string.h>

#include "circuit.h"
#include "memory.h"
#include "technology.h"
#include "tile_gates.h"

/* Beyond its states the table's curves keep the nearest state's shape (cell_table.h). */
static xbtab_status check_conductances(const xbtab_technology *t, const double *G, size_t rows,
                                       size_t columns)
{
    double most = XBTAB_TILE_MOST_SHARE * t->cell.G_state[t->cell.n_states - 1];
    for (size_t c = 0; c < rows * columns; c++) {
        if (!(G[c] >= 0 && G[c] <= most)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "cell (%zu, %zu): %g S is outside 0 to %g S, %g times the table's largest",
                       c / columns, c % columns, G[c], most, XBTAB_TILE_MOST_SHARE);
        }
    }
    return XBTAB_OK;
}

/* g[rows][columns]: the cells as conductances when all inputs are at a code. */
static xbtab_status find_operating_point(const xbtab_technology *t, xbtab__solver *solver,
                                         const xbtab__cell *cell, double *V_in, double *I_out, size_t rows,
                                         size_t columns, int code, double *g)
{
    xbtab__cells cells = {.table = &t->cell, .cell = cell};
    xbtab__solve_report report;
    for (size_t i = 0; i < rows; i++) V_in[i] = xbtab_technology_drive(t, i, code);
    XBTAB_TRY(xbtab__solver_run(solver, &cells, V_in, I_out, &report));
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            double V_bit = xbtab__solver_bit_voltage(solver, (int)i, (int)j), I, slope;
            double V_a = 0.5 * (V_in[i] + xbtab__solver_word_voltage(solver, (int)i, (int)j) - V_bit);
            xbtab__cell_current(&t->cell, 0, &cell[i * columns + j], V_a, 0.5 * V_bit, &I, &slope);
            g[i * columns + j] = I / V_a;
        }
    }
    return XBTAB_OK;
}

static xbtab_status fill_matrix(xbtab_tile *tile, const xbtab_technology *technology, const double *G)
{
    xbtab_status status;
    xbtab__solver *solver = NULL;
    size_t rows = tile->rows, columns = tile->columns, n = rows * columns;
    xbtab__wires wires = xbtab__technology_wires(technology, rows, columns, false);
    xbtab__cell *cell = xbtab__alloc(n, sizeof *cell);
    double *g = xbtab__alloc(n, sizeof *g);
    double *V_in = xbtab__alloc(rows, sizeof *V_in), *I_out = xbtab__alloc(columns, sizeof *I_out);
    if (!cell || !g || !V_in || !I_out) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__solver_create(&solver, &wires));
    for (size_t c = 0; c < n; c++) cell[c] = xbtab__cell_of(&technology->cell, G[c]);
    for (size_t k = 1; k < tile->n_codes; k++) {
        double *A = tile->A + k * n;
        XBTAB_TRY_DONE(find_operating_point(technology, solver, cell, V_in, I_out, rows, columns, (int)k, g));
        XBTAB_TRY_DONE(xbtab__solver_effective(solver, g, A, tile->A_const));
        for (size_t c = 0; c < n; c++) A[c] *= V_in[c / columns];
    }
done:
    xbtab__solver_destroy(&solver);
    xbtab__free(cell);
    xbtab__free(g);
    xbtab__free(V_in);
    xbtab__free(I_out);
    return status;
}

xbtab_status xbtab_tile_create(xbtab_tile **out, const xbtab_technology *technology, const double *G,
                               size_t rows, size_t columns)
{
    const xbtab_tables *tables = technology->tables;
    xbtab_status status;
    size_t n = rows * columns;
    if (rows < 1 || rows > tables->rows || columns < 1 || columns > tables->columns) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a tile of %zu x %zu does not fit the tables' %zu x %zu", rows, columns,
                   tables->rows, tables->columns);
    }
    XBTAB_TRY(check_conductances(technology, G, rows, columns));
    xbtab_tile *tile = xbtab__alloc(1, sizeof *tile);
    if (!tile) return XBTAB_NOMEM();
    *tile = (xbtab_tile){.rows = rows, .columns = columns, .n_codes = (size_t)1 << tables->dac_bits};
    tile->A = xbtab__alloc(tile->n_codes * n, sizeof *tile->A);
    tile->A_const = xbtab__alloc(columns, sizeof *tile->A_const);
    tile->I_lost = xbtab__alloc(columns, sizeof *tile->I_lost);
    if (!tile->A || !tile->A_const || !tile->I_lost) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab_array_has_gates(&tables->array) ? xbtab__tile_fill_gates(tile, technology, G)
                                                         : fill_matrix(tile, technology, G));
    *out = tile;
    tile = NULL;
done:
    xbtab_tile_destroy(&tile);
    return status;
}

void xbtab_tile_destroy(xbtab_tile **tile)
{
    if (!tile || !*tile) return;
    xbtab__free((*tile)->A);
    xbtab__free((*tile)->A_const);
    xbtab__free((*tile)->I_lost);
    xbtab__free(*tile);
    *tile = NULL;
}

void xbtab_tile_product(const xbtab_tile *tile, const uint8_t *code, double *y)
{
    memcpy(y, tile->A_const, tile->columns * sizeof *y);
    for (size_t i = 0; i < tile->rows; i++) {
        if (code[i] == 0) continue;
        const double *a = tile->A + (code[i] * tile->rows + i) * tile->columns;
        for (size_t j = 0; j < tile->columns; j++) y[j] += a[j];
    }
}
