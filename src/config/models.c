/* models.c - reads folders of models: NAME.yaml by models_sheet.c, and NAME.sub with a check of its pins.
 *
 * The subcircuit's text is passed to ngspice, so it holds what spice_allow.h lists and nothing else. A model
 * that does not read is kept by name with the reason: it is in nobody's way but of those who ask for it. */
#include <xbartab/models.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "memory.h"
#include "models_sheet.h"
#include "spice_allow.h"

enum { LARGEST_SUBCIRCUIT = 4 << 20 };

struct xbtab_models {
    int n, n_broken;
    xbtab_model **model;
    xbtab_broken_model *broken;
};

/* ---- the subcircuit ---- */

/* The pins of a header, which end at "params:" or the first "name=". */
static xbtab_status count_pins(int *n, const char **at, const xbtab_model *model, int line)
{
    static const char between[] = " (),";
    for (*n = 0;; ++*n) {
        const char *pin = *at + strspn(*at, between), *end = pin + strcspn(pin, " (),=");
        const xbtab__spice_word word = {.s = pin, .n = (size_t)(end - pin)};
        if (word.n == 0 || end[strspn(end, " ")] == '=') return XBTAB_OK;
        *at = end;
        if (xbtab__spice_is(word, "params:")) return XBTAB_OK;
        for (int k = 0; k < model->n_pins && *n < model->n_pins; k++) {
            if (k == *n || !xbtab__spice_is(word, model->pins[k])) continue;
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s:%d: pin %d is %s, in the sheet %s it is %s: the order counts, the names do not",
                       model->sub_path, line, *n + 1, model->pins[k], model->sheet_path, model->pins[*n]);
        }
    }
}

/* Whether the sheet knows a header's parameter. */
static bool is_of_sheet(const xbtab_model *model, bool is_dynamic, xbtab__spice_word name)
{
    for (int k = 0; k < model->n_parameters; k++) {
        if (xbtab__spice_is(name, model->parameters[k].name)) return true;
    }
    for (int k = 0; is_dynamic && k < model->dynamic->n_parameters; k++) {
        if (xbtab__spice_is(name, model->dynamic->parameters[k].name)) return true;
    }
    return false;
}

/* The .subckt line of the model or of its dynamic: its pins by number, and one default for each parameter of
 * the sheet. No parameter is there twice: spice_allow.h. */
static xbtab_status check_header(const xbtab_model *model, bool is_dynamic, const char *header, int line)
{
    int n_pins = 0, n_parameters = 0;
    int wanted_pins = model->n_pins, wanted_parameters = model->n_parameters;
    if (is_dynamic) {
        wanted_pins += model->dynamic->noise_interval > 0 ? 2 : 1;
        wanted_parameters += model->dynamic->n_parameters;
    }
    XBTAB_TRY(count_pins(&n_pins, &header, model, line));
    for (;; n_parameters++) {
        xbtab__spice_word name = xbtab__spice_next_definition(&header);
        if (name.n == 0) break;
        if (is_of_sheet(model, is_dynamic, name)) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: parameter \"%.*s\" is not in the sheet %s", model->sub_path, line,
                   (int)name.n, name.s, model->sheet_path);
    }
    const char *what = is_dynamic ? "the dynamic .subckt" : ".subckt";
    if (n_parameters != wanted_parameters) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: %s has %d parameters, the sheet %s has %d: NAME=default for each",
                   model->sub_path, line, what, n_parameters, model->sheet_path, wanted_parameters);
    }
    if (n_pins != wanted_pins) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: %s has %d pins, the sheet %s has %d%s", model->sub_path, line,
                   what, n_pins, model->sheet_path, wanted_pins,
                   is_dynamic ? " (top, bottom, state, and noise where it has a noise_interval)" : "");
    }
    return XBTAB_OK;
}

/* The headers of the model and of its dynamic, each once and in no other subcircuit. */
static xbtab_status check_headers(const xbtab_model *model, const xbtab__spice_text *text)
{
    int n_found = 0, n_dynamic = 0, depth = 0;
    for (size_t k = 0; k < text->n; k++) {
        const xbtab__spice_line *line = &text->line[k];
        const char *at = line->text;
        if (line->is_comment || *at != '.') continue;
        xbtab__spice_word card = xbtab__spice_next_word(&at);
        if (xbtab__spice_is(card, ".ends")) depth--;
        if (!xbtab__spice_is(card, ".subckt")) continue;
        xbtab__spice_word name = {.s = at, .n = strcspn(at, " (=")};
        bool is_model = xbtab__spice_is(name, model->name);
        bool is_dynamic = model->dynamic && xbtab__spice_is(name, model->dynamic->subcircuit);
        depth++;
        if (!is_model && !is_dynamic) continue;
        if ((is_model ? n_found++ : n_dynamic++) > 0 || depth > 1) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: .subckt %s may stand here once, and in no other .subckt",
                       model->sub_path, line->number, is_model ? model->name : model->dynamic->subcircuit);
        }
        XBTAB_TRY(check_header(model, is_dynamic, name.s + name.n, line->number));
    }
    if (n_found == 0 && model->n_pins > 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: no \".subckt %s\" in it", model->sub_path, model->name);
    }
    if (model->dynamic && n_dynamic == 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: no \".subckt %s\" in it, which %s names", model->sub_path,
                   model->dynamic->subcircuit, model->sheet_path);
    }
    return XBTAB_OK;
}

