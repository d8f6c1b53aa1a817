/* population_draw.c - single devices of a population, each number from its own counter-based stream. */
#include <xbartab/population.h>

#include <math.h>
#include <stdbool.h>

#include "random.h"

/* Devices and their events have streams of their own: (seed + chip, use, device, event). Events: the device's
 * own traits, its model parameters, then two ranges for writes and reads. */
enum { TRAITS = 0, PARAMETERS = 1, FIRST_WRITE = 2, FIRST_READ = 0x80000000u >> 1 };

static void stream_of(xbtab__random *random, uint64_t seed, uint32_t chip, uint32_t index, uint32_t event)
{
    /* the golden ratio's bits keep the keys of chips apart (any odd number would) */
    xbtab__random_init(random, seed ^ (chip * UINT64_C(0x9e3779b97f4a7c15)), XBTAB__RANDOM_POPULATION, index,
                       event);
}

void xbtab_device_draw(xbtab_device *out, const xbtab_population *p, uint64_t seed, uint32_t chip,
                       uint32_t index)
{
    const xbtab_stuck *s = &p->stuck;
    const xbtab_endurance *e = &p->endurance;
    xbtab__random random;
    stream_of(&random, seed, chip, index, TRAITS);
    /* all numbers are drawn, so that one effect's being left out does not change another's */
    double fate = xbtab__random_uniform(&random), z_stuck = xbtab__random_normal(&random),
           z_writes = xbtab__random_normal(&random), worn = xbtab__random_uniform(&random),
           has_rtn = xbtab__random_uniform(&random), z_amplitude = xbtab__random_normal(&random),
           z_tau = xbtab__random_normal(&random);
    *out = (xbtab_device){.chip = chip, .index = index, .seed = seed, .writes_max = INFINITY};
    out->z_device = xbtab__random_normal(&random);
    out->z_retention = xbtab__random_normal(&random);
    out->is_stuck = s->is_given && fate < s->lrs + s->hrs;
    bool at_lrs = out->is_stuck ? fate < s->lrs : worn < e->share_lrs;
    if (s->is_given) {
        out->G_stuck =
            at_lrs ? s->G_lrs * exp(s->G_lrs_sigma * z_stuck) : s->G_hrs * exp(s->G_hrs_sigma * z_stuck);
    } else {
        out->G_stuck = at_lrs ? p->G_max : p->G_min;
    }
    if (e->is_given) out->writes_max = e->median * exp(e->sigma * z_writes);
    if (p->rtn.is_given && has_rtn < p->rtn.share) {
        out->rtn_amplitude = exp(p->rtn.amplitude_sigma * z_amplitude);
        out->rtn_tau = p->rtn.tau_median * exp(p->rtn.tau_sigma * z_tau);
    }
}

void xbtab_device_write(xbtab_written *out, const xbtab_population *p, const xbtab_device *device,
                        double G_target, uint32_t write, double writes)
{
    const xbtab_endurance *e = &p->endurance;
    xbtab__random random;
    stream_of(&random, device->seed, device->chip, device->index,
              FIRST_WRITE + write % (FIRST_READ - FIRST_WRITE));
    double z_write = xbtab__random_normal(&random), z_relax = xbtab__random_normal(&random), G = G_target;
    *out = (xbtab_written){.G_target = G_target, .writes = writes};
    if (device->is_stuck || writes >= device->writes_max) {
        out->G = device->G_stuck;
        return;
    }
    if (e->is_given && e->slope > 0) {
        G = fmin(G, p->G_max * fmax(1 - e->slope * log10(1 + writes / e->n0), 0));
    }
    out->z_write = z_write;
    out->z_relax = z_relax;
    out->G_target = G;
    if (p->programming.family != XBTAB_FAMILY_NONE) {
        out->G = xbtab_distribution_draw(&p->programming, G, z_write);
    } else {
        G = xbtab_distribution_draw(&p->device_to_device, G, device->z_device);
        out->G = xbtab_distribution_draw(&p->cycle_to_cycle, G, z_write);
    }
}

double xbtab_device_conductance(const xbtab_population *p, const xbtab_device *device,
                                const xbtab_written *written, double t, double T)
{
    const xbtab_relaxation *r = &p->relaxation;
    if (device->is_stuck || written->writes >= device->writes_max) return device->G_stuck;
    if (p->retention.is_given &&
        t > xbtab_retention_median(p, T) * exp(p->retention.sigma * device->z_retention)) {
        return p->retention.G_lost;
    }
    if (r->law == XBTAB_RELAXATION_NONE || t <= 0) return written->G;
    if (!r->from_target) return xbtab_relaxation_draw(p, written->G, t, T, written->z_relax);
    /* one distribution with the programming error, in which the rank is forgotten as time goes on; and so is
     * what a write that was chosen among several, or was made otherwise, had of its own */
    double share = xbtab_relaxation_progress(p, t, T), kept = 1 - (1 - r->memory) * share,
           z = kept * written->z_write + sqrt(1 - kept * kept) * written->z_relax,
           own = written->G - xbtab_relaxation_draw(p, written->G_target, 0, T, written->z_write);
    return fmax(xbtab_relaxation_draw(p, written->G_target, t, T, z) + kept * (1 - share) * own, 0);
}

double xbtab_device_read(const xbtab_population *p, const xbtab_device *device, const xbtab_written *written,
                         double t, double T, uint32_t read)
{
    xbtab__random random;
    double G = xbtab_device_conductance(p, device, written, t, T);
    stream_of(&random, device->seed, device->chip, device->index, FIRST_READ + read % FIRST_READ);
    double z = xbtab__random_normal(&random), state = xbtab__random_uniform(&random);
    double noise = xbtab_read_noise_sigma(p, G, t) * z;
    if (device->rtn_amplitude > 0) {
        double step = fmin(device->rtn_amplitude * xbtab_curve_at(&p->rtn.amplitude, G), 1);
        /* the levels' mean is the conductance */
        G *= 1 + step * (state < p->rtn.duty ? p->rtn.duty - 1 : p->rtn.duty);
    }
    return fmax(G + noise, 0);
}

void xbtab_device_parameters(const xbtab_population *p, uint64_t seed, uint32_t chip, uint32_t index,
                             double *value)
{
    const xbtab_parameter_population *q = &p->parameters;
    xbtab__random random;
    stream_of(&random, seed, chip, index, PARAMETERS);
    for (int k = 0; k < q->n; k++) value[k] = xbtab__random_normal(&random);
    /* from the last row up, for each needs only the z before it */
    for (int k = q->n - 1; k >= 0; k--) {
        const xbtab_parameter_spread *s = &q->parameter[k];
        double z = 0;
        for (int l = 0; l <= k; l++) z += q->root[k * q->n + l] * value[l];
        double x = s->family == XBTAB_FAMILY_LOGNORMAL ? s->location * exp(s->spread * z)
                                                       : s->location + s->spread * z;
        value[k] = fmin(fmax(x, s->min), s->max);
    }
}
