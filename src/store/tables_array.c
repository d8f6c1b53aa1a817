/* tables_array.c - how an array works, as words in the attributes of /tile. */
#include "tables_array.h"

#include "memory.h"

static const char *const *array_words(const xbtab_array *array, int k)
{
    switch (k) {
    case 0:
        return xbtab_topology_words();
    case 1:
        return xbtab_polarity_words();
    case 2:
        return xbtab_drive_words(array->topology);
    default:
        return xbtab_sense_words();
    }
}

static const char *const array_names[] = {"topology", "polarity", "drive", "sense"};

static const char r_source_line[] = "r_source_line_ohm";

enum { N_ARRAY_NAMES = sizeof array_names / sizeof array_names[0] };

xbtab_status xbtab__array_write(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *tables)
{
    const xbtab_array *array = &tables->array;
    const unsigned value[N_ARRAY_NAMES] = {array->topology, array->polarity, array->drive, array->sense};
    for (int k = 0; k < N_ARRAY_NAMES; k++) {
        XBTAB_TRY(xbtab__h5_put_text(file, group, array_names[k], array_words(array, k)[value[k]]));
    }
    if (!xbtab_array_has_gates(array)) return XBTAB_OK;
    return xbtab__h5_put_number(file, group, r_source_line, tables->r_source_line);
}

xbtab_status xbtab__array_read(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *tables)
{
    xbtab_array *array = &tables->array;
    int value[N_ARRAY_NAMES] = {0};
    for (int k = 0; k < N_ARRAY_NAMES; k++) {
        char *word = NULL;
        if (!xbtab__h5_has_attribute(group, array_names[k])) continue; /* an older file */
        XBTAB_TRY(xbtab__h5_get_text(file, group, array_names[k], &word));
        value[k] = xbtab_array_word(array_words(array, k), word);
        xbtab__free(word);
        if (value[k] < 0) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /tile %s is none of the words known", file->path,
                       array_names[k]);
        }
        if (k == 0) array->topology = (xbtab_topology)value[k]; /* the others' words hang on it */
    }
    *array = (xbtab_array){(xbtab_topology)value[0], (xbtab_polarity)value[1], (xbtab_drive)value[2],
                           (xbtab_sense)value[3]};
    if (!xbtab_array_has_gates(array)) return XBTAB_OK;
    XBTAB_TRY(xbtab__h5_get_number(file, group, r_source_line, &tables->r_source_line));
    if (!(tables->r_source_line >= 0 && tables->r_source_line <= 1e9)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /tile %s = %g is outside 0 to 1e9", file->path, r_source_line,
                   tables->r_source_line);
    }
    return XBTAB_OK;
}
