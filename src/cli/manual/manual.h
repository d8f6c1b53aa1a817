/* manual.h - man pages and shells' completions, made of the tables that the program parses its options with. */
#ifndef XBTAB_CLI_MANUAL_H
#define XBTAB_CLI_MANUAL_H

#include <stdio.h>

#include "help.h"
#include "verbs.h"

/** What a completion offers behind an option. */
typedef enum manual_value {
    MANUAL_NONE,   /* a flag */
    MANUAL_WORD,   /* a number or a word: nothing to offer */
    MANUAL_FOLDER, /* a folder */
    MANUAL_FILE    /* anything else: files */
} manual_value;

manual_value manual_value_of(const struct poptOption *option);

/** The first words that a verb's usage allows, "list" of "list | show NAME", one a call.
 *  @param[in,out] at  starts as the usage; moved on.
 *  @return the word's length, 0 behind the last; the word is at *word. */
size_t manual_next_word(const char **word, const char **at);

/** A text in which single characters stand for others. */
typedef struct manual_escape {
    char from;
    const char *to;
} manual_escape;

/** Print a text with what `escapes` (ended by from = 0) says. */
void manual_print(FILE *out, const char *text, const manual_escape *escapes);

/** The program's page, and one of a verb. */
void manual_program_page(FILE *out);
void manual_verb_page(FILE *out, const cli_verb *verb, const cli_description *d);

/** A completion file: its beginning, its part for each verb, its end. */
typedef struct manual_shell {
    const char *file; /* its name below the folder that manuals are written to */
    void (*begin)(FILE *out);
    void (*verb)(FILE *out, const cli_verb *verb, const cli_description *d);
    void (*end)(FILE *out);
} manual_shell;

extern const manual_shell manual_bash, manual_zsh, manual_fish;

#endif
