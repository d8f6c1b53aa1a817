/* cmd_explain.c - explain NETWORK.onnx --tables T.h5|--arch NAME --images F: which effect costs how many
 * points. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/explain.h>

#include "chip_options.h"
#include "cli.h"
#include "explain_plot.h"
#include "presets.h"
#include "quantizing.h"
#include "scheme_options.h"

typedef struct explain_options {
    char *tables, *images, *labels, *calibration_images, *plot, *arch, *cache, *models;
    int limit, threads, calibrate, raw_pixels, adc_bits, refine, without_layers, as_json;
    long seed;
    cli_quantizing quantizing;
    xbtab_quantize_options bits; /* of them */
    cli_scheme scheme;
    cli_chips chips;
} explain_options;

/* Everything a run holds. */
typedef struct explain_run {
    explain_options o;
    xbtab_network *network;
    xbtab_images *images, *calibration;
    xbtab_tables *tables;
    xbtab_technology *technology;
    xbtab_quantized *quantized, *fine;
    float *outputs;
    xbtab_models *models; /* these two with --arch */
    xbtab_arch *arch;
    char *cached;        /* path of tables from the cache */
    xbtab_scheme scheme; /* the architecture's, with what the options change */
    xbtab_explanation x;
} explain_run;

/* The preset, and its tables unless some are given. */
static int open_arch(explain_run *r)
{
    if (!r->o.arch) return CLI_DONE;
    if (cli_open_models(&r->models, r->o.models) < 0) return cli_failed();
    int code = cli_open_arch(&r->arch, r->o.arch, r->models);
    if (code != CLI_DONE) return code;
    r->scheme = r->arch->scheme;
    cli_quantizing_as(&r->o.quantizing, r->arch, &r->o.bits);
    if (r->o.adc_bits) r->scheme.adc_bits = r->o.adc_bits;
    return r->o.tables ? CLI_DONE
                       : cli_cached_tables(&r->cached, r->arch->spec, r->models, r->o.cache, r->o.threads);
}

static int open_inputs(explain_run *r, const char *network)
{
    const explain_options *o = &r->o;
    if (xbtab_network_open(&r->network, network) < 0 ||
        xbtab_images_open(&r->images, o->images, o->labels, (size_t)o->limit) < 0 ||
        (o->calibration_images && xbtab_images_open(&r->calibration, o->calibration_images, NULL, 0) < 0) ||
        xbtab_tables_open(&r->tables, o->tables ? o->tables : r->cached) < 0 ||
        xbtab_technology_create(&r->technology, r->tables) < 0) {
        return cli_failed();
    }
    if (!r->images->label) return cli_fail("%s: has no labels of its own; give --labels", o->images);
    if (xbtab_images_check_labels(r->images, xbtab_network_outputs(r->network)) < 0) return cli_failed();
    cli_warn_of_input(r->network, r->images, o->raw_pixels);
    r->outputs = calloc(r->images->n * xbtab_network_outputs(r->network), sizeof *r->outputs);
    return r->outputs ? CLI_DONE : cli_fail("out of memory");
}

static void tell(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "xbartab: note: %s\n", line);
}

/* A file in float can be quantized more finely, which stands for not at all. */
static int quantize(explain_run *r, const xbtab_run_options *run)
{
    enum { FINE_WEIGHTS = 8, FINE_ACTIVATIONS = 12 };
    const xbtab_images *calibration = r->calibration ? r->calibration : r->images;
    xbtab_quantize_options o = r->o.bits;
    o.n_images = (size_t)r->o.calibrate;
    o.run = *run;
    o.run.what = "calibration";
    o.note = tell;
    if (xbtab_quantized_create(&r->quantized, r->network, calibration, &o) < 0) return cli_failed();
    if (o.weight_bits < FINE_WEIGHTS) o.weight_bits = FINE_WEIGHTS;
    if (o.activation_bits < FINE_ACTIVATIONS) o.activation_bits = FINE_ACTIVATIONS;
    o.layer_bits = NULL;
    o.note = NULL; /* it has been told */
    o.n_layer_bits = 0;
    xbtab_status status = xbtab_quantized_create(&r->fine, r->network, calibration, &o);
    /* a file with bits of its own has no others */
    if (status < 0 && status != XBTAB_ERR_UNSUPPORTED) return cli_failed();
    return CLI_DONE;
}

