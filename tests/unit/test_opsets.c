/* test_opsets.c - what opsets 11 to 22 added to operators and element types. Expected numbers are from loops
 * written out here, or from SciPy-like scripts of ONNX's texts, as the comments say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "onnx_run.h"

static const bytes nothing;

static float image_of[96]; /* numbers of no pattern */

static void fill(void)
{
    for (int k = 0; k < 96; k++) image_of[k] = (float)((k * 37 + 11) % 64 - 29) / 8;
}

/* x of a shape to y. */
static bytes begin(size_t rank, const int64_t *dim)
{
    bytes g = {0};
    fill();
    bytes_value(&g, 11, "x", BYTES_FLOAT, rank, dim, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, rank, dim, NULL);
    return g;
}

/* Open, give the number of matrix layers, run on one image of C x H x W. */
static void opens_and_gives(size_t C, size_t H, size_t W, size_t layers, size_t n, const float *wanted)
{
    xbtab_network *network = NULL;
    xbtab_images images = one_image(image_of, C, H, W);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_layers(network), layers);
    network_gives(&network, &images, n, wanted, 1e-5);
}

/* ---- windows that spread ---- */

/* Strides, dilations, groups, pads and output_padding; each number of the input is added to its window. */
static void transposed_convolutions_spread_their_numbers(void **state)
{
    (void)state;
    enum { C = 4, GROUPS = 2, M = 3, H = 3, W = 4, KH = 2, KW = 3 };
    const int64_t stride[] = {2, 3}, dilation[] = {2, 1}, pads[] = {1, 0, 0, 2}, extra[] = {1, 2};
    const int64_t OH = 2 * (H - 1) + 1 + 2 * (KH - 1) + 1 - 1, OW = 3 * (W - 1) + 2 + (KW - 1) + 1 - 2;
    static float weight[C * M * KH * KW], bias[GROUPS * M], wanted[GROUPS * M * 128];
    bytes g = begin(4, (int64_t[]){1, C, H, W});
    for (int k = 0; k < C * M * KH * KW; k++) weight[k] = (float)((k * 29 + 7) % 32 - 15) / 4;
    for (int k = 0; k < GROUPS * M; k++) bias[k] = (float)k - 2.5f;
    bytes_floats(&g, "W", 4, (int64_t[]){C, M, KH, KW}, weight);
    bytes_floats(&g, "B", 1, (int64_t[]){GROUPS * M}, bias);
    bytes node = bytes_node("", "ConvTranspose", "x W B", "y");
    bytes_nest(&node, 5, bytes_is("strides", 2, stride));
    bytes_nest(&node, 5, bytes_is("dilations", 2, dilation));
    bytes_nest(&node, 5, bytes_is("pads", 4, pads));
    bytes_nest(&node, 5, bytes_is("output_padding", 2, extra));
    bytes_nest(&node, 5, bytes_i("group", GROUPS));
    bytes_nest(&g, 1, node);
    bytes_write(path, 22, g, nothing);
    for (int64_t k = 0; k < GROUPS * M * OH * OW; k++) wanted[k] = bias[k / (OH * OW)];
    for (int c = 0; c < C; c++) {
        for (int k = 0; k < M * H * W * KH * KW; k++) {
            int m = k / (H * W * KH * KW), i = k / (W * KH * KW) % H, j = k / (KH * KW) % W, a = k / KW % KH,
                b = k % KW, output = c / (C / GROUPS) * M + m;
            int64_t row = i * stride[0] + a * dilation[0] - pads[0],
                    column = j * stride[1] + b * dilation[1] - pads[1];
            if (row < 0 || row >= OH || column < 0 || column >= OW) continue;
            wanted[(output * OH + row) * OW + column] +=
                image_of[(c * H + i) * W + j] * weight[((c * M + m) * KH + a) * KW + b];
        }
    }
    opens_and_gives(C, H, W, 1, (size_t)(GROUPS * M * OH * OW), wanted);
}

/* ---- Einsum ---- */

