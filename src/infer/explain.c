/* explain.c - the runs with each effect alone, left out, and alone in one layer, and what they cost. */
#include <xbartab/explain.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>

#include "chip_private.h"
#include "clock.h"
#include "explain_watch.h"
#include "mapping.h"
#include "memory.h"

#define BIT(name) XBTAB_EFFECT_BIT(XBTAB_EFFECT_##name)

enum {
    ANALOG = BIT(WIRES) | BIT(NONLINEARITY) | BIT(TIA),
    OF_DEVICES = BIT(DEVICES) | BIT(PROGRAMMING) | BIT(READ_NOISE) | BIT(DRIFT) | BIT(FAULTS)
};

/* Whether each image is classified rightly, on each chip: right[n_chips][n]; and how far the outputs are from
 * the exact integers'. */
typedef struct verdicts {
    size_t n_chips; /* 1 where no effect depends on the chip */
    uint8_t *right;
    double squares; /* summed over chips, images and outputs */
} verdicts;

typedef struct explainer {
    const xbtab_quantized *quantized;
    const xbtab_engine_setup *setup;
    const xbtab_images *images;
    size_t n;
    const xbtab_explain_options *o;
    size_t n_chips, n_layers;
    xbtab_explained_layer *layer;
    size_t *first_matrix;           /* first_matrix[n_layers + 1] */
    size_t first_run, end_run;      /* matrices in which effects are */
    unsigned present, idle;         /* idle: what the tables do not have */
    float *outputs, *exact_outputs; /* [n][outputs] */
    double exact_squares;           /* summed over images and outputs */
    verdicts exact, all;
    /* progress */
    double began;
    long steps, steps_done;
} explainer;

/* ---- costs ---- */

static void judge(const explainer *e, const float *outputs, uint8_t *right)
{
    size_t n_outputs = xbtab_quantized_outputs(e->quantized);
    for (size_t k = 0; k < e->n; k++) {
        right[k] = xbtab_argmax(outputs + k * n_outputs, n_outputs) == (size_t)e->images->label[k];
    }
}

/* Sum of the squared differences of two runs' outputs; b = NULL: of the outputs themselves. */
static double squares_of(const explainer *e, const float *a, const float *b)
{
    double sum = 0;
    for (size_t k = 0; k < e->n * xbtab_quantized_outputs(e->quantized); k++) {
        double d = (double)a[k] - (b ? (double)b[k] : 0.0);
        sum += d * d;
    }
    return sum;
}

static int right_of(const explainer *e, const verdicts *v, size_t chip, size_t image)
{
    return v->right[(v->n_chips > 1 ? chip : 0) * e->n + image];
}

static double accuracy_of(const explainer *e, const verdicts *v, size_t chip)
{
    size_t right = 0;
    for (size_t k = 0; k < e->n; k++) right += (size_t)right_of(e, v, chip, k);
    return (double)right / (double)e->n;
}

/* What is lost from `better` to `worse`; `told` is the one whose accuracy is told. */
static xbtab_status cost_of(xbtab_cost *cost, const explainer *e, const verdicts *better,
                            const verdicts *worse, const verdicts *told)
{
    size_t chips = better->n_chips > worse->n_chips ? better->n_chips : worse->n_chips;
    double *by_image = xbtab__alloc(e->n, sizeof *by_image), *by_chip = xbtab__alloc(chips, sizeof *by_chip),
           sum = 0;
    if (!by_image || !by_chip) {
        xbtab__free(by_image);
        xbtab__free(by_chip);
        return XBTAB_NOMEM();
    }
    for (size_t c = 0; c < chips; c++) {
        for (size_t k = 0; k < e->n; k++) {
            double d = right_of(e, better, c, k) - right_of(e, worse, c, k);
            by_image[k] += d / (double)chips;
            by_chip[c] += d / (double)e->n;
        }
        sum += accuracy_of(e, told, c);
    }
    *cost = (xbtab_cost){
        .is_given = 1, .accuracy = sum / (double)chips, .points = gsl_stats_mean(by_chip, 1, chips)};
    if (e->exact_squares > 0) cost->change = sqrt(told->squares / (double)told->n_chips / e->exact_squares);
    if (e->n > 1) cost->error = gsl_stats_sd(by_image, 1, e->n) / sqrt((double)e->n);
    if (chips > 1) cost->error = hypot(cost->error, gsl_stats_sd(by_chip, 1, chips) / sqrt((double)chips));
    xbtab__free(by_image);
    xbtab__free(by_chip);
    return XBTAB_OK;
}

