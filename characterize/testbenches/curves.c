/* curves.c - the I-V family of the cell and the static curves of the TIA, on the tables' grids and between
 * them. */
#include <math.h>
#include <stdbool.h>

#include "compose.h"
#include "memory.h"
#include "testbench.h"

/* How far a sensed line can rise, as a share of v_read: all cells of a column at their largest conductance,
 * all driven, nothing lost on the driven lines; where signs alternate, those of one sign. It cannot rise
 * above the drive. */
static double largest_rise(const xbtab_spec *spec)
{
    int cells = xbtab_array_is_signed(&spec->array) ? (spec->rows + 1) / 2 : spec->rows;
    double r = xbtab_array_has_gates(&spec->array) ? spec->r_source_line : spec->r_bit;
    double G = cells * spec->G_level[spec->n_levels - 1];
    return fmin(1.0, G * (0.5 * r * (spec->rows + 1) + spec->r_sink));
}

/* A cell's voltages: a driven cell sees up to v_read; one on an idle word line sees the bit line's rise,
 * negative; both with room to spare. Where signs alternate it is all the same downwards. */
double xbtab__cell_voltage(const xbtab_spec *spec, double k)
{
    double low = fmax(-1.0, fmin(-0.5, -1.2 * largest_rise(spec))), high = 1.25;
    if (xbtab_array_is_signed(&spec->array)) low = -high;
    return spec->v_read * (low + (high - low) * k / (spec->sampling.voltages - 1));
}

int xbtab__bit_zero(const xbtab_spec *spec)
{
    return xbtab_array_is_signed(&spec->array) ? (XBTAB__BIT_VOLTAGES - 1) / 2 : 2;
}

/* A narrow range where it suffices: a polynomial through the points follows a transistor's bend less well
 * over a wide one. */
double xbtab__bit_voltage(const xbtab_spec *spec, double k)
{
    int zero = xbtab__bit_zero(spec), up = XBTAB__BIT_VOLTAGES - 1 - zero;
    double step = fmax(0.1, fmin(1.0, 1.2 * largest_rise(spec)) / up);
    return spec->v_read * step * (k - zero);
}

int xbtab__gates(const xbtab_spec *spec)
{
    return xbtab_array_has_gates(&spec->array) ? 1 << spec->dac_bits : 1;
}

/* Shares of full scale, past either end of the ADC's range. */
double xbtab__tia_current(const xbtab_spec *spec, double k)
{
    bool is_signed = xbtab_array_is_signed(&spec->array);
    double low = is_signed ? -0.7 : -0.1, high = is_signed ? 0.7 : 1.4;
    return spec->I_full_scale * (low + (high - low) * k / (XBTAB__TIA_POINTS - 1));
}

/* Held-out points lie halfway between the grid's, in V and in V_bit, and the conductance halfway between
 * states. */
static const int heldout_step = 4; /* every 4th interval of the voltage grid */

int xbtab__heldout_cell_points(const xbtab__plan *plan)
{
    int n_v = (plan->spec->sampling.voltages - 2) / heldout_step;
    return (plan->n_states - 1) * n_v;
}

void xbtab__heldout_cell_point(const xbtab__plan *plan, int s, double *parameter, double *V_bit, double *V)
{
    int n_v = (plan->spec->sampling.voltages - 2) / heldout_step;
    int state = s / n_v, v = s % n_v;
    *parameter = 0.5 * (plan->parameter[state] + plan->parameter[state + 1]);
    *V = xbtab__cell_voltage(plan->spec, heldout_step * v + 0.5);
    *V_bit = xbtab__bit_voltage(plan->spec, v % (XBTAB__BIT_VOLTAGES - 1) + 0.5);
}

int xbtab__heldout_gate(const xbtab__plan *plan, int s)
{
    int n_v = (plan->spec->sampling.voltages - 2) / heldout_step, gates = xbtab__gates(plan->spec);
    return gates > 1 ? 1 + s % n_v % (gates - 1) : 0; /* one that is on */
}

/* A point's sources: the cell's two ends, and its gate where that is an input. */
static double *put_point(double *values, const xbtab_spec *spec, double V, double V_bit, int gate)
{
    *values++ = V_bit + V;
    *values++ = V_bit;
    if (xbtab__cell_bench_sources(spec) > 2) *values++ = spec->V_gate[gate];
    return values;
}

