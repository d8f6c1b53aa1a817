/* tile_gates.h - the effective matrix where inputs are gates. */
#ifndef XBTAB_TILE_TILE_GATES_H
#define XBTAB_TILE_TILE_GATES_H

#include <xbartab/tile.h>

#include "check.h"

/** Fill A and A_const of a tile whose sizes are set; see tile.h. @param G  G[rows][columns] [S]. */
xbtab_status xbtab__tile_fill_gates(xbtab_tile *tile, const xbtab_technology *technology,
                                    const double *G) XBTAB_MUST_CHECK;

#endif
