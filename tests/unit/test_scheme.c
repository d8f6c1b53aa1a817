/* test_scheme.c - schemes: every way to hold weights and drive inputs gives the exact integers on ideal tiles
 * with a wide ADC, and read-outs do what their words say. */
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/infer.h>

#include "file_fixture.h"
#include "mapping.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { IMAGES = 3, SIDE = 7, CHANNELS = 4, OUTPUTS = 9, HIDDEN = 8 * 9 };

#if defined __SANITIZE_ADDRESS__
enum { TRIALS = 32 };
#else
enum { TRIALS = 240 };
#endif

static float x[IMAGES * CHANNELS * SIDE * SIDE];

/* What the weights of a drawn network are. */
typedef enum kind { REAL, BINARY, TERNARY, N_KINDS } kind;

static void draw_weights(float *w, size_t n, kind k, xbtab__random *random)
{
    for (size_t i = 0; i < n; i++) {
        double real = 2 * xbtab__random_uniform(random) - 1;
        w[i] = (float)(k == REAL ? real : k == BINARY ? (real < 0 ? -1 : 1) : round(1.4 * real));
    }
}

/* A convolution in `groups` groups, for some ids with a pad on two sides, and a dense layer behind it; images
 * of both signs, so that zero is a code. */
static xbtab_network *make_network(kind k, int64_t groups, uint32_t id)
{
    static float W1[8 * CHANNELS * 9], W2[HIDDEN * OUTPUTS];
    onnx_build b;
    xbtab__random random;
    xbtab_network *network = NULL;
    xbtab__random_init(&random, 11, XBTAB__RANDOM_TEST, id, 0);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)(2 * xbtab__random_uniform(&random) - 1);
    draw_weights(W1, sizeof W1 / sizeof *W1, k, &random);
    draw_weights(W2, sizeof W2 / sizeof *W2, k, &random);
    build_begin(&b, 4, (int64_t[]){1, CHANNELS, SIDE, SIDE}, "y");
    build_floats(&b, "W1", 4, (int64_t[]){8, CHANNELS / groups, 3, 3}, W1);
    build_floats(&b, "W2", 2, (int64_t[]){HIDDEN, OUTPUTS}, W2);
    build_node(&b, "Conv", "c", "x", "W1", NULL);
    build_attribute(&b, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
    build_attribute(&b, "pads", 4, (int64_t[]){id % 3 == 1, id % 3 == 1, id % 3 == 2, id % 3 == 2}, 0, NULL);
    build_attribute(&b, "group", 0, (int64_t[]){groups}, 0, NULL);
    build_node(&b, "Relu", "r", "c", NULL, NULL);
    build_node(&b, "Flatten", "f", "r", NULL, NULL);
    build_node(&b, "MatMul", "y", "f", "W2", NULL);
    build_write(&b, path);
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    return network;
}

/* All that a run on tiles needs. */
typedef struct bench {
    xbtab_images images;
    xbtab_network *network;
    xbtab_quantized *quantized;
    xbtab_tables *tables;
    xbtab_technology *technology;
    xbtab_engine_setup setup;
    int tia_spread;
    uint64_t seed; /* beside 5 */
    float exact[IMAGES * OUTPUTS], got[IMAGES * OUTPUTS];
    xbtab_product_counts counts;
    xbtab_mapped_report report;
} bench;

static void begin(bench *b, const sinh_design *d, kind k, int64_t groups, int weight_bits,
                  int activation_bits, uint32_t id)
{
    xbtab_quantize_options bits = {.weight_bits = weight_bits, .activation_bits = activation_bits};
    *b = (bench){.network = make_network(k, groups, id), .tables = sinh_tables(d)};
    b->images = (xbtab_images){.n = IMAGES, .channels = CHANNELS, .height = SIDE, .width = SIDE, .pixel = x};
    assert_int_equal(xbtab_technology_create(&b->technology, b->tables), XBTAB_OK);
    if (xbtab_quantized_create(&b->quantized, b->network, &b->images, &bits) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_quantized_run(b->quantized, &b->images, IMAGES, NULL, NULL, NULL, b->exact),
                     XBTAB_OK);
    b->setup.technology = b->technology;
}

static void end(bench *b)
{
    xbtab_quantized_destroy(&b->quantized);
    xbtab_technology_destroy(&b->technology);
    xbtab_tables_destroy(&b->tables);
    xbtab_network_destroy(&b->network);
}

static xbtab_status run(bench *b, const xbtab_engine_type *engine, const xbtab_scheme *scheme, int threads)
{
    xbtab_map_options options = {.run = {.threads = threads},
                                 .scheme = scheme,
                                 .seed = 5 + b->seed,
                                 .tia_spread = b->tia_spread,
                                 .calibration = &b->images};
    xbtab_mapped *mapped = NULL;
    XBTAB_TRY(xbtab_mapped_create(&mapped, b->quantized, &b->setup, engine, &options));
    xbtab_mapped_get_report(mapped, &b->report);
    b->counts = (xbtab_product_counts){0};
    xbtab_status status = xbtab_mapped_run(mapped, &b->images, IMAGES, &options.run, b->got, &b->counts);
    xbtab_mapped_destroy(&mapped);
    return status;
}

