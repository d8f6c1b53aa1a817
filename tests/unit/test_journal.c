/* The journal: what a killed run leaves behind, and who may go on with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "journal.h"
#include "memory.h"

enum { N_RECORDS = 5, PATH_SIZE = 128 };

static const char fingerprint[] = "spec: 37 x 53\nseed: 2385\n";

typedef struct place {
    char folder[PATH_SIZE], path[PATH_SIZE], partial[PATH_SIZE];
} place;

static int set_up(void **state)
{
    place *p = test_malloc(sizeof *p);
    snprintf(p->folder, sizeof p->folder, "/tmp/xbartab-test-journal-XXXXXX");
    if (!mkdtemp(p->folder)) return -1;
    snprintf(p->path, sizeof p->path, "%.64s/tables.h5", p->folder);
    snprintf(p->partial, sizeof p->partial, "%.64s/tables.h5.partial", p->folder);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    unlink(p->partial);
    int failed = rmdir(p->folder); /* also tells that nothing else was left */
    test_free(p);
    return failed;
}

/* Record r: a few doubles, and odd lengths in between. */
static size_t payload(int r, double *values)
{
    static const size_t bytes[N_RECORDS] = {24, 0, 7, 53 * sizeof(double), 1};
    for (size_t v = 0; v < 53; v++) values[v] = 2.385 * (double)(v + 1) / (r + 1);
    return bytes[r];
}

typedef struct seen {
    int n;
    bool same;
    int fail_at;
} seen;

static xbtab_status see(int64_t unit, int status, const void *bytes, size_t n, void *context)
{
    seen *s = context;
    double values[53];
    if (s->n == s->fail_at) return xbtab__error_set(XBTAB_ERR_INTERNAL, "enough");
    s->same = s->same && s->n < N_RECORDS && unit == 1000000007LL * s->n && status == s->n % 3 &&
              n == payload(s->n, values) && (n == 0 || memcmp(bytes, values, n) == 0) &&
              (uintptr_t)bytes % sizeof(double) == 0;
    s->n++;
    return XBTAB_OK;
}

static seen nothing_seen(void)
{
    return (seen){.same = true, .fail_at = -1};
}

static xbtab_status append(xbtab__journal *journal, int r)
{
    double values[53];
    size_t n = payload(r, values);
    return xbtab__journal_append(journal, 1000000007LL * r, r % 3, values, n);
}

static void write_records(const place *p, int n)
{
    xbtab__journal *journal = NULL;
    assert_int_equal(xbtab__journal_create(&journal, p->path, fingerprint), XBTAB_OK);
    for (int r = 0; r < n; r++) assert_int_equal(append(journal, r), XBTAB_OK);
    xbtab__journal_close(&journal);
    assert_null(journal);
}

static void resume_returns_what_was_appended_and_goes_on(void **state)
{
    const place *p = *state;
    xbtab__journal *journal = NULL;
    write_records(p, 3);
    seen s = nothing_seen();
    long n = -1;
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
    assert_int_equal(n, 3);
    assert_int_equal(s.n, 3);
    assert_string_equal(xbtab__journal_path(journal), p->partial);
    for (int r = 3; r < N_RECORDS; r++) assert_int_equal(append(journal, r), XBTAB_OK);
    xbtab__journal_close(&journal);
    s = nothing_seen();
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
    assert_int_equal(n, N_RECORDS);
    assert_true(s.same);
    assert_int_equal(xbtab__journal_remove(&journal), XBTAB_OK);
    assert_null(journal);
    assert_int_equal(access(p->partial, F_OK), -1);
}

static void resume_without_a_file_begins_one(void **state)
{
    const place *p = *state;
    xbtab__journal *journal = NULL;
    seen s = nothing_seen();
    long n = -1;
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
    assert_int_equal(n, 0);
    assert_int_equal(append(journal, 0), XBTAB_OK);
    xbtab__journal_close(&journal);
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
    assert_int_equal(n, 1);
    xbtab__journal_close(&journal);
}

static void create_refuses_an_unfinished_run(void **state)
{
    const place *p = *state;
    xbtab__journal *journal = NULL;
    write_records(p, 2);
    assert_int_equal(xbtab__journal_create(&journal, p->path, fingerprint), XBTAB_ERR_INPUT);
    assert_null(journal);
    assert_non_null(strstr(xbtab_error_message(), "--resume"));
    assert_non_null(strstr(xbtab_error_message(), p->partial));
}

/* Number of whole records in the first `size` bytes. */
static int whole_records(size_t size, size_t n_head)
{
    double values[53];
    size_t end = n_head;
    int n = 0;
    while (n < N_RECORDS && end + 24 + payload(n, values) <= size) end += 24 + payload(n++, values);
    return n;
}

