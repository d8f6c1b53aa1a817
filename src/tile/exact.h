/* exact.h - a whole tile solved exactly on the cell table and the TIA's input curve: what every approximation
 * is held against. One a thread. */
#ifndef XBTAB_TILE_EXACT_H
#define XBTAB_TILE_EXACT_H

#include <xbartab/tile.h>

#include "check.h"

typedef struct xbtab__exact xbtab__exact;

/** A tile of the technology's wires; rows and columns may differ from the tables'.
 *  @param technology  borrowed until it is destroyed. */
xbtab_status xbtab__exact_create(xbtab__exact **out, const xbtab_technology *technology, size_t rows,
                                 size_t columns) XBTAB_MUST_CHECK;
void xbtab__exact_destroy(xbtab__exact **exact);

/** What it takes [bytes]. */
size_t xbtab__exact_bytes(size_t rows, size_t columns);

/** Set all cells: G[rows][columns] at v_read [S]; 0 = open. */
void xbtab__exact_program(xbtab__exact *exact, const double *G);

/** Currents of one vector of DAC codes.
 *  @param      code  code[rows].
 *  @param[out] I     I[columns] [A].
 *  @return XBTAB_ERR_SOLVE: the tolerance was not reached, or a cell's voltage left its table;
 * XBTAB_ERR_CANCELED inside of a loop that is to stop (each.h). */
xbtab_status xbtab__exact_solve(xbtab__exact *exact, const uint8_t *code, double *I) XBTAB_MUST_CHECK;

/** Current of cell (i, j) in the last solution [A]. */
double xbtab__exact_cell_current(const xbtab__exact *exact, size_t i, size_t j);

/** Power that the drivers delivered in the last solution [W]. */
double xbtab__exact_power(const xbtab__exact *exact);

#endif
