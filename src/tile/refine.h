/* refine.h - a correction of its own for each bit line of one tile, from exact solutions of that very tile.
 *
 * T is fitted to a family of tiles; what one tile differs from it in is smooth in the same variables. Behind
 * T, bit line j gets I_full_scale (c0 u + c1 u a + c2 u^2 + c3 u a^2 + c4 u^2 a + c5 u^3 + c6 a + c7 a^2)
 * with u = y / I_full_scale, by least squares on some exact solutions, ridge-regularized towards 0 (that is,
 * towards T): the first five terms on random inputs, or where that makes some vector worse, up to eight on
 * extremes too, which are what a layer can be given: all word lines fully driven, half of them, every second
 * one, one alone, codes that rise along the tile. Further random inputs and all extremes tell the tile's own
 * error. A tile that T already serves well is left alone, and so is one where each correction makes some
 * vector worse. */
#ifndef XBTAB_TILE_REFINE_H
#define XBTAB_TILE_REFINE_H

#include <stdbool.h>

#include <xbartab/tile.h>

#include "check.h"
#include "tile_power.h"

enum { XBTAB__REFINE_TERMS = 8, XBTAB__REFINE_DRIVES = 4 };

typedef struct xbtab__refinement {
    size_t columns;
    double *c;      /* c[columns][XBTAB__REFINE_TERMS]; all zeros where T alone is good */
    double *I_lost; /* I_lost[columns], the tile's [A] */
    bool is_refined;
    double squares, most; /* of the error on measured vectors: sum of squares [A^2], largest [A]. Its mean is
                             that over random vectors or over the extremes, whichever is larger */
    long samples;
    xbtab__tile_power power;                                                /* from the same solutions */
    double a_drive[XBTAB__REFINE_DRIVES], rmse_drive[XBTAB__REFINE_DRIVES]; /* on random vectors that no fit
                             saw, by their mean drive [A] */
} xbtab__refinement;

/** Measure a tile, and refine it where T is not good enough.
 *  @param[out] out      end with xbtab__refinement_clear(). Untouched on failure.
 *  @param      tile     the whole array, programmed.
 *  @param      G        G[tile->rows][tile->columns]: what it was programmed to [S].
 *  @param      rows     word lines in use, the first ones; the others stay at 0 V.
 *  @param      columns  bit lines in use, the first ones.
 *  @param      solves   random vectors to fit to, with at most as many extremes; 0 = measure only.
 *  @return XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab__refine(xbtab__refinement *out, const xbtab_technology *technology, const xbtab_tile *tile,
                           const double *G, size_t rows, size_t columns, int solves) XBTAB_MUST_CHECK;
void xbtab__refinement_clear(xbtab__refinement *refinement);

/** Bit line j's current [A] for y [A] and mean drive a: T and the refinement. */
double xbtab__refined_current(const xbtab__refinement *refinement, const xbtab_technology *technology,
                              double y, double a, size_t j, double place);

/** Root mean square error [A] of the tile's bit lines on inputs of mean drive a, between those measured. */
double xbtab__refined_rmse(const xbtab__refinement *refinement, double a);

#endif
