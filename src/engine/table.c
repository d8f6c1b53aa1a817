/* table.c - the engine on the tables: effective matrix, transfer correction, TIA and ADC in the look-up
 * kernel.
 *
 * For one bit line and one mean drive, everything behind the effective matrix is a function of one current y:
 * the transfer correction (a cubic), the TIA's curve and the ADC's scale. It is interpolated by a cubic
 * through four Chebyshev points of the range of y, and the difference from the tables' own curves is
 * measured. */
#include <xbartab/engine.h>

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"

enum { NODES = 4, PROBES = 9, PRODUCTS_A_BLOCK = 64, MOST_SLICES = 16 };

typedef struct table {
    xbtab_kernel_tile *kernel;
    const xbtab_kernel_functions *functions;
    double readout_error; /* [codes] */
} table;

static void clear(void *state)
{
    table *s = state;
    if (!s) return;
    xbtab_kernel_tile_destroy(&s->kernel);
    xbtab__free(s);
}

/* Coefficients in powers of u of the cubic through f at four points. */
static void interpolate(const double *u, const double *f, double *c)
{
    double d[NODES]; /* Newton's divided differences */
    memcpy(d, f, sizeof d);
    for (int order = 1; order < NODES; order++) {
        for (int k = NODES - 1; k >= order; k--) d[k] = (d[k] - d[k - 1]) / (u[k] - u[k - order]);
    }
    memset(c, 0, NODES * sizeof *c);
    for (int k = NODES - 1; k >= 0; k--) {
        for (int m = NODES - 1; m > 0; m--) c[m] = c[m - 1] - u[k] * c[m];
        c[0] = d[k] - u[k] * c[0];
    }
}

static double cubic(const double *c, double u)
{
    return ((c[3] * u + c[2]) * u + c[1]) * u + c[0];
}

typedef struct readout_fit {
    const xbtab_technology *technology;
    double I_full_scale, scale; /* scale: other ADC bits than the technology's */
    double largest;             /* code */
    double error;               /* worst so far [codes] */
} readout_fit;

static double code_of(const readout_fit *fit, double u, double a, double p)
{
    double I = xbtab_technology_transfer(fit->technology, u * fit->I_full_scale, a, p);
    return fit->scale * xbtab_technology_adc(fit->technology, I);
}

/* One bit line at one mean drive; its currents lie in [0, most] (shares of full scale). */
static void fit_readout(readout_fit *fit, double a, double p, double most, double *c)
{
    double u[NODES], f[NODES];
    for (int k = 0; k < NODES; k++) {
        u[k] = 0.5 * most * (1.0 - cos(M_PI * (k + 0.5) / NODES));
        f[k] = code_of(fit, u[k], a, p);
    }
    interpolate(u, f, c);
    for (int k = 0; k < PROBES; k++) {
        double at = most * k / (PROBES - 1), wanted = code_of(fit, at, a, p);
        if (wanted < 0 || wanted > fit->largest) continue;
        fit->error = fmax(fit->error, fabs(cubic(c, at) - wanted));
    }
}

/* readout[bins][columns][4] for the bit lines in use */
static double *fit_readouts(readout_fit *fit, const xbtab_tile *tile, size_t rows, size_t columns)
{
    double *readout = xbtab__alloc((size_t)XBTAB_KERNEL_BINS * columns * 4, sizeof *readout);
    if (!readout) return NULL;
    const double *A = tile->A + (tile->n_codes - 1) * tile->rows * tile->columns;
    for (size_t j = 0; j < columns; j++) {
        double most = tile->A_const[j], p = tile->columns > 1 ? (double)j / (double)(tile->columns - 1) : 0.0;
        for (size_t i = 0; i < rows; i++) most += fmax(A[i * tile->columns + j], 0.0);
        most = fmin(fmax(most / fit->I_full_scale, 1e-3), 1.05);
        for (int b = 0; b < XBTAB_KERNEL_BINS; b++) {
            double a = (double)b / (XBTAB_KERNEL_BINS - 1);
            fit_readout(fit, a, p, most, readout + ((size_t)b * columns + j) * 4);
        }
    }
    return readout;
}

