/* trainer.h - small networks from a line of text, trained on labelled images.
 *
 * A network is a list of words, each a layer on the one before:
 *   convNkKpPsS  N outputs, K x K kernels, P zeros around (0), stride S (1)
 *   fcN          N outputs of everything before
 *   maxKeE       largest of K x K, stride K, E lines more at the lower and right edge (0)
 *   meanKpP      mean of K x K, stride K, P zeros around (0), which count
 *   cropHxW      the middle H x W
 *   lstmN        N units of long short-term memory over the rows of the image (see lstm.h)
 *   relu         max(x, 0)
 *   clip         x held between 0 and 1
 *   [ ... | ... ]  the sum of two branches; an empty one is the input itself
 * With weight bits, weights are rounded on the way forward and gradients go to the numbers behind them
 * (straight-through estimator): 1 bit: +-s; 2 bits: -s, 0, s with zeros below 0.7 of the mean magnitude
 * (ternary weight networks); from 3 bits on: whole multiples of a row's largest / (2^(bits-1) - 1). With
 * activation bits, clips and the image are rounded to codes of so many bits. What is written to the file are
 * the rounded weights, so that quantization after training finds the same codes. */
#ifndef XBTAB_DATA_TRAINER_H
#define XBTAB_DATA_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/images.h>

typedef enum layer_kind {
    LAYER_INPUT,
    LAYER_CONV,
    LAYER_FC,
    LAYER_MAX,
    LAYER_MEAN,
    LAYER_CROP,
    LAYER_LSTM,
    LAYER_RELU,
    LAYER_CLIP,
    LAYER_ADD
} layer_kind;

enum { MOST_LAYERS = 160 };

typedef struct layer {
    layer_kind kind;
    int from, other;                   /* layers whose outputs it takes; other: LAYER_ADD's second */
    int kernel, pad, pad_end, stride;  /* conv and pools */
    int channels, height, width;       /* of its output */
    size_t size;                       /* of its output */
    size_t inputs, outputs, positions; /* of its matrix; 0 inputs = none */
    size_t weight, bias;               /* where its numbers begin among all */
    int starts_at_zero; /* the last matrix of a branch, so that a block begins as the identity */
} layer;

typedef struct network_plan {
    layer layer[MOST_LAYERS];
    int n;
    size_t numbers;   /* weights and biases of all layers */
    size_t columns;   /* of the largest unfolded input */
    char what[256];   /* why a text is no network */
    size_t n_classes; /* outputs of the last layer */
} network_plan;

/** @return 0, or 1 with plan->what. */
int plan_parse(network_plan *plan, const char *text, size_t channels, size_t height, size_t width);

typedef struct train_options {
    uint64_t seed;
    int epochs, weight_bits, activation_bits, shift; /* shift: of pixels at random, and mirrored */
    float rate;                                      /* at the start; falls in a straight line to 0 */
} train_options;

/** Train numbers[plan->numbers] from nothing; `tell` is called after each epoch. @return 1: out of memory. */
int train(const network_plan *plan, float *numbers, const xbtab_images *images, const train_options *options,
          void (*tell)(int epoch, double loss));

/** Share of images whose largest output is their label's. Negative: out of memory. */
double rate_images(const network_plan *plan, const float *numbers, const xbtab_images *images,
                   const train_options *options);

/** The network as an ONNX file: *n bytes, free(). NULL: out of memory. */
uint8_t *plan_to_onnx(const network_plan *plan, const float *numbers, const char *name, size_t *n);

#endif
