/* model_bench.h - one model on a bench of its own, and the verdicts of its checks. */
#ifndef XBTAB_CHARACTERIZE_MODEL_BENCH_H
#define XBTAB_CHARACTERIZE_MODEL_BENCH_H

#include <xbartab/models.h>

#include "testbench.h"

/** Points at which the ngspice program is compared, and states. */
enum { XBTAB__PROGRAM_POINTS = 7, XBTAB__PROGRAM_STATES = 3 };

/** What the ngspice program found for the written netlist. */
typedef struct xbtab__program_run {
    bool is_there; /* the program is installed */
    bool is_solved;
    bool hangs; /* the program was ended */
    char why[256];                                          /* if not solved */
    double y[XBTAB__PROGRAM_STATES][XBTAB__PROGRAM_POINTS]; /* one state where the model has none */
} xbtab__program_run;

/** An element between two driven nodes (devices, selectors, wires), or an input current into an amplifier,
 * which is driven from no current to the one that gives its full-scale output with the default gain
 * parameter. */
typedef struct xbtab__bench {
    const xbtab_model *model;
    double *value;         /* value[n_parameters] */
    const double *base;    /* what value goes back to: a preset's; NULL = the sheet's defaults */
    double *dynamic_value; /* of its dynamic; NULL = none */
    const xbtab__program_run *program;
    xbtab__spice *spice;
    xbtab__text lines; /* the verdicts */
} xbtab__bench;

bool xbtab__bench_is_amplifier(const xbtab__bench *b);
void xbtab__bench_defaults(xbtab__bench *b);

/** Largest drive of the checks [V or A]. */
double xbtab__bench_most(const xbtab__bench *b);

/** Responses y[n] to drives x[n]: currents of a device, outputs of an amplifier. */
xbtab_status xbtab__bench_respond(xbtab__bench *b, const double *x, int n, double *y) XBTAB_MUST_CHECK;

/** State at a share of its range. */
double xbtab__bench_state(const xbtab_model *m, double share);

/** One verdict; a failed one ends in the hint, what a researcher may do about it. */
void xbtab__bench_verdict(xbtab__bench *b, bool is_good, const char *hint, const char *format, ...)
    XBTAB_PRINTF(4, 5);

/** Run the written netlist in the ngspice program. @return XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__program_run_model(xbtab__program_run *run, const xbtab_model *m) XBTAB_MUST_CHECK;

/** Drive k of the program's points. */
double xbtab__program_drive(double most, bool is_amplifier, int k);

/** The checks of a model that switches. */
void xbtab__check_dynamic(xbtab__bench *b);

#endif
