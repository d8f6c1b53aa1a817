/* test_sums.c - sums of integers that pass 31 bits, and means of integers with a zero. Expected codes by
 * hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_build.h"

enum {
    INPUTS = 70001,
    OUTPUTS = 3,
    SIDE = 5,
    UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
    INT8 = ONNX__TENSOR_PROTO__DATA_TYPE__INT8
};

static xbtab_quantized *quantized_of(const onnx_build *b, const xbtab_images *images, xbtab_network **network)
{
    xbtab_quantized *q = NULL;
    build_write(b, path);
    if (xbtab_network_open(network, path) < 0) fail_msg("%s", xbtab_error_message());
    if (xbtab_quantized_create(&q, *network, images, &(xbtab_quantize_options){.n_images = 1}) < 0)
        fail_msg("%s", xbtab_error_message());
    return q;
}

/* 70,001 products of 255 and +-127 are 2.27e9: past what 32 bits hold. The output's step is 2^24 of them. */
static void sums_past_31_bits(void **state)
{
    (void)state;
    static float scale[1] = {1}, step[1] = {16777216};
    static int32_t none[1] = {0}, zero[1] = {128};
    int32_t *W = malloc(INPUTS * OUTPUTS * sizeof *W);
    float *x = malloc(INPUTS * sizeof *x), y[OUTPUTS];
    onnx_build b;
    assert_true(W && x);
    for (int k = 0; k < INPUTS * OUTPUTS; k++) /* all of one sign; of the other; half and half */
        W[k] = k % OUTPUTS == 0 ? 127 : k % OUTPUTS == 1 ? -127 : k / OUTPUTS % 2 ? -127 : 127;
    for (int k = 0; k < INPUTS; k++) x[k] = 255;
    const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = INPUTS, .pixel = x};
    build_begin(&b, 2, (int64_t[]){1, INPUTS}, "y");
    build_floats(&b, "s", 1, (int64_t[]){1}, scale);
    build_floats(&b, "t", 1, (int64_t[]){1}, step);
    build_ints(&b, "z", UINT8, 1, (int64_t[]){1}, none);
    build_ints(&b, "wz", INT8, 1, (int64_t[]){1}, none);
    build_ints(&b, "yz", UINT8, 1, (int64_t[]){1}, zero);
    build_ints(&b, "W", INT8, 2, (int64_t[]){INPUTS, OUTPUTS}, W);
    build_node(&b, "QuantizeLinear", "q", "x", "s", "z");
    build_node(&b, "QLinearMatMul", "y", "q", "s", "z");
    const char *const more[] = {"W", "s", "wz", "t", "yz"};
    for (int k = 0; k < 5; k++) build_input(&b, more[k]);
    xbtab_network *network = NULL;
    xbtab_quantized *q = quantized_of(&b, &images, &network);
    assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y), XBTAB_OK);
    /* 70001 x 255 x 127 / 2^24 = 135.12, and 255 x 127 / 2^24 = 0.002 */
    assert_true(y[0] == 255 && y[1] == 0 && y[2] == 128);
    const xbtab_matrix *m = xbtab_quantized_matrix(q, 0);
    uint16_t *code = malloc(INPUTS * sizeof *code);
    int64_t sum[OUTPUTS];
    assert_non_null(code);
    for (int k = 0; k < INPUTS; k++) code[k] = 255;
    xbtab_matrix_product(m, 1, code, sum);
    assert_int_equal(sum[0], 2266982385);
    assert_int_equal(sum[1], -2266982385);
    assert_int_equal(sum[2], 32385);
    free(code);
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
    free(W);
    free(x);
}

/* Means of bytes whose zero is 10: padded places count as real zeros, or not at all. */
static void means_with_a_zero(void **state)
{
    (void)state;
    static float x[SIDE * SIDE], x_step[1] = {0.5f}, y_step[1] = {0.25f};
    static int32_t x_zero[1] = {10}, y_zero[1] = {3};
    for (int k = 0; k < SIDE * SIDE; k++) x[k] = 0.5f * (float)((k * 13) % 37 - 9);
    const xbtab_images images = {.n = 1, .channels = 1, .height = SIDE, .width = SIDE, .pixel = x};
    for (int counts = 0; counts < 2; counts++) {
        onnx_build b;
        float y[36], in_float[36];
        build_begin(&b, 4, (int64_t[]){1, 1, SIDE, SIDE}, "y");
        build_floats(&b, "s", 1, (int64_t[]){1}, x_step);
        build_ints(&b, "z", UINT8, 1, (int64_t[]){1}, x_zero);
        build_floats(&b, "t", 1, (int64_t[]){1}, y_step);
        build_ints(&b, "yz", UINT8, 1, (int64_t[]){1}, y_zero);
        build_node(&b, "QuantizeLinear", "q", "x", "s", "z");
        build_node(&b, "QLinearAveragePool", "y", "q", "s", "z");
        build_input(&b, "t");
        build_input(&b, "yz");
        build_attribute(&b, "kernel_shape", 2, (int64_t[]){2, 2}, 0, NULL);
        build_attribute(&b, "pads", 4, (int64_t[]){1, 1, 1, 1}, 0, NULL);
        build_attribute(&b, "count_include_pad", 0, (int64_t[]){counts}, 0, NULL);
        xbtab_network *network = NULL;
        xbtab_quantized *q = quantized_of(&b, &images, &network);
        assert_int_equal(xbtab_quantized_outputs(q), 36);
        assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, in_float), XBTAB_OK);
        for (int at = 0; at < 36; at++) {
            int sum = 0, count = 0;
            for (int t = 0; t < 4; t++) {
                int i = at / 6 - 1 + t / 2, j = at % 6 - 1 + t % 2;
                bool inside = i >= 0 && i < SIDE && j >= 0 && j < SIDE;
                int code = inside ? (int)rintf(x[i * SIDE + j] / 0.5f) + 10 : 10;
                sum += (code < 0 ? 0 : code) - 10;
                count += inside || counts;
            }
            double code = fmin(fmax(rint((double)sum / count * 2) + 3, 0), 255);
            assert_true((double)y[at] == code && (double)in_float[at] == code);
        }
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_past_31_bits),
        cmocka_unit_test(means_with_a_zero),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
