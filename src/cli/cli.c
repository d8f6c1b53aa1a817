/* cli.c - what the program's verbs share. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xbartab/output.h>
#include <xbartab/output_check.h>

#include "help.h"

static volatile sig_atomic_t interrupted;
static bool has_spoken; /* a failure has had its line */
static const char **verb_words; /* behind the verb, until NULL */

/* One line, whatever words of the user it quotes. */
static void say(const char *before, const char *format, va_list args, const char *after)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
    }
    fprintf(stderr, "xbartab%s: %s%s\n", before, text, after);
    has_spoken = true;
}

int cli_usage(const char *verb, const char *format, ...)
{
    char before[64], after[64];
    va_list args;
    snprintf(before, sizeof before, " %s", verb);
    snprintf(after, sizeof after, "; see xbartab %s --help", verb);
    va_start(args, format);
    say(before, format, args, after);
    va_end(args);
    return CLI_USAGE;
}

int cli_failed(void)
{
    return cli_fail("%s", xbtab_error_message());
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", format, args, "");
    va_end(args);
    return CLI_FAILED;
}

void cli_tell(const char *format, ...)
{
    va_list args;
    if (fflush(stdout) != 0 || ferror(stdout)) return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- the standard streams ---- */

void cli_begin(void)
{
    /* what is closed would be the next file that is opened: stdout a table, say, into which results are
     * printed. Writing to the read-only one fails, as it should. */
    for (int k = STDIN_FILENO; k <= STDERR_FILENO; k++) {
        if (fcntl(k, F_GETFD) >= 0) continue;
        int file = open("/dev/null", k == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        if (file < 0 || file == k) continue;
        dup2(file, k);
        close(file);
    }
    signal(SIGXFSZ, SIG_IGN); /* a file above the user's limit is a failed write, not the end */
}

int cli_end(int code)
{
    errno = 0;
    bool is_bad = fflush(stdout) != 0;
    int reason = is_bad ? errno : 0;
    is_bad = ferror(stdout) != 0 || is_bad;
    if (fclose(stdout) != 0 && !is_bad) {
        is_bad = true;
        reason = errno;
    }
    if (!is_bad) return code;
    if (code == CLI_DONE || code == CLI_MISSED || !has_spoken)
        cli_fail("standard output: cannot write%s%s", reason ? ": " : "", reason ? strerror(reason) : "");
    return code == CLI_USAGE ? code : CLI_FAILED;
}

/* ---- options ---- */

int cli_parse(poptContext *context, int argc, const char **argv, const struct poptOption *options,
              const char *usage, const char *example, int least, int most, const char **arguments)
{
    int help = 0, n = 0;
    struct poptOption all[] = {
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, (void *)(size_t)options, 0, "Options:", NULL},
        {"help", 'h', POPT_ARG_NONE, &help, 0, "Show this help", NULL},
        POPT_TABLEEND};
    static char title[64]; /* popt prints the program's name from argv */
    const char *verb = argv[0];
    *context = NULL;
    if (cli_is_described(verb, options, usage, example)) return CLI_USAGE;
    verb_words = argv + 1;
    snprintf(title, sizeof title, "xbartab %s", verb);
    argv[0] = title;
    *context = poptGetContext(title, argc, argv, all, 0);
    argv[0] = verb;
    int code = poptGetNextOpt(*context);
    for (; code == CLI_NUMBER; code = poptGetNextOpt(*context)) {
        if (cli_take_numbers(verb, options) != CLI_DONE) return CLI_USAGE;
    }
    if (code < -1) {
        return cli_usage(argv[0], "%s: %s", poptBadOption(*context, POPT_BADOPTION_NOALIAS),
                         poptStrerror(code));
    }
    if (help) {
        cli_print_help(title, options, usage, example);
        cli_finish(*context, options);
        exit(cli_end(CLI_DONE));
    }
    for (const char *word = poptGetArg(*context); word; word = poptGetArg(*context)) {
        if (n == most) return cli_usage(argv[0], "unexpected argument \"%s\"", word);
        arguments[n++] = word;
    }
    arguments[n] = NULL;
    if (n < least) return cli_usage(argv[0], "missing argument; usage: xbartab %s %s", argv[0], usage);
    return CLI_DONE;
}

void cli_finish(poptContext context, const struct poptOption *options)
{
    for (; options->longName; options++) {
        if (options->argInfo == POPT_ARG_STRING) free(*(char **)options->arg);
    }
    poptFreeContext(context);
}

int cli_open_tables(xbtab_tables **out, const char *path)
{
    if (xbtab_tables_open(out, path) < 0) return cli_failed();
    if (!(*out)->is_sealed)
        fprintf(stderr,
                "xbartab: %s: of schema %d, before tables had a seal: its contents cannot be verified\n",
                path, (*out)->schema);
    return CLI_DONE;
}

const char *cli_sampled_by(const xbtab_tables *tables)
{
    return tables->samples.by_solver ? "xbartab" : "ngspice";
}

const char *cli_default_tile(void)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/tiles/default.yaml", xbtab_data_folder());
    return path;
}

