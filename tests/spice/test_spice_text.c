/* SPICE text: that we read it as ngspice does, and let nothing through but what is listed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spice_allow.h"

/* ---- lines ---- */

static void expect_lines(const char *text, const char *expected)
{
    xbtab__spice_text lines = {0};
    xbtab__text got = {0};
    assert_int_equal(xbtab__spice_lex(&lines, text, strlen(text), "a.sub"), XBTAB_OK);
    for (size_t k = 0; k < lines.n; k++) {
        xbtab__text_add(&got, "%d%s%s|", lines.line[k].number, lines.line[k].is_comment ? "*" : ":",
                        lines.line[k].text);
    }
    assert_string_equal(got.s ? got.s : "", expected);
    xbtab__text_clear(&got);
    xbtab__spice_clear(&lines);
}

static void lines_know_where_they_begin(void **state)
{
    (void)state;
    expect_lines("", "");
    expect_lines("\n\n \t\n", "");
    expect_lines("R1 a b 2", "1:R1 a b 2|");
    expect_lines("* note\r\n\r\n  R1\ta  b 2  \r\n", "1*note|3:R1 a  b 2|");
    expect_lines("\xef\xbb\xbf* note\nR1 a b 2\n", "1*note|2:R1 a b 2|");
    expect_lines("R1 a\n* between\n\n+ b\n\t+2 ; end\nC1 a b 1p", "1:R1 a b 2|2*between|6:C1 a b 1p|");
    expect_lines("R1 a b 2;m=2\nR2 a b 2//m=2\nR3 a b 2,$m=2\nR4 a b 2 $m=2",
                 "1:R1 a b 2|2:R2 a b 2|3:R3 a b 2,|4:R4 a b 2|");
    expect_lines("$ one\n// two\n; three\n* \xc2\xb5 four\n*#### \n",
                 "1*one|2*/ two|3*three|4*\xc2\xb5 four|5*#### |");
}

static void expect_refused(const char *text, size_t n, const char *where)
{
    xbtab__spice_text lines = {0};
    xbtab_status status = xbtab__spice_lex(&lines, text, n, "a.sub");
    if (status == XBTAB_OK) status = xbtab__spice_allow(&lines, XBTAB__SPICE_MODEL);
    if (status != XBTAB_ERR_INPUT) fail_msg("passes: %s", text);
    xbtab__spice_clear(&lines);
    if (strncmp(xbtab_error_message(), where, strlen(where)) != 0)
        fail_msg("not %s: %s", where, xbtab_error_message());
}

