/* train.h - SPICE text of a device or cell that switches, under pulses. */
#ifndef XBTAB_NETLISTS_TRAIN_H
#define XBTAB_NETLISTS_TRAIN_H

#include <xbartab/spec.h>

#include "text.h"

/** A train of rectangular pulses on one cell or bare device, in time. Positive amplitudes drive the word line
 * (top), negative ones the bit line (bottom); the other end is at ground. Edges take 5 % of a pulse's width
 * each, and 25 % pass after it. */
typedef struct xbtab__train {
    int n;
    const xbtab_model_pulse *pulse; /* pulse[n] */
    double v_gate;                  /* of the selector, where it has a gate, throughout [V] */
    const double *noise;            /* noise[xbtab__train_deviates()]: standard normal; NULL = no noise */
} xbtab__train;

/** Times at which its sources bend, ascending within a source [s].
 *  @param[out] t  t[xbtab__train_corners(.., NULL)]; NULL = only count them. */
size_t xbtab__train_corners(const xbtab__train *train, const xbtab_model_dynamic *dynamic, double *t);

/** When pulse k is over and at rest [s]; the train's end for k = n - 1. */
double xbtab__train_time(const xbtab__train *train, int k);

/** Deviates that a train takes: one an interval of the model's noise, while a pulse is up. */
size_t xbtab__train_deviates(const xbtab__train *train, const xbtab_model_dynamic *dynamic);

/** The dynamic subcircuit of an RRAM model, and with a selector the whole cell, between in0 and in1 under a
 *  train: its current is i(vm), its state v(state) in volts, and v(energy) the energy from its ends so far,
 * in units of xbtab__train_energy_unit() [J]. State is a number: an open device has no dynamics.
 *  @param rram      value and dynamic_value of a model with dynamic.
 *  @param selector  NULL = none. */
void xbtab__compose_train(xbtab__text *text, const xbtab_model_use *rram, const xbtab_model_use *selector,
                          double state, const xbtab__train *train);
double xbtab__train_energy_unit(const xbtab__train *train);

/** The same n times side by side under one train, without noise and energy: cell k has the values of rram[k],
 *  starts from state[k], and its state is v(state<k>). All are uses of one model. */
void xbtab__compose_trains(xbtab__text *text, const xbtab_model_use *rram, const xbtab_model_use *selector,
                           const double *state, int n, const xbtab__train *train);

/** n bare dynamic devices side by side between in0 and ground, device k with state[k] and its current in
 *  i(vm<k>), its state in v(state<k>). @param source  what stands behind the voltage's nodes: "dc 0.1". */
void xbtab__compose_dynamic_bench(xbtab__text *text, const xbtab_model_use *rram, const double *state, int n,
                                  const char *source);

#endif
