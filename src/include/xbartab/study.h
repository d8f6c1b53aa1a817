/* study.h - one study: a network on an array, from files to accuracies and their causes.
 *
 * A study is a network, images, and either tables or a preset, whose tables are made once and kept. It
 * answers what the network reaches in float, in exact integers, on ideal tiles and on the tables (or on
 * exactly solved circuits, or in ngspice itself), how far its own products are from a reference, and which
 * effect costs what. The program's verbs infer and explain are such studies, read from options and printed;
 * sweep.h runs a grid of them.
 *
 *   const xbtab_study_options o = {
 *       .network = "net.onnx", .tables = "t.h5", .images = "i.idx.gz", .labels = "l.idx.gz"};
 *   xbtab_study *study = NULL;
 *   xbtab_study_result result;
 *   if (xbtab_study_open(&study, &o) < 0 || xbtab_study_infer(study, &result) < 0) puts(xbtab_error_message());
 *   else printf("%.2f %%\n", 100 * result.accuracy.mode);
 *   xbtab_study_close(&study);
 *
 * Threads: a study is used by one thread at a time; it uses threads of its own. Making tables, and everything
 * in ngspice, forks: call it while no other thread is at work. */
#ifndef XBARTAB_STUDY_H
#define XBARTAB_STUDY_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/arch.h>
#include <xbartab/chip.h>
#include <xbartab/cost.h>
#include <xbartab/explain.h>
#include <xbartab/images.h>
#include <xbartab/infer.h>
#include <xbartab/network.h>
#include <xbartab/progress.h>
#include <xbartab/status.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is asked. Zero is the default throughout; all that is pointed at is borrowed until the study is
 * closed. */
typedef struct xbtab_study_options {
    /* What is run: files */
    const char *network; /* ONNX; NULL = the preset's first network, with its images unless some are given */
    const char *arch;    /* a preset's name or file; NULL = none */
    const char *arch_text; /* the preset's own text; arch is then what messages call it. NULL = none */
    const char *tables;    /* table file; NULL = the preset's own, from the cache. Not needed without tiles */
    const char *images, *labels; /* as of xbtab_images_open() */
    const char
        *calibration_images; /* that ranges and trims are set from; NULL = the preset's own, or the first
                                       of `images`, as many whatever the limit */
    const char *models;      /* the user's own models too, for presets and for ngspice; NULL = none */
    const char *cache;       /* folder of tables; NULL = as of xbtab_tables_cached() */
    const xbtab_input_shape *input_shape; /* input_shape[n_input_shapes] for open axes; NULL = the images' */
    size_t n_input_shapes;
    size_t limit;     /* images at the most (0 = all, or the preset's) */
    size_t calibrate; /* images that set ranges (0 = 100) */
    int raw_pixels;   /* bytes as 0 to 255 in place of 0 to 1 */

    /* How */
    const char
        *mode;    /* "float", "integer" (no tiles), "ideal", "table", "solve" or "spice" (NULL = "table") */
    size_t check; /* products of the run to solve again (0 = none); mode "table" alone */
    const char *check_engine; /* "solve" or "spice" (NULL = "solve") */
    int refine;               /* exact solutions to refine a tile with (0 = 20; negative = none) */
    unsigned without; /* XBTAB_EFFECT_BIT()s of wires, nonlinearity and TIA that tiles are to be without */
    int adc_bits;     /* (0 = the tables' or the scheme's) */
    int threads;      /* (0 = one a core) */
    uint64_t seed;    /* of chips, of what the read-out draws, and of the products that are checked */
    const char *cpu;  /* kernel; NULL = the machine's best */

    xbtab_quantize_options
        quantize; /* of networks in float; what is 0 is the preset's; its run and n_images are not used */
    int own_weight_range,
        own_activation_range; /* quantize's count, also where they are 0 and a preset has others */
    xbtab_scheme scheme;      /* numbers that are not 0 stand in the place of the preset's */
    unsigned
        scheme_words; /* bits 1 << XBTAB_KEY_...: those words of scheme stand in the place of the preset's */
    int tia_spread;   /* as of xbtab_map_options */

    /* Simulated chips: chip.population NULL = none */
    xbtab_chip_options chip;
    size_t n_chips;     /* (0 = 1) */
    const double *time; /* time[n_times] since the writes [s]; NULL = chip.time alone */
    size_t n_times;

    int without_layers;     /* xbtab_study_explain(): leave out the runs of single layers */
    const char *only_layer; /* xbtab_study_explain(): effects are in this layer alone; NULL = in all */
    int without_labels;     /* xbtab_study_infer(): images may have none; then there are no accuracies */

    xbtab_progress_fn progress; /* NULL = none; non-zero cancels */
    xbtab_note_fn note;         /* NULL = none */
    void *payload;              /* for both */
} xbtab_study_options;

typedef struct xbtab_study xbtab_study;

