/* lines.c - resistor ladders side by side. */
#include "lines.h"

#include <string.h>

#include "memory.h"
#include "vector.h"

xbtab_status xbtab__lines_init(xbtab__lines *lines, int n_lanes, int n_cells, double r_wire, double r_end,
                               bool end_is_first)
{
    *lines =
        (xbtab__lines){.n_lanes = n_lanes, .n_cells = n_cells, .n_steps = 1, .end_is_first = end_is_first};
    if (r_wire > 0) {
        lines->kind = XBTAB__LINES_LADDER;
        lines->n_steps = n_cells;
        lines->g_wire = 1.0 / r_wire;
        lines->g_end = 1.0 / (r_wire + r_end);
    } else if (r_end > 0) {
        lines->kind = XBTAB__LINES_SINGLE;
        lines->g_end = 1.0 / r_end;
    } else {
        lines->kind = XBTAB__LINES_FIXED;
    }
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

size_t xbtab__lines_end(const xbtab__lines *lines)
{
    return lines->end_is_first ? 0 : (size_t)(lines->n_steps - 1) * (size_t)lines->n_lanes;
}

/* Diagonal of A at a step. */
static double wires_at(const xbtab__lines *lines, int step)
{
    double g = 0;
    if (step > 0) g += lines->g_wire;
    if (step + 1 < lines->n_steps) g += lines->g_wire;
    if (step == (lines->end_is_first ? 0 : lines->n_steps - 1)) g += lines->g_end;
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

XBTAB__VECTOR
void xbtab__lines_add_sums(const xbtab__lines *lines, const double *restrict cell, double factor,
                           double *restrict y)
{
    size_t n = (size_t)lines->n_lanes;
    if (lines->kind == XBTAB__LINES_LADDER) {
        n *= (size_t)lines->n_steps;
        for (size_t k = 0; k < n; k++) y[k] += factor * cell[k];
        return;
    }
    for (int s = 0; s < lines->n_cells; s++) {
        const double *c = cell + (size_t)s * n;
        for (size_t l = 0; l < n; l++) y[l] += factor * c[l];
    }
}

const double *xbtab__lines_expand(const xbtab__lines *lines, const double *x, double *room)
{
    size_t n = (size_t)lines->n_lanes;
    if (lines->kind == XBTAB__LINES_LADDER) return x;
    for (int s = 0; s < lines->n_cells; s++) memcpy(room + (size_t)s * n, x, n * sizeof *x);
    return room;
}

XBTAB__VECTOR
void xbtab__lines_factor(xbtab__lines *lines, const double *slope)
{
    size_t n = (size_t)lines->n_lanes;
    double g2 = lines->g_wire * lines->g_wire;
    memset(lines->diagonal, 0, xbtab__lines_size(lines) * sizeof *lines->diagonal);
    xbtab__lines_add_sums(lines, slope, 1.0, lines->diagonal);
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
