/* value.h - a number of a sheet: a quantity with its unit, or a formula over names with known values. */
#ifndef XBTAB_COST_VALUE_H
#define XBTAB_COST_VALUE_H

#include "yaml_text.h"

typedef enum xbtab__unit {
    XBTAB__UNIT_ONE,
    XBTAB__UNIT_ENERGY,
    XBTAB__UNIT_POWER,
    XBTAB__UNIT_AREA,
    XBTAB__UNIT_TIME,
    XBTAB__UNIT_LENGTH,
    XBTAB__UNIT_RATE,       /* operations a second */
    XBTAB__UNIT_EFFICIENCY, /* operations a joule */
    XBTAB__UNIT_DENSITY,    /* operations a second and m2 */
    XBTAB__N_UNITS
} xbtab__unit;

enum { XBTAB__MOST_NAMES = 48 };

/** What formulas may use. */
typedef struct xbtab__scope {
    const char *name[XBTAB__MOST_NAMES];
    double value[XBTAB__MOST_NAMES];
    int n;
} xbtab__scope;

/** Add a name, or give it another value; a full scope stays as it is. */
void xbtab__scope_set(xbtab__scope *scope, const char *name, double value);

/** Take a number of at least 0 that is possible in its unit. NULL text leaves *out as it is. @return XBTAB_ERR_INPUT (file, line and key
 * are in the message), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__value_take(double *out, const xbtab__yaml *yaml, const char *key, const char *text,
                               xbtab__unit unit, const xbtab__scope *scope) XBTAB_MUST_CHECK;

#endif
