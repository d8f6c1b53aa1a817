/* plot.h - pictures by gnuplot, where it is installed. */
#ifndef XBTAB_CLI_PLOT_H
#define XBTAB_CLI_PLOT_H

#include <stdio.h>

#include <xbartab/output.h>

typedef struct cli_plot {
    FILE *script;     /* gnuplot's commands go here */
    const char *path; /* the picture; borrowed */
    xbtab_output *output;
} cli_plot;

/** Start gnuplot writing beside path: PNG where it ends in .png, else SVG.
 *  @return CLI_DONE; CLI_USAGE after a line on stderr where gnuplot is not installed (no picture, no
 * failure). */
int cli_plot_begin(cli_plot *plot, const char *path, int width, int height);

/** End gnuplot and rename the picture. @return CLI_DONE or CLI_FAILED. */
int cli_plot_end(cli_plot *plot);

#endif
