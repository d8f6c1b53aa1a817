/* A sweep as a library call: rows are the studies of their points, for any number of workers and after threads have been at
 * work; canceled, killed and locked sweeps; what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <xbartab/arch.h>
#include <xbartab/study.h>
#include <xbartab/sweep.h>

#define DATA XBARTAB_SOURCE_FOLDER "/data/"

static const char tile_text[] =
    "name: small\n"
    "cell: {rram: {model: sinh}}\n"
    "levels: {count: 4, g_min: 1 uS, g_max: 10 uS}\n"
    "array: {rows: 64, columns: 64}\n"
    "wire: {word: 1 ohm, bit: 1 ohm}\n"
    "dac: {read_voltage: 200 mV}\n"
    "tia: {model: ideal}\n"
    "adc: {bits: 8}\n"
    "sampling: {tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, "
    "check_full: 0}\n";

static const char *const grid[] = {"scheme.adc_bits=3,8", "scheme.cell_bits=1,2,3"};

static char folder[] = "/tmp/xbartab-test-sweep-XXXXXX";

static xbtab_sweep_options asked(const char *csv)
{
    return (xbtab_sweep_options){.base = "./tile.yaml",
                                 .set = grid,
                                 .n_sets = 2,
                                 .csv = csv,
                                 .network = DATA "networks/digits.onnx",
                                 .images = DATA "digits/test-images.idx.gz",
                                 .labels = DATA "digits/test-labels.idx.gz",
                                 .limit = 9,
                                 .calibrate = 20,
                                 .mode = "ideal",
                                 .cache = "cache",
                                 .workers = 2};
}

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    FILE *f = fopen("tile.yaml", "w");
    if (!f || fputs(tile_text, f) < 0) return -1;
    return fclose(f);
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
    remove_all("cache");
    rmdir("cache");
    remove_all(".");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static char *whole(const char *path)
{
    static char text[2][8192];
    static int turn;
    char *out = text[turn = !turn];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    out[fread(out, 1, sizeof text[0] - 1, f)] = '\0';
    fclose(f);
    return out;
}

static xbtab_status sweep(const xbtab_sweep_options *o)
{
    xbtab_sweep *s = NULL;
    xbtab_status status = xbtab_sweep_open(&s, o);
    if (status == XBTAB_OK) status = xbtab_sweep_run(s);
    xbtab_sweep_destroy(&s);
    return status;
}

/* What the study of one point finds, in this process and with two threads. */
static xbtab_study_result study_of(int adc_bits, int cell_bits)
{
    char *text = NULL, *with_adc = NULL, *with_cell = NULL, number[8];
    xbtab_study *study = NULL;
    xbtab_study_result r;
    assert_int_equal(xbtab_config_set(&text, "name: tile\nsummary: a tile\nsurvey_ref: \"-\"\n", "point",
                                      "tile", tile_text),
                     XBTAB_OK);
    snprintf(number, sizeof number, "%d", adc_bits);
    assert_int_equal(xbtab_config_set(&with_adc, text, "point", "scheme.adc_bits", number), XBTAB_OK);
    snprintf(number, sizeof number, "%d", cell_bits);
    assert_int_equal(xbtab_config_set(&with_cell, with_adc, "point", "scheme.cell_bits", number), XBTAB_OK);
    const xbtab_study_options o = {.network = DATA "networks/digits.onnx",
                                   .arch = "point",
                                   .arch_text = with_cell,
                                   .images = DATA "digits/test-images.idx.gz",
                                   .labels = DATA "digits/test-labels.idx.gz",
                                   .limit = 9,
                                   .calibrate = 20,
                                   .cache = "cache",
                                   .threads = 2};
    assert_int_equal(xbtab_study_open(&study, &o), XBTAB_OK);
    assert_int_equal(xbtab_study_infer(study, &r), XBTAB_OK);
    xbtab_study_close(&study);
    free(text);
    free(with_adc);
    free(with_cell);
    return r;
}

static void assert_row(const xbtab_sweep_row *row, const xbtab_study_result *r)
{
    double expected[XBTAB_SWEEP_FIGURES] = {[XBTAB_SWEEP_ADC_BITS] = r->mapped.adc_bits,
                                            [XBTAB_SWEEP_ADC_BITS_NEEDED] = r->mapped.adc_bits_needed,
                                            [XBTAB_SWEEP_IMAGES] = 9,
                                            [XBTAB_SWEEP_TILES] = (double)r->mapped.tiles,
                                            [XBTAB_SWEEP_FLOAT] = r->accuracy.network,
                                            [XBTAB_SWEEP_INTEGER] = r->accuracy.integer,
                                            [XBTAB_SWEEP_IDEAL] = r->accuracy.ideal,
                                            [XBTAB_SWEEP_MODE] = r->accuracy.mode,
                                            [XBTAB_SWEEP_HELDOUT_RMSE] = r->transfer_rmse,
                                            [XBTAB_SWEEP_TILE_RMSE] = r->mapped.tile_rmse};
    for (int k = XBTAB_SWEEP_ENERGY; k < XBTAB_SWEEP_FIGURES; k++) expected[k] = NAN; /* not asked for */
    assert_true(row->is_done);
    assert_string_equal(row->status, "ok");
    assert_memory_equal(row->figure, expected, sizeof expected);
}

