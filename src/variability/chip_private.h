/* chip_private.h - the inside of a simulated chip, for its writing and its reading. */
#ifndef XBTAB_INFER_CHIP_PRIVATE_H
#define XBTAB_INFER_CHIP_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <xbartab/chip.h>
#include <xbartab/write.h>

#include "check.h"

/** What is counted while tiles are programmed, in whole numbers, whose sums know no order. */
typedef struct xbtab__chip_tally {
    atomic_uint_fast64_t cells, stuck, worn, lost, beyond, clipped, unverified, pulses, written;
    atomic_uint_fast64_t energy;                      /* [1e-18 J] */
    atomic_uint_fast64_t square_written, square_read; /* in units of error_unit^2 */
} xbtab__chip_tally;

struct xbtab_chip {
    const xbtab_tables *tables;
    xbtab_population sheet; /* the given one's parts, without those that are left out; owns nothing */
    bool has_sheet;
    bool only_changes; /* the written error is drawn, but only what becomes of it counts; see take_sheet() */
    xbtab_writer *writer; /* of the tables' pulses; NULL = the sheet's writes */
    xbtab_chip_options o; /* with its defaults filled in */
    double scale;         /* the sheet's conductance for 1 S of the tables' */
    double error_unit;    /* [S] */
    double G_low, G_high; /* of the cell table's states [S] */
    xbtab__chip_tally tally;
};

/** What writing one cell took. */
typedef struct xbtab__chip_write {
    xbtab_written written;
    uint32_t pulses;
    double energy;      /* [J] */
    bool is_unverified; /* ended outside the tolerance */
} xbtab__chip_write;

/** Write one cell to a conductance, as the chip's options say. Conductances are the sheet's [S]. */
void xbtab__chip_write_cell(xbtab__chip_write *out, const xbtab_chip *chip, const xbtab_device *device,
                            double G_target);

/** XBTAB_EFFECT_BIT()s of what the chip's sheet has. */
unsigned xbtab__chip_effects(const xbtab_chip *chip);

#endif
