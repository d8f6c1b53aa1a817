/* circuit.c - Newton, and conjugate gradients on the driven lines' Schur complement.
 *
 * The names are those of the usual array: `word` for the driven lines, `bit` for the sensed ones. There the
 * lines cross, and word and bit layouts are transposes of each other; with gate inputs they run in parallel,
 * and the layouts are the same: two bit lines a column, [row / 2][2 columns], too. */
#include "circuit.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "lines.h"
#include "memory.h"
#include "vector.h"

enum { MOST_NEWTON_STEPS = 60, MOST_CG_STEPS = 2000 };

/* Share of the largest cell current that may be left over at a node. */
static const double residual_share = 1e-9;

/* Of the effective matrix' conjugate gradients, in the norm that they reduce. */
static const double effective_accuracy = 1e-8;

/* A circuit at rest has no largest current to compare with [A]. */
static const double least_current = 1e-18;

struct xbtab__solver {
    xbtab__wires wires;
    xbtab__lines word, bit;
    bool crosses;
    size_t n_cells;
    double *w, *b;                 /* node voltages, in the layouts of their lines */
    double *F_w, *F_b;             /* residuals there [A] */
    double *d_w, *d_b;             /* cells' slopes, in cell layouts [columns][rows] and [rows][columns] */
    double *I_w, *I_b;             /* cells' currents, likewise */
    double *r, *z, *p, *q;         /* conjugate gradients, in the word lines' layout */
    double *t_cell, *t_cell_other; /* scratch in cell layouts */
    double *t_bit, *x_bit;         /* scratch in the bit lines' layout */
    double *sum;                   /* scratch for the diagonals' load */
    double *V_foot;                /* V_foot[columns] at the present currents [V] */
    double *foot_slope;            /* foot_slope[columns]: of the feet, less r_foot's; NULL = straight [S] */
};

/* out[k][l] = in[l][k], in blocks that stay in cache. in[rows][columns]. */
XBTAB__VECTOR
static void transpose(const double *restrict in, double *restrict out, int rows, int columns)
{
    enum { BLOCK = 8 };
    for (int i0 = 0; i0 < rows; i0 += BLOCK) {
        int i1 = i0 + BLOCK < rows ? i0 + BLOCK : rows;
        for (int j = 0; j < columns; j++) {
            for (int i = i0; i < i1; i++) {
                out[(size_t)j * (size_t)rows + (size_t)i] = in[(size_t)i * (size_t)columns + (size_t)j];
            }
        }
    }
}

XBTAB__VECTOR
static double dot(const double *a, const double *b, size_t n)
{
    double s[8] = {0};
    size_t k = 0;
    for (; k + 8 <= n; k += 8) {
        for (int l = 0; l < 8; l++) s[l] += a[k + (size_t)l] * b[k + (size_t)l];
    }
    for (; k < n; k++) s[0] += a[k] * b[k];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* y += factor x */
XBTAB__VECTOR
static void add_scaled(double *restrict y, double factor, const double *restrict x, size_t n)
{
    for (size_t k = 0; k < n; k++) y[k] += factor * x[k];
}

/* p = z + beta p */
XBTAB__VECTOR
static void turn(double *restrict p, const double *restrict z, double beta, size_t n)
{
    for (size_t k = 0; k < n; k++) p[k] = z[k] + beta * p[k];
}

/* y = a b, element by element; y may be b */
XBTAB__VECTOR
static void multiply(double *y, const double *a, const double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) y[k] = a[k] * b[k];
}

static double largest(const double *x, size_t n)
{
    double m = 0;
    for (size_t k = 0; k < n; k++) m = !(fabs(x[k]) <= m) ? fabs(x[k]) : m;
    return m;
}

size_t xbtab__solver_bytes(size_t rows, size_t columns)
{
    enum { ARRAYS = 17 + 4 }; /* the solver's own, and the two lines' diagonals and pivots */
    return sizeof(xbtab__solver) + ARRAYS * rows * columns * sizeof(double) + columns * sizeof(double);
}

/* Cell layouts of the driven lines to those of the sensed lines, and back. */
static void to_bit(const xbtab__solver *s, const double *in, double *out)
{
    if (s->crosses) {
        transpose(in, out, s->wires.columns, s->wires.rows);
    } else {
        memcpy(out, in, s->n_cells * sizeof *out);
    }
}

