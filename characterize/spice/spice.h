/* spice.h - one circuit with its sequence of input vectors, solved by libngspice inside this process.
 *
 * ngspice is a process-wide singleton that may longjmp, crash, hang or stay unusable after a bad netlist, so
 * this interface is for worker processes (worker.h): open it once a process, and end the process when
 * xbtab__spice_is_poisoned(). The library is loaded with dlopen() at run time; nothing links against it.
 *
 * A job is a dc sweep of an otherwise unused source: its points are the input vectors, and the inputs are
 * "external" sources that ask us for their values at each point. The matrix is ordered once, each vector
 * starts from the solution of the one before, and the values pass as exact doubles. The netlist keeps full
 * precision only where numbers stand in subcircuit parameters (X.. name=%.17g): ngspice cuts the constants of
 * a B source's expression to 11 digits. */
#ifndef XBTAB_CHARACTERIZE_SPICE_H
#define XBTAB_CHARACTERIZE_SPICE_H

#include <stdbool.h>

#include <xbartab/tables.h>

#include "check.h"

/** One line for a sample's status; a static string, also for numbers that are none. */
const char *xbtab__sample_status_text(xbtab_sample_status status);

typedef struct xbtab__spice xbtab__spice;

/** Load and start ngspice, without start-up files (spinit, .spiceinit). It stays able to run commands: a
 * process that feeds it what others wrote goes into its sandbox next (sandbox.h). Changes this process: the
 * working folder becomes a private one that is already removed again when this returns, and the locale
 * becomes "C".
 *  @param[out] out          new; xbtab__spice_close(). Untouched on failure.
 *  @param      base_folder  where the private folder lives for that moment; NULL = "/tmp".
 *  @return XBTAB_ERR_UNSUPPORTED (libngspice is not installed or lacks a function; the message says which),
 *  XBTAB_ERR_IO (base_folder is not writable), XBTAB_ERR_SPICE (it does not start), XBTAB_ERR_NOMEM.
 *  Once a process. ngspice prints nothing on the process' own output; its lines are kept as reasons. */
xbtab_status xbtab__spice_open(xbtab__spice **out, const char *base_folder) XBTAB_MUST_CHECK;

/** Free our side and set the pointer to NULL; NULL-safe. ngspice itself stays in the process. */
void xbtab__spice_close(xbtab__spice **spice);

/** ngspice's own name and version, "ngspice-39"; borrowed from spice. For provenance. */
const char *xbtab__spice_version(const xbtab__spice *spice);

/** From now on no netlist may take longer than that to load, and no analysis longer to run, of this process'
 * own time on the processor [s]: SIGPROF, at its default, ends the process. 0 = no limit, as at first. */
void xbtab__spice_limit(xbtab__spice *spice, double seconds);

/** ngspice asked to exit: nothing may be run any more, the process must end. */
bool xbtab__spice_is_poisoned(const xbtab__spice *spice);

/** One circuit and its input vectors; everything is borrowed for the call. */
typedef struct xbtab__spice_job {
    /** lines[n_lines]: the netlist without title, options and ".end"; one string may hold several lines.
     * Input k is "Vi<k> a b external" [V] or "Ii<k> a b external" [A, from a to b inside the source], each k
     * in [0, n_sources) exactly once, outside any subcircuit and with nothing behind "external". */
    const char *const *lines;
    int n_lines;
    int n_sources;              /* 0 or more */
    int n_vectors;              /* 1 or more */
    const double *values;       /* values[n_vectors][n_sources] [V or A], finite */
    int n_outputs;              /* 1 or more */
    const char *const *outputs; /* outputs[n_outputs]: "v(node)" [V] or "i(vsource)" [A], all different */
    bool retry;                 /* try a vector that failed alone with ngspice's whole convergence ladder:
                                   minutes on a large circuit; false = fail after Newton, gmin and source
                                   stepping */
    bool afresh;                /* start no vector from the one before it */
} xbtab__spice_job;

enum { XBTAB__REASON_SIZE = 256 };

/** Where a job's outcome goes; the arrays are the caller's. */
typedef struct xbtab__spice_result {
    double *out;                     /* out[n_vectors][n_outputs] [V or A]; NAN where status is not OK */
    xbtab_sample_status *status;     /* status[n_vectors] */
    int n_failed;                    /* vectors that are not OK */
    char reason[XBTAB__REASON_SIZE]; /* first failure in ngspice's own words, one line; "" if none */
} xbtab__spice_result;

