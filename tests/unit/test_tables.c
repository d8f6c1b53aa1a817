/* Table files: any bit that flips is noticed, what is not believable is refused by name, and what was sealed
 * on demand says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <hdf5.h>

#include "complete_tables.h"
#include "file.h"
#include "file_fixture.h"
#include "random.h"
#include "seal.h"

/* A file is read in a process of its own, which the sanitizers make slow to start. */
#ifdef __SANITIZE_ADDRESS__
enum { SHARE = 16 };
#else
enum { SHARE = 1 };
#endif

static const sinh_design design = {5, 3, 4, 1, 8, 1.0, 1.0, 0.5};

static xbtab_tables *make(void)
{
    xbtab_tables *t = sinh_tables(&design);
    complete_tables(t);
    return t;
}

static void put_file(const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void expect_refusal(const char *words)
{
    xbtab_tables *t = NULL;
    if (xbtab_tables_open(&t, path) != XBTAB_ERR_INPUT) fail_msg("read, in place of \"%s\"", words);
    if (!strstr(xbtab_error_message(), words)) fail_msg("no \"%s\": %s", words, xbtab_error_message());
    assert_null(strchr(xbtab_error_message(), '\n'));
    assert_null(t);
}

/* XBARTAB_EVERY_BIT=1: all of them, which takes minutes. */
static void one_flipped_bit_is_refused(void **state)
{
    (void)state;
    enum { STEP = 4 * SHARE, HEADERS = 640 / STEP, SOME = 80 / SHARE };
    xbtab_tables *t = make(), *back = NULL;
    char *bytes = NULL;
    size_t n = 0;
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    assert_int_equal(xbtab__file_read(&bytes, &n, path, 1 << 24), XBTAB_OK);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    assert_true(back->is_sealed && !back->is_edited && back->schema == XBTAB_TABLES_SCHEMA);
    xbtab_tables_destroy(&back);
    bool every = getenv("XBARTAB_EVERY_BIT") != NULL;
    size_t turns = every ? 8 * n : HEADERS + SOME;
    xbtab__random random;
    xbtab__random_init(&random, 2385, 0, 0, 0);
    for (size_t k = 0; k < turns; k++) {
        size_t at = every         ? k / 8
                    : k < HEADERS ? STEP * k + k % 4
                                  : xbtab__random_below(&random, (uint32_t)n);
        char bit = (char)(1u << (every ? k % 8 : xbtab__random_below(&random, 8)));
        bytes[at] ^= bit;
        put_file(bytes, n);
        if (xbtab_tables_open(&back, path) != XBTAB_ERR_INPUT) fail_msg("byte %zu, bit %d: read", at, bit);
        bytes[at] ^= bit;
    }
    put_file(bytes, n - 1);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_ERR_INPUT);
    put_file(bytes, n);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    xbtab_tables_destroy(&back);
    xbtab_tables_destroy(&t);
    xbtab__free(bytes);
}

/* The same bytes again, sealed by whoever changed them: damage that the SHA-256 does not tell must neither
 * hang nor crash. */
static void sealed_nonsense_is_refused_or_read(void **state)
{
    (void)state;
    enum { TURNS = 80 / SHARE };
    xbtab_tables *t = make(), *back = NULL;
    char *bytes = NULL, *copy;
    size_t n = 0;
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    xbtab_tables_destroy(&t);
    assert_int_equal(xbtab__file_read(&bytes, &n, path, 1 << 24), XBTAB_OK);
    copy = xbtab__alloc(n, 1);
    xbtab__random random;
    xbtab__random_init(&random, 99, 0, 0, 0);
    for (int k = 0; k < TURNS; k++) {
        memcpy(copy, bytes, n);
        uint32_t flips = 1 + xbtab__random_below(&random, 4);
        for (uint32_t f = 0; f < flips; f++)
            copy[XBTAB__SEAL_SIZE + xbtab__random_below(&random, (uint32_t)n - XBTAB__SEAL_SIZE)] ^=
                (char)(1u << xbtab__random_below(&random, 8));
        xbtab__seal_put(copy, n, XBTAB__SEAL_WRITTEN);
        put_file(copy, n);
        if (xbtab_tables_open(&back, path) == XBTAB_OK) xbtab_tables_destroy(&back);
    }
    xbtab__free(copy);
    xbtab__free(bytes);
}

/* libhdf5's own checksum of its structure; exported, though not documented. */
uint32_t H5_checksum_lookup3(const void *bytes, size_t n, uint32_t start);

