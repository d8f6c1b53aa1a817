/* quantized.h - the inside of a quantized network, shared by the quantizer and the integer run. */
#ifndef XBTAB_NET_QUANTIZED_H
#define XBTAB_NET_QUANTIZED_H

#include "graph.h"

/** How a tensor's codes stand for real numbers: r = scale (q - zero), 0 <= q <= most. */
typedef struct xbtab__code {
    double scale;
    int32_t zero, most;
} xbtab__code;

/** Inputs of a group whose weights have the same steps: a matrix of its own (parts.h). */
typedef struct xbtab__part {
    size_t group, first, n; /* its inputs are n from part_input[group][first] on */
} xbtab__part;

/** A matrix layer's integers. */
typedef struct xbtab__integer_layer {
    size_t first_matrix; /* of its groups, or parts of them, one after the other */
    int16_t *W;          /* W[groups][outputs][inputs], or of parts one after the other [outputs][inputs] */
    double *scale;       /* scale[groups * outputs]: of an output's sum, input scale times weight scale */
    /* digital networks only */
    xbtab__lattice in; /* of the layer's input */
    float *factor;     /* of each number of the layer's input on `in`; NULL = 1 */
    int32_t pad;       /* code around a convolution's image */
    double *shift;     /* shift[groups * outputs]: what is added to scale times the sum */
    double *per_zero; /* per_zero[groups * outputs]: what is taken off for each unit of the input's zero where
                         the node has one that differs from image to image; else NULL */
    /* those of them with parts */
    xbtab__part *part; /* part[n_parts], group by group; NULL = a matrix a group */
    size_t n_parts;
    size_t *first_part;   /* first_part[groups + 1] */
    uint32_t *part_input; /* part_input[groups][inputs] */
    double *part_scale;   /* part_scale[n_parts][outputs] in place of `scale` */
    /* the others */
    int64_t *offset; /* offset[groups * outputs]: bias in units of scale, less zero times the weights' sum */
    bool is_wide;    /* sums past 32 bits, or codes of 16 */
} xbtab__integer_layer;

struct xbtab_quantized {
    const xbtab_network *network;
    xbtab__code *code;           /* code[n_values] */
    xbtab__integer_layer *layer; /* layer[n_nodes]; W is NULL where the node is no matrix layer */
    xbtab_matrix *matrix;
    size_t n_matrices, matrix_room; /* and how many there is memory for */
    size_t patches;                 /* codes of the most patches that a layer has made at once */
    size_t sums;                    /* of them */
    bool raw_pixels;
    bool is_digital; /* real numbers between the layers; see digital.c */
};

struct xbtab__ranges;

/** Symmetric integers of a layer's weights, and the step of each row: out[rows][inputs], step[rows]. */
xbtab_status xbtab__quantize_weights(const xbtab__linear *linear, int bits,
                                     const xbtab_quantize_options *options, int16_t *out,
                                     double *step) XBTAB_MUST_CHECK;

/** What rounding a row's weights w step takes off the mean output; 0 where no means were taken. */
double xbtab__bias_correction(const xbtab_network *network, int k, const struct xbtab__ranges *ranges,
                              size_t row, const int16_t *w, double step);

/** Bits of node k, the layer of that number, by options without zeros. @return false: it stays in float. */
bool xbtab__layer_bits(const xbtab_network *network, int k, int layer, const xbtab_quantize_options *options,
                       int *weight_bits, int *activation_bits);

/** xbtab_quantized_create() with ranges that were found before. */
xbtab_status xbtab__quantized_again(xbtab_quantized **out, const xbtab_network *network,
                                    const xbtab_images *images, const struct xbtab__ranges *ranges,
                                    const xbtab_quantize_options *options) XBTAB_MUST_CHECK;

/** Add the matrices of node k's layer, whose W and parts are there. */
xbtab_status xbtab__add_matrices(xbtab_quantized *q, int k, int weight_bits,
                                 int activation_bits) XBTAB_MUST_CHECK;

/** Who answers for a matrix product; NULL = exact integers. */
typedef struct xbtab__products {
    xbtab_product_fn product;
    void *payload;
} xbtab__products;

/** Whether a matrix needs sums of 64 bits, or takes codes of 16. */
bool xbtab__is_wide(const xbtab_matrix *m);

/** Multiplications that an image takes through all matrices: what whoever answers for products may poll with.
 */
double xbtab__products_work(const xbtab_quantized *quantized);

/** Some of the vectors that an image takes through one group of a node's matrix layer: [first, first + n). */
typedef struct xbtab__vectors {
    int node;
    size_t group, image, first, n;
} xbtab__vectors;

/** Where output o of vector p of them stands in the layer's output. */
static inline size_t xbtab__place_of(const xbtab__linear *l, const xbtab__vectors *v, size_t o, size_t p)
{
    return l->is_convolution ? (v->group * l->outputs + o) * l->positions + v->first + p
                             : (v->first + p) * l->outputs + o;
}

/** The codes that their sums are of: patch[n][inputs], of at most 16 bits each. Parameters as below. */
void xbtab__layer_patch(const xbtab_quantized *q, const xbtab__vectors *at, const int32_t *x, int32_t pad,
                        uint16_t *patch);

/** Their sums, exactly or by a product function.
 *  @param      x      codes of the layer's input, of at most 16 bits each.
 *  @param      pad    code around a convolution's image.
 *  @param      patch  room for [n][inputs].
 *  @param[out] sum    sum[n][outputs]. */
xbtab_status xbtab__layer_sums(const xbtab_quantized *q, const xbtab__vectors *at, const int32_t *x,
                               int32_t pad, uint16_t *patch, int64_t *sum, const xbtab__products *by,
                               int thread) XBTAB_MUST_CHECK;

/** The same for n vectors x[n][inputs] of one matrix of the layer's, the first of them the layer's number
 * `first`. */
xbtab_status xbtab__vector_sums(const xbtab_quantized *q, int k, size_t g, size_t first, size_t n,
                                const uint16_t *x, int64_t *sum, const xbtab__products *by,
                                int thread) XBTAB_MUST_CHECK;

/** Whether a network needs the digital way, and that way. */
bool xbtab__needs_digital(const xbtab_network *network);
xbtab_status xbtab__quantize_digital(xbtab_quantized *q, const xbtab_images *images,
                                     const struct xbtab__ranges *ranges,
                                     const xbtab_quantize_options *options) XBTAB_MUST_CHECK;
xbtab_status xbtab__run_digital(const xbtab_quantized *q, const xbtab_images *images, size_t n,
                                const xbtab__products *by, const xbtab_run_options *options,
                                float *outputs) XBTAB_MUST_CHECK;

/** Whether a node is a last one that keeps the order of all outputs, and is left out. */
bool xbtab__is_left_out(const xbtab_network *network, const xbtab__node *node);

/** The node whose numbers the run hands out: the output, or what a last monotone operator would take. */
int xbtab__quantized_output(const xbtab_network *network);

#endif
