/* aged.h - sample tiles whose cells are a simulated chip's: written to their levels, aged, as far as the cell
 * can follow. */
#ifndef XBTAB_CHARACTERIZE_AGED_H
#define XBTAB_CHARACTERIZE_AGED_H

#include <xbartab/chip.h>
#include <xbartab/spec.h>

#include "check.h"

typedef struct xbtab__aged xbtab__aged;

/** Prepare the cells. Asks ngspice for the cell's range.
 *  @param[out] out   new; xbtab__aged_destroy(). Untouched on failure.
 *  @param      chip  its population is borrowed until then.
 *  @return as xbtab_chip_create() and xbtab_cell_range(). */
xbtab_status xbtab__aged_create(xbtab__aged **out, const xbtab_spec *spec,
                                const xbtab_chip_options *chip) XBTAB_MUST_CHECK;
void xbtab__aged_destroy(xbtab__aged **aged);

/** What the cells of a tile conduct, its number the place of its devices: G[rows][columns] [S]. What the cell
 * cannot conduct becomes the nearest that it can, and what is less than a hundredth of the lowest level
 * becomes that. */
xbtab_status xbtab__aged_conductances(const xbtab__aged *aged, int tile, const uint8_t *level, int rows,
                                      int columns, double *G) XBTAB_MUST_CHECK;

/** With its defaults filled in. */
const xbtab_chip_options *xbtab__aged_options(const xbtab__aged *aged);

#endif
