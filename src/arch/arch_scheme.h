/* arch_scheme.h - a scheme as YAML. */
#ifndef XBTAB_CONFIG_ARCH_SCHEME_H
#define XBTAB_CONFIG_ARCH_SCHEME_H

#include <xbartab/scheme.h>

#include "yaml_text.h"

enum { XBTAB__SCHEME_WORDS = XBTAB_N_KEYS, XBTAB__SCHEME_NUMBERS = 7, XBTAB__SCHEME_SHARES = 3 };

/** The texts of a scheme; NULL where the file is silent. */
typedef struct xbtab__scheme_text {
    char *word[XBTAB__SCHEME_WORDS];     /* in the order of xbtab_scheme_key */
    char *number[XBTAB__SCHEME_NUMBERS]; /* whole ones */
    char *share[XBTAB__SCHEME_SHARES];   /* real ones */
} xbtab__scheme_text;

/** For CYAML_FIELD_MAPPING_PTR. */
extern const cyaml_schema_field_t xbtab__scheme_fields[];

/** From texts to a scheme; key names the place of the scheme in the file. */
xbtab_status xbtab__scheme_take(xbtab_scheme *scheme, const xbtab__yaml *yaml, const char *key,
                                const xbtab__scheme_text *text) XBTAB_MUST_CHECK;

#endif