static void what_reads_two_ways_is_refused_with_its_line(void **state)
{
    (void)state;
    const struct {
        const char *text, *where;
    } cases[] = {{"* x\n+ 3", "a.sub:2: a continuation"},
                 {"\nR1 a b 2\n; c\n+ m=2", "a.sub:4: ngspice drops"},
                 {"R1 a b 2\n; c\n* d\n$ e\n+ m=2", "a.sub:5: ngspice drops"},
                 {"R1 a b 2 \\\\\n m=2", "a.sub:1: "},
                 {"R1 a b 2 ; c \\\\\n m=2", "a.sub:1: "},
                 {"R1 a b 2$5", "a.sub:1: "},
                 {"R1 a b \"2\"", "a.sub:1: "},
                 {"R1 a b `2`", "a.sub:1: "},
                 {"R1 a b 2\xc2\xb5", "a.sub:1: "},
                 {"R1 a b 2\rR2 a b 2", "a.sub:1: a control byte"},
                 {"* note\n\x01R1 a b 2", "a.sub:2: a control byte"},
                 {"* \x1b[2J", "a.sub:1: a control byte"},
                 {"* \xc2\x9b"
                  "2J",
                  "a.sub:1: a control byte"},
                 {"R1 a b 2\n\f.control", "a.sub:2: a control byte"},
                 {"R1 a b 2\n\v.control", "a.sub:2: a control byte"},
                 {"*# shell touch x", "a.sub:1: ngspice takes this comment"},
                 {"  *#quit", "a.sub:1: ngspice takes this comment"},
                 {"*ng_script\nshell touch x", "a.sub:1: ngspice takes this comment"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        expect_refused(cases[k].text, strlen(cases[k].text), cases[k].where);
    expect_refused("R1 a b 2\n\0.control", 18, "a.sub:2: a control byte");
}

/* ---- the list ---- */

static xbtab_status allow(const char *text, xbtab__spice_author author)
{
    xbtab__spice_text lines = {0};
    xbtab_status status = xbtab__spice_lex(&lines, text, strlen(text), "a.sub");
    if (status == XBTAB_OK) status = xbtab__spice_allow(&lines, author);
    xbtab__spice_clear(&lines);
    return status;
}

/* All of ngspice's cards (its manual's list, and what its program holds as text), whole, cut and prolonged.
 */
static void cards_are_allowed_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char *const refused[] = {
        ".ac",      ".cm",       ".control", ".csparam", ".data",     ".dc",       ".disto",   ".else",
        ".elseif",  ".end",      ".endc",    ".endif",   ".endl",     ".eom",      ".four",    ".global",
        ".if",      ".inc",      ".incl",    ".include", ".includes", ".ics",      ".lib",     ".libs",
        ".macro",   ".meas",     ".measure", ".noise",   ".op",       ".opt",      ".option",  ".options",
        ".plot",    ".print",    ".probe",   ".pss",     ".pz",       ".save",     ".sens",    ".sp",
        ".temp",    ".tf",       ".title",   ".tran",    ".width",    ".subck",    ".subckts", ".subckt(",
        ".models",  ".mode",     ".param=",  ".params",  ".function", ".nodesets", ".",        ".INCLUDE",
        ".Control", ". include", ".exec",    ".shell",   "..include"};
    char text[256];
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        for (int inside = 0; inside < 2; inside++) {
            snprintf(text, sizeof text, "%s%s \"x\" y=1%s", inside ? ".subckt s a b\n" : "", refused[k],
                     inside ? "\n.ends" : "");
            for (char *c = text; *c; c++) {
                if (*c == '"') *c = ' ';
            }
            if (allow(text, XBTAB__SPICE_MODEL) != XBTAB_ERR_INPUT) fail_msg("passes: %s", text);
            if (allow(text, XBTAB__SPICE_CARD) != XBTAB_ERR_INPUT) fail_msg("passes in a card: %s", text);
        }
    }
}

static void elements_are_those_that_read_no_file(void **state)
{
    (void)state;
    static const char good[] = "RCLKVIEGFHBDQMJZSWXTrclkviegfhbdqmjzswxt";
    for (int c = 1; c < 128; c++) {
        char text[64];
        if (strchr(" \t\n\r*+;$/.", c)) continue; /* comments, blanks, cards */
        snprintf(text, sizeof text, ".subckt s a b\n%c1 a b 2\n.ends", c);
        bool passes = allow(text, XBTAB__SPICE_MODEL) == XBTAB_OK;
        if (passes != (strchr(good, c) != NULL)) fail_msg("%s: %s", passes ? "passes" : "refused", text);
        assert_int_equal(allow(text, XBTAB__SPICE_CARD), XBTAB_ERR_INPUT);
    }
}

