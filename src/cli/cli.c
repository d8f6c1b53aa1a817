/* cli.c - what the program's verbs share. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xbartab/output.h>

static volatile sig_atomic_t interrupted;

int cli_usage(const char *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "xbartab %s: ", verb);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; see xbartab %s --help\n", verb);
    va_end(args);
    return CLI_USAGE;
}

int cli_failed(void)
{
    fprintf(stderr, "xbartab: %s\n", xbtab_error_message());
    return CLI_FAILED;
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "xbartab: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    return CLI_FAILED;
}

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
    snprintf(title, sizeof title, "xbartab %s", verb);
    argv[0] = title;
    *context = poptGetContext(title, argc, argv, all, 0);
    argv[0] = verb;
    poptSetOtherOptionHelp(*context, usage);
    int code = poptGetNextOpt(*context);
    if (code < -1) {
        return cli_usage(argv[0], "%s: %s", poptBadOption(*context, POPT_BADOPTION_NOALIAS),
                         poptStrerror(code));
    }
    if (help) {
        poptPrintHelp(*context, stdout, 0);
        printf("\nExample:\n  %s\n", example);
        cli_finish(*context, options);
        exit(CLI_DONE);
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

const char *cli_pair_tile(void)
{
    return access(XBARTAB_SOURCE_PAIR, R_OK) == 0 ? XBARTAB_SOURCE_PAIR : XBARTAB_INSTALLED_PAIR;
}

const char *cli_default_tile(void)
{
    return access(XBARTAB_SOURCE_TILE, R_OK) == 0 ? XBARTAB_SOURCE_TILE : XBARTAB_INSTALLED_TILE;
}

xbtab_status cli_open_models(xbtab_models **out, const char *folder)
{
    const char *folders[2];
    int n = 0;
    folders[n++] =
        access(XBARTAB_INSTALLED_MODELS, R_OK) == 0 ? XBARTAB_INSTALLED_MODELS : XBARTAB_SOURCE_MODELS;
    if (access(XBARTAB_SOURCE_MODELS, R_OK) == 0) folders[0] = XBARTAB_SOURCE_MODELS;
    if (folder) folders[n++] = folder;
    return xbtab_models_open(out, folders, n);
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

int cli_print_json(json_t *object)
{
    int bad = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(object);
    printf("\n");
    if (bad || fflush(stdout) != 0) return cli_fail("cannot write the JSON result");
    return CLI_DONE;
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
