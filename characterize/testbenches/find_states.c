/* find_states.c - the state search for a caller that has conductances and no worker. */
#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <xbartab/characterize.h>

#include "memory.h"
#include "testbench.h"
#include "worker.h"

typedef struct search {
    const xbtab_spec *spec;
    const double *G; /* distinct conductances */
    double *state;
    int n;
} search;

static xbtab_status run_search(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    const search *s = context;
    (void)unit, (void)sample;
    double *found = xbtab__alloc(2 * (size_t)s->n, sizeof *found);
    if (!found) return XBTAB_NOMEM();
    xbtab_status status = xbtab__find_states(s->spec, spice, s->G, s->n, found, found + s->n);
    if (status == XBTAB_OK) xbtab__bytes_add(reply, found, (size_t)s->n * sizeof *found);
    xbtab__free(found);
    return status;
}

static xbtab_status take_search(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                                void *context)
{
    const search *s = context;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK) {
        XBTAB_FAIL(XBTAB_ERR_SPICE, "the cell's states: %s", xbtab__sample_status_text(sample));
    }
    memcpy(s->state, bytes, n);
    return XBTAB_OK;
}

xbtab_status xbtab_find_states(const xbtab_spec *spec, double *state, const double *G, int n)
{
    xbtab_status status = xbtab__need_size(spec);
    if (status < 0) return status;
    double *distinct = xbtab__alloc((size_t)n, sizeof *distinct),
           *found = xbtab__alloc((size_t)n, sizeof *found);
    int *which = xbtab__alloc((size_t)n, sizeof *which), n_distinct = 0;
    if (!distinct || !found || !which) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < n; k++) {
        which[k] = -1;
        if (G[k] == 0) continue; /* an open device */
        for (which[k] = 0; which[k] < n_distinct && distinct[which[k]] != G[k];) which[k]++;
        if (which[k] == n_distinct) distinct[n_distinct++] = G[k];
    }
    if (n_distinct > 0) {
        search s = {.spec = spec, .G = distinct, .state = found, .n = n_distinct};
        xbtab__pool_options pool = {.n_workers = 1};
        XBTAB_TRY_DONE(xbtab__pool_run(NULL, &pool, 1, run_search, take_search, &s));
    }
    for (int k = 0; k < n; k++) state[k] = which[k] < 0 ? NAN : found[which[k]];
done:
    xbtab__free(distinct);
    xbtab__free(found);
    xbtab__free(which);
    return status;
}

typedef struct range_search {
    const xbtab_spec *spec;
    double range[2];
} range_search;

static xbtab_status run_range(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                              xbtab_sample_status *sample, void *context)
{
    const range_search *s = context;
    double range[2];
    (void)unit, (void)sample;
    XBTAB_TRY(xbtab__find_range(s->spec, spice, range));
    xbtab__bytes_add(reply, range, sizeof range);
    return XBTAB_OK;
}

static xbtab_status take_range(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                               void *context)
{
    range_search *s = context;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK || n != sizeof s->range) {
        XBTAB_FAIL(XBTAB_ERR_SPICE, "the cell's range: %s", xbtab__sample_status_text(sample));
    }
    memcpy(s->range, bytes, n);
    return XBTAB_OK;
}

xbtab_status xbtab_cell_range(const xbtab_spec *spec, double *G_low, double *G_high)
{
    range_search s = {.spec = spec};
    xbtab__pool_options pool = {.n_workers = 1};
    XBTAB_TRY(xbtab__pool_run(NULL, &pool, 1, run_range, take_range, &s));
    *G_low = s.range[0];
    *G_high = s.range[1];
    return XBTAB_OK;
}
