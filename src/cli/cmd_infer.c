/* cmd_infer.c - infer NETWORK.onnx --tables T.h5|--arch NAME --images F --labels F. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/characterize.h>
#include <xbartab/infer.h>

#include "chip_options.h"
#include "presets.h"
#include "quantizing.h"
#include "scheme_options.h"

typedef struct infer_options {
    const char *tables, *images, *labels, *calibration_images, *mode, *predictions, *cpu, *check_engine,
        *models, *arch, *cache;
    int refine, limit, threads, calibrate, check, raw_pixels, adc_bits, as_json;
    long seed;
    cli_scheme scheme;
    cli_chips chips;
} infer_options;

/* Everything a run holds. */
typedef struct inference {
    infer_options o;
    xbtab_network *network;
    xbtab_images *images, *calibration;
    xbtab_tables *tables;
    xbtab_technology *technology;
    cli_quantizing quantizing;
    xbtab_quantize_options quantize;
    xbtab_quantized *quantized;
    xbtab_run_options run;
    float *outputs; /* of the last run */
    size_t n_outputs;
    xbtab_check_report check; /* where --check was asked */
    xbtab_product_counts counts;
    xbtab_chips_report chips; /* where simulated chips were asked */
    xbtab_models *models;     /* these where ngspice or a preset was asked */
    xbtab_spec *spec;
    xbtab_arch *arch;    /* NULL without --arch */
    xbtab_scheme scheme; /* the preset's, with what the options change */
    char *cached;        /* path of tables from the cache */
    const char *tables_file, *images_file, *labels_file;
    char network_path[4096], images_path[4096], labels_path[4096]; /* the preset's own */
} inference;

static double accuracy(const inference *f)
{
    size_t right = 0;
    for (size_t k = 0; k < f->images->n; k++) {
        right += xbtab_argmax(f->outputs + k * f->n_outputs, f->n_outputs) == (size_t)f->images->label[k];
    }
    return (double)right / (double)f->images->n;
}

static bool is_spice(const char *engine)
{
    return strcmp(engine, xbtab_engine_spice.name) == 0;
}

static bool needs_spice(const infer_options *o)
{
    return is_spice(o->mode) || (o->check && is_spice(o->check_engine));
}

/* The quantized network alone. */
static bool is_integer(const char *mode)
{
    return strcmp(mode, "integer") == 0;
}

/* The network as it stands. */
static bool is_float(const char *mode)
{
    return strcmp(mode, "float") == 0;
}

static bool is_without_tiles(const char *mode)
{
    return is_integer(mode) || is_float(mode);
}

static const xbtab_engine_type *engine_of(const char *mode)
{
    return is_spice(mode) ? &xbtab_engine_spice : xbtab_engine_find(mode);
}

static xbtab_status spice_currents(void *context, size_t n, const uint8_t *level, const double *G,
                                   const uint8_t *code, double *I_out)
{
    const inference *f = context;
    (void)G;
    xbtab_characterize_options options = {.workers = f->o.threads, .progress = cli_progress};
    return xbtab_spice_products(f->spec, f->tables, n, 1, level, code, I_out, NULL, &options);
}

/* Bits of the ADC in use. */
static void tell(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "xbartab: note: %s\n", line);
}

