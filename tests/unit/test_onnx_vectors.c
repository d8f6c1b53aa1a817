/* test_onnx_vectors.c - ONNX's own test vectors of single operators, from Debian's libonnx-testdata.
 *
 * All inputs of a vector become constants, so that reading the file evaluates it. A vector whose operators
 * are all ours must give ONNX's numbers, or be refused as a form that is not supported; those are listed with
 * the reason, and the operators that are not ours by name. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file_fixture.h"
#include "graph.h"
#include "memory.h"
#include "onnx_read.h"

static const char *const roots[] = {"/usr/share/libonnx-testdata/data", "/usr/share/libonnx-testdata",
                                    "/usr/share/onnx/backend/test/data"};
static const char *const folders[] = {"node", "simple", "pytorch-operator", "pytorch-converted"};

static char refused[1 << 16], unknown[1 << 14], ours[1 << 14];
static int n_passed, n_wrong, n_refused, n_unknown, n_operators;

static unsigned char *read_all(size_t *n, const char *name)
{
    FILE *file = fopen(name, "rb");
    if (!file) return NULL;
    unsigned char *bytes = malloc(1 << 22);
    assert_non_null(bytes);
    *n = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

static Onnx__TensorProto *read_tensor(const char *folder, const char *kind, size_t k)
{
    char name[1024];
    size_t n;
    snprintf(name, sizeof name, "%s/test_data_set_0/%s_%zu.pb", folder, kind, k);
    unsigned char *bytes = read_all(&n, name);
    Onnx__TensorProto *tensor = bytes ? onnx__tensor_proto__unpack(NULL, n, bytes) : NULL;
    free(bytes);
    return tensor;
}

/* A tensor as an array of the caller's, read by the network's own reader through a model of one constant. */
static double *numbers(const Onnx__TensorProto *t, size_t *n)
{
    xbtab_network holder = {.path = path};
    double *x = NULL;
    int index;
    if (xbtab__read_tensor(&holder, t, "wanted", &index) == XBTAB_OK) {
        const xbtab__value *v = &holder.value[0];
        *n = v->shape.size;
        x = calloc(*n + 1, sizeof *x);
        assert_non_null(x);
        for (size_t k = 0; k < *n; k++) x[k] = (double)v->constant[k];
    }
    for (int k = 0; k < holder.n_values; k++) {
        xbtab__free(holder.value[k].name);
        xbtab__free(holder.value[k].constant);
        xbtab__free(holder.value[k].integers);
    }
    xbtab__free(holder.value);
    return x;
}

static void note(char *list, size_t size, const char *text)
{
    size_t n = strlen(list);
    if (!strstr(list, text)) snprintf(list + n, size - n, "%s", text);
}

/* The model with its inputs as constants, and one input that nobody reads; false where a vector is missing.
 */
static bool write_constant(Onnx__ModelProto *model, const char *folder)
{
    Onnx__GraphProto *graph = model->graph;
    size_t n_inputs = graph->n_input;
    Onnx__TensorProto **constants = calloc(n_inputs + graph->n_initializer + 1, sizeof *constants);
    assert_non_null(constants);
    for (size_t k = 0; k < graph->n_initializer; k++) constants[k] = graph->initializer[k];
    size_t n = graph->n_initializer;
    bool is_whole = true;
    for (size_t k = 0, file = 0; k < n_inputs && is_whole; k++) {
        bool is_given = false;
        for (size_t i = 0; i < graph->n_initializer; i++)
            is_given = is_given || strcmp(graph->initializer[i]->name, graph->input[k]->name) == 0;
        if (is_given) continue;
        Onnx__TensorProto *t = read_tensor(folder, "input", file++);
        is_whole = t != NULL;
        if (!t) break;
        free(t->name);
        t->name = strdup(graph->input[k]->name);
        constants[n++] = t;
    }
    free(graph->initializer);
    graph->initializer = constants;
    graph->n_initializer = n;
    Onnx__ValueInfoProto unused;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[2], *dims[2] = {&dim[0], &dim[1]};
    Onnx__ValueInfoProto *inputs[] = {&unused}, **kept = graph->input;
    size_t kept_outputs = graph->n_output;
    onnx__value_info_proto__init(&unused);
    onnx__type_proto__init(&type);
    onnx__type_proto__tensor__init(&tensor);
    onnx__tensor_shape_proto__init(&shape);
    for (int k = 0; k < 2; k++) {
        onnx__tensor_shape_proto__dimension__init(&dim[k]);
        dim[k].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dim[k].dim_value = 1;
    }
    shape.n_dim = 2;
    shape.dim = dims;
    tensor.shape = &shape;
    type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type.tensor_type = &tensor;
    static char name[] = "nobody_reads_this";
    unused.name = name;
    unused.type = &type;
    graph->input = inputs;
    graph->n_input = 1;
    graph->n_output = 1;
    size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    onnx__model_proto__pack(model, bytes);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
    graph->input = kept;
    graph->n_input = n_inputs;
    graph->n_output = kept_outputs;
    return is_whole;
}

