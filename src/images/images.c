/* images.c - IDX, CIFAR binary and .npy files. */
#include <xbartab/images.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "file.h"
#include "memory.h"
#include "npy_numbers.h"

enum {
    CIFAR_SIDE = 32,
    CIFAR_RECORD = 1 + 3 * CIFAR_SIDE * CIFAR_SIDE,
    IDX_IMAGES = 0x803,
    IDX_LABELS = 0x801,
    LARGEST_SIDE = 1 << 14
};

/* Unpacked bytes of one file: all of CIFAR-100 several times over. */
static const size_t largest_file = (size_t)2 << 30;

static uint32_t big_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static xbtab_status set_shape(xbtab_images *images, const char *path, size_t n, size_t channels,
                              size_t height, size_t width)
{
    if (n == 0 || channels == 0 || height == 0 || width == 0 || channels > LARGEST_SIDE ||
        height > LARGEST_SIDE || width > LARGEST_SIDE) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %zu images of %zu x %zu x %zu", path, n, channels, height, width);
    }
    images->n = n;
    images->channels = channels;
    images->height = height;
    images->width = width;
    images->pixel = xbtab__alloc(n * channels * height * width, sizeof *images->pixel);
    return images->pixel ? XBTAB_OK : XBTAB_NOMEM();
}

static void take_bytes(xbtab_images *images, size_t image, const char *from)
{
    size_t n = images->channels * images->height * images->width;
    for (size_t k = 0; k < n; k++) images->pixel[image * n + k] = (unsigned char)from[k];
    images->is_bytes = 1;
}

static size_t at_most(size_t n, size_t limit)
{
    return limit && limit < n ? limit : n;
}

static xbtab_status fail_length(const char *path, size_t body, size_t wanted)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its header says %zu bytes of data, but %zu follow", path, wanted, body);
}

static xbtab_status read_idx(xbtab_images *images, const char *path, const char *data, size_t n, size_t limit)
{
    if (n < 16) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends inside its IDX header", path);
    size_t count = big_endian(data + 4), height = big_endian(data + 8), width = big_endian(data + 12);
    if (height > LARGEST_SIDE || width > LARGEST_SIDE) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: images of %zu x %zu", path, height, width);
    }
    size_t size = height * width;
    if (size == 0 || n - 16 != count * size) return fail_length(path, n - 16, count * size);
    XBTAB_TRY(set_shape(images, path, at_most(count, limit), 1, height, width));
    for (size_t k = 0; k < images->n; k++) take_bytes(images, k, data + 16 + k * size);
    return XBTAB_OK;
}

static xbtab_status read_cifar(xbtab_images *images, const char *path, const char *data, size_t n,
                               size_t limit)
{
    if (n == 0 || n % CIFAR_RECORD != 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %zu bytes are no whole number of CIFAR records of %d bytes", path, n,
                   CIFAR_RECORD);
    }
    XBTAB_TRY(set_shape(images, path, at_most(n / CIFAR_RECORD, limit), 3, CIFAR_SIDE, CIFAR_SIDE));
    images->label = xbtab__alloc(images->n, sizeof *images->label);
    if (!images->label) return XBTAB_NOMEM();
    for (size_t k = 0; k < images->n; k++) {
        images->label[k] = (unsigned char)data[k * CIFAR_RECORD];
        take_bytes(images, k, data + k * CIFAR_RECORD + 1);
    }
    return XBTAB_OK;
}

/* ---- NumPy ---- */

typedef struct npy {
    char kind; /* 'f', 'i', 'u' or 'b' */
    bool is_big; /* the first byte of a number is its highest */
    int size;  /* bytes an element */
    int rank;
    size_t dim[4];
    size_t total; /* elements */
    const char *body;
} npy;

