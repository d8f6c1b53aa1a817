/* test_quantize.c - integers of quantized graphs and of quantization after training: against plain code, at
 * the ends of what bits allow. */
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
#include "random.h"

static uint32_t below(uint32_t id, uint32_t n)
{
    xbtab__random random;
    xbtab__random_init(&random, 29, XBTAB__RANDOM_TEST, id, 0);
    return xbtab__random_below(&random, n);
}

static xbtab_network *open_network(const onnx_build *b)
{
    xbtab_network *network = NULL;
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    return network;
}

static xbtab_quantized *quantize(const xbtab_network *network, const xbtab_images *images,
                                 const xbtab_quantize_options *options)
{
    xbtab_quantized *q = NULL;
    if (xbtab_quantized_create(&q, network, images, options) < 0) fail_msg("%s", xbtab_error_message());
    return q;
}

/* A grouped QLinearConv with zeros of input, weights and output, weight scales of its own for each output, a
 * bias and padding, in the integers of ONNX's definition. */
static void qlinear_conv_is_exact(void **state)
{
    (void)state;
    enum { N = 3, C = 4, H = 5, O = 6, K = 3, X_ZERO = 117, Y_ZERO = 130 };
    static float x[N * C * H * H], w_scale[O], y[N * O * H * H], integer[N * O * H * H];
    static int32_t W[O * 2 * K * K], w_zero[O], bias[O], x_zero[1] = {X_ZERO}, y_zero[1] = {Y_ZERO};
    float x_scale[1] = {0.02f}, y_scale[1] = {0.05f}, one[1] = {1.0f};
    const int INT8 = ONNX__TENSOR_PROTO__DATA_TYPE__INT8, UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    for (uint32_t k = 0; k < N * C * H * H; k++) x[k] = (float)below(k, 256);
    for (uint32_t k = 0; k < O * 2 * K * K; k++) W[k] = (int32_t)below(10000 + k, 255) - 127;
    for (uint32_t o = 0; o < O; o++) {
        w_scale[o] = 0.001f * (float)(o + 1);
        w_zero[o] = (int32_t)o - 2;
        bias[o] = (int32_t)below(20000 + o, 4000) - 2000;
    }
    onnx_build b;
    build_begin(&b, 4, (int64_t[]){1, C, H, H}, "y");
    build_floats(&b, "one", 1, (int64_t[]){1}, one);
    build_floats(&b, "xs", 1, (int64_t[]){1}, x_scale);
    build_floats(&b, "ws", 1, (int64_t[]){O}, w_scale);
    build_floats(&b, "ys", 1, (int64_t[]){1}, y_scale);
    build_ints(&b, "none", UINT8, 1, (int64_t[]){1}, &(int32_t){0});
    build_ints(&b, "xz", UINT8, 1, (int64_t[]){1}, x_zero);
    build_ints(&b, "wz", INT8, 1, (int64_t[]){O}, w_zero);
    build_ints(&b, "yz", UINT8, 1, (int64_t[]){1}, y_zero);
    build_ints(&b, "W", INT8, 4, (int64_t[]){O, 2, K, K}, W);
    build_ints(&b, "B", ONNX__TENSOR_PROTO__DATA_TYPE__INT32, 1, (int64_t[]){O}, bias);
    build_node(&b, "QuantizeLinear", "q", "x", "one", "none"); /* pixels are codes */
    build_node(&b, "QLinearConv", "y", "q", "xs", "xz");
    static const char *const more[] = {"W", "ws", "wz", "ys", "yz", "B"};
    for (int k = 0; k < 6; k++) build_input(&b, more[k]);
    build_attribute(&b, "group", 0, (int64_t[]){2}, 0, NULL);
    build_attribute(&b, "pads", 4, (int64_t[]){1, 1, 1, 1}, 0, NULL);
    xbtab_images images = {.n = N, .channels = C, .height = H, .width = H, .pixel = x};
    xbtab_network *network = open_network(&b);
    xbtab_quantized *q = quantize(network, &images, NULL);
    assert_int_equal(xbtab_quantized_matrices(q), 2);
    assert_int_equal(xbtab_network_run(network, &images, N, NULL, y), XBTAB_OK);
    assert_int_equal(xbtab_quantized_run(q, &images, N, NULL, NULL, NULL, integer), XBTAB_OK);
    for (int i = 0, at = 0; i < N; i++) {
        for (int o = 0; o < O; o++) {
            for (int p = 0; p < H * H; p++, at++) {
                int32_t sum = bias[o];
                for (int c = 0; c < 2; c++) {
                    for (int k = 0; k < K * K; k++) {
                        int row = p / H + k / K - 1, column = p % H + k % K - 1;
                        if (row < 0 || column < 0 || row >= H || column >= H) continue;
                        int32_t code = (int32_t)x[((i * C + o / 3 * 2 + c) * H + row) * H + column];
                        sum += (code - X_ZERO) * (W[(o * 2 + c) * K * K + k] - w_zero[o]);
                    }
                }
                float factor = (float)((double)x_scale[0] * (double)w_scale[o] / (double)y_scale[0]);
                float wanted = fminf(fmaxf(rintf((float)sum * factor) + Y_ZERO, 0.0f), 255.0f);
                if (y[at] != wanted || integer[at] != wanted)
                    fail_msg("output %d: %g and %g instead of %g", at, (double)y[at], (double)integer[at],
                             (double)wanted);
            }
        }
    }
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
}

