/* verbs.h - the program's verbs, and what it says of itself. */
#ifndef XBTAB_CLI_VERBS_H
#define XBTAB_CLI_VERBS_H

#include <stddef.h>

typedef struct cli_verb {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *help; /* one line */
} cli_verb;

extern const cli_verb cli_verbs[];
extern const size_t cli_n_verbs;

extern const char cli_about[];     /* the program in one sentence */
extern const char cli_exit_text[]; /* its exit codes */
extern const char cli_first_example[];

#endif
