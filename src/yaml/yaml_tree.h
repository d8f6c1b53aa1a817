/* yaml_tree.h - parts of a YAML file: cut out, written in one canonical form, changed, and their numbers
 * listed.
 *
 * A place is written as "cell.rram.parameters[2].value"; "" is the whole. */
#ifndef XBTAB_CONFIG_YAML_TREE_H
#define XBTAB_CONFIG_YAML_TREE_H

#include "yaml_text.h"

/** The text of a part as it stands in the file, as a YAML text of its own that still knows its lines. End
 * with xbtab__yaml_clear(). @return XBTAB_ERR_INPUT (no such part). */
xbtab_status xbtab__yaml_cut(xbtab__yaml *part, const xbtab__yaml *yaml, const char *key) XBTAB_MUST_CHECK;

/** A text without comments in block form, so that equal contents are equal texts. Caller frees. */
xbtab_status xbtab__yaml_canonical(char **out, const xbtab__yaml *yaml) XBTAB_MUST_CHECK;

/** The same with one part replaced, or added where there is none. @param value  YAML, such as "8" or
 * "{model: NAME}". @return XBTAB_ERR_INPUT (a key leads through a number or past a list, value is not
 * YAML). */
xbtab_status xbtab__yaml_set(char **out, const xbtab__yaml *yaml, const char *key,
                             const char *value) XBTAB_MUST_CHECK;

/** Called with each scalar below a part that begins as a number does, in the file's order. */
typedef xbtab_status (*xbtab__yaml_number_fn)(void *context, const char *key, const char *value);
xbtab_status xbtab__yaml_numbers(const xbtab__yaml *yaml, const char *key, xbtab__yaml_number_fn fn,
                                 void *context) XBTAB_MUST_CHECK;

#endif
