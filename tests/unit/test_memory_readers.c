/* test_memory_readers.c - every reader, and every writer of files, with memory that runs out at any
 * allocation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/arch.h>
#include <xbartab/images.h>
#include <xbartab/measured.h>
#include <xbartab/netlist.h>
#include <xbartab/network.h>
#include <xbartab/population.h>
#include <xbartab/write.h>

#include "calibrate_private.h"
#include "complete_tables.h"
#include "expression.h"
#include "out_of_memory.h"
#include "population_spec.h"
#include "sinh_tables.h"

#include "fuzz/onnx_corpus.h"

static char folder[] = "/tmp/xbartab-test-XXXXXX";
static xbtab_models *models;

static const char *at(const char *name)
{
    static char path[2][256];
    static int turn;
    char *out = path[turn++ % 2];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static const char *project(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", XBARTAB_SOURCE_FOLDER, name);
    return path;
}

static void put(const char *name, const void *bytes, size_t n)
{
    FILE *file = fopen(at(name), "wb");
    assert_true(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
}

/* ---- models and what names them ---- */

static xbtab_status open_models(void *context)
{
    const char *of = project("devicemodels");
    xbtab_models *m = NULL;
    (void)context;
    xbtab_status status = xbtab_models_open(&m, &of, 1);
    assert_true(status == XBTAB_OK || !m);
    xbtab_models_destroy(&m);
    return status;
}

static xbtab_status open_spec(void *context)
{
    xbtab_spec *spec = NULL;
    xbtab_status status = xbtab_spec_parse(&spec, context, "/tmp/tile.yaml", models);
    xbtab_spec_destroy(&spec);
    return status;
}

static xbtab_status open_arch(void *context)
{
    xbtab_arch *arch = NULL;
    xbtab_status status = xbtab_arch_open(&arch, context, models);
    xbtab_arch_destroy(&arch);
    return status;
}

static xbtab_status set_key(void *context)
{
    char *text = NULL;
    xbtab_status status = xbtab_config_set(&text, context, "t.yaml", "array.rows", "7");
    assert_true(status == XBTAB_OK || !text);
    free(text);
    return status;
}

static char default_tile[4096],
    written_tile[] =
        "name: t\ncell: {rram: {model: sinh, parameters: [{name: v0, value: 0.3 V}]}, selector: {model: "
        "nmos_level1}}\n"
        "levels: {values: [1 uS, 3 uS, 5 uS, 7 uS]}\narray: {rows: 8, columns: 6, topology: gate_input}\n"
        "wire: {model: node_65nm}\ndac: {bits: 1, read_voltage: 200 mV}\ntia: {model: opamp}\nadc: {bits: 8, "
        "range: full}\n"
        "write:\n  set: {amplitude: [2.1 V], width: [10 ns], gate: [0.6 V]}\n"
        "  reset: {amplitude: [-1.4 V], width: [2 ns], gate: [3 V]}\n  conductances: 5\n";

static void models_and_specifications(void **state)
{
    (void)state;
    FILE *file = fopen(project("data/tiles/default.yaml"), "rb");
    assert_true(file && fread(default_tile, 1, sizeof default_tile - 1, file) > 0);
    fclose(file);
    starve("models", open_models, NULL, 60);
    starve("a tile", open_spec, default_tile, 100000);
    starve("a key", set_key, default_tile, 100000);
    if (open_spec(written_tile) == XBTAB_OK)
        starve("a tile that is written", open_spec, written_tile, 100000);
    static const char *const names[] = {"isaac", "yao_2020"};
    for (size_t k = 0; k < 2; k++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/data/architectures/%s.yaml", XBARTAB_SOURCE_FOLDER, names[k]);
        starve(names[k], open_arch, path, 500);
    }
}

/* ---- populations and fits ---- */

static xbtab_status open_population(void *context)
{
    xbtab_population *p = NULL;
    xbtab_status status = xbtab_population_open(&p, context);
    xbtab_population_destroy(&p);
    return status;
}

