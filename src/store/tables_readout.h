/* tables_readout.h - the read-out of a column in time, in /tia and /energy. */
#ifndef XBTAB_STORE_TABLES_READOUT_H
#define XBTAB_STORE_TABLES_READOUT_H

#include <xbartab/tables.h>

#include "h5.h"

/** The TIA's part, in /tia. Reading a file that lacks it gives NAN. */
xbtab_status xbtab__readout_write_tia(const xbtab__h5_file *file, xbtab__h5_id group,
                                      const xbtab_readout_data *r) XBTAB_MUST_CHECK;
xbtab_status xbtab__readout_read_tia(xbtab__h5_file *file, xbtab__h5_id group,
                                     xbtab_readout_data *r) XBTAB_MUST_CHECK;

/** The column's part, in /energy; likewise. */
xbtab_status xbtab__readout_write_column(const xbtab__h5_file *file, xbtab__h5_id group,
                                         const xbtab_readout_data *r) XBTAB_MUST_CHECK;
xbtab_status xbtab__readout_read_column(xbtab__h5_file *file, xbtab__h5_id group,
                                        xbtab_readout_data *r) XBTAB_MUST_CHECK;

#endif
