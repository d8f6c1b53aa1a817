/* onnx_build.h - small ONNX models for tests, built node by node and packed into a file. */
#ifndef XBTAB_TESTS_ONNX_BUILD_H
#define XBTAB_TESTS_ONNX_BUILD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnx.pb-c.h>

enum { BUILD_MOST = 32, BUILD_INTS = 8 };

typedef struct onnx_build {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets;
    Onnx__NodeProto node[BUILD_MOST], *nodes[BUILD_MOST];
    char *input[BUILD_MOST][10], *output[BUILD_MOST][4];
    Onnx__AttributeProto attribute[BUILD_MOST][6], *attributes[BUILD_MOST][6];
    int64_t ints[BUILD_MOST][6][BUILD_INTS];
    Onnx__TensorProto tensor[BUILD_MOST], *tensors[BUILD_MOST];
    int64_t dims[BUILD_MOST][6];
    Onnx__StringStringEntryProto entry[3], *entry_pointer[3];
    Onnx__ValueInfoProto value[2], *values[2];
    Onnx__TypeProto type[2];
    Onnx__TypeProto__Tensor tensor_type[2];
    Onnx__TensorShapeProto shape[2];
    Onnx__TensorShapeProto__Dimension dim[2][6], *dim_pointer[2][6];
} onnx_build;

static inline char *build_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static inline void build_value(onnx_build *b, int which, const char *name, size_t rank, const int64_t *dim)
{
    onnx__value_info_proto__init(&b->value[which]);
    onnx__type_proto__init(&b->type[which]);
    onnx__type_proto__tensor__init(&b->tensor_type[which]);
    onnx__tensor_shape_proto__init(&b->shape[which]);
    for (size_t k = 0; k < rank; k++) {
        onnx__tensor_shape_proto__dimension__init(&b->dim[which][k]);
        b->dim[which][k].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        b->dim[which][k].dim_value = dim[k];
        b->dim_pointer[which][k] = &b->dim[which][k];
    }
    b->shape[which].n_dim = rank;
    b->shape[which].dim = b->dim_pointer[which];
    b->tensor_type[which].has_elem_type = 1;
    b->tensor_type[which].elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    b->tensor_type[which].shape = &b->shape[which];
    b->type[which].value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    b->type[which].tensor_type = &b->tensor_type[which];
    b->value[which].name = build_text(name);
    b->value[which].type = &b->type[which];
    b->values[which] = &b->value[which];
}

static inline void build_begin(onnx_build *b, size_t rank, const int64_t *input, const char *output)
{
    memset(b, 0, sizeof *b);
    onnx__model_proto__init(&b->model);
    onnx__graph_proto__init(&b->graph);
    onnx__operator_set_id_proto__init(&b->opset);
    b->opset.has_version = 1;
    b->opset.version = 13;
    b->opsets = &b->opset;
    b->model.n_opset_import = 1;
    b->model.opset_import = &b->opsets;
    b->model.graph = &b->graph;
    build_value(b, 0, "x", rank, input);
    build_value(b, 1, output, 1, (int64_t[]){1});
    b->graph.n_input = b->graph.n_output = 1;
    b->graph.input = &b->values[0];
    b->graph.output = &b->values[1];
    b->graph.node = b->nodes;
    b->graph.initializer = b->tensors;
}

static inline Onnx__TensorProto *build_tensor(onnx_build *b, const char *name, size_t rank,
                                              const int64_t *dim)
{
    size_t k = b->graph.n_initializer++;
    Onnx__TensorProto *t = &b->tensor[k];
    onnx__tensor_proto__init(t);
    for (size_t d = 0; d < rank; d++) b->dims[k][d] = dim[d];
    t->name = build_text(name);
    t->n_dims = rank;
    t->dims = b->dims[k];
    t->has_data_type = 1;
    b->tensors[k] = t;
    return t;
}

static inline void build_floats(onnx_build *b, const char *name, size_t rank, const int64_t *dim, float *data)
{
    Onnx__TensorProto *t = build_tensor(b, name, rank, dim);
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->n_float_data = 1;
    for (size_t d = 0; d < rank; d++) t->n_float_data *= (size_t)dim[d];
    t->float_data = data;
}

