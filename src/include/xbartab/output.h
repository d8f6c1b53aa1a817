/* output.h - files that appear whole or not at all, and folders for what is needed only while a run lasts.
 *
 * A file is written beside its name, as NAME.NUMBER.tmp, flushed to the disk and renamed. While it is being
 * written it is locked (flock), and so is a folder while it is in use; the lock goes with the process,
 * however it ends. Whoever writes the same name next, or makes the next folder, removes what is there without
 * a lock: a run that was killed leaves nothing for good, and a run that lives keeps what it has. On a file
 * system without locks the process number in the name tells instead.
 *
 * A name that is a symbolic link stays one: its target is replaced. What is not a regular file (/dev/stdout,
 * a pipe) is written to as it is. */
#ifndef XBARTAB_OUTPUT_H
#define XBARTAB_OUTPUT_H

#include <stddef.h>
#include <stdio.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A file that is being written. */
typedef struct xbtab_output xbtab_output;

/** Begin a file that will be called path.
 *  @param[out] out  new; end it with xbtab_output_finish() or xbtab_output_discard(). Untouched on failure.
 *  @return XBTAB_ERR_IO (the message says why), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_output_open(xbtab_output **out, const char *path) XBTAB_MUST_CHECK;

/** Where to write; it stays open until the end of the output. */
FILE *xbtab_output_stream(xbtab_output *output);

/** The file's name for now, for another program that writes it; borrowed. */
const char *xbtab_output_name(const xbtab_output *output);

/** Flush to the disk and rename: only now, and only if all of it could be written, the file exists under its
 * name. Frees the output and sets it to NULL in either case. @return XBTAB_ERR_IO. */
xbtab_status xbtab_output_finish(xbtab_output **output) XBTAB_MUST_CHECK;

/** Leave no file. Frees the output and sets it to NULL; NULL-safe. */
void xbtab_output_discard(xbtab_output **output);

/** A whole file at once: bytes[n]. @return XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_output_write(const char *path, const void *bytes, size_t n) XBTAB_MUST_CHECK;

/** A folder for files of this process, and of its children, that nobody needs later. */
typedef struct xbtab_scratch xbtab_scratch;

/** Make one in base (NULL = /tmp).
 *  @param[out] out   new; xbtab_scratch_destroy(). Untouched on failure.
 *  @param      kind  goes into its name, xbartab-KIND-NUMBER-XXXXXX: letters only.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_scratch_create(xbtab_scratch **out, const char *base, const char *kind) XBTAB_MUST_CHECK;

/** Its path; borrowed. */
const char *xbtab_scratch_path(const xbtab_scratch *scratch);

/** Remove the folder and the files in it. Sets it to NULL; NULL-safe. */
void xbtab_scratch_destroy(xbtab_scratch **scratch);

#ifdef __cplusplus
}
#endif
#endif
