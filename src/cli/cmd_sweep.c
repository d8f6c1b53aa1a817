/* cmd_sweep.c - sweep PRESET|SPEC.yaml --set KEY=V1,V2 ...: a grid of runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/version.h>

#include "plot.h"
#include "sweep.h"

/* A tile's specification as a preset. */
static int take_spec(sweep *s, const xbtab_spec *spec)
{
    char *text = NULL;
    if (xbtab_config_set(&text, "name: tile\nsummary: a tile\nsurvey_ref: \"-\"\n", spec->path, "tile",
                         spec->text) < 0)
        return cli_failed();
    s->base = text;
    s->prefix = "tile.";
    return CLI_DONE;
}

/* A preset loses the provenance of numbers that are about to change. */
static int take_arch(sweep *s, const xbtab_arch *arch)
{
    if (xbtab_config_set(&s->base, arch->text, arch->name, "provenance", "[]") < 0) return cli_failed();
    s->prefix = "";
    return CLI_DONE;
}

static int open_base(sweep *s, const char *name)
{
    xbtab_models *models = NULL;
    xbtab_arch *arch = NULL;
    xbtab_spec *spec = NULL;
    int code = CLI_DONE;
    if (xbtab_models_open_with(&models, s->models) < 0) return cli_failed();
    size_t length = strlen(name);
    bool is_file = strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
    if (is_file && xbtab_spec_open(&spec, name, models) == XBTAB_OK) {
        code = s->network ? take_spec(s, spec) : cli_usage("sweep", "a tile needs --network and --images");
    } else {
        code = xbtab_arch_find(&arch, name, models) < 0 ? cli_failed() : CLI_DONE;
        if (code == CLI_DONE) code = take_arch(s, arch);
    }
    xbtab_spec_destroy(&spec);
    xbtab_arch_destroy(&arch);
    xbtab_models_destroy(&models);
    return code;
}

