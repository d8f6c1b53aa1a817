/* circuit.h - the wire network of one crossbar and its exact solution.
 *
 * Unknowns are the voltages of each cell's two ends. The driven lines are the word lines, or with gate inputs
 * the bit lines; they start at their inputs through r_driver and one segment, at one end or at both, and have
 * one segment between neighbouring cells. The sensed lines are the bit lines, or with gate inputs the source
 * lines; they end through one segment and r_foot at V_foot. A resistance of 0 is exact: with r_word = 0 a
 * word line is one node, and with r_driver = 0 as well it is the input itself; the same for the others.
 *
 * Method: Newton's iteration on Kirchhoff's current law. Its linear step eliminates the sensed lines, which
 * are independent tridiagonal systems once the driven lines' voltages are fixed; conjugate gradients solve
 * what remains for the driven lines, preconditioned by exact tridiagonal solves of them. All sweeps run over
 * lines as vector lanes. */
#ifndef XBTAB_TILE_CIRCUIT_H
#define XBTAB_TILE_CIRCUIT_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/array.h>

#include "cell_table.h"
#include "check.h"

/** The wires. */
typedef struct xbtab__wires {
    int rows, columns;
    xbtab_array array;
    double r_word, r_bit, r_source_line; /* of a segment; r_word is not used with gate inputs, r_source_line
                                            only with them [ohm] */
    double r_driver;
    double r_foot; /* sink, and the TIA's input resistance [ohm] */
    double V_foot; /* voltage behind it: the TIA's input offset [V] */
    /** What the TIA's input adds to that straight line, as a function of the current, and its slope [V, ohm];
     * NULL = nothing. With r_foot's own the slope must not fall below 0. */
    double (*V_bend)(const void *context, double I, double *slope);
    const void *bend_context;
} xbtab__wires;

/** The cells: either conductances, or cells of a table. */
typedef struct xbtab__cells {
    const double *G; /* G[rows][columns] [S], 0 = open; NULL: table and cell */
    const xbtab__cell_table *table;
    const xbtab__cell *cell; /* cell[rows][columns] */
    const uint8_t *gate;     /* gate[rows]: with gate inputs, each word line's code; conductances are open at
                                code 0. NULL without */
} xbtab__cells;

/** Driven lines: rows, or with gate inputs the columns' bit lines, those at +V first and then those at -V. */
size_t xbtab__wires_inputs(const xbtab__wires *wires);

/** Working memory for one circuit at a time; one a thread. */
typedef struct xbtab__solver xbtab__solver;

typedef struct xbtab__solve_report {
    int newton_steps, cg_steps;
    double residual;  /* largest sum of currents at a node [A] */
    double tolerance; /* what it had to be below [A] */
    long outside;     /* cells whose voltage left the table */
} xbtab__solve_report;

xbtab_status xbtab__solver_create(xbtab__solver **out, const xbtab__wires *wires) XBTAB_MUST_CHECK;
size_t xbtab__solver_bytes(size_t rows, size_t columns); /* what one takes */
void xbtab__solver_destroy(xbtab__solver **solver);

/** Solve for the driven lines' voltages V[xbtab__wires_inputs()].
 *  @param[out] I_out  I_out[columns]: currents at the sensed lines' feet [A].
 *  @return XBTAB_ERR_SOLVE where the residual does not get below 1e-9 of the largest cell current (or below
 * what double precision allows on very small wire resistances). */
xbtab_status xbtab__solver_run(xbtab__solver *solver, const xbtab__cells *cells, const double *V,
                               double *I_out, xbtab__solve_report *report) XBTAB_MUST_CHECK;

/** Voltages of the last solution: at cell (i, j)'s end on the driven line, and on the sensed line [V]. */
double xbtab__solver_word_voltage(const xbtab__solver *solver, int i, int j);
double xbtab__solver_bit_voltage(const xbtab__solver *solver, int i, int j);

/** Current of cell (i, j) of the last solution, driven line to sensed line [A]. */
double xbtab__solver_current(const xbtab__solver *solver, int i, int j);

/** How wrong the last solution, of V, is because a whole line's currents do not add up to what its ends
 * carry: the most that any line's cells would change if it moved to where they do [A]. Where wires of very
 * little resistance stand behind very large ones, rounding hides the line's own voltage from the nodes' sums,
 * which the iteration makes small; this sees it. @param[out] largest_line  current of any line [A]. */
double xbtab__solver_imbalance(const xbtab__solver *solver, const double *V, double *largest_line);

/** Linear cells, without gate inputs: I_out[j] = sum_i Geff[i][j] V_i + I_const[j].
 *  @param      G        G[rows][columns] [S].
 *  @param[out] Geff     Geff[rows][columns] [S]; relative error below 1e-7.
 *  @param[out] I_const  I_const[columns]: with all inputs at 0 [A]. */
xbtab_status xbtab__solver_effective(xbtab__solver *solver, const double *G, double *Geff,
                                     double *I_const) XBTAB_MUST_CHECK;

#endif
