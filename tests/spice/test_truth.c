/* test_truth.c - whole characterizations in ngspice: how well the table and the solver know what SPICE found.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/characterize.h>
#include <xbartab/engine.h>

#include "exact.h"
#include "technology.h"

typedef struct design {
    const char *name, *cell, *levels, *array, *wires, *dac, *tia;
    double transfer_rmse; /* bound on the held-out error, share of full scale */
} design;

static const design designs[] = {
    {"1T1R gap model", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}", "{rows: 17, columns: 13}", "{word: 1 ohm, bit: 1 ohm}",
     "{bits: 1, read_voltage: 200 mV}", "{model: opamp}", 2e-5},
    {"weak gate, so that the current depends on both voltages",
     "{rram: {model: sky130_gap}, selector: {model: nmos_level1, parameters: [{name: w, value: 0.3 um}, "
     "{name: v_gate, value: 0.9 V}, {name: gamma, value: 0.5 V^0.5}]}}",
     "{count: 4, g_min: 1 uS, g_max: 40 uS}", "{rows: 17, columns: 13}", "{word: 2 ohm, bit: 3 ohm}",
     "{bits: 1, read_voltage: 300 mV}", "{model: opamp, parameters: [{name: gain, value: 300}]}", 5e-4},
    {"strongly curved passive cells", "{rram: {model: sinh, parameters: [{name: v0, value: 0.2 V}]}}",
     "{count: 4, g_min: 5 uS, g_max: 100 uS}", "{rows: 15, columns: 18}", "{word: 4 ohm, bit: 4 ohm}",
     "{bits: 1, read_voltage: 200 mV}", "{model: ideal}", 1e-3},
    {"2-bit DAC, no wires on the word lines", "{rram: {model: sinh}}",
     "{count: 2, g_min: 1 uS, g_max: 20 uS}", "{rows: 12, columns: 7}", "{word: 0 ohm, bit: 2 ohm}",
     "{bits: 2, read_voltage: 200 mV}", "{model: ideal}", 5e-4},
    {"4-bit DAC, resistors, ideal wires", "{rram: {model: resistor}}",
     "{count: 16, g_min: 1 uS, g_max: 20 uS}", "{rows: 9, columns: 6}", "{word: 0 ohm, bit: 0 ohm}",
     "{bits: 4, read_voltage: 150 mV}", "{model: ideal}", 1e-7},
    {"word lines driven at both ends, sensed at the top",
     "{rram: {model: sinh, parameters: [{name: v0, value: 0.2 V}]}}",
     "{count: 4, g_min: 5 uS, g_max: 100 uS}", "{rows: 13, columns: 17, drive: both, sense: top}",
     "{word: 4 ohm, bit: 4 ohm}", "{bits: 1, read_voltage: 200 mV}", "{model: opamp}", 1e-3},
    {"alternating word lines, 2-bit DAC",
     "{rram: {model: sky130_gap}, selector: {model: nmos_level1, parameters: [{name: w, value: 0.3 um}]}}",
     "{count: 4, g_min: 1 uS, g_max: 40 uS}", "{rows: 7, columns: 5, polarity: alternating, drive: right}",
     "{word: 2 ohm, bit: 3 ohm}", "{bits: 2, read_voltage: 200 mV}", "{model: opamp}", 2e-3},
    {"gate inputs, weak gate",
     "{rram: {model: sky130_gap}, selector: {model: nmos_level1, parameters: [{name: w, value: 0.3 um}, "
     "{name: v_gate, value: 0.9 V}, {name: gamma, value: 0.5 V^0.5}]}}",
     "{count: 4, g_min: 1 uS, g_max: 40 uS}",
     "{rows: 13, columns: 17, topology: gate_input, drive: both, sense: top}",
     "{word: 2 ohm, bit: 3 ohm, source: 1 ohm}", "{bits: 1, read_voltage: 300 mV}", "{model: opamp}", 2e-3},
    {"gate inputs, four gate voltages",
     "{rram: {model: sky130_gap}, selector: {model: nmos_level1, parameters: [{name: w, value: 0.3 um}]}}",
     "{count: 4, g_min: 1 uS, g_max: 20 uS}", "{rows: 16, columns: 16, topology: gate_input, drive: bottom}",
     "{word: 1 ohm, bit: 1 ohm}",
     "{bits: 2, read_voltage: 200 mV, gate_voltages: [0 V, 0.9 V, 1.2 V, 1.8 V]}", "{model: opamp}", 2e-3},
    {"pairs of gates on one source line", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}",
     "{rows: 14, columns: 7, topology: gate_input, polarity: alternating}", "{word: 1 ohm, bit: 1 ohm}",
     "{bits: 1, read_voltage: 200 mV}", "{model: opamp}", 2e-3},
};

