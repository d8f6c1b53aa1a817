/* card.h - a user's own model card in the place of a selector's. */
#ifndef XBTAB_CONFIG_CARD_H
#define XBTAB_CONFIG_CARD_H

#include <xbartab/spec.h>

#include "yaml_text.h"

/** Read a model card and put it into the subcircuit's text in place of the sheet's own.
 *  @param[out] use   text and card_hash; the text is freed with the specification.
 *  @param      key   place of the selector in the specification.
 *  @param      file  of the card, counted from the specification's folder.
 *  @param      name  which of the file's models; NULL where it has one.
 *  @return XBTAB_ERR_INPUT (no such file, none or several models, other lines than models: named with file
 * and line), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__card_take(xbtab_model_use *use, const xbtab__yaml *yaml, const char *key,
                              const char *file, const char *name) XBTAB_MUST_CHECK;

#endif
