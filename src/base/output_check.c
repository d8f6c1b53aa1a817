/* output_check.c - whether a file can be written. */
#include <xbartab/output_check.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

/* The folder that a file stands in. */
static xbtab_status check_folder(const char *path)
{
    struct stat info;
    const char *slash = strrchr(path, '/');
    char *folder = xbtab__strdup(slash ? path : ".");
    if (!folder) return XBTAB_NOMEM();
    if (slash) folder[slash == path ? 1 : slash - path] = '\0';
    int reason = stat(folder, &info) != 0 ? errno : 0;
    if (!reason && !S_ISDIR(info.st_mode)) reason = ENOTDIR;
    if (!reason && access(folder, W_OK | X_OK) != 0) reason = errno;
    xbtab__free(folder);
    if (reason) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
    return XBTAB_OK;
}

xbtab_status xbtab_output_check(const char *path)
{
    struct stat info;
    bool is_there = stat(path, &info) == 0;
    int reason = !*path ? ENOENT : is_there && S_ISDIR(info.st_mode) ? EISDIR : 0;
    /* a device or a pipe is written to where it is */
    if (!reason && is_there && !S_ISREG(info.st_mode) && access(path, W_OK) != 0) reason = errno;
    if (reason) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
    return is_there && !S_ISREG(info.st_mode) ? XBTAB_OK : check_folder(path);
}
