/* test_memory_runs.c - quantizing, programming, running, checking and explaining with memory that runs out at
 * any allocation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain_fixture.h"
#include "out_of_memory.h"
#include "refine.h"

enum { FEW = 2 };

static fixture f;
static float outputs[IMAGES * OUTPUTS];
static xbtab_population *population;

static const xbtab_run_options one_thread = {.threads = 1};

/* ---- networks ---- */

static xbtab_status quantize(void *context)
{
    xbtab_quantized *q = NULL;
    xbtab_status status = xbtab_quantized_create(&q, f.network, &f.images, context);
    assert_true(status == XBTAB_OK || !q);
    xbtab_quantized_destroy(&q);
    return status;
}

static xbtab_status run_float(void *context)
{
    (void)context;
    return xbtab_network_run(f.network, &f.images, FEW, &one_thread, outputs);
}

static xbtab_status run_integers(void *context)
{
    (void)context;
    return xbtab_quantized_run(f.quantized, &f.images, FEW, NULL, NULL, &one_thread, outputs);
}

static xbtab_status find_sensitivity(void *context)
{
    xbtab_sensitivity found[LAYERS];
    return xbtab_network_sensitivity(f.network, &f.images, FEW, context, found);
}

static xbtab_status mix_bits(void *context)
{
    xbtab_layer_bits found[LAYERS];
    double used;
    return xbtab_network_mix_bits(f.network, &f.images, FEW, context, 4, found, &used);
}

static void networks(void **state)
{
    (void)state;
    const xbtab_quantize_options plain = {.n_images = FEW, .run = one_thread};
    const xbtab_quantize_options ranges = {.n_images = FEW,
                                           .run = one_thread,
                                           .weight_range = XBTAB_CLIP_MSE,
                                           .activation_range = XBTAB_CLIP_PERCENTILE,
                                           .bias_correction = 1};
    starve("quantizing", quantize, (void *)(uintptr_t)&plain, 200);
    starve("quantizing with ranges", quantize, (void *)(uintptr_t)&ranges, 200);
    starve("a float run", run_float, NULL, 200);
    starve("an integer run", run_integers, NULL, 200);
    starve("sensitivity", find_sensitivity, (void *)(uintptr_t)&plain, 60);
    starve("mixed bits", mix_bits, (void *)(uintptr_t)&plain, 60);
}

/* ---- tiles ---- */

static xbtab_status program_tile(void *context)
{
    xbtab_technology *technology = NULL;
    xbtab_tile *tile = NULL;
    xbtab__refinement r = {0};
    static double G[32 * 32];
    (void)context;
    for (int c = 0; c < 32 * 32; c++) G[c] = f.tables->G_level[c % 4];
    xbtab_status status = xbtab_technology_create(&technology, f.tables);
    if (status == XBTAB_OK) status = xbtab_tile_create(&tile, technology, G, 32, 32);
    if (status == XBTAB_OK) status = xbtab__refine(&r, technology, tile, G, 32, 32, 3);
    xbtab__refinement_clear(&r);
    xbtab_tile_destroy(&tile);
    xbtab_technology_destroy(&technology);
    return status;
}

static xbtab_status derive(void *context)
{
    xbtab_derived *derived = NULL;
    const unsigned *off = context;
    xbtab_status status = xbtab_derived_create(&derived, f.tables, *off);
    xbtab_derived_destroy(&derived);
    return status;
}

static void tiles(void **state)
{
    (void)state;
    unsigned off[] = {BIT(NONLINEARITY), BIT(WIRES) | BIT(TIA), BIT(WIRES) | BIT(TIA) | BIT(NONLINEARITY)};
    starve("a tile", program_tile, NULL, 200);
    for (int k = 0; k < 3; k++) starve("a technology without an effect", derive, &off[k], 50);
}

/* ---- mapped networks ---- */

typedef struct mapping {
    const xbtab_engine_type *engine;
    xbtab_scheme scheme;
    int has_chip;
} mapping;

static xbtab_status map_and_run(void *context)
{
    const mapping *m = context;
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1};
    xbtab_map_options o = {
        .run = one_thread, .scheme = &m->scheme, .seed = 3, .calibration = &f.images, .n_calibration = FEW};
    const xbtab_chip_options chip_options = {.population = population, .time = 10};
    xbtab_chip *chip = NULL;
    xbtab_mapped *mapped = NULL;
    xbtab_status status = XBTAB_OK;
    if (m->has_chip) status = xbtab_chip_create(&chip, f.tables, &chip_options);
    if (status == XBTAB_OK && chip) xbtab_chip_hook(chip, &o);
    if (status == XBTAB_OK) status = xbtab_mapped_create(&mapped, f.quantized, &setup, m->engine, &o);
    if (status == XBTAB_OK) status = xbtab_mapped_run(mapped, &f.images, 1, &one_thread, outputs, NULL);
    xbtab_mapped_destroy(&mapped);
    xbtab_chip_destroy(&chip);
    return status;
}

