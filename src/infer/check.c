/* check.c - products drawn from the user's own run, solved again by a reference.
 *
 * A draw picks an image, and then one product of one tile, with equal chances for all that the image causes.
 * The image is run, the product's input caught on its way to the tile, and the tile's answer compared with
 * the exact solution of the same circuit. */
#include <math.h>
#include <string.h>

#include "each.h"
#include "engine_private.h"
#include "exact.h"
#include "mapping.h"
#include "memory.h"
#include "random.h"
#include "technology.h"

typedef struct pick {
    size_t image, matrix, product, block, pass;
    int slice;
} pick;

static size_t passes_of(const xbtab_mapped *mapped, const xbtab__block *b)
{
    size_t lines = b->n_inputs * mapped->matrix[b->matrix].layout.map->lines;
    size_t at_once = xbtab__lines_at_once(mapped, b);
    return (lines + at_once - 1) / at_once;
}

static pick draw(const xbtab_mapped *mapped, size_t n_images, uint64_t seed, uint32_t sample)
{
    xbtab__random random;
    double total = 0;
    pick p;
    xbtab__random_init(&random, seed, XBTAB__RANDOM_CHECK, sample, 0);
    p.image = xbtab__random_below(&random, (uint32_t)n_images);
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        total += (double)mm->m->products * (double)mm->n_blocks * mm->input_slices;
    }
    double at = total * xbtab__random_uniform(&random);
    for (p.matrix = 0; p.matrix + 1 < mapped->n_matrices; p.matrix++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[p.matrix];
        at -= (double)mm->m->products * (double)mm->n_blocks * mm->input_slices;
        if (at < 0) break;
    }
    const xbtab__mapped_matrix *mm = &mapped->matrix[p.matrix];
    p.product = xbtab__random_below(&random, (uint32_t)mm->m->products);
    p.block = mm->first_block + xbtab__random_below(&random, (uint32_t)mm->n_blocks);
    p.slice = (int)xbtab__random_below(&random, (uint32_t)mm->input_slices);
    p.pass = 0;
    size_t passes = passes_of(mapped, &mapped->block[p.block]);
    if (passes > 1) p.pass = xbtab__random_below(&random, (uint32_t)passes);
    return p;
}

typedef struct catch_input {
    const xbtab_mapped *mapped;
    const pick *pick;
    uint16_t *code; /* code[rows of the tile]: the slice's DAC codes */
} catch_input;

static void catch_vector(void *context, size_t m, size_t first, size_t n, const uint16_t *x)
{
    const catch_input *c = context;
    if (m != c->pick->matrix || c->pick->product < first || c->pick->product >= first + n) return;
    const xbtab__block *b = &c->mapped->block[c->pick->block];
    const xbtab__mapped_matrix *mm = &c->mapped->matrix[m];
    const size_t lines = b->n_inputs * mm->layout.map->lines, at_once = xbtab__lines_at_once(c->mapped, b);
    const size_t from = c->pick->pass * at_once, end = from + at_once < lines ? from + at_once : lines;
    const unsigned mask = (1u << c->mapped->dac_bits) - 1;
    const int only = mm->layout.map->is_signed && !c->mapped->is_alternating; /* the positive lines */
    xbtab__drive(c->mapped, b, x + (c->pick->product - first) * mm->m->inputs, from, end, only, c->code);
    for (size_t i = 0; i < c->mapped->tile[b->tile].rows; i++)
        c->code[i] = (uint16_t)((unsigned)c->code[i] >> (c->pick->slice * c->mapped->dac_bits) & mask);
}

/* All products drawn: what they are of, and the reference's answer. */
typedef struct draws {
    pick *pick;
    uint8_t *level; /* level[n][rows][columns] */
    double *G;      /* G[n][rows][columns]: what the cells really have [S] */
    uint8_t *code;  /* code[n][rows] */
    double *I;      /* I[n][columns] */
    size_t n;
} draws;

