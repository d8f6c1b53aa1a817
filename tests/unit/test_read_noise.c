/* test_read_noise.c - a cell's read noise is its voltage times a conductance's: on tiles, the deviation of what is
 * read goes with the root mean square of the word lines' drives, for DACs of one bit and of several. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/infer.h>

#include "file_fixture.h"
#include "onnx_build.h"
#include "sinh_tables.h"

enum { INPUTS = 30, OUTPUTS = 9, IMAGES = 3, CHIPS = 200, STEPS = 60 };

static xbtab_status same_sigma(void *context, size_t matrix, size_t tile, const uint8_t *level,
                               const double *G, size_t rows, size_t columns, double *sigma)
{
    (void)matrix, (void)tile, (void)level, (void)G, (void)rows;
    for (size_t j = 0; j < columns; j++) sigma[j] = *(const double *)context;
    return XBTAB_OK;
}

/* One dense layer; the first image is all ones and sets the activations' range. */
static xbtab_network *make_network(void)
{
    static float W[INPUTS * OUTPUTS];
    onnx_build build;
    xbtab_network *network = NULL;
    for (size_t k = 0; k < INPUTS * OUTPUTS; k++) W[k] = (float)((double)((k * 37) % 101) / 50.0 - 1.0);
    build_begin(&build, 2, (int64_t[]){1, INPUTS}, "y");
    build_floats(&build, "w", 2, (int64_t[]){INPUTS, OUTPUTS}, W);
    build_node(&build, "MatMul", "y", "x", "w", NULL);
    build_write(&build, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    return network;
}

/* deviation[IMAGES] of the outputs from the exact integers, over outputs and chips, for inputs of so many bits. */
static void deviations(double *deviation, const float *pixel, int dac_bits, int input_bits,
                       xbtab_inputs inputs)
{
    const sinh_design design = {
        .rows = 37, .columns = 53, .n_levels = 4, .dac_bits = dac_bits, .adc_bits = 8};
    xbtab_tables *tables = sinh_tables(&design);
    xbtab_network *network = make_network();
    xbtab_technology *technology = NULL;
    xbtab_quantized *quantized = NULL;
    const xbtab_images images = {
        .n = IMAGES, .channels = 1, .height = 1, .width = INPUTS, .pixel = (float *)(uintptr_t)pixel};
    const xbtab_quantize_options bits = {.activation_bits = input_bits};
    const xbtab_scheme scheme = {.adc_bits = 20, .inputs = inputs};
    float exact[IMAGES * OUTPUTS], got[IMAGES * OUTPUTS];
    double sigma = STEPS * tables->I_full_scale / 4096;
    if (xbtab_technology_create(&technology, tables) < 0 ||
        xbtab_quantized_create(&quantized, network, &images, &bits) < 0 ||
        xbtab_quantized_run(quantized, &images, IMAGES, NULL, NULL, NULL, exact) < 0)
        fail_msg("%s", xbtab_error_message());
    const xbtab_engine_setup setup = {.technology = technology};
    memset(deviation, 0, IMAGES * sizeof *deviation);
    for (uint64_t seed = 0; seed < CHIPS; seed++) {
        const xbtab_map_options options = {
            .scheme = &scheme, .seed = seed, .read_noise = same_sigma, .context = &sigma};
        xbtab_mapped *mapped = NULL;
        if (xbtab_mapped_create(&mapped, quantized, &setup, &xbtab_engine_ideal, &options) < 0 ||
            xbtab_mapped_run(mapped, &images, IMAGES, NULL, got, NULL) < 0)
            fail_msg("%s", xbtab_error_message());
        for (size_t k = 0; k < IMAGES * OUTPUTS; k++)
            deviation[k / OUTPUTS] += pow((double)got[k] - (double)exact[k], 2) / (CHIPS * OUTPUTS);
        xbtab_mapped_destroy(&mapped);
    }
    for (size_t k = 0; k < IMAGES; k++) deviation[k] = sqrt(deviation[k]);
    xbtab_quantized_destroy(&quantized);
    xbtab_technology_destroy(&technology);
    xbtab_network_destroy(&network);
    xbtab_tables_destroy(&tables);
}

/* By hand, for one conversion of codes c of c_full: sigma sqrt(sum of (c/c_full)^2 over the sum for all ones). */
static void check(int dac_bits, int input_bits, xbtab_inputs inputs, int code, size_t some)
{
    const double full = (1 << input_bits) - 1;
    float pixel[IMAGES * INPUTS] = {0};
    double found[IMAGES], low = code / full;
    for (size_t i = 0; i < INPUTS; i++) {
        pixel[i] = 1;
        pixel[INPUTS + i] = (float)low;
        pixel[2 * INPUTS + i] = i < some ? 1 : i < 2 * some ? (float)low : 0;
    }
    deviations(found, pixel, dac_bits, input_bits, inputs);
    const double all = low, mixed = sqrt((double)some * (1 + low * low) / INPUTS);
    print_message(
        "%d-bit DAC, %d-bit inputs, code %d of %g: %.4f and %.4f of full drive's noise, by hand %.4f, %.4f\n",
        dac_bits, input_bits, code, full, found[1] / found[0], found[2] / found[0], all, mixed);
    assert_true(fabs(found[1] / found[0] / all - 1) < 0.08);
    assert_true(fabs(found[2] / found[0] / mixed - 1) < 0.08);
}

static void noise_goes_with_the_square_of_the_drive(void **state)
{
    (void)state;
    check(1, 1, XBTAB_INPUTS_SERIAL, 1, 6);
    check(3, 3, XBTAB_INPUTS_SERIAL, 1, 6);
    check(3, 3, XBTAB_INPUTS_SERIAL, 4, 10);
    check(8, 8, XBTAB_INPUTS_SERIAL, 32, 3);
}

/* A whole code is one voltage in one conversion, of how many slices it may be made. */
static void noise_of_one_conversion_goes_with_the_whole_code(void **state)
{
    (void)state;
    check(1, 4, XBTAB_INPUTS_AMPLITUDE, 5, 6);
    check(2, 6, XBTAB_INPUTS_AMPLITUDE, 21, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_goes_with_the_square_of_the_drive),
        cmocka_unit_test(noise_of_one_conversion_goes_with_the_whole_code),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
