/* population_levels.c - what is written and what becomes of it, by level: programming, relaxation, spreads.
 */
#include "population_fit_private.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "memory.h"

static void sort_groups(xbtab__groups *g)
{
    for (int k = 1; k < g->n; k++) {
        for (int l = k; l > 0 && g->group[l].at < g->group[l - 1].at; l--) {
            xbtab__group kept = g->group[l];
            g->group[l] = g->group[l - 1];
            g->group[l - 1] = kept;
        }
    }
}

/* ---- levels ---- */

/* A distribution about the targets, one group a level; and in words how it was chosen. */
static xbtab_status level_groups(xbtab__groups *g, xbtab__choice *choice, char *text, size_t size,
                                 const xbtab__measurement *m, const xbtab__points *p)
{
    char what[512];
    for (int l = 0; l < m->target_count; l++) {
        size_t n = 0;
        for (int d = l; d < p->n_devices; d += m->target_count) n += p->first[d + 1] - p->first[d];
        XBTAB_TRY(xbtab__groups_add(g, m->target_first + l * m->target_step, n));
        for (int d = l; d < p->n_devices; d += m->target_count) {
            for (size_t k = p->first[d]; k < p->first[d + 1]; k++)
                g->group[l].value[g->group[l].n++] = p->y[k];
        }
        if (g->group[l].n < XBTAB__LEAST_IN_GROUP)
            return xbtab__fail_in(m, "a level has fewer than 12 samples");
    }
    XBTAB_TRY(xbtab__choose_family(choice, g->group, g->n, m->family));
    xbtab__describe_choice(what, sizeof what, choice);
    snprintf(text, size, "%d devices on %d levels; %s", p->n_devices, m->target_count, what);
    return XBTAB_OK;
}

xbtab_status xbtab__fit_programming(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__groups g = {0};
    xbtab__choice choice;
    char text[XBTAB__SOURCE_SIZE];
    xbtab__text *out = &b->section[XBTAB__EFFECT_PROGRAMMING];
    xbtab_status status = level_groups(&g, &choice, text, sizeof text, m, p);
    if (status == XBTAB_OK) {
        xbtab__tell(b, m, text);
        xbtab__text_add(out, "programming:\n");
        status = xbtab__write_distribution(out, "  ", &choice, g.group, g.n);
        xbtab__add_source(out, b, m->file, text, m->assumption);
    }
    xbtab__groups_clear(&g);
    return status;
}

/* Each first read's normal score within its level. @param[out] score  score[n_devices] */
static xbtab_status scores_of(double *score, const xbtab__measurement *m, const xbtab__points *p)
{
    size_t n_devices = (size_t)p->n_devices, step = (size_t)m->target_count;
    size_t *order = xbtab__alloc(n_devices / step + 1, sizeof *order);
    double *G = xbtab__alloc(n_devices / step + 1, sizeof *G);
    xbtab_status status = order && G ? XBTAB_OK : XBTAB_NOMEM();
    for (size_t l = 0; l < step && status == XBTAB_OK; l++) {
        size_t n = 0;
        for (size_t d = l; d < n_devices; d += step) G[n++] = p->y[p->first[d]];
        gsl_sort_index(order, G, 1, n);
        for (size_t k = 0; k < n; k++)
            score[l + order[k] * step] = gsl_cdf_ugaussian_Pinv(((double)k + 0.5) / (double)n);
    }
    xbtab__free(order);
    xbtab__free(G);
    return status;
}

/* How much of a device's rank within its level is left: the correlation of normal scores. */
static xbtab_status fit_memory(double *memory, const xbtab__builder *b, const xbtab__measurement *m,
                               const xbtab__points *after)
{
    xbtab__points before = {0};
    double *score[2] = {NULL, NULL};
    size_t n = (size_t)after->n_devices;
    xbtab_status status = xbtab__read_data(&before, b, m, m->before);
    bool is_same = status == XBTAB_OK && before.n_devices == after->n_devices;
    for (int d = 0; is_same && d < after->n_devices; d++)
        is_same = strcmp(before.label[d], after->label[d]) == 0;
    if (status == XBTAB_OK && !is_same) status = xbtab__fail_in(m, "before has other devices");
    for (int k = 0; k < 2 && status == XBTAB_OK; k++) {
        score[k] = xbtab__alloc(n, sizeof *score[k]);
        status = score[k] ? scores_of(score[k], m, k ? after : &before) : XBTAB_NOMEM();
    }
    if (status == XBTAB_OK) *memory = fmax(gsl_stats_correlation(score[0], 1, score[1], 1, n), 0);
    xbtab__free(score[0]);
    xbtab__free(score[1]);
    xbtab__points_clear(&before);
    return status;
}

