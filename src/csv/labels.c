/* labels.c - texts numbered as they first come. */
#include "labels.h"

#include <search.h>
#include <string.h>

#include "memory.h"

typedef struct label {
    const char *text;
    int number;
} label;

static int by_text(const void *a, const void *b)
{
    return strcmp(((const label *)a)->text, ((const label *)b)->text);
}

xbtab_status xbtab__labels_find(int *out, xbtab__labels *l, const char *text)
{
    const label wanted = {text, 0};
    label *const *found = tfind(&wanted, &l->tree, by_text);
    if (found) {
        *out = (*found)->number;
        return XBTAB_OK;
    }
    if (l->n == l->room) {
        int room = l->room ? 2 * l->room : 64;
        char **grown = xbtab__realloc(l->text, (size_t)room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        l->text = grown;
        l->room = room;
    }
    char *copy = xbtab__strdup(text);
    label *added = xbtab__alloc(1, sizeof *added);
    if (added) *added = (label){copy, l->n};
    if (!copy || !added || !tsearch(added, &l->tree, by_text)) {
        xbtab__free(copy);
        xbtab__free(added);
        return XBTAB_NOMEM();
    }
    l->text[l->n] = copy;
    *out = l->n++;
    return XBTAB_OK;
}

char **xbtab__labels_take(xbtab__labels *l)
{
    char **text = l->text;
    tdestroy(l->tree, xbtab__free);
    *l = (xbtab__labels){0};
    return text;
}

void xbtab__labels_clear(xbtab__labels *l)
{
    int n = l->n;
    char **text = xbtab__labels_take(l);
    for (int k = 0; k < n; k++) xbtab__free(text[k]);
    xbtab__free(text);
}