/* One dense layer of so many inputs, its weights and input drawn. */
enum { DENSE_INPUTS = 600, DENSE_OUTPUTS = 3 };
static float dense_W[DENSE_INPUTS * DENSE_OUTPUTS], dense_x[4 * DENSE_INPUTS];
static xbtab_images dense_images = {
    .n = 4, .channels = 1, .height = 1, .width = DENSE_INPUTS, .pixel = dense_x};

static xbtab_network *dense(void)
{
    onnx_build b;
    for (uint32_t k = 0; k < DENSE_INPUTS * DENSE_OUTPUTS; k++)
        dense_W[k] = (float)below(k, 20001) / 10000.0f - (k % DENSE_OUTPUTS ? 1.0f : 0.2f);
    for (uint32_t k = 0; k < 4 * DENSE_INPUTS; k++) dense_x[k] = (float)below(50000 + k, 10001) / 10000.0f;
    build_begin(&b, 2, (int64_t[]){1, DENSE_INPUTS}, "y");
    build_floats(&b, "W", 2, (int64_t[]){DENSE_INPUTS, DENSE_OUTPUTS}, dense_W);
    build_node(&b, "MatMul", "y", "x", "W", NULL);
    return open_network(&b);
}

static xbtab_status in_64_bits(void *payload, size_t m, size_t from, size_t n, const uint16_t *x, int64_t *y,
                               int thread)
{
    const xbtab_matrix *matrix = xbtab_quantized_matrix(payload, m);
    (void)from, (void)thread;
    for (size_t v = 0; v < n; v++) {
        for (size_t o = 0; o < matrix->outputs; o++) {
            y[v * matrix->outputs + o] = 0;
            for (size_t k = 0; k < matrix->inputs; k++) {
                assert_true(x[v * matrix->inputs + k] >> matrix->activation_bits == 0);
                y[v * matrix->outputs + o] +=
                    (int64_t)matrix->W[o * matrix->inputs + k] * x[v * matrix->inputs + k];
            }
        }
    }
    return XBTAB_OK;
}

/* What ONNX Runtime's dynamic quantization writes: scales and zeros of activations found while an image runs.
 * A padded, grouped ConvInteger and then a dense layer in each of its three forms, in the integers of ONNX's
 * definition. */
