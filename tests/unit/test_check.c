/* test_check.c - what the check of a run reports, figure by figure: by a reference whose answers are made up,
 * on tiles whose own currents follow from Ohm's law. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/infer.h>

#include "file_fixture.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { ROWS = 31, OUTPUTS = 3, COLUMNS = 8 * OUTPUTS, IMAGES = 5, PRODUCTS = 36 };

typedef struct fixture {
    float x[IMAGES * ROWS], W[ROWS * OUTPUTS];
    xbtab_images images;
    xbtab_network *network;
    xbtab_tables *tables;
    xbtab_technology *technology;
    xbtab_quantized *quantized;
    int adc_bits;
    /* what the figures should be */
    double square, most, square_stored, square_codes, most_codes;
    size_t codes, codes_differ;
} fixture;

/* One dense layer that fills one tile: 8-bit weights in 4 slices of 2 bits, on two bit lines each. */
static void prepare(fixture *f)
{
    static const double a_drive[] = {0.25, 0.5, 1.0}, rmse_drive[] = {4.1e-3, NAN, 1.3e-3};
    onnx_build b;
    xbtab__random random;
    *f = (fixture){
        .tables = sinh_tables(&(sinh_design){
            .rows = ROWS, .columns = COLUMNS, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 1e4})};
    xbtab_tables *t = f->tables;
    t->r_driver = t->r_sink = 0;
    memset(t->tia.V_in, 0, t->tia.n * sizeof *t->tia.V_in);
    t->transfer.coefficient[0] = 1;
    t->transfer.coefficient[1] = t->transfer.coefficient[2] = 0;
    t->transfer.error.full_scale = 0.83 * t->I_full_scale;
    t->transfer.error.rmse = 2.385e-3;
    t->transfer.n_drives = 3;
    t->transfer.a_drive = calloc(3, sizeof(double));
    t->transfer.rmse_drive = calloc(3, sizeof(double));
    memcpy(t->transfer.a_drive, a_drive, sizeof a_drive);
    memcpy(t->transfer.rmse_drive, rmse_drive, sizeof rmse_drive);
    xbtab__random_init(&random, 7, XBTAB__RANDOM_TEST, 0, 0);
    for (int k = 0; k < IMAGES * ROWS; k++) f->x[k] = (float)xbtab__random_uniform(&random);
    for (int k = 0; k < ROWS * OUTPUTS; k++) f->W[k] = (float)(2 * xbtab__random_uniform(&random) - 1);
    build_begin(&b, 2, (int64_t[]){1, ROWS}, "y");
    build_floats(&b, "W", 2, (int64_t[]){ROWS, OUTPUTS}, f->W);
    build_node(&b, "MatMul", "y", "x", "W", NULL);
    build_write(&b, path);
    f->images = (xbtab_images){.n = IMAGES, .channels = 1, .height = 1, .width = ROWS, .pixel = f->x};
    if (xbtab_network_open(&f->network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_quantized_create(&f->quantized, f->network, &f->images, NULL), XBTAB_OK);
    assert_int_equal(xbtab_technology_create(&f->technology, t), XBTAB_OK);
}

static void finish(fixture *f)
{
    xbtab_quantized_destroy(&f->quantized);
    xbtab_technology_destroy(&f->technology);
    xbtab_tables_destroy(&f->tables);
    xbtab_network_destroy(&f->network);
}

static double code_of(const fixture *f, double I)
{
    double code = floor(ldexp(1.0, f->adc_bits) * I / f->tables->I_full_scale + 0.5);
    return fmin(fmax(code, 0), ldexp(1.0, f->adc_bits) - 1);
}

/* Of the drive's range, or where no sample was in it of all. */
static double announced(double a)
{
    return a <= 0 ? 0 : a <= 0.25 ? 4.1e-3 : a <= 0.5 ? 2.385e-3 : 1.3e-3;
}

/* Currents a little beside those of the tile, far above the ADC's range, or below it; and what follows. */
static xbtab_status invent(void *context, size_t n, const uint8_t *level, const double *G,
                           const uint8_t *code, double *I_out)
{
    fixture *f = context;
    for (size_t s = 0; s < n; s++) {
        double I[COLUMNS] = {0}, a = 0;
        for (size_t c = 0; c < ROWS * COLUMNS; c++) {
            assert_true(G[s * ROWS * COLUMNS + c] == f->tables->G_level[level[s * ROWS * COLUMNS + c]]);
            I[c % COLUMNS] += G[s * ROWS * COLUMNS + c] * f->tables->v_read * code[s * ROWS + c / COLUMNS];
        }
        for (size_t i = 0; i < ROWS; i++) a += code[s * ROWS + i] / (double)ROWS;
        for (size_t j = 0; j < COLUMNS; j++) {
            double beside = f->tables->I_full_scale * 1e-4 * (double)((s * 5 + j * 3) % 7);
            double wanted = s % 3 == 0 ? I[j] + beside : s % 3 == 1 ? 1.7 * f->tables->I_full_scale : -beside;
            double error = fabs(I[j] - wanted) / (0.83 * f->tables->I_full_scale);
            double off = code_of(f, I[j]) - code_of(f, wanted);
            I_out[s * COLUMNS + j] = wanted;
            f->square += error * error;
            f->most = fmax(f->most, error);
            f->square_stored += pow(announced(a), 2);
            f->square_codes += off * off;
            f->most_codes = fmax(f->most_codes, fabs(off));
            f->codes_differ += off != 0;
            f->codes++;
        }
    }
    return XBTAB_OK;
}

static void near(const char *what, double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance * fabs(wanted)))
        fail_msg("%s: %.9g, %.9g wanted", what, found, wanted);
}

