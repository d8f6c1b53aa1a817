/* clean.c - text of files, fit to be shown on a terminal. */
#include "clean.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Bytes of the character at s if it may be shown, else 0. */
static size_t printable(const unsigned char *s)
{
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] < 0xf5 && s[0] >= 0xf0 ? 4
                                             : 0;
    for (size_t k = 1; k < n; k++) {
        if ((s[k] & 0xc0) != 0x80) return 0;
    }
    bool is_control = s[0] == 0xc2 && s[1] < 0xa0,
         is_direction = s[0] == 0xe2 && (s[1] == 0x80 || s[1] == 0x81);
    return is_control || is_direction ? 0 : n;
}

char *xbtab__clean(char *out, const char *text, int most)
{
    char *to = out;
    for (int k = 0; *text && k < most; k++) {
        size_t n = printable((const unsigned char *)text);
        if (n) {
            memcpy(to, text, n);
        } else {
            *to = '?';
        }
        to += n ? n : 1;
        text += n ? n : 1;
    }
    memcpy(to, *text ? "..." : "", *text ? 4 : 1);
    return out;
}
