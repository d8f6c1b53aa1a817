/* population_fit.c - estimates each effect from its measurement and writes the sheet; see population_fit.h.
 */
#include <xbartab/population_fit.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_fit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "memory.h"
#include "population_samples.h"
#include "population_spec.h"

static const double boltzmann_eV = 8.617333262e-5; /* [eV/K], CODATA 2018 */

/* Groups with fewer samples are left out: their spread would be off by a fifth. */
enum { LEAST_IN_GROUP = 12, SOURCE_SIZE = 1024 };

/* Groups that grow; their values are owned. */
typedef struct groups {
    xbtab__group *group;
    int n, room;
} groups;

typedef struct builder {
    const xbtab__population_spec *spec;
    const char *folder;
    xbtab_note_fn note;
    void *payload;
    xbtab__text section[XBTAB__EFFECTS]; /* whole sections but for those that gather groups */
    groups device, cycle;                /* of several measurements */
    char found[XBTAB__EFFECTS][SOURCE_SIZE];
} builder;

static void groups_clear(groups *g)
{
    for (int k = 0; k < g->n; k++) xbtab__free(g->group[k].value);
    xbtab__free(g->group);
    *g = (groups){0};
}

/* A new group with room for n values. */
static xbtab_status groups_add(groups *g, double at, size_t n)
{
    if (g->n == g->room) {
        int room = g->room ? 2 * g->room : 32;
        xbtab__group *more = xbtab__realloc(g->group, (size_t)room, sizeof *more);
        if (!more) return XBTAB_NOMEM();
        g->group = more;
        g->room = room;
    }
    g->group[g->n] = (xbtab__group){.at = at, .value = xbtab__alloc(n, sizeof(double))};
    if (!g->group[g->n].value) return XBTAB_NOMEM();
    g->n++;
    return XBTAB_OK;
}

static void sort_groups(groups *g)
{
    for (int k = 1; k < g->n; k++) {
        for (int l = k; l > 0 && g->group[l].at < g->group[l - 1].at; l--) {
            xbtab__group kept = g->group[l];
            g->group[l] = g->group[l - 1];
            g->group[l - 1] = kept;
        }
    }
}

static void tell(const builder *b, const xbtab__measurement *m, const char *what)
{
    char line[SOURCE_SIZE + 256];
    snprintf(line, sizeof line, "%s: %s", m->file, what);
    if (b->note) b->note(line, b->payload);
}

/* "source: ..." and "trust: derived" of a section. */
static void add_source(xbtab__text *text, const builder *b, const char *files, const char *what)
{
    xbtab__text_add(text, "  source: \"%s; %s: %s\"\n  trust: derived\n", b->spec->source, files, what);
}

static xbtab_status fail_in(const xbtab__measurement *m, const char *what)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %s", m->file, what);
}

/* ---- levels ---- */