static void describe(char *text, size_t n, const sinh_design *d, const xbtab_scheme *s, int weight_bits,
                     int activation_bits)
{
    snprintf(text, n,
             "%s, %s, %s, %s, %s; tile %zu x %zu, %zu levels, %d-bit DAC, cells %d, rows %d, W%d A%d",
             xbtab_scheme_word(XBTAB_KEY_WEIGHTS, (int)s->weights),
             xbtab_scheme_word(XBTAB_KEY_INPUTS, (int)s->inputs),
             xbtab_scheme_word(XBTAB_KEY_SIGNED_INPUTS, (int)s->signed_inputs),
             xbtab_scheme_word(XBTAB_KEY_READOUT, (int)s->readout),
             xbtab_scheme_word(XBTAB_KEY_SUMS, (int)s->sums), d->rows, d->columns, d->n_levels, d->dac_bits,
             s->cell_bits, s->rows_active, weight_bits, activation_bits);
}

/* As many tiles as are said to be needed before anything is mapped, with as many cells in use as weights and
 * slices take. */
static void expect_tiles(const bench *b, const sinh_design *d)
{
    size_t tiles = 0, cells = 0, groups = 1;
    for (size_t m = 0; m < xbtab_quantized_matrices(b->quantized); m += groups) {
        const xbtab_matrix *first = xbtab_quantized_matrix(b->quantized, m);
        for (groups = 1; m + groups < xbtab_quantized_matrices(b->quantized); groups++)
            if (xbtab_quantized_matrix(b->quantized, m + groups)->group == 0) break;
        const int bits = b->report.cell_bits, magnitude = first->weight_bits - 1;
        tiles += xbtab_tiles_needed(&(xbtab_tile_need){.groups = groups,
                                                       .inputs = first->inputs,
                                                       .outputs = first->outputs,
                                                       .weight_bits = first->weight_bits,
                                                       .rows = d->rows,
                                                       .columns = d->columns,
                                                       .cell_bits = bits});
        cells += groups * first->inputs * first->outputs * 2 * (size_t)((magnitude + bits - 1) / bits);
    }
    assert_int_equal(b->report.tiles, tiles);
    assert_int_equal(b->report.cells, cells);
    double share = (double)cells / (double)(tiles * d->rows * d->columns);
    assert_true(fabs(b->report.utilisation - share) <= 1e-12);
}

static size_t n_wrong(const bench *b)
{
    size_t n = 0;
    for (size_t o = 0; o < IMAGES * OUTPUTS; o++) n += b->got[o] != b->exact[o];
    return n;
}

/* The bits that a run says are exact are so, by its whole range or by the range of what it sees, and one bit
 * fewer is not. */
static void expect_bits(bench *b, xbtab_scheme s, bool reaches_all, const char *text, int *n_told)
{
    const int exact = b->report.adc_bits_exact;
    s.adc_bits = exact;
    if (exact <= 5) s.readout = XBTAB_READOUT_MLSA;
    if (exact <= 4 && s.rows_active % 2) s.readout = XBTAB_READOUT_CSA;
    if (run(b, &xbtab_engine_ideal, &s, 2) < 0) fail_msg("%s: %s", text, xbtab_error_message());
    if (n_wrong(b)) fail_msg("%s: %zu outputs are wrong with %d bits", text, n_wrong(b), exact);
    s.range = XBTAB_RANGE_MSE;
    if (run(b, &xbtab_engine_ideal, &s, 2) < 0) fail_msg("%s: %s", text, xbtab_error_message());
    if (n_wrong(b)) fail_msg("%s, mse: %zu outputs are wrong with %d bits", text, n_wrong(b), exact);
    s.range = XBTAB_RANGE_FULL;
    s.adc_bits = exact - 1;
    if (exact == 1 || !reaches_all) return; /* a DAC's codes are not all there are inputs for */
    if (run(b, &xbtab_engine_ideal, &s, 2) < 0) fail_msg("%s: %s", text, xbtab_error_message());
    if (!n_wrong(b)) fail_msg("%s: exact with %d bits, and %d are told", text, exact - 1, exact);
    ++*n_told;
}

/* How often each value was drawn and ran, of what a mapping depends on. */
typedef struct tally {
    const char *what;
    int first, end, n[16];
} tally;

static void count(tally *t, int value)
{
    assert_in_range(value, t->first, t->end - 1);
    t->n[value]++;
}

