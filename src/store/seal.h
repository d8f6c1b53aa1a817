/* seal.h - the first 512 bytes of a table file: the SHA-256 of all that follows.
 *
 * HDF5 leaves the bytes before its own to the user (the "user block"): every reader of HDF5 finds the file
 * behind them. Ours hold four lines of text, and zeros up to the end of the block:
 *
 *   xbartab tables
 *   written by characterize         (or: edited, sealed by info --rehash)
 *   bytes N                         of the whole file
 *   sha256 64 hexadecimal digits    of the bytes from 512 to N
 *
 * Whatever bit of a file changes, the block is not the one that the rest asks for. It tells damage and edits
 * that nobody declared; it does not tell who made a file, and whoever changes one on purpose can seal it
 * again. */
#ifndef XBTAB_STORE_SEAL_H
#define XBTAB_STORE_SEAL_H

#include <stddef.h>

typedef enum xbtab__seal {
    XBTAB__SEAL_NONE,    /* files before schema 5, or another program's */
    XBTAB__SEAL_WRITTEN, /* as it was written */
    XBTAB__SEAL_EDITED,  /* sealed again, on demand */
    XBTAB__SEAL_BROKEN,  /* the file has changed since it was sealed */
} xbtab__seal;

enum { XBTAB__SEAL_SIZE = 512 };

/** Put the seal into the first XBTAB__SEAL_SIZE bytes of a whole file. */
void xbtab__seal_put(char *file, size_t n, xbtab__seal as);

/** What the first bytes of a whole file say. */
xbtab__seal xbtab__seal_of(const char *file, size_t n);

#endif
