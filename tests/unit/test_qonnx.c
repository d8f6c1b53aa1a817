/* test_qonnx.c - operators of QONNX and FINN, which ONNX has no test vectors of, against plain code. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_build.h"

enum { C = 3, P = 4, N = C * P };

static float x[N] = {-3.0f, -1.25f, -0.75f, -0.26f, 0, 0.24f, 0.25f, 0.75f, 1.25f, 2.0f, 2.6f, 9.0f};
static const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = N, .pixel = x};

static xbtab_network *open_network(const onnx_build *b)
{
    xbtab_network *network = NULL;
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    return network;
}

static void run(const onnx_build *b, float *y, size_t n)
{
    xbtab_network *network = open_network(b);
    assert_int_equal(xbtab_network_outputs(network), n);
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
    xbtab_network_destroy(&network);
}

static const char *const modes[] = {"ROUND",   "FLOOR",     "CEIL", "ROUND_TO_ZERO", "UP",        "DOWN",
                                    "HALF_UP", "HALF_DOWN", "up",   "half_even",     "Half_Down", "floor"};
enum { N_MODES = sizeof modes / sizeof modes[0] };

/* By the two integers around a number, and by which of them is nearer, as QONNX's table of modes has it. */
static float to_whole(const char *mode, float v)
{
    float below = floorf(v), above = ceilf(v), inner = v < 0 ? above : below, outer = v < 0 ? below : above;
    float part = v - below;
    bool is_half = part == 0.5f;
    if (strcasecmp(mode, "FLOOR") == 0) return below;
    if (strcasecmp(mode, "CEIL") == 0) return above;
    if (strcasecmp(mode, "UP") == 0) return outer;
    if (strcasecmp(mode, "DOWN") == 0 || strcmp(mode, "ROUND_TO_ZERO") == 0) return inner;
    if (!is_half) return part < 0.5f ? below : above;
    if (strcasecmp(mode, "HALF_UP") == 0) return outer;
    if (strcasecmp(mode, "HALF_DOWN") == 0) return inner;
    return fmodf(below, 2) == 0 ? below : above;
}

/* Quant with every sign, range and rounding; the scale differs from number to number. */
static void quant_follows_its_definition(void **state)
{
    (void)state;
    static float scale[N], zero[1] = {1}, bits[1] = {3};
    for (int k = 0; k < N; k++) scale[k] = 0.25f * (float)(1 + k % 3);
    for (int way = 0; way < 4 * N_MODES; way++) {
        onnx_build b;
        float y[N];
        int is_signed = way & 1, narrow = way >> 1 & 1;
        const char *mode = modes[way >> 2];
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "s", 1, (int64_t[]){N}, scale);
        build_floats(&b, "z", 1, (int64_t[]){1}, zero);
        build_floats(&b, "bits", 1, (int64_t[]){1}, bits);
        build_node(&b, "Quant", "y", "x", "s", "z");
        build_input(&b, "bits");
        build_attribute(&b, "signed", 0, (int64_t[]){is_signed}, 0, NULL);
        build_attribute(&b, "narrow", 0, (int64_t[]){narrow}, 0, NULL);
        build_attribute(&b, "rounding_mode", 0, NULL, 0, mode);
        run(&b, y, N);
        float low = is_signed ? -4.0f + (float)narrow : 0, high = is_signed ? 3.0f : 7.0f - (float)narrow;
        for (int k = 0; k < N; k++) {
            float q = fminf(fmaxf(x[k] / scale[k] + 1, low), high);
            assert_true(y[k] == (to_whole(mode, q) - 1) * scale[k]);
        }
    }
}

/* Trunc drops bits, downwards unless another rounding is named; what is left are the next layer's integers.
 */
