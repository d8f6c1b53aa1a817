/* complete_tables.h - what sinh_tables() leaves out and a table file has to hold. */
#ifndef XBTAB_TESTS_COMPLETE_TABLES_H
#define XBTAB_TESTS_COMPLETE_TABLES_H

#include <string.h>

#include <xbartab/tables.h>

#include "memory.h"

/* What a file of tables has, and those in memory do without: one sample of everything. */
static inline void complete_tables(xbtab_tables *t)
{
    char **texts[] = {&t->spec_text,       &t->models_text,         &t->tool_version,
                      &t->ngspice_version, &t->cell.parameter_name, &t->cell.parameter_unit};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) *texts[k] = xbtab__strdup("none");
    t->cell.parameter = xbtab__alloc(t->cell.n_states, sizeof(double));
    t->energy.E_cell = xbtab__alloc(t->cell.n_states * t->cell.n_v, sizeof(double));
    t->transfer.n_drives = t->solver.n = t->samples.n_tiles = t->samples.n_vectors = 1;
    t->transfer.a_drive = xbtab__alloc(1, sizeof(double));
    t->transfer.a_drive[0] = 1;
    t->transfer.rmse_drive = xbtab__alloc(1, sizeof(double));
    int32_t **counts[] = {&t->solver.rows, &t->solver.columns, &t->solver.samples, &t->samples.is_heldout,
                          &t->samples.status};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
        *counts[k] = xbtab__alloc(1, sizeof(int32_t));
    double **numbers[] = {&t->solver.rmse, &t->solver.max, &t->samples.P, &t->samples.I_out,
                          &t->samples.V_out};
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        *numbers[k] = xbtab__alloc(t->columns, sizeof(double));
    t->samples.level = xbtab__alloc(t->rows, t->columns);
    t->samples.code = xbtab__alloc(t->rows, 1);
}

#endif
