/* pair_cost.c - what an image of a network costs on a pair's tiles. */
#include "pairs_private.h"

#include <stdlib.h>

#include <xbartab/cost.h>
#include <xbartab/data.h>

xbtab_status xbtab__pair_cost(xbtab_pair_figures *out, const xbtab_tables *tables,
                              const xbtab_network *network, const xbtab_models *models)
{
    static const char place[] = "hierarchies/tables.yaml";
    const xbtab_cost_options options = {.tables = tables};
    char *text = NULL;
    xbtab_arch *arch = NULL;
    xbtab_hierarchy *hierarchy = NULL;
    xbtab_network_cost cost = {0};
    xbtab_status status;
    XBTAB_TRY_DONE(xbtab_cost_around_tile(&text, tables->spec_text, xbtab_data_folder()));
    XBTAB_TRY_DONE(xbtab_arch_parse(&arch, text, place, models));
    XBTAB_TRY_DONE(xbtab_hierarchy_open(&hierarchy, arch, xbtab_data_folder()));
    XBTAB_TRY_DONE(xbtab_cost_network(&cost, hierarchy, network, &options));
    out->image_energy = cost.energy;
    out->image_uncertainty = cost.uncertainty;
    out->image_latency = cost.latency;
    out->image_area = cost.area;
    out->image_ops_per_joule = cost.ops_per_joule;
done:
    xbtab_network_cost_clear(&cost);
    xbtab_hierarchy_destroy(&hierarchy);
    xbtab_arch_destroy(&arch);
    free(text);
    return status;
}
