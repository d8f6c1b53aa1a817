/* spice_products.c - whole tiles in ngspice for given levels and inputs: the truth that engines and checks
 * are held against. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "memory.h"
#include "run.h"
#include "worker.h"

/* Vectors of one circuit, each started from the one before: fixed, so that no bit depends on the workers. */
enum { CHUNK = 16 };

typedef struct products {
    const xbtab_spec *spec;
    const xbtab_tables *tables;
    const uint8_t *level, *code;
    size_t n_vectors, n_chunks; /* a tile */
    double *parameter;          /* parameter[n_levels]: the RRAM's state */
    double *I_out, *V_out;
} products;

static size_t first_vector(const products *p, size_t unit)
{
    return unit / p->n_chunks * p->n_vectors + unit % p->n_chunks * CHUNK;
}

static size_t vectors_of(const products *p, size_t unit)
{
    size_t left = p->n_vectors - unit % p->n_chunks * CHUNK;
    return left < CHUNK ? left : CHUNK;
}

/* Replies with I_out and V_out of each of the unit's vectors. */
static xbtab_status run_chunk(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                              xbtab_sample_status *sample, void *context)
{
    const products *p = context;
    size_t rows = p->tables->rows, columns = p->tables->columns, n = vectors_of(p, (size_t)unit);
    size_t n_inputs = n * rows;
    const uint8_t *level = p->level + (size_t)unit / p->n_chunks * rows * columns;
    const uint8_t *code = p->code + first_vector(p, (size_t)unit) * rows;
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    double *parameter = xbtab__alloc(rows * columns, sizeof *parameter);
    double *values = xbtab__alloc(n_inputs, sizeof *values);
    double *found = xbtab__alloc(n * 2 * columns, sizeof *found);
    (void)sample;
    if (!parameter || !values || !found) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t c = 0; c < rows * columns; c++) parameter[c] = p->parameter[level[c]];
    for (size_t k = 0; k < n_inputs; k++) values[k] = xbtab_spec_dac_voltage(p->spec, code[k]);
    xbtab__compose_crossbar(&text, p->spec, parameter);
    xbtab__compose_external_sources(&text, (int)rows);
    for (size_t j = 0; j < columns; j++) xbtab__text_add(&outputs, "i(vs%zu)\n", j);
    for (size_t j = 0; j < columns; j++) xbtab__text_add(&outputs, "v(o%zu)\n", j);
    XBTAB_TRY_DONE(
        xbtab__solve_text_all(spice, &text, (int)n, (int)rows, values, (int)(2 * columns), &outputs, found));
    xbtab__bytes_add(reply, found, n * 2 * columns * sizeof *found);
done:
    xbtab__free(parameter);
    xbtab__free(values);
    xbtab__free(found);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

static xbtab_status take_chunk(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                               void *context)
{
    const products *p = context;
    size_t columns = p->tables->columns, first = first_vector(p, (size_t)unit);
    const double *found = bytes;
    if (sample != XBTAB_SAMPLE_OK) {
        XBTAB_FAIL(XBTAB_ERR_SPICE, "a tile of %zu x %zu cells: %s", p->tables->rows, columns,
                   xbtab__sample_status_text(sample));
    }
    for (size_t v = 0; v < n / (2 * columns * sizeof *found); v++, found += 2 * columns) {
        if (p->I_out) memcpy(p->I_out + (first + v) * columns, found, columns * sizeof *found);
        if (p->V_out) memcpy(p->V_out + (first + v) * columns, found + columns, columns * sizeof *found);
    }
    return XBTAB_OK;
}

static double seconds_max(long unit, void *context)
{
    const products *p = context;
    return xbtab__spice_seconds_max((double)p->tables->rows, (double)p->tables->columns,
                                    (double)vectors_of(p, (size_t)unit));
}

/* The tables hold the state of every level. */
static xbtab_status find_parameters(products *p)
{
    const xbtab_cell_data *c = &p->tables->cell;
    for (size_t k = 0; k < p->tables->n_levels; k++) {
        size_t s = 0;
        while (s < c->n_states && c->G_state[s] != p->tables->G_level[k]) s++;
        if (s == c->n_states) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "level %zu (%g S) is not among the tables' states", k,
                       p->tables->G_level[k]);
        }
        p->parameter[k] = c->parameter[s];
    }
    return XBTAB_OK;
}

xbtab_status xbtab_spice_products(const xbtab_spec *spec, const xbtab_tables *tables, size_t n_tiles,
                                  size_t n_vectors, const uint8_t *level, const uint8_t *code, double *I_out,
                                  double *V_out, const xbtab_characterize_options *options)
{
    static const xbtab_characterize_options defaults = {0};
    xbtab_status status;
    if (!options) options = &defaults;
    products p = {.spec = spec,
                  .tables = tables,
                  .level = level,
                  .code = code,
                  .n_vectors = n_vectors,
                  .n_chunks = (n_vectors + CHUNK - 1) / CHUNK,
                  .I_out = I_out,
                  .V_out = V_out};
    p.parameter = xbtab__alloc(tables->n_levels, sizeof *p.parameter);
    if (!p.parameter) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(find_parameters(&p));
    xbtab__pool_options pool = {.n_workers = options->workers > 0 ? options->workers : xbtab__cores(),
                                .seconds_max = seconds_max,
                                .progress = options->progress,
                                .progress_payload = options->payload,
                                .what = "products in ngspice"};
    status = xbtab__pool_run(NULL, &pool, (long)(n_tiles * p.n_chunks), run_chunk, take_chunk, &p);
done:
    xbtab__free(p.parameter);
    return status;
}
