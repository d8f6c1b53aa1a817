/* sweep.h - a grid of studies: one preset or tile with some of its keys changed, each point a run of its own.
 *
 * Each run is a study of study.h in a process of its own, several at once, so that a point that fails or
 * crashes leaves the others alone. Finished rows are in a CSV file at any time; a sweep that was canceled or
 * killed goes on where it was, and ends in the same bytes.
 *
 *   const char *const set[] = {"scheme.adc_bits=4,6,8", "scheme.cell_bits=1,2"};
 *   const xbtab_sweep_options o = {.base = "my_system.yaml", .set = set, .n_sets = 2, .csv = "adc.csv"};
 *   xbtab_sweep *sweep = NULL;
 *   if (xbtab_sweep_open(&sweep, &o) < 0 || xbtab_sweep_run(sweep) < 0) puts(xbtab_error_message());
 *   else printf("%g\n", xbtab_sweep_row_get(sweep, 0)->figure[XBTAB_SWEEP_MODE]);
 *   xbtab_sweep_destroy(&sweep);
 *
 * Threads: a sweep is used by one thread at a time. Running one forks: call it while no other thread is at
 * work; threads that OpenMP keeps for later are ended first. */
#ifndef XBARTAB_SWEEP_H
#define XBARTAB_SWEEP_H

#include <stddef.h>

#include <xbartab/network.h>
#include <xbartab/progress.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { XBTAB_SWEEP_KEYS = 8, XBTAB_SWEEP_POINTS = 100000, XBTAB_SWEEP_WORKERS = 64 };

/** What is asked. Zero is the default throughout; all that is pointed at is borrowed until the sweep is
 * destroyed. */
typedef struct xbtab_sweep_options {
    const char *base; /* a preset's name or file, or a tile specification */
    const char *const
        *set;        /* set[n_sets]: "KEY=V1,V2,...", keys of tile, scheme or quantization; commas within
                               brackets do not part */
    size_t n_sets;   /* from 1 to XBTAB_SWEEP_KEYS */
    const char *csv; /* file of the rows, written anew after each run; finished ones in it are kept */

    /* what each run is given, as of xbtab_study_options */
    const char *network, *images, *labels; /* a tile needs the first two */
    const char *mode;                      /* "ideal", "table" or "solve" (NULL = "table") */
    const char *cache, *models;
    const xbtab_input_shape *input_shape; /* input_shape[n_input_shapes] */
    size_t n_input_shapes;
    size_t limit, calibrate;
    int raw_pixels;
    int cost;       /* what an image costs, too */
    unsigned front; /* with cost: figures of the column `pareto`, as of xbtab_sweep_front() */

    int workers; /* runs at once, at most XBTAB_SWEEP_WORKERS (0 = one a core) */

    xbtab_progress_fn progress; /* of runs; NULL = none; non-zero cancels */
    xbtab_note_fn note;         /* NULL = none */
    void *payload;              /* for both */
} xbtab_sweep_options;

/** One key and what it takes in turns. */
typedef struct xbtab_sweep_key {
    char *key;    /* as given */
    char **value; /* value[n]: YAML */
    int n;
} xbtab_sweep_key;

/** Figures of a row, in the order of their columns. */
typedef enum xbtab_sweep_figure {
    XBTAB_SWEEP_ADC_BITS,
    XBTAB_SWEEP_ADC_BITS_NEEDED, /* by the survey's formula */
    XBTAB_SWEEP_IMAGES,
    XBTAB_SWEEP_TILES,
    XBTAB_SWEEP_FLOAT, /* accuracies, shares of the images */
    XBTAB_SWEEP_INTEGER,
    XBTAB_SWEEP_IDEAL,
    XBTAB_SWEEP_MODE,         /* of the mode asked for */
    XBTAB_SWEEP_HELDOUT_RMSE, /* announced by the tables, a share of full scale */
    XBTAB_SWEEP_TILE_RMSE,    /* of the run's own tiles; mode "table" alone */
    /* with the option `cost`, an image: xbtab_study_cost() */
    XBTAB_SWEEP_ENERGY,             /* [J] */
    XBTAB_SWEEP_ENERGY_UNCERTAINTY, /* [J] */
    XBTAB_SWEEP_LATENCY,            /* [s] */
    XBTAB_SWEEP_AREA,               /* [m2] */
    XBTAB_SWEEP_ENERGY_DELAY,       /* energy times latency [J s] */
    XBTAB_SWEEP_FIGURES
} xbtab_sweep_figure;

/** The figure's column; a static string. */
const char *xbtab_sweep_figure_name(xbtab_sweep_figure figure);

/** One point of the grid. */
typedef struct xbtab_sweep_row {
    int choice[XBTAB_SWEEP_KEYS];       /* index of each key's value; the last key's changes first */
    int is_done;                        /* run, or refused for a reason that will not go away */
    double figure[XBTAB_SWEEP_FIGURES]; /* NAN = none */
    char status[256];                   /* "ok", or why it is no run; empty until it is done */
} xbtab_sweep_row;

typedef struct xbtab_sweep xbtab_sweep;

/** Read the preset or tile and lay out the grid. Nothing runs, and csv is not touched.
 *  @param[out] out  the caller owns it: xbtab_sweep_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_OPTION (a text of set that is no key with values, too many keys or points, a mode or a
 * number of workers that is none, a tile without network and images), XBTAB_ERR_INPUT and XBTAB_ERR_IO as of
 * what reads the base, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_sweep_open(xbtab_sweep **out, const xbtab_sweep_options *options) XBTAB_MUST_CHECK;

/** Run all points that csv does not have. A point that cannot run is a row whose status says why. While it
 * runs, CSV.lock stands beside csv.
 *  @return XBTAB_ERR_IO (csv cannot be read or written, or another sweep is writing it; no process can be
 * started; a run ended by a signal), XBTAB_ERR_INPUT (csv has other rows than this sweep's),
 * XBTAB_ERR_CANCELED (finished rows are kept), XBTAB_ERR_NOMEM. The same rows for any number of workers. */
xbtab_status xbtab_sweep_run(xbtab_sweep *sweep) XBTAB_MUST_CHECK;

/** Borrowed from the sweep: keys[*n], and rows from 0 up. */
const xbtab_sweep_key *xbtab_sweep_keys(const xbtab_sweep *sweep, size_t *n);
size_t xbtab_sweep_rows(const xbtab_sweep *sweep);
const xbtab_sweep_row *xbtab_sweep_row_get(const xbtab_sweep *sweep, size_t row);

/** The Pareto front: rows that no other row beats. One beats another where its accuracy in the mode asked for and
 * each of the figures are as good, and one of them is better.
 *  @param      figures   1 << XBTAB_SWEEP_ENERGY and the like, of those that the option `cost` adds: the less the
 * better (0 = energy).
 *  @param[out] on_front  on_front[rows]: 1 or 0; rows that did not run are not on it.
 *  @return XBTAB_ERR_NOMEM. Cost: rows times the front's own. */
xbtab_status xbtab_sweep_front(const xbtab_sweep *sweep, unsigned figures,
                               unsigned char *on_front) XBTAB_MUST_CHECK;

/** Of the rows whose accuracy is at most `within` (a share of the images) below the best row's, the one with the
 * least of a figure; where several have it, the most accurate, and the first of those. -1 = no row has a cost. */
ptrdiff_t xbtab_sweep_best(const xbtab_sweep *sweep, xbtab_sweep_figure figure, double within);

/** NULL-safe; sets NULL. */
void xbtab_sweep_destroy(xbtab_sweep **sweep);

#ifdef __cplusplus
}
#endif
#endif
