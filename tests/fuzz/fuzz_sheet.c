/* fuzz_sheet.c - sheets of models made of anything, beside a subcircuit that the project has. */
#include "fuzz_file.h"

#include <xbartab/models.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char *sub;
    static size_t n_sub;
    xbtab_models *models = NULL;
    if (!sub) sub = fuzz_project_file("devicemodels/rram/sinh.sub", &n_sub);
    const char *folder = fuzz_model(sub, n_sub, data, n);
    if (xbtab_models_open(&models, &folder, 1) < 0) fuzz_refused();
    xbtab_models_destroy(&models);
    fuzz_remove_model(folder);
    return 0;
}