static void models_of_code_and_files_are_refused(void **state)
{
    (void)state;
    static const char *const good[] = {".model m nmos level=1 vto=0.4",
                                       ".model m NMOS(level=14 version=4.8.0)",
                                       ".model m d (is=1e-14 n={1+1})",
                                       ".model m res(rsh=2)",
                                       ".model m sw vt=1",
                                       ".func f(x) {x*2}",
                                       ".func f (x,y) 'x+y'",
                                       ".param a=1 b = {2*a}",
                                       ".param f(x)={x*2}",
                                       ".model m vdmos nchan vto=1"};
    static const char *const bad[] = {".model m filesource(file=x)",
                                      ".model m table2d(file=x)",
                                      ".model m d_source(input_file=x)",
                                      ".model m d_state(state_file=x)",
                                      ".model m sidiode",
                                      ".model m numd level=1",
                                      ".model m nbjt",
                                      ".model m",
                                      ".model",
                                      ".model (d) d",
                                      ".model m d(ic.file=x)",
                                      ".param x={table_param(1)}",
                                      ".param x={readfile(1)}",
                                      ".func f(x) {table_param(x)}",
                                      ".func f",
                                      ".func 1(x) {x}"};
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        if (allow(good[k], XBTAB__SPICE_MODEL) < 0) fail_msg("%s: %s", good[k], xbtab_error_message());
    }
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        if (allow(bad[k], XBTAB__SPICE_MODEL) == XBTAB_OK) fail_msg("passes: %s", bad[k]);
    }
    expect_refused(".subckt s a b\nD1 a b m ic.file=x\n.ends", 36, "a.sub:2: ");
    expect_refused(".subckt s a b\nV1 a b pwl file = x\n.ends", 38, "a.sub:2: ");
    expect_refused("R1 a b 2", 8, "a.sub:1: stands in no .subckt");
    expect_refused(".ic v(a)=2", 10, "a.sub:1: stands in no .subckt");
    expect_refused(".subckt s a b\nR1 a b 2", 22, "a.sub:2: a .subckt has no .ends");
    expect_refused(".ends", 5, "a.sub:1: .ends without");
    static const char *const twice[] = {
        ".model m d\n.subckt s a b\n.ends\n.model M r", ".param k=1\n.param j=2\n\n.param K=3",
        ".func f(x) {x}\n*\n* \n.param f(x) = {2}", ".subckt s a b\n.ends\n\n.subckt S a b\n.ends"};
    for (size_t k = 0; k < sizeof twice / sizeof *twice; k++)
        expect_refused(twice[k], strlen(twice[k]), "a.sub:4: this name is defined twice");
    static const char *const twice_inside[] = {
        ".subckt s a b g=1\nR1 a b {g}\n.param G=2\n.ends",
        ".subckt s a b\n.param k=1\n.param j=2 K=4\n.ends",
        ".subckt s a b\n.param k=1\n.param k=4 k=5\n.ends",
        ".subckt s a b\n.func f(x) {x}\n.func F(y) {4*y}\n.ends",
        ".subckt s a b\n.model m r(r=1)\n.model m d\n.ends",
        ".subckt s a b\n.ends\n.subckt t a b g=1 G=2\n.ends",
        ".subckt s a b\n.subckt t a b\n.subckt u a b k=1 k=2\n.ends\n.ends\n.ends"};
    for (size_t k = 0; k < sizeof twice_inside / sizeof *twice_inside; k++)
        expect_refused(twice_inside[k], strlen(twice_inside[k]), "a.sub:3: this name is defined twice");
    assert_int_equal(allow(".param g=1\n.subckt s a b g=1\n.subckt t a b\n.param g=2\n.model m d\n.ends\n"
                           ".model m d\n.param k=1\n.ends\n.subckt u a b k=1\n.ends",
                           XBTAB__SPICE_MODEL),
                     XBTAB_OK);
    assert_int_equal(
        allow(
            ".model s r\n.param s=1\n.subckt s a b s=2\n.model m d\n.ends\n.subckt t a b\n.model m r\n.ends",
            XBTAB__SPICE_MODEL),
        XBTAB_OK);
}

static void names_of_ngspice_are_not_to_be_had(void **state)
{
    (void)state;
    static const char *const owned[] = {"e",    "E",     "pi",  "Pi",  "temper", "time",
                                        "TIME", "hertz", "sin", "Max", "pwl"};
    static const char *const free_names[] = {"v", "i",  "c",   "t",     "temp", "freq",
                                             "g", "e0", "pi2", "times", "gain"};
    char text[128];
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) {
        assert_true(xbtab__spice_owns(owned[k]));
        static const char *const forms[] = {".subckt s a b g=1 %s=2\n.ends", ".param x=1 %s = {2}",
                                            ".func %s(x) {x}", ".func f(x,%s) {x}", ".param %s(x)={x}"};
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            snprintf(text, sizeof text, forms[f], owned[k]);
            if (allow(text, XBTAB__SPICE_MODEL) == XBTAB_OK) fail_msg("passes: %s", text);
            if (!strstr(xbtab_error_message(), "ngspice owns that name"))
                fail_msg("%s", xbtab_error_message());
        }
    }
    for (size_t k = 0; k < sizeof free_names / sizeof *free_names; k++) {
        assert_false(xbtab__spice_owns(free_names[k]));
        snprintf(text, sizeof text, ".subckt s a b %s=2\nB1 a b I={%s}*V(a,b)*(time > 1 ? temper : 1)\n.ends",
                 free_names[k], free_names[k]);
        if (allow(text, XBTAB__SPICE_MODEL) < 0) fail_msg("%s", xbtab_error_message());
    }
    expect_refused(".subckt s a b g=1 v0=2\n+ G=3\n.ends", 34, "a.sub:1: this name is defined twice");
}

