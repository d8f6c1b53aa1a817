/* output.h - files that appear complete or not at all. */
#ifndef XBARTAB_OUTPUT_H
#define XBARTAB_OUTPUT_H

#include <stddef.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Write n bytes beside path and rename: path is either the old file or the whole new one. What is no regular
 *  file (a device, a pipe) is written to as it is. @return XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_output_write(const char *path, const void *bytes, size_t n) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
