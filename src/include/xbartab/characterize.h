/* characterize.h - from a tile's specification to its tables, by way of ngspice.
 *
 * ngspice runs in worker processes. Finished units of work go to a journal beside the output as they come, so
 * that a run that is killed at any moment continues where it was, and ends in the same tables, bit for bit,
 * for any number of workers. */
#ifndef XBARTAB_CHARACTERIZE_H
#define XBARTAB_CHARACTERIZE_H

#include <xbartab/chip.h>
#include <xbartab/engine.h>
#include <xbartab/progress.h>
#include <xbartab/solve.h>
#include <xbartab/spec.h>
#include <xbartab/status.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xbtab_characterize_options {
    int workers; /* processes (0 = one a core) */
    int resume;  /* continue from the journal PATH.partial where there is one (0 = refuse if there is) */
    /** The cells of the sample tiles are this simulated chip's at its age, devices numbered by tile and
     * place, so that the tables are fitted to, and held against, circuits of varied and drifted cells. Its
     * writes are the population's own (/write is not known yet), its read noise is left out. A cell goes no
     * further than its model can. NULL, or without a population = cells are at their levels; borrowed for the
     * call. */
    const xbtab_chip_options *chip;
    xbtab_progress_fn progress; /* NULL = none */
    xbtab_note_fn note;         /* NULL = none */
    void *payload;              /* for both */
} xbtab_characterize_options;

/** Bring a selector to the size that the specification asks for (size_for), in ngspice: its resistance at
 * 10 mV, with its gate at its own voltage, becomes that share of 1/G_max, or less at its smallest size.
 * Nothing to do where it asks for none.
 * @return XBTAB_ERR_INPUT (no size within its bounds; the message has the figures), XBTAB_ERR_SPICE. Threads:
 * forks; call it while no other thread is at work. */
xbtab_status xbtab_spec_size_selector(xbtab_spec *spec) XBTAB_MUST_CHECK;

/** Characterize one tile and write its tables.
 *  @param spec     the tile.
 *  @param path     HDF5 file to write (beside, then renamed). While at work, PATH.partial holds the finished
 * units.
 *  @param options  NULL = defaults.
 *  @return XBTAB_ERR_INPUT (the cell cannot reach the levels; a journal of another input), XBTAB_ERR_SPICE
 * (ngspice refuses a bench, or every tile failed), XBTAB_ERR_SOLVE (a fit failed), XBTAB_ERR_IO,
 * XBTAB_ERR_NOMEM, XBTAB_ERR_CANCELED (progress said so; PATH.partial holds what is finished). Threads:
 * forks; call it while no other thread is at work. */
xbtab_status xbtab_characterize(const xbtab_spec *spec, const char *path,
                                const xbtab_characterize_options *options) XBTAB_MUST_CHECK;

/** Only the cell's and the TIA's curves, in memory: tables without transfer correction, samples and energy,
 * on which xbtab_technology_create(), solvers and benchmarks work.
 *  @param[out] out  the caller owns it: xbtab_tables_destroy(). Untouched on failure.
 *  Errors and threads: as of xbtab_characterize(). */
xbtab_status xbtab_characterize_curves(xbtab_tables **out, const xbtab_spec *spec,
                                       const xbtab_characterize_options *options) XBTAB_MUST_CHECK;

/** The specification that tables were made of, with the same models.
 *  @param[out] out     the caller owns it: xbtab_spec_destroy(). Untouched on failure.
 *  @param      models  borrowed until it is destroyed.
 *  @return XBTAB_ERR_INPUT where a model is missing or no longer the one of the tables. */
xbtab_status xbtab_spec_of_tables(xbtab_spec **out, const xbtab_tables *tables,
                                  const xbtab_models *models) XBTAB_MUST_CHECK;

/** Whole tiles in ngspice.
 *  @param      spec       of the tables, by xbtab_spec_of_tables().
 *  @param      level      level[n_tiles][rows][columns] of the tables' array.
 *  @param      code       code[n_tiles][n_vectors][rows]: DAC codes.
 *  @param[out] I_out      I_out[n_tiles][n_vectors][columns] [A]; NULL = not wanted.
 *  @param[out] V_out      V_out, likewise, of the TIAs [V].
 *  @param      options    workers and progress; NULL = defaults.
 *  @return XBTAB_ERR_SPICE where any of them fails, XBTAB_ERR_CANCELED, XBTAB_ERR_NOMEM. Threads: forks; call
 *  it while no other thread is at work. */
