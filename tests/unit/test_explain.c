/* test_explain.c - technologies without an effect, noise of known size, and what effects cost. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/explain.h>

#include "exact.h"
#include "explain_watch.h"
#include "fit_transfer.h"
#include "memory.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { IMAGES = 60, TILES = 4, VECTORS = 7, SIDE = 64, LAYERS = 2, INPUT = 9, CHANNELS = 3, OUTPUTS = 11 };

static char path[] = "/tmp/xbartab-test-XXXXXX";

#define BIT(name) XBTAB_EFFECT_BIT(XBTAB_EFFECT_##name)

/* Sample tiles, solved exactly. */
static void add_samples(xbtab_tables *t)
{
    size_t cells = t->rows * t->columns, n = (size_t)TILES * VECTORS;
    xbtab_sample_data *s = &t->samples;
    xbtab_technology *technology = NULL;
    xbtab__exact *circuit = NULL;
    xbtab__random random;
    double *G = xbtab__alloc(cells, sizeof *G);
    *s = (xbtab_sample_data){.n_tiles = TILES,
                             .n_vectors = VECTORS,
                             .is_heldout = calloc(TILES, sizeof(int32_t)),
                             .level = calloc(TILES * cells, 1),
                             .code = calloc(n * t->rows, 1),
                             .status = calloc(n, sizeof(int32_t)),
                             .I_out = calloc(n * t->columns, sizeof(double)),
                             .V_out = calloc(n * t->columns, sizeof(double)),
                             .P = calloc(n, sizeof(double))};
    xbtab__random_init(&random, 3, XBTAB__RANDOM_TEST, 0, 0);
    assert_int_equal(xbtab_technology_create(&technology, t), XBTAB_OK);
    assert_int_equal(xbtab__exact_create(&circuit, technology, t->rows, t->columns), XBTAB_OK);
    s->is_heldout[TILES - 1] = 1;
    for (size_t tile = 0; tile < TILES; tile++) {
        for (size_t c = 0; c < cells; c++) {
            s->level[tile * cells + c] = (uint8_t)xbtab__random_below(&random, (uint32_t)t->n_levels);
            G[c] = t->G_level[s->level[tile * cells + c]];
        }
        xbtab__exact_program(circuit, G);
        for (size_t v = tile * VECTORS; v < (tile + 1) * VECTORS; v++) {
            double density = (double)(1 + v % VECTORS) / VECTORS;
            for (size_t i = 0; i < t->rows; i++)
                s->code[v * t->rows + i] = xbtab__random_uniform(&random) < density;
            assert_int_equal(xbtab__exact_solve(circuit, s->code + v * t->rows, s->I_out + v * t->columns),
                             XBTAB_OK);
            s->P[v] = xbtab__exact_power(circuit);
        }
    }
    free(t->transfer.power);
    free(t->transfer.coefficient);
    t->transfer = (xbtab_transfer_data){0};
    assert_int_equal(xbtab__fit_transfer(t), XBTAB_OK);
    xbtab__exact_destroy(&circuit);
    xbtab_technology_destroy(&technology);
    xbtab__free(G);
}

typedef struct fixture {
    float x[IMAGES * CHANNELS * INPUT * INPUT], real[IMAGES * OUTPUTS];
    float W1[14 * CHANNELS * 9], W2[14 * 16 * OUTPUTS];
    int32_t label[IMAGES];
    xbtab_images images;
    xbtab_network *network;
    xbtab_quantized *quantized;
    xbtab_tables *tables;
    xbtab_technology *technology;
} fixture;

