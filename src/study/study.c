/* study.c - what a study is made of: its options, the preset's where they leave something open, and the
 * files. */
#include "study_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/data.h>

#include "memory.h"

enum { DEFAULT_REFINE = 20, LONGEST_PATH = 4096 };

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool has_tiles(const char *mode)
{
    return !is(mode, "float") && !is(mode, "integer");
}

static const xbtab_engine_type *engine_of(const char *mode)
{
    return is(mode, xbtab_engine_spice.name) ? &xbtab_engine_spice : xbtab_engine_find(mode);
}

/* ---- options ---- */

static xbtab_status check_engines(xbtab_study *s)
{
    const xbtab_study_options *o = &s->o;
    const unsigned analog = XBTAB_EFFECT_BIT(XBTAB_EFFECT_WIRES) |
                            XBTAB_EFFECT_BIT(XBTAB_EFFECT_NONLINEARITY) | XBTAB_EFFECT_BIT(XBTAB_EFFECT_TIA);
    if (has_tiles(o->mode) && !(s->engine = engine_of(o->mode))) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "mode \"%s\" is not float, integer, ideal, table, solve or spice",
                   o->mode);
    }
    s->checks_in_spice = is(o->check_engine, xbtab_engine_spice.name);
    if (!s->checks_in_spice && !is(o->check_engine, xbtab_engine_solve.name)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "check engine \"%s\" is not solve or spice", o->check_engine);
    }
    if (o->check && s->engine != &xbtab_engine_table)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "a check compares the mode table");
    if (o->chip.population && s->engine != &xbtab_engine_table && s->engine != &xbtab_engine_solve) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "simulated chips need the mode table or solve, not %s", o->mode);
    }
    if (o->chip.population && o->check && s->checks_in_spice) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "the check engine spice knows no simulated chips; take solve");
    }
    if (o->without & ~analog) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "tiles can be without ir_drop, nonlinearity and tia, and no other effects");
    }
    if (o->without && (s->engine == &xbtab_engine_spice || (o->check && s->checks_in_spice))) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "ngspice has all effects; tiles without some need the mode table or solve");
    }
    return XBTAB_OK;
}

static xbtab_status check_options(xbtab_study *s)
{
    const xbtab_study_options *o = &s->o;
    XBTAB_TRY(check_engines(s));
    if (!o->network && !o->arch) XBTAB_FAIL(XBTAB_ERR_INPUT, "a network is missing");
    if (o->network && !o->images) XBTAB_FAIL(XBTAB_ERR_INPUT, "images are missing");
    if (has_tiles(o->mode) && !o->tables && !o->arch)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "tables or a preset are missing");
    int most_adc_bits = s->engine == &xbtab_engine_ideal ? 24 : XBTAB_KERNEL_MOST_ADC_BITS;
    if (o->adc_bits < 0 || o->adc_bits > most_adc_bits) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d ADC bits are outside 1 to %d", o->adc_bits, most_adc_bits);
    }
    if (o->threads < 0 || o->threads > 1024)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d threads are outside 1 to 1024", o->threads);
    if (o->refine > 10000)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%d solutions to refine with are more than 10000", o->refine);
    if (o->cpu && !xbtab_kernel_find(o->cpu)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "this machine has no kernel \"%s\"", o->cpu);
    }
    return XBTAB_OK;
}

/* ---- the preset ---- */

static xbtab_status need_file(const xbtab_study *s, const char *path)
{
    if (!path || access(path, R_OK) == 0) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_IO,
               "%s: %s is not at hand; set XBARTAB_DATA to the folder that has it, or give a network, images "
               "and labels",
               s->arch->name, path);
}

static xbtab_status find_file(char **out, const char *name)
{
    char path[LONGEST_PATH];
    *out = name ? xbtab__strdup(xbtab_data_file(path, sizeof path, name)) : NULL;
    return *out || !name ? XBTAB_OK : XBTAB_NOMEM();
}

/* Those that the preset names, where they are at hand; the run's own are taken in their place, and told. */
static xbtab_status take_training_images(xbtab_study *s, const char *name)
{
    XBTAB_TRY(find_file(&s->calibration_path, name));
    if (!s->calibration_path || access(s->calibration_path, R_OK) != 0) return XBTAB_OK;
    s->o.calibration_images = s->calibration_path;
    s->calibration_source = XBTAB_CALIBRATION_PRESET;
    return XBTAB_OK;
}

