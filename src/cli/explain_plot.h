/* explain_plot.h - the picture of an explanation. */
#ifndef XBTAB_CLI_EXPLAIN_PLOT_H
#define XBTAB_CLI_EXPLAIN_PLOT_H

#include <xbartab/explain.h>

/** Draw with gnuplot: points lost alone and won when left out, with standard errors. @return an exit code. */
int cli_plot_explanation(const char *path, const xbtab_explanation *explanation);

#endif
