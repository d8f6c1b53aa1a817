/* test_engine.c - the engines against plain code: exact integers, the tables in double precision, each other.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xbartab/engine.h>

#include "random.h"
#include "sinh_tables.h"

enum { MOST = 64 };

typedef struct fixture {
    xbtab_tables *tables;
    xbtab_technology *technology;
    uint8_t level[MOST * MOST];
    uint16_t x[8 * MOST];
    size_t rows, columns;
} fixture;

static void prepare(fixture *f, const sinh_design *d, size_t rows, size_t columns, int bits, uint32_t id)
{
    xbtab__random random;
    xbtab__random_init(&random, 3, XBTAB__RANDOM_TEST, id, 0);
    f->tables = sinh_tables(d);
    f->technology = NULL;
    assert_int_equal(xbtab_technology_create(&f->technology, f->tables), XBTAB_OK);
    f->rows = rows;
    f->columns = columns;
    for (size_t c = 0; c < rows * columns; c++)
        f->level[c] = (uint8_t)xbtab__random_below(&random, (uint32_t)d->n_levels);
    for (size_t k = 0; k < 8 * rows; k++) f->x[k] = (uint16_t)xbtab__random_below(&random, 1u << bits);
    for (size_t i = 0; i < rows; i++) f->x[i] = 0;                                  /* all off */
    for (size_t i = 0; i < rows; i++) f->x[rows + i] = (uint16_t)((1 << bits) - 1); /* all on */
}

static void finish(fixture *f)
{
    xbtab_technology_destroy(&f->technology);
    xbtab_tables_destroy(&f->tables);
}

static int32_t *products(const fixture *f, const xbtab_engine_type *engine, const xbtab_engine_setup *setup,
                         size_t n, int slices)
{
    void *state = NULL;
    xbtab_product_counts counts = {0};
    size_t stride = xbtab_engine_stride(f->columns);
    int32_t *acc = aligned_alloc(64, 8 * stride * sizeof *acc);
    assert_non_null(acc);
    memset(acc, 0, 8 * stride * sizeof *acc);
    const xbtab_cells cells = {.rows = f->rows, .columns = f->columns, .level = f->level};
    if (engine->program(&state, setup, &cells) < 0) fail_msg("%s", xbtab_error_message());
    for (size_t v = 0; v < 8; v += n) { /* in blocks: the split must not matter */
        size_t block = 8 - v < n ? 8 - v : n;
        assert_int_equal(
            engine->product(state, f->x + v * f->rows, block, slices, NULL, acc + v * stride, &counts),
            XBTAB_OK);
    }
    engine->clear(state);
    return acc;
}

/* With an ADC of many bits, the difference of two columns is the integers' difference, whatever the levels
 * and DAC. */
static void ideal_tiles_with_a_wide_adc_are_exact(void **state)
{
    (void)state;
    static const struct {
        size_t n_levels;
        int dac_bits, bits;
    } cases[] = {{2, 1, 8}, {4, 1, 8}, {4, 2, 8}, {16, 1, 5}, {16, 4, 8}, {2, 4, 12}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        fixture f;
        sinh_design d = {.rows = 53,
                         .columns = 37,
                         .n_levels = cases[k].n_levels,
                         .dac_bits = cases[k].dac_bits,
                         .adc_bits = 8,
                         .V0 = 0.43};
        prepare(&f, &d, 47, 37, cases[k].bits, (uint32_t)k);
        xbtab_engine_setup setup = {.technology = f.technology, .adc_bits = 22};
        double unit;
        assert_int_equal(xbtab_engine_codes_per_unit(&unit, &setup), XBTAB_OK);
        int slices = (cases[k].bits + d.dac_bits - 1) / d.dac_bits;
        int32_t *acc = products(&f, &xbtab_engine_ideal, &setup, 3, slices);
        size_t stride = xbtab_engine_stride(37);
        for (size_t v = 0; v < 8; v++) {
            for (size_t j = 1; j < 37; j++) {
                long wanted = 0;
                for (size_t i = 0; i < 47; i++) {
                    wanted += f.x[v * 47 + i] * ((long)f.level[i * 37 + j] - (long)f.level[i * 37 + j - 1]);
                }
                double got = ((double)acc[v * stride + j] - (double)acc[v * stride + j - 1]) / unit;
                assert_int_equal(lround(got), wanted);
            }
        }
        free(acc);
        finish(&f);
    }
}

