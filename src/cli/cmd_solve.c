/* cmd_solve.c - solve: currents and voltages of one crossbar. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/characterize.h>
#include <xbartab/engine.h>

#include "cell_values.h"
#include "cli.h"

typedef struct solve_options {
    char *resistances, *conductances, *levels, *tables, *voltages, *engine, *models;
    char *topology, *polarity, *drive, *sense;                     /* NULL = the tables', or the default */
    double r_word, r_bit, r_source, r_sink, r_source_line, v_read; /* NAN = not given */
    int as_json;
} solve_options;

static int check_voltages(const char *path, const xbtab_grid *V)
{
    for (size_t k = 0; k < V->rows * V->columns; k++) {
        if (fabs(V->x[k]) <= XBTAB_SOLVE_MOST_VOLT) continue;
        return cli_fail("%s:%zu: a voltage of %g V (column %zu); %g V of either sign is the most", path,
                        V->line[k / V->columns], V->x[k], k % V->columns + 1, XBTAB_SOLVE_MOST_VOLT);
    }
    return CLI_DONE;
}

static json_t *rows_json(const double *x, size_t n, size_t columns)
{
    json_t *all = json_array();
    for (size_t v = 0; v < n; v++) {
        json_t *row = json_array();
        for (size_t j = 0; j < columns; j++) json_array_append_new(row, json_real(x[v * columns + j]));
        json_array_append_new(all, row);
    }
    return all;
}

static json_t *cells_json(const double *x, size_t n, size_t rows, size_t columns)
{
    json_t *all = json_array();
    for (size_t v = 0; v < n; v++) {
        json_array_append_new(all, rows_json(x + v * rows * columns, rows, columns));
    }
    return all;
}

static void print_rows(const double *I, size_t n, size_t columns)
{
    for (size_t v = 0; v < n; v++) {
        for (size_t j = 0; j < columns; j++) printf("%s%.12g", j ? "," : "", I[v * columns + j]);
        printf("\n");
    }
}

static int print(const solve_options *o, const xbtab_crossbar *c, const xbtab_solution *s, size_t n)
{
    if (o->as_json) {
        return cli_print_json(
            json_pack("{s:o, s:o, s:o, s:o, s:i, s:f, s:f, s:s}", "i_out", rows_json(s->i_out, n, c->columns),
                      "i_device", cells_json(s->i_device, n, c->rows, c->columns), "v_word",
                      cells_json(s->v_word, n, c->rows, c->columns), "v_bit",
                      cells_json(s->v_bit, n, c->rows, c->columns), "iterations", s->iterations, "residual",
                      s->residual, "seconds", s->seconds, "engine", o->engine ? o->engine : "solve"));
    }
    printf("# bit-line currents [A], a line an input vector; %d iterations, residual %.2g A\n", s->iterations,
           s->residual);
    cli_tell("solved in %.3g s", s->seconds);
    print_rows(s->i_out, n, c->columns);
    return CLI_DONE;
}

static double given(double option, double otherwise)
{
    return isnan(option) ? otherwise : option;
}

static bool in_spice(const solve_options *o)
{
    return o->engine && strcmp(o->engine, "spice") == 0;
}

static bool in_table(const solve_options *o)
{
    return o->engine && strcmp(o->engine, "table") == 0;
}

/* Read energies [J], and the error that is announced of them. */
static void add_energy(json_t *result, const xbtab_tables *t, const xbtab_table_report *r, const double *P,
                       size_t n)
{
    json_t *energy = json_array();
    const double T = t->energy.read_time, full_scale = t->energy.error.full_scale;
    for (size_t v = 0; v < n; v++) json_array_append_new(energy, json_real(P[v] * T));
    json_object_set_new(result, "energy", energy);
    json_object_set_new(result, "energy_full_scale", json_real(full_scale));
    json_object_set_new(result, "read_time", json_real(T));
    json_object_set_new(result, "energy_error",
                        json_pack("{s:f, s:f}", "rmse_fs", sqrt(r->power_squares) * T / full_scale, "max_fs",
                                  r->power_most * T / full_scale));
}

