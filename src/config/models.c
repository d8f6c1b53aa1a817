/* models.c - reads folders of models: NAME.yaml through its schema, and NAME.sub with a check of its pins.
 *
 * The subcircuit's text is passed to ngspice, so lines that would make ngspice do more than describe a
 * circuit
 * (.control, .include, .lib, shell commands) are refused here. */
#include <xbartab/models.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "expression.h"
#include "file.h"
#include "memory.h"
#include "presets.h"
#include "quantity.h"
#include "yaml_text.h"

enum { LARGEST_SUBCIRCUIT = 4 << 20 };

struct xbtab_models {
    int n;
    xbtab_model **model;
};

static const char *const kind_names[XBTAB_MODEL_KINDS + 1] = {"rram", "selector", "tia", "wire", NULL};

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

typedef struct sheet_text {
    char *name, *kind, *summary, *source, *licence, *gate, *turn_on, *current;
    char **pins;
    unsigned pins_count;
    state_text *state;
    gain_text *gain;
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
    OPTIONAL_TEXT("current", sheet_text, current),
    CYAML_FIELD_IGNORE("fit", CYAML_FLAG_OPTIONAL), /* figures of a calibrated sheet, for its reader */
    CYAML_FIELD_MAPPING_PTR("gain", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, gain, gain_fields),
    CYAML_FIELD_MAPPING_PTR("offset", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, offset,
                            offset_fields),
    CYAML_FIELD_SEQUENCE("presets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, presets,
                         &xbtab__preset_schema, 0, 200),
    CYAML_FIELD_SEQUENCE("operating", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, operating,
                         &xbtab__operating_schema, 0, 200),
    CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, parameters,
                         &parameter_value, 0, 200),
    CYAML_FIELD_SEQUENCE("checks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sheet_text, checks, &check_value,
                         0, 200),
    CYAML_FIELD_END};
static const cyaml_schema_value_t sheet_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sheet_text, sheet_fields)};

/* ---- from text to a model ---- */

static xbtab_status copy_text(char **out, const char *text)
{
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

static void model_destroy(xbtab_model *model)
{
    if (!model) return;
    for (int k = 0; k < model->n_parameters && model->parameters; k++) {
        xbtab_parameter *p = &model->parameters[k];
        xbtab__free(p->name);
        xbtab__free(p->unit);
        xbtab__free(p->description);
        xbtab__free(p->source);
        xbtab__free(p->trust);
    }
    for (int k = 0; k < model->n_checks && model->checks; k++) xbtab__free(model->checks[k].source);
    for (int k = 0; k < model->n_pins && model->pins; k++) xbtab__free(model->pins[k]);
    xbtab__presets_clear(model);
    xbtab__free(model->parameters);
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
    xbtab__free(model);
}

static xbtab_status take_parameter(xbtab_parameter *p, const xbtab__yaml *yaml, const parameter_text *text,
                                   int k)
{
    char key[64];
    int word;
    snprintf(key, sizeof key, "parameters[%d].name", k);
    if (!xbtab__is_name(text->name))
        return xbtab__yaml_fail(yaml, key, "\"%s\" is not a name (a-z, 0-9, _)", text->name);
    XBTAB_TRY(copy_text(&p->name, text->name));
    XBTAB_TRY(copy_text(&p->unit, text->unit));
    XBTAB_TRY(copy_text(&p->description, text->description));
    XBTAB_TRY(copy_text(&p->source, text->source));
    snprintf(key, sizeof key, "parameters[%d].trust", k);
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, key, text->trust, xbtab__trust_words));
    XBTAB_TRY(copy_text(&p->trust, text->trust));
    snprintf(key, sizeof key, "parameters[%d].min", k);
    XBTAB_TRY(xbtab__yaml_quantity(&p->min, yaml, key, text->min, p->unit, -DBL_MAX, DBL_MAX));
    snprintf(key, sizeof key, "parameters[%d].max", k);
    XBTAB_TRY(xbtab__yaml_quantity(&p->max, yaml, key, text->max, p->unit, p->min, DBL_MAX));
    snprintf(key, sizeof key, "parameters[%d].default", k);
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
    return copy_text(&check->source, text->source);
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
    return copy_text(&model->current, text);
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
                                kind_names[model->kind], order[model->kind][0], order[model->kind][1],
                                model->kind == XBTAB_MODEL_SELECTOR ? ", [a, b, gate] or []" : "");
    }
    return XBTAB_OK;
}

