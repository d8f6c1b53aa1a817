/* test_tia.c - the read bandwidth that noise is told over: the one pole that settles to half a step of the
 * ADC within a read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbench.h"

/* What a pole at frequency f leaves of a step after a time, by Euler's method in steps of a thousandth of its
 * time constant, of which half is explicit and half implicit. */
static double left_after(double f, double time)
{
    const double tau = 1 / (2 * 3.14159265358979 * f);
    const int steps = (int)(1000 * time / tau);
    double x = 1;
    for (int k = 0; k < steps; k++) x *= (1 - 0.5 * time / steps / tau) / (1 + 0.5 * time / steps / tau);
    return x;
}

static void the_read_bandwidth_settles_in_a_read(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 16; bits += 3) {
        const xbtab_spec spec = {.adc_bits = bits, .read_time = 23.85e-9 * bits};
        const double left = left_after(xbtab__read_bandwidth(&spec), spec.read_time),
                     half = 0.5 / (1 << bits);
        if (!(fabs(left / half - 1) < 1e-4))
            fail_msg("%d bits: %g of a step is left after a read, %g is half an ADC step", bits, left, half);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_read_bandwidth_settles_in_a_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
