/* cost_private.h - what component sheets and hierarchies hold. */
#ifndef XBTAB_COST_COST_PRIVATE_H
#define XBTAB_COST_COST_PRIVATE_H

#include <stdbool.h>

#include <xbartab/cost.h>

#include "value.h"

typedef struct xbtab__component {
    char *name, *kind, *source;
    char *text[4]; /* energy, delay, power, area: in the order in which formulas may use those before */
    char **parameter_name;
    double *parameter;
    int n_parameters;
    xbtab_trust trust;
    double node;   /* [m]; NAN = not known */
    double spread; /* the factor within which its energy lies */
    bool is_logic; /* may be brought to another node */
    int index;     /* in its file */
} xbtab__component;

struct xbtab_components {
    xbtab__yaml yaml;
    xbtab__component *component;
    size_t n;
};

/** As xbtab_components_open(). @param[out] is_sheet  on failure too: the file has a component sheet's form. */
xbtab_status xbtab__components_open(xbtab_components **out, const char *path,
                                    bool *is_sheet) XBTAB_MUST_CHECK;

/** A component by its name; NULL where there is none. */
const xbtab__component *xbtab__components_find(const xbtab_components *components, const char *name);

/** As xbtab_components_evaluate(). */
xbtab_status xbtab__component_evaluate(xbtab_part_values *out, const xbtab_components *sheet,
                                       const xbtab__component *component, const xbtab_part_setting *set,
                                       size_t n) XBTAB_MUST_CHECK;

xbtab_status xbtab__trust_take(xbtab_trust *out, const xbtab__yaml *yaml, const char *key,
                               const char *text) XBTAB_MUST_CHECK;

/** What a part's energy may be off by where its sheet does not say: a factor. */
double xbtab__trust_spread(xbtab_trust trust);

/** Factors of a node over those of another: from data/components/nodes/FILE. */
typedef struct xbtab__node_factors {
    double energy, area, delay;
} xbtab__node_factors;

xbtab_status xbtab__scale_node(xbtab__node_factors *out, const char *folder, double from,
                               double to) XBTAB_MUST_CHECK;

/* ---- hierarchies ---- */

enum { XBTAB__MOST_SHEETS = 8, XBTAB__MOST_LEVELS = 8 };

typedef struct xbtab__part {
    const xbtab__component *component;
    double count;
    char *uses; /* a formula over what a layer makes; NULL = always on */
    xbtab_part_values values;
    bool is_scaled;
    char *key; /* of the uses in the file, for messages */
} xbtab__part;

typedef struct xbtab__level {
    char *name;
    double holds; /* of the level below */
    double arrays;
    xbtab__part *part;
    size_t n_parts;
    xbtab_level_cost sum;
} xbtab__level;

struct xbtab_hierarchy {
    const xbtab_arch *arch;
    xbtab__yaml yaml, levels_yaml; /* the preset's, and of the file that has the levels */
    xbtab_components *sheet[XBTAB__MOST_SHEETS];
    size_t n_sheets, n_levels;
    xbtab__level level[XBTAB__MOST_LEVELS];
    xbtab__scope scope; /* the preset's numbers by their names */
    double node, step, stages, weight_bits, input_bits, input_steps, cells_per_weight;
    double ops_per_second; /* stated; NAN = from the arrays */
    bool is_pipelined, counts_power;
    char *source; /* of the whole, as the preset says it; NULL = it does not */
    xbtab_trust trust;
    double write_energy, write_time, write_cells, endurance; /* NAN = not known */
    xbtab_peak peak;
    xbtab_compared *compared;
    size_t n_compared;
};

/** Sums over the levels, the peak, and what was published beside it. */
xbtab_status xbtab__hierarchy_sum(xbtab_hierarchy *hierarchy) XBTAB_MUST_CHECK;

/** What one layer, or one vector through one array, makes. */
typedef struct xbtab__uses {
    double steps, reads, drives, columns_read, conversions, outputs, bits_in, bits_out, bits_link, vectors,
        macs;
} xbtab__uses;

/** Uses of a part. */
xbtab_status xbtab__part_uses(double *out, const xbtab_hierarchy *hierarchy, const xbtab__part *part,
                              const xbtab__uses *uses) XBTAB_MUST_CHECK;

/** Energy of a use: the sheet's, or power for as long as a use takes. */
double xbtab__part_energy(const xbtab_hierarchy *hierarchy, const xbtab__part *part);

#endif
