/* numbers.c - the options that are numbers. */
#include "numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <xbartab/number.h>

#include "cli.h"

static void range_text(char *out, size_t size, const cli_number *n)
{
    if (n->seed) {
        snprintf(out, size, "0 to %" PRIu64, UINT64_MAX);
    } else if (n->whole) {
        snprintf(out, size, "%.0f to %.0f", n->least, n->most);
    } else {
        snprintf(out, size, "%g to %g", n->least, n->most);
    }
}

char *cli_number_range(char *out, size_t size, const struct poptOption *option)
{
    char range[64];
    out[0] = '\0';
    if (option->val != CLI_NUMBER) return out;
    range_text(range, sizeof range, option->arg);
    snprintf(out, size, " [%s]", range);
    return out;
}

static xbtab_number_fault take(const cli_number *n)
{
    int64_t whole = 0;
    if (n->seed) return xbtab_number_unsigned(n->seed, n->text, UINT64_MAX);
    if (n->real) return xbtab_number_real(n->real, n->text, n->least, n->most);
    xbtab_number_fault fault = xbtab_number_whole(&whole, n->text, (int64_t)n->least, (int64_t)n->most);
    if (fault == XBTAB_NUMBER_FINE) *n->whole = (int)whole;
    return fault;
}

static int complain(const char *verb, const struct poptOption *option, xbtab_number_fault fault)
{
    const cli_number *n = option->arg;
    const char *dashes = option->longName ? "--" : "-", letter[2] = {option->shortName, '\0'};
    const char *name = option->longName ? option->longName : letter;
    char range[64];
    range_text(range, sizeof range, n);
    if (fault == XBTAB_NUMBER_OUTSIDE)
        return cli_usage(verb, "%s%s %.40s is outside %s", dashes, name, n->text, range);
    return cli_usage(verb, "%s%s \"%.40s\" %s; %s is allowed", dashes, name, n->text,
                     fault == XBTAB_NUMBER_TINY ? "is nearer to 0 than a number can be"
                     : n->real                  ? "is not a number"
                                                : "is not a whole number",
                     range);
}

int cli_take_numbers(const char *verb, const struct poptOption *options)
{
    int code = CLI_DONE;
    for (; options->longName || options->shortName; options++) {
        cli_number *n = options->arg;
        if (options->val != CLI_NUMBER || !n->text) continue;
        xbtab_number_fault fault = take(n);
        if (fault != XBTAB_NUMBER_FINE && code == CLI_DONE) code = complain(verb, options, fault);
        if (n->is_given) *n->is_given = true;
        free(n->text);
        n->text = NULL;
    }
    return code;
}
