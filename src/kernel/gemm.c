/* gemm.c - blocks of two matrices packed side by side, and tiles of their product (Goto and van de Geijn, ACM
 * TOMS 34(3), 2008). */
#include "gemm.h"

#include <math.h>
#include <string.h>

/* A block of B (DEPTH x WIDTH) stays in the second cache, one of A (HEIGHT x DEPTH) in the first two. */
enum { ROWS = XBTAB__GEMM_ROWS, COLUMNS = XBTAB__GEMM_COLUMNS, DEPTH = 256, HEIGHT = 72, WIDTH = 512 };

static void tile_c(size_t k, const float *a, const float *b, float *c)
{
    for (; k > 0; k--, a += ROWS, b += COLUMNS) {
        for (size_t m = 0; m < ROWS; m++) {
            for (size_t n = 0; n < COLUMNS; n++) c[m * COLUMNS + n] = fmaf(a[m], b[n], c[m * COLUMNS + n]);
        }
    }
}

const xbtab__gemm_tile xbtab__gemm_tile_c = tile_c;

xbtab__gemm_tile xbtab__gemm_tile_fma(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return xbtab__gemm_avx2;
#endif
    return NULL;
}

size_t xbtab__gemm_room(void)
{
    return (size_t)DEPTH * (HEIGHT + WIDTH);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* across x k numbers as panels[across / width][k][width], with zeros behind the last. `step` leads across,
 * `along` along k. */
static void pack(const float *from, size_t step, size_t along, size_t across, size_t k, size_t width,
                 float *out)
{
    for (size_t first = 0; first < across; first += width, out += k * width, from += width * step) {
        size_t n = least(width, across - first);
        if (n < width) memset(out, 0, k * width * sizeof *out);
        if (step == 1) {
            for (size_t q = 0; q < k; q++) memcpy(out + q * width, from + q * along, n * sizeof *out);
            continue;
        }
        for (size_t p = 0; p < n; p++) {
            for (size_t q = 0; q < k; q++) out[q * width + p] = from[p * step + q * along];
        }
    }
}

/* The tile of C at [m][n] of two packed blocks. */
static void add_tile(const xbtab__gemm *g, xbtab__gemm_tile tile, size_t m, size_t n, size_t k, bool adds,
                     const float *a, const float *b)
{
    _Alignas(64) float c[ROWS * COLUMNS] = {0};
    size_t rows = least(ROWS, g->m - m), columns = least(COLUMNS, g->n - n);
    float *C = g->C + m * g->stride + n;
    for (size_t r = 0; r < rows && adds; r++) memcpy(c + r * COLUMNS, C + r * g->stride, columns * sizeof *c);
    tile(k, a, b, c);
    for (size_t r = 0; r < rows; r++) memcpy(C + r * g->stride, c + r * COLUMNS, columns * sizeof *c);
}

void xbtab__gemm_run(const xbtab__gemm *g, xbtab__gemm_tile tile, float *scratch)
{
    float *a = scratch, *b = scratch + (size_t)DEPTH * HEIGHT;
    if (!tile) tile = xbtab__gemm_tile_fma();
    if (!tile) tile = tile_c;
    for (size_t r = 0; r < g->m && g->k == 0 && !g->adds; r++)
        memset(g->C + r * g->stride, 0, g->n * sizeof *g->C);
    for (size_t n = 0; n < g->n; n += WIDTH) {
        size_t wide = least(WIDTH, g->n - n);
        for (size_t k = 0; k < g->k; k += DEPTH) { /* in order: the chain goes on in C */
            size_t deep = least(DEPTH, g->k - k);
            pack(g->B.at + k * g->B.row + n * g->B.column, g->B.column, g->B.row, wide, deep, COLUMNS, b);
            for (size_t m = 0; m < g->m; m += HEIGHT) {
                size_t high = least(HEIGHT, g->m - m);
                pack(g->A.at + m * g->A.row + k * g->A.column, g->A.row, g->A.column, high, deep, ROWS, a);
                for (size_t j = 0; j < wide; j += COLUMNS) {
                    for (size_t i = 0; i < high; i += ROWS)
                        add_tile(g, tile, m + i, n + j, deep, g->adds || k > 0, a + i * deep, b + j * deep);
                }
            }
        }
    }
}
