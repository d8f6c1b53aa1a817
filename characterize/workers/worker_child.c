/* worker_child.c - the worker's side of the pool: a process that ends when its parent or its socket does. */
#include "worker_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "sandbox.h"

void xbtab__bytes_add(xbtab__bytes *bytes, const void *data, size_t n)
{
    if (bytes->failed || n == 0) return;
    if (n > bytes->room - bytes->n) {
        size_t room = n > SIZE_MAX / 2 - bytes->n ? 0 : 2 * (bytes->n + n);
        unsigned char *grown = room ? xbtab__realloc(bytes->data, room, 1) : NULL;
        if (!grown) {
            bytes->failed = true;
            return;
        }
        bytes->data = grown;
        bytes->room = room;
    }
    memcpy(bytes->data + bytes->n, data, n);
    bytes->n += n;
}

void xbtab__bytes_clear(xbtab__bytes *bytes)
{
    xbtab__free(bytes->data);
    *bytes = (xbtab__bytes){0};
}

/* Where Linux tells it; opened while files can be. */
static int memory_file = -1;

/* This process' address space and what of it is resident [bytes]; 0 where it is not told. */
static void read_memory(size_t *space, size_t *resident)
{
    unsigned long pages[2] = {0, 0};
    char text[128] = "";
    ssize_t n = pread(memory_file, text, sizeof text - 1, 0);
    if (n <= 0 || sscanf(text, "%lu %lu", &pages[0], &pages[1]) != 2) pages[0] = pages[1] = 0;
    *space = pages[0] * (size_t)sysconf(_SC_PAGESIZE);
    *resident = pages[1] * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t resident_bytes(void)
{
    size_t space, resident;
    read_memory(&space, &resident);
    return resident;
}

static bool send_all(int socket, const void *data, size_t n)
{
    for (const char *c = data; n > 0;) {
        ssize_t sent = send(socket, c, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        c += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool receive_unit(int socket, int64_t *unit)
{
    ssize_t got;
    do {
        got = recv(socket, unit, sizeof *unit, MSG_WAITALL);
    } while (got < 0 && errno == EINTR);
    return got == sizeof *unit;
}

static bool answer(int socket, xbtab__message message, const void *bytes, size_t n)
{
    if (message.status < 0) {
        bytes = xbtab_error_message();
        n = strlen(bytes);
    }
    message.magic = XBTAB__MESSAGE_MAGIC;
    message.rss = resident_bytes();
    message.n = n;
    return send_all(socket, &message, sizeof message) && send_all(socket, bytes, n);
}

/* Handlers of the program (and of a test framework) must not run in a worker; an interrupt is for the parent
 * to decide. */
static void reset_signals(void)
{
    static const int defaults[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTERM, SIGHUP,
                                   SIGQUIT, SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGPROF};
    static const int ignored[] = {SIGINT, SIGPIPE};
    for (size_t s = 0; s < sizeof defaults / sizeof *defaults; s++) signal(defaults[s], SIG_DFL);
    for (size_t s = 0; s < sizeof ignored / sizeof *ignored; s++) signal(ignored[s], SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Keep only the socket. The parent's ends of the other workers' sockets, its journal and its tables must not
 * stay open here, and whatever a library prints on its own must not mix with the program's output. */
static int keep_socket_only(int socket)
{
    int kept = fcntl(socket, F_DUPFD, 3);
    int nothing = open("/dev/null", O_RDWR);
    if (kept < 0 || nothing < 0) return -1;
    for (int fd = 0; fd < 3; fd++) {
        if (dup2(nothing, fd) < 0) return -1;
    }
    if (kept > 3 && close_range(3, (unsigned)kept - 1, 0) != 0) return -1;
    if (close_range((unsigned)kept + 1, UINT_MAX, 0) != 0) return -1;
    return kept;
}

static void limit(unsigned resource, rlim_t value)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) return;
    now.rlim_cur = value < now.rlim_max ? value : now.rlim_max;
    setrlimit(resource, &now);
}

/* A few lines of SPICE can ask for any number of elements: such a model must not take the machine with it. */
static void limit_memory(size_t most)
{
    size_t space, resident;
    read_memory(&space, &resident);
    if (most > 0) {
        limit(RLIMIT_AS, (rlim_t)most);
        return;
    }
#ifndef __SANITIZE_ADDRESS__ /* it reserves far more address space than it uses */
    limit(RLIMIT_AS, (rlim_t)space + XBTAB__WORKER_MEMORY);
#endif
}

static void limit_analyses(xbtab__spice *spice, double seconds)
{
    static const double seconds_default = 60;
    if (!isinf(seconds)) xbtab__spice_limit(spice, seconds > 0 ? seconds : seconds_default);
}

_Noreturn void xbtab__worker_live(const xbtab__worker_task *task)
{
    setpgid(0, 0); /* so that nothing that it might start outlives it: worker.c ends the whole group */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != task->parent) _exit(1); /* it died before the line above */
    reset_signals();
    int socket = keep_socket_only(task->socket);
    if (socket < 0) _exit(1);
    limit(RLIMIT_CORE, 0);
    memory_file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    limit_memory(task->options->memory_max);
    xbtab__spice *spice = NULL;
    xbtab_status status = xbtab__spice_open(&spice, task->options->folder);
    if (status == XBTAB_OK) limit_analyses(spice, task->options->analysis_seconds);
    if (status == XBTAB_OK) status = xbtab__sandbox_worker();
    bool goes_on =
        answer(socket, (xbtab__message){.status = status, .unit = -1}, NULL, 0) && status == XBTAB_OK;
    int64_t unit;
    while (goes_on && receive_unit(socket, &unit)) {
        xbtab__bytes reply = {0};
        xbtab_sample_status sample = XBTAB_SAMPLE_OK;
        status = task->unit(spice, (long)unit, &reply, &sample, task->context);
        if (status == XBTAB_OK && reply.failed) status = XBTAB_NOMEM();
        bool retire = xbtab__spice_is_poisoned(spice);
        goes_on = answer(socket,
                         (xbtab__message){
                             .status = status, .sample = (int32_t)sample, .retire = retire, .unit = unit},
                         reply.data, reply.n) &&
                  status == XBTAB_OK && !retire;
        xbtab__bytes_clear(&reply);
    }
    _exit(0); /* not exit(): the parent's buffered output and exit handlers are not ours */
}
