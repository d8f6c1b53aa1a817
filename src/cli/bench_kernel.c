/* bench_kernel.c - the look-up product against OpenBLAS sgemm.
 *
 * Both compute the same products: 512 vectors of activations with 8 one-bit slices each, 4,096 binary vectors
 * on one 128x128 tile. sgemm gets the ideal conductances and the bits as floats, nothing else. The look-up
 * product includes the correction for wires and devices, the ADC of 8 bits and the shift-and-add into 32-bit
 * integers; packing the activations into patterns is timed apart (it is shared by all tiles on the same word
 * lines). Each side gets the batch that suits it: sgemm is timed as one call and as 8, and the faster one
 * counts.
 *
 * The memory side: a product loads rows/4 lines of 2 bytes a column. What the same core reads in a plain loop
 * over a buffer as large as the tile's tables tells how near the kernel is to the machine's own limit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <xbartab/kernel.h>

#include "bench.h"
#include "blas.h"
#include "cli.h"

enum { SIZE = 128, SLICES = 8, VECTORS = 512, PRODUCTS = VECTORS * SLICES, TURNS = 101, WARM_UP = 5 };
#define G_MAX 1e-4
#define V_READ 0.2

/* A fixed stream of numbers (SplitMix64). */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double draw_uniform(uint64_t *state)
{
    return (double)(draw(state) >> 11) * 0x1p-53;
}

typedef struct work {
    xbtab_kernel_tile *tile;
    const xbtab_kernel_functions *functions;
    uint16_t x[VECTORS][SIZE];
    uint8_t pattern[PRODUCTS][SIZE / 4], bin[PRODUCTS], shift[PRODUCTS];
    uint32_t row[PRODUCTS];
    float bits[PRODUCTS][SIZE], G[SIZE][SIZE], ideal[PRODUCTS][SIZE];
    double A[2][SIZE][SIZE], A_const[SIZE], readout[XBTAB_KERNEL_BINS][SIZE][4];
    _Alignas(64) uint8_t stream[SIZE / 4 * 16 * SIZE * 2];
    int32_t *acc;
    uint64_t outside;
    cli_blas blas;
} work;

/* Currents with 10 % lost in the wires at the far corner, and a read-out that bends by some per cent. */
static xbtab_status make_tile(work *w)
{
    uint64_t random = 2385;
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            w->G[i][j] = (float)(G_MAX * draw_uniform(&random));
            w->A[1][i][j] = V_READ * (double)w->G[i][j] * (1.0 - 0.1 * (i + j) / (2.0 * SIZE));
        }
    }
    for (int b = 0; b < XBTAB_KERNEL_BINS; b++) {
        for (int j = 0; j < SIZE; j++) {
            double bend = 0.03 * b / XBTAB_KERNEL_BINS + 0.02 * j / SIZE,
                   c[4] = {0.3, 256 * (1 + bend), -256 * bend, 1};
            for (int m = 0; m < 4; m++) w->readout[b][j][m] = c[m];
        }
    }
    xbtab_kernel_input input = {.rows = SIZE,
                                .columns = SIZE,
                                .dac_bits = 1,
                                .adc_bits = 8,
                                .A = &w->A[0][0][0],
                                .A_const = w->A_const,
                                .full_scale = SIZE * V_READ * G_MAX / 2,
                                .I_known = SIZE * V_READ * G_MAX,
                                .readout = &w->readout[0][0][0]};
    for (int v = 0; v < VECTORS; v++)
        for (int i = 0; i < SIZE; i++) w->x[v][i] = (uint16_t)(draw(&random) >> 56);
    for (int k = 0; k < PRODUCTS; k++) {
        w->row[k] = (uint32_t)(k / SLICES);
        w->shift[k] = (uint8_t)(k % SLICES);
        for (int i = 0; i < SIZE; i++) w->bits[k][i] = (float)(w->x[k / SLICES][i] >> (k % SLICES) & 1);
    }
    return xbtab_kernel_tile_create(&w->tile, &input);
}

static void pack_all(work *w)
{
    for (int v = 0; v < VECTORS; v++)
        w->functions->pack(w->tile, w->x[v], SLICES, w->pattern[v * SLICES], w->bin + v * SLICES);
}

static void look_up(work *w)
{
    xbtab_kernel_batch batch = {
        .n = PRODUCTS, .pattern = &w->pattern[0][0], .bin = w->bin, .shift = w->shift, .row = w->row};
    w->outside += w->functions->product(w->tile, &batch, w->acc);
}

