/* test_each.c - loops over items: every item once, the first failure, progress from the calling thread, and
 * an end when it is asked for, from inside an item too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>

#include "each.h"

enum { N = 237 };

typedef struct seen {
    atomic_int item[N];
    int failing; /* items from this one on fail */
    double pause;
    int polls; /* of an item, each with a part of the work */
    pthread_t caller;
    int told, stop_at; /* reports, and that which stops the loop */
    xbtab_progress last;
} seen;

static void sleep_for(double seconds)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)(1e9 * seconds)}, NULL);
}

static xbtab_status work(void *context, size_t item, int thread)
{
    seen *s = context;
    assert_in_range(thread, 0, 2);
    s->item[item]++;
    for (int k = 0; k < s->polls; k++) {
        sleep_for(s->pause);
        XBTAB_TRY(xbtab__each_poll(1));
    }
    if (s->failing > 0 && (int)item >= s->failing) {
        sleep_for(item % 3 == 0 ? 0.002 : 0.0); /* later items may fail earlier */
        XBTAB_FAIL(XBTAB_ERR_SPICE, "item %zu", item);
    }
    return XBTAB_OK;
}

static int tell(const xbtab_progress *progress, void *payload)
{
    seen *s = payload;
    assert_true(pthread_equal(pthread_self(), s->caller));
    assert_string_equal(progress->what, "things done");
    assert_int_equal(progress->total, N);
    assert_in_range(progress->done, 0, N);
    s->last = *progress;
    return ++s->told == s->stop_at;
}

static xbtab_status run(seen *s, int threads, xbtab_progress_fn progress)
{
    s->caller = pthread_self();
    const xbtab__each_options options = {.threads = threads,
                                         .what = "things done",
                                         .items = "things",
                                         .work = s->polls,
                                         .progress = progress,
                                         .payload = s};
    return xbtab__each(N, &options, work, s);
}

static void every_item_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        seen s = {.polls = 2};
        assert_int_equal(run(&s, threads, tell), XBTAB_OK);
        for (int k = 0; k < N; k++) assert_int_equal(s.item[k], 1);
        assert_true(s.told >= 1);
        assert_int_equal(s.last.done, N);
        assert_true(s.last.seconds_left == 0);
    }
    seen nothing = {.stop_at = 1};
    assert_int_equal(xbtab__each(0, &(xbtab__each_options){.threads = 2}, work, &nothing), XBTAB_OK);
}

static void the_first_failure_is_told(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        seen s = {.failing = 30};
        assert_int_equal(run(&s, threads, NULL), XBTAB_ERR_SPICE);
        assert_string_equal(xbtab_error_message(), "item 30");
    }
}

/* A single item of ten seconds is left after the second report, from within; and the time left is told while
 * no item is done yet. */
static void long_items_stop_from_within(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        seen s = {.polls = 1000, .pause = 0.01, .stop_at = 3};
        struct timespec began, ended;
        clock_gettime(CLOCK_MONOTONIC, &began);
        assert_int_equal(run(&s, threads, tell), XBTAB_ERR_CANCELED);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        assert_string_equal(xbtab_error_message(), "canceled with 0 of 237 things done");
        assert_int_equal(s.told, 3);
        assert_true(ended.tv_sec - began.tv_sec < 8);
        assert_int_equal(s.last.done, 0);
        assert_true(s.last.seconds_left > 0);
    }
}

static xbtab_status inner(void *context, size_t item, int thread)
{
    const xbtab__each_options options = {.threads = 2, .what = "inner", .items = "inner things"};
    (void)thread;
    seen s = {.polls = 100, .pause = 0.01};
    (void)item;
    (void)context;
    return xbtab__each(N, &options, work, &s);
}

/* A loop inside an item stops with the loop outside. */
static void loops_within_stop_too(void **state)
{
    (void)state;
    seen s = {.stop_at = 2, .caller = pthread_self()};
    const xbtab__each_options options = {
        .threads = 1, .what = "things done", .items = "things", .progress = tell, .payload = &s};
    assert_int_equal(xbtab__each(N, &options, inner, &s), XBTAB_ERR_CANCELED);
    assert_string_equal(xbtab_error_message(), "canceled with 0 of 237 things done");
    assert_int_equal(xbtab__each_poll(1), XBTAB_OK); /* outside of any loop again */
}

static xbtab_status shares(void *context, size_t item, int thread)
{
    seen *s = context;
    (void)thread;
    if (item > 0) return XBTAB_OK;
    xbtab__each_begin(N); /* the only item with work has that of all */
    for (int k = 1; k <= 4; k++) {
        sleep_for(0.06);
        XBTAB_TRY(xbtab__each_poll_share(0.125 * k));
        double left = s->last.seconds * (1 - 0.125 * k) / (0.125 * k);
        assert_true(s->last.seconds_left > 0.99 * left && s->last.seconds_left < 1.01 * left);
    }
    return xbtab__each_poll(N);
}

static void shares_of_work_tell_the_time(void **state)
{
    (void)state;
    seen s = {.caller = pthread_self()};
    const xbtab__each_options options = {
        .threads = 1, .what = "things done", .items = "things", .work = 1, .progress = tell, .payload = &s};
    assert_int_equal(xbtab__each(N, &options, shares, &s), XBTAB_OK);
    assert_true(s.told >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_once),
        cmocka_unit_test(the_first_failure_is_told),
        cmocka_unit_test(long_items_stop_from_within),
        cmocka_unit_test(loops_within_stop_too),
        cmocka_unit_test(shares_of_work_tell_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
