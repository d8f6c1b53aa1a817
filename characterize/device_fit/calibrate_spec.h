/* calibrate_spec.h - the part of a calibration's YAML file that says what the data are. */
#ifndef XBTAB_CHARACTERIZE_CALIBRATE_SPEC_H
#define XBTAB_CHARACTERIZE_CALIBRATE_SPEC_H

#include "calibrate_private.h"

typedef struct xbtab__column_text {
    char *name, *number, *unit;
} xbtab__column_text;

typedef struct xbtab__columns_text {
    xbtab__column_text *device, *voltage, *current, *pulse, *time, *temperature, *conductance, *resistance,
        *state, *amplitude, *width, *gate;
} xbtab__columns_text;

typedef struct xbtab__range_text {
    char *min, *max;
} xbtab__range_text;

typedef struct xbtab__data_text {
    char *delimiter, *header, *accept_units, *read_voltage;
    xbtab__columns_text columns;
    xbtab__range_text *range;
} xbtab__data_text;

/** What pulses are where no column says so. */
typedef struct xbtab__pulses_text {
    char *amplitude, *width, *gate;
} xbtab__pulses_text;

/** Columns, units and pulses. @param pulses  NULL = not given. @return XBTAB_ERR_INPUT, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__calibration_take_data(xbtab__calibration *c, const xbtab__yaml *yaml,
                                          const xbtab__data_text *text,
                                          const xbtab__pulses_text *pulses) XBTAB_MUST_CHECK;

#endif
