/* spice_engine.c - the engine whose products are ngspice's own. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "each.h"
#include "engine_private.h"
#include "memory.h"
#include <xbartab/characterize.h>

typedef struct tile {
    const xbtab_technology *technology;
    const xbtab_spice_engine *context;
    uint8_t *level; /* level[tables->rows][tables->columns] */
    size_t rows, columns, stride;
    int adc_bits;
} tile;

static void clear(void *state)
{
    tile *t = state;
    if (!t) return;
    xbtab__free(t->level);
    xbtab__free(t);
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const xbtab_cells *cells)
{
    const size_t rows = cells->rows, columns = cells->columns;
    const xbtab_tables *tables = xbtab_technology_tables(setup->technology);
    if (rows > tables->rows || columns > tables->columns) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu x %zu cells do not fit the tables' %zu x %zu array", rows, columns,
                   tables->rows, tables->columns);
    }
    if (cells->G)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "in ngspice cells have their levels' conductances, no others");
    tile *t = xbtab__alloc(1, sizeof *t);
    if (!t) return XBTAB_NOMEM();
    *t = (tile){.technology = setup->technology,
                .context = setup->context,
                .rows = rows,
                .columns = columns,
                .stride = xbtab_engine_stride(columns),
                .adc_bits = setup->adc_bits ? setup->adc_bits : tables->adc_bits};
    t->level = xbtab__alloc(tables->rows * tables->columns, 1);
    if (!t->level) {
        clear(t);
        return XBTAB_NOMEM();
    }
    for (size_t i = 0; i < rows; i++) {
        memcpy(t->level + i * tables->columns, cells->level + i * columns, columns);
    }
    *state = t;
    return XBTAB_OK;
}

/* The ADC reads SPICE's own TIA output, between the references that all engines share. */
static int32_t code_of(const tile *t, double V_out)
{
    double V_low, V_high, codes = ldexp(1.0, t->adc_bits);
    bool is_signed = xbtab_array_is_signed(&xbtab_technology_tables(t->technology)->array);
    double least = is_signed ? -codes / 2 : 0.0;
    xbtab_technology_adc_references(t->technology, &V_low, &V_high);
    double code = floor(codes * (V_out - V_low) / (V_high - V_low) + least + 0.5);
    return (int32_t)fmin(fmax(code, least), least + codes - 1.0);
}

/* The run that asks for the products tells how far it is, and may stop. */
static int poll(const xbtab_progress *progress, void *payload)
{
    (void)payload;
    return xbtab__each_poll_share((double)progress->done / (double)progress->total) < 0;
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices,
                            const xbtab_window *of, int32_t *acc, xbtab_product_counts *counts)
{
    const tile *t = state;
    const xbtab_tables *tables = xbtab_technology_tables(t->technology);
    unsigned mask = (1u << tables->dac_bits) - 1;
    const xbtab_window window = of ? *of : (xbtab_window){0, t->columns};
    size_t n_vectors = n * (size_t)slices, v = 0;
    xbtab_status status;
    uint8_t *code = xbtab__alloc(n_vectors * tables->rows, 1); /* 0 on idle word lines */
    double *V = xbtab__alloc(n_vectors * tables->columns, sizeof *V);
    if (!code || !V) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t k = 0; k < n; k++) {
        for (int s = 0; s < slices; s++, v++) {
            for (size_t i = 0; i < t->rows; i++) {
                code[v * tables->rows + i] =
                    (uint8_t)((unsigned)x[k * t->rows + i] >> (s * tables->dac_bits) & mask);
            }
        }
    }
    XBTAB_TRY_DONE(xbtab_spice_products(
        t->context->spec, tables, 1, n_vectors, t->level, code, NULL, V,
        &(xbtab_characterize_options){.workers = t->context->workers, .progress = poll}));
    for (v = 0; v < n_vectors; v++) {
        size_t k = v / (size_t)slices;
        int shift = (int)(v % (size_t)slices) * tables->dac_bits;
        for (size_t j = window.first; j < window.first + window.n; j++)
            acc[k * t->stride + j] += code_of(t, V[v * tables->columns + j]) * (1 << shift);
        counts->codes += window.n;
    }
done:
    xbtab__free(code);
    xbtab__free(V);
    return status;
}

const xbtab_engine_type xbtab_engine_spice = {
    .name = "spice",
    .summary = "every product in ngspice; a few images of a small network",
    .one_thread = 1,
    .program = program,
    .product = product,
    .clear = clear,
};