/* y[b][o][h] = sum_c,w x[b][c][h][w] W[w][o][c]: a matrix layer, whose axes are not in its order. */
static void einsum_with_a_constant_is_a_layer(void **state)
{
    (void)state;
    enum { C = 2, H = 3, W = 4, O = 5 };
    static float weight[W * O * C], wanted[O * H];
    for (int turned = 0; turned < 2; turned++) {
        bytes g = begin(4, (int64_t[]){1, C, H, W});
        for (int k = 0; k < W * O * C; k++) weight[k] = (float)((k * 13 + 5) % 16 - 7) / 2;
        bytes_floats(&g, "W", 3, (int64_t[]){W, O, C}, weight);
        bytes_call_with(&g, "Einsum", turned ? "W x" : "x W", "y",
                        bytes_s("equation", turned ? "woc, bchw -> boh" : "bchw,woc->boh"), nothing, nothing,
                        nothing);
        bytes_write(path, 20, g, nothing);
        memset(wanted, 0, sizeof wanted);
        for (int k = 0; k < C * H * W * O; k++) {
            int c = k / (H * W * O), h = k / (W * O) % H, w = k / O % W, o = k % O;
            wanted[o * H + h] += image_of[(c * H + h) * W + w] * weight[(w * O + o) * C + c];
        }
        opens_and_gives(C, H, W, 1, O * H, wanted);
    }
}

/* Products of the image with itself: attention's two, a trace, and three tensors. */
static void einsum_of_any_axes(void **state)
{
    (void)state;
    enum { D = 4 };
    static const char *const equations[] = {"...ij,...kj->...ki", "bii->b", "bij,bjk,bkl->bil", "bij->"};
    static const char *const inputs[] = {"x x", "x", "x x x", "x"};
    for (int e = 0; e < 4; e++) {
        float wanted[D * D] = {0};
        bytes g = begin(3, (int64_t[]){1, D, D});
        bytes_call_with(&g, "Einsum", inputs[e], "y", bytes_s("equation", equations[e]), nothing, nothing,
                        nothing);
        bytes_write(path, 12, g, nothing);
        const float *x = image_of;
        for (int i = 0; i < D; i++) {
            for (int k = 0; k < D; k++) {
                for (int j = 0; j < D; j++) {
                    if (e == 0) wanted[k * D + i] += x[i * D + j] * x[k * D + j];
                    for (int l = 0; l < D && e == 2; l++)
                        wanted[i * D + l] += x[i * D + j] * x[j * D + k] * x[k * D + l];
                }
                if (e == 3) wanted[0] += x[i * D + k];
            }
            if (e == 1) wanted[0] += x[i * D + i];
        }
        opens_and_gives(1, D, D, 0, e == 1 || e == 3 ? 1 : D * D, wanted);
    }
}

static void einsum_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const char *const equations[] = {"bij,bjk->bik", "bij->bijj", "bi->b",
                                            "bij->z",       "...ij->ij", "b*j->b"};
    for (int e = 0; e < 6; e++) {
        bytes g = begin(3, (int64_t[]){1, 4, 4});
        bytes_call_with(&g, "Einsum", "x", "y", bytes_s("equation", equations[e]), nothing, nothing, nothing);
        bytes_write(path, 12, g, nothing);
        refused(NULL, XBTAB_ERR_INPUT, "is none of its inputs");
    }
}

/* ---- TopK ---- */

static void the_largest_and_the_smallest_in_order(void **state)
{
    (void)state;
    static float row[] = {3, 7, 3, -1, 7, 0};
    static const float largest[] = {7, 7, 3, 3, 1, 4, 0, 2}, smallest[] = {-1, 0, 3, 3, 3, 5, 0, 2};
    for (int c = 0; c < 3; c++) { /* the last as opset 9 has it, of another axis: k is an attribute */
        bytes g = begin(2, (int64_t[]){1, 6});
        bytes_longs(&g, "k", 1, (int64_t[]){4});
        if (c < 2) {
            bytes_call_with(&g, "TopK", "x k", "v i", bytes_i("largest", c == 0), bytes_i("sorted", 1),
                            nothing, nothing);
        } else {
            bytes_call_with(&g, "TopK", "x", "v i", bytes_i("k", 4), bytes_i("axis", 1), nothing, nothing);
        }
        bytes_call_with(&g, "Cast", "i", "f", bytes_i("to", BYTES_FLOAT), nothing, nothing, nothing);
        bytes_call_with(&g, "Concat", "v f", "y", bytes_i("axis", 1), nothing, nothing, nothing);
        bytes_write(path, c < 2 ? 22 : 9, g, nothing);
        xbtab_images images = one_image(row, 1, 1, 6);
        gives(&images, 8, c == 1 ? smallest : largest, 0);
    }
}

/* ---- GroupNormalization ---- */

