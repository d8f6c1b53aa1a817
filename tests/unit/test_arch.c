/* test_arch.c - architecture presets: what they say of themselves, and what their reader refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/arch.h>
#include <xbartab/network.h>

#define FOLDER XBARTAB_SOURCE_FOLDER "/data/architectures"

static xbtab_models *models;

static int open_models(void **state)
{
    (void)state;
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    return xbtab_models_open(&models, &folder, 1) < 0;
}

static int close_models(void **state)
{
    (void)state;
    xbtab_models_destroy(&models);
    return 0;
}

static xbtab_arch *preset(const char *name)
{
    char path[4096];
    xbtab_arch *a = NULL;
    snprintf(path, sizeof path, FOLDER "/%s.yaml", name);
    xbtab_status status = xbtab_arch_open(&a, path, models);
    if (status < 0) fail_msg("%s", xbtab_error_message());
    return a;
}

/* Each of a function's calls gets one preset; returns how many there are. */
static int each_preset(void (*fn)(const xbtab_arch *a))
{
    int n = 0;
    DIR *dir = opendir(FOLDER);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char name[256];
        snprintf(name, sizeof name, "%.200s", entry->d_name);
        char *end = strstr(name, ".yaml");
        if (!end) continue;
        *end = '\0';
        xbtab_arch *a = preset(name);
        assert_string_equal(a->name, name);
        fn(a);
        xbtab_arch_destroy(&a);
        n++;
    }
    closedir(dir);
    return n;
}

static unsigned survey_rows; /* one bit a row of Table I seen, [3] is bit 3 */

static void check_preset(const xbtab_arch *a)
{
    assert_true(a->n_numbers >= 10);
    for (int k = 0; k < a->n_numbers; k++) {
        if (!a->number[k].trust)
            fail_msg("%s: nobody says where %s = %s is from", a->name, a->number[k].key, a->number[k].value);
        assert_true(strlen(a->number[k].source) > 0);
    }
    assert_true(a->n_networks >= 1);
    int row = 0;
    if (sscanf(a->survey_ref, "[%d]", &row) == 1) survey_rows |= 1u << row;
}

static void every_number_of_every_preset_has_its_provenance(void **state)
{
    (void)state;
    survey_rows = 0;
    assert_true(each_preset(check_preset) >= 23);
    for (unsigned row = 3; row <= 21; row++) {
        if (!(survey_rows >> row & 1)) fail_msg("no preset of [%u]", row);
    }
    assert_true(survey_rows >> 24 & 1 && survey_rows >> 25 & 1);
}

/* The survey's formula, worked out by hand for the rows of its Table I. */
static void adc_bits_are_the_survey_s_formula(void **state)
{
    static const struct {
        const char *name;
        int needed, used;
    } rows[] = {{"xnor_rram", 7, 3},            /* ceil(log2(1 * 1 * 128)) */
                {"dynamic_quantization", 9, 5}, /* 3 * 128 = 384 */
                {"multi_precision", 10, 6},     /* 3 * 1 * 256 = 768 */
                {"isaac", 9, 8},
                {"puma", 9, 8},
                {"tiled_65nm", 12, 8}, /* 15 * 256 = 3840 */
                {"xnor_90nm", 7, 3},
                {"sinwp_55nm", 4, 4}, /* 9 */
                {"survey_default", 9, 9}};
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        xbtab_arch *a = preset(rows[k].name);
        assert_int_equal(xbtab_arch_adc_bits_needed(a), rows[k].needed);
        assert_int_equal(xbtab_arch_adc_bits(a), rows[k].used);
        xbtab_arch_destroy(&a);
    }
}

static size_t weights_of(const char *name)
{
    char path[4096];
    size_t n = 0;
    xbtab_network *network = NULL;
    snprintf(path, sizeof path, XBARTAB_SOURCE_FOLDER "/data/networks/%s.onnx", name);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    for (size_t k = 0; k < xbtab_network_nodes(network); k++) {
        xbtab_network_node node;
        assert_int_equal(xbtab_network_node_get(network, k, &node), XBTAB_OK);
        n += node.groups * node.inputs * node.outputs;
    }
    xbtab_network_destroy(&network);
    return n;
}

static void published_counts_of_devices_are_exact(void **state)
{
    (void)state;
    assert_int_equal(2 * weights_of("mlp_784_100_10_ternary"),
                     158800);                               /* [21]: 158.8 kb, two cells a weight */
    assert_int_equal(2 * weights_of("mlp_64_54_10"), 7992); /* [16]: differential pairs */
    assert_int_equal(weights_of("cnn_8x8"), 1015);          /* [17] */
}

