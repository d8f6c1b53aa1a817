/* test_netlist.c - the wires of an array as SPICE text: every cell is as many segments from its source and
 * from its amplifier as array.h draws them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compose.h"

enum { MOST_NODES = 128 };

/* The resistors of a netlist as a matrix of conductances between named nodes; sources of 0 V join theirs. */
typedef struct network {
    char name[MOST_NODES][XBTAB__NODE_SIZE];
    double G[MOST_NODES][MOST_NODES];
    int n;
} network;

static int node_of(network *w, const char *name)
{
    for (int k = 0; k < w->n; k++) {
        if (strcmp(w->name[k], name) == 0) return k;
    }
    assert_true(w->n < MOST_NODES);
    snprintf(w->name[w->n], sizeof w->name[0], "%s", name);
    return w->n++;
}

static const double joined = 1e9; /* conductance of a source of 0 V [S] */

static void read_netlist(network *w, const char *text)
{
    memset(w, 0, sizeof *w);
    char line[256];
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        char element[64], a[XBTAB__NODE_SIZE], b[XBTAB__NODE_SIZE], word[32];
        double value = 0;
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        if (line[0] == 'R' && sscanf(line, "%63s %31s %31s %lf", element, a, b, &value) == 4) {
            assert_true(value > 0);
            value = 1 / value;
        } else if (line[0] == 'V' &&
                   sscanf(line, "%63s %31s %31s %31s %lf", element, a, b, word, &value) == 5) {
            assert_string_equal(word, "dc");
            if (value != 0) continue; /* a supply: its node is a source of its own */
            value = joined;
        } else {
            fail_msg("no element: %s", line);
        }
        int i = node_of(w, a), j = node_of(w, b);
        w->G[i][j] += value;
        w->G[j][i] += value;
    }
}

/* Resistance between two nodes, by Gauss's elimination on Kirchhoff's law: 1 A from one to the other. */
static double resistance(network *w, const char *from, const char *to)
{
    static double A[MOST_NODES][MOST_NODES + 1];
    int a = node_of(w, from), b = node_of(w, to), n = w->n;
    if (a == b) return 0;
    for (int i = 0; i < n; i++) {
        double sum = 1e-12; /* [S] to somewhere: islands have a solution too */
        for (int j = 0; j < n; j++) {
            A[i][j] = -w->G[i][j];
            sum += w->G[i][j];
        }
        A[i][i] += sum;
        A[i][n] = i == a;
        if (i == b) {
            for (int j = 0; j < n; j++) A[i][j] = j == b; /* at 0 V */
            A[i][n] = 0;
        }
    }
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k; i < n; i++) pivot = fabs(A[i][k]) > fabs(A[pivot][k]) ? i : pivot;
        for (int j = 0; j <= n; j++) {
            double x = A[k][j];
            A[k][j] = A[pivot][j];
            A[pivot][j] = x;
        }
        for (int i = 0; i < n; i++) {
            double f = i == k ? 0 : A[i][k] / A[k][k];
            for (int j = k; j <= n && f != 0; j++) A[i][j] -= f * A[k][j];
        }
    }
    return A[a][n] / A[a][a];
}

static void same(const xbtab__wiring *w, int i, int j, const char *what, double found, double wanted)
{
    if (fabs(found - wanted) > 1e-6 * (1 + wanted)) {
        fail_msg("cell (%d, %d), %s: %.9g ohm, %.9g wanted (topology %d, polarity %d, drive %d, sense %d)", i,
                 j, what, found, wanted, (int)w->array.topology, (int)w->array.polarity, (int)w->array.drive,
                 (int)w->array.sense);
    }
}

/* From the source through the driver and n segments; of a line driven at both ends, through both. */
static double from_source(const xbtab__wiring *w, double r, int place, int places)
{
    double first = w->r_driver + r * (place + 1), last = w->r_driver + r * (places - place);
    if (w->array.drive == XBTAB_DRIVE_FIRST) return first;
    if (w->array.drive == XBTAB_DRIVE_LAST) return last;
    return first + last > 0 ? first * last / (first + last) : 0;
}

