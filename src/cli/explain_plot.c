/* explain_plot.c - an explanation as bars: points of accuracy, and how far the outputs move. */
#include "explain_plot.h"

#include "cli.h"
#include "plot.h"

/* A block of lines: place, effect, value, standard error. */
static void write_costs(FILE *script, const char *name, const xbtab_explanation *x, bool left_out)
{
    int at = 0;
    fprintf(script, "$%s << E\n", name);
    for (int k = 0; k < XBTAB_N_EFFECTS; k++) {
        const xbtab_explained_effect *e = &x->effect[k];
        if (!e->is_present) continue;
        const xbtab_cost *c = left_out ? &e->left_out : &e->alone;
        fprintf(script, "%g \"%s\" %g %g %g\n", at++ + (left_out ? 0.2 : -0.2),
                xbtab_effect_word((xbtab_effect)k), c->is_given ? 100 * c->points : 0.0,
                c->is_given ? 100 * c->error : 0.0, c->is_given ? 100 * c->change : 0.0);
    }
    fprintf(script, "E\n");
}

int cli_plot_explanation(const char *path, const xbtab_explanation *x)
{
    cli_plot plot;
    int code = cli_plot_begin(&plot, path, 900, 760);
    if (code != CLI_DONE) return code == CLI_USAGE ? CLI_DONE : code;
    write_costs(plot.script, "alone", x, false);
    write_costs(plot.script, "without", x, true);
    fprintf(plot.script,
            "set style fill solid 0.7\nset boxwidth 0.38\nset grid y\nset xtics rotate by -25 noenhanced\n"
            "set key top left\nset xzeroaxis lt -1\nset multiplot layout 2,1\n"
            "set ylabel 'points of accuracy'\nset yrange [*<-1:1<*]\n"
            "set title 'float %.2f %%, integers %.2f %%, all effects %.2f %%'\n"
            "plot $alone using 1:3:xtic(2) with boxes title 'lost by it alone', "
            "$alone using 1:3:4 with yerrorbars pt 0 lc -1 notitle, "
            "$without using 1:3 with boxes title 'won when left out', "
            "$without using 1:3:4 with yerrorbars pt 0 lc -1 notitle\n",
            100 * x->accuracy_float, 100 * x->accuracy_integer, 100 * x->accuracy_all);
    fprintf(plot.script,
            "set ylabel 'outputs off [%%]'\nset yrange [0:1<*]\n"
            "set title 'network outputs off those of exact integers (rms); %.2f %% with all effects'\n"
            "plot $alone using 1:5:xtic(2) with boxes title 'by it alone', "
            "$without using 1:5 with boxes title 'by all others'\nunset multiplot\n",
            100 * x->change_all);
    return cli_plot_end(&plot);
}
