/* Transients in the ngspice host against closed forms, and runs that cannot end well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "spice.h"
#include "text.h"

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

/* 3.3 kohm and 2 pF behind a step of 0.7 V that rises within a femtosecond. */
static const char *const rc[] = {"V1 a 0 pwl(0 0 1f 0.7 1 0.7)", "R1 a b 3.3k", "C1 b 0 2p"};
static const double R = 3.3e3, C = 2e-12, V = 0.7;

static void charging_at_given_times_follows_the_exponential(void **state)
{
    (void)state;
    double times[57];
    const double reltol = 1e-7;
    for (int k = 0; k < 57; k++) times[k] = 50e-9 * k / 56;
    xbtab__spice_waveform w = {0};
    xbtab__spice_transient_job job = {.lines = rc,
                                      .n_lines = 3,
                                      .t_stop = 50e-9,
                                      .reltol = reltol,
                                      .n_outputs = 2,
                                      .outputs = (const char *const[]){"v(b)", "i(v1)"},
                                      .n_times = 57,
                                      .times = times};
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_int_equal(w.status, XBTAB_SAMPLE_OK);
    assert_string_equal(w.reason, "");
    assert_int_equal(w.n, 57);
    for (size_t k = 0; k < w.n; k++) {
        double rest = exp(-times[k] / (R * C));
        assert_true(w.t[k] == times[k]);
        assert_true(fabs(w.out[2 * k] - V * (1 - rest)) < 3e-5 * V);
        if (k) assert_true(fabs(w.out[2 * k + 1] + V / R * rest) < 3e-5 * V / R);
    }
    xbtab__spice_waveform_clear(&w);
    assert_null(w.t);
}

/* 100 pulses of 27 ns: a source of its own would lose its corners after some 40 of them. */
static void corners_of_a_long_source_are_time_points(void **state)
{
    (void)state;
    enum { PULSES = 100, CORNERS = 4 * PULSES };
    static const double at[] = {0, 1e-9, 21e-9, 22e-9};
    double corners[CORNERS], t = 0;
    xbtab__text text = {0};
    xbtab__text_add(&text, "R1 a b 3.3k\nC1 b 0 2p\nV1 a 0 pwl(0 0");
    for (int p = 0; p < PULSES; p++, t += 27e-9) {
        for (int c = 0; c < 4; c++) {
            corners[4 * p + c] = t + at[c];
            if (p + c > 0) xbtab__text_add(&text, "\n+ %.17g %d", t + at[c], c == 1 || c == 2);
        }
    }
    xbtab__text_add(&text, "\n+ 1 0)\n");
    xbtab__spice_waveform w = {0};
    xbtab__spice_transient_job job = {.lines = (const char *const[]){text.s},
                                      .n_lines = 1,
                                      .t_stop = t,
                                      .step_max = 1e-9,
                                      .reltol = 1e-3,
                                      .n_outputs = 1,
                                      .outputs = (const char *const[]){"v(b)"},
                                      .n_corners = CORNERS,
                                      .corners = corners};
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_int_equal(w.status, XBTAB_SAMPLE_OK);
    size_t k = 0;
    for (int c = 0; c < CORNERS; c++) {
        while (k < w.n && w.t[k] < corners[c] - 1e-12 * t) k++;
        assert_true(k < w.n && w.t[k] <= corners[c] + 1e-12 * t);
    }
    xbtab__spice_waveform_clear(&w);
    xbtab__text_clear(&text);
}

static void whole_waveform_rises_to_the_end(void **state)
{
    (void)state;
    xbtab__spice_waveform w = {0};
    for (int is_stiff = 0; is_stiff < 2; is_stiff++) {
        xbtab__spice_transient_job job = {.lines = rc,
                                          .n_lines = 3,
                                          .t_stop = 40e-9,
                                          .is_stiff = is_stiff,
                                          .n_outputs = 1,
                                          .outputs = (const char *const[]){"v(b)"}};
        assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
        assert_int_equal(w.status, XBTAB_SAMPLE_OK);
        assert_true(w.n > 50);
        for (size_t k = 1; k < w.n; k++) {
            assert_true(w.t[k] > w.t[k - 1]);
            assert_true(fabs(w.out[k] - V * (1 - exp(-w.t[k] / (R * C)))) < 3e-4 * V);
        }
        assert_true(fabs(w.t[w.n - 1] - 40e-9) < 1e-17);
        xbtab__spice_waveform_clear(&w);
    }
}

