/* pair_tile.c - a text with words to fill in. */
#include "pairs_private.h"

#include <stdbool.h>
#include <string.h>

#include "memory.h"
#include "text.h"

/* Append the value of "name" or "name:default". */
static xbtab_status add_word(xbtab__text *out, const char *name, size_t length, const char *place,
                             const xbtab__word *words)
{
    const char *colon = memchr(name, ':', length);
    const size_t n_name = colon ? (size_t)(colon - name) : length;
    while (words->name && (strlen(words->name) != n_name || strncmp(words->name, name, n_name) != 0)) words++;
    if (words->name && words->value)
        xbtab__text_add(out, "%s", words->value);
    else if (words->name && colon)
        xbtab__text_add(out, "%.*s", (int)(length - n_name - 1), colon + 1);
    else
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: @%.*s@ has no value", place, (int)length, name);
    return XBTAB_OK;
}

xbtab_status xbtab__fill_in(char **out, const char *text, const char *place, const xbtab__word *words)
{
    xbtab__text filled = {0};
    xbtab_status status = XBTAB_OK;
    while (*text) {
        const char *end = *text == '@' ? strpbrk(text + 1, "@\n") : NULL;
        const size_t plain = *text == '@' ? 1 + strcspn(text + 1, "@") : strcspn(text, "@");
        if (end && *end == '@') {
            XBTAB_TRY_DONE(add_word(&filled, text + 1, (size_t)(end - text) - 1, place, words));
            text = end + 1;
        } else {
            xbtab__text_add(&filled, "%.*s", (int)plain, text);
            text += plain;
        }
    }
    XBTAB_TRY_DONE(xbtab__text_status(&filled));
    *out = xbtab__strdup(filled.s ? filled.s : "");
    if (!*out) status = XBTAB_NOMEM();
done:
    xbtab__text_clear(&filled);
    return status;
}
