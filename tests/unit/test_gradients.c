/* test_gradients.c - each operator's way back against central differences of the loss: of the image's numbers
 * and of every parameter; and products against plain sums, with the same bits from each variant. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "gemm.h"
#include "memory.h"
#include "onnx_build.h"
#include "random.h"
#include "tape.h"

enum { BATCH = 5, PLACES = 20, CLASSES = 4, MOST_WEIGHTS = 4096 };

static float weights[4][MOST_WEIGHTS];
static float h = 2e-3f; /* how far a number is moved to either side */

/* Weights of a tensor of the network that is being built. */
static float *draw(int k, size_t n, double scale)
{
    xbtab__random random;
    xbtab__random_init(&random, 5, XBTAB__RANDOM_TEST, (uint32_t)k, 0);
    assert_true(n <= MOST_WEIGHTS);
    for (size_t i = 0; i < n; i++) weights[k][i] = (float)(scale * xbtab__random_normal(&random));
    return weights[k];
}

/* A dense layer from everything before, `n` numbers, to the classes; packed into path. */
static void finish(onnx_build *b, const char *from, int64_t n)
{
    build_node(b, "Flatten", "flat", from, NULL, NULL);
    build_floats(b, "Wd", 2, (int64_t[]){CLASSES, n}, draw(3, (size_t)(n * CLASSES), 1 / sqrt((double)n)));
    build_node(b, "Gemm", "y", "flat", "Wd", NULL);
    build_attribute(b, "transB", 0, (int64_t[]){1}, 0, NULL);
    build_write(b, path);
}

static double loss_of(xbtab__tape *t, const int32_t *label)
{
    for (int p = 0; p < t->n_parameters; p++)
        memcpy(t->parameter[p].used, t->parameter[p].value, t->parameter[p].size * sizeof(float));
    xbtab__tape_forward(t);
    return xbtab__tape_loss(t, label, NULL);
}

/* Places of x[n] against the slope of the loss, within 1 % of the largest slope there. */
static void check_slopes(xbtab__tape *t, const int32_t *label, float *x, const float *gradient, size_t n,
                         const char *what)
{
    xbtab__random random;
    double largest = 0;
    xbtab__random_init(&random, 6, XBTAB__RANDOM_TEST, (uint32_t)n, 0);
    for (size_t k = 0; k < n; k++) largest = fmax(largest, fabs((double)gradient[k]));
    assert_true(largest > 0 || t->is_training); /* a bias in front of a batch's mean has no effect */
    for (int place = 0; place < PLACES; place++) {
        size_t k = xbtab__random_below(&random, (uint32_t)n);
        float kept = x[k], up = kept + h, down = kept - h;
        x[k] = up;
        double more = loss_of(t, label);
        x[k] = down;
        double less = loss_of(t, label), slope = (more - less) / ((double)up - (double)down);
        x[k] = kept;
        if (fabs(slope - (double)gradient[k]) > 0.01 * largest + 1e-5)
            fail_msg("%s: place %zu has a slope of %g, not %g (largest %g)", what, k, slope,
                     (double)gradient[k], largest);
    }
}

/* The network in path, on random images. */
static void check_network(bool is_training)
{
    xbtab_network *network = NULL;
    xbtab__tape *t = NULL;
    int32_t label[BATCH];
    xbtab__random random;
    xbtab__random_init(&random, 7, XBTAB__RANDOM_TEST, 0, 0);
    if (xbtab_network_open_as(&network, path, &(xbtab_open_options){.keeps_norms = is_training}) < 0)
        fail_msg("%s", xbtab_error_message());
    if (xbtab__tape_create(&t, network, BATCH, 3) < 0 || xbtab__tape_lay_out(t) < 0)
        fail_msg("%s", xbtab_error_message());
    t->n = BATCH;
    t->is_training = is_training;
    xbtab__tape_value *in = &t->value[t->input];
    in->dx = xbtab__alloc(BATCH * in->size, sizeof *in->dx);
    for (size_t k = 0; k < BATCH * in->size; k++) in->x[k] = (float)xbtab__random_normal(&random);
    for (int k = 0; k < BATCH; k++) label[k] = (int32_t)xbtab__random_below(&random, CLASSES);
    loss_of(t, label);
    xbtab__tape_backward(t);
    size_t n = BATCH * in->size;
    float *kept = xbtab__alloc(n, sizeof *kept);
    memcpy(kept, in->dx, n * sizeof *kept);
    check_slopes(t, label, in->x, kept, n, "image");
    for (int p = 0; p < t->n_parameters; p++) {
        const xbtab__parameter *of = &t->parameter[p];
        check_slopes(t, label, of->value, of->gradient, of->size, of->name);
    }
    xbtab__free(kept);
    xbtab__tape_destroy(&t);
    xbtab_network_destroy(&network);
}

