/* graph.h - a network as nodes in topological order over values with shapes, one image at a time.
 *
 * An operator is a row in operators.c: its name, how many inputs it takes, how its output's shape follows,
 * and how it is evaluated in float. Nodes whose inputs are all constant are evaluated when the file is read.
 */
#ifndef XBTAB_NET_GRAPH_H
#define XBTAB_NET_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xbartab/network.h>

#include "check.h"

enum {
    XBTAB__NET_RANK = 6,     /* axes of a tensor */
    XBTAB__NET_INPUTS = 64,  /* inputs of a node */
    XBTAB__NET_OUTPUTS = 16, /* outputs of a node */
    XBTAB__NET_INTS = 16,    /* entries of an attribute list */
    XBTAB__NET_WORDS = 6,    /* words of an attribute list */
    XBTAB__NET_NODES = 1 << 16, /* ten times the largest networks' */
    XBTAB__NET_PLACES = 256  /* of a layer's vectors that are made at once: patches stay in the second cache,
                                and  a multiple of the vectors that a tile is asked at once */
};

/** Element types, as onnx.proto numbers them. */
typedef enum xbtab__type {
    XBTAB__TYPE_FLOAT = 1,
    XBTAB__TYPE_UINT8 = 2,
    XBTAB__TYPE_INT8 = 3,
    XBTAB__TYPE_UINT16 = 4,
    XBTAB__TYPE_INT16 = 5,
    XBTAB__TYPE_INT32 = 6,
    XBTAB__TYPE_INT64 = 7,
    XBTAB__TYPE_BOOL = 9,
    XBTAB__TYPE_FLOAT16 = 10,
    XBTAB__TYPE_DOUBLE = 11,
    XBTAB__TYPE_UINT32 = 12,
    XBTAB__TYPE_UINT64 = 13,
    XBTAB__TYPE_BFLOAT16 = 16,
    XBTAB__TYPE_FLOAT8E4M3FN = 17,
    XBTAB__TYPE_FLOAT8E4M3FNUZ = 18,
    XBTAB__TYPE_FLOAT8E5M2 = 19,
    XBTAB__TYPE_FLOAT8E5M2FNUZ = 20,
    XBTAB__TYPE_UINT4 = 21,
    XBTAB__TYPE_INT4 = 22
} xbtab__type;

typedef struct xbtab__shape {
    int rank; /* 0 = an output of a node that we do not compute */
    int64_t dim[XBTAB__NET_RANK];
    size_t size; /* product of all */
} xbtab__shape;

typedef struct xbtab__value {
    char *name;
    xbtab__shape shape;
    float *constant;   /* constant[size]; NULL for activations */
    int64_t *integers; /* integers[size] of integer constants, beside constant */
    float *step;       /* step[size] of quantized constants: each number is a whole multiple of its step */
    bool is_scalar;    /* has no axes in the file; kept with one of 1 */
    int32_t type;      /* as onnx.proto numbers element types; 0 = not known yet */
    int n_uses;        /* nodes that read it */
    size_t offset;     /* of an activation in a run's memory */
} xbtab__value;