/* The preset, its tables unless some are given, and its own network and images where none are. */
static int open_arch(inference *f, const char **network)
{
    infer_options *o = &f->o;
    if (cli_open_models(&f->models, o->models) < 0) return cli_failed();
    int code = cli_open_arch(&f->arch, o->arch, f->models);
    if (code != CLI_DONE) return code;
    f->scheme = f->arch->scheme;
    if (o->adc_bits) f->scheme.adc_bits = o->adc_bits;
    if (!*network) {
        if (!f->arch->n_networks) return cli_fail("%s names no network; give one", f->arch->name);
        const xbtab_arch_network *n = &f->arch->network[0];
        *network = cli_data_file(f->network_path, sizeof f->network_path, n->network);
        code = cli_need_data_file(f->arch->name, *network);
        if (!o->images) {
            o->raw_pixels = n->raw_pixels;
            if (!o->limit) o->limit = n->limit;
            f->images_file = cli_data_file(f->images_path, sizeof f->images_path, n->images);
            if (n->labels && !o->labels)
                f->labels_file = cli_data_file(f->labels_path, sizeof f->labels_path, n->labels);
            if (code == CLI_DONE) code = cli_need_data_file(f->arch->name, f->images_file);
            if (code == CLI_DONE && !o->labels) code = cli_need_data_file(f->arch->name, f->labels_file);
        }
        if (code != CLI_DONE) return code;
    }
    xbtab_arch_warn(f->arch, tell, NULL);
    if (o->tables || is_without_tiles(o->mode)) return CLI_DONE;
    code = cli_cached_tables(&f->cached, f->arch->spec, f->models, o->cache, o->threads);
    if (code == CLI_DONE) f->tables_file = f->cached;
    return code;
}

static int open_inputs(inference *f, const char *network)
{
    size_t limit = (size_t)f->o.limit;
    if (xbtab_network_open(&f->network, network) < 0) return cli_failed();
    if (xbtab_images_open(&f->images, f->images_file, f->labels_file, limit) < 0) return cli_failed();
    if (!f->images->label) return cli_fail("%s: has no labels of its own; give --labels", f->images_file);
    if (f->o.calibration_images && xbtab_images_open(&f->calibration, f->o.calibration_images, NULL, 0) < 0) {
        return cli_failed();
    }
    f->n_outputs = xbtab_network_outputs(f->network);
    for (size_t k = 0; k < f->images->n; k++) {
        if ((size_t)f->images->label[k] >= f->n_outputs) {
            return cli_fail("label %d of image %zu is none of the network's %zu outputs",
                            (int)f->images->label[k], k, f->n_outputs);
        }
    }
    f->outputs = malloc(f->images->n * f->n_outputs * sizeof *f->outputs);
    if (!f->outputs) return cli_fail("out of memory");
    if (is_without_tiles(f->o.mode)) return CLI_DONE;
    if (xbtab_tables_open(&f->tables, f->tables_file) < 0 ||
        xbtab_technology_create(&f->technology, f->tables) < 0) {
        return cli_failed();
    }
    if (needs_spice(&f->o) && ((!f->models && cli_open_models(&f->models, f->o.models) < 0) ||
                               xbtab_spec_of_tables(&f->spec, f->tables, f->models) < 0)) {
        return cli_failed();
    }
    return CLI_DONE;
}

static int write_predictions(const inference *f)
{
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.%ld.tmp", f->o.predictions, (long)getpid());
    FILE *file = fopen(beside, "w");
    if (!file) return cli_fail("%s: cannot write: %s", f->o.predictions, strerror(errno));
    fprintf(file, "index,label,prediction");
    for (size_t o = 0; o < f->n_outputs; o++) fprintf(file, ",output%zu", o);
    fprintf(file, "\n");
    for (size_t k = 0; k < f->images->n; k++) {
        const float *y = f->outputs + k * f->n_outputs;
        fprintf(file, "%zu,%d,%zu", k, (int)f->images->label[k], xbtab_argmax(y, f->n_outputs));
        for (size_t o = 0; o < f->n_outputs; o++) fprintf(file, ",%.9g", (double)y[o]);
        fprintf(file, "\n");
    }
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0) failed = true;
    if (failed || rename(beside, f->o.predictions) != 0) {
        int reason = errno;
        unlink(beside);
        return cli_fail("%s: cannot write: %s", f->o.predictions, strerror(reason));
    }
    return CLI_DONE;
}

static int check(inference *f, const xbtab_mapped *mapped)
{
    const xbtab_reference in_spice = {
        .name = xbtab_engine_spice.name, .currents = spice_currents, .context = f};
    return xbtab_mapped_check(mapped, f->images, (size_t)f->o.check, (uint64_t)f->o.seed,
                              is_spice(f->o.check_engine) ? &in_spice : NULL, &f->run, &f->check);
}