static xbtab_status check_subcircuit(const xbtab_model *model, size_t n)
{
    xbtab__spice_text text = {0};
    XBTAB_TRY(xbtab__spice_lex(&text, model->sub_text, n, model->sub_path));
    xbtab_status status = xbtab__spice_allow(&text, XBTAB__SPICE_MODEL);
    if (status == XBTAB_OK) status = check_headers(model, &text);
    xbtab__spice_clear(&text);
    return status;
}

static xbtab_status model_read(xbtab_model **out, xbtab_model_kind kind, const char *folder, const char *stem)
{
    xbtab_status status;
    xbtab__yaml yaml = {0};
    char path[4096];
    size_t n;
    xbtab_model *model = xbtab__alloc(1, sizeof *model);
    if (!model) return XBTAB_NOMEM();
    model->kind = kind;
    model->state = model->gate = model->turn_on = model->holding = model->size = model->gain = model->offset =
        model->offset_sigma = -1;
    snprintf(path, sizeof path, "%s/%s/%s.yaml", folder, xbtab__model_kind_names[kind], stem);
    XBTAB_TRY_DONE(xbtab__yaml_read(&yaml, path));
    XBTAB_TRY_DONE(xbtab__copy_text(&model->sheet_path, path));
    XBTAB_TRY_DONE(xbtab__model_take_sheet(model, &yaml));
    if (strcmp(model->name, stem) != 0) {
        status = xbtab__yaml_fail(&yaml, "name", "is \"%s\", but the file is %s.yaml", model->name, stem);
        goto done;
    }
    snprintf(path, sizeof path, "%s/%s/%s.sub", folder, xbtab__model_kind_names[kind], stem);
    XBTAB_TRY_DONE(xbtab__copy_text(&model->sub_path, path));
    XBTAB_TRY_DONE(xbtab__file_read(&model->sub_text, &n, path, LARGEST_SUBCIRCUIT));
    XBTAB_TRY_DONE(check_subcircuit(model, n));
    *out = model;
    model = NULL;
done:
    xbtab__yaml_clear(&yaml);
    xbtab__model_destroy(model);
    return status;
}

/* ---- folders ---- */

static int by_kind_and_name(const void *a, const void *b)
{
    const xbtab_model *x = *(xbtab_model *const *)a, *y = *(xbtab_model *const *)b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Keep the model's name with the message of its failure. */
static xbtab_status add_broken(xbtab_models *models, xbtab_model_kind kind, const char *name)
{
    xbtab_broken_model *grown = xbtab__realloc(models->broken, (size_t)models->n_broken + 1, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    models->broken = grown;
    xbtab_broken_model *broken = &grown[models->n_broken];
    *broken = (xbtab_broken_model){
        .kind = kind, .name = xbtab__strdup(name), .why = xbtab__strdup(xbtab_error_message())};
    models->n_broken++;
    return broken->name && broken->why ? XBTAB_OK : XBTAB_NOMEM();
}

/* One pair of files: a model, or one that is broken. */
static xbtab_status add_model(xbtab_models *models, const char *folder, xbtab_model_kind kind,
                              const char *stem)
{
    xbtab_model **grown = xbtab__realloc(models->model, (size_t)models->n + 1, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    models->model = grown;
    xbtab_status status = model_read(&models->model[models->n], kind, folder, stem);
    if (status == XBTAB_OK) models->n++;
    if (status == XBTAB_OK || status == XBTAB_ERR_NOMEM) return status;
    return add_broken(models, kind, stem);
}

static xbtab_status read_folder(xbtab_models *models, const char *folder, xbtab_model_kind kind, int *n_found)
{
    xbtab_status status = XBTAB_OK;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, xbtab__model_kind_names[kind]);
    DIR *dir = opendir(path);
    if (!dir) return XBTAB_OK;
    for (struct dirent *entry = readdir(dir); entry && status == XBTAB_OK; entry = readdir(dir)) {
        char stem[256];
        size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".yaml") != 0 || entry->d_name[0] == '.') continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(n - 5), entry->d_name);
        status = add_model(models, folder, kind, stem);
        ++*n_found;
    }
    closedir(dir);
    return status;
}

/* Which of two models of one name is meant nobody can tell: neither is there. */
static xbtab_status put_twins_apart(xbtab_models *models)
{
    int n = 0;
    for (int k = 0, next; k < models->n; k = next) {
        for (next = k + 1; next < models->n; next++) {
            if (by_kind_and_name(&models->model[k], &models->model[next]) != 0) break;
        }
        if (next == k + 1) {
            models->model[n++] = models->model[k];
            continue;
        }
        (void)xbtab__error_set(XBTAB_ERR_INPUT, "%s: there is already a model of that name: %s",
                               models->model[k + 1]->sheet_path, models->model[k]->sheet_path);
        xbtab_status status = add_broken(models, models->model[k]->kind, models->model[k]->name);
        for (int twin = k; twin < next; twin++) {
            xbtab__model_destroy(models->model[twin]);
            models->model[twin] = NULL;
        }
        if (status < 0) return status;
    }
    models->n = n;
    return XBTAB_OK;
}

