/* test_quant_forms.c - quantized networks as younger exporters write them: integers of 4 and 16 bits, scales
 * of blocks, channels whose scale is 0, QONNX's second Trunc. In float and in exact integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "onnx_run.h"

enum {
    TYPE_UINT16 = 4,
    TYPE_INT16 = 5,
    TYPE_FLOAT8E4M3FN = 17,
    TYPE_FLOAT8E5M2 = 19,
    TYPE_UINT4 = 21,
    TYPE_INT4 = 22
};

static const bytes nothing;

/* x[1][n] of float images to y. */
static bytes begin(int64_t n)
{
    bytes g = {0};
    bytes_value(&g, 11, "x", BYTES_FLOAT, 2, (int64_t[]){1, n}, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, 2, (int64_t[]){1, n}, NULL);
    return g;
}

/* x in steps of 1/16 as 8 bits: what stands before every layer here. */
static void quantize_x(bytes *g)
{
    static const float sixteenth[] = {1.0f / 16};
    bytes_floats(g, "step", 0, NULL, sixteenth);
    bytes_constant(g, "none", BYTES_INT8, 0, NULL, (int8_t[]){0}, 1);
    bytes_call(g, "QuantizeLinear", "x step none", "code");
    bytes_call(g, "DequantizeLinear", "code step none", "real");
}

/* The same numbers in float and in integers, by so many matrix layers with so many bits. */
static void both_give(float *image, size_t n, size_t layers, int weight_bits, size_t n_outputs,
                      const double *wanted)
{
    xbtab_network *network = NULL;
    xbtab_quantized *quantized = NULL;
    xbtab_images images = one_image(image, 1, 1, n);
    float y[2][32];
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(network), n_outputs);
    assert_int_equal(xbtab_network_layers(network), layers);
    if (xbtab_network_run(network, &images, 1, NULL, y[0]) < 0 ||
        xbtab_quantized_create(&quantized, network, &images, NULL) < 0 ||
        xbtab_quantized_run(quantized, &images, 1, NULL, NULL, NULL, y[1]) < 0)
        fail_msg("%s", xbtab_error_message());
    for (size_t m = 0; m < xbtab_quantized_matrices(quantized); m++)
        assert_true(xbtab_quantized_matrix(quantized, m)->weight_bits <= weight_bits);
    for (size_t k = 0; k < 2 * n_outputs; k++) {
        double got = (double)y[k / n_outputs][k % n_outputs], want = wanted[k % n_outputs];
        if (!(fabs(got - want) <= 1e-5 * (1 + fabs(want))))
            fail_msg("%s: output %zu is %.9g, not %.9g", k < n_outputs ? "float" : "integers", k % n_outputs,
                     got, want);
    }
    xbtab_quantized_destroy(&quantized);
    xbtab_network_destroy(&network);
}

/* ---- 4 bits, in blocks ---- */

enum { IN = 6, OUT = 3, BLOCK = 4, BLOCKS = 2 };

static const int weight_code[IN][OUT] = {{-8, 7, 1}, {3, -4, 0}, {5, 6, -7},
                                         {-1, 2, 2}, {7, -8, 4}, {-3, 5, -6}};
static const float block_scale[BLOCKS][OUT] = {{0.5f, 0.25f, 2}, {0.125f, 1, 0.75f}};
static const int block_zero[BLOCKS][OUT] = {{0, 1, -2}, {3, 0, 1}};
static float row[IN] = {1, -0.5f, 2.25f, 3, -1.125f, 0.0625f};

static double block_weight(int i, int o, bool has_zeros)
{
    int zero = has_zeros ? block_zero[i / BLOCK][o] : 0;
    return (double)(weight_code[i][o] - zero) * (double)block_scale[i / BLOCK][o];
}