enum {
    DYN_N = 3,
    DYN_C = 4,
    DYN_H = 5,
    DYN_O = 6,
    DYN_K = 9,
    DYN_P = DYN_H * DYN_H,
    DYN_Y = 3,
    DYN_IN = DYN_O * DYN_P
};

typedef struct dynamic_net {
    onnx_build b;
    float x[DYN_N * DYN_C * DYN_P], w_scale[1], d_scale[DYN_Y], bias[DYN_O], d_bias[DYN_Y];
    int32_t W[DYN_O * 2 * DYN_K], w_zero[1], D[DYN_IN * DYN_Y], d_zero[DYN_Y];
} dynamic_net;

static void dynamic_codes(const float *x, int n, int32_t *code, float *scale, int32_t *zero)
{
    float low = 0, high = 0;
    for (int k = 0; k < n; k++) {
        low = fminf(low, x[k]);
        high = fmaxf(high, x[k]);
    }
    *scale = (high - low) / 255.0f;
    *zero = (int32_t)rintf(-low / *scale);
    for (int k = 0; k < n; k++) code[k] = (int32_t)fminf(fmaxf(rintf(x[k] / *scale) + (float)*zero, 0), 255);
}

static void dynamic_wanted(const dynamic_net *net, const float *x, float *y)
{
    int32_t code[DYN_IN], zero;
    float hidden[DYN_IN], scale;
    dynamic_codes(x, DYN_C * DYN_P, code, &scale, &zero);
    for (int at = 0; at < DYN_IN; at++) {
        int o = at / DYN_P, p = at % DYN_P;
        int32_t sum = 0;
        for (int k = 0; k < 2 * DYN_K; k++) {
            int row = p / DYN_H + k % DYN_K / 3 - 1, column = p % DYN_H + k % 3 - 1;
            if (row < 0 || column < 0 || row >= DYN_H || column >= DYN_H) continue;
            sum += (code[(o / 3 * 2 + k / DYN_K) * DYN_P + row * DYN_H + column] - zero) *
                   (net->W[o * 2 * DYN_K + k] - net->w_zero[0]);
        }
        hidden[at] = fmaxf((float)sum * (scale * net->w_scale[0]) + net->bias[o], 0);
    }
    dynamic_codes(hidden, DYN_IN, code, &scale, &zero);
    for (int o = 0; o < DYN_Y; o++) {
        int32_t sum = 0;
        for (int k = 0; k < DYN_IN; k++) sum += (code[k] - zero) * (net->D[k * DYN_Y + o] - net->d_zero[o]);
        y[o] = (float)sum * (scale * net->d_scale[o]) + net->d_bias[o];
    }
}

static void dynamic_dense(onnx_build *b, int form)
{
    static char domain[] = "com.microsoft";
    if (form < 2) {
        build_node(b, "DynamicQuantizeLinear", "q2", "f", NULL, NULL);
        build_output(b, "s2");
        build_output(b, "z2");
    }
    if (form == 0) {
        build_node(b, "MatMulInteger", "m", "q2", "D", "z2");
        build_input(b, "dz");
        build_node(b, "Cast", "mf", "m", NULL, NULL);
        build_attribute(b, "to", 0, (int64_t[]){1}, 0, NULL);
        build_node(b, "Mul", "s", "s2", "ds", NULL);
        build_node(b, "Mul", "r", "mf", "s", NULL);
        build_node(b, "Add", "y", "r", "db", NULL);
        return;
    }
    build_node(b, form == 1 ? "MatMulIntegerToFloat" : "DynamicQuantizeMatMul", "y", form == 1 ? "q2" : "f",
               "D", form == 1 ? "s2" : "ds");
    static const char *const rest[][4] = {{"ds", "z2", "dz", "db"}, {"dz", "db", NULL, NULL}};
    for (int k = 0; k < 4 && rest[form - 1][k]; k++) build_input(b, rest[form - 1][k]);
    b->node[b->graph.n_node - 1].domain = domain;
}

