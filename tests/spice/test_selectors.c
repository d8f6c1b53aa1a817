/* Selectors in time: a threshold switch fires, holds and lets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include <xbartab/models.h>

#include "spice.h"

#ifdef __SANITIZE_ADDRESS__
/* ngspice never frees some of its own tables; what we allocate is still checked. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libngspice.so";
}
#endif

static xbtab__spice *spice;

static int open_spice(void **state)
{
    (void)state;
    return xbtab__spice_open(&spice, NULL);
}

static int close_spice(void **state)
{
    (void)state;
    xbtab__spice_close(&spice);
    return spice != NULL;
}

/* In series with 1 kohm: up to below the threshold, beyond it, back to where only history tells ON from OFF,
 * to 0 V, and there again from below; then the other polarity. */
static void a_threshold_switch_remembers(void **state)
{
    (void)state;
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    const double V_hold = 0.6, r_on = 1.5e3, R = 1e3;
    xbtab_models *models = NULL;
    assert_int_equal(xbtab_models_open(&models, &folder, 1), XBTAB_OK);
    const xbtab_model *ots = xbtab_models_find(models, XBTAB_MODEL_SELECTOR, "ots");
    const char *lines[] = {ots->sub_text,
                           "V1 x 0 dc 0 pwl(0 0 10n 0 20n 1.1 30n 1.1 40n 1.3 60n 0.9 70n 0.9 90n 0 110n 0 "
                           "120n 0.9 130n 0.9 150n -1.4 170n -0.9 180n -0.9 190n -0.605 200n -0.605)",
                           "X1 x y ots", "R1 y 0 1k"};
    const char *output = "v(y)";
    const struct {
        double time, drive;
        int is_on;
    } expected[] = {{28e-9, 1.1, 0},  {42e-9, 1.26, 1},  {68e-9, 0.9, 1},    {105e-9, 0, 0},
                    {128e-9, 0.9, 0}, {178e-9, -0.9, 1}, {199e-9, -0.605, 0}};
    enum { N = sizeof expected / sizeof expected[0] };
    double times[N];
    for (int k = 0; k < N; k++) times[k] = expected[k].time;
    xbtab__spice_waveform w = {0};
    xbtab__spice_transient_job job = {.lines = lines,
                                      .n_lines = 4,
                                      .t_stop = 200e-9,
                                      .reltol = 1e-5,
                                      .n_outputs = 1,
                                      .outputs = &output,
                                      .n_times = N,
                                      .times = times};
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_int_equal(w.status, XBTAB_SAMPLE_OK);
    for (int k = 0; k < N; k++) {
        double on = copysign((fabs(expected[k].drive) - V_hold) / (r_on + R) * R, expected[k].drive);
        if (expected[k].is_on) {
            assert_true(fabs(w.out[k] - on) < 0.02 * fabs(on));
        } else {
            assert_true(fabs(w.out[k]) < 1e-3); /* less than 1 uA */
        }
    }
    xbtab__spice_waveform_clear(&w);
    xbtab_models_destroy(&models);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_threshold_switch_remembers)};
    return cmocka_run_group_tests(tests, open_spice, close_spice);
}
