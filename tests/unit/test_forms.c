/* test_forms.c - legitimate forms of graphs that exporters write: constant matrices on the left, transposed
 * operands, several outputs, and branches that lead nowhere. */
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

enum { IN = 4, OUT = 3 };

static float W[OUT * IN] = {2, -1, 0.5f, 3, 1, 4, -2, 0.25f, -3, 1.5f, 2.5f, -0.5f}; /* W[OUT][IN] */
static float bias[OUT] = {10, -20, 30};
static float x[IN] = {1, 10, -100, 1000};

/* The network in path gives alpha W x + beta bias, by one matrix layer of OUT outputs. */
static void gives(float alpha, float beta)
{
    xbtab_network *network = NULL;
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = IN, .pixel = x};
    float y[OUT] = {0};
    size_t layers = 0;
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(network), OUT);
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
    for (size_t o = 0; o < OUT; o++) {
        float wanted = beta * bias[o];
        for (size_t k = 0; k < IN; k++) wanted += alpha * W[o * IN + k] * x[k];
        assert_true(y[o] == wanted); /* all are small multiples of 1/8 */
    }
    for (size_t k = 0; k < xbtab_network_nodes(network); k++) {
        xbtab_network_node node;
        assert_int_equal(xbtab_network_node_get(network, k, &node), XBTAB_OK);
        if (!node.inputs) continue;
        layers++;
        assert_true(node.inputs == IN && node.outputs == OUT && node.products == 1);
    }
    assert_int_equal(layers, 1);
    xbtab_network_destroy(&network);
}

static void begin(onnx_build *b)
{
    build_begin(b, 2, (int64_t[]){1, IN}, "y");
    build_floats(b, "W", 2, (int64_t[]){OUT, IN}, W);
    build_floats(b, "row", 1, (int64_t[]){OUT}, bias);
    build_floats(b, "column", 2, (int64_t[]){OUT, 1}, bias);
}

static void weights_on_the_left_are_a_layer(void **state)
{
    (void)state;
    onnx_build b;
    begin(&b);
    build_node(&b, "Transpose", "t", "x", NULL, NULL);
    build_node(&b, "MatMul", "m", "W", "t", NULL);
    build_node(&b, "Transpose", "y", "m", NULL, NULL);
    build_write(&b, path);
    gives(1, 0);
    begin(&b);
    build_node(&b, "Gemm", "m", "W", "x", "column");
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_attribute(&b, "alpha", 0, NULL, 0.5f, NULL);
    build_attribute(&b, "beta", 0, NULL, 2, NULL);
    build_node(&b, "Transpose", "y", "m", NULL, NULL);
    build_write(&b, path);
    gives(0.5f, 2);
}

static void a_transposed_tensor_is_turned_first(void **state)
{
    (void)state;
    onnx_build b;
    begin(&b);
    build_node(&b, "Transpose", "t", "x", NULL, NULL);
    build_node(&b, "Gemm", "y", "t", "W", "row");
    build_attribute(&b, "transA", 0, (int64_t[]){1}, 0, NULL);
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_attribute(&b, "alpha", 0, NULL, 2, NULL);
    build_attribute(&b, "beta", 0, NULL, -0.5f, NULL);
    build_write(&b, path);
    gives(2, -0.5f);
}

/* The first of two outputs; what only the second one and nobody needs is no part of the network. */
static void the_first_output_counts(void **state)
{
    (void)state;
    onnx_build b;
    begin(&b);
    build_node(&b, "Gemm", "y", "x", "W", NULL);
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "Gemm", "other", "x", "W", "row");
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "Softmax", "second", "other", NULL, NULL);
    build_node(&b, "Relu", "nowhere", "y", NULL, NULL);
    Onnx__ValueInfoProto second = b.value[1], *outputs[] = {&b.value[1], &second};
    second.name = build_text("second");
    b.graph.n_output = 2;
    b.graph.output = outputs;
    build_write(&b, path);
    gives(1, 0);
}

/* Shapes worked out from sizes without axes: PyTorch's x.reshape(len(x), h * w), TensorFlow's strided slices.
 */