/* One snapshot of devices whose targets are known: it counts from the target. */
static xbtab_status fit_aged_levels(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__groups g = {0};
    xbtab__choice choice;
    char text[XBTAB__SOURCE_SIZE];
    double memory = 1;
    xbtab__text *out = &b->section[XBTAB__EFFECT_RELAXATION];
    xbtab_status status = level_groups(&g, &choice, text, sizeof text, m, p);
    if (status == XBTAB_OK && m->before) status = fit_memory(&memory, b, m, p);
    if (status == XBTAB_OK) {
        size_t used = strlen(text);
        if (m->before)
            snprintf(text + used, sizeof text - used, "; ranks within levels correlate by %.3f with %s",
                     memory, m->before);
        xbtab__tell(b, m, text);
        xbtab__text_add(out, "relaxation:\n  law: snapshots\n  from: target\n  t0: %.6g s\n", m->t0);
        if (m->before) xbtab__text_add(out, "  memory: %.4g\n", memory);
        xbtab__text_add(out, "  snapshots:\n    - time: %.6g s\n", m->time[0]);
        status = xbtab__write_distribution(out, "      ", &choice, g.group, g.n);
        xbtab__add_source(out, b, m->file, text, m->assumption);
    }
    xbtab__groups_clear(&g);
    return status;
}

/* The point of a device nearest to a time on a logarithmic scale; n if none is within 40 %. */
static size_t point_at(const xbtab__points *p, int d, double time)
{
    size_t best = p->n;
    double least = 0.35;
    for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
        double off = p->x[k] > 0 ? fabs(log(p->x[k] / time)) : DBL_MAX;
        if (off < least) {
            least = off;
            best = k;
        }
    }
    return best;
}

size_t xbtab__earliest(const xbtab__points *p, int d)
{
    size_t first = p->first[d];
    for (size_t k = first; k < p->first[d + 1]; k++) {
        if (p->x[k] < p->x[first]) first = k;
    }
    return first;
}

