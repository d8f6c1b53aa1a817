/* arch.c - architecture presets from YAML. */
#include <xbartab/arch.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch_scheme.h"
#include "memory.h"
#include "spec_make.h"
#include "yaml_tree.h"

enum { DEFAULT_BITS = 8 }; /* of networks in float */

/* ---- the file as text ---- */

typedef struct number_text {
    char *key, *value, *trust, *source;
    char *of, *number, *conditions; /* published figures alone */
} number_text;

typedef struct layer_text {
    char *layer, *weight_bits, *activation_bits;
} layer_text;

typedef struct quantization_text {
    char *weight_bits, *activation_bits, *weight_range, *activation_range;
    layer_text *layers;
    unsigned layers_count;
} quantization_text;

typedef struct network_text {
    char *network, *images, *labels, *calibration_images, *raw_pixels, *limit, *measure, *published,
        *difference;
} network_text;

typedef struct arch_text {
    char *name, *summary, *survey_ref, *notes;
    xbtab__scheme_text *scheme;
    quantization_text *quantization;
    network_text *networks;
    unsigned networks_count;
    number_text *published;
    unsigned published_count;
    number_text *provenance;
    unsigned provenance_count;
} arch_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_MAPPING(key, type, member, fields)                                                          \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)
#define LIST(key, type, member, entry)                                                                       \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &(entry), 0, 500)

static const cyaml_schema_field_t figure_fields[] = {
    TEXT("what", number_text, key), TEXT("value", number_text, value), TEXT("trust", number_text, trust),
    TEXT("source", number_text, source), OPTIONAL_TEXT("of", number_text, of),
    OPTIONAL_TEXT("number", number_text, number), OPTIONAL_TEXT("conditions", number_text, conditions),
    CYAML_FIELD_END};
static const cyaml_schema_value_t figure_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, number_text, figure_fields)};
static const cyaml_schema_field_t number_fields[] = {
    TEXT("key", number_text, key), OPTIONAL_TEXT("value", number_text, value),
    TEXT("trust", number_text, trust), TEXT("source", number_text, source), CYAML_FIELD_END};
static const cyaml_schema_value_t number_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, number_text, number_fields)};
static const cyaml_schema_field_t layer_fields[] = {
    TEXT("layer", layer_text, layer), OPTIONAL_TEXT("weight_bits", layer_text, weight_bits),
    OPTIONAL_TEXT("activation_bits", layer_text, activation_bits), CYAML_FIELD_END};
static const cyaml_schema_value_t layer_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, layer_text, layer_fields)};
static const cyaml_schema_field_t quantization_fields[] = {
    OPTIONAL_TEXT("weight_bits", quantization_text, weight_bits),
    OPTIONAL_TEXT("activation_bits", quantization_text, activation_bits),
    OPTIONAL_TEXT("weight_range", quantization_text, weight_range),
    OPTIONAL_TEXT("activation_range", quantization_text, activation_range),
    LIST("layers", quantization_text, layers, layer_value),
    CYAML_FIELD_END};
static const cyaml_schema_field_t network_fields[] = {
    TEXT("network", network_text, network),
    TEXT("images", network_text, images),
    OPTIONAL_TEXT("labels", network_text, labels),
    OPTIONAL_TEXT("calibration_images", network_text, calibration_images),
    OPTIONAL_TEXT("raw_pixels", network_text, raw_pixels),
    OPTIONAL_TEXT("limit", network_text, limit),
    OPTIONAL_TEXT("measure", network_text, measure),
    OPTIONAL_TEXT("published", network_text, published),
    OPTIONAL_TEXT("difference", network_text, difference),
    CYAML_FIELD_END};
static const cyaml_schema_value_t network_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, network_text, network_fields)};
static const cyaml_schema_field_t arch_fields[] = {
    TEXT("name", arch_text, name),
    TEXT("summary", arch_text, summary),
    TEXT("survey_ref", arch_text, survey_ref),
    OPTIONAL_TEXT("notes", arch_text, notes),
    CYAML_FIELD_IGNORE("tile", CYAML_FLAG_DEFAULT), /* cut out and read as a specification */
    CYAML_FIELD_IGNORE("hierarchy", CYAML_FLAG_OPTIONAL), /* the cost's */
    OPTIONAL_MAPPING("scheme", arch_text, scheme, xbtab__scheme_fields),
    OPTIONAL_MAPPING("quantization", arch_text, quantization, quantization_fields),
    LIST("networks", arch_text, networks, network_value),
    LIST("published", arch_text, published, figure_value),
    LIST("provenance", arch_text, provenance, number_value),
    CYAML_FIELD_END};