static bool has_all(const xbtab_model *model, const char *const *names)
{
    for (; *names; names++) {
        if (xbtab_model_parameter(model, *names) < 0) return false;
    }
    return true;
}

static const char *const cell_resistances[] = {"r_word", "r_bit", NULL};
static const char *const line_and_sides[] = {"r_length", "width", "word_side", "bit_side", NULL};

static xbtab_status check_wire(const xbtab_model *model, const xbtab__yaml *yaml)
{
    if (model->kind != XBTAB_MODEL_WIRE || has_all(model, cell_resistances) || has_all(model, line_and_sides))
        return XBTAB_OK;
    return xbtab__yaml_fail(yaml, "parameters",
                            "a wire model needs the parameters r_word and r_bit, or r_length, width, "
                            "word_side and bit_side");
}

static xbtab_status take_sheet(xbtab_model *model, const xbtab__yaml *yaml, const sheet_text *text)
{
    int word;
    if (!xbtab__is_name(text->name))
        return xbtab__yaml_fail(yaml, "name", "\"%s\" is not a name (a-z, 0-9, _)", text->name);
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, "kind", text->kind, kind_names));
    if ((xbtab_model_kind)word != model->kind) {
        return xbtab__yaml_fail(yaml, "kind", "is \"%s\", but the file is in the folder %s", text->kind,
                                kind_names[model->kind]);
    }
    XBTAB_TRY(copy_text(&model->name, text->name));
    XBTAB_TRY(copy_text(&model->summary, text->summary));
    XBTAB_TRY(copy_text(&model->source, text->source));
    XBTAB_TRY(copy_text(&model->licence, text->licence));
    model->pins = xbtab__alloc(text->pins_count, sizeof *model->pins);
    model->parameters = xbtab__alloc(text->parameters_count, sizeof *model->parameters);
    model->checks = xbtab__alloc(text->checks_count, sizeof *model->checks);
    if (!model->pins || !model->parameters || !model->checks) return XBTAB_NOMEM();
    model->n_pins = (int)text->pins_count;
    model->n_parameters = (int)text->parameters_count;
    model->n_checks = (int)text->checks_count;
    for (int k = 0; k < model->n_pins; k++) XBTAB_TRY(copy_text(&model->pins[k], text->pins[k]));
    XBTAB_TRY(check_pins(model, yaml));
    for (int k = 0; k < model->n_parameters; k++) {
        XBTAB_TRY(take_parameter(&model->parameters[k], yaml, &text->parameters[k], k));
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
    for (int k = 0; k < model->n_checks; k++) XBTAB_TRY(take_check(model, yaml, &text->checks[k], k));
    return XBTAB_OK;
}

/* ---- the subcircuit ---- */

static bool starts_with(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(line, word, n) == 0 && !isalnum((unsigned char)line[n]);
}

/* The .subckt line of the model: its pins by number, and one default for each parameter of the sheet. */
static xbtab_status check_header(const xbtab_model *model, char *header, int line)
{
    char *save = NULL;
    int n_pins = 0, n_parameters = 0;
    bool in_parameters = false;
    for (char *word = strtok_r(header, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
        if (strcasecmp(word, "params:") == 0 || strchr(word, '=')) in_parameters = true;
        if (!in_parameters) n_pins++;
        char *equals = strchr(word, '=');
        if (!equals) continue;
        *equals = '\0';
        n_parameters++;
        if (xbtab_model_parameter(model, word) < 0) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: parameter \"%s\" is not in the sheet %s", model->sub_path,
                       line, word, model->sheet_path);
        }
    }
    if (n_parameters != model->n_parameters) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: .subckt has %d parameters, the sheet %s has %d", model->sub_path,
                   line, n_parameters, model->sheet_path, model->n_parameters);
    }
    if (n_pins != model->n_pins) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: .subckt has %d pins, the sheet %s has %d", model->sub_path, line,
                   n_pins, model->sheet_path, model->n_pins);
    }
    return XBTAB_OK;
}

