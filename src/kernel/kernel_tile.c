/* kernel_tile.c - programming a kernel tile: currents to 16-bit partial sums, read-out polynomials to fixed
 * point.
 *
 * Range. S covers, for each bit line, what its cells can carry and no more (I_unit): a layer that uses few of
 * a tile's word lines has currents of few per cent of the full scale, and a read-out that is fitted there
 * says nothing of what is beyond. Where a bit line can carry more than the full scale, the range ends where
 * its ADC is at its largest code.
 *
 * Rounding. Each partial sum is rounded to the nearest step, so that one without current stays zero. The
 * errors of the groups are as good as independent: sqrt(groups / 12) steps rms, 0.0025 % of the range for 32
 * groups. Carrying a group's mean error into the next group's rounding was tried and made it 2 % less.
 *
 * Read-out. With S = 2^15 (1 + u): y = (I_base + I_unit S) / full_scale = h + r u. The Taylor shift of the
 * cubic to h gives code = d0 + d1 u + d2 u^2 + d3 u^3; v = (code + 1/2) 2^(1 - adc_bits) - 1 runs over [-1,
 * 1) while the rounded code runs over the ADC's range, so that its upper adc_bits bits are the code and its
 * saturation the clamp. A bit line that can reach the whole range has d1 near 1 and is written as a deviation
 * from u; one that cannot has d1 below 1 and is written as it is. */
#include <xbartab/kernel.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_private.h"
#include "memory.h"

enum { BLOCK = XBTAB_KERNEL_BLOCK, MOST_PATTERNS = XBTAB__MOST_PATTERNS, PROBES = 32, MOST_BOOST = 12 };

/* Rounding of the four k and of the products behind them must not reach 2^15. */
static const double LARGEST_SUM_OF_K = 1.0 - 8.0 / 32768.0;

/* Of the full scale: the least range of a bit line. */
static const double LEAST_RANGE = 1e-3;

/* Current of one group's lines for each pattern, on one bit line [A]; the smallest is taken out and returned.
 */
static double partials(double *I, const xbtab_kernel_input *in, size_t group, size_t j)
{
    const size_t lines = xbtab__kernel_lines(in->dac_bits);
    const unsigned bits = (unsigned)in->dac_bits, mask = (1U << bits) - 1;
    const size_t patterns = xbtab__kernel_patterns(in->dac_bits);
    double least = INFINITY;
    for (unsigned p = 0; p < patterns; p++) {
        I[p] = 0;
        for (size_t l = 0; l < lines && group * lines + l < in->rows; l++)
            I[p] += in->A[((p >> (l * bits) & mask) * in->rows + group * lines + l) * in->columns + j];
        least = fmin(least, I[p]);
    }
    for (unsigned p = 0; p < patterns; p++) I[p] -= least;
    return least;
}

static double cubic(const double *c, double y)
{
    return ((c[3] * y + c[2]) * y + c[1]) * y + c[0];
}

/* How far above I_base a bit line's current must be told apart, when it can reach I_span there: no further
 * than to where the ADC is at its largest code for every mean drive. */
static double needed_range(const xbtab_kernel_input *in, size_t j, double I_base, double I_span)
{
    const double top = ldexp(1.0, in->adc_bits) - 0.5;
    int probe = 0;
    if (I_span <= in->full_scale) return fmax(I_span, LEAST_RANGE * in->full_scale);
    for (int bin = 0; bin < XBTAB_KERNEL_BINS && probe < PROBES; bin++) {
        const double *c = in->readout + ((size_t)bin * in->columns + j) * 4;
        for (; probe < PROBES; probe++) {
            double I = in->full_scale + (I_span - in->full_scale) * probe / PROBES;
            if (cubic(c, (I_base + I) / in->full_scale) >= top) break;
        }
    }
    return in->full_scale + (I_span - in->full_scale) * probe / PROBES;
}

static xbtab_status check(const xbtab_kernel_input *in)
{
    if (in->dac_bits < 1 || in->dac_bits > XBTAB_KERNEL_MOST_DAC_BITS)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d DAC bits: the kernel has 1 to %d", in->dac_bits,
                   XBTAB_KERNEL_MOST_DAC_BITS);
    if (in->adc_bits < 1 || in->adc_bits > XBTAB_KERNEL_MOST_ADC_BITS)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d ADC bits: the kernel has 1 to %d", in->adc_bits,
                   XBTAB_KERNEL_MOST_ADC_BITS);
    if (in->rows < 1 || in->columns < 1)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a tile of %zu x %zu cells", in->rows, in->columns);
    if (!isfinite(in->full_scale) || in->full_scale <= 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "full scale of %g A: it must be positive", in->full_scale);
    if (!(in->I_known > 0))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "the read-out is known up to %g A: it must be positive", in->I_known);
    for (size_t n = 0; n < ((size_t)1 << in->dac_bits) * in->rows * in->columns; n++)
        if (!isfinite(in->A[n]))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "a current of bit line %zu is not finite", n % in->columns);
    for (size_t j = 0; j < in->columns; j++)
        if (!isfinite(in->A_const[j]))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "the constant current of bit line %zu is not finite", j);
    for (size_t n = 0; n < XBTAB_KERNEL_BINS * in->columns * 4; n++)
        if (!isfinite(in->readout[n]))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "the read-out of bit line %zu is not finite", n / 4 % in->columns);
    return XBTAB_OK;
}

