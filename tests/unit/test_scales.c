/* test_scales.c - quantized layers whose inputs have scales of their own: exact integers, or refused.
 * Expected numbers are sums of the file's integers and scales, by hand. */
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
#include "sinh_tables.h"

enum { C = 3, H = 2, W = 4, P = H * W, N = C * P, O = 2, UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 };

static float x[N], steps_of_x[C], steps_of_w[C], weights[O * N];
static int32_t zeros[C], whole[O * N], no_zeros[C];
static const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = N, .pixel = x};

static const float even[C] = {0.25f, 0.5f, 1.0f}, thirds[C] = {0.3f, 0.7f, 0.11f}, one[C] = {1, 1, 1},
                   dyadic[C] = {1.0f, 0.5f, 0.25f}, of_two[C] = {0.3f, 0.7f, 0.3f};

static void set_numbers(const float *of_x, const float *of_w, const int32_t *zero)
{
    for (int k = 0; k < N; k++) x[k] = (float)((k * 37) % 23 - 7) * 0.17f;
    for (int k = 0; k < O * N; k++) whole[k] = (k * 5) % 7 - 3;
    for (int c = 0; c < C; c++) {
        steps_of_x[c] = of_x[c];
        steps_of_w[c] = of_w[c];
        zeros[c] = zero[c];
        no_zeros[c] = 0;
    }
}

/* The integer less its zero that QuantizeLinear makes of x[k], a number of channel c. */
static double code_of(int k, int c)
{
    double q = rint((double)(x[k] / steps_of_x[c])) + zeros[c];
    return fmin(fmax(q, 0), 255) - zeros[c];
}

/* x as [1][C][H][W], quantized on its channels, comes out as "q"; weights of a scale each input channel as
 * "v", of the shape given, with channels on the axis given. */
static void begin(onnx_build *b, size_t rank, const int64_t *dim, int axis)
{
    build_begin(b, 2, (int64_t[]){1, N}, "y");
    static int64_t shape[4] = {1, C, H, W};
    build_longs(b, "shape", 4, shape);
    build_floats(b, "sx", 1, (int64_t[]){C}, steps_of_x);
    build_ints(b, "zx", UINT8, 1, (int64_t[]){C}, zeros);
    build_floats(b, "sw", 1, (int64_t[]){dim[axis]}, steps_of_w);
    build_ints(b, "zw", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, (int64_t[]){dim[axis]}, no_zeros);
    build_ints(b, "w", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, rank, dim, whole);
    build_node(b, "Reshape", "r", "x", "shape", NULL);
    build_node(b, "QuantizeLinear", "i", "r", "sx", "zx");
    build_node(b, "DequantizeLinear", "q", "i", "sx", "zx");
    build_node(b, "DequantizeLinear", "v", "w", "sw", "zw");
    build_attribute(b, "axis", 0, (int64_t[]){axis}, 0, NULL);
}

static xbtab_quantized *quantized_of(const onnx_build *b, xbtab_network **network)
{
    xbtab_quantized *q = NULL;
    build_write(b, path);
    if (xbtab_network_open(network, path) < 0) fail_msg("%s", xbtab_error_message());
    if (xbtab_quantized_create(&q, *network, &images, NULL) < 0) fail_msg("%s", xbtab_error_message());
    return q;
}

/* Ideal tiles with a wide ADC, smaller than the matrices, answer as the integers do. */
static void expect_on_tiles(const xbtab_quantized *q, const float *y, size_t n)
{
    const sinh_design d = {.rows = 7, .columns = 20, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 0.43};
    xbtab_tables *tables = sinh_tables(&d);
    xbtab_technology *technology = NULL;
    xbtab_mapped *mapped = NULL;
    float on_tiles[N];
    assert_int_equal(xbtab_technology_create(&technology, tables), XBTAB_OK);
    const xbtab_engine_setup setup = {.technology = technology, .adc_bits = 20};
    const xbtab_map_options options = {.run = {.threads = 2}};
    if (xbtab_mapped_create(&mapped, q, &setup, &xbtab_engine_ideal, &options) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_mapped_run(mapped, &images, 1, &options.run, on_tiles, NULL), XBTAB_OK);
    assert_memory_equal(on_tiles, y, n * sizeof *y);
    xbtab_mapped_destroy(&mapped);
    xbtab_technology_destroy(&technology);
    xbtab_tables_destroy(&tables);
}

