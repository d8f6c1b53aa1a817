/* plot_text.c - others' words in a script for gnuplot. */
#include "plot_text.h"

const char *cli_plot_text(char *out, size_t size, const char *text)
{
    size_t n = 0;
    out[n++] = '\'';
    for (; *text && n + 4 <= size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\'') out[n++] = '\'';
        out[n++] = c < ' ' || c == 0x7f ? ' ' : *text;
    }
    out[n++] = '\'';
    out[n] = '\0';
    return out;
}