static xbtab_status check_subcircuit(const xbtab_model *model)
{
    static const char *const refused[] = {".control", ".endc",  ".include",   ".inc", ".lib",
                                          ".end",     ".dc",    ".tran",      ".ac",  ".op",
                                          ".save",    ".print", "*ng_script", NULL};
    char *copy = xbtab__strdup(model->sub_text);
    xbtab_status status = XBTAB_OK;
    bool found = false, open = false;
    int number = 0;
    if (!copy) return XBTAB_NOMEM();
    for (char *c = copy; *c; c++) { /* a line that starts with + continues the one before */
        if (c[0] == '\n' && c[1] == '+') c[0] = c[1] = ' ';
    }
    for (char *line = copy, *next; line && status == XBTAB_OK; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        number++;
        line += strspn(line, " \t\r");
        line[strcspn(line, "\r;")] = '\0';
        for (int k = 0; refused[k]; k++) {
            if (starts_with(line, refused[k])) {
                status =
                    xbtab__error_set(XBTAB_ERR_INPUT,
                                     "%s:%d: %s is not allowed in a model; it holds .subckt, .model, .param "
                                     "and elements only",
                                     model->sub_path, number, refused[k]);
            }
        }
        if (status == XBTAB_OK && starts_with(line, ".subckt")) {
            char *name = line + strlen(".subckt");
            name += strspn(name, " \t");
            size_t n = strcspn(name, " \t");
            open = true;
            if (n == strlen(model->name) && strncasecmp(name, model->name, n) == 0) {
                found = true;
                status = check_header(model, name + n, number);
            }
        }
        if (starts_with(line, ".ends")) open = false;
    }
    xbtab__free(copy);
    if (status < 0) return status;
    if (!found && model->n_pins > 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: no \".subckt %s\" in it", model->sub_path, model->name);
    }
    if (open) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: a .subckt has no .ends", model->sub_path, number);
    return XBTAB_OK;
}

static xbtab_status model_read(xbtab_model **out, xbtab_model_kind kind, const char *folder, const char *stem)
{
    xbtab_status status;
    xbtab__yaml yaml = {0};
    void *text = NULL;
    char path[4096];
    size_t n;
    xbtab_model *model = xbtab__alloc(1, sizeof *model);
    if (!model) return XBTAB_NOMEM();
    model->kind = kind;
    model->state = model->gate = model->turn_on = model->gain = model->offset = model->offset_sigma = -1;
    snprintf(path, sizeof path, "%s/%s/%s.yaml", folder, kind_names[kind], stem);
    XBTAB_TRY_DONE(xbtab__yaml_read(&yaml, path));
    XBTAB_TRY_DONE(copy_text(&model->sheet_path, path));
    XBTAB_TRY_DONE(xbtab__yaml_load(&text, &yaml, &sheet_value));
    XBTAB_TRY_DONE(take_sheet(model, &yaml, text));
    if (strcmp(model->name, stem) != 0) {
        status = xbtab__yaml_fail(&yaml, "name", "is \"%s\", but the file is %s.yaml", model->name, stem);
        goto done;
    }
    snprintf(path, sizeof path, "%s/%s/%s.sub", folder, kind_names[kind], stem);
    XBTAB_TRY_DONE(copy_text(&model->sub_path, path));
    XBTAB_TRY_DONE(xbtab__file_read(&model->sub_text, &n, path, LARGEST_SUBCIRCUIT));
    if (strlen(model->sub_text) != n) XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s:1: holds a zero byte", path);
    XBTAB_TRY_DONE(check_subcircuit(model));
    *out = model;
    model = NULL;
done:
    xbtab__yaml_free_data(text, &sheet_value);
    xbtab__yaml_clear(&yaml);
    model_destroy(model);
    return status;
}

/* ---- folders ---- */

