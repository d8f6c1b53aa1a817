/* scheme.h - how a quantized network uses its tiles: which cells hold a weight, how inputs are driven, how
 * bit lines are read and what partial sums go through.
 *
 * A scheme is plain data and zero is the default: differential columns, bit-serial inputs, all rows at once,
 * a uniform ADC over the tables' whole range, partial sums added digitally. What a word below stands for, in
 * equations, is said in src/infer/README.md with its sources. */
#ifndef XBARTAB_SCHEME_H
#define XBARTAB_SCHEME_H

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* name, word in files, text */
#define XBTAB_WEIGHTS_LIST(X)                                                                                \
    X(XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS, "differential_columns", "sign and slices on pairs of bit lines")   \
    X(XBTAB_WEIGHTS_DIFFERENTIAL_ROWS, "differential_rows",                                                  \
      "sign and slices on pairs of word lines of opposite polarity")                                         \
    X(XBTAB_WEIGHTS_OFFSET_COLUMN, "offset_column", "w + 2^(n-1), with reference columns that hold 2^(n-1)") \
    X(XBTAB_WEIGHTS_BIAS_FLIP, "bias_flip", "w + 2^(n-1), heavy columns inverted, a unit column")            \
    X(XBTAB_WEIGHTS_TWOS_COMPLEMENT, "twos_complement", "the sign's column is subtracted")                   \
    X(XBTAB_WEIGHTS_SCRAMBLED_TWOS_COMPLEMENT, "scrambled_twos_complement",                                  \
      "two's complement, bit lines of one place value side by side")                                         \
    X(XBTAB_WEIGHTS_XNOR_PAIR, "xnor_pair", "-1 and +1 as complementary cells on complementary word lines")  \
    X(XBTAB_WEIGHTS_TERNARY_PAIR, "ternary_pair", "-1, 0 and +1 as two cells; more bits as ternary digits")

#define XBTAB_INPUTS_LIST(X)                                                                                 \
    X(XBTAB_INPUTS_SERIAL, "serial", "slices of dac_bits, one conversion each")                              \
    X(XBTAB_INPUTS_AMPLITUDE, "amplitude", "the whole code as one voltage, one conversion")                  \
    X(XBTAB_INPUTS_PULSE_COUNT, "pulse_count",                                                               \
      "the code as a number of pulses, charge summed, one "                                                  \
      "conversion")                                                                                          \
    X(XBTAB_INPUTS_SPIKES, "spikes",                                                                         \
      "slices as spikes weighted by their place, charge summed, one "                                        \
      "conversion")                                                                                          \
    X(XBTAB_INPUTS_BIT_LINE_CLAMP, "bit_line_clamp", "slices as clamp levels of the bit line")

#define XBTAB_SIGNED_LIST(X)                                                                                 \
    X(XBTAB_SIGNED_OFFSET, "offset", "unsigned codes; the zero's part is taken off digitally")               \
    X(XBTAB_SIGNED_TWOS_COMPLEMENT, "twos_complement", "the sign bit's slice is subtracted")

#define XBTAB_READOUT_LIST(X)                                                                                \
    X(XBTAB_READOUT_SAR, "sar", "uniform steps, rounded")                                                    \
    X(XBTAB_READOUT_FLASH, "flash", "one comparator a code, each with an offset of its own")                 \
    X(XBTAB_READOUT_RAMP, "ramp", "uniform steps against a counted ramp")                                    \
    X(XBTAB_READOUT_CSA, "csa", "current sense amplifier, 1 to 4 bits")                                      \
    X(XBTAB_READOUT_MLSA, "mlsa", "multi-level sense amplifier, 1 to 5 bits, free references")               \
    X(XBTAB_READOUT_INTEGRATE_AND_FIRE, "integrate_and_fire", "a counter of whole charges, which saturates")

#define XBTAB_REFERENCES_LIST(X)                                                                             \
    X(XBTAB_REFERENCES_UNIFORM, "uniform", "equal steps over the range")                                     \
    X(XBTAB_REFERENCES_LLOYD_MAX, "lloyd_max", "least mean square error on what sample images cause")        \
    X(XBTAB_REFERENCES_THRESHOLDS, "thresholds",                                                             \
      "one bit against the output's own threshold, where the next layer takes one; others by range, or as "  \
      "lloyd_max where that is full")

#define XBTAB_RANGE_LIST(X)                                                                                  \
    X(XBTAB_RANGE_FULL, "full", "all that the rows driven at once can give, or the tables' own range")       \
    X(XBTAB_RANGE_PERCENTILE, "percentile", "between two quantiles of what sample images cause")             \
    X(XBTAB_RANGE_MSE, "mse", "least mean square error on what sample images cause")

#define XBTAB_SUMS_LIST(X)                                                                                   \
    X(XBTAB_SUMS_DIGITAL, "digital", "codes are shifted and added exactly")                                  \
    X(XBTAB_SUMS_QUANTIZED, "quantized", "quantized once a tile, added, and quantized again")                \
    X(XBTAB_SUMS_ANALOG, "analog", "an output's bit lines scaled and subtracted before one conversion")      \
    X(XBTAB_SUMS_SPIKES, "spikes", "the read-out's counts are the next layer's input")                       \
    X(XBTAB_SUMS_SUBTRACTED, "subtracted",                                                                   \
      "a pair's bit lines subtracted before one conversion, codes shifted and added")

