/* images.c - IDX, CIFAR binary and .npy files, read image by image: what is not asked for is not kept. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_files.h"
#include "npy_numbers.h"

enum {
    CIFAR_SIDE = 32,
    CIFAR_RECORD = 1 + 3 * CIFAR_SIDE * CIFAR_SIDE,
    IDX_IMAGES = 0x803,
    LARGEST_SIDE = 1 << 14,
    LONGEST_HEADER = 65535, /* of a .npy file */
    PIECE = 1 << 14         /* bytes that become pixels at once */
};

/* What one file's images may take. Digits unpack to 5 times their packed size, photographs to less than 2. */
static const uint64_t largest_body = (uint64_t)2 << 30, packed_free = (uint64_t)16 << 20, packed_times = 64;

xbtab_status xbtab__fail_length(const char *path, uint64_t body, uint64_t wanted)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its header says %llu bytes of data, but %llu follow", path,
               (unsigned long long)wanted, (unsigned long long)body);
}

xbtab_status xbtab__body_check(const xbtab__stream *s, uint64_t header, uint64_t wanted)
{
    if (s->is_packed || s->bytes - header == wanted) return XBTAB_OK;
    return xbtab__fail_length(s->path, s->bytes - header, wanted);
}

xbtab_status xbtab__body_end(xbtab__stream *s, uint64_t wanted)
{
    char more;
    size_t got;
    XBTAB_TRY(xbtab__stream_read(s, &more, 1, &got));
    if (got == 0) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its header says %llu bytes of data, but more follow", s->path,
               (unsigned long long)wanted);
}

/* ---- room for what is asked for ---- */

uint64_t xbtab__most_unpacked(const xbtab__stream *s)
{
    return packed_free + packed_times * s->bytes;
}

/* Refuse what the file's size does not account for, before any memory is taken. */
static xbtab_status check_room(const xbtab__stream *s, uint64_t bytes)
{
    uint64_t most = xbtab__most_unpacked(s);
    if (bytes > largest_body) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: %llu bytes of images; at most %llu are read at once, --limit reads fewer", s->path,
                   (unsigned long long)bytes, (unsigned long long)largest_body);
    }
    if (s->is_packed && bytes > most) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: %llu bytes of images in a gzip file of %llu; at most %llu times its size and %llu "
                   "bytes are unpacked: --limit reads fewer, gunzip lifts the bound",
                   s->path, (unsigned long long)bytes, (unsigned long long)s->bytes,
                   (unsigned long long)packed_times, (unsigned long long)packed_free);
    }
    return XBTAB_OK;
}

/* Room for the first n images, of `size` bytes a pixel in the file; limit 0 = all. */
static xbtab_status set_shape(xbtab_images *images, const xbtab__stream *s, uint64_t n, size_t limit,
                              const size_t *shape, size_t size)
{
    if (limit && limit < n) n = limit;
    if (n == 0 || shape[0] == 0 || shape[1] == 0 || shape[2] == 0 || shape[0] > LARGEST_SIDE ||
        shape[1] > LARGEST_SIDE || shape[2] > LARGEST_SIDE) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %llu images of %zu x %zu x %zu; sides from 1 to %d are supported",
                   s->path, (unsigned long long)n, shape[0], shape[1], shape[2], LARGEST_SIDE);
    }
    uint64_t image = (uint64_t)shape[0] * shape[1] * shape[2] * size; /* below 2^46 */
    XBTAB_TRY(check_room(s, n > UINT64_MAX / image ? UINT64_MAX : n * image));
    images->n = (size_t)n;
    images->channels = shape[0];
    images->height = shape[1];
    images->width = shape[2];
    images->pixel = xbtab__alloc((size_t)(n * image / size), sizeof *images->pixel);
    return images->pixel ? XBTAB_OK : XBTAB_NOMEM();
}