static char folder[] = "/tmp/xbartab-test-XXXXXX";

static void write_spec(const design *d, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(
        file,
        "name: test\ncell: %s\nlevels: %s\narray: %s\nwire: %s\ndriver: {resistance: 20 ohm}\nsink: "
        "{resistance: 10 ohm}\n"
        "dac: %s\ntia: %s\nadc: {bits: 8}\nsampling: {tiles: 8, tiles_heldout: 4, vectors: 12}\nseed: 11\n",
        d->cell, d->levels, d->array, d->wires, d->dac, d->tia);
    assert_int_equal(fclose(file), 0);
}

static xbtab_tables *characterize(const design *d, int workers, const char *name)
{
    char spec_path[256], path[256];
    const char *models_folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    xbtab_tables *tables = NULL;
    snprintf(spec_path, sizeof spec_path, "%s/tile.yaml", folder);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_spec(d, spec_path);
    xbtab_status status = xbtab_models_open(&models, &models_folder, 1);
    if (status == XBTAB_OK) status = xbtab_spec_open(&spec, spec_path, models);
    if (status == XBTAB_OK)
        status = xbtab_characterize(spec, path, &(xbtab_characterize_options){.workers = workers});
    if (status == XBTAB_OK) status = xbtab_tables_open(&tables, path);
    if (status < 0) fail_msg("%s: %s", d->name, xbtab_error_message());
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
    return tables;
}

/* Largest difference between our exact solution and SPICE's currents, as a share of the largest current. */
static double solver_difference(const xbtab_tables *t, const xbtab_technology *technology)
{
    const xbtab_sample_data *s = &t->samples;
    size_t cells = t->rows * t->columns;
    double worst = 0, most = 0;
    xbtab__exact *circuit = NULL;
    double *G = calloc(cells, sizeof *G), *I = calloc(t->columns, sizeof *I);
    assert_true(G && I);
    assert_int_equal(xbtab__exact_create(&circuit, technology, t->rows, t->columns), XBTAB_OK);
    for (size_t tile = 0; tile < s->n_tiles; tile++) {
        for (size_t c = 0; c < cells; c++) G[c] = t->G_level[s->level[tile * cells + c]];
        xbtab__exact_program(circuit, G);
        for (size_t v = 0; v < s->n_vectors; v++) {
            size_t at = tile * s->n_vectors + v;
            assert_int_equal(s->status[at], XBTAB_SAMPLE_OK);
            if (xbtab__exact_solve(circuit, s->code + at * t->rows, I) < 0)
                fail_msg("%s", xbtab_error_message());
            for (size_t j = 0; j < t->columns; j++) {
                most = fmax(most, fabs(s->I_out[at * t->columns + j]));
                worst = fmax(worst, fabs(I[j] - s->I_out[at * t->columns + j]));
            }
        }
    }
    xbtab__exact_destroy(&circuit);
    free(G);
    free(I);
    return worst / most;
}

/* The sanitizers see every third design only. */
#ifdef __SANITIZE_ADDRESS__
enum { DESIGN_STEP = 3 };
#else
enum { DESIGN_STEP = 1 };
#endif

static void tables_and_solver_know_what_spice_found(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof designs / sizeof designs[0]; k += DESIGN_STEP) {
        const design *d = &designs[k];
        xbtab_technology *technology = NULL;
        xbtab_tables *t = characterize(d, 2, "truth.h5");
        assert_int_equal(xbtab_technology_create(&technology, t), XBTAB_OK);
        double difference = solver_difference(t, technology);
        print_message(
            "%s: transfer %.2e (largest %.2e), effective matrix %.2e, ideal %.2e; solver %.1e; cell %.1e\n",
            d->name, t->transfer.error.rmse, t->transfer.error.max, t->transfer.error_geff.rmse,
            t->transfer.error_ideal.rmse, difference, t->cell.error.rmse);
        assert_int_equal(t->transfer.error.failed, 0);
        assert_true(t->transfer.error.rmse <= d->transfer_rmse);
        assert_true(difference <= 1e-6);
        assert_true(t->tia.error.rmse <= 1e-6);
        xbtab_technology_destroy(&technology);
        xbtab_tables_destroy(&t);
    }
}

static char *read_all(const char *name, size_t *n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 24);
    assert_non_null(bytes);
    *n = fread(bytes, 1, 1 << 24, file);
    fclose(file);
    return bytes;
}

static void any_number_of_workers_gives_the_same_bytes(void **state)
{
    (void)state;
    size_t n1, n3;
    xbtab_tables *one = characterize(&designs[0], 1, "one.h5"),
                 *three = characterize(&designs[0], 3, "three.h5");
    char *a = read_all("one.h5", &n1), *b = read_all("three.h5", &n3);
    assert_int_equal(n1, n3);
    assert_memory_equal(a, b, n1);
    free(a);
    free(b);
    xbtab_tables_destroy(&one);
    xbtab_tables_destroy(&three);
}