static xbtab_status parse_npy(npy *out, const char *path, const char *data, size_t n)
{
    static const char magic[] = "\x93NUMPY";
    *out = (npy){.total = 1};
    if (n < 12 || memcmp(data, magic, 6) != 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: not a .npy file", path);
    unsigned major = (unsigned char)data[6];
    size_t at = major == 1 ? 10 : 12;
    size_t length = (unsigned char)data[8] | (size_t)(unsigned char)data[9] << 8;
    if (major > 1) length |= (size_t)(unsigned char)data[10] << 16 | (size_t)(unsigned char)data[11] << 24;
    if (length > n - at || length > 65535)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: ends inside its .npy header", path);
    char *header = xbtab__alloc(length + 1, 1);
    if (!header) return XBTAB_NOMEM();
    memcpy(header, data + at, length);
    const char *type = strstr(header, "'descr': '"), *shape = strstr(header, "'shape': (");
    bool understood = type && shape && strstr(header, "'fortran_order': False");
    if (understood) {
        type += strlen("'descr': '");
        out->is_big = type[0] == '>';
        understood = (type[0] == '<' || type[0] == '|' || out->is_big) &&
                     sscanf(type + 1, "%c%d", &out->kind, &out->size) == 2;
        char *end = (char *)(uintptr_t)(shape + strlen("'shape': ("));
        while (understood && *end && *end != ')' && out->rank < 4) {
            size_t dim = strtoull(end, &end, 10);
            understood = dim > 0 && dim < SIZE_MAX / 16 / out->total;
            out->dim[out->rank++] = dim;
            if (understood) out->total *= dim;
            end += strspn(end, ", ");
        }
        understood = understood && *end == ')' && out->rank > 0;
    }
    xbtab__free(header);
    if (!understood) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: a .npy file must hold numbers in C order, of 1 to 4 axes", path);
    }
    out->body = data + at + length;
    size_t body = n - at - length;
    if (body != out->total * (size_t)out->size)
        return fail_length(path, body, out->total * (size_t)out->size);
    return XBTAB_OK;
}

static xbtab_status read_npy(xbtab_images *images, const char *path, const char *data, size_t n, size_t limit)
{
    npy file;
    XBTAB_TRY(parse_npy(&file, path, data, n));
    bool is_bytes = file.kind == 'u' && file.size == 1,
         is_float = file.kind == 'f' && (file.size == 2 || file.size == 4 || file.size == 8);
    if (!is_bytes && !is_float)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: images must be uint8, or float16, float32 or float64", path);
    if (file.rank < 2)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: images need 2 to 4 axes: image, channel, height, width", path);
    size_t channels = file.rank == 4 ? file.dim[1] : 1;
    size_t height = file.rank >= 3 ? file.dim[file.rank - 2] : 1, width = file.dim[file.rank - 1];
    XBTAB_TRY(set_shape(images, path, at_most(file.dim[0], limit), channels, height, width));
    size_t size = channels * height * width;
    for (size_t k = 0; k < images->n && is_bytes; k++) take_bytes(images, k, file.body + k * size);
    for (size_t k = 0; k < images->n * size && is_float; k++)
        images->pixel[k] = xbtab__npy_float(file.body + k * (size_t)file.size, file.size, file.is_big);
    return XBTAB_OK;
}

/* ---- labels ---- */

static xbtab_status fail_count(const char *path, size_t labels, size_t images)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %zu labels for %zu images", path, labels, images);
}

/* n_file: images in the image file, which a label file must match even where fewer are read. */
static xbtab_status read_idx_labels(xbtab_images *images, const char *path, const char *data, size_t n,
                                    size_t n_file)
{
    size_t count = n >= 8 ? big_endian(data + 4) : 0;
    if (n < 8 || n - 8 != count) return fail_length(path, n < 8 ? 0 : n - 8, count);
    if (count != n_file) return fail_count(path, count, n_file);
    for (size_t k = 0; k < images->n; k++) images->label[k] = (unsigned char)data[8 + k];
    return XBTAB_OK;
}