static xbtab_status fit_programming(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    groups g = {0};
    xbtab__choice choice;
    char what[512], text[SOURCE_SIZE];
    xbtab_status status = XBTAB_OK;
    xbtab__text *out = &b->section[XBTAB__EFFECT_PROGRAMMING];
    for (int l = 0; l < m->target_count && status == XBTAB_OK; l++) {
        status = groups_add(&g, m->target_first + l * m->target_step, p->n);
        for (int d = l; d < p->n_devices && status == XBTAB_OK; d += m->target_count) {
            for (size_t k = p->first[d]; k < p->first[d + 1]; k++) g.group[l].value[g.group[l].n++] = p->y[k];
        }
        if (status == XBTAB_OK && g.group[l].n < LEAST_IN_GROUP)
            status = fail_in(m, "a level has fewer than 12 samples");
    }
    if (status == XBTAB_OK) status = xbtab__choose_family(&choice, g.group, g.n, m->family);
    if (status == XBTAB_OK) {
        xbtab__describe_choice(what, sizeof what, &choice);
        snprintf(text, sizeof text, "%d devices on %d levels; %s", p->n_devices, m->target_count, what);
        tell(b, m, text);
        xbtab__text_add(out, "programming:\n");
        status = xbtab__write_distribution(out, "  ", &choice, g.group, g.n);
        add_source(out, b, m->file, text);
    }
    groups_clear(&g);
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

static size_t earliest(const xbtab__points *p, int d)
{
    size_t first = p->first[d];
    for (size_t k = first; k < p->first[d + 1]; k++) {
        if (p->x[k] < p->x[first]) first = k;
    }
    return first;
}

/* Groups of one snapshot, by initial conductance: mean initial conductance plus each device's change. */
static xbtab_status snapshot_groups(groups *g, const builder *b, const xbtab__measurement *m,
                                    const xbtab__points *p, double time)
{
    double low = b->spec->G_min, width = (b->spec->G_max - low) / m->bins;
    for (int bin = 0; bin < m->bins; bin++) {
        double sum = 0;
        int at = g->n;
        XBTAB_TRY(groups_add(g, 0, (size_t)p->n_devices));
        xbtab__group *group = &g->group[at];
        for (int turn = 0; turn < 2; turn++) {
            for (int d = 0; d < p->n_devices; d++) {
                size_t first = earliest(p, d), then = point_at(p, d, time);
                if (then == p->n || then == first) continue;
                double from = p->y[first], place = (from - low) / width;
                int own = place < 0 ? 0 : place >= m->bins ? m->bins - 1 : (int)place;
                if (own != bin) continue;
                if (turn == 0) {
                    sum += from;
                    group->n++;
                } else {
                    group->value[group->n++] = group->at + p->y[then] - from;
                }
            }
            if (turn == 0 && group->n > 0) group->at = sum / (double)group->n;
            if (turn == 0) group->n = 0;
        }
        if (group->n < LEAST_IN_GROUP) xbtab__free(g->group[--g->n].value);
    }
    return XBTAB_OK;
}

static xbtab_status fit_relaxation(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    groups *g = xbtab__alloc((size_t)m->n_times, sizeof *g), all = {0};
    xbtab__choice choice;
    char what[512], text[SOURCE_SIZE];
    xbtab__text *out = &b->section[XBTAB__EFFECT_RELAXATION];
    xbtab_status status = g ? XBTAB_OK : XBTAB_NOMEM();
    for (int t = 0; t < m->n_times && status == XBTAB_OK; t++) {
        status = snapshot_groups(&g[t], b, m, p, m->time[t]);
        if (status == XBTAB_OK && g[t].n == 0)
            status = fail_in(m, "no devices were read about one of the times");
        for (int k = 0; k < g[t].n && status == XBTAB_OK; k++) {
            status = groups_add(&all, g[t].group[k].at, g[t].group[k].n);
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
        tell(b, m, text);
        xbtab__text_add(out,
                        "relaxation:\n  law: snapshots\n  from: programmed\n  t0: %.6g s\n  snapshots:\n",
                        m->time[0] / 10);
    }
    for (int t = 0; t < m->n_times && status == XBTAB_OK; t++) {
        xbtab__text_add(out, "    - time: %.6g s\n", m->time[t]);
        status = xbtab__write_distribution(out, "      ", &choice, g[t].group, g[t].n);
    }
    if (status == XBTAB_OK) add_source(out, b, m->file, text);
    for (int t = 0; g && t < m->n_times; t++) groups_clear(&g[t]);
    groups_clear(&all);
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

static xbtab_status fit_spreads(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    bool is_cycle = m->effect == XBTAB__EFFECT_CYCLE;
    groups *g = is_cycle ? &b->cycle : &b->device;
    double *mean = xbtab__alloc((size_t)p->n_devices, sizeof *mean), all = 0;
    char text[256];
    if (!mean) return XBTAB_NOMEM();
    int n = device_means(p, is_cycle ? 2 : 1, mean);
    for (int d = 0; d < p->n_devices; d++) all += isnan(mean[d]) ? 0 : mean[d] / n;
    xbtab_status status = n >= 1 && (is_cycle || n >= LEAST_IN_GROUP)
                              ? groups_add(g, exp(all), p->n)
                              : fail_in(m, is_cycle ? "no device has two writes" : "fewer than 12 devices");
    for (int d = 0; d < p->n_devices && status == XBTAB_OK; d++) {
        xbtab__group *own = &g->group[g->n - 1];
        size_t count = p->first[d + 1] - p->first[d];
        if (isnan(mean[d])) continue;
        if (!is_cycle) {
            own->value[own->n++] = exp(mean[d]);
            continue;
        }
        /* about the device's own mean, of which n writes leave n - 1 to tell the spread */
        double wider = sqrt((double)count / (double)(count - 1));
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++)
            own->value[own->n++] = exp(all + wider * (log(fmax(p->y[k], 1e-18)) - mean[d]));
    }
    xbtab__free(mean);
    if (status < 0) return status;
    size_t used = strlen(b->found[m->effect]);
    snprintf(text, sizeof text, "%d devices about %.4g uS", n, 1e6 * g->group[g->n - 1].at);
    tell(b, m, text);
    snprintf(b->found[m->effect] + used, SOURCE_SIZE - used, "%s%s: %s", used ? "; " : "", m->file, text);
    return XBTAB_OK;
}

static xbtab_status write_spreads(builder *b, xbtab__effect effect, groups *g, const char *key)
{
    xbtab__choice choice;
    char what[512];
    if (g->n == 0) return XBTAB_OK;
    sort_groups(g);
    XBTAB_TRY(xbtab__choose_family(&choice, g->group, g->n, -1));
    xbtab__describe_choice(what, sizeof what, &choice);
    xbtab__text_add(&b->section[effect], "%s:\n", key);
    XBTAB_TRY(xbtab__write_distribution(&b->section[effect], "  ", &choice, g->group, g->n));
    add_source(&b->section[effect], b, b->found[effect], what);
    return XBTAB_OK;
}

/* ---- reads ---- */

typedef struct mixture {
    double low, high, width, share_low, bic_gain; /* bic_gain > 0: two levels are better than one */
} mixture;

/* Two normals of one width, by expectation and maximization from the quartiles. */
static mixture two_levels(const double *sorted, size_t n)
{
    double mean = gsl_stats_mean(sorted, 1, n), sd = gsl_stats_sd_m(sorted, 1, n, mean), size = (double)n;
    mixture m = {.low = sorted[n / 4], .high = sorted[n - 1 - n / 4], .width = sd / 2, .share_low = 0.5};
    double likelihood = 0;
    for (int turn = 0; turn < 300 && sd > 0; turn++) {
        double w = 0, wl = 0, wh = 0, squares = 0;
        likelihood = 0;
        for (size_t k = 0; k < n; k++) {
            double a = (sorted[k] - m.low) / m.width, c = (sorted[k] - m.high) / m.width;
            double pl = m.share_low * exp(-0.5 * a * a), ph = (1 - m.share_low) * exp(-0.5 * c * c),
                   r = pl / (pl + ph + 1e-300);
            likelihood += log((pl + ph + 1e-300) / m.width) - 0.5 * log(2 * M_PI);
            w += r;
            wl += r * sorted[k];
            wh += (1 - r) * sorted[k];
        }
        if (w < 1 || size - w < 1) break;
        m.low = wl / w;
        m.high = wh / (size - w);
        for (size_t k = 0; k < n; k++) {
            double a = (sorted[k] - m.low) / m.width, c = (sorted[k] - m.high) / m.width;
            double pl = m.share_low * exp(-0.5 * a * a), ph = (1 - m.share_low) * exp(-0.5 * c * c),
                   r = pl / (pl + ph + 1e-300);
            squares += r * (sorted[k] - m.low) * (sorted[k] - m.low) +
                       (1 - r) * (sorted[k] - m.high) * (sorted[k] - m.high);
        }
        m.share_low = w / size;
        m.width = sqrt(fmax(squares / size, 1e-12 * sd * sd));
    }
    double one = -0.5 * size * (log(2 * M_PI * sd * sd) + 1);
    m.bic_gain = 2 * (likelihood - one) - 2 * log(size);
    return m;
}

/* Mean time that a series stays on one side of a threshold. */
static double dwell(const xbtab__points *p, int d, double threshold)
{
    int changes = 0;
    size_t first = p->first[d], last = p->first[d + 1] - 1;
    for (size_t k = first + 1; k <= last; k++) changes += (p->y[k] > threshold) != (p->y[k - 1] > threshold);
    return (p->x[last] - p->x[first]) / (changes + 1);
}

typedef struct reads {
    double *G, *sigma, *step, *tau; /* of each device; step and tau of those with RTN */
    int n, n_rtn;
    double duty, white;
} reads;

static xbtab_status read_device(reads *r, const xbtab__points *p, int d)
{
    size_t n = p->first[d + 1] - p->first[d];
    const double *y = p->y + p->first[d];
    double differences = 0, *sorted;
    if (n < 100) return XBTAB_OK;
    sorted = xbtab__alloc(n, sizeof *sorted);
    if (!sorted) return XBTAB_NOMEM();
    memcpy(sorted, y, n * sizeof *sorted);
    gsl_sort(sorted, 1, n);
    mixture m = two_levels(sorted, n);
    double mean = gsl_stats_mean(y, 1, n), sd = gsl_stats_sd_m(y, 1, n, mean);
    bool has_rtn =
        m.bic_gain > 10 && m.high - m.low > 3 * m.width && m.share_low > 0.02 && m.share_low < 0.98;
    for (size_t k = 1; k < n; k++) differences += (y[k] - y[k - 1]) * (y[k] - y[k - 1]);
    r->white += sqrt(differences / (2 * (double)(n - 1))) / mean;
    r->G[r->n] = mean;
    r->sigma[r->n++] = has_rtn ? m.width : sd;
    if (has_rtn) {
        r->step[r->n_rtn] = (m.high - m.low) / mean;
        r->tau[r->n_rtn++] = dwell(p, d, 0.5 * (m.low + m.high));
        r->duty += m.share_low;
    }
    xbtab__free(sorted);
    return XBTAB_OK;
}

static void write_reads(builder *b, const xbtab__measurement *m, reads *r)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_NOISE];
    char text[512];
    double share = 0;
    for (int d = 0; d < r->n; d++) share += r->sigma[d] / r->G[d] / r->n;
    snprintf(
        text, sizeof text,
        "%d devices; spread %.3g %% of G, %.3g %% from read to read (first differences); two levels in %d",
        r->n, 100 * share, 100 * r->white / r->n, r->n_rtn);
    tell(b, m, text);
    xbtab__text_add(out, "read_noise:\n  scale: relative\n");
    if (r->n < 4) {
        xbtab__text_add(out, "  sigma: {value: %.4g}\n", share);
    } else { /* by conductance, in up to 16 equal parts */
        int parts = r->n < 64 ? r->n / 4 : 16;
        gsl_sort2(r->G, 1, r->sigma, 1, (size_t)r->n);
        xbtab__text_add(out, "  sigma:\n    at: [");
        for (int turn = 0; turn < 2; turn++) {
            for (int k = 0; k < parts; k++) {
                int from = k * r->n / parts, to = (k + 1) * r->n / parts;
                double G = gsl_stats_mean(r->G + from, 1, (size_t)(to - from)),
                       s = gsl_stats_mean(r->sigma + from, 1, (size_t)(to - from));
                xbtab__text_add(out, turn ? "%s%.4g" : "%s%.6g uS", k ? ", " : "",
                                turn ? s / G : 1e6 * G + 1e-6 * k);
            }
            xbtab__text_add(out, turn ? "]\n" : "]\n    values: [");
        }
    }
    add_source(out, b, m->file, text);
    if (r->n_rtn == 0) return;
    double step = 0, tau = 0, step_spread = 0, tau_spread = 0, n = r->n_rtn;
    for (int k = 0; k < r->n_rtn; k++) {
        step += log(r->step[k]) / n;
        tau += log(fmax(r->tau[k], 1e-9)) / n;
    }
    for (int k = 0; k < r->n_rtn; k++) {
        step_spread += pow(log(r->step[k]) - step, 2);
        tau_spread += pow(log(fmax(r->tau[k], 1e-9)) - tau, 2);
    }
    double degrees = n > 1 ? n - 1 : 1;
    xbtab__text_add(out,
                    "rtn:\n  share: %.4g\n  amplitude: {value: %.4g}\n  amplitude_sigma: %.4g\n  duty: %.4g\n"
                    "  tau_median: %.4g s\n  tau_sigma: %.4g\n",
                    n / r->n, exp(step), sqrt(step_spread / degrees), r->duty / n, exp(tau),
                    sqrt(tau_spread / degrees));
    add_source(out, b, m->file, text);
}

