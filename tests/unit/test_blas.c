/* test_blas.c - which BLAS the library's fits go through. OpenBLAS has the same names as GSL's plain CBLAS,
 * and its results differ in the last bits between processors and numbers of threads; whoever links the
 * library as the program does must not get it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include <gsl/gsl_cblas.h>

static void the_fits_have_gsl_s_own(void **state)
{
    (void)state;
    void *const functions[] = {(void *)(uintptr_t)cblas_dgemv, (void *)(uintptr_t)cblas_dgemm,
                               (void *)(uintptr_t)cblas_dtrsv, (void *)(uintptr_t)cblas_dnrm2};
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        Dl_info info;
        assert_int_not_equal(dladdr(functions[k], &info), 0);
        if (!strstr(info.dli_fname, "gslcblas")) fail_msg("%s comes from %s", info.dli_sname, info.dli_fname);
    }
}

static int find_blas(struct dl_phdr_info *info, size_t size, void *found)
{
    (void)size;
    if (strstr(info->dlpi_name, "openblas")) *(const char **)found = info->dlpi_name;
    return 0;
}

static void nothing_loads_openblas(void **state)
{
    (void)state;
    const char *found = NULL;
    dl_iterate_phdr(find_blas, &found);
    if (found) fail_msg("%s is loaded with the program", found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_fits_have_gsl_s_own),
                                       cmocka_unit_test(nothing_loads_openblas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