/* I_base and I_unit of a bit line. The sum of rounded numbers must not saturate within the range. */
static void find_range(xbtab_kernel_tile *tile, const xbtab_kernel_input *in, size_t j)
{
    double I[MOST_PATTERNS], base = in->A_const[j], span = 0;
    for (size_t g = 0; g < tile->groups; g++) {
        double most = 0;
        base += partials(I, in, g, j);
        for (unsigned p = 0; p < tile->patterns; p++) most = fmax(most, I[p]);
        span += most;
    }
    tile->I_base[j] = base;
    tile->I_unit[j] = needed_range(in, j, base, span) / (UINT16_MAX - 0.5 * (double)tile->groups);
}

static uint16_t to_u16(double S)
{
    return (uint16_t)fmin(fmax(S, 0.0), UINT16_MAX);
}

static void fill_known(xbtab_kernel_tile *tile, const xbtab_kernel_input *in)
{
    for (size_t j = 0; j < tile->stride; j++) {
        double least = 0, most = UINT16_MAX;
        if (j < tile->columns) {
            least = ceil((-in->I_known - tile->I_base[j]) / tile->I_unit[j]);
            most = floor((in->I_known - tile->I_base[j]) / tile->I_unit[j]);
        }
        tile->S_first[j] = to_u16(least);
        tile->S_known[j] = to_u16(most - tile->S_first[j]);
    }
}

static void fill_P(xbtab_kernel_tile *tile, const xbtab_kernel_input *in, size_t j)
{
    double I[MOST_PATTERNS];
    uint16_t *P = tile->P + j / BLOCK * tile->groups * tile->patterns * BLOCK + j % BLOCK;
    for (size_t g = 0; g < tile->groups; g++, P += tile->patterns * BLOCK) {
        partials(I, in, g, j);
        for (unsigned p = 0; p < tile->patterns; p++)
            P[p * BLOCK] = (uint16_t)fmin(floor(I[p] / tile->I_unit[j] + 0.5), UINT16_MAX);
    }
}

/* v as a polynomial in u. */
static void centre(double *d, const xbtab_kernel_tile *tile, const xbtab_kernel_input *in, size_t bin,
                   size_t j)
{
    const double *c = in->readout + (bin * in->columns + j) * 4;
    const double r = 32768.0 * tile->I_unit[j] / in->full_scale, h = tile->I_base[j] / in->full_scale + r;
    const double codes = ldexp(1.0, 1 - in->adc_bits);
    d[0] = (cubic(c, h) + 0.5) * codes - 1.0;
    d[1] = ((3.0 * c[3] * h + 2.0 * c[2]) * h + c[1]) * r * codes;
    d[2] = (3.0 * c[3] * h + c[2]) * r * r * codes;
    d[3] = c[3] * r * r * r * codes;
}

/* Largest |d0|, |d1| + |d2| + |d3|, and |d0| + |d1 - 1| + |d2| + |d3| of a bit line. */
typedef struct sums_of_d {
    double d0, others, off_identity;
} sums_of_d;

static sums_of_d sums_of(const xbtab_kernel_tile *tile, const xbtab_kernel_input *in, size_t j)
{
    sums_of_d most = {0};
    for (size_t bin = 0; bin < XBTAB_KERNEL_BINS; bin++) {
        double d[4];
        centre(d, tile, in, bin, j);
        double bends = fabs(d[2]) + fabs(d[3]);
        most.d0 = fmax(most.d0, fabs(d[0]));
        most.others = fmax(most.others, fabs(d[1]) + bends);
        most.off_identity = fmax(most.off_identity, fabs(d[0]) + fabs(d[1] - 1.0) + bends);
    }
    return most;
}

/* The form of each bit line's read-out, and the tile's boost. */
static xbtab_status choose_forms(xbtab_kernel_tile *tile, const xbtab_kernel_input *in)
{
    double most = 0;
    bool fits = true;
    for (size_t j = 0; j < tile->columns; j++) {
        sums_of_d d = sums_of(tile, in, j);
        double plain = fmax(d.d0, d.others);
        tile->identity[j] = d.off_identity < LARGEST_SUM_OF_K ? -1 : 0;
        if (!tile->identity[j] && plain >= LARGEST_SUM_OF_K) fits = false;
        most = fmax(most, plain);
    }
    if (fits) return XBTAB_OK;
    memset(tile->identity, 0, tile->stride * sizeof *tile->identity);
    while (ldexp(most, -tile->boost) >= LARGEST_SUM_OF_K) {
        if (++tile->boost > MOST_BOOST)
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                       "a read-out leaves the ADC's range %.3g times: the kernel has 16 bits", most);
    }
    return XBTAB_OK;
}

