/* refine.h - a correction of its own for each bit line of one tile, from exact solutions of that very tile.
 *
 * T is fitted to a family of tiles; what one tile differs from it in is smooth in the same variables. Behind
 * T, bit line j gets I_full_scale (c0 u + c1 u a + c2 u^2 + c3 u a^2 + c4 u^2 a) with u = y / I_full_scale,
 * by least squares on some exact solutions, ridge-regularized towards 0 (that is, towards T). Further
 * solutions that the fit did not see tell the tile's own error. A tile that T already serves well is left
 * alone. */
#ifndef XBTAB_TILE_REFINE_H
#define XBTAB_TILE_REFINE_H

#include <stdbool.h>

#include <xbartab/tile.h>

#include "check.h"

typedef struct xbtab__refinement {
    size_t columns;
    double *c;      /* c[columns][5]; all zeros where T alone is good */
    double *I_lost; /* I_lost[columns], the tile's [A] */
    bool is_refined;
    double squares, most; /* of the error on unseen vectors: sum of squares [A^2], largest [A] */
    long samples;
} xbtab__refinement;

/** Measure a tile, and refine it where T is not good enough.
 *  @param[out] out      end with xbtab__refinement_clear(). Untouched on failure.
 *  @param      tile     the whole array, programmed.
 *  @param      G        G[tile->rows][tile->columns]: what it was programmed to [S].
 *  @param      rows     word lines in use, the first ones; the others stay at 0 V.
 *  @param      columns  bit lines in use, the first ones.
 *  @param      solves   exact solutions to fit to; 0 = measure only.
 *  @return XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab__refine(xbtab__refinement *out, const xbtab_technology *technology, const xbtab_tile *tile,
                           const double *G, size_t rows, size_t columns, int solves) XBTAB_MUST_CHECK;
void xbtab__refinement_clear(xbtab__refinement *refinement);

/** Bit line j's current [A] for y [A] and mean drive a: T and the refinement. */
double xbtab__refined_current(const xbtab__refinement *refinement, const xbtab_technology *technology,
                              double y, double a, size_t j, double place);

#endif
