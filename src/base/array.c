/* array.c - the words for how an array works. */
#include <xbartab/array.h>

#include <stddef.h>
#include <string.h>

const char *const *xbtab_topology_words(void)
{
    static const char *const words[] = {"word_line_input", "gate_input", NULL};
    return words;
}

const char *const *xbtab_polarity_words(void)
{
    static const char *const words[] = {"uniform", "alternating", NULL};
    return words;
}

const char *const *xbtab_drive_words(xbtab_topology topology)
{
    static const char *const word_lines[] = {"left", "right", "both", NULL};
    static const char *const bit_lines[] = {"top", "bottom", "both", NULL};
    return topology == XBTAB_TOPOLOGY_GATE_INPUT ? bit_lines : word_lines;
}

const char *const *xbtab_sense_words(void)
{
    static const char *const words[] = {"bottom", "top", NULL};
    return words;
}

int xbtab_array_word(const char *const *words, const char *word)
{
    for (int k = 0; words[k]; k++) {
        if (strcmp(words[k], word) == 0) return k;
    }
    return -1;
}
