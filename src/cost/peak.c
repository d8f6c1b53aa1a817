/* peak.c - a hierarchy's sums, what it does at its peak, and what was published of it. */
#include "cost_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

static double known(double x)
{
    return isnan(x) ? 0 : x;
}

double xbtab__part_energy(const xbtab_hierarchy *h, const xbtab__part *p)
{
    if (!isnan(p->values.energy)) return p->values.energy;
    return p->values.power * (isnan(p->values.delay) ? h->step : p->values.delay);
}

xbtab_status xbtab__part_uses(double *out, const xbtab_hierarchy *h, const xbtab__part *p,
                              const xbtab__uses *u)
{
    xbtab__scope scope = h->scope;
    *out = 0;
    if (!p->uses) return XBTAB_OK;
    xbtab__scope_set(&scope, "steps", u->steps);
    xbtab__scope_set(&scope, "reads", u->reads);
    xbtab__scope_set(&scope, "drives", u->drives);
    xbtab__scope_set(&scope, "columns_read", u->columns_read);
    xbtab__scope_set(&scope, "conversions", u->conversions);
    xbtab__scope_set(&scope, "outputs", u->outputs);
    xbtab__scope_set(&scope, "bits_in", u->bits_in);
    xbtab__scope_set(&scope, "bits_out", u->bits_out);
    xbtab__scope_set(&scope, "bits_link", u->bits_link);
    xbtab__scope_set(&scope, "vectors", u->vectors);
    xbtab__scope_set(&scope, "macs", u->macs);
    return xbtab__value_take(out, &h->levels_yaml, p->key, p->uses, XBTAB__UNIT_ONE, &scope);
}

/* ---- levels ---- */

/* One vector of full width through one array. */
static xbtab__uses full_vector(const xbtab_hierarchy *h)
{
    const double rows = h->arch->spec->rows, columns = h->arch->spec->columns;
    const double outputs = columns / h->cells_per_weight;
    return (xbtab__uses){.steps = h->input_steps,
                         .reads = h->input_steps,
                         .drives = rows * h->input_steps,
                         .columns_read = columns * h->input_steps,
                         .conversions = columns * h->input_steps,
                         .outputs = outputs,
                         .bits_in = rows * h->input_bits,
                         .bits_out = outputs * h->input_bits,
                         .vectors = 1,
                         .macs = rows * outputs};
}

static double vector_time(const xbtab_hierarchy *h)
{
    return (h->is_pipelined ? h->input_steps : h->input_steps + h->stages - 1) * h->step;
}

/* Power of one level's own parts, of one unit that holds so many arrays. */
static xbtab_status part_power(double *out, const xbtab_hierarchy *h, const xbtab__part *p, double arrays)
{
    const xbtab__uses u = full_vector(h);
    double uses;
    *out = p->count * known(p->values.power);
    if (!h->counts_power || !p->uses) return XBTAB_OK;
    XBTAB_TRY(xbtab__part_uses(&uses, h, p, &u));
    *out = uses * arrays * known(xbtab__part_energy(h, p)) / vector_time(h);
    return XBTAB_OK;
}

static xbtab_status sum_level(xbtab_hierarchy *h, size_t k, double *by_trust, double *scaled)
{
    xbtab__level *l = &h->level[k];
    const xbtab_level_cost nothing = {0}, below = k > 0 ? h->level[k - 1].sum : nothing;
    l->arrays = l->holds * (k > 0 ? h->level[k - 1].arrays : 1);
    l->sum = (xbtab_level_cost){.name = l->name,
                                .arrays = l->arrays,
                                .power = l->holds * below.power,
                                .area = l->holds * below.area,
                                .adc_power = l->holds * below.adc_power,
                                .adc_area = l->holds * below.adc_area};
    for (int t = 0; t < XBTAB_N_TRUST; t++) by_trust[t] *= l->holds;
    *scaled *= l->holds;
    for (size_t i = 0; i < l->n_parts; i++) {
        const xbtab__part *p = &l->part[i];
        double power, area = p->count * known(p->values.area);
        bool is_adc = strcmp(p->component->kind, "adc") == 0;
        XBTAB_TRY(part_power(&power, h, p, l->arrays));
        l->sum.power += power;
        l->sum.area += area;
        if (is_adc) l->sum.adc_power += power;
        if (is_adc) l->sum.adc_area += area;
        by_trust[p->component->trust] += power;
        if (p->is_scaled) *scaled += power;
    }
    return XBTAB_OK;
}

