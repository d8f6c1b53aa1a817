/* solve.h - currents and voltages of one crossbar, exactly.
 *
 * Word line i is driven at its left end by V through r_source; each word-line segment, the one from the
 * source to the first cell included, has r_word. Each bit-line segment, the one from the last cell to ground
 * included, has r_bit; r_sink stands between a bit line's lower end and (virtual) ground. Resistances of 0
 * ohm and open devices are exact. Other circuits: array.h. With gate inputs the voltages are the gates':
 * linear devices conduct above 0 V, the cells of tables have one of the tables' gate voltages. */
#ifndef XBARTAB_SOLVE_H
#define XBARTAB_SOLVE_H

#include <stddef.h>

#include <xbartab/array.h>
#include <xbartab/status.h>
#include <xbartab/tile.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a circuit may be made of. Far beyond any wire and device, and well inside what the solver's arithmetic
 * holds apart: products and quotients of these neither overflow nor lose the currents to rounding. */
#define XBTAB_SOLVE_LEAST_OHM 1e-6      /* of a wire, driver or sink that is not 0 [ohm] */
#define XBTAB_SOLVE_MOST_OHM 1e9        /* [ohm] */
#define XBTAB_SOLVE_LEAST_SIEMENS 1e-18 /* of a device that is not open [S] */
#define XBTAB_SOLVE_MOST_SIEMENS 1e6    /* [S] */
#define XBTAB_SOLVE_MOST_VOLT 1e3       /* of an input, either sign [V] */

/** Whether a wire, driver or sink may have so many ohm: 0, or from XBTAB_SOLVE_LEAST_OHM to
 * XBTAB_SOLVE_MOST_OHM. Not for NAN. */
static inline int xbtab_solve_takes_ohm(double r)
{
    return r == 0 || (r >= XBTAB_SOLVE_LEAST_OHM && r <= XBTAB_SOLVE_MOST_OHM);
}

/** The same for a device's conductance: 0 is open. */
static inline int xbtab_solve_takes_siemens(double G)
{
    return G == 0 || (G >= XBTAB_SOLVE_LEAST_SIEMENS && G <= XBTAB_SOLVE_MOST_SIEMENS);
}

/** A crossbar. All arrays are borrowed for the call. */
typedef struct xbtab_crossbar {
    size_t rows, columns;
    xbtab_array array;                      /* zero: as above */
    double r_word, r_bit, r_source, r_sink; /* [ohm], 0 or more */
    double r_source_line, v_read; /* with gate inputs: of a segment of the source lines [ohm], and of the bit
                                     lines [V]; r_word is not used */
    const double *G; /* G[rows][columns] [S]; 0 = open. Linear devices, or with a technology the cells'
                        conductances at its read voltage */
    const xbtab_technology
        *technology; /* cells and TIA input of its tables; NULL = linear devices, ideal ground */
} xbtab_crossbar;

/** A solution for n input vectors. */
typedef struct xbtab_solution {
    double *i_out;    /* i_out[n][columns]: into ground at each sensed line's foot [A] */
    double *i_device; /* i_device[n][rows][columns], driven line to sensed line [A] */
    double *v_word;   /* v_word[n][rows][columns]: at each cell's end on the driven line: its word line, or
                         with gate inputs its bit line [V] */
    double *v_bit;    /* v_bit[n][rows][columns]: at its end on the sensed line: its bit line, or with gate
                         inputs its source line [V] */
    int iterations;   /* Newton steps of the hardest vector; 0 where the solver does not tell */
    double residual; /* largest sum of currents at any node, over all vectors [A]; 0 where it does not tell */
    double seconds;  /* spent on all vectors */
} xbtab_solution;

/** Solve by Newton's iteration on Kirchhoff's law, to 1e-9 of the largest device current at every node.
 *  @param[out] out  owned by the caller: xbtab_solution_clear(). Untouched on failure.
 *  @param      V    V[rows][n] [V].
 *  @return XBTAB_ERR_INPUT (a number outside the ranges above, a gate voltage that the tables lack),
 * XBTAB_ERR_SOLVE (the tolerance was not reached,
 * with the figures; resistances so far apart that rounding hides a line's voltage, so that its currents do
 * not add up to a millionth of the largest line's; a cell's voltage left its table), XBTAB_ERR_NOMEM.
 * Threads: safe. */
xbtab_status xbtab_crossbar_solve(xbtab_solution *out, const xbtab_crossbar *crossbar, const double *V,
                                  size_t n) XBTAB_MUST_CHECK;

/** Free what a solution holds. */
void xbtab_solution_clear(xbtab_solution *solution);

#ifdef __cplusplus
}
#endif
#endif
