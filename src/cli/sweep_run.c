/* sweep_run.c - the runs of a sweep, each in a process of its own, and their picture. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "plot.h"
#include "sweep.h"

enum { MOST_WORKERS = 64 };

/* A run that is under way. */
typedef struct worker {
    pid_t pid; /* 0 = free */
    int row;
    char stem[4096]; /* of its files: .yaml, .json, .err */
} worker;

static const char *file_of(char *out, size_t size, const worker *w, const char *ending)
{
    snprintf(out, size, "%s.%s", w->stem, ending);
    return out;
}

static void remove_files(const worker *w)
{
    static const char *const endings[] = {"yaml", "json", "err"};
    char path[4200];
    for (int k = 0; k < 3; k++) unlink(file_of(path, sizeof path, w, endings[k]));
}

static void run_child(const sweep *s, const worker *w, pid_t parent)
{
    char yaml[4200], path[4200], limit[16], calibrate[16], threads[16];
    const char *argv[32 + 2 * SWEEP_SHAPES];
    int n = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);           /* a sweep that is killed leaves no run behind */
    if (getppid() != parent) _exit(CLI_FAILED); /* it died before the line above */
    argv[n++] = "xbartab";
    argv[n++] = "infer";
    if (s->network) argv[n++] = s->network;
    argv[n++] = "--arch";
    argv[n++] = file_of(yaml, sizeof yaml, w, "yaml");
    argv[n++] = "--json";
    argv[n++] = "--mode";
    argv[n++] = s->mode;
    const struct {
        const char *name, *value;
    } texts[] = {
        {"--images", s->images}, {"--labels", s->labels}, {"--cache", s->cache}, {"--models", s->models}};
    for (int k = 0; k < 4; k++) {
        if (!texts[k].value) continue;
        argv[n++] = texts[k].name;
        argv[n++] = texts[k].value;
    }
    const struct {
        const char *name;
        int value;
        char *text;
    } numbers[] = {{"--limit", s->limit, limit},
                   {"--calibrate", s->calibrate, calibrate},
                   {"--threads", s->threads, threads}};
    for (int k = 0; k < 3; k++) {
        if (!numbers[k].value) continue;
        snprintf(numbers[k].text, 16, "%d", numbers[k].value);
        argv[n++] = numbers[k].name;
        argv[n++] = numbers[k].text;
    }
    if (s->raw_pixels) argv[n++] = "--raw-pixels";
    for (size_t k = 0; k < s->shapes.n; k++) {
        argv[n++] = "--input-shape";
        argv[n++] = s->shapes.texts[k];
    }
    argv[n] = NULL;
    int out = open(file_of(path, sizeof path, w, "json"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int err = open(file_of(path, sizeof path, w, "err"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (out < 0 || err < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) _exit(CLI_FAILED);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(CLI_FAILED);
}

/* The last line that the run said, without the program's name. */
static void take_complaint(const worker *w, sweep_row *row)
{
    char path[4200], line[512], last[512] = "ended without a word";
    FILE *f = fopen(file_of(path, sizeof path, w, "err"), "r");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line) memcpy(last, line, sizeof last);
    }
    if (f) fclose(f);
    const char *text = strncmp(last, "xbartab: ", 9) == 0 ? last + 9 : last;
    size_t n = strlen(w->stem);
    if (strncmp(text, w->stem, n) == 0) text += n + strlen(".yaml:");
    snprintf(row->status, sizeof row->status, "%.250s", text);
}

static double number_at(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* @return whether the row is done: a run that was interrupted is not. */
static bool take_result(const sweep *s, const worker *w, sweep_row *row, int status, bool is_canceled)
{
    char path[4200];
    if (!WIFEXITED(status) || (is_canceled && WEXITSTATUS(status) != CLI_DONE)) return false;
    if (WEXITSTATUS(status) != CLI_DONE) {
        take_complaint(w, row);
        return true;
    }
    json_t *r = json_load_file(file_of(path, sizeof path, w, "json"), 0, NULL);
    if (!r) return false;
    json_t *a = json_object_get(r, "accuracy"), *e = json_object_get(r, "tile_error");
    const double figure[SWEEP_FIGURES] = {
        number_at(r, "adc_bits"), number_at(r, "adc_bits_needed"), number_at(r, "images"),
        number_at(r, "tiles"),    number_at(a, "float"),           number_at(a, "integer"),
        number_at(a, "ideal"),    number_at(a, s->mode),           number_at(r, "transfer_heldout_rmse_fs"),
        number_at(e, "rmse_fs")};
    memcpy(row->figure, figure, sizeof figure);
    snprintf(row->status, sizeof row->status, "ok");
    json_decref(r);
    return true;
}

static int start(sweep *s, worker *w, int r, const char *folder)
{
    char path[4200];
    snprintf(w->stem, sizeof w->stem, "%s/%d", folder, r);
    w->row = r;
    char *text = sweep_text(s, &s->row[r]);
    if (!text) {
        s->row[r].is_done = 1; /* its status says why */
        return CLI_DONE;
    }
    FILE *f = fopen(file_of(path, sizeof path, w, "yaml"), "w");
    int failed = !f || fputs(text, f) < 0;
    if (f && fclose(f) != 0) failed = 1;
    free(text);
    if (failed) return cli_fail("%s: cannot write", path);
    const pid_t parent = getpid();
    w->pid = fork();
    if (w->pid == 0) run_child(s, w, parent);
    if (w->pid > 0) return CLI_DONE;
    w->pid = 0;
    return cli_fail("cannot start a process: %s", strerror(errno));
}

/* All runs of a sweep, and how far it is. */
typedef struct runs {
    worker worker[MOST_WORKERS];
    int n;
    long done, failed, before; /* rows; those that an earlier sweep has done */
    double began;
    bool is_canceled;
} runs;

/* Take what has ended; where nothing has, a moment passes. */
static int finish(sweep *s, runs *a)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0) return errno == EINTR ? CLI_DONE : cli_fail("lost a process: %s", strerror(errno));
    if (pid == 0) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    for (int k = 0; k < a->n; k++) {
        worker *w = &a->worker[k];
        if (w->pid != pid || pid == 0) continue;
        sweep_row *row = &s->row[w->row];
        row->is_done = take_result(s, w, row, status, a->is_canceled);
        remove_files(w);
        w->pid = 0;
        if (!row->is_done && a->is_canceled) return CLI_DONE;
        if (!row->is_done) return cli_fail("a run ended by a signal; start again to continue");
        a->done++;
        a->failed += strcmp(row->status, "ok") != 0;
        return sweep_write_rows(s);
    }
    return CLI_DONE;
}

