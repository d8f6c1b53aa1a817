/* cmd_population.c - population list, show, fit, confusion. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/population_fit.h>

#include "chip_options.h"
#include "cli.h"

static void shipped_folder(char *path, size_t size)
{
    snprintf(path, size, "%s/populations",
             access(XBARTAB_SOURCE_DATA, R_OK) == 0 ? XBARTAB_SOURCE_DATA : XBARTAB_INSTALLED_DATA);
}

static int is_sheet(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

static int list(int as_json)
{
    struct dirent **entry = NULL;
    json_t *array = json_array();
    char folder[2048];
    shipped_folder(folder, sizeof folder);
    int n = scandir(folder, &entry, is_sheet, alphasort), code = CLI_DONE;
    for (int k = 0; k < n; k++) {
        xbtab_population *p = NULL;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry[k]->d_name);
        if (xbtab_population_open(&p, path) < 0) {
            code = cli_failed();
        } else if (as_json) {
            json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "name", p->name, "summary", p->summary,
                                                   "source", p->source));
        } else {
            printf("%-18s %s\n", p->name, p->summary);
        }
        xbtab_population_destroy(&p);
        free(entry[k]);
    }
    free(entry);
    if (as_json && code == CLI_DONE) return cli_print_json(json_pack("{s:o}", "populations", array));
    json_decref(array);
    return code;
}

static void add_row(json_t *rows, const char *effect, double G, double t, double mean, double sigma,
                    const char *trust)
{
    if (!trust) return;
    json_array_append_new(rows, json_pack("{s:s, s:f, s:f, s:f, s:f, s:s}", "effect", effect, "G", G, "t", t,
                                          "mean", mean, "sigma", sigma, "trust", trust));
}

/* Where figures are wanted; 0 and NAN: a few conductances of the window, and a second, a day and a year. */
typedef struct places {
    int levels;
    double step, time; /* [S], [s] */
} places;

/* Figures of every effect there. */
static json_t *figures(const xbtab_population *p, const places *at)
{
    static const double usual[] = {1, 86400, 31557600};
    const double *times = isnan(at->time) ? usual : &at->time;
    const int n = at->levels > 0 ? at->levels : 5, n_times = isnan(at->time) ? 3 : 1;
    json_t *rows = json_array();
    for (int k = 0; k < n; k++) {
        double mean, sigma,
            G = at->step > 0 ? k * at->step : p->G_min + (p->G_max - p->G_min) * k / (n > 1 ? n - 1 : 1);
        const struct {
            const char *name;
            const xbtab_distribution *d;
        } effects[] = {{"device_to_device", &p->device_to_device},
                       {"cycle_to_cycle", &p->cycle_to_cycle},
                       {"programming", &p->programming}};
        for (int l = 0; l < 3; l++) {
            xbtab_distribution_moments(effects[l].d, G, &mean, &sigma);
            add_row(rows, effects[l].name, G, 0, mean, sigma, effects[l].d->trust);
        }
        for (int l = 0; l < n_times; l++) {
            xbtab_relaxation_moments(p, G, times[l], p->temperature, &mean, &sigma);
            add_row(rows, "relaxation", G, times[l], mean, sigma, p->relaxation.trust);
        }
        add_row(rows, "read_noise", G, 1, 0, xbtab_read_noise_sigma(p, G, 1), p->read_noise.trust);
        if (p->rtn.is_given)
            add_row(rows, "rtn", G, 0, 0, xbtab_curve_at(&p->rtn.amplitude, G) * G, p->rtn.trust);
    }
    return rows;
}

static int show(const xbtab_population *p, const places *at, int as_json)
{
    json_t *rows = figures(p, at);
    if (as_json) {
        return cli_print_json(json_pack(
            "{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:o, s:s}", "name", p->name, "summary", p->summary,
            "source", p->source, "g_min", p->G_min, "g_max", p->G_max, "temperature", p->temperature,
            "stuck_lrs", p->stuck.lrs, "stuck_hrs", p->stuck.hrs, "figures", rows, "sheet", p->text));
    }
    printf("%s\n%s\nsource: %s\nsheet: %s\nwindow: %.4g to %.4g uS, %g K\n\n", p->name, p->summary, p->source,
           p->path, 1e6 * p->G_min, 1e6 * p->G_max, p->temperature);
    printf("%-17s %10s %12s %14s %14s  %s\n", "effect", "G [uS]", "after [s]", "mean [uS]", "sigma [uS]",
           "trust");
    for (size_t k = 0; k < json_array_size(rows); k++) {
        const json_t *r = json_array_get(rows, k);
        printf("%-17s %10.4g %12.4g %14.4g %14.4g  %s\n", json_string_value(json_object_get(r, "effect")),
               1e6 * json_real_value(json_object_get(r, "G")), json_real_value(json_object_get(r, "t")),
               1e6 * json_real_value(json_object_get(r, "mean")),
               1e6 * json_real_value(json_object_get(r, "sigma")),
               json_string_value(json_object_get(r, "trust")));
    }
    json_decref(rows);
    if (p->stuck.is_given)
        printf("stuck: %.4g %% low-resistance, %.4g %% high-resistance [%s: %s]\n", 100 * p->stuck.lrs,
               100 * p->stuck.hrs, p->stuck.trust, p->stuck.source);
    if (p->retention.is_given)
        printf("retention: median %.4g s at %g K, %.4g s at %g K, %.3g eV [%s: %s]\n", p->retention.median,
               p->retention.temperature, xbtab_retention_median(p, 300), 300.0, p->retention.energy,
               p->retention.trust, p->retention.source);
    if (p->endurance.is_given)
        printf("endurance: median %.4g writes, spread %.3g of ln [%s: %s]\n", p->endurance.median,
               p->endurance.sigma, p->endurance.trust, p->endurance.source);
    for (int k = 0; k < p->parameters.n; k++) {
        const xbtab_parameter_spread *s = &p->parameters.parameter[k];
        printf("%s.%s: %s, %.5g, spread %.4g\n", p->parameters.model, s->name,
               s->family == XBTAB_FAMILY_LOGNORMAL ? "lognormal about" : "normal about", s->location,
               s->spread);
    }
    return CLI_DONE;
}

