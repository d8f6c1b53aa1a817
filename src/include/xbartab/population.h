/* population.h - how the devices of a technology differ from each other, from cycle to cycle and with time.
 *
 * A population sheet (YAML) states distributions of conductance; nothing here knows a device. What each
 * effect does to a device, in this order: stuck        a share of devices stays at one conductance whatever
 * is written programming  conductance right after a write that was verified, against its target. It holds
 * everything that a verified write leaves over. A sheet without it has unverified writes: the target times
 *                the device's own factor (device_to_device) times a factor a write (cycle_to_cycle)
 *   endurance    after its number of writes a device is stuck
 *   relaxation   change with the time since the write; or drift, a power of time
 *   retention    at a time that depends on the temperature a device is lost
 *   rtn, noise   change from read to read
 *
 * Parameters are functions of the conductance (a curve). A device's place in a distribution is a standard
 * normal z, so that it keeps its rank while its conductance and the time change. All values are SI. */
#ifndef XBARTAB_POPULATION_H
#define XBARTAB_POPULATION_H

#include <stdint.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the argument of a polynomial is. */
typedef enum xbtab_curve_argument {
    XBTAB_CURVE_OF_G = 0,    /* G/per */
    XBTAB_CURVE_OF_LN_G = 1, /* ln(G/per) */
    XBTAB_CURVE_OF_LOG10_G = 2
} xbtab_curve_argument;

/** A function of conductance. G is first brought into [low, high], where the function was found. */
typedef struct xbtab_curve {
    int n;     /* points or coefficients; 0 = the function is 0 */
    double *x; /* x[n]: conductances of points, rising, joined by straight lines [S]; NULL = a polynomial */
    double *y; /* y[n]: values at the points, or coefficients, the constant first */
    xbtab_curve_argument argument; /* of a polynomial */
    double per;                    /* of the argument [S] */
    double times;                  /* a polynomial's value is times this */
    double low, high;              /* [S] */
    double min, max;               /* the value is clipped to these */
} xbtab_curve;

typedef enum xbtab_family {
    XBTAB_FAMILY_NONE = 0,      /* the effect is not in the sheet */
    XBTAB_FAMILY_NORMAL = 1,    /* G + mean + sigma z [S], or G (1 + mean + sigma z) */
    XBTAB_FAMILY_LOGNORMAL = 2, /* G exp(mean + sigma z) */
    XBTAB_FAMILY_QUANTILES = 3  /* G + q(Phi(z)) [S], or G (1 + q) */
} xbtab_family;

/** A distribution of conductance about a conductance. */
typedef struct xbtab_distribution {
    xbtab_family family;
    int is_relative;         /* mean, sigma, limit and quantiles are shares of G, not conductances */
    xbtab_curve mean, sigma; /* normal: [S] or share; lognormal: of ln G */
    xbtab_curve limit;       /* |change| is clipped to this [S] or share; n = 0: no limit */
    int n_at, n_probability;
    double *at;          /* at[n_at]: conductances of the quantiles, rising [S] */
    double *probability; /* probability[n_probability], rising, in (0, 1) */
    double *quantile;    /* quantile[n_at][n_probability]: change, rising with the probability */
    char *source, *trust;
} xbtab_distribution;

/** How relaxation follows the time t since the write. */
typedef enum xbtab_relaxation_law {
    XBTAB_RELAXATION_NONE = 0,
    XBTAB_RELAXATION_SNAPSHOTS = 1, /* distributions at some times, between them straight in ln t */
    XBTAB_RELAXATION_LOG = 2,       /* mean = mean_slope ln(t/t0), sigma = sigma + sigma_slope ln(t/t0) */
    XBTAB_RELAXATION_POWER = 3      /* G (t/t0)^-nu, nu normal with nu_mean, nu_sigma, clipped */
} xbtab_relaxation_law;

/** Relaxation and drift. For t <= t0 there is none yet; beyond the last snapshot it stays there. A device
 * keeps its z over time, but for what `memory` lets it forget. */
