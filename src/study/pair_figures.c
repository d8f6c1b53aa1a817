/* pair_figures.c - what a comparison tells of a pair: from its tables, and from circuits of one cell and of
 * one tile. */
#include "pairs_private.h"

#include <math.h>

#include <xbartab/characterize.h>
#include <xbartab/solve.h>

#include "memory.h"

/* Current of one cell at the highest level at three voltages, with nothing around it but the TIA. */
static xbtab_status measure_cell(xbtab_pair_figures *f, const xbtab_technology *technology,
                                 const xbtab_tables *t)
{
    const double share[] = {1.0, 0.5, 1.0 / 64};
    double V[3], G = t->G_level[t->n_levels - 1];
    xbtab_solution s = {0};
    xbtab_crossbar cell = {.rows = 1, .columns = 1, .G = &G, .technology = technology};
    for (int k = 0; k < 3; k++) V[k] = share[k] * t->v_read;
    XBTAB_TRY(xbtab_crossbar_solve(&s, &cell, V, 3));
    f->chord = s.i_out[0] / V[0] / (s.i_out[2] / V[2]);
    f->half_select = s.i_out[0] / s.i_out[1];
    xbtab_solution_clear(&s);
    return XBTAB_OK;
}

static xbtab_status measure_drop(xbtab_pair_figures *f, const xbtab_technology *technology,
                                 const xbtab_tables *t)
{
    const size_t n = t->rows * t->columns;
    xbtab_status status;
    xbtab_solution s = {0};
    double *G = xbtab__alloc(n, sizeof *G), *V = xbtab__alloc(t->rows, sizeof *V);
    if (!G || !V) {
        status = XBTAB_NOMEM();
        goto done;
    }
    const xbtab_crossbar tile = {.rows = t->rows,
                                 .columns = t->columns,
                                 .r_word = t->r_word,
                                 .r_bit = t->r_bit,
                                 .r_source = t->r_driver,
                                 .r_sink = t->r_sink,
                                 .G = G,
                                 .technology = technology};
    for (size_t k = 0; k < n; k++) G[k] = t->G_level[t->n_levels - 1];
    for (size_t i = 0; i < t->rows; i++) V[i] = t->v_read;
    XBTAB_TRY_DONE(xbtab_crossbar_solve(&s, &tile, V, 1));
    f->ir_drop = 0;
    for (size_t k = 0; k < n; k++)
        f->ir_drop = fmax(f->ir_drop, 1.0 - (s.v_word[k] - s.v_bit[k]) / t->v_read);
    xbtab_solution_clear(&s);
done:
    xbtab__free(G);
    xbtab__free(V);
    return status;
}

static double mean_energy(const xbtab_tables *t)
{
    double sum = 0;
    long n = 0;
    for (size_t k = 0; k < t->samples.n_tiles * t->samples.n_vectors; k++) {
        if (t->samples.status[k] != XBTAB_SAMPLE_OK) continue;
        sum += t->samples.P[k];
        n++;
    }
    return n ? sum / (double)n * t->energy.read_time : NAN;
}

xbtab_status xbtab__pair_measure(xbtab_pair_figures *f, const xbtab_tables *t, const xbtab_spec *spec)
{
    xbtab_technology *technology = NULL;
    double G_low, G_high;
    xbtab_status status;
    f->rmse = t->transfer.error.rmse;
    f->max = t->transfer.error.max;
    f->failed = t->transfer.error.failed;
    f->energy = mean_energy(t);
    f->settling = t->readout.settling;
    XBTAB_TRY_DONE(xbtab_cell_range(spec, &G_low, &G_high));
    f->on_off = G_high / G_low;
    XBTAB_TRY_DONE(xbtab_technology_create(&technology, t));
    XBTAB_TRY_DONE(measure_cell(f, technology, t));
    XBTAB_TRY_DONE(measure_drop(f, technology, t));
done:
    xbtab_technology_destroy(&technology);
    return status;
}
