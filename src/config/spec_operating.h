/* spec_operating.h - whether a tile works at its read voltage, and the TIA that suits its currents. */
#ifndef XBTAB_CONFIG_SPEC_OPERATING_H
#define XBTAB_CONFIG_SPEC_OPERATING_H

#include <xbartab/spec.h>

#include "yaml_text.h"

/** A selector that a read must fire is fired by the lowest voltage of a driven word line, and held by the
 *  current of the least level there. @return XBTAB_ERR_INPUT with the numbers. */
xbtab_status xbtab__check_turn_on(const xbtab_spec *spec, const xbtab__yaml *yaml) XBTAB_MUST_CHECK;

/** A TIA whose gain the user left open is sized so that a full-scale column current gives the sheet's output.
 *  @return XBTAB_ERR_INPUT: outside the parameter's bounds. */
xbtab_status xbtab__size_tia(xbtab_spec *spec) XBTAB_MUST_CHECK;

#endif
