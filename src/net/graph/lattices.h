/* lattices.h - on which lattice each value of a network lies. */
#ifndef XBTAB_NET_LATTICES_H
#define XBTAB_NET_LATTICES_H

#include "graph.h"

/** The lattice of every value on images of bytes or of floats: (*out)[n_values]; caller frees it.
 *  @param[out] factors  NULL, or (*factors)[n_values][size of the value]: the factor of each number where the
 * lattice is_scaled; xbtab__factors_free(). */
xbtab_status xbtab__lattices_find(xbtab__lattice **out, float ***factors, const xbtab_network *network,
                                  bool is_bytes, bool raw_pixels) XBTAB_MUST_CHECK;
void xbtab__factors_free(float **factors, const xbtab_network *network);

#endif
