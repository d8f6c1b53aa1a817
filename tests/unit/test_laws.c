/* test_laws.c - laws fitted to pulses and to retention: 95 % intervals hold the truth as often as they say.
 */
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
#include <xbartab/calibrate.h>

#include "random.h"

/* Of 100 intervals that hold the truth with 95 % each, 88 to 99 do with a chance of 99.3 %; of 16, 12 or more
 * with 99.9 % (binomial). */
#ifdef __SANITIZE_ADDRESS__
enum { REPEATS = 16, LEAST = 12, MOST = 16 }; /* the other build counts a hundred */
#else
enum { REPEATS = 100, LEAST = 88, MOST = 99 };
#endif

static char folder[] = "/tmp/xbartab-laws-XXXXXX", data[64];

static FILE *begin(const char *header)
{
    FILE *f = fopen(data, "w");
    assert_non_null(f);
    fprintf(f, "%s\n", header);
    return f;
}

/* Fit the data by an example's specification and count whose intervals hold the truth. */
static void count(const char *example, const char *const *name, const double *truth, int n, int *held)
{
    char spec[512];
    const char *files[] = {data};
    xbtab_fit *fit = NULL;
    snprintf(spec, sizeof spec, "%s/data/calibration/%s", XBARTAB_SOURCE_FOLDER, example);
    if (xbtab_calibrate(&fit, spec, files, 1, NULL, NULL) < 0) fail_msg("%s", xbtab_error_message());
    for (int k = 0; k < n; k++) {
        const xbtab_fitted *p = NULL;
        for (int l = 0; l < fit->n_parameters; l++) {
            if (strcmp(fit->parameter[l].name, name[k]) == 0) p = &fit->parameter[l];
        }
        assert_true(p && p->is_identifiable && p->standard_error > 0);
        held[k] += p->low <= truth[k] && truth[k] <= p->high;
    }
    xbtab_fit_destroy(&fit);
}

static void judge(const char *const *name, int n, const int *held)
{
    for (int k = 0; k < n; k++) {
        printf("%s: the interval holds the truth %d times of %d\n", name[k], held[k], REPEATS);
        if (held[k] < LEAST || held[k] > MOST) fail_msg("%s: %d times of %d", name[k], held[k], REPEATS);
    }
}

static void pulses(void **state)
{
    (void)state;
    static const char *const name[] = {"g_last", "curvature"};
    const double truth[] = {40e-6, 15};
    int held[2] = {0};
    for (uint32_t repeat = 0; repeat < REPEATS; repeat++) {
        FILE *f = begin("device,pulse,G [uS]");
        for (uint32_t d = 0; d < 5; d++) {
            xbtab__random random;
            xbtab__random_init(&random, 21, XBTAB__RANDOM_TEST, d, repeat);
            for (int n = 0; n < 60; n += 5) {
                double G = 40 + (3.0 + d - 40) * exp(-n / truth[1]) + 0.4 * xbtab__random_normal(&random);
                fprintf(f, "d%u,%d,%.6f\n", d, n, G);
            }
        }
        fclose(f);
        count("pulses.yaml", name, truth, 2, held);
    }
    judge(name, 2, held);
}

static void retention(void **state)
{
    (void)state;
    static const char *const name[] = {"tau", "ea", "beta"};
    const double truth[] = {3e4, 1.1, 0.5};
    int held[3] = {0};
    for (uint32_t repeat = 0; repeat < REPEATS; repeat++) {
        FILE *f = begin("device;t [h];T [C];R [kohm]");
        for (uint32_t d = 0; d < 4; d++) {
            xbtab__random random;
            xbtab__random_init(&random, 22, XBTAB__RANDOM_TEST, d, repeat);
            double T = 85 + 30 * d,
                   tau = truth[0] * exp(truth[1] / 8.617333262e-5 * (1 / (T + 273.15) - 1 / 400.0));
            for (int k = 0; k < 8; k++) {
                double t = pow(10, 0.5 * k - 2.5), G = (20 + 5 * d) * exp(-pow(3600 * t / tau, truth[2]));
                fprintf(f, "r%u;%.9g;%g;%.9g\n", d, t, T,
                        1e3 / (G * exp(0.01 * xbtab__random_normal(&random))));
            }
        }
        fclose(f);
        count("retention.yaml", name, truth, 3, held);
    }
    judge(name, 3, held);
}

static int begin_all(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(data, sizeof data, "%s/data.csv", folder);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    return unlink(data) | rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pulses), cmocka_unit_test(retention)};
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
