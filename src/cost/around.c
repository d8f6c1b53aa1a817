/* around.c - a preset around a tile that has none: data/hierarchies/tables.yaml, with the default scheme. */
#include "cost_private.h"

#include <stdio.h>

#include "file.h"
#include "memory.h"

enum { LARGEST_SHEET = 1 << 20 };

xbtab_status xbtab_cost_around_tile(char **out, const char *tile_text, const char *folder)
{
    char path[4200], *text = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "%.4096s/hierarchies/tables.yaml", folder);
    XBTAB_TRY(xbtab__file_read(&text, &n, path, LARGEST_SHEET));
    xbtab_status status = xbtab_config_set(out, text, path, "tile", tile_text);
    xbtab__free(text);
    return status;
}
