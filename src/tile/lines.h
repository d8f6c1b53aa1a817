/* lines.h - all driven lines, or all sensed lines, of a crossbar: independent resistor ladders solved side
 * by side.
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

/** The ends of a line that are connected: bits. */
enum { XBTAB__END_FIRST = 1, XBTAB__END_LAST = 2 };

typedef struct xbtab__lines {
    xbtab__lines_kind kind;
    int n_lanes, n_cells; /* lines, and cells on each */
    int n_steps;          /* nodes of a line: one for each cells_per_step cells */
    int cells_per_step;
    double g_wire;          /* between neighbours; 0 where there is none [S] */
    double g_first, g_last; /* between the first and the last node and their sources, likewise */
    double *diagonal;       /* with the cells' slopes on it, [step][lane] */
    double *inverse;        /* of the pivots */
} xbtab__lines;

/** How the lines run. */
typedef struct xbtab__lines_plan {
    int n_lanes, n_cells;
    int cells_per_step; /* cells that share a node of a ladder */
    double r_wire;      /* of a step, the ones at the ends included [ohm] */
    double r_end;       /* more at each connected end */
    int ends;           /* at least one of XBTAB__END_FIRST and XBTAB__END_LAST */
} xbtab__lines_plan;

xbtab_status xbtab__lines_init(xbtab__lines *lines, const xbtab__lines_plan *plan) XBTAB_MUST_CHECK;
void xbtab__lines_clear(xbtab__lines *lines);

size_t xbtab__lines_size(const xbtab__lines *lines); /* entries of a node array */
size_t xbtab__lines_last(const xbtab__lines *lines); /* where its last nodes begin; the first ones are at 0 */

/** y = A x, the wires alone. */
void xbtab__lines_apply(const xbtab__lines *lines, const double *x, double *y);

/** y = (A + D) x with the slopes of the last xbtab__lines_factor(). */
void xbtab__lines_apply_loaded(const xbtab__lines *lines, const double *x, double *y);

/** y -= what flows in from sources of V[n_lanes] at the connected ends. */
void xbtab__lines_subtract_sources(const xbtab__lines *lines, const double *V, double *y);

/** y += factor * (cell array summed onto the nodes). */
void xbtab__lines_add_sums(const xbtab__lines *lines, const double *restrict cell, double factor,
                           double *restrict y);

/** The node of each cell as a cell array: x itself where each cell has a node, else spread into room. */
const double *xbtab__lines_expand(const xbtab__lines *lines, const double *x, double *room);

/** Factor A + D with D from the cells' slopes. @param end  end[n_lanes]: more at each line's connected end,
 * of lines that have one; NULL = nothing. */
void xbtab__lines_factor(xbtab__lines *lines, const double *slope, const double *end);

/** x = (A + D)^-1 y. */
void xbtab__lines_solve(const xbtab__lines *lines, const double *y, double *x);

/** Of lines at node voltages x with sources V[n_lanes] at their ends, cells that take sign * cell off each
 * line, and their slopes: by how much a line's cells would change if the whole of it moved to where its
 * currents add up, the most of all lines. @param[in,out] largest_line  raised to the largest sum of a line's
 * cells. */
double xbtab__lines_imbalance(const xbtab__lines *lines, const double *x, const double *V, const double *cell,
                              const double *slope, double sign, double *largest_line);

#endif
