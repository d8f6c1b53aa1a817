/* each.c - a loop whose items threads share, that tells how far it is and stops when it is asked to. */
#include "each.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <omp.h>

#include "clock.h"

/* [s] between two reports, and of a wait for the other threads */
static const double told_every = 0.05, wait_seconds = 0.001;

typedef struct each {
    const xbtab__each_options *o;
    size_t n;
    struct each *parent; /* the loop that the calling thread works for itself; NULL = none */
    int parent_thread;
    atomic_size_t next, done;
    atomic_int ended;    /* threads but the first that have no items any more */
    atomic_ullong parts; /* of work, in 2^-20 of an item */
    atomic_bool is_stopped;
    bool is_canceled;
    double began, told;
    double unit, share; /* of work that the first thread has under way */
    size_t failed_at;
    xbtab_status failed;
    char message[2048]; /* of what failed */
} each;

/* What a thread works for. */
static _Thread_local each *current;
static _Thread_local int current_thread;

static double left(const each *e, double seconds)
{
    double share = (double)e->done / (double)e->n, parts = ldexp((double)e->parts, -20) / (double)e->n;
    if (e->o->work > 0)
        share = fmin(fmax(share, parts + e->share * e->unit / e->o->work / (double)e->n), 1.0);
    return share > 0 ? seconds * (1 - share) / share : -1;
}

/* Whether the outer loop is to stop, which this loop's first thread works for too. */
static bool is_parent_stopped(const each *e)
{
    each *const mine = current;
    const int thread = current_thread;
    current = e->parent;
    current_thread = e->parent_thread;
    bool is_stopped = xbtab__each_poll(0) < 0;
    current = mine;
    current_thread = thread;
    return is_stopped;
}

/* Of the calling thread only. */
static void tell(each *e, bool is_end)
{
    double now = xbtab__seconds();
    if (!is_end && now - e->told < told_every) return;
    e->told = now;
    if (is_parent_stopped(e)) e->is_stopped = e->is_canceled = true;
    if (!e->o->progress) return;
    xbtab_progress progress = {.what = e->o->what,
                               .done = (long)e->done,
                               .total = (long)e->n,
                               .seconds = now - e->began,
                               .seconds_left = left(e, now - e->began)};
    if (e->o->progress(&progress, e->o->payload)) e->is_stopped = e->is_canceled = true;
}

static void note_failure(each *e, size_t item, xbtab_status status)
{
    e->is_stopped = true;
#pragma omp critical(xbtab_each)
    {
        if (e->failed == XBTAB_OK || item < e->failed_at) {
            e->failed = status;
            e->failed_at = item;
            snprintf(e->message, sizeof e->message, "%s", xbtab_error_message());
        }
    }
}

static void work_through(each *e, xbtab__each_fn work, void *context, int thread)
{
    for (size_t item; !e->is_stopped && (item = e->next++) < e->n;) {
        xbtab_status status = work(context, item, thread);
        if (status < 0) {
            note_failure(e, item, status);
        } else {
            e->done++;
        }
        if (thread == 0 && e->done < e->n) tell(e, false);
    }
}

static void wait_for_others(each *e, int others)
{
    const struct timespec pause = {.tv_nsec = (long)(1e9 * wait_seconds)};
    while (e->ended < others) {
        nanosleep(&pause, NULL);
        if (!e->is_canceled) tell(e, false);
    }
}

xbtab_status xbtab__each(size_t n, const xbtab__each_options *options, xbtab__each_fn work, void *context)
{
    each e = {.o = options, .n = n, .parent = current, .parent_thread = current_thread};
    if (n == 0) return XBTAB_OK;
    e.began = e.told = xbtab__seconds();
#pragma omp parallel num_threads(options->threads)
    {
        each *const outer = current;
        const int outer_thread = current_thread, thread = omp_get_thread_num();
        current = &e;
        current_thread = thread;
        work_through(&e, work, context, thread);
        current = outer;
        current_thread = outer_thread;
        if (thread > 0) {
            e.ended++;
        } else {
            wait_for_others(&e, omp_get_num_threads() - 1);
        }
    }
    if (e.failed != XBTAB_OK && e.failed != XBTAB_ERR_CANCELED)
        return xbtab__error_set(e.failed, "%s", e.message);
    if (!e.is_stopped) tell(&e, true);
    if (!e.is_stopped) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled with %zu of %zu %s done", (size_t)e.done, n, options->items);
}

xbtab_status xbtab__each_poll(double work)
{
    each *e = current;
    if (!e) return XBTAB_OK;
    if (work > 0 && e->o->work > 0) e->parts += (unsigned long long)ldexp(work / e->o->work, 20);
    if (current_thread == 0 && work > 0) e->share = 0;
    if (current_thread == 0) tell(e, false);
    if (!e->is_stopped) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled");
}

void xbtab__each_begin(double work)
{
    if (!current || current_thread > 0) return;
    current->unit = work;
    current->share = 0;
}

xbtab_status xbtab__each_poll_share(double share)
{
    if (current && current_thread == 0) current->share = share;
    return xbtab__each_poll(0);
}
