/* hierarchy.c - a preset's `hierarchy:`, and the file of data/hierarchies that it may be like. */
#include "cost_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "yaml_tree.h"

typedef struct setting_text {
    char *name, *value;
} setting_text;

typedef struct part_text {
    char *component, *count, *uses;
    setting_text *parameters;
    unsigned parameters_count;
} part_text;

typedef struct level_text {
    char *name, *holds;
    part_text *parts;
    unsigned parts_count;
} level_text;

enum { N_NUMBERS = 12 };

typedef struct hierarchy_text {
    char *like, *summary, *pipelined, *power, *trust, *source;
    char *number[N_NUMBERS];
    char **components;
    unsigned components_count;
    level_text *levels;
    unsigned levels_count;
} hierarchy_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define LIST(key, type, member, entry, most)                                                                 \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &(entry), 0, most)

static const cyaml_schema_field_t setting_fields[] = {TEXT("name", setting_text, name),
                                                      TEXT("value", setting_text, value), CYAML_FIELD_END};
static const cyaml_schema_value_t setting_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, setting_text, setting_fields)};
static const cyaml_schema_field_t part_fields[] = {
    TEXT("component", part_text, component), OPTIONAL_TEXT("count", part_text, count),
    OPTIONAL_TEXT("uses", part_text, uses), LIST("parameters", part_text, parameters, setting_value, 16),
    CYAML_FIELD_END};
static const cyaml_schema_value_t part_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, part_text, part_fields)};
static const cyaml_schema_field_t level_fields[] = {
    TEXT("name", level_text, name), OPTIONAL_TEXT("holds", level_text, holds),
    LIST("parts", level_text, parts, part_value, 100), CYAML_FIELD_END};
static const cyaml_schema_value_t level_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, level_text, level_fields)};
static const cyaml_schema_value_t name_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED)};
static const cyaml_schema_field_t hierarchy_fields[] = {
    OPTIONAL_TEXT("like", hierarchy_text, like),
    OPTIONAL_TEXT("summary", hierarchy_text, summary),
    OPTIONAL_TEXT("pipelined", hierarchy_text, pipelined),
    OPTIONAL_TEXT("power", hierarchy_text, power),
    OPTIONAL_TEXT("trust", hierarchy_text, trust),
    OPTIONAL_TEXT("source", hierarchy_text, source),
    OPTIONAL_TEXT("node", hierarchy_text, number[0]),
    OPTIONAL_TEXT("weight_bits", hierarchy_text, number[1]),
    OPTIONAL_TEXT("input_bits", hierarchy_text, number[2]),
    OPTIONAL_TEXT("input_steps", hierarchy_text, number[3]),
    OPTIONAL_TEXT("cells_per_weight", hierarchy_text, number[4]),
    OPTIONAL_TEXT("step", hierarchy_text, number[5]),
    OPTIONAL_TEXT("stages", hierarchy_text, number[6]),
    OPTIONAL_TEXT("ops_per_second", hierarchy_text, number[7]),
    OPTIONAL_TEXT("write_energy", hierarchy_text, number[8]),
    OPTIONAL_TEXT("write_time", hierarchy_text, number[9]),
    OPTIONAL_TEXT("write_cells", hierarchy_text, number[10]),
    OPTIONAL_TEXT("endurance", hierarchy_text, number[11]),
    LIST("components", hierarchy_text, components, name_value, XBTAB__MOST_SHEETS),
    LIST("levels", hierarchy_text, levels, level_value, XBTAB__MOST_LEVELS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t hierarchy_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, hierarchy_text, hierarchy_fields)};

/* ---- numbers ---- */

