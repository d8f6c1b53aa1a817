/* test_fit_transfer.c - the transfer fit on samples of which all is known: its terms, the energy's scale,
 * what is held out, and the errors that the tables then report. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xbartab/tile.h>

#include "fit_transfer.h"
#include "random.h"
#include "sinh_tables.h"

enum {
    ROWS = 19,
    COLUMNS = 7,
    TILES = 8,
    HELDOUT = 2,
    VECTORS = 24,
    SAMPLES = TILES * VECTORS,
    DAC_BITS = 2
};

/* Of y, a and p, as tables.h states T; no two alike, so that none can stand for another. */
static const struct {
    int y, a, p;
    double c;
} truth[] = {{1, 0, 0, 1.0023}, {2, 0, 0, -0.0131}, {3, 0, 0, 0.0213}, {1, 1, 0, -0.0061},
             {2, 1, 0, 0.0173}, {1, 2, 0, 0.0091},  {1, 0, 1, 0.0113}, {2, 0, 1, -0.0193},
             {1, 1, 1, 0.0231}, {1, 0, 2, -0.0083}, {1, 1, 2, 0.0141}, {1, 2, 1, -0.0271}};

enum { N_TRUTH = sizeof truth / sizeof truth[0] };

static double correction(double u, double a, double p)
{
    double sum = 0;
    for (int k = 0; k < N_TRUTH; k++)
        sum += truth[k].c * pow(u, truth[k].y) * pow(a, truth[k].a) * pow(p, truth[k].p);
    return sum;
}

/* Tables of linear cells without wires, without a TIA's input voltage: the effective matrix is G V itself. */
static xbtab_tables *bare_tables(void)
{
    xbtab_tables *t = sinh_tables(&(sinh_design){
        .rows = ROWS, .columns = COLUMNS, .n_levels = 5, .dac_bits = DAC_BITS, .adc_bits = 8, .V0 = 1e4});
    t->r_driver = t->r_sink = 0;
    memset(t->tia.V_in, 0, t->tia.n * sizeof *t->tia.V_in);
    free(t->transfer.power);
    free(t->transfer.coefficient);
    t->transfer = (xbtab_transfer_data){0};
    t->energy.read_time = 37e-9;
    return t;
}

/* Codes and levels; the last tiles are held out. Tiles differ in their mean conductance, vectors in their
 * mean drive, down to few lines: otherwise y and a would say the same. */
static void draw_samples(xbtab_tables *t)
{
    xbtab_sample_data *s = &t->samples;
    xbtab__random random;
    *s = (xbtab_sample_data){.n_tiles = TILES,
                             .n_vectors = VECTORS,
                             .is_heldout = calloc(TILES, sizeof(int32_t)),
                             .level = calloc((size_t)TILES * ROWS * COLUMNS, 1),
                             .code = calloc((size_t)SAMPLES * ROWS, 1),
                             .status = calloc(SAMPLES, sizeof(int32_t)),
                             .I_out = calloc((size_t)SAMPLES * COLUMNS, sizeof(double)),
                             .V_out = calloc((size_t)SAMPLES * COLUMNS, sizeof(double)),
                             .P = calloc(SAMPLES, sizeof(double))};
    xbtab__random_init(&random, 2385, XBTAB__RANDOM_TEST, 0, 0);
    for (int tile = 0; tile < TILES; tile++) {
        s->is_heldout[tile] = tile >= TILES - HELDOUT;
        for (int c = 0; c < ROWS * COLUMNS; c++) {
            uint32_t level = xbtab__random_below(&random, 5), more = xbtab__random_below(&random, 5);
            if (tile % 3 && (tile % 3 == 1) == (more > level)) level = more;
            s->level[tile * ROWS * COLUMNS + c] = (uint8_t)level;
        }
    }
    for (int v = 0; v < SAMPLES; v++) {
        double share = (v % VECTORS + 1.0) / VECTORS;
        for (int i = 0; i < ROWS; i++) {
            if (xbtab__random_uniform(&random) < share * share)
                s->code[v * ROWS + i] = (uint8_t)(1 + xbtab__random_below(&random, 3));
        }
        if (v % VECTORS == 0) s->code[v * ROWS + 3] = 1; /* no vector is all zeros */
    }
}

