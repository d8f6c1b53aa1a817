/* spec_make.h - a specification from a YAML text in memory that may be part of a file. */
#ifndef XBTAB_CONFIG_SPEC_MAKE_H
#define XBTAB_CONFIG_SPEC_MAKE_H

#include <xbartab/spec.h>

#include "yaml_text.h"

xbtab_status xbtab__spec_make(xbtab_spec **out, const xbtab__yaml *yaml,
                              const xbtab_models *models) XBTAB_MUST_CHECK;

#endif
