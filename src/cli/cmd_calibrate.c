/* cmd_calibrate.c - calibrate: fits a model or a law to measured data, writes the sheet, draws the fit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/calibrate.h>
#include <xbartab/output.h>

#include "cli.h"
#include "plot.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static const char *role_name(const xbtab_fitted *p)
{
    return p->role == XBTAB_FIT_FIXED ? "fixed" : p->role == XBTAB_FIT_SHARED ? "shared" : "device";
}

static json_t *fit_json(const xbtab_fit *fit, const char *output)
{
    json_t *parameters = json_array(), *correlation = json_array();
    for (int k = 0; k < fit->n_parameters; k++) {
        const xbtab_fitted *p = &fit->parameter[k];
        json_array_append_new(
            parameters,
            json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:i, s:s}", "name", p->name, "unit",
                      p->unit, "role", role_name(p), "value", number(p->value), "standard_error",
                      number(p->standard_error), "error_between_devices", number(p->device_error), "low_95",
                      number(p->low), "high_95", number(p->high), "identifiable", p->is_identifiable,
                      "devices_at_bound", p->devices_at_bound, "why", p->why));
    }
    for (int k = 0; k < fit->n_shared; k++) {
        json_t *row = json_array();
        for (int l = 0; l < fit->n_shared; l++)
            json_array_append_new(row, number(fit->correlation[k * fit->n_shared + l]));
        json_array_append_new(correlation, row);
    }
    json_t *out = json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:i, s:i, s:i, s:s, s:s, s:b}", "name", fit->name,
                            "output", output, "parameters", parameters, "correlation", correlation, "points",
                            (json_int_t)fit->n_points, "points_fitted", (json_int_t)fit->n_used, "devices",
                            fit->n_devices, "devices_heldout", fit->n_heldout, "dof", fit->dof, "weighting",
                            fit->weighting, "loss", fit->loss, "in_ngspice", fit->in_ngspice);
    json_t *more = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:I, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:f}", "rmse",
        number(fit->rmse), "residual_sigma", number(fit->rmse_dof), "residual_max", number(fit->max_residual),
        "noise", number(fit->noise), "noise_from_median", number(fit->noise_mad), "noise_neighbours",
        number(fit->noise_near), "noise_points_apart", fit->noise_apart, "heldout.points",
        (json_int_t)fit->n_hidden, "heldout.rmse", number(fit->n_hidden ? fit->heldout_rmse : NAN),
        "heldout.noise", number(fit->heldout_noise), "heldout.rmse_expected_of_noise",
        number(fit->n_hidden ? fit->heldout_expected : NAN), "heldout.coverage",
        number(fit->n_hidden ? fit->coverage : NAN), "starts", fit->n_starts, "starts_that_agree",
        fit->n_agree, "iterations", fit->iterations, "seconds", fit->seconds);
    json_object_update(out, more);
    json_decref(more);
    return out;
}

static void print_parameter(const xbtab_fitted *p)
{
    printf("  %-10s %14.6g %-6s", p->name, p->value, strcmp(p->unit, "1") == 0 ? "" : p->unit);
    if (p->role == XBTAB_FIT_SHARED && isfinite(p->standard_error)) {
        printf(" +- %.3g, 95 %%: %.6g to %.6g", p->standard_error, p->low, p->high);
        if (isfinite(p->device_error)) printf(" (+- %.3g from the spread between devices)", p->device_error);
    } else if (p->role == XBTAB_FIT_DEVICE_OWN) {
        printf(" median of the devices, 95 %% of them: %.4g to %.4g", p->low, p->high);
    } else if (p->role == XBTAB_FIT_FIXED) {
        printf(" fixed");
    }
    if (!p->is_identifiable) printf("\n             NOT IDENTIFIED: %s", p->why);
    if (p->is_identifiable && p->why[0]) printf("\n             note: %s", p->why);
    printf("\n");
}

static void print_fit(const xbtab_fit *fit, const char *output)
{
    const char *unit = strcmp(fit->weighting, "log") == 0 ? "(of ln)" : fit->kind == XBTAB_FIT_IV ? "A" : "S";
    printf("%s: %s%s, %zu points of %d devices\n", fit->name, fit->model ? "model " : "law ",
           fit->model ? fit->model->name : fit->formula, fit->n_points, fit->n_devices);
    for (int k = 0; k < fit->n_parameters; k++) {
        /* the instrument's values that play no part are left out */
        bool is_instrument = k >= fit->n_parameters - 3;
        const xbtab_fitted *p = &fit->parameter[k];
        if (is_instrument && p->role == XBTAB_FIT_FIXED && (p->value == 0 || p->value >= 1e18)) continue;
        print_parameter(p);
    }
    for (int k = 0; k < fit->n_shared && fit->n_shared > 1; k++) {
        printf("  %s %-9s", k ? "           " : "correlation", fit->parameter[fit->shared[k]].name);
        for (int l = 0; l < fit->n_shared; l++) printf(" %9.4f", fit->correlation[k * fit->n_shared + l]);
        printf("\n");
    }
    printf("residuals: RMSE %.4g %s, largest %.4g, %d degrees of freedom; %d of %d starts agree\n", fit->rmse,
           unit, fit->max_residual, fit->dof, fit->n_agree, fit->n_starts);
    if (isfinite(fit->noise)) {
        printf("measurement noise: %.4g %s (RMS), %.4g (from the median), from %zu fourth differences of "
               "points %d "
               "apart; of neighbours %.4g\n",
               fit->noise, unit, fit->noise_mad, fit->n_noise, fit->noise_apart, fit->noise_near);
    }
    if (fit->n_hidden > 0) {
        printf("held out: %d devices, %zu points that no fit saw: RMSE %.4g %s", fit->n_heldout,
               fit->n_hidden, fit->heldout_rmse, unit);
        if (isfinite(fit->heldout_expected)) printf(" (%.4g by the noise alone)", fit->heldout_expected);
        printf(", %.1f %% inside the 95 %% prediction interval\n", 100 * fit->coverage);
    }
    printf("%s; written: %s\n", fit->in_ngspice ? "in ngspice" : "by the formula", output);
    cli_tell("fitted in %.1f s", fit->seconds);
}