/* I[n_gates][n_states][n_bit][n_v] */
xbtab_status xbtab__sweep_cell(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    const xbtab_spec *spec = plan->spec;
    int n_v = spec->sampling.voltages, n = plan->n_states, n_sources = xbtab__cell_bench_sources(spec);
    int n_curve = XBTAB__BIT_VOLTAGES * n_v, n_vectors = xbtab__gates(spec) * n_curve;
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    double *values = xbtab__alloc((size_t)n_vectors * (size_t)n_sources, sizeof *values), *next = values;
    double *I = xbtab__alloc((size_t)n_vectors * (size_t)n, sizeof *I);
    out->n = (size_t)n_vectors * (size_t)n;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!values || !I || !out->x) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < n_vectors; k++) {
        next = put_point(next, spec, xbtab__cell_voltage(spec, k % n_v),
                         xbtab__bit_voltage(spec, k % n_curve / n_v), k / n_curve);
    }
    xbtab__compose_cell_bench(&text, spec, plan->parameter, n);
    for (int k = 0; k < n; k++) xbtab__text_add(&outputs, "i(vm%d)\n", k);
    XBTAB_TRY_DONE(xbtab__solve_text_all(spice, &text, n_vectors, n_sources, values, n, &outputs, I));
    for (int v = 0; v < n_vectors; v++) {
        for (int k = 0; k < n; k++) {
            size_t curve = (size_t)(v / n_curve) * (size_t)n + (size_t)k;
            out->x[curve * (size_t)n_curve + (size_t)(v % n_curve)] = I[(size_t)v * (size_t)n + (size_t)k];
        }
    }
done:
    xbtab__free(values);
    xbtab__free(I);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

/* For each held-out point: the state's conductance at v_read, and the current at the point. */
xbtab_status xbtab__sweep_cell_heldout(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    const xbtab_spec *spec = plan->spec;
    int n_points = xbtab__heldout_cell_points(plan), n = plan->n_states - 1, n_v = n ? n_points / n : 0;
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    double *parameter = xbtab__alloc((size_t)n, sizeof *parameter);
    int n_sources = xbtab__cell_bench_sources(spec);
    double *values = xbtab__alloc(((size_t)n_v + 1) * (size_t)n_sources, sizeof *values), *next = values;
    double *I = xbtab__alloc(((size_t)n_v + 1) * (size_t)n, sizeof *I);
    out->n = 2 * (size_t)n_points;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!parameter || !values || !I || !out->x) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < n; k++) {
        double V_bit, V;
        xbtab__heldout_cell_point(plan, k * n_v, &parameter[k], &V_bit, &V);
    }
    /* vector 0: the states' own conductances */
    next = put_point(next, spec, spec->v_read, 0.0, xbtab__gates(spec) - 1);
    for (int v = 0; v < n_v; v++) {
        double unused, V, V_bit;
        xbtab__heldout_cell_point(plan, v, &unused, &V_bit, &V);
        next = put_point(next, spec, V, V_bit, xbtab__heldout_gate(plan, v));
    }
    xbtab__compose_cell_bench(&text, spec, parameter, n);
    for (int k = 0; k < n; k++) xbtab__text_add(&outputs, "i(vm%d)\n", k);
    XBTAB_TRY_DONE(xbtab__solve_text_all(spice, &text, n_v + 1, n_sources, values, n, &outputs, I));
    for (int s = 0; s < n_points; s++) {
        int k = s / n_v, v = s % n_v;
        out->x[2 * s] = I[k] / spec->v_read;
        out->x[2 * s + 1] = I[(size_t)(v + 1) * (size_t)n + (size_t)k];
    }
done:
    xbtab__free(parameter);
    xbtab__free(values);
    xbtab__free(I);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

/* V_in and V_out at the grid's points, then at the points between them. */
xbtab_status xbtab__sweep_tia(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    enum { ALL_POINTS = 2 * XBTAB__TIA_POINTS - 1 };
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    double *values = xbtab__alloc(ALL_POINTS, sizeof *values);
    double *V = xbtab__alloc(2 * ALL_POINTS, sizeof *V);
    out->n = 2 * ALL_POINTS;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!values || !V || !out->x) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < ALL_POINTS; k++) values[k] = xbtab__tia_current(plan->spec, 0.5 * k);
    xbtab__compose_tia_bench(&text, plan->spec);
    xbtab__text_add(&outputs, "v(t0)\nv(o0)\n");
    XBTAB_TRY_DONE(xbtab__solve_text_all(spice, &text, ALL_POINTS, 1, values, 2, &outputs, V));
    for (int k = 0; k < ALL_POINTS; k++) {
        int place = k % 2 == 0 ? k / 2 : XBTAB__TIA_POINTS + k / 2;
        out->x[2 * place] = V[2 * k];
        out->x[2 * place + 1] = V[2 * k + 1];
    }
done:
    xbtab__free(values);
    xbtab__free(V);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}