static void shapes_are_made_of_single_sizes(void **state)
{
    (void)state;
    onnx_build b;
    int64_t places[] = {0, 1, 2}, none[] = {0};
    begin(&b);
    build_longs(&b, "image", 3, (int64_t[]){-1, 2, 2});
    for (int k = 0; k < 3; k++) {
        static const char *const name[] = {"p0", "p1", "p2"};
        build_longs(&b, name[k], k == 0, &places[k]); /* p1 and p2 have no axes */
        if (k == 0) continue;
        b.tensor[b.graph.n_initializer - 1].n_dims = 0;
        b.tensor[b.graph.n_initializer - 1].n_int64_data = 1;
    }
    build_longs(&b, "axes", 1, none);
    build_node(&b, "Reshape", "i", "x", "image", NULL);
    build_node(&b, "Shape", "s", "i", NULL, NULL);
    build_node(&b, "Slice", "n", "s", "p0", "one");
    build_longs(&b, "one", 1, &places[1]);
    build_node(&b, "Squeeze", "n0", "n", "axes", NULL);
    build_node(&b, "Unsqueeze", "n1", "n0", "axes", NULL);
    build_node(&b, "Gather", "h", "s", "p1", NULL);
    build_node(&b, "Gather", "w", "s", "p2", NULL);
    build_node(&b, "Mul", "hw", "h", "w", NULL);
    build_node(&b, "Cast", "hw64", "hw", NULL, NULL);
    build_attribute(&b, "to", 0, (int64_t[]){7}, 0, NULL);
    build_node(&b, "Unsqueeze", "hw1", "hw64", "axes", NULL);
    build_node(&b, "Concat", "flat", "n1", "hw1", NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){0}, 0, NULL);
    build_node(&b, "Reshape", "r", "i", "flat", NULL);
    build_node(&b, "Gemm", "y", "r", "W", "row");
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_write(&b, path);
    gives(1, 1);
}

/* Float, integer and digital runs of a network on an image, one after the other. */
static void run_all(const onnx_build *b, const xbtab_images *images, float y[3][OUT])
{
    xbtab_network *network = NULL;
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_run(network, images, 1, NULL, y[0]), XBTAB_OK);
    for (int way = 1; way < 3; way++) {
        xbtab_quantized *q = NULL;
        const xbtab_layer_bits bits = {.name = "y", .weight_bits = 8};
        xbtab_quantize_options options = {.layer_bits = &bits, .n_layer_bits = way == 2};
        assert_int_equal(xbtab_quantized_create(&q, network, images, &options), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, images, 1, NULL, NULL, NULL, y[way]), XBTAB_OK);
        xbtab_quantized_destroy(&q);
    }
    xbtab_network_destroy(&network);
}

/* TensorFlow's inputs have rows, columns, channels; images have channels, rows, columns. */
static void channels_may_come_last(void **state)
{
    (void)state;
    enum { ROWS = 2, COLUMNS = 3, CHANNELS = 2, N = ROWS * COLUMNS * CHANNELS };
    static float pixel[N], turned[N], many[OUT * N];
    float y[3][OUT], wanted[3][OUT];
    xbtab_images images = {.n = 1, .channels = CHANNELS, .height = ROWS, .width = COLUMNS, .pixel = pixel};
    xbtab_images flat = {.n = 1, .channels = 1, .height = 1, .width = N, .pixel = turned};
    for (int k = 0; k < OUT * N; k++) many[k] = 0.1f * (float)(k % 7) - 0.2f;
    for (int k = 0; k < N; k++) pixel[k] = 0.3f * (float)((k * 5) % N) - 1;
    for (int k = 0; k < N; k++) turned[k] = pixel[k % CHANNELS * ROWS * COLUMNS + k / CHANNELS];
    for (int way = 0; way < 2; way++) { /* the images as they are, and as a list in the network's order */
        onnx_build b;
        if (way == 0) build_begin(&b, 4, (int64_t[]){1, ROWS, COLUMNS, CHANNELS}, "y");
        if (way == 1) build_begin(&b, 2, (int64_t[]){1, N}, "y");
        build_floats(&b, "W", 2, (int64_t[]){OUT, N}, many);
        build_node(&b, "Flatten", "f", "x", NULL, NULL);
        build_node(&b, "Gemm", "y", "f", "W", NULL);
        build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
        run_all(&b, way ? &flat : &images, way ? wanted : y);
    }
    assert_memory_equal(y, wanted, sizeof y);
}

/* An input of bytes is fed bytes; others what is between 0 and 1. */
static void inputs_of_bytes_take_them_as_they_are(void **state)
{
    (void)state;
    float bytes[IN] = {0, 255, 17, 200}, y[3][OUT];
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = IN, .pixel = bytes, .is_bytes = 1};
    for (int way = 0; way < 2; way++) {
        onnx_build b;
        begin(&b);
        if (way == 1) b.tensor_type[0].elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
        build_node(&b, "Cast", "f", "x", NULL, NULL);
        build_attribute(&b, "to", 0, (int64_t[]){1}, 0, NULL);
        build_node(&b, "Gemm", "y", "f", "W", NULL);
        build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
        run_all(&b, &images, y);
        for (int o = 0; o < OUT; o++) {
            float wanted = 0, most = way ? 255 : 1;
            for (int k = 0; k < IN; k++) wanted += W[o * IN + k] * bytes[k] * most / 255;
            for (int run = 0; run < 3; run++) /* 8 bits of weights and inputs */
                if (!(fabsf(y[run][o] - wanted) <= (run ? 0.02f * most : 1e-6f * most)))
                    fail_msg("way %d, run %d: %g instead of %g", way, run, (double)y[run][o], (double)wanted);
        }
    }
}