/** Read everything that the options name, and make the preset's tables where the cache has none.
 *  @param[out] out  the caller owns it: xbtab_study_close(). Untouched on failure.
 *  @return XBTAB_ERR_INPUT (a mode, engine, kernel or preset that is none; an option that the mode cannot
 * have; a label that is no output of the network; something that is missing), and as of the functions that
 * read each file. */
xbtab_status xbtab_study_open(xbtab_study **out, const xbtab_study_options *options) XBTAB_MUST_CHECK;
void xbtab_study_close(xbtab_study **study);

/** Shares of the images whose largest output is the one of their label; NAN where not run, or without labels.
 */
typedef struct xbtab_study_accuracy {
    double network; /* in float */
    double integer; /* quantized, in exact integers */
    double ideal;   /* mapped, with the ADC, without analog error */
    double mode;    /* in the mode asked for, where it is none of these */
} xbtab_study_accuracy;

/** Where ranges and trims come from. */
typedef enum xbtab_calibration_source {
    XBTAB_CALIBRATION_NONE,   /* nothing is quantized */
    XBTAB_CALIBRATION_GIVEN,  /* the images that the options name */
    XBTAB_CALIBRATION_PRESET, /* the training images that the preset names */
    XBTAB_CALIBRATION_TEST    /* the first of the file that is run: accuracies are of images that were seen */
} xbtab_calibration_source;

/** What ranges and trims are set from: the first `images` of a file, the same for every limit. Trims take at
 * most 48 of the file. */
typedef struct xbtab_study_calibration {
    xbtab_calibration_source source;
    const char *path; /* borrowed from the study */
    size_t images;
} xbtab_study_calibration;

/** What a run found. */
typedef struct xbtab_study_result {
    size_t images, n_outputs;
    const char *mode; /* static */
    xbtab_study_accuracy accuracy;
    xbtab_study_calibration calibration; /* of everything that is quantized */
    int has_tiles;                       /* the mode has: the rest is set */
    xbtab_mapped_report mapped;          /* of the mode asked for, as all below */
    xbtab_product_counts counts;
    double transfer_rmse;     /* announced by the tables: held-out error, a share of full scale */
    double seconds;           /* of running all images on the tiles, of one chip [s] */
    int has_check;            /* check is set */
    xbtab_check_report check; /* of the first chip */
    xbtab_chips_report chips; /* n_chips is 0 where none were asked for; borrowed from the study */
    const float *
        outputs; /* outputs[images][n_outputs] of the last mode, of the first chip; borrowed from the study */
} xbtab_study_result;

/** Run the network in float, then in exact integers, on ideal tiles, and in the mode asked for, as far as the
 * mode goes.
 *  @param[out] result  its pointers are good until the study's next call.
 *  @return as xbtab_network_run(), xbtab_quantized_create(), xbtab_mapped_create(), xbtab_mapped_run(),
 * xbtab_mapped_check() and xbtab_chips_run(); XBTAB_ERR_CANCELED. The same bits for any number of threads. */
xbtab_status xbtab_study_infer(xbtab_study *study, xbtab_study_result *result) XBTAB_MUST_CHECK;

/** What an image of the last run costs: in the preset's own scheme, or in the default one around tables alone;
 * with the activity of the first eight images in exact integers, the conversions that the run made, and the
 * first chip's own writes.
 *  @param      result  of xbtab_study_infer().
 *  @param[out] out     borrowed from the study, until its next call.
 *  @return XBTAB_ERR_INPUT (no tiles), and as of xbtab_hierarchy_open(), xbtab_activity_count() and
 * xbtab_cost_network(). */
xbtab_status xbtab_study_cost(xbtab_study *study, const xbtab_study_result *result,
                              const xbtab_network_cost **out) XBTAB_MUST_CHECK;

/** Which effect costs how much. The study's mode is not used.
 *  @param[out] out  end with xbtab_explanation_clear(), before the study is closed. Untouched on failure.
 *  @return as xbtab_explain(). */
xbtab_status xbtab_study_explain(xbtab_study *study, xbtab_explanation *out) XBTAB_MUST_CHECK;

/** What the study has; borrowed. NULL where it has none. */
const xbtab_network *xbtab_study_network(const xbtab_study *study);
const xbtab_images *xbtab_study_images(const xbtab_study *study);
const xbtab_tables *xbtab_study_tables(const xbtab_study *study); /* as they are in the file */
const xbtab_arch *xbtab_study_arch(const xbtab_study *study);

/** The network as the last run quantized it; borrowed until the study's next call. NULL before. */
const xbtab_quantized *xbtab_study_quantized(const xbtab_study *study);

/** Whether bytes are fed as 0 to 255, as asked for or as the preset's own images need it. */
int xbtab_study_raw_pixels(const xbtab_study *study);

#ifdef __cplusplus
}
#endif
#endif
