/* quantizing.c - options of how a float network is quantized. */
#include "quantizing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/number.h>

static int take_range(const char *verb, const char *option, const char *text, xbtab_clip *out)
{
    static const char *const words[] = {"minmax", "percentile", "mse"};
    for (int k = 0; k < 3; k++) {
        if (text && strcmp(text, words[k]) != 0) continue;
        *out = (xbtab_clip)k;
        return CLI_DONE;
    }
    return cli_usage(verb, "--%s %s is not minmax, percentile or mse", option, text);
}

static bool take_bits(const char **at, int *out)
{
    char text[8];
    int64_t bits;
    if (strncmp(*at, "float", 5) == 0) {
        *out = XBTAB_BITS_FLOAT;
        *at += 5;
        return true;
    }
    size_t n = strcspn(*at, "/");
    if (n >= sizeof text) return false;
    memcpy(text, *at, n);
    text[n] = '\0';
    if (xbtab_number_whole(&bits, text, 1, 16) != XBTAB_NUMBER_FINE) return false;
    *out = (int)bits;
    *at += n;
    return true;
}

/* "name=4/8,other=float": the bits stand behind the last = of a part. */
static int take_list(cli_quantizing *q, const char *verb)
{
    size_t n = 1;
    for (const char *c = q->layer_bits; *c; c++) n += *c == ',';
    q->names = strdup(q->layer_bits);
    q->layers = calloc(n, sizeof *q->layers);
    if (!q->names || !q->layers) return cli_fail("out of memory");
    for (char *part = q->names; part && q->n_layers < n;) {
        char *next = strchr(part, ',');
        if (next) *next++ = '\0';
        char *equals = strrchr(part, '=');
        xbtab_layer_bits *b = &q->layers[q->n_layers++];
        const char *at = equals ? equals + 1 : "";
        bool is_right = equals && equals > part && take_bits(&at, &b->weight_bits);
        if (is_right && *at == '/') {
            at++;
            is_right = take_bits(&at, &b->activation_bits);
        }
        if (!is_right || *at)
            return cli_usage(verb, "--layer-bits %s is not NAME=W, NAME=W/A or NAME=float with 1 to 16 bits",
                             part);
        *equals = '\0';
        b->name = part;
        part = next;
    }
    return CLI_DONE;
}

int cli_quantizing_take(cli_quantizing *q, const char *verb, xbtab_quantize_options *o)
{
    int code = take_range(verb, "weight-range", q->weight_range, &o->weight_range);
    if (code == CLI_DONE)
        code = take_range(verb, "activation-range", q->activation_range, &o->activation_range);
    if (code != CLI_DONE) return code;
    o->weight_bits = q->weight_bits;
    o->activation_bits = q->activation_bits;
    o->percentile = q->percentile;
    o->weights_per_tensor = q->per_tensor;
    o->bias_correction = q->bias_correction;
    if (q->layer_bits && strchr(q->layer_bits, '=') && access(q->layer_bits, F_OK) != 0) {
        code = take_list(q, verb);
    } else if (q->layer_bits && xbtab_layer_bits_open(&q->layers, &q->n_layers, q->layer_bits) < 0) {
        code = cli_failed();
    }
    o->layer_bits = q->layers;
    o->n_layer_bits = q->n_layers;
    return code;
}

void cli_quantizing_give(const cli_quantizing *q, const xbtab_quantize_options *o, xbtab_study_options *study)
{
    study->quantize = *o;
    study->own_weight_range = q->weight_range != NULL;
    study->own_activation_range = q->activation_range != NULL;
}

void cli_quantizing_clear(cli_quantizing *q)
{
    free(q->layers);
    free(q->names);
}
