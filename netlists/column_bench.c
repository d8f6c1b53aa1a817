/* column_bench.c - the column that is farthest from the drivers, in time.
 *
 * Every word line is an RC ladder from its driver to the column, with the other columns' cells as
 * conductances into ground, where their own TIAs hold them; the column's cells are whole ones; its bit line
 * is an RC ladder with a node a cell, down to sink and TIA. A word line's ladder has a few sections, each of
 * several cells' length: a line of n equal sections settles like the smooth line but for a share of 1/n^2. */
#include <stdio.h>

#include "compose_private.h"

enum { MOST_SECTIONS = 16 };

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

/* From node in0 to the column; the last node's name goes into node[XBTAB__NODE_SIZE]. */
static void compose_word_line(xbtab__text *text, const xbtab_spec *spec, int i, double G_other, char *node)
{
    int n = spec->columns < MOST_SECTIONS ? spec->columns : MOST_SECTIONS;
    double cells = (double)spec->columns / n;
    char next[XBTAB__NODE_SIZE];
    snprintf(node, XBTAB__NODE_SIZE, "in0");
    snprintf(next, sizeof next, "d%d", i);
    add_resistor(text, node, next, "driver", i, 0, spec->r_driver);
    for (int k = 0; k < n; k++) {
        double others = G_other * (spec->columns - 1) / n;
        snprintf(next, sizeof next, "w%d_%d", i, k);
        add_resistor(text, node, next, "w", i, k, cells * spec->r_word);
        add_capacitor(text, node, "w", i, k, cells * spec->wire.c_word);
        if (others > 0) xbtab__text_add(text, "Ro%d_%d %s 0 %.17g\n", i, k, node, 1.0 / others);
    }
}

void xbtab__compose_column_bench(xbtab__text *text, const xbtab_spec *spec, const char *source, double state,
                                 double G_other)
{
    const char *gate = xbtab__compose_has_gate(spec) ? " gate" : "";
    char bit[XBTAB__NODE_SIZE] = "b0", word[XBTAB__NODE_SIZE], next[XBTAB__NODE_SIZE];
    xbtab__compose_models(text, spec);
    xbtab__compose_gate_supply(text, spec);
    xbtab__text_add(text, "Vi0 in0 0 %s\n", source);
    for (int i = 0; i < spec->rows; i++) {
        compose_word_line(text, spec, i, G_other, word);
        xbtab__text_add(text, "Xc%d %s %s%s xbtab_cell state=%.17g\n", i, word, bit, gate, state);
        add_capacitor(text, bit, "b", 0, i, spec->wire.c_bit);
        snprintf(next, sizeof next, "b%d", i + 1);
        add_resistor(text, bit, next, "b", 0, i, spec->r_bit);
    }
    add_resistor(text, bit, "s0", "sink", 0, 0, spec->r_sink);
    xbtab__text_add(text, "Vs0 %s t0 dc 0\n", bit);
    xbtab__compose_tia(text, spec, 0);
}
