/* kernel_avx2.c - the kernels with AVX2: a block of 32 bit lines is two registers.
 *
 * The block's turn comes before the product's, so that a block's table stays in the first-level cache. Two
 * pairs of running sums hide the latency of the addition; addition with saturation is associative, since no
 * term is negative. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_private.h"

enum { BLOCK = XBTAB_KERNEL_BLOCK, NARROW_STEP = XBTAB__PATTERNS * XBTAB_KERNEL_BLOCK };

typedef struct pair {
    __m256i low, high;
} pair;

/* The row of a group for the stored pattern in the low byte of bits, which counts for `size` numbers. */
static inline pair add_row(pair S, const uint16_t *P, uint64_t bits, size_t size)
{
    const __m256i *row = (const void *)(P + (bits & 0xff) * size);
    return (pair){_mm256_adds_epu16(S.low, _mm256_load_si256(row)),
                  _mm256_adds_epu16(S.high, _mm256_load_si256(row + 1))};
}

/* The sum of a product. The numbers of P between two groups and those of a pattern are constants where it
 * matters. */
static inline __attribute__((always_inline)) pair
look_up(pair idle, const uint16_t *P, const uint8_t *pattern, size_t groups, size_t step, size_t row)
{
    pair a = idle, b = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    const uint8_t *end = pattern + groups;
    for (; end - pattern >= 8; pattern += 8, P += 8 * step) {
        /* One load of eight patterns: every load of a single one would take the place of a row's. The empty
         * statement keeps the compiler from taking the bytes from memory again. */
        uint64_t bits;
        memcpy(&bits, pattern, sizeof bits);
        __asm__("" : "+r"(bits));
        a = add_row(a, P, bits, row);
        b = add_row(b, P + step, bits >> 8, row);
        a = add_row(a, P + 2 * step, bits >> 16, row);
        b = add_row(b, P + 3 * step, bits >> 24, row);
        a = add_row(a, P + 4 * step, bits >> 32, row);
        b = add_row(b, P + 5 * step, bits >> 40, row);
        a = add_row(a, P + 6 * step, bits >> 48, row);
        b = add_row(b, P + 7 * step, bits >> 56, row);
    }
    for (; pattern < end; pattern++, P += step) a = add_row(a, P, *pattern, row);
    return (pair){_mm256_adds_epu16(a.low, b.low), _mm256_adds_epu16(a.high, b.high)};
}

/* What all bit lines of a tile share. */
typedef struct reader {
    __m256i middle;
    __m128i drop;
    int boost;
} reader;

/* How many of 16 sums are outside of what is known (below the first, their difference wraps to a large one):
 * the bits of a byte mask come in pairs. */
static inline uint64_t count_outside(__m256i S, const uint16_t *first, const uint16_t *known)
{
    __m256i above = _mm256_sub_epi16(S, _mm256_load_si256((const void *)first));
    __m256i excess = _mm256_subs_epu16(above, _mm256_load_si256((const void *)known));
    __m256i none = _mm256_cmpeq_epi16(excess, _mm256_setzero_si256());
    return 16 - (uint64_t)__builtin_popcount((unsigned)_mm256_movemask_epi8(none)) / 2;
}

/* Correction and ADC for 16 bit lines; k points at their k0. */
static inline __m256i read_out(reader r, const int16_t *k, const int16_t *identity, __m256i S)
{
    const __m256i *c = (const void *)k; /* k0 to k3 are two registers apart */
    const __m256i u = _mm256_xor_si256(S, r.middle);
    __m256i v = _mm256_add_epi16(_mm256_load_si256(c + 4), _mm256_mulhrs_epi16(u, _mm256_load_si256(c + 6)));
    v = _mm256_add_epi16(_mm256_load_si256(c + 2), _mm256_mulhrs_epi16(u, v));
    v = _mm256_adds_epi16(_mm256_load_si256(c), _mm256_mulhrs_epi16(u, v));
    v = _mm256_adds_epi16(_mm256_and_si256(u, _mm256_load_si256((const void *)identity)), v);
    for (int b = 0; b < r.boost; b++) v = _mm256_adds_epi16(v, v);
    return _mm256_srl_epi16(_mm256_xor_si256(v, r.middle), r.drop);
}

static inline void shift_and_add(int32_t *acc, __m256i codes, __m128i shift)
{
    __m256i *a = (void *)acc;
    __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(codes));
    __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(codes, 1));
    _mm256_store_si256(a, _mm256_add_epi32(_mm256_load_si256(a), _mm256_sll_epi32(low, shift)));
    _mm256_store_si256(a + 1, _mm256_add_epi32(_mm256_load_si256(a + 1), _mm256_sll_epi32(high, shift)));
}

