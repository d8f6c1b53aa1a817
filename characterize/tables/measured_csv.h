/* measured_csv.h - measured pulse data: conductances after pulses, in runs. */
#ifndef XBTAB_CHARACTERIZE_MEASURED_CSV_H
#define XBTAB_CHARACTERIZE_MEASURED_CSV_H

#include <xbartab/spec.h>

#include "check.h"
#include "labels.h"

/** The data in shares, to try a table that was made of the others on each. */
enum { XBTAB__FOLDS = 4 };

/** What one pulse did in a run. */
typedef struct xbtab__step {
    size_t run, pulse;
    size_t order;         /* in which it was read */
    int fold;             /* 0 to XBTAB__FOLDS - 1: which share of the data it belongs to */
    double before, after; /* [S] */
} xbtab__step;

/** Start as {0}. */
typedef struct xbtab__runs {
    size_t n_steps, n_runs, n_pulses, room;
    xbtab__step *step;  /* step[n_steps], run by run */
    xbtab_pulse *pulse; /* pulse[n_pulses], all different */
    double v_read;      /* of the first file that tells it [V]; 0 = none does */
    char *source;       /* the files' names */
    xbtab__labels keys; /* of the pulses */
} xbtab__runs;

/** Read all files of spec->write (csv.h): at most 2^22 pulses, 4,096 different ones, and 2^28 for the product
 * of both. Relative names start at the specification's folder.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (the message names file and line), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__runs_read(xbtab__runs *runs, const xbtab_spec *spec) XBTAB_MUST_CHECK;
void xbtab__runs_clear(xbtab__runs *runs);

#endif
