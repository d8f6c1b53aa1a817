/* fuzz_expression.c - formulas of sheets made of anything; those that compile are run. */
#include "fuzz_file.h"

#include "expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum { N = 3 };
    static const char *const names[] = {"V", "gap", "i0", "g0"};
    static const double V[N] = {-0.5, 0, 1e3}, one[] = {2.385, 1e-9, -7};
    const double *const value[] = {V, &one[0], &one[1], &one[2]};
    const char is_array[] = {1, 0, 0, 0};
    double out[N];
    xbtab__expression *expression = NULL;
    char *text = fuzz_text(data, n);
    if (xbtab__expression_create(&expression, text, names, 4) < 0) {
        fuzz_refused();
    } else {
        double *scratch = malloc((xbtab__expression_scratch(expression, N) + 1) * sizeof *scratch);
        if (!scratch) abort();
        xbtab__expression_run(expression, N, value, is_array, scratch, out);
        free(scratch);
    }
    xbtab__expression_destroy(&expression);
    free(text);
    return 0;
}
