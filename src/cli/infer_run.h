/* infer_run.h - what a run of infer holds, and its report. */
#ifndef XBTAB_CLI_INFER_RUN_H
#define XBTAB_CLI_INFER_RUN_H

#include <string.h>

#include <xbartab/characterize.h>
#include <xbartab/study.h>

#include "chip_options.h"
#include "cost_print.h"
#include "input_shapes.h"
#include "quantizing.h"
#include "scheme_options.h"

typedef struct infer_options {
    const char *tables, *images, *labels, *calibration_images, *mode, *predictions, *cpu, *check_engine,
        *models, *arch, *cache, *without;
    int refine, limit, threads, calibrate, check, raw_pixels, adc_bits, cost, as_json;
    uint64_t seed;
    cli_input_shapes shapes;
    cli_scheme scheme;
    cli_chips chips;
} infer_options;

/* Everything a run holds. */
typedef struct inference {
    infer_options o;
    cli_quantizing quantizing;
    xbtab_quantize_options quantize; /* of it */
    xbtab_study *study;
    xbtab_study_result result;
    const xbtab_network_cost *cost; /* of the study; NULL = not asked for */
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

/** What was found. */
void infer_print_text(const inference *f);
int infer_print_json(const inference *f);

/** An accuracy that the read-out destroys is told with its cause, in text and beside JSON. */
void infer_warn_of_adc(const inference *f);

#endif
