/* h5_private.h - what the files that write and read HDF5 share; for them alone, as it has HDF5's types. */
#ifndef XBTAB_STORE_H5_PRIVATE_H
#define XBTAB_STORE_H5_PRIVATE_H

#include <hdf5.h>

#include "h5.h"

static inline hid_t xbtab__h5_memory_type(xbtab__h5_type type)
{
    return type == XBTAB__H5_DOUBLE  ? H5T_NATIVE_DOUBLE
           : type == XBTAB__H5_INT32 ? H5T_NATIVE_INT32
                                     : H5T_NATIVE_UINT8;
}

#endif