/* The first chip at the first time is the one that is checked and whose predictions are kept. */
static xbtab_status keep_first(void *context, size_t chip, size_t time, const xbtab_mapped *mapped,
                               const float *outputs)
{
    inference *f = context;
    if (chip > 0 || time > 0) return XBTAB_OK;
    memcpy(f->outputs, outputs, f->images->n * f->n_outputs * sizeof *outputs);
    return f->o.check ? check(f, mapped) : XBTAB_OK;
}

/* The mode asked for, on simulated chips. */
static int run_chips(inference *f, const xbtab_engine_setup *setup, const xbtab_engine_type *engine,
                     const xbtab_map_options *map, double *share, xbtab_mapped_report *report,
                     double *seconds)
{
    const xbtab_chips_options options = {.chip = cli_chip(&f->o.chips, f->o.seed),
                                         .n_chips = (size_t)f->o.chips.n_chips,
                                         .time = f->o.chips.time,
                                         .n_times = f->o.chips.n_times,
                                         .map = *map,
                                         .each = keep_first,
                                         .context = f};
    double began = cli_seconds();
    if (xbtab_chips_run(&f->chips, f->quantized, setup, engine, f->images, f->images->n, &options) < 0)
        return cli_failed();
    *seconds = cli_seconds() - began;
    *share = xbtab_chips_summarize(&f->chips, 0).mean;
    *report = f->chips.mapped;
    f->counts = f->chips.products;
    return CLI_DONE;
}

/* One mode on tiles: its accuracy, and for the mode asked for its report and time. */
static int run_mode(inference *f, const char *mode, double *share, xbtab_mapped_report *report,
                    double *seconds)
{
    const xbtab_engine_type *engine = engine_of(mode);
    xbtab_spice_engine spice = {.spec = f->spec, .workers = f->o.threads};
    xbtab_engine_setup setup = {.technology = f->technology,
                                .adc_bits = f->o.adc_bits,
                                .refine = f->o.refine == 0 ? -1 : f->o.refine,
                                .context = &spice};
    xbtab_mapped *mapped = NULL;
    int code = CLI_DONE;
    if (f->o.cpu && !(setup.kernel = xbtab_kernel_find(f->o.cpu))) {
        return cli_fail("--cpu %s: this machine has no such kernel", f->o.cpu);
    }
    const xbtab_map_options map = {.run = f->run,
                                   .scheme = &f->scheme,
                                   .seed = (uint64_t)f->o.seed,
                                   .tia_spread = f->o.scheme.tia_spread,
                                   .calibration = f->calibration ? f->calibration : f->images,
                                   .n_calibration = (size_t)f->o.calibrate};
    if (f->o.chips.population && strcmp(mode, f->o.mode) == 0)
        return run_chips(f, &setup, engine, &map, share, report, seconds);
    if (xbtab_mapped_create(&mapped, f->quantized, &setup, engine, &map) < 0) return cli_failed();
    xbtab_mapped_get_report(mapped, report);
    f->run.what = mode;
    double began = cli_seconds();
    f->counts = (xbtab_product_counts){0};
    if (xbtab_mapped_run(mapped, f->images, f->images->n, &f->run, f->outputs, &f->counts) < 0) {
        code = cli_failed();
    }
    *seconds = cli_seconds() - began;
    if (code == CLI_DONE) *share = accuracy(f);
    if (code == CLI_DONE && f->o.check && engine == &xbtab_engine_table && check(f, mapped) < 0) {
        code = cli_failed();
    }
    xbtab_mapped_destroy(&mapped);
    return code;
}

static const char *mapped_as(const char *mode)
{
    return is_spice(mode)               ? "mapped, each product in ngspice"
           : strcmp(mode, "solve") == 0 ? "mapped, each circuit solved exactly"
                                        : "mapped, tables from SPICE";
}