static const cyaml_schema_value_t arch_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, arch_text, arch_fields)};

static const char *const trust_words[] = {"published", "derived", "recalled", "assumed", NULL};

/* ---- from text to a preset ---- */

static xbtab_status copy_text(char **out, const char *text)
{
    if (!text) return XBTAB_OK;
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

static xbtab_status take_tile(xbtab_arch *a, const xbtab__yaml *yaml, const xbtab_models *models)
{
    xbtab__yaml part = {0};
    char *canonical = NULL;
    xbtab_status status;
    XBTAB_TRY(xbtab__yaml_cut(&part, yaml, "tile"));
    XBTAB_TRY_DONE(xbtab__spec_make(&a->spec, &part, models));
    XBTAB_TRY_DONE(xbtab__yaml_canonical(&canonical, &part));
    xbtab__free(a->spec->text);
    a->spec->text = canonical;
done:
    xbtab__yaml_clear(&part);
    return status;
}

static xbtab_status find_hierarchy(xbtab_arch *a, const xbtab__yaml *yaml)
{
    xbtab__yaml part = {0};
    xbtab_status status = xbtab__yaml_cut(&part, yaml, "hierarchy");
    xbtab__yaml_clear(&part);
    a->has_hierarchy = status == XBTAB_OK;
    return status == XBTAB_ERR_INPUT ? XBTAB_OK : status;
}

static xbtab_status take_clip(xbtab_clip *out, const xbtab__yaml *yaml, const char *key, const char *text)
{
    static const char *const words[] = {"minmax", "percentile", "mse", NULL};
    int value = XBTAB_CLIP_MINMAX;
    XBTAB_TRY(xbtab__yaml_choice(&value, yaml, key, text, words));
    *out = (xbtab_clip)value;
    return XBTAB_OK;
}

static xbtab_status take_quantization(xbtab_arch *a, const xbtab__yaml *yaml, const quantization_text *text)
{
    char key[64];
    XBTAB_TRY(xbtab__yaml_int(&a->weight_bits, yaml, "quantization.weight_bits", text->weight_bits, 1, 16));
    XBTAB_TRY(xbtab__yaml_int(&a->activation_bits, yaml, "quantization.activation_bits",
                              text->activation_bits, 1, 16));
    XBTAB_TRY(take_clip(&a->weight_range, yaml, "quantization.weight_range", text->weight_range));
    XBTAB_TRY(take_clip(&a->activation_range, yaml, "quantization.activation_range", text->activation_range));
    a->layer = xbtab__alloc(text->layers_count, sizeof *a->layer);
    if (!a->layer) return XBTAB_NOMEM();
    a->n_layers = (int)text->layers_count;
    for (int k = 0; k < a->n_layers; k++) {
        const layer_text *l = &text->layers[k];
        snprintf(key, sizeof key, "quantization.layers[%d].layer", k);
        XBTAB_TRY(xbtab__yaml_int(&a->layer[k].layer, yaml, key, l->layer, 0, 10000));
        snprintf(key, sizeof key, "quantization.layers[%d].weight_bits", k);
        XBTAB_TRY(xbtab__yaml_int(&a->layer[k].weight_bits, yaml, key, l->weight_bits, 1, 16));
        snprintf(key, sizeof key, "quantization.layers[%d].activation_bits", k);
        XBTAB_TRY(xbtab__yaml_int(&a->layer[k].activation_bits, yaml, key, l->activation_bits, 1, 16));
    }
    return XBTAB_OK;
}

static xbtab_status take_network(xbtab_arch_network *n, const xbtab__yaml *yaml, int index,
                                 const network_text *text)
{
    static const char *const answers[] = {"no", "yes", NULL}, *const measures[] = {"accuracy", "agreement",
                                                                                   NULL};
    char key[64];
    n->published = NAN;
    XBTAB_TRY(copy_text(&n->network, text->network));
    XBTAB_TRY(copy_text(&n->images, text->images));
    XBTAB_TRY(copy_text(&n->labels, text->labels));
    XBTAB_TRY(copy_text(&n->calibration_images, text->calibration_images));
    XBTAB_TRY(copy_text(&n->difference, text->difference));
    snprintf(key, sizeof key, "networks[%d].raw_pixels", index);
    XBTAB_TRY(xbtab__yaml_choice(&n->raw_pixels, yaml, key, text->raw_pixels, answers));
    snprintf(key, sizeof key, "networks[%d].measure", index);
    XBTAB_TRY(xbtab__yaml_choice(&n->is_agreement, yaml, key, text->measure, measures));
    snprintf(key, sizeof key, "networks[%d].limit", index);
    XBTAB_TRY(xbtab__yaml_int(&n->limit, yaml, key, text->limit, 1, 1000000));
    snprintf(key, sizeof key, "networks[%d].published", index);
    return xbtab__yaml_quantity(&n->published, yaml, key, text->published, "1", 0, 1);
}

static xbtab_status check_trust(const xbtab__yaml *yaml, const char *list, int index, const char *trust)
{
    char key[64];
    int unused = 0;
    snprintf(key, sizeof key, "%s[%d].trust", list, index);
    return xbtab__yaml_choice(&unused, yaml, key, trust, trust_words);
}

static xbtab_status take_published(xbtab_arch *a, const xbtab__yaml *yaml, const arch_text *text)
{
    a->published = xbtab__alloc(text->published_count, sizeof *a->published);
    if (!a->published) return XBTAB_NOMEM();
    a->n_published = (int)text->published_count;
    for (int k = 0; k < a->n_published; k++) {
        const number_text *from = &text->published[k];
        xbtab_arch_figure *to = &a->published[k];
        XBTAB_TRY(check_trust(yaml, "published", k, from->trust));
        XBTAB_TRY(copy_text(&to->what, from->key));
        XBTAB_TRY(copy_text(&to->value, from->value));
        XBTAB_TRY(copy_text(&to->trust, from->trust));
        XBTAB_TRY(copy_text(&to->source, from->source));
        XBTAB_TRY(copy_text(&to->of, from->of));
        XBTAB_TRY(copy_text(&to->number, from->number));
        XBTAB_TRY(copy_text(&to->conditions, from->conditions));
    }
    return XBTAB_OK;
}

static xbtab_status add_number(void *context, const char *key, const char *value)
{
    xbtab_arch *a = context;
    xbtab_arch_number *more = xbtab__realloc(a->number, (size_t)a->n_numbers + 1, sizeof *a->number);
    if (!more) return XBTAB_NOMEM();
    a->number = more;
    more[a->n_numbers] = (xbtab_arch_number){.key = xbtab__strdup(key), .value = xbtab__strdup(value)};
    return more[a->n_numbers].key && more[a->n_numbers++].value ? XBTAB_OK : XBTAB_NOMEM();
}

static bool is_below(const char *key, const char *place)
{
    size_t n = strlen(place);
    return strncmp(key, place, n) == 0 && (key[n] == '\0' || key[n] == '.' || key[n] == '[');
}

/* A later entry speaks for a number before an earlier one does, so that a part may be spoken for as a whole
 * and one of its numbers again. */
static xbtab_status take_provenance(xbtab_arch *a, const xbtab__yaml *yaml, const arch_text *text)
{
    char place[64];
    static const char *const parts[] = {"tile", "scheme", "quantization"};
    for (int k = 0; k < 3; k++) XBTAB_TRY(xbtab__yaml_numbers(yaml, parts[k], add_number, a));
    for (unsigned k = 0; k < text->provenance_count; k++) {
        const number_text *from = &text->provenance[k];
        int found = 0;
        snprintf(place, sizeof place, "provenance[%u]", k);
        XBTAB_TRY(check_trust(yaml, "provenance", (int)k, from->trust));
        for (int n = 0; n < a->n_numbers; n++) {
            xbtab_arch_number *to = &a->number[n];
            if (from->value ? strcmp(to->key, from->key) != 0 : !is_below(to->key, from->key)) continue;
            if (from->value && strcmp(to->value, from->value) != 0) {
                return xbtab__yaml_fail(yaml, place, "%s is %s in this file, not %s", from->key, to->value,
                                        from->value);
            }
            xbtab__free(to->trust);
            xbtab__free(to->source);
            to->trust = to->source = NULL;
            XBTAB_TRY(copy_text(&to->trust, from->trust));
            XBTAB_TRY(copy_text(&to->source, from->source));
            found++;
        }
        if (!found) return xbtab__yaml_fail(yaml, place, "this file has no number at %s", from->key);
    }
    return XBTAB_OK;
}

/* ---- what must fit together ---- */

static int level_bits(const xbtab_arch *a)
{
    int bits = 0;
    while (a->spec->n_levels >> (bits + 1)) bits++;
    return bits;
}

int xbtab_arch_cell_bits(const xbtab_arch *a)
{
    return a->scheme.cell_bits ? a->scheme.cell_bits : level_bits(a);
}

int xbtab_arch_adc_bits(const xbtab_arch *a)
{
    return a->scheme.adc_bits ? a->scheme.adc_bits : a->spec->adc_bits;
}

static int rows_active(const xbtab_arch *a)
{
    return a->scheme.rows_active ? a->scheme.rows_active : a->spec->rows;
}

/* Of networks in float; what files that are quantized have of their own is not known here. */
static int activation_bits(const xbtab_arch *a)
{
    return a->activation_bits ? a->activation_bits : DEFAULT_BITS;
}

int xbtab_arch_adc_bits_needed(const xbtab_arch *a)
{
    return xbtab_scheme_adc_bits_needed(&a->scheme, a->spec->dac_bits, activation_bits(a),
                                        xbtab_arch_cell_bits(a), a->spec->rows);
}

static bool is_single_bit(const xbtab_arch *a)
{
    return a->scheme.weights == XBTAB_WEIGHTS_XNOR_PAIR;
}

static xbtab_status check_parts(const xbtab_arch *a, const xbtab__yaml *yaml)
{
    if (a->scheme.cell_bits > level_bits(a)) {
        return xbtab__yaml_fail(yaml, "scheme.cell_bits",
                                "%d bits a cell need %d levels, and the tile has %d", a->scheme.cell_bits,
                                1 << a->scheme.cell_bits, a->spec->n_levels);
    }
    if (a->scheme.rows_active > a->spec->rows) {
        return xbtab__yaml_fail(yaml, "scheme.rows_active", "%d rows at once are more than the tile's %d",
                                a->scheme.rows_active, a->spec->rows);
    }
    if (is_single_bit(a) && (a->weight_bits > 2 || a->activation_bits > 1)) {
        return xbtab__yaml_fail(
            yaml, "quantization",
            "%s holds one bit, and the weights have %d bits and the activations %d; at most 2 "
            "(sign included) and 1",
            xbtab_scheme_word(XBTAB_KEY_WEIGHTS, (int)a->scheme.weights),
            a->weight_bits ? a->weight_bits : DEFAULT_BITS, activation_bits(a));
    }
    return XBTAB_OK;
}

int xbtab_arch_warn(const xbtab_arch *a, xbtab_note_fn note, void *payload)
{
    char line[512];
    int n = 0, used = xbtab_arch_adc_bits(a), needed = xbtab_arch_adc_bits_needed(a);
    if (used < needed) {
        snprintf(
            line, sizeof line,
            "%s: %d input bits x %d cell bits x %d rows need %d ADC bits by the survey's formula, and the %s "
            "has %d",
            a->name, xbtab_scheme_input_bits(&a->scheme, a->spec->dac_bits, activation_bits(a)),
            xbtab_arch_cell_bits(a), rows_active(a), needed,
            xbtab_scheme_word(XBTAB_KEY_READOUT, (int)a->scheme.readout), used);
        note(line, payload);
        n++;
    }
    double most = a->spec->G_level[a->spec->n_levels - 1], length = a->spec->rows * a->spec->r_bit;
    double drop =
        rows_active(a) * most * length / 2; /* a full column's current over half its wire, of v_read */
    if (drop > 0.1) {
        snprintf(
            line, sizeof line,
            "%s: %d cells of %.3g ohm draw %.3g mA a bit line, which would drop %.0f %% of the read voltage "
            "along its %.3g ohm",
            a->name, rows_active(a), 1 / most, 1e3 * rows_active(a) * most * a->spec->v_read, 100 * drop,
            length);
        note(line, payload);
        n++;
    }
    return n;
}

/* ---- whole presets ---- */

static xbtab_status take_arch(xbtab_arch *a, const xbtab__yaml *yaml, const arch_text *text,
                              const xbtab_models *models)
{
    static const xbtab__scheme_text no_scheme = {{NULL}, {NULL}, {NULL}};
    XBTAB_TRY(copy_text(&a->name, text->name));
    XBTAB_TRY(copy_text(&a->summary, text->summary));
    XBTAB_TRY(copy_text(&a->survey_ref, text->survey_ref));
    XBTAB_TRY(copy_text(&a->notes, text->notes));
    XBTAB_TRY(copy_text(&a->path, yaml->path));
    XBTAB_TRY(copy_text(&a->text, yaml->text));
    XBTAB_TRY(take_tile(a, yaml, models));
    XBTAB_TRY(find_hierarchy(a, yaml));
    XBTAB_TRY(xbtab__scheme_take(&a->scheme, yaml, "scheme", text->scheme ? text->scheme : &no_scheme));
    if (text->quantization) XBTAB_TRY(take_quantization(a, yaml, text->quantization));
    a->network = xbtab__alloc(text->networks_count, sizeof *a->network);
    if (!a->network) return XBTAB_NOMEM();
    a->n_networks = (int)text->networks_count;
    for (int k = 0; k < a->n_networks; k++)
        XBTAB_TRY(take_network(&a->network[k], yaml, k, &text->networks[k]));
    XBTAB_TRY(take_published(a, yaml, text));
    XBTAB_TRY(take_provenance(a, yaml, text));
    return check_parts(a, yaml);
}

static xbtab_status make_arch(xbtab_arch **out, const xbtab__yaml *yaml, const xbtab_models *models)
{
    xbtab_status status;
    void *text = NULL;
    xbtab_arch *a = xbtab__alloc(1, sizeof *a);
    if (!a) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__yaml_load(&text, yaml, &arch_value));
    XBTAB_TRY_DONE(take_arch(a, yaml, text, models));
    *out = a;
    a = NULL;
done:
    xbtab__yaml_free_data(text, &arch_value);
    xbtab_arch_destroy(&a);
    return status;
}

