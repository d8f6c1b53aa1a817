/* weights_pair.c - weights as pairs of cells: one for each sign, on neighbouring bit lines or word lines, or
 * one for each value of a bit. */
#include "weights.h"

/* Slice s of |w|. */
static uint8_t magnitude_slice(const xbtab__layout *l, int w, int s)
{
    unsigned magnitude = (unsigned)(w < 0 ? -w : w), mask = (1u << l->cell_bits) - 1;
    return (uint8_t)(magnitude >> (s * l->cell_bits) & mask);
}

static double top_level(const xbtab__layout *l)
{
    return (double)((1 << l->cell_bits) - 1);
}

/* ---- differential columns: column 2 (o slices + s) holds slice s where the weight is positive, the next one
 * where it is negative ---- */

static xbtab_status lay_out_columns(xbtab__layout *l, const xbtab_matrix *m)
{
    l->slices = xbtab__slices_for(m->weight_bits - 1, l->cell_bits);
    l->per_output = 2 * (size_t)l->slices;
    return XBTAB_OK;
}

static void column_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b,
                          uint8_t *level, size_t stride)
{
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *w = xbtab__block_row(m, b, o);
        for (size_t i = 0; i < b->n_inputs; i++) {
            uint8_t *at = level + i * stride + o * l->per_output + (w[i] < 0);
            for (int s = 0; s < l->slices; s++, at += 2) *at = magnitude_slice(l, w[i], s);
        }
    }
}

static void combine_columns(const xbtab__layout *l, const xbtab__block *b, const double *s, int from,
                            double *y)
{
    for (size_t o = 0; o < b->n_outputs; o++) {
        double sum = 0;
        for (int k = 0; k < l->slices; k++, s += 2) {
            if (k * l->cell_bits >= from) sum += (s[0] - s[1]) * (double)(1 << (k * l->cell_bits));
        }
        y[o] = sum;
    }
}

const xbtab__weight_map xbtab__differential_columns = {.weights = XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS,
                                                       .lines = 1,
                                                       .lay_out = lay_out_columns,
                                                       .levels = column_levels,
                                                       .combine = combine_columns};

/* ---- differential rows: word line 2 i holds the positive weights of input i, 2 i + 1 the negative ones ----
 */

static xbtab_status lay_out_rows(xbtab__layout *l, const xbtab_matrix *m)
{
    l->slices = xbtab__slices_for(m->weight_bits - 1, l->cell_bits);
    l->per_output = (size_t)l->slices;
    return XBTAB_OK;
}

static void row_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b, uint8_t *level,
                       size_t stride)
{
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *w = xbtab__block_row(m, b, o);
        for (size_t i = 0; i < b->n_inputs; i++) {
            uint8_t *at = level + (2 * i + (w[i] < 0)) * stride + o * l->per_output;
            for (int s = 0; s < l->slices; s++) at[s] = magnitude_slice(l, w[i], s);
        }
    }
}

static void combine_rows(const xbtab__layout *l, const xbtab__block *b, const double *s, int from, double *y)
{
    for (size_t o = 0; o < b->n_outputs; o++, s += l->slices) {
        double sum = 0;
        for (int k = 0; k < l->slices; k++) {
            if (k * l->cell_bits >= from) sum += s[k] * (double)(1 << (k * l->cell_bits));
        }
        y[o] = sum;
    }
}

const xbtab__weight_map xbtab__differential_rows = {.weights = XBTAB_WEIGHTS_DIFFERENTIAL_ROWS,
                                                    .lines = 2,
                                                    .is_signed = true,
                                                    .lay_out = lay_out_rows,
                                                    .levels = row_levels,
                                                    .combine = combine_rows};

/* ---- ternary pair: digits -1, 0 and +1 as two cells at the lowest or the highest level; weights of more
 * bits have several digits, of places 3^k ---- */

static xbtab_status lay_out_ternary(xbtab__layout *l, const xbtab_matrix *m)
{
    int64_t most = ((int64_t)1 << (m->weight_bits - 1)) - 1, reach = 1;
    l->slices = 1;
    for (int64_t place = 3; reach < most; place *= 3) {
        reach += place;
        l->slices++;
    }
    l->per_output = 2 * (size_t)l->slices;
    l->multiple = (int)top_level(l);
    return XBTAB_OK;
}

static void ternary_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b,
                           uint8_t *level, size_t stride)
{
    const uint8_t top = (uint8_t)top_level(l);
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *row = xbtab__block_row(m, b, o);
        for (size_t i = 0; i < b->n_inputs; i++) {
            uint8_t *at = level + i * stride + o * l->per_output;
            for (int w = row[i]; w != 0; at += 2) {
                int digit = (w % 3 + 4) % 3 - 1; /* -1, 0 or 1, so that w - digit is a multiple of 3 */
                if (digit) at[digit < 0] = top;
                w = (w - digit) / 3;
            }
        }
    }
}

static void combine_ternary(const xbtab__layout *l, const xbtab__block *b, const double *s, int from,
                            double *y)
{
    (void)from; /* its places are no powers of two */
    for (size_t o = 0; o < b->n_outputs; o++) {
        double sum = 0, place = 1;
        for (int k = 0; k < l->slices; k++, s += 2, place *= 3) sum += (s[0] - s[1]) * place;
        y[o] = sum / top_level(l);
    }
}

const xbtab__weight_map xbtab__ternary_pair = {.weights = XBTAB_WEIGHTS_TERNARY_PAIR,
                                               .lines = 1,
                                               .lay_out = lay_out_ternary,
                                               .levels = ternary_levels,
                                               .combine = combine_ternary};

/* ---- XNOR pair: word line 2 i is driven with the input's code x, 2 i + 1 with what is left of the largest
 * code Q; +1 has its cell on the first, -1 on the second. The sum of matches is sum_+ x + sum_- (Q - x) =
 * sum w x + Q n_-, and n_- is known. ---- */

static xbtab_status lay_out_xnor(xbtab__layout *l, const xbtab_matrix *m)
{
    if (!l->is_binary) {
        for (size_t k = 0; k < m->inputs * m->outputs; k++) {
            if (m->W[k] == 1 || m->W[k] == -1) continue;
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                       "weight %zu of output %zu is %d; complementary pairs hold -1 and +1 only",
                       k % m->inputs, k / m->inputs, m->W[k]);
        }
    }
    l->slices = 1;
    l->per_output = 1;
    l->multiple = (int)top_level(l);
    return XBTAB_OK;
}

static void xnor_levels(const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b, uint8_t *level,
                        size_t stride)
{
    const uint8_t top = (uint8_t)top_level(l);
    for (size_t o = 0; o < b->n_outputs; o++) {
        const int16_t *w = xbtab__block_row(m, b, o);
        int32_t n_minus = 0;
        for (size_t i = 0; i < b->n_inputs; i++) {
            level[(2 * i + (w[i] < 0)) * stride + o] = top;
            n_minus += w[i] < 0;
        }
        if (b->note) b->note[o] = n_minus;
    }
}

static void combine_xnor(const xbtab__layout *l, const xbtab__block *b, const double *s, int from, double *y)
{
    (void)from;
    for (size_t o = 0; o < b->n_outputs; o++) y[o] = s[o] / top_level(l);
}

const xbtab__weight_map xbtab__xnor_pair = {.weights = XBTAB_WEIGHTS_XNOR_PAIR,
                                            .lines = 2,
                                            .is_complementary = true,
                                            .lay_out = lay_out_xnor,
                                            .levels = xnor_levels,
                                            .combine = combine_xnor};
