/* heading.h - what the header of a measured table says of a column: its quantity and its unit.
 *
 * "voltage [mV]", "V (mV)", "V_mV", "V / mV" and "V, mV" are one; so are the signs for micro (u, and U+00B5
 * and U+03BC), ohm (ohm, Ohm, U+03A9, U+2126) and degrees Celsius. The unit may stand in a row of its own
 * under the header. What is in brackets must be a unit of the quantity; what follows another mark is one if it
 * can be read so, is refused if it nearly can ("I_UA", "I / A cm-2"), and is a part of the name otherwise. A
 * function of the quantity ("log10(I)") is not the quantity. */
#ifndef XBTAB_CONFIG_HEADING_H
#define XBTAB_CONFIG_HEADING_H

#include "csv.h"

/** A quantity by its names in headers, lower case. */
typedef struct xbtab__heading {
    const char *name[6]; /* NULL behind the last; the first stands in messages */
    const char *unit;    /* SI; "1" = a bare number, "" = any text */
} xbtab__heading;

/** How a column's values become SI: value * times + plus. */
typedef struct xbtab__heading_unit {
    double times, plus;
    bool is_given; /* the header has a unit */
    bool is_sure;  /* it is in brackets or in a row of units, and not just the end of a name */
    char text[24]; /* as xbtab__quantity_parse() takes it */
} xbtab__heading_unit;

extern const xbtab__heading xbtab__heading_voltage, xbtab__heading_current, xbtab__heading_conductance,
    xbtab__heading_resistance, xbtab__heading_time, xbtab__heading_temperature, xbtab__heading_pulse,
    xbtab__heading_curve, xbtab__heading_device, xbtab__heading_kind, xbtab__heading_amplitude,
    xbtab__heading_width;

/** Whether a name is one of the quantity's. */
bool xbtab__heading_has(const xbtab__heading *h, const char *name);

/** Whether a column's name, its unit aside, is one of the quantity's. */
bool xbtab__heading_is(const xbtab__csv *t, int column, const xbtab__heading *h);

/** The one column of a quantity. @param[out] out  -1 = there is none.
 *  @return XBTAB_ERR_INPUT: there are several. */
xbtab_status xbtab__heading_find_one(int *out, const xbtab__csv *t, const xbtab__heading *h) XBTAB_MUST_CHECK;

/** The column that a name stands for, as written or without its unit. @return -1 = none, -2 = several. */
int xbtab__heading_find(const xbtab__csv *t, const char *name, const char *unit);

/** The unit of a column. @param what, unit  the quantity, for messages, and its SI unit.
 *  @return XBTAB_ERR_INPUT: what is in brackets or in the row of units is no unit of the quantity, what
 *  follows another mark nearly is one, or the column is a function of the quantity. */
xbtab_status xbtab__heading_read_unit(xbtab__heading_unit *out, const xbtab__csv *t, int column,
                                      const char *what, const char *unit) XBTAB_MUST_CHECK;

/** A column's name without its unit, printable. @param[out] out  XBTAB__CSV_NAME_SIZE. @return out. */
char *xbtab__heading_label(char *out, const xbtab__csv *t, int column, const char *unit);

#endif
