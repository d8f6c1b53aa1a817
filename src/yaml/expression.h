/* expression.h - formulas that sheets state as text, such as "i0*exp(-gap/g0)*sinh(V/v0)".
 *
 * Numbers, names, + - * / ^ (to the right), parentheses, and the functions exp ln log10 sqrt abs sinh cosh
 * tanh asinh atan min(a,b) max(a,b). Names are case-sensitive only where two of the list differ in nothing
 * else. Compiled once to postfix and run over whole arrays. */
#ifndef XBTAB_CONFIG_EXPRESSION_H
#define XBTAB_CONFIG_EXPRESSION_H

#include <stddef.h>

#include "check.h"

typedef struct xbtab__expression xbtab__expression;

/** Compile a formula.
 *  @param[out] out    the caller owns it: xbtab__expression_destroy(). Untouched on failure.
 *  @param      names  names[n_names]: what it may use.
 *  @return XBTAB_ERR_INPUT (the message quotes the place), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__expression_create(xbtab__expression **out, const char *text, const char *const *names,
                                      int n_names) XBTAB_MUST_CHECK;
void xbtab__expression_destroy(xbtab__expression **expression);

/** Whether the formula uses a name. */
int xbtab__expression_uses(const xbtab__expression *expression, int name);

/** Doubles of scratch that a run over n values needs. */
size_t xbtab__expression_scratch(const xbtab__expression *expression, size_t n);

/** out[k] of n values. @param value  value[name] points to one double, or to n where is_array[name].
 *  Threads: safe with different scratch. */
void xbtab__expression_run(const xbtab__expression *expression, size_t n, const double *const *value,
                           const char *is_array, double *scratch, double *out);

#endif
