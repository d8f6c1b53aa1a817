/* kernel.h - the look-up product: one tile's currents, correction, ADC and shift-and-add in 16-bit integers.
 *
 * Word lines are taken in groups whose DAC codes together have 4 bits (4 lines at 1 bit, 2 at 2 bits, 1 at 3
 * and 4 bits), or one by one at 5 to 8 bits. For each of a group's 16 or more input patterns the sum of its
 * lines' currents is stored for all bit lines when the tile is programmed, as 16-bit integers. A product is
 * then one load and one addition a group, for many bit lines at once; the nonlinear dependence on the input
 * voltage costs nothing, because each code has its own currents. It costs memory: 2^(dac_bits + 1) bytes a
 * cell from 4 bits on.
 *
 *   S_j    = sum over groups of P[group][pattern][j], saturated to [0, 65535]  (I_j - I_base[j]) / I_unit[j]
 *   u      = S_j / 2^15 - 1                                                       in [-1, 1)
 *   v      = saturated(u + k0 + u (k1 + u (k2 + u k3)))                           correction, TIA and gain
 *   code_j = floor((v + 1) 2^(adc_bits - 1))                                      the ADC, v = 1 is its upper end
 *   acc_j += code_j << shift                                                      over input slices
 *
 * P has no negative numbers: what flows through a bit line whatever the pattern is in I_base, and from there
 * in k. So S cannot wrap; it saturates, the order of the additions does not matter, and I_unit covers what
 * the bit line's cells can carry, or where that is more than the ADC's range only that: all 16 bits serve it.
 * The k depend on the mean drive and the bit line. They are small, because the chain is written as a
 * deviation from the identity; a bit line that cannot reach the whole range (its slope is below 1) has the
 * same without u. Where neither fits (|k1| + |k2| + |k3| is 1 or more), v = 2^boost saturated(k0 + ..) for
 * the whole tile, with less precision.
 *
 * The fixed-point chain differs from double arithmetic by at most 3.5 steps of 2^-16 of the ADC's range (four
 * rounded k and three rounded products) for boost 0: 0.014 codes at 8 bits, 0.055 at 10, 0.22 at 12. Rounding
 * of P adds sqrt(groups / 12) steps rms. All of it is integer arithmetic with stated rounding, so every
 * variant gives the same bits. */
#ifndef XBARTAB_KERNEL_H
#define XBARTAB_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    XBTAB_KERNEL_BINS = 33,  /* of the rows' mean drive: bin b stands for b/32 */
    XBTAB_KERNEL_BLOCK = 32, /* bit lines of a block */
    XBTAB_KERNEL_MOST_DAC_BITS = 8,
    XBTAB_KERNEL_MOST_ADC_BITS = 12 /* 16-bit results leave 4 bits below a 12-bit code */
};

/** What a tile is made of. All arrays are borrowed for the call. */
typedef struct xbtab_kernel_input {
    size_t rows, columns;
    int dac_bits;          /* 1 to 8 */
    int adc_bits;          /* 1 to 12 */
    const double *A;       /* A[1 << dac_bits][rows][columns]: current of a word line at each DAC code [A] */
    const double *A_const; /* A_const[columns]: with all inputs at 0 V [A] */
    double full_scale;     /* current at about the ADC's upper end [A]; larger ones may saturate where every
                              read-out is at its largest code (read-outs are taken as monotone there) */
    double I_known; /* current of either sign up to which the read-out is known; larger ones are counted
                       (INFINITY = no limit) [A] */
    const double *readout; /* readout[XBTAB_KERNEL_BINS][columns][4]: the ADC's input in codes is
                              sum_m readout[..][m] (y / full_scale)^m */
} xbtab_kernel_input;