static void dynamic_build(dynamic_net *net, int form)
{
    const int INT8 = ONNX__TENSOR_PROTO__DATA_TYPE__INT8, UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    onnx_build *b = &net->b;
    build_begin(b, 4, (int64_t[]){1, DYN_C, DYN_H, DYN_H}, "y");
    build_ints(b, "W", UINT8, 4, (int64_t[]){DYN_O, 2, 3, 3}, net->W);
    build_ints(b, "wz", UINT8, 1, (int64_t[]){1}, net->w_zero);
    build_floats(b, "ws", 1, (int64_t[]){1}, net->w_scale);
    build_floats(b, "bias", 4, (int64_t[]){1, DYN_O, 1, 1}, net->bias);
    build_ints(b, "D", INT8, 2, (int64_t[]){DYN_IN, DYN_Y}, net->D);
    build_ints(b, "dz", INT8, 1, (int64_t[]){DYN_Y}, net->d_zero);
    build_floats(b, "ds", 1, (int64_t[]){DYN_Y}, net->d_scale);
    build_floats(b, "db", 1, (int64_t[]){DYN_Y}, net->d_bias);
    build_node(b, "DynamicQuantizeLinear", "q", "x", NULL, NULL);
    build_output(b, "sx");
    build_output(b, "zx");
    build_node(b, "Mul", "sw", "sx", "ws", NULL);
    build_node(b, "ConvInteger", "c", "q", "W", "zx");
    build_input(b, "wz");
    build_attribute(b, "group", 0, (int64_t[]){2}, 0, NULL);
    build_attribute(b, "pads", 4, (int64_t[]){1, 1, 1, 1}, 0, NULL);
    build_node(b, "Cast", "cf", "c", NULL, NULL);
    build_attribute(b, "to", 0, (int64_t[]){1}, 0, NULL);
    build_node(b, "Mul", "cs", "cf", "sw", NULL);
    build_node(b, "Add", "cb", "cs", "bias", NULL);
    build_node(b, "Relu", "h", "cb", NULL, NULL);
    build_node(b, "Flatten", "f", "h", NULL, NULL);
    dynamic_dense(b, form);
}

static void dynamic_scales_are_found_for_each_image(void **state)
{
    (void)state;
    static dynamic_net net;
    net.w_scale[0] = 0.013f;
    net.w_zero[0] = 121;
    for (uint32_t k = 0; k < DYN_N * DYN_C * DYN_P; k++) /* of each image its own range */
        net.x[k] = ((float)below(70000 + k, 2001) - 700.0f) / (float)(100 + 300 * (k / (DYN_C * DYN_P)));
    for (uint32_t k = 0; k < DYN_O * 2 * DYN_K; k++) net.W[k] = (int32_t)below(80000 + k, 256);
    for (uint32_t k = 0; k < DYN_IN * DYN_Y; k++) net.D[k] = (int32_t)below(90000 + k, 256) - 128;
    for (int o = 0; o < DYN_O; o++) net.bias[o] = 0.3f * (float)(o - 2);
    for (int o = 0; o < DYN_Y; o++) {
        net.d_scale[o] = 0.004f * (float)(o + 1);
        net.d_zero[o] = 2 * o - 3;
        net.d_bias[o] = (float)o;
    }
    float wanted[DYN_N * DYN_Y], y[DYN_N * DYN_Y], integer[DYN_N * DYN_Y], hooked[DYN_N * DYN_Y];
    for (int i = 0; i < DYN_N; i++) dynamic_wanted(&net, net.x + i * DYN_C * DYN_P, wanted + i * DYN_Y);
    xbtab_images images = {.n = DYN_N, .channels = DYN_C, .height = DYN_H, .width = DYN_H, .pixel = net.x};
    for (int form = 0; form < 3; form++) {
        dynamic_build(&net, form);
        xbtab_network *network = open_network(&net.b);
        xbtab_quantized *q = quantize(network, &images, NULL);
        assert_int_equal(xbtab_quantized_matrices(q), 3);
        for (size_t m = 0; m < 3; m++) assert_int_equal(xbtab_quantized_matrix(q, m)->activation_bits, 8);
        assert_int_equal(xbtab_network_run(network, &images, DYN_N, NULL, y), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &images, DYN_N, NULL, NULL, NULL, integer), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &images, DYN_N, in_64_bits, q, NULL, hooked), XBTAB_OK);
        assert_memory_equal(y, wanted, sizeof y);
        assert_memory_equal(integer, wanted, sizeof y);
        assert_memory_equal(hooked, wanted, sizeof y);
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* Every pair of bits: weights within their range, sums of 600 inputs past 32 bits, and errors that shrink
 * with bits. */
