/* output.c - where files may be written. */
#include <xbartab/output.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"

/* The folder that a file stands in. */
static xbtab_status check_folder(const char *path)
{
    struct stat info;
    const char *slash = strrchr(path, '/');
    char *folder = xbtab__strdup(slash ? path : ".");
    if (!folder) return XBTAB_NOMEM();
    if (slash) folder[slash == path ? 1 : slash - path] = '\0';
    int reason = stat(folder, &info) != 0           ? errno
                 : !S_ISDIR(info.st_mode)           ? ENOTDIR
                 : access(folder, W_OK | X_OK) != 0 ? errno
                                                    : 0;
    xbtab__free(folder);
    if (reason) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
    return XBTAB_OK;
}

xbtab_status xbtab_output_check(const char *path)
{
    struct stat info;
    if (!*path) XBTAB_FAIL(XBTAB_ERR_IO, "\"\": cannot write: the file has no name");
    if (stat(path, &info) != 0) return check_folder(path);
    if (!S_ISREG(info.st_mode))
        XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: it is %s", path,
                   S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
    return check_folder(path);
}

xbtab_status xbtab_output_write(const char *path, const void *data, size_t n)
{
    XBTAB_TRY(xbtab_output_check(path));
    return xbtab__file_write(path, data, n);
}