static void print_note(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "%s\n", line);
}

static int fit(const char *spec, const char *folder, const char *output)
{
    char *text = NULL;
    if (xbtab_population_fit(&text, spec, folder, print_note, NULL) < 0) return cli_failed();
    int code = cli_write_text(output, text);
    xbtab_population_text_free(&text);
    if (code != CLI_DONE) return code;
    printf("written: %s\n", output);
    return CLI_DONE;
}

static int confusion(const xbtab_population *p, int levels, double step, double t, double T, int devices,
                     int verified, int seed, int as_json)
{
    double *share =
        calloc((size_t)(levels > 0 ? levels : 1) * (size_t)(levels > 0 ? levels : 1), sizeof *share);
    int code = CLI_DONE;
    if (!share) return cli_fail("out of memory");
    if (xbtab_population_confusion(p, levels, step, t, T, devices, verified, (uint64_t)seed, share) < 0) {
        code = cli_failed();
    } else if (as_json) {
        json_t *rows = json_array();
        for (int k = 0; k < levels; k++) {
            json_t *row = json_array();
            for (int l = 0; l < levels; l++) json_array_append_new(row, json_real(share[k * levels + l]));
            json_array_append_new(rows, row);
        }
        code = cli_print_json(json_pack("{s:s, s:f, s:f, s:f, s:o}", "name", p->name, "time", t,
                                        "temperature", T, "step", step, "share", rows));
    } else {
        for (int k = 0; k < levels; k++) {
            for (int l = 0; l < levels; l++) printf("%s%.5f", l ? "," : "", share[k * levels + l]);
            printf("\n");
        }
    }
    free(share);
    return code;
}

int cmd_population(int argc, const char **argv)
{
    const char *folder = NULL, *output = NULL, *arguments[3];
    places at = {.time = NAN};
    double temperature = 0;
    int as_json = 0, devices = 4000, verified = 0, seed = 1;
    const struct poptOption options[] = {
        {"data", '\0', POPT_ARG_STRING, &folder, 0, "fit: folder with the measured files", "DIR"},
        {"output", 'o', POPT_ARG_STRING, &output, 0, "fit: population sheet to write", "FILE.yaml"},
        {"levels", '\0', POPT_ARG_INT, &at.levels, 0, "confusion, show: number of levels (16, 5)", "N"},
        {"step", '\0', POPT_ARG_DOUBLE, &at.step, 0,
         "confusion, show: conductance between levels (the window's/(N-1))", "SIEMENS"},
        {"time", '\0', POPT_ARG_DOUBLE, &at.time, 0,
         "confusion: time since the write (1); show: relaxation then (1 s, a day, a year)", "SECONDS"},
        {"temperature", '\0', POPT_ARG_DOUBLE, &temperature, 0, "confusion: temperature (0 = the sheet's)",
         "KELVIN"},
        {"devices", '\0', POPT_ARG_INT, &devices, 0, "confusion: devices a level (4000)", "N"},
        {"verified", '\0', POPT_ARG_NONE, &verified, 0,
         "confusion: the first level is the one found right after the write, not the target", NULL},
        {"seed", '\0', POPT_ARG_INT, &seed, 0, "confusion: of the devices (1)", "S"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_population *p = NULL;
    int code = cli_parse(&context, argc, argv, options,
                         "list | show NAME|FILE | fit SPEC.yaml | confusion NAME|FILE",
                         "xbartab population confusion wan_2022 --time 86400", 1, 2, arguments);
    if (code != CLI_DONE) goto done;
    if (at.levels < 0 || at.levels > 4096 || !(at.step >= 0) || at.time < 0) {
        code = cli_usage(argv[0], "--levels (up to 4096), --step and --time must not be negative");
        goto done;
    }
    const char *verb = arguments[0], *name = arguments[1];
    bool is_list = strcmp(verb, "list") == 0, is_show = strcmp(verb, "show") == 0,
         is_fit = strcmp(verb, "fit") == 0, is_confusion = strcmp(verb, "confusion") == 0;
    if (!is_list && !is_show && !is_fit && !is_confusion) {
        code = cli_usage(argv[0], "\"%s\" is not list, show, fit or confusion", verb);
    } else if (is_list != !name || (is_fit && (!folder || !output))) {
        code = cli_usage(argv[0],
                         "usage: list, show NAME, fit SPEC.yaml --data DIR -o FILE.yaml, confusion NAME");
    } else if (is_list) {
        code = list(as_json);
    } else if (is_fit) {
        code = fit(name, folder, output);
    } else if ((code = cli_open_population(&p, name)) != CLI_DONE) {
        goto done;
    } else if (is_show) {
        code = show(p, &at, as_json);
    } else {
        const int levels = at.levels ? at.levels : 16;
        const double step = at.step > 0 ? at.step : p->G_max / (levels > 1 ? levels - 1 : 1);
        code = confusion(p, levels, step, isnan(at.time) ? 1 : at.time,
                         temperature > 0 ? temperature : p->temperature, devices, verified, seed, as_json);
    }
done:
    xbtab_population_destroy(&p);
    cli_finish(context, options);
    return code;
}
