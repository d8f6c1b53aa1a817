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

/** The text of a model in use, with a user's card where there is one; borrowed. */
const char *xbtab__compose_text_of(const xbtab_model_use *use);

/** The subcircuits of the models a specification uses, and of the whole cell: "xbtab_cell wl bl [gate]
 * state=..". */
void xbtab__compose_models(xbtab__text *text, const xbtab_spec *spec);

/** n cells side by side between one node of a driven line (source vi0) and one of a sensed line (source vi1),
 * the current of cell k in i(vm<k>), positive from the first to the second; with gate inputs their gates are
 * the source vi2. @param state  state[n]. */
void xbtab__compose_cell_bench(xbtab__text *text, const xbtab_spec *spec, const double *state, int n);

/** Sources of that bench: 2, or 3 with gate inputs. */
int xbtab__cell_bench_sources(const xbtab_spec *spec);

/** A selector alone from the source vi0 to the ammeter vmeter at 0 V, its gate at its own voltage. */
void xbtab__compose_selector_bench(xbtab__text *text, const xbtab_model_use *selector);

/** One TIA fed by the external current source ii0 (positive into its in pin): v(t0) is its input, v(o0) its
 * output. */
void xbtab__compose_tia_bench(xbtab__text *text, const xbtab_spec *spec);

/** n TIAs, each with what a bit line is to it: a conductance G [S] that makes no noise, a capacitance C [F],
 * and the current source ii<k> into its in pin.
 *  @param source  what stands behind the source's nodes: "external", "dc 1u ac 1", "pwl(...)".
 *  @param offset  offset[n]: of each TIA [V], for models that name its parameter; NULL = the specification's.
 */
void xbtab__compose_loaded_tias(xbtab__text *text, const xbtab_spec *spec, const char *source, double G,
                                double C, const double *offset, int n);

/** The column that is farthest from the drivers, with its wires' capacitances: all word lines start at the
 * source vi0 (with alternating polarity every second one, the others rest), the TIA's output is v(o0), its
 * current i(vs0).
 *  @param source   as above.
 *  @param state    state parameter of the column's cells.
 *  @param G_other  conductance of each of the other columns' cells [S]. */
void xbtab__compose_column_bench(xbtab__text *text, const xbtab_spec *spec, const char *source, double state,
                                 double G_other);

/** The crossbar of a specification without its input sources: word line i starts at node in<i>, or with gate
 * inputs is that node; the current of column j is i(vs<j>), its TIA's output v(o<j>).
 * @param state  state[rows][columns]. */
void xbtab__compose_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state);

/** The same with an ammeter vc<i>_<j> in each cell, at its end on the sensed line: what a transistor loses to
 * its bulk is not in it. */
void xbtab__compose_metered_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state);

/** The wires of an array; see array.h. */
typedef struct xbtab__wiring {
    int rows, columns;
    xbtab_array array;
    double r_word, r_bit, r_source_line, r_driver, r_sink; /* [ohm] */
    double v_read;                                         /* of bit lines, with gate inputs [V] */
} xbtab__wiring;

xbtab__wiring xbtab__wiring_of(const xbtab_spec *spec);

enum { XBTAB__NODE_SIZE = 32 };

/** Names of the two ends of cell (i, j), on its driven line (word line, or bit line with gate inputs) and on
 * its sensed line (bit line, or source line): out[XBTAB__NODE_SIZE]. Nodes that 0 ohm joins have one name. */
void xbtab__driven_node(char *out, const xbtab__wiring *wiring, int i, int j);
void xbtab__sensed_node(char *out, const xbtab__wiring *wiring, int i, int j);

/** Numbers of those nodes, from 0 without a gap; in the order of i and then j a number that is new is one
 * above the largest before it. */
int xbtab__driven_index(const xbtab__wiring *wiring, int i, int j);
int xbtab__sensed_index(const xbtab__wiring *wiring, int i, int j);

/** The wires of an array, from the inputs to the ammeters vs<j>, whose other ends are the nodes t<j>. Word
 * line i's input is node in<i>; with gate inputs, the bit lines' supplies vread (and vminus) are here too. */
void xbtab__compose_wires(xbtab__text *text, const xbtab__wiring *wiring);

/** A crossbar of resistors, G[rows][columns] [S] with 0 = open; its sensed lines end at ground behind the
 * ammeters vs<j>. With gate inputs a resistor conducts where its gate in<i> is above 0 V. */
void xbtab__compose_resistors(xbtab__text *text, const xbtab__wiring *wiring, const double *G);

/** n external sources vi<k> at the nodes in<k>; the current that source k delivers is -i(vi<k>). */
void xbtab__compose_external_sources(xbtab__text *text, int n);

#endif