static void draws_clear(draws *d)
{
    xbtab__free(d->pick);
    xbtab__free(d->level);
    xbtab__free(d->G);
    xbtab__free(d->code);
    xbtab__free(d->I);
}

static xbtab_status draws_init(draws *d, const xbtab_mapped *mapped, size_t n)
{
    *d = (draws){.pick = xbtab__alloc(n, sizeof *d->pick),
                 .level = xbtab__alloc(n, mapped->rows * mapped->columns),
                 .G = xbtab__alloc(n * mapped->rows * mapped->columns, sizeof *d->G),
                 .code = xbtab__alloc(n, mapped->rows),
                 .I = xbtab__alloc(n * mapped->columns, sizeof *d->I),
                 .n = n};
    return d->pick && d->level && d->G && d->code && d->I ? XBTAB_OK : XBTAB_NOMEM();
}

static const xbtab__mapped_tile *tile_of(const xbtab_mapped *mapped, const pick *p)
{
    return &mapped->tile[mapped->block[p->block].tile];
}

/* The tile's cells as the whole array has them, the rest at level 0. */
static xbtab_status take_cells(const xbtab_mapped *mapped, const xbtab__mapped_tile *t, uint8_t *array,
                               double *G_array)
{
    const xbtab_tables *tables = xbtab_technology_tables(mapped->setup.technology);
    size_t cells = mapped->rows * mapped->columns;
    uint8_t *level = xbtab__alloc(t->rows * t->columns, 1);
    double *G = xbtab__alloc(t->rows * t->columns, sizeof *G);
    xbtab_status status = level && G ? XBTAB_OK : XBTAB_NOMEM();
    if (status == XBTAB_OK) {
        xbtab__mapped_levels(mapped, t, level);
        status = xbtab__mapped_conductances(mapped, t, level, G);
    }
    for (size_t c = 0; c < cells; c++) G_array[c] = tables->G_level[0];
    for (size_t i = 0; i < t->rows && status == XBTAB_OK; i++) {
        memcpy(array + i * mapped->columns, level + i * t->columns, t->columns);
        memcpy(G_array + i * mapped->columns, G + i * t->columns, t->columns * sizeof *G);
    }
    xbtab__free(level);
    xbtab__free(G);
    return status;
}

/* One product after the other: what is added up is added in one order. */
static xbtab_status for_products(size_t n, const xbtab_run_options *run, const char *what,
                                 xbtab__each_fn work, void *context)
{
    const xbtab__each_options loop = {
        .threads = 1, .what = what, .items = "products", .progress = run->progress, .payload = run->payload};
    return xbtab__each(n, &loop, work, context);
}

typedef struct collecting {
    draws *d;
    const xbtab_mapped *mapped;
    const xbtab_images *images;
    uint64_t seed;
    xbtab_run_options one; /* of an image */
    float *outputs;
    uint16_t *x; /* x[rows] */
} collecting;

/* Run a draw's image, and catch its product's input. */
static xbtab_status collect_one(void *context, size_t s, int thread)
{
    const collecting *c = context;
    const xbtab_mapped *mapped = c->mapped;
    draws *d = c->d;
    pick *p = &d->pick[s];
    xbtab_images image = *c->images;
    (void)thread;
    *p = draw(mapped, c->images->n, c->seed, (uint32_t)s);
    const xbtab__mapped_tile *t = tile_of(mapped, p);
    catch_input caught = {.mapped = mapped, .pick = p, .code = c->x};
    image.n = 1;
    image.pixel += p->image * image.channels * image.height * image.width;
    XBTAB_TRY(
        xbtab__mapped_run_watched(mapped, &image, 1, &c->one, c->outputs, NULL, catch_vector, &caught, NULL));
    for (size_t i = 0; i < t->rows; i++) d->code[s * mapped->rows + i] = (uint8_t)c->x[i];
    return take_cells(mapped, t, d->level + s * mapped->rows * mapped->columns,
                      d->G + s * mapped->rows * mapped->columns);
}

