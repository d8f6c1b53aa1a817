/* weights_single.c - weights in cells of one sign: offset, bias and flip, two's complement. What the lowest
 * level carries is taken off with bit lines that a block's outputs share. */
#include "weights.h"

static double place(const xbtab__layout *l, int slice)
{
    return (double)((int64_t)1 << (slice * l->cell_bits));
}

/* Slice s of the number w + 2^(n-1). */
static uint8_t biased_slice(const xbtab__layout *l, int w, int s)
{
    unsigned u = (unsigned)(w + (1 << (l->weight_bits - 1))), mask = (1u << l->cell_bits) - 1;
    return (uint8_t)(u >> (s * l->cell_bits) & mask);
}

/* ---- offset column: u = w + 2^(n-1) in slices; the shared bit lines hold 2^(n-1) in the same slices.
 * Weights of -1 and +1 take one cell, (w + 1)/2, against the mean of a bit line of ones and one of zeros.
 * ---- */

static xbtab_status lay_out_offset(xbtab__layout *l, const xbtab_matrix *m)
{
    l->slices = l->is_binary ? 1 : xbtab__slices_for(m->weight_bits, l->cell_bits);
    l->per_output = (size_t)l->slices;
    l->shared = l->is_binary ? 2 : (size_t)l->slices;
    return XBTAB_OK;
}

static void offset_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b,
                          uint8_t *level, size_t stride)
{
    for (size_t i = 0; i < b->n_inputs; i++, level += stride) {
        if (l->is_binary) level[0] = 1;
        for (int s = 0; s < l->slices && !l->is_binary; s++) level[s] = biased_slice(l, 0, s);
        for (size_t o = 0; o < b->n_outputs; o++) {
            int w = xbtab__block_row(m, b, o)[i];
            uint8_t *at = level + l->shared + o * l->per_output;
            if (l->is_binary) at[0] = w > 0;
            for (int s = 0; s < l->slices && !l->is_binary; s++) at[s] = biased_slice(l, w, s);
        }
    }
}

static void combine_offset(const xbtab__layout *l, const xbtab__block *b, const double *s, int from,
                           double *y)
{
    const double *at = s + l->shared;
    for (size_t o = 0; o < b->n_outputs; o++, at += l->per_output) {
        double sum = 0;
        for (int k = 0; k < l->slices && !l->is_binary; k++) {
            if (k * l->cell_bits >= from) sum += (at[k] - s[k]) * place(l, k);
        }
        y[o] = l->is_binary ? 2 * at[0] - s[0] - s[1] : sum;
    }
}

const xbtab__weight_map xbtab__offset_column = {.weights = XBTAB_WEIGHTS_OFFSET_COLUMN,
                                                .lines = 1,
                                                .lay_out = lay_out_offset,
                                                .levels = offset_levels,
                                                .combine = combine_offset};

/* ---- bias and flip: u = w + 2^(n-1) in slices; a bit line whose cells together exceed half of what they can
 * hold stores what is missing to the full level L instead, and is read as L U - s'. Shared: a unit bit line,
 * and one at the lowest level; U = sum x is their difference. ---- */

enum { UNIT = 0, ZERO = 1 };

static xbtab_status lay_out_flip(xbtab__layout *l, const xbtab_matrix *m)
{
    l->slices = xbtab__slices_for(m->weight_bits, l->cell_bits);
    l->per_output = (size_t)l->slices;
    l->shared = 2;
    return XBTAB_OK;
}

static void flip_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b, uint8_t *level,
                        size_t stride)
{
    const int full = (1 << l->cell_bits) - 1;
    for (size_t i = 0; i < b->n_inputs; i++) level[i * stride + UNIT] = 1;
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *w = xbtab__block_row(m, b, o);
        for (int s = 0; s < l->slices; s++) {
            uint8_t *column = level + l->shared + o * l->per_output + (size_t)s;
            size_t sum = 0;
            for (size_t i = 0; i < b->n_inputs; i++) sum += column[i * stride] = biased_slice(l, w[i], s);
            bool flips = 2 * sum > (size_t)full * b->n_inputs;
            for (size_t i = 0; i < b->n_inputs && flips; i++)
                column[i * stride] = (uint8_t)(full - column[i * stride]);
            if (b->note) b->note[o * (size_t)l->slices + (size_t)s] = flips;
        }
    }
}