/* The kernel's integers against the same chain in double precision. */
static void table_tiles_follow_the_tables(void **state)
{
    (void)state;
    for (int dac_bits = 1; dac_bits <= 8; dac_bits += dac_bits < 4 ? 1 : 2) {
        fixture f;
        sinh_design d = {.rows = 53,
                         .columns = 37,
                         .n_levels = 4,
                         .dac_bits = dac_bits,
                         .adc_bits = 8,
                         .r_word = 2,
                         .r_bit = 3,
                         .V0 = 0.25};
        prepare(&f, &d, 45, 31, dac_bits, (uint32_t)(10 + dac_bits));
        xbtab_engine_setup setup = {.technology = f.technology, .refine = -1};
        int32_t *acc = products(&f, &xbtab_engine_table, &setup, 8, 1);
        double G[53 * 37], y[37];
        uint8_t code[53] = {0};
        xbtab_tile *tile = NULL;
        for (size_t c = 0; c < 53 * 37; c++) G[c] = f.tables->G_level[0]; /* the unused part of the array */
        for (size_t i = 0; i < 45; i++) {
            for (size_t j = 0; j < 31; j++) G[i * 37 + j] = f.tables->G_level[f.level[i * 31 + j]];
        }
        assert_int_equal(xbtab_tile_create(&tile, f.technology, G, 53, 37), XBTAB_OK);
        int n_differ = 0;
        for (size_t v = 0; v < 8; v++) {
            double drive = 0;
            for (size_t i = 0; i < 45; i++) drive += code[i] = (uint8_t)f.x[v * 45 + i];
            xbtab_tile_product(tile, code, y);
            for (size_t j = 0; j < 31; j++) {
                double a = drive / (53.0 * ((1 << dac_bits) - 1)), p = (double)j / 36.0;
                double adc = xbtab_technology_adc(f.technology,
                                                  xbtab_technology_transfer(f.technology, y[j], a, p, 0));
                double wanted = fmin(fmax(floor(adc + 0.5), 0), 255), off = acc[v * 32 + j] - wanted;
                /* the kernel takes the drive in 32 steps and the sums in 16 bits: it may fall to the other
                 * side of a step */
                if (fabs(off) > 0 && (fabs(off) > 1 || fabs(adc + 0.5 - round(adc + 0.5)) > 0.05)) {
                    fail_msg("DAC %d, vector %zu, bit line %zu: code %d for %.4f", dac_bits, v, j,
                             acc[v * 32 + j], adc);
                }
                n_differ += off != 0;
            }
        }
        assert_in_range(n_differ, 0, 20);
        xbtab_tile_destroy(&tile);
        free(acc);
        finish(&f);
    }
}

/* Code 17 k of 8 bits has the voltage of code k of 4 bits, of which each is solved. */
static void a_fine_dac_has_the_matrix_of_a_coarse_one(void **state)
{
    (void)state;
    for (int curved = 0; curved < 2; curved++) {
        fixture f[2];
        xbtab_tile *tile[2] = {NULL, NULL};
        for (int fine = 0; fine < 2; fine++) {
            sinh_design d = {.rows = 23,
                             .columns = 19,
                             .n_levels = 4,
                             .dac_bits = fine ? 8 : 4,
                             .adc_bits = 8,
                             .r_word = 5,
                             .r_bit = 7,
                             .V0 = curved ? 0.02 : 0.25};
            prepare(&f[fine], &d, 23, 19, 4, 90);
            double G[23 * 19];
            for (size_t c = 0; c < 23 * 19; c++) G[c] = f[fine].tables->G_level[f[fine].level[c]];
            assert_int_equal(xbtab_tile_create(&tile[fine], f[fine].technology, G, 23, 19), XBTAB_OK);
        }
        double most = 0;
        for (size_t k = 1; k < 16; k++) {
            for (size_t j = 0; j < 19; j++) {
                double off = 0;
                for (size_t i = 0; i < 23; i++)
                    off += fabs(tile[1]->A[(17 * k * 23 + i) * 19 + j] - tile[0]->A[(k * 23 + i) * 19 + j]);
                most = fmax(most, off);
            }
        }
        most /= f[0].tables->I_full_scale;
        print_message("V0 %g V: at most %.2g of full scale\n", curved ? 0.02 : 0.25, most);
        assert_true(most > 0 && most < 1e-5);
        for (int fine = 0; fine < 2; fine++) {
            xbtab_tile_destroy(&tile[fine]);
            finish(&f[fine]);
        }
    }
}

