/* Files that are whole or not there, and what killed runs leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xbartab/output.h>

static char folder[] = "/tmp/xbartab-test-output-XXXXXX";

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    return chdir("/") == 0 ? rmdir(folder) : -1; /* also tells that nothing is left */
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bool holds(const char *name, const char *text)
{
    char line[64] = "";
    FILE *file = fopen(name, "r");
    if (!file) return false;
    size_t n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    return n == strlen(text) && strcmp(line, text) == 0;
}

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static void a_file_is_whole_or_not_there(void **state)
{
    (void)state;
    xbtab_output *o = NULL;
    put("a.csv", "old");
    assert_int_equal(chmod("a.csv", 0640), 0);
    assert_int_equal(xbtab_output_open(&o, "a.csv"), XBTAB_OK);
    fputs("new", xbtab_output_stream(o));
    assert_true(holds("a.csv", "old") && exists(xbtab_output_name(o)));
    xbtab_output_discard(&o);
    assert_true(holds("a.csv", "old"));
    assert_int_equal(xbtab_output_write("a.csv", "new", 3), XBTAB_OK);
    struct stat info;
    assert_true(holds("a.csv", "new") && stat("a.csv", &info) == 0 && (info.st_mode & 0777) == 0640);
    assert_int_equal(xbtab_output_write("no/a.csv", "new", 3), XBTAB_ERR_IO);
    assert_non_null(strstr(xbtab_error_message(), "no/a.csv: cannot write: No such file"));
    assert_int_equal(xbtab_output_write(folder, "new", 3), XBTAB_ERR_IO);
    assert_int_equal(unlink("a.csv"), 0);
}

/* A disk that is full at the end of the file: a limit on its size does the same. */
static void a_file_that_cannot_be_finished_leaves_nothing(void **state)
{
    (void)state;
    static char large[1 << 16];
    struct rlimit before, now;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    now = (struct rlimit){1 << 12, before.rlim_max};
    put("a.csv", "old");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    xbtab_status status = xbtab_output_write("a.csv", large, sizeof large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, XBTAB_ERR_IO);
    assert_true(holds("a.csv", "old"));
    assert_int_equal(unlink("a.csv"), 0);
}

static void links_stay_and_devices_are_written_to(void **state)
{
    (void)state;
    struct stat info;
    put("target", "old");
    assert_int_equal(symlink("target", "link"), 0);
    assert_int_equal(xbtab_output_write("link", "new", 3), XBTAB_OK);
    assert_true(lstat("link", &info) == 0 && S_ISLNK(info.st_mode) && holds("target", "new"));
    assert_int_equal(mkfifo("pipe", 0600), 0);
    int reader = open("pipe", O_RDONLY | O_NONBLOCK);
    char got[8] = "";
    assert_int_equal(xbtab_output_write("pipe", "now", 3), XBTAB_OK);
    assert_int_equal(read(reader, got, sizeof got), 3);
    assert_true(stat("pipe", &info) == 0 && S_ISFIFO(info.st_mode));
    close(reader);
    assert_int_equal(xbtab_output_write("/dev/full", "now", 3), XBTAB_ERR_IO);
    assert_int_equal(unlink("link") | unlink("target") | unlink("pipe"), 0);
}

/* Starts a child that begins something, says so and waits to be killed. */
static pid_t begin(void (*what)(void))
{
    int ready[2];
    char word;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        what();
        (void)!write(ready[1], "x", 1);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &word, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void begin_file(void)
{
    xbtab_output *o = NULL;
    if (xbtab_output_open(&o, "a.csv") < 0) _exit(1);
    fputs("half of it", xbtab_output_stream(o));
    fflush(xbtab_output_stream(o));
}

static void the_next_run_removes_what_a_killed_one_left(void **state)
{
    (void)state;
    char dead[64], alive[64];
    put("a.csv.77777.txt", "mine");
    put("b.csv.77777.tmp", "another file's");
    put("a.csv.77777.tmp", "left");
    pid_t first = begin(begin_file), second = begin(begin_file);
    snprintf(dead, sizeof dead, "a.csv.%ld.tmp", (long)first);
    snprintf(alive, sizeof alive, "a.csv.%ld.tmp", (long)second);
    assert_true(exists(dead) && exists(alive));
    end(first);
    assert_true(exists(dead));
    assert_int_equal(xbtab_output_write("a.csv", "whole", 5), XBTAB_OK);
    assert_true(!exists(dead) && !exists("a.csv.77777.tmp"));
    assert_true(exists(alive) && holds("a.csv", "whole"));
    end(second);
    assert_int_equal(xbtab_output_write("a.csv", "again", 5), XBTAB_OK);
    assert_false(exists(alive));
    assert_true(exists("a.csv.77777.txt") && exists("b.csv.77777.tmp"));
    assert_int_equal(unlink("a.csv") | unlink("a.csv.77777.txt") | unlink("b.csv.77777.tmp"), 0);
}

static void begin_folder(void)
{
    char name[256];
    xbtab_scratch *s = NULL;
    if (xbtab_scratch_create(&s, ".", "test") < 0) _exit(1);
    snprintf(name, sizeof name, "%s/file", xbtab_scratch_path(s));
    put(name, "some");
}

static int count(const char *prefix)
{
    DIR *entries = opendir(".");
    int n = 0;
    for (struct dirent *e = readdir(entries); e; e = readdir(entries))
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(entries);
    return n;
}

static void folders_go_with_their_run_or_with_the_next(void **state)
{
    (void)state;
    xbtab_scratch *s = NULL;
    pid_t first = begin(begin_folder), second = begin(begin_folder);
    assert_int_equal(count("xbartab-test-"), 2);
    end(first);
    assert_int_equal(mkdir("xbartab-test-notes", 0700), 0); /* somebody's own */
    assert_int_equal(xbtab_scratch_create(&s, ".", "test"), XBTAB_OK);
    assert_int_equal(count("xbartab-test-"), 3); /* the living one's, ours and the notes */
    assert_true(exists(xbtab_scratch_path(s)));
    xbtab_scratch_destroy(&s);
    end(second);
    assert_int_equal(xbtab_scratch_create(&s, ".", "test"), XBTAB_OK);
    xbtab_scratch_destroy(&s);
    assert_int_equal(count("xbartab-test-"), 1);
    assert_int_equal(rmdir("xbartab-test-notes"), 0);
    assert_int_equal(xbtab_scratch_create(&s, "./nowhere", "test"), XBTAB_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_whole_or_not_there),
        cmocka_unit_test(a_file_that_cannot_be_finished_leaves_nothing),
        cmocka_unit_test(links_stay_and_devices_are_written_to),
        cmocka_unit_test(the_next_run_removes_what_a_killed_one_left),
        cmocka_unit_test(folders_go_with_their_run_or_with_the_next),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
