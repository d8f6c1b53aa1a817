/* weights.c - the weight maps by name, and what a matrix's layout starts from. */
#include "weights.h"

static const xbtab__weight_map *const maps[XBTAB_N_WEIGHTS] = {
    [XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS] = &xbtab__differential_columns,
    [XBTAB_WEIGHTS_DIFFERENTIAL_ROWS] = &xbtab__differential_rows,
    [XBTAB_WEIGHTS_OFFSET_COLUMN] = &xbtab__offset_column,
    [XBTAB_WEIGHTS_BIAS_FLIP] = &xbtab__bias_flip,
    [XBTAB_WEIGHTS_TWOS_COMPLEMENT] = &xbtab__twos_complement,
    [XBTAB_WEIGHTS_SCRAMBLED_TWOS_COMPLEMENT] = &xbtab__scrambled_twos_complement,
    [XBTAB_WEIGHTS_XNOR_PAIR] = &xbtab__xnor_pair,
    [XBTAB_WEIGHTS_TERNARY_PAIR] = &xbtab__ternary_pair,
};

const xbtab__weight_map *xbtab__weight_map_find(xbtab_weights weights)
{
    return maps[weights];
}

xbtab_status xbtab__lay_out(xbtab__layout *layout, const xbtab_matrix *m, xbtab_weights weights,
                            int cell_bits)
{
    *layout = (xbtab__layout){.map = maps[weights],
                              .weight_bits = m->weight_bits,
                              .cell_bits = cell_bits,
                              .multiple = 1,
                              .is_binary = true};
    for (size_t k = 0; k < m->inputs * m->outputs && layout->is_binary; k++)
        layout->is_binary = m->W[k] == 1 || m->W[k] == -1;
    xbtab_status status = layout->map->lay_out(layout, m);
    return status < 0 ? xbtab__error_prefix(status, "%s", m->name) : status;
}
