/* onnx_read.c - an ONNX file to a graph, through protobuf-c and the schema of Debian's libonnx-dev. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include <onnx.pb-c.h>

#include "file.h"
#include "graph.h"
#include "memory.h"

/* The largest file read: ResNet-50 in float is 100 MB. */
static const size_t largest_file = (size_t)1 << 30;

enum { OLDEST_OPSET = 7, NEWEST_OPSET = 19 };

static int find_value(const xbtab_network *n, const char *name)
{
    for (int k = n->n_values - 1; k >= 0; k--) {
        if (strcmp(n->value[k].name, name) == 0) return k;
    }
    return -1;
}

static xbtab_status add_value(xbtab_network *n, const char *name, int *out)
{
    if (find_value(n, name) >= 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: two tensors are called \"%s\"", n->path, name);
    }
    xbtab__value *grown = xbtab__realloc(n->value, (size_t)n->n_values + 1, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    n->value = grown;
    xbtab__value *value = &n->value[n->n_values];
    *value = (xbtab__value){.name = xbtab__strdup(name)};
    if (!value->name) return XBTAB_NOMEM();
    *out = n->n_values++;
    return XBTAB_OK;
}

/* ---- constants ---- */

static size_t element_size(int32_t type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        return 1;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return 8;
    default:
        return 0;
    }
}

static size_t typed_count(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        return t->n_int32_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return t->n_double_data;
    default:
        return t->n_int64_data;
    }
}

static double element(const Onnx__TensorProto *t, size_t k, int64_t *integer)
{
    const void *raw = t->has_raw_data ? t->raw_data.data : NULL;
    float f;
    int32_t i;
    double d;
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        if (!raw) return t->float_data[k];
        memcpy(&f, (const char *)raw + 4 * k, sizeof f);
        return f;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        if (!raw) return t->double_data[k];
        memcpy(&d, (const char *)raw + 8 * k, sizeof d);
        return d;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        if (!raw) {
            i = t->int32_data[k];
        } else {
            memcpy(&i, (const char *)raw + 4 * k, sizeof i);
        }
        *integer = i;
        return i;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        *integer = raw ? ((const uint8_t *)raw)[k] : t->int32_data[k];
        return (double)*integer;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        *integer = raw ? ((const int8_t *)raw)[k] : t->int32_data[k];
        return (double)*integer;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16: {
        uint16_t bits = 0;
        if (raw) memcpy(&bits, (const char *)raw + 2 * k, sizeof bits);
        bool has_sign = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT16;
        *integer = !raw ? t->int32_data[k] : has_sign ? (int16_t)bits : bits;
        return (double)*integer;
    }
    default:
        if (!raw) {
            *integer = t->int64_data[k];
        } else {
            memcpy(integer, (const char *)raw + 8 * k, sizeof *integer);
        }
        return (double)*integer;
    }
}

static xbtab_status add_constant(xbtab_network *n, const Onnx__TensorProto *t, const char *name)
{
    int index;
    int64_t dim[XBTAB__NET_RANK] = {1}, integer = 0;
    size_t size = element_size(t->data_type);
    if (t->n_external_data || (t->has_data_location && t->data_location != 0)) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: tensor \"%s\" is in another file; only whole files are read",
                   n->path, name);
    }
    if (size == 0) {
        XBTAB_FAIL(
            XBTAB_ERR_UNSUPPORTED,
            "%s: tensor \"%s\" has data type %d; float, double, bool and integers of 8 to 64 bits are read",
            n->path, name, t->data_type);
    }
    if (t->n_dims > XBTAB__NET_RANK) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: tensor \"%s\" has %zu axes", n->path, name, t->n_dims);
    }
    for (size_t k = 0; k < t->n_dims; k++) dim[k] = t->dims[k];
    XBTAB_TRY(add_value(n, name, &index));
    xbtab__value *value = &n->value[index];
    value->is_scalar = t->n_dims == 0;
    XBTAB_TRY(xbtab__shape_set(n, NULL, value, t->n_dims ? (int)t->n_dims : 1, dim));
    size_t found = t->has_raw_data ? t->raw_data.len / size : typed_count(t);
    if (found != value->shape.size || (t->has_raw_data && t->raw_data.len % size != 0)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: tensor \"%s\" has %zu numbers for a shape of %zu", n->path, name,
                   found, value->shape.size);
    }
    bool is_integer = t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
                      t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    value->is_signed = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8 ||
                       t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT16 ||
                       t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32 ||
                       t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    value->constant = xbtab__alloc(found, sizeof *value->constant);
    value->integers = is_integer ? xbtab__alloc(found, sizeof *value->integers) : NULL;
    if (!value->constant || (is_integer && !value->integers)) return XBTAB_NOMEM();
    for (size_t k = 0; k < found; k++) {
        value->constant[k] = (float)element(t, k, &integer);
        if (is_integer) value->integers[k] = integer;
    }
    return XBTAB_OK;
}

