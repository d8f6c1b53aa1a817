/* models_sheet.c - a model's sheet, NAME.yaml: schema, units, bounds, and what belongs together. */
#include "models_sheet.h"

#include <ctype.h>
#include <float.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "expression.h"
#include "memory.h"
#include "presets.h"
#include "quantity.h"
#include "spice_allow.h"

const char *const xbtab__model_kind_names[XBTAB_MODEL_KINDS + 1] = {"rram", "selector", "tia", "wire", NULL};

/* ---- the sheet as YAML text ---- */

typedef struct parameter_text {
    char *name, *unit, *value, *min, *max, *description, *source, *trust;
} parameter_text;

typedef struct check_text {
    char *state, *voltage, *resistance, *chord, *current, *output, *tolerance, *source;
} check_text;

typedef struct state_text {
    char *parameter, *scale;
} state_text;

typedef struct gain_text {
    char *parameter, *full_scale_output;
} gain_text;

typedef struct offset_text {
    char *parameter, *sigma;
} offset_text;

typedef struct pulse_text {
    char *amplitude, *width;
} pulse_text;

typedef struct dynamic_text {
    char *subcircuit, *scale, *noise_interval;
    parameter_text *parameters;
    unsigned parameters_count;
    pulse_text set, reset;
} dynamic_text;

typedef struct sheet_text {
    char *name, *kind, *summary, *source, *licence, *gate, *turn_on, *holding, *size, *card, *current;
    char **pins;
    unsigned pins_count;
    state_text *state;
    gain_text *gain;
    dynamic_text *dynamic;
    offset_text *offset;
    xbtab__preset_text *presets;
    unsigned presets_count;
    xbtab__operating_text *operating;
    unsigned operating_count;
    parameter_text *parameters;
    unsigned parameters_count;
    check_text *checks;
    unsigned checks_count;
} sheet_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t parameter_fields[] = {TEXT("name", parameter_text, name),
                                                        TEXT("unit", parameter_text, unit),
                                                        TEXT("default", parameter_text, value),
                                                        TEXT("min", parameter_text, min),
                                                        TEXT("max", parameter_text, max),
                                                        TEXT("description", parameter_text, description),
                                                        TEXT("source", parameter_text, source),
                                                        TEXT("trust", parameter_text, trust),
                                                        CYAML_FIELD_END};
static const cyaml_schema_value_t parameter_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, parameter_text, parameter_fields)};

static const cyaml_schema_field_t check_fields[] = {OPTIONAL_TEXT("state", check_text, state),
                                                    OPTIONAL_TEXT("voltage", check_text, voltage),
                                                    OPTIONAL_TEXT("resistance", check_text, resistance),
                                                    OPTIONAL_TEXT("chord", check_text, chord),
                                                    OPTIONAL_TEXT("current", check_text, current),
                                                    OPTIONAL_TEXT("output", check_text, output),
                                                    TEXT("tolerance", check_text, tolerance),
                                                    TEXT("source", check_text, source),
                                                    CYAML_FIELD_END};
static const cyaml_schema_value_t check_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, check_text, check_fields)};

static const cyaml_schema_field_t state_fields[] = {TEXT("parameter", state_text, parameter),
                                                    TEXT("scale", state_text, scale), CYAML_FIELD_END};
static const cyaml_schema_field_t gain_fields[] = {TEXT("parameter", gain_text, parameter),
                                                   TEXT("full_scale_output", gain_text, full_scale_output),
                                                   CYAML_FIELD_END};

static const cyaml_schema_field_t offset_fields[] = {TEXT("parameter", offset_text, parameter),
                                                     TEXT("sigma", offset_text, sigma), CYAML_FIELD_END};

static const cyaml_schema_field_t pulse_fields[] = {TEXT("amplitude", pulse_text, amplitude),
                                                    TEXT("width", pulse_text, width), CYAML_FIELD_END};
static const cyaml_schema_field_t dynamic_fields[] = {
    TEXT("subcircuit", dynamic_text, subcircuit),
    TEXT("scale", dynamic_text, scale),
    OPTIONAL_TEXT("noise_interval", dynamic_text, noise_interval),
    CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, dynamic_text, parameters,
                         &parameter_value, 0, 200),
    CYAML_FIELD_MAPPING("set", CYAML_FLAG_DEFAULT, dynamic_text, set, pulse_fields),
    CYAML_FIELD_MAPPING("reset", CYAML_FLAG_DEFAULT, dynamic_text, reset, pulse_fields),
    CYAML_FIELD_END};