/* Tell how far it is. Asked to stop, the runs are told so too, and what they have not finished is left out.
 */
static int tell(const sweep *s, runs *a)
{
    const double seconds = cli_seconds() - a->began;
    const long now = a->done - a->before;
    const xbtab_progress p = {.what = "sweep",
                              .done = a->done,
                              .total = s->n_rows,
                              .failed = a->failed,
                              .seconds = seconds,
                              .seconds_left =
                                  now > 0 ? seconds / (double)now * (double)(s->n_rows - a->done) : -1};
    if (!cli_progress(&p, NULL) || a->is_canceled) return CLI_DONE;
    a->is_canceled = true;
    for (int k = 0; k < a->n; k++) {
        if (a->worker[k].pid > 0) kill(a->worker[k].pid, SIGTERM);
    }
    return cli_fail("canceled with %ld of %d runs done; start again to continue", a->done, s->n_rows);
}

int sweep_run(sweep *s)
{
    runs a = {.began = cli_seconds()};
    int busy = 0, code = CLI_DONE;
    xbtab_scratch *scratch = NULL;
    a.n = s->workers < 1 ? 1 : s->workers > MOST_WORKERS ? MOST_WORKERS : s->workers;
    if (xbtab_scratch_create(&scratch, NULL, "sweep") < 0) return cli_failed();
    for (int r = 0; r < s->n_rows; r++) a.before += s->row[r].is_done;
    a.done = a.before;
    for (int r = 0; (r < s->n_rows && code == CLI_DONE) || busy;) {
        while (r < s->n_rows && s->row[r].is_done) r++;
        int k = 0;
        while (k < a.n && a.worker[k].pid) k++;
        if (r < s->n_rows && code == CLI_DONE && k < a.n) {
            code = start(s, &a.worker[k], r++, xbtab_scratch_path(scratch));
            if (!a.worker[k].pid) a.done++;
        } else if (busy) {
            int ended = finish(s, &a), told = tell(s, &a);
            if (code == CLI_DONE) code = ended != CLI_DONE ? ended : told;
        }
        busy = 0;
        for (k = 0; k < a.n; k++) busy += a.worker[k].pid != 0;
    }
    xbtab_scratch_destroy(&scratch);
    return code == CLI_DONE ? sweep_write_rows(s) : code;
}

/* ---- the picture ---- */

/* Points of one line: the rows that share all but the first key with row `first`. */
static void put_line(const sweep *s, FILE *f, int first, int figure)
{
    int step = s->n_rows / s->key[0].n;
    for (int v = 0; v < s->key[0].n; v++) {
        const sweep_row *row = &s->row[first + v * step];
        if (!isnan(row->figure[figure])) fprintf(f, "%d %.17g\n", v, 100 * row->figure[figure]);
    }
    fprintf(f, "e\n");
}

static void put_title(const sweep *s, FILE *f, int first, const char *what)
{
    char title[512];
    size_t n = (size_t)snprintf(title, sizeof title, "%s", what);
    for (int k = 1; k < s->n_keys && n < sizeof title; k++)
        n += (size_t)snprintf(title + n, sizeof title - n, ", %s=%s", s->key[k].key,
                              s->key[k].value[s->row[first].choice[k]]);
    fprintf(f, "'-' with linespoints title ");
    cli_plot_text(f, title);
}

int sweep_plot(const sweep *s, const char *path)
{
    int lines = s->n_rows / s->key[0].n;
    cli_plot plot;
    int legend = 2 * lines < 100 ? 2 * lines : 100; /* a line each, below the picture */
    int code = cli_plot_begin(&plot, path, 900, 600 + 20 * legend);
    if (code != CLI_DONE) return code == CLI_USAGE ? CLI_DONE : code;
    FILE *f = plot.script;
    fprintf(f, "set xlabel ");
    cli_plot_text(f, s->key[0].key);
    fprintf(f, " noenhanced\nset ylabel 'accuracy [%%]'\nset key bmargin center maxcols 1 noenhanced\n");
    fprintf(f, "set grid\nset yrange [0:101]\nset xrange [-0.5:%g]\nset xtics noenhanced (",
            s->key[0].n - 0.5);
    for (int v = 0; v < s->key[0].n; v++) {
        if (v) fprintf(f, ", ");
        cli_plot_text(f, s->key[0].value[v]);
        fprintf(f, " %d", v);
    }
    fprintf(f, ")\nplot ");
    for (int l = 0; l < lines; l++) {
        if (l) fprintf(f, ", ");
        put_title(s, f, l, "ideal");
        fprintf(f, ", ");
        put_title(s, f, l, s->mode);
    }
    fprintf(f, "\n");
    for (int l = 0; l < lines; l++) {
        put_line(s, f, l, 6);
        put_line(s, f, l, 7);
    }
    return cli_plot_end(&plot);
}