static void every_figure_is_what_it_says(void **state)
{
    (void)state;
    for (int bits = 8; bits <= 10; bits++) { /* the tables' ADC has 8; with fewer, sums lie on its edges */
        fixture f;
        xbtab_mapped *mapped = NULL;
        xbtab_check_report r;
        prepare(&f);
        f.adc_bits = bits;
        const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1, .adc_bits = bits};
        const xbtab_reference reference = {.name = "invented", .currents = invent, .context = &f};
        if (xbtab_mapped_create(&mapped, f.quantized, &setup, &xbtab_engine_table, NULL) < 0)
            fail_msg("%s", xbtab_error_message());
        if (xbtab_mapped_check(mapped, &f.images, PRODUCTS, 11, &reference, NULL, &r) < 0)
            fail_msg("%s", xbtab_error_message());
        const double n = (double)f.codes;
        assert_string_equal(r.engine, "invented");
        assert_int_equal(r.samples, PRODUCTS);
        assert_int_equal(r.codes, PRODUCTS * COLUMNS);
        assert_int_equal(f.codes, r.codes);
        assert_int_equal(r.codes_differ, f.codes_differ);
        near("full scale", r.full_scale, 0.83 * f.tables->I_full_scale, 1e-12);
        near("rmse", r.rmse, sqrt(f.square / n), 1e-5);
        near("max", r.max, f.most, 1e-5);
        near("announced rmse", r.rmse_stored, sqrt(f.square_stored / n), 1e-12);
        near("rmse of codes", r.rmse_codes, sqrt(f.square_codes / n), 1e-12);
        near("largest difference of codes", r.max_codes, f.most_codes, 0);
        assert_true(f.most_codes > 0.5 * ldexp(1.0, bits)); /* the ends of the range were met */
        xbtab_mapped_destroy(&mapped);
        finish(&f);
    }
}

/* Of a refined tile, its own error on inputs of the products' drives that no fit saw: no more than what is told of
 * the tile, extremes included, and what the solver finds to a factor. */
static void a_refined_tile_announces_its_own_error(void **state)
{
    (void)state;
    fixture f;
    xbtab_mapped *mapped = NULL;
    xbtab_check_report r;
    xbtab_mapped_report report;
    prepare(&f);
    f.adc_bits = 8;
    f.tables->transfer.coefficient[0] = 1.02; /* refined away */
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = 20};
    assert_int_equal(xbtab_mapped_create(&mapped, f.quantized, &setup, &xbtab_engine_table, NULL), XBTAB_OK);
    xbtab_mapped_get_report(mapped, &report);
    assert_int_equal(report.tiles, 1);
    assert_int_equal(report.refined, 1);
    if (xbtab_mapped_check(mapped, &f.images, PRODUCTS, 11, NULL, NULL, &r) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_string_equal(r.engine, "solve");
    print_message("announced %g, of the tile %g, found %g\n", r.rmse_stored, report.tile_rmse, r.rmse);
    assert_true(r.rmse_stored > 0 && r.rmse_stored <= report.tile_rmse);
    assert_true(r.rmse <= 1.5 * r.rmse_stored && r.rmse_stored <= 1.5 * r.rmse);
    assert_true(report.tile_rmse > 0 && report.tile_rmse < 1e-4 &&
                report.worst_tile_rmse == report.tile_rmse);
    assert_true(r.rmse < 1e-3 && r.rmse > 0);
    xbtab_mapped_destroy(&mapped);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_what_it_says),
        cmocka_unit_test(a_refined_tile_announces_its_own_error),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
