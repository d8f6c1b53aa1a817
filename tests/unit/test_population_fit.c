/* test_population_fit.c - populations estimated from devices whose truth is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/population_fit.h>

#include "memory.h"
#include "population_samples.h"
#include "random.h"

static char folder[] = "/tmp/xbartab-population-XXXXXX";
static xbtab__random noise;

static double z(void)
{
    return xbtab__random_normal(&noise);
}

static FILE *open_data(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    return f;
}

static xbtab_status try_fit(xbtab_population **out, const char *measurements)
{
    char path[256], *text = NULL;
    FILE *f = open_data("spec.yaml");
    fprintf(f,
            "name: truth\nsummary: s\nsource: drawn\nconductance: {min: 0 uS, max: 50 uS}\nmeasurements:\n%s",
            measurements);
    fclose(f);
    snprintf(path, sizeof path, "%s/spec.yaml", folder);
    xbtab_status status = xbtab_population_fit(&text, path, folder, NULL, NULL);
    if (status < 0) return status;
    status = xbtab_population_parse(out, text, "fitted");
    xbtab_population_text_free(&text);
    return status;
}

static xbtab_population *fit(const char *measurements)
{
    xbtab_population *p = NULL;
    xbtab__random_init(&noise, 9, XBTAB__RANDOM_TEST, 1, 1);
    if (try_fit(&p, measurements) < 0) fail_msg("%s", xbtab_error_message());
    return p;
}

static void close_to(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance)) fail_msg("%.9g, %.9g +- %.3g wanted", found, wanted, tolerance);
}

/* The test's 5 % on normal samples, and its power on others. */
static void anderson_darling_rejects_as_often_as_it_says(void **state)
{
    (void)state;
    enum { REPEATS = 1000, N = 60 };
    double x[N];
    int normal = 0, exponential = 0;
    xbtab__random_init(&noise, 1, XBTAB__RANDOM_TEST, 0, 0);
    for (int k = 0; k < REPEATS; k++) {
        for (int l = 0; l < N; l++) x[l] = 3 + 2 * z();
        normal += xbtab__anderson_darling(x, N) > 0.752;
        for (int l = 0; l < N; l++) x[l] = -log1p(-xbtab__random_uniform(&noise));
        exponential += xbtab__anderson_darling(x, N) > 0.752;
    }
    if (normal < 25 || normal > 75) fail_msg("%d of %d normal samples rejected", normal, REPEATS);
    assert_true(exponential > 0.98 * REPEATS);
}

static void families_are_told_apart(void **state)
{
    (void)state;
    enum { N = 400, GROUPS = 6 };
    static double value[GROUPS][N];
    xbtab__group group[GROUPS];
    for (int family = 0; family < 3; family++) {
        xbtab__choice choice;
        xbtab__random_init(&noise, 2, XBTAB__RANDOM_TEST, (uint32_t)family, 0);
        for (int g = 0; g < GROUPS; g++) {
            group[g] = (xbtab__group){.at = (5 + 5 * g) * 1e-6, .value = value[g], .n = N};
            for (int k = 0; k < N; k++) {
                double u = z(), x = group[g].at;
                value[g][k] = family == 0 ? x + 0.5e-6 * u
                              : family == 1
                                  ? x * exp(0.4 * u)
                                  : x + 0.4e-6 * (xbtab__random_uniform(&noise) < 0.5 ? 3 : -3) + 0.1e-6 * u;
            }
        }
        assert_int_equal(xbtab__choose_family(&choice, group, GROUPS, -1), XBTAB_OK);
        static const int wanted[] = {XBTAB_FAMILY_NORMAL, XBTAB_FAMILY_LOGNORMAL, XBTAB_FAMILY_QUANTILES};
        if (choice.family != wanted[family])
            fail_msg("family %d instead of %d", choice.family, wanted[family]);
    }
}

