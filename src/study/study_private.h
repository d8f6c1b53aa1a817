/* study_private.h - what a study holds. */
#ifndef XBTAB_STUDY_PRIVATE_H
#define XBTAB_STUDY_PRIVATE_H

#include <stdbool.h>

#include <xbartab/characterize.h>
#include <xbartab/study.h>

#include "check.h"

struct xbtab_study {
    xbtab_study_options o; /* with its defaults filled in, and the preset's where it leaves something open */
    const xbtab_engine_type *engine; /* of the mode; NULL without tiles */
    bool checks_in_spice;
    xbtab_scheme scheme;
    xbtab_models *models; /* NULL where neither a preset nor ngspice is asked for */
    xbtab_arch *arch;
    xbtab_network *network;
    xbtab_images *images;
    xbtab_images *calibration; /* that ranges and trims are set from; NULL in float */
    xbtab_calibration_source calibration_source;
    xbtab_tables *tables;
    xbtab_derived *derived; /* the tables without some effects; NULL = as they are */
    xbtab_technology *technology;
    xbtab_spec *spec; /* of the tables, where ngspice is asked for */
    char *network_path, *images_path, *labels_path, *calibration_path, *tables_path; /* the preset's own */

    size_t n_outputs;
    xbtab_quantized *quantized, *fine;
    float *outputs;
    xbtab_chips_report chips;
    xbtab_check_report check;

    xbtab_arch *around; /* a preset around tables alone, for the cost */
    xbtab_hierarchy *hierarchy;
    xbtab_network_cost cost; /* of an image; with names of the hierarchy */
};

/** Threads and progress of a step. */
xbtab_run_options xbtab__study_run(const xbtab_study *study, const char *what);

/** Images that set ranges where no number is given, and those that set trims at the most. */
enum { XBTAB__RANGE_IMAGES = 100, XBTAB__TRIM_IMAGES = 48 };

/** Images whose activity the cost counts. */
enum { XBTAB__COST_IMAGES = 8 };

/** What ranges and trims are set from. */
xbtab_study_calibration xbtab__study_calibrated(const xbtab_study *study);

/** What each mapping is given, and each engine. */
xbtab_map_options xbtab__study_map(const xbtab_study *study);
xbtab_engine_setup xbtab__study_setup(const xbtab_study *study);

/** Share of the study's images whose largest output is their label's. */
double xbtab__study_share(const xbtab_study *study);

/** The float network's outputs, in study->outputs. */
xbtab_status xbtab__study_run_float(xbtab_study *study) XBTAB_MUST_CHECK;

/** The quantizing options with what the preset says of networks that have no bits of their own. */
xbtab_status xbtab__study_quantizing(xbtab_quantize_options *out, const xbtab_study *study) XBTAB_MUST_CHECK;

#endif
