/* test_onnx_large.c - ONNX files of very many nodes, tensors, names and attributes, and small ones that ask
 * for very much work: read, or refused, in time that grows with the file's size. What stands here took
 * minutes where each step looked through all others; the bound is of the processor's time, and generous. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_build.h"

#if defined __SANITIZE_ADDRESS__
enum { MOST_SECONDS = 60, SHARE = 4 }; /* which slow everything down */
#else
enum { MOST_SECONDS = 20, SHARE = 1 };
#endif

enum { WIDTH = 4, NAME = 48, MOST_NODES = 1 << 16 };

static float x[WIDTH] = {1, -2, 3, 0.5f}, one[WIDTH] = {1, 1, 1, 1}, none[WIDTH];
static const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = WIDTH, .pixel = x};

/* ---- graphs of any size ---- */

typedef struct large {
    onnx_build b; /* the model, its input x and its output y */
    Onnx__NodeProto *node, **nodes;
    Onnx__TensorProto *tensor, **tensors;
    Onnx__ValueInfoProto **inputs;
    char (*name)[NAME], *(*io)[3];
    size_t room, n_names;
} large;

static void *room_for(size_t n, size_t size)
{
    void *block = calloc(n, size);
    assert_non_null(block);
    return block;
}

static void large_init(large *g, size_t room)
{
    *g = (large){.room = room};
    build_begin(&g->b, 2, (int64_t[]){1, WIDTH}, "y");
    g->node = room_for(room, sizeof *g->node);
    g->nodes = room_for(room, sizeof *g->nodes);
    g->tensor = room_for(room, sizeof *g->tensor);
    g->tensors = room_for(room, sizeof *g->tensors);
    g->inputs = room_for(room + 1, sizeof *g->inputs);
    g->name = room_for(2 * room, sizeof *g->name);
    g->io = room_for(room, sizeof *g->io);
    g->b.graph.node = g->nodes;
    g->b.graph.initializer = g->tensors;
    g->inputs[0] = g->b.values[0];
    g->b.graph.input = g->inputs;
}

static void large_clear(large *g)
{
    free(g->node);
    free(g->nodes);
    free(g->tensor);
    free(g->tensors);
    free(g->inputs);
    free(g->name);
    free(g->io);
}

/* A name that many others begin like. */
static char *numbered(large *g, const char *kind, size_t k)
{
    assert_true(g->n_names < 2 * g->room);
    char *name = g->name[g->n_names++];
    snprintf(name, NAME, "a/name/that/others/begin/like/%s%zu", kind, k);
    return name;
}

static void add_node(large *g, const char *type, char *output, char *a, char *b)
{
    size_t k = g->b.graph.n_node++;
    assert_true(k < g->room);
    Onnx__NodeProto *n = &g->node[k];
    onnx__node_proto__init(n);
    n->op_type = build_text(type);
    g->io[k][0] = a;
    g->io[k][1] = b;
    g->io[k][2] = output;
    n->input = g->io[k];
    n->n_input = !a ? 0 : b ? 2 : 1;
    n->output = &g->io[k][2];
    n->n_output = 1;
    g->nodes[k] = n;
}

static void add_tensor(large *g, char *name, size_t rows)
{
    static int64_t dims[2][2] = {{1, WIDTH}, {WIDTH, WIDTH}};
    static float identity[WIDTH * WIDTH] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    size_t k = g->b.graph.n_initializer++;
    assert_true(k < g->room);
    Onnx__TensorProto *t = &g->tensor[k];
    onnx__tensor_proto__init(t);
    t->name = name;
    t->n_dims = 2;
    t->dims = dims[rows > 1];
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->n_float_data = rows * WIDTH;
    t->float_data = rows > 1 ? identity : one;
    g->tensors[k] = t;
}

