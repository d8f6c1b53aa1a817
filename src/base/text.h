/* text.h - a growing text buffer. A failed append is remembered, so that a writer checks once at its end. */
#ifndef XBTAB_BASE_TEXT_H
#define XBTAB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

/** Start with {0}; end with xbtab__text_clear(). */
typedef struct xbtab__text {
    char *s;     /* zero-terminated; NULL while empty */
    size_t n;    /* characters, without the terminator */
    size_t room; /* bytes allocated */
    bool failed; /* an append ran out of memory */
} xbtab__text;

void xbtab__text_add(xbtab__text *text, const char *format, ...) XBTAB_PRINTF(2, 3);
void xbtab__text_clear(xbtab__text *text);

/** XBTAB_ERR_NOMEM if any append failed. */
xbtab_status xbtab__text_status(const xbtab__text *text) XBTAB_MUST_CHECK;

#endif
