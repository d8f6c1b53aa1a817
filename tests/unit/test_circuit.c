/* test_circuit.c - the wire solver against a dense solve of the same nodes, closed forms, and its own
 * symmetries. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_linalg.h>

#include "circuit.h"
#include "memory.h"
#include "random.h"

typedef struct problem {
    xbtab__wires wires;
    double *G, *V;
    uint8_t *gate; /* gate[rows], for gate inputs */
} problem;

static problem make_problem(int rows, int columns, double r_word, double r_bit, double r_driver,
                            double r_foot, uint32_t id)
{
    xbtab__random random;
    size_t n = (size_t)rows * (size_t)columns;
    problem p = {.wires = {.rows = rows,
                           .columns = columns,
                           .r_word = r_word,
                           .r_bit = r_bit,
                           .r_driver = r_driver,
                           .r_foot = r_foot}};
    p.G = calloc(n, sizeof *p.G);
    p.V = calloc((size_t)(rows + 2 * columns), sizeof *p.V);
    p.gate = calloc((size_t)rows, 1);
    assert_true(p.G && p.V && p.gate);
    xbtab__random_init(&random, 2385, XBTAB__RANDOM_TEST, id, 0);
    for (size_t c = 0; c < n; c++) {
        double u = xbtab__random_uniform(&random), open = xbtab__random_uniform(&random);
        p.G[c] = open < 0.1 ? 0.0 : 1e-4 * pow(10.0, -2.0 * u); /* 10 kohm to 1 Mohm, some open */
    }
    for (int i = 0; i < rows; i++) p.V[i] = 0.31 * xbtab__random_uniform(&random) - 0.05;
    return p;
}

static void free_problem(problem *p)
{
    free(p->G);
    free(p->V);
    free(p->gate);
}

/* ---- an independent solution: every node's equation in one dense matrix, 0 ohm as merged nodes ---- */

typedef struct dense {
    int n;
    gsl_matrix *A;
    gsl_vector *b;
} dense;

/* Whether the lines of cell (i, j) run in parallel, and how many cells of a column share a place. */
static bool has_gates(const xbtab__wires *w)
{
    return w->array.topology == XBTAB_TOPOLOGY_GATE_INPUT;
}

static int cells_a_place(const xbtab__wires *w)
{
    return has_gates(w) && w->array.polarity == XBTAB_POLARITY_ALTERNATING ? 2 : 1;
}

/* The input behind the driven line of a cell. */
static int lane_of(const xbtab__wires *w, int i, int j)
{
    return has_gates(w) ? j + i % cells_a_place(w) * w->columns : i;
}

static double r_driven(const xbtab__wires *w)
{
    return has_gates(w) ? w->r_bit : w->r_word;
}

static double r_sensed(const xbtab__wires *w)
{
    return has_gates(w) ? w->r_source_line : w->r_bit;
}

/* Node numbers; -1 is ground, -2 - k the fixed input k. */
static int driven_number(const xbtab__wires *w, int i, int j)
{
    int lane = lane_of(w, i, j);
    if (r_driven(w) > 0) return i * w->columns + j;
    if (w->r_driver == 0) return -2 - lane;
    return has_gates(w) ? lane : i * w->columns;
}

static int sensed_number(const xbtab__wires *w, int i, int j)
{
    int first = w->rows * w->columns;
    if (r_sensed(w) > 0) return first + i / cells_a_place(w) * w->columns + j;
    return w->r_foot > 0 ? first + j : -1;
}

static void add_conductance(dense *d, const double *V, int a, int b, double g)
{
    int ends[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        int here = ends[k], there = ends[1 - k];
        if (here < 0) continue;
        size_t h = (size_t)here;
        gsl_matrix_set(d->A, h, h, gsl_matrix_get(d->A, h, h) + g);
        if (there >= 0) {
            gsl_matrix_set(d->A, h, (size_t)there, gsl_matrix_get(d->A, h, (size_t)there) - g);
        } else if (there <= -2) {
            gsl_vector_set(d->b, h, gsl_vector_get(d->b, h) + g * V[-2 - there]);
        }
    }
}

static double voltage(const gsl_vector *x, const double *V, int node)
{
    return node >= 0 ? gsl_vector_get(x, (size_t)node) : node == -1 ? 0.0 : V[-2 - node];
}

