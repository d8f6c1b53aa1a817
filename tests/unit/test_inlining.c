/* test_inlining.c - functions that a file brings along and branches of If are read in their node's place,
 * with names of their own; shapes and conditions are computed exactly; what the output does not need is left
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "onnx_run.h"

enum { N = 5 };

static const bytes nothing;
static float x[N] = {1.5f, -2, 0.25f, 8, -0.125f};
static const float two[] = {2}, minus_three[] = {-3};

static xbtab_images image(void)
{
    return one_image(x, 1, 1, N);
}

/* x[1][N] to y. */
static bytes begin(void)
{
    bytes g = {0};
    bytes_value(&g, 11, "x", BYTES_FLOAT, 2, (int64_t[]){0, N}, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, 2, (int64_t[]){0, N}, NULL);
    return g;
}

/* A function of domain "own" without its body: fields 1 name, 4 inputs, 5 outputs, 6 attributes, 7 nodes, 9
 * opsets, 10 domain, 11 attributes with defaults, 13 overload. */
static bytes function(const char *name, const char *inputs, const char *outputs)
{
    bytes f = {0};
    bytes_text(&f, 1, name);
    bytes_names(&f, 4, inputs);
    bytes_names(&f, 5, outputs);
    bytes_nest(&f, 9, bytes_opset("", 22));
    bytes_text(&f, 10, "own");
    return f;
}

static void call(bytes *g, unsigned field, const char *type, const char *inputs, const char *outputs, bytes a,
                 bytes b)
{
    bytes node = bytes_node("own", type, inputs, outputs), list[] = {a, b};
    for (int k = 0; k < 2; k++) {
        if (list[k].n) bytes_nest(&node, 5, list[k]);
    }
    bytes_nest(g, field, node);
}

static void inner(bytes *f, const char *type, const char *inputs, const char *outputs, bytes attribute)
{
    bytes node = bytes_node("", type, inputs, outputs);
    if (attribute.n) bytes_nest(&node, 5, attribute);
    bytes_nest(f, 7, node);
}

/* leaky(a): LeakyRelu of slope `slope` (0.5 unless given), whose inner names are the outer graph's too. */
static void add_leaky(bytes *functions)
{
    bytes f = function("leaky", "x", "y");
    inner(&f, "Neg", "x", "t", nothing);
    inner(&f, "Neg", "t", "u", nothing);
    inner(&f, "LeakyRelu", "u", "y", bytes_ref("alpha", 1, "slope"));
    bytes_nest(&f, 11, bytes_f("slope", 0.5f));
    bytes_nest(functions, 25, f);
}

/* scaled(a, b): b times leaky(a) of its own slope; without b, leaky alone. */
static void add_scaled(bytes *functions)
{
    bytes f = function("scaled", "a b", "c");
    bytes_text(&f, 6, "s");
    call(&f, 7, "leaky", "a", "t", bytes_ref("slope", 1, "s"), nothing);
    inner(&f, "Mul", "t b", "c", nothing);
    bytes_nest(functions, 25, f);
}

static float leaky(float v, float slope)
{
    return v >= 0 ? v : slope * v;
}

static void functions_are_read_in_place(void **state)
{
    (void)state;
    bytes g = begin(), functions = {0};
    float wanted[N];
    xbtab_images images = image();
    bytes_floats(&g, "two", 1, (int64_t[]){1}, two);
    bytes_call(&g, "Mul", "x two", "t"); /* the functions have a t of their own */
    call(&g, 1, "leaky", "t", "u", nothing, nothing);
    call(&g, 1, "scaled", "u two", "v", bytes_f("s", 0.25f), nothing);
    call(&g, 1, "leaky", "v", "w", bytes_f("slope", 0.125f), nothing);
    bytes_call(&g, "Add", "w t", "y");
    add_scaled(&functions);
    add_leaky(&functions);
    bytes_write(path, 18, g, functions);
    for (int k = 0; k < N; k++) {
        float t = 2 * x[k], v = 2 * leaky(leaky(t, 0.5f), 0.25f);
        wanted[k] = leaky(v, 0.125f) + t;
    }
    gives(&images, N, wanted, 1e-6);
}

/* Two functions of a name are told apart by their overloads; an attribute that a call leaves out is its
 * operator's default; an input that a call leaves out is none in the body. */