static void print_tiles(const inference *f, const xbtab_mapped_report *r)
{
    printf(
        "tables against exact solutions of these tiles, inputs that no fit saw: %.4f %% of full scale (RMSE; "
        "largest %.3f %%, worst tile %.4f %%); %zu of %zu tiles refined\n",
        100 * r->tile_rmse, 100 * r->tile_max, 100 * r->worst_tile_rmse, r->refined, r->tiles);
    if (f->counts.outside) {
        printf("warning: %llu of %llu column currents are above all that the transfer table was fitted to\n",
               (unsigned long long)f->counts.outside, (unsigned long long)f->counts.codes);
    }
}

static void print_text(const inference *f, const double *share, const xbtab_mapped_report *r, double seconds)
{
    const char *const what[] = {"float network", "quantized, exact integers", "mapped, ideal tiles and ADC",
                                mapped_as(f->o.mode)};
    const char *const names[] = {"float", "integer", "ideal", f->o.mode};
    printf("accuracy on %zu images:\n", f->images->n);
    for (int k = 0; k < 4; k++) {
        if (!isnan(share[k])) printf("  %-8s %6.2f %%  %s\n", names[k], 100 * share[k], what[k]);
    }
    if (is_without_tiles(f->o.mode)) return;
    printf("%zu tiles of %zu x %zu, %.0f %% of their cells in use, %d bits a cell; %d-bit ADC (%d bits would "
           "be exact)\n",
           r->tiles, f->tables->rows, f->tables->columns, 100 * r->utilisation, r->cell_bits, r->adc_bits,
           r->adc_bits_exact);
    printf("%zu weights in %zu cells, %zu word lines driven at once\n", r->weights, r->cells, r->rows_active);
    printf("%s: %.2f s, %.0f images/s; transfer table within %.4f %% of full scale of held-out tiles by %s\n",
           f->o.mode, seconds, (double)f->images->n / seconds, 100 * f->tables->transfer.error.rmse,
           cli_sampled_by(f->tables));
    if (strcmp(f->o.mode, "table") == 0) print_tiles(f, r);
    if (f->chips.n_chips) cli_chips_print(&f->o.chips, &f->chips);
    if (f->o.check) {
        printf(
            "check: %zu products of this run again by %s: currents within %.4f %% of full scale (RMSE; the "
            "tables announce %.4f %%; largest %.3f %%), %zu of %zu ADC codes differ, by %g at the most\n",
            f->check.samples, f->check.engine, 100 * f->check.rmse, 100 * f->check.rmse_stored,
            100 * f->check.max, f->check.codes_differ, f->check.codes, f->check.max_codes);
    }
}

/* An accuracy that the read-out destroys is told with its cause, in text and beside JSON. */
static void warn_of_adc(const double *share, const xbtab_mapped_report *r)
{
    int bits = r->adc_bits;
    if (bits >= r->adc_bits_exact || isnan(share[2]) || share[1] - share[2] < 0.02) return;
    fprintf(stderr,
            "xbartab: warning: the %d-bit ADC costs %.1f points on ideal tiles already; %d bits tell all "
            "sums of %zu rows "
            "apart (--adc-bits %d, fewer --rows-active, or --adc-range mse)\n",
            bits, 100 * (share[1] - share[2]), r->adc_bits_exact, r->rows_active, r->adc_bits_exact);
}