/* The wires of one driven line: cells (i0 + k di, j0 + k dj) for k in [0, n). */
static void add_driven_line(dense *d, const problem *p, int i0, int j0, int di, int dj, int n)
{
    const xbtab__wires *w = &p->wires;
    double r = r_driven(w), r_end = r + w->r_driver;
    int source = -2 - lane_of(w, i0, j0), last_i = i0 + (n - 1) * di, last_j = j0 + (n - 1) * dj;
    if (r_end > 0 && w->array.drive != XBTAB_DRIVE_LAST)
        add_conductance(d, p->V, source, driven_number(w, i0, j0), 1.0 / r_end);
    if (r_end > 0 && w->array.drive != XBTAB_DRIVE_FIRST)
        add_conductance(d, p->V, source, driven_number(w, last_i, last_j), 1.0 / r_end);
    for (int k = 1; k < n && r > 0; k++) {
        add_conductance(d, p->V, driven_number(w, i0 + (k - 1) * di, j0 + (k - 1) * dj),
                        driven_number(w, i0 + k * di, j0 + k * dj), 1.0 / r);
    }
}

static bool conducts(const problem *p, int i, int j)
{
    return p->G[i * p->wires.columns + j] > 0 && !(has_gates(&p->wires) && p->gate[i] == 0);
}

/* Currents out of the sensed lines' feet. */
static void solve_densely(const problem *p, double *I_out)
{
    const xbtab__wires *w = &p->wires;
    int n = 2 * w->rows * w->columns, pair = cells_a_place(w);
    dense d = {.n = n, .A = gsl_matrix_calloc((size_t)n, (size_t)n), .b = gsl_vector_calloc((size_t)n)};
    gsl_vector *x = gsl_vector_calloc((size_t)n);
    gsl_permutation *order = gsl_permutation_alloc((size_t)n);
    int sign;
    for (int i = 0; i < w->rows && !has_gates(w); i++) add_driven_line(&d, p, i, 0, 0, 1, w->columns);
    for (int j = 0; j < w->columns && has_gates(w); j++) {
        for (int k = 0; k < pair; k++) add_driven_line(&d, p, k, j, pair, 0, w->rows / pair);
    }
    for (int i = 0; i < w->rows; i++) {
        for (int j = 0; j < w->columns; j++) {
            if (r_sensed(w) > 0 && i % pair == 0 && i > 0) {
                add_conductance(&d, p->V, sensed_number(w, i - pair, j), sensed_number(w, i, j),
                                1.0 / r_sensed(w));
            }
            if (!conducts(p, i, j)) continue;
            add_conductance(&d, p->V, driven_number(w, i, j), sensed_number(w, i, j),
                            p->G[i * w->columns + j]);
        }
    }
    for (int j = 0; j < w->columns; j++) {
        int foot = sensed_number(w, w->array.sense == XBTAB_SENSE_TOP ? 0 : w->rows - 1, j);
        if (foot >= 0) add_conductance(&d, p->V, foot, -1, 1.0 / (r_sensed(w) + w->r_foot));
    }
    for (int k = 0; k < n; k++) { /* numbers that merged lines do not use */
        if (gsl_matrix_get(d.A, (size_t)k, (size_t)k) == 0) gsl_matrix_set(d.A, (size_t)k, (size_t)k, 1.0);
    }
    gsl_linalg_LU_decomp(d.A, order, &sign);
    gsl_linalg_LU_solve(d.A, order, d.b, x);
    for (int j = 0; j < w->columns; j++) {
        I_out[j] = 0;
        for (int i = 0; i < w->rows; i++) {
            double V = voltage(x, p->V, driven_number(w, i, j)) - voltage(x, p->V, sensed_number(w, i, j));
            if (conducts(p, i, j)) I_out[j] += p->G[i * w->columns + j] * V;
        }
    }
    gsl_matrix_free(d.A);
    gsl_vector_free(d.b);
    gsl_vector_free(x);
    gsl_permutation_free(order);
}

