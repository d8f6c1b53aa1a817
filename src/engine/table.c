/* table.c - the engine on the tables: effective matrix, transfer correction, TIA and ADC in the look-up
 * kernel.
 *
 * For one bit line and one mean drive, everything behind the effective matrix is a function of one current y:
 * the transfer correction (a cubic), the TIA's curve and the ADC's scale. It is interpolated by a cubic
 * through four Chebyshev points of the range of y, and the difference from the tables' own curves is
 * measured. The tile's own refinement (refine.h) goes the same way and costs a product nothing. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine_private.h"
#include "memory.h"
#include "refine.h"

enum { NODES = 4, PROBES = 9, PRODUCTS_A_BLOCK = 64, MOST_SLICES = 16, DEFAULT_REFINE = 20 };

typedef struct table {
    const xbtab_technology *technology;
    xbtab_kernel_tile *kernel;
    const xbtab_kernel_functions *functions;
    xbtab__refinement refinement;
    double readout_error; /* [codes] */
    size_t rows;          /* word lines in use */
    int32_t middle;       /* code of no current where currents have both signs, else 0 */
} table;

static void clear(void *state)
{
    table *s = state;
    if (!s) return;
    xbtab_kernel_tile_destroy(&s->kernel);
    xbtab__refinement_clear(&s->refinement);
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
    const xbtab__refinement *refinement;
    double I_full_scale, scale; /* scale: other ADC bits than the technology's */
    double least, largest;      /* code */
    double error;               /* worst so far [codes] */
} readout_fit;

/* A bit line at one mean drive. */
typedef struct line {
    size_t j;
    double place, a;
} line;

static double code_of(const readout_fit *fit, double u, line l)
{
    double I =
        xbtab__refined_current(fit->refinement, fit->technology, u * fit->I_full_scale, l.a, l.j, l.place);
    return fit->scale * xbtab_technology_adc(fit->technology, I);
}

/* Its currents lie in [least, most] (shares of full scale). */
static void fit_readout(readout_fit *fit, line l, double least, double most, double *c)
{
    double u[NODES], f[NODES];
    for (int k = 0; k < NODES; k++) {
        u[k] = least + 0.5 * (most - least) * (1.0 - cos(M_PI * (k + 0.5) / NODES));
        f[k] = code_of(fit, u[k], l);
    }
    interpolate(u, f, c);
    for (int k = 0; k < PROBES; k++) {
        double at = least + (most - least) * k / (PROBES - 1), wanted = code_of(fit, at, l);
        if (wanted < fit->least || wanted > fit->largest) continue;
        fit->error = fmax(fit->error, fabs(cubic(c, at) - wanted));
    }
}

