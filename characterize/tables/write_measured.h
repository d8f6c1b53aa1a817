/* write_measured.h - what pulses do, from measured data. */
#ifndef XBTAB_CHARACTERIZE_WRITE_MEASURED_H
#define XBTAB_CHARACTERIZE_WRITE_MEASURED_H

#include <xbartab/spec.h>
#include <xbartab/tables.h>

#include "check.h"

/** Tables of pulses from the files that the specification names. */
xbtab_status xbtab__write_measured(xbtab_write_data *data, const xbtab_spec *spec) XBTAB_MUST_CHECK;

#endif
