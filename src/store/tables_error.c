/* tables_error.c - the error of a fit on held-out samples, as attributes of its group. */
#include "tables_private.h"

#include <math.h>
#include <stdio.h>

/* -1: no count, which the checks refuse. */
static long to_count(double x)
{
    return x >= 0 && x <= 1e15 && x == floor(x) ? (long)x : -1;
}

xbtab_status xbtab__put_error(const xbtab__h5_file *file, xbtab__h5_id group, const char *prefix,
                              const xbtab_fit_error *e)
{
    char name[64];
    const struct {
        const char *what;
        double value;
    } entries[] = {{"rmse_fs", e->rmse},
                   {"max_fs", e->max},
                   {"full_scale", e->full_scale},
                   {"samples", (double)e->samples},
                   {"failed", (double)e->failed}};
    for (size_t k = 0; k < sizeof entries / sizeof entries[0]; k++) {
        snprintf(name, sizeof name, "%s_%s", prefix, entries[k].what);
        XBTAB_TRY(xbtab__h5_put_number(file, group, name, entries[k].value));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__get_error(const xbtab__h5_file *file, xbtab__h5_id group, const char *prefix,
                              xbtab_fit_error *e)
{
    char name[64];
    double samples = 0, failed = 0;
    const struct {
        const char *what;
        double *value;
    } entries[] = {{"rmse_fs", &e->rmse},
                   {"max_fs", &e->max},
                   {"full_scale", &e->full_scale},
                   {"samples", &samples},
                   {"failed", &failed}};
    for (size_t k = 0; k < sizeof entries / sizeof entries[0]; k++) {
        snprintf(name, sizeof name, "%s_%s", prefix, entries[k].what);
        XBTAB_TRY(xbtab__h5_get_number(file, group, name, entries[k].value));
    }
    e->samples = to_count(samples);
    e->failed = to_count(failed);
    return XBTAB_OK;
}
