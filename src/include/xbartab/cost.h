/* cost.h - what a system costs: energy, area, time, from components that are data.
 *
 * A component sheet (data/components/NAME.yaml) has energy a use, power, area and delay of parts, each a number
 * with its unit or a formula over the part's parameters. A preset's `hierarchy:` says how many of which part an
 * array, a macro, a tile, a chip has. From both follow the peak figures of the whole system, which are compared
 * with the published ones, and from a network's placement the cost of an image:
 *
 *   E = sum over parts of uses * energy a use, or of units * power * 1 / throughput where a part is always on
 *   t_layer = vectors * input steps * passes * step / copies,    throughput = 1 / max t_layer
 *
 * Every figure has a trust, and the spread that its trust stands for. SI units throughout; areas in m2; one
 * multiply-accumulate is two operations. docs/cost.md has the equations and the sheets' keys. */
#ifndef XBARTAB_COST_H
#define XBARTAB_COST_H

#include <stddef.h>

#include <xbartab/arch.h>
#include <xbartab/chip.h>
#include <xbartab/infer.h>
#include <xbartab/network.h>
#include <xbartab/status.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a number is from, the best first. */
typedef enum xbtab_trust {
    XBTAB_TRUST_PUBLISHED,
    XBTAB_TRUST_DERIVED,
    XBTAB_TRUST_RECALLED,
    XBTAB_TRUST_ASSUMED,
    XBTAB_N_TRUST
} xbtab_trust;

/** Its word. Static. */
const char *xbtab_trust_word(xbtab_trust trust);

/** What one part takes; NAN where its sheet is silent. */
typedef struct xbtab_part_values {
    double energy; /* a use [J] */
    double power;  /* while it is on [W] */
    double area;   /* [m2] */
    double delay;  /* of a use [s] */
} xbtab_part_values;

/** A parameter's value in the place of the sheet's. */
typedef struct xbtab_part_setting {
    const char *name;
    double value;
} xbtab_part_setting;

/** Component sheets, read in an order; the first that has a name has it. Read-only once made. */
typedef struct xbtab_components xbtab_components;

/** Read one sheet.
 *  @param[out] out  the caller owns it: xbtab_components_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (the message names file, line, key and what is allowed),
 * XBTAB_ERR_NOMEM. Threads: safe on different sheets. */
xbtab_status xbtab_components_open(xbtab_components **out, const char *path) XBTAB_MUST_CHECK;
void xbtab_components_destroy(xbtab_components **components);

size_t xbtab_components_count(const xbtab_components *components);

/** Name of component k, below xbtab_components_count(). Borrowed. */
const char *xbtab_components_name(const xbtab_components *components, size_t k);

/** What a component takes.
 *  @param      set  set[n]: parameters in the place of the sheet's; a name that it has none of is an error.
 *  @return XBTAB_ERR_INPUT (no such component or parameter, a formula that gives no finite number of at least
 * 0), XBTAB_ERR_NOMEM. */
xbtab_status xbtab_components_evaluate(xbtab_part_values *out, const xbtab_components *components,
                                       const char *name, const xbtab_part_setting *set,
                                       size_t n) XBTAB_MUST_CHECK;

/** A preset's hierarchy with all of its parts evaluated. Read-only once made. */
typedef struct xbtab_hierarchy xbtab_hierarchy;

/** Read the preset's `hierarchy:`.
 *  @param[out] out     the caller owns it: xbtab_hierarchy_destroy(). Untouched on failure.
 *  @param      arch    borrowed until it is destroyed.
 *  @param      folder  the data folder, with components/ and hierarchies/.
 *  @return XBTAB_ERR_UNSUPPORTED (the preset has none), otherwise as xbtab_components_open(). */
xbtab_status xbtab_hierarchy_open(xbtab_hierarchy **out, const xbtab_arch *arch,
                                  const char *folder) XBTAB_MUST_CHECK;
void xbtab_hierarchy_destroy(xbtab_hierarchy **hierarchy);

/** What the hierarchy as a whole is from. @param[out] source  borrowed from the hierarchy; NULL = not said. */
xbtab_trust xbtab_hierarchy_trust(const xbtab_hierarchy *hierarchy, const char **source);

/** A level with everything that it holds. */
typedef struct xbtab_level_cost {
    const char *name; /* borrowed from the hierarchy */
    double arrays;    /* in one of it */
    double power, area;
    double adc_power, adc_area; /* of that, parts of the kind adc */
} xbtab_level_cost;

/** Levels from the array up. */
size_t xbtab_hierarchy_levels(const xbtab_hierarchy *hierarchy);
void xbtab_hierarchy_level(const xbtab_hierarchy *hierarchy, size_t k, xbtab_level_cost *out);

/** A system at its peak: every cell in use, every array at every step. */
typedef struct xbtab_peak {
    double ops_per_second, power, area, ops_per_joule, ops_per_second_area;
    double vector;   /* of one vector through one array: from its first input step to the next vector's [s] */
    double capacity; /* bits that all cells hold */
    int weight_bits, input_bits; /* of an operation; times both: operations of one bit by one */
    double share[XBTAB_N_TRUST]; /* of the power, by trust */
    double scaled;               /* share of the power that was brought from another node */
} xbtab_peak;

void xbtab_hierarchy_peak(const xbtab_hierarchy *hierarchy, xbtab_peak *out);

/** A published figure beside ours. */
typedef struct xbtab_compared {
    const char *what, *of, *conditions; /* conditions may be NULL; borrowed from the preset */
    double value, ours;                 /* SI */
} xbtab_compared;

