/* fuzz_csv.c - text tables made of anything. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "heading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const xbtab__heading *const headings[] = {&xbtab__heading_voltage, &xbtab__heading_temperature,
                                                     &xbtab__heading_pulse, &xbtab__heading_curve};
    char names[128];
    double x;
    xbtab__csv t;
    xbtab_status status = xbtab__csv_open_text(&t, "fuzz", (const char *)data, n, NULL);
    for (int k = 0; k < t.n_names && k < 64 && status == XBTAB_OK; k++) {
        const xbtab__heading *h = headings[k % 4];
        xbtab__heading_unit unit;
        xbtab__heading_is(&t, k, h);
        if (xbtab__heading_read_unit(&unit, &t, k, h->name[0], h->unit) < 0 && !xbtab_error_message()[0])
            abort();
    }
    if (status == XBTAB_OK) xbtab__csv_names(names, sizeof names, &t);
    while (status == XBTAB_OK && (status = xbtab__csv_next(&t)) == XBTAB_OK && t.n > 0) {
        for (int k = 0; k < t.n; k++) {
            if (xbtab__csv_number(&x, &t, k, "value") == XBTAB_OK && !isfinite(x)) abort();
        }
    }
    if (status < 0 && !xbtab_error_message()[0]) abort();
    xbtab__csv_close(&t);
    return 0;
}
