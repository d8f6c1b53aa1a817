/* explain_plot.c - an explanation as bars. */
#include "explain_plot.h"

#include "cli.h"
#include "plot.h"

static void write_costs(FILE *script, const xbtab_explanation *x, bool left_out)
{
    int at = 0;
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) {
        const xbtab_explained_effect *e = &x->effect[k];
        if (!e->is_present) continue;
        const xbtab_cost *c = left_out ? &e->left_out : &e->alone;
        fprintf(script, "%g \"%s\" %g %g\n", at++ + (left_out ? 0.2 : -0.2),
                xbtab_effect_word((xbtab_effect)k), c->is_given ? 100 * c->points : 0.0,
                c->is_given ? 100 * c->error : 0.0);
    }
    fprintf(script, "e\n");
}

int cli_plot_explanation(const char *path, const xbtab_explanation *x)
{
    cli_plot plot;
    int code = cli_plot_begin(&plot, path, 900, 480);
    if (code != CLI_DONE) return code == CLI_USAGE ? CLI_DONE : code;
    fprintf(plot.script,
            "set style fill solid 0.7\nset boxwidth 0.38\nset grid y\nset ylabel 'points of accuracy'\n"
            "set xtics rotate by -25\nset key top left\nset xzeroaxis lt -1\n"
            "set title 'float %.2f %%, integers %.2f %%, all effects %.2f %%'\n"
            "plot '-' using 1:3:xtic(2) with boxes title 'lost by it alone', '-' using 1:3:4 with yerrorbars "
            "pt 0 lc "
            "-1 notitle, '-' using 1:3 with boxes title 'won when left out', '-' using 1:3:4 with yerrorbars "
            "pt 0 lc "
            "-1 notitle\n",
            100 * x->accuracy_float, 100 * x->accuracy_integer, 100 * x->accuracy_all);
    for (int k = 0; k < 4; k++) write_costs(plot.script, x, k >= 2);
    return cli_plot_end(&plot);
}
