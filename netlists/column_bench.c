/* column_bench.c - the column that is farthest from the drivers, in time.
 *
 * Word lines that carry the current: every one is an RC ladder from its driver to the column, or two from
 * both of its drivers to the column in the middle, with the other columns' cells as conductances into ground,
 * where their own TIAs hold them; the column's cells are whole ones; its bit line is an RC ladder with a node
 * a cell, down to sink and TIA. All word lines are alike, so that sensing at the top is the same circuit
 * upside down. With alternating polarity the lines of one sign step, and the others stay at 0 V.
 *
 * Gate inputs: every word line is an RC ladder to the gates of the last column, which draw no current; the
 * column has its bit lines and its source line as they are, with their drivers and sense end. With
 * alternating polarity the cells of one sign switch, and the others' gates stay at the lowest voltage.
 *
 * A word line's ladder has a few sections, each of several cells' length: a line of n equal sections settles
 * like the smooth line but for a share of 1/n^2. So does a column of very many rows: neighbouring rows of one
 * sign make a group, whose word lines are one line in parallel and whose cells share a place of the bit line,
 * in the middle of the group. */
#include <stdio.h>
#include <string.h>

#include "compose_private.h"

enum { MOST_SECTIONS = 16, MOST_GROUPS = 512 };

/* Groups of a column; as many of either sign. */
static int groups_of(const xbtab_spec *spec)
{
    return spec->rows <= 2 * MOST_GROUPS ? spec->rows : MOST_GROUPS;
}

static int rows_of(const xbtab_spec *spec, int group)
{
    long n = groups_of(spec), rows = spec->rows;
    return (int)((group + 1) * rows / n - group * rows / n);
}

/* Rows from one group's place to the next. */
static double pitch_of(const xbtab_spec *spec)
{
    return (double)spec->rows / groups_of(spec);
}

/* A resistor to a new node, or none: the node before stands for both. */
static void add_resistor(xbtab__text *text, char *node, const char *next, const char *name, int i, int k,
                         double R)
{
    if (!(R > 0)) return;
    xbtab__text_add(text, "R%s%d_%d %s %s %.17g\n", name, i, k, node, next, R);
    snprintf(node, XBTAB__NODE_SIZE, "%s", next);
}

static void add_capacitor(xbtab__text *text, const char *node, const char *name, int i, int k, double C)
{
    if (C > 0) xbtab__text_add(text, "C%s%d_%d %s 0 %.17g\n", name, i, k, node, C);
}

/* One ladder of a word line. */
typedef struct ladder {
    const char *name, *from; /* of its elements; the node where it starts */
    int cells, loads;        /* its length; cells whose capacitance hangs on it */
    int others;              /* cells of other columns that conduct on it */
    int lines;               /* that are one in parallel */
    double r_driver, G_other;
} ladder;

/* The last node's name goes into node[XBTAB__NODE_SIZE]. */
static void compose_ladder(xbtab__text *text, const xbtab_spec *spec, int i, const ladder *l, char *node)
{
    int n = l->cells < MOST_SECTIONS ? l->cells : MOST_SECTIONS;
    char next[XBTAB__NODE_SIZE], driver[16];
    snprintf(node, XBTAB__NODE_SIZE, "%s", l->from);
    snprintf(next, sizeof next, "d%s%d", l->name, i);
    snprintf(driver, sizeof driver, "driver%s", l->name);
    add_resistor(text, node, next, driver, i, 0, l->r_driver / l->lines);
    for (int k = 0; k < n; k++) {
        double others = l->lines * l->G_other * l->others / n;
        snprintf(next, sizeof next, "%s%d_%d", l->name, i, k);
        add_resistor(text, node, next, l->name, i, k, (double)l->cells / n * spec->r_word / l->lines);
        add_capacitor(text, node, l->name, i, k, l->lines * (double)l->loads / n * spec->wire.c_word);
        if (others > 0) xbtab__text_add(text, "Ro%s%d_%d %s 0 %.17g\n", l->name, i, k, node, 1.0 / others);
    }
}

