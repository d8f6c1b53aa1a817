/* aged.c - a simulated chip's cells on the sample tiles. */
#include "aged.h"

#include <math.h>

#include <xbartab/characterize.h>

#include "memory.h"

/* Inside the cell's range, so that the search for its states has them in its first sweep. */
static const double margin = 1e-6;

/* A cell that conducts less than this share of the lowest level counts for nothing. */
static const double least_share = 0.01;

struct xbtab__aged {
    xbtab_tables reach; /* of tables what a chip asks for: the levels, and the cell's range as its states */
    double range[2];    /* [S] */
    xbtab_chip_options options;
    xbtab_chip *chip;
};

xbtab_status xbtab__aged_create(xbtab__aged **out, const xbtab_spec *spec, const xbtab_chip_options *chip)
{
    xbtab_status status;
    xbtab__aged *a = xbtab__alloc(1, sizeof *a);
    if (!a) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab_cell_range(spec, &a->range[0], &a->range[1]));
    a->range[0] = fmax(a->range[0] * (1 + margin), least_share * spec->G_level[0]);
    a->range[1] *= 1 - margin;
    a->reach.rows = (size_t)spec->rows;
    a->reach.columns = (size_t)spec->columns;
    a->reach.n_levels = (size_t)spec->n_levels;
    a->reach.G_level = spec->G_level;
    a->reach.v_read = spec->v_read;
    a->reach.cell.n_states = 2;
    a->reach.cell.G_state = a->range;
    a->options = *chip;
    if (a->options.temperature == 0) a->options.temperature = chip->population->temperature;
    XBTAB_TRY_DONE(xbtab_chip_create(&a->chip, &a->reach, &a->options));
    *out = a;
    a = NULL;
done:
    xbtab__aged_destroy(&a);
    return status;
}

void xbtab__aged_destroy(xbtab__aged **aged)
{
    if (!*aged) return;
    xbtab_chip_destroy(&(*aged)->chip);
    xbtab__free(*aged);
    *aged = NULL;
}

xbtab_status xbtab__aged_conductances(const xbtab__aged *aged, int tile, const uint8_t *level, int rows,
                                      int columns, double *G)
{
    size_t n = (size_t)rows * (size_t)columns;
    XBTAB_TRY(xbtab_chip_conductances(aged->chip, 0, (size_t)tile, level, (size_t)rows, (size_t)columns, G));
    for (size_t c = 0; c < n; c++) G[c] = fmin(fmax(G[c], aged->range[0]), aged->range[1]);
    return XBTAB_OK;
}

const xbtab_chip_options *xbtab__aged_options(const xbtab__aged *aged)
{
    return &aged->options;
}
