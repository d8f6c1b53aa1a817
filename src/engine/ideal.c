/* ideal.c - the engine without analog error: integer sums, and an ADC that only rounds and clamps.
 *
 * The current of a bit line is V_step (G_0 sum_i x_i + G_step sum_i x_i level_ij), from two exact integer
 * sums, so with enough ADC bits the digital product comes back exactly. Cells with conductances of their own
 * take the same way in double precision. */
#include <xbartab/engine.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "memory.h"

typedef struct ideal {
    size_t rows, columns, stride;
    int dac_bits;
    double codes_per_unit, codes_per_offset; /* of one level step, and of G_0, at one DAC step */
    double largest;                          /* code */
    int16_t *level;                          /* level[rows][stride] */
    double *codes;                           /* instead: codes[rows][stride] of each cell at one DAC step */
} ideal;

static void clear(void *state)
{
    ideal *s = state;
    if (!s) return;
    xbtab__free(s->level);
    xbtab__free(s->codes);
    xbtab__free(s);
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const xbtab_cells *cells)
{
    const size_t rows = cells->rows, columns = cells->columns;
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    ideal *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    *s = (ideal){
        .rows = rows, .columns = columns, .stride = xbtab_engine_stride(columns), .dac_bits = t->dac_bits};
    s->largest = ldexp(1.0, setup->adc_bits ? setup->adc_bits : t->adc_bits) - 1.0;
    if (cells->G) {
        s->codes = xbtab__alloc_aligned(rows * s->stride, sizeof *s->codes);
    } else {
        s->level = xbtab__alloc_aligned(rows * s->stride, sizeof *s->level);
    }
    xbtab_status status =
        s->level || s->codes ? xbtab_engine_codes_per_unit(&s->codes_per_unit, setup) : XBTAB_NOMEM();
    if (status < 0) {
        clear(s);
        return status;
    }
    double V_step = t->v_read / ((1 << t->dac_bits) - 1);
    double codes_per_siemens = (s->largest + 1.0) * V_step / t->I_full_scale;
    s->codes_per_offset = t->G_level[0] * codes_per_siemens;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            size_t c = i * columns + j;
            if (cells->G) {
                s->codes[i * s->stride + j] = cells->G[c] * codes_per_siemens;
            } else {
                s->level[i * s->stride + j] = cells->level[c];
            }
        }
    }
    *state = s;
    return XBTAB_OK;
}

/* sum[j] = sum_i code_i level[i][j] for one input slice; returns sum_i code_i. */
static int64_t add_levels(const ideal *s, const uint16_t *x, int slice, int32_t *restrict sum)
{
    unsigned mask = (1u << s->dac_bits) - 1;
    int64_t drive = 0;
    memset(sum, 0, s->stride * sizeof *sum);
    for (size_t i = 0; i < s->rows; i++) {
        int32_t code = (int32_t)((unsigned)x[i] >> (slice * s->dac_bits) & mask);
        if (code == 0) continue;
        const int16_t *level = s->level + i * s->stride;
        drive += code;
        for (size_t j = 0; j < s->stride; j++) sum[j] += code * level[j];
    }
    return drive;
}

/* The ADC's input [codes] of one input slice; whether anything flows. */
static bool read_slice(const ideal *s, const uint16_t *x, int slice, int32_t *restrict sum,
                       double *restrict in)
{
    unsigned mask = (1u << s->dac_bits) - 1;
    if (s->codes) {
        bool flows = false;
        memset(in, 0, s->stride * sizeof *in);
        for (size_t i = 0; i < s->rows; i++) {
            double code = (double)((unsigned)x[i] >> (slice * s->dac_bits) & mask);
            if (code == 0) continue;
            const double *codes = s->codes + i * s->stride;
            flows = true;
            for (size_t j = 0; j < s->stride; j++) in[j] += code * codes[j];
        }
        return flows;
    }
    int64_t drive = add_levels(s, x, slice, sum);
    double offset = s->codes_per_offset * (double)drive;
    for (size_t j = 0; j < s->stride; j++) in[j] = offset + s->codes_per_unit * sum[j];
    return drive != 0;
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices, int32_t *acc,
                            xbtab_product_counts *counts)
{
    const ideal *s = state;
    xbtab_status status = XBTAB_OK;
    int32_t *sum = xbtab__alloc_aligned(s->stride, sizeof *sum);
    double *in = xbtab__alloc_aligned(s->stride, sizeof *in);
    if (!sum || !in) {
        status = XBTAB_NOMEM();
        n = 0;
    }
    for (size_t v = 0; v < n; v++) {
        int32_t *restrict out = acc + v * s->stride;
        for (int t = 0; t < slices; t++) {
            if (!read_slice(s, x + v * s->rows, t, sum, in)) continue; /* no current, code 0 */
            counts->codes += s->columns;
            int shift = t * s->dac_bits;
            for (size_t j = 0; j < s->columns; j++) { /* never negative, so cutting off rounds down */
                double code = in[j] + 0.5;
                out[j] += (int32_t)(code < s->largest ? code : s->largest) << shift;
            }
        }
    }
    xbtab__free(sum);
    xbtab__free(in);
    return status;
}

static xbtab_status read(const void *state, const uint16_t *x, size_t n, int slices, double *v,
                         xbtab_product_counts *counts)
{
    const ideal *s = state;
    const double range = s->largest + 1.0;
    int32_t *sum = xbtab__alloc_aligned(s->stride, sizeof *sum);
    if (!sum) return XBTAB_NOMEM();
    for (size_t k = 0; k < n; k++, x += s->rows) {
        for (int t = 0; t < slices; t++, v += s->stride) {
            (void)read_slice(s, x, t, sum, v);
            for (size_t j = 0; j < s->stride; j++) v[j] /= range;
        }
    }
    counts->codes += n * (size_t)slices * s->columns;
    xbtab__free(sum);
    return XBTAB_OK;
}

const xbtab_engine_type xbtab_engine_ideal = {
    .name = "ideal",
    .summary = "exact products and an ideal ADC, no analog error",
    .program = program,
    .product = product,
    .read = read,
    .clear = clear,
};
