/* operator_table.c - all operators by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

static const xbtab__operator *(*const tables[])(int *n) = {
    xbtab__operators_basic,  xbtab__operators_deconv,  xbtab__operators_dynamic, xbtab__operators_each,
    xbtab__operators_einsum, xbtab__operators_layout,  xbtab__operators_matrix,  xbtab__operators_pair,
    xbtab__operators_place,  xbtab__operators_qlinear, xbtab__operators_quant,   xbtab__operators_recurrent,
    xbtab__operators_reduce, xbtab__operators_resize,  xbtab__operators_sort,    xbtab__operators_window};

enum { N_TABLES = sizeof tables / sizeof tables[0] };

const xbtab__operator *xbtab__operator_find(const char *name)
{
    for (int t = 0; t < N_TABLES; t++) {
        int n;
        const xbtab__operator *rows = tables[t](&n);
        for (int k = 0; k < n; k++) {
            if (strcmp(rows[k].name, name) == 0) return &rows[k];
        }
    }
    return NULL;
}

bool xbtab__operator_quantizes(const xbtab__operator *type)
{
    static const xbtab__operator *(*const quantized[])(int *n) = {
        xbtab__operators_dynamic, xbtab__operators_qlinear, xbtab__operators_quant};
    for (size_t t = 0; t < sizeof quantized / sizeof quantized[0]; t++) {
        int n;
        const xbtab__operator *rows = quantized[t](&n);
        for (int k = 0; k < n; k++) {
            if (type == &rows[k]) return true;
        }
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void xbtab__operator_names(char *out, size_t size)
{
    enum { MOST = 256 };
    const char *name[MOST];
    size_t count = 0, length = 0;
    for (int t = 0; t < N_TABLES; t++) {
        int n;
        const xbtab__operator *rows = tables[t](&n);
        for (int k = 0; k < n && count < MOST; k++) name[count++] = rows[k].name;
    }
    qsort(name, count, sizeof *name, compare_names);
    out[0] = '\0';
    for (size_t k = 0; k < count && length < size; k++)
        length += (size_t)snprintf(out + length, size - length, "%s%s", k ? ", " : "", name[k]);
}
