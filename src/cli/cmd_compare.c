/* cmd_compare.c - compare: each pair of device and selector that makes sense, characterized on a tile of the
 * same size and wires.
 *
 * Which pairs those are, and where they work, the devices' sheets say (operating); the tile's specification
 * is a file with words to fill in. No device is known here. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xbartab/characterize.h>
#include <xbartab/output.h>
#include <xbartab/solve.h>

#include "cli.h"

enum { LONGEST_SPEC = 16384, LONGEST_PATH = 4096, LONGEST_REASON = 512, MOST_PAIRS = 1024 };

/** What is told of a pair; NAN where it is not known. */
typedef struct figures {
    double on_off;      /* largest over smallest conductance of the cell over its state's bounds */
    double chord;       /* I(v_read)/v_read over the same at v_read/64, at the highest level */
    double half_select; /* I(v_read)/I(v_read/2), at the highest level */
    double ir_drop;     /* of the worst cell, all driven at the highest level, as a share of v_read */
    double rmse, max;   /* of the transfer table on held-out tiles, shares of full scale */
    double energy;      /* of one read of the tile, mean of the samples [J] */
    double settling;    /* of the farthest column [s] */
    long failed;        /* samples */
} figures;

typedef struct pair {
    const xbtab_model *rram;
    const xbtab_operating *point;
    char reason[LONGEST_REASON]; /* why there are no figures; "" if there are */
    figures f;
} pair;

typedef struct comparison {
    const xbtab_models *models;
    const char *tile;   /* text of the specification with words */
    const char *folder; /* where the tables go */
    int keeps;          /* the folder is the user's */
    const char *size, *tia, *wire;
    xbtab_characterize_options run;
    pair *pairs;
    int n_pairs;
} comparison;

/* ---- the tile of a pair ---- */

typedef struct word {
    const char *name, *value; /* NULL: the default, which must be there */
} word;

/* Append the value of "name" or "name:default". */
static int add_word(char *out, size_t size, size_t *n, const char *name, size_t length, const word *words)
{
    const char *colon = memchr(name, ':', length), *value = NULL;
    size_t n_name = colon ? (size_t)(colon - name) : length, n_value = 0;
    bool is_known = false;
    for (; words->name && !is_known; words++) {
        if (strlen(words->name) != n_name || strncmp(words->name, name, n_name) != 0) continue;
        is_known = true;
        value = words->value;
    }
    if (value) {
        n_value = strlen(value);
    } else if (is_known && colon) {
        value = colon + 1;
        n_value = length - n_name - 1;
    }
    if (!value) return cli_fail("%s: @%.*s@ has no value", cli_pair_tile(), (int)length, name);
    if (*n + n_value >= size) return cli_fail("%s: too long", cli_pair_tile());
    memcpy(out + *n, value, n_value);
    *n += n_value;
    return CLI_DONE;
}

static int fill_in(char *out, size_t size, const char *text, const word *words)
{
    size_t n = 0;
    while (*text) {
        const char *end = *text == '@' ? strpbrk(text + 1, "@\n") : NULL;
        if (end && *end == '@') {
            if (add_word(out, size, &n, text + 1, (size_t)(end - text) - 1, words) != CLI_DONE)
                return CLI_FAILED;
            text = end + 1;
            continue;
        }
        if (n + 1 >= size) return cli_fail("%s: too long", cli_pair_tile());
        out[n++] = *text++;
    }
    out[n] = '\0';
    return CLI_DONE;
}

static int specify(char *out, size_t size, const comparison *c, const pair *p)
{
    char g_min[64], g_max[64], v_read[64], preset[128] = "";
    snprintf(g_min, sizeof g_min, "%.9g S", p->point->G_min);
    snprintf(g_max, sizeof g_max, "%.9g S", p->point->G_max);
    snprintf(v_read, sizeof v_read, "%.9g V", p->point->v_read);
    if (p->point->preset) snprintf(preset, sizeof preset, ", preset: %s", p->point->preset);
    const word words[] = {{"rram", p->rram->name}, {"selector", p->point->selector},
                          {"preset", preset},      {"g_min", g_min},
                          {"g_max", g_max},        {"read_voltage", v_read},
                          {"size", c->size},       {"tia", c->tia},
                          {"wire", c->wire},       {NULL, NULL}};
    return fill_in(out, size, c->tile, words);
}