/* ---- nodes ---- */

static xbtab_status take_ints(const xbtab_network *n, const Onnx__AttributeProto *a, int64_t *out, int *count)
{
    if (a->n_ints > XBTAB__NET_INTS) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: attribute \"%s\" has %zu entries", n->path, a->name,
                   a->n_ints);
    }
    for (size_t k = 0; k < a->n_ints; k++) out[k] = a->ints[k];
    *count = (int)a->n_ints;
    return XBTAB_OK;
}

/* ONNX's alpha is 1 for matrix products, and something else for each activation function. */
static float default_alpha(const char *type)
{
    return strcmp(type, "LeakyRelu") == 0 ? 0.01f : strcmp(type, "HardSigmoid") == 0 ? 0.2f : 1.0f;
}

static xbtab_status take_attributes(xbtab_network *n, xbtab__attributes *out, const Onnx__NodeProto *proto)
{
    *out = (xbtab__attributes){.group = 1,
                               .alpha = proto->op_type ? default_alpha(proto->op_type) : 1.0f,
                               .beta =
                                   proto->op_type && strcmp(proto->op_type, "HardSigmoid") == 0 ? 0.5f : 1.0f,
                               .auto_pad = "NOTSET",
                               .mode = "constant",
                               .rounding_mode = "ROUND",
                               .keepdims = 1,
                               .end = INT64_MAX,
                               .is_signed = 1,
                               .epsilon = 1e-5f,
                               .min = -FLT_MAX,
                               .max = FLT_MAX,
                               .out_scale = 1.0f};
    for (size_t k = 0; k < proto->n_attribute; k++) {
        const Onnx__AttributeProto *a = proto->attribute[k];
        const char *name = a->name ? a->name : "";
        const struct {
            const char *name;
            int64_t *list;
            int *count;
        } lists[] = {{"kernel_shape", out->kernel, &out->n_kernel},
                     {"strides", out->stride, &out->n_stride},
                     {"pads", out->pad, &out->n_pad},
                     {"dilations", out->dilation, &out->n_dilation},
                     {"perm", out->perm, &out->n_perm},
                     {"axes", out->axes, &out->n_axes},
                     {"starts", out->starts, &out->n_starts},
                     {"ends", out->ends, &out->n_ends}};
        const struct {
            const char *name;
            int64_t *number;
        } numbers[] = {{"group", &out->group},
                       {"axis", &out->axis},
                       {"transA", &out->trans_a},
                       {"transB", &out->trans_b},
                       {"count_include_pad", &out->count_include_pad},
                       {"ceil_mode", &out->ceil_mode},
                       {"keepdims", &out->keepdims},
                       {"narrow", &out->narrow},
                       {"to", &out->to},
                       {"training_mode", &out->training_mode},
                       {"start", &out->start},
                       {"end", &out->end},
                       {"signed", &out->is_signed}};
        const struct {
            const char *name;
            float *number;
        } reals[] = {{"alpha", &out->alpha},       {"beta", &out->beta},  {"epsilon", &out->epsilon},
                     {"min", &out->min},           {"max", &out->max},    {"out_scale", &out->out_scale},
                     {"out_bias", &out->out_bias}, {"value", &out->value}};
        const struct {
            const char *name;
            char *word;
        } words[] = {{"auto_pad", out->auto_pad}, {"mode", out->mode}, {"rounding_mode", out->rounding_mode}};
        for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
            if (strcmp(name, lists[l].name) == 0) XBTAB_TRY(take_ints(n, a, lists[l].list, lists[l].count));
        }
        for (size_t l = 0; l < sizeof numbers / sizeof numbers[0]; l++) {
            if (strcmp(name, numbers[l].name) == 0) *numbers[l].number = a->i;
        }
        if (strcmp(name, "axis") == 0) out->has_axis = true;
        for (size_t l = 0; l < sizeof reals / sizeof reals[0]; l++) {
            if (strcmp(name, reals[l].name) == 0) *reals[l].number = a->f;
        }
        for (size_t l = 0; l < sizeof words / sizeof words[0]; l++) {
            if (strcmp(name, words[l].name) == 0 && a->s.data) {
                snprintf(words[l].word, sizeof out->mode, "%.*s", (int)(a->s.len < 15 ? a->s.len : 15),
                         (const char *)a->s.data);
            }
        }
    }
    return XBTAB_OK;
}

