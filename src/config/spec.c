/* spec.c - a tile's YAML file: schema, defaults, units and bounds. */
#include <xbartab/spec.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <xbartab/number.h>
#include <xbartab/solve.h>

#include "memory.h"
#include "presets.h"
#include "quantity.h"
#include "spec_array.h"
#include "spec_operating.h"
#include "spec_write.h"
#include "spec_make.h"
#include "spec_use.h"
#include "whole_range.h"
#include "yaml_text.h"

enum { MOST_LEVELS = 256, MOST_CODES = 1 << XBTAB_SPEC_MOST_DAC_BITS };

/* Up to 64 x 64 cells ngspice solves a sample tile in seconds, where it starts each vector afresh up to 24 x
 * 24, and up to 128 x 128 in minutes. */
enum { MOST_CELLS_SPICE = 64 * 64, MOST_CELLS_SPICE_AFRESH = 24 * 24, MOST_CELLS_FULL_CHECK = 128 * 128 };

typedef struct cell_text {
    xbtab__use_text rram;
    xbtab__use_text *selector;
} cell_text;

typedef struct levels_text {
    char *count, *g_min, *g_max, *spacing;
    char **conductances;
    unsigned conductances_count;
} levels_text;

typedef struct wire_text {
    char *model, *cell, *word, *bit, *source, *capacitance;
    xbtab__value_text *parameters;
    unsigned parameters_count;
} wire_text;

typedef struct resistance_text {
    char *resistance;
} resistance_text;

typedef struct dac_text {
    char *bits, *read_voltage, *read_time;
    char **gate_voltages;
    unsigned gate_voltages_count;
} dac_text;

typedef struct adc_text {
    char *bits, *range;
} adc_text;

typedef struct sampling_text {
    char *tiles, *tiles_heldout, *vectors, *voltages, *states, *engine, *check_tiles, *check_full;
} sampling_text;

typedef struct spec_text {
    char *name, *seed;
    cell_text cell;
    levels_text levels;
    xbtab__array_text array;
    wire_text wire;
    resistance_text *driver, *sink;
    dac_text dac;
    xbtab__use_text tia;
    adc_text adc;
    sampling_text *sampling;
    xbtab__write_text *write;
} spec_text;

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_MAPPING(key, type, member, fields)                                                          \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)

static const cyaml_schema_field_t cell_fields[] = {
    CYAML_FIELD_MAPPING("rram", CYAML_FLAG_DEFAULT, cell_text, rram, xbtab__use_fields),
    OPTIONAL_MAPPING("selector", cell_text, selector, xbtab__use_fields), CYAML_FIELD_END};
static const cyaml_schema_value_t quantity_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED)};
static const cyaml_schema_field_t levels_fields[] = {
    OPTIONAL_TEXT("count", levels_text, count),
    OPTIONAL_TEXT("g_min", levels_text, g_min),
    OPTIONAL_TEXT("g_max", levels_text, g_max),
    OPTIONAL_TEXT("spacing", levels_text, spacing),
    CYAML_FIELD_SEQUENCE("conductances", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, levels_text, conductances,
                         &quantity_value, 2, MOST_LEVELS),
    CYAML_FIELD_END};
static const cyaml_schema_field_t wire_fields[] = {
    OPTIONAL_TEXT("model", wire_text, model),
    OPTIONAL_TEXT("cell", wire_text, cell),
    OPTIONAL_TEXT("word", wire_text, word),
    OPTIONAL_TEXT("bit", wire_text, bit),
    OPTIONAL_TEXT("source", wire_text, source),
    OPTIONAL_TEXT("capacitance", wire_text, capacitance),
    CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, wire_text, parameters,
                         &xbtab__value_schema, 0, 200),
    CYAML_FIELD_END};
static const cyaml_schema_field_t resistance_fields[] = {TEXT("resistance", resistance_text, resistance),
                                                         CYAML_FIELD_END};
static const cyaml_schema_field_t dac_fields[] = {
    OPTIONAL_TEXT("bits", dac_text, bits), TEXT("read_voltage", dac_text, read_voltage),
    OPTIONAL_TEXT("read_time", dac_text, read_time),
    CYAML_FIELD_SEQUENCE("gate_voltages", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, dac_text, gate_voltages,
                         &quantity_value, 2, MOST_CODES),
    CYAML_FIELD_END};
static const cyaml_schema_field_t adc_fields[] = {TEXT("bits", adc_text, bits),
                                                  OPTIONAL_TEXT("range", adc_text, range), CYAML_FIELD_END};
