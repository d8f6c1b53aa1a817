/* cmd_infer.c - infer NETWORK.onnx --tables T.h5|--arch NAME --images F --labels F. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "infer_run.h"

/* NAN without labels. */
static double accuracy(const inference *f)
{
    size_t right = 0;
    if (!f->images->label) return NAN;
    for (size_t k = 0; k < f->images->n; k++) {
        right += xbtab_argmax(f->outputs + k * f->n_outputs, f->n_outputs) == (size_t)f->images->label[k];
    }
    return (double)right / (double)f->images->n;
}

static bool needs_spice(const infer_options *o)
{
    return infer_in_spice(o->mode) || (o->check && infer_in_spice(o->check_engine));
}

static const xbtab_engine_type *engine_of(const char *mode)
{
    return infer_in_spice(mode) ? &xbtab_engine_spice : xbtab_engine_find(mode);
}

static xbtab_status spice_currents(void *context, size_t n, const uint8_t *level, const double *G,
                                   const uint8_t *code, double *I_out)
{
    const inference *f = context;
    (void)G;
    xbtab_characterize_options options = {.workers = f->o.threads, .progress = cli_progress};
    return xbtab_spice_products(f->spec, f->tables, n, 1, level, code, I_out, NULL, &options);
}

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
    if (o->tables || infer_without_tiles(o->mode)) return CLI_DONE;
    code = cli_cached_tables(&f->cached, f->arch->spec, f->models, o->cache, o->threads);
    if (code == CLI_DONE) f->tables_file = f->cached;
    return code;
}

/* The effects that --without names, of those that tables can be without. */
static int effects_named(const char *words, unsigned *off)
{
    static const xbtab_effect known[] = {XBTAB_EFFECT_WIRES, XBTAB_EFFECT_NONLINEARITY, XBTAB_EFFECT_TIA};
    *off = 0;
    for (const char *at = words;; at++) {
        size_t n = strcspn(at, ","), k = 0;
        while (k < 3 &&
               (strlen(xbtab_effect_word(known[k])) != n || strncmp(xbtab_effect_word(known[k]), at, n) != 0))
            k++;
        if (k == 3)
            return cli_usage("infer", "--without %.*s is none of: ir_drop, nonlinearity, tia", (int)n, at);
        *off |= XBTAB_EFFECT_BIT(known[k]);
        at += n;
        if (!*at) return CLI_DONE;
    }
}

static xbtab_status leave_out(inference *f)
{
    unsigned off = 0;
    return effects_named(f->o.without, &off) == CLI_DONE ? xbtab_derived_create(&f->derived, f->tables, off)
                                                         : XBTAB_ERR_INPUT;
}

static int open_inputs(inference *f, const char *network)
{
    size_t limit = (size_t)f->o.limit;
    if (xbtab_network_open(&f->network, network) < 0) return cli_failed();
    if (xbtab_images_open(&f->images, f->images_file, f->labels_file, limit) < 0) return cli_failed();
    if (!f->images->label && !f->o.predictions) {
        return cli_fail("%s: has no labels of its own; give --labels, or --predictions for what the network "
                        "makes of them",
                        f->images_file);
    }
    if (f->o.calibration_images && xbtab_images_open(&f->calibration, f->o.calibration_images, NULL, 0) < 0) {
        return cli_failed();
    }
    f->n_outputs = xbtab_network_outputs(f->network);
    if (xbtab_images_check_labels(f->images, f->n_outputs) < 0) return cli_failed();
    cli_warn_of_input(f->network, f->images, f->o.raw_pixels);
    f->outputs = malloc(f->images->n * f->n_outputs * sizeof *f->outputs);
    if (!f->outputs) return cli_fail("out of memory");
    if (infer_without_tiles(f->o.mode)) return CLI_DONE;
    if (xbtab_tables_open(&f->tables, f->tables_file) < 0) return cli_failed();
    if (f->o.without && leave_out(f) < 0) return cli_failed();
    const xbtab_tables *tables = f->derived ? xbtab_derived_tables(f->derived) : f->tables;
    if (xbtab_technology_create(&f->technology, tables) < 0) return cli_failed();
    if (needs_spice(&f->o) && ((!f->models && cli_open_models(&f->models, f->o.models) < 0) ||
                               xbtab_spec_of_tables(&f->spec, f->tables, f->models) < 0)) {
        return cli_failed();
    }
    return CLI_DONE;
}