static void programming_and_relaxation_come_back(void **state)
{
    (void)state;
    double mean, sigma;
    xbtab__random_init(&noise, 3, XBTAB__RANDOM_TEST, 0, 0);
    FILE *f = open_data("write.tsv");
    for (int d = 0; d < 3200; d++) fprintf(f, "%d\t%.9g\n", d, 1e6 / (4 + 5 * (d % 8) + 0.3 + 0.8 * z()));
    fclose(f);
    f = open_data("relax.csv");
    fprintf(f, "cell,t,G\n");
    for (int d = 0; d < 4000; d++) {
        double G = 40.0 * d / 4000 + 5, u = z();
        fprintf(f, "%d,0,%.9g\n", d, G);
        for (double t = 1; t < 2000; t *= 10)
            fprintf(f, "%d,%g,%.9g\n", d, t * 1.02,
                    G - 0.1 * log(10 * t) + (0.2 + 0.01 * G) * log10(10 * t) * u);
    }
    fclose(f);
    xbtab_population *p = fit("  - {effect: programming, file: write.tsv, columns: {device: {number: 1}, "
                              "resistance: {number: 2}}, targets: "
                              "{count: 8, first: 4 uS, step: 5 uS}}\n"
                              "  - {effect: relaxation, file: relax.csv, columns: {device: {name: cell}, "
                              "time: {name: t}, conductance: "
                              "{name: G, unit: uS}}, bins: 10, times: [1 s, 10 s, 100 s, 1 ks]}\n");
    assert_int_equal(p->programming.family, XBTAB_FAMILY_NORMAL);
    xbtab_distribution_moments(&p->programming, 24e-6, &mean, &sigma);
    close_to(mean, 0.3e-6, 4 * 0.8e-6 / sqrt(400));
    close_to(sigma, 0.8e-6, 4 * 0.8e-6 / sqrt(800));
    assert_int_equal(p->relaxation.n_snapshots, 4);
    xbtab_relaxation_moments(p, 30e-6, 1000, 300, &mean, &sigma);
    close_to(mean, -0.1e-6 * log(1e4), 4 * 2e-6 / sqrt(400));
    close_to(sigma, 0.5e-6 * 4, 0.3e-6);
    /* confusion of levels agrees with the devices' own distribution */
    double share[36], all = 0;
    assert_int_equal(xbtab_population_confusion(p, 6, 8e-6, 1000, 300, 4000, 0, 1, share), XBTAB_OK);
    for (int k = 0; k < 36; k++) all += share[k];
    close_to(all, 6, 1e-9);
    assert_true(share[2 * 6 + 2] > 0.5 && share[2 * 6 + 2] < 0.999 && share[2 * 6 + 1] > share[2 * 6 + 3]);
    xbtab_population_destroy(&p);
}

static void spreads_reads_faults_and_wear_come_back(void **state)
{
    (void)state;
    xbtab__random_init(&noise, 4, XBTAB__RANDOM_TEST, 0, 0);
    FILE *f = open_data("cycles.csv");
    for (int d = 0; d < 400; d++) {
        double own = 20e-6 * exp(0.3 * z());
        for (int k = 0; k < 6; k++) fprintf(f, "%d %.9g\n", d, own * exp(0.05 * z()));
    }
    fclose(f);
    f = open_data("reads.csv");
    for (int d = 0; d < 6; d++) {
        double G = 10 + 5 * d;
        int high = 0;
        for (int k = 0; k < 600; k++) {
            if (d < 2 && xbtab__random_uniform(&noise) < 0.05) high = !high;
            fprintf(f, "%d,%.3f,%.9g\n", d, 0.1 * k, G * (1 + 0.01 * z() + 0.08 * high));
        }
    }
    fclose(f);
    f = open_data("map.csv");
    for (int d = 0; d < 20000; d++)
        fprintf(f, "%d,%.9g\n", d,
                d % 50 == 0    ? 0.1 * exp(0.2 * z())
                : d % 100 == 1 ? 90 * exp(0.1 * z())
                               : 20 + 3 * z());
    fclose(f);
    f = open_data("wear.csv");
    for (int d = 0; d < 8; d++) {
        double fails = 1e5 * exp(0.5 * z());
        for (int k = 0; k < 400; k++) {
            double n = 1e6 * k / 399.0;
            fprintf(f, "%d,%.1f,%.9g\n", d, n,
                    (n > fails ? 2 : 40 * (1 - 0.06 * log10(1 + n / 1e4))) + 0.2 * z());
        }
    }
    fclose(f);
    xbtab_population *p = fit("  - {effect: device_to_device, file: cycles.csv, columns: {device: {number: "
                              "1}, conductance: {number: 2}}}\n"
                              "  - {effect: cycle_to_cycle, file: cycles.csv, columns: {device: {number: 1}, "
                              "conductance: {number: 2}}}\n"
                              "  - {effect: read_noise, file: reads.csv, columns: {device: {number: 1}, "
                              "time: {number: 2}, conductance: "
                              "{number: 3, unit: uS}}}\n"
                              "  - {effect: stuck, file: map.csv, stuck_hrs_below: 1 uS, stuck_lrs_above: 50 "
                              "uS, columns: {device: {number: "
                              "1}, conductance: {number: 2, unit: uS}}}\n"
                              "  - {effect: endurance, file: wear.csv, columns: {device: {number: 1}, "
                              "writes: {number: 2}, conductance: "
                              "{number: 3, unit: uS}}}\n");
    close_to(xbtab_curve_at(&p->device_to_device.sigma, 20e-6), 0.3, 4 * 0.3 / sqrt(800));
    close_to(xbtab_curve_at(&p->cycle_to_cycle.sigma, 20e-6), 0.05, 4 * 0.05 / sqrt(4000));
    assert_true(p->rtn.is_given);
    close_to(p->rtn.share, 2.0 / 6, 1e-3);
    close_to(xbtab_curve_at(&p->rtn.amplitude, 15e-6), 0.08, 0.01);
    close_to(xbtab_read_noise_sigma(p, 25e-6, 1), 0.25e-6, 0.03e-6);
    close_to(p->stuck.hrs, 0.02, 1e-4);
    close_to(p->stuck.lrs, 0.01, 1e-4);
    close_to(p->stuck.G_hrs, 0.1e-6, 0.01e-6);
    close_to(log(p->endurance.median), log(1e5), 3 * 0.6 / sqrt(8));
    xbtab_population_destroy(&p);
}

