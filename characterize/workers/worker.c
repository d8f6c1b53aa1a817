/* worker.c - the parent's side of the pool: it hands out units, collects replies, and replaces workers.
 *
 * Each worker has a slot with one socket. A slot holds at most one unit, and keeps it when its worker dies,
 * so that the replacement tries the same unit once more; after the second time the unit is reported as
 * crashed or out of time. An analysis that uses up its time on the processor (SIGPROF) would do so again, and
 * is not tried again. A worker that somebody shot (SIGKILL that is not ours) says nothing about its unit,
 * so that does not count, within reason. Workers are ended with SIGKILL throughout: they hold nothing that
 * needs a farewell. Each leads a process group of its own, which ends with it; a terminal's Ctrl-C and Ctrl-Z
 * therefore reach the parent alone, which ends its workers, or leaves them to finish their units and wait. */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "worker_private.h"

enum {
    NO_UNIT = -1,
    MAX_TRIES = 2,
    MAX_STARTS = 3,
    MAX_SHOTS = 20, /* of one slot between two replies: then it is no accident */
    START_GRACE_MS = 1000,
    TICK_MS = 50,
    RECEIVE_STEP = 1 << 16
};

static const double seconds_to_start = 60, seconds_default = 600;
static const long units_per_worker_default = 2000;
static const uint64_t largest_reply = (uint64_t)1 << 32; /* more is a worker gone mad [bytes] */

typedef enum slot_state {
    SLOT_EMPTY,    /* no process */
    SLOT_STARTING, /* its ngspice is not up yet */
    SLOT_IDLE,
    SLOT_BUSY /* with its unit */
} slot_state;

typedef struct worker_slot {
    slot_state state;
    pid_t pid;
    int socket;
    int n_starts;    /* workers in a row that have not come up */
    long n_units;    /* done by this worker */
    size_t rss;      /* of this worker, latest [bytes] */
    long unit;       /* NO_UNIT = none; kept for the next worker when this one dies */
    int n_tries;     /* of that unit */
    int n_shots;     /* workers shot by others since the last reply */
    double deadline; /* of the start or the unit, by clock_now(); later by what the worker waits for a core */
    double waited;   /* for a core, when its start or unit began [s] */
    xbtab__bytes in; /* received so far; at most one message */
} worker_slot;

typedef struct worker_pool {
    const xbtab__pool_options *options;
    xbtab__worker_task task;
    xbtab__sink_fn sink;
    xbtab__pool_stats stats;
    worker_slot *slots;
    struct pollfd *polls; /* polls[n_slots] */
    int n_slots;
    long n_units, next; /* units below next are handed out or skipped */
    double began, told; /* when the run began, and when progress was told last */
} worker_pool;

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* How long a process was ready to run and found no core free [s]; 0 where Linux does not tell. With that left
 * out, a crowded machine does not turn a unit that would have ended well into one that is out of time. */
static double waited_for_a_core(pid_t pid)
{
    char path[64];
    double ran, waited = 0;
    snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%lf %lf", &ran, &waited) != 2) waited = 0;
    fclose(file);
    return 1e-9 * waited;
}

static bool is_out_of_time(const worker_slot *slot, double now)
{
    return (slot->state == SLOT_STARTING || slot->state == SLOT_BUSY) && now > slot->deadline &&
           now > slot->deadline + waited_for_a_core(slot->pid) - slot->waited;
}

/* ---- workers come and go ---- */

/* Returns what waitpid() says. A worker that was dying already keeps its own reason. */
static int end_worker(worker_pool *pool, worker_slot *slot)
{
    int status = 0;
    if (slot->state == SLOT_EMPTY) return status;
    if (slot->state ==
        SLOT_STARTING) { /* a worker that is killed in these 2 ms would leave its folder behind */
        struct pollfd up = {.fd = slot->socket, .events = POLLIN};
        (void)!poll(&up, 1, START_GRACE_MS);
    }
    close(slot->socket);
    kill(-slot->pid, SIGKILL); /* the group, while its leader is not waited for yet */
    kill(slot->pid, SIGKILL);
    while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (slot->rss > pool->stats.rss_last_bytes) pool->stats.rss_last_bytes = slot->rss;
    slot->state = SLOT_EMPTY;
    slot->in.n = 0;
    return status;
}

static xbtab_status start_worker(worker_pool *pool, worker_slot *slot)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        XBTAB_FAIL(XBTAB_ERR_IO, "cannot open a socket to a worker: %s", strerror(errno));
    }
    pool->task.socket = ends[1];
    pid_t pid = fork();
    if (pid == 0) xbtab__worker_live(&pool->task);
    int reason = errno;
    if (pid > 0) setpgid(pid, pid); /* by whoever of both comes first */
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        XBTAB_FAIL(XBTAB_ERR_IO, "cannot start a worker process: %s", strerror(reason));
    }
    slot->state = SLOT_STARTING;
    slot->pid = pid;
    slot->socket = ends[0];
    slot->n_starts++;
    slot->n_units = 0;
    slot->rss = 0;
    slot->waited = 0;
    slot->deadline = clock_now() + seconds_to_start;
    return XBTAB_OK;
}

