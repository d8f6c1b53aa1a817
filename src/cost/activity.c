/* activity.c - what images make of a network's layers: drives and cells that meet, and slices that are 0. */
#include "cost_private.h"

#include <string.h>

#include "memory.h"

/* One matrix. */
typedef struct counted {
    const xbtab_matrix *m;
    size_t layer, inputs_a_tile, inputs_a_pass;
    double *G;  /* G[2][inputs]: of each input's word lines [S] */
    int second; /* what drives the second one */
    double siemens, made, all, driven, lines;
} counted;

typedef struct watch {
    const xbtab_arch *arch;
    counted *matrix;
    size_t n;
} watch;

static xbtab_status take_matrix(watch *w, counted *c, const double *G_level)
{
    const xbtab_tile_need need = {.rows = (size_t)w->arch->spec->rows,
                                  .columns = (size_t)w->arch->spec->columns,
                                  .cell_bits = xbtab_arch_cell_bits(w->arch)};
    c->inputs_a_tile = c->inputs_a_pass = xbtab_placement_inputs(&need, &w->arch->scheme);
    if (c->inputs_a_tile == 0)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: a tile of %zu word lines has none for an input", c->m->name,
                   need.rows);
    const size_t active = (size_t)w->arch->scheme.rows_active, lines = need.rows / c->inputs_a_tile;
    if (active > 0 && active / lines < c->inputs_a_tile)
        c->inputs_a_pass = active > lines ? active / lines : 1;
    c->G = xbtab__alloc(c->m->inputs, 2 * sizeof *c->G);
    if (!c->G) return XBTAB_NOMEM();
    return xbtab_placement_conductance(c->G, &c->second, c->m, &need, &w->arch->scheme, G_level);
}

/* An input's code as its slices are driven; a sign has a slice of its own behind the others. */
static unsigned as_driven(const watch *w, const counted *c, unsigned code, int dac_bits, int *slices)
{
    const int bits = c->m->activation_bits;
    *slices = (bits + dac_bits - 1) / dac_bits;
    if (w->arch->scheme.signed_inputs != XBTAB_SIGNED_TWOS_COMPLEMENT || bits < 2) return code;
    *slices = 1 + (bits - 1 + dac_bits - 1) / dac_bits;
    unsigned sign = (~code >> (bits - 1)) & 1;
    return (code & ((1u << (bits - 1)) - 1)) | sign << ((*slices - 1) * dac_bits);
}

/* One vector's inputs on the lines of one pass. Where all slices are read at once, one that is not 0 is enough. */
static void count_block(const watch *w, counted *c, const uint16_t *x, size_t first, size_t end)
{
    const int dac_bits = w->arch->spec->dac_bits;
    const unsigned most = (1u << dac_bits) - 1;
    unsigned used = 0;
    int slices = 1;
    for (size_t i = first; i < end; i++) {
        unsigned code = as_driven(w, c, x[i], dac_bits, &slices);
        double one = 0, other = 0;
        used |= c->second < 0 ? ~0u : code;
        c->lines += (c->second ? 2 : 1) * slices;
        for (int s = 0; s < slices; s++) {
            double drive = (double)(code >> (s * dac_bits) & most) / most, rest = 1 - drive;
            one += drive * drive;
            other += c->second < 0 ? rest * rest : drive * drive;
            c->driven += (drive > 0) + (c->second < 0 ? rest > 0 : c->second * (drive > 0));
        }
        c->siemens += one * c->G[i] + other * c->G[c->m->inputs + i];
    }
    const bool at_once =
        xbtab_scheme_input_bits(&w->arch->scheme, dac_bits, c->m->activation_bits) > dac_bits;
    if (at_once) {
        c->made += used != 0;
        c->all++;
    }
    for (int s = 0; s < slices && !at_once; s++) {
        c->made += (used >> (s * dac_bits) & most) != 0;
        c->all++;
    }
}

