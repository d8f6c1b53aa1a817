/* tile_codes.h - an effective matrix of many DAC codes, solved at some of them. */
#ifndef XBTAB_TILE_TILE_CODES_H
#define XBTAB_TILE_TILE_CODES_H

#include <xbartab/tile.h>

#include "check.h"

/** How a matrix is made. */
typedef struct xbtab__code_solver {
    /** Fill tile->A[code][rows][columns], 1 <= code < n_codes. */
    xbtab_status (*solve)(void *context, xbtab_tile *tile, size_t code);
    void *context;
    double I_full_scale;  /* [A] */
    const double *V_gate; /* V_gate[n_codes] where inputs are gates: what the matrix is smooth in [V]; NULL =
                             the code */
} xbtab__code_solver;

/** Fill A[1] to A[n_codes - 1].
 *
 * Up to 16 codes are all solved. Of more, intervals are halved until a parabola through both ends and
 * the middle is within 1e-4 of the full scale of the solutions at their quarters, for every bit line's sum
 * over its word lines; what is between the five is then the quartic through them.
 *  @return the solver's status, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__tile_fill_codes(xbtab_tile *tile, const xbtab__code_solver *solver) XBTAB_MUST_CHECK;

#endif