static void initial_conditions_in_a_subcircuit_hold(void **state)
{
    (void)state;
    const char *const lines[] = {
        ".subckt store out start=1\n.ic v(out)={start}\nCs out 0 1n\nRs out 0 1k\n.ends",
        "X1 p store start=0.3", "X2 q store start=0.8"};
    const double times[] = {0, 1e-6, 2.5e-6};
    xbtab__spice_waveform w = {0};
    xbtab__spice_transient_job job = {.lines = lines,
                                      .n_lines = 3,
                                      .t_stop = 3e-6,
                                      .step_max = 5e-9,
                                      .n_outputs = 2,
                                      .outputs = (const char *const[]){"v(p)", "v(q)"},
                                      .n_times = 3,
                                      .times = times};
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_int_equal(w.status, XBTAB_SAMPLE_OK);
    for (int k = 0; k < 3; k++) {
        assert_true(fabs(w.out[2 * k] - 0.3 * exp(-times[k] / 1e-6)) < 1e-5);
        assert_true(fabs(w.out[2 * k + 1] - 0.8 * exp(-times[k] / 1e-6)) < 1e-5);
    }
    xbtab__spice_waveform_clear(&w);
}

/* A state that runs away as 1/(t0 - t) has no solution beyond t0. */
static void run_that_stops_keeps_what_came_before(void **state)
{
    (void)state;
    const char *const lines[] = {".ic v(x)=1", "C1 x 0 1", "B1 0 x I=V(x)*V(x)*1e9"};
    const double times[] = {0.2e-9, 0.5e-9, 2e-9};
    xbtab__spice_waveform w = {0};
    xbtab__spice_transient_job job = {.lines = lines,
                                      .n_lines = 3,
                                      .t_stop = 3e-9,
                                      .step_max = 5e-12,
                                      .n_outputs = 1,
                                      .outputs = (const char *const[]){"v(x)"},
                                      .n_times = 3,
                                      .times = times};
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_true(w.status == XBTAB_SAMPLE_NOT_CONVERGED || w.status == XBTAB_SAMPLE_NOT_FINITE);
    assert_true(strlen(w.reason) > 0);
    assert_int_equal(w.n, 3);
    assert_true(fabs(w.out[0] - 1.25) < 1e-3);
    assert_true(fabs(w.out[1] - 2.0) < 1e-3);
    assert_true(isnan(w.out[2]));
    xbtab__spice_waveform_clear(&w);
}

static void bad_jobs_are_refused_with_the_reason(void **state)
{
    (void)state;
    const double falling[] = {1e-9, 0.5e-9}, beyond[] = {60e-9};
    const char *const outputs[] = {"v(b)"}, *const missing[] = {"v(b)", "v(nowhere)"};
    const xbtab__spice_transient_job good = {
        .lines = rc, .n_lines = 3, .t_stop = 50e-9, .n_outputs = 1, .outputs = outputs};
    xbtab__spice_waveform w = {0};
    xbtab__spice_transient_job job = good;
    job.t_stop = 0;
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_ERR_INPUT);
    job = good;
    job.times = falling;
    job.n_times = 2;
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "time 1 of 2"));
    job.times = beyond;
    job.n_times = 1;
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_ERR_INPUT);
    job = good;
    job.outputs = missing;
    job.n_outputs = 2;
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_int_equal(w.status, XBTAB_SAMPLE_REFUSED);
    assert_non_null(strstr(w.reason, "nowhere"));
    xbtab__spice_waveform_clear(&w);
    job = good;
    job.lines = (const char *const[]){".control", "R1 a b 1k", "C1 b 0 2p"};
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_ERR_INPUT);
    job = good;
    assert_int_equal(xbtab__spice_transient(spice, &job, &w), XBTAB_OK);
    assert_int_equal(w.status, XBTAB_SAMPLE_OK);
    xbtab__spice_waveform_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charging_at_given_times_follows_the_exponential),
        cmocka_unit_test(corners_of_a_long_source_are_time_points),
        cmocka_unit_test(whole_waveform_rises_to_the_end),
        cmocka_unit_test(initial_conditions_in_a_subcircuit_hold),
        cmocka_unit_test(run_that_stops_keeps_what_came_before),
        cmocka_unit_test(bad_jobs_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, open_spice, close_spice);
}
