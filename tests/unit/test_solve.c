/* test_solve.c - what xbtab_crossbar_solve() takes, and that what it gives is right or refused: circuits of
 * resistances far apart against elimination in quadruple precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/solve.h>

enum { ROWS = 2, COLUMNS = 3, CELLS = ROWS * COLUMNS, NODES = 2 * CELLS };

typedef __float128 quad;

static void connect(quad (*A)[NODES + 1], int a, int b, quad g)
{
    A[a][a] += g;
    A[b][b] += g;
    A[a][b] -= g;
    A[b][a] -= g;
}

/* Every node's equation, solved with pivots: 34 digits hold what spans 24. @param[out] I  into the bit lines'
 * feet. */
static void solve_exactly(const xbtab_crossbar *c, const double *V, double *I)
{
    quad A[NODES][NODES + 1];
    memset(A, 0, sizeof A);
    for (int i = 0; i < ROWS; i++) {
        quad g = 1 / ((quad)c->r_source + (quad)c->r_word);
        A[i * COLUMNS][i * COLUMNS] += g;
        A[i * COLUMNS][NODES] += g * (quad)V[i];
        for (int j = 0; j < COLUMNS; j++) {
            int word = i * COLUMNS + j, bit = CELLS + word;
            connect(A, word, bit, (quad)c->G[word]);
            if (j > 0) connect(A, word - 1, word, 1 / (quad)c->r_word);
            if (i > 0) connect(A, bit - COLUMNS, bit, 1 / (quad)c->r_bit);
            if (i == ROWS - 1) A[bit][bit] += 1 / ((quad)c->r_bit + (quad)c->r_sink);
        }
    }
    for (int k = 0; k < NODES; k++) {
        int pivot = k;
        for (int r = k + 1; r < NODES; r++) {
            quad x = A[r][k] < 0 ? -A[r][k] : A[r][k], y = A[pivot][k] < 0 ? -A[pivot][k] : A[pivot][k];
            if (x > y) pivot = r;
        }
        for (int l = 0; l <= NODES; l++) {
            quad x = A[k][l];
            A[k][l] = A[pivot][l];
            A[pivot][l] = x;
        }
        for (int r = 0; r < NODES; r++) {
            quad f = r == k ? 0 : A[r][k] / A[k][k];
            for (int l = k; l <= NODES; l++) A[r][l] -= f * A[k][l];
        }
    }
    for (int j = 0; j < COLUMNS; j++) {
        int foot = NODES - COLUMNS + j;
        I[j] = (double)(A[foot][NODES] / A[foot][foot] / ((quad)c->r_bit + (quad)c->r_sink));
    }
}

/* @return whether it was solved; then it is right. */
static bool solved_right(const xbtab_crossbar *c)
{
    const double V[ROWS] = {0.2385, 0.2385};
    double I[COLUMNS], most = 0;
    xbtab_solution s = {0};
    xbtab_status status = xbtab_crossbar_solve(&s, c, V, 1);
    if (status == XBTAB_ERR_SOLVE) return false;
    assert_int_equal(status, XBTAB_OK);
    solve_exactly(c, V, I);
    for (int j = 0; j < COLUMNS; j++) most = fmax(most, fabs(I[j]));
    for (int j = 0; j < COLUMNS; j++) {
        if (fabs(s.i_out[j] - I[j]) <= 1e-5 * most + 1e-18) continue;
        fail_msg("wires %g, %g, source %g, sink %g ohm, cells about %g S: column %d has %.9g A, not %.9g A",
                 c->r_word, c->r_bit, c->r_source, c->r_sink, c->G[0], j, s.i_out[j], I[j]);
    }
    xbtab_solution_clear(&s);
    return true;
}

static void currents_are_right_or_refused(void **state)
{
    (void)state;
    static const double r[] = {1e-6, 2.5, 1e9}, scale[] = {1e-12, 1e-7, 1e-4, 1, 1e3};
    static const double share[CELLS] = {1, 0.31, 0.77, 0.53, 0.94, 0.12};
    int n_solved = 0;
    for (int k = 0; k < 3 * 3 * 3 * 3 * 5; k++) {
        double G[CELLS];
        xbtab_crossbar c = {.rows = ROWS,
                            .columns = COLUMNS,
                            .r_word = r[k % 3],
                            .r_bit = r[k / 3 % 3],
                            .r_source = r[k / 9 % 3],
                            .r_sink = r[k / 27 % 3],
                            .G = G};
        for (int cell = 0; cell < CELLS; cell++) G[cell] = scale[k / 81] * share[cell];
        bool is_usual = c.r_word < 1e3 && c.r_bit < 1e3 && c.r_source < 1e3 && c.r_sink < 1e3;
        if (solved_right(&c)) {
            n_solved++;
        } else if (is_usual) { /* what somebody builds is never refused */
            fail_msg("%s", xbtab_error_message());
        }
    }
    if (n_solved < 250) fail_msg("only %d circuits were solved", n_solved);
}

static void refused(const xbtab_crossbar *c, double V, const char *words)
{
    xbtab_solution s = {0};
    assert_int_equal(xbtab_crossbar_solve(&s, c, &V, 1), XBTAB_ERR_INPUT);
    if (!strstr(xbtab_error_message(), words)) fail_msg("\"%s\" is not in: %s", words, xbtab_error_message());
    assert_null(s.i_out);
}

static void what_is_no_circuit_is_refused(void **state)
{
    (void)state;
    static const double no_ohm[] = {-1, 1e-7, 1e10, 1e308, INFINITY, NAN, 5e-324};
    static const double no_siemens[] = {-1e-6, 1e-19, 1e7, 1e308, INFINITY, NAN};
    static const double no_volt[] = {1001, -1e308, INFINITY, NAN};
    double G = 1e-4;
    const xbtab_crossbar good = {.rows = 1, .columns = 1, .G = &G};
    for (size_t k = 0; k < sizeof no_ohm / sizeof no_ohm[0]; k++) {
        xbtab_crossbar c[] = {good, good, good, good};
        c[0].r_word = c[1].r_bit = c[2].r_source = c[3].r_sink = no_ohm[k];
        static const char *const names[] = {"word-line segment", "bit-line segment", "source", "sink"};
        for (int l = 0; l < 4; l++) {
            refused(&c[l], 0.2, names[l]);
            refused(&c[l], 0.2, "0, or 1e-06 to 1e+09 ohm is allowed");
        }
    }
    for (size_t k = 0; k < sizeof no_siemens / sizeof no_siemens[0]; k++) {
        G = no_siemens[k];
        refused(&good, 0.2, "0 (open), or 1e-18 to 1e+06 S is allowed");
    }
    G = 1e-4;
    for (size_t k = 0; k < sizeof no_volt / sizeof no_volt[0]; k++)
        refused(&good, no_volt[k], "1000 V of either sign");
    xbtab_solution s = {0};
    double V = -1000;
    assert_int_equal(xbtab_crossbar_solve(&s, &good, &V, 1), XBTAB_OK);
    assert_true(fabs(s.i_out[0] + 0.1) < 1e-12);
    xbtab_solution_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currents_are_right_or_refused),
        cmocka_unit_test(what_is_no_circuit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
