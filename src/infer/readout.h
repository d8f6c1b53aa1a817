/* readout.h - conversions: from what a bit line or a sum shows to the number that stands for it, and the
 * samples that a conversion's range and references come from. */
#ifndef XBTAB_INFER_READOUT_H
#define XBTAB_INFER_READOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xbartab/scheme.h>

#include "check.h"

/** A conversion to 2^bits codes. Uniform: code = floor((u - low) / step + 1/2), or without the half where
 * charges are counted, clamped to the range, stands for low + step code. With references: code = number of
 * references that u reaches, and stands for value[code]. */
typedef struct xbtab__converter {
    double low, step;
    double largest; /* code */
    double half;    /* 1/2, or next to nothing where charges are counted */
    bool
        is_aligned; /* codes stand for whole multiples of the step, and the sums' own step for some of them */
    double *reference; /* reference[largest], ascending; NULL = uniform */
    double *value;     /* value[largest + 1] */
} xbtab__converter;

void xbtab__converter_clear(xbtab__converter *c);

/** Uniform codes over [low, high): 2^bits steps of one width. */
void xbtab__converter_range(xbtab__converter *c, double low, double high, int bits, bool counts);

/** Uniform codes from low to high, which the first and the last one stand for. Symmetric: 2^bits - 1 codes
 * (two, at 1 bit), with 0 among them. */
void xbtab__converter_ends(xbtab__converter *c, double low, double high, int bits, bool counts,
                           bool symmetric);

/** References at the steps of a uniform conversion, so that each can have an offset of its own. */
xbtab_status xbtab__converter_references(xbtab__converter *c) XBTAB_MUST_CHECK;

/** v[k] of u[k], in place. @param offset  offset[n] to be added before; NULL = none. */
void xbtab__convert(const xbtab__converter *c, double *u, const double *offset, size_t n);

/** v of u against references of its own, reference[largest] in any order. */
static inline double xbtab__convert_own(const xbtab__converter *c, double u, const double *reference)
{
    size_t code = 0;
    for (size_t k = 0; k < (size_t)c->largest; k++) code += u >= reference[k];
    return c->value[code];
}

/** What sample images cause: least and largest first, then counts between them. */
typedef struct xbtab__samples {
    double least, most;
    uint64_t *count; /* count[XBTAB__SAMPLE_BINS]; NULL in the first round */
} xbtab__samples;

enum { XBTAB__SAMPLE_BINS = 4096 };

void xbtab__samples_add(xbtab__samples *s, const double *u, size_t n);

/** How a range is found in samples. */
typedef struct xbtab__range_rule {
    xbtab_range range; /* FULL: all that the samples reach */
    double quantile;   /* 0 = 0.001 */
    double step;       /* of the sums themselves, which a conversion's own steps meet where bits are enough */
} xbtab__range_rule;

/** A conversion for a rule.
 *  @param symmetric  around 0. */
void xbtab__samples_range(const xbtab__samples *s, const xbtab__range_rule *rule, int bits, bool counts,
                          bool symmetric, xbtab__converter *c);

/** References and values of least mean square error (Lloyd 1982, Max 1960) for 2^bits codes. */
xbtab_status xbtab__samples_lloyd_max(const xbtab__samples *s, int bits,
                                      xbtab__converter *c) XBTAB_MUST_CHECK;

#endif
