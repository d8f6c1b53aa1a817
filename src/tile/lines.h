/* lines.h - all word lines, or all bit lines, of a crossbar: independent resistor ladders solved side by
 * side.
 *
 * A node's array has the layout [step][lane]: step along the line, lane = which line, so that every sweep
 * along the lines is a loop over lanes of contiguous numbers. A cell array has one entry a cell in the same
 * order; where a line is a single node, its cells' entries are summed onto it. */
#ifndef XBTAB_TILE_LINES_H
#define XBTAB_TILE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

typedef enum xbtab__lines_kind {
    XBTAB__LINES_FIXED,  /* no resistance at all: the line's voltage is given */
    XBTAB__LINES_SINGLE, /* no wire resistance: one node a line, behind its end resistance */
    XBTAB__LINES_LADDER  /* a node a cell */
} xbtab__lines_kind;

typedef struct xbtab__lines {
    xbtab__lines_kind kind;
    int n_lanes, n_cells; /* lines, and cells on each */
    int n_steps;          /* nodes of a line: n_cells or 1 */
    double g_wire,
        g_end; /* between neighbours, and between the end node and its source; 0 where there is none [S] */
    bool end_is_first; /* the end node is the first one (word lines), or the last one (bit lines) */
    double *diagonal;  /* with the cells' slopes on it, [step][lane] */
    double *inverse;   /* of the pivots */
} xbtab__lines;

/** Lines with r_wire a cell, and r_end more at their end. */
xbtab_status xbtab__lines_init(xbtab__lines *lines, int n_lanes, int n_cells, double r_wire, double r_end,
                               bool end_is_first) XBTAB_MUST_CHECK;
void xbtab__lines_clear(xbtab__lines *lines);

size_t xbtab__lines_size(const xbtab__lines *lines); /* entries of a node array */
size_t xbtab__lines_end(const xbtab__lines *lines);  /* where its end nodes begin */

/** y = A x, the wires alone. */
void xbtab__lines_apply(const xbtab__lines *lines, const double *x, double *y);

/** y = (A + D) x with the slopes of the last xbtab__lines_factor(). */
void xbtab__lines_apply_loaded(const xbtab__lines *lines, const double *x, double *y);

/** y += factor * (cell array summed onto the nodes). */
void xbtab__lines_add_sums(const xbtab__lines *lines, const double *restrict cell, double factor,
                           double *restrict y);

/** The node of each cell as a cell array: x itself for ladders, else spread into room. */
const double *xbtab__lines_expand(const xbtab__lines *lines, const double *x, double *room);

/** Factor A + D with D from the cells' slopes. */
void xbtab__lines_factor(xbtab__lines *lines, const double *slope);

/** x = (A + D)^-1 y. */
void xbtab__lines_solve(const xbtab__lines *lines, const double *y, double *x);

#endif
