/* model_program.c - a model's netlist in the ngspice program, as a researcher would run it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "file.h"
#include "memory.h"
#include "model_bench.h"
#include "sandbox.h"
#include "spice_allow.h"
#include "worker.h"

enum { LARGEST_OUTPUT = 1 << 20, PATH_SIZE = 64, SECONDS_MAX = 300, COMPUTING_MAX = 10 };

double xbtab__program_drive(double most, bool is_amplifier, int k)
{
    double share = (double)k / (XBTAB__PROGRAM_POINTS - 1);
    return is_amplifier ? most * share : most * (2 * share - 1);
}

/* The model's text passes the gate; the commands are ours. Its numbers come on the output: it may write no
 * file. */
static xbtab_status compose(xbtab__text *text, const xbtab_model *m, double most)
{
    int n_states = m->state >= 0 ? XBTAB__PROGRAM_STATES : 1;
    bool is_amplifier = m->kind == XBTAB_MODEL_TIA;
    double low = xbtab__program_drive(most, is_amplifier, 0);
    double step = xbtab__program_drive(most, is_amplifier, 1) - low;
    xbtab__text_add(text, "* %s\n.options reltol=1e-9 vntol=1e-12 abstol=1e-15 gmin=1e-15\n", m->name);
    XBTAB_TRY(xbtab__spice_pass(text, m->sub_text, m->sub_path, XBTAB__SPICE_MODEL, false));
    if (m->gate >= 0) xbtab__text_add(text, "Vgate gate 0 dc %.17g\n", m->parameters[m->gate].value);
    xbtab__text_add(text, is_amplifier ? "Idrive 0 in dc 0\n" : "Vdrive a 0 dc 0\n");
    for (int s = 0; s < n_states; s++) {
        if (is_amplifier) {
            xbtab__text_add(text, "Xmodel in out %s", m->name);
        } else {
            xbtab__text_add(text, "Vm%d b%d 0 dc 0\nX%d a b%d%s %s", s, s, s, s, m->gate >= 0 ? " gate" : "",
                            m->name);
        }
        for (int k = 0; k < m->n_parameters; k++) {
            double state = k == m->state ? xbtab__bench_state(m, (double)s / (n_states - 1)) : 0;
            xbtab__text_add(text, " %s=%.17g", m->parameters[k].name,
                            k == m->state ? state : m->parameters[k].value);
        }
        xbtab__text_add(text, "\n");
    }
    xbtab__text_add(text, ".control\nset numdgt=12\nset width=256\ndc %s %.17g %.17g %.17g\nprint col",
                    is_amplifier ? "idrive" : "vdrive", low, low + step * (XBTAB__PROGRAM_POINTS - 0.5),
                    step);
    for (int s = 0; s < n_states; s++) {
        if (is_amplifier) {
            xbtab__text_add(text, " v(out)");
        } else {
            xbtab__text_add(text, " i(vm%d)", s);
        }
    }
    xbtab__text_add(text, "\n.endc\n.end\n");
    return xbtab__text_status(text);
}

/* What the child tells when it did not become the program. */
enum { NOT_THERE = 127, NOT_LOCKED = 126 };

/* The child's side: a group and a folder of its own, the netlist on its input, its output into a file of
 * limited size. In batch mode (-b) ngspice copies the netlist into a temporary file first, which it may not
 * make; as a server (-s) it reads it where it is, and does the same with it. */