static int explain(explain_run *r, const char *network)
{
    int code = open_arch(r);
    if (code == CLI_DONE) code = open_inputs(r, network);
    if (code != CLI_DONE) return code;
    cli_scheme_apply(&r->o.scheme, &r->scheme);
    cli_catch_interrupt();
    xbtab_run_options run = {
        .raw_pixels = r->o.raw_pixels, .threads = r->o.threads, .progress = cli_progress, .what = "float"};
    if (xbtab_network_run(r->network, r->images, r->images->n, &run, r->outputs) < 0) return cli_failed();
    code = quantize(r, &run);
    if (code != CLI_DONE) return code;
    const xbtab_engine_setup setup = {.technology = r->technology,
                                      .adc_bits = r->o.adc_bits,
                                      .refine = r->o.refine == 0 ? -1 : r->o.refine};
    xbtab_explain_options options = {.map = {.run = run,
                                             .scheme = &r->scheme,
                                             .seed = (uint64_t)r->o.seed,
                                             .tia_spread = r->o.scheme.tia_spread,
                                             .calibration = r->calibration ? r->calibration : r->images,
                                             .n_calibration = (size_t)r->o.calibrate},
                                     .n_chips = (size_t)r->o.chips.n_chips,
                                     .float_outputs = r->outputs,
                                     .fine = r->fine,
                                     .without_layers = r->o.without_layers};
    if (r->o.chips.population) options.chip = cli_chip(&r->o.chips, r->o.seed);
    if (xbtab_explain(&r->x, r->quantized, &setup, r->images, r->images->n, &options) < 0)
        return cli_failed();
    return CLI_DONE;
}

/* ---- results ---- */

/* sign: of the points as they are told. */
static void print_cost(const xbtab_cost *c, double sign)
{
    if (c->is_given) {
        printf("  %6.2f %% %+7.2f +- %5.2f %8.3f %%", 100 * c->accuracy, 0.0 + sign * 100 * c->points,
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
        print_cost(&x->effect[k].alone, -1);
        print_cost(&x->effect[k].left_out, 1);
        printf("  %s\n", xbtab_effect_text((xbtab_effect)k));
    }
    printf(
        "\npoints: what the effect takes from exact integers, and what leaving it out gives back; +- "
        "standard error of the paired difference\noutputs: how far they are from the exact integers', root "
        "mean square\n");
    printf("\n%-24s %6s %9s %10s %18s\n", "layer", "tiles", "clipped", "error", "worst tile");
    for (size_t l = 0; l < x->n_layers; l++) {
        const xbtab_explained_layer *y = &x->layer[l];
        printf("%-24s %6zu %8.4f%% %6.3f LSB %8.3f LSB (%zu)\n", y->name, y->tiles, 100 * y->clipped, y->rmse,
               y->worst_rmse, y->worst);
    }
    printf("worst tile of all: %zu of %s, conversions off their exact product's by %.3f LSB (rms)\n",
           worst->worst, worst->name, worst->worst_rmse);
    if (r->o.without_layers) return;
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
        for (size_t l = 0; e->layer && !r->o.without_layers && l < x->n_layers; l++)
            json_array_append_new(by_layer, cost_json(&e->layer[l]));
        json_object_set_new(effects, xbtab_effect_word((xbtab_effect)k),
                            json_pack("{s:o, s:o, s:o}", "alone", cost_json(&e->alone), "left_out",
                                      cost_json(&e->left_out), "layers", by_layer));
    }
    for (size_t l = 0; l < x->n_layers; l++) {
        const xbtab_explained_layer *y = &x->layer[l];
        json_array_append_new(layers, json_pack("{s:s, s:I, s:f, s:f, s:I, s:f}", "name", y->name, "tiles",
                                                (json_int_t)y->tiles, "clipped", y->clipped, "rmse_codes",
                                                y->rmse, "worst_tile", (json_int_t)y->worst,
                                                "worst_rmse_codes", y->worst_rmse));
    }
    return cli_print_json(json_pack(
        "{s:I, s:I, s:{s:f, s:f, s:f, s:f, s:f}, s:o, s:o, s:{s:s, s:I, s:f}}", "images",
        (json_int_t)x->images, "chips", (json_int_t)x->n_chips, "accuracy", "float", x->accuracy_float,
        "integer", x->accuracy_integer, "all", x->accuracy_all, "all_sigma", x->sigma_all, "output_change",
        x->change_all, "effects", effects, "layers", layers, "worst_tile", "layer", worst->name, "tile",
        (json_int_t)worst->worst, "rmse_codes", worst->worst_rmse));
}

