/* test_quality.c - how good the tables are, for several devices and sizes, on tiles of every kind: the
 * figures must stay at what tests/quality.csv says.
 *
 * Each device is characterized with samples from our solver (ngspice holds it on check tiles), and the table
 * compared with exact solutions of tiles that no fit saw: every pattern and input below, T alone and with the
 * tile's own refinement. To renew the file after a change that is meant: XBARTAB_QUALITY=FILE writes what was
 * measured there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/characterize.h>
#include <xbartab/network.h>

#include "exact.h"
#include "random.h"
#include "refine.h"
#include "technology.h"

enum { VECTORS = 30, SOLVES = 20, MOST_SIDE = 128 };

/* The product's promises, shares of full scale. */
static const double most_T_rmse = 1e-3, most_refined_rmse = 6e-4, most_refined_max = 4e-3;

typedef struct device {
    const char *name, *cell, *levels, *wires, *read_voltage, *tia, *array;
    int n_sides;      /* of those below */
    bool is_promised; /* the product's promises hold for it; the others' figures are only pinned */
} device;

static const device devices[] = {
    {"1t1r", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}", "{word: 1 ohm, bit: 1 ohm}", "200 mV", "opamp", "", 2, true},
    {"sinh", "{rram: {model: sinh, parameters: [{name: v0, value: 0.2 V}]}}",
     "{count: 4, g_min: 5 uS, g_max: 50 uS}", "{word: 1 ohm, bit: 1 ohm}", "200 mV", "opamp", "", 2, true},
    /* 20 uA cells whose current hangs on each millivolt: what is left depends on where the driven word lines
     * are, which neither T nor the refinement knows */
    {"1s1r", "{rram: {model: sinh}, selector: {model: tunnel, parameters: [{name: i_s, value: 1 nA}]}}",
     "{count: 4, g_min: 0.5 uS, g_max: 8 uS}", "{word: 1 ohm, bit: 1 ohm}", "1.2 V", "opamp", "", 2, false},
    {"low_resistance", "{rram: {model: sinh, parameters: [{name: v0, value: 0.4 V}]}}",
     "{count: 4, g_min: 10 uS, g_max: 100 uS}", "{word: 2.5 ohm, bit: 2.5 ohm}", "200 mV", "opamp", "", 2,
     true},
    /* other circuits of the first one's cells */
    {"1t1r_both_ends", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}", "{word: 1 ohm, bit: 1 ohm}", "200 mV", "opamp",
     ", drive: both, sense: top", 1, true},
    {"1t1r_alternating", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}", "{word: 1 ohm, bit: 1 ohm}", "200 mV", "opamp",
     ", polarity: alternating", 1, true},
    {"1t1r_gates", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}", "{word: 1 ohm, bit: 1 ohm}", "200 mV", "opamp",
     ", topology: gate_input", 1, true},
    /* its drop goes with y times all that flows in the column, and of the latter T and the refinement know
     * only the mean drive's share: good where pairs are driven together, as trained weights are, and not
     * elsewhere */
    {"2t2r_gates", "{rram: {model: sky130_gap}, selector: {model: nmos_level1}}",
     "{count: 4, g_min: 0.5 uS, g_max: 10 uS}", "{word: 1 ohm, bit: 1 ohm}", "200 mV", "opamp",
     ", topology: gate_input, polarity: alternating", 1, false},
};
static const int sides[] = {64, 128};

enum { UNIFORM, SPARSE, TRAINED, UNEQUAL_ROWS, UNEQUAL_COLUMNS, ALL_ON, N_PATTERNS };
static const char *const patterns[] = {"uniform",      "sparse",          "trained",
                                       "unequal_rows", "unequal_columns", "all_on"};

typedef struct figure {
    char name[64];
    double T_rmse, rmse, max;
    bool is_promised;
} figure;

enum { MOST_FIGURES = 96 };

