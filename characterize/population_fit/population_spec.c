/* population_spec.c - the YAML file of a population fit. */
#include "population_spec.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

typedef struct column_text {
    char *name, *number, *unit;
} column_text;

typedef struct columns_text {
    column_text *device, *time, *writes, *temperature, *conductance, *resistance;
} columns_text;

typedef struct target_text {
    char *count, *first, *step;
} target_text;

typedef struct measurement_text {
    char *effect, *file, *delimiter, *header, *family, *bins, *stuck_hrs_below, *stuck_lrs_above, *lost_below,
        *temperature, *model, *t0, *before, *assumption;
    columns_text *columns;
    target_text *targets;
    char **times, **names;
    unsigned times_count, names_count;
} measurement_text;

typedef struct window_text {
    char *min, *max;
} window_text;

typedef struct spec_text {
    char *name, *summary, *source, *temperature;
    window_text conductance;
    measurement_text *measurements;
    unsigned measurements_count;
} spec_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_MAPPING(key, type, member, fields)                                                          \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)
#define OPTIONAL_LIST(key, type, member, entry)                                                              \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 1, 64)

static const cyaml_schema_value_t word = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED)};
static const cyaml_schema_field_t column_fields[] = {
    OPTIONAL_TEXT("name", column_text, name), OPTIONAL_TEXT("number", column_text, number),
    OPTIONAL_TEXT("unit", column_text, unit), CYAML_FIELD_END};
static const cyaml_schema_field_t columns_fields[] = {
    OPTIONAL_MAPPING("device", columns_text, device, column_fields),
    OPTIONAL_MAPPING("time", columns_text, time, column_fields),
    OPTIONAL_MAPPING("writes", columns_text, writes, column_fields),
    OPTIONAL_MAPPING("temperature", columns_text, temperature, column_fields),
    OPTIONAL_MAPPING("conductance", columns_text, conductance, column_fields),
    OPTIONAL_MAPPING("resistance", columns_text, resistance, column_fields),
    CYAML_FIELD_END};
static const cyaml_schema_field_t target_fields[] = {TEXT("count", target_text, count),
                                                     TEXT("first", target_text, first),
                                                     TEXT("step", target_text, step), CYAML_FIELD_END};
static const cyaml_schema_field_t measurement_fields[] = {
    TEXT("effect", measurement_text, effect),
    TEXT("file", measurement_text, file),
    OPTIONAL_TEXT("delimiter", measurement_text, delimiter),
    OPTIONAL_TEXT("header", measurement_text, header),
    OPTIONAL_TEXT("family", measurement_text, family),
    OPTIONAL_TEXT("bins", measurement_text, bins),
    OPTIONAL_TEXT("stuck_hrs_below", measurement_text, stuck_hrs_below),
    OPTIONAL_TEXT("stuck_lrs_above", measurement_text, stuck_lrs_above),
    OPTIONAL_TEXT("lost_below", measurement_text, lost_below),
    OPTIONAL_TEXT("temperature", measurement_text, temperature),
    OPTIONAL_TEXT("model", measurement_text, model),
    OPTIONAL_TEXT("t0", measurement_text, t0),
    OPTIONAL_TEXT("before", measurement_text, before),
    OPTIONAL_TEXT("assumption", measurement_text, assumption),
    OPTIONAL_MAPPING("columns", measurement_text, columns, columns_fields),
    OPTIONAL_MAPPING("targets", measurement_text, targets, target_fields),
    OPTIONAL_LIST("times", measurement_text, times, &word),
    OPTIONAL_LIST("names", measurement_text, names, &word),
    CYAML_FIELD_END};
static const cyaml_schema_value_t measurement_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, measurement_text, measurement_fields)};
static const cyaml_schema_field_t window_fields[] = {TEXT("min", window_text, min),
                                                     TEXT("max", window_text, max), CYAML_FIELD_END};
static const cyaml_schema_field_t spec_fields[] = {
    TEXT("name", spec_text, name),
    TEXT("summary", spec_text, summary),
    TEXT("source", spec_text, source),
    OPTIONAL_TEXT("temperature", spec_text, temperature),
    CYAML_FIELD_MAPPING("conductance", CYAML_FLAG_DEFAULT, spec_text, conductance, window_fields),
    CYAML_FIELD_SEQUENCE("measurements", CYAML_FLAG_POINTER, spec_text, measurements, &measurement_value, 1,
                         64),
    CYAML_FIELD_END};
static const cyaml_schema_value_t spec_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, spec_text, spec_fields)};