static void multiply(work *w, int calls)
{
    for (int k = 0; k < calls; k++) {
        int n = PRODUCTS / calls;
        w->blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, SIZE, SIZE, 1.0F, w->bits[k * n], SIZE,
                      w->G[0], SIZE, 0.0F, w->ideal[k * n], SIZE);
    }
}

static void multiply_once(work *w)
{
    multiply(w, 1);
}

static void multiply_in_parts(work *w)
{
    multiply(w, SLICES);
}

/* Reads the whole stream once for each SIZE / 4 * 16 / (SIZE / 4) = 16 products' worth of look-ups. */
enum { READS = PRODUCTS / 16 };

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const uint8_t *from, size_t n)
{
    __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};
    for (size_t k = 0; k < n; k += 256)
        for (size_t r = 0; r < 4; r++)
            sum[r] = _mm512_xor_si512(sum[r], _mm512_loadu_si512(from + k + 64 * r));
    sum[0] = _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]), _mm512_xor_si512(sum[2], sum[3]));
    return (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(sum[0]));
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const uint8_t *from, size_t n)
{
    __m256i sum[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                      _mm256_setzero_si256()};
    for (size_t k = 0; k < n; k += 128)
        for (size_t r = 0; r < 4; r++)
            sum[r] = _mm256_xor_si256(sum[r],
                                      _mm256_loadu_si256((const __m256i *)(const void *)(from + k + 32 * r)));
    sum[0] = _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3]));
    return (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(sum[0]));
}
#endif

static uint64_t read_plain(const uint8_t *from, size_t n)
{
    const uint64_t *word = (const void *)from;
    uint64_t sum[4] = {0};
    for (size_t k = 0; k < n / sizeof *word; k += 4)
        for (size_t r = 0; r < 4; r++) sum[r] ^= word[k + r];
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
}

static uint64_t read_once(const char *isa, const uint8_t *from, size_t n)
{
#if defined(__x86_64__)
    if (isa[0] == 'a') return isa[3] == '5' ? read_avx512(from, n) : read_avx2(from, n);
#endif
    (void)isa;
    return read_plain(from, n);
}

static void read_stream(work *w)
{
    volatile uint64_t kept = 0;
    for (int k = 0; k < READS; k++) kept ^= read_once(w->functions->isa, w->stream, sizeof w->stream);
}

/* As much reading, in a piece as large as the table of 32 columns. */
static void read_piece(work *w)
{
    volatile uint64_t kept = 0;
    for (int k = 0; k < 4 * READS; k++) kept ^= read_once(w->functions->isa, w->stream, sizeof w->stream / 4);
}

/* Seconds a product, and bytes a cell of look-up tables and read-out, with a DAC of several bits: the same
 * 8-bit activations in fewer input slices. */
static int time_dac(json_t **result, const xbtab_kernel_functions *functions, int dac_bits)
{
    enum { FEW = 21 };
    const size_t n_codes = (size_t)1 << dac_bits, slices = (SLICES + (size_t)dac_bits - 1) / (size_t)dac_bits,
                 n = VECTORS * slices;
    uint64_t random = 2385;
    double seconds[FEW], A_const[SIZE] = {0};
    double *A = malloc(n_codes * SIZE * SIZE * sizeof *A);
    double *readout = calloc(XBTAB_KERNEL_BINS * SIZE * 4, sizeof *readout);
    uint16_t *x = malloc(VECTORS * SIZE * sizeof *x);
    uint8_t *pattern = malloc(n * SIZE), *bin = malloc(n), *shift = malloc(n);
    uint32_t *row = malloc(n * sizeof *row);
    int32_t *acc = aligned_alloc(64, VECTORS * SIZE * sizeof *acc);
    xbtab_kernel_tile *tile = NULL;
    int code = CLI_DONE;
    if (!A || !readout || !x || !pattern || !bin || !shift || !row || !acc) {
        code = cli_fail("out of memory");
        goto done;
    }
    for (size_t c = 0; c < SIZE * SIZE; c++) {
        double most = V_READ * G_MAX * draw_uniform(&random);
        for (size_t k = 0; k < n_codes; k++)
            A[k * SIZE * SIZE + c] = most * (double)k / (double)(n_codes - 1);
    }
    for (size_t k = 0; k < XBTAB_KERNEL_BINS * SIZE; k++) readout[4 * k + 1] = 256;
    for (size_t k = 0; k < VECTORS * SIZE; k++) x[k] = (uint16_t)(draw(&random) >> 56);
    xbtab_kernel_input input = {.rows = SIZE,
                                .columns = SIZE,
                                .dac_bits = dac_bits,
                                .adc_bits = 8,
                                .A = A,
                                .A_const = A_const,
                                .full_scale = SIZE * V_READ * G_MAX / 2,
                                .I_known = SIZE * V_READ * G_MAX,
                                .readout = readout};
    if (xbtab_kernel_tile_create(&tile, &input) < 0) {
        code = cli_failed();
        goto done;
    }
    for (size_t k = 0; k < n; k++) {
        row[k] = (uint32_t)(k / slices);
        shift[k] = (uint8_t)(k % slices * (size_t)dac_bits);
    }
    for (size_t v = 0; v < VECTORS; v++)
        functions->pack(tile, x + v * SIZE, (int)slices, pattern + v * slices * tile->groups,
                        bin + v * slices);
    xbtab_kernel_batch batch = {.n = n, .pattern = pattern, .bin = bin, .shift = shift, .row = row};
    memset(acc, 0, VECTORS * SIZE * sizeof *acc);
    for (int turn = 0; turn < FEW; turn++) {
        double began = cli_seconds();
        (void)functions->product(tile, &batch, acc);
        seconds[turn] = cli_seconds() - began;
    }
    size_t bytes = tile->groups * tile->patterns * tile->stride * sizeof *tile->P +
                   XBTAB_KERNEL_BINS * 4 * tile->stride * sizeof *tile->k;
    *result = json_pack("{s:f, s:f}", "ns", 1e9 * bench_median(seconds, FEW) / (double)n, "bytes_per_cell",
                        (double)bytes / (SIZE * SIZE));
done:
    xbtab_kernel_tile_destroy(&tile);
    free(A);
    free(readout);
    free(x);
    free(pattern);
    free(bin);
    free(shift);
    free(row);
    free(acc);
    return code;
}