static const cyaml_schema_field_t sampling_fields[] = {
    OPTIONAL_TEXT("tiles", sampling_text, tiles),
    OPTIONAL_TEXT("tiles_heldout", sampling_text, tiles_heldout),
    OPTIONAL_TEXT("vectors", sampling_text, vectors),
    OPTIONAL_TEXT("voltages", sampling_text, voltages),
    OPTIONAL_TEXT("states", sampling_text, states),
    OPTIONAL_TEXT("engine", sampling_text, engine),
    OPTIONAL_TEXT("check_tiles", sampling_text, check_tiles),
    OPTIONAL_TEXT("check_full", sampling_text, check_full),
    CYAML_FIELD_END};
static const cyaml_schema_field_t spec_fields[] = {
    TEXT("name", spec_text, name),
    OPTIONAL_TEXT("seed", spec_text, seed),
    CYAML_FIELD_MAPPING("cell", CYAML_FLAG_DEFAULT, spec_text, cell, cell_fields),
    CYAML_FIELD_MAPPING("levels", CYAML_FLAG_DEFAULT, spec_text, levels, levels_fields),
    CYAML_FIELD_MAPPING("array", CYAML_FLAG_DEFAULT, spec_text, array, xbtab__array_fields),
    CYAML_FIELD_MAPPING("wire", CYAML_FLAG_DEFAULT, spec_text, wire, wire_fields),
    OPTIONAL_MAPPING("driver", spec_text, driver, resistance_fields),
    OPTIONAL_MAPPING("sink", spec_text, sink, resistance_fields),
    CYAML_FIELD_MAPPING("dac", CYAML_FLAG_DEFAULT, spec_text, dac, dac_fields),
    CYAML_FIELD_MAPPING("tia", CYAML_FLAG_DEFAULT, spec_text, tia, xbtab__use_fields),
    CYAML_FIELD_MAPPING("adc", CYAML_FLAG_DEFAULT, spec_text, adc, adc_fields),
    OPTIONAL_MAPPING("sampling", spec_text, sampling, sampling_fields),
    OPTIONAL_MAPPING("write", spec_text, write, xbtab__write_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t spec_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, spec_text, spec_fields)};

/* ---- parts ---- */

static xbtab_status take_levels(xbtab_spec *spec, const xbtab__yaml *yaml, const levels_text *text)
{
    static const char *const spacings[] = {"linear", "log", NULL};
    const double least = 1e-12, most = 1.0;
    if (text->conductances_count) {
        if (text->count || text->g_min || text->g_max || text->spacing) {
            return xbtab__yaml_fail(yaml, "levels",
                                    "give either conductances or count, g_min, g_max and spacing");
        }
        spec->n_levels = (int)text->conductances_count;
    } else {
        if (!text->count || !text->g_min || !text->g_max) {
            return xbtab__yaml_fail(yaml, "levels",
                                    "needs count, g_min and g_max, or a list of conductances");
        }
        XBTAB_TRY(xbtab__yaml_int(&spec->n_levels, yaml, "levels.count", text->count, 2, MOST_LEVELS));
    }
    spec->G_level = xbtab__alloc((size_t)spec->n_levels, sizeof *spec->G_level);
    if (!spec->G_level) return XBTAB_NOMEM();
    if (text->conductances_count) {
        for (int k = 0; k < spec->n_levels; k++) {
            char key[64];
            snprintf(key, sizeof key, "levels.conductances[%d]", k);
            XBTAB_TRY(
                xbtab__yaml_quantity(&spec->G_level[k], yaml, key, text->conductances[k], "S", least, most));
            if (k > 0 && spec->G_level[k] <= spec->G_level[k - 1]) {
                return xbtab__yaml_fail(yaml, key, "conductances must rise from level to level");
            }
        }
        return XBTAB_OK;
    }
    double g_min = 0, g_max = 0;
    int is_log = 0;
    XBTAB_TRY(xbtab__yaml_choice(&is_log, yaml, "levels.spacing", text->spacing, spacings));
    XBTAB_TRY(xbtab__yaml_quantity(&g_min, yaml, "levels.g_min", text->g_min, "S", least, most));
    XBTAB_TRY(xbtab__yaml_quantity(&g_max, yaml, "levels.g_max", text->g_max, "S", least, most));
    if (g_max <= g_min) return xbtab__yaml_fail(yaml, "levels.g_max", "must be above g_min");
    for (int k = 0; k < spec->n_levels; k++) {
        double share = (double)k / (spec->n_levels - 1);
        spec->G_level[k] = is_log ? g_min * pow(g_max / g_min, share) : g_min + share * (g_max - g_min);
    }
    spec->G_level[spec->n_levels - 1] = g_max;
    return XBTAB_OK;
}

