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
    XBTAB__NET_RANK = 6,   /* axes of a tensor */
    XBTAB__NET_INPUTS = 4, /* inputs of a node */
    XBTAB__NET_INTS = 8    /* entries of an attribute list */
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
    int n_uses;        /* nodes that read it */
    size_t offset;     /* of an activation in a run's memory */
} xbtab__value;

/** Attributes of every operator, with ONNX's own defaults. */
typedef struct xbtab__attributes {
    int64_t kernel[XBTAB__NET_INTS], stride[XBTAB__NET_INTS], pad[XBTAB__NET_INTS], dilation[XBTAB__NET_INTS];
    int n_kernel, n_stride, n_pad, n_dilation;
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
    float *W;                       /* W[groups][outputs][inputs] */
    float *bias;                    /* bias[groups][outputs] */
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
    size_t memory;  /* floats that a run of one image needs */
    size_t scratch; /* more of them: the largest unfolded patch matrix */
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
    XBTAB__INTEGER_LAST /* monotone, allowed at the end only: left out */
} xbtab__integer_kind;

struct xbtab__operator {
    const char *name;
    int least_inputs, most_inputs;
    xbtab__integer_kind integer;
    xbtab_status (*infer)(xbtab_network *network, xbtab__node *node);
    void (*run)(const xbtab_network *network, const xbtab__node *node, const xbtab__float_run *run);
};

/** The operator of a name; NULL if there is none. */
const xbtab__operator *xbtab__operator_find(const char *name);

/** Names of all operators, comma-separated, into a buffer. */
void xbtab__operator_names(char *out, size_t size);

/** XBTAB_ERR_UNSUPPORTED or XBTAB_ERR_INPUT with "path: node NAME (TYPE): ..." */
xbtab_status xbtab__node_fail(const xbtab_network *network, const xbtab__node *node, xbtab_status code,
                              const char *format, ...) XBTAB_PRINTF(4, 5);

/** Set a value's shape. @return XBTAB_ERR_INPUT for sizes past any network's. */
xbtab_status xbtab__shape_set(xbtab_network *network, const xbtab__node *node, xbtab__value *value, int rank,
                              const int64_t *dim) XBTAB_MUST_CHECK;

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