/* In the order in which formulas may use those before. */
static xbtab_status take_numbers(xbtab_hierarchy *h, const xbtab__yaml *yaml, const hierarchy_text *text)
{
    static const struct {
        const char *name;
        xbtab__unit unit;
    } numbers[N_NUMBERS] = {{"node", XBTAB__UNIT_LENGTH},          {"weight_bits", XBTAB__UNIT_ONE},
                            {"input_bits", XBTAB__UNIT_ONE},       {"input_steps", XBTAB__UNIT_ONE},
                            {"cells_per_weight", XBTAB__UNIT_ONE}, {"step", XBTAB__UNIT_TIME},
                            {"stages", XBTAB__UNIT_ONE},           {"ops_per_second", XBTAB__UNIT_RATE},
                            {"write_energy", XBTAB__UNIT_ENERGY},  {"write_time", XBTAB__UNIT_TIME},
                            {"write_cells", XBTAB__UNIT_ONE},      {"endurance", XBTAB__UNIT_ONE}};
    double *const out[N_NUMBERS] = {&h->node,        &h->weight_bits,      &h->input_bits,
                                    &h->input_steps, &h->cells_per_weight, &h->step,
                                    &h->stages,      &h->ops_per_second,   &h->write_energy,
                                    &h->write_time,  &h->write_cells,      &h->endurance};
    static const char *const answers[] = {"no", "yes", NULL}, *const ways[] = {"table", "counts", NULL};
    int is_pipelined = h->is_pipelined, counts = h->counts_power;
    xbtab_trust trust = XBTAB_TRUST_ASSUMED;
    XBTAB_TRY(xbtab__yaml_choice(&is_pipelined, yaml, "pipelined", text->pipelined, answers));
    XBTAB_TRY(xbtab__yaml_choice(&counts, yaml, "power", text->power, ways));
    XBTAB_TRY(xbtab__trust_take(&trust, yaml, "trust", text->trust));
    h->is_pipelined = is_pipelined;
    h->counts_power = counts;
    for (int k = 0; k < N_NUMBERS; k++) {
        XBTAB_TRY(
            xbtab__value_take(out[k], yaml, numbers[k].name, text->number[k], numbers[k].unit, &h->scope));
        if (text->number[k] && k < 11 && !(*out[k] > 0))
            return xbtab__yaml_fail(yaml, numbers[k].name, "is %g; a number above 0", *out[k]);
        if (isfinite(*out[k])) xbtab__scope_set(&h->scope, numbers[k].name, *out[k]);
    }
    return XBTAB_OK;
}

/* What the preset itself says. */
static void take_preset(xbtab_hierarchy *h, const xbtab_arch *a)
{
    const xbtab_spec *s = a->spec;
    double mean = 0;
    for (int k = 0; k < s->n_levels; k++) mean += s->G_level[k] / s->n_levels;
    const struct {
        const char *name;
        double value;
    } known[] = {{"rows", s->rows},
                 {"columns", s->columns},
                 {"rows_active", a->scheme.rows_active ? a->scheme.rows_active : s->rows},
                 {"columns_per_adc", a->scheme.columns_per_adc ? a->scheme.columns_per_adc : 1},
                 {"adc_bits", xbtab_arch_adc_bits(a)},
                 {"dac_bits", s->dac_bits},
                 {"cell_bits", xbtab_arch_cell_bits(a)},
                 {"v_read", s->v_read},
                 {"g_mean", mean},
                 {"g_max", s->G_level[s->n_levels - 1]}};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        xbtab__scope_set(&h->scope, known[k].name, known[k].value);
    h->node = h->ops_per_second = h->write_energy = h->write_time = h->endurance = NAN;
    h->step = NAN;
    h->stages = h->write_cells = 1;
    h->weight_bits = a->weight_bits ? a->weight_bits : 8;
    h->input_bits = a->activation_bits ? a->activation_bits : 8;
    h->input_steps = ceil(h->input_bits / s->dac_bits);
    h->cells_per_weight = ceil(h->weight_bits / xbtab_arch_cell_bits(a));
    h->is_pipelined = true;
    xbtab__scope_set(&h->scope, "weight_bits", h->weight_bits);
    xbtab__scope_set(&h->scope, "input_bits", h->input_bits);
}

/* ---- components ---- */

/* A preset may name any file, and what that one holds is not for every eye: of a file that is none of the kind
 * only the line is said. @return the status of the refusal. */
