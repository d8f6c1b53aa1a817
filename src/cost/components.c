/* components.c - component sheets from YAML. */
#include "cost_private.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

typedef struct parameter_text {
    char *name, *value;
} parameter_text;

typedef struct component_text {
    char *name, *kind, *value[4], *node, *scales, *spread, *trust, *source;
    parameter_text *parameters;
    unsigned parameters_count;
} component_text;

typedef struct sheet_text {
    char *name, *summary, *notes, *node, *source;
    component_text *components;
    unsigned components_count;
} sheet_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define LIST(key, type, member, entry, flags)                                                                \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), type, member, &(entry), 0, 500)

static const cyaml_schema_field_t parameter_fields[] = {
    TEXT("name", parameter_text, name), TEXT("value", parameter_text, value), CYAML_FIELD_END};
static const cyaml_schema_value_t parameter_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, parameter_text, parameter_fields)};
static const cyaml_schema_field_t component_fields[] = {
    TEXT("name", component_text, name),
    TEXT("kind", component_text, kind),
    OPTIONAL_TEXT("energy", component_text, value[0]),
    OPTIONAL_TEXT("delay", component_text, value[1]),
    OPTIONAL_TEXT("power", component_text, value[2]),
    OPTIONAL_TEXT("area", component_text, value[3]),
    OPTIONAL_TEXT("node", component_text, node),
    OPTIONAL_TEXT("scales", component_text, scales),
    OPTIONAL_TEXT("spread", component_text, spread),
    TEXT("trust", component_text, trust),
    OPTIONAL_TEXT("source", component_text, source),
    LIST("parameters", component_text, parameters, parameter_value, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END};
static const cyaml_schema_value_t component_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, component_text, component_fields)};
static const cyaml_schema_field_t sheet_fields[] = {
    TEXT("name", sheet_text, name),
    TEXT("summary", sheet_text, summary),
    OPTIONAL_TEXT("notes", sheet_text, notes),
    OPTIONAL_TEXT("node", sheet_text, node),
    OPTIONAL_TEXT("source", sheet_text, source),
    LIST("components", sheet_text, components, component_value, CYAML_FLAG_DEFAULT),
    CYAML_FIELD_END};
static const cyaml_schema_value_t sheet_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sheet_text, sheet_fields)};

static const char *const trust_words[] = {"published", "derived", "recalled", "assumed", NULL};
static const char *const kinds[] = {"adc",     "dac",   "array",    "driver", "decoder", "sample",
                                    "tia",     "merge", "register", "buffer", "link",    "digital",
                                    "control", "write", "system",   "other",  NULL};
static const char *const value_names[] = {"energy", "delay", "power", "area"};
static const xbtab__unit value_units[] = {XBTAB__UNIT_ENERGY, XBTAB__UNIT_TIME, XBTAB__UNIT_POWER,
                                          XBTAB__UNIT_AREA};

const char *xbtab_trust_word(xbtab_trust trust)
{
    return trust_words[trust];
}

xbtab_status xbtab__trust_take(xbtab_trust *out, const xbtab__yaml *yaml, const char *key, const char *text)
{
    int value = (int)*out;
    XBTAB_TRY(xbtab__yaml_choice(&value, yaml, key, text, trust_words));
    *out = (xbtab_trust)value;
    return XBTAB_OK;
}

double xbtab__trust_spread(xbtab_trust trust)
{
    static const double spread[XBTAB_N_TRUST] = {1.1, 1.2, 1.5, 2}; /* assumed, but for their order */
    return spread[trust];
}