static void same_bits_for_any_kernel_and_block(void **state)
{
    (void)state;
    static const char *const sets[] = {"c", "avx2", "avx512", "neon"};
    fixture f;
    sinh_design d = {.rows = 61,
                     .columns = 43,
                     .n_levels = 4,
                     .dac_bits = 1,
                     .adc_bits = 8,
                     .r_word = 2,
                     .r_bit = 3,
                     .V0 = 0.25};
    prepare(&f, &d, 61, 43, 8, 20);
    xbtab_engine_setup setup = {.technology = f.technology};
    size_t bytes = 8 * xbtab_engine_stride(43) * sizeof(int32_t);
    int32_t *best = products(&f, &xbtab_engine_table, &setup, 8, 8);
    for (size_t k = 0; k < 4; k++) {
        setup.kernel = xbtab_kernel_find(sets[k]);
        if (!setup.kernel) continue;
        for (size_t block = 1; block <= 8; block += 3) {
            int32_t *acc = products(&f, &xbtab_engine_table, &setup, block, 8);
            assert_memory_equal(acc, best, bytes);
            free(acc);
        }
    }
    free(best);
    finish(&f);
}

/* With almost ideal wires and linear cells, all engines agree to the ADC's step. */
static void engines_agree_where_nothing_is_lost(void **state)
{
    (void)state;
    fixture f;
    sinh_design d = {.rows = 29, .columns = 33, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 50.0};
    prepare(&f, &d, 29, 33, 1, 30);
    f.tables->r_driver = f.tables->r_sink = 0;
    for (size_t k = 0; k < f.tables->tia.n; k++) f.tables->tia.V_in[k] = 0;
    f.tables->transfer.coefficient[0] = 1;
    f.tables->transfer.coefficient[1] = f.tables->transfer.coefficient[2] = 0;
    xbtab_technology_destroy(&f.technology);
    assert_int_equal(xbtab_technology_create(&f.technology, f.tables), XBTAB_OK);
    xbtab_engine_setup setup = {.technology = f.technology};
    int32_t *ideal = products(&f, &xbtab_engine_ideal, &setup, 8, 1);
    int32_t *table = products(&f, &xbtab_engine_table, &setup, 8, 1);
    int32_t *solve = products(&f, &xbtab_engine_solve, &setup, 8, 1);
    size_t stride = xbtab_engine_stride(33);
    for (size_t v = 0; v < 8; v++) {
        for (size_t j = 0; j < 33; j++) {
            int32_t code = ideal[v * stride + j];
            assert_in_range(table[v * stride + j] - code + 1, 0, 2);
            assert_in_range(solve[v * stride + j] - code + 1, 0, 2);
        }
    }
    assert_true(ideal[stride] > 20); /* all on: something flows */
    free(ideal);
    free(table);
    free(solve);
    finish(&f);
}

