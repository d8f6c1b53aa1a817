/* numbers.h - the options that are numbers: rows of a verb's table of options, each with what it allows.
 *
 * popt reads "nan", "0x10", "010" (as 8) and " 5" as numbers and stops at others without a word of what is
 * allowed. So it hands over each number as text, and cli_parse() reads it here, strictly (number.h). */
#ifndef XBTAB_CLI_NUMBERS_H
#define XBTAB_CLI_NUMBERS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <popt.h>

/** Where an option's number goes. One of the three is set. */
typedef struct cli_number {
    char *text; /* popt puts it here: the first field */
    int *whole;
    uint64_t *seed; /* 0 to 2^64 - 1 */
    double *real;
    double least, most; /* of whole and real */
    bool *is_given;     /* set to true where it is; NULL = nobody asks */
} cli_number;

/** popt's value of an option that is a number. */
enum { CLI_NUMBER = 1000 };

/** Rows of a table: name, letter ('\0' = none), where it goes, what is allowed, and the help's two texts. The
 *  table must stand in the function that parses it. What is not given stays as it is. */
#define CLI_WHOLE(name, letter, out, from, to, help, what)                                                   \
    {                                                                                                        \
        (name), (letter), POPT_ARG_STRING, &(cli_number){.whole = (out), .least = (from), .most = (to)},     \
            CLI_NUMBER, (help), (what)                                                                       \
    }
#define CLI_REAL(name, letter, out, from, to, help, what)                                                    \
    {                                                                                                        \
        (name), (letter), POPT_ARG_STRING, &(cli_number){.real = (out), .least = (from), .most = (to)},      \
            CLI_NUMBER, (help), (what)                                                                       \
    }
#define CLI_SEED(name, out, given, help)                                                                     \
    {                                                                                                        \
        (name), '\0', POPT_ARG_STRING, &(cli_number){.seed = (out), .is_given = (given)}, CLI_NUMBER,        \
            (help), "S"                                                                                      \
    }

/** Take the texts that popt has put into the numbers of a table, and free them. @return CLI_DONE, or
 * CLI_USAGE after a line on stderr. */
int cli_take_numbers(const char *verb, const struct poptOption *options);

/** " [1 to 16]", or "" where the option is no number. @return out. */
char *cli_number_range(char *out, size_t size, const struct poptOption *option);

#endif