/** Attributes of every operator, with ONNX's own defaults. */
typedef struct xbtab__attributes {
    int64_t kernel[XBTAB__NET_INTS], stride[XBTAB__NET_INTS], pad[XBTAB__NET_INTS], dilation[XBTAB__NET_INTS];
    int n_kernel, n_stride, n_pad, n_dilation;
    int64_t perm[XBTAB__NET_INTS], axes[XBTAB__NET_INTS], starts[XBTAB__NET_INTS], ends[XBTAB__NET_INTS];
    int n_perm, n_axes, n_starts, n_ends;
    int64_t keepdims, narrow, is_signed, to, start, end;
    float epsilon, min, max, out_scale, out_bias, value;
    char mode[32], rounding_mode[16], data_layout[8];
    char auto_pad[16];
    int64_t group, axis, trans_a, trans_b, count_include_pad, ceil_mode;
    bool has_axis;
    float alpha, beta;
    int64_t exclusive, reverse, block, batch_dims, select_last, noop, size, fmod, allow_zero, detect_negative,
        detect_positive, upper, shift, channels_last, parts, broadcast; /* shift: a diagonal, EyeLike's k */
    float bias, lambd, gamma;
    char nearest_mode[32], transformation[32], approximate[16];
    float
        scale[XBTAB__NET_RANK]; /* of Resize and Upsample, from an input or the attribute of opsets 7 and 8 */
    int n_scale;
    float roi[2 * XBTAB__NET_RANK], cubic,
        outside; /* of Resize: a cut-out, the cubic's a, what stands outside */
    int64_t exclude_outside, antialias;
    int64_t block_size,
        output_dtype; /* of QuantizeLinear: numbers of one scale along the axis; its integers */
    char aspect[16];
    int64_t split[XBTAB__NET_INTS];
    int n_split;
    int64_t output_pad[XBTAB__NET_INTS], output_shape[XBTAB__NET_INTS]; /* of ConvTranspose */
    int n_output_pad, n_output_shape;
    int64_t largest; /* of TopK: the largest numbers, not the smallest */
    char equation[256];
    /* of LSTM, GRU and RNN */
    char direction[16], activation[XBTAB__NET_WORDS][16];
    float activation_alpha[XBTAB__NET_WORDS], activation_beta[XBTAB__NET_WORDS], clip;
    int n_activations, n_activation_alpha, n_activation_beta;
    bool has_clip;
    int64_t hidden_size, input_forget, layout, linear_before_reset;
} xbtab__attributes;

/** A convolution or pooling window over one image: depth, height and width, 1 where a tensor has fewer axes.
 */
typedef struct xbtab__window {
    int64_t channels; /* of the input */
    int64_t in[3], out[3], kernel[3], stride[3], pad[3], after[3], dilation[3];
    bool count_pad; /* averages count padded places */
} xbtab__window;

/** A matrix layer, whatever operator it came from: y[g][p][o] = bias[g][o] + sum_k W[g][o][k] x[g][p][k]. */
typedef struct xbtab__linear {
    bool is_convolution;
    bool has_zero; /* its input's zero is the node's third input: it differs from image to image */
    size_t groups, inputs, outputs; /* of each group */
    size_t positions;               /* vectors an image and group */
    float pad;                      /* what stands around a convolution's image */
    float times;                    /* what the file's weights were multiplied with, Gemm's alpha */
    float *W;                       /* W[groups][outputs][inputs] */
    float *bias;                    /* bias[groups][outputs] */
    float *step;  /* step[groups][outputs] of weights on a lattice: W is a multiple; or NULL */
    float *steps; /* steps[groups][outputs][inputs] where they differ within an output; or NULL */
} xbtab__linear;

typedef struct xbtab__operator xbtab__operator;

typedef struct xbtab__node {
    char *name;
    const xbtab__operator *type;
    int n_inputs, input[XBTAB__NET_INPUTS], output; /* values; -1 = an optional input left out */
    int n_more, more[XBTAB__NET_OUTPUTS - 1];       /* further outputs; -1 = not wanted */
    xbtab__attributes attributes;
    double terms; /* that each number of the output is made of, where infer knows of more than 1 */
    xbtab__window window;
    xbtab__linear linear; /* W is NULL for every other operator */
} xbtab__node;

/** Numbers that lie on a grid: x = a q + b with a whole q from 0 to most. */
typedef struct xbtab__lattice {
    bool is_known;
    bool not_negative; /* no number is below 0; told also where the grid is not known */
    double a, b;
    int32_t most;
    bool is_scaled;  /* each number has a factor of its own (lattices.h): x = f (a q + b); not known then */
    bool has_scales; /* of an operator that says so: the factors are its node's scales */
} xbtab__lattice;

