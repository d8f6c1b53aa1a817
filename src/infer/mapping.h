/* mapping.h - the inside of a mapped network, for running it and for checking it. */
#ifndef XBTAB_INFER_MAPPING_H
#define XBTAB_INFER_MAPPING_H

#include <xbartab/infer.h>

#include "check.h"

/** One tile: a block of a matrix. */
typedef struct xbtab__mapped_tile {
    size_t matrix;
    size_t first_input, n_inputs;   /* its rows */
    size_t first_output, n_outputs; /* each 2 * slices columns */
    void *state;                    /* of the engine */
} xbtab__mapped_tile;

typedef struct xbtab__mapped_matrix {
    const xbtab_matrix *m;
    size_t first_tile, n_tiles;
    int weight_slices, input_slices;
} xbtab__mapped_matrix;

struct xbtab_mapped {
    const xbtab_quantized *quantized;
    const xbtab_engine_type *engine;
    xbtab_engine_setup setup;
    size_t rows, columns; /* of a tile */
    int cell_bits, dac_bits;
    double codes_per_unit;
    xbtab__mapped_matrix *matrix;
    size_t n_matrices;
    xbtab__mapped_tile *tile;
    size_t n_tiles;
    size_t used_cells;
    xbtab_map_options options; /* of the caller: the hooks and their context */
};

/** Levels of one tile: level[n_inputs][2 * weight_slices * n_outputs]. Column 2 (o slices + s) holds slice s
 * of output o where the weight is positive, the next column where it is negative. */
void xbtab__mapped_levels(const xbtab_mapped *mapped, const xbtab__mapped_tile *tile, uint8_t *level);

/** What a tile's cells really have: G[n_inputs][2 * weight_slices * n_outputs] [S]. */
xbtab_status xbtab__mapped_conductances(const xbtab_mapped *mapped, const xbtab__mapped_tile *tile,
                                        const uint8_t *level, double *G) XBTAB_MUST_CHECK;

/** Called with every block of vectors before its product; see xbtab_product_fn. */
typedef void (*xbtab__watch_fn)(void *context, size_t m, size_t first, size_t n, const uint16_t *x);

/** xbtab_mapped_run() of images[0 .. n) with a watcher. */
xbtab_status xbtab__mapped_run_watched(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                                       const xbtab_run_options *options, float *outputs,
                                       xbtab_product_counts *counts, xbtab__watch_fn watch,
                                       void *context) XBTAB_MUST_CHECK;

#endif
