/* test_pools.c - pools of the integer run against plain code: largest codes, and means whose halves are
 * rounded up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_build.h"
#include "random.h"

enum { IMAGES = 3, CHANNELS = 2, HEIGHT = 7, WIDTH = 6, PIXELS = CHANNELS * HEIGHT * WIDTH, CODES = 256 };

/* Images of whole numbers from low to low + 255, so that their 8-bit codes are the numbers themselves. */
typedef struct fixture {
    float x[IMAGES * PIXELS], W[PIXELS * PIXELS], y[IMAGES * PIXELS];
    int low;
    xbtab_images images;
    xbtab_network *network;
    xbtab_quantized *quantized;
} fixture;

typedef struct pool {
    const char *type;
    int kernel, stride, pad, padded; /* padded: count_include_pad */
} pool;

static int places(const pool *p, int n)
{
    return (n + 2 * p->pad - p->kernel) / p->stride + 1;
}

/* The pool, and behind it a dense layer that hands each of its outputs on as it is: weight 1 is exact in 8
 * bits. */
static void prepare(fixture *f, const pool *p, int low)
{
    onnx_build b;
    xbtab__random random;
    const int n = CHANNELS * places(p, HEIGHT) * places(p, WIDTH);
    const int64_t kernel[] = {p->kernel, p->kernel}, stride[] = {p->stride, p->stride};
    const int64_t pad[] = {p->pad, p->pad, p->pad, p->pad};
    *f = (fixture){.low = low};
    xbtab__random_init(&random, 31, XBTAB__RANDOM_TEST, 0, 0);
    for (int k = 0; k < IMAGES * PIXELS; k++) {
        int wide = k % 3 ? CODES : 4; /* small codes: every remainder of a mean */
        f->x[k] = (float)(low + (int)xbtab__random_below(&random, (uint32_t)wide));
    }
    f->x[0] = (float)low;
    f->x[1] = (float)(low + CODES - 1);
    for (int k = 0; k < n; k++) f->W[k * n + k] = 1;
    build_begin(&b, 4, (int64_t[]){1, CHANNELS, HEIGHT, WIDTH}, "y");
    build_floats(&b, "W", 2, (int64_t[]){n, n}, f->W);
    build_node(&b, p->type, "p", "x", NULL, NULL);
    build_attribute(&b, "kernel_shape", 2, kernel, 0, NULL);
    build_attribute(&b, "strides", 2, stride, 0, NULL);
    build_attribute(&b, "pads", 4, pad, 0, NULL);
    if (p->padded) build_attribute(&b, "count_include_pad", 0, (int64_t[]){1}, 0, NULL);
    build_node(&b, "Flatten", "f", "p", NULL, NULL);
    build_node(&b, "MatMul", "y", "f", "W", NULL);
    build_write(&b, path);
    f->images =
        (xbtab_images){.n = IMAGES, .channels = CHANNELS, .height = HEIGHT, .width = WIDTH, .pixel = f->x};
    if (xbtab_network_open(&f->network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(f->network), n);
    if (xbtab_quantized_create(&f->quantized, f->network, &f->images, NULL) < 0)
        fail_msg("%s", xbtab_error_message());
    if (xbtab_quantized_run(f->quantized, &f->images, IMAGES, NULL, NULL, NULL, f->y) < 0)
        fail_msg("%s", xbtab_error_message());
}

static void finish(fixture *f)
{
    xbtab_quantized_destroy(&f->quantized);
    xbtab_network_destroy(&f->network);
}

/* One output by the definition; a mean in codes, which count from 0. */
static double pooled(const fixture *f, const pool *p, const float *channel, int row, int column)
{
    double most = -INFINITY, sum = 0, n = 0;
    for (int k = 0; k < p->kernel * p->kernel; k++) {
        int i = row * p->stride - p->pad + k / p->kernel, j = column * p->stride - p->pad + k % p->kernel;
        bool inside = i >= 0 && j >= 0 && i < HEIGHT && j < WIDTH;
        if (!inside && !p->padded) continue;
        double x = inside ? (double)channel[i * WIDTH + j] : 0.0;
        most = fmax(most, x);
        sum += x - f->low;
        n++;
    }
    return strcmp(p->type, "MaxPool") == 0 ? most : f->low + floor(sum / n + 0.5);
}

static void pools_are_those_of_the_definition(void **state)
{
    (void)state;
    static const pool pools[] = {{"AveragePool", 2, 2, 0, 0}, {"AveragePool", 3, 1, 1, 0},
                                 {"AveragePool", 3, 2, 1, 1}, {"AveragePool", 4, 3, 2, 0},
                                 {"MaxPool", 3, 2, 1, 0},     {"MaxPool", 2, 1, 0, 0}};
    static fixture f;
    for (size_t k = 0; k < 2 * sizeof pools / sizeof pools[0]; k++) {
        const pool *p = &pools[k / 2];
        prepare(&f, p, k % 2 ? -100 : 0);
        const int rows = places(p, HEIGHT), columns = places(p, WIDTH);
        for (int at = 0; at < IMAGES * CHANNELS * rows * columns; at++) {
            double wanted = pooled(&f, p, f.x + at / (rows * columns) * HEIGHT * WIDTH,
                                   at % (rows * columns) / columns, at % columns);
            if (fabs((double)f.y[at] - wanted) > 1e-3) {
                fail_msg("%s %d x %d, output %d: %g, %g wanted", p->type, p->kernel, p->kernel, at,
                         (double)f.y[at], wanted);
            }
        }
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pools_are_those_of_the_definition)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
