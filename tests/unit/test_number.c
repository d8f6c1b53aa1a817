/* test_number.c - what is a number, and what is none. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/number.h>

#include "expression.h"
#include "quantity.h"

/* What no reader of ours takes for a number, whole or not. */
static const char *const nonsense[] = {"",     " ",     "nan",  "NaN",  "-nan",  "inf", "-inf", "infinity",
                                       ".inf", ".nan",  "+",    "-",    ".",     "e5",  "1e",   "1e+",
                                       "0x10", "0X1p3", "0b11", "0o17", "1x",    "1 ",  " 1",   "1\n",
                                       "\t1",  "1_000", "1,5",  "1:30", "1.2.3", "--1", "+-1",  "- 1",
                                       "1 2",  "1e3.5", "one",  "1f",   "1d0",   "010", "-007", "1e5e5"};

static void nonsense_is_no_number(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof nonsense / sizeof nonsense[0]; k++) {
        double real = 2.385;
        int64_t whole = 37;
        uint64_t natural = 53;
        if (xbtab_number_real(&real, nonsense[k], -INFINITY, INFINITY) != XBTAB_NUMBER_NONE || real != 2.385)
            fail_msg("\"%s\" as a number", nonsense[k]);
        if (xbtab_number_whole(&whole, nonsense[k], INT64_MIN, INT64_MAX) != XBTAB_NUMBER_NONE || whole != 37)
            fail_msg("\"%s\" as a whole number", nonsense[k]);
        if (xbtab_number_unsigned(&natural, nonsense[k], UINT64_MAX) != XBTAB_NUMBER_NONE || natural != 53)
            fail_msg("\"%s\" from 0 up", nonsense[k]);
    }
}

static void real_numbers_are_read_to_the_last_bit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"-0", -0.0},
                {"7", 7},
                {"+7", 7},
                {"-2.385", -2.385},
                {".5", 0.5},
                {"5.", 5},
                {"0.1", 0.1},
                {"1e3", 1e3},
                {"1E-3", 1e-3},
                {"2.5e+2", 250},
                {"00.5", 0.5},
                {"1.7976931348623157e308", DBL_MAX},
                {"2.2250738585072014e-308", DBL_MIN},
                {"0e999999999999999999999", 0},
                {"0.000e-99999", 0},
                {"123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
                 1.2345678901234568e89}};
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        double value = NAN;
        xbtab_number_fault fault = xbtab_number_real(&value, good[k].text, -DBL_MAX, DBL_MAX);
        if (fault != XBTAB_NUMBER_FINE || memcmp(&value, &good[k].value, sizeof value) != 0)
            fail_msg("%s: %d, %.17g", good[k].text, (int)fault, value);
    }
}

static void what_a_double_cannot_hold_is_refused(void **state)
{
    (void)state;
    static const char *const large[] = {"1e999", "-1e309", "1.8e308", "1e99999999999999999999"};
    static const char *const tiny[] = {"1e-999", "-1e-320", "2e-308", "0.1e-99999999999999999999"};
    double value = 2.385;
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(xbtab_number_real(&value, large[k], -INFINITY, INFINITY), XBTAB_NUMBER_OUTSIDE);
        assert_int_equal(xbtab_number_real(&value, tiny[k], -INFINITY, INFINITY), XBTAB_NUMBER_TINY);
    }
    assert_int_equal(xbtab_number_real(&value, "1.0000001", -1, 1), XBTAB_NUMBER_OUTSIDE);
    assert_int_equal(xbtab_number_real(&value, "-1.5", -1, 1), XBTAB_NUMBER_OUTSIDE);
    assert_true(value == 2.385);
}