static void fill_k(xbtab_kernel_tile *tile, const xbtab_kernel_input *in)
{
    for (size_t bin = 0; bin < XBTAB_KERNEL_BINS; bin++) {
        for (size_t j = 0; j < tile->stride; j++) {
            int16_t *k = tile->k + (j / BLOCK * XBTAB_KERNEL_BINS + bin) * 4 * BLOCK + j % BLOCK;
            double d[4];
            if (j >= tile->columns) {
                k[0] = INT16_MIN; /* code 0 */
                continue;
            }
            centre(d, tile, in, bin, j);
            if (tile->identity[j]) d[1] -= 1.0;
            for (int m = 0; m < 4; m++) k[m * BLOCK] = (int16_t)lrint(ldexp(d[m], 15 - tile->boost));
        }
    }
}

static bool check_zero(const xbtab_kernel_tile *tile)
{
    for (size_t j = 0; j < tile->columns; j++) {
        const uint16_t *P = xbtab__kernel_P(tile, j / BLOCK) + j % BLOCK;
        uint32_t S = 0;
        for (size_t g = 0; g < tile->groups; g++) S += P[g * tile->patterns * BLOCK];
        S = S < UINT16_MAX ? S : UINT16_MAX;
        if (xbtab__kernel_code(tile, xbtab__kernel_k(tile, j / BLOCK) + j % BLOCK, tile->identity[j],
                               (uint16_t)S, 16 - tile->adc_bits) != 0)
            return false;
    }
    return true;
}

xbtab_status xbtab_kernel_tile_create(xbtab_kernel_tile **out, const xbtab_kernel_input *in)
{
    xbtab_status status;
    XBTAB_TRY(check(in));
    const size_t lines = xbtab__kernel_lines(in->dac_bits);
    xbtab_kernel_tile *tile = xbtab__alloc(1, sizeof *tile);
    if (!tile) return XBTAB_NOMEM();
    tile->rows = in->rows;
    tile->columns = in->columns;
    tile->stride = (in->columns + BLOCK - 1) / BLOCK * BLOCK;
    tile->groups = (in->rows + lines - 1) / lines;
    tile->patterns = xbtab__kernel_patterns(in->dac_bits);
    tile->dac_bits = in->dac_bits;
    tile->adc_bits = in->adc_bits;
    tile->I_base = xbtab__alloc(tile->columns, sizeof *tile->I_base);
    tile->P = xbtab__alloc_aligned(tile->groups * tile->patterns * tile->stride, sizeof *tile->P);
    tile->k = xbtab__alloc_aligned((size_t)XBTAB_KERNEL_BINS * 4 * tile->stride, sizeof *tile->k);
    tile->I_unit = xbtab__alloc(tile->columns, sizeof *tile->I_unit);
    tile->identity = xbtab__alloc_aligned(tile->stride, sizeof *tile->identity);
    tile->S_first = xbtab__alloc_aligned(tile->stride, sizeof *tile->S_first);
    tile->S_known = xbtab__alloc_aligned(tile->stride, sizeof *tile->S_known);
    if (!tile->I_base || !tile->I_unit || !tile->P || !tile->k || !tile->identity || !tile->S_first ||
        !tile->S_known) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t j = 0; j < tile->columns; j++) {
        find_range(tile, in, j);
        fill_P(tile, in, j);
    }
    fill_known(tile, in);
    XBTAB_TRY_DONE(choose_forms(tile, in));
    fill_k(tile, in);
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
    xbtab__free((*tile)->I_base);
    xbtab__free((*tile)->I_unit);
    xbtab__free((*tile)->P);
    xbtab__free((*tile)->k);
    xbtab__free((*tile)->identity);
    xbtab__free((*tile)->S_first);
    xbtab__free((*tile)->S_known);
    xbtab__free(*tile);
    *tile = NULL;
}

void xbtab_kernel_exact(const xbtab_kernel_input *in, const uint8_t *code, double *v)
{
    const size_t full = in->rows * ((1U << in->dac_bits) - 1);
    size_t sum = 0;
    for (size_t i = 0; i < in->rows; i++) sum += code[i];
    const size_t bin = (sum * (XBTAB_KERNEL_BINS - 1) * 2 + full) / (2 * full);
    for (size_t j = 0; j < in->columns; j++) {
        double I = in->A_const[j];
        for (size_t i = 0; i < in->rows; i++) I += in->A[(code[i] * in->rows + i) * in->columns + j];
        v[j] = cubic(in->readout + (bin * in->columns + j) * 4, I / in->full_scale);
    }
}
