/* units.h - a characterization cut into units.
 *
 * A unit is one circuit (or one search on small circuits) with its fixed sequence of input vectors; it
 * depends on the specification and its own number alone, so neither the number of workers nor a restart
 * changes a bit. A unit's result is an array of doubles, which is also what the journal keeps. */
#ifndef XBTAB_CHARACTERIZE_UNITS_H
#define XBTAB_CHARACTERIZE_UNITS_H

#include <stdbool.h>

#include "testbench.h"

/** Units by number; those from XBTAB__UNIT_TILE on are the sample tiles. */
enum {
    XBTAB__UNIT_STATES = 0,       /* the state parameter of every tabulated conductance */
    XBTAB__UNIT_CELL = 1,         /* the cell's currents on the table's grid */
    XBTAB__UNIT_CELL_HELDOUT = 2, /* the same between the grid's points */
    XBTAB__UNIT_TIA = 3,          /* the TIA's curves, and points between them */
    XBTAB__UNIT_READOUT = 4,      /* the TIA in time: settling, noise, offsets */
    XBTAB__UNIT_COLUMN = 5,       /* a whole column in time */
    XBTAB__UNIT_TILE = 6
};

/** First unit behind the sample tiles: those of write pulses, if any. */
int xbtab__first_write_unit(const xbtab__plan *plan);

/** Number of units of a plan. */
int xbtab__plan_units(const xbtab__plan *plan);

/** Run one unit; in a worker process. Units from XBTAB__UNIT_CELL on need the states. */
xbtab_status xbtab__plan_run(const xbtab__plan *plan, int unit, xbtab__spice *spice,
                             xbtab__numbers *out) XBTAB_MUST_CHECK;

/** Whether a unit's result has as many numbers as the tables are made of: what a journal holds is not taken
 * on trust. x[n]. */
bool xbtab__plan_fits(const xbtab__plan *plan, int unit, const double *x, size_t n);

#endif