/* ---- its figures ---- */

/* Current of one cell at the highest level at three voltages, with nothing around it but the TIA. */
static xbtab_status measure_cell(figures *f, const xbtab_technology *technology, const xbtab_tables *t)
{
    const double share[] = {1.0, 0.5, 1.0 / 64};
    double V[3], G = t->G_level[t->n_levels - 1];
    xbtab_solution s = {0};
    xbtab_crossbar cell = {.rows = 1, .columns = 1, .G = &G, .technology = technology};
    for (int k = 0; k < 3; k++) V[k] = share[k] * t->v_read;
    xbtab_status status = xbtab_crossbar_solve(&s, &cell, V, 3);
    if (status < 0) return status;
    f->chord = s.i_out[0] / V[0] / (s.i_out[2] / V[2]);
    f->half_select = s.i_out[0] / s.i_out[1];
    xbtab_solution_clear(&s);
    return XBTAB_OK;
}

static xbtab_status measure_drop(figures *f, const xbtab_technology *technology, const xbtab_tables *t)
{
    size_t n = t->rows * t->columns;
    xbtab_solution s = {0};
    double *G = malloc(n * sizeof *G), *V = malloc(t->rows * sizeof *V);
    xbtab_status status = XBTAB_ERR_NOMEM;
    if (G && V) {
        xbtab_crossbar tile = {.rows = t->rows,
                               .columns = t->columns,
                               .r_word = t->r_word,
                               .r_bit = t->r_bit,
                               .r_source = t->r_driver,
                               .r_sink = t->r_sink,
                               .G = G,
                               .technology = technology};
        for (size_t k = 0; k < n; k++) G[k] = t->G_level[t->n_levels - 1];
        for (size_t i = 0; i < t->rows; i++) V[i] = t->v_read;
        status = xbtab_crossbar_solve(&s, &tile, V, 1);
    }
    if (status == XBTAB_OK) {
        f->ir_drop = 0;
        for (size_t k = 0; k < n; k++) {
            f->ir_drop = fmax(f->ir_drop, 1.0 - (s.v_word[k] - s.v_bit[k]) / t->v_read);
        }
        xbtab_solution_clear(&s);
    }
    free(G);
    free(V);
    return status;
}

static double mean_energy(const xbtab_tables *t)
{
    double sum = 0;
    long n = 0;
    for (size_t k = 0; k < t->samples.n_tiles * t->samples.n_vectors; k++) {
        if (t->samples.status[k] != XBTAB_SAMPLE_OK) continue;
        sum += t->samples.P[k];
        n++;
    }
    return n ? sum / (double)n * t->energy.read_time : NAN;
}

static xbtab_status measure(figures *f, const xbtab_tables *t, const xbtab_spec *spec)
{
    xbtab_technology *technology = NULL;
    double G_low, G_high;
    f->rmse = t->transfer.error.rmse;
    f->max = t->transfer.error.max;
    f->failed = t->transfer.error.failed;
    f->energy = mean_energy(t);
    f->settling = t->readout.settling;
    xbtab_status status = xbtab_cell_range(spec, &G_low, &G_high);
    if (status == XBTAB_OK) {
        f->on_off = G_high / G_low;
        status = xbtab_technology_create(&technology, t);
    }
    if (status == XBTAB_OK) status = measure_cell(f, technology, t);
    if (status == XBTAB_OK) status = measure_drop(f, technology, t);
    xbtab_technology_destroy(&technology);
    return status;
}

/* ---- one pair ---- */

/* Tables of this very specification that an earlier run left; NULL if there are none. */
static xbtab_tables *earlier(const char *path, const char *text)
{
    xbtab_tables *t = NULL;
    if (access(path, R_OK) != 0 || xbtab_tables_open(&t, path) < 0) return NULL;
    if (strcmp(t->spec_text, text) != 0) xbtab_tables_destroy(&t);
    return t;
}