typedef struct xbtab_relaxation {
    xbtab_relaxation_law law;
    int from_target; /* the change counts from the target and already holds the programming error */
    double memory;   /* from_target: correlation of a device's rank at the last snapshot with its rank right
                        after   the write; in between it falls evenly with ln t */
    double t0;       /* time of the verifying read, and of the laws [s] */
    double energy;   /* activation energy of the rate [eV]; 0 = the temperature does not matter */
    int n_snapshots;
    double *time;                               /* time[n_snapshots], rising, above t0 [s] */
    xbtab_distribution *snapshot;               /* snapshot[n_snapshots] of one family */
    xbtab_curve mean_slope, sigma, sigma_slope; /* LOG: normal [S] */
    xbtab_curve nu_mean, nu_sigma;              /* POWER */
    double nu_min, nu_max;
    char *source, *trust;
} xbtab_relaxation;

/** Random telegraph noise: two levels, of which the lower one has the share `duty` of the time. */
typedef struct xbtab_rtn {
    int is_given;
    double share;                 /* of devices that have it */
    xbtab_curve amplitude;        /* dG/G of the step */
    double amplitude_sigma;       /* its spread, of ln amplitude */
    double duty;                  /* share of the time in the lower level */
    double tau_median, tau_sigma; /* time between switches [s], lognormal, spread of ln tau */
    char *source, *trust;
} xbtab_rtn;

/** Gaussian read noise, fresh with every read. */
typedef struct xbtab_read_noise {
    int is_given, is_relative;
    xbtab_curve sigma; /* [S], or share of G */
    double tau;        /* 1/f: sigma grows as sqrt(ln((t + tau)/(2 tau))) with the time since the write [s];
                          0 = it does not */
    char *source, *trust;
} xbtab_read_noise;

/** Loss of a state: a time t_fail for each device, lognormal, whose median follows Arrhenius. */
typedef struct xbtab_retention {
    int is_given;
    double median;      /* at `temperature` [s] */
    double temperature; /* [K] */
    double energy;      /* activation energy [eV] */
    double sigma;       /* of ln t_fail */
    double G_lost;      /* conductance of a lost device [S] */
    char *source, *trust;
} xbtab_retention;

/** Devices that cannot be written; conductances lognormal about a median. */
typedef struct xbtab_stuck {
    int is_given;
    double lrs, hrs;                 /* shares of all devices */
    double G_lrs, G_hrs;             /* medians [S] */
    double G_lrs_sigma, G_hrs_sigma; /* of ln G */
    char *source, *trust;
} xbtab_stuck;

/** Wear: writes to failure, lognormal; and a window that narrows, G_max (1 - slope log10(1 + n/n0)). */
typedef struct xbtab_endurance {
    int is_given;
    double median, sigma; /* writes to failure; spread of ln */
    double share_lrs;     /* of worn devices that end at G_lrs of stuck (or G_max); the others at G_hrs (or
                             G_min) */
    double slope, n0;
    char *source, *trust;
} xbtab_endurance;

/** One model parameter of a population, for circuits that are simulated device by device. */
typedef struct xbtab_parameter_spread {
    char *name;
    xbtab_family family;     /* NORMAL: location + spread z; LOGNORMAL: location exp(spread z) */
    double location, spread; /* mean and deviation; or median and deviation of ln */
    double min, max;         /* clipped to these */
} xbtab_parameter_spread;

typedef struct xbtab_parameter_population {
    char *model; /* NULL = none in the sheet */
    int n;
    xbtab_parameter_spread *parameter; /* parameter[n] */
    double *correlation;               /* correlation[n][n] of the z */
    double *root;                      /* root[n][n]: its lower Cholesky factor */
    char *source, *trust;
} xbtab_parameter_population;

/** A population sheet. Read-only once made. */
typedef struct xbtab_population {
    char *name, *summary, *source;
    char *path;          /* as found */
    char *text;          /* the whole sheet, for provenance */
    double G_min, G_max; /* the technology's window [S] */
    double temperature;  /* at which it was found [K] */
    xbtab_distribution device_to_device, cycle_to_cycle, programming;
    xbtab_read_noise read_noise;
    xbtab_rtn rtn;
    xbtab_relaxation relaxation;
    xbtab_retention retention;
    xbtab_stuck stuck;
    xbtab_endurance endurance;
    xbtab_parameter_population parameters;
} xbtab_population;

/** Read a sheet.
 *  @param[out] out   new; the caller owns it: xbtab_population_destroy(). Untouched on failure.
 *  @param      path  YAML file.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (the message names file, line, key and what is allowed),
 * XBTAB_ERR_NOMEM. Threads: safe on different populations. */
xbtab_status xbtab_population_open(xbtab_population **out, const char *path) XBTAB_MUST_CHECK;