static void layers_have_bits_of_their_own(void **state)
{
    static const xbtab_layer_bits own[] = {{.layer = 0, .weight_bits = 4, .activation_bits = 3},
                                           {.layer = 2, .weight_bits = 3}};
    static const xbtab_layer_bits none_such = {.layer = 5, .weight_bits = 4},
                                  too_many = {.layer = 1, .weight_bits = 17};
    xbtab_network *network = NULL;
    xbtab_images *images = NULL;
    xbtab_quantized *q = NULL;
    xbtab_quantize_options options = {.layer_bits = own, .n_layer_bits = 2, .n_images = 5};
    (void)state;
    assert_int_equal(xbtab_network_open(&network, XBARTAB_SOURCE_FOLDER "/data/networks/lenet5.onnx"),
                     XBTAB_OK);
    assert_int_equal(
        xbtab_images_open(&images, XBARTAB_SOURCE_FOLDER "/data/digits/test-images.idx.gz", NULL, 5),
        XBTAB_OK);
    assert_int_equal(xbtab_quantized_create(&q, network, images, &options), XBTAB_OK);
    static const int weight_bits[] = {4, 8, 3, 8, 8}, activation_bits[] = {3, 8, 8, 8, 8};
    assert_int_equal(xbtab_quantized_matrices(q), 5);
    for (size_t m = 0; m < 5; m++) {
        const xbtab_matrix *matrix = xbtab_quantized_matrix(q, m);
        int largest = 0;
        for (size_t k = 0; k < matrix->inputs * matrix->outputs; k++)
            largest = abs(matrix->W[k]) > largest ? abs(matrix->W[k]) : largest;
        assert_int_equal(matrix->weight_bits, weight_bits[m]);
        assert_int_equal(matrix->activation_bits, activation_bits[m]);
        assert_int_equal(largest, (1 << (weight_bits[m] - 1)) - 1);
    }
    xbtab_quantized_destroy(&q);
    options.n_layer_bits = 1;
    options.layer_bits = &none_such;
    assert_int_equal(xbtab_quantized_create(&q, network, images, &options), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "bits for layer 5; it has layers 0 to 4"));
    options.layer_bits = &too_many;
    assert_int_equal(xbtab_quantized_create(&q, network, images, &options), XBTAB_ERR_INPUT);
    xbtab_images_destroy(&images);
    xbtab_network_destroy(&network);
}

/* ---- what is refused ---- */

static const char good[] = "name: tried\n"
                           "summary: a test\n"
                           "survey_ref: \"-\"\n"
                           "tile:\n"
                           "  name: small\n"
                           "  cell: {rram: {model: resistor}}\n"
                           "  levels: {count: 4, g_min: 1 uS, g_max: 10 uS}\n"
                           "  array: {rows: 37, columns: 53}\n"
                           "  wire: {word: 1 ohm, bit: 1 ohm}\n"
                           "  dac: {read_voltage: 200 mV}\n"
                           "  tia: {model: ideal}\n"
                           "  adc: {bits: 7}\n"
                           "scheme: {weights: differential_columns}\n"
                           "quantization: {weight_bits: 6}\n";

/* The good text with one place changed is refused with words in its message. */
static void is_refused(const char *key, const char *value, const char *words)
{
    char *text = NULL;
    xbtab_arch *a = NULL;
    assert_int_equal(xbtab_config_set(&text, good, "good.yaml", key, value), XBTAB_OK);
    assert_int_equal(xbtab_arch_parse(&a, text, "bad.yaml", models), XBTAB_ERR_INPUT);
    assert_null(a);
    if (!strstr(xbtab_error_message(), words)) fail_msg("\"%s\" is not in: %s", words, xbtab_error_message());
    free(text);
}