static void trunc_keeps_the_upper_bits(void **state)
{
    (void)state;
    static float scale[1] = {0.25f}, zero[1] = {0}, in[1] = {6}, out[1] = {4}, W[N];
    for (int k = 0; k < N; k++) W[k] = (float)(k % 5) - 2;
    enum { PLAIN = N_MODES, POSITIVE }; /* without a mode, and of numbers that are not below 0 */
    for (int way = 0; way <= POSITIVE; way++) {
        onnx_build b;
        float y[1], integer[1], wanted = 0;
        const char *mode = way < PLAIN ? modes[way] : "FLOOR";
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "s", 1, (int64_t[]){1}, scale);
        build_floats(&b, "z", 1, (int64_t[]){1}, zero);
        build_floats(&b, "in", 1, (int64_t[]){1}, in);
        build_floats(&b, "out", 1, (int64_t[]){1}, out);
        build_floats(&b, "W", 2, (int64_t[]){N, 1}, W);
        build_node(&b, "Relu", "r", "x", NULL, NULL);
        build_node(&b, "Mul", "m", "r", "s", NULL);
        build_node(&b, "Div", "d", "m", "s", NULL);
        build_node(&b, "Trunc", "t", way == POSITIVE ? "d" : "x", "s", "z");
        build_input(&b, "in");
        build_input(&b, "out");
        if (way < PLAIN) build_attribute(&b, "rounding_mode", 0, NULL, 0, mode);
        build_node(&b, "MatMul", "y", "t", "W", NULL);
        for (int k = 0; k < N; k++) {
            float from = way == POSITIVE ? fmaxf(x[k], 0) : x[k];
            wanted += W[k] * to_whole(mode, rintf(from / 0.25f) / 4) * 0.25f;
        }
        xbtab_network *network = open_network(&b);
        xbtab_quantized *q = NULL;
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
        assert_int_equal(xbtab_quantized_matrix(q, 0)->activation_bits, way == POSITIVE ? 4 : 5);
        assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, integer), XBTAB_OK);
        assert_true(y[0] == wanted && integer[0] == wanted);
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* What is cut off may carry: 63 of 6 bits becomes 16 of 4. */
static void trunc_may_carry(void **state)
{
    (void)state;
    static float one[1] = {1}, zero[1] = {0}, in[1] = {6}, out[1] = {4}, W[N], most[N];
    const xbtab_images full = {.n = 1, .channels = 1, .height = 1, .width = N, .pixel = most};
    for (int k = 0; k < N; k++) {
        most[k] = 63;
        W[k] = (float)(k % 3);
    }
    for (int way = 0; way < N_MODES; way++) {
        onnx_build b;
        float y[1], integer[1], wanted = 0;
        xbtab_quantized *q = NULL;
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "s", 1, (int64_t[]){1}, one);
        build_floats(&b, "z", 1, (int64_t[]){1}, zero);
        build_floats(&b, "in", 1, (int64_t[]){1}, in);
        build_floats(&b, "out", 1, (int64_t[]){1}, out);
        build_floats(&b, "W", 2, (int64_t[]){N, 1}, W);
        build_node(&b, "Trunc", "t", "x", "s", "z");
        build_input(&b, "in");
        build_input(&b, "out");
        build_attribute(&b, "rounding_mode", 0, NULL, 0, modes[way]);
        build_node(&b, "MatMul", "y", "t", "W", NULL);
        for (int k = 0; k < N; k++) wanted += W[k] * to_whole(modes[way], 63.0f / 4);
        xbtab_network *network = open_network(&b);
        assert_int_equal(xbtab_network_run(network, &full, 1, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&q, network, &full, NULL), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &full, 1, NULL, NULL, NULL, integer), XBTAB_OK);
        assert_true(y[0] == wanted && integer[0] == wanted);
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* One signed bit is bipolar, of weights and of what a layer takes, in float and in integers: the reference
 * code of QONNX takes the zero off again behind the two numbers. */
static void one_signed_bit_is_bipolar(void **state)
{
    (void)state;
    static float scale[1] = {0.25f}, w_scale[2] = {0.5f, 2}, bits[1] = {1}, W[N * 2];
    for (int k = 0; k < N * 2; k++) W[k] = 0.3f * (float)(k % 5) - 0.6f;
    for (int way = 0; way < 8; way++) {
        static const char *const types[] = {"Quant", "IntQuant"};
        onnx_build b;
        float y[2], integer[2], zero[1] = {way & 4 ? -2.0f : 0}, none[1] = {0};
        xbtab_quantized *q = NULL;
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "s", 1, (int64_t[]){1}, scale);
        build_floats(&b, "ws", 2, (int64_t[]){1, 2}, w_scale);
        build_floats(&b, "z", 1, (int64_t[]){1}, zero);
        build_floats(&b, "none", 1, (int64_t[]){1}, none);
        build_floats(&b, "bits", 1, (int64_t[]){1}, bits);
        build_floats(&b, "W", 2, (int64_t[]){N, 2}, W);
        for (int side = 0; side < 2; side++) {
            build_node(&b, types[way & 1], side ? "wq" : "xq", side ? "W" : "x", side ? "ws" : "s",
                       side ? "none" : "z");
            build_input(&b, "bits");
            build_attribute(&b, "signed", 0, (int64_t[]){1}, 0, NULL);
            build_attribute(&b, "narrow", 0, (int64_t[]){way >> 1 & 1}, 0, NULL);
            build_attribute(&b, "rounding_mode", 0, NULL, 0, "ROUND");
        }
        build_node(&b, "MatMul", "y", "xq", "wq", NULL);
        xbtab_network *network = open_network(&b);
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
        assert_int_equal(xbtab_quantized_matrix(q, 0)->activation_bits, 1);
        assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, integer), XBTAB_OK);
        for (int o = 0; o < 2; o++) {
            float wanted = 0;
            for (int k = 0; k < N; k++) {
                float left = ((x[k] / 0.25f + zero[0] >= 0 ? 1 : -1) - zero[0]) * 0.25f;
                wanted += left * (W[2 * k + o] >= 0 ? w_scale[o] : -w_scale[o]);
            }
            assert_true(y[o] == wanted && integer[o] == wanted);
        }
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* MultiThreshold counts the thresholds that each number reaches, with its channel's own or one row for all.
 */
