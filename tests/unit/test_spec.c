/* test_spec.c - quantities, and what a specification's file turns into. Its mistakes are
 * tests/cli/errors.sh's. */
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
#include <xbartab/spec.h>

#include "quantity.h"

static void quantities_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *unit;
        double value;
    } good[] = {{"2.5 ohm", "ohm", 2.5},         {"200 mV", "V", 0.2},      {"0.1 nm", "m", 1e-10},
                {" 10kohm ", "ohm", 1e4},        {"-3.5 uA", "A", -3.5e-6}, {"1e-3 S", "S", 1e-3},
                {"2.385e2 mS", "S", 0.2385},     {"5 %", "1", 0.05},        {"7", "1", 7},
                {"270 uA/V^2", "A/V^2", 270e-6}, {"3 m", "m", 3},           {"3 mm", "m", 3e-3},
                {"0.15 um", "m", 1.5e-7}};
    static const struct {
        const char *text, *unit, *words;
    } bad[] = {
        {"2.5", "ohm", "no unit"},      {"2.5 V", "ohm", "wrong unit"}, {"2.5 xohm", "ohm", "wrong unit"},
        {"", "V", "not a number"},      {"ohm", "ohm", "not a number"}, {"inf ohm", "ohm", "not a number"},
        {"nan V", "V", "not a number"}, {"0x10 V", "V", "decimal"},     {"1e999 V", "V", "finite"},
        {"3 V", "1", "bare number"},    {"1,5 V", "V", "wrong unit"}};
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        double value = NAN;
        const char *why = xbtab__quantity_parse(&value, good[k].text, good[k].unit);
        if (why || value != good[k].value)
            fail_msg("\"%s\": %s, %.17g", good[k].text, why ? why : "read", value);
    }
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        double value = 2.385;
        const char *why = xbtab__quantity_parse(&value, bad[k].text, bad[k].unit);
        if (!why || !strstr(why, bad[k].words)) fail_msg("\"%s\": %s", bad[k].text, why ? why : "read");
        assert_true(value == 2.385);
    }
}

static void printed_quantities_read_back(void **state)
{
    (void)state;
    char text[64];
    for (double x = 1.7e-14; x < 1e11; x *= 7.31) {
        double back;
        assert_null(xbtab__quantity_parse(&back, xbtab__quantity_print(text, sizeof text, x, "ohm"), "ohm"));
        assert_true(fabs(back / x - 1) < 1e-5);
    }
    assert_string_equal(xbtab__quantity_print(text, sizeof text, 10e3, "ohm"), "10 kohm");
    assert_string_equal(xbtab__quantity_print(text, sizeof text, 0, "V"), "0 V");
}

static void the_default_tile(void **state)
{
    (void)state;
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    assert_int_equal(xbtab_models_open(&models, &folder, 1), XBTAB_OK);
    if (xbtab_spec_open(&spec, XBARTAB_SOURCE_FOLDER "/data/tiles/default.yaml", models) < 0) {
        fail_msg("%s", xbtab_error_message());
    }
    assert_string_equal(spec->name, "default");
    assert_int_equal(spec->rows, 64);
    assert_int_equal(spec->n_levels, 4);
    assert_true(spec->G_level[0] == 0.5e-6 && spec->G_level[3] == 10e-6);
    assert_true(fabs(spec->G_level[1] - (0.5e-6 + 9.5e-6 / 3)) < 1e-18);
    assert_true(spec->r_word == 1 && spec->r_bit == 1 && spec->r_driver == 20 && spec->r_sink == 10);
    assert_true(spec->v_read == 0.2 && spec->dac_bits == 1 && spec->adc_bits == 8 && spec->seed == 1);
    /* 64 cells of 10 uS at 0.2 V draw 202 steps of a level: 256 steps cover them */
    assert_true(fabs(spec->I_full_scale / (256 * 9.5e-6 / 3 * 0.2) - 1) < 1e-12);
    const xbtab_model *tia = spec->tia.model;
    assert_true(fabs(spec->tia.value[tia->gain] * spec->I_full_scale / tia->gain_output - 1) < 1e-12);
    assert_true(xbtab_spec_dac_voltage(spec, 1) == 0.2 && xbtab_spec_dac_voltage(spec, 0) == 0);
    assert_true(xbtab_models_find(models, XBTAB_MODEL_WIRE, "node_65nm") != NULL);
    assert_null(xbtab_models_find(models, XBTAB_MODEL_RRAM, "node_65nm"));
    /* 128 x 32: the larger column current doubles the range, and halves the gain */
    assert_int_equal(spec->sampling.engine, XBTAB_SAMPLING_SPICE);
    double I = spec->I_full_scale, gain = spec->tia.value[tia->gain];
    assert_int_equal(xbtab_spec_resize(spec, 128, 32), XBTAB_OK);
    assert_true(spec->rows == 128 && spec->columns == 32);
    assert_true(fabs(spec->I_full_scale / (2 * I) - 1) < 1e-12);
    assert_true(fabs(spec->tia.value[tia->gain] / (gain / 2) - 1) < 1e-12);
    assert_int_equal(xbtab_spec_resize(spec, 5000, 32), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "5000 x 32 is outside 1 x 1 to 4096 x 4096"));
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
}

/* Any change of any byte of a specification: an answer, never a crash; and refused ones name the file. */
static void mutated_specifications_are_answered(void **state)
{
    (void)state;
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    char path[] = "/tmp/xbartab-test-XXXXXX", text[4096];
    xbtab_models *models = NULL;
    int fd = mkstemp(path), n_read = 0;
    FILE *file = fopen(XBARTAB_SOURCE_FOLDER "/data/tiles/default.yaml", "rb");
    assert_true(fd >= 0 && file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_int_equal(xbtab_models_open(&models, &folder, 1), XBTAB_OK);
    static const char with[] = {'\0', ' ', ':', '{', '-', '&', '9', '\n', '\xff', '"'};
    for (size_t k = 0; k < n; k++) {
        xbtab_spec *spec = NULL;
        char kept = text[k];
        text[k] = with[(k * 7) % sizeof with];
        assert_int_equal(pwrite(fd, text, n, 0), (ssize_t)n);
        text[k] = kept;
        if (xbtab_spec_open(&spec, path, models) == XBTAB_OK) {
            n_read++;
        } else if (!strstr(xbtab_error_message(), path)) {
            fail_msg("byte %zu: %s", k, xbtab_error_message());
        }
        xbtab_spec_destroy(&spec);
    }
    assert_in_range(n_read, 50, n - 100);
    xbtab_models_destroy(&models);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_read_exactly),
        cmocka_unit_test(printed_quantities_read_back),
        cmocka_unit_test(the_default_tile),
        cmocka_unit_test(mutated_specifications_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