/* ---- the networks ---- */

static void begin_image(onnx_build *b, int64_t channels, int64_t height, int64_t width)
{
    build_begin(b, 4, (int64_t[]){1, channels, height, width}, "y");
}

static void dense_layers(void **state)
{
    onnx_build b;
    (void)state;
    build_begin(&b, 2, (int64_t[]){1, 37}, "y");
    build_floats(&b, "W", 2, (int64_t[]){37, 23}, draw(0, 37 * 23, 0.2));
    build_floats(&b, "b", 1, (int64_t[]){23}, draw(1, 23, 0.2));
    build_node(&b, "MatMul", "m", "x", "W", NULL);
    build_node(&b, "Add", "a", "m", "b", NULL);
    build_node(&b, "Tanh", "t", "a", NULL, NULL);
    finish(&b, "t", 23);
    check_network(false);
}

static void sequences_through_one_matrix(void **state)
{
    onnx_build b;
    (void)state;
    build_begin(&b, 3, (int64_t[]){1, 5, 7}, "y");
    build_floats(&b, "W", 2, (int64_t[]){7, 6}, draw(0, 42, 0.4));
    build_node(&b, "MatMul", "m", "x", "W", NULL);
    build_node(&b, "Sigmoid", "s", "m", NULL, NULL);
    finish(&b, "s", 30);
    check_network(false);
}

static void convolution(const int64_t *pads, const int64_t *strides, const int64_t *dilations, int64_t group,
                        int64_t outputs, int64_t positions)
{
    onnx_build b;
    begin_image(&b, 6, 9, 7);
    build_floats(&b, "W", 4, (int64_t[]){outputs, 6 / group, 3, 2},
                 draw(0, (size_t)(outputs * 6 / group * 6), 0.3));
    build_floats(&b, "b", 1, (int64_t[]){outputs}, draw(1, (size_t)outputs, 0.2));
    build_node(&b, "Conv", "c", "x", "W", "b");
    build_attribute(&b, "pads", 4, pads, 0, NULL);
    build_attribute(&b, "strides", 2, strides, 0, NULL);
    build_attribute(&b, "dilations", 2, dilations, 0, NULL);
    build_attribute(&b, "group", 0, &group, 0, NULL);
    build_node(&b, "Tanh", "t", "c", NULL, NULL);
    finish(&b, "t", outputs * positions);
    check_network(false);
}

static void convolutions(void **state)
{
    (void)state;
    convolution((int64_t[]){1, 0, 2, 1}, (int64_t[]){1, 1}, (int64_t[]){1, 1}, 1, 4, 10 * 7);
    convolution((int64_t[]){1, 1, 0, 0}, (int64_t[]){2, 3}, (int64_t[]){1, 1}, 2, 4, 4 * 3);
    convolution((int64_t[]){2, 1, 2, 1}, (int64_t[]){1, 2}, (int64_t[]){2, 3}, 1, 5, 9 * 3);
}

static void depthwise_convolutions(void **state)
{
    (void)state;
    convolution((int64_t[]){1, 0, 1, 1}, (int64_t[]){1, 1}, (int64_t[]){1, 1}, 6, 6, 9 * 7);
    convolution((int64_t[]){1, 0, 1, 1}, (int64_t[]){1, 1}, (int64_t[]){1, 1}, 6, 12, 9 * 7);
}

