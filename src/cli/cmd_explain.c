/* cmd_explain.c - explain NETWORK.onnx --tables T.h5|--arch NAME --images F: which effect costs how many
 * points. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <xbartab/study.h>

#include "chip_options.h"
#include "cli.h"
#include "explain_plot.h"
#include "input_shapes.h"
#include "plot.h"
#include "quantizing.h"
#include "scheme_options.h"

typedef struct explain_options {
    char *tables, *images, *labels, *calibration_images, *plot, *arch, *cache, *models, *only_layer;
    int limit, threads, calibrate, raw_pixels, adc_bits, refine, without_layers, as_json;
    uint64_t seed;
    cli_input_shapes shapes;
    cli_quantizing quantizing;
    xbtab_quantize_options bits; /* of them */
    cli_scheme scheme;
    cli_chips chips;
} explain_options;

/* Everything a run holds. */
typedef struct explain_run {
    explain_options o;
    xbtab_study *study;
    xbtab_explanation x;
} explain_run;

static int explain(explain_run *r, const char *network)
{
    const explain_options *o = &r->o;
    xbtab_study_options options = {.network = network,
                                   .arch = o->arch,
                                   .tables = o->tables,
                                   .images = o->images,
                                   .labels = o->labels,
                                   .calibration_images = o->calibration_images,
                                   .models = o->models,
                                   .cache = o->cache,
                                   .input_shape = o->shapes.shape,
                                   .n_input_shapes = o->shapes.n,
                                   .limit = (size_t)o->limit,
                                   .calibrate = (size_t)o->calibrate,
                                   .raw_pixels = o->raw_pixels,
                                   .refine = o->refine ? o->refine : -1,
                                   .adc_bits = o->adc_bits,
                                   .threads = o->threads,
                                   .seed = o->seed,
                                   .without_layers = o->without_layers,
                                   .only_layer = o->only_layer,
                                   .progress = cli_progress,
                                   .note = cli_note};
    cli_quantizing_give(&o->quantizing, &o->bits, &options);
    cli_scheme_give(&o->scheme, &options);
    cli_chips_give(&o->chips, o->seed, &options);
    cli_catch_interrupt();
    int code = cli_open_study(&r->study, &options, "explain");
    if (code != CLI_DONE) return code;
    cli_warn_of_input(xbtab_study_network(r->study), xbtab_study_images(r->study), o->raw_pixels);
    return xbtab_study_explain(r->study, &r->x) < 0 ? cli_failed() : CLI_DONE;
}

/* ---- results ---- */

static void print_cost(const xbtab_cost *c)
{
    if (c->is_given) {
        printf("  %6.2f %% %+7.2f +- %5.2f %8.3f %%", 100 * c->accuracy, 0.0 + 100 * c->points,
               100 * c->error, 100 * c->change);
    } else {
        printf("  %35s", "-");
    }
}

/* A column a layer: points, or how far the outputs move. */
static void print_layers(const xbtab_explanation *x, const char *what, bool is_change)
{
    printf("\n%s:\n%-18s", what, "");
    for (size_t l = 0; l < x->n_layers; l++) printf(" %15.15s", x->layer[l].name);
    printf("\n");
    for (int k = XBTAB_EFFECT_ADC; k < XBTAB_N_EFFECTS; k++) {
        if (!x->effect[k].is_present) continue;
        printf("%-18s", xbtab_effect_word((xbtab_effect)k));
        for (size_t l = 0; l < x->n_layers; l++) {
            const xbtab_cost *c = &x->effect[k].layer[l];
            if (is_change) {
                printf(" %13.3f %%", 100 * c->change);
            } else {
                printf(" %+6.2f +- %5.2f", 100 * c->points, 100 * c->error);
            }
        }
        printf("\n");
    }
}

static void print_sum(const xbtab_explanation *x)
{
    const xbtab_explained_sum *s = &x->sum;
    printf("\nthe tiles' effects alone cost %+.2f +- %.2f points in sum (outputs %.3f %% at the most), all "
           "together "
           "%+.2f +- %.2f (%.3f %%)%s\n",
           0.0 + 100 * s->points, 100 * s->error, 100 * s->change, 0.0 + 100 * s->all_points,
           100 * s->all_error, 100 * x->change_all,
           s->adds_up ? "" : ": the parts do not add up to the whole, effects act on each other");
}

