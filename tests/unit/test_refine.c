/* test_refine.c - corrections of single bit lines: taken where they help on inputs that they never saw, left
 * out where they do not; and the error that is told for the tile. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "refine.h"
#include "sinh_tables.h"

enum { ROWS = 53, COLUMNS = 9, USED_ROWS = 47, USED_COLUMNS = 7 };

typedef struct fixture {
    xbtab_tables *tables;
    xbtab_technology *technology;
    xbtab_tile *tile;
    double G[ROWS * COLUMNS];
} fixture;

/* Linear cells without wires: the effective matrix is exact, and T = u (1 + e (1 - k a^3)) is off by what it
 * says. */
static void prepare(fixture *f, double e, double k)
{
    static const int32_t power[2][3] = {{1, 0, 0}, {1, 3, 0}};
    *f = (fixture){
        .tables = sinh_tables(&(sinh_design){
            .rows = ROWS, .columns = COLUMNS, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 1e4})};
    xbtab_tables *t = f->tables;
    t->r_driver = t->r_sink = 0;
    t->transfer.error.full_scale = t->I_full_scale;
    memset(t->tia.V_in, 0, t->tia.n * sizeof *t->tia.V_in);
    t->transfer.n_terms = 2;
    memcpy(t->transfer.power, power, sizeof power);
    t->transfer.coefficient[0] = 1 + e;
    t->transfer.coefficient[1] = -e * k;
    for (int c = 0; c < ROWS * COLUMNS; c++) f->G[c] = t->G_level[(c * 7 + c / 11) % 4];
    assert_int_equal(xbtab_technology_create(&f->technology, t), XBTAB_OK);
    assert_int_equal(xbtab_tile_create(&f->tile, f->technology, f->G, ROWS, COLUMNS), XBTAB_OK);
}

static void finish(fixture *f)
{
    xbtab_tile_destroy(&f->tile);
    xbtab_technology_destroy(&f->technology);
    xbtab_tables_destroy(&f->tables);
}

