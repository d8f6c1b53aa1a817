/* The worker pool: workers that crash, hang, are killed or are poisoned, and results that depend on none of
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "worker.h"

enum { MAX_UNITS = 64, UNIT_BYTES = 1024, PATH_SIZE = 128 };

/* What outlives a worker: in memory that all processes share, for workers open no files. */
typedef struct marks {
    volatile int tries[MAX_UNITS];
    volatile pid_t pid[MAX_UNITS];
} marks;

/* What a test's run shares: the units' collected bytes (parent), marks, and the folder where workers start.
 */
typedef struct run {
    char folder[PATH_SIZE];
    marks *marks;
    int n_sunk[MAX_UNITS];
    xbtab_sample_status sample[MAX_UNITS];
    size_t n[MAX_UNITS];
    unsigned char bytes[MAX_UNITS][UNIT_BYTES];
    long order[MAX_UNITS];
    int n_total;
    int n_calls; /* of the progress function */
    xbtab_progress last;
    int cancel_after; /* units */
    int fail_sink_at; /* units */
} run;

static int set_up(void **state)
{
    run *r = test_calloc(1, sizeof *r);
    snprintf(r->folder, sizeof r->folder, "/tmp/xbartab-test-worker-XXXXXX");
    r->cancel_after = r->fail_sink_at = -1;
    r->marks = mmap(NULL, sizeof *r->marks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->marks == MAP_FAILED || !mkdtemp(r->folder)) return -1;
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    run *r = *state;
    int failed = rmdir(r->folder); /* also tells that workers left nothing behind */
    munmap(r->marks, sizeof *r->marks);
    test_free(r);
    return failed;
}

/* True the first time it is called for a unit, in whichever process. */
static bool is_first_try(const run *r, long unit)
{
    return r->marks->tries[unit]++ == 0;
}

static xbtab_status collect(long unit, xbtab_sample_status sample, const void *bytes, size_t n, void *context)
{
    run *r = context;
    if (r->n_total == r->fail_sink_at) return xbtab__error_set(XBTAB_ERR_IO, "the disk is full");
    assert_in_range(unit, 0, MAX_UNITS - 1);
    assert_true(n <= UNIT_BYTES);
    assert_int_equal((uintptr_t)bytes % sizeof(double), 0);
    r->order[r->n_total++] = unit;
    r->n_sunk[unit]++;
    r->sample[unit] = sample;
    r->n[unit] = n;
    if (n > 0) memcpy(r->bytes[unit], bytes, n);
    return XBTAB_OK;
}

static int watch(const xbtab_progress *progress, void *payload)
{
    run *r = payload;
    r->last = *progress;
    r->n_calls++;
    return r->cancel_after >= 0 && progress->done >= r->cancel_after;
}

static xbtab__pool_options options_of(run *r, int n_workers)
{
    return (xbtab__pool_options){
        .n_workers = n_workers, .folder = r->folder, .progress = watch, .progress_payload = r};
}

/* Three vectors through a small nonlinear circuit that depends on the unit; the reply holds the outputs. */
static xbtab_status solve_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    (void)context;
    char netlist[512];
    snprintf(netlist, sizeof netlist,
             ".subckt cell p n g=1\nB1 p n I={g}*sinh(4*V(p,n))/4\n.ends\n"
             "Vi0 1 0 external\nRa 1 2 170\nXc 2 3 cell g=%.17g\nVm 3 0 dc 0\n",
             1e-3 * (1 + 0.2385 * (double)unit));
    const char *const lines[] = {netlist}, *const outputs[] = {"i(vm)", "v(2)"};
    const double values[] = {0.3, 1.1, -0.7};
    double out[6];
    xbtab_sample_status status[3];
    const xbtab__spice_job job = {.lines = lines,
                                  .n_lines = 1,
                                  .n_sources = 1,
                                  .n_vectors = 3,
                                  .values = values,
                                  .n_outputs = 2,
                                  .outputs = outputs};
    xbtab__spice_result result = {.out = out, .status = status};
    XBTAB_TRY(xbtab__spice_sweep(spice, &job, &result));
    if (result.n_failed > 0) *sample = XBTAB_SAMPLE_NOT_CONVERGED;
    xbtab__bytes_add(reply, out, sizeof out);
    return XBTAB_OK;
}

