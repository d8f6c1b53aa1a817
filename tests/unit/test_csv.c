/* test_csv.c - text tables as people's programs write them, and what is none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>
#include <xbartab/grid.h>

#include "file_fixture.h"
#include "heading.h"
#include "labels.h"
#include "memory.h"
#include "random.h"

static xbtab_status open_text(xbtab__csv *t, const char *text)
{
    return xbtab__csv_open_text(t, "t", text, strlen(text), NULL);
}

static void refused(const char *words)
{
    if (!strstr(xbtab_error_message(), words)) fail_msg("\"%s\" is not in: %s", words, xbtab_error_message());
}

/* ---- the matrix of styles ---- */

enum { UNIT_NONE, UNIT_SQUARE, UNIT_ROUND, UNIT_UNDERSCORE, UNIT_SLASH, UNIT_BLANK, UNIT_ROW, UNIT_STYLES };

static void add_name(char *text, const char *name, const char *unit, int style, bool is_quoted)
{
    static const char *const forms[] = {"%s", "%s [%s]", "%s (%s)", "%s_%s", "%s / %s", "%s %s", "%s"};
    const char *quote = is_quoted ? "\"" : "";
    char cell[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(cell, sizeof cell, forms[style], name, unit);
#pragma GCC diagnostic pop
    snprintf(text + strlen(text), 128, "%s%s%s", quote, cell, quote);
}

/* One file: V = -0.25 V, 0 V, 0.5 V and I = -2.5e-6 A, 0 A, 1250e-6 A. */
static void check_style(bool has_bom, const char *end, char delimiter, char mark, int style)
{
    static const char *const V[] = {"-250.0", "0", "5.00e2"}, *const I[] = {"-2.5", "+0.0", "1250"};
    static const double true_V[] = {-0.25, 0, 0.5}, true_I[] = {-2.5e-6, 0, 1250e-6};
    const char between[] = {delimiter, '\0'};
    char text[1024] = "";
    if (has_bom) strcat(text, "\xef\xbb\xbf");
    snprintf(text + strlen(text), 64, "# an analyser's file%s%s", end, end);
    if (style != UNIT_NONE) {
        bool is_quoted = delimiter == ' ';
        add_name(text, "Voltage", "mV", style, is_quoted);
        strcat(text, between);
        add_name(text, "current",
                 "\xc2\xb5"
                 "A",
                 style, is_quoted);
        strcat(text, end);
        if (style == UNIT_ROW)
            snprintf(text + strlen(text), 64,
                     "mV%s[\xce\xbc"
                     "A]%s",
                     between, end);
    }
    for (int k = 0; k < 3; k++) {
        char *row = text + strlen(text);
        snprintf(row, 64, "%s%s%s%s", V[k], between, I[k], end);
        for (; *row; row++) *row = *row == '.' ? mark : *row;
    }
    xbtab__csv t;
    xbtab__heading_unit unit[2] = {{.times = 1e-3}, {.times = 1e-6}};
    if (open_text(&t, text) < 0) fail_msg("%s: %s", text, xbtab_error_message());
    if (style != UNIT_NONE) {
        assert_true(xbtab__heading_is(&t, 0, &xbtab__heading_voltage));
        assert_true(xbtab__heading_is(&t, 1, &xbtab__heading_current));
        assert_int_equal(xbtab__heading_read_unit(&unit[0], &t, 0, "voltage", "V"), XBTAB_OK);
        assert_int_equal(xbtab__heading_read_unit(&unit[1], &t, 1, "current", "A"), XBTAB_OK);
    }
    assert_int_equal(t.n_names, style == UNIT_NONE ? 0 : 2);
    for (int k = 0; k < 3; k++) {
        double x, y;
        assert_int_equal(xbtab__csv_next(&t), XBTAB_OK);
        assert_int_equal(t.n, 2);
        assert_int_equal(t.line, 3 + k + (style != UNIT_NONE) + (style == UNIT_ROW));
        if (xbtab__csv_number(&x, &t, 0, "voltage") < 0 || xbtab__csv_number(&y, &t, 1, "current") < 0)
            fail_msg("%s: %s", text, xbtab_error_message());
        assert_true(fabs(x * unit[0].times - true_V[k]) < 1e-15);
        assert_true(fabs(y * unit[1].times - true_I[k]) < 1e-18);
    }
    assert_int_equal(xbtab__csv_next(&t), XBTAB_OK);
    assert_int_equal(t.n, 0);
    xbtab__csv_close(&t);
}

static void every_style_has_the_same_numbers(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    (void)state;
    for (int bom = 0; bom < 2; bom++) {
        for (int end = 0; end < 3; end++) {
            for (const char *delimiter = ",;\t "; *delimiter; delimiter++) {
                for (int style = 0; style < UNIT_STYLES; style++) {
                    check_style(bom, ends[end], *delimiter, '.', style);
                    /* without a header, blanks and decimal commas are ambiguous */
                    if (*delimiter == ',' || (*delimiter == ' ' && style == UNIT_NONE)) continue;
                    check_style(bom, ends[end], *delimiter, ',', style);
                }
            }
        }
    }
}

/* ---- units ---- */

static void units_are_known_in_any_dress(void **state)
{
    static const struct {
        const char *heading, *unit;
        double times, plus;
        bool is_given;
    } cases[] = {{"G [uS]", "S", 1e-6, 0, true},
                 {"G [\xc2\xb5S]", "S", 1e-6, 0, true}, /* micro sign */
                 {"G [\xce\xbcS]", "S", 1e-6, 0, true}, /* Greek mu */
                 {"G [\xb5S]", "S", 1e-6, 0, true},     /* Latin-1 */
                 {"Conductance_\xc2\xb5S", "S", 1e-6, 0, true},
                 {"Conductance_uS", "S", 1e-6, 0, true},
                 {"G/mS", "S", 1e-3, 0, true},
                 {"G, nS", "S", 1e-9, 0, true},
                 {"R [k\xce\xa9]", "ohm", 1e3, 0, true},     /* Greek omega */
                 {"R [M\xe2\x84\xa6]", "ohm", 1e6, 0, true}, /* ohm sign */
                 {"R (kOhm)", "ohm", 1e3, 0, true},
                 {"R_ohms", "ohm", 1, 0, true},
                 {"T [\xc2\xb0"
                  "C]",
                  "K", 1, 273.15, true},
                 {"T [degC]", "K", 1, 273.15, true},
                 {"T_K", "K", 1, 0, true},
                 {"T [C]", "K", 1, 273.15, true},
                 {"T_C", "K", 1, 273.15, true},
                 {"t [h]", "s", 3600, 0, true},
                 {"t_ms", "s", 1e-3, 0, true},
                 {"pulse [#]", "1", 1, 0, true},
                 {"V", "V", 1, 0, false},
                 {"V_set", "V", 1, 0, false},
                 {"I (uA) forward", "A", 1e-6, 0, true},
                 {"I_set 2", "A", 1, 0, false},
                 {"I_a", "A", 1, 0, false}, /* a curve's letter */
                 {"logged I (A)", "A", 1, 0, true},
                 {"log [A]", "A", 1, 0, true},
                 {"I {uA}", "A", 1e-6, 0, true},
                 {"\xc2\xb5"
                  "A",
                  "A", 1e-6, 0, true},
                 {"x1_y2", "A", 1, 0, false},
                 {"logbook", "A", 1, 0, false},
                 {"V / V", "V", 1, 0, true},
                 {"line_2/3", "A", 1, 0, false},
                 {"n_S", "1", 1, 0, false}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        xbtab__csv t;
        xbtab__heading_unit unit;
        char text[128];
        snprintf(text, sizeof text, "\"%s\";x\n1;2\n", cases[k].heading);
        assert_int_equal(open_text(&t, text), XBTAB_OK);
        if (xbtab__heading_read_unit(&unit, &t, 0, "it", cases[k].unit) < 0)
            fail_msg("%s: %s", cases[k].heading, xbtab_error_message());
        if (unit.is_given != cases[k].is_given || fabs(unit.times / cases[k].times - 1) > 1e-15 ||
            unit.plus != cases[k].plus)
            fail_msg("%s: %g %g", cases[k].heading, unit.times, unit.plus);
        xbtab__csv_close(&t);
    }
}

static void wrong_units_are_refused(void **state)
{
    static const char *const headings[] = {"V [mA]", "V (volt-ish)", "V [Mv]",
                                           "V [a unit of more than thirty letters]"};
    (void)state;
    for (size_t k = 0; k < sizeof headings / sizeof headings[0]; k++) {
        xbtab__csv t;
        xbtab__heading_unit unit;
        char text[128];
        snprintf(text, sizeof text, "%s,I\n1,2\n", headings[k]);
        assert_int_equal(open_text(&t, text), XBTAB_OK);
        assert_int_equal(xbtab__heading_read_unit(&unit, &t, 0, "voltage", "V"), XBTAB_ERR_INPUT);
        refused("t:1: the unit [");
        xbtab__csv_close(&t);
    }
}

/* What nearly is a unit, and what is computed from the quantity, must not pass for SI. */
static void other_quantities_are_refused(void **state)
{
    static const struct {
        const char *heading, *unit, *said;
    } cases[] = {{"I (A/cm2)", "A", "t:1: the unit [A/cm2]"},
                 {"J (A)/cm2", "A", "t:1: the unit [A)/cm2]"},
                 {"I [uA] / um", "A", "t:1: the unit [uA] / um]"},
                 {"I_A/cm2", "A", "t:1: the unit [A/cm2]"},
                 {"I / A cm-2", "A", "t:1: the unit [A cm-2]"},
                 {"I, A^2", "A", "t:1: the unit [A^2]"},
                 {"I / uA at 300 K", "A", "t:1: the unit ["},
                 {"I (UA)", "A", "t:1: the unit [UA]"},
                 {"I_UA", "A", "t:1: the unit [UA]"},
                 {"R_Kohm", "ohm", "t:1: the unit [Kohm]"},
                 {"G, us", "S", "t:1: the unit [us]"},
                 {"IuA", "A", "t:1: the unit [IuA]"},
                 {"I milliamps", "A", "t:1: the unit [milliamps]"},
                 {"1e6*I (A)", "A", "is a function of the"},
                 {"I [A] x 1e6", "A", "is a function of the"},
                 {"I/I0", "A", "is a function of the"},
                 {"I_norm", "A", "is a function of the"},
                 {"I a.u.", "A", "is a function of the"},
                 {"LogI", "A", "is a function of the"},
                 {"log10(I)", "A", "is a function of the it"},
                 {"log10(I) [A]", "A", "is a function of the"},
                 {"log(I [A])", "A", "is a function of the"},
                 {"ln |I| (A)", "A", "is a function of the"},
                 {"Log_I", "A", "is a function of the"},
                 {"1/T (K)", "K", "is a function of the"},
                 {"sqrt(I/A)", "A", "is a function of the"}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        xbtab__csv t;
        xbtab__heading_unit unit;
        char text[128];
        snprintf(text, sizeof text, "\"%s\";x\n1;2\n", cases[k].heading);
        assert_int_equal(open_text(&t, text), XBTAB_OK);
        if (xbtab__heading_read_unit(&unit, &t, 0, "it", cases[k].unit) != XBTAB_ERR_INPUT)
            fail_msg("%s is taken", cases[k].heading);
        refused(cases[k].said);
        xbtab__csv_close(&t);
    }
}

static void names_are_found_with_their_unit_and_without(void **state)
{
    xbtab__csv t;
    (void)state;
    assert_int_equal(open_text(&t, "G [uS],G_nS,R (ohm),\"a \"\"b\"\"\"\n1,2,3,4\n"), XBTAB_OK);
    assert_int_equal(xbtab__heading_find(&t, "G [uS]", "S"), 0);
    assert_int_equal(xbtab__heading_find(&t, "G", "S"), -2);
    assert_int_equal(xbtab__heading_find(&t, "R", "ohm"), 2);
    assert_int_equal(xbtab__heading_find(&t, "a \"b\"", "S"), 3);
    assert_int_equal(xbtab__heading_find(&t, "r", "ohm"), -1);
    xbtab__csv_close(&t);
}

/* ---- headers ---- */

/* Blanks that separate stand in names, too. */
static void blanks_in_headers_are_no_columns(void **state)
{
    static const struct {
        const char *text;
        int n;
        const char *first, *last;
    } cases[] = {{"R (kohm)\n5,1\n", 1, "R (kohm)", "R (kohm)"},
                 {"the  conductance of it\n5\n", 1, "the  conductance of it", "the  conductance of it"},
                 {"V (V) I  [A]\n1 2\n", 2, "V (V)", "I  [A]"},
                 {"V \"I [A]\"\n1 2\n", 2, "V", "I [A]"},
                 {"a title of mine\n1 2\n", 2, "", ""}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        xbtab__csv t;
        assert_int_equal(open_text(&t, cases[k].text), XBTAB_OK);
        assert_int_equal(t.n_names, cases[k].n);
        assert_string_equal(t.name[0], cases[k].first);
        assert_string_equal(t.name[t.n_names - 1], cases[k].last);
        xbtab__csv_close(&t);
    }
}

/* A first line is data unless it has a word: what begins like a number is a broken number. */
static void broken_numbers_are_no_header(void **state)
{
    static const char *const firsts[] = {"nan,1",
                                         "-0.3x,1",
                                         "0x10,1",
                                         "1e999,1",
                                         "inf,-inf",
                                         "n/a,2",
                                         "\xe2\x88\x92"
                                         "0.3,1",
                                         "\xef\xbb\xbf-0.3,1",
                                         "\xc2\xa0"
                                         "1,2",
                                         "1.2.3,4",
                                         ".5.,1",
                                         "--,1"};
    (void)state;
    for (size_t k = 0; k < sizeof firsts / sizeof firsts[0]; k++) {
        xbtab__csv t;
        double x;
        char text[64];
        snprintf(text, sizeof text, "\xef\xbb\xbf%s\n1,2\n", firsts[k]);
        assert_int_equal(open_text(&t, text), XBTAB_OK);
        assert_int_equal(t.n_names, 0);
        assert_int_equal(xbtab__csv_next(&t), XBTAB_OK);
        assert_int_equal(xbtab__csv_number(&x, &t, 0, "voltage"), XBTAB_ERR_INPUT);
        refused("t:1: the voltage ");
        xbtab__csv_close(&t);
    }
}

static void a_decisive_column_makes_the_header(void **state)
{
    const xbtab__csv_options second = {.decisive = 2};
    const char *text = "c0,1,2\nc0,3,4\n";
    xbtab__csv t;
    (void)state;
    assert_int_equal(open_text(&t, text), XBTAB_OK);
    assert_int_equal(t.n_names, 3);
    xbtab__csv_close(&t);
    assert_int_equal(xbtab__csv_open_text(&t, "t", text, strlen(text), &second), XBTAB_OK);
    assert_int_equal(t.n_names, 0);
    xbtab__csv_close(&t);
}

/* ---- what is refused ---- */

static void fields_that_are_no_numbers_are_refused(void **state)
{
    static const struct {
        const char *field, *words;
    } cases[] = {{"nan", "is nan; remove such lines"},
                 {"-inf", "is -inf; remove such lines"},
                 {"", "is missing"},
                 {"0x1p3", "\"0x1p3\" is not a number"},
                 {"1e999", "it is too large"},
                 {"-1e999", "it is too large"},
                 {"1 V", "\"1 V\" is not a number"},
                 {"1e", "is not a number"},
                 {".", "is not a number"},
                 {"1.234,5", "without marks between thousands"},
                 {"1,234,567", "without marks between thousands"},
                 {"1,5", "has a decimal comma, line 1 a decimal point"},
                 {"secret", "t:2: the voltage is not a number"}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        xbtab__csv t;
        char text[64];
        double x;
        snprintf(text, sizeof text, "0.5;2\n%s;1\n", cases[k].field);
        assert_int_equal(open_text(&t, text), XBTAB_OK);
        assert_int_equal(xbtab__csv_next(&t), XBTAB_OK);
        assert_int_equal(xbtab__csv_number(&x, &t, 0, "voltage"), XBTAB_OK);
        assert_int_equal(xbtab__csv_next(&t), XBTAB_OK);
        assert_int_equal(xbtab__csv_number(&x, &t, 0, "voltage"), XBTAB_ERR_INPUT);
        refused(cases[k].words);
        assert_null(strstr(xbtab_error_message(), "secret"));
        xbtab__csv_close(&t);
    }
}

static void what_is_no_table_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        const char *words;
    } cases[] = {{"\xff\xfe"
                  "1\0,\0",
                  6, "t: is UTF-16 text; save it as UTF-8"},
                 {"\xfe\xff\0"
                  "1",
                  4, "t: is UTF-16 text"},
                 {"1,2\n3,\0004\n", 9, "t:2: holds a zero byte"},
                 {"1,2\n\033[31m3,4\n", 13, "t:2: holds the control byte 0x1b"},
                 {"", 0, "t: the file is empty"},
                 {"# 1,2\n% 3\n  \n", 13, "t: the file is empty"},
                 {"1,\"2\n3\"\n", 8, "t:1: a quote is not closed on its line"},
                 {"\"1\"2,3\n", 7, "t:1: text behind a closing quote"},
                 {"0,1 1,5\n", 8, "t:1: both blanks and commas"}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        xbtab__csv t;
        assert_int_equal(xbtab__csv_open_text(&t, "t", cases[k].text, cases[k].n, NULL), XBTAB_ERR_INPUT);
        refused(cases[k].words);
        xbtab__csv_close(&t);
    }
}

