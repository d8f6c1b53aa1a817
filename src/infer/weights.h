/* weights.h - what a word for weights means: which cells hold a weight, and what an output is of its bit
 * lines' sums.
 *
 * All of it is linear: y_o = sum_j c_oj s_j + k_o, whatever s is (currents, codes, sums of them), so that it
 * can be done before a conversion or behind it. */
#ifndef XBTAB_INFER_WEIGHTS_H
#define XBTAB_INFER_WEIGHTS_H

#include <stdbool.h>

#include <xbartab/network.h>
#include <xbartab/scheme.h>

#include "check.h"

typedef struct xbtab__weight_map xbtab__weight_map;

/** How one matrix's weights are laid out. */
typedef struct xbtab__layout {
    const xbtab__weight_map *map;
    int weight_bits, cell_bits;
    int slices;        /* of a weight */
    int multiple;      /* of a level, that every bit line's sum is a multiple of */
    bool is_binary;    /* every weight is -1 or +1 */
    size_t shared;     /* bit lines that a block's outputs share; they come first */
    size_t per_output; /* bit lines of each output */
} xbtab__layout;

/** A block of a matrix, and where it stands on its tile. */
typedef struct xbtab__block {
    size_t matrix, tile;
    size_t first_input, n_inputs, first_output, n_outputs;
    size_t first_row, first_column;
    int32_t *note;    /* note[n_outputs][slices], its weight map's own */
    double *constant; /* constant[n_outputs]: what y misses [codes]; NULL = nothing */
} xbtab__block;

struct xbtab__weight_map {
    xbtab_weights weights;
    size_t lines;          /* word lines an input takes */
    bool is_complementary; /* the second line is driven with what the first one's code leaves */
    bool is_signed;        /* the second line counts negatively: its polarity is the other one */

    bool inverts_heavy; /* no bit line's cells hold more than half of what they could, or one level each */

    /** Set slices, shared and per_output, and multiple where it is not 1. @return XBTAB_ERR_UNSUPPORTED
     * (weights that it cannot hold). */
    xbtab_status (*lay_out)(xbtab__layout *layout, const xbtab_matrix *m);

    /** Levels of a block: level[row][column] with the given stride, zero before, rows and columns counted
     * from the block's corner. Writes note where the map keeps one. */
    void (*levels)(const xbtab__layout *layout, const xbtab_matrix *m, const xbtab__block *block,
                   uint8_t *level, size_t stride);

    /** y[o] of a block's sums s[column], leaving out weight slices below 2^from; without the constants. */
    void (*combine)(const xbtab__layout *layout, const xbtab__block *block, const double *s, int from,
                    double *y);
};

/** The map of a word. Static. */
const xbtab__weight_map *xbtab__weight_map_find(xbtab_weights weights);

/** Lay a matrix out. @return XBTAB_ERR_UNSUPPORTED, naming it. */
xbtab_status xbtab__lay_out(xbtab__layout *layout, const xbtab_matrix *m, xbtab_weights weights,
                            int cell_bits) XBTAB_MUST_CHECK;

/** Bit lines of n outputs. */
static inline size_t xbtab__layout_columns(const xbtab__layout *layout, size_t n_outputs)
{
    return layout->shared + layout->per_output * n_outputs;
}

/** Row of a block's weights for output o. */
static inline const int16_t *xbtab__block_row(const xbtab_matrix *m, const xbtab__block *block, size_t o)
{
    return m->W + (block->first_output + o) * m->inputs + block->first_input;
}

static inline int xbtab__slices_for(int bits, int bits_a_slice)
{
    return bits <= bits_a_slice ? 1 : (bits + bits_a_slice - 1) / bits_a_slice;
}

extern const xbtab__weight_map xbtab__differential_columns, xbtab__differential_rows, xbtab__ternary_pair,
    xbtab__xnor_pair, xbtab__offset_column, xbtab__bias_flip, xbtab__twos_complement,
    xbtab__scrambled_twos_complement;

#endif
