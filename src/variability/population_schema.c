/* population_schema.c - the keys of a population sheet. */
#include "population_yaml.h"

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_MAPPING(key, type, member, fields)                                                          \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)
#define OPTIONAL_LIST(key, type, member, entry, most)                                                        \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 1, most)
#define LIST(key, type, member, entry, most)                                                                 \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER, type, member, entry, 1, most)
#define TRUST(type) TEXT("source", type, source), TEXT("trust", type, trust)

enum { MOST_POINTS = 4096, MOST_COEFFICIENTS = 16, MOST_PARAMETERS = 64 };

static const cyaml_schema_value_t number = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED)};

static const cyaml_schema_field_t curve_fields[] = {
    OPTIONAL_TEXT("value", xbtab__curve_text, value),
    OPTIONAL_LIST("polynomial", xbtab__curve_text, polynomial, &number, MOST_COEFFICIENTS),
    OPTIONAL_TEXT("of", xbtab__curve_text, of),
    OPTIONAL_TEXT("per", xbtab__curve_text, per),
    OPTIONAL_TEXT("times", xbtab__curve_text, times),
    OPTIONAL_TEXT("from", xbtab__curve_text, from),
    OPTIONAL_TEXT("to", xbtab__curve_text, to),
    OPTIONAL_TEXT("min", xbtab__curve_text, min),
    OPTIONAL_TEXT("max", xbtab__curve_text, max),
    OPTIONAL_LIST("at", xbtab__curve_text, at, &number, MOST_POINTS),
    OPTIONAL_LIST("values", xbtab__curve_text, values, &number, MOST_POINTS),
    CYAML_FIELD_END};

static const cyaml_schema_field_t row_fields[] = {
    OPTIONAL_TEXT("at", xbtab__row_text, at), LIST("values", xbtab__row_text, values, &number, MOST_POINTS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t row = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__row_text, row_fields)};

static const cyaml_schema_field_t quantiles_fields[] = {
    OPTIONAL_TEXT("times", xbtab__quantiles_text, times),
    LIST("probabilities", xbtab__quantiles_text, probabilities, &number, MOST_POINTS),
    LIST("rows", xbtab__quantiles_text, rows, &row, MOST_POINTS), CYAML_FIELD_END};

#define DISTRIBUTION_FIELDS                                                                                  \
    TEXT("family", xbtab__distribution_text, family),                                                        \
        OPTIONAL_TEXT("scale", xbtab__distribution_text, scale),                                             \
        OPTIONAL_MAPPING("mean", xbtab__distribution_text, mean, curve_fields),                              \
        OPTIONAL_MAPPING("sigma", xbtab__distribution_text, sigma, curve_fields),                            \
        OPTIONAL_MAPPING("limit", xbtab__distribution_text, limit, curve_fields),                            \
        OPTIONAL_MAPPING("quantiles", xbtab__distribution_text, quantiles, quantiles_fields)

static const cyaml_schema_field_t distribution_fields[] = {DISTRIBUTION_FIELDS,
                                                           TRUST(xbtab__distribution_text), CYAML_FIELD_END};

/* A snapshot's source is that of the relaxation. */
static const cyaml_schema_field_t snapshot_fields[] = {TEXT("time", xbtab__distribution_text, time),
                                                       DISTRIBUTION_FIELDS, CYAML_FIELD_END};
static const cyaml_schema_value_t snapshot = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__distribution_text, snapshot_fields)};

static const cyaml_schema_field_t relaxation_fields[] = {
    TEXT("law", xbtab__relaxation_text, law),
    OPTIONAL_TEXT("from", xbtab__relaxation_text, from),
    TEXT("t0", xbtab__relaxation_text, t0),
    OPTIONAL_TEXT("activation_energy", xbtab__relaxation_text, activation_energy),
    OPTIONAL_TEXT("memory", xbtab__relaxation_text, memory),
    OPTIONAL_LIST("snapshots", xbtab__relaxation_text, snapshots, &snapshot, 256),
    OPTIONAL_MAPPING("mean_slope", xbtab__relaxation_text, mean_slope, curve_fields),
    OPTIONAL_MAPPING("sigma", xbtab__relaxation_text, sigma, curve_fields),
    OPTIONAL_MAPPING("sigma_slope", xbtab__relaxation_text, sigma_slope, curve_fields),
    OPTIONAL_MAPPING("nu_mean", xbtab__relaxation_text, nu_mean, curve_fields),
    OPTIONAL_MAPPING("nu_sigma", xbtab__relaxation_text, nu_sigma, curve_fields),
    OPTIONAL_TEXT("nu_min", xbtab__relaxation_text, nu_min),
    OPTIONAL_TEXT("nu_max", xbtab__relaxation_text, nu_max),
    TRUST(xbtab__relaxation_text),
    CYAML_FIELD_END};

static const cyaml_schema_field_t noise_fields[] = {
    OPTIONAL_TEXT("scale", xbtab__noise_text, scale),
    CYAML_FIELD_MAPPING("sigma", CYAML_FLAG_DEFAULT, xbtab__noise_text, sigma, curve_fields),
    OPTIONAL_TEXT("tau", xbtab__noise_text, tau), TRUST(xbtab__noise_text), CYAML_FIELD_END};

