/* run.h - runs a plan's units through the pool and the journal, and keeps their results. */
#ifndef XBTAB_CHARACTERIZE_RUN_H
#define XBTAB_CHARACTERIZE_RUN_H

#include <xbartab/characterize.h>

#include "journal.h"
#include "units.h"
#include "worker.h"

typedef struct xbtab__run {
    xbtab__plan plan;
    xbtab__unit_result *unit; /* unit[n_units] */
    int n_units;
    xbtab__aged *aged;       /* the plan's; NULL = none */
    xbtab__journal *journal; /* NULL = none is kept */
    char ngspice[64];
} xbtab__run;

/** Prepare a run: conductances to tabulate, room for the results. End with xbtab__run_clear().
 *  @param chip  of the sample tiles' cells; NULL = they are at their levels. */
xbtab_status xbtab__run_init(xbtab__run *run, const xbtab_spec *spec,
                             const xbtab_chip_options *chip) XBTAB_MUST_CHECK;
void xbtab__run_clear(xbtab__run *run);

/** Run the units [first, end) that are not done. */
xbtab_status xbtab__run_units(xbtab__run *run, int first, int end, const char *what,
                              const xbtab_characterize_options *options) XBTAB_MUST_CHECK;

/** Time allowed for a whole tile in ngspice [s]: five times what libngspice 39.3 was measured to need for N x
 * N cells, 6e-8 N^4.3 s to order the matrix and 6e-9 N^4.34 s a vector; never less than a minute. */
double xbtab__spice_seconds_max(double rows, double columns, double vectors);

/** Keep a unit's result: n bytes of doubles; also from a journal. */
xbtab_status xbtab__run_take(xbtab__run *run, int unit, xbtab_sample_status status, const void *bytes,
                             size_t n) XBTAB_MUST_CHECK;

/** Copy the states' parameters from their unit into the plan. */
xbtab_status xbtab__run_take_states(xbtab__run *run) XBTAB_MUST_CHECK;

/** libngspice's version into run->ngspice, asked of a worker. */
xbtab_status xbtab__run_ask_version(xbtab__run *run) XBTAB_MUST_CHECK;

/** XBTAB_ERR_SPICE where the unit failed. */
xbtab_status xbtab__run_need(const xbtab__run *run, int unit) XBTAB_MUST_CHECK;

#endif
