/* cmd_infer.c - infer NETWORK.onnx --tables T.h5|--arch NAME --images F --labels F. */
#include <string.h>

#include "infer_run.h"

static bool needs_spice(const infer_options *o)
{
    return infer_in_spice(o->mode) || (o->check && infer_in_spice(o->check_engine));
}

static const xbtab_engine_type *engine_of(const char *mode)
{
    return infer_in_spice(mode) ? &xbtab_engine_spice : xbtab_engine_find(mode);
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

static int infer(inference *f, const char *network)
{
    const infer_options *o = &f->o;
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
                                   .mode = o->mode,
                                   .check = (size_t)o->check,
                                   .check_engine = o->check_engine,
                                   .refine = o->refine ? o->refine : -1,
                                   .adc_bits = o->adc_bits,
                                   .threads = o->threads,
                                   .seed = o->seed,
                                   .cpu = o->cpu,
                                   .without_labels = o->predictions != NULL,
                                   .progress = cli_progress,
                                   .note = cli_note};
    if (o->without && effects_named(o->without, &options.without) != CLI_DONE) return CLI_USAGE;
    cli_quantizing_give(&f->quantizing, &f->quantize, &options);
    cli_scheme_give(&o->scheme, &options);
    cli_chips_give(&o->chips, o->seed, &options);
    cli_catch_interrupt();
    int code = cli_open_study(&f->study, &options, "infer");
    if (code != CLI_DONE) return code;
    cli_warn_of_input(xbtab_study_network(f->study), xbtab_study_images(f->study),
                      xbtab_study_raw_pixels(f->study));
    if (xbtab_study_infer(f->study, &f->result) < 0) return cli_failed();
    if (o->predictions && infer_write_predictions(f) != CLI_DONE) return CLI_FAILED;
    infer_warn_of_adc(f);
    if (f->result.chips.n_chips) cli_chips_warn(&f->o.chips, xbtab_study_tables(f->study), &f->result.chips);
    if (o->cost && xbtab_study_cost(f->study, &f->result, &f->cost) < 0) return cli_failed();
    if (o->as_json) return infer_print_json(f);
    infer_print_text(f);
    if (f->cost) cost_print(f->cost);
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
    static const xbtab_scheme own;
    if (o->cost && infer_without_tiles(o->mode)) return cli_usage("infer", "--cost needs tiles");
    if (o->cost && (o->adc_bits || o->scheme.weights || memcmp(&o->scheme.scheme, &own, sizeof own) != 0))
        return cli_usage("infer", "--cost is of the preset's own scheme and ADC; change them in its file");
    if (o->check && strcmp(o->mode, "table") != 0)
        return cli_usage("infer", "--check compares the mode table");
    int most_adc_bits = strcmp(o->mode, "ideal") == 0 ? 24 : XBTAB_KERNEL_MOST_ADC_BITS;
    if (o->adc_bits > most_adc_bits)
        return cli_usage("infer", "--adc-bits %d is outside 1 to %d", o->adc_bits, most_adc_bits);
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
        CLI_WHOLE("limit", '\0', &o->limit, 0, INT_MAX, "run no more than so many images", "N"),
        CLI_WHOLE("check", '\0', &o->check, 0, 1000000, "solve so many products of the run again", "N"),
        {"check-engine", '\0', POPT_ARG_STRING, &check_engine, 0, "by solve (the default) or spice",
         "ENGINE"},
        CLI_WHOLE("refine", '\0', &o->refine, 0, 10000,
                  "exact solutions to refine a tile with, where the transfer table is not good enough (20)",
                  "N"),
        CLI_WHOLE("calibrate", '\0', &o->calibrate, 0, INT_MAX,
                  "images that set ranges, whatever --limit (100)", "N"),
        {"calibration-images", '\0', POPT_ARG_STRING, &o->calibration_images, 0,
         "take them from this file, in place of the preset's training images or else the first of --images",
         "F"},
        {"models", '\0', POPT_ARG_STRING, &o->models, 0, "for ngspice: the user's own models too", "DIR"},
        {"raw-pixels", '\0', POPT_ARG_NONE, &o->raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
        CLI_INPUT_SHAPE(o->shapes),
        CLI_QUANTIZING(f.quantizing),
        {"without", '\0', POPT_ARG_STRING, &o->without, 0,
         "tiles in which these do not exist: ir_drop, nonlinearity, tia", "WORD,WORD"},
        CLI_WHOLE("adc-bits", '\0', &o->adc_bits, 1, 24, "another ADC than the tables'", "N"),
        CLI_WHOLE("threads", '\0', &o->threads, 0, 1024, "threads (one a core)", "N"),
        CLI_SEED("seed", &o->seed, NULL, "of simulated chips, and of the products of --check (0)"),
        CLI_SCHEME_OPTIONS(&o->scheme),
        CLI_CHIP_OPTIONS(&o->chips),
        {"cpu", '\0', POPT_ARG_STRING, &o->cpu, 0, "kernel: c, avx2, avx512 or neon (the machine's best)",
         "ISA"},
        {"predictions", '\0', POPT_ARG_STRING, &o->predictions, 0,
         "write index,label,prediction and outputs; without labels that column is empty", "FILE.csv"},
        {"cost", '\0', POPT_ARG_NONE, &o->cost, 0, "what an image costs too: energy, area, time", NULL},
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
    if (code == CLI_DONE) code = cli_input_shapes_take(&o->shapes, "infer");
    if (code == CLI_DONE) code = cli_quantizing_take(&f.quantizing, "infer", &f.quantize);
    if (code == CLI_DONE) code = cli_scheme_open(&o->scheme, "infer");
    if (code == CLI_DONE && cli_chips_asked(&o->chips)) code = cli_chips_open(&o->chips, "infer");
    if (code == CLI_DONE) code = cli_check_output(o->predictions);
    if (code == CLI_DONE) code = infer(&f, arguments[0]);
    xbtab_study_close(&f.study);
    cli_chips_close(&o->chips);
    cli_quantizing_clear(&f.quantizing);
    cli_input_shapes_clear(&o->shapes);
    cli_finish(context, options);
    return code;
}
