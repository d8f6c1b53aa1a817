/* normals.c - many standard normals from one random stream. */
#include "normals.h"

#include <math.h>

/* Where the tail begins, and the area of a layer, for 128 of them (Marsaglia and Tsang). */
static const double tail = 3.442619855899, area = 9.91256303526217e-3;

static double density(double x)
{
    return exp(-0.5 * x * x);
}

void xbtab__normals_init(xbtab__normals *z)
{
    const int n = XBTAB__NORMAL_LAYERS;
    z->edge[0] = area / density(tail); /* the lowest layer as wide as if the tail were in it */
    z->edge[1] = tail;
    z->edge[n] = 0;
    for (int k = 1; k + 1 < n; k++)
        z->edge[k + 1] = sqrt(-2.0 * log(area / z->edge[k] + density(z->edge[k])));
    for (int k = 0; k <= n; k++) z->height[k] = density(z->edge[k]);
}

/* Beyond where the layers end: Marsaglia's exponentials. */
static double draw_tail(xbtab__random *random)
{
    double x, y;
    do {
        x = -log1p(-xbtab__random_uniform(random)) / tail;
        y = -log1p(-xbtab__random_uniform(random));
    } while (2.0 * y < x * x);
    return tail + x;
}

static inline double draw(const xbtab__normals *z, xbtab__random *random)
{
    for (;;) {
        uint32_t word = xbtab__random_u32(random);
        uint32_t layer = word & (XBTAB__NORMAL_LAYERS - 1);
        double sign = word & XBTAB__NORMAL_LAYERS ? -1.0 : 1.0;
        double x = ((double)(word >> 8) + 0.5) * 0x1p-24 * z->edge[layer];
        if (x < z->edge[layer + 1]) return sign * x;
        if (layer == 0) return sign * draw_tail(random);
        double share = xbtab__random_uniform(random);
        if (z->height[layer] + share * (z->height[layer + 1] - z->height[layer]) < density(x))
            return sign * x;
    }
}

void xbtab__normals_add(const xbtab__normals *z, xbtab__random *random, double factor, const double *scale,
                        double *out, size_t n)
{
    for (size_t k = 0; k < n; k++) out[k] += factor * (scale ? scale[k] : 1.0) * draw(z, random);
}