static void expressions_that_drown_ngspice_are_refused(void **state)
{
    (void)state;
    enum { MOST = 40000 };
    char *text = calloc(MOST, 1);
    assert_non_null(text);
    static const struct {
        int length, depth;
        bool is_refused;
    } cases[] = {{16000, 1, false}, {16500, 1, true}, {1, 64, false}, {1, 65, true}, {1, 5000, true}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char *at = text + sprintf(text, ".param k={");
        for (int i = 0; i < cases[k].depth; i++) *at++ = '(';
        for (int i = 0; i < cases[k].length / 2; i++) at += sprintf(at, "1+");
        *at++ = '1';
        for (int i = 0; i < cases[k].depth; i++) *at++ = ')';
        sprintf(at, "}");
        if ((allow(text, XBTAB__SPICE_MODEL) < 0) != cases[k].is_refused) fail_msg("case %zu", k);
    }
    free(text);
    static const char *const open[] = {".param k={1", ".param k=1}", ".param k={(1}", ".param k={1)}",
                                       ".param k={{1}}"};
    for (size_t k = 0; k < sizeof open / sizeof *open; k++) {
        if (allow(open[k], XBTAB__SPICE_MODEL) == XBTAB_OK) fail_msg("passes: %s", open[k]);
    }
}

/* ---- beside ngspice ---- */

/* i(vm) of two volts' circuit around some lines, by the ngspice program; NAN if it gives none. */
static double run_program(const char *lines)
{
    char path[] = "/tmp/xbartab-test-XXXXXX", line[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    fprintf(out,
            "title\nVa a 0 dc 2\nVm b 0 dc 0\n%s\n.control\nset numdgt=12\nop\nprint i(vm)\n.endc\n.end\n",
            lines);
    fclose(out);
    snprintf(line, sizeof line, "ngspice -n -b %s 2>/dev/null", path);
    FILE *in = popen(line, "r");
    double I = NAN;
    while (fgets(line, sizeof line, in)) sscanf(line, "i(vm) = %lf", &I);
    pclose(in);
    unlink(path);
    return I;
}

/* What we write of a text gives in ngspice what the text itself gives there. */
static void ngspice_reads_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "R1 a b 4",
        "R1 a b 4 ; m=2",
        "R1 a b 4;m=2",
        "R1 a b 4 $ m=2",
        "R1 a b 4 $m=2",
        "R1 a b 4,$ m=2",
        "R1 a b 4 // m=2",
        "R1 a b 4//m=2",
        "R1 a b 4\t$m=2",
        "R1 a b {4} // m=2",
        "R1 a b 4\r\n+ m=2\r\n",
        "R1 a b\n\n* c\n   \n+ 4",
        "R1 a b\n$ c\n+ 4\n// d\n+ m=2",
        "  R1 a b 4\n\t+ m=2",
        "R1 a b 4 ; c\n+ m=2",
        "R1 a b 4 $ c\n+ m=2",
        "* c\n$ d\n; e\n// f\nR1 a b 4",
        "R1 a b 1\n+0",
        "R1 a b '8/2' m = 2",
        "X1 a b s\n.subckt s p n g = {0.1 + 0.1} h='1 + 1'\nR1 p n {h/g}\n.ends",
        "X1 a b s params: g=0.5\n.subckt s (p,n) params: g=0.1\nR1 p n {1/g}\n.ends s",
        "B1 a b I=V(a)>1 ?\n+ 0.25*V(a) :\n+ *2\n",
        "E1 x 0 poly(1) a 0 0 2\nR1 x b 4",
        ".func f(x) {x*2}\n.param g(x)={x*3} q = 2\nR1 a b {f(q)*g(1)}"};
    if (system("command -v ngspice >/dev/null 2>&1") != 0) skip();
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        xbtab__text ours = {0};
        if (xbtab__spice_pass(&ours, texts[k], NULL, XBTAB__SPICE_NETLIST, k % 2) < 0)
            fail_msg("%s: %s", texts[k], xbtab_error_message());
        double wanted = run_program(texts[k]), got = run_program(ours.s);
        bool is_same = wanted == got || (isnan(wanted) && isnan(got));
        if (!is_same) fail_msg("%s: %.12g A, as we write it %.12g A:\n%s", texts[k], wanted, got, ours.s);
        if (isnan(wanted) && !strstr(texts[k], "*2")) fail_msg("ngspice does not solve: %s", texts[k]);
        xbtab__text_clear(&ours);
    }
}