/* The preset's own network, and its images where none are given. */
static xbtab_status take_network(xbtab_study *s)
{
    xbtab_study_options *o = &s->o;
    if (!s->arch->n_networks) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s names no network; give one", s->arch->name);
    const xbtab_arch_network *n = &s->arch->network[0];
    XBTAB_TRY(find_file(&s->network_path, n->network));
    o->network = s->network_path;
    XBTAB_TRY(need_file(s, o->network));
    if (o->images) return XBTAB_OK;
    o->raw_pixels = n->raw_pixels;
    if (!o->limit) o->limit = (size_t)n->limit;
    XBTAB_TRY(find_file(&s->images_path, n->images));
    if (!o->labels) XBTAB_TRY(find_file(&s->labels_path, n->labels));
    o->images = s->images_path;
    if (!o->labels) o->labels = s->labels_path;
    XBTAB_TRY(need_file(s, o->images));
    XBTAB_TRY(need_file(s, o->labels));
    return o->calibration_images ? XBTAB_OK : take_training_images(s, n->calibration_images);
}

static void take_scheme(xbtab_study *s)
{
    const xbtab_scheme *from = &s->o.scheme;
    xbtab_scheme *to = &s->scheme;
#define TAKE_WORD(key, field)                                                                                \
    if (s->o.scheme_words & 1u << (key)) to->field = from->field
    TAKE_WORD(XBTAB_KEY_WEIGHTS, weights);
    TAKE_WORD(XBTAB_KEY_INPUTS, inputs);
    TAKE_WORD(XBTAB_KEY_SIGNED_INPUTS, signed_inputs);
    TAKE_WORD(XBTAB_KEY_READOUT, readout);
    TAKE_WORD(XBTAB_KEY_REFERENCES, references);
    TAKE_WORD(XBTAB_KEY_RANGE, range);
    TAKE_WORD(XBTAB_KEY_SUMS, sums);
    TAKE_WORD(XBTAB_KEY_TRIM, trim);
#undef TAKE_WORD
#define TAKE_NUMBER(field)                                                                                   \
    if (from->field > 0) to->field = from->field
    TAKE_NUMBER(cell_bits);
    TAKE_NUMBER(rows_active);
    TAKE_NUMBER(offset_sigma);
    TAKE_NUMBER(noise_sigma);
    TAKE_NUMBER(columns_per_adc);
    TAKE_NUMBER(range_quantile);
    TAKE_NUMBER(partial_bits);
    TAKE_NUMBER(sum_bits);
    TAKE_NUMBER(keep_from);
    if (!s->o.adc_bits) TAKE_NUMBER(adc_bits);
#undef TAKE_NUMBER
}

static xbtab_status open_arch(xbtab_study *s)
{
    xbtab_study_options *o = &s->o;
    if (o->arch) {
        XBTAB_TRY(xbtab_models_open_with(&s->models, o->models));
        XBTAB_TRY(o->arch_text ? xbtab_arch_parse(&s->arch, o->arch_text, o->arch, s->models)
                               : xbtab_arch_find(&s->arch, o->arch, s->models));
        s->scheme = s->arch->scheme;
        if (o->adc_bits) s->scheme.adc_bits = o->adc_bits;
        if (!o->network) XBTAB_TRY(take_network(s));
        if (o->note) xbtab_arch_warn(s->arch, o->note, o->payload);
    }
    take_scheme(s);
    if (!o->arch || o->tables || !s->engine) return XBTAB_OK;
    const xbtab_characterize_options make = {
        .workers = o->threads, .progress = o->progress, .note = o->note, .payload = o->payload};
    XBTAB_TRY(xbtab_tables_cached(&s->tables_path, s->arch->spec, s->models, o->cache, &make));
    o->tables = s->tables_path;
    return XBTAB_OK;
}

/* ---- files ---- */

static xbtab_status check_labels(const xbtab_study *s)
{
    if (!s->images->label && !s->o.without_labels)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has no labels of its own; give a file of them", s->o.images);
    return xbtab_images_check_labels(s->images, s->n_outputs);
}

static void tell_unsealed(const xbtab_study *s)
{
    char line[LONGEST_PATH + 128];
    snprintf(line, sizeof line, "%s: of schema %d, before tables had a seal: its contents cannot be verified",
             s->o.tables, s->tables->schema);
    s->o.note(line, s->o.payload);
}