static void every_scheme_gives_the_exact_integers(void **state)
{
    (void)state;
    static const xbtab_readout uniform[] = {XBTAB_READOUT_SAR, XBTAB_READOUT_FLASH, XBTAB_READOUT_RAMP,
                                            XBTAB_READOUT_INTEGRATE_AND_FIRE};
    tally weights = {"weights", 0, XBTAB_N_WEIGHTS, {0}}, inputs = {"inputs", 0, XBTAB_N_INPUTS, {0}},
          signs = {"signed inputs", 0, XBTAB_N_SIGNED, {0}}, dac = {"DAC bits", 1, 9, {0}},
          cells = {"bits a cell", 1, 9, {0}}, groups = {"log2 of groups", 0, 3, {0}},
          active = {"active rows", 0, 2, {0}};
    int exact_bits = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        xbtab__random random;
        char text[400];
        bench b;
        xbtab__random_init(&random, 12, XBTAB__RANDOM_TEST, trial, 1);
#define BELOW(k) ((int)xbtab__random_below(&random, (uint32_t)(k)))
        xbtab_scheme s = {.weights = (xbtab_weights)(trial % XBTAB_N_WEIGHTS)};
        kind k = s.weights == XBTAB_WEIGHTS_XNOR_PAIR ? BINARY : (kind)BELOW(N_KINDS);
        int weight_bits = k == REAL ? 1 + BELOW(16) : 1 + BELOW(2), activation_bits = 1 + BELOW(16),
            level_bits = 1 + BELOW(8);
        sinh_design d = {.rows = 1 + (size_t)BELOW(80),
                         .columns = 8 + (size_t)BELOW(120),
                         .n_levels = (size_t)1 << level_bits,
                         .dac_bits = 1 + BELOW(8),
                         .adc_bits = 8,
                         .V0 = 0.4};
        s.cell_bits = BELOW(level_bits + 1);
        s.rows_active = BELOW(3) == 0 ? 1 + BELOW((int)d.rows) : 0;
        s.inputs = (xbtab_inputs)BELOW(XBTAB_N_INPUTS);
        s.signed_inputs = (xbtab_signed)BELOW(XBTAB_N_SIGNED);
        s.readout = uniform[BELOW(4)];
        bool has_pairs =
            s.weights == XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS || s.weights == XBTAB_WEIGHTS_TERNARY_PAIR;
        s.sums = BELOW(3) == 0                ? XBTAB_SUMS_ANALOG
                 : has_pairs && BELOW(2) == 0 ? XBTAB_SUMS_SUBTRACTED
                 : trial % 2                  ? XBTAB_SUMS_SPIKES
                                              : XBTAB_SUMS_DIGITAL;
        s.adc_bits = 36;                                   /* a bit line of 8-bit cells at 8-bit inputs */
        if (d.dac_bits + level_bits <= 8) s.adc_bits = 20; /* also what an engine adds itself */
        /* an output's whole range, all input slices */
        if (s.sums == XBTAB_SUMS_ANALOG || s.inputs == XBTAB_INPUTS_AMPLITUDE ||
            s.inputs == XBTAB_INPUTS_PULSE_COUNT || s.inputs == XBTAB_INPUTS_SPIKES)
            s.adc_bits = 40;
        const int log2_groups = BELOW(3);
        begin(&b, &d, k, (int64_t)1 << log2_groups, weight_bits, activation_bits, trial);
#undef BELOW
        describe(text, sizeof text, &d, &s, weight_bits, activation_bits);
        if (s.weights == XBTAB_WEIGHTS_DIFFERENTIAL_ROWS && trial % 16 > 8) /* one circuit, or two */
            b.tables->array.polarity = XBTAB_POLARITY_ALTERNATING;
        xbtab_status status = run(&b, &xbtab_engine_ideal, &s, 1 + (int)(trial % 3));
        if (status == XBTAB_ERR_UNSUPPORTED &&
            (strstr(xbtab_error_message(), "columns an output") ||
             strstr(xbtab_error_message(), "an input needs") || strstr(xbtab_error_message(), "16 bits"))) {
            end(&b); /* too narrow or low a tile, or too many bits */
            continue;
        }
        if (status < 0) fail_msg("%s: %s", text, xbtab_error_message());
        for (size_t o = 0; o < IMAGES * OUTPUTS; o++) {
            if (b.got[o] != b.exact[o]) /* the same bits */
                fail_msg("%s: output %zu is %.9g, not %.9g", text, o, (double)b.got[o], (double)b.exact[o]);
        }
        assert_true(b.report.utilisation > 0 && b.report.utilisation <= 1);
        if (s.weights == XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS) expect_tiles(&b, &d);
        if (trial / XBTAB_N_WEIGHTS % 3 == 0)
            expect_bits(&b, s, activation_bits >= d.dac_bits, text, &exact_bits);
        count(&weights, (int)s.weights);
        count(&inputs, (int)s.inputs);
        count(&signs, (int)s.signed_inputs);
        count(&dac, d.dac_bits);
        count(&cells, b.report.cell_bits);
        count(&groups, log2_groups);
        count(&active, s.rows_active > 0);
        end(&b);
    }
    assert_in_range(exact_bits, TRIALS / 8, TRIALS);
    const tally *const all[] = {&weights, &inputs, &signs, &dac, &cells, &groups, &active};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const tally *t = all[k];
        const int least = TRIALS / (t == &weights ? 32 : 60);
        for (int value = t->first; value < t->end; value++) {
            if (t->n[value] < least) fail_msg("%s %d: %d of %d trials", t->what, value, t->n[value], TRIALS);
        }
    }
}

/* With a column that would exceed half of its cells' sum inverted, no input makes the ADC's top bit 1:
 * every matrix of three 4-bit weights in 2-bit cells, with every input. */
static void flipped_columns_leave_the_top_bit_zero(void **state)
{
    (void)state;
    enum { N = 3, FULL = 3, SUM_BITS = 4 }; /* ceil(log2(3 * 3 + 1)) */
    int16_t W[N];
    int32_t note[2];
    uint8_t level[N * 4];
    xbtab_matrix m = {.name = "m", .inputs = N, .outputs = 1, .weight_bits = 4, .activation_bits = 1, .W = W};
    xbtab__block b = {.n_inputs = N, .n_outputs = 1, .note = note};
    int flips = 0;
    for (int code = 0; code < 15 * 15 * 15; code++) {
        xbtab__layout l;
        for (int i = 0, rest = code; i < N; i++, rest /= 15) W[i] = (int16_t)(rest % 15 - 7);
        assert_int_equal(xbtab__lay_out(&l, &m, XBTAB_WEIGHTS_BIAS_FLIP, 2), XBTAB_OK);
        assert_int_equal(xbtab__layout_columns(&l, 1), 4);
        memset(level, 0, sizeof level);
        l.map->levels(&l, &m, &b, level, 4);
        for (unsigned input = 0; input < 1u << N; input++) {
            double s[4] = {0}, y;
            int exact = 0;
            for (unsigned i = 0; i < N; i++) {
                if (!(input >> i & 1)) continue;
                exact += W[i];
                for (size_t j = 0; j < 4; j++) s[j] += level[i * 4 + j];
            }
            for (size_t j = 0; j < 4; j++) {
                assert_true(2 * s[j] <= FULL * N);
                assert_int_equal((unsigned)s[j] >> (SUM_BITS - 1), 0);
            }
            l.map->combine(&l, &b, s, 0, &y);
            assert_true(y == exact);
        }
        flips += note[0] + note[1];
    }
    assert_true(flips > 1000);
}

