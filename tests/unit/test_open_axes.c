/* test_open_axes.c - networks whose exports leave height and width open: sizes from a shape, or from the
 * images. Two of the kinds that read text in pictures, one that finds it and one that spells it, are built
 * small and held against loops written out here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "onnx_run.h"

static const bytes nothing;

/* ---- sizes ---- */

/* An input that nothing reads of open axes, and x of some, which goes through Relu. */
static void write_relu(size_t rank, const int64_t *dim, const char *const *names)
{
    bytes g = {0};
    bytes_value(&g, 11, "other", BYTES_FLOAT, 2, (int64_t[]){0, 0}, NULL);
    bytes_value(&g, 11, "x", BYTES_FLOAT, rank, dim, names);
    bytes_value(&g, 12, "y", BYTES_FLOAT, 2, (int64_t[]){7, 7},
                NULL); /* what a file says of outputs does not count */
    bytes_call(&g, "Relu", "x", "y");
    bytes_write(path, 18, g, nothing);
}

static xbtab_status open_shaped(const xbtab_input_shape *shape, size_t n, size_t *outputs)
{
    xbtab_network *network = NULL;
    xbtab_status status =
        xbtab_network_open_as(&network, path, &(xbtab_open_options){.shape = shape, .n_shapes = n});
    *outputs = status < 0 ? 0 : xbtab_network_outputs(network);
    xbtab_network_destroy(&network);
    return status;
}

static void shapes_give_open_axes_their_sizes(void **state)
{
    (void)state;
    size_t outputs;
    static const xbtab_input_shape shapes[] = {{.name = "x", .rank = 4, .dim = {1, 3, 6, 10}},
                                               {.name = "other", .rank = 2, .dim = {1, 9}}};
    write_relu(4, (int64_t[]){0, 3, 0, 0}, (const char *[]){"N", NULL, "height", "width"});
    assert_int_equal(open_shaped(shapes, 1, &outputs), XBTAB_OK);
    assert_int_equal(outputs, 180);
    assert_int_equal(open_shaped(shapes, 2, &outputs),
                     XBTAB_OK); /* an input that nothing reads has a shape too */
    refused(NULL, XBTAB_ERR_UNSUPPORTED, "axis 2 (height) of input \"x\" has no fixed size: give its shape");
    write_relu(4, (int64_t[]){8, 3, 6, 10},
               NULL); /* nothing open: the same sizes may be said, or one image */
    assert_int_equal(open_shaped(shapes, 1, &outputs), XBTAB_OK);
    assert_int_equal(outputs, 180);
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        xbtab_input_shape shape;
        const char *words;
    } rows[] = {
        {{"z", 4, {1, 3, 6, 6}}, "a shape for \"z\", which is no input; there is: \"other\", \"x\""},
        {{"y", 4, {1, 3, 6, 6}}, "a shape for \"y\", which is no input"},
        {{"x", 3, {1, 3, 6}}, "a shape of 3 axes for input \"x\" of 4"},
        {{"x", 4, {1, 1, 6, 6}}, "axis 1 of input \"x\" has 3 in the file, not 1"},
        {{"x", 4, {2, 3, 6, 6}}, "axis 0 of input \"x\" counts images, which run one at a time: 1, not 2"},
        {{"x", 4, {1, 3, 6, 10}}, "axes 2 and 3 of input \"x\" are both \"side\", but have 6 and 10"},
        {{"x", 4, {1, 3, 0, 0}}, "axis 2 of input \"x\" cannot have 0"},
        {{"other", 3, {1, 1, 1}}, "a shape of 3 axes for input \"other\" of 2"}};
    write_relu(4, (int64_t[]){0, 3, 0, 0}, (const char *[]){"N", NULL, "side", "side"});
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        refused(&(xbtab_open_options){.shape = &rows[r].shape, .n_shapes = 1}, XBTAB_ERR_OPTION,
                rows[r].words);
    xbtab_input_shape twice[] = {{"x", 4, {1, 3, 6, 6}}, {"x", 4, {1, 3, 6, 6}}};
    refused(&(xbtab_open_options){.shape = twice, .n_shapes = 2}, XBTAB_ERR_OPTION,
            "two shapes for input \"x\"");
}

