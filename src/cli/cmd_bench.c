/* cmd_bench.c - the performance ratios, measured now: the look-up product against OpenBLAS on the ideal
 * product, the programming of a tile, and the gain from threads. Nothing here is compared with a number from
 * another machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <omp.h>
#include <xbartab/kernel.h>

#include "cli.h"

enum { SIDE = 128, PRODUCTS = 4096, SLICES = 8, ROUNDS = 25, LONGEST_ROUNDS = 200 };

typedef struct kernel_bench {
    const xbtab_kernel_functions *functions;
    xbtab_kernel_tile *tile;
    uint8_t *pattern, *bin, *shift;
    uint32_t *row;
    int32_t *acc;
    float *x, *G, *y; /* of the ideal product */
} kernel_bench;

/* A small generator of its own: the measured programs must not depend on the library's private ones. */
static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static int make_tile(kernel_bench *b)
{
    uint64_t random = 7;
    double *A = calloc((size_t)2 * SIDE * SIDE, sizeof *A), *A_const = calloc(SIDE, sizeof *A_const);
    double *readout = calloc((size_t)XBTAB_KERNEL_BINS * SIDE * 4, sizeof *readout);
    if (!A || !A_const || !readout) return cli_fail("out of memory");
    for (size_t c = 0; c < SIDE * SIDE; c++) {
        A[SIDE * SIDE + c] = 0.2 * (0.5e-6 + 9.5e-6 * floor(4 * uniform(&random)) / 3);
        b->G[c] = (float)A[SIDE * SIDE + c];
    }
    for (size_t k = 0; k < XBTAB_KERNEL_BINS * SIDE; k++) { /* a correction of the usual size, 8 bits */
        double c[4] = {0.1 * uniform(&random), 255.0, 2.0 * uniform(&random), -uniform(&random)};
        memcpy(readout + 4 * k, c, sizeof c);
    }
    xbtab_kernel_input input = {.rows = SIDE,
                                .columns = SIDE,
                                .lines = SIDE,
                                .dac_bits = 1,
                                .adc_bits = 8,
                                .A = A,
                                .A_const = A_const,
                                .full_scale = SIDE * 0.2 * 10e-6,
                                .readout = readout};
    int code = xbtab_kernel_tile_create(&b->tile, &input) < 0 ? cli_failed() : CLI_DONE;
    free(A);
    free(A_const);
    free(readout);
    return code;
}

static int prepare(kernel_bench *b, const char *cpu)
{
    uint64_t random = 11;
    size_t groups = SIDE / 4;
    b->functions = xbtab_kernel_find(cpu);
    if (!b->functions) return cli_fail("--cpu %s: this machine has no such kernel", cpu);
    b->pattern = malloc(PRODUCTS * groups);
    b->bin = malloc(PRODUCTS);
    b->shift = malloc(PRODUCTS);
    b->row = malloc(PRODUCTS * sizeof *b->row);
    b->acc = aligned_alloc(64, (size_t)PRODUCTS / SLICES * SIDE * sizeof *b->acc);
    b->x = malloc((size_t)PRODUCTS * SIDE * sizeof *b->x);
    b->G = malloc((size_t)SIDE * SIDE * sizeof *b->G);
    b->y = malloc((size_t)PRODUCTS * SIDE * sizeof *b->y);
    if (!b->pattern || !b->bin || !b->shift || !b->row || !b->acc || !b->x || !b->G || !b->y) {
        return cli_fail("out of memory");
    }
    for (size_t k = 0; k < PRODUCTS * groups; k++) b->pattern[k] = (uint8_t)(16 * uniform(&random));
    for (size_t k = 0; k < PRODUCTS; k++) {
        int drive = 0;
        for (size_t i = 0; i < SIDE; i++) {
            int bit = b->pattern[k * groups + i / 4] >> (i % 4) & 1;
            b->x[k * SIDE + i] = (float)bit;
            drive += bit;
        }
        b->bin[k] = (uint8_t)((drive * (XBTAB_KERNEL_BINS - 1) + SIDE / 2) / SIDE);
        b->shift[k] = (uint8_t)(k % SLICES);
        b->row[k] = (uint32_t)(k / SLICES);
    }
    return make_tile(b);
}

static void release(kernel_bench *b)
{
    xbtab_kernel_tile_destroy(&b->tile);
    free(b->pattern);
    free(b->bin);
    free(b->shift);
    free(b->row);
    free(b->acc);
    free(b->x);
    free(b->G);
    free(b->y);
}