/* The same on a whole column of 128 cells of 2 bits: 8 bits hold what needs 9 without the flip. */
static void flipped_columns_of_128_cells_fit_8_bits(void **state)
{
    (void)state;
    static int16_t W[128];
    static uint8_t level[128 * 10];
    int32_t note[8];
    xbtab_matrix m = {
        .name = "m", .inputs = 128, .outputs = 1, .weight_bits = 16, .activation_bits = 1, .W = W};
    xbtab__block b = {.n_inputs = 128, .n_outputs = 1, .note = note};
    for (uint32_t trial = 0; trial < 200; trial++) {
        xbtab__layout l;
        xbtab__random random;
        int largest = 0;
        xbtab__random_init(&random, 21, XBTAB__RANDOM_TEST, trial, 2);
        for (size_t i = 0; i < 128; i++) {
            W[i] = trial == 0   ? 32767
                   : trial == 1 ? -32767
                                : (int16_t)((int)xbtab__random_below(&random, 65535) - 32767);
        }
        assert_int_equal(xbtab__lay_out(&l, &m, XBTAB_WEIGHTS_BIAS_FLIP, 2), XBTAB_OK);
        assert_int_equal(l.slices, 8);
        memset(level, 0, sizeof level);
        l.map->levels(&l, &m, &b, level, 10);
        for (size_t j = 0; j < 10; j++) {
            int sum = 0;
            for (size_t i = 0; i < 128; i++) sum += level[i * 10 + j];
            largest = sum > largest ? sum : largest;
        }
        assert_in_range(largest, 1, 255);
    }
}

/* Dense layers of the given widths, mapped on tiles of 1-bit or 3-bit cells; how many devices hold them. */
static size_t devices(const int64_t *width, int n_layers, int weight_bits, size_t n_levels, size_t *weights)
{
    static float W[1000 * 1000];
    onnx_build b;
    xbtab_network *network = NULL;
    xbtab_quantized *quantized = NULL;
    xbtab_technology *technology = NULL;
    xbtab_mapped *mapped = NULL;
    xbtab_mapped_report report;
    static const char *const names[] = {"x", "y1", "y2", "y3"}, *const tensors[] = {"w1", "w2", "w3"};
    xbtab__random random;
    xbtab__random_init(&random, 22, XBTAB__RANDOM_TEST, 0, 0);
    size_t used = 0;
    build_begin(&b, 2, (int64_t[]){1, width[0]}, names[n_layers]);
    for (int k = 0; k < n_layers; k++) {
        size_t n = (size_t)(width[k] * width[k + 1]);
        for (size_t i = 0; i < n; i++) W[used + i] = (float)(2 * xbtab__random_uniform(&random) - 1);
        build_floats(&b, tensors[k], 2, (int64_t[]){width[k], width[k + 1]}, W + used);
        build_node(&b, "MatMul", names[k + 1], names[k], tensors[k], NULL);
        used += n;
    }
    build_write(&b, path);
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = (size_t)width[0], .pixel = W};
    sinh_design d = {
        .rows = 128, .columns = 64, .n_levels = n_levels, .dac_bits = 1, .adc_bits = 8, .V0 = 0.4};
    xbtab_tables *tables = sinh_tables(&d);
    xbtab_quantize_options bits = {.weight_bits = weight_bits, .activation_bits = 1};
    if (xbtab_network_open(&network, path) < 0 ||
        xbtab_quantized_create(&quantized, network, &images, &bits) < 0 ||
        xbtab_technology_create(&technology, tables) < 0)
        fail_msg("%s", xbtab_error_message());
    xbtab_engine_setup setup = {.technology = technology};
    if (xbtab_mapped_create(&mapped, quantized, &setup, &xbtab_engine_ideal, NULL) < 0)
        fail_msg("%s", xbtab_error_message());
    xbtab_mapped_get_report(mapped, &report);
    xbtab_mapped_destroy(&mapped);
    xbtab_quantized_destroy(&quantized);
    xbtab_technology_destroy(&technology);
    xbtab_tables_destroy(&tables);
    xbtab_network_destroy(&network);
    *weights = report.weights;
    return report.cells;
}

