/* test_attributes.c - every operator refuses what it does not understand: attributes that it does not know,
 * of another type, of another opset, or of a value that is not supported. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "file_fixture.h"
#include "graph.h"
#include "onnx_build.h"
#include "onnx_read.h"

enum { OLDEST = 1, NEWEST = 19 };

/* A network of one node on as many inputs as it needs; nothing else about it need be right. */
static void begin(onnx_build *b, const char *type, int64_t opset)
{
    const xbtab__operator *found = xbtab__operator_find(type);
    int inputs = found ? found->least_inputs : 0;
    build_begin(b, 2, (int64_t[]){1, 4}, "y");
    b->opset.version = opset;
    build_node(b, type, "y", NULL, NULL, NULL);
    for (int k = 0; k < inputs; k++) build_input(b, "x");
}

/* One line that names the file, the node, its operator and the attribute. */
static void refused(const onnx_build *b, xbtab_status status, const char *type, const char *name,
                    const char *words)
{
    char node[128], attribute[128];
    xbtab_network *network = NULL;
    build_write(b, path);
    xbtab_status got = xbtab_network_open(&network, path);
    const char *message = xbtab_error_message();
    snprintf(node, sizeof node, "%s: node \"y\" (%s): ", path, type);
    snprintf(attribute, sizeof attribute, "attribute \"%s\"", name);
    if (got != status || strncmp(message, node, strlen(node)) != 0 || !strstr(message, attribute) ||
        !strstr(message, words) || strchr(message, '\n'))
        fail_msg("%s, %s: %d instead of %d: %s", type, name, got, status, message);
    assert_null(network);
}

/* The attribute of the last node becomes a word, an integer or a graph, and says so where asked. */
static void give_other_type(onnx_build *b, int type, bool says_so)
{
    static uint8_t word[] = "word";
    size_t k = b->graph.n_node - 1;
    Onnx__AttributeProto *a = &b->attribute[k][b->node[k].n_attribute - 1];
    bool is_word = type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    onnx__attribute_proto__init(a);
    a->name = build_text("attribute");
    a->has_type = says_so;
    a->type =
        is_word ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_s = is_word;
    a->s = (ProtobufCBinaryData){.data = word, .len = 4};
    a->has_i = !is_word;
    a->i = 1;
}

static bool is_known(const char *type, const char *name, int64_t opset)
{
    const xbtab__attribute_rule *r;
    for (int k = 0; (r = xbtab__attribute_rule_at(type, k)); k++) {
        if (strcmp(r->name, name) == 0 && opset >= r->since && (!r->until || opset <= r->until)) return true;
    }
    return false;
}

static void check_rule(const char *type, const xbtab__attribute_rule *r)
{
    onnx_build b;
    int64_t opset = r->since > OLDEST ? r->since : OLDEST;
    if (opset > NEWEST) return;
    for (int says_so = 0; says_so < 2; says_so++) {
        begin(&b, type, opset);
        build_attribute(&b, r->name, 0, (int64_t[]){0}, 0, NULL);
        give_other_type(&b, r->type, says_so);
        b.attribute[0][0].name = build_text(r->name);
        refused(&b, XBTAB_ERR_INPUT, type, r->name, " is not a");
    }
    for (int64_t other = OLDEST; other <= NEWEST; other++) {
        if (is_known(type, r->name, other)) continue;
        begin(&b, type, other);
        build_attribute(&b, r->name, 0, (int64_t[]){0}, 0, NULL);
        refused(&b, XBTAB_ERR_UNSUPPORTED, type, r->name, "is not understood; understood in opset");
    }
    if (!r->values) return;
    bool is_word = r->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    const char *const words[] = {"unheard of", "", "NOTSETT", " "};
    for (int k = 0; k < 4; k++) {
        begin(&b, type, opset);
        build_attribute(&b, r->name, 0, is_word ? NULL : (int64_t[]){-7777 * (k + 1)}, 0,
                        is_word ? words[k] : NULL);
        refused(&b, XBTAB_ERR_UNSUPPORTED, type, r->name, r->values);
    }
}