/* Two in a byte, the first in its lower half; as raw bytes or in the typed field, a byte an entry. */
static bytes nibbles(const char *name, size_t rank, const int64_t *dim, const int *code, size_t n,
                     bool is_typed)
{
    uint8_t raw[32] = {0};
    for (size_t k = 0; k < n; k++) raw[k / 2] = (uint8_t)(raw[k / 2] | (code[k] & 15) << (k % 2 * 4));
    if (!is_typed) return bytes_tensor(name, TYPE_INT4, rank, dim, raw, (n + 1) / 2);
    bytes t = {0};
    for (size_t k = 0; k < rank; k++) bytes_int(&t, 1, dim[k]);
    bytes_int(&t, 2, TYPE_INT4);
    bytes_text(&t, 8, name);
    for (size_t k = 0; k < (n + 1) / 2; k++) bytes_int(&t, 5, raw[k]);
    return t;
}

static void weights_of_4_bits_in_blocks(void **state)
{
    (void)state;
    static const int64_t dim[] = {IN, OUT}, scales[] = {BLOCKS, OUT};
    for (int c = 0; c < 8; c++) { /* raw or typed; with zeros or without; MatMul or Gemm */
        bool is_typed = c & 1, has_zeros = c & 2, is_gemm = c & 4;
        double wanted[OUT];
        bytes g = begin(IN);
        quantize_x(&g);
        bytes_nest(&g, 5, nibbles("W", 2, dim, &weight_code[0][0], IN * OUT, is_typed));
        bytes_nest(&g, 5, nibbles("Z", 2, scales, &block_zero[0][0], BLOCKS * OUT, is_typed));
        bytes_floats(&g, "S", 2, scales, &block_scale[0][0]);
        bytes_floats(&g, "B", 1, (int64_t[]){OUT}, (float[]){1, -2, 0.5f});
        bytes_call_with(&g, "DequantizeLinear", has_zeros ? "W S Z" : "W S", "w", bytes_i("axis", 0),
                        bytes_i("block_size", BLOCK), nothing, nothing);
        bytes_call(&g, is_gemm ? "Gemm" : "MatMul", is_gemm ? "real w B" : "real w", "y");
        bytes_write(path, 21, g, nothing);
        for (int o = 0; o < OUT; o++) {
            wanted[o] = is_gemm ? (double)(float[]){1, -2, 0.5f}[o] : 0;
            for (int i = 0; i < IN; i++) wanted[o] += (double)row[i] * block_weight(i, o, has_zeros);
        }
        both_give(row, IN, BLOCKS, 5, OUT, wanted); /* a sign and up to 11 */
    }
}

static void blocks_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    for (int c = 0; c < 3; c++) {
        bytes g = begin(IN);
        bytes_nest(
            &g, 5,
            nibbles("W", 2, (int64_t[]){IN, OUT}, &weight_code[0][0], IN * OUT - (c == 2 ? 4 : 0), false));
        bytes_floats(&g, "S", 2, (int64_t[]){BLOCKS, OUT}, &block_scale[0][0]);
        bytes_call_with(&g, "DequantizeLinear", "W S", "w", bytes_i("axis", 0),
                        bytes_i("block_size", c == 0   ? 2
                                              : c == 1 ? -4
                                                       : 4),
                        nothing, nothing);
        bytes_call(&g, "MatMul", "x w", "y");
        bytes_write(path, 21, g, nothing);
        refused(NULL, XBTAB_ERR_INPUT,
                c == 2 ? "has 14 numbers for a shape of 18" : "a number for each block");
    }
}

/* A size below 0 is one also where a single scale would not need it, and opset 12 has no axis. */
static void linear_attributes_out_of_place(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        bytes g = begin(6);
        bytes_floats(&g, "s", 0, NULL, (float[]){0.125f});
        bytes_call_with(&g, "QuantizeLinear", "x s", "q", c ? bytes_i("axis", 1) : bytes_i("block_size", -1),
                        nothing, nothing, nothing);
        bytes_call(&g, "DequantizeLinear", "q s", "y");
        bytes_write(path, c ? 12 : 21, g, nothing);
        refused(NULL, c ? XBTAB_ERR_UNSUPPORTED : XBTAB_ERR_INPUT, c ? "axis" : "block_size -1");
    }
}

/* ---- codes of 4 and 16 bits, without a zero whose type would tell ---- */

