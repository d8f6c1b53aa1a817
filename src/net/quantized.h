/* quantized.h - the inside of a quantized network, shared by the quantizer and the integer run. */
#ifndef XBTAB_NET_QUANTIZED_H
#define XBTAB_NET_QUANTIZED_H

#include "graph.h"

/** How a tensor's codes stand for real numbers: r = scale (q - zero), 0 <= q <= most. */
typedef struct xbtab__code {
    double scale;
    int32_t zero, most;
} xbtab__code;

/** A matrix layer's integers. */
typedef struct xbtab__integer_layer {
    size_t first_matrix; /* of its groups, one after the other */
    int16_t *W;          /* W[groups][outputs][inputs] */
    double *scale;       /* scale[groups * outputs]: of an output's sum, input scale times weight scale */
    int64_t *offset; /* offset[groups * outputs]: bias in units of scale, less zero times the weights' sum */
} xbtab__integer_layer;

struct xbtab_quantized {
    const xbtab_network *network;
    xbtab__code *code;           /* code[n_values] */
    xbtab__integer_layer *layer; /* layer[n_nodes]; W is NULL where the node is no matrix layer */
    xbtab_matrix *matrix;
    size_t n_matrices;
    size_t patches; /* codes of the largest patch matrix */
    size_t sums;    /* of the largest layer's group */
    bool raw_pixels;
};

/** The node whose numbers the run hands out: the output, or what a last monotone operator would take. */
int xbtab__quantized_output(const xbtab_network *network);

#endif