/** @param[out] out  out[arch's n_published]. @return how many of the preset's published figures can be
 * compared. */
size_t xbtab_hierarchy_compare(const xbtab_hierarchy *hierarchy, xbtab_compared *out);

/** A preset's text around a tile that has none: what data/hierarchies/tables.yaml says of its surroundings, and
 * the default scheme. For xbtab_arch_parse().
 *  @param[out] out        the caller's: free(). Untouched on failure.
 *  @param      tile_text  its specification.
 *  @param      folder     the data folder.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (a text that is no YAML), XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab_cost_around_tile(char **out, const char *tile_text, const char *folder) XBTAB_MUST_CHECK;

/* ---- a network on it ---- */

/** What images make of a network's layers, from a run in exact integers. */
typedef struct xbtab_activity {
    size_t n_layers, images;
    /* siemens[n_layers]: sum over the vectors of an image, their slices, word lines and cells of the square of
     * the drive (as a share of the largest) times conductance [S] */
    double *siemens;
    double
        *made; /* made[n_layers]: share of the conversions whose slice is not 0 on all of its tile's lines */
    double *driven; /* driven[n_layers]: share of the word lines' slices that are not 0 */
} xbtab_activity;

/** Run the first n images and count.
 *  @param[out] out        end with xbtab_activity_clear(). Untouched on failure.
 *  @param      quantized  of the network whose cost is asked for, with the bits that it is to have there.
 *  @param      G_level    conductance of each level of the preset's tile [S].
 *  @param      raw_pixels as of xbtab_run_options.
 *  @return as xbtab_quantized_run() and xbtab_placement_conductance(). One thread; the same bits every time. */
xbtab_status xbtab_activity_count(xbtab_activity *out, const xbtab_hierarchy *hierarchy,
                                  const xbtab_quantized *quantized, const xbtab_images *images, size_t n,
                                  const double *G_level, int raw_pixels) XBTAB_MUST_CHECK;
void xbtab_activity_clear(xbtab_activity *activity);

typedef struct xbtab_cost_options {
    const xbtab_tables
        *tables; /* whose cells' read energy is taken (NULL = the preset's levels, linear cells) */
    int weight_bits, activation_bits; /* of layers in float (0 = the preset's, or 8) */
    int replicate; /* arrays that copies of busy layers may fill, as a multiple of what one copy takes (0 = 1) */
    const xbtab_activity
        *activity; /* NULL = from the placement alone: codes and levels alike, nothing skipped */
    double codes;  /* ADC codes of an image that a run made, whose zero slices and dropped bits are not among
                     them; layers' conversions are scaled to it (0 = not known) */
    const xbtab_chip_counts
        *written; /* what writing one chip with one copy of the network took (NULL = one write a cell) */
} xbtab_cost_options;

/** One kind of part over a whole image. */
typedef struct xbtab_cost_component {
    const char *name, *kind, *level; /* borrowed from the hierarchy */
    double count;                    /* of them in what the network takes */
    double uses;                     /* an image; 0 for parts that are always on */
    double energy, uncertainty;      /* an image [J] */
    double area;
    xbtab_trust trust;
    double always; /* of the energy, what it takes because it is on: power times the time of an image [J] */
    int is_scaled; /* brought from another node */
} xbtab_cost_component;

typedef struct xbtab_cost_layer {
    char *name;
    double energy;      /* of what is used, and its share of what is always on [J] */
    double latency;     /* of all of its vectors on all of its copies [s] */
    double utilisation; /* share of its arrays' cells that hold weights */
    double arrays;      /* of all copies */
    double copies;
    int weight_bits, activation_bits;
    /* an image: what the layer makes, as the formulas of a hierarchy see it (docs/cost.md) */
    double operations, conversions, steps, reads, drives, outputs, bits_in, bits_out, bits_link;
} xbtab_cost_layer;

typedef struct xbtab_network_cost {
    double energy, uncertainty; /* an image [J] */
    double latency, throughput; /* [s], [1/s] */
    double area, power;         /* of the units that it takes; energy times throughput */
    double operations;
    double ops_per_joule, ops_per_second_area, ops_per_joule_bits; /* the last times weight and input bits */
    double utilisation, arrays, chips;
    double step;                 /* [s] */
    const char *bottleneck;      /* what sets the step: a static string */
    size_t slowest;              /* the layer that sets the throughput */
    double share[XBTAB_N_TRUST]; /* of the energy */
    double scaled;               /* of the energy */
    double always;               /* of the energy, of parts that are always on [J] */
    double cells, write_energy, write_time, writes_to_wear; /* of programming it once; NAN where not known */
    double conversions, conversions_saved;                  /* an image; those that the placement has more */
    double pulses;                                          /* that programming it once takes */
    size_t n_components, n_layers;
    xbtab_cost_component *component;
    xbtab_cost_layer *layer;
} xbtab_network_cost;

/** What an image costs, from the placement of a network's layers.
 *  @param[out] out  end with xbtab_network_cost_clear(), before the hierarchy is destroyed. Untouched on failure.
 *  @return XBTAB_ERR_UNSUPPORTED (a layer that the preset's scheme cannot hold), XBTAB_ERR_INPUT,
 * XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab_cost_network(xbtab_network_cost *out, const xbtab_hierarchy *hierarchy,
                                const xbtab_network *network,
                                const xbtab_cost_options *options) XBTAB_MUST_CHECK;
void xbtab_network_cost_clear(xbtab_network_cost *cost);

#ifdef __cplusplus
}
#endif
#endif
