/* spec_write.c - the write pulses that a specification asks for: transients of the cell, or measured data. */
#include "spec_write.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

enum { MOST_PULSES = 4096 };

#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, type, member)                                                                     \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_value_t quantity_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED)};
static const cyaml_schema_field_t pulses_fields[] = {
    CYAML_FIELD_SEQUENCE("amplitude", CYAML_FLAG_POINTER, xbtab__write_pulses_text, amplitude,
                         &quantity_value, 1, 256),
    CYAML_FIELD_SEQUENCE("width", CYAML_FLAG_POINTER, xbtab__write_pulses_text, width, &quantity_value, 1,
                         256),
    CYAML_FIELD_SEQUENCE("gate", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__write_pulses_text, gate,
                         &quantity_value, 1, 256),
    CYAML_FIELD_END};
static const cyaml_schema_field_t data_fields[] = {
    TEXT("file", xbtab__write_data_text, file),
    OPTIONAL_TEXT("kind", xbtab__write_data_text, kind),
    OPTIONAL_TEXT("quantity", xbtab__write_data_text, quantity),
    OPTIONAL_TEXT("voltage", xbtab__write_data_text, voltage),
    OPTIONAL_TEXT("column", xbtab__write_data_text, column),
    OPTIONAL_TEXT("low", xbtab__write_data_text, low),
    OPTIONAL_TEXT("high", xbtab__write_data_text, high),
    OPTIONAL_TEXT("g_low", xbtab__write_data_text, g_low),
    OPTIONAL_TEXT("g_high", xbtab__write_data_text, g_high),
    OPTIONAL_TEXT("amplitude", xbtab__write_data_text, amplitude),
    OPTIONAL_TEXT("width", xbtab__write_data_text, width),
    OPTIONAL_TEXT("gate", xbtab__write_data_text, gate),
    OPTIONAL_TEXT("accept_units", xbtab__write_data_text, accept_units),
    CYAML_FIELD_END};
static const cyaml_schema_value_t data_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, xbtab__write_data_text, data_fields)};

const cyaml_schema_field_t xbtab__write_fields[] = {
    CYAML_FIELD_MAPPING_PTR("set", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__write_text, set,
                            pulses_fields),
    CYAML_FIELD_MAPPING_PTR("reset", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__write_text, reset,
                            pulses_fields),
    OPTIONAL_TEXT("conductances", xbtab__write_text, conductances),
    OPTIONAL_TEXT("repeats", xbtab__write_text, repeats),
    OPTIONAL_TEXT("train", xbtab__write_text, train),
    CYAML_FIELD_SEQUENCE("data", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__write_text, data,
                         &data_value, 1, 64),
    CYAML_FIELD_END};

/* ---- pulses for ngspice ---- */

/* Whether a positive amplitude is what sets the device, for messages: the sheet's own pulse tells. */
static xbtab_status take_pulse(xbtab_pulse *pulse, const xbtab__yaml *yaml, const char *key,
                               const xbtab_spec *spec, const xbtab__write_pulses_text *text,
                               const size_t at[3])
{
    const xbtab_model *selector = spec->selector.model;
    const xbtab_model_dynamic *dynamic = spec->rram.model->dynamic;
    const xbtab_model_pulse *own = pulse->kind == XBTAB_PULSE_SET ? &dynamic->set : &dynamic->reset;
    char place[64];
    snprintf(place, sizeof place, "%s.amplitude[%zu]", key, at[0]);
    XBTAB_TRY(xbtab__yaml_quantity(&pulse->amplitude, yaml, place, text->amplitude[at[0]], "V", -20, 20));
    if (!(pulse->amplitude * own->amplitude > 0)) {
        return xbtab__yaml_fail(yaml, place, "%s is %s by %s pulses, as its own of %g V",
                                spec->rram.model->name, pulse->kind == XBTAB_PULSE_SET ? "set" : "reset",
                                own->amplitude > 0 ? "positive" : "negative", own->amplitude);
    }
    snprintf(place, sizeof place, "%s.width[%zu]", key, at[1]);
    XBTAB_TRY(xbtab__yaml_quantity(&pulse->width, yaml, place, text->width[at[1]], "s", 1e-12, 100));
    pulse->v_gate = selector->gate >= 0 ? spec->selector.value[selector->gate] : NAN;
    if (text->gate_count == 0) return XBTAB_OK;
    snprintf(place, sizeof place, "%s.gate[%zu]", key, at[2]);
    if (selector->gate < 0)
        return xbtab__yaml_fail(yaml, place, "the selector %s has no gate", selector->name);
    const xbtab_parameter *p = &selector->parameters[selector->gate];
    return xbtab__yaml_quantity(&pulse->v_gate, yaml, place, text->gate[at[2]], "V", p->min, p->max);
}