/* What the ADC sees, rounded and clamped, is the code that product adds: all engines, blocks and slices. */
static void read_and_product_are_one_chain(void **state)
{
    (void)state;
    static const xbtab_engine_type *const engines[] = {&xbtab_engine_ideal, &xbtab_engine_table,
                                                       &xbtab_engine_solve};
    for (int dac_bits = 1; dac_bits <= 8; dac_bits += dac_bits < 4 ? 1 : 2) {
        fixture f;
        sinh_design d = {.rows = 29,
                         .columns = 37,
                         .n_levels = 4,
                         .dac_bits = dac_bits,
                         .adc_bits = 7,
                         .r_word = 2,
                         .r_bit = 3,
                         .V0 = 0.25};
        prepare(&f, &d, 27, 35, 4, (uint32_t)(60 + dac_bits));
        for (size_t v = 2; v < 8; v++) { /* part of the word lines: the rest of the kernel's groups is idle */
            for (size_t i = 0; i < 27; i++) f.x[v * 27 + i] = i / 9 == v % 3 ? f.x[v * 27 + i] : 0;
        }
        const int slices = (4 + dac_bits - 1) / dac_bits;
        const size_t stride = xbtab_engine_stride(35);
        double *in = aligned_alloc(64, 8 * 4 * stride * sizeof *in);
        assert_non_null(in);
        for (size_t e = 0; e < 3; e++) {
            xbtab_engine_setup setup = {.technology = f.technology};
            int32_t *acc = products(&f, engines[e], &setup, 2, slices);
            xbtab_product_counts counts = {0};
            void *made = NULL;
            const xbtab_cells cells = {.rows = 27, .columns = 35, .level = f.level};
            assert_int_equal(engines[e]->program(&made, &setup, &cells), XBTAB_OK);
            assert_int_equal(engines[e]->read(made, f.x, 8, slices, NULL, in, &counts), XBTAB_OK);
            assert_int_equal(counts.codes, 8 * slices * 35);
            for (size_t v = 0; v < 8; v++) {
                for (size_t j = 0; j < 35; j++) {
                    int32_t sum = 0;
                    for (int t = 0; t < slices; t++) {
                        double code =
                            floor(ldexp(in[(v * (size_t)slices + (size_t)t) * stride + j], 7) + 0.5);
                        sum += (int32_t)fmin(fmax(code, 0), 127) << (t * dac_bits);
                    }
                    assert_int_equal(acc[v * stride + j], sum);
                }
            }
            engines[e]->clear(made);
            free(acc);
        }
        free(in);
        finish(&f);
    }
}

/* A window's answers are those of all bit lines, and no other block is touched. */
static void a_window_is_read_alone(void **state)
{
    (void)state;
    static const xbtab_engine_type *const engines[] = {&xbtab_engine_ideal, &xbtab_engine_table,
                                                       &xbtab_engine_solve};
    static const xbtab_window windows[] = {{0, 3}, {29, 7}, {33, 2}, {61, 1}, {5, 57}};
    fixture f;
    sinh_design d = {.rows = 13, .columns = 62, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 0.25};
    prepare(&f, &d, 13, 62, 2, 65);
    for (size_t e = 0; e < 3; e++) {
        xbtab_engine_setup setup = {.technology = f.technology};
        int32_t *all = products(&f, engines[e], &setup, 8, 2), acc[64] __attribute__((aligned(64)));
        double *in = aligned_alloc(64, 2 * 64 * sizeof *in), *some = aligned_alloc(64, 2 * 64 * sizeof *some);
        const xbtab_cells cells = {.rows = 13, .columns = 62, .level = f.level};
        void *made = NULL;
        xbtab_product_counts counts = {0};
        assert_true(in && some);
        assert_int_equal(engines[e]->program(&made, &setup, &cells), XBTAB_OK);
        for (size_t v = 1; v < 4; v++) {
            const uint16_t *x = f.x + v * 13;
            assert_int_equal(engines[e]->read(made, x, 1, 2, NULL, in, &counts), XBTAB_OK);
            for (size_t k = 0; k < sizeof windows / sizeof windows[0]; k++) {
                const xbtab_window w = windows[k];
                memset(acc, 0, sizeof acc);
                counts = (xbtab_product_counts){0};
                assert_int_equal(engines[e]->product(made, x, 1, 2, &w, acc, &counts), XBTAB_OK);
                assert_int_equal(engines[e]->read(made, x, 1, 2, &w, some, &counts), XBTAB_OK);
                assert_int_equal(counts.codes, 4 * w.n);
                for (size_t j = 0; j < 62; j++) {
                    if (j >= w.first && j < w.first + w.n) {
                        assert_int_equal(acc[j], all[v * 64 + j]);
                        assert_true(some[j] == in[j] && some[64 + j] == in[64 + j]);
                    } else if (j / 32 < w.first / 32 || j / 32 > (w.first + w.n - 1) / 32) {
                        assert_int_equal(acc[j], 0);
                    }
                }
            }
        }
        engines[e]->clear(made);
        free(all);
        free(in);
        free(some);
    }
    finish(&f);
}

