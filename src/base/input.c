/* input.c - opening files that are read. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

static xbtab_status open_regular(int *out, const char *path)
{
    struct stat info;
    /* a pipe without a writer, or a modem's line, would keep open() waiting */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0 && errno == ENXIO) XBTAB_FAIL(XBTAB_ERR_IO, "%s: not a regular file", path);
    if (file < 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    bool is_known = fstat(file, &info) == 0;
    if (is_known && S_ISREG(info.st_mode)) {
        *out = file;
        return XBTAB_OK;
    }
    close(file);
    XBTAB_FAIL(XBTAB_ERR_IO, "%s: not a regular file, but %s", path,
               is_known ? kind_of(info.st_mode) : "unknown");
}

xbtab_status xbtab__input_open(FILE **out, const char *path)
{
    int file;
    XBTAB_TRY(open_regular(&file, path));
    *out = fdopen(file, "rb");
    if (*out) return XBTAB_OK;
    int reason = errno;
    close(file);
    XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot open: %s", path, strerror(reason));
}

xbtab_status xbtab__input_check(const char *path)
{
    int file;
    XBTAB_TRY(open_regular(&file, path));
    close(file);
    return XBTAB_OK;
}