static void a_tail_torn_at_any_byte_is_dropped(void **state)
{
    const place *p = *state;
    char *data;
    size_t n_data;
    write_records(p, N_RECORDS);
    assert_int_equal(xbtab__file_read(&data, &n_data, p->partial, 1 << 20), XBTAB_OK);
    size_t n_head = 16 + strlen(fingerprint) + 4;
    for (size_t size = 0; size <= n_data; size++) {
        xbtab__journal *journal = NULL;
        seen s = nothing_seen();
        long n = -1;
        assert_int_equal(xbtab__file_write(p->partial, data, size), XBTAB_OK);
        assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
        assert_int_equal(n, whole_records(size, n_head));
        for (int r = (int)n; r < N_RECORDS; r++) assert_int_equal(append(journal, r), XBTAB_OK);
        xbtab__journal_close(&journal);
        char *again;
        size_t n_again;
        assert_int_equal(xbtab__file_read(&again, &n_again, p->partial, 1 << 20), XBTAB_OK);
        assert_int_equal(n_again, n_data);
        assert_memory_equal(again, data, n_data);
        assert_true(s.same);
        xbtab__free(again);
    }
    xbtab__free(data);
}

static void a_flipped_byte_ends_the_valid_part(void **state)
{
    const place *p = *state;
    char *data;
    size_t n_data, n_head = 16 + strlen(fingerprint) + 4;
    write_records(p, N_RECORDS);
    assert_int_equal(xbtab__file_read(&data, &n_data, p->partial, 1 << 20), XBTAB_OK);
    for (size_t at = n_head; at < n_data; at++) {
        xbtab__journal *journal = NULL;
        seen s = nothing_seen();
        long n = -1;
        data[at] = (char)(data[at] ^ 0x40);
        assert_int_equal(xbtab__file_write(p->partial, data, n_data), XBTAB_OK);
        data[at] = (char)(data[at] ^ 0x40);
        assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
        assert_int_equal(n, whole_records(at, n_head)); /* all records before the flipped byte's */
        assert_true(s.same);
        xbtab__journal_close(&journal);
    }
    xbtab__free(data);
}

static void expect_refused(const place *p, const char *text, const char *word)
{
    xbtab__journal *journal = NULL;
    seen s = nothing_seen();
    char *before, *after;
    size_t n_before, n_after;
    assert_int_equal(xbtab__file_read(&before, &n_before, p->partial, 1 << 20), XBTAB_OK);
    assert_int_equal(xbtab__journal_resume(&journal, p->path, text, see, &s, NULL), XBTAB_ERR_INPUT);
    assert_null(journal);
    assert_non_null(strstr(xbtab_error_message(), word));
    assert_int_equal(s.n, 0);
    assert_int_equal(xbtab__file_read(&after, &n_after, p->partial, 1 << 20), XBTAB_OK);
    assert_int_equal(n_after, n_before);
    assert_memory_equal(after, before, n_before);
    xbtab__free(before);
    xbtab__free(after);
}

static void another_fingerprint_is_refused_and_the_file_untouched(void **state)
{
    const place *p = *state;
    write_records(p, 2);
    expect_refused(p, "spec: 37 x 53\nseed: 2386\n", "another specification");
    expect_refused(p, "spec: 37 x 53\nseed: 2385", "another specification");
    expect_refused(p, "spec: 37 x 53\nseed: 2385\n\n", "another specification");
}

static void a_foreign_file_is_refused_and_untouched(void **state)
{
    const place *p = *state;
    assert_int_equal(xbtab__file_write(p->partial, "\x89HDF\r\n\x1a\n and more", 17), XBTAB_OK);
    expect_refused(p, fingerprint, "not a journal");
    assert_int_equal(xbtab__file_write(p->partial, "x", 1), XBTAB_OK);
    expect_refused(p, fingerprint, "not a journal");
}

static void another_version_is_refused(void **state)
{
    const place *p = *state;
    write_records(p, 1);
    int file = open(p->partial, O_WRONLY);
    assert_int_equal(pwrite(file, "\x02", 1, 8), 1);
    close(file);
    expect_refused(p, fingerprint, "another version");
}

static void two_runs_cannot_share_a_journal(void **state)
{
    const place *p = *state;
    xbtab__journal *first = NULL, *second = NULL;
    seen s = nothing_seen();
    assert_int_equal(xbtab__journal_create(&first, p->path, fingerprint), XBTAB_OK);
    assert_int_equal(xbtab__journal_resume(&second, p->path, fingerprint, see, &s, NULL), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "in use"));
    xbtab__journal_close(&first);
}

