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
#include "tile_codes.h"
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

/* The circuit whose wires are folded into a tile. */
typedef struct folding {
    const xbtab_technology *technology;
    xbtab__solver *solver;
    xbtab__cell *cell; /* cell[rows][columns] */
    double *g;         /* g[rows][columns]: the cells as conductances [S] */
    double *V_in;      /* V_in[rows] [V] */
    double *I_out;     /* I_out[columns] [A] */
} folding;

/* The cells as conductances when all inputs are at V_in. */
static xbtab_status find_operating_point(folding *f, size_t rows, size_t columns)
{
    const xbtab__cell_table *table = &f->technology->cell;
    xbtab__cells cells = {.table = table, .cell = f->cell};
    xbtab__solve_report report;
    XBTAB_TRY(xbtab__solver_run(f->solver, &cells, f->V_in, f->I_out, &report));
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            double V_bit = xbtab__solver_bit_voltage(f->solver, (int)i, (int)j), I, slope;
            double V_a = 0.5 * (f->V_in[i] + xbtab__solver_word_voltage(f->solver, (int)i, (int)j) - V_bit);
            xbtab__cell_current(table, 0, &f->cell[i * columns + j], V_a, 0.5 * V_bit, &I, &slope);
            f->g[i * columns + j] = I / V_a;
        }
    }
    return XBTAB_OK;
}

static xbtab_status solve_code(void *context, xbtab_tile *tile, size_t code)
{
    folding *f = context;
    const size_t rows = tile->rows, columns = tile->columns;
    double *A = tile->A + code * rows * columns;
    for (size_t i = 0; i < rows; i++) f->V_in[i] = xbtab_technology_drive(f->technology, i, (int)code);
    XBTAB_TRY(find_operating_point(f, rows, columns));
    XBTAB_TRY(xbtab__solver_effective(f->solver, f->g, A, tile->A_const));
    for (size_t c = 0; c < rows * columns; c++) A[c] *= f->V_in[c / columns];
    return XBTAB_OK;
}

static xbtab_status fill_matrix(xbtab_tile *tile, const xbtab_technology *technology, const double *G)
{
    xbtab_status status;
    size_t rows = tile->rows, columns = tile->columns, n = rows * columns;
    xbtab__wires wires = xbtab__technology_wires(technology, rows, columns, false);
    folding f = {.technology = technology,
                 .cell = xbtab__alloc(n, sizeof *f.cell),
                 .g = xbtab__alloc(n, sizeof *f.g),
                 .V_in = xbtab__alloc(rows, sizeof *f.V_in),
                 .I_out = xbtab__alloc(columns, sizeof *f.I_out)};
    const xbtab__code_solver solver = {solve_code, &f, technology->tables->I_full_scale, NULL};
    if (!f.cell || !f.g || !f.V_in || !f.I_out) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__solver_create(&f.solver, &wires));
    for (size_t c = 0; c < n; c++) f.cell[c] = xbtab__cell_of(&technology->cell, G[c]);
    status = xbtab__tile_fill_codes(tile, &solver);
done:
    xbtab__solver_destroy(&f.solver);
    xbtab__free(f.cell);
    xbtab__free(f.g);
    xbtab__free(f.V_in);
    xbtab__free(f.I_out);
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