static const cyaml_schema_value_t pin_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED)};

static const cyaml_schema_field_t sheet_fields[] = {
    TEXT("name", sheet_text, name),
    TEXT("kind", sheet_text, kind),
    TEXT("summary", sheet_text, summary),
    TEXT("source", sheet_text, source),
    TEXT("licence", sheet_text, licence),
    CYAML_FIELD_SEQUENCE("pins", CYAML_FLAG_POINTER, sheet_text, pins, &pin_value, 0, 3),
    CYAML_FIELD_MAPPING_PTR("state", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, state,
                            state_fields),
    OPTIONAL_TEXT("gate", sheet_text, gate),
    OPTIONAL_TEXT("turn_on", sheet_text, turn_on),
    OPTIONAL_TEXT("holding", sheet_text, holding),
    OPTIONAL_TEXT("size", sheet_text, size),
    OPTIONAL_TEXT("card", sheet_text, card),
    OPTIONAL_TEXT("current", sheet_text, current),
    CYAML_FIELD_IGNORE("fit", CYAML_FLAG_OPTIONAL), /* figures of a calibrated sheet, for its reader */
    CYAML_FIELD_MAPPING_PTR("gain", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, gain, gain_fields),
    CYAML_FIELD_MAPPING_PTR("offset", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, offset,
                            offset_fields),
    CYAML_FIELD_SEQUENCE("presets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, presets,
                         &xbtab__preset_schema, 0, 200),
    CYAML_FIELD_SEQUENCE("operating", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, operating,
                         &xbtab__operating_schema, 0, 200),
    CYAML_FIELD_MAPPING_PTR("dynamic", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, dynamic,
                            dynamic_fields),
    CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, parameters,
                         &parameter_value, 0, 200),
    CYAML_FIELD_SEQUENCE("checks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, checks, &check_value,
                         0, 200),
    CYAML_FIELD_END};
static const cyaml_schema_value_t sheet_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sheet_text, sheet_fields)};

/* ---- from text to a model ---- */

xbtab_status xbtab__copy_text(char **out, const char *text)
{
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

static void parameters_destroy(xbtab_parameter *parameters, int n)
{
    for (int k = 0; k < n && parameters; k++) {
        xbtab_parameter *p = &parameters[k];
        xbtab__free(p->name);
        xbtab__free(p->unit);
        xbtab__free(p->description);
        xbtab__free(p->source);
        xbtab__free(p->trust);
    }
    xbtab__free(parameters);
}

void xbtab__model_destroy(xbtab_model *model)
{
    if (!model) return;
    parameters_destroy(model->parameters, model->n_parameters);
    if (model->dynamic) {
        parameters_destroy(model->dynamic->parameters, model->dynamic->n_parameters);
        xbtab__free(model->dynamic->subcircuit);
        xbtab__free(model->dynamic);
    }
    for (int k = 0; k < model->n_checks && model->checks; k++) xbtab__free(model->checks[k].source);
    for (int k = 0; k < model->n_pins && model->pins; k++) xbtab__free(model->pins[k]);
    xbtab__presets_clear(model);
    xbtab__free(model->checks);
    xbtab__free(model->pins);
    xbtab__free(model->name);
    xbtab__free(model->summary);
    xbtab__free(model->source);
    xbtab__free(model->licence);
    xbtab__free(model->current);
    xbtab__free(model->sheet_path);
    xbtab__free(model->sub_path);
    xbtab__free(model->sub_text);
    xbtab__free(model->card);
    xbtab__free(model);
}

/* Units stand in messages, in pictures and in sheets that are written. Letters may be any of Unicode's. */
static bool is_unit(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !((unsigned char)*c & 0x80) && !strchr("*/^.+-%_ ", *c))
            return false;
    }
    return true;
}

