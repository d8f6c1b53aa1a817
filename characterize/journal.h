/* journal.h - finished units on disk, so that a characterization killed at any moment loses none of them.
 *
 * One file beside the tables' name, PATH.partial: a header with the fingerprint of the input, then a record a
 * unit, each with a checksum and written in one piece. A torn last record is dropped when the file is read
 * again. */
#ifndef XBTAB_CHARACTERIZE_JOURNAL_H
#define XBTAB_CHARACTERIZE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

typedef struct xbtab__journal xbtab__journal;

/** Called for each record found. */
typedef xbtab_status (*xbtab__journal_record_fn)(void *context, int unit, int status, const double *x,
                                                 size_t n);

/** Open the journal of path.
 *  @param fingerprint  text that says all the units depend on; a journal of another input is refused.
 *  @param resume       false: there must be no journal yet. true: its records are given to `record`; none is
 * fine.
 *  @return XBTAB_ERR_INPUT (a journal is there and resume is false; or of another input, or damaged),
 * XBTAB_ERR_IO. */
xbtab_status xbtab__journal_open(xbtab__journal **out, const char *path, const char *fingerprint, bool resume,
                                 xbtab__journal_record_fn record, void *context) XBTAB_MUST_CHECK;

/** Append a finished unit. */
xbtab_status xbtab__journal_append(xbtab__journal *journal, int unit, int status, const double *x,
                                   size_t n) XBTAB_MUST_CHECK;

/** Close; the file stays. */
void xbtab__journal_close(xbtab__journal **journal);

/** Close and remove: its content is in the tables now. */
void xbtab__journal_remove(xbtab__journal **journal);

#endif