/* Groups of one snapshot, by initial conductance: mean initial conductance plus each device's change. */
static xbtab_status snapshot_groups(xbtab__groups *g, const xbtab__builder *b, const xbtab__measurement *m,
                                    const xbtab__points *p, double time)
{
    double low = b->spec->G_min, width = (b->spec->G_max - low) / m->bins;
    for (int bin = 0; bin < m->bins; bin++) {
        double sum = 0;
        size_t n = 0;
        xbtab__group *group = NULL;
        for (int turn = 0; turn < 2; turn++) {
            for (int d = 0; d < p->n_devices; d++) {
                size_t first = xbtab__earliest(p, d), then = point_at(p, d, time);
                if (then == p->n || then == first) continue;
                double from = p->y[first], place = (from - low) / width;
                int own = place < 0 ? 0 : place >= m->bins ? m->bins - 1 : (int)place;
                if (own != bin) continue;
                if (turn == 0) {
                    sum += from;
                    n++;
                } else {
                    group->value[group->n++] = group->at + p->y[then] - from;
                }
            }
            if (n < XBTAB__LEAST_IN_GROUP) break;
            if (turn == 0) XBTAB_TRY(xbtab__groups_add(g, sum / (double)n, n));
            group = &g->group[g->n - 1];
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__fit_relaxation(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__groups *g = xbtab__alloc((size_t)m->n_times, sizeof *g), all = {0};
    xbtab__choice choice;
    char what[512], text[XBTAB__SOURCE_SIZE];
    xbtab__text *out = &b->section[XBTAB__EFFECT_RELAXATION];
    xbtab_status status = g ? XBTAB_OK : XBTAB_NOMEM();
    if (m->target_count > 0) {
        xbtab__free(g);
        return fit_aged_levels(b, m, p);
    }
    for (int t = 0; t < m->n_times && status == XBTAB_OK; t++) {
        status = snapshot_groups(&g[t], b, m, p, m->time[t]);
        if (status == XBTAB_OK && g[t].n == 0)
            status = xbtab__fail_in(m, "no devices were read about one of the times");
        for (int k = 0; k < g[t].n && status == XBTAB_OK; k++) {
            status = xbtab__groups_add(&all, g[t].group[k].at, g[t].group[k].n);
            if (status < 0) break;
            all.group[all.n - 1].n = g[t].group[k].n;
            memcpy(all.group[all.n - 1].value, g[t].group[k].value, g[t].group[k].n * sizeof(double));
        }
    }
    if (status == XBTAB_OK) status = xbtab__choose_family(&choice, all.group, all.n, m->family);
    if (status == XBTAB_OK) {
        xbtab__describe_choice(what, sizeof what, &choice);
        snprintf(text, sizeof text, "%d devices, %d bins of initial conductance; %s", p->n_devices, m->bins,
                 what);
        xbtab__tell(b, m, text);
        xbtab__text_add(
            out, "relaxation:\n  law: snapshots\n  from: programmed\n  t0: %.6g s\n  snapshots:\n", m->t0);
    }
    for (int t = 0; t < m->n_times && status == XBTAB_OK; t++) {
        xbtab__text_add(out, "    - time: %.6g s\n", m->time[t]);
        status = xbtab__write_distribution(out, "      ", &choice, g[t].group, g[t].n);
    }
    if (status == XBTAB_OK) xbtab__add_source(out, b, m->file, text, m->assumption);
    for (int t = 0; g && t < m->n_times; t++) xbtab__groups_clear(&g[t]);
    xbtab__groups_clear(&all);
    xbtab__free(g);
    return status;
}

/* ---- between and within devices ---- */

/* Mean of ln G of each device with enough reads; NAN for the others. @return devices that count. */
static int device_means(const xbtab__points *p, size_t least, double *mean)
{
    int n = 0;
    for (int d = 0; d < p->n_devices; d++) {
        double sum = 0;
        size_t count = p->first[d + 1] - p->first[d];
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) sum += log(fmax(p->y[k], 1e-18));
        mean[d] = count >= least ? sum / (double)count : NAN;
        n += count >= least;
    }
    return n;
}

xbtab_status xbtab__fit_spreads(xbtab__builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    bool is_cycle = m->effect == XBTAB__EFFECT_CYCLE;
    xbtab__groups *g = is_cycle ? &b->cycle : &b->device;
    double *mean = xbtab__alloc((size_t)p->n_devices, sizeof *mean), all = 0;
    char text[256];
    if (!mean) return XBTAB_NOMEM();
    int n = device_means(p, is_cycle ? 2 : 1, mean);
    for (int d = 0; d < p->n_devices; d++) all += isnan(mean[d]) ? 0 : mean[d] / n;
    xbtab_status status =
        n >= 1 && (is_cycle || n >= XBTAB__LEAST_IN_GROUP)
            ? xbtab__groups_add(g, exp(all), p->n)
            : xbtab__fail_in(m, is_cycle ? "no device has two writes" : "fewer than 12 devices");
    for (int d = 0; d < p->n_devices && status == XBTAB_OK; d++) {
        xbtab__group *own = &g->group[g->n - 1];
        size_t count = p->first[d + 1] - p->first[d];
        if (isnan(mean[d])) continue;
        if (!is_cycle) {
            own->value[own->n++] = exp(mean[d]);
            continue;
        }
        /* about the device's own mean, of which n writes leave n - 1 to xbtab__tell the spread */
        double wider = sqrt((double)count / (double)(count - 1));
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++)
            own->value[own->n++] = exp(all + wider * (log(fmax(p->y[k], 1e-18)) - mean[d]));
    }
    xbtab__free(mean);
    if (status < 0) return status;
    size_t used = strlen(b->found[m->effect]);
    snprintf(text, sizeof text, "%d devices about %.4g uS", n, 1e6 * g->group[g->n - 1].at);
    xbtab__tell(b, m, text);
    snprintf(b->found[m->effect] + used, XBTAB__SOURCE_SIZE - used, "%s%s: %s", used ? "; " : "", m->file,
             text);
    return XBTAB_OK;
}

xbtab_status xbtab__write_spreads(xbtab__builder *b, xbtab__effect effect, xbtab__groups *g, const char *key)
{
    xbtab__choice choice;
    char what[512];
    if (g->n == 0) return XBTAB_OK;
    sort_groups(g);
    XBTAB_TRY(xbtab__choose_family(&choice, g->group, g->n, -1));
    xbtab__describe_choice(what, sizeof what, &choice);
    xbtab__text_add(&b->section[effect], "%s:\n", key);
    XBTAB_TRY(xbtab__write_distribution(&b->section[effect], "  ", &choice, g->group, g->n));
    xbtab__add_source(&b->section[effect], b, b->found[effect], what, NULL);
    return XBTAB_OK;
}