static void print_text(const explain_run *r)
{
    const xbtab_explanation *x = &r->x;
    const xbtab_explained_layer *worst = &x->layer[x->worst_layer];
    printf("accuracy on %zu images: float %.2f %%, exact integers %.2f %%, all effects %.2f %%", x->images,
           100 * x->accuracy_float, 100 * x->accuracy_integer, 100 * x->accuracy_all);
    if (x->n_chips > 1) printf(" (%zu chips, spread %.2f)", x->n_chips, 100 * x->sigma_all);
    printf(", outputs off by %.3f %%", 100 * x->change_all);
    printf("\n\n%-18s  %35s  %35s\n", "effect", "alone: accuracy, points, outputs", "left out: the same");
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) {
        if (!x->effect[k].is_present) continue;
        printf("%-18s", xbtab_effect_word((xbtab_effect)k));
        print_cost(&x->effect[k].alone);
        print_cost(&x->effect[k].left_out);
        printf("  %s\n", xbtab_effect_text((xbtab_effect)k));
    }
    print_sum(x);
    printf("points: lost to the effect, from exact integers on and, left out, from the run without it on "
           "(below 0: "
           "won); +- standard error of the paired difference\noutputs: how far they are from the exact "
           "integers', "
           "root mean square\n");
    printf("\n%-24s %6s %9s %10s %10s %18s\n", "layer", "tiles", "clipped", "error", "by ADC", "worst tile");
    for (size_t l = 0; l < x->n_layers; l++) {
        const xbtab_explained_layer *y = &x->layer[l];
        printf("%-24s %6zu %8.4f%% %6.3f LSB %6.3f LSB %8.3f LSB (%zu)\n", y->name, y->tiles,
               100 * y->clipped, y->rmse, y->adc_rmse, y->worst_rmse, y->worst);
    }
    printf("worst tile of all: %zu of %s, conversions off their exact product's by %.3f LSB (rms)\n",
           worst->worst, worst->name, worst->worst_rmse);
    if (r->o.without_layers || r->o.only_layer) return;
    print_layers(x, "points lost by an effect in one layer alone", false);
    print_layers(x, "outputs moved by it", true);
}

static json_t *cost_json(const xbtab_cost *c)
{
    return c->is_given ? json_pack("{s:f, s:f, s:f, s:f}", "accuracy", c->accuracy, "points", c->points,
                                   "error", c->error, "output_change", c->change)
                       : json_null();
}

static int print_json(const explain_run *r)
{
    const xbtab_explanation *x = &r->x;
    const xbtab_explained_layer *worst = &x->layer[x->worst_layer];
    json_t *effects = json_object(), *layers = json_array();
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) {
        const xbtab_explained_effect *e = &x->effect[k];
        if (!e->is_present) continue;
        json_t *by_layer = json_array();
        for (size_t l = 0; e->layer && !r->o.without_layers && !r->o.only_layer && l < x->n_layers; l++)
            json_array_append_new(by_layer, cost_json(&e->layer[l]));
        json_object_set_new(effects, xbtab_effect_word((xbtab_effect)k),
                            json_pack("{s:o, s:o, s:o}", "alone", cost_json(&e->alone), "left_out",
                                      cost_json(&e->left_out), "layers", by_layer));
    }
    for (size_t l = 0; l < x->n_layers; l++) {
        const xbtab_explained_layer *y = &x->layer[l];
        json_array_append_new(layers,
                              json_pack("{s:s, s:I, s:f, s:f, s:f, s:I, s:f}", "name", y->name, "tiles",
                                        (json_int_t)y->tiles, "clipped", y->clipped, "rmse_codes", y->rmse,
                                        "adc_rmse_codes", y->adc_rmse, "worst_tile", (json_int_t)y->worst,
                                        "worst_rmse_codes", y->worst_rmse));
    }
    const xbtab_explained_sum *s = &x->sum;
    json_t *result = json_pack("{s:I, s:I, s:{s:f, s:f, s:f, s:f, s:f}, s:o, s:o, s:{s:s, s:I, s:f}}",
                               "images", (json_int_t)x->images, "chips", (json_int_t)x->n_chips, "accuracy",
                               "float", x->accuracy_float, "integer", x->accuracy_integer, "all",
                               x->accuracy_all, "all_sigma", x->sigma_all, "output_change", x->change_all,
                               "effects", effects, "layers", layers, "worst_tile", "layer", worst->name,
                               "tile", (json_int_t)worst->worst, "rmse_codes", worst->worst_rmse);
    json_object_set_new(result, "sum",
                        json_pack("{s:f, s:f, s:f, s:f, s:f, s:b}", "points", s->points, "error", s->error,
                                  "all_points", s->all_points, "all_error", s->all_error, "output_change",
                                  s->change, "adds_up", s->adds_up));
    if (r->o.only_layer) json_object_set_new(result, "only_layer", json_string(r->o.only_layer));
    return cli_print_json(result);
}