/* One line a device: label, held out, values, errors, residual. */
static int write_devices(const xbtab_fit *fit, const char *path)
{
    xbtab_output *output = NULL;
    if (xbtab_output_open(&output, path) < 0) return cli_failed();
    FILE *file = xbtab_output_stream(output);
    fprintf(file, "device,held_out");
    for (int k = 0; k < fit->n_device; k++) fprintf(file, ",%s", fit->parameter[fit->device[k]].name);
    for (int k = 0; k < fit->n_device; k++) fprintf(file, ",%s_error", fit->parameter[fit->device[k]].name);
    fprintf(file, ",rmse\n");
    for (int d = 0; d < fit->n_devices; d++) {
        fprintf(file, "%s,%d", fit->label[d], fit->is_heldout[d]);
        for (int k = 0; k < fit->n_device; k++) fprintf(file, ",%.9g", fit->own[d * fit->n_device + k]);
        for (int k = 0; k < fit->n_device; k++) fprintf(file, ",%.4g", fit->own_error[d * fit->n_device + k]);
        fprintf(file, ",%.6g\n", fit->device_rmse[d]);
    }
    return xbtab_output_finish(&output) < 0 ? cli_failed() : CLI_DONE;
}

/* Measured and fitted curves of a few devices spread over the data, and all residuals. */
static int draw(const xbtab_fit *fit, const char *path)
{
    enum { CURVES = 8 };
    static const char *const x_labels[] = {"voltage [V]", "pulse", "time [s]"};
    cli_plot plot;
    int code = cli_plot_begin(&plot, path, 1100, 480);
    if (code != CLI_DONE) return code == CLI_USAGE ? CLI_DONE : code;
    int n = fit->n_devices < CURVES ? fit->n_devices : CURVES;
    fprintf(plot.script,
            "set multiplot layout 1,2\nset xlabel '%s'\nset ylabel '%s'\nset key left top\nset title ",
            x_labels[fit->kind], fit->kind == XBTAB_FIT_IV ? "current [A]" : "conductance [S]");
    cli_plot_text(plot.script, fit->name);
    fprintf(plot.script, " noenhanced\n%splot ", fit->kind == XBTAB_FIT_RETENTION ? "set logscale x\n" : "");
    for (int k = 0; k < n; k++) {
        fprintf(plot.script,
                "%s'-' using 1:2 with points pt 7 ps 0.4 lc %d notitle, '-' with lines lc %d title ",
                k ? ", " : "", k + 1, k + 1);
        cli_plot_text(plot.script, fit->label[(long)k * fit->n_devices / n]);
        fprintf(plot.script, " noenhanced");
    }
    fprintf(plot.script, "\n");
    for (int k = 0; k < 2 * n; k++) {
        int device = (int)((long)(k / 2) * fit->n_devices / n);
        for (size_t p = 0; p < fit->n_points; p++) {
            if (fit->point_device[p] == device)
                fprintf(plot.script, "%.9g %.9g\n", fit->x[p], k % 2 ? fit->fitted[p] : fit->y[p]);
        }
        fprintf(plot.script, "e\n");
    }
    fprintf(plot.script, "set title 'residuals'\nset ylabel 'measured - fitted'\nset key off\n"
                         "plot '-' using 1:2 with dots lc 1\n");
    /* some thousand dots show what all would */
    for (size_t p = 0, step = 1 + fit->n_points / 5000; p < fit->n_points; p += step)
        fprintf(plot.script, "%.9g %.9g\n", fit->x[p], fit->y[p] - fit->fitted[p]);
    fprintf(plot.script, "e\nunset multiplot\n");
    return cli_plot_end(&plot);
}

