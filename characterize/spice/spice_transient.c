/* spice_transient.c - a circuit in time.
 *
 * ngspice chooses its own time points and calls us at each. Wanted times are set as breakpoints; without that
 * a value would be interpolated over a step whose length only the integration error bounds. So are the
 * corners of sources: a pwl source sets its next breakpoint from the one before, and stops doing so once its
 * sum of differences has left the corner by 3 units in the last place, which takes some 40 to 100 corners.
 * From there on ngspice steps over corners, and Newton's method has to cross half an edge at once. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "spice_private.h"

enum { ROOM_AT_FIRST = 256 };

static const double reltol_default = 1e-6;

/* Time points of one run, and more for each breakpoint: a circuit that takes so many oscillates by itself or
 * has a time constant far below the drive's. The models here take some ten thousand. */
enum { MOST_POINTS = 100000, POINTS_A_BREAKPOINT = 20 };

/* How late a corner may come, as a share of the whole run: ngspice's clock has about 1e-15. */
static const double late = 1e-12;

typedef struct transient {
    xbtab__spice_analysis analysis;
    const xbtab__spice_transient_job *job;
    double *t, *out; /* points that came, or wanted ones that are filled */
    size_t n, room;
    int n_points; /* of ngspice's own */
    double *last; /* last[n_outputs]: the point before */
    double t_last;
    int time_column; /* -1 until the first point */
    bool no_memory, is_finite;
} transient;

static bool grow(transient *tr)
{
    if (tr->n < tr->room) return true;
    size_t room = tr->room ? 2 * tr->room : ROOM_AT_FIRST, n_outputs = (size_t)tr->job->n_outputs;
    double *t = xbtab__realloc(tr->t, room, sizeof *t);
    if (t) tr->t = t;
    double *out = t ? xbtab__realloc(tr->out, room * n_outputs, sizeof *out) : NULL;
    if (out) tr->out = out;
    tr->no_memory = !out;
    if (out) tr->room = room;
    return out;
}

static void add(transient *tr, double t, const double *row)
{
    if (!grow(tr)) return;
    tr->t[tr->n] = t;
    memcpy(tr->out + tr->n++ * (size_t)tr->job->n_outputs, row, (size_t)tr->job->n_outputs * sizeof *row);
}

/* The wanted times up to t, on the straight line from the point before. */
static void add_wanted(transient *tr, double t, const double *row)
{
    const xbtab__spice_transient_job *job = tr->job;
    while (tr->n < (size_t)job->n_times && job->times[tr->n] <= t + late * job->t_stop) {
        double wanted = job->times[tr->n], span = t - tr->t_last;
        double share = span > 0 ? fmin((wanted - tr->t_last) / span, 1.0) : 1.0;
        if (!grow(tr)) return;
        double *out = tr->out + tr->n * (size_t)job->n_outputs;
        for (int o = 0; o < job->n_outputs; o++) out[o] = (1.0 - share) * tr->last[o] + share * row[o];
        tr->t[tr->n++] = wanted;
    }
}

static void take_point(xbtab__spice_analysis *analysis, const vecvaluesall *point, int p)
{
    transient *tr = (transient *)analysis;
    for (int c = 0; c < point->veccount && tr->time_column < 0; c++) {
        if (strcasecmp(point->vecsa[c]->name, "time") == 0) tr->time_column = c;
    }
    if (tr->time_column < 0 || tr->no_memory || analysis->fault_at < INT_MAX) return;
    double t = point->vecsa[tr->time_column]->creal;
    tr->n_points = p + 1;
    double *row = tr->last + analysis->n_outputs;
    for (int o = 0; o < analysis->n_outputs; o++) row[o] = point->vecsa[analysis->column[o]]->creal;
    if (!xbtab__spice_is_finite_row(row, analysis->n_outputs)) tr->is_finite = false;
    if (!tr->is_finite) return;
    if (p == 0) {
        memcpy(tr->last, row, (size_t)analysis->n_outputs * sizeof *row);
        tr->t_last = t;
    }
    if (tr->job->n_times) {
        add_wanted(tr, t, row);
    } else {
        add(tr, t, row);
    }
    memcpy(tr->last, row, (size_t)analysis->n_outputs * sizeof *row);
    tr->t_last = t;
}

static xbtab_status check(const xbtab__spice_transient_job *job)
{
    if (!(job->t_stop > 0 && isfinite(job->t_stop)) || !(job->step_max >= 0) || !(job->reltol >= 0) ||
        job->n_times < 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "a transient needs an end above 0 s (%g), a largest step (%g), reltol (%g), times (%d)",
                   job->t_stop, job->step_max, job->reltol, job->n_times);
    }
    for (int k = 0; k < job->n_times; k++) {
        double before = k ? job->times[k - 1] : 0.0;
        if (!(job->times[k] <= job->t_stop) || (k ? !(job->times[k] > before) : !(job->times[k] >= 0))) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "time %d of %d, %g s: times rise from 0 to %g s", k, job->n_times,
                       job->times[k], job->t_stop);
        }
    }
    return XBTAB_OK;
}

static xbtab_status build(xbtab__deck *deck, const xbtab__spice_transient_job *job, const char *title)
{
    char options[160];
    snprintf(options, sizeof options, "klu reltol=%.3g trtol=1 vntol=1e-9 abstol=1e-12 gmin=1e-15%s",
             job->reltol > 0 ? job->reltol : reltol_default, job->is_stiff ? " method=gear" : "");
    return xbtab__deck_build(deck,
                             &(xbtab__spice_job){.lines = job->lines,
                                                 .n_lines = job->n_lines,
                                                 .n_vectors = 1,
                                                 .n_outputs = job->n_outputs,
                                                 .outputs = job->outputs},
                             title, options);
}

