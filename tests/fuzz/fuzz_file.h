/* fuzz_file.h - the fuzzer's bytes as a file, for readers that take a path. */
#ifndef XBTAB_TESTS_FUZZ_FILE_H
#define XBTAB_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One file a process, in memory where /dev/shm is; returns its path. */
static inline const char *fuzz_file(const uint8_t *data, size_t n, const char *ending)
{
    static char path[64];
    snprintf(path, sizeof path, "/dev/shm/xbartab-fuzz-%ld%s", (long)getpid(), ending);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0) abort();
    return path;
}

#endif
