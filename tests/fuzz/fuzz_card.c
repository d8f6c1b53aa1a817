/* fuzz_card.c - a foundry's model cards made of anything, named by a tile's specification. */
#include "fuzz_file.h"

#include <xbartab/spec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static xbtab_models *models; /* read once */
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    char text[1024];
    xbtab_spec *spec = NULL;
    if (!models && xbtab_models_open(&models, &folder, 1) < 0) abort();
    const char *path = fuzz_file(data, n, ".card");
    snprintf(
        text, sizeof text,
        "name: t\ncell: {rram: {model: sinh}, selector: {model: nmos_card, card: %s}}\n"
        "levels: {count: 4, g_min: 1 uS, g_max: 10 uS}\narray: {rows: 8, columns: 8}\n"
        "wire: {word: 1 ohm, bit: 1 ohm}\ndac: {read_voltage: 200 mV}\ntia: {model: ideal}\nadc: {bits: 8}\n",
        path);
    if (xbtab_spec_parse(&spec, text, "/tmp/tile.yaml", models) < 0) fuzz_refused();
    xbtab_spec_destroy(&spec);
    unlink(path);
    return 0;
}
