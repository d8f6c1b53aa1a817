/* memory.c - checked allocation with failure injection. */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static _Thread_local long allocations_left = -1;

static int must_fail(void)
{
    if (allocations_left < 0) return 0;
    if (allocations_left == 0) return 1;
    allocations_left--;
    return 0;
}

void xbtab__alloc_fail_after(long n)
{
    allocations_left = n;
}

void *xbtab__alloc(size_t count, size_t size)
{
    if (must_fail()) return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

void *xbtab__alloc_aligned(size_t count, size_t size)
{
    if (must_fail() || (size && count > (SIZE_MAX - ALIGNMENT) / size)) return NULL;
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) bytes = ALIGNMENT;
    void *block = aligned_alloc(ALIGNMENT, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

void *xbtab__realloc(void *block, size_t count, size_t size)
{
    if (must_fail() || (size && count > SIZE_MAX / size)) return NULL;
    size_t bytes = count * size;
    return realloc(block, bytes ? bytes : 1);
}

char *xbtab__strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = xbtab__alloc(n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

void xbtab__free(void *block)
{
    free(block);
}
