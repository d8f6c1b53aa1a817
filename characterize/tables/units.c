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

bool xbtab__plan_fits(const xbtab__plan *plan, int unit, const double *x, size_t n)
{
    const xbtab_spec *spec = plan->spec;
    int write = unit - xbtab__first_write_unit(plan);
    size_t n_states = (size_t)plan->n_states;
    if (write >= 0) return xbtab__write_fits(plan, x, n);
    switch (unit) {
    case XBTAB__UNIT_STATES:
        return n == 2 * n_states;
    case XBTAB__UNIT_CELL:
        return n ==
               (size_t)xbtab__gates(spec) * n_states * XBTAB__BIT_VOLTAGES * (size_t)spec->sampling.voltages;
    case XBTAB__UNIT_CELL_HELDOUT:
        return n == 2 * (size_t)xbtab__heldout_cell_points(plan);
    case XBTAB__UNIT_TIA:
        return n == 2 * (2 * XBTAB__TIA_POINTS - 1);
    case XBTAB__UNIT_READOUT:
        return n >= XBTAB__READOUT_FIGURES && (n - XBTAB__READOUT_FIGURES) % 2 == 0;
    case XBTAB__UNIT_COLUMN:
        return n == XBTAB__COLUMN_FIGURES;
    default: {
        xbtab__tile_plan t = xbtab__tile_plan_of(plan, unit - XBTAB__UNIT_TILE);
        size_t cells = plan->aged ? (size_t)t.rows * (size_t)t.columns : 0;
        return n == (size_t)t.vectors * xbtab__tile_stride(t.columns) + cells;
    }
    }
}
