/* ideal.c - the engine without analog error: integer sums, and an ADC that only rounds and clamps.
 *
 * The current of a bit line is V_step (G_0 sum_i x_i + G_step sum_i x_i level_ij), from two exact integer
 * sums, so with enough ADC bits the digital product comes back exactly. Where a level's step is a whole
 * number of codes, and by the ADC's default range it is, the code is that number times the second sum plus
 * the rounded first one, all in integers.
 *
 * The sums are looked up by the kernel, whose chain behind them is the identity here. The word lines
 * themselves are one more column, of level 1, which gives sum_i x_i. Where the kernel's DAC bits or 16 bits
 * would not do the cells are added one by one, and those with conductances of their own in double precision.
 */
#include <xbartab/engine.h>

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine_private.h"
#include "memory.h"
#include "vector.h"

enum { BLOCK = XBTAB_KERNEL_BLOCK, PATTERNS = 16, PATTERN_STEP = PATTERNS * BLOCK, VECTORS_A_BLOCK = 32 };

typedef struct ideal {
    size_t rows, columns, stride;
    int dac_bits;
    double codes_per_unit, codes_per_offset; /* of one level step, and of G_0, at one DAC step */
    double least, largest;                   /* code */
    /* looked up */
    const xbtab_kernel_functions *functions;
    xbtab_kernel_tile kernel; /* of columns + 1: S are the sums themselves, less S_base */
    int32_t *S_base;          /* S_base[kernel.stride]; NULL where no level counts negatively */
    int32_t whole;            /* codes_per_unit where it is a whole number, else 0 */
    int16_t *steps; /* or added one by one, where 16 bits would not do: steps[rows][kernel.stride], signs
                       included */
    double *codes;  /* or conductances: codes[rows][stride] of each cell at one DAC step */
} ideal;

static void clear(void *state)
{
    ideal *s = state;
    if (!s) return;
    xbtab__free(s->kernel.P);
    xbtab__free(s->kernel.k);
    xbtab__free(s->kernel.identity);
    xbtab__free(s->kernel.S_first);
    xbtab__free(s->kernel.S_known);
    xbtab__free(s->S_base);
    xbtab__free(s->steps);
    xbtab__free(s->codes);
    xbtab__free(s);
}

/* ---- programming ---- */

static int sign_of(const xbtab_tables *t, size_t i)
{
    return xbtab_array_sign(&t->array, (long)i);
}

/* Sums of one group's lines for each pattern, on column j; the smallest is taken out and returned. */
static int group_sums(int *sum, const ideal *s, const xbtab_tables *t, const uint8_t *level, size_t g,
                      size_t j)
{
    const size_t lines = 4U / (unsigned)s->dac_bits;
    const unsigned bits = (unsigned)s->dac_bits, mask = (1u << bits) - 1;
    int least = INT_MAX;
    for (unsigned p = 0; p < PATTERNS; p++) {
        sum[p] = 0;
        for (size_t l = 0; l < lines && g * lines + l < s->rows; l++) {
            size_t i = g * lines + l;
            int of = j < s->columns ? level[i * s->columns + j] : 1;
            sum[p] += sign_of(t, i) * of * (int)(p >> (l * bits) & mask);
        }
        least = sum[p] < least ? sum[p] : least;
    }
    for (unsigned p = 0; p < PATTERNS; p++) sum[p] -= least;
    return least;
}

static xbtab_status fill_kernel(ideal *s, const xbtab_tables *t, const uint8_t *level)
{
    const size_t lines = 4U / (unsigned)s->dac_bits, groups = (s->rows + lines - 1) / lines;
    const size_t stride = xbtab_engine_stride(s->columns + 1);
    const bool is_signed = s->least < 0;
    int sum[PATTERNS];
    s->kernel =
        (xbtab_kernel_tile){.rows = s->rows,
                            .columns = s->columns + 1,
                            .stride = stride,
                            .groups = groups,
                            .patterns = PATTERNS,
                            .dac_bits = s->dac_bits,
                            .adc_bits = 16,
                            .P = xbtab__alloc_aligned(stride * groups * PATTERNS, sizeof(uint16_t)),
                            .k = xbtab__alloc_aligned(XBTAB_KERNEL_BINS * 4 * stride, sizeof(int16_t)),
                            .identity = xbtab__alloc_aligned(stride, sizeof(int16_t)),
                            .S_first = xbtab__alloc_aligned(stride, sizeof(uint16_t)),
                            .S_known = xbtab__alloc_aligned(stride, sizeof(uint16_t))};
    if (is_signed) s->S_base = xbtab__alloc(stride, sizeof *s->S_base);
    if (!s->kernel.P || !s->kernel.k || !s->kernel.identity || !s->kernel.S_first || !s->kernel.S_known ||
        (is_signed && !s->S_base))
        return XBTAB_NOMEM();
    for (size_t j = 0; j < stride; j++) s->kernel.identity[j] = -1; /* S as it is */
    for (size_t j = 0; j <= s->columns; j++) {
        uint16_t *P = s->kernel.P + j / BLOCK * groups * PATTERN_STEP + j % BLOCK;
        for (size_t g = 0; g < groups; g++, P += PATTERN_STEP) {
            int least = group_sums(sum, s, t, level, g, j); /* 0 unless the polarity alternates */
            if (is_signed) s->S_base[j] += least;
            for (unsigned p = 0; p < PATTERNS; p++) P[p * BLOCK] = (uint16_t)sum[p];
        }
    }
    return XBTAB_OK;
}

