/* pairs.h - devices compared: each pair of device and selector that makes sense, characterized on a tile of
 * the same size and wires.
 *
 * Which pairs those are, and where they work, the devices' sheets say (operating); the tile's specification
 * is a file with words to fill in, @NAME@ or @NAME:default@: rram, selector, preset, g_min, g_max,
 * read_voltage, size, tia, wire.
 *
 * Threads: a comparison is used by one thread at a time. Running one forks: call it while no other thread is
 * at work. */
#ifndef XBARTAB_PAIRS_H
#define XBARTAB_PAIRS_H

#include <stddef.h>

#include <xbartab/models.h>
#include <xbartab/network.h>
#include <xbartab/progress.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { XBTAB_PAIRS = 1024 };

/** What is asked. Zero is the default throughout; all that is pointed at is borrowed until the comparison is
 * destroyed. */
typedef struct xbtab_pairs_options {
    const xbtab_models *models;
    const char *names;      /* "RRAM:SELECTOR,..."; NULL = all, XBTAB_PAIRS at the most */
    int size;               /* word lines and bit lines of the tiles, at least 2 (0 = 32) */
    const char *tia, *wire; /* models in place of the specification's; NULL = its own */
    const char *tile;       /* the specification with words; NULL = the shipped one */
    const char *folder; /* made, and keeps NAME-SELECTOR.yaml and .h5: those that fit are not made again; NULL
                               = nothing is kept */
    const xbtab_network *network; /* what an image of it costs with each pair, too; NULL = none */
    int workers;                  /* processes (0 = one a core) */

    xbtab_progress_fn progress; /* of each characterization; NULL = none; non-zero cancels */
    xbtab_note_fn note;         /* one line as each pair begins; NULL = none */
    void *payload;              /* for both */
} xbtab_pairs_options;

/** What is told of a pair; NAN where it is not known. */
typedef struct xbtab_pair_figures {
    double on_off;      /* largest over smallest conductance of the cell over its state's bounds */
    double chord;       /* I(v_read)/v_read over the same at v_read/64, at the highest level */
    double half_select; /* I(v_read)/I(v_read/2), at the highest level */
    double ir_drop;     /* of the worst cell, all driven at the highest level, as a share of v_read */
    double rmse, max;   /* of the transfer table on held-out tiles, shares of full scale */
    double energy;      /* of one read of the tile, mean of the samples [J] */
    double settling;    /* of the farthest column [s] */
    long failed;        /* samples */

    /* An image on such tiles: xbtab_cost_network() with what stands around a tile that has no preset. Known with
     * the options' network alone. */
    double image_energy, image_uncertainty; /* [J] */
    double image_latency;                   /* [s] */
    double image_area;                      /* [m2] */
    double image_ops_per_joule;
} xbtab_pair_figures;

typedef struct xbtab_pair {
    const xbtab_model *rram; /* of the models */
    const xbtab_operating *point;
    char reason[512]; /* why there are no figures, or not all; "" where all are known */
    xbtab_pair_figures figures;
} xbtab_pair;

typedef struct xbtab_pairs xbtab_pairs;

/** Find the pairs. Nothing runs.
 *  @param[out] out  the caller owns it: xbtab_pairs_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_OPTION (a size that is none; names that are no pairs), XBTAB_ERR_INPUT (a model asked for
 * is broken), XBTAB_ERR_IO (the specification with words), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_pairs_open(xbtab_pairs **out, const xbtab_pairs_options *options) XBTAB_MUST_CHECK;

/** Characterize each. A pair that cannot be is one with a reason.
 *  @return XBTAB_ERR_IO (the folder), XBTAB_ERR_CANCELED (what is in the options' folder is kept). */
xbtab_status xbtab_pairs_run(xbtab_pairs *pairs) XBTAB_MUST_CHECK;

/** Borrowed; from 0 up to the count. */
size_t xbtab_pairs_count(const xbtab_pairs *pairs);
const xbtab_pair *xbtab_pairs_get(const xbtab_pairs *pairs, size_t k);

/** NULL-safe; sets NULL. */
void xbtab_pairs_destroy(xbtab_pairs **pairs);

#ifdef __cplusplus
}
#endif
#endif
