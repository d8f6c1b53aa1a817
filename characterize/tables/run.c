/* run.c - units through the pool and the journal. */
#include "run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "write_units.h"

/* States that are added below and above the levels, at the most on either side. */
enum { MOST_OUTSIDE = 64 };

/* n conductances from G on, evenly on a logarithmic scale, the end left out; returns how many. */
static int add_even(double *target, double G, double end, int n)
{
    for (int k = 0; k < n; k++) target[k] = G * pow(end / G, (double)k / n);
    return n;
}

/* The least and the most that any sample tile's cell is to conduct. */
static xbtab_status find_extremes(const xbtab__plan *plan, double *least, double *most)
{
    xbtab_status status = XBTAB_OK;
    size_t cells = (size_t)plan->spec->rows * (size_t)plan->spec->columns;
    uint8_t *level = xbtab__alloc(cells, 1);
    double *G = xbtab__alloc(cells, sizeof *G);
    if (!level || !G) status = XBTAB_NOMEM();
    for (int tile = 0; tile < xbtab__sample_tiles(plan) + xbtab__check_tiles(plan) && status == XBTAB_OK;
         tile++) {
        xbtab__tile_plan t = xbtab__tile_plan_of(plan, tile);
        xbtab__tile_levels(plan, tile, level);
        status = xbtab__tile_conductances(plan, tile, level, G);
        for (int c = 0; c < t.rows * t.columns; c++) {
            *least = fmin(*least, G[c]);
            *most = fmax(*most, G[c]);
        }
    }
    xbtab__free(level);
    xbtab__free(G);
    return status;
}

/* Steps from low to high of a ratio no larger than that of the levels' own states. */
static int steps_between(double low, double high, double step)
{
    double n = ceil(log(high / low) / step);
    return high > low * (1 + 1e-9) ? (int)fmin(fmax(n, 1), MOST_OUTSIDE) : 0;
}

/* Every level, and further conductances between neighbours, evenly on a logarithmic scale, up to the number
 * asked; and as far below and above them as the sample tiles' cells reach. */
static xbtab_status choose_conductances(xbtab__plan *plan)
{
    const xbtab_spec *spec = plan->spec;
    int gaps = spec->n_levels - 1, between = 0, n = 0;
    double low = spec->G_level[0], high = spec->G_level[gaps], least = low, most = high;
    if (spec->sampling.states > spec->n_levels) {
        between = (spec->sampling.states - spec->n_levels + gaps - 1) / gaps;
    }
    if (plan->aged) XBTAB_TRY(find_extremes(plan, &least, &most));
    int inside = gaps * (between + 1);
    double step = log(high / low) / inside;
    int below = steps_between(least, low, step), above = steps_between(high, most, step);
    plan->n_states = below + inside + above + 1;
    plan->G_target = xbtab__alloc((size_t)plan->n_states, sizeof *plan->G_target);
    plan->parameter = xbtab__alloc((size_t)plan->n_states, sizeof *plan->parameter);
    plan->G_state = xbtab__alloc((size_t)plan->n_states, sizeof *plan->G_state);
    if (!plan->G_target || !plan->parameter || !plan->G_state) return XBTAB_NOMEM();
    n += add_even(plan->G_target, least, low, below);
    for (int k = 0; k < gaps; k++)
        n += add_even(plan->G_target + n, spec->G_level[k], spec->G_level[k + 1], between + 1);
    n += add_even(plan->G_target + n, high, most, above);
    plan->G_target[n] = above ? most : high;
    return XBTAB_OK;
}

xbtab_status xbtab__run_init(xbtab__run *run, const xbtab_spec *spec, const xbtab_chip_options *chip)
{
    *run = (xbtab__run){.plan = {.spec = spec, .seed = spec->seed}};
    XBTAB_TRY(xbtab__need_size(spec));
    if (chip) XBTAB_TRY(xbtab__aged_create(&run->aged, spec, chip));
    run->plan.aged = run->aged;
    XBTAB_TRY(choose_conductances(&run->plan));
    run->n_units = xbtab__plan_units(&run->plan);
    run->unit = xbtab__alloc((size_t)run->n_units, sizeof *run->unit);
    return run->unit ? XBTAB_OK : XBTAB_NOMEM();
}

void xbtab__run_clear(xbtab__run *run)
{
    for (int k = 0; k < run->n_units && run->unit; k++) xbtab__free(run->unit[k].numbers.x);
    xbtab__free(run->unit);
    xbtab__free(run->plan.G_target);
    xbtab__free(run->plan.parameter);
    xbtab__free(run->plan.G_state);
    xbtab__aged_destroy(&run->aged);
    xbtab__journal_close(&run->journal);
    *run = (xbtab__run){.n_units = 0};
}

typedef struct slice {
    xbtab__run *run;
    int first;
} slice;

static xbtab_status run_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply, xbtab_sample_status *sample,
                             void *context)
{
    const slice *s = context;
    xbtab__numbers numbers = {0};
    (void)sample;
    xbtab_status status = xbtab__plan_run(&s->run->plan, s->first + (int)unit, spice, &numbers);
    if (status == XBTAB_OK) xbtab__bytes_add(reply, numbers.x, numbers.n * sizeof *numbers.x);
    xbtab__free(numbers.x);
    return status;
}

static bool unit_is_done(long unit, void *context)
{
    const slice *s = context;
    return s->run->unit[s->first + unit].is_done;
}

double xbtab__spice_seconds_max(double rows, double columns, double vectors)
{
    double n = sqrt(rows * columns);
    return 60.0 + 5.0 * (6e-8 * pow(n, 4.3) + 6e-9 * pow(n, 4.34) * vectors);
}

