/* solve.c - the engine that solves every product's circuit exactly, on the cell table and the TIA's curves.
 *
 * It is the reference for the table engine: no effective matrix and no transfer correction, but Newton's
 * iteration on Kirchhoff's law for each input slice. */
#include <math.h>
#include <stdbool.h>

#include "check.h"
#include "engine_private.h"
#include "exact.h"
#include "memory.h"

typedef struct exact {
    const xbtab_technology *technology;
    double *G; /* G[rows][columns] of the whole array [S] */
    size_t rows, columns, stride;
    double scale;          /* to other ADC bits than the technology's */
    double least, largest; /* code */
} exact;

static void clear(void *state)
{
    exact *s = state;
    if (!s) return;
    xbtab__free(s->G);
    xbtab__free(s);
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const xbtab_cells *cells)
{
    const size_t rows = cells->rows, columns = cells->columns;
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    int adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    exact *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    *s = (exact){.technology = setup->technology,
                 .rows = rows,
                 .columns = columns,
                 .stride = xbtab_engine_stride(columns),
                 .scale = ldexp(1.0, adc_bits - t->adc_bits),
                 .least = -xbtab__engine_middle(t, adc_bits)};
    s->largest = s->least + ldexp(1.0, adc_bits) - 1.0;
    xbtab_status status = xbtab__engine_conductances(&s->G, t, cells);
    if (status < 0) {
        clear(s);
        return status;
    }
    *state = s;
    return XBTAB_OK;
}

/* Room of one call: a circuit and the currents of one input slice. */
typedef struct bench {
    xbtab__exact *circuit;
    uint8_t *code; /* code[rows of the array]: 0 on idle word lines */
    double *I, *I_idle;
    bool knows_idle; /* bit planes are often empty: one solution serves them all */
} bench;

static void bench_clear(bench *b)
{
    xbtab__exact_destroy(&b->circuit);
    xbtab__free(b->code);
    xbtab__free(b->I);
    xbtab__free(b->I_idle);
}

static xbtab_status bench_init(bench *b, const exact *s)
{
    const xbtab_tables *t = xbtab_technology_tables(s->technology);
    *b = (bench){.code = xbtab__alloc(t->rows, 1),
                 .I = xbtab__alloc(t->columns, sizeof *b->I),
                 .I_idle = xbtab__alloc(t->columns, sizeof *b->I_idle)};
    if (!b->code || !b->I || !b->I_idle) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__exact_create(&b->circuit, s->technology, t->rows, t->columns));
    xbtab__exact_program(b->circuit, s->G);
    return XBTAB_OK;
}

/* Bit-line currents of one vector's input slice; *I stays valid until the next call. */
static xbtab_status solve_slice(bench *b, const exact *s, const uint16_t *x, int slice, const double **I)
{
    const int dac_bits = xbtab_technology_tables(s->technology)->dac_bits;
    unsigned mask = (1u << dac_bits) - 1, sum = 0;
    for (size_t i = 0; i < s->rows; i++) {
        b->code[i] = (uint8_t)((unsigned)x[i] >> (slice * dac_bits) & mask);
        sum += b->code[i];
    }
    bool is_idle = sum == 0;
    double *found = is_idle ? b->I_idle : b->I;
    if (!is_idle || !b->knows_idle) XBTAB_TRY(xbtab__exact_solve(b->circuit, b->code, found));
    b->knows_idle = b->knows_idle || is_idle;
    *I = found;
    return XBTAB_OK;
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices,
                            const xbtab_window *of, int32_t *acc, xbtab_product_counts *counts)
{
    const exact *s = state;
    const xbtab_window window = xbtab__window_of(of, s->columns);
    const int dac_bits = xbtab_technology_tables(s->technology)->dac_bits;
    xbtab_status status;
    const double *I = NULL;
    bench b;
    XBTAB_TRY_DONE(bench_init(&b, s));
    for (size_t v = 0; v < n; v++) {
        for (int slice = 0; slice < slices; slice++) {
            XBTAB_TRY_DONE(solve_slice(&b, s, x + v * s->rows, slice, &I));
            counts->codes += window.n;
            for (size_t j = window.first; j < window.first + window.n; j++) {
                double c = floor(s->scale * xbtab_technology_adc(s->technology, I[j]) + 0.5);
                acc[v * s->stride + j] +=
                    (int32_t)fmin(fmax(c, s->least), s->largest) * (1 << (slice * dac_bits));
            }
        }
    }
done:
    bench_clear(&b);
    return status;
}

static xbtab_status read(const void *state, const uint16_t *x, size_t n, int slices, const xbtab_window *of,
                         double *v, xbtab_product_counts *counts)
{
    const exact *s = state;
    const xbtab_window window = xbtab__window_of(of, s->columns);
    const double scale = s->scale / (s->largest - s->least + 1.0);
    xbtab_status status;
    const double *I = NULL;
    bench b;
    XBTAB_TRY_DONE(bench_init(&b, s));
    for (size_t k = 0; k < n; k++) {
        for (int slice = 0; slice < slices; slice++, v += s->stride) {
            XBTAB_TRY_DONE(solve_slice(&b, s, x + k * s->rows, slice, &I));
            counts->codes += window.n;
            for (size_t j = window.first; j < window.first + window.n; j++)
                v[j] = scale * xbtab_technology_adc(s->technology, I[j]);
        }
    }
done:
    bench_clear(&b);
    return status;
}

size_t xbtab_engine_solve_bytes(size_t rows, size_t columns)
{
    return xbtab__exact_bytes(rows, columns);
}

const xbtab_engine_type xbtab_engine_solve = {
    .name = "solve",
    .summary = "every product's circuit solved exactly, on the cell table",
    .program = program,
    .product = product,
    .read = read,
    .clear = clear,
};
