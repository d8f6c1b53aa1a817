/* sweep_private.h - what a sweep holds. */
#ifndef XBTAB_STUDY_SWEEP_PRIVATE_H
#define XBTAB_STUDY_SWEEP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <xbartab/sweep.h>

#include "check.h"

struct xbtab_sweep {
    xbtab_sweep_options o; /* with its defaults filled in */
    char *base;            /* a preset's text, without provenance */
    const char *prefix;    /* of keys: "tile." for a tile's specification */
    xbtab_sweep_key key[XBTAB_SWEEP_KEYS];
    int n_keys;
    xbtab_sweep_row *row;
    int n_rows;
    uint64_t run; /* names all that the rows depend on but their keys */
    int threads;  /* of a run */
};

/** The preset of one point, which messages call XBTAB__SWEEP_POINT.
 *  @param[out] out  the caller's: free(). Untouched on failure. */
#define XBTAB__SWEEP_POINT "sweep"
xbtab_status xbtab__sweep_text(char **out, const xbtab_sweep *sweep, const xbtab_sweep_row *row);

/** Take the finished rows of an earlier run from the file, where there is one. */
xbtab_status xbtab__sweep_read(xbtab_sweep *sweep) XBTAB_MUST_CHECK;

/** Write the finished rows beside the file and rename. */
xbtab_status xbtab__sweep_write(const xbtab_sweep *sweep) XBTAB_MUST_CHECK;

/** Keep other sweeps from writing the file until the lock is given back, or this process ends.
 *  @param[out] lock  a file descriptor. */
xbtab_status xbtab__sweep_lock(int *lock, const char *path) XBTAB_MUST_CHECK;
void xbtab__sweep_unlock(int lock, const char *path);

#endif