static inline void build_longs(onnx_build *b, const char *name, size_t n, int64_t *data)
{
    Onnx__TensorProto *t = build_tensor(b, name, 1, (int64_t[]){(int64_t)n});
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    t->n_int64_data = n;
    t->int64_data = data;
}

static inline void build_node(onnx_build *b, const char *type, const char *output, const char *a,
                              const char *c, const char *d)
{
    size_t k = b->graph.n_node++;
    const char *inputs[] = {a, c, d};
    Onnx__NodeProto *n = &b->node[k];
    onnx__node_proto__init(n);
    n->op_type = build_text(type);
    n->name = build_text(output);
    for (int i = 0; i < 3 && inputs[i]; i++) b->input[k][n->n_input++] = build_text(inputs[i]);
    n->input = b->input[k];
    b->output[k][0] = build_text(output);
    n->n_output = 1;
    n->output = b->output[k];
    n->attribute = b->attributes[k];
    b->nodes[k] = n;
}

/* One more input of the last node. */
static inline void build_input(onnx_build *b, const char *name)
{
    size_t k = b->graph.n_node - 1;
    b->input[k][b->node[k].n_input++] = build_text(name);
}

/* One more output of the last node. */
static inline void build_output(onnx_build *b, const char *name)
{
    size_t k = b->graph.n_node - 1;
    b->output[k][b->node[k].n_output++] = build_text(name);
}

/* Integers of 8 or 32 bits, as ONNX keeps both. */
static inline void build_ints(onnx_build *b, const char *name, int type, size_t rank, const int64_t *dim,
                              int32_t *data)
{
    Onnx__TensorProto *t = build_tensor(b, name, rank, dim);
    t->data_type = type;
    t->n_int32_data = 1;
    for (size_t d = 0; d < rank; d++) t->n_int32_data *= (size_t)dim[d];
    t->int32_data = data;
}

/* A tensor whose numbers stand in another file: entries[2 n] of keys and values. */
static inline void build_external(onnx_build *b, const char *name, size_t rank, const int64_t *dim,
                                  const char *const *entries, size_t n)
{
    Onnx__TensorProto *t = build_tensor(b, name, rank, dim);
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t->n_external_data = n;
    t->external_data = b->entry_pointer;
    for (size_t k = 0; k < n; k++) {
        onnx__string_string_entry_proto__init(&b->entry[k]);
        b->entry[k].key = build_text(entries[2 * k]);
        b->entry[k].value = build_text(entries[2 * k + 1]);
        b->entry_pointer[k] = &b->entry[k];
    }
}

/* An attribute of the last node: n > 0 integers, or one number where n is 0. */
static inline void build_attribute(onnx_build *b, const char *name, size_t n, const int64_t *values, float f,
                                   const char *s)
{
    size_t k = b->graph.n_node - 1, a = b->node[k].n_attribute++;
    Onnx__AttributeProto *p = &b->attribute[k][a];
    onnx__attribute_proto__init(p);
    p->name = build_text(name);
    p->n_ints = n;
    p->ints = b->ints[k][a];
    for (size_t i = 0; i < n; i++) p->ints[i] = values[i];
    p->has_i = n == 0 && values;
    p->i = p->has_i ? values[0] : 0;
    p->has_f = 1;
    p->f = f;
    p->has_s = s != NULL;
    p->s.data = (uint8_t *)build_text(s ? s : "");
    p->s.len = s ? strlen(s) : 0;
    b->attributes[k][a] = p;
}

/* Pack into a file; returns the number of bytes. */
static inline size_t build_write(const onnx_build *b, const char *to)
{
    size_t n = onnx__model_proto__get_packed_size(&b->model);
    uint8_t *bytes = malloc(n);
    FILE *file = fopen(to, "wb");
    if (!bytes || !file) abort();
    onnx__model_proto__pack(&b->model, bytes);
    if (fwrite(bytes, 1, n, file) != n || fclose(file) != 0) abort();
    free(bytes);
    return n;
}

#endif