static xbtab_status collect(draws *d, const xbtab_mapped *mapped, const xbtab_images *images, uint64_t seed,
                            const xbtab_run_options *run)
{
    collecting c = {.d = d,
                    .mapped = mapped,
                    .images = images,
                    .seed = seed,
                    .one = *run,
                    .outputs = xbtab__alloc(xbtab_quantized_outputs(mapped->quantized), sizeof *c.outputs),
                    .x = xbtab__alloc(mapped->rows, sizeof *c.x)};
    c.one.threads = 1;
    c.one.progress = NULL; /* the products' tells it */
    xbtab_status status =
        c.outputs && c.x ? for_products(d->n, run, "drawing products", collect_one, &c) : XBTAB_NOMEM();
    xbtab__free(c.outputs);
    xbtab__free(c.x);
    return status;
}

/* The reference unless the caller has one: our exact solver. */
typedef struct solving {
    const xbtab_technology *technology;
    xbtab_run_options run;
    /* while it works */
    xbtab__exact *circuit;
    const double *G;
    const uint8_t *code;
    double *I;
} solving;

static xbtab_status solve_one(void *context, size_t s, int thread)
{
    const solving *v = context;
    const xbtab_tables *t = xbtab_technology_tables(v->technology);
    (void)thread;
    xbtab__exact_program(v->circuit, v->G + s * t->rows * t->columns);
    return xbtab__exact_solve(v->circuit, v->code + s * t->rows, v->I + s * t->columns);
}

static xbtab_status solve_all(void *context, size_t n, const uint8_t *level, const double *G,
                              const uint8_t *code, double *I)
{
    solving v = *(const solving *)context;
    const xbtab_tables *t = xbtab_technology_tables(v.technology);
    (void)level;
    v.G = G;
    v.code = code;
    v.I = I;
    XBTAB_TRY(xbtab__exact_create(&v.circuit, v.technology, t->rows, t->columns));
    xbtab_status status = for_products(n, &v.run, "solving products again", solve_one, &v);
    xbtab__exact_destroy(&v.circuit);
    return status;
}

/* Memory for the table's answer to one product. */
typedef struct bench {
    double *y;
    uint16_t *x;
    int32_t *acc;
} bench;

static void bench_clear(bench *b)
{
    xbtab__free(b->y);
    xbtab__free(b->x);
    xbtab__free(b->acc);
}

static xbtab_status bench_init(bench *b, const xbtab_mapped *mapped)
{
    *b = (bench){.y = xbtab__alloc(mapped->columns, sizeof *b->y),
                 .x = xbtab__alloc(mapped->rows, sizeof *b->x),
                 .acc = xbtab__alloc_aligned(xbtab_engine_stride(mapped->columns), sizeof *b->acc)};
    return b->y && b->x && b->acc ? XBTAB_OK : XBTAB_NOMEM();
}

/* Squared error that the tables announce for a product of a mean drive, or a refined tile of itself [shares
 * of full scale]. */
static double stored_square(const xbtab_tables *t, const void *state, double a)
{
    const xbtab_transfer_data *f = &t->transfer;
    xbtab_table_report tile;
    xbtab_engine_table_report(state, &tile);
    double rmse = f->error.rmse;
    for (size_t d = 0; d < f->n_drives; d++) {
        if (a > f->a_drive[d]) continue;
        if (!isnan(f->rmse_drive[d])) rmse = f->rmse_drive[d];
        break;
    }
    if (tile.is_refined) rmse = xbtab__engine_table_rmse(state, a) / f->error.full_scale;
    return a > 0 ? rmse * rmse : 0.0;
}

typedef struct comparison {
    bench b;
    const xbtab_mapped *mapped;
    const draws *d;
    xbtab_check_report *report;
} comparison;