static int check_options(explain_options *o)
{
    if (!o->images || (!o->tables && !o->arch))
        return cli_usage("explain", "%s is missing", o->images ? "--tables" : "--images");
    if (cli_chips_asked(&o->chips) && o->chips.time_texts && o->chips.time_texts[0] && o->chips.time_texts[1])
        return cli_usage("explain", "one --time at a time");
    return cli_quantizing_take(&o->quantizing, "explain", &o->bits);
}

int cmd_explain(int argc, const char **argv)
{
    explain_run r = {.o = {.refine = 20}};
    explain_options *o = &r.o;
    const char *arguments[2];
    const struct poptOption options[] = {
        {"tables", '\0', POPT_ARG_STRING, &o->tables, 0, "table file of the tile", "T.h5"},
        {"arch", '\0', POPT_ARG_STRING, &o->arch, 0, "an architecture's tile, scheme and bits",
         "NAME|FILE.yaml"},
        {"cache", '\0', POPT_ARG_STRING, &o->cache, 0,
         "folder of the tables that --arch makes once (~/.cache/xbartab)", "DIR"},
        {"models", '\0', POPT_ARG_STRING, &o->models, 0, "for --arch: the user's own models too", "DIR"},
        {"images", '\0', POPT_ARG_STRING, &o->images, 0, "IDX, CIFAR binary (both plain or gzip) or .npy",
         "F"},
        {"labels", '\0', POPT_ARG_STRING, &o->labels, 0, "IDX, .npy, or one integer a line", "F"},
        CLI_WHOLE("limit", '\0', &o->limit, 0, INT_MAX, "run no more than so many images", "N"),
        {"without-layers", '\0', POPT_ARG_NONE, &o->without_layers, 0, "leave out the runs of single layers",
         NULL},
        {"only-layer", '\0', POPT_ARG_STRING, &o->only_layer, 0,
         "put effects into this layer, all others are exact", "NAME"},
        {"plot", '\0', POPT_ARG_STRING, &o->plot, 0, "draw a picture with gnuplot: .svg or .png", "FILE"},
        CLI_WHOLE("refine", '\0', &o->refine, 0, 10000, "exact solutions to refine a tile with (20)", "N"),
        CLI_WHOLE("calibrate", '\0', &o->calibrate, 0, INT_MAX,
                  "images that set ranges, whatever --limit (100)", "N"),
        {"calibration-images", '\0', POPT_ARG_STRING, &o->calibration_images, 0,
         "take them from this file, not the first of --images", "F"},
        {"raw-pixels", '\0', POPT_ARG_NONE, &o->raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
        CLI_INPUT_SHAPE(o->shapes),
        CLI_QUANTIZING(o->quantizing),
        CLI_WHOLE("adc-bits", '\0', &o->adc_bits, 1, XBTAB_KERNEL_MOST_ADC_BITS,
                  "another ADC than the tables'", "N"),
        CLI_WHOLE("threads", '\0', &o->threads, 0, 1024, "threads (one a core)", "N"),
        CLI_SEED("seed", &o->seed, NULL, "of simulated chips (0)"),
        CLI_SCHEME_OPTIONS(&o->scheme),
        CLI_CHIP_OPTIONS(&o->chips),
        {"json", '\0', POPT_ARG_NONE, &o->as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code = cli_parse(&context, argc, argv, options,
                         "NETWORK.onnx (--tables T.h5 | --arch NAME) --images F [--labels F]",
                         "xbartab explain data/networks/digits.onnx --tables default.h5 "
                         "--images data/digits/test-images.idx.gz --labels data/digits/test-labels.idx.gz "
                         "--limit 200 --population hfox_verified --scale-population --time 1d",
                         1, 1, arguments);
    if (code == CLI_DONE) code = check_options(o);
    if (code == CLI_DONE) code = cli_input_shapes_take(&o->shapes, "explain");
    if (code == CLI_DONE) code = cli_scheme_open(&o->scheme, "explain");
    if (code == CLI_DONE && cli_chips_asked(&o->chips)) code = cli_chips_open(&o->chips, "explain");
    if (code == CLI_DONE) code = cli_plot_check(o->plot);
    if (code == CLI_DONE) code = explain(&r, arguments[0]);
    if (code == CLI_DONE && o->plot) code = cli_plot_explanation(o->plot, &r.x);
    if (code == CLI_DONE && o->as_json)
        code = print_json(&r);
    else if (code == CLI_DONE)
        print_text(&r);
    xbtab_explanation_clear(&r.x);
    xbtab_study_close(&r.study);
    cli_chips_close(&o->chips);
    cli_quantizing_clear(&o->quantizing);
    cli_input_shapes_clear(&o->shapes);
    cli_finish(context, options);
    return code;
}