/** The same of a text in memory. @param name  what messages call it, in place of a path. */
xbtab_status xbtab_population_parse(xbtab_population **out, const char *text,
                                    const char *name) XBTAB_MUST_CHECK;

/** Free a population and set the pointer to NULL. NULL-safe. */
void xbtab_population_destroy(xbtab_population **population);

/* ---- figures: pure functions, safe in any thread ---- */

/** Value of a curve at G [S]. */
double xbtab_curve_at(const xbtab_curve *curve, double G);

/** Conductance that the standard normal z gives about G [S]; never below 0. NONE gives G. */
double xbtab_distribution_draw(const xbtab_distribution *d, double G, double z);

/** Mean and standard deviation of the change of conductance at G [S]. Limits and the floor at 0 are left out
 * of a normal's figures. */
void xbtab_distribution_moments(const xbtab_distribution *d, double G, double *mean, double *sigma);

/** Share of devices about G that lie at or below x [S]. */
double xbtab_distribution_below(const xbtab_distribution *d, double G, double x);

/** Distribution of the change after t seconds at T kelvin, for what relaxation (with programming, where it
 * counts from the target) does to a conductance G [S]: its mean and deviation. */
void xbtab_relaxation_moments(const xbtab_population *p, double G, double t, double T, double *mean,
                              double *sigma);

/** Conductance that relaxation makes of G after t seconds at T kelvin for a device of rank z [S]. */
double xbtab_relaxation_draw(const xbtab_population *p, double G, double t, double T, double z);

/** How far relaxation in snapshots has come after t seconds at T kelvin: ln(t/t0) as a share of all, 0 to 1.
 */
double xbtab_relaxation_progress(const xbtab_population *p, double t, double T);

/** Share of devices about G that relaxation leaves at or below x [S]. */
double xbtab_relaxation_below(const xbtab_population *p, double G, double t, double T, double x);

/** Deviation of one read from the next at G [S], t seconds after the write; RTN is not in it. */
double xbtab_read_noise_sigma(const xbtab_population *p, double G, double t);

/** Median time to loss at T kelvin [s]; infinity without retention. */
double xbtab_retention_median(const xbtab_population *p, double T);

/* ---- devices: every number from counter-based streams keyed by (seed, chip, device, write, read) ---- */

/** What is fixed for the life of one device. */
typedef struct xbtab_device {
    double z_device;      /* its place in device_to_device */
    int is_stuck;         /* from the start */
    double G_stuck;       /* where it is stuck, or will be when worn [S] */
    double writes_max;    /* writes to failure; infinity without endurance */
    double z_retention;   /* its place in the times to loss */
    double rtn_amplitude; /* ratio to the median amplitude; 0 = has no RTN */
    double rtn_tau;       /* [s] */
    uint32_t chip, index; /* its key */
    uint64_t seed;
} xbtab_device;

/** The device `index` of the chip `chip`; the same for the same key. Cost: one stream of a dozen numbers. */
void xbtab_device_draw(xbtab_device *out, const xbtab_population *p, uint64_t seed, uint32_t chip,
                       uint32_t index);

/** What one write left: the target, the conductance right after it, its rank among writes to that target and
 * the rank of its relaxation. */
typedef struct xbtab_written {
    double G_target, G; /* [S] */
    double z_write, z_relax;
    double writes; /* that the device has seen */
} xbtab_written;

/** Write a device to a target; `write` numbers its writes. A stuck or worn device keeps its conductance, and
 *  the window of one that has seen `writes` writes is narrower. */
void xbtab_device_write(xbtab_written *out, const xbtab_population *p, const xbtab_device *device,
                        double G_target, uint32_t write, double writes);

/** Conductance t seconds after the write at T kelvin, without noise [S]. */
double xbtab_device_conductance(const xbtab_population *p, const xbtab_device *device,
                                const xbtab_written *written, double t, double T);

/** The same as one read sees it, with read noise and RTN; `read` numbers the reads, which are so far apart
 * that RTN has forgotten the one before. */
double xbtab_device_read(const xbtab_population *p, const xbtab_device *device, const xbtab_written *written,
                         double t, double T, uint32_t read);

/** The model parameters of a device. @param[out] value  value[p->parameters.n]. */
void xbtab_device_parameters(const xbtab_population *p, uint64_t seed, uint32_t chip, uint32_t index,
                             double *value);

#ifdef __cplusplus
}
#endif
#endif
