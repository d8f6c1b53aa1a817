/* cmd_compare.c - compare: each pair of device and selector that makes sense, characterized on a tile of the
 * same size and wires. */
#include <stdio.h>

#include <xbartab/data.h>

#include "cli.h"
#include "compare_print.h"
#include "input_shapes.h"

static bool all_have_figures(const xbtab_pairs *pairs)
{
    for (size_t k = 0; k < xbtab_pairs_count(pairs); k++) {
        if (xbtab_pairs_get(pairs, k)->reason[0]) return false;
    }
    return true;
}

static int compare(xbtab_pairs *pairs, int size, const char *csv, bool has_cost, int as_json)
{
    cli_catch_interrupt();
    if (xbtab_pairs_run(pairs) < 0) return cli_failed();
    int code = all_have_figures(pairs) ? CLI_DONE : CLI_FAILED;
    if (as_json && cli_print_pairs_json(pairs, size, has_cost) != CLI_DONE) code = CLI_FAILED;
    if (!as_json) cli_print_pairs(pairs, has_cost);
    if (csv && cli_write_pairs_csv(pairs, csv, has_cost) != CLI_DONE) code = CLI_FAILED;
    return code;
}

static int open_pairs(xbtab_pairs **out, const xbtab_pairs_options *o)
{
    const xbtab_status status = xbtab_pairs_open(out, o);
    if (status == XBTAB_ERR_OPTION)
        return cli_fail("--pairs %s; compare --list tells all", xbtab_error_message());
    return status < 0 ? cli_failed() : CLI_DONE;
}

/* The network whose cost is told: the one given, or the shipped digits. */
static int open_network(xbtab_network **out, xbtab_pairs_options *o, const char *path)
{
    static const cli_input_shapes as_it_is = {0};
    char shipped[4096];
    snprintf(shipped, sizeof shipped, "%s/networks/digits.onnx", xbtab_data_folder());
    int code = cli_open_network(out, "compare", path ? path : shipped, &as_it_is, NULL);
    o->network = *out;
    return code;
}

int cmd_compare(int argc, const char **argv)
{
    xbtab_pairs_options o = {.size = 32, .progress = cli_progress, .note = cli_line};
    const char *models_folder = NULL, *csv = NULL, *path = NULL, *arguments[1];
    xbtab_models *models = NULL;
    xbtab_pairs *pairs = NULL;
    xbtab_network *network = NULL;
    int as_json = 0, lists = 0, cost = 0;
    const struct poptOption options[] = {
        CLI_WHOLE("size", '\0', &o.size, 2, 1024, "word lines and bit lines of the tiles (32)", "N"),
        {"pairs", '\0', POPT_ARG_STRING, &o.names, 0, "only these", "RRAM:SELECTOR,..."},
        {"list", '\0', POPT_ARG_NONE, &lists, 0, "the pairs and their operating points, nothing else", NULL},
        {"tia", '\0', POPT_ARG_STRING, &o.tia, 0, "another TIA model", "NAME"},
        {"wire", '\0', POPT_ARG_STRING, &o.wire, 0, "another wire model", "NAME"},
        {"output", 'o', POPT_ARG_STRING, &o.folder, 0,
         "folder that keeps the tiles' specifications and tables; what is in it already is not run again",
         "DIR"},
        CLI_WHOLE("jobs", 'j', &o.workers, 0, 1024, "worker processes (one a core)", "N"),
        {"csv", '\0', POPT_ARG_STRING, &csv, 0, "the table as a file", "FILE.csv"},
        {"cost", '\0', POPT_ARG_NONE, &cost, 0,
         "what an image costs with each pair, too: energy, latency, area, operations a joule", NULL},
        {"network", '\0', POPT_ARG_STRING, &path, 0, "of this network (data/networks/digits.onnx)", "F.onnx"},
        {"models", '\0', POPT_ARG_STRING, &models_folder, 0, "the user's own models too", "DIR"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code = cli_parse(&context, argc, argv, options, "",
                         "xbartab compare --size 32 -o pairs --cost --csv pairs.csv", 0, 0, arguments);
    if (code == CLI_DONE && xbtab_models_open_with(&models, models_folder) < 0) code = cli_failed();
    o.models = models;
    if (code == CLI_DONE) code = cli_check_output(csv);
    if (code == CLI_DONE && (cost || path)) code = open_network(&network, &o, path);
    if (code == CLI_DONE) code = open_pairs(&pairs, &o);
    if (code == CLI_DONE && lists)
        cli_list_pairs(pairs);
    else if (code == CLI_DONE)
        code = compare(pairs, o.size, csv, o.network != NULL, as_json);
    xbtab_pairs_destroy(&pairs);
    xbtab_network_destroy(&network);
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