static void assert_whole(const run *r, long n)
{
    assert_int_equal(r->n_total, n);
    for (long u = 0; u < n; u++) assert_int_equal(r->n_sunk[u], 1);
    assert_int_equal(r->last.done, n);
    assert_int_equal(r->last.total, n);
}

/* What units 0 .. n-1 give without any pool: one ngspice, in a fork of this process. */
static void solve_without_pool(unsigned char (*bytes)[UNIT_BYTES], long n)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        xbtab__spice *spice = NULL;
        int bad = xbtab__spice_open(&spice, NULL) < 0;
        for (long u = 0; u < n && !bad; u++) {
            xbtab__bytes reply = {0};
            xbtab_sample_status sample = XBTAB_SAMPLE_OK;
            bad = solve_unit(spice, u, &reply, &sample, NULL) < 0 || sample != XBTAB_SAMPLE_OK ||
                  write(ends[1], reply.data, 48) != 48;
        }
        _exit(bad);
    }
    close(ends[1]);
    for (long u = 0; u < n; u++) assert_int_equal(read(ends[0], bytes[u], 48), 48);
    close(ends[0]);
    waitpid(pid, NULL, 0);
}

static void any_number_of_workers_gives_the_same_bytes(void **state)
{
    run *r = *state;
    static unsigned char expected[MAX_UNITS][UNIT_BYTES];
    solve_without_pool(expected, 37);
    for (int n_workers = 1; n_workers <= 3; n_workers++) {
        xbtab__pool_options options = options_of(r, n_workers);
        xbtab__pool_stats stats;
        options.units_per_worker = n_workers == 2 ? 5 : 0;
        memset(r->n_sunk, 0, sizeof r->n_sunk);
        memset(r->bytes, 0, sizeof r->bytes);
        r->n_total = 0;
        assert_int_equal(xbtab__pool_run(&stats, &options, 37, solve_unit, collect, r), XBTAB_OK);
        assert_whole(r, 37);
        assert_memory_equal(r->bytes, expected, sizeof expected);
        for (int u = 0; u < 37; u++) {
            assert_int_equal(r->sample[u], XBTAB_SAMPLE_OK);
            assert_int_equal(r->n[u], 48);
            if (n_workers == 1) assert_int_equal(r->order[u], u);
        }
        assert_int_equal(stats.n_units, 37);
        assert_int_equal(stats.n_failed + stats.n_lost + stats.n_retried + stats.n_skipped, 0);
        if (n_workers == 2) assert_in_range(stats.n_recycled, 6, 7);
        if (n_workers != 2) assert_int_equal(stats.n_recycled, 0);
        assert_in_range(stats.rss_first_bytes, 1 << 20, 1u << 30);
        assert_true(stats.rss_last_bytes >= stats.rss_first_bytes / 2);
        print_message("%d workers: %.3f s, resident %zu kB after the first unit, %zu kB after the last\n",
                      n_workers, stats.seconds, stats.rss_first_bytes / 1024, stats.rss_last_bytes / 1024);
    }
}

static bool is_odd_or_small(long unit, void *context)
{
    (void)context;
    return unit % 2 == 1 || unit < 7;
}

static void finished_units_are_skipped(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    options.is_done = is_odd_or_small;
    assert_int_equal(xbtab__pool_run(&stats, &options, 21, solve_unit, collect, r), XBTAB_OK);
    for (long u = 0; u < 21; u++) assert_int_equal(r->n_sunk[u], !is_odd_or_small(u, NULL));
    assert_int_equal(stats.n_units, 7);
    assert_int_equal(stats.n_skipped, 14);
    assert_int_equal(r->last.done, 21);
}

static void no_units_need_no_workers(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    assert_int_equal(xbtab__pool_run(&stats, &options, 0, solve_unit, collect, r), XBTAB_OK);
    assert_int_equal(stats.rss_last_bytes, 0);
    assert_int_equal(r->n_calls > 0, 1);
}

