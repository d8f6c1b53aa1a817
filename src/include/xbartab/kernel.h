/* kernel.h - the look-up product: one tile's currents, correction, ADC and shift-and-add in 16-bit integers.
 *
 * Word lines are taken in groups whose DAC codes together have 4 bits (4 lines at 1 bit, 2 at 2 bits, 1 at 4 bits).
 * For each of a group's 16 input patterns the sum of its lines' currents is stored for all bit lines when the tile is
 * programmed, as 16-bit integers. A product is then one load and one addition a group, for many bit lines at once;
 * the nonlinear dependence on the input voltage costs nothing, because each code has its own currents.
 *
 *   S_j    = sum over groups of P[group][pattern][j]             the current, in units of 1/scale
 *   v_j    = (k0 + k1 S + k2 S^2/2^15 + k3 S^3/2^30) 2^boost     correction, TIA and gain; k depend on the mean drive
 *   code_j = clamp(round(v_j / 2^(15 - adc_bits)))               the ADC
 *   acc_j += code_j << shift                                     over input slices
 *
 * All of it is integer arithmetic with stated rounding, so every variant gives the same bits. */
#ifndef XBARTAB_KERNEL_H
#define XBARTAB_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    XBTAB_KERNEL_BINS = 33,        /* of the mean drive: bin b stands for a = b/32 */
    XBTAB_KERNEL_MOST_ADC_BITS = 12 /* 15-bit results leave 3 bits below a 12-bit code */
};

/** What a tile is made of. All arrays are borrowed for the call. */
typedef struct xbtab_kernel_input {
    size_t rows, columns;
    size_t lines;          /* word lines that the mean drive is taken over: rows, or more where the rest is idle */
    int dac_bits;          /* 1, 2 or 4 */
    int adc_bits;          /* 1 to 12 */
    const double *A;       /* A[1 << dac_bits][rows][columns]: current of a word line at each DAC code [A] */
    const double *A_const; /* A_const[columns]: with all inputs at 0 V [A] */
    double full_scale;     /* [A] */
    const double *readout; /* readout[XBTAB_KERNEL_BINS][columns][4]: the ADC's input in codes is
                              sum_m readout[..][m] (y / full_scale)^m */
} xbtab_kernel_input;

/** A tile ready for products. Read-only once made. */
typedef struct xbtab_kernel_tile {
    size_t rows, columns, lines;
    size_t stride; /* columns rounded up to 32: the length of a row of accumulators */
    size_t groups;
    int dac_bits, adc_bits, boost;
    double scale;      /* S per ampere */
    int16_t *P;        /* P[groups][16][stride]; group 0 also holds A_const */
    int16_t *k;        /* k[XBTAB_KERNEL_BINS][4][stride] */
    int zero_is_zero;  /* an input of zeros gives code 0 on every bit line */
} xbtab_kernel_tile;

/** Products to do. */
typedef struct xbtab_kernel_batch {
    size_t n;
    const uint8_t *pattern; /* pattern[n][groups], each below 16 */
    const uint8_t *bin;     /* bin[n], each below XBTAB_KERNEL_BINS */
    const uint8_t *shift;   /* shift[n]: of the input slice, below 24 */
    const uint32_t *row;    /* row[n]: row of the accumulators that the product adds to */
} xbtab_kernel_batch;

/** One instruction set's functions; all give the same bits. */
typedef struct xbtab_kernel_functions {
    const char *isa; /* "c", "avx2" or "avx512" */
    /** acc[row[v]][j] += code << shift[v] for every product v, in order. acc[rows of it][stride], 64-byte aligned. */
    void (*product)(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc);
} xbtab_kernel_functions;

/** The functions of an instruction set; NULL name: the best that this machine has.
 *  @return NULL where the machine or the build has no such set. Static. Threads: safe. */
const xbtab_kernel_functions *xbtab_kernel_find(const char *isa);

/** Make a tile.
 *  @param[out] out  the caller owns it: xbtab_kernel_tile_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_INPUT (a number out of range), XBTAB_ERR_UNSUPPORTED (a read-out too strongly curved for 16 bits:
 *          |k2| or |k3| of 1 or more), XBTAB_ERR_NOMEM. Threads: safe. Cost: 4 * rows * columns additions. */
xbtab_status xbtab_kernel_tile_create(xbtab_kernel_tile **out, const xbtab_kernel_input *input) XBTAB_MUST_CHECK;
void xbtab_kernel_tile_destroy(xbtab_kernel_tile **tile);

/** Cut activation codes into input slices of dac_bits bits, least significant first.
 *  @param      x        x[rows]: codes, each below 2^(slices * dac_bits).
 *  @param[out] pattern  pattern[slices][groups]
 *  @param[out] bin      bin[slices]
 *  @return a bit a slice: set where the slice is not zero everywhere. */
uint32_t xbtab_kernel_pack(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                           uint8_t *bin);

/** The same chain in double precision, without the ADC's rounding and clamp: the ADC's input in codes.
 *  @param[out] v  v[columns]. */
void xbtab_kernel_exact(const xbtab_kernel_input *input, const uint8_t *code, double *v);

#ifdef __cplusplus
}
#endif
#endif