static xbtab_status fit_noise(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    size_t n = (size_t)p->n_devices;
    reads r = {.G = xbtab__alloc(n, sizeof(double)),
               .sigma = xbtab__alloc(n, sizeof(double)),
               .step = xbtab__alloc(n, sizeof(double)),
               .tau = xbtab__alloc(n, sizeof(double))};
    xbtab_status status = r.G && r.sigma && r.step && r.tau ? XBTAB_OK : XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices && status == XBTAB_OK; d++) status = read_device(&r, p, d);
    if (status == XBTAB_OK && r.n == 0) status = fail_in(m, "no device has 100 reads");
    if (status == XBTAB_OK) write_reads(b, m, &r);
    xbtab__free(r.G);
    xbtab__free(r.sigma);
    xbtab__free(r.step);
    xbtab__free(r.tau);
    return status;
}

/* ---- faults, wear, loss ---- */

static xbtab_status fit_stuck(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_STUCK];
    double *low = xbtab__alloc(p->n, sizeof *low), *high = xbtab__alloc(p->n, sizeof *high), n = (double)p->n;
    size_t n_low = 0, n_high = 0;
    char text[256];
    if (!low || !high) {
        xbtab__free(low);
        xbtab__free(high);
        return XBTAB_NOMEM();
    }
    for (size_t k = 0; k < p->n; k++) {
        if (p->y[k] < m->hrs_below) low[n_low++] = log(fmax(p->y[k], 1e-18));
        if (m->lrs_above > 0 && p->y[k] > m->lrs_above) high[n_high++] = log(p->y[k]);
    }
    double a = (double)n_low / n, c = (double)n_high / n;
    snprintf(text, sizeof text,
             "%zu of %zu devices below %.4g uS (%.3g +- %.2g %%), %zu above %.4g uS (%.3g +- %.2g %%)", n_low,
             p->n, 1e6 * m->hrs_below, 100 * a, 100 * sqrt(a * (1 - a) / n), n_high, 1e6 * m->lrs_above,
             100 * c, 100 * sqrt(c * (1 - c) / n));
    tell(b, m, text);
    xbtab__text_add(out, "stuck:\n  stuck_lrs: %.6g\n  stuck_hrs: %.6g\n", c, a);
    if (n_low > 1) {
        xbtab__text_add(out, "  g_hrs: %.5g S\n  g_hrs_sigma: %.4g\n", exp(gsl_stats_median(low, 1, n_low)),
                        fmin(gsl_stats_sd(low, 1, n_low), 10));
    }
    if (n_high > 1) {
        xbtab__text_add(out, "  g_lrs: %.5g S\n  g_lrs_sigma: %.4g\n", exp(gsl_stats_median(high, 1, n_high)),
                        fmin(gsl_stats_sd(high, 1, n_high), 10));
    }
    add_source(out, b, m->file, text);
    xbtab__free(low);
    xbtab__free(high);
    return XBTAB_OK;
}

