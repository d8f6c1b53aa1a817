/* write.h - what write pulses do to a cell, read from the tables' /write.
 *
 * A pulse takes a cell from conductance G to G + dG(G, pulse), on average. Between the tabulated conductances
 * ln(G + dG) is a monotone cubic (Steffen's) of ln G, as a state that obeys an equation of its own never
 * overtakes another; the spread and the energy are straight lines. Between tabulated pulses of one kind,
 * where those form a whole grid, ln(G + dG), spread and energy go on straight lines of amplitude, logarithm
 * of the width, and gate voltage. */
#ifndef XBARTAB_WRITE_H
#define XBARTAB_WRITE_H

#include <stddef.h>

#include <xbartab/status.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A pulse as one asks for it. NAN stands for the only value that the tables have. */
typedef struct xbtab_pulse {
    xbtab_pulse_kind kind;
    double amplitude; /* word line minus bit line [V] */
    double width;     /* [s] */
    double v_gate;    /* of the selector during the pulse [V] */
} xbtab_pulse;

enum { XBTAB_PULSE_CORNERS = 8 };

/** Where a pulse lies: the weighted mean of tabulated ones; the weights add up to 1. */
typedef struct xbtab_pulse_place {
    int n;
    size_t index[XBTAB_PULSE_CORNERS];
    double weight[XBTAB_PULSE_CORNERS];
} xbtab_pulse_place;

/** What a pulse does at one conductance. */
typedef struct xbtab_pulse_effect {
    double dG;     /* mean change [S] */
    double sigma;  /* standard deviation of the change, pulse to pulse [S] */
    double energy; /* NAN = not known [J] */
} xbtab_pulse_effect;

typedef struct xbtab_writer xbtab_writer;

/** Prepare tables for reading.
 *  @param[out] out   the caller owns it: xbtab_writer_destroy(). Untouched on failure.
 *  @param      data  of tables; borrowed until the writer is destroyed.
 *  @return XBTAB_ERR_INPUT (no pulses in it), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_writer_create(xbtab_writer **out, const xbtab_write_data *data) XBTAB_MUST_CHECK;

/** Free a writer and set the pointer to NULL. NULL-safe. */
void xbtab_writer_destroy(xbtab_writer **writer);

/** The tables of a writer; borrowed. */
const xbtab_write_data *xbtab_writer_data(const xbtab_writer *writer);

/** Find a pulse. @return XBTAB_ERR_INPUT where the tables do not reach it; the message says what they have.
 *  Threads: safe, as all functions below. */
xbtab_status xbtab_writer_find(xbtab_pulse_place *place, const xbtab_writer *writer,
                               const xbtab_pulse *pulse) XBTAB_MUST_CHECK;

/** What the pulse does at conductance G [S]; a G outside the tables counts as the nearest inside. */
xbtab_pulse_effect xbtab_writer_effect(const xbtab_writer *writer, const xbtab_pulse_place *place, double G);

/** Conductance after the pulse [S], within the tables' range.
 *  @param normal  a standard normal deviate for the spread; 0 = the mean.
 *  @param energy  NULL, or what the pulse's energy is added to [J]. */
double xbtab_writer_apply(const xbtab_writer *writer, const xbtab_pulse_place *place, double G, double normal,
                          double *energy);

/** A train of n pulses.
 *  @param      pulse   pulse[n].
 *  @param      G       before the first one [S].
 *  @param      normal  normal[n], see above; NULL = the mean trajectory.
 *  @param[out] G_after G_after[n]: after each pulse [S].
 *  @param[out] energy  of all pulses together [J]; NULL = not wanted.
 *  @return as of xbtab_writer_find(). */
xbtab_status xbtab_writer_train(const xbtab_writer *writer, const xbtab_pulse *pulse, size_t n, double G,
                                const double *normal, double *G_after, double *energy) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
