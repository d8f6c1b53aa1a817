/* spice_deck.h - a job as the lines that ngspice loads. */
#ifndef XBTAB_CHARACTERIZE_SPICE_DECK_H
#define XBTAB_CHARACTERIZE_SPICE_DECK_H

#include "spice.h"
#include "text.h"

/** The unused source that the dc sweep moves. */
#define XBTAB__DECK_SWEPT "vxbsel"

/** Start with {0}; end with xbtab__deck_clear(). */
typedef struct xbtab__deck {
    xbtab__text text; /* all lines, zero-terminated each */
    char **lines;     /* lines[n_lines + 1] into text; the last is NULL */
    size_t n_lines;
} xbtab__deck;

/** Check the rules of xbtab__spice_job and write title, options, netlist, swept source, saved outputs and
 * end.
 *  @param options  ngspice's options, a line without ".options"; NULL = those of a sweep.
 *  @return XBTAB_ERR_INPUT (the message quotes the line), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__deck_build(xbtab__deck *deck, const xbtab__spice_job *job, const char *title,
                               const char *options) XBTAB_MUST_CHECK;

void xbtab__deck_clear(xbtab__deck *deck);

#endif
