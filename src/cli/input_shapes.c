/* input_shapes.c - NAME=D,D,... as the shape of an input, and opening a network with such shapes. */
#include "input_shapes.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_AXES = sizeof((xbtab_input_shape *)0)->dim / sizeof(int64_t) };

/* The sizes stand behind the last = of the text; what is before it is the name, which the caller frees. */
static bool take_shape(const char *text, xbtab_input_shape *out)
{
    const char *equals = strrchr(text, '=');
    char *at = (char *)(uintptr_t)(equals ? equals + 1 : "");
    if (!equals || equals == text) return false;
    for (;; at++) {
        errno = 0;
        if (*at < '0' || *at > '9' || out->rank == MOST_AXES) return false;
        long long size = strtoll(at, &at, 10);
        if (errno || size < 1) return false;
        out->dim[out->rank++] = size;
        if (*at != ',') break;
    }
    if (*at) return false;
    out->name = strndup(text, (size_t)(equals - text));
    return out->name != NULL;
}

int cli_input_shapes_take(cli_input_shapes *s, const char *verb)
{
    size_t n = 0;
    while (s->texts && s->texts[n]) n++;
    s->shape = calloc(n + 1, sizeof *s->shape);
    if (!s->shape) return cli_fail("out of memory");
    for (; s->n < n; s->n++) {
        if (!take_shape(s->texts[s->n], &s->shape[s->n]))
            return cli_usage(verb, "--input-shape %s is not NAME=D,D,... with 2 to %d sizes from 1 up",
                             s->texts[s->n], MOST_AXES);
    }
    return CLI_DONE;
}

void cli_input_shapes_clear(cli_input_shapes *s)
{
    for (size_t k = 0; s->texts && s->texts[k]; k++) free(s->texts[k]);
    for (size_t k = 0; k < s->n; k++) free((void *)(uintptr_t)s->shape[k].name);
    free(s->texts);
    free(s->shape);
    *s = (cli_input_shapes){0};
}

static int code_of(xbtab_status status, const char *verb)
{
    if (status == XBTAB_ERR_OPTION) return cli_usage(verb, "--input-shape: %s", xbtab_error_message());
    return status < 0 ? cli_failed() : CLI_DONE;
}

int cli_open_network(xbtab_network **out, const char *verb, const char *path, const cli_input_shapes *shapes,
                     const xbtab_images *images)
{
    const xbtab_open_options options = {.shape = shapes->shape, .n_shapes = shapes->n, .images = images};
    return code_of(xbtab_network_open_as(out, path, &options), verb);
}

int cli_open_study(xbtab_study **out, const xbtab_study_options *options, const char *verb)
{
    return code_of(xbtab_study_open(out, options), verb);
}