/* Sizes so large that they cannot be meant end in one line, not in memory. */
static void implausible_shapes_are_refused(void **state)
{
    (void)state;
    xbtab_input_shape shape = {"x", 4, {1, 3, INT64_MAX / 2, 16}};
    write_relu(4, (int64_t[]){0, 3, 0, 0}, NULL);
    refused(&(xbtab_open_options){.shape = &shape, .n_shapes = 1}, XBTAB_ERR_INPUT, "implausible size");
}

static void images_give_open_axes_their_sizes(void **state)
{
    (void)state;
    static float pixels[3 * 4 * 6];
    static const struct {
        size_t rank, C, H, W;
        int64_t dim[5];
        size_t outputs;                                                            /* 0 = refused */
    } rows[] = {{4, 3, 4, 6, {0, 3, 0, 0}, 72},    {4, 3, 4, 6, {0, 0, 0, 3}, 72}, /* channels last */
                {4, 3, 4, 6, {0, 0, 0, 0}, 72},    {4, 3, 4, 6, {0, 0, 4, 0}, 72},
                {4, 3, 4, 6, {0, 1, 0, 0}, 0},     {4, 1, 4, 6, {0, 3, 0, 0}, 0},
                {3, 1, 4, 6, {0, 0, 0}, 24},       {3, 1, 4, 6, {0, 0, 8}, 24}, /* 3 x 8 */
                {3, 3, 4, 6, {0, 3, 0}, 72},       {2, 3, 4, 6, {0, 0}, 72},
                {5, 3, 4, 6, {0, 1, 3, 0, 0}, 72}, {3, 1, 4, 6, {0, 0, 7}, 0}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        xbtab_network *network = NULL;
        xbtab_images images = one_image(pixels, rows[r].C, rows[r].H, rows[r].W);
        const xbtab_open_options options = {.images = &images};
        write_relu(rows[r].rank, rows[r].dim, NULL);
        if (rows[r].outputs == 0) {
            refused(&options, XBTAB_ERR_INPUT, "do not give it its sizes");
            continue;
        }
        if (xbtab_network_open_as(&network, path, &options) < 0)
            fail_msg("%zu: %s", r, xbtab_error_message());
        float y[72];
        assert_int_equal(xbtab_network_outputs(network), rows[r].outputs);
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        xbtab_network_destroy(&network);
    }
    xbtab_images images = one_image(pixels, 3, 4, 6);
    write_relu(4, (int64_t[]){0, 3, 0, 0}, (const char *[]){"N", NULL, "side", "side"});
    refused(&(xbtab_open_options){.images = &images}, XBTAB_ERR_INPUT, "are both \"side\", but have 4 and 6");
}

/* ---- tensors of the loops here ---- */

enum { MOST = 2048 };

typedef struct tensor {
    int C, H, W;
    double at[MOST];
} tensor;

static double *at(tensor *t, int c, int i, int j)
{
    return &t->at[(c * t->H + i) * t->W + j];
}

/* Numbers of no pattern in [-1, 1). */
static float number(int k)
{
    return (float)((k * 73 + 19) % 128 - 64) / 64;
}

static float weights_of[16][512];

/* Constant number w of a shape, in the graph and for the loops. */
static const float *add_weights(bytes *g, int w, const char *name, size_t rank, const int64_t *dim)
{
    int64_t n = 1;
    for (size_t k = 0; k < rank; k++) n *= dim[k];
    assert_in_range(n, 1, 512);
    for (int64_t k = 0; k < n; k++) weights_of[w][k] = number((int)k + 31 * w) / 2;
    bytes_floats(g, name, rank, dim, weights_of[w]);
    return weights_of[w];
}

