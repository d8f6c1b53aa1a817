/* spec_array.h - the part of a specification that says how the array works: its section `array`, and the gate
 * voltages of its inputs. */
#ifndef XBTAB_CONFIG_SPEC_ARRAY_H
#define XBTAB_CONFIG_SPEC_ARRAY_H

#include <xbartab/spec.h>

#include "yaml_text.h"

/* Largest array side: 4096 word lines of a 1 uA cell draw 4 mA a column, past any published array. */
enum { XBTAB__LARGEST_SIDE = 4096 };

typedef struct xbtab__array_text {
    char *rows, *columns, *topology, *polarity, *drive, *sense;
} xbtab__array_text;

extern const cyaml_schema_field_t xbtab__array_fields[];

/** Needs the selector. */
xbtab_status xbtab__take_array(xbtab_spec *spec, const xbtab__yaml *yaml,
                               const xbtab__array_text *text) XBTAB_MUST_CHECK;

/** Gate voltages of the DAC's codes; text[n], n = 0: in equal steps from 0 V to the selector's own. Needs the
 * selector, the array and dac_bits. */
xbtab_status xbtab__take_gate_voltages(xbtab_spec *spec, const xbtab__yaml *yaml, char **text,
                                       unsigned n) XBTAB_MUST_CHECK;

#endif
