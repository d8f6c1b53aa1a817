/* presets.c - named sets of parameter values, and the operating points of a device. */
#include "presets.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t value_fields[] = {TEXT("name", xbtab__value_text, name),
                                                    TEXT("value", xbtab__value_text, value), CYAML_FIELD_END};
const cyaml_schema_value_t xbtab__value_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__value_text, value_fields)};

static const cyaml_schema_field_t preset_fields[] = {
    TEXT("name", xbtab__preset_text, name), TEXT("source", xbtab__preset_text, source),
    TEXT("trust", xbtab__preset_text, trust),
    CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER, xbtab__preset_text, parameters,
                         &xbtab__value_schema, 1, 200),
    CYAML_FIELD_END};
const cyaml_schema_value_t xbtab__preset_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__preset_text, preset_fields)};

static const cyaml_schema_field_t operating_fields[] = {
    TEXT("selector", xbtab__operating_text, selector),
    OPTIONAL_TEXT("preset", xbtab__operating_text, preset),
    TEXT("g_min", xbtab__operating_text, g_min),
    TEXT("g_max", xbtab__operating_text, g_max),
    TEXT("read_voltage", xbtab__operating_text, read_voltage),
    TEXT("source", xbtab__operating_text, source),
    TEXT("trust", xbtab__operating_text, trust),
    CYAML_FIELD_END};
const cyaml_schema_value_t xbtab__operating_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__operating_text, operating_fields)};

const char *const xbtab__trust_words[] = {"published", "derived", "recalled", "assumed", NULL};

bool xbtab__is_name(const char *text)
{
    if (!isalpha((unsigned char)text[0])) return false;
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && *text != '_') return false;
    }
    return true;
}

/* Presets are not names in SPICE: they may start with a digit. */
static bool is_word(const char *text)
{
    return text[0] &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(text);
}

static xbtab_status copy_text(char **out, const char *text)
{
    *out = text ? xbtab__strdup(text) : NULL;
    return *out || !text ? XBTAB_OK : XBTAB_NOMEM();
}

static xbtab_status take_source(char **source, char **trust, const xbtab__yaml *yaml, const char *key,
                                const char *source_text, const char *trust_text)
{
    char place[96];
    int word;
    snprintf(place, sizeof place, "%s.trust", key);
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, place, trust_text, xbtab__trust_words));
    XBTAB_TRY(copy_text(trust, trust_text));
    return copy_text(source, source_text);
}

static xbtab_status take_preset(xbtab_model *model, const xbtab__yaml *yaml, const xbtab__preset_text *text,
                                int k)
{
    xbtab_preset *preset = &model->presets[k];
    char key[64], place[96];
    snprintf(key, sizeof key, "presets[%d]", k);
    snprintf(place, sizeof place, "%s.name", key);
    if (!is_word(text->name)) {
        return xbtab__yaml_fail(yaml, place, "\"%s\" is not a word (letters, digits, _ . -)", text->name);
    }
    if (xbtab_model_preset(model, text->name)) {
        return xbtab__yaml_fail(yaml, place, "there is already a preset \"%s\"", text->name);
    }
    XBTAB_TRY(take_source(&preset->source, &preset->trust, yaml, key, text->source, text->trust));
    preset->value = xbtab__alloc((size_t)model->n_parameters, sizeof *preset->value);
    if (!preset->value) return XBTAB_NOMEM();
    for (int p = 0; p < model->n_parameters; p++) preset->value[p] = model->parameters[p].value;
    for (unsigned v = 0; v < text->parameters_count; v++) {
        int index = xbtab_model_parameter(model, text->parameters[v].name);
        snprintf(place, sizeof place, "%s.parameters[%u].name", key, v);
        if (index < 0) {
            return xbtab__yaml_fail(yaml, place, "\"%s\" is none of the parameters",
                                    text->parameters[v].name);
        }
        const xbtab_parameter *p = &model->parameters[index];
        snprintf(place, sizeof place, "%s.parameters[%u].value", key, v);
        XBTAB_TRY(xbtab__yaml_quantity(&preset->value[index], yaml, place, text->parameters[v].value, p->unit,
                                       p->min, p->max));
    }
    return copy_text(&preset->name, text->name);
}

xbtab_status xbtab__take_presets(xbtab_model *model, const xbtab__yaml *yaml, const xbtab__preset_text *text,
                                 unsigned n)
{
    model->presets = xbtab__alloc(n, sizeof *model->presets);
    if (!model->presets) return XBTAB_NOMEM();
    for (int k = 0; k < (int)n; k++) {
        model->n_presets = k + 1;
        XBTAB_TRY(take_preset(model, yaml, &text[k], k));
    }
    return XBTAB_OK;
}

static xbtab_status take_point(xbtab_operating *point, const xbtab__yaml *yaml,
                               const xbtab__operating_text *text, int k)
{
    char key[64], place[96];
    snprintf(key, sizeof key, "operating[%d]", k);
    XBTAB_TRY(take_source(&point->source, &point->trust, yaml, key, text->source, text->trust));
    snprintf(place, sizeof place, "%s.g_min", key);
    XBTAB_TRY(xbtab__yaml_quantity(&point->G_min, yaml, place, text->g_min, "S", 1e-12, 1.0));
    snprintf(place, sizeof place, "%s.g_max", key);
    XBTAB_TRY(xbtab__yaml_quantity(&point->G_max, yaml, place, text->g_max, "S", 1e-12, 1.0));
    if (point->G_max <= point->G_min) return xbtab__yaml_fail(yaml, place, "must be above g_min");
    snprintf(place, sizeof place, "%s.read_voltage", key);
    XBTAB_TRY(xbtab__yaml_quantity(&point->v_read, yaml, place, text->read_voltage, "V", 1e-3, 20));
    XBTAB_TRY(copy_text(&point->preset, text->preset));
    return copy_text(&point->selector, text->selector);
}

xbtab_status xbtab__take_operating(xbtab_model *model, const xbtab__yaml *yaml,
                                   const xbtab__operating_text *text, unsigned n)
{
    if (n > 0 && model->kind != XBTAB_MODEL_RRAM) {
        return xbtab__yaml_fail(yaml, "operating", "is for rram models only");
    }
    model->operating = xbtab__alloc(n, sizeof *model->operating);
    if (!model->operating) return XBTAB_NOMEM();
    model->n_operating = (int)n;
    for (int k = 0; k < (int)n; k++) XBTAB_TRY(take_point(&model->operating[k], yaml, &text[k], k));
    return XBTAB_OK;
}

const xbtab_preset *xbtab_model_preset(const xbtab_model *model, const char *name)
{
    for (int k = 0; k < model->n_presets; k++) {
        if (model->presets[k].name && strcmp(model->presets[k].name, name) == 0) return &model->presets[k];
    }
    return NULL;
}

void xbtab__presets_clear(xbtab_model *model)
{
    for (int k = 0; k < model->n_presets && model->presets; k++) {
        xbtab_preset *preset = &model->presets[k];
        xbtab__free(preset->name);
        xbtab__free(preset->source);
        xbtab__free(preset->trust);
        xbtab__free(preset->value);
    }
    for (int k = 0; k < model->n_operating && model->operating; k++) {
        xbtab_operating *point = &model->operating[k];
        xbtab__free(point->selector);
        xbtab__free(point->preset);
        xbtab__free(point->source);
        xbtab__free(point->trust);
    }
    xbtab__free(model->presets);
    xbtab__free(model->operating);
    model->presets = NULL;
    model->operating = NULL;
}
