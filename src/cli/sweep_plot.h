/* sweep_plot.h - a sweep's picture. */
#ifndef XBTAB_CLI_SWEEP_PLOT_H
#define XBTAB_CLI_SWEEP_PLOT_H

#include <xbartab/sweep.h>

/** Accuracies against the first key, a line for each choice of the others. @return an exit code. */
int cli_plot_sweep(const xbtab_sweep *sweep, const char *mode, const char *path);

#endif