/* "0,1,1,5": with decimal commas where commas separate, a row has more columns than its header. */
static void decimal_commas_between_commas_are_refused(void **state)
{
    xbtab__csv t;
    (void)state;
    assert_int_equal(open_text(&t, "V,I\n0,1,1,5\n"), XBTAB_ERR_INPUT);
    refused("t:2: 4 columns, the first row has 2; are there decimal commas?");
    xbtab__csv_close(&t);
    assert_int_equal(open_text(&t, "V,I,remarks; if any\n0.1,1e-6,none, so far\n"), XBTAB_OK);
    assert_true(t.n_names == 3 && t.n == 4 && t.delimiter == ',');
    xbtab__csv_close(&t);
}

static void padding_quotes_and_sep_are_no_data(void **state)
{
    static const char *const texts[] = {"1,\t2\n", " 1 , 2 \n", "\"1\",\"2\"\n", "sep=;\r\n1;2\r\n",
                                        "1\t2\n",  "1  2\n",    "1;2\x1a",       "\t1 \t 2\t\n"};
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        xbtab__csv t;
        double x = 0, y = 0;
        int first = texts[k][0] == '\t'; /* an empty field before a tab */
        if (open_text(&t, texts[k]) < 0) fail_msg("%s: %s", texts[k], xbtab_error_message());
        assert_int_equal(xbtab__csv_next(&t), XBTAB_OK);
        assert_int_equal(xbtab__csv_number(&x, &t, first, "x"), XBTAB_OK);
        assert_int_equal(xbtab__csv_number(&y, &t, first + 1, "y"), XBTAB_OK);
        assert_true(x == 1 && y == 2);
        xbtab__csv_close(&t);
    }
}

