/* explain_derive.c - tables with wires, nonlinearity or TIA switched off, and T fitted anew to what is left.
 */

#include <xbartab/explain.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <omp.h>
#include <xbartab/tile.h>

#include "cell_table.h"
#include "exact.h"
#include "fit_transfer.h"
#include "memory.h"

/* What is not changed is the given tables'; what is changed is owned. */
struct xbtab_derived {
    xbtab_tables tables;
    double *V_bit, *I_cell, *V_in, *V_out_tia; /* of the cell and the TIA */
    double *I_out, *P;                         /* of the samples */
    int32_t *status, *power;
    double *coefficient, *a_drive, *rmse_drive;
};

static void remove_wires(xbtab_tables *t)
{
    t->r_word = t->r_bit = t->r_source_line = t->r_driver = t->r_sink = 0.0;
}

/* Conductance of a state at v_read and a gate voltage; without gate inputs, the state's own. */
static double conductance_of(const xbtab_tables *t, const xbtab__cell_table *table, size_t gate, size_t state)
{
    const xbtab__cell cell = {.state = (int)state, .factor = 1.0};
    double I, dI_dV;
    if (t->cell.n_gates == 0) return t->cell.G_state[state];
    xbtab__cell_current(table, (int)gate, &cell, t->v_read, 0.0, &I, &dI_dV);
    return I / t->v_read;
}

static xbtab_status remove_nonlinearity(xbtab_derived *d)
{
    xbtab_cell_data *c = &d->tables.cell;
    xbtab__cell_table table;
    const size_t n_gates = c->n_gates ? c->n_gates : 1;
    d->V_bit = xbtab__alloc(1, sizeof *d->V_bit);
    d->I_cell = xbtab__alloc(n_gates * c->n_states * c->n_v, sizeof *d->I_cell);
    if (!d->V_bit || !d->I_cell) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__cell_table_init(&table, c));
    for (size_t k = 0; k < n_gates * c->n_states; k++) {
        const double G = conductance_of(&d->tables, &table, k / c->n_states, k % c->n_states);
        for (size_t v = 0; v < c->n_v; v++) d->I_cell[k * c->n_v + v] = G * c->V[v];
    }
    xbtab__cell_table_clear(&table);
    c->n_bit = 1;
    c->V_bit = d->V_bit;
    c->I_cell = d->I_cell;
    return XBTAB_OK;
}

/* Of the largest current at v_read, or of the ADC's range: as close as currents of ngspice are to a line. */
#define IDLE 1e-5

/* All states' currents are their conductances'. */
static bool is_linear(const xbtab_tables *t)
{
    const xbtab_cell_data *c = &t->cell;
    const size_t n_lines = (c->n_gates ? c->n_gates : 1) * c->n_states;
    xbtab__cell_table table;
    double most = 0, off = 0;
    if (xbtab__cell_table_init(&table, c) < 0) return false;
    for (size_t k = 0; k < n_lines; k++) {
        const double G = conductance_of(t, &table, k / c->n_states, k % c->n_states);
        most = fmax(most, fabs(G) * t->v_read);
        for (size_t v = 0; v < c->n_bit * c->n_v; v++)
            off = fmax(off, fabs(c->I_cell[k * c->n_bit * c->n_v + v] - G * c->V[v % c->n_v]));
    }
    xbtab__cell_table_clear(&table);
    return off <= IDLE * most;
}

/* Its input stays at 0 V, and its output is a straight line over the ADC's range. */
static bool is_ideal_tia(const xbtab_tables *tables)
{
    const xbtab_tia_data *t = &tables->tia;
    const double I_most = tables->I_full_scale;
    xbtab_technology *technology = NULL;
    double V_low, V_high, least = INFINITY, most = -INFINITY, V_in = 0;
    if (xbtab_technology_create(&technology, tables) < 0) return false;
    xbtab_technology_adc_references(technology, &V_low, &V_high);
    xbtab_technology_destroy(&technology);
    for (size_t k = 0; k < t->n; k++) {
        if (fabs(t->I_in[k]) > I_most * (1 + 1e-9)) continue;
        const double d = t->V_out[k] - (V_high - V_low) * t->I_in[k] / I_most;
        least = fmin(least, d);
        most = fmax(most, d);
        V_in = fmax(V_in, fabs(t->V_in[k]));
    }
    return V_in <= IDLE * tables->v_read && most - least <= IDLE * fabs(V_high - V_low);
}