/* Published device and weight counts, from the layers alone. */
static void devices_are_as_published(void **state)
{
    (void)state;
    size_t weights;
    /* Liu et al., ISSCC 2020: 784-100-10, two cells a weight: 158.8 kb */
    assert_int_equal(devices((int64_t[]){784, 100, 10}, 2, 2, 2, &weights), 158800);
    /* Li et al., Nature Communications 2018: 64-54-10 on pairs of analog cells (8 levels here) */
    assert_int_equal(devices((int64_t[]){64, 54, 10}, 2, 4, 8, &weights), 7992);
    assert_int_equal(weights, 3996);
    /* Wang et al., Nature Machine Intelligence 2019: 850 weights of the recurrent network's 29 x 20 and 45 x
     * 6 */
    size_t first, second;
    devices((int64_t[]){29, 20}, 1, 4, 8, &first);
    devices((int64_t[]){45, 6}, 1, 4, 8, &second);
    assert_int_equal(first + second, 850);
    /* the same's convolutional network: 15 kernels of 3 x 3, 4 of 2 x 2 x 15, 64 x 10 */
    size_t third;
    devices((int64_t[]){9, 15}, 1, 4, 8, &first);
    devices((int64_t[]){60, 4}, 1, 4, 8, &second);
    devices((int64_t[]){64, 10}, 1, 4, 8, &third);
    assert_int_equal(first + second + third, 1015);
}

static const sinh_design usual = {.rows = 40,
                                  .columns = 48,
                                  .n_levels = 4,
                                  .dac_bits = 1,
                                  .adc_bits = 8,
                                  .r_word = 1,
                                  .r_bit = 1,
                                  .V0 = 0.3};

/* The general read-out, made to run by offsets that are nothing, and the kernel's fused one. */
static void the_fused_chain_gives_the_same_codes(void **state)
{
    (void)state;
    static const xbtab_engine_type *const engines[] = {&xbtab_engine_ideal, &xbtab_engine_table};
    for (int groups = 1; groups <= 4; groups *= 4) {
        bench b;
        begin(&b, &usual, REAL, groups, 8, 8, 3);
        for (int e = 0; e < 2; e++) {
            for (int rows_active = 0; rows_active <= 16; rows_active += 8) {
                float fused[IMAGES * OUTPUTS];
                xbtab_scheme s = {.rows_active = rows_active, .adc_bits = 7};
                if (run(&b, engines[e], &s, 1) < 0) fail_msg("%s", xbtab_error_message());
                uint64_t codes = b.counts.codes;
                memcpy(fused, b.got, sizeof fused);
                s.offset_sigma = 1e-300;
                if (run(&b, engines[e], &s, 2) < 0) fail_msg("%s", xbtab_error_message());
                assert_memory_equal(b.got, fused, sizeof fused);
                assert_int_equal(b.counts.codes, codes);
            }
        }
        end(&b);
    }
}

static double error_of(const bench *b)
{
    double squares = 0;
    for (size_t o = 0; o < IMAGES * OUTPUTS; o++) squares += pow((double)b->got[o] - (double)b->exact[o], 2);
    return sqrt(squares / (IMAGES * OUTPUTS));
}

/* Offsets and noise follow the seed alone; more of them costs more. */
static void noise_does_not_depend_on_threads(void **state)
{
    (void)state;
    static const xbtab_readout readouts[] = {XBTAB_READOUT_SAR, XBTAB_READOUT_MLSA};
    for (int k = 0; k < 4; k++) {
        bench b;
        float one[IMAGES * OUTPUTS];
        double before = 0;
        xbtab_scheme s = {.readout = readouts[k % 2], .adc_bits = k % 2 ? 5 : 8};
        begin(&b, &usual, REAL, 1, 6, 6, 4);
        for (double sigma = 0.5; sigma < 100; sigma *= 8) {
            *(k < 2 ? &s.offset_sigma : &s.noise_sigma) = sigma;
            assert_int_equal(run(&b, &xbtab_engine_table, &s, 1), XBTAB_OK);
            memcpy(one, b.got, sizeof one);
            assert_int_equal(run(&b, &xbtab_engine_table, &s, 3), XBTAB_OK);
            assert_memory_equal(b.got, one, sizeof one);
            if (sigma > 1) assert_true(error_of(&b) > before);
            before = error_of(&b);
        }
        end(&b);
    }
}

/* What the tables say of their TIA, in volts, does what as many steps of the tables' ADC do, on an ADC of
 * more bits as well. */
static void a_tia_has_the_spread_of_its_tables(void **state)
{
    (void)state;
    bench b;
    float steps[IMAGES * OUTPUTS];
    double V_low, V_high;
    begin(&b, &usual, REAL, 1, 6, 6, 4);
    b.tia_spread = 1;
    xbtab_scheme none = {.adc_bits = 10}, noise = {.adc_bits = 10, .noise_sigma = 4 * 2.5},
                 offset = {.adc_bits = 10, .offset_sigma = 4 * 2.5};
    b.tables->readout.noise_rms = b.tables->readout.offset_sigma = NAN;
    assert_int_equal(run(&b, &xbtab_engine_table, &none, 1), XBTAB_ERR_INPUT);
    xbtab_technology_adc_references(b.technology, &V_low, &V_high);
    double V_step = fabs(V_high - V_low) / 256; /* of the tables' 8 bits */
    b.tables->readout.noise_rms = 2.5 * V_step;
    assert_int_equal(run(&b, &xbtab_engine_table, &none, 1), XBTAB_OK);
    memcpy(steps, b.got, sizeof steps);
    b.tia_spread = 0;
    assert_int_equal(run(&b, &xbtab_engine_table, &noise, 3), XBTAB_OK);
    assert_memory_equal(b.got, steps, sizeof steps);
    b.tables->readout.noise_rms = 0;
    b.tables->readout.offset_sigma = 2.5 * V_step;
    double squares[2] = {0};
    for (b.seed = 0; b.seed < 24; b.seed++) { /* few bit lines decide an output: many chips */
        for (b.tia_spread = 0; b.tia_spread < 2; b.tia_spread++) {
            assert_int_equal(run(&b, &xbtab_engine_table, b.tia_spread ? &none : &offset, 1), XBTAB_OK);
            squares[b.tia_spread] += pow(error_of(&b), 2);
        }
    }
    double ratio = sqrt(squares[1] / squares[0]);
    print_message("offsets of the TIA cost %.3f of what the ADC's own cost\n", ratio);
    assert_true(ratio > 0.8 && ratio < 1.25);
    b.tia_spread = 1;
    assert_int_equal(run(&b, &xbtab_engine_ideal, &none, 1), XBTAB_OK);
    assert_memory_equal(b.got, b.exact, sizeof b.exact); /* ideal tiles have no TIA */
    end(&b);
}

