/* test_blas.c - which BLAS the programs really call. GSL brings a plain CBLAS with the same names as
 * OpenBLAS; when it comes first on the link line, everything still works, ten times as slowly, and every
 * figure against sgemm is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <string.h>

#include <cblas.h>

static void sgemm_is_openblas(void **state)
{
    (void)state;
    Dl_info info;
    assert_int_not_equal(dladdr((void *)(uintptr_t)cblas_sgemm, &info), 0);
    if (!strstr(info.dli_fname, "openblas")) fail_msg("cblas_sgemm comes from %s", info.dli_fname);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sgemm_is_openblas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
