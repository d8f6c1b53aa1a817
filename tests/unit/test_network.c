/* test_network.c - operators against plain code written from ONNX's definitions, and what must be refused. */
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

static void fill(float *x, size_t n, uint32_t id)
{
    xbtab__random random;
    xbtab__random_init(&random, 17, XBTAB__RANDOM_TEST, id, 0);
    for (size_t k = 0; k < n; k++) x[k] = (float)(2.0 * xbtab__random_uniform(&random) - 0.9);
}

static void run(const onnx_build *b, xbtab_images *images, float *outputs, size_t n_outputs)
{
    xbtab_network *network = NULL;
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(network), n_outputs);
    if (xbtab_network_run(network, images, images->n, NULL, outputs) < 0)
        fail_msg("%s", xbtab_error_message());
    xbtab_network_destroy(&network);
    assert_null(network);
}

typedef struct convolution {
    int channels, height, width, outputs, kernel_y, kernel_x, stride_y, stride_x, dilation_y, dilation_x,
        group;
    int pads[4]; /* top, left, bottom, right */
    const char *auto_pad;
    int out_height, out_width, pad_top, pad_left; /* worked out by hand */
} convolution;

static void convolutions_follow_their_definition(void **state)
{
    (void)state;
    static const convolution cases[] = {
        {2, 7, 9, 3, 3, 2, 1, 1, 1, 1, 1, {0, 0, 0, 0}, NULL, 5, 8, 0, 0},
        {3, 8, 7, 4, 3, 3, 2, 2, 1, 1, 1, {1, 1, 1, 1}, NULL, 4, 4, 1, 1},
        {2, 9, 11, 2, 3, 3, 1, 2, 2, 3, 1, {2, 0, 1, 3}, NULL, 8, 4, 2, 0},
        {4, 6, 5, 6, 3, 3, 1, 1, 1, 1, 2, {1, 1, 1, 1}, NULL, 6, 5, 1, 1},
        {3, 6, 5, 3, 2, 3, 1, 1, 1, 1, 3, {0, 0, 0, 0}, NULL, 5, 3, 0, 0}, /* depthwise */
        {1, 7, 7, 2, 4, 4, 2, 2, 1, 1, 1, {0, 0, 0, 0}, "SAME_UPPER", 4, 4, 1, 1},
        {1, 7, 7, 2, 4, 4, 2, 2, 1, 1, 1, {0, 0, 0, 0}, "SAME_LOWER", 4, 4, 2, 2},
        {1, 7, 7, 2, 4, 4, 2, 2, 1, 1, 1, {0, 0, 0, 0}, "VALID", 2, 2, 0, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const convolution *c = &cases[k];
        float x[400], W[400], bias[8], y[400];
        onnx_build b;
        int per_group = c->channels / c->group, outputs = c->outputs * c->out_height * c->out_width;
        fill(x, sizeof x / sizeof *x, (uint32_t)k);
        fill(W, sizeof W / sizeof *W, 100 + (uint32_t)k);
        fill(bias, 8, 200 + (uint32_t)k);
        build_begin(&b, 4, (int64_t[]){1, c->channels, c->height, c->width}, "y");
        build_floats(&b, "W", 4, (int64_t[]){c->outputs, per_group, c->kernel_y, c->kernel_x}, W);
        build_floats(&b, "b", 1, (int64_t[]){c->outputs}, bias);
        build_node(&b, "Conv", "y", "x", "W", "b");
        build_attribute(&b, "strides", 2, (int64_t[]){c->stride_y, c->stride_x}, 0, NULL);
        build_attribute(&b, "dilations", 2, (int64_t[]){c->dilation_y, c->dilation_x}, 0, NULL);
        build_attribute(&b, "group", 0, (int64_t[]){c->group}, 0, NULL);
        if (c->auto_pad) {
            build_attribute(&b, "auto_pad", 0, NULL, 0, c->auto_pad);
        } else {
            build_attribute(&b, "pads", 4, (int64_t[]){c->pads[0], c->pads[1], c->pads[2], c->pads[3]}, 0,
                            NULL);
        }
        xbtab_images images = {.n = 1,
                               .channels = (size_t)c->channels,
                               .height = (size_t)c->height,
                               .width = (size_t)c->width,
                               .pixel = x};
        run(&b, &images, y, (size_t)outputs);
        for (int o = 0, at = 0; o < c->outputs; o++) {
            for (int oy = 0; oy < c->out_height; oy++) {
                for (int ox = 0; ox < c->out_width; ox++, at++) {
                    double sum = (double)bias[o];
                    for (int i = 0; i < per_group; i++) {
                        for (int ky = 0; ky < c->kernel_y; ky++) {
                            for (int kx = 0; kx < c->kernel_x; kx++) {
                                int iy = oy * c->stride_y + ky * c->dilation_y - c->pad_top;
                                int ix = ox * c->stride_x + kx * c->dilation_x - c->pad_left;
                                int channel = o / (c->outputs / c->group) * per_group + i;
                                if (iy < 0 || ix < 0 || iy >= c->height || ix >= c->width) continue;
                                sum +=
                                    (double)W[((o * per_group + i) * c->kernel_y + ky) * c->kernel_x + kx] *
                                    (double)x[(channel * c->height + iy) * c->width + ix];
                            }
                        }
                    }
                    if (fabs((double)y[at] - sum) > 1e-5) {
                        fail_msg("case %zu, output %d: %g instead of %g", k, at, (double)y[at], sum);
                    }
                }
            }
        }
    }
}

static void pools_follow_their_definition(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int kernel, stride, pad, ceil_mode, count_pad, out;
    } cases[] = {{"MaxPool", 3, 2, 0, 0, 0, 3},     {"MaxPool", 2, 2, 0, 0, 0, 3},
                 {"MaxPool", 2, 2, 0, 1, 0, 4},     {"MaxPool", 3, 2, 1, 0, 0, 4},
                 {"AveragePool", 3, 2, 1, 0, 0, 4}, {"AveragePool", 3, 2, 1, 0, 1, 4},
                 {"AveragePool", 2, 1, 0, 0, 0, 6}, {"GlobalAveragePool", 7, 1, 0, 0, 0, 1}};
    enum { SIDE = 7, CHANNELS = 2 };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        float x[CHANNELS * SIDE * SIDE], y[100];
        onnx_build b;
        bool is_max = cases[k].type[0] == 'M';
        fill(x, sizeof x / sizeof *x, 300 + (uint32_t)k);
        build_begin(&b, 4, (int64_t[]){1, CHANNELS, SIDE, SIDE}, "y");
        build_node(&b, cases[k].type, "y", "x", NULL, NULL);
        if (cases[k].type[0] != 'G') {
            build_attribute(&b, "kernel_shape", 2, (int64_t[]){cases[k].kernel, cases[k].kernel}, 0, NULL);
            build_attribute(&b, "strides", 2, (int64_t[]){cases[k].stride, cases[k].stride}, 0, NULL);
            build_attribute(&b, "pads", 4,
                            (int64_t[]){cases[k].pad, cases[k].pad, cases[k].pad, cases[k].pad}, 0, NULL);
            build_attribute(&b, "ceil_mode", 0, (int64_t[]){cases[k].ceil_mode}, 0, NULL);
            if (!is_max)
                build_attribute(&b, "count_include_pad", 0, (int64_t[]){cases[k].count_pad}, 0, NULL);
        }
        xbtab_images images = {.n = 1, .channels = CHANNELS, .height = SIDE, .width = SIDE, .pixel = x};
        int out = cases[k].out;
        run(&b, &images, y, (size_t)(CHANNELS * out * out));
        for (int at = 0; at < CHANNELS * out * out; at++) {
            int c = at / (out * out), oy = at / out % out, ox = at % out, count = 0;
            double most = -1e9, sum = 0;
            for (int ky = 0; ky < cases[k].kernel; ky++) {
                for (int kx = 0; kx < cases[k].kernel; kx++) {
                    int iy = oy * cases[k].stride + ky - cases[k].pad,
                        ix = ox * cases[k].stride + kx - cases[k].pad;
                    bool inside = iy >= 0 && ix >= 0 && iy < SIDE && ix < SIDE;
                    double v = inside ? (double)x[(c * SIDE + iy) * SIDE + ix] : 0;
                    if (inside && v > most) most = v;
                    sum += v;
                    count += inside || cases[k].count_pad;
                }
            }
            double wanted = is_max ? most : sum / count;
            if (fabs((double)y[at] - wanted) > 1e-6)
                fail_msg("case %zu, output %d: %g, not %g", k, at, (double)y[at], wanted);
        }
    }
}

