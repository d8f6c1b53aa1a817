/* compare_print.h - a comparison's pairs as text, JSON and CSV. */
#ifndef XBTAB_CLI_COMPARE_PRINT_H
#define XBTAB_CLI_COMPARE_PRINT_H

#include <stdbool.h>

#include <xbartab/pairs.h>

/** The pairs and where they work. */
void cli_list_pairs(const xbtab_pairs *pairs);

/** What was found of each, with what an image costs where the comparison had a network. The last two return an
 * exit code. */
void cli_print_pairs(const xbtab_pairs *pairs, bool has_cost);
int cli_print_pairs_json(const xbtab_pairs *pairs, int size, bool has_cost);
int cli_write_pairs_csv(const xbtab_pairs *pairs, const char *path, bool has_cost);

#endif
