/* infer_report.c - what a run of infer says at its end. */
#include <math.h>
#include <stdio.h>

#include <xbartab/output.h>

#include "infer_run.h"

int infer_write_predictions(const inference *f)
{
    const xbtab_images *images = xbtab_study_images(f->study);
    const size_t n_outputs = f->result.n_outputs;
    xbtab_output *output = NULL;
    if (xbtab_output_open(&output, f->o.predictions) < 0) return cli_failed();
    FILE *file = xbtab_output_stream(output);
    fprintf(file, "index,label,prediction");
    for (size_t o = 0; o < n_outputs; o++) fprintf(file, ",output%zu", o);
    fprintf(file, "\n");
    for (size_t k = 0; k < images->n; k++) {
        const float *y = f->result.outputs + k * n_outputs;
        fprintf(file, "%zu,", k);
        if (images->label) fprintf(file, "%d", (int)images->label[k]);
        fprintf(file, ",%zu", xbtab_argmax(y, n_outputs));
        for (size_t o = 0; o < n_outputs; o++) fprintf(file, ",%.9g", (double)y[o]);
        fprintf(file, "\n");
    }
    return xbtab_output_finish(&output) < 0 ? cli_failed() : CLI_DONE;
}

static const char *mapped_as(const char *mode)
{
    return infer_in_spice(mode)         ? "mapped, each product in ngspice"
           : strcmp(mode, "solve") == 0 ? "mapped, each circuit solved exactly"
                                        : "mapped, tables from SPICE";
}

static void print_tiles(const xbtab_study_result *f)
{
    const xbtab_mapped_report *r = &f->mapped;
    printf("tables against exact solutions of these tiles, random and extreme inputs: %.4f %% of full scale "
           "(RMSE; "
           "largest %.3f %%, worst tile %.4f %%; read-out %.3g codes among it); %zu of %zu tiles refined\n",
           100 * r->tile_rmse, 100 * r->tile_max, 100 * r->worst_tile_rmse, r->readout_error, r->refined,
           r->tiles);
    if (!isnan(r->power_rmse))
        printf("their read energies within %.4f %% of the tables' full scale (RMSE; largest %.3f %%)\n",
               100 * r->power_rmse, 100 * r->power_max);
    if (r->worst_tile_steps > 0.5) {
        printf("warning: the worst tile's error is %.2f steps of its layer's ADC (RMSE): --check tells it "
               "for this "
               "run, a larger --refine may mend it, --mode solve has none\n",
               r->worst_tile_steps);
    }
    if (f->counts.outside) {
        printf("warning: %llu of %llu column currents are beyond all that the transfer table was fitted to\n",
               (unsigned long long)f->counts.outside, (unsigned long long)f->counts.codes);
    }
}

static void print_check(const xbtab_check_report *c)
{
    printf("check: %zu products of this run again by %s: currents within %.4f %% of full scale (RMSE; the "
           "tables announce %.4f %%; largest %.3f %%), %zu of %zu ADC codes differ, by %g at the most\n",
           c->samples, c->engine, 100 * c->rmse, 100 * c->rmse_stored, 100 * c->max, c->codes_differ,
           c->codes, c->max_codes);
}

/* One accuracy of a run, in the order in which they come about. */
typedef struct told {
    const char *name, *what;
    double share;
} told;

enum { ACCURACIES = 4 };

static void tell(told out[ACCURACIES], const xbtab_study_result *f)
{
    const xbtab_study_accuracy *a = &f->accuracy;
    const told all[ACCURACIES] = {{"float", "float network", a->network},
                                  {"integer", "quantized, exact integers", a->integer},
                                  {"ideal", "mapped, ideal tiles and ADC", a->ideal},
                                  {f->mode, mapped_as(f->mode), a->mode}};
    memcpy(out, all, sizeof all);
}

static const char *const sources[] = {[XBTAB_CALIBRATION_GIVEN] = "given",
                                      [XBTAB_CALIBRATION_PRESET] = "preset",
                                      [XBTAB_CALIBRATION_TEST] = "test_images"};

static void print_calibration(const xbtab_study_calibration *c)
{
    if (c->source == XBTAB_CALIBRATION_NONE) return;
    printf("  ranges and trims set from the first %zu images of %s%s\n", c->images, c->path,
           c->source == XBTAB_CALIBRATION_TEST ? ", which are test images: --calibration-images takes others"
                                               : "");
}

static void add_calibration(json_t *result, const xbtab_study_calibration *c)
{
    if (c->source == XBTAB_CALIBRATION_NONE) return;
    json_object_set_new(result, "calibration",
                        json_pack("{s:I, s:s, s:s}", "images", (json_int_t)c->images, "source",
                                  sources[c->source], "file", c->path));
}

