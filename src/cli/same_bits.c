/* same_bits.c - starts the program again with one libm for every processor. */
#include "same_bits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__GLIBC__) && defined(__x86_64__)
static const char variable[] = "GLIBC_TUNABLES", masks[] = "glibc.cpu.hwcaps=";
static const char off[] = "-FMA,-FMA4";

/* The user's own tunables, then the processor's features: the user's choice of them and ours. */
static char *compose(const char *users)
{
    const char *mask = "";
    size_t n = strlen(users) + sizeof masks + sizeof off + 8, used = 0, n_mask = 0;
    char *text = malloc(2 * n);
    if (!text) return NULL;
    for (const char *at = users; *at; at += strcspn(at, ":"), at += *at == ':') {
        size_t length = strcspn(at, ":");
        if (strncmp(at, masks, sizeof masks - 1) == 0) {
            mask = at + sizeof masks - 1;
            n_mask = length - (sizeof masks - 1);
        } else if (length > 0) {
            used += (size_t)snprintf(text + used, 2 * n - used, "%.*s:", (int)length, at);
        }
    }
    snprintf(text + used, 2 * n - used, "%s%.*s%s%s", masks, (int)n_mask, mask, n_mask ? "," : "", off);
    return text;
}

void cli_same_bits(char **argv)
{
    char program[4096];
    const char *users = getenv(variable);
    size_t n_users = users ? strlen(users) : 0;
    if (n_users >= sizeof off - 1 && strcmp(users + n_users - (sizeof off - 1), off) == 0) return;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *text = n > 0 ? compose(users ? users : "") : NULL;
    if (!text) return;
    program[n] = '\0';
    if (setenv(variable, text, 1) == 0) execv(program, argv);
    free(text);
}
#else
void cli_same_bits(char **argv)
{
    (void)argv;
}
#endif
