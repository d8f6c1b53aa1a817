/* test_input_range.c - how images meet a network's first quantizer; codes by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_build.h"

enum { N = 6, UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 };

static float pixels[2 * N] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, scale[1] = {0.5f}, third[1] = {3.0f},
                        shift[N] = {0, 1, 2, 0, 0, 0}, zero_step[1] = {1.0f}, W[N * N];
static int32_t five[1] = {5};

static void open_range(const onnx_build *b, int is_bytes, int raw, xbtab_input_range *out)
{
    static xbtab_network *network; /* its node's name is looked at */
    xbtab_images images = {
        .n = 2, .channels = 1, .height = 1, .width = N, .pixel = pixels, .is_bytes = is_bytes};
    xbtab_network_destroy(&network);
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    if (xbtab_network_input_range(network, &images, raw, out) < 0) fail_msg("%s", xbtab_error_message());
}

static void begin(onnx_build *b)
{
    build_begin(b, 2, (int64_t[]){1, N}, "y");
    build_floats(b, "s", 1, (int64_t[]){1}, scale);
    build_ints(b, "z", UINT8, 1, (int64_t[]){1}, five);
    build_floats(b, "third", 1, (int64_t[]){1}, third);
    build_floats(b, "shift", 1, (int64_t[]){N}, shift);
    build_floats(b, "one", 1, (int64_t[]){1}, zero_step);
    build_floats(b, "W", 2, (int64_t[]){N, N}, W);
}

static void expect(const xbtab_input_range *r, const char *node, double least, double most)
{
    assert_string_equal(r->node, node);
    assert_true(r->low == 0 && r->high == 255);
    if (fabs(r->least - least) > 1e-4 || fabs(r->most - most) > 1e-4)
        fail_msg("codes %g to %g, not %g to %g", r->least, r->most, least, most);
    assert_false(r->is_constant);
}

/* x / 0.5 + 5, of bytes as they are or divided by 255, and of the floats that there are. */
static void at_once(void **state)
{
    (void)state;
    onnx_build b;
    xbtab_input_range r;
    begin(&b);
    build_node(&b, "QuantizeLinear", "y", "x", "s", "z");
    open_range(&b, 1, 0, &r);
    expect(&r, "y", 5, 7);
    open_range(&b, 1, 1, &r);
    expect(&r, "y", 5, 515);
    open_range(&b, 0, 0, &r);
    expect(&r, "y", 7, 23); /* 1 and 9 */
}

/* (x - shift) / 3 / 0.5 + 5 */
static void behind_shifts_and_factors(void **state)
{
    (void)state;
    onnx_build b;
    xbtab_input_range r;
    begin(&b);
    build_node(&b, "Sub", "d", "x", "shift", NULL);
    build_node(&b, "Div", "t", "d", "third", NULL);
    build_node(&b, "Identity", "i", "t", NULL, NULL);
    build_node(&b, "QuantizeLinear", "q", "i", "s", "z");
    build_node(&b, "DequantizeLinear", "y", "q", "s", "z");
    open_range(&b, 1, 1, &r);
    expect(&r, "q", 5 - 4.0 / 3, 5 + 170);
    open_range(&b, 0, 1, &r);
    expect(&r, "q", 5.0, 11.0); /* 1 - 1, 2 - 2; 9 */
}

/* A sign, which tells bytes apart only where some are below 0. */
static void signs(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        onnx_build b;
        xbtab_input_range r;
        begin(&b);
        if (way) build_node(&b, "Sub", "d", "x", "shift", NULL);
        build_node(&b, "BipolarQuant", "y", way ? "d" : "x", "one", NULL);
        open_range(&b, 1, 1, &r);
        assert_string_equal(r.node, "y");
        assert_true(r.least > r.most);
        assert_int_equal(r.is_constant, way == 0);
    }
}

/* Without a quantizer, or where a layer stands before it, nothing can be known. */
static void no_quantizer_at_the_input(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        onnx_build b;
        xbtab_input_range r;
        begin(&b);
        build_node(&b, "MatMul", way ? "m" : "y", "x", "W", NULL);
        if (way) build_node(&b, "QuantizeLinear", "y", "m", "s", "z");
        open_range(&b, 1, 0, &r);
        assert_null(r.node);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once),
        cmocka_unit_test(behind_shifts_and_factors),
        cmocka_unit_test(signs),
        cmocka_unit_test(no_quantizer_at_the_input),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
