/* worker.c - the pool: who works on what, what came back, who died.
 *
 * The caller and a worker talk over a socket pair: the caller sends a unit's number, the worker answers with
 * a header and the unit's numbers or message. A closed socket is a dead worker. Workers die with their
 * parent. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

enum {
    MOST_TRIES = 2, /* of a unit whose worker dies */
    MOST_WORKERS = 1024,
    TICK_MILLISECONDS = 200, /* between progress reports and looks at the deadlines */
    LONGEST_MESSAGE = 1024,
    HELLO = -1 /* unit number of the first answer: the worker is ready, and tells the version */
};

typedef struct answer_header {
    int32_t unit;
    int32_t status; /* xbtab_status of the unit's function */
    uint64_t n_bytes;
} answer_header;

typedef struct worker {
    pid_t pid;
    int socket; /* -1 = no such worker */
    int unit;   /* being worked on; -1 = none */
    bool is_ready;
    bool timed_out;
    double deadline;
    char *buffer;
    size_t used, room;
} worker;

typedef struct pool {
    const xbtab__pool_job *job;
    const xbtab__pool_options *options;
    xbtab__pool_report *report;
    worker *worker;
    int n_workers;
    char *tries; /* tries[n_units] so far */
    int *again;  /* units to be tried again */
    int n_again;
    int next; /* next unit never handed out */
    int done, total;
    double began;
} pool;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- in the worker ---- */

static bool send_all(int socket, const void *data, size_t n)
{
    const char *bytes = data;
    while (n > 0) {
        ssize_t wrote = send(socket, bytes, n, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static bool answer(int socket, int unit, xbtab_status status, const void *data, size_t n)
{
    answer_header header = {.unit = unit, .status = status, .n_bytes = n};
    return send_all(socket, &header, sizeof header) && send_all(socket, data, n);
}

static void work(const xbtab__pool_job *job, int recycle_after, int socket)
{
    xbtab__spice *spice = NULL;
    xbtab_status status = xbtab__spice_open(&spice);
    const char *hello = status < 0 ? xbtab_error_message() : xbtab__spice_version(spice);
    if (!answer(socket, HELLO, status, hello, strlen(hello)) || status < 0) return;
    for (int n_done = 0; n_done < recycle_after; n_done++) {
        int32_t unit;
        ssize_t got;
        do got = recv(socket, &unit, sizeof unit, MSG_WAITALL);
        while (got < 0 && errno == EINTR);
        if (got != (ssize_t)sizeof unit) return;
        xbtab__numbers numbers = {0};
        status = job->run(job->context, unit, spice, &numbers);
        bool sent = status < 0
                        ? answer(socket, unit, status, xbtab_error_message(), strlen(xbtab_error_message()))
                        : answer(socket, unit, status, numbers.x, numbers.n * sizeof *numbers.x);
        xbtab__free(numbers.x);
        if (!sent || xbtab__spice_is_poisoned(spice)) return;
    }
}

static void become_worker(const pool *p, int socket)
{
    struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the caller decides when to stop */
    signal(SIGTERM, SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
    for (int w = 0; w < p->n_workers; w++) {
        if (p->worker[w].socket >= 0) close(p->worker[w].socket);
    }
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO); /* ngspice's words come through its callback; nothing else may leak */
        close(nowhere);
    }
    work(p->job, p->options->recycle_after > 0 ? p->options->recycle_after : 1000, socket);
    _exit(0); /* no exit handlers: they belong to the caller */
}

/* ---- in the caller ---- */

static xbtab_status start(pool *p, worker *w)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        XBTAB_FAIL(XBTAB_ERR_IO, "cannot start a worker: %s", strerror(errno));
    }
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        close(pair[0]);
        close(pair[1]);
        XBTAB_FAIL(XBTAB_ERR_IO, "cannot start a worker: %s", strerror(errno));
    }
    if (pid == 0) {
        close(pair[0]);
        if (getppid() != parent) _exit(1);
        become_worker(p, pair[1]);
    }
    close(pair[1]);
    w->pid = pid;
    w->socket = pair[0];
    w->unit = -1;
    w->is_ready = w->timed_out = false;
    w->deadline = now() + 60.0; /* to load the library: milliseconds, on an idle machine */
    w->used = 0;
    return XBTAB_OK;
}

