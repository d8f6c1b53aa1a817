/* engine.h - the fidelities behind one interface: what a programmed tile answers to an input vector.
 *
 * A tile is given as levels (0 to n_levels - 1 a cell) and asked with activation codes, which are cut into
 * input slices of dac_bits bits, least significant first. For each slice t every bit line's ADC gives a code;
 * the answer is sum_t code_t << (t dac_bits), so that engines differ only in how a code comes about. */
#ifndef XBARTAB_ENGINE_H
#define XBARTAB_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/kernel.h>
#include <xbartab/solve.h>
#include <xbartab/status.h>
#include <xbartab/tile.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What all tiles of a run share. Borrowed until their engines are destroyed. */
typedef struct xbtab_engine_setup {
    const xbtab_technology *technology;
    const xbtab_kernel_functions *kernel; /* NULL = the machine's best */
    int adc_bits;                         /* 0 = the technology's */
    int refine; /* table engine: exact solutions that a tile is refined with where T is not good enough
                   (0 = 20, negative = none) */
    const void *context; /* for engines outside this library's own, see their headers; NULL for the others */
} xbtab_engine_setup;

/** The cells of a tile. */
typedef struct xbtab_cells {
    size_t rows, columns;
    const uint8_t *level; /* level[rows][columns], each below the technology's number of levels */
    const double *G; /* G[rows][columns]: conductances that the cells really have at v_read, 0 = open [S];
                        NULL = their levels' */
} xbtab_cells;

/** Bit lines whose answers are wanted; those of others in its blocks of
 * XBTAB_KERNEL_BLOCK may be made too. NULL = all. */
typedef struct xbtab_window {
    size_t first, n;
} xbtab_window;

/** What happened to the codes of some products. */
typedef struct xbtab_product_counts {
    uint64_t
        codes; /* ADC codes made: one a bit line of the window and input slice that is not zero everywhere */
    uint64_t outside; /* table engine: those, in blocks of XBTAB_KERNEL_BLOCK bit lines that the window
                         touches, whose current is above all that the transfer table was fitted to */
} xbtab_product_counts;

/** A fidelity. */
typedef struct xbtab_engine_type {
    const char *name, *summary; /* for --mode, --help and reports */
    int one_thread;             /* products must not run in several threads at once */

    /** Required. Program a tile; cells are borrowed for the call. *state is NULL before, and freed by clear.
     */
    xbtab_status (*program)(void **state, const xbtab_engine_setup *setup, const xbtab_cells *cells);

    /** Required. n products: acc[v][j] += sum over input slices t of code << (t dac_bits), for v in [0, n).
     *  x[n][rows] with rows as programmed, each code below 2^(slices dac_bits); acc[n][stride] 64-byte
     * aligned, with stride = xbtab_engine_stride(). Adds to *counts. Safe from several threads at once on the
     * same state (with counts of their own). */
    xbtab_status (*product)(const void *state, const uint16_t *x, size_t n, int slices,
                            const xbtab_window *window, int32_t *acc, xbtab_product_counts *counts);

    /** Optional. What the ADC would see of the same products, not rounded: v[n][slices][stride] as shares of
     * its range, so that product's code is floor(2^adc_bits v + 1/2), clamped. Values may lie outside [0, 1)
     * where the engine knows them there. Adds to *counts as product does, but counts every slice. */
    xbtab_status (*read)(const void *state, const uint16_t *x, size_t n, int slices,
                         const xbtab_window *window, double *v, xbtab_product_counts *counts);

    /** Required. NULL-safe. */
    void (*clear)(void *state);
} xbtab_engine_type;

/** Exact products of integers and an ideal ADC: mapped and quantized, but no analog error. */
extern const xbtab_engine_type xbtab_engine_ideal;

/** The effective matrix, T, TIA and ADC from the tables, through the look-up kernel. */
extern const xbtab_engine_type xbtab_engine_table;

/** Every product's circuit solved exactly on the cell table: the reference for the table engine, a thousand
 * times as slow. A solve that does not reach its tolerance is an error (XBTAB_ERR_SOLVE), never a guess. */
extern const xbtab_engine_type xbtab_engine_solve;

/** Memory that a thread of the solve engine takes for a circuit while it works [bytes]. */
size_t xbtab_engine_solve_bytes(size_t rows, size_t columns);

/** The engine of a name; NULL if there is none. Static. */
const xbtab_engine_type *xbtab_engine_find(const char *name);

/** Length of an accumulator row for a number of bit lines: rounded up to 32. */
size_t xbtab_engine_stride(size_t columns);

/** Codes of the ADC for one step between neighbouring levels at one DAC step: what a digital 1 is worth.
 *  @return XBTAB_ERR_UNSUPPORTED where the levels are not evenly spaced (within 1 % of a step). */
xbtab_status xbtab_engine_codes_per_unit(double *out, const xbtab_engine_setup *setup) XBTAB_MUST_CHECK;

/** What a tile of the table engine knows of itself. */
typedef struct xbtab_table_report {
    double readout_error; /* largest difference between its read-out polynomials and the tables' own curves
                             inside the ADC's range [codes] */
    int is_refined;       /* the tile has corrections of its own behind T */
    double squares, most; /* error against exact solutions of this tile: random inputs that its fit did not
                             see, and the extremes of what a layer can give (all word lines, half of them,
                             every second one, one alone, codes that rise and fall); sum of squares [A^2],
                             largest [A]. squares / samples is the mean square over the random ones or over
                             the extremes, whichever is larger: mixtures of both stay below it */
    long samples;         /* bit-line currents compared */
    double power_squares, power_most; /* of xbtab_engine_table_power() against the same solutions, each held
                             against a fit to the others: mean square [W^2], likewise the larger of both kinds,
                             and largest [W] */
} xbtab_table_report;

/** Report on a tile of the table engine. */
void xbtab_engine_table_report(const void *state, xbtab_table_report *report);

/** Power that the drivers of a tile of the table engine give while a slice is read: the tables' formula
 * (xbtab_energy_data) times two factors of the tile's own, c0 + c1 a with a the mean drive, which its exact
 * solutions set [W]. Times read_time it is the energy of the read.
 *  @param code  code[rows as programmed], each below 2^dac_bits. */
double xbtab_engine_table_power(const void *state, const uint8_t *code);

/** A crossbar as a tile of the table engine, its read-out's currents in double precision. Cells beyond the
 * crossbar's are at the lowest level; wires and array are the tables', whatever the crossbar says of them.
 *  @param[out] I_out     I_out[n][crossbar->columns] [A].
 *  @param[out] P_out     P_out[n]: xbtab_engine_table_power() [W]; NULL = not wanted.
 *  @param[out] report    on the tile.
 *  @param      crossbar  with a technology; no larger than its tables' array.
 *  @param      V         V[rows][n]: each one of the tables' input voltages, to 1e-9 V [V].
 *  @return XBTAB_ERR_INPUT, XBTAB_ERR_SOLVE, XBTAB_ERR_UNSUPPORTED, XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab_crossbar_table(double *I_out, double *P_out, xbtab_table_report *report,
                                  const xbtab_crossbar *crossbar, const double *V, size_t n) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
