/* output.c - files that appear whole or not at all. */
#include <xbartab/output.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"
#include "stale.h"

struct xbtab_output {
    char *given;  /* the name as it was given, for messages */
    char *path;   /* the name to be, links followed */
    char *beside; /* the name for now; NULL: written to as it is */
    FILE *stream;
};

static xbtab_status fail(const char *path, int reason)
{
    return xbtab__error_set(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
}

static void output_free(xbtab_output *o)
{
    if (o->stream) fclose(o->stream);
    xbtab__free(o->given);
    xbtab__free(o->path);
    xbtab__free(o->beside);
    xbtab__free(o);
}

/* Makes a new file beside and locks it. The number in its name is the process's, followed by digits that no
 * other run on the file has. */
static int open_beside(xbtab_output *o, mode_t mode)
{
    enum { TRIES = 1000 };
    size_t size = strlen(o->path) + 48;
    for (int k = 0; k < TRIES; k++) {
        snprintf(o->beside, size, k ? "%s.%ld%03d.tmp" : "%s.%ld.tmp", o->path, (long)getpid(), k);
        int file = open(o->beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file < 0 && errno == EEXIST) continue;
        if (file < 0) return -1;
        if (xbtab__claim(o->beside, file)) return file;
        close(file);
    }
    errno = EEXIST;
    return -1;
}

/* The target of a link, or the name itself. */
static char *follow(const char *path)
{
    struct stat info;
    char *target = lstat(path, &info) == 0 && S_ISLNK(info.st_mode) ? realpath(path, NULL) : NULL;
    char *copy = xbtab__strdup(target ? target : path);
    free(target);
    return copy;
}

xbtab_status xbtab_output_open(xbtab_output **out, const char *path)
{
    xbtab_status status = XBTAB_OK;
    struct stat info;
    bool is_there = stat(path, &info) == 0;
    xbtab_output *o = xbtab__alloc(1, sizeof *o);
    if (!o) return XBTAB_NOMEM();
    o->given = xbtab__strdup(path);
    o->path = follow(path);
    o->beside = o->path ? xbtab__alloc(strlen(o->path) + 48, 1) : NULL;
    if (!o->given || !o->path || !o->beside) {
        status = XBTAB_NOMEM();
        goto done;
    }
    int file;
    if (is_there && S_ISDIR(info.st_mode)) {
        status = fail(path, EISDIR);
        goto done;
    } else if (is_there && !S_ISREG(info.st_mode)) {
        xbtab__free(o->beside);
        o->beside = NULL;
        file = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        xbtab__remove_stale_files(o->path);
        file = open_beside(o, 0666);
    }
    o->stream = file >= 0 ? fdopen(file, "w") : NULL;
    if (!o->stream) {
        int reason = errno;
        if (file >= 0) close(file);
        if (file >= 0 && o->beside) unlink(o->beside);
        status = fail(path, reason);
        goto done;
    }
    if (is_there && o->beside) (void)!fchmod(file, info.st_mode & 0777); /* as the one that it replaces */
    *out = o;
    o = NULL;
done:
    if (o) output_free(o);
    return status;
}

FILE *xbtab_output_stream(xbtab_output *output)
{
    return output->stream;
}

const char *xbtab_output_name(const xbtab_output *output)
{
    return output->beside ? output->beside : output->path;
}

/* The new name is on the disk only when its folder is; where folders cannot be flushed there is no more to
 * do. */
static void flush_folder(const char *path)
{
    char *name = xbtab__strdup(path);
    if (!name) return;
    char *slash = strrchr(name, '/');
    if (slash) slash[slash == name] = '\0';
    int folder = open(slash ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        (void)!fsync(folder);
        close(folder);
    }
    xbtab__free(name);
}

/* Why a stream could not be written. It remembers that an earlier write failed, not why; what failed then
 * fails again. */
static int reason_of(FILE *stream)
{
    errno = 0;
    if (fflush(stream) != 0 && errno) return errno;
    if (!ferror(stream)) return 0;
    return write(fileno(stream), "\n", 1) < 0 && errno ? errno : EIO;
}

xbtab_status xbtab_output_finish(xbtab_output **output)
{
    xbtab_status status = XBTAB_OK;
    xbtab_output *o = *output;
    int reason = reason_of(o->stream);
    if (!reason && o->beside && fsync(fileno(o->stream)) != 0) reason = errno;
    /* renamed while it is still locked: nobody else takes it for a stale one */
    if (!reason && o->beside && rename(o->beside, o->path) != 0) reason = errno;
    if (reason && o->beside) unlink(o->beside);
    if (!reason && o->beside) flush_folder(o->path);
    if (reason) status = fail(o->given, reason);
    output_free(o);
    *output = NULL;
    return status;
}

void xbtab_output_discard(xbtab_output **output)
{
    if (!output || !*output) return;
    if ((*output)->beside) unlink((*output)->beside);
    output_free(*output);
    *output = NULL;
}

xbtab_status xbtab_output_write(const char *path, const void *bytes, size_t n)
{
    xbtab_output *o = NULL;
    XBTAB_TRY(xbtab_output_open(&o, path));
    if (n) fwrite(bytes, 1, n, o->stream); /* the stream remembers a failure */
    return xbtab_output_finish(&o);
}
