/* cmd_models.c - models list, models show NAME, models test NAME|--all, models from-csv FILE. */
#include <stdio.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "cli.h"

static json_t *parameter_json(const xbtab_parameter *p)
{
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:s, s:s, s:s}", "name", p->name, "unit", p->unit, "default",
                     p->value, "min", p->min, "max", p->max, "description", p->description, "source",
                     p->source, "trust", p->trust);
}

static json_t *broken_json(const xbtab_models *models)
{
    json_t *array = json_array();
    for (int k = 0; k < xbtab_models_count_broken(models); k++) {
        const xbtab_broken_model *b = xbtab_models_get_broken(models, k);
        json_array_append_new(array, json_pack("{s:o, s:s, s:o}", "name", json_string_nocheck(b->name),
                                               "kind", xbtab_model_kind_name(b->kind), "error",
                                               json_string_nocheck(b->why)));
    }
    return array;
}

static int list(const xbtab_models *models, int as_json)
{
    json_t *array = json_array();
    for (int k = 0; k < xbtab_models_count_broken(models); k++)
        fprintf(stderr, "xbartab: broken: %s\n", xbtab_models_get_broken(models, k)->why);
    for (int k = 0; k < xbtab_models_count(models); k++) {
        const xbtab_model *m = xbtab_models_get(models, k);
        if (as_json) {
            json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "name", m->name, "kind",
                                                   xbtab_model_kind_name(m->kind), "summary", m->summary));
        } else {
            printf("%-9s %-14s %s\n", xbtab_model_kind_name(m->kind), m->name, m->summary);
        }
    }
    if (as_json)
        return cli_print_json(json_pack("{s:o, s:o}", "models", array, "broken", broken_json(models)));
    json_decref(array);
    return CLI_DONE;
}

static void show_text(const xbtab_model *m)
{
    printf("%s (%s)\n%s\nsource: %s\nlicence: %s\nfiles: %s, %s\npins:", m->name,
           xbtab_model_kind_name(m->kind), m->summary, m->source, m->licence, m->sheet_path, m->sub_path);
    for (int k = 0; k < m->n_pins; k++) printf(" %s", m->pins[k]);
    printf("%s\n", m->n_pins ? "" : " none");
    for (int k = 0; k < m->n_parameters; k++) {
        const xbtab_parameter *p = &m->parameters[k];
        printf("  %-11s %12.6g %-8s %g to %g; %s [%s: %s]%s\n", p->name, p->value, p->unit, p->min, p->max,
               p->description, p->trust, p->source, k == m->state ? " (the programmed state)" : "");
    }
}

