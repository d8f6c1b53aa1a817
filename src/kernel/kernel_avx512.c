/* kernel_avx512.c - the kernels with AVX-512BW: a block of 32 bit lines is one register, a look-up one cache
 * line.
 *
 * As kernel_avx2.c, with four running sums. Packing is AVX2's, which every such machine has. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_private.h"

enum { BLOCK = XBTAB_KERNEL_BLOCK, NARROW_STEP = XBTAB__PATTERNS * XBTAB_KERNEL_BLOCK };

/* The row of a group for the stored pattern in the low byte of bits, which counts for `size` numbers. */
static inline __m512i add_row(__m512i S, const uint16_t *P, uint64_t bits, size_t size)
{
    return _mm512_adds_epu16(S, _mm512_load_si512(P + (bits & 0xff) * size));
}

/* The sum of a product. The numbers of P between two groups and those of a pattern are constants where it
 * matters. */
static inline __attribute__((always_inline)) __m512i
look_up(__m512i idle, const uint16_t *P, const uint8_t *pattern, size_t groups, size_t step, size_t row)
{
    __m512i a = idle, b = _mm512_setzero_si512(), c = b, d = b;
    const uint8_t *end = pattern + groups;
    for (; end - pattern >= 8; pattern += 8, P += 8 * step) {
        /* One load of eight patterns: every load of a single one would take the place of a row's. The empty
         * statement keeps the compiler from taking the bytes from memory again. */
        uint64_t bits;
        memcpy(&bits, pattern, sizeof bits);
        __asm__("" : "+r"(bits));
        a = add_row(a, P, bits, row);
        b = add_row(b, P + step, bits >> 8, row);
        c = add_row(c, P + 2 * step, bits >> 16, row);
        d = add_row(d, P + 3 * step, bits >> 24, row);
        a = add_row(a, P + 4 * step, bits >> 32, row);
        b = add_row(b, P + 5 * step, bits >> 40, row);
        c = add_row(c, P + 6 * step, bits >> 48, row);
        d = add_row(d, P + 7 * step, bits >> 56, row);
    }
    for (; pattern < end; pattern++, P += step) a = add_row(a, P, *pattern, row);
    return _mm512_adds_epu16(_mm512_adds_epu16(a, b), _mm512_adds_epu16(c, d));
}

/* What all bit lines of a tile share. */
typedef struct reader {
    __m512i middle;
    __m128i drop;
    int boost;
} reader;

static inline __m512i read_out(reader r, const int16_t *k, __m512i identity, __m512i S)
{
    const __m512i u = _mm512_xor_si512(S, r.middle);
    __m512i v = _mm512_add_epi16(_mm512_load_si512(k + 2 * BLOCK),
                                 _mm512_mulhrs_epi16(u, _mm512_load_si512(k + 3 * BLOCK)));
    v = _mm512_add_epi16(_mm512_load_si512(k + BLOCK), _mm512_mulhrs_epi16(u, v));
    v = _mm512_adds_epi16(_mm512_load_si512(k), _mm512_mulhrs_epi16(u, v));
    v = _mm512_adds_epi16(_mm512_and_si512(u, identity), v);
    for (int b = 0; b < r.boost; b++) v = _mm512_adds_epi16(v, v);
    return _mm512_srl_epi16(_mm512_xor_si512(v, r.middle), r.drop);
}

static inline void shift_and_add(int32_t *acc, __m512i codes, __m128i shift)
{
    __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(codes));
    __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(codes, 1));
    _mm512_store_si512(acc, _mm512_add_epi32(_mm512_load_si512(acc), _mm512_sll_epi32(low, shift)));
    _mm512_store_si512(acc + 16,
                       _mm512_add_epi32(_mm512_load_si512(acc + 16), _mm512_sll_epi32(high, shift)));
}

static uint64_t product_avx512(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    /* copies, since what is stored into acc might be theirs for all that the compiler knows */
    const xbtab_kernel_batch in = *batch;
    const size_t groups = tile->groups, stride = tile->stride, first_group = in.first_group;
    const size_t n_groups = xbtab__kernel_end(tile, batch) - first_group,
                 end_block = xbtab__kernel_end_block(tile, batch);
    const bool is_wide = xbtab__kernel_is_wide(tile);
    const size_t step = tile->patterns * BLOCK;
    uint64_t outside = 0;
    const reader r = {.middle = _mm512_set1_epi16(INT16_MIN),
                      .drop = _mm_cvtsi32_si128(xbtab__kernel_drop(tile, batch)),
                      .boost = tile->boost};
    for (size_t first = 0; first < in.n; first += XBTAB__CHUNK) {
        size_t end = in.n - first < XBTAB__CHUNK ? in.n : first + XBTAB__CHUNK;
        for (size_t block = in.first_block; block < end_block; block++) {
            const uint16_t *P = xbtab__kernel_P(tile, block) + first_group * step;
            const __m512i idle = _mm512_load_si512(xbtab__kernel_idle(&in, block));
            const int16_t *k = xbtab__kernel_k(tile, block);
            const __m512i lowest = _mm512_load_si512(xbtab__kernel_first(tile, block));
            const __m512i known = _mm512_load_si512(xbtab__kernel_known(tile, block));
            const __m512i identity = _mm512_load_si512(xbtab__kernel_identity(tile, block));
            for (size_t v = first; v < end; v++) {
                const uint8_t *pattern = in.pattern + v * groups + first_group;
                const __m512i S = is_wide ? look_up(idle, P, pattern, n_groups, step, XBTAB__WIDE_ROW)
                                          : look_up(idle, P, pattern, n_groups, NARROW_STEP, XBTAB__ROW);
                __m512i above = _mm512_sub_epi16(S, lowest); /* below the first it wraps to a large one */
                outside += (uint64_t)__builtin_popcount(_mm512_cmpgt_epu16_mask(above, known));
                shift_and_add(acc + in.row[v] * stride + block * BLOCK,
                              read_out(r, k + (size_t)in.bin[v] * 4 * BLOCK, identity, S),
                              _mm_cvtsi32_si128(in.shift[v]));
            }
        }
    }
    return outside;
}

static uint32_t pack_avx512(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                            uint8_t *bin)
{
    return xbtab__kernel_avx2.pack(tile, x, slices, pattern, bin);
}

const xbtab_kernel_functions xbtab__kernel_avx512 = {
    .isa = "avx512", .product = product_avx512, .pack = pack_avx512};

#else
typedef int xbtab__kernel_avx512_not_here;
#endif
