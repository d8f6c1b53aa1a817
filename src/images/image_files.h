/* image_files.h - what the readers of images and labels share. */
#ifndef XBTAB_NET_IMAGE_FILES_H
#define XBTAB_NET_IMAGE_FILES_H

#include <stdbool.h>

#include <xbartab/images.h>

#include "check.h"
#include "memory.h"
#include "stream.h"

#define XBTAB__NPY_MAGIC "\x93NUMPY"

static inline uint32_t xbtab__big_endian(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/** What a .npy file's header says. */
typedef struct xbtab__npy {
    char kind;   /* 'f', 'i', 'u' or 'b' */
    bool is_big; /* the first byte of a number is its highest */
    int size;    /* bytes an element */
    int rank;
    size_t dim[4];
    size_t total;   /* elements */
    uint64_t bytes; /* of them */
} xbtab__npy;

/** Read the header; the stream then stands at the first element. A plain file's length is checked. */
xbtab_status xbtab__npy_read(xbtab__npy *out, xbtab__stream *stream) XBTAB_MUST_CHECK;

/** Bytes that may come out of a packed file. */
uint64_t xbtab__most_unpacked(const xbtab__stream *stream);

/** XBTAB_ERR_INPUT: a header that says other than what follows. */
xbtab_status xbtab__fail_length(const char *path, uint64_t body, uint64_t wanted);

/** A plain file must have a body of so many bytes behind its header; of a packed one only reading tells. */
xbtab_status xbtab__body_check(const xbtab__stream *stream, uint64_t header,
                               uint64_t wanted) XBTAB_MUST_CHECK;

/** The stream must end here. */
xbtab_status xbtab__body_end(xbtab__stream *stream, uint64_t wanted) XBTAB_MUST_CHECK;

/** Read the first images->n labels of a file that must have n_file of them. */
xbtab_status xbtab__labels_read(xbtab_images *images, const char *path, uint64_t n_file) XBTAB_MUST_CHECK;

#endif
