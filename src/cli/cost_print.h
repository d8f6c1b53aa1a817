/* cost_print.h - what a network or a system costs, as text and as JSON. */
#ifndef XBTAB_CLI_COST_PRINT_H
#define XBTAB_CLI_COST_PRINT_H

#include <jansson.h>
#include <xbartab/cost.h>

/** `arch show NAME --cost`. @return an exit code. */
int cost_print_arch(const xbtab_arch *arch, int as_json);

/** What is asked, and found. Start with {0} but for what is known; end with cost_end(). */
typedef struct cost_asked {
    const xbtab_arch *arch;
    const xbtab_tables *tables; /* NULL = the preset's levels */
    const xbtab_network *network;
    const xbtab_quantized *quantized; /* with images, or NULL: from the placement alone */
    const xbtab_images *images;
    size_t n_images; /* whose activity is counted */
    int raw_pixels;
    xbtab_cost_options o; /* its tables and activity are set here */
    xbtab_hierarchy *hierarchy;
    xbtab_activity activity;
    xbtab_network_cost cost;
} cost_asked;

/** @return an exit code. */
int cost_find(cost_asked *asked);
void cost_end(cost_asked *asked);

/** The preset that stands around a table file's tile where none is named. @return an exit code. */
int cost_arch_of_tables(xbtab_arch **out, const xbtab_tables *tables, const xbtab_models *models);

/** Contents of the key `cost`. */
json_t *cost_json(const xbtab_network_cost *cost);

void cost_print(const xbtab_network_cost *cost);

#endif
