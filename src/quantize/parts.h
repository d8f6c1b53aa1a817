/* parts.h - matrix layers whose inputs have scales of their own. */
#ifndef XBTAB_NET_PARTS_H
#define XBTAB_NET_PARTS_H

#include "quantized.h"

/** Make one matrix of integers a group where whole ratios of the steps let it, else one a part of inputs
 * whose steps have the same ratios in all outputs; then sum_i W[o][i] x[i] = sum over parts of scale[o] sum k
 * q.
 *  @param      q, k    of the network; layer k has integers W[rows][inputs], which change, `scale` of each
 * row (or 1, where its weights have linear.steps), its lattice `in`, and room for `shift`.
 *  @param      factor  factor[groups][inputs] of the inputs.
 *  @param      bias    bias[rows], without what the lattice's b adds. */
xbtab_status xbtab__parts_make(xbtab_quantized *q, int k, const float *factor,
                               const double *bias) XBTAB_MUST_CHECK;

/** Numbers sum over parts of scale[o] sum k q of some of a layer's vectors, each with all its inputs.
 *  @param      x    x[n][inputs] of the group; taken apart into `part`, of the same size.
 *  @param      sum  room for [n][outputs].
 *  @param[out] y    y[n][outputs]. */
xbtab_status xbtab__parts_sum(const xbtab_quantized *q, const xbtab__vectors *at, const uint16_t *x,
                              uint16_t *part, int64_t *sum, double *y, const xbtab__products *by,
                              int thread) XBTAB_MUST_CHECK;

/** The factors of a layer's inputs, out[groups][inputs], from those of its input's numbers.
 *  @return XBTAB_ERR_UNSUPPORTED where one input's differ from place to place. */
xbtab_status xbtab__input_factors(const xbtab_network *network, const xbtab__node *node,
                                  const float *of_value, float *out) XBTAB_MUST_CHECK;

#endif
