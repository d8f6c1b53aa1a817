/* measured.h - a measured family of I-V curves as an RRAM model of its own. */
#ifndef XBARTAB_MEASURED_H
#define XBARTAB_MEASURED_H

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Zero is the default of each. */
typedef struct xbtab_measured_options {
    double
        v_read; /* where curves are ordered and conductances are told (0 = 200 mV, or as far as all go) [V] */
    int is_odd; /* what was measured on one side of 0 V holds for the other: I(-V) = -I(V) */
    int has_offset; /* each curve's current at its least |V| is the meter's: subtract it */
    int is_pooled;  /* a current that falls with the voltage is averaged with its neighbours until none falls
                     */
    int n_pieces;   /* straight pieces between two points, along Steffen's monotone spline (0 = 1) */
} xbtab_measured_options;

/** What became of the data. */
typedef struct xbtab_measured_summary {
    int n_curves;
    long n_points, n_pooled; /* points read; points that is_pooled averaged away */
    double V_min, V_max;     /* range that all curves cover [V] */
    double v_read;           /* [V] */
    double G_min, G_max;     /* conductances of the first and the last curve there [S] */
    double largest_offset;   /* current at 0 V that was taken for 0, as a share of its curve's largest */
} xbtab_measured_summary;

/** Write NAME.yaml and NAME.sub, the model NAME, from a text table (plain or gzip; commas, semicolons, tabs
 * or blanks between the fields, decimal points or commas; # or % begins a comment). With a header the columns
 * are found by name: voltage (V), current (I) and perhaps curve (state, device, level), which tells the curve
 * of a line's point; or voltage and a column of currents for each curve. Units stand behind the name ("V
 * [mV]", "V (mV)", "V_mV", "V / mV") or in a line of their own under it; without one values are in volts and
 * amperes. Without a header the first column is the voltage in volts and each further one a curve in amperes.
 * At most 64 curves and 2^20 points. The model is straight between the points, and between curves, which are
 * ordered by their conductance. A single curve is scaled by a factor.
 *  @param      path     .yaml; its name is the model's.
 *  @param[out] summary  NULL = not wanted.
 *  @return XBTAB_ERR_INPUT (file, line and what is wrong: no such column, no number, a unit that must be
 *  wrong, too few points, one side of 0 V only, a current at 0 V, of the wrong sign, that falls with the
 *  voltage, or has two values at one), XBTAB_ERR_IO, XBTAB_ERR_NOMEM. Nothing is written then.
 *  Threads: independent calls may run at once. */
xbtab_status xbtab_measured_model_write(const char *path, const char *data,
                                        const xbtab_measured_options *options,
                                        xbtab_measured_summary *summary) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