/* What a sample's word lines draw and its bit lines carry, by Ohm's and Kirchhoff's laws alone. */
typedef struct ohm {
    double a, P, I[COLUMNS];
} ohm;

static ohm by_ohm(const xbtab_tables *t, int v)
{
    ohm o = {.a = 0};
    for (int i = 0; i < ROWS; i++) {
        int code = t->samples.code[v * ROWS + i];
        double V = t->v_read * code / 3.0;
        o.a += code / 3.0 / ROWS;
        for (int j = 0; j < COLUMNS; j++) {
            double I = V * t->G_level[t->samples.level[(v / VECTORS * ROWS + i) * COLUMNS + j]];
            o.I[j] += I;
            o.P += V * I;
        }
    }
    return o;
}

static void near(const char *what, double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%s: %.9g, %.9g wanted within %.2g", what, found, wanted, tolerance);
}

/* How far held-out samples lie from the law: a pattern with its own size in each range of drive. */
static double deviation(int v, int j, double a)
{
    return 1e-3 * (a > 0.25 ? 2.0 : 1.0) * ((v * 7 + j * 3) % 5 - 1.7);
}

enum { LOST_FIT = 11, LOST_HELDOUT = (TILES - 1) * VECTORS + 5 }; /* samples that failed */

/* I = T(y, a, p) on the tiles of the fit, and off by the pattern on the others; power 1.37 times that of the
 * circuit on the former, 1.9 times on the latter. */
static void fill_samples(xbtab_tables *t)
{
    for (int v = 0; v < SAMPLES; v++) {
        const ohm o = by_ohm(t, v);
        const bool is_heldout = t->samples.is_heldout[v / VECTORS] != 0;
        t->samples.P[v] = (is_heldout ? 1.9 : 1.37) * o.P;
        for (int j = 0; j < COLUMNS; j++) {
            double u = correction(o.I[j] / t->I_full_scale, o.a, j / (COLUMNS - 1.0));
            if (is_heldout) u += deviation(v, j, o.a);
            t->samples.I_out[v * COLUMNS + j] = t->I_full_scale * u;
        }
    }
    for (int k = 0; k < 2; k++) {
        int v = k ? LOST_HELDOUT : LOST_FIT;
        t->samples.status[v] = XBTAB_SAMPLE_NOT_CONVERGED;
        t->samples.P[v] = NAN;
        for (int j = 0; j < COLUMNS; j++) t->samples.I_out[v * COLUMNS + j] = NAN;
    }
}

static xbtab_tables *sampled_tables(void)
{
    xbtab_tables *t = bare_tables();
    draw_samples(t);
    fill_samples(t);
    return t;
}

static xbtab_tables *fitted_tables(void)
{
    xbtab_tables *t = sampled_tables();
    if (xbtab__fit_transfer(t) < 0) fail_msg("%s", xbtab_error_message());
    return t;
}

static void the_terms_come_back(void **state)
{
    (void)state;
    xbtab_tables *t = fitted_tables();
    double u_most = 0;
    assert_int_equal(t->transfer.n_terms, N_TRUTH);
    for (size_t k = 0; k < N_TRUTH; k++) { /* in any order */
        int found = 0;
        for (size_t m = 0; m < N_TRUTH; m++) {
            const int32_t *power = t->transfer.power + 3 * m;
            if (power[0] != truth[k].y || power[1] != truth[k].a || power[2] != truth[k].p) continue;
            near("coefficient", t->transfer.coefficient[m], truth[k].c, 1e-6);
            found++;
        }
        assert_int_equal(found, 1);
    }
    for (int v = 0; v < (TILES - HELDOUT) * VECTORS; v++) {
        const ohm o = by_ohm(t, v);
        for (int j = 0; j < COLUMNS && v != LOST_FIT; j++) u_most = fmax(u_most, o.I[j] / t->I_full_scale);
    }
    near("y_max", t->transfer.y_max, u_most, 1e-9);
    assert_true(t->transfer.lost[0] == 0 && t->transfer.lost[1] == 0);
    xbtab_tables_destroy(&t);
}