/* The study comes first: a process that is forked after a parallel loop has none of its threads. */
static void a_row_is_the_study_of_its_point(void **state)
{
    (void)state;
    const char *const set[] = {"scheme.adc_bits=8", "scheme.cell_bits=2,3"};
    const xbtab_study_result exact = study_of(8, 2);
    xbtab_sweep_options o = asked("table.csv");
    xbtab_sweep *s = NULL;
    o.mode = NULL;
    o.set = set;
    assert_int_equal(xbtab_sweep_open(&s, &o), XBTAB_OK);
    assert_int_equal(xbtab_sweep_rows(s), 2);
    assert_int_equal(xbtab_sweep_run(s), XBTAB_OK);
    assert_row(xbtab_sweep_row_get(s, 0), &exact);
    assert_true(exact.accuracy.ideal == exact.accuracy.integer); /* 8 bits tell 3 * 64 apart */
    const xbtab_sweep_row *none = xbtab_sweep_row_get(s, 1);
    assert_true(none->is_done && isnan(none->figure[XBTAB_SWEEP_IDEAL]));
    assert_non_null(strstr(none->status, "3 bits a cell need 8 levels, and the tile has 4"));
    xbtab_sweep_destroy(&s);
}

static void rows_stand_in_order_for_any_number_of_workers(void **state)
{
    (void)state;
    const xbtab_sweep_options o = asked("whole.csv");
    xbtab_sweep_options alone = asked("alone.csv");
    xbtab_sweep *s = NULL;
    size_t n_keys;
    assert_int_equal(xbtab_sweep_open(&s, &o), XBTAB_OK);
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    assert_int_equal(n_keys, 2);
    assert_string_equal(key[0].key, "scheme.adc_bits");
    assert_string_equal(key[1].value[2], "3");
    assert_int_equal(xbtab_sweep_rows(s), 6);
    assert_int_equal(xbtab_sweep_run(s), XBTAB_OK);
    for (size_t r = 0; r < 6; r++) {
        const xbtab_sweep_row *row = xbtab_sweep_row_get(s, r);
        assert_int_equal(row->choice[0], r / 3);
        assert_int_equal(row->choice[1], r % 3);
        assert_true((strcmp(row->status, "ok") == 0) == (r % 3 < 2));
        if (r % 3 == 2) continue;
        assert_true(row->figure[XBTAB_SWEEP_ADC_BITS] == (r < 3 ? 3 : 8));
        assert_true(row->figure[XBTAB_SWEEP_MODE] == row->figure[XBTAB_SWEEP_IDEAL]);
        assert_true(isnan(row->figure[XBTAB_SWEEP_TILE_RMSE]));
    }
    xbtab_sweep_destroy(&s);
    alone.workers = 1;
    assert_int_equal(sweep(&alone), XBTAB_OK);
    assert_string_equal(whole("alone.csv"), whole("whole.csv"));
}

static int stop_after_two(const xbtab_progress *progress, void *payload)
{
    (void)payload;
    assert_int_equal(progress->total, 6);
    return progress->done >= 2;
}

static void count_note(const char *line, void *payload)
{
    assert_non_null(strstr(line, "finished rows are kept"));
    ++*(int *)payload;
}

static void a_canceled_sweep_goes_on_to_the_same_bytes(void **state)
{
    (void)state;
    int notes = 0;
    xbtab_sweep_options o = asked("canceled.csv");
    o.progress = stop_after_two;
    assert_int_equal(sweep(&o), XBTAB_ERR_CANCELED);
    assert_non_null(strstr(xbtab_error_message(), "of 6 runs done; start again to continue"));
    assert_true(strlen(whole("canceled.csv")) < strlen(whole("whole.csv")));
    assert_int_equal(access("canceled.csv.lock", F_OK), -1);
    o.progress = NULL;
    o.note = count_note;
    o.payload = &notes;
    assert_int_equal(sweep(&o), XBTAB_OK);
    assert_int_equal(notes, 1);
    assert_string_equal(whole("canceled.csv"), whole("whole.csv"));
}

/* The first child of this process, which is a run. */
static pid_t first_child(void)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%d", &child) != 1) child = 0;
    if (f) fclose(f);
    return child;
}