static uint64_t product_avx2(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    /* copies, since what is stored into acc might be theirs for all that the compiler knows */
    const xbtab_kernel_batch in = *batch;
    const size_t groups = tile->groups, stride = tile->stride, first_group = in.first_group;
    const size_t n_groups = xbtab__kernel_end(tile, batch) - first_group,
                 end_block = xbtab__kernel_end_block(tile, batch);
    const bool is_wide = xbtab__kernel_is_wide(tile);
    const size_t step = tile->patterns * BLOCK;
    uint64_t outside = 0;
    const reader r = {.middle = _mm256_set1_epi16(INT16_MIN),
                      .drop = _mm_cvtsi32_si128(xbtab__kernel_drop(tile, batch)),
                      .boost = tile->boost};
    for (size_t first = 0; first < in.n; first += XBTAB__CHUNK) {
        size_t end = in.n - first < XBTAB__CHUNK ? in.n : first + XBTAB__CHUNK;
        for (size_t block = in.first_block; block < end_block; block++) {
            const uint16_t *P = xbtab__kernel_P(tile, block) + first_group * step;
            const __m256i *start = (const void *)xbtab__kernel_idle(&in, block);
            const pair idle = {_mm256_load_si256(start), _mm256_load_si256(start + 1)};
            const int16_t *k_block = xbtab__kernel_k(tile, block);
            const uint16_t *lowest = xbtab__kernel_first(tile, block);
            const uint16_t *known = xbtab__kernel_known(tile, block);
            const int16_t *identity = xbtab__kernel_identity(tile, block);
            for (size_t v = first; v < end; v++) {
                const uint8_t *pattern = in.pattern + v * groups + first_group;
                const pair S = is_wide ? look_up(idle, P, pattern, n_groups, step, XBTAB__WIDE_ROW)
                                       : look_up(idle, P, pattern, n_groups, NARROW_STEP, XBTAB__ROW);
                outside += count_outside(S.low, lowest, known);
                outside += count_outside(S.high, lowest + 16, known + 16);
                const int16_t *k = k_block + (size_t)in.bin[v] * 4 * BLOCK;
                __m128i shift = _mm_cvtsi32_si128(in.shift[v]);
                int32_t *out = acc + in.row[v] * stride + block * BLOCK;
                shift_and_add(out, read_out(r, k, identity, S.low), shift);
                shift_and_add(out + 16, read_out(r, k + 16, identity + 16, S.high), shift);
            }
        }
    }
    return outside;
}

/* Bit t of 32 codes, code i in bit i. */
static inline uint32_t gather_bits(const __m256i *x, __m128i up)
{
    __m256i a = _mm256_sll_epi16(_mm256_loadu_si256(x), up);
    __m256i b = _mm256_sll_epi16(_mm256_loadu_si256(x + 1), up);
    /* saturation to bytes keeps the sign; it works in halves of 128 bits, which the permutation puts in order
     */
    return (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8));
}

/* The 8 nibbles of 32 bits as 8 stored patterns. */
static inline uint64_t spread(uint32_t bits)
{
    uint64_t x = bits;
    x = (x | x << 16) & 0x0000ffff0000ffffU;
    x = (x | x << 8) & 0x00ff00ff00ff00ffU;
    return ((x | x << 4) & 0x0f0f0f0f0f0f0f0fU) << XBTAB__PATTERN_SHIFT;
}

static uint32_t pack_avx2(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                          uint8_t *bin)
{
    if (tile->dac_bits != 1) return xbtab__kernel_c.pack(tile, x, slices, pattern, bin);
    uint32_t used = 0;
    const size_t whole = tile->rows / 32 * 32, rest = tile->rows - whole;
    uint16_t tail[32] = {0};
    for (size_t i = 0; i < rest; i++) tail[i] = x[whole + i];
    for (int t = 0; t < slices; t++, pattern += tile->groups) {
        const __m128i up = _mm_cvtsi32_si128(15 - t);
        unsigned sum = 0;
        for (size_t i = 0; i < whole; i += 32) {
            uint32_t bits = gather_bits((const void *)(x + i), up);
            uint64_t bytes = spread(bits);
            sum += (unsigned)__builtin_popcount(bits);
            memcpy(pattern + i / 4, &bytes, sizeof bytes);
        }
        if (rest) {
            uint32_t bits = gather_bits((const void *)tail, up);
            sum += (unsigned)__builtin_popcount(bits);
            for (size_t g = whole / 4; g < tile->groups; g++, bits >>= 4)
                pattern[g] = (uint8_t)((bits & 15) << XBTAB__PATTERN_SHIFT);
        }
        bin[t] = xbtab__kernel_bin(tile, sum);
        if (sum) used |= 1U << t;
    }
    return used;
}

const xbtab_kernel_functions xbtab__kernel_avx2 = {.isa = "avx2", .product = product_avx2, .pack = pack_avx2};

#else
typedef int xbtab__kernel_avx2_not_here;
#endif
