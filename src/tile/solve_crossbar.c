/* solve_crossbar.c - one crossbar for many input vectors, with everything that a user may want to see of it.
 */
#include <xbartab/solve.h>

#include <math.h>

#include "clock.h"
#include "circuit.h"
#include "memory.h"
#include "solution.h"
#include "technology.h"

static xbtab_status check_wires(const xbtab_crossbar *c)
{
    const struct {
        const char *name;
        double r;
    } wires[] = {{"word-line segment", c->r_word},
                 {"bit-line segment", c->r_bit},
                 {"source", c->r_source},
                 {"sink", c->r_sink},
                 {"source-line segment", c->r_source_line}};
    for (size_t k = 0; k < sizeof wires / sizeof wires[0]; k++) {
        if (xbtab_solve_takes_ohm(wires[k].r)) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a %s of %g ohm; 0, or %g to %g ohm is allowed", wires[k].name,
                   wires[k].r, XBTAB_SOLVE_LEAST_OHM, XBTAB_SOLVE_MOST_OHM);
    }
    return XBTAB_OK;
}

static bool is_voltage(double V)
{
    return fabs(V) <= XBTAB_SOLVE_MOST_VOLT;
}

xbtab_status xbtab__crossbar_check(const xbtab_crossbar *c, const double *V, size_t n)
{
    if (c->rows < 1 || c->columns < 1 || n < 1) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a crossbar of %zu x %zu cells and %zu input vectors", c->rows,
                   c->columns, n);
    }
    XBTAB_TRY(check_wires(c));
    if (c->array.topology == XBTAB_TOPOLOGY_GATE_INPUT) {
        if (!is_voltage(c->v_read))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "a read voltage of %g V; %g V of either sign is the most", c->v_read,
                       XBTAB_SOLVE_MOST_VOLT);
        if (c->array.polarity == XBTAB_POLARITY_ALTERNATING && c->rows % 2) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%zu word lines: the cells of a source line stand in pairs, so their number is even",
                       c->rows);
        }
    }
    for (size_t k = 0; k < c->rows * c->columns; k++) {
        if (!xbtab_solve_takes_siemens(c->G[k])) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "device (%zu, %zu): a conductance of %g S; 0 (open), or %g to %g S is allowed",
                       k / c->columns, k % c->columns, c->G[k], XBTAB_SOLVE_LEAST_SIEMENS,
                       XBTAB_SOLVE_MOST_SIEMENS);
        }
    }
    for (size_t k = 0; k < c->rows * n; k++) {
        if (!is_voltage(V[k]))
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "word line %zu, vector %zu: a voltage of %g V; %g V of either sign is the most", k / n,
                       k % n, V[k], XBTAB_SOLVE_MOST_VOLT);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__solution_init(xbtab_solution *s, const xbtab_crossbar *c, size_t n)
{
    size_t cells = n * c->rows * c->columns;
    *s = (xbtab_solution){.i_out = xbtab__alloc(n * c->columns, sizeof(double)),
                          .i_device = xbtab__alloc(cells, sizeof(double)),
                          .v_word = xbtab__alloc(cells, sizeof(double)),
                          .v_bit = xbtab__alloc(cells, sizeof(double))};
    if (!s->i_out || !s->i_device || !s->v_word || !s->v_bit) {
        xbtab_solution_clear(s);
        return XBTAB_NOMEM();
    }
    return XBTAB_OK;
}

void xbtab_solution_clear(xbtab_solution *s)
{
    xbtab__free(s->i_out);
    xbtab__free(s->i_device);
    xbtab__free(s->v_word);
    xbtab__free(s->v_bit);
    *s = (xbtab_solution){0};
}

static void keep(xbtab_solution *s, const xbtab_crossbar *c, const xbtab__solver *solver, size_t vector)
{
    for (size_t i = 0; i < c->rows; i++) {
        for (size_t j = 0; j < c->columns; j++) {
            size_t at = (vector * c->rows + i) * c->columns + j;
            s->v_word[at] = xbtab__solver_word_voltage(solver, (int)i, (int)j);
            s->v_bit[at] = xbtab__solver_bit_voltage(solver, (int)i, (int)j);
            s->i_device[at] = xbtab__solver_current(solver, (int)i, (int)j);
        }
    }
}

/* With gate inputs the driven lines are at the read voltage, and a word line's voltage becomes the number of
 * its gate voltage. */
