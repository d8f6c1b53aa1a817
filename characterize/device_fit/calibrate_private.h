/* calibrate_private.h - the pieces of a calibration: specification, data, problem, solution.
 *
 * A curve is one device's points. Its response is a function of an argument x (a voltage, a pulse number, a
 * time), a temperature, and a vector of parameters: the model's (or law's) own, then the three of the
 * instrument (offset, series, parallel). Each parameter is fixed, shared by all devices, or one of each
 * device's own. The devices' own are eliminated: for given shared ones each device is fitted by itself, and
 * the shared ones are fitted to what is left (variable projection, Golub and Pereyra 1973; Jacobian after
 * Kaufman 1975); of trains of pulses all are fitted at once. The fits are GSL's trust-region
 * Levenberg-Marquardt. */
#ifndef XBTAB_CHARACTERIZE_CALIBRATE_PRIVATE_H
#define XBTAB_CHARACTERIZE_CALIBRATE_PRIVATE_H

#include <stdbool.h>

#include <xbartab/calibrate.h>

#include "expression.h"
#include "spice.h"
#include "text.h"
#include "yaml_text.h"

typedef enum xbtab__weighting { XBTAB__WEIGHTING_LINEAR = 0, XBTAB__WEIGHTING_LOG = 1 } xbtab__weighting;

/** How a parameter moves inside the fit: freely, or between its bounds as a sine (of its logarithm). */
typedef enum xbtab__scale {
    XBTAB__SCALE_FREE = 0,
    XBTAB__SCALE_LINEAR = 1,
    XBTAB__SCALE_LOG = 2
} xbtab__scale;

typedef struct xbtab__quantity_fitted {
    char *name, *unit, *description;
    double value; /* fixed, or where the first start begins */
    double min, max;
    xbtab_fit_role role;
    xbtab__scale scale;
    double step; /* SCALE_FREE: size of one unit inside the fit */
} xbtab__quantity_fitted;

/** A column of the data file. */
typedef struct xbtab__column {
    char *name;         /* header's name; NULL = by number */
    int number;         /* from 1; 0 = not given */
    double times, plus; /* to SI: value*times + plus */
    char *unit;
    bool has_unit;  /* the specification says it, so that the header needs not */
    const char *si; /* the quantity's unit; "" = labels */
} xbtab__column;

/** Pulses between a point of a train and the one before it. */
typedef struct xbtab__point_pulses {
    int n;
    double amplitude, width, v_gate; /* of each [V], [s], [V] */
} xbtab__point_pulses;

enum { XBTAB__INSTRUMENT = 3, XBTAB__OFFSET = 0, XBTAB__SERIES = 1, XBTAB__PARALLEL = 2 };

typedef struct xbtab__calibration {
    char *path, *text, *name, *description;
    xbtab_fit_kind kind;
    const xbtab_model *model;    /* iv, and pulses without a law; borrowed */
    const xbtab_model *selector; /* in series; NULL = none */
    double *selector_value;      /* [selector->n_parameters] */
    xbtab__expression *formula;  /* closed form; NULL = ngspice only */
    char *formula_text;          /* laws: as given */
    int n_read;                  /* parameters of the law, or of the model's read curve */
    int n_own;                   /* n_read, and for trains those of its dynamics */
    int n_parameters;            /* n_own + XBTAB__INSTRUMENT */
    xbtab__quantity_fitted *parameter;
    int n_shared, n_device;
    int *shared, *device; /* indices of those parameters */
    int state;            /* the model's state among the parameters, -1 = none */
    bool has_series, has_parallel;
    xbtab__column column[XBTAB_FIT_COLUMNS];
    char delimiter;       /* 0 = found from the first line */
    int header;           /* -1 = found from the first line */
    bool offset_is_first; /* subtract each device's value at the least |x| */
    bool accepts_units, y_is_resistance;
    bool y_is_current;         /* of a conductance at v_read */
    double v_read;             /* [V]; 0 = not given */
    bool has_trains;           /* pulses of a model with dynamics, in ngspice */
    xbtab__point_pulses pulse; /* where no column says what a pulse is */
    xbtab__weighting weighting;
    xbtab_fit_loss loss;
    double least, most; /* range of x that is used */
    int n_starts;
    uint64_t seed;
    double heldout_share;
} xbtab__calibration;