/* ngspice forgets them at the end of a run; those at both ends are there anyway. */
static void set_breakpoints(xbtab__spice *spice, const double *times, int n, double t_stop)
{
    for (int k = 0; k < n; k++) {
        if (times[k] > 0 && times[k] < t_stop) spice->api.set_breakpoint(times[k]);
    }
}

static void stop_after(xbtab__spice *spice, int points)
{
    char line[XBTAB__SPICE_COMMAND_SIZE];
    snprintf(line, sizeof line, "stop after %d", points);
    xbtab__spice_command(spice, line);
}

static xbtab_sample_status run(xbtab__spice *spice, transient *tr, bool whole_ladder)
{
    const xbtab__spice_transient_job *job = tr->job;
    double step_max = job->step_max > 0 ? job->step_max : job->t_stop / 50;
    char line[XBTAB__SPICE_COMMAND_SIZE];
    snprintf(line, sizeof line, "tran %.17g %.17g 0 %.17g", step_max, job->t_stop, step_max);
    tr->n = 0;
    tr->n_points = 0;
    tr->time_column = -1;
    tr->is_finite = true;
    tr->analysis.whole_ladder = whole_ladder;
    tr->analysis.n_points = INT_MAX;
    tr->analysis.is_first = true;
    set_breakpoints(spice, job->times, job->n_times, job->t_stop);
    set_breakpoints(spice, job->corners, job->n_corners, job->t_stop);
    int most = MOST_POINTS + POINTS_A_BREAKPOINT * (job->n_times + job->n_corners);
    stop_after(spice, most);
    int code = xbtab__spice_run(spice, &tr->analysis, line);
    xbtab__spice_command(spice, "delete all");
    if (tr->analysis.n_plots != 1 || tr->analysis.refused) {
        xbtab__spice_keep_reason(spice, "ngspice did not start the transient");
        return XBTAB_SAMPLE_REFUSED;
    }
    if (!tr->is_finite) return XBTAB_SAMPLE_NOT_FINITE;
    if (tr->n_points >= most && tr->t_last < job->t_stop * (1 - 1e-9)) {
        snprintf(spice->fault, sizeof spice->fault, "after %d time points it is at %g s of %g s",
                 tr->n_points, tr->t_last, job->t_stop);
        return XBTAB_SAMPLE_TIMEOUT;
    }
    bool is_whole =
        tr->t_last >= job->t_stop * (1 - 1e-9) && (!job->n_times || tr->n == (size_t)job->n_times);
    if (spice->poisoned || code != 0 || tr->analysis.fault_at < INT_MAX || !is_whole) {
        return XBTAB_SAMPLE_NOT_CONVERGED;
    }
    return XBTAB_SAMPLE_OK;
}

/* Wanted times that the run did not reach. */
static void fill_rest(transient *tr)
{
    while (tr->n < (size_t)tr->job->n_times && grow(tr)) {
        double *row = tr->out + tr->n * (size_t)tr->job->n_outputs;
        for (int o = 0; o < tr->job->n_outputs; o++) row[o] = NAN;
        tr->t[tr->n] = tr->job->times[tr->n];
        tr->n++;
    }
}

xbtab_status xbtab__spice_transient(xbtab__spice *spice, const xbtab__spice_transient_job *job,
                                    xbtab__spice_waveform *waveform)
{
    xbtab_status status = XBTAB_OK;
    xbtab__deck deck = {0};
    transient tr = {.analysis = {.take = take_point}, .job = job};
    *waveform = (xbtab__spice_waveform){.status = XBTAB_SAMPLE_REFUSED};
    if (spice->poisoned) XBTAB_FAIL(XBTAB_ERR_SPICE, "ngspice gave up in an earlier circuit of this process");
    XBTAB_TRY(check(job));
    xbtab__spice_begin(spice);
    XBTAB_TRY_DONE(build(&deck, job, spice->title));
    XBTAB_TRY_DONE(xbtab__spice_analysis_init(&tr.analysis, job->outputs, job->n_outputs));
    tr.last = xbtab__alloc((size_t)job->n_outputs * 2, sizeof *tr.last); /* the point before, and this one */
    if (!tr.last) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (xbtab__spice_load(spice, &deck)) {
        waveform->status = run(spice, &tr, false);
        if (waveform->status == XBTAB_SAMPLE_NOT_CONVERGED && tr.n == 0 && job->retry && !spice->poisoned) {
            xbtab__spice_whole_ladder(spice, true);
            waveform->status = run(spice, &tr, true);
            xbtab__spice_whole_ladder(spice, false);
        }
    }
    fill_rest(&tr);
    if (tr.no_memory) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (waveform->status != XBTAB_SAMPLE_OK) {
        xbtab__spice_keep_reason(spice, xbtab__sample_status_text(waveform->status));
        memcpy(waveform->reason, spice->fault, sizeof waveform->reason);
    }
    waveform->n = tr.n;
    waveform->t = tr.t;
    waveform->out = tr.out;
    tr.t = tr.out = NULL;
done:
    xbtab__free(tr.t);
    xbtab__free(tr.out);
    xbtab__free(tr.last);
    xbtab__spice_analysis_clear(&tr.analysis);
    xbtab__deck_clear(&deck);
    return status;
}

void xbtab__spice_waveform_clear(xbtab__spice_waveform *waveform)
{
    if (!waveform) return;
    xbtab__free(waveform->t);
    xbtab__free(waveform->out);
    *waveform = (xbtab__spice_waveform){0};
}
