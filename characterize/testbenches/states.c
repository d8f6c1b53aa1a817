/* states.c - which state of the RRAM gives the whole cell a wanted conductance.
 *
 * All conductances are searched at once: a bench holds one cell a target, and each step solves it for new
 * states. A first sweep over the state's bounds brackets every target; then the Illinois variant of regula
 * falsi on log G, which for a tunnelling gap is close to linear in the state, finishes in a few steps. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "memory.h"
#include "testbench.h"

enum {
    GRID = 65, /* states of the first sweep */
    MOST_STEPS =
        60 /* Illinois gains at least a factor 3 a step or two: 60 steps are far past the tolerance */
};

/* Relative; ngspice's own points are good to about 1e-9. */
static const double tolerance = 1e-8;

/* The search runs on u in [0, 1]. */
static double state_at(const xbtab_model *model, double u)
{
    const xbtab_parameter *p = &model->parameters[model->state];
    double x = model->state_is_log ? p->min * pow(p->max / p->min, u) : p->min + u * (p->max - p->min);
    return fmin(fmax(x, p->min), p->max);
}

/* Conductances of n cells at v_read. */
xbtab_status xbtab__measure_cells(const xbtab_spec *spec, xbtab__spice *spice, const double *parameter, int n,
                                  double *G)
{
    xbtab__text text = {0}, outputs = {0};
    double values[3] = {spec->v_read, 0.0, spec->V_gate[(1 << spec->dac_bits) - 1]};
    xbtab__compose_cell_bench(&text, spec, parameter, n);
    for (int k = 0; k < n; k++) xbtab__text_add(&outputs, "i(vm%d)\n", k);
    xbtab_status status =
        xbtab__solve_text_all(spice, &text, 1, xbtab__cell_bench_sources(spec), values, n, &outputs, G);
    for (int k = 0; k < n && status == XBTAB_OK; k++) G[k] /= spec->v_read;
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

typedef struct bracket {
    double u[2], f[2]; /* ends of the bracket, and log(G/target) there: of opposite sign */
    int last;          /* end that the last step replaced */
} bracket;

static xbtab_status find_bracket(bracket *b, const double *G, double target)
{
    for (int k = 0; k + 1 < GRID; k++) {
        double f0 = log(G[k] / target), f1 = log(G[k + 1] / target);
        if (!(f0 * f1 <= 0)) continue;
        *b =
            (bracket){.u = {(double)k / (GRID - 1), (double)(k + 1) / (GRID - 1)}, .f = {f0, f1}, .last = -1};
        return XBTAB_OK;
    }
    double low = INFINITY, high = 0;
    for (int k = 0; k < GRID; k++) {
        low = fmin(low, G[k]);
        high = fmax(high, G[k]);
    }
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "the cell cannot have a conductance of %g S: over the whole range of its state it reaches "
               "%g S to %g S at the read voltage",
               target, low, high);
}

static double next_u(const bracket *b)
{
    if (b->f[0] == 0) return b->u[0];
    if (b->f[1] == 0) return b->u[1];
    return (b->u[0] * b->f[1] - b->u[1] * b->f[0]) / (b->f[1] - b->f[0]);
}

static void narrow(bracket *b, double u, double f)
{
    int side = (f > 0) == (b->f[0] > 0) ? 0 : 1;
    b->u[side] = u;
    b->f[side] = f;
    if (b->last == side) b->f[1 - side] /= 2; /* Illinois: do not let one end stay for ever */
    b->last = side;
}

xbtab_status xbtab__find_states(const xbtab_spec *spec, xbtab__spice *spice, const double *target, int n,
                                double *parameter, double *G)
{
    xbtab_status status = XBTAB_OK;
    double grid[GRID], G_grid[GRID], worst = INFINITY;
    bracket *b = xbtab__alloc((size_t)n, sizeof *b);
    double *u = xbtab__alloc((size_t)n, sizeof *u);
    if (!b || !u) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; k < GRID; k++) grid[k] = state_at(spec->rram.model, (double)k / (GRID - 1));
    XBTAB_TRY_DONE(xbtab__measure_cells(spec, spice, grid, GRID, G_grid));
    for (int k = 0; k < GRID; k++) {
        if (!(G_grid[k] > 0)) {
            XBTAB_FAIL_DONE(
                XBTAB_ERR_INPUT, "the cell conducts %g S at %g V with %s = %g: it must be above 0", G_grid[k],
                spec->v_read, spec->rram.model->parameters[spec->rram.model->state].name, grid[k]);
        }
    }
    for (int k = 0; k < n; k++) XBTAB_TRY_DONE(find_bracket(&b[k], G_grid, target[k]));
    for (int step = 0; step < MOST_STEPS && worst > tolerance; step++) {
        worst = 0;
        for (int k = 0; k < n; k++) {
            u[k] = next_u(&b[k]);
            parameter[k] = state_at(spec->rram.model, u[k]);
        }
        XBTAB_TRY_DONE(xbtab__measure_cells(spec, spice, parameter, n, G));
        for (int k = 0; k < n; k++) {
            double f = log(G[k] / target[k]);
            if (!(fabs(f) <= worst)) worst = fabs(f);
            if (f != 0) narrow(&b[k], u[k], f);
        }
    }
    if (!(worst <= tolerance)) {
        XBTAB_FAIL_DONE(XBTAB_ERR_SOLVE,
                        "the search for the cell's states stopped %g away (relative) from its target", worst);
    }
done:
    xbtab__free(b);
    xbtab__free(u);
    return status;
}

xbtab_status xbtab__find_range(const xbtab_spec *spec, xbtab__spice *spice, double *range)
{
    double grid[GRID], G[GRID];
    for (int k = 0; k < GRID; k++) grid[k] = state_at(spec->rram.model, (double)k / (GRID - 1));
    XBTAB_TRY(xbtab__measure_cells(spec, spice, grid, GRID, G));
    range[0] = range[1] = G[0];
    for (int k = 1; k < GRID; k++) {
        range[0] = fmin(range[0], G[k]);
        range[1] = fmax(range[1], G[k]);
    }
    return XBTAB_OK;
}