struct xbtab_network {
    char *path;
    xbtab__value *value;
    int n_values, value_room; /* values, and how many there is memory for */
    xbtab__node *node;
    int n_nodes, room; /* nodes, and how many there is memory for */
    /** The table of operators, which stands above them: the type of a name, or NULL. */
    const xbtab__operator *(*find_operator)(const char *name);
    float **folding;   /* folding[folding_room]: numbers of values while nodes of constants run */
    int folding_room;
    xbtab__lattice *lattice; /* lattice[n_values] on images of bytes */
    int64_t opset;
    int64_t batch;    /* of the file's input, which is run with 1 */
    size_t file_size; /* bytes, with the data beside it */
    size_t read;      /* numbers of the file's tensors, as often as they are read */
    size_t folded;    /* numbers of constants that nodes made */
    double work;      /* terms of the sums that made them */
    double planned;   /* numbers of all outputs, of nodes too that will be folded or dropped */
    double weights;   /* of all matrix layers, each with its own copy */
    int input, output;
    bool keeps_norms;  /* xbtab_open_options */
    bool is_quantized; /* has operators of quantized networks: its own scales and zeros hold */
    size_t memory;     /* floats that a run of one image needs */
    size_t scratch;    /* more of them: the largest layer's patches at XBTAB__NET_PLACES places */
};

/** What an operator needs to run on one image: data[n_values] points at each value's numbers. */
typedef struct xbtab__float_run {
    float **data;
    float *scratch;
} xbtab__float_run;

/** How the integer run treats an operator. */
typedef enum xbtab__integer_kind {
    XBTAB__INTEGER_COPY,      /* the same numbers in another shape */
    XBTAB__INTEGER_LINEAR,    /* a matrix layer, where the node's linear.W is there; else as NONE */
    XBTAB__INTEGER_RECURRENT, /* a matrix layer that takes its own outputs, step by step */
    XBTAB__INTEGER_RELU,
    XBTAB__INTEGER_MAX,     /* largest of a window */
    XBTAB__INTEGER_AVERAGE, /* mean of a window */
    XBTAB__INTEGER_ADD,
    XBTAB__INTEGER_LAST, /* monotone, allowed at the end only: left out */
    XBTAB__INTEGER_NONE  /* done digitally on real numbers, between matrix layers in integers */
} xbtab__integer_kind;

struct xbtab__operator {
    const char *name;
    int least_inputs, most_inputs;
    xbtab__integer_kind integer;
    xbtab_status (*infer)(xbtab_network *network, xbtab__node *node);

    /** NULL: infer adds other nodes that do the same, and sets node->output and node->more to their values.
     */
    void (*run)(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);

    /** Optional. The output's lattice, from the inputs' of[value]; *out stays as it is where there is none.
     */
    void (*lattice)(const xbtab_network *network, const xbtab__node *node, const xbtab__lattice *of,
                    xbtab__lattice *out);

    /** Optional. Each number's own step, of a quantized constant or of a lattice that has_scales:
     * step[output's size]. */
    void (*steps)(const xbtab_network *network, const xbtab__node *node, float *step);
};

/** The n-th table of operators, n from 0, and how many rows it has; NULL behind the last. */
const xbtab__operator *xbtab__operators_basic(int *n);
const xbtab__operator *xbtab__operators_deconv(int *n);
const xbtab__operator *xbtab__operators_dynamic(int *n);
const xbtab__operator *xbtab__operators_each(int *n);
const xbtab__operator *xbtab__operators_einsum(int *n);
const xbtab__operator *xbtab__operators_layout(int *n);
const xbtab__operator *xbtab__operators_matrix(int *n);
const xbtab__operator *xbtab__operators_pair(int *n);
const xbtab__operator *xbtab__operators_place(int *n);
const xbtab__operator *xbtab__operators_qlinear(int *n);
const xbtab__operator *xbtab__operators_quant(int *n);
const xbtab__operator *xbtab__operators_recurrent(int *n);
const xbtab__operator *xbtab__operators_reduce(int *n);
const xbtab__operator *xbtab__operators_resize(int *n);
const xbtab__operator *xbtab__operators_sort(int *n);
const xbtab__operator *xbtab__operators_window(int *n);

