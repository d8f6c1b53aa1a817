/* lines.c - resistor ladders side by side. */
#include "lines.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "vector.h"

xbtab_status xbtab__lines_init(xbtab__lines *lines, const xbtab__lines_plan *plan)
{
    double r_end = plan->r_wire + plan->r_end;
    *lines = (xbtab__lines){
        .n_lanes = plan->n_lanes, .n_cells = plan->n_cells, .n_steps = 1, .cells_per_step = plan->n_cells};
    if (plan->r_wire > 0) {
        lines->kind = XBTAB__LINES_LADDER;
        lines->cells_per_step = plan->cells_per_step;
        lines->n_steps = plan->n_cells / plan->cells_per_step;
        lines->g_wire = 1.0 / plan->r_wire;
    } else {
        lines->kind = r_end > 0 ? XBTAB__LINES_SINGLE : XBTAB__LINES_FIXED;
    }
    if (r_end > 0 && plan->ends & XBTAB__END_FIRST) lines->g_first = 1.0 / r_end;
    if (r_end > 0 && plan->ends & XBTAB__END_LAST) lines->g_last = 1.0 / r_end;
    lines->diagonal = xbtab__alloc_aligned(xbtab__lines_size(lines), sizeof *lines->diagonal);
    lines->inverse = xbtab__alloc_aligned(xbtab__lines_size(lines), sizeof *lines->inverse);
    if (!lines->diagonal || !lines->inverse) {
        xbtab__lines_clear(lines);
        return XBTAB_NOMEM();
    }
    return XBTAB_OK;
}

void xbtab__lines_clear(xbtab__lines *lines)
{
    xbtab__free(lines->diagonal);
    xbtab__free(lines->inverse);
    lines->diagonal = lines->inverse = NULL;
}

size_t xbtab__lines_size(const xbtab__lines *lines)
{
    return (size_t)lines->n_steps * (size_t)lines->n_lanes;
}

size_t xbtab__lines_last(const xbtab__lines *lines)
{
    return (size_t)(lines->n_steps - 1) * (size_t)lines->n_lanes;
}

/* Diagonal of A at a step. */
static double wires_at(const xbtab__lines *lines, int step)
{
    double g = 0;
    if (step > 0) g += lines->g_wire;
    if (step + 1 < lines->n_steps) g += lines->g_wire;
    if (step == 0) g += lines->g_first;
    if (step == lines->n_steps - 1) g += lines->g_last;
    return g;
}

/* y = diagonal * x - g_wire * (neighbours of x) */
XBTAB__VECTOR
static void apply(const xbtab__lines *lines, const double *diagonal, const double *restrict x,
                  double *restrict y)
{
    size_t n = (size_t)lines->n_lanes;
    double g = lines->g_wire;
    for (int s = 0; s < lines->n_steps; s++) {
        const double *here = x + (size_t)s * n;
        double *out = y + (size_t)s * n;
        double fixed = wires_at(lines, s);
        if (diagonal) {
            const double *d = diagonal + (size_t)s * n;
            for (size_t l = 0; l < n; l++) out[l] = d[l] * here[l];
        } else {
            for (size_t l = 0; l < n; l++) out[l] = fixed * here[l];
        }
        if (s > 0) {
            for (size_t l = 0; l < n; l++) out[l] -= g * (here - n)[l];
        }
        if (s + 1 < lines->n_steps) {
            for (size_t l = 0; l < n; l++) out[l] -= g * (here + n)[l];
        }
    }
}

void xbtab__lines_apply(const xbtab__lines *lines, const double *x, double *y)
{
    apply(lines, NULL, x, y);
}

void xbtab__lines_apply_loaded(const xbtab__lines *lines, const double *x, double *y)
{
    apply(lines, lines->diagonal, x, y);
}

void xbtab__lines_subtract_sources(const xbtab__lines *lines, const double *V, double *y)
{
    double *last = y + xbtab__lines_last(lines);
    for (int l = 0; l < lines->n_lanes && lines->g_first > 0; l++) y[l] -= lines->g_first * V[l];
    for (int l = 0; l < lines->n_lanes && lines->g_last > 0; l++) last[l] -= lines->g_last * V[l];
}

