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
    XBTAB__NET_RANK = 6,    /* axes of a tensor */
    XBTAB__NET_INPUTS = 16, /* inputs of a node */
    XBTAB__NET_INTS = 8     /* entries of an attribute list */
};

typedef struct xbtab__shape {
    int rank;
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
    bool is_signed;    /* integer constants of a type with a sign */
    int n_uses;        /* nodes that read it */
    size_t offset;     /* of an activation in a run's memory */
} xbtab__value;

/** Attributes of every operator, with ONNX's own defaults. */
typedef struct xbtab__attributes {
    int64_t kernel[XBTAB__NET_INTS], stride[XBTAB__NET_INTS], pad[XBTAB__NET_INTS], dilation[XBTAB__NET_INTS];
    int n_kernel, n_stride, n_pad, n_dilation;
    int64_t perm[XBTAB__NET_INTS], axes[XBTAB__NET_INTS], starts[XBTAB__NET_INTS], ends[XBTAB__NET_INTS];
    int n_perm, n_axes, n_starts, n_ends;
    int64_t keepdims, narrow, is_signed, to, training_mode, start, end;
    float epsilon, min, max, out_scale, out_bias, value;
    char mode[16], rounding_mode[16];
    char auto_pad[16];
    int64_t group, axis, trans_a, trans_b, count_include_pad, ceil_mode;
    bool has_axis;
    float alpha, beta;
} xbtab__attributes;

/** A convolution or pooling window over one image. */
typedef struct xbtab__window {
    int64_t channels, height, width; /* of the input */
    int64_t out_height, out_width;
    int64_t kernel_y, kernel_x, stride_y, stride_x, pad_top, pad_left, dilation_y, dilation_x;
    bool count_pad; /* averages count padded places */
} xbtab__window;

/** A matrix layer, whatever operator it came from: y[g][p][o] = bias[g][o] + sum_k W[g][o][k] x[g][p][k]. */
typedef struct xbtab__linear {
    bool is_convolution;
    size_t groups, inputs, outputs; /* of each group */
    size_t positions;               /* vectors an image and group */
    float pad;                      /* what stands around a convolution's image */
    float *W;                       /* W[groups][outputs][inputs] */
    float *bias;                    /* bias[groups][outputs] */
    float *step; /* step[groups][outputs] of weights on a lattice: W is a multiple; or NULL */
} xbtab__linear;

typedef struct xbtab__operator xbtab__operator;

typedef struct xbtab__node {
    char *name;
    const xbtab__operator *type;
    int n_inputs, input[XBTAB__NET_INPUTS], output; /* values; -1 = an optional input left out */
    xbtab__attributes attributes;
    xbtab__window window;
    xbtab__linear linear; /* W is NULL for every other operator */
} xbtab__node;

struct xbtab_network {
    char *path;
    xbtab__value *value;
    int n_values;
    xbtab__node *node;
    int n_nodes;
    int input, output;
    bool is_quantized; /* has operators of quantized networks: its own scales and zeros hold */
    size_t memory;     /* floats that a run of one image needs */
    size_t scratch;    /* more of them: the largest unfolded patch matrix */
};

/** What an operator needs to run on one image: data[n_values] points at each value's numbers. */
typedef struct xbtab__float_run {
    float **data;
    float *scratch;
} xbtab__float_run;

/** How the integer run treats an operator. */
typedef enum xbtab__integer_kind {
    XBTAB__INTEGER_COPY,   /* the same numbers in another shape */
    XBTAB__INTEGER_LINEAR, /* a matrix layer */
    XBTAB__INTEGER_RELU,
    XBTAB__INTEGER_MAX,     /* largest of a window */
    XBTAB__INTEGER_AVERAGE, /* mean of a window */
    XBTAB__INTEGER_ADD,
    XBTAB__INTEGER_LAST, /* monotone, allowed at the end only: left out */
    XBTAB__INTEGER_NONE  /* done digitally on real numbers, between matrix layers in integers */
} xbtab__integer_kind;