unsigned xbtab_tables_idle_effects(const xbtab_tables *tables)
{
    return (is_linear(tables) ? XBTAB_EFFECT_BIT(XBTAB_EFFECT_NONLINEARITY) : 0u) |
           (is_ideal_tia(tables) ? XBTAB_EFFECT_BIT(XBTAB_EFFECT_TIA) : 0u);
}

static xbtab_status remove_tia(xbtab_derived *d)
{
    xbtab_tia_data *t = &d->tables.tia;
    xbtab_technology *technology = NULL;
    double V_low, V_high;
    XBTAB_TRY(xbtab_technology_create(&technology, &d->tables));
    xbtab_technology_adc_references(technology, &V_low, &V_high);
    xbtab_technology_destroy(&technology);
    d->V_in = xbtab__alloc(t->n, sizeof *d->V_in); /* zeros */
    d->V_out_tia = xbtab__alloc(t->n, sizeof *d->V_out_tia);
    if (!d->V_in || !d->V_out_tia) return XBTAB_NOMEM();
    for (size_t k = 0; k < t->n; k++) {
        d->V_out_tia[k] = V_low + (V_high - V_low) * t->I_in[k] / d->tables.I_full_scale;
    }
    t->V_in = d->V_in;
    t->V_out = d->V_out_tia;
    return XBTAB_OK;
}

/* ---- the sample tiles again ---- */

static xbtab_status solve_tile(xbtab_derived *d, const xbtab_technology *technology, size_t tile)
{
    const xbtab_tables *t = &d->tables;
    size_t cells = t->rows * t->columns, n_vectors = t->samples.n_vectors;
    xbtab__exact *circuit = NULL;
    double *G = xbtab__alloc(cells, sizeof *G);
    xbtab_status status = G ? xbtab__exact_create(&circuit, technology, t->rows, t->columns) : XBTAB_NOMEM();
    if (status < 0) goto done;
    xbtab__sample_conductances(t, tile, G);
    xbtab__exact_program(circuit, G);
    for (size_t at = tile * n_vectors; at < (tile + 1) * n_vectors; at++) {
        XBTAB_TRY_DONE(
            xbtab__exact_solve(circuit, t->samples.code + at * t->rows, d->I_out + at * t->columns));
        d->P[at] = xbtab__exact_power(circuit);
        d->status[at] = XBTAB_SAMPLE_OK;
    }
done:
    xbtab__exact_destroy(&circuit);
    xbtab__free(G);
    return status;
}

static xbtab_status solve_samples(xbtab_derived *d)
{
    xbtab_sample_data *s = &d->tables.samples;
    size_t n = s->n_tiles * s->n_vectors;
    xbtab_technology *technology = NULL;
    xbtab_status failed = XBTAB_OK;
    char message[512] = "";
    d->I_out = xbtab__alloc(n * d->tables.columns, sizeof *d->I_out);
    d->P = xbtab__alloc(n, sizeof *d->P);
    d->status = xbtab__alloc(n, sizeof *d->status);
    if (!d->I_out || !d->P || !d->status) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab_technology_create(&technology, &d->tables));
#pragma omp parallel for schedule(dynamic)
    for (size_t tile = 0; tile < s->n_tiles; tile++) {
        xbtab_status status = solve_tile(d, technology, tile);
        if (status < 0) {
#pragma omp critical
            {
                failed = status;
                snprintf(message, sizeof message, "%s", xbtab_error_message());
            }
        }
    }
    xbtab_technology_destroy(&technology);
    if (failed < 0) return xbtab__error_set(failed, "sample tiles without an effect: %s", message);
    s->by_solver = 1;
    s->I_out = d->I_out;
    s->P = d->P;
    s->status = d->status;
    s->V_out = NULL;
    return XBTAB_OK;
}

