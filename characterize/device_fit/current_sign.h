/* current_sign.h - whether measured currents have the sign of the voltage that drives them. */
#ifndef XBTAB_CHARACTERIZE_CURRENT_SIGN_H
#define XBTAB_CHARACTERIZE_CURRENT_SIGN_H

#include "calibrate_private.h"

/** The refusal of a current against its voltage. @param curve  "curve" or "device". */
xbtab_status xbtab__refuse_sign(const char *path, size_t line, const char *curve, const char *label, double V,
                                double I);

/** Give points the sign that was meant: currents that are reversed at all voltages, or without a sign, in all
 *  devices that conduct well.
 *  @param      path  of the data, for messages.
 *  @param[out] what  what was done, in words; NULL = nothing.
 *  @return XBTAB_ERR_INPUT: devices differ, or an offset hides what was meant. */
xbtab_status xbtab__points_turn(const char **what, xbtab__points *points, const xbtab__calibration *c,
                                const char *path) XBTAB_MUST_CHECK;

#endif