/* Opens the network, and runs it in float and in integers: the numbers wanted, within the time. */
static void gives(const large *g, const float *wanted)
{
    xbtab_network *network = NULL;
    xbtab_quantized *q = NULL;
    float y[2][WIDTH];
    build_write(&g->b, path);
    clock_t began = clock();
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y[0]), XBTAB_OK);
    assert_int_equal(xbtab_quantized_create(&q, network, &images, NULL), XBTAB_OK);
    assert_int_equal(xbtab_quantized_run(q, &images, 1, NULL, NULL, NULL, y[1]), XBTAB_OK);
    for (size_t k = 0; k < xbtab_network_nodes(network); k++) {
        xbtab_network_node node;
        assert_int_equal(xbtab_network_node_get(network, k, &node), XBTAB_OK);
    }
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
    for (int k = 0; k < WIDTH; k++) {
        assert_true(y[0][k] == wanted[k]);
        assert_true(fabsf(y[1][k] - wanted[k]) <= 0.05f * (1 + fabsf(wanted[k])));
    }
    if (seconds > MOST_SECONDS) fail_msg("%.1f s", seconds);
}

static void refused(const Onnx__ModelProto *model, const char *words)
{
    xbtab_network *network = NULL;
    const onnx_build b = {.model = *model};
    build_write(&b, path);
    clock_t began = clock();
    if (xbtab_network_open(&network, path) == XBTAB_OK || !strstr(xbtab_error_message(), words))
        fail_msg("%s", network ? "opens" : xbtab_error_message());
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    if (seconds > MOST_SECONDS) fail_msg("%.1f s", seconds);
}

/* ---- many of each ---- */

static void many_tensors_are_read(void **state)
{
    (void)state;
    enum { MANY = 100000 / SHARE };
    static const float wanted[WIDTH] = {2, -1, 4, 1.5f};
    large g;
    Onnx__ValueInfoProto *info = room_for(MANY, sizeof *info);
    large_init(&g, MANY);
    for (size_t k = 0; k < MANY; k++) {
        add_tensor(&g, numbered(&g, "t", k), 1);
        info[k] = g.b.value[0]; /* older files list them as inputs too */
        info[k].name = g.tensor[k].name;
        g.inputs[++g.b.graph.n_input - 1] = &info[k];
    }
    add_node(&g, "Add", build_text("y"), build_text("x"), g.tensor[MANY / 2].name);
    gives(&g, wanted);
    large_clear(&g);
    free(info);
}

/* Chains of everything that is folded, dropped, or made a layer's own. */
static void many_nodes_are_read(void **state)
{
    (void)state;
    enum { CONSTANTS, DROPPED, BIASES, CHAIN, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        enum { MANY = 40000 / SHARE };
        float wanted[WIDTH];
        large g;
        large_init(&g, MANY + 8);
        add_tensor(&g, build_text("one"), 1);
        add_tensor(&g, build_text("I"), WIDTH);
        add_tensor(&g, build_text("none"), 1);
        g.tensor[2].float_data = none;
        char *last = build_text(kind == CONSTANTS ? "one" : "x");
        for (size_t k = 0; k < MANY; k++) {
            char *next = numbered(&g, "v", k);
            if (kind == CONSTANTS) add_node(&g, "Mul", next, last, build_text("one"));
            if (kind == DROPPED) add_node(&g, "Relu", next, k % 7 ? last : build_text("x"), NULL);
            if (kind == CHAIN) add_node(&g, "Relu", next, last, NULL);
            if (kind == BIASES)
                add_node(&g, k % 3 ? "Add" : "MatMul", next, last, build_text(k % 3 ? "none" : "I"));
            last = next;
        }
        if (kind == DROPPED) last = build_text("x");
        if (kind == CONSTANTS) add_node(&g, "Add", build_text("y"), build_text("x"), last);
        if (kind != CONSTANTS) add_node(&g, "Relu", build_text("y"), last, NULL);
        for (int k = 0; k < WIDTH; k++) {
            wanted[k] = kind == CONSTANTS ? x[k] + 1 : fmaxf(x[k], 0);
        }
        gives(&g, wanted);
        large_clear(&g);
    }
}