/* Sums over the held-out samples that did not fail. */
typedef struct sums {
    double square, most, square_ideal, square_power, most_power, I_most, P_most;
    double square_drive[6];
    long n, n_power, n_drive[6];
} sums;

static sums of_heldout(const xbtab_tables *t)
{
    static const double ends[] = {1 / 32.0, 1 / 16.0, 1 / 8.0, 1 / 4.0, 1 / 2.0, 1.0};
    sums s = {.n = 0};
    for (int v = 0; v < SAMPLES; v++) {
        if (v == LOST_FIT || v == LOST_HELDOUT) continue;
        const ohm o = by_ohm(t, v);
        const bool is_heldout = v >= (TILES - HELDOUT) * VECTORS;
        int d = 0;
        while (o.a > ends[d]) d++;
        s.P_most = fmax(s.P_most, (is_heldout ? 1.9 : 1.37) * o.P);
        for (int j = 0; j < COLUMNS; j++) {
            double I = t->samples.I_out[v * COLUMNS + j], e = t->I_full_scale * deviation(v, j, o.a);
            s.I_most = fmax(s.I_most, fabs(I));
            if (!is_heldout) continue;
            s.square += e * e;
            s.square_ideal += pow(I - o.I[j], 2);
            s.most = fmax(s.most, fabs(e));
            s.square_drive[d] += e * e;
            s.n_drive[d]++;
            s.n++;
        }
        if (!is_heldout) continue;
        double off = (1.9 - 1.37) * o.P * t->energy.read_time;
        s.square_power += off * off;
        s.most_power = fmax(s.most_power, off);
        s.n_power++;
    }
    return s;
}

/* The errors are those of the held-out tiles, whose samples no fit saw; the largest current and the failed
 * samples are counted over all. */
static void errors_are_of_the_heldout_samples(void **state)
{
    (void)state;
    xbtab_tables *t = fitted_tables();
    const sums s = of_heldout(t);
    const xbtab_transfer_data *f = &t->transfer;
    near("full scale", f->error.full_scale / s.I_most, 1, 1e-12);
    assert_int_equal(f->error.samples, (HELDOUT * VECTORS - 1) * COLUMNS);
    assert_int_equal(s.n, f->error.samples);
    assert_int_equal(f->error.failed, 2);
    near("rmse", f->error.rmse * s.I_most / sqrt(s.square / (double)s.n), 1, 1e-5);
    near("max", f->error.max * s.I_most / s.most, 1, 1e-5);
    const double ideal = sqrt(s.square_ideal / (double)s.n) / s.I_most;
    near("ideal", f->error_ideal.rmse / ideal, 1, 1e-6);
    near("effective matrix", f->error_geff.rmse / ideal, 1, 1e-6); /* without wires the same */
    assert_int_equal(f->n_drives, 6);
    for (size_t d = 0; d < 6; d++) {
        near("end of a range", f->a_drive[d], ldexp(1.0, (int)d - 5), 0);
        if (s.n_drive[d] == 0) {
            assert_true(isnan(f->rmse_drive[d]));
            continue;
        }
        double wanted = sqrt(s.square_drive[d] / (double)s.n_drive[d]) / s.I_most;
        near("rmse of a range", f->rmse_drive[d] / wanted, 1, 1e-5);
    }
    xbtab_tables_destroy(&t);
}

/* One factor, of the fit's tiles alone; its error is the held-out tiles'. */
static void the_energys_scale_is_of_the_fits_tiles(void **state)
{
    (void)state;
    xbtab_tables *t = fitted_tables();
    const sums s = of_heldout(t);
    near("scale", t->energy.scale, 1.37, 1e-6);
    assert_int_equal(t->energy.error.samples, HELDOUT * VECTORS - 1);
    assert_int_equal(s.n_power, t->energy.error.samples);
    assert_int_equal(t->energy.error.failed, 2);
    const double E_most = s.P_most * t->energy.read_time;
    near("largest energy", t->energy.error.full_scale / E_most, 1, 1e-9);
    near("rmse", t->energy.error.rmse * E_most / sqrt(s.square_power / (double)s.n_power), 1, 1e-5);
    near("max", t->energy.error.max * E_most / s.most_power, 1, 1e-5);
    xbtab_tables_destroy(&t);
}