/* Levels read before and after a bake: the distribution about the targets, and how much of its rank a device
 * keeps. A write that was chosen for its small error does not keep that from the bake. */
static void aged_levels_come_back(void **state)
{
    enum { LEVELS = 8, DEVICES = 4000, DRAWN = 20000 };
    const double memory = 0.4;
    double sum = 0, squares = 0;
    (void)state;
    xbtab__random_init(&noise, 6, XBTAB__RANDOM_TEST, 0, 0);
    FILE *before = open_data("before.csv"), *after = open_data("after.csv");
    for (int d = 0; d < DEVICES; d++) {
        double target = 10 + 5 * (d % LEVELS), a = z(), b = memory * a + sqrt(1 - memory * memory) * z();
        fprintf(before, "%d,%.9g\n", d, target + a);
        fprintf(after, "%d,%.9g\n", d, target - 2 + 3 * b);
    }
    fclose(before);
    fclose(after);
    xbtab_population *p = fit(
        "  - {effect: programming, file: before.csv, columns: {device: {number: 1}, conductance: {number: 2, "
        "unit: uS}}, targets: {count: 8, first: 10 uS, step: 5 uS}}\n"
        "  - {effect: relaxation, file: after.csv, before: before.csv, columns: {device: {number: 1}, "
        "conductance: {number: 2, unit: uS}}, targets: {count: 8, first: 10 uS, step: 5 uS}, t0: 1 s, "
        "times: [1 Ms], family: normal, assumption: \"an hour at 400 K\"}\n");
    assert_true(p->relaxation.from_target);
    assert_string_equal(p->relaxation.trust, "assumed");
    close_to(p->relaxation.memory, memory, 4 * (1 - memory * memory) / sqrt(DEVICES));
    close_to(xbtab_curve_at(&p->relaxation.snapshot[0].sigma, 25e-6), 3e-6, 4 * 3e-6 / sqrt(2.0 * 500));
    close_to(xbtab_curve_at(&p->relaxation.snapshot[0].mean, 25e-6), -2e-6, 4 * 3e-6 / sqrt(500));
    for (uint32_t d = 0; d < DRAWN; d++) {
        xbtab_device device;
        xbtab_written written;
        xbtab_device_draw(&device, p, 1, 0, d);
        uint32_t number = 0;
        do xbtab_device_write(&written, p, &device, 25e-6, number++, 0);
        while (fabs(written.G - 25e-6) > 0.1e-6);
        assert_true(xbtab_device_conductance(p, &device, &written, 0.5, 300) == written.G);
        double x = 1e6 * xbtab_device_conductance(p, &device, &written, 1e7, 300) - 23;
        sum += x / DRAWN;
        squares += x * x / DRAWN;
    }
    close_to(sum, 0, 0.5);
    close_to(sqrt(squares - sum * sum), 3 * sqrt(1 - memory * memory), 0.2);
    xbtab_population_destroy(&p);
}