static void a_reader_that_fails_leaves_the_file_alone(void **state)
{
    const place *p = *state;
    xbtab__journal *journal = NULL;
    write_records(p, 4);
    seen s = nothing_seen();
    s.fail_at = 2;
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, NULL),
                     XBTAB_ERR_INTERNAL);
    s = nothing_seen();
    long n;
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
    assert_int_equal(n, 4);
    xbtab__journal_close(&journal);
}

static void a_folder_that_is_missing_is_an_io_error(void **state)
{
    (void)state;
    xbtab__journal *journal = NULL;
    seen s = nothing_seen();
    static const char path[] = "/nonexistent/tables.h5";
    assert_int_equal(xbtab__journal_create(&journal, path, fingerprint), XBTAB_ERR_IO);
    assert_int_equal(xbtab__journal_resume(&journal, path, fingerprint, see, &s, NULL), XBTAB_ERR_IO);
}

/* The file size limit stands in for a full disk: the record that does not fit leaves no trace. */
static void a_record_that_does_not_fit_leaves_the_file_as_it_was(void **state)
{
    const place *p = *state;
    xbtab__journal *journal = NULL;
    struct stat before, after;
    struct rlimit old, small;
    assert_int_equal(xbtab__journal_create(&journal, p->path, fingerprint), XBTAB_OK);
    assert_int_equal(append(journal, 0), XBTAB_OK);
    assert_int_equal(stat(p->partial, &before), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = (rlim_t)before.st_size + 100; /* record 3 needs 448 bytes */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    xbtab_status status = append(journal, 3);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, XBTAB_ERR_IO);
    assert_int_equal(stat(p->partial, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(append(journal, 1), XBTAB_OK);
    xbtab__journal_close(&journal);
    seen s = nothing_seen();
    long n;
    assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
    assert_int_equal(n, 2);
    assert_true(s.same);
    xbtab__journal_close(&journal);
}

/* A process that appends without end is killed: all that is left is whole, but for the tail. */
static void a_killed_writer_leaves_whole_records(void **state)
{
    const place *p = *state;
    for (int round = 0; round < 5; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            xbtab__journal *journal = NULL;
            if (xbtab__journal_create(&journal, p->path, fingerprint) < 0) _exit(1);
            while (append(journal, 3) == XBTAB_OK) {
            }
            _exit(1);
        }
        usleep(3000);
        kill(pid, SIGKILL);
        int how;
        waitpid(pid, &how, 0);
        assert_true(WIFSIGNALED(how));
        xbtab__journal *journal = NULL;
        seen s = nothing_seen();
        long n = 0;
        struct stat info;
        assert_int_equal(xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n), XBTAB_OK);
        assert_int_equal(stat(p->partial, &info), 0);
        size_t n_head = 16 + strlen(fingerprint) + 4;
        assert_int_equal(info.st_size, n_head + (size_t)n * (24 + 53 * sizeof(double)));
        assert_int_equal(xbtab__journal_remove(&journal), XBTAB_OK);
    }
}

static void memory_that_runs_out_is_reported(void **state)
{
    const place *p = *state;
    xbtab__journal *journal = NULL;
    write_records(p, N_RECORDS);
    long n = 0;
    for (long k = 0; k < 20; k++) {
        seen s = nothing_seen();
        xbtab__alloc_fail_after(k);
        xbtab_status status = xbtab__journal_resume(&journal, p->path, fingerprint, see, &s, &n);
        xbtab__alloc_fail_after(-1);
        if (status == XBTAB_OK) {
            assert_int_not_equal(k, 0);
            assert_int_equal(n, N_RECORDS);
            xbtab__journal_close(&journal);
            return;
        }
        assert_int_equal(status, XBTAB_ERR_NOMEM);
    }
    fail_msg("it never succeeded");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(resume_returns_what_was_appended_and_goes_on),
        TEST(resume_without_a_file_begins_one),
        TEST(create_refuses_an_unfinished_run),
        TEST(a_tail_torn_at_any_byte_is_dropped),
        TEST(a_flipped_byte_ends_the_valid_part),
        TEST(another_fingerprint_is_refused_and_the_file_untouched),
        TEST(a_foreign_file_is_refused_and_untouched),
        TEST(another_version_is_refused),
        TEST(two_runs_cannot_share_a_journal),
        TEST(a_reader_that_fails_leaves_the_file_alone),
        TEST(a_folder_that_is_missing_is_an_io_error),
        TEST(a_record_that_does_not_fit_leaves_the_file_as_it_was),
        TEST(a_killed_writer_leaves_whole_records),
        TEST(memory_that_runs_out_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
