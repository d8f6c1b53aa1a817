/* tables_array.h - how an array works, as words in the attributes of /tile. */
#ifndef XBTAB_STORE_TABLES_ARRAY_H
#define XBTAB_STORE_TABLES_ARRAY_H

#include <xbartab/tables.h>

#include "h5.h"

xbtab_status xbtab__array_write(const xbtab__h5_file *file, xbtab__h5_id group,
                                const xbtab_tables *tables) XBTAB_MUST_CHECK;

/** Older files lack the attributes: the default circuit. @return XBTAB_ERR_INPUT (an unknown word, a number
 * out of range). */
xbtab_status xbtab__array_read(xbtab__h5_file *file, xbtab__h5_id group,
                               xbtab_tables *tables) XBTAB_MUST_CHECK;

#endif
