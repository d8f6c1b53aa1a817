/* onnx_write.c - the digits' network as ONNX (opset 13), through protobuf-c. */
#include <stdlib.h>
#include <string.h>

#include <onnx.pb-c.h>

#include "digits.h"

enum { NODES = 8, TENSORS = 6, MOST_INPUTS = 3, MOST_ATTRIBUTES = 2, MOST_INTS = 4 };

typedef struct writer {
    Onnx__NodeProto node[NODES], *nodes[NODES];
    char *input[NODES][MOST_INPUTS], *output[NODES];
    Onnx__AttributeProto attribute[NODES][MOST_ATTRIBUTES], *attributes[NODES][MOST_ATTRIBUTES];
    int64_t ints[NODES][MOST_ATTRIBUTES][MOST_INTS];
    size_t n_nodes;
    Onnx__TensorProto tensor[TENSORS], *tensors[TENSORS];
    int64_t dims[TENSORS][4];
    size_t n_tensors;
} writer;

/* protobuf-c's strings are not const, but packing does not write to them. */
static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void add_tensor(writer *w, const char *name, const float *data, size_t rank, const int64_t *dim)
{
    size_t k = w->n_tensors++, count = 1;
    Onnx__TensorProto *t = &w->tensor[k];
    onnx__tensor_proto__init(t);
    for (size_t d = 0; d < rank; d++) count *= (size_t)(w->dims[k][d] = dim[d]);
    t->name = text(name);
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->n_dims = rank;
    t->dims = w->dims[k];
    t->has_raw_data = 1;
    t->raw_data.len = count * sizeof *data;
    t->raw_data.data = (uint8_t *)(uintptr_t)data;
    w->tensors[k] = t;
}

static void add_node(writer *w, const char *type, const char *output, size_t n_inputs,
                     const char *const *inputs)
{
    size_t k = w->n_nodes++;
    Onnx__NodeProto *n = &w->node[k];
    onnx__node_proto__init(n);
    n->name = text(output);
    n->op_type = text(type);
    for (size_t i = 0; i < n_inputs; i++) w->input[k][i] = text(inputs[i]);
    w->output[k] = text(output);
    n->n_input = n_inputs;
    n->input = w->input[k];
    n->n_output = 1;
    n->output = &w->output[k];
    n->attribute = w->attributes[k];
    w->nodes[k] = n;
}

static void add_ints(writer *w, const char *name, size_t n, const int64_t *values)
{
    size_t k = w->n_nodes - 1, a = w->node[k].n_attribute++;
    Onnx__AttributeProto *p = &w->attribute[k][a];
    onnx__attribute_proto__init(p);
    p->name = text(name);
    p->has_type = 1;
    p->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    memcpy(w->ints[k][a], values, n * sizeof *values);
    p->n_ints = n;
    p->ints = w->ints[k][a];
    w->attributes[k][a] = p;
}

static void add_int(writer *w, const char *name, int64_t value)
{
    size_t k = w->n_nodes - 1, a = w->node[k].n_attribute++;
    Onnx__AttributeProto *p = &w->attribute[k][a];
    onnx__attribute_proto__init(p);
    p->name = text(name);
    p->has_type = p->has_i = 1;
    p->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    p->i = value;
    w->attributes[k][a] = p;
}

static void fill_graph(writer *w, const digits_network *n)
{
    static const int64_t three[] = {3, 3}, two[] = {2, 2}, pads[] = {1, 1, 1, 1};
    add_tensor(w, "W1", &n->W1[0][0], 4, (int64_t[]){8, 1, 3, 3});
    add_tensor(w, "b1", n->b1, 1, (int64_t[]){8});
    add_tensor(w, "W2", &n->W2[0][0], 4, (int64_t[]){16, 8, 3, 3});
    add_tensor(w, "b2", n->b2, 1, (int64_t[]){16});
    add_tensor(w, "W3", &n->W3[0][0], 2, (int64_t[]){10, 784});
    add_tensor(w, "b3", n->b3, 1, (int64_t[]){10});
    add_node(w, "Conv", "conv1", 3, (const char *const[]){"image", "W1", "b1"});
    add_ints(w, "kernel_shape", 2, three);
    add_ints(w, "pads", 4, pads);
    add_node(w, "Relu", "relu1", 1, (const char *const[]){"conv1"});
    add_node(w, "MaxPool", "pool1", 1, (const char *const[]){"relu1"});
    add_ints(w, "kernel_shape", 2, two);
    add_ints(w, "strides", 2, two);
    add_node(w, "Conv", "conv2", 3, (const char *const[]){"pool1", "W2", "b2"});
    add_ints(w, "kernel_shape", 2, three);
    add_ints(w, "pads", 4, pads);
    add_node(w, "Relu", "relu2", 1, (const char *const[]){"conv2"});
    add_node(w, "MaxPool", "pool2", 1, (const char *const[]){"relu2"});
    add_ints(w, "kernel_shape", 2, two);
    add_ints(w, "strides", 2, two);
    add_node(w, "Flatten", "flat", 1, (const char *const[]){"pool2"});
    add_node(w, "Gemm", "digit", 3, (const char *const[]){"flat", "W3", "b3"});
    add_int(w, "transB", 1);
}

/* A tensor of floats whose first axis is the batch. */
typedef struct value {
    Onnx__ValueInfoProto info, *pointer;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[4], *dims[4];
} value;

static void set_value(value *v, const char *name, size_t rank, const int64_t *dim)
{
    onnx__value_info_proto__init(&v->info);
    onnx__type_proto__init(&v->type);
    onnx__type_proto__tensor__init(&v->tensor);
    onnx__tensor_shape_proto__init(&v->shape);
    for (size_t d = 0; d < rank; d++) {
        onnx__tensor_shape_proto__dimension__init(&v->dim[d]);
        if (d == 0) {
            v->dim[d].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            v->dim[d].dim_param = text("batch");
        } else {
            v->dim[d].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            v->dim[d].dim_value = dim[d];
        }
        v->dims[d] = &v->dim[d];
    }
    v->shape.n_dim = rank;
    v->shape.dim = v->dims;
    v->tensor.has_elem_type = 1;
    v->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    v->tensor.shape = &v->shape;
    v->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type.tensor_type = &v->tensor;
    v->info.name = text(name);
    v->info.type = &v->type;
    v->pointer = &v->info;
}

uint8_t *digits_to_onnx(const digits_network *network, size_t *n)
{
    writer *w = calloc(1, sizeof *w);
    value input, output;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    if (!w) return NULL;
    fill_graph(w, network);
    set_value(&input, "image", 4, (int64_t[]){0, 1, 28, 28});
    set_value(&output, "digit", 2, (int64_t[]){0, 10});
    graph.name = text("digits");
    graph.n_node = w->n_nodes;
    graph.node = w->nodes;
    graph.n_initializer = w->n_tensors;
    graph.initializer = w->tensors;
    graph.n_input = graph.n_output = 1;
    graph.input = &input.pointer;
    graph.output = &output.pointer;
    opset.has_version = 1;
    opset.version = 13;
    model.has_ir_version = 1;
    model.ir_version = 7;
    model.producer_name = text("xbartab-digits");
    model.n_opset_import = 1;
    model.opset_import = &opsets;
    model.graph = &graph;
    *n = onnx__model_proto__get_packed_size(&model);
    uint8_t *bytes = malloc(*n);
    if (bytes) onnx__model_proto__pack(&model, bytes);
    free(w);
    return bytes;
}