static xbtab_status open_tables(xbtab_study *s)
{
    const xbtab_study_options *o = &s->o;
    XBTAB_TRY(xbtab_tables_open(&s->tables, o->tables));
    if (!s->tables->is_sealed && o->note) tell_unsealed(s);
    if (o->without) XBTAB_TRY(xbtab_derived_create(&s->derived, s->tables, o->without));
    XBTAB_TRY(
        xbtab_technology_create(&s->technology, s->derived ? xbtab_derived_tables(s->derived) : s->tables));
    if (s->engine != &xbtab_engine_spice && !(o->check && s->checks_in_spice)) return XBTAB_OK;
    if (!s->models) XBTAB_TRY(xbtab_models_open_with(&s->models, o->models));
    return xbtab_spec_of_tables(&s->spec, s->tables, s->models);
}

/* As many images from the file's first on as ranges and trims ask for, whatever the limit of the run: what is
 * done to an image does not depend on how many are run. */
static xbtab_status open_calibration(xbtab_study *s)
{
    xbtab_study_options *o = &s->o;
    size_t n = o->calibrate ? o->calibrate : XBTAB__RANGE_IMAGES;
    if (n < XBTAB__TRIM_IMAGES) n = XBTAB__TRIM_IMAGES;
    if (!o->calibration_images) o->calibration_images = o->images;
    return xbtab_images_open(&s->calibration, o->calibration_images, NULL, n);
}

static xbtab_status open_files(xbtab_study *s)
{
    const xbtab_study_options *o = &s->o;
    XBTAB_TRY(xbtab_images_open(&s->images, o->images, o->labels, o->limit));
    XBTAB_TRY(xbtab_network_open_as(
        &s->network, o->network,
        &(xbtab_open_options){.shape = o->input_shape, .n_shapes = o->n_input_shapes, .images = s->images}));
    if (!is(o->mode, "float")) XBTAB_TRY(open_calibration(s));
    s->n_outputs = xbtab_network_outputs(s->network);
    XBTAB_TRY(check_labels(s));
    s->outputs = xbtab__alloc(s->images->n * s->n_outputs, sizeof *s->outputs);
    if (!s->outputs) return XBTAB_NOMEM();
    return s->engine ? open_tables(s) : XBTAB_OK;
}

xbtab_status xbtab_study_open(xbtab_study **out, const xbtab_study_options *options)
{
    xbtab_status status;
    xbtab_study *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    s->o = *options;
    s->calibration_source = s->o.calibration_images ? XBTAB_CALIBRATION_GIVEN : XBTAB_CALIBRATION_TEST;
    if (!s->o.mode) s->o.mode = xbtab_engine_table.name;
    if (!s->o.check_engine) s->o.check_engine = xbtab_engine_solve.name;
    if (!s->o.refine) s->o.refine = DEFAULT_REFINE;
    XBTAB_TRY_DONE(check_options(s));
    XBTAB_TRY_DONE(open_arch(s));
    XBTAB_TRY_DONE(open_files(s));
    *out = s;
    s = NULL;
done:
    xbtab_study_close(&s);
    return status;
}

void xbtab_study_close(xbtab_study **study)
{
    xbtab_study *s = *study;
    if (!s) return;
    xbtab_network_cost_clear(&s->cost);
    xbtab_hierarchy_destroy(&s->hierarchy);
    xbtab_arch_destroy(&s->around);
    xbtab_chips_report_clear(&s->chips);
    xbtab_quantized_destroy(&s->quantized);
    xbtab_quantized_destroy(&s->fine);
    xbtab__free(s->outputs);
    xbtab_spec_destroy(&s->spec);
    xbtab_arch_destroy(&s->arch);
    xbtab_models_destroy(&s->models);
    xbtab_technology_destroy(&s->technology);
    xbtab_derived_destroy(&s->derived);
    xbtab_tables_destroy(&s->tables);
    xbtab_images_destroy(&s->calibration);
    xbtab_images_destroy(&s->images);
    xbtab_network_destroy(&s->network);
    xbtab__free(s->network_path);
    xbtab__free(s->images_path);
    xbtab__free(s->labels_path);
    xbtab__free(s->calibration_path);
    xbtab__free(s->tables_path);
    xbtab__free(s);
    *study = NULL;
}

const xbtab_network *xbtab_study_network(const xbtab_study *study)
{
    return study->network;
}

const xbtab_images *xbtab_study_images(const xbtab_study *study)
{
    return study->images;
}

const xbtab_tables *xbtab_study_tables(const xbtab_study *study)
{
    return study->tables;
}

const xbtab_arch *xbtab_study_arch(const xbtab_study *study)
{
    return study->arch;
}

const xbtab_quantized *xbtab_study_quantized(const xbtab_study *study)
{
    return study->quantized;
}

int xbtab_study_raw_pixels(const xbtab_study *study)
{
    return study->o.raw_pixels;
}