static char folder[] = "/tmp/xbartab-quality-XXXXXX";

static xbtab_tables *characterize(const device *d, int side)
{
    char path[256], text[1024];
    const char *models_folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    xbtab_tables *tables = NULL;
    snprintf(path, sizeof path, "%s/%s.h5", folder, d->name);
    snprintf(text, sizeof text,
             "name: %s\ncell: %s\nlevels: %s\narray: {rows: %d, columns: %d%s}\nwire: %s\n"
             "driver: {resistance: 20 ohm}\nsink: {resistance: 10 ohm}\ndac: {read_voltage: %s}\n"
             "tia: {model: %s}\nadc: {bits: 8}\n"
             "sampling: {engine: solve, tiles: 8, tiles_heldout: 4, check_tiles: 1, check_full: 0}\n",
             d->name, d->cell, d->levels, side, side, d->array, d->wires, d->read_voltage, d->tia);
    xbtab_status status = xbtab_models_open(&models, &models_folder, 1);
    if (status == XBTAB_OK) status = xbtab_spec_parse(&spec, text, d->name, models);
    if (status == XBTAB_OK) status = xbtab_characterize(spec, path, NULL);
    if (status == XBTAB_OK) status = xbtab_tables_open(&tables, path);
    if (status < 0) fail_msg("%s: %s", d->name, xbtab_error_message());
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
    return tables;
}

/* The embedded network's first layer, trained: weights' magnitudes of both signs side by side, or where signs
 * alternate one above the other, as levels. */
static void trained_levels(uint8_t *level, int side, bool is_signed)
{
    xbtab_network *network = NULL;
    xbtab_images *images = NULL;
    xbtab_quantized *quantized = NULL;
    const char *data = XBARTAB_SOURCE_FOLDER "/data/";
    char path[512], image_path[512];
    snprintf(path, sizeof path, "%snetworks/digits.onnx", data);
    snprintf(image_path, sizeof image_path, "%sdigits/test-images.idx.gz", data);
    xbtab_quantize_options options = {.weight_bits = 3, .n_images = 20};
    if (xbtab_network_open(&network, path) < 0 || xbtab_images_open(&images, image_path, NULL, 20) < 0 ||
        xbtab_quantized_create(&quantized, network, images, &options) < 0) {
        fail_msg("%s", xbtab_error_message());
    }
    const xbtab_matrix *m = NULL;
    for (size_t k = 0; k < xbtab_quantized_matrices(quantized); k++) {
        const xbtab_matrix *other = xbtab_quantized_matrix(quantized, k);
        if (!m || other->inputs * other->outputs > m->inputs * m->outputs) m = other;
    }
    for (int i = 0; i < side; i++) {
        for (int j = 0; j < side; j++) {
            int input = is_signed ? i / 2 : i, output = is_signed ? j : j / 2;
            size_t o = (size_t)output % m->outputs,
                   at = (size_t)input + (size_t)output / m->outputs * (size_t)side;
            int w = m->W[o * m->inputs + at % m->inputs];
            level[i * side + j] = (uint8_t)((w < 0) == ((is_signed ? i : j) % 2 == 1) ? abs(w) : 0);
        }
    }
    xbtab_quantized_destroy(&quantized);
    xbtab_images_destroy(&images);
    xbtab_network_destroy(&network);
}

static void fill_levels(uint8_t *level, int pattern, int side, bool is_signed)
{
    xbtab__random random;
    xbtab__random_init(&random, 77, XBTAB__RANDOM_TEST, (uint32_t)pattern, (uint32_t)side);
    if (pattern == TRAINED) trained_levels(level, side, is_signed);
    for (int c = 0; c < side * side && pattern != TRAINED; c++) {
        int i = c / side, j = c % side, any = (int)xbtab__random_below(&random, 4);
        double u = xbtab__random_uniform(&random);
        switch (pattern) {
        case SPARSE:
            any = u < 0.15 ? any : 0;
            break;
        case UNEQUAL_ROWS: /* every fourth word line at the highest level, the others nearly empty */
            any = i % 4 == 0 ? 3 : u < 0.05;
            break;
        case UNEQUAL_COLUMNS: /* one quarter of the bit lines full, one half full, the rest empty */
            any = j < side / 4 ? 3 : j < side / 2 ? 3 * (u < 0.5) : 0;
            break;
        case ALL_ON:
            any = 3;
            break;
        default:;
        }
        level[c] = (uint8_t)any;
    }
}