static xbtab_status copy_text(char **out, const char *text)
{
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

static xbtab_status take_column(xbtab__column *column, const xbtab__yaml *yaml, const char *key,
                                const column_text *text, const char *unit)
{
    char one[64];
    column->times = 1;
    column->si = unit;
    if (!text) return XBTAB_OK;
    column->has_unit = text->unit != NULL;
    if (!text->name == !text->number) return xbtab__yaml_fail(yaml, key, "each needs name or number");
    if (text->name) XBTAB_TRY(copy_text(&column->name, text->name));
    XBTAB_TRY(xbtab__yaml_int(&column->number, yaml, key, text->number, 1, 10000));
    if (!text->unit || strcmp(unit, "1") == 0) return XBTAB_OK;
    snprintf(one, sizeof one, "1 %s", text->unit);
    return xbtab__yaml_quantity(&column->times, yaml, key, one, unit, DBL_MIN, DBL_MAX);
}

static xbtab_status take_columns(xbtab__measurement *m, const xbtab__yaml *yaml, const char *key,
                                 const measurement_text *text)
{
    static const char *const delimiters[] = {"auto", "tab", "comma", "semicolon", "space", NULL};
    static const char *const answers[] = {"no", "yes", "auto", NULL};
    const columns_text none = {0}, *t = text->columns ? text->columns : &none;
    xbtab__calibration *c = &m->columns;
    int delimiter = 0;
    c->header = 2;
    XBTAB_TRY(xbtab__yaml_choice(&delimiter, yaml, key, text->delimiter, delimiters));
    XBTAB_TRY(xbtab__yaml_choice(&c->header, yaml, key, text->header, answers));
    if (c->header == 2) c->header = -1;
    c->delimiter = "\0\t,; "[delimiter];
    c->kind = XBTAB_FIT_RETENTION;
    c->least = -DBL_MAX;
    c->most = DBL_MAX;
    c->path = yaml->path; /* borrowed; for messages of the reader */
    c->y_is_resistance = t->resistance != NULL;
    if (m->effect != XBTAB__EFFECT_PARAMETERS && !t->conductance == !t->resistance)
        return xbtab__yaml_fail(yaml, key, "columns needs one of conductance and resistance");
    bool needs_time =
        (m->effect == XBTAB__EFFECT_RELAXATION && !text->targets) || m->effect == XBTAB__EFFECT_RETENTION;
    if (needs_time && (!t->time || !t->device))
        return xbtab__yaml_fail(yaml, key, "columns needs device and time");
    if (m->effect == XBTAB__EFFECT_ENDURANCE && !t->writes)
        return xbtab__yaml_fail(yaml, key, "columns needs writes");
    if (m->effect == XBTAB__EFFECT_RETENTION && !t->temperature)
        return xbtab__yaml_fail(yaml, key, "columns needs temperature");
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_X], yaml, key, t->writes ? t->writes : t->time,
                          t->writes ? "1" : "s"));
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_Y], yaml, key, t->resistance ? t->resistance : t->conductance,
                          t->resistance ? "ohm" : "S"));
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_DEVICE], yaml, key, t->device, "1"));
    return take_column(&c->column[XBTAB_FIT_TEMPERATURE], yaml, key, t->temperature, "K");
}

static xbtab_status take_measurement(xbtab__measurement *m, const xbtab__yaml *yaml,
                                     const measurement_text *text, unsigned k)
{
    static const char *const effects[] = {"programming", "relaxation", "device_to_device", "cycle_to_cycle",
                                          "read_noise",  "stuck",      "endurance",        "retention",
                                          "parameters",  NULL};
    static const char *const families[] = {"none", "normal", "lognormal", "quantiles", NULL};
    char key[64];
    int choice = 0;
    snprintf(key, sizeof key, "measurements[%u]", k);
    XBTAB_TRY(xbtab__yaml_choice(&choice, yaml, key, text->effect, effects));
    m->effect = (xbtab__effect)choice;
    XBTAB_TRY(copy_text(&m->file, text->file));
    XBTAB_TRY(take_columns(m, yaml, key, text));
    m->family = -1;
    XBTAB_TRY(xbtab__yaml_choice(&m->family, yaml, key, text->family, families));
    m->bins = 16;
    XBTAB_TRY(xbtab__yaml_int(&m->bins, yaml, key, text->bins, 1, 1000));
    m->lost_below = m->effect == XBTAB__EFFECT_RETENTION ? 0.8 : 0.5;
    m->temperature = 358.15;
    XBTAB_TRY(xbtab__yaml_quantity(&m->lost_below, yaml, key, text->lost_below, "1", 0.01, 0.999));
    XBTAB_TRY(xbtab__yaml_quantity(&m->hrs_below, yaml, key, text->stuck_hrs_below, "S", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&m->lrs_above, yaml, key, text->stuck_lrs_above, "S", 0, 1));
    XBTAB_TRY(xbtab__yaml_quantity(&m->temperature, yaml, key, text->temperature, "K", 1, 2000));
    if (m->effect == XBTAB__EFFECT_PROGRAMMING && !text->targets)
        return xbtab__yaml_fail(yaml, key, "programming needs targets: {count, first, step}");
    if (text->targets) {
        XBTAB_TRY(xbtab__yaml_int(&m->target_count, yaml, key, text->targets->count, 1, 4096));
        XBTAB_TRY(xbtab__yaml_quantity(&m->target_first, yaml, key, text->targets->first, "S", 0, 1));
        XBTAB_TRY(xbtab__yaml_quantity(&m->target_step, yaml, key, text->targets->step, "S", 1e-15, 1));
    }
    if (m->effect == XBTAB__EFFECT_RELAXATION && !text->times_count)
        return xbtab__yaml_fail(yaml, key, "relaxation needs times");
    m->time = xbtab__alloc(text->times_count, sizeof *m->time);
    m->name = xbtab__alloc(text->names_count, sizeof *m->name);
    if (!m->time || !m->name) return XBTAB_NOMEM();
    for (unsigned l = 0; l < text->times_count; l++, m->n_times++) {
        XBTAB_TRY(xbtab__yaml_quantity(&m->time[l], yaml, key, text->times[l], "s", 1e-9, 1e12));
        if (l > 0 && m->time[l] <= m->time[l - 1]) return xbtab__yaml_fail(yaml, key, "times must rise");
    }
    if (m->effect == XBTAB__EFFECT_RELAXATION) {
        if (text->targets && (m->n_times != 1 || text->columns->time))
            return xbtab__yaml_fail(yaml, key,
                                    "relaxation with targets takes one of times, and no column time");
        m->t0 = m->time[0] / 10;
        XBTAB_TRY(xbtab__yaml_quantity(&m->t0, yaml, key, text->t0, "s", 1e-12, m->time[0]));
    }
    if (text->before && (m->effect != XBTAB__EFFECT_RELAXATION || !text->targets))
        return xbtab__yaml_fail(yaml, key, "before goes with relaxation that has targets");
    if (text->before) XBTAB_TRY(copy_text(&m->before, text->before));
    if (text->assumption) XBTAB_TRY(copy_text(&m->assumption, text->assumption));
    if (m->effect == XBTAB__EFFECT_PARAMETERS && (!text->model || !text->names_count))
        return xbtab__yaml_fail(yaml, key, "parameters needs model, and names of columns");
    if (text->model) XBTAB_TRY(copy_text(&m->model, text->model));
    for (unsigned l = 0; l < text->names_count; l++, m->n_names++)
        XBTAB_TRY(copy_text(&m->name[l], text->names[l]));
    return XBTAB_OK;
}

