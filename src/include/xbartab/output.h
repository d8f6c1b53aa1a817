/* output.h - files that appear complete or not at all. */
#ifndef XBARTAB_OUTPUT_H
#define XBARTAB_OUTPUT_H

#include <stddef.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether a file may be written there: nothing is there yet, or a regular file, and the folder exists. What
 *  else has a name (a folder, a device, a pipe) would be replaced by the rename below.
 *  @return XBTAB_ERR_IO with the reason. */
xbtab_status xbtab_output_check(const char *path) XBTAB_MUST_CHECK;

/** Write n bytes beside path and rename: path is either the old file or the whole new one.
 *  @return XBTAB_ERR_IO (the disk is full, ...; nothing is left behind), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_output_write(const char *path, const void *data, size_t n) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
