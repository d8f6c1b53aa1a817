/* spec_write.h - the write pulses of a specification. */
#ifndef XBTAB_CONFIG_SPEC_WRITE_H
#define XBTAB_CONFIG_SPEC_WRITE_H

#include <xbartab/spec.h>

#include "yaml_text.h"

/** "write" as it stands in the YAML file, and its keys. */
typedef struct xbtab__write_pulses_text {
    char **amplitude, **width, **gate;
    unsigned amplitude_count, width_count, gate_count;
} xbtab__write_pulses_text;

typedef struct xbtab__write_data_text {
    char *file, *kind, *quantity, *voltage, *column, *low, *high, *g_low, *g_high, *amplitude, *width, *gate,
        *accept_units;
} xbtab__write_data_text;

typedef struct xbtab__write_text {
    xbtab__write_pulses_text *set, *reset;
    char *conductances, *repeats, *train;
    xbtab__write_data_text *data;
    unsigned data_count;
} xbtab__write_text;

extern const cyaml_schema_field_t xbtab__write_fields[];

/** Take what was read into spec->write; its RRAM and selector must be there. NULL = no "write". */
xbtab_status xbtab__spec_take_write(xbtab_spec *spec, const xbtab__yaml *yaml,
                                    const xbtab__write_text *text) XBTAB_MUST_CHECK;

/** Free what xbtab__spec_take_write() made. */
void xbtab__spec_clear_write(xbtab_write_plan *plan);

#endif
