/* fuzz_population.c - sheets of populations made of anything; what one that is read draws are conductances.
 */
#include <math.h>

#include "fuzz_file.h"

#include <xbartab/population.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void draw(const xbtab_population *p)
{
    static const double times[] = {0, 1, 86400, 3e8};
    for (uint32_t k = 0; k < 8; k++) {
        xbtab_device d;
        xbtab_written w;
        xbtab_device_draw(&d, p, 7, k / 4, k);
        xbtab_device_write(&w, p, &d, p->G_min + (p->G_max - p->G_min) * k / 7, k % 3, k % 2 ? 1e6 : 0);
        const double G = xbtab_device_conductance(p, &d, &w, times[k % 4], p->temperature);
        if (!(G >= 0)) abort();
        (void)xbtab_read_noise_sigma(p, G, times[k % 4]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab_population *p = NULL;
    char *text = fuzz_text(data, n);
    if (xbtab_population_parse(&p, text, "fuzz.yaml") < 0) {
        fuzz_refused();
    } else {
        draw(p);
    }
    xbtab_population_destroy(&p);
    free(text);
    return 0;
}