/* Units 3 and 8 crash every time, 5 and 6 only at the first try; 6 by a kill from outside. */
static xbtab_status crash_some(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    bool first = is_first_try(context, unit);
    if (unit == 3) abort();
    if (unit == 8) raise(SIGSEGV);
    if (unit == 5 && first) _exit(0);
    if (unit == 6 && first) kill(getpid(), SIGKILL);
    return solve_unit(spice, unit, reply, sample, context);
}

static void a_crash_costs_one_unit_and_a_kill_costs_none(void **state)
{
    run *r = *state;
    static unsigned char expected[MAX_UNITS][UNIT_BYTES];
    solve_without_pool(expected, 13);
    memset(expected[3], 0, UNIT_BYTES);
    memset(expected[8], 0, UNIT_BYTES);
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    assert_int_equal(xbtab__pool_run(&stats, &options, 13, crash_some, collect, r), XBTAB_OK);
    assert_whole(r, 13);
    assert_memory_equal(r->bytes, expected, sizeof expected);
    for (int u = 0; u < 13; u++) {
        assert_int_equal(r->sample[u], u == 3 || u == 8 ? XBTAB_SAMPLE_CRASHED : XBTAB_SAMPLE_OK);
    }
    assert_int_equal(r->n[3], 0);
    assert_int_equal(stats.n_failed, 2);
    assert_int_equal(stats.n_lost, 6);
    assert_int_equal(stats.n_retried, 4);
    assert_int_equal(r->last.failed, 2);
}

static xbtab_status hang_some(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                              xbtab_sample_status *sample, void *context)
{
    bool first = is_first_try(context, unit);
    if (unit == 2 || (unit == 4 && first)) {
        for (volatile long spin = 0;; spin = spin + 1) {
        }
    }
    return solve_unit(spice, unit, reply, sample, context);
}

static double third_of_a_second(long unit, void *context)
{
    (void)context;
    return unit == 2 || unit == 4 ? 0.3 : 30;
}

static void a_unit_that_hangs_twice_is_out_of_time(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    options.seconds_max = third_of_a_second;
    assert_int_equal(xbtab__pool_run(&stats, &options, 7, hang_some, collect, r), XBTAB_OK);
    assert_whole(r, 7);
    for (int u = 0; u < 7; u++) {
        assert_int_equal(r->sample[u], u == 2 ? XBTAB_SAMPLE_TIMEOUT : XBTAB_SAMPLE_OK);
    }
    assert_int_equal(stats.n_lost, 3);
    assert_int_equal(stats.n_retried, 2);
    assert_true(stats.seconds >= 0.6 && stats.seconds < 20);
}

/* In units 1 and 3, thirty functions that each call the next one twice: 2^30 calls before the first point. */
static xbtab_status double_in_some(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                   xbtab_sample_status *sample, void *context)
{
    enum { DEPTH = 30 };
    char netlist[2048];
    int n = 0;
    if (unit != 1 && unit != 3) return solve_unit(spice, unit, reply, sample, context);
    ((run *)context)->marks->tries[unit]++;
    for (int k = 0; k < DEPTH; k++) {
        n += snprintf(netlist + n, sizeof netlist - (size_t)n, ".func f%d(x) {f%d(x)+f%d(x)}\n", k, k + 1,
                      k + 1);
    }
    snprintf(netlist + n, sizeof netlist - (size_t)n, ".func f%d(x) {x}\nVi0 1 0 external\nRa 1 0 {f0(1)}\n",
             DEPTH);
    const char *const lines[] = {netlist}, *const outputs[] = {"v(1)"};
    const double values[] = {1};
    double out[1];
    xbtab_sample_status status[1];
    const xbtab__spice_job job = {.lines = lines,
                                  .n_lines = 1,
                                  .n_sources = 1,
                                  .n_vectors = 1,
                                  .values = values,
                                  .n_outputs = 1,
                                  .outputs = outputs};
    return xbtab__spice_sweep(spice, &job, &(xbtab__spice_result){.out = out, .status = status});
}

