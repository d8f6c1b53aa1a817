/* onnx_write.c - the digits' network as ONNX. */
#include "digits.h"
#include "onnx_writer.h"

static void fill_graph(onnx_writer *w, const digits_network *n)
{
    static const int64_t three[] = {3, 3}, two[] = {2, 2}, pads[] = {1, 1, 1, 1};
    onnx_add_tensor(w, "W1", &n->W1[0][0], 4, (int64_t[]){8, 1, 3, 3});
    onnx_add_tensor(w, "b1", n->b1, 1, (int64_t[]){8});
    onnx_add_tensor(w, "W2", &n->W2[0][0], 4, (int64_t[]){16, 8, 3, 3});
    onnx_add_tensor(w, "b2", n->b2, 1, (int64_t[]){16});
    onnx_add_tensor(w, "W3", &n->W3[0][0], 2, (int64_t[]){10, 784});
    onnx_add_tensor(w, "b3", n->b3, 1, (int64_t[]){10});
    onnx_add_node(w, "Conv", "conv1", 3, (const char *const[]){"image", "W1", "b1"});
    onnx_add_ints(w, "kernel_shape", 2, three);
    onnx_add_ints(w, "pads", 4, pads);
    onnx_add_node(w, "Relu", "relu1", 1, (const char *const[]){"conv1"});
    onnx_add_node(w, "MaxPool", "pool1", 1, (const char *const[]){"relu1"});
    onnx_add_ints(w, "kernel_shape", 2, two);
    onnx_add_ints(w, "strides", 2, two);
    onnx_add_node(w, "Conv", "conv2", 3, (const char *const[]){"pool1", "W2", "b2"});
    onnx_add_ints(w, "kernel_shape", 2, three);
    onnx_add_ints(w, "pads", 4, pads);
    onnx_add_node(w, "Relu", "relu2", 1, (const char *const[]){"conv2"});
    onnx_add_node(w, "MaxPool", "pool2", 1, (const char *const[]){"relu2"});
    onnx_add_ints(w, "kernel_shape", 2, two);
    onnx_add_ints(w, "strides", 2, two);
    onnx_add_node(w, "Flatten", "flat", 1, (const char *const[]){"pool2"});
    onnx_add_node(w, "Gemm", "digit", 3, (const char *const[]){"flat", "W3", "b3"});
    onnx_add_int(w, "transB", 1);
}

uint8_t *digits_to_onnx(const digits_network *network, size_t *n)
{
    onnx_writer *w = onnx_writer_create();
    if (!w) return NULL;
    fill_graph(w, network);
    uint8_t *bytes = onnx_pack(w, "digits", "xbartab-digits", (onnx_value){"image", 4, {0, 1, 28, 28}},
                               (onnx_value){"digit", 2, {0, 10}}, n);
    onnx_writer_destroy(w);
    return bytes;
}
