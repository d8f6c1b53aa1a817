/* onnx_corpus.h - the fuzzer's first networks, made here: each has other operators, attributes and tensor
 * forms. */
#ifndef XBTAB_TESTS_ONNX_CORPUS_H
#define XBTAB_TESTS_ONNX_CORPUS_H

#include "onnx_build.h"

enum { CORPUS_SIZE = 11 };

/* Build network k of the corpus; its numbers live as long as the next call. */
static inline void corpus_build(onnx_build *b, int k)
{
    static float number[64], one[1] = {0.5f};
    static int32_t byte[64], zero[1] = {3};
    static int64_t shape[8];
    int64_t image[] = {1, 2, 4, 4}, vector[] = {1, 6}, sequence[] = {3, 1, 2}, scalar[] = {1};
    const int UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    for (int i = 0; i < 64; i++) {
        number[i] = 0.25f * (float)(i % 7) - 0.5f;
        byte[i] = i % 11;
    }
    switch (k) {
    case 0: /* a convolution, pooling, a sum, a dense layer */
        build_begin(b, 4, image, "y");
        build_floats(b, "W", 4, (int64_t[]){2, 1, 3, 3}, number);
        build_floats(b, "D", 2, (int64_t[]){8, 3}, number);
        build_node(b, "Conv", "c", "x", "W", NULL);
        build_attribute(b, "group", 0, (int64_t[]){2}, 0, NULL);
        build_attribute(b, "pads", 4, (int64_t[]){1, 1, 1, 1}, 0, NULL);
        build_node(b, "Relu", "r", "c", NULL, NULL);
        build_node(b, "Add", "s", "r", "x", NULL);
        build_node(b, "MaxPool", "p", "s", NULL, NULL);
        build_attribute(b, "kernel_shape", 2, (int64_t[]){3, 3}, 0, NULL);
        build_attribute(b, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
        build_attribute(b, "ceil_mode", 0, (int64_t[]){1}, 0, NULL);
        build_node(b, "Flatten", "f", "p", NULL, NULL);
        build_node(b, "MatMul", "m", "f", "D", NULL);
        build_node(b, "Softmax", "y", "m", NULL, NULL);
        break;
    case 1: /* QuantizeLinear and DequantizeLinear */
        build_begin(b, 2, vector, "y");
        build_floats(b, "s", 1, scalar, one);
        build_ints(b, "z", UINT8, 1, scalar, zero);
        build_ints(b, "W", UINT8, 2, (int64_t[]){6, 2}, byte);
        build_node(b, "QuantizeLinear", "q", "x", "s", "z");
        build_node(b, "DequantizeLinear", "d", "q", "s", "z");
        build_node(b, "DequantizeLinear", "w", "W", "s", "z");
        build_node(b, "MatMul", "y", "d", "w", NULL);
        break;
    case 2: /* QLinearConv */
        build_begin(b, 4, image, "y");
        build_floats(b, "s", 1, scalar, one);
        build_ints(b, "z", UINT8, 1, scalar, zero);
        build_ints(b, "W", UINT8, 4, (int64_t[]){3, 2, 2, 2}, byte);
        build_node(b, "QuantizeLinear", "q", "x", "s", "z");
        build_node(b, "QLinearConv", "c", "q", "s", "z");
        build_input(b, "W");
        for (int i = 0; i < 2; i++) {
            build_input(b, "s");
            build_input(b, "z");
        }
        build_node(b, "DequantizeLinear", "y", "c", "s", "z");
        break;
    case 3: /* LSTM, and Split */
        build_begin(b, 3, sequence, "y");
        build_floats(b, "W", 3, (int64_t[]){1, 8, 2}, number);
        build_floats(b, "R", 3, (int64_t[]){1, 8, 2}, number);
        build_node(b, "LSTM", "l", "x", "W", "R");
        build_attribute(b, "hidden_size", 0, (int64_t[]){2}, 0, NULL);
        build_output(b, "h");
        build_node(b, "Split", "a", "h", NULL, NULL);
        build_attribute(b, "axis", 0, (int64_t[]){2}, 0, NULL);
        build_output(b, "b");
        build_node(b, "Add", "y", "a", "b", NULL);
        break;
    case 4: /* GRU, bidirectional */
        build_begin(b, 3, sequence, "y");
        build_floats(b, "W", 3, (int64_t[]){2, 6, 2}, number);
        build_floats(b, "R", 3, (int64_t[]){2, 6, 2}, number);
        build_node(b, "GRU", "y", "x", "W", "R");
        build_attribute(b, "direction", 0, NULL, 0, "bidirectional");
        break;
    case 5: /* shapes as numbers */
        build_begin(b, 4, image, "y");
        shape[0] = 0;
        shape[1] = 1;
        shape[2] = -1;
        build_longs(b, "first", 1, &shape[0]);
        build_longs(b, "second", 1, &shape[1]);
        build_longs(b, "rest", 1, &shape[2]);
        build_node(b, "Shape", "s", "x", NULL, NULL);
        build_node(b, "Gather", "g", "s", "first", NULL);
        build_node(b, "Slice", "c", "s", "second", "rest");
        build_node(b, "Concat", "t", "g", "rest", NULL);
        build_attribute(b, "axis", 0, (int64_t[]){0}, 0, NULL);
        build_node(b, "Reshape", "r", "x", "t", NULL);
        build_node(b, "ReduceMean", "y", "r", NULL, NULL);
        build_attribute(b, "axes", 1, (int64_t[]){1}, 0, NULL);
        break;
    case 6: /* QONNX and FINN */
        build_begin(b, 2, vector, "y");
        number[63] = 4.0f;
        build_floats(b, "s", 1, scalar, one);
        build_floats(b, "bits", 1, scalar, &number[63]);
        build_floats(b, "t", 2, (int64_t[]){1, 5}, number);
        build_node(b, "Quant", "q", "x", "s", "s");
        build_input(b, "bits");
        build_node(b, "MultiThreshold", "y", "q", "t", NULL);
        build_attribute(b, "out_scale", 0, NULL, 0.5f, NULL);
        break;
    case 7: /* enlarged, padded, transposed */
        build_begin(b, 4, image, "y");
        shape[0] = shape[1] = shape[4] = shape[5] = 0;
        shape[2] = shape[3] = shape[6] = shape[7] = 1;
        build_longs(b, "pads", 8, shape);
        number[0] = number[1] = 1.0f;
        number[2] = number[3] = 2.0f;
        build_floats(b, "scales", 1, (int64_t[]){4}, number);
        build_node(b, "Pad", "p", "x", "pads", NULL);
        build_attribute(b, "mode", 0, NULL, 0, "reflect");
        build_node(b, "Resize", "r", "p", "", "scales");
        build_attribute(b, "mode", 0, NULL, 0, "linear");
        build_node(b, "Transpose", "t", "r", NULL, NULL);
        build_attribute(b, "perm", 4, (int64_t[]){0, 2, 3, 1}, 0, NULL);
        build_node(b, "LayerNormalization", "y", "t", "one", NULL);
        build_floats(b, "one", 1, scalar, one);
        break;
    case 8: /* constants that make larger ones */
        build_begin(b, 2, vector, "y");
        shape[0] = 1;
        shape[1] = 6;
        build_longs(b, "shape", 2, shape);
        build_node(b, "ConstantOfShape", "zeros", "shape", NULL, NULL);
        build_node(b, "Expand", "e", "zeros", "shape", NULL);
        build_node(b, "Where", "w", "e", "x", "zeros");
        build_node(b, "Sub", "y", "x", "w", NULL);
        break;
    case 9: /* scales and zeros of each image's own */
        build_begin(b, 4, image, "y");
        build_floats(b, "s", 1, scalar, one);
        build_ints(b, "z", UINT8, 1, scalar, zero);
        build_ints(b, "W", UINT8, 4, (int64_t[]){3, 2, 2, 2}, byte);
        build_node(b, "DynamicQuantizeLinear", "q", "x", NULL, NULL);
        build_output(b, "t");
        build_output(b, "u");
        build_node(b, "ConvInteger", "c", "q", "W", "u");
        build_input(b, "z");
        build_attribute(b, "pads", 4, (int64_t[]){1, 0, 0, 1}, 0, NULL);
        build_node(b, "Cast", "f", "c", NULL, NULL);
        build_attribute(b, "to", 0, (int64_t[]){1}, 0, NULL);
        build_node(b, "Mul", "v", "t", "s", NULL);
        build_node(b, "Mul", "y", "f", "v", NULL);
        break;
    default: /* data in another file that is not there */
        build_begin(b, 2, vector, "y");
        build_external(b, "W", 2, (int64_t[]){6, 2},
                       (const char *const[]){"location", "nowhere.bin", "offset", "8", "length", "48"}, 3);
        build_node(b, "MatMul", "y", "x", "W", NULL);
    }
}

#endif
