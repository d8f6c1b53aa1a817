/* calibrate.h - from measured data to a model's parameters, with the errors they carry.
 *
 * A YAML specification names a model of devicemodels/ (kind iv: current against voltage; kind pulses:
 * conductance along trains of pulses, which the model's dynamic subcircuit goes through in ngspice) or states
 * a law as a formula (kinds pulses: conductance against pulse number; retention: conductance against time and
 * temperature), the columns of the data, and for each parameter whether it is fixed, shared by all devices,
 * or a device's own. The fit is GSL's trust-region nonlinear least squares (gsl_multifit_nlinear, Levenberg-
 * Marquardt with geodesic acceleration off), in coordinates that keep every parameter within its bounds; the
 * devices' own parameters are eliminated from the fit of the shared ones (variable projection). The model is
 * evaluated in ngspice, in worker processes, or by the sheet's formula where it has one.
 *
 * Standard errors are sqrt(diag(s^2 (J'J)^-1)) at the solution, s^2 = loss/(points - parameters); a 95 %
 * interval is +-t_0.975 times that, Student's t. Standard errors of a device's own parameters are those at
 * the shared ones' fitted values. */
#ifndef XBARTAB_CALIBRATE_H
#define XBARTAB_CALIBRATE_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/models.h>
#include <xbartab/progress.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum xbtab_fit_kind {
    XBTAB_FIT_IV = 0,       /* x = voltage [V], y = current [A] */
    XBTAB_FIT_PULSES = 1,   /* x = pulse number, y = conductance [S] */
    XBTAB_FIT_RETENTION = 2 /* x = time [s], y = conductance [S] */
} xbtab_fit_kind;

/** Columns of the data. */
typedef enum xbtab_fit_column {
    XBTAB_FIT_X = 0,
    XBTAB_FIT_Y = 1,
    XBTAB_FIT_DEVICE = 2,
    XBTAB_FIT_TEMPERATURE = 3,
    XBTAB_FIT_STATE = 4, /* what tells the curves of a device apart */
    XBTAB_FIT_AMPLITUDE = 5,
    XBTAB_FIT_WIDTH = 6,
    XBTAB_FIT_GATE = 7,
    XBTAB_FIT_COLUMNS = 8
} xbtab_fit_column;

typedef enum xbtab_fit_role {
    XBTAB_FIT_FIXED = 0,
    XBTAB_FIT_SHARED = 1, /* one value for all devices */
    XBTAB_FIT_DEVICE_OWN = 2
} xbtab_fit_role;

typedef enum xbtab_fit_loss {
    XBTAB_FIT_SQUARES = 0,
    XBTAB_FIT_HUBER = 1, /* iteratively reweighted; threshold 1.345 scales (median absolute deviation) */
    XBTAB_FIT_CAUCHY = 2 /* 2.385 scales */
} xbtab_fit_loss;

/** One fitted or fixed parameter. */
typedef struct xbtab_fitted {
    char *name, *unit, *description;
    xbtab_fit_role role;
    double value;          /* shared, fixed; a device's own: the median over devices */
    double standard_error; /* shared; NAN for the others, and where nothing can be said */
    double device_error;   /* shared, with 10 devices or more: standard error from the spread of the devices'
                              own gradients, which holds where residuals of one device go together; else NAN */
    double low, high;      /* 95 % interval; a device's own: the middle 95 % of devices */
    double min, max;       /* bounds of the fit */
    int at_bound;          /* -1 at min, 1 at max; a device's own: 1 if more than 5 % of devices are */
    int devices_at_bound;  /* devices whose own value is at a bound */
    int is_identifiable;   /* 0: see why */
    char why[256];         /* "" or the reason in words */
} xbtab_fitted;