static _Noreturn void become_program(const char *folder, const char *netlist, const char *log, pid_t parent)
{
    char name[] = "ngspice", server[] = "-s", no_init[] = "-n", locale[] = "LC_ALL=C",
         threads[] = "OMP_NUM_THREADS=1";
    char path[4096], libraries[4096], home[PATH_SIZE];
    char *environment[] = {locale, threads, home, NULL, NULL, NULL}, **next = environment + 3;
    const struct rlimit output = {LARGEST_OUTPUT, LARGEST_OUTPUT}, core = {0, 0},
                        computing = {COMPUTING_MAX, COMPUTING_MAX + 1},
                        memory = {XBTAB__WORKER_MEMORY, XBTAB__WORKER_MEMORY};
    snprintf(home, sizeof home, "HOME=%s", folder); /* it crashes without one */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(NOT_LOCKED);
    if (getenv("PATH") && snprintf(path, sizeof path, "PATH=%s", getenv("PATH")) < (int)sizeof path)
        *next++ = path;
    if (getenv("LD_LIBRARY_PATH") && snprintf(libraries, sizeof libraries, "LD_LIBRARY_PATH=%s",
                                              getenv("LD_LIBRARY_PATH")) < (int)sizeof libraries)
        *next++ = libraries;
    int in = open(netlist, O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool is_ready = in >= 0 && out >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0 &&
                    close_range(3, UINT_MAX, 0) == 0 && chdir(folder) == 0;
    setrlimit(RLIMIT_FSIZE, &output);
    setrlimit(RLIMIT_CORE, &core);
    setrlimit(RLIMIT_CPU, &computing);
    if (!is_ready || xbtab__sandbox_program() < 0) _exit(NOT_LOCKED);
    char *const argv[] = {name, no_init, server, NULL};
    setrlimit(RLIMIT_AS, &memory); /* this program may have more */
    execvpe(name, argv, environment);
    _exit(NOT_THERE);
}

/* The program's end, as waitpid() tells it; -1: it took too long. Its group ends with it, while its number is
 * still its own. */
static int wait_for(pid_t pid)
{
    const struct timespec tick = {.tv_nsec = 5000000};
    struct timespec now, began;
    siginfo_t end = {.si_pid = 0};
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &began);
    do {
        if (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) < 0) break;
        if (end.si_pid == 0) nanosleep(&tick, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (end.si_pid == 0 && now.tv_sec - began.tv_sec < SECONDS_MAX);
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    bool is_late = end.si_pid == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
    return is_late ? -1 : status;
}

static xbtab_status run_program(xbtab__program_run *run, const char *folder, const char *netlist,
                                const char *log)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become_program(folder, netlist, log, parent);
    if (pid < 0) XBTAB_FAIL(XBTAB_ERR_IO, "cannot start a process for ngspice: %s", strerror(errno));
    setpgid(pid, pid);
    int status = wait_for(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_LOCKED)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "cannot lock the ngspice program in: no seccomp filter, or no file to be had");
    run->is_there = status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != NOT_THERE;
    run->hangs = status < 0;
    if (run->hangs) snprintf(run->why, sizeof run->why, "it did not end within %d s", COMPUTING_MAX);
    return XBTAB_OK;
}

/* The rows behind the line "Index ...": number, drive, and a value for each state. */
static bool read_numbers(xbtab__program_run *run, const char *text, int n_states)
{
    const char *at = strstr(text, "\nIndex ");
    int k = 0;
    for (; at && k < XBTAB__PROGRAM_POINTS; at = strchr(at, '\n')) {
        char *end;
        at++;
        if (strtol(at, &end, 10) != k || end == at || *end != '\t') continue;
        (void)strtod(end, &end);
        for (int c = 0; c < n_states; c++) {
            const char *before = end;
            run->y[c][k] = strtod(before, &end);
            if (end == before) return false;
        }
        k++;
    }
    return k == XBTAB__PROGRAM_POINTS;
}

xbtab_status xbtab__program_run_model(xbtab__program_run *run, const xbtab_model *m)
{
    xbtab_scratch *scratch = NULL;
    char netlist[PATH_SIZE], log[PATH_SIZE];
    xbtab__text text = {0};
    char *content = NULL;
    size_t n = 0;
    xbtab_status status = XBTAB_OK;
    xbtab__bench bench = {.model = m};
    *run = (xbtab__program_run){0};
    if (m->n_pins == 0) return XBTAB_OK;
    XBTAB_TRY(xbtab_scratch_create(&scratch, NULL, "model"));
    const char *folder = xbtab_scratch_path(scratch);
    snprintf(netlist, sizeof netlist, "%s/model.cir", folder);
    snprintf(log, sizeof log, "%s/model.log", folder);
    XBTAB_TRY_DONE(compose(&text, m, xbtab__bench_most(&bench)));
    XBTAB_TRY_DONE(xbtab__file_write(netlist, text.s, text.n));
    XBTAB_TRY_DONE(run_program(run, folder, netlist, log));
    if (!run->is_there || run->why[0]) goto done;
    XBTAB_TRY_DONE(xbtab__file_read(&content, &n, log, 2 * LARGEST_OUTPUT));
    run->is_solved = read_numbers(run, content, m->state >= 0 ? XBTAB__PROGRAM_STATES : 1);
    if (!run->is_solved) {
        bool has_begun = strstr(content, "\nIndex ");
        snprintf(run->why, sizeof run->why,
                 has_begun ? "it stopped before the last point" : "it wrote no result");
    }
done:
    xbtab_scratch_destroy(&scratch);
    xbtab__free(content);
    xbtab__text_clear(&text);
    return status;
}
