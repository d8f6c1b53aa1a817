/* pairs.c - a comparison of devices: which pairs, and each one's tables. No device is known here. */
#include "pairs_private.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xbartab/characterize.h>
#include <xbartab/data.h>
#include <xbartab/output.h>

#include "memory.h"

enum { LONGEST_TILE = 16384, LONGEST_PATH = 4096, DEFAULT_SIZE = 32 };

static const xbtab_pair_figures unknown = {NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                           NAN, 0,   NAN, NAN, NAN, NAN, NAN};

struct xbtab_pairs {
    xbtab_pairs_options o; /* with its defaults filled in */
    char tile_path[LONGEST_PATH];
    char tile[LONGEST_TILE]; /* text of the specification with words */
    char folder[LONGEST_PATH];
    xbtab_pair *pair;
    size_t n;
};

/* ---- which pairs ---- */

static const char *next_name(const char *at)
{
    const char *comma = strchr(at, ',');
    return comma ? comma + 1 : NULL;
}

/* "rram:selector" among the names asked for; all where none were. */
static bool is_wanted(const char *names, const char *rram, const char *selector)
{
    char name[256];
    size_t n = (size_t)snprintf(name, sizeof name, "%s:%s", rram, selector);
    for (const char *at = names; at; at = next_name(at)) {
        if (strcspn(at, ",") == n && strncmp(at, name, n) == 0) return true;
    }
    return !names;
}

/* A name that is none because its model's file is at fault gets that fault's message. */
static xbtab_status check_broken(const xbtab_models *models, const char *names)
{
    for (int k = 0; names && k < xbtab_models_count_broken(models); k++) {
        const xbtab_broken_model *b = xbtab_models_get_broken(models, k);
        const size_t n = strlen(b->name);
        for (const char *at = names; at; at = next_name(at)) {
            if (strncmp(at, b->name, n) == 0 && at[n] == ':')
                XBTAB_TRY(xbtab_models_check(models, b->kind, b->name));
        }
    }
    return XBTAB_OK;
}

static xbtab_status choose(xbtab_pairs *c)
{
    const char *names = c->o.names;
    size_t n_asked = 0;
    for (const char *at = names; at; at = next_name(at)) n_asked++;
    for (int k = 0; k < xbtab_models_count(c->o.models); k++) {
        const xbtab_model *m = xbtab_models_get(c->o.models, k);
        for (int p = 0; p < m->n_operating && c->n < XBTAB_PAIRS; p++) {
            if (is_wanted(names, m->name, m->operating[p].selector))
                c->pair[c->n++] = (xbtab_pair){
                    .rram = m, .point = &m->operating[p], .reason = "was not run", .figures = unknown};
        }
    }
    if (c->n > 0 && c->n >= n_asked) return XBTAB_OK;
    XBTAB_TRY(check_broken(c->o.models, names));
    XBTAB_FAIL(XBTAB_ERR_OPTION, "%s: %zu of these pairs have an operating point in their rram's sheet",
               names ? names : "(all)", c->n);
}

/* ---- one pair ---- */

static xbtab_status specify(char **out, const xbtab_pairs *c, const xbtab_pair *p)
{
    char g_min[64], g_max[64], v_read[64], size[16], preset[128] = "";
    snprintf(g_min, sizeof g_min, "%.9g S", p->point->G_min);
    snprintf(g_max, sizeof g_max, "%.9g S", p->point->G_max);
    snprintf(v_read, sizeof v_read, "%.9g V", p->point->v_read);
    snprintf(size, sizeof size, "%d", c->o.size);
    if (p->point->preset) snprintf(preset, sizeof preset, ", preset: %s", p->point->preset);
    const xbtab__word words[] = {{"rram", p->rram->name}, {"selector", p->point->selector},
                                 {"preset", preset},      {"g_min", g_min},
                                 {"g_max", g_max},        {"read_voltage", v_read},
                                 {"size", size},          {"tia", c->o.tia},
                                 {"wire", c->o.wire},     {NULL, NULL}};
    return xbtab__fill_in(out, c->tile, c->o.tile, words);
}

/* Tables of this very specification that an earlier run left; NULL if there are none. */
static xbtab_tables *earlier(const char *path, const char *text)
{
    xbtab_tables *t = NULL;
    if (access(path, R_OK) != 0 || xbtab_tables_open(&t, path) < 0) return NULL;
    if (strcmp(t->spec_text, text) != 0) xbtab_tables_destroy(&t);
    return t;
}

static xbtab_status make_tables(xbtab_tables **out, const xbtab_pairs *c, const xbtab_spec *spec,
                                const char *path)
{
    const xbtab_characterize_options run = {
        .workers = c->o.workers, .resume = 1, .progress = c->o.progress, .payload = c->o.payload};
    xbtab_status status = xbtab_characterize(spec, path, &run);
    if (status == XBTAB_OK) status = xbtab_tables_open(out, path);
    if (!c->o.folder) unlink(path);
    return status;
}

