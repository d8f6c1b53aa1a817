/* bench.h - the parts of the verb bench. */
#ifndef XBARTAB_CLI_BENCH_H
#define XBARTAB_CLI_BENCH_H

#include <stddef.h>

#include <jansson.h>

typedef struct bench_options {
    const char *isa;  /* of the kernel; NULL = the machine's best */
    const char *tile; /* specification of the solver's cells */
    int largest;      /* side of the scale's largest array */
} bench_options;

/** Each measures, and gives a new object of figures (SI units). @return an exit code; *result is set on
 * CLI_DONE. */
int bench_kernel(json_t **result, const bench_options *options);
int bench_program(json_t **result, const bench_options *options);
int bench_threads(json_t **result, const bench_options *options);
int bench_solve(json_t **result, const bench_options *options);
int bench_scale(json_t **result, const bench_options *options);

/** Median; sorts x. */
double bench_median(double *x, size_t n);

#endif
