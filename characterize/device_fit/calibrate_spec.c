/* calibrate_spec.c - a calibration's YAML file: schema, defaults, units and bounds. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate_spec.h"
#include "memory.h"
#include "quantity.h"

typedef struct value_text {
    char *name, *value;
} value_text;

typedef struct use_text {
    char *model;
    value_text *parameters;
    unsigned parameters_count;
} use_text;

typedef struct law_parameter_text {
    char *name, *unit, *value, *min, *max, *description;
} law_parameter_text;

typedef struct law_text {
    char *formula;
    law_parameter_text *parameters;
    unsigned parameters_count;
} law_text;

typedef struct instrument_text {
    char *offset, *series, *parallel;
} instrument_text;

typedef struct fit_text {
    char *name, *fit, *start, *min, *max;
} fit_text;

typedef struct calibration_text {
    char *name, *kind, *description, *model, *weighting, *loss, *starts, *seed, *held_out;
    use_text *selector;
    law_text *law;
    xbtab__data_text data;
    xbtab__pulses_text *pulses;
    instrument_text *instrument;
    fit_text *parameters;
    unsigned parameters_count;
} calibration_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_MAPPING(key, type, member, fields)                                                          \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)
#define OPTIONAL_LIST(key, type, member, entry)                                                              \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, 200)

static const cyaml_schema_field_t value_fields[] = {TEXT("name", value_text, name),
                                                    TEXT("value", value_text, value), CYAML_FIELD_END};
static const cyaml_schema_value_t value_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, value_text, value_fields)};
static const cyaml_schema_field_t use_fields[] = {
    TEXT("model", use_text, model), OPTIONAL_LIST("parameters", use_text, parameters, &value_value),
    CYAML_FIELD_END};
static const cyaml_schema_field_t law_parameter_fields[] = {
    TEXT("name", law_parameter_text, name),
    TEXT("unit", law_parameter_text, unit),
    TEXT("default", law_parameter_text, value),
    TEXT("min", law_parameter_text, min),
    TEXT("max", law_parameter_text, max),
    TEXT("description", law_parameter_text, description),
    CYAML_FIELD_END};
static const cyaml_schema_value_t law_parameter_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, law_parameter_text, law_parameter_fields)};
static const cyaml_schema_field_t law_fields[] = {
    TEXT("formula", law_text, formula),
    OPTIONAL_LIST("parameters", law_text, parameters, &law_parameter_value), CYAML_FIELD_END};
static const cyaml_schema_field_t column_fields[] = {
    OPTIONAL_TEXT("name", xbtab__column_text, name), OPTIONAL_TEXT("number", xbtab__column_text, number),
    OPTIONAL_TEXT("unit", xbtab__column_text, unit), CYAML_FIELD_END};
static const cyaml_schema_field_t columns_fields[] = {
    OPTIONAL_MAPPING("device", xbtab__columns_text, device, column_fields),
    OPTIONAL_MAPPING("voltage", xbtab__columns_text, voltage, column_fields),
    OPTIONAL_MAPPING("current", xbtab__columns_text, current, column_fields),
    OPTIONAL_MAPPING("pulse", xbtab__columns_text, pulse, column_fields),
    OPTIONAL_MAPPING("time", xbtab__columns_text, time, column_fields),
    OPTIONAL_MAPPING("temperature", xbtab__columns_text, temperature, column_fields),
    OPTIONAL_MAPPING("conductance", xbtab__columns_text, conductance, column_fields),
    OPTIONAL_MAPPING("resistance", xbtab__columns_text, resistance, column_fields),
    OPTIONAL_MAPPING("state", xbtab__columns_text, state, column_fields),
    OPTIONAL_MAPPING("amplitude", xbtab__columns_text, amplitude, column_fields),
    OPTIONAL_MAPPING("width", xbtab__columns_text, width, column_fields),
    OPTIONAL_MAPPING("gate", xbtab__columns_text, gate, column_fields),
    CYAML_FIELD_END};
static const cyaml_schema_field_t range_fields[] = {OPTIONAL_TEXT("min", xbtab__range_text, min),
                                                    OPTIONAL_TEXT("max", xbtab__range_text, max),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t data_fields[] = {
    OPTIONAL_TEXT("delimiter", xbtab__data_text, delimiter),
    OPTIONAL_TEXT("header", xbtab__data_text, header),
    OPTIONAL_TEXT("accept_units", xbtab__data_text, accept_units),
    OPTIONAL_TEXT("read_voltage", xbtab__data_text, read_voltage),
    CYAML_FIELD_MAPPING("columns", CYAML_FLAG_DEFAULT, xbtab__data_text, columns, columns_fields),
    OPTIONAL_MAPPING("range", xbtab__data_text, range, range_fields),
    CYAML_FIELD_END};
static const cyaml_schema_field_t pulses_fields[] = {
    OPTIONAL_TEXT("amplitude", xbtab__pulses_text, amplitude),
    OPTIONAL_TEXT("width", xbtab__pulses_text, width), OPTIONAL_TEXT("gate", xbtab__pulses_text, gate),
    CYAML_FIELD_END};
static const cyaml_schema_field_t instrument_fields[] = {
    OPTIONAL_TEXT("offset", instrument_text, offset), OPTIONAL_TEXT("series", instrument_text, series),
    OPTIONAL_TEXT("parallel", instrument_text, parallel), CYAML_FIELD_END};
static const cyaml_schema_field_t fit_fields[] = {TEXT("name", fit_text, name),
                                                  TEXT("fit", fit_text, fit),
                                                  OPTIONAL_TEXT("start", fit_text, start),
                                                  OPTIONAL_TEXT("min", fit_text, min),
                                                  OPTIONAL_TEXT("max", fit_text, max),
                                                  CYAML_FIELD_END};
static const cyaml_schema_value_t fit_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, fit_text, fit_fields)};
static const cyaml_schema_field_t calibration_fields[] = {
    TEXT("name", calibration_text, name),
    TEXT("kind", calibration_text, kind),
    OPTIONAL_TEXT("description", calibration_text, description),
    OPTIONAL_TEXT("model", calibration_text, model),
    OPTIONAL_MAPPING("selector", calibration_text, selector, use_fields),
    OPTIONAL_MAPPING("law", calibration_text, law, law_fields),
    CYAML_FIELD_MAPPING("data", CYAML_FLAG_DEFAULT, calibration_text, data, data_fields),
    OPTIONAL_MAPPING("pulses", calibration_text, pulses, pulses_fields),
    OPTIONAL_MAPPING("instrument", calibration_text, instrument, instrument_fields),
    OPTIONAL_TEXT("weighting", calibration_text, weighting),
    OPTIONAL_TEXT("loss", calibration_text, loss),
    OPTIONAL_LIST("parameters", calibration_text, parameters, &fit_value),
    OPTIONAL_TEXT("starts", calibration_text, starts),
    OPTIONAL_TEXT("seed", calibration_text, seed),
    OPTIONAL_TEXT("held_out", calibration_text, held_out),
    CYAML_FIELD_END};
static const cyaml_schema_value_t calibration_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, calibration_text, calibration_fields)};

static xbtab_status copy_text(char **out, const char *text)
{
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

static const xbtab_model *find_model(const xbtab_models *models, xbtab_model_kind kind, const char *name,
                                     const xbtab__yaml *yaml, const char *key)
{
    const xbtab_model *model = xbtab_models_find(models, kind, name);
    if (!model && xbtab_models_check(models, kind, name) == XBTAB_OK) {
        xbtab_status status =
            xbtab__yaml_fail(yaml, key, "no %s model is called \"%s\"; see: xbartab models list",
                             xbtab_model_kind_name(kind), name);
        (void)status;
    }
    return model;
}

/* ---- parameters ---- */