static xbtab_status open_calibration(void *context)
{
    xbtab__calibration *c = NULL;
    xbtab_status status = xbtab__calibration_open(&c, context, models);
    if (status == XBTAB_OK) xbtab__calibration_destroy(&c);
    return status;
}

static xbtab_status open_population_spec(void *context)
{
    xbtab__population_spec *p = NULL;
    xbtab_status status = xbtab__population_spec_open(&p, context);
    if (status == XBTAB_OK) xbtab__population_spec_destroy(&p);
    return status;
}

static xbtab_status compile(void *context)
{
    static const char *const names[] = {"V", "g"};
    xbtab__expression *e = NULL;
    xbtab_status status = xbtab__expression_create(&e, context, names, 2);
    xbtab__expression_destroy(&e);
    return status;
}

static void populations_and_fits(void **state)
{
    (void)state;
    static const char *const populations[] = {"hfox_unverified", "ni_rram", "pcm"};
    static const char *const fits[] = {"sinh_each", "pulses", "retention", "stanford"};
    static char formula[] = "g * sinh(V / 0.3) + max(exp(-V), 1e-3)^2";
    char path[1024];
    for (size_t k = 0; k < 3; k++) {
        snprintf(path, sizeof path, "%s/data/populations/%s.yaml", XBARTAB_SOURCE_FOLDER, populations[k]);
        starve(populations[k], open_population, path, 1000);
    }
    for (size_t k = 0; k < 4; k++) {
        snprintf(path, sizeof path, "%s/data/calibration/%s.yaml", XBARTAB_SOURCE_FOLDER, fits[k]);
        starve(fits[k], open_calibration, path, 1000);
    }
    snprintf(path, sizeof path, "%s/data/calibration/population_ni_rram.yaml", XBARTAB_SOURCE_FOLDER);
    starve("population_ni_rram", open_population_spec, path, 1000);
    starve("a formula", compile, formula, 1000);
}

/* ---- data ---- */

static xbtab_status make_model(void *context)
{
    const xbtab_measured_options options = {.is_odd = 1, .is_pooled = 1, .n_pieces = 2};
    xbtab_status status = xbtab_measured_model_write(at("made.yaml"), context, &options, NULL);
    assert_true(status == XBTAB_OK || access(at("made.yaml"), F_OK) != 0);
    return status;
}

static xbtab_status open_images(void *context)
{
    xbtab_images *images = NULL;
    const char *const *path = context;
    xbtab_status status = xbtab_images_open(&images, path[0], path[1], 3);
    xbtab_images_destroy(&images);
    return status;
}

static xbtab_status open_bits(void *context)
{
    xbtab_layer_bits *bits = NULL;
    size_t n = 0;
    xbtab_status status = xbtab_layer_bits_open(&bits, &n, context);
    if (status == XBTAB_OK) free(bits);
    return status;
}

static void measured_data_and_images(void **state)
{
    (void)state;
    static const char curves[] = "V,a,b\n0,0,0\n0.1,1e-6,2e-6\n0.2,2.1e-6,4.4e-6\n0.3,3.3e-6,7e-6\n";
    static const char bits[] =
        "layers:\n  - {name: conv1, weight_bits: 4, activation_bits: 8}\n  - {name: fc, weight_bits: 3}\n";
    char images[1024], labels[1024], npy[256], path[256];
    uint8_t array[128 + 3 * 6 * 4] = "\x93NUMPY\x01";
    put("curves.csv", curves, sizeof curves - 1);
    snprintf(path, sizeof path, "%s", at("curves.csv"));
    starve("a measured model", make_model, path, 1000);
    put("bits.yaml", bits, sizeof bits - 1);
    snprintf(path, sizeof path, "%s", at("bits.yaml"));
    starve("bits of layers", open_bits, path, 1000);
    snprintf(images, sizeof images, "%s/data/digits/test-images.idx.gz", XBARTAB_SOURCE_FOLDER);
    snprintf(labels, sizeof labels, "%s/data/digits/test-labels.idx.gz", XBARTAB_SOURCE_FOLDER);
    starve("idx", open_images, (const char *[]){images, labels}, 1000);
    array[8] = 118;
    memset(array + 10, ' ', 118);
    memcpy(array + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 2, 3), }", 65);
    array[127] = '\n';
    put("a.npy", array, sizeof array);
    snprintf(npy, sizeof npy, "%s", at("a.npy"));
    starve("npy", open_images, (const char *[]){npy, NULL}, 1000);
}

