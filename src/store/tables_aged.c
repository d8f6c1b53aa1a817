/* tables_aged.c - the group /population: whose cells the sample tiles have and how old they are, to HDF5 and
 * back. */
#include <math.h>
#include <stddef.h>

#include "memory.h"
#include "tables_private.h"

static const struct {
    const char *name;
    size_t offset;
    double max;
} entries[] = {
    {"time_s", offsetof(xbtab_aged_data, time), INFINITY},
    {"temperature_K", offsetof(xbtab_aged_data, temperature), INFINITY},
    {"cycles", offsetof(xbtab_aged_data, cycles), INFINITY},
    {"writing", offsetof(xbtab_aged_data, writing), 2},
    {"tolerance", offsetof(xbtab_aged_data, tolerance), 1},
    {"pulses", offsetof(xbtab_aged_data, pulses), 1e9},
    {"scaled", offsetof(xbtab_aged_data, is_scaled), 1},
};

enum { N_ENTRIES = sizeof entries / sizeof entries[0] };

static double *member(const xbtab_aged_data *a, int k)
{
    return (double *)((char *)(uintptr_t)a + entries[k].offset);
}

bool xbtab__has_age(const xbtab_tables *tables)
{
    return tables->aged.population != NULL;
}

xbtab_status xbtab__put_age(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *tables)
{
    const xbtab_aged_data *a = &tables->aged;
    const xbtab__h5_axis axes[] = {{"tile", "1", tables->samples.n_tiles, NULL},
                                   {"word_line", "1", tables->rows, NULL},
                                   {"bit_line", "1", tables->columns, NULL}};
    XBTAB_TRY(xbtab__h5_put_text(file, group, "name", a->population));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "writing_words", "0 auto, 1 direct, 2 verify"));
    for (int k = 0; k < N_ENTRIES; k++)
        XBTAB_TRY(xbtab__h5_put_number(file, group, entries[k].name, *member(a, k)));
    XBTAB_TRY(xbtab__h5_put_long_text(file, group, "sheet", a->sheet));
    return xbtab__h5_put(file, group, "sample_conductance", "S", XBTAB__H5_DOUBLE, tables->samples.G, 3,
                         axes);
}

xbtab_status xbtab__get_age(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *tables)
{
    xbtab_aged_data *a = &tables->aged;
    size_t n[] = {tables->samples.n_tiles, tables->rows, tables->columns};
    XBTAB_TRY(xbtab__h5_get_text(file, group, "name", &a->population));
    for (int k = 0; k < N_ENTRIES; k++) {
        XBTAB_TRY(xbtab__h5_get_number(file, group, entries[k].name, member(a, k)));
        if (!(*member(a, k) >= 0 && *member(a, k) <= entries[k].max)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /population %s = %g is outside 0 to %g", file->path,
                       entries[k].name, *member(a, k), entries[k].max);
        }
    }
    XBTAB_TRY(xbtab__h5_get_long_text(file, group, "sheet", &a->sheet, XBTAB__LONGEST_TEXT));
    XBTAB_TRY(xbtab__h5_get(file, group, "sample_conductance", XBTAB__H5_DOUBLE, (void **)&tables->samples.G,
                            3, n, XBTAB__MOST_VALUES));
    for (size_t c = 0; c < n[0] * n[1] * n[2]; c++) {
        if (tables->samples.G[c] >= 0 && isfinite(tables->samples.G[c])) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /population/sample_conductance has %g S", file->path,
                   tables->samples.G[c]);
    }
    return XBTAB_OK;
}

void xbtab__clear_age(xbtab_tables *tables)
{
    xbtab__free(tables->aged.population);
    xbtab__free(tables->aged.sheet);
    xbtab__free(tables->samples.G);
    tables->aged = (xbtab_aged_data){0};
    tables->samples.G = NULL;
}