void cli_note(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "xbartab: note: %s\n", line);
}

void cli_line(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "%s\n", line);
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt,
                               .sa_flags = (int)SA_RESETHAND}; /* the second one ends */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_write_text(const char *path, const char *text)
{
    return xbtab_output_write(path, text, strlen(text)) < 0 ? cli_failed() : CLI_DONE;
}

static bool is_same_file(const char *path, const struct stat *as)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_dev == as->st_dev && info.st_ino == as->st_ino;
}

/* How many words of the command name the file: as FILE, --option=FILE or -oFILE. */
static int count_naming(const struct stat *file)
{
    int n = 0;
    for (const char **word = verb_words; word && *word; word++) {
        const char *value = strncmp(*word, "--", 2) == 0 ? strchr(*word, '=') : NULL;
        if (value) {
            value++;
        } else if ((*word)[0] == '-' && (*word)[1] && (*word)[1] != '-' && (*word)[2]) {
            value = *word + 2 + ((*word)[2] == '=');
        }
        n += is_same_file(*word, file) || (value && is_same_file(value, file));
    }
    return n;
}

int cli_check_output(const char *path)
{
    struct stat info;
    if (!path) return CLI_DONE;
    if (xbtab_output_check(path) < 0) return cli_failed();
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && count_naming(&info) > 1)
        return cli_fail("%s: cannot write: the command names this file twice, and it would be overwritten",
                        path);
    return CLI_DONE;
}

int cli_check_regular_output(const char *path)
{
    struct stat info;
    int code = cli_check_output(path);
    if (code == CLI_DONE && stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return cli_fail("%s: cannot write: it is not a regular file", path);
    return code;
}

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *time_text(char *text, size_t size, double seconds)
{
    if (seconds < 0) {
        snprintf(text, size, "time left unknown");
    } else if (seconds < 90) {
        snprintf(text, size, "%.0f s left", seconds);
    } else {
        snprintf(text, size, "%.0f min left", seconds / 60);
    }
    return text;
}

static void show_bar(const xbtab_progress *p, const char *failed)
{
    enum { WIDTH = 30 };
    char bar[WIDTH + 1] = "", left[32];
    long full = p->total > 0 ? p->done * WIDTH / p->total : 0;
    for (int k = 0; k < WIDTH; k++) bar[k] = k < full ? '#' : '.';
    fprintf(stderr, "\r%s [%s] %ld/%ld%s, %s\033[K", p->what, bar, p->done, p->total, failed,
            time_text(left, sizeof left, p->seconds_left));
    if (p->done >= p->total) fprintf(stderr, "\n");
}

int cli_progress(const xbtab_progress *p, void *payload)
{
    static double told;              /* when the last line was written */
    static const char *step, *ended; /* the step being told, and the one whose end was */
    char failed[32] = "", left[32];
    bool is_end = p->done >= p->total, is_new = step != p->what;
    (void)payload;
    if (is_end && ended == p->what) return interrupted != 0;
    ended = is_end ? p->what : NULL;
    if (p->failed > 0) snprintf(failed, sizeof failed, " (%ld failed)", p->failed);
    if (is_new) told = cli_seconds();
    if (isatty(STDERR_FILENO)) {
        if (is_new || is_end || cli_seconds() - told >= 0.2) {
            told = cli_seconds();
            show_bar(p, failed);
        }
    } else if (is_end && p->seconds >= 1.0) {
        fprintf(stderr, "%s: %ld of %ld%s in %.1f s\n", p->what, p->done, p->total, failed, p->seconds);
    } else if (!is_end && cli_seconds() - told >= 10.0) {
        told = cli_seconds();
        fprintf(stderr, "%s: %ld of %ld%s, %s\n", p->what, p->done, p->total, failed,
                time_text(left, sizeof left, p->seconds_left));
    }
    step = is_end ? NULL : p->what;
    return interrupted != 0;
}

int cli_print_record(const xbtab_form *form, const void *record)
{
    return xbtab_report_json(stdout, form, record) < 0 ? cli_failed() : CLI_DONE;
}

int cli_print_json(json_t *object)
{
    int bad = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(object);
    printf("\n");
    if (bad && !ferror(stdout)) return cli_fail("a number or text of the result is none that JSON can hold");
    return CLI_DONE; /* cli_end() tells what could not be written */
}

json_t *cli_known_json(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *cli_error_json(const xbtab_fit_error *e)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I}", "heldout_rmse_fs", cli_known_json(e->rmse),
                     "heldout_max_fs", cli_known_json(e->max), "full_scale", cli_known_json(e->full_scale),
                     "samples", (json_int_t)e->samples, "failed", (json_int_t)e->failed);
}