static void tell(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "%s\n", line);
}

int cmd_calibrate(int argc, const char **argv)
{
    enum { MOST_FILES = 64 };
    const char *output = NULL, *picture = NULL, *devices = NULL, *folder = NULL, *arguments[MOST_FILES + 2],
               *data = NULL, *files[MOST_FILES];
    int as_json = 0, in_spice = 0, workers = 0, n_files = 0;
    const struct poptOption options[] = {
        {"data", '\0', POPT_ARG_STRING, &data, 0, "measured data, plain or gzip; more files may follow",
         "FILE.csv"},
        {"output", 'o', POPT_ARG_STRING, &output, 0, "parameter sheet to write, NAME.sub beside it",
         "NAME.yaml"},
        {"plot", '\0', POPT_ARG_STRING, &picture, 0, "picture of the fit (needs gnuplot)", "FILE.svg|png"},
        {"devices", '\0', POPT_ARG_STRING, &devices, 0, "each device's own parameters", "FILE.csv"},
        {"spice", '\0', POPT_ARG_NONE, &in_spice, 0, "evaluate in ngspice even where the sheet has a formula",
         NULL},
        CLI_WHOLE("workers", 'j', &workers, 0, 1024, "worker processes for ngspice (0 = one a core)", "N"),
        {"models", '\0', POPT_ARG_STRING, &folder, 0, "the user's own models too", "DIR"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_models *models = NULL;
    xbtab_fit *fit = NULL;
    int code =
        cli_parse(&context, argc, argv, options, "SPEC.yaml --data FILE.csv -o NAME.yaml",
                  "xbartab calibrate data/calibration/sinh.yaml --data sweeps.csv -o mine/rram/cell.yaml", 1,
                  MOST_FILES, arguments);
    if (code != CLI_DONE) goto done;
    if (!data || !output) {
        code = cli_usage(argv[0], "needs --data FILE.csv and -o NAME.yaml");
        goto done;
    }
    files[n_files++] = data;
    for (int k = 1; arguments[k] && n_files < MOST_FILES; k++) files[n_files++] = arguments[k];
    xbtab_calibrate_options o = {
        .workers = workers, .force_spice = in_spice, .progress = cli_progress, .note = tell};
    code = cli_check_regular_output(output); /* a sheet, with its circuit beside it */
    if (code == CLI_DONE) code = cli_check_output(devices);
    if (code == CLI_DONE) code = cli_plot_check(picture);
    if (code != CLI_DONE) goto done;
    cli_catch_interrupt();
    if (xbtab_fit_check_path(output) < 0 || xbtab_models_open_with(&models, folder) < 0 ||
        xbtab_calibrate(&fit, arguments[0], files, n_files, models, &o) < 0 ||
        xbtab_fit_write(fit, output) < 0) {
        code = cli_failed();
        goto done;
    }
    if (devices) code = write_devices(fit, devices);
    if (picture && code == CLI_DONE) code = draw(fit, picture);
    if (code != CLI_DONE) goto done;
    if (as_json) {
        code = cli_print_json(fit_json(fit, output));
    } else {
        print_fit(fit, output);
    }
done:
    xbtab_fit_destroy(&fit);
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