static void solve(const problem *p, double *I_out)
{
    xbtab__solver *solver = NULL;
    xbtab__solve_report report;
    xbtab__cells cells = {.G = p->G, .gate = has_gates(&p->wires) ? p->gate : NULL};
    assert_int_equal(xbtab__solver_create(&solver, &p->wires), XBTAB_OK);
    assert_int_equal(xbtab__solver_run(solver, &cells, p->V, I_out, &report), XBTAB_OK);
    assert_true(report.residual <= report.tolerance);
    xbtab__solver_destroy(&solver);
    assert_null(solver);
}

static void hold_against_dense(const problem *p, const char *what)
{
    double I[32], wanted[32], most = 0;
    solve(p, I);
    solve_densely(p, wanted);
    for (int j = 0; j < p->wires.columns; j++) most = fmax(most, fabs(wanted[j]));
    for (int j = 0; j < p->wires.columns; j++) {
        if (fabs(I[j] - wanted[j]) > 1e-7 * most)
            fail_msg("%s, line %d: %.12g instead of %.12g A", what, j, I[j], wanted[j]);
    }
}

static const double ohms[][4] = {{2.5, 1.3, 20, 10}, {0, 1.3, 20, 10},  {2.5, 0, 20, 10},
                                 {2.5, 1.3, 0, 0},   {0, 0, 20, 10},    {0, 1.3, 0, 0},
                                 {2.5, 0, 0, 0},     {0, 0, 20, 0},     {0, 0, 0, 10},
                                 {0, 0, 0, 0},       {1e-2, 1e3, 0, 0}, {1e3, 1e-2, 50, 1e4}};
enum { N_OHMS = sizeof ohms / sizeof ohms[0] };

static void linear_circuits_equal_a_dense_solve(void **state)
{
    (void)state;
    static const int shapes[][2] = {{1, 1}, {1, 7}, {7, 1}, {5, 3}, {13, 9}, {11, 17}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        for (size_t r = 0; r < N_OHMS; r++) {
            char what[64];
            problem p = make_problem(shapes[s][0], shapes[s][1], ohms[r][0], ohms[r][1], ohms[r][2],
                                     ohms[r][3], (uint32_t)(100 * s + r));
            snprintf(what, sizeof what, "shape %zu, resistances %zu", s, r);
            hold_against_dense(&p, what);
            free_problem(&p);
        }
    }
}

/* Every topology, polarity, drive and sense, with and without each resistance. */
static void every_array_equals_a_dense_solve(void **state)
{
    (void)state;
    static const int shapes[][2] = {{1, 1}, {2, 1}, {1, 6}, {7, 5}, {8, 5}, {6, 13}};
    int n = 0;
    for (unsigned k = 0; k < 2 * 2 * 3 * 2 * 6 * N_OHMS; k++) {
        xbtab_array a = {(xbtab_topology)(k % 2), (xbtab_polarity)(k / 2 % 2), (xbtab_drive)(k / 4 % 3),
                         (xbtab_sense)(k / 12 % 2)};
        const int *shape = shapes[k / 24 % 6];
        const double *r = ohms[k / 144];
        if (a.topology == XBTAB_TOPOLOGY_GATE_INPUT && a.polarity && shape[0] % 2) continue;
        problem p = make_problem(shape[0], shape[1], r[0], r[1], r[2], r[3], 5000 + k);
        char what[64];
        p.wires.array = a;
        if (a.topology == XBTAB_TOPOLOGY_GATE_INPUT) {
            p.wires.r_bit = r[0];
            p.wires.r_source_line = r[1];
            for (int i = 0; i < shape[0]; i++) p.gate[i] = i % 5 != 1;
            for (int j = 0; j < 2 * shape[1]; j++) p.V[j] = j < shape[1] ? 0.2 : -0.2;
        } else {
            for (int i = 0; i < shape[0]; i++) p.V[i] = xbtab_array_sign(&a, i) * fabs(p.V[i]);
        }
        snprintf(what, sizeof what, "%u: %d %d %d %d", k, a.topology, a.polarity, a.drive, a.sense);
        hold_against_dense(&p, what);
        free_problem(&p);
        n++;
    }
    assert_true(n > 1500);
}

static void without_wires_it_is_the_ideal_product(void **state)
{
    (void)state;
    problem p = make_problem(37, 23, 0, 0, 0, 0, 1);
    double I[23];
    solve(&p, I);
    for (int j = 0; j < 23; j++) {
        double sum = 0;
        for (int i = 0; i < 37; i++) sum += p.G[i * 23 + j] * p.V[i];
        assert_true(fabs(I[j] - sum) <= 1e-14 * fabs(sum) + 1e-18);
    }
    free_problem(&p);
}