/* Quantized layers, each with a lattice of its own. */
static void many_layers_are_quantized(void **state)
{
    (void)state;
    enum { MANY = 15000 / SHARE };
    static const float wanted[WIDTH] = {1, -2, 3, 0.5f};
    static float step[1] = {0.5f};
    static int32_t zero[1];
    large g;
    large_init(&g, 3 * MANY);
    add_tensor(&g, build_text("I"), WIDTH);
    for (int k = 0; k < 2; k++) { /* the steps and zeros of all, built as elsewhere */
        if (k == 0) build_floats(&g.b, "s", 1, (int64_t[]){1}, step);
        if (k == 1) build_ints(&g.b, "z", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, (int64_t[]){1}, zero);
        g.tensors[1 + k] = g.b.tensors[1 + k];
    }
    char *(*io)[4] = room_for(3 * MANY, sizeof *io), *last = build_text("x");
    for (size_t k = 0; k < MANY; k++) {
        char *q = numbered(&g, "q", k), *d = numbered(&g, "d", k),
             *next = k + 1 < MANY ? numbered(&g, "m", k) : build_text("y");
        add_node(&g, "QuantizeLinear", q, last, build_text("s"));
        add_node(&g, "DequantizeLinear", d, q, build_text("s"));
        add_node(&g, "MatMul", next, d, build_text("I"));
        for (size_t i = 3 * k; i < 3 * k + 2; i++) { /* a third input */
            memcpy(io[i], g.io[i], 2 * sizeof(char *));
            io[i][2] = build_text("z");
            g.node[i].input = io[i];
            g.node[i].n_input = 3;
        }
        last = next;
    }
    gives(&g, wanted);
    free(io);
    large_clear(&g);
}

static void too_many_are_told_at_once(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    large g;
    large_init(&g, MANY);
    for (size_t k = 0; k < MANY; k++) add_node(&g, "Relu", numbered(&g, "v", k), build_text("x"), NULL);
    refused(&g.b.model, "has 200000 nodes; 65536 are supported");
    g.b.graph.n_node = 1;
    g.node[0].output[0] = build_text("y");
    g.node[0].n_input = MANY;
    g.node[0].input = room_for(MANY, sizeof(char *));
    g.node[0].input[0] = build_text("y");
    for (size_t k = 1; k < MANY; k++) g.node[0].input[k] = build_text("x");
    g.node[0].op_type = build_text("Concat");
    refused(&g.b.model, "has 200000 inputs and 1 outputs");
    char **many = g.node[0].input;
    g.node[0].n_input = 1;
    g.node[0].n_output = MANY;
    g.node[0].output = many;
    g.node[0].op_type = build_text("Split");
    refused(&g.b.model, "has 1 inputs and 200000 outputs");
    free(many);
    large_clear(&g);
}

static void many_attributes_are_refused(void **state)
{
    (void)state;
    enum { MANY = 300000 };
    onnx_build b;
    Onnx__AttributeProto *attribute = room_for(MANY, sizeof *attribute),
                         **pointers = room_for(MANY, sizeof *pointers);
    int64_t *ints = room_for(MANY, sizeof *ints);
    for (size_t k = 0; k < MANY; k++) {
        onnx__attribute_proto__init(&attribute[k]);
        attribute[k].name = build_text("axis");
        attribute[k].has_i = 1;
        pointers[k] = &attribute[k];
    }
    build_begin(&b, 2, (int64_t[]){1, WIDTH}, "y");
    build_node(&b, "Softmax", "y", "x", NULL, NULL);
    b.node[0].n_attribute = MANY;
    b.node[0].attribute = pointers;
    refused(&b.model, "its attribute \"axis\" is there twice");
    b.node[0].n_attribute = 1;
    b.node[0].op_type = build_text("Transpose");
    attribute[0].name = build_text("perm");
    attribute[0].has_i = 0;
    attribute[0].n_ints = MANY;
    attribute[0].ints = ints;
    refused(&b.model, "attribute \"perm\" has 300000 entries");
    free(attribute);
    free(pointers);
    free(ints);
}

/* ---- much work ---- */