static void all_bits_are_exact(void **state)
{
    (void)state;
    xbtab_network *network = dense();
    float in_float[12], exact[12], hooked[12];
    double last[17] = {0};
    assert_int_equal(xbtab_network_run(network, &dense_images, 4, NULL, in_float), XBTAB_OK);
    for (int w = 1; w <= 16; w++) {
        for (int a = 1; a <= 16; a++) {
            xbtab_quantize_options options = {.weight_bits = w, .activation_bits = a};
            xbtab_quantized *q = quantize(network, &dense_images, &options);
            const xbtab_matrix *m = xbtab_quantized_matrix(q, 0);
            int top = w == 1 ? 1 : (1 << (w - 1)) - 1, most = 0;
            assert_int_equal(m->weight_bits, w == 1 ? 2 : w);
            assert_int_equal(m->activation_bits, a);
            for (size_t k = 0; k < m->inputs * m->outputs; k++) {
                int weight = m->W[k] < 0 ? -m->W[k] : m->W[k];
                most = weight > most ? weight : most;
                assert_true(w > 1 || weight == 1);
            }
            assert_int_equal(most, top);
            assert_int_equal(xbtab_quantized_run(q, &dense_images, 4, NULL, NULL, NULL, exact), XBTAB_OK);
            assert_int_equal(xbtab_quantized_run(q, &dense_images, 4, in_64_bits, q, NULL, hooked), XBTAB_OK);
            assert_memory_equal(exact, hooked, sizeof exact);
            double error = 0;
            for (int k = 0; k < 12; k++) error += pow((double)exact[k] - (double)in_float[k], 2);
            if (a == 16 && w > 2 && !(error < last[w - 1]))
                fail_msg("%d weight bits are no better than one fewer", w);
            if (a == 16) last[w] = error;
            if (w == 16 && a == 16) assert_true(sqrt(error / 12) < 2e-3);
            xbtab_quantized_destroy(&q);
        }
    }
    xbtab_network_destroy(&network);
}