/** What operators are made of. */
xbtab__value *xbtab__input_of(const xbtab_network *network, const xbtab__node *node, int k);
xbtab__value *xbtab__output_of(const xbtab_network *network, const xbtab__node *node);
xbtab_status xbtab__unsupported(const xbtab_network *network, const xbtab__node *node, const char *what);
xbtab_status xbtab__infer_same(xbtab_network *network, xbtab__node *node);
void xbtab__run_copy(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);

/** Set a node's terms from all that its output, whose shape is set, is made of.
 *  @return XBTAB_ERR_UNSUPPORTED where they are more than a network means: a file of constants must not take
 * minutes to read. */
xbtab_status xbtab__take_terms(const xbtab_network *network, xbtab__node *node,
                               double terms) XBTAB_MUST_CHECK;

/** What stands for a product by a constant matrix on the left, or of a transposed tensor, so that it is a
 * matrix layer; for one in blocks; or for one of two tensors of integers. NULL where the node is no such
 * product. */
const xbtab__operator *xbtab__turned_product(const xbtab_network *network, const xbtab__node *node);

/** What stands for a product by a constant matrix with a step for each block of inputs; NULL where the node
 * is none. */
const xbtab__operator *xbtab__blocked_product(const xbtab_network *network, const xbtab__node *node);

/** MatMul or Gemm, in such blocks where its matrix has them. */
xbtab_status xbtab__add_product(xbtab_network *network, const char *name, const char *type, int n_inputs,
                                const int *input, const xbtab__attributes *attributes,
                                int *output) XBTAB_MUST_CHECK;

/** (input[0] - input[2]) (input[1] - input[3]) of integers, a matrix layer where the second is constant; the
 * last two, zeros, may be -1. */
xbtab_status xbtab__add_integers(xbtab_network *network, const xbtab__node *call, const int input[4],
                                 int *out) XBTAB_MUST_CHECK;

/** A list given as an attribute or, where input k is there, as a constant input: list[XBTAB__NET_INTS]. */
xbtab_status xbtab__take_list(xbtab_network *network, const xbtab__node *node, int k, int64_t *list,
                              int *count) XBTAB_MUST_CHECK;

/** Shape and element type of a further output, where it is wanted. */
xbtab_status xbtab__more_set(xbtab_network *network, const xbtab__node *node, int k, int rank,
                             const int64_t *dim, int32_t type) XBTAB_MUST_CHECK;

/** Numbers of a further output; NULL where it is not wanted. */
float *xbtab__more_of(const xbtab__node *node, const xbtab__float_run *run, int k);

bool xbtab__is_integer_type(int32_t type);

/** Floats of 8 bits, of four kinds. */
bool xbtab__is_float8(int32_t type);

/** Whether a type's numbers are read: floats of 8 to 64 bits, bool, integers of 4 to 64 bits. */
bool xbtab__is_number_type(int64_t type);

/** Bits of a number of a type; 0 of others. */
int xbtab__bits_of_type(int32_t type);

/** A new value. @param name  for messages; NULL = none yet, between nodes that stand for one of the file's. */
xbtab_status xbtab__add_value(xbtab_network *network, const char *name, int *out) XBTAB_MUST_CHECK;

/** A node behind all others, with the name, inputs and attributes of another; its outputs are the caller's to
 * set. */
xbtab_status xbtab__append_node(xbtab_network *network, const xbtab__node *like,
                                xbtab__node **out) XBTAB_MUST_CHECK;

/** Shapes of the last node's outputs, and their numbers where all its inputs are constant. */
xbtab_status xbtab__infer_last(xbtab_network *network) XBTAB_MUST_CHECK;

/** A node that infer adds for another one. @param[out] output  its value, of a name that no file has.
 *  @param attributes  NULL = ONNX's defaults. */
xbtab_status xbtab__add_node(xbtab_network *network, const char *name, const xbtab__operator *type,
                             int n_inputs, const int *input, const xbtab__attributes *attributes,
                             int *output) XBTAB_MUST_CHECK;

