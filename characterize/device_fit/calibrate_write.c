/* calibrate_write.c - a fit as a parameter sheet: for a model, the sheet and the subcircuit of a model that
 * is the fitted one; for a law, its formula and values. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <xbartab/calibrate.h>
#include <xbartab/version.h>

#include "calibrate_private.h"
#include "file.h"
#include "memory.h"

/* Devices beyond this are left to the table of devices: a sheet is for reading. */
enum { MOST_DEVICES = 4096 };

void xbtab__add_yaml_string(xbtab__text *text, const char *string)
{
    xbtab__text_add(text, "\"");
    for (const char *c = string; *c; c++) {
        if (*c == '"' || *c == '\\') xbtab__text_add(text, "\\");
        xbtab__text_add(text, "%c", (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c);
    }
    xbtab__text_add(text, "\"");
}

static void add_number(xbtab__text *text, const char *key, double value)
{
    if (isfinite(value)) {
        xbtab__text_add(text, "%s%.9g", key, value);
    } else {
        xbtab__text_add(text, "%snull", key);
    }
}

/* "1.5e-05 S", or a bare number. */
static void add_quantity(xbtab__text *text, const char *key, double value, const char *unit)
{
    xbtab__text_add(text, "%s%.9g%s%s", key, value, strcmp(unit, "1") == 0 ? "" : " ",
                    strcmp(unit, "1") == 0 ? "" : unit);
}

/* The file's own name without folders and ".yaml". */
xbtab_status xbtab__model_name_of(char *name, const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t n = strlen(base);
    if (n <= 5 || strcmp(base + n - 5, ".yaml") != 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: a parameter sheet's name ends in .yaml", path);
    }
    n -= 5;
    for (size_t k = 0; k < n; k++) {
        bool good = isalnum((unsigned char)base[k]) || base[k] == '_';
        if (!good || n >= XBTAB__MODEL_NAME_SIZE || !isalpha((unsigned char)base[0])) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s: the file's name becomes the model's: letters, digits and _ only, a letter first",
                       path);
        }
    }
    snprintf(name, XBTAB__MODEL_NAME_SIZE, "%.*s", (int)n, base);
    return XBTAB_OK;
}

static const char *role_name(xbtab_fit_role role)
{
    return role == XBTAB_FIT_FIXED ? "fixed" : role == XBTAB_FIT_SHARED ? "shared" : "device";
}

static void add_source(xbtab__text *text, const xbtab_fit *fit)
{
    char source[1024];
    snprintf(source, sizeof source, "%s%sfitted to %s by xbartab %s calibrate %s",
             fit->model ? fit->model->source : "", fit->model ? "; " : "", fit->data, XBTAB_VERSION,
             fit->path);
    xbtab__add_yaml_string(text, source);
}

static void add_parameter(xbtab__text *text, const xbtab_parameter *own, const xbtab_fitted *p,
                          const char *margin)
{
    bool is_fitted = p && p->role != XBTAB_FIT_FIXED;
    xbtab__text_add(text, "%s- name: %s\n%s  unit: \"%s\"\n%s", margin, own->name, margin, own->unit, margin);
    add_quantity(text, "  default: ", p ? p->value : own->value, own->unit);
    xbtab__text_add(text, "\n%s", margin);
    add_quantity(text, "  min: ", own->min, own->unit);
    xbtab__text_add(text, "\n%s", margin);
    add_quantity(text, "  max: ", own->max, own->unit);
    xbtab__text_add(text, "\n%s  description: ", margin);
    xbtab__add_yaml_string(text, own->description);
    xbtab__text_add(text, "\n%s  source: ", margin);
    xbtab__add_yaml_string(text, is_fitted ? "fitted, see fit" : own->source);
    xbtab__text_add(text, "\n%s  trust: %s\n", margin, is_fitted ? "derived" : own->trust);
}

/* The dynamics with the fitted values, if trains were fitted; its pulses are the data's, where they have both
 * kinds. */
