/* h5.h - labelled datasets in HDF5: every axis is a dimension scale with a name and a unit, so that h5py,
 * xarray, MATLAB and Julia show named axes without knowing us.
 *
 * A file is put together in memory, sealed (seal.h) and written beside its name. It holds no time stamps: the
 * same content gives the same bytes.
 *
 * A file is read into memory before libhdf5 sees it, so that nothing changes below it. What is read is
 * bounded by the file: a dataset's values lie in it as they are (neither in chunks nor compressed, nor in
 * other files), and all of them together take at most 8 bytes of memory for each of its bytes; objects are at
 * most XBTAB__H5_MOST_OBJECTS, no deeper than XBTAB__H5_MOST_DEPTH. Links that are no plain names of an
 * object in the file are refused before any is followed. */
#ifndef XBTAB_STORE_H5_H
#define XBTAB_STORE_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "seal.h"

#define XBTAB__H5_LARGEST ((size_t)1 << 32)

/* The HDF5 types stay inside h5.c. */
typedef int64_t xbtab__h5_id;

typedef enum xbtab__h5_type { XBTAB__H5_DOUBLE, XBTAB__H5_INT32, XBTAB__H5_UINT8 } xbtab__h5_type;

enum { XBTAB__H5_MAX_RANK = 4, XBTAB__H5_MOST_OBJECTS = 4096, XBTAB__H5_MOST_DEPTH = 8 };

/** One axis of a dataset: a dataset of its own in the same group, made on first use. */
typedef struct xbtab__h5_axis {
    const char *name;
    const char *unit; /* "1" = none */
    size_t n;
    const double *values; /* NULL: 0, 1, 2, ... */
} xbtab__h5_axis;

typedef struct xbtab__h5_file {
    xbtab__h5_id id;
    char *path;
    char *image;      /* the whole file, when reading */
    size_t n_image;   /* [bytes] */
    size_t budget;    /* that datasets may still take [bytes] */
    xbtab__seal seal; /* as it was found */
    int schema;       /* what the reader found; for its own use */
    void *old_handler, *old_handler_data;
} xbtab__h5_file;

/** Begin a file that will be called path. End with xbtab__h5_finish() or xbtab__h5_abandon(). */
xbtab_status xbtab__h5_create(xbtab__h5_file *file, const char *path) XBTAB_MUST_CHECK;

/** Seal and write: only now the file exists under its name. */
xbtab_status xbtab__h5_finish(xbtab__h5_file *file) XBTAB_MUST_CHECK;

/** Close; a file being written disappears. Safe on {0} and after xbtab__h5_finish(). */
void xbtab__h5_abandon(xbtab__h5_file *file);

/** Take a file of at most XBTAB__H5_LARGEST bytes into memory, and look at its seal: file->seal says it.
 *  @return XBTAB_ERR_IO (missing), XBTAB_ERR_INPUT (too large, not a file), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__h5_load(xbtab__h5_file *file, const char *path) XBTAB_MUST_CHECK;

/** Open what was loaded; memory: the file once more. End with xbtab__h5_abandon(), also on failure.
 *  libhdf5 1.10 crashes on some files that are damaged on purpose, and holds on to others although it says
 * that it has closed them: a stranger's file is to be tried apart first (apart.h).
 *  @return XBTAB_ERR_INPUT (not HDF5, truncated, links or values in other files). */
xbtab_status xbtab__h5_open(xbtab__h5_file *file) XBTAB_MUST_CHECK;

/** Refuses what leads out of the file: soft, external and user-defined links, values in other files. Called
 * by xbtab__h5_open(). */
xbtab_status xbtab__h5_check_links(const xbtab__h5_file *file) XBTAB_MUST_CHECK;

/** Make a group; close it with xbtab__h5_group_close(). */
xbtab_status xbtab__h5_group_create(xbtab__h5_id *group, const xbtab__h5_file *file,
                                    const char *name) XBTAB_MUST_CHECK;
xbtab_status xbtab__h5_group_open(xbtab__h5_id *group, const xbtab__h5_file *file,
                                  const char *name) XBTAB_MUST_CHECK;
bool xbtab__h5_has_group(const xbtab__h5_file *file, const char *name);
void xbtab__h5_group_close(xbtab__h5_id *group);

/** Write a dataset with its axes. */
xbtab_status xbtab__h5_put(const xbtab__h5_file *file, xbtab__h5_id group, const char *name, const char *unit,
                           xbtab__h5_type type, const void *data, int rank,
                           const xbtab__h5_axis *axes) XBTAB_MUST_CHECK;

/** Read a dataset. @param[out] data  caller frees with xbtab__free(). @param n  n[rank]: the sizes wanted;
 * where an entry is 0, the size found (at most `most` elements in all) is stored there. */
xbtab_status xbtab__h5_get(xbtab__h5_file *file, xbtab__h5_id group, const char *name, xbtab__h5_type type,
                           void **data, int rank, size_t *n, size_t most) XBTAB_MUST_CHECK;

/** Attributes of a group (or of the root: xbtab__h5_root()). */
xbtab_status xbtab__h5_put_number(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                  double value) XBTAB_MUST_CHECK;
xbtab_status xbtab__h5_get_number(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                  double *value) XBTAB_MUST_CHECK;
xbtab_status xbtab__h5_put_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                const char *text) XBTAB_MUST_CHECK;
/** One line of UTF-8; bytes that are none come as '?'. @param[out] text  caller frees with xbtab__free(). */
xbtab_status xbtab__h5_get_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                char **text) XBTAB_MUST_CHECK;
bool xbtab__h5_has_attribute(xbtab__h5_id group, const char *name);
xbtab__h5_id xbtab__h5_root(const xbtab__h5_file *file);

/** A long text as a dataset. */
xbtab_status xbtab__h5_put_long_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                     const char *text) XBTAB_MUST_CHECK;
xbtab_status xbtab__h5_get_long_text(xbtab__h5_file *file, xbtab__h5_id group, const char *name, char **text,
                                     size_t most) XBTAB_MUST_CHECK;

#endif
