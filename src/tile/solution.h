/* solution.h - making room for a solution, for those who fill one in. */
#ifndef XBTAB_TILE_SOLUTION_H
#define XBTAB_TILE_SOLUTION_H

#include <xbartab/solve.h>

/** Check a crossbar's and its inputs' numbers. */
xbtab_status xbtab__crossbar_check(const xbtab_crossbar *crossbar, const double *V,
                                   size_t n) XBTAB_MUST_CHECK;

xbtab_status xbtab__solution_init(xbtab_solution *solution, const xbtab_crossbar *crossbar,
                                  size_t n) XBTAB_MUST_CHECK;

#endif