/** Solve a job. A vector is OK only if ngspice loaded this very circuit, said nothing that spells an error
 *  while it solved the vector, and every output is finite and within 1e6 V or A; a vector that fails is left
 *  out, and the one behind it starts afresh. The result depends on the job alone, not on earlier jobs.
 *  @return XBTAB_OK, also if vectors failed or the netlist was refused (see result->status);
 *  XBTAB_ERR_INPUT (the job breaks a rule above, or holds a card, an element or a call that spice_allow.h
 * does not list, or a number that is NaN or infinite; nothing was run), XBTAB_ERR_SPICE (already poisoned),
 * XBTAB_ERR_NOMEM. Does not return if ngspice hangs; a crash ends the process. Threads: only the one that
 * opened spice. */
xbtab_status xbtab__spice_sweep(xbtab__spice *spice, const xbtab__spice_job *job,
                                xbtab__spice_result *result) XBTAB_MUST_CHECK;

/** One circuit in time; everything is borrowed for the call. */
typedef struct xbtab__spice_transient_job {
    /** lines[n_lines]: the netlist without title, options and ".end", as above, but with plain sources
     * (pulse, pwl) in place of external ones. It starts from its operating point at 0 s, in which ".ic" lines
     * hold their nodes. */
    const char *const *lines;
    int n_lines;
    double t_stop;   /* end [s], above 0 */
    double step_max; /* largest time step [s] (0 = t_stop / 50) */
    double reltol;   /* relative error of a step (0 = 1e-6; an RC's 50 to 200 steps add up to 6e-5) */
    bool is_stiff;   /* Gear's method in place of the trapezoidal rule: nothing rings */
    int n_outputs;   /* 1 or more */
    const char *const *outputs; /* outputs[n_outputs]: "v(node)" [V] or "i(vsource)" [A], all different */
    int n_times;                /* 0 = the whole waveform, at ngspice's own time points */
    const double *times;        /* times[n_times]: ascending, in [0, t_stop]; each becomes a time point */
    int n_corners;
    const double
        *corners; /* corners[n_corners]: more time points, in any order: the corners of the sources */
    bool retry;   /* as above, for the operating point at 0 s */
} xbtab__spice_transient_job;

/** A transient's outcome; starts as {0}, ends with xbtab__spice_waveform_clear(). */
typedef struct xbtab__spice_waveform {
    size_t n;                        /* points: n_times, or ngspice's; 0 if nothing was solved */
    double *t;                       /* t[n] [s] */
    double *out;                     /* out[n][n_outputs]; NAN from the point on where status is not OK */
    xbtab_sample_status status;      /* OK only if the run came to t_stop */
    char reason[XBTAB__REASON_SIZE]; /* of a failure, in ngspice's own words, one line; "" if none */
} xbtab__spice_waveform;

/** Run one transient. What holds of xbtab__spice_sweep() about evidence, errors and threads holds here; a run
 *  that stops ("timestep too small") is a result, NOT_CONVERGED, and what came before it stays; so is
 * TIMEOUT, after more time points than any circuit needs that does not oscillate by itself. */
xbtab_status xbtab__spice_transient(xbtab__spice *spice, const xbtab__spice_transient_job *job,
                                    xbtab__spice_waveform *waveform) XBTAB_MUST_CHECK;

/** Free a waveform's arrays; NULL-safe. */
void xbtab__spice_waveform_clear(xbtab__spice_waveform *waveform);

/** The noise of one output; everything is borrowed for the call. */
typedef struct xbtab__spice_noise_job {
    const char *const *lines; /* lines[n_lines]: as of a transient; one source is "... dc VALUE ac 1" */
    int n_lines;
    const char *output;   /* "v(node)" */
    const char *source;   /* that source's name; ngspice wants one, though only the output's noise is kept */
    double f_low, f_high; /* [Hz] */
    int per_decade;       /* points a decade of frequency */
} xbtab__spice_noise_job;

/** A noise analysis' outcome; starts as {0}, ends with xbtab__spice_noise_clear(). */
typedef struct xbtab__spice_noise {
    size_t n;
    double *f;       /* f[n], ascending [Hz] */
    double *density; /* density[n] of the output [V/Hz^0.5] */
    xbtab_sample_status status;
    char reason[XBTAB__REASON_SIZE]; /* of a failure, in ngspice's own words, one line; "" if none */
} xbtab__spice_noise;

/** Run one noise analysis at the circuit's operating point and 300.15 K. Evidence, errors and threads as of
 *  xbtab__spice_sweep(). */
xbtab_status xbtab__spice_noise_run(xbtab__spice *spice, const xbtab__spice_noise_job *job,
                                    xbtab__spice_noise *noise) XBTAB_MUST_CHECK;

/** Root mean square of the noise behind one pole at f_pole [Hz]: the integral of density^2/(1 + (f/f_pole)^2)
 *  over the frequencies of the analysis, root taken [V]. */
double xbtab__spice_noise_rms(const xbtab__spice_noise *noise, double f_pole);

/** Free its arrays; NULL-safe. */
void xbtab__spice_noise_clear(xbtab__spice_noise *noise);

#endif
