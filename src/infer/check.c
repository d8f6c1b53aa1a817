/* check.c - products drawn from the user's own run, solved again by the reference engine.
 *
 * A draw picks an image, and then one product of one tile, with equal chances for all that the image causes.
 * The image is run, the product's input caught on its way to the tile, and the tile's answer compared with
 * the exact solution of the same circuit. */
#include <math.h>
#include <string.h>

#include "engine_private.h"
#include "exact.h"
#include "mapping.h"
#include "memory.h"
#include "random.h"
#include "technology.h"

typedef struct pick {
    size_t image, matrix, product, tile;
    int slice;
} pick;

static pick draw(const xbtab_mapped *mapped, size_t n_images, uint64_t seed, uint32_t sample)
{
    xbtab__random random;
    double total = 0;
    pick p;
    xbtab__random_init(&random, seed, XBTAB__RANDOM_CHECK, sample, 0);
    p.image = xbtab__random_below(&random, (uint32_t)n_images);
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        total += (double)mm->m->products * (double)mm->n_tiles * mm->input_slices;
    }
    double at = total * xbtab__random_uniform(&random);
    for (p.matrix = 0; p.matrix + 1 < mapped->n_matrices; p.matrix++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[p.matrix];
        at -= (double)mm->m->products * (double)mm->n_tiles * mm->input_slices;
        if (at < 0) break;
    }
    const xbtab__mapped_matrix *mm = &mapped->matrix[p.matrix];
    p.product = xbtab__random_below(&random, (uint32_t)mm->m->products);
    p.tile = mm->first_tile + xbtab__random_below(&random, (uint32_t)mm->n_tiles);
    p.slice = (int)xbtab__random_below(&random, (uint32_t)mm->input_slices);
    return p;
}

typedef struct catch_input {
    const xbtab_mapped *mapped;
    const pick *pick;
    uint16_t *code; /* code[n_inputs of the tile]: the slice's DAC codes */
} catch_input;

static void catch_vector(void *context, size_t m, size_t first, size_t n, const uint16_t *x)
{
    const catch_input *c = context;
    if (m != c->pick->matrix || c->pick->product < first || c->pick->product >= first + n) return;
    const xbtab__mapped_tile *t = &c->mapped->tile[c->pick->tile];
    size_t inputs = c->mapped->matrix[m].m->inputs;
    unsigned mask = (1u << c->mapped->dac_bits) - 1;
    const uint16_t *v = x + (c->pick->product - first) * inputs + t->first_input;
    for (size_t i = 0; i < t->n_inputs; i++) {
        c->code[i] = (uint16_t)((unsigned)v[i] >> (c->pick->slice * c->mapped->dac_bits) & mask);
    }
}

/* Memory for one product at a time. */
typedef struct bench {
    uint8_t *level, *code;
    uint16_t *x;
    double *I, *y;
    int32_t *acc;
    xbtab__exact *circuit;
    float *outputs;
} bench;

static void bench_clear(bench *b)
{
    void *blocks[] = {b->level, b->code, b->x, b->I, b->y, b->acc, b->outputs};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++) xbtab__free(blocks[k]);
    xbtab__exact_destroy(&b->circuit);
}

static xbtab_status bench_init(bench *b, const xbtab_mapped *mapped, size_t n_outputs)
{
    size_t rows = mapped->rows, columns = mapped->columns;
    *b = (bench){.level = xbtab__alloc(rows * columns, 1),
                 .code = xbtab__alloc(rows, 1),
                 .x = xbtab__alloc(rows, sizeof *b->x),
                 .I = xbtab__alloc(columns, sizeof *b->I),
                 .y = xbtab__alloc(columns, sizeof *b->y),
                 .acc = xbtab__alloc_aligned(xbtab_engine_stride(columns), sizeof *b->acc),
                 .outputs = xbtab__alloc(n_outputs, sizeof *b->outputs)};
    if (!b->level || !b->code || !b->x || !b->I || !b->y || !b->acc || !b->outputs) return XBTAB_NOMEM();
    return xbtab__exact_create(&b->circuit, mapped->setup.technology, rows, columns);
}

/* The table's own currents, in double precision, of the array G's first columns. */
static xbtab_status table_currents(bench *b, const xbtab_mapped *mapped, const void *state, const double *G,
                                   size_t columns)
{
    xbtab_tile *tile = NULL;
    double drive = 0;
    XBTAB_TRY(xbtab_tile_create(&tile, mapped->setup.technology, G, mapped->rows, mapped->columns));
    xbtab_tile_product(tile, b->code, b->y);
    xbtab_tile_destroy(&tile);
    for (size_t i = 0; i < mapped->rows; i++) drive += b->code[i];
    drive /= (double)mapped->rows * ((1 << mapped->dac_bits) - 1);
    for (size_t j = 0; j < columns; j++) b->y[j] = xbtab__engine_table_current(state, b->y[j], drive, j);
    return XBTAB_OK;
}

