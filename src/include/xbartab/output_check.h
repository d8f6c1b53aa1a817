/* output_check.h - whether a file can be written, before the work for it is done. */
#ifndef XBARTAB_OUTPUT_CHECK_H
#define XBARTAB_OUTPUT_CHECK_H

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether a file may appear there: path is no folder, and the folder that it stands in is there and may be
 *  written. A full disk shows only later. @return XBTAB_ERR_IO with the reason, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_output_check(const char *path) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