/* Parameter k of its list, behind those before it; place is "parameters" or "dynamic.parameters". */
static xbtab_status take_parameter(xbtab_parameter *p, const xbtab__yaml *yaml, const parameter_text *text,
                                   const char *place, int k)
{
    char key[64];
    int word;
    snprintf(key, sizeof key, "%s[%d].name", place, k);
    if (!xbtab__is_name(text->name))
        return xbtab__yaml_fail(yaml, key, "\"%s\" is not a name (a-z, 0-9, _)", text->name);
    if (xbtab__spice_owns(text->name))
        return xbtab__yaml_fail(yaml, key, "\"%s\": %s", text->name, XBTAB__SPICE_OWNED);
    for (int other = 1; other <= k; other++) {
        if (strcasecmp(p[-other].name, text->name) != 0) continue;
        return xbtab__yaml_fail(
            yaml, key, "\"%s\" is there already; to ngspice upper and lower case are the same", text->name);
    }
    XBTAB_TRY(xbtab__copy_text(&p->name, text->name));
    if (!is_unit(text->unit)) {
        snprintf(key, sizeof key, "%s[%d].unit", place, k);
        return xbtab__yaml_fail(yaml, key, "is no unit: letters, digits and * / ^ . + - %% only");
    }
    XBTAB_TRY(xbtab__copy_text(&p->unit, text->unit));
    XBTAB_TRY(xbtab__copy_text(&p->description, text->description));
    XBTAB_TRY(xbtab__copy_text(&p->source, text->source));
    snprintf(key, sizeof key, "%s[%d].trust", place, k);
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, key, text->trust, xbtab__trust_words));
    XBTAB_TRY(xbtab__copy_text(&p->trust, text->trust));
    snprintf(key, sizeof key, "%s[%d].min", place, k);
    XBTAB_TRY(xbtab__yaml_quantity(&p->min, yaml, key, text->min, p->unit, -DBL_MAX, DBL_MAX));
    snprintf(key, sizeof key, "%s[%d].max", place, k);
    XBTAB_TRY(xbtab__yaml_quantity(&p->max, yaml, key, text->max, p->unit, p->min, DBL_MAX));
    snprintf(key, sizeof key, "%s[%d].default", place, k);
    return xbtab__yaml_quantity(&p->value, yaml, key, text->value, p->unit, p->min, p->max);
}

static xbtab_status find_parameter(int *out, const xbtab_model *model, const xbtab__yaml *yaml,
                                   const char *key, const char *name)
{
    *out = xbtab_model_parameter(model, name);
    if (*out < 0) return xbtab__yaml_fail(yaml, key, "\"%s\" is none of the parameters below", name);
    return XBTAB_OK;
}

/* A TIA is driven by a current and expected to give an output; everything else is driven by a voltage. */
static xbtab_status take_figure(xbtab_model_check *check, const xbtab__yaml *yaml, const char *key,
                                const check_text *text, bool is_tia)
{
    int n_figures = !!text->resistance + !!text->chord + !!text->current;
    if (is_tia) {
        if (!text->current || !text->output || n_figures > 1 || text->voltage)
            return xbtab__yaml_fail(yaml, key, "needs current and output, for a tia");
        check->figure = XBTAB_FIGURE_OUTPUT;
        XBTAB_TRY(xbtab__yaml_quantity(&check->drive, yaml, key, text->current, "A", -1e3, 1e3));
        XBTAB_TRY(xbtab__yaml_quantity(&check->expected, yaml, key, text->output, "V", -100, 100));
    } else {
        if (!text->voltage || n_figures != 1 || text->output)
            return xbtab__yaml_fail(yaml, key, "needs voltage, and one of resistance, chord and current");
        check->figure = text->resistance ? XBTAB_FIGURE_RESISTANCE
                        : text->chord    ? XBTAB_FIGURE_CHORD
                                         : XBTAB_FIGURE_CURRENT;
        XBTAB_TRY(xbtab__yaml_quantity(&check->drive, yaml, key, text->voltage, "V", -100, 100));
        XBTAB_TRY(xbtab__yaml_quantity(&check->expected, yaml, key, text->resistance, "ohm", 1e-6, 1e18));
        XBTAB_TRY(xbtab__yaml_quantity(&check->expected, yaml, key, text->chord, "1", 1e-6, 1e6));
        XBTAB_TRY(xbtab__yaml_quantity(&check->expected, yaml, key, text->current, "A", -1e3, 1e3));
    }
    if (check->drive == 0 || check->expected == 0)
        return xbtab__yaml_fail(yaml, key, "is relative, so neither the drive nor the figure may be 0");
    return XBTAB_OK;
}