static void combine_flip(const xbtab__layout *l, const xbtab__block *b, const double *s, int from, double *y)
{
    const double U = s[UNIT] - s[ZERO], full = (double)((1 << l->cell_bits) - 1);
    const double *at = s + l->shared;
    const int32_t *flips = b->note;
    for (size_t o = 0; o < b->n_outputs; o++, at += l->per_output, flips += l->slices) {
        double sum = -(double)((int64_t)1 << (l->weight_bits - 1)) * U;
        for (int k = 0; k < l->slices; k++) {
            double part = at[k] - s[ZERO];
            if (k * l->cell_bits >= from) sum += (flips[k] ? full * U - part : part) * place(l, k);
        }
        y[o] = sum;
    }
}

const xbtab__weight_map xbtab__bias_flip = {.weights = XBTAB_WEIGHTS_BIAS_FLIP,
                                            .lines = 1,
                                            .inverts_heavy = true,
                                            .lay_out = lay_out_flip,
                                            .levels = flip_levels,
                                            .combine = combine_flip};

/* ---- two's complement: n - 1 bits in slices, and the sign's bit line, which counts -2^(n-1); shared: one at
 * the lowest level. Scrambled: the bit lines of one place stand together instead of those of one output. ----
 */

static size_t twos_column(const xbtab__layout *l, const xbtab__block *b, size_t o, int s)
{
    bool scrambled = l->map->weights == XBTAB_WEIGHTS_SCRAMBLED_TWOS_COMPLEMENT;
    return l->shared + (scrambled ? (size_t)s * b->n_outputs + o : o * l->per_output + (size_t)s);
}

static xbtab_status lay_out_twos(xbtab__layout *l, const xbtab_matrix *m)
{
    l->slices = 1 + xbtab__slices_for(m->weight_bits - 1, l->cell_bits);
    l->per_output = (size_t)l->slices;
    l->shared = 1;
    return XBTAB_OK;
}

static void twos_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b, uint8_t *level,
                        size_t stride)
{
    const unsigned mask = (1u << l->cell_bits) - 1, low = (1u << (l->weight_bits - 1)) - 1;
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *w = xbtab__block_row(m, b, o);
        for (size_t i = 0; i < b->n_inputs; i++) {
            uint8_t *at = level + i * stride;
            for (int s = 0; s + 1 < l->slices; s++) {
                at[twos_column(l, b, o, s)] = (uint8_t)(((unsigned)w[i] & low) >> (s * l->cell_bits) & mask);
            }
            at[twos_column(l, b, o, l->slices - 1)] = w[i] < 0;
        }
    }
}

static void combine_twos(const xbtab__layout *l, const xbtab__block *b, const double *s, int from, double *y)
{
    for (size_t o = 0; o < b->n_outputs; o++) {
        double sum = 0;
        if (l->weight_bits - 1 >= from) {
            sum = -(double)((int64_t)1 << (l->weight_bits - 1)) *
                  (s[twos_column(l, b, o, l->slices - 1)] - s[0]);
        }
        for (int k = 0; k + 1 < l->slices; k++) {
            if (k * l->cell_bits >= from) sum += (s[twos_column(l, b, o, k)] - s[0]) * place(l, k);
        }
        y[o] = sum;
    }
}

const xbtab__weight_map xbtab__twos_complement = {.weights = XBTAB_WEIGHTS_TWOS_COMPLEMENT,
                                                  .lines = 1,
                                                  .lay_out = lay_out_twos,
                                                  .levels = twos_levels,
                                                  .combine = combine_twos};

const xbtab__weight_map xbtab__scrambled_twos_complement = {.weights =
                                                                XBTAB_WEIGHTS_SCRAMBLED_TWOS_COMPLEMENT,
                                                            .lines = 1,
                                                            .lay_out = lay_out_twos,
                                                            .levels = twos_levels,
                                                            .combine = combine_twos};
