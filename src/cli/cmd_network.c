/* cmd_network.c - network FILE.onnx: its layers, and what they take on tiles, without running it; on images,
 * how sensitive its layers are to their bits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/infer.h>

#include "network_bits.h"

typedef struct network_options {
    int rows, columns, cell_bits, weight_bits, activation_bits, as_json;
} network_options;

/* Tiles of one node's matrices, as infer maps them; 0 where an output does not fit. */
static size_t tiles_of(const network_options *o, const xbtab_network_node *n)
{
    return xbtab_tiles_needed(
        &(xbtab_tile_need){.groups = n->groups,
                           .inputs = n->inputs,
                           .outputs = n->outputs,
                           .weight_bits = n->weight_bits ? n->weight_bits : o->weight_bits,
                           .rows = (size_t)o->rows,
                           .columns = (size_t)o->columns,
                           .cell_bits = o->cell_bits});
}

static void shape_text(const xbtab_network_node *n, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (int k = 0; k < n->rank && length < size; k++)
        length += (size_t)snprintf(out + length, size - length, "%s%lld", k ? "x" : "", (long long)n->dim[k]);
}

static void bits_text(int given, int otherwise, char *out, size_t size)
{
    if (given) {
        snprintf(out, size, "%d", given);
    } else {
        snprintf(out, size, "(%d)", otherwise);
    }
}

static json_t *node_json(const network_options *o, const xbtab_network_node *n)
{
    json_t *shape = json_array();
    for (int k = 0; k < n->rank; k++) json_array_append_new(shape, json_integer((json_int_t)n->dim[k]));
    json_t *node = json_pack("{s:s, s:s, s:o}", "name", n->name, "operator", n->type, "shape", shape);
    if (n->inputs) {
        json_object_set_new(node, "groups", json_integer((json_int_t)n->groups));
        json_object_set_new(node, "inputs", json_integer((json_int_t)n->inputs));
        json_object_set_new(node, "outputs", json_integer((json_int_t)n->outputs));
        json_object_set_new(node, "products", json_integer((json_int_t)n->products));
        json_object_set_new(node, "weight_bits", json_integer(n->weight_bits));
        json_object_set_new(node, "activation_bits", json_integer(n->activation_bits));
        json_object_set_new(node, "tiles", json_integer((json_int_t)tiles_of(o, n)));
    }
    return node;
}

/* How wide the columns are. */
typedef struct widths {
    int name, type, shape;
} widths;

static void widen(widths *w, const xbtab_network_node *n)
{
    enum { MOST = 60 };
    char shape[96];
    shape_text(n, shape, sizeof shape);
    const char *const text[] = {n->name, n->type, shape};
    int *const width[] = {&w->name, &w->type, &w->shape};
    for (int k = 0; k < 3; k++) {
        int length = (int)strnlen(text[k], MOST);
        *width[k] = length > *width[k] ? length : *width[k];
    }
}

static void node_line(const network_options *o, const widths *w, const xbtab_network_node *n)
{
    char shape[96], matrix[72], weights[16], activations[16];
    shape_text(n, shape, sizeof shape);
    printf("%-*.*s  %-*s  ", w->name, w->name, n->name, w->type, n->type);
    if (!n->inputs) {
        printf("%s\n", shape);
        return;
    }
    bits_text(n->weight_bits, o->weight_bits, weights, sizeof weights);
    bits_text(n->activation_bits, o->activation_bits, activations, sizeof activations);
    snprintf(matrix, sizeof matrix, "%zu x %zu x %zu", n->groups, n->inputs, n->outputs);
    printf("%-*s  %-17s %8zu %5s %5s %10.3g %6zu\n", w->shape, shape, matrix, n->products, weights,
           activations, (double)(n->groups * n->inputs * n->outputs * n->products), tiles_of(o, n));
}

/* Sums over all layers. */
typedef struct totals {
    double weights, macs;
    size_t tiles;
    bool has_float; /* layers whose bits are infer's to choose */
} totals;

static int add_up(const network_options *o, const char *path, const xbtab_network_node *n, totals *sum)
{
    if (!n->inputs) return CLI_DONE;
    if (tiles_of(o, n) == 0)
        return cli_fail("%s: an output of node \"%s\" does not fit %d columns", path, n->name, o->columns);
    double weights = (double)(n->groups * n->inputs * n->outputs);
    sum->tiles += tiles_of(o, n);
    sum->weights += weights;
    sum->macs += weights * (double)n->products;
    sum->has_float = sum->has_float || !n->weight_bits || !n->activation_bits;
    return CLI_DONE;
}

static void print_table(const network_options *o, const xbtab_network_node *node, size_t n, const totals *sum)
{
    widths w = {4, 8, 6};
    for (size_t k = 0; k < n; k++) widen(&w, &node[k]);
    printf("%-*s  %-*s  %-*s  %-17s %8s %5s %5s %10s %6s\n", w.name, "node", w.type, "operator", w.shape,
           "output", "groups x in x out", "vectors", "W", "x", "MACs", "tiles");
    for (size_t k = 0; k < n; k++) node_line(o, &w, &node[k]);
    printf("%.6g weights, %.6g multiply-accumulates an image, %zu tiles of %d x %d with %d bit%s a cell; W: "
           "bits "
           "of a weight with its sign, x: of an input%s\n",
           sum->weights, sum->macs, sum->tiles, o->rows, o->columns, o->cell_bits,
           o->cell_bits > 1 ? "s" : "",
           sum->has_float ? "; bits in brackets: in float, quantized by infer" : "");
}