static void to_word(const xbtab__solver *s, const double *in, double *out)
{
    if (s->crosses) {
        transpose(in, out, s->wires.rows, s->wires.columns);
    } else {
        memcpy(out, in, s->n_cells * sizeof *out);
    }
}

size_t xbtab__wires_inputs(const xbtab__wires *w)
{
    if (w->array.topology == XBTAB_TOPOLOGY_WORD_LINE_INPUT) return (size_t)w->rows;
    return (size_t)w->columns * (w->array.polarity == XBTAB_POLARITY_ALTERNATING ? 2 : 1);
}

static xbtab_status make_lines(xbtab__solver *s, const xbtab__wires *w)
{
    bool pairs = !s->crosses && w->array.polarity == XBTAB_POLARITY_ALTERNATING;
    static const int drive_ends[] = {XBTAB__END_FIRST, XBTAB__END_LAST, XBTAB__END_FIRST | XBTAB__END_LAST};
    xbtab__lines_plan word = {.n_lanes = w->rows,
                              .n_cells = w->columns,
                              .cells_per_step = 1,
                              .r_wire = w->r_word,
                              .r_end = w->r_driver,
                              .ends = drive_ends[w->array.drive]};
    xbtab__lines_plan bit = {.n_lanes = w->columns,
                             .n_cells = w->rows,
                             .cells_per_step = pairs ? 2 : 1,
                             .r_wire = s->crosses ? w->r_bit : w->r_source_line,
                             .r_end = w->r_foot,
                             .ends = w->array.sense == XBTAB_SENSE_TOP ? XBTAB__END_FIRST : XBTAB__END_LAST};
    if (!s->crosses) {
        word.n_lanes = (int)xbtab__wires_inputs(w);
        word.n_cells = pairs ? w->rows / 2 : w->rows;
        word.r_wire = w->r_bit;
    }
    XBTAB_TRY(xbtab__lines_init(&s->word, &word));
    return xbtab__lines_init(&s->bit, &bit);
}

xbtab_status xbtab__solver_create(xbtab__solver **out, const xbtab__wires *wires)
{
    xbtab__solver *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    s->wires = *wires;
    s->n_cells = (size_t)wires->rows * (size_t)wires->columns;
    s->crosses = wires->array.topology == XBTAB_TOPOLOGY_WORD_LINE_INPUT;
    xbtab_status status = make_lines(s, wires);
    double **blocks[] = {&s->w,    &s->b, &s->F_w, &s->F_b, &s->d_w, &s->d_b,    &s->I_w,          &s->I_b,
                         &s->r,    &s->z, &s->p,   &s->q,   &s->sum, &s->t_cell, &s->t_cell_other, &s->t_bit,
                         &s->x_bit};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0] && status == XBTAB_OK; k++) {
        *blocks[k] = xbtab__alloc_aligned(s->n_cells, sizeof(double));
        if (!*blocks[k]) status = XBTAB_NOMEM();
    }
    if (status == XBTAB_OK && !(s->V_foot = xbtab__alloc((size_t)wires->columns, sizeof(double)))) {
        status = XBTAB_NOMEM();
    }
    if (status == XBTAB_OK && wires->V_bend &&
        !(s->foot_slope = xbtab__alloc((size_t)wires->columns, sizeof(double)))) {
        status = XBTAB_NOMEM();
    }
    if (status < 0) {
        xbtab__solver_destroy(&s);
        return status;
    }
    *out = s;
    return XBTAB_OK;
}

void xbtab__solver_destroy(xbtab__solver **solver)
{
    if (!solver || !*solver) return;
    xbtab__solver *s = *solver;
    double *blocks[] = {s->w, s->b, s->F_w, s->F_b, s->d_w,    s->d_b,          s->I_w,   s->I_b,  s->r,
                        s->z, s->p, s->q,   s->sum, s->t_cell, s->t_cell_other, s->t_bit, s->x_bit};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++) xbtab__free(blocks[k]);
    xbtab__free(s->V_foot);
    xbtab__free(s->foot_slope);
    xbtab__lines_clear(&s->word);
    xbtab__lines_clear(&s->bit);
    xbtab__free(s);
    *solver = NULL;
}

