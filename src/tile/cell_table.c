/* cell_table.c - the cell's current as a smooth function. */
#include "cell_table.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_spline.h>

#include "memory.h"
#include "vector.h"

/* Coefficients in powers of x of the Lagrange polynomials of n nodes: basis[k][m], the x^m of the one that is
 * 1 at node k. */
static void lagrange(const double *node, int n, double basis[XBTAB__CELL_POWERS][XBTAB__CELL_POWERS])
{
    for (int k = 0; k < n; k++) {
        double *p = basis[k];
        memset(p, 0, XBTAB__CELL_POWERS * sizeof *p);
        p[0] = 1.0;
        int degree = 0;
        for (int q = 0; q < n; q++) {
            if (q == k) continue;
            double scale = 1.0 / (node[k] - node[q]);
            degree++;
            for (int m = degree; m >= 0; m--) p[m] = ((m > 0 ? p[m - 1] : 0.0) - node[q] * p[m]) * scale;
        }
    }
}

/* Cubic pieces of the spline through y at the table's voltages. GSL's natural spline is wrong only next to
 * the ends, where the table has its margin. */
static void put_spline(gsl_spline *spline, gsl_interp_accel *cache, const double *x, const double *y, int n,
                       double *coefficient, int stride)
{
    gsl_spline_init(spline, x, y, (size_t)n);
    gsl_interp_accel_reset(cache);
    for (int k = 0; k + 1 < n; k++) {
        double h = x[k + 1] - x[k];
        double m0 = gsl_spline_eval_deriv2(spline, x[k], cache),
               m1 = gsl_spline_eval_deriv2(spline, x[k + 1], cache);
        double *c = coefficient + (size_t)k * (size_t)stride;
        c[0] = y[k];
        c[1] = (y[k + 1] - y[k]) / h - h * (2.0 * m0 + m1) / 6.0;
        c[2] = m0 / 2.0;
        c[3] = (m1 - m0) / (6.0 * h);
    }
}

xbtab_status xbtab__cell_table_init(xbtab__cell_table *table, const xbtab_cell_data *data)
{
    xbtab_status status = XBTAB_OK;
    double basis[XBTAB__CELL_POWERS][XBTAB__CELL_POWERS];
    int n_v = (int)data->n_v, n_bit = (int)data->n_bit;
    *table = (xbtab__cell_table){.n_states = (int)data->n_states,
                                 .n_intervals = n_v - 1,
                                 .n_powers = n_bit,
                                 .n_gates = data->n_gates > 1 ? (int)data->n_gates : 1,
                                 .V_min = data->V[0],
                                 .V_max = data->V[n_v - 1],
                                 .V_bit_min = n_bit > 1 ? data->V_bit[0] : -INFINITY,
                                 .V_bit_max = n_bit > 1 ? data->V_bit[n_bit - 1] : INFINITY,
                                 .dV = (data->V[n_v - 1] - data->V[0]) / (n_v - 1)};
    if (n_bit > XBTAB__CELL_POWERS) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "/cell has %d bit-line voltages; at most %d are supported", n_bit,
                   XBTAB__CELL_POWERS);
    }
    size_t stride = (size_t)n_bit * 4, n_functions = (size_t)table->n_gates * data->n_states;
    gsl_spline *spline = gsl_spline_alloc(gsl_interp_cspline, (size_t)n_v);
    gsl_interp_accel *cache = gsl_interp_accel_alloc();
    double *y = xbtab__alloc((size_t)n_v, sizeof *y);
    table->G_state = xbtab__alloc(data->n_states, sizeof *table->G_state);
    table->coefficient =
        xbtab__alloc(n_functions * (size_t)table->n_intervals * stride, sizeof *table->coefficient);
    if (!spline || !cache || !y || !table->G_state || !table->coefficient) {
        status = XBTAB_NOMEM();
        goto done;
    }
    table->per_dV = 1.0 / table->dV;
    memcpy(table->G_state, data->G_state, data->n_states * sizeof *table->G_state);
    lagrange(data->V_bit, n_bit, basis);
    for (size_t s = 0; s < n_functions; s++) {
        const double *I = data->I_cell + s * (size_t)n_bit * (size_t)n_v;
        for (int m = 0; m < n_bit; m++) {
            for (int v = 0; v < n_v; v++) {
                y[v] = 0.0;
                for (int b = 0; b < n_bit; b++) y[v] += basis[b][m] * I[(size_t)b * (size_t)n_v + (size_t)v];
            }
            double *c = table->coefficient + s * (size_t)table->n_intervals * stride + 4 * (size_t)m;
            put_spline(spline, cache, data->V, y, n_v, c, (int)stride);
        }
    }