static int print_nodes(const network_options *o, const char *path, const xbtab_network *network,
                       xbtab_network_node *node, size_t n)
{
    totals sum = {0};
    int code = CLI_DONE;
    for (size_t k = 0; k < n && code == CLI_DONE; k++) {
        if (xbtab_network_node_get(network, k, &node[k]) < 0) return cli_failed();
        code = add_up(o, path, &node[k], &sum);
    }
    if (code != CLI_DONE) return code;
    if (!o->as_json) {
        print_table(o, node, n, &sum);
        return CLI_DONE;
    }
    json_t *nodes = json_array();
    for (size_t k = 0; k < n; k++) json_array_append_new(nodes, node_json(o, &node[k]));
    return cli_print_json(json_pack("{s:o, s:f, s:f, s:I, s:I}", "nodes", nodes, "weights", sum.weights,
                                    "macs", sum.macs, "outputs", (json_int_t)xbtab_network_outputs(network),
                                    "tiles", (json_int_t)sum.tiles));
}

/* Images, where they are given, are for open axes alone. */
static int open_network(xbtab_network **out, const network_bits *bits, const char *path)
{
    xbtab_images *images = NULL;
    if (bits->images && xbtab_images_open(&images, bits->images, NULL, 1) < 0) return cli_failed();
    int code = cli_open_network(out, "network", path, &bits->shapes, images);
    xbtab_images_destroy(&images);
    return code;
}

static int describe(const network_options *o, const network_bits *bits, const char *path)
{
    xbtab_network *network = NULL;
    int code = open_network(&network, bits, path);
    if (code != CLI_DONE) return code;
    size_t n = xbtab_network_nodes(network);
    xbtab_network_node *node = calloc(n + 1, sizeof *node);
    code = node ? print_nodes(o, path, network, node, n) : cli_fail("no memory for %zu nodes", n);
    free(node);
    xbtab_network_destroy(&network);
    return code;
}

int cmd_network(int argc, const char **argv)
{
    network_options o = {.rows = 64, .columns = 64, .cell_bits = 2};
    network_bits bits = {0};
    const char *arguments[2];
    const struct poptOption options[] = {
        CLI_WHOLE("rows", '\0', &o.rows, 1, 4096, "word lines of a tile (64)", "N"),
        CLI_WHOLE("columns", '\0', &o.columns, 1, 4096, "bit lines of a tile (64)", "N"),
        CLI_WHOLE("cell-bits", '\0', &o.cell_bits, 1, 8, "bits a cell (2)", "N"),
        {"sensitivity", '\0', POPT_ARG_NONE, &bits.sensitivity, 0,
         "run images with one layer at a time quantized", NULL},
        CLI_REAL("average-bits", '\0', &bits.average_bits, 2, 8,
                 "choose 2 to 8 bits for the weights of each layer, so many on average", "B"),
        {"save-bits", '\0', POPT_ARG_STRING, &bits.save, 0, "write the choice, for infer --layer-bits",
         "FILE.yaml"},
        {"images", '\0', POPT_ARG_STRING, &bits.images, 0,
         "for these, and for the sizes of open axes: IDX, CIFAR binary or .npy", "F"},
        {"labels", '\0', POPT_ARG_STRING, &bits.labels, 0, "IDX, .npy, or one integer a line", "F"},
        CLI_WHOLE("limit", '\0', &bits.limit, 0, INT_MAX, "run no more than so many images (200)", "N"),
        {"raw-pixels", '\0', POPT_ARG_NONE, &bits.raw_pixels, 0, "feed bytes as 0..255 instead of 0..1",
         NULL},
        CLI_WHOLE("threads", '\0', &bits.threads, 0, 1024, "threads (one a core)", "N"),
        CLI_INPUT_SHAPE(bits.shapes),
        CLI_QUANTIZING(bits.quantizing),
        {"json", '\0', POPT_ARG_NONE, &o.as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code =
        cli_parse(&context, argc, argv, options, "FILE.onnx",
                  "xbartab network data/networks/digits.onnx --rows 128 --columns 128", 1, 1, arguments);
    if (code == CLI_DONE) code = cli_input_shapes_take(&bits.shapes, argv[0]);
    if (code == CLI_DONE) code = network_bits_check(&bits, argv[0]);
    o.weight_bits = bits.quantizing.weight_bits ? bits.quantizing.weight_bits : 8;
    o.activation_bits = bits.quantizing.activation_bits ? bits.quantizing.activation_bits : 8;
    if (code == CLI_DONE) code = cli_check_output(bits.save);
    if (code == CLI_DONE && network_bits_asked(&bits)) {
        code = network_bits_run(&bits, arguments[0], o.as_json);
    } else if (code == CLI_DONE) {
        code = describe(&o, &bits, arguments[0]);
    }
    cli_input_shapes_clear(&bits.shapes);
    cli_quantizing_clear(&bits.quantizing);
    cli_finish(context, options);
    return code;
}
