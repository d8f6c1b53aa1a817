/* mapping.h - the inside of a mapped network, for running it and for checking it. */
#ifndef XBTAB_INFER_MAPPING_H
#define XBTAB_INFER_MAPPING_H

#include <math.h>

#include <xbartab/infer.h>

#include "check.h"
#include "normals.h"
#include "readout.h"
#include "weights.h"

enum { XBTAB__MOST_SLICES = 16 }; /* of an input */

/** One programmed tile. */
typedef struct xbtab__mapped_tile {
    size_t matrix,
        number;           /* the first matrix that it holds a block of, and which of that one's tiles it is */
    size_t rows, columns; /* in use, from its corner */
    size_t first_block, n_blocks;
    double *sigma;     /* sigma[columns]: read noise with all word lines driven [codes]; NULL = none */
    double *tia;       /* tia[columns]: offsets of the TIAs [codes]; NULL = none */
    double *offset;    /* offset[columns] of its read-outs [codes]; NULL = none */
    double *trim;      /* trim[columns][2]: gain, and offset [codes] at full drive or less; NULL = none */
    double *reference; /* reference[columns][largest code]: each read-out's own; NULL = the layer's */
    void *state;       /* of the engine */
} xbtab__mapped_tile;

/** Where conversions are made, and sampled. */
typedef enum xbtab__stage {
    XBTAB__STAGE_ADC,     /* of a bit line, or of an output's combined ones */
    XBTAB__STAGE_PARTIAL, /* of a tile's part of an output's sum */
    XBTAB__STAGE_SUM,     /* of an output's sum */
    XBTAB__N_STAGES
} xbtab__stage;

/** A layer's conversions: all groups of a node share them. All in codes of the engine's ADC. */
typedef struct xbtab__layer_readout {
    xbtab__converter at[XBTAB__N_STAGES];
    double *threshold; /* threshold[outputs]: an output's sum is read as the integer below it or it; NAN: any
                          sum means the same; NULL = the layer is read by its converter */
} xbtab__layer_readout;

typedef struct xbtab__mapped_matrix {
    const xbtab_matrix *m;
    xbtab__layout layout;
    size_t layer;
    size_t first_block, n_blocks;
    int input_slices;
    bool signed_inputs;                /* codes less 2^(bits - 1), the sign in a slice of its own */
    double weight[XBTAB__MOST_SLICES]; /* of each input slice */
} xbtab__mapped_matrix;

struct xbtab_mapped {
    const xbtab_quantized *quantized;
    const xbtab_engine_type *engine;
    xbtab_engine_setup setup;
    xbtab_map_options options; /* of the caller: the hooks and their context */
    xbtab_scheme scheme;
    size_t rows, columns; /* of a tile */
    int cell_bits, dac_bits, adc_bits;
    double codes_per_unit;
    double codes_per_line;        /* of the lowest level, at one DAC step */
    double tia_offset, tia_noise; /* standard deviations [codes] */
    bool is_alternating;          /* word lines alternate in polarity */
    bool is_plain;                /* the engine's own codes are all there is to the read-out */
    bool one_conversion;          /* input slices are summed before it */
    xbtab__mapped_matrix *matrix;
    size_t n_matrices;
    xbtab__layer_readout *layer;
    size_t n_layers;
    xbtab__block *block;
    size_t n_blocks;
    xbtab__mapped_tile *tile;
    size_t n_tiles;
    size_t used_cells, weights;
    xbtab__normals normals; /* of what single conversions add */
};

/** Lay all matrices out and place their blocks on tiles. mapped has its sizes and scheme. */
xbtab_status xbtab__plan(xbtab_mapped *mapped) XBTAB_MUST_CHECK;

/** Levels of one tile: level[tile rows][tile columns], zeroed here. */
void xbtab__mapped_levels(const xbtab_mapped *mapped, const xbtab__mapped_tile *tile, uint8_t *level);

/** What a tile's cells really have: G[tile rows][tile columns] [S]. */
xbtab_status xbtab__mapped_conductances(const xbtab_mapped *mapped, const xbtab__mapped_tile *tile,
                                        const uint8_t *level, double *G) XBTAB_MUST_CHECK;

/** Word lines that a pass drives at once, of a block's lines. */
size_t xbtab__lines_at_once(const xbtab_mapped *mapped, const xbtab__block *block);

/** Codes of a tile's word lines for one block and a pass over [first, end) of the block's lines; the others
 * are at 0.
 *  @param      x     x[inputs] of the matrix.
 *  @param      only  0 = both lines of an input, 1 = the first, 2 = the second.
 *  @param[out] line  line[tile rows] */
void xbtab__drive(const xbtab_mapped *mapped, const xbtab__block *block, const uint16_t *x, size_t first,
                  size_t end, int only, uint16_t *line);

/** A step of what one conversion of a matrix meets on ideal tiles [codes]. */
double xbtab__sum_step(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm);

/** range: full: what the word lines driven at once can make a conversion meet, or what the tables' ADC was
 * given; low is 0 or -high [codes]. */
void xbtab__full_range(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm, double *low, double *high);

/** Whether that is the engine's own for all matrices. mapped is planned. */
bool xbtab__range_is_own(const xbtab_mapped *mapped);

/** Bits whose steps, over the range that the lines driven at once can fill, are those of the sums. */
int xbtab__adc_bits_exact(const xbtab_mapped *mapped);

/** Set what tiles alone leave open: the blocks' constants, and where the read-out is not the engine's own its
 * ranges and references, from sample images where it needs them. */
xbtab_status xbtab__calibrate(xbtab_mapped *mapped) XBTAB_MUST_CHECK;

/** Fit gains and offsets of the read-outs to what test inputs should have shown, where the scheme asks for
 * it. */
xbtab_status xbtab__trim(xbtab_mapped *mapped) XBTAB_MUST_CHECK;

/** Set the thresholds of the layers whose sums the next layer takes one bit of, where the scheme asks for it.
 * @return XBTAB_ERR_UNSUPPORTED (a sum that no tile holds as a whole, or that is more than a bit). */
xbtab_status xbtab__find_thresholds(xbtab_mapped *mapped) XBTAB_MUST_CHECK;

/** The integer that stands for a sum beside a threshold. */
static inline int64_t xbtab__beside(double threshold, double sum)
{
    return isnan(threshold) ? 0 : (int64_t)threshold - (sum < threshold - 0.5);
}

/** Called with every block of vectors before its product; see xbtab_product_fn. */
typedef void (*xbtab__watch_fn)(void *context, size_t m, size_t first, size_t n, const uint16_t *x);

/** xbtab_mapped_run() of images[0 .. n) with a watcher.
 *  @param samples  samples[threads][n_layers][XBTAB__N_STAGES]: NULL = none; else conversions are left out,
 * and what they would see is added here. */
xbtab_status xbtab__mapped_run_watched(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                                       const xbtab_run_options *options, float *outputs,
                                       xbtab_product_counts *counts, xbtab__watch_fn watch, void *context,
                                       xbtab__samples *samples) XBTAB_MUST_CHECK;

/** xbtab_mapped_run() with matrices [first_matrix, end_matrix) on tiles and the others in exact integers. */
xbtab_status xbtab__mapped_run_part(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                                    const xbtab_run_options *options, float *outputs, size_t first_matrix,
                                    size_t end_matrix) XBTAB_MUST_CHECK;

/** Threads of a run. */
int xbtab__mapped_threads(const xbtab_mapped *mapped, const xbtab_run_options *options);

#endif