static void codes_of_other_widths(void **state)
{
    (void)state;
    static float values[] = {0.3f, -0.8f, 1000, -1000, 0.125f, 0.375f};
    static const struct {
        int type;
        double low, high;
    } rows[] = {{TYPE_INT4, -8, 7},
                {TYPE_UINT4, 0, 15},
                {TYPE_INT16, -32768, 32767},
                {TYPE_UINT16, 0, 65535},
                {BYTES_INT8, -128, 127}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        float wanted[6];
        bytes g = begin(6);
        bytes_floats(&g, "s", 0, NULL, (float[]){0.0078125f});
        bytes_call_with(&g, "QuantizeLinear", "x s", "q", bytes_i("output_dtype", rows[r].type), nothing,
                        nothing, nothing);
        bytes_call(&g, "DequantizeLinear", "q s", "y");
        bytes_write(path, 21, g, nothing);
        for (int k = 0; k < 6; k++) {
            double q = nearbyint((double)values[k] * 128);
            wanted[k] = (float)(fmin(fmax(q, rows[r].low), rows[r].high) / 128);
        }
        xbtab_images images = one_image(values, 1, 1, 6);
        gives(&images, 6, wanted, 0);
    }
}

/* Activations quantized with a scale for each block of three. */
static void activations_in_blocks(void **state)
{
    (void)state;
    static float values[] = {0.3f, -0.8f, 5, 1.25f, -1.75f, 9, 0.5f};
    static const float scale[] = {0.25f, 0.5f, 2};
    float wanted[7];
    bytes g = begin(7);
    bytes_floats(&g, "s", 2, (int64_t[]){1, 3}, scale);
    bytes_constant(&g, "z", BYTES_INT8, 2, (int64_t[]){1, 3}, (int8_t[]){1, -2, 0}, 3);
    bytes_call_with(&g, "QuantizeLinear", "x s z", "q", bytes_i("block_size", 3), bytes_i("axis", -1),
                    nothing, nothing);
    bytes_call_with(&g, "DequantizeLinear", "q s z", "y", bytes_i("block_size", 3), bytes_i("axis", 1),
                    nothing, nothing);
    bytes_write(path, 21, g, nothing);
    for (int k = 0; k < 7; k++)
        wanted[k] = (float)(nearbyint((double)values[k] / (double)scale[k / 3]) * (double)scale[k / 3]);
    xbtab_images images = one_image(values, 1, 1, 7);
    gives(&images, 7, wanted, 0);
}

/* Numbers of 8 bits, as their standard has them: 1, -1.75, the smallest, the largest, half of it. */
static void floats_of_8_bits_are_read(void **state)
{
    (void)state;
    static float ones[] = {1, 1, 1, 1};
    static const uint8_t e4m3[] = {0x38, 0xbe, 0x01, 0x7e}, e5m2[] = {0x3c, 0xbf, 0x01, 0x7b};
    static const float wanted[2][4] = {{1, -1.75f, 0.001953125f, 448},
                                       {1, -1.75f, 0.0000152587890625f, 57344}};
    for (int c = 0; c < 2; c++) {
        bytes g = begin(4);
        bytes_constant(&g, "W", c ? TYPE_FLOAT8E5M2 : TYPE_FLOAT8E4M3FN, 1, (int64_t[]){4}, c ? e5m2 : e4m3,
                       4);
        bytes_call_with(&g, "Cast", "W", "w", bytes_i("to", BYTES_FLOAT), nothing, nothing, nothing);
        bytes_call(&g, "Mul", "x w", "y");
        bytes_write(path, 19, g, nothing);
        xbtab_images images = one_image(ones, 1, 1, 4);
        gives(&images, 4, wanted[c], 0);
    }
}

/* ---- dead channels ---- */

