/* kernel.c - programming a kernel tile, packing its inputs, and the plain C product that every other one
 * equals. */
#include <xbartab/kernel.h>

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_private.h"
#include "memory.h"

enum { STRIDE_STEP = 32, PATTERNS = 16 };

static size_t lines_a_group(int dac_bits)
{
    return 4u / (unsigned)dac_bits;
}

/* Sum of one group's currents for a pattern, on one bit line. */
static double partial(const xbtab_kernel_input *in, size_t group, unsigned pattern, size_t j)
{
    size_t lines = lines_a_group(in->dac_bits);
    unsigned mask = (1u << in->dac_bits) - 1;
    double sum = group == 0 ? in->A_const[j] : 0.0;
    for (size_t l = 0; l < lines; l++) {
        size_t i = group * lines + l;
        unsigned code = pattern >> (l * (unsigned)in->dac_bits) & mask;
        if (i < in->rows) sum += in->A[(code * in->rows + i) * in->columns + j];
    }
    return sum;
}

/* The largest |S/scale| that any input can cause on any bit line. */
static double largest_sum(const xbtab_kernel_input *in, size_t groups)
{
    double most = 0;
    for (size_t j = 0; j < in->columns; j++) {
        double high = 0, low = 0;
        for (size_t g = 0; g < groups; g++) {
            double up = -INFINITY, down = INFINITY;
            for (unsigned p = 0; p < PATTERNS; p++) {
                double x = partial(in, g, p, j);
                up = fmax(up, x);
                down = fmin(down, x);
            }
            high += up;
            low += down;
        }
        most = fmax(most, fmax(high, -low));
    }
    return most;
}

static void fill_patterns(xbtab_kernel_tile *tile, const xbtab_kernel_input *in)
{
    for (size_t g = 0; g < tile->groups; g++) {
        for (unsigned p = 0; p < PATTERNS; p++) {
            int16_t *row = tile->P + (g * PATTERNS + p) * tile->stride;
            for (size_t j = 0; j < in->columns; j++)
                row[j] = (int16_t)lround(partial(in, g, p, j) * tile->scale);
        }
    }
}

/* Read-out polynomials from codes against y/full_scale to the kernel's numbers. v = code * 2^(15 - adc_bits)
 * as a polynomial in S is sum_m c_m (S / 2^15)^m 2^15; the boost keeps every |c_m| below 1. */
static xbtab_status fill_readout(xbtab_kernel_tile *tile, const xbtab_kernel_input *in)
{
    double unit = ldexp(1.0, 15 - in->adc_bits) / 32768.0; /* codes to shares of 2^15 */
    double u = 32768.0 / (tile->scale * in->full_scale);   /* y/full_scale at S = 2^15 */
    double most = 0;
    size_t n = XBTAB_KERNEL_BINS * in->columns;
    for (size_t k = 0; k < n; k++) {
        double factor = unit;
        for (int m = 0; m < 4; m++, factor *= u) {
            most = fmax(most, fabs(in->readout[4 * k + (size_t)m]) * factor);
            if (!isfinite(in->readout[4 * k + (size_t)m])) {
                XBTAB_FAIL(XBTAB_ERR_INPUT, "the read-out of bit line %zu is not finite", k % in->columns);
            }
        }
    }
    while (most * 32768.0 >= 32767.0 && tile->boost < 15) {
        most /= 2;
        tile->boost++;
    }
    if (most * 32768.0 >= 32767.0) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "the ADC's full scale is more than 30,000 times smaller than a bit line's "
                   "largest current");
    }
    for (int bin = 0; bin < XBTAB_KERNEL_BINS; bin++) {
        for (size_t j = 0; j < in->columns; j++) {
            const double *c = in->readout + ((size_t)bin * in->columns + j) * 4;
            double factor = ldexp(unit, 15 - tile->boost);
            for (int m = 0; m < 4; m++, factor *= u) {
                tile->k[((size_t)bin * 4 + (size_t)m) * tile->stride + j] = (int16_t)lround(c[m] * factor);
            }
        }
    }
    return XBTAB_OK;
}

static bool check_zero(const xbtab_kernel_tile *tile)
{
    bool all_zero = true;
    for (size_t j = 0; j < tile->columns; j++) {
        int S = 0;
        for (size_t g = 0; g < tile->groups; g++) S += tile->P[g * PATTERNS * tile->stride + j];
        all_zero = all_zero && xbtab__kernel_code(tile, 0, j, (int16_t)S) == 0;
    }
    return all_zero;
}

