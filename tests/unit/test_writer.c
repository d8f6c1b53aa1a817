/* Pulse tables: to a file and back, between their points, and along trains whose closed form is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/write.h>

#include "complete_tables.h"

static const double G_low = 1e-6, G_high = 30e-6;

/* Soft bounds: a set pulse closes a share r of the way to G_high, a reset pulse to G_low. Its share grows
 * with the amplitude and the width, so that places between the pulses have a closed form too. */
static double share_of(double V, double width)
{
    return 0.02 + 0.1 * fabs(V) + 0.01 * log(width / 10e-9);
}

static double after(int kind, double V, double width, double G)
{
    return G + share_of(V, width) * ((kind == XBTAB_PULSE_SET ? G_high : G_low) - G);
}

enum { N_V = 3, N_W = 2, N_PULSES = 2 * N_V * N_W, N_G = 33 };
static const double volts[N_V] = {0.8, 1.0, 1.5}, widths[N_W] = {20e-9, 80e-9};

static void fill(xbtab_write_data *w)
{
    double *arrays[5];
    *w = (xbtab_write_data){.n = N_PULSES, .n_G = N_G, .v_read = 0.2};
    w->kind = xbtab__alloc(N_PULSES, sizeof *w->kind);
    for (int k = 0; k < 3; k++) arrays[k] = xbtab__alloc(N_PULSES, sizeof(double));
    w->amplitude = arrays[0];
    w->width = arrays[1];
    w->v_gate = arrays[2];
    for (int k = 0; k < 3; k++) arrays[k] = xbtab__alloc(N_PULSES * N_G, sizeof(double));
    w->dG = arrays[0];
    w->sigma = arrays[1];
    w->energy = arrays[2];
    w->G = xbtab__alloc(N_G, sizeof(double));
    w->source = xbtab__strdup("soft bounds");
    for (int k = 0; k < N_G; k++) w->G[k] = G_low * pow(G_high / G_low, (double)k / (N_G - 1));
    for (int p = 0; p < N_PULSES; p++) {
        w->kind[p] = p / (N_V * N_W);
        w->amplitude[p] = (w->kind[p] ? -1 : 1) * volts[p / N_W % N_V];
        w->width[p] = widths[p % N_W];
        w->v_gate[p] = NAN;
        for (int k = 0; k < N_G; k++) {
            double G = w->G[k];
            w->dG[p * N_G + k] = after(w->kind[p], w->amplitude[p], w->width[p], G) - G;
            w->sigma[p * N_G + k] = 0.01 * G;
            w->energy[p * N_G + k] = G * w->amplitude[p] * w->amplitude[p] * w->width[p];
        }
    }
    w->error = (xbtab_fit_error){0.001, 0.002, G_high - G_low, 77, 1};
    w->error_train = (xbtab_fit_error){0.003, 0.004, G_high - G_low, 200, 0};
}

static const sinh_design design = {5, 3, 4, 1, 8, 1.0, 1.0, 0.5};

static void tables_with_pulses_come_back(void **state)
{
    (void)state;
    char path[] = "writer-XXXXXX.h5";
    assert_true(close(mkstemps(path, 3)) == 0);
    xbtab_tables *t = sinh_tables(&design), *back = NULL;
    complete_tables(t);
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    assert_int_equal(back->write.n, 0);
    xbtab_tables_destroy(&back);
    fill(&t->write);
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    const xbtab_write_data *a = &t->write, *b = &back->write;
    assert_int_equal(b->n, N_PULSES);
    assert_int_equal(b->n_G, N_G);
    assert_memory_equal(a->kind, b->kind, N_PULSES * sizeof *a->kind);
    assert_memory_equal(a->amplitude, b->amplitude, N_PULSES * sizeof(double));
    assert_memory_equal(a->width, b->width, N_PULSES * sizeof(double));
    assert_true(isnan(b->v_gate[3]));
    assert_memory_equal(a->G, b->G, N_G * sizeof(double));
    assert_memory_equal(a->dG, b->dG, N_PULSES * N_G * sizeof(double));
    assert_memory_equal(a->sigma, b->sigma, N_PULSES * N_G * sizeof(double));
    assert_memory_equal(a->energy, b->energy, N_PULSES * N_G * sizeof(double));
    assert_string_equal(b->source, "soft bounds");
    assert_true(b->v_read == 0.2 && b->error.samples == 77 && b->error_train.max == 0.004);
    xbtab_tables_destroy(&back);
    t->write.dG[5] = -1.0; /* below nothing */
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "/write/change"));
    xbtab_tables_destroy(&t);
    unlink(path);
}

static void clear(xbtab_tables *holder, xbtab_writer **w)
{
    xbtab_writer_destroy(w);
    xbtab_tables_destroy(&holder);
}

