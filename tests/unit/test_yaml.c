/* test_yaml.c - what a YAML text must be, and parts cut out of it. Whole files are tests/cli/inputs.sh's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "yaml_check.h"
#include "yaml_tree.h"

static void refused(const char *text, const char *words)
{
    xbtab__yaml yaml;
    if (xbtab__yaml_copy(&yaml, text, "t.yaml", 0) != XBTAB_ERR_INPUT) fail_msg("taken: %.60s", text);
    if (!strstr(xbtab_error_message(), words)) fail_msg("\"%s\" is not in: %s", words, xbtab_error_message());
}

static void what_is_not_one_plain_document_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {{"a: 1\nb: 2\na: 3\n", "t.yaml:3: key \"a\" is there already, in line 1"},
               {"a: {x: 1, y: 2}\nb:\n  - {c: 1, d: 2,\n     c: 3}\n",
                "t.yaml:4: key \"c\" is there already, in line 3"},
               {"a: 1\n\"a\": 2\n", "t.yaml:2: key \"a\" is there already, in line 1"},
               {"a: 1\n---\nb: 2\n", "t.yaml:2: a second YAML document"},
               {"a: 1\n...\n---\nb: 2\n", "t.yaml:3: a second YAML document"},
               {"a: &x 1\n", "t.yaml:1: YAML anchors (&) are not supported"},
               {"a: 1\nb: *a\n", "t.yaml:2: YAML aliases are not supported"},
               {"%TAG ! tag:x,2000:\n---\na: 1\n", "t.yaml:1: YAML directives (%) are not supported"},
               {"? [a]\n: 1\n", "t.yaml:1: a key must be a word"},
               {"a:\n\tb: 1\n", "t.yaml:2: not YAML: "},
               {"a:\n\tb: 1\n", "tabs cannot indent"},
               {"a: 1\nb: \xb5\n", "t.yaml:2: byte 0xb5 is not UTF-8"},
               {"a: \xc0\xaf\n", "t.yaml:1: byte 0xc0 is not UTF-8"},         /* a slash of two bytes */
               {"a: \xed\xa0\x80\n", "t.yaml:1: byte 0xed is not UTF-8"},     /* half a surrogate pair */
               {"a: \xf4\x90\x80\x80\n", "t.yaml:1: byte 0xf4 is not UTF-8"}, /* beyond U+10FFFF */
               {"a: \xe2\x82", "t.yaml:1: byte 0xe2 is not UTF-8"},           /* cut */
               {"\xff\xfe", "t.yaml:1: UTF-16"},
               {"a: [1, 2\n", "t.yaml:2: not YAML"}};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) refused(bad[k].text, bad[k].words);
    /* equal keys of different mappings are not equal */
    xbtab__yaml yaml;
    assert_int_equal(xbtab__yaml_copy(&yaml, "a: {x: 1}\nb: [{x: 2}, {x: 3}]\nx: 4\n", "t", 0), XBTAB_OK);
    xbtab__yaml_clear(&yaml);
}

/* n times a part of a text. */
static char *repeated(const char *part, size_t n, const char *end)
{
    size_t size = strlen(part);
    char *text = malloc(n * size + strlen(end) + 1);
    assert_non_null(text);
    for (size_t k = 0; k < n; k++) memcpy(text + k * size, part, size);
    strcpy(text + n * size, end);
    return text;
}

/* Each of these takes libyaml or libcyaml seconds to minutes, or their stack. */
static void what_would_take_long_is_refused_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        size_t n;
        const char *words;
    } bad[] = {{"[", 100000, ":1: nested more than 16 deep"},
               {"[\n", 100000, ":17: nested more than 16 deep"},
               {"- ", 100000, ":1: nested more than 16 deep"},
               {"a: {", 100000, ":1: nested more than 16 deep"},
               {"{", 100000, ":1: a key must be a word"},
               {"? ", 100000, ":1: a key must be a word"},
               {"%TAG !a! b\n", 90000, ":1: YAML directives"},
               {"- 1\n", 250000, ":200000: more than 200000 values and keys"},
               {"# \n", 400000, "larger than 1048576 bytes"}};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        char *text = repeated(bad[k].part, bad[k].n, "");
        refused(text, bad[k].words);
        free(text);
    }
    char *open = repeated("[", 16, ""); /* as deep as may be, but not closed */
    refused(open, "not YAML");
    free(open);
}

