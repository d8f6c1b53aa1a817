/* text.c - a growing text buffer. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

#include "memory.h"

void xbtab__text_add(xbtab__text *text, const char *format, ...)
{
    if (text->failed) return;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(text->room > text->n ? text->s + text->n : NULL,
                      text->room > text->n ? text->room - text->n : 0, format, args);
    va_end(args);
    if (n < 0) {
        text->failed = true;
    } else if (text->n + (size_t)n + 1 > text->room) {
        size_t room = 2 * (text->n + (size_t)n + 1);
        if (room < 256) room = 256;
        char *s = xbtab__realloc(text->s, room, 1);
        if (s) {
            text->s = s;
            text->room = room;
            vsnprintf(text->s + text->n, text->room - text->n, format, again);
        } else {
            text->failed = true;
        }
    }
    va_end(again);
    if (!text->failed) text->n += (size_t)n;
}

void xbtab__text_clear(xbtab__text *text)
{
    xbtab__free(text->s);
    *text = (xbtab__text){0};
}

xbtab_status xbtab__text_status(const xbtab__text *text)
{
    return text->failed ? XBTAB_NOMEM() : XBTAB_OK;
}