static void almost_ideal_wires_are_almost_ideal(void **state)
{
    (void)state;
    problem p = make_problem(23, 11, 1e-7, 1e-7, 0, 0, 6);
    double I[11];
    solve(&p, I);
    for (int j = 0; j < 11; j++) {
        double sum = 0;
        for (int i = 0; i < 23; i++) sum += p.G[i * 11 + j] * p.V[i];
        assert_true(fabs(I[j] - sum) <= 1e-8 * fabs(sum) + 1e-14);
    }
    free_problem(&p);
}

static void a_single_cell_is_a_series_circuit(void **state)
{
    (void)state;
    problem p = make_problem(1, 1, 2.5, 1.5, 20, 10, 2);
    double I;
    p.G[0] = 1.0 / 2385.0;
    p.V[0] = 0.2;
    solve(&p, &I);
    assert_true(fabs(I - 0.2 / (20 + 2.5 + 2385 + 1.5 + 10)) < 1e-14);
    free_problem(&p);
}

/* A uniform ladder of n cells G and segments r, fed at one end: with 2 cosh(t) = 2 + r G, what is left of the
 * voltage at cell k from the far, open end is cosh((k + 1/2) t) / cosh((n + 1/2) t). */
static double ladder(double r, double G, int n, int k)
{
    double t = acosh(1.0 + 0.5 * r * G);
    return cosh((k + 0.5) * t) / cosh((n + 0.5) * t);
}

static void uniform_ladders_follow_the_closed_form(void **state)
{
    (void)state;
    for (int n = 1; n <= 300; n = 3 * n + 1) {
        for (double r = 1e-2; r < 200; r *= 17) {
            const double G = 1.0 / 2385.0;
            double *I = calloc((size_t)n, sizeof *I), sum = 0;
            problem word = make_problem(1, n, r, 0, 0, 0, 7), bit = make_problem(n, 1, 0, r, 0, 0, 8);
            assert_non_null(I);
            word.V[0] = 0.2;
            for (int k = 0; k < n; k++) {
                word.G[k] = bit.G[k] = G;
                bit.V[k] = 0.2;
                sum += G * 0.2 * ladder(r, G, n, k);
            }
            solve(&word, I);
            for (int j = 0; j < n; j++) {
                double wanted = G * 0.2 * ladder(r, G, n, n - 1 - j);
                assert_true(fabs(I[j] - wanted) <= 1e-8 * G * 0.2);
            }
            solve(&bit, I);
            assert_true(fabs(I[0] - sum) <= 1e-8 * sum);
            free(I);
            free_problem(&word);
            free_problem(&bit);
        }
    }
}

/* The effective matrix: superposition over inputs, and the same numbers as solving for them. */
static void the_effective_matrix_is_the_circuit(void **state)
{
    (void)state;
    enum { ROWS = 19, COLUMNS = 14 };
    static const double some_ohms[][4] = {
        {3.1, 1.7, 25, 12}, {3.1, 0, 25, 0}, {0, 1.7, 0, 12}, {0, 0, 25, 12}, {0, 0, 0, 0}};
    for (size_t k = 0; k < 6 * sizeof some_ohms / sizeof some_ohms[0]; k++) {
        size_t r = k / 6;
        problem p = make_problem(ROWS, COLUMNS, some_ohms[r][0], some_ohms[r][1], some_ohms[r][2],
                                 some_ohms[r][3], 3);
        double Geff[ROWS * COLUMNS], I_const[COLUMNS], I[COLUMNS];
        xbtab__solver *solver = NULL;
        p.wires.V_foot = 1.3e-3;
        p.wires.array.drive = (xbtab_drive)(k % 3);
        p.wires.array.sense = (xbtab_sense)(k % 2);
        assert_int_equal(xbtab__solver_create(&solver, &p.wires), XBTAB_OK);
        assert_int_equal(xbtab__solver_effective(solver, p.G, Geff, I_const), XBTAB_OK);
        solve(&p, I);
        for (int j = 0; j < COLUMNS; j++) {
            double sum = I_const[j], most = 0;
            assert_true(I_const[j] < 0); /* the foot's voltage drives current back into the array */
            for (int i = 0; i < ROWS; i++) {
                assert_true(Geff[i * COLUMNS + j] >= 0);
                sum += Geff[i * COLUMNS + j] * p.V[i];
                most = fmax(most, fabs(Geff[i * COLUMNS + j] * p.V[i]));
            }
            if (fabs(sum - I[j]) > 1e-7 * most)
                fail_msg("resistances %zu, bit line %d: %g, not %g A", r, j, sum, I[j]);
        }
        xbtab__solver_destroy(&solver);
        free_problem(&p);
    }
}

