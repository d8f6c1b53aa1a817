/* technology.h - the inside of a technology, for the tile and the engines. */
#ifndef XBTAB_TILE_TECHNOLOGY_H
#define XBTAB_TILE_TECHNOLOGY_H

#include <stdbool.h>

#include <xbartab/tile.h>

#include "cell_table.h"
#include "circuit.h"

struct xbtab_technology {
    const xbtab_tables *tables;
    xbtab__cell_table cell;
    double r_in, V_offset; /* the TIA's input: V_in = V_offset + r_in I, fitted over the ADC's range */
    double V_low, V_high;  /* the TIA's output at the ends of the ADC's range: its references [V] */
};

/** x^n for the powers of a transfer table, 0 to 3. */
static inline double xbtab__power(double x, int n)
{
    return n == 0 ? 1.0 : n == 1 ? x : n == 2 ? x * x : x * x * x;
}

/** The wires of an array of the technology. @param bends  with the TIA's whole input curve, not only its
 * line. */
xbtab__wires xbtab__technology_wires(const xbtab_technology *technology, size_t rows, size_t columns,
                                     bool bends);

#endif
