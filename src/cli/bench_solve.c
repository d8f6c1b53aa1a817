/* bench_solve.c - the exact solver against ngspice on the same tiles in the same run, and how its time grows.
 *
 * The tiles have the cells and wires of a specification (by default nonlinear cells with transistors, behind
 * 1-ohm wires) and random levels. ngspice gets its cheapest way: the circuit loaded once, and each further
 * vector a step of one dc sweep with external sources; a fresh operating point, loading included, is told
 * apart. Ours is the engine that --check and infer --mode solve use, read-out included. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "bench.h"
#include "cli.h"

enum { VECTORS = 9, TURNS = 5, MOST_SIDE = 2048 };

typedef struct array {
    int side;
    xbtab_models *models;
    xbtab_spec *spec;
    xbtab_tables *tables;
    xbtab_technology *technology;
    uint8_t *level, *code; /* code[VECTORS][side] */
    uint16_t *x;           /* the same codes, as activations */
    void *state;           /* of the solve engine */
} array;

static void array_close(array *a)
{
    xbtab_engine_solve.clear(a->state);
    xbtab_technology_destroy(&a->technology);
    xbtab_tables_destroy(&a->tables);
    xbtab_spec_destroy(&a->spec);
    xbtab_models_destroy(&a->models);
    free(a->level);
    free(a->code);
    free(a->x);
}

static int array_open(array *a, int side, const char *tile)
{
    uint64_t random = 2385;
    size_t cells = (size_t)side * (size_t)side, inputs = VECTORS * (size_t)side;
    *a = (array){.side = side, .level = malloc(cells), .code = malloc(inputs), .x = malloc(2 * inputs)};
    if (!a->level || !a->code || !a->x) return cli_fail("out of memory");
    xbtab_engine_setup setup = {0};
    if (xbtab_models_open_with(&a->models, NULL) < 0 || xbtab_spec_open(&a->spec, tile, a->models) < 0 ||
        xbtab_spec_resize(a->spec, side, side) < 0 ||
        xbtab_characterize_curves(&a->tables, a->spec, NULL) < 0 ||
        xbtab_technology_create(&a->technology, a->tables) < 0) {
        return cli_failed();
    }
    for (size_t c = 0; c < cells; c++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        a->level[c] = (uint8_t)((random >> 33) % a->tables->n_levels);
    }
    for (size_t k = 0; k < inputs; k++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        a->x[k] = a->code[k] = (uint8_t)((random >> 33) % (1u << a->tables->dac_bits));
    }
    setup.technology = a->technology;
    const xbtab_cells programmed = {.rows = (size_t)side, .columns = (size_t)side, .level = a->level};
    if (xbtab_engine_solve.program(&a->state, &setup, &programmed) < 0) return cli_failed();
    return CLI_DONE;
}

/* Seconds a vector: median over turns of n vectors each. */
static int time_solver(double *seconds, const array *a, size_t n, int turns)
{
    size_t stride = xbtab_engine_stride((size_t)a->side);
    double each[TURNS];
    int32_t *acc = aligned_alloc(64, n * stride * sizeof *acc);
    int code = acc ? CLI_DONE : cli_fail("out of memory");
    for (int turn = 0; turn < turns && code == CLI_DONE; turn++) {
        xbtab_product_counts counts = {0};
        memset(acc, 0, n * stride * sizeof *acc);
        double began = cli_seconds();
        if (xbtab_engine_solve.product(a->state, a->x, n, 1, NULL, acc, &counts) < 0) code = cli_failed();
        each[turn] = (cli_seconds() - began) / (double)n;
    }
    if (code == CLI_DONE) *seconds = bench_median(each, (size_t)turns);
    free(acc);
    return code;
}