static void thresholds_are_of_channels(void **state)
{
    (void)state;
    static float t[C * 4] = {-1, 0, 1, 2, -3, -2, 0.24f, 0.25f, 0, 1, 2.6f, 9};
    for (int way = 0; way < 3; way++) { /* channels first, last, and one row */
        onnx_build b;
        float y[N];
        int64_t first[] = {1, C, 1, P}, last[] = {1, 1, P, C};
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "t", 2, (int64_t[]){way == 2 ? 1 : C, 4}, t);
        build_longs(&b, "shape", 4, way == 1 ? last : first);
        build_node(&b, "Reshape", "r", "x", "shape", NULL);
        build_node(&b, "MultiThreshold", "y", "r", "t", NULL);
        build_attribute(&b, "out_scale", 0, NULL, 0.5f, NULL);
        build_attribute(&b, "out_bias", 0, NULL, -1, NULL);
        if (way == 1) build_attribute(&b, "data_layout", 0, NULL, 0, "NHWC");
        run(&b, y, N);
        for (int k = 0; k < N; k++) {
            int passed = 0, channel = way == 0 ? k / P : way == 1 ? k % C : 0;
            for (int s = 0; s < 4; s++) passed += x[k] >= t[channel * 4 + s];
            assert_true(y[k] == 0.5f * (float)passed - 1);
        }
    }
}

/* FINN's matrices are whole numbers without a scale: they are mapped as they are. */
static void whole_weights_are_taken_as_they_are(void **state)
{
    (void)state;
    static float t[2] = {0.5f, 1.5f}, W[N * 2], half[1] = {0.5f};
    onnx_build b;
    float y[2], integer[2];
    xbtab_quantized *q = NULL;
    for (int k = 0; k < N * 2; k++) W[k] = (float)(k % 4) - 1;
    build_begin(&b, 2, (int64_t[]){1, N}, "y");
    build_floats(&b, "t", 2, (int64_t[]){1, 2}, t);
    build_floats(&b, "W", 2, (int64_t[]){N, 2}, W);
    build_floats(&b, "half", 1, (int64_t[]){1}, half);
    build_node(&b, "MultiThreshold", "m", "x", "t", NULL);
    build_node(&b, "MatMul", "p", "m", "W", NULL);
    build_node(&b, "Mul", "y", "p", "half", NULL);
    xbtab_network *network = open_network(&b);
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
    assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
    const xbtab_matrix *m = xbtab_quantized_matrix(q, 0);
    assert_true(m->weight_bits == 3 && m->activation_bits == 2);
    for (int k = 0; k < N * 2; k++) assert_true((float)m->W[k % 2 * N + k / 2] == W[k]);
    assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, integer), XBTAB_OK);
    assert_memory_equal(y, integer, sizeof y);
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
}

/* A depthwise convolution takes codes whose scale differs between channels, as Brevitas' MobileNets have
 * them; QONNX's Quant, and QuantizeLinear and DequantizeLinear on the second axis. */
