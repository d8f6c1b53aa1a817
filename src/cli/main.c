/* main.c - finds the verb and runs it. */
#include <stdio.h>
#include <string.h>

#include <xbartab/version.h>

#include "cli.h"
#include "same_bits.h"
#include "verbs.h"

static void print_help(FILE *out)
{
    fprintf(out, "Usage: xbartab VERB [OPTION...] [ARGUMENT...]\n\n%s\n\n", cli_about);
    for (size_t k = 0; k < cli_n_verbs; k++)
        fprintf(out, "  %-13s %s\n", cli_verbs[k].name, cli_verbs[k].help);
    fprintf(out, "\nxbartab VERB --help tells a verb's options. Exit: %s\n\nExample:\n  %s\n", cli_exit_text,
            cli_first_example);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("xbartab %s\n", XBTAB_VERSION);
        return CLI_DONE;
    }
    for (size_t k = 0; k < cli_n_verbs; k++) {
        if (strcmp(cli_verbs[k].name, argv[1]) != 0) continue;
        if (cli_verbs[k].run != cmd_bench) cli_same_bits(argv); /* speed is told of the machine as it is */
        return cli_verbs[k].run(argc - 1, (const char **)argv + 1);
    }
    fprintf(stderr, "xbartab: no verb is called \"%s\"; see xbartab --help\n", argv[1]);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    cli_begin();
    return cli_end(run(argc, argv));
}
