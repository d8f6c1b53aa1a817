/* cost_print.h - what a network or a system costs, as text and as JSON. */
#ifndef XBTAB_CLI_COST_PRINT_H
#define XBTAB_CLI_COST_PRINT_H

#include <jansson.h>
#include <xbartab/cost.h>

/** `arch show NAME --cost`. @return an exit code. */
int cost_print_arch(const xbtab_arch *arch, int as_json);

/** Contents of the key `cost`. */
json_t *cost_json(const xbtab_network_cost *cost);

void cost_print(const xbtab_network_cost *cost);

#endif