static xbtab_status add_parameter(xbtab__quantity_fitted *q, const char *name, const char *unit,
                                  const char *description, double value, double min, double max)
{
    XBTAB_TRY(copy_text(&q->name, name));
    XBTAB_TRY(copy_text(&q->unit, unit));
    XBTAB_TRY(copy_text(&q->description, description));
    q->value = value;
    q->min = min;
    q->max = max;
    return XBTAB_OK;
}

static xbtab_status take_law(xbtab__calibration *c, const xbtab__yaml *yaml, const law_text *text)
{
    c->n_own = (int)text->parameters_count;
    XBTAB_TRY(copy_text(&c->formula_text, text->formula));
    for (int k = 0; k < c->n_own; k++) {
        const law_parameter_text *t = &text->parameters[k];
        char key[64];
        double value = 0, min = 0, max = 0;
        snprintf(key, sizeof key, "law.parameters[%d]", k);
        XBTAB_TRY(xbtab__yaml_quantity(&min, yaml, key, t->min, t->unit, -DBL_MAX, DBL_MAX));
        XBTAB_TRY(xbtab__yaml_quantity(&max, yaml, key, t->max, t->unit, min, DBL_MAX));
        XBTAB_TRY(xbtab__yaml_quantity(&value, yaml, key, t->value, t->unit, min, max));
        XBTAB_TRY(add_parameter(&c->parameter[k], t->name, t->unit, t->description, value, min, max));
    }
    return XBTAB_OK;
}