/* An output whose weights have a scale of 0 is its bias, whatever its codes are. */
static void outputs_of_dead_channels_are_their_bias(void **state)
{
    (void)state;
    static const int8_t code[OUT][IN] = {{1, 2, 3, 4, 5, 6}, {9, -9, 9, -9, 9, -9}, {-1, 0, 7, 2, 3, -5}};
    static const float scale[] = {0.5f, 0, 0.25f}, bias[] = {1, -2.5f, 3};
    double wanted[OUT];
    for (int c = 0; c < 2; c++) { /* QDQ, and the operator with integers */
        bytes g = begin(IN);
        quantize_x(&g);
        bytes_constant(&g, "W", BYTES_INT8, 2, (int64_t[]){OUT, IN}, code, sizeof code);
        bytes_floats(&g, "S", 1, (int64_t[]){OUT}, scale);
        bytes_floats(&g, "B", 1, (int64_t[]){OUT}, bias);
        if (c == 0) {
            bytes_call_with(&g, "DequantizeLinear", "W S", "w", bytes_i("axis", 0), nothing, nothing,
                            nothing);
            bytes_call_with(&g, "Gemm", "real w B", "y", bytes_i("transB", 1), nothing, nothing, nothing);
        } else {
            bytes_constant(&g, "zeros", BYTES_INT8, 1, (int64_t[]){OUT}, (int8_t[OUT]){0}, OUT);
            bytes_floats(&g, "fine", 0, NULL, (float[]){0.03125f});
            bytes_call_with(&g, "Transpose", "W", "Wt", bytes_is("perm", 2, (int64_t[]){1, 0}), nothing,
                            nothing, nothing);
            bytes_call(&g, "QLinearMatMul", "code step none Wt S zeros fine none", "q");
            bytes_call(&g, "DequantizeLinear", "q fine none", "r");
            bytes_call(&g, "Add", "r B", "y");
        }
        bytes_write(path, 13, g, nothing);
        for (int o = 0; o < OUT; o++) {
            double sum = 0;
            for (int i = 0; i < IN; i++) sum += (double)row[i] * code[o][i] * (double)scale[o];
            if (c == 1) sum = fmin(fmax(nearbyint(sum * 32), -128), 127) / 32;
            wanted[o] = sum + (double)bias[o];
        }
        both_give(row, IN, 1, 8, OUT, wanted);
    }
}

/* An activation's dead channel in front of single channels' convolution, and Quant's: zeros. */
static void numbers_of_dead_channels_are_0(void **state)
{
    (void)state;
    static float image[] = {1, -2, 0.5f, 4};
    for (int c = 0; c < 2; c++) {
        double wanted[4];
        bytes g = {0};
        bytes_value(&g, 11, "x", BYTES_FLOAT, 4, (int64_t[]){1, 2, 1, 2}, NULL);
        bytes_value(&g, 12, "y", BYTES_FLOAT, 4, (int64_t[]){1, 2, 1, 2}, NULL);
        bytes_floats(&g, "s", c ? 3 : 1, c ? (int64_t[]){2, 1, 1} : (int64_t[]){2}, (float[]){0, 0.5f});
        bytes_constant(&g, "z", BYTES_INT8, 1, (int64_t[]){2}, (int8_t[]){0, 0}, 2);
        bytes_floats(&g, "zero", 0, NULL, (float[]){0});
        bytes_floats(&g, "eight", 0, NULL, (float[]){8});
        bytes_floats(&g, "W", 4, (int64_t[]){2, 1, 1, 1}, (float[]){3, -2});
        bytes_floats(&g, "B", 1, (int64_t[]){2}, (float[]){0.25f, 1});
        if (c == 0) {
            bytes_call(&g, "QuantizeLinear", "x s z", "q");
            bytes_call(&g, "DequantizeLinear", "q s z", "r");
        } else {
            bytes node = bytes_node("qonnx.custom_op.general", "Quant", "x s zero eight", "r");
            bytes_nest(&g, 1, node);
        }
        bytes_call_with(&g, "Conv", "r W B", "y", bytes_i("group", 2), nothing, nothing, nothing);
        bytes_write(path, 13, g, nothing);
        for (int k = 0; k < 4; k++) wanted[k] = k < 2 ? 0.25 : 1 - 2 * 0.5 * nearbyint((double)image[k] * 2);
        xbtab_network *network = NULL;
        xbtab_quantized *quantized = NULL;
        xbtab_images images = one_image(image, 2, 1, 2);
        float y[2][4];
        if (xbtab_network_open(&network, path) < 0 ||
            xbtab_network_run(network, &images, 1, NULL, y[0]) < 0 ||
            xbtab_quantized_create(&quantized, network, &images, NULL) < 0 ||
            xbtab_quantized_run(quantized, &images, 1, NULL, NULL, NULL, y[1]) < 0)
            fail_msg("%s", xbtab_error_message());
        for (int k = 0; k < 8; k++) assert_true(fabs((double)y[k / 4][k % 4] - wanted[k % 4]) < 1e-6);
        xbtab_quantized_destroy(&quantized);
        xbtab_network_destroy(&network);
    }
}

