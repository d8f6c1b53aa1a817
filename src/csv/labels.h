/* labels.h - texts numbered as they first come. */
#ifndef XBTAB_BASE_LABELS_H
#define XBTAB_BASE_LABELS_H

#include "check.h"

/** Start with {0}; end with xbtab__labels_clear(). */
typedef struct xbtab__labels {
    char **text; /* text[n] */
    int n, room;
    void *tree;
} xbtab__labels;

/** The number of a text, a new one if it is new; in a time that grows with the logarithm of n. */
xbtab_status xbtab__labels_find(int *out, xbtab__labels *labels, const char *text) XBTAB_MUST_CHECK;

void xbtab__labels_clear(xbtab__labels *labels);

/** Free all but the texts, which are the caller's then: text[n], each for xbtab__free(). */
char **xbtab__labels_take(xbtab__labels *labels);

#endif
