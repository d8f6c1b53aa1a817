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

void cli_scheme_apply(const cli_scheme *given, xbtab_scheme *scheme)
{
    const xbtab_scheme *from = &given->scheme;
    if (given->weights) scheme->weights = from->weights;
    if (given->range) scheme->range = from->range;
    if (given->trim) scheme->trim = from->trim;
    if (from->cell_bits) scheme->cell_bits = from->cell_bits;
    if (from->rows_active) scheme->rows_active = from->rows_active;
    if (from->offset_sigma > 0) scheme->offset_sigma = from->offset_sigma;
    if (from->noise_sigma > 0) scheme->noise_sigma = from->noise_sigma;
}