/* Reciprocity: the transposed array, driven at its bit lines, has the transposed effective matrix. */
static void transposed_array_has_the_transposed_matrix(void **state)
{
    (void)state;
    enum { ROWS = 7, COLUMNS = 5 };
    problem p = make_problem(ROWS, COLUMNS, 3.1, 1.7, 25, 12, 4),
            q = make_problem(COLUMNS, ROWS, 1.7, 3.1, 12, 25, 4);
    double a[ROWS * COLUMNS], b[ROWS * COLUMNS], I_const[ROWS];
    xbtab__solver *s = NULL, *t = NULL;
    /* the transposed array's inputs come from the lower end: mirror both axes */
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            q.G[(COLUMNS - 1 - j) * ROWS + (ROWS - 1 - i)] = p.G[i * COLUMNS + j];
        }
    }
    assert_int_equal(xbtab__solver_create(&s, &p.wires), XBTAB_OK);
    assert_int_equal(xbtab__solver_create(&t, &q.wires), XBTAB_OK);
    assert_int_equal(xbtab__solver_effective(s, p.G, a, I_const), XBTAB_OK);
    assert_int_equal(xbtab__solver_effective(t, q.G, b, I_const), XBTAB_OK);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            double x = a[i * COLUMNS + j], y = b[(COLUMNS - 1 - j) * ROWS + (ROWS - 1 - i)];
            assert_true(fabs(x - y) <= 1e-7 * fabs(x) + 1e-15);
        }
    }
    xbtab__solver_destroy(&s);
    xbtab__solver_destroy(&t);
    free_problem(&p);
    free_problem(&q);
}

static void a_solve_that_cannot_reach_its_tolerance_is_an_error(void **state)
{
    (void)state;
    problem p = make_problem(5, 4, 1, 1, 0, 0, 5);
    double I[4];
    xbtab__solver *solver = NULL;
    xbtab__solve_report report;
    xbtab__cells cells = {.G = p.G};
    p.V[2] = NAN;
    assert_int_equal(xbtab__solver_create(&solver, &p.wires), XBTAB_OK);
    assert_int_equal(xbtab__solver_run(solver, &cells, p.V, I, &report), XBTAB_ERR_SOLVE);
    assert_non_null(strstr(xbtab_error_message(), "residual"));
    xbtab__solver_destroy(&solver);
    free_problem(&p);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    xbtab__wires wires = {.rows = 5, .columns = 4, .r_word = 1, .r_bit = 1};
    xbtab_status status = XBTAB_ERR_NOMEM;
    long k = 0;
    for (; status == XBTAB_ERR_NOMEM && k < 100; k++) {
        xbtab__solver *solver = NULL;
        xbtab__alloc_fail_after(k);
        status = xbtab__solver_create(&solver, &wires);
        xbtab__alloc_fail_after(-1);
        assert_true((status == XBTAB_OK) == (solver != NULL));
        xbtab__solver_destroy(&solver);
    }
    assert_int_equal(status, XBTAB_OK);
    assert_true(k > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_circuits_equal_a_dense_solve),
        cmocka_unit_test(every_array_equals_a_dense_solve),
        cmocka_unit_test(without_wires_it_is_the_ideal_product),
        cmocka_unit_test(almost_ideal_wires_are_almost_ideal),
        cmocka_unit_test(a_single_cell_is_a_series_circuit),
        cmocka_unit_test(uniform_ladders_follow_the_closed_form),
        cmocka_unit_test(the_effective_matrix_is_the_circuit),
        cmocka_unit_test(transposed_array_has_the_transposed_matrix),
        cmocka_unit_test(a_solve_that_cannot_reach_its_tolerance_is_an_error),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
