/* writer.c - reads what pulses do from the tables, between their points. */
#include <xbartab/write.h>

#include <math.h>
#include <stdio.h>

#include <gsl/gsl_interp.h>

#include "check.h"
#include "memory.h"

enum { AMPLITUDE, WIDTH, GATE, AXES };

static const char *const axis_name[AXES] = {"amplitude", "width", "gate voltage"};
static const char *const axis_unit[AXES] = {"V", "s", "V"};

/* Pulses of one kind. */
typedef struct pulse_grid {
    size_t n[AXES];
    double *value[AXES]; /* value[axis][n[axis]], ascending; a NAN is an axis' only value */
    size_t *index; /* index[n[0]][n[1]][n[2]]: the pulse; NULL where some are missing or there are none */
    size_t n_pulses;
} pulse_grid;

struct xbtab_writer {
    const xbtab_write_data *data;
    double *x;          /* x[n_G]: ln G */
    double *y;          /* y[n][n_G]: ln(G + dG) */
    gsl_interp **after; /* after[n] of y over x */
    pulse_grid grid[2]; /* by kind */
};

/* NAN equals NAN; values that were written and read again are the same. */
static int compare(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(b) - isnan(a);
    if (fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b))) return 0;
    return a < b ? -1 : 1;
}

static double value_of(const xbtab_write_data *data, size_t p, int axis)
{
    return axis == AMPLITUDE ? data->amplitude[p] : axis == WIDTH ? data->width[p] : data->v_gate[p];
}

/* Insert a value where it is new. */
static void collect(double *values, size_t *n, double value)
{
    size_t at = 0;
    while (at < *n && compare(values[at], value) < 0) at++;
    if (at < *n && compare(values[at], value) == 0) return;
    for (size_t k = (*n)++; k > at; k--) values[k] = values[k - 1];
    values[at] = value;
}

static size_t find_value(const double *values, size_t n, double value)
{
    size_t at = 0;
    while (at < n && compare(values[at], value) != 0) at++;
    return at;
}

static xbtab_status make_grid(pulse_grid *grid, const xbtab_write_data *data, int kind)
{
    for (int axis = 0; axis < AXES; axis++) {
        grid->value[axis] = xbtab__alloc(data->n, sizeof(double));
        if (!grid->value[axis]) return XBTAB_NOMEM();
    }
    for (size_t p = 0; p < data->n; p++) {
        if (data->kind[p] != kind) continue;
        grid->n_pulses++;
        for (int axis = 0; axis < AXES; axis++)
            collect(grid->value[axis], &grid->n[axis], value_of(data, p, axis));
    }
    size_t n = grid->n[AMPLITUDE] * grid->n[WIDTH] * grid->n[GATE], n_filled = 0;
    if (n == 0 || n > data->n) return XBTAB_OK;
    grid->index = xbtab__alloc(n, sizeof *grid->index);
    if (!grid->index) return XBTAB_NOMEM();
    for (size_t k = 0; k < n; k++) grid->index[k] = data->n;
    for (size_t p = 0; p < data->n; p++) {
        if (data->kind[p] != kind) continue;
        size_t at = 0;
        for (int axis = 0; axis < AXES; axis++) {
            at = at * grid->n[axis] + find_value(grid->value[axis], grid->n[axis], value_of(data, p, axis));
        }
        n_filled += grid->index[at] == data->n;
        grid->index[at] = p;
    }
    if (n_filled < n) {
        xbtab__free(grid->index);
        grid->index = NULL;
    }
    return XBTAB_OK;
}

void xbtab_writer_destroy(xbtab_writer **writer)
{
    if (!writer || !*writer) return;
    xbtab_writer *w = *writer;
    for (size_t p = 0; w->after && p < w->data->n; p++) {
        if (w->after[p]) gsl_interp_free(w->after[p]);
    }
    for (int kind = 0; kind < 2; kind++) {
        for (int axis = 0; axis < AXES; axis++) xbtab__free(w->grid[kind].value[axis]);
        xbtab__free(w->grid[kind].index);
    }
    xbtab__free(w->after);
    xbtab__free(w->x);
    xbtab__free(w->y);
    xbtab__free(w);
    *writer = NULL;
}

