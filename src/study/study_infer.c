/* study_infer.c - a study's runs: float, exact integers, ideal tiles, and the mode asked for. */
#include "study_private.h"

#include <math.h>
#include <string.h>

#include "clock.h"

xbtab_run_options xbtab__study_run(const xbtab_study *s, const char *what)
{
    return (xbtab_run_options){.raw_pixels = s->o.raw_pixels,
                               .threads = s->o.threads,
                               .progress = s->o.progress,
                               .payload = s->o.payload,
                               .what = what};
}

xbtab_study_calibration xbtab__study_calibrated(const xbtab_study *s)
{
    if (!s->calibration) return (xbtab_study_calibration){0};
    const size_t wanted = s->o.calibrate ? s->o.calibrate : XBTAB__RANGE_IMAGES;
    return (xbtab_study_calibration){.source = s->calibration_source,
                                     .path = s->o.calibration_images,
                                     .images = wanted < s->calibration->n ? wanted : s->calibration->n};
}

xbtab_map_options xbtab__study_map(const xbtab_study *s)
{
    return (xbtab_map_options){.run = xbtab__study_run(s, s->o.mode),
                               .scheme = &s->scheme,
                               .seed = s->o.seed,
                               .tia_spread = s->o.tia_spread,
                               .calibration = s->calibration,
                               .n_calibration = s->o.calibrate};
}

xbtab_engine_setup xbtab__study_setup(const xbtab_study *s)
{
    return (xbtab_engine_setup){.technology = s->technology,
                                .adc_bits = s->o.adc_bits,
                                .refine = s->o.refine,
                                .kernel = s->o.cpu ? xbtab_kernel_find(s->o.cpu) : NULL};
}

double xbtab__study_share(const xbtab_study *s)
{
    size_t right = 0;
    if (!s->images->label) return NAN;
    for (size_t k = 0; k < s->images->n; k++)
        right += xbtab_argmax(s->outputs + k * s->n_outputs, s->n_outputs) == (size_t)s->images->label[k];
    return (double)right / (double)s->images->n;
}

xbtab_status xbtab__study_run_float(xbtab_study *s)
{
    const xbtab_run_options run = xbtab__study_run(s, "float");
    return xbtab_network_run(s->network, s->images, s->images->n, &run, s->outputs);
}

/* ---- exact integers ---- */

