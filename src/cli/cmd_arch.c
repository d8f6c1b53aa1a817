/* cmd_arch.c - arch list, arch show NAME. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cost_print.h"

static int list(const xbtab_models *models, int as_json)
{
    char **names = NULL;
    int n = 0, code = xbtab_arch_names(&names, &n) < 0 ? cli_failed() : CLI_DONE;
    json_t *array = json_array();
    for (int k = 0; k < n; k++) {
        xbtab_arch *a = NULL;
        if (code == CLI_DONE) code = xbtab_arch_find(&a, names[k], models) < 0 ? cli_failed() : CLI_DONE;
        if (a && as_json) {
            json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "name", a->name, "survey_ref",
                                                   a->survey_ref, "summary", a->summary));
        } else if (a) {
            printf("%-20s %-8s %s\n", a->name, a->survey_ref, a->summary);
        }
        xbtab_arch_destroy(&a);
    }
    xbtab_arch_names_free(&names, n);
    if (code == CLI_DONE && as_json) return cli_print_json(json_pack("{s:o}", "architectures", array));
    json_decref(array);
    return code;
}

static bool is_shown(const char *trust, int published)
{
    return !published || (trust && strcmp(trust, "published") == 0);
}

/* ---- scheme ---- */

static json_t *scheme_json(const xbtab_scheme *s)
{
    const int value[XBTAB_N_KEYS] = {[XBTAB_KEY_WEIGHTS] = (int)s->weights,
                                     [XBTAB_KEY_INPUTS] = (int)s->inputs,
                                     [XBTAB_KEY_SIGNED_INPUTS] = (int)s->signed_inputs,
                                     [XBTAB_KEY_READOUT] = (int)s->readout,
                                     [XBTAB_KEY_REFERENCES] = (int)s->references,
                                     [XBTAB_KEY_RANGE] = (int)s->range,
                                     [XBTAB_KEY_SUMS] = (int)s->sums,
                                     [XBTAB_KEY_TRIM] = (int)s->trim};
    json_t *object = json_object();
    for (int k = 0; k < XBTAB_N_KEYS; k++) {
        json_object_set_new(object, xbtab_scheme_key_name((xbtab_scheme_key)k),
                            json_string(xbtab_scheme_word((xbtab_scheme_key)k, value[k])));
    }
    return object;
}

static void print_scheme(const xbtab_scheme *s)
{
    json_t *words = scheme_json(s);
    for (int k = 0; k < XBTAB_N_KEYS; k++) {
        const char *key = xbtab_scheme_key_name((xbtab_scheme_key)k);
        const char *word = json_string_value(json_object_get(words, key));
        printf("  %-14s %-26s %s\n", key, word,
               xbtab_scheme_text((xbtab_scheme_key)k, xbtab_scheme_find((xbtab_scheme_key)k, word)));
    }
    json_decref(words);
}

/* ---- show ---- */

static void print_note(const char *line, void *payload)
{
    (void)payload;
    printf("  %s\n", line);
}

static void add_note(const char *line, void *payload)
{
    json_array_append_new(payload, json_string(line));
}

static void ignore_note(const char *line, void *payload)
{
    (void)line;
    (void)payload;
}

static void show_text(const xbtab_arch *a, int published)
{
    printf("%s %s\n%s\n", a->name, a->survey_ref, a->summary);
    if (a->notes) printf("%s%s", a->notes, a->notes[strlen(a->notes) - 1] == '\n' ? "" : "\n");
    if (!published) {
        printf("ADC: %d bits used, %d needed by the survey's formula\nscheme:\n", xbtab_arch_adc_bits(a),
               xbtab_arch_adc_bits_needed(a));
        print_scheme(&a->scheme);
    }
    printf("published figures:\n");
    for (int k = 0; k < a->n_published; k++) {
        const xbtab_arch_figure *f = &a->published[k];
        if (is_shown(f->trust, published))
            printf("  %s: %s [%s: %s]\n", f->what, f->value, f->trust, f->source);
    }
    printf("numbers:\n");
    for (int k = 0; k < a->n_numbers; k++) {
        const xbtab_arch_number *n = &a->number[k];
        if (is_shown(n->trust, published))
            printf("  %-32s %-12s [%s: %s]\n", n->key, n->value, n->trust ? n->trust : "?",
                   n->source ? n->source : "no provenance");
    }
    if (published) return;
    for (int k = 0; k < a->n_networks; k++) {
        const xbtab_arch_network *n = &a->network[k];
        printf("%s %s on %s\n", k ? "        " : "networks:", n->network, n->images);
    }
    if (xbtab_arch_warn(a, ignore_note, NULL)) {
        printf("unusual:\n");
        xbtab_arch_warn(a, print_note, NULL);
    }
}

