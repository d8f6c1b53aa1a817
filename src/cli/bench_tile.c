/* bench_tile.c - programming a tile, and products on two threads.
 *
 * The tile is 128 x 128 cells of 10 to 100 kohm with a sinh curve, 2.5-ohm wires: harder than most. Its
 * tables are filled from formulas, which times the same code as tables from SPICE. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>
#include <xbartab/engine.h>

#include "bench.h"
#include "cli.h"

enum {
    SIDE = 128,
    STATES = 5,
    VOLTAGES = 161,
    POINTS = 33,
    LEVELS = 4,
    VECTORS = 512,
    SLICES = 8,
    TURNS = 9
};

static double *room(size_t n)
{
    double *x = calloc(n, sizeof *x);
    if (!x) abort();
    return x;
}

static void fill_curves(xbtab_tables *t)
{
    const double V0 = 0.43, G_least = 10e-6, G_most = 100e-6;
    xbtab_cell_data *c = &t->cell;
    c->n_states = STATES;
    c->n_bit = 1;
    c->n_v = VOLTAGES;
    c->G_state = room(STATES);
    c->V_bit = room(1);
    c->V = room(VOLTAGES);
    c->I_cell = room(STATES * VOLTAGES);
    for (int v = 0; v < VOLTAGES; v++) c->V[v] = t->v_read * (-1.0 + 2.25 * v / (VOLTAGES - 1));
    for (int s = 0; s < STATES; s++) {
        c->G_state[s] = G_least * pow(G_most / G_least, (double)s / (STATES - 1));
        for (int v = 0; v < VOLTAGES; v++) {
            c->I_cell[s * VOLTAGES + v] =
                c->G_state[s] * t->v_read * sinh(c->V[v] / V0) / sinh(t->v_read / V0);
        }
    }
    t->G_level = room(LEVELS);
    for (int k = 0; k < LEVELS; k++) t->G_level[k] = G_least + (G_most - G_least) * k / (LEVELS - 1);
    t->I_full_scale = SIDE * G_most * t->v_read;
    t->tia.n = POINTS;
    t->tia.I_in = room(POINTS);
    t->tia.V_in = room(POINTS);
    t->tia.V_out = room(POINTS);
    for (int k = 0; k < POINTS; k++) {
        t->tia.I_in[k] = t->I_full_scale * (-0.1 + 1.5 * k / (POINTS - 1));
        t->tia.V_out[k] = -0.6 * t->tia.I_in[k] / t->I_full_scale;
    }
    t->transfer.n_terms = 1;
    t->transfer.power = calloc(3, sizeof *t->transfer.power);
    t->transfer.coefficient = room(1);
    if (!t->transfer.power) abort();
    t->transfer.power[0] = 1;
    t->transfer.coefficient[0] = 1.0;
}

static xbtab_tables *make_tables(void)
{
    xbtab_tables *t = calloc(1, sizeof *t);
    if (!t) abort();
    *t = (xbtab_tables){.rows = SIDE,
                        .columns = SIDE,
                        .n_levels = LEVELS,
                        .r_word = 2.5,
                        .r_bit = 2.5,
                        .r_driver = 20,
                        .r_sink = 10,
                        .dac_bits = 1,
                        .adc_bits = 8,
                        .v_read = 0.2};
    fill_curves(t);
    return t;
}

typedef struct tile_bench {
    xbtab_tables *tables;
    xbtab_technology *technology;
    uint8_t level[SIDE * SIDE];
    uint16_t x[VECTORS * SIDE];
} tile_bench;

static int begin(tile_bench **out)
{
    tile_bench *b = calloc(1, sizeof *b);
    uint64_t random = 2385;
    if (!b) return cli_fail("out of memory");
    b->tables = make_tables();
    for (size_t c = 0; c < SIDE * SIDE; c++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        b->level[c] = (uint8_t)(random >> 62);
    }
    for (size_t k = 0; k < VECTORS * SIDE; k++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        b->x[k] = (uint16_t)(random >> 56);
    }
    *out = b;
    return xbtab_technology_create(&b->technology, b->tables) < 0 ? cli_failed() : CLI_DONE;
}

static void end(tile_bench *b)
{
    if (!b) return;
    xbtab_technology_destroy(&b->technology);
    xbtab_tables_destroy(&b->tables);
    free(b);
}

int bench_program(json_t **result, const bench_options *options)
{
    tile_bench *b = NULL;
    double seconds[TURNS], *G = room(SIDE * SIDE);
    int code = begin(&b);
    (void)options;
    for (size_t c = 0; c < SIDE * SIDE && code == CLI_DONE; c++) G[c] = b->tables->G_level[b->level[c]];
    for (int turn = 0; turn < TURNS && code == CLI_DONE; turn++) {
        xbtab_tile *tile = NULL;
        double began = cli_seconds();
        if (xbtab_tile_create(&tile, b->technology, G, SIDE, SIDE) < 0) code = cli_failed();
        seconds[turn] = cli_seconds() - began;
        xbtab_tile_destroy(&tile);
    }
    if (code == CLI_DONE) *result = json_pack("{s:{s:f}}", "128", "seconds", bench_median(seconds, TURNS));
    free(G);
    end(b);
    return code;
}

/* All vectors on every thread: perfect threads take as long as one alone. */
static double run_threads(const tile_bench *b, const void *state, int threads)
{
    double seconds = 0;
#pragma omp parallel num_threads(threads) reduction(max : seconds)
    {
        int32_t *acc = aligned_alloc(64, (size_t)VECTORS * SIDE * sizeof *acc);
        if (!acc) abort();
        memset(acc, 0, (size_t)VECTORS * SIDE * sizeof *acc);
        xbtab_product_counts counts = {0};
#pragma omp barrier
        double began = cli_seconds();
        for (int k = 0; k < 4; k++) {
            if (xbtab_engine_table.product(state, b->x, VECTORS, SLICES, NULL, acc, &counts) < 0) abort();
        }
        seconds = cli_seconds() - began;
        free(acc);
    }
    return seconds;
}

int bench_threads(json_t **result, const bench_options *options)
{
    tile_bench *b = NULL;
    void *state = NULL;
    double one[TURNS], two[TURNS];
    int code = begin(&b);
    if (code == CLI_DONE) {
        xbtab_engine_setup setup = {.technology = b->technology, .kernel = xbtab_kernel_find(options->isa)};
        if (xbtab_engine_table.program(&state, &setup,
                                       &(xbtab_cells){.rows = SIDE, .columns = SIDE, .level = b->level}) < 0)
            code = cli_failed();
    }
    for (int turn = 0; turn < TURNS && code == CLI_DONE; turn++) {
        one[turn] = run_threads(b, state, 1);
        two[turn] = run_threads(b, state, 2);
    }
    if (code == CLI_DONE) {
        *result = json_pack("{s:f, s:i}", "efficiency", bench_median(one, TURNS) / bench_median(two, TURNS),
                            "threads", 2);
    }
    xbtab_engine_table.clear(state);
    end(b);
    return code;
}