/* Run in integers; n outputs are `wanted` but for what one float rounds. */
static void expect(const onnx_build *b, const double *wanted, size_t n, size_t matrices, int weight_bits)
{
    float y[N];
    xbtab_network *network = NULL;
    xbtab_quantized *q = quantized_of(b, &network);
    assert_int_equal(xbtab_quantized_outputs(q), n);
    assert_int_equal(xbtab_quantized_matrices(q), matrices);
    for (size_t m = 0; m < matrices; m++) {
        assert_int_equal(xbtab_quantized_matrix(q, m)->weight_bits, weight_bits);
        assert_int_equal(xbtab_quantized_matrix(q, m)->group, m);
    }
    assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y), XBTAB_OK);
    for (size_t k = 0; k < n; k++) {
        if (fabs((double)y[k] - wanted[k]) > 4e-7 * (1 + fabs(wanted[k])))
            fail_msg("output %zu is %.9g, not %.9g", k, (double)y[k], wanted[k]);
    }
    expect_on_tiles(q, y, n);
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
}

static void refused(const onnx_build *b, const char *words)
{
    xbtab_network *network = NULL;
    xbtab_quantized *q = NULL;
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_ERR_UNSUPPORTED);
    if (!strstr(xbtab_error_message(), words)) fail_msg("%s", xbtab_error_message());
    assert_null(q);
    xbtab_network_destroy(&network);
}

/* A dense convolution of 2 x 2 with its channels' scales, pads of a column and a row at the end. */
static void dense_convolutions(void **state)
{
    (void)state;
    static const int32_t none[C] = {0, 0, 0}, some[C] = {128, 100, 131};
    static const struct {
        const float *of_x, *of_w;
        const int32_t *zero;
        size_t matrices;
        int weight_bits;
    } cases[] = {{even, one, none, 1, 5},    /* factors 1, 2, 4 in the weights: 12 */
                 {even, dyadic, none, 1, 3}, /* a quarter throughout */
                 {thirds, one, none, 3, 3},  /* a matrix a channel */
                 {of_two, one, some, 2, 3},  /* the first and the last channel together */
                 {one, thirds, some, 3, 3},  /* the same of weights */
                 {one, dyadic, none, 1, 5},  {thirds, thirds, some, 3, 3}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        onnx_build b;
        double wanted[O * P];
        set_numbers(cases[k].of_x, cases[k].of_w, cases[k].zero);
        begin(&b, 4, (int64_t[]){O, C, 2, 2}, 1);
        build_node(&b, "Conv", "y", "q", "v", NULL);
        build_attribute(&b, "pads", 4, (int64_t[]){0, 0, 1, 1}, 0, NULL);
        for (int at = 0; at < O * P; at++) {
            int o = at / P, row = at % P / W, column = at % W;
            wanted[at] = 0;
            for (int c = 0; c < C; c++) {
                for (int t = 0; t < 4; t++) {
                    int i = row + t / 2, j = column + t % 2;
                    if (i >= H || j >= W) continue;
                    wanted[at] += (double)steps_of_x[c] * (double)steps_of_w[c] *
                                  code_of((c * H + i) * W + j, c) * whole[(o * C + c) * 4 + t];
                }
            }
        }
        expect(&b, wanted, O * P, cases[k].matrices, cases[k].weight_bits);
    }
}

/* What moves the numbers takes their scales along: a matrix behind Flatten, or Transpose and Reshape, Relu
 * and a product with a number for each channel. */