static json_t *networks_json(const xbtab_arch *a)
{
    json_t *array = json_array();
    for (int k = 0; k < a->n_networks; k++) {
        const xbtab_arch_network *n = &a->network[k];
        char network[4096], images[4096], labels[4096];
        json_t *o = json_pack(
            "{s:s, s:s, s:s, s:b, s:i, s:s}", "network", xbtab_data_file(network, sizeof network, n->network),
            "name", n->network, "images", xbtab_data_file(images, sizeof images, n->images), "raw_pixels",
            n->raw_pixels, "limit", n->limit, "measure", n->is_agreement ? "agreement" : "accuracy");
        if (n->labels)
            json_object_set_new(o, "labels", json_string(xbtab_data_file(labels, sizeof labels, n->labels)));
        if (!isnan(n->published)) json_object_set_new(o, "published", json_real(n->published));
        if (n->difference) json_object_set_new(o, "difference", json_string(n->difference));
        json_array_append_new(array, o);
    }
    return array;
}

static json_t *show_json(const xbtab_arch *a, int published)
{
    json_t *figures = json_array(), *numbers = json_array(), *unusual = json_array();
    for (int k = 0; k < a->n_published; k++) {
        const xbtab_arch_figure *f = &a->published[k];
        if (!is_shown(f->trust, published)) continue;
        json_array_append_new(figures, json_pack("{s:s, s:s, s:s, s:s}", "what", f->what, "value", f->value,
                                                 "trust", f->trust, "source", f->source));
    }
    for (int k = 0; k < a->n_numbers; k++) {
        const xbtab_arch_number *n = &a->number[k];
        if (!is_shown(n->trust, published)) continue;
        json_array_append_new(numbers, json_pack("{s:s, s:s, s:s?, s:s?}", "key", n->key, "value", n->value,
                                                 "trust", n->trust, "source", n->source));
    }
    json_t *result = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", a->name, "survey_ref", a->survey_ref,
                               "summary", a->summary, "published", figures, "numbers", numbers);
    if (a->notes) json_object_set_new(result, "notes", json_string(a->notes));
    if (published) {
        json_decref(unusual);
        return result;
    }
    xbtab_arch_warn(a, add_note, unusual);
    json_object_set_new(result, "unusual", unusual);
    json_object_set_new(result, "scheme", scheme_json(&a->scheme));
    json_object_set_new(result, "tile",
                        json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:i, s:i, s:f, s:f, s:f}", "name",
                                  a->spec->name, "rows", a->spec->rows, "columns", a->spec->columns, "levels",
                                  a->spec->n_levels, "g_min", a->spec->G_level[0], "g_max",
                                  a->spec->G_level[a->spec->n_levels - 1], "dac_bits", a->spec->dac_bits,
                                  "adc_bits", a->spec->adc_bits, "v_read", a->spec->v_read, "r_word",
                                  a->spec->r_word, "r_bit", a->spec->r_bit));
    json_object_set_new(result, "tile_text", json_string(a->spec->text));
    json_object_set_new(result, "weight_bits", json_integer(a->weight_bits));
    json_object_set_new(result, "activation_bits", json_integer(a->activation_bits));
    json_object_set_new(result, "cell_bits", json_integer(xbtab_arch_cell_bits(a)));
    json_object_set_new(result, "adc_bits", json_integer(xbtab_arch_adc_bits(a)));
    json_object_set_new(result, "adc_bits_needed", json_integer(xbtab_arch_adc_bits_needed(a)));
    json_object_set_new(result, "networks", networks_json(a));
    return result;
}

int cmd_arch(int argc, const char **argv)
{
    const char *folder = NULL, *arguments[3];
    int as_json = 0, published = 0, cost = 0;
    const struct poptOption options[] = {
        {"published", '\0', POPT_ARG_NONE, &published, 0, "show: only numbers that were published", NULL},
        {"cost", '\0', POPT_ARG_NONE, &cost, 0,
         "show: peak figures, levels, and what was published beside them", NULL},
        {"models", '\0', POPT_ARG_STRING, &folder, 0, "the user's own models too", "DIR"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_models *models = NULL;
    xbtab_arch *a = NULL;
    int code = cli_parse(&context, argc, argv, options, "list | show NAME|FILE.yaml", "xbartab arch list", 1,
                         2, arguments);
    if (code != CLI_DONE) goto done;
    bool is_list = strcmp(arguments[0], "list") == 0;
    if (!is_list && (strcmp(arguments[0], "show") != 0 || !arguments[1])) {
        code = cli_usage(argv[0], "needs list, or show and a name");
    } else if (cost && (is_list || published)) {
        code = cli_usage(argv[0], "--cost goes with show, and without --published");
    } else if (is_list && arguments[1]) {
        code = cli_usage(argv[0], "unexpected argument \"%s\"", arguments[1]);
    } else if (xbtab_models_open_with(&models, folder) < 0) {
        code = cli_failed();
    } else if (is_list) {
        code = list(models, as_json);
    } else {
        code = xbtab_arch_find(&a, arguments[1], models) < 0 ? cli_failed() : CLI_DONE;
        if (code == CLI_DONE && cost)
            code = cost_print_arch(a, as_json);
        else if (code == CLI_DONE && as_json)
            code = cli_print_json(show_json(a, published));
        else if (code == CLI_DONE)
            show_text(a, published);
    }
done:
    xbtab_arch_destroy(&a);
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
