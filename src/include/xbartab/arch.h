/* arch.h - an architecture preset: a tile, the scheme that uses it, the bits of a network, networks that suit
 * it, what was published of it, and where each of its numbers is from. One YAML file, and no line of C.
 *
 *   name: NAME                      summary: one line
 *   survey_ref: "[11]"              notes: what a reader must know: deviations, findings
 *   tile: { ... }                   a tile's specification, as in spec.h
 *   scheme: { ... }                 words and numbers of scheme.h
 *   quantization: {weight_bits: 8, activation_bits: 8, activation_range: percentile,
 *                  layers: [{layer: 0, weight_bits: 6}]}
 *   networks:  - {network: FILE, images: FILE, labels: FILE, measure: accuracy, limit: 1000, raw_pixels: yes,
 *                 published: 98.4 %, difference: why ours is another}
 *   published: - {what: efficiency, value: 141.18 TOPS/W, trust: published, source: abstract,
 *                 of: ops_per_joule, number: 141.18 TOPS/W, conditions: binary}
 *   hierarchy: { ... }              what it is built of, as in cost.h
 *   provenance: - {key: tile.array.rows, value: 128, trust: published, source: abstract}
 *
 * A provenance entry stands for the number at its key, or, without a value, for all numbers below it. */
#ifndef XBARTAB_ARCH_H
#define XBARTAB_ARCH_H

#include <xbartab/network.h>
#include <xbartab/progress.h>
#include <xbartab/scheme.h>
#include <xbartab/spec.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A number of a preset. */
typedef struct xbtab_arch_number {
    char *key, *value;    /* as in the file */
    char *trust, *source; /* published, derived, recalled or assumed; NULL: nobody says where it is from */
} xbtab_arch_number;

/** Something published of the system. */
typedef struct xbtab_arch_figure {
    char *what, *value, *trust, *source;
    char *of, *number, *conditions; /* the same for a program, compared by cost.h: power, area, ops_per_second,
                                       ops_per_joule or ops_per_second_area; NULL = not told */
} xbtab_arch_figure;

/** A network to run on it. */
typedef struct xbtab_arch_network {
    char *network, *images;   /* paths within a data folder */
    char *labels;             /* likewise; NULL: the image file has its own */
    char *calibration_images; /* likewise: training images that ranges and trims are set from; NULL = none */
    int raw_pixels;           /* feed bytes as 0..255 */
    int limit;                /* images of a usual run (0 = all) */
    int is_agreement; /* the network was not trained to a useful accuracy: what counts is that the tiles
                               answer as the exact integers do */
    double published; /* accuracy published for this task, 0 to 1; NAN = none */
    char *difference; /* why ours is another; NULL = nothing to say */
} xbtab_arch_network;

/** One preset. Read-only once made. */
typedef struct xbtab_arch {
    char *name, *summary, *survey_ref, *notes; /* notes may be NULL */
    char *path, *text;
    int has_hierarchy; /* the text has a part `hierarchy`: cost.h reads it */
    xbtab_spec *spec; /* its text is the tile's, in a form in which equal tiles are equal texts */
    xbtab_scheme scheme;
    int weight_bits, activation_bits; /* of networks in float; files that are quantized keep their own */
    xbtab_clip weight_range, activation_range; /* of the same */
    int n_layers, n_networks, n_published, n_numbers;
    xbtab_layer_bits *layer;
    xbtab_arch_network *network;
    xbtab_arch_figure *published;
    xbtab_arch_number *number; /* every number of tile, scheme and quantization, in the file's order */
} xbtab_arch;

/** Read a preset.
 *  @param[out] out     the caller owns it: xbtab_arch_destroy(). Untouched on failure.
 *  @param      path    YAML file.
 *  @param      models  the models its tile may name; borrowed until it is destroyed.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (the message names file, line, key and what is allowed; parts that
 * contradict each other, such as more bits a cell than it has levels; provenance of a number that is not
 * there or has another value), XBTAB_ERR_NOMEM. Threads: safe on different presets. */
xbtab_status xbtab_arch_open(xbtab_arch **out, const char *path, const xbtab_models *models) XBTAB_MUST_CHECK;

/** The same from a text. @param name  what messages call it, in place of a path. */
xbtab_status xbtab_arch_parse(xbtab_arch **out, const char *text, const char *name,
                              const xbtab_models *models) XBTAB_MUST_CHECK;
void xbtab_arch_destroy(xbtab_arch **arch);

/** Bits a cell: the scheme's, or all that the levels hold. */
int xbtab_arch_cell_bits(const xbtab_arch *arch);

/** Bits of the ADC that is used: the scheme's, or the tile's. */
int xbtab_arch_adc_bits(const xbtab_arch *arch);

/** xbtab_scheme_adc_bits_needed() of the preset's own tile and bits; networks that are quantized already may
 * have other bits of their own. */
int xbtab_arch_adc_bits_needed(const xbtab_arch *arch);

/** What is unusual but possible, such as an ADC with fewer bits than the survey's formula asks for: one call
 * of note a finding, each with its numbers. @return how many there were. */
int xbtab_arch_warn(const xbtab_arch *arch, xbtab_note_fn note, void *payload);

/** A YAML text with one value replaced, or added where there is none.
 *  @param[out] out    the new text, in block form without comments; the caller's: free().
 *  @param      text   YAML.
 *  @param      name   what messages call it.
 *  @param      key    "tile.adc.bits", "cell.rram.parameters[0].value".
 *  @param      value  YAML: "8", "{model: NAME}".
 *  @return XBTAB_ERR_INPUT (not YAML; a key that leads past a value), XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab_config_set(char **out, const char *text, const char *name, const char *key,
                              const char *value) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