static xbtab_status name_line(const xbtab__yaml *yaml, const char *key, const char *path, const char *kind)
{
    const char *message = xbtab_error_message();
    size_t n = strlen(path);
    long line = strncmp(message, path, n) == 0 && message[n] == ':' ? strtol(message + n + 1, NULL, 10) : 0;
    return xbtab__yaml_fail(yaml, key, "%.200s:%ld: is not as a %s has it", path, line, kind);
}

static xbtab_status take_sheets(xbtab_hierarchy *h, const xbtab__yaml *yaml, const hierarchy_text *text,
                                const char *folder)
{
    char path[4096], key[64];
    for (unsigned k = 0; k < text->components_count; k++) {
        const char *name = text->components[k];
        snprintf(key, sizeof key, "components[%u]", k);
        if (h->n_sheets == XBTAB__MOST_SHEETS)
            return xbtab__yaml_fail(yaml, key, "more than %d sheets", XBTAB__MOST_SHEETS);
        bool is_file = strchr(name, '/') != NULL;
        snprintf(path, sizeof path, is_file ? "%s%s" : "%s/components/%s.yaml", is_file ? "" : folder, name);
        bool is_sheet;
        xbtab_status status = xbtab__components_open(&h->sheet[h->n_sheets], path, &is_sheet);
        if (status == XBTAB_ERR_INPUT && is_file && !is_sheet)
            return name_line(yaml, key, path, "component sheet");
        if (status == XBTAB_ERR_IO)
            return xbtab__yaml_fail(yaml, key,
                                    "no component sheet \"%s\"; a file, or the name of one in %s/components",
                                    name, folder);
        XBTAB_TRY(status);
        h->n_sheets++;
    }
    return XBTAB_OK;
}

static xbtab_status take_settings(xbtab_hierarchy *h, const xbtab__yaml *yaml, const part_text *text,
                                  const char *place, xbtab_part_setting *set)
{
    char key[96];
    for (unsigned k = 0; k < text->parameters_count; k++) {
        snprintf(key, sizeof key, "%s.parameters[%u].value", place, k);
        set[k].name = text->parameters[k].name;
        for (unsigned before = 0; before < k; before++) {
            if (strcmp(set[before].name, set[k].name) == 0)
                return xbtab__yaml_fail(yaml, key, "\"%.40s\" is set a second time", set[k].name);
        }
        XBTAB_TRY(xbtab__value_take(&set[k].value, yaml, key, text->parameters[k].value, XBTAB__UNIT_ONE,
                                    &h->scope));
    }
    return XBTAB_OK;
}

static xbtab_status scale_part(xbtab__part *p, const xbtab_hierarchy *h, const char *folder)
{
    xbtab__node_factors f;
    if (!p->component->is_logic || isnan(p->component->node) || isnan(h->node) ||
        fabs(p->component->node - h->node) < 1e-12)
        return XBTAB_OK;
    XBTAB_TRY(xbtab__scale_node(&f, folder, p->component->node, h->node));
    p->values.energy *= f.energy;
    p->values.power *= f.energy / f.delay;
    p->values.area *= f.area;
    p->values.delay *= f.delay;
    p->is_scaled = true;
    return XBTAB_OK;
}

