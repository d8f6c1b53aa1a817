/* input_shapes.h - --input-shape, of every verb that opens a network. */
#ifndef XBTAB_CLI_INPUT_SHAPES_H
#define XBTAB_CLI_INPUT_SHAPES_H

#include <xbartab/network.h>
#include <xbartab/study.h>

#include "cli.h"

typedef struct cli_input_shapes {
    char **texts; /* of popt: texts[n], ended by NULL; NULL = none */
    xbtab_input_shape *shape;
    size_t n;
} cli_input_shapes;

/** A row of a popt table for the texts of s. */
#define CLI_INPUT_SHAPE(s)                                                                                   \
    {                                                                                                        \
        "input-shape", '\0', POPT_ARG_ARGV, &(s).texts, 0,                                                   \
            "sizes of the network's input, where its file leaves axes open (as the images)",                 \
            "NAME=1,D,D,..."                                                                                 \
    }

/** Read the texts. @return an exit code; end with cli_input_shapes_clear() in any case. */
int cli_input_shapes_take(cli_input_shapes *s, const char *verb);
void cli_input_shapes_clear(cli_input_shapes *s);

/** Open a network with the sizes given, or else those of images (NULL = none).
 *  @return an exit code: CLI_USAGE after one line where a shape does not fit the file. */
int cli_open_network(xbtab_network **out, const char *verb, const char *path, const cli_input_shapes *shapes,
                     const xbtab_images *images);

/** Open a study. @return as of cli_open_network(). */
int cli_open_study(xbtab_study **out, const xbtab_study_options *options, const char *verb);

#endif
