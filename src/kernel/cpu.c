/* cpu.c - which variant of the kernel this machine runs. */
#include <stddef.h>
#include <string.h>

#include "kernel_private.h"

#if defined(__x86_64__)
static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static int always(void)
{
    return 1;
}

/* Best first. */
static const struct {
    const xbtab_kernel_functions *functions;
    int (*is_there)(void);
} variants[] = {
#if defined(__x86_64__)
    {&xbtab__kernel_avx512, has_avx512},
    {&xbtab__kernel_avx2, has_avx2},
#endif
#if defined(__aarch64__)
    {&xbtab__kernel_neon, always}, /* part of the architecture */
#endif
    {&xbtab__kernel_c, always},
};

const xbtab_kernel_functions *xbtab_kernel_find(const char *isa)
{
    for (size_t k = 0; k < sizeof variants / sizeof variants[0]; k++) {
        if (isa && strcmp(isa, variants[k].functions->isa) != 0) continue;
        if (variants[k].is_there()) return variants[k].functions;
    }
    return NULL;
}
