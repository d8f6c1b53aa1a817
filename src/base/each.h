/* each.h - a loop whose items threads share, that tells how far it is and stops when it is asked to.
 *
 * Items are taken in order. The thread that called the loop tells its progress, between items and wherever an
 * item's work polls; while others finish, it waits and goes on telling. Work deep inside an item that takes
 * long polls with xbtab__each_poll() and needs no loop to be handed down to it. */
#ifndef XBTAB_BASE_EACH_H
#define XBTAB_BASE_EACH_H

#include <stddef.h>

#include <xbartab/progress.h>

#include "check.h"

typedef struct xbtab__each_options {
    int threads;                /* at least 1 */
    const char *what, *items;   /* of progress reports, and of what is said when it is canceled */
    double work;                /* an item's, in the units that it polls with (0 = it does not count) */
    xbtab_progress_fn progress; /* NULL = none */
    void *payload;
} xbtab__each_options;

typedef xbtab_status (*xbtab__each_fn)(void *context, size_t item, int thread);

/** work(context, item, thread) for each of n items.
 *  @return of the items that failed the first one's status and message; XBTAB_ERR_CANCELED. */
xbtab_status xbtab__each(size_t n, const xbtab__each_options *options, xbtab__each_fn work,
                         void *context) XBTAB_MUST_CHECK;

/** So much of the item's work is done, and the loop that this thread works for may want to stop. Outside of
 * any loop nothing happens. @return XBTAB_OK or XBTAB_ERR_CANCELED. */
xbtab_status xbtab__each_poll(double work) XBTAB_MUST_CHECK;

/** What xbtab__each_poll() is going to be told next, and how much of it is done already: for work of minutes,
 * from the loop's first thread. */
void xbtab__each_begin(double work);
xbtab_status xbtab__each_poll_share(double share) XBTAB_MUST_CHECK;

#endif
