/* trim.c - gains and offsets of read-outs: a chip's maker drives inputs of which the answers are known, and
 * sets each read-out, or each layer's, so that it shows them.
 *
 * What a bit line shows, u, and what it should have shown, e, of the same test inputs give the gain a and the
 * offset b of least squares, e = a u + b. The inputs are of sample images: what a wire takes depends on what
 * else is driven. A bit line's own fit leans on its layer's by so much as PRIOR of the layer's samples. */
#include <math.h>

#include "mapping.h"
#include "memory.h"

enum { IMAGES = 48, VECTORS = 48, PRIOR = 8 }; /* of each matrix, over all images */

/* Sums over samples. */
typedef struct moments {
    double n, u, e, uu, ue;
} moments;

static void add(moments *m, double u, double e, double weight)
{
    m->n += weight;
    m->u += weight * u;
    m->e += weight * e;
    m->uu += weight * u * u;
    m->ue += weight * u * e;
}

static void fit(const moments *m, double *gain, double *offset)
{
    double mean_u = m->n > 0 ? m->u / m->n : 0, mean_e = m->n > 0 ? m->e / m->n : 0;
    double spread = m->uu - m->n * mean_u * mean_u;
    *gain = 1.0;
    if (spread > 1e-12 * m->uu && m->uu > 0) *gain = (m->ue - m->n * mean_u * mean_e) / spread;
    if (!(*gain > 0)) *gain = 1.0; /* nothing of the input arrives */
    *offset = mean_e - *gain * mean_u;
}

typedef struct trimming {
    xbtab_mapped *mapped;
    size_t n_images;
    void **ideal;        /* ideal[n_tiles]: the same tiles without wires and physics */
    moments **column;    /* column[n_tiles][columns of the tile] */
    uint16_t *line;      /* line[rows] */
    double *v[2], *e[2]; /* of both signs of word lines: [slices][stride] */
} trimming;

/* One pass of one vector over one block. */
static xbtab_status add_pass(trimming *t, const xbtab__mapped_matrix *mm, const xbtab__block *b,
                             const uint16_t *x, size_t first, size_t end)
{
    const xbtab_mapped *mapped = t->mapped;
    const xbtab__mapped_tile *tile = &mapped->tile[b->tile];
    const size_t columns = xbtab__layout_columns(&mm->layout, b->n_outputs),
                 stride = xbtab_engine_stride(tile->columns);
    const bool two_signs = mm->layout.map->is_signed && !mapped->is_alternating;
    const double range = ldexp(1.0, mapped->adc_bits);
    xbtab_product_counts counts = {0};
    unsigned used = 0;
    for (int sign = two_signs; sign >= 0; sign--) { /* the second one is taken off */
        xbtab__drive(mapped, b, x, first, end, two_signs ? 1 + sign : 0, t->line);
        XBTAB_TRY(mapped->engine->read(tile->state, t->line, 1, mm->input_slices, NULL, t->v[sign], &counts));
        XBTAB_TRY(xbtab_engine_ideal.read(t->ideal[b->tile], t->line, 1, mm->input_slices, NULL, t->e[sign],
                                          &counts));
    }
    for (size_t i = 0; i < tile->rows; i++) used |= t->line[i];
    for (int s = 0; s < mm->input_slices; s++) {
        if (!(used >> (s * mapped->dac_bits) & ((1u << mapped->dac_bits) - 1))) continue;
        for (size_t j = b->first_column; j < b->first_column + columns; j++) {
            const size_t at = (size_t)s * stride + j;
            double u = t->v[0][at] - (two_signs ? t->v[1][at] : 0.0);
            double e = t->e[0][at] - (two_signs ? t->e[1][at] : 0.0);
            add(&t->column[b->tile][j], range * u + (tile->tia ? tile->tia[j] : 0.0), range * e, 1.0);
        }
    }
    return XBTAB_OK;
}

static xbtab_status add_vector(trimming *t, const xbtab__mapped_matrix *mm, const uint16_t *x)
{
    for (size_t k = 0; k < mm->n_blocks; k++) {
        const xbtab__block *b = &t->mapped->block[mm->first_block + k];
        const size_t lines = b->n_inputs * mm->layout.map->lines,
                     at_once = xbtab__lines_at_once(t->mapped, b);
        for (size_t from = 0; from < lines; from += at_once)
            XBTAB_TRY(add_pass(t, mm, b, x, from, from + at_once < lines ? from + at_once : lines));
    }
    return XBTAB_OK;
}

/* Products are exact ones, so that layers do not suffer from those before them; some of their inputs are
 * taken as test inputs. */
static xbtab_status product(void *payload, size_t m, size_t first, size_t n, const uint16_t *x, int64_t *y,
                            int thread)
{
    trimming *t = payload;
    const xbtab__mapped_matrix *mm = &t->mapped->matrix[m];
    const size_t all = mm->m->products * t->n_images, every = all > VECTORS ? all / VECTORS : 1;
    (void)thread;
    for (size_t v = 0; v < n; v++) {
        if ((first + v) % every == every / 2) XBTAB_TRY(add_vector(t, mm, x + v * mm->m->inputs));
    }
    xbtab_matrix_product(mm->m, n, x, y);
    return XBTAB_OK;
}

