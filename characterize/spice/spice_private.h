/* spice_private.h - the process' ngspice as its analyses see it: one struct a kind of analysis, whose first
 * member the callbacks know. */
#ifndef XBTAB_CHARACTERIZE_SPICE_PRIVATE_H
#define XBTAB_CHARACTERIZE_SPICE_PRIVATE_H

#include "spice.h" /* bool, which ngspice's header wants to know */

#include <ngspice/sharedspice.h>

#include "spice_deck.h"

enum { XBTAB__SPICE_TITLE_SIZE = 64, XBTAB__SPICE_COMMAND_SIZE = 128 };

typedef struct xbtab__spice_api {
    __typeof__(ngSpice_Init) *init;
    __typeof__(ngSpice_Init_Sync) *init_sync;
    __typeof__(ngSpice_Command) *command;
    __typeof__(ngSpice_Circ) *circuit;
    __typeof__(ngSpice_SetBkpt) *set_breakpoint;
} xbtab__spice_api;

/* An output by the name that ngspice uses inside: "o0" for v(o0), "vs3#branch" for i(vs3). */
typedef struct xbtab__spice_wanted {
    char *name;
    int output;
} xbtab__spice_wanted;

/** One analysis under way: what the callbacks read and write. */
typedef struct xbtab__spice_analysis {
    const char *const *outputs; /* outputs[n_outputs], as in the job */
    int n_outputs;
    xbtab__spice_wanted *wanted; /* wanted[n_outputs], sorted by name */
    int *column;                 /* column[n_outputs]: where an output stands among ngspice's vectors */
    int n_columns;               /* of ngspice's vectors; 0 until the first point */
    int n_points;                /* that are expected; INT_MAX = unknown */
    int n_plots;                 /* plots that ngspice began for this title */
    int n_done;                  /* points that arrived */
    int fault_at;                /* point during which ngspice complained; INT_MAX = none */
    bool is_first;               /* of its circuit: what spoils its first point is the circuit itself */
    bool whole_ladder;
    bool refused; /* what was said is about the circuit as a whole */
    /** Take point p; the columns are mapped. */
    void (*take)(struct xbtab__spice_analysis *analysis, const vecvaluesall *point, int p);
    /** Value of external source k; NULL: there are none. */
    double (*source)(const struct xbtab__spice_analysis *analysis, int k);
} xbtab__spice_analysis;

struct xbtab__spice {
    xbtab__spice_api api;
    bool poisoned, loaded;
    long n_jobs;
    double seconds_max; /* of a load or an analysis; 0 = no limit */
    char title[XBTAB__SPICE_TITLE_SIZE];
    char version[64];
    char fault[XBTAB__REASON_SIZE];  /* first line of trouble since it was cleared */
    bool reason_goes_on;             /* ngspice's next line belongs to it */
    xbtab__spice_analysis *analysis; /* NULL outside a command that runs one */
};

/** Names of the outputs into wanted and column. @return XBTAB_ERR_INPUT (one is there twice),
 * XBTAB_ERR_NOMEM.
 */
xbtab_status xbtab__spice_analysis_init(xbtab__spice_analysis *analysis, const char *const *outputs,
                                        int n_outputs) XBTAB_MUST_CHECK;
void xbtab__spice_analysis_clear(xbtab__spice_analysis *analysis);

/** A new title for a job. */
void xbtab__spice_begin(xbtab__spice *spice);

/** Load the deck in place of whatever is loaded. False: refused, with the reason kept. */
bool xbtab__spice_load(xbtab__spice *spice, xbtab__deck *deck);

/** Run the command of an analysis to its end and forget its plot. @return ngspice's code. */
int xbtab__spice_run(xbtab__spice *spice, xbtab__spice_analysis *analysis, const char *command);

int xbtab__spice_command(xbtab__spice *spice, const char *text);

/** ngspice's whole ladder to an operating point, or the short one, until the next load. */
void xbtab__spice_whole_ladder(xbtab__spice *spice, bool is_whole);

/** Keep a line as the reason of a failure, unless there is one. */
void xbtab__spice_keep_reason(xbtab__spice *spice, const char *line);

/** Every value finite and within what a circuit of ours can have. */
bool xbtab__spice_is_finite_row(const double *row, int n);

#endif