static json_t *table_json(const xbtab_tables *t, const xbtab_crossbar *c, const xbtab_table_report *r,
                          const double *I, const double *P, size_t n)
{
    const double full_scale = t->transfer.error.full_scale;
    json_t *result = json_pack(
        "{s:o, s:s, s:f, s:{s:f, s:f, s:f, s:b}}", "i_out", rows_json(I, n, c->columns), "engine", "table",
        "full_scale", full_scale, "tile_error", "rmse_fs", sqrt(r->squares / (double)r->samples) / full_scale,
        "max_fs", r->most / full_scale, "readout_error_codes", r->readout_error, "refined", r->is_refined);
    add_energy(result, t, r, P, n);
    return result;
}

/* The table engine's currents and energies, and the errors that it announces of the tile. */
static int print_table(const solve_options *o, const xbtab_crossbar *c, const double *V, size_t n)
{
    xbtab_table_report r;
    const xbtab_tables *t = xbtab_technology_tables(c->technology);
    double *I = calloc(n * c->columns, sizeof *I), *P = calloc(n, sizeof *P);
    int code = I && P ? CLI_DONE : cli_fail("out of memory");
    if (code == CLI_DONE && xbtab_crossbar_table(I, P, &r, c, V, n) < 0) code = cli_failed();
    if (code == CLI_DONE && o->as_json) {
        code = cli_print_json(table_json(t, c, &r, I, P, n));
    } else if (code == CLI_DONE) {
        const double full_scale = t->transfer.error.full_scale,
                     energy = t->energy.error.full_scale / t->energy.read_time;
        printf("# bit-line currents [A], a line an input vector; the tile within %.4f %% RMSE and %.4f %% at "
               "most "
               "of full scale%s; its read energy within %.4f %% and %.4f %%\n",
               100 * sqrt(r.squares / (double)r.samples) / full_scale, 100 * r.most / full_scale,
               r.is_refined ? ", refined" : "", 100 * sqrt(r.power_squares) / energy,
               100 * r.power_most / energy);
        print_rows(I, n, c->columns);
    }
    free(I);
    free(P);
    return code;
}

/* What tables say, and where ngspice is asked, the specification they were made of. */
typedef struct source {
    xbtab_tables *tables;
    xbtab_technology *technology;
    xbtab_models *models;
    xbtab_spec *spec;
} source;

static int source_open(source *s, const solve_options *o)
{
    if (cli_open_tables(&s->tables, o->tables) != CLI_DONE) return CLI_FAILED;
    if (xbtab_technology_create(&s->technology, s->tables) < 0) return cli_failed();
    if (in_spice(o) && (xbtab_models_open_with(&s->models, o->models) < 0 ||
                        xbtab_spec_of_tables(&s->spec, s->tables, s->models) < 0)) {
        return cli_failed();
    }
    return CLI_DONE;
}

static void source_close(source *s)
{
    xbtab_spec_destroy(&s->spec);
    xbtab_models_destroy(&s->models);
    xbtab_technology_destroy(&s->technology);
    xbtab_tables_destroy(&s->tables);
}

/* A word of the array's, or where none is given what it is already. */
static int choose(const char *option, const char *word, const char *const *words, int *value)
{
    if (!word) return CLI_DONE;
    *value = xbtab_array_word(words, word);
    if (*value >= 0) return CLI_DONE;
    char list[128] = "";
    for (int k = 0; words[k]; k++) {
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", k ? ", " : "", words[k]);
    }
    return cli_usage("solve", "--%s %s is not one of: %s", option, word, list);
}

static int choose_array(const solve_options *o, const xbtab_tables *tables, xbtab_array *array)
{
    if (tables) *array = tables->array;
    int topology = array->topology, polarity = array->polarity, drive = array->drive, sense = array->sense;
    int code = choose("topology", o->topology, xbtab_topology_words(), &topology);
    if (code == CLI_DONE) code = choose("polarity", o->polarity, xbtab_polarity_words(), &polarity);
    if (code == CLI_DONE)
        code = choose("drive", o->drive, xbtab_drive_words((xbtab_topology)topology), &drive);
    if (code == CLI_DONE) code = choose("sense", o->sense, xbtab_sense_words(), &sense);
    if (code != CLI_DONE) return code;
    if (tables && topology != (int)tables->array.topology) {
        return cli_usage("solve", "--topology %s: the tables' cells were characterized for %s", o->topology,
                         xbtab_topology_words()[tables->array.topology]);
    }
    if (!tables && topology == XBTAB_TOPOLOGY_GATE_INPUT && isnan(o->v_read))
        return cli_usage("solve", "--topology gate_input needs --read-voltage");
    *array = (xbtab_array){(xbtab_topology)topology, (xbtab_polarity)polarity, (xbtab_drive)drive,
                           (xbtab_sense)sense};
    return CLI_DONE;
}

