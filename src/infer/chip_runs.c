/* chip_runs.c - several chips of several ages, programmed and run one after the other. */
#include <xbartab/chip.h>

#include <math.h>

#include <gsl/gsl_statistics_double.h>

#include "check.h"
#include "clock.h"
#include "memory.h"

/* Progress over everything: each chip and time has its tiles to program and its images to run. */
typedef struct overall {
    const xbtab_run_options *run;
    double began;
    long base;    /* items of the chips that are done */
    long a_chip;  /* items of one chip, once the first is done; 0 before */
    long n_chips; /* and times */
    long step;    /* items of this chip's steps that are done */
} overall;

static int report(const xbtab_progress *inner, void *payload)
{
    overall *o = payload;
    long done = o->base + o->step + inner->done;
    double seconds = xbtab__seconds() - o->began;
    xbtab_progress all = {.what = "simulated chips",
                          .done = done,
                          .total = o->n_chips * (o->a_chip ? o->a_chip : o->step + inner->total),
                          .seconds = seconds,
                          .seconds_left = -1};
    if (o->a_chip) all.seconds_left = seconds / (double)o->base * (double)(all.total - done);
    return o->run->progress ? o->run->progress(&all, o->run->payload) : 0;
}

static double accuracy_of(const xbtab_quantized *quantized, const xbtab_images *images, size_t n,
                          const float *outputs)
{
    size_t n_outputs = xbtab_quantized_outputs(quantized), right = 0;
    if (!images->label) return NAN;
    for (size_t k = 0; k < n; k++) {
        right += xbtab_argmax(outputs + k * n_outputs, n_outputs) == (size_t)images->label[k];
    }
    return (double)right / (double)n;
}

/* What all chips of a call share. */
typedef struct job {
    const xbtab_quantized *quantized;
    const xbtab_engine_setup *setup;
    const xbtab_engine_type *engine;
    const xbtab_images *images;
    size_t n;
    const xbtab_chips_options *o;
    float *outputs;
    overall progress;
} job;

static xbtab_status run_one(job *b, xbtab_chips_report *r, size_t k, size_t t)
{
    xbtab_chip_options chip_options = b->o->chip;
    xbtab_map_options map = b->o->map;
    xbtab_chip *chip = NULL;
    xbtab_mapped *mapped = NULL;
    size_t at = t * r->n_chips + k;
    double began = xbtab__seconds();
    xbtab_status status;
    chip_options.chip += (uint32_t)k;
    if (b->o->time) chip_options.time = b->o->time[t];
    map.run.progress = report;
    map.run.payload = &b->progress;
    b->progress.step = 0;
    XBTAB_TRY_DONE(xbtab_chip_create(&chip, xbtab_technology_tables(b->setup->technology), &chip_options));
    xbtab_chip_hook(chip, &map);
    XBTAB_TRY_DONE(xbtab_mapped_create(&mapped, b->quantized, b->setup, b->engine, &map));
    xbtab_mapped_get_report(mapped, &r->mapped);
    b->progress.step = (long)r->mapped.tiles;
    r->programming += xbtab__seconds() - began;
    began = xbtab__seconds();
    XBTAB_TRY_DONE(xbtab_mapped_run(mapped, b->images, b->n, &map.run, b->outputs, &r->products));
    r->running += xbtab__seconds() - began;
    r->accuracy[at] = accuracy_of(b->quantized, b->images, b->n, b->outputs);
    xbtab_chip_get_counts(chip, &r->counts[at]);
    b->progress.a_chip = b->progress.step + (long)b->n;
    b->progress.base += b->progress.a_chip;
    if (b->o->each) status = b->o->each(b->o->context, k, t, mapped, b->outputs);
done:
    xbtab_mapped_destroy(&mapped);
    xbtab_chip_destroy(&chip);
    return status;
}

xbtab_status xbtab_chips_run(xbtab_chips_report *out, const xbtab_quantized *quantized,
                             const xbtab_engine_setup *setup, const xbtab_engine_type *engine,
                             const xbtab_images *images, size_t n, const xbtab_chips_options *options)
{
    xbtab_chips_report r = {.n_chips = options->n_chips ? options->n_chips : 1,
                            .n_times = options->time ? options->n_times : 1};
    xbtab_status status = XBTAB_OK;
    job b = {.quantized = quantized,
             .setup = setup,
             .engine = engine,
             .images = images,
             .n = n,
             .o = options,
             .progress = {.run = &options->map.run, .began = xbtab__seconds()}};
    b.progress.n_chips = (long)(r.n_chips * r.n_times);
    r.accuracy = xbtab__alloc(r.n_chips * r.n_times, sizeof *r.accuracy);
    r.counts = xbtab__alloc(r.n_chips * r.n_times, sizeof *r.counts);
    b.outputs = xbtab__alloc(n * xbtab_quantized_outputs(quantized), sizeof *b.outputs);
    if (!r.accuracy || !r.counts || !b.outputs) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t t = 0; t < r.n_times; t++) {
        for (size_t k = 0; k < r.n_chips; k++) XBTAB_TRY_DONE(run_one(&b, &r, k, t));
    }
    *out = r;
    r = (xbtab_chips_report){0};
done:
    xbtab__free(b.outputs);
    xbtab_chips_report_clear(&r);
    return status;
}

void xbtab_chips_report_clear(xbtab_chips_report *report)
{
    xbtab__free(report->accuracy);
    xbtab__free(report->counts);
    *report = (xbtab_chips_report){0};
}

xbtab_chips_summary xbtab_chips_summarize(const xbtab_chips_report *report, size_t time)
{
    const double *a = report->accuracy + time * report->n_chips;
    xbtab_chips_summary s = {.mean = gsl_stats_mean(a, 1, report->n_chips)};
    if (isnan(s.mean)) return (xbtab_chips_summary){NAN, NAN, NAN, NAN};
    gsl_stats_minmax(&s.min, &s.max, a, 1, report->n_chips);
    if (report->n_chips > 1) s.sigma = gsl_stats_sd(a, 1, report->n_chips);
    return s;
}