static xbtab_status fail_operator(const xbtab_network *n, const Onnx__NodeProto *proto, const char *type)
{
    char names[1024];
    xbtab__operator_names(names, sizeof names);
    XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: node \"%s\": operator %s%s%s is not supported; there are: %s",
               n->path, proto->name ? proto->name : "", proto->domain ? proto->domain : "",
               proto->domain && proto->domain[0] ? "." : "", type, names);
}

/* ONNX's own operators, and those of quantized networks, whether the file declares their domain or not. */
static bool is_known_domain(const char *domain)
{
    static const char *const known[] = {"", "ai.onnx", "onnx.brevitas", "qonnx.custom_op.general",
                                        "finn.custom_op.general"};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (strcmp(domain, known[k]) == 0) return true;
    }
    return false;
}

static xbtab_status add_node(xbtab_network *n, const Onnx__NodeProto *proto)
{
    const char *type = proto->op_type ? proto->op_type : "";
    bool is_standard = !proto->domain || is_known_domain(proto->domain);
    if (is_standard && strcmp(type, "Constant") == 0) {
        for (size_t k = 0; k < proto->n_attribute; k++) {
            if (proto->attribute[k]->t && proto->n_output == 1) {
                return add_constant(n, proto->attribute[k]->t, proto->output[0]);
            }
        }
    }
    xbtab__node *node = &n->node[n->n_nodes];
    *node = (xbtab__node){.type = is_standard ? xbtab__operator_find(type) : NULL};
    if (!node->type) return fail_operator(n, proto, type);
    n->n_nodes++;
    if (xbtab__operator_quantizes(node->type)) n->is_quantized = true;
    node->name = xbtab__strdup(proto->name && proto->name[0] ? proto->name
                               : proto->n_output             ? proto->output[0]
                                                             : type);
    if (!node->name) return XBTAB_NOMEM();
    size_t n_inputs = proto->n_input;
    if (n_inputs < (size_t)node->type->least_inputs || n_inputs > (size_t)node->type->most_inputs ||
        proto->n_output < 1) {
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "has %zu inputs and %zu outputs", n_inputs,
                                proto->n_output);
    }
    node->n_inputs = (int)n_inputs;
    for (size_t k = 0; k < n_inputs; k++) {
        node->input[k] = proto->input[k][0] ? find_value(n, proto->input[k]) : -1;
        if (node->input[k] < 0 && (proto->input[k][0] || k < (size_t)node->type->least_inputs)) {
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its input \"%s\" comes from no node before it",
                                    proto->input[k]);
        }
        if (node->input[k] >= 0) n->value[node->input[k]].n_uses++;
    }
    XBTAB_TRY(take_attributes(n, &node->attributes, proto));
    XBTAB_TRY(add_value(n, proto->output[0], &node->output));
    XBTAB_TRY(node->type->infer(n, node));
    return xbtab__network_fold(n, node);
}

/* ---- the graph ---- */

static bool is_constant(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t k = 0; k < graph->n_initializer; k++) {
        if (graph->initializer[k]->name && strcmp(graph->initializer[k]->name, name) == 0) return true;
    }
    return false;
}

