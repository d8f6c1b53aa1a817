/* spice_products.c - whole tiles in ngspice for given levels and inputs: the truth that engines and checks
 * are held against. */
#include <math.h>
#include <string.h>

#include "clock.h"
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

/* found[n][2 columns]: I_out and V_out of n vectors of one tile. seconds: spent in ngspice. */
static xbtab_status solve_tile(const products *p, xbtab__spice *spice, const uint8_t *level,
                               const uint8_t *code, size_t n, double *found, double *seconds)
{
    size_t rows = p->tables->rows, columns = p->tables->columns, n_inputs = n * rows;
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    double *parameter = xbtab__alloc(rows * columns, sizeof *parameter);
    double *values = xbtab__alloc(n_inputs, sizeof *values);
    if (!parameter || !values) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t c = 0; c < rows * columns; c++) parameter[c] = p->parameter[level[c]];
    for (size_t k = 0; k < n_inputs; k++)
        values[k] = xbtab_spec_input_voltage(p->spec, (int)(k % rows), code[k]);
    xbtab__compose_crossbar(&text, p->spec, parameter);
    xbtab__compose_external_sources(&text, (int)rows);
    for (size_t j = 0; j < columns; j++) xbtab__text_add(&outputs, "i(vs%zu)\n", j);
    for (size_t j = 0; j < columns; j++) xbtab__text_add(&outputs, "v(o%zu)\n", j);
    double began = xbtab__seconds();
    status = xbtab__solve_array_all(spice, &p->spec->array, &text, (int)n, (int)rows, values,
                                    (int)(2 * columns), &outputs, found);
    *seconds = xbtab__seconds() - began;
done:
    xbtab__free(parameter);
    xbtab__free(values);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

/* Replies with I_out and V_out of each of the unit's vectors. */
static xbtab_status run_chunk(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                              xbtab_sample_status *sample, void *context)
{
    const products *p = context;
    size_t rows = p->tables->rows, columns = p->tables->columns, n = vectors_of(p, (size_t)unit);
    const uint8_t *level = p->level + (size_t)unit / p->n_chunks * rows * columns;
    const uint8_t *code = p->code + first_vector(p, (size_t)unit) * rows;
    double seconds, *found = xbtab__alloc(n * 2 * columns, sizeof *found);
    (void)sample;
    if (!found) return XBTAB_NOMEM();
    xbtab_status status = solve_tile(p, spice, level, code, n, found, &seconds);
    if (status == XBTAB_OK) xbtab__bytes_add(reply, found, n * 2 * columns * sizeof *found);
    xbtab__free(found);
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
                                .analysis_seconds = INFINITY,
                                .progress = options->progress,
                                .progress_payload = options->payload,
                                .what = "products in ngspice"};
    status = xbtab__pool_run(NULL, &pool, (long)(n_tiles * p.n_chunks), run_chunk, take_chunk, &p);
done:
    xbtab__free(p.parameter);
    return status;
}

/* ---- timing ---- */

typedef struct timing {
    products p;
    int turns;
    xbtab_spice_times *times;
} timing;

/* Replies with the times, then I_out and V_out. */
static xbtab_status run_timing(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    const timing *t = context;
    const products *p = &t->p;
    size_t n_found = p->n_vectors * 2 * p->tables->columns;
    double first = INFINITY, all = INFINITY;
    xbtab_status status = XBTAB_OK;
    double *found = xbtab__alloc(n_found, sizeof *found);
    (void)unit, (void)sample;
    if (!found) return XBTAB_NOMEM();
    for (int turn = 0; turn < t->turns; turn++) {
        double seconds;
        XBTAB_TRY_DONE(solve_tile(p, spice, p->level, p->code, 1, found, &seconds));
        first = fmin(first, seconds);
        XBTAB_TRY_DONE(solve_tile(p, spice, p->level, p->code, p->n_vectors, found, &seconds));
        all = fmin(all, seconds);
    }
    xbtab_spice_times times = {.fresh = first, .further = (all - first) / (double)(p->n_vectors - 1)};
    xbtab__bytes_add(reply, &times, sizeof times);
    xbtab__bytes_add(reply, found, n_found * sizeof *found);
done:
    xbtab__free(found);
    return status;
}

static xbtab_status take_timing(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                                void *context)
{
    const timing *t = context;
    if (sample == XBTAB_SAMPLE_OK) {
        memcpy(t->times, bytes, sizeof *t->times);
        bytes = (const char *)bytes + sizeof *t->times;
        n -= sizeof *t->times;
    }
    return take_chunk(unit, sample, bytes, n, context);
}

static double an_hour(long unit, void *context)
{
    (void)unit, (void)context;
    return 3600.0;
}

xbtab_status xbtab_spice_time(xbtab_spice_times *times, const xbtab_spec *spec, const xbtab_tables *tables,
                              size_t n_vectors, const uint8_t *level, const uint8_t *code, int turns,
                              double *I_out)
{
    xbtab_status status;
    timing t = {.p = {.spec = spec,
                      .tables = tables,
                      .level = level,
                      .code = code,
                      .n_vectors = n_vectors,
                      .n_chunks = 1,
                      .I_out = I_out},
                .turns = turns,
                .times = times};
    if (n_vectors < 2 || n_vectors > CHUNK || turns < 1)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu vectors and %d turns: 2 to %d, and 1 or more", n_vectors, turns,
                   CHUNK);
    t.p.parameter = xbtab__alloc(tables->n_levels, sizeof *t.p.parameter);
    if (!t.p.parameter) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(find_parameters(&t.p));
    xbtab__pool_options pool = {.n_workers = 1, .seconds_max = an_hour, .analysis_seconds = INFINITY};
    status = xbtab__pool_run(NULL, &pool, 1, run_timing, take_timing, &t);
done:
    xbtab__free(t.p.parameter);
    return status;
}
