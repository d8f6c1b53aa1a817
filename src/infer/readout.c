/* readout.c - conversions, and their ranges and references from samples. */
#include "readout.h"

#include <math.h>

#include "memory.h"
#include "vector.h"

static const double WHOLE = 1e-4; /* of a step: a charge that is whole but for rounding counts as one */

void xbtab__converter_clear(xbtab__converter *c)
{
    xbtab__free(c->reference);
    xbtab__free(c->value);
    *c = (xbtab__converter){0};
}

void xbtab__converter_range(xbtab__converter *c, double low, double high, int bits, bool counts)
{
    *c = (xbtab__converter){.low = low,
                            .step = ldexp(high - low, -bits),
                            .largest = ldexp(1.0, bits) - 1.0,
                            .half = counts ? WHOLE : 0.5};
}

void xbtab__converter_ends(xbtab__converter *c, double low, double high, int bits, bool counts,
                           bool symmetric)
{
    double largest = ldexp(1.0, bits) - 1.0;
    if (symmetric && bits > 1) largest -= 1.0;
    *c = (xbtab__converter){.low = low,
                            .step = (high - low) / (counts ? largest + 1.0 : largest),
                            .largest = largest,
                            .half = counts ? WHOLE : 0.5};
}

static xbtab_status make_room(xbtab__converter *c)
{
    c->reference = xbtab__alloc((size_t)c->largest, sizeof *c->reference);
    c->value = xbtab__alloc((size_t)c->largest + 1, sizeof *c->value);
    return c->reference && c->value ? XBTAB_OK : XBTAB_NOMEM();
}

xbtab_status xbtab__converter_references(xbtab__converter *c)
{
    XBTAB_TRY(make_room(c));
    for (size_t k = 0; k <= (size_t)c->largest; k++) {
        c->value[k] = c->low + c->step * (double)k;
        if (k) c->reference[k - 1] = c->value[k] - c->step * c->half;
    }
    return XBTAB_OK;
}

XBTAB__VECTOR static void convert_uniform(const xbtab__converter c, double *restrict u, size_t n)
{
    const double scale = 1.0 / c.step, shift = c.half - c.low / c.step;
    for (size_t k = 0; k < n; k++) {
        double code = floor(u[k] * scale + shift);
        code = code < c.largest ? code : c.largest;
        u[k] = c.low + c.step * (code > 0 ? code : 0);
    }
}

/* How many of ascending references u reaches. */
static size_t find(const double *reference, size_t n, double u)
{
    size_t least = 0;
    while (n > 0) {
        size_t middle = n / 2;
        if (u >= reference[least + middle]) {
            least += middle + 1;
            n -= middle + 1;
        } else {
            n = middle;
        }
    }
    return least;
}

void xbtab__convert(const xbtab__converter *c, double *u, const double *offset, size_t n)
{
    for (size_t k = 0; offset && k < n; k++) u[k] += offset[k];
    if (!c->reference) {
        convert_uniform(*c, u, n);
        return;
    }
    for (size_t k = 0; k < n; k++) u[k] = c->value[find(c->reference, (size_t)c->largest, u[k])];
}

/* ---- samples ---- */

void xbtab__samples_add(xbtab__samples *s, const double *u, size_t n)
{
    if (!s->count) {
        for (size_t k = 0; k < n; k++) {
            s->least = fmin(s->least, u[k]);
            s->most = fmax(s->most, u[k]);
        }
        return;
    }
    const double scale = (XBTAB__SAMPLE_BINS - 1) / fmax(s->most - s->least, 1e-300);
    for (size_t k = 0; k < n; k++) {
        double bin = floor((u[k] - s->least) * scale + 0.5);
        s->count[(size_t)fmin(fmax(bin, 0.0), XBTAB__SAMPLE_BINS - 1)]++;
    }
}

static double value_of(const xbtab__samples *s, size_t bin)
{
    return s->least + (s->most - s->least) * (double)bin / (XBTAB__SAMPLE_BINS - 1);
}

static double quantile_of(const xbtab__samples *s, double share)
{
    double total = 0, sum = 0;
    for (size_t k = 0; k < XBTAB__SAMPLE_BINS; k++) total += (double)s->count[k];
    for (size_t k = 0; k < XBTAB__SAMPLE_BINS; k++) {
        sum += (double)s->count[k];
        if (sum >= share * total && sum > 0) return value_of(s, k);
    }
    return s->most;
}

static double square_error(const xbtab__samples *s, const xbtab__converter *c)
{
    double squares = 0;
    for (size_t k = 0; k < XBTAB__SAMPLE_BINS; k++) {
        if (!s->count[k]) continue;
        double u = value_of(s, k), v = u;
        xbtab__convert(c, &v, NULL, 1);
        squares += (double)s->count[k] * (u - v) * (u - v);
    }
    return squares;
}

/* Steps of a whole part of the sums' own, the finest ones that hold low to high: what sums differ by is kept.
 * Whether bits are enough. */
static bool align(xbtab__converter *c, double sum_step, double low, double high, bool symmetric)
{
    if (symmetric && fmod(c->largest, 2) > 0) return false; /* no code for 0 */
    double step = sum_step * exp2(-fmax(floor(log2(sum_step / c->step)), 0));
    for (; step <= sum_step; step *= 2) {
        double first = symmetric ? -c->largest / 2 : floor(low / step + c->half);
        if (floor(high / step + c->half) > first + c->largest) continue;
        *c = (xbtab__converter){
            .low = first * step, .step = step, .largest = c->largest, .half = c->half, .is_aligned = true};
        return true;
    }
    return false;
}

