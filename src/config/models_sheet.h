/* models_sheet.h - a model's sheet, as the reader of models sees it. */
#ifndef XBTAB_CONFIG_MODELS_SHEET_H
#define XBTAB_CONFIG_MODELS_SHEET_H

#include <stdbool.h>

#include <xbartab/models.h>

#include "yaml_text.h"

/** By kind, ended by NULL. */
extern const char *const xbtab__model_kind_names[XBTAB_MODEL_KINDS + 1];

/** A wire's parameters where it has sides, ended by NULL. */
extern const char *const xbtab__line_and_sides[];

/** Whether a model has all of some parameters; names end in NULL. */
bool xbtab__has_parameters(const xbtab_model *model, const char *const *names);

/** Everything that the sheet says, into a model whose kind and indices (-1) are set. What was taken before a
 *  failure is freed with the model. */
xbtab_status xbtab__model_take_sheet(xbtab_model *model, const xbtab__yaml *yaml) XBTAB_MUST_CHECK;

/** Free a model and all it holds; NULL-safe. */
void xbtab__model_destroy(xbtab_model *model);

xbtab_status xbtab__copy_text(char **out, const char *text) XBTAB_MUST_CHECK;

#endif