static void check_cells(const xbtab__wiring *w, network *net)
{
    const bool has_gates = w->array.topology == XBTAB_TOPOLOGY_GATE_INPUT;
    const bool alternates = w->array.polarity == XBTAB_POLARITY_ALTERNATING;
    const int pair = has_gates && alternates ? 2 : 1;
    for (int i = 0; i < w->rows; i++) {
        for (int j = 0; j < w->columns; j++) {
            char driven[XBTAB__NODE_SIZE], sensed[XBTAB__NODE_SIZE], source[XBTAB__NODE_SIZE],
                end[XBTAB__NODE_SIZE];
            xbtab__driven_node(driven, w, i, j);
            xbtab__sensed_node(sensed, w, i, j);
            snprintf(source, sizeof source, has_gates ? (pair == 2 && i % 2 ? "vminus" : "vread") : "in%d",
                     i);
            snprintf(end, sizeof end, "t%d", j);
            double wanted = has_gates ? from_source(w, w->r_bit, i / pair, w->rows / pair)
                                      : from_source(w, w->r_word, j, w->columns);
            same(w, i, j, "source", resistance(net, source, driven), wanted);
            double r = has_gates ? w->r_source_line : w->r_bit;
            int segments =
                w->array.sense == XBTAB_SENSE_BOTTOM ? (w->rows - i + pair - 1) / pair : i / pair + 1;
            same(w, i, j, "amplifier", resistance(net, sensed, end), r * segments + w->r_sink);
        }
    }
}

static void every_cell_is_as_far_as_the_drawing_says(void **state)
{
    (void)state;
    static const double lines[][5] = {/* word, bit, source line, driver, sink */
                                      {2.385, 3.7, 1.9, 20, 10},
                                      {2.385, 0, 1.9, 0, 0},
                                      {0, 3.7, 0, 20, 0},
                                      {0, 0, 0, 0, 10},
                                      {1.1, 3.7, 2.2, 0, 5}};
    static network net;
    for (int k = 0; k < 5 * 24; k++) {
        const double *r = lines[k / 24];
        const xbtab_array array = {.topology = (xbtab_topology)(k % 2),
                                   .polarity = (xbtab_polarity)(k / 2 % 2),
                                   .sense = (xbtab_sense)(k / 4 % 2),
                                   .drive = (xbtab_drive)(k / 8 % 3)};
        const xbtab__wiring w = {.rows = 6,
                                 .columns = 5,
                                 .array = array,
                                 .r_word = r[0],
                                 .r_bit = r[1],
                                 .r_source_line = r[2],
                                 .r_driver = r[3],
                                 .r_sink = r[4],
                                 .v_read = 0.2};
        xbtab__text text = {0};
        xbtab__compose_wires(&text, &w);
        assert_int_equal(xbtab__text_status(&text), XBTAB_OK);
        read_netlist(&net, text.s);
        check_cells(&w, &net);
        xbtab__text_clear(&text);
    }
}

/* One resistor a cell, of its conductance, between its two nodes; none where it is open. */
static void cells_hang_between_their_lines(void **state)
{
    (void)state;
    enum { ROWS = 3, COLUMNS = 4 };
    const xbtab__wiring w = {
        .rows = ROWS, .columns = COLUMNS, .r_word = 2, .r_bit = 3, .r_driver = 20, .r_sink = 10};
    double G[ROWS * COLUMNS];
    xbtab__text text = {0};
    for (int c = 0; c < ROWS * COLUMNS; c++) G[c] = c % 5 == 2 ? 0 : 1e-6 * (c + 0.385);
    xbtab__compose_resistors(&text, &w, G);
    assert_int_equal(xbtab__text_status(&text), XBTAB_OK);
    for (int c = 0; c < ROWS * COLUMNS; c++) {
        char element[64], driven[XBTAB__NODE_SIZE], sensed[XBTAB__NODE_SIZE], line[160], a[32], b[32];
        double R = 0;
        xbtab__driven_node(driven, &w, c / COLUMNS, c % COLUMNS);
        xbtab__sensed_node(sensed, &w, c / COLUMNS, c % COLUMNS);
        snprintf(element, sizeof element, "\nRc%d_%d ", c / COLUMNS, c % COLUMNS);
        const char *at = strstr(text.s, element);
        assert_true(!at == (G[c] == 0));
        if (!at) continue;
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
        assert_int_equal(sscanf(line, "%*s %31s %31s %lf", a, b, &R), 3);
        assert_string_equal(a, driven);
        assert_string_equal(b, sensed);
        assert_true(fabs(R * G[c] - 1) < 1e-14);
    }
    xbtab__text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_as_far_as_the_drawing_says),
        cmocka_unit_test(cells_hang_between_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