static void dense_layers_shapes_and_sums(void **state)
{
    (void)state;
    float x[12], W[30], bias[5], y[5], ones[5] = {1, 1, 1, 1, 1};
    int64_t shape[] = {0, -1}, turned[] = {5, 6};
    onnx_build b;
    fill(x, 12, 400);
    fill(W, 30, 401);
    fill(bias, 5, 402);
    xbtab_images images = {.n = 2, .channels = 1, .height = 2, .width = 3, .pixel = x};
    float both[10];
    /* Reshape, a reshaped constant weight, Gemm with transB, alpha and beta, Add as a bias, Relu */
    build_begin(&b, 4, (int64_t[]){1, 1, 2, 3}, "y");
    build_longs(&b, "flat_shape", 2, shape);
    build_longs(&b, "weight_shape", 2, turned);
    build_floats(&b, "W", 3, (int64_t[]){5, 2, 3}, W);
    build_floats(&b, "b", 1, (int64_t[]){5}, bias);
    build_floats(&b, "one", 2, (int64_t[]){1, 5}, ones);
    build_node(&b, "Reshape", "flat", "x", "flat_shape", NULL);
    build_node(&b, "Reshape", "W2", "W", "weight_shape", NULL);
    build_node(&b, "Gemm", "gemm", "flat", "W2", "b");
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_attribute(&b, "alpha", 0, NULL, 1.5f, NULL);
    build_attribute(&b, "beta", 0, NULL, 0.5f, NULL);
    build_node(&b, "Add", "sum", "one", "gemm", NULL);
    build_node(&b, "Relu", "y", "sum", NULL, NULL);
    run(&b, &images, both, 5);
    for (int v = 0; v < 2; v++) {
        for (int o = 0; o < 5; o++) {
            double sum = 1.0 + 0.5 * (double)bias[o];
            for (int k = 0; k < 6; k++) sum += 1.5 * (double)W[o * 6 + k] * (double)x[v * 6 + k];
            assert_true(fabs((double)both[v * 5 + o] - fmax(sum, 0)) < 1e-5);
        }
    }
    /* Flatten, MatMul, a residual Add, Softmax */
    build_begin(&b, 4, (int64_t[]){1, 1, 2, 3}, "y");
    build_floats(&b, "W", 2, (int64_t[]){6, 5}, W);
    build_node(&b, "Flatten", "flat", "x", NULL, NULL);
    build_node(&b, "MatMul", "z", "flat", "W", NULL);
    build_node(&b, "Relu", "r", "z", NULL, NULL);
    build_node(&b, "Add", "s", "r", "z", NULL);
    build_node(&b, "Softmax", "y", "s", NULL, NULL);
    images.n = 1;
    run(&b, &images, y, 5);
    double e[5], total = 0;
    for (int o = 0; o < 5; o++) {
        double z = 0;
        for (int k = 0; k < 6; k++) z += (double)W[k * 5 + o] * (double)x[k];
        total += e[o] = exp(z + fmax(z, 0));
    }
    for (int o = 0; o < 5; o++) assert_true(fabs((double)y[o] - e[o] / total) < 1e-6);
}