static int by_kind_and_name(const void *a, const void *b)
{
    const xbtab_model *x = *(xbtab_model *const *)a, *y = *(xbtab_model *const *)b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

static xbtab_status read_folder(xbtab_models *models, const char *folder, xbtab_model_kind kind, int *n_found)
{
    xbtab_status status = XBTAB_OK;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, kind_names[kind]);
    DIR *dir = opendir(path);
    if (!dir) return XBTAB_OK;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char stem[256];
        size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".yaml") != 0 || entry->d_name[0] == '.') continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(n - 5), entry->d_name);
        xbtab_model **grown = xbtab__realloc(models->model, (size_t)models->n + 1, sizeof *grown);
        if (!grown) {
            status = XBTAB_NOMEM();
            break;
        }
        models->model = grown;
        status = model_read(&models->model[models->n], kind, folder, stem);
        if (status < 0) break;
        models->n++;
        ++*n_found;
    }
    closedir(dir);
    return status;
}

xbtab_status xbtab_models_open(xbtab_models **out, const char *const *folders, int n)
{
    xbtab_status status = XBTAB_OK;
    xbtab_models *models = xbtab__alloc(1, sizeof *models);
    if (!models) return XBTAB_NOMEM();
    for (int f = 0; f < n; f++) {
        int n_found = 0;
        for (int kind = 0; kind < XBTAB_MODEL_KINDS; kind++) {
            XBTAB_TRY_DONE(read_folder(models, folders[f], (xbtab_model_kind)kind, &n_found));
        }
        if (n_found == 0) {
            XBTAB_FAIL_DONE(XBTAB_ERR_IO,
                            "%s: no models in it; a models folder has rram/, selector/, tia/ or wire/ "
                            "with NAME.yaml and NAME.sub",
                            folders[f]);
        }
    }
    if (models->n > 0) qsort(models->model, (size_t)models->n, sizeof *models->model, by_kind_and_name);
    for (int k = 1; k < models->n; k++) {
        if (by_kind_and_name(&models->model[k - 1], &models->model[k]) == 0) {
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: there is already a model of that name: %s",
                            models->model[k]->sheet_path, models->model[k - 1]->sheet_path);
        }
    }
    *out = models;
    models = NULL;
done:
    xbtab_models_destroy(&models);
    return status;
}

void xbtab_models_destroy(xbtab_models **models)
{
    if (!models || !*models) return;
    for (int k = 0; k < (*models)->n; k++) model_destroy((*models)->model[k]);
    xbtab__free((*models)->model);
    xbtab__free(*models);
    *models = NULL;
}

const char *xbtab_model_kind_name(xbtab_model_kind kind)
{
    return kind_names[kind];
}

int xbtab_models_count(const xbtab_models *models)
{
    return models->n;
}

const xbtab_model *xbtab_models_get(const xbtab_models *models, int k)
{
    return models->model[k];
}

const xbtab_model *xbtab_models_find(const xbtab_models *models, xbtab_model_kind kind, const char *name)
{
    for (int k = 0; k < models->n; k++) {
        if (models->model[k]->kind == kind && strcmp(models->model[k]->name, name) == 0)
            return models->model[k];
    }
    return NULL;
}

int xbtab_model_parameter(const xbtab_model *model, const char *name)
{
    for (int k = 0; k < model->n_parameters; k++) {
        if (strcasecmp(model->parameters[k].name, name) == 0) return k;
    }
    return -1;
}

static double value_of(const xbtab_model *model, const double *value, const char *name)
{
    int k = xbtab_model_parameter(model, name);
    return k < 0 ? 0.0 : value[k];
}

void xbtab_wire_cell_of(xbtab_wire_cell *out, const xbtab_model *model, const double *value)
{
    *out = (xbtab_wire_cell){.r_word = value_of(model, value, "r_word"),
                             .r_bit = value_of(model, value, "r_bit"),
                             .c_word = value_of(model, value, "c_word"),
                             .c_bit = value_of(model, value, "c_bit")};
    if (!has_all(model, line_and_sides)) return;
    double width = value_of(model, value, "width");
    out->s_word = width * value_of(model, value, "word_side");
    out->s_bit = width * value_of(model, value, "bit_side");
    out->r_word = value_of(model, value, "r_length") * out->s_word;
    out->r_bit = value_of(model, value, "r_length") * out->s_bit;
    out->c_word = value_of(model, value, "c_length") * out->s_word;
    out->c_bit = value_of(model, value, "c_length") * out->s_bit;
}