/* A constant's parameter has no effect in ngspice: the reason why such names are refused. */
static void ngspice_keeps_its_constants(void **state)
{
    (void)state;
    static const char *const names[] = {"e", "pi", "temper", "time", "hertz"};
    char text[160];
    if (system("command -v ngspice >/dev/null 2>&1") != 0) skip();
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        snprintf(text, sizeof text, "X1 a b s %s=3\n.subckt s p n %s=1\nB1 p n I={0.25*%s}*V(p,n)\n.ends",
                 names[k], names[k], names[k]);
        double I = run_program(text);
        if (fabs(I - 1.5) < 1e-9) fail_msg("ngspice takes a parameter %s now", names[k]);
    }
    assert_true(fabs(run_program("X1 a b s g=3\n.subckt s p n g=1\nB1 p n I={0.25*g}*V(p,n)\n.ends") - 1.5) <
                1e-9);
}

static void long_lines_are_broken_at_blanks(void **state)
{
    (void)state;
    xbtab__text line = {0}, out = {0};
    xbtab__text_add(&line, ".subckt s a b\nB1 a b I=0");
    for (int k = 0; k < 500; k++) xbtab__text_add(&line, " +%d*V(a,b)", k);
    xbtab__text_add(&line, "\n.ends\n");
    assert_int_equal(xbtab__spice_pass(&out, line.s, "a.sub", XBTAB__SPICE_MODEL, true), XBTAB_OK);
    for (const char *at = out.s; *at; at += strcspn(at, "\n") + 1) assert_in_range(strcspn(at, "\n"), 1, 122);
    xbtab__spice_text first = {0}, again = {0};
    assert_int_equal(xbtab__spice_lex(&first, line.s, line.n, "a.sub"), XBTAB_OK);
    assert_int_equal(xbtab__spice_lex(&again, out.s, out.n, "a.sub"), XBTAB_OK);
    assert_int_equal(first.n, again.n);
    for (size_t k = 0; k < first.n; k++)
        assert_int_equal(strlen(first.line[k].text), strlen(again.line[k].text));
    xbtab__spice_clear(&first);
    xbtab__spice_clear(&again);
    xbtab__text_clear(&line);
    xbtab__text_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_know_where_they_begin),
        cmocka_unit_test(what_reads_two_ways_is_refused_with_its_line),
        cmocka_unit_test(cards_are_allowed_whole_or_not_at_all),
        cmocka_unit_test(elements_are_those_that_read_no_file),
        cmocka_unit_test(models_of_code_and_files_are_refused),
        cmocka_unit_test(names_of_ngspice_are_not_to_be_had),
        cmocka_unit_test(expressions_that_drown_ngspice_are_refused),
        cmocka_unit_test(ngspice_reads_the_same),
        cmocka_unit_test(ngspice_keeps_its_constants),
        cmocka_unit_test(long_lines_are_broken_at_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
