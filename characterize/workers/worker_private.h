/* worker_private.h - what passes between the pool (worker.c) and a worker (worker_child.c) on their socket.
 *
 * The pool sends unit numbers (int64_t); the worker sends a message first when ngspice is up, and then one
 * for each unit. Both ends are the same program, so the structures pass as they are. */
#ifndef XBTAB_CHARACTERIZE_WORKER_PRIVATE_H
#define XBTAB_CHARACTERIZE_WORKER_PRIVATE_H

#include <stdint.h>

#include <sys/types.h>

#include "worker.h"

enum { XBTAB__MESSAGE_MAGIC = 0x78627761 };

typedef struct xbtab__message {
    uint32_t magic;
    int32_t status; /* xbtab_status; failing: the bytes are its text */
    int32_t sample; /* xbtab_sample_status */
    int32_t retire; /* non-zero: this worker does no more units */
    int64_t unit;   /* -1: ngspice is up, or failed to start */
    uint64_t rss;   /* resident memory [bytes] */
    uint64_t n;     /* bytes behind this header */
} xbtab__message;

/** What a worker needs to know; the pool fills it before the fork. */
typedef struct xbtab__worker_task {
    const xbtab__pool_options *options;
    xbtab__unit_fn unit;
    void *context;
    pid_t parent;
    int socket;
} xbtab__worker_task;

/** The whole life of a worker process; does not return. */
_Noreturn void xbtab__worker_live(const xbtab__worker_task *task);

#endif