static xbtab_status take_model(xbtab__calibration *c, const xbtab__yaml *yaml, const calibration_text *text,
                               const xbtab_models *models)
{
    for (int k = 0; k < c->n_own; k++) {
        const xbtab_parameter *p =
            k < c->n_read ? &c->model->parameters[k] : &c->model->dynamic->parameters[k - c->n_read];
        XBTAB_TRY(
            add_parameter(&c->parameter[k], p->name, p->unit, p->description, p->value, p->min, p->max));
    }
    if (!text->selector) return XBTAB_OK;
    c->selector = find_model(models, XBTAB_MODEL_SELECTOR, text->selector->model, yaml, "selector.model");
    if (!c->selector) return XBTAB_ERR_INPUT;
    c->selector_value = xbtab__alloc((size_t)c->selector->n_parameters, sizeof *c->selector_value);
    if (!c->selector_value) return XBTAB_NOMEM();
    for (int k = 0; k < c->selector->n_parameters; k++)
        c->selector_value[k] = c->selector->parameters[k].value;
    for (unsigned k = 0; k < text->selector->parameters_count; k++) {
        const value_text *v = &text->selector->parameters[k];
        char key[64];
        int index = xbtab_model_parameter(c->selector, v->name);
        snprintf(key, sizeof key, "selector.parameters[%u].name", k);
        if (index < 0)
            return xbtab__yaml_fail(yaml, key, "%s has no parameter \"%s\"", c->selector->name, v->name);
        const xbtab_parameter *p = &c->selector->parameters[index];
        XBTAB_TRY(
            xbtab__yaml_quantity(&c->selector_value[index], yaml, key, v->value, p->unit, p->min, p->max));
    }
    if (c->selector->n_pins == 0) c->selector = NULL; /* no element at all */
    return XBTAB_OK;
}

/* The closed form, over the parameters, the argument and T; a selector in series has none. */
static xbtab_status take_formula(xbtab__calibration *c, const xbtab__yaml *yaml)
{
    static const char *const arguments[] = {"V", "n", "t"};
    const char *text = c->model ? c->model->current : c->formula_text, **names;
    if (!text || c->selector) return XBTAB_OK;
    names = xbtab__alloc((size_t)c->n_read + 2, sizeof *names);
    if (!names) return XBTAB_NOMEM();
    for (int k = 0; k < c->n_read; k++) names[k] = c->parameter[k].name;
    names[c->n_read] = c->model ? "V" : arguments[c->kind];
    names[c->n_read + 1] = "T";
    xbtab_status status = xbtab__expression_create(&c->formula, text, names, c->n_read + 2);
    xbtab__free(names);
    if (status == XBTAB_ERR_INPUT)
        return xbtab__error_prefix(status, "%s:%d: law", yaml->path, xbtab__yaml_line(yaml, "law.formula"));
    return status;
}

static xbtab_status take_instrument(xbtab__calibration *c, const xbtab__yaml *yaml,
                                    const instrument_text *text)
{
    static const char *const offsets[] = {"none", "first", "shared", "device", NULL};
    xbtab__quantity_fitted *q = c->parameter + c->n_own;
    int offset = 0;
    XBTAB_TRY(add_parameter(&q[XBTAB__OFFSET], "offset", c->kind == XBTAB_FIT_IV ? "A" : "S",
                            "added by the instrument", 0, -DBL_MAX, DBL_MAX));
    XBTAB_TRY(add_parameter(&q[XBTAB__SERIES], "series", "ohm", "in series with the cell", 0, 0, 1e9));
    XBTAB_TRY(add_parameter(&q[XBTAB__PARALLEL], "parallel", "ohm", "across the cell", 1e18, 1, 1e18));
    if (!text) return XBTAB_OK;
    if (c->kind != XBTAB_FIT_IV && (text->series || text->parallel))
        return xbtab__yaml_fail(yaml, "instrument", "series and parallel are for kind iv");
    XBTAB_TRY(xbtab__yaml_choice(&offset, yaml, "instrument.offset", text->offset, offsets));
    c->offset_is_first = offset == 1;
    q[XBTAB__OFFSET].role = offset == 2   ? XBTAB_FIT_SHARED
                            : offset == 3 ? XBTAB_FIT_DEVICE_OWN
                                          : XBTAB_FIT_FIXED;
    XBTAB_TRY(xbtab__yaml_quantity(&q[XBTAB__SERIES].value, yaml, "instrument.series", text->series, "ohm", 0,
                                   1e9));
    return xbtab__yaml_quantity(&q[XBTAB__PARALLEL].value, yaml, "instrument.parallel", text->parallel, "ohm",
                                1, 1e18);
}

