/* names.c - the names of a network's values. A red-black tree, so that no choice of names, however many or
 * alike they are, makes finding one slow. */
#include <search.h>
#include <string.h>

#include "memory.h"
#include "onnx_read.h"

typedef struct named {
    int value;
    const char *name; /* of what is looked for, or own */
    char own[];
} named;

static int compare(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

int xbtab__find_value(const xbtab_network *n, const char *name)
{
    const named wanted = {.name = name};
    void *found = tfind(&wanted, &n->names, compare);
    return found ? (*(named *const *)found)->value : -1;
}

xbtab_status xbtab__name_value(xbtab_network *n, int value, const char *name)
{
    if (xbtab__find_value(n, name) >= 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: two tensors are called \"%s\"", n->path, name);
    size_t size = strlen(name) + 1;
    named *added = xbtab__alloc(1, sizeof *added + size);
    if (!added) return XBTAB_NOMEM();
    memcpy(added->own, name, size);
    added->name = added->own;
    added->value = value;
    if (tsearch(added, &n->names, compare)) return XBTAB_OK;
    xbtab__free(added);
    return XBTAB_NOMEM();
}

void xbtab__names_clear(xbtab_network *n)
{
    tdestroy(n->names, xbtab__free);
    n->names = NULL;
}
