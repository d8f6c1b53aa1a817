/* test_telegraph.c - random telegraph noise of a simulated chip's cells: slow noise is met in one of its
 * levels, quick noise is part of a read's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/chip.h>

#include "sinh_tables.h"

enum { ROWS = 61, COLUMNS = 67, CELLS = ROWS * COLUMNS };

static xbtab_population *telegraph(double step, double duty, const char *tau)
{
    char text[512];
    xbtab_population *p = NULL;
    snprintf(text, sizeof text,
             "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 40 uS}\ntemperature: 300 K\n"
             "rtn: {share: 1, amplitude: {value: %g}, amplitude_sigma: 0, duty: %g, tau_median: %s,\n"
             "  tau_sigma: 0, source: s, trust: assumed}\n",
             step, duty, tau);
    if (xbtab_population_parse(&p, text, "test") < 0) fail_msg("%s", xbtab_error_message());
    return p;
}

static void near(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%.9g, %.9g wanted within %.3g", found, wanted, tolerance);
}

/* Random telegraph noise has its lower level for the share `duty` of the time, and both levels' mean is the
 * conductance. Slow noise is met in one of them; quick noise is what a read of that variance adds. */
static void telegraph_noise_has_its_duty(void **state)
{
    (void)state;
    static double G[CELLS];
    static uint8_t levels[CELLS];
    static const double step = 0.3, duties[] = {0.2, 0.5, 0.85};
    xbtab_tables *tables = sinh_tables(&(sinh_design){
        .rows = ROWS, .columns = COLUMNS, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 0.5});
    const double target = tables->G_level[2], n = CELLS;
    memset(levels, 2, sizeof levels);
    for (size_t k = 0; k < 2 * sizeof duties / sizeof duties[0]; k++) {
        const double duty = duties[k / 2];
        xbtab_population *p = telegraph(step, duty, k % 2 ? "1 us" : "1 s");
        const xbtab_chip_options o = {.population = p, .seed = 8};
        double below = 0, sigma[COLUMNS];
        xbtab_chip *chip = NULL;
        assert_int_equal(xbtab_chip_create(&chip, tables, &o), XBTAB_OK);
        assert_int_equal(xbtab_chip_conductances(chip, 1, 2, levels, ROWS, COLUMNS, G), XBTAB_OK);
        for (int c = 0; c < CELLS; c++) {
            const bool is_lower = G[c] < target;
            const double wanted = k % 2 ? 1 : is_lower ? 1 - step * (1 - duty) : 1 + step * duty;
            near(G[c] / target, wanted, 1e-12);
            below += is_lower;
        }
        if (k % 2 == 0) near(below / n, duty, 4 * sqrt(duty * (1 - duty) / n));
        for (int c = 0; c < CELLS; c++) G[c] = target;
        assert_int_equal(xbtab_chip_read_noise(chip, 1, 2, levels, G, ROWS, COLUMNS, sigma), XBTAB_OK);
        const double of_a_cell = k % 2 ? target * step * sqrt(duty * (1 - duty)) : 0;
        for (int j = 0; j < COLUMNS; j++)
            near(sigma[j], tables->v_read * of_a_cell * sqrt(ROWS), 1e-12 * target);
        xbtab_chip_destroy(&chip);
        xbtab_population_destroy(&p);
    }
    xbtab_tables_destroy(&tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(telegraph_noise_has_its_duty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
