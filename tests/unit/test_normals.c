/* test_normals.c - many normals from one stream: their distribution, and that only stream and place count. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include <gsl/gsl_cdf.h>

#include "normals.h"

enum { N = 1 << 21, BINS = 64 };

static double drawn[N];

static void draw_all(void)
{
    xbtab__normals z;
    xbtab__random random;
    xbtab__normals_init(&z);
    xbtab__random_init(&random, 7, XBTAB__RANDOM_TEST, 1, 2);
    memset(drawn, 0, sizeof drawn);
    xbtab__normals_add(&z, &random, 1.0, NULL, drawn, N);
}

/* The layers close: what is left over the uppermost one is its share of the bell. */
static void layers_have_one_area(void **state)
{
    xbtab__normals z;
    (void)state;
    xbtab__normals_init(&z);
    for (int k = 1; k < XBTAB__NORMAL_LAYERS; k++) {
        double area = z.edge[k] * (z.height[k + 1] - z.height[k]);
        assert_true(fabs(area / 9.91256303526217e-3 - 1) < 1e-8);
    }
    double rest = 3.442619855899 * exp(-0.5 * 3.442619855899 * 3.442619855899) +
                  sqrt(2 * M_PI) * gsl_cdf_ugaussian_Q(3.442619855899);
    assert_true(fabs(rest / 9.91256303526217e-3 - 1) < 1e-8);
}

static void moments_are_a_normals(void **state)
{
    static const double wanted[] = {0, 1, 0, 3, 0, 15};
    double power[6] = {0};
    (void)state;
    draw_all();
    for (size_t k = 0; k < N; k++) {
        double x = 1;
        for (int p = 0; p < 6; p++) power[p] += (x *= drawn[k]) / N;
    }
    /* E[x^2p] of orders up to 12 give the standard errors: 1, 2, 15, 96, 945, 10170, each over N */
    static const double variance[] = {1, 2, 15, 96, 945, 10170};
    for (int p = 0; p < 6; p++) assert_true(fabs(power[p] - wanted[p]) < 4.5 * sqrt(variance[p] / N));
}

/* Equal shares, and the tail beyond the layers. */
static void chi_square_of_bins_and_tails(void **state)
{
    double count[BINS] = {0}, chi = 0, tail[2] = {0};
    (void)state;
    draw_all();
    for (size_t k = 0; k < N; k++) {
        count[(int)(BINS * gsl_cdf_ugaussian_P(drawn[k])) % BINS]++;
        tail[0] += fabs(drawn[k]) > 3.442619855899;
        tail[1] += fabs(drawn[k]) > 4.2;
    }
    for (int b = 0; b < BINS; b++) chi += (count[b] - N / BINS) * (count[b] - N / BINS) / (N / BINS);
    assert_true(chi < gsl_cdf_chisq_Pinv(0.9999, BINS - 1));
    assert_true(chi > gsl_cdf_chisq_Pinv(0.0001, BINS - 1));
    for (int t = 0; t < 2; t++) {
        double expected = N * 2 * gsl_cdf_ugaussian_Q(t ? 4.2 : 3.442619855899);
        assert_true(fabs(tail[t] - expected) < 4 * sqrt(expected));
    }
}

static void neighbours_are_independent(void **state)
{
    (void)state;
    draw_all();
    for (size_t lag = 1; lag <= 4; lag++) {
        double sum = 0, squares = 0;
        for (size_t k = lag; k < N; k++) {
            sum += drawn[k] * drawn[k - lag];
            squares += (drawn[k] * drawn[k] - 1) * (drawn[k - lag] * drawn[k - lag] - 1);
        }
        assert_true(fabs(sum) < 4.5 * sqrt(N));
        assert_true(fabs(squares) < 4.5 * 2 * sqrt(N));
    }
}

static void parts_give_the_same_as_the_whole(void **state)
{
    enum { FEW = 1013 };
    double whole[FEW] = {0}, parts[FEW] = {0}, scale[FEW];
    xbtab__normals z;
    xbtab__random a, b;
    (void)state;
    xbtab__normals_init(&z);
    for (size_t k = 0; k < FEW; k++) scale[k] = 0.5 + (double)(k % 7);
    xbtab__random_init(&a, 3, XBTAB__RANDOM_TEST, 0, 0);
    xbtab__random_init(&b, 3, XBTAB__RANDOM_TEST, 0, 0);
    xbtab__normals_add(&z, &a, 2.0, scale, whole, FEW);
    for (size_t k = 0; k < FEW; k += 11) {
        xbtab__normals_add(&z, &b, 2.0, scale + k, parts + k, FEW - k < 11 ? FEW - k : 11);
    }
    assert_memory_equal(whole, parts, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_have_one_area),
        cmocka_unit_test(moments_are_a_normals),
        cmocka_unit_test(chi_square_of_bins_and_tails),
        cmocka_unit_test(neighbours_are_independent),
        cmocka_unit_test(parts_give_the_same_as_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
