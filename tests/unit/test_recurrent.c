/* test_recurrent.c - LSTM and GRU on an image's rows: against plain code of ONNX's equations, and their
 * matrices in integers through the product function that tiles stand in for. */
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

enum { STEPS = 5, INPUTS = 3, HIDDEN = 4, GATES = 4, IMAGES = 7 };

static float W[2 * GATES * HIDDEN * INPUTS], R[2 * GATES * HIDDEN * HIDDEN], B[4 * GATES * HIDDEN],
    first[2 * HIDDEN];
static float pixel[IMAGES * STEPS * INPUTS];
static xbtab_images images = {.n = IMAGES, .channels = 1, .height = STEPS, .width = INPUTS, .pixel = pixel};

static void fill(float *x, size_t n, uint32_t id)
{
    xbtab__random random;
    xbtab__random_init(&random, 23, XBTAB__RANDOM_TEST, id, 0);
    for (size_t k = 0; k < n; k++) x[k] = (float)(1.6 * xbtab__random_uniform(&random) - 0.8);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* W x + R h + both biases of one gate's unit. */
static double gate(int gates, int d, int g, int j, const float *x, const double *h, bool with_r,
                   double *r_part)
{
    int row = (d * gates + g) * HIDDEN + j;
    double sum = (double)B[2 * d * gates * HIDDEN + g * HIDDEN + j],
           r = (double)B[(2 * d + 1) * gates * HIDDEN + g * HIDDEN + j];
    for (int k = 0; k < INPUTS; k++) sum += (double)W[row * INPUTS + k] * (double)x[k];
    for (int k = 0; k < HIDDEN; k++) r += (double)R[row * HIDDEN + k] * h[k];
    if (r_part) *r_part = r;
    return with_r ? sum + r : sum;
}

static void lstm_step(int d, const float *x, double *h, double *c)
{
    double next[HIDDEN];
    for (int j = 0; j < HIDDEN; j++) {
        double in = sigmoid(gate(4, d, 0, j, x, h, true, NULL)),
               out = sigmoid(gate(4, d, 1, j, x, h, true, NULL));
        double forget = sigmoid(gate(4, d, 2, j, x, h, true, NULL)),
               fresh = tanh(gate(4, d, 3, j, x, h, true, NULL));
        c[j] = forget * c[j] + in * fresh;
        next[j] = out * tanh(c[j]);
    }
    memcpy(h, next, sizeof next);
}

static void gru_step(int d, const float *x, double *h, bool before)
{
    double next[HIDDEN], gated[HIDDEN];
    for (int j = 0; j < HIDDEN; j++) gated[j] = sigmoid(gate(3, d, 1, j, x, h, true, NULL)) * h[j];
    for (int j = 0; j < HIDDEN; j++) {
        double update = sigmoid(gate(3, d, 0, j, x, h, true, NULL)),
               reset = sigmoid(gate(3, d, 1, j, x, h, true, NULL)), r;
        double from_x = gate(3, d, 2, j, x, h, false, &r);
        double fresh = before ? tanh(from_x + reset * r) : tanh(gate(3, d, 2, j, x, gated, true, NULL));
        next[j] = (1 - update) * fresh + update * h[j];
    }
    memcpy(h, next, sizeof next);
}

/* Outputs of one image: y[STEPS][directions][HIDDEN]. */
static void plain(const float *x, bool is_lstm, bool before, int directions, bool reverse, double *y)
{
    for (int d = 0; d < directions; d++) {
        double h[HIDDEN], c[HIDDEN] = {0};
        for (int j = 0; j < HIDDEN; j++) h[j] = (double)first[d * HIDDEN + j];
        for (int s = 0; s < STEPS; s++) {
            int t = d == 1 || reverse ? STEPS - 1 - s : s;
            if (is_lstm) lstm_step(d, x + t * INPUTS, h, c);
            if (!is_lstm) gru_step(d, x + t * INPUTS, h, before);
            for (int j = 0; j < HIDDEN; j++) y[(t * directions + d) * HIDDEN + j] = h[j];
        }
    }
}

/* The image's rows are time steps, turned to the front as PyTorch does for a batch that comes first. */
static xbtab_network *make(bool is_lstm, bool before, const char *direction, int directions)
{
    xbtab_network *network = NULL;
    onnx_build b;
    int gates = is_lstm ? 4 : 3;
    build_begin(&b, 3, (int64_t[]){1, STEPS, INPUTS}, "y");
    build_floats(&b, "W", 3, (int64_t[]){directions, gates * HIDDEN, INPUTS}, W);
    build_floats(&b, "R", 3, (int64_t[]){directions, gates * HIDDEN, HIDDEN}, R);
    build_floats(&b, "B", 2, (int64_t[]){directions, 2 * gates * HIDDEN}, B);
    build_floats(&b, "h", 3, (int64_t[]){directions, 1, HIDDEN}, first);
    build_node(&b, "Transpose", "t", "x", NULL, NULL);
    build_attribute(&b, "perm", 3, (int64_t[]){1, 0, 2}, 0, NULL);
    build_node(&b, is_lstm ? "LSTM" : "GRU", "y", "t", "W", "R");
    build_input(&b, "B");
    build_input(&b, "");
    build_input(&b, "h");
    build_attribute(&b, "direction", 0, NULL, 0, direction);
    build_attribute(&b, "hidden_size", 0, (int64_t[]){HIDDEN}, 0, NULL);
    if (!is_lstm) build_attribute(&b, "linear_before_reset", 0, (int64_t[]){before}, 0, NULL);
    build_write(&b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    return network;
}

/* Counts vectors and answers exactly; each vector of a matrix has a number of its own. */
typedef struct watch {
    const xbtab_quantized *q;
    size_t vectors[8], numbers[8];
} watch;

static xbtab_status exact(void *payload, size_t m, size_t from, size_t n, const uint16_t *x, int64_t *y,
                          int thread)
{
    watch *w = payload;
    const xbtab_matrix *matrix = xbtab_quantized_matrix(w->q, m);
    (void)thread;
    for (size_t v = 0; v < n; v++) {
        w->vectors[m]++;
        w->numbers[m] += from + v;
        for (size_t o = 0; o < matrix->outputs; o++) {
            y[v * matrix->outputs + o] = 0;
            for (size_t k = 0; k < matrix->inputs; k++)
                y[v * matrix->outputs + o] +=
                    (int64_t)matrix->W[o * matrix->inputs + k] * x[v * matrix->inputs + k];
        }
    }
    return XBTAB_OK;
}

static void check_case(bool is_lstm, bool before, const char *direction, int directions)
{
    enum { MOST = IMAGES * STEPS * 2 * HIDDEN };
    static float in_float[MOST], integer[MOST], threads[MOST], hooked[MOST];
    double wanted[STEPS * 2 * HIDDEN];
    xbtab_network *network = make(is_lstm, before, direction, directions);
    xbtab_quantized *q = NULL;
    size_t outputs = xbtab_network_outputs(network);
    assert_int_equal(outputs, STEPS * directions * HIDDEN);
    assert_int_equal(xbtab_network_run(network, &images, IMAGES, NULL, in_float), XBTAB_OK);
    for (size_t i = 0; i < IMAGES; i++) {
        plain(pixel + i * STEPS * INPUTS, is_lstm, before, directions, direction[0] == 'r', wanted);
        for (size_t k = 0; k < outputs; k++)
            if (fabs((double)in_float[i * outputs + k] - wanted[k]) > 1e-5)
                fail_msg("%s %s: output %zu is %g, not %g", is_lstm ? "LSTM" : "GRU", direction, k,
                         (double)in_float[i * outputs + k], wanted[k]);
    }
    for (int bits = 8; bits <= 16; bits += 8) { /* the error of 16 bits is some 2^8 times smaller */
        xbtab_quantize_options options = {.weight_bits = bits, .activation_bits = bits};
        double most = 0;
        if (xbtab_quantized_create(&q, network, &images, &options) < 0) fail_msg("%s", xbtab_error_message());
        xbtab_run_options one = {.threads = 1}, three = {.threads = 3};
        watch w = {.q = q};
        assert_int_equal(xbtab_quantized_run(q, &images, IMAGES, NULL, NULL, &one, integer), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &images, IMAGES, NULL, NULL, &three, threads), XBTAB_OK);
        assert_int_equal(xbtab_quantized_run(q, &images, IMAGES, exact, &w, &one, hooked), XBTAB_OK);
        assert_memory_equal(integer, threads, IMAGES * outputs * sizeof *integer);
        assert_memory_equal(integer, hooked, IMAGES * outputs * sizeof *integer);
        for (size_t k = 0; k < IMAGES * outputs; k++)
            most = fmax(most, fabs((double)integer[k] - (double)in_float[k]));
        if (!(most > 0 && most < (bits == 8 ? 3e-2 : 2e-4))) fail_msg("%d bits are off by %g", bits, most);
        /* W once and R once for each direction, or gate by gate; every vector of every image with its own
         * number */
        size_t matrices = xbtab_quantized_matrices(q), vectors = IMAGES * STEPS;
        assert_int_equal(matrices, 1 + (size_t)directions * (is_lstm || before ? 1 : 3));
        for (size_t m = 0; m < matrices; m++) {
            assert_int_equal(w.vectors[m], vectors);
            assert_int_equal(w.numbers[m], vectors * (vectors - 1) / 2);
            assert_int_equal(xbtab_quantized_matrix(q, m)->products, STEPS);
        }
        xbtab_quantized_destroy(&q);
    }
    xbtab_network_destroy(&network);
}

static void cells_follow_their_equations_in_float_and_integers(void **state)
{
    (void)state;
    fill(W, sizeof W / sizeof *W, 1);
    fill(R, sizeof R / sizeof *R, 2);
    fill(B, sizeof B / sizeof *B, 3);
    fill(first, sizeof first / sizeof *first, 4);
    fill(pixel, sizeof pixel / sizeof *pixel, 5);
    static const char *const directions[] = {"forward", "reverse", "bidirectional"};
    for (int k = 0; k < 3; k++) {
        check_case(true, false, directions[k], 1 + (k == 2));
        check_case(false, false, directions[k], 1 + (k == 2));
        check_case(false, true, directions[k], 1 + (k == 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells_follow_their_equations_in_float_and_integers)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
