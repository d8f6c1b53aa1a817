/* cmd_bench.c - the performance ratios, measured now, on this machine.
 *
 * The competitors take turns inside one run, so that a change of clock or load meets both, and the median
 * over the turns counts. A part is one function that measures and adds its object to the result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xbartab/kernel.h>

#include "bench.h"
#include "cmd.h"
#include "opt.h"

static int as_json;
static char *cpu;

static const struct poptOption options[] = {
    {"cpu", 0, POPT_ARG_STRING, &cpu, 0, "instruction set of the look-up kernel (default: the best)",
     "c|avx2|avx512"},
    {"json", 0, POPT_ARG_NONE, &as_json, 0, "print one JSON object", NULL},
    CLI_COMMON_OPTIONS,
};

static const struct {
    const char *name;
    int (*run)(json_t **result, const char *isa);
} parts[] = {
    {"kernel", bench_kernel},
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

static const cli_usage usage = {
    .verb = "bench",
    .arguments = "[PART...]",
    .summary = "Measures on this machine, one thread. Parts: kernel (the look-up product against OpenBLAS "
               "sgemm of the\n"
               "ideal product, 128x128, 1-bit inputs; correction, 8-bit ADC and shift-and-add included).",
    .example = "xbartab bench kernel --cpu avx2 --json",
    .options = options,
};

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* Text: one line a figure, "part.key  value". */
static void print_text(const json_t *result)
{
    const char *part, *key;
    json_t *figures, *figure;
    json_object_foreach((json_t *)result, part, figures)
    {
        json_object_foreach(figures, key, figure)
        {
            char name[64];
            snprintf(name, sizeof name, "%s.%s", part, key);
            if (json_is_string(figure))
                printf("%-28s %s\n", name, json_string_value(figure));
            else
                printf("%-28s %.4g\n", name, json_number_value(figure));
        }
    }
}

int cmd_bench(int argc, const char **argv)
{
    poptContext context;
    int code = cli_begin(&context, &usage, argc, argv);
    if (code != CLI_GO) return code;
    bool wanted[N_PARTS] = {false}, any = false;
    const char *name;
    while ((name = poptGetArg(context))) {
        int k = 0;
        while (k < N_PARTS && strcmp(parts[k].name, name) != 0) k++;
        if (k == N_PARTS) return cli_end(context, cli_wrong(&usage, "%s: no such part", name));
        wanted[k] = any = true;
    }
    if (cpu && !xbtab_kernel_find(cpu)) {
        code =
            cli_wrong(&usage, "--cpu %s: c, avx2 and avx512 are known, and this machine must have it", cpu);
        return cli_end(context, code);
    }
    json_t *result = json_object();
    code = CLI_DONE;
    for (int k = 0; k < N_PARTS && code == CLI_DONE; k++) {
        if (any && !wanted[k]) continue;
        json_t *figures = NULL;
        code = parts[k].run(&figures, cpu);
        if (code == CLI_DONE && json_object_set_new(result, parts[k].name, figures) != 0)
            code = cli_failed("out of memory");
    }
    if (code != CLI_DONE) {
        json_decref(result);
    } else if (as_json) {
        code = cli_json_print(result);
    } else {
        print_text(result);
        json_decref(result);
    }
    return cli_end(context, code);
}