/* ---- the transfer correction ---- */

/* No common resistance is left: no input changes another's share. */
static bool is_separable(const xbtab_tables *t)
{
    bool has_wires =
        t->r_word > 0 || t->r_bit > 0 || t->r_source_line > 0 || t->r_driver > 0 || t->r_sink > 0;
    for (size_t k = 0; k < t->tia.n; k++) has_wires = has_wires || t->tia.V_in[k] != 0.0;
    return !has_wires;
}

static xbtab_status set_identity(xbtab_derived *d)
{
    xbtab_transfer_data *f = &d->tables.transfer;
    d->power = xbtab__alloc(3, sizeof *d->power);
    d->coefficient = xbtab__alloc(1, sizeof *d->coefficient);
    if (!d->power || !d->coefficient) return XBTAB_NOMEM();
    d->power[0] = 1;
    d->coefficient[0] = 1.0;
    f->n_terms = 1;
    f->lost[0] = f->lost[1] = 0.0;
    f->power = d->power;
    f->coefficient = d->coefficient;
    f->error.rmse = f->error.max = 0.0;
    f->n_drives = 0;
    return XBTAB_OK;
}

static xbtab_status fit(xbtab_derived *d)
{
    xbtab_transfer_data *f = &d->tables.transfer;
    if (is_separable(&d->tables) || d->tables.samples.n_tiles == 0) return set_identity(d);
    XBTAB_TRY(solve_samples(d));
    *f = (xbtab_transfer_data){0};
    xbtab_status status = xbtab__fit_transfer(&d->tables);
    d->power = f->power;
    d->coefficient = f->coefficient;
    d->a_drive = f->a_drive;
    d->rmse_drive = f->rmse_drive;
    return status;
}

xbtab_status xbtab_derived_create(xbtab_derived **out, const xbtab_tables *tables, unsigned off)
{
    xbtab_status status = XBTAB_OK;
    off &= XBTAB_EFFECT_BIT(XBTAB_EFFECT_WIRES) | XBTAB_EFFECT_BIT(XBTAB_EFFECT_NONLINEARITY) |
           XBTAB_EFFECT_BIT(XBTAB_EFFECT_TIA);
    xbtab_derived *d = xbtab__alloc(1, sizeof *d);
    if (!d) return XBTAB_NOMEM();
    d->tables = *tables;
    if (off & XBTAB_EFFECT_BIT(XBTAB_EFFECT_TIA)) XBTAB_TRY_DONE(remove_tia(d));
    if (off & XBTAB_EFFECT_BIT(XBTAB_EFFECT_WIRES)) remove_wires(&d->tables);
    if (off & XBTAB_EFFECT_BIT(XBTAB_EFFECT_NONLINEARITY)) XBTAB_TRY_DONE(remove_nonlinearity(d));
    if (off) XBTAB_TRY_DONE(fit(d));
    *out = d;
    d = NULL;
done:
    xbtab_derived_destroy(&d);
    return status;
}

void xbtab_derived_destroy(xbtab_derived **derived)
{
    if (!derived || !*derived) return;
    xbtab_derived *d = *derived;
    void *owned[] = {d->V_bit,  d->I_cell, d->V_in,        d->V_out_tia, d->I_out,     d->P,
                     d->status, d->power,  d->coefficient, d->a_drive,   d->rmse_drive};
    for (size_t k = 0; k < sizeof owned / sizeof owned[0]; k++) xbtab__free(owned[k]);
    xbtab__free(d);
    *derived = NULL;
}

const xbtab_tables *xbtab_derived_tables(const xbtab_derived *derived)
{
    return &derived->tables;
}