static void pool(const char *type, int64_t count_pad, int64_t positions)
{
    onnx_build b;
    begin_image(&b, 3, 7, 6);
    build_floats(&b, "W", 4, (int64_t[]){4, 3, 1, 1}, draw(0, 12, 0.6));
    build_node(&b, "Conv", "c", "x", "W", NULL); /* pointwise */
    build_node(&b, type, "p", "c", NULL, NULL);
    if (strncmp(type, "Global", 6) != 0) {
        build_attribute(&b, "kernel_shape", 2, (int64_t[]){3, 2}, 0, NULL);
        build_attribute(&b, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
        build_attribute(&b, "pads", 4, (int64_t[]){1, 0, 1, 1}, 0, NULL);
    }
    if (count_pad >= 0) build_attribute(&b, "count_include_pad", 0, &count_pad, 0, NULL);
    finish(&b, "p", 4 * positions);
    check_network(false);
}

static void pools(void **state)
{
    (void)state;
    h = 2e-4f; /* another number becomes a window's largest less often */
    pool("MaxPool", -1, 4 * 3);
    pool("AveragePool", 0, 4 * 3);
    pool("AveragePool", 1, 4 * 3);
    pool("GlobalAveragePool", -1, 1);
    pool("GlobalMaxPool", -1, 1);
    h = 2e-3f;
}

static void activations(void **state)
{
    static const char *const types[] = {"Relu", "LeakyRelu", "Elu", "HardSigmoid", "Sigmoid", "Tanh", "Clip"};
    static float low[] = {-0.3f}, high[] = {0.5f};
    (void)state;
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
        onnx_build b;
        build_begin(&b, 2, (int64_t[]){1, 19}, "y");
        build_floats(&b, "W", 2, (int64_t[]){19, 17}, draw(0, 19 * 17, 0.2));
        build_node(&b, "MatMul", "m", "x", "W", NULL);
        bool is_clip = strcmp(types[k], "Clip") == 0;
        if (is_clip) {
            build_floats(&b, "low", 0, NULL, low);
            build_floats(&b, "high", 0, NULL, high);
        }
        build_node(&b, types[k], "a", "m", is_clip ? "low" : NULL, "high");
        finish(&b, "a", 17);
        check_network(false);
    }
}

static void residuals_and_constants(void **state)
{
    static float scale[] = {0.5f, -1.5f, 2.0f}, shift[] = {0.25f};
    onnx_build b;
    (void)state;
    begin_image(&b, 3, 5, 4);
    build_floats(&b, "W", 4, (int64_t[]){3, 3, 3, 3}, draw(0, 81, 0.2));
    build_floats(&b, "scale", 3, (int64_t[]){3, 1, 1}, scale);
    build_floats(&b, "shift", 1, (int64_t[]){1}, shift);
    build_node(&b, "Conv", "c", "x", "W", NULL);
    build_attribute(&b, "pads", 4, (int64_t[]){1, 1, 1, 1}, 0, NULL);
    build_node(&b, "Add", "sum", "c", "x", NULL);
    build_node(&b, "Mul", "m", "sum", "scale", NULL);
    build_node(&b, "Sub", "s", "shift", "m", NULL);
    build_node(&b, "Tanh", "t", "s", NULL, NULL);
    build_node(&b, "Mul", "p", "t", "c", NULL);
    build_node(&b, "Sub", "d", "p", "x", NULL);
    finish(&b, "d", 60);
    check_network(false);
}