static void an_analysis_that_uses_up_its_time_is_not_tried_again(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    options.analysis_seconds = 0.25;
    assert_int_equal(xbtab__pool_run(&stats, &options, 7, double_in_some, collect, r), XBTAB_OK);
    assert_whole(r, 7);
    for (int u = 0; u < 7; u++) {
        bool hangs = u == 1 || u == 3;
        assert_int_equal(r->sample[u], hangs ? XBTAB_SAMPLE_TIMEOUT : XBTAB_SAMPLE_OK);
        if (hangs) assert_int_equal(r->marks->tries[u], 1);
    }
    assert_int_equal(stats.n_lost, 2);
    assert_int_equal(stats.n_retried, 0);
}

static xbtab_status work_a_quarter_of_a_second(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                               xbtab_sample_status *sample, void *context)
{
    struct timespec t;
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    } while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < 0.25);
    return solve_unit(spice, unit, reply, sample, context);
}

static double half_a_second(long unit, void *context)
{
    (void)unit;
    (void)context;
    return 0.5;
}

/* Six workers on one core: each has its quarter of a second only after a second and a half. */
static void waiting_for_a_core_is_no_working_time(void **state)
{
    run *r = *state;
    cpu_set_t before, one;
    if (access("/proc/self/schedstat", R_OK) != 0) skip();
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t c = 0; c < CPU_SETSIZE && CPU_COUNT(&one) == 0; c++)
        if (CPU_ISSET(c, &before)) CPU_SET(c, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    xbtab__pool_options options = options_of(r, 6);
    xbtab__pool_stats stats;
    options.seconds_max = half_a_second;
    assert_int_equal(xbtab__pool_run(&stats, &options, 6, work_a_quarter_of_a_second, collect, r), XBTAB_OK);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(stats.n_lost, 0);
    assert_true(stats.seconds >= 1.3);
    for (int u = 0; u < 6; u++) assert_int_equal(r->sample[u], XBTAB_SAMPLE_OK);
}

/* Every third unit's netlist makes ngspice ask to exit. */
static xbtab_status poison_some(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                xbtab_sample_status *sample, void *context)
{
    if (unit % 3 != 1) return solve_unit(spice, unit, reply, sample, context);
    const char *const lines[] = {"Vi0 1 0 external\nRa 1 0 {nosuchparameter}\n"};
    const char *const outputs[] = {"v(1)"};
    const double values[] = {1, 2};
    double out[2];
    xbtab_sample_status status[2];
    const xbtab__spice_job job = {.lines = lines,
                                  .n_lines = 1,
                                  .n_sources = 1,
                                  .n_vectors = 2,
                                  .values = values,
                                  .n_outputs = 1,
                                  .outputs = outputs};
    xbtab__spice_result result = {.out = out, .status = status};
    XBTAB_TRY(xbtab__spice_sweep(spice, &job, &result));
    *sample = status[0];
    xbtab__bytes_add(reply, result.reason, strlen(result.reason));
    return XBTAB_OK;
}

static void a_poisoned_worker_is_replaced_without_loss(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    assert_int_equal(xbtab__pool_run(&stats, &options, 12, poison_some, collect, r), XBTAB_OK);
    assert_whole(r, 12);
    for (int u = 0; u < 12; u++) {
        assert_int_equal(r->sample[u], u % 3 == 1 ? XBTAB_SAMPLE_REFUSED : XBTAB_SAMPLE_OK);
        if (u % 3 == 1) assert_non_null(strstr((const char *)r->bytes[u], "nosuchparameter"));
    }
    assert_int_equal(stats.n_recycled, 4);
    assert_int_equal(stats.n_lost, 0);
}

static xbtab_status fail_at_five(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                 xbtab_sample_status *sample, void *context)
{
    if (unit == 5)
        return xbtab__error_set(XBTAB_ERR_INPUT, "unit %ld: R_wire = -2.385 ohm is negative", unit);
    return solve_unit(spice, unit, reply, sample, context);
}

static void a_unit_that_fails_ends_the_run_with_its_message(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    assert_int_equal(xbtab__pool_run(NULL, &options, 30, fail_at_five, collect, r), XBTAB_ERR_INPUT);
    assert_string_equal(xbtab_error_message(), "unit 5: R_wire = -2.385 ohm is negative");
    assert_true(r->n_total < 30);
}