static xbtab_status take_check(xbtab_model *model, const xbtab__yaml *yaml, const check_text *text, int k)
{
    xbtab_model_check *check = &model->checks[k];
    char key[64];
    snprintf(key, sizeof key, "checks[%d]", k);
    if (model->state >= 0) {
        const xbtab_parameter *p = &model->parameters[model->state];
        if (!text->state) return xbtab__yaml_fail(yaml, key, "needs the state");
        XBTAB_TRY(xbtab__yaml_quantity(&check->state, yaml, key, text->state, p->unit, p->min, p->max));
    }
    XBTAB_TRY(take_figure(check, yaml, key, text, model->kind == XBTAB_MODEL_TIA));
    XBTAB_TRY(xbtab__yaml_quantity(&check->tolerance, yaml, key, text->tolerance, "1", 1e-9, 1));
    return xbtab__copy_text(&check->source, text->source);
}

/* The closed form of the current, over the parameters and V. */
static xbtab_status take_current(xbtab_model *model, const xbtab__yaml *yaml, const char *text)
{
    const char **names = xbtab__alloc((size_t)model->n_parameters + 1, sizeof *names);
    xbtab__expression *expression = NULL;
    if (!names) return XBTAB_NOMEM();
    for (int k = 0; k < model->n_parameters; k++) names[k] = model->parameters[k].name;
    names[model->n_parameters] = "V";
    xbtab_status status = xbtab__expression_create(&expression, text, names, model->n_parameters + 1);
    xbtab__expression_destroy(&expression);
    xbtab__free(names);
    if (status == XBTAB_ERR_INPUT)
        return xbtab__error_prefix(status, "%s:%d: current", yaml->path, xbtab__yaml_line(yaml, "current"));
    XBTAB_TRY(status);
    return xbtab__copy_text(&model->current, text);
}

static xbtab_status check_pins(const xbtab_model *model, const xbtab__yaml *yaml)
{
    static const char *const order[XBTAB_MODEL_KINDS][3] = {
        {"top", "bottom", NULL}, {"a", "b", "gate"}, {"in", "out", NULL}, {"a", "b", NULL}};
    int least = model->kind == XBTAB_MODEL_SELECTOR ? 0 : 2;
    bool fits = model->n_pins != 1 && model->n_pins >= least;
    for (int k = 0; k < model->n_pins && fits; k++) {
        fits = order[model->kind][k] && strcmp(order[model->kind][k], model->pins[k]) == 0;
    }
    if (!fits) {
        return xbtab__yaml_fail(yaml, "pins", "a model of kind %s has the pins [%s, %s]%s",
                                xbtab__model_kind_names[model->kind], order[model->kind][0],
                                order[model->kind][1],
                                model->kind == XBTAB_MODEL_SELECTOR ? ", [a, b, gate] or []" : "");
    }
    return XBTAB_OK;
}

bool xbtab__has_parameters(const xbtab_model *model, const char *const *names)
{
    for (; *names; names++) {
        if (xbtab_model_parameter(model, *names) < 0) return false;
    }
    return true;
}

static const char *const cell_resistances[] = {"r_word", "r_bit", NULL};
const char *const xbtab__line_and_sides[] = {"r_length", "width", "word_side", "bit_side", NULL};

static xbtab_status check_wire(const xbtab_model *model, const xbtab__yaml *yaml)
{
    if (model->kind != XBTAB_MODEL_WIRE || xbtab__has_parameters(model, cell_resistances) ||
        xbtab__has_parameters(model, xbtab__line_and_sides))
        return XBTAB_OK;
    return xbtab__yaml_fail(yaml, "parameters",
                            "a wire model needs the parameters r_word and r_bit, or r_length, width, "
                            "word_side and bit_side");
}

static xbtab_status take_pulse(xbtab_model_pulse *pulse, const xbtab__yaml *yaml, const char *key,
                               const pulse_text *text)
{
    char place[64];
    snprintf(place, sizeof place, "%s.amplitude", key);
    XBTAB_TRY(xbtab__yaml_quantity(&pulse->amplitude, yaml, place, text->amplitude, "V", -20, 20));
    if (pulse->amplitude == 0) return xbtab__yaml_fail(yaml, place, "must not be 0");
    snprintf(place, sizeof place, "%s.width", key);
    return xbtab__yaml_quantity(&pulse->width, yaml, place, text->width, "s", 1e-12, 100);
}

