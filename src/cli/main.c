/* main.c - the program xbartab: finds the verb and hands over.
 *
 * To add a verb: cmd_<verb>.c, a line in cmd.h, a line here. */
#include <stdio.h>
#include <string.h>

#include <xbartab/version.h>

#include "cmd.h"
#include "opt.h"

static const struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *summary;
} verbs[] = {
    {"bench", cmd_bench, "measure the performance ratios on this machine"},
};
enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static void show_help(FILE *out)
{
    fprintf(out, "Usage: xbartab VERB [OPTION...] [ARGUMENT...]\n\n"
                 "RRAM crossbars: characterized once in SPICE, kept as tables, run as networks.\n\nVerbs:\n");
    for (int k = 0; k < N_VERBS; k++) fprintf(out, "  %-14s %s\n", verbs[k].name, verbs[k].summary);
    fprintf(out,
            "\nOptions:\n"
            "  --help         show this help and stop\n"
            "  --version      show the version and stop\n\n"
            "'xbartab VERB --help' explains a verb. Exit codes: 0 done, 1 failed, 2 wrong command line,\n"
            "3 done but a stated tolerance was missed.\n\n"
            "Example:\n  xbartab bench --json\n");
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : NULL;
    if (!verb) {
        fprintf(stderr, "xbartab: no verb; see 'xbartab --help'\n");
        return CLI_WRONG;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
        show_help(stdout);
        return CLI_DONE;
    }
    if (strcmp(verb, "--version") == 0) {
        puts("xbartab " XBTAB_VERSION);
        return CLI_DONE;
    }
    for (int k = 0; k < N_VERBS; k++)
        if (strcmp(verb, verbs[k].name) == 0) return verbs[k].run(argc - 1, (const char **)argv + 1);
    fprintf(stderr, "xbartab: %s: unknown verb; see 'xbartab --help'\n", verb);
    return CLI_WRONG;
}