/* A convolution and a dense layer of random weights, whose float answers are the labels. */
static void make_network(fixture *f)
{
    onnx_build b;
    xbtab__random random;
    xbtab__random_init(&random, 12, XBTAB__RANDOM_TEST, 0, 0);
    float *all[] = {f->x, f->W1, f->W2};
    size_t n[] = {sizeof f->x, sizeof f->W1, sizeof f->W2};
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < n[k] / sizeof(float); i++)
            all[k][i] = (float)(k ? xbtab__random_normal(&random) : xbtab__random_uniform(&random));
    }
    build_begin(&b, 4, (int64_t[]){1, CHANNELS, INPUT, INPUT}, "y");
    build_floats(&b, "W1", 4, (int64_t[]){14, CHANNELS, 3, 3}, f->W1);
    build_floats(&b, "W2", 2, (int64_t[]){14 * 16, OUTPUTS}, f->W2);
    build_node(&b, "Conv", "c", "x", "W1", NULL);
    build_attribute(&b, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
    build_node(&b, "Relu", "r", "c", NULL, NULL);
    build_node(&b, "Flatten", "f", "r", NULL, NULL);
    build_node(&b, "MatMul", "y", "f", "W2", NULL);
    build_write(&b, path);
    f->images = (xbtab_images){
        .n = IMAGES, .channels = CHANNELS, .height = INPUT, .width = INPUT, .pixel = f->x, .label = f->label};
    if (xbtab_network_open(&f->network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_run(f->network, &f->images, IMAGES, NULL, f->real), XBTAB_OK);
    for (size_t k = 0; k < IMAGES; k++) f->label[k] = (int32_t)xbtab_argmax(f->real + k * OUTPUTS, OUTPUTS);
}

/* Wires that cost a few percent, strongly curved cells, a TIA with an input voltage. */
static void prepare(fixture *f, size_t side)
{
    const xbtab_quantize_options bits = {.weight_bits = 4, .activation_bits = 5};
    *f = (fixture){.tables = sinh_tables(&(sinh_design){.rows = side,
                                                        .columns = side,
                                                        .n_levels = 4,
                                                        .dac_bits = 1,
                                                        .adc_bits = 8,
                                                        .r_word = 2,
                                                        .r_bit = 2,
                                                        .V0 = 0.2})};
    for (size_t k = 0; k < f->tables->tia.n; k++) f->tables->tia.V_in[k] *= 100;
    add_samples(f->tables);
    make_network(f);
    assert_int_equal(xbtab_quantized_create(&f->quantized, f->network, &f->images, &bits), XBTAB_OK);
    assert_int_equal(xbtab_technology_create(&f->technology, f->tables), XBTAB_OK);
}

static void finish(fixture *f)
{
    xbtab_technology_destroy(&f->technology);
    xbtab_tables_destroy(&f->tables);
    xbtab_quantized_destroy(&f->quantized);
    xbtab_network_destroy(&f->network);
}

/* Mean error of a technology's conversions against exact products [steps of the ADC], and of its tables
 * against the exact solution of the same technology [full scale]. */
static void measure(const fixture *f, unsigned off, double *rmse_steps, xbtab_check_report *check)
{
    static const size_t first[] = {0, 1, 2};
    xbtab_derived *derived = NULL;
    xbtab_technology *technology = NULL;
    xbtab_mapped *mapped = NULL;
    xbtab_explained_layer layer[LAYERS] = {{0}};
    if (xbtab_derived_create(&derived, f->tables, off) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_technology_create(&technology, xbtab_derived_tables(derived)), XBTAB_OK);
    const xbtab_engine_setup setup = {.technology = technology};
    assert_int_equal(xbtab_mapped_create(&mapped, f->quantized, &setup, &xbtab_engine_table, NULL), XBTAB_OK);
    assert_int_equal(xbtab__explain_watch(layer, first, LAYERS, mapped, &f->images, 2), XBTAB_OK);
    *rmse_steps = fmax(layer[0].rmse, layer[1].rmse);
    if (xbtab_mapped_check(mapped, &f->images, 6, 1, NULL, NULL, check) < 0)
        fail_msg("%s", xbtab_error_message());
    for (int l = 0; l < LAYERS; l++)
        assert_true(layer[l].worst_rmse >= layer[l].rmse && layer[l].clipped == 0);
    xbtab_mapped_destroy(&mapped);
    xbtab_technology_destroy(&technology);
    xbtab_derived_destroy(&derived);
}

/* Without wires, curves and amplifier a current is sum G V; with one of them it is what the exact solution of
 * such a circuit says, and farther from sum G V. */
static void technologies_without_an_effect_are_right(void **state)
{
    (void)state;
    static const unsigned all = BIT(WIRES) | BIT(NONLINEARITY) | BIT(TIA);
    static const unsigned kept[] = {BIT(WIRES), BIT(TIA), BIT(WIRES) | BIT(NONLINEARITY) | BIT(TIA)};
    fixture f;
    double none, with;
    xbtab_check_report check;
    prepare(&f, SIDE);
    measure(&f, all, &none, &check);
    assert_true(none < 0.01); /* the kernel's 16 bits */
    assert_true(check.max < 1e-6);
    for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
        measure(&f, all & ~kept[k], &with, &check);
        if (!(with > 10 * none)) fail_msg("case %zu: %g steps, %g without anything", k, with, none);
        if (!(check.rmse < 3e-4))
            fail_msg("case %zu: %g of full scale from the exact solution", k, check.rmse);
    }
    /* curved cells on an ideal array are exact at the one voltage that they see */
    measure(&f, all & ~BIT(NONLINEARITY), &with, &check);
    assert_true(with < 0.01 && check.max < 1e-6);
    finish(&f);
}