/* Square kernels with as much padding as keeps the size. */
static tensor convolved(tensor *x, const float *W, int outputs, int groups, int side, int stride)
{
    tensor y = {.C = outputs, .H = (x->H - 1) / stride + 1, .W = (x->W - 1) / stride + 1};
    int inputs = x->C / groups;
    for (int o = 0; o < outputs; o++) {
        for (int k = 0; k < y.H * y.W * inputs * side * side; k++) {
            int i = k / (y.W * inputs * side * side), j = k / (inputs * side * side) % y.W,
                c = k / (side * side) % inputs, a = k / side % side, b = k % side;
            int row = i * stride + a - side / 2, column = j * stride + b - side / 2;
            if (row < 0 || row >= x->H || column < 0 || column >= x->W) continue;
            *at(&y, o, i, j) += (double)W[((o * inputs + c) * side + a) * side + b] *
                                *at(x, o / (outputs / groups) * inputs + c, row, column);
        }
    }
    return y;
}

static double hard_sigmoid(double x, double slope)
{
    return fmin(fmax(slope * x + 0.5, 0), 1);
}

static void each(tensor *t, double (*f)(double))
{
    for (int k = 0; k < t->C * t->H * t->W; k++) t->at[k] = f(t->at[k]);
}

static double hard_swish(double x)
{
    return x * hard_sigmoid(x, 1.0 / 6);
}