static void add_dynamic(xbtab__text *text, const xbtab_fit *fit)
{
    const xbtab_model_dynamic *d = fit->model->dynamic;
    const xbtab_model_pulse *pulse[] = {fit->set.width > 0 ? &fit->set : &d->set,
                                        fit->reset.width > 0 ? &fit->reset : &d->reset};
    bool is_fitted = fit->kind == XBTAB_FIT_PULSES;
    xbtab__text_add(text, "dynamic:\n  subcircuit: %s\n  scale: \"%.17g\"\n", d->subcircuit, d->scale);
    if (d->noise_interval > 0) xbtab__text_add(text, "  noise_interval: %.9g s\n", d->noise_interval);
    xbtab__text_add(text, "  parameters:%s\n", d->n_parameters > 0 ? "" : " []");
    for (int k = 0; k < d->n_parameters; k++) {
        const xbtab_fitted *p = is_fitted ? &fit->parameter[fit->model->n_parameters + k] : NULL;
        add_parameter(text, &d->parameters[k], p, "    ");
    }
    for (int k = 0; k < 2; k++) {
        xbtab__text_add(text, "  %s: {amplitude: %.9g V, width: %.9g s}\n", k ? "reset" : "set",
                        pulse[k]->amplitude, pulse[k]->width);
    }
}

static void add_model(xbtab__text *text, const xbtab_fit *fit, const char *name)
{
    const xbtab_model *m = fit->model;
    char summary[512];
    snprintf(summary, sizeof summary, "%s; fitted: %s", m->summary, fit->name);
    xbtab__text_add(text, "name: %s\nkind: rram\nsummary: ", name);
    xbtab__add_yaml_string(text, summary);
    xbtab__text_add(text, "\nsource: ");
    add_source(text, fit);
    xbtab__text_add(text, "\nlicence: ");
    xbtab__add_yaml_string(text, m->licence);
    xbtab__text_add(text, "\npins: [top, bottom]\nstate: {parameter: %s, scale: %s}\n",
                    m->parameters[m->state].name, m->state_is_log ? "log" : "linear");
    if (m->current) {
        xbtab__text_add(text, "current: ");
        xbtab__add_yaml_string(text, m->current);
        xbtab__text_add(text, "\n");
    }
    xbtab__text_add(text, "parameters:\n");
    for (int k = 0; k < m->n_parameters; k++)
        add_parameter(text, &m->parameters[k], &fit->parameter[k], "  ");
    if (m->dynamic) add_dynamic(text, fit);
}

static void add_law(xbtab__text *text, const xbtab_fit *fit, const char *name)
{
    xbtab__text_add(text, "name: %s\nkind: law\nformula: ", name);
    xbtab__add_yaml_string(text, fit->formula);
    xbtab__text_add(text, "\nsource: ");
    add_source(text, fit);
    xbtab__text_add(text, "\nparameters:\n");
    for (int k = 0; k < fit->n_parameters; k++) {
        const xbtab_fitted *p = &fit->parameter[k];
        if (k >= fit->n_parameters - 2) continue; /* series and parallel are for circuits */
        xbtab__text_add(text, "  - name: %s\n    unit: %s\n", p->name, p->unit);
        add_quantity(text, "    value: ", p->value, p->unit);
        xbtab__text_add(text, "\n    description: ");
        xbtab__add_yaml_string(text, p->description);
        xbtab__text_add(text, "\n");
    }
}