static xbtab_status take_roles(xbtab__calibration *c, const xbtab__yaml *yaml, const calibration_text *text)
{
    static const char *const roles[] = {"fixed", "shared", "device", NULL};
    for (unsigned k = 0; k < text->parameters_count; k++) {
        const fit_text *t = &text->parameters[k];
        char key[64];
        int index = 0, role = 0;
        snprintf(key, sizeof key, "parameters[%u]", k);
        while (index < c->n_parameters && strcmp(c->parameter[index].name, t->name) != 0) index++;
        if (index == c->n_parameters || (c->kind != XBTAB_FIT_IV && index > c->n_own))
            return xbtab__yaml_fail(yaml, key, "there is no parameter \"%s\"", t->name);
        xbtab__quantity_fitted *q = &c->parameter[index];
        XBTAB_TRY(xbtab__yaml_choice(&role, yaml, key, t->fit, roles));
        q->role = (xbtab_fit_role)role;
        double min = q->min, max = q->max; /* the sheet's bounds are the outermost */
        XBTAB_TRY(xbtab__yaml_quantity(&q->min, yaml, key, t->min, q->unit, min, max));
        XBTAB_TRY(xbtab__yaml_quantity(&q->max, yaml, key, t->max, q->unit, q->min, max));
        if (!t->start) q->value = fmin(fmax(q->value, q->min), q->max);
        XBTAB_TRY(xbtab__yaml_quantity(&q->value, yaml, key, t->start, q->unit, q->min, q->max));
    }
    c->shared = xbtab__alloc((size_t)c->n_parameters, sizeof *c->shared);
    c->device = xbtab__alloc((size_t)c->n_parameters, sizeof *c->device);
    if (!c->shared || !c->device) return XBTAB_NOMEM();
    for (int k = 0; k < c->n_parameters; k++) {
        xbtab__quantity_fitted *q = &c->parameter[k];
        bool unbounded = q->min == -DBL_MAX || q->max == DBL_MAX;
        q->scale = unbounded                              ? XBTAB__SCALE_FREE
                   : q->min > 0 && q->max / q->min >= 100 ? XBTAB__SCALE_LOG
                                                          : XBTAB__SCALE_LINEAR;
        q->step = c->kind == XBTAB_FIT_IV ? 1e-6 : 1e-5;
        if (q->role == XBTAB_FIT_SHARED) c->shared[c->n_shared++] = k;
        if (q->role == XBTAB_FIT_DEVICE_OWN) c->device[c->n_device++] = k;
        if (q->role != XBTAB_FIT_FIXED && !unbounded && q->min >= q->max)
            return xbtab__yaml_fail(yaml, "parameters", "%s has no room between its bounds", q->name);
    }
    const xbtab__quantity_fitted *instrument = c->parameter + c->n_own;
    c->has_series = instrument[XBTAB__SERIES].role != XBTAB_FIT_FIXED || instrument[XBTAB__SERIES].value > 0;
    c->has_parallel =
        instrument[XBTAB__PARALLEL].role != XBTAB_FIT_FIXED || instrument[XBTAB__PARALLEL].value < 1e18;
    if (c->n_shared + c->n_device == 0)
        return xbtab__yaml_fail(yaml, "parameters",
                                "nothing is fitted; give some fit: shared or fit: device");
    if (c->n_device > 8) return xbtab__yaml_fail(yaml, "parameters", "at most 8 may be a device's own");
    return XBTAB_OK;
}

/* ---- the whole ---- */