/* Whether the file has bits of its own, which a preset's do not change. */
static xbtab_status has_own_bits(const xbtab_network *network, bool *has)
{
    xbtab_network_node node;
    *has = false;
    for (size_t k = 0; k < xbtab_network_nodes(network); k++) {
        XBTAB_TRY(xbtab_network_node_get(network, k, &node));
        *has = *has || node.weight_bits > 0;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__study_quantizing(xbtab_quantize_options *out, const xbtab_study *s)
{
    const xbtab_arch *arch = s->arch;
    bool is_quantized;
    XBTAB_TRY(has_own_bits(s->network, &is_quantized));
    *out = s->o.quantize;
    out->n_images = s->o.calibrate;
    out->run = xbtab__study_run(s, "calibration");
    out->note = s->o.note;
    out->note_payload = s->o.payload;
    if (!arch || is_quantized) return XBTAB_OK;
    if (!out->weight_bits) out->weight_bits = arch->weight_bits;
    if (!out->activation_bits) out->activation_bits = arch->activation_bits;
    if (!s->o.own_weight_range) out->weight_range = arch->weight_range;
    if (!s->o.own_activation_range) out->activation_range = arch->activation_range;
    if (!out->n_layer_bits) {
        out->layer_bits = arch->layer;
        out->n_layer_bits = (size_t)arch->n_layers;
    }
    return XBTAB_OK;
}

static xbtab_status run_integer(xbtab_study *s)
{
    xbtab_quantize_options q;
    XBTAB_TRY(xbtab__study_quantizing(&q, s));
    xbtab_quantized_destroy(&s->quantized);
    XBTAB_TRY(xbtab_quantized_create(&s->quantized, s->network, s->calibration, &q));
    const xbtab_run_options run = xbtab__study_run(s, "integer");
    return xbtab_quantized_run(s->quantized, s->images, s->images->n, NULL, NULL, &run, s->outputs);
}

/* ---- tiles ---- */

static xbtab_status spice_currents(void *context, size_t n, const uint8_t *level, const double *G,
                                   const uint8_t *code, double *I_out)
{
    const xbtab_study *s = context;
    (void)G;
    xbtab_characterize_options options = {
        .workers = s->o.threads, .progress = s->o.progress, .payload = s->o.payload};
    return xbtab_spice_products(s->spec, s->tables, n, 1, level, code, I_out, NULL, &options);
}

static xbtab_status check(xbtab_study *s, const xbtab_mapped *mapped)
{
    const xbtab_reference in_spice = {
        .name = xbtab_engine_spice.name, .currents = spice_currents, .context = s};
    const xbtab_run_options run = xbtab__study_run(s, "check");
    return xbtab_mapped_check(mapped, s->images, s->o.check, s->o.seed, s->checks_in_spice ? &in_spice : NULL,
                              &run, &s->check);
}

/* The first chip at the first time is the one that is checked and whose outputs are kept. */
static xbtab_status keep_first(void *context, size_t chip, size_t time, const xbtab_mapped *mapped,
                               const float *outputs)
{
    xbtab_study *s = context;
    if (chip > 0 || time > 0) return XBTAB_OK;
    memcpy(s->outputs, outputs, s->images->n * s->n_outputs * sizeof *outputs);
    return s->o.check ? check(s, mapped) : XBTAB_OK;
}

static xbtab_status run_chips(xbtab_study *s, const xbtab_engine_setup *setup, xbtab_study_result *r)
{
    const xbtab_chips_options options = {.chip = s->o.chip,
                                         .n_chips = s->o.n_chips,
                                         .time = s->o.time,
                                         .n_times = s->o.n_times,
                                         .map = xbtab__study_map(s),
                                         .each = keep_first,
                                         .context = s};
    xbtab_chips_report_clear(&s->chips);
    XBTAB_TRY(xbtab_chips_run(&s->chips, s->quantized, setup, s->engine, s->images, s->images->n, &options));
    r->seconds = s->chips.running / (double)(s->chips.n_chips * s->chips.n_times); /* of one chip */
    r->accuracy.mode = xbtab_chips_summarize(&s->chips, 0).mean;
    r->mapped = s->chips.mapped;
    r->counts = s->chips.products;
    return XBTAB_OK;
}

/* One engine's tiles: its accuracy, and its report and time. */
static xbtab_status run_tiles(xbtab_study *s, const xbtab_engine_type *engine, double *share,
                              xbtab_study_result *r)
{
    xbtab_spice_engine spice = {.spec = s->spec, .workers = s->o.threads};
    xbtab_engine_setup setup = xbtab__study_setup(s);
    xbtab_mapped *mapped = NULL;
    xbtab_status status;
    setup.context = &spice;
    if (s->o.chip.population && engine == s->engine) return run_chips(s, &setup, r);
    const xbtab_map_options map = xbtab__study_map(s);
    XBTAB_TRY_DONE(xbtab_mapped_create(&mapped, s->quantized, &setup, engine, &map));
    xbtab_mapped_get_report(mapped, &r->mapped);
    r->counts = (xbtab_product_counts){0};
    const xbtab_run_options run = xbtab__study_run(s, engine->name);
    double began = xbtab__seconds();
    XBTAB_TRY_DONE(xbtab_mapped_run(mapped, s->images, s->images->n, &run, s->outputs, &r->counts));
    r->seconds = xbtab__seconds() - began;
    *share = xbtab__study_share(s);
    if (s->o.check && engine == s->engine) status = check(s, mapped);
done:
    xbtab_mapped_destroy(&mapped);
    return status;
}

xbtab_status xbtab_study_infer(xbtab_study *s, xbtab_study_result *result)
{
    xbtab_study_result r = {.images = s->images->n,
                            .n_outputs = s->n_outputs,
                            .mode = s->o.mode,
                            .accuracy = {NAN, NAN, NAN, NAN},
                            .calibration = xbtab__study_calibrated(s),
                            .has_tiles = s->engine != NULL};
    XBTAB_TRY(xbtab__study_run_float(s));
    r.accuracy.network = xbtab__study_share(s);
    if (strcmp(s->o.mode, "float") != 0) {
        XBTAB_TRY(run_integer(s));
        r.accuracy.integer = xbtab__study_share(s);
    }
    if (s->engine) XBTAB_TRY(run_tiles(s, &xbtab_engine_ideal, &r.accuracy.ideal, &r));
    if (s->engine && s->engine != &xbtab_engine_ideal)
        XBTAB_TRY(run_tiles(s, s->engine, &r.accuracy.mode, &r));
    if (s->engine) r.transfer_rmse = s->tables->transfer.error.rmse;
    r.has_check = s->o.check > 0;
    r.check = s->check;
    r.chips = s->chips;
    r.outputs = s->outputs;
    *result = r;
    return XBTAB_OK;
}