static void overloads_and_what_is_left_out(void **state)
{
    (void)state;
    bytes g = begin(), functions = {0}, node = bytes_node("own", "act", "x", "t");
    float wanted[N];
    xbtab_images images = image();
    bytes_text(&node, 8, "steep");
    bytes_nest(&g, 1, node);
    call(&g, 1, "act", "t - -", "y", nothing, nothing);
    for (int k = 0; k < 2; k++) {
        bytes f = function("act", "x low high", "y");
        bytes_text(&f, 6, "a");
        if (k == 0) { /* leaves what is below 0 as a hundredth, ONNX's own slope */
            inner(&f, "LeakyRelu", "x", "t", bytes_ref("alpha", 1, "a"));
            inner(&f, "Clip", "t low high", "y", nothing);
        } else {
            inner(&f, "Add", "x x", "y", nothing);
            bytes_text(&f, 13, "steep");
        }
        bytes_nest(&functions, 25, f);
    }
    bytes_write(path, 22, g, functions);
    for (int k = 0; k < N; k++) wanted[k] = leaky(2 * x[k], 0.01f);
    gives(&images, N, wanted, 1e-6);
}

/* A body has its own opset: Softmax of the 12th is over all axes from the second on, of the 13th over one. */
static void a_function_has_its_own_opset(void **state)
{
    (void)state;
    bytes g = {0}, functions = {0}, f = {0};
    float image_of_four[] = {0, 1, 2, 3}, wanted[4], sum = 0;
    xbtab_images images = one_image(image_of_four, 1, 2, 2);
    bytes_value(&g, 11, "x", BYTES_FLOAT, 4, (int64_t[]){1, 1, 2, 2}, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, 4, (int64_t[]){1, 1, 2, 2}, NULL);
    call(&g, 1, "old", "x", "t", nothing, nothing);
    bytes_call(&g, "Identity", "t", "y");
    bytes_text(&f, 1, "old");
    bytes_names(&f, 4, "a");
    bytes_names(&f, 5, "b");
    inner(&f, "Softmax", "a", "b", nothing);
    bytes_nest(&f, 9, bytes_opset("", 12));
    bytes_text(&f, 10, "own");
    bytes_nest(&functions, 25, f);
    bytes_write(path, 22, g, functions);
    for (int k = 0; k < 4; k++) sum += wanted[k] = expf((float)k);
    for (int k = 0; k < 4; k++) wanted[k] /= sum;
    gives(&images, 4, wanted, 1e-6);
}

static void broken_calls_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"function \"loop\" calls itself",
                                        "has no attribute \"other\"",
                                        "2 inputs and 1 outputs for function \"leaky\", which has 1 and 1",
                                        "operator own.missing is not supported",
                                        "makes its output \"c\"",
                                        "two functions are called \"leaky\""};
    for (int c = 0; c < 6; c++) {
        bytes g = begin(), functions = {0}, f;
        call(&g, 1,
             c == 0   ? "loop"
             : c == 3 ? "missing"
             : c == 4 ? "empty"
                      : "leaky",
             c == 2 ? "x x" : "x", "y", c == 1 ? bytes_f("other", 1) : nothing, nothing);
        add_leaky(&functions);
        if (c == 5) add_leaky(&functions);
        f = function("loop", "a", "c"); /* by way of another */
        call(&f, 7, "round", "a", "c", nothing, nothing);
        bytes_nest(&functions, 25, f);
        f = function("round", "a", "c");
        call(&f, 7, "loop", "a", "c", nothing, nothing);
        bytes_nest(&functions, 25, f);
        f = function("empty", "a", "c");
        bytes_nest(&functions, 25, f);
        bytes_write(path, 22, g, functions);
        refused(NULL, c == 3 ? XBTAB_ERR_UNSUPPORTED : XBTAB_ERR_INPUT, words[c]);
    }
}

