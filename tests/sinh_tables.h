/* sinh_tables.h - tables in memory for tests, filled from formulas instead of SPICE: sinh cells and a linear
 * TIA. */
#ifndef XBTAB_TESTS_SINH_TABLES_H
#define XBTAB_TESTS_SINH_TABLES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/tables.h>

#include "whole_range.h"

typedef struct sinh_design {
    size_t rows, columns, n_levels;
    int dac_bits, adc_bits;
    double r_word, r_bit;
    double V0; /* of the sinh [V] */
} sinh_design;

/* Free with xbtab_tables_destroy(). The ADC's full scale has whole steps of a level, as a specification's
 * has. */
static inline xbtab_tables *sinh_tables(const sinh_design *d)
{
    enum { N_STATES = 9, N_V = 129, N_TIA = 65, N_TERMS = 3 };
    static const int32_t powers[N_TERMS][3] = {{1, 0, 0}, {2, 0, 0}, {1, 1, 0}};
    const double G_least = 1e-6, G_most = 20e-6, V_read = 0.2;
    xbtab_tables *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->tile_name = strdup("test");
    t->rows = d->rows;
    t->columns = d->columns;
    t->n_levels = d->n_levels;
    t->dac_bits = d->dac_bits;
    t->adc_bits = d->adc_bits;
    t->v_read = V_read;
    t->r_word = d->r_word;
    t->r_bit = d->r_bit;
    t->r_driver = 15;
    t->r_sink = 7;
    t->G_level = calloc(d->n_levels, sizeof(double));
    for (size_t k = 0; k < d->n_levels; k++) {
        t->G_level[k] = G_least + (G_most - G_least) * (double)k / (double)(d->n_levels - 1);
    }
    double step = (G_most - G_least) / (double)(d->n_levels - 1) * V_read / ((1 << d->dac_bits) - 1);
    t->I_full_scale = step * xbtab__whole_range((double)d->rows * G_most * V_read / step);
    xbtab_cell_data *c = &t->cell;
    c->n_states = N_STATES;
    c->n_bit = 1;
    c->n_v = N_V;
    c->G_state = calloc(N_STATES, sizeof(double));
    c->V_bit = calloc(1, sizeof(double));
    c->V = calloc(N_V, sizeof(double));
    c->I_cell = calloc(N_STATES * N_V, sizeof(double));
    for (int v = 0; v < N_V; v++) c->V[v] = V_read * (-0.5 + 1.75 * v / (N_V - 1));
    for (int s = 0; s < N_STATES; s++) {
        c->G_state[s] = G_least * pow(G_most / G_least, (double)s / (N_STATES - 1));
        for (int v = 0; v < N_V; v++) {
            c->I_cell[s * N_V + v] = c->G_state[s] * V_read * sinh(c->V[v] / d->V0) / sinh(V_read / d->V0);
        }
    }
    t->tia.n = N_TIA;
    t->tia.I_in = calloc(N_TIA, sizeof(double));
    t->tia.V_in = calloc(N_TIA, sizeof(double));
    t->tia.V_out = calloc(N_TIA, sizeof(double));
    for (int k = 0; k < N_TIA; k++) {
        t->tia.I_in[k] = t->I_full_scale * (-0.1 + 1.5 * k / (N_TIA - 1));
        t->tia.V_in[k] = 0.3 * t->tia.I_in[k];
        t->tia.V_out[k] = -0.6 * t->tia.I_in[k] / t->I_full_scale;
    }
    t->transfer.n_terms = N_TERMS;
    t->transfer.power = malloc(sizeof powers);
    memcpy(t->transfer.power, powers, sizeof powers);
    t->transfer.coefficient = calloc(N_TERMS, sizeof(double));
    t->transfer.coefficient[0] = 1.004;
    t->transfer.coefficient[1] = -0.013;
    t->transfer.coefficient[2] = -0.006;
    t->transfer.error.full_scale = t->I_full_scale;
    return t;
}

#endif
