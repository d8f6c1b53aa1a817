/* test_chip.c - simulated chips: known statistics come back out of them, and networks run on them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <xbartab/chip.h>

#include "memory.h"
#include "sinh_tables.h"

enum { ROWS = 61, COLUMNS = 67, CELLS = ROWS * COLUMNS };

static const char head[] =
    "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 40 uS}\ntemperature: 300 K\n";

static xbtab_population *parsed(const char *sections)
{
    char text[4096];
    xbtab_population *p = NULL;
    snprintf(text, sizeof text, "%s%s", head, sections);
    if (xbtab_population_parse(&p, text, "test") < 0) fail_msg("%s", xbtab_error_message());
    return p;
}

static xbtab_population *shipped(const char *name)
{
    char path[512];
    xbtab_population *p = NULL;
    snprintf(path, sizeof path, "%s/data/populations/%s.yaml", XBARTAB_SOURCE_FOLDER, name);
    if (xbtab_population_open(&p, path) < 0) fail_msg("%s", xbtab_error_message());
    return p;
}

static xbtab_tables *four_levels(void)
{
    return sinh_tables(&(sinh_design){
        .rows = ROWS, .columns = COLUMNS, .n_levels = 4, .dac_bits = 1, .adc_bits = 8, .V0 = 0.5});
}

/* A whole tile of one level. */
static xbtab_chip_counts draw(double *G, const xbtab_tables *tables, uint8_t level,
                              const xbtab_chip_options *options)
{
    uint8_t levels[CELLS];
    xbtab_chip *chip = NULL;
    xbtab_chip_counts counts;
    memset(levels, level, sizeof levels);
    if (xbtab_chip_create(&chip, tables, options) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_chip_conductances(chip, 1, 2, levels, ROWS, COLUMNS, G), XBTAB_OK);
    xbtab_chip_get_counts(chip, &counts);
    assert_int_equal(counts.cells, CELLS);
    xbtab_chip_destroy(&chip);
    return counts;
}

static void near(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%.9g, %.9g wanted within %.3g", found, wanted, tolerance);
}

static const char direct[] =
    "device_to_device: {family: lognormal, sigma: {value: 0.2}, source: s, trust: assumed}\n"
    "cycle_to_cycle: {family: lognormal, sigma: {value: 0.15}, source: s, trust: assumed}\n";

