/* exact.c - a tile's circuit, its cells and its inputs, ready to be solved. */
#include "exact.h"

#include "memory.h"
#include "technology.h"

struct xbtab__exact {
    const xbtab_technology *technology;
    size_t rows, columns;
    xbtab__solver *solver;
    xbtab__cell *cell; /* cell[rows][columns] */
    double *V;         /* V[rows] of the last vector */
};

xbtab_status xbtab__exact_create(xbtab__exact **out, const xbtab_technology *technology, size_t rows,
                                 size_t columns)
{
    xbtab__wires wires = xbtab__technology_wires(technology, rows, columns, true);
    xbtab__exact *e = xbtab__alloc(1, sizeof *e);
    if (!e) return XBTAB_NOMEM();
    *e = (xbtab__exact){.technology = technology, .rows = rows, .columns = columns};
    e->cell = xbtab__alloc(rows * columns, sizeof *e->cell);
    e->V = xbtab__alloc(rows, sizeof *e->V);
    xbtab_status status = e->cell && e->V ? xbtab__solver_create(&e->solver, &wires) : XBTAB_NOMEM();
    if (status < 0) {
        xbtab__exact_destroy(&e);
        return status;
    }
    for (size_t c = 0; c < rows * columns; c++) e->cell[c].state = -1;
    *out = e;
    return XBTAB_OK;
}

size_t xbtab__exact_bytes(size_t rows, size_t columns)
{
    return rows * columns * sizeof(xbtab__cell) + rows * sizeof(double) + xbtab__solver_bytes(rows, columns);
}

void xbtab__exact_destroy(xbtab__exact **exact)
{
    if (!exact || !*exact) return;
    xbtab__solver_destroy(&(*exact)->solver);
    xbtab__free((*exact)->cell);
    xbtab__free((*exact)->V);
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
    xbtab__cells cells = {.table = table, .cell = e->cell};
    xbtab__solve_report report;
    for (size_t i = 0; i < e->rows; i++) e->V[i] = xbtab_technology_dac_voltage(e->technology, code[i]);
    XBTAB_TRY(xbtab__solver_run(e->solver, &cells, e->V, I, &report));
    if (report.outside) {
        XBTAB_FAIL(XBTAB_ERR_SOLVE, "%ld cells see voltages outside the cell table's %g V to %g V",
                   report.outside, table->V_min, table->V_max);
    }
    return XBTAB_OK;
}

double xbtab__exact_power(const xbtab__exact *e)
{
    double P = 0;
    for (size_t i = 0; i < e->rows; i++) {
        double I = 0;
        for (size_t j = 0; j < e->columns; j++) I += xbtab__solver_current(e->solver, (int)i, (int)j);
        P += e->V[i] * I;
    }
    return P;
}
