/* models.c - reads folders of models: NAME.yaml by models_sheet.c, and NAME.sub with a check of its pins.
 *
 * The subcircuit's text is passed to ngspice, so lines that would make ngspice do more than describe a
 * circuit
 * (.control, .include, .lib, shell commands) are refused here. */
#include <xbartab/models.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "memory.h"
#include "models_sheet.h"

enum { LARGEST_SUBCIRCUIT = 4 << 20 };

struct xbtab_models {
    int n;
    xbtab_model **model;
};

/* ---- the subcircuit ---- */

static bool starts_with(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(line, word, n) == 0 && !isalnum((unsigned char)line[n]);
}

/* "name = 1" as "name=1". */
static void join_equations(char *text)
{
    char *to = text;
    for (char *c = text; *c; c++) {
        const char *next = c + strspn(c, " \t");
        bool is_gap = next > c && (*next == '=' || (to > text && to[-1] == '='));
        if (!is_gap) *to++ = *c;
    }
    *to = '\0';
}

/* The .subckt line of the model or of its dynamic: its pins by number, and one default for each parameter of
 * the sheet. */
static xbtab_status check_header(const xbtab_model *model, bool is_dynamic, char *header, int line)
{
    char *save = NULL;
    int n_pins = 0, n_parameters = 0;
    int wanted_pins = model->n_pins, wanted_parameters = model->n_parameters;
    bool in_parameters = false;
    join_equations(header);
    if (is_dynamic) {
        wanted_pins += model->dynamic->noise_interval > 0 ? 2 : 1;
        wanted_parameters += model->dynamic->n_parameters;
    }
    for (char *word = strtok_r(header, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
        if (strcasecmp(word, "params:") == 0 || strchr(word, '=')) in_parameters = true;
        if (!in_parameters) {
            for (int k = 0; k < model->n_pins && n_pins < model->n_pins; k++) {
                if (k == n_pins || strcasecmp(word, model->pins[k]) != 0) continue;
                XBTAB_FAIL(
                    XBTAB_ERR_INPUT,
                    "%s:%d: pin %d is %s, in the sheet %s it is %s: the order counts, the names do not",
                    model->sub_path, line, n_pins + 1, word, model->sheet_path, model->pins[n_pins]);
            }
            n_pins++;
        }
        char *equals = strchr(word, '=');
        if (!equals) continue;
        *equals = '\0';
        n_parameters++;
        if (xbtab_model_parameter(model, word) < 0 &&
            !(is_dynamic && xbtab_model_dynamic_parameter(model, word) >= 0)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: parameter \"%s\" is not in the sheet %s", model->sub_path,
                       line, word, model->sheet_path);
        }
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

static bool is_called(const char *name, size_t n, const char *wanted)
{
    return n == strlen(wanted) && strncasecmp(name, wanted, n) == 0;
}

static xbtab_status check_subcircuit(const xbtab_model *model)
{
    static const char *const refused[] = {".control", ".endc",  ".include",   ".inc", ".lib",
                                          ".end",     ".dc",    ".tran",      ".ac",  ".op",
                                          ".save",    ".print", "*ng_script", NULL};
    char *copy = xbtab__strdup(model->sub_text);
    xbtab_status status = XBTAB_OK;
    bool found = false, found_dynamic = false, open = false;
    int number = 0;
    if (!copy) return XBTAB_NOMEM();
    for (char *c = copy; *c; c++) { /* a line that starts with + continues the one before */
        if (c[0] == '\n' && c[1] == '+') c[0] = c[1] = ' ';
    }
    for (char *line = copy, *next; line && status == XBTAB_OK; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        number++;
        line += strspn(line, " \t\r");
        line[strcspn(line, "\r;")] = '\0';
        for (int k = 0; refused[k]; k++) {
            if (starts_with(line, refused[k])) {
                status =
                    xbtab__error_set(XBTAB_ERR_INPUT,
                                     "%s:%d: %s is not allowed in a model; it holds .subckt, .model, .param "
                                     "and elements only",
                                     model->sub_path, number, refused[k]);
            }
        }
        if (status == XBTAB_OK && starts_with(line, ".subckt")) {
            char *name = line + strlen(".subckt");
            name += strspn(name, " \t");
            size_t n = strcspn(name, " \t");
            open = true;
            if (is_called(name, n, model->name)) {
                found = true;
                status = check_header(model, false, name + n, number);
            } else if (model->dynamic && is_called(name, n, model->dynamic->subcircuit)) {
                found_dynamic = true;
                status = check_header(model, true, name + n, number);
            }
        }
        if (starts_with(line, ".ends")) open = false;
    }
    xbtab__free(copy);
    if (status < 0) return status;
    if (!found && model->n_pins > 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: no \".subckt %s\" in it", model->sub_path, model->name);
    }
    if (model->dynamic && !found_dynamic) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: no \".subckt %s\" in it, which %s names", model->sub_path,
                   model->dynamic->subcircuit, model->sheet_path);
    }
    if (open) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: a .subckt has no .ends", model->sub_path, number);
    return XBTAB_OK;
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
    if (strlen(model->sub_text) != n) XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s:1: holds a zero byte", path);
    XBTAB_TRY_DONE(check_subcircuit(model));
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

static xbtab_status read_folder(xbtab_models *models, const char *folder, xbtab_model_kind kind, int *n_found)
{
    xbtab_status status = XBTAB_OK;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, xbtab__model_kind_names[kind]);
    DIR *dir = opendir(path);
    if (!dir) return XBTAB_OK;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char stem[256];
        size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".yaml") != 0 || entry->d_name[0] == '.') continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(n - 5), entry->d_name);
        xbtab_model **grown = xbtab__realloc(models->model, (size_t)models->n + 1, sizeof *grown);
        if (!grown) {
            status = XBTAB_NOMEM();
            break;
        }
        models->model = grown;
        status = model_read(&models->model[models->n], kind, folder, stem);
        if (status < 0) break;
        models->n++;
        ++*n_found;
    }
    closedir(dir);
    return status;
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
    if (models->n > 0) qsort(models->model, (size_t)models->n, sizeof *models->model, by_kind_and_name);
    for (int k = 1; k < models->n; k++) {
        if (by_kind_and_name(&models->model[k - 1], &models->model[k]) == 0) {
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: there is already a model of that name: %s",
                            models->model[k]->sheet_path, models->model[k - 1]->sheet_path);
        }
    }
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
    xbtab__free((*models)->model);
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

const xbtab_model *xbtab_models_find(const xbtab_models *models, xbtab_model_kind kind, const char *name)
{
    for (int k = 0; k < models->n; k++) {
        if (models->model[k]->kind == kind && strcmp(models->model[k]->name, name) == 0)
            return models->model[k];
    }
    return NULL;
}

int xbtab_model_parameter(const xbtab_model *model, const char *name)
{
    for (int k = 0; k < model->n_parameters; k++) {
        if (strcasecmp(model->parameters[k].name, name) == 0) return k;
    }
    return -1;
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

int xbtab_model_dynamic_parameter(const xbtab_model *model, const char *name)
{
    for (int k = 0; model->dynamic && k < model->dynamic->n_parameters; k++) {
        if (strcasecmp(model->dynamic->parameters[k].name, name) == 0) return k;
    }
    return -1;
}