static void moves(void **state)
{
    static int64_t pads[] = {0, 0, 1, 0, 0, 0, 0, 2}, shape[] = {1, -1};
    static float five[] = {0.5f};
    onnx_build b;
    (void)state;
    begin_image(&b, 3, 5, 4);
    build_floats(&b, "W", 4, (int64_t[]){2, 3, 1, 1}, draw(0, 6, 0.5));
    build_longs(&b, "pads", 8, pads);
    build_longs(&b, "shape", 2, shape);
    build_floats(&b, "five", 0, NULL, five);
    build_node(&b, "Conv", "c", "x", "W", NULL);
    build_node(&b, "Concat", "k", "c", "x", NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "Pad", "p", "k", "pads", "five");
    build_node(&b, "Transpose", "t", "p", NULL, NULL);
    build_attribute(&b, "perm", 4, (int64_t[]){0, 3, 1, 2}, 0, NULL);
    build_node(&b, "Tanh", "h", "t", NULL, NULL);
    build_node(&b, "Reshape", "r", "h", "shape", NULL);
    finish(&b, "r", 5 * 6 * 6);
    check_network(false);
}

static void normalization(void **state)
{
    static float scale[] = {0.5f, -1.5f, 2.0f}, shift[] = {0.25f, -0.1f, 0}, mean[] = {0.1f, 0.2f, -0.3f},
                 variance[] = {0.7f, 1.2f, 2.0f};
    (void)state;
    for (int is_training = 0; is_training < 2; is_training++) {
        onnx_build b;
        begin_image(&b, 2, 5, 4);
        build_floats(&b, "W", 4, (int64_t[]){3, 2, 3, 3}, draw(0, 54, 0.4));
        build_floats(&b, "scale", 1, (int64_t[]){3}, scale);
        build_floats(&b, "shift", 1, (int64_t[]){3}, shift);
        build_floats(&b, "mean", 1, (int64_t[]){3}, mean);
        build_floats(&b, "variance", 1, (int64_t[]){3}, variance);
        build_node(&b, "Conv", "c", "x", "W", NULL);
        build_node(&b, "Tanh", "s", "c", NULL, NULL); /* not folded */
        build_node(&b, "BatchNormalization", "n", is_training ? "c" : "s", "scale", "shift");
        build_input(&b, "mean");
        build_input(&b, "variance");
        build_node(&b, "Tanh", "t", "n", NULL, NULL);
        finish(&b, "t", 3 * 3 * 2);
        check_network(is_training);
    }
}

/* ---- numbers ---- */

static void products_are_chains_in_order(void **state)
{
    enum { M = 37, N = 53, K = 601 };
    static float A[M * K], B[K * N], C[2][M * N], wanted[M * N];
    const xbtab__gemm_tile tiles[] = {xbtab__gemm_tile_c, xbtab__gemm_tile_fma()};
    xbtab__random random;
    (void)state;
    xbtab__random_init(&random, 9, XBTAB__RANDOM_TEST, 0, 0);
    for (size_t k = 0; k < M * K; k++) A[k] = (float)xbtab__random_normal(&random);
    for (size_t k = 0; k < K * N; k++) B[k] = (float)xbtab__random_normal(&random);
    for (size_t k = 0; k < M * N; k++) wanted[k] = C[0][k] = C[1][k] = (float)k;
    for (size_t m = 0; m < M; m++) {
        for (size_t n = 0; n < N; n++) {
            for (size_t k = 0; k < K; k++)
                wanted[m * N + n] = fmaf(A[k * M + m], B[n * K + k], wanted[m * N + n]);
        }
    }
    float *scratch = xbtab__alloc_aligned(xbtab__gemm_room(), sizeof *scratch);
    for (int v = 0; v < 2; v++) {
        if (!tiles[v]) continue;
        const xbtab__gemm g = {M, N, K, {A, 1, M}, {B, 1, K}, C[v], N, true}; /* both transposed */
        xbtab__gemm_run(&g, tiles[v], scratch);
        assert_memory_equal(C[v], wanted, sizeof wanted);
    }
    xbtab__free(scratch);
}

