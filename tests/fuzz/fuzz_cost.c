/* fuzz_cost.c - component sheets and hierarchies made of anything; what one that is read adds up to is finite. */
#include <math.h>

#include "fuzz_file.h"

#include <xbartab/arch.h>
#include <xbartab/cost.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void finite_or_unknown(double x)
{
    if (isinf(x) || x < 0) abort();
}

static void read_sheet(const char *path)
{
    xbtab_components *s = NULL;
    if (xbtab_components_open(&s, path) < 0) {
        fuzz_refused();
        return;
    }
    for (size_t k = 0; k < xbtab_components_count(s); k++) {
        xbtab_part_values v;
        if (xbtab_components_evaluate(&v, s, xbtab_components_name(s, k), NULL, 0) < 0) abort();
        finite_or_unknown(v.energy);
        finite_or_unknown(v.delay);
        finite_or_unknown(v.power);
        finite_or_unknown(v.area);
    }
    xbtab_components_destroy(&s);
}

static void read_hierarchy(const char *text)
{
    static xbtab_models *models; /* read once */
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    xbtab_arch *arch = NULL;
    xbtab_hierarchy *h = NULL;
    xbtab_peak p;
    if (!models && xbtab_models_open(&models, &folder, 1) < 0) abort();
    if (xbtab_arch_parse(&arch, text, "fuzz.yaml", models) < 0 ||
        xbtab_hierarchy_open(&h, arch, XBARTAB_SOURCE_FOLDER "/data") < 0) {
        fuzz_refused();
    } else {
        xbtab_hierarchy_peak(h, &p);
        finite_or_unknown(p.ops_per_second);
        finite_or_unknown(p.ops_per_joule);
        finite_or_unknown(p.ops_per_second_area);
        finite_or_unknown(p.capacity);
    }
    xbtab_hierarchy_destroy(&h);
    xbtab_arch_destroy(&arch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = fuzz_text(data, n);
    read_sheet(fuzz_file(data, n, ".yaml"));
    read_hierarchy(text);
    free(text);
    return 0;
}