xbtab_status xbtab_spice_products(const xbtab_spec *spec, const xbtab_tables *tables, size_t n_tiles,
                                  size_t n_vectors, const uint8_t *level, const uint8_t *code, double *I_out,
                                  double *V_out, const xbtab_characterize_options *options) XBTAB_MUST_CHECK;

/** What ngspice takes for a tile, measured in one worker on this machine. */
typedef struct xbtab_spice_times {
    double fresh;   /* from the netlist to its first operating point, loading included [s] */
    double further; /* a further vector of the same loaded circuit, in one dc sweep of external sources [s] */
} xbtab_spice_times;

/** One tile in ngspice, timed: first one vector, then all, each from a fresh circuit; the smaller times of
 * `turns` turns. Parameters as of xbtab_spice_products() with one tile; n_vectors is 2 to 16. */
xbtab_status xbtab_spice_time(xbtab_spice_times *times, const xbtab_spec *spec, const xbtab_tables *tables,
                              size_t n_vectors, const uint8_t *level, const uint8_t *code, int turns,
                              double *I_out) XBTAB_MUST_CHECK;

/** One crossbar in ngspice, in a worker process: what xbtab_crossbar_solve() gives, by the other way.
 *  @param[out] out       owned by the caller: xbtab_solution_clear(). Untouched on failure.
 *  @param      crossbar  its technology is not used.
 *  @param      spec      cells (brought to crossbar->G at its read voltage) and TIAs; NULL = linear devices
 * and ideal ground.
 *  @param      V         V[rows][n] [V].
 *  @return as xbtab_crossbar_solve(), XBTAB_ERR_SPICE, and as xbtab_find_states(). Threads: forks; call it
 * while no other thread is at work. */
xbtab_status xbtab_crossbar_spice(xbtab_solution *out, const xbtab_crossbar *crossbar, const xbtab_spec *spec,
                                  const double *V, size_t n) XBTAB_MUST_CHECK;

/** What the engine below needs as its setup's context. Borrowed until its tiles are destroyed. */
typedef struct xbtab_spice_engine {
    const xbtab_spec *spec; /* of the tables */
    int workers;            /* processes (0 = one a core) */
} xbtab_spice_engine;

/** Every product in ngspice itself: the truth for a few products. It forks, so it runs in one thread. */
extern const xbtab_engine_type xbtab_engine_spice;

/** The state parameters that give the tile's whole cell some conductances at the read voltage, searched in
 * ngspice.
 *  @param[out] state  state[n] [unit of the RRAM model's state parameter]; NAN where G is 0 (an open device).
 *  @param      G      G[n] [S].
 *  @return as xbtab_characterize(). Threads: as xbtab_characterize(). */
xbtab_status xbtab_find_states(const xbtab_spec *spec, double *state, const double *G,
                               int n) XBTAB_MUST_CHECK;

/** The conductances that the tile's whole cell has at the read voltage over the bounds of its state, in
 * ngspice.
 *  @param[out] G_low, G_high  the smallest and the largest of 65 states [S].
 *  @return as xbtab_find_states(). Threads: as xbtab_characterize(). */
xbtab_status xbtab_cell_range(const xbtab_spec *spec, double *G_low, double *G_high) XBTAB_MUST_CHECK;

enum { XBTAB_LOOP_POINTS = 401 };

/** A bare device that switches under two triangles to its sheet's set and reset amplitudes, from its default
 * state, in ngspice: 0 V, set, 0 V, reset, 0 V, and again; each quarter lasts 5 of the sheet's pulses.
 *  @param[out] voltage, current, state  [XBTAB_LOOP_POINTS]: evenly spaced in each quarter; [V], [A], in the
 * state's unit.
 *  @return XBTAB_ERR_UNSUPPORTED (no dynamic), XBTAB_ERR_SPICE, XBTAB_ERR_NOMEM; what is in the arrays then
 * is of no use. Threads: as xbtab_characterize(). */
xbtab_status xbtab_model_loop(const xbtab_model *model, double *voltage, double *current,
                              double *state) XBTAB_MUST_CHECK;

/** One model's conformance in ngspice: its circuit loads, gives no current at 0 V, is finite and rises with
 * the voltage, its conductance follows its state in one direction, it converges with each parameter at each
 * of its bounds, and its published figures come out.
 *  @param note  called with one line a check ("ok: ..." or "failed: ..."); NULL = none.
 *  @param[out] n_failed  checks that failed.
 *  @return XBTAB_OK also where checks failed. Threads: as xbtab_characterize(). */
xbtab_status xbtab_model_test(const xbtab_model *model, xbtab_note_fn note, void *payload,
                              int *n_failed) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