static void products(const kernel_bench *b)
{
    xbtab_kernel_batch batch = {
        .n = PRODUCTS, .pattern = b->pattern, .bin = b->bin, .shift = b->shift, .row = b->row};
    b->functions->product(b->tile, &batch, b->acc);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

/* Bytes a second of plain reads of the same footprint as the tile's patterns. */
static double read_bandwidth(const kernel_bench *b)
{
    size_t n = b->tile->groups * 16 * b->tile->stride * sizeof(int16_t) / sizeof(uint64_t);
    const uint64_t *words = (const uint64_t *)(const void *)b->tile->P;
    uint64_t sum[8] = {0};
    double began = cli_seconds();
    for (int round = 0; round < LONGEST_ROUNDS; round++) {
        for (size_t k = 0; k + 8 <= n; k += 8) {
            for (size_t l = 0; l < 8; l++) sum[l] += words[k + l];
        }
        __asm__ volatile("" : : "r"(sum) : "memory");
    }
    return (double)n * sizeof(uint64_t) * LONGEST_ROUNDS / (cli_seconds() - began);
}

int cmd_bench(int argc, const char **argv)
{
    const char *cpu = NULL, *arguments[1];
    int as_json = 0;
    const struct poptOption options[] = {
        {"cpu", '\0', POPT_ARG_STRING, &cpu, 0, "kernel: c, avx2 or avx512 (the machine's best)", "ISA"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    kernel_bench b = {0};
    double kernel[ROUNDS], sgemm[ROUNDS], pair[ROUNDS];
    int code = cli_parse(&context, argc, argv, options, "", "xbartab bench --json", 0, 0, arguments);
    if (code == CLI_DONE) code = prepare(&b, cpu);
    if (code != CLI_DONE) goto done;
    openblas_set_num_threads(1);
    memset(b.acc, 0, (size_t)PRODUCTS / SLICES * SIDE * sizeof *b.acc);
    for (int round = 0; round < ROUNDS; round++) { /* in turns, so that both meet the same machine */
        double t0 = cli_seconds();
        products(&b);
        double t1 = cli_seconds();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, PRODUCTS, SIDE, SIDE, 1.0f, b.x, SIDE, b.G,
                    SIDE, 0.0f, b.y, SIDE);
        double t2 = cli_seconds();
        kernel[round] = (t1 - t0) / PRODUCTS;
        sgemm[round] = (t2 - t1) / PRODUCTS;
        double t3 = cli_seconds();
#pragma omp parallel num_threads(2)
        {
            kernel_bench mine = b;
            mine.acc = aligned_alloc(64, (size_t)PRODUCTS / SLICES * SIDE * sizeof *mine.acc);
            if (mine.acc) {
                memset(mine.acc, 0, (size_t)PRODUCTS / SLICES * SIDE * sizeof *mine.acc);
                products(&mine);
            }
            free(mine.acc);
        }
        pair[round] = (cli_seconds() - t3) / (2 * PRODUCTS);
    }
    double ns = 1e9 * median(kernel, ROUNDS), sgemm_ns = 1e9 * median(sgemm, ROUNDS);
    double pair_ns = 1e9 * median(pair, ROUNDS);
    double loads = (double)(b.tile->groups * b.tile->stride * sizeof(int16_t)) / (1e-9 * ns);
    double share = loads / read_bandwidth(&b);
    double bytes_a_cell =
        (double)((b.tile->groups * 16 + XBTAB_KERNEL_BINS * 4) * b.tile->stride * sizeof(int16_t)) /
        ((double)SIDE * SIDE);
    if (as_json) {
        json_t *k = json_pack("{s:f, s:f, s:f, s:s, s:f, s:f, s:s}", "sgemm_ratio", sgemm_ns / ns, "ns", ns,
                              "sgemm_ns", sgemm_ns, "isa", b.functions->isa, "load_share", share,
                              "bytes_per_cell", bytes_a_cell, "sgemm_core", openblas_get_corename());
        code = cli_print_json(
            json_pack("{s:o, s:{s:f}}", "kernel", k, "threads", "efficiency", ns / (2 * pair_ns)));
    } else {
        printf("128 x 128, 1-bit inputs, one thread, medians of %d rounds in turns:\n", ROUNDS);
        printf("  look-up product with correction, ADC and shift-and-add (%s): %.1f ns, %.0f %% of the read "
               "bandwidth\n",
               b.functions->isa, ns, 100 * share);
        printf("  OpenBLAS sgemm (%s) on the ideal product: %.1f ns\n", openblas_get_corename(), sgemm_ns);
        printf("  ratio %.2f; %.1f bytes a cell; two threads are %.2f times as fast as one\n", sgemm_ns / ns,
               bytes_a_cell, ns / pair_ns);
    }
done:
    release(&b);
    poptFreeContext(context);
    return code;
}
