/* The noise analysis against closed forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "spice.h"

#ifdef __SANITIZE_ADDRESS__
/* ngspice never frees some of its own tables; what we allocate is still checked. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libngspice.so";
}
#endif

static const double kT = 1.380649e-23 * 300.15;

static xbtab__spice *spice;

static int open_spice(void **state)
{
    (void)state;
    xbtab_status status = xbtab__spice_open(&spice, NULL);
    if (status < 0) print_message("%s\n", xbtab_error_message());
    return status;
}

static int close_spice(void **state)
{
    (void)state;
    xbtab__spice_close(&spice);
    return spice != NULL;
}

/* Within the 0.02 % of the integral, and what ngspice's rounded constants and gmin leave. */
static int is_near(double found, double wanted)
{
    if (fabs(found - wanted) <= 1e-3 * wanted) return 1;
    print_message("%g instead of %g\n", found, wanted);
    return 0;
}

static void run(xbtab__spice_noise *noise, const char *line, double f_low, double f_high)
{
    xbtab__spice_noise_job job = {.lines = &line,
                                  .n_lines = 1,
                                  .output = "v(out)",
                                  .source = "vdrive",
                                  .f_low = f_low,
                                  .f_high = f_high,
                                  .per_decade = 50};
    assert_int_equal(xbtab__spice_noise_run(spice, &job, noise), XBTAB_OK);
    if (noise->status != XBTAB_SAMPLE_OK) print_message("%s\n", noise->reason);
}

static void a_resistor_and_a_capacitor_have_kT_over_C(void **state)
{
    (void)state;
    xbtab__spice_noise noise;
    run(&noise, "Vdrive in 0 dc 0 ac 1\nR1 in out 3.7k\nC1 out 0 1.3p", 1, 1e14);
    assert_int_equal(noise.status, XBTAB_SAMPLE_OK);
    assert_true(noise.n > 600 && noise.f[0] == 1);
    assert_true(is_near(noise.density[0], sqrt(4 * kT * 3.7e3)));
    assert_true(is_near(xbtab__spice_noise_rms(&noise, INFINITY), sqrt(kT / 1.3e-12)));
    xbtab__spice_noise_clear(&noise);
    assert_null(noise.f);
}

/* A pole narrows white noise to pi/2 of its frequency; a resistor that is told not to make noise makes none.
 */
static void a_pole_limits_white_noise(void **state)
{
    (void)state;
    xbtab__spice_noise noise;
    double f = 71e6, wanted = sqrt(4 * kT * 50e3 * 1.5707963267948966 * f);
    run(&noise, "Vdrive in 0 dc 0 ac 1\nR1 in out 50k\nR2 in quiet 1k noisy=0\nR3 quiet 0 1k noisy=0", 1e2,
        1e13);
    assert_int_equal(noise.status, XBTAB_SAMPLE_OK);
    assert_true(is_near(xbtab__spice_noise_rms(&noise, f), wanted));
    xbtab__spice_noise_clear(&noise);
    run(&noise, "Vdrive in 0 dc 0 ac 1\nR1 in out 50k noisy=0\nR2 out 0 50k noisy=0", 1e2, 1e6);
    assert_int_equal(noise.status, XBTAB_SAMPLE_OK);
    assert_true(xbtab__spice_noise_rms(&noise, INFINITY) < 1e-12);
    xbtab__spice_noise_clear(&noise);
}

/* A transistor in saturation: 8/3 k T gm into its load, beside the load's own noise. */
static void a_transistor_has_its_thermal_noise(void **state)
{
    (void)state;
    xbtab__spice_noise noise;
    double kp = 270e-6, W_over_L = 20, overdrive = 0.25, R = 1e3;
    double gm = kp * W_over_L * overdrive, wanted = R * sqrt(8.0 / 3.0 * kT * gm + 4 * kT / R);
    run(&noise,
        "Vdrive g 0 dc 0.65 ac 1\nVdd dd 0 dc 2\nR1 dd out 1k\nM1 out g 0 0 n w=20u l=1u\n"
        ".model n nmos level=1 vto=0.4 kp=270u",
        1e3, 1e6);
    assert_int_equal(noise.status, XBTAB_SAMPLE_OK);
    assert_true(is_near(noise.density[7], wanted));
    xbtab__spice_noise_clear(&noise);
}

static void what_cannot_be_analyzed_says_why(void **state)
{
    (void)state;
    const char *line = "Vdrive in 0 dc 0 ac 1\nR1 in out 1k\nR2 out 0 1k";
    xbtab__spice_noise_job job = {.lines = &line, .n_lines = 1, .output = "v(out)", .source = "vdrive"};
    xbtab__spice_noise noise;
    job.f_low = 10, job.f_high = 5, job.per_decade = 10;
    assert_int_equal(xbtab__spice_noise_run(spice, &job, &noise), XBTAB_ERR_INPUT);
    job.f_high = 1e3, job.source = "vnone";
    assert_int_equal(xbtab__spice_noise_run(spice, &job, &noise), XBTAB_OK);
    assert_int_equal(noise.status, XBTAB_SAMPLE_REFUSED);
    assert_true(noise.reason[0] != '\0');
    xbtab__spice_noise_clear(&noise);
    job.source = "vdrive", job.output = "out";
    assert_int_equal(xbtab__spice_noise_run(spice, &job, &noise), XBTAB_ERR_INPUT);
    /* and the next job is none the worse for it */
    run(&noise, line, 10, 1e3);
    assert_int_equal(noise.status, XBTAB_SAMPLE_OK);
    assert_true(is_near(noise.density[0], sqrt(4 * kT * 500)));
    xbtab__spice_noise_clear(&noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resistor_and_a_capacitor_have_kT_over_C),
        cmocka_unit_test(a_pole_limits_white_noise),
        cmocka_unit_test(a_transistor_has_its_thermal_noise),
        cmocka_unit_test(what_cannot_be_analyzed_says_why),
    };
    return cmocka_run_group_tests(tests, open_spice, close_spice);
}
