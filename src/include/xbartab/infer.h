/* infer.h - a quantized network mapped on tiles, and run on them.
 *
 * A weight is a sign and weight_bits - 1 bits, cut into slices of as many whole bits as a cell's levels hold;
 * each slice has a pair of neighbouring bit lines, one for positive and one for negative weights
 * (differential columns). Inputs are cut into slices of dac_bits bits. Matrices larger than a tile are split
 * in both directions; partial sums are added digitally: y_o = round( sum over row tiles and slices s of
 * 2^(bits s) (acc_plus - acc_minus) / codes_per_unit ). */
#ifndef XBARTAB_INFER_H
#define XBARTAB_INFER_H

#include <stddef.h>

#include <xbartab/engine.h>
#include <xbartab/network.h>
#include <xbartab/scheme.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network on tiles. Read-only once made. */
typedef struct xbtab_mapped xbtab_mapped;

/** How a network is mapped. Zero is the default throughout. */
typedef struct xbtab_map_options {
    xbtab_run_options run;      /* threads and progress */
    const xbtab_scheme *scheme; /* NULL = the default; borrowed for the call */
    uint64_t seed;              /* of what the read-out draws: offsets and noise */

    int unrounded; /* no conversion is rounded or clipped: what is left when the read-out is left out */

    /** Every bit line's TIA has an offset of its own and noise, as the tables say (xbtab_readout_data); not
     * on ideal tiles. XBTAB_ERR_INPUT where the tables know neither. */
    int tia_spread;

    /* What a chip does to its cells; NULL = they are what their levels say. */

    /** Conductances of one tile's cells. matrix and tile count from 0, tile within its matrix (the first
     * matrix of a tile that several share); G[rows][columns] at v_read, 0 = open [S]. May be called from
     * several threads at once; must depend on nothing but its arguments. */
    xbtab_status (*conductances)(void *context, size_t matrix, size_t tile, const uint8_t *level, size_t rows,
                                 size_t columns, double *G);

    /** Read noise: sigma[columns] of each bit line's current with all its word lines at v_read [A]. It is
     * scaled by the word lines' root mean square drive, since a cell's noise is its voltage times a
     * conductance's, and drawn anew for every conversion. NULL = none. */
    xbtab_status (*read_noise)(void *context, size_t matrix, size_t tile, const uint8_t *level,
                               const double *G, size_t rows, size_t columns, double *sigma);
    void *context;

    /** Sample images that ranges and references are set from, the first n_calibration of them (0 = 100, or
     * all there are); needed only where the scheme asks for it. Borrowed for the call. */
    const xbtab_images *calibration;
    size_t n_calibration;
} xbtab_map_options;

/** Map and program.
 *  @param[out] out        the caller owns it: xbtab_mapped_destroy(). Untouched on failure.
 *  @param      quantized  borrowed until it is destroyed, like all that setup names.
 *  @param      engine     who answers for a tile.
 *  @param      options    NULL = defaults.
 *  @return XBTAB_ERR_INPUT (a scheme out of range), XBTAB_ERR_UNSUPPORTED (levels that are not evenly spaced;
 * a tile too narrow for one output's slices; a scheme that engine or network cannot have), what programming a
 * tile fails with, XBTAB_ERR_CANCELED, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_mapped_create(xbtab_mapped **out, const xbtab_quantized *quantized,
                                 const xbtab_engine_setup *setup, const xbtab_engine_type *engine,
                                 const xbtab_map_options *options) XBTAB_MUST_CHECK;
void xbtab_mapped_destroy(xbtab_mapped **mapped);

/** What the mapping needed. */
typedef struct xbtab_mapped_report {
    size_t tiles;
    double utilisation; /* share of the tiles' cells that hold a weight's bits */
    size_t cells;       /* that number: devices that hold the network's weights */
    size_t weights;
    size_t rows_active;  /* word lines driven at once */
    int cell_bits;       /* bits a cell */
    int weight_slices;   /* of the widest layer */
    int input_slices;    /* of the widest layer */
    int adc_bits;        /* of a conversion */
    int adc_bits_needed; /* xbtab_scheme_adc_bits_needed() of the network's widest input */
    int adc_bits_exact;  /* ideal tiles give the exact integers with so many and range: full, and where the
                            inputs use  all codes of the DAC with no fewer: ceil(log2(n)) for n sums that a
                            conversion can meet,  what the lowest level carries included */
    /* table engine only */
    double readout_error;                        /* largest over the tiles [codes] */
    size_t refined;                              /* tiles with corrections of their own behind T */
    double tile_rmse, tile_max, worst_tile_rmse; /* table against exact solutions of the programmed tiles on
                             random inputs that no fit saw and on the extremes of what a layer can give, the
                             read-out's own error included: all tiles and the worst one
                             (xbtab_table_report); shares of the transfer table's full scale */
    double power_rmse, power_max; /* of the tiles' read power, as of tile_rmse and tile_max; shares of the
                             tables' energy.error.full_scale (over read_time). NAN where the tables know none */
    double worst_tile_steps; /* the same error of the tile where it counts most, in steps of its layer's ADC;
                                the look-up kernel's 16 bits are not in it (kernel.h) */
} xbtab_mapped_report;