static xbtab_status fit_endurance(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    const double n0 = 1e4;
    xbtab__text *out = &b->section[XBTAB__EFFECT_ENDURANCE];
    double slope = 0, most = 0, *failed = xbtab__alloc((size_t)p->n_devices, sizeof *failed);
    int n = 0, n_failed = 0;
    char text[256];
    if (!failed) return XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices; d++) {
        size_t count = p->first[d + 1] - p->first[d], early = count / 10 + 1;
        const double *x = p->x + p->first[d], *y = p->y + p->first[d];
        double sxx = 0, sxy = 0;
        if (count < 20) continue;
        double G0 = gsl_stats_mean(y, 1, early);
        for (size_t k = 0; k < count; k++) {
            double u = log10(1 + x[k] / n0);
            sxx += u * u;
            sxy += u * (1 - y[k] / G0);
            most = fmax(most, x[k]);
        }
        slope += sxy / sxx;
        n++;
        /* three reads in a row below the limit are a failure, one may be a bad write */
        for (size_t k = 2; k < count; k++) {
            double limit = m->lost_below * G0;
            if (y[k] < limit && y[k - 1] < limit && y[k - 2] < limit) {
                failed[n_failed++] = log(x[k - 2]);
                break;
            }
        }
    }
    if (n == 0) {
        xbtab__free(failed);
        return fail_in(m, "no device has 20 reads");
    }
    slope = fmin(fmax(slope / n, 0), 1);
    bool is_known = n_failed >= 3 && 2 * n_failed > n;
    double median = is_known ? exp(gsl_stats_median(failed, 1, (size_t)n_failed)) : fmax(most, 1);
    snprintf(text, sizeof text,
             "%d devices up to %.4g writes, %d failed%s; the window narrows by %.3g %% a decade beyond %g", n,
             most, n_failed, is_known ? "" : ", so the median is a lower bound", 100 * slope, n0);
    tell(b, m, text);
    xbtab__text_add(out, "endurance:\n  median: %.6g\n  sigma: %.4g\n  window_slope: %.5g\n  window_n0: %g\n",
                    median, is_known ? gsl_stats_sd(failed, 1, (size_t)n_failed) : 0.0, slope, n0);
    add_source(out, b, m->file, text);
    xbtab__free(failed);
    return XBTAB_OK;
}

