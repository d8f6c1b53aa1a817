/* population_yaml.h - the sections of a population sheet as text, and the schema that reads them. */
#ifndef XBTAB_CONFIG_POPULATION_YAML_H
#define XBTAB_CONFIG_POPULATION_YAML_H

#include "yaml_text.h"

typedef struct xbtab__curve_text {
    char *value;
    char **polynomial;
    unsigned polynomial_count;
    char *of, *per, *times, *from, *to, *min, *max;
    char **at;
    unsigned at_count;
    char **values;
    unsigned values_count;
} xbtab__curve_text;

typedef struct xbtab__row_text {
    char *at;
    char **values;
    unsigned values_count;
} xbtab__row_text;

typedef struct xbtab__quantiles_text {
    char *times;
    char **probabilities;
    unsigned probabilities_count;
    xbtab__row_text *rows;
    unsigned rows_count;
} xbtab__quantiles_text;

typedef struct xbtab__distribution_text {
    char *time, *family, *scale, *source, *trust;
    xbtab__curve_text *mean, *sigma, *limit;
    xbtab__quantiles_text *quantiles;
} xbtab__distribution_text;

typedef struct xbtab__relaxation_text {
    char *law, *from, *t0, *activation_energy, *memory, *nu_min, *nu_max, *source, *trust;
    xbtab__distribution_text *snapshots;
    unsigned snapshots_count;
    xbtab__curve_text *mean_slope, *sigma, *sigma_slope, *nu_mean, *nu_sigma;
} xbtab__relaxation_text;

typedef struct xbtab__rtn_text {
    char *share, *amplitude_sigma, *duty, *tau_median, *tau_sigma, *source, *trust;
    xbtab__curve_text amplitude;
} xbtab__rtn_text;

typedef struct xbtab__noise_text {
    char *scale, *tau, *source, *trust;
    xbtab__curve_text sigma;
} xbtab__noise_text;

typedef struct xbtab__retention_text {
    char *median, *temperature, *activation_energy, *sigma, *lost, *source, *trust;
} xbtab__retention_text;

typedef struct xbtab__stuck_text {
    char *stuck_lrs, *stuck_hrs, *g_lrs, *g_hrs, *g_lrs_sigma, *g_hrs_sigma, *source, *trust;
} xbtab__stuck_text;

typedef struct xbtab__endurance_text {
    char *median, *sigma, *share_lrs, *window_slope, *window_n0, *source, *trust;
} xbtab__endurance_text;

typedef struct xbtab__spread_text {
    char *name, *family, *location, *spread, *min, *max;
} xbtab__spread_text;

typedef struct xbtab__parameters_text {
    char *model, *source, *trust;
    xbtab__spread_text *values;
    unsigned values_count;
    xbtab__row_text *correlation;
    unsigned correlation_count;
} xbtab__parameters_text;

typedef struct xbtab__window_text {
    char *min, *max;
} xbtab__window_text;

typedef struct xbtab__population_text {
    char *name, *summary, *source, *temperature;
    xbtab__window_text conductance;
    xbtab__distribution_text *device_to_device, *cycle_to_cycle, *programming;
    xbtab__noise_text *read_noise;
    xbtab__rtn_text *rtn;
    xbtab__relaxation_text *relaxation;
    xbtab__retention_text *retention;
    xbtab__stuck_text *stuck;
    xbtab__endurance_text *endurance;
    xbtab__parameters_text *parameters;
} xbtab__population_text;

extern const cyaml_schema_value_t xbtab__population_schema;

#endif
