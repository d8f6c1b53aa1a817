/* fuzz_spec.c - tile specifications made of anything. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <xbartab/spec.h>

#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static xbtab_models *models; /* read once */
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_spec *spec = NULL;
    if (!models && xbtab_models_open(&models, &folder, 1) < 0) abort();
    const char *path = fuzz_file(data, n, ".yaml");
    if (xbtab_spec_open(&spec, path, models) < 0 && !xbtab_error_message()[0]) abort();
    xbtab_spec_destroy(&spec);
    unlink(path);
    return 0;
}