/* When a device falls below its share, between two reads on a logarithmic scale; NAN if it does not. */
static double loss_time(const xbtab__points *p, int d, double share)
{
    size_t first = earliest(p, d);
    for (size_t k = p->first[d]; k + 1 < p->first[d + 1]; k++) {
        double limit = share * p->y[first], a = p->y[k] - limit, c = p->y[k + 1] - limit;
        if (a < 0 || c >= 0) continue;
        double from = fmax(p->x[k], 1e-3 * p->x[k + 1]);
        return from * pow(p->x[k + 1] / from, a / (a - c));
    }
    return NAN;
}

static xbtab_status fit_retention(builder *b, const xbtab__measurement *m, const xbtab__points *p)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_RETENTION];
    double *x = xbtab__alloc((size_t)p->n_devices, sizeof *x),
           *y = xbtab__alloc((size_t)p->n_devices, sizeof *y);
    size_t n = 0;
    char text[256];
    xbtab_status status = x && y ? XBTAB_OK : XBTAB_NOMEM();
    for (int d = 0; d < p->n_devices && status == XBTAB_OK; d++) {
        double t = loss_time(p, d, m->lost_below);
        if (!(t > 0)) continue;
        x[n] = 1 / (boltzmann_eV * p->T[p->first[d]]) - 1 / (boltzmann_eV * m->temperature);
        y[n++] = log(t);
    }
    double low = DBL_MAX, high = -DBL_MAX;
    for (size_t k = 0; k < n; k++) {
        low = fmin(low, x[k]);
        high = fmax(high, x[k]);
    }
    if (status == XBTAB_OK && (n < 4 || !(high > low)))
        status = fail_in(m, "fewer than 4 devices were lost, or all at one temperature; Arrhenius needs two");
    if (status == XBTAB_OK) {
        double c0, c1, v00, v01, v11, squares;
        gsl_fit_linear(x, 1, y, 1, n, &c0, &c1, &v00, &v01, &v11, &squares);
        double sigma = sqrt(squares / (double)(n - 2));
        snprintf(text, sizeof text,
                 "%zu of %d devices fell below %.3g of their conductance; activation energy %.4g +- %.2g eV "
                 "(least squares)",
                 n, p->n_devices, m->lost_below, c1, sqrt(v11));
        tell(b, m, text);
        xbtab__text_add(
            out,
            "retention:\n  median: %.6g s\n  temperature: %g K\n  activation_energy: %.6g eV\n  sigma: "
            "%.4g\n  lost: %.6g S\n",
            exp(c0), m->temperature, fmax(c1, 0), sigma, b->spec->G_min);
        add_source(out, b, m->file, text);
    }
    xbtab__free(x);
    xbtab__free(y);
    return status;
}

