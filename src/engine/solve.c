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
    double scale, largest; /* to other ADC bits than the technology's; code */
} exact;

static void clear(void *state)
{
    exact *s = state;
    if (!s) return;
    xbtab__free(s->G);
    xbtab__free(s);
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const uint8_t *level, size_t rows,
                            size_t columns)
{
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    int adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    exact *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    *s = (exact){.technology = setup->technology,
                 .rows = rows,
                 .columns = columns,
                 .stride = xbtab_engine_stride(columns),
                 .scale = ldexp(1.0, adc_bits - t->adc_bits),
                 .largest = ldexp(1.0, adc_bits) - 1.0};
    xbtab_status status = xbtab__engine_conductances(&s->G, t, level, rows, columns);
    if (status < 0) {
        clear(s);
        return status;
    }
    *state = s;
    return XBTAB_OK;
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices, int32_t *acc,
                            xbtab_product_counts *counts)
{
    const exact *s = state;
    const xbtab_tables *t = xbtab_technology_tables(s->technology);
    unsigned mask = (1u << t->dac_bits) - 1;
    xbtab_status status;
    xbtab__exact *circuit = NULL;
    uint8_t *code = xbtab__alloc(t->rows, 1); /* 0 on idle word lines */
    double *I = xbtab__alloc(t->columns, sizeof *I), *I_idle = xbtab__alloc(t->columns, sizeof *I_idle);
    bool knows_idle = false; /* bit planes are often empty: one solution serves them all */
    if (!code || !I || !I_idle) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__exact_create(&circuit, s->technology, t->rows, t->columns));
    xbtab__exact_program(circuit, s->G);
    for (size_t v = 0; v < n; v++) {
        for (int slice = 0; slice < slices; slice++) {
            int shift = slice * t->dac_bits;
            unsigned sum = 0;
            for (size_t i = 0; i < s->rows; i++) {
                code[i] = (uint8_t)((unsigned)x[v * s->rows + i] >> shift & mask);
                sum += code[i];
            }
            bool is_idle = sum == 0;
            double *found = is_idle ? I_idle : I;
            if (!is_idle || !knows_idle) XBTAB_TRY_DONE(xbtab__exact_solve(circuit, code, found));
            knows_idle = knows_idle || is_idle;
            counts->codes += s->columns;
            for (size_t j = 0; j < s->columns; j++) {
                double c = floor(s->scale * xbtab_technology_adc(s->technology, found[j]) + 0.5);
                acc[v * s->stride + j] += (int32_t)fmin(fmax(c, 0.0), s->largest) << shift;
            }
        }
    }
done:
    xbtab__exact_destroy(&circuit);
    xbtab__free(code);
    xbtab__free(I);
    xbtab__free(I_idle);
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
    .clear = clear,
};
