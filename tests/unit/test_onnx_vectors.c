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
#include <onnx.pb-c.h>

#include "graph.h"

static const char *const folders[] = {"/usr/share/libonnx-testdata/data/node",
                                      "/usr/share/libonnx-testdata/node",
                                      "/usr/share/onnx/backend/test/data/node"};

static char path[] = "/tmp/xbartab-test-XXXXXX";
static char refused[1 << 16], unknown[1 << 14];
static int n_passed, n_wrong, n_refused, n_unknown;

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

/* A tensor as a float array of the caller's; NULL for types that no network of ours has. */
static double *numbers(const Onnx__TensorProto *t, size_t *n)
{
    size_t size = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT   ? 4
                  : t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 ? 8
                  : t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32 ? 4
                  : t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 ||
                          t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8
                      ? 1
                      : 0;
    if (size == 0 || !t->has_raw_data) return NULL;
    *n = t->raw_data.len / size;
    double *x = calloc(*n + 1, sizeof *x);
    assert_non_null(x);
    for (size_t k = 0; k < *n; k++) {
        const uint8_t *at = t->raw_data.data + k * size;
        float f;
        int64_t l;
        int32_t i;
        switch (t->data_type) {
        case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
            memcpy(&f, at, 4);
            x[k] = (double)f;
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
            memcpy(&l, at, 8);
            x[k] = (double)l;
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
            memcpy(&i, at, 4);
            x[k] = i;
            break;
        default:
            x[k] = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8 ? (int8_t)*at : *at;
        }
    }
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
    for (size_t k = 0; k < n_inputs && is_whole; k++) {
        Onnx__TensorProto *t = read_tensor(folder, "input", k);
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

static void compare(const xbtab_network *network, const char *folder, const char *name)
{
    Onnx__TensorProto *t = read_tensor(folder, "output", 0);
    const xbtab__value *got = &network->value[network->output];
    size_t n = 0;
    double *wanted = t ? numbers(t, &n) : NULL;
    if (!wanted) {
        onnx__tensor_proto__free_unpacked(t, NULL);
        return;
    }
    bool is_right = got->constant && got->shape.size == n;
    for (size_t k = 0; k < n && is_right; k++) {
        double off = fabs((double)got->constant[k] - wanted[k]);
        bool both_nan = isnan(wanted[k]) && isnan(got->constant[k]);
        bool same_infinity = isinf(wanted[k]) && (double)got->constant[k] == wanted[k];
        is_right = off <= 1e-5 + 1e-3 * fabs(wanted[k]) || both_nan || same_infinity;
    }
    n_passed += is_right;
    n_wrong += !is_right;
    if (!is_right) print_error("%s: other numbers than ONNX's\n", name);
    free(wanted);
    onnx__tensor_proto__free_unpacked(t, NULL);
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
        if (xbtab__operator_find(node->op_type) || strcmp(node->op_type, "Constant") == 0) continue;
        is_ours = false;
        snprintf(line, sizeof line, " %s", node->op_type);
        note(unknown, sizeof unknown, line);
    }
    n_unknown += !is_ours;
    if (is_ours && write_constant(model, folder)) {
        xbtab_network *network = NULL;
        xbtab_status status = xbtab__network_read(&network, path);
        if (status == XBTAB_OK) {
            compare(network, folder, name);
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

static void operators_give_onnx_own_numbers(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    int n = -1;
    const char *root = NULL;
    for (size_t k = 0; k < sizeof folders / sizeof folders[0] && n < 0; k++) {
        root = folders[k];
        n = scandir(root, &entries, NULL, by_name);
    }
    if (n < 0) {
        print_message("no libonnx-testdata here: skipped\n");
        skip();
    }
    for (int k = 0; k < n; k++) {
        if (strncmp(entries[k]->d_name, "test_", 5) == 0) run_vector(root, entries[k]->d_name);
        free(entries[k]);
    }
    free(entries);
    print_message(
        "%d vectors pass, %d are refused as not supported:\n%s%d are of operators that are not ours:%s\n",
        n_passed, n_refused, refused, n_unknown, unknown);
    assert_int_equal(n_wrong, 0);
    assert_true(n_passed >= 222); /* of libonnx-testdata 1.12 */
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators_give_onnx_own_numbers)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