/* Conductances of the levels give what the levels give; an open cell takes its current away. */
static void conductances_take_the_place_of_levels(void **state)
{
    (void)state;
    static const xbtab_engine_type *const engines[] = {&xbtab_engine_ideal, &xbtab_engine_table,
                                                       &xbtab_engine_solve};
    fixture f;
    sinh_design d = {.rows = 19,
                     .columns = 21,
                     .n_levels = 4,
                     .dac_bits = 1,
                     .adc_bits = 12,
                     .r_word = 1,
                     .r_bit = 1,
                     .V0 = 0.4};
    prepare(&f, &d, 19, 21, 1, 70);
    double G[19 * 21], in[2][32];
    xbtab_engine_setup setup = {.technology = f.technology};
    xbtab_product_counts counts = {0};
    for (size_t c = 0; c < 19 * 21; c++) G[c] = f.tables->G_level[f.level[c]];
    for (size_t e = 0; e < 3; e++) {
        for (int own = 0; own < 2; own++) {
            void *made = NULL;
            const xbtab_cells cells = {.rows = 19, .columns = 21, .level = f.level, .G = own ? G : NULL};
            assert_int_equal(engines[e]->program(&made, &setup, &cells), XBTAB_OK);
            assert_int_equal(engines[e]->read(made, f.x + 19, 1, 1, NULL, in[own], &counts), XBTAB_OK);
            engines[e]->clear(made);
        }
        for (size_t j = 0; j < 21; j++) assert_true(fabs(in[1][j] - in[0][j]) < 1e-9);
        void *made = NULL;
        double closed = G[5 * 21 + 3];
        const xbtab_cells cells = {.rows = 19, .columns = 21, .level = f.level, .G = G};
        G[5 * 21 + 3] = 0;
        assert_int_equal(engines[e]->program(&made, &setup, &cells), XBTAB_OK);
        assert_int_equal(engines[e]->read(made, f.x + 19, 1, 1, NULL, in[1], &counts), XBTAB_OK);
        engines[e]->clear(made);
        G[5 * 21 + 3] = closed;
        double lost = closed * f.tables->v_read / f.tables->I_full_scale;
        assert_true(fabs(in[0][3] - in[1][3] - lost) < 0.05 * lost + 2e-4);
    }
    finish(&f);
}

/* Codes on which the table engine and the exact solution differ by more than one. */
static int codes_off(const fixture *f, int refine, xbtab_table_report *report)
{
    int off = 0;
    void *state = NULL;
    xbtab_engine_setup setup = {.technology = f->technology, .refine = refine};
    int32_t *table = products(f, &xbtab_engine_table, &setup, 8, 1);
    int32_t *solve = products(f, &xbtab_engine_solve, &setup, 8, 1);
    size_t stride = xbtab_engine_stride(f->columns);
    for (size_t v = 0; v < 8; v++) {
        for (size_t j = 0; j < f->columns; j++) off += abs(table[v * stride + j] - solve[v * stride + j]) > 1;
    }
    free(table);
    free(solve);
    const xbtab_cells cells = {.rows = f->rows, .columns = f->columns, .level = f->level};
    assert_int_equal(xbtab_engine_table.program(&state, &setup, &cells), XBTAB_OK);
    xbtab_engine_table_report(state, report);
    xbtab_engine_table.clear(state);
    return off;
}

/* A transfer correction that is wrong by per cents is repaired by the tile's own exact solutions; the tile
 * reports its error before and after. */
