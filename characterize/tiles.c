/* tiles.c - sample tiles: random level patterns of several kinds, input vectors of all densities, solved in
 * ngspice.
 *
 * The kinds are those that a transfer table meets: levels all equally likely, mostly lowest, one side of
 * trained weights in differential columns (half of them at the lowest level, the rest like |normal|), and
 * rows and columns of strongly unequal weight. Fitted and held-out tiles run through the kinds in the same
 * order. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "memory.h"
#include "plan.h"
#include "random.h"

typedef enum tile_kind { KIND_UNIFORM, KIND_TRAINED, KIND_SPARSE, KIND_UNEQUAL, N_KINDS } tile_kind;

int xbtab__tile_is_heldout(const xbtab__plan *plan, int tile)
{
    return tile >= plan->spec->sampling.tiles;
}

static tile_kind kind_of(const xbtab__plan *plan, int tile)
{
    int first = xbtab__tile_is_heldout(plan, tile) ? plan->spec->sampling.tiles : 0;
    return (tile_kind)((tile - first) % N_KINDS);
}

static uint8_t level_of_share(double share, int n_levels)
{
    return (uint8_t)lround(fmin(fmax(share, 0.0), 1.0) * (n_levels - 1));
}

void xbtab__tile_levels(const xbtab__plan *plan, int tile, uint8_t *level)
{
    const xbtab_spec *spec = plan->spec;
    tile_kind kind = kind_of(plan, tile);
    xbtab__random random, row_random, column_random;
    xbtab__random_init(&random, plan->seed, XBTAB__RANDOM_TILE_LEVELS, (uint32_t)tile, 0);
    xbtab__random_init(&row_random, plan->seed, XBTAB__RANDOM_TILE_LEVELS, (uint32_t)tile, 1);
    for (int i = 0; i < spec->rows; i++) {
        double row = xbtab__random_uniform(&row_random);
        xbtab__random_init(&column_random, plan->seed, XBTAB__RANDOM_TILE_LEVELS, (uint32_t)tile, 2);
        for (int j = 0; j < spec->columns; j++) {
            double column = xbtab__random_uniform(&column_random);
            uint8_t *cell = &level[(size_t)i * (size_t)spec->columns + (size_t)j];
            uint8_t any = (uint8_t)xbtab__random_below(&random, (uint32_t)spec->n_levels);
            double u = xbtab__random_uniform(&random), normal = xbtab__random_normal(&random);
            switch (kind) {
            case KIND_TRAINED:
                *cell = u < 0.5 ? 0 : level_of_share(0.35 * fabs(normal), spec->n_levels);
                break;
            case KIND_SPARSE:
                *cell = u < 0.2 ? any : 0;
                break;
            case KIND_UNEQUAL:
                *cell = level_of_share(2.0 * row * column * column, spec->n_levels);
                break;
            default:
                *cell = any;
            }
        }
    }
}

/* Vector 0 drives every word line fully; the others have a density of their own, uniform in 5 to 95 %. */
void xbtab__tile_codes(const xbtab__plan *plan, int tile, uint8_t *code)
{
    const xbtab_spec *spec = plan->spec;
    uint32_t largest = (1u << spec->dac_bits) - 1;
    for (int v = 0; v < spec->sampling.vectors; v++) {
        xbtab__random random;
        xbtab__random_init(&random, plan->seed, XBTAB__RANDOM_TILE_INPUTS, (uint32_t)tile, (uint32_t)v);
        double density = 0.05 + 0.9 * xbtab__random_uniform(&random);
        for (int i = 0; i < spec->rows; i++) {
            bool driven = xbtab__random_uniform(&random) < density;
            uint32_t some = 1 + xbtab__random_below(&random, largest);
            code[(size_t)v * (size_t)spec->rows + (size_t)i] = (uint8_t)(v == 0   ? largest
                                                                         : driven ? some
                                                                                  : 0);
        }
    }
}

size_t xbtab__tile_stride(const xbtab_spec *spec)
{
    return 2 + 2 * (size_t)spec->columns;
}

/* For each vector: status, power, the bit lines' currents, the TIAs' outputs. */
xbtab_status xbtab__sample_tile(const xbtab__plan *plan, int tile, xbtab__spice *spice, xbtab__numbers *out)
{
    const xbtab_spec *spec = plan->spec;
    int n_vectors = spec->sampling.vectors, rows = spec->rows, columns = spec->columns;
    int n_outputs = 2 * columns + rows;
    size_t n_cells = (size_t)rows * (size_t)columns, n_inputs = (size_t)n_vectors * (size_t)rows;
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    uint8_t *level = xbtab__alloc(n_cells, 1), *code = xbtab__alloc(n_inputs, 1);
    double *parameter = xbtab__alloc(n_cells, sizeof *parameter);
    double *values = xbtab__alloc(n_inputs, sizeof *values);
    double *found = xbtab__alloc((size_t)n_vectors * (size_t)n_outputs, sizeof *found);
    xbtab_sample_status *sample = xbtab__alloc((size_t)n_vectors, sizeof *sample);
    out->n = (size_t)n_vectors * xbtab__tile_stride(spec);
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!level || !code || !parameter || !values || !found || !sample || !out->x) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab__tile_levels(plan, tile, level);
    xbtab__tile_codes(plan, tile, code);
    for (size_t c = 0; c < n_cells; c++) {
        int s = 0; /* every level is one of the tabulated states */
        while (plan->G_target[s] != spec->G_level[level[c]]) s++;
        parameter[c] = plan->parameter[s];
    }
    for (size_t k = 0; k < n_inputs; k++) values[k] = xbtab_spec_dac_voltage(spec, code[k]);
    xbtab__compose_crossbar(&text, spec, parameter);
    xbtab__compose_external_sources(&text, rows);
    for (int j = 0; j < columns; j++) xbtab__text_add(&outputs, "i(vs%d)\n", j);
    for (int j = 0; j < columns; j++) xbtab__text_add(&outputs, "v(o%d)\n", j);
    for (int i = 0; i < rows; i++) xbtab__text_add(&outputs, "i(vi%d)\n", i);
    XBTAB_TRY_DONE(
        xbtab__solve_text(spice, &text, n_vectors, rows, values, n_outputs, &outputs, found, sample));
    for (int v = 0; v < n_vectors; v++) {
        double *result = out->x + (size_t)v * xbtab__tile_stride(spec);
        const double *f = found + (size_t)v * (size_t)n_outputs, *drive = values + (size_t)v * (size_t)rows;
        result[0] = sample[v];
        for (int i = 0; i < rows; i++)
            result[1] -= drive[i] * f[2 * columns + i]; /* i(vi) flows into the source */
        memcpy(result + 2, f, 2 * (size_t)columns * sizeof *f);
        for (size_t k = 1; k < xbtab__tile_stride(spec) && sample[v] != XBTAB_SAMPLE_OK; k++) result[k] = NAN;
    }
done:
    xbtab__free(level);
    xbtab__free(code);
    xbtab__free(parameter);
    xbtab__free(values);
    xbtab__free(found);
    xbtab__free(sample);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}