xbtab_status xbtab_kernel_tile_create(xbtab_kernel_tile **out, const xbtab_kernel_input *in)
{
    xbtab_status status;
    if (in->dac_bits != 1 && in->dac_bits != 2 && in->dac_bits != 4) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d DAC bits: the kernel has 1, 2 and 4", in->dac_bits);
    }
    if (in->adc_bits < 1 || in->adc_bits > XBTAB_KERNEL_MOST_ADC_BITS) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d ADC bits: the kernel has 1 to %d", in->adc_bits,
                   XBTAB_KERNEL_MOST_ADC_BITS);
    }
    if (in->rows < 1 || in->columns < 1 || in->lines < in->rows) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu x %zu cells of a tile with %zu word lines", in->rows, in->columns,
                   in->lines);
    }
    xbtab_kernel_tile *tile = xbtab__alloc(1, sizeof *tile);
    if (!tile) return XBTAB_NOMEM();
    tile->rows = in->rows;
    tile->columns = in->columns;
    tile->lines = in->lines;
    tile->stride = (in->columns + STRIDE_STEP - 1) / STRIDE_STEP * STRIDE_STEP;
    tile->groups = (in->rows + lines_a_group(in->dac_bits) - 1) / lines_a_group(in->dac_bits);
    tile->dac_bits = in->dac_bits;
    tile->adc_bits = in->adc_bits;
    tile->P = xbtab__alloc_aligned(tile->groups * PATTERNS * tile->stride, sizeof *tile->P);
    tile->k = xbtab__alloc_aligned((size_t)XBTAB_KERNEL_BINS * 4 * tile->stride, sizeof *tile->k);
    if (!tile->P || !tile->k) {
        status = XBTAB_NOMEM();
        goto done;
    }
    double most = largest_sum(in, tile->groups);
    if (!isfinite(most) || !(in->full_scale > 0))
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "the tile's currents are not finite");
    /* each of the groups' terms is rounded by up to half a unit */
    tile->scale = (32767.0 - (double)tile->groups) / (most > 0 ? most : in->full_scale);
    fill_patterns(tile, in);
    XBTAB_TRY_DONE(fill_readout(tile, in));
    tile->zero_is_zero = check_zero(tile);
    *out = tile;
    tile = NULL;
done:
    xbtab_kernel_tile_destroy(&tile);
    return status;
}

void xbtab_kernel_tile_destroy(xbtab_kernel_tile **tile)
{
    if (!tile || !*tile) return;
    xbtab__free((*tile)->P);
    xbtab__free((*tile)->k);
    xbtab__free(*tile);
    *tile = NULL;
}

/* Nibbles of four 1-bit codes: one multiplication gathers bit 0 of each of four bytes. */
static void pack_1bit(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern)
{
    size_t full = tile->rows / 4;
    for (size_t g = 0; g < tile->groups; g++) {
        uint64_t codes = 0;
        size_t lines = g < full ? 4 : tile->rows - 4 * g;
        for (size_t l = 0; l < lines; l++) codes |= (uint64_t)x[4 * g + l] << (16 * l);
        for (int t = 0; t < slices; t++) {
            uint64_t bits = codes >> t & 0x0001000100010001u;
            pattern[(size_t)t * tile->groups + g] = (uint8_t)((bits * 0x0001000200040008u >> 48) & 0xf);
        }
    }
}

static void pack_bits(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern)
{
    size_t lines = lines_a_group(tile->dac_bits);
    unsigned bits = (unsigned)tile->dac_bits, mask = (1u << bits) - 1;
    for (size_t g = 0; g < tile->groups; g++) {
        for (int t = 0; t < slices; t++) {
            unsigned p = 0;
            for (size_t l = 0; l < lines && g * lines + l < tile->rows; l++) {
                p |= ((unsigned)x[g * lines + l] >> ((unsigned)t * bits) & mask) << (l * bits);
            }
            pattern[(size_t)t * tile->groups + g] = (uint8_t)p;
        }
    }
}

uint32_t xbtab_kernel_pack(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                           uint8_t *bin)
{
    static const uint8_t drive[5][PATTERNS] = {
        [1] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4},
        [2] = {0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6},
        [4] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    };
    const uint8_t *of = drive[tile->dac_bits];
    size_t full = tile->lines * ((1u << tile->dac_bits) - 1);
    uint32_t used = 0;
    if (tile->dac_bits == 1) {
        pack_1bit(tile, x, slices, pattern);
    } else {
        pack_bits(tile, x, slices, pattern);
    }
    for (int t = 0; t < slices; t++) {
        const uint8_t *p = pattern + (size_t)t * tile->groups;
        size_t sum = 0;
        for (size_t g = 0; g < tile->groups; g++) sum += of[p[g]];
        bin[t] = (uint8_t)((sum * (XBTAB_KERNEL_BINS - 1) * 2 + full) / (2 * full));
        if (sum) used |= 1u << t;
    }
    return used;
}

static void product_c(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    for (size_t v = 0; v < batch->n; v++) {
        const uint8_t *pattern = batch->pattern + v * tile->groups;
        int32_t *out = acc + batch->row[v] * tile->stride;
        for (size_t j = 0; j < tile->stride; j++) {
            int S = 0;
            for (size_t g = 0; g < tile->groups; g++)
                S += tile->P[(g * PATTERNS + pattern[g]) * tile->stride + j];
            assert(S >= INT16_MIN && S <= INT16_MAX);
            out[j] += xbtab__kernel_code(tile, batch->bin[v], j, (int16_t)S) << batch->shift[v];
        }
    }
}

const xbtab_kernel_functions xbtab__kernel_c = {.isa = "c", .product = product_c};

void xbtab_kernel_exact(const xbtab_kernel_input *in, const uint8_t *code, double *v)
{
    size_t full = in->lines * ((1u << in->dac_bits) - 1), sum = 0;
    for (size_t i = 0; i < in->rows; i++) sum += code[i];
    size_t bin = (sum * (XBTAB_KERNEL_BINS - 1) * 2 + full) / (2 * full);
    for (size_t j = 0; j < in->columns; j++) {
        double y = in->A_const[j];
        for (size_t i = 0; i < in->rows; i++) y += in->A[(code[i] * in->rows + i) * in->columns + j];
        const double *c = in->readout + (bin * in->columns + j) * 4;
        double u = y / in->full_scale;
        v[j] = ((c[3] * u + c[2]) * u + c[1]) * u + c[0];
    }
}
