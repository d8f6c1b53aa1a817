/* infer_report.c - what a run of infer says at its end. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "infer_run.h"

int infer_write_predictions(const inference *f)
{
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.%ld.tmp", f->o.predictions, (long)getpid());
    FILE *file = fopen(beside, "w");
    if (!file) return cli_fail("%s: cannot write: %s", f->o.predictions, strerror(errno));
    fprintf(file, "index,label,prediction");
    for (size_t o = 0; o < f->n_outputs; o++) fprintf(file, ",output%zu", o);
    fprintf(file, "\n");
    for (size_t k = 0; k < f->images->n; k++) {
        const float *y = f->outputs + k * f->n_outputs;
        fprintf(file, "%zu,", k);
        if (f->images->label) fprintf(file, "%d", (int)f->images->label[k]);
        fprintf(file, ",%zu", xbtab_argmax(y, f->n_outputs));
        for (size_t o = 0; o < f->n_outputs; o++) fprintf(file, ",%.9g", (double)y[o]);
        fprintf(file, "\n");
    }
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0) failed = true;
    if (failed || rename(beside, f->o.predictions) != 0) {
        int reason = errno;
        unlink(beside);
        return cli_fail("%s: cannot write: %s", f->o.predictions, strerror(reason));
    }
    return CLI_DONE;
}

static const char *mapped_as(const char *mode)
{
    return infer_in_spice(mode)         ? "mapped, each product in ngspice"
           : strcmp(mode, "solve") == 0 ? "mapped, each circuit solved exactly"
                                        : "mapped, tables from SPICE";
}

static void print_tiles(const inference *f, const xbtab_mapped_report *r)
{
    printf(
        "tables against exact solutions of these tiles, inputs that no fit saw: %.4f %% of full scale (RMSE; "
        "largest %.3f %%, worst tile %.4f %%); %zu of %zu tiles refined\n",
        100 * r->tile_rmse, 100 * r->tile_max, 100 * r->worst_tile_rmse, r->refined, r->tiles);
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

void infer_print_text(const inference *f, const double *share, const xbtab_mapped_report *r, double seconds)
{
    const char *const what[] = {"float network", "quantized, exact integers", "mapped, ideal tiles and ADC",
                                mapped_as(f->o.mode)};
    const char *const names[] = {"float", "integer", "ideal", f->o.mode};
    if (f->images->label) {
        printf("accuracy on %zu images:\n", f->images->n);
    } else {
        printf("predictions for %zu images without labels, by mode %s: %s\n", f->images->n, f->o.mode,
               f->o.predictions);
    }
    for (int k = 0; k < 4; k++) {
        if (!isnan(share[k])) printf("  %-8s %6.2f %%  %s\n", names[k], 100 * share[k], what[k]);
    }
    if (infer_without_tiles(f->o.mode)) return;
    printf("%zu tiles of %zu x %zu, %.0f %% of their cells in use, %d bits a cell; %d-bit ADC (%d bits would "
           "be exact)\n",
           r->tiles, f->tables->rows, f->tables->columns, 100 * r->utilisation, r->cell_bits, r->adc_bits,
           r->adc_bits_exact);
    printf("%zu weights in %zu cells, %zu word lines driven at once\n", r->weights, r->cells, r->rows_active);
    printf("%s: %.2f s, %.0f images/s; transfer table within %.4f %% of full scale of held-out tiles by %s\n",
           f->o.mode, seconds, (double)f->images->n / seconds, 100 * f->tables->transfer.error.rmse,
           cli_sampled_by(f->tables));
    if (strcmp(f->o.mode, "table") == 0) print_tiles(f, r);
    if (f->chips.n_chips) cli_chips_print(&f->o.chips, &f->chips);
    if (f->o.check) {
        printf(
            "check: %zu products of this run again by %s: currents within %.4f %% of full scale (RMSE; the "
            "tables announce %.4f %%; largest %.3f %%), %zu of %zu ADC codes differ, by %g at the most\n",
            f->check.samples, f->check.engine, 100 * f->check.rmse, 100 * f->check.rmse_stored,
            100 * f->check.max, f->check.codes_differ, f->check.codes, f->check.max_codes);
    }
}

void infer_warn_of_adc(const double *share, const xbtab_mapped_report *r)
{
    int bits = r->adc_bits;
    if (bits >= r->adc_bits_exact || isnan(share[2]) || share[1] - share[2] < 0.02) return;
    fprintf(stderr,
            "xbartab: warning: the %d-bit ADC costs %.1f points on ideal tiles already; %d bits tell all "
            "sums of %zu rows "
            "apart (--adc-bits %d, fewer --rows-active, or --adc-range mse)\n",
            bits, 100 * (share[1] - share[2]), r->adc_bits_exact, r->rows_active, r->adc_bits_exact);
}

int infer_print_json(const inference *f, const double *share, const xbtab_mapped_report *r, double seconds)
{
    const char *const names[] = {"float", "integer", "ideal", f->o.mode};
    json_t *accuracies = f->images->label ? json_object() : NULL;
    for (int k = 0; accuracies && k < 4; k++) {
        if (!isnan(share[k])) json_object_set_new(accuracies, names[k], json_real(share[k]));
    }
    if (infer_without_tiles(f->o.mode)) {
        return cli_print_json(json_pack("{s:I, s:o*, s:s}", "images", (json_int_t)f->images->n, "accuracy",
                                        accuracies, "mode", f->o.mode));
    }
    json_t *result = json_pack("{s:I, s:o*, s:s, s:I, s:f, s:i, s:i, s:f, s:f, s:f, s:f}", "images",
                               (json_int_t)f->images->n, "accuracy", accuracies, "mode", f->o.mode, "tiles",
                               (json_int_t)r->tiles, "utilisation", r->utilisation, "adc_bits", r->adc_bits,
                               "adc_bits_needed", r->adc_bits_needed, "readout_error_codes", r->readout_error,
                               "transfer_heldout_rmse_fs", f->tables->transfer.error.rmse, "seconds", seconds,
                               "images_per_second", (double)f->images->n / seconds);
    json_object_set_new(result, "adc_bits_exact", json_integer(r->adc_bits_exact));
    json_object_set_new(result, "cells", json_integer((json_int_t)r->cells));
    json_object_set_new(result, "weights", json_integer((json_int_t)r->weights));
    json_object_set_new(result, "rows_active", json_integer((json_int_t)r->rows_active));
    if (strcmp(f->o.mode, "table") == 0) {
        json_object_set_new(result, "tile_error",
                            json_pack("{s:f, s:f, s:f, s:f, s:I}", "rmse_fs", r->tile_rmse, "max_fs",
                                      r->tile_max, "worst_tile_rmse_fs", r->worst_tile_rmse,
                                      "worst_tile_adc_steps", r->worst_tile_steps, "refined",
                                      (json_int_t)r->refined));
        json_object_set_new(result, "codes", json_integer((json_int_t)f->counts.codes));
        json_object_set_new(result, "codes_outside", json_integer((json_int_t)f->counts.outside));
    }
    if (f->chips.n_chips) json_object_set_new(result, "chips", cli_chips_json(&f->o.chips, &f->chips));
    if (f->o.check) {
        json_t *check = json_pack(
            "{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "engine", f->check.engine, "samples",
            (json_int_t)f->check.samples, "rmse_fs", f->check.rmse, "stored_rmse_fs", f->check.rmse_stored,
            "max_fs", f->check.max, "rmse_codes", f->check.rmse_codes, "max_codes", f->check.max_codes,
            "codes", (json_int_t)f->check.codes, "codes_differ", (json_int_t)f->check.codes_differ);
        json_object_set_new(result, "check", check);
    }
    return cli_print_json(result);
}
