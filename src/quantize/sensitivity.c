/* sensitivity.c - what quantizing one layer alone does to a network, and bits for each layer within a budget.
 */
#include <math.h>
#include <string.h>

#include "each.h"
#include "memory.h"
#include "ranges.h"

/* A network on some images, and all that stays the same from one trial to the next. */
typedef struct trials {
    const xbtab_network *network;
    const xbtab_images *images;
    size_t n, n_outputs, n_layers;
    xbtab_quantize_options options;
    xbtab__ranges ranges;
    xbtab_layer_bits *bits; /* bits[n_layers]: all in float but one */
    size_t *weights;        /* weights[n_layers] */
    float *wanted, *got;    /* [n][n_outputs]: in float, and of a trial */
    double power;           /* mean square of the outputs in float */
    /* where the trials' results go */
    xbtab_sensitivity *sensitivity; /* sensitivity[n_layers] */
    double *noise;                  /* noise[n_layers][N_TRIED] */
} trials;

static void trials_clear(trials *t)
{
    xbtab__ranges_clear(&t->ranges);
    xbtab__free(t->bits);
    xbtab__free(t->weights);
    xbtab__free(t->wanted);
    xbtab__free(t->got);
}

/* What a quantized run hands out instead of the last monotone operator's numbers. */
static xbtab_status run_reference(trials *t)
{
    xbtab_quantized *q = NULL;
    XBTAB_TRY(xbtab__quantized_again(&q, t->network, t->images, &t->ranges, &t->options));
    xbtab_status status = xbtab_quantized_run(q, t->images, t->n, NULL, NULL, &t->options.run, t->wanted);
    xbtab_quantized_destroy(&q);
    for (size_t k = 0; k < t->n * t->n_outputs; k++) t->power += (double)t->wanted[k] * (double)t->wanted[k];
    return status;
}

static xbtab_status trials_init(trials *t, const xbtab_network *network, const xbtab_images *images, size_t n,
                                const xbtab_quantize_options *options)
{
    *t = (trials){.network = network,
                  .images = images,
                  .n = n,
                  .n_outputs = xbtab_network_outputs(network),
                  .n_layers = xbtab_network_layers(network),
                  .options = options ? *options : (xbtab_quantize_options){0}};
    size_t calibration = t->options.n_images ? t->options.n_images : 100;
    if (network->is_quantized)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: is quantized already; only float networks have a choice of bits", network->path);
    XBTAB_TRY(xbtab__check_images(network, images, n));
    XBTAB_TRY(xbtab__ranges_find(&t->ranges, network, images,
                                 calibration < images->n ? calibration : images->n, &t->options));
    t->bits = xbtab__alloc(t->n_layers, sizeof *t->bits);
    t->weights = xbtab__alloc(t->n_layers, sizeof *t->weights);
    t->wanted = xbtab__alloc(n * t->n_outputs, sizeof *t->wanted);
    t->got = xbtab__alloc(n * t->n_outputs, sizeof *t->got);
    if (!t->bits || !t->weights || !t->wanted || !t->got) return XBTAB_NOMEM();
    size_t layer = 0;
    for (int k = 0; k < network->n_nodes; k++) {
        const xbtab__linear *l = &network->node[k].linear;
        if (!l->W) continue;
        t->weights[layer] = l->groups * l->outputs * l->inputs;
        t->bits[layer++] = (xbtab_layer_bits){.name = network->node[k].name,
                                              .weight_bits = XBTAB_BITS_FLOAT,
                                              .activation_bits = XBTAB_BITS_FLOAT};
    }
    t->options.layer_bits = t->bits;
    t->options.n_layer_bits = t->n_layers;
    return run_reference(t);
}

/* One layer with so many bits, all others in float. */
static xbtab_status try_layer(trials *t, size_t layer, int weight_bits, int activation_bits,
                              xbtab_sensitivity *out)
{
    xbtab_quantized *q = NULL;
    xbtab_layer_bits kept = t->bits[layer];
    t->bits[layer].weight_bits = weight_bits;
    t->bits[layer].activation_bits = activation_bits;
    xbtab_status status = xbtab__quantized_again(&q, t->network, t->images, &t->ranges, &t->options);
    if (status == XBTAB_OK)
        status = xbtab_quantized_run(q, t->images, t->n, NULL, NULL, &t->options.run, t->got);
    xbtab_quantized_destroy(&q);
    t->bits[layer] = kept;
    XBTAB_TRY(status);
    double noise = 0;
    size_t right = 0;
    for (size_t k = 0; k < t->n * t->n_outputs; k++) {
        double off = (double)t->got[k] - (double)t->wanted[k];
        noise += off * off;
    }
    for (size_t k = 0; k < t->n && t->images->label; k++)
        right += xbtab_argmax(t->got + k * t->n_outputs, t->n_outputs) == (size_t)t->images->label[k];
    *out = (xbtab_sensitivity){.name = kept.name,
                               .weights = t->weights[layer],
                               .weight_bits = weight_bits,
                               .activation_bits = activation_bits,
                               .accuracy = t->images->label ? (double)right / (double)t->n : NAN,
                               .noise = t->power > 0 ? noise / t->power : 0};
    return XBTAB_OK;
}

