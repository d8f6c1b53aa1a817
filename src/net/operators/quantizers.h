/* quantizers.h - what quantizing operators tell of themselves. */
#ifndef XBTAB_NET_QUANTIZERS_H
#define XBTAB_NET_QUANTIZERS_H

#include "graph.h"

/** Whether a node makes integers of numbers by a scale and a zero: QuantizeLinear, Quant. */
bool xbtab__is_quantizer(const xbtab__node *node);

/** The code that a quantizer's input number c would have if it were x, neither rounded nor clipped, and the
 * ends that it would be clipped to. */
double xbtab__quantizer_code(const xbtab_network *network, const xbtab__node *node, size_t c, double x,
                             double *low, double *high);

#endif