/* The one input that is no initializer, with its first axis, the batch, taken as 1. */
static xbtab_status add_input(xbtab_network *n, const Onnx__GraphProto *graph)
{
    const Onnx__ValueInfoProto *input = NULL;
    int64_t dim[XBTAB__NET_RANK] = {1};
    for (size_t k = 0; k < graph->n_input; k++) {
        if (!graph->input[k]->name || is_constant(graph, graph->input[k]->name)) continue;
        if (input) XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has more than one input", n->path);
        input = graph->input[k];
    }
    if (!input) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has no input", n->path);
    const Onnx__TypeProto__Tensor *type =
        input->type && input->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
            ? input->type->tensor_type
            : NULL;
    if (!type || !type->shape || type->shape->n_dim < 2 || type->shape->n_dim > XBTAB__NET_RANK) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: input \"%s\" must be a tensor of a batch and 1 to 5 more axes",
                   n->path, input->name);
    }
    for (size_t k = 1; k < type->shape->n_dim; k++) {
        const Onnx__TensorShapeProto__Dimension *d = type->shape->dim[k];
        if (d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE || d->dim_value < 1) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: axis %zu of input \"%s\" has no fixed size", n->path, k,
                       input->name);
        }
        dim[k] = d->dim_value;
    }
    XBTAB_TRY(add_value(n, input->name, &n->input));
    return xbtab__shape_set(n, NULL, &n->value[n->input], (int)type->shape->n_dim, dim);
}

static xbtab_status check_opset(const xbtab_network *n, const Onnx__ModelProto *model)
{
    for (size_t k = 0; k < model->n_opset_import; k++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[k];
        if (set->domain && set->domain[0] && strcmp(set->domain, "ai.onnx") != 0) continue;
        if (set->version < OLDEST_OPSET || set->version > NEWEST_OPSET) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: opset %lld; %d to %d are supported", n->path,
                       (long long)set->version, OLDEST_OPSET, NEWEST_OPSET);
        }
    }
    return XBTAB_OK;
}

static xbtab_status take_graph(xbtab_network *n, const Onnx__GraphProto *graph)
{
    n->node = xbtab__alloc(graph->n_node, sizeof *n->node);
    if (!n->node) return XBTAB_NOMEM();
    for (size_t k = 0; k < graph->n_initializer; k++) {
        const Onnx__TensorProto *t = graph->initializer[k];
        XBTAB_TRY(add_constant(n, t, t->name ? t->name : ""));
    }
    XBTAB_TRY(add_input(n, graph));
    for (size_t k = 0; k < graph->n_node; k++) XBTAB_TRY(add_node(n, graph->node[k]));
    if (graph->n_output != 1) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has %zu outputs; one is supported", n->path, graph->n_output);
    }
    n->output = graph->output[0]->name ? find_value(n, graph->output[0]->name) : -1;
    if (n->output < 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its output comes from no node", n->path);
    return xbtab__network_finish(n);
}

xbtab_status xbtab_network_open(xbtab_network **out, const char *path)
{
    xbtab_network *n = NULL;
    XBTAB_TRY(xbtab__network_read(&n, path));
    if (n->value[n->output].constant) {
        xbtab_network_destroy(&n);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its output does not depend on its input", path);
    }
    *out = n;
    return XBTAB_OK;
}

xbtab_status xbtab__network_read(xbtab_network **out, const char *path)
{
    xbtab_status status;
    char *data = NULL;
    size_t size = 0;
    Onnx__ModelProto *model = NULL;
    XBTAB_TRY(xbtab__file_read(&data, &size, path, largest_file));
    xbtab_network *n = xbtab__alloc(1, sizeof *n);
    if (n) n->path = xbtab__strdup(path);
    if (!n || !n->path) {
        status = XBTAB_NOMEM();
        goto done;
    }
    model = onnx__model_proto__unpack(NULL, size, (const uint8_t *)data);
    if (!model || !model->graph)
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: not an ONNX file, or a truncated one", path);
    XBTAB_TRY_DONE(check_opset(n, model));
    XBTAB_TRY_DONE(take_graph(n, model->graph));
    *out = n;
    n = NULL;
done:
    if (model) onnx__model_proto__free_unpacked(model, NULL);
    xbtab__free(data);
    xbtab_network_destroy(&n);
    return status;
}
