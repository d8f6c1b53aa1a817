/* solver_check.c - the same tiles, solved by ngspice and by us. */
#include "solver_check.h"

#include <math.h>
#include <string.h>

#include "exact.h"
#include "memory.h"

/* What was compared at one size. */
typedef struct comparison {
    int rows, columns;
    double squares, most, I_most; /* [A] */
    int32_t n;
} comparison;

static xbtab_status compare_tile(comparison *c, const xbtab__plan *plan, const xbtab_technology *technology,
                                 int tile, const double *x)
{
    xbtab_status status;
    xbtab__tile_plan t = xbtab__tile_plan_of(plan, tile);
    size_t rows = (size_t)t.rows, columns = (size_t)t.columns, cells = rows * columns;
    xbtab__exact *circuit = NULL;
    uint8_t *level = xbtab__alloc(cells, 1), *code = xbtab__alloc((size_t)t.vectors * rows, 1);
    double *G = xbtab__alloc(cells, sizeof *G), *I = xbtab__alloc(columns, sizeof *I);
    if (!level || !code || !G || !I) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab__tile_levels(plan, tile, level);
    xbtab__tile_codes(plan, tile, code);
    if (plan->aged) {
        memcpy(G, x + (size_t)t.vectors * xbtab__tile_stride(t.columns), cells * sizeof *G);
    } else {
        XBTAB_TRY_DONE(xbtab__tile_conductances(plan, tile, level, G));
    }
    XBTAB_TRY_DONE(xbtab__exact_create(&circuit, technology, rows, columns));
    xbtab__exact_program(circuit, G);
    for (int v = 0; v < t.vectors; v++, x += xbtab__tile_stride(t.columns)) {
        if (x[0] != XBTAB_SAMPLE_OK) continue;
        XBTAB_TRY_DONE(xbtab__exact_solve(circuit, code + (size_t)v * rows, I));
        for (size_t j = 0; j < columns; j++) {
            double error = I[j] - x[2 + j];
            c->squares += error * error;
            c->most = fmax(c->most, fabs(error));
            c->I_most = fmax(c->I_most, fabs(x[2 + j]));
            c->n++;
        }
    }
done:
    xbtab__exact_destroy(&circuit);
    xbtab__free(level);
    xbtab__free(code);
    xbtab__free(G);
    xbtab__free(I);
    return status;
}

static xbtab_status take(xbtab_solver_data *s, const comparison *c, size_t n)
{
    s->rows = xbtab__alloc(n, sizeof *s->rows);
    s->columns = xbtab__alloc(n, sizeof *s->columns);
    s->samples = xbtab__alloc(n, sizeof *s->samples);
    s->rmse = xbtab__alloc(n, sizeof *s->rmse);
    s->max = xbtab__alloc(n, sizeof *s->max);
    if (!s->rows || !s->columns || !s->samples || !s->rmse || !s->max) return XBTAB_NOMEM();
    s->n = n;
    for (size_t k = 0; k < n; k++) {
        s->rows[k] = c[k].rows;
        s->columns[k] = c[k].columns;
        s->samples[k] = c[k].n;
        s->rmse[k] = sqrt(c[k].squares / c[k].n) / c[k].I_most;
        s->max[k] = c[k].most / c[k].I_most;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__check_solver(xbtab_tables *tables, const xbtab__run *run)
{
    enum { MOST_SIZES = 2 }; /* of check tiles, and of the tile itself */
    xbtab_status status;
    xbtab_technology *technology = NULL;
    comparison sizes[MOST_SIZES] = {{0}};
    size_t n = 0;
    XBTAB_TRY(xbtab_technology_create(&technology, tables));
    for (int tile = 0; tile < xbtab__first_write_unit(&run->plan) - XBTAB__UNIT_TILE; tile++) {
        const xbtab__unit_result *unit = &run->unit[XBTAB__UNIT_TILE + tile];
        xbtab__tile_plan t = xbtab__tile_plan_of(&run->plan, tile);
        size_t k = 0;
        if (!t.in_spice || unit->status != XBTAB_SAMPLE_OK) continue;
        while (k < n && (sizes[k].rows != t.rows || sizes[k].columns != t.columns)) k++;
        sizes[k].rows = t.rows;
        sizes[k].columns = t.columns;
        XBTAB_TRY_DONE(compare_tile(&sizes[k], &run->plan, technology, tile, unit->numbers.x));
        if (k == n && sizes[k].n > 0) n++;
    }
    if (n == 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_SPICE, "ngspice solved none of the tiles that our solver is held against");
    }
    XBTAB_TRY_DONE(take(&tables->solver, sizes, n));
done:
    xbtab_technology_destroy(&technology);
    return status;
}
