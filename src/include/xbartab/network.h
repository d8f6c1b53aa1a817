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
 * whole multiples k of a step, y = step (a sum k q + b sum k) + bias, with sum k q in integers. Where inputs
 * have scales of their own, whole ratios of them go into the weights; else inputs of one scale make a matrix
 * of their own, and what its sums are worth is added digitally. What stands between the layers is done on
 * real numbers, as a digital periphery would. Float networks with operators that have no integer form go the
 * same way, with the lattices of the ranges above.
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

/** Read an ONNX file. Of several outputs the first is the network's; nodes that it does not need are left
 * out.
 *  @param[out] out  the caller owns it: xbtab_network_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (not ONNX, truncated, inconsistent), XBTAB_ERR_UNSUPPORTED (an
 * operator or a form of it; the message names node, operator and what there is), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_network_open(xbtab_network **out, const char *path) XBTAB_MUST_CHECK;

/** The sizes of all axes of one input, that of the images (of one) among them. */
typedef struct xbtab_input_shape {
    const char *name; /* of the input; borrowed */
    int rank;
    int64_t dim[6]; /* from 1 up */
} xbtab_input_shape;

/** What a file leaves open. */
typedef struct xbtab_open_options {
    const xbtab_input_shape *shape; /* shape[n_shapes] of inputs with open axes */
    size_t n_shapes;
    const xbtab_images *images; /* whose shape open axes take where no entry names their input; NULL = none */
    int keeps_norms; /* BatchNormalization behind a matrix layer stays a node of its own (0 = goes into it) */
} xbtab_open_options;

/** xbtab_network_open() of a file whose input may have open axes beside that of the images, which counts 1.
 *  Inputs that no node reads are left out.
 *  @param options  NULL = no sizes.
 *  @return as xbtab_network_open(); XBTAB_ERR_OPTION (a shape for an input that is not there, of another
 * rank, or against a fixed size), XBTAB_ERR_UNSUPPORTED (an axis that nothing gives a size). */
xbtab_status xbtab_network_open_as(xbtab_network **out, const char *path,
                                   const xbtab_open_options *options) XBTAB_MUST_CHECK;
void xbtab_network_destroy(xbtab_network **network);

/** Outputs of one image. */
size_t xbtab_network_outputs(const xbtab_network *network);

/** One node of a network, in the order they run. */
typedef struct xbtab_network_node {
    const char *name, *type; /* of the node; borrowed from the network */
    int rank;
    int64_t dim[6]; /* of its output, for one image */
    /* matrix layers only; inputs is 0 for every other node */
    size_t groups, inputs, outputs; /* matrices, and the size of each; inputs with scales of their own may
                                       make more of them (see above) */
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
    int raw_pixels;             /* feed bytes as 0..255 (0 = divided by 255, unless the input takes integers);
                                   float images are never scaled */
    int threads;                /* (0 = one a core) */
    xbtab_progress_fn progress; /* NULL = none */
    void *payload;
    const char *what; /* for the progress report; a static string */
} xbtab_run_options;

/** Run the first n images in float. An input of four axes has the images' channels first, or as TensorFlow's
 *  last (rows, columns, channels), whichever fits.
 *  @param[out] outputs  outputs[n][xbtab_network_outputs()]. The same bits for any number of threads.
 *  @return XBTAB_ERR_INPUT (images of another shape), XBTAB_ERR_CANCELED, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_network_run(const xbtab_network *network, const xbtab_images *images, size_t n,
                               const xbtab_run_options *options, float *outputs) XBTAB_MUST_CHECK;

/** How images meet the first quantizer that a file has of its own. */
typedef struct xbtab_input_range {
    const char *node; /* that quantizer's; borrowed. NULL = there is none, or more than shifts and factors
                         stand before it */
    int is_constant;  /* it makes the same of all images: of bytes whatever they are, of several of floats */
    double low, high; /* its codes, where it has a scale */
    double least,
        most; /* those that the images' numbers would have, neither rounded nor clipped: of bytes all
                 that they can be, of floats those that there are; least > most without a scale */
} xbtab_input_range;

/** @return XBTAB_ERR_INPUT (images of another shape), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_network_input_range(const xbtab_network *network, const xbtab_images *images,
                                       int raw_pixels, xbtab_input_range *out) XBTAB_MUST_CHECK;

/** A quantized network. Read-only once made. */
typedef struct xbtab_quantized xbtab_quantized;

/** Which part of a tensor's numbers its codes cover; what lies outside is clipped to the ends. */
typedef enum xbtab_clip {
    XBTAB_CLIP_MINMAX,     /* all of them */
    XBTAB_CLIP_PERCENTILE, /* a share of them, the rest cut off equally at both ends */
    XBTAB_CLIP_MSE         /* the part that leaves the least mean square error */
} xbtab_clip;