static void a_sink_that_fails_ends_the_run(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 3);
    r->fail_sink_at = 4;
    xbtab__pool_stats stats;
    assert_int_equal(xbtab__pool_run(&stats, &options, 30, solve_unit, collect, r), XBTAB_ERR_IO);
    assert_string_equal(xbtab_error_message(), "the disk is full");
    assert_int_equal(stats.n_units, 4);
}

static xbtab_status slow_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                              xbtab_sample_status *sample, void *context)
{
    usleep(20000);
    return solve_unit(spice, unit, reply, sample, context);
}

static void cancelling_keeps_what_was_delivered(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    options.what = "odd circuits";
    r->cancel_after = 6;
    assert_int_equal(xbtab__pool_run(&stats, &options, 60, slow_unit, collect, r), XBTAB_ERR_CANCELED);
    assert_non_null(strstr(xbtab_error_message(), "of 60 odd circuits"));
    assert_in_range(r->n_total, 6, 40);
    assert_int_equal(stats.n_units, r->n_total);
    for (int u = 0; u < r->n_total; u++) assert_int_equal(r->n[r->order[u]], 48);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    assert_string_equal(r->last.what, "odd circuits");
    assert_true(r->last.seconds_left > 0 && r->last.seconds_left < 60);
}

/* Canceled at once, while all workers start: their private folders must not stay (tear_down looks). */
static void cancelling_at_the_start_leaves_no_folder(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 3);
    r->cancel_after = 0;
    for (int round = 0; round < 20; round++) {
        assert_int_equal(xbtab__pool_run(NULL, &options, 60, slow_unit, collect, r), XBTAB_ERR_CANCELED);
        assert_int_equal(r->n_total, 0);
    }
}

/* Whoever sends it: an interrupt is the parent's to decide, so workers go on. */
static xbtab_status interrupt_self(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                   xbtab_sample_status *sample, void *context)
{
    raise(SIGINT);
    return solve_unit(spice, unit, reply, sample, context);
}

static void workers_ignore_an_interrupt(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 1);
    xbtab__pool_stats stats;
    assert_int_equal(xbtab__pool_run(&stats, &options, 3, interrupt_self, collect, r), XBTAB_OK);
    assert_whole(r, 3);
    assert_int_equal(stats.n_lost, 0);
}

static xbtab_status tell_limits(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                xbtab_sample_status *sample, void *context)
{
    (void)spice, (void)unit, (void)sample, (void)context;
    struct rlimit limits[2];
    getrlimit(RLIMIT_CORE, &limits[0]);
    getrlimit(RLIMIT_AS, &limits[1]);
    const uint64_t seen[] = {limits[0].rlim_cur, limits[1].rlim_cur, (uint64_t)isatty(1)};
    xbtab__bytes_add(reply, seen, sizeof seen);
    if (write(1, "this must not appear\n", 21) != 21) *sample = XBTAB_SAMPLE_REFUSED;
    if (write(2, "nor this\n", 9) != 9) *sample = XBTAB_SAMPLE_REFUSED;
    return XBTAB_OK;
}

static void workers_are_limited_and_silent(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 1);
    char name[PATH_SIZE + 8];
    snprintf(name, sizeof name, "%s/output", r->folder);
#ifndef __SANITIZE_ADDRESS__ /* it reserves far more address space than it uses */
    options.memory_max = (size_t)2385 << 20;
#endif
    fflush(NULL);
    int file = open(name, O_RDWR | O_CREAT, 0600), out = dup(1), err = dup(2);
    dup2(file, 1);
    dup2(file, 2);
    xbtab_status status = xbtab__pool_run(NULL, &options, 1, tell_limits, collect, r);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    struct stat info;
    assert_int_equal(fstat(file, &info), 0);
    close(file);
    unlink(name);
    assert_int_equal(info.st_size, 0);
    assert_int_equal(status, XBTAB_OK);
    assert_int_equal(r->sample[0], XBTAB_SAMPLE_OK);
    uint64_t seen[3];
    memcpy(seen, r->bytes[0], sizeof seen);
    assert_int_equal(seen[0], 0);
    if (options.memory_max > 0) assert_int_equal(seen[1], options.memory_max);
}