static void exponentials_are_the_librarys_within_an_ulp(void **state)
{
    (void)state;
    for (double x = -690; x < 690; x += 0.7310585) {
        double own = xbtab__train_exp(x), libm = exp(x);
        assert_true(fabs(own - libm) <= 0x1p-51 * libm);
    }
    assert_true(xbtab__train_exp(0) == 1);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    onnx_build b;
    xbtab_network *network = NULL;
    static float gradient[2][MOST_WEIGHTS];
    int32_t label[BATCH] = {0, 3, 1, 2, 2};
    (void)state;
    begin_image(&b, 3, 9, 7);
    build_floats(&b, "W", 4, (int64_t[]){5, 3, 3, 3}, draw(0, 135, 0.3));
    build_node(&b, "Conv", "c", "x", "W", NULL);
    build_node(&b, "Relu", "r", "c", NULL, NULL);
    finish(&b, "r", 5 * 7 * 5);
    assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
    for (int run = 0; run < 2; run++) {
        xbtab__tape *t = NULL;
        xbtab__random random;
        size_t n = 0;
        xbtab__random_init(&random, 8, XBTAB__RANDOM_TEST, 0, 0);
        assert_int_equal(xbtab__tape_create(&t, network, BATCH, run ? 4 : 1), XBTAB_OK);
        assert_int_equal(xbtab__tape_lay_out(t), XBTAB_OK);
        t->n = BATCH;
        for (size_t k = 0; k < BATCH * 3 * 9 * 7; k++)
            t->value[t->input].x[k] = (float)xbtab__random_normal(&random);
        loss_of(t, label);
        xbtab__tape_backward(t);
        for (int p = 0; p < t->n_parameters; n += t->parameter[p++].size) {
            assert_true(n + t->parameter[p].size <= MOST_WEIGHTS);
            memcpy(gradient[run] + n, t->parameter[p].gradient, t->parameter[p].size * sizeof(float));
        }
        xbtab__tape_destroy(&t);
    }
    assert_memory_equal(gradient[0], gradient[1], sizeof gradient[0]);
    xbtab_network_destroy(&network);
}

/* ---- quantizers ---- */

/* The first dense layer's 900 inputs of 8 bits times weights of 8: sums beyond what floats hold exactly, so
 * that they must be taken in parts; all against plain integers. */
static void integers_are_exact(void **state)
{
    enum { INPUTS = 900, OUTPUTS = 4 };
    onnx_build b;
    xbtab_network *network = NULL;
    xbtab__tape *t = NULL;
    const float step = 0.03f, scale[OUTPUTS] = {0.01f, 0.02f, 0.003f, 0.5f};
    (void)state;
    build_begin(&b, 2, (int64_t[]){1, INPUTS}, "y");
    finish(&b, "x", INPUTS);
    assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
    assert_int_equal(xbtab__tape_create(&t, network, BATCH, 2), XBTAB_OK);
    assert_int_equal(xbtab__tape_add_quantizers(t, 8), XBTAB_OK);
    assert_int_equal(xbtab__tape_lay_out(t), XBTAB_OK);
    xbtab__parameter *W = &t->parameter[0];
    assert_int_equal(W->size, INPUTS * OUTPUTS);
    W->code = xbtab__alloc(W->size, sizeof *W->code);
    W->scale = xbtab__alloc(OUTPUTS, sizeof *W->scale);
    W->most = 127;
    memcpy(W->scale, scale, sizeof scale);
    for (size_t k = 0; k < W->size; k++) W->code[k] = (float)(127 - (int)(k % 5)); /* all one sign */
    t->parameter[t->grid[0].step].value[0] = step;
    t->grid[0].zero = 3;
    t->n = BATCH;
    t->in_integers = true;
    for (size_t k = 0; k < BATCH * INPUTS; k++) /* beyond the grid's ends now and then */
        t->value[t->input].x[k] = step * (float)((int)(k % 270) - 9) + 0.3f * step;
    xbtab__tape_forward(t);
    for (size_t v = 0; v < BATCH * OUTPUTS; v++) {
        int64_t sum = 0;
        size_t o = v % OUTPUTS;
        for (size_t k = 0; k < INPUTS; k++) {
            int code = (int)((v / OUTPUTS * INPUTS + k) % 270) - 9;
            code = code < -3 ? -3 : code > 252 ? 252 : code;
            sum += code * (127 - (int)((o * INPUTS + k) % 5));
        }
        assert_true(sum > (1 << 23));
        double wanted = (double)step * (double)scale[o] * (double)sum;
        assert_true(xbtab__numbers_of(t, t->output, 0)[v] == (float)wanted);
    }
    xbtab__tape_destroy(&t);
    xbtab_network_destroy(&network);
}

