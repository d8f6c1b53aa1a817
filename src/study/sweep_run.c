/* sweep_run.c - the runs of a sweep, each a study in a process of its own. */
#include "sweep_private.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xbartab/study.h>

#include "clock.h"
#include "memory.h"

/* What a run leaves for its parent. */
typedef struct outcome {
    bool is_canceled;
    double figure[XBTAB_SWEEP_FIGURES];
    char status[sizeof((xbtab_sweep_row *)0)->status];
} outcome;

/* Memory of the parent and all its runs. */
typedef struct board {
    atomic_int is_canceled; /* by the parent: the runs end soon */
    outcome outcome[XBTAB_SWEEP_WORKERS];
} board;

/* A run that is under way. */
typedef struct worker {
    pid_t pid; /* 0 = free */
    int row;
} worker;

/* All runs of a sweep, and how far it is. */
typedef struct runs {
    xbtab_sweep *sweep;
    board *board;
    int lock; /* of the file: not the runs' */
    worker worker[XBTAB_SWEEP_WORKERS];
    long done, failed, before; /* rows; those that an earlier sweep has done */
    double began;
    bool is_canceled;
} runs;

/* ---- in the run's own process ---- */

static int ask_parent(const xbtab_progress *progress, void *payload)
{
    const board *b = payload;
    (void)progress;
    return atomic_load(&b->is_canceled);
}

static void take_figures(double figure[XBTAB_SWEEP_FIGURES], const xbtab_study_result *r)
{
    const xbtab_study_accuracy *a = &r->accuracy;
    figure[XBTAB_SWEEP_ADC_BITS] = r->mapped.adc_bits;
    figure[XBTAB_SWEEP_ADC_BITS_NEEDED] = r->mapped.adc_bits_needed;
    figure[XBTAB_SWEEP_IMAGES] = (double)r->images;
    figure[XBTAB_SWEEP_TILES] = (double)r->mapped.tiles;
    figure[XBTAB_SWEEP_FLOAT] = a->network;
    figure[XBTAB_SWEEP_INTEGER] = a->integer;
    figure[XBTAB_SWEEP_IDEAL] = a->ideal;
    figure[XBTAB_SWEEP_MODE] = strcmp(r->mode, "ideal") == 0 ? a->ideal : a->mode;
    figure[XBTAB_SWEEP_HELDOUT_RMSE] = r->transfer_rmse;
    figure[XBTAB_SWEEP_TILE_RMSE] = strcmp(r->mode, "table") == 0 ? r->mapped.tile_rmse : NAN;
}

static xbtab_status take_cost(double figure[XBTAB_SWEEP_FIGURES], xbtab_study *study,
                              const xbtab_study_result *r)
{
    const xbtab_network_cost *c;
    XBTAB_TRY(xbtab_study_cost(study, r, &c));
    figure[XBTAB_SWEEP_ENERGY] = c->energy;
    figure[XBTAB_SWEEP_ENERGY_UNCERTAINTY] = c->uncertainty;
    figure[XBTAB_SWEEP_LATENCY] = c->latency;
    figure[XBTAB_SWEEP_AREA] = c->area;
    figure[XBTAB_SWEEP_ENERGY_DELAY] = c->energy * c->latency;
    return XBTAB_OK;
}

static xbtab_status run_study(outcome *out, const runs *a, const char *text)
{
    const xbtab_sweep_options *o = &a->sweep->o;
    const xbtab_study_options options = {.network = o->network,
                                         .arch = XBTAB__SWEEP_POINT,
                                         .arch_text = text,
                                         .images = o->images,
                                         .labels = o->labels,
                                         .models = o->models,
                                         .cache = o->cache,
                                         .input_shape = o->input_shape,
                                         .n_input_shapes = o->n_input_shapes,
                                         .limit = o->limit,
                                         .calibrate = o->calibrate,
                                         .raw_pixels = o->raw_pixels,
                                         .mode = o->mode,
                                         .threads = a->sweep->threads,
                                         .progress = ask_parent,
                                         .payload = a->board};
    xbtab_study *study = NULL;
    xbtab_study_result result;
    xbtab_status status = xbtab_study_open(&study, &options);
    if (status == XBTAB_OK) status = xbtab_study_infer(study, &result);
    if (status == XBTAB_OK && o->cost) status = take_cost(out->figure, study, &result);
    if (status == XBTAB_OK) take_figures(out->figure, &result);
    xbtab_study_close(&study);
    return status;
}