static xbtab_status program_ideal(trimming *t, size_t k)
{
    const xbtab__mapped_tile *tile = &t->mapped->tile[k];
    uint8_t *level = xbtab__alloc(tile->rows * tile->columns, 1);
    t->column[k] = xbtab__alloc(tile->columns, sizeof *t->column[k]);
    xbtab_status status = level && t->column[k] ? XBTAB_OK : XBTAB_NOMEM();
    if (status == XBTAB_OK) {
        xbtab__mapped_levels(t->mapped, tile, level);
        const xbtab_cells cells = {.rows = tile->rows, .columns = tile->columns, .level = level};
        status = xbtab_engine_ideal.program(&t->ideal[k], &t->mapped->setup, &cells);
    }
    xbtab__free(level);
    return status;
}

static void trimming_clear(trimming *t)
{
    for (size_t k = 0; k < t->mapped->n_tiles; k++) {
        if (t->ideal) xbtab_engine_ideal.clear(t->ideal[k]);
        if (t->column) xbtab__free(t->column[k]);
    }
    xbtab__free(t->ideal);
    xbtab__free(t->column);
    xbtab__free(t->line);
    for (int sign = 0; sign < 2; sign++) {
        xbtab__free(t->v[sign]);
        xbtab__free(t->e[sign]);
    }
}

static xbtab_status trimming_init(trimming *t, xbtab_mapped *mapped)
{
    size_t slices = 1, stride = xbtab_engine_stride(mapped->columns);
    *t = (trimming){.mapped = mapped,
                    .ideal = xbtab__alloc(mapped->n_tiles, sizeof *t->ideal),
                    .column = xbtab__alloc(mapped->n_tiles, sizeof *t->column),
                    .line = xbtab__alloc_aligned(mapped->rows, sizeof *t->line)};
    if (!t->ideal || !t->column || !t->line) return XBTAB_NOMEM();
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        if ((size_t)mapped->matrix[m].input_slices > slices) slices = (size_t)mapped->matrix[m].input_slices;
    }
    for (int sign = 0; sign < 2; sign++) {
        t->v[sign] = xbtab__alloc_aligned(slices * stride, sizeof *t->v[sign]);
        t->e[sign] = xbtab__alloc_aligned(slices * stride, sizeof *t->e[sign]);
        if (!t->v[sign] || !t->e[sign]) return XBTAB_NOMEM();
    }
    for (size_t k = 0; k < mapped->n_tiles; k++) XBTAB_TRY(program_ideal(t, k));
    return XBTAB_OK;
}

/* From the sums of a layer's bit lines to what its read-outs are set to. */
static xbtab_status set_layer(const trimming *t, size_t layer)
{
    xbtab_mapped *mapped = t->mapped;
    const bool is_common = mapped->scheme.trim == XBTAB_TRIM_LAYER;
    moments all = {0};
    double gain, offset;
    for (size_t k = 0; k < mapped->n_tiles; k++) {
        if (mapped->matrix[mapped->tile[k].matrix].layer != layer) continue;
        for (size_t j = 0; j < mapped->tile[k].columns; j++) {
            const moments *m = &t->column[k][j];
            all = (moments){all.n + m->n, all.u + m->u, all.e + m->e, all.uu + m->uu, all.ue + m->ue};
        }
    }
    fit(&all, &gain, &offset);
    double mean = all.n > 0 ? all.u / all.n : 0,
           spread = all.n > 0 ? sqrt(fmax(all.uu / all.n - mean * mean, 0.0)) : 0;
    for (size_t k = 0; k < mapped->n_tiles; k++) {
        xbtab__mapped_tile *tile = &mapped->tile[k];
        if (mapped->matrix[tile->matrix].layer != layer) continue;
        tile->trim = xbtab__alloc(tile->columns, 2 * sizeof *tile->trim);
        if (!tile->trim) return XBTAB_NOMEM();
        for (size_t j = 0; j < tile->columns; j++) {
            moments m = t->column[k][j];
            double *to = tile->trim + 2 * j;
            if (is_common || !(m.n > 0)) {
                to[0] = gain;
                to[1] = offset;
                continue;
            }
            /* the layer's line, leaned on at both sides of the bit line's own middle */
            double middle = m.u / m.n, own = m.e / m.n;
            add(&m, middle - spread, own - gain * spread, 0.5 * PRIOR);
            add(&m, middle + spread, own + gain * spread, 0.5 * PRIOR);
            fit(&m, &to[0], &to[1]);
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__trim(xbtab_mapped *mapped)
{
    const xbtab_map_options *options = &mapped->options;
    const xbtab_images *images = options->calibration;
    float *outputs = NULL;
    trimming t;
    xbtab_status status;
    if (mapped->scheme.trim == XBTAB_TRIM_NONE || mapped->engine == &xbtab_engine_ideal) return XBTAB_OK;
    if (!images || !images->n)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "scheme: trim takes test inputs from sample images, and none are given");
    XBTAB_TRY_DONE(trimming_init(&t, mapped));
    t.n_images = images->n < IMAGES ? images->n : IMAGES;
    outputs = xbtab__alloc(t.n_images * xbtab_quantized_outputs(mapped->quantized), sizeof *outputs);
    if (!outputs) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab_run_options one = options->run;
    one.threads = 1; /* sums in one order */
    one.what = "trimming the read-outs";
    XBTAB_TRY_DONE(xbtab_quantized_run(mapped->quantized, images, t.n_images, product, &t, &one, outputs));
    for (size_t layer = 0; layer < mapped->n_layers; layer++) XBTAB_TRY_DONE(set_layer(&t, layer));
done:
    trimming_clear(&t);
    xbtab__free(outputs);
    return status;
}