static xbtab_status find_figures(const xbtab_pairs *c, xbtab_pair *p)
{
    char stem[LONGEST_PATH - 16], path[LONGEST_PATH], *text = NULL;
    xbtab_spec *spec = NULL;
    xbtab_tables *tables = NULL;
    xbtab_status status;
    snprintf(stem, sizeof stem, "%.3800s/%.100s-%.100s", c->folder, p->rram->name, p->point->selector);
    XBTAB_TRY_DONE(specify(&text, c, p));
    snprintf(path, sizeof path, "%s.yaml", stem);
    if (c->o.folder) XBTAB_TRY_DONE(xbtab_output_write(path, text, strlen(text)));
    snprintf(path, sizeof path, "%s.h5", stem);
    XBTAB_TRY_DONE(xbtab_spec_parse(&spec, text, stem, c->o.models));
    XBTAB_TRY_DONE(xbtab_spec_size_selector(spec));
    if (!(tables = earlier(path, text))) XBTAB_TRY_DONE(make_tables(&tables, c, spec, path));
    XBTAB_TRY_DONE(xbtab__pair_measure(&p->figures, tables, spec));
    if (c->o.network) XBTAB_TRY_DONE(xbtab__pair_cost(&p->figures, tables, c->o.network, c->o.models));
done:
    if (status < 0 && !c->o.folder) {
        snprintf(path, sizeof path, "%s.h5.partial", stem);
        unlink(path);
    }
    xbtab_tables_destroy(&tables);
    xbtab_spec_destroy(&spec);
    xbtab__free(text);
    return status;
}

/* Cancellation ends the comparison; every other failure is the pair's own, told as its reason. */
static xbtab_status run_all(xbtab_pairs *c)
{
    for (size_t k = 0; k < c->n; k++) {
        xbtab_pair *p = &c->pair[k];
        char line[512];
        snprintf(line, sizeof line, "%zu of %zu: %s with %s", k + 1, c->n, p->rram->name, p->point->selector);
        if (c->o.note) c->o.note(line, c->o.payload);
        p->figures = unknown;
        xbtab_status status = find_figures(c, p);
        snprintf(p->reason, sizeof p->reason, "%s", status < 0 ? xbtab_error_message() : "");
        if (status == XBTAB_ERR_CANCELED) return status;
    }
    return XBTAB_OK;
}

/* ---- the whole ---- */

static xbtab_status read_tile(xbtab_pairs *c)
{
    if (!c->o.tile) {
        snprintf(c->tile_path, sizeof c->tile_path, "%s/tiles/pair.yaml.in", xbtab_data_folder());
        c->o.tile = c->tile_path;
    }
    FILE *file = fopen(c->o.tile, "r");
    size_t n = file ? fread(c->tile, 1, LONGEST_TILE, file) : 0;
    if (file) fclose(file);
    if (n == 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot be read", c->o.tile);
    if (n == LONGEST_TILE)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: is longer than %d bytes", c->o.tile, LONGEST_TILE - 1);
    c->tile[n] = '\0';
    return XBTAB_OK;
}

static xbtab_status make_folder(const char *path)
{
    struct stat info;
    int reason = mkdir(path, 0777) == 0 ? 0 : errno;
    if (reason == EEXIST) reason = stat(path, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    if (reason) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot make the folder: %s", path, strerror(reason));
    return XBTAB_OK;
}

xbtab_status xbtab_pairs_run(xbtab_pairs *c)
{
    xbtab_scratch *scratch = NULL;
    if (c->o.folder)
        XBTAB_TRY(make_folder(c->o.folder));
    else
        XBTAB_TRY(xbtab_scratch_create(&scratch, NULL, "compare"));
    snprintf(c->folder, sizeof c->folder, "%s", scratch ? xbtab_scratch_path(scratch) : c->o.folder);
    xbtab_status status = run_all(c);
    xbtab_scratch_destroy(&scratch);
    return status;
}

xbtab_status xbtab_pairs_open(xbtab_pairs **out, const xbtab_pairs_options *options)
{
    xbtab_status status;
    xbtab_pairs *c = xbtab__alloc(1, sizeof *c);
    if (!c) return XBTAB_NOMEM();
    c->o = *options;
    if (!c->o.size) c->o.size = DEFAULT_SIZE;
    if (c->o.size < 2 || c->o.size > 1024)
        XBTAB_FAIL_DONE(XBTAB_ERR_OPTION, "%d word lines and bit lines are outside 2 to 1024", c->o.size);
    c->pair = xbtab__alloc(XBTAB_PAIRS, sizeof *c->pair);
    if (!c->pair) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(read_tile(c));
    XBTAB_TRY_DONE(choose(c));
    *out = c;
    c = NULL;
done:
    xbtab_pairs_destroy(&c);
    return status;
}

size_t xbtab_pairs_count(const xbtab_pairs *pairs)
{
    return pairs->n;
}

const xbtab_pair *xbtab_pairs_get(const xbtab_pairs *pairs, size_t k)
{
    return &pairs->pair[k];
}

void xbtab_pairs_destroy(xbtab_pairs **pairs)
{
    if (!*pairs) return;
    xbtab__free((*pairs)->pair);
    xbtab__free(*pairs);
    *pairs = NULL;
}
