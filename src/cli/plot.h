/* plot.h - pictures by gnuplot, where it is installed.
 *
 * gnuplot gets its commands from a file without a name and gives the picture back through a pipe: it knows
 * neither the picture's name nor the disk, so that a picture is written as every other file is, whole or not
 * at all, and a full disk is told. */
#ifndef XBTAB_CLI_PLOT_H
#define XBTAB_CLI_PLOT_H

#include <stdbool.h>
#include <stdio.h>

#include <xbartab/output.h>

typedef struct cli_plot {
    FILE *script;     /* gnuplot's commands go here */
    const char *path; /* the picture; borrowed */
} cli_plot;

/** Whether there is a program of this name on the path. */
bool cli_is_installed(const char *name);

/** Whether a picture could be written there: a name that ends in .svg or .png, in a folder; NULL is no
 *  picture. @return CLI_DONE, or CLI_FAILED after a line on stderr. */
int cli_plot_check(const char *path);

/** Start a script.
 *  @return CLI_DONE; CLI_USAGE after a line on stderr where gnuplot is not installed (no picture, no
 * failure); CLI_FAILED after a line on stderr. */
int cli_plot_begin(cli_plot *plot, const char *path, int width, int height);

/** A text between quotes, as it stands: gnuplot finds no command and no markup of its own in it. */
void cli_plot_text(FILE *script, const char *text);

/** Let gnuplot draw, and write the picture. @return CLI_DONE or CLI_FAILED; nothing is left behind then. */
int cli_plot_end(cli_plot *plot);

#endif
