/* measured_curves.h - measured I-V curves, read and made fit to be a model's. */
#ifndef XBTAB_CHARACTERIZE_MEASURED_CURVES_H
#define XBTAB_CHARACTERIZE_MEASURED_CURVES_H

#include <xbartab/measured.h>

#include "calibrate_private.h"
#include "text.h"

/** One curve; rising in V once it is prepared. */
typedef struct xbtab__iv {
    char *label;
    size_t n, room;
    double *V, *I; /* with room for a mirror image and 0 V */
    size_t *line;  /* of the file; 0 = a point that was added */
    double G;      /* at the read voltage [S] */
} xbtab__iv;

/** Start as {0}. */
typedef struct xbtab__ivs {
    const char *path; /* borrowed */
    size_t n, n_points;
    xbtab__iv *curve;
} xbtab__ivs;

enum { XBTAB__MOST_CURVES = 64 };

/** Read a file, at most 2^20 points; see xbtab_measured_model_write(). */
xbtab_status xbtab__ivs_read(xbtab__ivs *out, const char *path) XBTAB_MUST_CHECK;
void xbtab__ivs_clear(xbtab__ivs *curves);

/** Sort, take the offset off, mirror, average, put 0 A at 0 V in, or refuse. */
xbtab_status xbtab__iv_prepare(xbtab__iv *curve, const char *path, const xbtab_measured_options *options,
                               xbtab_measured_summary *summary) XBTAB_MUST_CHECK;

#endif
