/* network_bits.h - how sensitive a network's layers are to their bits, and a choice of them within a budget.
 */
#ifndef XBTAB_CLI_NETWORK_BITS_H
#define XBTAB_CLI_NETWORK_BITS_H

#include "input_shapes.h"
#include "quantizing.h"

typedef struct network_bits {
    int sensitivity, limit, raw_pixels, threads;
    double average_bits; /* 0 = not asked */
    const char *save, *images, *labels;
    cli_input_shapes shapes;
    cli_quantizing quantizing;
    xbtab_quantize_options options;
} network_bits;

bool network_bits_asked(const network_bits *b);

/** Check what was asked. @return an exit code. */
int network_bits_check(network_bits *b, const char *verb);

int network_bits_run(const network_bits *b, const char *path, int as_json);

#endif