static xbtab_status take_spec(xbtab__population_spec *s, const xbtab__yaml *yaml, const spec_text *text)
{
    XBTAB_TRY(copy_text(&s->path, yaml->path));
    XBTAB_TRY(copy_text(&s->name, text->name));
    XBTAB_TRY(copy_text(&s->summary, text->summary));
    XBTAB_TRY(copy_text(&s->source, text->source));
    s->temperature = 300;
    XBTAB_TRY(xbtab__yaml_quantity(&s->temperature, yaml, "temperature", text->temperature, "K", 1, 2000));
    XBTAB_TRY(xbtab__yaml_quantity(&s->G_min, yaml, "conductance.min", text->conductance.min, "S", 0, 1));
    XBTAB_TRY(
        xbtab__yaml_quantity(&s->G_max, yaml, "conductance.max", text->conductance.max, "S", s->G_min, 1));
    s->measurement = xbtab__alloc(text->measurements_count, sizeof *s->measurement);
    if (!s->measurement) return XBTAB_NOMEM();
    for (unsigned k = 0; k < text->measurements_count; k++) {
        s->n++;
        XBTAB_TRY(take_measurement(&s->measurement[k], yaml, &text->measurements[k], k));
        s->measurement[k].columns.path = s->path;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__population_spec_open(xbtab__population_spec **out, const char *path)
{
    xbtab__yaml yaml = {0};
    void *text = NULL;
    xbtab__population_spec *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    xbtab_status status = xbtab__yaml_read(&yaml, path);
    if (status == XBTAB_OK) status = xbtab__yaml_load(&text, &yaml, &spec_value);
    if (status == XBTAB_OK) status = take_spec(s, &yaml, text);
    xbtab__yaml_free_data(text, &spec_value);
    xbtab__yaml_clear(&yaml);
    if (status < 0) {
        xbtab__population_spec_destroy(&s);
        return status;
    }
    *out = s;
    return XBTAB_OK;
}

void xbtab__population_spec_destroy(xbtab__population_spec **spec)
{
    xbtab__population_spec *s = *spec;
    if (!s) return;
    for (int k = 0; k < s->n; k++) {
        xbtab__measurement *m = &s->measurement[k];
        for (int l = 0; l < XBTAB_FIT_COLUMNS; l++) xbtab__free(m->columns.column[l].name);
        for (int l = 0; l < m->n_names; l++) xbtab__free(m->name[l]);
        xbtab__free(m->name);
        xbtab__free(m->time);
        xbtab__free(m->model);
        xbtab__free(m->before);
        xbtab__free(m->assumption);
        xbtab__free(m->file);
    }
    xbtab__free(s->measurement);
    xbtab__free(s->path);
    xbtab__free(s->name);
    xbtab__free(s->summary);
    xbtab__free(s->source);
    xbtab__free(s);
    *spec = NULL;
}