/* Straight through inside the grid and nothing outside; the step's own gradient is the one of Esser et al.,
 * written down anew. */
static void quantizers_pass_gradients_straight_through(void **state)
{
    onnx_build b;
    xbtab_network *network = NULL;
    xbtab__tape *t = NULL;
    static const float x[8] = {-0.4f, 0.02f, 0.11f, 0.26f, 0.34f, 0.69f, 0.74f, 1.9f};
    static const double slope[8] = {0,       0 - 0.2, 1 - 1.1, 3 - 2.6,
                                    3 - 3.4, 7 - 6.9, 7,       7}; /* of steps of 0.1 */
    const int32_t label = 2;
    double wanted = 0;
    (void)state;
    build_begin(&b, 2, (int64_t[]){1, 8}, "y");
    build_node(&b, "Relu", "r", "x", NULL, NULL);
    finish(&b, "r", 8);
    assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
    assert_int_equal(xbtab__tape_create(&t, network, 1, 1), XBTAB_OK);
    assert_int_equal(xbtab__tape_add_quantizers(t, 3), XBTAB_OK);
    assert_int_equal(xbtab__tape_lay_out(t), XBTAB_OK);
    t->parameter[t->grid[0].step].value[0] = 0.1f;
    t->n = 1;
    memcpy(t->value[t->input].x, x, sizeof x);
    int before = -1;
    for (int k = 0; k < t->n_steps; k++) {
        if (t->step[k].type == &xbtab__gradient_quantizer) before = t->step[k].input[0];
    }
    t->value[before].dx = xbtab__alloc(8, sizeof *t->value[before].dx);
    loss_of(t, &label);
    xbtab__tape_backward(t);
    const float *dy = t->value[t->n_values - 1].dx, *dx = t->value[before].dx;
    for (int k = 0; k < 8; k++) {
        bool is_inside = k > 0 && k < 6; /* 6.9 steps are, 7.4 are not */
        assert_true(dx[k] == (is_inside ? dy[k] : 0));
        wanted += (double)dy[k] * slope[k];
    }
    wanted /= sqrt(8.0 * 7.0);
    assert_true(fabs((double)t->parameter[t->grid[0].step].gradient[0] - wanted) <
                1e-5 * fabs(wanted) + 1e-6);
    xbtab__tape_destroy(&t);
    xbtab_network_destroy(&network);
}

static void operators_without_a_way_back_are_named(void **state)
{
    onnx_build b;
    xbtab_network *network = NULL;
    xbtab__tape *t = NULL;
    (void)state;
    build_begin(&b, 2, (int64_t[]){1, 8}, "y");
    build_node(&b, "Erf", "curve", "x", NULL, NULL);
    finish(&b, "curve", 8);
    assert_int_equal(xbtab_network_open(&network, path), XBTAB_OK);
    assert_int_equal(xbtab__tape_create(&t, network, 2, 1), XBTAB_ERR_UNSUPPORTED);
    assert_non_null(strstr(xbtab_error_message(), "node \"curve\" (Erf)"));
    assert_null(t);
    xbtab_network_destroy(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_chains_in_order),
        cmocka_unit_test(exponentials_are_the_librarys_within_an_ulp),
        cmocka_unit_test(dense_layers),
        cmocka_unit_test(sequences_through_one_matrix),
        cmocka_unit_test(convolutions),
        cmocka_unit_test(depthwise_convolutions),
        cmocka_unit_test(pools),
        cmocka_unit_test(activations),
        cmocka_unit_test(residuals_and_constants),
        cmocka_unit_test(moves),
        cmocka_unit_test(normalization),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(quantizers_pass_gradients_straight_through),
        cmocka_unit_test(operators_without_a_way_back_are_named),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
