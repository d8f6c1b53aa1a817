/* arch_scheme.c - a scheme's words and numbers from YAML. */
#include "arch_scheme.h"

#include <stddef.h>
#include <stdio.h>

#define WORD(key, k)                                                                                         \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__scheme_text, word[k], 1,    \
                           CYAML_UNLIMITED)
#define NUMBER(key, k)                                                                                       \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__scheme_text, number[k], 1,  \
                           CYAML_UNLIMITED)
#define SHARE(key, k)                                                                                        \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__scheme_text, share[k], 1,   \
                           CYAML_UNLIMITED)

const cyaml_schema_field_t xbtab__scheme_fields[] = {WORD("weights", XBTAB_KEY_WEIGHTS),
                                                     WORD("inputs", XBTAB_KEY_INPUTS),
                                                     WORD("signed_inputs", XBTAB_KEY_SIGNED_INPUTS),
                                                     WORD("readout", XBTAB_KEY_READOUT),
                                                     WORD("references", XBTAB_KEY_REFERENCES),
                                                     WORD("range", XBTAB_KEY_RANGE),
                                                     WORD("sums", XBTAB_KEY_SUMS),
                                                     WORD("trim", XBTAB_KEY_TRIM),
                                                     NUMBER("cell_bits", 0),
                                                     NUMBER("rows_active", 1),
                                                     NUMBER("adc_bits", 2),
                                                     NUMBER("columns_per_adc", 3),
                                                     NUMBER("partial_bits", 4),
                                                     NUMBER("sum_bits", 5),
                                                     NUMBER("keep_from", 6),
                                                     SHARE("offset_sigma", 0),
                                                     SHARE("noise_sigma", 1),
                                                     SHARE("range_quantile", 2),
                                                     CYAML_FIELD_END};

/* Numbers in the order of the fields above. */
static const struct {
    const char *key;
    size_t offset;
    int most;
} numbers[XBTAB__SCHEME_NUMBERS] = {
    {"cell_bits", offsetof(xbtab_scheme, cell_bits), 8},
    {"rows_active", offsetof(xbtab_scheme, rows_active), 4096},
    {"adc_bits", offsetof(xbtab_scheme, adc_bits), 24},
    {"columns_per_adc", offsetof(xbtab_scheme, columns_per_adc), 4096},
    {"partial_bits", offsetof(xbtab_scheme, partial_bits), 24},
    {"sum_bits", offsetof(xbtab_scheme, sum_bits), 24},
    {"keep_from", offsetof(xbtab_scheme, keep_from), 64},
};
static const struct {
    const char *key;
    size_t offset;
    double most;
} shares[XBTAB__SCHEME_SHARES] = {
    {"offset_sigma", offsetof(xbtab_scheme, offset_sigma), 1e3},
    {"noise_sigma", offsetof(xbtab_scheme, noise_sigma), 1e3},
    {"range_quantile", offsetof(xbtab_scheme, range_quantile), 0.49},
};

/* The enumerations of a scheme, in the order of xbtab_scheme_key. */
static void set_word(xbtab_scheme *s, xbtab_scheme_key key, int value)
{
    switch (key) {
    case XBTAB_KEY_WEIGHTS:
        s->weights = (xbtab_weights)value;
        break;
    case XBTAB_KEY_INPUTS:
        s->inputs = (xbtab_inputs)value;
        break;
    case XBTAB_KEY_SIGNED_INPUTS:
        s->signed_inputs = (xbtab_signed)value;
        break;
    case XBTAB_KEY_READOUT:
        s->readout = (xbtab_readout)value;
        break;
    case XBTAB_KEY_REFERENCES:
        s->references = (xbtab_references)value;
        break;
    case XBTAB_KEY_RANGE:
        s->range = (xbtab_range)value;
        break;
    case XBTAB_KEY_SUMS:
        s->sums = (xbtab_sums)value;
        break;
    case XBTAB_KEY_TRIM:
        s->trim = (xbtab_trim)value;
        break;
    case XBTAB_N_KEYS:
        break;
    }
}

xbtab_status xbtab__scheme_take(xbtab_scheme *scheme, const xbtab__yaml *yaml, const char *key,
                                const xbtab__scheme_text *text)
{
    char place[128];
    *scheme = (xbtab_scheme){.weights = XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS};
    for (int k = 0; k < XBTAB_N_KEYS; k++) {
        const char *words[32] = {NULL};
        int value = 0, n = xbtab_scheme_values((xbtab_scheme_key)k);
        for (int v = 0; v < n && v < 31; v++) words[v] = xbtab_scheme_word((xbtab_scheme_key)k, v);
        snprintf(place, sizeof place, "%s.%s", key, xbtab_scheme_key_name((xbtab_scheme_key)k));
        XBTAB_TRY(xbtab__yaml_choice(&value, yaml, place, text->word[k], words));
        set_word(scheme, (xbtab_scheme_key)k, value);
    }
    for (int k = 0; k < XBTAB__SCHEME_NUMBERS; k++) {
        snprintf(place, sizeof place, "%s.%s", key, numbers[k].key);
        XBTAB_TRY(xbtab__yaml_int((int *)(void *)((char *)scheme + numbers[k].offset), yaml, place,
                                  text->number[k], 0, numbers[k].most));
    }
    for (int k = 0; k < XBTAB__SCHEME_SHARES; k++) {
        snprintf(place, sizeof place, "%s.%s", key, shares[k].key);
        XBTAB_TRY(xbtab__yaml_quantity((double *)(void *)((char *)scheme + shares[k].offset), yaml, place,
                                       text->share[k], "1", 0, shares[k].most));
    }
    /* what no mapping can do yet is refused by the mapping */
    xbtab_status status = xbtab_scheme_check(scheme);
    if (status == XBTAB_ERR_INPUT)
        return xbtab__error_prefix(status, "%s:%d", yaml->path, xbtab__yaml_line(yaml, key));
    return XBTAB_OK;
}