/* Names are shown of tables only, printable and cut. */
static void foreign_words_are_not_shown(void **state)
{
    char out[512];
    xbtab__csv t;
    (void)state;
    assert_int_equal(open_text(&t, "alice secret\nbob word\nV I\n1 2\n"), XBTAB_OK);
    assert_string_equal(xbtab__csv_names(out, sizeof out, &t), "none that could be a name");
    assert_string_equal(xbtab__csv_name(out, &t, 0), "column 1");
    xbtab__csv_close(&t);
    assert_int_equal(
        open_text(&t, "a\xc2\x9b"
                      "b,\xb5,\xe2\x80\xaex,name of more than forty characters, which is cut\n1,2,3,4\n"),
        XBTAB_OK);
    assert_int_equal(t.n_names, 5);
    xbtab__csv_close(&t);
    assert_int_equal(
        open_text(&t, "a\xc2\x9b"
                      "b;\xb5;\xe2\x80\xaex;name of more than forty characters, which is cut\n1;2;3;4\n"),
        XBTAB_OK);
    assert_string_equal(xbtab__csv_names(out, sizeof out, &t),
                        "a??b, ?, ???x, name of more than forty characters, whic...");
    xbtab__csv_close(&t);
}

/* ---- bounds ---- */

static void columns_are_bounded(void **state)
{
    const size_t n = XBTAB__CSV_MOST_COLUMNS;
    char *text = xbtab__alloc(2 * n + 3, 1);
    xbtab__csv t;
    (void)state;
    for (size_t k = 0; k <= n; k++) memcpy(text + 2 * k, "1,", 2);
    text[2 * n - 1] = '\n';
    assert_int_equal(xbtab__csv_open_text(&t, "t", text, 2 * n, NULL), XBTAB_OK);
    assert_int_equal(t.n, n);
    xbtab__csv_close(&t);
    text[2 * n - 1] = ',';
    assert_int_equal(xbtab__csv_open_text(&t, "t", text, 2 * n + 1, NULL), XBTAB_ERR_INPUT);
    refused("t:1: more than 1048576 columns");
    xbtab__csv_close(&t);
    memset(text, '1', 2 * n); /* one number of two million digits */
    double x;
    assert_int_equal(xbtab__csv_open_text(&t, "t", text, 2 * n, NULL), XBTAB_OK);
    assert_int_equal(xbtab__csv_number(&x, &t, 0, "x"), XBTAB_ERR_INPUT);
    refused("has more than 1000 digits");
    xbtab__csv_close(&t);
    xbtab__free(text);
}

