/* opt.c - options through popt, one-line messages, exit codes. */
#include "opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for "xbartab " and the longest verb. */
enum { NAME_ROOM = 64 };

static void show_help(poptContext context, const cli_usage *usage)
{
    poptPrintHelp(context, stdout, 0);
    printf("\n%s\n\nExample:\n", usage->summary);
    for (const char *line = usage->example; *line;) {
        size_t n = strcspn(line, "\n");
        printf("  %.*s\n", (int)n, line);
        line += line[n] ? n + 1 : n;
    }
}

int cli_begin_with(poptContext *context, const cli_usage *usage, int argc, const char **argv,
                   bool (*take)(int value, const char *argument, void *payload), void *payload)
{
    static char name[NAME_ROOM]; /* popt keeps the pointer for the usage line */
    snprintf(name, sizeof name, "xbartab %s", usage->verb);
    argv[0] = name;
    *context = poptGetContext(name, argc, argv, usage->options, 0);
    if (!*context) return cli_failed("out of memory");
    poptSetOtherOptionHelp(*context, usage->arguments ? usage->arguments : "");
    int value;
    while ((value = poptGetNextOpt(*context)) > 0) {
        if (value == CLI_VALUE_HELP) {
            show_help(*context, usage);
            return cli_end(*context, CLI_DONE);
        }
        char *argument = poptGetOptArg(*context);
        bool fine = !take || take(value, argument, payload);
        free(argument);
        if (!fine) return cli_end(*context, CLI_WRONG);
    }
    if (value < -1) {
        int code =
            cli_wrong(usage, "%s: %s", poptBadOption(*context, POPT_BADOPTION_NOALIAS), poptStrerror(value));
        return cli_end(*context, code);
    }
    if (!usage->arguments && poptPeekArg(*context)) {
        int code = cli_wrong(usage, "%s: takes no argument", poptPeekArg(*context));
        return cli_end(*context, code);
    }
    return CLI_GO;
}

int cli_begin(poptContext *context, const cli_usage *usage, int argc, const char **argv)
{
    return cli_begin_with(context, usage, argc, argv, NULL, NULL);
}

int cli_end(poptContext context, int code)
{
    poptFreeContext(context);
    return code;
}

static void say(const char *place, const char *format, va_list arguments)
{
    fputs(place, stderr);
    fputs(": ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int cli_wrong(const cli_usage *usage, const char *format, ...)
{
    char place[NAME_ROOM];
    snprintf(place, sizeof place, "xbartab %s", usage->verb);
    va_list arguments;
    va_start(arguments, format);
    say(place, format, arguments);
    va_end(arguments);
    return CLI_WRONG;
}

int cli_failed(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("xbartab", format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

int cli_failed_status(xbtab_status status)
{
    const char *message = xbtab_error_message();
    return cli_failed("%s", *message ? message : xbtab_status_text(status));
}
