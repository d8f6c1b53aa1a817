/* network.h - a network from ONNX: run in float, quantized after training, and run in exact integers.
 *
 * Quantization: a real number r stands for code q by r = scale (q - zero). Weights are symmetric with a scale
 * for each output (zero = 0); activations have one scale a tensor, from the range seen on calibration images,
 * and are unsigned codes, with zero = 0 where the range starts at 0. A layer's matrix product is sum_k
 * W[o][k] x[k] in integers; the zero's part and the bias are added digitally, and the sum is brought to the
 * next tensor's scale by floor(sum * factor + 1/2) in double precision, which is the same everywhere.
 *
 * A file that is quantized already (QuantizeLinear and its like, ConvInteger, QONNX, FINN) keeps its own
 * scales and zeros. Where a layer's input lies on a lattice x = a q + b with whole q, and its weights are
 * whole multiples k of a step, y = step (a sum k q + b sum k) + bias, with sum k q in integers; what stands
 * between the layers is done on real numbers, as a digital periphery would. Float networks with operators
 * that have no integer form go the same way, with the lattices of the ranges above.
 *
 * Every matrix product of the integer run goes through one function, so that analog tiles can stand in for
 * it. */
#ifndef XBARTAB_NETWORK_H
#define XBARTAB_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/images.h>
#include <xbartab/progress.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network in float. Read-only once made; any number of threads may run it. */
typedef struct xbtab_network xbtab_network;

/** Read an ONNX file.
 *  @param[out] out  the caller owns it: xbtab_network_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (not ONNX, truncated, inconsistent), XBTAB_ERR_UNSUPPORTED (an
 * operator or a form of it; the message names node, operator and what there is), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_network_open(xbtab_network **out, const char *path) XBTAB_MUST_CHECK;
void xbtab_network_destroy(xbtab_network **network);

/** Outputs of one image. */
size_t xbtab_network_outputs(const xbtab_network *network);

/** One node of a network, in the order they run. */
typedef struct xbtab_network_node {
    const char *name, *type; /* of the node; borrowed from the network */
    int rank;
    int64_t dim[6]; /* of its output, for one image */
    /* matrix layers only; inputs is 0 for every other node */
    size_t groups, inputs, outputs; /* matrices, and the size of each */
    size_t products;                /* vectors an image takes through each */
    int weight_bits;                /* as the file has them, sign included; 0 = in float */
    int activation_bits;            /* of its input for images in bytes; 0 = in float */
} xbtab_network_node;

size_t xbtab_network_nodes(const xbtab_network *network);

/** Describe node k, below xbtab_network_nodes(). @return XBTAB_ERR_NOMEM. */
xbtab_status xbtab_network_node_get(const xbtab_network *network, size_t k,
                                    xbtab_network_node *out) XBTAB_MUST_CHECK;

/** How a run goes. */
typedef struct xbtab_run_options {
    int raw_pixels;             /* feed bytes as 0..255 (0 = divided by 255); float images are never scaled */
    int threads;                /* (0 = one a core) */
    xbtab_progress_fn progress; /* NULL = none */
    void *payload;
    const char *what; /* for the progress report; a static string */
} xbtab_run_options;

/** Run the first n images in float.
 *  @param[out] outputs  outputs[n][xbtab_network_outputs()]. The same bits for any number of threads.
 *  @return XBTAB_ERR_INPUT (images of another shape), XBTAB_ERR_CANCELED, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_network_run(const xbtab_network *network, const xbtab_images *images, size_t n,
                               const xbtab_run_options *options, float *outputs) XBTAB_MUST_CHECK;

/** A quantized network. Read-only once made. */
typedef struct xbtab_quantized xbtab_quantized;

/** Other bits for one layer. */
typedef struct xbtab_layer_bits {
    int layer;                        /* from 0, of the nodes with matrices in the order they run */
    int weight_bits, activation_bits; /* of its weights and inputs (0 = as all others) */
} xbtab_layer_bits;

typedef struct xbtab_quantize_options {
    int weight_bits;     /* 2 to 8, sign included (0 = 8, or what a quantized file has) */
    int activation_bits; /* 1 to 15 (0 = 8, or what a quantized file has) */
    size_t n_images;     /* calibration images, from the first on (0 = 100, or all there are) */
    xbtab_run_options run;
    const xbtab_layer_bits *layer_bits; /* layer_bits[n_layer_bits]; NULL = none. Layers that share an input
                                           have it in the bits of the last one named */
    size_t n_layer_bits;
} xbtab_quantize_options;

/** Quantize a network with the ranges that images cause.
 *  @param network  borrowed until the quantized one is destroyed.
 *  @return as xbtab_network_run(); XBTAB_ERR_UNSUPPORTED (products that do not fit 32 bits, bits asked of a
 * quantized file, a convolution that pads with a number that its input cannot have). */
xbtab_status xbtab_quantized_create(xbtab_quantized **out, const xbtab_network *network,
                                    const xbtab_images *images,
                                    const xbtab_quantize_options *options) XBTAB_MUST_CHECK;
void xbtab_quantized_destroy(xbtab_quantized **quantized);

/** One matrix of a quantized network: a layer, or one group of a grouped convolution. */
typedef struct xbtab_matrix {
    const char *name; /* of its node */
    int group;        /* of the node's groups */
    size_t inputs, outputs;
    size_t products; /* input vectors an image */
    int weight_bits, activation_bits;
    const int16_t *W; /* W[outputs][inputs], within +-(2^(weight_bits - 1) - 1) */
} xbtab_matrix;

/** Outputs of one image. */
size_t xbtab_quantized_outputs(const xbtab_quantized *quantized);

size_t xbtab_quantized_matrices(const xbtab_quantized *quantized);
const xbtab_matrix *xbtab_quantized_matrix(const xbtab_quantized *quantized, size_t m);

/** y[v][o] = sum_k W[o][k] x[v][k] exactly, for n vectors x[n][inputs]; y[n][outputs]. */
void xbtab_matrix_product(const xbtab_matrix *matrix, size_t n, const uint16_t *x, int64_t *y);

/** A matrix product: y[v][o] = sum_k W[o][k] x[v][k] for n vectors of matrix m, exactly or as hardware would
 * have it.
 *  @param      first   number of the first vector, image * products + position, so that what hardware adds at
 *                      random can be keyed by it.
 *  @param      x       x[n][inputs], each below 2^activation_bits.
 *  @param[out] y       y[n][outputs]
 *  @param      thread  of the caller, from 0; calls of different threads may overlap. */
typedef xbtab_status (*xbtab_product_fn)(void *payload, size_t m, size_t first, size_t n, const uint16_t *x,
                                         int64_t *y, int thread);

/** Run the first n images in integers.
 *  @param product  NULL: exact integers.
 *  @param[out] outputs  outputs[n][outputs of the network]: real numbers, from the last layer's exact sums.
 */
xbtab_status xbtab_quantized_run(const xbtab_quantized *quantized, const xbtab_images *images, size_t n,
                                 xbtab_product_fn product, void *product_payload,
                                 const xbtab_run_options *options, float *outputs) XBTAB_MUST_CHECK;

/** Index of the largest of n outputs; the first of equals. */
size_t xbtab_argmax(const float *output, size_t n);

#ifdef __cplusplus
}
#endif
#endif
