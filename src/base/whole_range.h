/* whole_range.h - an ADC's range that keeps whole numbers whole. */
#ifndef XBTAB_BASE_WHOLE_RANGE_H
#define XBTAB_BASE_WHOLE_RANGE_H

#include <math.h>

/** The least power of two that holds all rounded codes of 0 to most, so that neither a step of 1 nor one of a
 * power of two below it clips. */
static inline double xbtab__whole_range(double most)
{
    return exp2(ceil(log2(floor(most + 0.5) + 1.0)));
}

#endif