static int check_options(explain_options *o)
{
    if (!o->images || (!o->tables && !o->arch))
        return cli_usage("explain", "%s is missing", o->images ? "--tables" : "--images");
    if (o->limit < 0 || o->threads < 0 || o->threads > 1024 || o->calibrate < 0 || o->seed < 0)
        return cli_usage("explain",
                         "--limit, --calibrate, --seed and --threads (up to 1024) must not be negative");
    if (o->refine < 0 || o->refine > 10000)
        return cli_usage("explain", "--refine %d is outside 0 to 10000", o->refine);
    if (o->adc_bits && (o->adc_bits < 1 || o->adc_bits > XBTAB_KERNEL_MOST_ADC_BITS))
        return cli_usage("explain", "--adc-bits %d is outside 1 to %d", o->adc_bits,
                         XBTAB_KERNEL_MOST_ADC_BITS);
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
        {"limit", '\0', POPT_ARG_INT, &o->limit, 0, "run no more than so many images", "N"},
        {"without-layers", '\0', POPT_ARG_NONE, &o->without_layers, 0, "leave out the runs of single layers",
         NULL},
        {"plot", '\0', POPT_ARG_STRING, &o->plot, 0, "draw a picture with gnuplot: .svg or .png", "FILE"},
        {"refine", '\0', POPT_ARG_INT, &o->refine, 0, "exact solutions to refine a tile with (20)", "N"},
        {"calibrate", '\0', POPT_ARG_INT, &o->calibrate, 0, "images that set the activations' ranges (100)",
         "N"},
        {"calibration-images", '\0', POPT_ARG_STRING, &o->calibration_images, 0, "take them from this file",
         "F"},
        {"raw-pixels", '\0', POPT_ARG_NONE, &o->raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
        CLI_QUANTIZING(o->quantizing),
        {"adc-bits", '\0', POPT_ARG_INT, &o->adc_bits, 0, "another ADC than the tables'", "N"},
        {"threads", '\0', POPT_ARG_INT, &o->threads, 0, "threads (one a core)", "N"},
        {"seed", '\0', POPT_ARG_LONG, &o->seed, 0, "of simulated chips (0)", "S"},
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
    if (code == CLI_DONE) code = cli_scheme_open(&o->scheme, "explain");
    if (code == CLI_DONE && cli_chips_asked(&o->chips)) code = cli_chips_open(&o->chips, "explain");
    if (code == CLI_DONE) code = explain(&r, arguments[0]);
    if (code == CLI_DONE && o->plot) code = cli_plot_explanation(o->plot, &r.x);
    if (code == CLI_DONE && o->as_json)
        code = print_json(&r);
    else if (code == CLI_DONE)
        print_text(&r);
    xbtab_explanation_clear(&r.x);
    free(r.outputs);
    free(r.cached);
    cli_chips_close(&o->chips);
    cli_quantizing_clear(&o->quantizing);
    xbtab_quantized_destroy(&r.quantized);
    xbtab_quantized_destroy(&r.fine);
    xbtab_arch_destroy(&r.arch);
    xbtab_models_destroy(&r.models);
    xbtab_technology_destroy(&r.technology);
    xbtab_tables_destroy(&r.tables);
    xbtab_images_destroy(&r.calibration);
    xbtab_images_destroy(&r.images);
    xbtab_network_destroy(&r.network);
    cli_finish(context, options);
    return code;
}