/* XBTAB_ERR_CANCELED ends the comparison; every other failure is the pair's own, told as its reason. */
static xbtab_status run_pair(comparison *c, pair *p)
{
    char text[LONGEST_SPEC], stem[LONGEST_PATH - 16], path[LONGEST_PATH];
    xbtab_status status = XBTAB_OK;
    xbtab_spec *spec = NULL;
    xbtab_tables *tables = NULL;
    p->f = (figures){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0};
    snprintf(p->reason, sizeof p->reason, "its specification cannot be written");
    if (specify(text, sizeof text, c, p) != CLI_DONE) return XBTAB_OK;
    snprintf(stem, sizeof stem, "%.3800s/%.100s-%.100s", c->folder, p->rram->name, p->point->selector);
    snprintf(path, sizeof path, "%s.yaml", stem);
    if (c->keeps && cli_write_text(path, text) != CLI_DONE) return XBTAB_OK;
    snprintf(path, sizeof path, "%s.h5", stem);
    status = xbtab_spec_parse(&spec, text, stem, c->models);
    if (status == XBTAB_OK) status = xbtab_spec_size_selector(spec);
    if (status == XBTAB_OK && !(tables = earlier(path, text))) {
        status = xbtab_characterize(spec, path, &c->run);
        if (status == XBTAB_OK) status = xbtab_tables_open(&tables, path);
        if (!c->keeps) unlink(path);
    }
    if (status == XBTAB_OK) status = measure(&p->f, tables, spec);
    snprintf(p->reason, sizeof p->reason, "%s", status < 0 ? xbtab_error_message() : "");
    if (status < 0 && !c->keeps) {
        snprintf(path, sizeof path, "%s.h5.partial", stem);
        unlink(path);
    }
    xbtab_tables_destroy(&tables);
    xbtab_spec_destroy(&spec);
    return status == XBTAB_ERR_CANCELED ? status : XBTAB_OK;
}

/* ---- which pairs ---- */

/* "rram:selector" among the names asked for; all where none were. */
static bool is_wanted(const char *names, const char *rram, const char *selector)
{
    char name[256];
    size_t n = (size_t)snprintf(name, sizeof name, "%s:%s", rram, selector);
    for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strcspn(at, ",") == n && strncmp(at, name, n) == 0) return true;
    }
    return !names;
}

static int choose_pairs(comparison *c, const char *names)
{
    int n_asked = names ? 1 : 0;
    for (const char *at = names; at && *at; at++) n_asked += *at == ',';
    for (int k = 0; k < xbtab_models_count(c->models); k++) {
        const xbtab_model *m = xbtab_models_get(c->models, k);
        for (int o = 0; o < m->n_operating && c->n_pairs < MOST_PAIRS; o++) {
            if (!is_wanted(names, m->name, m->operating[o].selector)) continue;
            c->pairs[c->n_pairs++] = (pair){.rram = m, .point = &m->operating[o]};
        }
    }
    if (c->n_pairs > 0 && c->n_pairs >= n_asked) return CLI_DONE;
    for (int k = 0; names && k < xbtab_models_count_broken(c->models); k++) {
        const xbtab_broken_model *b = xbtab_models_get_broken(c->models, k);
        size_t n = strlen(b->name);
        for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
            if (strncmp(at, b->name, n) == 0 && at[n] == ':' &&
                xbtab_models_check(c->models, b->kind, b->name) < 0)
                return cli_failed();
        }
    }
    return cli_fail(
        "--pairs %s: %d of these pairs have an operating point in their rram's sheet; compare --list "
        "tells all",
        names ? names : "(all)", c->n_pairs);
}

static int list_pairs(const comparison *c)
{
    for (int k = 0; k < c->n_pairs; k++) {
        const xbtab_operating *o = c->pairs[k].point;
        printf("%s:%s  %g to %g S at %g V  (%s: %s)\n", c->pairs[k].rram->name, o->selector, o->G_min,
               o->G_max, o->v_read, o->trust, o->source);
    }
    return CLI_DONE;
}

/* ---- results ---- */

