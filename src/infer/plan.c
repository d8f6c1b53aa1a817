/* plan.c - which block of which matrix stands on which tile.
 *
 * A matrix larger than a tile is cut in both directions, into tiles of its own. The groups of a grouped or
 * depthwise convolution are small matrices that are asked one after the other: as many of them as a tile has
 * room for stand on it in a grid, with the word lines of all other groups at 0. */
#include "mapping.h"

#include <string.h>

#include "memory.h"

static size_t ceiling(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* Inputs and outputs of a matrix that a tile has room for. */
static size_t inputs_a_tile(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm)
{
    return mapped->rows / mm->layout.map->lines;
}

static size_t outputs_a_tile(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm)
{
    const xbtab__layout *l = &mm->layout;
    return mapped->columns > l->shared ? (mapped->columns - l->shared) / l->per_output : 0;
}

/* Input slices and what each counts. */
static xbtab_status plan_inputs(const xbtab_mapped *mapped, xbtab__mapped_matrix *mm)
{
    const int bits = mm->m->activation_bits, dac_bits = mapped->dac_bits;
    mm->signed_inputs = mapped->scheme.signed_inputs == XBTAB_SIGNED_TWOS_COMPLEMENT && bits > 1;
    mm->input_slices =
        mm->signed_inputs ? 1 + xbtab__slices_for(bits - 1, dac_bits) : xbtab__slices_for(bits, dac_bits);
    /* what a sign or a complement sets in the last slice has to fit a word line's 16 bits */
    if ((mm->signed_inputs || mm->layout.map->is_complementary) && mm->input_slices * dac_bits > 16) {
        XBTAB_FAIL(
            XBTAB_ERR_UNSUPPORTED,
            "%s: %d-bit inputs in %d slices of %d bits, a sign or a complement among them; 16 bits are "
            "supported",
            mm->m->name, bits, mm->input_slices, dac_bits);
    }
    for (int t = 0; t < mm->input_slices; t++) mm->weight[t] = (double)(1 << (t * dac_bits));
    if (mm->signed_inputs) mm->weight[mm->input_slices - 1] = -(double)(1 << (bits - 1));
    return XBTAB_OK;
}

static xbtab_status lay_out_all(xbtab_mapped *mapped)
{
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        xbtab__mapped_matrix *mm = &mapped->matrix[m];
        mm->m = xbtab_quantized_matrix(mapped->quantized, m);
        mm->layer = mapped->n_layers - (m > 0 && mm->m->group > 0);
        mapped->n_layers = mm->layer + 1;
        XBTAB_TRY(xbtab__lay_out(&mm->layout, mm->m, mapped->scheme.weights, mapped->cell_bits));
        XBTAB_TRY(plan_inputs(mapped, mm));
        if (outputs_a_tile(mapped, mm) == 0) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: %d-bit weights need %zu columns an output; a tile has %zu",
                       mm->m->name, mm->m->weight_bits, xbtab__layout_columns(&mm->layout, 1),
                       mapped->columns);
        }
        if (inputs_a_tile(mapped, mm) == 0) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: an input needs %zu word lines; a tile has %zu",
                       mm->m->name, mm->layout.map->lines, mapped->rows);
        }
    }
    return XBTAB_OK;
}

/* Groups of a node that stand on one tile, across and in all; 1 where they are cut or alone. */
typedef struct grid {
    size_t across, all;
} grid;

static grid grid_for(size_t rows, size_t columns, size_t lines, size_t width, size_t groups)
{
    grid g = {.across = columns / width};
    g.all = g.across * (rows / lines);
    return g.all < 2 || groups < 2 ? (grid){1, 1} : g;
}

static size_t groups_from(const xbtab_mapped *mapped, size_t m)
{
    size_t n = 1;
    while (m + n < mapped->n_matrices && mapped->matrix[m + n].layer == mapped->matrix[m].layer) n++;
    return n;
}

static grid grid_of(const xbtab_mapped *mapped, size_t m)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[m];
    return grid_for(mapped->rows, mapped->columns, mm->m->inputs * mm->layout.map->lines,
                    xbtab__layout_columns(&mm->layout, mm->m->outputs), groups_from(mapped, m));
}

size_t xbtab_tiles_needed(const xbtab_tile_need *n)
{
    const size_t per_output = 2 * (size_t)xbtab__slices_for(n->weight_bits - 1, n->cell_bits),
                 outputs = n->columns / per_output;
    if (outputs == 0) return 0;
    grid g = grid_for(n->rows, n->columns, n->inputs, n->outputs * per_output, n->groups);
    return ceiling(n->groups, g.all) * ceiling(n->inputs, n->rows) * ceiling(n->outputs, outputs);
}

static size_t most_blocks(const xbtab_mapped *mapped)
{
    size_t n = 0;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        n += ceiling(mm->m->inputs, inputs_a_tile(mapped, mm)) *
             ceiling(mm->m->outputs, outputs_a_tile(mapped, mm));
    }
    return n;
}

static xbtab_status add_block(xbtab_mapped *mapped, size_t m, xbtab__block block)
{
    const xbtab__layout *l = &mapped->matrix[m].layout;
    const size_t lines = block.n_inputs * l->map->lines, columns = xbtab__layout_columns(l, block.n_outputs);
    xbtab__mapped_tile *t = &mapped->tile[block.tile];
    block.matrix = m;
    block.note = xbtab__alloc(block.n_outputs * (size_t)l->slices, sizeof *block.note);
    mapped->block[mapped->n_blocks++] = block;
    if (!block.note) return XBTAB_NOMEM();
    if (t->rows < block.first_row + lines) t->rows = block.first_row + lines;
    if (t->columns < block.first_column + columns) t->columns = block.first_column + columns;
    t->n_blocks++;
    mapped->matrix[m].n_blocks++;
    mapped->used_cells += lines * l->per_output * block.n_outputs;
    mapped->weights += block.n_inputs * block.n_outputs;
    return XBTAB_OK;
}

