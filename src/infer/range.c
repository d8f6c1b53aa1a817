/* range.c - what a conversion can meet at the most, and the ADC range that holds it.
 *
 * A bit line's sum is a whole number of steps of a level at one DAC step, and beside it what the lowest level
 * of the driven lines carries. A range of a power of two of such steps keeps the steps of an ADC aligned with
 * them. */
#include <math.h>

#include "mapping.h"
#include "whole_range.h"

/* All in codes of the engine's ADC. */
typedef struct reach {
    double least, most; /* without the lowest level's part */
    double idle;        /* that part, at the most */
} reach;

/* Word lines of a tile that are driven at once. */
static double lines_at_once(const xbtab_mapped *mapped, const xbtab__layout *l)
{
    const size_t active = (size_t)mapped->scheme.rows_active, lines = l->map->lines;
    size_t n = active > 0 && active < mapped->rows ? active : mapped->rows;
    return (double)(n > lines ? n / lines * lines : lines);
}

/* Of a bit line with all its lines at code 1. */
static reach reach_of_bit_line(const xbtab_mapped *mapped, const xbtab__layout *l)
{
    const double lines = lines_at_once(mapped, l), top = (1 << l->cell_bits) - 1;
    const bool one_of_two = l->map->is_complementary || l->map->is_signed;
    double levels = top * lines * (one_of_two ? 0.5 : 1.0);
    if (l->map->inverts_heavy && lines >= (double)mapped->rows) levels = fmax(floor(levels / 2), lines);
    double most = mapped->codes_per_unit * levels;
    if (l->map->is_signed) return (reach){-most, most, 0};
    return (reach){0, most, mapped->codes_per_line * lines * (one_of_two ? 0.5 : 1.0)};
}

/* The same of what is converted: a bit line, a pair's difference, or what an output makes of its bit lines,
 * which is the sum of w x itself. */
static reach reach_of_sum(const xbtab_mapped *mapped, const xbtab__layout *l)
{
    const reach line = reach_of_bit_line(mapped, l);
    if (mapped->scheme.sums == XBTAB_SUMS_SUBTRACTED) return (reach){-line.most, line.most, 0};
    if (mapped->scheme.sums != XBTAB_SUMS_ANALOG) return line;
    if (l->map->is_complementary) return (reach){0, line.most / l->multiple, line.idle / l->multiple};
    double weight = l->is_binary ? 1.0 : fmax(ldexp(1.0, l->weight_bits - 1) - 1, 1.0);
    double most = mapped->codes_per_unit * weight * lines_at_once(mapped, l) / (double)l->map->lines;
    return (reach){-most, most, 0};
}

/* What a conversion of a matrix meets with all codes that its inputs can have. */
static reach reach_of(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm)
{
    const reach r = reach_of_sum(mapped, &mm->layout);
    double most = (1 << mapped->dac_bits) - 1, least = 0;
    if (mapped->one_conversion &&
        mm->layout.map->is_complementary) { /* both lines together have every code */
        const double code = most;
        most = 0;
        for (int t = 0; t < mm->input_slices; t++) {
            most += code * fmax(mm->weight[t], 0.0);
            least += code * fmin(mm->weight[t], 0.0);
        }
    } else if (mapped->one_conversion) {
        least = mm->signed_inputs ? -ldexp(1.0, mm->m->activation_bits - 1) : 0;
        most = least + ldexp(1.0, mm->m->activation_bits) - 1;
    }
    return (reach){r.least * most + (r.most + r.idle) * least, r.most * most + r.least * least,
                   r.idle * most};
}

double xbtab__sum_step(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm)
{
    bool is_output = mapped->scheme.sums == XBTAB_SUMS_ANALOG;
    return mapped->codes_per_unit * (is_output ? 1 : mm->layout.multiple);
}

static double larger_end(reach r)
{
    return fmax(r.most + r.idle, -r.least);
}

/* The range that the lines driven at once can fill. */
static void filled_range(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm, double *low,
                         double *high)
{
    const double step = xbtab__sum_step(mapped, mm);
    reach r = reach_of(mapped, mm);
    *high = step * xbtab__whole_range(larger_end(r) / step);
    *low = r.least < 0 ? -*high : 0.0;
}

/* Whether the tables' ADC has a range of its own, and not the one that all its lines can fill. */
static bool range_is_given(const xbtab_mapped *mapped)
{
    const xbtab_tables *t = xbtab_technology_tables(mapped->setup.technology);
    double code = (1 << mapped->dac_bits) - 1, unit = mapped->codes_per_unit;
    double most = (double)t->rows * code * (mapped->codes_per_line + unit * (double)(t->n_levels - 1));
    double own = ldexp(1.0, mapped->adc_bits);
    return fabs(unit * xbtab__whole_range(most / unit) - own) > 1e-6 * own;
}

void xbtab__full_range(const xbtab_mapped *mapped, const xbtab__mapped_matrix *mm, double *low, double *high)
{
    if (!range_is_given(mapped)) {
        filled_range(mapped, mm, low, high);
        return;
    }
    const reach r = reach_of(mapped, mm), line = reach_of_bit_line(mapped, &mm->layout);
    const double code = (1 << mapped->dac_bits) - 1;
    *high = ldexp(mm->layout.map->is_signed ? 0.5 : 1.0, mapped->adc_bits);
    if (mapped->one_conversion || mapped->scheme.sums == XBTAB_SUMS_ANALOG)
        *high = exp2(ceil(log2(*high * larger_end(r) / (code * larger_end(line)))));
    *low = r.least < 0 ? -*high : 0.0;
}

bool xbtab__range_is_own(const xbtab_mapped *mapped)
{
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        double own = ldexp(mm->layout.map->is_signed ? 0.5 : 1.0, mapped->adc_bits), low, high;
        xbtab__full_range(mapped, mm, &low, &high);
        if (fabs(high - own) > 1e-6 * own) return false;
    }
    return true;
}

int xbtab__adc_bits_exact(const xbtab_mapped *mapped)
{
    int most = 1;
    for (size_t m = 0; m < mapped->n_matrices; m++) {
        const xbtab__mapped_matrix *mm = &mapped->matrix[m];
        double low, high;
        filled_range(mapped, mm, &low, &high);
        int bits = (int)lround(log2((high - low) / xbtab__sum_step(mapped, mm)));
        most = bits > most ? bits : most;
    }
    return most;
}