/* Forty functions deep, each calling the next twice: refused before it takes long. */
static void calls_do_not_run_away(void **state)
{
    (void)state;
    for (int deep = 12; deep <= 40; deep += 14) {
        bytes g = begin(), functions = {0};
        call(&g, 1, "f0", "x", "y", nothing, nothing);
        for (int k = 0; k < deep; k++) {
            char name[16], next[16];
            snprintf(name, sizeof name, "f%d", k);
            snprintf(next, sizeof next, "f%d", k + 1);
            bytes f = function(name, "a", "c");
            call(&f, 7, next, "a", "b", nothing, nothing);
            call(&f, 7, next, "b", "c", nothing, nothing);
            bytes_nest(&functions, 25, f);
        }
        char last[16];
        snprintf(last, sizeof last, "f%d", deep);
        bytes f = function(last, "a", "c");
        inner(&f, "Neg", "a", "c", nothing);
        bytes_nest(&functions, 25, f);
        bytes_write(path, 22, g, functions);
        if (deep > 12) {
            refused(NULL, XBTAB_ERR_UNSUPPORTED,
                    deep > 32 ? "functions call one another" : "more than 65536");
            continue;
        }
        xbtab_images images = image();
        gives(&images, N, x, 0); /* negated 4096 times */
    }
}

/* ---- If ---- */

/* A branch: the outer x, or what is given, times a constant of its own. */
static bytes branch(const char *of, const float *factor)
{
    bytes g = {0};
    bytes_floats(&g, "factor", 1, (int64_t[]){1}, factor);
    bytes_nest(&g, 1, bytes_node("", "Mul", "x factor", "t"));
    bytes_nest(&g, 1, bytes_node("", "Add", of, "b"));
    bytes_value(&g, 12, "b", BYTES_FLOAT, 2, (int64_t[]){1, N}, NULL);
    return g;
}

static void branches_of_known_conditions(void **state)
{
    (void)state;
    xbtab_images images = image();
    float wanted[N];
    for (int c = 0; c < 4; c++) { /* a constant, or the number of axes or places of x */
        bytes g = begin();
        bytes_constant(&g, "said", BYTES_BOOL, 0, NULL, (uint8_t[]){(uint8_t)(c & 1)}, 1);
        bytes_longs(&g, "wanted", 1, (int64_t[]){c & 1 ? N : N + 1});
        bytes_longs(&g, "last", 1, (int64_t[]){1});
        bytes_call(&g, "Neg", "x", "outer");
        bytes_call(&g, "Shape", "x", "shape");
        bytes_call(&g, "Gather", "shape last", "width");
        bytes_call(&g, "Equal", "width wanted", "seen");
        bytes_call_with(&g, "If", c < 2 ? "said" : "seen", "z",
                        bytes_g("then_branch", branch("t outer", two)),
                        bytes_g("else_branch", branch("t t", minus_three)), nothing, nothing);
        bytes_call(&g, "Identity", "z", "y");
        bytes_write(path, 16, g, nothing);
        for (int k = 0; k < N; k++) wanted[k] = c & 1 ? 2 * x[k] - x[k] : -6 * x[k];
        gives(&images, N, wanted, 1e-6);
    }
}

/* Branches within a function: its inputs decide, its attributes are theirs, and one If holds another. */
static void branches_in_functions(void **state)
{
    (void)state;
    xbtab_images images = image();
    float wanted[N];
    for (int c = 0; c < 4; c++) {
        bytes g = begin(), functions = {0}, f = function("pick", "a first second", "b");
        bytes deep[2] = {{0}}, outer[2] = {{0}};
        for (int k = 0; k < 2; k++) {
            bytes node = bytes_node("", "LeakyRelu", "a", "d");
            bytes_nest(&node, 5, bytes_ref("alpha", 1, k ? "high" : "low"));
            bytes_nest(&deep[k], 1, node);
            bytes_value(&deep[k], 12, "d", BYTES_FLOAT, 2, (int64_t[]){1, N}, NULL);
        }
        bytes_nest(&outer[1], 1, bytes_node("", "Neg", "a", "o"));
        bytes_call_with(&outer[0], "If", "second", "o", bytes_g("then_branch", deep[1]),
                        bytes_g("else_branch", deep[0]), nothing, nothing);
        for (int k = 0; k < 2; k++) bytes_value(&outer[k], 12, "o", BYTES_FLOAT, 2, (int64_t[]){1, N}, NULL);
        bytes node = bytes_node("", "If", "first", "b");
        bytes_nest(&node, 5, bytes_g("then_branch", outer[0]));
        bytes_nest(&node, 5, bytes_g("else_branch", outer[1]));
        bytes_nest(&f, 7, node);
        bytes_text(&f, 6, "high");
        bytes_nest(&f, 11, bytes_f("low", 0.125f));
        bytes_nest(&functions, 25, f);
        bytes_constant(&g, "p", BYTES_BOOL, 0, NULL, (uint8_t[]){(uint8_t)(c & 1)}, 1);
        bytes_constant(&g, "q", BYTES_BOOL, 0, NULL, (uint8_t[]){(uint8_t)(c >> 1)}, 1);
        call(&g, 1, "pick", "x p q", "y", bytes_f("high", 0.75f), nothing);
        bytes_write(path, 21, g, functions);
        for (int k = 0; k < N; k++) wanted[k] = c & 1 ? leaky(x[k], c >> 1 ? 0.75f : 0.125f) : -x[k];
        gives(&images, N, wanted, 1e-6);
    }
}

