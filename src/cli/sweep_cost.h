/* sweep_cost.h - the front of a sweep with costs, and its best row. */
#ifndef XBTAB_CLI_SWEEP_COST_H
#define XBTAB_CLI_SWEEP_COST_H

#include <jansson.h>
#include <xbartab/sweep.h>

/* Start with {0}. */
typedef struct cli_sweep_cost {
    const char *best_text, *within_text, *front_text; /* as given; NULL = not */
    xbtab_sweep_figure best;                          /* (energy) */
    double within;                                    /* share of the images (0.01) */
    unsigned front;                                   /* figures, as of xbtab_sweep_front() */
    unsigned char *on_front;                          /* of each row */
    ptrdiff_t best_row;                               /* -1 = none */
} cli_sweep_cost;

/** Read the texts. @return CLI_DONE, or CLI_USAGE after a line on stderr. */
int cli_sweep_cost_take(cli_sweep_cost *cost);

/** Find the front and the best row of a sweep that has run. @return an exit code. */
int cli_sweep_cost_find(cli_sweep_cost *cost, const xbtab_sweep *sweep);
void cli_sweep_cost_clear(cli_sweep_cost *cost);

/** The front's figures and the best row. */
void cli_sweep_cost_print(const cli_sweep_cost *cost, const xbtab_sweep *sweep);

/** The same as keys of an object. */
void cli_sweep_cost_json(json_t *to, const cli_sweep_cost *cost);

#endif