static xbtab_status fill(xbtab_writer *w)
{
    const xbtab_write_data *data = w->data;
    size_t n_G = data->n_G;
    const gsl_interp_type *type = n_G > 2 ? gsl_interp_steffen : gsl_interp_linear;
    w->x = xbtab__alloc(n_G, sizeof *w->x);
    w->y = xbtab__alloc(data->n * n_G, sizeof *w->y);
    w->after = xbtab__alloc(data->n, sizeof *w->after);
    if (!w->x || !w->y || !w->after) return XBTAB_NOMEM();
    for (size_t k = 0; k < n_G; k++) w->x[k] = log(data->G[k]);
    for (size_t p = 0; p < data->n; p++) {
        double *y = w->y + p * n_G;
        for (size_t k = 0; k < n_G; k++) y[k] = log(data->G[k] + data->dG[p * n_G + k]);
        w->after[p] = gsl_interp_alloc(type, n_G);
        if (!w->after[p]) return XBTAB_NOMEM();
        gsl_interp_init(w->after[p], w->x, y, n_G);
    }
    for (int kind = 0; kind < 2; kind++) XBTAB_TRY(make_grid(&w->grid[kind], data, kind));
    return XBTAB_OK;
}

xbtab_status xbtab_writer_create(xbtab_writer **out, const xbtab_write_data *data)
{
    if (data->n == 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "the tables know of no pulses: characterize a specification with \"write\"");
    }
    xbtab_writer *w = xbtab__alloc(1, sizeof *w);
    if (!w) return XBTAB_NOMEM();
    w->data = data;
    xbtab_status status = fill(w);
    if (status < 0) xbtab_writer_destroy(&w);
    if (status == XBTAB_OK) *out = w;
    return status;
}

const xbtab_write_data *xbtab_writer_data(const xbtab_writer *writer)
{
    return writer->data;
}

/* ---- finding a pulse ---- */

static const char *kind_name(xbtab_pulse_kind kind)
{
    return kind == XBTAB_PULSE_SET ? "set" : "reset";
}

static xbtab_status fail_not_there(const pulse_grid *grid, const xbtab_pulse *pulse, int axis, double wanted)
{
    const double *v = grid->value[axis];
    size_t n = grid->n[axis];
    char range[96];
    if (isnan(v[0]) || n == 1) {
        snprintf(range, sizeof range, "%g %s only", v[0], axis_unit[axis]);
    } else {
        snprintf(range, sizeof range, "%g to %g %s", v[0], v[n - 1], axis_unit[axis]);
    }
    XBTAB_FAIL(XBTAB_ERR_INPUT, "a %s pulse with %s %g %s: the tables have %s%s", kind_name(pulse->kind),
               axis_name[axis], wanted, axis_unit[axis], isnan(v[0]) ? "none; leave it open" : range,
               grid->index ? "" : ", and not all combinations");
}

/* Neighbours of a value on an axis and the upper one's weight. */
static xbtab_status find_on_axis(size_t *low, double *share, const pulse_grid *grid, const xbtab_pulse *pulse,
                                 int axis)
{
    double wanted = axis == AMPLITUDE ? pulse->amplitude : axis == WIDTH ? pulse->width : pulse->v_gate;
    const double *v = grid->value[axis];
    size_t n = grid->n[axis];
    *low = 0;
    *share = 0;
    if (n == 1 && isnan(wanted)) return XBTAB_OK;
    size_t exact = find_value(v, n, wanted);
    if (exact < n) {
        *low = exact;
        return XBTAB_OK;
    }
    if (isnan(wanted) || n < 2 || isnan(v[0]) || wanted < v[0] || wanted > v[n - 1])
        return fail_not_there(grid, pulse, axis, wanted);
    while (*low + 2 < n && v[*low + 1] < wanted) ++*low;
    double a = v[*low], b = v[*low + 1];
    *share = axis == WIDTH && a > 0 ? log(wanted / a) / log(b / a) : (wanted - a) / (b - a);
    return XBTAB_OK;
}