/* All on, one-hot, then random ones of every density. */
static void fill_code(uint8_t *code, int v, int side, double *a)
{
    xbtab__random random;
    int sum = 0;
    xbtab__random_init(&random, 78, XBTAB__RANDOM_TEST, (uint32_t)v, (uint32_t)side);
    for (int i = 0; i < side; i++) {
        double u = xbtab__random_uniform(&random);
        code[i] = (uint8_t)(v == 0 ? 1 : v < 4 ? i == v * side / 4 - 1 : u < (double)(v - 3) / (VECTORS - 4));
        sum += code[i];
    }
    *a = (double)sum / side;
}

static void measure(figure *f, const xbtab_technology *technology, const uint8_t *level, int side)
{
    const xbtab_tables *t = technology->tables;
    size_t n = (size_t)side, cells = n * n;
    xbtab_tile *tile = NULL;
    xbtab__exact *circuit = NULL;
    xbtab__refinement raw, refined;
    double *G = malloc(cells * sizeof *G), y[MOST_SIDE], I[MOST_SIDE], T_squares = 0, squares = 0;
    uint8_t code[MOST_SIDE];
    assert_non_null(G);
    for (size_t c = 0; c < cells; c++) G[c] = t->G_level[level[c]];
    if (xbtab_tile_create(&tile, technology, G, n, n) < 0 ||
        xbtab__refine(&raw, technology, tile, G, n, n, 0) < 0 ||
        xbtab__refine(&refined, technology, tile, G, n, n, SOLVES) < 0 ||
        xbtab__exact_create(&circuit, technology, n, n) < 0) {
        fail_msg("%s: %s", f->name, xbtab_error_message());
    }
    xbtab__exact_program(circuit, G);
    double full_scale = t->transfer.error.full_scale;
    for (int v = 0; v < VECTORS; v++) {
        double a;
        fill_code(code, v, side, &a);
        xbtab_tile_product(tile, code, y);
        if (xbtab__exact_solve(circuit, code, I) < 0) fail_msg("%s: %s", f->name, xbtab_error_message());
        for (size_t j = 0; j < n; j++) {
            double place = (double)j / (double)(n - 1);
            double T_off = xbtab__refined_current(&raw, technology, y[j], a, j, place) - I[j];
            double off = xbtab__refined_current(&refined, technology, y[j], a, j, place) - I[j];
            T_squares += T_off * T_off;
            squares += off * off;
            f->max = fmax(f->max, fabs(off) / full_scale);
        }
    }
    f->T_rmse = sqrt(T_squares / (double)(VECTORS * n)) / full_scale;
    f->rmse = sqrt(squares / (double)(VECTORS * n)) / full_scale;
    xbtab__refinement_clear(&raw);
    xbtab__refinement_clear(&refined);
    xbtab__exact_destroy(&circuit);
    xbtab_tile_destroy(&tile);
    free(G);
}

/* What the file says of a name; false where it says nothing. */
static bool find_pinned(const char *name, figure *f)
{
    char line[256];
    bool is_found = false;
    FILE *file = fopen(XBARTAB_SOURCE_FOLDER "/tests/quality.csv", "r");
    assert_non_null(file);
    while (!is_found && fgets(line, sizeof line, file)) {
        is_found = sscanf(line, "%63[^,],%lf,%lf,%lf", f->name, &f->T_rmse, &f->rmse, &f->max) == 4 &&
                   strcmp(f->name, name) == 0;
    }
    fclose(file);
    return is_found;
}

