/* test_qlinear.c - layers with integers, scales and zeros of their own, against plain integer arithmetic:
 * channels that come last, Gemm's alpha, and Gemm's alpha on dequantized and on whole weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_build.h"

enum { UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, INT8 = ONNX__TENSOR_PROTO__DATA_TYPE__INT8 };
enum { INT32 = ONNX__TENSOR_PROTO__DATA_TYPE__INT32 };

static float x_scale[1] = {0.25f}, y_scale[1] = {0.5f};
static int32_t x_zero[1] = {7}, y_zero[1] = {100};

/* Both runs of the network on one image give the numbers wanted, exactly. */
static void gives(const onnx_build *b, float *pixel, size_t n_pixels, const float *wanted, size_t n)
{
    const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = n_pixels, .pixel = pixel};
    xbtab_network *network = NULL;
    xbtab_quantized *q = NULL;
    float y[2][256];
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(network), n);
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y[0]), XBTAB_OK);
    if (xbtab_quantized_create(&q, network, &images, NULL) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y[1]), XBTAB_OK);
    for (size_t k = 0; k < 2 * n; k++) {
        if (y[k / n][k % n] != wanted[k % n])
            fail_msg("run %zu, output %zu: %g instead of %g", k / n, k % n, (double)y[k / n][k % n],
                     (double)wanted[k % n]);
    }
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
}

/* Numbers whose integers are q. */
static void fill_pixels(float *pixel, int32_t *q, int n)
{
    for (int k = 0; k < n; k++) {
        q[k] = (k * 37 + 11) % 128;
        pixel[k] = 0.25f * (float)(q[k] - x_zero[0]);
    }
}

static float requantized(double sum)
{
    double q = rint(sum / 0.5) + y_zero[0];
    return 0.5f * (float)((q < 0 ? 0 : q > 255 ? 255 : q) - y_zero[0]);
}

/* ---- channels that come last ---- */

enum { ROWS = 4, COLUMNS = 5, CHANNELS = 2, N = ROWS * COLUMNS * CHANNELS, OUT = 3, SIDE = 2 };

static void begin_image(onnx_build *b, const char *output)
{
    static int64_t image[] = {1, ROWS, COLUMNS, CHANNELS};
    build_begin(b, 2, (int64_t[]){1, N}, output);
    build_floats(b, "xs", 1, (int64_t[]){1}, x_scale);
    build_floats(b, "ys", 1, (int64_t[]){1}, y_scale);
    build_ints(b, "xz", UINT8, 1, (int64_t[]){1}, x_zero);
    build_ints(b, "yz", UINT8, 1, (int64_t[]){1}, y_zero);
    build_longs(b, "image", 4, image);
    build_node(b, "Reshape", "r", "x", "image", NULL);
    build_node(b, "QuantizeLinear", "q", "r", "xs", "xz");
}

static void end_image(onnx_build *b)
{
    build_input(b, "ys");
    build_input(b, "yz");
    build_attribute(b, "channels_last", 0, (int64_t[]){1}, 0, NULL);
    build_node(b, "DequantizeLinear", "d", "c", "ys", "yz");
    build_node(b, "Flatten", "y", "d", NULL, NULL);
}

static int32_t at(const int32_t *q, int row, int column, int channel)
{
    return q[(row * COLUMNS + column) * CHANNELS + channel] - x_zero[0];
}

