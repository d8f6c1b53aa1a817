/* scheme.c - the words of a scheme, and which of them fit together. */
#include <xbartab/scheme.h>

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

typedef struct value {
    const char *word, *text;
} value;

#define VALUE(name, word, text) {word, text},
static const value weights[] = {XBTAB_WEIGHTS_LIST(VALUE)}, inputs[] = {XBTAB_INPUTS_LIST(VALUE)},
                   signed_inputs[] = {XBTAB_SIGNED_LIST(VALUE)}, readout[] = {XBTAB_READOUT_LIST(VALUE)},
                   references[] = {XBTAB_REFERENCES_LIST(VALUE)}, range[] = {XBTAB_RANGE_LIST(VALUE)},
                   sums[] = {XBTAB_SUMS_LIST(VALUE)}, trim[] = {XBTAB_TRIM_LIST(VALUE)};

static const struct {
    const char *name;
    const value *values;
    int n;
} keys[XBTAB_N_KEYS] = {
    [XBTAB_KEY_WEIGHTS] = {"weights", weights, XBTAB_N_WEIGHTS},
    [XBTAB_KEY_INPUTS] = {"inputs", inputs, XBTAB_N_INPUTS},
    [XBTAB_KEY_SIGNED_INPUTS] = {"signed_inputs", signed_inputs, XBTAB_N_SIGNED},
    [XBTAB_KEY_READOUT] = {"readout", readout, XBTAB_N_READOUT},
    [XBTAB_KEY_REFERENCES] = {"references", references, XBTAB_N_REFERENCES},
    [XBTAB_KEY_RANGE] = {"range", range, XBTAB_N_RANGE},
    [XBTAB_KEY_SUMS] = {"sums", sums, XBTAB_N_SUMS},
    [XBTAB_KEY_TRIM] = {"trim", trim, XBTAB_N_TRIM},
};

const char *xbtab_scheme_key_name(xbtab_scheme_key key)
{
    return keys[key].name;
}

int xbtab_scheme_values(xbtab_scheme_key key)
{
    return keys[key].n;
}

const char *xbtab_scheme_word(xbtab_scheme_key key, int v)
{
    return v >= 0 && v < keys[key].n ? keys[key].values[v].word : NULL;
}

const char *xbtab_scheme_text(xbtab_scheme_key key, int v)
{
    return v >= 0 && v < keys[key].n ? keys[key].values[v].text : NULL;
}

int xbtab_scheme_find(xbtab_scheme_key key, const char *word)
{
    for (int v = 0; v < keys[key].n; v++) {
        if (strcmp(keys[key].values[v].word, word) == 0) return v;
    }
    return -1;
}

int xbtab_scheme_input_bits(const xbtab_scheme *s, int dac_bits, int activation_bits)
{
    bool at_once = s->inputs == XBTAB_INPUTS_AMPLITUDE || s->inputs == XBTAB_INPUTS_PULSE_COUNT ||
                   s->inputs == XBTAB_INPUTS_SPIKES;
    return at_once && activation_bits > dac_bits ? activation_bits : dac_bits;
}

int xbtab_scheme_adc_bits_needed(const xbtab_scheme *s, int dac_bits, int activation_bits, int cell_bits,
                                 int rows)
{
    int input_bits = xbtab_scheme_input_bits(s, dac_bits, activation_bits);
    int active = s->rows_active > 0 && s->rows_active < rows ? s->rows_active : rows;
    double n_sums = (ldexp(1.0, input_bits) - 1.0) * (ldexp(1.0, cell_bits) - 1.0) * active;
    return n_sums > 2.0 ? (int)ceil(log2(n_sums)) : 1;
}

static xbtab_status check_number(const char *name, double number, double least, double most)
{
    if (!(number >= least && number <= most)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: %s = %g is outside %g to %g", name, number, least, most);
    }
    return XBTAB_OK;
}