static json_t *show_json(const xbtab_model *m)
{
    json_t *pins = json_array(), *parameters = json_array();
    for (int k = 0; k < m->n_pins; k++) json_array_append_new(pins, json_string(m->pins[k]));
    for (int k = 0; k < m->n_parameters; k++)
        json_array_append_new(parameters, parameter_json(&m->parameters[k]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "name", m->name, "kind",
                     xbtab_model_kind_name(m->kind), "summary", m->summary, "source", m->source, "licence",
                     m->licence, "pins", pins, "parameters", parameters);
}

static void print_note(const char *line, void *payload)
{
    if (payload) printf("  %s\n", line);
}

/* The reasons of broken models as an error, of the one that is asked for or of all (NULL). Returns how many.
 */
static int tell_broken(const xbtab_models *models, const char *name)
{
    int n = 0;
    for (int k = 0; k < xbtab_models_count_broken(models); k++) {
        const xbtab_broken_model *b = xbtab_models_get_broken(models, k);
        if (name && strcmp(b->name, name) != 0) continue;
        fprintf(stderr, "xbartab: %s\n", b->why);
        n++;
    }
    return n;
}

static int test(const xbtab_models *models, const char *name, int as_json)
{
    json_t *array = json_array();
    int n_tested = 0, all_failed = 0, n_broken = tell_broken(models, name);
    for (int k = 0; k < xbtab_models_count(models); k++) {
        const xbtab_model *m = xbtab_models_get(models, k);
        int n_failed = 0;
        if (name && strcmp(m->name, name) != 0) continue;
        n_tested++;
        if (!as_json) printf("%s (%s)\n", m->name, xbtab_model_kind_name(m->kind));
        if (xbtab_model_test(m, print_note, as_json ? NULL : array, &n_failed) < 0) {
            json_decref(array);
            return cli_failed();
        }
        all_failed += n_failed;
        json_array_append_new(array, json_pack("{s:s, s:s, s:i}", "name", m->name, "kind",
                                               xbtab_model_kind_name(m->kind), "failed", n_failed));
    }
    if (n_tested == 0) {
        json_decref(array);
        if (n_broken > 0) return CLI_FAILED;
        return cli_fail("no model is called \"%s\"; see xbartab models list", name ? name : "");
    }
    if (as_json) {
        int code = cli_print_json(
            json_pack("{s:o, s:i, s:i}", "models", array, "failed", all_failed, "broken", n_broken));
        if (code != CLI_DONE) return code;
    } else {
        printf("%d models tested, %d checks failed", n_tested, all_failed);
        if (n_broken > 0) printf(", %d models broken", n_broken);
        printf("\n");
        json_decref(array);
    }
    return all_failed + n_broken ? CLI_FAILED : CLI_DONE;
}

int cmd_models(int argc, const char **argv)
{
    const char *folder = NULL, *picture = NULL, *output = NULL, *arguments[3];
    int as_json = 0, all = 0;
    xbtab_measured_options measured = {0};
    const struct poptOption options[] = {
        {"models", '\0', POPT_ARG_STRING, &folder, 0, "the user's own models too", "DIR"},
        {"plot", '\0', POPT_ARG_STRING, &picture, 0,
         "show: draw the I-V family, the figures that its sheet checks and a switching loop with gnuplot",
         "FILE.svg|png"},
        {"output", 'o', POPT_ARG_STRING, &output, 0,
         "from-csv: the model's sheet; NAME.sub is written beside it", "DIR/rram/NAME.yaml"},
        {"odd", '\0', POPT_ARG_NONE, &measured.is_odd, 0,
         "from-csv: a curve on one side of 0 V holds for the other, I(-V) = -I(V)", NULL},
        {"offset", '\0', POPT_ARG_NONE, &measured.has_offset, 0,
         "from-csv: subtract each curve's current at its least voltage", NULL},
        {"pool", '\0', POPT_ARG_NONE, &measured.is_pooled, 0,
         "from-csv: average currents that fall with the voltage with their neighbours", NULL},
        CLI_WHOLE("pieces", '\0', &measured.n_pieces, 1, 32,
                  "from-csv: straight pieces between two points, along a monotone spline (1)", "N"),
        CLI_REAL("read-voltage", '\0', &measured.v_read, 1e-3, 20,
                 "from-csv: orders the curves (0.2, or as far as all go)", "VOLT"),
        {"all", '\0', POPT_ARG_NONE, &all, 0, "test every model", NULL},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_models *models = NULL;
    int code = cli_parse(&context, argc, argv, options,
                         "list | show NAME | test NAME|--all | from-csv FILE -o DIR/rram/NAME.yaml",
                         "xbartab models test --all", 1, 2, arguments);
    if (code != CLI_DONE) goto done;
    const char *verb = arguments[0], *name = arguments[1];
    bool is_list = strcmp(verb, "list") == 0, is_show = strcmp(verb, "show") == 0,
         is_test = strcmp(verb, "test") == 0, is_csv = strcmp(verb, "from-csv") == 0;
    if (!is_list && !is_show && !is_test && !is_csv) {
        code = cli_usage(argv[0], "\"%s\" is not list, show, test or from-csv", verb);
    } else if ((is_list && name) || (is_show && !name) || (is_test && !name == !all)) {
        code = cli_usage(argv[0], "usage: list, show NAME, test NAME, or test --all");
    } else if (is_csv && (!name || !output)) {
        code = cli_usage(argv[0], "usage: from-csv FILE -o DIR/rram/NAME.yaml");
    } else if (!is_csv && (output || measured.is_odd || measured.has_offset || measured.is_pooled ||
                           measured.n_pieces || measured.v_read != 0)) {
        code =
            cli_usage(argv[0], "-o, --odd, --offset, --pool, --pieces and --read-voltage are for from-csv");
    } else if (is_csv) {
        code = cli_model_from_csv(name, output, &measured, as_json);
    } else if (picture && !is_show) {
        code = cli_usage(argv[0], "--plot is for show NAME");
    } else if (xbtab_models_open_with(&models, folder) < 0) {
        code = cli_failed();
    } else if (is_list) {
        code = list(models, as_json);
    } else if (is_test) {
        code = test(models, name, as_json);
    } else {
        bool found = tell_broken(models, name) > 0;
        if (found) code = CLI_FAILED;
        for (int k = 0; k < xbtab_models_count(models); k++) {
            const xbtab_model *m = xbtab_models_get(models, k);
            if (found || strcmp(m->name, name) != 0) continue;
            found = true;
            if (as_json) {
                code = cli_print_json(show_json(m));
            } else {
                show_text(m);
            }
            if (picture && code == CLI_DONE) code = cli_plot_model(m, picture);
        }
        if (!found) code = cli_fail("no model is called \"%s\"; see xbartab models list", name);
    }
done:
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