static xbtab_status take_part(xbtab__part *p, xbtab_hierarchy *h, const xbtab__yaml *yaml,
                              const part_text *text, const char *place, const char *folder)
{
    xbtab_part_setting set[16];
    const xbtab_components *sheet = NULL;
    char key[96];
    p->count = 1;
    for (size_t k = 0; k < h->n_sheets && !p->component; k++) {
        sheet = h->sheet[k];
        p->component = xbtab__components_find(sheet, text->component);
    }
    snprintf(key, sizeof key, "%s.component", place);
    if (!p->component)
        return xbtab__yaml_fail(yaml, key, "none of the component sheets has a \"%s\"", text->component);
    snprintf(key, sizeof key, "%s.count", place);
    XBTAB_TRY(xbtab__value_take(&p->count, yaml, key, text->count, XBTAB__UNIT_ONE, &h->scope));
    XBTAB_TRY(take_settings(h, yaml, text, place, set));
    xbtab_status status =
        xbtab__component_evaluate(&p->values, sheet, p->component, set, text->parameters_count);
    if (status == XBTAB_ERR_INPUT) {
        snprintf(key, sizeof key, "%s.component", place);
        return xbtab__error_prefix(status, "%s:%d: %s", yaml->path, xbtab__yaml_line(yaml, key), key);
    }
    XBTAB_TRY(status);
    XBTAB_TRY(scale_part(p, h, folder));
    snprintf(key, sizeof key, "%s.uses", place);
    p->key = xbtab__strdup(key);
    p->uses = text->uses ? xbtab__strdup(text->uses) : NULL;
    if (!p->key || (text->uses && !p->uses)) return XBTAB_NOMEM();
    const xbtab__uses none = {0};
    double unused;
    XBTAB_TRY(xbtab__part_uses(&unused, h, p, &none));
    if (p->uses && isnan(xbtab__part_energy(h, p)) && strcmp(p->component->kind, "array") != 0)
        return xbtab__yaml_fail(yaml, key, "%s has neither an energy a use nor a power", p->component->name);
    return XBTAB_OK;
}

static xbtab_status take_levels(xbtab_hierarchy *h, const hierarchy_text *text, const char *folder)
{
    const xbtab__yaml *yaml = &h->levels_yaml;
    char place[64];
    for (unsigned k = 0; k < text->levels_count; k++) {
        xbtab__level *l = &h->level[h->n_levels++];
        l->holds = 1;
        l->name = xbtab__strdup(text->levels[k].name);
        l->part = xbtab__alloc(text->levels[k].parts_count, sizeof *l->part);
        if (!l->name || !l->part) return XBTAB_NOMEM();
        snprintf(place, sizeof place, "levels[%u].holds", k);
        XBTAB_TRY(
            xbtab__value_take(&l->holds, yaml, place, text->levels[k].holds, XBTAB__UNIT_ONE, &h->scope));
        if (!(l->holds >= 1)) return xbtab__yaml_fail(yaml, place, "is %g; at least 1", l->holds);
        for (unsigned p = 0; p < text->levels[k].parts_count; p++) {
            snprintf(place, sizeof place, "levels[%u].parts[%u]", k, p);
            l->n_parts++;
            XBTAB_TRY(take_part(&l->part[p], h, yaml, &text->levels[k].parts[p], place, folder));
        }
    }
    return XBTAB_OK;
}

/* ---- the whole ---- */

static xbtab_status load_like(xbtab__yaml *yaml, void **data, const xbtab_hierarchy *h, const char *name,
                              const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, strchr(name, '/') ? "%.0s%s" : "%s/hierarchies/%s.yaml", folder, name);
    xbtab_status status = xbtab__yaml_read(yaml, path);
    if (status == XBTAB_ERR_IO)
        return xbtab__yaml_fail(&h->yaml, "like",
                                "no hierarchy is called \"%s\"; a file, or the name of one in %s/hierarchies",
                                name, folder);
    if (status == XBTAB_OK) status = xbtab__yaml_load(data, yaml, &hierarchy_value);
    if (status == XBTAB_ERR_INPUT && strchr(name, '/')) return name_line(&h->yaml, "like", path, "hierarchy");
    return status;
}

static xbtab_status take_source(xbtab_hierarchy *h, const hierarchy_text *text)
{
    h->trust = XBTAB_TRUST_ASSUMED;
    XBTAB_TRY(xbtab__trust_take(&h->trust, &h->yaml, "trust", text->trust));
    h->source = text->source ? xbtab__strdup(text->source) : NULL;
    return text->source && !h->source ? XBTAB_NOMEM() : XBTAB_OK;
}

