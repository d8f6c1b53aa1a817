/* onnx_scope.c - names to values, in a table that finds them by a hash: files have ten thousands of names. */
#include <string.h>

#include "memory.h"
#include "onnx_read.h"

typedef struct xbtab__binding {
    const char *name; /* NULL = free */
    int value;
} binding;

/* FNV-1a. */
static size_t hash_of(const char *name)
{
    uint64_t h = 14695981039346656037u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* Where a name stands, or would. */
static binding *place_of(const xbtab__scope *s, const char *name)
{
    size_t at = hash_of(name) & (s->room - 1);
    while (s->binding[at].name && strcmp(s->binding[at].name, name) != 0) at = (at + 1) & (s->room - 1);
    return &s->binding[at];
}

static xbtab_status grow(xbtab__scope *s)
{
    if (2 * s->n < s->room) return XBTAB_OK;
    xbtab__scope wide = *s;
    wide.room = s->room ? 2 * s->room : 64;
    wide.binding = xbtab__alloc(wide.room, sizeof *wide.binding);
    if (!wide.binding) return XBTAB_NOMEM();
    for (size_t k = 0; k < s->room; k++) {
        if (s->binding[k].name) *place_of(&wide, s->binding[k].name) = s->binding[k];
    }
    xbtab__free(s->binding);
    *s = wide;
    return XBTAB_OK;
}

xbtab_status xbtab__scope_bind(xbtab__scope *s, const xbtab_network *n, const char *name, int value)
{
    XBTAB_TRY(grow(s));
    binding *b = place_of(s, name);
    if (b->name) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: two tensors are called \"%s\"", n->path, name);
    *b = (binding){name, value};
    s->n++;
    return XBTAB_OK;
}

int xbtab__scope_find(const xbtab__scope *s, const char *name)
{
    for (; s; s = s->outer) {
        const binding *b = s->room ? place_of(s, name) : NULL;
        if (b && b->name) return b->value;
    }
    return XBTAB__NO_NAME;
}

void xbtab__scope_clear(xbtab__scope *s)
{
    xbtab__free(s->binding);
    s->binding = NULL;
    s->n = s->room = 0;
}