static xbtab_status same_sigma(void *context, size_t matrix, size_t tile, const uint8_t *level,
                               const double *G, size_t rows, size_t columns, double *sigma)
{
    (void)matrix, (void)tile, (void)level, (void)rows;
    for (size_t j = 0; j < columns; j++) sigma[j] = *(const double *)context;
    return G[0] > 0 ? XBTAB_OK : XBTAB_ERR_INTERNAL;
}

/* With every word line driven, read noise of so many amperes is noise of so many steps of the ADC, of all
 * conversions the same; with fewer driven it is less. */
static void read_noise_goes_with_the_drive(void **state)
{
    (void)state;
    enum { N = 30 };
    static float W[N * OUTPUTS], image[2][N];
    onnx_build build;
    bench b = {.tables = sinh_tables(&usual)};
    double distance[2] = {0};
    xbtab__random random;
    xbtab__random_init(&random, 24, XBTAB__RANDOM_TEST, 0, 0);
    draw_weights(W, N * OUTPUTS, REAL, &random);
    for (size_t i = 0; i < N; i++) {
        image[0][i] = 1;
        image[1][i] = i < 4;
    }
    build_begin(&build, 2, (int64_t[]){1, N}, "y");
    build_floats(&build, "w", 2, (int64_t[]){N, OUTPUTS}, W);
    build_node(&build, "MatMul", "y", "x", "w", NULL);
    build_write(&build, path);
    b.images = (xbtab_images){.n = 2, .channels = 1, .height = 1, .width = N, .pixel = image[0]};
    if (xbtab_network_open(&b.network, path) < 0 ||
        xbtab_quantized_create(&b.quantized, b.network, &b.images, NULL) < 0 ||
        xbtab_technology_create(&b.technology, b.tables) < 0)
        fail_msg("%s", xbtab_error_message());
    b.setup.technology = b.technology;
    xbtab_scheme steps = {.adc_bits = 12, .noise_sigma = 40}, none = {.adc_bits = 12};
    double sigma = 40 * b.tables->I_full_scale / 4096;
    float got[2][2 * OUTPUTS];
    assert_int_equal(xbtab_quantized_run(b.quantized, &b.images, 2, NULL, NULL, NULL, b.exact), XBTAB_OK);
    for (int k = 0; k < 2; k++) {
        xbtab_map_options options = {
            .scheme = k ? &none : &steps, .seed = 6, .read_noise = k ? same_sigma : NULL, .context = &sigma};
        xbtab_mapped *mapped = NULL;
        if (xbtab_mapped_create(&mapped, b.quantized, &b.setup, &xbtab_engine_ideal, &options) < 0)
            fail_msg("%s", xbtab_error_message());
        assert_int_equal(xbtab_mapped_run(mapped, &b.images, 2, NULL, got[k], NULL), XBTAB_OK);
        xbtab_mapped_destroy(&mapped);
    }
    assert_memory_equal(got[0], got[1], OUTPUTS * sizeof(float));
    for (size_t o = OUTPUTS; o < 2 * OUTPUTS; o++) {
        for (int k = 0; k < 2; k++) distance[k] += pow((double)got[k][o] - (double)b.exact[o], 2);
    }
    double ratio = sqrt(distance[1] / distance[0]) / sqrt(4.0 / N); /* 4 word lines of 30, from 9 draws */
    assert_true(ratio > 0.5 && ratio < 1.6);
    end(&b);
}

/* Max, IRE Transactions on Information Theory 6 (1960), table I: a Gaussian's least mean square error with 4,
 * 8 and 16 levels. */