static void stop(worker *w)
{
    if (w->socket < 0) return;
    kill(w->pid, SIGKILL);
    close(w->socket);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) continue;
    w->socket = -1;
}

static int next_unit(pool *p)
{
    if (p->n_again > 0) return p->again[--p->n_again];
    while (p->next < p->job->n_units && p->job->is_done && p->job->is_done(p->job->context, p->next))
        p->next++;
    return p->next < p->job->n_units ? p->next++ : -1;
}

static bool has_work(pool *p)
{
    int unit = next_unit(p);
    if (unit < 0) return false;
    p->again[p->n_again++] = unit;
    return true;
}

static void give_work(pool *p, worker *w)
{
    if (!w->is_ready || w->unit >= 0) return;
    int unit = next_unit(p);
    if (unit < 0) return;
    int32_t message = unit;
    w->unit = unit;
    p->tries[unit]++;
    w->deadline = now() + p->job->deadline(p->job->context, unit);
    (void)send_all(w->socket, &message, sizeof message); /* a dead worker shows as a closed socket */
}

static xbtab_status deliver(pool *p, int unit, xbtab_sample_status status, const char *message,
                            const double *x, size_t n)
{
    p->done++;
    if (status != XBTAB_SAMPLE_OK) p->report->failed++;
    return p->job->sink(p->job->context, unit, status, message, x, n);
}

static xbtab_status take_answer(pool *p, worker *w)
{
    answer_header header;
    char message[LONGEST_MESSAGE + 1];
    xbtab_status status = XBTAB_OK;
    memcpy(&header, w->buffer, sizeof header);
    const char *body = w->buffer + sizeof header;
    size_t n = (size_t)header.n_bytes;
    snprintf(message, sizeof message, "%.*s", (int)(n < LONGEST_MESSAGE ? n : LONGEST_MESSAGE), body);
    if (header.unit == HELLO) {
        w->is_ready = true;
        if (header.status < 0) status = xbtab__error_set((xbtab_status)header.status, "%s", message);
        snprintf(p->report->ngspice, sizeof p->report->ngspice, "%.31s", message);
    } else if (header.status < 0) {
        status = deliver(p, w->unit, XBTAB_SAMPLE_REFUSED, message, NULL, 0);
        w->unit = -1;
    } else {
        double *x = xbtab__alloc(n / sizeof *x, sizeof *x);
        if (!x) return XBTAB_NOMEM();
        memcpy(x, body, n);
        status = deliver(p, w->unit, XBTAB_SAMPLE_OK, "", x, n / sizeof *x);
        xbtab__free(x);
        w->unit = -1;
    }
    w->used = 0;
    return status;
}

static xbtab_status bury(pool *p, worker *w)
{
    int unit = w->unit;
    bool timed_out = w->timed_out, was_ready = w->is_ready;
    stop(w);
    if (!was_ready) XBTAB_FAIL(XBTAB_ERR_SPICE, "a worker died while it loaded libngspice");
    if (unit < 0) return XBTAB_OK; /* recycled, or out of use */
    p->report->replaced++;
    if (p->tries[unit] < MOST_TRIES) {
        p->again[p->n_again++] = unit;
        return XBTAB_OK;
    }
    return timed_out ? deliver(p, unit, XBTAB_SAMPLE_TIMEOUT, "ngspice took too long", NULL, 0)
                     : deliver(p, unit, XBTAB_SAMPLE_CRASHED, "ngspice crashed", NULL, 0);
}

