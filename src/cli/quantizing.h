/* quantizing.h - the options of how a float network is quantized, shared by infer, explain and network. */
#ifndef XBTAB_CLI_QUANTIZING_H
#define XBTAB_CLI_QUANTIZING_H

#include <xbartab/network.h>
#include <xbartab/study.h>

#include "cli.h"

typedef struct cli_quantizing {
    const char *layer_bits, *weight_range, *activation_range; /* of popt */
    double percentile;
    int weight_bits, activation_bits, per_tensor, bias_correction;
    xbtab_layer_bits *layers; /* of the two below */
    size_t n_layers;
    char *names;
} cli_quantizing;

/** Rows of a popt table for the fields of q. */
#define CLI_QUANTIZING(q)                                                                                     \
    CLI_WHOLE("weight-bits", '\0', &(q).weight_bits, 1, 16, "bits a weight, sign included (8)", "N"),         \
        CLI_WHOLE("activation-bits", '\0', &(q).activation_bits, 1, 16, "bits an activation (8)", "N"),       \
        {"layer-bits",    '\0', POPT_ARG_STRING,                                                              \
         &(q).layer_bits, 0,    "bits of single layers: NAME=W/A, ... or NAME=float, ..., or a file of them", \
         "LIST|FILE.yaml"},                                                                                   \
        {"weight-range",                                                                                      \
         '\0',                                                                                                \
         POPT_ARG_STRING,                                                                                     \
         &(q).weight_range,                                                                                   \
         0,                                                                                                   \
         "minmax (the default), percentile or mse",                                                           \
         "HOW"},                                                                                              \
        {"activation-range",                                                                                  \
         '\0',                                                                                                \
         POPT_ARG_STRING,                                                                                     \
         &(q).activation_range,                                                                               \
         0,                                                                                                   \
         "minmax (the default), percentile or mse",                                                           \
         "HOW"},                                                                                              \
        CLI_REAL("percentile", '\0', &(q).percentile, 0.5, 1, "share of the numbers inside (0.999)", "P"),    \
        {"per-tensor", '\0', POPT_ARG_NONE, &(q).per_tensor, 0, "one weight scale a layer, not an output",    \
         NULL},                                                                                               \
    {                                                                                                         \
        "bias-correction", '\0', POPT_ARG_NONE, &(q).bias_correction, 0,                                      \
            "put back what rounding the weights takes off the mean outputs", NULL                             \
    }

/** Check and read what the options say, into the library's. @return an exit code; end with the next in any
 * case. */
int cli_quantizing_take(cli_quantizing *q, const char *verb, xbtab_quantize_options *options);

/** Put them into a study's, where a preset's stand for what they leave open. */
void cli_quantizing_give(const cli_quantizing *q, const xbtab_quantize_options *options,
                         xbtab_study_options *study);
void cli_quantizing_clear(cli_quantizing *q);

#endif