static xbtab_status take_dynamic(xbtab_model *model, const xbtab__yaml *yaml, const dynamic_text *text)
{
    if (model->kind != XBTAB_MODEL_RRAM) return xbtab__yaml_fail(yaml, "dynamic", "is for rram models only");
    xbtab_model_dynamic *d = model->dynamic = xbtab__alloc(1, sizeof *d);
    if (!d) return XBTAB_NOMEM();
    if (!xbtab__is_name(text->subcircuit) || strcasecmp(text->subcircuit, model->name) == 0) {
        return xbtab__yaml_fail(yaml, "dynamic.subcircuit",
                                "\"%s\" is not the name (a-z, 0-9, _) of a second subcircuit",
                                text->subcircuit);
    }
    XBTAB_TRY(xbtab__copy_text(&d->subcircuit, text->subcircuit));
    XBTAB_TRY(xbtab__yaml_quantity(&d->scale, yaml, "dynamic.scale", text->scale, "1", 1e-40, 1e40));
    XBTAB_TRY(xbtab__yaml_quantity(&d->noise_interval, yaml, "dynamic.noise_interval", text->noise_interval,
                                   "s", 1e-15, 1));
    d->parameters = xbtab__alloc(text->parameters_count, sizeof *d->parameters);
    if (!d->parameters) return XBTAB_NOMEM();
    d->n_parameters = (int)text->parameters_count;
    for (int k = 0; k < d->n_parameters; k++) {
        XBTAB_TRY(take_parameter(&d->parameters[k], yaml, &text->parameters[k], "dynamic.parameters", k));
        if (xbtab_model_parameter(model, d->parameters[k].name) >= 0) {
            return xbtab__yaml_fail(yaml, "dynamic.parameters", "\"%s\" is a parameter of the model already",
                                    d->parameters[k].name);
        }
    }
    XBTAB_TRY(take_pulse(&d->set, yaml, "dynamic.set", &text->set));
    return take_pulse(&d->reset, yaml, "dynamic.reset", &text->reset);
}

/* Prose may have lines; lists of models have one for each. */
static void make_one_line(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && strchr("\n\t ", text[n - 1])) text[--n] = '\0';
    for (; *text; text++) {
        if (*text == '\n' || *text == '\t') *text = ' ';
    }
}