/* ---- runs ---- */

static int report(const xbtab_progress *inner, void *payload)
{
    const explainer *e = payload;
    const xbtab_run_options *run = &e->o->map.run;
    double seconds = xbtab__seconds() - e->began;
    xbtab_progress all = {.what = "runs with and without each effect",
                          .done = e->steps_done,
                          .total = e->steps,
                          .seconds = seconds,
                          .seconds_left = -1};
    (void)inner;
    if (e->steps_done > 0)
        all.seconds_left = seconds / (double)e->steps_done * (double)(e->steps - e->steps_done);
    return run->progress ? run->progress(&all, run->payload) : 0;
}

static xbtab_status run_once(explainer *e, const xbtab_mapped *mapped, const xbtab_run_options *run,
                             size_t first_matrix, size_t end_matrix, size_t chip, verdicts *v)
{
    XBTAB_TRY(xbtab__mapped_run_part(mapped, e->images, e->n, run, e->outputs, first_matrix, end_matrix));
    judge(e, e->outputs, v->right + chip * e->n);
    v->squares += squares_of(e, e->outputs, e->exact_outputs);
    e->steps_done++;
    return XBTAB_OK;
}

/* One chip with some effects on: the whole network, and where wanted each layer alone. */
static xbtab_status run_chip(explainer *e, const xbtab_quantized *quantized,
                             const xbtab_technology *technology, unsigned on, size_t number, verdicts *whole,
                             verdicts *layers)
{
    xbtab_status status;
    xbtab_chip *chip = NULL;
    xbtab_mapped *mapped = NULL;
    xbtab_map_options map = e->o->map;
    xbtab_chip_options chip_options = e->o->chip;
    xbtab_engine_setup setup = *e->setup;
    const bool is_ideal = !(on & (ANALOG | OF_DEVICES)); /* only the ADC is left */
    setup.technology = technology;
    chip_options.chip += (uint32_t)number;
    chip_options.off = ~on;
    map.conductances = NULL;
    map.read_noise = NULL;
    map.unrounded = !(on & BIT(ADC));
    map.run.progress = report;
    map.run.payload = e;
    if (chip_options.population && on & OF_DEVICES) {
        XBTAB_TRY_DONE(xbtab_chip_create(&chip, xbtab_technology_tables(technology), &chip_options));
        xbtab_chip_hook(chip, &map);
    }
    XBTAB_TRY_DONE(xbtab_mapped_create(&mapped, quantized, &setup,
                                       is_ideal ? &xbtab_engine_ideal : &xbtab_engine_table, &map));
    XBTAB_TRY_DONE(run_once(e, mapped, &map.run, e->first_run, e->end_run, number, whole));
    for (size_t l = 0; layers && l < e->n_layers; l++) {
        XBTAB_TRY_DONE(
            run_once(e, mapped, &map.run, e->first_matrix[l], e->first_matrix[l + 1], number, &layers[l]));
    }
    if (on == (e->present | e->idle) && quantized == e->quantized && number == 0) {
        status = xbtab__explain_watch(e->layer, e->first_matrix, e->n_layers, mapped, e->images,
                                      e->o->n_watched ? e->o->n_watched : 20);
    }
done:
    xbtab_mapped_destroy(&mapped);
    xbtab_chip_destroy(&chip);
    return status;
}

static xbtab_status verdicts_init(verdicts *v, const explainer *e, size_t n_chips)
{
    v->n_chips = n_chips;
    v->right = xbtab__alloc(n_chips * e->n, 1);
    return v->right ? XBTAB_OK : XBTAB_NOMEM();
}

static void verdicts_clear(verdicts *v)
{
    xbtab__free(v->right);
    *v = (verdicts){0};
}

static size_t chips_of(const explainer *e, unsigned on)
{
    return on & OF_DEVICES ? e->n_chips : 1;
}

