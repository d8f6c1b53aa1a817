/* value.c - quantities and formulas of component sheets. */
#include "value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "memory.h"
#include "quantity.h"

/* Areas are no lengths with a prefix: their units are tried as they are written. */
static const struct {
    const char *text;
    double factor;
} units[XBTAB__N_UNITS][2] = {
    [XBTAB__UNIT_ONE] = {{"1", 1}, {NULL, 0}},
    [XBTAB__UNIT_ENERGY] = {{"J", 1}, {NULL, 0}},
    [XBTAB__UNIT_POWER] = {{"W", 1}, {NULL, 0}},
    [XBTAB__UNIT_AREA] = {{"um2", 1e-12}, {"mm2", 1e-6}},
    [XBTAB__UNIT_TIME] = {{"s", 1}, {NULL, 0}},
    [XBTAB__UNIT_LENGTH] = {{"m", 1}, {NULL, 0}},
    [XBTAB__UNIT_RATE] = {{"OPS", 1}, {NULL, 0}},
    [XBTAB__UNIT_EFFICIENCY] = {{"OPS/W", 1}, {NULL, 0}},
    [XBTAB__UNIT_DENSITY] = {{"OPS/mm2", 1e6}, {NULL, 0}},
};

static const char *const si_unit[XBTAB__N_UNITS] = {"", "J", "W", "m2", "s", "m", "OPS", "OPS/W", "OPS/m2"};

/* No part of any system is beyond these; within them no sum or quotient of a hierarchy leaves a double's range. */
static const double
    least = 1e-40,
    most[XBTAB__N_UNITS] = {
        [XBTAB__UNIT_ONE] = 1e18,  [XBTAB__UNIT_ENERGY] = 1e6,      [XBTAB__UNIT_POWER] = 1e9,
        [XBTAB__UNIT_AREA] = 1e6,  [XBTAB__UNIT_TIME] = 1e9,        [XBTAB__UNIT_LENGTH] = 1,
        [XBTAB__UNIT_RATE] = 1e30, [XBTAB__UNIT_EFFICIENCY] = 1e30, [XBTAB__UNIT_DENSITY] = 1e36};

void xbtab__scope_set(xbtab__scope *s, const char *name, double value)
{
    int k = 0;
    while (k < s->n && strcmp(s->name[k], name) != 0) k++;
    if (k == XBTAB__MOST_NAMES) return;
    s->name[k] = name;
    s->value[k] = value;
    if (k == s->n) s->n++;
}

static xbtab_status run_formula(double *out, const char *text, const xbtab__scope *scope)
{
    xbtab__expression *e = NULL;
    const double *value[XBTAB__MOST_NAMES];
    char is_array[XBTAB__MOST_NAMES] = {0};
    XBTAB_TRY(xbtab__expression_create(&e, text, scope->name, scope->n));
    for (int k = 0; k < scope->n; k++) value[k] = &scope->value[k];
    double *scratch = xbtab__alloc(xbtab__expression_scratch(e, 1), sizeof *scratch);
    if (scratch) xbtab__expression_run(e, 1, value, is_array, scratch, out);
    xbtab__expression_destroy(&e);
    if (!scratch) return XBTAB_NOMEM();
    xbtab__free(scratch);
    return XBTAB_OK;
}

/* A number alone says nothing of its unit, and what begins as a number with a word behind it is a quantity in
 * the wrong one; neither is read as a formula. */
static bool looks_like_quantity(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && strpbrk(end, "*/+(^") == NULL && strstr(end, " - ") == NULL;
}

xbtab_status xbtab__value_take(double *out, const xbtab__yaml *yaml, const char *key, const char *text,
                               xbtab__unit unit, const xbtab__scope *scope)
{
    double value = 0;
    const char *why = "";
    if (!text) return XBTAB_OK;
    for (int k = 0; k < 2 && units[unit][k].text && why; k++) {
        why = xbtab__quantity_parse(&value, text, units[unit][k].text);
        if (!why) value *= units[unit][k].factor;
    }
    if (why && looks_like_quantity(text))
        return xbtab__yaml_fail(yaml, key, "\"%.60s\" %s; a number in %s or a formula", text, why,
                                units[unit][0].text);
    if (why) {
        xbtab_status status = run_formula(&value, text, scope);
        if (status == XBTAB_ERR_INPUT)
            return xbtab__error_prefix(status, "%s:%d: %s", yaml->path, xbtab__yaml_line(yaml, key), key);
        XBTAB_TRY(status);
    }
    if (!isfinite(value) || value < 0)
        return xbtab__yaml_fail(yaml, key, "\"%.60s\" is %g; a finite number of at least 0", text, value);
    double floor = unit == XBTAB__UNIT_LENGTH ? 1e-10 : least;
    if (value > most[unit] || (value < floor && (value > 0 || unit == XBTAB__UNIT_LENGTH)))
        return xbtab__yaml_fail(yaml, key, "\"%.60s\" is %g%s%s; %g to %g", text, value,
                                si_unit[unit][0] ? " " : "", si_unit[unit], floor, most[unit]);
    *out = value;
    return XBTAB_OK;
}
