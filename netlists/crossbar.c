/* crossbar.c - the whole array as SPICE text.
 *
 * Word line i: in<i>, r_driver, then r_word for each cell's length; bit line j: r_bit for each cell's length,
 * then r_sink, the ammeter vs<j> and the TIA. A resistance of 0 ohm is no element: its two nodes are one,
 * because ngspice would silently make it 1 mohm. */
#include <math.h>
#include <stdio.h>

#include "compose_private.h"

enum { NODE_SIZE = 32 };

static void word_node(char *out, const xbtab_spec *spec, int i, int j)
{
    if (spec->r_word > 0) {
        snprintf(out, NODE_SIZE, "w%d_%d", i, j);
    } else {
        snprintf(out, NODE_SIZE, spec->r_driver > 0 ? "w%d" : "in%d", i);
    }
}

static void bit_node(char *out, const xbtab_spec *spec, int i, int j)
{
    if (spec->r_bit > 0) {
        snprintf(out, NODE_SIZE, "b%d_%d", i, j);
    } else {
        snprintf(out, NODE_SIZE, "b%d", j);
    }
}

static void compose_word_line(xbtab__text *text, const xbtab_spec *spec, int i)
{
    char before[NODE_SIZE], node[NODE_SIZE];
    snprintf(before, sizeof before, "in%d", i);
    if (spec->r_driver > 0) {
        if (spec->r_word > 0) {
            snprintf(node, sizeof node, "d%d", i);
        } else {
            word_node(node, spec, i, 0);
        }
        xbtab__text_add(text, "Rdriver%d %s %s %.17g\n", i, before, node, spec->r_driver);
        snprintf(before, sizeof before, "%s", node);
    }
    for (int j = 0; j < spec->columns && spec->r_word > 0; j++) {
        word_node(node, spec, i, j);
        xbtab__text_add(text, "Rw%d_%d %s %s %.17g\n", i, j, before, node, spec->r_word);
        snprintf(before, sizeof before, "%s", node);
    }
}

static void compose_bit_line(xbtab__text *text, const xbtab_spec *spec, int j)
{
    char node[NODE_SIZE], next[NODE_SIZE];
    bit_node(node, spec, 0, j);
    for (int i = 0; i < spec->rows && spec->r_bit > 0; i++) {
        bit_node(next, spec, i + 1, j);
        if (i + 1 == spec->rows) snprintf(next, sizeof next, "f%d", j);
        xbtab__text_add(text, "Rb%d_%d %s %s %.17g\n", i, j, node, next, spec->r_bit);
        snprintf(node, sizeof node, "%s", next);
    }
    if (spec->r_sink > 0) {
        snprintf(next, sizeof next, "s%d", j);
        xbtab__text_add(text, "Rsink%d %s %s %.17g\n", j, node, next, spec->r_sink);
        snprintf(node, sizeof node, "%s", next);
    }
    xbtab__text_add(text, "Vs%d %s t%d dc 0\n", j, node, j);
    xbtab__compose_tia(text, spec, j);
}

void xbtab__compose_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state)
{
    const char *gate = xbtab__compose_has_gate(spec) ? " gate" : "";
    xbtab__compose_models(text, spec);
    xbtab__compose_gate_supply(text, spec);
    for (int i = 0; i < spec->rows; i++) compose_word_line(text, spec, i);
    for (int j = 0; j < spec->columns; j++) compose_bit_line(text, spec, j);
    for (int i = 0; i < spec->rows; i++) {
        for (int j = 0; j < spec->columns; j++) {
            char word[NODE_SIZE], bit[NODE_SIZE];
            double x = state[(size_t)i * (size_t)spec->columns + (size_t)j];
            if (isnan(x)) continue;
            word_node(word, spec, i, j);
            bit_node(bit, spec, i, j);
            xbtab__text_add(text, "Xc%d_%d %s %s%s xbtab_cell state=%.17g\n", i, j, word, bit, gate, x);
        }
    }
}