/* Before opset 7 a bias began at the first axis that it has, given by its number. */
static void older_sums_name_their_axis(void **state)
{
    (void)state;
    onnx_build b;
    begin(&b);
    b.opset.version = 6;
    build_longs(&b, "shape", 4, (int64_t[]){1, OUT, 1, 1});
    build_longs(&b, "back", 2, (int64_t[]){1, OUT});
    build_node(&b, "Gemm", "m", "x", "W", NULL);
    build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "Reshape", "image", "m", "shape", NULL);
    build_node(&b, "Add", "sum", "image", "row", NULL);
    build_attribute(&b, "broadcast", 0, (int64_t[]){1}, 0, NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "Reshape", "y", "sum", "back", NULL);
    build_write(&b, path);
    gives(1, 1);
}

/* Scales were an attribute of Upsample in opsets 7 and 8. */
static void older_scales_are_attributes(void **state)
{
    (void)state;
    onnx_build b;
    float scales[] = {1, 2}, wanted[2 * IN], y[2 * IN];
    xbtab_network *network = NULL;
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = IN, .pixel = x};
    for (size_t k = 0; k < 2 * IN; k++) wanted[k] = x[k / 2] > 0 ? x[k / 2] : 0;
    build_begin(&b, 2, (int64_t[]){1, IN}, "y");
    b.opset.version = 8;
    build_node(&b, "Upsample", "u", "x", NULL, NULL);
    build_attribute(&b, "mode", 0, NULL, 0, "nearest");
    build_attribute(&b, "scales", 0, NULL, 0, NULL);
    b.attribute[0][1].n_floats = 2;
    b.attribute[0][1].floats = scales;
    build_node(&b, "Relu", "y", "u", NULL, NULL);
    build_write(&b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(network), 2 * IN);
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
    assert_memory_equal(y, wanted, sizeof y);
    xbtab_network_destroy(&network);
}

/* What stands behind a matrix of OUT outputs, and how many of them share a sum of 1; 0 = the last node is
 * left out in integers, as it keeps the order of all. */
typedef struct ending {
    const char *type;
    int64_t shape[3], axis, opset;
    bool has_axis, is_followed;
    int group;
} ending;

/* A Softmax or LogSoftmax at the end is left out in integers only where it is over all outputs. */
static void softmax_is_left_out_where_it_is_over_all(void **state)
{
    (void)state;
    enum { N = 6 };
    static const ending cases[] = {
        {"Softmax", {1, 2, 3}, 2, 13, true, false, 3},     {"Softmax", {1, 2, 3}, 0, 13, false, false, 3},
        {"LogSoftmax", {1, 2, 3}, -1, 13, true, false, 3}, {"Softmax", {1, 3, 2}, -1, 13, true, false, 2},
        {"Softmax", {1, 6, 1}, 2, 13, true, false, 1},     {"Softmax", {1, 2, 3}, 2, 11, true, false, 3},
        {"Softmax", {1, 6, 1}, 0, 13, true, false, 1},     {"Softmax", {1, 1, 6}, 2, 13, true, true, 6},
        {"Softmax", {1, 2, 3}, 1, 11, true, false, 0},     {"LogSoftmax", {1, 2, 3}, 0, 11, false, false, 0},
        {"Softmax", {1, 6, 1}, 1, 13, true, false, 0},     {"Softmax", {1, 1, 6}, 0, 13, false, false, 0}};
    static float many[N * IN], small[IN] = {0.5f, 1, -0.25f, 0.75f};
    for (int k = 0; k < N * IN; k++) many[k] = 0.5f * (float)(k * 7 % 11) - 2;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const ending *e = &cases[c];
        const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = IN, .pixel = small};
        onnx_build b;
        float sums[N], wanted[2][N], y[2][N];
        xbtab_network *network = NULL;
        xbtab_quantized *q = NULL;
        int64_t shape[3];
        memcpy(shape, e->shape, sizeof shape);
        build_begin(&b, 2, (int64_t[]){1, IN}, e->is_followed ? "f" : "y");
        b.opset.version = e->opset;
        build_floats(&b, "W", 2, (int64_t[]){IN, N}, many);
        build_longs(&b, "shape", 3, shape);
        build_node(&b, "MatMul", "m", "x", "W", NULL);
        build_node(&b, "Reshape", "r", "m", "shape", NULL);
        build_node(&b, e->type, "y", "r", NULL, NULL);
        if (e->has_axis) build_attribute(&b, "axis", 0, &e->axis, 0, NULL);
        if (e->is_followed) build_node(&b, "Flatten", "f", "y", NULL, NULL);
        for (int o = 0; o < N; o++) {
            sums[o] = 0;
            for (int k = 0; k < IN; k++) sums[o] += small[k] * many[k * N + o];
        }
        for (int o = 0; o < N; o++) {
            int group = e->group ? e->group : N;
            double total = 0;
            for (int k = 0; k < group; k++) total += exp((double)sums[o / group * group + k]);
            double share = exp((double)sums[o]) / total;
            wanted[0][o] = (float)(e->type[0] == 'L' ? log(share) : share);
            wanted[1][o] = e->group ? wanted[0][o] : sums[o];
        }
        build_write(&b, path);
        if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y[0]), XBTAB_OK);
        assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y[1]), XBTAB_OK);
        for (int k = 0; k < 2 * N; k++) { /* 8 bits of weights and inputs */
            if (!(fabsf(y[k / N][k % N] - wanted[k / N][k % N]) <= (k / N ? 0.05f : 1e-5f)))
                fail_msg("case %zu, run %d, output %d: %g instead of %g", c, k / N, k % N,
                         (double)y[k / N][k % N], (double)wanted[k / N][k % N]);
        }
        xbtab_quantized_destroy(&q);
        xbtab_network_destroy(&network);
    }
}