static xbtab_status take_wire_model(xbtab_wire_cell *out, const xbtab__yaml *yaml, const wire_text *text,
                                    const xbtab_models *models)
{
    xbtab__use_text as_use = {.model = text->model,
                              .preset = text->cell,
                              .parameters = text->parameters,
                              .parameters_count = text->parameters_count};
    xbtab_model_use use = {0};
    xbtab_status status = xbtab__take_use(&use, yaml, "wire", &as_use, models, XBTAB_MODEL_WIRE, NULL);
    if (status == XBTAB_OK) xbtab_wire_cell_of(out, use.model, use.value);
    xbtab__free(use.value);
    return status;
}

/* A wire's, driver's or sink's: none at all, or one that a circuit of double precision can hold. */
static xbtab_status take_resistance(double *out, const xbtab__yaml *yaml, const char *key, const char *text)
{
    char least[64], got[64];
    XBTAB_TRY(xbtab__yaml_quantity(out, yaml, key, text, "ohm", 0, 1e6));
    if (!text || xbtab_solve_takes_ohm(*out)) return XBTAB_OK;
    return xbtab__yaml_fail(yaml, key, "%s is between 0 ohm (none) and %s, the least",
                            xbtab__quantity_print(got, sizeof got, *out, "ohm"),
                            xbtab__quantity_print(least, sizeof least, XBTAB_SOLVE_LEAST_OHM, "ohm"));
}

static xbtab_status take_wire(xbtab_spec *spec, const xbtab__yaml *yaml, const wire_text *text,
                              const xbtab_models *models)
{
    xbtab_wire_cell *wire = &spec->wire;
    if (text->source && spec->array.topology != XBTAB_TOPOLOGY_GATE_INPUT)
        return xbtab__yaml_fail(yaml, "wire.source", "is for array.topology: gate_input");
    if (text->model) {
        if (text->word || text->bit || text->source)
            return xbtab__yaml_fail(yaml, "wire", "give either model, or word, bit and source");
        XBTAB_TRY(take_wire_model(wire, yaml, text, models));
    } else {
        if (!text->word || !text->bit) {
            return xbtab__yaml_fail(yaml, "wire", "needs word and bit (resistance a cell), or model");
        }
        if (text->cell || text->parameters_count)
            return xbtab__yaml_fail(yaml, "wire", "cell and parameters belong to a model");
        XBTAB_TRY(take_resistance(&wire->r_word, yaml, "wire.word", text->word));
        XBTAB_TRY(take_resistance(&wire->r_bit, yaml, "wire.bit", text->bit));
    }
    if (text->capacitance) {
        XBTAB_TRY(
            xbtab__yaml_quantity(&wire->c_word, yaml, "wire.capacitance", text->capacitance, "F", 0, 1e-9));
        wire->c_bit = wire->c_word;
    }
    spec->r_word = wire->r_word;
    spec->r_bit = wire->r_bit;
    spec->r_source_line = wire->r_bit;
    return take_resistance(&spec->r_source_line, yaml, "wire.source", text->source);
}

static xbtab_status take_sampling(xbtab_spec *spec, const xbtab__yaml *yaml, const sampling_text *text)
{
    static const char *const engines[] = {"auto", "spice", "solve", NULL};
    xbtab_sampling *s = &spec->sampling;
    int engine = XBTAB_SAMPLING_AUTO;
    /* states: every level, and enough conductances between them to program a cell anywhere */
    *s = (xbtab_sampling){.tiles = 8, .tiles_heldout = 4, .vectors = 16, .voltages = 161, .states = 17};
    s->check_tiles = 2;
    s->check_full = spec->rows * spec->columns <= MOST_CELLS_FULL_CHECK;
    if (text) {
        XBTAB_TRY(xbtab__yaml_choice(&engine, yaml, "sampling.engine", text->engine, engines));
        XBTAB_TRY(xbtab__yaml_int(&s->check_tiles, yaml, "sampling.check_tiles", text->check_tiles, 1, 1000));
        XBTAB_TRY(xbtab__yaml_int(&s->check_full, yaml, "sampling.check_full", text->check_full, 0, 1000));
        XBTAB_TRY(xbtab__yaml_int(&s->tiles, yaml, "sampling.tiles", text->tiles, 1, 100000));
        XBTAB_TRY(xbtab__yaml_int(&s->tiles_heldout, yaml, "sampling.tiles_heldout", text->tiles_heldout, 1,
                                  100000));
        XBTAB_TRY(xbtab__yaml_int(&s->vectors, yaml, "sampling.vectors", text->vectors, 4, 100000));
        XBTAB_TRY(xbtab__yaml_int(&s->voltages, yaml, "sampling.voltages", text->voltages, 17, 2049));
        XBTAB_TRY(xbtab__yaml_int(&s->states, yaml, "sampling.states", text->states, 2, 256));
    }
    if (engine == XBTAB_SAMPLING_AUTO) {
        bool is_hard = xbtab_array_has_gates(&spec->array) && xbtab_array_is_signed(&spec->array);
        int most = is_hard ? MOST_CELLS_SPICE_AFRESH : MOST_CELLS_SPICE;
        engine = spec->rows * spec->columns <= most ? XBTAB_SAMPLING_SPICE : XBTAB_SAMPLING_SOLVE;
    }
    s->engine = (xbtab_sampling_engine)engine;
    return XBTAB_OK;
}

