/* apart.c - forks, looks, and tells what became of it. */
#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the process says before it ends; smaller than what a pipe takes at once. */
typedef struct answer {
    int status;
    char message[1024];
} answer;

static void limit(unsigned resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) return;
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > most) now.rlim_cur = most;
    setrlimit(resource, &now);
}

/* The sanitizers reserve far more address space than they use. */
static void limit_memory(size_t more)
{
#ifndef __SANITIZE_ADDRESS__
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return;
    if (fscanf(file, "%lu", &pages) == 1)
        limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more);
    fclose(file);
#else
    (void)more;
#endif
}

_Noreturn static void look_and_tell(int out, xbtab__apart_fn look, void *context, unsigned seconds,
                                    size_t memory)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGTERM, SIGINT};
    answer a = {0};
    for (size_t k = 0; k < sizeof faults / sizeof faults[0]; k++) signal(faults[k], SIG_DFL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, seconds);
    limit_memory(memory);
    a.status = look(context);
    snprintf(a.message, sizeof a.message, "%s", a.status < 0 ? xbtab_error_message() : "");
    ssize_t wrote = write(out, &a, sizeof a);
    _exit(wrote == (ssize_t)sizeof a ? 0 : 1);
}

static bool read_answer(int in, answer *a)
{
    size_t got = 0;
    while (got < sizeof *a) {
        ssize_t n = read(in, (char *)a + got, sizeof *a - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        got += (size_t)n;
    }
    a->message[sizeof a->message - 1] = '\0';
    return true;
}

xbtab_status xbtab__try_apart(xbtab__apart_fn look, void *context, const char *place, unsigned seconds,
                              size_t memory)
{
    int ends[2], status = 0;
    answer a = {0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        XBTAB_FAIL(XBTAB_ERR_INTERNAL, "%s: cannot start a process: %s", place, strerror(errno));
    pid_t child = fork();
    if (child == 0) look_and_tell(ends[1], look, context, seconds, memory);
    int reason = errno;
    close(ends[1]);
    bool is_told = child > 0 && read_answer(ends[0], &a);
    close(ends[0]);
    if (child < 0) XBTAB_FAIL(XBTAB_ERR_INTERNAL, "%s: cannot start a process: %s", place, strerror(reason));
    pid_t ended;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (is_told && a.status < 0) return xbtab__error_set((xbtab_status)a.status, "%s", a.message);
    if (is_told) return XBTAB_OK;
    if (ended == child && WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: damaged: reading it takes more than %u s", place, seconds);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: damaged: reading it ends in a fault of the HDF5 library", place);
}
