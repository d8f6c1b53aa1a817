/* tables_check.h - what tables must fulfil to be believed. */
#ifndef XBTAB_STORE_TABLES_CHECK_H
#define XBTAB_STORE_TABLES_CHECK_H

#include <xbartab/tables.h>

/** Whether tables are such as the engine relies on, and as they say of themselves: every number finite (or
 * NAN where it may be unknown), of its sign and in its range, axes rising, and even where they are
 * interpolated on; the cell's current with the sign of its voltage, and rising with it; the TIA's output
 * running one way; error figures not negative; and what follows from /samples by a pass over them as it
 * follows: how many samples were compared and how many failed, the full scales, and the ideal product's
 * error.
 *  @param path  for the message, which names dataset and index.
 *  @return XBTAB_ERR_INPUT. Cost: O(values), and rows columns for each held-out sample. */
xbtab_status xbtab__tables_check(const xbtab_tables *tables, const char *path) XBTAB_MUST_CHECK;

#endif