/* All combinations of a kind's lists. */
static xbtab_status take_pulses(xbtab_spec *spec, const xbtab__yaml *yaml, const char *key,
                                xbtab_pulse_kind kind, const xbtab__write_pulses_text *text)
{
    xbtab_write_plan *plan = &spec->write;
    size_t n_gate = text->gate_count ? text->gate_count : 1;
    size_t n = (size_t)text->amplitude_count * text->width_count * n_gate;
    if (n + plan->n > MOST_PULSES) return xbtab__yaml_fail(yaml, key, "more than %d pulses", MOST_PULSES);
    xbtab_pulse *grown = xbtab__realloc(plan->pulse, plan->n + n, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    plan->pulse = grown;
    for (size_t k = 0; k < n; k++) {
        size_t at[3] = {k / n_gate / text->width_count, k / n_gate % text->width_count, k % n_gate};
        plan->pulse[plan->n] = (xbtab_pulse){.kind = kind};
        XBTAB_TRY(take_pulse(&plan->pulse[plan->n++], yaml, key, spec, text, at));
    }
    return XBTAB_OK;
}

static xbtab_status take_own_pulses(xbtab_spec *spec)
{
    const xbtab_model_dynamic *dynamic = spec->rram.model->dynamic;
    const xbtab_model *selector = spec->selector.model;
    double v_gate = selector->gate >= 0 ? spec->selector.value[selector->gate] : NAN;
    spec->write.pulse = xbtab__alloc(2, sizeof *spec->write.pulse);
    if (!spec->write.pulse) return XBTAB_NOMEM();
    spec->write.n = 2;
    for (int kind = 0; kind < 2; kind++) {
        const xbtab_model_pulse *own = kind == XBTAB_PULSE_SET ? &dynamic->set : &dynamic->reset;
        spec->write.pulse[kind] = (xbtab_pulse){(xbtab_pulse_kind)kind, own->amplitude, own->width, v_gate};
    }
    return XBTAB_OK;
}

/* ---- measured data ---- */

static xbtab_status take_data(xbtab_write_source *source, const xbtab__yaml *yaml,
                              const xbtab__write_data_text *text, unsigned k)
{
    static const char *const kinds[] = {"set", "reset", NULL};
    static const char *const answers[] = {"no", "yes", NULL};
    static const char *const quantities[] = {"conductance", "resistance", "current", "normalized", NULL};
    char key[64];
    int word = 0;
    source->voltage = source->amplitude = source->width = source->v_gate = NAN;
    source->file = xbtab__strdup(text->file);
    if (!source->file) return XBTAB_NOMEM();
    source->kind = -1;
    snprintf(key, sizeof key, "write.data[%u].kind", k);
    XBTAB_TRY(xbtab__yaml_choice(&source->kind, yaml, key, text->kind, kinds));
    snprintf(key, sizeof key, "write.data[%u].quantity", k);
    XBTAB_TRY(xbtab__yaml_choice(&word, yaml, key, text->quantity, quantities));
    source->quantity = (xbtab_write_quantity)word;
    snprintf(key, sizeof key, "write.data[%u].accept_units", k);
    XBTAB_TRY(xbtab__yaml_choice(&source->accepts_units, yaml, key, text->accept_units, answers));
    snprintf(key, sizeof key, "write.data[%u].column", k);
    XBTAB_TRY(xbtab__yaml_int(&source->column, yaml, key, text->column, 1, 100000));
    const struct {
        const char *name, *text, *unit;
        double *value, min, max;
    } entries[] = {{"voltage", text->voltage, "V", &source->voltage, -20, 20},
                   {"amplitude", text->amplitude, "V", &source->amplitude, -20, 20},
                   {"width", text->width, "s", &source->width, 1e-12, 100},
                   {"gate", text->gate, "V", &source->v_gate, -20, 20},
                   {"low", text->low, "1", &source->low, -1e12, 1e12},
                   {"high", text->high, "1", &source->high, -1e12, 1e12},
                   {"g_low", text->g_low, "S", &source->G_low, 1e-15, 1},
                   {"g_high", text->g_high, "S", &source->G_high, 1e-15, 1}};
    for (size_t e = 0; e < sizeof entries / sizeof entries[0]; e++) {
        snprintf(key, sizeof key, "write.data[%u].%s", k, entries[e].name);
        XBTAB_TRY(xbtab__yaml_quantity(entries[e].value, yaml, key, entries[e].text, entries[e].unit,
                                       entries[e].min, entries[e].max));
    }
    snprintf(key, sizeof key, "write.data[%u]", k);
    bool is_normalized = source->quantity == XBTAB_WRITE_NORMALIZED;
    if (source->quantity == XBTAB_WRITE_CURRENT && !(fabs(source->voltage) > 0))
        return xbtab__yaml_fail(yaml, key, "currents need the voltage they were read at");
    if (is_normalized &&
        !(source->high > source->low && source->G_high > source->G_low && source->G_low > 0)) {
        return xbtab__yaml_fail(yaml, key,
                                "normalized values need low < high and the conductances g_low < g_high they "
                                "stand for");
    }
    if (!is_normalized && (text->low || text->high || text->g_low || text->g_high))
        return xbtab__yaml_fail(yaml, key, "low, high, g_low and g_high are for normalized values");
    return XBTAB_OK;
}

xbtab_status xbtab__spec_take_write(xbtab_spec *spec, const xbtab__yaml *yaml, const xbtab__write_text *text)
{
    xbtab_write_plan *plan = &spec->write;
    if (!text) return XBTAB_OK;
    plan->is_wanted = 1;
    plan->conductances = 33;
    plan->repeats = 16;
    plan->train = 100;
    XBTAB_TRY(xbtab__yaml_int(&plan->conductances, yaml, "write.conductances", text->conductances, 3, 1025));
    XBTAB_TRY(xbtab__yaml_int(&plan->repeats, yaml, "write.repeats", text->repeats, 2, 10000));
    XBTAB_TRY(xbtab__yaml_int(&plan->train, yaml, "write.train", text->train, 1, 10000));
    if (text->data_count) {
        if (text->set || text->reset)
            return xbtab__yaml_fail(yaml, "write.data", "give either measured data, or set and reset pulses");
        plan->source = xbtab__alloc(text->data_count, sizeof *plan->source);
        if (!plan->source) return XBTAB_NOMEM();
        for (unsigned k = 0; k < text->data_count; k++) {
            plan->n_sources++;
            XBTAB_TRY(take_data(&plan->source[k], yaml, &text->data[k], k));
        }
        return XBTAB_OK;
    }
    if (!spec->rram.model->dynamic) {
        return xbtab__yaml_fail(
            yaml, "write",
            "%s is a read curve that does not switch; give measured data (write.data), or a "
            "model with \"dynamic\"",
            spec->rram.model->name);
    }
    if (!text->set && !text->reset) return take_own_pulses(spec);
    if (text->set) XBTAB_TRY(take_pulses(spec, yaml, "write.set", XBTAB_PULSE_SET, text->set));
    if (text->reset) XBTAB_TRY(take_pulses(spec, yaml, "write.reset", XBTAB_PULSE_RESET, text->reset));
    return XBTAB_OK;
}

void xbtab__spec_clear_write(xbtab_write_plan *plan)
{
    for (size_t k = 0; k < plan->n_sources; k++) xbtab__free(plan->source[k].file);
    xbtab__free(plan->source);
    xbtab__free(plan->pulse);
    *plan = (xbtab_write_plan){0};
}