static void check_operator(const char *type)
{
    const xbtab__attribute_rule *r;
    onnx_build b;
    for (int64_t opset = OLDEST; opset <= NEWEST; opset += 6) {
        begin(&b, type, opset);
        build_attribute(&b, "unheard_of", 0, (int64_t[]){0}, 0, NULL);
        refused(&b, XBTAB_ERR_UNSUPPORTED, type, "unheard_of", "is not understood; understood in opset");
        begin(&b, type, opset);
        build_attribute(&b, "", 0, (int64_t[]){0}, 0, NULL);
        refused(&b, XBTAB_ERR_UNSUPPORTED, type, "", "is not understood");
    }
    for (int k = 0; (r = xbtab__attribute_rule_at(type, k)); k++) check_rule(type, r);
}

static void unknown_attributes_of_every_operator_are_refused(void **state)
{
    (void)state;
    char names[4096], *rest = names;
    int count = 0;
    xbtab__operator_names(names, sizeof names);
    for (const char *type; (type = strtok_r(rest, ", ", &rest)); count++) check_operator(type);
    assert_true(count >= 130);
    check_operator("Constant");
}

static void attributes_come_once_and_are_no_functions(void **state)
{
    (void)state;
    onnx_build b;
    begin(&b, "Softmax", 13);
    build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
    build_attribute(&b, "axis", 0, (int64_t[]){0}, 0, NULL);
    refused(&b, XBTAB_ERR_INPUT, "Softmax", "axis", "is there twice");
    begin(&b, "Softmax", 13);
    build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
    b.attribute[0][0].ref_attr_name = build_text("outer");
    refused(&b, XBTAB_ERR_INPUT, "Softmax", "axis", "refers to one of a function");
}

/* What the texts require must be there. */
static void required_attributes_are_missed(void **state)
{
    (void)state;
    static const struct {
        const char *type, *name;
        int64_t opset;
    } cases[] = {{"Concat", "axis", 4},     {"Cast", "to", 13},     {"LRN", "size", 13},
                 {"Unsqueeze", "axes", 11}, {"Slice", "starts", 1}, {"DepthToSpace", "blocksize", 13},
                 {"Dropout", "is_test", 6}, {"Pad", "pads", 10}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        onnx_build b;
        begin(&b, cases[k].type, cases[k].opset);
        if (strcmp(cases[k].type, "Slice") == 0) build_attribute(&b, "ends", 1, (int64_t[]){1}, 0, NULL);
        refused(&b, XBTAB_ERR_INPUT, cases[k].type, cases[k].name, "lacks its");
    }
}

/* ---- what attributes mean ---- */

enum { N = 6 };

static float x[N] = {-3, -1.25f, -0.5f, 0.25f, 2, 7.5f};

static void gives(const onnx_build *b, const float *wanted, size_t n)
{
    const xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = N, .pixel = x};
    xbtab_network *network = NULL;
    float y[N * N];
    build_write(b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_outputs(network), n);
    assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
    for (size_t k = 0; k < n; k++) {
        if (!(fabs((double)y[k] - (double)wanted[k]) <= 1e-6 * (1 + fabs((double)wanted[k]))))
            fail_msg("output %zu: %.9g instead of %.9g", k, (double)y[k], (double)wanted[k]);
    }
    xbtab_network_destroy(&network);
}

static void begin_row(onnx_build *b, int64_t opset)
{
    build_begin(b, 2, (int64_t[]){1, N}, "y");
    b->opset.version = opset;
}