static double word_voltage(const xbtab__solver *s, int i, int j)
{
    size_t lanes = (size_t)s->word.n_lanes, cell = (size_t)i * (size_t)s->wires.columns + (size_t)j;
    if (s->crosses) return s->w[(s->word.n_steps > 1 ? (size_t)j : 0) * lanes + (size_t)i];
    return s->w[s->word.n_steps > 1 ? cell : cell % lanes];
}

static double bit_voltage(const xbtab__solver *s, int i, int j)
{
    return s->b[(size_t)(i / s->bit.cells_per_step) * (size_t)s->wires.columns + (size_t)j];
}

/* The node at the sensed end of each bit line. */
static size_t foot(const xbtab__solver *s)
{
    return s->wires.array.sense == XBTAB_SENSE_TOP ? 0 : xbtab__lines_last(&s->bit);
}

double xbtab__solver_word_voltage(const xbtab__solver *solver, int i, int j)
{
    return word_voltage(solver, i, j);
}

double xbtab__solver_bit_voltage(const xbtab__solver *solver, int i, int j)
{
    return bit_voltage(solver, i, j);
}

double xbtab__solver_current(const xbtab__solver *solver, int i, int j)
{
    return solver->I_b[(size_t)i * (size_t)solver->wires.columns + (size_t)j];
}

/* Conductances; with gate inputs only where the gate is on. */
static void evaluate_conductances(xbtab__solver *s, const xbtab__cells *cells, const double *word,
                                  const double *bit)
{
    size_t columns = (size_t)s->wires.columns;
    for (size_t c = 0; c < s->n_cells; c++) {
        double G = cells->gate && cells->gate[c / columns] == 0 ? 0.0 : cells->G[c];
        s->I_b[c] = G * (word[c] - bit[c]);
        s->d_b[c] = G;
    }
}

/* Currents and slopes of all cells at the present voltages. */
static void evaluate_cells(xbtab__solver *s, const xbtab__cells *cells, long *outside)
{
    size_t columns = (size_t)s->wires.columns;
    const double *word = xbtab__lines_expand(&s->word, s->w, s->t_cell);
    *outside = 0;
    to_bit(s, word, s->t_cell_other); /* now both in the bit lines' order */
    word = s->t_cell_other;
    const double *bit = xbtab__lines_expand(&s->bit, s->b, s->t_cell);
    if (cells->G) {
        evaluate_conductances(s, cells, word, bit);
    } else if (!cells->gate) {
        *outside = xbtab__cell_currents(cells->table, 0, cells->cell, s->n_cells, word, bit, s->I_b, s->d_b);
    } else {
        for (size_t c = 0; c < s->n_cells; c += columns) {
            *outside += xbtab__cell_currents(cells->table, cells->gate[c / columns], cells->cell + c, columns,
                                             word + c, bit + c, s->I_b + c, s->d_b + c);
        }
    }
    to_word(s, s->I_b, s->I_w);
    to_word(s, s->d_b, s->d_w);
}

/* The current through a foot of resistance r at voltage V above it: the root of r I + V_foot + bend(I) - V,
 * which rises with I, by Newton's iteration inside a bracket. @param[in] I  where to begin. */
static double foot_current(const xbtab__wires *w, double r, double V, double I, double *slope)
{
    enum { MOST_STEPS = 200 };
    double low = -INFINITY, high = INFINITY;
    for (int step = 0; step < MOST_STEPS; step++) {
        double bend_slope, over = r * I + w->V_foot + w->V_bend(w->bend_context, I, &bend_slope) - V;
        *slope = 1.0 / fmax(r + bend_slope, DBL_EPSILON * r);
        if (over > 0)
            high = I;
        else
            low = I;
        double next = I - over * *slope;
        if (!(next > low && next < high) && isfinite(low) && isfinite(high)) next = 0.5 * (low + high);
        if (over == 0 || fabs(next - I) <= 2 * DBL_EPSILON * fabs(I)) return next;
        I = next;
    }
    return I;
}

/* The voltages that stand for the TIAs' inputs behind feet of r_foot at the present voltages, and what each
 * foot's own slope differs in from that. */
static void bend_feet(xbtab__solver *s)
{
    const double *end = s->b + foot(s), g = s->bit.g_first + s->bit.g_last;
    for (int j = 0; j < s->wires.columns && s->wires.V_bend; j++) {
        double slope, I = g * (end[j] - s->V_foot[j]);
        I = foot_current(&s->wires, 1.0 / g, end[j], I, &slope);
        s->V_foot[j] = end[j] - I / g;
        s->foot_slope[j] = slope - g;
    }
}