/* Constants that small files make, and sums over very many of their numbers. */
static void work_past_any_file_is_refused(void **state)
{
    (void)state;
    enum { SIDE = 1400, KERNEL = 1399 };
    static const char *const types[] = {"AveragePool", "MaxPool", "MatMul", "Einsum"};
    static int64_t shape[] = {1, 1, SIDE, SIDE}, rows[] = {2040, 2040};
    static float fill[1] = {0.5f};
    onnx_build b;
    for (int way = 0; way < 4; way++) {
        build_begin(&b, 2, (int64_t[]){1, WIDTH}, "y");
        build_floats(&b, "one", 1, (int64_t[]){1}, fill);
        build_longs(&b, "shape", way > 1 ? 2 : 4, way > 1 ? rows : shape);
        build_node(&b, "Expand", "c", "one", "shape", NULL);
        build_node(&b, types[way], "p", "c", way > 1 ? "c" : NULL, NULL);
        if (way == 3) build_attribute(&b, "equation", 0, NULL, 0, "ij,jk->ik");
        if (way < 2) {
            build_attribute(&b, "kernel_shape", 2, (int64_t[]){KERNEL, KERNEL}, 0, NULL);
            build_attribute(&b, "pads", 4, (int64_t[]){700, 700, 700, 700}, 0, NULL);
        }
        build_node(&b, "Add", "y", "x", "p", NULL);
        refused(&b.model, "take far more work than the file");
    }
}

/* The same much: sums of all numbers again and again, one matrix in very many layers, one list of very many
 * places. */
static void work_done_again_and_again_is_refused(void **state)
{
    (void)state;
    enum { MANY = 20000, ROWS = 2000, LIST = 1 << 20, KINDS = 3 };
    static int64_t shape[] = {ROWS, ROWS}, dims[] = {LIST};
    static float half[1] = {0.5f};
    int64_t *list = room_for(LIST, sizeof *list);
    for (int kind = SHARE > 1; kind < KINDS; kind++) { /* the first one is slow with the sanitizers */
        static const char *const types[] = {NULL, "MatMul", "Gather"};
        static const char *const words[] = {"take far more work than the file",
                                            "have far more weights than the file",
                                            "have more than 1e+09 numbers"};
        large g;
        large_init(&g, MANY + 8);
        build_value(&g.b, 0, "x", 2, (int64_t[]){1, kind == 1 ? ROWS : WIDTH});
        build_floats(&g.b, "half", 1, (int64_t[]){1}, half);
        build_longs(&g.b, "shape", 2, shape);
        if (kind == 2) build_longs(&g.b, "list", LIST, list);
        for (size_t k = 0; k < g.b.graph.n_initializer; k++) g.tensors[k] = g.b.tensors[k];
        g.b.dims[2][0] = dims[0];
        add_node(&g, "Expand", build_text("c"), build_text("half"), build_text("shape"));
        char *last = build_text("x");
        for (size_t k = 0; k < MANY / 2; k++) { /* each needs the one before it */
            char *next = numbered(&g, "v", k), *largest = kind ? NULL : numbered(&g, "l", k);
            if (kind == 0) add_node(&g, "ReduceMax", largest, build_text("c"), NULL);
            if (kind == 0) add_node(&g, "Add", next, last, largest);
            if (kind > 0) add_node(&g, types[kind], next, last, build_text(kind == 1 ? "c" : "list"));
            last = next;
        }
        add_node(&g, "Relu", build_text("y"), last, NULL);
        refused(&g.b.model, words[kind]);
        large_clear(&g);
    }
    free(list);
}