static int broken_by_kind_and_name(const void *a, const void *b)
{
    const xbtab_broken_model *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->why, y->why);
}

/* A file's place among others of its name must not depend on the order in which a folder is read. */
static int by_kind_name_and_path(const void *a, const void *b)
{
    int order = by_kind_and_name(a, b);
    const xbtab_model *x = *(xbtab_model *const *)a, *y = *(xbtab_model *const *)b;
    return order ? order : strcmp(x->sheet_path, y->sheet_path);
}

xbtab_status xbtab_models_open(xbtab_models **out, const char *const *folders, int n)
{
    xbtab_status status = XBTAB_OK;
    xbtab_models *models = xbtab__alloc(1, sizeof *models);
    if (!models) return XBTAB_NOMEM();
    for (int f = 0; f < n; f++) {
        int n_found = 0;
        for (int kind = 0; kind < XBTAB_MODEL_KINDS; kind++) {
            XBTAB_TRY_DONE(read_folder(models, folders[f], (xbtab_model_kind)kind, &n_found));
        }
        if (n_found == 0) {
            XBTAB_FAIL_DONE(XBTAB_ERR_IO,
                            "%s: no models in it; a models folder has rram/, selector/, tia/ or wire/ "
                            "with NAME.yaml and NAME.sub",
                            folders[f]);
        }
    }
    if (models->n > 0) qsort(models->model, (size_t)models->n, sizeof *models->model, by_kind_name_and_path);
    XBTAB_TRY_DONE(put_twins_apart(models));
    if (models->n_broken > 0)
        qsort(models->broken, (size_t)models->n_broken, sizeof *models->broken, broken_by_kind_and_name);
    *out = models;
    models = NULL;
done:
    xbtab_models_destroy(&models);
    return status;
}

void xbtab_models_destroy(xbtab_models **models)
{
    if (!models || !*models) return;
    for (int k = 0; k < (*models)->n; k++) xbtab__model_destroy((*models)->model[k]);
    for (int k = 0; k < (*models)->n_broken; k++) {
        xbtab__free((*models)->broken[k].name);
        xbtab__free((*models)->broken[k].why);
    }
    xbtab__free((*models)->model);
    xbtab__free((*models)->broken);
    xbtab__free(*models);
    *models = NULL;
}

const char *xbtab_model_kind_name(xbtab_model_kind kind)
{
    return xbtab__model_kind_names[kind];
}

int xbtab_models_count(const xbtab_models *models)
{
    return models->n;
}

const xbtab_model *xbtab_models_get(const xbtab_models *models, int k)
{
    return models->model[k];
}

int xbtab_models_count_broken(const xbtab_models *models)
{
    return models->n_broken;
}

const xbtab_broken_model *xbtab_models_get_broken(const xbtab_models *models, int k)
{
    return &models->broken[k];
}

xbtab_status xbtab_models_check(const xbtab_models *models, xbtab_model_kind kind, const char *name)
{
    for (int k = 0; k < models->n_broken; k++) {
        if (models->broken[k].kind == kind && strcmp(models->broken[k].name, name) == 0)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s", models->broken[k].why);
    }
    return XBTAB_OK;
}

const xbtab_model *xbtab_models_find(const xbtab_models *models, xbtab_model_kind kind, const char *name)
{
    for (int k = 0; k < models->n_broken; k++) {
        if (models->broken[k].kind == kind && strcmp(models->broken[k].name, name) == 0) return NULL;
    }
    for (int k = 0; k < models->n; k++) {
        if (models->model[k]->kind == kind && strcmp(models->model[k]->name, name) == 0)
            return models->model[k];
    }
    return NULL;
}

static double value_of(const xbtab_model *model, const double *value, const char *name)
{
    int k = xbtab_model_parameter(model, name);
    return k < 0 ? 0.0 : value[k];
}

void xbtab_wire_cell_of(xbtab_wire_cell *out, const xbtab_model *model, const double *value)
{
    *out = (xbtab_wire_cell){.r_word = value_of(model, value, "r_word"),
                             .r_bit = value_of(model, value, "r_bit"),
                             .c_word = value_of(model, value, "c_word"),
                             .c_bit = value_of(model, value, "c_bit")};
    if (!xbtab__has_parameters(model, xbtab__line_and_sides)) return;
    double width = value_of(model, value, "width");
    out->s_word = width * value_of(model, value, "word_side");
    out->s_bit = width * value_of(model, value, "bit_side");
    out->r_word = value_of(model, value, "r_length") * out->s_word;
    out->r_bit = value_of(model, value, "r_length") * out->s_bit;
    out->c_word = value_of(model, value, "c_length") * out->s_word;
    out->c_bit = value_of(model, value, "c_length") * out->s_bit;
}