static int print_json(const inference *f, const double *share, const xbtab_mapped_report *r, double seconds)
{
    const char *const names[] = {"float", "integer", "ideal", f->o.mode};
    json_t *accuracies = json_object();
    for (int k = 0; k < 4; k++) {
        if (!isnan(share[k])) json_object_set_new(accuracies, names[k], json_real(share[k]));
    }
    if (is_without_tiles(f->o.mode)) {
        return cli_print_json(json_pack("{s:I, s:o, s:s}", "images", (json_int_t)f->images->n, "accuracy",
                                        accuracies, "mode", f->o.mode));
    }
    json_t *result = json_pack("{s:I, s:o, s:s, s:I, s:f, s:i, s:i, s:f, s:f, s:f, s:f}", "images",
                               (json_int_t)f->images->n, "accuracy", accuracies, "mode", f->o.mode, "tiles",
                               (json_int_t)r->tiles, "utilisation", r->utilisation, "adc_bits", r->adc_bits,
                               "adc_bits_needed", r->adc_bits_needed, "readout_error_codes", r->readout_error,
                               "transfer_heldout_rmse_fs", f->tables->transfer.error.rmse, "seconds", seconds,
                               "images_per_second", (double)f->images->n / seconds);
    json_object_set_new(result, "adc_bits_exact", json_integer(r->adc_bits_exact));
    json_object_set_new(result, "cells", json_integer((json_int_t)r->cells));
    json_object_set_new(result, "weights", json_integer((json_int_t)r->weights));
    json_object_set_new(result, "rows_active", json_integer((json_int_t)r->rows_active));
    if (strcmp(f->o.mode, "table") == 0) {
        json_object_set_new(result, "tile_error",
                            json_pack("{s:f, s:f, s:f, s:I}", "rmse_fs", r->tile_rmse, "max_fs", r->tile_max,
                                      "worst_tile_rmse_fs", r->worst_tile_rmse, "refined",
                                      (json_int_t)r->refined));
        json_object_set_new(result, "codes", json_integer((json_int_t)f->counts.codes));
        json_object_set_new(result, "codes_outside", json_integer((json_int_t)f->counts.outside));
    }
    if (f->chips.n_chips) json_object_set_new(result, "chips", cli_chips_json(&f->o.chips, &f->chips));
    if (f->o.check) {
        json_t *check = json_pack(
            "{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "engine", f->check.engine, "samples",
            (json_int_t)f->check.samples, "rmse_fs", f->check.rmse, "stored_rmse_fs", f->check.rmse_stored,
            "max_fs", f->check.max, "rmse_codes", f->check.rmse_codes, "max_codes", f->check.max_codes,
            "codes", (json_int_t)f->check.codes, "codes_differ", (json_int_t)f->check.codes_differ);
        json_object_set_new(result, "check", check);
    }
    return cli_print_json(result);
}

/* Whether the file has bits of its own. */
static int has_own_bits(const xbtab_network *network, bool *has)
{
    xbtab_network_node node;
    *has = false;
    for (size_t k = 0; k < xbtab_network_nodes(network); k++) {
        if (xbtab_network_node_get(network, k, &node) < 0) return cli_failed();
        *has = *has || node.weight_bits > 0;
    }
    return CLI_DONE;
}

/* The quantized network in exact integers. */
static int run_integer(inference *f, double *share)
{
    bool is_quantized = false;
    int code = has_own_bits(f->network, &is_quantized);
    if (code != CLI_DONE) return code;
    xbtab_quantize_options quantize = f->quantize;
    if (f->arch && !is_quantized) {
        if (!quantize.weight_bits) quantize.weight_bits = f->arch->weight_bits;
        if (!quantize.activation_bits) quantize.activation_bits = f->arch->activation_bits;
    }
    if (f->arch && !is_quantized && !quantize.n_layer_bits) {
        quantize.layer_bits = f->arch->layer;
        quantize.n_layer_bits = (size_t)f->arch->n_layers;
    }
    quantize.n_images = (size_t)f->o.calibrate;
    quantize.run = f->run;
    quantize.run.what = "calibration";
    const xbtab_images *calibration = f->calibration ? f->calibration : f->images;
    if (xbtab_quantized_create(&f->quantized, f->network, calibration, &quantize) < 0) return cli_failed();
    f->run.what = "integer";
    if (xbtab_quantized_run(f->quantized, f->images, f->images->n, NULL, NULL, &f->run, f->outputs) < 0) {
        return cli_failed();
    }
    *share = accuracy(f);
    return CLI_DONE;
}