static int kill_one(const xbtab_progress *progress, void *payload)
{
    int *killed = payload;
    const pid_t child = *killed || progress->done < 1 ? 0 : first_child();
    if (child) *killed = kill(child, SIGKILL) == 0;
    return 0;
}

static void a_run_that_is_killed_leaves_the_others_rows(void **state)
{
    (void)state;
    int killed = 0;
    xbtab_sweep_options o = asked("killed.csv");
    o.progress = kill_one;
    o.payload = &killed;
    assert_int_equal(sweep(&o), XBTAB_ERR_IO);
    assert_int_equal(killed, 1);
    assert_string_equal(xbtab_error_message(), "a run ended by a signal; start again to continue");
    assert_int_equal(first_child(), 0);
    assert_non_null(strstr(whole("killed.csv"), ",ok,"));
    o.progress = NULL;
    assert_int_equal(sweep(&o), XBTAB_OK);
    assert_string_equal(whole("killed.csv"), whole("whole.csv"));
}

static void two_sweeps_do_not_write_one_file(void **state)
{
    (void)state;
    const xbtab_sweep_options o = asked("held.csv");
    int held = open("held.csv.lock", O_RDWR | O_CREAT, 0666);
    assert_int_equal(flock(held, LOCK_EX), 0);
    assert_int_equal(sweep(&o), XBTAB_ERR_IO);
    assert_string_equal(xbtab_error_message(), "held.csv: another run is writing it");
    close(held);
    assert_int_equal(access("held.csv", F_OK), -1);
}

static void rows_of_another_sweep_are_not_taken(void **state)
{
    (void)state;
    xbtab_sweep_options o = asked("whole.csv");
    o.limit = 8;
    assert_int_equal(sweep(&o), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "whole.csv: line 2 is of another sweep"));
    o.n_sets = 1;
    assert_int_equal(sweep(&o), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "whole.csv: is no file of this sweep"));
}

static void assert_refused(const xbtab_sweep_options *o, xbtab_status status, const char *words)
{
    xbtab_sweep *s = NULL;
    assert_int_equal(xbtab_sweep_open(&s, o), status);
    assert_non_null(strstr(xbtab_error_message(), words));
    assert_null(s);
}

static void what_is_no_grid_is_refused(void **state)
{
    (void)state;
    const char *const no_key[] = {"scheme.adc_bits"}, *const empty[] = {"adc.bits=3,,4"};
    const char *many[9], *const nested[] = {"wire={word: 1 ohm, bit: 2 ohm},[3, 4]"};
    char values[2 * 400] = "a=1";
    for (int k = 0; k < 320; k++) strcat(values, ",1");
    for (int k = 0; k < 9; k++) many[k] = values;
    xbtab_sweep_options o = asked("none.csv");
    o.set = many;
    assert_refused(&o, XBTAB_ERR_OPTION, "more than 100000 points");
    o.n_sets = 9;
    assert_refused(&o, XBTAB_ERR_OPTION, "9 keys are not 1 to 8");
    o.n_sets = 1;
    o.set = no_key;
    assert_refused(&o, XBTAB_ERR_OPTION, "scheme.adc_bits is not KEY=V1,V2,...");
    o.set = empty;
    assert_refused(&o, XBTAB_ERR_OPTION, "adc.bits=3,,4 has an empty value");
    o = asked("none.csv");
    o.mode = "spice";
    assert_refused(&o, XBTAB_ERR_OPTION, "mode \"spice\" is not ideal, table or solve");
    o = asked("none.csv");
    o.workers = 65;
    assert_refused(&o, XBTAB_ERR_OPTION, "65 runs at once are not 1 to 64");
    o = asked("none.csv");
    o.network = NULL;
    assert_refused(&o, XBTAB_ERR_OPTION, "a tile needs a network and images");
    o = asked("none.csv");
    o.base = "no_such_preset";
    assert_refused(&o, XBTAB_ERR_INPUT, "no_such_preset");

    xbtab_sweep *s = NULL;
    size_t n;
    o = asked("none.csv");
    o.set = nested;
    o.n_sets = 1;
    assert_int_equal(xbtab_sweep_open(&s, &o), XBTAB_OK);
    assert_int_equal(xbtab_sweep_keys(s, &n)[0].n, 2);
    assert_string_equal(xbtab_sweep_keys(s, &n)[0].value[0], "{word: 1 ohm, bit: 2 ohm}");
    xbtab_sweep_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_the_study_of_its_point),
        cmocka_unit_test(rows_stand_in_order_for_any_number_of_workers),
        cmocka_unit_test(a_canceled_sweep_goes_on_to_the_same_bytes),
        cmocka_unit_test(a_run_that_is_killed_leaves_the_others_rows),
        cmocka_unit_test(two_sweeps_do_not_write_one_file),
        cmocka_unit_test(rows_of_another_sweep_are_not_taken),
        cmocka_unit_test(what_is_no_grid_is_refused),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
