/* spice_text.h - SPICE text as ngspice 39 reads it: logical lines with the physical line each begins on.
 *
 * ngspice drops carriage returns, takes "*" at a line's start as a comment, ";" and "//" anywhere, "$" at a
 * line's start and behind a blank or a comma, in quotes and braces too; "+" goes on with the last line that
 * is not blank or a comment. All who look at SPICE text here look at these lines, and what goes to ngspice is
 * written from them, so that ngspice finds neither a comment nor a continuation that was read otherwise. */
#ifndef XBTAB_CONFIG_SPICE_TEXT_H
#define XBTAB_CONFIG_SPICE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

typedef struct xbtab__spice_line {
    char *text;      /* without its comment, its continuations behind it, blanks for tabs; of a comment what
                        follows the mark */
    int number;      /* of the physical line where it begins, from 1 */
    bool is_comment; /* a line of its own */
} xbtab__spice_line;

/** Start with {0}; end with xbtab__spice_clear(). */
typedef struct xbtab__spice_text {
    const char *path;        /* for messages, borrowed; NULL: a netlist of our own, whose lines are quoted */
    xbtab__spice_line *line; /* line[n] */
    size_t n;
    char *code, *comments; /* where their texts stand */
} xbtab__spice_text;

/** Split a text into its lines.
 *  @param text  text[n].
 *  @param path  for messages; borrowed as long as *out lives. Messages hold nothing of a file's text.
 *  @return XBTAB_ERR_INPUT: a control byte (all but tabs and line ends), a byte outside ASCII or a backslash
 *  that is in no comment, a "$" that begins none, a comment that ngspice would obey ("*#", "*ng_script"), a
 *  continuation of nothing or of a line with ";" at its start, which ngspice drops; XBTAB_ERR_NOMEM. */
xbtab_status xbtab__spice_lex(xbtab__spice_text *out, const char *text, size_t n,
                              const char *path) XBTAB_MUST_CHECK;
void xbtab__spice_clear(xbtab__spice_text *text);

/** Append the lines, long ones continued. @param with_comments  the comments that are lines of their own too.
 */
void xbtab__spice_write(xbtab__text *out, const xbtab__spice_text *text, bool with_comments);

/** Part of a line. */
typedef struct xbtab__spice_word {
    const char *s;
    size_t n;
} xbtab__spice_word;

/** The next word of a line, which ends at a blank; n = 0 at the line's end. Moves *at behind it and what
 * blanks follow. */
xbtab__spice_word xbtab__spice_next_word(const char **at);

/** The name of the next "name = value" that stands in no parentheses, braces or quotes; n = 0: there is none.
 * Moves *at behind the "=". */
xbtab__spice_word xbtab__spice_next_definition(const char **at);

/** Equal but for the case. */
bool xbtab__spice_is(xbtab__spice_word word, const char *text);

/** "FILE:LINE: rule", or for a netlist of our own with the line's text. */
xbtab_status xbtab__spice_refuse(const xbtab__spice_text *text, const xbtab__spice_line *line,
                                 const char *rule);

#endif