/* Mean, deviation, quantiles and the part of the variance that belongs to the devices. */
static void known_statistics_come_back(void **state)
{
    (void)state;
    static const double shares[] = {0.05, 0.25, 0.5, 0.75, 0.95};
    static double x[CELLS], devices[CELLS], other[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p = parsed(direct);
    xbtab_chip_options o = {.population = p, .seed = 3, .chip = 4};
    double sigma = hypot(0.2, 0.15), n = CELLS, target = tables->G_level[2];
    (void)draw(x, tables, 2, &o);
    o.off = XBTAB_EFFECT_BIT(XBTAB_EFFECT_PROGRAMMING);
    (void)draw(devices, tables, 2, &o);
    o.off = 0;
    o.chip = 5;
    (void)draw(other, tables, 2, &o);
    for (int c = 0; c < CELLS; c++) {
        x[c] = log(x[c] / target);
        devices[c] = log(devices[c] / target);
        other[c] = log(other[c] / target);
    }
    near(gsl_stats_mean(x, 1, CELLS), 0, 4 * sigma / sqrt(n));
    near(gsl_stats_sd(x, 1, CELLS), sigma, 4 * sigma / sqrt(2 * n));
    near(gsl_stats_sd(devices, 1, CELLS), 0.2, 4 * 0.2 / sqrt(2 * n));
    near(gsl_stats_correlation(x, 1, devices, 1, CELLS), 0.8, 4 * (1 - 0.64) / sqrt(n));
    near(gsl_stats_correlation(x, 1, other, 1, CELLS), 0, 4 / sqrt(n)); /* another chip has other devices */
    for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
        double q = gsl_cdf_gaussian_Pinv(shares[k], sigma), below = 0;
        for (int c = 0; c < CELLS; c++) below += x[c] <= q;
        near(below / n, shares[k], 4 * sqrt(shares[k] * (1 - shares[k]) / n));
    }
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

/* Random telegraph noise has its lower level for the share `duty` of the time, and both levels' mean is the
 * conductance. Slow noise is met in one of them; quick noise is what a read of that variance adds. */
static void telegraph_noise_has_its_duty(void **state)
{
    (void)state;
    static double G[CELLS];
    static uint8_t levels[CELLS];
    static const double step = 0.3, duties[] = {0.2, 0.5, 0.85};
    xbtab_tables *tables = four_levels();
    const double target = tables->G_level[2], n = CELLS;
    memset(levels, 2, sizeof levels);
    for (size_t k = 0; k < 2 * sizeof duties / sizeof duties[0]; k++) {
        const double duty = duties[k / 2];
        char text[512];
        snprintf(text, sizeof text,
                 "rtn: {share: 1, amplitude: {value: %g}, amplitude_sigma: 0, duty: %g, tau_median: %s, "
                 "tau_sigma: 0,\n"
                 "  source: s, trust: assumed}\n",
                 step, duty, k % 2 ? "1 us" : "1 s");
        xbtab_population *p = parsed(text);
        const xbtab_chip_options o = {.population = p, .seed = 8};
        double below = 0, sigma[COLUMNS];
        (void)draw(G, tables, 2, &o);
        for (int c = 0; c < CELLS; c++) {
            const bool is_lower = G[c] < target;
            const double wanted = k % 2 ? 1 : is_lower ? 1 - step * (1 - duty) : 1 + step * duty;
            near(G[c] / target, wanted, 1e-12);
            below += is_lower;
        }
        if (k % 2 == 0) near(below / n, duty, 4 * sqrt(duty * (1 - duty) / n));
        xbtab_chip *chip = NULL;
        assert_int_equal(xbtab_chip_create(&chip, tables, &o), XBTAB_OK);
        for (int c = 0; c < CELLS; c++) G[c] = target;
        assert_int_equal(xbtab_chip_read_noise(chip, 1, 2, levels, G, ROWS, COLUMNS, sigma), XBTAB_OK);
        const double of_a_cell = k % 2 ? target * step * sqrt(duty * (1 - duty)) : 0;
        for (int j = 0; j < COLUMNS; j++)
            near(sigma[j], tables->v_read * of_a_cell * sqrt(ROWS), 1e-12 * target);
        xbtab_chip_destroy(&chip);
        xbtab_population_destroy(&p);
    }
    xbtab_tables_destroy(&tables);
}

/* Relaxation about the target holds the programming error: without the error a cell makes the same change
 * from its target on, without the relaxation it keeps the error. */
static void programming_and_drift_add_up(void **state)
{
    (void)state;
    static double both[CELLS], drift[CELLS], error[CELLS], apart[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p = parsed(
        "programming: {family: normal, sigma: {value: 0.3 uS}, source: s, trust: assumed}\n"
        "relaxation: {law: snapshots, from: target, memory: 0.4, t0: 1 ms, source: s, trust: assumed,\n"
        "  snapshots: [{time: 1000 s, family: normal, mean: {value: -0.4 uS}, sigma: {value: 0.7 uS}}]}\n");
    xbtab_chip_options o = {.population = p, .seed = 3, .time = 1};
    const double target = tables->G_level[2];
    (void)draw(both, tables, 2, &o);
    o.off = XBTAB_EFFECT_BIT(XBTAB_EFFECT_PROGRAMMING);
    xbtab_chip_counts counts = draw(drift, tables, 2, &o);
    assert_true(counts.rms_written == 0 && counts.rms_read > 0.1e-6);
    o.off = XBTAB_EFFECT_BIT(XBTAB_EFFECT_DRIFT);
    (void)draw(error, tables, 2, &o);
    for (int c = 0; c < CELLS; c++) {
        near(both[c] - drift[c], error[c] - target, 1e-12 * target);
        apart[c] = error[c] - target;
    }
    near(gsl_stats_sd(apart, 1, CELLS), 0.3e-6, 4 * 0.3e-6 / sqrt(2.0 * CELLS));
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

/* With feedback a write ends inside its tolerance, in more writes for a smaller one; where the pulses run
 * out, it is told. */
static void verified_writes_end_in_their_tolerance(void **state)
{
    (void)state;
    static double G[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p = parsed(direct);
    double before = 1;
    for (int k = 0; k < 3; k++) {
        double tolerance = 0.08 / (1 << k);
        xbtab_chip_options o = {.population = p,
                                .seed = 9,
                                .writing = XBTAB_WRITING_VERIFY,
                                .tolerance = tolerance,
                                .pulses = 400};
        xbtab_chip_counts n = draw(G, tables, 3, &o);
        for (int c = 0; c < CELLS; c++)
            near(G[c], tables->G_level[3], tolerance * tables->G_level[3] * (1 + 1e-9));
        assert_int_equal(n.unverified, 0);
        assert_true((double)n.pulses / CELLS > before);
        before = (double)n.pulses / CELLS;
        o.pulses = 2;
        n = draw(G, tables, 3, &o);
        uint64_t outside = 0;
        for (int c = 0; c < CELLS; c++)
            outside += fabs(G[c] - tables->G_level[3]) > tolerance * tables->G_level[3];
        assert_int_equal(n.unverified, outside);
        assert_true(n.unverified > CELLS / 10 && n.pulses <= 2 * CELLS);
    }
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

/* Soft-bound pulses, coarse and fine ones in both directions, of known energy. */
static void add_pulses(xbtab_tables *t)
{
    enum { N = 4, N_G = 33 };
    static const double step[N] = {0.2, 0.02, -0.2, -0.02};
    xbtab_write_data *w = &t->write;
    *w = (xbtab_write_data){.n = N,
                            .n_G = N_G,
                            .kind = calloc(N, sizeof(int32_t)),
                            .amplitude = calloc(N, sizeof(double)),
                            .width = calloc(N, sizeof(double)),
                            .v_gate = calloc(N, sizeof(double)),
                            .G = calloc(N_G, sizeof(double)),
                            .dG = calloc(N * N_G, sizeof(double)),
                            .sigma = calloc(N * N_G, sizeof(double)),
                            .energy = calloc(N * N_G, sizeof(double)),
                            .v_read = t->v_read};
    for (int k = 0; k < N_G; k++) w->G[k] = 0.9e-6 + 20e-6 * k / (N_G - 1);
    for (int p = 0; p < N; p++) {
        w->kind[p] = step[p] > 0 ? XBTAB_PULSE_SET : XBTAB_PULSE_RESET;
        for (int k = 0; k < N_G; k++) {
            w->dG[p * N_G + k] = step[p] * (step[p] > 0 ? 21e-6 - w->G[k] : w->G[k] - 0.8e-6);
            w->sigma[p * N_G + k] = 0.2 * fabs(w->dG[p * N_G + k]);
            w->energy[p * N_G + k] = 3e-12;
        }
    }
}

/* With the tables' pulses: verified ones end in their tolerance, direct ones do not, and all of them cost
 * energy. */
static void pulses_of_the_tables_write_cells(void **state)
{
    (void)state;
    static double G[CELLS], wild[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p =
        parsed("device_to_device: {family: lognormal, sigma: {value: 0.3}, source: s, trust: assumed}\n"
               "programming: {family: normal, sigma: {value: 5 uS}, source: s, trust: assumed}\n");
    add_pulses(tables);
    xbtab_chip_options o = {
        .population = p, .seed = 2, .writing = XBTAB_WRITING_VERIFY, .tolerance = 0.01, .pulses = 300};
    xbtab_chip_counts n = draw(G, tables, 2, &o);
    for (int c = 0; c < CELLS; c++) near(G[c], tables->G_level[2], 0.01 * tables->G_level[3] * (1 + 1e-9));
    assert_int_equal(n.unverified, 0);
    assert_true(n.pulses > 4 * CELLS && n.pulses < 60 * CELLS);
    near(n.energy, 3e-12 * (double)n.pulses, 1e-6 * n.energy);
    o.off =
        XBTAB_EFFECT_BIT(XBTAB_EFFECT_DEVICES); /* slow and quick devices take more pulses than equal ones */
    xbtab_chip_counts equal = draw(G, tables, 2, &o);
    assert_true(equal.pulses < n.pulses);
    o.off = XBTAB_EFFECT_BIT(XBTAB_EFFECT_PROGRAMMING) | XBTAB_EFFECT_BIT(XBTAB_EFFECT_DEVICES);
    (void)draw(G, tables, 2, &o);
    for (int c = 0; c < CELLS; c++) near(G[c], tables->G_level[2], 0);
    o.off = 0;
    xbtab_population_destroy(&p);
    p = parsed(
        "read_noise: {sigma: {value: 0.1 uS}, source: s, trust: assumed}\n"); /* no writes of its own */
    o.population = p;
    o.writing = XBTAB_WRITING_DIRECT;
    n = draw(wild, tables, 2, &o);
    assert_true(gsl_stats_sd(wild, 1, CELLS) > 0.02 * tables->G_level[3] && n.unverified == 0);
    near(gsl_stats_mean(wild, 1, CELLS), tables->G_level[2], 0.05 * tables->G_level[3]);
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

static void faults_are_counted_exactly(void **state)
{
    (void)state;
    static double G[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p = parsed(
        "stuck: {stuck_lrs: 3 %, stuck_hrs: 5 %, g_lrs: 19.5 uS, g_hrs: 1.25 uS, source: s, trust: assumed}\n"
        "endurance: {median: 1e6, sigma: 1, share_lrs: 0.5, source: s, trust: assumed}\n");
    xbtab_chip_options o = {.population = p, .seed = 2};
    for (int k = 0; k < 2; k++) { /* fresh, and after as many writes as half of the devices endure */
        o.writes = k ? 1e6 : 0;
        xbtab_chip_counts n = draw(G, tables, 2, &o);
        uint64_t lrs = 0, hrs = 0, good = 0;
        for (int c = 0; c < CELLS; c++) {
            lrs += fabs(G[c] - 19.5e-6) < 1e-12;
            hrs += fabs(G[c] - 1.25e-6) < 1e-12;
            good += fabs(G[c] - tables->G_level[2]) < 1e-12;
        }
        assert_int_equal(lrs + hrs, n.stuck + n.worn);
        assert_int_equal(lrs + hrs + good, CELLS);
        near((double)n.stuck / CELLS, 0.08, 4 * sqrt(0.08 * 0.92 / CELLS));
        if (k == 0) assert_int_equal(n.worn, 0);
        if (k == 0) near((double)lrs / CELLS, 0.03, 4 * sqrt(0.03 * 0.97 / CELLS));
        if (k == 1) near((double)n.worn / CELLS, 0.92 / 2, 4 * sqrt(0.25 / CELLS));
    }
    o.off = XBTAB_EFFECT_BIT(XBTAB_EFFECT_FAULTS);
    xbtab_chip_counts n = draw(G, tables, 2, &o);
    assert_true(n.stuck == 0 && n.worn == 0 && n.rms_read == 0);
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

/* CMO/HfOx: the mean falls by 0.0890 uS and the spread grows by 0.0420 uS a unit of ln t (aihwkit's fit). */
static void drift_follows_the_published_formula(void **state)
{
    (void)state;
    static const double times[] = {2.0, 3600.0, 86400.0 * 30};
    static double G[CELLS], now[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p = shipped("cmo_hfox");
    for (int k = 0; k < 3; k++) {
        xbtab_chip_options o = {.population = p,
                                .seed = 8,
                                .time = times[k],
                                .off = XBTAB_EFFECT_BIT(XBTAB_EFFECT_PROGRAMMING) |
                                       XBTAB_EFFECT_BIT(XBTAB_EFFECT_READ_NOISE) |
                                       XBTAB_EFFECT_BIT(XBTAB_EFFECT_FAULTS)};
        double sigma = (0.412 + 0.0420 * log(times[k])) * 1e-6;
        (void)draw(G, tables, 3, &o);
        near(gsl_stats_mean(G, 1, CELLS), tables->G_level[3] - 0.0890e-6 * log(times[k]),
             4 * sigma / sqrt(CELLS));
        near(gsl_stats_sd(G, 1, CELLS), sigma, 4 * sigma / sqrt(2.0 * CELLS));
        o.off |= XBTAB_EFFECT_BIT(XBTAB_EFFECT_DRIFT);
        (void)draw(now, tables, 3, &o);
        for (int c = 0; c < CELLS; c++) near(now[c], tables->G_level[3], 0);
    }
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

/* Beyond the cell table's states curves are scaled; beyond twice the largest, cut. The sheet's own window can
 * be stretched to the tile's. */
static void conductances_beyond_the_tables_are_counted(void **state)
{
    (void)state;
    static double G[CELLS], scaled[CELLS];
    xbtab_tables *tables = four_levels();
    xbtab_population *p =
        parsed("programming: {family: normal, sigma: {value: 10 uS}, source: s, trust: assumed}\n");
    xbtab_chip_options o = {.population = p, .seed = 1};
    xbtab_chip_counts n = draw(G, tables, 3, &o);
    double high = tables->G_level[3];
    uint64_t beyond = 0, clipped = 0;
    for (int c = 0; c < CELLS; c++) {
        clipped += G[c] == 2 * high;
        beyond += (G[c] > high && G[c] < 2 * high) || (G[c] > 0 && G[c] < tables->G_level[0] * (1 - 1e-6));
    }
    assert_int_equal(n.clipped, clipped);
    assert_int_equal(n.beyond, beyond);
    near((double)clipped / CELLS, gsl_cdf_ugaussian_Q(2), 4 * sqrt(0.0228 / CELLS));
    o.is_scaled = 1;
    (void)draw(scaled, tables, 3, &o);
    near(gsl_stats_sd(scaled, 1, CELLS), 5e-6, 4 * 5e-6 / sqrt(2.0 * CELLS)); /* 40 uS are its 20 uS */
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    xbtab_tables *tables = four_levels();
    xbtab_population *p = shipped("milo_igvva100");
    xbtab_chip *chip = NULL;
    xbtab_chip_options o = {.population = p, .writing = XBTAB_WRITING_DIRECT};
    assert_int_equal(xbtab_chip_create(&chip, tables, &o), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "has verified writes only"));
    o = (xbtab_chip_options){.population = p, .time = -1};
    assert_int_equal(xbtab_chip_create(&chip, tables, &o), XBTAB_ERR_INPUT);
    o = (xbtab_chip_options){.population = p, .tolerance = NAN};
    assert_int_equal(xbtab_chip_create(&chip, tables, &o), XBTAB_ERR_INPUT);
    assert_null(chip);
    xbtab_population_destroy(&p);
    xbtab_tables_destroy(&tables);
}

/* ---- a network on chips ---- */

typedef struct fixture {
    xbtab_network *network;
    xbtab_images *images;
    xbtab_quantized *quantized;
    xbtab_tables *tables;
    xbtab_technology *technology;
} fixture;

enum { IMAGES = 40 };

static void prepare(fixture *f)
{
    static const char folder[] = XBARTAB_SOURCE_FOLDER "/data/";
    char network[512], images[512], labels[512];
    *f = (fixture){.tables = sinh_tables(&(sinh_design){.rows = 64,
                                                        .columns = 64,
                                                        .n_levels = 4,
                                                        .dac_bits = 1,
                                                        .adc_bits = 8,
                                                        .r_word = 0.7,
                                                        .r_bit = 0.4,
                                                        .V0 = 0.5})};
    f->tables->transfer.coefficient[0] = 1.0;
    f->tables->transfer.coefficient[1] = f->tables->transfer.coefficient[2] = 0;
    snprintf(network, sizeof network, "%snetworks/digits.onnx", folder);
    snprintf(images, sizeof images, "%sdigits/test-images.idx.gz", folder);
    snprintf(labels, sizeof labels, "%sdigits/test-labels.idx.gz", folder);
    assert_int_equal(xbtab_network_open(&f->network, network), XBTAB_OK);
    assert_int_equal(xbtab_images_open(&f->images, images, labels, IMAGES), XBTAB_OK);
    assert_int_equal(xbtab_quantized_create(&f->quantized, f->network, f->images, NULL), XBTAB_OK);
    assert_int_equal(xbtab_technology_create(&f->technology, f->tables), XBTAB_OK);
}

static void finish(fixture *f)
{
    xbtab_technology_destroy(&f->technology);
    xbtab_tables_destroy(&f->tables);
    xbtab_quantized_destroy(&f->quantized);
    xbtab_images_destroy(&f->images);
    xbtab_network_destroy(&f->network);
}

typedef struct kept {
    float output[IMAGES * 10];
    size_t chip, time;
} kept;

static xbtab_status keep(void *context, size_t chip, size_t time, const xbtab_mapped *mapped,
                         const float *outputs)
{
    kept *k = context;
    (void)mapped;
    if (chip == k->chip && time == k->time) memcpy(k->output, outputs, sizeof k->output);
    return XBTAB_OK;
}

static xbtab_chips_report run(const fixture *f, xbtab_chips_options *o, int threads, kept *outputs)
{
    const xbtab_engine_setup setup = {.technology = f->technology, .refine = -1};
    xbtab_chips_report r;
    o->map.run.threads = threads;
    o->each = keep;
    o->context = outputs;
    if (xbtab_chips_run(&r, f->quantized, &setup, &xbtab_engine_table, f->images, IMAGES, o) < 0)
        fail_msg("%s", xbtab_error_message());
    return r;
}

static void chips_are_the_same_alone_and_together(void **state)
{
    (void)state;
    static const double times[] = {0, 1e5};
    fixture f;
    prepare(&f);
    xbtab_population *p =
        parsed("programming: {family: normal, sigma: {value: 0.4 uS}, source: s, trust: assumed}\n"
               "relaxation: {law: power, t0: 1 s, nu_mean: {value: 0.01}, nu_sigma: {value: 0.004}, "
               "source: s, trust: assumed}\n");
    kept together = {.chip = 2, .time = 1}, alone = {0};
    xbtab_chips_options o = {.chip = {.population = p, .seed = 7}, .n_chips = 3, .time = times, .n_times = 2};
    xbtab_chips_report r = run(&f, &o, 3, &together);
    assert_true(r.n_chips == 3 && r.n_times == 2);
    xbtab_chips_options one = {.chip = {.population = p, .seed = 7, .chip = 2, .time = 1e5}};
    xbtab_chips_report s = run(&f, &one, 1, &alone);
    assert_memory_equal(together.output, alone.output, sizeof alone.output);
    assert_true(s.accuracy[0] == r.accuracy[1 * 3 + 2]);
    assert_memory_equal(&s.counts[0], &r.counts[1 * 3 + 2], sizeof s.counts[0]);
    assert_memory_not_equal(&r.counts[0], &r.counts[1], sizeof r.counts[0]); /* chips differ */
    xbtab_chips_summary sum = xbtab_chips_summarize(&r, 1);
    assert_true(sum.min <= sum.mean && sum.mean <= sum.max && sum.sigma >= 0);
    xbtab_chips_report_clear(&r);
    xbtab_chips_report_clear(&s);
    xbtab_population_destroy(&p);
    finish(&f);
}

static void ideal_devices_are_no_population_bit_for_bit(void **state)
{
    (void)state;
    fixture f;
    float plain[IMAGES * 10];
    kept chip = {0};
    prepare(&f);
    xbtab_population *p = shipped("none");
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1};
    xbtab_mapped *mapped = NULL;
    assert_int_equal(xbtab_mapped_create(&mapped, f.quantized, &setup, &xbtab_engine_table, NULL), XBTAB_OK);
    assert_int_equal(xbtab_mapped_run(mapped, f.images, IMAGES, NULL, plain, NULL), XBTAB_OK);
    xbtab_chips_options o = {.chip = {.population = p, .seed = 5, .time = 1e9, .writes = 1e9}};
    xbtab_chips_report r = run(&f, &o, 2, &chip);
    assert_memory_equal(chip.output, plain, sizeof plain);
    assert_true(r.counts[0].rms_read == 0 && r.counts[0].beyond == 0);
    xbtab_chips_report_clear(&r);
    xbtab_population_destroy(&p);
    xbtab_mapped_destroy(&mapped);
    finish(&f);
}

/* On a chip whose cells lie off their levels and beyond the table's states, the effective matrix still
 * answers as the exact solution does. */
static xbtab_status check_it(void *context, size_t chip, size_t time, const xbtab_mapped *mapped,
                             const float *outputs)
{
    const fixture *f = ((void **)context)[0];
    xbtab_check_report *report = ((void **)context)[1];
    (void)chip, (void)time, (void)outputs;
    return xbtab_mapped_check(mapped, f->images, 12, 4, NULL, NULL, report);
}

static void varied_tiles_agree_with_the_exact_solution(void **state)
{
    (void)state;
    fixture f;
    xbtab_check_report report;
    prepare(&f);
    xbtab_population *p = parsed(direct);
    const xbtab_engine_setup setup = {.technology = f.technology};
    void *context[] = {&f, &report};
    xbtab_chips_options o = {.chip = {.population = p, .seed = 1}, .each = check_it, .context = context};
    xbtab_chips_report r;
    if (xbtab_chips_run(&r, f.quantized, &setup, &xbtab_engine_table, f.images, IMAGES, &o) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_true(r.counts[0].beyond > r.counts[0].cells / 10);
    assert_true(report.rmse > 0 && report.rmse < 2e-4 && report.max < 2e-3);
    xbtab_chips_report_clear(&r);
    xbtab_population_destroy(&p);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_statistics_come_back),
                                       cmocka_unit_test(telegraph_noise_has_its_duty),
                                       cmocka_unit_test(programming_and_drift_add_up),
                                       cmocka_unit_test(verified_writes_end_in_their_tolerance),
                                       cmocka_unit_test(pulses_of_the_tables_write_cells),
                                       cmocka_unit_test(faults_are_counted_exactly),
                                       cmocka_unit_test(drift_follows_the_published_formula),
                                       cmocka_unit_test(conductances_beyond_the_tables_are_counted),
                                       cmocka_unit_test(nonsense_is_refused),
                                       cmocka_unit_test(chips_are_the_same_alone_and_together),
                                       cmocka_unit_test(ideal_devices_are_no_population_bit_for_bit),
                                       cmocka_unit_test(varied_tiles_agree_with_the_exact_solution)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