static void hold(const figure *got)
{
    const double slack = 1.05; /* of other compilers' rounding, where nothing else differs */
    figure pinned;
    print_message("%-34s T %.4f %%, refined %.4f %%, at most %.3f %%\n", got->name, 100 * got->T_rmse,
                  100 * got->rmse, 100 * got->max);
    if (!find_pinned(got->name, &pinned)) fail_msg("tests/quality.csv has no line %s", got->name);
    if (got->T_rmse > slack * pinned.T_rmse + 1e-7 || got->rmse > slack * pinned.rmse + 1e-7 ||
        got->max > slack * pinned.max + 1e-7) {
        fail_msg("%s: RMSE %.3g, refined %.3g, at most %.3g; it was %.3g, %.3g and %.3g", got->name,
                 got->T_rmse, got->rmse, got->max, pinned.T_rmse, pinned.rmse, pinned.max);
    }
    if (!got->is_promised) return;
    assert_true(got->rmse <= most_refined_rmse && got->max <= most_refined_max);
    if (strstr(got->name, "_family")) assert_true(got->T_rmse <= most_T_rmse);
}

/* The sanitizers see the smaller tiles, every third device and two patterns only. */
#ifdef __SANITIZE_ADDRESS__
enum { DEVICE_STEP = 3, MOST_SIDES = 1, MOST_PATTERNS = 2 };
#else
enum { DEVICE_STEP = 1, MOST_SIDES = 2, MOST_PATTERNS = N_PATTERNS };
#endif

static void tables_are_as_good_as_they_were(void **state)
{
    (void)state;
    static figure figures[MOST_FIGURES];
    static uint8_t level[MOST_SIDE * MOST_SIDE];
    int n = 0;
    assert_non_null(mkdtemp(folder));
    for (size_t d = 0; d < sizeof devices / sizeof devices[0]; d += DEVICE_STEP) {
        for (int s = 0; s < devices[d].n_sides && s < MOST_SIDES; s++) {
            xbtab_technology *technology = NULL;
            xbtab_tables *tables = characterize(&devices[d], sides[s]);
            assert_int_equal(xbtab_technology_create(&technology, tables), XBTAB_OK);
            figure *f = &figures[n++];
            snprintf(f->name, sizeof f->name, "%s_%d_family", devices[d].name, sides[s]);
            f->is_promised = devices[d].is_promised;
            f->T_rmse = f->rmse = tables->transfer.error.rmse;
            f->max = 0;
            assert_true(tables->solver.n == 1 && tables->solver.rows[0] == 32);
            assert_true(tables->solver.max[0] <= 1e-6);
            for (int p = 0; p < MOST_PATTERNS; p++) {
                f = &figures[n++];
                f->is_promised = devices[d].is_promised;
                snprintf(f->name, sizeof f->name, "%s_%d_%s", devices[d].name, sides[s], patterns[p]);
                fill_levels(level, p, sides[s], xbtab_array_is_signed(&tables->array));
                measure(f, technology, level, sides[s]);
            }
            xbtab_technology_destroy(&technology);
            xbtab_tables_destroy(&tables);
        }
    }
    const char *path = getenv("XBARTAB_QUALITY");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) fprintf(file, "tile,T_rmse_fs,refined_rmse_fs,refined_max_fs\n");
    for (int k = 0; k < n && file; k++) {
        fprintf(file, "%s,%.3e,%.3e,%.3e\n", figures[k].name, figures[k].T_rmse, figures[k].rmse,
                figures[k].max);
    }
    if (file) assert_int_equal(fclose(file), 0);
    for (int k = 0; k < n; k++) hold(&figures[k]);
}

static int clean_up(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(tables_are_as_good_as_they_were, clean_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
