/* test_report.c - one made-up record as text, JSON and CSV. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/report.h>

typedef struct leg {
    const char *name;
    double length;
} leg;

typedef struct row {
    double *x;
    int n;
} row;

typedef struct beast {
    const char *name;
    int age, is_wild;
    long below;
    size_t n_legs;
    double weight, unknown;
    struct leg tail;
    const leg *leg;
    char cry[8];
    bool is_awake;
    leg wing[4];
    int n_wings;
    int64_t shape[5];
    row step[2];
    size_t n_steps;
    const char **friend;
    size_t n_friends;
} beast;

static int is_wild(const void *record)
{
    return ((const beast *)record)->is_wild;
}

static double half(const void *record)
{
    return ((const beast *)record)->weight / 2;
}

static long twice(const void *record)
{
    return 2 * ((const beast *)record)->age;
}

static const char *word(const void *record)
{
    return ((const beast *)record)->is_wild ? "wild" : "tame";
}

static const xbtab_field leg_fields[] = {{XBTAB_FIELD(leg, name, "name", NULL, "which")},
                                         {XBTAB_FIELD(leg, length, "length", "m", "from end to end")}};
static const xbtab_form leg_form = XBTAB_FORM(leg, leg_fields);

static const xbtab_field row_fields[] = {{XBTAB_FIELD_ROWS(row, x, n, NULL, &xbtab_form_real, NULL)}};
static const xbtab_form row_form = XBTAB_FORM(row, row_fields);

static const xbtab_field beast_fields[] = {
    {XBTAB_FIELD(beast, name, "name", NULL, "what it is called")},
    {XBTAB_FIELD(beast, age, "age", "s", "since its birth")},
    {XBTAB_FIELD(beast, below, "below", NULL, "less than nothing")},
    {XBTAB_FIELD(beast, n_legs, "n_legs", NULL, "legs")},
    {XBTAB_FIELD(beast, weight, "weight", "kg", "of all of it")},
    {XBTAB_FIELD(beast, weight, "half", "kg", "of half of it"), .derive = half},
    {XBTAB_FIELD(beast, unknown, "unknown", NULL, "never known"), .absent = XBTAB_ABSENT_NULL},
    {XBTAB_FIELD(beast, age, "hidden", NULL, "of the wild ones"), .absent = XBTAB_ABSENT_LEFT_OUT,
     .when = is_wild},
    {XBTAB_FIELD_OF(beast, tail, "tail", &leg_form, "at its end")},
    {XBTAB_FIELD_ROWS(beast, leg, n_legs, "legs", &leg_form, "that it walks on")}};
static const xbtab_form beast_form = XBTAB_FORM(beast, beast_fields);

/* What else a member can be. */
static const xbtab_field more_fields[] = {
    {XBTAB_FIELD(beast, cry, "cry", NULL, "of alarm")},
    {XBTAB_FIELD(beast, is_awake, "awake", NULL, "now")},
    {XBTAB_FIELD_YES_NO(beast, is_wild, "wild", "by birth")},
    {XBTAB_FIELD(beast, age, "twice", "s", "its age and again"), .whole = twice},
    {XBTAB_FIELD(beast, name, "kind", NULL, "wild or tame"), .word = word},
    {XBTAB_FIELD_NAMED(beast, wing, n_wings, "wings", &leg_form, "by name"), .is_within = 1},
    {XBTAB_FIELD_ROWS(beast, shape, n_wings, "shape", &xbtab_form_whole, "plain numbers"), .is_within = 1},
    {XBTAB_FIELD_ROWS(beast, step, n_steps, "steps", &row_form, "rows"), .is_within = 1},
    {XBTAB_FIELD_ROWS(beast, friend, n_friends, "friends", &xbtab_form_word, "plain words")}};
static const xbtab_form more_form = XBTAB_FORM(beast, more_fields);

