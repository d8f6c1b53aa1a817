/* cell_values.h - what the user's files say of an array's cells. */
#ifndef XBTAB_CLI_CELL_VALUES_H
#define XBTAB_CLI_CELL_VALUES_H

#include <xbartab/grid.h>

typedef enum cli_cells { CLI_LEVELS = 0, CLI_CONDUCTANCES = 1, CLI_RESISTANCES = 2 } cli_cells;

/** Levels, resistances [ohm] (INFINITY is open) or conductances [S] (0 is open) into conductances, in place.
 *  @param path     of the file they came from. @param G_level  G_level[n_levels]: levels only.
 *  @return an exit code, after a line on stderr: a value that cannot be. A conductance beyond 1 S is said. */
int cli_to_conductances(xbtab_grid *m, const char *path, cli_cells kind, const double *G_level,
                        size_t n_levels);

#endif
