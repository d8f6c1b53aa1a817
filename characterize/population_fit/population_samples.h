/* population_samples.h - groups of samples about a conductance, and the family that suits them. */
#ifndef XBTAB_CHARACTERIZE_POPULATION_SAMPLES_H
#define XBTAB_CHARACTERIZE_POPULATION_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/** Samples of one level: conductances about `at`. */
typedef struct xbtab__group {
    double at;     /* [S] */
    double *value; /* value[n]: conductances [S] */
    size_t n;
} xbtab__group;

typedef struct xbtab__choice {
    int family;                       /* of xbtab_family */
    double bic_normal, bic_lognormal; /* summed over groups; lognormal INFINITY where it cannot be */
    int rejected_normal, rejected_lognormal, n_groups; /* by Anderson-Darling at 5 % */
} xbtab__choice;

/** Anderson and Darling's A*^2 for a normal of estimated mean and deviation (Stephens 1974, case 3): above
 * 0.752 it is rejected at 5 %. Sorts x. */
double xbtab__anderson_darling(double *x, size_t n);

/** Choose. @param wanted  -1 = by the criterion, else the family. */
xbtab_status xbtab__choose_family(xbtab__choice *out, const xbtab__group *group, int n,
                                  int wanted) XBTAB_MUST_CHECK;

/** "family: ..." and its curves or quantiles as lines of a sheet, each behind `indent`. */
xbtab_status xbtab__write_distribution(xbtab__text *text, const char *indent, const xbtab__choice *choice,
                                       const xbtab__group *group, int n) XBTAB_MUST_CHECK;

/** The choice in words, for a source line. */
void xbtab__describe_choice(char *out, size_t size, const xbtab__choice *choice);

#endif