static const leg legs[] = {{"left", 0.25}, {"right", 0.75}};
static double steps[] = {1.5, NAN, -2};
static const char *friends[] = {"x", "y, z"};
static const beast odd = {.name = "a \"b\", c",
                          .age = 37,
                          .below = -53,
                          .n_legs = 2,
                          .weight = 2.5,
                          .unknown = NAN,
                          .tail = {"tail", 1.5},
                          .leg = legs,
                          .cry = "oh",
                          .is_awake = true,
                          .wing = {{"near", 3}, {"far", 4}},
                          .n_wings = 2,
                          .shape = {7, -9},
                          .step = {{steps, 3}, {steps, 1}},
                          .n_steps = 2,
                          .friend = friends,
                          .n_friends = 2};

typedef void print_fn(FILE *stream);

static void check(print_fn *print, const char *expected)
{
    char *text = NULL;
    size_t n;
    FILE *stream = open_memstream(&text, &n);
    assert_non_null(stream);
    print(stream);
    fclose(stream);
    assert_string_equal(text, expected);
    free(text);
}

static void as_json(FILE *stream)
{
    assert_int_equal(xbtab_report_json(stream, &beast_form, &odd), XBTAB_OK);
}

static void json_has_all_fields_in_their_order(void **state)
{
    (void)state;
    check(as_json, "{\n  \"name\": \"a \\\"b\\\", c\",\n  \"age\": 37,\n  \"below\": -53,\n  \"n_legs\": 2,\n"
                   "  \"weight\": 2.5,\n  \"half\": 1.25,\n  \"unknown\": null,\n"
                   "  \"tail\": {\n    \"name\": \"tail\",\n    \"length\": 1.5\n  },\n"
                   "  \"legs\": [\n    {\n      \"name\": \"left\",\n      \"length\": 0.25\n    },\n"
                   "    {\n      \"name\": \"right\",\n      \"length\": 0.75\n    }\n  ]\n}\n");
}

static void more_as_json(FILE *stream)
{
    assert_int_equal(xbtab_report_json(stream, &more_form, &odd), XBTAB_OK);
}

static void json_has_texts_flags_and_lists_of_values(void **state)
{
    (void)state;
    check(
        more_as_json,
        "{\n  \"cry\": \"oh\",\n  \"awake\": true,\n  \"wild\": false,\n  \"twice\": 74,\n"
        "  \"kind\": \"tame\",\n"
        "  \"wings\": {\n    \"near\": {\n      \"length\": 3.0\n    },\n"
        "    \"far\": {\n      \"length\": 4.0\n    }\n  },\n"
        "  \"shape\": [\n    7,\n    -9\n  ],\n"
        "  \"steps\": [\n    [\n      1.5,\n      null,\n      -2.0\n    ],\n    [\n      1.5\n    ]\n  ],\n"
        "  \"friends\": [\n    \"x\",\n    \"y, z\"\n  ]\n}\n");
}

static void more_as_csv(FILE *stream)
{
    xbtab_report_csv(stream, &more_form, &odd, 1);
}

static void csv_has_no_lists(void **state)
{
    (void)state;
    check(more_as_csv, "cry,awake,wild,twice,kind\noh,1,0,74,tame\n");
}

static void more_as_text(FILE *stream)
{
    xbtab_report_text(stream, &more_form, &odd, "{cry:4}|{awake}|{wild:3}|{twice:04d}|{kind}|{shape:3}\n");
    xbtab_report_text(stream, &more_form, &odd, NULL);
}

static void a_text_has_them_too(void **state)
{
    (void)state;
    check(more_as_text, "  oh|1|  0|0074|tame|  -\n"
                        "cry                                  oh        of alarm\n"
                        "awake                                 1        now\n"
                        "wild                                  0        by birth\n"
                        "twice                                74 s      its age and again\n"
                        "kind                               tame        wild or tame\n"
                        "wings: by name\n"
                        "  name                               near        which\n"
                        "  length                                3 m      from end to end\n"
                        "  name                                far        which\n"
                        "  length                                4 m      from end to end\n"
                        "shape: plain numbers\n  7 -9\n"
                        "steps: rows\n  1.5 - -2\n  1.5\n"
                        "friends: plain words\n  x y, z\n");
}

