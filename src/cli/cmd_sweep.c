/* cmd_sweep.c - sweep PRESET|SPEC.yaml --set KEY=V1,V2 ...: a grid of runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "input_shapes.h"
#include "plot.h"
#include "sweep_cost.h"
#include "sweep_plot.h"

static int print_rows_json(const xbtab_sweep *s, const char *csv, const char *mode,
                           const cli_sweep_cost *cost)
{
    size_t n_keys;
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    json_t *rows = json_array();
    for (size_t r = 0; r < xbtab_sweep_rows(s); r++) {
        const xbtab_sweep_row *row = xbtab_sweep_row_get(s, r);
        json_t *o = json_object(), *values = json_object();
        for (size_t k = 0; k < n_keys; k++)
            json_object_set_new(values, key[k].key, json_string(key[k].value[row->choice[k]]));
        json_object_set_new(o, "values", values);
        for (int k = 0; k < XBTAB_SWEEP_FIGURES; k++) {
            const char *name = xbtab_sweep_figure_name((xbtab_sweep_figure)k);
            if (!isnan(row->figure[k])) json_object_set_new(o, name, json_real(row->figure[k]));
        }
        json_object_set_new(o, "status", json_string(row->status));
        if (cost) json_object_set_new(o, "pareto", json_boolean(cost->on_front[r]));
        json_array_append_new(rows, o);
    }
    json_t *all = json_pack("{s:s, s:s, s:o}", "csv", csv, "mode", mode, "rows", rows);
    if (cost) cli_sweep_cost_json(all, cost);
    return cli_print_json(all);
}

static void print_rows(const xbtab_sweep *s, const char *mode, const cli_sweep_cost *cost)
{
    size_t n_keys;
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    for (size_t r = 0; r < xbtab_sweep_rows(s); r++) {
        const xbtab_sweep_row *row = xbtab_sweep_row_get(s, r);
        const double *x = row->figure;
        for (size_t k = 0; k < n_keys; k++)
            printf("%s%s=%s", k ? " " : "", key[k].key, key[k].value[row->choice[k]]);
        if (strcmp(row->status, "ok") != 0) {
            printf(": %s\n", row->status);
            continue;
        }
        printf(": integer %.2f %%, ideal %.2f %%, %s %.2f %%; ADC %g of %g bits",
               100 * x[XBTAB_SWEEP_INTEGER], 100 * x[XBTAB_SWEEP_IDEAL], mode, 100 * x[XBTAB_SWEEP_MODE],
               x[XBTAB_SWEEP_ADC_BITS], x[XBTAB_SWEEP_ADC_BITS_NEEDED]);
        if (cost)
            printf("; %.4g +- %.2g uJ, %.4g us, %.4g mm2%s", 1e6 * x[XBTAB_SWEEP_ENERGY],
                   1e6 * x[XBTAB_SWEEP_ENERGY_UNCERTAINTY], 1e6 * x[XBTAB_SWEEP_LATENCY],
                   1e6 * x[XBTAB_SWEEP_AREA], cost->on_front[r] ? " *" : "");
        printf("\n");
    }
    if (cost) cli_sweep_cost_print(cost, s);
}

static bool any_row_ran(const xbtab_sweep *s)
{
    for (size_t r = 0; r < xbtab_sweep_rows(s); r++) {
        if (strcmp(xbtab_sweep_row_get(s, r)->status, "ok") == 0) return true;
    }
    return false;
}

/* A shape that does not fit the file is said at once, not in every row. */
static int check_shapes(const cli_input_shapes *shapes, const char *path)
{
    xbtab_network *network = NULL;
    if (!shapes->n || !path) return CLI_DONE;
    int code = cli_open_network(&network, "sweep", path, shapes, NULL);
    xbtab_network_destroy(&network);
    return code;
}

static int run_sweep(const xbtab_sweep_options *o, const cli_input_shapes *shapes, const char *plot,
                     cli_sweep_cost *cost, int as_json)
{
    xbtab_sweep *s = NULL;
    if (!o->cost) cost = NULL;
    int code = check_shapes(shapes, o->network);
    if (code == CLI_DONE) code = cli_check_regular_output(o->csv);
    if (code == CLI_DONE) code = cli_plot_check(plot);
    if (code != CLI_DONE) return code;
    const xbtab_status status = xbtab_sweep_open(&s, o);
    if (status == XBTAB_ERR_OPTION) return cli_usage("sweep", "%s", xbtab_error_message());
    if (status < 0) return cli_failed();
    cli_catch_interrupt();
    code = xbtab_sweep_run(s) < 0 ? cli_failed() : CLI_DONE;
    if (code == CLI_DONE && cost) code = cli_sweep_cost_find(cost, s);
    if (code == CLI_DONE && plot) code = cli_plot_sweep(s, o->mode, cost, plot);
    if (code == CLI_DONE) {
        code = any_row_ran(s) ? CLI_DONE : cli_fail("no point of the grid could run; the rows say why");
        int printed = CLI_DONE;
        if (as_json)
            printed = print_rows_json(s, o->csv, o->mode, cost);
        else
            print_rows(s, o->mode, cost);
        if (code == CLI_DONE) code = printed;
    }
    xbtab_sweep_destroy(&s);
    return code;
}