/* ---- model parameters ---- */

static double spearman(const double *x, const double *y, size_t n, double *room)
{
    return gsl_stats_spearman(x, 1, y, 1, n, room);
}

static bool is_positive_definite(const double *R, size_t n, double *L)
{
    for (size_t k = 0; k < n; k++) {
        for (size_t l = 0; l <= k; l++) {
            double sum = R[k * n + l];
            for (size_t i = 0; i < l; i++) sum -= L[k * n + i] * L[l * n + i];
            if (l == k && sum <= 1e-9) return false;
            L[k * n + l] = l == k ? sqrt(sum) : sum / L[l * n + l];
        }
    }
    return true;
}

static xbtab_status write_parameter(xbtab__text *out, builder *b, const xbtab__measurement *m, int which,
                                    const double *value, size_t n)
{
    xbtab__choice choice;
    double *x = xbtab__alloc(n, sizeof *x);
    char what[512], line[768];
    if (!x) return XBTAB_NOMEM();
    memcpy(x, value, n * sizeof *x);
    xbtab__group group = {.at = 1, .value = x, .n = n};
    xbtab_status status = xbtab__choose_family(&choice, &group, 1, -1);
    bool is_log = choice.bic_lognormal < choice.bic_normal;
    /* a parameter's distribution has no table: the better of the two stands, the test's verdict beside it */
    choice.family = is_log ? XBTAB_FAMILY_LOGNORMAL : XBTAB_FAMILY_NORMAL;
    gsl_sort(x, 1, n);
    double low = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.0025),
           high = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.9975);
    for (size_t k = 0; k < n && is_log; k++) x[k] = log(x[k]);
    double mean = gsl_stats_mean(x, 1, n), sd = gsl_stats_sd_m(x, 1, n, mean);
    xbtab__text_add(out, "    - {name: %s, family: %s, location: %.6g, spread: %.5g, min: %.6g, max: %.6g}\n",
                    m->name[which], is_log ? "lognormal" : "normal", is_log ? exp(mean) : mean, sd, low,
                    high);
    xbtab__describe_choice(what, sizeof what, &choice);
    snprintf(line, sizeof line, "%s: %s", m->name[which], what);
    tell(b, m, line);
    xbtab__free(x);
    return status;
}