/* Scales of groups up to opset 20, of channels since. */
static void groups_are_normalized(void **state)
{
    (void)state;
    enum { C = 4, GROUPS = 2, PLANE = 6, EACH = C / GROUPS * PLANE };
    static const float scale[] = {2, -1, 0.5f, 3}, shift[] = {0.25f, 1, -4, 2};
    for (int opset = 18; opset <= 21; opset += 3) {
        float wanted[C * PLANE];
        int64_t numbers = opset == 18 ? GROUPS : C;
        bytes g = begin(4, (int64_t[]){1, C, 2, 3});
        bytes_floats(&g, "scale", 1, &numbers, scale);
        bytes_floats(&g, "shift", 1, &numbers, shift);
        bytes_call_with(&g, "GroupNormalization", "x scale shift", "y", bytes_i("num_groups", GROUPS),
                        bytes_f("epsilon", 0.25f), nothing, nothing);
        bytes_write(path, opset, g, nothing);
        for (int group = 0; group < GROUPS; group++) {
            const float *x = image_of + group * EACH;
            double mean = 0, squares = 0;
            for (int k = 0; k < EACH; k++) mean += (double)x[k] / EACH;
            for (int k = 0; k < EACH; k++) squares += ((double)x[k] - mean) * ((double)x[k] - mean) / EACH;
            for (int k = 0; k < EACH; k++) {
                int at = opset == 18 ? group : group * C / GROUPS + k / PLANE;
                wanted[group * EACH + k] =
                    (float)(((double)x[k] - mean) / sqrt(squares + 0.25) * (double)scale[at] +
                            (double)shift[at]);
            }
        }
        opens_and_gives(C, 2, 3, 0, C * PLANE, wanted);
        g = begin(4, (int64_t[]){1, C, 2, 3});
        numbers = opset == 18 ? C : GROUPS; /* those of the other opset */
        bytes_floats(&g, "scale", 1, &numbers, scale);
        bytes_floats(&g, "shift", 1, &numbers, shift);
        bytes_call_with(&g, "GroupNormalization", "x scale shift", "y", bytes_i("num_groups", GROUPS),
                        nothing, nothing, nothing);
        bytes_write(path, opset, g, nothing);
        refused(NULL, XBTAB_ERR_INPUT,
                opset == 18 ? "has 4 numbers; opset 18 has 2" : "has 2 numbers; opset 21 has 4");
    }
}

/* ---- Pad ---- */

/* Around and around, and of what is left where a pad cuts off. */
static void pads_wrap(void **state)
{
    (void)state;
    static float row[] = {1, 2, 3, 4};
    static const float around[] = {2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2}, left[] = {4, 2, 3, 4, 2, 3},
                       mirrored[] = {2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2};
    for (int c = 0; c < 3; c++) {
        bytes g = begin(2, (int64_t[]){1, 4});
        bytes_longs(&g, "pads", 2,
                    c == 1   ? (int64_t[]){1, 2}
                    : c == 2 ? (int64_t[]){5, 4}
                             : (int64_t[]){3, 6});
        bytes_longs(&g, "axes", 1, (int64_t[]){-1});
        bytes_longs(&g, "first", 1, (int64_t[]){1});
        bytes_longs(&g, "cut", 2, (int64_t[]){-1, 0});
        if (c == 1) { /* first cut, then around: as one node would not have it in every program */
            bytes_call_with(&g, "Pad", "x cut - axes", "z", bytes_s("mode", "wrap"), nothing, nothing,
                            nothing);
            bytes_call_with(&g, "Pad", "z pads - axes", "y", bytes_s("mode", "wrap"), nothing, nothing,
                            nothing);
        } else {
            bytes_call_with(&g, "Pad", "x pads - axes", "y", bytes_s("mode", c == 2 ? "reflect" : "wrap"),
                            nothing, nothing, nothing);
        }
        bytes_write(path, 19, g, nothing);
        xbtab_images images = one_image(row, 1, 1, 4);
        gives(&images, c == 1 ? 6 : 13, c == 1 ? left : c == 2 ? mirrored : around, 0);
    }
}

/* ---- Resize ---- */