static double share_right(const fixture *f, const float *outputs)
{
    double right = 0;
    for (size_t k = 0; k < IMAGES; k++)
        right += xbtab_argmax(outputs + OUTPUTS * k, OUTPUTS) == (size_t)f->label[k];
    return right / IMAGES;
}

static const char sheet[] =
    "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 20 uS}\ntemperature: 300 K\n"
    "programming: {family: normal, sigma: {value: 0.3 uS}, source: s, trust: assumed}\n"
    "read_noise: {sigma: {value: 0.2 uS}, source: s, trust: assumed}\n"
    "stuck: {stuck_lrs: 25 %, stuck_hrs: 5 %, source: s, trust: assumed}\n";

static void effects_are_told_apart(void **state)
{
    (void)state;
    fixture f;
    float integer[IMAGES * OUTPUTS];
    xbtab_population *p = NULL;
    xbtab_explanation x, y;
    prepare(&f, SIDE);
    assert_int_equal(xbtab_population_parse(&p, sheet, "test"), XBTAB_OK);
    assert_int_equal(xbtab_quantized_run(f.quantized, &f.images, IMAGES, NULL, NULL, NULL, integer),
                     XBTAB_OK);
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = 6};
    xbtab_explain_options o = {.chip = {.population = p, .seed = 6},
                               .n_chips = 2,
                               .float_outputs = f.real,
                               .map = {.run = {.threads = 1}, .seed = 9},
                               .n_watched = 2};
    if (xbtab_explain(&x, f.quantized, &setup, &f.images, IMAGES, &o) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_true(x.n_layers == LAYERS && x.images == IMAGES);
    assert_true(fabs(x.accuracy_float - share_right(&f, f.real)) < 1e-12);
    assert_true(fabs(x.accuracy_integer - share_right(&f, integer)) < 1e-12);
    const xbtab_explained_effect *faults = &x.effect[XBTAB_EFFECT_FAULTS];
    assert_true(faults->is_present && faults->alone.points > 4 * faults->alone.error &&
                faults->alone.error > 0);
    assert_true(faults->left_out.points > 4 * faults->left_out.error);
    assert_true(faults->left_out.accuracy - faults->left_out.points == x.accuracy_all ||
                fabs(faults->left_out.accuracy - faults->left_out.points - x.accuracy_all) < 1e-12);
    assert_true(!x.effect[XBTAB_EFFECT_DRIFT].is_present && !x.effect[XBTAB_EFFECT_DEVICES].is_present);
    for (int l = 0; l < LAYERS; l++) assert_true(faults->layer[l].points <= faults->alone.points + 0.2);

    /* all effects on: the plain run on that chip, bit for bit; and the same for other threads */
    xbtab_chips_options chips = {.chip = o.chip, .n_chips = 2, .map = o.map};
    xbtab_chips_report r;
    assert_int_equal(xbtab_chips_run(&r, f.quantized, &setup, &xbtab_engine_table, &f.images, IMAGES, &chips),
                     XBTAB_OK);
    assert_true(xbtab_chips_summarize(&r, 0).mean == x.accuracy_all);
    xbtab_chips_report_clear(&r);
    o.map.run.threads = 3;
    o.without_layers = 1;
    if (xbtab_explain(&y, f.quantized, &setup, &f.images, IMAGES, &o) < 0)
        fail_msg("%s", xbtab_error_message());
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) {
        assert_memory_equal(&x.effect[k].alone, &y.effect[k].alone, sizeof x.effect[k].alone);
        assert_memory_equal(&x.effect[k].left_out, &y.effect[k].left_out, sizeof x.effect[k].left_out);
    }
    for (int l = 0; l < LAYERS; l++) assert_true(x.layer[l].rmse == y.layer[l].rmse);
    xbtab_explanation_clear(&x);
    xbtab_explanation_clear(&y);
    xbtab_population_destroy(&p);
    finish(&f);
}