enum { LARGE = 3 << 20 };

static xbtab_status large_reply(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                xbtab_sample_status *sample, void *context)
{
    (void)spice, (void)sample, (void)context;
    for (uint32_t w = 0; w < LARGE / 4; w++) {
        uint32_t word = w * 2654435761u + (uint32_t)unit;
        xbtab__bytes_add(reply, &word, sizeof word);
    }
    return XBTAB_OK;
}

static xbtab_status check_large(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                                void *context)
{
    run *r = context;
    assert_int_equal(sample, XBTAB_SAMPLE_OK);
    assert_int_equal(n, LARGE);
    const uint32_t *words = bytes;
    for (uint32_t w = 0; w < LARGE / 4; w++) {
        if (words[w] != w * 2654435761u + (uint32_t)unit) fail_msg("unit %ld, word %u", unit, w);
    }
    r->n_total++;
    return XBTAB_OK;
}

static void large_replies_arrive_whole(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 3);
    assert_int_equal(xbtab__pool_run(NULL, &options, 7, large_reply, check_large, r), XBTAB_OK);
    assert_int_equal(r->n_total, 7);
}

static void a_folder_that_is_missing_ends_the_run_with_the_reason(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 2);
    options.folder = "/nonexistent";
    assert_int_equal(xbtab__pool_run(NULL, &options, 3, solve_unit, collect, r), XBTAB_ERR_IO);
    assert_non_null(strstr(xbtab_error_message(), "/nonexistent"));
}

/* Each unit writes down its process; then it hangs. The parent is killed: no worker may survive it. */
static xbtab_status note_and_hang(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                  xbtab_sample_status *sample, void *context)
{
    (void)spice, (void)reply, (void)sample;
    run *r = context;
    r->marks->pid[unit] = getpid();
    for (;;) pause();
    return XBTAB_OK;
}

/* Gone, or dead and waiting for whoever inherited it. */
static bool is_dead(pid_t pid)
{
    char path[64], state = 'X';
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    if (!file) return true;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'X';
    fclose(file);
    return state == 'Z' || state == 'X';
}

static void workers_die_with_their_parent(void **state)
{
    run *r = *state;
    pid_t parent = fork();
    if (parent == 0) {
        xbtab__pool_options options = options_of(r, 2);
        _exit(xbtab__pool_run(NULL, &options, 2, note_and_hang, collect, r) != XBTAB_OK);
    }
    for (int wait = 0; wait < 500 && !(r->marks->pid[0] && r->marks->pid[1]); wait++) usleep(20000);
    const pid_t workers[2] = {r->marks->pid[0], r->marks->pid[1]};
    assert_true(workers[0] > 0 && workers[1] > 0);
    assert_false(is_dead(workers[0]));
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    for (int wait = 0; wait < 500 && !(is_dead(workers[0]) && is_dead(workers[1])); wait++) usleep(20000);
    assert_true(is_dead(workers[0]) && is_dead(workers[1]));
}

/* Every way out that a worker could try: the reply holds a byte for each, 1 = it went. */
static xbtab_status try_to_get_out(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                   xbtab_sample_status *sample, void *context)
{
    (void)unit, (void)sample;
    const run *r = context;
    char path[PATH_SIZE + 8], *const argv[] = {path, NULL};
    unsigned char went[10] = {0};
    snprintf(path, sizeof path, "%s/mark", r->folder);
    went[0] = system("true") == 0;
    FILE *pipe = popen("true", "r");
    went[1] = pipe != NULL;
    pid_t child = fork();
    if (child == 0) _exit(0);
    went[2] = child > 0;
    went[3] = open(path, O_WRONLY | O_CREAT, 0600) >= 0;
    went[4] = open("/etc/passwd", O_RDONLY) >= 0;
    went[5] = mkdir(path, 0700) == 0;
    went[6] = rename(r->folder, path) == 0;
    went[7] = socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
    went[8] = kill(getppid(), 0) == 0;
    execv("/bin/true", argv); /* would end the worker, and be seen as a crash */
    went[9] = errno != EPERM;
    xbtab__bytes_add(reply, went, sizeof went);
    return solve_unit(spice, unit, reply, sample, context);
}

