/* fit_transfer.h - from samples of whole tiles to the transfer correction. */
#ifndef XBTAB_TILE_FIT_TRANSFER_H
#define XBTAB_TILE_FIT_TRANSFER_H

#include <xbartab/tables.h>

#include "check.h"

/** Fit T and the energy's scale to the samples in tables->samples, which need the tables' cell, TIA, wires
 * and levels; memory of an earlier fit is the caller's to free. Sets transfer and energy.scale with their
 * errors on the held-out samples.
 *  @return XBTAB_ERR_SPICE (too few good samples), XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__fit_transfer(xbtab_tables *tables) XBTAB_MUST_CHECK;

/** What a sample tile's cells conduct: G[rows][columns] [S]. */
void xbtab__sample_conductances(const xbtab_tables *tables, size_t tile, double *G);

#endif
