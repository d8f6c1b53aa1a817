/* complete_tables.h - what a file of tables has, and those of sinh_tables.h do without: two sample tiles of
 * two vectors, the second one held out, whose last vector failed, and the figures that they announce. */
#ifndef XBTAB_TESTS_COMPLETE_TABLES_H
#define XBTAB_TESTS_COMPLETE_TABLES_H

#include "memory.h"
#include "sinh_tables.h"

enum { COMPLETE_TILES = 2, COMPLETE_VECTORS = 2 };

/* Currents that are 2 % below the ideal product, and a power that goes with them. */
static inline void complete_samples(xbtab_tables *t)
{
    xbtab_sample_data *s = &t->samples;
    size_t n = COMPLETE_TILES * COMPLETE_VECTORS, cells = t->rows * t->columns;
    double most = 0, P_most = 0, squares = 0, worst = 0;
    s->n_tiles = COMPLETE_TILES;
    s->n_vectors = COMPLETE_VECTORS;
    s->is_heldout = xbtab__alloc(COMPLETE_TILES, sizeof *s->is_heldout);
    s->is_heldout[1] = 1;
    s->level = xbtab__alloc(COMPLETE_TILES, cells);
    s->code = xbtab__alloc(n, t->rows);
    s->status = xbtab__alloc(n, sizeof *s->status);
    s->I_out = xbtab__alloc(n * t->columns, sizeof *s->I_out);
    s->V_out = xbtab__alloc(n * t->columns, sizeof *s->V_out);
    s->P = xbtab__alloc(n, sizeof *s->P);
    for (size_t c = 0; c < COMPLETE_TILES * cells; c++) s->level[c] = (uint8_t)(c * 7 % t->n_levels);
    for (size_t i = 0; i < n * t->rows; i++) s->code[i] = (uint8_t)(i * 5 % 3 > 0);
    s->status[n - 1] = XBTAB_SAMPLE_NOT_CONVERGED;
    for (size_t at = 0; at < n; at++) {
        for (size_t j = 0; j < t->columns; j++) {
            double ideal = 0, step = t->v_read / ((1 << t->dac_bits) - 1);
            for (size_t i = 0; i < t->rows; i++)
                ideal += step * s->code[at * t->rows + i] *
                         t->G_level[s->level[at / COMPLETE_VECTORS * cells + i * t->columns + j]];
            double I = 0.98 * ideal;
            s->I_out[at * t->columns + j] = s->status[at] ? NAN : I;
            s->V_out[at * t->columns + j] = s->status[at] ? NAN : -1e3 * I;
            if (s->status[at]) continue;
            s->P[at] += I * t->v_read;
            most = fmax(most, I);
            if (!s->is_heldout[at / COMPLETE_VECTORS]) continue;
            squares += (ideal - I) * (ideal - I);
            worst = fmax(worst, ideal - I);
        }
        P_most = fmax(P_most, s->P[at]);
    }
    long compared = (long)t->columns;
    t->transfer.error = (xbtab_fit_error){1e-3, 2e-3, most, compared, 1};
    t->transfer.error_geff = (xbtab_fit_error){2e-3, 3e-3, most, compared, 1};
    t->transfer.error_ideal =
        (xbtab_fit_error){sqrt(squares / (double)compared) / most, worst / most, most, compared, 1};
    t->energy.scale = 1;
    t->energy.read_time = 1e-8;
    t->energy.error = (xbtab_fit_error){1e-3, 1e-3, P_most * t->energy.read_time, 1, 1};
}

static inline void complete_tables(xbtab_tables *t)
{
    char **texts[] = {&t->spec_text,       &t->models_text,         &t->tool_version,
                      &t->ngspice_version, &t->cell.parameter_name, &t->cell.parameter_unit};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) *texts[k] = xbtab__strdup("none");
    t->cell.parameter = xbtab__alloc(t->cell.n_states, sizeof(double));
    t->cell.error = (xbtab_fit_error){1e-6, 2e-6, 4e-6, 100, 0};
    t->tia.error = (xbtab_fit_error){1e-6, 2e-6, 0.6, 64, 0};
    t->energy.E_cell = xbtab__alloc(t->cell.n_states * t->cell.n_v, sizeof(double));
    t->transfer.n_drives = t->solver.n = 1;
    t->transfer.a_drive = xbtab__alloc(1, sizeof(double));
    t->transfer.a_drive[0] = 1;
    t->transfer.rmse_drive = xbtab__alloc(1, sizeof(double));
    int32_t **counts[] = {&t->solver.rows, &t->solver.columns, &t->solver.samples};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        *counts[k] = xbtab__alloc(1, sizeof(int32_t));
        **counts[k] = 5;
    }
    t->solver.rmse = xbtab__alloc(1, sizeof(double));
    t->solver.max = xbtab__alloc(1, sizeof(double));
    complete_samples(t);
}

#endif
