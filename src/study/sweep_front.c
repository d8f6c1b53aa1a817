/* sweep_front.c - which rows of a sweep no other row beats, and the cheapest of those that are accurate enough. */
#include "sweep_private.h"

#include <math.h>
#include <string.h>

#include "memory.h"

/* Shares of images that are as good as equal: below any share that images can differ by. */
static const double slack = 1e-9;

static bool has_cost(const xbtab_sweep_row *row)
{
    return strcmp(row->status, "ok") == 0 && !isnan(row->figure[XBTAB_SWEEP_MODE]) &&
           !isnan(row->figure[XBTAB_SWEEP_ENERGY]);
}

/* As good in everything, and better in something. */
static bool beats(const xbtab_sweep_row *a, const xbtab_sweep_row *b, unsigned figures)
{
    double gain = a->figure[XBTAB_SWEEP_MODE] - b->figure[XBTAB_SWEEP_MODE];
    bool is_better = gain > 0;
    if (gain < 0) return false;
    for (int k = XBTAB_SWEEP_ENERGY; k < XBTAB_SWEEP_FIGURES; k++) {
        if (!(figures >> k & 1)) continue;
        if (a->figure[k] > b->figure[k]) return false;
        is_better = is_better || a->figure[k] < b->figure[k];
    }
    return is_better;
}

xbtab_status xbtab_sweep_front(const xbtab_sweep *s, unsigned figures, unsigned char *on_front)
{
    if (!figures) figures = 1u << XBTAB_SWEEP_ENERGY;
    int *front = xbtab__alloc((size_t)s->n_rows, sizeof *front), n = 0;
    if (!front) return XBTAB_NOMEM();
    memset(on_front, 0, (size_t)s->n_rows);
    for (int r = 0; r < s->n_rows; r++) {
        const xbtab_sweep_row *row = &s->row[r];
        bool is_beaten = !has_cost(row);
        for (int k = 0; k < n && !is_beaten; k++) is_beaten = beats(&s->row[front[k]], row, figures);
        if (is_beaten) continue;
        int kept = 0;
        for (int k = 0; k < n; k++)
            if (!beats(row, &s->row[front[k]], figures)) front[kept++] = front[k];
        front[kept] = r;
        n = kept + 1;
    }
    for (int k = 0; k < n; k++) on_front[front[k]] = 1;
    xbtab__free(front);
    return XBTAB_OK;
}

ptrdiff_t xbtab_sweep_best(const xbtab_sweep *s, xbtab_sweep_figure figure, double within)
{
    double most = -INFINITY;
    ptrdiff_t best = -1;
    for (int r = 0; r < s->n_rows; r++)
        if (has_cost(&s->row[r])) most = fmax(most, s->row[r].figure[XBTAB_SWEEP_MODE]);
    for (int r = 0; r < s->n_rows; r++) {
        const double *x = s->row[r].figure, *y = best < 0 ? NULL : s->row[best].figure;
        if (!has_cost(&s->row[r]) || x[XBTAB_SWEEP_MODE] < most - within - slack) continue;
        if (!y || x[figure] < y[figure] ||
            (x[figure] == y[figure] && x[XBTAB_SWEEP_MODE] > y[XBTAB_SWEEP_MODE]))
            best = r;
    }
    return best;
}