static void mistakes_are_named_with_what_is_allowed(void **state)
{
    xbtab_arch *a = NULL;
    (void)state;
    assert_int_equal(xbtab_arch_parse(&a, good, "good.yaml", models), XBTAB_OK);
    assert_int_equal(a->spec->rows, 37);
    assert_int_equal(a->weight_bits, 6);
    xbtab_arch_destroy(&a);
    is_refused("tile.adc.bits", "13", "bad.yaml:24: adc.bits: 13 is outside 1 to 12");
    is_refused("tile.adc.bitz", "8", "allowed here: bits, range");
    is_refused("tile.dac.read_voltage", "0.2 A", "has the wrong unit");
    is_refused("scheme.weights", "differential", "is not one of: differential_columns, ");
    is_refused("scheme.cell_bits", "4", "4 bits a cell need 16 levels, and the tile has 4");
    is_refused("scheme.rows_active", "64", "64 rows at once are more than the tile's 37");
    is_refused("scheme.weights", "xnor_pair", "xnor_pair holds one bit, and the weights have 6 bits");
    is_refused("scheme.noise_sigma", "-1", "outside 0 to");
    is_refused("quantization.weight_bits", "17", "17 is outside 1 to 16");
    is_refused("quantization.activation_range", "extremes", "is not one of: minmax, percentile, mse");
    is_refused("provenance", "[{key: tile.array.rows, value: 128, trust: published, source: x}]",
               "tile.array.rows is 37 in this file, not 128");
    is_refused("provenance", "[{key: tile.array.lines, value: 1, trust: published, source: x}]",
               "no number at tile.array.lines");
    is_refused("provenance", "[{key: tile.array.rows, value: 37, trust: sure, source: x}]",
               "is not one of: published, derived, recalled, assumed");
    is_refused("networks", "[{network: a.onnx, images: b, measure: beauty}]", "accuracy, agreement");
    is_refused("tile.cell.selector", "{model: ots}", "never turns ots on");
}

static int notes;

static void count_note(const char *line, void *payload)
{
    assert_non_null(strstr(line, payload));
    notes++;
}

static void an_adc_out_of_reach_is_told_with_its_numbers(void **state)
{
    char *text = NULL;
    xbtab_arch *a = NULL;
    (void)state;
    notes = 0;
    assert_int_equal(xbtab_config_set(&text, good, "g", "tile.adc.bits", "5"), XBTAB_OK);
    assert_int_equal(xbtab_arch_parse(&a, text, "g", models), XBTAB_OK);
    char words[] = "1 input bits x 2 cell bits x 37 rows need 7 ADC bits"; /* 3 * 37 = 111 */
    assert_int_equal(xbtab_arch_warn(a, count_note, words), 1);
    assert_int_equal(notes, 1);
    xbtab_arch_destroy(&a);
    free(text);
}

static void equal_tiles_have_equal_texts(void **state)
{
    xbtab_arch *a = NULL, *b = NULL;
    char *text = NULL;
    (void)state;
    assert_int_equal(xbtab_config_set(&text, good, "g", "name", "another"), XBTAB_OK);
    assert_int_equal(xbtab_arch_parse(&a, good, "g", models), XBTAB_OK);
    assert_int_equal(xbtab_arch_parse(&b, text, "g", models), XBTAB_OK);
    assert_string_equal(a->spec->text, b->spec->text);
    free(text);
    xbtab_arch_destroy(&b);
    assert_int_equal(xbtab_config_set(&text, good, "g", "tile.wire.bit", "2 ohm"), XBTAB_OK);
    assert_int_equal(xbtab_arch_parse(&b, text, "g", models), XBTAB_OK);
    assert_string_not_equal(a->spec->text, b->spec->text);
    free(text);
    xbtab_arch_destroy(&a);
    xbtab_arch_destroy(&b);
}

static void config_set_changes_one_place(void **state)
{
    static const struct {
        const char *key, *value, *text;
    } cases[] = {{"a.b", "3", "a:\n  b: 3\n  c:\n  - 1\n  - 2\n"},
                 {"a.c[1]", "{x: y}", "a:\n  b: 1\n  c:\n  - 1\n  - x: y\n"},
                 {"d.e", "7", "a:\n  b: 1\n  c:\n  - 1\n  - 2\nd:\n  e: 7\n"}};
    char *out = NULL;
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        assert_int_equal(
            xbtab_config_set(&out, "a: {b: 1, c: [1, 2]} # why\n", "t", cases[k].key, cases[k].value),
            XBTAB_OK);
        assert_string_equal(out, cases[k].text);
        free(out);
    }
    assert_int_equal(xbtab_config_set(&out, "a: {b: 1}", "t", "a.b.c", "1"), XBTAB_ERR_INPUT);
    assert_int_equal(xbtab_config_set(&out, "a: {b: 1}", "t", "a.b", "{"), XBTAB_ERR_INPUT);
    assert_int_equal(xbtab_config_set(&out, "a: &x [*x]", "t", "b", "1"), XBTAB_ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_every_preset_has_its_provenance),
        cmocka_unit_test(adc_bits_are_the_survey_s_formula),
        cmocka_unit_test(published_counts_of_devices_are_exact),
        cmocka_unit_test(layers_have_bits_of_their_own),
        cmocka_unit_test(mistakes_are_named_with_what_is_allowed),
        cmocka_unit_test(an_adc_out_of_reach_is_told_with_its_numbers),
        cmocka_unit_test(equal_tiles_have_equal_texts),
        cmocka_unit_test(config_set_changes_one_place),
    };
    return cmocka_run_group_tests(tests, open_models, close_models);
}
