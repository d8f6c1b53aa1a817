/* yaml_check.h - what a YAML text must be before any parser builds something of it.
 *
 * One document in UTF-8 of bounded size, depth and number of nodes, without anchors, aliases and directives,
 * with no key twice in a mapping: libyaml and libcyaml take time that grows with the square of some of these,
 * and both would take the last of two equal keys without a word. */
#ifndef XBTAB_YAML_YAML_CHECK_H
#define XBTAB_YAML_YAML_CHECK_H

#include <stddef.h>

#include "check.h"

enum {
    XBTAB__YAML_LARGEST = 1 << 20,   /* bytes; the largest sheet of ours has 40 kB */
    XBTAB__YAML_DEEPEST = 16,        /* nodes within nodes; no schema of ours goes below 8 */
    XBTAB__YAML_MOST_NODES = 200000, /* scalars, lists and mappings */
};

/** Take the byte order mark away and make every line end a '\n', in place. @param[in,out] n  its bytes. */
void xbtab__yaml_normalize(char *text, size_t *n);

/** Check a normalized text, zero-terminated behind its n bytes. path and lines_before (of the file above the
 *  text) are for the message. @return XBTAB_ERR_INPUT (the message says the line), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__yaml_check(const char *text, size_t n, const char *path,
                               int lines_before) XBTAB_MUST_CHECK;

/** Refuse control characters in a text that passed the check above; prose (notes, summary, source, licence,
 *  description) may have lines and tabs. Returns as above. */
xbtab_status xbtab__yaml_check_characters(const char *text, size_t n, const char *path,
                                          int lines_before) XBTAB_MUST_CHECK;

#endif
