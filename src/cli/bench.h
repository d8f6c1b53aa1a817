/* bench.h - the parts of the verb bench. */
#ifndef XBARTAB_CLI_BENCH_H
#define XBARTAB_CLI_BENCH_H

#include <stddef.h>

#include <jansson.h>

/** Each measures, and gives a new object of figures (SI units). @return an exit code; *result is set on
 * CLI_DONE. */
int bench_kernel(json_t **result, const char *isa);
int bench_program(json_t **result, const char *isa);
int bench_threads(json_t **result, const char *isa);

/** Median; sorts x. */
double bench_median(double *x, size_t n);

#endif