/* The object headers of a file: where they are, and how long before their checksum. */
static int find_headers(const char *bytes, size_t n, size_t *at, size_t *length, int most)
{
    int found = 0;
    for (size_t k = XBTAB__SEAL_SIZE; k + 64 < n && found < most; k++) {
        const unsigned char *p = (const unsigned char *)bytes + k;
        if (memcmp(p, "OHDR\2", 5) != 0) continue;
        size_t head = 6u + (p[5] & 32 ? 16u : 0u) + (p[5] & 16 ? 4u : 0u), width = (size_t)1 << (p[5] & 3),
               size = 0;
        memcpy(&size, p + head, width);
        size += head + width;
        if (k + size + 4 > n) continue;
        at[found] = k;
        length[found++] = size;
    }
    return found;
}

/* Damage with a purpose: HDF5's own checksums fit too. On one in a hundred of these libhdf5 1.10 crashes. */
static void hostile_headers_end_in_a_message(void **state)
{
    (void)state;
    enum { MOST = 100, TURNS = 240 / SHARE };
    xbtab_tables *t = make(), *back = NULL;
    char *bytes = NULL;
    size_t n = 0, at[MOST], length[MOST];
    long refused = 0;
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    xbtab_tables_destroy(&t);
    assert_int_equal(xbtab__file_read(&bytes, &n, path, 1 << 24), XBTAB_OK);
    int headers = find_headers(bytes, n, at, length, MOST);
    assert_true(headers > 30);
    char *copy = xbtab__alloc(n, 1);
    xbtab__random random;
    xbtab__random_init(&random, 7, 0, 0, 0);
    for (int k = 0; k < TURNS; k++) {
        memcpy(copy, bytes, n);
        uint32_t h = xbtab__random_below(&random, (uint32_t)headers);
        for (int byte = 0; byte < 2; byte++)
            copy[at[h] + 5 + xbtab__random_below(&random, (uint32_t)length[h] - 5)] =
                (char)xbtab__random_below(&random, 256);
        uint32_t sum = H5_checksum_lookup3(copy + at[h], length[h], 0);
        memcpy(copy + at[h] + length[h], &sum, sizeof sum);
        xbtab__seal_put(copy, n, XBTAB__SEAL_WRITTEN);
        put_file(copy, n);
        if (xbtab_tables_open(&back, path) == XBTAB_OK) {
            xbtab_tables_destroy(&back);
        } else {
            refused++;
        }
    }
    assert_true(refused > TURNS / 4);
    xbtab__free(copy);
    xbtab__free(bytes);
}

static void an_edit_is_refused_until_it_is_sealed(void **state)
{
    (void)state;
    xbtab_tables *t = make(), *back = NULL;
    double parameter = 7.5;
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    assert_int_equal(xbtab_tables_seal(path), XBTAB_OK); /* fits: nothing to do */
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    assert_false(back->is_edited);
    xbtab_tables_destroy(&back);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "/cell/state_parameter", 0);
    hsize_t first = 0, one = 1;
    hid_t place = H5Dget_space(set), single = H5Screate_simple(1, &one, NULL);
    H5Sselect_hyperslab(place, H5S_SELECT_SET, &first, NULL, &one, NULL);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, single, place, H5P_DEFAULT, &parameter) >= 0);
    H5Sclose(place);
    H5Sclose(single);
    H5Dclose(set);
    H5Fclose(file);
    expect_refusal("has changed since it was written");
    assert_int_equal(xbtab_tables_seal(path), XBTAB_OK);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    assert_true(back->is_sealed && back->is_edited && back->cell.parameter[0] == 7.5);
    xbtab_tables_destroy(&back);
    xbtab_tables_destroy(&t);
}