/* Residuals of Kirchhoff's law, the largest of them returned. */
static double evaluate(xbtab__solver *s, const xbtab__cells *cells, const double *V, long *outside)
{
    evaluate_cells(s, cells, outside);
    double most = 0;
    if (s->word.kind != XBTAB__LINES_FIXED) {
        xbtab__lines_apply(&s->word, s->w, s->F_w);
        xbtab__lines_add_sums(&s->word, s->I_w, 1.0, s->F_w);
        xbtab__lines_subtract_sources(&s->word, V, s->F_w);
        most = largest(s->F_w, xbtab__lines_size(&s->word));
    }
    if (s->bit.kind != XBTAB__LINES_FIXED) {
        xbtab__lines_apply(&s->bit, s->b, s->F_b);
        xbtab__lines_add_sums(&s->bit, s->I_b, -1.0, s->F_b);
        bend_feet(s);
        xbtab__lines_subtract_sources(&s->bit, s->V_foot, s->F_b);
        double m = largest(s->F_b, xbtab__lines_size(&s->bit));
        if (!(m <= most)) most = m;
    }
    return most;
}

/* y = D' A_bit^-1 (bit sums of D x): what the word lines feel of each other through the bit lines.
 * x in cell layout [columns][rows]; result in the same layout, in s->t_cell_other. */
static void through_bit_lines(xbtab__solver *s, const double *x)
{
    multiply(s->t_cell, s->d_w, x, s->n_cells);
    to_bit(s, s->t_cell, s->t_cell_other);
    memset(s->t_bit, 0, xbtab__lines_size(&s->bit) * sizeof *s->t_bit);
    xbtab__lines_add_sums(&s->bit, s->t_cell_other, 1.0, s->t_bit);
    xbtab__lines_solve(&s->bit, s->t_bit, s->x_bit);
    const double *full = xbtab__lines_expand(&s->bit, s->x_bit, s->t_cell);
    multiply(s->t_cell, s->d_b, full, s->n_cells);
    to_word(s, s->t_cell, s->t_cell_other);
}

/* q = (A_word + D - D A_bit^-1 D) p */
static void schur_apply(xbtab__solver *s, const double *p, double *q)
{
    xbtab__lines_apply_loaded(&s->word, p, q);
    if (s->bit.kind == XBTAB__LINES_FIXED) return;
    const double *full = xbtab__lines_expand(&s->word, p, s->t_cell_other);
    through_bit_lines(s, full);
    xbtab__lines_add_sums(&s->word, s->t_cell_other, -1.0, q);
}

/* Factor the lines with the cells' present slopes on them. */
static void factor(xbtab__solver *s)
{
    if (s->bit.kind != XBTAB__LINES_FIXED) xbtab__lines_factor(&s->bit, s->d_b, s->foot_slope);
    if (s->word.kind != XBTAB__LINES_FIXED) xbtab__lines_factor(&s->word, s->d_w, NULL);
}

/* One linear step: solve for the change of the voltages that takes the residuals away, to a relative
 * accuracy, and apply it. Returns the steps of conjugate gradients. */