static json_t *known(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *pair_json(const pair *p)
{
    const figures *f = &p->f;
    json_t *row =
        json_pack("{s:s, s:s, s:f, s:f, s:f}", "rram", p->rram->name, "selector", p->point->selector, "g_min",
                  p->point->G_min, "g_max", p->point->G_max, "read_voltage", p->point->v_read);
    if (p->reason[0]) {
        json_object_set_new(row, "error", json_string(p->reason));
        return row;
    }
    const struct {
        const char *name;
        double value;
    } entries[] = {{"on_off", f->on_off},      {"chord", f->chord},          {"half_select", f->half_select},
                   {"ir_drop", f->ir_drop},    {"heldout_rmse_fs", f->rmse}, {"heldout_max_fs", f->max},
                   {"read_energy", f->energy}, {"settling", f->settling}};
    for (size_t k = 0; k < sizeof entries / sizeof entries[0]; k++)
        json_object_set_new(row, entries[k].name, known(entries[k].value));
    json_object_set_new(row, "failed", json_integer(f->failed));
    return row;
}

static int print_json(const comparison *c)
{
    json_t *pairs = json_array();
    for (int k = 0; k < c->n_pairs; k++) json_array_append_new(pairs, pair_json(&c->pairs[k]));
    return cli_print_json(json_pack("{s:s, s:o}", "size", c->size, "pairs", pairs));
}

static void print_table(const comparison *c)
{
    printf("%-20s %-13s %7s %17s %9s %9s %9s %8s %9s %9s %10s %10s\n", "device", "selector", "read",
           "levels [uS]", "on/off", "chord", "I/I(V/2)", "IR drop", "T RMSE", "T max", "energy [J]",
           "settling");
    for (int k = 0; k < c->n_pairs; k++) {
        const pair *p = &c->pairs[k];
        const figures *f = &p->f;
        printf("%-20s %-13s %5.3g V %7.4g - %7.4g ", p->rram->name, p->point->selector, p->point->v_read,
               1e6 * p->point->G_min, 1e6 * p->point->G_max);
        if (p->reason[0]) {
            printf("failed: %s\n", p->reason);
            continue;
        }
        printf("%9.3g %9.4g %9.3g %6.2f %% %7.4f %% %7.3f %% %10.3g ", f->on_off, f->chord, f->half_select,
               100 * f->ir_drop, 100 * f->rmse, 100 * f->max, f->energy);
        if (isfinite(f->settling)) {
            printf("%7.3g ns\n", 1e9 * f->settling);
        } else {
            printf("%10s\n", "unknown");
        }
    }
}

static int write_csv(const comparison *c, const char *path)
{
    char *text = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&text, &n);
    if (!file) return cli_fail("out of memory");
    fprintf(file,
            "rram,selector,read_voltage_V,g_min_S,g_max_S,on_off,chord,half_select,ir_drop,heldout_rmse_fs,"
            "heldout_max_fs,read_energy_J,settling_s,failed_samples,error\n");
    for (int k = 0; k < c->n_pairs; k++) {
        const pair *p = &c->pairs[k];
        const figures *f = &p->f;
        fprintf(file, "%s,%s,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%ld,", p->rram->name,
                p->point->selector, p->point->v_read, p->point->G_min, p->point->G_max, f->on_off, f->chord,
                f->half_select, f->ir_drop, f->rmse, f->max, f->energy, f->settling, f->failed);
        for (const char *r = p->reason; *r; r++) fputc(*r == ',' || *r == '"' ? ';' : *r, file);
        fputc('\n', file);
    }
    bool failed = fclose(file) != 0;
    int code = failed ? cli_fail("out of memory") : cli_write_text(path, text);
    free(text);
    return code;
}

/* ---- the verb ---- */

static char *read_tile(void)
{
    char *text = calloc(LONGEST_SPEC, 1);
    FILE *file = text ? fopen(cli_pair_tile(), "r") : NULL;
    size_t n = file ? fread(text, 1, LONGEST_SPEC - 1, file) : 0;
    if (file) fclose(file);
    if (n > 0) return text;
    free(text);
    cli_fail("%s: cannot be read", cli_pair_tile());
    return NULL;
}

