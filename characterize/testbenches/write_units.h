/* write_units.h - the units of a characterization that find what pulses do, and their way into the tables. */
#ifndef XBTAB_CHARACTERIZE_WRITE_UNITS_H
#define XBTAB_CHARACTERIZE_WRITE_UNITS_H

#include "testbench.h"

/** Number of units: one a pulse. */
int xbtab__write_units(const xbtab__plan *plan);

/** Run the k-th of them. */
xbtab_status xbtab__write_unit(const xbtab__plan *plan, int k, xbtab__spice *spice,
                               xbtab__numbers *out) XBTAB_MUST_CHECK;

/** xbtab__plan_fits() for one of them. */
bool xbtab__write_fits(const xbtab__plan *plan, const double *x, size_t n);

/** Time allowed for one [s]. */
double xbtab__write_seconds_max(const xbtab__plan *plan);

/** Tables from the units' results, unit[xbtab__write_units()].
 *  @return XBTAB_ERR_SPICE where a pulse fails at more than half the conductances. */
xbtab_status xbtab__write_take(xbtab_write_data *data, const xbtab__plan *plan,
                               const xbtab__unit_result *unit) XBTAB_MUST_CHECK;

/** Room for n pulses at n_G conductances. */
xbtab_status xbtab__write_room(xbtab_write_data *data, size_t n, size_t n_G) XBTAB_MUST_CHECK;
void xbtab__write_clear_room(xbtab_write_data *data);

#endif