/** Numbers that lie on a grid: x = a q + b with a whole q from 0 to most. */
typedef struct xbtab__lattice {
    bool is_known;
    bool not_negative; /* no number is below 0; told also where the grid is not known */
    double a, b;
    int32_t most;
} xbtab__lattice;

struct xbtab__operator {
    const char *name;
    int least_inputs, most_inputs;
    xbtab__integer_kind integer;
    xbtab_status (*infer)(xbtab_network *network, xbtab__node *node);
    void (*run)(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);

    /** Optional. The output's lattice, from the inputs' of[value]; *out stays as it is where there is none.
     */
    void (*lattice)(const xbtab_network *network, const xbtab__node *node, const xbtab__lattice *of,
                    xbtab__lattice *out);

    /** Optional. The steps of a quantized constant: step[output's size]. */
    void (*steps)(const xbtab_network *network, const xbtab__node *node, float *step);
};

/** The n-th table of operators, n from 0, and how many rows it has; NULL behind the last. */
const xbtab__operator *xbtab__operators_basic(int *n);
const xbtab__operator *xbtab__operators_math(int *n);
const xbtab__operator *xbtab__operators_layout(int *n);
const xbtab__operator *xbtab__operators_quant(int *n);

/** What operators are made of. */
xbtab__value *xbtab__input_of(const xbtab_network *network, const xbtab__node *node, int k);
xbtab__value *xbtab__output_of(const xbtab_network *network, const xbtab__node *node);
xbtab_status xbtab__unsupported(const xbtab_network *network, const xbtab__node *node, const char *what);
xbtab_status xbtab__infer_same(xbtab_network *network, xbtab__node *node);
void xbtab__run_copy(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);

/** An axis attribute, negative ones counted from the end. @return XBTAB_ERR_INPUT outside the tensor. */
xbtab_status xbtab__axis_of(const xbtab_network *network, const xbtab__node *node, int64_t axis, int rank,
                            int *out) XBTAB_MUST_CHECK;

/** Matrix layers of other operators: weights W - zero on an input x - x_zero. */
xbtab_status xbtab__infer_conv_shifted(xbtab_network *network, xbtab__node *node, float x_zero,
                                       const xbtab__value *w_zero) XBTAB_MUST_CHECK;
xbtab_status xbtab__infer_product_shifted(xbtab_network *network, xbtab__node *node, float x_zero,
                                          const xbtab__value *w_zero) XBTAB_MUST_CHECK;
void xbtab__run_conv(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);
void xbtab__run_product(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);

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

/** xbtab_network_open(), but the output may be a constant. */
xbtab_status xbtab__network_read(xbtab_network **out, const char *path) XBTAB_MUST_CHECK;

/** Evaluate a node whose inputs are all constant; its output becomes one. */
xbtab_status xbtab__network_fold(xbtab_network *network, xbtab__node *node) XBTAB_MUST_CHECK;

/** Drop folded nodes, turn additions of constants into biases, lay out a run's memory. */
xbtab_status xbtab__network_finish(xbtab_network *network) XBTAB_MUST_CHECK;

/** Loop over images with threads: work(context, image, thread) for each of n, reporting progress between
 * blocks. */
typedef xbtab_status (*xbtab__image_fn)(void *context, size_t image, int thread);
xbtab_status xbtab__for_images(size_t n, const xbtab_run_options *options, xbtab__image_fn work,
                               void *context) XBTAB_MUST_CHECK;
int xbtab__thread_count(const xbtab_run_options *options);

/** Run one image in float; `run` has room for network->memory numbers behind its activations. */
void xbtab__network_run_image(const xbtab_network *network, const float *pixel, float scale,
                              const xbtab__float_run *run);

/** Memory of float runs, one a thread. */
xbtab_status xbtab__float_runs_create(xbtab__float_run **out, const xbtab_network *network,
                                      int n) XBTAB_MUST_CHECK;
void xbtab__float_runs_destroy(xbtab__float_run **runs, int n);

/** XBTAB_ERR_INPUT unless the images have the network's input shape. */
xbtab_status xbtab__check_images(const xbtab_network *network, const xbtab_images *images,
                                 size_t n) XBTAB_MUST_CHECK;

#endif