/* One effect alone: how far the outputs go, by the effect's strength in a sheet. */
static void explain_with(const fixture *f, xbtab_explanation *x, const char *format, double strength)
{
    char text[1024];
    xbtab_population *p = NULL;
    snprintf(text, sizeof text,
             "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 20 uS}\ntemperature: 300 K\n");
    snprintf(text + strlen(text), sizeof text - strlen(text), format, strength, strength, strength, strength,
             strength);
    if (xbtab_population_parse(&p, text, "test") < 0) fail_msg("%s", xbtab_error_message());
    const xbtab_engine_setup setup = {.technology = f->technology, .refine = -1, .adc_bits = 6};
    const xbtab_explain_options o = {
        .chip = {.population = p, .seed = 6, .time = 86400, .writing = XBTAB_WRITING_DIRECT},
        .float_outputs = f->real,
        .without_layers = 1,
        .n_watched = 1,
        .map = {.seed = 9}};
    if (xbtab_explain(x, f->quantized, &setup, &f->images, 6, &o) < 0) fail_msg("%s", xbtab_error_message());
    xbtab_population_destroy(&p);
}

/* Every effect changes the outputs, those of devices in step with their strength. Curved cells do so where
 * wires lower their voltage: alone, at the one voltage that they then see, they are exact. */
static void every_effect_changes_the_outputs(void **state)
{
    (void)state;
    static const char sheets[] =
        "device_to_device: {family: lognormal, sigma: {value: %g}, source: s, trust: assumed}\n"
        "cycle_to_cycle: {family: normal, scale: relative, sigma: {value: %g}, source: s, trust: assumed}\n"
        "read_noise: {scale: relative, sigma: {value: %g}, source: s, trust: assumed}\n"
        "relaxation: {law: power, t0: 1 s, nu_mean: {value: %g}, source: s, trust: assumed}\n"
        "stuck: {stuck_lrs: %g, stuck_hrs: 0, g_lrs: 20 uS, source: s, trust: assumed}\n";
    fixture f;
    xbtab_explanation weak, strong;
    prepare(&f, SIDE / 2);
    explain_with(&f, &weak, sheets, 0.01);
    explain_with(&f, &strong, sheets, 0.02);
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) {
        const xbtab_explained_effect *e = &strong.effect[k];
        double b = weak.effect[k].alone.change, c = e->alone.change;
        assert_true(e->is_present);
        if (k == XBTAB_EFFECT_NONLINEARITY) {
            assert_true(c < 1e-3 && fabs(e->left_out.change - strong.change_all) > 1e-3 * strong.change_all);
        } else if (!(c > 2e-3) || (k < XBTAB_EFFECT_DEVICES ? c != b : !(c > 1.3 * b && c < 3 * b))) {
            fail_msg("%s: outputs off by %g, and by %g at half the strength",
                     xbtab_effect_word((xbtab_effect)k), c, b);
        }
    }
    assert_true(strong.change_all > weak.change_all);
    xbtab_explanation_clear(&weak);
    xbtab_explanation_clear(&strong);
    finish(&f);
}

int main(void)
{
    int file = mkstemp(path);
    if (file >= 0) close(file);
    const struct CMUnitTest tests[] = {cmocka_unit_test(technologies_without_an_effect_are_right),
                                       cmocka_unit_test(effects_are_told_apart),
                                       cmocka_unit_test(every_effect_changes_the_outputs)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
