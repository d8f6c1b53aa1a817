/* opt.h - what all verbs share: options, messages, exit codes, JSON and progress.
 *
 * A verb is one file cmd_<verb>.c with one static const popt table, which gives both the parser and --help,
 * and a cli_usage that names it. Its function is declared in cmd.h and listed in main.c:
 *
 *     poptContext context;
 *     int code = cli_begin(&context, &usage, argc, argv);
 *     if (code != CLI_GO) return code;
 *     const char *file = poptGetArg(context);
 *     if (!file) return cli_end(context, cli_wrong(&usage, "names no file"));
 *     ...
 *     return cli_end(context, CLI_DONE);
 *
 * The result goes to stdout, talk to stderr. */
#ifndef XBARTAB_CLI_OPT_H
#define XBARTAB_CLI_OPT_H

#include <stdbool.h>

#include <jansson.h>
#include <popt.h>

#include <xbartab/progress.h>
#include <xbartab/status.h>

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

/** Exit codes: the contract with scripts. */
enum {
    CLI_GO = -1,    /* not an exit code: go on */
    CLI_DONE = 0,   /* done */
    CLI_FAILED = 1, /* could not be done */
    CLI_WRONG = 2,  /* the command line is wrong */
    CLI_MISSED = 3  /* done, but a stated tolerance was missed */
};

/** A verb's place in --help. All strings are static. */
typedef struct cli_usage {
    const char *verb;      /* "solve" */
    const char *arguments; /* behind the options in the usage line: "FILE.yaml"; NULL = takes none */
    const char *summary;   /* one line */
    const char *example;   /* one or more whole command lines, run by the tests */
    const struct poptOption *options; /* ends in CLI_COMMON_OPTIONS */
} cli_usage;

/** Value of --help in an option table; a verb's own values start at 1. */
enum { CLI_VALUE_HELP = 1000 };

/** The foot of every option table. */
#define CLI_COMMON_OPTIONS                                                                                   \
    {"help", 'h', POPT_ARG_NONE, NULL, CLI_VALUE_HELP, "show this help and stop", NULL}, POPT_TABLEEND

/** Parse all options; what is left is for poptGetArg(). Options without a value (val = 0) only fill their
 * variables, those with one are handed to the optional cli_begin_with().
 *  @return CLI_GO, or the exit code to return at once (--help, a wrong option); *context is then released. */
int cli_begin(poptContext *context, const cli_usage *usage, int argc, const char **argv);

/** As cli_begin(); each option with a value is given to take(value, argument, payload), which returns false
 * after it has said what is wrong (cli_wrong()). The argument is borrowed for the call. */
int cli_begin_with(poptContext *context, const cli_usage *usage, int argc, const char **argv,
                   bool (*take)(int value, const char *argument, void *payload), void *payload);

/** Release the context and return code. */
int cli_end(poptContext context, int code);

/** "xbartab verb: message" on stderr. @return CLI_WRONG. */
int cli_wrong(const cli_usage *usage, const char *format, ...) CLI_PRINTF(2, 3);

/** "xbartab: message" on stderr, for what goes wrong outside the library. @return CLI_FAILED. */
int cli_failed(const char *format, ...) CLI_PRINTF(1, 2);

/** Report a failed call of the library with its own message. @return CLI_FAILED. */
int cli_failed_status(xbtab_status status);

/** A JSON number; null where x is not finite, which JSON cannot say. */
json_t *cli_json_real(double x);

/** Print one object on stdout and release it; NULL (an allocation failed while it was built) is a failure.
 *  @return CLI_DONE, or CLI_FAILED after saying why. */
int cli_json_print(json_t *object);

/** State of a progress display: start with {0}. */
typedef struct cli_progress {
    bool quiet;       /* say nothing; Ctrl-C still cancels */
    double last;      /* seconds of the step at the last line */
    const char *what; /* the step of the last line */
} cli_progress;

/** An xbtab_progress_fn whose payload is a cli_progress: a bar with the time left on a terminal, else a line
 * about every ten seconds and at the end of a step. The first Ctrl-C cancels the call, the second ends the
 * program. */
int cli_progress_show(const xbtab_progress *progress, void *payload);

/** An xbtab_note_fn: the line on stderr. */
void cli_note(const char *line, void *payload);

#endif
