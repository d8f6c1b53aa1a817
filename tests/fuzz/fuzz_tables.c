/* fuzz_tables.c - table files made of anything. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <xbartab/tables.h>

#include "fuzz_file.h"

/* HDF5 loses some blocks of its own when a file is broken; what we allocate is still checked. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab_tables *tables = NULL;
    const char *path = fuzz_file(data, n, ".h5");
    if (xbtab_tables_open(&tables, path) < 0 && !xbtab_error_message()[0]) abort();
    xbtab_tables_destroy(&tables);
    unlink(path);
    return 0;
}
