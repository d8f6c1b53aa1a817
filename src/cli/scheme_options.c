/* scheme_options.c - how tiles are used, on the command line. */
#include "scheme_options.h"

#include <stdio.h>
#include <string.h>

/* The value of a word; a usage error that names all words where there is none. */
static int take_word(int *value, xbtab_scheme_key key, const char *word, const char *option, const char *verb)
{
    char all[512] = "";
    size_t n = 0;
    if (!word) return CLI_DONE;
    *value = xbtab_scheme_find(key, word);
    if (*value >= 0) return CLI_DONE;
    for (int v = 0; v < xbtab_scheme_values(key) && n < sizeof all; v++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", v ? ", " : "", xbtab_scheme_word(key, v));
    return cli_usage(verb, "--%s %s is none of: %s", option, word, all);
}

int cli_scheme_open(cli_scheme *s, const char *verb)
{
    int weights = 0, range = 0, trim = 0;
    int code = take_word(&weights, XBTAB_KEY_WEIGHTS, s->weights, "weights", verb);
    if (code == CLI_DONE) code = take_word(&range, XBTAB_KEY_RANGE, s->range, "adc-range", verb);
    if (code == CLI_DONE) code = take_word(&trim, XBTAB_KEY_TRIM, s->trim, "trim", verb);
    if (code != CLI_DONE) return code;
    s->scheme.weights = (xbtab_weights)weights;
    s->scheme.range = (xbtab_range)range;
    s->scheme.trim = (xbtab_trim)trim;
    if (xbtab_scheme_check(&s->scheme) < 0) return cli_usage(verb, "%s", xbtab_error_message());
    return CLI_DONE;
}

void cli_scheme_give(const cli_scheme *given, xbtab_study_options *study)
{
    study->scheme = given->scheme;
    study->tia_spread = given->tia_spread;
    if (given->weights) study->scheme_words |= 1u << XBTAB_KEY_WEIGHTS;
    if (given->range) study->scheme_words |= 1u << XBTAB_KEY_RANGE;
    if (given->trim) study->scheme_words |= 1u << XBTAB_KEY_TRIM;
}