/* Why there is no row: where the point's own text is at fault, its line alone. */
static void put_complaint(outcome *out)
{
    static const char place[] = XBTAB__SWEEP_POINT ":";
    const char *text = xbtab_error_message();
    if (strncmp(text, place, sizeof place - 1) == 0) text += sizeof place - 1;
    snprintf(out->status, sizeof out->status, "%.250s", text);
}

/* Handlers of the program must not run here; an interrupt of the whole group is for the parent to decide. */
static void reset_signals(void)
{
    static const int defaults[] = {SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2};
    for (size_t k = 0; k < sizeof defaults / sizeof *defaults; k++) signal(defaults[k], SIG_DFL);
    signal(SIGINT, SIG_IGN);
}

static void live(const runs *a, int k, const char *text, pid_t parent)
{
    outcome *out = &a->board->outcome[k];
    prctl(PR_SET_PDEATHSIG, SIGKILL);             /* a sweep that is killed leaves no run behind */
    if (getppid() != parent) _exit(EXIT_FAILURE); /* it died before the line above */
    reset_signals();
    close(a->lock);
    const xbtab_status status = run_study(out, a, text);
    if (status == XBTAB_OK)
        snprintf(out->status, sizeof out->status, "ok");
    else
        put_complaint(out);
    out->is_canceled = status < 0 && atomic_load(&a->board->is_canceled);
    _exit(EXIT_SUCCESS);
}

/* ---- in the sweep's process ---- */

static xbtab_status start(runs *a, int k, int r)
{
    xbtab_sweep_row *row = &a->sweep->row[r];
    outcome *out = &a->board->outcome[k];
    char *text = NULL;
    xbtab_status status = xbtab__sweep_text(&text, a->sweep, row);
    if (status == XBTAB_ERR_NOMEM) return status;
    if (status < 0) { /* no preset: its status says why */
        snprintf(row->status, sizeof row->status, "%s", xbtab_error_message());
        row->is_done = 1;
        a->done++;
        return XBTAB_OK;
    }
    *out = (outcome){.is_canceled = false};
    for (int f = 0; f < XBTAB_SWEEP_FIGURES; f++) out->figure[f] = NAN;
    const pid_t parent = getpid();
    /* The threads that a parallel loop keeps for the next one are not in a forked process, which would wait
     * for them. */
    omp_pause_resource_all(omp_pause_hard);
    const pid_t pid = fork();
    if (pid == 0) live(a, k, text, parent);
    const int reason = errno;
    free(text);
    if (pid < 0) XBTAB_FAIL(XBTAB_ERR_IO, "cannot start a process: %s", strerror(reason));
    a->worker[k] = (worker){.pid = pid, .row = r};
    return XBTAB_OK;
}

/* Take what a run has left, if it has ended. A run that was canceled is not done. */
static xbtab_status finish(runs *a, int k, bool *has_ended)
{
    worker *w = &a->worker[k];
    const outcome *out = &a->board->outcome[k];
    int how = 0;
    const pid_t pid = waitpid(w->pid, &how, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR)) return XBTAB_OK;
    *has_ended = true;
    w->pid = 0;
    if (pid < 0) XBTAB_FAIL(XBTAB_ERR_IO, "lost a process: %s", strerror(errno));
    if (out->is_canceled) return XBTAB_OK;
    if (!WIFEXITED(how) || !*out->status) {
        if (a->is_canceled) return XBTAB_OK;
        XBTAB_FAIL(XBTAB_ERR_IO, "a run ended by a signal; start again to continue");
    }
    xbtab_sweep_row *row = &a->sweep->row[w->row];
    memcpy(row->figure, out->figure, sizeof row->figure);
    memcpy(row->status, out->status, sizeof row->status);
    row->is_done = 1;
    a->done++;
    a->failed += strcmp(row->status, "ok") != 0;
    return xbtab__sweep_write(a->sweep);
}

