/* gemm_avx2.c - a tile of a float product with AVX2 and FMA. */
#include "gemm.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { ROWS = XBTAB__GEMM_ROWS, LANES = 8 };

void xbtab__gemm_avx2(size_t k, const float *a, const float *b, float *c)
{
    __m256 sum[ROWS][2];
    for (int m = 0; m < ROWS; m++) {
        sum[m][0] = _mm256_load_ps(c + 2 * LANES * m);
        sum[m][1] = _mm256_load_ps(c + 2 * LANES * m + LANES);
    }
    for (; k > 0; k--, a += ROWS, b += XBTAB__GEMM_COLUMNS) {
        __m256 left = _mm256_loadu_ps(b), right = _mm256_loadu_ps(b + LANES);
        for (int m = 0; m < ROWS; m++) {
            __m256 one = _mm256_broadcast_ss(a + m);
            sum[m][0] = _mm256_fmadd_ps(one, left, sum[m][0]);
            sum[m][1] = _mm256_fmadd_ps(one, right, sum[m][1]);
        }
    }
    for (int m = 0; m < ROWS; m++) {
        _mm256_store_ps(c + 2 * LANES * m, sum[m][0]);
        _mm256_store_ps(c + 2 * LANES * m + LANES, sum[m][1]);
    }
}
#else
typedef int xbtab__gemm_avx2_not_here;
#endif
