/* tape_parts.c - what steps are set up with and run by: parameters, threads, and an exponential. */
#include <math.h>
#include <string.h>

#include <omp.h>

#include "memory.h"
#include "tape.h"

int xbtab__tape_add_parameter(xbtab__tape *t, const char *name, const float *value, size_t size, size_t rows)
{
    xbtab__parameter *grown = xbtab__realloc(t->parameter, (size_t)t->n_parameters + 1, sizeof *grown);
    if (!grown) return -1;
    t->parameter = grown;
    xbtab__parameter *p = &grown[t->n_parameters++];
    *p = (xbtab__parameter){.name = name, .size = size, .rows = rows};
    p->value = xbtab__alloc_aligned(size, sizeof *p->value);
    p->used = xbtab__alloc_aligned(size, sizeof *p->used);
    p->gradient = xbtab__alloc_aligned(size, sizeof *p->gradient);
    if (!p->value || !p->used || !p->gradient) return -1;
    memcpy(p->value, value, size * sizeof *value);
    memcpy(p->used, value, size * sizeof *value);
    return t->n_parameters - 1;
}

void xbtab__tape_share(const xbtab__tape *t, size_t n,
                       void (*work)(const void *context, size_t item, int thread), const void *context)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (size_t k = 0; k < n; k++) work(context, k, omp_get_thread_num());
}

double xbtab__train_exp(double x)
{
    const double log2_e = 1.44269504088896340736, high = 0x1.62e42fefap-1,
                 low = 0x1.cf79abc9e3b3ap-40; /* ln 2 */
    if (x < -700) return 0;
    if (x > 700) x = 700;
    double whole = rint(x * log2_e), r = (x - whole * high) - whole * low, sum = 1;
    for (int k = 14; k > 0; k--) sum = 1 + r * sum / k; /* |r| < 0.35: the next term is below 1e-18 */
    return ldexp(sum, (int)whole);
}