/* readout[bins][columns][4] for the bit lines in use */
static double *fit_readouts(readout_fit *fit, const xbtab_tile *tile, size_t rows, size_t columns)
{
    double *readout = xbtab__alloc((size_t)XBTAB_KERNEL_BINS * columns * 4, sizeof *readout);
    if (!readout) return NULL;
    const double *A = tile->A + (tile->n_codes - 1) * tile->rows * tile->columns;
    const double share =
        (double)rows / (double)tile->rows; /* the kernel's mean drive is of these rows alone */
    for (size_t j = 0; j < columns; j++) {
        double most = tile->A_const[j], least = fmin(most, 0.0);
        double p = tile->columns > 1 ? (double)j / (double)(tile->columns - 1) : 0.0;
        for (size_t i = 0; i < rows; i++) {
            most += fmax(A[i * tile->columns + j], 0.0);
            least += fmin(A[i * tile->columns + j], 0.0);
        }
        most = fmin(fmax(most / fit->I_full_scale, 1e-3), 1.05);
        least = fit->least < 0 ? fmin(fmax(least / fit->I_full_scale, -0.55), -1e-3) : 0.0;
        for (int b = 0; b < XBTAB_KERNEL_BINS; b++) {
            line l = {.j = j, .place = p, .a = share * b / (XBTAB_KERNEL_BINS - 1)};
            double *c = readout + ((size_t)b * columns + j) * 4;
            fit_readout(fit, l, least, most, c);
            c[0] -= fit->least;
        }
    }
    return readout;
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

/* Tables without samples say nothing of their range. */
static double known_current(const xbtab_tables *t)
{
    return t->transfer.y_max > 0 ? t->transfer.y_max * t->I_full_scale : INFINITY;
}

static int refinements(const xbtab_engine_setup *setup)
{
    return setup->refine == 0 ? DEFAULT_REFINE : setup->refine < 0 ? 0 : setup->refine;
}

/* The read-outs' fit and the kernel's tile, with the refinement that s has. */
static xbtab_status fit_kernel(table *s, const xbtab_tile *tile, int adc_bits, size_t rows, size_t columns)
{
    const xbtab_tables *t = xbtab_technology_tables(s->technology);
    xbtab_status status;
    readout_fit fit = {.technology = s->technology,
                       .refinement = &s->refinement,
                       .I_full_scale = t->I_full_scale,
                       .scale = ldexp(1.0, adc_bits - t->adc_bits),
                       .least = -s->middle,
                       .largest = ldexp(1.0, adc_bits) - 1.0 - s->middle};
    double *readout = fit_readouts(&fit, tile, rows, columns);
    double *A = crop(tile, rows, columns);
    if (!readout || !A) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab_kernel_input input = {.rows = rows,
                                .columns = columns,
                                .dac_bits = t->dac_bits,
                                .adc_bits = adc_bits,
                                .A = A,
                                .A_const = tile->A_const,
                                .full_scale = t->I_full_scale,
                                .I_known = known_current(t),
                                .readout = readout};
    XBTAB_TRY_DONE(xbtab_kernel_tile_create(&s->kernel, &input));
    s->readout_error = fit.error;
done:
    xbtab__free(readout);
    xbtab__free(A);
    return status;
}

static xbtab_status program(void **state, const xbtab_engine_setup *setup, const xbtab_cells *cells)
{
    const size_t rows = cells->rows, columns = cells->columns;
    const xbtab_tables *t = xbtab_technology_tables(setup->technology);
    int adc_bits = setup->adc_bits ? setup->adc_bits : t->adc_bits;
    xbtab_status status;
    xbtab_tile *tile = NULL;
    double *G = NULL;
    table *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    s->technology = setup->technology;
    s->rows = rows;
    s->middle = xbtab__engine_middle(t, adc_bits);
    XBTAB_TRY_DONE(xbtab__engine_conductances(&G, t, cells));
    XBTAB_TRY_DONE(xbtab_tile_create(&tile, setup->technology, G, t->rows, t->columns));
    XBTAB_TRY_DONE(
        xbtab__refine(&s->refinement, setup->technology, tile, G, rows, columns, refinements(setup)));
    status = fit_kernel(s, tile, adc_bits, rows, columns);
    if (status == XBTAB_ERR_UNSUPPORTED && s->refinement.is_refined) {
        /* corrections that leave the kernel's numbers between the currents they saw: T alone stays within */
        xbtab__refinement_clear(&s->refinement);
        XBTAB_TRY_DONE(xbtab__refine(&s->refinement, setup->technology, tile, G, rows, columns, 0));
        status = fit_kernel(s, tile, adc_bits, rows, columns);
    }
    if (status < 0) goto done;
    s->functions = setup->kernel ? setup->kernel : xbtab_kernel_find(NULL);
    *state = s;
    s = NULL;
done:
    xbtab_tile_destroy(&tile);
    xbtab__free(G);
    clear(s);
    return status;
}

/* A call's products, cut into input slices and packed for the kernel, some vectors at a time. */
typedef struct packed {
    uint8_t *pattern; /* pattern[PRODUCTS_A_BLOCK * slices][groups] */
    uint16_t *idle;   /* idle[stride] of the groups that no product of the block drives */
    size_t n;         /* products */
    uint8_t bin[PRODUCTS_A_BLOCK * MOST_SLICES], shift[PRODUCTS_A_BLOCK * MOST_SLICES];
    uint32_t row[PRODUCTS_A_BLOCK * MOST_SLICES];
} packed;

static void packed_clear(packed *p)
{
    xbtab__free(p->pattern);
    xbtab__free(p->idle);
}

static xbtab_status packed_init(packed *p, const xbtab_kernel_tile *tile, int slices)
{
    p->pattern = xbtab__alloc((size_t)PRODUCTS_A_BLOCK * (size_t)slices, tile->groups);
    p->idle = xbtab__alloc_aligned(tile->stride, sizeof *p->idle);
    return p->pattern && p->idle ? XBTAB_OK : XBTAB_NOMEM();
}

/* Pack vectors [from, end) of x. Slices that are zero everywhere are left out where they add nothing and
 * `keeps_all` is not set; row counts vectors, or where all are kept slices. */
static void pack(packed *p, const table *s, const uint16_t *x, size_t from, size_t end, int slices,
                 bool keeps_all)
{
    const xbtab_kernel_tile *tile = s->kernel;
    p->n = 0;
    for (size_t v = from; v < end; v++) {
        uint8_t *pattern = p->pattern + p->n * tile->groups;
        uint32_t used = s->functions->pack(tile, x + v * tile->rows, slices, pattern, p->bin + p->n);
        size_t kept = p->n;
        for (int t = 0; t < slices; t++) {
            if (!keeps_all && tile->zero_is_zero && !(used >> t & 1)) continue; /* adds nothing */
            size_t at = p->n + (size_t)t;
            if (kept != at) {
                memcpy(p->pattern + kept * tile->groups, p->pattern + at * tile->groups, tile->groups);
                p->bin[kept] = p->bin[at];
            }
            p->shift[kept] = (uint8_t)(keeps_all ? 0 : t * tile->dac_bits);
            p->row[kept] = (uint32_t)(keeps_all ? kept : v);
            kept++;
        }
        p->n = kept;
    }
}

static uint64_t look_up(const packed *p, const table *s, xbtab_window window, bool all_bits, int32_t *acc)
{
    xbtab_kernel_batch batch = {.n = p->n,
                                .pattern = p->pattern,
                                .bin = p->bin,
                                .shift = p->shift,
                                .row = p->row,
                                .all_bits = all_bits,
                                .first_block = window.first / XBTAB_KERNEL_BLOCK};
    batch.n_blocks = (window.first + window.n - 1) / XBTAB_KERNEL_BLOCK + 1 - batch.first_block;
    xbtab__engine_narrow(&batch, s->kernel, p->idle);
    return s->functions->product(s->kernel, &batch, acc);
}

/* Codes of both signs: the kernel's count from the range's lower end. */
static void take_middle(const table *s, const packed *p, xbtab_window window, int32_t *acc)
{
    for (size_t v = 0; v < p->n; v++) {
        int32_t *out = acc + p->row[v] * s->kernel->stride;
        for (size_t j = window.first; j < window.first + window.n; j++) out[j] -= s->middle << p->shift[v];
    }
}

static xbtab_status product(const void *state, const uint16_t *x, size_t n, int slices,
                            const xbtab_window *of, int32_t *acc, xbtab_product_counts *counts)
{
    const table *s = state;
    const xbtab_window window = xbtab__window_of(of, s->kernel->columns);
    packed p = {0};
    xbtab_status status;
    XBTAB_TRY_DONE(packed_init(&p, s->kernel, slices));
    for (size_t v = 0; v < n; v += PRODUCTS_A_BLOCK) {
        pack(&p, s, x, v, v + PRODUCTS_A_BLOCK < n ? v + PRODUCTS_A_BLOCK : n, slices, false);
        counts->outside += look_up(&p, s, window, false, acc);
        counts->codes += p.n * window.n;
        if (s->middle) take_middle(s, &p, window, acc);
    }
done:
    packed_clear(&p);
    return status;
}

static xbtab_status read(const void *state, const uint16_t *x, size_t n, int slices, const xbtab_window *of,
                         double *v, xbtab_product_counts *counts)
{
    const table *s = state;
    const xbtab_window window = xbtab__window_of(of, s->kernel->columns);
    const size_t stride = s->kernel->stride;
    /* the chain adds half a code, so that cutting off rounds */
    const double zero = (s->middle + 0.5) * ldexp(1.0, -s->kernel->adc_bits);
    packed p = {0};
    xbtab_status status;
    int32_t *bits = xbtab__alloc_aligned((size_t)PRODUCTS_A_BLOCK * (size_t)slices * stride, sizeof *bits);
    if (!bits) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(packed_init(&p, s->kernel, slices));
    for (size_t from = 0; from < n; from += PRODUCTS_A_BLOCK) {
        size_t end = from + PRODUCTS_A_BLOCK < n ? from + PRODUCTS_A_BLOCK : n;
        pack(&p, s, x, from, end, slices, true);
        memset(bits, 0, p.n * stride * sizeof *bits);
        counts->outside += look_up(&p, s, window, true, bits);
        counts->codes += p.n * window.n;
        for (size_t k = 0; k < p.n; k++, v += stride) {
            for (size_t j = window.first; j < window.first + window.n; j++)
                v[j] = bits[k * stride + j] * 0x1p-16 - zero;
        }
    }
done:
    packed_clear(&p);
    xbtab__free(bits);
    return status;
}

void xbtab_engine_table_report(const void *state, xbtab_table_report *report)
{
    const table *s = state;
    *report = (xbtab_table_report){.readout_error = s->readout_error,
                                   .is_refined = s->refinement.is_refined,
                                   .squares = s->refinement.squares,
                                   .most = s->refinement.most,
                                   .samples = s->refinement.samples,
                                   .power_squares = s->refinement.power.squares,
                                   .power_most = s->refinement.power.most};
}

double xbtab_engine_table_power(const void *state, const uint8_t *code)
{
    const table *s = state;
    return xbtab__tile_power_of(&s->refinement.power, code, s->rows);
}

double xbtab__engine_table_current(const void *state, double y, double a, size_t j)
{
    const table *s = state;
    size_t columns = xbtab_technology_tables(s->technology)->columns;
    double place = columns > 1 ? (double)j / (double)(columns - 1) : 0.0;
    return xbtab__refined_current(&s->refinement, s->technology, y, a, j, place);
}

double xbtab__engine_table_rmse(const void *state, double a)
{
    const table *s = state;
    return xbtab__refined_rmse(&s->refinement, a);
}

const xbtab_engine_type xbtab_engine_table = {
    .name = "table",
    .summary = "SPICE tables through the look-up kernel: wires, nonlinear cells, TIA and ADC",
    .program = program,
    .product = product,
    .read = read,
    .clear = clear,
};