static double relu(double x)
{
    return fmax(x, 0);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* ---- a network that finds text: mobile blocks, a pyramid, a head that is as large as the image ---- */

static void add_conv(bytes *g, const char *x, const char *w, const char *y, int64_t groups, int64_t side,
                     int64_t stride)
{
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s %s", x, w);
    bytes_call_with(g, "Conv", inputs, y, bytes_i("group", groups),
                    bytes_is("pads", 4, (int64_t[]){side / 2, side / 2, side / 2, side / 2}),
                    bytes_is("strides", 2, (int64_t[]){stride, stride}), nothing);
}

enum { D = 4, SQUEEZED = 2 };

typedef struct finder {
    const float *first, *depth, *down, *up, *joined, *head;
} finder;

static finder write_finder(void)
{
    bytes g = {0};
    finder f;
    bytes_value(&g, 11, "image", BYTES_FLOAT, 4, (int64_t[]){0, 3, 0, 0},
                (const char *[]){"batch", NULL, "h", "w"});
    bytes_value(&g, 12, "map", BYTES_FLOAT, 4, (int64_t[]){0, 1, 0, 0}, NULL);
    f.first = add_weights(&g, 0, "first", 4, (int64_t[]){D, 3, 3, 3});
    f.depth = add_weights(&g, 1, "depth", 4, (int64_t[]){D, 1, 3, 3});
    f.down = add_weights(&g, 2, "down", 4, (int64_t[]){SQUEEZED, D, 1, 1});
    f.up = add_weights(&g, 3, "up", 4, (int64_t[]){D, SQUEEZED, 1, 1});
    f.joined = add_weights(&g, 4, "joined", 4, (int64_t[]){D, 2 * D, 1, 1});
    f.head = add_weights(&g, 5, "head", 4, (int64_t[]){D, 1, 2, 2});
    bytes_floats(&g, "scales", 1, (int64_t[]){4}, (float[]){1, 1, 2, 2});
    add_conv(&g, "image", "first", "a", 1, 3, 2);
    bytes_call(&g, "HardSwish", "a", "b");
    add_conv(&g, "b", "depth", "c", D, 3, 1);
    bytes_call(&g, "GlobalAveragePool", "c", "mean"); /* squeeze and excite */
    add_conv(&g, "mean", "down", "s1", 1, 1, 1);
    bytes_call(&g, "Relu", "s1", "s2");
    add_conv(&g, "s2", "up", "s3", 1, 1, 1);
    bytes_call_with(&g, "HardSigmoid", "s3", "s4", bytes_f("alpha", 0.25f), bytes_f("beta", 0.5f), nothing,
                    nothing);
    bytes_call(&g, "Mul", "c s4", "d");
    bytes_call_with(&g, "AveragePool", "d", "e", bytes_is("kernel_shape", 2, (int64_t[]){2, 2}),
                    bytes_is("strides", 2, (int64_t[]){2, 2}), nothing, nothing);
    bytes_call_with(&g, "Resize", "e - scales", "f", bytes_s("coordinate_transformation_mode", "asymmetric"),
                    bytes_s("nearest_mode", "floor"), bytes_s("mode", "nearest"), nothing);
    bytes_call_with(&g, "Concat", "f d", "g", bytes_i("axis", 1), nothing, nothing, nothing);
    add_conv(&g, "g", "joined", "h", 1, 1, 1);
    bytes_call_with(&g, "ConvTranspose", "h head", "i", bytes_is("strides", 2, (int64_t[]){2, 2}), nothing,
                    nothing, nothing);
    bytes_call(&g, "Sigmoid", "i", "map");
    bytes_write(path, 14, g, nothing);
    return f;
}

/* What the network gives on x, whose sides are multiples of 4: out[H][W]. */
static void find_text(const finder *f, tensor *x, float *out)
{
    tensor b = convolved(x, f->first, D, 1, 3, 2);
    each(&b, hard_swish);
    tensor d = convolved(&b, f->depth, D, D, 3, 1), mean = {.C = D, .H = 1, .W = 1};
    int plane = d.H * d.W;
    for (int k = 0; k < D * plane; k++) mean.at[k / plane] += d.at[k] / plane;
    tensor s = convolved(&mean, f->down, SQUEEZED, 1, 1, 1);
    each(&s, relu);
    s = convolved(&s, f->up, D, 1, 1, 1);
    for (int k = 0; k < D * plane; k++) d.at[k] *= hard_sigmoid(s.at[k / plane], 0.25);
    tensor g = {.C = 2 * D, .H = d.H, .W = d.W};
    for (int k = 0; k < D * plane; k++) {
        int c = k / plane, i = k / d.W % d.H / 2 * 2, j = k % d.W / 2 * 2;
        g.at[k] =
            (*at(&d, c, i, j) + *at(&d, c, i, j + 1) + *at(&d, c, i + 1, j) + *at(&d, c, i + 1, j + 1)) / 4;
        g.at[D * plane + k] = d.at[k];
    }
    tensor h = convolved(&g, f->joined, D, 1, 1, 1);
    for (int k = 0; k < x->H * x->W; k++) {
        int i = k / x->W, j = k % x->W;
        double sum = 0;
        for (int c = 0; c < D; c++)
            sum += *at(&h, c, i / 2, j / 2) * (double)f->head[(c * 2 + i % 2) * 2 + j % 2];
        out[k] = (float)sigmoid(sum);
    }
}

/* One file on images of several sizes, by a shape and by the images alone. */
static void one_that_finds_text(void **state)
{
    (void)state;
    static float pixels[3 * 16 * 20], wanted[16 * 20];
    static const int sizes[][2] = {{8, 12}, {16, 20}, {4, 4}};
    static tensor x;
    finder f = write_finder();
    for (int s = 0; s < 3; s++) {
        x = (tensor){.C = 3, .H = sizes[s][0], .W = sizes[s][1]};
        for (int k = 0; k < 3 * x.H * x.W; k++) x.at[k] = (double)(pixels[k] = number(3 * k + s));
        xbtab_images images = one_image(pixels, 3, (size_t)x.H, (size_t)x.W);
        find_text(&f, &x, wanted);
        gives(&images, (size_t)(x.H * x.W), wanted, 1e-5);
        xbtab_network *network = NULL;
        const xbtab_input_shape shape = {"image", 4, {1, 3, x.H, x.W}};
        if (xbtab_network_open_as(&network, path, &(xbtab_open_options){.shape = &shape, .n_shapes = 1}) < 0)
            fail_msg("%s", xbtab_error_message());
        assert_int_equal(xbtab_network_layers(network), 6);
        network_gives(&network, &images, (size_t)(x.H * x.W), wanted, 1e-5);
    }
    x = (tensor){.C = 3, .H = 6, .W = 12}; /* its pyramid needs even sizes: 3 rows do not join 2 */
    xbtab_images images = one_image(pixels, 3, 6, 12);
    refused(&(xbtab_open_options){.images = &images}, XBTAB_ERR_INPUT, "\"g\" (Concat)");
}

/* ---- a network that spells text: its width is time; attention over shapes that it computes ---- */

enum { ROWS = 4, HEADS = 2, EACH = D / HEADS, CLASSES = 5 };

typedef struct speller {
    const float *first, *qkv, *out, *classes;
} speller;

/* [1, D, h, w] to [1, w h, D], with the number of places from Shape, as exporters do. */
static void add_flattening(bytes *g)
{
    bytes_longs(g, "i0", 1, (int64_t[]){0});
    bytes_longs(g, "i1", 1, (int64_t[]){1});
    bytes_longs(g, "i2", 1, (int64_t[]){2});
    bytes_longs(g, "i4", 1, (int64_t[]){4});
    bytes_constant(g, "third", BYTES_INT64, 0, NULL, (int64_t[]){3}, 8);
    bytes_longs(g, "rest", 1, (int64_t[]){-1});
    bytes_longs(g, "tail", 2, (int64_t[]){HEADS, EACH});
    bytes_longs(g, "three", 1, (int64_t[]){3});
    bytes_longs(g, "deep", 1, (int64_t[]){D});
    bytes_call(g, "Shape", "b", "shape");
    bytes_call(g, "Slice", "shape i0 i1", "n");
    bytes_call(g, "Slice", "shape i2 i4", "sides");
    bytes_call_with(g, "ReduceProd", "sides", "T", bytes_i("keepdims", 1), nothing, nothing, nothing);
    bytes_call(g, "Gather", "shape third", "width"); /* a scalar */
    bytes_call(g, "Unsqueeze", "width i0", "W");
    bytes_call(g, "Div", "T W", "H");
    bytes_call(g, "Mul", "H W", "places");
    bytes_call_with(g, "Concat", "n deep rest", "flat", bytes_i("axis", 0), nothing, nothing, nothing);
    bytes_call(g, "Reshape", "b flat", "c");
    bytes_call_with(g, "Transpose", "c", "tokens", bytes_is("perm", 3, (int64_t[]){0, 2, 1}), nothing,
                    nothing, nothing);
}

static void add_attention(bytes *g)
{
    bytes_call(g, "MatMul", "tokens qkv", "all");
    bytes_call_with(g, "Concat", "n places three tail", "split", bytes_i("axis", 0), nothing, nothing,
                    nothing);
    bytes_call(g, "Reshape", "all split", "parts");
    bytes_call_with(g, "Transpose", "parts", "turned", bytes_is("perm", 5, (int64_t[]){2, 0, 3, 1, 4}),
                    nothing, nothing, nothing);
    static const char *const part[] = {"q", "k", "v"};
    for (int64_t p = 0; p < 3; p++) {
        char index[8], inputs[24];
        snprintf(index, sizeof index, "p%d", (int)p);
        snprintf(inputs, sizeof inputs, "turned %s", index);
        bytes_constant(g, index, BYTES_INT64, 0, NULL, &p, 8);
        bytes_call_with(g, "Gather", inputs, part[p], bytes_i("axis", 0), nothing, nothing, nothing);
    }
    bytes_floats(g, "scale", 0, NULL, (float[]){0.75f});
    bytes_call_with(g, "Transpose", "k", "kt", bytes_is("perm", 4, (int64_t[]){0, 1, 3, 2}), nothing, nothing,
                    nothing);
    bytes_call(g, "MatMul", "q kt", "score");
    bytes_call(g, "Mul", "score scale", "scaled");
    bytes_call_with(g, "Softmax", "scaled", "share", bytes_i("axis", -1), nothing, nothing, nothing);
    bytes_call(g, "MatMul", "share v", "mixed");
    bytes_call_with(g, "Transpose", "mixed", "back", bytes_is("perm", 4, (int64_t[]){0, 2, 1, 3}), nothing,
                    nothing, nothing);
    bytes_call_with(g, "Concat", "n places deep", "joint", bytes_i("axis", 0), nothing, nothing, nothing);
    bytes_call(g, "Reshape", "back joint", "heads");
    bytes_call(g, "MatMul", "heads out", "projected");
    bytes_call(g, "Add", "tokens projected", "sum");
}

/* LayerNormalization in pieces, as opset 13 has it, and the classes of each place. */
static speller write_speller(void)
{
    bytes g = {0};
    speller s;
    bytes_value(&g, 11, "x", BYTES_FLOAT, 4, (int64_t[]){0, 3, ROWS, 0}, NULL);
    bytes_value(&g, 12, "y", BYTES_FLOAT, 3, (int64_t[]){0, 0, CLASSES}, NULL);
    s.first = add_weights(&g, 6, "first", 4, (int64_t[]){D, 3, 3, 3});
    s.qkv = add_weights(&g, 7, "qkv", 2, (int64_t[]){D, 3 * D});
    s.out = add_weights(&g, 8, "out", 2, (int64_t[]){D, D});
    s.classes = add_weights(&g, 9, "classes", 2, (int64_t[]){D, CLASSES});
    add_conv(&g, "x", "first", "a", 1, 3, 2);
    bytes_call(&g, "HardSwish", "a", "b");
    add_flattening(&g);
    add_attention(&g);
    bytes_floats(&g, "two", 0, NULL, (float[]){2});
    bytes_floats(&g, "small", 0, NULL, (float[]){0.001f});
    bytes_call_with(&g, "ReduceMean", "sum", "mean", bytes_is("axes", 1, (int64_t[]){-1}), nothing, nothing,
                    nothing);
    bytes_call(&g, "Sub", "sum mean", "off");
    bytes_call(&g, "Pow", "off two", "square");
    bytes_call_with(&g, "ReduceMean", "square", "variance", bytes_is("axes", 1, (int64_t[]){-1}), nothing,
                    nothing, nothing);
    bytes_call(&g, "Add", "variance small", "plus");
    bytes_call(&g, "Sqrt", "plus", "spread");
    bytes_call(&g, "Div", "off spread", "normal");
    bytes_call(&g, "MatMul", "normal classes", "logits");
    bytes_call_with(&g, "Softmax", "logits", "y", bytes_i("axis", 2), nothing, nothing, nothing);
    bytes_write(path, 14, g, nothing);
    return s;
}

static void softmax(double *x, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) sum += x[k] = exp(x[k]);
    for (int k = 0; k < n; k++) x[k] /= sum;
}