static void dense_layers_behind_what_moves(void **state)
{
    (void)state;
    static const int32_t some[C] = {128, 100, 131};
    for (int way = 0; way < 4; way++) {
        onnx_build b;
        double wanted[O];
        set_numbers(thirds, one, some);
        begin(&b, 2, (int64_t[]){N, O}, 1);
        build_longs(&b, "flat", 2, (int64_t[]){1, N});
        build_floats(&b, "times", 3, (int64_t[]){C, 1, 1}, steps_of_x);
        if (way == 0) build_node(&b, "Flatten", "f", "q", NULL, NULL);
        if (way == 1) {
            build_node(&b, "Transpose", "t", "q", NULL, NULL);
            build_attribute(&b, "perm", 4, (int64_t[]){0, 2, 3, 1}, 0, NULL);
            build_node(&b, "Reshape", "f", "t", "flat", NULL);
        }
        if (way >= 2) {
            build_node(&b, way == 2 ? "Relu" : "Mul", "u", "q", way == 2 ? NULL : "times", NULL);
            build_node(&b, "Flatten", "f", "u", NULL, NULL);
        }
        build_node(&b, "MatMul", "y", "f", "v", NULL);
        for (int o = 0; o < O; o++) {
            wanted[o] = 0;
            for (int k = 0; k < N; k++) {
                int place = way == 1 ? k % C * P + k / C : k, c = place / P;
                double q = code_of(place, c), times = way == 3 ? (double)steps_of_x[c] : 1.0;
                if (way == 2) q = fmax(q, 0);
                wanted[o] += times * (double)steps_of_x[c] * (double)steps_of_w[o] * q * whole[k * O + o];
            }
        }
        expect(&b, wanted, O, 3, 3);
    }
}

/* A Gemm's alpha multiplies the steps of each input's weights. */
static void alpha_of_single_inputs(void **state)
{
    (void)state;
    static const float alphas[] = {0.75f, -0.3f, 1.0f};
    static const int32_t none[C] = {0, 0, 0};
    int32_t no_zero[N] = {0};
    float of_input[N], step[1] = {0.3f};
    for (int k = 0; k < N; k++) of_input[k] = k % 2 ? 0.5f : 0.25f;
    for (size_t a = 0; a < sizeof alphas / sizeof alphas[0]; a++) {
        onnx_build b;
        double wanted[O];
        set_numbers(even, one, none);
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "sx", 1, (int64_t[]){1}, step);
        build_ints(&b, "zx", UINT8, 1, (int64_t[]){1}, (int32_t[]){0});
        build_floats(&b, "sw", 1, (int64_t[]){N}, of_input);
        build_ints(&b, "zw", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, (int64_t[]){N}, no_zero);
        build_ints(&b, "w", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 2, (int64_t[]){N, O}, whole);
        build_node(&b, "QuantizeLinear", "i", "x", "sx", "zx");
        build_node(&b, "DequantizeLinear", "q", "i", "sx", "zx");
        build_node(&b, "DequantizeLinear", "v", "w", "sw", "zw");
        build_attribute(&b, "axis", 0, (int64_t[]){0}, 0, NULL);
        build_node(&b, "Gemm", "y", "q", "v", NULL);
        build_attribute(&b, "alpha", 0, NULL, alphas[a], NULL);
        for (int o = 0; o < O; o++) {
            wanted[o] = 0;
            for (int k = 0; k < N; k++) {
                double code = fmax(rint((double)(x[k] / step[0])), 0);
                wanted[o] +=
                    (double)alphas[a] * (double)step[0] * (double)of_input[k] * code * whole[k * O + o];
            }
        }
        expect(&b, wanted, O, 1, 4); /* twice the weights of every second input: 6 */
    }
}