/* Every pair; *is_whole unless the user stopped it. */
static int compare(comparison *c, bool *is_whole)
{
    int n_failed = 0;
    *is_whole = false;
    for (int k = 0; k < c->n_pairs; k++) {
        fprintf(stderr, "%d of %d: %s with %s\n", k + 1, c->n_pairs, c->pairs[k].rram->name,
                c->pairs[k].point->selector);
        if (run_pair(c, &c->pairs[k]) < 0) return cli_failed();
        n_failed += c->pairs[k].reason[0] != '\0';
    }
    *is_whole = true;
    return n_failed ? CLI_FAILED : CLI_DONE;
}

/* The user's folder, or one that is gone at the end. */
static int open_folder(comparison *c, xbtab_scratch **scratch)
{
    if (c->keeps) {
        return cli_make_folder(c->folder);
    }
    if (xbtab_scratch_create(scratch, NULL, "compare") < 0) return cli_failed();
    c->folder = xbtab_scratch_path(*scratch);
    return CLI_DONE;
}

int cmd_compare(int argc, const char **argv)
{
    const char *folder = NULL, *output = NULL, *names = NULL, *tia = NULL, *wire = NULL, *csv = NULL,
               *arguments[1];
    xbtab_scratch *scratch = NULL;
    char size_text[16], *tile = NULL;
    int as_json = 0, lists = 0, size = 32, jobs = 0, code;
    bool is_whole = false;
    const struct poptOption options[] = {
        CLI_WHOLE("size", '\0', &size, 2, 1024, "word lines and bit lines of the tiles (32)", "N"),
        {"pairs", '\0', POPT_ARG_STRING, &names, 0, "only these", "RRAM:SELECTOR,..."},
        {"list", '\0', POPT_ARG_NONE, &lists, 0, "the pairs and their operating points, nothing else", NULL},
        {"tia", '\0', POPT_ARG_STRING, &tia, 0, "another TIA model", "NAME"},
        {"wire", '\0', POPT_ARG_STRING, &wire, 0, "another wire model", "NAME"},
        {"output", 'o', POPT_ARG_STRING, &output, 0,
         "folder that keeps the tiles' specifications and tables; what is in it already is not run again",
         "DIR"},
        CLI_WHOLE("jobs", 'j', &jobs, 0, 1024, "worker processes (one a core)", "N"),
        {"csv", '\0', POPT_ARG_STRING, &csv, 0, "the table as a file", "FILE.csv"},
        {"models", '\0', POPT_ARG_STRING, &folder, 0, "the user's own models too", "DIR"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_models *models = NULL;
    comparison c = {.run = {.progress = cli_progress, .resume = 1}};
    code = cli_parse(&context, argc, argv, options, "", "xbartab compare --size 32 -o pairs --csv pairs.csv",
                     0, 0, arguments);
    if (code != CLI_DONE) goto done;
    snprintf(size_text, sizeof size_text, "%d", size);
    c.run.workers = jobs;
    c.size = size_text;
    c.tia = tia;
    c.wire = wire;
    c.folder = output;
    c.keeps = output != NULL;
    c.pairs = calloc(MOST_PAIRS, sizeof *c.pairs);
    code = CLI_FAILED;
    if (!c.pairs || !(tile = read_tile())) goto done;
    c.tile = tile;
    if (xbtab_models_open_with(&models, folder) < 0) {
        code = cli_failed();
        goto done;
    }
    c.models = models;
    code = cli_check_output(csv);
    if (code != CLI_DONE) goto done;
    code = choose_pairs(&c, names);
    if (code != CLI_DONE) goto done;
    if (lists) {
        code = list_pairs(&c);
        goto done;
    }
    code = open_folder(&c, &scratch);
    if (code != CLI_DONE) goto done;
    cli_catch_interrupt();
    code = compare(&c, &is_whole);
    xbtab_scratch_destroy(&scratch);
    if (is_whole) {
        if (as_json && print_json(&c) != CLI_DONE) {
            code = CLI_FAILED;
        } else if (!as_json) {
            print_table(&c);
        }
        if (csv && write_csv(&c, csv) != CLI_DONE) code = CLI_FAILED;
    }
done:
    free(c.pairs);
    free(tile);
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
