/* spice.h - ngspice in this process, through libngspice. One process holds one: the library's state is
 * global.
 *
 * libngspice's return codes say little, a failed load leaves the old circuit current, and after a "controlled
 * exit" the library is unusable. So a sweep is believed only if all of this holds: the load gave no
 * complaint, the plot's title is the one of this load, every vector arrived, and every number is finite. Call
 * it from a worker process (worker.h). */
#ifndef XBTAB_CHARACTERIZE_SPICE_H
#define XBTAB_CHARACTERIZE_SPICE_H

#include <stdbool.h>
#include <stddef.h>

#include <xbartab/tables.h>

#include "check.h"

typedef struct xbtab__spice xbtab__spice;

/** One circuit and the source values to solve it for. */
typedef struct xbtab__spice_job {
    const char *const *lines; /* lines[n_lines]: elements and models; no title, analysis, .save or .end */
    size_t n_lines;
    bool current_sources; /* sources are current sources ii<k> instead of voltage sources vi<k> */
    int n_vectors;        /* 1 or more, solved in order, each warm-started from the one before */
    int n_sources;        /* sources 0 to n_sources - 1, written "Vi<k> a b external" without a value */
    const double *values; /* values[n_vectors][n_sources] [V] or [A] */
    int n_outputs;
    const char *const *outputs; /* outputs[n_outputs]: "v(node)" or "i(vdevice)" */
} xbtab__spice_job;

/** Load libngspice into this process: changes the working folder to a private one (removed again at once),
 * and the locale to "C". @param[out] out  owned by the caller; xbtab__spice_close().
 *  @return XBTAB_ERR_SPICE (no library, or it does not start), XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__spice_open(xbtab__spice **out) XBTAB_MUST_CHECK;

/** Forget the library; it stays loaded until the process ends. */
void xbtab__spice_close(xbtab__spice **spice);

/** Solve one circuit for all vectors.
 *  @param[out] out     out[n_vectors][n_outputs]; NAN where a vector failed.
 *  @param[out] status  status[n_vectors]. A vector that fails does not stop the later ones.
 *  @return XBTAB_OK also where vectors failed: xbtab__spice_complaint() has ngspice's own words.
 * XBTAB_ERR_NOMEM. */
xbtab_status xbtab__spice_sweep(xbtab__spice *spice, const xbtab__spice_job *job, double *out,
                                xbtab_sample_status *status) XBTAB_MUST_CHECK;

/** The first line in which ngspice complained about the last sweep; "" if it did not. Borrowed. */
const char *xbtab__spice_complaint(const xbtab__spice *spice);

/** The library asked to exit: the process must end without calling it again. */
bool xbtab__spice_is_poisoned(const xbtab__spice *spice);

/** Version of libngspice, such as "39.3". Borrowed. */
const char *xbtab__spice_version(const xbtab__spice *spice);

#endif