/** A fit. */
typedef struct xbtab_fit {
    char *name, *path, *text; /* of the specification */
    char *data;               /* names of the data files, joined by ", " */
    char *formula;            /* laws */
    xbtab_fit_kind kind;
    const xbtab_model *model; /* borrowed from the set; NULL for laws */
    const char *weighting;    /* "linear" or "log": what residuals are */
    const char *loss;
    xbtab_model_pulse set, reset; /* trains: the data's highest of each kind; width 0 = there is none */
    int in_ngspice;               /* evaluated in ngspice, not by the formula */
    char ngspice[64];
    int n_parameters;
    xbtab_fitted
        *parameter; /* the model's own, for trains those of its dynamics, then offset, series and parallel */
    int n_shared;
    int *shared;         /* indices of the shared parameters */
    double *correlation; /* [n_shared][n_shared] */
    int n_device;
    int *device; /* indices of the devices' own parameters */
    int n_devices, n_heldout;
    char **label;            /* label[n_devices] */
    int *is_heldout;         /* [n_devices] */
    double *own;             /* own[n_devices][n_device] */
    double *own_error;       /* own_error[n_devices][n_device]: standard errors */
    double *device_rmse;     /* [n_devices]; [A] or [S], or of ln for log weighting */
    size_t n_points, n_used; /* all points; points that the fit saw */
    int dof;
    double rmse;     /* of the points that the fit saw, sqrt(mean square residual) */
    double rmse_dof; /* s = sqrt(sum of squares / dof) */
    double max_residual;
    double noise, noise_mad; /* measurement noise of one point, from fourth divided differences of the
                                residuals of points `noise_apart` apart on a curve: root mean square, and from
                                the median magnitude; NAN if no curve has 6 points */
    int noise_apart;         /* 1 to 3, as far as the curves are long enough */
    double noise_near;       /* the same of neighbours: less, where neighbours' errors go together */
    size_t n_noise;          /* differences that it comes from */
    double heldout_rmse;     /* of points that no fit saw */
    size_t n_hidden;         /* how many */
    double heldout_noise;    /* noise of the held-out devices' curves */
    double heldout_expected; /* what a model without error would have: the noise, and what it does to the
                                devices' own parameters */
    double interval_floor, interval_slope, interval_factor; /* 95 % prediction interval: +- factor *
                                sqrt(floor^2 + (slope y)^2) */
    double coverage;                                        /* share of hidden points inside it */
    int n_starts, n_agree; /* starts; those that ended within 1 % of the best loss */
    int iterations;
    double seconds;
    uint64_t seed;
    /* points, for pictures: by device */
    double *x, *y, *fitted; /* [n_points] */
    int *point_device;      /* [n_points] */
} xbtab_fit;

typedef struct xbtab_calibrate_options {
    int workers;     /* processes for ngspice (0 = one a core) */
    int force_spice; /* evaluate in ngspice even where there is a formula */
    xbtab_progress_fn progress;
    xbtab_note_fn note;
    void *payload;
} xbtab_calibrate_options;

/** Fit.
 *  @param[out] out    new; the caller owns it: xbtab_fit_destroy(). Untouched on failure.
 *  @param      spec   YAML file.
 *  @param      data   data[n]: measured files, plain or gzip.
 *  @param      models borrowed until the fit is destroyed.
 *  @return XBTAB_ERR_INPUT (specification or data; the message names file, line and column, and a unit that
 *  must be wrong), XBTAB_ERR_SOLVE (no start converged), XBTAB_ERR_SPICE, XBTAB_ERR_IO, XBTAB_ERR_NOMEM,
 *  XBTAB_ERR_CANCELED. A parameter that the data do not identify is no failure: see xbtab_fitted.
 *  Threads: forks where it uses ngspice; call it while no other thread is at work. The result depends on the
 *  specification and the data alone. */
xbtab_status xbtab_calibrate(xbtab_fit **out, const char *spec, const char *const *data, int n,
                             const xbtab_models *models,
                             const xbtab_calibrate_options *options) XBTAB_MUST_CHECK;

/** Write a fit as a parameter sheet (beside, then renamed). For kind iv it is a model's sheet with the fitted
 *  values as defaults and intervals as a `fit` section, and NAME.sub is written beside NAME.yaml: a folder
 *  DIR/rram that holds both is a set of models (`--models DIR`, `model: NAME`).
 *  @return XBTAB_ERR_INPUT (the file's name is not a model's name), XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_fit_write(const xbtab_fit *fit, const char *path) XBTAB_MUST_CHECK;

/** Whether a path's name is one that xbtab_fit_write() takes; to be asked before a long fit.
 *  @return XBTAB_ERR_INPUT. */
xbtab_status xbtab_fit_check_path(const char *path) XBTAB_MUST_CHECK;

/** Free a fit and set the pointer to NULL. NULL-safe. */
void xbtab_fit_destroy(xbtab_fit **fit);

/** A model's current in a voltage sweep, by its formula or in ngspice.
 *  @param      value  value[model->n_parameters].
 *  @param[out] current  current[n] [A]. @param in_spice  0 = by the formula.
 *  @return XBTAB_ERR_UNSUPPORTED (no formula), XBTAB_ERR_SPICE, XBTAB_ERR_NOMEM. Threads: forks in ngspice.
 */
xbtab_status xbtab_model_current(const xbtab_model *model, const double *value, const double *V, int n,
                                 int in_spice, double *current) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