/* Another default, another type, a word where there is a number now. */
static void older_opsets_have_their_own_defaults(void **state)
{
    (void)state;
    onnx_build b;
    float wanted[N * N];
    for (int opset = 5; opset < 7; opset++) {
        double alpha = opset < 6 ? 1.6732 : 1.67326319217681884765625,
               gamma = opset < 6 ? 1.0507 : 1.05070102214813232421875;
        for (int k = 0; k < N; k++)
            wanted[k] = (float)(gamma * (x[k] > 0 ? (double)x[k] : alpha * (exp((double)x[k]) - 1)));
        begin_row(&b, opset);
        build_node(&b, "Selu", "y", "x", NULL, NULL);
        gives(&b, wanted, N);
    }
    for (int k = 0; k < 2 * N; k++) wanted[k] = x[k % N];
    begin_row(&b, 3);
    build_node(&b, "Concat", "y", "x", "x", NULL); /* along the second axis, where none is given */
    gives(&b, wanted, 2 * N);
    static const struct {
        const char *word;
        int64_t type;
    } types[] = {{"INT32", 6}, {"BOOL", 9}, {"FLOAT", 1}, {"INT8", 3}};
    for (int way = 0; way < 8; way++) {
        for (int k = 0; k < N; k++) {
            wanted[k] = way >> 1 == 1 ? (float)(x[k] != 0) : way >> 1 == 2 ? x[k] : truncf(x[k]);
        }
        begin_row(&b, way & 1 ? 6 : 5);
        build_node(&b, "Cast", "y", "x", NULL, NULL);
        build_attribute(&b, "to", 0, way & 1 ? &types[way >> 1].type : NULL, 0,
                        way & 1 ? NULL : types[way >> 1].word);
        gives(&b, wanted, N);
    }
}

/* An integer of more bits keeps its lowest ones. */
static void casts_of_integers_wrap(void **state)
{
    (void)state;
    static const int64_t types[] = {2, 3, 4, 5, 6};
    static int64_t number[N] = {300, -1, 127, 128, -32769, 70000};
    for (int way = 0; way < 5; way++) {
        onnx_build b;
        float wanted[N];
        for (int k = 0; k < N; k++) {
            int64_t v = number[k];
            int64_t kept = way == 0   ? (uint8_t)v
                           : way == 1 ? (int8_t)v
                           : way == 2 ? (uint16_t)v
                           : way == 3 ? (int16_t)v
                                      : v;
            wanted[k] = x[k] + (float)kept;
        }
        begin_row(&b, 13);
        build_longs(&b, "c", N, number);
        build_node(&b, "Cast", "i", "c", NULL, NULL);
        build_attribute(&b, "to", 0, &types[way], 0, NULL);
        build_node(&b, "Cast", "f", "i", NULL, NULL);
        build_attribute(&b, "to", 0, (int64_t[]){1}, 0, NULL);
        build_node(&b, "Add", "y", "x", "f", NULL);
        gives(&b, wanted, N);
    }
}