static void retention_and_parameters_come_back(void **state)
{
    (void)state;
    xbtab__random_init(&noise, 5, XBTAB__RANDOM_TEST, 0, 0);
    FILE *f = open_data("bake.csv");
    for (int d = 0; d < 90; d++) {
        double T = 400 + 25 * (d % 3),
               fails = 1e5 * exp(1.2 / 8.617333262e-5 * (1 / T - 1 / 400.0) + 0.3 * z());
        for (double t = 1; t < 1e8; t *= 1.5)
            fprintf(f, "%d,%g,%g,%.6g\n", d, t, T, 20 * exp(-0.223 * t / fails));
    }
    fclose(f);
    f = open_data("own.csv");
    fprintf(f, "device,g,v0\n");
    for (int d = 0; d < 800; d++) {
        double a = z(), c = 0.7 * a + sqrt(1 - 0.49) * z();
        fprintf(f, "%d,%.9g,%.9g\n", d, 2e-5 * exp(0.5 * a), 0.4 + 0.03 * c);
    }
    fclose(f);
    xbtab_population *p = fit("  - {effect: retention, file: bake.csv, temperature: 400 K, columns: {device: "
                              "{number: 1}, time: {number: 2}, "
                              "temperature: {number: 3}, conductance: {number: 4, unit: uS}}}\n"
                              "  - {effect: parameters, file: own.csv, model: sinh, names: [g, v0], columns: "
                              "{device: {name: device}}}\n");
    close_to(p->retention.energy, 1.2, 0.12);
    close_to(log(xbtab_retention_median(p, 400)), log(1e5), 0.2);
    close_to(p->retention.sigma, 0.3, 0.08);
    assert_int_equal(p->parameters.n, 2);
    assert_int_equal(p->parameters.parameter[0].family, XBTAB_FAMILY_LOGNORMAL);
    close_to(p->parameters.parameter[0].spread, 0.5, 0.06);
    close_to(p->parameters.parameter[1].location, 0.4, 0.005);
    close_to(p->parameters.correlation[1], 0.7, 0.08);
    xbtab_population_destroy(&p);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *measurements, *words;
    } bad[] = {
        {"  - {effect: drift, file: own.csv}\n", "not one of: programming"},
        {"  - {effect: programming, file: own.csv, columns: {conductance: {number: 2}}}\n", "needs targets"},
        {"  - {effect: relaxation, file: own.csv, columns: {conductance: {number: 2}}}\n",
         "needs device and time"},
        {"  - {effect: relaxation, file: after.csv, before: map.csv, columns: {device: {number: 1}, "
         "conductance: "
         "{number: 2, unit: uS}}, targets: {count: 8, first: 10 uS, step: 5 uS}, times: [1 Ms]}\n",
         "other devices"},
        {"  - {effect: relaxation, file: after.csv, columns: {device: {number: 1}, conductance: {number: 2, "
         "unit: uS}}, targets: {count: 8, first: 10 uS, step: 5 uS}, times: [1 s, 1 Ms]}\n",
         "takes one of times"},
        {"  - {effect: programming, file: after.csv, columns: {device: {number: 1}, conductance: {number: 2, "
         "unit: mS}}, targets: {count: 8, first: 10 uS, step: 5 uS}}\n",
         "suspicious unit of the conductance"},
        {"  - {effect: programming, file: before.csv, columns: {device: {number: 1}, resistance: {number: 2, "
         "unit: Mohm}}, targets: {count: 8, first: 10 uS, step: 5 uS}}\n",
         "suspicious unit of the resistance"},
        {"  - {effect: stuck, file: nothing.csv, columns: {conductance: {number: 2}}}\n", "nothing.csv"},
        {"  - {effect: read_noise, file: own.csv, columns: {device: {name: device}, conductance: {name: "
         "g}}}\n",
         "no device has 100 reads"},
        {"  - {effect: retention, file: reads.csv, columns: {device: {number: 1}, time: {number: 2}, "
         "temperature: {number: "
         "1}, conductance: {number: 3, unit: uS}}}\n",
         "Arrhenius needs two"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        xbtab_population *p = NULL;
        assert_true(try_fit(&p, bad[k].measurements) < 0);
        if (!strstr(xbtab_error_message(), bad[k].words)) fail_msg("case %zu: %s", k, xbtab_error_message());
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anderson_darling_rejects_as_often_as_it_says),
        cmocka_unit_test(families_are_told_apart),
        cmocka_unit_test(programming_and_relaxation_come_back),
        cmocka_unit_test(spreads_reads_faults_and_wear_come_back),
        cmocka_unit_test(retention_and_parameters_come_back),
        cmocka_unit_test(aged_levels_come_back),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