static xbtab_status copy(char **out, const char *text)
{
    if (!text) return XBTAB_OK;
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

/* A name that formulas can use, and that is there once. */
static xbtab_status check_name(const xbtab__component *c, const xbtab__yaml *yaml, const char *key,
                               const char *name)
{
    bool is_name = !strchr("0123456789", name[0]);
    for (const char *at = name; *at; at++) is_name = is_name && (isalnum((unsigned char)*at) || *at == '_');
    if (!is_name) return xbtab__yaml_fail(yaml, key, "\"%.40s\"; letters, digits and _ make a name", name);
    for (int v = 0; v < 4; v++) {
        if (strcmp(name, value_names[v]) == 0)
            return xbtab__yaml_fail(yaml, key, "\"%s\" is one of the component's own values", name);
    }
    for (int p = 0; p < c->n_parameters; p++) {
        if (strcmp(name, c->parameter_name[p]) == 0)
            return xbtab__yaml_fail(yaml, key, "a second parameter is called \"%.40s\"", name);
    }
    return XBTAB_OK;
}

static xbtab_status take_parameters(xbtab__component *c, const xbtab__yaml *yaml, const component_text *text)
{
    const xbtab__scope nothing = {.n = 0};
    char key[96];
    c->parameter_name = xbtab__alloc(text->parameters_count, sizeof *c->parameter_name);
    c->parameter = xbtab__alloc(text->parameters_count, sizeof *c->parameter);
    if (!c->parameter_name || !c->parameter) return XBTAB_NOMEM();
    if (text->parameters_count > 16) {
        snprintf(key, sizeof key, "components[%d].parameters", c->index);
        return xbtab__yaml_fail(yaml, key, "%u parameters; at most 16", text->parameters_count);
    }
    for (unsigned p = 0; p < text->parameters_count; p++) {
        snprintf(key, sizeof key, "components[%d].parameters[%u].name", c->index, p);
        XBTAB_TRY(check_name(c, yaml, key, text->parameters[p].name));
        snprintf(key, sizeof key, "components[%d].parameters[%u].value", c->index, p);
        c->n_parameters++; /* what follows may fail, and the name is freed then */
        XBTAB_TRY(copy(&c->parameter_name[p], text->parameters[p].name));
        XBTAB_TRY(xbtab__value_take(&c->parameter[p], yaml, key, text->parameters[p].value, XBTAB__UNIT_ONE,
                                    &nothing));
    }
    return XBTAB_OK;
}

static xbtab_status take_component(xbtab_components *s, int index, const component_text *text,
                                   const sheet_text *sheet)
{
    static const char *const scales[] = {"no", "logic", NULL};
    const xbtab__scope nothing = {.n = 0};
    xbtab__component *c = &s->component[index];
    xbtab_part_values unused;
    char key[96];
    int kind = 0, scale = 0;
    *c = (xbtab__component){.index = index, .node = NAN};
    XBTAB_TRY(copy(&c->name, text->name));
    XBTAB_TRY(copy(&c->kind, text->kind));
    XBTAB_TRY(copy(&c->source, text->source ? text->source : sheet->source));
    for (int v = 0; v < 4; v++) XBTAB_TRY(copy(&c->text[v], text->value[v]));
    snprintf(key, sizeof key, "components[%d].kind", index);
    XBTAB_TRY(xbtab__yaml_choice(&kind, &s->yaml, key, text->kind, kinds));
    snprintf(key, sizeof key, "components[%d].trust", index);
    XBTAB_TRY(xbtab__trust_take(&c->trust, &s->yaml, key, text->trust));
    snprintf(key, sizeof key, "components[%d].scales", index);
    XBTAB_TRY(xbtab__yaml_choice(&scale, &s->yaml, key, text->scales, scales));
    c->is_logic = scale == 1;
    XBTAB_TRY(xbtab__value_take(&c->node, &s->yaml, "node", sheet->node, XBTAB__UNIT_LENGTH, &nothing));
    snprintf(key, sizeof key, "components[%d].node", index);
    XBTAB_TRY(xbtab__value_take(&c->node, &s->yaml, key, text->node, XBTAB__UNIT_LENGTH, &nothing));
    c->spread = xbtab__trust_spread(c->trust);
    snprintf(key, sizeof key, "components[%d].spread", index);
    XBTAB_TRY(xbtab__value_take(&c->spread, &s->yaml, key, text->spread, XBTAB__UNIT_ONE, &nothing));
    snprintf(key, sizeof key, "components[%d].name", index);
    if (c->spread < 1) return xbtab__yaml_fail(&s->yaml, key, "spread %g; a factor of at least 1", c->spread);
    if (!c->source) return xbtab__yaml_fail(&s->yaml, key, "%s and the sheet have no source", c->name);
    for (int k = 0; k < index; k++) {
        if (strcmp(s->component[k].name, c->name) == 0)
            return xbtab__yaml_fail(&s->yaml, key, "a second component is called \"%s\"", c->name);
    }
    XBTAB_TRY(take_parameters(c, &s->yaml, text));
    return xbtab__component_evaluate(&unused, s, c, NULL, 0);
}

xbtab_status xbtab_components_open(xbtab_components **out, const char *path)
{
    bool unused;
    return xbtab__components_open(out, path, &unused);
}

xbtab_status xbtab__components_open(xbtab_components **out, const char *path, bool *is_sheet)
{
    xbtab_status status;
    void *data = NULL;
    xbtab_components *s = xbtab__alloc(1, sizeof *s);
    *is_sheet = false;
    if (!s) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__yaml_read(&s->yaml, path));
    XBTAB_TRY_DONE(xbtab__yaml_load(&data, &s->yaml, &sheet_value));
    *is_sheet = true;
    const sheet_text *text = data;
    s->component = xbtab__alloc(text->components_count, sizeof *s->component);
    if (!s->component) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (unsigned k = 0; k < text->components_count; k++) {
        s->n++;
        XBTAB_TRY_DONE(take_component(s, (int)k, &text->components[k], text));
    }
    *out = s;
    s = NULL;
done:
    xbtab__yaml_free_data(data, &sheet_value);
    xbtab_components_destroy(&s);
    return status;
}