/* One read's worth of an answer; whole answers are taken. */
static xbtab_status receive(pool *p, worker *w)
{
    if (w->room - w->used < 65536) {
        char *grown = xbtab__realloc(w->buffer, 2 * w->room + 131072, 1);
        if (!grown) return XBTAB_NOMEM();
        w->buffer = grown;
        w->room = 2 * w->room + 131072;
    }
    ssize_t got = recv(w->socket, w->buffer + w->used, w->room - w->used, 0);
    if (got < 0 && errno == EINTR) return XBTAB_OK;
    if (got <= 0) return bury(p, w);
    w->used += (size_t)got;
    answer_header header;
    if (w->used < sizeof header) return XBTAB_OK;
    memcpy(&header, w->buffer, sizeof header);
    return w->used >= sizeof header + header.n_bytes ? take_answer(p, w) : XBTAB_OK;
}

static xbtab_status tell(const pool *p)
{
    if (!p->options->progress) return XBTAB_OK;
    double seconds = now() - p->began;
    xbtab_progress progress = {.what = p->job->what,
                               .done = p->done,
                               .total = p->total,
                               .failed = p->report->failed,
                               .seconds = seconds,
                               .seconds_left = p->done ? seconds / p->done * (p->total - p->done) : -1.0};
    if (p->options->progress(&progress, p->options->payload)) {
        XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled with %d of %d units done", p->done, p->total);
    }
    return XBTAB_OK;
}

static xbtab_status run(pool *p)
{
    struct pollfd *fds = xbtab__alloc((size_t)p->n_workers, sizeof *fds);
    xbtab_status status = XBTAB_OK;
    double told = p->began;
    if (!fds) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(tell(p));
    while (p->done < p->total) {
        for (int w = 0; w < p->n_workers; w++) {
            worker *k = &p->worker[w];
            if (k->socket < 0 && has_work(p)) XBTAB_TRY_DONE(start(p, k));
            if (k->socket >= 0) give_work(p, k);
            fds[w] = (struct pollfd){.fd = k->socket, .events = POLLIN};
        }
        int ready = poll(fds, (nfds_t)p->n_workers, TICK_MILLISECONDS);
        if (ready < 0 && errno != EINTR)
            XBTAB_FAIL_DONE(XBTAB_ERR_IO, "cannot wait for workers: %s", strerror(errno));
        for (int w = 0; w < p->n_workers; w++) {
            worker *k = &p->worker[w];
            if (k->socket < 0) continue;
            if (ready > 0 && fds[w].revents) XBTAB_TRY_DONE(receive(p, k));
            bool is_busy = k->unit >= 0 || !k->is_ready;
            if (k->socket >= 0 && is_busy && now() > k->deadline && !k->timed_out) {
                k->timed_out = true;
                kill(k->pid, SIGKILL); /* its socket closes */
            }
        }
        if (now() - told >= 1e-3 * TICK_MILLISECONDS) {
            told = now();
            XBTAB_TRY_DONE(tell(p));
        }
    }
    status = tell(p);
done:
    xbtab__free(fds);
    return status;
}

xbtab_status xbtab__pool_run(const xbtab__pool_job *job, const xbtab__pool_options *options,
                             xbtab__pool_report *report)
{
    xbtab_status status;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pool p = {.job = job, .options = options, .report = report, .began = now()};
    for (int unit = 0; unit < job->n_units; unit++) {
        if (!job->is_done || !job->is_done(job->context, unit)) p.total++;
    }
    p.n_workers = options->workers > 0 ? options->workers : cores > 0 ? (int)cores : 1;
    if (p.n_workers > MOST_WORKERS) p.n_workers = MOST_WORKERS;
    if (p.n_workers > p.total) p.n_workers = p.total;
    p.worker = xbtab__alloc((size_t)p.n_workers, sizeof *p.worker);
    p.tries = xbtab__alloc((size_t)job->n_units, 1);
    p.again = xbtab__alloc((size_t)job->n_units + 1, sizeof *p.again);
    if (!p.worker || !p.tries || !p.again) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int w = 0; w < p.n_workers; w++) p.worker[w].socket = -1;
    status = run(&p);
    for (int w = 0; w < p.n_workers; w++) stop(&p.worker[w]);
done:
    for (int w = 0; w < p.n_workers && p.worker; w++) xbtab__free(p.worker[w].buffer);
    xbtab__free(p.worker);
    xbtab__free(p.tries);
    xbtab__free(p.again);
    return status;
}