#define XBTAB_TRIM_LIST(X)                                                                                   \
    X(XBTAB_TRIM_NONE, "none", "a code stands for what the circuit should have shown")                       \
    X(XBTAB_TRIM_LAYER, "layer", "a gain and an offset for all read-outs of a layer, from test inputs")      \
    X(XBTAB_TRIM_COLUMN, "column", "a gain and an offset for each bit line's read-out, from test inputs")

#define XBTAB_SCHEME_ENUM(name, word, text) name,
typedef enum xbtab_weights { XBTAB_WEIGHTS_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_WEIGHTS } xbtab_weights;
typedef enum xbtab_inputs { XBTAB_INPUTS_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_INPUTS } xbtab_inputs;
typedef enum xbtab_signed { XBTAB_SIGNED_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_SIGNED } xbtab_signed;
typedef enum xbtab_readout { XBTAB_READOUT_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_READOUT } xbtab_readout;
typedef enum xbtab_references {
    XBTAB_REFERENCES_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_REFERENCES
} xbtab_references;
typedef enum xbtab_range { XBTAB_RANGE_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_RANGE } xbtab_range;
typedef enum xbtab_sums { XBTAB_SUMS_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_SUMS } xbtab_sums;
typedef enum xbtab_trim { XBTAB_TRIM_LIST(XBTAB_SCHEME_ENUM) XBTAB_N_TRIM } xbtab_trim;
#undef XBTAB_SCHEME_ENUM

/** How tiles are used. Zero is the default throughout. */
typedef struct xbtab_scheme {
    xbtab_weights weights;
    int cell_bits; /* bits a cell, 1 to 8 (0 = all that the tables' levels hold) */

    xbtab_inputs inputs;
    xbtab_signed signed_inputs;
    int rows_active; /* word lines driven at once (0 = all of the tile) */

    xbtab_readout readout;
    int adc_bits; /* of a conversion (0 = the engine setup's); 1 to 40 on ideal tiles and where it sees sums
                     that the read-out makes before it, 1 to 12 on others */
    xbtab_references references;
    double offset_sigma;   /* of each bit line's read-out, drawn once a chip [steps of the ADC] */
    double noise_sigma;    /* of each conversion [steps of the ADC] */
    int columns_per_adc;   /* bit lines that share one (0 = 1); reported, it changes no result */
    xbtab_range range;     /* set for each layer from sample images */
    double range_quantile; /* PERCENTILE: share of the samples left out at each end (0 = 0.001) */
    xbtab_trim trim;       /* of the read-outs, before their ranges and references are set */

    xbtab_sums sums;
    int partial_bits; /* QUANTIZED: bits of a tile's partial sum, sign included (0 = adc_bits) */
    int sum_bits;     /* QUANTIZED: bits of the sum of tiles, sign included (0 = partial_bits) */
    int keep_from;    /* convert input bit i of weight bit j only if i + j >= keep_from (0 = all) */
} xbtab_scheme;

/** A key of a scheme that takes one of several words: its values' words and texts. */
typedef enum xbtab_scheme_key {
    XBTAB_KEY_WEIGHTS,
    XBTAB_KEY_INPUTS,
    XBTAB_KEY_SIGNED_INPUTS,
    XBTAB_KEY_READOUT,
    XBTAB_KEY_REFERENCES,
    XBTAB_KEY_RANGE,
    XBTAB_KEY_SUMS,
    XBTAB_KEY_TRIM,
    XBTAB_N_KEYS
} xbtab_scheme_key;

/** The key's own word ("weights"). Static. */
const char *xbtab_scheme_key_name(xbtab_scheme_key key);

/** Values of a key, 0 up to this. */
int xbtab_scheme_values(xbtab_scheme_key key);

/** The word and the text of a value; NULL outside. Static. */
const char *xbtab_scheme_word(xbtab_scheme_key key, int value);
const char *xbtab_scheme_text(xbtab_scheme_key key, int value);

/** The value of a word; -1 where there is none. */
int xbtab_scheme_find(xbtab_scheme_key key, const char *word);

/** Bits of the input that one conversion sees: a DAC's, or all of them where slices are summed before it. */
int xbtab_scheme_input_bits(const xbtab_scheme *scheme, int dac_bits, int activation_bits);

/** ADC bits that the survey's formula asks for: ceil(log2((2^ba - 1)(2^bw - 1) rows)) with ba bits of the
 * input that a conversion sees, bw bits a cell and the rows driven at once, at least 1 (Chakraborty et al.,
 * Proc. IEEE 108(12), 2020, as in the survey, section III).
 *  @param activation_bits  of the layers' inputs, the widest
 *  @param cell_bits        in use
 *  @param rows             of a tile. */
int xbtab_scheme_adc_bits_needed(const xbtab_scheme *scheme, int dac_bits, int activation_bits, int cell_bits,
                                 int rows);

/** Whether a scheme's numbers lie in their ranges and its parts fit together, whatever the tiles.
 *  @return XBTAB_ERR_INPUT (the message names key, value and what is allowed), XBTAB_ERR_UNSUPPORTED. */
xbtab_status xbtab_scheme_check(const xbtab_scheme *scheme) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