static int linear_step(xbtab__solver *s, double accuracy)
{
    size_t n_w = xbtab__lines_size(&s->word), n_b = xbtab__lines_size(&s->bit);
    bool has_word = s->word.kind != XBTAB__LINES_FIXED, has_bit = s->bit.kind != XBTAB__LINES_FIXED;
    int steps = 0;
    double *change = s->sum; /* of the word lines */
    memset(change, 0, s->n_cells * sizeof *change);
    if (has_word) {
        for (size_t k = 0; k < n_w; k++) s->r[k] = -s->F_w[k];
        if (has_bit) { /* what the bit lines' own residuals ask of the word lines */
            for (size_t k = 0; k < n_b; k++) s->t_bit[k] = -s->F_b[k];
            xbtab__lines_solve(&s->bit, s->t_bit, s->x_bit);
            const double *full = xbtab__lines_expand(&s->bit, s->x_bit, s->t_cell);
            multiply(s->t_cell, s->d_b, full, s->n_cells);
            to_word(s, s->t_cell, s->t_cell_other);
            xbtab__lines_add_sums(&s->word, s->t_cell_other, 1.0, s->r);
        }
        xbtab__lines_solve(&s->word, s->r, s->z);
        memcpy(s->p, s->z, n_w * sizeof *s->p);
        double rz = dot(s->r, s->z, n_w), goal = accuracy * accuracy * rz;
        while (rz > goal && steps < MOST_CG_STEPS) {
            schur_apply(s, s->p, s->q);
            double pq = dot(s->p, s->q, n_w);
            if (!(pq > 0)) break; /* exhausted: nothing is left but rounding */
            double alpha = rz / pq;
            add_scaled(change, alpha, s->p, n_w);
            add_scaled(s->r, -alpha, s->q, n_w);
            xbtab__lines_solve(&s->word, s->r, s->z);
            double next = dot(s->r, s->z, n_w), beta = next / rz;
            rz = next;
            turn(s->p, s->z, beta, n_w);
            steps++;
        }
        add_scaled(s->w, 1.0, change, n_w);
    }
    if (has_bit) { /* A_bit change_b = -F_b + sums of D change_w */
        for (size_t k = 0; k < n_b; k++) s->t_bit[k] = -s->F_b[k];
        if (has_word) {
            const double *full = xbtab__lines_expand(&s->word, change, s->t_cell_other);
            multiply(s->t_cell, s->d_w, full, s->n_cells);
            to_bit(s, s->t_cell, s->z);
            xbtab__lines_add_sums(&s->bit, s->z, 1.0, s->t_bit);
        }
        xbtab__lines_solve(&s->bit, s->t_bit, s->x_bit);
        for (size_t k = 0; k < n_b; k++) s->b[k] += s->x_bit[k];
    }
    return steps;
}

/* Every vector starts from the same guess, so that its result does not depend on its neighbours. */
static void start(xbtab__solver *s, const double *V)
{
    size_t lanes = (size_t)s->word.n_lanes;
    for (int k = 0; k < s->word.n_steps; k++) memcpy(s->w + (size_t)k * lanes, V, lanes * sizeof *V);
    for (size_t k = 0; k < xbtab__lines_size(&s->bit); k++) s->b[k] = s->wires.V_foot;
    for (int j = 0; j < s->wires.columns; j++) s->V_foot[j] = s->wires.V_foot;
}

/* The sum of a bit line's cell currents: it does not suffer from the rounding of voltages along wires of
 * little resistance, as the current through the foot would. */
static void read_out(const xbtab__solver *s, double *I_out)
{
    int rows = s->wires.rows, columns = s->wires.columns;
    memset(I_out, 0, (size_t)columns * sizeof *I_out);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) I_out[j] += s->I_b[(size_t)i * (size_t)columns + (size_t)j];
    }
}

/* What rounding alone leaves at a node: a few units in the last place of the largest wire current's terms. */
static double rounding_floor(const xbtab__solver *s, const double *V)
{
    double g_word = fmax(s->word.g_wire, fmax(s->word.g_first, s->word.g_last));
    double g_bit = fmax(s->bit.g_wire, fmax(s->bit.g_first, s->bit.g_last)), g = fmax(g_word, g_bit);
    double V_most = fmax(largest(V, (size_t)s->word.n_lanes), fabs(s->wires.V_foot));
    return 64.0 * DBL_EPSILON * g * V_most + least_current;
}

xbtab_status xbtab__solver_run(xbtab__solver *solver, const xbtab__cells *cells, const double *V,
                               double *I_out, xbtab__solve_report *report)
{
    xbtab__solver *s = solver;
    *report = (xbtab__solve_report){.residual = INFINITY};
    start(s, V);
    double before = INFINITY, floor = rounding_floor(s, V);
    for (int step = 0;; step++) {
        double residual = evaluate(s, cells, V, &report->outside);
        report->tolerance = fmax(residual_share * largest(s->I_b, s->n_cells), floor);
        report->residual = residual;
        report->newton_steps = step;
        if (residual <= residual_share * largest(s->I_b, s->n_cells)) break;
        if (residual <= floor && residual > 0.5 * before) break; /* nothing is left but rounding */
        if (!isfinite(residual) || step == MOST_NEWTON_STEPS) {
            if (residual <= report->tolerance) break;
            XBTAB_FAIL(
                XBTAB_ERR_SOLVE,
                "the crossbar's solution stopped at a residual of %g A after %d steps; %g A was wanted",
                residual, step, report->tolerance);
        }
        /* inexact Newton: no more accuracy than the next step can use (Eisenstat and Walker, SIAM J. Sci.
         * Comput. 17, 1996), and none beyond the goal */
        double accuracy = step == 0 ? 1e-2 : fmin(1e-2, 0.5 * pow(residual / before, 1.6));
        if (cells->G) accuracy = 0.0;
        accuracy = fmax(accuracy, fmin(0.1, 0.1 * report->tolerance / residual));
        before = residual;
        factor(s);
        report->cg_steps += linear_step(s, accuracy);
    }
    read_out(s, I_out);
    return XBTAB_OK;
}

