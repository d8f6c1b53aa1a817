/* stream.h - a file, plain or gzip, read piece by piece: memory does not depend on what it unpacks to. */
#ifndef XBTAB_BASE_STREAM_H
#define XBTAB_BASE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"

typedef struct xbtab__stream {
    const char *path; /* borrowed */
    void *file;       /* zlib's */
    bool is_packed;
    uint64_t bytes; /* of the file as it lies there; of a plain one, all that there is to read */
} xbtab__stream;

/** Open a regular file. @return XBTAB_ERR_IO (missing, unreadable, no regular file), XBTAB_ERR_INPUT (a gzip
 * file that is damaged at its start), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__stream_open(xbtab__stream *out, const char *path) XBTAB_MUST_CHECK;
void xbtab__stream_close(xbtab__stream *stream);

/** Read up to n bytes. @param[out] got  fewer than n only at the end. @return XBTAB_ERR_INPUT (a gzip file
 * that is damaged, or ends too early). */
xbtab_status xbtab__stream_read(xbtab__stream *stream, void *out, size_t n, size_t *got) XBTAB_MUST_CHECK;

/** Read up to n bytes and forget them. */
xbtab_status xbtab__stream_skip(xbtab__stream *stream, uint64_t n, uint64_t *got) XBTAB_MUST_CHECK;

/** Back to the first byte. */
xbtab_status xbtab__stream_rewind(xbtab__stream *stream) XBTAB_MUST_CHECK;

#endif