/* ---- units ---- */

static bool is_done(const worker_pool *pool, long unit)
{
    return pool->options->is_done && pool->options->is_done(unit, pool->task.context);
}

/* True if the slot has a unit: the one that its former worker left behind, or the next one. */
static bool has_unit(worker_pool *pool, worker_slot *slot)
{
    if (slot->unit != NO_UNIT) return true;
    while (pool->next < pool->n_units && is_done(pool, pool->next)) pool->next++;
    if (pool->next == pool->n_units) return false;
    slot->unit = pool->next++;
    slot->n_tries = 0;
    return true;
}

static void send_unit(const worker_pool *pool, worker_slot *slot)
{
    const xbtab__pool_options *options = pool->options;
    int64_t unit = slot->unit;
    /* Eight bytes into an empty socket: they go at once, or the worker is dead, which poll() will tell. */
    (void)!send(slot->socket, &unit, sizeof unit, MSG_NOSIGNAL);
    slot->state = SLOT_BUSY;
    slot->n_tries++;
    slot->waited = waited_for_a_core(slot->pid);
    slot->deadline =
        clock_now() +
        (options->seconds_max ? options->seconds_max(slot->unit, pool->task.context) : seconds_default);
}

/* Whatever the slot's state allows without waiting. */
static xbtab_status go_on(worker_pool *pool, worker_slot *slot)
{
    if (slot->state == SLOT_EMPTY) return has_unit(pool, slot) ? start_worker(pool, slot) : XBTAB_OK;
    if (slot->state != SLOT_IDLE) return XBTAB_OK;
    if (has_unit(pool, slot)) {
        send_unit(pool, slot);
    } else {
        end_worker(pool, slot);
    }
    return XBTAB_OK;
}

static xbtab_status deliver(worker_pool *pool, worker_slot *slot, xbtab_sample_status sample,
                            const void *bytes, size_t n)
{
    long unit = slot->unit;
    slot->unit = NO_UNIT;
    XBTAB_TRY(pool->sink(unit, sample, bytes, n, pool->task.context));
    pool->stats.n_units++;
    if (sample != XBTAB_SAMPLE_OK) pool->stats.n_failed++;
    return XBTAB_OK;
}

/* The worker is dead, or has gone mad, or is late. */
static xbtab_status lose_worker(worker_pool *pool, worker_slot *slot, xbtab_sample_status why)
{
    bool was_busy = slot->state == SLOT_BUSY;
    int status = end_worker(pool, slot);
    int by = why == XBTAB_SAMPLE_CRASHED && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool was_shot = by == SIGKILL;
    pool->stats.n_lost++;
    if (was_shot && slot->n_shots++ < MAX_SHOTS) {
        if (was_busy) {
            slot->n_tries--;
            pool->stats.n_retried++;
        } else {
            slot->n_starts--;
        }
        return XBTAB_OK;
    }
    if (slot->n_starts >= MAX_STARTS) {
        XBTAB_FAIL(XBTAB_ERR_SPICE, "%d workers in a row did not get ngspice to start", MAX_STARTS);
    }
    if (!was_busy) return XBTAB_OK;
    if (by == SIGPROF) return deliver(pool, slot, XBTAB_SAMPLE_TIMEOUT, NULL, 0);
    if (slot->n_tries >= MAX_TRIES) return deliver(pool, slot, why, NULL, 0);
    pool->stats.n_retried++;
    return XBTAB_OK;
}

static xbtab_status take_reply(worker_pool *pool, worker_slot *slot, const xbtab__message *message,
                               const void *bytes)
{
    const xbtab__pool_options *options = pool->options;
    long limit = options->units_per_worker > 0 ? options->units_per_worker : units_per_worker_default;
    if (message->status < 0) {
        XBTAB_FAIL((xbtab_status)message->status, "%.*s", (int)message->n, (const char *)bytes);
    }
    if (slot->state == SLOT_STARTING) {
        slot->n_starts = 0;
        slot->state = SLOT_IDLE;
        slot->in.n = 0;
        return XBTAB_OK;
    }
    slot->n_shots = 0;
    slot->rss = (size_t)message->rss;
    if (slot->n_units++ == 0 && slot->rss > pool->stats.rss_first_bytes) {
        pool->stats.rss_first_bytes = slot->rss;
    }
    slot->state = SLOT_IDLE;
    XBTAB_TRY(deliver(pool, slot, (xbtab_sample_status)message->sample, bytes, (size_t)message->n));
    slot->in.n = 0;
    if (message->retire || slot->n_units >= limit) {
        end_worker(pool, slot);
        pool->stats.n_recycled++;
    }
    return XBTAB_OK;
}