xbtab_status xbtab_arch_open(xbtab_arch **out, const char *path, const xbtab_models *models)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_read(&yaml, path));
    xbtab_status status = make_arch(out, &yaml, models);
    xbtab__yaml_clear(&yaml);
    return status;
}

xbtab_status xbtab_arch_parse(xbtab_arch **out, const char *text, const char *name,
                              const xbtab_models *models)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_copy(&yaml, text, name, 0));
    xbtab_status status = make_arch(out, &yaml, models);
    xbtab__yaml_clear(&yaml);
    return status;
}

void xbtab_arch_destroy(xbtab_arch **arch)
{
    if (!arch || !*arch) return;
    xbtab_arch *a = *arch;
    for (int k = 0; k < a->n_networks && a->network; k++) {
        xbtab__free(a->network[k].network);
        xbtab__free(a->network[k].images);
        xbtab__free(a->network[k].calibration_images);
        xbtab__free(a->network[k].labels);
        xbtab__free(a->network[k].difference);
    }
    for (int k = 0; k < a->n_published && a->published; k++) {
        xbtab__free(a->published[k].what);
        xbtab__free(a->published[k].value);
        xbtab__free(a->published[k].trust);
        xbtab__free(a->published[k].source);
        xbtab__free(a->published[k].of);
        xbtab__free(a->published[k].number);
        xbtab__free(a->published[k].conditions);
    }
    for (int k = 0; k < a->n_numbers && a->number; k++) {
        xbtab__free(a->number[k].key);
        xbtab__free(a->number[k].value);
        xbtab__free(a->number[k].trust);
        xbtab__free(a->number[k].source);
    }
    xbtab_spec_destroy(&a->spec);
    xbtab__free(a->layer);
    xbtab__free(a->network);
    xbtab__free(a->published);
    xbtab__free(a->number);
    xbtab__free(a->name);
    xbtab__free(a->summary);
    xbtab__free(a->survey_ref);
    xbtab__free(a->notes);
    xbtab__free(a->path);
    xbtab__free(a->text);
    xbtab__free(a);
    *arch = NULL;
}

xbtab_status xbtab_config_set(char **out, const char *text, const char *name, const char *key,
                              const char *value)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_copy(&yaml, text, name, 0));
    xbtab_status status = xbtab__yaml_set(out, &yaml, key, value);
    xbtab__yaml_clear(&yaml);
    return status;
}
