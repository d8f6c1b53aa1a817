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

/* With gate inputs a cell has a curve a gate voltage, and without nonlinearity a conductance each. */
static void gates_keep_their_conductances(void **state)
{
    (void)state;
    static const double share[] = {1e-4, 0.37, 0.71, 1.0}; /* of the current, by gate voltage */
    xbtab_tables *t = sinh_tables(&(sinh_design){.rows = 9,
                                                 .columns = 5,
                                                 .n_levels = 3,
                                                 .dac_bits = 2,
                                                 .adc_bits = 7,
                                                 .r_word = 2,
                                                 .r_bit = 3,
                                                 .V0 = 0.2});
    xbtab_cell_data *c = &t->cell;
    const size_t n = c->n_states * c->n_v;
    double *I = calloc(4 * n, sizeof *I);
    t->array.topology = XBTAB_TOPOLOGY_GATE_INPUT;
    t->r_source_line = 4;
    c->n_gates = 4;
    c->V_gate = calloc(4, sizeof *c->V_gate);
    for (size_t k = 0; k < 4 * n; k++) I[k] = share[k / n] * c->I_cell[k % n];
    for (size_t g = 0; g < 4; g++) c->V_gate[g] = (double)g;
    free(c->I_cell);
    c->I_cell = I;
    for (unsigned off = 0; off < 8; off++) {
        const unsigned bits =
            (off & 1 ? BIT(WIRES) : 0) | (off & 2 ? BIT(NONLINEARITY) : 0) | (off & 4 ? BIT(TIA) : 0);
        xbtab_derived *derived = NULL;
        xbtab_technology *technology = NULL;
        if (xbtab_derived_create(&derived, t, bits) < 0) fail_msg("%s", xbtab_error_message());
        const xbtab_cell_data *d = &xbtab_derived_tables(derived)->cell;
        assert_int_equal(d->n_gates, 4);
        for (size_t k = 0; k < 4 * n && off & 2; k++) {
            const double G = share[k / n] * c->G_state[k % n / c->n_v], wanted = G * c->V[k % c->n_v];
            if (fabs(d->I_cell[k] - wanted) > 1e-6 * G)
                fail_msg("%zu: %g A, %g wanted", k, d->I_cell[k], wanted);
        }
        if (xbtab_technology_create(&technology, xbtab_derived_tables(derived)) < 0)
            fail_msg("%s", xbtab_error_message());
        xbtab_tile *tile = NULL;
        double G[9 * 5], y[5];
        const uint8_t code[9] = {3, 1, 0, 2, 2, 3, 1, 3, 0};
        for (size_t k = 0; k < 45; k++) G[k] = t->G_level[(k * 5 + k / 7) % 3];
        assert_int_equal(xbtab_tile_create(&tile, technology, G, 9, 5), XBTAB_OK);
        xbtab_tile_product(tile, code, y);
        for (size_t j = 0; j < 5; j++) { /* Ohm's law where no wire and no amplifier takes any voltage */
            double wanted = 0;
            for (size_t i = 0; i < 9; i++) wanted += share[code[i]] * G[i * 5 + j] * t->v_read;
            if (fabs(y[j] / wanted - 1) > ((off & 5) == 5 ? 1e-5 : 0.2))
                fail_msg("without %u: %g A, %g wanted", off, y[j], wanted);
        }
        xbtab_tile_destroy(&tile);
        xbtab_technology_destroy(&technology);
        xbtab_derived_destroy(&derived);
    }
    xbtab_tables_destroy(&t);
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

/* ---- standard errors ---- */

enum { FEW = 24, CHIPS = 3 };

/* Whether each image is right on each chip, and how far the outputs are from others. */
typedef struct verdict {
    double right[CHIPS][FEW], square, square_of_others;
} verdict;

static void judge(verdict *v, size_t chip, const fixture *f, const float *outputs, const float *others)
{
    for (size_t k = 0; k < FEW; k++)
        v->right[chip][k] = xbtab_argmax(outputs + OUTPUTS * k, OUTPUTS) == (size_t)f->label[k];
    for (size_t k = 0; k < FEW * OUTPUTS; k++) {
        v->square += pow((double)outputs[k] - (double)others[k], 2) / CHIPS;
        v->square_of_others += pow((double)others[k], 2) / CHIPS;
    }
}

/* What is lost from one to the other, by the formula of explain.h written out. */
static xbtab_cost paired(const verdict *better, const verdict *worse, size_t chips)
{
    double mean = 0, images = 0, between = 0;
    xbtab_cost c = {.is_given = 1};
    for (size_t k = 0; k < FEW * chips; k++) {
        mean += (better->right[k / FEW][k % FEW] - worse->right[k / FEW][k % FEW]) / (double)(FEW * chips);
        c.accuracy += worse->right[k / FEW][k % FEW] / (double)(FEW * chips);
    }
    for (size_t k = 0; k < FEW; k++) {
        double d = -mean;
        for (size_t i = 0; i < chips; i++) d += (better->right[i][k] - worse->right[i][k]) / (double)chips;
        images += d * d / (FEW - 1);
    }
    for (size_t i = 0; i < chips; i++) {
        double D = -mean;
        for (size_t k = 0; k < FEW; k++) D += (better->right[i][k] - worse->right[i][k]) / FEW;
        between += chips > 1 ? D * D / (double)(chips - 1) : 0;
    }
    c.points = mean;
    c.error = sqrt(images / FEW + between / (double)chips);
    return c;
}

static void same_cost(const char *what, const xbtab_cost *found, const xbtab_cost *wanted, double change)
{
    if (!found->is_given || fabs(found->points - wanted->points) > 1e-12 ||
        fabs(found->error - wanted->error) > 1e-12 || fabs(found->accuracy - wanted->accuracy) > 1e-12) {
        fail_msg("%s: accuracy %g, %g points +- %g, and %g, %g +- %g by the formula", what, found->accuracy,
                 found->points, found->error, wanted->accuracy, wanted->points, wanted->error);
    }
    if (fabs(found->change / change - 1) > 1e-9)
        fail_msg("%s: outputs off by %g, %g by the formula", what, found->change, change);
}

/* The chips' runs with some effects on, as explain.h says that they are made. */
static void run_with(verdict *v, const fixture *f, const xbtab_population *p, unsigned off,
                     const float *exact)
{
    static float outputs[FEW * OUTPUTS];
    xbtab_derived *derived = NULL;
    xbtab_technology *technology = NULL;
    *v = (verdict){.square = 0};
    assert_int_equal(xbtab_derived_create(&derived, f->tables, off), XBTAB_OK);
    assert_int_equal(xbtab_technology_create(&technology, xbtab_derived_tables(derived)), XBTAB_OK);
    const xbtab_engine_setup setup = {.technology = technology, .refine = -1, .adc_bits = 5};
    for (uint32_t c = 0; c < CHIPS; c++) {
        const xbtab_chip_options o = {.population = p, .seed = 6, .chip = c, .off = off};
        xbtab_map_options map = {.seed = 9, .unrounded = (off & BIT(ADC)) != 0};
        xbtab_chip *chip = NULL;
        xbtab_mapped *mapped = NULL;
        assert_int_equal(xbtab_chip_create(&chip, xbtab_derived_tables(derived), &o), XBTAB_OK);
        xbtab_chip_hook(chip, &map);
        if (xbtab_mapped_create(&mapped, f->quantized, &setup, &xbtab_engine_table, &map) < 0)
            fail_msg("%s", xbtab_error_message());
        assert_int_equal(xbtab_mapped_run(mapped, &f->images, FEW, NULL, outputs, NULL), XBTAB_OK);
        judge(v, c, f, outputs, exact);
        xbtab_mapped_destroy(&mapped);
        xbtab_chip_destroy(&chip);
    }
    xbtab_technology_destroy(&technology);
    xbtab_derived_destroy(&derived);
}

/* Points, their standard errors and how far the outputs go, of the ADC alone (one run), of faults alone and
 * left out (three chips), and of quantization: from runs made here. */
static void figures_are_those_of_the_formulas(void **state)
{
    (void)state;
    static const char faulty[] =
        "name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 20 uS}\ntemperature: 300 K\n"
        "stuck: {stuck_lrs: 4 %, stuck_hrs: 5 %, source: s, trust: assumed}\n";
    const unsigned analog = BIT(WIRES) | BIT(NONLINEARITY) | BIT(TIA);
    static fixture f;
    static float exact[FEW * OUTPUTS], outputs[FEW * OUTPUTS];
    static verdict real, whole, adc, faults, all, without;
    xbtab_population *p = NULL;
    xbtab_mapped *mapped = NULL;
    xbtab_explanation x;
    prepare(&f, SIDE / 2);
    assert_int_equal(xbtab_population_parse(&p, faulty, "test"), XBTAB_OK);
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1, .adc_bits = 5};
    const xbtab_explain_options o = {.chip = {.population = p, .seed = 6},
                                     .n_chips = CHIPS,
                                     .float_outputs = f.real,
                                     .without_layers = 1,
                                     .n_watched = 1,
                                     .map = {.seed = 9}};
    if (xbtab_explain(&x, f.quantized, &setup, &f.images, FEW, &o) < 0) fail_msg("%s", xbtab_error_message());

    assert_int_equal(xbtab_quantized_run(f.quantized, &f.images, FEW, NULL, NULL, NULL, exact), XBTAB_OK);
    for (size_t c = 0; c < CHIPS; c++) {
        judge(&real, c, &f, f.real, exact);
        judge(&whole, c, &f, exact, f.real);
    }
    xbtab_cost wanted = paired(&real, &whole, 1);
    same_cost("quantization", &x.effect[XBTAB_EFFECT_QUANTIZATION].alone, &wanted,
              sqrt(whole.square / whole.square_of_others));

    assert_int_equal(xbtab_mapped_create(&mapped, f.quantized, &setup, &xbtab_engine_ideal, NULL), XBTAB_OK);
    assert_int_equal(xbtab_mapped_run(mapped, &f.images, FEW, NULL, outputs, NULL), XBTAB_OK);
    xbtab_mapped_destroy(&mapped);
    for (size_t c = 0; c < CHIPS; c++) judge(&adc, c, &f, outputs, exact);
    wanted = paired(&whole, &adc, 1);
    assert_true(wanted.error > 0);
    same_cost("adc", &x.effect[XBTAB_EFFECT_ADC].alone, &wanted, sqrt(adc.square / adc.square_of_others));

    run_with(&faults, &f, p, analog | BIT(ADC), exact);
    wanted = paired(&whole, &faults, CHIPS);
    assert_true(wanted.points > 0);
    same_cost("faults", &x.effect[XBTAB_EFFECT_FAULTS].alone, &wanted,
              sqrt(faults.square / faults.square_of_others));

    run_with(&all, &f, p, 0, exact);
    run_with(&without, &f, p, BIT(FAULTS), exact);
    wanted = paired(&without, &all, CHIPS);
    wanted.accuracy += wanted.points; /* that of the run without them */
    same_cost("without faults", &x.effect[XBTAB_EFFECT_FAULTS].left_out, &wanted,
              sqrt(without.square / without.square_of_others));
    double square = 0;
    for (size_t c = 0; c < CHIPS; c++) {
        double accuracy = 0;
        for (size_t k = 0; k < FEW; k++) accuracy += all.right[c][k] / FEW;
        square += pow(accuracy - x.accuracy_all, 2) / (CHIPS - 1);
    }
    assert_true(square > 0 && fabs(x.sigma_all - sqrt(square)) < 1e-12);
    assert_true(fabs(x.change_all / sqrt(all.square / all.square_of_others) - 1) < 1e-9);
    xbtab_explanation_clear(&x);
    xbtab_population_destroy(&p);
    finish(&f);
}

int main(void)
{
    int file = mkstemp(path);
    if (file >= 0) close(file);
    const struct CMUnitTest tests[] = {cmocka_unit_test(technologies_without_an_effect_are_right),
                                       cmocka_unit_test(gates_keep_their_conductances),
                                       cmocka_unit_test(effects_are_told_apart),
                                       cmocka_unit_test(every_effect_changes_the_outputs),
                                       cmocka_unit_test(figures_are_those_of_the_formulas)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