static void a_tensor_without_a_scale_is_refused(void **state)
{
    (void)state;
    bytes g = begin(IN);
    bytes_floats(&g, "s", 0, NULL, (float[]){0});
    bytes_call(&g, "QuantizeLinear", "x s", "q");
    bytes_call(&g, "DequantizeLinear", "q s", "y");
    bytes_write(path, 13, g, nothing);
    refused(NULL, XBTAB_ERR_INPUT, "a scale is not above 0");
}

/* ---- QONNX's Trunc of version 2 ---- */

/* Integers of 8 bits less their two lowest bits, clamped to 4, in steps of the output's own scale. */
static void trunc_with_a_scale_of_its_output(void **state)
{
    (void)state;
    static float values[] = {0.375f, -0.625f, 3.5f, -4, 1.25f, -0.125f};
    static const struct {
        const char *mode;
        int is_signed, narrow;
        double low, high;
    } rows[] = {
        {"FLOOR", 1, 0, -8, 7}, {"CEIL", 1, 1, -7, 7}, {"ROUND", 0, 0, 0, 15}, {"floor", 0, 1, 0, 14}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double wanted[6];
        bytes g = begin(6), node = bytes_node("qonnx.custom_op.general", "Trunc", "x s z in out_s out", "t");
        bytes_floats(&g, "s", 0, NULL, (float[]){0.125f});
        bytes_floats(&g, "z", 0, NULL, (float[]){2});
        bytes_floats(&g, "in", 0, NULL, (float[]){8});
        bytes_floats(&g, "out_s", 0, NULL, (float[]){0.45f}); /* a step of 4: the nearest power of two */
        bytes_floats(&g, "out", 0, NULL, (float[]){4});
        bytes_floats(&g, "W", 2, (int64_t[]){6, 6},
                     (float[36]){[0] = 1, [7] = 1, [14] = 1, [21] = 1, [28] = 1, [35] = 1});
        bytes_nest(&node, 5, bytes_s("rounding_mode", rows[r].mode));
        bytes_nest(&node, 5, bytes_i("signed", rows[r].is_signed));
        bytes_nest(&node, 5, bytes_i("narrow", rows[r].narrow));
        bytes_nest(&g, 1, node);
        bytes_call(&g, "MatMul", "t W", "y");
        bytes_write(path, 13, g, nothing);
        for (int k = 0; k < 6; k++) {
            double q = nearbyint((double)values[k] / 0.125 + 2) / 4;
            q = fmin(fmax(q, rows[r].low), rows[r].high);
            q = r == 1 ? ceil(q) : r == 2 ? nearbyint(q) : floor(q);
            wanted[k] = (q - 2.0 / 4) * (double)0.45f;
        }
        both_give(values, 6, 1, 2, 6, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_4_bits_in_blocks),
        cmocka_unit_test(blocks_that_do_not_fit_are_refused),
        cmocka_unit_test(linear_attributes_out_of_place),
        cmocka_unit_test(codes_of_other_widths),
        cmocka_unit_test(activations_in_blocks),
        cmocka_unit_test(floats_of_8_bits_are_read),
        cmocka_unit_test(outputs_of_dead_channels_are_their_bias),
        cmocka_unit_test(numbers_of_dead_channels_are_0),
        cmocka_unit_test(a_tensor_without_a_scale_is_refused),
        cmocka_unit_test(trunc_with_a_scale_of_its_output),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