static xbtab_status fill_steps(ideal *s, const xbtab_tables *t, const uint8_t *level)
{
    s->kernel.stride = xbtab_engine_stride(s->columns + 1);
    s->steps = xbtab__alloc_aligned(s->rows * s->kernel.stride, sizeof *s->steps);
    if (!s->steps) return XBTAB_NOMEM();
    for (size_t i = 0; i < s->rows; i++) {
        for (size_t j = 0; j <= s->columns; j++) {
            int of = j < s->columns ? level[i * s->columns + j] : 1;
            s->steps[i * s->kernel.stride + j] = (int16_t)(sign_of(t, i) * of);
        }
    }
    return XBTAB_OK;
}

static xbtab_status fill_codes(ideal *s, const xbtab_tables *t, const xbtab_cells *cells,
                               double codes_per_siemens)
{
    s->codes = xbtab__alloc_aligned(s->rows * s->stride, sizeof *s->codes);
    if (!s->codes) return XBTAB_NOMEM();
    for (size_t i = 0; i < s->rows; i++) {
        for (size_t j = 0; j < s->columns; j++) {
            size_t c = i * s->columns + j;
            double G = cells->G ? cells->G[c] : t->G_level[cells->level[c]];
            s->codes[i * s->stride + j] = sign_of(t, i) * G * codes_per_siemens;
        }
    }
    return XBTAB_OK;
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const xbtab_cells *cells)
{
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    const int adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    const double steps = (1 << t->dac_bits) - 1;
    xbtab_status status;
    ideal *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    *s = (ideal){.rows = cells->rows,
                 .columns = cells->columns,
                 .stride = xbtab_engine_stride(cells->columns),
                 .dac_bits = t->dac_bits,
                 .least = -xbtab__engine_middle(t, adc_bits),
                 .functions = setup->kernel ? setup->kernel : xbtab_kernel_find(NULL)};
    s->largest = s->least + ldexp(1.0, adc_bits) - 1.0;
    XBTAB_TRY_DONE(xbtab_engine_codes_per_unit(&s->codes_per_unit, setup));
    const double codes_per_siemens = ldexp(1.0, adc_bits) * t->v_read / steps / t->I_full_scale;
    s->codes_per_offset = t->G_level[0] * codes_per_siemens;
    const double most = (double)s->rows * steps * fmax((double)t->n_levels - 1, 1.0);
    const bool in_nibbles = s->dac_bits <= 4;
    if (cells->G) {
        XBTAB_TRY_DONE(fill_codes(s, t, cells, codes_per_siemens));
    } else if (!in_nibbles || most > UINT16_MAX) {
        XBTAB_TRY_DONE(fill_steps(s, t, cells->level));
    } else {
        XBTAB_TRY_DONE(fill_kernel(s, t, cells->level));
        double codes = most * (s->codes_per_unit + s->codes_per_offset);
        if (s->codes_per_unit == floor(s->codes_per_unit) && codes < 1e9)
            s->whole = (int32_t)s->codes_per_unit;
    }
    *state = s;
    s = NULL;
done:
    clear(s);
    return status;
}

/* ---- sums ---- */

/* out[j] += code_j << shift, in integers: a step is a whole number of codes. */
XBTAB__VECTOR static void add_whole(const int32_t *restrict S, size_t n, int32_t whole, int32_t base,
                                    int32_t largest, int shift, int32_t *restrict out)
{
    for (size_t j = 0; j < n; j++) {
        int32_t code = base + whole * S[j];
        out[j] += (code < largest ? code : largest) << shift;
    }
}

/* in[j]: the ADC's input [codes]. */
XBTAB__VECTOR static void take_sums(const int32_t *restrict S, size_t n, double offset, double unit,
                                    double *restrict in)
{
    for (size_t j = 0; j < n; j++) in[j] = offset + unit * S[j];
}

XBTAB__VECTOR static void add_scaled(double code, const double *restrict codes, size_t n, double *restrict in)
{
    for (size_t j = 0; j < n; j++) in[j] += code * codes[j];
}