/* The engine that asks ngspice and the one that asks our solver give the same codes, for input slices and
 * idle lines too; and tables of changed models are refused. */
static void the_spice_engine_agrees_with_the_solver(void **state)
{
    (void)state;
    enum { ROWS = 11, COLUMNS = 6, N = 3, SLICES = 3 };
    const char *models_folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    xbtab_technology *technology = NULL;
    xbtab_tables *t = characterize(&designs[3], 2, "engine.h5"); /* 2-bit DAC */
    size_t stride = xbtab_engine_stride(COLUMNS);
    int32_t *acc[2];
    uint8_t level[ROWS * COLUMNS];
    uint16_t x[N * ROWS];
    assert_int_equal(xbtab_models_open(&models, &models_folder, 1), XBTAB_OK);
    if (xbtab_spec_of_tables(&spec, t, models) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_technology_create(&technology, t), XBTAB_OK);
    for (size_t c = 0; c < ROWS * COLUMNS; c++) level[c] = (uint8_t)(c * 7 / 3 % 2);
    for (size_t k = 0; k < N * ROWS; k++) x[k] = (uint16_t)(k * 2654435761u >> 20 & 63);
    xbtab_spice_engine context = {.spec = spec, .workers = 2};
    xbtab_engine_setup setup = {.technology = technology, .context = &context};
    const xbtab_engine_type *engines[] = {&xbtab_engine_spice, &xbtab_engine_solve};
    const xbtab_cells cells = {.rows = ROWS, .columns = COLUMNS, .level = level};
    for (int e = 0; e < 2; e++) {
        void *made = NULL;
        xbtab_product_counts counts = {0};
        acc[e] = calloc(N * stride, sizeof **acc);
        assert_non_null(acc[e]);
        assert_int_equal(engines[e]->program(&made, &setup, &cells), XBTAB_OK);
        if (engines[e]->product(made, x, N, SLICES, NULL, acc[e], &counts) < 0)
            fail_msg("%s", xbtab_error_message());
        assert_int_equal(counts.codes, N * SLICES * COLUMNS);
        engines[e]->clear(made);
    }
    int most = 0;
    for (size_t k = 0; k < N * stride; k++) {
        assert_in_range(acc[0][k] - acc[1][k] + 21, 0,
                        42); /* a code on the other side of a step, in any slice */
        if (acc[0][k] > most) most = acc[0][k];
    }
    assert_memory_equal(acc[0], acc[1], COLUMNS * sizeof **acc);
    assert_true(most > 500);
    xbtab_spec_destroy(&spec);
    char *number = strstr(t->models_text, " = ");
    assert_non_null(number);
    number[3] = number[3] == '9' ? '8' : '9';
    assert_int_equal(xbtab_spec_of_tables(&spec, t, models), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "models have changed"));
    free(acc[0]);
    free(acc[1]);
    xbtab_technology_destroy(&technology);
    xbtab_tables_destroy(&t);
    xbtab_models_destroy(&models);
}

/* Cells that the tile never had: conductances between the tabulated states. */
static void cells_between_the_states_follow_the_model(void **state)
{
    (void)state;
    xbtab_tables *t = characterize(&designs[2], 2, "between.h5");
    xbtab_technology *technology = NULL;
    assert_int_equal(xbtab_technology_create(&technology, t), XBTAB_OK);
    for (double G = 7.3e-6; G < 95e-6;
         G *= 1.37) { /* at v_read; sinh's shape is the same for every conductance */
        xbtab__cell cell = xbtab__cell_of(&technology->cell, G);
        for (double V = -0.03; V <= 0.21; V += 0.0171) {
            double I, slope, scale = G * 0.2 / sinh(0.2 / 0.2), wanted = scale * sinh(V / 0.2);
            xbtab__cell_current(&technology->cell, 0, &cell, V, 0.0, &I, &slope);
            assert_true(fabs(I - wanted) <= 1e-7 * G * 0.2);
            assert_true(fabs(slope - scale * cosh(V / 0.2) / 0.2) <= 1e-5 * G);
        }
    }
    xbtab_technology_destroy(&technology);
    xbtab_tables_destroy(&t);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"tile.yaml", "truth.h5",   "one.h5",
                                        "three.h5",  "between.h5", "engine.h5"};
    char path[256];
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[k]);
        unlink(path);
    }
    return rmdir(folder); /* fails where a characterization left something behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_solver_know_what_spice_found),
        cmocka_unit_test(any_number_of_workers_gives_the_same_bytes),
        cmocka_unit_test(the_spice_engine_agrees_with_the_solver),
        cmocka_unit_test(cells_between_the_states_follow_the_model),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
