/* fuzz_curves.c - measured curves as text tables of anything, which a model is made of. The first byte
 * chooses the options. */
#include "fuzz_file.h"

#include <xbartab/measured.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t how = n ? data[0] : 0;
    const xbtab_measured_options options = {.is_odd = how & 1,
                                            .has_offset = how >> 1 & 1,
                                            .is_pooled = how >> 2 & 1,
                                            .n_pieces = how >> 3 & 3,
                                            .v_read = how >> 5 ? 0.05 * (how >> 5) : 0};
    char model[96];
    const char *path = fuzz_file(data + (n > 0), n - (n > 0), ".csv");
    snprintf(model, sizeof model, "%.*s.yaml", (int)strlen(path) - 4, path);
    if (xbtab_measured_model_write(model, path, &options, NULL) < 0) {
        fuzz_refused();
        if (access(model, F_OK) == 0) abort(); /* nothing is written then */
    }
    unlink(model);
    snprintf(model, sizeof model, "%.*s.sub", (int)strlen(path) - 4, path);
    unlink(model);
    unlink(path);
    return 0;
}