/* Names all that a row depends on but its keys (Fowler-Noll-Vo, 64 bits). */
static uint64_t name_run(const sweep *s)
{
    char numbers[128];
    snprintf(numbers, sizeof numbers, "%d %d %d %s", s->raw_pixels, s->limit, s->calibrate, XBTAB_VERSION);
    const char *const parts[] = {s->base, s->network, s->images, s->labels, s->mode, numbers};
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        for (const char *c = parts[k] ? parts[k] : ""; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
        h *= 0x100000001b3u;
    }
    for (size_t k = 0; k < s->shapes.n; k++) {
        for (const char *c = s->shapes.texts[k]; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
        h *= 0x100000001b3u;
    }
    return h;
}

static int print_rows_json(const sweep *s)
{
    json_t *rows = json_array();
    for (int r = 0; r < s->n_rows; r++) {
        const sweep_row *row = &s->row[r];
        json_t *o = json_object(), *values = json_object();
        for (int k = 0; k < s->n_keys; k++)
            json_object_set_new(values, s->key[k].key, json_string(s->key[k].value[row->choice[k]]));
        json_object_set_new(o, "values", values);
        for (int k = 0; k < SWEEP_FIGURES; k++) {
            if (!isnan(row->figure[k])) json_object_set_new(o, sweep_figures[k], json_real(row->figure[k]));
        }
        json_object_set_new(o, "status", json_string(row->status));
        json_array_append_new(rows, o);
    }
    return cli_print_json(json_pack("{s:s, s:s, s:o}", "csv", s->output, "mode", s->mode, "rows", rows));
}

static void print_rows(const sweep *s)
{
    for (int r = 0; r < s->n_rows; r++) {
        const sweep_row *row = &s->row[r];
        for (int k = 0; k < s->n_keys; k++)
            printf("%s%s=%s", k ? " " : "", s->key[k].key, s->key[k].value[row->choice[k]]);
        if (strcmp(row->status, "ok") != 0) {
            printf(": %s\n", row->status);
            continue;
        }
        printf(": integer %.2f %%, ideal %.2f %%, %s %.2f %%; ADC %g of %g bits\n", 100 * row->figure[5],
               100 * row->figure[6], s->mode, 100 * row->figure[7], row->figure[0], row->figure[1]);
    }
}

static bool any_row_ran(const sweep *s)
{
    for (int r = 0; r < s->n_rows; r++) {
        if (strcmp(s->row[r].status, "ok") == 0) return true;
    }
    return false;
}

/* What an earlier run has not finished. */
static int run_rows(sweep *s)
{
    int lock;
    int code = cli_lock(&lock, s->output);
    if (code != CLI_DONE) return code;
    code = sweep_read_rows(s);
    if (code == CLI_DONE) code = sweep_run(s);
    cli_unlock(lock, s->output);
    return code;
}

/* A shape that does not fit the file is said at once, not in every row. */
static int check_shapes(const sweep *s)
{
    xbtab_network *network = NULL;
    if (s->shapes.n > SWEEP_SHAPES)
        return cli_usage("sweep", "--input-shape is for %d inputs at the most", SWEEP_SHAPES);
    int code = s->shapes.n && s->network ? cli_open_network(&network, "sweep", s->network, &s->shapes, NULL)
                                         : CLI_DONE;
    xbtab_network_destroy(&network);
    return code;
}

static int run_sweep(sweep *s, const char *name, int n_sets, char **sets, const char *plot, int as_json)
{
    int code = check_shapes(s);
    if (code == CLI_DONE) code = cli_check_regular_output(s->output);
    if (code == CLI_DONE) code = cli_plot_check(plot);
    if (code == CLI_DONE) code = open_base(s, name);
    for (int k = 0; k < n_sets && code == CLI_DONE; k++) code = sweep_add_key(s, sets[k]);
    if (code == CLI_DONE) code = sweep_make_rows(s);
    if (code != CLI_DONE) return code;
    s->run = name_run(s);
    cli_catch_interrupt();
    code = run_rows(s);
    if (code == CLI_DONE && plot) code = sweep_plot(s, plot);
    if (code != CLI_DONE) return code;
    code = any_row_ran(s) ? CLI_DONE : cli_fail("no point of the grid could run; the rows say why");
    if (as_json) {
        int printed = print_rows_json(s);
        return code != CLI_DONE ? code : printed;
    }
    print_rows(s);
    return code;
}

int cmd_sweep(int argc, const char **argv)
{
    sweep s = {.mode = NULL};
    char **sets = NULL;
    const char *plot = NULL, *arguments[2];
    int as_json = 0, n_sets = 0;
    const struct poptOption options[] = {
        {"set", '\0', POPT_ARG_ARGV, &sets, 0,
         "a key of tile, scheme or quantization, and its values; again for a grid", "KEY=V1,V2"},
        {"output", 'o', POPT_ARG_STRING, &s.output, 0, "CSV file to write, or to continue", "FILE.csv"},
        {"network", '\0', POPT_ARG_STRING, &s.network, 0, "in place of the preset's first one", "F.onnx"},
        {"images", '\0', POPT_ARG_STRING, &s.images, 0, "for it", "F"},
        {"labels", '\0', POPT_ARG_STRING, &s.labels, 0, "theirs", "F"},
        CLI_INPUT_SHAPE(s.shapes),
        {"raw-pixels", '\0', POPT_ARG_NONE, &s.raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
        CLI_WHOLE("limit", '\0', &s.limit, 0, INT_MAX, "images a run", "N"),
        CLI_WHOLE("calibrate", '\0', &s.calibrate, 0, INT_MAX, "images that set ranges (100)", "N"),
        {"mode", '\0', POPT_ARG_STRING, &s.mode, 0, "ideal, table (the default) or solve", "MODE"},
        CLI_WHOLE("jobs", 'j', &s.workers, 0, 64, "runs at once (one a core)", "N"),
        {"cache", '\0', POPT_ARG_STRING, &s.cache, 0, "folder of tables (~/.cache/xbartab)", "DIR"},
        {"models", '\0', POPT_ARG_STRING, &s.models, 0, "the user's own models too", "DIR"},
        {"plot", '\0', POPT_ARG_STRING, &plot, 0, "draw the accuracies with gnuplot", "FILE.svg|png"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code = cli_parse(&context, argc, argv, options, "PRESET|SPEC.yaml --set KEY=V1,V2 -o FILE.csv",
                         "xbartab sweep data/tiles/default.yaml --set scheme.adc_bits=4,6,8 "
                         "--network data/networks/digits.onnx --images data/digits/test-images.idx.gz "
                         "--labels data/digits/test-labels.idx.gz --limit 200 "
                         "-o adc.csv",
                         1, 1, arguments);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    while (sets && sets[n_sets]) n_sets++;
    if (code == CLI_DONE) code = cli_input_shapes_take(&s.shapes, argv[0]);
    if (!s.mode) s.mode = strdup("table");
    if (code != CLI_DONE) {
    } else if (!s.output || !n_sets) {
        code = cli_usage(argv[0], "%s is missing", s.output ? "--set KEY=V1,V2" : "-o FILE.csv");
    } else if (s.network && !s.images) {
        code = cli_usage(argv[0], "--network needs --images");
    } else if (strcmp(s.mode, "ideal") != 0 && strcmp(s.mode, "table") != 0 && strcmp(s.mode, "solve") != 0) {
        code = cli_usage(argv[0], "--mode %s is not ideal, table or solve", s.mode);
    } else {
        if (!s.workers) s.workers = (int)cores;
        s.threads = cores > s.workers ? (int)(cores / s.workers) : 1;
        code = run_sweep(&s, arguments[0], n_sets, sets, plot, as_json);
    }
    for (int k = 0; k < n_sets; k++) free(sets[k]);
    free(sets);
    cli_input_shapes_clear(&s.shapes);
    sweep_clear(&s);
    cli_finish(context, options);
    return code;
}