/* One number of the tables at a time, of a file with the right seal. */
static void what_cannot_be_is_refused_by_its_place(void **state)
{
    (void)state;
    xbtab_tables *t = make();
    size_t last_state = t->cell.n_states - 1, n_v = t->cell.n_v;
    struct {
        double *at;
        double value;
        const char *words;
    } cases[] = {
        {&t->transfer.error.rmse, NAN, "/transfer heldout_rmse_fs[0] = nan is not finite"},
        {&t->transfer.error.rmse, -1e-3, "/transfer heldout_rmse_fs[0] = -0.001 is below 0"},
        {&t->transfer.error.rmse, 5e-3, "is above the largest error, 0.002"},
        {&t->transfer.error.full_scale, 1.0, "/transfer heldout_full_scale = 1, but /samples give"},
        {&t->transfer.error_ideal.rmse, 1e-5, "/transfer heldout_ideal_rmse_fs = 1e-05, but /samples give"},
        {&t->transfer.rmse_drive[0], -1, "/transfer/heldout_rmse_fs_by_drive[0] = -1 is below 0"},
        {&t->transfer.coefficient[1], INFINITY, "/transfer/coefficient[1] = inf is not finite"},
        {&t->cell.error.max, NAN, "/cell heldout_max_fs"},
        {&t->energy.error.rmse, NAN, "/energy heldout_rmse_fs"},
        {&t->energy.error.full_scale, 3.0, "/energy heldout_full_scale = 3, but /samples give"},
        {&t->energy.scale, 0, "/energy scale[0] = 0 is not above 0"},
        {&t->solver.max[0], NAN, "/solver/max[0] = nan is not finite"},
        {&t->cell.G_state[2], -1e-6, "/cell/state_conductance[2] = -1e-06 is not above 0"},
        {&t->cell.G_state[2], 1e-9, "/cell/state_conductance[2] = 1e-09 does not rise"},
        {&t->G_level[1], 30e-6, "/tile/conductance[2]"},
        {&t->cell.V[17], t->cell.V[17] + 1e-3, "/cell/cell_voltage[17]"},
        {&t->cell.I_cell[last_state * n_v + 90], NAN, "/cell/current[8][0][90] = nan is not finite"},
        {&t->cell.I_cell[last_state * n_v + 90], 1e-7,
         "/cell/current[8][0][90] = 1e-07 is below the current at"},
        {&t->cell.I_cell[last_state * n_v], 1e-7, "/cell/current[8][0][0] = 1e-07 has another sign than"},
        {&t->tia.V_out[20], 0.1, "/tia/output_voltage[20] = 0.1 turns back inside the ADC's range"},
        {&t->tia.V_in[3], NAN, "/tia/input_voltage[3] = nan is not finite"},
        {&t->tia.I_in[3], 1.0, "/tia/input_current[3] = 1 is not a step"},
        {&t->readout.noise_rms, -2.0, "/tia noise_rms_V[0] = -2 is below 0"},
        {&t->samples.I_out[4], NAN, "/samples/current[0][1][1] = nan is not finite"},
        {&t->samples.V_out[6], INFINITY, "/samples/tia_output[1][0][0] = inf is not finite"},
        {&t->samples.P[1], NAN, "/samples/power[0][1] = nan is not finite"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double was = *cases[k].at;
        *cases[k].at = cases[k].value;
        assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
        expect_refusal(cases[k].words);
        *cases[k].at = was;
    }
    struct {
        int32_t *at;
        int32_t value;
        const char *words;
    } whole[] = {
        {&t->samples.status[2], 9, "/samples/status[1][0] = 9 is outside 0 to 5"},
        {&t->samples.status[2], 2, "/transfer heldout_samples = 3, but /samples give 0"},
        {&t->samples.is_heldout[0], 2, "/samples/is_heldout[0] = 2 is neither 0 nor 1"},
        {&t->transfer.power[4], 7, "/transfer/power[1][1] = 7 is outside 0 to 3"},
        {&t->solver.rows[0], 0, "/solver/rows[0] = 0 is below 1"},
    };
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++) {
        int32_t was = *whole[k].at;
        *whole[k].at = whole[k].value;
        assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
        expect_refusal(whole[k].words);
        *whole[k].at = was;
    }
    t->samples.level[16] = 4;
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    expect_refusal("/samples/level[1][0][1] = 4 is above 3");
    xbtab_tables_destroy(&t);
}

static void names_come_as_lines_of_utf_8(void **state)
{
    (void)state;
    xbtab_tables *t = make(), *back = NULL;
    free(t->tile_name);
    t->tile_name = strdup("a\nb\xc3\xa9\xff\xe2\x82\xac\xc0\x80\xed\xa0\x80\x1b[31m");
    assert_int_equal(xbtab_tables_write(t, path), XBTAB_OK);
    assert_int_equal(xbtab_tables_open(&back, path), XBTAB_OK);
    assert_string_equal(back->tile_name, "a?b\xc3\xa9?\xe2\x82\xac??\?\?\?"
                                         "?[31m");
    xbtab_tables_destroy(&back);
    xbtab_tables_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_flipped_bit_is_refused),
        cmocka_unit_test(sealed_nonsense_is_refused_or_read),
        cmocka_unit_test(hostile_headers_end_in_a_message),
        cmocka_unit_test(an_edit_is_refused_until_it_is_sealed),
        cmocka_unit_test(what_cannot_be_is_refused_by_its_place),
        cmocka_unit_test(names_come_as_lines_of_utf_8),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
