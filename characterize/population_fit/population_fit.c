/* population_fit.c - estimates each effect from its measurement and writes the sheet; see population_fit.h.
 */
#include "population_fit_private.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "memory.h"

/* Conductances that the stated window does not hold, by a power of a thousand: a wrong unit. */
static xbtab_status check_unit(const xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    const double most = b->spec->G_max;
    double *G = xbtab__alloc(p->n, sizeof *G), power = 1;
    if (!G) return XBTAB_NOMEM();
    memcpy(G, p->y, p->n * sizeof *G);
    gsl_sort(G, 1, p->n);
    double upper = gsl_stats_quantile_from_sorted_data(G, 1, p->n, 0.9);
    xbtab__free(G);
    if (upper > most / 100 && upper < 30 * most) return XBTAB_OK;
    while (upper / power >= 30 * most) power *= 1000;
    while (upper / power <= most / 30 && upper > 0) power /= 1000;
    XBTAB_FAIL(
        XBTAB_ERR_INPUT,
        "%s: suspicious unit of the %s: nine tenths of the conductances lie below %.3g S, and the stated "
        "window ends at %.3g S; it would fit if the column's unit were %g times what the file gives it",
        m->file, m->columns.y_is_resistance ? "resistance" : "conductance", upper, most,
        m->columns.y_is_resistance ? power : 1 / power);
}

static xbtab_status fit_measurement(xbtab__builder *b, const xbtab__measurement *m)
{
    xbtab__text path = {0};
    xbtab__points p = {0};
    xbtab_status status;
    static xbtab__fit_effect *const fits[] = {
        xbtab__fit_programming, xbtab__fit_relaxation, xbtab__fit_spreads,
        xbtab__fit_spreads,     xbtab__fit_reads,      xbtab__fit_stuck,
        xbtab__fit_endurance,   xbtab__fit_retention,  NULL};
    if (b->section[m->effect].n > 0)
        return xbtab__fail_in(m, "is the second measurement of an effect that takes one");
    if (m->effect == XBTAB__EFFECT_PARAMETERS) {
        status = xbtab__data_path(&path, b, m->file);
        if (status == XBTAB_OK) status = xbtab__fit_parameters(b, m, path.s);
    } else {
        status = xbtab__read_data(&p, b, m, m->file);
        if (status == XBTAB_OK) status = check_unit(b, m, &p);
        if (status == XBTAB_OK) status = fits[m->effect](b, m, &p);
        xbtab__points_clear(&p);
    }
    xbtab__text_clear(&path);
    return status;
}

xbtab_status xbtab_population_fit(char **text, const char *spec, const char *folder, xbtab_note_fn note,
                                  void *payload)
{
    xbtab__population_spec *s = NULL;
    XBTAB_TRY(xbtab__population_spec_open(&s, spec));
    xbtab__builder b = {.spec = s, .folder = folder, .note = note, .payload = payload};
    xbtab__text out = {0};
    xbtab_population *check = NULL;
    xbtab_status status = XBTAB_OK;
    for (int k = 0; k < s->n && status == XBTAB_OK; k++) status = fit_measurement(&b, &s->measurement[k]);
    if (status == XBTAB_OK)
        status = xbtab__write_spreads(&b, XBTAB__EFFECT_DEVICE, &b.device, "device_to_device");
    if (status == XBTAB_OK)
        status = xbtab__write_spreads(&b, XBTAB__EFFECT_CYCLE, &b.cycle, "cycle_to_cycle");
    xbtab__text_add(
        &out,
        "# Estimated by xbartab population fit from %s.\nname: %s\nsummary: \"%s\"\nsource: \"%s\"\n"
        "conductance: {min: %.6g S, max: %.6g S}\ntemperature: %g K\n",
        s->path, s->name, s->summary, s->source, s->G_min, s->G_max, s->temperature);
    for (int k = 0; k < XBTAB__EFFECTS; k++) {
        if (status == XBTAB_OK) status = xbtab__text_status(&b.section[k]);
        if (b.section[k].n) xbtab__text_add(&out, "%s", b.section[k].s);
        xbtab__text_clear(&b.section[k]);
    }
    if (status == XBTAB_OK) status = xbtab__text_status(&out);
    /* what was written must read back */
    if (status == XBTAB_OK) status = xbtab_population_parse(&check, out.s, s->path);
    xbtab_population_destroy(&check);
    if (status == XBTAB_OK) {
        *text = out.s;
    } else {
        xbtab__text_clear(&out);
    }
    xbtab__groups_clear(&b.device);
    xbtab__groups_clear(&b.cycle);
    xbtab__population_spec_destroy(&s);
    return status;
}

void xbtab_population_text_free(char **text)
{
    xbtab__free(*text);
    *text = NULL;
}

/* A microsecond each. */
static const int64_t most_drawn = 100000000;

xbtab_status xbtab_population_confusion(const xbtab_population *p, int n_levels, double step, double t,
                                        double T, int devices, int verified, uint64_t seed, double *share)
{
    if (n_levels < 2 || n_levels > 4096 || !(step > 0) || devices < 1)
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "levels: %d of %g S with %d devices; 2 to 4096 levels, a step above 0, 1 device or more",
                   n_levels, step, devices);
    if ((int64_t)n_levels * devices > most_drawn) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d levels of %d devices: %lld in all at most, so %lld devices a level",
                   n_levels, devices, (long long)most_drawn, (long long)(most_drawn / n_levels));
    }
    memset(share, 0, (size_t)n_levels * (size_t)n_levels * sizeof *share);
    for (int level = 0; level < n_levels; level++) {
        for (int d = 0; d < devices; d++) {
            xbtab_device device;
            xbtab_written written;
            double target = level * step;
            xbtab_device_draw(&device, p, seed, (uint32_t)level, (uint32_t)d);
            /* found anywhere within the level: evenly, one place a device */
            if (verified) target = fmax(target + step * ((d + 0.5) / devices - 0.5), 0);
            xbtab_device_write(&written, p, &device, target, 0, 0);
            if (verified && !device.is_stuck) written.G = written.G_target = target;
            double place = xbtab_device_conductance(p, &device, &written, t, T) / step;
            int read = place >= n_levels - 1 ? n_levels - 1 : (int)lround(place);
            share[level * n_levels + read] += 1.0 / devices;
        }
    }
    return XBTAB_OK;
}
