/* chip.h - simulated chips: what each cell of a mapped network really conducts, drawn from a population.
 *
 * A chip is named by a seed and a number; its devices are those of a population sheet (population.h), each
 * keyed by (seed, matrix, chip, place in its tile), so that a chip is the same alone or among others, and for
 * any number of threads. A cell is written to its level's conductance, ages, and is read:
 *
 *   G(t) = relaxed( written( G_level ), t ), where the device is not stuck, worn or lost
 *
 * Writing is direct (one unverified write: device_to_device times cycle_to_cycle) or verified: the sheet's
 * own programming error where it has one, and with a tolerance the write is done again until a read lies
 * within it or the pulses are used up. A cell that is written again without a sheet of verified writes aims
 * at what the last read missed (target' = target' * target / G, the feedback of incremental write-and-verify
 * schemes).
 *
 * Where the tables know pulses (/write), a chip that is asked for direct or verified writes is written with
 * them, from the lowest level on: each time with the pulse whose mean lands nearest to the target, its spread
 * drawn anew and its mean times the device's own factor; verified by a read after each pulse, or direct as
 * the mean trajectory says, unless the sheet has direct writes of its own.
 *
 * Random telegraph noise slower than 1 ms is taken as standing still while an image runs: a cell's state is
 * drawn once a chip. What is quicker is part of the read noise, which is Gaussian, of the same variance, and
 * new in every read (assumed; the sheet's own figures are kept). */
#ifndef XBARTAB_CHIP_H
#define XBARTAB_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/infer.h>
#include <xbartab/population.h>
#include <xbartab/status.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/* name, word in options and results, text. In the order of the chain from the float network to the chip. */
#define XBTAB_EFFECT_LIST(X)                                                                                 \
    X(XBTAB_EFFECT_QUANTIZATION, "quantization", "weights and activations in integers")                      \
    X(XBTAB_EFFECT_ADC, "adc", "rounding and clamping of every conversion")                                  \
    X(XBTAB_EFFECT_WIRES, "ir_drop", "wires, drivers and sinks with resistance")                             \
    X(XBTAB_EFFECT_NONLINEARITY, "nonlinearity", "cells that are no linear conductances")                    \
    X(XBTAB_EFFECT_TIA, "tia", "input voltage and curved output of the amplifiers")                          \
    X(XBTAB_EFFECT_DEVICES, "device_to_device", "devices that answer a write differently")                   \
    X(XBTAB_EFFECT_PROGRAMMING, "programming", "what a write leaves over, and cycle to cycle")               \
    X(XBTAB_EFFECT_READ_NOISE, "read_noise", "noise and random telegraph noise of each read")                \
    X(XBTAB_EFFECT_DRIFT, "drift", "relaxation, drift and lost states since the write")                      \
    X(XBTAB_EFFECT_FAULTS, "faults", "stuck and worn devices, narrowed windows")

#define XBTAB_EFFECT_ENUM(name, word, text) name,
typedef enum xbtab_effect { XBTAB_EFFECT_LIST(XBTAB_EFFECT_ENUM) XBTAB_N_EFFECTS } xbtab_effect;
#undef XBTAB_EFFECT_ENUM

#define XBTAB_EFFECT_BIT(effect) (1u << (unsigned)(effect))

/** Word and text of an effect; NULL outside. Static. */
const char *xbtab_effect_word(xbtab_effect effect);
const char *xbtab_effect_text(xbtab_effect effect);

/** How cells are written. */
typedef enum xbtab_writing {
    XBTAB_WRITING_AUTO,   /* verified where the sheet has a programming error or the tables have pulses, else
                             direct */
    XBTAB_WRITING_DIRECT, /* one write, never looked at */
    XBTAB_WRITING_VERIFY
} xbtab_writing;

/** A chip and its age. Zero is the default throughout. */
typedef struct xbtab_chip_options {
    const xbtab_population *population; /* borrowed until the chip is destroyed */
    uint64_t seed;
    uint32_t chip;      /* which one of the seed's */
    double time;        /* since the writes [s] */
    double temperature; /* [K] (0 = the sheet's) */
    double writes;      /* that the devices have seen before */
    int is_scaled; /* the sheet's conductances are scaled so that its window ends at the largest level; to
                      compare technologies on one tile */
    xbtab_writing writing;
    double tolerance; /* of verified writes: largest error left over, as a share of the largest level's
                         conductance (0 = the sheet's verified writes as they are, else 0.01) */
    int pulses;       /* of verified writes, at the most (0 = 100) */
    unsigned off; /* XBTAB_EFFECT_BIT()s of the last five effects, which are left out; without programming,
                     relaxation that counts from the target changes cells as it does with it */
} xbtab_chip_options;

