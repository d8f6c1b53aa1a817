/* memory.h - every allocation of the library goes through here: sizes are checked for overflow, and tests
 * can make the k-th allocation fail. */
#ifndef XBTAB_BASE_MEMORY_H
#define XBTAB_BASE_MEMORY_H

#include <stddef.h>

#include "check.h"

/** count zeroed elements of size bytes; NULL when memory is short. A request for nothing gives a unique
 *  pointer. Free with xbtab__free(). */
void *xbtab__alloc(size_t count, size_t size);

/** As xbtab__alloc(), aligned to 64 bytes (a cache line, and the widest vector register). */
void *xbtab__alloc_aligned(size_t count, size_t size);

/** Resize to count elements; what is added is not zeroed. NULL leaves the old block as it was. */
void *xbtab__realloc(void *block, size_t count, size_t size);

/** A copy of text; NULL when memory is short. */
char *xbtab__strdup(const char *text);

/** Free a block of any function above; NULL is allowed. */
void xbtab__free(void *block);

/** Tests: let the next n allocations of this thread succeed and every later one fail; n < 0 ends that. */
void xbtab__alloc_fail_after(long n);

/** The message for a failed allocation. */
#define XBTAB_NOMEM() xbtab__error_set(XBTAB_ERR_NOMEM, "out of memory")

#endif
