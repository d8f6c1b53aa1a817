/* random.h - counter-based random streams (Philox 4x32-10, Salmon et al., SC'11, through Random123).
 *
 * A stream is named by a seed and three numbers (what it is for, and which one); its values depend on
 * nothing else, so that results are the same for any number of workers or threads. */
#ifndef XBTAB_BASE_RANDOM_H
#define XBTAB_BASE_RANDOM_H

#include <stdint.h>

/** What a stream is for; keeps streams of different purposes apart. */
typedef enum xbtab__random_use {
    XBTAB__RANDOM_TILE_LEVELS = 1,     /* level patterns of sample tiles */
    XBTAB__RANDOM_TILE_INPUTS = 2,     /* input vectors of sample tiles */
    XBTAB__RANDOM_DIGITS = 3,          /* drawn digits */
    XBTAB__RANDOM_TRAINING = 4,        /* initial weights, batch order */
    XBTAB__RANDOM_CHECK = 5,           /* products picked for checking */
    XBTAB__RANDOM_TEST = 6,            /* tests and benchmarks */
    XBTAB__RANDOM_REFINE = 7,          /* input vectors that refine a tile */
    XBTAB__RANDOM_WRITE = 8,           /* noise of switching devices */
    XBTAB__RANDOM_READOUT_OFFSET = 20, /* offsets of read-outs */
    XBTAB__RANDOM_READ_NOISE = 21,     /* of single conversions */
    XBTAB__RANDOM_TIA_OFFSET = 22,     /* offsets of TIAs */
    XBTAB__RANDOM_POPULATION = 40,     /* devices of simulated chips */
    XBTAB__RANDOM_CALIBRATE = 41,      /* starts of fits, held-out shares */
    XBTAB__RANDOM_CHIP = 50            /* seeds of matrices, slow telegraph noise */
} xbtab__random_use;

typedef struct xbtab__random {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t word[4];
    int left;
} xbtab__random;

/** Start the stream (seed, use, a, b). */
void xbtab__random_init(xbtab__random *random, uint64_t seed, xbtab__random_use use, uint32_t a, uint32_t b);

uint32_t xbtab__random_u32(xbtab__random *random);

/** Uniform in [0, 1), 53 bits. */
double xbtab__random_uniform(xbtab__random *random);

/** Uniform integer in [0, n), n > 0, without bias. */
uint32_t xbtab__random_below(xbtab__random *random, uint32_t n);

/** Standard normal (Box-Muller on two uniforms; no value is kept back). */
double xbtab__random_normal(xbtab__random *random);

#endif
