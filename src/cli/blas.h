/* blas.h - OpenBLAS, for the benchmark alone: opened while it runs. The program is not linked to it, because
 * it starts threads and takes address space as it is loaded, and because its results differ in the last bits
 * between processors and numbers of cores. */
#ifndef XBARTAB_CLI_BLAS_H
#define XBARTAB_CLI_BLAS_H

#include <gsl/gsl_cblas.h>

typedef struct cli_blas {
    void (*sgemm)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE a, enum CBLAS_TRANSPOSE b, int m, int n, int k,
                  float alpha, const float *A, int lda, const float *B, int ldb, float beta, float *C,
                  int ldc);
    void (*set_threads)(int n);
    char *(*core)(void); /* whose kernels it chose; its own text */
} cli_blas;

/** Open it; it stays until the process ends. @return an exit code; CLI_FAILED where it is not installed. */
int cli_blas_open(cli_blas *blas);

#endif
