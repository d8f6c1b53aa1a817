/* cell_table.h - the cell's current as a smooth function, from the table that SPICE filled.
 *
 * I(s, V, V_bit) = sum_m V_bit^m S_m(V): for each state, the interpolating polynomial in V_bit through the
 * table's few bit-line voltages, whose coefficients are cubic splines in V; with gate inputs one such
 * function a gate voltage. Slopes are exact derivatives of the same function. */
#ifndef XBTAB_TILE_CELL_TABLE_H
#define XBTAB_TILE_CELL_TABLE_H

#include <stdbool.h>

#include <xbartab/tables.h>

#include "check.h"

enum { XBTAB__CELL_POWERS = 9 }; /* most bit-line voltages of a table */

typedef struct xbtab__cell_table {
    int n_states, n_intervals, n_powers;
    double V_min, V_max, dV, per_dV;
    double V_bit_min, V_bit_max; /* infinite where the current does not depend on V_bit */
    double *G_state;             /* G_state[n_states] [S] */
    double *coefficient;         /* [n_gates][n_states][n_intervals][n_powers][4]: of (V - V_k)^0..3 */
    int n_gates;                 /* gate voltages; 1 where the gate is no input */
} xbtab__cell_table;

/** One cell: a mixture of two neighbouring states, so that its conductance at v_read is the one wanted.
 * Between the states' own conductances the curves' shape is interpolated in log G. Its current is factor
 * I_state + factor_next I_next. */
typedef struct xbtab__cell {
    int state; /* lower neighbour; -1 = an open device */
    double factor, factor_next;
} xbtab__cell;

xbtab_status xbtab__cell_table_init(xbtab__cell_table *table, const xbtab_cell_data *data) XBTAB_MUST_CHECK;
void xbtab__cell_table_clear(xbtab__cell_table *table);

/** The cell of a conductance [S] at v_read; 0 is an open device. Outside the table's conductances the curve's
 * shape is that of the nearest state. */
xbtab__cell xbtab__cell_of(const xbtab__cell_table *table, double G);

/** Whether a voltage is beyond what was tabulated. */
static inline bool xbtab__cell_is_outside(const xbtab__cell_table *table, double V, double V_bit)
{
    return V < table->V_min || V > table->V_max || V_bit < table->V_bit_min || V_bit > table->V_bit_max;
}

/** Current [A] and its slope [S] against V at fixed V_bit. Beyond the table's voltages the current goes on as
 * a straight line in V. @param gate  number of the gate voltage, 0 where the gate is no input. */
void xbtab__cell_current(const xbtab__cell_table *table, int gate, const xbtab__cell *cell, double V,
                         double V_bit, double *I, double *dI_dV);

/** The same for n cells between V_word[n] and V_bit[n]. Returns how many are outside the table. */
long xbtab__cell_currents(const xbtab__cell_table *table, int gate, const xbtab__cell *cell, size_t n,
                          const double *V_word, const double *V_bit, double *I, double *dI_dV);

#endif
