/* fuzz_csv.c - text tables of numbers made of anything, read to their end, every field as a number. The first
 * byte chooses what the caller says of the file. */
#include <math.h>

#include "fuzz_file.h"

#include "heading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* @return false: refused. */
static bool read_row(xbtab__csv *t)
{
    char name[XBTAB__CSV_NAME_SIZE];
    for (int k = 0; k < t->n; k++) {
        double x;
        if (strlen(t->field[k]) > (size_t)XBTAB__CSV_LARGEST) abort();
        if (strchr(xbtab__csv_name(name, t, k), '\n')) abort();
        if (xbtab__csv_is_empty(t, k) || xbtab__csv_is_infinite(t, k)) continue;
        if (xbtab__csv_number(&x, t, k, "number") < 0) {
            fuzz_refused();
            return false;
        }
        if (!isfinite(x)) abort();
    }
    return true;
}

/* What the names of the columns could mean. */
static void read_headings(const xbtab__csv *t)
{
    static const xbtab__heading *const headings[] = {&xbtab__heading_voltage, &xbtab__heading_temperature,
                                                     &xbtab__heading_pulse, &xbtab__heading_curve};
    for (int k = 0; k < t->n_names; k++) {
        const xbtab__heading *h = headings[k % 4];
        xbtab__heading_unit unit;
        xbtab__heading_is(t, k, h);
        if (xbtab__heading_read_unit(&unit, t, k, h->name[0], h->unit) < 0) fuzz_refused();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char delimiters[] = {0, ',', ';', '\t', ' '};
    const uint8_t how = n ? data[0] : 0;
    const xbtab__csv_options options = {.delimiter = delimiters[how % 5],
                                        .header = (xbtab__csv_header)(how / 5 % 3),
                                        .decisive = how / 15 % 3};
    xbtab__csv t;
    char names[256];
    const size_t from = n > 0;
    if (xbtab__csv_open_text(&t, "fuzz.csv", (const char *)data + from, n - from, &options) < 0) {
        fuzz_refused();
        xbtab__csv_close(&t);
        return 0;
    }
    if (strchr(xbtab__csv_names(names, sizeof names, &t), '\n')) abort();
    read_headings(&t);
    size_t line = 0;
    do {
        if (xbtab__csv_next(&t) < 0) {
            fuzz_refused();
            break;
        }
        if (t.n > 0 && t.line <= line) abort(); /* lines go on */
        line = t.line;
    } while (t.n > 0 && read_row(&t));
    xbtab__csv_close(&t);
    return 0;
}
