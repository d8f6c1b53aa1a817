/* normals.h - many standard normals from one random stream (ziggurat of 128 layers, Marsaglia and Tsang, J.
 * Stat. Softw. 5(8), 2000; layer, sign and place within the layer take bits of their own, as Doornik 2005
 * asks for). A normal takes one 32-bit word, and in 1 of 40 draws some more. */
#ifndef XBTAB_BASE_NORMALS_H
#define XBTAB_BASE_NORMALS_H

#include <stddef.h>

#include "random.h"

enum { XBTAB__NORMAL_LAYERS = 128 };

/** The layers: right edges, falling, and the density exp(-x^2/2) there. */
typedef struct xbtab__normals {
    double edge[XBTAB__NORMAL_LAYERS + 1], height[XBTAB__NORMAL_LAYERS + 1];
} xbtab__normals;

void xbtab__normals_init(xbtab__normals *normals);

/** out[k] += factor scale[k] normal, k from 0 to n - 1. @param scale  NULL = 1 throughout. */
void xbtab__normals_add(const xbtab__normals *normals, xbtab__random *random, double factor,
                        const double *scale, double *out, size_t n);

#endif
