/* calibrate_spec_data.c - what a calibration's YAML file says of its data: columns, units, pulses. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "calibrate_spec.h"
#include "memory.h"

enum { PLACE_SIZE = 160 };

static xbtab_status copy_text(char **out, const char *text)
{
    *out = xbtab__strdup(text);
    return *out ? XBTAB_OK : XBTAB_NOMEM();
}

static xbtab_status take_column(xbtab__column *column, const xbtab__yaml *yaml, const char *key,
                                const xbtab__column_text *text, const char *unit)
{
    char place[PLACE_SIZE], one[64];
    column->times = 1;
    column->si = unit;
    if (!text) return XBTAB_OK;
    column->has_unit = text->unit != NULL;
    if (!text->name == !text->number) return xbtab__yaml_fail(yaml, key, "needs name or number");
    if (text->name) XBTAB_TRY(copy_text(&column->name, text->name));
    snprintf(place, sizeof place, "%s.number", key);
    XBTAB_TRY(xbtab__yaml_int(&column->number, yaml, place, text->number, 1, 10000));
    XBTAB_TRY(copy_text(&column->unit, text->unit ? text->unit : unit));
    if (!text->unit || strcmp(unit, "1") == 0) return XBTAB_OK;
    if (strcmp(unit, "K") == 0 && strcmp(text->unit, "degC") == 0) {
        column->plus = 273.15;
        return XBTAB_OK;
    }
    snprintf(one, sizeof one, "1 %s", text->unit);
    snprintf(place, sizeof place, "%s.unit", key);
    return xbtab__yaml_quantity(&column->times, yaml, place, one, unit, DBL_MIN, DBL_MAX);
}

static xbtab_status take_y(xbtab__calibration *c, const xbtab__yaml *yaml, const xbtab__columns_text *t)
{
    const xbtab__column_text *y[] = {t->current, t->conductance, t->resistance};
    static const char *const names[] = {"current", "conductance", "resistance"}, *const units[] = {"A", "S",
                                                                                                   "ohm"};
    char key[64];
    int which = t->current ? 0 : t->conductance ? 1 : 2;
    if (c->kind == XBTAB_FIT_IV && (!t->current || t->conductance || t->resistance))
        return xbtab__yaml_fail(yaml, "data.columns", "kind iv needs voltage and current");
    if (!!t->current + !!t->conductance + !!t->resistance != 1)
        return xbtab__yaml_fail(yaml, "data.columns", "needs one of conductance, resistance and current");
    if (c->kind != XBTAB_FIT_IV && t->current && !(fabs(c->v_read) > 0))
        return xbtab__yaml_fail(yaml, "data", "currents need the read_voltage that they were read at");
    c->y_is_resistance = t->resistance != NULL;
    c->y_is_current = c->kind != XBTAB_FIT_IV && t->current;
    snprintf(key, sizeof key, "data.columns.%s", names[which]);
    return take_column(&c->column[XBTAB_FIT_Y], yaml, key, y[which], units[which]);
}

/* What each pulse is: one for all, or a column. */
static xbtab_status take_pulses(xbtab__calibration *c, const xbtab__yaml *yaml, const xbtab__columns_text *t,
                                const xbtab__pulses_text *pulses)
{
    const xbtab_model *s = c->selector;
    const struct {
        const char *name, *unit, *one;
        const xbtab__column_text *column;
        double *value, least, most;
        xbtab_fit_column which;
    } parts[] = {
        {"amplitude", "V", pulses ? pulses->amplitude : NULL, t->amplitude, &c->pulse.amplitude, -20, 20,
         XBTAB_FIT_AMPLITUDE},
        {"width", "s", pulses ? pulses->width : NULL, t->width, &c->pulse.width, 1e-12, 100, XBTAB_FIT_WIDTH},
        {"gate", "V", pulses ? pulses->gate : NULL, t->gate, &c->pulse.v_gate, -20, 20, XBTAB_FIT_GATE}};
    bool has_gate = s && s->gate >= 0;
    c->has_trains = c->kind == XBTAB_FIT_PULSES && c->model;
    c->pulse.v_gate = has_gate ? c->selector_value[s->gate] : 0;
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        char key[64];
        bool is_given = parts[k].one || parts[k].column, is_gate = parts[k].which == XBTAB_FIT_GATE;
        snprintf(key, sizeof key, parts[k].column ? "data.columns.%s" : "pulses.%s", parts[k].name);
        if (is_given && !c->has_trains)
            return xbtab__yaml_fail(yaml, key, "is for kind pulses with a model, whose pulses it describes");
        if (!c->has_trains) continue;
        if (is_given && is_gate && !has_gate)
            return xbtab__yaml_fail(yaml, key, "there is no selector with a gate");
        if (parts[k].one && parts[k].column)
            return xbtab__yaml_fail(yaml, key, "is given for all pulses, and as a column");
        if (!is_given && !is_gate) {
            return xbtab__yaml_fail(
                yaml, "kind", "a model's pulses need their %s: pulses: {%s: ...}, or a column of that name",
                parts[k].name, parts[k].name);
        }
        XBTAB_TRY(xbtab__yaml_quantity(parts[k].value, yaml, key, parts[k].one, parts[k].unit, parts[k].least,
                                       parts[k].most));
        XBTAB_TRY(take_column(&c->column[parts[k].which], yaml, key, parts[k].column, parts[k].unit));
    }
    if (c->has_trains && !(fabs(c->v_read) > 0))
        return xbtab__yaml_fail(yaml, "data", "a model is read at some voltage: give its read_voltage");
    return XBTAB_OK;
}

