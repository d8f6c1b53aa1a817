/* explain_fixture.h - a small network, its images and the tables of a tile with wires, curved cells and a
 * TIA, for the tests of explain. */
#ifndef XBTAB_TESTS_EXPLAIN_FIXTURE_H
#define XBTAB_TESTS_EXPLAIN_FIXTURE_H

#include <stdlib.h>

#include <xbartab/explain.h>

#include "exact.h"
#include "file_fixture.h"
#include "fit_transfer.h"
#include "memory.h"
#include "onnx_build.h"
#include "random.h"
#include "sinh_tables.h"

enum { IMAGES = 60, TILES = 4, VECTORS = 7, SIDE = 64, LAYERS = 2, INPUT = 9, CHANNELS = 3, OUTPUTS = 11 };

#define BIT(name) XBTAB_EFFECT_BIT(XBTAB_EFFECT_##name)

/* Sample tiles, solved exactly. */
static inline void add_samples(xbtab_tables *t)
{
    size_t cells = t->rows * t->columns, n = (size_t)TILES * VECTORS;
    xbtab_sample_data *s = &t->samples;
    xbtab_technology *technology = NULL;
    xbtab__exact *circuit = NULL;
    xbtab__random random;
    double *G = xbtab__alloc(cells, sizeof *G);
    *s = (xbtab_sample_data){.n_tiles = TILES,
                             .n_vectors = VECTORS,
                             .is_heldout = calloc(TILES, sizeof(int32_t)),
                             .level = calloc(TILES * cells, 1),
                             .code = calloc(n * t->rows, 1),
                             .status = calloc(n, sizeof(int32_t)),
                             .I_out = calloc(n * t->columns, sizeof(double)),
                             .V_out = calloc(n * t->columns, sizeof(double)),
                             .P = calloc(n, sizeof(double))};
    xbtab__random_init(&random, 3, XBTAB__RANDOM_TEST, 0, 0);
    assert_int_equal(xbtab_technology_create(&technology, t), XBTAB_OK);
    assert_int_equal(xbtab__exact_create(&circuit, technology, t->rows, t->columns), XBTAB_OK);
    s->is_heldout[TILES - 1] = 1;
    for (size_t tile = 0; tile < TILES; tile++) {
        for (size_t c = 0; c < cells; c++) {
            s->level[tile * cells + c] = (uint8_t)xbtab__random_below(&random, (uint32_t)t->n_levels);
            G[c] = t->G_level[s->level[tile * cells + c]];
        }
        xbtab__exact_program(circuit, G);
        for (size_t v = tile * VECTORS; v < (tile + 1) * VECTORS; v++) {
            double density = (double)(1 + v % VECTORS) / VECTORS;
            for (size_t i = 0; i < t->rows; i++)
                s->code[v * t->rows + i] = xbtab__random_uniform(&random) < density;
            assert_int_equal(xbtab__exact_solve(circuit, s->code + v * t->rows, s->I_out + v * t->columns),
                             XBTAB_OK);
            s->P[v] = xbtab__exact_power(circuit);
        }
    }
    free(t->transfer.power);
    free(t->transfer.coefficient);
    t->transfer = (xbtab_transfer_data){0};
    assert_int_equal(xbtab__fit_transfer(t), XBTAB_OK);
    xbtab__exact_destroy(&circuit);
    xbtab_technology_destroy(&technology);
    xbtab__free(G);
}

typedef struct fixture {
    float x[IMAGES * CHANNELS * INPUT * INPUT], real[IMAGES * OUTPUTS];
    float W1[14 * CHANNELS * 9], W2[14 * 16 * OUTPUTS];
    int32_t label[IMAGES];
    xbtab_images images;
    xbtab_network *network;
    xbtab_quantized *quantized;
    xbtab_tables *tables;
    xbtab_technology *technology;
} fixture;

/* A convolution and a dense layer of random weights, whose float answers are the labels. */
static inline void make_network(fixture *f)
{
    onnx_build b;
    xbtab__random random;
    xbtab__random_init(&random, 12, XBTAB__RANDOM_TEST, 0, 0);
    float *all[] = {f->x, f->W1, f->W2};
    size_t n[] = {sizeof f->x, sizeof f->W1, sizeof f->W2};
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < n[k] / sizeof(float); i++)
            all[k][i] = (float)(k ? xbtab__random_normal(&random) : xbtab__random_uniform(&random));
    }
    build_begin(&b, 4, (int64_t[]){1, CHANNELS, INPUT, INPUT}, "y");
    build_floats(&b, "W1", 4, (int64_t[]){14, CHANNELS, 3, 3}, f->W1);
    build_floats(&b, "W2", 2, (int64_t[]){14 * 16, OUTPUTS}, f->W2);
    build_node(&b, "Conv", "c", "x", "W1", NULL);
    build_attribute(&b, "strides", 2, (int64_t[]){2, 2}, 0, NULL);
    build_node(&b, "Relu", "r", "c", NULL, NULL);
    build_node(&b, "Flatten", "f", "r", NULL, NULL);
    build_node(&b, "MatMul", "y", "f", "W2", NULL);
    build_write(&b, path);
    f->images = (xbtab_images){
        .n = IMAGES, .channels = CHANNELS, .height = INPUT, .width = INPUT, .pixel = f->x, .label = f->label};
    if (xbtab_network_open(&f->network, path) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(xbtab_network_run(f->network, &f->images, IMAGES, NULL, f->real), XBTAB_OK);
    for (size_t k = 0; k < IMAGES; k++) f->label[k] = (int32_t)xbtab_argmax(f->real + k * OUTPUTS, OUTPUTS);
}

/* Wires that cost a few percent, strongly curved cells, a TIA with an input voltage. */
static inline void prepare(fixture *f, size_t side)
{
    const xbtab_quantize_options bits = {.weight_bits = 4, .activation_bits = 5};
    *f = (fixture){.tables = sinh_tables(&(sinh_design){.rows = side,
                                                        .columns = side,
                                                        .n_levels = 4,
                                                        .dac_bits = 1,
                                                        .adc_bits = 8,
                                                        .r_word = 2,
                                                        .r_bit = 2,
                                                        .V0 = 0.2})};
    for (size_t k = 0; k < f->tables->tia.n; k++) f->tables->tia.V_in[k] *= 100;
    add_samples(f->tables);
    make_network(f);
    assert_int_equal(xbtab_quantized_create(&f->quantized, f->network, &f->images, &bits), XBTAB_OK);
    assert_int_equal(xbtab_technology_create(&f->technology, f->tables), XBTAB_OK);
}

static inline void finish(fixture *f)
{
    xbtab_technology_destroy(&f->technology);
    xbtab_tables_destroy(&f->tables);
    xbtab_quantized_destroy(&f->quantized);
    xbtab_network_destroy(&f->network);
}

#endif
