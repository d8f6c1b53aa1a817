/* cmd_cost.c - cost NETWORK.onnx: energy, area and time of an image, from where its layers stand. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cost_print.h"
#include "input_shapes.h"

typedef struct cost_request {
    const char *arch, *tables, *images, *models;
    int replicate, as_json;
    cli_input_shapes shapes;
    xbtab_cost_options o;
} cost_request;

/* A preset around the tile of tables: data/hierarchies/tables.yaml, with its scheme the default one. */
static int arch_of_tables(xbtab_arch **out, const xbtab_tables *tables, const xbtab_models *models)
{
    char path[4096], *text = NULL, line[512];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/hierarchies/tables.yaml", xbtab_data_folder());
    FILE *from = fopen(path, "r"), *to = open_memstream(&text, &n);
    int code = from && to ? CLI_DONE : cli_fail("%s: cannot be read", path);
    while (code == CLI_DONE && fgets(line, sizeof line, from)) fputs(line, to);
    if (code == CLI_DONE) {
        fputs("tile:\n  ", to);
        for (const char *c = tables->spec_text; *c; c++) {
            fputc(*c, to);
            if (*c == '\n') fputs("  ", to);
        }
    }
    if (from) fclose(from);
    if (to && fclose(to) != 0 && code == CLI_DONE) code = cli_fail("no memory for a preset");
    if (code == CLI_DONE && xbtab_arch_parse(out, text, path, models) < 0) code = cli_failed();
    free(text);
    return code;
}

static int run(const cost_request *r, const xbtab_arch *arch, const xbtab_tables *tables,
               const xbtab_network *network)
{
    xbtab_hierarchy *h = NULL;
    xbtab_network_cost cost = {0};
    xbtab_cost_options o = r->o;
    int code = CLI_DONE;
    o.tables = tables;
    o.replicate = r->replicate;
    if (code == CLI_DONE && (xbtab_hierarchy_open(&h, arch, xbtab_data_folder()) < 0 ||
                             xbtab_cost_network(&cost, h, network, &o) < 0)) {
        code = cli_failed();
    } else if (code == CLI_DONE && r->as_json) {
        code = cli_print_json(json_pack("{s:s, s:o}", "arch", arch->name, "cost", cost_json(&cost)));
    } else if (code == CLI_DONE) {
        cost_print(&cost);
    }
    xbtab_network_cost_clear(&cost);
    xbtab_hierarchy_destroy(&h);
    return code;
}

static int open_and_run(const cost_request *r, const char *path)
{
    xbtab_models *models = NULL;
    xbtab_arch *arch = NULL;
    xbtab_network *network = NULL;
    xbtab_images *images = NULL;
    xbtab_tables *tables = NULL;
    int code = r->tables ? cli_open_tables(&tables, r->tables) : CLI_DONE;
    if (code != CLI_DONE) return code;
    if (xbtab_models_open_with(&models, r->models) < 0 ||
        (r->arch && xbtab_arch_find(&arch, r->arch, models) < 0) ||
        (r->images && xbtab_images_open(&images, r->images, NULL, 1) < 0))
        code = cli_failed();
    if (code == CLI_DONE) code = cli_open_network(&network, "cost", path, &r->shapes, images);
    if (code == CLI_DONE && !arch) code = arch_of_tables(&arch, tables, models);
    if (code == CLI_DONE && tables &&
        (tables->rows != (size_t)arch->spec->rows || tables->columns != (size_t)arch->spec->columns))
        code = cli_fail("%s: the tables are of %zu x %zu cells, and %s has %d x %d", r->tables, tables->rows,
                        tables->columns, arch->name, arch->spec->rows, arch->spec->columns);
    if (code == CLI_DONE) code = run(r, arch, tables, network);
    xbtab_tables_destroy(&tables);
    xbtab_network_destroy(&network);
    xbtab_images_destroy(&images);
    xbtab_arch_destroy(&arch);
    xbtab_models_destroy(&models);
    return code;
}

int cmd_cost(int argc, const char **argv)
{
    cost_request r = {0};
    const char *arguments[2];
    const struct poptOption options[] = {
        {"arch", '\0', POPT_ARG_STRING, &r.arch, 0, "the preset whose hierarchy it stands on",
         "NAME|FILE.yaml"},
        {"tables", '\0', POPT_ARG_STRING, &r.tables, 0, "the array's read energy from these tables", "T.h5"},
        {"images", '\0', POPT_ARG_STRING, &r.images, 0,
         "for the sizes of open axes: IDX, CIFAR binary or .npy", "F"},
        {"models", '\0', POPT_ARG_STRING, &r.models, 0, "the user's own models too", "DIR"},
        CLI_WHOLE("replicate", '\0', &r.replicate, 1, 10000,
                  "copies of busy layers may fill so many times the arrays (1)", "N"),
        CLI_WHOLE("weight-bits", '\0', &r.o.weight_bits, 1, 16, "of layers in float (the preset's)", "N"),
        CLI_WHOLE("activation-bits", '\0', &r.o.activation_bits, 1, 16, "of layers in float (the preset's)",
                  "N"),
        CLI_INPUT_SHAPE(r.shapes),
        {"json", '\0', POPT_ARG_NONE, &r.as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code = cli_parse(&context, argc, argv, options, "NETWORK.onnx",
                         "xbartab cost data/networks/digits.onnx --tables default.h5", 1, 1, arguments);
    if (code == CLI_DONE) code = cli_input_shapes_take(&r.shapes, argv[0]);
    if (code == CLI_DONE && !r.arch && !r.tables) {
        code = cli_usage(argv[0], "needs --arch NAME or --tables T.h5; see xbartab arch list");
    } else if (code == CLI_DONE) {
        code = open_and_run(&r, arguments[0]);
    }
    cli_input_shapes_clear(&r.shapes);
    cli_finish(context, options);
    return code;
}