/** Points by device, each device's in the order of the file. */
typedef struct xbtab__points {
    size_t n;
    double *x, *y, *T;
    int *device;
    xbtab__point_pulses *pulse; /* pulse[n], trains only: of a device's first point 0 */
    size_t *line;               /* of the file */
    int n_devices;
    char **label;     /* label[n_devices] */
    double times[XBTAB_FIT_COLUMNS]; /* of the columns' units to SI, in the last file */
    char unit[XBTAB_FIT_COLUMNS][24];
    size_t *first;    /* first[n_devices + 1] */
    bool *is_heldout; /* [n_devices] */
    bool *is_hidden;  /* [n]: a held-out device's point that its own fit does not see; without held-out
                         devices:  a point that no fit sees */
} xbtab__points;

xbtab_status xbtab__calibration_open(xbtab__calibration **out, const char *path,
                                     const xbtab_models *models) XBTAB_MUST_CHECK;
void xbtab__calibration_destroy(xbtab__calibration **calibration);

/** Read the columns of a calibration from text tables (csv.h), with the units of their headers where the
 *  specification has none. At most 2^22 points, 200 bytes each.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (the message names file and line), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__points_read(xbtab__points *out, const xbtab__calibration *c, const char *const *paths,
                                int n_paths) XBTAB_MUST_CHECK;
void xbtab__points_clear(xbtab__points *points);

enum { XBTAB__LABEL_SHOWN = 40, XBTAB__LABEL_SIZE = 4 * XBTAB__LABEL_SHOWN + 4 };

enum { XBTAB__MODEL_NAME_SIZE = 128 };

/** A sheet's file name without folders and ".yaml". @param[out] name  name[XBTAB__MODEL_NAME_SIZE].
 *  @return XBTAB_ERR_INPUT: it cannot be a model's name. */
xbtab_status xbtab__model_name_of(char *name, const char *path) XBTAB_MUST_CHECK;

/** A string in double quotes, on one line. */
void xbtab__add_yaml_string(xbtab__text *text, const char *string);

/** What makes the data doubtful before any fit: too few points, no change, values whose unit must be wrong.
 */
xbtab_status xbtab__points_check(const xbtab__points *points, const xbtab__calibration *c,
                                 xbtab__spice *spice) XBTAB_MUST_CHECK;

/** One curve to evaluate. */
typedef struct xbtab__curve_job {
    const double *value;              /* value[n_parameters] */
    const double *x, *T;              /* x[n]; T NULL = 300 K */
    const xbtab__point_pulses *pulse; /* pulse[n]: trains */
    size_t n;
    double *y; /* y[n] */
} xbtab__curve_job;

/** Responses of read curves and laws. @param spice  NULL = the closed form. @return XBTAB_ERR_SPICE. Values
 * that are not finite are NAN. */
xbtab_status xbtab__reads_run(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                              int n_jobs) XBTAB_MUST_CHECK;

/** Conductances along trains: the state of the model's dynamic subcircuit after the pulses of each point,
 * read by the first one at v_read. A train that ngspice does not finish is NAN from there on. */
xbtab_status xbtab__trains_run(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                               int n_jobs) XBTAB_MUST_CHECK;

/** The one or the other. @param spice  NULL = the closed form. @return XBTAB_ERR_SPICE. Values that are not
 * finite are NAN. */
xbtab_status xbtab__curves_run(const xbtab__calibration *c, xbtab__spice *spice, const xbtab__curve_job *job,
                               int n_jobs) XBTAB_MUST_CHECK;

#endif