/** The same with further outputs: more[n_more]. */
xbtab_status xbtab__add_node_more(xbtab_network *network, const char *name, const xbtab__operator *type,
                                  int n_inputs, const int *input, const xbtab__attributes *attributes,
                                  int *output, int n_more, int *more) XBTAB_MUST_CHECK;

/** A constant of zeros that infer fills in, with room for steps where asked. */
xbtab_status xbtab__add_constant(xbtab_network *network, int rank, const int64_t *dim, int32_t type,
                                 bool has_steps, int *output) XBTAB_MUST_CHECK;

void xbtab__attributes_init(xbtab__attributes *attributes, const char *type);

/** An axis attribute, negative ones counted from the end. @return XBTAB_ERR_INPUT outside the tensor. */
xbtab_status xbtab__axis_of(const xbtab_network *network, const xbtab__node *node, int64_t axis, int rank,
                            int *out) XBTAB_MUST_CHECK;

/** Matrix layers of other operators: weights W - zero on an input x - x_zero. */
xbtab_status xbtab__infer_conv_shifted(xbtab_network *network, xbtab__node *node, float x_zero,
                                       const xbtab__value *w_zero) XBTAB_MUST_CHECK;
xbtab_status xbtab__infer_product_shifted(xbtab_network *network, xbtab__node *node, float x_zero,
                                          const xbtab__value *w_zero) XBTAB_MUST_CHECK;
xbtab_status xbtab__set_linear(xbtab_network *network, xbtab__node *node, size_t groups, size_t inputs,
                               size_t outputs, size_t positions, const xbtab__value *bias,
                               float beta) XBTAB_MUST_CHECK;
xbtab_status xbtab__take_steps(xbtab__linear *linear, const float *step,
                               const size_t *place) XBTAB_MUST_CHECK;
/** Make y = sum (w - w_zero) (x - x_zero) of a layer; integers have steps of 1. */
xbtab_status xbtab__shift_layer(const xbtab_network *network, xbtab__node *node, float x_zero,
                                const xbtab__value *w_zero) XBTAB_MUST_CHECK;
void xbtab__run_conv(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);
void xbtab__run_product(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);

/** One group's answers to n vectors: y[n][outputs] = W x + bias; the caller may answer in integers. */
typedef xbtab_status (*xbtab__step_fn)(void *context, size_t group, size_t first, size_t n, const float *x,
                                       float *y);

/** Run a recurrent node, with its matrix products by step. @param first of step: vectors before these. */
xbtab_status xbtab__run_recurrent(const xbtab_network *network, const xbtab__node *node,
                                  const xbtab__float_run *run, xbtab__step_fn step,
                                  void *context) XBTAB_MUST_CHECK;

/** The state that a recurrent node begins with; NULL of others, and where it is zero. */
const xbtab__value *xbtab__first_state(const xbtab_network *network, const xbtab__node *node);

/** Patches of one group's input with a pad around it, for n places from the first on: columns[inputs][n]. */
void xbtab__unfold(const xbtab__window *w, const float *x, int64_t channels, float pad, size_t first,
                   size_t n, float *columns);

/** How many of a layer's vectors are made at once from the first on. */
static inline size_t xbtab__places(const xbtab__linear *l, size_t first)
{
    return l->positions - first < XBTAB__NET_PLACES ? l->positions - first : XBTAB__NET_PLACES;
}

/** Whether an operator takes and gives tensors without numbers: lists of no axes, parts of no length. */
bool xbtab__takes_empty(const xbtab__operator *type);

/** Whether an operator is one of quantized networks. */
bool xbtab__operator_quantizes(const xbtab__operator *type);

/** The operator of a name; NULL if there is none. */
const xbtab__operator *xbtab__operator_find(const char *name);

/** Names of all operators, comma-separated, into a buffer. */
void xbtab__operator_names(char *out, size_t size);

/** XBTAB_ERR_UNSUPPORTED or XBTAB_ERR_INPUT with "path: node NAME (TYPE): ..." */
xbtab_status xbtab__node_fail(const xbtab_network *network, const xbtab__node *node, xbtab_status code,
                              const char *format, ...) XBTAB_PRINTF(4, 5);

