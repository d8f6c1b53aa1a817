/* engine_private.h - what the engines share inside. */
#ifndef XBTAB_ENGINE_PRIVATE_H
#define XBTAB_ENGINE_PRIVATE_H

#include <xbartab/engine.h>

#include "check.h"

/** The whole array with the given cells in its first rows and columns, the others at the lowest level.
 *  @param[out] G  G[tables->rows][tables->columns] [S]; caller frees with xbtab__free().
 *  @return XBTAB_ERR_INPUT (more cells than the array has), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__engine_conductances(double **G, const xbtab_tables *tables,
                                        const xbtab_cells *cells) XBTAB_MUST_CHECK;

/** Code of no current: 0, or the middle of the ADC's range where currents have both signs. */
int32_t xbtab__engine_middle(const xbtab_tables *tables, int adc_bits);

/** Of a tile of the table engine: bit line j's current in double precision, T and refinement included [A].
 *  @param y  through the effective matrix [A]; @param a  mean drive. */
double xbtab__engine_table_current(const void *state, double y, double a, size_t j);

/** Of a tile of the table engine: its root mean square error [A] on inputs of mean drive a, against exact
 * solutions of the tile that no fit saw. */
double xbtab__engine_table_rmse(const void *state, double a);

/** A window of a tile of so many bit lines; NULL = all. */
static inline xbtab_window xbtab__window_of(const xbtab_window *window, size_t columns)
{
    return window ? *window : (xbtab_window){0, columns};
}

/** Leave the groups of word lines that no product of a batch drives out of its look-ups.
 * The batch's blocks are set.
 *  @param idle  room for [tile->stride], 64-byte aligned; borrowed until the batch is done. */
void xbtab__engine_narrow(xbtab_kernel_batch *batch, const xbtab_kernel_tile *tile, uint16_t *idle);

#endif