static void depthwise_layers_take_scales_of_channels(void **state)
{
    (void)state;
    static float scale[C] = {0.5f, 0.25f, 1.5f}, zero[1] = {0}, bits[1] = {3}, W[C * 2 * 2];
    static int32_t none[C];
    for (int k = 0; k < C * 4; k++) W[k] = (float)(k % 7) - 3;
    for (int way = 0; way < 3; way++) {
        onnx_build b;
        float y[C * 6], integer[C * 6];
        xbtab_quantized *q = NULL;
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_longs(&b, "shape", 4, (int64_t[]){1, C, 2, 2});
        build_floats(&b, "s", way ? 1 : 4, way ? (int64_t[]){C} : (int64_t[]){1, C, 1, 1}, scale);
        build_floats(&b, "z", 1, (int64_t[]){1}, zero);
        build_ints(&b, "none", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 1, (int64_t[]){C}, none);
        build_floats(&b, "bits", 1, (int64_t[]){1}, bits);
        build_floats(&b, "W", 4, (int64_t[]){C, 1, 2, 2}, W);
        build_node(&b, "Reshape", "r", "x", "shape", NULL);
        if (way == 0) {
            build_node(&b, "Quant", "q", "r", "s", "z");
            build_input(&b, "bits");
            build_attribute(&b, "signed", 0, (int64_t[]){0}, 0, NULL);
        } else {
            build_node(&b, "QuantizeLinear", "i", "r", "s", "none");
            build_node(&b, "DequantizeLinear", "q", "i", "s", "none");
        }
        if (way < 2) build_node(&b, "Identity", "k", "q", NULL, NULL);
        if (way == 2) { /* places that change take their scales along */
            build_node(&b, "Transpose", "k", "q", NULL, NULL);
            build_attribute(&b, "perm", 4, (int64_t[]){0, 1, 3, 2}, 0, NULL);
        }
        build_node(&b, "Conv", "y", "k", "W", NULL);
        build_attribute(&b, "group", 0, (int64_t[]){C}, 0, NULL);
        build_attribute(&b, "pads", 4, (int64_t[]){0, 1, 1, 1}, 0, NULL);
        xbtab_network *network = open_network(&b);
        xbtab_network_node node;
        assert_int_equal(xbtab_network_outputs(network), C * 6);
        assert_int_equal(xbtab_network_node_get(network, xbtab_network_nodes(network) - 1, &node), XBTAB_OK);
        assert_int_equal(node.activation_bits, way == 0 ? 3 : 8);
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, integer), XBTAB_OK);
        assert_memory_equal(y, integer, sizeof y);
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* Padding and casts keep a tensor's codes. */
static void pads_and_casts_keep_codes(void **state)
{
    (void)state;
    static float scale[1] = {0.5f}, zero[1] = {0}, bits[1] = {2}, W[9];
    onnx_build b;
    float y[N], integer[N];
    xbtab_quantized *q = NULL;
    for (int k = 0; k < 9; k++) W[k] = (float)(k - 4);
    for (int way = 0; way < 2; way++) { /* around with 0, and with what is on no code */
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_longs(&b, "shape", 4, (int64_t[]){1, 1, C, P});
        build_longs(&b, "pads", 8, (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
        build_floats(&b, "s", 1, (int64_t[]){1}, scale);
        build_floats(&b, "z", 1, (int64_t[]){1}, zero);
        build_floats(&b, "bits", 1, (int64_t[]){1}, bits);
        build_floats(&b, "W", 4, (int64_t[]){1, 1, 3, 3}, W);
        build_floats(&b, "around", 1, (int64_t[]){1}, way ? &W[0] : zero);
        build_node(&b, "Reshape", "r", "x", "shape", NULL);
        build_node(&b, "Quant", "q", "r", "s", "z");
        build_input(&b, "bits");
        build_attribute(&b, "signed", 0, (int64_t[]){0}, 0, NULL);
        build_node(&b, "Cast", "c", "q", NULL, NULL);
        build_attribute(&b, "to", 0, (int64_t[]){1}, 0, NULL);
        build_node(&b, "Pad", "p", "c", "pads", "around");
        build_node(&b, "Conv", "y", "p", "W", NULL);
        xbtab_network *network = open_network(&b);
        assert_int_equal(xbtab_network_outputs(network), N);
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
        assert_int_equal(xbtab_quantized_matrix(q, 0)->activation_bits, way ? 8 : 2);
        assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, integer), XBTAB_OK);
        if (way == 0) assert_memory_equal(y, integer, sizeof y);
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quant_follows_its_definition),
                                       cmocka_unit_test(trunc_keeps_the_upper_bits),
                                       cmocka_unit_test(trunc_may_carry),
                                       cmocka_unit_test(one_signed_bit_is_bipolar),
                                       cmocka_unit_test(thresholds_are_of_channels),
                                       cmocka_unit_test(pads_and_casts_keep_codes),
                                       cmocka_unit_test(depthwise_layers_take_scales_of_channels),
                                       cmocka_unit_test(whole_weights_are_taken_as_they_are)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
