/* worker.h - a pool of forked worker processes, each with its own ngspice, that work through numbered units.
 *
 * A unit's bytes depend on its number alone, so that neither the number of workers nor the order in which
 * they finish changes a result. A worker that crashes, hangs or is killed costs one more try of one unit; the
 * parent goes on with a fresh one. */
#ifndef XBTAB_CHARACTERIZE_WORKER_H
#define XBTAB_CHARACTERIZE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include <xbartab/progress.h>

#include "spice.h"

/** A growing block of bytes; starts as {0}. A failed append is remembered. */
typedef struct xbtab__bytes {
    unsigned char *data;
    size_t n, room;
    bool failed;
} xbtab__bytes;

void xbtab__bytes_add(xbtab__bytes *bytes, const void *data, size_t n);
void xbtab__bytes_clear(xbtab__bytes *bytes);

/** Do one unit, in a worker. The worker is a fork of the caller: it reads everything that context points to
 *  as it was when the pool started (or, in a replacement, when that was forked), and what it writes there is
 *  lost; files of the caller are closed, and none can be opened (sandbox.h); OpenMP must not be used.
 *  @param[in,out] reply   empty; what the sink shall get.
 *  @param[out]    sample  how the unit ended, OK before the call.
 *  @return a failing status ends the whole run with its message; a sample that fails is not such a failure.
 */
typedef xbtab_status (*xbtab__unit_fn)(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                       xbtab_sample_status *sample, void *context);

/** Take a finished unit, in the caller's process, in the order of arrival.
 *  @param bytes  bytes[n]; borrowed for the call, aligned for doubles; n = 0 for CRASHED and TIMEOUT.
 *  @return a failing status ends the whole run. */
typedef xbtab_status (*xbtab__sink_fn)(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                                       void *context);

/** A worker's memory besides what it has of its caller: ngspice takes below 1 GB for 256 x 256 cells
 * [bytes]. */
#define XBTAB__WORKER_MEMORY ((size_t)8 << 30)

typedef struct xbtab__pool_options {
    int n_workers;                                   /* (0 = 1) */
    long units_per_worker;                           /* a worker is replaced after so many (0 = 2000) */
    size_t memory_max;                               /* address space of a worker [bytes] (0 = the caller's
                                                        own and XBTAB__WORKER_MEMORY) */
    const char *folder;                              /* see xbtab__spice_open() */
    bool (*is_done)(long unit, void *context);       /* units to skip; called in the caller (NULL = none) */
    double (*seconds_max)(long unit, void *context); /* time for one try of a unit, without what it waits for
                                                        a core [s] (NULL = 600 s) */
    double analysis_seconds; /* of the processor that a single analysis may use; then its unit is out of time
                                (0 = 60 s: a cell takes a second at most; INFINITY = what the unit may take) */
    xbtab_progress_fn progress; /* (NULL = silent) */
    void *progress_payload;
    const char *what; /* the step's name for progress; a static string (NULL = "circuits") */
} xbtab__pool_options;

typedef struct xbtab__pool_stats {
    long n_units;           /* delivered to the sink in this run */
    long n_skipped;         /* is_done() */
    long n_failed;          /* delivered with a status that is not OK */
    long n_retried;         /* second tries, because the worker died or took too long */
    long n_recycled;        /* workers replaced as planned: enough units, or ngspice poisoned */
    long n_lost;            /* workers that died or were killed for taking too long */
    size_t rss_first_bytes; /* resident memory after a worker's first unit; the largest of all workers */
    size_t rss_last_bytes;  /* the same after its latest unit */
    double seconds;
} xbtab__pool_stats;

/** Run unit() for each unit in [0, n_units) that is not done, handed out in ascending order.
 *  @param[out] stats    also filled on failure; NULL = not wanted.
 *  @param      context  for all callbacks but progress.
 *  @return XBTAB_OK, also if units failed; XBTAB_ERR_CANCELED (progress said so; all units that the sink got
 *  are whole); XBTAB_ERR_UNSUPPORTED or XBTAB_ERR_SPICE (ngspice does not start in a worker, or cannot
 *  be locked in there); XBTAB_ERR_IO
 * (no process or socket to be had); XBTAB_ERR_NOMEM; whatever unit() or sink() failed with. No worker is left
 *  when it returns, and none survives the caller.
 *  Workers ignore SIGINT, and lead process groups of their own: whether a run ends is decided in progress(),
 *  called at least ten times a second.
 *  Threads: call it from one that lives as long as the call; workers of calls at the same time do not mix. */
xbtab_status xbtab__pool_run(xbtab__pool_stats *stats, const xbtab__pool_options *options, long n_units,
                             xbtab__unit_fn unit, xbtab__sink_fn sink, void *context) XBTAB_MUST_CHECK;

/** Processors of this machine. */
int xbtab__cores(void);

#endif