static xbtab_status take_calibration(xbtab__calibration *c, const xbtab__yaml *yaml,
                                     const calibration_text *text, const xbtab_models *models)
{
    static const char *const kinds[] = {"iv", "pulses", "retention", NULL};
    static const char *const weightings[] = {"linear", "log", NULL};
    static const char *const losses[] = {"squares", "huber", "cauchy", NULL};
    int word = 0;
    XBTAB_TRY(copy_text(&c->path, yaml->path));
    XBTAB_TRY(copy_text(&c->text, yaml->text));
    XBTAB_TRY(copy_text(&c->name, text->name));
    if (text->description) XBTAB_TRY(copy_text(&c->description, text->description));
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, "kind", text->kind, kinds));
    c->kind = (xbtab_fit_kind)word;
    if (!text->model == !text->law || (c->kind == XBTAB_FIT_IV && text->law) ||
        (c->kind == XBTAB_FIT_RETENTION && text->model))
        return xbtab__yaml_fail(yaml, "kind",
                                "kind iv needs model, kind retention law, kind pulses one of both");
    c->state = -1;
    if (text->model) {
        c->model = find_model(models, XBTAB_MODEL_RRAM, text->model, yaml, "model");
        if (!c->model) return XBTAB_ERR_INPUT;
        c->n_own = c->n_read = c->model->n_parameters;
        c->state = c->model->state;
        if (c->kind == XBTAB_FIT_PULSES && !c->model->dynamic) {
            return xbtab__yaml_fail(
                yaml, "model",
                "%s is a read curve that does not switch; take a model with \"dynamic\", or a law",
                c->model->name);
        }
        if (c->kind == XBTAB_FIT_PULSES) c->n_own += c->model->dynamic->n_parameters;
    } else {
        c->n_own = c->n_read = (int)text->law->parameters_count;
    }
    c->n_parameters = c->n_own + XBTAB__INSTRUMENT;
    c->parameter = xbtab__alloc((size_t)c->n_parameters, sizeof *c->parameter);
    if (!c->parameter) return XBTAB_NOMEM();
    XBTAB_TRY(text->model ? take_model(c, yaml, text, models) : take_law(c, yaml, text->law));
    XBTAB_TRY(take_formula(c, yaml));
    XBTAB_TRY(take_instrument(c, yaml, text->instrument));
    XBTAB_TRY(take_roles(c, yaml, text));
    XBTAB_TRY(xbtab__calibration_take_data(c, yaml, &text->data, text->pulses));
    word = 0;
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, "weighting", text->weighting, weightings));
    c->weighting = (xbtab__weighting)word;
    word = 0;
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, "loss", text->loss, losses));
    c->loss = (xbtab_fit_loss)word;
    c->n_starts = 3;
    XBTAB_TRY(xbtab__yaml_int(&c->n_starts, yaml, "starts", text->starts, 1, 1000));
    XBTAB_TRY(xbtab__yaml_quantity(&c->heldout_share, yaml, "held_out", text->held_out, "1", 0, 0.9));
    int seed = 1;
    XBTAB_TRY(xbtab__yaml_int(&seed, yaml, "seed", text->seed, 0, 2147483647));
    c->seed = (uint64_t)seed;
    return XBTAB_OK;
}

xbtab_status xbtab__calibration_open(xbtab__calibration **out, const char *path, const xbtab_models *models)
{
    xbtab__yaml yaml = {0};
    void *text = NULL;
    xbtab__calibration *c = xbtab__alloc(1, sizeof *c);
    if (!c) return XBTAB_NOMEM();
    xbtab_status status = xbtab__yaml_read(&yaml, path);
    if (status == XBTAB_OK) status = xbtab__yaml_load(&text, &yaml, &calibration_value);
    if (status == XBTAB_OK) status = take_calibration(c, &yaml, text, models);
    xbtab__yaml_free_data(text, &calibration_value);
    xbtab__yaml_clear(&yaml);
    if (status < 0) {
        xbtab__calibration_destroy(&c);
        return status;
    }
    *out = c;
    return XBTAB_OK;
}

void xbtab__calibration_destroy(xbtab__calibration **calibration)
{
    xbtab__calibration *c = *calibration;
    if (!c) return;
    for (int k = 0; k < c->n_parameters && c->parameter; k++) {
        xbtab__free(c->parameter[k].name);
        xbtab__free(c->parameter[k].unit);
        xbtab__free(c->parameter[k].description);
    }
    for (int k = 0; k < XBTAB_FIT_COLUMNS; k++) {
        xbtab__free(c->column[k].name);
        xbtab__free(c->column[k].unit);
    }
    xbtab__expression_destroy(&c->formula);
    xbtab__free(c->parameter);
    xbtab__free(c->shared);
    xbtab__free(c->device);
    xbtab__free(c->selector_value);
    xbtab__free(c->formula_text);
    xbtab__free(c->path);
    xbtab__free(c->text);
    xbtab__free(c->name);
    xbtab__free(c->description);
    xbtab__free(c);
    *calibration = NULL;
}
