/* onnx_scope.c - names to values. A red-black tree, so that no choice of names, however many or alike they
 * are, makes finding one slow. */
#include <search.h>
#include <string.h>

#include "memory.h"
#include "onnx_read.h"

typedef struct binding {
    const char *name;
    int value;
} binding;

static int compare(const void *a, const void *b)
{
    return strcmp(((const binding *)a)->name, ((const binding *)b)->name);
}

xbtab_status xbtab__scope_bind(xbtab__scope *s, const xbtab_network *n, const char *name, int value)
{
    binding *added = xbtab__alloc(1, sizeof *added);
    if (!added) return XBTAB_NOMEM();
    *added = (binding){name, value};
    void *found = tsearch(added, &s->tree, compare);
    if (found && *(binding **)found == added) return XBTAB_OK;
    xbtab__free(added);
    if (!found) return XBTAB_NOMEM();
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: two tensors are called \"%s\"", n->path, name);
}

int xbtab__scope_find(const xbtab__scope *s, const char *name)
{
    const binding wanted = {.name = name};
    for (; s; s = s->outer) {
        void *found = tfind(&wanted, &s->tree, compare);
        if (found) return (*(binding *const *)found)->value;
    }
    return XBTAB__NO_NAME;
}

void xbtab__scope_clear(xbtab__scope *s)
{
    tdestroy(s->tree, xbtab__free);
    s->tree = NULL;
}
