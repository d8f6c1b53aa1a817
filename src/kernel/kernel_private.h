/* kernel_private.h - the arithmetic that all variants share, written once in plain C, and the list of
 * variants.
 *
 * To add an instruction set: one file kernel_<isa>.c that ends in its table of functions, and one line in
 * cpu.c. tests/conformance/test_kernel.c then covers it. */
#ifndef XBTAB_KERNEL_KERNEL_PRIVATE_H
#define XBTAB_KERNEL_KERNEL_PRIVATE_H

#include <xbartab/kernel.h>

enum {
    XBTAB__PATTERNS = 16,
    XBTAB__PATTERN_SHIFT = 3, /* 16 patterns are stored times 8 */
    XBTAB__MOST_PATTERNS = 1 << XBTAB_KERNEL_MOST_DAC_BITS,

    /* Numbers of P that a stored pattern counts for, of 16 and of more. */
    XBTAB__ROW = XBTAB_KERNEL_BLOCK >> XBTAB__PATTERN_SHIFT,
    XBTAB__WIDE_ROW = XBTAB_KERNEL_BLOCK,

    /* Products that pass one block before the next block's turn. A block of a 128-line tile with 1-bit inputs
     * (32 KiB) is loaded into the first-level cache once for all of them. */
    XBTAB__CHUNK = 512
};

/** Row 0 of a block's look-up table. */
static inline const uint16_t *xbtab__kernel_P(const xbtab_kernel_tile *tile, size_t block)
{
    return tile->P + block * tile->groups * tile->patterns * XBTAB_KERNEL_BLOCK;
}

/** Word lines of a group, and its patterns. */
static inline size_t xbtab__kernel_lines(int dac_bits)
{
    return dac_bits < 4 ? 4U / (unsigned)dac_bits : 1;
}

static inline size_t xbtab__kernel_patterns(int dac_bits)
{
    return dac_bits < 4 ? XBTAB__PATTERNS : (size_t)1 << dac_bits;
}

/** Whether patterns are stored as they are. */
static inline int xbtab__kernel_is_wide(const xbtab_kernel_tile *tile)
{
    return tile->patterns > XBTAB__PATTERNS;
}

/** k0 of the first bit line of a block; k1, k2 and k3 follow at distances of XBTAB_KERNEL_BLOCK, the next bin
 * at four times that. */
static inline const int16_t *xbtab__kernel_k(const xbtab_kernel_tile *tile, size_t block)
{
    return tile->k + block * XBTAB_KERNEL_BINS * 4 * XBTAB_KERNEL_BLOCK;
}

/** What is known of a block's bit lines: sums that are not counted as outside are S_first and up to S_known
 * above it. */
static inline const uint16_t *xbtab__kernel_first(const xbtab_kernel_tile *tile, size_t block)
{
    return tile->S_first + block * XBTAB_KERNEL_BLOCK;
}

static inline const uint16_t *xbtab__kernel_known(const xbtab_kernel_tile *tile, size_t block)
{
    return tile->S_known + block * XBTAB_KERNEL_BLOCK;
}

/** Of a block's bit lines: -1 where u is added, else 0. */
static inline const int16_t *xbtab__kernel_identity(const xbtab_kernel_tile *tile, size_t block)
{
    return tile->identity + block * XBTAB_KERNEL_BLOCK;
}

/** a b / 2^15, rounded: what a vector unit's "multiply high with round and scale" does. */
static inline int xbtab__mul_high(int a, int b)
{
    return (a * b + 0x4000) >> 15;
}

static inline int xbtab__saturated(int a)
{
    return a > INT16_MAX ? INT16_MAX : a < INT16_MIN ? INT16_MIN : a;
}

/** The groups of a batch's look-ups, one behind the last. */
static inline size_t xbtab__kernel_end(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch)
{
    return batch->n_groups ? batch->first_group + batch->n_groups : tile->groups;
}

/** The blocks of a batch's bit lines, one behind the last. */
static inline size_t xbtab__kernel_end_block(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch)
{
    return batch->n_blocks ? batch->first_block + batch->n_blocks : tile->stride / XBTAB_KERNEL_BLOCK;
}

extern const uint16_t xbtab__kernel_nothing[XBTAB_KERNEL_BLOCK];

/** S of a block's bit lines before the first look-up. */
static inline const uint16_t *xbtab__kernel_idle(const xbtab_kernel_batch *batch, size_t block)
{
    return batch->idle ? batch->idle + block * XBTAB_KERNEL_BLOCK : xbtab__kernel_nothing;
}

/** What is cut off the chain's 16 bits. */
static inline int xbtab__kernel_drop(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch)
{
    return batch->all_bits ? 0 : 16 - tile->adc_bits;
}

/** The chain's 16 bits for a sum S, less `drop`; k points at the bit line's k0. |k1| + |k2| + |k3| is below
 * 1, and where u is added (identity = -1) that and |k0| are, so only the saturated additions can leave the
 * range of 16 bits. */
static inline int32_t xbtab__kernel_code(const xbtab_kernel_tile *tile, const int16_t *k, int identity,
                                         uint16_t S, int drop)
{
    enum { STEP = XBTAB_KERNEL_BLOCK };
    int u = S - 32768;
    int v = k[2 * STEP] + xbtab__mul_high(u, k[3 * STEP]);
    v = k[STEP] + xbtab__mul_high(u, v);
    v = xbtab__saturated(k[0] + xbtab__mul_high(u, v));
    v = xbtab__saturated((u & identity) + v);
    for (int b = 0; b < tile->boost; b++) v = xbtab__saturated(2 * v);
    return (v + 32768) >> drop;
}

/** The bin of the rows' mean drive for a sum of DAC codes. */
static inline uint8_t xbtab__kernel_bin(const xbtab_kernel_tile *tile, size_t sum)
{
    size_t full = tile->rows * ((1U << tile->dac_bits) - 1);
    return (uint8_t)((sum * (XBTAB_KERNEL_BINS - 1) * 2 + full) / (2 * full));
}

extern const xbtab_kernel_functions xbtab__kernel_c;
extern const xbtab_kernel_functions xbtab__kernel_avx2;
extern const xbtab_kernel_functions xbtab__kernel_avx512;
extern const xbtab_kernel_functions xbtab__kernel_neon;

#endif