/* With wires the three errors tell apart what T, the effective matrix and the ideal product leave. */
static void wires_are_in_the_effective_matrix_alone(void **state)
{
    (void)state;
    xbtab_tables *t = bare_tables();
    xbtab_technology *technology = NULL;
    double square_y = 0, square_ideal = 0, I_most = 0;
    t->r_word = 13;
    t->r_bit = 29;
    t->r_driver = 150;
    t->r_sink = 70;
    draw_samples(t);
    assert_int_equal(xbtab_technology_create(&technology, t), XBTAB_OK);
    for (int tile = 0; tile < TILES; tile++) {
        xbtab_tile *programmed = NULL;
        double G[ROWS * COLUMNS], y[COLUMNS];
        for (int c = 0; c < ROWS * COLUMNS; c++)
            G[c] = t->G_level[t->samples.level[tile * ROWS * COLUMNS + c]];
        assert_int_equal(xbtab_tile_create(&programmed, technology, G, ROWS, COLUMNS), XBTAB_OK);
        for (int v = tile * VECTORS; v < (tile + 1) * VECTORS; v++) {
            const ohm o = by_ohm(t, v);
            xbtab_tile_product(programmed, t->samples.code + v * ROWS, y);
            t->samples.P[v] = o.P;
            for (int j = 0; j < COLUMNS; j++) {
                double I = t->I_full_scale * correction(y[j] / t->I_full_scale, o.a, j / (COLUMNS - 1.0));
                t->samples.I_out[v * COLUMNS + j] = I;
                I_most = fmax(I_most, I);
                if (tile < TILES - HELDOUT) continue;
                square_y += pow(y[j] - I, 2) / (HELDOUT * VECTORS * COLUMNS);
                square_ideal += pow(o.I[j] - I, 2) / (HELDOUT * VECTORS * COLUMNS);
            }
        }
        xbtab_tile_destroy(&programmed);
    }
    xbtab_technology_destroy(&technology);
    if (xbtab__fit_transfer(t) < 0) fail_msg("%s", xbtab_error_message());
    assert_true(t->transfer.error.rmse < 1e-9 && t->transfer.error.failed == 0);
    near("effective matrix", t->transfer.error_geff.rmse / (sqrt(square_y) / I_most), 1, 1e-9);
    near("ideal", t->transfer.error_ideal.rmse / (sqrt(square_ideal) / I_most), 1, 1e-9);
    assert_true(t->transfer.error_ideal.rmse > 1.5 * t->transfer.error_geff.rmse);
    xbtab_tables_destroy(&t);
}

/* Too few good samples for the terms, or none to hold out: told, and not fitted. */
static void too_few_samples_are_refused(void **state)
{
    (void)state;
    xbtab_tables *t = sampled_tables();
    for (int v = (TILES - HELDOUT) * VECTORS; v < SAMPLES; v++)
        t->samples.status[v] = XBTAB_SAMPLE_NOT_CONVERGED;
    assert_int_equal(xbtab__fit_transfer(t), XBTAB_ERR_SPICE);
    assert_non_null(strstr(xbtab_error_message(), "every held-out sample failed"));
    xbtab_tables_destroy(&t);
    t = sampled_tables();
    for (int v = 1; v < (TILES - HELDOUT) * VECTORS; v++) t->samples.status[v] = XBTAB_SAMPLE_TIMEOUT;
    assert_int_equal(xbtab__fit_transfer(t), XBTAB_ERR_SPICE);
    assert_non_null(strstr(xbtab_error_message(), "only 7 good samples for the transfer table; it needs 12"));
    xbtab_tables_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terms_come_back),
        cmocka_unit_test(errors_are_of_the_heldout_samples),
        cmocka_unit_test(the_energys_scale_is_of_the_fits_tiles),
        cmocka_unit_test(wires_are_in_the_effective_matrix_alone),
        cmocka_unit_test(too_few_samples_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