/** The lattice of an input that stays the output's. */
void xbtab__lattice_same(const xbtab_network *network, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out);

/** Set a value's shape. @return XBTAB_ERR_INPUT for sizes past any network's. */
xbtab_status xbtab__shape_set(xbtab_network *network, const xbtab__node *node, xbtab__value *value, int rank,
                              const int64_t *dim) XBTAB_MUST_CHECK;

/** xbtab_network_open_as(), but the output may be a constant. */
xbtab_status xbtab__network_read(xbtab_network **out, const char *path,
                                 const xbtab_open_options *options) XBTAB_MUST_CHECK;

/** The lattice of every value on images of bytes: network->lattice. */
xbtab_status xbtab__network_find_lattices(xbtab_network *network) XBTAB_MUST_CHECK;

/** Numbers before, on and behind an axis. */
typedef struct xbtab__split {
    size_t before, on, behind;
} xbtab__split;
xbtab__split xbtab__split_at(const xbtab__shape *s, int axis);

/** Evaluate a node whose inputs are all constant; its output becomes one. */
xbtab_status xbtab__network_fold(xbtab_network *network, xbtab__node *node) XBTAB_MUST_CHECK;

/** Evaluate a node of integer constants in integers; room for its outputs is there.
 *  @param      data     data[values], of the node's own.
 *  @param[out] is_done  false: its operator or its inputs are none of those that are.
 *  @return XBTAB_ERR_INPUT (divides by 0), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__fold_exactly(xbtab_network *network, xbtab__node *node, float **data,
                                 bool *is_done) XBTAB_MUST_CHECK;

/** Drop folded nodes, turn additions of constants into biases, lay out a run's memory. */
xbtab_status xbtab__network_finish(xbtab_network *network) XBTAB_MUST_CHECK;

/** Loop over images with threads: work(context, image, thread) for each of n. See each.h.
 *  @param work_an_image  that it polls with (0 = it does not). */
typedef xbtab_status (*xbtab__image_fn)(void *context, size_t image, int thread);
xbtab_status xbtab__for_images(size_t n, const xbtab_run_options *options, double work_an_image,
                               xbtab__image_fn work, void *context) XBTAB_MUST_CHECK;

/** XBTAB_ERR_INPUT where an output is not a number: none of them is the largest then. */
xbtab_status xbtab__check_outputs(const xbtab_network *network, size_t image,
                                  const float *output) XBTAB_MUST_CHECK;
int xbtab__thread_count(const xbtab_run_options *options);

/** Run one image in float; `run` has room for network->memory numbers behind its activations. */
void xbtab__network_run_image(const xbtab_network *network, const xbtab_images *images, size_t image,
                              float scale, const xbtab__float_run *run);

/** What a byte of an image is worth at a network's input: 1/255, or 1 where it is asked for raw or takes
 * integers. */
static inline float xbtab__pixel_scale(const xbtab_network *network, const xbtab_images *images, bool is_raw)
{
    bool is_whole =
        is_raw || !images->is_bytes || xbtab__is_integer_type(network->value[network->input].type);
    return is_whole ? 1.0f : 1.0f / 255.0f;
}

/** Channels that come last in a network's input, as TensorFlow has them; 1 where they come first, as in
 * images. */
size_t xbtab__channels_last(const xbtab_network *network, const xbtab_images *images);

/** Where number k of a network's input stands in an image. */
static inline size_t xbtab__pixel_at(const xbtab_images *images, size_t channels_last, size_t k)
{
    return k % channels_last * images->height * images->width + k / channels_last;
}

/** Memory of float runs, one a thread. */
xbtab_status xbtab__float_runs_create(xbtab__float_run **out, const xbtab_network *network,
                                      int n) XBTAB_MUST_CHECK;
void xbtab__float_runs_destroy(xbtab__float_run **runs, int n);

/** XBTAB_ERR_INPUT unless the images have the network's input shape. */
xbtab_status xbtab__check_images(const xbtab_network *network, const xbtab_images *images,
                                 size_t n) XBTAB_MUST_CHECK;

#endif