static void convolutions_take_channels_last(void **state)
{
    (void)state;
    enum { OUT_ROWS = ROWS - SIDE + 1, OUT_COLUMNS = COLUMNS - SIDE + 1 };
    static float w_scale[OUT] = {0.125f, 0.25f, 0.0625f}, pixel[N], wanted[OUT_ROWS * OUT_COLUMNS * OUT];
    static int32_t w_zero[OUT], W[OUT * CHANNELS * SIDE * SIDE], bias[OUT] = {40, -90, 300}, q[N];
    onnx_build b;
    fill_pixels(pixel, q, N);
    for (int k = 0; k < OUT * CHANNELS * SIDE * SIDE; k++) W[k] = k * 5 % 13 - 6;
    begin_image(&b, "y");
    build_floats(&b, "ws", 1, (int64_t[]){OUT}, w_scale);
    build_ints(&b, "wz", INT8, 1, (int64_t[]){OUT}, w_zero);
    build_ints(&b, "W", INT8, 4, (int64_t[]){OUT, CHANNELS, SIDE, SIDE}, W);
    build_ints(&b, "bias", INT32, 1, (int64_t[]){OUT}, bias);
    build_node(&b, "QLinearConv", "c", "q", "xs", "xz");
    build_input(&b, "W");
    build_input(&b, "ws");
    build_input(&b, "wz");
    end_image(&b);
    b.input[2][b.node[2].n_input++] = build_text("bias");
    for (int k = 0; k < OUT_ROWS * OUT_COLUMNS * OUT; k++) {
        int o = k % OUT, column = k / OUT % OUT_COLUMNS, row = k / OUT / OUT_COLUMNS;
        int32_t sum = bias[o];
        for (int c = 0; c < CHANNELS; c++) {
            for (int i = 0; i < SIDE * SIDE; i++)
                sum += W[(o * CHANNELS + c) * SIDE * SIDE + i] * at(q, row + i / SIDE, column + i % SIDE, c);
        }
        wanted[k] = requantized((double)sum * 0.25 * (double)w_scale[o]);
    }
    gives(&b, pixel, N, wanted, OUT_ROWS * OUT_COLUMNS * OUT);
}

static void pools_take_channels_last(void **state)
{
    (void)state;
    enum { OUT_ROWS = ROWS / SIDE, OUT_COLUMNS = COLUMNS / SIDE };
    static float pixel[N], wanted[OUT_ROWS * OUT_COLUMNS * CHANNELS];
    static int32_t q[N];
    fill_pixels(pixel, q, N);
    for (int is_global = 0; is_global < 2; is_global++) {
        onnx_build b;
        int rows = is_global ? 1 : OUT_ROWS, columns = is_global ? 1 : OUT_COLUMNS;
        int height = is_global ? ROWS : SIDE, width = is_global ? COLUMNS : SIDE;
        begin_image(&b, "y");
        build_node(&b, is_global ? "QLinearGlobalAveragePool" : "QLinearAveragePool", "c", "q", "xs", "xz");
        if (!is_global) {
            build_attribute(&b, "kernel_shape", 2, (int64_t[]){SIDE, SIDE}, 0, NULL);
            build_attribute(&b, "strides", 2, (int64_t[]){SIDE, SIDE}, 0, NULL);
        }
        end_image(&b);
        for (int k = 0; k < rows * columns * CHANNELS; k++) {
            int c = k % CHANNELS, column = k / CHANNELS % columns, row = k / CHANNELS / columns;
            int32_t sum = 0;
            for (int i = 0; i < height * width; i++)
                sum += at(q, row * SIDE + i / width, column * SIDE + i % width, c);
            wanted[k] = requantized(0.25 * sum / (height * width));
        }
        gives(&b, pixel, N, wanted, (size_t)(rows * columns * CHANNELS));
    }
}

/* ---- Gemm's alpha ---- */

enum { IN = 6 };