static xbtab__refinement refined(const fixture *f, int solves)
{
    xbtab__refinement r;
    if (xbtab__refine(&r, f->technology, f->tile, f->G, USED_ROWS, USED_COLUMNS, solves) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_int_equal(r.columns, USED_COLUMNS);
    return r;
}

/* T errs upwards on all inputs but the fullest, the only one that a single solution shows: a correction by it
 * would make all others worse. */
static void a_correction_that_does_harm_is_left_out(void **state)
{
    (void)state;
    fixture f;
    prepare(&f, 0.01, 1.7);
    xbtab__refinement plain = refined(&f, 0), r = refined(&f, 1);
    assert_true(!plain.is_refined && !r.is_refined);
    for (int k = 0; k < XBTAB__REFINE_TERMS * USED_COLUMNS; k++) assert_true(r.c[k] == 0);
    /* T is far off, and further vectors measure it */
    assert_true(r.most >= plain.most && r.samples > plain.samples);
    assert_true(plain.squares > 0);
    xbtab__refinement_clear(&plain);
    xbtab__refinement_clear(&r);
    finish(&f);
}

/* What all inputs show is corrected, and the current behind it is right. */
static void a_correction_that_helps_is_taken(void **state)
{
    (void)state;
    fixture f;
    prepare(&f, 0.01, 1.3);
    xbtab__refinement plain = refined(&f, 0), r = refined(&f, 20);
    assert_true(r.is_refined);
    assert_true(r.squares < 1e-2 * plain.squares && r.most < 0.2 * plain.most);
    for (int at = 0; at < 2 * USED_COLUMNS; at++) {
        const size_t j = (size_t)at / 2;
        const double a = at % 2 ? 0.31 : 0.77, y = 0.4 * a * f.tables->I_full_scale;
        const double off_before = fabs(xbtab_technology_transfer(f.technology, y, a, 0, 0) - y);
        assert_true(fabs(xbtab__refined_current(&r, f.technology, y, a, j, 0) - y) < 0.15 * off_before);
    }
    xbtab__refinement_clear(&plain);
    xbtab__refinement_clear(&r);
    finish(&f);
}

/* The error that is told: over the bit lines in use and the vectors that no fit saw. With e alone every
 * current is off by the same share, so that the largest error over the root mean square is that of the
 * currents. */
static void the_told_error_is_that_of_t(void **state)
{
    (void)state;
    fixture f;
    prepare(&f, 0.01, 0);
    xbtab__refinement r = refined(&f, 0);
    const double I_mean = r.most / 0.01; /* the largest current */
    assert_true(r.samples > 0 && r.samples % USED_COLUMNS == 0);
    double G_most = 0;
    for (int j = 0; j < USED_COLUMNS; j++) {
        double G = 0;
        for (int i = 0; i < USED_ROWS; i++) G += f.G[i * COLUMNS + j];
        G_most = fmax(G_most, G);
    }
    /* no more than all lines draw, and of vectors with up to 7/8 of them no less than half of it */
    assert_true(I_mean <= G_most * f.tables->v_read * (1 + 1e-6) && I_mean > 0.5 * G_most * f.tables->v_read);
    double rms = sqrt(r.squares / (double)r.samples);
    assert_true(rms < r.most && rms > 0.3 * r.most);
    xbtab__refinement again = refined(&f, 0);
    assert_true(again.squares == r.squares); /* the same vectors */
    xbtab__refinement_clear(&again);
    xbtab__refinement_clear(&r);
    finish(&f);
}

/* A tile that T serves well is left alone, whatever solutions it may have. */
static void a_good_tile_is_left_alone(void **state)
{
    (void)state;
    fixture f;
    prepare(&f, 1e-5, 0);
    xbtab__refinement r = refined(&f, 20);
    assert_true(!r.is_refined && r.squares > 0);
    for (int k = 0; k < XBTAB__REFINE_TERMS * USED_COLUMNS; k++) assert_true(r.c[k] == 0);
    xbtab__refinement_clear(&r);
    finish(&f);
}

/* Linear cells without wires draw sum V^2 G; tables that say 0.8 of it are put right, where nothing else is off. */
static void a_tile_s_power_is_that_of_its_solutions(void **state)
{
    (void)state;
    fixture f;
    prepare(&f, 1e-5, 0);
    f.tables->energy.scale = 0.8;
    xbtab__refinement r = refined(&f, 0);
    uint8_t code[USED_ROWS];
    double P = 0;
    for (int i = 0; i < USED_ROWS; i++) {
        code[i] = i % 3 != 1;
        for (int j = 0; j < COLUMNS; j++)
            P += code[i] * f.G[i * COLUMNS + j] * f.tables->v_read * f.tables->v_read;
    }
    assert_true(fabs(xbtab__tile_power_of(&r.power, code, USED_ROWS) / P - 1) < 1e-6);
    assert_true(r.power.most < 1e-6 * P && r.power.squares < 1e-12 * P * P);
    xbtab__refinement_clear(&r);
    finish(&f);
}

/* P = P_model (c0 + c1 a) through samples by least squares, Cramer's rule. */
static void fit_to(const xbtab__power_sample *s, int n, int without, double *c)
{
    double h[3] = {0}, b[2] = {0};
    for (int k = 0; k < n; k++) {
        if (k == without) continue;
        double x = s[k].P_model, z = x * s[k].a;
        h[0] += x * x, h[1] += x * z, h[2] += z * z;
        b[0] += x * s[k].P, b[1] += z * s[k].P;
    }
    c[0] = (b[0] * h[2] - b[1] * h[1]) / (h[0] * h[2] - h[1] * h[1]);
    c[1] = (b[1] * h[0] - b[0] * h[1]) / (h[0] * h[2] - h[1] * h[1]);
}

/* The told error of the power is what fits without one solution each err by on that one. */
static void a_power_s_error_is_that_on_what_its_fit_has_not_seen(void **state)
{
    (void)state;
    enum { N = 7 };
    const xbtab__power_sample s[N] = {{0.11, 0.13, 0.12, false}, {0.37, 0.35, 0.43, false},
                                      {0.59, 0.62, 0.71, false}, {0.83, 0.88, 1.07, false},
                                      {0.97, 1.00, 1.25, true},  {0.52, 0.50, 0.58, true},
                                      {0.44, 0.50, 0.53, true}};
    xbtab__tile_power p = {.c = {1, 0}};
    double all[2], squares[2] = {0}, most = 0;
    xbtab__tile_power_fit(&p, s, N);
    fit_to(s, N, -1, all);
    assert_true(fabs(p.c[0] - all[0]) < 1e-9 && fabs(p.c[1] - all[1]) < 1e-9);
    for (int k = 0; k < N; k++) {
        double c[2];
        fit_to(s, N, k, c);
        double e = s[k].P - s[k].P_model * (c[0] + c[1] * s[k].a);
        squares[s[k].is_extreme] += e * e / (s[k].is_extreme ? 3 : 4);
        most = fmax(most, fabs(e));
    }
    assert_true(fabs(p.squares / fmax(squares[0], squares[1]) - 1) < 1e-9);
    assert_true(fabs(p.most / most - 1) < 1e-9);
}

/* Where a fit to the others would not help, the tables' formula stays: one kind of input, or one that is right. */
static void a_power_that_is_right_is_left_alone(void **state)
{
    (void)state;
    const xbtab__power_sample right[3] = {{0.2, 0.2, 0.2, false}, {0.7, 0.7, 0.7, false}, {1, 1, 1, true}};
    const xbtab__power_sample same[2] = {{0.5, 0.5, 0.6, false}, {0.25, 0.5, 0.3, true}};
    xbtab__tile_power p = {.c = {3, 3}};
    xbtab__tile_power_fit(&p, right, 3);
    assert_true(p.c[0] == 1 && p.c[1] == 0 && p.squares == 0 && p.most == 0);
    xbtab__tile_power_fit(&p, same, 2);
    assert_true(p.c[0] == 1 && p.c[1] == 0 && fabs(p.most - 0.1) < 1e-12);
    assert_true(fabs(p.squares - 0.01) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correction_that_does_harm_is_left_out),
        cmocka_unit_test(a_correction_that_helps_is_taken),
        cmocka_unit_test(the_told_error_is_that_of_t),
        cmocka_unit_test(a_good_tile_is_left_alone),
        cmocka_unit_test(a_tile_s_power_is_that_of_its_solutions),
        cmocka_unit_test(a_power_s_error_is_that_on_what_its_fit_has_not_seen),
        cmocka_unit_test(a_power_that_is_right_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
