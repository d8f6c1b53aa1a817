/* input_warning.c - pixels that a network does not expect are told before it runs. */
#include <stdio.h>

#include "cli.h"

void cli_warn_of_input(const xbtab_network *network, const xbtab_images *images, int raw_pixels)
{
    xbtab_input_range r;
    if (xbtab_network_input_range(network, images, raw_pixels, &r) < 0 || !r.node) return;
    const double width = r.high - r.low;
    const bool is_narrow = r.most - r.least < width / 16,
               is_outside = r.least < r.low - 3 * width || r.most > r.high + 3 * width;
    if (!is_narrow && !is_outside) return;
    const char *fed = "of float, fed as they are", *advice = "--raw-pixels feeds only bytes as they are";
    if (images->is_bytes) {
        fed = raw_pixels ? "of bytes, fed as 0..255" : "of bytes, fed as 0..1";
        advice =
            raw_pixels ? "without --raw-pixels they are fed as 0..1" : "--raw-pixels feeds them as 0..255";
    }
    fprintf(
        stderr,
        "xbartab: warning: images %s, take codes %.4g to %.4g of the first quantizer (node \"%s\"), which "
        "has %.4g to %.4g; %s\n",
        fed, r.least, r.most, r.node, r.low, r.high, advice);
}
