/* explain_watch.h - what the conversions of a run see: clipping, and how far each tile is off its exact
 * product. */
#ifndef XBTAB_INFER_EXPLAIN_WATCH_H
#define XBTAB_INFER_EXPLAIN_WATCH_H

#include <xbartab/explain.h>

#include "check.h"

/** Look at all conversions of the first n images, in one thread.
 *  @param      layer         layer[n_layers]: all but the name is set.
 *  @param      first_matrix  first_matrix[n_layers + 1].
 *  @param      mapped        on an engine that can read. */
xbtab_status xbtab__explain_watch(xbtab_explained_layer *layer, const size_t *first_matrix, size_t n_layers,
                                  const xbtab_mapped *mapped, const xbtab_images *images,
                                  size_t n) XBTAB_MUST_CHECK;

#endif
