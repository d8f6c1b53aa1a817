/* write_train.h - cells or bare devices through a train of pulses, in ngspice. */
#ifndef XBTAB_CHARACTERIZE_WRITE_TRAIN_H
#define XBTAB_CHARACTERIZE_WRITE_TRAIN_H

#include "train.h"
#include "spice.h"

/** Run a train.
 *  @param      rram      a use of a model with dynamic; selector: NULL = none.
 *  @param      state     the state parameter before the first pulse.
 *  @param[out] after     after[train->n]: the state parameter after each pulse, within its bounds; NAN from
 *                        the pulse on that failed.
 *  @param[out] energy    energy[train->n]: of each pulse [J]; NULL = not wanted.
 *  @param[out] sample    how it ended; @param[out] reason  reason[XBTAB__REASON_SIZE], of a failure; NULL =
 * not wanted.
 *  @return XBTAB_ERR_SPICE where ngspice refuses the circuit itself, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__run_train(xbtab__spice *spice, const xbtab_model_use *rram,
                              const xbtab_model_use *selector, double state, const xbtab__train *train,
                              double *after, double *energy, xbtab_sample_status *sample,
                              char *reason) XBTAB_MUST_CHECK;

/** Run one train on n cells at once, whose states then have their time points in common: differences between
 * them are smooth.
 *  @param      rram   rram[n]: uses of one model; state[n].
 *  @param[out] after  after[n][train->n], as above. @return as above. */
xbtab_status xbtab__run_trains(xbtab__spice *spice, const xbtab_model_use *rram,
                               const xbtab_model_use *selector, const double *state, int n,
                               const xbtab__train *train, double *after) XBTAB_MUST_CHECK;

#endif
