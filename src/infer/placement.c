/* placement.c - what a layer takes on tiles of any scheme, from its size alone. */
#include <xbartab/infer.h>

#include <string.h>

#include "memory.h"
#include "weights.h"

static size_t ceiling(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static xbtab_status lay_out(xbtab__layout *out, const xbtab_tile_need *need, const xbtab_scheme *scheme)
{
    const bool is_pair = scheme->weights == XBTAB_WEIGHTS_XNOR_PAIR,
               is_binary = need->weight_bits == 1 || is_pair;
    const int16_t weight = is_binary;
    const xbtab_matrix m = {.name = "layer",
                            .inputs = 1,
                            .outputs = 1,
                            .weight_bits = need->weight_bits == 1 ? 2 : need->weight_bits,
                            .W = &weight};
    if (is_pair && need->weight_bits > 2)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%d-bit weights; %s holds one bit", need->weight_bits,
                   xbtab_scheme_word(XBTAB_KEY_WEIGHTS, (int)scheme->weights));
    return xbtab__lay_out(out, &m, scheme->weights, need->cell_bits);
}

/* Bit lines that an output's conversion sees at once: one, or all that are combined before it. */
static size_t conversions_of(const xbtab__layout *l, const xbtab_scheme *s, size_t outputs)
{
    if (s->sums == XBTAB_SUMS_ANALOG) return outputs;
    if (s->sums == XBTAB_SUMS_SUBTRACTED) return outputs * (size_t)l->slices;
    return l->shared + outputs * l->per_output;
}

static int slices_of(const xbtab_scheme *s, int activation_bits, int dac_bits)
{
    bool has_sign = s->signed_inputs == XBTAB_SIGNED_TWOS_COMPLEMENT && activation_bits > 1;
    return has_sign ? 1 + xbtab__slices_for(activation_bits - 1, dac_bits)
                    : xbtab__slices_for(activation_bits, dac_bits);
}

xbtab_status xbtab_placement_find(xbtab_placement *out, const xbtab_tile_need *need,
                                  const xbtab_scheme *scheme, int activation_bits, int dac_bits)
{
    xbtab__layout l;
    xbtab_placement p = {.passes = 1, .input_slices = slices_of(scheme, activation_bits, dac_bits)};
    XBTAB_TRY(lay_out(&l, need, scheme));
    const size_t lines = l.map->lines, inputs = need->rows / lines,
                 outputs = need->columns > l.shared ? (need->columns - l.shared) / l.per_output : 0;
    if (inputs == 0 || outputs == 0)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "an output needs %zu columns and an input %zu word lines; a tile has %zu and %zu",
                   xbtab__layout_columns(&l, 1), lines, need->columns, need->rows);
    const size_t across = need->columns / xbtab__layout_columns(&l, need->outputs),
                 shared_by = across * (need->rows / (need->inputs * lines));
    const size_t parts = ceiling(need->outputs, outputs), deep = ceiling(need->inputs, inputs);
    p.tiles =
        shared_by > 1 && need->groups > 1 ? ceiling(need->groups, shared_by) : need->groups * parts * deep;
    p.cells = (double)(need->groups * need->inputs * lines * need->outputs * l.per_output);
    size_t active = scheme->rows_active > 0 ? (size_t)scheme->rows_active / lines : inputs, passes = 0;
    if (active == 0) active = 1;
    for (size_t i = 0; i < need->inputs; i += inputs) {
        size_t rest = need->inputs - i < inputs ? need->inputs - i : inputs, n = ceiling(rest, active);
        passes += n;
        if ((int)n > p.passes) p.passes = (int)n;
    }
    double columns = 0, converted = 0;
    for (size_t o = 0; o < need->outputs; o += outputs) {
        size_t rest = need->outputs - o < outputs ? need->outputs - o : outputs;
        columns += (double)xbtab__layout_columns(&l, rest);
        converted += (double)conversions_of(&l, scheme, rest);
    }
    p.lines = (double)(need->groups * need->inputs * lines * parts);
    p.columns_read = columns * (double)(passes * need->groups);
    bool at_once = xbtab_scheme_input_bits(scheme, dac_bits, activation_bits) > dac_bits;
    p.conversions = converted * (double)(passes * need->groups) * (at_once ? 1 : p.input_slices);
    *out = p;
    return XBTAB_OK;
}

size_t xbtab_placement_inputs(const xbtab_tile_need *need, const xbtab_scheme *scheme)
{
    return need->rows / xbtab__weight_map_find(scheme->weights)->lines;
}

/* Add one block's cells to their word lines. level is zeroed scratch for it. */
static void add_block(double *G, const xbtab__layout *l, const xbtab_matrix *m, const xbtab__block *b,
                      const double *G_level, uint8_t *level)
{
    const size_t columns = xbtab__layout_columns(l, b->n_outputs), lines = l->map->lines;
    memset(level, 0, b->n_inputs * lines * columns);
    l->map->levels(l, m, b, level, columns);
    for (size_t i = 0; i < b->n_inputs * lines; i++) {
        double *to = &G[i % lines * m->inputs + b->first_input + i / lines];
        for (size_t k = 0; k < columns; k++) *to += G_level[level[i * columns + k]];
    }
}

xbtab_status xbtab_placement_conductance(double *G, int *second, const xbtab_matrix *m,
                                         const xbtab_tile_need *need, const xbtab_scheme *scheme,
                                         const double *G_level)
{
    xbtab__layout l;
    XBTAB_TRY(xbtab__lay_out(&l, m, scheme->weights, need->cell_bits));
    const size_t inputs = need->rows / l.map->lines,
                 outputs = need->columns > l.shared ? (need->columns - l.shared) / l.per_output : 0;
    if (inputs == 0 || outputs == 0)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s does not fit a tile of %zu x %zu cells", m->name, need->rows,
                   need->columns);
    memset(G, 0, 2 * m->inputs * sizeof *G);
    *second = l.map->lines < 2 ? 0 : l.map->is_complementary ? -1 : 1;
    uint8_t *level = xbtab__alloc(inputs * l.map->lines, xbtab__layout_columns(&l, outputs));
    int32_t *note = xbtab__alloc(outputs * (size_t)l.slices, sizeof *note);
    xbtab_status status = level && note ? XBTAB_OK : XBTAB_NOMEM();
    for (size_t o = 0; o < m->outputs && status == XBTAB_OK; o += outputs) {
        for (size_t i = 0; i < m->inputs; i += inputs) {
            const xbtab__block b = {.first_input = i,
                                    .n_inputs = m->inputs - i < inputs ? m->inputs - i : inputs,
                                    .first_output = o,
                                    .n_outputs = m->outputs - o < outputs ? m->outputs - o : outputs,
                                    .note = note};
            add_block(G, &l, m, &b, G_level, level);
        }
    }
    xbtab__free(level);
    xbtab__free(note);
    return status;
}