/* With every alpha, side and output: (A - a_zero) (B - b_zero) + C in steps of alpha and both scales. */
static void alpha_is_a_factor_of_integers(void **state)
{
    (void)state;
    static const float alphas[] = {1, 0.5f, -2, 0.375f, 0};
    static float pixel[IN], w_scale[OUT] = {0.125f, 0.25f, 0.0625f};
    static int32_t q[IN], W[OUT * IN], turned[OUT * IN], w_zero[OUT] = {3, 0, -2}, bias[OUT] = {40, -90, 300};
    fill_pixels(pixel, q, IN);
    for (int k = 0; k < OUT * IN; k++) {
        W[k] = k * 5 % 13 - 6; /* W[OUT][IN] */
        turned[k % IN * OUT + k / IN] = W[k];
    }
    for (int way = 0; way < 40; way++) {
        onnx_build b;
        float alpha = alphas[way >> 3], wanted[OUT];
        bool turns_a = way & 1, turns_b = way >> 1 & 1, is_real = way >> 2 & 1;
        build_begin(&b, 2, (int64_t[]){1, IN}, "y");
        build_floats(&b, "xs", 1, (int64_t[]){1}, x_scale);
        build_floats(&b, "ws", 1, (int64_t[]){OUT}, w_scale);
        build_floats(&b, "ys", 1, (int64_t[]){1}, y_scale);
        build_ints(&b, "xz", UINT8, 1, (int64_t[]){1}, x_zero);
        build_ints(&b, "wz", INT8, 1, (int64_t[]){OUT}, w_zero);
        build_ints(&b, "yz", UINT8, 1, (int64_t[]){1}, y_zero);
        build_ints(&b, "W", INT8, 2, turns_b ? (int64_t[]){OUT, IN} : (int64_t[]){IN, OUT},
                   turns_b ? W : turned);
        build_ints(&b, "bias", INT32, 1, (int64_t[]){OUT}, bias);
        build_node(&b, "QuantizeLinear", "q", "x", "xs", "xz");
        if (turns_a) build_node(&b, "Transpose", "t", "q", NULL, NULL);
        build_node(&b, "QGemm", is_real ? "y" : "c", turns_a ? "t" : "q", "xs", "xz");
        const char *const rest[] = {"W", "ws", "wz", "bias", "ys", "yz"};
        for (int k = 0; k < (is_real ? 4 : 6); k++) build_input(&b, rest[k]);
        build_attribute(&b, "alpha", 0, NULL, alpha, NULL);
        build_attribute(&b, "transA", 0, (int64_t[]){turns_a}, 0, NULL);
        build_attribute(&b, "transB", 0, (int64_t[]){turns_b}, 0, NULL);
        if (!is_real) build_node(&b, "DequantizeLinear", "y", "c", "ys", "yz");
        for (int o = 0; o < OUT; o++) {
            int32_t sum = bias[o];
            for (int k = 0; k < IN; k++) sum += (W[o * IN + k] - w_zero[o]) * (q[k] - x_zero[0]);
            double real = (double)alpha * sum * 0.25 * (double)w_scale[o];
            wanted[o] = is_real ? (float)real : requantized(real);
        }
        gives(&b, pixel, IN, wanted, OUT);
    }
}

/* Real Gemm on the file's own integers: dequantized weights, and whole ones behind thresholds as FINN has
 * them. The matrix holds those integers, whatever alpha is; all numbers here are exact. */