static xbtab_status fit_parameters(builder *b, const xbtab__measurement *m, const char *path)
{
    xbtab__text *out = &b->section[XBTAB__EFFECT_PARAMETERS];
    size_t width = (size_t)m->n_names, n = 0;
    double *value = NULL, *R = xbtab__alloc(width * width, sizeof *R),
           *L = xbtab__alloc(width * width, sizeof *L), *room = NULL;
    xbtab_status status = R && L ? XBTAB_OK : XBTAB_NOMEM();
    xbtab__text_add(out, "parameters:\n  model: %s\n  values:\n", m->model);
    for (int k = 0; k < m->n_names && status == XBTAB_OK; k++) {
        xbtab__calibration columns = m->columns;
        xbtab__points p;
        columns.column[XBTAB_FIT_Y] = (xbtab__column){.name = m->name[k], .times = 1};
        status = xbtab__points_read(&p, &columns, &path, 1);
        if (status < 0) break;
        if (k == 0) {
            n = p.n;
            value = xbtab__alloc(width * n, sizeof *value);
            room = xbtab__alloc(2 * n, sizeof *room);
            if (!value || !room) status = XBTAB_NOMEM();
            if (n < LEAST_IN_GROUP) status = fail_in(m, "fewer than 12 devices");
        }
        if (status == XBTAB_OK) {
            memcpy(value + (size_t)k * n, p.y, n * sizeof *value);
            status = write_parameter(out, b, m, k, p.y, n);
        }
        xbtab__points_clear(&p);
    }
    for (size_t k = 0; k < width * width && status == XBTAB_OK; k++) {
        size_t a = k / width, c = k % width;
        /* the normal's correlation whose ranks correlate like these */
        R[k] = a == c ? 1
                      : 2 * sin(M_PI / 6 *
                                spearman(value + (a < c ? a : c) * n, value + (a < c ? c : a) * n, n, room));
    }
    while (status == XBTAB_OK && !is_positive_definite(R, width, L)) {
        for (size_t k = 0; k < width * width; k++) R[k] *= k / width == k % width ? 1 : 0.98;
    }
    if (status == XBTAB_OK) {
        xbtab__text_add(out, "  correlation:\n");
        for (size_t k = 0; k < width * width; k++)
            xbtab__text_add(out, "%s%.5f%s", k % width ? ", " : "    - {values: [", R[k],
                            k % width == width - 1 ? "]}\n" : "");
        char text[128];
        snprintf(text, sizeof text, "%zu devices; correlation from ranks", n);
        add_source(out, b, m->file, text);
    }
    xbtab__free(value);
    xbtab__free(room);
    xbtab__free(R);
    xbtab__free(L);
    return status;
}

