/* onnx_writer.c - a network as an ONNX file. */
#include "onnx_writer.h"

#include <stdlib.h>
#include <string.h>

#include <onnx.pb-c.h>

enum { MOST = 400, MOST_INPUTS = 4, MOST_ATTRIBUTES = 4, MOST_INTS = 4 };

struct onnx_writer {
    Onnx__NodeProto node[MOST], *nodes[MOST];
    char *input[MOST][MOST_INPUTS], *output[MOST][2];
    Onnx__AttributeProto attribute[MOST][MOST_ATTRIBUTES], *attributes[MOST][MOST_ATTRIBUTES];
    int64_t ints[MOST][MOST_ATTRIBUTES][MOST_INTS];
    size_t n_nodes;
    Onnx__TensorProto tensor[MOST], *tensors[MOST];
    int64_t dims[MOST][4];
    size_t n_tensors;
    int is_full;
};

onnx_writer *onnx_writer_create(void)
{
    return calloc(1, sizeof(onnx_writer));
}

void onnx_writer_destroy(onnx_writer *writer)
{
    free(writer);
}

/* protobuf-c's strings are not const, but packing does not write to them. */
static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void add_raw(onnx_writer *w, const char *name, int type, const void *data, size_t size, size_t rank,
                    const int64_t *dim)
{
    if (w->n_tensors == MOST) {
        w->is_full = 1;
        return;
    }
    size_t k = w->n_tensors++, count = 1;
    Onnx__TensorProto *t = &w->tensor[k];
    onnx__tensor_proto__init(t);
    for (size_t d = 0; d < rank; d++) count *= (size_t)(w->dims[k][d] = dim[d]);
    t->name = text(name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = rank;
    t->dims = w->dims[k];
    t->has_raw_data = 1;
    t->raw_data.len = count * size;
    t->raw_data.data = (uint8_t *)(uintptr_t)data;
    w->tensors[k] = t;
}

void onnx_add_tensor(onnx_writer *w, const char *name, const float *data, size_t rank, const int64_t *dim)
{
    add_raw(w, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, data, sizeof *data, rank, dim);
}

void onnx_add_integers(onnx_writer *w, const char *name, const int64_t *data, size_t n)
{
    add_raw(w, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, data, sizeof *data, 1, (int64_t[]){(int64_t)n});
}

void onnx_add_node(onnx_writer *w, const char *type, const char *output, size_t n_inputs,
                   const char *const *inputs)
{
    if (w->n_nodes == MOST) {
        w->is_full = 1;
        return;
    }
    size_t k = w->n_nodes++;
    Onnx__NodeProto *n = &w->node[k];
    onnx__node_proto__init(n);
    n->name = text(output);
    n->op_type = text(type);
    for (size_t i = 0; i < n_inputs; i++) w->input[k][i] = text(inputs[i]);
    w->output[k][0] = text(output);
    n->n_input = n_inputs;
    n->input = w->input[k];
    n->n_output = 1;
    n->output = w->output[k];
    n->attribute = w->attributes[k];
    w->nodes[k] = n;
}

void onnx_second_output(onnx_writer *w)
{
    size_t k = w->n_nodes - 1;
    w->output[k][1] = w->output[k][0];
    w->output[k][0] = text("");
    w->node[k].n_output = 2;
}

static Onnx__AttributeProto *add_attribute(onnx_writer *w, const char *name, int64_t **ints)
{
    size_t k = w->n_nodes - 1, a = w->node[k].n_attribute++;
    Onnx__AttributeProto *p = &w->attribute[k][a];
    onnx__attribute_proto__init(p);
    p->name = text(name);
    p->has_type = 1;
    w->attributes[k][a] = p;
    *ints = w->ints[k][a];
    return p;
}

void onnx_add_ints(onnx_writer *w, const char *name, size_t n, const int64_t *values)
{
    int64_t *ints;
    Onnx__AttributeProto *p = add_attribute(w, name, &ints);
    p->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    memcpy(ints, values, n * sizeof *values);
    p->n_ints = n;
    p->ints = ints;
}

void onnx_add_int(onnx_writer *w, const char *name, int64_t value)
{
    int64_t *ints;
    Onnx__AttributeProto *p = add_attribute(w, name, &ints);
    p->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    p->has_i = 1;
    p->i = value;
}

/* The messages of an onnx_value. */
typedef struct value {
    Onnx__ValueInfoProto info, *pointer;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[4], *dims[4];
} value;

static void set_value(value *v, const onnx_value *from)
{
    onnx__value_info_proto__init(&v->info);
    onnx__type_proto__init(&v->type);
    onnx__type_proto__tensor__init(&v->tensor);
    onnx__tensor_shape_proto__init(&v->shape);
    for (size_t d = 0; d < from->rank; d++) {
        onnx__tensor_shape_proto__dimension__init(&v->dim[d]);
        if (d == 0) {
            v->dim[d].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            v->dim[d].dim_param = text("batch");
        } else {
            v->dim[d].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            v->dim[d].dim_value = from->dim[d];
        }
        v->dims[d] = &v->dim[d];
    }
    v->shape.n_dim = from->rank;
    v->shape.dim = v->dims;
    v->tensor.has_elem_type = 1;
    v->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    v->tensor.shape = &v->shape;
    v->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type.tensor_type = &v->tensor;
    v->info.name = text(from->name);
    v->info.type = &v->type;
    v->pointer = &v->info;
}

uint8_t *onnx_pack(onnx_writer *w, const char *name, const char *producer, onnx_value input,
                   onnx_value output, size_t *n)
{
    value in, out;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    if (w->is_full) return NULL;
    set_value(&in, &input);
    set_value(&out, &output);
    graph.name = text(name);
    graph.n_node = w->n_nodes;
    graph.node = w->nodes;
    graph.n_initializer = w->n_tensors;
    graph.initializer = w->tensors;
    graph.n_input = graph.n_output = 1;
    graph.input = &in.pointer;
    graph.output = &out.pointer;
    opset.has_version = 1;
    opset.version = 13;
    model.has_ir_version = 1;
    model.ir_version = 7;
    model.producer_name = text(producer);
    model.n_opset_import = 1;
    model.opset_import = &opsets;
    model.graph = &graph;
    *n = onnx__model_proto__get_packed_size(&model);
    uint8_t *bytes = malloc(*n);
    if (bytes) onnx__model_proto__pack(&model, bytes);
    return bytes;
}
