/* test_population.c - population sheets: what is read, what the figures are, and that drawn devices follow
 * them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>

#include <cmocka.h>
#include <gsl/gsl_statistics_double.h>
#include <xbartab/population.h>

#include "memory.h"

static xbtab_population *shipped(const char *name)
{
    char path[512];
    xbtab_population *p = NULL;
    snprintf(path, sizeof path, "%s/data/populations/%s.yaml", XBARTAB_SOURCE_FOLDER, name);
    if (xbtab_population_open(&p, path) < 0) fail_msg("%s", xbtab_error_message());
    return p;
}

static xbtab_population *parsed(const char *sections)
{
    char text[4096];
    xbtab_population *p = NULL;
    snprintf(text, sizeof text,
             "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 50 uS}\ntemperature: 300 K\n%s",
             sections);
    if (xbtab_population_parse(&p, text, "test") < 0) fail_msg("%s", xbtab_error_message());
    return p;
}

static void close_to(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance)) fail_msg("%.12g, %.12g wanted", found, wanted);
}

/* The published polynomials, by hand. */
static void published_figures(void **state)
{
    (void)state;
    double mean, sigma;
    xbtab_population *wan = shipped("wan_2022"), *milo = shipped("milo_igvva100"), *cmo = shipped("cmo_hfox"),
                     *pcm = shipped("pcm");
    xbtab_distribution_moments(&wan->programming, 20e-6, &mean, &sigma);
    close_to(sigma, (1.536e-4 * 8000 - 1.167e-2 * 400 + 0.2374 * 20 + 1.053) * 1e-6, 1e-16);
    close_to(mean, 0, 0);
    xbtab_relaxation_moments(wan, 40e-6, 86400, 300, &mean, &sigma);
    close_to(sigma, (0.701 + 22.086 - 50.773 + 47.095 - 16.458) * 1e-6, 1e-15);
    xbtab_relaxation_moments(wan, 10e-6, 1, 300, &mean, &sigma); /* at 1 s: the programming error itself */
    close_to(sigma, (1.536e-4 * 1000 - 1.167e-2 * 100 + 2.374 + 1.053) * 1e-6, 1e-16);
    xbtab_distribution_moments(&milo->programming, 100e-6, &mean, &sigma);
    close_to(sigma, (4.782 - 0.9107) * 1e-6, 1e-16);
    xbtab_relaxation_moments(cmo, 50e-6, exp(1), 300, &mean, &sigma);
    close_to(mean, -0.0890e-6, 1e-16);
    close_to(sigma, 0.454e-6, 1e-16);
    close_to(xbtab_read_noise_sigma(cmo, 10e-6, 1.0), 0.0277e-6 * sqrt(log(1.000001 / 2e-6)), 1e-15);
    double nu = fmin(fmax(-0.0155 * log(0.4) + 0.0244, 0.049), 0.1);
    close_to(xbtab_relaxation_draw(pcm, 10e-6, 2000, 300, 0), 10e-6 * pow(100, -nu), 1e-15);
    xbtab_population_destroy(&wan);
    xbtab_population_destroy(&milo);
    xbtab_population_destroy(&cmo);
    xbtab_population_destroy(&pcm);
}

static const char quantiles[] =
    "programming:\n  family: quantiles\n  scale: absolute\n  source: s\n  trust: derived\n"
    "  quantiles:\n    times: 1 uS\n    probabilities: [0.01, 0.25, 0.5, 0.8, 0.99]\n"
    "    rows:\n      - {at: 5 uS, values: [-3, -0.5, 0.1, 0.7, 2]}\n"
    "      - {at: 15 uS, values: [-5, -1, 0, 1.2, 4]}\n";

/* Moments, ranks and draws of one distribution must say the same. */
static void one_distribution(const xbtab_distribution *d, double G)
{
    enum { N = 20000 };
    double *x = xbtab__alloc(N, sizeof *x), mean, sigma;
    for (int k = 0; k < N; k++) {
        double rank = (k + 0.5) / N, low = -8, high = 8; /* the normal's quantile by bisection */
        for (int l = 0; l < 60; l++) {
            double z = 0.5 * (low + high);
            if (0.5 * erfc(-z * M_SQRT1_2) < rank) {
                low = z;
            } else {
                high = z;
            }
        }
        x[k] = xbtab_distribution_draw(d, G, low);
        if (k % 97 == 0 && rank > 0.02 && rank < 0.98)
            close_to(xbtab_distribution_below(d, G, x[k]), rank, 1e-6);
    }
    xbtab_distribution_moments(d, G, &mean, &sigma);
    close_to(gsl_stats_mean(x, 1, N) - G, mean, 2e-3 * sigma);
    close_to(gsl_stats_sd(x, 1, N), sigma, 5e-3 * sigma);
    xbtab__free(x);
}

