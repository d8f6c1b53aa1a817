/* step4_crossbar.c - currents of a crossbar of resistors, wires included, without tables or ngspice. */
#include <stdio.h>

#include <xbartab/xbartab.h>

int main(void)
{
    enum { ROWS = 3, COLUMNS = 2 };
    static const double G[ROWS * COLUMNS] = {1e-4, 2e-4, 1e-4,
                                             5e-5, 0,    1e-4}; /* G[rows][columns] [S]; 0 = open */
    static const double V[ROWS] = {0.2, 0.2, 0.1};              /* V[rows][1] [V] */
    const xbtab_crossbar crossbar = {.rows = ROWS, .columns = COLUMNS, .r_word = 2.5, .r_bit = 2.5, .G = G};
    xbtab_solution solution;
    if (xbtab_crossbar_solve(&solution, &crossbar, V, 1) < 0)
        return fprintf(stderr, "%s\n", xbtab_error_message()), 1;
    for (int j = 0; j < COLUMNS; j++) printf("bit line %d: %.4f uA\n", j, 1e6 * solution.i_out[j]);
    xbtab_solution_clear(&solution);
    return 0;
}
