/* kernel_avx512.c - the product with AVX-512BW: 32 bit lines a register. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kernel_private.h"

enum { LANES = 32 };

static inline void read_out(const xbtab_kernel_tile *tile, const int16_t *k, __m512i S, __m128i shift,
                            int32_t *acc)
{
    const __m512i half = _mm512_set1_epi16((int16_t)(1 << (14 - tile->adc_bits)));
    __m512i S2 = _mm512_mulhrs_epi16(S, S), S3 = _mm512_mulhrs_epi16(S2, S);
    __m512i k0 = _mm512_load_si512(k), k1 = _mm512_load_si512(k + tile->stride);
    __m512i k2 = _mm512_load_si512(k + 2 * tile->stride), k3 = _mm512_load_si512(k + 3 * tile->stride);
    __m512i v = _mm512_adds_epi16(k0, _mm512_mulhrs_epi16(S, k1));
    v = _mm512_adds_epi16(v, _mm512_mulhrs_epi16(S2, k2));
    v = _mm512_adds_epi16(v, _mm512_mulhrs_epi16(S3, k3));
    for (int b = 0; b < tile->boost; b++) v = _mm512_adds_epi16(v, v);
    v = _mm512_max_epi16(_mm512_adds_epi16(v, half), _mm512_setzero_si512());
    v = _mm512_srl_epi16(v, _mm_cvtsi32_si128(15 - tile->adc_bits));
    __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(v));
    __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(v, 1));
    _mm512_store_si512(acc, _mm512_add_epi32(_mm512_load_si512(acc), _mm512_sll_epi32(low, shift)));
    _mm512_store_si512(acc + 16,
                       _mm512_add_epi32(_mm512_load_si512(acc + 16), _mm512_sll_epi32(high, shift)));
}

static inline __attribute__((always_inline)) void block(const xbtab_kernel_tile *tile, const uint8_t *pattern,
                                                        const int16_t *k, __m128i shift, size_t j, int n,
                                                        int32_t *acc)
{
    __m512i S[4];
    const int16_t *P = tile->P + j;
    for (int r = 0; r < n; r++) S[r] = _mm512_setzero_si512();
    for (size_t g = 0; g < tile->groups; g++, P += 16 * tile->stride) {
        const int16_t *row = P + pattern[g] * tile->stride;
        for (int r = 0; r < n; r++) S[r] = _mm512_add_epi16(S[r], _mm512_load_si512(row + LANES * r));
    }
    for (int r = 0; r < n; r++) {
        size_t at = j + (size_t)(LANES * r);
        read_out(tile, k + at, S[r], shift, acc + at);
    }
}

static void product_avx512(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    for (size_t v = 0; v < batch->n; v++) {
        const uint8_t *pattern = batch->pattern + v * tile->groups;
        const int16_t *k = tile->k + (size_t)batch->bin[v] * 4 * tile->stride;
        __m128i shift = _mm_cvtsi32_si128(batch->shift[v]);
        int32_t *out = acc + batch->row[v] * tile->stride;
        size_t j = 0;
        for (; j + 4 * LANES <= tile->stride; j += 4 * LANES) block(tile, pattern, k, shift, j, 4, out);
        for (; j + 2 * LANES <= tile->stride; j += 2 * LANES) block(tile, pattern, k, shift, j, 2, out);
        for (; j < tile->stride; j += LANES) block(tile, pattern, k, shift, j, 1, out);
    }
}

const xbtab_kernel_functions xbtab__kernel_avx512 = {.isa = "avx512", .product = product_avx512};

#else
typedef int xbtab__kernel_avx512_not_here;
#endif
