/* infer_run.h - what a run of infer holds, and its report. */
#ifndef XBTAB_CLI_INFER_RUN_H
#define XBTAB_CLI_INFER_RUN_H

#include <string.h>

#include <xbartab/characterize.h>
#include <xbartab/explain.h>
#include <xbartab/infer.h>

#include "chip_options.h"
#include "presets.h"
#include "quantizing.h"
#include "scheme_options.h"

typedef struct infer_options {
    const char *tables, *images, *labels, *calibration_images, *mode, *predictions, *cpu, *check_engine,
        *models, *arch, *cache, *without;
    int refine, limit, threads, calibrate, check, raw_pixels, adc_bits, as_json;
    long seed;
    cli_scheme scheme;
    cli_chips chips;
} infer_options;

/* Everything a run holds. */
typedef struct inference {
    infer_options o;
    xbtab_network *network;
    xbtab_images *images, *calibration;
    xbtab_tables *tables;
    xbtab_derived *derived; /* the tables without some effects; NULL = as they are */
    xbtab_technology *technology;
    cli_quantizing quantizing;
    xbtab_quantize_options quantize;
    xbtab_quantized *quantized;
    xbtab_run_options run;
    float *outputs; /* of the last run */
    size_t n_outputs;
    xbtab_check_report check; /* where --check was asked */
    xbtab_product_counts counts;
    xbtab_chips_report chips; /* where simulated chips were asked */
    xbtab_models *models;     /* these where ngspice or a preset was asked */
    xbtab_spec *spec;
    xbtab_arch *arch;    /* NULL without --arch */
    xbtab_scheme scheme; /* the preset's, with what the options change */
    char *cached;        /* path of tables from the cache */
    const char *tables_file, *images_file, *labels_file;
    char network_path[4096], images_path[4096], labels_path[4096]; /* the preset's own */
} inference;

static inline bool infer_in_spice(const char *engine)
{
    return strcmp(engine, xbtab_engine_spice.name) == 0;
}

/** The network as it stands, or quantized alone. */
static inline bool infer_without_tiles(const char *mode)
{
    return strcmp(mode, "float") == 0 || strcmp(mode, "integer") == 0;
}

/** Write o.predictions beside the file and rename: index,label,prediction,output0,... with nothing for a
 * label where there are none. @return an exit code. */
int infer_write_predictions(const inference *f);

/** Accuracies share[float, integer, ideal, mode], NAN where not run, and what tiles were needed. */
void infer_print_text(const inference *f, const double *share, const xbtab_mapped_report *r, double seconds);
int infer_print_json(const inference *f, const double *share, const xbtab_mapped_report *r, double seconds);

/** An accuracy that the read-out destroys is told with its cause, in text and beside JSON. */
void infer_warn_of_adc(const double *share, const xbtab_mapped_report *r);

#endif