/* n pixels from bytes. @return XBTAB_ERR_INPUT where the file ends before. */
static xbtab_status take_bytes(xbtab__stream *s, size_t n, float *pixel)
{
    unsigned char piece[PIECE];
    size_t got = 0;
    for (size_t k = 0; k < n; k += got, pixel += got) {
        XBTAB_TRY(xbtab__stream_read(s, piece, n - k < PIECE ? n - k : PIECE, &got));
        if (got == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends before its images do", s->path);
        for (size_t c = 0; c < got; c++) pixel[c] = piece[c];
    }
    return XBTAB_OK;
}

/* All images from a body of bytes without gaps. */
static xbtab_status take_body(xbtab_images *images, xbtab__stream *s, uint64_t n_file, uint64_t body)
{
    size_t image = images->channels * images->height * images->width;
    images->is_bytes = 1;
    XBTAB_TRY(take_bytes(s, images->n * image, images->pixel));
    return images->n == n_file ? xbtab__body_end(s, body) : XBTAB_OK;
}

/* ---- IDX ---- */

static xbtab_status read_idx(xbtab_images *images, xbtab__stream *s, size_t limit, uint64_t *n_file)
{
    unsigned char head[16];
    size_t got;
    XBTAB_TRY(xbtab__stream_read(s, head, sizeof head, &got));
    if (got < sizeof head) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends inside its IDX header", s->path);
    const size_t shape[3] = {1, xbtab__big_endian(head + 8), xbtab__big_endian(head + 12)};
    *n_file = xbtab__big_endian(head + 4);
    if (shape[1] > LARGEST_SIDE || shape[2] > LARGEST_SIDE)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: images of %zu x %zu", s->path, shape[1], shape[2]);
    uint64_t body = *n_file * shape[1] * shape[2];
    XBTAB_TRY(xbtab__body_check(s, sizeof head, body));
    XBTAB_TRY(set_shape(images, s, *n_file, limit, shape, 1));
    return take_body(images, s, *n_file, body);
}

/* ---- CIFAR ---- */

/* Records in the file; of a packed one no more than are asked for. */
static xbtab_status count_records(xbtab__stream *s, size_t limit, bool needs_count, uint64_t *out)
{
    const uint64_t bound = xbtab__most_unpacked(s) / CIFAR_RECORD + 1;
    uint64_t bytes = s->bytes, most = limit && !needs_count && limit < bound ? limit : bound;
    if (s->is_packed) {
        XBTAB_TRY(xbtab__stream_skip(s, most * CIFAR_RECORD, &bytes));
        XBTAB_TRY(xbtab__stream_rewind(s));
        if (bytes >= bound * CIFAR_RECORD) return check_room(s, bytes);
    }
    *out = bytes / CIFAR_RECORD;
    if (bytes > 0 && bytes % CIFAR_RECORD == 0) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %llu bytes are no whole number of CIFAR records of %d bytes", s->path,
               (unsigned long long)bytes, CIFAR_RECORD);
}

