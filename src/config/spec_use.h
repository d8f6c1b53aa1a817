/* spec_use.h - the parts of a specification that name a model and give its parameters. */
#ifndef XBTAB_CONFIG_SPEC_USE_H
#define XBTAB_CONFIG_SPEC_USE_H

#include <stdbool.h>

#include <xbartab/spec.h>

#include "check.h"
#include "presets.h"
#include "yaml_text.h"

typedef struct xbtab__use_text {
    char *model, *preset, *card, *card_model, *size_for;
    xbtab__value_text *parameters;
    unsigned parameters_count;
} xbtab__use_text;

extern const cyaml_schema_field_t xbtab__use_fields[];

/** A use as its text says, under a key such as "cell.rram". A preset is called a cell where it is a wire's.
 *  @param[out] use            its arrays are the caller's, also on failure.
 *  @param      gain_is_given  set where the file gives the gain's parameter a value; may be NULL. */
xbtab_status xbtab__take_use(xbtab_model_use *use, const xbtab__yaml *yaml, const char *key,
                             const xbtab__use_text *text, const xbtab_models *models, xbtab_model_kind kind,
                             bool *gain_is_given) XBTAB_MUST_CHECK;

/** Name of the selector that is no element at all, for cells that name none. Static, or of the models. */
char *xbtab__no_element(const xbtab_models *models);

#endif
