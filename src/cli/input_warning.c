/* input_warning.c - pixels that a network does not expect are told before it runs. */
#include <stdio.h>

#include "cli.h"

void cli_warn_of_input(const xbtab_network *network, const xbtab_images *images, int raw_pixels)
{
    xbtab_input_range r;
    if (xbtab_network_input_range(network, images, raw_pixels, &r) < 0 || !r.node) return;
    const bool has_scale = r.least <= r.most;
    const double width = r.high - r.low;
    const bool is_narrow = has_scale && r.most - r.least < width / 16,
               is_outside = has_scale && (r.least < r.low - 3 * width || r.most > r.high + 3 * width);
    if (!r.is_constant && !is_narrow && !is_outside) return;
    const char *fed = "of float, fed as they are", *advice = "--raw-pixels feeds only bytes as they are";
    char codes[128] = "all look the same to";
    if (images->is_bytes) {
        fed = raw_pixels ? "of bytes, fed as 0..255" : "of bytes, fed as 0..1";
        advice =
            raw_pixels ? "without --raw-pixels they are fed as 0..1" : "--raw-pixels feeds them as 0..255";
    }
    if (has_scale) {
        snprintf(codes, sizeof codes, "take codes %.4g to %.4g, where %.4g to %.4g are, of", r.least, r.most,
                 r.low, r.high);
    }
    fprintf(stderr, "xbartab: warning: images %s, %s the first quantizer (node \"%s\"); %s\n", fed, codes,
            r.node, advice);
}
