/* A comparison of devices as a library call: which pairs, words that are filled in, figures against formulas by hand,
 * cancellation, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/data.h>
#include <xbartab/pairs.h>
#include <xbartab/tables.h>

#include "memory.h"
#include "pairs_private.h"

static char folder[] = "/tmp/xbartab-test-pairs-XXXXXX";
static xbtab_models *models;

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 && xbtab_models_open_with(&models, NULL) == XBTAB_OK ? 0
                                                                                                      : -1;
}

static void remove_all(const char *path)
{
    char below[600];
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        unlink(below);
    }
    if (d) closedir(d);
}

static int leave(void **state)
{
    (void)state;
    xbtab_models_destroy(&models);
    remove_all("kept");
    rmdir("kept");
    remove_all(".");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static void words_are_filled_in(void **state)
{
    (void)state;
    const xbtab__word words[] = {{"size", "32"}, {"tia", NULL}, {"rram", "x"}, {NULL, NULL}};
    char *out = NULL;
    assert_int_equal(xbtab__fill_in(&out, "a: @size@\nb: @tia:opamp@, @rram:y@ mail@home\n@\n", "f", words),
                     XBTAB_OK);
    assert_string_equal(out, "a: 32\nb: opamp, x mail@home\n@\n");
    xbtab__free(out);
    out = NULL;
    assert_int_equal(xbtab__fill_in(&out, "@tia@", "f.in", words), XBTAB_ERR_INPUT);
    assert_string_equal(xbtab_error_message(), "f.in: @tia@ has no value");
    assert_int_equal(xbtab__fill_in(&out, "@sizes:3@", "f.in", words), XBTAB_ERR_INPUT);
    assert_string_equal(xbtab_error_message(), "f.in: @sizes:3@ has no value");
    assert_null(out);
}

static void pairs_are_what_sheets_say(void **state)
{
    (void)state;
    xbtab_pairs *pairs = NULL;
    size_t n = 0;
    xbtab_pairs_options o = {.models = models};
    for (int k = 0; k < xbtab_models_count(models); k++)
        n += (size_t)xbtab_models_get(models, k)->n_operating;
    assert_int_equal(xbtab_pairs_open(&pairs, &o), XBTAB_OK);
    assert_int_equal(xbtab_pairs_count(pairs), n);
    xbtab_pairs_destroy(&pairs);
    o.names = "resistor:tunnel,cubic:nothing";
    assert_int_equal(xbtab_pairs_open(&pairs, &o), XBTAB_ERR_OPTION);
    assert_string_equal(xbtab_error_message(),
                        "resistor:tunnel,cubic:nothing: 1 of these pairs have an operating "
                        "point in their rram's sheet");
    o.size = 1;
    assert_int_equal(xbtab_pairs_open(&pairs, &o), XBTAB_ERR_OPTION);
    o = (xbtab_pairs_options){.models = models, .tile = "none.in"};
    assert_int_equal(xbtab_pairs_open(&pairs, &o), XBTAB_ERR_IO);
    assert_null(pairs);
}

/* A resistor alone: its chord conductance is that at any voltage, half the voltage is half the current, and without
 * wires nothing drops but over the amplifier. */
static const char ideal_tile[] =
    "name: ideal\n"
    "cell: {rram: {model: @rram@@preset@}, selector: {model: none}}\n"
    "levels: {count: 2, g_min: @g_min@, g_max: @g_max@}\n"
    "array: {rows: @size@, columns: @size@}\n"
    "wire: {word: @wire:0@ ohm, bit: 0 ohm}\n"
    "dac: {bits: 1, read_voltage: @read_voltage@}\n"
    "tia: {model: @tia:ideal@}\n"
    "adc: {bits: 6}\n"
    "sampling: {tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, "
    "check_full: 0}\n";

static int lines;

static void count_line(const char *line, void *payload)
{
    (void)payload;
    assert_string_equal(line, "1 of 1: resistor with tunnel");
    lines++;
}

/* V^2 G of each cell of a driven row, over the time of a read. */
static double energy_of(const xbtab_tables *t)
{
    const size_t n = 5;
    double sum = 0;
    for (size_t k = 0; k < t->samples.n_tiles * t->samples.n_vectors; k++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; t->samples.code[k * n + i] && j < n; j++)
                sum += t->v_read * t->v_read *
                       t->G_level[t->samples.level[(k / t->samples.n_vectors * n + i) * n + j]];
        }
    }
    return sum / (double)(t->samples.n_tiles * t->samples.n_vectors) * t->energy.read_time;
}

static void figures_of_a_resistor(void **state)
{
    (void)state;
    xbtab_pairs *pairs = NULL;
    xbtab_tables *tables = NULL;
    const xbtab_pairs_options o = {.models = models,
                                   .names = "resistor:tunnel",
                                   .size = 5,
                                   .tile = "ideal.in",
                                   .folder = "kept",
                                   .note = count_line};
    put("ideal.in", ideal_tile);
    assert_int_equal(xbtab_pairs_open(&pairs, &o), XBTAB_OK);
    assert_int_equal(xbtab_pairs_run(pairs), XBTAB_OK);
    assert_int_equal(lines, 1);
    const xbtab_pair *p = xbtab_pairs_get(pairs, 0);
    const xbtab_pair_figures *f = &p->figures;
    assert_string_equal(p->reason, "");
    assert_true(fabs(f->chord - 1) < 1e-9);
    assert_true(fabs(f->half_select - 2) < 1e-9);
    assert_true(f->ir_drop >= 0 && f->ir_drop < 1e-9);
    assert_true(fabs(f->on_off / 1e9 - 1) < 1e-9); /* the sheet's bounds: 1 S and 1 nS */
    assert_int_equal(f->failed, 0);
    assert_int_equal(xbtab_tables_open(&tables, "kept/resistor-tunnel.h5"), XBTAB_OK);
    assert_true(fabs(f->energy / energy_of(tables) - 1) < 1e-6);
    xbtab_tables_destroy(&tables);
    xbtab_pairs_destroy(&pairs);
}

static int stop(const xbtab_progress *progress, void *payload)
{
    (void)progress;
    ++*(int *)payload;
    return 1;
}

static void a_canceled_comparison_ends(void **state)
{
    (void)state;
    int asked = 0;
    xbtab_pairs *pairs = NULL;
    const xbtab_pairs_options o = {.models = models,
                                   .names = "resistor:tunnel,cubic:nmos_level1",
                                   .size = 5,
                                   .progress = stop,
                                   .payload = &asked};
    assert_int_equal(xbtab_pairs_open(&pairs, &o), XBTAB_OK);
    assert_int_equal(xbtab_pairs_count(pairs), 2);
    assert_int_equal(xbtab_pairs_run(pairs), XBTAB_ERR_CANCELED);
    assert_int_equal(asked, 1);
    assert_true(isnan(xbtab_pairs_get(pairs, 0)->figures.chord));
    assert_string_equal(xbtab_pairs_get(pairs, 1)->reason, "was not run");
    xbtab_pairs_destroy(&pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_filled_in),
        cmocka_unit_test(pairs_are_what_sheets_say),
        cmocka_unit_test(figures_of_a_resistor),
        cmocka_unit_test(a_canceled_comparison_ends),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