/* Tell how far it is. Asked to stop, the runs are told so too, and what they have not finished is left out.
 */
static xbtab_status tell(runs *a)
{
    const xbtab_sweep_options *o = &a->sweep->o;
    const double seconds = xbtab__seconds() - a->began;
    const long now = a->done - a->before, left = a->sweep->n_rows - a->done;
    const xbtab_progress p = {.what = "sweep",
                              .done = a->done,
                              .total = a->sweep->n_rows,
                              .failed = a->failed,
                              .seconds = seconds,
                              .seconds_left = now > 0 ? seconds / (double)now * (double)left : -1};
    if (!o->progress || a->is_canceled || !o->progress(&p, o->payload)) return XBTAB_OK;
    a->is_canceled = true;
    atomic_store(&a->board->is_canceled, 1);
    XBTAB_FAIL(XBTAB_ERR_CANCELED, "canceled with %ld of %d runs done; start again to continue", a->done,
               a->sweep->n_rows);
}

/* The first failure is the one that is told: what comes after it has a message too. */
static void keep_first(xbtab_status *first, xbtab_status next, char message[512])
{
    if (*first < 0 || next >= 0) return;
    *first = next;
    snprintf(message, 512, "%s", xbtab_error_message());
}

/* One look at all workers: those that have ended are taken, and where none has, a moment passes. */
static void look(runs *a, xbtab_status *status, char message[512])
{
    bool has_ended = false;
    for (int k = 0; k < a->sweep->o.workers; k++) {
        if (a->worker[k].pid) keep_first(status, finish(a, k, &has_ended), message);
    }
    if (!has_ended) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    keep_first(status, tell(a), message);
}

static xbtab_status run_all(runs *a)
{
    const xbtab_sweep *s = a->sweep;
    xbtab_status status = XBTAB_OK;
    char message[512] = "";
    int busy = 0;
    for (int r = 0; (r < s->n_rows && status == XBTAB_OK) || busy;) {
        while (r < s->n_rows && s->row[r].is_done) r++;
        int k = 0;
        while (k < s->o.workers && a->worker[k].pid) k++;
        if (r < s->n_rows && status == XBTAB_OK && k < s->o.workers)
            keep_first(&status, start(a, k, r++), message);
        else if (busy)
            look(a, &status, message);
        busy = 0;
        for (k = 0; k < s->o.workers; k++) busy += a->worker[k].pid != 0;
    }
    return status < 0 ? xbtab__error_set(status, "%s", message) : xbtab__sweep_write(s);
}

xbtab_status xbtab_sweep_run(xbtab_sweep *s)
{
    runs a = {.sweep = s, .began = xbtab__seconds()};
    XBTAB_TRY(xbtab__sweep_lock(&a.lock, s->o.csv));
    xbtab_status status = xbtab__sweep_read(s);
    a.board = mmap(NULL, sizeof *a.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (status == XBTAB_OK && a.board == MAP_FAILED) status = XBTAB_NOMEM();
    for (int r = 0; r < s->n_rows; r++) a.before += s->row[r].is_done;
    a.done = a.before;
    if (status == XBTAB_OK) status = run_all(&a);
    if (a.board != MAP_FAILED) munmap(a.board, sizeof *a.board);
    xbtab__sweep_unlock(a.lock, s->o.csv);
    return status;
}
