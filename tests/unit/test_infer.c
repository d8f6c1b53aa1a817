/* test_infer.c - a network on ideal tiles with a wide ADC is the exact integer network, for every mapping. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/infer.h>

#include "file_fixture.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { IMAGES = 7, SIDE = 9, CHANNELS = 3, OUTPUTS = 11 };

typedef struct fixture {
    float x[IMAGES * CHANNELS * SIDE * SIDE];
    float W1[14 * CHANNELS * 9], b1[14], W2[OUTPUTS * 14 * 16];
    xbtab_images images;
    xbtab_network *network;
} fixture;

/* A convolution of 27 inputs and a dense layer of 224, both split over tiles; signed images, so that zero is
 * a code. */
static void prepare(fixture *f)
{
    onnx_build b;
    xbtab__random random;
    xbtab__random_init(&random, 9, XBTAB__RANDOM_TEST, 0, 0);
    float *all[] = {f->x, f->W1, f->b1, f->W2};
    size_t n[] = {sizeof f->x, sizeof f->W1, sizeof f->b1, sizeof f->W2};
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < n[k] / sizeof(float); i++)
            all[k][i] = (float)(2 * xbtab__random_uniform(&random) - 1);
    }
    build_begin(&b, 4, (int64_t[]){1, CHANNELS, SIDE, SIDE}, "y");
    build_floats(&b, "W1", 4, (int64_t[]){14, CHANNELS, 3, 3}, f->W1);
    build_floats(&b, "b1", 1, (int64_t[]){14}, f->b1);
    build_floats(&b, "W2", 2, (int64_t[]){14 * 16, OUTPUTS}, f->W2);
    build_node(&b, "Conv", "c", "x", "W1", "b1");
    build_attribute(&b, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
    build_node(&b, "Relu", "r", "c", NULL, NULL);
    build_node(&b, "Flatten", "f", "r", NULL, NULL);
    build_node(&b, "MatMul", "y", "f", "W2", NULL);
    build_write(&b, path);
    f->images =
        (xbtab_images){.n = IMAGES, .channels = CHANNELS, .height = SIDE, .width = SIDE, .pixel = f->x};
    f->network = NULL;
    if (xbtab_network_open(&f->network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(f->network), OUTPUTS);
}

static void every_mapping_gives_the_exact_integers(void **state)
{
    (void)state;
    static const struct {
        size_t rows, columns, n_levels;
        int dac_bits, weight_bits, activation_bits;
    } cases[] = {{64, 64, 4, 1, 8, 8}, {17, 23, 2, 1, 5, 6}, {31, 14, 4, 2, 8, 7},   {200, 90, 16, 4, 8, 8},
                 {13, 8, 8, 1, 3, 4},  {64, 64, 5, 1, 8, 8}, {50, 128, 16, 2, 2, 10}};
    fixture f;
    prepare(&f);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        sinh_design d = {.rows = cases[k].rows,
                         .columns = cases[k].columns,
                         .n_levels = cases[k].n_levels,
                         .dac_bits = cases[k].dac_bits,
                         .adc_bits = 8,
                         .V0 = 0.43};
        xbtab_tables *tables = sinh_tables(&d);
        xbtab_technology *technology = NULL;
        xbtab_quantized *quantized = NULL;
        xbtab_quantize_options bits = {.weight_bits = cases[k].weight_bits,
                                       .activation_bits = cases[k].activation_bits};
        float exact[IMAGES * OUTPUTS], mapped_out[IMAGES * OUTPUTS];
        assert_int_equal(xbtab_technology_create(&technology, tables), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&quantized, f.network, &f.images, &bits), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(quantized, &f.images, IMAGES, NULL, NULL, NULL, exact),
                         XBTAB_OK);
        xbtab_engine_setup setup = {.technology = technology, .adc_bits = 20};
        for (int threads = 1; threads <= 3; threads++) {
            xbtab_map_options options = {.run = {.threads = threads}};
            xbtab_mapped *mapped = NULL;
            xbtab_mapped_report report;
            if (xbtab_mapped_create(&mapped, quantized, &setup, &xbtab_engine_ideal, &options) < 0) {
                fail_msg("case %zu: %s", k, xbtab_error_message());
            }
            xbtab_mapped_get_report(mapped, &report);
            assert_true(report.tiles >= 2 && report.utilisation > 0 && report.utilisation <= 1);
            assert_int_equal(xbtab_mapped_run(mapped, &f.images, IMAGES, &options.run, mapped_out, NULL),
                             XBTAB_OK);
            assert_memory_equal(mapped_out, exact, sizeof exact);
            xbtab_mapped_destroy(&mapped);
        }
        xbtab_quantized_destroy(&quantized);
        xbtab_technology_destroy(&technology);
        xbtab_tables_destroy(&tables);
    }
    xbtab_network_destroy(&f.network);
}

