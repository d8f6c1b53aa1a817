/* tape.h - a network's operators on a batch of images, forwards and back.
 *
 * A tape has one step for each node (and one for each quantizer of activations between them). Each step's
 * type knows how to run forwards and how to take the loss's gradient from its output to its inputs and
 * parameters. Steps of one image at a time run on chunks of the batch, that threads share; others (products
 * of all images' vectors, statistics of a batch) take the whole batch between them. Chunks depend on the
 * batch alone and sums over them are taken in order, so that the bits do not depend on the threads.
 *
 * Values lie as [image][numbers of one image]. */
#ifndef XBTAB_TRAIN_TAPE_H
#define XBTAB_TRAIN_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gemm.h"
#include "graph.h"

enum { XBTAB__TAPE_PARTS = 16 }; /* chunks of a batch, at the most */

/** Numbers that are trained. */
typedef struct xbtab__parameter {
    const char *name; /* of its node; borrowed */
    size_t size;
    size_t rows;  /* of a matrix layer's weights: outputs, each with a range of its own; 0 = no weights */
    float *value; /* value[size], what the optimizer moves */
    float *used;  /* used[size], what the forward pass takes: value, or what is made of it */
    float *code, *scale; /* of rounded weights, used = code scale: code[size], scale[rows]; NULL of others */
    float most;          /* code, at the most */
    float *gradient;     /* gradient[size], of the batch's mean loss by `used` */
    float *part;         /* part[parts][size] of convolutions; NULL elsewhere */
} xbtab__parameter;

typedef struct xbtab__tape_value {
    size_t size; /* of one image */
    float *x;    /* x[batch][size]; constants have one image's numbers */
    float *dx;   /* the loss's gradient; NULL where nobody needs it */
    bool is_constant;
} xbtab__tape_value;

/** A grid that activations are rounded to: step (code - zero), codes from 0 to most. */
typedef struct xbtab__grid {
    int bits;
    float zero, most; /* codes */
    int step;         /* parameter of one number */
} xbtab__grid;

typedef struct xbtab__gradient xbtab__gradient;

typedef struct xbtab__tape_step {
    const xbtab__gradient *type;
    const xbtab__node *node;                        /* NULL of a quantizer */
    int n_inputs, input[XBTAB__NET_INPUTS], output; /* values of the tape */
    int weight, bias;                               /* parameters; -1 = none */
    int grid;                                       /* of a quantizer, and of a layer behind one; -1 = none */
    size_t *place;         /* place[output's size]: of the input's number, where a step only moves them */
    float *factor, *shift; /* of one image's numbers, of a step by constants */
    int32_t *winner;       /* winner[batch][output's size] of largest ones */
    float *memory;         /* a step's own, from its forward to its backward pass */
} xbtab__tape_step;

typedef struct xbtab__tape xbtab__tape;

struct xbtab__tape {
    const xbtab_network *network;
    int batch, n; /* images there is room for, and that there are now */
    int threads, parts;
    xbtab__tape_value *value;
    int n_values;
    xbtab__tape_step *step;
    int n_steps;
    xbtab__parameter *parameter;
    int n_parameters;
    xbtab__grid *grid;
    int n_grids;
    int input, output; /* values; the output before a last Softmax */
    float **scratch;   /* scratch[threads], 64-byte aligned */
    size_t room;       /* of each */
    bool is_training;  /* statistics of batches, not those of the file */
    bool in_integers;  /* layers behind quantizers take sums of codes */
};

/** A range of the batch. */
typedef struct xbtab__span {
    size_t first, n;
    int part, thread;
} xbtab__span;

struct xbtab__gradient {
    const char *name; /* of ONNX's operator */
    /** Set up a step: parameters, memory. NULL = nothing. */
    xbtab_status (*begin)(xbtab__tape *tape, xbtab__tape_step *step);
    /** On some images; or NULL: */
    void (*forward)(const xbtab__tape *tape, const xbtab__tape_step *step, const xbtab__span *span);
    void (*backward)(const xbtab__tape *tape, const xbtab__tape_step *step, const xbtab__span *span);
    /** on all of them. */
    void (*forward_all)(const xbtab__tape *tape, const xbtab__tape_step *step);
    void (*backward_all)(const xbtab__tape *tape, const xbtab__tape_step *step);
};

/** Set up a tape.
 *  @param network  borrowed until the tape is destroyed.
 *  @return XBTAB_ERR_UNSUPPORTED: an operator, or a form of it, that has no way back; the message names it. */
xbtab_status xbtab__tape_create(xbtab__tape **out, const xbtab_network *network, int batch,
                                int threads) XBTAB_MUST_CHECK;
void xbtab__tape_destroy(xbtab__tape **tape);

/** Put a quantizer in front of every matrix layer's input, one a value. */
xbtab_status xbtab__tape_add_quantizers(xbtab__tape *tape, int bits) XBTAB_MUST_CHECK;

/** Room for the batch: after all steps are there. */
xbtab_status xbtab__tape_lay_out(xbtab__tape *tape) XBTAB_MUST_CHECK;

/** Run tape->n images, whose numbers are in the input's x. */
void xbtab__tape_forward(xbtab__tape *tape);

/** The mean loss of a softmax and its cross entropy with label[n], and its gradient in the output's dx.
 *  @param[out] right  images whose largest output is their label's; NULL = nobody asks. */
double xbtab__tape_loss(xbtab__tape *tape, const int32_t *label, size_t *right);

/** From the output's dx to all parameters' gradients. */
void xbtab__tape_backward(xbtab__tape *tape);

/** A parameter; its number, or -1 when memory is short. value[size] is copied. */
int xbtab__tape_add_parameter(xbtab__tape *tape, const char *name, const float *value, size_t size,
                              size_t rows);

/** What a thread works on: work(context, item, thread) for each of n. */
void xbtab__tape_share(const xbtab__tape *tape, size_t n,
                       void (*work)(const void *context, size_t item, int thread), const void *context);

/** Types of steps, each file's ended by one without a name. */
extern const xbtab__gradient xbtab__gradients_matrix[], xbtab__gradients_each[], xbtab__gradients_window[],
    xbtab__gradients_move[], xbtab__gradients_norm[];
extern const xbtab__gradient xbtab__gradient_quantizer;

/** e to the x within an ulp, with the same bits on every machine: the C library's differ by processor. */
double xbtab__train_exp(double x);

static inline float *xbtab__numbers_of(const xbtab__tape *t, int value, size_t image)
{
    const xbtab__tape_value *v = &t->value[value];
    return v->x + (v->is_constant ? 0 : image * v->size);
}

static inline float *xbtab__gradient_of(const xbtab__tape *t, int value, size_t image)
{
    const xbtab__tape_value *v = &t->value[value];
    return v->dx ? v->dx + image * v->size : NULL;
}

#endif