static bool is_same(const xbtab__value *got, const Onnx__TensorProto *t)
{
    size_t n = 0;
    double *wanted = numbers(t, &n);
    bool is_right = wanted && got->constant && got->shape.size == n;
    /* half precision is half as many digits */
    double tolerance =
        t->data_type == XBTAB__TYPE_FLOAT16 || t->data_type == XBTAB__TYPE_BFLOAT16 ? 1e-2 : 1e-3;
    for (size_t k = 0; k < n && is_right; k++) {
        double off = fabs((double)got->constant[k] - wanted[k]);
        bool both_nan = isnan(wanted[k]) && isnan(got->constant[k]);
        bool same_infinity = isinf(wanted[k]) && (double)got->constant[k] == wanted[k];
        is_right = off <= 1e-5 + tolerance * fabs(wanted[k]) || both_nan || same_infinity;
    }
    free(wanted);
    return is_right;
}

/* All outputs that the node computes, the first in any case. */
static void compare(const xbtab_network *network, const Onnx__GraphProto *graph, const char *folder,
                    const char *name)
{
    bool is_right = true;
    for (size_t o = 0; o < graph->n_output; o++) {
        Onnx__TensorProto *t = read_tensor(folder, "output", o);
        int value = network->n_values - 1;
        while (value >= 0 && strcmp(network->value[value].name, graph->output[o]->name) != 0) value--;
        if (o == 0) value = network->output;
        bool is_computed = value >= 0 && network->value[value].shape.rank > 0;
        if (t && (is_computed || o == 0) && !is_same(&network->value[value], t)) is_right = false;
        onnx__tensor_proto__free_unpacked(t, NULL);
    }
    n_passed += is_right;
    n_wrong += !is_right;
    if (!is_right) print_error("%s: other numbers than ONNX's\n", name);
}

static void run_vector(const char *root, const char *name)
{
    char folder[768], file[1024], line[512];
    size_t size;
    snprintf(folder, sizeof folder, "%s/%s", root, name);
    snprintf(file, sizeof file, "%s/model.onnx", folder);
    unsigned char *bytes = read_all(&size, file);
    Onnx__ModelProto *model = bytes ? onnx__model_proto__unpack(NULL, size, bytes) : NULL;
    free(bytes);
    if (!model) return;
    bool is_ours =
        model->graph->n_node > 0 && !strstr(name, "BFLOAT16"); /* which ONNX keeps as plain integers */
    for (size_t k = 0; k < model->graph->n_input; k++) {
        const Onnx__TypeProto *type = model->graph->input[k]->type;
        is_ours = is_ours && type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    }
    for (size_t k = 0; k < model->graph->n_node; k++) {
        const Onnx__NodeProto *node = model->graph->node[k];
        bool is_known = xbtab__operator_find(node->op_type) || strcmp(node->op_type, "Constant") == 0 ||
                        strcmp(node->op_type, "If") == 0;
        snprintf(line, sizeof line, " %s ", node->op_type);
        if (is_known && !strstr(ours, line)) n_operators++;
        note(is_known ? ours : unknown, is_known ? sizeof ours : sizeof unknown, line);
        is_ours = is_ours && is_known;
    }
    n_unknown += !is_ours;
    if (is_ours && write_constant(model, folder)) {
        xbtab_network *network = NULL;
        xbtab_status status = xbtab__network_read(&network, path, NULL);
        if (status == XBTAB_OK) {
            compare(network, model->graph, folder, name);
        } else {
            const char *message = strstr(xbtab_error_message(), "): ");
            snprintf(line, sizeof line, "  %s: %s\n", name, message ? message + 3 : xbtab_error_message());
            note(refused, sizeof refused, line);
            n_refused++;
            if (status != XBTAB_ERR_UNSUPPORTED) {
                print_error("%s", line);
                n_wrong++;
            }
        }
        xbtab_network_destroy(&network);
    }
    onnx__model_proto__free_unpacked(model, NULL);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, by_name);
    for (int k = 0; k < n; k++) {
        if (strncmp(entries[k]->d_name, "test_", 5) == 0) run_vector(folder, entries[k]->d_name);
        free(entries[k]);
    }
    free(entries);
}

static void operators_give_onnx_own_numbers(void **state)
{
    (void)state;
    char folder[512];
    size_t root = 0, n_roots = sizeof roots / sizeof roots[0];
    for (; root < n_roots; root++) {
        snprintf(folder, sizeof folder, "%s/%s", roots[root], folders[0]);
        if (access(folder, R_OK) == 0) break;
    }
    if (root == n_roots) {
        print_message("no libonnx-testdata here: skipped\n");
        skip();
    }
    for (size_t k = 0; k < sizeof folders / sizeof folders[0]; k++) {
        snprintf(folder, sizeof folder, "%s/%s", roots[root], folders[k]);
        run_folder(folder);
    }
    printf("%d vectors of %d operators pass, %d are refused as not supported:\n%s%d are of operators that "
           "are not "
           "ours:%s\n",
           n_passed, n_operators, n_refused, refused, n_unknown, unknown);
    assert_int_equal(n_wrong, 0);
    assert_true(n_passed >= 830 && n_refused <= 16 && n_unknown <= 226); /* of libonnx-testdata 1.12 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators_give_onnx_own_numbers)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