/* A row and a column of as many numbers each make a matrix: in integers too, and no number is read from
 * behind them. */
static void sums_may_broadcast_crosswise(void **state)
{
    (void)state;
    float x[3] = {0.25f, -1, 3}, y[9];
    int64_t row[] = {1, 1, 3}, column[] = {1, 3, 1};
    onnx_build b;
    xbtab_network *network = NULL;
    xbtab_quantized *quantized = NULL;
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = 3, .pixel = x};
    build_begin(&b, 4, (int64_t[]){1, 1, 1, 3}, "y");
    build_longs(&b, "row_shape", 3, row);
    build_longs(&b, "column_shape", 3, column);
    build_node(&b, "Reshape", "row", "x", "row_shape", NULL);
    build_node(&b, "Reshape", "column", "x", "column_shape", NULL);
    build_node(&b, "Add", "y", "row", "column", NULL);
    build_write(&b, path);
    assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
    assert_int_equal(xbtab_network_outputs(network), 9);
    assert_int_equal(xbtab_quantized_create(&quantized, network, &images, NULL), XBTAB_OK);
    for (int way = 0; way < 2; way++) {
        memset(y, 0, sizeof y);
        xbtab_status status = way ? xbtab_quantized_run(quantized, &images, 1, NULL, NULL, NULL, y)
                                  : xbtab_network_run(network, &images, 1, NULL, y);
        assert_int_equal(status, XBTAB_OK);
        for (int k = 0; k < 9; k++) assert_true(y[k] == x[k % 3] + x[k / 3]);
    }
    xbtab_quantized_destroy(&quantized);
    xbtab_network_destroy(&network);
}