/* 300 MB of ones in 300 kB of gzip. */
static void bombs_are_refused(void **state)
{
    char *block = malloc(1 << 20);
    xbtab__csv t;
    (void)state;
    memset(block, '1', 1 << 20);
    gzFile file = gzopen(path, "wb1");
    for (int k = 0; k < 257; k++) assert_int_equal(gzwrite(file, block, 1 << 20), 1 << 20);
    gzclose(file);
    free(block);
    assert_int_equal(xbtab__csv_open(&t, path, NULL), XBTAB_ERR_INPUT);
    refused("larger than 268435456 bytes when unpacked");
    xbtab__csv_close(&t);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    static const char *const names[] = {"/", "/dev/zero", "/dev/null"};
    xbtab__csv t;
    char fifo[64];
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        assert_int_equal(xbtab__csv_open(&t, names[k], NULL), XBTAB_ERR_IO);
        refused("not a regular file");
        xbtab__csv_close(&t);
    }
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(xbtab__csv_open(&t, fifo, NULL), XBTAB_ERR_IO);
    refused("not a regular file");
    xbtab__csv_close(&t);
    unlink(fifo);
}

/* ---- grids ---- */

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void grids_have_their_numbers_and_lines(void **state)
{
    xbtab_grid g;
    (void)state;
    write_file("\xef\xbb\xbf# ohm\r\n\r\n1000;2,5\r\nInf;4\r\n");
    assert_int_equal(xbtab_grid_read(&g, path, 1), XBTAB_OK);
    assert_true(g.rows == 2 && g.columns == 2 && g.x[0] == 1000 && g.x[1] == 2.5 && isinf(g.x[2]) &&
                g.x[3] == 4);
    assert_true(g.line[0] == 3 && g.line[1] == 4);
    xbtab_grid_clear(&g);
    assert_int_equal(xbtab_grid_read(&g, path, 0), XBTAB_ERR_INPUT);
    refused(":4: the value in column 1 is Inf");
    write_file("1,2,\n3,4,\n");
    assert_int_equal(xbtab_grid_read(&g, path, 0), XBTAB_OK);
    assert_true(g.columns == 2);
    xbtab_grid_clear(&g);
    write_file("1,2\n3\n");
    assert_int_equal(xbtab_grid_read(&g, path, 0), XBTAB_ERR_INPUT);
    refused(":2: 1 columns; the lines before have 2");
    write_file("left,right\n1,2\n");
    assert_int_equal(xbtab_grid_read(&g, path, 0), XBTAB_ERR_INPUT);
    refused(":1: the value in column 1 is not a number; the file must have numbers only");
}