static int bits_or(int bits)
{
    return bits ? bits : 8;
}

static xbtab_status try_alone(void *context, size_t layer, int thread)
{
    trials *t = context;
    (void)thread;
    return try_layer(t, layer, bits_or(t->options.weight_bits), bits_or(t->options.activation_bits),
                     &t->sensitivity[layer]);
}

/* One trial after the other: each has all threads. */
static xbtab_status for_trials(trials *t, size_t n, const char *what, xbtab__each_fn work)
{
    const xbtab__each_options loop = {.threads = 1,
                                      .what = what,
                                      .items = "trials",
                                      .progress = t->options.run.progress,
                                      .payload = t->options.run.payload};
    t->options.run.progress = NULL; /* the trials' tells it */
    return xbtab__each(n, &loop, work, t);
}

xbtab_status xbtab_network_sensitivity(const xbtab_network *network, const xbtab_images *images, size_t n,
                                       const xbtab_quantize_options *options, xbtab_sensitivity *out)
{
    trials t;
    xbtab_status status = trials_init(&t, network, images, n, options);
    if (status == XBTAB_OK) {
        t.sensitivity = out;
        status = for_trials(&t, t.n_layers, "layers quantized alone", try_alone);
    }
    trials_clear(&t);
    return status;
}

/* ---- bits within a budget ---- */

static const int tried_bits[] = {2, 3, 4, 6, 8};
enum { N_TRIED = sizeof tried_bits / sizeof tried_bits[0] };

/* Trial of a layer with one of the numbers of bits. */
static xbtab_status try_bits(void *context, size_t trial, int thread)
{
    trials *t = context;
    xbtab_sensitivity s;
    (void)thread;
    XBTAB_TRY(
        try_layer(t, trial / N_TRIED, tried_bits[trial % N_TRIED], bits_or(t->options.activation_bits), &s));
    t->noise[trial] = s.noise;
    return XBTAB_OK;
}

/* The step up, of any layer and by any number of places, that takes off the most noise for a bit and still
 * fits.
 * @return false where none does. */
static bool find_step(const trials *t, double (*noise)[N_TRIED], const int *place, double room, size_t *layer,
                      int *to)
{
    double best = 0;
    for (size_t l = 0; l < t->n_layers; l++) {
        for (int p = place[l] + 1; p < N_TRIED; p++) {
            double cost = (double)(tried_bits[p] - tried_bits[place[l]]) * (double)t->weights[l];
            double gain = (noise[l][place[l]] - noise[l][p]) / cost;
            if (cost > room || gain <= best) continue;
            best = gain;
            *layer = l;
            *to = p;
        }
    }
    return best > 0;
}

xbtab_status xbtab_network_mix_bits(const xbtab_network *network, const xbtab_images *images, size_t n,
                                    const xbtab_quantize_options *options, double average_bits,
                                    xbtab_layer_bits *out, double *used)
{
    trials t;
    double(*noise)[N_TRIED] = NULL, all = 0, room, spent = 0;
    int *place = NULL;
    xbtab_status status;
    if (!(average_bits >= tried_bits[0] && average_bits <= tried_bits[N_TRIED - 1]))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%g bits on average are outside 2 to 8", average_bits);
    XBTAB_TRY_DONE(trials_init(&t, network, images, n, options));
    noise = xbtab__alloc(t.n_layers, sizeof *noise);
    place = xbtab__alloc(t.n_layers, sizeof *place);
    if (!noise || !place) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t l = 0; l < t.n_layers; l++) all += (double)t.weights[l];
    t.noise = noise[0];
    XBTAB_TRY_DONE(for_trials(&t, t.n_layers * N_TRIED, "layers with 2 to 8 bits", try_bits));
    room = (average_bits - tried_bits[0]) * all * (1 + 1e-12);
    int to;
    for (size_t l; find_step(&t, noise, place, room, &l, &to); place[l] = to)
        room -= (double)(tried_bits[to] - tried_bits[place[l]]) * (double)t.weights[l];
done:
    for (size_t l = 0; status == XBTAB_OK && l < t.n_layers; l++) {
        out[l] = (xbtab_layer_bits){.name = t.bits[l].name,
                                    .weight_bits = tried_bits[place[l]],
                                    .activation_bits = bits_or(t.options.activation_bits)};
        spent += (double)tried_bits[place[l]] * (double)t.weights[l];
    }
    if (status == XBTAB_OK) *used = all > 0 ? spent / all : 0;
    xbtab__free(noise);
    xbtab__free(place);
    trials_clear(&t);
    return status;
}
