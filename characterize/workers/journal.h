/* journal.h - finished units on disk while a long run goes on: PATH.partial beside the PATH it will become.
 *
 * The file is append-only and each record is one write() with its own checksum, so that a run killed at any
 * moment leaves whole records and at most one torn tail, which the next run drops. (After a power loss the
 * tail may be longer; whatever is whole is still used.) The head holds the full text of what the records
 * depend on, and only a run with the same text may go on with the file.
 *
 *   head    "XBTABJNL", u32 version, u32 bytes of text, text, u32 crc32 of all before
 *   record  i64 unit, u64 n, i32 status, u32 crc32 of the 20 bytes before and the payload, payload[n]
 *
 * in the byte order of the machine that wrote it.
 *
 * Reading takes time in proportion to the file, and memory for its largest record, whose length is held
 * against what the file still has before any is taken. */
#ifndef XBTAB_CHARACTERIZE_JOURNAL_H
#define XBTAB_CHARACTERIZE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "check.h"

typedef struct xbtab__journal xbtab__journal;

/** Takes a record that an earlier run wrote, in the order of writing. @param bytes  bytes[n]; borrowed for
 * the call, aligned for doubles. @return a failing status ends the reading. */
typedef xbtab_status (*xbtab__journal_fn)(int64_t unit, int status, const void *bytes, size_t n,
                                          void *context);

/** Begin PATH.partial.
 *  @param[out] out          new; xbtab__journal_close() or xbtab__journal_remove(). Untouched on failure.
 *  @param      path         of the file that the run is for.
 *  @param      fingerprint  everything that the records depend on, as text.
 *  @return XBTAB_ERR_INPUT (the file exists: an earlier run did not end), XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__journal_create(xbtab__journal **out, const char *path,
                                   const char *fingerprint) XBTAB_MUST_CHECK;

/** Go on with PATH.partial: pass its records to read() and drop a torn tail; where there is none, begin it.
 *  @param[out] n_records  records read; NULL = not wanted.
 *  @return XBTAB_ERR_INPUT (not a journal, or of another version, or of a run with another fingerprint, or in
 *  use by a run that goes on right now), XBTAB_ERR_IO, XBTAB_ERR_NOMEM, what read() failed with. The file is
 *  changed only if it returns XBTAB_OK. */
xbtab_status xbtab__journal_resume(xbtab__journal **out, const char *path, const char *fingerprint,
                                   xbtab__journal_fn read, void *context, long *n_records) XBTAB_MUST_CHECK;

/** Append one record.
 *  @return XBTAB_ERR_IO (the disk is full; the file is as it was before), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__journal_append(xbtab__journal *journal, int64_t unit, int status, const void *bytes,
                                   size_t n) XBTAB_MUST_CHECK;

/** The file's name, for messages; borrowed. */
const char *xbtab__journal_path(const xbtab__journal *journal);

/** Close and set the pointer to NULL; the file stays. NULL-safe. */
void xbtab__journal_close(xbtab__journal **journal);

/** Delete the file, after success; closes like xbtab__journal_close(). @return XBTAB_ERR_IO. */
xbtab_status xbtab__journal_remove(xbtab__journal **journal) XBTAB_MUST_CHECK;

#endif