/* Beyond the last quantiles a tail falls off at their pace, by hand at 5 uS: down 2.5 uS from 25 to 1 %, which is
 * 2.5/ln(25) a factor e, and up 1.3 uS from 20 to 1 % above; a tenth of 1 % is ln(10) of it farther. */
static void tails_go_on_exponentially(void **state)
{
    (void)state;
    xbtab_population *q = parsed(quantiles);
    const double z = 3.0902323061678132, /* of 0.1 % */
        low = 5 - 3 - 2.5 / log(25.0) * log(10.0), high = 5 + 2 + 1.3 / log(20.0) * log(10.0);
    close_to(xbtab_distribution_draw(&q->programming, 5e-6, -z), low * 1e-6, 1e-14);
    close_to(xbtab_distribution_draw(&q->programming, 5e-6, z), high * 1e-6, 1e-14);
    close_to(xbtab_distribution_below(&q->programming, 5e-6, low * 1e-6), 0.001, 1e-9);
    close_to(xbtab_distribution_below(&q->programming, 5e-6, high * 1e-6), 0.999, 1e-9);
    close_to(xbtab_distribution_draw(&q->programming, 5e-6, -1e3), 0, 1e-30); /* no conductance is below 0 */
    xbtab_population_destroy(&q);
}

static void moments_ranks_and_draws_agree(void **state)
{
    (void)state;
    xbtab_population *q = parsed(quantiles), *wan = shipped("wan_2022"), *hfox = shipped("hfox_unverified");
    one_distribution(&q->programming, 5e-6);
    one_distribution(&q->programming, 11e-6);
    one_distribution(&wan->programming, 23e-6);
    one_distribution(&hfox->device_to_device, 40e-6);
    xbtab_population_destroy(&q);
    xbtab_population_destroy(&wan);
    xbtab_population_destroy(&hfox);
}

static void devices_follow_their_sheet(void **state)
{
    (void)state;
    enum { N = 20000 };
    xbtab_population *p = shipped("hfox_unverified"), *wan = shipped("wan_2022");
    double *x = xbtab__alloc(N, sizeof *x), *y = xbtab__alloc(N, sizeof *y), mean, sigma;
    int n = 0, lrs = 0, hrs = 0, worn = 0;
    for (uint32_t k = 0; k < N; k++) {
        xbtab_device device;
        xbtab_written written;
        xbtab_device_draw(&device, p, 5, 2, k);
        lrs += device.is_stuck && device.G_stuck > 50e-6;
        hrs += device.is_stuck && device.G_stuck < 50e-6;
        worn += device.writes_max < 1e6;
        if (device.is_stuck) continue;
        xbtab_device_write(&written, p, &device, 30e-6, 0, 0);
        x[n++] = log(written.G / 30e-6);
    }
    close_to(lrs / (double)N, 0.0904, 4 * sqrt(0.0904 * 0.91 / N));
    close_to(hrs / (double)N, 0.0175, 4 * sqrt(0.0175 * 0.98 / N));
    close_to(worn / (double)N, 0.5, 4 * 0.5 / sqrt(N));
    double wanted = hypot(xbtab_curve_at(&p->device_to_device.sigma, 30e-6),
                          xbtab_curve_at(&p->cycle_to_cycle.sigma, 30e-6));
    close_to(gsl_stats_sd(x, 1, (size_t)n), wanted, 4 * wanted / sqrt(2.0 * n));
    for (uint32_t k = 0; k < N; k++) {
        xbtab_device device;
        xbtab_written written;
        xbtab_device_draw(&device, wan, 5, 0, k);
        xbtab_device_write(&written, wan, &device, 20e-6, 3, 0);
        x[k] = written.G;
        y[k] = xbtab_device_conductance(wan, &device, &written, 86400, 300);
    }
    xbtab_relaxation_moments(wan, 20e-6, 86400, 300, &mean, &sigma);
    close_to(gsl_stats_mean(y, 1, N), 20e-6 + mean, 4 * sigma / sqrt(N));
    close_to(gsl_stats_sd(y, 1, N), sigma, 4 * sigma / sqrt(2.0 * N));
    assert_true(gsl_stats_correlation(x, 1, y, 1, N) > 0.99); /* a device keeps its rank */
    xbtab__free(x);
    xbtab__free(y);
    xbtab_population_destroy(&p);
    xbtab_population_destroy(&wan);
}