xbtab_status xbtab_scheme_check(const xbtab_scheme *s)
{
    const int value_of[XBTAB_N_KEYS] = {[XBTAB_KEY_WEIGHTS] = (int)s->weights,
                                        [XBTAB_KEY_INPUTS] = (int)s->inputs,
                                        [XBTAB_KEY_SIGNED_INPUTS] = (int)s->signed_inputs,
                                        [XBTAB_KEY_READOUT] = (int)s->readout,
                                        [XBTAB_KEY_REFERENCES] = (int)s->references,
                                        [XBTAB_KEY_RANGE] = (int)s->range,
                                        [XBTAB_KEY_SUMS] = (int)s->sums,
                                        [XBTAB_KEY_TRIM] = (int)s->trim};
    for (xbtab_scheme_key k = 0; k < XBTAB_N_KEYS; k++) {
        if (value_of[k] < 0 || value_of[k] >= keys[k].n)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: %s has no value %d", keys[k].name, value_of[k]);
    }
    XBTAB_TRY(check_number("cell_bits", s->cell_bits, 0, 8));
    XBTAB_TRY(check_number("rows_active", s->rows_active, 0, 4096));
    XBTAB_TRY(check_number("adc_bits", s->adc_bits, 0, 40));
    XBTAB_TRY(check_number("offset_sigma", s->offset_sigma, 0, 1e3));
    XBTAB_TRY(check_number("noise_sigma", s->noise_sigma, 0, 1e3));
    XBTAB_TRY(check_number("columns_per_adc", s->columns_per_adc, 0, 4096));
    XBTAB_TRY(check_number("range_quantile", s->range_quantile, 0, 0.49));
    XBTAB_TRY(check_number("partial_bits", s->partial_bits, 0, 24));
    XBTAB_TRY(check_number("sum_bits", s->sum_bits, 0, 24));
    XBTAB_TRY(check_number("keep_from", s->keep_from, 0, 64));
    const bool adds_codes = s->sums == XBTAB_SUMS_DIGITAL || s->sums == XBTAB_SUMS_SPIKES;
    const bool by_slices = s->inputs == XBTAB_INPUTS_SERIAL || s->inputs == XBTAB_INPUTS_BIT_LINE_CLAMP;
    if (s->keep_from && (!adds_codes || !by_slices || s->weights == XBTAB_WEIGHTS_TERNARY_PAIR ||
                         s->weights == XBTAB_WEIGHTS_XNOR_PAIR)) {
        XBTAB_FAIL(
            XBTAB_ERR_UNSUPPORTED,
            "scheme: keep_from leaves out conversions of single slices of inputs and weights: it needs "
            "inputs: serial, sums: digital and weights in slices of bits");
    }
    if (s->sums == XBTAB_SUMS_SUBTRACTED && s->weights != XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS &&
        s->weights != XBTAB_WEIGHTS_TERNARY_PAIR) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "scheme: sums: subtracted takes pairs of bit lines: weights: differential_columns or "
                   "ternary_pair, not %s",
                   xbtab_scheme_word(XBTAB_KEY_WEIGHTS, (int)s->weights));
    }
    if (s->readout == XBTAB_READOUT_CSA && s->adc_bits > 4)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: csa: adc_bits = %d is outside 1 to 4", s->adc_bits);
    if (s->readout == XBTAB_READOUT_MLSA && s->adc_bits > 5)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: mlsa: adc_bits = %d is outside 1 to 5", s->adc_bits);
    const char *placed = xbtab_scheme_word(XBTAB_KEY_REFERENCES, (int)s->references);
    if (s->references != XBTAB_REFERENCES_UNIFORM && s->adc_bits > 8)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: %s: adc_bits = %d is outside 1 to 8", placed, s->adc_bits);
    if (s->references == XBTAB_REFERENCES_LLOYD_MAX && s->range != XBTAB_RANGE_FULL) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "scheme: references: %s set their own range; range: %s is for uniform ones", placed,
                   xbtab_scheme_word(XBTAB_KEY_RANGE, (int)s->range));
    }
    if (s->references == XBTAB_REFERENCES_THRESHOLDS && s->sums != XBTAB_SUMS_ANALOG) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "scheme: references: thresholds compare an output's own sum: they need sums: analog");
    }
    return XBTAB_OK;
}