static void add_figures(xbtab__text *text, const xbtab_fit *fit)
{
    xbtab__text_add(text, "  points: %zu\n  points_fitted: %zu\n  devices: %d\n  devices_held_out: %d\n",
                    fit->n_points, fit->n_used, fit->n_devices, fit->n_heldout);
    xbtab__text_add(text, "  degrees_of_freedom: %d\n  weighting: %s\n  loss: %s\n  evaluated_in: %s\n",
                    fit->dof, fit->weighting, fit->loss, fit->in_ngspice ? fit->ngspice : "formula");
    xbtab__text_add(text, "  starts: %d\n  starts_that_agree: %d\n  seed: %llu\n", fit->n_starts,
                    fit->n_agree, (unsigned long long)fit->seed);
    add_number(text, "  rmse: ", fit->rmse);
    add_number(text, "\n  residual_sigma: ", fit->rmse_dof);
    add_number(text, "\n  residual_max: ", fit->max_residual);
    add_number(text, "\n  noise: ", fit->noise);
    xbtab__text_add(text, " # of one point: fourth differences of residuals of points %d apart",
                    fit->noise_apart);
    add_number(text, "\n  noise_from_median: ", fit->noise_mad);
    add_number(text, "\n  noise_neighbours: ", fit->noise_near);
    xbtab__text_add(text, "\n  held_out_points: %zu", fit->n_hidden);
    add_number(text, "\n  held_out_rmse: ", fit->n_hidden ? fit->heldout_rmse : NAN);
    add_number(text, "\n  held_out_rmse_by_noise_alone: ", fit->n_hidden ? fit->heldout_expected : NAN);
    add_number(text, "\n  held_out_coverage_95: ", fit->n_hidden ? fit->coverage : NAN);
    if (fit->n_hidden) {
        add_number(text, "\n  prediction_interval: {factor: ", fit->interval_factor);
        add_number(text, ", floor: ", fit->interval_floor);
        add_number(text, ", slope: ", fit->interval_slope);
        xbtab__text_add(text, "} # +- factor sqrt(floor^2 + (slope y)^2)");
    }
    xbtab__text_add(text, "\n");
}

static void add_parameters(xbtab__text *text, const xbtab_fit *fit)
{
    xbtab__text_add(text, "  parameters:\n");
    for (int k = 0; k < fit->n_parameters; k++) {
        const xbtab_fitted *p = &fit->parameter[k];
        if (!fit->model && k >= fit->n_parameters - 2) continue;
        xbtab__text_add(text, "    - {name: %s, role: %s", p->name, role_name(p->role));
        add_number(text, ", value: ", p->value);
        if (p->role == XBTAB_FIT_SHARED) {
            add_number(text, ", standard_error: ", p->standard_error);
            if (isfinite(p->device_error)) add_number(text, ", error_between_devices: ", p->device_error);
            add_number(text, ", interval_95: [", p->low);
            add_number(text, ", ", p->high);
            xbtab__text_add(text, "]");
        } else if (p->role == XBTAB_FIT_DEVICE_OWN) {
            add_number(text, ", devices_95: [", p->low);
            add_number(text, ", ", p->high);
            xbtab__text_add(text, "]");
        }
        if (p->role != XBTAB_FIT_FIXED)
            xbtab__text_add(text, ", identifiable: %s", p->is_identifiable ? "yes" : "no");
        if (p->why[0]) {
            xbtab__text_add(text, ", why: ");
            xbtab__add_yaml_string(text, p->why);
        }
        xbtab__text_add(text, "}\n");
    }
    if (fit->n_shared > 1) {
        xbtab__text_add(text, "  correlation: # of the shared parameters, in their order above\n");
        for (int k = 0; k < fit->n_shared; k++) {
            for (int l = 0; l < fit->n_shared; l++)
                xbtab__text_add(text, "%s%.6f", l ? ", " : "    - [",
                                fit->correlation[k * fit->n_shared + l]);
            xbtab__text_add(text, "]\n");
        }
    }
}