static void refinement_repairs_a_wrong_transfer_table(void **state)
{
    (void)state;
    for (int dac_bits = 1; dac_bits <= 8; dac_bits += dac_bits < 4 ? 1 : 2) {
        fixture f;
        xbtab_table_report raw, refined, good;
        sinh_design d = {.rows = 53,
                         .columns = 37,
                         .n_levels = 4,
                         .dac_bits = dac_bits,
                         .adc_bits = 8,
                         .r_word = 2,
                         .r_bit = 3,
                         .V0 = 0.25};
        prepare(&f, &d, 45, 31, dac_bits, (uint32_t)(50 + dac_bits));
        f.tables->transfer.coefficient[0] = 1.05;
        int before = codes_off(&f, -1, &raw), after = codes_off(&f, 20, &refined);
        double full_scale = f.tables->transfer.error.full_scale;
        print_message("DAC %d: RMSE %.4f %% of full scale without, %.4f %% with refinement\n", dac_bits,
                      100 * sqrt(raw.squares / (double)raw.samples) / full_scale,
                      100 * sqrt(refined.squares / (double)refined.samples) / full_scale);
        assert_false(raw.is_refined);
        assert_true(refined.is_refined);
        assert_true(before > 50 && after == 0);
        assert_true(refined.most < 4e-3 * full_scale && refined.squares < 1e-2 * raw.squares);
        f.tables->r_word = f.tables->r_bit = f.tables->r_driver = f.tables->r_sink = 0;
        for (size_t k = 0; k < f.tables->tia.n; k++) f.tables->tia.V_in[k] = 0;
        f.tables->transfer.coefficient[0] = 1;
        f.tables->transfer.coefficient[1] = f.tables->transfer.coefficient[2] = 0;
        xbtab_technology_destroy(&f.technology);
        assert_int_equal(xbtab_technology_create(&f.technology, f.tables), XBTAB_OK);
        (void)codes_off(&f, 20, &good); /* nothing to repair: left alone */
        assert_false(good.is_refined);
        finish(&f);
    }
}

/* A layer that uses few of a tile's word lines meets an ADC of many bits: what its refinement does beyond the
 * currents and drives that it can reach must cost no precision. */
static void few_rows_keep_the_bits_of_the_adc(void **state)
{
    (void)state;
    for (int dac_bits = 1; dac_bits <= 4; dac_bits += 3) {
        fixture f;
        xbtab_table_report report;
        sinh_design d = {.rows = dac_bits == 1 ? 256 : 96,
                         .columns = 37,
                         .n_levels = 16,
                         .dac_bits = dac_bits,
                         .adc_bits = 12,
                         .r_word = 2,
                         .r_bit = 3,
                         .V0 = 0.25};
        prepare(&f, &d, 9, 31, dac_bits, (uint32_t)(80 + dac_bits));
        f.tables->transfer.coefficient[0] = 1.03;
        assert_int_equal(codes_off(&f, 20, &report), 0);
        assert_true(report.is_refined);
        finish(&f);
    }
}

static void uneven_levels_and_misfits_are_refused(void **state)
{
    (void)state;
    fixture f;
    sinh_design d = {.rows = 9, .columns = 8, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 0.4};
    prepare(&f, &d, 9, 8, 1, 40);
    xbtab_engine_setup setup = {.technology = f.technology};
    void *made = NULL;
    double unit;
    const xbtab_cells cells = {.rows = 10, .columns = 8, .level = f.level};
    assert_int_equal(xbtab_engine_table.program(&made, &setup, &cells), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "10 x 8 cells do not fit the tables' 9 x 8 array"));
    f.tables->G_level[1] *= 1.2;
    assert_int_equal(xbtab_engine_codes_per_unit(&unit, &setup), XBTAB_ERR_UNSUPPORTED);
    assert_non_null(strstr(xbtab_error_message(), "level 1"));
    assert_null(xbtab_engine_find("guess"));
    assert_ptr_equal(xbtab_engine_find("table"), &xbtab_engine_table);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ideal_tiles_with_a_wide_adc_are_exact),
        cmocka_unit_test(table_tiles_follow_the_tables),
        cmocka_unit_test(a_fine_dac_has_the_matrix_of_a_coarse_one),
        cmocka_unit_test(same_bits_for_any_kernel_and_block),
        cmocka_unit_test(engines_agree_where_nothing_is_lost),
        cmocka_unit_test(read_and_product_are_one_chain),
        cmocka_unit_test(a_window_is_read_alone),
        cmocka_unit_test(conductances_take_the_place_of_levels),
        cmocka_unit_test(refinement_repairs_a_wrong_transfer_table),
        cmocka_unit_test(few_rows_keep_the_bits_of_the_adc),
        cmocka_unit_test(uneven_levels_and_misfits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