/* The same key gives the same bits, in any order; another chip, device, write or read gives others. */
static void keys_decide_everything(void **state)
{
    (void)state;
    xbtab_population *p = shipped("hfox_unverified");
    xbtab_device a, b, c;
    xbtab_written w, v;
    xbtab_device_draw(&a, p, 7, 1, 77);
    xbtab_device_draw(&c, p, 7, 2, 77);
    xbtab_device_draw(&b, p, 7, 1, 77);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.z_device != c.z_device);
    xbtab_device_write(&w, p, &a, 20e-6, 0, 0);
    xbtab_device_write(&v, p, &a, 20e-6, 1, 1);
    assert_true(w.G != v.G || a.is_stuck);
    double first = xbtab_device_read(p, &a, &w, 1, 300, 4), other = xbtab_device_read(p, &a, &w, 1, 300, 5);
    assert_true(first == xbtab_device_read(p, &b, &w, 1, 300, 4) && first != other);
    xbtab_population_destroy(&p);
}

static void heat_shortens_retention_and_speeds_relaxation(void **state)
{
    (void)state;
    xbtab_population *p = shipped("hfox_unverified");
    double ratio = xbtab_retention_median(p, 358.15) / xbtab_retention_median(p, 398.15);
    close_to(ratio, exp(1.35 / 8.617333262e-5 * (1 / 358.15 - 1 / 398.15)), 1e-9 * ratio);
    close_to(xbtab_retention_median(p, 358.15), 315.4e6, 1);
    xbtab_population *q = parsed(
        "relaxation:\n  law: log\n  t0: 1 s\n  activation_energy: 1 eV\n  mean_slope: {value: -0.2 uS}\n"
        "  sigma: {value: 0.1 uS}\n  source: s\n  trust: assumed\n");
    double faster = exp(1.0 / 8.617333262e-5 * (1 / 300.0 - 1 / 330.0)), mean, sigma, hot;
    xbtab_relaxation_moments(q, 9e-6, 10, 330, &hot, &sigma);
    xbtab_relaxation_moments(q, 9e-6, 10 * faster, 300, &mean, &sigma);
    close_to(hot, mean, 1e-18);
    xbtab_relaxation_moments(q, 9e-6, 0.5, 300, &mean, &sigma); /* before t0 nothing has happened */
    assert_true(mean == 0 && sigma == 0);
    xbtab_population_destroy(&p);
    xbtab_population_destroy(&q);
}

static void parameters_are_correlated(void **state)
{
    (void)state;
    enum { N = 20000 };
    xbtab_population *p = parsed("parameters:\n  model: sinh\n  source: s\n  trust: assumed\n  values:\n"
                                 "    - {name: g, family: lognormal, location: 1e-5, spread: 0.2}\n"
                                 "    - {name: v0, family: normal, location: 0.4, spread: 0.03, min: 0.1}\n"
                                 "  correlation:\n    - {values: [1, -0.6]}\n    - {values: [-0.6, 1]}\n");
    double *x = xbtab__alloc(N, sizeof *x), *y = xbtab__alloc(N, sizeof *y);
    for (uint32_t k = 0; k < N; k++) {
        double value[2];
        xbtab_device_parameters(p, 3, 0, k, value);
        x[k] = log(value[0]);
        y[k] = value[1];
    }
    close_to(gsl_stats_mean(x, 1, N), log(1e-5), 4 * 0.2 / sqrt(N));
    close_to(gsl_stats_sd(y, 1, N), 0.03, 4 * 0.03 / sqrt(2.0 * N));
    close_to(gsl_stats_correlation(x, 1, y, 1, N), -0.6, 4 * 0.64 / sqrt(N));
    xbtab__free(x);
    xbtab__free(y);
    xbtab_population_destroy(&p);
}