/* Compare one product: the table's currents in double precision, and its codes through the kernel. */
static xbtab_status compare(void *context, size_t s, int thread)
{
    const comparison *c = context;
    const bench *b = &c->b;
    const xbtab_mapped *mapped = c->mapped;
    const draws *d = c->d;
    xbtab_check_report *report = c->report;
    const xbtab_technology *technology = mapped->setup.technology;
    const xbtab_tables *tables = technology->tables;
    const xbtab__mapped_tile *t = tile_of(mapped, &d->pick[s]);
    const uint8_t *code = d->code + s * mapped->rows;
    const double *I = d->I + s * mapped->columns;
    int adc_bits = mapped->setup.adc_bits ? mapped->setup.adc_bits : tables->adc_bits;
    const double least = -xbtab__engine_middle(tables, adc_bits),
                 largest = least + ldexp(1.0, adc_bits) - 1.0;
    double scale = ldexp(1.0, adc_bits - tables->adc_bits), a = 0;
    xbtab_product_counts counts = {0};
    xbtab_tile *tile = NULL;
    (void)thread;
    XBTAB_TRY(xbtab_tile_create(&tile, technology, d->G + s * mapped->rows * mapped->columns, mapped->rows,
                                mapped->columns));
    xbtab_tile_product(tile, code, b->y);
    xbtab_tile_destroy(&tile);
    for (size_t i = 0; i < mapped->rows; i++) {
        b->x[i] = code[i];
        a += code[i] / ((double)mapped->rows * ((1 << mapped->dac_bits) - 1));
    }
    memset(b->acc, 0, xbtab_engine_stride(mapped->columns) * sizeof *b->acc);
    XBTAB_TRY(mapped->engine->product(t->state, b->x, 1, 1, NULL, b->acc, &counts));
    for (size_t j = 0; j < t->columns; j++) {
        double error = (xbtab__engine_table_current(t->state, b->y[j], a, j) - I[j]) / report->full_scale;
        double wanted =
            fmin(fmax(floor(scale * xbtab_technology_adc(technology, I[j]) + 0.5), least), largest);
        double off = b->acc[j] - wanted;
        report->rmse += error * error; /* sums until the end */
        report->rmse_codes += off * off;
        report->rmse_stored += stored_square(tables, t->state, a);
        report->max = fmax(report->max, fabs(error));
        report->max_codes = fmax(report->max_codes, fabs(off));
        report->codes_differ += off != 0;
        report->codes++;
    }
    return XBTAB_OK;
}

xbtab_status xbtab_mapped_check(const xbtab_mapped *mapped, const xbtab_images *images, size_t n_samples,
                                uint64_t seed, const xbtab_reference *reference,
                                const xbtab_run_options *options, xbtab_check_report *report)
{
    const xbtab_tables *tables = xbtab_technology_tables(mapped->setup.technology);
    const xbtab_run_options run = options ? *options : (xbtab_run_options){0};
    solving by_solver = {.technology = mapped->setup.technology, .run = run};
    const xbtab_reference solver = {
        .name = xbtab_engine_solve.name, .currents = solve_all, .context = &by_solver};
    xbtab_status status;
    draws d = {0};
    comparison c = {.mapped = mapped, .d = &d, .report = report};
    if (mapped->engine != &xbtab_engine_table)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "only the table engine's products can be checked");
    if (!reference) reference = &solver;
    *report = (xbtab_check_report){
        .engine = reference->name, .samples = n_samples, .full_scale = tables->transfer.error.full_scale};
    XBTAB_TRY_DONE(draws_init(&d, mapped, n_samples));
    XBTAB_TRY_DONE(bench_init(&c.b, mapped));
    XBTAB_TRY_DONE(collect(&d, mapped, images, seed, &run));
    XBTAB_TRY_DONE(reference->currents(reference->context, n_samples, d.level, d.G, d.code, d.I));
    XBTAB_TRY_DONE(for_products(n_samples, &run, "comparing products", compare, &c));
    if (report->codes) {
        report->rmse = sqrt(report->rmse / (double)report->codes);
        report->rmse_stored = sqrt(report->rmse_stored / (double)report->codes);
        report->rmse_codes = sqrt(report->rmse_codes / (double)report->codes);
    }
done:
    draws_clear(&d);
    bench_clear(&c.b);
    return status;
}