static void other_conditions_are_refused(void **state)
{
    (void)state;
    bytes g = begin();
    bytes_call_with(&g, "ReduceMax", "x", "most", bytes_i("keepdims", 0), nothing, nothing, nothing);
    bytes_call_with(&g, "Cast", "most", "bool", bytes_i("to", BYTES_BOOL), nothing, nothing, nothing);
    bytes_call_with(&g, "If", "bool", "y", bytes_g("then_branch", branch("t x", two)),
                    bytes_g("else_branch", branch("t t", two)), nothing, nothing);
    bytes_write(path, 16, g, nothing);
    refused(NULL, XBTAB_ERR_UNSUPPORTED, "(If): its condition \"bool\" differs from image to image");
}

/* ---- shapes ---- */

/* Numbers past 2^24, where single precision has gaps, and past 32 bits. */
static void shapes_are_computed_in_integers(void **state)
{
    (void)state;
    static const int64_t large = (1 << 24) + 1, huge = ((int64_t)1 << 53) + 3;
    xbtab_images images = image();
    for (int c = 0; c < 2; c++) {
        bytes g = begin();
        int64_t base = c ? huge : large;
        bytes_longs(&g, "big", 2, (int64_t[]){base, -base});
        bytes_longs(&g, "less", 2, (int64_t[]){base - 1, 1 - base});
        bytes_longs(&g, "first", 1, (int64_t[]){0});
        bytes_longs(&g, "axes", 1, (int64_t[]){1});
        bytes_longs(&g, "end", 1, (int64_t[]){4});
        bytes_call_with(&g, "Concat", "big big", "twice", bytes_i("axis", 0), nothing, nothing, nothing);
        bytes_call_with(&g, "Concat", "less less", "less2", bytes_i("axis", 0), nothing, nothing, nothing);
        bytes_call(&g, "Where", "is_there twice less2", "chosen");
        bytes_call(&g, "Sub", "chosen less2", "ones"); /* 1, -1, 1, -1 */
        bytes_call_with(&g, "Gather", "ones first", "start", bytes_i("axis", 0), nothing, nothing, nothing);
        bytes_call(&g, "Slice", "x start end axes", "y");
        bytes_constant(&g, "is_there", BYTES_BOOL, 1, (int64_t[]){4}, (uint8_t[]){1, 1, 1, 1}, 4);
        bytes_write(path, 13, g, nothing);
        gives(&images, 3, x + 1, 0); /* places 1 to 3 */
    }
}

/* Expand's shape as PyTorch makes it: -1 keeps an axis. ConstantOfShape, Mul, Equal, Where, Range, Div, Mod.
 */
