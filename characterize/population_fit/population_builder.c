/* population_builder.c - groups of samples, files and sources of a sheet that is being written. */
#include <stdio.h>

#include "memory.h"
#include "population_fit_private.h"

void xbtab__groups_clear(xbtab__groups *g)
{
    for (int k = 0; k < g->n; k++) xbtab__free(g->group[k].value);
    xbtab__free(g->group);
    *g = (xbtab__groups){0};
}

xbtab_status xbtab__groups_add(xbtab__groups *g, double at, size_t n)
{
    if (g->n == g->room) {
        int room = g->room ? 2 * g->room : 32;
        xbtab__group *more = xbtab__realloc(g->group, (size_t)room, sizeof *more);
        if (!more) return XBTAB_NOMEM();
        g->group = more;
        g->room = room;
    }
    g->group[g->n] = (xbtab__group){.at = at, .value = xbtab__alloc(n, sizeof(double))};
    if (!g->group[g->n].value) return XBTAB_NOMEM();
    g->n++;
    return XBTAB_OK;
}

void xbtab__tell(const xbtab__builder *b, const xbtab__measurement *m, const char *what)
{
    char line[XBTAB__SOURCE_SIZE + 256];
    snprintf(line, sizeof line, "%s: %s", m->file, what);
    if (b->note) b->note(line, b->payload);
}

void xbtab__add_source(xbtab__text *text, const xbtab__builder *b, const char *files, const char *what,
                       const char *assumption)
{
    xbtab__text_add(text, "  source: \"%s; %s: %s%s%s\"\n  trust: %s\n", b->spec->source, files, what,
                    assumption ? "; assumed: " : "", assumption ? assumption : "",
                    assumption ? "assumed" : "derived");
}

xbtab_status xbtab__fail_in(const xbtab__measurement *m, const char *what)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %s", m->file, what);
}

xbtab_status xbtab__data_path(xbtab__text *path, const xbtab__builder *b, const char *name)
{
    if (name[0] == '/') {
        xbtab__text_add(path, "%s", name);
    } else {
        xbtab__text_add(path, "%s/%s", b->folder, name);
    }
    return xbtab__text_status(path);
}

xbtab_status xbtab__read_data(xbtab__points *out, const xbtab__builder *b, const xbtab__measurement *m,
                              const char *name)
{
    xbtab__text path = {0};
    xbtab_status status = xbtab__data_path(&path, b, name);
    const char *file = path.s;
    if (status == XBTAB_OK) status = xbtab__points_read(out, &m->columns, &file, 1);
    xbtab__text_clear(&path);
    return status;
}
