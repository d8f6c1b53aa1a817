/* check_samples.h - samples, and what tables announce of them. */
#ifndef XBTAB_STORE_CHECK_SAMPLES_H
#define XBTAB_STORE_CHECK_SAMPLES_H

#include <xbartab/tables.h>

/** The part of xbtab__tables_check() about /samples. @return XBTAB_ERR_INPUT, XBTAB_ERR_NOMEM. */
xbtab_status xbtab__samples_check(const xbtab_tables *tables, const char *path) XBTAB_MUST_CHECK;

#endif