static xbtab_status take_seed(xbtab_spec *spec, const xbtab__yaml *yaml, const char *text)
{
    spec->seed = 1;
    if (!text || xbtab_number_unsigned(&spec->seed, text, UINT64_MAX) == XBTAB_NUMBER_FINE) return XBTAB_OK;
    return xbtab__yaml_fail(yaml, "seed", "\"%.40s\" is not a whole number from 0 to %" PRIu64, text,
                            UINT64_MAX);
}

/* The ADC's range that covers every input, with a step that is a power of two times one level's step at one
 * DAC step. Both columns of a differential pair carry the same current of the lowest level, so with aligned
 * steps their codes differ by whole numbers, and an ADC of enough bits gives exact sums. */
static double aligned_full_scale(const xbtab_spec *spec)
{
    double G_most = spec->G_level[spec->n_levels - 1];
    double unit = (G_most - spec->G_level[0]) / (spec->n_levels - 1) * xbtab_spec_dac_voltage(spec, 1);
    return unit * xbtab__whole_range(spec->rows * G_most * spec->v_read / unit);
}

static xbtab_status take_converters(xbtab_spec *spec, const xbtab__yaml *yaml, const spec_text *text)
{
    spec->dac_bits = 1;
    spec->read_time = 10e-9; /* assumed: a usual read pulse of digital RRAM macros */
    XBTAB_TRY(
        xbtab__yaml_int(&spec->dac_bits, yaml, "dac.bits", text->dac.bits, 1, XBTAB_SPEC_MOST_DAC_BITS));
    XBTAB_TRY(
        xbtab__yaml_quantity(&spec->v_read, yaml, "dac.read_voltage", text->dac.read_voltage, "V", 1e-3, 20));
    XBTAB_TRY(
        xbtab__yaml_quantity(&spec->read_time, yaml, "dac.read_time", text->dac.read_time, "s", 1e-12, 1));
    XBTAB_TRY(xbtab__take_gate_voltages(spec, yaml, text->dac.gate_voltages, text->dac.gate_voltages_count));
    XBTAB_TRY(xbtab__yaml_int(&spec->adc_bits, yaml, "adc.bits", text->adc.bits, 1, 12));
    spec->I_full_scale = aligned_full_scale(spec);
    if (text->adc.range && strcmp(text->adc.range, "full") != 0) {
        spec->range_is_given = 1;
        XBTAB_TRY(
            xbtab__yaml_quantity(&spec->I_full_scale, yaml, "adc.range", text->adc.range, "A", 1e-12, 10));
    }
    return XBTAB_OK;
}

