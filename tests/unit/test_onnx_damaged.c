/* test_onnx_damaged.c - files with functions, branches and operators of young opsets, cut and changed byte by
 * byte: each is read or refused, and what can be read runs. The fuzzer starts from the same files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../fuzz/fuzz_onnx.c"

#include "onnx_run.h"
#include "random.h"

enum { FORMS = 7, INT4 = 22 };

static const bytes nothing;
static const float numbers[16] = {1, -2, 0.5f, 3, 0.25f, -1, 2, 4, -0.5f, 1.5f, 0, -3, 2.5f, 1, -1.5f, 0.75f};

static bytes begin(size_t rank, const int64_t *dim)
{
    bytes g = {0};
    bytes_value(&g, 11, "x", BYTES_FLOAT, rank, dim, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, rank, dim, NULL);
    return g;
}

static void add_functions(bytes *g, bytes *functions)
{
    bytes f = {0}, call = bytes_node("own", "f", "x", "y"), node = bytes_node("", "LeakyRelu", "a", "b");
    bytes_text(&f, 1, "f");
    bytes_names(&f, 4, "a");
    bytes_names(&f, 5, "b");
    bytes_text(&f, 6, "plain");
    bytes_nest(&node, 5, bytes_ref("alpha", 1, "slope"));
    bytes_nest(&f, 7, node);
    bytes_nest(&f, 9, bytes_opset("", 18));
    bytes_text(&f, 10, "own");
    bytes_nest(&f, 11, bytes_f("slope", 0.5f));
    bytes_nest(functions, 25, f);
    bytes_nest(&call, 5, bytes_f("slope", 0.25f));
    bytes_nest(g, 1, call);
}

static void add_branches(bytes *g)
{
    bytes branch[2] = {{0}};
    for (int k = 0; k < 2; k++) {
        bytes_floats(&branch[k], "c", 1, (int64_t[]){1}, numbers + k);
        bytes_nest(&branch[k], 1, bytes_node("", "Mul", "x c", "b"));
        bytes_value(&branch[k], 12, "b", BYTES_FLOAT, 2, (int64_t[]){1, 4}, NULL);
    }
    bytes_longs(g, "wanted", 2, (int64_t[]){1, 4});
    bytes_call(g, "Shape", "x", "shape");
    bytes_call(g, "Sub", "shape wanted", "off");
    bytes_call_with(g, "ReduceMax", "off", "most", bytes_i("keepdims", 0), nothing, nothing, nothing);
    bytes_call_with(g, "Cast", "most", "is_other", bytes_i("to", BYTES_BOOL), nothing, nothing, nothing);
    bytes_call_with(g, "If", "is_other", "y", bytes_g("then_branch", branch[0]),
                    bytes_g("else_branch", branch[1]), nothing, nothing);
}

static void add_blocks(bytes *g)
{
    static const uint8_t codes[] = {0x12, 0x7f, 0x83, 0x5a};
    bytes_constant(g, "W", INT4, 2, (int64_t[]){4, 2}, codes, sizeof codes);
    bytes_floats(g, "S", 2, (int64_t[]){2, 2}, (float[]){0.5f, 0, 0.25f, 2});
    bytes_floats(g, "s", 0, NULL, (float[]){0.125f});
    bytes_call_with(g, "QuantizeLinear", "x s", "q", bytes_i("output_dtype", INT4), nothing, nothing,
                    nothing);
    bytes_call(g, "DequantizeLinear", "q s", "r");
    bytes_call_with(g, "DequantizeLinear", "W S", "w", bytes_i("axis", 0), bytes_i("block_size", 2), nothing,
                    nothing);
    bytes_call(g, "MatMul", "r w", "y");
}

static void add_images(bytes *g)
{
    bytes_floats(g, "W", 4, (int64_t[]){2, 1, 2, 2}, numbers);
    bytes_floats(g, "B", 1, (int64_t[]){2}, numbers);
    bytes_longs(g, "sizes", 2, (int64_t[]){2, 3});
    bytes_longs(g, "pads", 4, (int64_t[]){1, 0, 0, 2});
    bytes_longs(g, "axes", 2, (int64_t[]){2, 3});
    bytes_call_with(g, "ConvTranspose", "x W B", "a", bytes_is("strides", 2, (int64_t[]){2, 1}),
                    bytes_i("group", 2), bytes_is("output_padding", 2, (int64_t[]){1, 0}), nothing);
    bytes_call_with(g, "Resize", "a - - sizes", "b", bytes_is("axes", 2, (int64_t[]){2, 3}),
                    bytes_s("mode", "cubic"), bytes_i("antialias", 1), nothing);
    bytes_call_with(g, "Pad", "b pads - axes", "c", bytes_s("mode", "wrap"), nothing, nothing, nothing);
    bytes_call_with(g, "GroupNormalization", "c B B", "y", bytes_i("num_groups", 1), nothing, nothing,
                    nothing);
}

/* Form k into path. */
static void write_form(int k)
{
    bool is_image = k == 3;
    bytes g = is_image ? begin(4, (int64_t[]){1, 2, 3, 4})
              : k == 5 ? begin(3, (int64_t[]){1, 2, 3})
                       : begin(2, (int64_t[]){1, 4});
    bytes functions = {0};
    switch (k) {
    case 0:
        add_functions(&g, &functions);
        break;
    case 1:
        add_branches(&g);
        break;
    case 2:
        add_blocks(&g);
        break;
    case 3:
        add_images(&g);
        break;
    case 4:
        bytes_floats(&g, "W", 3, (int64_t[]){2, 2, 4}, numbers);
        bytes_call_with(&g, "Einsum", "x W", "y", bytes_s("equation", "bi,oki->bko"), nothing, nothing,
                        nothing);
        break;
    case 5:
        bytes_call_with(&g, "Einsum", "x x", "z", bytes_s("equation", "...ij,...kj->...ki"), nothing, nothing,
                        nothing);
        bytes_longs(&g, "k", 1, (int64_t[]){2});
        bytes_call_with(&g, "TopK", "z k", "y i", bytes_i("largest", 0), nothing, nothing, nothing);
        break;
    default: {
        bytes node = bytes_node("qonnx.custom_op.general", "Trunc", "x s z eight s4 four", "y");
        bytes_floats(&g, "s", 0, NULL, (float[]){0.125f});
        bytes_floats(&g, "s4", 0, NULL, (float[]){0.5f});
        bytes_floats(&g, "z", 0, NULL, (float[]){0});
        bytes_floats(&g, "eight", 0, NULL, (float[]){8});
        bytes_floats(&g, "four", 0, NULL, (float[]){4});
        bytes_nest(&g, 1, node);
    }
    }
    bytes_write(path, 21, g, functions);
}