/* Both currents, of the whole array as the tile's engine has it. */
static xbtab_status solve_both(bench *b, const xbtab_mapped *mapped, const xbtab__mapped_tile *t,
                               size_t columns)
{
    double *G = NULL;
    xbtab__mapped_levels(mapped, t, b->level);
    XBTAB_TRY(
        xbtab__engine_conductances(&G, mapped->setup.technology->tables, b->level, t->n_inputs, columns));
    for (size_t i = 0; i < mapped->rows; i++) b->code[i] = (uint8_t)(i < t->n_inputs ? b->x[i] : 0);
    xbtab__exact_program(b->circuit, G);
    xbtab_status status = xbtab__exact_solve(b->circuit, b->code, b->I);
    if (status == XBTAB_OK) status = table_currents(b, mapped, t->state, G, columns);
    xbtab__free(G);
    return status;
}

static xbtab_status check_product(bench *b, const xbtab_mapped *mapped, const pick *p,
                                  xbtab_check_report *report)
{
    const xbtab_technology *technology = mapped->setup.technology;
    const xbtab__mapped_tile *t = &mapped->tile[p->tile];
    size_t columns = 2 * (size_t)mapped->matrix[p->matrix].weight_slices * t->n_outputs;
    int adc_bits = mapped->setup.adc_bits ? mapped->setup.adc_bits : technology->tables->adc_bits;
    double largest = ldexp(1.0, adc_bits) - 1.0, scale = ldexp(1.0, adc_bits - technology->tables->adc_bits);
    xbtab_product_counts counts = {0};
    XBTAB_TRY(solve_both(b, mapped, t, columns));
    memset(b->acc, 0, xbtab_engine_stride(mapped->columns) * sizeof *b->acc);
    XBTAB_TRY(mapped->engine->product(t->state, b->x, 1, 1, b->acc, &counts));
    for (size_t j = 0; j < columns; j++) {
        double error = (b->y[j] - b->I[j]) / report->full_scale;
        double wanted =
            fmin(fmax(floor(scale * xbtab_technology_adc(technology, b->I[j]) + 0.5), 0.0), largest);
        double off = b->acc[j] - wanted;
        report->rmse += error * error; /* sums until the end */
        report->rmse_codes += off * off;
        report->max = fmax(report->max, fabs(error));
        report->max_codes = fmax(report->max_codes, fabs(off));
        report->codes_differ += off != 0;
        report->codes++;
    }
    return XBTAB_OK;
}

xbtab_status xbtab_mapped_check(const xbtab_mapped *mapped, const xbtab_images *images, size_t n_samples,
                                uint64_t seed, const xbtab_run_options *options, xbtab_check_report *report)
{
    xbtab_status status;
    bench b = {0};
    xbtab_run_options one = options ? *options : (xbtab_run_options){0};
    size_t size = images->channels * images->height * images->width;
    xbtab_images image = *images;
    *report = (xbtab_check_report){
        .engine = "solve",
        .samples = n_samples,
        .full_scale = xbtab_technology_tables(mapped->setup.technology)->transfer.error.full_scale};
    one.threads = 1;
    one.progress = NULL;
    XBTAB_TRY_DONE(bench_init(&b, mapped, xbtab_quantized_outputs(mapped->quantized)));
    for (size_t s = 0; s < n_samples; s++) {
        pick p = draw(mapped, images->n, seed, (uint32_t)s);
        catch_input c = {.mapped = mapped, .pick = &p, .code = b.x};
        image.n = 1;
        image.pixel = images->pixel + p.image * size;
        XBTAB_TRY_DONE(xbtab__mapped_run_watched(mapped, &image, 1, &one, b.outputs, NULL, catch_vector, &c));
        XBTAB_TRY_DONE(check_product(&b, mapped, &p, report));
        xbtab_progress progress = {
            .what = "checking products", .done = (long)s + 1, .total = (long)n_samples, .seconds_left = -1};
        if (options && options->progress && options->progress(&progress, options->payload)) {
            XBTAB_FAIL_DONE(XBTAB_ERR_CANCELED, "canceled with %zu of %zu products checked", s + 1,
                            n_samples);
        }
    }
    if (report->codes) {
        report->rmse = sqrt(report->rmse / (double)report->codes);
        report->rmse_codes = sqrt(report->rmse_codes / (double)report->codes);
    }
done:
    bench_clear(&b);
    return status;
}