static xbtab_status take_hierarchy(xbtab_hierarchy *h, const char *folder)
{
    void *own = NULL, *like = NULL;
    xbtab__yaml like_yaml = {0};
    xbtab_status status;
    XBTAB_TRY_DONE(xbtab__yaml_load(&own, &h->yaml, &hierarchy_value));
    const hierarchy_text *text = own, *levels = own;
    XBTAB_TRY_DONE(take_numbers(h, &h->yaml, text));
    if (text->like) {
        XBTAB_TRY_DONE(load_like(&like_yaml, &like, h, text->like, folder));
        XBTAB_TRY_DONE(take_numbers(h, &like_yaml, like)); /* its formulas see the preset's numbers, */
        XBTAB_TRY_DONE(take_numbers(h, &h->yaml, text));   /* which have the last word */
    }
    XBTAB_TRY_DONE(take_source(h, text));
    XBTAB_TRY_DONE(take_sheets(h, &h->yaml, text, folder));
    if (like) XBTAB_TRY_DONE(take_sheets(h, &like_yaml, like, folder));
    if (like && text->levels_count == 0) levels = like;
    const xbtab__yaml *of = levels == text ? &h->yaml : &like_yaml;
    XBTAB_TRY_DONE(xbtab__yaml_copy(&h->levels_yaml, of->text, of->path, of->lines_before));
    if (levels->levels_count == 0) {
        status = xbtab__yaml_fail(of, "levels", "are none; at least one");
        goto done;
    }
    if (isnan(h->step)) {
        status = xbtab__yaml_fail(&h->yaml, "step", "is not given: the time of one input step");
        goto done;
    }
    XBTAB_TRY_DONE(take_levels(h, levels, folder));
    XBTAB_TRY_DONE(xbtab__hierarchy_sum(h));
done:
    xbtab__yaml_free_data(own, &hierarchy_value);
    xbtab__yaml_free_data(like, &hierarchy_value);
    xbtab__yaml_clear(&like_yaml);
    return status;
}

xbtab_status xbtab_hierarchy_open(xbtab_hierarchy **out, const xbtab_arch *arch, const char *folder)
{
    xbtab__yaml whole = {0};
    xbtab_status status;
    xbtab_hierarchy *h = xbtab__alloc(1, sizeof *h);
    if (!h) return XBTAB_NOMEM();
    h->arch = arch;
    XBTAB_TRY_DONE(xbtab__yaml_copy(&whole, arch->text, arch->path, 0));
    if (!arch->has_hierarchy) {
        status =
            xbtab__error_set(XBTAB_ERR_UNSUPPORTED,
                             "%s: the preset has no hierarchy: nothing is known of its costs", arch->path);
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__yaml_cut(&h->yaml, &whole, "hierarchy"));
    take_preset(h, arch);
    XBTAB_TRY_DONE(take_hierarchy(h, folder));
    *out = h;
    h = NULL;
done:
    xbtab__yaml_clear(&whole);
    xbtab_hierarchy_destroy(&h);
    return status;
}

xbtab_trust xbtab_hierarchy_trust(const xbtab_hierarchy *h, const char **source)
{
    *source = h->source;
    return h->trust;
}

void xbtab_hierarchy_destroy(xbtab_hierarchy **hierarchy)
{
    if (!hierarchy || !*hierarchy) return;
    xbtab_hierarchy *h = *hierarchy;
    for (size_t k = 0; k < h->n_levels; k++) {
        for (size_t p = 0; p < h->level[k].n_parts && h->level[k].part; p++) {
            xbtab__free(h->level[k].part[p].uses);
            xbtab__free(h->level[k].part[p].key);
        }
        xbtab__free(h->level[k].part);
        xbtab__free(h->level[k].name);
    }
    for (size_t k = 0; k < h->n_sheets; k++) xbtab_components_destroy(&h->sheet[k]);
    xbtab__free(h->compared);
    xbtab__free(h->source);
    xbtab__yaml_clear(&h->yaml);
    xbtab__yaml_clear(&h->levels_yaml);
    xbtab__free(h);
    *hierarchy = NULL;
}