/** What happened to a chip's cells, of all tiles programmed so far. */
typedef struct xbtab_chip_counts {
    uint64_t cells;
    uint64_t stuck;      /* from the start */
    uint64_t worn;       /* by the writes before */
    uint64_t lost;       /* by the time since */
    uint64_t beyond;     /* conductances above or below the cell table's states, whose curves have the nearest
                            state's     shape */
    uint64_t clipped;    /* above XBTAB_TILE_MOST_SHARE of the largest state, and set to that */
    uint64_t unverified; /* verified writes that ended outside the tolerance */
    uint64_t pulses;     /* writes or pulses of all cells */
    double energy;       /* of the pulses, where the tables know it; else 0 [J] */
    double rms_written;  /* of the error right after the writes, over cells that can be written [S] */
    double rms_read;     /* of the error now, over all cells [S] */
} xbtab_chip_counts;

typedef struct xbtab_chip xbtab_chip;

/** Prepare a chip.
 *  @param[out] out      the caller owns it: xbtab_chip_destroy(). Untouched on failure.
 *  @param      tables   of its cells; borrowed until it is destroyed.
 *  @return XBTAB_ERR_INPUT (a number out of range; direct writes of a sheet that has only verified ones),
 * XBTAB_ERR_NOMEM. */
xbtab_status xbtab_chip_create(xbtab_chip **out, const xbtab_tables *tables,
                               const xbtab_chip_options *options) XBTAB_MUST_CHECK;
void xbtab_chip_destroy(xbtab_chip **chip);

/** Let a mapping program this chip: sets the hooks of options, which borrow the chip. */
void xbtab_chip_hook(xbtab_chip *chip, xbtab_map_options *options);

/** Conductances of one tile's cells; xbtab_map_options.conductances with the chip as context.
 *  @return XBTAB_ERR_UNSUPPORTED where a matrix has more than 2^32 cells. Threads: safe. */
xbtab_status xbtab_chip_conductances(void *chip, size_t matrix, size_t tile, const uint8_t *level,
                                     size_t rows, size_t columns, double *G) XBTAB_MUST_CHECK;

/** Read noise of one tile's bit lines; xbtab_map_options.read_noise with the chip as context. Threads: safe.
 */
xbtab_status xbtab_chip_read_noise(void *chip, size_t matrix, size_t tile, const uint8_t *level,
                                   const double *G, size_t rows, size_t columns,
                                   double *sigma) XBTAB_MUST_CHECK;

/** @param[out] counts  of all xbtab_chip_conductances() since it was made. */
void xbtab_chip_get_counts(const xbtab_chip *chip, xbtab_chip_counts *counts);

/** Several chips of several ages. */
typedef struct xbtab_chips_options {
    xbtab_chip_options chip; /* its number is the first chip's; its time and off are each chip's */
    size_t n_chips;          /* (0 = 1) */
    const double *time;      /* time[n_times] [s]; NULL = chip.time alone */
    size_t n_times;
    xbtab_map_options map; /* its hooks are not used; map.run: threads and progress over everything */
    /** Called with each chip's mapped network and outputs, after its run; NULL = none.
     *  @param outputs  outputs[n][xbtab_quantized_outputs()] */
    xbtab_status (*each)(void *context, size_t chip, size_t time, const xbtab_mapped *mapped,
                         const float *outputs);
    void *context;
} xbtab_chips_options;

/** What they did. */
typedef struct xbtab_chips_report {
    size_t n_chips, n_times;
    double *accuracy;          /* accuracy[n_times][n_chips], shares */
    xbtab_chip_counts *counts; /* counts[n_times][n_chips] */
    xbtab_product_counts products;
    xbtab_mapped_report mapped; /* of the last chip */
    double programming;         /* time that writing all of them and making their tables took [s] */
    double running;             /* and that all their images took [s] */
} xbtab_chips_report;

/** Mean, standard deviation between chips (0 for one), least and most. */
typedef struct xbtab_chips_summary {
    double mean, sigma, min, max;
} xbtab_chips_summary;

/** Program and run several chips, one after the other.
 *  @param[out] out        end with xbtab_chips_report_clear(). Untouched on failure.
 *  @param      images     the first n are run; without labels the accuracies are NaN.
 *  @return as xbtab_chip_create(), xbtab_mapped_create() and xbtab_mapped_run(). The same bits for any number
 * of threads and for any grouping of chips. */
xbtab_status xbtab_chips_run(xbtab_chips_report *out, const xbtab_quantized *quantized,
                             const xbtab_engine_setup *setup, const xbtab_engine_type *engine,
                             const xbtab_images *images, size_t n,
                             const xbtab_chips_options *options) XBTAB_MUST_CHECK;
void xbtab_chips_report_clear(xbtab_chips_report *report);

/** @param time  below n_times. */
xbtab_chips_summary xbtab_chips_summarize(const xbtab_chips_report *report, size_t time);

#ifdef __cplusplus
}
#endif
#endif