static size_t read_all(const char *name, uint8_t *out, size_t most)
{
    FILE *file = fopen(name, "rb");
    size_t n = file ? fread(out, 1, most, file) : 0;
    if (file) fclose(file);
    return n;
}

/* The committed files are the forms above (XBARTAB_UPDATE=1 writes them). */
static void the_fuzzers_files_are_these(void **state)
{
    (void)state;
    static uint8_t made[8192], kept[8192];
    for (int k = 0; k < FORMS; k++) {
        char name[512];
        snprintf(name, sizeof name, "%s/tests/fuzz/corpus/onnx/form%d.onnx", XBARTAB_SOURCE_FOLDER, k);
        write_form(k);
        size_t n = read_all(path, made, sizeof made);
        if (getenv("XBARTAB_UPDATE")) {
            FILE *file = fopen(name, "wb");
            assert_non_null(file);
            assert_int_equal(fwrite(made, 1, n, file), n);
            fclose(file);
        }
        assert_int_equal(read_all(name, kept, sizeof kept), n);
        assert_memory_equal(made, kept, n);
        xbtab_network *network = NULL;
        if (xbtab_network_open(&network, path) < 0) fail_msg("form %d: %s", k, xbtab_error_message());
        xbtab_network_destroy(&network);
    }
}

static void damaged_forms_are_read_or_refused(void **state)
{
    (void)state;
    enum { CHANGES = 400 };
    static uint8_t whole[8192], changed[8192];
    xbtab__random random;
    xbtab__random_init(&random, 11, XBTAB__RANDOM_TEST, 0, 0);
    for (int k = 0; k < FORMS; k++) {
        write_form(k);
        size_t n = read_all(path, whole, sizeof whole);
        LLVMFuzzerTestOneInput(whole, n);
        for (size_t length = 0; length < n; length += 3) LLVMFuzzerTestOneInput(whole, length);
        for (int c = 0; c < CHANGES; c++) {
            memcpy(changed, whole, n);
            for (int b = 0; b < 1 + c % 3; b++)
                changed[(size_t)(xbtab__random_uniform(&random) * (double)n)] =
                    (uint8_t)(xbtab__random_uniform(&random) * 256);
            LLVMFuzzerTestOneInput(changed, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fuzzers_files_are_these),
        cmocka_unit_test(damaged_forms_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
