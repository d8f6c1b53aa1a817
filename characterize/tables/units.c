/* units.c - a characterization's units by number. */
#include "units.h"

#include "memory.h"
#include "write_units.h"

int xbtab__first_write_unit(const xbtab__plan *plan)
{
    return XBTAB__UNIT_TILE + xbtab__sample_tiles(plan) + xbtab__check_tiles(plan);
}

int xbtab__plan_units(const xbtab__plan *plan)
{
    return xbtab__first_write_unit(plan) + xbtab__write_units(plan);
}

/* The states' parameters, then the conductances reached. */
static xbtab_status search_states(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    size_t n = (size_t)plan->n_states;
    out->n = 2 * n;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!out->x) return XBTAB_NOMEM();
    return xbtab__find_states(plan->spec, spice, plan->G_target, plan->n_states, out->x, out->x + n);
}

xbtab_status xbtab__plan_run(const xbtab__plan *plan, int unit, xbtab__spice *spice, xbtab__numbers *out)
{
    int write = unit - xbtab__first_write_unit(plan);
    if (write >= 0) return xbtab__write_unit(plan, write, spice, out);
    switch (unit) {
    case XBTAB__UNIT_STATES:
        return search_states(plan, spice, out);
    case XBTAB__UNIT_CELL:
        return xbtab__sweep_cell(plan, spice, out);
    case XBTAB__UNIT_CELL_HELDOUT:
        return xbtab__sweep_cell_heldout(plan, spice, out);
    case XBTAB__UNIT_TIA:
        return xbtab__sweep_tia(plan, spice, out);
    case XBTAB__UNIT_READOUT:
        return xbtab__find_readout(plan, spice, out);
    case XBTAB__UNIT_COLUMN:
        return xbtab__find_column(plan, spice, out);
    default:
        return xbtab__sample_tile(plan, unit - XBTAB__UNIT_TILE, spice, out);
    }
}
