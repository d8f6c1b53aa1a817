/* test_readout.c - read-outs that are trimmed, compare with thresholds or see pairs subtracted; device counts
 * of published networks on their own mapping; one formula for the bits that an ADC needs. */
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
#include <xbartab/arch.h>
#include <xbartab/infer.h>

#include "check.h"
#include "file_fixture.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { IMAGES = 24, SIDE = 9, INPUTS = SIDE * SIDE, HIDDEN = 30, OUTPUTS = 7 };

static float x[IMAGES * INPUTS];

static void draw(float *w, size_t n, bool is_binary, uint32_t id)
{
    xbtab__random random;
    xbtab__random_init(&random, 31, XBTAB__RANDOM_TEST, id, 0);
    for (size_t k = 0; k < n; k++) {
        double real = 2 * xbtab__random_uniform(&random) - 1;
        w[k] = (float)(is_binary ? (real < 0 ? -1 : 1) : real);
    }
}

/* All that a run on tiles needs. */
typedef struct bench {
    xbtab_images images;
    xbtab_network *network;
    xbtab_quantized *quantized;
    xbtab_tables *tables;
    xbtab_technology *technology;
    xbtab_engine_setup setup;
    xbtab_mapped_report report;
    xbtab_product_counts counts;
    float *exact, *got;
} bench;

static void begin(bench *b, const sinh_design *d, const char *file, const xbtab_images *images,
                  int weight_bits, int activation_bits)
{
    xbtab_quantize_options bits = {.weight_bits = weight_bits, .activation_bits = activation_bits};
    *b = (bench){.images = *images, .tables = sinh_tables(d)};
    if (xbtab_network_open(&b->network, file) < 0 || xbtab_technology_create(&b->technology, b->tables) < 0 ||
        xbtab_quantized_create(&b->quantized, b->network, images, &bits) < 0)
        fail_msg("%s: %s", file, xbtab_error_message());
    size_t n = images->n * xbtab_quantized_outputs(b->quantized);
    b->exact = calloc(n, sizeof *b->exact);
    b->got = calloc(n, sizeof *b->got);
    assert_non_null(b->exact);
    assert_non_null(b->got);
    if (xbtab_quantized_run(b->quantized, images, images->n, NULL, NULL, NULL, b->exact) < 0)
        fail_msg("%s: %s", file, xbtab_error_message());
    b->setup.technology = b->technology;
}

static void end(bench *b)
{
    free(b->exact);
    free(b->got);
    xbtab_quantized_destroy(&b->quantized);
    xbtab_technology_destroy(&b->technology);
    xbtab_tables_destroy(&b->tables);
    xbtab_network_destroy(&b->network);
}

static xbtab_status run(bench *b, const xbtab_engine_type *engine, const xbtab_scheme *scheme, int threads)
{
    const xbtab_map_options options = {
        .run = {.threads = threads}, .scheme = scheme, .seed = 4, .calibration = &b->images};
    xbtab_mapped *mapped = NULL;
    XBTAB_TRY(xbtab_mapped_create(&mapped, b->quantized, &b->setup, engine, &options));
    xbtab_mapped_get_report(mapped, &b->report);
    b->counts = (xbtab_product_counts){0};
    xbtab_status status = xbtab_mapped_run(mapped, &b->images, b->images.n, &options.run, b->got, &b->counts);
    xbtab_mapped_destroy(&mapped);
    return status;
}

static double error_of(const bench *b)
{
    double squares = 0;
    size_t n = b->images.n * xbtab_quantized_outputs(b->quantized);
    for (size_t k = 0; k < n; k++) squares += pow((double)b->got[k] - (double)b->exact[k], 2);
    return sqrt(squares / (double)n);
}

