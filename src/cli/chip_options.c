/* chip_options.c - simulated chips on the command line. */
#include "chip_options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/data.h>
#include <xbartab/number.h>

/* Longer than any retention of a sheet's, and no logarithm or exponential of it is in danger. */
static const double longest_time = 1e15;

/* Seconds of "3", "3s", "2min", "5h", "1d" or "10y". */
static bool read_time(double *seconds, const char *text)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"y", 365.25 * 86400}};
    const char *end;
    double value;
    if (xbtab_number_scan(&value, &end, text) != XBTAB_NUMBER_FINE || value < 0) return false;
    while (*end == ' ') end++;
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        if (strcmp(end, units[k].unit) != 0) continue;
        *seconds = value * units[k].seconds;
        return *seconds <= longest_time;
    }
    return false;
}

bool cli_chips_asked(const cli_chips *c)
{
    return c->population_name || c->n_chips || c->time_texts || c->temperature != 0 || c->cycles != 0 ||
           c->program || c->tolerance != 0 || c->pulses || c->is_scaled;
}

static int read_times(cli_chips *c, const char *verb)
{
    size_t n = 0;
    while (c->time_texts && c->time_texts[n]) n++;
    c->time = calloc(n + 1, sizeof *c->time);
    if (!c->time) return cli_fail("out of memory");
    c->n_times = n ? n : 1;
    for (size_t k = 0; k < n; k++) {
        if (!read_time(&c->time[k], c->time_texts[k])) {
            return cli_usage(verb,
                             "--time %.40s is no time: a number from 0 on, with s, min, h, d or y, of up "
                             "to %g s",
                             c->time_texts[k], longest_time);
        }
    }
    return CLI_DONE;
}

int cli_chips_open(cli_chips *c, const char *verb)
{
    if (!c->population_name) return cli_usage(verb, "simulated chips need --population");
    if (c->program && strcmp(c->program, "direct") != 0 && strcmp(c->program, "verify") != 0)
        return cli_usage(verb, "--program %s is not direct or verify", c->program);
    int code = read_times(c, verb);
    if (code != CLI_DONE) return code;
    return xbtab_population_find(&c->population, c->population_name) < 0 ? cli_failed() : CLI_DONE;
}

void cli_chips_close(cli_chips *c)
{
    for (size_t k = 0; c->time_texts && c->time_texts[k]; k++) free((void *)(size_t)c->time_texts[k]);
    free(c->time_texts);
    free(c->time);
    xbtab_population_destroy(&c->population);
}

xbtab_chip_options cli_chip(const cli_chips *c, uint64_t seed)
{
    xbtab_chip_options o = {.population = c->population,
                            .seed = seed,
                            .time = c->time[0],
                            .temperature = c->temperature,
                            .writes = c->cycles,
                            .is_scaled = c->is_scaled,
                            .tolerance = c->tolerance,
                            .pulses = c->pulses};
    if (c->program)
        o.writing = strcmp(c->program, "direct") == 0 ? XBTAB_WRITING_DIRECT : XBTAB_WRITING_VERIFY;
    return o;
}

void cli_chips_give(const cli_chips *c, uint64_t seed, xbtab_study_options *study)
{
    if (!c->population) return;
    study->chip = cli_chip(c, seed);
    study->n_chips = (size_t)c->n_chips;
    study->time = c->time;
    study->n_times = c->n_times;
}

static xbtab_chip_counts sum_of(const xbtab_chips_report *r, size_t t)
{
    xbtab_chip_counts sum = {0};
    double written = 0, read = 0;
    for (size_t k = 0; k < r->n_chips; k++) {
        const xbtab_chip_counts *c = &r->counts[t * r->n_chips + k];
        sum.cells += c->cells;
        sum.stuck += c->stuck;
        sum.worn += c->worn;
        sum.lost += c->lost;
        sum.beyond += c->beyond;
        sum.clipped += c->clipped;
        sum.unverified += c->unverified;
        sum.pulses += c->pulses;
        sum.energy += c->energy;
        written += c->rms_written * c->rms_written;
        read += c->rms_read * c->rms_read;
    }
    sum.rms_written = sqrt(written / (double)r->n_chips);
    sum.rms_read = sqrt(read / (double)r->n_chips);
    return sum;
}

void cli_chips_warn_of_window(const cli_chips *c, double low, double high)
{
    const xbtab_population *p = c->population;
    if (c->is_scaled || !(low < 0.5 * p->G_min || high > 1.001 * p->G_max || high < 0.3 * p->G_max)) return;
    fprintf(
        stderr,
        "xbartab: warning: the tile's levels of %g S to %g S are not the window of population %s, %g S to %g "
        "S; --scale-population stretches it to them\n",
        low, high, p->name, p->G_min, p->G_max);
}

