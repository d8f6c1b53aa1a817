/* sweep_plot.c - accuracies of a sweep as a picture. */
#include "sweep_plot.h"

#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "plot.h"

/* Points of one line: the rows that share all but the first key with row `first`. */
static void put_line(const xbtab_sweep *s, FILE *f, size_t first, xbtab_sweep_figure figure)
{
    size_t n_keys;
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    const size_t step = xbtab_sweep_rows(s) / (size_t)key[0].n;
    for (int v = 0; v < key[0].n; v++) {
        const xbtab_sweep_row *row = xbtab_sweep_row_get(s, first + (size_t)v * step);
        if (!isnan(row->figure[figure])) fprintf(f, "%d %.17g\n", v, 100 * row->figure[figure]);
    }
    fprintf(f, "e\n");
}

static void put_title(const xbtab_sweep *s, FILE *f, size_t first, const char *what)
{
    char title[512];
    size_t n_keys, n = (size_t)snprintf(title, sizeof title, "%s", what);
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    const xbtab_sweep_row *row = xbtab_sweep_row_get(s, first);
    for (size_t k = 1; k < n_keys && n < sizeof title; k++)
        n += (size_t)snprintf(title + n, sizeof title - n, ", %s=%s", key[k].key,
                              key[k].value[row->choice[k]]);
    fprintf(f, "'-' with linespoints title ");
    cli_plot_text(f, title);
}

/* Rows of the front, or the others: energy, accuracy and, of the front, the values. */
static void put_points(const xbtab_sweep *s, FILE *f, const cli_sweep_cost *cost, bool on_front,
                       bool is_named)
{
    size_t n_keys;
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    for (size_t r = 0; r < xbtab_sweep_rows(s); r++) {
        const xbtab_sweep_row *row = xbtab_sweep_row_get(s, r);
        if (isnan(row->figure[XBTAB_SWEEP_ENERGY]) || (cost->on_front[r] != 0) != on_front) continue;
        fprintf(f, "%.17g %.17g", 1e6 * row->figure[XBTAB_SWEEP_ENERGY], 100 * row->figure[XBTAB_SWEEP_MODE]);
        if (is_named) {
            char name[512];
            size_t n = 0;
            for (size_t k = 0; k < n_keys && n < sizeof name; k++)
                n += (size_t)snprintf(name + n, sizeof name - n, "%s%s", k ? ", " : "",
                                      key[k].value[row->choice[k]]);
            for (char *c = name; *c; c++)
                if (*c == '"') *c = '\'';
            fprintf(f, " \"%s\"", name);
        }
        fprintf(f, "\n");
    }
    fprintf(f, "e\n");
}

static void plot_front(const xbtab_sweep *s, FILE *f, const cli_sweep_cost *cost)
{
    fprintf(f, "set xlabel 'energy an image [uJ]'\nset xtics auto\nset xrange [*:*]\nset yrange [0:105]\nset offsets graph 0.05, graph 0.1, 0, 0\n");
    fprintf(f, "plot '-' with points pt 6 title 'runs', '-' with points pt 7 title 'Pareto front', "
               "'-' using 1:2:3 with labels noenhanced left offset 1,-0.5 notitle\n");
    put_points(s, f, cost, false, false);
    put_points(s, f, cost, true, false);
    put_points(s, f, cost, true, true);
    fprintf(f, "unset multiplot\n");
}

int cli_plot_sweep(const xbtab_sweep *s, const char *mode, const cli_sweep_cost *cost, const char *path)
{
    size_t n_keys;
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    const size_t lines = xbtab_sweep_rows(s) / (size_t)key[0].n;
    const int legend = 2 * lines < 100 ? (int)(2 * lines) : 100; /* a line each, below the picture */
    cli_plot plot;
    int code = cli_plot_begin(&plot, path, cost ? 1600 : 900, 600 + 20 * legend);
    if (code != CLI_DONE) return code == CLI_USAGE ? CLI_DONE : code;
    FILE *f = plot.script;
    if (cost) fprintf(f, "set multiplot layout 1,2\n");
    fprintf(f, "set xlabel ");
    cli_plot_text(f, key[0].key);
    fprintf(f, " noenhanced\nset ylabel 'accuracy [%%]'\nset key bmargin center maxcols 1 noenhanced\n");
    fprintf(f, "set grid\nset yrange [0:101]\nset xrange [-0.5:%g]\nset xtics noenhanced (", key[0].n - 0.5);
    for (int v = 0; v < key[0].n; v++) {
        if (v) fprintf(f, ", ");
        cli_plot_text(f, key[0].value[v]);
        fprintf(f, " %d", v);
    }
    fprintf(f, ")\nplot ");
    for (size_t l = 0; l < lines; l++) {
        if (l) fprintf(f, ", ");
        put_title(s, f, l, "ideal");
        fprintf(f, ", ");
        put_title(s, f, l, mode);
    }
    fprintf(f, "\n");
    for (size_t l = 0; l < lines; l++) {
        put_line(s, f, l, XBTAB_SWEEP_IDEAL);
        put_line(s, f, l, XBTAB_SWEEP_MODE);
    }
    if (cost) plot_front(s, f, cost);
    return cli_plot_end(&plot);
}
