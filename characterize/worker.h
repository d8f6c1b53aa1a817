/* worker.h - a pool of forked processes, each with an ngspice of its own, that run numbered units of work.
 *
 * ngspice may crash, hang or ask to exit on a bad circuit, so nothing of it runs in the caller's process. A
 * worker that dies is replaced; its unit is tried once more, and then reported as crashed or timed out. */
#ifndef XBTAB_CHARACTERIZE_WORKER_H
#define XBTAB_CHARACTERIZE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include <xbartab/progress.h>
#include <xbartab/tables.h>

#include "check.h"
#include "spice.h"

/** Result of a unit: n doubles of x; freed by the pool. */
typedef struct xbtab__numbers {
    double *x;
    size_t n;
} xbtab__numbers;

typedef struct xbtab__pool_job {
    const char *what; /* for the progress report; a static string */
    int n_units;
    void *context; /* given to each function below */

    /** In a worker: run one unit. Its failure (with message) is a result like any other. */
    xbtab_status (*run)(void *context, int unit, xbtab__spice *spice, xbtab__numbers *out);

    /** In the caller: a unit's result, in the order of arrival. status XBTAB_SAMPLE_OK: x[n] is the result;
     *  REFUSED, CRASHED, TIMEOUT: n = 0 and message says why. A failure of sink ends the run. */
    xbtab_status (*sink)(void *context, int unit, xbtab_sample_status status, const char *message,
                         const double *x, size_t n);

    /** In the caller: this unit is finished already. NULL = none is. */
    bool (*is_done)(void *context, int unit);

    /** Seconds a unit may take. */
    double (*deadline)(void *context, int unit);
} xbtab__pool_job;

typedef struct xbtab__pool_options {
    int workers;                /* processes (0 = one a core) */
    int recycle_after;          /* units after which a worker is replaced by a fresh one (0 = 1000) */
    xbtab_progress_fn progress; /* NULL = none */
    void *payload;
} xbtab__pool_options;

/** What a run needed. */
typedef struct xbtab__pool_report {
    int failed;       /* units whose result is not XBTAB_SAMPLE_OK */
    int replaced;     /* workers that died or were killed */
    char ngspice[32]; /* version of libngspice */
} xbtab__pool_report;

/** Run every unit that is not done. @return XBTAB_ERR_CANCELED (progress said so), the sink's failure,
 * XBTAB_ERR_SPICE (ngspice cannot be started), XBTAB_ERR_IO, XBTAB_ERR_NOMEM. Call it from a process without
 * threads at work. */
xbtab_status xbtab__pool_run(const xbtab__pool_job *job, const xbtab__pool_options *options,
                             xbtab__pool_report *report) XBTAB_MUST_CHECK;

#endif