/* The mean output over the calibration images comes back, and ranges of the least error have less of it. */
static void corrections_and_ranges_do_what_they_say(void **state)
{
    (void)state;
    xbtab_network *network = dense();
    float in_float[12], got[12];
    double bias[2] = {0}, error[2] = {0};
    assert_int_equal(xbtab_network_run(network, &dense_images, 4, NULL, in_float), XBTAB_OK);
    for (int way = 0; way < 2; way++) {
        xbtab_quantize_options options = {.weight_bits = 3, .activation_bits = 16, .bias_correction = way};
        xbtab_quantized *q = quantize(network, &dense_images, &options);
        assert_int_equal(xbtab_quantized_run(q, &dense_images, 4, NULL, NULL, NULL, got), XBTAB_OK);
        for (int o = 0; o < 3; o++) {
            double off = 0;
            for (int i = 0; i < 4; i++) off += ((double)got[i * 3 + o] - (double)in_float[i * 3 + o]) / 4;
            bias[way] += fabs(off);
        }
        xbtab_quantized_destroy(&q);
        options = (xbtab_quantize_options){.weight_bits = 2, .activation_bits = 16};
        options.bias_correction = 1; /* what is left is the spread */
        options.weight_range = way ? XBTAB_CLIP_MSE : XBTAB_CLIP_MINMAX;
        q = quantize(network, &dense_images, &options);
        assert_int_equal(xbtab_quantized_run(q, &dense_images, 4, NULL, NULL, NULL, got), XBTAB_OK);
        for (int k = 0; k < 12; k++) error[way] += pow((double)got[k] - (double)in_float[k], 2);
        xbtab_quantized_destroy(&q);
    }
    if (!(bias[1] < 0.02 * bias[0]))
        fail_msg("mean outputs are off by %g, corrected by %g", bias[0], bias[1]);
    if (!(error[1] < error[0])) fail_msg("squared error %g, of the least %g", error[0], error[1]);
    xbtab_network_destroy(&network);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Of 600 weights 99.9 % end between the last two, four tenths of the way. */
static void percentiles_lie_between_weights(void **state)
{
    (void)state;
    xbtab_network *network = dense();
    xbtab_quantize_options options = {.weight_bits = 12, .weight_range = XBTAB_CLIP_PERCENTILE};
    xbtab_quantized *q = quantize(network, &dense_images, &options);
    const xbtab_matrix *m = xbtab_quantized_matrix(q, 0);
    for (size_t o = 0; o < DENSE_OUTPUTS; o++) {
        float size[DENSE_INPUTS];
        for (size_t k = 0; k < DENSE_INPUTS; k++) size[k] = fabsf(dense_W[k * DENSE_OUTPUTS + o]);
        qsort(size, DENSE_INPUTS, sizeof *size, by_size);
        double a = (double)size[DENSE_INPUTS - 2], b = (double)size[DENSE_INPUTS - 1];
        double step = (a + (0.999 * (DENSE_INPUTS - 1) - (DENSE_INPUTS - 2)) * (b - a)) / 2047;
        assert_true(step < b / 2047);
        for (size_t k = 0; k < DENSE_INPUTS; k++) {
            double at = (double)dense_W[k * DENSE_OUTPUTS + o] / step;
            double wanted = fmin(fmax(floor(at + 0.5), -2047), 2047);
            assert_true(m->W[o * DENSE_INPUTS + k] == (int16_t)wanted || fabs(at - floor(at) - 0.5) < 1e-9);
        }
    }
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
}

static void layers_have_their_own_bits(void **state)
{
    (void)state;
    xbtab_network *network = dense();
    xbtab_quantized *q = NULL;
    float in_float[12], got[12];
    xbtab_layer_bits bits[] = {{.name = "y", .weight_bits = 5, .activation_bits = 3}};
    xbtab_quantize_options options = {.layer_bits = bits, .n_layer_bits = 1};
    q = quantize(network, &dense_images, &options);
    assert_int_equal(xbtab_quantized_matrix(q, 0)->weight_bits, 5);
    assert_int_equal(xbtab_quantized_matrix(q, 0)->activation_bits, 3);
    xbtab_quantized_destroy(&q);
    bits[0].weight_bits = XBTAB_BITS_FLOAT; /* and then there is nothing to quantize */
    q = quantize(network, &dense_images, &options);
    assert_int_equal(xbtab_quantized_matrices(q), 0);
    assert_int_equal(xbtab_network_run(network, &dense_images, 4, NULL, in_float), XBTAB_OK);
    assert_int_equal(xbtab_quantized_run(q, &dense_images, 4, NULL, NULL, NULL, got), XBTAB_OK);
    assert_memory_equal(in_float, got, sizeof got);
    xbtab_quantized_destroy(&q);
    bits[0] = (xbtab_layer_bits){.name = "z", .weight_bits = 5};
    assert_int_equal(xbtab_quantized_create(&q, network, &dense_images, &options), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "no layer is called \"z\"; there are: y"));
    bits[0] = (xbtab_layer_bits){.name = "y", .weight_bits = 17};
    assert_int_equal(xbtab_quantized_create(&q, network, &dense_images, &options), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "1 to 16 are supported"));
    options = (xbtab_quantize_options){.percentile = 0.3};
    assert_int_equal(xbtab_quantized_create(&q, network, &dense_images, &options), XBTAB_ERR_INPUT);
    xbtab_network_destroy(&network);
}