/* Pulses that are a list and no grid: only those themselves. */
static xbtab_status find_in_list(xbtab_pulse_place *place, const xbtab_writer *w, const xbtab_pulse *pulse)
{
    const double wanted[AXES] = {pulse->amplitude, pulse->width, pulse->v_gate};
    const pulse_grid *grid = &w->grid[pulse->kind];
    int missed = AMPLITUDE;
    for (size_t p = 0; p < w->data->n; p++) {
        int axis = 0;
        if (w->data->kind[p] != (int)pulse->kind) continue;
        while (axis < AXES && ((grid->n[axis] == 1 && isnan(wanted[axis])) ||
                               compare(wanted[axis], value_of(w->data, p, axis)) == 0)) {
            axis++;
        }
        if (axis == AXES) {
            *place = (xbtab_pulse_place){.n = 1, .index = {p}, .weight = {1.0}};
            return XBTAB_OK;
        }
        if (axis > missed) missed = axis;
    }
    return fail_not_there(grid, pulse, missed, wanted[missed]);
}

xbtab_status xbtab_writer_find(xbtab_pulse_place *place, const xbtab_writer *w, const xbtab_pulse *pulse)
{
    if (pulse->kind != XBTAB_PULSE_SET && pulse->kind != XBTAB_PULSE_RESET)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "pulse kind %d is neither set nor reset", (int)pulse->kind);
    const pulse_grid *grid = &w->grid[pulse->kind];
    if (grid->n_pulses == 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "the tables have no %s pulse", kind_name(pulse->kind));
    if (!grid->index) return find_in_list(place, w, pulse);
    size_t low[AXES];
    double share[AXES];
    for (int axis = 0; axis < AXES; axis++)
        XBTAB_TRY(find_on_axis(&low[axis], &share[axis], grid, pulse, axis));
    place->n = 0;
    for (unsigned corner = 0; corner < XBTAB_PULSE_CORNERS; corner++) {
        double weight = 1.0;
        size_t at = 0;
        for (int axis = 0; axis < AXES; axis++) {
            unsigned up = corner >> axis & 1U;
            weight *= up ? share[axis] : 1.0 - share[axis];
            at = at * grid->n[axis] + low[axis] + (share[axis] > 0 ? up : 0);
        }
        if (!(weight > 0)) continue;
        place->index[place->n] = grid->index[at];
        place->weight[place->n++] = weight;
    }
    return XBTAB_OK;
}

/* ---- reading ---- */

static double straight(const double *y, size_t k, double share)
{
    return (1.0 - share) * y[k] + share * y[k + 1];
}

xbtab_pulse_effect xbtab_writer_effect(const xbtab_writer *w, const xbtab_pulse_place *place, double G)
{
    const xbtab_write_data *d = w->data;
    size_t n_G = d->n_G;
    xbtab_pulse_effect effect = {0};
    double inside = fmin(fmax(G, d->G[0]), d->G[n_G - 1]), after = 0;
    double x = fmin(fmax(log(inside), w->x[0]), w->x[n_G - 1]);
    size_t k = gsl_interp_bsearch(w->x, x, 0, n_G - 1);
    double share = (inside - d->G[k]) / (d->G[k + 1] - d->G[k]);
    for (int c = 0; c < place->n; c++) {
        size_t p = place->index[c];
        after += place->weight[c] * gsl_interp_eval(w->after[p], w->x, w->y + p * n_G, x, NULL);
        effect.sigma += place->weight[c] * straight(d->sigma + p * n_G, k, share);
        effect.energy += place->weight[c] * straight(d->energy + p * n_G, k, share);
    }
    effect.dG = exp(after) - inside;
    return effect;
}

double xbtab_writer_apply(const xbtab_writer *w, const xbtab_pulse_place *place, double G, double normal,
                          double *energy)
{
    const xbtab_write_data *d = w->data;
    xbtab_pulse_effect effect = xbtab_writer_effect(w, place, G);
    double inside = fmin(fmax(G, d->G[0]), d->G[d->n_G - 1]);
    if (energy) *energy += effect.energy;
    return fmin(fmax(inside + effect.dG + normal * effect.sigma, d->G[0]), d->G[d->n_G - 1]);
}

xbtab_status xbtab_writer_train(const xbtab_writer *w, const xbtab_pulse *pulse, size_t n, double G,
                                const double *normal, double *G_after, double *energy)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        xbtab_pulse_place place;
        XBTAB_TRY(xbtab_writer_find(&place, w, &pulse[k]));
        G = G_after[k] = xbtab_writer_apply(w, &place, G, normal ? normal[k] : 0.0, &sum);
    }
    if (energy) *energy = sum;
    return XBTAB_OK;
}
