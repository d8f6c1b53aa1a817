/* sweep_plot.h - a sweep's picture. */
#ifndef XBTAB_CLI_SWEEP_PLOT_H
#define XBTAB_CLI_SWEEP_PLOT_H

#include "sweep_cost.h"

/** Accuracies against the first key, a line for each choice of the others; with costs also over the energy, rows on
 * the front with their values.
 *  @param cost  NULL = without. @return an exit code. */
int cli_plot_sweep(const xbtab_sweep *sweep, const char *mode, const cli_sweep_cost *cost, const char *path);

#endif