static xbtab_status read_npy_labels(xbtab_images *images, const char *path, const char *data, size_t n,
                                    size_t n_file)
{
    npy file;
    XBTAB_TRY(parse_npy(&file, path, data, n));
    if (file.kind != 'u' && file.kind != 'i')
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: labels must be integers", path);
    if (file.total != n_file) return fail_count(path, file.total, n_file);
    for (size_t k = 0; k < images->n; k++) {
        uint64_t value = xbtab__npy_bits(file.body + k * (size_t)file.size, file.size, file.is_big);
        if (value > INT32_MAX) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: label %zu is negative or too large", path, k);
        images->label[k] = (int32_t)value;
    }
    return XBTAB_OK;
}

static xbtab_status read_text_labels(xbtab_images *images, const char *path, const char *data, size_t n_file)
{
    size_t count = 0;
    for (const char *line = data; *line; count++) {
        char *end;
        errno = 0;
        long value = strtol(line, &end, 10);
        if (end == line || (*end != '\n' && *end != '\r' && *end != '\0') || value < 0 || value > INT32_MAX ||
            errno) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: labels are IDX, .npy, or one integer from 0 up a line", path,
                       count + 1);
        }
        if (count < images->n) images->label[count] = (int32_t)value;
        line = end + strspn(end, "\r\n");
    }
    return count == n_file ? XBTAB_OK : fail_count(path, count, n_file);
}

static xbtab_status read_labels(xbtab_images *images, const char *path, size_t n_file)
{
    char *data = NULL;
    size_t n = 0;
    xbtab_status status;
    XBTAB_TRY(xbtab__file_read_gz(&data, &n, path, largest_file));
    if (!images->label) images->label = xbtab__alloc(images->n, sizeof *images->label);
    if (!images->label) {
        status = XBTAB_NOMEM();
    } else if (n >= 4 && big_endian(data) == IDX_LABELS) {
        status = read_idx_labels(images, path, data, n, n_file);
    } else if (n >= 6 && memcmp(data, "\x93NUMPY", 6) == 0) {
        status = read_npy_labels(images, path, data, n, n_file);
    } else if (n >= 4 && data[0] == 0) {
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: magic 0x%08x; an IDX label file has 0x%08x", path,
                                  big_endian(data), IDX_LABELS);
    } else {
        status = read_text_labels(images, path, data, n_file);
    }
    xbtab__free(data);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static xbtab_status read_images(xbtab_images *images, const char *path, const char *data, size_t n,
                                size_t limit)
{
    if (n >= 6 && memcmp(data, "\x93NUMPY", 6) == 0) return read_npy(images, path, data, n, limit);
    if (n >= 4 && big_endian(data) == IDX_IMAGES) return read_idx(images, path, data, n, limit);
    if (ends_with(path, ".bin") || ends_with(path, ".bin.gz"))
        return read_cifar(images, path, data, n, limit);
    if (n < 4) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %zu bytes are no image file", path, n);
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "%s: magic 0x%08x; images are IDX (0x%08x), .npy, or CIFAR binary (*.bin, *.bin.gz)", path,
               big_endian(data), IDX_IMAGES);
}

static size_t images_in_file(const xbtab_images *images, const char *data, size_t n)
{
    npy file;
    if (n >= 4 && big_endian(data) == IDX_IMAGES) return big_endian(data + 4);
    if (parse_npy(&file, "", data, n) == XBTAB_OK) return file.dim[0];
    (void)images;
    return n / CIFAR_RECORD;
}

xbtab_status xbtab_images_open(xbtab_images **out, const char *path, const char *labels, size_t limit)
{
    xbtab_status status;
    char *data = NULL;
    size_t n = 0;
    XBTAB_TRY(xbtab__file_read_gz(&data, &n, path, largest_file));
    xbtab_images *images = xbtab__alloc(1, sizeof *images);
    if (!images) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(read_images(images, path, data, n, limit));
    if (labels) XBTAB_TRY_DONE(read_labels(images, labels, images_in_file(images, data, n)));
    *out = images;
    images = NULL;
done:
    xbtab__free(data);
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