static xbtab_status take_sheet(xbtab_model *model, const xbtab__yaml *yaml, const sheet_text *text)
{
    int word;
    if (!xbtab__is_name(text->name))
        return xbtab__yaml_fail(yaml, "name", "\"%s\" is not a name (a-z, 0-9, _)", text->name);
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, "kind", text->kind, xbtab__model_kind_names));
    if ((xbtab_model_kind)word != model->kind) {
        return xbtab__yaml_fail(yaml, "kind", "is \"%s\", but the file is in the folder %s", text->kind,
                                xbtab__model_kind_names[model->kind]);
    }
    XBTAB_TRY(xbtab__copy_text(&model->name, text->name));
    XBTAB_TRY(xbtab__copy_text(&model->summary, text->summary));
    make_one_line(model->summary);
    XBTAB_TRY(xbtab__copy_text(&model->source, text->source));
    XBTAB_TRY(xbtab__copy_text(&model->licence, text->licence));
    model->pins = xbtab__alloc(text->pins_count, sizeof *model->pins);
    model->parameters = xbtab__alloc(text->parameters_count, sizeof *model->parameters);
    model->checks = xbtab__alloc(text->checks_count, sizeof *model->checks);
    if (!model->pins || !model->parameters || !model->checks) return XBTAB_NOMEM();
    model->n_pins = (int)text->pins_count;
    model->n_parameters = (int)text->parameters_count;
    model->n_checks = (int)text->checks_count;
    for (int k = 0; k < model->n_pins; k++) XBTAB_TRY(xbtab__copy_text(&model->pins[k], text->pins[k]));
    XBTAB_TRY(check_pins(model, yaml));
    for (int k = 0; k < model->n_parameters; k++) {
        XBTAB_TRY(take_parameter(&model->parameters[k], yaml, &text->parameters[k], "parameters", k));
    }
    if (text->state) {
        static const char *const scales[] = {"linear", "log", NULL};
        XBTAB_TRY(find_parameter(&model->state, model, yaml, "state.parameter", text->state->parameter));
        XBTAB_TRY(xbtab__yaml_choice(&model->state_is_log, yaml, "state.scale", text->state->scale, scales));
        if (model->state_is_log && model->parameters[model->state].min <= 0) {
            return xbtab__yaml_fail(yaml, "state.scale", "log needs a state whose min is above 0");
        }
    } else if (model->kind == XBTAB_MODEL_RRAM) {
        return xbtab__yaml_fail(yaml, "kind",
                                "an rram model needs state: {parameter: NAME, scale: linear|log}");
    }
    if (text->current) XBTAB_TRY(take_current(model, yaml, text->current));
    if (model->n_pins == 3) {
        if (!text->gate)
            return xbtab__yaml_fail(yaml, "pins",
                                    "a gate pin needs gate: NAME, the parameter with its voltage");
        XBTAB_TRY(find_parameter(&model->gate, model, yaml, "gate", text->gate));
    }
    if (text->turn_on) {
        if (model->kind != XBTAB_MODEL_SELECTOR)
            return xbtab__yaml_fail(yaml, "turn_on", "is for selectors only");
        XBTAB_TRY(find_parameter(&model->turn_on, model, yaml, "turn_on", text->turn_on));
    }
    if (text->holding) {
        if (model->kind != XBTAB_MODEL_SELECTOR)
            return xbtab__yaml_fail(yaml, "holding", "is for selectors only");
        XBTAB_TRY(find_parameter(&model->holding, model, yaml, "holding", text->holding));
    }
    if ((text->size || text->card) && model->kind != XBTAB_MODEL_SELECTOR)
        return xbtab__yaml_fail(yaml, text->size ? "size" : "card", "is for selectors only");
    if (text->size) XBTAB_TRY(find_parameter(&model->size, model, yaml, "size", text->size));
    if (text->card && !xbtab__is_name(text->card))
        return xbtab__yaml_fail(yaml, "card", "\"%s\" is not a name (a-z, 0-9, _)", text->card);
    if (text->card) XBTAB_TRY(xbtab__copy_text(&model->card, text->card));
    if (text->gain) {
        XBTAB_TRY(find_parameter(&model->gain, model, yaml, "gain.parameter", text->gain->parameter));
        XBTAB_TRY(xbtab__yaml_quantity(&model->gain_output, yaml, "gain.full_scale_output",
                                       text->gain->full_scale_output, "V", 1e-6, 1e3));
    } else if (model->kind == XBTAB_MODEL_TIA) {
        return xbtab__yaml_fail(yaml, "kind",
                                "a tia model needs gain: {parameter: NAME, full_scale_output: VOLTAGE}");
    }
    if (text->offset) {
        if (model->kind != XBTAB_MODEL_TIA) return xbtab__yaml_fail(yaml, "offset", "is for tia models only");
        XBTAB_TRY(find_parameter(&model->offset, model, yaml, "offset.parameter", text->offset->parameter));
        XBTAB_TRY(find_parameter(&model->offset_sigma, model, yaml, "offset.sigma", text->offset->sigma));
    }
    XBTAB_TRY(check_wire(model, yaml));
    XBTAB_TRY(xbtab__take_presets(model, yaml, text->presets, text->presets_count));
    XBTAB_TRY(xbtab__take_operating(model, yaml, text->operating, text->operating_count));
    if (text->dynamic) XBTAB_TRY(take_dynamic(model, yaml, text->dynamic));
    for (int k = 0; k < model->n_checks; k++) XBTAB_TRY(take_check(model, yaml, &text->checks[k], k));
    return XBTAB_OK;
}

xbtab_status xbtab__model_take_sheet(xbtab_model *model, const xbtab__yaml *yaml)
{
    void *text = NULL;
    XBTAB_TRY(xbtab__yaml_load(&text, yaml, &sheet_value));
    xbtab_status status = take_sheet(model, yaml, text);
    xbtab__yaml_free_data(text, &sheet_value);
    return status;
}