int bench_kernel(json_t **result, const bench_options *options)
{
    static void (*const sides[])(work *) = {look_up,  multiply_once, multiply_in_parts,
                                            pack_all, read_stream,   read_piece};
    enum { N_SIDES = sizeof sides / sizeof sides[0] };
    double seconds[N_SIDES][TURNS], t[N_SIDES];
    int code = CLI_DONE;
    work *w = aligned_alloc(64, sizeof *w);
    int32_t *acc = aligned_alloc(64, VECTORS * SIZE * sizeof *acc);
    xbtab_status status = XBTAB_OK;
    if (!w || !acc) {
        code = cli_fail("out of memory");
        goto done;
    }
    memset(w, 0, sizeof *w);
    memset(acc, 0, VECTORS * SIZE * sizeof *acc);
    w->acc = acc;
    w->functions = xbtab_kernel_find(options->isa);
    code = cli_blas_open(&w->blas);
    if (code != CLI_DONE) goto done;
    status = make_tile(w);
    if (status < 0) {
        code = cli_failed();
        goto done;
    }
    w->blas.set_threads(1);
    for (int turn = -WARM_UP; turn < TURNS; turn++) {
        if (turn % 64 == 0) memset(acc, 0, VECTORS * SIZE * sizeof *acc);
        pack_all(w);
        for (int side = 0; side < N_SIDES; side++) {
            double start = cli_seconds();
            sides[side](w);
            if (turn >= 0) seconds[side][turn] = cli_seconds() - start;
        }
    }
    for (int side = 0; side < N_SIDES; side++) t[side] = bench_median(seconds[side], TURNS) / PRODUCTS;
    double sgemm = t[1] < t[2] ? t[1] : t[2];
    double bytes = SIZE / 4 * SIZE * 2.0;
    *result = json_pack("{s:s, s:f, s:f, s:f, s:s, s:f, s:f, s:f, s:f}", "isa", w->functions->isa, "ns",
                        1e9 * t[0], "sgemm_ns", 1e9 * sgemm, "sgemm_ratio", sgemm / t[0], "sgemm_core",
                        w->blas.core(), "pack_ns", 1e9 * t[3], "bytes_per_second", bytes / t[0],
                        "share_of_read_128KiB", t[4] / t[0], "share_of_read_32KiB", t[5] / t[0]);
    if (!*result) code = cli_fail("out of memory");
    for (int bits = 1; bits <= 8 && code == CLI_DONE; bits++) {
        char name[16];
        json_t *figures = NULL;
        snprintf(name, sizeof name, "dac%d", bits);
        code = time_dac(&figures, w->functions, bits);
        if (code == CLI_DONE) json_object_set_new(*result, name, figures);
    }
done:
    if (w) xbtab_kernel_tile_destroy(&w->tile);
    free(acc);
    free(w);
    return code;
}
