/* fit.h - the errors of interpolated tables on SPICE samples that they never saw. */
#ifndef XBTAB_CHARACTERIZE_FIT_H
#define XBTAB_CHARACTERIZE_FIT_H

#include <xbartab/tables.h>

#include "testbench.h"

/** Error of the cell's interpolation. @param heldout  result of XBTAB__UNIT_CELL_HELDOUT. */
xbtab_status xbtab__fit_cell_error(xbtab_tables *tables, const xbtab__plan *plan,
                                   const double *heldout) XBTAB_MUST_CHECK;

/** Error of the TIA's interpolation. @param V  V_in and V_out at the points between the grid's. */
xbtab_status xbtab__fit_tia_error(xbtab_tables *tables, const xbtab__plan *plan,
                                  const double *V) XBTAB_MUST_CHECK;

#endif