/* y[rows][columns] = x[rows][inner] W */
static void product(const double *x, const float *W, int rows, int inner, int columns, double *y)
{
    for (int k = 0; k < rows * columns; k++) {
        y[k] = 0;
        for (int i = 0; i < inner; i++)
            y[k] += x[k / columns * inner + i] * (double)W[i * columns + k % columns];
    }
}

static void mix(const double *all, int T, double *mixed)
{
    double share[64];
    for (int k = 0; k < T * HEADS; k++) {
        int t = k / HEADS, h = k % HEADS;
        const double *q = all + t * 3 * D + h * EACH;
        for (int u = 0; u < T; u++) {
            const double *key = all + u * 3 * D + D + h * EACH;
            share[u] = 0;
            for (int e = 0; e < EACH; e++) share[u] += 0.75 * q[e] * key[e];
        }
        softmax(share, T);
        for (int e = 0; e < EACH; e++) {
            mixed[t * D + h * EACH + e] = 0;
            for (int u = 0; u < T; u++)
                mixed[t * D + h * EACH + e] += share[u] * all[u * 3 * D + 2 * D + h * EACH + e];
        }
    }
}

/* out[T][CLASSES] of an image; @return T. */
static int spell(const speller *s, tensor *x, float *out)
{
    static double tokens[64 * D], all[64 * 3 * D], mixed[64 * D], sum[64 * D], y[64 * CLASSES];
    tensor b = convolved(x, s->first, D, 1, 3, 2);
    int T = b.H * b.W;
    each(&b, hard_swish);
    for (int k = 0; k < T * D; k++) tokens[k] = b.at[k % D * T + k / D];
    product(tokens, s->qkv, T, D, 3 * D, all);
    mix(all, T, mixed);
    product(mixed, s->out, T, D, D, sum);
    for (int t = 0; t < T; t++) {
        double mean = 0, variance = 0;
        for (int d = 0; d < D; d++) mean += (sum[t * D + d] += tokens[t * D + d]) / D;
        for (int d = 0; d < D; d++) variance += (sum[t * D + d] - mean) * (sum[t * D + d] - mean) / D;
        for (int d = 0; d < D; d++) sum[t * D + d] = (sum[t * D + d] - mean) / sqrt(variance + 0.001);
    }
    product(sum, s->classes, T, D, CLASSES, y);
    for (int t = 0; t < T; t++) softmax(y + t * CLASSES, CLASSES);
    for (int k = 0; k < T * CLASSES; k++) out[k] = (float)y[k];
    return T;
}

