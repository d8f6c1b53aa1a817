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
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network on tiles. Read-only once made. */
typedef struct xbtab_mapped xbtab_mapped;

/** Map and program.
 *  @param[out] out        the caller owns it: xbtab_mapped_destroy(). Untouched on failure.
 *  @param      quantized  borrowed until it is destroyed, like all that setup names.
 *  @param      engine     who answers for a tile.
 *  @param      options    threads and progress; NULL = defaults.
 *  @return XBTAB_ERR_UNSUPPORTED (levels that are not evenly spaced; a tile too narrow for one output's
 * slices), what programming a tile fails with, XBTAB_ERR_CANCELED, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_mapped_create(xbtab_mapped **out, const xbtab_quantized *quantized,
                                 const xbtab_engine_setup *setup, const xbtab_engine_type *engine,
                                 const xbtab_run_options *options) XBTAB_MUST_CHECK;
void xbtab_mapped_destroy(xbtab_mapped **mapped);

/** What the mapping needed. */
typedef struct xbtab_mapped_report {
    size_t tiles;
    double utilisation;  /* share of the tiles' cells that hold a weight's bits */
    int cell_bits;       /* bits a cell */
    int weight_slices;   /* of the widest layer */
    int input_slices;    /* of the widest layer */
    int adc_bits_needed; /* for exact sums: ceil(log2((2^dac_bits - 1)(2^cell_bits - 1) rows)) */
    /* table engine only */
    double readout_error;                        /* largest over the tiles [codes] */
    size_t refined;                              /* tiles with corrections of their own behind T */
    double tile_rmse, tile_max, worst_tile_rmse; /* table against exact solutions of the programmed tiles on
                             inputs that no fit saw, all tiles and the worst one; shares of the transfer
                             table's full scale */
} xbtab_mapped_report;

void xbtab_mapped_get_report(const xbtab_mapped *mapped, xbtab_mapped_report *report);

/** Run the first n images on the tiles. Parameters as of xbtab_quantized_run().
 *  @param[in,out] counts  added to; NULL = not wanted. */
xbtab_status xbtab_mapped_run(const xbtab_mapped *mapped, const xbtab_images *images, size_t n,
                              const xbtab_run_options *options, float *outputs,
                              xbtab_product_counts *counts) XBTAB_MUST_CHECK;

/** Who solves the drawn products again. */
typedef struct xbtab_reference {
    const char *name; /* a static string */
    /** Currents of n products, each of a tile of its own. level[n][rows][columns] of the whole array,
     *  code[n][rows]: DAC codes; I_out[n][columns] [A]. */
    xbtab_status (*currents)(void *context, size_t n, const uint8_t *level, const uint8_t *code,
                             double *I_out);
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
                        of a refined tile its own error on inputs that no fit saw; a share of full_scale */
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
