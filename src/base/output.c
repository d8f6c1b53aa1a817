/* output.c - files that appear complete or not at all. */
#include <xbartab/output.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"

static xbtab_status write_in_place(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "we");
    bool is_bad = !file || fwrite(bytes, 1, n, file) != n || fflush(file) != 0;
    int reason = errno;
    if (file && fclose(file) != 0 && !is_bad) {
        is_bad = true;
        reason = errno;
    }
    if (is_bad) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
    return XBTAB_OK;
}

xbtab_status xbtab_output_write(const char *path, const void *bytes, size_t n)
{
    struct stat info;
    bool is_plain = stat(path, &info) != 0 || S_ISREG(info.st_mode);
    return is_plain ? xbtab__file_write(path, bytes, n) : write_in_place(path, bytes, n);
}
