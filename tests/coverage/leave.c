/* leave.c - in the coverage build only: processes keep their counts although they leave by _exit(), and
 * workers that are about to be shot get the time to leave by themselves. The linker puts these in the place
 * of _exit() and kill(). */
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);
int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);

_Noreturn void __wrap__exit(int code)
{
    __gcov_dump();
    __real__exit(code);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int __wrap_kill(pid_t pid, int signal)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    const double end = now() + 1.0; /* whoever hangs does not leave */
    while (pid > 0 && signal == SIGKILL && now() < end) {
        siginfo_t left = {.si_pid = 0};
        if (waitid(P_PID, (id_t)pid, &left, WEXITED | WNOHANG | WNOWAIT) != 0 || left.si_pid == pid) break;
        nanosleep(&pause, NULL);
    }
    return __real_kill(pid, signal);
}