static double seconds_max(long unit, void *context)
{
    const slice *s = context;
    if (s->first + unit < XBTAB__UNIT_READOUT) return 600.0;
    if (s->first + unit < XBTAB__UNIT_TILE) return 120.0 + s->run->plan.spec->rows;
    if (s->first + unit >= xbtab__first_write_unit(&s->run->plan))
        return xbtab__write_seconds_max(&s->run->plan);
    xbtab__tile_plan t = xbtab__tile_plan_of(&s->run->plan, s->first + (int)unit - XBTAB__UNIT_TILE);
    if (!t.in_spice) return 600.0 + 1e-7 * pow((double)t.rows * t.columns, 1.5) * t.vectors;
    return xbtab__spice_seconds_max(t.rows, t.columns, t.vectors);
}

xbtab_status xbtab__run_take(xbtab__run *run, int unit, xbtab_sample_status status, const void *bytes,
                             size_t n)
{
    if (unit < 0 || unit >= run->n_units) return XBTAB_OK;
    bool is_known = status >= XBTAB_SAMPLE_OK && status <= XBTAB_SAMPLE_TIMEOUT;
    xbtab__numbers numbers = {.x = xbtab__alloc(n, 1), .n = n / sizeof(double)};
    if (!numbers.x) return XBTAB_NOMEM();
    if (n) memcpy(numbers.x, bytes, n);
    if (!is_known || n % sizeof(double) != 0 ||
        (status == XBTAB_SAMPLE_OK && !xbtab__plan_fits(&run->plan, unit, numbers.x, numbers.n))) {
        xbtab__free(numbers.x);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "unit %d has %zu bytes with status %d, which are no result of it", unit,
                   n, (int)status);
    }
    xbtab__unit_result *result = &run->unit[unit];
    xbtab__free(result->numbers.x);
    *result = (xbtab__unit_result){.numbers = numbers, .status = status, .is_done = true};
    return XBTAB_OK;
}

static xbtab_status take_unit(long unit, xbtab_sample_status status, const void *bytes, size_t n,
                              void *context)
{
    const slice *s = context;
    XBTAB_TRY(xbtab__run_take(s->run, s->first + (int)unit, status, bytes, n));
    if (!s->run->journal) return XBTAB_OK;
    return xbtab__journal_append(s->run->journal, s->first + unit, (int)status, bytes, n);
}

xbtab_status xbtab__run_units(xbtab__run *run, int first, int end, const char *what,
                              const xbtab_characterize_options *options)
{
    slice s = {.run = run, .first = first};
    bool has_tiles = first >= XBTAB__UNIT_READOUT && first < xbtab__first_write_unit(&run->plan);
    xbtab__pool_options pool = {.n_workers = options->workers > 0 ? options->workers : xbtab__cores(),
                                .is_done = unit_is_done,
                                .seconds_max = seconds_max,
                                .analysis_seconds = has_tiles ? INFINITY : 0,
                                .progress = options->progress,
                                .progress_payload = options->payload,
                                .what = what};
    return xbtab__pool_run(NULL, &pool, end - first, run_unit, take_unit, &s);
}

static xbtab_status tell_version(xbtab__spice *spice, long unit, xbtab__bytes *reply,
                                 xbtab_sample_status *sample, void *context)
{
    (void)unit, (void)sample, (void)context;
    xbtab__bytes_add(reply, xbtab__spice_version(spice), strlen(xbtab__spice_version(spice)));
    return XBTAB_OK;
}

static xbtab_status take_version(long unit, xbtab_sample_status status, const void *bytes, size_t n,
                                 void *context)
{
    xbtab__run *run = context;
    (void)unit, (void)status;
    snprintf(run->ngspice, sizeof run->ngspice, "%.*s", (int)n, (const char *)bytes);
    return XBTAB_OK;
}

xbtab_status xbtab__run_ask_version(xbtab__run *run)
{
    xbtab__pool_options pool = {.n_workers = 1};
    return xbtab__pool_run(NULL, &pool, 1, tell_version, take_version, run);
}

xbtab_status xbtab__run_need(const xbtab__run *run, int unit)
{
    static const char *const what[] = {"the cell's states", "the cell's curves", "the cell's held-out curves",
                                       "the TIA's curves",  "the TIA in time",   "a column in time"};
    const xbtab__unit_result *result = &run->unit[unit];
    const char *why = xbtab__sample_status_text(result->status);
    if (result->status == XBTAB_SAMPLE_OK) return XBTAB_OK;
    if (unit < XBTAB__UNIT_TILE) XBTAB_FAIL(XBTAB_ERR_SPICE, "%s: %s", what[unit], why);
    if (unit >= xbtab__first_write_unit(&run->plan))
        XBTAB_FAIL(XBTAB_ERR_SPICE, "write pulse unit %d: %s", unit - xbtab__first_write_unit(&run->plan),
                   why);
    XBTAB_FAIL(XBTAB_ERR_SPICE, "sample tile %d: %s", unit - XBTAB__UNIT_TILE, why);
}

xbtab_status xbtab__run_take_states(xbtab__run *run)
{
    XBTAB_TRY(xbtab__run_need(run, XBTAB__UNIT_STATES));
    const xbtab__numbers *numbers = &run->unit[XBTAB__UNIT_STATES].numbers;
    size_t n = (size_t)run->plan.n_states;
    if (numbers->n != 2 * n) XBTAB_FAIL(XBTAB_ERR_INTERNAL, "the cell's states have %zu numbers", numbers->n);
    memcpy(run->plan.parameter, numbers->x, n * sizeof *numbers->x);
    memcpy(run->plan.G_state, numbers->x + n, n * sizeof *numbers->x);
    return XBTAB_OK;
}
