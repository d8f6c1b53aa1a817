/* kernel_avx2.c - the product with AVX2: 16 bit lines a register, up to 8 registers of sums at once. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kernel_private.h"

enum { LANES = 16 };

/* Correction, ADC and shift-and-add for 16 bit lines. k points at their k0. */
static inline void read_out(const xbtab_kernel_tile *tile, const int16_t *k, __m256i S, __m128i shift,
                            int32_t *acc)
{
    const __m256i half = _mm256_set1_epi16((int16_t)(1 << (14 - tile->adc_bits)));
    __m256i S2 = _mm256_mulhrs_epi16(S, S), S3 = _mm256_mulhrs_epi16(S2, S);
    __m256i k0 = _mm256_load_si256((const __m256i *)k);
    __m256i k1 = _mm256_load_si256((const __m256i *)(k + tile->stride));
    __m256i k2 = _mm256_load_si256((const __m256i *)(k + 2 * tile->stride));
    __m256i k3 = _mm256_load_si256((const __m256i *)(k + 3 * tile->stride));
    __m256i v = _mm256_adds_epi16(k0, _mm256_mulhrs_epi16(S, k1));
    v = _mm256_adds_epi16(v, _mm256_mulhrs_epi16(S2, k2));
    v = _mm256_adds_epi16(v, _mm256_mulhrs_epi16(S3, k3));
    for (int b = 0; b < tile->boost; b++) v = _mm256_adds_epi16(v, v);
    v = _mm256_max_epi16(_mm256_adds_epi16(v, half), _mm256_setzero_si256());
    v = _mm256_srl_epi16(v, _mm_cvtsi32_si128(15 - tile->adc_bits));
    __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(v));
    __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(v, 1));
    __m256i *a = (__m256i *)acc;
    _mm256_store_si256(a, _mm256_add_epi32(_mm256_load_si256(a), _mm256_sll_epi32(low, shift)));
    _mm256_store_si256(a + 1, _mm256_add_epi32(_mm256_load_si256(a + 1), _mm256_sll_epi32(high, shift)));
}

/* n registers' worth of bit lines; n is a constant where this is inlined. */
static inline __attribute__((always_inline)) void block(const xbtab_kernel_tile *tile, const uint8_t *pattern,
                                                        const int16_t *k, __m128i shift, size_t j, int n,
                                                        int32_t *acc)
{
    __m256i S[8];
    const int16_t *P = tile->P + j;
    for (int r = 0; r < n; r++) S[r] = _mm256_setzero_si256();
    for (size_t g = 0; g < tile->groups; g++, P += 16 * tile->stride) {
        const int16_t *row = P + pattern[g] * tile->stride;
        for (int r = 0; r < n; r++) {
            S[r] = _mm256_add_epi16(S[r], _mm256_load_si256((const __m256i *)(row + LANES * r)));
        }
    }
    for (int r = 0; r < n; r++) {
        size_t at = j + (size_t)(LANES * r);
        read_out(tile, k + at, S[r], shift, acc + at);
    }
}

static void product_avx2(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    for (size_t v = 0; v < batch->n; v++) {
        const uint8_t *pattern = batch->pattern + v * tile->groups;
        const int16_t *k = tile->k + (size_t)batch->bin[v] * 4 * tile->stride;
        __m128i shift = _mm_cvtsi32_si128(batch->shift[v]);
        int32_t *out = acc + batch->row[v] * tile->stride;
        size_t j = 0;
        for (; j + 8 * LANES <= tile->stride; j += 8 * LANES) block(tile, pattern, k, shift, j, 8, out);
        for (; j + 4 * LANES <= tile->stride; j += 4 * LANES) block(tile, pattern, k, shift, j, 4, out);
        for (; j < tile->stride; j += 2 * LANES) block(tile, pattern, k, shift, j, 2, out);
    }
}

const xbtab_kernel_functions xbtab__kernel_avx2 = {.isa = "avx2", .product = product_avx2};

#else
typedef int xbtab__kernel_avx2_not_here;
#endif
