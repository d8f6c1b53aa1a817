/* status.c - the text of each status, and the calling thread's last message. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longest message: a path (up to a few hundred characters) and a sentence. Longer ones are cut. */
enum { MESSAGE_SIZE = 2048 };

static _Thread_local char message[MESSAGE_SIZE];

const char *xbtab_status_text(xbtab_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, text)                                                                       \
    case name:                                                                                               \
        return text;
        XBTAB_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

const char *xbtab_error_message(void)
{
    return message;
}

/* A message is one line: whatever a file or a library put into it must not break it in two. */
static void make_one_line(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
    }
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ') text[--n] = '\0';
}

xbtab_status xbtab__error_set(xbtab_status code, const char *format, ...)
{
    char text[MESSAGE_SIZE]; /* the arguments may point into the old message */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_one_line(text);
    memcpy(message, text, sizeof message);
    return code;
}

xbtab_status xbtab__error_prefix(xbtab_status code, const char *format, ...)
{
    char place[MESSAGE_SIZE], text[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(place, sizeof place, format, args);
    va_end(args);
    size_t n = strlen(place);
    memcpy(text, place, n);
    snprintf(text + n, sizeof text - n, ": %s", message);
    make_one_line(text);
    memcpy(message, text, sizeof message);
    return code;
}