static int check(inference *f, const xbtab_mapped *mapped)
{
    const xbtab_reference in_spice = {
        .name = xbtab_engine_spice.name, .currents = spice_currents, .context = f};
    return xbtab_mapped_check(mapped, f->images, (size_t)f->o.check, (uint64_t)f->o.seed,
                              infer_in_spice(f->o.check_engine) ? &in_spice : NULL, &f->run, &f->check);
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
    if (xbtab_chips_run(&f->chips, f->quantized, setup, engine, f->images, f->images->n, &options) < 0)
        return cli_failed();
    *seconds = f->chips.running / (double)(f->chips.n_chips * f->chips.n_times); /* of one chip */
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
    if (f->arch && !is_quantized) cli_quantizing_as(&f->quantizing, f->arch, &quantize);
    quantize.n_images = (size_t)f->o.calibrate;
    quantize.run = f->run;
    quantize.run.what = "calibration";
    quantize.note = tell;
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
    if (strcmp(f->o.mode, "float") != 0) code = run_integer(f, &share[1]);
    if (code == CLI_DONE && !infer_without_tiles(f->o.mode))
        code = run_mode(f, "ideal", &share[2], &report, &seconds);
    if (code == CLI_DONE && !infer_without_tiles(f->o.mode) && strcmp(f->o.mode, "ideal") != 0)
        code = run_mode(f, f->o.mode, &share[3], &report, &seconds);
    if (code == CLI_DONE && f->o.predictions) code = infer_write_predictions(f);
    if (code != CLI_DONE) return code;
    if (!infer_without_tiles(f->o.mode)) infer_warn_of_adc(share, &report);
    if (f->chips.n_chips) cli_chips_warn(&f->o.chips, f->tables, &f->chips);
    if (f->o.as_json) return infer_print_json(f, share, &report, seconds);
    infer_print_text(f, share, &report, seconds);
    return CLI_DONE;
}

static int check_options(const infer_options *o, const char *network)
{
    bool has_own = o->arch && !network;
    if (!network && !o->arch) return cli_usage("infer", "NETWORK.onnx is missing");
    if ((!o->images && !has_own) || (!o->tables && !o->arch && !infer_without_tiles(o->mode)))
        return cli_usage("infer", "%s is missing", o->images ? "--tables" : "--images");
    if (!engine_of(o->mode) && !infer_without_tiles(o->mode))
        return cli_usage("infer", "--mode %s is not float, integer, ideal, table, solve or spice", o->mode);
    if (strcmp(o->check_engine, "solve") != 0 && !infer_in_spice(o->check_engine))
        return cli_usage("infer", "--check-engine %s is not solve or spice", o->check_engine);
    if (cli_chips_asked(&o->chips) && strcmp(o->mode, "table") != 0 && strcmp(o->mode, "solve") != 0)
        return cli_usage("infer", "simulated chips need --mode table or solve");
    if (cli_chips_asked(&o->chips) && o->check && infer_in_spice(o->check_engine))
        return cli_usage("infer", "--check-engine spice knows no simulated chips; take solve");
    unsigned off;
    if (o->without && effects_named(o->without, &off) != CLI_DONE) return CLI_USAGE;
    if (o->without && needs_spice(o))
        return cli_usage("infer", "ngspice has all effects; --without needs --mode table or solve");
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
        {"labels", '\0', POPT_ARG_STRING, &o->labels, 0,
         "IDX, .npy, or one integer a line; not needed for --predictions", "F"},
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
        {"without", '\0', POPT_ARG_STRING, &o->without, 0,
         "tiles in which these do not exist: ir_drop, nonlinearity, tia", "WORD,WORD"},
        {"adc-bits", '\0', POPT_ARG_INT, &o->adc_bits, 0, "another ADC than the tables'", "N"},
        {"threads", '\0', POPT_ARG_INT, &o->threads, 0, "threads (one a core)", "N"},
        {"seed", '\0', POPT_ARG_LONG, &o->seed, 0, "of simulated chips, and of the products of --check (0)",
         "S"},
        CLI_SCHEME_OPTIONS(&o->scheme),
        CLI_CHIP_OPTIONS(&o->chips),
        {"cpu", '\0', POPT_ARG_STRING, &o->cpu, 0, "kernel: c, avx2, avx512 or neon (the machine's best)",
         "ISA"},
        {"predictions", '\0', POPT_ARG_STRING, &o->predictions, 0,
         "write index,label,prediction and outputs; without labels that column is empty", "FILE.csv"},
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
    xbtab_derived_destroy(&f.derived);
    xbtab_tables_destroy(&f.tables);
    xbtab_images_destroy(&f.calibration);
    xbtab_images_destroy(&f.images);
    xbtab_network_destroy(&f.network);
    cli_finish(context, options);
    return code;
}