/* Largest difference of our currents from ngspice's, as a share of the largest current. */
static int compare(double *difference, const array *a, const double *I)
{
    size_t side = (size_t)a->side, cells = side * side;
    xbtab_solution solution = {0};
    double *G = malloc(cells * sizeof *G), *V = malloc(side * VECTORS * sizeof *V), worst = 0, most = 0;
    int code = G && V ? CLI_DONE : cli_fail("out of memory");
    for (size_t c = 0; c < cells && code == CLI_DONE; c++) G[c] = a->tables->G_level[a->level[c]];
    for (size_t k = 0; k < side * VECTORS && code == CLI_DONE; k++)
        V[k] =
            xbtab_spec_input_voltage(a->spec, (int)(k / VECTORS), a->code[k % VECTORS * side + k / VECTORS]);
    xbtab_crossbar crossbar = {.rows = side,
                               .columns = side,
                               .array = a->tables->array,
                               .r_source_line = a->tables->r_source_line,
                               .v_read = a->tables->v_read,
                               .r_word = a->tables->r_word,
                               .r_bit = a->tables->r_bit,
                               .r_source = a->tables->r_driver,
                               .r_sink = a->tables->r_sink,
                               .G = G,
                               .technology = a->technology};
    if (code == CLI_DONE && xbtab_crossbar_solve(&solution, &crossbar, V, VECTORS) < 0) code = cli_failed();
    for (size_t k = 0; k < VECTORS * side && code == CLI_DONE; k++) {
        worst = fmax(worst, fabs(solution.i_out[k] - I[k]));
        most = fmax(most, fabs(I[k]));
    }
    *difference = worst / most;
    xbtab_solution_clear(&solution);
    free(G);
    free(V);
    return code;
}

static int solve_side(json_t *result, int side, const char *tile)
{
    array a;
    xbtab_spice_times spice;
    double ours = 0, difference = 0, *I = malloc(VECTORS * (size_t)side * sizeof *I);
    char name[16];
    int code = array_open(&a, side, tile);
    if (code == CLI_DONE && !I) code = cli_fail("out of memory");
    if (code == CLI_DONE &&
        xbtab_spice_time(&spice, a.spec, a.tables, VECTORS, a.level, a.code, side > 32 ? 1 : TURNS, I) < 0) {
        code = cli_failed();
    }
    if (code == CLI_DONE) code = time_solver(&ours, &a, VECTORS, TURNS);
    if (code == CLI_DONE) code = compare(&difference, &a, I);
    if (code == CLI_DONE) {
        snprintf(name, sizeof name, "%d", side);
        json_object_set_new(result, name,
                            json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "seconds", ours, "ngspice_ratio",
                                      spice.further / ours, "ngspice_fresh_ratio", spice.fresh / ours,
                                      "max_rel_diff", difference, "ngspice_seconds", spice.further,
                                      "ngspice_fresh_seconds", spice.fresh));
    }
    array_close(&a);
    free(I);
    return code;
}

int bench_solve(json_t **result, const bench_options *options)
{
    static const int sides[] = {8, 16, 32, 64};
    int code = CLI_DONE;
    *result = json_object();
    for (size_t k = 0; k < sizeof sides / sizeof sides[0] && code == CLI_DONE; k++)
        code = solve_side(*result, sides[k], options->tile);
    return code;
}

/* Seconds a vector from 64 up, and the exponent of a straight line through their logarithms up to 1024. */
int bench_scale(json_t **result, const bench_options *options)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    int code = CLI_DONE;
    *result = json_object();
    for (int side = 64; side <= options->largest && code == CLI_DONE; side *= 2) {
        array a;
        char name[16];
        double seconds = 0;
        code = array_open(&a, side, options->tile);
        if (code == CLI_DONE) code = time_solver(&seconds, &a, side > 512 ? 1 : 4, side > 512 ? 1 : TURNS);
        if (code == CLI_DONE) {
            snprintf(name, sizeof name, "%d", side);
            json_object_set_new(*result, name,
                                json_pack("{s:f, s:I}", "seconds", seconds, "bytes",
                                          (json_int_t)xbtab_engine_solve_bytes((size_t)side, (size_t)side)));
            if (side <= 1024) {
                double x = log(side), y = log(seconds);
                n++, sx += x, sy += y, sxx += x * x, sxy += x * y;
            }
        }
        array_close(&a);
    }
    if (code == CLI_DONE && n > 1) {
        json_object_set_new(*result, "exponent", json_real((n * sxy - sx * sy) / (n * sxx - sx * sx)));
    }
    return code;
}
