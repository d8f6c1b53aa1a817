/* recurrent_functions.h - activation functions of recurrent operators. */
#ifndef XBTAB_NET_RECURRENT_FUNCTIONS_H
#define XBTAB_NET_RECURRENT_FUNCTIONS_H

#include "graph.h"

typedef struct xbtab__activation {
    const char *name;
    float (*f)(float x, float alpha, float beta);
    bool has_alpha, has_beta;
    float alpha, beta; /* ONNX's defaults */
} xbtab__activation;

/** The functions f, g, h of each direction, with their alpha and beta; those that have none take none from
 * the lists.
 *  @param      otherwise  otherwise[functions]: default names.
 *  @param[out] out        out[functions * directions].
 *  @return the name of one that there is not, or NULL. */
const char *xbtab__take_activations(const xbtab__attributes *a, const char *const *otherwise, int functions,
                                    int directions, xbtab__activation *out);

#endif
