/* onnx_writer.h - a network as an ONNX file (opset 13), node by node, through protobuf-c. */
#ifndef XBTAB_DATA_ONNX_WRITER_H
#define XBTAB_DATA_ONNX_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct onnx_writer onnx_writer;

/** A new graph; free with onnx_writer_destroy(). NULL: out of memory. All names and numbers that are added
 * below are borrowed until the file is packed. */
onnx_writer *onnx_writer_create(void);
void onnx_writer_destroy(onnx_writer *writer);

/** A constant of the graph: data[dim[0]][dim[1]]...; at most four axes. */
void onnx_add_tensor(onnx_writer *writer, const char *name, const float *data, size_t rank,
                     const int64_t *dim);
void onnx_add_integers(onnx_writer *writer, const char *name, const int64_t *data, size_t n);

/** A node with one output, which carries its name, and at most four inputs. */
void onnx_add_node(onnx_writer *writer, const char *type, const char *output, size_t n_inputs,
                   const char *const *inputs);

/** The last node's output becomes its second one; its first has no name. */
void onnx_second_output(onnx_writer *writer);

/** Attributes of the last node; at most four of them, with at most four values. */
void onnx_add_ints(onnx_writer *writer, const char *name, size_t n, const int64_t *values);
void onnx_add_int(onnx_writer *writer, const char *name, int64_t value);

/** A tensor of floats whose first axis is the batch; dim[0] is not read. */
typedef struct onnx_value {
    const char *name;
    size_t rank;
    int64_t dim[4];
} onnx_value;

/** The file in memory: *n bytes, free(). NULL: out of memory, or more nodes or constants than the writer
 * takes (400). */
uint8_t *onnx_pack(onnx_writer *writer, const char *name, const char *producer, onnx_value input,
                   onnx_value output, size_t *n);

#endif
