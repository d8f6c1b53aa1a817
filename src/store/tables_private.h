/* tables_private.h - what the files that read and write table groups share. */
#ifndef XBTAB_STORE_TABLES_PRIVATE_H
#define XBTAB_STORE_TABLES_PRIVATE_H

#include <xbartab/tables.h>

#include "h5.h"

enum { XBTAB__MOST_VALUES = 1 << 28 /* of one dataset: 2 GiB of doubles */ };
enum { XBTAB__LONGEST_TEXT = 64 << 20 };

/** A fit's error as attributes PREFIX_rmse_fs and so on of a group. */
xbtab_status xbtab__put_error(const xbtab__h5_file *file, xbtab__h5_id group, const char *prefix,
                              const xbtab_fit_error *e) XBTAB_MUST_CHECK;
xbtab_status xbtab__get_error(const xbtab__h5_file *file, xbtab__h5_id group, const char *prefix,
                              xbtab_fit_error *e) XBTAB_MUST_CHECK;

/** All groups of an open file, and the checks of what they hold; the seal is left to the caller. */
xbtab_status xbtab__read_tables(xbtab_tables *tables, xbtab__h5_file *file) XBTAB_MUST_CHECK;

/** The group /write, which only tables with pulses have. */
bool xbtab__has_pulses(const xbtab_tables *tables);
xbtab_status xbtab__put_pulses(const xbtab__h5_file *file, xbtab__h5_id group,
                               const xbtab_tables *tables) XBTAB_MUST_CHECK;
xbtab_status xbtab__get_pulses(xbtab__h5_file *file, xbtab__h5_id group,
                               xbtab_tables *tables) XBTAB_MUST_CHECK;

/** The group /population, which only tables with aged cells have: their age, and what they conduct. */
bool xbtab__has_age(const xbtab_tables *tables);
xbtab_status xbtab__put_age(const xbtab__h5_file *file, xbtab__h5_id group,
                            const xbtab_tables *tables) XBTAB_MUST_CHECK;
xbtab_status xbtab__get_age(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *tables) XBTAB_MUST_CHECK;
void xbtab__clear_age(xbtab_tables *tables);

/** What is wrong with pulses, as a reader would meet it; NULL = nothing. A static string. */
const char *xbtab__find_fault_in_pulses(const xbtab_write_data *pulses);

/** Free the arrays. */
void xbtab__clear_pulses(xbtab_write_data *pulses);

#endif
