/* fuzz_arch.c - architecture presets made of anything, and keys set in them as sweep does. */
#include "fuzz_file.h"

#include <xbartab/arch.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ignore(const char *line, void *payload)
{
    (void)line;
    (void)payload;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static xbtab_models *models; /* read once */
    static const char *const keys[] = {"tile.adc.bits", "scheme.weights", "networks[0].limit"};
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_arch *arch = NULL;
    char *text = fuzz_text(data, n), *changed = NULL;
    if (!models && xbtab_models_open(&models, &folder, 1) < 0) abort();
    if (xbtab_arch_parse(&arch, text, "fuzz.yaml", models) < 0) {
        fuzz_refused();
    } else {
        (void)xbtab_arch_warn(arch, ignore, NULL);
        if (xbtab_arch_adc_bits(arch) < 1 || xbtab_arch_cell_bits(arch) < 1) abort();
        (void)xbtab_arch_adc_bits_needed(arch);
    }
    if (xbtab_config_set(&changed, text, "fuzz.yaml", keys[n % 3], "7") < 0) fuzz_refused();
    free(changed);
    xbtab_arch_destroy(&arch);
    free(text);
    return 0;
}
