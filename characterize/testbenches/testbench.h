/* testbench.h - what one characterization asks of ngspice: one function a question, by the plan that they
 * share.
 *
 * An answer depends on the plan alone, and is an array of doubles. */
#ifndef XBTAB_CHARACTERIZE_TESTBENCH_H
#define XBTAB_CHARACTERIZE_TESTBENCH_H

#include <stdbool.h>

#include <xbartab/spec.h>
#include <xbartab/tables.h>
#include <xbartab/tile.h>

#include "aged.h"
#include "check.h"
#include "circuit_sweep.h"

/** Figures of the read-out and column units, as of xbtab_readout_data; NAN = unknown.
 */
enum {
    XBTAB__READOUT_SETTLING,
    XBTAB__READOUT_TRANSRESISTANCE,
    XBTAB__READOUT_OFFSET,
    XBTAB__READOUT_DENSITY,
    XBTAB__READOUT_NOISE,
    XBTAB__READOUT_FIGURES
};
enum { XBTAB__COLUMN_SETTLING, XBTAB__COLUMN_ENERGY, XBTAB__COLUMN_FIGURES };

/** Points of a TIA's curve. Its range reaches past full scale, so that clipping shows. */
enum { XBTAB__TIA_POINTS = 257 };

/** Voltages of a cell's bit-line end: a cell whose current also depends on them has more than one. */
enum { XBTAB__BIT_VOLTAGES = 9 };

typedef struct xbtab__plan {
    const xbtab_spec *spec;
    uint64_t seed;
    int n_states;
    const xbtab__aged *aged; /* the sample tiles' cells; NULL = they are at their levels */
    double *G_target; /* G_target[n_states]: levels, and conductances between and about them; ascending [S] */
    double *parameter; /* parameter[n_states]: state parameters, once they are searched */
    double *G_state;   /* G_state[n_states]: conductances reached [S] */
    /** For tiles that are not solved in ngspice: what the curves' units found; NULL until they are done. */
    const xbtab_technology *technology;
} xbtab__plan;

/** A sample tile. Fitted ones come first, then held-out ones, then those that the solver is checked on. */
typedef struct xbtab__tile_plan {
    int rows, columns, vectors;
    int is_heldout, is_check;
    int in_spice; /* solved in ngspice, not by the solver */
    int kind;     /* pattern of its levels; see tiles.c */
} xbtab__tile_plan;

/** Result of a unit: n doubles; caller frees with xbtab__free(). */
typedef struct xbtab__numbers {
    double *x;
    size_t n;
} xbtab__numbers;

/** Result of one unit. */
typedef struct xbtab__unit_result {
    bool is_done;
    xbtab_sample_status status;
    xbtab__numbers numbers;
} xbtab__unit_result;

/** XBTAB_ERR_INPUT where the selector is still to be sized. */
xbtab_status xbtab__need_size(const xbtab_spec *spec) XBTAB_MUST_CHECK;

/** Search the state parameter that gives the whole cell each conductance at v_read.
 *  @param[out] parameter  parameter[n]; @param[out] G  G[n]: reached, within 1e-7 of the target.
 *  @return XBTAB_ERR_INPUT where the cell cannot reach a conductance; the message names its range. */
xbtab_status xbtab__find_states(const xbtab_spec *spec, xbtab__spice *spice, const double *target, int n,
                                double *parameter, double *G) XBTAB_MUST_CHECK;

/** Smallest and largest conductance of the cell over its state's bounds; range[2] [S]. */
xbtab_status xbtab__find_range(const xbtab_spec *spec, xbtab__spice *spice, double *range) XBTAB_MUST_CHECK;

/** Conductances G[n] of n whole cells at v_read [S], by their state parameters. */
xbtab_status xbtab__measure_cells(const xbtab_spec *spec, xbtab__spice *spice, const double *parameter, int n,
                                  double *G) XBTAB_MUST_CHECK;

xbtab_status xbtab__sweep_cell(const xbtab__plan *plan, xbtab__spice *spice,
                               xbtab__numbers *out) XBTAB_MUST_CHECK;
xbtab_status xbtab__sweep_cell_heldout(const xbtab__plan *plan, xbtab__spice *spice,
                                       xbtab__numbers *out) XBTAB_MUST_CHECK;
xbtab_status xbtab__sweep_tia(const xbtab__plan *plan, xbtab__spice *spice,
                              xbtab__numbers *out) XBTAB_MUST_CHECK;
xbtab_status xbtab__find_readout(const xbtab__plan *plan, xbtab__spice *spice,
                                 xbtab__numbers *out) XBTAB_MUST_CHECK;
xbtab_status xbtab__find_column(const xbtab__plan *plan, xbtab__spice *spice,
                                xbtab__numbers *out) XBTAB_MUST_CHECK;
xbtab_status xbtab__sample_tile(const xbtab__plan *plan, int tile, xbtab__spice *spice,
                                xbtab__numbers *out) XBTAB_MUST_CHECK;

/** The read bandwidth [Hz]; see xbtab_readout_data. */
double xbtab__read_bandwidth(const xbtab_spec *spec);

/** Grids that the sweeps and the tables share. */
double xbtab__cell_voltage(const xbtab_spec *spec, double k); /* k-th cell voltage; k may be fractional [V] */
double xbtab__bit_voltage(const xbtab_spec *spec, double k);  /* k-th bit-line voltage [V] */
int xbtab__bit_zero(const xbtab_spec *spec);                  /* the bit-line voltage that is 0 V */
int xbtab__gates(
    const xbtab_spec *spec); /* gate voltages of the cell's curves; 1 where the gate is no input */
double xbtab__tia_current(const xbtab_spec *spec, double k); /* k-th TIA current [A] */
void xbtab__heldout_cell_point(const xbtab__plan *plan, int s, double *parameter, double *V_bit, double *V);
int xbtab__heldout_gate(const xbtab__plan *plan, int s); /* number of a held-out point's gate voltage */
int xbtab__heldout_cell_points(const xbtab__plan *plan);

/** The level's own state. */
int xbtab__level_state(const xbtab__plan *plan, int level);

/** Conductances that the cells of a sample tile are to have, from its levels: G[rows][columns] [S]. */
xbtab_status xbtab__tile_conductances(const xbtab__plan *plan, int tile, const uint8_t *level,
                                      double *G) XBTAB_MUST_CHECK;

/** Levels and DAC codes of a sample tile, from its random streams.
 *  @param[out] level  level[rows][columns]; @param[out] code  code[vectors][rows]. */
void xbtab__tile_levels(const xbtab__plan *plan, int tile, uint8_t *level);
void xbtab__tile_codes(const xbtab__plan *plan, int tile, uint8_t *code);
xbtab__tile_plan xbtab__tile_plan_of(const xbtab__plan *plan, int tile);
int xbtab__sample_tiles(const xbtab__plan *plan); /* fitted and held-out ones */
int xbtab__check_tiles(const xbtab__plan *plan);

/** Doubles a vector of a tile takes in its unit's result: status, power, currents, outputs. Behind the
 * vectors come the conductances that the cells had, G[rows][columns] [S], where they are aged. */
size_t xbtab__tile_stride(int columns);

#endif
