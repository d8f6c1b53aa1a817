/* fuzz_onnx.c - ONNX networks made of anything; small ones that open are run too, in float and in integers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz_file.h"
#include "graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void run_one(const xbtab_network *network, const xbtab_images *images, float *outputs)
{
    xbtab_quantized *quantized = NULL;
    const xbtab_run_options run = {.threads = 1};
    const xbtab_quantize_options options = {.run = run};
    if (xbtab_network_run(network, images, 1, &run, outputs) < 0) return;
    if (xbtab_quantized_create(&quantized, network, images, &options) < 0 ||
        xbtab_quantized_run(quantized, images, 1, NULL, NULL, &run, outputs) < 0) {
        if (!xbtab_error_message()[0]) abort();
    }
    xbtab_quantized_destroy(&quantized);
}

static void run_small(const xbtab_network *network)
{
    const xbtab__shape *s = &network->value[network->input].shape;
    const size_t most = 1 << 14, most_products = 1 << 18;
    size_t products = 0;
    for (int k = 0; k < network->n_nodes; k++) {
        const xbtab__linear *l = &network->node[k].linear;
        if (l->W) products += l->groups * l->inputs * l->outputs * l->positions;
    }
    if (network->memory + network->scratch > most || products > most_products) return;
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = s->size};
    if (s->rank == 4) {
        images.channels = (size_t)s->dim[1];
        images.height = (size_t)s->dim[2];
        images.width = (size_t)s->dim[3];
    }
    images.pixel = malloc(s->size * sizeof(float));
    float *outputs = malloc(xbtab_network_outputs(network) * sizeof *outputs);
    if (!images.pixel || !outputs) abort();
    for (size_t k = 0; k < s->size; k++) images.pixel[k] = 0.25f * (float)(k % 11) - 1.0f;
    run_one(network, &images, outputs);
    free(images.pixel);
    free(outputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab_network *network = NULL;
    const char *path = fuzz_file(data, n, ".onnx");
    if (xbtab_network_open(&network, path) < 0) {
        if (!xbtab_error_message()[0]) abort();
    } else {
        run_small(network);
    }
    xbtab_network_destroy(&network);
    unlink(path);
    return 0;
}