void xbtab_components_destroy(xbtab_components **components)
{
    if (!components || !*components) return;
    xbtab_components *s = *components;
    for (size_t k = 0; k < s->n; k++) {
        xbtab__component *c = &s->component[k];
        for (int p = 0; p < c->n_parameters; p++) xbtab__free(c->parameter_name[p]);
        for (int v = 0; v < 4; v++) xbtab__free(c->text[v]);
        xbtab__free(c->parameter_name);
        xbtab__free(c->parameter);
        xbtab__free(c->name);
        xbtab__free(c->kind);
        xbtab__free(c->source);
    }
    xbtab__free(s->component);
    xbtab__yaml_clear(&s->yaml);
    xbtab__free(s);
    *components = NULL;
}

size_t xbtab_components_count(const xbtab_components *s)
{
    return s->n;
}

const char *xbtab_components_name(const xbtab_components *s, size_t k)
{
    return s->component[k].name;
}

const xbtab__component *xbtab__components_find(const xbtab_components *s, const char *name)
{
    for (size_t k = 0; k < s->n; k++)
        if (strcmp(s->component[k].name, name) == 0) return &s->component[k];
    return NULL;
}

xbtab_status xbtab__component_evaluate(xbtab_part_values *out, const xbtab_components *s,
                                       const xbtab__component *c, const xbtab_part_setting *set, size_t n)
{
    xbtab__scope scope = {.n = 0};
    double value[4] = {NAN, NAN, NAN, NAN};
    char key[96];
    for (int p = 0; p < c->n_parameters; p++) xbtab__scope_set(&scope, c->parameter_name[p], c->parameter[p]);
    for (size_t k = 0; k < n; k++) {
        int before = scope.n;
        xbtab__scope_set(&scope, set[k].name, set[k].value);
        snprintf(key, sizeof key, "components[%d].name", c->index);
        if (scope.n > before)
            return xbtab__yaml_fail(&s->yaml, key, "%s has no parameter \"%s\"", c->name, set[k].name);
    }
    for (int v = 0; v < 4; v++) {
        snprintf(key, sizeof key, "components[%d].%s", c->index, value_names[v]);
        XBTAB_TRY(xbtab__value_take(&value[v], &s->yaml, key, c->text[v], value_units[v], &scope));
        if (c->text[v]) xbtab__scope_set(&scope, value_names[v], value[v]);
    }
    *out = (xbtab_part_values){.energy = value[0], .delay = value[1], .power = value[2], .area = value[3]};
    return XBTAB_OK;
}

xbtab_status xbtab_components_evaluate(xbtab_part_values *out, const xbtab_components *s, const char *name,
                                       const xbtab_part_setting *set, size_t n)
{
    const xbtab__component *c = xbtab__components_find(s, name);
    if (!c) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no component is called \"%s\"", s->yaml.path, name);
    return xbtab__component_evaluate(out, s, c, set, n);
}
