/* spec_use.c - a model that a specification uses, and the values of its parameters. */
#include "spec_use.h"

#include <stdio.h>
#include <string.h>

#include "card.h"
#include "memory.h"

#define OPTIONAL_TEXT(member)                                                                                \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__use_text, member, 1,    \
                           CYAML_UNLIMITED)

const cyaml_schema_field_t xbtab__use_fields[] = {
    CYAML_FIELD_STRING_PTR("model", CYAML_FLAG_POINTER, xbtab__use_text, model, 1, CYAML_UNLIMITED),
    OPTIONAL_TEXT(preset),
    OPTIONAL_TEXT(card),
    OPTIONAL_TEXT(card_model),
    OPTIONAL_TEXT(size_for),
    CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__use_text, parameters,
                         &xbtab__value_schema, 0, 200),
    CYAML_FIELD_END};

static xbtab_status fail_no_model(const xbtab__yaml *yaml, const char *key, const char *name,
                                  const xbtab_models *models, xbtab_model_kind kind)
{
    char list[512] = "";
    for (int k = 0; k < xbtab_models_count(models); k++) {
        const xbtab_model *m = xbtab_models_get(models, k);
        if (m->kind != kind) continue;
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", m->name);
    }
    return xbtab__yaml_fail(yaml, key, "no %s model is called \"%s\"; there are: %s",
                            xbtab_model_kind_name(kind), name, list);
}

char *xbtab__no_element(const xbtab_models *models)
{
    for (int k = 0; k < xbtab_models_count(models); k++) {
        const xbtab_model *m = xbtab_models_get(models, k);
        if (m->kind == XBTAB_MODEL_SELECTOR && m->n_pins == 0) return m->name;
    }
    static char nothing[] = "";
    return nothing;
}

static xbtab_status fail_no_preset(const xbtab__yaml *yaml, const char *key, const char *name,
                                   const xbtab_model *model)
{
    char list[512] = "";
    for (int k = 0; k < model->n_presets; k++) {
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", model->presets[k].name);
    }
    return xbtab__yaml_fail(yaml, key, "%s has no \"%s\"; there is: %s", model->name, name,
                            list[0] ? list : "none");
}

/* A card of the user's own, and the size that goes with the cell's resistance. */
static xbtab_status take_card_and_size(xbtab_model_use *use, const xbtab__yaml *yaml, const char *key,
                                       const xbtab__use_text *text)
{
    char place[128];
    if (text->card) {
        XBTAB_TRY(xbtab__card_take(use, yaml, key, text->card, text->card_model));
    } else if (text->card_model) {
        snprintf(place, sizeof place, "%s.card_model", key);
        return xbtab__yaml_fail(yaml, place, "needs card: FILE");
    }
    if (!text->size_for) return XBTAB_OK;
    snprintf(place, sizeof place, "%s.size_for", key);
    if (use->model->size < 0)
        return xbtab__yaml_fail(yaml, place, "%s has no size that could follow", use->model->name);
    return xbtab__yaml_quantity(&use->size_for, yaml, place, text->size_for, "1", 1e-4, 1);
}

xbtab_status xbtab__take_use(xbtab_model_use *use, const xbtab__yaml *yaml, const char *key,
                             const xbtab__use_text *text, const xbtab_models *models, xbtab_model_kind kind,
                             bool *gain_is_given)
{
    char place[128];
    snprintf(place, sizeof place, "%s.model", key);
    XBTAB_TRY(xbtab_models_check(models, kind, text->model));
    use->model = xbtab_models_find(models, kind, text->model);
    if (!use->model) return fail_no_model(yaml, place, text->model, models, kind);
    use->value = xbtab__alloc((size_t)use->model->n_parameters, sizeof *use->value);
    if (!use->value) return XBTAB_NOMEM();
    for (int k = 0; k < use->model->n_parameters; k++) use->value[k] = use->model->parameters[k].value;
    if (text->preset) {
        const xbtab_preset *preset = xbtab_model_preset(use->model, text->preset);
        snprintf(place, sizeof place, "%s.%s", key, kind == XBTAB_MODEL_WIRE ? "cell" : "preset");
        if (!preset) return fail_no_preset(yaml, place, text->preset, use->model);
        memcpy(use->value, preset->value, (size_t)use->model->n_parameters * sizeof *use->value);
    }
    const xbtab_model_dynamic *dynamic = use->model->dynamic;
    if (dynamic) {
        use->dynamic_value = xbtab__alloc((size_t)dynamic->n_parameters, sizeof *use->dynamic_value);
        if (!use->dynamic_value) return XBTAB_NOMEM();
        for (int k = 0; k < dynamic->n_parameters; k++) use->dynamic_value[k] = dynamic->parameters[k].value;
    }
    for (unsigned k = 0; k < text->parameters_count; k++) {
        const xbtab__value_text *v = &text->parameters[k];
        int index = xbtab_model_parameter(use->model, v->name);
        int dynamic_index = xbtab_model_dynamic_parameter(use->model, v->name);
        snprintf(place, sizeof place, "%s.parameters[%u].name", key, k);
        if (index < 0 && dynamic_index < 0) {
            return xbtab__yaml_fail(yaml, place, "%s has no parameter \"%s\"; see: xbartab models show %s",
                                    use->model->name, v->name, use->model->name);
        }
        if (index == use->model->state) {
            return xbtab__yaml_fail(yaml, place, "\"%s\" is the programmed state; the levels set it",
                                    v->name);
        }
        const xbtab_parameter *p =
            index >= 0 ? &use->model->parameters[index] : &dynamic->parameters[dynamic_index];
        double *value = index >= 0 ? &use->value[index] : &use->dynamic_value[dynamic_index];
        snprintf(place, sizeof place, "%s.parameters[%u].value", key, k);
        XBTAB_TRY(xbtab__yaml_quantity(value, yaml, place, v->value, p->unit, p->min, p->max));
        if (gain_is_given && index == use->model->gain) *gain_is_given = true;
    }
    return take_card_and_size(use, yaml, key, text);
}