enum { XBTAB_BITS_FLOAT = -1 }; /* a layer that is not quantized */

/** Bits of one matrix layer and of its input. */
typedef struct xbtab_layer_bits {
    const char *name;    /* of its node, as xbtab_network_node_get() has it; borrowed. NULL = by number: */
    int layer;           /* from 0, of the nodes with matrices in the order they run */
    int weight_bits;     /* 1 to 16, sign included (0 = as all), or XBTAB_BITS_FLOAT */
    int activation_bits; /* 1 to 16 (0 = as all), or XBTAB_BITS_FLOAT */
} xbtab_layer_bits;

typedef struct xbtab_quantize_options {
    int weight_bits;     /* 1 to 16, sign included (0 = 8, or what a quantized file has). 1 bit: a sign and a
                            scale, the mean magnitude (Rastegari et al., XNOR-Net, ECCV 2016) */
    int activation_bits; /* 1 to 16 (0 = 8, or what a quantized file has) */
    size_t n_images;     /* calibration images, from the first on (0 = 100, or all there are) */
    xbtab_run_options run;
    const xbtab_layer_bits *layer_bits; /* layer_bits[n_layer_bits]: exceptions */
    size_t n_layer_bits;
    xbtab_clip weight_range, activation_range;
    double percentile;      /* share of the numbers inside, 0.5 to 1 (0 = 0.999); between two numbers in
                               proportion, so that it tells in rows of few weights too */
    int weights_per_tensor; /* one scale a layer (0 = one an output) */
    int bias_correction;    /* add to each bias what rounding the weights takes off the mean output on the
                               calibration images (Nagel et al., Data-Free Quantization, ICCV 2019, section 4.2;
                               here with measured means). Not in recurrent layers' R */
    xbtab_note_fn note; /* told which layers of a quantized file have no bits of its own (NULL = nobody) */
    void *note_payload;
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
    int group;        /* of the node's groups, or of parts of their inputs that have scales of their own */
    size_t inputs, outputs;
    size_t products; /* input vectors an image */
    int weight_bits, activation_bits;
    const int16_t *W; /* W[outputs][inputs], within +-(2^(weight_bits - 1) - 1); 1-bit weights are +-1 and
                         have 2 weight_bits here */
} xbtab_matrix;

/** What quantizing one layer alone, all others in float, does to a network. */
typedef struct xbtab_sensitivity {
    const char *name; /* of the layer's node; borrowed from the network */
    size_t weights;
    int weight_bits, activation_bits;
    double accuracy; /* share of the images; NaN without labels */
    double noise;    /* mean square of what changes at the outputs over the mean square of the outputs */
} xbtab_sensitivity;

/** Matrix layers of a network. */
size_t xbtab_network_layers(const xbtab_network *network);

/** Quantize one layer at a time and run the first n images.
 *  @param      options  as of xbtab_quantized_create(); its images are the first ones too.
 *  @param[out] out      out[xbtab_network_layers()].
 *  @return as xbtab_quantized_create() and xbtab_quantized_run(). */
xbtab_status xbtab_network_sensitivity(const xbtab_network *network, const xbtab_images *images, size_t n,
                                       const xbtab_quantize_options *options,
                                       xbtab_sensitivity *out) XBTAB_MUST_CHECK;

/** Choose 2 to 8 weight bits for each layer so that their mean over all weights stays within a budget. Layers
 * are tried one at a time with 2, 3, 4, 6 and 8 bits; what small errors of single layers add to the outputs'
 * noise is taken to add up (Zhou et al., Adaptive Quantization for Deep Neural Network, AAAI 2018), and bits
 * go where they take off the most noise for a weight.
 *  @param      average_bits  2 to 8.
 *  @param[out] out           out[xbtab_network_layers()], activation_bits as of options; names borrowed from
 * the network.
 *  @param[out] used          the mean that came out. */
xbtab_status xbtab_network_mix_bits(const xbtab_network *network, const xbtab_images *images, size_t n,
                                    const xbtab_quantize_options *options, double average_bits,
                                    xbtab_layer_bits *out, double *used) XBTAB_MUST_CHECK;

/** Bits of layers in a YAML file, "layers: [{name: conv1, weight_bits: 4, activation_bits: 8}, ...]", where
 * either number may be left out or `float`.
 *  @param[out] out  out[*n] in one block with its names: free() it. */
xbtab_status xbtab_layer_bits_open(xbtab_layer_bits **out, size_t *n, const char *path) XBTAB_MUST_CHECK;
xbtab_status xbtab_layer_bits_save(const xbtab_layer_bits *bits, size_t n, const char *path) XBTAB_MUST_CHECK;

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