/* ---- everything, of anything ---- */

static void labels_are_numbered_as_they_come(void **state)
{
    xbtab__labels l = {0};
    int number;
    char text[16];
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (int k = 0; k < 1000; k++) {
            snprintf(text, sizeof text, "%d", 7 * k % 1000);
            assert_int_equal(xbtab__labels_find(&number, &l, text), XBTAB_OK);
            assert_int_equal(number, k);
        }
    }
    assert_int_equal(l.n, 1000);
    xbtab__labels_clear(&l);
}

/* Random bytes of the alphabet of tables: each ends in numbers or in a message. */
static void anything_ends(void **state)
{
    static const char alphabet[] = "0123456789.,;\t \n\r\"#%+-eVI[]()_/nan\xef\xbb\xbf\xc2\xb5\xff\x1a";
    xbtab__random random;
    char text[200];
    (void)state;
    xbtab__random_init(&random, 5, XBTAB__RANDOM_TEST, 0, 0);
    for (int turn = 0; turn < 20000; turn++) {
        size_t n = xbtab__random_below(&random, sizeof text);
        for (size_t k = 0; k < n; k++) text[k] = alphabet[xbtab__random_below(&random, sizeof alphabet - 1)];
        xbtab__csv t;
        xbtab__heading_unit unit;
        char names[64];
        xbtab_status status = xbtab__csv_open_text(&t, "t", text, n, NULL);
        for (int k = 0; k < t.n_names && status == XBTAB_OK; k++) {
            xbtab__heading_is(&t, k, &xbtab__heading_voltage);
            if (xbtab__heading_read_unit(&unit, &t, k, "voltage", "V") < 0)
                assert_true(xbtab_error_message()[0]);
        }
        if (status == XBTAB_OK) xbtab__csv_names(names, sizeof names, &t);
        while (status == XBTAB_OK && (status = xbtab__csv_next(&t)) == XBTAB_OK && t.n > 0) {
            double x;
            for (int k = 0; k < t.n; k++)
                assert_true(xbtab__csv_number(&x, &t, k, "x") < 0 ? xbtab_error_message()[0] : isfinite(x));
        }
        xbtab__csv_close(&t);
    }
}

