/* spice_allow.h - what may stand in SPICE text that goes to ngspice: the whole list, and nothing else.
 *
 * ngspice takes prefixes of its cards (".incl" is ".include"), runs what stands in ".control" and reads files
 * for several cards and models, so that a list of what is refused has holes. */
#ifndef XBTAB_CONFIG_SPICE_ALLOW_H
#define XBTAB_CONFIG_SPICE_ALLOW_H

#include "spice_text.h"

/** Who wrote the text. */
typedef enum xbtab__spice_author {
    XBTAB__SPICE_MODEL,  /* a model's file: elements, .subckt, .ends, .param, .func, .model, .ic, .nodeset */
    XBTAB__SPICE_CARD,   /* a model card: .model */
    XBTAB__SPICE_NETLIST /* we, around models: .save as well */
} xbtab__spice_author;

/** Check every line: cards in full, elements by their letter, models of ngspice's own types, no
 * function or parameter of files, no expression that ngspice's parsers drown in, nothing defined twice in one
 * scope - a subcircuit, its header's parameters among it, or what is outside of all - of which ngspice takes one
 * without a word, and no name that ngspice gives its own value (xbtab__spice_owns()). @return
 * XBTAB_ERR_INPUT: as of xbtab__spice_refuse(). */
xbtab_status xbtab__spice_allow(const xbtab__spice_text *text, xbtab__spice_author author) XBTAB_MUST_CHECK;

/** The last gate before ngspice: lex, allow, and write again. What comes out is ngspice's own reading of the
 * text, without what it could read otherwise.
 *  @param path  for messages; NULL: a netlist of our own.
 *  @param with_comments  its comments too. */
xbtab_status xbtab__spice_pass(xbtab__text *out, const char *text, const char *path,
                               xbtab__spice_author author, bool with_comments) XBTAB_MUST_CHECK;

/** True for names that are ngspice's: its constants and variables (e, pi, temper, time, hertz), to which a
 * parameter would lose, and its functions. Case does not count. */
bool xbtab__spice_owns(const char *name);

/** For messages. */
#define XBTAB__SPICE_OWNED "ngspice owns that name: e, pi, temper, time, hertz and the names of its functions"

#endif