static void line_ends_and_byte_order_marks_do_not_matter(void **state)
{
    (void)state;
    static const char *const same[] = {"a: 1\nb: no\n", "a: 1\r\nb: no\r\n", "a: 1\rb: no\r",
                                       "\xef\xbb\xbf"
                                       "a: 1\nb: no\n"};
    for (size_t k = 0; k < 4; k++) {
        xbtab__yaml yaml;
        char *out = NULL;
        assert_int_equal(xbtab__yaml_copy(&yaml, same[k], "t", 0), XBTAB_OK);
        assert_string_equal(yaml.text, same[0]);
        assert_int_equal(yaml.n, strlen(same[0]));
        assert_int_equal(xbtab__yaml_line(&yaml, "b"), 2);
        assert_int_equal(xbtab__yaml_canonical(&out, &yaml), XBTAB_OK);
        assert_string_equal(out, "a: 1\nb: no\n");
        xbtab__free(out);
        xbtab__yaml_clear(&yaml);
    }
}

/* libyaml counts characters, the text has bytes: Ω has two and € three. */
static void parts_are_cut_behind_characters_of_several_bytes(void **state)
{
    (void)state;
    xbtab__yaml yaml, part;
    assert_int_equal(xbtab__yaml_copy(&yaml,
                                      "# \xce\xa9\xce\xa9\xce\xa9\xce\xa9 \xe2\x82\xac\r\n"
                                      "\xce\xa9\xce\xa9: {x: {y: 12345678}, z: 1}\r\n"
                                      "tile:\r\n  a: \xe2\x82\xac\r\n  b: 2385\r\n",
                                      "t", 0),
                     XBTAB_OK);
    assert_int_equal(xbtab__yaml_cut(&part, &yaml, "tile"), XBTAB_OK);
    assert_string_equal(part.text, "a: \xe2\x82\xac\nb: 2385\n");
    assert_int_equal(xbtab__yaml_line(&part, "b"), 5);
    xbtab__yaml_clear(&part);
    assert_int_equal(xbtab__yaml_cut(&part, &yaml, "\xce\xa9\xce\xa9.x"), XBTAB_OK);
    assert_string_equal(part.text, "{y: 12345678}\n");
    xbtab__yaml_clear(&part);
    xbtab__yaml_clear(&yaml);
}

static void whole_numbers_are_decimal_digits(void **state)
{
    (void)state;
    static const char *const none[] = {"",     "nan", "1e2", "0x10", "0o17", "010", "1_0",
                                       "1:30", " 7",  "7 ",  "7.0",  "-",    "+"};
    static const char *const outside[] = {"0", "-1", "65", "99999999999999999999", "18446744073709551623"};
    xbtab__yaml yaml;
    int value = 37;
    assert_int_equal(xbtab__yaml_copy(&yaml, "a: 1\n", "t", 0), XBTAB_OK);
    for (size_t k = 0; k < sizeof none / sizeof none[0]; k++) {
        assert_int_equal(xbtab__yaml_int(&value, &yaml, "a", none[k], 1, 64), XBTAB_ERR_INPUT);
        assert_non_null(strstr(xbtab_error_message(), "is not a whole number; 1 to 64 is allowed"));
    }
    for (size_t k = 0; k < sizeof outside / sizeof outside[0]; k++) {
        assert_int_equal(xbtab__yaml_int(&value, &yaml, "a", outside[k], 1, 64), XBTAB_ERR_INPUT);
        assert_non_null(strstr(xbtab_error_message(), "is outside 1 to 64"));
    }
    assert_int_equal(value, 37);
    assert_int_equal(xbtab__yaml_int(&value, &yaml, "a", "64", 1, 64), XBTAB_OK);
    assert_int_equal(value, 64);
    xbtab__yaml_clear(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_one_plain_document_is_refused_with_its_line),
        cmocka_unit_test(what_would_take_long_is_refused_at_once),
        cmocka_unit_test(line_ends_and_byte_order_marks_do_not_matter),
        cmocka_unit_test(parts_are_cut_behind_characters_of_several_bytes),
        cmocka_unit_test(whole_numbers_are_decimal_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