done:
    gsl_spline_free(spline);
    gsl_interp_accel_free(cache);
    xbtab__free(y);
    if (status < 0) xbtab__cell_table_clear(table);
    return status;
}

void xbtab__cell_table_clear(xbtab__cell_table *table)
{
    xbtab__free(table->G_state);
    xbtab__free(table->coefficient);
    *table = (xbtab__cell_table){.n_states = 0};
}

xbtab__cell xbtab__cell_of(const xbtab__cell_table *table, double G)
{
    xbtab__cell cell = {.state = 0};
    double share = 0.0;
    if (!(G > 0.0)) return (xbtab__cell){.state = -1};
    while (cell.state + 1 < table->n_states && table->G_state[cell.state + 1] <= G) cell.state++;
    if (cell.state + 1 < table->n_states && G > table->G_state[cell.state]) {
        double low = table->G_state[cell.state], high = table->G_state[cell.state + 1];
        share = log(G / low) / log(high / low);
        cell.factor_next = share * G / high;
    }
    cell.factor = (1.0 - share) * G / table->G_state[cell.state];
    return cell;
}

typedef double four __attribute__((vector_size(32)));

/* For one state the four coefficients of the cubic in V at a bit-line voltage, by Horner's rule in V_bit side
 * by side, then the cubic and its slope. */
static inline void state_current(const xbtab__cell_table *table, int state, double V, double V_bit, double *I,
                                 double *dI_dV)
{
    double x = V > table->V_min ? V : table->V_min; /* NAN too */
    x = x < table->V_max ? x : table->V_max;
    int k = (int)((x - table->V_min) * table->per_dV);
    if (k >= table->n_intervals) k = table->n_intervals - 1;
    double u = x - (table->V_min + k * table->dV);
    const double *c = table->coefficient +
                      ((size_t)state * (size_t)table->n_intervals + (size_t)k) * (size_t)table->n_powers * 4;
    const double *last = c + 4 * (table->n_powers - 1);
    four p = {last[0], last[1], last[2], last[3]};
    for (const double *m = last - 4; m >= c; m -= 4) {
        four next = {m[0], m[1], m[2], m[3]}, bit = {V_bit, V_bit, V_bit, V_bit};
        p = p * bit + next;
    }
    double slope = (3.0 * p[3] * u + 2.0 * p[2]) * u + p[1];
    *I = ((p[3] * u + p[2]) * u + p[1]) * u + p[0] + slope * (V - x);
    *dI_dV = slope;
}

/* first: number of the gate voltage's first function. */
static inline void current(const xbtab__cell_table *table, int first, const xbtab__cell *cell, double V,
                           double V_bit, double *I, double *dI_dV)
{
    if (cell->state < 0) {
        *I = *dI_dV = 0.0;
        return;
    }
    double value, slope;
    state_current(table, first + cell->state, V, V_bit, &value, &slope);
    *I = cell->factor * value;
    *dI_dV = cell->factor * slope;
    if (cell->factor_next == 0.0) return;
    state_current(table, first + cell->state + 1, V, V_bit, &value, &slope);
    *I += cell->factor_next * value;
    *dI_dV += cell->factor_next * slope;
}

void xbtab__cell_current(const xbtab__cell_table *table, int gate, const xbtab__cell *cell, double V,
                         double V_bit, double *I, double *dI_dV)
{
    current(table, gate * table->n_states, cell, V, V_bit, I, dI_dV);
}

XBTAB__VECTOR
long xbtab__cell_currents(const xbtab__cell_table *table, int gate, const xbtab__cell *cell, size_t n,
                          const double *V_word, const double *V_bit, double *I, double *dI_dV)
{
    long outside = 0;
    for (size_t c = 0; c < n; c++) {
        double V = V_word[c] - V_bit[c];
        current(table, gate * table->n_states, &cell[c], V, V_bit[c], &I[c], &dI_dV[c]);
        outside += xbtab__cell_is_outside(table, V, V_bit[c]);
    }
    return outside;
}
