/* gemm.h - products of float matrices with the same bits on every machine.
 *
 *   C[m][n] = (C[m][n] or 0) + sum over k of A[m][k] B[k][n]
 *
 * Each element is one chain of fused multiply-adds in the order of k (fma rounds once, in hardware or not),
 * whatever the vector length, blocking and number of threads: that is what no BLAS promises. A caller shares
 * rows and columns of C among threads as it likes. */
#ifndef XBTAB_KERNEL_GEMM_H
#define XBTAB_KERNEL_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/** A matrix where it lies: element [r][c] is at[r * row + c * column]. */
typedef struct xbtab__view {
    const float *at;
    size_t row, column;
} xbtab__view;

typedef struct xbtab__gemm {
    size_t m, n, k;
    xbtab__view A, B;
    float *C;
    size_t stride; /* of C's rows */
    bool adds;     /* to what is in C */
} xbtab__gemm;

/** How blocks of A and B, packed a[k][6] and b[k][16], are added to c[6][16]. */
typedef void (*xbtab__gemm_tile)(size_t k, const float *a, const float *b, float *c);

enum { XBTAB__GEMM_ROWS = 6, XBTAB__GEMM_COLUMNS = 16 }; /* of a tile: 12 registers of 8 numbers */

/** Numbers of scratch, 64-byte aligned, that a call needs; one for each thread. */
size_t xbtab__gemm_room(void);

/** @param tile  NULL: this machine's best. */
void xbtab__gemm_run(const xbtab__gemm *product, xbtab__gemm_tile tile, float *scratch);

/** The variants: plain C, and with AVX2 and FMA (NULL where this machine has none). */
extern const xbtab__gemm_tile xbtab__gemm_tile_c;
xbtab__gemm_tile xbtab__gemm_tile_fma(void);

/** Of x86-64 machines with AVX2 and FMA. */
void xbtab__gemm_avx2(size_t k, const float *a, const float *b, float *c);

#endif
