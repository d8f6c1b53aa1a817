/* neon_check.c - the NEON kernel against the plain C one, without a test library: built by a cross compiler
 * and run by an emulator (tests/cli/neon.sh). On an ARM machine test_kernel covers more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_private.h"
#include "memory.h"
#include "random.h"

enum { N = 23, SLICES = 3 };

static int compare(uint32_t run)
{
    xbtab__random random;
    xbtab__random_init(&random, 2385, XBTAB__RANDOM_TEST, run, 1);
    int dac_bits = 1 + (int)run % 8, adc_bits = 1 + (int)xbtab__random_below(&random, 12), differs;
    size_t rows = 1 + xbtab__random_below(&random, 130), columns = 1 + xbtab__random_below(&random, 130);
    size_t n_A = ((size_t)1 << dac_bits) * rows * columns, n_readout = XBTAB_KERNEL_BINS * columns * 4;
    double *A = calloc(n_A, sizeof *A), *base = calloc(columns, sizeof *base);
    double *readout = calloc(n_readout, sizeof *readout), codes = ldexp(1.0, adc_bits);
    double gain = run % 5 == 0 ? 3.7 : run % 7 == 0 ? 0.21 : 1.0;
    for (size_t k = rows * columns; k < n_A; k++) A[k] = 1e-6 * xbtab__random_uniform(&random) - 1e-9;
    for (size_t k = 0; k < n_readout; k++) {
        double u = xbtab__random_uniform(&random) - 0.5;
        readout[k] = gain * codes * (k % 4 == 1 ? 1.0 + 0.1 * u : 0.05 * u);
    }
    xbtab_kernel_tile *tile = NULL;
    xbtab_kernel_input in = {.rows = rows,
                             .columns = columns,
                             .dac_bits = dac_bits,
                             .adc_bits = adc_bits,
                             .A = A,
                             .A_const = base,
                             .full_scale = 0.3e-6 * (double)rows,
                             .I_known = 0.2e-6 * (double)rows,
                             .readout = readout};
    if (xbtab_kernel_tile_create(&tile, &in) < 0) return 1;
    uint16_t *x = calloc(N * rows, sizeof *x);
    uint8_t *pattern = calloc(N * SLICES, tile->groups), bin[N * SLICES], shift[N * SLICES];
    uint32_t row[N * SLICES];
    size_t n_acc = N * tile->stride;
    for (size_t k = 0; k < N * rows; k++)
        x[k] = xbtab__random_uniform(&random) < (double)(k / rows) / N ? (uint16_t)xbtab__random_u32(&random)
                                                                       : 0;
    for (size_t v = 0; v < N; v++) {
        (void)xbtab__kernel_neon.pack(tile, x + v * rows, SLICES, pattern + v * SLICES * tile->groups,
                                      bin + v * SLICES);
        for (size_t t = 0; t < SLICES; t++) {
            shift[v * SLICES + t] = (uint8_t)((int)t * dac_bits);
            row[v * SLICES + t] = (uint32_t)v;
        }
    }
    xbtab_kernel_batch batch = {.n = N * SLICES, .pattern = pattern, .bin = bin, .shift = shift, .row = row};
    int32_t *wanted = xbtab__alloc_aligned(n_acc, sizeof *wanted),
            *got = xbtab__alloc_aligned(n_acc, sizeof *got);
    memset(wanted, 0, n_acc * sizeof *wanted);
    memset(got, 0, n_acc * sizeof *got);
    uint64_t outside = xbtab__kernel_c.product(tile, &batch, wanted);
    differs = xbtab__kernel_neon.product(tile, &batch, got) != outside;
    differs |= memcmp(got, wanted, n_acc * sizeof *got) != 0;
    if (differs) printf("run %u: %zu x %zu, DAC %d, ADC %d differ\n", run, rows, columns, dac_bits, adc_bits);
    xbtab_kernel_tile_destroy(&tile);
    xbtab__free(wanted);
    xbtab__free(got);
    free(A);
    free(base);
    free(readout);
    free(x);
    free(pattern);
    return differs;
}

int main(void)
{
    int wrong = 0;
    if (strcmp(xbtab_kernel_find(NULL)->isa, "neon") != 0) return 2;
    for (uint32_t run = 0; run < 150; run++) wrong += compare(run);
    printf("%d of 150 tiles differ\n", wrong);
    return wrong != 0;
}