static int infer(inference *f, const char *network)
{
    double share[4] = {NAN, NAN, NAN, NAN}, seconds = 0;
    xbtab_mapped_report report;
    f->tables_file = f->o.tables;
    f->images_file = f->o.images;
    f->labels_file = f->o.labels;
    int code = f->o.arch ? open_arch(f, &network) : CLI_DONE;
    if (code == CLI_DONE) code = open_inputs(f, network);
    cli_scheme_apply(&f->o.scheme, &f->scheme);
    if (code != CLI_DONE) return code;
    cli_catch_interrupt();
    f->run = (xbtab_run_options){
        .raw_pixels = f->o.raw_pixels, .threads = f->o.threads, .progress = cli_progress, .what = "float"};
    if (xbtab_network_run(f->network, f->images, f->images->n, &f->run, f->outputs) < 0) return cli_failed();
    share[0] = accuracy(f);
    if (!is_float(f->o.mode)) code = run_integer(f, &share[1]);
    if (code == CLI_DONE && !is_without_tiles(f->o.mode))
        code = run_mode(f, "ideal", &share[2], &report, &seconds);
    if (code == CLI_DONE && !is_without_tiles(f->o.mode) && strcmp(f->o.mode, "ideal") != 0)
        code = run_mode(f, f->o.mode, &share[3], &report, &seconds);
    if (code == CLI_DONE && f->o.predictions) code = write_predictions(f);
    if (code != CLI_DONE) return code;
    if (!is_without_tiles(f->o.mode)) warn_of_adc(share, &report);
    if (f->chips.n_chips) cli_chips_warn(&f->o.chips, f->tables, &f->chips);
    if (f->o.as_json) return print_json(f, share, &report, seconds);
    print_text(f, share, &report, seconds);
    return CLI_DONE;
}

static int check_options(const infer_options *o, const char *network)
{
    bool has_own = o->arch && !network;
    if (!network && !o->arch) return cli_usage("infer", "NETWORK.onnx is missing");
    if ((!o->images && !has_own) || (!o->tables && !o->arch && !is_without_tiles(o->mode)))
        return cli_usage("infer", "%s is missing", o->images ? "--tables" : "--images");
    if (!engine_of(o->mode) && !is_without_tiles(o->mode))
        return cli_usage("infer", "--mode %s is not float, integer, ideal, table, solve or spice", o->mode);
    if (strcmp(o->check_engine, "solve") != 0 && !is_spice(o->check_engine))
        return cli_usage("infer", "--check-engine %s is not solve or spice", o->check_engine);
    if (cli_chips_asked(&o->chips) && strcmp(o->mode, "table") != 0 && strcmp(o->mode, "solve") != 0)
        return cli_usage("infer", "simulated chips need --mode table or solve");
    if (cli_chips_asked(&o->chips) && o->check && is_spice(o->check_engine))
        return cli_usage("infer", "--check-engine spice knows no simulated chips; take solve");
    if (o->refine < 0 || o->refine > 10000)
        return cli_usage("infer", "--refine %d is outside 0 to 10000", o->refine);
    if (o->check < 0 || o->seed < 0) return cli_usage("infer", "--check and --seed must not be negative");
    if (o->check && strcmp(o->mode, "table") != 0)
        return cli_usage("infer", "--check compares the mode table");
    if (o->limit < 0 || o->threads < 0 || o->threads > 1024 || o->calibrate < 0) {
        return cli_usage("infer", "--limit, --calibrate and --threads (up to 1024) must not be negative");
    }
    int most_adc_bits = strcmp(o->mode, "ideal") == 0 ? 24 : XBTAB_KERNEL_MOST_ADC_BITS;
    if (o->adc_bits && (o->adc_bits < 1 || o->adc_bits > most_adc_bits)) {
        return cli_usage("infer", "--adc-bits %d is outside 1 to %d", o->adc_bits, most_adc_bits);
    }
    return CLI_DONE;
}