static void whole_numbers_end_where_64_bits_do(void **state)
{
    (void)state;
    int64_t x = 37;
    uint64_t u = 53;
    assert_int_equal(xbtab_number_whole(&x, "9223372036854775807", INT64_MIN, INT64_MAX), XBTAB_NUMBER_FINE);
    assert_true(x == INT64_MAX);
    assert_int_equal(xbtab_number_whole(&x, "-9223372036854775808", INT64_MIN, INT64_MAX), XBTAB_NUMBER_FINE);
    assert_true(x == INT64_MIN);
    assert_int_equal(xbtab_number_whole(&x, "+12", 0, 16), XBTAB_NUMBER_FINE);
    assert_true(x == 12);
    static const char *const outside[] = {"9223372036854775808", "-9223372036854775809",
                                          "18446744073709551621", "99999999999999999999",
                                          "-99999999999999999999999999999999999"};
    for (size_t k = 0; k < 5; k++)
        assert_int_equal(xbtab_number_whole(&x, outside[k], INT64_MIN, INT64_MAX), XBTAB_NUMBER_OUTSIDE);
    assert_int_equal(xbtab_number_whole(&x, "17", 1, 16), XBTAB_NUMBER_OUTSIDE);
    assert_int_equal(xbtab_number_whole(&x, "0", 1, 16), XBTAB_NUMBER_OUTSIDE);
    assert_int_equal(xbtab_number_whole(&x, "1e1", 1, 16), XBTAB_NUMBER_NONE);
    assert_int_equal(xbtab_number_whole(&x, "5.0", 1, 16), XBTAB_NUMBER_NONE);
    assert_true(x == 12);
    assert_int_equal(xbtab_number_unsigned(&u, "18446744073709551615", UINT64_MAX), XBTAB_NUMBER_FINE);
    assert_true(u == UINT64_MAX);
    assert_int_equal(xbtab_number_unsigned(&u, "18446744073709551616", UINT64_MAX), XBTAB_NUMBER_OUTSIDE);
    assert_int_equal(xbtab_number_unsigned(&u, "-1", UINT64_MAX), XBTAB_NUMBER_OUTSIDE);
    assert_int_equal(xbtab_number_unsigned(&u, "-0", UINT64_MAX), XBTAB_NUMBER_FINE);
    assert_true(u == 0);
}

static void a_scan_stops_behind_the_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        ptrdiff_t n;
    } some[] = {{"3h", 3, 1},   {"2.5e-3 S", 2.5e-3, 6}, {"1e", 1, 1},      {"1efg", 1, 1},
                {"0x10", 0, 1}, {"-4,7", -4, 2},         {"1.5.2", 1.5, 3}, {"10uS", 10, 2}};
    for (size_t k = 0; k < sizeof some / sizeof some[0]; k++) {
        const char *end = NULL;
        double value = NAN;
        assert_int_equal(xbtab_number_scan(&value, &end, some[k].text), XBTAB_NUMBER_FINE);
        if (value != some[k].value || end - some[k].text != some[k].n)
            fail_msg("%s: %g", some[k].text, value);
    }
}

static void quantities_hold_to_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *unit, *words;
    } bad[] = {{"1e308 kohm", "ohm", "finite"},
               {"1e-305 fS", "S", "nearer to 0"},
               {"1e-320 V", "V", "nearer to 0"},
               {"1e308 d", "s", "finite"},
               {"010", "1", "octal"},
               {"1:30", "1", "bare number"},
               {"1_000 ohm", "ohm", "wrong unit"},
               {".nan", "1", "not a number"},
               {".inf", "1", "not a number"},
               {"0x1p3 V", "V", "decimal"},
               {"1e-999", "1", "nearer to 0"},
               {"2.5e-308 %", "1", "nearer to 0"}};
    double value = 2.385;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        const char *why = xbtab__quantity_parse(&value, bad[k].text, bad[k].unit);
        if (!why || !strstr(why, bad[k].words)) fail_msg("\"%s\": %s", bad[k].text, why ? why : "read");
    }
    assert_true(value == 2.385);
    assert_null(xbtab__quantity_parse(&value, "0e99999999999999999999 mV", "V"));
    assert_true(value == 0);
    assert_null(xbtab__quantity_parse(&value, "007.5 mV", "V"));
    assert_true(value == 7.5e-3);
}

static void formulas_hold_to_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"1e999*x", "0x10+x", "1e-999+x", "2x",
                                      "1_0*x",   "1.5.2",  "inf*x",    "nan"};
    const char *const names[] = {"x"};
    xbtab__expression *e = NULL;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        if (xbtab__expression_create(&e, bad[k], names, 1) == XBTAB_OK) fail_msg("%s", bad[k]);
    }
    char brackets[100001]; /* neither deep recursion nor a message of their length */
    memset(brackets, '(', 100000);
    brackets[100000] = '\0';
    assert_int_equal(xbtab__expression_create(&e, brackets, names, 1), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "nests too deep"));
    assert_true(strlen(xbtab_error_message()) < 700);
    assert_null(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_no_number),
        cmocka_unit_test(real_numbers_are_read_to_the_last_bit),
        cmocka_unit_test(what_a_double_cannot_hold_is_refused),
        cmocka_unit_test(whole_numbers_end_where_64_bits_do),
        cmocka_unit_test(a_scan_stops_behind_the_number),
        cmocka_unit_test(quantities_hold_to_it),
        cmocka_unit_test(formulas_hold_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
