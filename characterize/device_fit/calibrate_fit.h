/* calibrate_fit.h - the nested least-squares fits of a calibration; see calibrate_private.h. */
#ifndef XBTAB_CHARACTERIZE_CALIBRATE_FIT_H
#define XBTAB_CHARACTERIZE_CALIBRATE_FIT_H

#include <gsl/gsl_multifit_nlinear.h>

#include "calibrate_private.h"

enum { XBTAB__MOST_OWN = 8 /* parameters of a device's own */, XBTAB__MOST_REWEIGHTINGS = 25 };

/** Between the fit's coordinates and values. */
double xbtab__to_value(const xbtab__quantity_fitted *q, double u);
double xbtab__from_value(const xbtab__quantity_fitted *q, double value);
/** dvalue/du. */
double xbtab__value_slope(const xbtab__quantity_fitted *q, double u);

/** The state of a fit in one process. Residuals are measured - fitted: over `scale`, or of logarithms. */
typedef struct xbtab__fitting {
    const xbtab__calibration *c;
    const xbtab__points *p;
    xbtab__spice *spice; /* NULL = the closed form */
    bool has_heldout;    /* whole devices are held out */
    double scale;        /* linear weighting: root mean square of the data */
    double *weight;      /* weight[n]: of squared residuals, from the robust loss */
    double loss_scale;   /* spread of the residuals that the weights were made with; 0 before */
    double *u_shared;    /* [n_shared] */
    double *u_solved;    /* [n_shared]: for which the devices were fitted last */
    double *u_device;    /* [n_devices][n_device] */
    int *use;            /* use[n_use]: devices of this fit */
    int n_use;
    double *residual;             /* residual[n]: of each device's last evaluation, not weighted */
    double *value, *own, *shared; /* scratch for one device */
    xbtab_status failure;
    int iterations;
} xbtab__fitting;

xbtab_status xbtab__fitting_init(xbtab__fitting *f, const xbtab__calibration *c, const xbtab__points *p,
                                 xbtab__spice *spice) XBTAB_MUST_CHECK;
void xbtab__fitting_clear(xbtab__fitting *f);

/** Fit from where u_shared stands; scan: search each device's own start first. @param[out] cost  loss. */
xbtab_status xbtab__fitting_run(xbtab__fitting *f, bool scan, double *cost) XBTAB_MUST_CHECK;

/** Fit one device's own parameters with the shared ones as they stand. @param hide  leave hidden points out.
 */
xbtab_status xbtab__fit_device(xbtab__fitting *f, int device, bool scan, bool hide) XBTAB_MUST_CHECK;

/** The same with the robust loss, its scale as it stands, without hidden points. */
xbtab_status xbtab__fit_device_robustly(xbtab__fitting *f, int device, bool scan) XBTAB_MUST_CHECK;

/** Residuals (measured - fitted, in the weighting's terms) of a device at its parameters. out[n of device].
 */
xbtab_status xbtab__device_residuals(xbtab__fitting *f, int device, double *out) XBTAB_MUST_CHECK;

/** Derivatives of a device's residuals: by its own parameters own[n][n_device], by the shared ones
 * shared[n][n_shared] (NULL = not wanted). */
xbtab_status xbtab__device_jacobian(xbtab__fitting *f, int device, double *own,
                                    double *shared) XBTAB_MUST_CHECK;

/** Derivatives by the shared parameters with what the device's own can take up projected out of them,
 * shared[n][n_shared], weighted; whole: the same before (NULL = not wanted). */
xbtab_status xbtab__projected_jacobian(xbtab__fitting *f, int device, double *shared,
                                       double *whole) XBTAB_MUST_CHECK;

/** All parameters' values for a device. @param[out] value  value[n_parameters]. */
void xbtab__values_of(const xbtab__fitting *f, int device, double *value);

/** A response as residuals count it: over the scale, or its logarithm. */
double xbtab__measure(const xbtab__fitting *f, double response);

/** Points of a device. */
size_t xbtab__points_of(const xbtab__fitting *f, int device);

/** Whether the fit sees a point. @param hide  hidden points are left out of held-out devices. */
bool xbtab__is_seen(const xbtab__fitting *f, size_t k, bool hide);

/** Root of its weight; 0 if it is not seen. */
double xbtab__root_weight(const xbtab__fitting *f, size_t k, bool hide);

/** GSL's trust-region fit from x to where it ends; what ended it does not matter, for the loss tells.
 *  @param most  steps. @return XBTAB_ERR_SOLVE, or the failure of an evaluation. */
xbtab_status xbtab__fit_drive(gsl_multifit_nlinear_fdf *fdf, gsl_vector *x, int most, double tolerance,
                              xbtab__fitting *f) XBTAB_MUST_CHECK;

/** Keep an evaluation's failure for the driver; what GSL is told. */
int xbtab__fit_fail(xbtab__fitting *f, xbtab_status status);

/** Weights from the residuals as they stand. @param[out] change  largest change of a weight; cost  loss. */
xbtab_status xbtab__reweight(xbtab__fitting *f, double *change, double *cost) XBTAB_MUST_CHECK;

/** Everything that is said of a fit: errors, identifiability, noise, held-out points. */
xbtab_status xbtab__fit_figures(xbtab_fit *fit, xbtab__fitting *f) XBTAB_MUST_CHECK;

/** Noise of all curves and of the held-out ones', from the residuals as they stand at all points. */
xbtab_status xbtab__judge_noise(xbtab_fit *fit, const xbtab__fitting *f) XBTAB_MUST_CHECK;

/** Error on hidden points and the interval's coverage. Leaves the devices fitted without those points. */
xbtab_status xbtab__judge_unseen(xbtab_fit *fit, xbtab__fitting *f) XBTAB_MUST_CHECK;

#endif