int cmd_infer(int argc, const char **argv)
{
    inference f = {.o = {.refine = 20}};
    const char *mode = NULL, *check_engine = NULL;
    infer_options *o = &f.o;
    const char *arguments[2];
    const struct poptOption options[] = {
        {"tables", '\0', POPT_ARG_STRING, &o->tables, 0, "table file of the tile", "T.h5"},
        {"arch", '\0', POPT_ARG_STRING, &o->arch, 0,
         "an architecture's tile, scheme and bits; without NETWORK.onnx, its own network and images",
         "NAME|FILE.yaml"},
        {"cache", '\0', POPT_ARG_STRING, &o->cache, 0,
         "folder of the tables that --arch makes once (~/.cache/xbartab)", "DIR"},
        {"images", '\0', POPT_ARG_STRING, &o->images, 0, "IDX, CIFAR binary (both plain or gzip) or .npy",
         "F"},
        {"labels", '\0', POPT_ARG_STRING, &o->labels, 0, "IDX, .npy, or one integer a line", "F"},
        {"mode", '\0', POPT_ARG_STRING, &mode, 0,
         "float or integer (no tiles), ideal, table (the default), solve or spice", "MODE"},
        {"limit", '\0', POPT_ARG_INT, &o->limit, 0, "run no more than so many images", "N"},
        {"check", '\0', POPT_ARG_INT, &o->check, 0, "solve so many products of the run again", "N"},
        {"check-engine", '\0', POPT_ARG_STRING, &check_engine, 0, "by solve (the default) or spice",
         "ENGINE"},
        {"refine", '\0', POPT_ARG_INT, &o->refine, 0,
         "exact solutions to refine a tile with, where the transfer table is not good enough (20)", "N"},
        {"calibrate", '\0', POPT_ARG_INT, &o->calibrate, 0, "images that set the activations' ranges (100)",
         "N"},
        {"calibration-images", '\0', POPT_ARG_STRING, &o->calibration_images, 0, "take them from this file",
         "F"},
        {"models", '\0', POPT_ARG_STRING, &o->models, 0, "for ngspice: the user's own models too", "DIR"},
        {"raw-pixels", '\0', POPT_ARG_NONE, &o->raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
        CLI_QUANTIZING(f.quantizing),
        {"adc-bits", '\0', POPT_ARG_INT, &o->adc_bits, 0, "another ADC than the tables'", "N"},
        {"threads", '\0', POPT_ARG_INT, &o->threads, 0, "threads (one a core)", "N"},
        {"seed", '\0', POPT_ARG_LONG, &o->seed, 0, "of simulated chips, and of the products of --check (0)",
         "S"},
        CLI_SCHEME_OPTIONS(&o->scheme),
        CLI_CHIP_OPTIONS(&o->chips),
        {"cpu", '\0', POPT_ARG_STRING, &o->cpu, 0, "kernel: c, avx2, avx512 or neon (the machine's best)",
         "ISA"},
        {"predictions", '\0', POPT_ARG_STRING, &o->predictions, 0, "write index,label,prediction and outputs",
         "FILE.csv"},
        {"json", '\0', POPT_ARG_NONE, &o->as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code = cli_parse(&context, argc, argv, options,
                         "NETWORK.onnx (--tables T.h5 | --arch NAME) --images F [--labels F]",
                         "xbartab infer data/networks/digits.onnx --tables default.h5 "
                         "--images data/digits/test-images.idx.gz --labels data/digits/test-labels.idx.gz",
                         0, 1, arguments);
    o->mode = mode ? mode : "table";
    o->check_engine = check_engine ? check_engine : "solve";
    if (code == CLI_DONE) code = check_options(o, arguments[0]);
    if (code == CLI_DONE) code = cli_quantizing_take(&f.quantizing, "infer", &f.quantize);
    if (code == CLI_DONE) code = cli_scheme_open(&o->scheme, "infer");
    if (code == CLI_DONE && cli_chips_asked(&o->chips)) code = cli_chips_open(&o->chips, "infer");
    if (code == CLI_DONE) code = infer(&f, arguments[0]);
    free(f.outputs);
    free(f.cached);
    xbtab_chips_report_clear(&f.chips);
    cli_chips_close(&o->chips);
    xbtab_quantized_destroy(&f.quantized);
    cli_quantizing_clear(&f.quantizing);
    xbtab_spec_destroy(&f.spec);
    xbtab_arch_destroy(&f.arch);
    xbtab_models_destroy(&f.models);
    xbtab_technology_destroy(&f.technology);
    xbtab_tables_destroy(&f.tables);
    xbtab_images_destroy(&f.calibration);
    xbtab_images_destroy(&f.images);
    xbtab_network_destroy(&f.network);
    cli_finish(context, options);
    return code;
}
