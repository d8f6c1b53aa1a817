/* spice_noise.c - the noise of one output of a circuit at its operating point.
 *
 * ngspice linearizes the circuit and adds up what every resistor and transistor contributes; its plot of
 * densities comes point by point, and the totals that it makes of them, a plot of one point with other
 * columns, are left alone. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "spice_private.h"

enum { FREQUENCY, DENSITY, COLUMNS };

typedef struct noise_run {
    xbtab__spice_analysis analysis;
    xbtab__spice_noise *noise;
    size_t room;
    bool is_finite, no_memory;
} noise_run;

static void take_point(xbtab__spice_analysis *analysis, const vecvaluesall *point, int p)
{
    noise_run *run = (noise_run *)analysis;
    xbtab__spice_noise *noise = run->noise;
    double row[COLUMNS];
    (void)p;
    if (analysis->fault_at < INT_MAX || run->no_memory) return;
    for (int k = 0; k < COLUMNS; k++) row[k] = point->vecsa[analysis->column[k]]->creal;
    if (!isfinite(row[FREQUENCY]) || !(row[DENSITY] >= 0 && isfinite(row[DENSITY]))) run->is_finite = false;
    if (noise->n == run->room) {
        size_t room = run->room ? 2 * run->room : 256;
        double *f = xbtab__realloc(noise->f, room, sizeof *f);
        if (f) noise->f = f;
        double *density = f ? xbtab__realloc(noise->density, room, sizeof *density) : NULL;
        if (density) noise->density = density;
        run->no_memory = !density;
        if (run->no_memory) return;
        run->room = room;
    }
    noise->f[noise->n] = row[FREQUENCY];
    noise->density[noise->n++] = row[DENSITY];
}

static xbtab_status check(const xbtab__spice_noise_job *job)
{
    if (!(job->f_low > 0 && job->f_high > job->f_low && isfinite(job->f_high)) || job->per_decade < 1) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "noise needs frequencies above 0 (%g) that rise (%g), and points a decade (%d)",
                   job->f_low, job->f_high, job->per_decade);
    }
    return XBTAB_OK;
}

/* The deck saves the output's node, and with it nothing of the noise unless that is asked for as well. */
static xbtab_status build(xbtab__deck *deck, const xbtab__spice_noise_job *job, const char *title)
{
    const char **lines = xbtab__alloc((size_t)job->n_lines + 1, sizeof *lines);
    if (!lines) return XBTAB_NOMEM();
    if (job->n_lines > 0) memcpy(lines, job->lines, (size_t)job->n_lines * sizeof *lines);
    lines[job->n_lines] = ".save onoise_spectrum onoise_total";
    xbtab_status status = xbtab__deck_build(deck,
                                            &(xbtab__spice_job){.lines = lines,
                                                                .n_lines = job->n_lines + 1,
                                                                .n_vectors = 1,
                                                                .n_outputs = 1,
                                                                .outputs = &job->output},
                                            title, NULL);
    xbtab__free(lines);
    return status;
}

static xbtab_sample_status run_command(xbtab__spice *spice, noise_run *run, const xbtab__spice_noise_job *job)
{
    char line[XBTAB__SPICE_COMMAND_SIZE];
    int n = snprintf(line, sizeof line, "noise %s %s dec %d %.9g %.9g", job->output, job->source,
                     job->per_decade, job->f_low, job->f_high);
    if (n >= (int)sizeof line) {
        xbtab__spice_keep_reason(spice, "the names of the output and the source are too long");
        return XBTAB_SAMPLE_REFUSED;
    }
    run->analysis.n_points = INT_MAX;
    run->analysis.is_first = true;
    run->is_finite = true;
    int code = xbtab__spice_run(spice, &run->analysis, line);
    if (run->analysis.n_plots < 1 || run->analysis.refused || run->noise->n < 2) {
        xbtab__spice_keep_reason(spice, "ngspice did not start the noise analysis");
        return XBTAB_SAMPLE_REFUSED;
    }
    if (!run->is_finite) return XBTAB_SAMPLE_NOT_FINITE;
    bool is_whole = run->noise->f[run->noise->n - 1] >= job->f_high * (1 - 1e-6);
    bool is_good = code == 0 && !spice->poisoned && run->analysis.fault_at == INT_MAX && is_whole;
    return is_good ? XBTAB_SAMPLE_OK : XBTAB_SAMPLE_NOT_CONVERGED;
}

xbtab_status xbtab__spice_noise_run(xbtab__spice *spice, const xbtab__spice_noise_job *job,
                                    xbtab__spice_noise *noise)
{
    static const char *const columns[COLUMNS] = {"frequency", "onoise_spectrum"};
    xbtab_status status = XBTAB_OK;
    xbtab__deck deck = {0};
    noise_run run = {.analysis = {.take = take_point}, .noise = noise};
    *noise = (xbtab__spice_noise){.status = XBTAB_SAMPLE_REFUSED};
    if (spice->poisoned) XBTAB_FAIL(XBTAB_ERR_SPICE, "ngspice gave up in an earlier circuit of this process");
    XBTAB_TRY(check(job));
    xbtab__spice_begin(spice);
    XBTAB_TRY_DONE(build(&deck, job, spice->title));
    XBTAB_TRY_DONE(xbtab__spice_analysis_init(&run.analysis, columns, COLUMNS));
    if (xbtab__spice_load(spice, &deck)) noise->status = run_command(spice, &run, job);
    if (run.no_memory) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (noise->status != XBTAB_SAMPLE_OK) {
        xbtab__spice_keep_reason(spice, xbtab__sample_status_text(noise->status));
        memcpy(noise->reason, spice->fault, sizeof noise->reason);
    }
done:
    if (status < 0) xbtab__spice_noise_clear(noise);
    xbtab__spice_analysis_clear(&run.analysis);
    xbtab__deck_clear(&deck);
    return status;
}

void xbtab__spice_noise_clear(xbtab__spice_noise *noise)
{
    if (!noise) return;
    xbtab__free(noise->f);
    xbtab__free(noise->density);
    *noise = (xbtab__spice_noise){0};
}

/* Trapezoids between the points: with 50 of them a decade within 0.02 % of smooth densities. */
double xbtab__spice_noise_rms(const xbtab__spice_noise *noise, double f_pole)
{
    double sum = 0, last = 0;
    for (size_t k = 0; k < noise->n; k++) {
        double u = noise->f[k] / f_pole, power = noise->density[k] * noise->density[k] / (1 + u * u);
        if (k > 0) sum += 0.5 * (power + last) * (noise->f[k] - noise->f[k - 1]);
        last = power;
    }
    return sqrt(sum);
}
