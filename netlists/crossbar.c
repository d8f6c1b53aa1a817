/* crossbar.c - the whole array as SPICE text.
 *
 * Word line i: in<i>, r_driver, then r_word for each cell's length; bit line j: r_bit for each cell's length,
 * then r_sink, the ammeter vs<j> and the TIA. A resistance of 0 ohm is no element: its two nodes are one,
 * because ngspice would silently make it 1 mohm. */
#include <math.h>
#include <stdio.h>

#include "compose_private.h"

void xbtab__word_node(char *out, const xbtab__array *array, int i, int j)
{
    if (array->r_word > 0) {
        snprintf(out, XBTAB__NODE_SIZE, "w%d_%d", i, j);
    } else {
        snprintf(out, XBTAB__NODE_SIZE, array->r_driver > 0 ? "w%d" : "in%d", i);
    }
}

void xbtab__bit_node(char *out, const xbtab__array *array, int i, int j)
{
    if (array->r_bit > 0) {
        snprintf(out, XBTAB__NODE_SIZE, "b%d_%d", i, j);
    } else {
        snprintf(out, XBTAB__NODE_SIZE, "b%d", j);
    }
}

static void compose_word_line(xbtab__text *text, const xbtab__array *array, int i)
{
    char before[XBTAB__NODE_SIZE], node[XBTAB__NODE_SIZE];
    snprintf(before, sizeof before, "in%d", i);
    if (array->r_driver > 0) {
        if (array->r_word > 0) {
            snprintf(node, sizeof node, "d%d", i);
        } else {
            xbtab__word_node(node, array, i, 0);
        }
        xbtab__text_add(text, "Rdriver%d %s %s %.17g\n", i, before, node, array->r_driver);
        snprintf(before, sizeof before, "%s", node);
    }
    for (int j = 0; j < array->columns && array->r_word > 0; j++) {
        xbtab__word_node(node, array, i, j);
        xbtab__text_add(text, "Rw%d_%d %s %s %.17g\n", i, j, before, node, array->r_word);
        snprintf(before, sizeof before, "%s", node);
    }
}

static void compose_bit_line(xbtab__text *text, const xbtab__array *array, int j)
{
    char node[XBTAB__NODE_SIZE], next[XBTAB__NODE_SIZE];
    xbtab__bit_node(node, array, 0, j);
    for (int i = 0; i < array->rows && array->r_bit > 0; i++) {
        xbtab__bit_node(next, array, i + 1, j);
        if (i + 1 == array->rows) snprintf(next, sizeof next, "f%d", j);
        xbtab__text_add(text, "Rb%d_%d %s %s %.17g\n", i, j, node, next, array->r_bit);
        snprintf(node, sizeof node, "%s", next);
    }
    if (array->r_sink > 0) {
        snprintf(next, sizeof next, "s%d", j);
        xbtab__text_add(text, "Rsink%d %s %s %.17g\n", j, node, next, array->r_sink);
        snprintf(node, sizeof node, "%s", next);
    }
    xbtab__text_add(text, "Vs%d %s t%d dc 0\n", j, node, j);
}

void xbtab__compose_wires(xbtab__text *text, const xbtab__array *array)
{
    for (int i = 0; i < array->rows; i++) compose_word_line(text, array, i);
    for (int j = 0; j < array->columns; j++) compose_bit_line(text, array, j);
}

void xbtab__compose_resistors(xbtab__text *text, const xbtab__array *array, const double *G)
{
    xbtab__compose_wires(text, array);
    for (int j = 0; j < array->columns; j++) xbtab__text_add(text, "Vt%d t%d 0 dc 0\n", j, j);
    for (int i = 0; i < array->rows; i++) {
        for (int j = 0; j < array->columns; j++) {
            char word[XBTAB__NODE_SIZE], bit[XBTAB__NODE_SIZE];
            double g = G[(size_t)i * (size_t)array->columns + (size_t)j];
            if (g == 0) continue;
            xbtab__word_node(word, array, i, j);
            xbtab__bit_node(bit, array, i, j);
            xbtab__text_add(text, "Rc%d_%d %s %s %.17g\n", i, j, word, bit, 1.0 / g);
        }
    }
}

static void compose_crossbar(xbtab__text *text, const xbtab_spec *spec, const double *state, bool is_metered)
{
    const char *gate = xbtab__compose_has_gate(spec) ? " gate" : "";
    xbtab__array array = {spec->rows, spec->columns, spec->r_word, spec->r_bit, spec->r_driver, spec->r_sink};
    xbtab__compose_models(text, spec);
    xbtab__compose_gate_supply(text, spec);
    xbtab__compose_wires(text, &array);
    for (int j = 0; j < spec->columns; j++) xbtab__compose_tia(text, spec, j);
    for (int i = 0; i < spec->rows; i++) {
        for (int j = 0; j < spec->columns; j++) {
            char word[XBTAB__NODE_SIZE], bit[XBTAB__NODE_SIZE];
            double x = state[(size_t)i * (size_t)spec->columns + (size_t)j];
            if (isnan(x)) continue;
            xbtab__word_node(word, &array, i, j);
            xbtab__bit_node(bit, &array, i, j);
            if (is_metered) {
                xbtab__text_add(text, "Vc%d_%d %s c%d_%d dc 0\n", i, j, word, i, j);
                snprintf(word, sizeof word, "c%d_%d", i, j);
            }
            xbtab__text_add(text, "Xc%d_%d %s %s%s xbtab_cell state=%.17g\n", i, j, word, bit, gate, x);
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