/* Weights of 16 bits are quotients of floats, which are further from whole numbers the larger they are. */
static void weights_of_16_bits_are_whole(void **state)
{
    (void)state;
    static const int32_t none[C] = {0, 0, 0};
    float step[1] = {0.3f};
    for (int n = 0; n < 40; n++) {
        onnx_build b;
        xbtab_network *network = NULL;
        int32_t wide[N];
        float of_w[1] = {1e-4f * (1.0f + 0.0137f * (float)n)};
        set_numbers(even, one, none);
        for (int k = 0; k < N; k++) wide[k] = (k % 2 ? -1 : 1) * (32767 - 997 * k - n);
        build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "sx", 1, (int64_t[]){1}, step);
        build_ints(&b, "zx", UINT8, 1, (int64_t[]){1}, (int32_t[]){0});
        build_floats(&b, "sw", 1, (int64_t[]){1}, of_w);
        build_ints(&b, "zw", ONNX__TENSOR_PROTO__DATA_TYPE__INT16, 1, (int64_t[]){1}, (int32_t[]){0});
        build_ints(&b, "w", ONNX__TENSOR_PROTO__DATA_TYPE__INT16, 2, (int64_t[]){N, 1}, wide);
        build_node(&b, "QuantizeLinear", "i", "x", "sx", "zx");
        build_node(&b, "DequantizeLinear", "q", "i", "sx", "zx");
        build_node(&b, "DequantizeLinear", "v", "w", "sw", "zw");
        build_node(&b, "MatMul", "y", "q", "v", NULL);
        xbtab_quantized *q = quantized_of(&b, &network);
        const xbtab_matrix *m = xbtab_quantized_matrix(q, 0);
        for (int k = 0; k < N; k++) assert_int_equal(m->W[k], wide[k]);
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* Parts of a tensor with scales and zeros of their own. */
static void joined_tensors(void **state)
{
    (void)state;
    static const int32_t none[C] = {0, 0, 0};
    static float s[2] = {0.3f, 0.7f};
    static int32_t z[2] = {128, 5};
    onnx_build b;
    double wanted[O] = {0};
    set_numbers(one, one, none);
    begin(&b, 2, (int64_t[]){2 * N, O}, 1);
    static int32_t both[2 * N * O];
    for (int k = 0; k < 2 * N * O; k++) both[k] = (k * 5) % 7 - 3;
    build_ints(&b, "ww", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 2, (int64_t[]){2 * N, O}, both);
    build_floats(&b, "s0", 1, (int64_t[]){1}, &s[0]);
    build_floats(&b, "s1", 1, (int64_t[]){1}, &s[1]);
    build_ints(&b, "z0", UINT8, 1, (int64_t[]){1}, &z[0]);
    build_ints(&b, "z1", UINT8, 1, (int64_t[]){1}, &z[1]);
    build_node(&b, "QuantizeLinear", "i0", "x", "s0", "z0");
    build_node(&b, "DequantizeLinear", "q0", "i0", "s0", "z0");
    build_node(&b, "QuantizeLinear", "i1", "x", "s1", "z1");
    build_node(&b, "DequantizeLinear", "q1", "i1", "s1", "z1");
    build_node(&b, "Concat", "c", "q0", "q1", NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "DequantizeLinear", "vv", "ww", "s0", NULL);
    build_node(&b, "MatMul", "y", "c", "vv", NULL);
    for (int k = 0; k < 2 * N * O; k++) {
        int part = k / O / N, at = k / O % N;
        double q = fmin(fmax(rint((double)(x[at] / s[part])) + z[part], 0), 255) - z[part];
        wanted[k % O] += (double)s[0] * (double)s[part] * q * both[k];
    }
    expect(&b, wanted, O, 2, 3);
}

/* QONNX: a scale for each input of a matrix and for each number of a tensor. */
static void quant_nodes(void **state)
{
    (void)state;
    static float sw[N], sx[N], zero[1] = {0}, bits[1] = {4};
    onnx_build b;
    double wanted[O] = {0};
    set_numbers(one, one, no_zeros);
    for (int k = 0; k < N; k++) {
        sw[k] = 0.1f * (float)(1 + k % 2);
        sx[k] = k % 3 ? 0.25f : 0.3f;
    }
    for (int k = 0; k < N * O; k++) weights[k] = (float)whole[k] * sw[k / O];
    build_begin(&b, 2, (int64_t[]){1, N}, "y");
    build_floats(&b, "sx", 2, (int64_t[]){1, N}, sx);
    build_floats(&b, "sw", 2, (int64_t[]){N, 1}, sw);
    build_floats(&b, "z", 1, (int64_t[]){1}, zero);
    build_floats(&b, "bits", 1, (int64_t[]){1}, bits);
    build_floats(&b, "w", 2, (int64_t[]){N, O}, weights);
    build_node(&b, "Quant", "q", "x", "sx", "z");
    build_input(&b, "bits");
    build_node(&b, "Quant", "v", "w", "sw", "z");
    build_input(&b, "bits");
    build_node(&b, "MatMul", "y", "q", "v", NULL);
    for (int k = 0; k < N * O; k++) {
        int i = k / O;
        double q = rint(fmin(fmax((double)(x[i] / sx[i]), -8), 7));
        wanted[k % O] += (double)sx[i] * (double)sw[i] * q * whole[k];
    }
    expect(&b, wanted, O, 4, 3);
}

static void what_no_part_can_have_is_refused(void **state)
{
    (void)state;
    static const int32_t none[C] = {0, 0, 0};
    static float rows[H] = {0.3f, 0.7f};
    onnx_build b;
    set_numbers(one, one, none);
    begin(&b, 4, (int64_t[]){O, C, 2, 2}, 1);
    build_floats(&b, "sh", 1, (int64_t[]){H}, rows);
    build_node(&b, "DequantizeLinear", "h", "i", "sh", NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){2}, 0, NULL);
    build_node(&b, "Conv", "y", "h", "v", NULL);
    refused(&b, "node \"y\" (Conv): the scales of its input \"h\" differ between places of channel 0");
}

