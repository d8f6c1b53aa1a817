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
#define CLI_SCHEME_OPTIONS(s)                                                                                \
    {"weights", '\0', POPT_ARG_STRING, &(s)->weights, 0, "which cells hold a weight (differential_columns)", \
     "WORD"},                                                                                                \
        CLI_WHOLE("cell-bits", '\0', &(s)->scheme.cell_bits, 1, 8, "bits a cell (all that the levels hold)", \
                  "N"),                                                                                      \
        CLI_WHOLE("rows-active", '\0', &(s)->scheme.rows_active, 1, 4096, "word lines driven at once (all)", \
                  "N"),                                                                                      \
        {"adc-range",                                                                                        \
         '\0',                                                                                               \
         POPT_ARG_STRING,                                                                                    \
         &(s)->range,                                                                                        \
         0,                                                                                                  \
         "full (what the rows driven at once can give), or for each layer from the calibration images: "     \
         "percentile, mse",                                                                                  \
         "WORD"},                                                                                            \
        CLI_REAL("adc-offset", '\0', &(s)->scheme.offset_sigma, 0, 1e3,                                      \
                 "spread of the bit lines' ADC offsets [steps]", "X"),                                       \
        {"trim",                                                                                             \
         '\0',                                                                                               \
         POPT_ARG_STRING,                                                                                    \
         &(s)->trim,                                                                                         \
         0,                                                                                                  \
         "gains and offsets of the read-outs from test inputs: none (the default), layer, column",           \
         "WORD"},                                                                                            \
        {"tia-spread",                                                                                       \
         '\0',                                                                                               \
         POPT_ARG_NONE,                                                                                      \
         &(s)->tia_spread,                                                                                   \
         0,                                                                                                  \
         "each bit line's TIA has an offset of its own and noise, as the tables say",                        \
         NULL},                                                                                              \
        CLI_REAL("adc-noise", '\0', &(s)->scheme.noise_sigma, 0, 1e3, "of each conversion [steps]", "X")

/** Take the words. @return an exit code. */
int cli_scheme_open(cli_scheme *scheme, const char *verb);

/** Put what was given into a study's options, where a preset's stands for the rest. */
void cli_scheme_give(const cli_scheme *given, xbtab_study_options *study);

#endif
