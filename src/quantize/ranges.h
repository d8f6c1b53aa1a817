/* ranges.h - what calibration images show of a network's tensors. */
#ifndef XBTAB_NET_RANGES_H
#define XBTAB_NET_RANGES_H

#include "quantized.h"

enum { XBTAB__RANGE_BINS = 2048 };

typedef struct xbtab__range {
    float low, high; /* 0 always inside */
} xbtab__range;

typedef struct xbtab__ranges {
    int n_values;
    xbtab__range *seen;  /* seen[n_values] */
    uint64_t *histogram; /* histogram[n_values][BINS] from low to high; NULL where only the ends are wanted */
    double *mean;        /* of each number that a layer's rows are multiplied with; NULL where not wanted */
    size_t *first_mean;  /* first_mean[n_nodes]: its [groups][inputs] in mean */
} xbtab__ranges;

/** Run images in float and look at all tensors. The same for any number of threads. */
xbtab_status xbtab__ranges_find(xbtab__ranges *out, const xbtab_network *network, const xbtab_images *images,
                                size_t n_images, const xbtab_quantize_options *options) XBTAB_MUST_CHECK;
void xbtab__ranges_clear(xbtab__ranges *ranges);

/** The part of a tensor's range that codes of so many bits should cover. */
xbtab__range xbtab__range_choose(const xbtab__ranges *ranges, int value, int bits,
                                 const xbtab_quantize_options *options);

/** Codes over a range, which 0 is always in. */
xbtab__code xbtab__code_for(xbtab__range r, int bits);

#endif