/* A file with scales of its own takes no other bits. */
static void quantized_files_keep_their_bits(void **state)
{
    (void)state;
    float x[4] = {0.1f, 0.7f, 0.5f, 1}, scale[1] = {0.25f}, W[4] = {1, -2, 3, 0.5f};
    onnx_build b;
    xbtab_network *network = NULL;
    xbtab_quantized *quantized = NULL;
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = 4, .pixel = x};
    build_begin(&b, 2, (int64_t[]){1, 4}, "y");
    build_floats(&b, "s", 1, (int64_t[]){1}, scale);
    build_floats(&b, "W", 2, (int64_t[]){4, 1}, W);
    build_node(&b, "QuantizeLinear", "q", "x", "s", NULL);
    build_node(&b, "DequantizeLinear", "d", "q", "s", NULL);
    build_node(&b, "MatMul", "y", "d", "W", NULL);
    build_write(&b, path);
    assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
    xbtab_quantize_options options = {.activation_bits = 4};
    assert_int_equal(xbtab_quantized_create(&quantized, network, &images, &options), XBTAB_ERR_UNSUPPORTED);
    assert_non_null(strstr(xbtab_error_message(), "its own bits hold"));
    assert_null(quantized);
    assert_int_equal(xbtab_quantized_create(&quantized, network, &images, NULL), XBTAB_OK);
    assert_int_equal(xbtab_quantized_matrix(quantized, 0)->activation_bits, 8);
    xbtab_quantized_destroy(&quantized);
    xbtab_network_destroy(&network);
}

static void refused(const onnx_build *b, xbtab_status status, const char *words)
{
    xbtab_network *network = NULL;
    build_write(b, path);
    xbtab_status got = xbtab_network_open(&network, path);
    if (got != status || !strstr(xbtab_error_message(), words))
        fail_msg("%d: %s", got, xbtab_error_message());
    assert_null(network);
}