/* ---- tables ---- */

static xbtab_status write_tables(void *context)
{
    char path[256];
    snprintf(path, sizeof path, "%s", at("t.h5"));
    unlink(path);
    xbtab_status status = xbtab_tables_write(context, path);
    assert_true(status == XBTAB_OK || access(path, F_OK) != 0);
    return status;
}

static xbtab_status open_tables(void *context)
{
    xbtab_tables *t = NULL;
    xbtab_status status = xbtab_tables_open(&t, context);
    assert_true(status == XBTAB_OK || !t);
    xbtab_tables_destroy(&t);
    return status;
}

static void tables_in_files(void **state)
{
    (void)state;
    xbtab_tables *t = sinh_tables(
        &(sinh_design){.rows = 3, .columns = 2, .n_levels = 2, .dac_bits = 1, .adc_bits = 4, .V0 = 0.3});
    char path[256];
    complete_tables(t);
    starve("writing tables", write_tables, t, 1000);
    snprintf(path, sizeof path, "%s", at("t.h5"));
    starve("reading tables", open_tables, path, 1000);
    xbtab_tables_destroy(&t);
}

/* ---- netlists ---- */

static xbtab_status write_netlist(void *context)
{
    const xbtab_spec *spec = context;
    char *text = NULL;
    double state[64], voltage[64];
    for (int k = 0; k < 64; k++) {
        state[k] = spec->rram.model->parameters[spec->rram.model->state].value;
        voltage[k] = 0.2;
    }
    xbtab_status status = xbtab_netlist_crossbar(&text, spec, state, voltage, 1);
    xbtab_netlist_free(&text);
    return status;
}

static void netlists(void **state)
{
    (void)state;
    xbtab_spec *spec = NULL;
    assert_int_equal(xbtab_spec_parse(&spec, default_tile, "/tmp/tile.yaml", models), XBTAB_OK);
    assert_int_equal(xbtab_spec_resize(spec, 4, 4), XBTAB_OK);
    starve("a netlist", write_netlist, spec, 1000);
    xbtab_spec_destroy(&spec);
}

/* ---- networks ---- */

static xbtab_status open_network(void *context)
{
    xbtab_network *network = NULL;
    xbtab_status status = xbtab_network_open(&network, context);
    assert_true(status == XBTAB_OK || !network);
    xbtab_network_destroy(&network);
    return status;
}

static void networks(void **state)
{
    (void)state;
    char path[256];
    for (int k = 0; k + 1 < CORPUS_SIZE; k++) { /* the last one cannot be opened */
        static onnx_build b;
        corpus_build(&b, k);
        snprintf(path, sizeof path, "%s", at("n.onnx"));
        build_write(&b, path);
        if (open_network(path) != XBTAB_OK) fail_msg("%d: %s", k, xbtab_error_message());
        starve("a network", open_network, path, 300);
    }
}

static int open_all(void **state)
{
    const char *of = project("devicemodels");
    (void)state;
    if (!mkdtemp(folder)) return -1;
    return xbtab_models_open(&models, &of, 1) == XBTAB_OK ? 0 : -1;
}

static int close_all(void **state)
{
    static const char *const names[] = {"curves.csv", "made.yaml", "made.sub", "bits.yaml",
                                        "a.npy",      "t.h5",      "n.onnx"};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) unlink(at(names[k]));
    xbtab_models_destroy(&models);
    return rmdir(folder); /* nothing half-written is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_and_specifications),
        cmocka_unit_test(populations_and_fits),
        cmocka_unit_test(measured_data_and_images),
        cmocka_unit_test(tables_in_files),
        cmocka_unit_test(netlists),
        cmocka_unit_test(networks),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