static xbtab_status take_spec(xbtab_spec *spec, const xbtab__yaml *yaml, const spec_text *text,
                              const xbtab_models *models)
{
    xbtab__use_text no_selector = {.model = xbtab__no_element(models)};
    bool gain_is_given = false;
    spec->name = xbtab__strdup(text->name);
    spec->path = xbtab__strdup(yaml->path);
    spec->text = xbtab__strdup(yaml->text);
    if (!spec->name || !spec->path || !spec->text) return XBTAB_NOMEM();
    XBTAB_TRY(take_seed(spec, yaml, text->seed));
    XBTAB_TRY(
        xbtab__take_use(&spec->rram, yaml, "cell.rram", &text->cell.rram, models, XBTAB_MODEL_RRAM, NULL));
    XBTAB_TRY(xbtab__take_use(&spec->selector, yaml, "cell.selector",
                              text->cell.selector ? text->cell.selector : &no_selector, models,
                              XBTAB_MODEL_SELECTOR, NULL));
    XBTAB_TRY(take_levels(spec, yaml, &text->levels));
    XBTAB_TRY(xbtab__take_array(spec, yaml, &text->array));
    XBTAB_TRY(take_wire(spec, yaml, &text->wire, models));
    if (text->driver) {
        XBTAB_TRY(take_resistance(&spec->r_driver, yaml, "driver.resistance", text->driver->resistance));
    }
    if (text->sink) {
        XBTAB_TRY(take_resistance(&spec->r_sink, yaml, "sink.resistance", text->sink->resistance));
    }
    XBTAB_TRY(take_converters(spec, yaml, text));
    XBTAB_TRY(xbtab__check_turn_on(spec, yaml));
    XBTAB_TRY(xbtab__take_use(&spec->tia, yaml, "tia", &text->tia, models, XBTAB_MODEL_TIA, &gain_is_given));
    spec->gain_is_given = gain_is_given;
    if (xbtab__size_tia(spec) < 0) return xbtab__yaml_fail(yaml, "tia", "%s", xbtab_error_message());
    XBTAB_TRY(take_sampling(spec, yaml, text->sampling));
    return xbtab__spec_take_write(spec, yaml, text->write);
}

xbtab_status xbtab__spec_make(xbtab_spec **out, const xbtab__yaml *yaml, const xbtab_models *models)
{
    xbtab_status status;
    void *text = NULL;
    xbtab_spec *spec = xbtab__alloc(1, sizeof *spec);
    if (!spec) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__yaml_load(&text, yaml, &spec_value));
    XBTAB_TRY_DONE(take_spec(spec, yaml, text, models));
    *out = spec;
    spec = NULL;
done:
    xbtab__yaml_free_data(text, &spec_value);
    xbtab_spec_destroy(&spec);
    return status;
}

xbtab_status xbtab_spec_open(xbtab_spec **out, const char *path, const xbtab_models *models)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_read(&yaml, path));
    xbtab_status status = xbtab__spec_make(out, &yaml, models);
    xbtab__yaml_clear(&yaml);
    return status;
}

xbtab_status xbtab_spec_parse(xbtab_spec **out, const char *text, const char *name,
                              const xbtab_models *models)
{
    xbtab__yaml yaml;
    XBTAB_TRY(xbtab__yaml_copy(&yaml, text, name, 0));
    xbtab_status status = xbtab__spec_make(out, &yaml, models);
    xbtab__yaml_clear(&yaml);
    return status;
}

xbtab_status xbtab_spec_resize(xbtab_spec *spec, int rows, int columns)
{
    if (rows < 1 || rows > XBTAB__LARGEST_SIDE || columns < 1 || columns > XBTAB__LARGEST_SIDE) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "an array of %d x %d is outside 1 x 1 to %d x %d", rows, columns,
                   XBTAB__LARGEST_SIDE, XBTAB__LARGEST_SIDE);
    }
    spec->rows = rows;
    spec->columns = columns;
    if (!spec->range_is_given) spec->I_full_scale = aligned_full_scale(spec);
    return xbtab__size_tia(spec);
}

void xbtab_spec_destroy(xbtab_spec **spec)
{
    if (!spec || !*spec) return;
    xbtab_spec *s = *spec;
    xbtab__free(s->name);
    xbtab__free(s->path);
    xbtab__free(s->text);
    xbtab__free(s->rram.value);
    xbtab__free(s->rram.dynamic_value);
    xbtab__spec_clear_write(&s->write);
    xbtab__free(s->selector.value);
    xbtab__free(s->selector.text);
    xbtab__free(s->tia.value);
    xbtab__free(s->G_level);
    xbtab__free(s);
    *spec = NULL;
}

double xbtab_spec_dac_voltage(const xbtab_spec *spec, int code)
{
    return spec->v_read * code / ((1 << spec->dac_bits) - 1);
}

double xbtab_spec_largest_current(const xbtab_spec *spec)
{
    return spec->I_full_scale / (xbtab_array_is_signed(&spec->array) ? 2 : 1);
}

double xbtab_spec_input_voltage(const xbtab_spec *spec, int row, int code)
{
    if (spec->array.topology == XBTAB_TOPOLOGY_GATE_INPUT) return spec->V_gate[code];
    return xbtab_array_sign(&spec->array, row) * xbtab_spec_dac_voltage(spec, code);
}