static xbtab_status receive(worker_pool *pool, worker_slot *slot)
{
    unsigned char block[RECEIVE_STEP];
    xbtab__message message;
    ssize_t got = recv(slot->socket, block, sizeof block, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return XBTAB_OK;
    if (got <= 0) return lose_worker(pool, slot, XBTAB_SAMPLE_CRASHED);
    xbtab__bytes_add(&slot->in, block, (size_t)got);
    if (slot->in.failed) return XBTAB_NOMEM();
    if (slot->in.n < sizeof message) return XBTAB_OK;
    memcpy(&message, slot->in.data, sizeof message);
    int64_t expected = slot->state == SLOT_BUSY ? slot->unit : NO_UNIT;
    size_t rest = slot->in.n - sizeof message;
    if (message.magic != XBTAB__MESSAGE_MAGIC || slot->state == SLOT_IDLE || message.unit != expected ||
        message.n > largest_reply || rest > message.n) {
        return lose_worker(pool, slot, XBTAB_SAMPLE_CRASHED);
    }
    return rest < message.n ? XBTAB_OK : take_reply(pool, slot, &message, slot->in.data + sizeof message);
}

/* ---- the run ---- */

static xbtab_status tell_progress(worker_pool *pool, bool at_end)
{
    const xbtab__pool_options *options = pool->options;
    double now = clock_now();
    if (!options->progress || (!at_end && now - pool->told < 1e-3 * TICK_MS)) return XBTAB_OK;
    pool->told = now;
    long done = pool->stats.n_skipped + pool->stats.n_units;
    double seconds = now - pool->began;
    xbtab_progress progress = {.what = options->what ? options->what : "circuits",
                               .done = done,
                               .total = pool->n_units,
                               .failed = pool->stats.n_failed,
                               .seconds = seconds,
                               .seconds_left = -1};
    if (pool->stats.n_units > 0) {
        progress.seconds_left = seconds / (double)pool->stats.n_units * (double)(pool->n_units - done);
    }
    if (options->progress(&progress, options->progress_payload) == 0 || at_end) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled after %ld of %ld %s", done, pool->n_units, progress.what);
}

/* True while any worker lives. */
static bool wait_for_workers(worker_pool *pool)
{
    bool any = false;
    for (int s = 0; s < pool->n_slots; s++) {
        bool lives = pool->slots[s].state != SLOT_EMPTY;
        pool->polls[s] = (struct pollfd){.fd = lives ? pool->slots[s].socket : -1, .events = POLLIN};
        any = any || lives;
    }
    if (any && poll(pool->polls, (nfds_t)pool->n_slots, TICK_MS) < 0) {
        for (int s = 0; s < pool->n_slots; s++) pool->polls[s].revents = 0; /* a signal: progress decides */
    }
    return any;
}

static xbtab_status run(worker_pool *pool)
{
    for (;;) {
        for (int s = 0; s < pool->n_slots; s++) XBTAB_TRY(go_on(pool, &pool->slots[s]));
        XBTAB_TRY(tell_progress(pool, false));
        if (!wait_for_workers(pool)) break;
        double now = clock_now();
        for (int s = 0; s < pool->n_slots; s++) {
            worker_slot *slot = &pool->slots[s];
            if (pool->polls[s].revents) {
                XBTAB_TRY(receive(pool, slot));
            } else if (is_out_of_time(slot, now)) {
                XBTAB_TRY(lose_worker(pool, slot, XBTAB_SAMPLE_TIMEOUT));
            }
        }
    }
    return tell_progress(pool, true);
}

xbtab_status xbtab__pool_run(xbtab__pool_stats *stats, const xbtab__pool_options *options, long n_units,
                             xbtab__unit_fn unit, xbtab__sink_fn sink, void *context)
{
    xbtab_status status = XBTAB_OK;
    worker_pool pool = {.options = options,
                        .task = {.options = options, .unit = unit, .context = context, .parent = getpid()},
                        .sink = sink,
                        .n_slots = options->n_workers > 0 ? options->n_workers : 1,
                        .n_units = n_units,
                        .began = clock_now()};
    for (long u = 0; u < n_units; u++) pool.stats.n_skipped += is_done(&pool, u);
    pool.slots = xbtab__alloc((size_t)pool.n_slots, sizeof *pool.slots);
    pool.polls = xbtab__alloc((size_t)pool.n_slots, sizeof *pool.polls);
    if (!pool.slots || !pool.polls) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int s = 0; s < pool.n_slots; s++) pool.slots[s].unit = NO_UNIT;
    status = run(&pool);
done:
    for (int s = 0; pool.slots && s < pool.n_slots; s++) {
        end_worker(&pool, &pool.slots[s]);
        xbtab__bytes_clear(&pool.slots[s].in);
    }
    xbtab__free(pool.slots);
    xbtab__free(pool.polls);
    pool.stats.seconds = clock_now() - pool.began;
    if (stats) *stats = pool.stats;
    return status;
}

int xbtab__cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}