static void shapes_of_exporters(void **state)
{
    (void)state;
    float wanted[2 * N];
    xbtab_images images = image();
    bytes g = begin();
    bytes_longs(&g, "asked", 3, (int64_t[]){2, -1, N});
    bytes_longs(&g, "three", 1, (int64_t[]){3});
    bytes_longs(&g, "minus", 1, (int64_t[]){-1});
    bytes_longs(&g, "axis0", 1, (int64_t[]){0});
    bytes_constant(&g, "zero", BYTES_INT64, 0, NULL, (int64_t[]){0}, 8);
    bytes_constant(&g, "two", BYTES_INT64, 0, NULL, (int64_t[]){2}, 8);
    bytes_constant(&g, "one", BYTES_INT64, 0, NULL, (int64_t[]){1}, 8);
    bytes_constant(&g, "seven", BYTES_INT64, 0, NULL, (int64_t[]){-7}, 8);
    bytes_call_with(&g, "ConstantOfShape", "three", "ones",
                    bytes_t("value", bytes_tensor("v", BYTES_INT64, 1, (int64_t[]){1}, (int64_t[]){1}, 8)),
                    nothing, nothing, nothing);
    bytes_call(&g, "Mul", "ones minus", "minuses");
    bytes_call(&g, "Equal", "asked minuses", "kept");
    bytes_call(&g, "Where", "kept ones asked", "shape");
    bytes_call(&g, "Expand", "x shape", "e");       /* [2][1][N] */
    bytes_call(&g, "Div", "seven two", "quotient"); /* -3: towards 0 */
    bytes_call(&g, "Mod", "seven two", "rest");     /* 1: with the divisor's sign */
    bytes_call(&g, "Add", "quotient rest", "sum");  /* -2 */
    bytes_call(&g, "Mul", "sum minus1", "end");
    bytes_constant(&g, "minus1", BYTES_INT64, 0, NULL, (int64_t[]){-1}, 8);
    bytes_call(&g, "Range", "zero end one", "picked"); /* 0, 1 */
    bytes_call_with(&g, "Gather", "e picked", "y", bytes_i("axis", 0), nothing, nothing, nothing);
    bytes_write(path, 14, g, nothing);
    for (int k = 0; k < 2 * N; k++) wanted[k] = x[k % N];
    gives(&images, 2 * N, wanted, 0);
}

static void division_by_zero_is_refused(void **state)
{
    (void)state;
    bytes g = begin();
    bytes_longs(&g, "shape", 2, (int64_t[]){1, N});
    bytes_longs(&g, "zero", 1, (int64_t[]){0});
    bytes_call(&g, "Div", "shape zero", "broken");
    bytes_call(&g, "Reshape", "x broken", "y");
    bytes_write(path, 14, g, nothing);
    refused(NULL, XBTAB_ERR_INPUT, "divides by 0");
}

/* ---- what is not needed ---- */

static void what_nothing_reads_is_left_out(void **state)
{
    (void)state;
    enum { STRING = 8 };
    xbtab_images images = image();
    bytes g = {0}, functions = {0};
    bytes_value(&g, 11, "mask", BYTES_INT64, 1, (int64_t[]){0}, NULL);
    bytes_value(&g, 11, "x", BYTES_FLOAT, 2, (int64_t[]){0, N}, NULL);
    bytes_value(&g, 11, "names", STRING, 3, (int64_t[]){0, 0, 0}, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, 2, (int64_t[]){0, N}, NULL);
    bytes_value(&g, 12, "aside", BYTES_FLOAT, 1, (int64_t[]){0}, NULL);
    bytes_constant(&g, "words", STRING, 1, (int64_t[]){2}, NULL, 0);
    bytes_call(&g, "NoSuchOperator", "mask names words", "aside");
    bytes_call(&g, "Neg", "x", "y");
    bytes_write(path, 22, g, functions);
    float wanted[N];
    for (int k = 0; k < N; k++) wanted[k] = -x[k];
    gives(&images, N, wanted, 0);
}

static void two_inputs_that_are_read_are_refused(void **state)
{
    (void)state;
    bytes g = begin();
    bytes_value(&g, 11, "z", BYTES_FLOAT, 2, (int64_t[]){0, N}, NULL);
    bytes_call(&g, "Add", "x z", "y");
    bytes_write(path, 22, g, nothing);
    refused(NULL, XBTAB_ERR_UNSUPPORTED, "has more than one input, \"x\" and \"z\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_read_in_place),
        cmocka_unit_test(overloads_and_what_is_left_out),
        cmocka_unit_test(a_function_has_its_own_opset),
        cmocka_unit_test(broken_calls_are_refused),
        cmocka_unit_test(calls_do_not_run_away),
        cmocka_unit_test(branches_of_known_conditions),
        cmocka_unit_test(branches_in_functions),
        cmocka_unit_test(other_conditions_are_refused),
        cmocka_unit_test(shapes_are_computed_in_integers),
        cmocka_unit_test(shapes_of_exporters),
        cmocka_unit_test(division_by_zero_is_refused),
        cmocka_unit_test(what_nothing_reads_is_left_out),
        cmocka_unit_test(two_inputs_that_are_read_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
