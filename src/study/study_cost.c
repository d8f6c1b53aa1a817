/* study_cost.c - what an image of a study's run costs. */
#include "study_private.h"

#include <stdlib.h>

#include <xbartab/data.h>

/* The study's preset, or one around its tables. */
static xbtab_status find_arch(const xbtab_arch **out, xbtab_study *s)
{
    xbtab_models *models = NULL;
    char *text = NULL;
    xbtab_status status = XBTAB_OK;
    *out = s->arch ? s->arch : s->around;
    if (*out) return XBTAB_OK;
    XBTAB_TRY_DONE(xbtab_models_open_with(&models, s->o.models));
    XBTAB_TRY_DONE(xbtab_cost_around_tile(&text, s->tables->spec_text, xbtab_data_folder()));
    XBTAB_TRY_DONE(xbtab_arch_parse(&s->around, text, "hierarchies/tables.yaml", models));
    *out = s->around;
done:
    free(text);
    xbtab_models_destroy(&models);
    return status;
}

/* What the run made of conversions, of one chip at one time, and what writing the first chip took. */
static void take_run(xbtab_cost_options *o, const xbtab_study_result *r)
{
    const xbtab_chips_report *chips = &r->chips;
    double runs = (double)r->images;
    if (chips->n_chips) runs *= (double)(chips->n_chips * chips->n_times);
    if (r->counts.codes) o->codes = (double)r->counts.codes / runs;
    if (chips->n_chips) o->written = &chips->counts[0];
}

xbtab_status xbtab_study_cost(xbtab_study *s, const xbtab_study_result *result,
                              const xbtab_network_cost **out)
{
    const xbtab_arch *arch;
    xbtab_activity activity = {0};
    xbtab_status status;
    if (!s->tables || !s->quantized)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "the cost is of tiles that a network ran on");
    xbtab_network_cost_clear(&s->cost);
    xbtab_hierarchy_destroy(&s->hierarchy);
    XBTAB_TRY_DONE(find_arch(&arch, s));
    XBTAB_TRY_DONE(xbtab_hierarchy_open(&s->hierarchy, arch, xbtab_data_folder()));
    XBTAB_TRY_DONE(xbtab_activity_count(&activity, s->hierarchy, s->quantized, s->images, XBTAB__COST_IMAGES,
                                        s->tables->G_level, s->o.raw_pixels));
    xbtab_cost_options o = {.tables = s->tables,
                            .weight_bits = s->o.quantize.weight_bits,
                            .activation_bits = s->o.quantize.activation_bits,
                            .activity = &activity};
    take_run(&o, result);
    XBTAB_TRY_DONE(xbtab_cost_network(&s->cost, s->hierarchy, s->network, &o));
    *out = &s->cost;
done:
    xbtab_activity_clear(&activity);
    return status;
}
