/* test_explain.c - technologies without an effect, noise of known size, and what effects cost. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain_fixture.h"
#include "explain_watch.h"

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
    for (int l = 0; l < LAYERS;
         l++) { /* about, on integers: rounding of what is spread over many steps: 1/sqrt(12) of one */
        print_message("layer %d: off by %.4f steps, rounding adds %.4f\n", l, layer[l].rmse,
                      layer[l].adc_rmse);
        assert_true(fabs(layer[l].adc_rmse * sqrt(12.0) - 1) < 0.15);
    }
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

/* The sum of what is told, and the whole from the accuracies. */
static void check_sum(const xbtab_explanation *x)
{
    double points = 0, squares = 0, change = 0;
    for (int k = XBTAB_EFFECT_ADC; k < XBTAB_N_EFFECTS; k++) {
        if (!x->effect[k].is_present) continue;
        points += x->effect[k].alone.points;
        change += x->effect[k].alone.change;
        squares += pow(x->effect[k].alone.error, 2);
    }
    const xbtab_explained_sum *s = &x->sum;
    print_message("alone %.4f +- %.4f, together %.4f +- %.4f\n", s->points, s->error, s->all_points,
                  s->all_error);
    assert_true(fabs(s->points - points) < 1e-12 && fabs(s->error - sqrt(squares)) < 1e-12);
    assert_true(fabs(s->all_points - (x->accuracy_integer - x->accuracy_all)) < 1e-12);
    const double apart = fabs(points - s->all_points), error = sqrt(squares + s->all_error * s->all_error);
    assert_true(fabs(s->change - change) < 1e-12);
    assert_int_equal(s->adds_up, apart <= 2 * error && x->change_all <= change);
}

/* Effects in one layer by name are what they are there in the runs layer by layer; and other names are told. */
static void check_only_layer(const fixture *f, const xbtab_engine_setup *setup,
                             const xbtab_explain_options *o, const xbtab_explanation *x)
{
    xbtab_explain_options one = *o;
    xbtab_explanation y;
    one.without_layers = 0;
    const size_t last = LAYERS - 1;
    one.only_layer = x->layer[last].name;
    if (xbtab_explain(&y, f->quantized, setup, &f->images, IMAGES, &one) < 0)
        fail_msg("%s", xbtab_error_message());
    for (int k = XBTAB_EFFECT_ADC; k < XBTAB_N_EFFECTS; k++) {
        if (!x->effect[k].is_present) continue;
        assert_memory_equal(&x->effect[k].layer[last], &y.effect[k].alone, sizeof y.effect[k].alone);
    }
    xbtab_explanation_clear(&y);
    one.only_layer = "nowhere";
    assert_int_equal(xbtab_explain(&y, f->quantized, setup, &f->images, IMAGES, &one), XBTAB_ERR_INPUT);
    assert_non_null(strstr(xbtab_error_message(), x->layer[0].name));
}

/* Linear cells and an ideal amplifier cost nothing, with no error; curved cells and a real one are told. */
static void what_is_absent_costs_nothing(void **state)
{
    (void)state;
    fixture f;
    xbtab_explanation x;
    prepare(&f, SIDE / 2);
    assert_int_equal(xbtab_tables_idle_effects(f.tables), 0);
    for (size_t k = 0; k < f.tables->tia.n; k++) f.tables->tia.V_in[k] = 0;
    assert_int_equal(xbtab_tables_idle_effects(f.tables), BIT(TIA));
    const xbtab_cell_data *c = &f.tables->cell;
    for (size_t k = 0; k < c->n_states * c->n_bit; k++) {
        for (size_t v = 0; v < c->n_v; v++) c->I_cell[k * c->n_v + v] = c->G_state[k / c->n_bit] * c->V[v];
    }
    assert_int_equal(xbtab_tables_idle_effects(f.tables), BIT(TIA) | BIT(NONLINEARITY));
    f.tables->tia.V_out[f.tables->tia.n / 4] *= 1.001;
    assert_int_equal(xbtab_tables_idle_effects(f.tables), BIT(NONLINEARITY));
    f.tables->tia.V_out[f.tables->tia.n / 4] /= 1.001;
    xbtab_technology_destroy(&f.technology);
    assert_int_equal(xbtab_technology_create(&f.technology, f.tables), XBTAB_OK);
    const xbtab_engine_setup setup = {.technology = f.technology, .refine = -1, .adc_bits = 6};
    const xbtab_explain_options o = {.n_watched = 1};
    if (xbtab_explain(&x, f.quantized, &setup, &f.images, 6, &o) < 0) fail_msg("%s", xbtab_error_message());
    for (int k = XBTAB_EFFECT_NONLINEARITY; k <= XBTAB_EFFECT_TIA; k++) {
        const xbtab_explained_effect *e = &x.effect[k];
        assert_true(e->is_present && e->alone.is_given && e->left_out.is_given);
        assert_true(e->alone.points == 0 && e->alone.error == 0 && e->alone.change == 0);
        assert_true(e->left_out.points == 0 && e->left_out.change == x.change_all);
        for (int l = 0; l < LAYERS; l++) assert_true(e->layer[l].points == 0 && e->layer[l].change == 0);
    }
    assert_true(x.effect[XBTAB_EFFECT_WIRES].alone.change > 1e-3);
    xbtab_explanation_clear(&x);
    finish(&f);
}

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
    check_sum(&x);
    check_only_layer(&f, &setup, &o, &x);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(technologies_without_an_effect_are_right),
        cmocka_unit_test(gates_keep_their_conductances), cmocka_unit_test(effects_are_told_apart),
        cmocka_unit_test(every_effect_changes_the_outputs), cmocka_unit_test(what_is_absent_costs_nothing)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