/* A dense layer whose outputs become bits, each at a threshold of its own, and one behind it. */
static void write_bits(bool is_falling)
{
    static float W1[INPUTS * HIDDEN], W2[HIDDEN * OUTPUTS], scale[HIDDEN], shift[HIDDEN];
    onnx_build b;
    draw(x, IMAGES * INPUTS, false, 1);
    for (size_t k = 0; k < IMAGES * INPUTS; k++) x[k] = x[k] > 0;
    draw(W1, INPUTS * HIDDEN, true, 2);
    draw(W2, HIDDEN * OUTPUTS, true, 3);
    draw(scale, HIDDEN, false, 4);
    draw(shift, HIDDEN, false, 5);
    for (size_t o = 0; o < HIDDEN; o++) {
        shift[o] = 4 * shift[o] * scale[o] + 0.5f;
        if (!is_falling) scale[o] = fabsf(scale[o]);
    }
    build_begin(&b, 2, (int64_t[]){1, INPUTS}, "y");
    build_floats(&b, "W1", 2, (int64_t[]){INPUTS, HIDDEN}, W1);
    build_floats(&b, "W2", 2, (int64_t[]){HIDDEN, OUTPUTS}, W2);
    build_floats(&b, "scale", 1, (int64_t[]){HIDDEN}, scale);
    build_floats(&b, "shift", 1, (int64_t[]){HIDDEN}, shift);
    static float none[] = {0}, one[] = {1};
    build_floats(&b, "none", 0, NULL, none);
    build_floats(&b, "one", 0, NULL, one);
    build_node(&b, "MatMul", "a", "x", "W1", NULL);
    build_node(&b, "Mul", "b", "a", "scale", NULL);
    build_node(&b, "Add", "c", "b", "shift", NULL);
    build_node(&b, "Clip", "d", "c", "none", "one");
    build_node(&b, "MatMul", "y", "d", "W2", NULL);
    build_write(&b, path);
}

static const xbtab_images bits_in = {.n = IMAGES, .channels = 1, .height = 1, .width = INPUTS, .pixel = x};

static void one_bit_at_its_own_threshold_loses_nothing(void **state)
{
    (void)state;
    sinh_design d = {
        .rows = 2 * INPUTS, .columns = 64, .n_levels = 2, .dac_bits = 1, .adc_bits = 8, .V0 = 0.3};
    static const xbtab_weights weights[] = {XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS, XBTAB_WEIGHTS_XNOR_PAIR,
                                            XBTAB_WEIGHTS_OFFSET_COLUMN};
    for (int k = 0; k < 6; k++) {
        bench b;
        xbtab_scheme s = {.weights = weights[k / 2],
                          .readout = XBTAB_READOUT_CSA,
                          .adc_bits = 1,
                          .sums = XBTAB_SUMS_ANALOG,
                          .references = XBTAB_REFERENCES_LLOYD_MAX};
        write_bits(k % 2);
        begin(&b, &d, path, &bits_in, 2, 1);
        if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        double common = error_of(&b);
        s.references = XBTAB_REFERENCES_THRESHOLDS;
        s.readout = XBTAB_READOUT_MLSA;
        s.adc_bits = 5; /* of the last layer, whose sums nothing compares */
        if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        double own = error_of(&b);
        s.references = XBTAB_REFERENCES_LLOYD_MAX;
        s.readout = XBTAB_READOUT_SAR;
        s.adc_bits = 8;
        if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        print_message("%d: RMS error with common references %.3f, of 8 bits %.3f, with thresholds %.3f\n", k,
                      common, error_of(&b), own);
        assert_true(own < 0.1 * common);
        end(&b);
    }
}

static void thresholds_need_whole_sums_of_one_bit(void **state)
{
    (void)state;
    bench b;
    sinh_design d = {.rows = INPUTS, .columns = 64, .n_levels = 2, .dac_bits = 1, .adc_bits = 8, .V0 = 0.3};
    xbtab_scheme s = {.weights = XBTAB_WEIGHTS_XNOR_PAIR,
                      .sums = XBTAB_SUMS_ANALOG,
                      .references = XBTAB_REFERENCES_THRESHOLDS};
    write_bits(false);
    begin(&b, &d, path, &bits_in, 2, 1);
    assert_int_equal(run(&b, &xbtab_engine_ideal, &s, 1), XBTAB_ERR_UNSUPPORTED);
    assert_non_null(strstr(xbtab_error_message(), "162 word lines of the tile's 81"));
    s.sums = XBTAB_SUMS_DIGITAL;
    assert_int_equal(run(&b, &xbtab_engine_ideal, &s, 1), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), "need sums: analog"));
    s = (xbtab_scheme){.weights = XBTAB_WEIGHTS_OFFSET_COLUMN, .sums = XBTAB_SUMS_SUBTRACTED};
    assert_int_equal(run(&b, &xbtab_engine_ideal, &s, 1), XBTAB_ERR_UNSUPPORTED);
    assert_non_null(strstr(xbtab_error_message(), "takes pairs of bit lines"));
    end(&b);
}