/* Cells added one by one; whether anything flows. */
static bool add_cells(const ideal *s, const uint16_t *x, int slice, double *in)
{
    unsigned mask = (1u << s->dac_bits) - 1;
    bool flows = false;
    memset(in, 0, s->stride * sizeof *in);
    for (size_t i = 0; i < s->rows; i++) {
        unsigned code = (unsigned)x[i] >> (slice * s->dac_bits) & mask;
        if (code) add_scaled(code, s->codes + i * s->stride, s->columns, in);
        flows = flows || code;
    }
    return flows;
}

/* out[j] += code_j << shift */
XBTAB__VECTOR static void add_codes(const double *restrict in, size_t n, double least, double largest,
                                    int shift, int32_t *restrict out)
{
    const int32_t factor = 1 << shift;
    for (size_t j = 0; j < n; j++) {
        double v = in[j] + 0.5;
        v = v < largest ? v : largest;
        v = v > least ? v : least;
        int32_t code = (int32_t)v; /* floor(), which compilers do not vectorize */
        code -= (double)code > v;
        out[j] += code * factor;
    }
}

/* Memory of one call, and what products are looked up together. */
typedef struct bench {
    uint8_t *pattern, *bin, *shift; /* pattern[n][groups], bin[n], shift[n]; n = VECTORS_A_BLOCK * slices */
    uint32_t *row;                  /* row[n] */
    int32_t *S;                     /* S[n][stride of the kernel] */
    uint16_t *idle;                 /* idle[stride of the kernel] */
    double *in;                     /* in[stride] */
    uint32_t used[VECTORS_A_BLOCK];
} bench;

static xbtab_status bench_init(bench *b, const ideal *s, int slices)
{
    size_t n = s->codes ? 1 : (size_t)VECTORS_A_BLOCK * (size_t)slices;
    b->pattern = xbtab__alloc(n, s->kernel.groups);
    b->bin = xbtab__alloc(n, 1);
    b->shift = xbtab__alloc(n, 1);
    b->row = xbtab__alloc(n, sizeof *b->row);
    b->S = xbtab__alloc_aligned(n * s->kernel.stride, sizeof *b->S);
    b->in = xbtab__alloc_aligned(s->stride, sizeof *b->in);
    b->idle = xbtab__alloc_aligned(s->kernel.stride, sizeof *b->idle);
    if (!b->pattern || !b->bin || !b->shift || !b->row || !b->S || !b->in || !b->idle) return XBTAB_NOMEM();
    for (size_t v = 0; v < n; v++) b->row[v] = (uint32_t)v;
    return XBTAB_OK;
}

static void bench_clear(bench *b)
{
    xbtab__free(b->pattern);
    xbtab__free(b->bin);
    xbtab__free(b->shift);
    xbtab__free(b->row);
    xbtab__free(b->S);
    xbtab__free(b->in);
    xbtab__free(b->idle);
}

XBTAB__VECTOR static void add_steps(int32_t code, const int16_t *restrict steps, size_t n,
                                    int32_t *restrict S)
{
    for (size_t j = 0; j < n; j++) S[j] += code * steps[j];
}

/* The same for cells that are added one by one. */
static void add_up(bench *b, const ideal *s, const uint16_t *x, size_t n, int slices)
{
    const unsigned mask = (1u << s->dac_bits) - 1;
    int32_t *S = b->S;
    memset(S, 0, n * (size_t)slices * s->kernel.stride * sizeof *S);
    for (size_t v = 0; v < n; v++, x += s->rows) {
        b->used[v] = 0;
        for (int t = 0; t < slices; t++, S += s->kernel.stride) {
            for (size_t i = 0; i < s->rows; i++) {
                unsigned code = (unsigned)x[i] >> (t * s->dac_bits) & mask;
                if (!code) continue;
                add_steps((int32_t)code, s->steps + i * s->kernel.stride, s->columns + 1, S);
                b->used[v] |= 1u << t;
            }
        }
    }
}