/* The place of the largest output is the prediction itself, also where it is handed on. */
static void a_last_argmax_is_left_out(void **state)
{
    (void)state;
    for (int way = 0; way < 5; way++) {
        onnx_build b;
        xbtab_network *network = NULL;
        begin(&b);
        build_longs(&b, "shape", 2, (int64_t[]){1, 1});
        build_node(&b, "Gemm", "m", "x", "W", "row");
        build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
        build_node(&b, "ArgMax", way ? "a" : "y", "m", NULL, NULL);
        build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
        build_attribute(&b, "keepdims", 0, (int64_t[]){way & 1}, 0, NULL);
        build_attribute(&b, "select_last_index", 0, (int64_t[]){way == 4}, 0, NULL);
        if (way == 1) build_node(&b, "Identity", "y", "a", NULL, NULL);
        if (way > 1) build_node(&b, "Cast", way == 2 ? "y" : "c", "a", NULL, NULL);
        if (way > 1) build_attribute(&b, "to", 0, (int64_t[]){6}, 0, NULL);
        if (way == 3) build_node(&b, "Reshape", "y", "c", "shape", NULL);
        if (way == 4) build_node(&b, "Squeeze", "y", "c", NULL, NULL);
        build_write(&b, path);
        if (way < 4) {
            gives(1, 1);
            continue;
        }
        assert_int_equal(xbtab_network_open(&network, path), XBTAB_ERR_UNSUPPORTED);
        assert_non_null(strstr(xbtab_error_message(), "node \"a\" (ArgMax): is the network's answer"));
    }
}

/* TopK's places are one too, where it takes one of all; that of several, or of the smallest, is not. */
static void a_last_top_place_is_left_out(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        onnx_build b;
        xbtab_network *network = NULL;
        int64_t k[] = {way == 2 ? 2 : 1};
        begin(&b);
        build_longs(&b, "k", 1, k);
        build_node(&b, "Gemm", "m", "x", "W", "row");
        build_attribute(&b, "transB", 0, (int64_t[]){1}, 0, NULL);
        build_node(&b, "TopK", "t", "m", "k", NULL);
        build_output(&b, way == 1 ? "p" : "y");
        build_attribute(&b, "largest", 0, (int64_t[]){way != 3}, 0, NULL);
        if (way == 1) build_node(&b, "Cast", "y", "p", NULL, NULL);
        if (way == 1) build_attribute(&b, "to", 0, (int64_t[]){6}, 0, NULL);
        build_write(&b, path);
        if (way < 2) {
            gives(1, 1);
            continue;
        }
        assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
        assert_int_equal(xbtab_network_outputs(network), way == 2 ? 2 : 1);
        xbtab_network_destroy(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights_on_the_left_are_a_layer),
                                       cmocka_unit_test(a_transposed_tensor_is_turned_first),
                                       cmocka_unit_test(the_first_output_counts),
                                       cmocka_unit_test(shapes_are_made_of_single_sizes),
                                       cmocka_unit_test(channels_may_come_last),
                                       cmocka_unit_test(inputs_of_bytes_take_them_as_they_are),
                                       cmocka_unit_test(older_sums_name_their_axis),
                                       cmocka_unit_test(older_scales_are_attributes),
                                       cmocka_unit_test(softmax_is_left_out_where_it_is_over_all),
                                       cmocka_unit_test(a_last_argmax_is_left_out),
                                       cmocka_unit_test(a_last_top_place_is_left_out)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
