/* fuzz_calibration.c - specifications of fits made of anything: of a model to sweeps and pulses, and of a
 * population. */
#include "fuzz_file.h"

#include "calibrate_private.h"
#include "population_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static xbtab_models *models; /* read once */
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab__calibration *calibration = NULL;
    xbtab__population_spec *population = NULL;
    if (!models && xbtab_models_open(&models, &folder, 1) < 0) abort();
    const char *path = fuzz_file(data, n, ".yaml");
    if (xbtab__calibration_open(&calibration, path, models) < 0) {
        fuzz_refused();
    } else {
        xbtab__calibration_destroy(&calibration);
    }
    if (xbtab__population_spec_open(&population, path) < 0) {
        fuzz_refused();
    } else {
        xbtab__population_spec_destroy(&population);
    }
    unlink(path);
    return 0;
}