/* Of an aligned conversion with the sums' own step: what it clips, as the lowest level's part is taken off
 * again. */
static double clip_error(const xbtab__samples *s, const xbtab__converter *c)
{
    double squares = 0;
    for (size_t k = 0; k < XBTAB__SAMPLE_BINS; k++) {
        if (!s->count[k]) continue;
        double code = floor((value_of(s, k) - c->low) / c->step + c->half);
        double clipped = c->step * (code - fmin(fmax(code, 0), c->largest));
        squares += (double)s->count[k] * clipped * clipped;
    }
    return squares;
}

/* The one of least mean square error, of those that go from the lower end or around 0 to a share of the upper
 * one and of those whose steps are the sums' own or twice, four times .. as large. */
static void take_best(const xbtab__samples *s, double sum_step, double low, double high, int bits,
                      bool symmetric, xbtab__converter *c)
{
    enum { SHARES = 64 };
    const bool counts = c->half < 0.5, has_middle = fmod(c->largest, 2) <= 0;
    const double largest = c->largest, half = c->half, finest = c->step;
    double best = INFINITY;
    for (int k = 1; k <= SHARES; k++) {
        xbtab__converter tried;
        double at = (double)k / SHARES, l = symmetric ? low * at : low;
        xbtab__converter_ends(&tried, l, symmetric ? high * at : low + (high - low) * at, bits, counts,
                              symmetric);
        double error = square_error(s, &tried);
        if (error < best) {
            best = error;
            *c = tried;
        }
    }
    for (double step = sum_step; (!symmetric || has_middle) && step < 2 * finest; step *= 2) {
        double first = symmetric ? -largest / 2 : floor(low / step + half), spare = 0;
        if (!symmetric && !counts) spare = fmax(floor(high / step + half) - largest - first, 0);
        for (int k = 0; k <= (spare > 0 ? SHARES : 0); k++) {
            double from = first + floor(spare * k / SHARES);
            const xbtab__converter tried = {.low = from * step,
                                            .step = step,
                                            .largest = largest,
                                            .half = half,
                                            .is_aligned = step <= sum_step};
            double error = tried.is_aligned ? clip_error(s, &tried) : square_error(s, &tried);
            if (error < best) {
                best = error;
                *c = tried;
            }
        }
    }
}

void xbtab__samples_range(const xbtab__samples *s, const xbtab__range_rule *rule, int bits, bool counts,
                          bool symmetric, xbtab__converter *c)
{
    double share = rule->quantile > 0 ? rule->quantile : 0.001;
    double low = s->least, high = s->most;
    if (rule->range == XBTAB_RANGE_PERCENTILE) {
        low = quantile_of(s, share);
        high = quantile_of(s, 1.0 - share);
    }
    if (symmetric) {
        high = fmax(fabs(low), fabs(high));
        low = -high;
    }
    if (counts) low = fmin(low, 0.0); /* charges are counted from nothing on */
    if (!(high > low)) high = low + 1.0;
    xbtab__converter_ends(c, low, high, bits, counts, symmetric);
    if (align(c, rule->step, low, high, symmetric) || rule->range != XBTAB_RANGE_MSE) return;
    take_best(s, rule->step, low, high, bits, symmetric, c);
}

/* Means of the samples between references; a code without samples stays in the middle of its interval. */
static void take_means(const xbtab__samples *s, xbtab__converter *c)
{
    size_t bin = 0, codes = (size_t)c->largest + 1;
    for (size_t k = 0; k < codes; k++) {
        double sum = 0, count = 0;
        for (; bin < XBTAB__SAMPLE_BINS && (k + 1 == codes || value_of(s, bin) < c->reference[k]); bin++) {
            sum += (double)s->count[bin] * value_of(s, bin);
            count += (double)s->count[bin];
        }
        double low = k ? c->reference[k - 1] : s->least, high = k + 1 < codes ? c->reference[k] : s->most;
        c->value[k] = count > 0 ? sum / count : 0.5 * (low + high);
    }
}

xbtab_status xbtab__samples_lloyd_max(const xbtab__samples *s, int bits, xbtab__converter *c)
{
    enum { ROUNDS = 200 };
    double low = s->least, high = s->most > s->least ? s->most : s->least + 1.0;
    xbtab__converter_range(c, low, high, bits, false);
    XBTAB_TRY(make_room(c));
    for (size_t k = 0; k < (size_t)c->largest; k++) {
        /* from equal shares of the samples, pulled apart where many share one value */
        double equal = quantile_of(s, (double)(k + 1) / (c->largest + 1.0));
        c->reference[k] = 0.5 * equal + 0.5 * (low + (high - low) * (double)(k + 1) / (c->largest + 1.0));
    }
    for (int round = 0; round < ROUNDS; round++) {
        double moved = 0;
        take_means(s, c);
        for (size_t k = 0; k < (size_t)c->largest; k++) {
            double middle = 0.5 * (c->value[k] + c->value[k + 1]);
            moved = fmax(moved, fabs(middle - c->reference[k]));
            c->reference[k] = middle;
        }
        if (moved <= 1e-6 * (high - low)) break;
    }
    take_means(s, c);
    return XBTAB_OK;
}