double xbtab__solver_imbalance(const xbtab__solver *s, const double *V, double *largest_line)
{
    *largest_line = 0;
    double word = xbtab__lines_imbalance(&s->word, s->w, V, s->I_w, s->d_w, 1.0, largest_line);
    return fmax(word, xbtab__lines_imbalance(&s->bit, s->b, s->V_foot, s->I_b, s->d_b, -1.0, largest_line));
}

/* A linear circuit, its lines factored, needs one step from rest to a stated accuracy. */
static void linear_response(xbtab__solver *s, const double *V, double *I_out)
{
    start(s, V);
    if (s->word.kind != XBTAB__LINES_FIXED) {
        memset(s->w, 0, xbtab__lines_size(&s->word) * sizeof *s->w);
        memset(s->F_w, 0, xbtab__lines_size(&s->word) * sizeof *s->F_w);
        xbtab__lines_subtract_sources(&s->word, V, s->F_w);
    }
    if (s->word.kind != XBTAB__LINES_FIXED && s->bit.kind == XBTAB__LINES_FIXED) { /* the feet push back */
        xbtab__lines_add_sums(&s->word, s->d_w, -s->wires.V_foot, s->F_w);
    }
    if (s->bit.kind != XBTAB__LINES_FIXED) { /* at rest but for its feet, and fixed word lines */
        memset(s->b, 0, xbtab__lines_size(&s->bit) * sizeof *s->b);
        memset(s->F_b, 0, xbtab__lines_size(&s->bit) * sizeof *s->F_b);
        xbtab__lines_subtract_sources(&s->bit, s->V_foot, s->F_b);
        if (s->word.kind == XBTAB__LINES_FIXED) {
            const double *full = xbtab__lines_expand(&s->word, s->w, s->t_cell_other);
            multiply(s->t_cell, s->d_w, full, s->n_cells);
            to_bit(s, s->t_cell, s->I_b);
            xbtab__lines_add_sums(&s->bit, s->I_b, -1.0, s->F_b);
        }
    }
    (void)linear_step(s, effective_accuracy);
    for (int i = 0; i < s->wires.rows; i++) { /* the cells' currents, for read_out */
        size_t row = (size_t)i * (size_t)s->wires.columns;
        for (int j = 0; j < s->wires.columns; j++) {
            s->I_b[row + (size_t)j] =
                s->d_b[row + (size_t)j] * (word_voltage(s, i, j) - bit_voltage(s, i, j));
        }
    }
    read_out(s, I_out);
}

xbtab_status xbtab__solver_effective(xbtab__solver *solver, const double *G, double *Geff, double *I_const)
{
    xbtab__solver *s = solver;
    xbtab__cells cells = {.G = G};
    size_t columns = (size_t)s->wires.columns;
    long outside;
    double *V = xbtab__alloc((size_t)s->wires.rows, sizeof *V);
    if (!V) return XBTAB_NOMEM();
    start(s, V);
    (void)evaluate(s, &cells, V, &outside);
    factor(s);
    linear_response(s, V, I_const);
    double V_foot = s->wires.V_foot;
    s->wires.V_foot = 0.0; /* one input at a time; the constant part is known already */
    for (int i = 0; i < s->wires.rows; i++) {
        V[i] = 1.0;
        linear_response(s, V, Geff + (size_t)i * columns);
        V[i] = 0.0;
    }
    s->wires.V_foot = V_foot;
    xbtab__free(V);
    return XBTAB_OK;
}
