/* circuit_sweep.h - the one way from a composed circuit to ngspice: its sources' values in, what was asked
 * for out. */
#ifndef XBTAB_CHARACTERIZE_CIRCUIT_SWEEP_H
#define XBTAB_CHARACTERIZE_CIRCUIT_SWEEP_H

#include <xbartab/array.h>
#include <xbartab/tables.h>

#include "check.h"
#include "spice.h"
#include "text.h"

/** Solve a composed circuit for a sequence of source values.
 *  @param text      elements; @param values  values[n_vectors][n_sources] [V, or A for current sources].
 *  @param outputs   names to read, one a line.
 *  @param[out] out  out[n_vectors][n_outputs]; NAN where a vector failed. @param[out] status
 * status[n_vectors].
 *  @return XBTAB_ERR_SPICE where ngspice refuses the circuit itself; a vector that fails is only marked. */
xbtab_status xbtab__solve_text(xbtab__spice *spice, const xbtab__text *text, int n_vectors, int n_sources,
                               const double *values, int n_outputs, const xbtab__text *outputs, double *out,
                               xbtab_sample_status *status) XBTAB_MUST_CHECK;

/** As xbtab__solve_text(), failing where any vector failed; for circuits so small that each must work. */
xbtab_status xbtab__solve_text_all(xbtab__spice *spice, const xbtab__text *text, int n_vectors, int n_sources,
                                   const double *values, int n_outputs, const xbtab__text *outputs,
                                   double *out) XBTAB_MUST_CHECK;

/** The same two for a whole array. A vector of gates that fails is tried again alone; where its cells are at
 * both signs of the read voltage, each is solved afresh, since ngspice does not follow the switched
 * transistors from the vector before. */
xbtab_status xbtab__solve_array(xbtab__spice *spice, const xbtab_array *array, const xbtab__text *text,
                                int n_vectors, int n_sources, const double *values, int n_outputs,
                                const xbtab__text *outputs, double *out,
                                xbtab_sample_status *status) XBTAB_MUST_CHECK;
xbtab_status xbtab__solve_array_all(xbtab__spice *spice, const xbtab_array *array, const xbtab__text *text,
                                    int n_vectors, int n_sources, const double *values, int n_outputs,
                                    const xbtab__text *outputs, double *out) XBTAB_MUST_CHECK;

#endif
