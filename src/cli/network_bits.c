/* network_bits.c - network --sensitivity and --average-bits: trials of a network with some layers quantized.
 */
#include "network_bits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_LIMIT = 200 };

bool network_bits_asked(const network_bits *b)
{
    return b->sensitivity || b->average_bits != 0;
}

int network_bits_check(network_bits *b, const char *verb)
{
    int code = cli_quantizing_take(&b->quantizing, verb, &b->options);
    if (code != CLI_DONE) return code;
    if (network_bits_asked(b) && !b->images) return cli_usage(verb, "--images is missing");
    if (b->sensitivity && b->average_bits != 0)
        return cli_usage(verb, "--sensitivity and --average-bits are asked for one at a time");
    if (b->save && b->average_bits == 0) return cli_usage(verb, "--save-bits needs --average-bits");
    if (b->options.n_layer_bits && network_bits_asked(b))
        return cli_usage(verb, "--layer-bits is for infer; here each layer is tried on its own");
    return CLI_DONE;
}

/* What a run needs. */
typedef struct trial {
    xbtab_network *network;
    xbtab_images *images;
    xbtab_quantize_options options;
    size_t n_layers;
} trial;

/* Share of the images with their labels' outputs the largest; NaN without labels. */
static int accuracy_of(const trial *t, const xbtab_quantize_options *options, double *out)
{
    xbtab_quantized *q = NULL;
    size_t n = t->images->n, n_outputs = xbtab_network_outputs(t->network), right = 0;
    float *outputs = malloc(n * n_outputs * sizeof *outputs);
    int code = CLI_DONE;
    *out = NAN;
    if (!outputs) return cli_fail("out of memory");
    if (options ? xbtab_quantized_create(&q, t->network, t->images, options) < 0 ||
                      xbtab_quantized_run(q, t->images, n, NULL, NULL, &options->run, outputs) < 0
                : xbtab_network_run(t->network, t->images, n, &t->options.run, outputs) < 0) {
        code = cli_failed();
    }
    for (size_t k = 0; code == CLI_DONE && t->images->label && k < n; k++)
        right += xbtab_argmax(outputs + k * n_outputs, n_outputs) == (size_t)t->images->label[k];
    if (code == CLI_DONE && t->images->label) *out = (double)right / (double)n;
    xbtab_quantized_destroy(&q);
    free(outputs);
    return code;
}

static json_t *number(double x)
{
    return isnan(x) ? json_null() : json_real(x);
}

static int print_sensitivity(const trial *t, const xbtab_sensitivity *s, double in_float, int as_json)
{
    if (!as_json) {
        printf("%-32s %10s %5s %5s %10s %12s\n", "layer", "weights", "W", "x", "accuracy", "noise");
        for (size_t k = 0; k < t->n_layers; k++) {
            printf("%-32.32s %10zu %5d %5d %8.2f %% %12.3g\n", s[k].name, s[k].weights, s[k].weight_bits,
                   s[k].activation_bits, 100 * s[k].accuracy, s[k].noise);
        }
        printf("in float %.2f %% of %zu images; noise: mean square of what changes at the outputs over their "
               "own\n",
               100 * in_float, t->images->n);
        return CLI_DONE;
    }
    json_t *layers = json_array();
    for (size_t k = 0; k < t->n_layers; k++) {
        json_array_append_new(layers, json_pack("{s:s, s:I, s:i, s:i, s:o, s:f}", "name", s[k].name,
                                                "weights", (json_int_t)s[k].weights, "weight_bits",
                                                s[k].weight_bits, "activation_bits", s[k].activation_bits,
                                                "accuracy", number(s[k].accuracy), "noise", s[k].noise));
    }
    return cli_print_json(json_pack("{s:I, s:o, s:o}", "images", (json_int_t)t->images->n, "accuracy_float",
                                    number(in_float), "layers", layers));
}

static int run_sensitivity(const trial *t, int as_json)
{
    double in_float;
    xbtab_sensitivity *s = calloc(t->n_layers + 1, sizeof *s);
    if (!s) return cli_fail("out of memory");
    int code = accuracy_of(t, NULL, &in_float);
    if (code == CLI_DONE &&
        xbtab_network_sensitivity(t->network, t->images, t->images->n, &t->options, s) < 0)
        code = cli_failed();
    if (code == CLI_DONE) code = print_sensitivity(t, s, in_float, as_json);
    free(s);
    return code;
}

static int print_mix(const trial *t, const xbtab_layer_bits *bits, double used, double in_float, double mixed,
                     int as_json)
{
    if (!as_json) {
        for (size_t k = 0; k < t->n_layers; k++)
            printf("%-32.32s %d weight bits, %d activation bits\n", bits[k].name, bits[k].weight_bits,
                   bits[k].activation_bits);
        printf("%.3f weight bits on average; %.2f %% of %zu images, in float %.2f %%\n", used, 100 * mixed,
               t->images->n, 100 * in_float);
        return CLI_DONE;
    }
    json_t *layers = json_array();
    for (size_t k = 0; k < t->n_layers; k++) {
        json_array_append_new(layers,
                              json_pack("{s:s, s:i, s:i}", "name", bits[k].name, "weight_bits",
                                        bits[k].weight_bits, "activation_bits", bits[k].activation_bits));
    }
    return cli_print_json(json_pack("{s:I, s:o, s:o, s:f, s:o}", "images", (json_int_t)t->images->n,
                                    "accuracy_float", number(in_float), "accuracy_mixed", number(mixed),
                                    "average_bits", used, "layers", layers));
}

static int run_mix(const trial *t, const network_bits *b, int as_json)
{
    double used, in_float, mixed;
    xbtab_layer_bits *bits = calloc(t->n_layers + 1, sizeof *bits);
    if (!bits) return cli_fail("out of memory");
    int code = CLI_DONE;
    if (xbtab_network_mix_bits(t->network, t->images, t->images->n, &t->options, b->average_bits, bits,
                               &used) < 0)
        code = cli_failed();
    xbtab_quantize_options options = t->options;
    options.layer_bits = bits;
    options.n_layer_bits = t->n_layers;
    if (code == CLI_DONE) code = accuracy_of(t, NULL, &in_float);
    if (code == CLI_DONE) code = accuracy_of(t, &options, &mixed);
    if (code == CLI_DONE && b->save && xbtab_layer_bits_save(bits, t->n_layers, b->save) < 0)
        code = cli_failed();
    if (code == CLI_DONE) code = print_mix(t, bits, used, in_float, mixed, as_json);
    free(bits);
    return code;
}

int network_bits_run(const network_bits *b, const char *path, int as_json)
{
    trial t = {.options = b->options};
    int code = CLI_DONE;
    t.options.run =
        (xbtab_run_options){.raw_pixels = b->raw_pixels, .threads = b->threads, .progress = cli_progress};
    cli_catch_interrupt();
    if (xbtab_images_open(&t.images, b->images, b->labels, (size_t)(b->limit ? b->limit : DEFAULT_LIMIT)) < 0)
        code = cli_failed();
    if (code == CLI_DONE) code = cli_open_network(&t.network, "network", path, &b->shapes, t.images);
    if (code == CLI_DONE) {
        t.n_layers = xbtab_network_layers(t.network);
        if (xbtab_images_check_labels(t.images, xbtab_network_outputs(t.network)) < 0) {
            code = cli_failed();
        } else {
            code = b->sensitivity ? run_sensitivity(&t, as_json) : run_mix(&t, b, as_json);
        }
    }
    xbtab_images_destroy(&t.images);
    xbtab_network_destroy(&t.network);
    return code;
}