static int solve(const solve_options *o)
{
    const char *path = o->resistances ? o->resistances : o->conductances ? o->conductances : o->levels;
    xbtab_grid G = {0}, V = {0};
    cli_cells kind = o->resistances ? CLI_RESISTANCES : o->conductances ? CLI_CONDUCTANCES : CLI_LEVELS;
    source from = {0};
    xbtab_solution s = {0};
    xbtab_array array = {0};
    bool bad =
        xbtab_grid_read(&G, path, kind == CLI_RESISTANCES) < 0 || xbtab_grid_read(&V, o->voltages, 0) < 0;
    int code = bad ? cli_failed() : CLI_DONE;
    if (code == CLI_DONE) code = check_voltages(o->voltages, &V);
    if (code == CLI_DONE && o->levels) code = source_open(&from, o);
    const xbtab_tables *tables = from.tables;
    if (code == CLI_DONE)
        code = cli_to_conductances(&G, path, kind, tables ? tables->G_level : NULL,
                                   tables ? tables->n_levels : 0);
    if (code == CLI_DONE && V.rows != G.rows) {
        code = cli_fail("%s: %zu lines; %s has %zu word lines", o->voltages, V.rows, path, G.rows);
    }
    if (code == CLI_DONE) code = choose_array(o, tables, &array);
    if (code == CLI_DONE) {
        xbtab_crossbar crossbar = {.rows = G.rows,
                                   .columns = G.columns,
                                   .array = array,
                                   .r_word = given(o->r_word, tables ? tables->r_word : 0.0),
                                   .r_bit = given(o->r_bit, tables ? tables->r_bit : 0.0),
                                   .r_source = given(o->r_source, tables ? tables->r_driver : 0.0),
                                   .r_sink = given(o->r_sink, tables ? tables->r_sink : 0.0),
                                   .r_source_line =
                                       given(o->r_source_line, tables ? tables->r_source_line : 0.0),
                                   .v_read = given(o->v_read, tables ? tables->v_read : 0.0),
                                   .G = G.x,
                                   .technology = from.technology};
        code = in_table(o) ? print_table(o, &crossbar, V.x, V.columns) : CLI_DONE;
        if (!in_table(o)) {
            xbtab_status status = in_spice(o) ? xbtab_crossbar_spice(&s, &crossbar, from.spec, V.x, V.columns)
                                              : xbtab_crossbar_solve(&s, &crossbar, V.x, V.columns);
            code = status < 0 ? cli_failed() : print(o, &crossbar, &s, V.columns);
        }
    }
    xbtab_solution_clear(&s);
    source_close(&from);
    xbtab_grid_clear(&G);
    xbtab_grid_clear(&V);
    return code;
}

static int check_options(const solve_options *o)
{
    const struct {
        const char *name;
        double r;
    } wires[] = {{"r-word", o->r_word},
                 {"r-bit", o->r_bit},
                 {"r-source", o->r_source},
                 {"r-sink", o->r_sink},
                 {"r-source-line", o->r_source_line}};
    for (size_t k = 0; k < sizeof wires / sizeof wires[0]; k++) {
        if (!isnan(wires[k].r) && !xbtab_solve_takes_ohm(wires[k].r))
            return cli_usage("solve", "--%s %g is outside 0, or %g to %g", wires[k].name, wires[k].r,
                             XBTAB_SOLVE_LEAST_OHM, XBTAB_SOLVE_MOST_OHM);
    }
    int n = (o->resistances != NULL) + (o->conductances != NULL) + (o->levels != NULL);
    if (n != 1) return cli_usage("solve", "give one of --resistances, --conductances and --levels");
    if (!o->voltages) return cli_usage("solve", "--voltages is missing");
    if (!o->levels != !o->tables) return cli_usage("solve", "--levels and --tables go together");
    if (o->engine && strcmp(o->engine, "solve") != 0 && !in_spice(o) && !in_table(o)) {
        return cli_usage("solve", "--engine %s is not solve, spice or table", o->engine);
    }
    bool is_other = o->topology || o->polarity || o->drive || o->sense || !isnan(o->r_word) ||
                    !isnan(o->r_bit) || !isnan(o->r_source) || !isnan(o->r_sink) ||
                    !isnan(o->r_source_line) || !isnan(o->v_read);
    if (in_table(o) && (!o->tables || is_other))
        return cli_usage("solve", "--engine table takes --tables as they are: no other wires, array or "
                                  "voltage, and --levels");
    return CLI_DONE;
}