/* Forms that contradict themselves or their text, each refused with what is wrong. */
static void contradictions_are_refused(void **state)
{
    (void)state;
    static float W[N * N], row[1] = {1};
    onnx_build b;
    xbtab_network *network = NULL;
    for (int way = 0; way < 9; way++) {
        static const char *const words[] = {"6 places in 4 equal parts",
                                            "num_outputs is 3",
                                            "of real numbers needs fmod",
                                            "has pads, and auto_pad SAME_UPPER",
                                            "its kernel_shape is not its weights'",
                                            "without broadcast",
                                            "has not one value",
                                            "\"alpha\" is not a number",
                                            "does not name its 3 axes"};
        int64_t image[] = {1, 1, 2, 3}, volume[] = {1, 2, 3};
        begin_row(&b, way == 1 ? 18 : way == 5 ? 6 : 13);
        build_floats(&b, "W", 4, (int64_t[]){1, 1, 2, 2}, W);
        build_floats(&b, "row", 1, (int64_t[]){1}, row);
        build_floats(&b, "t", 2, (int64_t[]){2, 2}, W);
        build_longs(&b, "image", 4, image);
        build_longs(&b, "volume", 3, volume);
        build_node(&b, "Reshape", "r", "x", "image", NULL);
        build_node(&b, "Reshape", "v", "x", "volume", NULL);
        switch (way) {
        case 0:
        case 1:
            build_node(&b, "Split", "y", "x", NULL, NULL);
            for (int k = 0; k < (way ? 1 : 3); k++) build_output(&b, k == 0 ? "p" : k == 1 ? "q" : "s");
            build_attribute(&b, "axis", 0, (int64_t[]){1}, 0, NULL);
            if (way) build_attribute(&b, "num_outputs", 0, (int64_t[]){3}, 0, NULL);
            break;
        case 2:
            build_node(&b, "Mod", "y", "x", "row", NULL);
            break;
        case 3:
        case 4:
            build_node(&b, "Conv", "y", "r", "W", NULL);
            if (way == 3) build_attribute(&b, "auto_pad", 0, NULL, 0, "SAME_UPPER");
            if (way == 3) build_attribute(&b, "pads", 4, (int64_t[]){0, 0, 1, 1}, 0, NULL);
            if (way == 4) build_attribute(&b, "kernel_shape", 1, (int64_t[]){2}, 0, NULL);
            break;
        case 5:
            build_node(&b, "Add", "y", "x", "row", NULL);
            break;
        case 6:
            build_node(&b, "Constant", "c", NULL, NULL, NULL);
            build_attribute(&b, "value_int", 0, (int64_t[]){1}, 0, NULL);
            build_attribute(&b, "value_ints", 1, (int64_t[]){1}, 0, NULL);
            build_node(&b, "Add", "y", "x", "c", NULL);
            break;
        case 7:
            build_node(&b, "LeakyRelu", "y", "x", NULL, NULL);
            build_attribute(&b, "alpha", 0, NULL, NAN, NULL);
            break;
        default:
            build_node(&b, "MultiThreshold", "y", "v", "t", NULL);
        }
        build_write(&b, path);
        if (xbtab_network_open(&network, path) == XBTAB_OK || !strstr(xbtab_error_message(), words[way]))
            fail_msg("way %d: %s", way, network ? "opens" : xbtab_error_message());
    }
}

/* What stands before and behind the sum is done to each number where no axis is reduced. */
static void reductions_of_no_axes_keep_their_functions(void **state)
{
    (void)state;
    static const char *const types[] = {"ReduceSum",       "ReduceL1",  "ReduceL2",   "ReduceLogSumExp",
                                        "ReduceSumSquare", "ReduceMax", "ReduceMean", "ReduceProd"};
    for (int way = 0; way < 16; way++) {
        onnx_build b;
        float wanted[N];
        int kind = way >> 1, is_kept = way & 1;
        for (int k = 0; k < N; k++)
            wanted[k] = kind == 1 || kind == 2 ? fabsf(x[k]) : kind == 4 ? x[k] * x[k] : x[k];
        begin_row(&b, 18);
        build_longs(&b, "axes", 0, (int64_t[]){0});
        build_node(&b, types[kind], "y", "x", is_kept ? "axes" : NULL, NULL);
        build_attribute(&b, "keepdims", 0, (int64_t[]){is_kept}, 0, NULL);
        build_attribute(&b, "noop_with_empty_axes", 0, (int64_t[]){1}, 0, NULL);
        gives(&b, wanted, N);
    }
}

/* Integers divide as integers: of EyeLike's input, where it names no type. */
static void eye_like_takes_its_inputs_type(void **state)
{
    (void)state;
    static int32_t two[N] = {2, 2, 2, 2, 2, 2};
    for (int way = 0; way < 3; way++) {
        onnx_build b;
        float wanted[N];
        memcpy(wanted, x, sizeof wanted);
        if (way == 1) wanted[0] += 0.5f;
        begin_row(&b, 13);
        build_ints(&b, "two", ONNX__TENSOR_PROTO__DATA_TYPE__INT32, 2, (int64_t[]){1, N}, two);
        build_node(&b, "EyeLike", "e", "two", NULL, NULL);
        if (way) build_attribute(&b, "dtype", 0, (int64_t[]){way == 1 ? 1 : 7}, 0, NULL);
        build_node(&b, "Div", "h", "e", "two", NULL);
        build_node(&b, "Add", "y", "x", "h", NULL);
        gives(&b, wanted, N);
    }
}

