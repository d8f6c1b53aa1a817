/* solve.c - the engine that solves every product's circuit exactly, on the cell table and the TIA's curves.
 *
 * It is the reference for the table engine: no effective matrix and no transfer correction, but Newton's
 * iteration on Kirchhoff's law for each input slice. */
#include <xbartab/engine.h>

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "technology.h"

typedef struct exact {
    const xbtab_technology *technology;
    xbtab__wires wires;
    xbtab__cell *cell; /* cell[rows][columns] of the whole array */
    size_t rows, columns, stride;
    double scale, largest; /* to other ADC bits than the technology's; code */
} exact;

static void clear(void *state)
{
    exact *s = state;
    if (!s) return;
    xbtab__free(s->cell);
    xbtab__free(s);
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const uint8_t *level, size_t rows,
                            size_t columns)
{
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    int adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    if (rows > t->rows || columns > t->columns) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu x %zu cells do not fit the tables' %zu x %zu array", rows, columns,
                   t->rows, t->columns);
    }
    exact *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    *s = (exact){.technology = setup->technology,
                 .wires = xbtab__technology_wires(setup->technology, t->rows, t->columns, true),
                 .rows = rows,
                 .columns = columns,
                 .stride = xbtab_engine_stride(columns),
                 .scale = ldexp(1.0, adc_bits - t->adc_bits),
                 .largest = ldexp(1.0, adc_bits) - 1.0};
    s->cell = xbtab__alloc(t->rows * t->columns, sizeof *s->cell);
    if (!s->cell) {
        clear(s);
        return XBTAB_NOMEM();
    }
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->columns; j++) {
            double G = t->G_level[i < rows && j < columns ? level[i * columns + j] : 0];
            s->cell[i * t->columns + j] = xbtab__cell_of(&setup->technology->cell, G);
        }
    }
    *state = s;
    return XBTAB_OK;
}

static xbtab_status solve_slice(const exact *s, xbtab__solver *solver, const double *V, double *I, int shift,
                                int32_t *acc)
{
    xbtab__cells cells = {.table = &s->technology->cell, .cell = s->cell};
    xbtab__solve_report report;
    XBTAB_TRY(xbtab__solver_run(solver, &cells, V, I, &report));
    if (report.outside) {
        XBTAB_FAIL(XBTAB_ERR_SOLVE, "%ld cells see voltages outside the cell table's", report.outside);
    }
    for (size_t j = 0; j < s->columns; j++) {
        double code = floor(s->scale * xbtab_technology_adc(s->technology, I[j]) + 0.5);
        acc[j] += (int32_t)fmin(fmax(code, 0.0), s->largest) << shift;
    }
    return XBTAB_OK;
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices, int32_t *acc)
{
    const exact *s = state;
    int dac_bits = s->technology->tables->dac_bits;
    unsigned mask = (1u << dac_bits) - 1;
    xbtab_status status;
    xbtab__solver *solver = NULL;
    double *V = xbtab__alloc((size_t)s->wires.rows, sizeof *V);
    double *I = xbtab__alloc((size_t)s->wires.columns, sizeof *I);
    if (!V || !I) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__solver_create(&solver, &s->wires));
    for (size_t v = 0; v < n; v++) {
        for (int t = 0; t < slices; t++) {
            for (size_t i = 0; i < s->rows; i++) {
                unsigned code = (unsigned)x[v * s->rows + i] >> (t * dac_bits) & mask;
                V[i] = xbtab_technology_dac_voltage(s->technology, (int)code);
            }
            XBTAB_TRY_DONE(solve_slice(s, solver, V, I, t * dac_bits, acc + v * s->stride));
        }
    }
done:
    xbtab__solver_destroy(&solver);
    xbtab__free(V);
    xbtab__free(I);
    return status;
}

const xbtab_engine_type xbtab_engine_solve = {
    .name = "solve",
    .summary = "every product's circuit solved exactly, on the cell table",
    .program = program,
    .product = product,
    .clear = clear,
};