static void short_memory_is_said(void **state)
{
    const char *text = "device,V [mV],I\n,mV,A\nc0,1,2\nc1,3,4\n";
    (void)state;
    write_file("1,2\n3,4\n");
    for (long k = 0; k < 20; k++) {
        xbtab__csv t;
        xbtab_grid g = {0};
        xbtab__alloc_fail_after(k);
        xbtab_status status = open_text(&t, text);
        xbtab_status grid = xbtab_grid_read(&g, path, 0);
        xbtab__alloc_fail_after(-1);
        assert_true(status == XBTAB_OK || status == XBTAB_ERR_NOMEM);
        assert_true(grid == XBTAB_OK || grid == XBTAB_ERR_NOMEM);
        xbtab__csv_close(&t);
        xbtab_grid_clear(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_style_has_the_same_numbers),
                                       cmocka_unit_test(units_are_known_in_any_dress),
                                       cmocka_unit_test(wrong_units_are_refused),
                                       cmocka_unit_test(other_quantities_are_refused),
                                       cmocka_unit_test(names_are_found_with_their_unit_and_without),
                                       cmocka_unit_test(blanks_in_headers_are_no_columns),
                                       cmocka_unit_test(broken_numbers_are_no_header),
                                       cmocka_unit_test(a_decisive_column_makes_the_header),
                                       cmocka_unit_test(fields_that_are_no_numbers_are_refused),
                                       cmocka_unit_test(what_is_no_table_is_refused),
                                       cmocka_unit_test(decimal_commas_between_commas_are_refused),
                                       cmocka_unit_test(padding_quotes_and_sep_are_no_data),
                                       cmocka_unit_test(foreign_words_are_not_shown),
                                       cmocka_unit_test(columns_are_bounded),
                                       cmocka_unit_test(bombs_are_refused),
                                       cmocka_unit_test(what_is_no_regular_file_is_refused),
                                       cmocka_unit_test(grids_have_their_numbers_and_lines),
                                       cmocka_unit_test(labels_are_numbered_as_they_come),
                                       cmocka_unit_test(anything_ends),
                                       cmocka_unit_test(short_memory_is_said)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
