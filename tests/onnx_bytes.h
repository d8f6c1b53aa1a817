/* onnx_bytes.h - ONNX models for tests, written byte by byte as protobuf has them: fields that are younger
 * than the schema of this system's libonnx-dev can be written too. */
#ifndef XBTAB_TESTS_ONNX_BYTES_H
#define XBTAB_TESTS_ONNX_BYTES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Bytes of a message; all zero = empty. */
typedef struct bytes {
    uint8_t *at;
    size_t n, room;
} bytes;

enum { BYTES_FLOAT = 1, BYTES_UINT8 = 2, BYTES_INT8 = 3, BYTES_INT64 = 7, BYTES_BOOL = 9 };

static inline void bytes_add(bytes *b, const void *data, size_t n)
{
    if (b->n + n > b->room) {
        b->room = 2 * (b->n + n) + 64;
        b->at = realloc(b->at, b->room);
        if (!b->at) abort();
    }
    if (n) memcpy(b->at + b->n, data, n);
    b->n += n;
}

static inline void bytes_varint(bytes *b, uint64_t v)
{
    do {
        uint8_t byte = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        bytes_add(b, &byte, 1);
        v >>= 7;
    } while (v);
}

static inline void bytes_int(bytes *b, unsigned field, int64_t v)
{
    bytes_varint(b, (uint64_t)field << 3);
    bytes_varint(b, (uint64_t)v);
}

static inline void bytes_data(bytes *b, unsigned field, const void *data, size_t n)
{
    bytes_varint(b, (uint64_t)field << 3 | 2);
    bytes_varint(b, n);
    bytes_add(b, data, n);
}

static inline void bytes_text(bytes *b, unsigned field, const char *text)
{
    bytes_data(b, field, text, strlen(text));
}

/** A message within a message, whose bytes are freed. */
static inline void bytes_nest(bytes *b, unsigned field, bytes inner)
{
    bytes_data(b, field, inner.at, inner.n);
    free(inner.at);
}

/* ---- nodes ---- */

/** Names with blanks between them as so many fields; "-" stands for "". */
static inline void bytes_names(bytes *b, unsigned field, const char *names)
{
    while (*names) {
        size_t n = strcspn(names, " ");
        bytes_data(b, field, names, n == 1 && *names == '-' ? 0 : n);
        names += n + (names[n] == ' ');
    }
}

static inline bytes bytes_node(const char *domain, const char *type, const char *inputs, const char *outputs)
{
    bytes b = {0};
    bytes_names(&b, 1, inputs);
    bytes_names(&b, 2, outputs);
    bytes_text(&b, 4, type);
    if (*domain) bytes_text(&b, 7, domain);
    return b;
}

static inline bytes bytes_attribute(const char *name, int type)
{
    bytes b = {0};
    bytes_text(&b, 1, name);
    bytes_int(&b, 20, type);
    return b;
}

/** Attributes as messages: field 5 of a node, 11 of a function. */
static inline bytes bytes_f(const char *name, float f)
{
    bytes b = bytes_attribute(name, 1);
    bytes_varint(&b, 2 << 3 | 5);
    bytes_add(&b, &f, sizeof f);
    return b;
}

static inline bytes bytes_i(const char *name, int64_t i)
{
    bytes b = bytes_attribute(name, 2);
    bytes_int(&b, 3, i);
    return b;
}

static inline bytes bytes_s(const char *name, const char *s)
{
    bytes b = bytes_attribute(name, 3);
    bytes_text(&b, 4, s);
    return b;
}

static inline bytes bytes_is(const char *name, size_t n, const int64_t *is)
{
    bytes b = bytes_attribute(name, 7);
    for (size_t k = 0; k < n; k++) bytes_int(&b, 8, is[k]);
    return b;
}

static inline bytes bytes_g(const char *name, bytes graph)
{
    bytes b = bytes_attribute(name, 5);
    bytes_nest(&b, 6, graph);
    return b;
}

/** One that stands for the function's attribute `other`. */
static inline bytes bytes_ref(const char *name, int type, const char *other)
{
    bytes b = bytes_attribute(name, type);
    bytes_text(&b, 21, other);
    return b;
}

