/* crossbar.c - the whole array as SPICE text.
 *
 *   word_line_input: line i of cells (i, j)         gate_input: column j of cells (i, j)
 *
 *   in<i> Rdriver d<i> Rw w<i>_0 Rw w<i>_1 ..       vread Rdriver d<j> Rw b0_<j> Rw b1_<j> ..    bit line
 *                         Xc        Xc                                   Xc  gate: in<i>
 *                       b0_<j>  Rb  b1_<j> ..                          q0_<j> Rb q1_<j> ..      source line
 *
 *   either ends in  .. Rb f<j> Rsink s<j> Vs<j> t<j> TIA
 *
 * Word lines (or bit lines) that are driven at their far end have d<i> called e<i> there. With alternating
 * polarity the pair (2k, 2k + 1) of a gate_input column shares a node of the source line, and its second cell
 * hangs on a second bit line at vminus. A resistance of 0 ohm is no element: its two nodes are one, because
 * ngspice would silently make it 1 mohm. */
#include <math.h>
#include <stdio.h>

#include "compose_private.h"

static bool has_gates(const xbtab__wiring *w)
{
    return w->array.topology == XBTAB_TOPOLOGY_GATE_INPUT;
}

static bool alternates(const xbtab__wiring *w)
{
    return w->array.polarity == XBTAB_POLARITY_ALTERNATING;
}

static double r_driven(const xbtab__wiring *w)
{
    return has_gates(w) ? w->r_bit : w->r_word;
}

static double r_sensed(const xbtab__wiring *w)
{
    return has_gates(w) ? w->r_source_line : w->r_bit;
}

/* Cells of a column that share a place of its lines. */
static int cells_a_place(const xbtab__wiring *w)
{
    return has_gates(w) && alternates(w) ? 2 : 1;
}

/* Number of the driven line of a cell: word lines, or bit lines, those at +V first. */
static int lane_of(const xbtab__wiring *w, int i, int j)
{
    return has_gates(w) ? j + i % cells_a_place(w) * w->columns : i;
}

/* The source of a driven line. */
static void source_node(char *out, const xbtab__wiring *w, int lane)
{
    if (has_gates(w)) {
        snprintf(out, XBTAB__NODE_SIZE, lane < w->columns ? "vread" : "vminus");
    } else {
        snprintf(out, XBTAB__NODE_SIZE, "in%d", lane);
    }
}

void xbtab__driven_node(char *out, const xbtab__wiring *w, int i, int j)
{
    int lane = lane_of(w, i, j);
    if (r_driven(w) > 0) {
        snprintf(out, XBTAB__NODE_SIZE, has_gates(w) ? "b%d_%d" : "w%d_%d", i, j);
    } else if (w->r_driver > 0) {
        snprintf(out, XBTAB__NODE_SIZE, has_gates(w) ? "b%d" : "w%d", lane);
    } else {
        source_node(out, w, lane);
    }
}

void xbtab__sensed_node(char *out, const xbtab__wiring *w, int i, int j)
{
    char name = has_gates(w) ? 'q' : 'b';
    if (r_sensed(w) > 0) {
        snprintf(out, XBTAB__NODE_SIZE, "%c%d_%d", name, i / cells_a_place(w), j);
    } else {
        snprintf(out, XBTAB__NODE_SIZE, "%c%d", name, j);
    }
}

int xbtab__driven_index(const xbtab__wiring *w, int i, int j)
{
    if (r_driven(w) > 0) return i * w->columns + j;
    if (w->r_driver > 0 || !has_gates(w)) return lane_of(w, i, j);
    return i % cells_a_place(w); /* all hang on the supply */
}

int xbtab__sensed_index(const xbtab__wiring *w, int i, int j)
{
    return r_sensed(w) > 0 ? i / cells_a_place(w) * w->columns + j : j;
}

/* One end of a driven line: the driver and the segment to the node of its first cell from there. side: "d" at
 * the near end, "e" at the far one; segment: the number of the segment. */
static void compose_driver(xbtab__text *text, const xbtab__wiring *w, int lane, const char *side, int segment,
                           const char *cell)
{
    char before[XBTAB__NODE_SIZE], node[XBTAB__NODE_SIZE];
    double r = r_driven(w);
    source_node(before, w, lane);
    if (w->r_driver > 0) {
        snprintf(node, sizeof node, "%s%d", side, lane);
        const char *after = r > 0 ? node : cell;
        xbtab__text_add(text, "Rdriver%s%d %s %s %.17g\n", side[0] == 'd' ? "" : side, lane, before, after,
                        w->r_driver);
        snprintf(before, sizeof before, "%s", after);
    }
    if (r > 0) xbtab__text_add(text, "Rw%d_%d %s %s %.17g\n", lane, segment, before, cell, r);
}

/* The driven line through the cells (i + k di, j + k dj) for k in [0, n). */
static void compose_driven_line(xbtab__text *text, const xbtab__wiring *w, int i, int j, int di, int dj,
                                int n)
{
    char before[XBTAB__NODE_SIZE], node[XBTAB__NODE_SIZE];
    int lane = lane_of(w, i, j);
    xbtab__driven_node(node, w, i, j);
    if (w->array.drive != XBTAB_DRIVE_LAST) compose_driver(text, w, lane, "d", 0, node);
    for (int k = 1; k < n && r_driven(w) > 0; k++) {
        snprintf(before, sizeof before, "%s", node);
        xbtab__driven_node(node, w, i + k * di, j + k * dj);
        xbtab__text_add(text, "Rw%d_%d %s %s %.17g\n", lane, k, before, node, r_driven(w));
    }
    if (w->array.drive != XBTAB_DRIVE_FIRST) compose_driver(text, w, lane, "e", n, node);
}