static const cyaml_schema_field_t rtn_fields[] = {
    TEXT("share", xbtab__rtn_text, share),
    CYAML_FIELD_MAPPING("amplitude", CYAML_FLAG_DEFAULT, xbtab__rtn_text, amplitude, curve_fields),
    OPTIONAL_TEXT("amplitude_sigma", xbtab__rtn_text, amplitude_sigma),
    OPTIONAL_TEXT("duty", xbtab__rtn_text, duty),
    TEXT("tau_median", xbtab__rtn_text, tau_median),
    OPTIONAL_TEXT("tau_sigma", xbtab__rtn_text, tau_sigma),
    TRUST(xbtab__rtn_text),
    CYAML_FIELD_END};

static const cyaml_schema_field_t retention_fields[] = {
    TEXT("median", xbtab__retention_text, median),
    TEXT("temperature", xbtab__retention_text, temperature),
    TEXT("activation_energy", xbtab__retention_text, activation_energy),
    OPTIONAL_TEXT("sigma", xbtab__retention_text, sigma),
    TEXT("lost", xbtab__retention_text, lost),
    TRUST(xbtab__retention_text),
    CYAML_FIELD_END};

static const cyaml_schema_field_t stuck_fields[] = {
    TEXT("stuck_lrs", xbtab__stuck_text, stuck_lrs),
    TEXT("stuck_hrs", xbtab__stuck_text, stuck_hrs),
    OPTIONAL_TEXT("g_lrs", xbtab__stuck_text, g_lrs),
    OPTIONAL_TEXT("g_hrs", xbtab__stuck_text, g_hrs),
    OPTIONAL_TEXT("g_lrs_sigma", xbtab__stuck_text, g_lrs_sigma),
    OPTIONAL_TEXT("g_hrs_sigma", xbtab__stuck_text, g_hrs_sigma),
    TRUST(xbtab__stuck_text),
    CYAML_FIELD_END};

static const cyaml_schema_field_t endurance_fields[] = {
    TEXT("median", xbtab__endurance_text, median),
    OPTIONAL_TEXT("sigma", xbtab__endurance_text, sigma),
    OPTIONAL_TEXT("share_lrs", xbtab__endurance_text, share_lrs),
    OPTIONAL_TEXT("window_slope", xbtab__endurance_text, window_slope),
    OPTIONAL_TEXT("window_n0", xbtab__endurance_text, window_n0),
    TRUST(xbtab__endurance_text),
    CYAML_FIELD_END};

static const cyaml_schema_field_t spread_fields[] = {TEXT("name", xbtab__spread_text, name),
                                                     TEXT("family", xbtab__spread_text, family),
                                                     TEXT("location", xbtab__spread_text, location),
                                                     TEXT("spread", xbtab__spread_text, spread),
                                                     OPTIONAL_TEXT("min", xbtab__spread_text, min),
                                                     OPTIONAL_TEXT("max", xbtab__spread_text, max),
                                                     CYAML_FIELD_END};
static const cyaml_schema_value_t spread = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__spread_text, spread_fields)};

static const cyaml_schema_field_t parameters_fields[] = {
    TEXT("model", xbtab__parameters_text, model),
    LIST("values", xbtab__parameters_text, values, &spread, MOST_PARAMETERS),
    OPTIONAL_LIST("correlation", xbtab__parameters_text, correlation, &row, MOST_PARAMETERS),
    TRUST(xbtab__parameters_text), CYAML_FIELD_END};

static const cyaml_schema_field_t window_fields[] = {TEXT("min", xbtab__window_text, min),
                                                     TEXT("max", xbtab__window_text, max), CYAML_FIELD_END};

static const cyaml_schema_field_t population_fields[] = {
    TEXT("name", xbtab__population_text, name),
    TEXT("summary", xbtab__population_text, summary),
    TEXT("source", xbtab__population_text, source),
    CYAML_FIELD_MAPPING("conductance", CYAML_FLAG_DEFAULT, xbtab__population_text, conductance,
                        window_fields),
    OPTIONAL_TEXT("temperature", xbtab__population_text, temperature),
    OPTIONAL_MAPPING("device_to_device", xbtab__population_text, device_to_device, distribution_fields),
    OPTIONAL_MAPPING("cycle_to_cycle", xbtab__population_text, cycle_to_cycle, distribution_fields),
    OPTIONAL_MAPPING("programming", xbtab__population_text, programming, distribution_fields),
    OPTIONAL_MAPPING("read_noise", xbtab__population_text, read_noise, noise_fields),
    OPTIONAL_MAPPING("rtn", xbtab__population_text, rtn, rtn_fields),
    OPTIONAL_MAPPING("relaxation", xbtab__population_text, relaxation, relaxation_fields),
    OPTIONAL_MAPPING("retention", xbtab__population_text, retention, retention_fields),
    OPTIONAL_MAPPING("stuck", xbtab__population_text, stuck, stuck_fields),
    OPTIONAL_MAPPING("endurance", xbtab__population_text, endurance, endurance_fields),
    OPTIONAL_MAPPING("parameters", xbtab__population_text, parameters, parameters_fields),
    CYAML_FIELD_END};

const cyaml_schema_value_t xbtab__population_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, xbtab__population_text, population_fields)};
