/* engine.c - what the engines share. */
#include <math.h>

#include "engine_private.h"
#include "memory.h"

size_t xbtab_engine_stride(size_t columns)
{
    return (columns + 31) / 32 * 32;
}

xbtab_status xbtab_engine_codes_per_unit(double *out, const xbtab_engine_setup *setup)
{
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    size_t last = t->n_levels - 1;
    double step = (t->G_level[last] - t->G_level[0]) / (double)last;
    for (size_t k = 0; k <= last; k++) {
        if (fabs(t->G_level[k] - t->G_level[0] - step * (double)k) > 0.01 * step) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                       "level %zu (%g S) is not evenly spaced; bit-sliced weights need levels %g S apart", k,
                       t->G_level[k], step);
        }
    }
    int bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    double V_step = t->v_read / ((1 << t->dac_bits) - 1);
    *out = ldexp(1.0, bits) * step * V_step / t->I_full_scale;
    return XBTAB_OK;
}

int32_t xbtab__engine_middle(const xbtab_tables *t, int adc_bits)
{
    return t->array.polarity == XBTAB_POLARITY_ALTERNATING ? 1 << (adc_bits - 1) : 0;
}

xbtab_status xbtab__engine_conductances(double **G, const xbtab_tables *t, const xbtab_cells *cells)
{
    const size_t rows = cells->rows, columns = cells->columns;
    if (rows > t->rows || columns > t->columns) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu x %zu cells do not fit the tables' %zu x %zu array", rows, columns,
                   t->rows, t->columns);
    }
    double *g = xbtab__alloc(t->rows * t->columns, sizeof *g);
    if (!g) return XBTAB_NOMEM();
    for (size_t c = 0; c < t->rows * t->columns; c++) g[c] = t->G_level[0];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            size_t c = i * columns + j;
            g[i * t->columns + j] = cells->G ? cells->G[c] : t->G_level[cells->level[c]];
        }
    }
    *G = g;
    return XBTAB_OK;
}