void infer_print_text(const inference *run)
{
    const xbtab_study_result *f = &run->result;
    const xbtab_mapped_report *r = &f->mapped;
    const xbtab_tables *tables = xbtab_study_tables(run->study);
    told a[ACCURACIES];
    tell(a, f);
    if (xbtab_study_images(run->study)->label) {
        printf("accuracy on %zu images:\n", f->images);
    } else {
        printf("predictions for %zu images without labels, by mode %s: %s\n", f->images, f->mode,
               run->o.predictions);
    }
    for (int k = 0; k < ACCURACIES; k++) {
        if (!isnan(a[k].share)) printf("  %-8s %6.2f %%  %s\n", a[k].name, 100 * a[k].share, a[k].what);
    }
    print_calibration(&f->calibration);
    if (!f->has_tiles) return;
    printf("%zu tiles of %zu x %zu, %.0f %% of their cells in use, %d bits a cell; %d-bit ADC (%d bits would "
           "be exact)\n",
           r->tiles, tables->rows, tables->columns, 100 * r->utilisation, r->cell_bits, r->adc_bits,
           r->adc_bits_exact);
    printf("%zu weights in %zu cells, %zu word lines driven at once\n", r->weights, r->cells, r->rows_active);
    printf("transfer table within %.4f %% of full scale of held-out tiles by %s\n", 100 * f->transfer_rmse,
           cli_sampled_by(tables));
    cli_tell("%s: %.2f s, %.0f images/s", f->mode, f->seconds, (double)f->images / f->seconds);
    if (strcmp(f->mode, "table") == 0) print_tiles(f);
    if (f->chips.n_chips) cli_chips_print(&run->o.chips, &f->chips);
    if (f->has_check) print_check(&f->check);
}

void infer_warn_of_adc(const inference *run)
{
    const xbtab_study_result *f = &run->result;
    const xbtab_mapped_report *r = &f->mapped;
    int bits = r->adc_bits;
    if (!f->has_tiles || bits >= r->adc_bits_exact || isnan(f->accuracy.ideal) ||
        f->accuracy.integer - f->accuracy.ideal < 0.02)
        return;
    fprintf(stderr,
            "xbartab: warning: the %d-bit ADC costs %.1f points on ideal tiles already; %d bits tell all "
            "sums of %zu rows "
            "apart (--adc-bits %d, fewer --rows-active, or --adc-range mse)\n",
            bits, 100 * (f->accuracy.integer - f->accuracy.ideal), r->adc_bits_exact, r->rows_active,
            r->adc_bits_exact);
}

static json_t *check_json(const xbtab_check_report *c)
{
    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "engine", c->engine, "samples",
                     (json_int_t)c->samples, "rmse_fs", c->rmse, "stored_rmse_fs", c->rmse_stored, "max_fs",
                     c->max, "rmse_codes", c->rmse_codes, "max_codes", c->max_codes, "codes",
                     (json_int_t)c->codes, "codes_differ", (json_int_t)c->codes_differ);
}

int infer_print_json(const inference *run)
{
    const xbtab_study_result *f = &run->result;
    const xbtab_mapped_report *r = &f->mapped;
    json_t *accuracies = xbtab_study_images(run->study)->label ? json_object() : NULL;
    told a[ACCURACIES];
    tell(a, f);
    for (int k = 0; accuracies && k < ACCURACIES; k++) {
        if (!isnan(a[k].share)) json_object_set_new(accuracies, a[k].name, json_real(a[k].share));
    }
    if (!f->has_tiles) {
        json_t *plain = json_pack("{s:I, s:o*, s:s}", "images", (json_int_t)f->images, "accuracy", accuracies,
                                  "mode", f->mode);
        add_calibration(plain, &f->calibration);
        return cli_print_json(plain);
    }
    json_t *result =
        json_pack("{s:I, s:o*, s:s, s:I, s:f, s:i, s:i, s:f, s:f, s:f, s:f}", "images", (json_int_t)f->images,
                  "accuracy", accuracies, "mode", f->mode, "tiles", (json_int_t)r->tiles, "utilisation",
                  r->utilisation, "adc_bits", r->adc_bits, "adc_bits_needed", r->adc_bits_needed,
                  "readout_error_codes", r->readout_error, "transfer_heldout_rmse_fs", f->transfer_rmse,
                  "seconds", f->seconds, "images_per_second", (double)f->images / f->seconds);
    add_calibration(result, &f->calibration);
    json_object_set_new(result, "adc_bits_exact", json_integer(r->adc_bits_exact));
    json_object_set_new(result, "cells", json_integer((json_int_t)r->cells));
    json_object_set_new(result, "weights", json_integer((json_int_t)r->weights));
    json_object_set_new(result, "rows_active", json_integer((json_int_t)r->rows_active));
    if (strcmp(f->mode, "table") == 0) {
        json_object_set_new(result, "tile_error",
                            json_pack("{s:f, s:f, s:f, s:f, s:I}", "rmse_fs", r->tile_rmse, "max_fs",
                                      r->tile_max, "worst_tile_rmse_fs", r->worst_tile_rmse,
                                      "worst_tile_adc_steps", r->worst_tile_steps, "refined",
                                      (json_int_t)r->refined));
        json_object_set_new(result, "energy_error",
                            json_pack("{s:o, s:o}", "rmse_fs", cli_known_json(r->power_rmse), "max_fs",
                                      cli_known_json(r->power_max)));
        json_object_set_new(result, "codes", json_integer((json_int_t)f->counts.codes));
        json_object_set_new(result, "codes_outside", json_integer((json_int_t)f->counts.outside));
    }
    if (f->chips.n_chips) json_object_set_new(result, "chips", cli_chips_json(&run->o.chips, &f->chips));
    if (f->has_check) json_object_set_new(result, "check", check_json(&f->check));
    if (run->cost) json_object_set_new(result, "cost", cost_json(run->cost));
    return cli_print_json(result);
}