static void compose_word_line(xbtab__text *text, const xbtab_spec *spec, int i, const char *from,
                              double G_other, char *node)
{
    bool from_both = spec->array.drive == XBTAB_DRIVE_BOTH;
    int near = from_both ? spec->columns / 2 + 1 : spec->columns, far = spec->columns - near + 1;
    const ladder first = {"w", from, near, near, near - 1, rows_of(spec, i), spec->r_driver, G_other};
    compose_ladder(text, spec, i, &first, node);
    if (!from_both) return;
    char other[XBTAB__NODE_SIZE];
    const ladder second = {"v", from, far, far - 1, far - 1, rows_of(spec, i), spec->r_driver, G_other};
    compose_ladder(text, spec, i, &second, other);
    if (strcmp(node, other) != 0) xbtab__text_add(text, "Vj%d %s %s dc 0\n", i, node, other);
}

/* The cells of a group, side by side. */
static void add_cells(xbtab__text *text, const xbtab_spec *spec, int i, const char *driven,
                      const char *sensed, const char *gate, double state)
{
    for (int k = 0; k < rows_of(spec, i); k++)
        xbtab__text_add(text, "Xc%d_%d %s %s%s xbtab_cell state=%.17g\n", i, k, driven, sensed, gate, state);
}

static void compose_lines(xbtab__text *text, const xbtab_spec *spec, const char *source, double state,
                          double G_other)
{
    const char *gate = xbtab__compose_has_gate(spec) ? " gate" : "";
    bool alternates = spec->array.polarity == XBTAB_POLARITY_ALTERNATING;
    char bit[XBTAB__NODE_SIZE] = "b0", word[XBTAB__NODE_SIZE], next[XBTAB__NODE_SIZE];
    xbtab__compose_gate_supply(text, spec);
    xbtab__text_add(text, "Vi0 in0 0 %s\n", source);
    if (alternates) xbtab__text_add(text, "Vrest rest 0 dc 0\n");
    int n = groups_of(spec);
    double pitch = pitch_of(spec);
    for (int i = 0; i < n; i++) {
        compose_word_line(text, spec, i, alternates && i % 2 ? "rest" : "in0", G_other, word);
        add_cells(text, spec, i, word, bit, gate, state);
        add_capacitor(text, bit, "b", 0, i, rows_of(spec, i) * spec->wire.c_bit);
        snprintf(next, sizeof next, "b%d", i + 1);
        double rows = i + 1 < n ? pitch : 0.5 * (pitch + 1); /* a group's middle to the foot */
        add_resistor(text, bit, next, "b", 0, i, rows * spec->r_bit);
    }
    add_resistor(text, bit, "s0", "sink", 0, 0, spec->r_sink);
    xbtab__text_add(text, "Vs0 %s t0 dc 0\n", bit);
}

static void compose_gates(xbtab__text *text, const xbtab_spec *spec, const char *source, double state)
{
    bool alternates = spec->array.polarity == XBTAB_POLARITY_ALTERNATING;
    xbtab__wiring column = xbtab__wiring_of(spec);
    column.columns = 1;
    column.rows = groups_of(spec);
    column.r_bit *= pitch_of(spec);
    column.r_source_line *= pitch_of(spec);
    xbtab__compose_wires(text, &column);
    xbtab__text_add(text, "Vi0 in0 0 %s\nVrest rest 0 dc %.17g\n", source, spec->V_gate[0]);
    for (int i = 0; i < column.rows; i++) {
        char gate[XBTAB__NODE_SIZE + 1] = " ", driven[XBTAB__NODE_SIZE], sensed[XBTAB__NODE_SIZE];
        bool rests = alternates && i % 2;
        const ladder line = {
            "g", rests ? "rest" : "in0", spec->columns, spec->columns, 0, rows_of(spec, i), 0, 0};
        compose_ladder(text, spec, i, &line, gate + 1);
        xbtab__driven_node(driven, &column, i, 0);
        xbtab__sensed_node(sensed, &column, i, 0);
        add_cells(text, spec, i, driven, sensed, gate, state);
        double C = rows_of(spec, i) * spec->wire.c_bit;
        add_capacitor(text, driven, "d", 0, i, C);
        if (!rests) add_capacitor(text, sensed, "q", 0, i, C); /* a pair has one place there */
    }
}

void xbtab__compose_column_bench(xbtab__text *text, const xbtab_spec *spec, const char *source, double state,
                                 double G_other)
{
    xbtab__compose_models(text, spec);
    if (xbtab_array_has_gates(&spec->array)) {
        compose_gates(text, spec, source, state);
    } else {
        compose_lines(text, spec, source, state, G_other);
    }
    xbtab__compose_tia(text, spec, 0);
}
