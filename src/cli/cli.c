/* cli.c - what the program's verbs share. */
#include "cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
    char title[64];
    snprintf(title, sizeof title, "xbartab %s", argv[0]);
    *context = poptGetContext(title, argc, argv, all, 0);
    poptSetOtherOptionHelp(*context, usage);
    int code = poptGetNextOpt(*context);
    if (code < -1) {
        return cli_usage(argv[0], "%s: %s", poptBadOption(*context, POPT_BADOPTION_NOALIAS),
                         poptStrerror(code));
    }
    if (help) {
        poptPrintHelp(*context, stdout, 0);
        printf("\nExample:\n  %s\n", example);
        poptFreeContext(*context);
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
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int cli_progress(const xbtab_progress *p, void *payload)
{
    static double told; /* when the last line was written */
    static const char *step;
    (void)payload;
    bool is_terminal = isatty(STDERR_FILENO) != 0, is_end = p->done == p->total, is_new = step != p->what;
    double interval = is_terminal ? 0.2 : 10.0;
    if (is_new) told = cli_seconds();
    if (is_end ? p->seconds > 1.0 || is_terminal : cli_seconds() - told >= interval) {
        told = cli_seconds();
        fprintf(stderr, "%s%s: %ld of %ld", is_terminal ? "\r\033[K" : "", p->what, p->done, p->total);
        if (p->failed) fprintf(stderr, ", %ld failed", p->failed);
        if (is_end) {
            fprintf(stderr, ", %.1f s", p->seconds);
        } else if (p->seconds_left >= 0) {
            fprintf(stderr, ", %.0f s left", p->seconds_left);
        }
        if (!is_terminal || is_end) fprintf(stderr, "\n");
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
