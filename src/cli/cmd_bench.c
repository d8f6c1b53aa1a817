/* cmd_bench.c - the performance ratios, measured now, on this machine.
 *
 * The competitors take turns inside one run, so that a change of clock or load meets both, and the median
 * over the turns counts. A part is one function that measures and adds its object to the result. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/kernel.h>

#include "bench.h"
#include "cli.h"

static const struct {
    const char *name;
    int (*run)(json_t **result, const bench_options *options);
} parts[] = {
    {"kernel", bench_kernel}, {"program", bench_program}, {"threads", bench_threads},
    {"solve", bench_solve},   {"scale", bench_scale},
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

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
static void print_text(const char *before, const json_t *figures)
{
    const char *key;
    json_t *figure;
    json_object_foreach((json_t *)(uintptr_t)figures, key, figure)
    {
        char name[128];
        snprintf(name, sizeof name, "%s%s%s", before, *before ? "." : "", key);
        if (json_is_object(figure)) {
            print_text(name, figure);
        } else if (json_is_string(figure)) {
            printf("%-28s %s\n", name, json_string_value(figure));
        } else {
            printf("%-28s %.4g\n", name, json_number_value(figure));
        }
    }
}

int cmd_bench(int argc, const char **argv)
{
    bench_options o = {.largest = 1024};
    const char *cpu = NULL, *tile = NULL, *arguments[N_PARTS + 1];
    int as_json = 0;
    const struct poptOption options[] = {
        {"cpu", '\0', POPT_ARG_STRING, &cpu, 0, "kernel: c, avx2, avx512 or neon (the machine's best)",
         "ISA"},
        {"tile", '\0', POPT_ARG_STRING, &tile, 0,
         "solve, scale: specification of the cells (the default tile)", "SPEC.yaml"},
        CLI_WHOLE("largest", '\0', &o.largest, 64, 4096, "scale: side of the largest array (1024)", "N"),
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    bool wanted[N_PARTS] = {false};
    json_t *result = json_object();
    int code = cli_parse(&context, argc, argv, options,
                         "[PART...]; the parts: kernel, program, threads, solve, scale",
                         "xbartab bench kernel --json", 0, N_PARTS, arguments);
    for (int a = 0; code == CLI_DONE && arguments[a]; a++) {
        int k = 0;
        while (k < N_PARTS && strcmp(parts[k].name, arguments[a]) != 0) k++;
        if (k == N_PARTS) {
            code = cli_usage(argv[0], "%s: no such part", arguments[a]);
        } else {
            wanted[k] = true;
        }
    }
    if (code == CLI_DONE && cpu && !xbtab_kernel_find(cpu)) {
        code = cli_usage(argv[0],
                         "--cpu %s: c, avx2, avx512 and neon are known, and this machine must have it", cpu);
    }
    o.isa = cpu;
    o.tile = tile ? tile : cli_default_tile();
    for (int k = 0; k < N_PARTS && code == CLI_DONE; k++) {
        json_t *figures = NULL;
        if (arguments[0] && !wanted[k]) continue;
        code = parts[k].run(&figures, &o);
        if (code == CLI_DONE) json_object_set_new(result, parts[k].name, figures);
    }
    if (code == CLI_DONE && as_json) {
        code = cli_print_json(result);
        result = NULL;
    } else if (code == CLI_DONE) {
        print_text("", result);
    }
    json_decref(result);
    cli_finish(context, options);
    return code;
}
