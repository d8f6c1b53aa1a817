/* test_explained_costs.c - points, standard errors and changes that explain tells, against runs made here and
 * the formulas of explain.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "explain_fixture.h"

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
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_are_those_of_the_formulas)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
