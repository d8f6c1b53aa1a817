/* blas.c - opens OpenBLAS for the benchmark. */
#include "blas.h"

#include <stddef.h>
#include <string.h>

#include <dlfcn.h>

#include "cli.h"

static const char name[] = "libopenblas.so.0";

int cli_blas_open(cli_blas *blas)
{
    /* local: its CBLAS must not come before GSL's, which the library's fits go through */
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    const struct {
        const char *symbol;
        void *slot;
    } wants[] = {{"cblas_sgemm", &blas->sgemm},
                 {"openblas_set_num_threads", &blas->set_threads},
                 {"openblas_get_corename", &blas->core}};
    if (!library) return cli_fail("the benchmark needs OpenBLAS: %s", dlerror());
    for (size_t w = 0; w < sizeof wants / sizeof *wants; w++) {
        void *address = dlsym(library, wants[w].symbol);
        if (!address) return cli_fail("%s has no %s", name, wants[w].symbol);
        memcpy(wants[w].slot, &address, sizeof address);
    }
    return CLI_DONE;
}