static void one_that_spells_text(void **state)
{
    (void)state;
    static float pixels[3 * ROWS * 32], wanted[64 * CLASSES];
    static tensor x;
    speller s = write_speller();
    for (int width = 7; width <= 32; width += 25) {
        x = (tensor){.C = 3, .H = ROWS, .W = width};
        for (int k = 0; k < 3 * ROWS * width; k++) x.at[k] = (double)(pixels[k] = number(5 * k + width));
        xbtab_images images = one_image(pixels, 3, ROWS, (size_t)width);
        int T = spell(&s, &x, wanted);
        gives(&images, (size_t)(T * CLASSES), wanted, 1e-5);
    }
    xbtab_images images = one_image(pixels, 3, ROWS + 1, 7); /* its height is fixed */
    refused(&(xbtab_open_options){.images = &images}, XBTAB_ERR_INPUT,
            "is of 1 x 3 x 4 x ?; images of 3 x 5 x 7");
}

/* The same in exact integers of 8 bits: shares stay near those in float. */
static void they_run_in_integers(void **state)
{
    (void)state;
    static float pixels[3 * 8 * 12], y[2][8 * 12];
    for (int k = 0; k < 3 * 8 * 12; k++) pixels[k] = (number(3 * k) + 1) / 2;
    xbtab_images images = one_image(pixels, 3, 8, 12);
    xbtab_network *network = NULL;
    xbtab_quantized *quantized = NULL;
    (void)write_finder();
    if (xbtab_network_open_as(&network, path, &(xbtab_open_options){.images = &images}) < 0 ||
        xbtab_quantized_create(&quantized, network, &images, NULL) < 0 ||
        xbtab_network_run(network, &images, 1, NULL, y[0]) < 0 ||
        xbtab_quantized_run(quantized, &images, 1, NULL, NULL, NULL, y[1]) < 0)
        fail_msg("%s", xbtab_error_message());
    for (int k = 0; k < 8 * 12; k++) assert_true(fabs((double)y[0][k] - (double)y[1][k]) < 0.02);
    xbtab_quantized_destroy(&quantized);
    xbtab_network_destroy(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_give_open_axes_their_sizes),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(implausible_shapes_are_refused),
        cmocka_unit_test(images_give_open_axes_their_sizes),
        cmocka_unit_test(one_that_finds_text),
        cmocka_unit_test(one_that_spells_text),
        cmocka_unit_test(they_run_in_integers),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