/* All chips with some effects on. layers: NULL or [n_layers], empty. */
static xbtab_status run_effects(explainer *e, const xbtab_quantized *quantized, unsigned on, verdicts *whole,
                                verdicts *layers)
{
    xbtab_status status;
    xbtab_derived *derived = NULL;
    xbtab_technology *technology = NULL;
    size_t n_chips = chips_of(e, on);
    XBTAB_TRY_DONE(verdicts_init(whole, e, n_chips));
    for (size_t l = 0; layers && l < e->n_layers; l++) XBTAB_TRY_DONE(verdicts_init(&layers[l], e, n_chips));
    XBTAB_TRY_DONE(
        xbtab_derived_create(&derived, xbtab_technology_tables(e->setup->technology), ~on & e->present));
    XBTAB_TRY_DONE(xbtab_technology_create(&technology, xbtab_derived_tables(derived)));
    for (size_t c = 0; c < n_chips; c++)
        XBTAB_TRY_DONE(run_chip(e, quantized, technology, on, c, whole, layers));
done:
    xbtab_technology_destroy(&technology);
    xbtab_derived_destroy(&derived);
    return status;
}

static bool has_layers(const explainer *e)
{
    return !e->o->without_layers && !e->o->only_layer;
}

static xbtab_status explain_alone(explainer *e, xbtab_effect effect, xbtab_explained_effect *out)
{
    xbtab_status status;
    verdicts whole = {0};
    bool wants_layers = has_layers(e);
    verdicts *layers = wants_layers ? xbtab__alloc(e->n_layers, sizeof *layers) : NULL;
    out->layer = xbtab__alloc(e->n_layers, sizeof *out->layer);
    if (!out->layer || (wants_layers && !layers)) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(run_effects(e, e->quantized, XBTAB_EFFECT_BIT(effect), &whole, layers));
    XBTAB_TRY_DONE(cost_of(&out->alone, e, &e->exact, &whole, &whole));
    for (size_t l = 0; layers && l < e->n_layers; l++) {
        XBTAB_TRY_DONE(cost_of(&out->layer[l], e, &e->exact, &layers[l], &layers[l]));
    }
done:
    for (size_t l = 0; layers && l < e->n_layers; l++) verdicts_clear(&layers[l]);
    xbtab__free(layers);
    verdicts_clear(&whole);
    return status;
}

static xbtab_status explain_left_out(explainer *e, const xbtab_quantized *quantized, unsigned on,
                                     xbtab_cost *out)
{
    verdicts whole = {0};
    xbtab_status status = XBTAB_OK;
    if (on == 0) {
        status = cost_of(out, e, &e->exact, &e->all, &e->exact);
    } else {
        status = run_effects(e, quantized, on | e->idle, &whole, NULL);
        if (status == XBTAB_OK) status = cost_of(out, e, &whole, &e->all, &whole);
    }
    verdicts_clear(&whole);
    return status;
}

/* What is not there costs nothing. */
static xbtab_status explain_idle(explainer *e, xbtab_explained_effect *out)
{
    out->is_present = 1;
    out->layer = xbtab__alloc(e->n_layers, sizeof *out->layer);
    if (!out->layer) return XBTAB_NOMEM();
    XBTAB_TRY(cost_of(&out->alone, e, &e->exact, &e->exact, &e->exact));
    for (size_t l = 0; has_layers(e) && l < e->n_layers; l++) out->layer[l] = out->alone;
    return cost_of(&out->left_out, e, &e->all, &e->all, &e->all);
}

static xbtab_status explain_quantization(explainer *e, xbtab_explained_effect *out)
{
    verdicts real = {0};
    if (!e->o->float_outputs) return XBTAB_OK;
    out->is_present = 1;
    XBTAB_TRY(verdicts_init(&real, e, 1));
    judge(e, e->o->float_outputs, real.right);
    xbtab_status status = cost_of(&out->alone, e, &real, &e->exact, &e->exact);
    const double squares = squares_of(e, e->o->float_outputs, NULL);
    if (squares > 0) out->alone.change = sqrt(squares_of(e, e->exact_outputs, e->o->float_outputs) / squares);
    if (status == XBTAB_OK && e->o->fine)
        status = explain_left_out(e, e->o->fine, e->present, &out->left_out);
    verdicts_clear(&real);
    return status;
}

/* ---- what there is ---- */

