/* test_attributes.c - every operator refuses what it does not understand: attributes that it does not know,
 * of another type, of another opset, or of a value that is not supported. */
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
    refused(&b, XBTAB_ERR_UNSUPPORTED, "Softmax", "axis", "stands for one of a function");
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unknown_attributes_of_every_operator_are_refused),
                                       cmocka_unit_test(attributes_come_once_and_are_no_functions),
                                       cmocka_unit_test(required_attributes_are_missed)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
