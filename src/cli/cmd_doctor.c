/* cmd_doctor.c - doctor: what this machine has of what xbartab needs, each thing tried. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dlfcn.h>
#include <xbartab/calibrate.h>
#include <xbartab/kernel.h>
#include <xbartab/output.h>
#include <xbartab/version.h>

#include "cli.h"
#include "plot.h"

enum { MOST_CHECKS = 12, TEXT = 512 };

typedef struct check {
    const char *name, *needed_for;
    bool is_fine, is_required;
    char found[TEXT]; /* what there is, or what to do */
} check;

typedef struct report {
    check check[MOST_CHECKS];
    int n;
} report;

static check *begin(report *r, const char *name, const char *needed_for, bool is_required)
{
    check *c = &r->check[r->n++];
    *c = (check){.name = name, .needed_for = needed_for, .is_required = is_required};
    return c;
}

static void check_models(report *r, const xbtab_models *models)
{
    check *c = begin(r, "models", "everything", true);
    c->is_fine = models && xbtab_models_count_broken(models) == 0;
    if (!models)
        snprintf(c->found, TEXT, "%s", xbtab_error_message());
    else if (c->is_fine)
        snprintf(c->found, TEXT, "%d in %s", xbtab_models_count(models), xbtab_models_folder());
    else
        snprintf(c->found, TEXT, "%s", xbtab_models_get_broken(models, 0)->why);
}

/* The first device whose current is a formula too. */
static const xbtab_model *with_formula(const xbtab_models *models)
{
    for (int k = 0; models && k < xbtab_models_count(models); k++) {
        const xbtab_model *m = xbtab_models_get(models, k);
        if (m->kind == XBTAB_MODEL_RRAM && m->current) return m;
    }
    return NULL;
}

/* ngspice in a worker process, on a current that is known without it. */
static void check_ngspice(report *r, const xbtab_models *models)
{
    check *c = begin(r, "libngspice", "characterize, calibrate, --mode spice", true);
    const xbtab_model *m = with_formula(models);
    const double V = 0.2;
    double there = 0, formula = 0, *value = m ? calloc((size_t)m->n_parameters + 1, sizeof *value) : NULL;
    if (!value) {
        snprintf(c->found, TEXT, "not tried: there is no model with a formula to try it with");
        return;
    }
    for (int k = 0; k < m->n_parameters; k++) value[k] = m->parameters[k].value;
    if (xbtab_model_current(m, value, &V, 1, 1, &there) < 0 ||
        xbtab_model_current(m, value, &V, 1, 0, &formula) < 0) {
        snprintf(c->found, TEXT, "%s (apt-get install libngspice0)", xbtab_error_message());
    } else {
        c->is_fine = fabs(there - formula) <= 1e-6 * fabs(formula);
        snprintf(c->found, TEXT, "%s %.6g A for %s at %g V, %.6g A by its formula",
                 c->is_fine ? "gives" : "is wrong:", there, m->name, V, formula);
    }
    free(value);
}

static void check_data(report *r)
{
    char tile[4096];
    check *c = begin(r, "data folder", "presets, populations, networks", true);
    snprintf(tile, sizeof tile, "%s/tiles/default.yaml", xbtab_data_folder());
    c->is_fine = access(tile, R_OK) == 0;
    snprintf(c->found, TEXT, "%s%.400s", c->is_fine ? "" : "no tiles/default.yaml in ", xbtab_data_folder());
}

/* Where tables are kept, or the nearest folder above that there is. */
static void check_cache(report *r)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[4096], at[4096];
    check *c = begin(r, "cache", "tables of presets, made once", true);
    snprintf(path, sizeof path, "%s%s",
             xdg && *xdg ? xdg
             : home      ? home
                         : "",
             xdg && *xdg ? "/xbartab" : "/.cache/xbartab");
    snprintf(at, sizeof at, "%s", path);
    for (char *slash; access(at, F_OK) != 0 && (slash = strrchr(at, '/')) && slash != at;) *slash = '\0';
    c->is_fine = access(at, W_OK | X_OK) == 0;
    snprintf(c->found, TEXT, "%.300s%s", path,
             c->is_fine ? "" : ": cannot be written; set XDG_CACHE_HOME, or give --cache");
}

