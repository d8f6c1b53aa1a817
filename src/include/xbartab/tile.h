/* tile.h - a technology (what the tables say of a cell, its wires and its TIA) and tiles programmed in it.
 *
 * Programming folds the whole wire network into an effective matrix: A[k][i][j] is the current on bit line j
 * when word line i has DAC code k and every other word line is at 0 V, with each cell taken as the
 * conductance it has at its operating point. With gate inputs, where the lines' drop grows with the square of
 * what is on, it is cell (i, j)'s current with all word lines at code k, times what takes the drop out of the
 * column's sum (for each sign of current): the cells' shares are those of a loaded column, and T's own
 * terms in y the drop. The current of an input vector x is then y_j = A_const[j] +
 * sum_i A[x_i][i][j], and the transfer correction T turns y into the current that SPICE would find
 * (tables.h). */
#ifndef XBARTAB_TILE_H
#define XBARTAB_TILE_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/status.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Everything that tiles of one technology share. Read-only once made: any number of threads may use it. */
typedef struct xbtab_technology xbtab_technology;

/** @param[out] out     the caller owns it: xbtab_technology_destroy().
 *  @param      tables  borrowed until the technology is destroyed.
 *  @return XBTAB_ERR_INPUT (tables that do not fit together), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_technology_create(xbtab_technology **out, const xbtab_tables *tables) XBTAB_MUST_CHECK;
void xbtab_technology_destroy(xbtab_technology **technology);

/** Whether the errors that tables announce of their transfer table, of the effective matrix alone and of the
 * read energy are those that their held-out samples give: the tiles are programmed and compared again.
 *  @return XBTAB_OK; XBTAB_ERR_INPUT with the first figure that is another, by more than 1e-6 of it;
 * XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM. Cost: xbtab_tile_create() for each held-out tile. Tables of schemas 1 to
 * 3 were fitted to effective matrices of earlier versions, so that their figures may differ. */
xbtab_status xbtab_tables_verify(const xbtab_tables *tables) XBTAB_MUST_CHECK;

/** The tables behind it; borrowed. */
const xbtab_tables *xbtab_technology_tables(const xbtab_technology *technology);

/** Voltage of a DAC code [V]. */
double xbtab_technology_dac_voltage(const xbtab_technology *technology, int code);

/** Voltage of the driven line that a word line's cells hang on, at a DAC code: the word line's own, with its
 * sign, or with gate inputs the bit lines' [V]. */
double xbtab_technology_drive(const xbtab_technology *technology, size_t row, int code);

/** The transfer correction: the current [A] for y [A], mean drive a in [0, 1] and place p in [0, 1] of a bit
 * line with a tile's I_lost [A]. */
double xbtab_technology_transfer(const xbtab_technology *technology, double y, double a, double p,
                                 double I_lost);

/** The TIA's output [V] for a current [A], interpolated in its table; a straight line beyond it. */
double xbtab_technology_tia(const xbtab_technology *technology, double current);

/** The ADC's input in units of codes, not rounded and not clamped, for a column's current [A]. The ADC's
 * references are the TIA's own outputs at the ends of its range (a two-point calibration): zero and the
 * full-scale current; with currents of both signs, half of it to either side of zero, and then codes count
 * from the middle of the range, -2^(adc_bits - 1) to 2^(adc_bits - 1) - 1. */
double xbtab_technology_adc(const xbtab_technology *technology, double current);

/** The ADC's references: the TIA's output at the lower and the upper end of the range [V]. */
void xbtab_technology_adc_references(const xbtab_technology *technology, double *V_low, double *V_high);

/** Conductances up to this share of the cell table's largest state can be programmed. On the default tile the
 * shape of the I-V curve half as far beyond the last state is wrong by 1e-5 of the current at v_read
 * (measured). */
#define XBTAB_TILE_MOST_SHARE 2.0

/** What the TIA adds to the ADC's input, in units of codes: the standard deviation of its offset from one
 * column to the next, and that of its noise from one read to the next (xbtab_readout_data over the voltage of
 * a code). 0 where the tables do not know them. Either pointer may be NULL. */
void xbtab_technology_readout_spread(const xbtab_technology *technology, double *offset_sigma,
                                     double *noise_sigma);

/** One programmed tile. Read-only once made. */
typedef struct xbtab_tile {
    size_t rows, columns, n_codes; /* DAC codes, code 0 included */
    double *A;                     /* A[n_codes][rows][columns]; A[0] is 0 [A] */
    double *A_const;               /* A_const[columns]: with all inputs at 0 V [A] */
    double *I_lost; /* I_lost[columns]: with gate inputs and signs that alternate, the sum of what the cells
                       draw alone less what they draw together, all inputs at the largest code; else 0 [A] */
} xbtab_tile;

/** Program a tile.
 *  @param[out] out         the caller owns it: xbtab_tile_destroy(). Untouched on failure.
 *  @param      technology  borrowed for the call.
 *  @param      G           G[rows][columns]: conductance of each cell at v_read, from 0 (an open device) to
 *                          XBTAB_TILE_MOST_SHARE of the cell table's largest [S].
 *  @param      rows        word lines, 1 up to the technology's.
 *  @param      columns     bit lines, 1 up to the technology's.
 *  @return XBTAB_ERR_INPUT (a conductance outside the tables, named), XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM.
 *  Threads: safe on different tiles at once. Cost: rows + 1 solves of the wire network a code; of more than
 * 16 codes, of as many as it takes to interpolate between them. */
xbtab_status xbtab_tile_create(xbtab_tile **out, const xbtab_technology *technology, const double *G,
                               size_t rows, size_t columns) XBTAB_MUST_CHECK;
void xbtab_tile_destroy(xbtab_tile **tile);

/** Currents of one input vector through the effective matrix, without T.
 *  @param[out] y     y[columns] [A].
 *  @param      code  code[rows], each below n_codes. */
void xbtab_tile_product(const xbtab_tile *tile, const uint8_t *code, double *y);

#ifdef __cplusplus
}
#endif
#endif