void xbtab_mapped_get_report(const xbtab_mapped *mapped, xbtab_mapped_report *report);

/** A layer and the tiles that it is to stand on. */
typedef struct xbtab_tile_need {
    size_t groups, inputs, outputs; /* matrices, and the size of each */
    int weight_bits;                /* sign included, 1 to 16 */
    size_t rows, columns;           /* of a tile */
    int cell_bits;                  /* 1 to 8 */
} xbtab_tile_need;

/** Tiles that a layer takes with differential columns, as xbtab_mapped_create() places it: a matrix larger
 * than a tile is cut, groups that a tile has room for share it. @return 0 where one output does not fit. */
size_t xbtab_tiles_needed(const xbtab_tile_need *need);

/** Where a layer stands, and what one vector through it makes. */
typedef struct xbtab_placement {
    size_t tiles;
    double cells;        /* that hold weights */
    int input_slices;    /* each a step of its own */
    int passes;          /* of each: groups of word lines that are driven one after the other */
    double lines;        /* word lines driven a slice, of all tiles and groups */
    double columns_read; /* bit lines read a slice, over all passes */
    double conversions;  /* of the ADC, over all slices and passes */
} xbtab_placement;

/** Tiles that a layer takes as xbtab_mapped_create() places it with any scheme, and the reads and conversions
 *  of one vector through each of its groups, none skipped.
 *  @param need  weight_bits 1 are weights of -1 and +1.
 *  @return XBTAB_ERR_UNSUPPORTED (bits that the scheme cannot hold, a tile too small for one input or
 * output). */
xbtab_status xbtab_placement_find(xbtab_placement *out, const xbtab_tile_need *need,
                                  const xbtab_scheme *scheme, int activation_bits,
                                  int dac_bits) XBTAB_MUST_CHECK;

/** Inputs that a tile has word lines for, as a layer is cut. @return 0 where one does not fit. */
size_t xbtab_placement_inputs(const xbtab_tile_need *need, const xbtab_scheme *scheme);

/** What a matrix's cells conduct together, word line by word line, over the bit lines of all of its tiles.
 *  @param      need     rows, columns and cell_bits; the rest is the matrix's own.
 *  @param      G_level  conductance of each level [S].
 *  @param[out] G        G[2][inputs]: of each input's first word line and of its second one, 0 where it has
 *                       one only [S]; cells at the lowest level are among them.
 *  @param[out] second   what drives the second: 0 nothing, 1 the input too, -1 what it leaves of the largest.
 *  @return as xbtab_placement_find(), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_placement_conductance(double *G, int *second, const xbtab_matrix *matrix,
                                         const xbtab_tile_need *need, const xbtab_scheme *scheme,
                                         const double *G_level) XBTAB_MUST_CHECK;

/** Run the first n images on the tiles. Parameters as of xbtab_quantized_run().
 *  @param[in,out] counts  added to; NULL = not wanted. */
xbtab_status xbtab_mapped_run(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                              const xbtab_run_options *options, float *outputs,
                              xbtab_product_counts *counts) XBTAB_MUST_CHECK;

/** Who solves the drawn products again. */
typedef struct xbtab_reference {
    const char *name; /* a static string */
    /** Currents of n products, each of a tile of its own. level[n][rows][columns] and G[n][rows][columns] of
     * the whole array: levels, and the conductances that the cells really have [S]; code[n][rows]: DAC codes;
     * I_out[n][columns] [A]. */
    xbtab_status (*currents)(void *context, size_t n, const uint8_t *level, const double *G,
                             const uint8_t *code, double *I_out);
    void *context;
} xbtab_reference;

/** How a table engine's answers compare with the reference's solution of the same circuits. */
typedef struct xbtab_check_report {
    const char *engine; /* the reference; a static string */
    size_t samples;     /* products compared, of one tile and one input slice each */
    double rmse, max;   /* of the currents, as shares of full_scale */
    double full_scale;  /* the transfer table's own [A] */
    double
        rmse_stored; /* what the tables said before: their held-out error at these products' mean drives, or
                        of a refined tile its own error there on inputs that no fit saw; a share of full_scale */
    double rmse_codes, max_codes;
    size_t codes, codes_differ; /* ADC codes compared, and those that differ */
} xbtab_check_report;

/** Draw products at random from what the images cause, over layers, tiles and input slices, and solve them
 * again.
 *  @param mapped     on the table engine.
 *  @param images     the run's images; each of its n may be drawn.
 *  @param n_samples  products to compare.
 *  @param seed       picks them.
 *  @param reference  NULL = our exact solver.
 *  @return as xbtab_mapped_run(), what the reference fails with, and XBTAB_ERR_UNSUPPORTED (another engine).
 */
xbtab_status xbtab_mapped_check(const xbtab_mapped *mapped, const xbtab_images *images, size_t n_samples,
                                uint64_t seed, const xbtab_reference *reference,
                                const xbtab_run_options *options,
                                xbtab_check_report *report) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
