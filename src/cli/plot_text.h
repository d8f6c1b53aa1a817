/* plot_text.h - others' words in a script for gnuplot, which runs commands that it finds there. */
#ifndef XBTAB_CLI_PLOT_TEXT_H
#define XBTAB_CLI_PLOT_TEXT_H

#include <stddef.h>

/** A text as gnuplot's string 'text', in which nothing is substituted: quotes doubled, control characters
 * blank, cut where it does not fit. @param out  out[size], size at least 3. @return out. */
const char *cli_plot_text(char *out, size_t size, const char *text);

#endif