static void what_cannot_run_is_named(void **state)
{
    (void)state;
    float W[24];
    onnx_build b;
    fill(W, 24, 500);
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "y");
    build_node(&b, "GridSample", "y", "x", NULL, NULL);
    refused(&b, XBTAB_ERR_UNSUPPORTED,
            "node \"y\": operator GridSample is not supported; there are: Abs, Acos,");
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "y");
    build_node(&b, "Relu", "y", "nowhere", NULL, NULL);
    refused(&b, XBTAB_ERR_INPUT, "\"nowhere\" comes from no node before it");
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "missing");
    build_node(&b, "Relu", "y", "x", NULL, NULL);
    refused(&b, XBTAB_ERR_INPUT, "its output comes from no node");
    build_begin(&b, 4, (int64_t[]){1, 2, 4, 4}, "y");
    build_floats(&b, "W", 4, (int64_t[]){2, 3, 2, 2}, W);
    build_node(&b, "Conv", "y", "x", "W", NULL);
    refused(&b, XBTAB_ERR_INPUT, "weights for 3 channels in 1 groups on 2 channels");
    build_begin(&b, 4, (int64_t[]){1, 1, 2, 2}, "y");
    build_floats(&b, "W", 4, (int64_t[]){1, 1, 3, 3}, W);
    build_node(&b, "Conv", "y", "x", "W", NULL);
    refused(&b, XBTAB_ERR_INPUT, "its window is larger than its input");
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "y");
    build_node(&b, "Concat", "y", "x", "", "x");
    build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
    refused(&b, XBTAB_ERR_INPUT, "input 1 is left out");
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "y");
    b.opset.version = 9;
    build_node(&b, "Slice", "y", "x", NULL, NULL);
    build_attribute(&b, "starts", 2, (int64_t[]){0, 1}, 0, NULL);
    build_attribute(&b, "ends", 2, (int64_t[]){1, 1}, 0, NULL);
    refused(&b, XBTAB_ERR_INPUT, "its output has no numbers");
    build_node(&b, "Sigmoid", "z", "y", NULL, NULL);
    b.graph.output[0]->name = build_text("z");
    refused(&b, XBTAB_ERR_UNSUPPORTED, "node \"z\" (Sigmoid): its input \"y\" is empty");
    build_begin(&b, 4, (int64_t[]){1, 1 << 20, 1 << 20, 4}, "y");
    build_node(&b, "Relu", "y", "x", NULL, NULL);
    refused(&b, XBTAB_ERR_INPUT, "implausible size");
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "y");
    b.opset.version = 99;
    build_node(&b, "Relu", "y", "x", NULL, NULL);
    refused(&b, XBTAB_ERR_UNSUPPORTED, "opset 99; 1 to 22 are supported");
    build_begin(&b, 4, (int64_t[]){1, 1, 4, 4}, "y");
    build_floats(&b, "W", 4, (int64_t[]){2, 3, 2, 2}, W);
    b.tensor[0].n_float_data = 23;
    build_node(&b, "Relu", "y", "x", NULL, NULL);
    refused(&b, XBTAB_ERR_INPUT, "has 23 numbers for a shape of 24");
}

/* Truncations and single-byte changes of a real file: any answer but a crash or a huge allocation. */
static void damaged_files_are_refused(void **state)
{
    (void)state;
    static char bytes[1 << 17];
    FILE *file = fopen(XBARTAB_SOURCE_FOLDER "/data/networks/digits.onnx", "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in_range(n, 1000, sizeof bytes - 1);
    xbtab__random random;
    xbtab__random_init(&random, 5, XBTAB__RANDOM_TEST, 0, 0);
    int n_opened = 0;
    for (int k = 0; k < 600; k++) {
        xbtab_network *network = NULL;
        bool is_cut = k % 2 == 0;
        size_t length = is_cut ? xbtab__random_below(&random, (uint32_t)n) : n,
               at = xbtab__random_below(&random, 1200);
        char kept = bytes[at];
        if (!is_cut) bytes[at] = (char)xbtab__random_u32(&random);
        file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        fclose(file);
        bytes[at] = kept;
        if (xbtab_network_open(&network, path) == XBTAB_OK) {
            n_opened++;
            xbtab_network_destroy(&network);
        } else {
            assert_non_null(strstr(xbtab_error_message(), path));
        }
        if (is_cut && length < n) assert_null(network);
    }
    assert_in_range(n_opened, 1, 299); /* names and weights may change without harm */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_follow_their_definition),
        cmocka_unit_test(pools_follow_their_definition),
        cmocka_unit_test(dense_layers_shapes_and_sums),
        cmocka_unit_test(sums_may_broadcast_crosswise),
        cmocka_unit_test(quantized_files_keep_their_bits),
        cmocka_unit_test(what_cannot_run_is_named),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