/* The integers follow the float network: what is lost is quantization, and less of it with more bits. */
static void more_bits_come_closer_to_float(void **state)
{
    (void)state;
    fixture f;
    float wanted[IMAGES * OUTPUTS], got[IMAGES * OUTPUTS];
    double before = INFINITY;
    prepare(&f);
    assert_int_equal(xbtab_network_run(f.network, &f.images, IMAGES, NULL, wanted), XBTAB_OK);
    for (int bits = 3; bits <= 8; bits++) {
        xbtab_quantize_options options = {.weight_bits = bits, .activation_bits = bits};
        xbtab_quantized *quantized = NULL;
        double squares = 0, scale = 0;
        assert_int_equal(xbtab_quantized_create(&quantized, f.network, &f.images, &options), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(quantized, &f.images, IMAGES, NULL, NULL, NULL, got), XBTAB_OK);
        for (int k = 0; k < IMAGES * OUTPUTS; k++) {
            squares += pow((double)got[k] - (double)wanted[k], 2);
            scale += pow((double)wanted[k], 2);
        }
        double error = sqrt(squares / scale);
        assert_true(error < 0.75 * before);
        before = error;
        xbtab_quantized_destroy(&quantized);
    }
    assert_true(before < 0.01);
    xbtab_network_destroy(&f.network);
}

/* The check finds what the table engine gets wrong: a transfer correction that is off by 1 %. */
static void the_check_measures_the_tables_error(void **state)
{
    (void)state;
    fixture f;
    sinh_design d = {.rows = 40, .columns = 48, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 40.0};
    prepare(&f);
    xbtab_tables *tables = sinh_tables(&d);
    xbtab_technology *technology = NULL;
    xbtab_quantized *quantized = NULL;
    xbtab_mapped *mapped = NULL;
    xbtab_check_report good, bad;
    for (int off = 0; off < 2; off++) { /* linear cells: without T the effective matrix is exact */
        tables->transfer.coefficient[0] = off ? 1.01 : 1.0;
        tables->transfer.coefficient[1] = tables->transfer.coefficient[2] = 0;
        assert_int_equal(xbtab_technology_create(&technology, tables), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&quantized, f.network, &f.images, NULL), XBTAB_OK);
        xbtab_engine_setup setup = {.technology = technology, .refine = -1};
        assert_int_equal(xbtab_mapped_create(&mapped, quantized, &setup, &xbtab_engine_table, NULL),
                         XBTAB_OK);
        if (xbtab_mapped_check(mapped, &f.images, 25, 4, NULL, NULL, off ? &bad : &good) < 0) {
            fail_msg("%s", xbtab_error_message());
        }
        xbtab_mapped_destroy(&mapped);
        xbtab_quantized_destroy(&quantized);
        xbtab_technology_destroy(&technology);
    }
    assert_int_equal(good.samples, 25);
    assert_true(good.rmse < 1e-6 && good.max < 1e-5);
    assert_true(bad.rmse > 1e-4 && bad.rmse < 0.01 && bad.max <= 0.0101);
    assert_true(bad.codes_differ > good.codes_differ);
    xbtab_tables_destroy(&tables);
    xbtab_network_destroy(&f.network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mapping_gives_the_exact_integers),
        cmocka_unit_test(more_bits_come_closer_to_float),
        cmocka_unit_test(the_check_measures_the_tables_error),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
