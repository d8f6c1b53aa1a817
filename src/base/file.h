/* file.h - whole files in memory; <xbartab/output.h> writes them. */
#ifndef XBTAB_BASE_FILE_H
#define XBTAB_BASE_FILE_H

#include <stddef.h>

#include "check.h"

/** Read a file as it is. @param[out] data  zero-terminated behind its n bytes; caller frees with
 * xbtab__free().
 *  @return XBTAB_ERR_IO (missing, unreadable), XBTAB_ERR_INPUT (larger than max bytes), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__file_read(char **data, size_t *n, const char *path, size_t max) XBTAB_MUST_CHECK;

/** As xbtab__file_read(), unpacking a gzip file; a plain file comes through as it is. A truncated or damaged
 *  gzip stream is XBTAB_ERR_INPUT. max bounds the unpacked bytes. */
xbtab_status xbtab__file_read_gz(char **data, size_t *n, const char *path, size_t max) XBTAB_MUST_CHECK;

/** xbtab_output_write(). */
xbtab_status xbtab__file_write(const char *path, const void *data, size_t n) XBTAB_MUST_CHECK;

#endif