/* A function's body counts in each call of it: its nodes, needed or not, and its constants. */
static void bodies_count_in_each_call(void **state)
{
    (void)state;
    enum { BODY = 4000, CALLS = 2000, BIG = 100000 };
    static char *in[] = {"in"}, *out[] = {"out"}, *c[] = {"c"}, *x_in[] = {"x"};
    static float many[BIG];
    for (int way = 0; way < 2; way++) {
        large g, body;
        Onnx__FunctionProto function, *functions = &function;
        Onnx__AttributeProto value, *values = &value;
        Onnx__TensorProto tensor;
        large_init(&g, CALLS + 1);
        large_init(&body, BODY + 2);
        onnx__function_proto__init(&function);
        onnx__attribute_proto__init(&value);
        onnx__tensor_proto__init(&tensor);
        if (way == 0) add_node(&body, "Relu", out[0], in[0], NULL);
        for (size_t k = 0; k < BODY && way == 0; k++)
            add_node(&body, "Relu", numbered(&body, "u", k), in[0], NULL);
        if (way == 1) { /* the largest of many numbers is 0 */
            tensor.has_data_type = 1;
            tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
            tensor.n_dims = 1;
            tensor.dims = (int64_t[]){BIG};
            tensor.n_float_data = BIG;
            tensor.float_data = many;
            value.name = build_text("value");
            value.t = &tensor;
            add_node(&body, "Constant", c[0], NULL, NULL);
            body.node[0].n_attribute = 1;
            body.node[0].attribute = &values;
            add_node(&body, "ReduceMax", build_text("m"), c[0], NULL);
            add_node(&body, "Add", out[0], in[0], build_text("m"));
        }
        function.name = build_text("F");
        function.domain = build_text("f");
        function.n_node = body.b.graph.n_node;
        function.node = body.nodes;
        function.n_input = function.n_output = 1;
        function.input = in;
        function.output = out;
        function.n_opset_import = 1;
        function.opset_import = g.b.model.opset_import;
        g.b.model.n_functions = 1;
        g.b.model.functions = &functions;
        char *last = x_in[0];
        for (size_t k = 0; k < CALLS; k++) {
            char *next = k + 1 < CALLS ? numbered(&g, "v", k) : build_text("y");
            add_node(&g, "F", next, last, NULL);
            g.node[k].domain = function.domain;
            last = next;
        }
        refused(&g.b.model,
                way ? "calls make constants far larger than the file" : "has more than 65536 nodes");
        large_clear(&body);
        large_clear(&g);
    }
}

/* Neighbours beyond all channels add nothing, however many are asked for. */
static void sums_end_with_the_channels(void **state)
{
    (void)state;
    static const int64_t sizes[] = {INT64_MAX, 1000, 2 * WIDTH, 3, 1};
    for (int way = 0; way < 5; way++) {
        onnx_build b;
        xbtab_network *network = NULL;
        float y[WIDTH];
        build_begin(&b, 2, (int64_t[]){1, WIDTH}, "y");
        build_longs(&b, "image", 4, (int64_t[]){1, WIDTH, 1, 1});
        build_node(&b, "Reshape", "r", "x", "image", NULL);
        build_node(&b, "LRN", "l", "r", NULL, NULL);
        build_attribute(&b, "size", 0, &sizes[way], 0, NULL);
        build_attribute(&b, "alpha", 0, NULL, 0.5f * (float)sizes[way], NULL);
        build_attribute(&b, "beta", 0, NULL, 1, NULL);
        build_node(&b, "Flatten", "y", "l", NULL, NULL);
        build_write(&b, path);
        if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        for (int64_t c = 0; c < WIDTH; c++) {
            int64_t before = (sizes[way] - 1) / 2, behind = sizes[way] / 2;
            double squares = 0;
            for (int64_t k = 0; k < WIDTH; k++) {
                if (k >= c - before && (k <= c || k - c <= behind)) squares += (double)x[k] * (double)x[k];
            }
            double wanted = (double)x[c] / (1 + 0.5 * squares);
            assert_true(fabs((double)y[c] - wanted) <= 1e-6 * (1 + fabs(wanted)));
        }
        xbtab_network_destroy(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_tensors_are_read),
                                       cmocka_unit_test(many_nodes_are_read),
                                       cmocka_unit_test(many_layers_are_quantized),
                                       cmocka_unit_test(too_many_are_told_at_once),
                                       cmocka_unit_test(many_attributes_are_refused),
                                       cmocka_unit_test(work_past_any_file_is_refused),
                                       cmocka_unit_test(work_done_again_and_again_is_refused),
                                       cmocka_unit_test(bodies_count_in_each_call),
                                       cmocka_unit_test(sums_end_with_the_channels)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