static void every_shipped_sheet_is_sound(void **state)
{
    (void)state;
    DIR *folder = opendir(XBARTAB_SOURCE_FOLDER "/data/populations");
    int n = 0;
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        size_t length = strlen(entry->d_name);
        char name[256];
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0) continue;
        snprintf(name, sizeof name, "%.*s", (int)length - 5, entry->d_name);
        xbtab_population *p = shipped(name);
        assert_string_equal(p->name, name);
        for (int k = 0; k <= 20; k++) {
            double G = p->G_min + (p->G_max - p->G_min) * k / 20, times[] = {1e-3, 1, 1e3, 1e5, 1e9};
            for (int l = 0; l < 5; l++) {
                for (int z = -4; z <= 4; z++) {
                    double x = xbtab_relaxation_draw(p, xbtab_distribution_draw(&p->programming, G, z),
                                                     times[l], 330, z);
                    if (!(x >= 0 && x < 1)) fail_msg("%s: %g S at %g S after %g s", name, x, G, times[l]);
                }
                assert_true(xbtab_read_noise_sigma(p, G, times[l]) >= 0);
            }
        }
        xbtab_population_destroy(&p);
        n++;
    }
    closedir(folder);
    assert_true(n >= 8);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *sections, *words;
    } bad[] = {
        {"programming: {family: normal, source: s, trust: assumed}\n", "programming: needs sigma"},
        {"programming: {family: normal, sigma: {value: -1 uS}, source: s, trust: assumed}\n", "outside"},
        {"programming: {family: normal, sigma: {value: 1}, source: s, trust: assumed}\n", "no unit"},
        {"programming: {family: gauss, sigma: {value: 1 uS}, source: s, trust: assumed}\n", "not one of"},
        {"programming: {family: normal, sigma: {value: 1 uS}, source: s, trust: sure}\n", "not one of"},
        {"programming: {family: normal, sigma: {polynomial: [1, 2]}, source: s, trust: assumed}\n", "times"},
        {"stuck: {stuck_lrs: 60 %, stuck_hrs: 50 %, source: s, trust: assumed}\n", "stuck.stuck_hrs"},
        {"drift: {law: power}\n", "Unexpected key: drift; allowed here: name, summary"},
        {"relaxation: {law: power, t0: 1 s, source: s, trust: assumed}\n", "nu_mean"},
        {"relaxation: {law: snapshots, t0: 1 s, source: s, trust: assumed, snapshots: "
         "[{time: 1 s, family: normal, sigma: {value: 1 uS}}]}\n",
         "above t0"},
        {"programming: {family: normal, sigma: {at: [2 uS, 1 uS], values: [1 uS, 1 uS]}, source: s, trust: "
         "assumed}\n",
         "must rise"},
        {"parameters: {model: m, source: s, trust: assumed, values: [{name: a, family: normal, location: 1, "
         "spread: 1}, {name: b, family: normal, location: 1, spread: 1}], correlation: [{values: [1, 1]}, "
         "{values: [1, 1]}]}\n",
         "not positive definite"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        char text[1024];
        xbtab_population *p = NULL;
        snprintf(text, sizeof text,
                 "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 50 uS}\n%s", bad[k].sections);
        assert_int_equal(xbtab_population_parse(&p, text, "t.yaml"), XBTAB_ERR_INPUT);
        assert_null(p);
        if (!strstr(xbtab_error_message(), bad[k].words) || strncmp(xbtab_error_message(), "t.yaml:", 7) != 0)
            fail_msg("case %zu: \"%s\"", k, xbtab_error_message());
    }
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        xbtab_population *p = NULL;
        xbtab__alloc_fail_after(n);
        xbtab_status status =
            xbtab_population_open(&p, XBARTAB_SOURCE_FOLDER "/data/populations/hfox_unverified.yaml");
        xbtab__alloc_fail_after(-1);
        xbtab_population_destroy(&p);
        if (status == XBTAB_OK) break;
        assert_int_equal(status, XBTAB_ERR_NOMEM);
        assert_true(n < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_figures),
        cmocka_unit_test(tails_go_on_exponentially),
        cmocka_unit_test(moments_ranks_and_draws_agree),
        cmocka_unit_test(devices_follow_their_sheet),
        cmocka_unit_test(keys_decide_everything),
        cmocka_unit_test(heat_shortens_retention_and_speeds_relaxation),
        cmocka_unit_test(parameters_are_correlated),
        cmocka_unit_test(every_shipped_sheet_is_sound),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
