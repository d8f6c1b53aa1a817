/* tile_power.h - the power that one tile draws from its drivers while a slice is read, and how well that is known.
 *
 * Through the effective matrix word line i draws P_i(k) = V_i(k) sum_j A[k][i][j] at code k. What is left of the cells'
 * nonlinearity grows with how much of the tile is driven, so that the tile's own power is
 *
 *     P = scale (c0 + c1 a) sum_i P_i(x_i),    a the mean drive, scale the tables' (tables.h),
 *
 * with c0 and c1 by least squares from exact solutions of that very tile, or 1 and 0 where that is no better. Its
 * error is that of each solution against the fit to all the others. */
#ifndef XBTAB_TILE_TILE_POWER_H
#define XBTAB_TILE_TILE_POWER_H

#include <stdbool.h>

#include <xbartab/tile.h>

#include "check.h"

typedef struct xbtab__tile_power {
    size_t rows, n_codes;
    double *P;   /* P[n_codes][rows]: scale * P_i(k) [W] */
    double c[2]; /* of 1 and a */
    double squares,
        most; /* of the error: mean square [W^2], largest [W]. The mean is that over random vectors or
                             over the extremes, whichever is larger */
} xbtab__tile_power;

/** An exact solution: what the effective matrix says of its vector, times scale, and what it draws. */
typedef struct xbtab__power_sample {
    double P_model, a, P;
    bool is_extreme;
} xbtab__power_sample;

/** Power of a vector of codes[tile->rows] through the effective matrix, without the tables' factor [W]. */
double xbtab__effective_power(const xbtab_tile *tile, const xbtab_technology *technology,
                              const uint8_t *code);

/** Without a fit, c is 1 and 0.
 *  @param[out] out  end with xbtab__tile_power_clear(). Untouched on failure. */
xbtab_status xbtab__tile_power_init(xbtab__tile_power *out, const xbtab_technology *technology,
                                    const xbtab_tile *tile) XBTAB_MUST_CHECK;
void xbtab__tile_power_clear(xbtab__tile_power *power);

/** Find c and the error. @param s  s[n], of both kinds. */
void xbtab__tile_power_fit(xbtab__tile_power *power, const xbtab__power_sample *s, size_t n);

/** Power of the codes code[rows] of the first word lines, at most power->rows; the others are idle [W]. */
double xbtab__tile_power_of(const xbtab__tile_power *power, const uint8_t *code, size_t rows);

#endif
