/* population_destroy.c - the end of a population. */
#include <xbartab/population.h>

#include "memory.h"

static void clear_curve(xbtab_curve *c)
{
    xbtab__free(c->x);
    xbtab__free(c->y);
}

static void clear_distribution(xbtab_distribution *d)
{
    clear_curve(&d->mean);
    clear_curve(&d->sigma);
    clear_curve(&d->limit);
    xbtab__free(d->at);
    xbtab__free(d->probability);
    xbtab__free(d->quantile);
    xbtab__free(d->source);
    xbtab__free(d->trust);
}

static void clear_relaxation(xbtab_relaxation *r)
{
    for (int k = 0; k < r->n_snapshots; k++) clear_distribution(&r->snapshot[k]);
    xbtab__free(r->snapshot);
    xbtab__free(r->time);
    clear_curve(&r->mean_slope);
    clear_curve(&r->sigma);
    clear_curve(&r->sigma_slope);
    clear_curve(&r->nu_mean);
    clear_curve(&r->nu_sigma);
    xbtab__free(r->source);
    xbtab__free(r->trust);
}

void xbtab_population_destroy(xbtab_population **population)
{
    xbtab_population *p = *population;
    if (!p) return;
    clear_distribution(&p->device_to_device);
    clear_distribution(&p->cycle_to_cycle);
    clear_distribution(&p->programming);
    clear_curve(&p->read_noise.sigma);
    clear_curve(&p->rtn.amplitude);
    clear_relaxation(&p->relaxation);
    for (int k = 0; k < p->parameters.n; k++) xbtab__free(p->parameters.parameter[k].name);
    char *const texts[] = {p->name,
                           p->summary,
                           p->source,
                           p->path,
                           p->text,
                           p->read_noise.source,
                           p->read_noise.trust,
                           p->rtn.source,
                           p->rtn.trust,
                           p->retention.source,
                           p->retention.trust,
                           p->stuck.source,
                           p->stuck.trust,
                           p->endurance.source,
                           p->endurance.trust,
                           p->parameters.model,
                           p->parameters.source,
                           p->parameters.trust};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) xbtab__free(texts[k]);
    xbtab__free(p->parameters.parameter);
    xbtab__free(p->parameters.correlation);
    xbtab__free(p->parameters.root);
    xbtab__free(p);
    *population = NULL;
}