/* needs_count: *n_file is wanted where fewer images are. */
static xbtab_status read_cifar(xbtab_images *images, xbtab__stream *s, size_t limit, bool needs_count,
                               uint64_t *n_file)
{
    const size_t shape[3] = {3, CIFAR_SIDE, CIFAR_SIDE}, image = CIFAR_RECORD - 1;
    unsigned char label;
    size_t got;
    XBTAB_TRY(count_records(s, limit, needs_count, n_file));
    XBTAB_TRY(set_shape(images, s, *n_file, limit, shape, 1));
    images->is_bytes = 1;
    images->label = xbtab__alloc(images->n, sizeof *images->label);
    if (!images->label) return XBTAB_NOMEM();
    for (size_t k = 0; k < images->n; k++) {
        XBTAB_TRY(xbtab__stream_read(s, &label, 1, &got));
        if (got == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends before its images do", s->path);
        images->label[k] = label;
        XBTAB_TRY(take_bytes(s, image, images->pixel + k * image));
    }
    return XBTAB_OK;
}

/* ---- NumPy ---- */

static bool parse_header(xbtab__npy *out, const char *header)
{
    const char *type = strstr(header, "'descr': '"), *shape = strstr(header, "'shape': (");
    if (!type || !shape || !strstr(header, "'fortran_order': False")) return false;
    type += strlen("'descr': '");
    out->is_big = type[0] == '>';
    if ((type[0] != '<' && type[0] != '|' && !out->is_big) ||
        sscanf(type + 1, "%c%d", &out->kind, &out->size) != 2)
        return false;
    if (out->size < 1 || out->size > 16) return false;
    char *end = (char *)(uintptr_t)(shape + strlen("'shape': ("));
    while (*end && *end != ')' && out->rank < 4) {
        size_t dim = *end >= '0' && *end <= '9' ? strtoull(end, &end, 10) : 0;
        if (dim == 0 || dim >= SIZE_MAX / 16 / out->total) return false;
        out->dim[out->rank++] = dim;
        out->total *= dim;
        end += strspn(end, ", ");
    }
    out->bytes = (uint64_t)out->total * (uint64_t)out->size;
    return *end == ')' && out->rank > 0;
}

xbtab_status xbtab__npy_read(xbtab__npy *out, xbtab__stream *s)
{
    unsigned char head[12] = {0};
    size_t got, more, length;
    *out = (xbtab__npy){.total = 1};
    XBTAB_TRY(xbtab__stream_read(s, head, 10, &got));
    if (got < 10 || memcmp(head, XBTAB__NPY_MAGIC, 6) != 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: not a .npy file", s->path);
    length = head[8] | (size_t)head[9] << 8;
    if (head[6] > 1) {
        XBTAB_TRY(xbtab__stream_read(s, head + 10, 2, &more));
        got += more;
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    char *header = length <= LONGEST_HEADER ? xbtab__alloc(length + 1, 1) : NULL;
    if (length > LONGEST_HEADER) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends inside its .npy header", s->path);
    if (!header) return XBTAB_NOMEM();
    xbtab_status status = xbtab__stream_read(s, header, length, &more);
    bool is_whole = more == length, understood = status == XBTAB_OK && is_whole && parse_header(out, header);
    xbtab__free(header);
    if (status < 0) return status;
    if (!is_whole) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends inside its .npy header", s->path);
    if (!understood) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: a .npy file must hold numbers in C order, of 1 to 4 axes", s->path);
    }
    return xbtab__body_check(s, got + length, out->bytes);
}

/* Not a number is no pixel: nothing behind it would be a result. */
static xbtab_status check_finite(const xbtab_images *images, const char *path)
{
    size_t size = images->channels * images->height * images->width;
    for (size_t k = 0; k < images->n * size; k++) {
        if (isfinite(images->pixel[k])) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: image %zu: number %zu of %zu is %g; pixels must be finite", path,
                   k / size, k % size, size, (double)images->pixel[k]);
    }
    return XBTAB_OK;
}

/* n pixels from floats. */
static xbtab_status take_floats(xbtab__stream *s, const xbtab__npy *file, size_t n, float *pixel)
{
    unsigned char piece[PIECE]; /* a whole number of floats */
    const size_t size = (size_t)file->size, most = PIECE / size;
    size_t got = 0;
    for (size_t k = 0; k < n; k += got / size) {
        const size_t want = size * (n - k < most ? n - k : most);
        XBTAB_TRY(xbtab__stream_read(s, piece, want, &got));
        if (got < want) return xbtab__fail_length(s->path, k * size + got, file->bytes);
        for (size_t c = 0; c < got / size; c++)
            pixel[k + c] = xbtab__npy_float(piece + c * size, file->size, file->is_big);
    }
    return XBTAB_OK;
}

static xbtab_status read_npy(xbtab_images *images, xbtab__stream *s, size_t limit, uint64_t *n_file)
{
    xbtab__npy file;
    XBTAB_TRY(xbtab__npy_read(&file, s));
    bool is_bytes = file.kind == 'u' && file.size == 1,
         is_float = file.kind == 'f' && (file.size == 2 || file.size == 4 || file.size == 8);
    if (!is_bytes && !is_float)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: images must be uint8, or float16, float32 or float64", s->path);
    if (file.rank < 2)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: images need 2 to 4 axes: image, channel, height, width", s->path);
    const size_t shape[3] = {file.rank == 4 ? file.dim[1] : 1, file.rank >= 3 ? file.dim[file.rank - 2] : 1,
                             file.dim[file.rank - 1]};
    *n_file = file.dim[0];
    XBTAB_TRY(set_shape(images, s, *n_file, limit, shape, (size_t)file.size));
    if (is_bytes) return take_body(images, s, *n_file, file.bytes);
    XBTAB_TRY(take_floats(s, &file, images->n * shape[0] * shape[1] * shape[2], images->pixel));
    if (images->n == *n_file) XBTAB_TRY(xbtab__body_end(s, file.bytes));
    return check_finite(images, s->path);
}

/* ---- any kind ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static xbtab_status read_images(xbtab_images *images, xbtab__stream *s, size_t limit, bool needs_count,
                                uint64_t *n_file)
{
    unsigned char head[6] = {0};
    size_t n;
    XBTAB_TRY(xbtab__stream_read(s, head, sizeof head, &n));
    XBTAB_TRY(xbtab__stream_rewind(s));
    if (n >= 6 && memcmp(head, XBTAB__NPY_MAGIC, 6) == 0) return read_npy(images, s, limit, n_file);
    if (n >= 4 && xbtab__big_endian(head) == IDX_IMAGES) return read_idx(images, s, limit, n_file);
    if (ends_with(s->path, ".bin") || ends_with(s->path, ".bin.gz"))
        return read_cifar(images, s, limit, needs_count, n_file);
    if (n < 4) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %zu bytes are no image file", s->path, n);
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "%s: magic 0x%08x; images are IDX (0x%08x), .npy, or CIFAR binary (*.bin, *.bin.gz)", s->path,
               xbtab__big_endian(head), IDX_IMAGES);
}

xbtab_status xbtab_images_open(xbtab_images **out, const char *path, const char *labels, size_t limit)
{
    xbtab_status status;
    xbtab__stream s;
    uint64_t n_file = 0;
    XBTAB_TRY(xbtab__stream_open(&s, path));
    xbtab_images *images = xbtab__alloc(1, sizeof *images);
    if (!images) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(read_images(images, &s, limit, labels != NULL, &n_file));
    if (labels) XBTAB_TRY_DONE(xbtab__labels_read(images, labels, n_file));
    *out = images;
    images = NULL;
done:
    xbtab__stream_close(&s);
    xbtab_images_destroy(&images);
    return status;
}

void xbtab_images_destroy(xbtab_images **images)
{
    if (!images || !*images) return;
    xbtab__free((*images)->pixel);
    xbtab__free((*images)->label);
    xbtab__free(*images);
    *images = NULL;
}
