/* scheme_options.h - the options that say how tiles are used, for every verb that runs networks on tiles. */
#ifndef XBTAB_CLI_SCHEME_OPTIONS_H
#define XBTAB_CLI_SCHEME_OPTIONS_H

#include <xbartab/study.h>

#include "cli.h"

typedef struct cli_scheme {
    char *weights, *range, *trim; /* as given */
    int tia_spread;
    xbtab_scheme scheme;
} cli_scheme;

/** Lines of a table of options for a cli_scheme s. */
#define CLI_SCHEME_OPTIONS(s)                                                                                  \
    {"weights", '\0', POPT_ARG_STRING, &(s)->weights, 0, "which cells hold a weight (differential_columns)",   \
     "WORD"},                                                                                                  \
        {"cell-bits", '\0', POPT_ARG_INT, &(s)->scheme.cell_bits, 0, "bits a cell (all that the levels hold)", \
         "N"},                                                                                                 \
        {"rows-active",                                                                                        \
         '\0',                                                                                                 \
         POPT_ARG_INT,                                                                                         \
         &(s)->scheme.rows_active,                                                                             \
         0,                                                                                                    \
         "word lines driven at once (all)",                                                                    \
         "N"},                                                                                                 \
        {"adc-range",                                                                                          \
         '\0',                                                                                                 \
         POPT_ARG_STRING,                                                                                      \
         &(s)->range,                                                                                          \
         0,                                                                                                    \
         "full (what the rows driven at once can give), or for each layer from the calibration images: "       \
         "percentile, mse",                                                                                    \
         "WORD"},                                                                                              \
        {"adc-offset",                                                                                         \
         '\0',                                                                                                 \
         POPT_ARG_DOUBLE,                                                                                      \
         &(s)->scheme.offset_sigma,                                                                            \
         0,                                                                                                    \
         "spread of the bit lines' ADC offsets [steps]",                                                       \
         "X"},                                                                                                 \
        {"trim",                                                                                               \
         '\0',                                                                                                 \
         POPT_ARG_STRING,                                                                                      \
         &(s)->trim,                                                                                           \
         0,                                                                                                    \
         "gains and offsets of the read-outs from test inputs: none (the default), layer, column",             \
         "WORD"},                                                                                              \
        {"tia-spread",                                                                                         \
         '\0',                                                                                                 \
         POPT_ARG_NONE,                                                                                        \
         &(s)->tia_spread,                                                                                     \
         0,                                                                                                    \
         "each bit line's TIA has an offset of its own and noise, as the tables say",                          \
         NULL},                                                                                                \
    {                                                                                                          \
        "adc-noise", '\0', POPT_ARG_DOUBLE, &(s)->scheme.noise_sigma, 0, "of each conversion [steps]", "X"     \
    }

/** Take the words. @return an exit code. */
int cli_scheme_open(cli_scheme *scheme, const char *verb);

/** Put what was given into a study's options, where a preset's stands for the rest. */
void cli_scheme_give(const cli_scheme *given, xbtab_study_options *study);

#endif
