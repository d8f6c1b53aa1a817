/* sweep.h - a grid of runs of one preset with some of its keys changed. */
#ifndef XBTAB_CLI_SWEEP_H
#define XBTAB_CLI_SWEEP_H

#include <stdint.h>

#include "cli.h"
#include "input_shapes.h"

enum { SWEEP_KEYS = 8, SWEEP_FIGURES = 10, SWEEP_SHAPES = 8 };

/** Names of a row's figures, in the order of their columns. */
extern const char *const sweep_figures[SWEEP_FIGURES];

/** One key and what it takes in turns. */
typedef struct sweep_key {
    char *key;    /* as given */
    char **value; /* YAML texts */
    int n;
} sweep_key;

/** One point of the grid. */
typedef struct sweep_row {
    int choice[SWEEP_KEYS];
    int is_done;                  /* run, or refused for a reason that will not go away */
    double figure[SWEEP_FIGURES]; /* NAN = none */
    char status[256];             /* "ok", or why it is no run */
} sweep_row;

typedef struct sweep {
    char *base;         /* a preset's text, without provenance */
    const char *prefix; /* of keys: "tile." for a tile's specification */
    sweep_key key[SWEEP_KEYS];
    int n_keys;
    sweep_row *row;
    int n_rows;
    uint64_t run; /* names all that the rows depend on but their keys */
    const char *output;
    /* what each run is given */
    const char *network, *images, *labels, *mode, *cache, *models;
    cli_input_shapes shapes;
    int raw_pixels, limit, calibrate, workers, threads;
} sweep;

/** Take KEY=V1,V2,...; commas within brackets do not part. @return an exit code. */
int sweep_add_key(sweep *s, const char *text);

/** All points, none of them done. */
int sweep_make_rows(sweep *s);

/** Take the finished rows of an earlier run from s->output, where there is one. */
int sweep_read_rows(sweep *s);

/** Write the finished rows beside s->output and rename. */
int sweep_write_rows(const sweep *s);

/** The preset of one point; free(). NULL after a line in row->status. */
char *sweep_text(const sweep *s, sweep_row *row);

/** Run all points that are not done, several at once. */
int sweep_run(sweep *s);

/** Accuracies against the first key, a line for each choice of the others. */
int sweep_plot(const sweep *s, const char *path);

void sweep_clear(sweep *s);

#endif
