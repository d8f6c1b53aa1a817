/* fuzz_sub.c - subcircuits made of anything, beside the sheet of a model that the project has. */
#include "fuzz_file.h"

#include <xbartab/models.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char *sheet;
    static size_t n_sheet;
    xbtab_models *models = NULL;
    if (!sheet) sheet = fuzz_project_file("devicemodels/rram/sinh.yaml", &n_sheet);
    const char *folder = fuzz_model(data, n, sheet, n_sheet);
    if (xbtab_models_open(&models, &folder, 1) < 0) fuzz_refused();
    xbtab_models_destroy(&models);
    fuzz_remove_model(folder);
    return 0;
}