/* Wires that take a tenth of the voltage and more: trimmed read-outs give most of it back. */
static void trimmed_read_outs_make_up_for_the_wires(void **state)
{
    (void)state;
    sinh_design d = {.rows = 2 * INPUTS,
                     .columns = 64,
                     .n_levels = 2,
                     .dac_bits = 1,
                     .adc_bits = 8,
                     .r_word = 0.5,
                     .r_bit = 2,
                     .V0 = 0.5};
    static const xbtab_weights weights[] = {XBTAB_WEIGHTS_XNOR_PAIR, XBTAB_WEIGHTS_DIFFERENTIAL_COLUMNS,
                                            XBTAB_WEIGHTS_DIFFERENTIAL_ROWS};
    for (int k = 0; k < 3; k++) {
        bench b;
        double error[XBTAB_N_TRIM];
        write_bits(false);
        begin(&b, &d, path, &bits_in, 2, 1);
        for (xbtab_trim t = 0; t < XBTAB_N_TRIM; t++) {
            xbtab_scheme s = {.weights = weights[k], .adc_bits = 12, .range = XBTAB_RANGE_MSE, .trim = t};
            if (run(&b, &xbtab_engine_solve, &s, 2) < 0) fail_msg("%s", xbtab_error_message());
            error[t] = error_of(&b);
        }
        print_message("RMS error %.3f, trimmed by layers %.3f, by columns %.3f\n", error[0], error[1],
                      error[2]);
        assert_true(error[XBTAB_TRIM_COLUMN] < 0.5 * error[XBTAB_TRIM_NONE]);
        assert_true(error[XBTAB_TRIM_COLUMN] <= error[XBTAB_TRIM_LAYER]);
        float *first = calloc(IMAGES * OUTPUTS, sizeof *first);
        assert_non_null(first);
        memcpy(first, b.got, IMAGES * OUTPUTS * sizeof *first);
        xbtab_scheme s = {
            .weights = weights[k], .adc_bits = 12, .range = XBTAB_RANGE_MSE, .trim = XBTAB_TRIM_COLUMN};
        if (run(&b, &xbtab_engine_solve, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        assert_memory_equal(b.got, first, IMAGES * OUTPUTS * sizeof *first); /* whatever the threads */
        /* nothing is there to be trimmed on ideal tiles */
        s.adc_bits = 20;
        s.range = XBTAB_RANGE_FULL;
        if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
        assert_memory_equal(b.got, b.exact, IMAGES * OUTPUTS * sizeof *first);
        free(first);
        end(&b);
    }
}

/* A pair's difference takes one conversion in place of two. */
static void a_pair_subtracted_is_converted_once(void **state)
{
    (void)state;
    bench b;
    sinh_design d = {.rows = INPUTS, .columns = 64, .n_levels = 4, .dac_bits = 2, .adc_bits = 8, .V0 = 0.3};
    static const xbtab_sums sums[] = {XBTAB_SUMS_DIGITAL, XBTAB_SUMS_SUBTRACTED, XBTAB_SUMS_ANALOG};
    uint64_t codes[3];
    write_bits(false);
    begin(&b, &d, path, &bits_in, 6, 6);
    for (int k = 0; k < 3; k++) {
        xbtab_scheme s = {.sums = sums[k], .adc_bits = k == 2 ? 30 : 20, .readout = XBTAB_READOUT_SAR};
        if (run(&b, &xbtab_engine_ideal, &s, 2) < 0) fail_msg("%s", xbtab_error_message());
        assert_memory_equal(b.got, b.exact, IMAGES * OUTPUTS * sizeof *b.got);
        assert_int_equal(b.report.adc_bits_needed, 10);                            /* 3 x 3 x 81 */
        assert_int_equal(b.report.adc_bits_exact, k == 0 ? 10 : k == 1 ? 11 : 14); /* +-; 3 x 31 x 81 */
        codes[k] = b.counts.codes;
    }
    print_message("conversions: %llu digital, %llu subtracted, %llu analog\n", (unsigned long long)codes[0],
                  (unsigned long long)codes[1], (unsigned long long)codes[2]);
    assert_true(codes[1] < 0.6 * (double)codes[0] && codes[2] < codes[1]);
    end(&b);
}

/* ---- published device counts, each by the mapping of the network itself ---- */

static void networks_take_the_published_devices(void **state)
{
    (void)state;
    static const struct {
        const char *preset, *network;
        size_t weights, cells;
    } cases[] = {{"liu_2020", "mlp_784_100_10_ternary", 79400, 158800},
                 {"li_2018", "mlp_64_54_10", 3996, 7992},
                 {"wang_2019", "cnn_8x8", 1015, 2030}};
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_models *models = NULL;
    assert_int_equal(xbtab_models_open(&models, &folder, 1), XBTAB_OK);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        static float pixels[28 * 28];
        char file[4096];
        bench b;
        xbtab_arch *a = NULL;
        snprintf(file, sizeof file, XBARTAB_SOURCE_FOLDER "/data/architectures/%s.yaml", cases[k].preset);
        if (xbtab_arch_open(&a, file, models) < 0) fail_msg("%s", xbtab_error_message());
        sinh_design d = {.rows = (size_t)a->spec->rows,
                         .columns = (size_t)a->spec->columns,
                         .n_levels = (size_t)a->spec->n_levels,
                         .dac_bits = a->spec->dac_bits,
                         .adc_bits = a->spec->adc_bits,
                         .V0 = 0.3};
        xbtab_images one = {.n = 1, .channels = 1, .height = 28, .width = 28, .pixel = pixels};
        draw(pixels, 28 * 28, false, 6);
        for (size_t i = 0; i < 28 * 28; i++) pixels[i] = fabsf(pixels[i]);
        snprintf(file, sizeof file, XBARTAB_SOURCE_FOLDER "/data/networks/%s.onnx", cases[k].network);
        begin(&b, &d, file, &one, a->weight_bits, a->activation_bits);
        b.tables->array.polarity = a->spec->array.polarity;
        if (run(&b, &xbtab_engine_ideal, &a->scheme, 1) < 0) fail_msg("%s", xbtab_error_message());
        assert_int_equal(b.report.weights, cases[k].weights);
        assert_int_equal(b.report.cells, cases[k].cells);
        /* the preset says the same of itself as the run on it */
        assert_int_equal(b.report.adc_bits_needed, xbtab_arch_adc_bits_needed(a));
        end(&b);
        xbtab_arch_destroy(&a);
    }
    xbtab_models_destroy(&models);
}

static void gates(onnx_build *b, const char *sums, const char *sigmoid, const char *tangent)
{
    build_node(b, "Sigmoid", sigmoid, sums, NULL, NULL);
    build_node(b, "Tanh", tangent, sums, NULL, NULL);
}

static void split(onnx_build *b, const char *from, const char *names[4])
{
    static const int64_t axis = 1;
    build_node(b, "Split", names[0], from, NULL, NULL);
    for (int k = 1; k < 4; k++) build_output(b, names[k]);
    build_attribute(b, "axis", 0, &axis, 0, NULL);
}

/* Wang et al., Nature Machine Intelligence 2019: a convolutional LSTM of 5 channels whose 20 gates take 3 x 3
 * of a frame and 2 x 2 x 5 of its own state (29 x 20), and 45 x 6 behind it: 850 weights. Two frames of 8 x
 * 8, one below the other, so that each of its convolutions is asked once a run. */
static void a_convolutional_lstm_has_the_published_weights(void **state)
{
    (void)state;
    static float frames[2 * 16 * 8], W_in[20 * 9], W_state[20 * 5 * 4], W_out[45 * 6];
    static int64_t first[] = {0}, end_of_first[] = {3}, second[] = {4}, end_of_second[] = {7}, rows[] = {2};
    onnx_build m;
    bench b;
    draw(frames, 2 * 16 * 8, false, 7);
    draw(W_in, 20 * 9, false, 8);
    draw(W_state, 20 * 5 * 4, false, 9);
    draw(W_out, 45 * 6, false, 10);
    build_begin(&m, 4, (int64_t[]){1, 1, 16, 8}, "y");
    build_floats(&m, "Wi", 4, (int64_t[]){20, 1, 3, 3}, W_in);
    build_floats(&m, "Ws", 4, (int64_t[]){20, 5, 2, 2}, W_state);
    build_floats(&m, "Wo", 2, (int64_t[]){45, 6}, W_out);
    build_longs(&m, "r0", 1, first);
    build_longs(&m, "r3", 1, end_of_first);
    build_longs(&m, "r4", 1, second);
    build_longs(&m, "r7", 1, end_of_second);
    build_longs(&m, "rows", 1, rows);
    build_node(&m, "Conv", "in", "x", "Wi",
               NULL); /* 7 x 3: rows 0 to 2 are the first frame's, 4 to 6 the other's */
    build_attribute(&m, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
    build_node(&m, "Slice", "in1", "in", "r0", "r3");
    build_input(&m, "rows");
    build_node(&m, "Slice", "in2", "in", "r4", "r7");
    build_input(&m, "rows");
    gates(&m, "in1", "s1", "t1");
    split(&m, "s1", (const char *[]){"i1", "f1", "o1", "u1"});
    split(&m, "t1", (const char *[]){"v1", "w1", "z1", "g1"});
    build_node(&m, "Mul", "c1", "i1", "g1", NULL);
    build_node(&m, "Tanh", "k1", "c1", NULL, NULL);
    build_node(&m, "Mul", "h1", "o1", "k1", NULL);
    build_node(&m, "Conv", "own", "h1", "Ws", NULL);
    build_attribute(&m, "pads", 4, (int64_t[]){0, 0, 1, 1}, 0, NULL);
    build_node(&m, "Add", "sum2", "in2", "own", NULL);
    gates(&m, "sum2", "s2", "t2");
    split(&m, "s2", (const char *[]){"i2", "f2", "o2", "u2"});
    split(&m, "t2", (const char *[]){"v2", "w2", "z2", "g2"});
    build_node(&m, "Mul", "n2", "i2", "g2", NULL);
    build_node(&m, "Mul", "p2", "f2", "c1", NULL);
    build_node(&m, "Add", "c2", "n2", "p2", NULL);
    build_node(&m, "Tanh", "k2", "c2", NULL, NULL);
    build_node(&m, "Mul", "h2", "o2", "k2", NULL);
    build_node(&m, "Flatten", "flat", "h2", NULL, NULL);
    build_node(&m, "MatMul", "y", "flat", "Wo", NULL);
    build_write(&m, path);
    xbtab_images two = {.n = 2, .channels = 1, .height = 16, .width = 8, .pixel = frames};
    sinh_design d = {.rows = 128, .columns = 64, .n_levels = 16, .dac_bits = 4, .adc_bits = 12, .V0 = 0.3};
    begin(&b, &d, path, &two, 5, 4);
    xbtab_scheme s = {.weights = XBTAB_WEIGHTS_DIFFERENTIAL_ROWS, .adc_bits = 24};
    b.tables->array.polarity = XBTAB_POLARITY_ALTERNATING;
    if (run(&b, &xbtab_engine_ideal, &s, 1) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(b.report.weights, 850);
    assert_int_equal(b.report.cells, 1700);
    assert_memory_equal(b.got, b.exact, 2 * 6 * sizeof *b.got);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bit_at_its_own_threshold_loses_nothing),
        cmocka_unit_test(thresholds_need_whole_sums_of_one_bit),
        cmocka_unit_test(trimmed_read_outs_make_up_for_the_wires),
        cmocka_unit_test(a_pair_subtracted_is_converted_once),
        cmocka_unit_test(networks_take_the_published_devices),
        cmocka_unit_test(a_convolutional_lstm_has_the_published_weights),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
