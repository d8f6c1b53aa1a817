/* solver_check.h - our solver held against every tile that ngspice solved. */
#ifndef XBTAB_CHARACTERIZE_SOLVER_CHECK_H
#define XBTAB_CHARACTERIZE_SOLVER_CHECK_H

#include <xbartab/tables.h>

#include "run.h"

/** Fill tables->solver, one entry a size of tile; needs the cell, the TIA and all units. */
xbtab_status xbtab__check_solver(xbtab_tables *tables, const xbtab__run *run) XBTAB_MUST_CHECK;

#endif