void cli_chips_warn(const cli_chips *c, const xbtab_tables *tables, const xbtab_chips_report *report)
{
    cli_chips_warn_of_window(c, tables->G_level[0], tables->G_level[tables->n_levels - 1]);
    for (size_t t = 0; t < report->n_times; t++) {
        xbtab_chip_counts n = sum_of(report, t);
        if (n.clipped == 0) continue;
        fprintf(stderr,
                "xbartab: warning: %llu of %llu conductances were above %g S, %g times the cell table's "
                "largest, and "
                "clipped to that\n",
                (unsigned long long)n.clipped, (unsigned long long)n.cells,
                XBTAB_TILE_MOST_SHARE * tables->cell.G_state[tables->cell.n_states - 1],
                XBTAB_TILE_MOST_SHARE);
        break;
    }
}

static double percent(uint64_t n, uint64_t of)
{
    return of ? 100.0 * (double)n / (double)of : 0.0;
}

void cli_chips_print(const cli_chips *c, const xbtab_chips_report *r)
{
    const size_t runs = r->n_chips * r->n_times;
    printf("%zu simulated chip%s of population %s:\n", r->n_chips, r->n_chips > 1 ? "s" : "",
           c->population->name);
    cli_tell("each chip took %.3g s to program and %.3g s to run", r->programming / (double)runs,
             r->running / (double)runs);
    for (size_t t = 0; t < r->n_times; t++) {
        xbtab_chips_summary s = xbtab_chips_summarize(r, t);
        xbtab_chip_counts n = sum_of(r, t);
        printf("  after %-9g s", c->time[t]);
        if (!isnan(s.mean)) printf(" %6.2f %%", 100 * s.mean);
        if (!isnan(s.mean) && r->n_chips > 1)
            printf(", spread %.2f, %.2f to %.2f %%", 100 * s.sigma, 100 * s.min, 100 * s.max);
        printf("; conductances off by %.3g uS (rms; %.3g uS as written)\n", 1e6 * n.rms_read,
               1e6 * n.rms_written);
        printf("    cells: %.3f %% stuck, %.3f %% worn, %.3f %% lost, %.3f %% unverified after %.2f writes "
               "each; %.2f "
               "%% beyond the table's states, %.3f %% clipped\n",
               percent(n.stuck, n.cells), percent(n.worn, n.cells), percent(n.lost, n.cells),
               percent(n.unverified, n.cells), n.cells ? (double)n.pulses / (double)n.cells : 0.0,
               percent(n.beyond, n.cells), percent(n.clipped, n.cells));
    }
}

static json_t *counts_json(const xbtab_chip_counts *n)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "cells", (json_int_t)n->cells,
                     "stuck", (json_int_t)n->stuck, "worn", (json_int_t)n->worn, "lost", (json_int_t)n->lost,
                     "beyond_states", (json_int_t)n->beyond, "clipped", (json_int_t)n->clipped, "unverified",
                     (json_int_t)n->unverified, "pulses", (json_int_t)n->pulses, "energy", n->energy,
                     "rms_written", n->rms_written, "rms_read", n->rms_read);
}

/* Without labels there are no accuracies. */
static void set_known(json_t *object, const char *key, double value)
{
    if (!isnan(value)) json_object_set_new(object, key, json_real(value));
}

json_t *cli_chips_json(const cli_chips *c, const xbtab_chips_report *r)
{
    json_t *times = json_array();
    for (size_t t = 0; t < r->n_times; t++) {
        xbtab_chips_summary s = xbtab_chips_summarize(r, t);
        json_t *chips = json_array();
        for (size_t k = 0; k < r->n_chips; k++) {
            json_t *one = counts_json(&r->counts[t * r->n_chips + k]);
            set_known(one, "accuracy", r->accuracy[t * r->n_chips + k]);
            json_array_append_new(chips, one);
        }
        json_t *time = json_pack("{s:f}", "time", c->time[t]);
        set_known(time, "mean", s.mean);
        set_known(time, "sigma", s.sigma);
        set_known(time, "min", s.min);
        set_known(time, "max", s.max);
        json_object_set_new(time, "chips", chips);
        json_array_append_new(times, time);
    }
    return json_pack("{s:s, s:I, s:o, s:f, s:f}", "population", c->population->name, "n",
                     (json_int_t)r->n_chips, "times", times, "programming_seconds", r->programming,
                     "running_seconds", r->running);
}