static void as_csv(FILE *stream)
{
    beast both[] = {odd, odd};
    both[1].is_wild = 1;
    both[1].name = "plain";
    xbtab_report_csv(stream, &beast_form, both, 2);
}

static void csv_has_a_place_for_what_is_not_there(void **state)
{
    (void)state;
    check(as_csv, "name,age,below,n_legs,weight,half,unknown,hidden,tail.name,tail.length\n"
                  "\"a \"\"b\"\", c\",37,-53,2,2.5,1.25,,,tail,1.5\n"
                  "plain,37,-53,2,2.5,1.25,,37,tail,1.5\n");
}

static void as_text(FILE *stream)
{
    xbtab_report_text(
        stream, &beast_form, &odd,
        "{name:-10}|{age:5}|{below}|{weight:7.2f*100} %|{unknown:4.1f}|{tail.length:.3f}|{half}\n");
    xbtab_report_rows(stream, &leg_form, legs, 2, "{name:6.2}{length:+.1f*-10};");
    xbtab_report_fields(stream, &beast_form, &odd, "tail", "[{key}={value} {unit} {what}]");
}

static void a_text_has_values_in_their_formats(void **state)
{
    (void)state;
    check(as_text, "a \"b\", c  |   37|-53| 250.00 %|   -|1.500|1.25\n"
                   "    le-2.5;    ri-7.5;"
                   "[name=tail  which][length=1.5 m from end to end]");
}

static void as_list(FILE *stream)
{
    xbtab_report_text(stream, &leg_form, &legs[0], NULL);
}

static void a_list_has_a_line_a_field(void **state)
{
    (void)state;
    check(as_list, "name                               left        which\n"
                   "length                             0.25 m      from end to end\n");
}

static void json_names_the_number_that_it_cannot_hold(void **state)
{
    (void)state;
    beast broken = odd;
    broken.tail.length = INFINITY;
    char *text = NULL;
    size_t n;
    FILE *stream = open_memstream(&text, &n);
    assert_non_null(stream);
    assert_int_equal(xbtab_report_json(stream, &beast_form, &broken), XBTAB_ERR_INTERNAL);
    fclose(stream);
    assert_int_equal(n, 0);
    assert_string_equal(xbtab_error_message(), "JSON cannot hold what length is here");
    free(text);
}

/* Every field of every list that the library has, and of those in them. */
static void check_form(const xbtab_form *form)
{
    for (size_t k = 0; k < form->n; k++) {
        const xbtab_field *f = &form->field[k];
        if (f->form) check_form(f->form);
        if (!f->key) continue;
        if (!f->what || !f->what[0]) fail_msg("%s.%s does not say what it is", form->name, f->key);
        for (size_t l = 0; l < k; l++) {
            const char *other = form->field[l].key;
            if (other && !f->when && strcmp(other, f->key) == 0)
                fail_msg("%s has %s twice", form->name, f->key);
        }
        if (f->unit && (!f->unit[0] || f->kind >= XBTAB_FIELD_RECORD || f->kind == XBTAB_FIELD_WORD))
            fail_msg("%s.%s has the unit \"%s\"", form->name, f->key, f->unit);
    }
}

static void the_librarys_lists_say_what_their_fields_are(void **state)
{
    (void)state;
    size_t n = 0;
    for (const xbtab_form *const *form = xbtab_forms(); *form; form++, n++) {
        assert_true((*form)->size > 0 && (*form)->n > 0);
        check_form(*form);
    }
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_all_fields_in_their_order),
        cmocka_unit_test(csv_has_a_place_for_what_is_not_there),
        cmocka_unit_test(a_text_has_values_in_their_formats),
        cmocka_unit_test(a_list_has_a_line_a_field),
        cmocka_unit_test(json_has_texts_flags_and_lists_of_values),
        cmocka_unit_test(csv_has_no_lists),
        cmocka_unit_test(a_text_has_them_too),
        cmocka_unit_test(the_librarys_lists_say_what_their_fields_are),
        cmocka_unit_test(json_names_the_number_that_it_cannot_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
