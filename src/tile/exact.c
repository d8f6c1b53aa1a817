/* exact.c - a tile's circuit, its cells and its inputs, ready to be solved. */
#include "exact.h"

#include <string.h>

#include "each.h"
#include "memory.h"
#include "technology.h"

struct xbtab__exact {
    const xbtab_technology *technology;
    size_t rows, columns;
    xbtab__solver *solver;
    xbtab__cell *cell; /* cell[rows][columns] */
    double *V;         /* of the driven lines */
    double *V_row;     /* V_row[rows]: of the line that each row's cells hang on, for the last vector */
};

xbtab_status xbtab__exact_create(xbtab__exact **out, const xbtab_technology *technology, size_t rows,
                                 size_t columns)
{
    xbtab__wires wires = xbtab__technology_wires(technology, rows, columns, true);
    xbtab__exact *e = xbtab__alloc(1, sizeof *e);
    if (!e) return XBTAB_NOMEM();
    *e = (xbtab__exact){.technology = technology, .rows = rows, .columns = columns};
    e->cell = xbtab__alloc(rows * columns, sizeof *e->cell);
    e->V = xbtab__alloc(xbtab__wires_inputs(&wires), sizeof *e->V);
    e->V_row = xbtab__alloc(rows, sizeof *e->V_row);
    xbtab_status status =
        e->cell && e->V && e->V_row ? xbtab__solver_create(&e->solver, &wires) : XBTAB_NOMEM();
    if (status < 0) {
        xbtab__exact_destroy(&e);
        return status;
    }
    for (size_t c = 0; c < rows * columns; c++) e->cell[c].state = -1;
    for (size_t k = 0; k < xbtab__wires_inputs(&wires) && xbtab_array_has_gates(&wires.array); k++)
        e->V[k] = xbtab_technology_drive(technology, k / columns, 0); /* bit lines at +V, then those at -V */
    *out = e;
    return XBTAB_OK;
}

size_t xbtab__exact_bytes(size_t rows, size_t columns)
{
    return rows * columns * sizeof(xbtab__cell) + 2 * (rows + columns) * sizeof(double) +
           xbtab__solver_bytes(rows, columns);
}

void xbtab__exact_destroy(xbtab__exact **exact)
{
    if (!exact || !*exact) return;
    xbtab__solver_destroy(&(*exact)->solver);
    xbtab__free((*exact)->cell);
    xbtab__free((*exact)->V);
    xbtab__free((*exact)->V_row);
    xbtab__free(*exact);
    *exact = NULL;
}

void xbtab__exact_program(xbtab__exact *e, const double *G)
{
    for (size_t c = 0; c < e->rows * e->columns; c++) e->cell[c] = xbtab__cell_of(&e->technology->cell, G[c]);
}

xbtab_status xbtab__exact_solve(xbtab__exact *e, const uint8_t *code, double *I)
{
    const xbtab__cell_table *table = &e->technology->cell;
    bool has_gates = xbtab_array_has_gates(&e->technology->tables->array);
    xbtab__cells cells = {.table = table, .cell = e->cell, .gate = has_gates ? code : NULL};
    xbtab__solve_report report;
    XBTAB_TRY(xbtab__each_poll(0)); /* a large tile takes a while */
    for (size_t i = 0; i < e->rows; i++) e->V_row[i] = xbtab_technology_drive(e->technology, i, code[i]);
    if (!has_gates) memcpy(e->V, e->V_row, e->rows * sizeof *e->V);
    XBTAB_TRY(xbtab__solver_run(e->solver, &cells, e->V, I, &report));
    if (report.outside) {
        XBTAB_FAIL(XBTAB_ERR_SOLVE, "%ld cells see voltages outside the cell table's %g V to %g V",
                   report.outside, table->V_min, table->V_max);
    }
    return XBTAB_OK;
}

double xbtab__exact_cell_current(const xbtab__exact *e, size_t i, size_t j)
{
    return xbtab__solver_current(e->solver, (int)i, (int)j);
}

double xbtab__exact_power(const xbtab__exact *e)
{
    double P = 0;
    for (size_t i = 0; i < e->rows; i++) {
        double I = 0;
        for (size_t j = 0; j < e->columns; j++) I += xbtab__exact_cell_current(e, i, j);
        P += e->V_row[i] * I;
    }
    return P;
}
