/* fit.c - the errors of the cell's and the TIA's interpolation on SPICE samples between their points. */
#include "fit.h"

#include <math.h>

#include <xbartab/tile.h>

#include "cell_table.h"
#include "error_sum.h"
#include "memory.h"
#include "technology.h"

xbtab_status xbtab__fit_cell_error(xbtab_tables *tables, const xbtab__plan *plan, const double *heldout)
{
    xbtab__cell_table table;
    xbtab__error_sum sum = {0};
    XBTAB_TRY(xbtab__cell_table_init(&table, &tables->cell));
    for (int s = 0; s < xbtab__heldout_cell_points(plan); s++) {
        double parameter, V_bit, V, I, slope;
        xbtab__heldout_cell_point(plan, s, &parameter, &V_bit, &V);
        xbtab__cell cell = xbtab__cell_of(&table, heldout[2 * s]);
        xbtab__cell_current(&table, xbtab__heldout_gate(plan, s), &cell, V, V_bit, &I, &slope);
        xbtab__add_error(&sum, I - heldout[2 * s + 1]);
    }
    xbtab__cell_table_clear(&table);
    tables->cell.error = xbtab__finish_error(&sum, tables->G_level[tables->n_levels - 1] * tables->v_read, 0);
    return XBTAB_OK;
}

xbtab_status xbtab__fit_tia_error(xbtab_tables *tables, const xbtab__plan *plan, const double *V)
{
    xbtab_technology *technology = NULL;
    xbtab__error_sum sum = {0};
    XBTAB_TRY(xbtab_technology_create(&technology, tables));
    for (int k = 0; k + 1 < XBTAB__TIA_POINTS; k++) {
        double I = xbtab__tia_current(plan->spec, k + 0.5);
        xbtab__add_error(&sum, xbtab_technology_tia(technology, I) - V[2 * k + 1]);
    }
    tables->tia.error = xbtab__finish_error(&sum, fabs(technology->V_high - technology->V_low), 0);
    xbtab_technology_destroy(&technology);
    return XBTAB_OK;
}
