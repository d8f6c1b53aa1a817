/* test_scheme.c - schemes: every way to hold weights and drive inputs gives the exact integers on ideal tiles
 * with a wide ADC, and read-outs do what their words say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/infer.h>

#include "mapping.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { IMAGES = 3, SIDE = 7, CHANNELS = 4, OUTPUTS = 9, HIDDEN = 8 * 9 };

static char path[] = "/tmp/xbartab-test-XXXXXX";

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

/* A convolution in `groups` groups and a dense layer behind it; images of both signs, so that zero is a code.
 */
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
    xbtab_map_options options = {
        .run = {.threads = threads}, .scheme = scheme, .seed = 5, .calibration = &b->images};
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

static void every_scheme_gives_the_exact_integers(void **state)
{
    (void)state;
    static const xbtab_readout uniform[] = {XBTAB_READOUT_SAR, XBTAB_READOUT_FLASH, XBTAB_READOUT_RAMP,
                                            XBTAB_READOUT_INTEGRATE_AND_FIRE};
    int n[XBTAB_N_WEIGHTS] = {0};
    for (uint32_t trial = 0; trial < 160; trial++) {
        xbtab__random random;
        char text[400];
        bench b;
        xbtab__random_init(&random, 12, XBTAB__RANDOM_TEST, trial, 1);
#define BELOW(k) ((int)xbtab__random_below(&random, (uint32_t)(k)))
        xbtab_scheme s = {.weights = (xbtab_weights)(trial % XBTAB_N_WEIGHTS)};
        kind k = s.weights == XBTAB_WEIGHTS_XNOR_PAIR ? BINARY : (kind)BELOW(N_KINDS);
        int weight_bits = k == REAL ? 2 + BELOW(7) : 2, activation_bits = 1 + BELOW(9),
            level_bits = 1 + BELOW(4);
        sinh_design d = {.rows = 10 + (size_t)BELOW(60),
                         .columns = 20 + (size_t)BELOW(60),
                         .n_levels = (size_t)1 << level_bits,
                         .dac_bits = 1 << BELOW(3),
                         .adc_bits = 8,
                         .V0 = 0.4};
        s.cell_bits = BELOW(level_bits + 1);
        s.rows_active = BELOW(3) == 0 ? 1 + BELOW((int)d.rows) : 0;
        s.inputs = (xbtab_inputs)BELOW(XBTAB_N_INPUTS);
        s.signed_inputs = (xbtab_signed)BELOW(XBTAB_N_SIGNED);
        s.readout = uniform[BELOW(4)];
        s.sums = BELOW(3) == 0 ? XBTAB_SUMS_ANALOG : XBTAB_SUMS_DIGITAL;
        s.adc_bits = 20;
        /* an output's whole range, all input slices */
        if (s.sums == XBTAB_SUMS_ANALOG || s.inputs == XBTAB_INPUTS_AMPLITUDE ||
            s.inputs == XBTAB_INPUTS_PULSE_COUNT || s.inputs == XBTAB_INPUTS_SPIKES)
            s.adc_bits = 40;
        begin(&b, &d, k, (int64_t)1 << BELOW(3), weight_bits, activation_bits, trial);
#undef BELOW
        describe(text, sizeof text, &d, &s, weight_bits, activation_bits);
        xbtab_status status = run(&b, &xbtab_engine_ideal, &s, 1 + (int)(trial % 3));
        if (status == XBTAB_ERR_UNSUPPORTED && (strstr(xbtab_error_message(), "columns an output") ||
                                                strstr(xbtab_error_message(), "16 bits"))) {
            end(&b); /* too narrow a tile, or too many bits */
            continue;
        }
        if (status < 0) fail_msg("%s: %s", text, xbtab_error_message());
        for (size_t o = 0; o < IMAGES * OUTPUTS; o++) {
            if (b.got[o] != b.exact[o]) /* the same bits */
                fail_msg("%s: output %zu is %.9g, not %.9g", text, o, (double)b.got[o], (double)b.exact[o]);
        }
        assert_true(b.report.utilisation > 0 && b.report.utilisation <= 1);
        n[s.weights]++;
        end(&b);
    }
    for (int w = 0; w < XBTAB_N_WEIGHTS; w++) {
        print_message("%s: %d\n", xbtab_scheme_word(XBTAB_KEY_WEIGHTS, w), n[w]);
        assert_true(n[w] >= 10);
    }
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_gives_the_exact_integers),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