int cmd_solve(int argc, const char **argv)
{
    solve_options o = {
        .r_word = NAN, .r_bit = NAN, .r_source = NAN, .r_sink = NAN, .r_source_line = NAN, .v_read = NAN};
    const char *arguments[1];
    const struct poptOption options[] = {
        {"resistances", '\0', POPT_ARG_STRING, &o.resistances, 0, "device resistances [ohm], inf = open",
         "R.csv"},
        {"conductances", '\0', POPT_ARG_STRING, &o.conductances, 0, "device conductances [S], 0 = open",
         "G.csv"},
        {"levels", '\0', POPT_ARG_STRING, &o.levels, 0, "levels of the tables' cells", "L.csv"},
        {"tables", '\0', POPT_ARG_STRING, &o.tables, 0, "table file of the cells", "T.h5"},
        {"voltages", '\0', POPT_ARG_STRING, &o.voltages, 0,
         "a line a word line, a column an input vector [V]", "V.csv"},
        CLI_REAL("r-word", '\0', &o.r_word, 0, XBTAB_SOLVE_MOST_OHM,
                 "of a word-line segment (0, or the tables')", "OHM"),
        CLI_REAL("r-bit", '\0', &o.r_bit, 0, XBTAB_SOLVE_MOST_OHM,
                 "of a bit-line segment (0, or the tables')", "OHM"),
        CLI_REAL("r-source", '\0', &o.r_source, 0, XBTAB_SOLVE_MOST_OHM, "of a driver (0, or the tables')",
                 "OHM"),
        CLI_REAL("r-sink", '\0', &o.r_sink, 0, XBTAB_SOLVE_MOST_OHM,
                 "at a sensed line's foot (0, or the tables')", "OHM"),
        {"topology", '\0', POPT_ARG_STRING, &o.topology, 0,
         "word_line_input or gate_input (the first, or the tables')", "WORD"},
        {"polarity", '\0', POPT_ARG_STRING, &o.polarity, 0,
         "uniform or alternating: gate_input's second bit line is at -V (the first, or the tables')", "WORD"},
        {"drive", '\0', POPT_ARG_STRING, &o.drive, 0,
         "driven end of the word lines: left, right, both; of gate_input's bit lines: top, bottom, both",
         "END"},
        {"sense", '\0', POPT_ARG_STRING, &o.sense, 0, "sensed end of the bit (or source) lines: bottom, top",
         "END"},
        CLI_REAL("r-source-line", '\0', &o.r_source_line, 0, XBTAB_SOLVE_MOST_OHM,
                 "gate_input: of a source-line segment (0, or the tables')", "OHM"),
        CLI_REAL("read-voltage", '\0', &o.v_read, -XBTAB_SOLVE_MOST_VOLT, XBTAB_SOLVE_MOST_VOLT,
                 "gate_input: of the bit lines (the tables'); --voltages are the gates'", "V"),
        {"engine", '\0', POPT_ARG_STRING, &o.engine, 0, "solve (the default), spice, or table", "ENGINE"},
        {"models", '\0', POPT_ARG_STRING, &o.models, 0, "for ngspice: the user's own models too", "DIR"},
        {"json", '\0', POPT_ARG_NONE, &o.as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    int code = cli_parse(&context, argc, argv, options, "--resistances R.csv --voltages V.csv",
                         "xbartab solve --resistances R.csv --voltages V.csv --r-word 1 --r-bit 1 --json", 0,
                         0, arguments);
    if (code == CLI_DONE) code = check_options(&o);
    if (code == CLI_DONE) code = solve(&o);
    cli_finish(context, options);
    return code;
}
