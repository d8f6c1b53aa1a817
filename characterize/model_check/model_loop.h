/* model_loop.h - a bare device under a triangular voltage. */
#ifndef XBTAB_CHARACTERIZE_MODEL_LOOP_H
#define XBTAB_CHARACTERIZE_MODEL_LOOP_H

#include <xbartab/characterize.h>

#include "spice.h"

/** The loop of xbtab_model_loop() in this process' ngspice, without noise, to `factor` times the sheet's
 * amplitudes; state[XBTAB_LOOP_POINTS] is what the state's node holds, in bounds or not. The default values'
 * use. @param[out] sample, reason  as of a train. */
xbtab_status xbtab__run_loop(xbtab__spice *spice, const xbtab_model_use *use, double factor, double *V,
                             double *I, double *state, xbtab_sample_status *sample,
                             char *reason) XBTAB_MUST_CHECK;

#endif