/* The tables own their arrays: a holder frees them. */
static xbtab_tables *holder_of_pulses(void)
{
    xbtab_tables *t = xbtab__alloc(1, sizeof *t);
    fill(&t->write);
    return t;
}

static void trains_follow_the_closed_form(void **state)
{
    (void)state;
    enum { N = 100 };
    xbtab_tables *t = holder_of_pulses();
    xbtab_writer *w = NULL;
    xbtab_pulse pulse[N];
    double G[N], energy = 0, E = 0;
    assert_int_equal(xbtab_writer_create(&w, &t->write), XBTAB_OK);
    for (int k = 0; k < N; k++) {
        pulse[k] = k < N / 2 ? (xbtab_pulse){XBTAB_PULSE_SET, 1.0, 20e-9, NAN}
                             : (xbtab_pulse){XBTAB_PULSE_RESET, -0.8, 80e-9, NAN};
    }
    double expected = 2.385e-6, now = expected;
    assert_int_equal(xbtab_writer_train(w, pulse, N, expected, NULL, G, &energy), XBTAB_OK);
    for (int k = 0; k < N; k++) {
        E += now * pulse[k].amplitude * pulse[k].amplitude * pulse[k].width;
        now = expected = after((int)pulse[k].kind, pulse[k].amplitude, pulse[k].width, expected);
        assert_true(fabs(G[k] - expected) < 0.003 * (G_high - G_low));
    }
    assert_true(fabs(energy / E - 1) < 0.01);
    clear(t, &w);
}

static void pulses_between_tabulated_ones_are_between_them(void **state)
{
    (void)state;
    xbtab_tables *t = holder_of_pulses();
    xbtab_writer *w = NULL;
    xbtab_pulse_place place;
    assert_int_equal(xbtab_writer_create(&w, &t->write), XBTAB_OK);
    xbtab_pulse pulse = {XBTAB_PULSE_RESET, -0.95, 37e-9, NAN};
    assert_int_equal(xbtab_writer_find(&place, w, &pulse), XBTAB_OK);
    assert_int_equal(place.n, 4);
    double sum = 0;
    for (int k = 0; k < place.n; k++) sum += place.weight[k];
    assert_true(fabs(sum - 1) < 1e-12);
    for (double G = 1.1e-6; G < 29e-6; G *= 1.3) {
        xbtab_pulse_effect e = xbtab_writer_effect(w, &place, G);
        assert_true(fabs(G + e.dG - after(1, -0.95, 37e-9, G)) < 2e-3 * G);
        assert_true(fabs(e.sigma - 0.01 * G) < 1e-9 * G);
        double one = xbtab_writer_apply(w, &place, G, 1.0, NULL);
        assert_true(fabs(one - fmin(fmax(G + e.dG + e.sigma, G_low), G_high)) < 1e-15);
    }
    clear(t, &w);
}

static void pulses_that_are_not_there_are_refused_with_the_range(void **state)
{
    (void)state;
    xbtab_tables *t = holder_of_pulses();
    xbtab_writer *w = NULL;
    xbtab_pulse_place place;
    assert_int_equal(xbtab_writer_create(&w, &t->write), XBTAB_OK);
    assert_ptr_equal(xbtab_writer_data(w), &t->write);
    xbtab_pulse pulse = {XBTAB_PULSE_SET, 1.7, 20e-9, NAN};
    assert_int_equal(xbtab_writer_find(&place, w, &pulse), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "0.8 to 1.5 V"));
    pulse = (xbtab_pulse){XBTAB_PULSE_SET, 1.0, 20e-9, 1.1};
    assert_int_equal(xbtab_writer_find(&place, w, &pulse), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "gate voltage"));
    xbtab_writer_destroy(&w);
    t->write.kind[0] = XBTAB_PULSE_RESET; /* no grid any more: only the pulses themselves */
    assert_int_equal(xbtab_writer_create(&w, &t->write), XBTAB_OK);
    pulse = (xbtab_pulse){XBTAB_PULSE_SET, 1.5, 80e-9, NAN};
    assert_int_equal(xbtab_writer_find(&place, w, &pulse), XBTAB_OK);
    assert_int_equal(place.n, 1);
    pulse.amplitude = 1.2;
    assert_int_equal(xbtab_writer_find(&place, w, &pulse), XBTAB_ERR_INPUT);
    xbtab_writer_destroy(&w);
    size_t n = t->write.n;
    t->write.n = 0;
    assert_int_equal(xbtab_writer_create(&w, &t->write), XBTAB_ERR_INPUT);
    t->write.n = n;
    clear(t, &w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_with_pulses_come_back),
        cmocka_unit_test(trains_follow_the_closed_form),
        cmocka_unit_test(pulses_between_tabulated_ones_are_between_them),
        cmocka_unit_test(pulses_that_are_not_there_are_refused_with_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
