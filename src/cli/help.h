/* help.h - a verb's options as its users read them: in --help, and for the pages and completions that are made of the
 * same tables when the program is built (manual/). */
#ifndef XBTAB_CLI_HELP_H
#define XBTAB_CLI_HELP_H

#include <popt.h>

/** What --help of a verb tells. Everything is valid during the call only. */
typedef struct cli_description {
    const char *verb, *usage, *example;
    const struct poptOption
        *options; /* each number's range behind its words, --help last; ended by POPT_TABLEEND */
} cli_description;

typedef void (*cli_describe_fn)(const cli_description *description, void *payload);

/** From now on cli_parse() hands each verb's description over and refuses the command without a word, so that the verb
 *  does nothing; NULL = no more. */
void cli_describe_to(cli_describe_fn take, void *payload);

/** Whether that is so; take has been called then. */
int cli_is_described(const char *verb, const struct poptOption *options, const char *usage,
                     const char *example);

/** The text of --help on stdout. */
void cli_print_help(const char *title, const struct poptOption *options, const char *usage,
                    const char *example);

#endif
