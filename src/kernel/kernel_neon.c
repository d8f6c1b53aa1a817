/* kernel_neon.c - the product with NEON: a block of 32 bit lines is four registers.
 *
 * As kernel_avx2.c. vqrdmulhq_s16 is the rounding high product of the chain; the one case in which it
 * saturates, the square of -2^15, cannot come up, since |k1| + |k2| + |k3| is below 1. Packing is the plain C
 * one. */
#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#include "kernel_private.h"

enum { BLOCK = XBTAB_KERNEL_BLOCK, PARTS = BLOCK / 8 };

typedef struct sums {
    uint16x8_t part[PARTS];
} sums;

static inline sums look_up(const uint16_t *idle, const uint16_t *P, const uint8_t *pattern, size_t groups,
                           size_t step, size_t row)
{
    sums S;
    for (int r = 0; r < PARTS; r++) S.part[r] = vld1q_u16(idle + 8 * r);
    for (size_t g = 0; g < groups; g++, P += step) {
        const uint16_t *of = P + (size_t)pattern[g] * row;
        for (int r = 0; r < PARTS; r++) S.part[r] = vqaddq_u16(S.part[r], vld1q_u16(of + 8 * r));
    }
    return S;
}

/* What all bit lines of a tile share. */
typedef struct reader {
    int16x8_t drop; /* a shift to the right, as NEON has it: negative */
    int boost;
} reader;

/* Correction and ADC for 8 bit lines; k points at their k0. */
static inline uint16x8_t read_out(reader r, const int16_t *k, const int16_t *identity, uint16x8_t S)
{
    const uint16x8_t middle = vdupq_n_u16(0x8000);
    const int16x8_t u = vreinterpretq_s16_u16(veorq_u16(S, middle));
    int16x8_t v = vaddq_s16(vld1q_s16(k + 2 * BLOCK), vqrdmulhq_s16(u, vld1q_s16(k + 3 * BLOCK)));
    v = vaddq_s16(vld1q_s16(k + BLOCK), vqrdmulhq_s16(u, v));
    v = vqaddq_s16(vld1q_s16(k), vqrdmulhq_s16(u, v));
    v = vqaddq_s16(vandq_s16(u, vld1q_s16(identity)), v);
    for (int b = 0; b < r.boost; b++) v = vqaddq_s16(v, v);
    return vshlq_u16(veorq_u16(vreinterpretq_u16_s16(v), middle), r.drop);
}

static inline void shift_and_add(int32_t *acc, uint16x8_t codes, int32x4_t shift)
{
    int32x4_t low = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(codes)));
    int32x4_t high = vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(codes)));
    vst1q_s32(acc, vaddq_s32(vld1q_s32(acc), vshlq_s32(low, shift)));
    vst1q_s32(acc + 4, vaddq_s32(vld1q_s32(acc + 4), vshlq_s32(high, shift)));
}

static uint64_t product_neon(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    const xbtab_kernel_batch in = *batch;
    const size_t step = tile->patterns * BLOCK,
                 row = xbtab__kernel_is_wide(tile) ? XBTAB__WIDE_ROW : XBTAB__ROW;
    const size_t groups = tile->groups, stride = tile->stride, first_group = in.first_group;
    const size_t n_groups = xbtab__kernel_end(tile, batch) - first_group,
                 end_block = xbtab__kernel_end_block(tile, batch);
    const reader r = {.drop = vdupq_n_s16((int16_t)-xbtab__kernel_drop(tile, batch)), .boost = tile->boost};
    uint64_t outside = 0;
    for (size_t first = 0; first < in.n; first += XBTAB__CHUNK) {
        size_t end = in.n - first < XBTAB__CHUNK ? in.n : first + XBTAB__CHUNK;
        for (size_t block = in.first_block; block < end_block; block++) {
            const uint16_t *P = xbtab__kernel_P(tile, block) + first_group * step;
            const uint16_t *idle = xbtab__kernel_idle(&in, block), *known = xbtab__kernel_known(tile, block);
            const uint16_t *lowest = xbtab__kernel_first(tile, block);
            const int16_t *identity = xbtab__kernel_identity(tile, block);
            const int16_t *k_block = xbtab__kernel_k(tile, block);
            for (size_t v = first; v < end; v++) {
                sums S = look_up(idle, P, in.pattern + v * groups + first_group, n_groups, step, row);
                const int16_t *k = k_block + (size_t)in.bin[v] * 4 * BLOCK;
                const int32x4_t shift = vdupq_n_s32(in.shift[v]);
                int32_t *out = acc + in.row[v] * stride + block * BLOCK;
                for (int part = 0; part < PARTS; part++) {
                    uint16x8_t above = vsubq_u16(S.part[part], vld1q_u16(lowest + 8 * part));
                    above = vcgtq_u16(above, vld1q_u16(known + 8 * part));
                    outside += vaddvq_u16(vshrq_n_u16(above, 15));
                    shift_and_add(out + 8 * part,
                                  read_out(r, k + 8 * part, identity + 8 * part, S.part[part]), shift);
                }
            }
        }
    }
    return outside;
}

static uint32_t pack_neon(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                          uint8_t *bin)
{
    return xbtab__kernel_c.pack(tile, x, slices, pattern, bin);
}

const xbtab_kernel_functions xbtab__kernel_neon = {.isa = "neon", .product = product_neon, .pack = pack_neon};

#else
typedef int xbtab__kernel_neon_not_here;
#endif