static void add_devices(xbtab__text *text, const xbtab_fit *fit)
{
    if (fit->n_device == 0 || fit->n_devices > MOST_DEVICES) return;
    xbtab__text_add(text, "  own: # each device's");
    for (int k = 0; k < fit->n_device; k++) xbtab__text_add(text, " %s", fit->parameter[fit->device[k]].name);
    xbtab__text_add(text, "\n");
    for (int d = 0; d < fit->n_devices; d++) {
        xbtab__text_add(text, "    - {device: ");
        xbtab__add_yaml_string(text, fit->label[d]);
        xbtab__text_add(text, ", held_out: %s", fit->is_heldout[d] ? "yes" : "no");
        for (int k = 0; k < fit->n_device; k++)
            add_number(text, k ? ", " : ", values: [", fit->own[d * fit->n_device + k]);
        for (int k = 0; k < fit->n_device; k++)
            add_number(text, k ? ", " : "], errors: [", fit->own_error[d * fit->n_device + k]);
        add_number(text, "], rmse: ", fit->device_rmse[d]);
        xbtab__text_add(text, "}\n");
    }
}

/* The subcircuit under its new name. */
static xbtab_status write_subcircuit(const xbtab_model *model, const char *name, const char *path)
{
    xbtab__text text = {0};
    size_t n = strlen(model->name);
    xbtab__text_add(&text, "* %s - %s with fitted defaults in %s.yaml\n", name, model->name, name);
    for (const char *line = model->sub_text; *line;) {
        size_t length = strcspn(line, "\n"), word = strspn(line, " \t");
        if (strncasecmp(line + word, ".subckt", 7) == 0 || strncasecmp(line + word, ".ends", 5) == 0) {
            word += strcspn(line + word, " \t\n");
            word += strspn(line + word, " \t");
        } else {
            word = 0;
        }
        if (word && strncasecmp(line + word, model->name, n) == 0 &&
            !isalnum((unsigned char)line[word + n]) && line[word + n] != '_') {
            xbtab__text_add(&text, "%.*s%s%.*s\n", (int)word, line, name, (int)(length - word - n),
                            line + word + n);
        } else {
            xbtab__text_add(&text, "%.*s\n", (int)length, line);
        }
        line += length;
        if (*line == '\n') line++;
    }
    xbtab_status status = xbtab__text_status(&text);
    if (status == XBTAB_OK) status = xbtab__file_write(path, text.s, text.n);
    xbtab__text_clear(&text);
    return status;
}

xbtab_status xbtab_fit_check_path(const char *path)
{
    char name[XBTAB__MODEL_NAME_SIZE];
    return xbtab__model_name_of(name, path);
}

xbtab_status xbtab_fit_write(const xbtab_fit *fit, const char *path)
{
    char name[XBTAB__MODEL_NAME_SIZE];
    xbtab__text text = {0}, sub = {0};
    XBTAB_TRY(xbtab__model_name_of(name, path));
    if (fit->model) {
        xbtab__text_add(
            &text,
            "# Fitted parameters. This file and %s.sub are a model: in DIR/rram they are used by\n"
            "#   cell: {rram: {model: %s}}   with   --models DIR\n",
            name, name);
        add_model(&text, fit, name);
    } else {
        add_law(&text, fit, name);
    }
    xbtab__text_add(&text, "fit: # all figures in SI units%s\n  specification: ",
                    strcmp(fit->weighting, "log") == 0 ? "; residuals are of the natural logarithm" : "");
    xbtab__add_yaml_string(&text, fit->path);
    xbtab__text_add(&text, "\n  data: ");
    xbtab__add_yaml_string(&text, fit->data);
    xbtab__text_add(&text, "\n");
    add_figures(&text, fit);
    add_parameters(&text, fit);
    add_devices(&text, fit);
    xbtab__text_add(&sub, "%.*s.sub", (int)strlen(path) - 5, path);
    xbtab_status status = xbtab__text_status(&text);
    if (status == XBTAB_OK) status = xbtab__text_status(&sub);
    if (status == XBTAB_OK && fit->model) status = write_subcircuit(fit->model, name, sub.s);
    if (status == XBTAB_OK) status = xbtab__file_write(path, text.s, text.n);
    xbtab__text_clear(&text);
    xbtab__text_clear(&sub);
    return status;
}