/* A recurrent layer's matrix that takes its own answers, with a scale for each of them. */
static void recurrent_matrices_with_such_scales_are_refused(void **state)
{
    (void)state;
    enum { HIDDEN = 2, GATES = 4, STEPS = 3 };
    static float input_weights[GATES * HIDDEN * N / STEPS], scales[HIDDEN] = {0.3f, 0.7f};
    static int64_t steps[3] = {STEPS, 1, N / STEPS};
    onnx_build b;
    set_numbers(one, one, no_zeros);
    build_begin(&b, 2, (int64_t[]){1, N}, "y");
    build_longs(&b, "steps", 3, steps);
    build_floats(&b, "W", 3, (int64_t[]){1, GATES * HIDDEN, N / STEPS}, input_weights);
    build_ints(&b, "r", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 3, (int64_t[]){1, GATES * HIDDEN, HIDDEN},
               whole);
    build_floats(&b, "s", 1, (int64_t[]){HIDDEN}, scales);
    build_node(&b, "Reshape", "t", "x", "steps", NULL);
    build_node(&b, "DequantizeLinear", "R", "r", "s", NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){2}, 0, NULL);
    build_node(&b, "LSTM", "y", "t", "W", "R");
    build_attribute(&b, "hidden_size", 0, (int64_t[]){HIDDEN}, 0, NULL);
    refused(&b, "the scales of its recurrent weights \"R\" differ between inputs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_convolutions),
        cmocka_unit_test(dense_layers_behind_what_moves),
        cmocka_unit_test(alpha_of_single_inputs),
        cmocka_unit_test(weights_of_16_bits_are_whole),
        cmocka_unit_test(joined_tensors),
        cmocka_unit_test(quant_nodes),
        cmocka_unit_test(what_no_part_can_have_is_refused),
        cmocka_unit_test(recurrent_matrices_with_such_scales_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
