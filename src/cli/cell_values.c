/* cell_values.c - what the user's files say of an array's cells. */
#include "cell_values.h"

#include <math.h>
#include <stdio.h>

#include <xbartab/solve.h>

#include "cli.h"

/* RRAM conducts some uS to some mS. */
static const double most_siemens = 1;

int cli_to_conductances(xbtab_grid *m, const char *path, cli_cells kind, const double *G_level,
                        size_t n_levels)
{
    bool is_told = false;
    for (size_t k = 0; k < m->rows * m->columns; k++) {
        double x = m->x[k];
        size_t line = m->line[k / m->columns], column = k % m->columns + 1;
        if (kind == CLI_LEVELS && (x != floor(x) || x < 0 || x >= (double)n_levels)) {
            return cli_fail("%s:%zu: level %g is not one of 0 to %zu (column %zu)", path, line, x,
                            n_levels - 1, column);
        }
        if (kind == CLI_RESISTANCES && (!(x > 0) || !xbtab_solve_takes_siemens(1.0 / x))) {
            return cli_fail("%s:%zu: a resistance of %g ohm (column %zu); %g to %g ohm, or inf is allowed",
                            path, line, x, column, 1 / XBTAB_SOLVE_MOST_SIEMENS,
                            1 / XBTAB_SOLVE_LEAST_SIEMENS);
        }
        if (kind == CLI_CONDUCTANCES && !xbtab_solve_takes_siemens(x)) {
            return cli_fail("%s:%zu: a conductance of %g S (column %zu); 0 (open), or %g to %g S is allowed",
                            path, line, x, column, XBTAB_SOLVE_LEAST_SIEMENS, XBTAB_SOLVE_MOST_SIEMENS);
        }
        if (kind == CLI_CONDUCTANCES && x > most_siemens && !is_told) {
            fprintf(stderr,
                    "%s:%zu: a conductance of %g S (column %zu), beyond %g S: is the file in siemens?\n",
                    path, line, x, column, most_siemens);
            is_told = true;
        }
        if (kind == CLI_LEVELS) m->x[k] = G_level[(size_t)x];
        if (kind == CLI_RESISTANCES) m->x[k] = isinf(x) ? 0.0 : 1.0 / x;
    }
    return CLI_DONE;
}