/* From opset 21 on QuantizeLinear's output has the type that it names, its zero or no zero. */
static void quantize_linear_names_its_type(void **state)
{
    (void)state;
    static float scale[1] = {0.5f};
    static int32_t zero[1];
    onnx_build b;
    xbtab_network *network = NULL;
    float wanted[N];
    begin_row(&b, 21);
    build_node(&b, "Relu", "y", "x", NULL, NULL);
    build_write(&b, path);
    if (xbtab_network_open(&network, path) < 0) {
        assert_non_null(strstr(xbtab_error_message(), "opset 21"));
        skip();
    }
    xbtab_network_destroy(&network);
    for (int way = 0; way < 4; way++) { /* named, with a zero, of neither, and of both that differ */
        begin_row(&b, 21);
        build_floats(&b, "s", 1, (int64_t[]){1}, scale);
        build_ints(&b, "z", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, (int64_t[]){1}, zero);
        build_node(&b, "QuantizeLinear", "y", "x", "s", way & 1 ? "z" : NULL);
        if (way != 1 && way != 2)
            build_attribute(&b, "output_dtype", 0, (int64_t[]){way == 0 ? 3 : 2}, 0, NULL);
        for (int k = 0; k < N; k++) {
            wanted[k] = rintf(x[k] / 0.5f);
            if (way == 2) wanted[k] = fmaxf(wanted[k], 0); /* unsigned */
        }
        if (way < 3) {
            gives(&b, wanted, N);
            continue;
        }
        build_write(&b, path);
        assert_int_equal(xbtab_network_open(&network, path), XBTAB_ERR_INPUT);
        assert_non_null(strstr(xbtab_error_message(), "its output_dtype 2 is not its zero's type 3"));
    }
}

/* Two axes are a batch and channels in any layout; one row of thresholds is for all. */
static void thresholds_find_their_channels(void **state)
{
    (void)state;
    static float t[N * 2];
    float wanted[N];
    onnx_build b;
    for (int k = 0; k < N * 2; k++) t[k] = (float)(k * 5 % 7) - 3;
    for (int way = 0; way < 4; way++) {
        bool is_single = way & 1;
        begin_row(&b, 13);
        build_longs(&b, "volume", 3, (int64_t[]){1, 2, 3});
        build_floats(&b, "t", 2, (int64_t[]){is_single ? 1 : N, 2}, t);
        build_node(&b, "Reshape", "v", "x", "volume", NULL);
        build_node(&b, "MultiThreshold", "y", is_single && way > 1 ? "v" : "x", "t", NULL);
        build_attribute(&b, "data_layout", 0, NULL, 0, way > 1 ? "NHWC" : "NCHW");
        build_attribute(&b, "out_dtype", 0, NULL, 0, "UINT2");
        for (int k = 0; k < N; k++) {
            const float *mine = is_single ? t : t + 2 * k;
            wanted[k] = (float)(x[k] >= mine[0]) + (float)(x[k] >= mine[1]);
        }
        gives(&b, wanted, N);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unknown_attributes_of_every_operator_are_refused),
                                       cmocka_unit_test(attributes_come_once_and_are_no_functions),
                                       cmocka_unit_test(required_attributes_are_missed),
                                       cmocka_unit_test(older_opsets_have_their_own_defaults),
                                       cmocka_unit_test(casts_of_integers_wrap),
                                       cmocka_unit_test(contradictions_are_refused),
                                       cmocka_unit_test(eye_like_takes_its_inputs_type),
                                       cmocka_unit_test(reductions_of_no_axes_keep_their_functions),
                                       cmocka_unit_test(quantize_linear_names_its_type),
                                       cmocka_unit_test(thresholds_find_their_channels)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