static void check_scratch(report *r)
{
    xbtab_scratch *scratch = NULL;
    check *c = begin(r, "scratch", "pictures, models test", true);
    c->is_fine = xbtab_scratch_create(&scratch, NULL, "doctor") == XBTAB_OK;
    snprintf(c->found, TEXT, "%s", c->is_fine ? "/tmp" : xbtab_error_message());
    xbtab_scratch_destroy(&scratch);
}

static void check_programs(report *r)
{
    static const struct {
        const char *name, *needed_for, *package;
    } programs[] = {{"ngspice", "models test", "ngspice"}, {"gnuplot", "--plot", "gnuplot-nox"}};
    for (size_t k = 0; k < sizeof programs / sizeof *programs; k++) {
        check *c = begin(r, programs[k].name, programs[k].needed_for, false);
        c->is_fine = cli_is_installed(programs[k].name);
        snprintf(c->found, TEXT, "%s%s", c->is_fine ? "installed" : "apt-get install ",
                 c->is_fine ? "" : programs[k].package);
    }
    check *c = begin(r, "OpenBLAS", "bench", false);
    void *library = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_LOCAL);
    c->is_fine = library != NULL;
    snprintf(c->found, TEXT, "%s", library ? "installed" : "apt-get install libopenblas0");
    if (library) dlclose(library);
}

static void check_machine(report *r)
{
    static const char *const sets[] = {"c", "avx2", "avx512", "neon"};
    check *c = begin(r, "machine", "speed", false);
    size_t n = 0;
    c->is_fine = true;
    n += (size_t)snprintf(c->found, TEXT, "%ld processors, %.1f GiB, kernels", sysconf(_SC_NPROCESSORS_ONLN),
                          (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1073741824.0);
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
        if (xbtab_kernel_find(sets[k])) n += (size_t)snprintf(c->found + n, TEXT - n, " %s", sets[k]);
    snprintf(c->found + n, TEXT - n, " (%s is used)", xbtab_kernel_find(NULL)->isa);
}

static bool is_well(const report *r)
{
    for (int k = 0; k < r->n; k++)
        if (r->check[k].is_required && !r->check[k].is_fine) return false;
    return true;
}

static int print(const report *r, bool as_json)
{
    json_t *list = as_json ? json_array() : NULL;
    if (!as_json) printf("xbartab %s\n", xbtab_version());
    for (int k = 0; k < r->n; k++) {
        const check *c = &r->check[k];
        const char *word = c->is_fine ? "ok" : c->is_required ? "MISSING" : "missing";
        if (as_json)
            json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:s, s:s}", "name", c->name, "ok",
                                                  c->is_fine, "required", c->is_required, "needed_for",
                                                  c->needed_for, "found", c->found));
        else
            printf("%-8s %-12s %s%s%s%s\n", word, c->name, c->found, c->is_fine ? "" : " (for ",
                   c->is_fine ? "" : c->needed_for, c->is_fine ? "" : ")");
    }
    bool well = is_well(r);
    if (!as_json)
        return well ? CLI_DONE : cli_fail("something that xbartab cannot do without is missing: see above");
    int code = cli_print_json(json_pack("{s:s, s:b, s:s, s:o}", "version", xbtab_version(), "ok", well,
                                        "kernel", xbtab_kernel_find(NULL)->isa, "checks", list));
    return code != CLI_DONE ? code : well ? CLI_DONE : CLI_FAILED;
}

int cmd_doctor(int argc, const char **argv)
{
    const char *arguments[1];
    int as_json = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL}, POPT_TABLEEND};
    poptContext context = NULL;
    int code = cli_parse(&context, argc, argv, options, "", "xbartab doctor", 0, 0, arguments);
    if (code == CLI_DONE) {
        report r = {.n = 0};
        xbtab_models *models = NULL;
        if (xbtab_models_open_with(&models, NULL) < 0) models = NULL;
        check_models(&r, models);
        check_ngspice(&r, models);
        check_data(&r);
        check_cache(&r);
        check_scratch(&r);
        check_programs(&r);
        check_machine(&r);
        code = print(&r, as_json);
        xbtab_models_destroy(&models);
    }
    cli_finish(context, options);
    return code;
}