static xbtab_status product(void *payload, size_t m, size_t first, size_t n, const uint16_t *x, int64_t *y,
                            int thread)
{
    watch *w = payload;
    counted *c = &w->matrix[m];
    const size_t inputs = c->m->inputs, tile = c->inputs_a_tile, pass = c->inputs_a_pass;
    (void)first;
    (void)thread;
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0, end; i < inputs; i = end) {
            end = i + pass;
            if (end > (i / tile + 1) * tile) end = (i / tile + 1) * tile;
            if (end > inputs) end = inputs;
            count_block(w, c, x + v * inputs, i, end);
        }
    }
    xbtab_matrix_product(c->m, n, x, y);
    return XBTAB_OK;
}

static xbtab_status gather(xbtab_activity *a, const watch *w, size_t n_layers, size_t images)
{
    a->siemens = xbtab__alloc(n_layers, sizeof *a->siemens);
    a->made = xbtab__alloc(n_layers, sizeof *a->made);
    a->driven = xbtab__alloc(n_layers, sizeof *a->driven);
    double *all = xbtab__alloc(2 * n_layers, sizeof *all), *lines = all + n_layers;
    xbtab_status status = a->siemens && a->made && a->driven && all ? XBTAB_OK : XBTAB_NOMEM();
    a->n_layers = n_layers;
    a->images = images;
    for (size_t m = 0; m < w->n && status == XBTAB_OK; m++) {
        const counted *c = &w->matrix[m];
        a->siemens[c->layer] += c->siemens / (double)images;
        a->made[c->layer] += c->made;
        a->driven[c->layer] += c->driven;
        all[c->layer] += c->all;
        lines[c->layer] += c->lines;
    }
    for (size_t k = 0; k < n_layers && status == XBTAB_OK; k++) {
        a->made[k] = all[k] > 0 ? a->made[k] / all[k] : 1;
        a->driven[k] = lines[k] > 0 ? a->driven[k] / lines[k] : 1;
    }
    xbtab__free(all);
    return status;
}

xbtab_status xbtab_activity_count(xbtab_activity *out, const xbtab_hierarchy *hierarchy,
                                  const xbtab_quantized *quantized, const xbtab_images *images, size_t n,
                                  const double *G_level, int raw_pixels)
{
    watch w = {.arch = hierarchy->arch, .n = xbtab_quantized_matrices(quantized)};
    const xbtab_run_options run = {.raw_pixels = raw_pixels, .threads = 1, .what = "activity"};
    xbtab_activity a = {0};
    xbtab_status status;
    size_t layers = 0;
    n = n < images->n ? n : images->n;
    if (n == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "no images to count the activity of");
    float *outputs = xbtab__alloc(n * xbtab_quantized_outputs(quantized), sizeof *outputs);
    w.matrix = xbtab__alloc(w.n, sizeof *w.matrix);
    if (!w.matrix || !outputs) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t m = 0; m < w.n; m++) {
        counted *c = &w.matrix[m];
        c->m = xbtab_quantized_matrix(quantized, m);
        c->layer = layers - (m > 0 && c->m->group > 0);
        layers = c->layer + 1;
        XBTAB_TRY_DONE(take_matrix(&w, c, G_level));
    }
    XBTAB_TRY_DONE(xbtab_quantized_run(quantized, images, n, product, &w, &run, outputs));
    XBTAB_TRY_DONE(gather(&a, &w, layers, n));
    *out = a;
    a = (xbtab_activity){0};
done:
    for (size_t m = 0; m < w.n && w.matrix; m++) xbtab__free(w.matrix[m].G);
    xbtab__free(w.matrix);
    xbtab__free(outputs);
    xbtab_activity_clear(&a);
    return status;
}

void xbtab_activity_clear(xbtab_activity *a)
{
    xbtab__free(a->siemens);
    xbtab__free(a->made);
    xbtab__free(a->driven);
    *a = (xbtab_activity){0};
}