/** A tile ready for products. Read-only once made. */
typedef struct xbtab_kernel_tile {
    size_t rows, columns;
    size_t stride; /* columns rounded up to XBTAB_KERNEL_BLOCK: the length of a row of accumulators */
    size_t groups, patterns; /* patterns of a group: 16, or more with a DAC of more than 4 bits */
    int dac_bits, adc_bits, boost;
    double *I_unit;    /* I_unit[columns]: current of one step of S [A] */
    double *I_base;    /* I_base[columns]: current at S = 0 [A] */
    uint16_t *P;       /* P[stride / block][groups][patterns][block]: a block's row of P is one cache line */
    int16_t *k;        /* k[stride / block][XBTAB_KERNEL_BINS][4][block], in steps of 2^-15 */
    int16_t *identity; /* identity[stride]: -1 where u is added, else 0 */
    uint16_t *S_first; /* S_first[stride]: the least S that is not counted as outside */
    uint16_t *S_known; /* S_known[stride]: how far above that S is not counted */
    int zero_is_zero;  /* an input of zeros gives code 0 on every bit line */
} xbtab_kernel_tile;

/** Products to do. */
typedef struct xbtab_kernel_batch {
    size_t n;
    const uint8_t *pattern; /* pattern[n][groups], as pack gives it: 8 times the pattern of 16 (the
                               processor multiplies by 8 once more: together 64 bytes, a row of P), or the
                               pattern of more */
    const uint8_t *bin;     /* bin[n], each below XBTAB_KERNEL_BINS */
    const uint8_t *shift;   /* shift[n]: of the input slice, below 24 */
    const uint32_t *row;    /* row[n]: row of the accumulators that the product adds to */
    int all_bits; /* 1: the ADC's input v + 2^15 in 16 bits takes the place of its code; 0: the code */
    size_t first_group, n_groups; /* groups that are looked up, where all others have pattern 0 (0 groups =
                                     all) */
    size_t first_block, n_blocks; /* of bit lines that are read out (0 blocks = all) */
    const uint16_t *idle;         /* idle[stride]: S of the groups left out, 64-byte aligned; NULL = 0 */
} xbtab_kernel_batch;

/** One instruction set's functions; all give the same bits. They allocate nothing and may run in any number
 * of threads on the same tile. */
typedef struct xbtab_kernel_functions {
    const char *isa; /* "c", "avx2", "avx512" or "neon" */

    /** acc[row[v]][j] += code << shift[v] for every product v. acc[..][stride], 64-byte aligned; what is
     * behind the tile's columns, or outside of the batch's blocks, stays as it is. Returns how many of the
     * codes came from a current beyond I_known. */
    uint64_t (*product)(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc);

    /** Cut activation codes into input slices of dac_bits bits, least significant first.
     *  @param      x        x[rows]; bits above the last slice are left out.
     *  @param      slices   the last of them has bits of x.
     *  @param[out] pattern  pattern[slices][groups], as in a batch; bits of lines behind rows are zero
     *  @param[out] bin      bin[slices]
     *  @return a bit a slice: set where the slice is not zero everywhere. */
    uint32_t (*pack)(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                     uint8_t *bin);
} xbtab_kernel_functions;

/** The functions of an instruction set; NULL name: the best that this machine has.
 *  @return NULL where the machine or the build has no such set. Static. Threads: safe. */
const xbtab_kernel_functions *xbtab_kernel_find(const char *isa);

/** Make a tile.
 *  @param[out] out  the caller owns it: xbtab_kernel_tile_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_INPUT (a number out of range), XBTAB_ERR_UNSUPPORTED (a read-out too strongly curved for
 * 16 bits: more than 2^12 times the ADC's range), XBTAB_ERR_NOMEM. Threads: safe. Cost: 4 * rows * columns
 * additions. */
xbtab_status xbtab_kernel_tile_create(xbtab_kernel_tile **out,
                                      const xbtab_kernel_input *input) XBTAB_MUST_CHECK;
void xbtab_kernel_tile_destroy(xbtab_kernel_tile **tile);

/** The same chain in double precision, without the ADC's rounding and clamp: the ADC's input in codes.
 *  @param[out] v  v[columns]. */
void xbtab_kernel_exact(const xbtab_kernel_input *input, const uint8_t *code, double *v);

#ifdef __cplusplus
}
#endif
#endif
