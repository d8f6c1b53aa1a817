/* cmd_cost.c - cost NETWORK.onnx: energy, area and time of an image, from where its layers stand. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cost_print.h"
#include "input_shapes.h"

typedef struct cost_request {
    const char *arch, *tables, *images, *models;
    int replicate, limit, raw_pixels, as_json;
    cli_input_shapes shapes;
    xbtab_cost_options o;
} cost_request;

static bool has_own_bits(const xbtab_network *network)
{
    xbtab_network_node node;
    bool has = false;
    for (size_t k = 0; k < xbtab_network_nodes(network); k++)
        has = has || (xbtab_network_node_get(network, k, &node) == XBTAB_OK && node.weight_bits > 0);
    return has;
}

/* With the bits that the preset, or the user, gives layers in float. */
static int quantize(xbtab_quantized **out, const cost_request *r, const xbtab_arch *arch,
                    const xbtab_network *network, const xbtab_images *images)
{
    xbtab_quantize_options bits = {.run = {.raw_pixels = r->raw_pixels}};
    if (!has_own_bits(network)) {
        bits.weight_bits = r->o.weight_bits ? r->o.weight_bits : arch->weight_bits;
        bits.activation_bits = r->o.activation_bits ? r->o.activation_bits : arch->activation_bits;
        bits.weight_range = arch->weight_range;
        bits.activation_range = arch->activation_range;
        bits.layer_bits = arch->layer;
        bits.n_layer_bits = (size_t)arch->n_layers;
    }
    return xbtab_quantized_create(out, network, images, &bits) < 0 ? cli_failed() : CLI_DONE;
}

static int run(const cost_request *r, const xbtab_arch *arch, const xbtab_tables *tables,
               const xbtab_network *network, const xbtab_images *images)
{
    xbtab_quantized *q = NULL;
    cost_asked asked = {.arch = arch,
                        .tables = tables,
                        .network = network,
                        .images = images,
                        .n_images = (size_t)r->limit,
                        .raw_pixels = r->raw_pixels,
                        .o = r->o};
    int code = images ? quantize(&q, r, arch, network, images) : CLI_DONE;
    asked.quantized = q;
    asked.o.replicate = r->replicate;
    if (code == CLI_DONE) code = cost_find(&asked);
    if (code == CLI_DONE && r->as_json)
        code = cli_print_json(json_pack("{s:s, s:o}", "arch", arch->name, "cost", cost_json(&asked.cost)));
    else if (code == CLI_DONE)
        cost_print(&asked.cost);
    cost_end(&asked);
    xbtab_quantized_destroy(&q);
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
        (r->images && xbtab_images_open(&images, r->images, NULL, (size_t)r->limit) < 0))
        code = cli_failed();
    if (code == CLI_DONE) code = cli_open_network(&network, "cost", path, &r->shapes, images);
    if (code == CLI_DONE && !arch) code = cost_arch_of_tables(&arch, tables, models);
    if (code == CLI_DONE) code = run(r, arch, tables, network, images);
    xbtab_tables_destroy(&tables);
    xbtab_network_destroy(&network);
    xbtab_images_destroy(&images);
    xbtab_arch_destroy(&arch);
    xbtab_models_destroy(&models);
    return code;
}

int cmd_cost(int argc, const char **argv)
{
    cost_request r = {.limit = 8};
    const char *arguments[2];
    const struct poptOption options[] = {
        {"arch", '\0', POPT_ARG_STRING, &r.arch, 0, "the preset whose hierarchy it stands on",
         "NAME|FILE.yaml"},
        {"tables", '\0', POPT_ARG_STRING, &r.tables, 0, "the array's read energy from these tables", "T.h5"},
        {"images", '\0', POPT_ARG_STRING, &r.images, 0,
         "what the network sees: slices that are 0 are skipped, drives meet the cells that they meet", "F"},
        CLI_WHOLE("limit", '\0', &r.limit, 1, 100000, "no more than so many images (8)", "N"),
        {"raw-pixels", '\0', POPT_ARG_NONE, &r.raw_pixels, 0, "feed bytes as 0..255 instead of 0..1", NULL},
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