/* The whole array, with the given cells in its first rows and columns. */
static xbtab_status program_array(xbtab_tile **tile, const xbtab_engine_setup *setup, const uint8_t *level,
                                  size_t rows, size_t columns)
{
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    if (rows > t->rows || columns > t->columns) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu x %zu cells do not fit the tables' %zu x %zu array", rows, columns,
                   t->rows, t->columns);
    }
    double *G = xbtab__alloc(t->rows * t->columns, sizeof *G);
    if (!G) return XBTAB_NOMEM();
    for (size_t c = 0; c < t->rows * t->columns; c++) G[c] = t->G_level[0];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) G[i * t->columns + j] = t->G_level[level[i * columns + j]];
    }
    xbtab_status status = xbtab_tile_create(tile, setup->technology, G, t->rows, t->columns);
    xbtab__free(G);
    return status;
}

/* The part of the effective matrix that is in use: A[n_codes][rows][columns]. */
static double *crop(const xbtab_tile *tile, size_t rows, size_t columns)
{
    double *A = xbtab__alloc(tile->n_codes * rows * columns, sizeof *A);
    if (!A) return NULL;
    for (size_t k = 0; k < tile->n_codes; k++) {
        for (size_t i = 0; i < rows; i++) {
            memcpy(A + (k * rows + i) * columns, tile->A + (k * tile->rows + i) * tile->columns,
                   columns * sizeof *A);
        }
    }
    return A;
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const uint8_t *level, size_t rows,
                            size_t columns)
{
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    int adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    xbtab_status status;
    xbtab_tile *tile = NULL;
    double *readout = NULL, *A = NULL;
    table *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(program_array(&tile, setup, level, rows, columns));
    readout_fit fit = {.technology = setup->technology,
                       .I_full_scale = t->I_full_scale,
                       .scale = ldexp(1.0, adc_bits - t->adc_bits),
                       .largest = ldexp(1.0, adc_bits) - 1.0};
    readout = fit_readouts(&fit, tile, rows, columns);
    A = crop(tile, rows, columns);
    if (!readout || !A) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab_kernel_input input = {.rows = rows,
                                .columns = columns,
                                .lines = t->rows,
                                .dac_bits = t->dac_bits,
                                .adc_bits = adc_bits,
                                .A = A,
                                .A_const = tile->A_const,
                                .full_scale = t->I_full_scale,
                                .readout = readout};
    XBTAB_TRY_DONE(xbtab_kernel_tile_create(&s->kernel, &input));
    s->functions = setup->kernel ? setup->kernel : xbtab_kernel_find(NULL);
    s->readout_error = fit.error;
    *state = s;
    s = NULL;
done:
    xbtab_tile_destroy(&tile);
    xbtab__free(readout);
    xbtab__free(A);
    clear(s);
    return status;
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices, int32_t *acc)
{
    const table *s = state;
    const xbtab_kernel_tile *tile = s->kernel;
    size_t most = (size_t)PRODUCTS_A_BLOCK * (size_t)slices, n_done = 0;
    uint8_t *pattern = xbtab__alloc(most, tile->groups);
    if (!pattern) return XBTAB_NOMEM();
    uint8_t bin[PRODUCTS_A_BLOCK * MOST_SLICES], shift[PRODUCTS_A_BLOCK * MOST_SLICES];
    uint32_t row[PRODUCTS_A_BLOCK * MOST_SLICES];
    while (n_done < n) {
        size_t n_block = 0, end = n_done + PRODUCTS_A_BLOCK < n ? n_done + PRODUCTS_A_BLOCK : n;
        for (; n_done < end; n_done++) {
            uint8_t *p = pattern + n_block * tile->groups;
            uint32_t used = s->functions->pack(tile, x + n_done * tile->rows, slices, p, bin + n_block);
            size_t kept = n_block;
            for (int t = 0; t < slices; t++) {
                if (tile->zero_is_zero && !(used >> t & 1)) continue; /* adds nothing */
                size_t from = n_block + (size_t)t;
                if (kept != from) {
                    memcpy(pattern + kept * tile->groups, pattern + from * tile->groups, tile->groups);
                    bin[kept] = bin[from];
                }
                shift[kept] = (uint8_t)(t * tile->dac_bits);
                row[kept++] = (uint32_t)n_done;
            }
            n_block = kept;
        }
        xbtab_kernel_batch batch = {.n = n_block, .pattern = pattern, .bin = bin, .shift = shift, .row = row};
        s->functions->product(tile, &batch, acc);
    }
    xbtab__free(pattern);
    return XBTAB_OK;
}

double xbtab_engine_table_readout_error(const void *state)
{
    return ((const table *)state)->readout_error;
}

const xbtab_engine_type xbtab_engine_table = {
    .name = "table",
    .summary = "SPICE tables through the look-up kernel: wires, nonlinear cells, TIA and ADC",
    .program = program,
    .product = product,
    .clear = clear,
};
