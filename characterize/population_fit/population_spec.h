/* population_spec.h - what a population is fitted to: measurements, each with its file and columns. */
#ifndef XBTAB_CHARACTERIZE_POPULATION_SPEC_H
#define XBTAB_CHARACTERIZE_POPULATION_SPEC_H

#include "calibrate_private.h"

typedef enum xbtab__effect {
    XBTAB__EFFECT_PROGRAMMING = 0,
    XBTAB__EFFECT_RELAXATION = 1,
    XBTAB__EFFECT_DEVICE = 2,
    XBTAB__EFFECT_CYCLE = 3,
    XBTAB__EFFECT_NOISE = 4,
    XBTAB__EFFECT_STUCK = 5,
    XBTAB__EFFECT_ENDURANCE = 6,
    XBTAB__EFFECT_RETENTION = 7,
    XBTAB__EFFECT_PARAMETERS = 8,
    XBTAB__EFFECTS = 9
} xbtab__effect;

/** One measurement; numbers that its effect does not use are 0. */
typedef struct xbtab__measurement {
    xbtab__effect effect;
    char *file;
    xbtab__calibration columns; /* the columns and delimiter alone, for the reader */
    int target_count;           /* programming: device d of the file targets level d mod count */
    double target_first, target_step;
    int family; /* -1 = by the criterion */
    int bins;
    int n_times;
    double *time;                /* relaxation: times of the snapshots [s] */
    char *before;                /* relaxation with targets: the same devices before; NULL = not measured */
    double t0;                   /* relaxation: when the write was verified [s] */
    char *assumption;            /* what is not in the data, in words; NULL = nothing */
    double hrs_below, lrs_above; /* stuck [S] */
    double lost_below;  /* endurance, retention: a device below this share of its first value is lost */
    double temperature; /* retention: of the stated median [K] */
    char *model;        /* parameters */
    int n_names;
    char **name; /* name[n_names]: columns of the parameters */
} xbtab__measurement;

typedef struct xbtab__population_spec {
    char *path, *name, *summary, *source;
    double G_min, G_max, temperature;
    int n;
    xbtab__measurement *measurement;
} xbtab__population_spec;

xbtab_status xbtab__population_spec_open(xbtab__population_spec **out, const char *path) XBTAB_MUST_CHECK;
void xbtab__population_spec_destroy(xbtab__population_spec **spec);

#endif