static xbtab_status find_layers(explainer *e)
{
    size_t n = xbtab_quantized_matrices(e->quantized);
    e->first_matrix = xbtab__alloc(n + 1, sizeof *e->first_matrix);
    e->layer = xbtab__alloc(n, sizeof *e->layer);
    if (!e->first_matrix || !e->layer) return XBTAB_NOMEM();
    for (size_t m = 0; m < n; m++) { /* the groups of a node are one layer */
        const xbtab_matrix *matrix = xbtab_quantized_matrix(e->quantized, m);
        if (matrix->group > 0) continue;
        e->first_matrix[e->n_layers] = m;
        e->layer[e->n_layers++].name = matrix->name;
    }
    e->first_matrix[e->n_layers] = n;
    return XBTAB_OK;
}

/* Where effects are: everywhere, or in one layer. */
static xbtab_status find_run(explainer *e)
{
    char names[256] = "";
    e->first_run = 0;
    e->end_run = e->first_matrix[e->n_layers];
    if (!e->o->only_layer) return XBTAB_OK;
    for (size_t l = 0; l < e->n_layers; l++) {
        const size_t used = strlen(names);
        if (strcmp(e->layer[l].name, e->o->only_layer) == 0) {
            e->first_run = e->first_matrix[l];
            e->end_run = e->first_matrix[l + 1];
            return XBTAB_OK;
        }
        snprintf(names + used, sizeof names - used, "%s%s", l ? ", " : "", e->layer[l].name);
    }
    XBTAB_FAIL(XBTAB_ERR_INPUT, "no layer is called \"%.60s\"; there are %zu: %s", e->o->only_layer,
               e->n_layers, names);
}

static xbtab_status find_effects(explainer *e)
{
    const xbtab_tables *t = xbtab_technology_tables(e->setup->technology);
    xbtab_chip *chip = NULL;
    e->idle = xbtab_tables_idle_effects(t);
    e->present = (BIT(ADC) | BIT(NONLINEARITY) | BIT(TIA)) & ~e->idle;
    if (t->r_word > 0 || t->r_bit > 0 || t->r_source_line > 0 || t->r_driver > 0 || t->r_sink > 0)
        e->present |= BIT(WIRES);
    if (!e->o->chip.population) return XBTAB_OK;
    xbtab_chip_options o = e->o->chip;
    o.off = 0;
    XBTAB_TRY(xbtab_chip_create(&chip, t, &o));
    e->present |= xbtab__chip_effects(chip);
    xbtab_chip_destroy(&chip);
    return XBTAB_OK;
}

static void count_steps(explainer *e)
{
    size_t layers = has_layers(e) ? e->n_layers : 0;
    e->steps = (long)chips_of(e, e->present);
    for (int k = XBTAB_EFFECT_ADC; k < XBTAB_N_EFFECTS; k++) {
        unsigned bit = XBTAB_EFFECT_BIT(k);
        if (!(e->present & bit)) continue;
        e->steps += (long)(chips_of(e, bit) * (1 + layers));
        if (e->present & ~bit) e->steps += (long)chips_of(e, e->present & ~bit);
    }
    if (e->o->float_outputs && e->o->fine) e->steps += (long)chips_of(e, e->present);
}

static xbtab_status prepare(explainer *e)
{
    xbtab_run_options run = e->o->map.run;
    run.what = "integer";
    e->outputs = xbtab__alloc(e->n * xbtab_quantized_outputs(e->quantized), sizeof *e->outputs);
    e->exact_outputs = xbtab__alloc(e->n * xbtab_quantized_outputs(e->quantized), sizeof *e->exact_outputs);
    if (!e->outputs || !e->exact_outputs) return XBTAB_NOMEM();
    XBTAB_TRY(find_layers(e));
    XBTAB_TRY(find_run(e));
    XBTAB_TRY(find_effects(e));
    count_steps(e);
    XBTAB_TRY(verdicts_init(&e->exact, e, 1));
    XBTAB_TRY(xbtab_quantized_run(e->quantized, e->images, e->n, NULL, NULL, &run, e->exact_outputs));
    judge(e, e->exact_outputs, e->exact.right);
    e->exact_squares = squares_of(e, e->exact_outputs, NULL);
    return XBTAB_OK;
}