/* Weights must be finite; activations that are not become the ends of their codes, and a NaN the lowest. */
static void numbers_that_are_not_finite_end_well(void **state)
{
    (void)state;
    xbtab_network *network = NULL;
    xbtab_quantized *q = NULL;
    float x[4] = {-1, 0, 2, 1}, W[4] = {1, INFINITY, 1, 1}, zero[1] = {0}, y[1];
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = 4, .pixel = x};
    for (int way = 0; way < 3;
         way++) { /* weights; activations in integers, and in real numbers between layers */
        onnx_build b;
        build_begin(&b, 2, (int64_t[]){1, 4}, "y");
        build_floats(&b, "W", 2, (int64_t[]){4, 1}, W);
        build_floats(&b, "zero", 1, (int64_t[]){1}, zero);
        build_floats(&b, "V", 2, (int64_t[]){1, 1}, W);
        build_node(&b, "Div", "d", "x", "zero", NULL);
        build_node(&b, "MatMul", "m", way == 1 ? "x" : "d", "W", NULL);
        build_node(&b, way == 2 ? "Exp" : "Relu", "e", "m", NULL, NULL);
        build_node(&b, "MatMul", "y", "e", "V", NULL);
        network = open_network(&b);
        xbtab_status status = xbtab_quantized_create(&q, network, &images, NULL);
        assert_int_equal(status, way == 0 ? XBTAB_ERR_INPUT : XBTAB_OK);
        if (way == 0)
            assert_non_null(strstr(xbtab_error_message(), "node \"m\" (MatMul): a weight is not finite"));
        if (way > 0) {
            status = xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y);
            assert_int_equal(status, way == 1 ? XBTAB_OK : XBTAB_ERR_INPUT);
        }
        if (way == 2) /* 0 / 0 */
            assert_non_null(
                strstr(xbtab_error_message(), "node \"m\" (MatMul): its input \"d\" is not a number"));
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
        W[1] = way == 0 ? 3e38f : 1;
        x[0] = way == 0 ? 3e38f : -1;
    }
}

static void layer_bits_survive_a_file(void **state)
{
    (void)state;
    const xbtab_layer_bits bits[] = {{.name = "conv/1's", .weight_bits = 4, .activation_bits = 8},
                                     {.name = "b: #", .weight_bits = XBTAB_BITS_FLOAT},
                                     {.name = "c", .activation_bits = 16}};
    xbtab_layer_bits *back = NULL;
    size_t n = 0;
    assert_int_equal(xbtab_layer_bits_save(bits, 3, path), XBTAB_OK);
    if (xbtab_layer_bits_open(&back, &n, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(n, 3);
    for (size_t k = 0; k < 3; k++) {
        assert_string_equal(back[k].name, bits[k].name);
        assert_int_equal(back[k].weight_bits, bits[k].weight_bits);
        assert_int_equal(back[k].activation_bits, bits[k].activation_bits);
    }
    free(back);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "layers:\n  - {name: a, weight_bits: 17}\n");
    fclose(file);
    assert_int_equal(xbtab_layer_bits_open(&back, &n, path), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), ":2: layers[0].weight_bits"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qlinear_conv_is_exact),
        cmocka_unit_test(dynamic_scales_are_found_for_each_image),
        cmocka_unit_test(all_bits_are_exact),
        cmocka_unit_test(corrections_and_ranges_do_what_they_say),
        cmocka_unit_test(percentiles_lie_between_weights),
        cmocka_unit_test(layers_have_their_own_bits),
        cmocka_unit_test(numbers_that_are_not_finite_end_well),
        cmocka_unit_test(layer_bits_survive_a_file),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
