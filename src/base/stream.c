/* stream.c - a file, plain or gzip, read piece by piece. */
#include "stream.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "input.h"

static xbtab_status fail_packed(const xbtab__stream *s)
{
    int code;
    const char *what = gzerror(s->file, &code);
    if (code == Z_MEM_ERROR) XBTAB_FAIL(XBTAB_ERR_NOMEM, "out of memory");
    if (code == Z_ERRNO) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot read: %s", s->path, strerror(errno));
    if (code == Z_BUF_ERROR) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: gzip file ends too early", s->path);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: damaged gzip file: %s", s->path, what);
}

xbtab_status xbtab__stream_open(xbtab__stream *out, const char *path)
{
    struct stat info;
    XBTAB_TRY(xbtab__input_check(path));
    if (stat(path, &info) != 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    *out = (xbtab__stream){.path = path, .bytes = (uint64_t)info.st_size};
    out->file = gzopen(path, "rb");
    if (!out->file) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    out->is_packed = gzdirect(out->file) == 0; /* looks at the first bytes */
    return XBTAB_OK;
}

void xbtab__stream_close(xbtab__stream *s)
{
    if (s->file) gzclose_r(s->file); /* what was wrong, reading told */
    *s = (xbtab__stream){0};
}

xbtab_status xbtab__stream_read(xbtab__stream *s, void *out, size_t n, size_t *got)
{
    static const size_t piece = (size_t)1 << 30; /* zlib counts in int */
    *got = 0;
    while (*got < n) {
        size_t want = n - *got < piece ? n - *got : piece;
        int read = gzread(s->file, (char *)out + *got, (unsigned)want);
        if (read < 0) return fail_packed(s);
        *got += (size_t)read;
        if ((size_t)read == want) continue;
        int code; /* the end, or that of a file that was cut */
        (void)gzerror(s->file, &code);
        return code == Z_OK || code == Z_STREAM_END ? XBTAB_OK : fail_packed(s);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__stream_skip(xbtab__stream *s, uint64_t n, uint64_t *got)
{
    char forgotten[1 << 14];
    size_t read = sizeof forgotten;
    for (*got = 0; *got < n && read == sizeof forgotten; *got += read) {
        size_t want = n - *got < sizeof forgotten ? (size_t)(n - *got) : sizeof forgotten;
        XBTAB_TRY(xbtab__stream_read(s, forgotten, want, &read));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__stream_rewind(xbtab__stream *s)
{
    return gzrewind(s->file) == 0 ? XBTAB_OK : fail_packed(s);
}
