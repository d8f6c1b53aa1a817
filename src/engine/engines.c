/* engines.c - the list of engines. */
#include <string.h>

#include <xbartab/engine.h>

static const xbtab_engine_type *const engines[] = {&xbtab_engine_ideal, &xbtab_engine_table,
                                                   &xbtab_engine_solve, NULL};

const xbtab_engine_type *xbtab_engine_find(const char *name)
{
    for (int k = 0; engines[k]; k++) {
        if (strcmp(engines[k]->name, name) == 0) return engines[k];
    }
    return NULL;
}
