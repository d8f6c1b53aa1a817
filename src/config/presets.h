/* presets.h - the parts of a sheet that are lists: named sets of parameter values, and operating points. */
#ifndef XBTAB_CONFIG_PRESETS_H
#define XBTAB_CONFIG_PRESETS_H

#include <stdbool.h>

#include <xbartab/models.h>

#include "yaml_text.h"

typedef struct xbtab__value_text {
    char *name, *value;
} xbtab__value_text;

typedef struct xbtab__preset_text {
    char *name, *source, *trust;
    xbtab__value_text *parameters;
    unsigned parameters_count;
} xbtab__preset_text;

typedef struct xbtab__operating_text {
    char *selector, *preset, *g_min, *g_max, *read_voltage, *source, *trust;
} xbtab__operating_text;

extern const cyaml_schema_value_t xbtab__value_schema, xbtab__preset_schema, xbtab__operating_schema;

/** The words of a trust tag; NULL-terminated. */
extern const char *const xbtab__trust_words[];

/** Letters, digits and underscores, starting with a letter: what may go into SPICE text as a name. */
bool xbtab__is_name(const char *text);

/** Into a model whose parameters are known. */
xbtab_status xbtab__take_presets(xbtab_model *model, const xbtab__yaml *yaml, const xbtab__preset_text *text,
                                 unsigned n) XBTAB_MUST_CHECK;
xbtab_status xbtab__take_operating(xbtab_model *model, const xbtab__yaml *yaml,
                                   const xbtab__operating_text *text, unsigned n) XBTAB_MUST_CHECK;

/** Free what they made. */
void xbtab__presets_clear(xbtab_model *model);

#endif