/* ---- tensors ---- */

static inline bytes bytes_tensor(const char *name, int type, size_t rank, const int64_t *dim, const void *raw,
                                 size_t n)
{
    bytes b = {0};
    for (size_t k = 0; k < rank; k++) bytes_int(&b, 1, dim[k]);
    bytes_int(&b, 2, type);
    bytes_text(&b, 8, name);
    bytes_data(&b, 9, raw, n);
    return b;
}

static inline bytes bytes_t(const char *name, bytes tensor)
{
    bytes b = bytes_attribute(name, 4);
    bytes_nest(&b, 5, tensor);
    return b;
}

/* ---- graphs: fields 1 node, 5 initializer, 11 input, 12 output ---- */

static inline void bytes_constant(bytes *graph, const char *name, int type, size_t rank, const int64_t *dim,
                                  const void *raw, size_t n)
{
    bytes_nest(graph, 5, bytes_tensor(name, type, rank, dim, raw, n));
}

static inline void bytes_floats(bytes *graph, const char *name, size_t rank, const int64_t *dim,
                                const float *x)
{
    size_t n = 1;
    for (size_t k = 0; k < rank; k++) n *= (size_t)dim[k];
    bytes_constant(graph, name, BYTES_FLOAT, rank, dim, x, n * sizeof *x);
}

static inline void bytes_longs(bytes *graph, const char *name, size_t n, const int64_t *x)
{
    bytes_constant(graph, name, BYTES_INT64, 1, (int64_t[]){(int64_t)n}, x, n * sizeof *x);
}

/** An input or output; an axis of 0 is open and called by names[k] where that is not NULL. */
static inline void bytes_value(bytes *graph, unsigned field, const char *name, int type, size_t rank,
                               const int64_t *dim, const char *const *names)
{
    bytes value = {0}, kind = {0}, tensor = {0}, shape = {0};
    for (size_t k = 0; k < rank; k++) {
        bytes axis = {0};
        if (dim[k]) bytes_int(&axis, 1, dim[k]);
        if (!dim[k] && names && names[k]) bytes_text(&axis, 2, names[k]);
        bytes_nest(&shape, 1, axis);
    }
    bytes_int(&tensor, 1, type);
    bytes_nest(&tensor, 2, shape);
    bytes_nest(&kind, 1, tensor);
    bytes_text(&value, 1, name);
    bytes_nest(&value, 2, kind);
    bytes_nest(graph, field, value);
}

/** A node without attributes. */
static inline void bytes_call(bytes *graph, const char *type, const char *inputs, const char *outputs)
{
    bytes_nest(graph, 1, bytes_node("", type, inputs, outputs));
}

/** A node with up to four attributes, which are freed; an empty one is none. */
static inline void bytes_call_with(bytes *graph, const char *type, const char *inputs, const char *outputs,
                                   bytes a, bytes b, bytes c, bytes d)
{
    bytes node = bytes_node("", type, inputs, outputs), list[] = {a, b, c, d};
    for (int k = 0; k < 4; k++) {
        if (list[k].n) bytes_nest(&node, 5, list[k]);
    }
    bytes_nest(graph, 1, node);
}

/* ---- models: fields 7 graph, 8 opset, 25 function ---- */

static inline bytes bytes_opset(const char *domain, int64_t version)
{
    bytes b = {0};
    if (*domain) bytes_text(&b, 1, domain);
    bytes_int(&b, 2, version);
    return b;
}

/** A model of a graph, which is freed, and of functions, messages of their own, into a file. */
static inline void bytes_write(const char *to, int64_t opset, bytes graph, bytes functions)
{
    bytes model = {0};
    bytes_int(&model, 1, 10);
    bytes_nest(&model, 7, graph);
    bytes_nest(&model, 8, bytes_opset("", opset));
    bytes_add(&model, functions.at, functions.n);
    free(functions.at);
    FILE *file = fopen(to, "wb");
    if (!file || fwrite(model.at, 1, model.n, file) != model.n || fclose(file) != 0) abort();
    free(model.at);
}

#endif