static void lloyd_max_references_reach_the_published_error(void **state)
{
    (void)state;
    static const double published[] = {0.1175, 0.03454, 0.009497};
    enum { N = 400000 };
    double *u = malloc(N * sizeof *u);
    xbtab__random random;
    xbtab__samples s = {.least = INFINITY, .most = -INFINITY};
    assert_non_null(u);
    xbtab__random_init(&random, 23, XBTAB__RANDOM_TEST, 0, 0);
    for (size_t k = 0; k < N; k++) u[k] = xbtab__random_normal(&random);
    xbtab__samples_add(&s, u, N);
    s.count = calloc(XBTAB__SAMPLE_BINS, sizeof *s.count);
    assert_non_null(s.count);
    xbtab__samples_add(&s, u, N);
    for (int bits = 2; bits <= 4; bits++) {
        double error[3] = {0};
        xbtab__converter c[3] = {{0}};
        assert_int_equal(xbtab__samples_lloyd_max(&s, bits, &c[0]), XBTAB_OK);
        const xbtab__range_rule mse = {XBTAB_RANGE_MSE, 0, 1e-9}, full = {XBTAB_RANGE_FULL, 0, 1e-9};
        xbtab__samples_range(&s, &mse, bits, false, true, &c[1]);
        xbtab__samples_range(&s, &full, bits, false, true, &c[2]);
        for (int k = 0; k < 3; k++) {
            for (size_t i = 0; i < N; i++) {
                double v = u[i];
                xbtab__convert(&c[k], &v, NULL, 1);
                error[k] += (v - u[i]) * (v - u[i]) / N;
            }
            xbtab__converter_clear(&c[k]);
        }
        print_message("%d bits: Lloyd-Max %.5f, uniform of least error %.5f, of all %.5f\n", bits, error[0],
                      error[1], error[2]);
        assert_true(fabs(error[0] / published[bits - 2] - 1) < 0.02);
        assert_true(error[0] < error[1] && error[1] < error[2]);
    }
    free(s.count);
    free(u);
}

/* A binary network on XNOR pairs, read by sense amplifiers of 3 bits: references placed on the layer's sums
 * are better than equal steps, and ranges of least error better than the whole range. */
static void references_on_the_samples_read_better(void **state)
{
    (void)state;
    bench b;
    double error[4];
    begin(&b, &usual, BINARY, 1, 2, 1, 6);
    const xbtab_scheme schemes[] = {
        {.weights = XBTAB_WEIGHTS_XNOR_PAIR, .readout = XBTAB_READOUT_MLSA, .adc_bits = 3},
        {.weights = XBTAB_WEIGHTS_XNOR_PAIR,
         .readout = XBTAB_READOUT_MLSA,
         .adc_bits = 3,
         .range = XBTAB_RANGE_MSE},
        {.weights = XBTAB_WEIGHTS_XNOR_PAIR,
         .readout = XBTAB_READOUT_MLSA,
         .adc_bits = 3,
         .references = XBTAB_REFERENCES_LLOYD_MAX},
        {.weights = XBTAB_WEIGHTS_XNOR_PAIR,
         .readout = XBTAB_READOUT_MLSA,
         .adc_bits = 3,
         .range = XBTAB_RANGE_PERCENTILE,
         .range_quantile = 0.02}};
    for (int k = 0; k < 4; k++) {
        if (run(&b, &xbtab_engine_ideal, &schemes[k], 1) < 0) fail_msg("%s", xbtab_error_message());
        error[k] = error_of(&b);
    }
    print_message("RMS error of the outputs: %.4f full, %.4f least error, %.4f Lloyd-Max, %.4f 96 %%\n",
                  error[0], error[1], error[2], error[3]);
    assert_true(error[2] < error[0] && error[1] < error[0] && error[3] < error[0]);
    end(&b);
}

/* Bit lines that share an ADC share its offset, which a pair's difference takes off again. */
static void shared_adcs_share_their_offsets(void **state)
{
    (void)state;
    bench b;
    double error[3];
    begin(&b, &usual, REAL, 1, 8, 8, 6);
    for (int k = 0; k < 3; k++) {
        xbtab_scheme s = {.adc_bits = 12,
                          .offset_sigma = 40,
                          .columns_per_adc = k == 0   ? 1
                                             : k == 1 ? 2
                                                      : 48};
        if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        error[k] = error_of(&b);
    }
    print_message("RMS error of the outputs with offsets: %.4f, ADCs of two bit lines %.4f, of all %.4f\n",
                  error[0], error[1], error[2]);
    assert_true(error[1] < 0.3 * error[0] && error[2] < 0.3 * error[0]);
    end(&b);
}

/* Partial sums of few bits: every output is a whole number of steps, at most 2^(bits - 1) - 1 of them. */
static void quantized_sums_lie_on_their_steps(void **state)
{
    (void)state;
    bench b;
    double before = INFINITY;
    begin(&b, &usual, REAL, 1, 8, 8, 7);
    for (int bits = 3; bits <= 11; bits += 4) {
        xbtab_scheme s = {
            .sums = XBTAB_SUMS_QUANTIZED, .adc_bits = 12, .partial_bits = bits, .sum_bits = bits};
        if (run(&b, &xbtab_engine_ideal, &s, 2) < 0) fail_msg("%s", xbtab_error_message());
        assert_true(error_of(&b) < before);
        before = error_of(&b);
        if (bits > 3) continue;
        for (size_t o = 0; o < OUTPUTS; o++) { /* values of one output over the images share its scale */
            double ratio = b.got[o] != 0 ? (double)b.got[OUTPUTS + o] / (double)b.got[o] : 1.0;
            bool found = false;
            for (int p = -3; p <= 3; p++)
                for (int q = 1; q <= 3; q++) found = found || fabs(fabs(ratio) - abs(p) / (double)q) < 0.02;
            assert_true(found);
        }
    }
    end(&b);
}

/* Conversions that a mask leaves out are not made, and cost what they carried. */
static void a_mask_saves_conversions(void **state)
{
    (void)state;
    bench b;
    double before = -1;
    uint64_t codes = UINT64_MAX;
    begin(&b, &usual, REAL, 1, 7, 8, 8);
    for (int from = 0; from <= 9; from += 3) {
        xbtab_scheme s = {.keep_from = from, .adc_bits = 20};
        if (run(&b, &xbtab_engine_ideal, &s, 2) < 0) fail_msg("%s", xbtab_error_message());
        assert_true(error_of(&b) > before && b.counts.codes < codes);
        before = from ? error_of(&b) : 0;
        codes = b.counts.codes;
        if (from == 0) assert_memory_equal(b.got, b.exact, sizeof b.got);
    }
    end(&b);
}