static void mapped_networks(void **state)
{
    (void)state;
    mapping all[] = {
        {.engine = &xbtab_engine_ideal},
        {.engine = &xbtab_engine_table, .has_chip = 1},
        {.engine = &xbtab_engine_solve},
        {.engine = &xbtab_engine_table,
         .scheme = {.weights = XBTAB_WEIGHTS_OFFSET_COLUMN, .range = XBTAB_RANGE_MSE}},
        {.engine = &xbtab_engine_ideal,
         .scheme = {.weights = XBTAB_WEIGHTS_BIAS_FLIP,
                    .references = XBTAB_REFERENCES_LLOYD_MAX,
                    .readout = XBTAB_READOUT_FLASH,
                    .adc_bits = 4,
                    .offset_sigma = 0.3}},
        {.engine = &xbtab_engine_ideal,
         .scheme = {.weights = XBTAB_WEIGHTS_TWOS_COMPLEMENT,
                    .sums = XBTAB_SUMS_QUANTIZED,
                    .range = XBTAB_RANGE_PERCENTILE,
                    .noise_sigma = 0.1}},
        {.engine = &xbtab_engine_table, .scheme = {.trim = XBTAB_TRIM_COLUMN}},
        {.engine = &xbtab_engine_ideal, .scheme = {.weights = XBTAB_WEIGHTS_TERNARY_PAIR, .rows_active = 9}},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (map_and_run(&all[k]) != XBTAB_OK) fail_msg("case %zu: %s", k, xbtab_error_message());
        starve("a mapped network", map_and_run, &all[k], 30);
    }
}

/* ---- studies ---- */

static xbtab_status check(void *context)
{
    xbtab_check_report report;
    return xbtab_mapped_check(context, &f.images, 2, 1, NULL, &one_thread, &report);
}

static xbtab_status run_chips(void *context)
{
    static const double times[] = {0, 1000};
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1};
    const xbtab_chips_options o = {.chip = {.population = population},
                                   .n_chips = 2,
                                   .time = times,
                                   .n_times = 2,
                                   .map = {.run = one_thread}};
    xbtab_chips_report report;
    (void)context;
    xbtab_status status =
        xbtab_chips_run(&report, f.quantized, &setup, &xbtab_engine_table, &f.images, 1, &o);
    if (status == XBTAB_OK) xbtab_chips_report_clear(&report);
    return status;
}

static xbtab_status explain(void *context)
{
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1};
    const xbtab_explain_options o = {.chip = {.population = population},
                                     .float_outputs = f.real,
                                     .n_watched = 1,
                                     .map = {.run = one_thread}};
    xbtab_explanation x;
    (void)context;
    xbtab_status status = xbtab_explain(&x, f.quantized, &setup, &f.images, 2, &o);
    if (status == XBTAB_OK) xbtab_explanation_clear(&x);
    return status;
}

static void studies(void **state)
{
    (void)state;
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1};
    const xbtab_map_options o = {.run = one_thread};
    xbtab_mapped *mapped = NULL;
    assert_int_equal(xbtab_mapped_create(&mapped, f.quantized, &setup, &xbtab_engine_table, &o), XBTAB_OK);
    starve("a check", check, mapped, 30);
    xbtab_mapped_destroy(&mapped);
    starve("chips", run_chips, NULL, 20);
    starve("explaining", explain, NULL, 12);
}

static int open_all(void **state)
{
    static const char sheet[] =
        "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 20 uS}\ntemperature: 300 K\n"
        "programming: {family: normal, sigma: {value: 0.3 uS}, source: s, trust: assumed}\n"
        "read_noise: {sigma: {value: 0.2 uS}, source: s, trust: assumed}\n";
    if (make_file(state) != 0) return -1;
    prepare(&f, SIDE / 2);
    return xbtab_population_parse(&population, sheet, "test") == XBTAB_OK ? 0 : -1;
}

static int close_all(void **state)
{
    xbtab_population_destroy(&population);
    finish(&f);
    return remove_file(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(tiles),
        cmocka_unit_test(mapped_networks),
        cmocka_unit_test(studies),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