static size_t add_tile(xbtab_mapped *mapped, size_t m, size_t number)
{
    mapped->tile[mapped->n_tiles] =
        (xbtab__mapped_tile){.matrix = m, .number = number, .first_block = mapped->n_blocks};
    return mapped->n_tiles++;
}

/* Groups m, m + 1, .. of one node. */
static xbtab_status place_groups(xbtab_mapped *mapped, size_t m, grid g)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[m];
    const size_t lines = mm->m->inputs * mm->layout.map->lines;
    const size_t columns = xbtab__layout_columns(&mm->layout, mm->m->outputs), n = groups_from(mapped, m);
    for (size_t k = 0; k < n; k++) {
        size_t at = k % g.all, tile = at == 0 ? add_tile(mapped, m + k, 0) : mapped->n_tiles - 1;
        mapped->matrix[m + k].first_block = mapped->n_blocks;
        XBTAB_TRY(add_block(mapped, m + k,
                            (xbtab__block){.tile = tile,
                                           .n_inputs = mm->m->inputs,
                                           .n_outputs = mm->m->outputs,
                                           .first_row = at / g.across * lines,
                                           .first_column = at % g.across * columns}));
    }
    return XBTAB_OK;
}

/* The row tiles of each part of the outputs stand one after the other. */
static xbtab_status place_matrix(xbtab_mapped *mapped, size_t m)
{
    xbtab__mapped_matrix *mm = &mapped->matrix[m];
    const size_t outputs = outputs_a_tile(mapped, mm), inputs = inputs_a_tile(mapped, mm);
    size_t number = 0;
    mm->first_block = mapped->n_blocks;
    for (size_t o = 0; o < mm->m->outputs; o += outputs) {
        for (size_t i = 0; i < mm->m->inputs; i += inputs) {
            XBTAB_TRY(add_block(
                mapped, m,
                (xbtab__block){.tile = add_tile(mapped, m, number++),
                               .first_input = i,
                               .n_inputs = mm->m->inputs - i < inputs ? mm->m->inputs - i : inputs,
                               .first_output = o,
                               .n_outputs = mm->m->outputs - o < outputs ? mm->m->outputs - o : outputs}));
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__plan(xbtab_mapped *mapped)
{
    XBTAB_TRY(lay_out_all(mapped));
    size_t most = most_blocks(mapped);
    mapped->block = xbtab__alloc(most, sizeof *mapped->block);
    mapped->tile = xbtab__alloc(most, sizeof *mapped->tile);
    if (!mapped->block || !mapped->tile) return XBTAB_NOMEM();
    for (size_t m = 0; m < mapped->n_matrices;) {
        grid g = grid_of(mapped, m);
        if (g.all > 1) {
            size_t n = groups_from(mapped, m);
            XBTAB_TRY(place_groups(mapped, m, g));
            m += n;
        } else {
            XBTAB_TRY(place_matrix(mapped, m++));
        }
    }
    return XBTAB_OK;
}

void xbtab__mapped_levels(const xbtab_mapped *mapped, const xbtab__mapped_tile *t, uint8_t *level)
{
    memset(level, 0, t->rows * t->columns);
    for (size_t k = 0; k < t->n_blocks; k++) {
        const xbtab__block *b = &mapped->block[t->first_block + k];
        const xbtab__mapped_matrix *mm = &mapped->matrix[b->matrix];
        mm->layout.map->levels(&mm->layout, mm->m, b, level + b->first_row * t->columns + b->first_column,
                               t->columns);
    }
}

/* ---- inputs ---- */

size_t xbtab__lines_at_once(const xbtab_mapped *mapped, const xbtab__block *b)
{
    const size_t lines = mapped->matrix[b->matrix].layout.map->lines, all = b->n_inputs * lines;
    size_t n = mapped->scheme.rows_active > 0 ? (size_t)mapped->scheme.rows_active : all;
    n = n / lines * lines; /* whole inputs */
    return n < lines ? lines : n < all ? n : all;
}

void xbtab__drive(const xbtab_mapped *mapped, const xbtab__block *b, const uint16_t *x, size_t first,
                  size_t end, int only, uint16_t *line)
{
    const xbtab__mapped_matrix *mm = &mapped->matrix[b->matrix];
    const xbtab__weight_map *map = mm->layout.map;
    const size_t rows = mapped->tile[b->tile].rows, lines = map->lines;
    const unsigned all = (1u << (mm->input_slices * mapped->dac_bits)) - 1;
    const int bits = mm->m->activation_bits;
    if (end - first < rows) memset(line, 0, rows * sizeof *line);
    x += b->first_input;
    if (lines == 1 && !mm->signed_inputs) {
        memcpy(line + b->first_row + first, x + first, (end - first) * sizeof *line);
        return;
    }
    for (size_t i = first / lines; i < end / lines; i++) {
        unsigned code = x[i];
        if (mm->signed_inputs) {
            unsigned sign = (~code >> (bits - 1)) & 1; /* of the code less 2^(bits - 1) */
            code = (code & ((1u << (bits - 1)) - 1)) | sign << ((mm->input_slices - 1) * mapped->dac_bits);
        }
        uint16_t *at = line + b->first_row + i * lines;
        at[0] = (uint16_t)(only == 2 ? 0 : code);
        if (lines == 2) at[1] = (uint16_t)(only == 1 ? 0 : map->is_complementary ? all - code : code);
    }
}