static xbtab_status take_inputs(const xbtab_crossbar *c, const double *V, size_t n, size_t vector,
                                double *input, uint8_t *gate)
{
    if (c->array.topology == XBTAB_TOPOLOGY_WORD_LINE_INPUT) {
        for (size_t i = 0; i < c->rows; i++) input[i] = V[i * n + vector];
        return XBTAB_OK;
    }
    for (size_t j = 0; j < c->columns; j++) input[j] = c->v_read;
    for (size_t j = c->columns; j < 2 * c->columns; j++) input[j] = -c->v_read;
    const xbtab_cell_data *cell = c->technology ? &xbtab_technology_tables(c->technology)->cell : NULL;
    for (size_t i = 0; i < c->rows; i++) {
        double V_gate = V[i * n + vector];
        size_t k = V_gate > 0;
        if (cell) {
            for (k = 0; k < cell->n_gates && fabs(cell->V_gate[k] - V_gate) > 1e-9;) k++;
            if (k == cell->n_gates) {
                XBTAB_FAIL(XBTAB_ERR_INPUT,
                           "word line %zu: a gate at %g V; the tables have %zu gate voltages, %g V to %g V",
                           i, V_gate, k, k ? cell->V_gate[0] : NAN, k ? cell->V_gate[k - 1] : NAN);
            }
        }
        gate[i] = (uint8_t)k;
    }
    return XBTAB_OK;
}

/* Each line's sum of currents to a millionth of the largest, or a solution is none. */
static xbtab_status check_balance(const xbtab__solver *solver, const double *input)
{
    const double least_current = 1e-18; /* of the iteration itself [A] */
    double most, imbalance = xbtab__solver_imbalance(solver, input, &most);
    if (imbalance <= fmax(1e-6 * most, least_current)) return XBTAB_OK;
    XBTAB_FAIL(
        XBTAB_ERR_SOLVE,
        "double precision does not hold this circuit: the currents of a line are %g A off, of %g A at the "
        "most; let resistances differ less",
        imbalance, most);
}

xbtab_status xbtab_crossbar_solve(xbtab_solution *out, const xbtab_crossbar *crossbar, const double *V,
                                  size_t n)
{
    xbtab_status status;
    xbtab_solution s = {0};
    xbtab__solver *solver = NULL;
    xbtab__cell *cell = NULL;
    double *input = NULL;
    uint8_t *gate = NULL;
    size_t cells = crossbar->rows * crossbar->columns;
    XBTAB_TRY(xbtab__crossbar_check(crossbar, V, n));
    const xbtab_technology *t = crossbar->technology;
    xbtab__wires wires = {.rows = (int)crossbar->rows, .columns = (int)crossbar->columns};
    if (t) wires = xbtab__technology_wires(t, crossbar->rows, crossbar->columns, true);
    wires.array = crossbar->array;
    wires.r_source_line = crossbar->r_source_line;
    wires.r_word = crossbar->r_word;
    wires.r_bit = crossbar->r_bit;
    wires.r_driver = crossbar->r_source;
    wires.r_foot = crossbar->r_sink + (t ? t->r_in : 0.0);
    XBTAB_TRY(xbtab__solution_init(&s, crossbar, n));
    XBTAB_TRY_DONE(xbtab__solver_create(&solver, &wires));
    cell = xbtab__alloc(cells, sizeof *cell);
    input = xbtab__alloc(crossbar->rows + 2 * crossbar->columns, sizeof *input);
    gate = xbtab__alloc(crossbar->rows, 1);
    if (!cell || !input || !gate) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t k = 0; k < cells && t; k++) cell[k] = xbtab__cell_of(&t->cell, crossbar->G[k]);
    xbtab__cells devices = {.G = t ? NULL : crossbar->G,
                            .table = t ? &t->cell : NULL,
                            .cell = cell,
                            .gate = crossbar->array.topology == XBTAB_TOPOLOGY_GATE_INPUT ? gate : NULL};
    double began = xbtab__seconds();
    for (size_t v = 0; v < n; v++) {
        xbtab__solve_report report;
        status = take_inputs(crossbar, V, n, v, input, gate);
        if (status == XBTAB_OK)
            status = xbtab__solver_run(solver, &devices, input, s.i_out + v * crossbar->columns, &report);
        if (status == XBTAB_OK) status = check_balance(solver, input);
        if (status == XBTAB_OK && report.outside) {
            status = xbtab__error_set(XBTAB_ERR_SOLVE,
                                      "%ld cells see voltages outside the cell table's %g V to %g V",
                                      report.outside, t->cell.V_min, t->cell.V_max);
        }
        if (status < 0) {
            status = xbtab__error_prefix(status, "vector %zu", v);
            goto done;
        }
        keep(&s, crossbar, solver, v);
        if (s.iterations < report.newton_steps) s.iterations = report.newton_steps;
        s.residual = fmax(s.residual, report.residual);
    }
    s.seconds = xbtab__seconds() - began;
    *out = s;
    s = (xbtab_solution){0};
done:
    xbtab__solver_destroy(&solver);
    xbtab__free(cell);
    xbtab__free(input);
    xbtab__free(gate);
    xbtab_solution_clear(&s);
    return status;
}