XBTAB__VECTOR
void xbtab__lines_add_sums(const xbtab__lines *lines, const double *restrict cell, double factor,
                           double *restrict y)
{
    size_t n = (size_t)lines->n_lanes;
    if (lines->cells_per_step == 1) {
        n *= (size_t)lines->n_steps;
        for (size_t k = 0; k < n; k++) y[k] += factor * cell[k];
        return;
    }
    for (int s = 0; s < lines->n_cells; s++) {
        const double *c = cell + (size_t)s * n;
        double *out = y + (size_t)(s / lines->cells_per_step) * n;
        for (size_t l = 0; l < n; l++) out[l] += factor * c[l];
    }
}

const double *xbtab__lines_expand(const xbtab__lines *lines, const double *x, double *room)
{
    size_t n = (size_t)lines->n_lanes;
    if (lines->cells_per_step == 1) return x;
    for (int s = 0; s < lines->n_cells; s++) {
        memcpy(room + (size_t)s * n, x + (size_t)(s / lines->cells_per_step) * n, n * sizeof *x);
    }
    return room;
}

XBTAB__VECTOR
void xbtab__lines_factor(xbtab__lines *lines, const double *slope, const double *end)
{
    size_t n = (size_t)lines->n_lanes;
    double g2 = lines->g_wire * lines->g_wire;
    memset(lines->diagonal, 0, xbtab__lines_size(lines) * sizeof *lines->diagonal);
    xbtab__lines_add_sums(lines, slope, 1.0, lines->diagonal);
    double *at_end = lines->diagonal + (lines->g_first > 0 ? 0 : xbtab__lines_last(lines));
    for (size_t l = 0; l < n && end; l++) at_end[l] += end[l];
    for (int s = 0; s < lines->n_steps; s++) {
        double *d = lines->diagonal + (size_t)s * n, *q = lines->inverse + (size_t)s * n;
        double fixed = wires_at(lines, s);
        for (size_t l = 0; l < n; l++) d[l] += fixed;
        if (s == 0) {
            for (size_t l = 0; l < n; l++) q[l] = 1.0 / d[l];
        } else {
            const double *before = q - n;
            for (size_t l = 0; l < n; l++) q[l] = 1.0 / (d[l] - g2 * before[l]);
        }
    }
}

XBTAB__VECTOR
void xbtab__lines_solve(const xbtab__lines *lines, const double *restrict y, double *restrict x)
{
    size_t n = (size_t)lines->n_lanes, last = (size_t)(lines->n_steps - 1) * n;
    double g = lines->g_wire;
    memcpy(x, y, n * sizeof *x);
    for (int s = 1; s < lines->n_steps; s++) {
        const double *q = lines->inverse + (size_t)(s - 1) * n, *in = y + (size_t)s * n;
        const double *before = x + (size_t)(s - 1) * n;
        double *out = x + (size_t)s * n;
        for (size_t l = 0; l < n; l++) out[l] = in[l] + g * q[l] * before[l];
    }
    for (size_t l = 0; l < n; l++) x[last + l] *= lines->inverse[last + l];
    for (int s = lines->n_steps - 2; s >= 0; s--) {
        const double *q = lines->inverse + (size_t)s * n, *after = x + (size_t)(s + 1) * n;
        double *out = x + (size_t)s * n;
        for (size_t l = 0; l < n; l++) out[l] = q[l] * (out[l] + g * after[l]);
    }
}

double xbtab__lines_imbalance(const xbtab__lines *lines, const double *x, const double *V, const double *cell,
                              const double *slope, double sign, double *largest_line)
{
    size_t lanes = (size_t)lines->n_lanes, last = xbtab__lines_last(lines);
    double most = 0;
    if (lines->kind == XBTAB__LINES_FIXED) return 0;
    for (size_t l = 0; l < lanes; l++) {
        double cells = 0, slopes = 0;
        for (size_t c = l; c < (size_t)lines->n_cells * lanes; c += lanes) {
            cells += cell[c];
            slopes += fabs(slope[c]);
        }
        double ends = lines->g_first * (x[l] - V[l]) + lines->g_last * (x[last + l] - V[l]);
        *largest_line = fmax(*largest_line, fabs(cells));
        most = fmax(most, fabs(ends + sign * cells) * slopes / (lines->g_first + lines->g_last + slopes));
    }
    return most;
}