static void bits_needed_follow_the_rows_that_are_on(void **state)
{
    (void)state;
    /* rows, cell and input bits of systems published, and what ceil(log2((2^a - 1)(2^w - 1) rows)) gives */
    static const struct {
        size_t rows, n_levels;
        int dac_bits, rows_active, bits;
    } cases[] = {{128, 2, 1, 0, 7},   {128, 4, 1, 0, 9},  {256, 2, 2, 0, 10}, {128, 16, 1, 0, 11},
                 {256, 16, 1, 0, 12}, {128, 8, 1, 0, 10}, {256, 2, 1, 9, 4},  {256, 2, 1, 25, 5}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        bench b;
        sinh_design d = usual;
        d.rows = cases[k].rows;
        d.n_levels = cases[k].n_levels;
        d.dac_bits = cases[k].dac_bits;
        xbtab_scheme s = {.rows_active = cases[k].rows_active};
        begin(&b, &d, REAL, 1, 2, 4, 9);
        if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        assert_int_equal(b.report.adc_bits_needed, cases[k].bits);
        end(&b);
    }
}

static void groups_share_tiles(void **state)
{
    (void)state;
    bench b;
    xbtab_scheme s = {0};
    begin(&b, &usual, REAL, 4, 3, 4,
          10); /* 4 groups of 9 inputs and 2 outputs of 2 columns: 4 fit, and 72 x 9 */
    assert_int_equal(run(&b, &xbtab_engine_ideal, &s, 1), XBTAB_OK);
    assert_int_equal(b.report.tiles, 1 + 2);
    end(&b);
}

static void words_find_their_values(void **state)
{
    (void)state;
    for (xbtab_scheme_key k = 0; k < XBTAB_N_KEYS; k++) {
        for (int v = 0; v < xbtab_scheme_values(k); v++) {
            assert_int_equal(xbtab_scheme_find(k, xbtab_scheme_word(k, v)), v);
            assert_non_null(xbtab_scheme_text(k, v));
        }
        assert_int_equal(xbtab_scheme_find(k, "guess"), -1);
        assert_null(xbtab_scheme_word(k, xbtab_scheme_values(k)));
    }
}

static void misfits_are_refused(void **state)
{
    (void)state;
    bench b;
    static const struct {
        xbtab_scheme scheme;
        xbtab_status status;
        const char *said;
    } cases[] = {
        {{.weights = XBTAB_WEIGHTS_XNOR_PAIR},
         XBTAB_ERR_UNSUPPORTED,
         "complementary pairs hold -1 and +1 only"},
        {{.cell_bits = 3}, XBTAB_ERR_INPUT, "the tables' 4 levels hold 2"},
        {{.readout = XBTAB_READOUT_CSA, .adc_bits = 6},
         XBTAB_ERR_INPUT,
         "csa: adc_bits = 6 is outside 1 to 4"},
        {{.rows_active = -1}, XBTAB_ERR_INPUT, "rows_active = -1 is outside 0 to 4096"},
        {{.keep_from = 3, .sums = XBTAB_SUMS_ANALOG}, XBTAB_ERR_UNSUPPORTED, "keep_from"},
        {{.weights = (xbtab_weights)77}, XBTAB_ERR_INPUT, "weights has no value 77"},
        {{.adc_bits = 13}, XBTAB_ERR_INPUT, "adc_bits = 13 is outside 1 to 12"},
    };
    begin(&b, &usual, REAL, 1, 4, 4, 11);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        assert_int_equal(run(&b, &xbtab_engine_table, &cases[k].scheme, 1), cases[k].status);
        if (!strstr(xbtab_error_message(), cases[k].said)) fail_msg("%s", xbtab_error_message());
    }
    xbtab_scheme s = {.range = XBTAB_RANGE_MSE};
    b.images.n = 0; /* no samples */
    xbtab_map_options options = {.scheme = &s};
    xbtab_mapped *mapped = NULL;
    assert_int_equal(xbtab_mapped_create(&mapped, b.quantized, &b.setup, &xbtab_engine_ideal, &options),
                     XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "sample images"));
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_gives_the_exact_integers),
        cmocka_unit_test(flipped_columns_leave_the_top_bit_zero),
        cmocka_unit_test(flipped_columns_of_128_cells_fit_8_bits),
        cmocka_unit_test(devices_are_as_published),
        cmocka_unit_test(the_fused_chain_gives_the_same_codes),
        cmocka_unit_test(noise_does_not_depend_on_threads),
        cmocka_unit_test(a_tia_has_the_spread_of_its_tables),
        cmocka_unit_test(read_noise_goes_with_the_drive),
        cmocka_unit_test(lloyd_max_references_reach_the_published_error),
        cmocka_unit_test(references_on_the_samples_read_better),
        cmocka_unit_test(shared_adcs_share_their_offsets),
        cmocka_unit_test(quantized_sums_lie_on_their_steps),
        cmocka_unit_test(a_mask_saves_conversions),
        cmocka_unit_test(bits_needed_follow_the_rows_that_are_on),
        cmocka_unit_test(groups_share_tiles),
        cmocka_unit_test(words_find_their_values),
        cmocka_unit_test(misfits_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