int cmd_sweep(int argc, const char **argv)
{
    xbtab_sweep_options o = {.progress = cli_progress, .note = cli_line};
    cli_input_shapes shapes = {0};
    cli_sweep_cost cost = {0};
    char **sets = NULL;
    const char *plot = NULL, *arguments[2];
    int as_json = 0, limit = 0, calibrate = 0;
    const struct poptOption options[] = {
        {"set", '\0', POPT_ARG_ARGV, &sets, 0,
         "a key of tile, scheme or quantization, and its values; again for a grid", "KEY=V1,V2"},
        {"output", 'o', POPT_ARG_STRING, &o.csv, 0, "CSV file to write, or to continue", "FILE.csv"},
        {"network", '\0', POPT_ARG_STRING, &o.network, 0, "in place of the preset's first one", "F.onnx"},
        {"images", '\0', POPT_ARG_STRING, &o.images, 0, "for it", "F"},
        {"labels", '\0', POPT_ARG_STRING, &o.labels, 0, "theirs", "F"},
        CLI_INPUT_SHAPE(shapes),
        {"raw-pixels", '\0', POPT_ARG_NONE, &o.raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
        CLI_WHOLE("limit", '\0', &limit, 0, INT_MAX, "images a run", "N"),
        CLI_WHOLE("calibrate", '\0', &calibrate, 0, INT_MAX, "images that set ranges (100)", "N"),
        {"mode", '\0', POPT_ARG_STRING, &o.mode, 0, "ideal, table (the default) or solve", "MODE"},
        CLI_WHOLE("jobs", 'j', &o.workers, 0, XBTAB_SWEEP_WORKERS, "runs at once (one a core)", "N"),
        {"cache", '\0', POPT_ARG_STRING, &o.cache, 0, "folder of tables (~/.cache/xbartab)", "DIR"},
        {"models", '\0', POPT_ARG_STRING, &o.models, 0, "the user's own models too", "DIR"},
        {"cost", '\0', POPT_ARG_NONE, &o.cost, 0,
         "what an image costs too: energy, latency, area, and the Pareto front", NULL},
        {"front", '\0', POPT_ARG_STRING, &cost.front_text, 0,
         "the front is of accuracy and these: energy (the default), latency, area, energy_delay",
         "FIGURE,..."},
        {"best", '\0', POPT_ARG_STRING, &cost.best_text, 0, "the row to tell has the least of this (energy)",
         "FIGURE"},
        {"within", '\0', POPT_ARG_STRING, &cost.within_text, 0,
         "among rows so close to the best accuracy (1%)", "SHARE"},
        {"plot", '\0', POPT_ARG_STRING, &plot, 0,
         "draw the accuracies with gnuplot, with --cost over the energy too", "FILE.svg|png"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code =
        cli_parse(&context, argc, argv, options, "PRESET|SPEC.yaml --set KEY=V1,V2 -o FILE.csv",
                  "xbartab sweep data/tiles/default.yaml --set scheme.adc_bits=4,6,8 "
                  "--network data/networks/digits.onnx --images data/digits/test-images.idx.gz "
                  "--labels data/digits/test-labels.idx.gz --limit 200 --best energy --within 1% -o adc.csv",
                  1, 1, arguments);
    while (sets && sets[o.n_sets]) o.n_sets++;
    if (code == CLI_DONE) code = cli_input_shapes_take(&shapes, argv[0]);
    if (code == CLI_DONE) code = cli_sweep_cost_take(&cost);
    if (cost.best_text || cost.within_text || cost.front_text) o.cost = 1;
    if (!o.mode) o.mode = strdup("table");
    if (code != CLI_DONE) {
    } else if (!o.csv || !o.n_sets) {
        code = cli_usage(argv[0], "%s is missing", o.csv ? "--set KEY=V1,V2" : "-o FILE.csv");
    } else if (o.network && !o.images) {
        code = cli_usage(argv[0], "--network needs --images");
    } else {
        o.base = arguments[0];
        o.set = (const char *const *)sets;
        o.input_shape = shapes.shape;
        o.n_input_shapes = shapes.n;
        o.limit = (size_t)limit;
        o.calibrate = (size_t)calibrate;
        o.front = cost.front;
        code = run_sweep(&o, &shapes, plot, &cost, as_json);
    }
    for (size_t k = 0; k < o.n_sets; k++) free(sets[k]);
    free(sets);
    cli_sweep_cost_clear(&cost);
    cli_input_shapes_clear(&shapes);
    cli_finish(context, options);
    return code;
}