/* ---- the sheet ---- */

static xbtab_status fit_measurement(builder *b, const xbtab__measurement *m)
{
    xbtab__text path = {0};
    xbtab__points p = {0};
    static xbtab_status (*const fits[])(builder *, const xbtab__measurement *, const xbtab__points *) = {
        fit_programming, fit_relaxation, fit_spreads,   fit_spreads, fit_noise,
        fit_stuck,       fit_endurance,  fit_retention, NULL};
    if (b->section[m->effect].n > 0)
        return fail_in(m, "is the second measurement of an effect that takes one");
    if (m->file[0] == '/') {
        xbtab__text_add(&path, "%s", m->file);
    } else {
        xbtab__text_add(&path, "%s/%s", b->folder, m->file);
    }
    const char *file = path.s;
    xbtab_status status = xbtab__text_status(&path);
    if (status == XBTAB_OK && m->effect == XBTAB__EFFECT_PARAMETERS) {
        status = fit_parameters(b, m, file);
    } else if (status == XBTAB_OK) {
        status = xbtab__points_read(&p, &m->columns, &file, 1);
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
    builder b = {.spec = s, .folder = folder, .note = note, .payload = payload};
    xbtab__text out = {0};
    xbtab_population *check = NULL;
    xbtab_status status = XBTAB_OK;
    for (int k = 0; k < s->n && status == XBTAB_OK; k++) status = fit_measurement(&b, &s->measurement[k]);
    if (status == XBTAB_OK) status = write_spreads(&b, XBTAB__EFFECT_DEVICE, &b.device, "device_to_device");
    if (status == XBTAB_OK) status = write_spreads(&b, XBTAB__EFFECT_CYCLE, &b.cycle, "cycle_to_cycle");
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
    groups_clear(&b.device);
    groups_clear(&b.cycle);
    xbtab__population_spec_destroy(&s);
    return status;
}

void xbtab_population_text_free(char **text)
{
    xbtab__free(*text);
    *text = NULL;
}

xbtab_status xbtab_population_confusion(const xbtab_population *p, int n_levels, double step, double t,
                                        double T, int devices, int verified, uint64_t seed, double *share)
{
    if (n_levels < 2 || n_levels > 4096 || !(step > 0) || devices < 1)
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "levels: %d of %g S with %d devices; 2 to 4096 levels, a step above 0, 1 device or more",
                   n_levels, step, devices);
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