static void a_worker_can_start_and_open_nothing(void **state)
{
    run *r = *state;
    static const unsigned char nothing[10];
    xbtab__pool_options options = options_of(r, 2);
    xbtab__pool_stats stats;
    assert_int_equal(xbtab__pool_run(&stats, &options, 3, try_to_get_out, collect, r), XBTAB_OK);
    assert_whole(r, 3);
    assert_int_equal(stats.n_lost, 0);
    for (int u = 0; u < 3; u++) {
        assert_int_equal(r->sample[u], XBTAB_SAMPLE_OK);
        assert_memory_equal(r->bytes[u], nothing, sizeof nothing);
    }
}

static void *nothing_to_do(void *argument)
{
    return argument;
}

/* ngspice's transistor models may compute in threads. */
static xbtab_status start_a_thread(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                   xbtab_sample_status *sample, void *context)
{
    (void)spice, (void)unit, (void)reply, (void)context;
    pthread_t thread;
    bool is_good = pthread_create(&thread, NULL, nothing_to_do, NULL) == 0 && pthread_join(thread, NULL) == 0;
    if (!is_good) *sample = XBTAB_SAMPLE_REFUSED;
    return XBTAB_OK;
}

static void a_worker_can_have_threads(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 1);
    assert_int_equal(xbtab__pool_run(NULL, &options, 2, start_a_thread, collect, r), XBTAB_OK);
    for (int u = 0; u < 2; u++) assert_int_equal(r->sample[u], XBTAB_SAMPLE_OK);
}

/* A worker's group is its own, so that what a terminal sends reaches the parent alone. */
static xbtab_status tell_group(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                               xbtab_sample_status *sample, void *context)
{
    (void)spice, (void)unit, (void)sample, (void)context;
    const pid_t seen[] = {getpid(), getpgrp()};
    xbtab__bytes_add(reply, seen, sizeof seen);
    return XBTAB_OK;
}

static void a_worker_leads_a_group_of_its_own(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 1);
    assert_int_equal(xbtab__pool_run(NULL, &options, 1, tell_group, collect, r), XBTAB_OK);
    pid_t seen[2];
    memcpy(seen, r->bytes[0], sizeof seen);
    assert_int_equal(seen[0], seen[1]);
    assert_int_not_equal(seen[1], getpgrp());
}

static void memory_that_runs_out_in_the_parent_is_reported(void **state)
{
    run *r = *state;
    xbtab__pool_options options = options_of(r, 1);
    for (long k = 0; k < 2; k++) {
        xbtab__alloc_fail_after(k);
        xbtab_status status = xbtab__pool_run(NULL, &options, 3, solve_unit, collect, r);
        xbtab__alloc_fail_after(-1);
        assert_int_equal(status, XBTAB_ERR_NOMEM);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(any_number_of_workers_gives_the_same_bytes),
        TEST(finished_units_are_skipped),
        TEST(no_units_need_no_workers),
        TEST(a_crash_costs_one_unit_and_a_kill_costs_none),
        TEST(a_unit_that_hangs_twice_is_out_of_time),
        TEST(an_analysis_that_uses_up_its_time_is_not_tried_again),
        TEST(waiting_for_a_core_is_no_working_time),
        TEST(a_poisoned_worker_is_replaced_without_loss),
        TEST(a_unit_that_fails_ends_the_run_with_its_message),
        TEST(a_sink_that_fails_ends_the_run),
        TEST(cancelling_keeps_what_was_delivered),
        TEST(cancelling_at_the_start_leaves_no_folder),
        TEST(workers_ignore_an_interrupt),
        TEST(workers_are_limited_and_silent),
        TEST(large_replies_arrive_whole),
        TEST(a_folder_that_is_missing_ends_the_run_with_the_reason),
        TEST(workers_die_with_their_parent),
        TEST(a_worker_can_start_and_open_nothing),
        TEST(a_worker_can_have_threads),
        TEST(a_worker_leads_a_group_of_its_own),
        TEST(memory_that_runs_out_in_the_parent_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
