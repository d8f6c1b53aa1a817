/* quantity.h - numbers with units as people write them ("2.5 ohm", "200 mV") to SI and back. */
#ifndef XBTAB_CONFIG_QUANTITY_H
#define XBTAB_CONFIG_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>

/** Parse a quantity.
 *  @param[out] out   the value in the unit asked for, without prefix (SI base units).
 *  @param      text  number, optional blanks, optional prefix (f p n u m k M G) and the unit. A unit of "1"
 * means a bare number, which may end in "%".
 *  @param      unit  the unit asked for, such as "ohm", "V", "m/s", "1/V", "1".
 *  @return NULL, or why it cannot be read; a static string. */
const char *xbtab__quantity_parse(double *out, const char *text, const char *unit);

/** Print a value with the prefix that keeps 1 <= |number| < 1000 where there is one ("10 kohm").
 *  @param[out] out  at least 64 bytes. @return out. */
char *xbtab__quantity_print(char *out, size_t size, double value, const char *unit);

#endif