static void alpha_leaves_weights_integers(void **state)
{
    (void)state;
    static const float alphas[] = {0.5f, -2, 0.375f, 3, 0};
    static float pixel[IN], w_scale[OUT] = {0.125f, 0.25f, 0.0625f}, whole[OUT * IN],
                            C[OUT] = {1.5f, -2, 0.25f};
    static float thresholds[3] = {-1, 3, 9}, step[1] = {1};
    static int32_t q[IN], W[OUT * IN], w_zero[OUT], none[1];
    fill_pixels(pixel, q, IN);
    for (int k = 0; k < OUT * IN; k++) whole[k] = (float)(W[k] = k * 5 % 13 - 6); /* W[OUT][IN] */
    for (int way = 0; way < 10; way++) {
        onnx_build b;
        xbtab_network *network = NULL;
        xbtab_quantized *quantized = NULL;
        const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = IN, .pixel = pixel};
        float alpha = alphas[way >> 1], wanted[OUT];
        bool has_thresholds = way & 1;
        build_begin(&b, 2, (int64_t[]){1, IN}, "y");
        build_floats(&b, "one", 1, (int64_t[]){1}, step);
        build_floats(&b, "ws", 1, (int64_t[]){OUT}, w_scale);
        build_ints(&b, "none", INT8, 1, (int64_t[]){1}, none);
        build_ints(&b, "wz", INT8, 1, (int64_t[]){OUT}, w_zero);
        build_floats(&b, "C", 1, (int64_t[]){OUT}, C);
        build_floats(&b, "t", 2, (int64_t[]){1, 3}, thresholds);
        if (has_thresholds) {
            build_floats(&b, "w", 2, (int64_t[]){OUT, IN}, whole);
            build_node(&b, "MultiThreshold", "a", "x", "t", NULL);
        } else {
            build_ints(&b, "W", INT8, 2, (int64_t[]){OUT, IN}, W);
            build_node(&b, "QuantizeLinear", "i", "x", "one", "none");
            build_node(&b, "DequantizeLinear", "a", "i", "one", "none");
            build_node(&b, "DequantizeLinear", "w", "W", "ws", "wz");
            build_attribute(&b, "axis", 0, (int64_t[]){0}, 0, NULL);
        }
        build_node(&b, "Gemm", "y", "a", "w", "C");
        build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
        build_attribute(&b, "alpha", 0, NULL, alpha, NULL);
        build_attribute(&b, "beta", 0, NULL, -0.5f, NULL);
        for (int o = 0; o < OUT; o++) {
            double sum = 0;
            for (int k = 0; k < IN; k++) {
                int passed = 0;
                for (int t = 0; t < 3; t++) passed += pixel[k] >= thresholds[t];
                sum += W[o * IN + k] * (has_thresholds ? (double)passed : rint((double)pixel[k]));
            }
            wanted[o] = (float)((double)alpha * sum * (has_thresholds ? 1.0 : (double)w_scale[o]) -
                                0.5 * (double)C[o]);
        }
        gives(&b, pixel, IN, wanted, OUT);
        assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&quantized, network, &images, NULL), XBTAB_OK);
        const xbtab_matrix *m = xbtab_quantized_matrix(quantized, 0);
        int sign = (alpha > 0) - (alpha < 0);
        for (int k = 0; k < OUT * IN; k++) assert_int_equal(m->W[k], sign * W[k]);
        xbtab_quantized_destroy(&quantized);
        xbtab_network_destroy(&network);
    }
}

/* ONNX's slope of 0.01 is the quantized operator's too. */
static void leaky_relu_has_its_own_slope(void **state)
{
    (void)state;
    static float pixel[IN] = {-400, -200, -100, 0, 0.5f, 3}, scale[1] = {4},
                 wanted[IN] = {-4, -2, -1, 0, 0.5f, 3}, half[1] = {0.5f};
    static int32_t zero[1] = {128};
    onnx_build b;
    for (int k = 3; k < IN; k++) wanted[k] = 4 * rintf(pixel[k] / 4);
    build_begin(&b, 2, (int64_t[]){1, IN}, "y");
    build_floats(&b, "xs", 1, (int64_t[]){1}, scale);
    build_floats(&b, "ys", 1, (int64_t[]){1}, half);
    build_ints(&b, "z", UINT8, 1, (int64_t[]){1}, zero);
    build_node(&b, "QuantizeLinear", "q", "x", "xs", "z");
    build_node(&b, "QLinearLeakyRelu", "c", "q", "xs", "z");
    build_input(&b, "ys");
    build_input(&b, "z");
    build_node(&b, "DequantizeLinear", "y", "c", "ys", "z");
    gives(&b, pixel, IN, wanted, IN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_take_channels_last), cmocka_unit_test(pools_take_channels_last),
        cmocka_unit_test(alpha_is_a_factor_of_integers), cmocka_unit_test(alpha_leaves_weights_integers),
        cmocka_unit_test(leaky_relu_has_its_own_slope)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