/* S and used of n vectors, at most VECTORS_A_BLOCK, for the window and the column behind the last. */
static void look_up(bench *b, const ideal *s, const uint16_t *x, size_t n, int slices, xbtab_window window)
{
    if (s->steps) {
        add_up(b, s, x, n, slices);
        return;
    }
    const size_t groups = s->kernel.groups, stride = s->kernel.stride, products = n * (size_t)slices;
    for (size_t v = 0; v < n; v++) {
        size_t first = v * (size_t)slices;
        b->used[v] = s->functions->pack(&s->kernel, x + v * s->rows, slices, b->pattern + first * groups,
                                        b->bin + first);
    }
    memset(b->S, 0, products * stride * sizeof *b->S);
    xbtab_kernel_batch batch = {
        .n = products, .pattern = b->pattern, .bin = b->bin, .shift = b->shift, .row = b->row, .all_bits = 1};
    xbtab__engine_narrow(&batch, &s->kernel, b->idle);
    const size_t end = (window.first + window.n - 1) / BLOCK + 1, last = s->columns / BLOCK;
    batch.first_block = window.first / BLOCK;
    batch.n_blocks = end - batch.first_block;
    (void)s->functions->product(&s->kernel, &batch, b->S);
    if (last >= end) {
        batch.first_block = last;
        batch.n_blocks = 1;
        (void)s->functions->product(&s->kernel, &batch, b->S);
    }
    for (size_t p = 0; s->S_base && p < products; p++) {
        for (size_t j = 0; j < stride; j++) b->S[p * stride + j] += s->S_base[j];
    }
}

/* Codes of all bit lines for no level at all. */
static double offset_of(const ideal *s, const int32_t *S)
{
    return s->codes_per_offset * S[s->columns];
}

static void add_looked_up(bench *b, const ideal *s, size_t n, int slices, xbtab_window window, int32_t *acc,
                          xbtab_product_counts *counts)
{
    const int32_t *S = b->S;
    for (size_t v = 0; v < n; v++) {
        int32_t *out = acc + v * s->stride + window.first;
        for (int t = 0; t < slices; t++, S += s->kernel.stride) {
            const int32_t *of = S + window.first;
            if (!(b->used[v] >> t & 1)) continue; /* no current, code 0 */
            counts->codes += window.n;
            if (s->whole && s->least == 0) {
                add_whole(of, window.n, s->whole, (int32_t)floor(offset_of(s, S) + 0.5), (int32_t)s->largest,
                          t * s->dac_bits, out);
            } else {
                take_sums(of, window.n, offset_of(s, S), s->codes_per_unit, b->in);
                add_codes(b->in, window.n, s->least, s->largest, t * s->dac_bits, out);
            }
        }
    }
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices,
                            const xbtab_window *of, int32_t *acc, xbtab_product_counts *counts)
{
    const ideal *s = state;
    const xbtab_window window = xbtab__window_of(of, s->columns);
    bench b = {0};
    xbtab_status status;
    XBTAB_TRY_DONE(bench_init(&b, s, slices));
    for (size_t v = 0; !s->codes && v < n; v += VECTORS_A_BLOCK) {
        size_t block = n - v < VECTORS_A_BLOCK ? n - v : VECTORS_A_BLOCK;
        look_up(&b, s, x + v * s->rows, block, slices, window);
        add_looked_up(&b, s, block, slices, window, acc + v * s->stride, counts);
    }
    for (size_t v = 0; s->codes && v < n; v++) {
        for (int t = 0; t < slices; t++) {
            if (!add_cells(s, x + v * s->rows, t, b.in)) continue;
            counts->codes += window.n;
            add_codes(b.in + window.first, window.n, s->least, s->largest, t * s->dac_bits,
                      acc + v * s->stride + window.first);
        }
    }
done:
    bench_clear(&b);
    return status;
}

static xbtab_status read(const void *state, const uint16_t *x, size_t n, int slices, const xbtab_window *of,
                         double *v, xbtab_product_counts *counts)
{
    const ideal *s = state;
    const xbtab_window window = xbtab__window_of(of, s->columns);
    const double share = 1.0 / (s->largest - s->least + 1.0); /* a power of two */
    bench b = {0};
    xbtab_status status;
    XBTAB_TRY_DONE(bench_init(&b, s, slices));
    counts->codes += n * (size_t)slices * window.n;
    for (size_t k = 0; !s->codes && k < n; k += VECTORS_A_BLOCK) {
        size_t block = n - k < VECTORS_A_BLOCK ? n - k : VECTORS_A_BLOCK;
        look_up(&b, s, x + k * s->rows, block, slices, window);
        const int32_t *S = b.S;
        for (size_t p = 0; p < block * (size_t)slices; p++, S += s->kernel.stride, v += s->stride) {
            take_sums(S + window.first, window.n, share * offset_of(s, S), share * s->codes_per_unit,
                      v + window.first);
        }
    }
    for (size_t k = 0; s->codes && k < n; k++) {
        for (int t = 0; t < slices; t++, v += s->stride) {
            (void)add_cells(s, x + k * s->rows, t, v);
            for (size_t j = 0; j < s->columns; j++) v[j] *= share;
        }
    }
done:
    bench_clear(&b);
    return status;
}

const xbtab_engine_type xbtab_engine_ideal = {
    .name = "ideal",
    .summary = "exact products and an ideal ADC, no analog error",
    .program = program,
    .product = product,
    .read = read,
    .clear = clear,
};