static xbtab_status add_up(const explainer *e, xbtab_explanation *x)
{
    xbtab_explained_sum *s = &x->sum;
    xbtab_cost all;
    for (int k = XBTAB_EFFECT_ADC; k < XBTAB_N_EFFECTS; k++) {
        const xbtab_cost *c = &x->effect[k].alone;
        if (!x->effect[k].is_present) continue;
        s->points += c->points;
        s->error = hypot(s->error, c->error);
        s->change += c->change;
    }
    XBTAB_TRY(cost_of(&all, e, &e->exact, &e->all, &e->all));
    s->all_points = all.points;
    s->all_error = all.error;
    /* 1e-12: of what is equal, added up in another order */
    s->adds_up = fabs(s->points - s->all_points) <= 2 * hypot(s->error, s->all_error) + 1e-12 &&
                 x->change_all <= s->change * (1 + 1e-12);
    return XBTAB_OK;
}

static void summarize(const explainer *e, xbtab_explanation *x)
{
    x->images = e->n;
    x->n_chips = e->n_chips;
    x->n_layers = e->n_layers;
    x->accuracy_integer = accuracy_of(e, &e->exact, 0);
    x->accuracy_float = NAN;
    if (e->o->float_outputs)
        x->accuracy_float = x->accuracy_integer + x->effect[XBTAB_EFFECT_QUANTIZATION].alone.points;
    for (size_t c = 0; c < e->all.n_chips; c++)
        x->accuracy_all += accuracy_of(e, &e->all, c) / (double)e->all.n_chips;
    for (size_t c = 0; c < e->all.n_chips && e->all.n_chips > 1; c++) {
        x->sigma_all += pow(accuracy_of(e, &e->all, c) - x->accuracy_all, 2) / (double)(e->all.n_chips - 1);
    }
    x->sigma_all = sqrt(x->sigma_all);
    if (e->exact_squares > 0)
        x->change_all = sqrt(e->all.squares / (double)e->all.n_chips / e->exact_squares);
    for (size_t l = 1; l < e->n_layers; l++) {
        if (x->layer[l].worst_rmse > x->layer[x->worst_layer].worst_rmse) x->worst_layer = l;
    }
}

xbtab_status xbtab_explain(xbtab_explanation *out, const xbtab_quantized *quantized,
                           const xbtab_engine_setup *setup, const xbtab_images *images, size_t n,
                           const xbtab_explain_options *options)
{
    xbtab_status status;
    xbtab_explanation x = {0};
    explainer e = {.quantized = quantized,
                   .setup = setup,
                   .images = images,
                   .n = n,
                   .o = options,
                   .n_chips = options->n_chips ? options->n_chips : 1,
                   .began = xbtab__seconds()};
    XBTAB_TRY_DONE(prepare(&e));
    XBTAB_TRY_DONE(run_effects(&e, quantized, e.present | e.idle, &e.all, NULL));
    for (int k = XBTAB_EFFECT_ADC; k < XBTAB_N_EFFECTS; k++) {
        unsigned bit = XBTAB_EFFECT_BIT(k);
        if (e.idle & bit) XBTAB_TRY_DONE(explain_idle(&e, &x.effect[k]));
        if (!(e.present & bit)) continue;
        x.effect[k].is_present = 1;
        XBTAB_TRY_DONE(explain_alone(&e, (xbtab_effect)k, &x.effect[k]));
        XBTAB_TRY_DONE(explain_left_out(&e, quantized, e.present & ~bit, &x.effect[k].left_out));
    }
    XBTAB_TRY_DONE(explain_quantization(&e, &x.effect[XBTAB_EFFECT_QUANTIZATION]));
    x.layer = e.layer;
    e.layer = NULL;
    summarize(&e, &x);
    XBTAB_TRY_DONE(add_up(&e, &x));
    *out = x;
    x = (xbtab_explanation){0};
done:
    verdicts_clear(&e.exact);
    verdicts_clear(&e.all);
    xbtab__free(e.layer);
    xbtab__free(e.first_matrix);
    xbtab__free(e.outputs);
    xbtab__free(e.exact_outputs);
    xbtab_explanation_clear(&x);
    return status;
}

void xbtab_explanation_clear(xbtab_explanation *x)
{
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) xbtab__free(x->effect[k].layer);
    xbtab__free(x->layer);
    *x = (xbtab_explanation){0};
}