static void find_peak(xbtab_hierarchy *h, const double *by_trust, double scaled)
{
    const xbtab_level_cost *top = &h->level[h->n_levels - 1].sum;
    const xbtab__uses u = full_vector(h);
    xbtab_peak *p = &h->peak;
    p->vector = vector_time(h);
    p->ops_per_second = isnan(h->ops_per_second) ? 2 * u.macs * top->arrays / p->vector : h->ops_per_second;
    p->power = top->power;
    p->area = top->area;
    p->ops_per_joule = p->power > 0 ? p->ops_per_second / p->power : NAN;
    p->ops_per_second_area = p->area > 0 ? p->ops_per_second / p->area : NAN;
    p->capacity =
        (double)h->arch->spec->rows * h->arch->spec->columns * xbtab_arch_cell_bits(h->arch) * top->arrays;
    p->weight_bits = (int)lround(h->weight_bits);
    p->input_bits = (int)lround(h->input_bits);
    for (int t = 0; t < XBTAB_N_TRUST; t++) p->share[t] = p->power > 0 ? by_trust[t] / p->power : 0;
    p->scaled = p->power > 0 ? scaled / p->power : 0;
}

/* ---- published figures ---- */

static xbtab_status compare_all(xbtab_hierarchy *h)
{
    static const char *const words[] = {
        "power", "area", "ops_per_second", "ops_per_joule", "ops_per_second_area", NULL};
    static const xbtab__unit units[] = {XBTAB__UNIT_POWER, XBTAB__UNIT_AREA, XBTAB__UNIT_RATE,
                                        XBTAB__UNIT_EFFICIENCY, XBTAB__UNIT_DENSITY};
    const double ours[] = {h->peak.power, h->peak.area, h->peak.ops_per_second, h->peak.ops_per_joule,
                           h->peak.ops_per_second_area};
    const xbtab_arch *a = h->arch;
    const xbtab__scope nothing = {.n = 0};
    xbtab__yaml yaml = {0};
    xbtab_status status;
    char key[64];
    h->compared = xbtab__alloc((size_t)a->n_published, sizeof *h->compared);
    if (!h->compared) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__yaml_copy(&yaml, a->text, a->path, 0));
    status = XBTAB_OK;
    for (int k = 0; k < a->n_published; k++) {
        const xbtab_arch_figure *f = &a->published[k];
        int word = 0;
        double value = NAN;
        if (!f->of || !f->number) continue;
        snprintf(key, sizeof key, "published[%d].of", k);
        XBTAB_TRY_DONE(xbtab__yaml_choice(&word, &yaml, key, f->of, words));
        snprintf(key, sizeof key, "published[%d].number", k);
        XBTAB_TRY_DONE(xbtab__value_take(&value, &yaml, key, f->number, units[word], &nothing));
        h->compared[h->n_compared++] = (xbtab_compared){
            .what = f->what, .of = f->of, .conditions = f->conditions, .value = value, .ours = ours[word]};
    }
done:
    xbtab__yaml_clear(&yaml);
    return status;
}

xbtab_status xbtab__hierarchy_sum(xbtab_hierarchy *h)
{
    double by_trust[XBTAB_N_TRUST] = {0}, scaled = 0;
    for (size_t k = 0; k < h->n_levels; k++) XBTAB_TRY(sum_level(h, k, by_trust, &scaled));
    find_peak(h, by_trust, scaled);
    return compare_all(h);
}

size_t xbtab_hierarchy_levels(const xbtab_hierarchy *h)
{
    return h->n_levels;
}

void xbtab_hierarchy_level(const xbtab_hierarchy *h, size_t k, xbtab_level_cost *out)
{
    *out = h->level[k].sum;
}

void xbtab_hierarchy_peak(const xbtab_hierarchy *h, xbtab_peak *out)
{
    *out = h->peak;
}

size_t xbtab_hierarchy_compare(const xbtab_hierarchy *h, xbtab_compared *out)
{
    memcpy(out, h->compared, h->n_compared * sizeof *out);
    return h->n_compared;
}
