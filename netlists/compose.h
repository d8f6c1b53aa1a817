/* compose.h - SPICE text of the benches and of the whole crossbar.
 *
 * Each function appends elements and subcircuits, without a title line, analyses or .end. Inputs are
 * "external" sources vi0, vi1, ... whose values the host of the simulator fills in, or plain sources; see
 * compose_sources. A cell's state is a number of the RRAM model's state parameter; NAN stands for an open
 * device, which is left out. */
#ifndef XBTAB_NETLISTS_COMPOSE_H
#define XBTAB_NETLISTS_COMPOSE_H

#include <xbartab/spec.h>

#include "text.h"

/** The subcircuits of the models a specification uses, and of the whole cell: "xbtab_cell wl bl [gate]
 * state=..". */
void xbtab__compose_models(xbtab__text *text, const xbtab_spec *spec);

/** n cells side by side between one word-line node (source vi0) and one bit-line node (source vi1), the
 * current of cell k in i(vm<k>), positive from word line to bit line. @param state  state[n]. */
void xbtab__compose_cell_bench(xbtab__text *text, const xbtab_spec *spec, const double *state, int n);

/** One TIA fed by the external current source ii0 (positive into its in pin): v(t0) is its input, v(o0) its
 * output. */
void xbtab__compose_tia_bench(xbtab__text *text, const xbtab_spec *spec);

/** The crossbar of a specification without its input sources: word line i starts at node in<i>; the current
 * of bit line j is i(vs<j>), its TIA's output v(o<j>). @param state  state[rows][columns]. */
void xbtab__compose_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state);

/** The same with an ammeter vc<i>_<j> in each cell, from its word-line end. */
void xbtab__compose_metered_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state);

/** The wires of an array. */
typedef struct xbtab__array {
    int rows, columns;
    double r_word, r_bit, r_driver, r_sink; /* [ohm] */
} xbtab__array;

enum { XBTAB__NODE_SIZE = 32 };

/** Names of the two ends of cell (i, j): out[XBTAB__NODE_SIZE]. Nodes that 0 ohm joins have one name. */
void xbtab__word_node(char *out, const xbtab__array *array, int i, int j);
void xbtab__bit_node(char *out, const xbtab__array *array, int i, int j);

/** The wires of an array, from in<i> to the ammeter vs<j>, whose other end is node t<j>. */
void xbtab__compose_wires(xbtab__text *text, const xbtab__array *array);

/** A crossbar of resistors, G[rows][columns] [S] with 0 = open; its bit lines end at ground behind the
 * ammeters vs<j>. */
void xbtab__compose_resistors(xbtab__text *text, const xbtab__array *array, const double *G);

/** n external sources vi<k> at the nodes in<k>; the current that source k delivers is -i(vi<k>). */
void xbtab__compose_external_sources(xbtab__text *text, int n);

#endif