xbtab_status xbtab__calibration_take_data(xbtab__calibration *c, const xbtab__yaml *yaml,
                                          const xbtab__data_text *text, const xbtab__pulses_text *pulses)
{
    static const char *const delimiters[] = {"auto", "tab", "comma", "semicolon", "space", NULL};
    static const char *const answers[] = {"no", "yes", "auto", NULL};
    static const char *const x_names[] = {"voltage", "pulse", "time"}, *const x_units[] = {"V", "1", "s"};
    const xbtab__columns_text *t = &text->columns;
    const xbtab__column_text *x[] = {t->voltage, t->pulse, t->time};
    int delimiter = 0, accept = 0;
    char key[64];
    c->header = 2;
    XBTAB_TRY(xbtab__yaml_choice(&delimiter, yaml, "data.delimiter", text->delimiter, delimiters));
    XBTAB_TRY(xbtab__yaml_choice(&c->header, yaml, "data.header", text->header, answers));
    XBTAB_TRY(xbtab__yaml_choice(&accept, yaml, "data.accept_units", text->accept_units, answers));
    if (c->header == 2) c->header = -1;
    c->delimiter = "\0\t,; "[delimiter];
    c->accepts_units = accept == 1;
    snprintf(key, sizeof key, "data.columns.%s", x_names[c->kind]);
    if (!x[c->kind]) return xbtab__yaml_fail(yaml, "data.columns", "needs %s", x_names[c->kind]);
    for (int k = 0; k < 3; k++) {
        if (k != (int)c->kind && x[k])
            return xbtab__yaml_fail(yaml, "data.columns", "%s is not for this kind", x_names[k]);
    }
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_X], yaml, key, x[c->kind], x_units[c->kind]));
    XBTAB_TRY(xbtab__yaml_quantity(&c->v_read, yaml, "data.read_voltage", text->read_voltage, "V", -20, 20));
    if (c->kind == XBTAB_FIT_IV && text->read_voltage)
        return xbtab__yaml_fail(yaml, "data.read_voltage", "kind iv has a column of voltages");
    if (c->model && t->temperature) {
        return xbtab__yaml_fail(yaml, "data.columns.temperature",
                                "is for laws, whose formulas hold T; a model has its own temperatures");
    }
    XBTAB_TRY(take_y(c, yaml, t));
    XBTAB_TRY(take_pulses(c, yaml, t, pulses));
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_DEVICE], yaml, "data.columns.device", t->device, "1"));
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_STATE], yaml, "data.columns.state", t->state, "1"));
    XBTAB_TRY(take_column(&c->column[XBTAB_FIT_TEMPERATURE], yaml, "data.columns.temperature", t->temperature,
                          "K"));
    c->least = -DBL_MAX;
    c->most = DBL_MAX;
    if (!text->range) return XBTAB_OK;
    XBTAB_TRY(xbtab__yaml_quantity(&c->least, yaml, "data.range.min", text->range->min, x_units[c->kind],
                                   -DBL_MAX, DBL_MAX));
    return xbtab__yaml_quantity(&c->most, yaml, "data.range.max", text->range->max, x_units[c->kind],
                                c->least, DBL_MAX);
}