static void compose_sensed_line(xbtab__text *text, const xbtab__wiring *w, int j)
{
    char before[XBTAB__NODE_SIZE], node[XBTAB__NODE_SIZE];
    int pair = cells_a_place(w), n = w->rows / pair;
    double r = r_sensed(w);
    for (int k = 1; k < n && r > 0; k++) {
        xbtab__sensed_node(before, w, (k - 1) * pair, j);
        xbtab__sensed_node(node, w, k * pair, j);
        xbtab__text_add(text, "Rb%d_%d %s %s %.17g\n", k - 1, j, before, node, r);
    }
    xbtab__sensed_node(node, w, w->array.sense == XBTAB_SENSE_TOP ? 0 : w->rows - 1, j);
    if (r > 0) {
        xbtab__text_add(text, "Rb%d_%d %s f%d %.17g\n", n - 1, j, node, j, r);
        snprintf(node, sizeof node, "f%d", j);
    }
    if (w->r_sink > 0) {
        xbtab__text_add(text, "Rsink%d %s s%d %.17g\n", j, node, j, w->r_sink);
        snprintf(node, sizeof node, "s%d", j);
    }
    xbtab__text_add(text, "Vs%d %s t%d dc 0\n", j, node, j);
}

void xbtab__compose_wires(xbtab__text *text, const xbtab__wiring *w)
{
    int pair = cells_a_place(w);
    if (has_gates(w)) {
        xbtab__text_add(text, "Vread vread 0 dc %.17g\n", w->v_read);
        if (alternates(w)) xbtab__text_add(text, "Vminus vminus 0 dc %.17g\n", -w->v_read);
        for (int k = 0; k < pair; k++) {
            for (int j = 0; j < w->columns; j++) compose_driven_line(text, w, k, j, pair, 0, w->rows / pair);
        }
    } else {
        for (int i = 0; i < w->rows; i++) compose_driven_line(text, w, i, 0, 0, 1, w->columns);
    }
    for (int j = 0; j < w->columns; j++) compose_sensed_line(text, w, j);
}

/* A resistor, or with gate inputs one that conducts where its gate is above 0 V. */
static void compose_resistor(xbtab__text *text, const xbtab__wiring *w, int i, int j, double G)
{
    char driven[XBTAB__NODE_SIZE], sensed[XBTAB__NODE_SIZE];
    xbtab__driven_node(driven, w, i, j);
    xbtab__sensed_node(sensed, w, i, j);
    if (has_gates(w)) {
        xbtab__text_add(text, "Xc%d_%d %s %s in%d xbtab_switched g=%.17g\n", i, j, driven, sensed, i, G);
    } else {
        xbtab__text_add(text, "Rc%d_%d %s %s %.17g\n", i, j, driven, sensed, 1.0 / G);
    }
}

void xbtab__compose_resistors(xbtab__text *text, const xbtab__wiring *w, const double *G)
{
    xbtab__compose_wires(text, w);
    for (int j = 0; j < w->columns; j++) xbtab__text_add(text, "Vt%d t%d 0 dc 0\n", j, j);
    if (has_gates(w)) {
        xbtab__text_add(text,
                        ".subckt xbtab_switched a b gate g=1\nBswitch a b I={g}*V(a,b)*(V(gate)>0 ? 1 : 0)\n"
                        ".ends xbtab_switched\n");
    }
    for (int i = 0; i < w->rows; i++) {
        for (int j = 0; j < w->columns; j++) {
            double g = G[(size_t)i * (size_t)w->columns + (size_t)j];
            if (g != 0) compose_resistor(text, w, i, j, g);
        }
    }
}

xbtab__wiring xbtab__wiring_of(const xbtab_spec *spec)
{
    return (xbtab__wiring){.rows = spec->rows,
                           .columns = spec->columns,
                           .array = spec->array,
                           .r_word = spec->r_word,
                           .r_bit = spec->r_bit,
                           .r_source_line = spec->r_source_line,
                           .r_driver = spec->r_driver,
                           .r_sink = spec->r_sink,
                           .v_read = spec->v_read};
}

static void compose_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state, bool is_metered)
{
    char gate[XBTAB__NODE_SIZE + 1] = "";
    xbtab__wiring wiring = xbtab__wiring_of(spec);
    xbtab__compose_models(text, spec);
    if (!has_gates(&wiring)) xbtab__compose_gate_supply(text, spec);
    xbtab__compose_wires(text, &wiring);
    for (int j = 0; j < spec->columns; j++) xbtab__compose_tia(text, spec, j);
    if (xbtab__compose_has_gate(spec)) snprintf(gate, sizeof gate, " gate");
    for (int i = 0; i < spec->rows; i++) {
        if (has_gates(&wiring)) snprintf(gate, sizeof gate, " in%d", i);
        for (int j = 0; j < spec->columns; j++) {
            char driven[XBTAB__NODE_SIZE], sensed[XBTAB__NODE_SIZE];
            double x = state[(size_t)i * (size_t)spec->columns + (size_t)j];
            if (isnan(x)) continue;
            xbtab__driven_node(driven, &wiring, i, j);
            xbtab__sensed_node(sensed, &wiring, i, j);
            if (is_metered) {
                xbtab__text_add(text, "Vc%d_%d c%d_%d %s dc 0\n", i, j, i, j, sensed);
                snprintf(sensed, sizeof sensed, "c%d_%d", i, j);
            }
            xbtab__text_add(text, "Xc%d_%d %s %s%s xbtab_cell state=%.17g\n", i, j, driven, sensed, gate, x);
        }
    }
}

void xbtab__compose_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state)
{
    compose_crossbar(text, spec, state, false);
}

void xbtab__compose_metered_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state)
{
    compose_crossbar(text, spec, state, true);
}
