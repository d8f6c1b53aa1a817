/* cmd_netlist.c - netlist SPEC.yaml -o FILE.cir. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/characterize.h>
#include <xbartab/netlist.h>

#include "cell_values.h"
#include "cli.h"

/* Conductance of every cell: from levels, from conductances, or all at the highest level. */
static int choose_conductances(const xbtab_spec *spec, const char *levels, const char *conductances,
                               xbtab_grid *G)
{
    const char *path = levels ? levels : conductances;
    if (!path) {
        if (xbtab_grid_create(G, (size_t)spec->rows, (size_t)spec->columns) < 0) return cli_failed();
        for (size_t c = 0; c < G->rows * G->columns; c++) G->x[c] = spec->G_level[spec->n_levels - 1];
        return CLI_DONE;
    }
    if (xbtab_grid_read(G, path, 0) < 0) return cli_failed();
    if (G->rows != (size_t)spec->rows || G->columns != (size_t)spec->columns) {
        return cli_fail("%s: %zu x %zu numbers; the tile has %d x %d cells", path, G->rows, G->columns,
                        spec->rows, spec->columns);
    }
    return cli_to_conductances(G, path, levels ? CLI_LEVELS : CLI_CONDUCTANCES, spec->G_level,
                               (size_t)spec->n_levels);
}

static int choose_voltages(const xbtab_spec *spec, const char *path, xbtab_grid *V)
{
    if (!path) {
        if (xbtab_grid_create(V, (size_t)spec->rows, 1) < 0) return cli_failed();
        for (int i = 0; i < spec->rows; i++)
            V->x[i] = xbtab_spec_input_voltage(spec, i, (1 << spec->dac_bits) - 1);
        return CLI_DONE;
    }
    if (xbtab_grid_read(V, path, 0) < 0) return cli_failed();
    if (V->rows != (size_t)spec->rows)
        return cli_fail("%s: %zu lines; the tile has %d word lines", path, V->rows, spec->rows);
    return CLI_DONE;
}

static int write_netlist(const xbtab_spec *spec, const xbtab_grid *G, const xbtab_grid *V, const char *output)
{
    char *text = NULL;
    size_t n = G->rows * G->columns;
    double *state = malloc(n * sizeof *state);
    if (!state) return cli_fail("out of memory");
    int code = CLI_DONE;
    if (xbtab_find_states(spec, state, G->x, (int)n) < 0 ||
        xbtab_netlist_crossbar(&text, spec, state, V->x, (int)V->columns) < 0) {
        code = cli_failed();
    } else if (strcmp(output, "-") == 0) {
        fputs(text, stdout);
    } else {
        code = cli_write_text(output, text);
    }
    free(state);
    xbtab_netlist_free(&text);
    return code;
}

int cmd_netlist(int argc, const char **argv)
{
    const char *folder = NULL, *output = NULL, *levels = NULL, *conductances = NULL, *voltages = NULL,
               *arguments[2];
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &output, 0, "netlist to write (- = stdout)", "FILE.cir"},
        {"levels", '\0', POPT_ARG_STRING, &levels, 0, "level of each cell, a line a word line", "L.csv"},
        {"conductances", '\0', POPT_ARG_STRING, &conductances, 0, "conductance of each cell [S], 0 = open",
         "G.csv"},
        {"voltages", '\0', POPT_ARG_STRING, &voltages, 0, "a line a word line, a column an input vector [V]",
         "V.csv"},
        {"models", '\0', POPT_ARG_STRING, &folder, 0, "the user's own models too", "DIR"},
        POPT_TABLEEND};
    poptContext context;
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    xbtab_grid G = {0}, V = {0};
    int code = cli_parse(&context, argc, argv, options, "SPEC.yaml -o FILE.cir",
                         "xbartab netlist data/tiles/default.yaml -o tile.cir && ngspice -b tile.cir", 1, 1,
                         arguments);
    if (code != CLI_DONE) goto done;
    if (!output || (levels && conductances)) {
        code = cli_usage(argv[0], output ? "--levels and --conductances exclude each other"
                                         : "-o FILE.cir is missing");
        goto done;
    }
    if (strcmp(output, "-") != 0 && (code = cli_check_output(output)) != CLI_DONE) goto done;
    if (xbtab_models_open_with(&models, folder) < 0 || xbtab_spec_open(&spec, arguments[0], models) < 0 ||
        xbtab_spec_size_selector(spec) < 0) {
        code = cli_failed();
        goto done;
    }
    code = choose_conductances(spec, levels, conductances, &G);
    if (code == CLI_DONE) code = choose_voltages(spec, voltages, &V);
    if (code == CLI_DONE) code = write_netlist(spec, &G, &V, output);
done:
    xbtab_grid_clear(&G);
    xbtab_grid_clear(&V);
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
