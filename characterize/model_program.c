/* model_program.c - a model's netlist in the ngspice program, as a researcher would run it. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "file.h"
#include "memory.h"
#include "model_bench.h"

extern char **environ;

enum { LARGEST_OUTPUT = 1 << 20, PATH_SIZE = 64 };

double xbtab__program_drive(double most, bool is_amplifier, int k)
{
    double share = (double)k / (XBTAB__PROGRAM_POINTS - 1);
    return is_amplifier ? most * share : most * (2 * share - 1);
}

static void compose(xbtab__text *text, const xbtab_model *m, double most, const char *data)
{
    int n_states = m->state >= 0 ? XBTAB__PROGRAM_STATES : 1;
    bool is_amplifier = m->kind == XBTAB_MODEL_TIA;
    double low = xbtab__program_drive(most, is_amplifier, 0);
    double step = xbtab__program_drive(most, is_amplifier, 1) - low;
    xbtab__text_add(text, "* %s\n.options reltol=1e-9 vntol=1e-12 abstol=1e-15 gmin=1e-15\n%s\n", m->name,
                    m->sub_text);
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
    xbtab__text_add(text, ".control\nset numdgt=12\nset wr_singlescale\ndc %s %.17g %.17g %.17g\nwrdata %s",
                    is_amplifier ? "idrive" : "vdrive", low, low + step * (XBTAB__PROGRAM_POINTS - 0.5), step,
                    data);
    for (int s = 0; s < n_states; s++) {
        if (is_amplifier) {
            xbtab__text_add(text, " v(out)");
        } else {
            xbtab__text_add(text, " i(vm%d)", s);
        }
    }
    xbtab__text_add(text, "\n.endc\n.end\n");
}

/* The program's exit code; -1: it is not installed. */
static int run_program(char *netlist, const char *log)
{
    char name[] = "ngspice", batch[] = "-b", no_init[] = "-n";
    char *const argv[] = {name, no_init, batch, netlist, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    if (posix_spawn_file_actions_init(&actions) != 0) return -1;
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int failed = posix_spawnp(&pid, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed) return -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static bool read_numbers(xbtab__program_run *run, const char *data, int n_states)
{
    for (int k = 0; k < XBTAB__PROGRAM_POINTS; k++) {
        for (int c = 0; c <= n_states; c++) {
            char *end;
            double x = strtod(data, &end);
            if (end == data) return false;
            if (c > 0) run->y[c - 1][k] = x;
            data = end;
        }
    }
    return true;
}

xbtab_status xbtab__program_run_model(xbtab__program_run *run, const xbtab_model *m)
{
    xbtab_scratch *scratch = NULL;
    char netlist[PATH_SIZE], data[PATH_SIZE], log[PATH_SIZE];
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
    snprintf(data, sizeof data, "%s/model.data", folder);
    snprintf(log, sizeof log, "%s/model.log", folder);
    compose(&text, m, xbtab__bench_most(&bench), data);
    XBTAB_TRY_DONE(xbtab__text_status(&text));
    XBTAB_TRY_DONE(xbtab__file_write(netlist, text.s, text.n));
    run->is_there = run_program(netlist, log) >= 0;
    if (!run->is_there) goto done;
    if (xbtab__file_read(&content, &n, data, LARGEST_OUTPUT) < 0) {
        snprintf(run->why, sizeof run->why, "it wrote no result");
    } else {
        run->is_solved = read_numbers(run, content, m->state >= 0 ? XBTAB__PROGRAM_STATES : 1);
        if (!run->is_solved) snprintf(run->why, sizeof run->why, "it stopped before the last point");
    }
done:
    xbtab_scratch_destroy(&scratch);
    xbtab__free(content);
    xbtab__text_clear(&text);
    return status;
}