static void resizes(const char *inputs, bytes scales, bytes a, bytes b, bytes c, size_t n,
                    const float *wanted)
{
    static float whole[16], other[] = {1, -2, 3.5f, 4, 7, 0.25f, 9, -1, 2, 2, 3, 3, 8, -6, 5};
    bool is_square = n == 4 || n == 9;
    int64_t H = is_square ? 4 : 3, W = is_square ? 4 : 5;
    for (int k = 0; k < 16; k++) whole[k] = (float)(k + 1);
    bytes g = begin(4, (int64_t[]){1, 1, H, W}), axes = bytes_is("axes", 2, (int64_t[]){2, -1});
    bytes node = bytes_node("", "Resize", inputs, "y"), list[] = {axes, a, b, c};
    for (int k = 0; k < 4; k++) {
        if (list[k].n) bytes_nest(&node, 5, list[k]);
    }
    bytes_nest(&g, 5, scales);
    bytes_nest(&g, 1, node);
    bytes_write(path, 19, g, nothing);
    xbtab_images images = one_image(is_square ? whole : other, 1, (size_t)H, (size_t)W);
    gives(&images, n, wanted, 2e-6);
}

static bytes scale_list(float a, float b)
{
    return bytes_tensor("scales", BYTES_FLOAT, 1, (int64_t[]){2}, (float[]){a, b}, 8);
}

static bytes size_list(int64_t a, int64_t b)
{
    return bytes_tensor("sizes", BYTES_INT64, 1, (int64_t[]){2}, (int64_t[]){a, b}, 16);
}

/* From a script of the filters in ONNX's text, in double precision; the first four are ONNX's examples too.
 */
static void smaller_images_are_filtered(void **state)
{
    (void)state;
    static const float linear[] = {2.875f, 4.5f, 9.375f, 11},
                       cubic[] = {2.51807229f, 4.2858864f, 9.58932874f, 11.35714286f},
                       linear3[] = {2.36363636f, 3.59090909f,  4.81818182f,  7.27272727f, 8.5f,
                                    9.72727273f, 12.18181818f, 13.40909091f, 14.63636364f},
                       cubic3[] = {1.77500916f, 3.12000733f, 4.4650055f,   7.15500183f, 8.5f,
                                   9.84499817f, 12.5349945f, 13.87999267f, 15.22499084f},
                       inside[] = {1.1749546f,  2.08271075f, 4.61065687f,
                                   3.96540039f, 2.98702189f, 0.35250908f};
    resizes("x - scales", scale_list(0.6f, 0.6f), bytes_s("mode", "linear"), bytes_i("antialias", 1), nothing,
            4, linear);
    resizes("x - scales", scale_list(0.6f, 0.6f), bytes_s("mode", "cubic"), bytes_i("antialias", 1), nothing,
            4, cubic);
    resizes("x - - sizes", size_list(3, 3), bytes_s("mode", "linear"), bytes_i("antialias", 1), nothing, 9,
            linear3);
    resizes("x - - sizes", size_list(3, 3), bytes_s("mode", "cubic"), bytes_i("antialias", 1), nothing, 9,
            cubic3);
    bytes exclude = bytes_i("exclude_outside", 1);
    resizes("x - - sizes", size_list(2, 3), bytes_s("mode", "cubic"), bytes_i("antialias", 1), exclude, 6,
            inside);
}

/* 3 x 5 into 9 x 5 keeps the smaller scale, 1, or takes the larger, 3: 9 x 15. */
static void aspects_are_kept(void **state)
{
    (void)state;
    static const float other[] = {1, -2, 3.5f, 4, 7, 0.25f, 9, -1, 2, 2, 3, 3, 8, -6, 5};
    float wanted[135];
    resizes("x - - sizes", size_list(9, 5), bytes_s("keep_aspect_ratio_policy", "not_larger"), nothing,
            nothing, 15, other);
    for (int k = 0; k < 135; k++) wanted[k] = other[k / 15 / 3 * 5 + k % 15 / 3];
    resizes("x - - sizes", size_list(9, 5), bytes_s("keep_aspect_ratio_policy", "not_smaller"),
            bytes_s("coordinate_transformation_mode", "asymmetric"), bytes_s("nearest_mode", "floor"), 135,
            wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transposed_convolutions_spread_their_numbers),
        cmocka_unit_test(einsum_with_a_constant_is_a_layer),
        cmocka_unit_test(einsum_of_any_axes),
        cmocka_unit_test(einsum_that_does_not_fit_is_refused),
        cmocka_unit_test(the_largest_and_the_smallest_in_order),
        cmocka_unit_test(groups_are_normalized),
        cmocka_unit_test(pads_wrap),
        cmocka_unit_test(smaller_images_are_filtered),
        cmocka_unit_test(aspects_are_kept),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
